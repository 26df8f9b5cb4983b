/* SPDX-License-Identifier: MIT */
/*
 * expect.c - the expectations, recorded with CUnit.
 *
 * CUnit counts and lists its assertions without a lock, and leaves a test by longjmp();
 * here one lock lets every thread and actor assert, and only code that runs on the stack
 * from which CUnit called the test jumps.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/TestRun.h>
#include <weir/error.h>

static pthread_mutex_t recording = PTHREAD_MUTEX_INITIALIZER;
static uintptr_t stack_low, stack_high;

static void begin_fork(void)
{
    pthread_mutex_lock(&recording);
}

static void end_fork(void)
{
    pthread_mutex_unlock(&recording);
}

/* A child may expect as well: it must not find the lock held by a thread that it does not have. */
void expect_in_children(void)
{
    if (pthread_atfork(begin_fork, end_fork, end_fork) != 0)
        abort();
}

void expect_note_stack(void)
{
    pthread_attr_t attributes;
    void *base = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        abort();
    pthread_attr_getstack(&attributes, &base, &size);
    pthread_attr_destroy(&attributes);
    stack_low = (uintptr_t)base;
    stack_high = stack_low + size;
}

static bool may_jump(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here >= stack_low && here < stack_high;
}

static void leave_test(test_place place, const char *what)
{
    if (may_jump())
        longjmp(*CU_get_current_test()->pJumpBuf, 1);
    fprintf(stderr, "\n%s:%u: %s\nrequired outside of the test's own stack: cannot go on\n",
            place.file, place.line, what);
    abort();
}

static void record(test_place place, bool holds, const char *what)
{
    pthread_mutex_lock(&recording);
    CU_assertImplementation(holds, place.line, what, place.file, "", CU_FALSE);
    pthread_mutex_unlock(&recording);
}

__attribute__((format(printf, 3, 4))) static void fail(test_place place, bool required,
                                                       const char *format, ...)
{
    char what[512];
    va_list values;
    va_start(values, format);
    vsnprintf(what, sizeof what, format, values);
    va_end(values);
    record(place, false, what);
    if (required)
        leave_test(place, what);
}

bool test_true(test_place place, bool holds, const char *what, bool required)
{
    if (holds)
        record(place, true, what);
    else
        fail(place, required, "%s", what);
    return holds;
}

/* The digits of an integer of either sign; 24 bytes hold the longest. */
static const char *digits(char *text, test_integer value)
{
    if (value.negative)
        snprintf(text, 24, "%lld", (long long)value.bits);
    else
        snprintf(text, 24, "%llu", value.bits);
    return text;
}

bool test_equal(test_place place, const char *what, test_integer actual, test_integer expected,
                bool required)
{
    char got[24], wanted[24];
    bool holds = actual.bits == expected.bits && actual.negative == expected.negative;
    if (holds)
        record(place, true, what);
    else
        fail(place, required, "%s is %s, expected %s", what, digits(got, actual),
             digits(wanted, expected));
    return holds;
}

bool test_rc(test_place place, const char *what, int actual, int expected, bool required)
{
    bool holds = actual == expected;
    if (holds)
        record(place, true, what);
    else
        fail(place, required, "%s is %s (%d), expected %s (%d)", what, weir_error_name(actual),
             actual, weir_error_name(expected), expected);
    return holds;
}

bool test_string(test_place place, const char *what, const char *actual, const char *expected,
                 bool required)
{
    bool holds = actual && expected ? strcmp(actual, expected) == 0 : actual == expected;
    if (holds)
        record(place, true, what);
    else
        fail(place, required, "%s is \"%s\", expected \"%s\"", what, actual ? actual : "(null)",
             expected ? expected : "(null)");
    return holds;
}
