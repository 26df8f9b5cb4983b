/* SPDX-License-Identifier: MIT */
/*
 * sync.c - what all primitives share, and events: docs/protocol.md, "Handing over".
 *
 * An actor on one worker waits in a scope; plain threads wait, hand over, cancel, close.
 */
#include "sync_model.h"

static weir_event event;

static void open_event(void)
{
    event = weir_event_open();
}

static int acquire_event(weir_time deadline)
{
    return weir_event_wait_by(event, deadline);
}

static void sets(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_event_set(event), 0);
}

static void waits(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_event_wait(event), 0);
    EXPLORE_EQ(weir_event_is_set(event), 1);
}

static struct sync_use waiting = {acquire_event, NULL};

static int actor_waits(void *unused)
{
    (void)unused;
    sync_begin_scope();
    int rc = acquire_event(WEIR_NEVER);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECANCELED || rc == WEIR_ECLOSED);
    sync_end_scope(rc);
    return 0;
}

static void runs_actor(void *unused)
{
    (void)unused;
    sync_run(actor_waits);
}

static void nobody_is_left(void)
{
    weir_sync_statistics s;
    EXPLORE_EQ(weir_sync_statistics(event, &s), 0);
    EXPLORE_EQ(s.waiting, 0);
    EXPLORE_EQ(s.value, 1);
}

SYNC_MODEL(event_set, "F024 an event is set while they come, one is cancelled", .setup = open_event,
           .check = nobody_is_left,
           .threads = {{"worker", runs_actor, NULL},
                       {"setter", sets, NULL},
                       {"waiter", waits, NULL},
                       {"canceller", sync_cancels, NULL}});
SYNC_MODEL(event_times_out, "F024 a deadline races with an event", .setup = open_event,
           .check = nobody_is_left,
           .threads = {{"a", sync_takes_by, &waiting},
                       {"b", sync_takes_by, &waiting},
                       {"setter", sets, NULL}});

/* ---- closing --------------------------------------------------------------------------------- */

static void closes(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_close(event), 0);
}

static void finds_it_closed(void *unused)
{
    (void)unused;
    int rc = weir_event_wait(event);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
}

static void sets_or_not(void *unused)
{
    (void)unused;
    int rc = weir_event_set(event);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
}

static void opens_others(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++)
        EXPLORE_EQ(weir_close(weir_event_open()), 0);
}

SYNC_MODEL(event_close, "F024 an event is closed while they come, one is cancelled",
           .setup = open_event,
           .threads = {{"worker", runs_actor, NULL},
                       {"closer", closes, NULL},
                       {"waiter", finds_it_closed, NULL},
                       {"canceller", sync_cancels, NULL}});
SYNC_MODEL(event_close_set, "F024 an event is closed, set and reclaimed", .setup = open_event,
           .threads = {{"waiter", finds_it_closed, NULL},
                       {"closer", closes, NULL},
                       {"setter", sets_or_not, NULL},
                       {"other", opens_others, NULL}});

/* ---- whose it is ----------------------------------------------------------------------------- */

static int actor_moves(void *unused)
{
    (void)unused;
    int adopted = weir_adopt(event);
    int disowned = weir_disown(event);
    EXPLORE_ASSERT(adopted == 0 || adopted == WEIR_ECLOSED);
    EXPLORE_ASSERT(disowned == 0 || (disowned == WEIR_ECLOSED && weir_check(event) < 0));
    opens_others(NULL);
    return adopted == 0 && disowned == 0 ? weir_adopt(event) == 0 : 0; /* ends with it, or not */
}

static void moves(void *unused)
{
    (void)unused;
    EXPLORE_ASSERT(weir_run(actor_moves, NULL, NULL) >= 0);
}

static void closes_it_too(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_close(event), 0);
    opens_others(NULL);
}

SYNC_MODEL(event_moved, "F003 nobody's event is adopted and disowned while it is closed",
           .setup = open_event,
           .threads = {{"worker", moves, NULL}, {"closer", closes_it_too, NULL}});

/* ---- mutations ---------------------------------------------------------------------------------
 */

SYNC_BROKEN(event_not_looked_at, "who comes late waits for a set event", "event: not looked at",
            .setup = open_event, .expect = "deadlock",
            .threads = {{"setter", sets, NULL}, {"waiter", waits, NULL}});
SYNC_BROKEN(sync_handle_not_verified, "who comes late waits for what is closed",
            "sync: handle not verified", .setup = open_event, .expect = "deadlock",
            .threads = {{"closer", closes, NULL}, {"waiter", finds_it_closed, NULL}});
SYNC_BROKEN(sync_moved_not_verified, "who moves a handle does not look again under the lock",
            "sync: handle not verified", .setup = open_event,
            .threads = {{"worker", moves, NULL}, {"closer", closes_it_too, NULL}});
SYNC_BROKEN(sync_no_grace, "a primitive is released while somebody is inside",
            "sync: without grace", .setup = open_event,
            .threads = {{"closer", closes, NULL}, {"setter", sets_or_not, NULL}});
