/* SPDX-License-Identifier: MIT */
/* future.c - futures: docs/protocol.md, "Handing over". */
#include <weir/future.h>

#include "sync_model.h"

static weir_future future;
static a32 settled;

static void open_future(void)
{
    future = weir_future_open(sizeof(int));
}

/* One of them is the first. */
static void settles(void *value)
{
    int rc = value ? weir_future_set(future, (int *)value) : weir_future_fail(future, -5);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EALREADY);
    a32_add(&settled, rc == 0);
}

/* What everybody finds. */
static void found(int rc, int value)
{
    int again = 0;
    EXPLORE_ASSERT(rc == 0 ? value == 7 || value == 8 : rc == -5);
    EXPLORE_EQ(weir_future_try_get(future, &again), rc);
    EXPLORE_ASSERT(rc < 0 || again == value);
}

static void gets(void *unused)
{
    int value = 0, rc = weir_future_get(future, &value);
    (void)unused;
    found(rc, value);
}

static void gets_by(void *unused)
{
    int value = 0, rc = weir_future_get_by(future, &value, weir_after(WEIR_MS));
    (void)unused;
    if (rc != WEIR_ETIMEDOUT)
        found(rc, value);
}

static int actor_gets(void *unused)
{
    (void)unused;
    sync_begin_scope();
    int value = 0, rc = weir_future_get(future, &value);
    if (rc != WEIR_ECANCELED)
        found(rc, value);
    else
        EXPLORE_EQ(value, 0);
    sync_end_scope(rc);
    return 0;
}

static void runs_actor(void *unused)
{
    (void)unused;
    sync_run(actor_gets);
}

static void settled_once(void)
{
    weir_sync_statistics s;
    EXPLORE_EQ(a32_load(&settled), 1);
    EXPLORE_EQ(weir_sync_statistics(future, &s), 0);
    EXPLORE_EQ(s.waiting, 0);
    EXPLORE_EQ(s.value, 1);
}

static int seven = 7, eight = 8;

SYNC_MODEL(future_cancel, "F011 set x fail x cancel of who waits", .setup = open_future,
           .check = settled_once,
           .threads = {{"worker", runs_actor, NULL},
                       {"waiter", gets, NULL},
                       {"sets", settles, &seven},
                       {"fails", settles, NULL},
                       {"canceller", sync_cancels, NULL}});

#define TWO_SET                                                                                    \
    .setup = open_future, .check = settled_once,                                                   \
    .threads = {{"a", settles, &seven},                                                            \
                {"b", settles, &eight},                                                            \
                {"waits", gets, NULL},                                                             \
                {"by", gets_by, NULL}}
SYNC_MODEL(future_twice, "F011 two set it, one is the first; a deadline", TWO_SET);
SYNC_BROKEN(future_settled_twice, "the second overwrites the first", "future: settled twice",
            TWO_SET);
SYNC_BROKEN(future_no_copy, "who waits is woken without the value", "future: no copy", TWO_SET);
SYNC_BROKEN(future_not_looked_at, "who comes late waits for a settled one", "future: not looked at",
            .expect = "deadlock", TWO_SET);

/* ---- closing ------------------------------------------------------------------------------- */

static void closes(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_close(future), 0);
}

/* The value is there though it is closed, or nothing is. */
static void gets_or_not(void *unused)
{
    int value = 0, rc = weir_future_get(future, &value);
    (void)unused;
    EXPLORE_ASSERT((rc == 0 && value == 7) || (rc == WEIR_ECLOSED && value == 0));
}

static void sets_or_not(void *unused)
{
    int rc = weir_future_set(future, &seven);
    (void)unused;
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
}

SYNC_MODEL(future_close, "F011 set x close, two wait", .setup = open_future,
           .threads = {{"a", gets_or_not, NULL},
                       {"b", gets_or_not, NULL},
                       {"closer", closes, NULL},
                       {"setter", sets_or_not, NULL}});
