/* SPDX-License-Identifier: MIT */
/*
 * explore.h - models: small programs whose interleavings are explored.
 *
 *     EXPLORE_MODEL(handoff, "an item is handed over", .setup = open_channel,
 *                   .threads = {{"sender", send_one, NULL}, {"receiver", take_one, NULL}},
 *                   .check = nothing_lost);
 *
 * One execution: all static variables of the program are as they were before main(), the
 * heap is empty; setup() runs alone; then the threads run, interleaved at every operation
 * of channels/atomic.h and channels/os.h; then check() runs alone. Executions differ by
 * their seed: even seeds choose at random, odd ones by PCT (chooser.c); with EXPLORE_DFS
 * all executions are enumerated. EXPLORE_ASSERT ends an execution, a deadlock or a
 * livelock does too.
 *
 * The test of a model runs WEIR_SEEDS (2000) seeds and fails at the first failure. With
 * `expect` set, or `mutation`, it is the other way round: the explorer has to find a
 * failure. `test_explorer NAME --seed N --trace` shows one execution again.
 */
#ifndef WEIR_EXPLORE_H
#define WEIR_EXPLORE_H

#include "../../channels/atomic.h"
#include "harness.h"

enum { EXPLORE_THREADS = 10 };

typedef struct explore_thread {
    const char *name;
    void (*run)(void *arg);
    void *arg;
} explore_thread;

enum explore_flags {
    EXPLORE_DFS = 1,         /* enumerate: for tiny models */
    EXPLORE_MAY_BLOCK = 2,   /* threads that sleep for ever are no deadlock */
    EXPLORE_SC = 4,          /* no store buffers */
    EXPLORE_SPURIOUS = 8,    /* with DFS: futex waits also end for nothing */
    EXPLORE_LAZY_CLOCK = 16, /* time passes only when nobody can run; default with DFS */
    EXPLORE_ALLOC_FAILS = 32,
    EXPLORE_ONLY_PCT = 64,
    EXPLORE_ONLY_RANDOM = 128
};

typedef struct explore_model {
    const char *name, *title;
    void (*setup)(void);
    explore_thread threads[EXPLORE_THREADS];
    void (*check)(void);
    void (*thread_exit)(void); /* called by each virtual thread when its function returns */
    const char *mutation;      /* MUTATE(mutation) is true */
    const char *expect;        /* part of the failure that has to be found */
    unsigned flags;            /* enum explore_flags */
    unsigned preemptions;      /* DFS: at most so many; 0: any number */
    unsigned long executions;  /* DFS: exactly so many; 0: unknown */
    unsigned long max_steps;   /* more is a livelock; 0: 20000 */
    const char *file;
    unsigned line;
    struct explore_model *next;
} explore_model;

#define EXPLORE_MODEL(ident, text, ...)                                                            \
    static explore_model ident = {                                                                 \
        .name = #ident, .title = (text), .file = __FILE__, .line = __LINE__, __VA_ARGS__};         \
    __attribute__((constructor)) static void ident##_model(void)                                   \
    {                                                                                              \
        explore_register(&ident);                                                                  \
    }                                                                                              \
    static void ident##_test(void)                                                                 \
    {                                                                                              \
        explore_test(&ident);                                                                      \
    }                                                                                              \
    TEST_SUITE(ident, "explorer " #ident, {(text), ident##_test})

void explore_register(explore_model *model);
void explore_test(const explore_model *model);

/* ---- in a model ------------------------------------------------------------------------------ */

#define EXPLORE_ASSERT(condition)                                                                  \
    ((condition) ? (void)0 : explore_fail(EXPLORE_HERE, "asserted: %s", #condition))
#define EXPLORE_EQ(actual, expected)                                                               \
    explore_equal(EXPLORE_HERE, #actual, (long long)(actual), (long long)(expected))

__attribute__((noreturn, format(printf, 2, 3))) void explore_fail(const struct explore_where *at,
                                                                  const char *format, ...);
void explore_equal(const struct explore_where *at, const char *what, long long actual,
                   long long expected);

/* 0 .. n-1, chosen like everything else. */
unsigned explore_choose(unsigned n);
/* Let others run. */
void explore_yield(void);

/* A thread of a model whose program starts threads of its own: it is the (number + 1)th. */
void explore_hired(void *number);
/* The program will start no more: those that have not been started end. */
void explore_no_more_hired(void);
/* Sleep until an event of channels/os.h is set: what poll(2) is on the machine. */
void explore_await_event(int event);
/* The n-th allocation from now on fails; 0: none. True once it has failed. */
void explore_fail_alloc(unsigned long n);
bool explore_alloc_failed(void);
/* A stamp that is larger at each call; no choice point. */
uint64_t explore_stamp(void);
/* In check() with EXPLORE_MAY_BLOCK: does thread i still sleep? */
bool explore_asleep(unsigned thread);

/* Is this a replay that shows what happens? Then a check may say more. */
bool explore_tracing(void);

/* What the calling virtual thread has cost since explore_counts_reset(). */
typedef struct explore_counts {
    unsigned long locked; /* read-modify-writes and full fences */
    unsigned long loads, stores;
    unsigned long futex_waits, futex_wakes, membarriers, relaxes;
    unsigned long allocs;
} explore_counts;

const explore_counts *explore_counted(void);
void explore_counts_reset(void);
unsigned long explore_locked_count(void);

/* ---- for tests of the explorer itself -------------------------------------------------------- */

typedef struct explore_result {
    bool failed;
    char message[256];
    uint64_t trace; /* hash of what happened in which order */
    unsigned long steps;
} explore_result;

/* One execution by a seed. */
explore_result explore_once(const explore_model *model, uint64_t seed);

/* main()'s: replay, when the arguments ask for it. -1: they do not. */
int explore_replay(int argc, char **argv);

#endif
