/* SPDX-License-Identifier: MIT */
/*
 * primitives.h - for the tests of weir/sync.h: who waits is seen by the statistics; and one
 * stress of hand-over against cancellation that each primitive runs.
 */
#ifndef WEIR_TEST_PRIMITIVES_H
#define WEIR_TEST_PRIMITIVES_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "harness.h"
#include <weir/weir.h>

static inline void let_others_run(void)
{
    if (weir_yield() < 0)
        sched_yield(); /* a thread, or cancelled */
}

static inline weir_sync_statistics statistics_of(weir_handle h)
{
    weir_sync_statistics s = {0};
    REQUIRE_RC(weir_sync_statistics_of(h, &s), 0);
    return s;
}

#define STATISTICS(x) statistics_of((x).h)

/* Until so many are in the line. */
static inline void await_line(weir_handle h, uint32_t n)
{
    weir_sync_statistics s;
    while (weir_sync_statistics_of(h, &s) == 0 && s.waiting != n)
        let_others_run();
}

#define AWAIT_LINE(x, n) await_line((x).h, (n))

/* ---- on a thread, and in an actor --------------------------------------------------------- */

static inline void *run_on_thread(void *test)
{
    (*(void (**)(void))test)();
    return NULL;
}

static inline int run_in_actor(void *test)
{
    (*(void (**)(void))test)();
    return 0;
}

/* The same test by a plain thread, that has no run, and by an actor. */
static inline void by_both(void (*test)(void))
{
    pthread_t t;
    REQUIRE_EQ(pthread_create(&t, NULL, run_on_thread, &test), 0);
    pthread_join(t, NULL);
    EXPECT_RC(weir_run(run_in_actor, &test, NULL), 0);
}

/* ---- hand-over against cancellation -------------------------------------------------------- */

enum { TAKERS = 6, TAKER_ROUNDS = 300, TAKER_THREADS = 2 };

struct handover {
    int (*acquire)(weir_time deadline);
    int (*release)(void);
    int most; /* who may be inside at the same time */
};

static const struct handover *handover;
static atomic_int inside, takers_left, taken, missed;
static _Atomic uint64_t taker_scope[TAKERS]; /* the handle that its rival cancels */

static inline void take_once(unsigned round, weir_time deadline)
{
    int rc = handover->acquire(deadline);
    if (rc < 0) {
        EXPECT(rc == WEIR_ECANCELED || rc == WEIR_ETIMEDOUT);
        atomic_fetch_add(&missed, 1);
        return;
    }
    int in = atomic_fetch_add(&inside, 1) + 1;
    EXPECT(in <= handover->most);
    if (round % 3 == 0)
        let_others_run();
    atomic_fetch_sub(&inside, 1);
    atomic_fetch_add(&taken, 1);
    EXPECT_RC(handover->release(), 0);
}

static inline int taker(void *number)
{
    unsigned n = *(unsigned *)number;
    for (unsigned i = 0; i < TAKER_ROUNDS; i++) {
        weir_scope s = i % 5 == 4 ? weir_move_on_after((weir_time)i * 20) : weir_scope_begin();
        atomic_store(&taker_scope[n], s.h);
        take_once(i + n, i % 7 == 6 ? weir_after((weir_time)i * 20) : WEIR_NEVER);
        weir_scope_end(s);
        if (i % 4 == 0)
            let_others_run();
    }
    atomic_fetch_sub(&takers_left, 1);
    return 0;
}

static inline int canceller(void *unused)
{
    (void)unused;
    for (unsigned i = 0; atomic_load(&takers_left) > 0; i++) {
        weir_scope s = {atomic_load(&taker_scope[i % TAKERS])};
        int rc = weir_scope_cancel(s, "its rival");
        EXPECT(rc == 0 || rc == WEIR_ECLOSED || rc == WEIR_EBADF);
        weir_yield();
    }
    return 0;
}

static inline void *taker_thread(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < TAKER_ROUNDS; i++)
        take_once(i, i % 2 ? weir_after((weir_time)i * 50) : WEIR_NEVER);
    return NULL;
}

static inline int takers(void *unused)
{
    weir_group g = weir_group_begin();
    (void)unused;
    for (unsigned i = 0; i < TAKERS; i++)
        EXPECT_RC(weir_spawn(g, taker, &i), 0);
    EXPECT_RC(weir_spawn(g, canceller, NULL), 0);
    return weir_group_end(g);
}

/* Actors and threads take and give back while they are cancelled and time out. */
static inline void handover_only(const struct handover *h)
{
    pthread_t t[TAKER_THREADS];
    handover = h;
    atomic_store(&inside, 0);
    atomic_store(&taken, 0);
    atomic_store(&missed, 0);
    atomic_store(&takers_left, TAKERS);
    for (int i = 0; i < TAKERS; i++)
        atomic_store(&taker_scope[i], 0);
    for (int i = 0; i < TAKER_THREADS; i++)
        REQUIRE_EQ(pthread_create(&t[i], NULL, taker_thread, NULL), 0);
    EXPECT_RC(weir_run(takers, NULL, NULL), 0);
    for (int i = 0; i < TAKER_THREADS; i++)
        pthread_join(t[i], NULL);
    EXPECT_EQ(atomic_load(&taken) + atomic_load(&missed), (TAKERS + TAKER_THREADS) * TAKER_ROUNDS);
    EXPECT(atomic_load(&taken) > 0 && atomic_load(&missed) > 0);
}

/* All is there again. */
static inline void handover_check(const struct handover *h, weir_handle primitive)
{
    EXPECT_EQ(statistics_of(primitive).waiting, 0);
    for (int i = 0; i < h->most; i++)
        EXPECT_RC(h->acquire(WEIR_NEVER), 0);
    for (int i = 0; i < h->most; i++)
        EXPECT_RC(h->release(), 0);
}

/* Nobody hangs, never are too many inside, and afterwards all is there again. */
static inline void stress_handover(const struct handover *h, weir_handle primitive)
{
    handover_only(h);
    handover_check(h, primitive);
}

#endif
