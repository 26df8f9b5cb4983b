/* SPDX-License-Identifier: MIT */
/* sync_rate.c - rate limiters: docs/protocol.md, "Handing over". */
#include "sync_model.h"

enum { TURN = 2 * WEIR_MS }; /* longer than the deadlines */

static weir_rate rate;
static a32 turns;
static weir_time begun;

static void open_rate(void)
{
    rate = weir_rate_open(1, TURN, 1);
    begun = weir_now();
}

/* One at once, and never more than one each turn. */
static void not_too_often(void)
{
    uint32_t n = a32_add(&turns, 1);
    EXPLORE_ASSERT(weir_now() - begun >= (weir_time)n * TURN);
}

static int acquire(weir_time deadline)
{
    return weir_rate_acquire_by(rate, deadline);
}

static struct sync_use use = {acquire, not_too_often};

static void nobody_is_left(void)
{
    weir_sync_statistics s;
    EXPLORE_EQ(weir_sync_statistics(rate, &s), 0);
    EXPLORE_EQ(s.waiting + s.holders, 0);
}

SYNC_MODEL(rate_cancel, "F033 the pacer x cancel: another one paces", .setup = open_rate,
           .check = nobody_is_left,
           .threads = {{"worker", sync_actor_takes, &use},
                       {"a", sync_takes, &use},
                       {"b", sync_takes, &use},
                       {"canceller", sync_cancels, NULL}});

#define DEADLINES                                                                                  \
    .setup = open_rate, .check = nobody_is_left,                                                   \
    .threads = {{"a", sync_takes_by, &use},                                                        \
                {"b", sync_takes_by, &use},                                                        \
                {"c", sync_takes, &use},                                                           \
                {"d", sync_takes, &use}}
SYNC_MODEL(rate_deadline, "F033 the pacer x deadline: another one paces", DEADLINES);
SYNC_BROKEN(rate_not_told, "the pacer gives up and tells nobody", "rate: who gives up tells nobody",
            .expect = "deadlock", DEADLINES);

/* The second turn is far away, unless it is closed. */
static void open_slow(void)
{
    rate = weir_rate_open(1, WEIR_S * 1000000, 1);
    EXPLORE_EQ(weir_rate_acquire(rate), 0);
    begun = weir_now();
}

static void finds_it_closed(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_rate_acquire(rate), WEIR_ECLOSED);
    EXPLORE_ASSERT(weir_now() - begun < WEIR_S * 1000000);
}

static void closes(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_close(rate), 0);
}

#define CLOSED                                                                                     \
    .setup = open_slow, .flags = EXPLORE_LAZY_CLOCK,                                               \
    .threads = {                                                                                   \
        {"a", finds_it_closed, NULL}, {"b", finds_it_closed, NULL}, {"closer", closes, NULL}}
SYNC_MODEL(rate_close, "F033 closing ends the pacer's wait as well", CLOSED);
SYNC_BROKEN(rate_close_not_told, "closing forgets the pacer", "rate: the pacer is not told",
            CLOSED);
