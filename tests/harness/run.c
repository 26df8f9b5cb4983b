/* SPDX-License-Identifier: MIT */
/* run.c - hands the registered suites to CUnit, watches over them and reports. */
#include "expect.h"
#include "hang.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#define TIMEOUT_S 120

enum { FIRST = 8 };

static void (*first[FIRST])(char **argv);
static unsigned first_count;

static test_suite *first_suite;
static test_suite **last_link = &first_suite;
static unsigned timeout_s = TIMEOUT_S;
static const char *volatile watched = "";

void test_first(void (*run)(char **argv))
{
    if (first_count == FIRST)
        abort();
    first[first_count++] = run;
}

void test_begin(char **argv)
{
    for (unsigned i = 0; i < first_count; i++)
        first[i](argv);
}

void test_register(test_suite *suite)
{
    *last_link = suite;
    last_link = &suite->next;
}

/* ---- hangs -------------------------------------------------------------------------- */

static void say(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

/* First what a signal handler may call; then there is nothing left to lose. */
static void on_alarm(int signal_number)
{
    (void)signal_number;
    say("\nhangs: ");
    say(watched);
    say("\n");
    hang_show(); /* NOLINT(bugprone-signal-handler) */
    abort();
}

static void start_watch(void)
{
    watched = CU_get_current_test()->pName;
    alarm(timeout_s);
}

void test_goes_on(void)
{
    alarm(timeout_s);
}

static void stop_watch(void)
{
    alarm(0);
}

static bool read_timeout(void)
{
    const char *text = getenv("WEIR_TEST_TIMEOUT");
    char *end;
    if (!text)
        return true;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value > INT_MAX) {
        fprintf(stderr, "WEIR_TEST_TIMEOUT=%s is not a number of seconds\n", text);
        return false;
    }
    timeout_s = (unsigned)value;
    return true;
}

/* ---- choice and run ------------------------------------------------------------------- */

static bool is_chosen(const test_suite *suite, const test_case *test, int argc, char **argv)
{
    if (argc <= 1)
        return true;
    for (int i = 1; i < argc; i++)
        if (strstr(suite->title, argv[i]) || strstr(test->name, argv[i]))
            return true;
    return false;
}

/* The number of tests that were added; -1 when CUnit refuses one. */
static int add_suite(const test_suite *suite, int argc, char **argv)
{
    CU_pSuite added = NULL;
    int n = 0;
    for (size_t i = 0; i < suite->n; i++) {
        const test_case *test = &suite->cases[i];
        if (!is_chosen(suite, test, argc, argv))
            continue;
        if (!added)
            added = CU_add_suite_with_setup_and_teardown(suite->title, NULL, NULL, start_watch,
                                                         stop_watch);
        if (!added || !CU_add_test(added, test->name, test->run) || CU_get_error() != CUE_SUCCESS) {
            fprintf(stderr, "%s: %s: %s\n", suite->title, test->name, CU_get_error_msg());
            return -1;
        }
        n++;
    }
    return n;
}

static bool add_suites(int argc, char **argv)
{
    int total = 0;
    for (const test_suite *suite = first_suite; suite; suite = suite->next) {
        int n = add_suite(suite, argc, argv);
        if (n < 0)
            return false;
        total += n;
    }
    if (total == 0)
        fprintf(stderr, "no test is chosen\n");
    return total > 0;
}

static bool run_suites(void)
{
    CU_basic_set_mode(CU_BRM_VERBOSE);
    if (CU_basic_run_tests() != CUE_SUCCESS) {
        fprintf(stderr, "%s\n", CU_get_error_msg());
        return false;
    }
    return CU_get_number_of_tests_failed() == 0 && CU_get_number_of_suites_failed() == 0;
}

int test_main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!read_timeout() || signal(SIGALRM, on_alarm) == SIG_ERR)
        return EXIT_FAILURE;
    if (CU_initialize_registry() != CUE_SUCCESS) {
        fprintf(stderr, "%s\n", CU_get_error_msg());
        return EXIT_FAILURE;
    }
    hang_prepare();
    expect_note_stack();
    expect_in_children();
    bool passed = add_suites(argc, argv) && run_suites();
    CU_cleanup_registry();
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
