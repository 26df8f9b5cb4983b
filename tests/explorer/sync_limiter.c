/* SPDX-License-Identifier: MIT */
/* sync_limiter.c - capacity limiters: docs/protocol.md, "Handing over". */
#include "sync_model.h"

static weir_limiter limiter;

static void open_1(void)
{
    limiter = weir_limiter_open(1);
}

static void open_2(void)
{
    limiter = weir_limiter_open(2);
}

static void all_there(void)
{
    weir_sync_statistics s;
    EXPLORE_EQ(weir_sync_statistics(limiter, &s), 0);
    EXPLORE_EQ(s.waiting + s.holders, 0);
    EXPLORE_EQ(weir_limiter_borrowers(limiter, NULL, 0), 0);
}

static void not_too_many(void)
{
    weir_sync_statistics s;
    EXPLORE_EQ(weir_sync_statistics(limiter, &s), 0);
    EXPLORE_ASSERT(s.holders >= 1 && s.holders <= 2);
    EXPLORE_EQ(weir_limiter_release(limiter), 0);
}

static int acquire(weir_time deadline)
{
    return weir_limiter_acquire_by(limiter, deadline);
}

static struct sync_use use = {acquire, not_too_many};

static void takes_twice_by(void *unused)
{
    (void)unused;
    sync_takes_by(&use); /* also again, by the same one */
    sync_takes_by(&use);
}

/* Lowered and raised while two tokens are out, or will be. */
static void resizes(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_limiter_resize(limiter, 0), 0);
    EXPLORE_EQ(weir_limiter_resize(limiter, 2), 0);
}

SYNC_MODEL(limiter_cancel, "F029 hand-over x cancel: no token is lost or made, the key is free",
           .setup = open_1, .check = all_there,
           .threads = {{"worker", sync_actor_takes, &use},
                       {"a", sync_takes_twice, &use},
                       {"b", sync_takes_twice, &use},
                       {"canceller", sync_cancels, NULL}});
SYNC_MODEL(limiter_deadline, "F029 hand-over x deadline: no token is lost or made", .setup = open_1,
           .check = all_there,
           .threads = {{"a", takes_twice_by, NULL},
                       {"b", takes_twice_by, NULL},
                       {"c", sync_takes_twice, &use}});

static void open_then(void)
{
    open_1();
    sync_set_moment();
}

SYNC_MODEL(limiter_deadline_then, "F029 hand-over at the moment of the deadline",
           .setup = open_then, .check = all_there, .flags = EXPLORE_LAZY_CLOCK,
           .threads = {{"has it", sync_gives_back_then, &use},
                       {"a", sync_takes_until_then, &use},
                       {"b", sync_takes_until_then, &use}});

/* Who leaves the line takes his key out of it, unless all is gone by then. */
static void open_none_then(void)
{
    limiter = weir_limiter_open(0);
    sync_set_moment();
}

static void leaves_then(void *unused)
{
    (void)unused;
    int rc = weir_limiter_acquire_by(limiter, sync_moment);
    EXPLORE_ASSERT(rc == WEIR_ETIMEDOUT || rc == WEIR_ECLOSED);
}

static void closes_then(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_sleep_until(sync_moment), 0);
    EXPLORE_EQ(weir_close(limiter), 0);
    for (int i = 0; i < 3; i++) /* what was retired is released */
        EXPLORE_EQ(weir_close(weir_limiter_open(1)), 0);
}

SYNC_MODEL(limiter_close_then, "F029 closing at the moment of the deadline",
           .setup = open_none_then, .flags = EXPLORE_LAZY_CLOCK,
           .threads = {
               {"a", leaves_then, NULL}, {"b", leaves_then, NULL}, {"closer", closes_then, NULL}});

#define RESIZED                                                                                    \
    .setup = open_2, .check = all_there,                                                           \
    .threads = {{"a", sync_takes_twice, &use},                                                     \
                {"b", sync_takes_twice, &use},                                                     \
                {"c", sync_takes_twice, &use},                                                     \
                {"d", sync_takes_twice, &use},                                                     \
                {"resizer", resizes, NULL}}
SYNC_MODEL(limiter_resized, "F029 the total changes: never more tokens than there ever were",
           RESIZED);

SYNC_BROKEN(limiter_difference, "as many are let in as the total was raised by",
            "limiter: the difference is given", RESIZED);
SYNC_BROKEN(limiter_not_told, "who leaves the line keeps his key", "sync: who leaves does not tell",
            .setup = open_1, .check = all_there,
            .threads = {{"a", takes_twice_by, NULL}, {"b", takes_twice_by, NULL}});
