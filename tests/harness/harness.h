/* SPDX-License-Identifier: MIT */
/*
 * harness.h - how a test file says what it tests.
 *
 *     static void refuses_zero(void) { EXPECT_RC(..., WEIR_EINVAL); }
 *
 *     TEST_SUITE(open, "open",
 *                {"F034 open: an item size of 0 is refused", refuses_zero},
 *                {"F034 open: ...", ...});
 *
 * TEST_SUITE registers its cases before main() by a constructor, so a new file needs no
 * list to be edited. The names begin with the row of the specification. The tests are
 * run by CUnit, and CU_ASSERT and its kin may be used beside the macros below.
 *
 * EXPECT_* record a failure with the values and go on; REQUIRE_* leave the test as well.
 * Both may be used from any thread and any actor; a REQUIRE_* that fails elsewhere than
 * on the main thread's own stack cannot leave the test, and ends the program instead.
 */
#ifndef WEIR_TESTS_HARNESS_H
#define WEIR_TESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>

#include <CUnit/CUnit.h>

typedef struct test_case {
    const char *name;
    void (*run)(void);
} test_case;

typedef struct test_suite {
    const char *title;
    const test_case *cases;
    size_t n;
    struct test_suite *next;
} test_suite;

#define TEST_SUITE(ident, title, ...)                                                              \
    static const test_case ident##_cases[] = {__VA_ARGS__};                                        \
    static test_suite ident##_suite = {(title), ident##_cases,                                     \
                                       sizeof ident##_cases / sizeof ident##_cases[0], NULL};      \
    __attribute__((constructor)) static void ident##_register(void)                                \
    {                                                                                              \
        test_register(&ident##_suite);                                                             \
    }                                                                                              \
    struct test_suite /* takes the semicolon */

void test_register(test_suite *suite);

/*
 * test_main - runs the registered tests and prints CUnit's summary; what main() returns.
 * Each argument selects the tests whose name, or whose suite's title, contains it. A test
 * that lasts longer than WEIR_TEST_TIMEOUT seconds (120; 0: no limit) aborts the program.
 */
int test_main(int argc, char **argv);

/*
 * test_first - called by constructors: main() begins with run(argv). For tests that start their own
 * program again, which is then to be something else and exits, or, if it is not asked to be,
 * returns.
 */
void test_first(void (*run)(char **argv));
void test_begin(char **argv); /* by main() */

/*
 * A part of the test is done: the time for the next begins. A test of many parts, each with
 * many turns of threads, is slow on a machine that is busy with something else, and does not hang.
 */
void test_goes_on(void);

/*
 * on_yield    - call run(arg) when this thread yields the next time, by sched_yield(): it waits for
 *               somebody in a spin loop of the library, and run() is what that one does meanwhile.
 * has_yielded - it has been called.
 */
void on_yield(void (*run)(void *arg), void *arg);
bool has_yielded(void);

/* ---- expectations ------------------------------------------------------------------ */

#define EXPECT(condition) test_true(TEST_HERE, (condition), #condition, false)
#define REQUIRE(condition) test_true(TEST_HERE, (condition), #condition, true)

/* What cannot be put into a condition: a place that must not be reached. */
#define FAIL(text) test_true(TEST_HERE, false, (text), false)

/* Integers of any type and sign. */
#define EXPECT_EQ(actual, expected)                                                                \
    test_equal(TEST_HERE, #actual, TEST_INTEGER(actual), TEST_INTEGER(expected), false)
#define REQUIRE_EQ(actual, expected)                                                               \
    test_equal(TEST_HERE, #actual, TEST_INTEGER(actual), TEST_INTEGER(expected), true)

/* A result of weir: printed by the name of the error. */
#define EXPECT_RC(actual, expected) test_rc(TEST_HERE, #actual, (actual), (expected), false)
#define REQUIRE_RC(actual, expected) test_rc(TEST_HERE, #actual, (actual), (expected), true)

#define EXPECT_STR(actual, expected) test_string(TEST_HERE, #actual, (actual), (expected), false)
#define REQUIRE_STR(actual, expected) test_string(TEST_HERE, #actual, (actual), (expected), true)

typedef struct test_place {
    const char *file;
    unsigned line;
} test_place;

#define TEST_HERE ((test_place){__FILE__, __LINE__})

typedef struct test_integer {
    unsigned long long bits;
    bool negative;
} test_integer;

static inline test_integer test_signed(long long value)
{
    return (test_integer){(unsigned long long)value, value < 0};
}

static inline test_integer test_unsigned(unsigned long long value)
{
    return (test_integer){value, false};
}

#define TEST_INTEGER(value)                                                                        \
    _Generic((value), unsigned long                                                                \
             : test_unsigned, unsigned long long                                                   \
             : test_unsigned, default                                                              \
             : test_signed)(value)

/* Each returns whether the expectation holds. */
bool test_true(test_place place, bool holds, const char *what, bool required);
bool test_equal(test_place place, const char *what, test_integer actual, test_integer expected,
                bool required);
bool test_rc(test_place place, const char *what, int actual, int expected, bool required);
bool test_string(test_place place, const char *what, const char *actual, const char *expected,
                 bool required);

#endif
