/* SPDX-License-Identifier: MIT */
/*
 * oom.h - the counted out-of-memory sweep.
 *
 * A scenario is run in a fresh process of this very program, so that no earlier test has
 * left anything cached, with allocation number 1 failing, then number 2, and so on until
 * it comes through without having met the failure; once with only that allocation failing
 * and once with that one and all after it. A scenario returns 0, or the error that it met
 * after it has made sure, with oom_off(), that everything is still as it should be. The
 * process then runs it again with memory, and many times without, to see that nothing
 * leaks; in a sanitizer build the leak sanitizer looks as well.
 */
#ifndef WEIR_TESTS_OOM_H
#define WEIR_TESTS_OOM_H

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"

/* Bytes that may wait for reclamation at any moment. */
#ifndef OOM_CACHES
#define OOM_CACHES 32768
#endif

struct oom_scenario {
    const char *name; /* of the function */
    int (*run)(void);
};

/* SCENARIOS(X) is a line X(function, "name of the test") for each. */
#define OOM_SWEEP(function, test)                                                                  \
    static void sweep_##function(void)                                                             \
    {                                                                                              \
        oom_sweep(&(const struct oom_scenario){#function, function});                              \
    }
#define OOM_SCENARIO(function, test) {#function, function},
#define OOM_TEST(function, test) {test, sweep_##function},

#define OOM_SUITE(ident, title, SCENARIOS)                                                         \
    SCENARIOS(OOM_SWEEP)                                                                           \
    static const struct oom_scenario ident##_scenarios[] = {SCENARIOS(OOM_SCENARIO)};              \
    __attribute__((constructor)) static void ident##_by_order(void)                                \
    {                                                                                              \
        oom_enter(ident##_scenarios, sizeof ident##_scenarios / sizeof ident##_scenarios[0]);      \
    }                                                                                              \
    TEST_SUITE(ident, title, SCENARIOS(OOM_TEST))

enum oom_exit { OOM_CAME_THROUGH = 0, OOM_MET = 20, OOM_WRONG = 21, OOM_CANNOT = 22 };

static atomic_long oom_at;    /* the allocation that fails; 0: none */
static atomic_bool oom_on;    /* counting */
static bool oom_all_after;    /* and those after it */
static atomic_long oom_count; /* allocations while on */
static atomic_long oom_failed;
static atomic_long oom_bytes; /* held at the moment */
static bool oom_complained;
static bool oom_slow; /* said by a scenario: some rounds are enough */

/* ---- the allocator ------------------------------------------------------------------------ */

static inline bool oom_refuses(void)
{
    if (!atomic_load(&oom_on))
        return false;
    long n = atomic_fetch_add(&oom_count, 1) + 1, at = atomic_load(&oom_at);
    bool refused = at != 0 && (oom_all_after ? n >= at : n == at);
    atomic_fetch_add(&oom_failed, refused);
    return refused;
}

static inline void *oom_allocate(size_t bytes, void *context)
{
    if (oom_refuses())
        return NULL;
    if (bytes == 0)
        return context; /* a mapping may be made */
    void *memory = malloc(bytes);
    if (memory)
        atomic_fetch_add(&oom_bytes, (long)bytes);
    return memory;
}

static inline void oom_release(void *memory, size_t bytes, void *context)
{
    if (memory == context)
        return;
    atomic_fetch_sub(&oom_bytes, (long)bytes);
    free(memory);
}

/* ---- what scenarios use --------------------------------------------------------------------- */

static inline void oom_off(void)
{
    atomic_store(&oom_on, false);
}

#define OOM_CHECK(condition) oom_check((condition), #condition, __LINE__)

static inline bool oom_check(bool holds, const char *what, int line)
{
    if (!holds) {
        fprintf(stderr, "line %d: allocation %ld%s failed: %s\n", line, atomic_load(&oom_at),
                oom_all_after ? " and all after it" : "", what);
        oom_complained = true;
    }
    return holds;
}

/* The error of an operation that found no memory, and nothing else. */
static inline int oom_expect(int rc)
{
    OOM_CHECK(rc == WEIR_ENOMEM);
    return rc;
}

/* ---- the child process ---------------------------------------------------------------------- */

static inline long oom_run_once(const struct oom_scenario *s, long at, bool all_after, int *rc)
{
    atomic_store(&oom_count, 0);
    atomic_store(&oom_failed, 0);
    atomic_store(&oom_at, at);
    oom_all_after = all_after;
    atomic_store(&oom_on, true);
    *rc = s->run();
    oom_off();
    return atomic_load(&oom_failed);
}

/* Fail all over again in what is warm by now; what is held must come to rest. */
static inline void oom_look_for_leaks(const struct oom_scenario *s)
{
    enum { ROUNDS = SLOWNESS > 1 ? 300 : 600 };
    const long rounds = oom_slow ? ROUNDS / 20 : ROUNDS;
    long half = 0;
    int rc;
    for (long i = 0; i < 2 * rounds; i++) {
        if (i == rounds)
            half = atomic_load(&oom_bytes);
        oom_run_once(s, 1 + i % 7, i & 1, &rc);
    }
    if (!OOM_CHECK(atomic_load(&oom_bytes) <= half + OOM_CACHES))
        fprintf(stderr, "%ld bytes held after %ld rounds, %ld after twice as many\n", half, rounds,
                atomic_load(&oom_bytes));
}

static inline int oom_child(const struct oom_scenario *s, long at, bool all_after)
{
    static char a_mapping;
    static const weir_allocator allocator = {oom_allocate, oom_release, &a_mapping};
    int rc, again;
    weir_set_allocator(&allocator);
    long failed = oom_run_once(s, at, all_after, &rc);
    OOM_CHECK(failed || rc == 0);
    oom_run_once(s, 0, false, &again);
    OOM_CHECK(again == 0);
    if (failed && at <= 2)
        oom_look_for_leaks(s);
    oom_run_once(s, 0, false, &again);
    OOM_CHECK(again == 0);
    return oom_complained ? OOM_WRONG : failed ? OOM_MET : OOM_CAME_THROUGH;
}

/* Called by a constructor, before anything else of weir. Returns when this is no child. */
static inline void oom_enter(const struct oom_scenario *scenarios, size_t n)
{
    const char *order = getenv("WEIR_TEST_OOM");
    char name[64];
    long at;
    int all_after;
    if (!order || sscanf(order, "%63[^:]:%ld:%d", name, &at, &all_after) != 3)
        return;
    for (size_t i = 0; i < n; i++)
        if (strcmp(scenarios[i].name, name) == 0) {
            alarm(100);
            exit(oom_child(&scenarios[i], at, all_after));
        }
    exit(OOM_WRONG);
}

/* ---- the parent ----------------------------------------------------------------------------- */

static inline int oom_spawn(const struct oom_scenario *s, long at, bool all_after)
{
    char order[128], program[] = "/proc/self/exe";
    char *argv[] = {program, NULL};
    int status = 0;
    snprintf(order, sizeof order, "%s:%ld:%d", s->name, at, all_after);
    setenv("WEIR_TEST_OOM", order, 1);
    pid_t pid = fork();
    if (pid == 0) {
        execv(program, argv);
        _exit(errno == ENOEXEC ? OOM_CANNOT : OOM_WRONG);
    }
    unsetenv("WEIR_TEST_OOM");
    while (pid > 0 && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    if (pid < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static inline void oom_sweep(const struct oom_scenario *s)
{
    enum { ENOUGH = 5000 };
    for (int all_after = 0; all_after < 2; all_after++) {
        long at = 1;
        int result;
        while ((result = oom_spawn(s, at, all_after)) == OOM_MET && at < ENOUGH) {
            at++;
            test_goes_on();
        }
        if (result == OOM_CANNOT) { /* an emulator starts no programs for its machine */
            printf("(skipped: the program cannot start itself) ");
            return;
        }
        if (!EXPECT_EQ(result, OOM_CAME_THROUGH))
            printf("\n    ... %s, allocation %ld%s", s->name, at,
                   all_after ? " and all after it" : "");
        EXPECT(at > 1); /* it did allocate */
    }
}

#endif
