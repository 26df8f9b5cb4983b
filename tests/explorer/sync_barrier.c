/* SPDX-License-Identifier: MIT */
/* sync_barrier.c - barriers: docs/protocol.md, "Handing over". */
#include "sync_model.h"

static weir_barrier barrier;
static a32 came[2], leaders;

static void open_2(void)
{
    barrier = weir_barrier_open(2);
}

static void goes_round(void *unused)
{
    (void)unused;
    for (uint32_t i = 0; i < 2; i++) {
        a32_add(&came[i], 1);
        int rc = weir_barrier_wait(barrier);
        EXPLORE_ASSERT(rc == 0 || rc == 1);
        a32_add(&leaders, (uint32_t)rc);
        EXPLORE_EQ(a32_load(&came[i]), 2);
    }
}

static void one_leader_each(void)
{
    EXPLORE_EQ(a32_load(&leaders), 2);
}

/* Three come, one is cancelled or not: whoever passes has met somebody. */
static a32 passed, gave_up;

static int actor_comes(void *unused)
{
    (void)unused;
    sync_begin_scope();
    int rc = weir_barrier_wait(barrier);
    EXPLORE_ASSERT(rc == 0 || rc == 1 || rc == WEIR_ECANCELED);
    a32_add(rc < 0 ? &gave_up : &passed, 1);
    sync_end_scope(rc);
    return 0;
}

static void runs_actor(void *unused)
{
    (void)unused;
    sync_run(actor_comes);
}

static void comes_by(void *unused)
{
    (void)unused;
    int rc = weir_barrier_wait_by(barrier, weir_after(WEIR_MS));
    EXPLORE_ASSERT(rc == 0 || rc == 1 || rc == WEIR_ETIMEDOUT);
    a32_add(rc < 0 ? &gave_up : &passed, 1);
}

static void pairs(void)
{
    weir_sync_statistics s;
    EXPLORE_ASSERT(a32_load(&passed) == 0 || a32_load(&passed) == 2);
    EXPLORE_EQ(a32_load(&passed) + a32_load(&gave_up), 3);
    EXPLORE_EQ(weir_sync_statistics(barrier, &s), 0);
    EXPLORE_EQ(s.waiting, 0);
}

#define ROUNDS                                                                                     \
    .setup = open_2, .check = one_leader_each,                                                     \
    .threads = {{"a", goes_round, NULL}, {"b", goes_round, NULL}}
SYNC_MODEL(barrier_rounds, "F033 nobody is ahead, one is the last", ROUNDS);
SYNC_MODEL(barrier_cancel, "F033 the last comes x cancel x deadline: who passes has met another",
           .setup = open_2, .check = pairs,
           .threads = {{"worker", runs_actor, NULL},
                       {"a", comes_by, NULL},
                       {"b", comes_by, NULL},
                       {"canceller", sync_cancels, NULL}});
SYNC_BROKEN(barrier_too_few, "it opens one too early", "barrier: one too few", ROUNDS);
