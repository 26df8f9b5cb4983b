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

static void takes(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) { /* also again, by the same one */
        EXPLORE_EQ(weir_limiter_acquire(limiter), 0);
        not_too_many();
    }
}

static void takes_by(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        int rc = weir_limiter_acquire_by(limiter, weir_after(WEIR_MS));
        EXPLORE_ASSERT(rc == 0 || rc == WEIR_ETIMEDOUT);
        if (rc == 0)
            not_too_many();
    }
}

static int actor_takes(void *unused)
{
    (void)unused;
    sync_begin_scope();
    int rc = weir_limiter_acquire(limiter);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECANCELED);
    if (rc == 0)
        not_too_many();
    sync_end_scope(rc);
    return 0;
}

static void runs_actor(void *unused)
{
    (void)unused;
    sync_run(actor_takes);
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
           .threads = {{"worker", runs_actor, NULL},
                       {"a", takes, NULL},
                       {"b", takes, NULL},
                       {"canceller", sync_cancels, NULL}});
SYNC_MODEL(limiter_deadline, "F029 hand-over x deadline: no token is lost or made", .setup = open_1,
           .check = all_there,
           .threads = {{"a", takes_by, NULL}, {"b", takes_by, NULL}, {"c", takes, NULL}});

#define RESIZED                                                                                    \
    .setup = open_2, .check = all_there,                                                           \
    .threads = {{"a", takes, NULL},                                                                \
                {"b", takes, NULL},                                                                \
                {"c", takes, NULL},                                                                \
                {"d", takes, NULL},                                                                \
                {"resizer", resizes, NULL}}
SYNC_MODEL(limiter_resized, "F029 the total changes: never more tokens than there ever were",
           RESIZED);

SYNC_BROKEN(limiter_difference, "as many are let in as the total was raised by",
            "limiter: the difference is given", RESIZED);
SYNC_BROKEN(limiter_not_told, "who leaves the line keeps his key", "sync: who leaves does not tell",
            .setup = open_1, .check = all_there,
            .threads = {{"a", takes_by, NULL}, {"b", takes_by, NULL}});
