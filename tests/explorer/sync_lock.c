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

static int acquire(weir_time deadline)
{
    return weir_lock_acquire_by(lock, deadline);
}

static struct sync_use use = {acquire, alone};

SYNC_MODEL(lock_cancel, "F025 hand-over x cancel: it is had by one, and not lost",
           .setup = open_lock, .check = free_again,
           .threads = {{"worker", sync_actor_takes, &use},
                       {"a", sync_takes_twice, &use},
                       {"b", sync_takes_twice, &use},
                       {"canceller", sync_cancels, NULL}});
SYNC_MODEL(lock_deadline, "F025 hand-over x deadline: it is had by one, and not lost",
           .setup = open_lock, .check = free_again,
           .threads = {{"a", sync_takes_by, &use},
                       {"b", sync_takes_by, &use},
                       {"c", sync_takes_twice, &use}});

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
            .threads = {{"a", sync_takes_twice, &use}, {"b", sync_takes_twice, &use}});

static void open_then(void)
{
    open_lock();
    sync_set_moment();
}

#define THEN                                                                                       \
    .setup = open_then, .check = free_again, .flags = EXPLORE_LAZY_CLOCK,                          \
    .threads = {{"has it", sync_gives_back_then, &use},                                            \
                {"a", sync_takes_until_then, &use},                                                \
                {"b", sync_takes_until_then, &use}}
SYNC_MODEL(lock_deadline_then, "F025 hand-over at the moment of the deadline", THEN);
SYNC_BROKEN(lock_not_verified, "whose deadline passes leaves although it was handed over",
            "cancel: not verified", THEN);
