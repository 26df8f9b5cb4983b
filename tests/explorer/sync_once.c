/* SPDX-License-Identifier: MIT */
/* sync_once.c - once, and wait-groups: docs/protocol.md, "Handing over". */
#include "sync_model.h"

static weir_once once;
static int done;
static a32 runs;

static void open_once(void)
{
    once = weir_once_open();
}

static void ends(int result)
{
    EXPLORE_EQ(done, 0);
    a32_add(&runs, 1);
    done = result == 0;
    EXPLORE_EQ(weir_once_end(once, result), 0);
}

/* Does it, or finds it done. */
static void wants(void *unused)
{
    (void)unused;
    int rc = weir_once_begin(once);
    EXPLORE_ASSERT(rc == 0 || rc == 1);
    if (rc == 1)
        ends(0);
    EXPLORE_EQ(done, 1);
}

/* Fails if it gets to do it. */
static void fails(void *unused)
{
    (void)unused;
    int rc = weir_once_begin(once);
    EXPLORE_ASSERT(rc == 0 || rc == 1);
    if (rc == 1)
        ends(WEIR_EBUSY);
}

static int actor_wants(void *unused)
{
    (void)unused;
    sync_begin_scope();
    int rc = weir_once_begin(once);
    EXPLORE_ASSERT(rc == 0 || rc == 1 || rc == WEIR_ECANCELED);
    if (rc == 1)
        ends(weir_yield()); /* fails if it has been cancelled since */
    sync_end_scope(rc);
    return 0;
}

static void runs_actor(void *unused)
{
    (void)unused;
    sync_run(actor_wants);
}

static void done_once(void)
{
    weir_sync_statistics s;
    EXPLORE_EQ(done, 1);
    EXPLORE_EQ(weir_sync_statistics(once, &s), 0);
    EXPLORE_EQ(s.value, 1);
    EXPLORE_EQ(s.waiting + s.holders, 0);
}

SYNC_MODEL(once_cancel, "F033 hand-over x cancel: it is done once", .setup = open_once,
           .check = done_once,
           .threads = {{"worker", runs_actor, NULL},
                       {"a", wants, NULL},
                       {"fails", fails, NULL},
                       {"canceller", sync_cancels, NULL}});

#define SOME_FAIL                                                                                  \
    .setup = open_once, .check = done_once,                                                        \
    .threads = {{"a", wants, NULL}, {"b", fails, NULL}, {"c", fails, NULL}}
SYNC_MODEL(once_fails, "F033 who fails passes it on", SOME_FAIL);
SYNC_BROKEN(once_not_passed, "who fails tells nobody", "once: a failure is not passed on",
            .expect = "deadlock", SOME_FAIL);

/* ---- wait-groups -------------------------------------------------------------------------------
 */

static weir_waitgroup waitgroup;

static void open_waitgroup(void)
{
    waitgroup = weir_waitgroup_open();
    EXPLORE_EQ(weir_waitgroup_add(waitgroup, 2), 0);
}

static void one_is_done(void *unused)
{
    (void)unused;
    a32_add(&runs, 1);
    EXPLORE_EQ(weir_waitgroup_done(waitgroup), 0);
}

static int await_all(weir_time deadline)
{
    return weir_waitgroup_wait_by(waitgroup, deadline);
}

static void all_are_done(void)
{
    EXPLORE_EQ(a32_load(&runs), 2);
}

static struct sync_use waiting = {await_all, all_are_done};

SYNC_MODEL(waitgroup_cancel, "F033 the last is done x cancel: all wake", .setup = open_waitgroup,
           .threads = {{"worker", sync_actor_takes, &waiting},
                       {"a", one_is_done, NULL},
                       {"b", one_is_done, NULL},
                       {"waiter", sync_takes, &waiting},
                       {"canceller", sync_cancels, NULL}});
SYNC_BROKEN(waitgroup_not_looked_at, "who comes after the last waits", "waitgroup: not looked at",
            .setup = open_waitgroup, .expect = "deadlock",
            .threads = {{"a", one_is_done, NULL},
                        {"b", one_is_done, NULL},
                        {"waiter", sync_takes, &waiting}});
