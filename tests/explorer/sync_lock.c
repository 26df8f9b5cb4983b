/* SPDX-License-Identifier: MIT */
/* sync_lock.c - locks: docs/protocol.md, "Handing over". */
#include "sync_model.h"

static weir_lock lock;
static int inside;

static void open_lock(void)
{
    lock = weir_lock_open();
}

static void free_again(void)
{
    weir_sync_statistics s;
    EXPLORE_EQ(weir_sync_statistics(lock, &s), 0);
    EXPLORE_EQ(s.waiting, 0);
    EXPLORE_EQ(s.holders, 0);
}

static void alone(void)
{
    EXPLORE_EQ(++inside, 1);
    explore_yield();
    EXPLORE_EQ(--inside, 0);
    EXPLORE_EQ(weir_lock_release(lock), 0);
}

static void takes(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        EXPLORE_EQ(weir_lock_acquire(lock), 0);
        alone();
    }
}

static void takes_by(void *unused)
{
    (void)unused;
    int rc = weir_lock_acquire_by(lock, weir_after(WEIR_MS));
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ETIMEDOUT);
    if (rc == 0)
        alone();
}

static int actor_takes(void *unused)
{
    (void)unused;
    sync_begin_scope();
    int rc = weir_lock_acquire(lock);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECANCELED);
    if (rc == 0)
        alone();
    sync_end_scope(rc);
    return 0;
}

static void runs_actor(void *unused)
{
    (void)unused;
    sync_run(actor_takes);
}

SYNC_MODEL(lock_cancel, "F025 hand-over x cancel: it is had by one, and not lost",
           .setup = open_lock, .check = free_again,
           .threads = {{"worker", runs_actor, NULL},
                       {"a", takes, NULL},
                       {"b", takes, NULL},
                       {"canceller", sync_cancels, NULL}});
SYNC_MODEL(lock_deadline, "F025 hand-over x deadline: it is had by one, and not lost",
           .setup = open_lock, .check = free_again,
           .threads = {{"a", takes_by, NULL}, {"b", takes_by, NULL}, {"c", takes, NULL}});

/* Who holds it closes it. */
static void closes(void *unused)
{
    (void)unused;
    int rc = weir_lock_acquire(lock);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
    EXPLORE_EQ(weir_close(lock), 0);
    EXPLORE_EQ(weir_lock_release(lock), WEIR_ECLOSED);
}

SYNC_MODEL(lock_close, "F025 closing ends all waits", .setup = open_lock,
           .threads = {{"a", closes, NULL}, {"b", closes, NULL}, {"c", closes, NULL}});

SYNC_BROKEN(lock_not_handed, "who is woken has to take it again, and others come between",
            "lock: woken, not handed over", .setup = open_lock,
            .threads = {{"a", takes, NULL}, {"b", takes, NULL}});
SYNC_BROKEN(lock_not_verified, "whose deadline passes leaves although it was handed over",
            "cancel: not verified", .setup = open_lock, .check = free_again,
            .threads = {{"a", takes_by, NULL}, {"b", takes_by, NULL}});
