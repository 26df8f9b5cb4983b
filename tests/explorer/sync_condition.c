/* SPDX-License-Identifier: MIT */
/* sync_condition.c - conditions: docs/protocol.md, "Handing over". */
#include "sync_model.h"

static weir_lock lock;
static weir_condition cond;
static int inside, items, had;

static void open_both(void)
{
    lock = weir_lock_open();
    cond = weir_condition_open(lock);
}

static void enter(void)
{
    EXPLORE_EQ(++inside, 1);
}

static void leave(void)
{
    EXPLORE_EQ(--inside, 0);
    EXPLORE_EQ(weir_lock_release(lock), 0);
}

/* Wait for an item; 0: it was had. The lock is owned between enter() and leave(). */
static int take_by(weir_time deadline)
{
    int rc = weir_lock_acquire(lock);
    if (rc < 0)
        return rc;
    enter();
    while (rc == 0 && items == 0) {
        --inside;
        rc = weir_condition_wait_by(cond, deadline);
        enter();
    }
    if (rc == 0) {
        items--;
        had++;
    }
    leave();
    return rc;
}

static struct sync_use use = {take_by, NULL};

/* One notification for each item. */
static void brings(void *n)
{
    for (uintptr_t i = 0; i < (uintptr_t)n; i++) {
        EXPLORE_EQ(weir_lock_acquire(lock), 0);
        enter();
        items++;
        EXPLORE_EQ(weir_condition_notify(cond, 1), 0);
        leave();
    }
}

static a32 cancelled;

static void cancels(void *unused)
{
    sync_cancels(unused);
    a32_store_release(&cancelled, 1);
}

/* One, and the lock is not released before the cancellation has come. */
static void brings_slowly(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_lock_acquire(lock), 0);
    enter();
    items++;
    EXPLORE_EQ(weir_condition_notify(cond, 1), 0);
    while (!a32_load_acquire(&cancelled))
        a_relax();
    leave();
}

/* Nobody waits for what is there. */
static void not_for_nothing(void)
{
    EXPLORE_ASSERT(items == 0 || !explore_asleep(1));
}

static void nobody_is_left(void)
{
    weir_sync_statistics s;
    EXPLORE_EQ(weir_sync_statistics(cond, &s), 0);
    EXPLORE_EQ(s.waiting + s.value + s.holders, 0);
}

/* Two items for two who wait, one of whom may go without: the other one never waits for ever. */
SYNC_MODEL(condition_cancel, "F028 notify x cancel: a notification is not lost", .setup = open_both,
           .check = nobody_is_left,
           .threads = {{"worker", sync_actor_takes, &use},
                       {"waiter", sync_takes, &use},
                       {"notifier", brings, (void *)2},
                       {"canceller", sync_cancels, NULL}});
SYNC_MODEL(condition_deadline, "F028 notify x deadline: a notification is not lost",
           .setup = open_both, .check = nobody_is_left,
           .threads = {{"a", sync_takes_by, &use},
                       {"b", sync_takes, &use},
                       {"notifier", brings, (void *)2}});

/* One item, had by one of two. */
#define ONE_ITEM                                                                                   \
    .check = not_for_nothing, .flags = EXPLORE_MAY_BLOCK,                                          \
    .threads = {{"worker", sync_actor_takes, &use},                                                \
                {"waiter", sync_takes, &use},                                                      \
                {"notifier", brings_slowly, NULL},                                                 \
                {"canceller", cancels, NULL}}
SYNC_MODEL(condition_one, "F028 notify x cancel: had by who was notified, or passed on",
           .setup = open_both, ONE_ITEM);

static void closes(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_close(cond), 0);
}

static void takes_or_closed(void *unused)
{
    (void)unused;
    int rc = take_by(WEIR_NEVER);
    EXPLORE_EQ(rc, WEIR_ECLOSED);
}

SYNC_MODEL(condition_close, "F028 closing ends all waits, with the lock", .setup = open_both,
           .threads = {{"a", takes_or_closed, NULL},
                       {"b", takes_or_closed, NULL},
                       {"closer", closes, NULL}});

static void open_then(void)
{
    open_both();
    sync_set_moment();
}

static void brings_then(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_sleep_until(sync_moment), 0);
    brings((void *)3);
}

SYNC_MODEL(condition_deadline_then, "F028 notify at the moment of the deadline", .setup = open_then,
           .check = nobody_is_left, .flags = EXPLORE_LAZY_CLOCK,
           .threads = {{"a", sync_takes_until_then, &use},
                       {"b", sync_takes, &use},
                       {"c", sync_takes_until_then, &use},
                       {"notifier", brings_then, NULL}});

SYNC_BROKEN(condition_late, "the lock is given up before the wait",
            "condition: in the line too late", .setup = open_both, .expect = "deadlock",
            .threads = {{"a", sync_takes, &use}, {"notifier", brings, (void *)1}});
SYNC_BROKEN(condition_cancelled, "who was notified is cancelled on the way to the lock",
            "condition: notified and cancelled", .setup = open_both, ONE_ITEM);
