/* SPDX-License-Identifier: MIT */
/* F024: events; F031, F032 and closing for all primitives by the simplest one. */
#include <stdio.h>
#include <string.h>

#include "one_worker.h"
#include "primitives.h"

enum { CROWD = 20 };

static weir_event the_event;
static atomic_int woken;

static int waits_for_it(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_event_wait(the_event), 0);
    EXPECT_EQ(weir_event_is_set(the_event), 1);
    atomic_fetch_add(&woken, 1);
    return 0;
}

static void *thread_waits(void *unused)
{
    (void)unused;
    waits_for_it(NULL);
    return NULL;
}

static int all_wake(void *unused)
{
    pthread_t t;
    (void)unused;
    the_event = weir_event_open();
    atomic_store(&woken, 0);
    weir_group g = weir_group_begin();
    REQUIRE_EQ(pthread_create(&t, NULL, thread_waits, NULL), 0);
    for (int i = 0; i < CROWD; i++)
        EXPECT_RC(weir_spawn(g, waits_for_it, NULL), 0);
    AWAIT_LINE(the_event, CROWD + 1);
    EXPECT_EQ(weir_event_is_set(the_event), 0);
    EXPECT_EQ(STATISTICS(the_event).value, 0);
    EXPECT_RC(weir_event_set(the_event), 0);
    EXPECT_EQ(STATISTICS(the_event).waiting, 0);
    EXPECT_RC(weir_group_end(g), 0);
    pthread_join(t, NULL);
    EXPECT_EQ(atomic_load(&woken), CROWD + 1);
    EXPECT_RC(weir_event_set(the_event), 0); /* again */
    EXPECT_EQ(STATISTICS(the_event).value, 1);
    waits_for_it(NULL);
    return 0;
}

static void run_all_wake(void)
{
    EXPECT_RC(weir_run(all_wake, NULL, NULL), 0);
}

static int set_and_hit(void *unused)
{
    (void)unused;
    weir_event e = weir_event_open();
    EXPECT_RC(weir_event_set(e), 0);
    weir_scope s = weir_move_on_after(0);
    EXPECT_RC(weir_event_wait(e), WEIR_ECANCELED);
    EXPECT_EQ(weir_event_is_set(e), 1); /* does not wait */
    EXPECT_RC(weir_scope_end(s), 1);
    EXPECT_RC(weir_event_wait(e), 0);
    return 0;
}

static void run_set_and_hit(void)
{
    EXPECT_RC(weir_run(set_and_hit, NULL, NULL), 0);
}

/* ---- woken first, cancelled then; and the other way round ---------------------------------- */

static weir_scope waiters_scope;
static int wait_result, next_result;

static int waits_in_scope(void *unused)
{
    (void)unused;
    waiters_scope = weir_scope_begin();
    wait_result = weir_event_wait(the_event);
    next_result = weir_yield();
    weir_scope_end(waiters_scope);
    return 0;
}

static int set_cancel(void *order)
{
    bool set_first = *(bool *)order;
    the_event = weir_event_open();
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, waits_in_scope, NULL), 0);
    AWAIT_LINE(the_event, 1);
    if (set_first)
        EXPECT_RC(weir_event_set(the_event), 0);
    EXPECT_RC(weir_scope_cancel(waiters_scope, NULL), 0);
    EXPECT_EQ(STATISTICS(the_event).waiting, 0);
    EXPECT_RC(weir_event_set(the_event), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(wait_result, set_first ? 0 : WEIR_ECANCELED);
    EXPECT_RC(next_result, WEIR_ECANCELED);
    return 0;
}

static void run_set_cancel(void)
{
    for (int first = 0; first < 2; first++)
        EXPECT_RC(weir_run(set_cancel, &(bool){first}, &one_worker), 0);
}

/* ---- deadlines, closing, misuse ---------------------------------------------------------------
 */

static void times_out(void)
{
    weir_event e = weir_event_open();
    weir_time until = weir_after(2 * WEIR_MS);
    EXPECT_RC(weir_event_wait_by(e, until), WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= until);
    EXPECT_RC(weir_event_wait_by(e, INT64_MIN), WEIR_ETIMEDOUT);
    EXPECT_EQ(STATISTICS(e).waiting, 0);
    EXPECT_RC(weir_event_set(e), 0);
    EXPECT_RC(weir_event_wait_by(e, 0), 0);
    EXPECT_RC(weir_close(e), 0);
}

static void run_times_out(void)
{
    by_both(times_out);
}

static int finds_it_closed(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_event_wait(the_event), WEIR_ECLOSED);
    atomic_fetch_add(&woken, 1);
    return 0;
}

static void *thread_finds_it_closed(void *unused)
{
    finds_it_closed(unused);
    return NULL;
}

static int closes(void *unused)
{
    pthread_t t;
    (void)unused;
    the_event = weir_event_open();
    atomic_store(&woken, 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, finds_it_closed, NULL), 0);
    REQUIRE_EQ(pthread_create(&t, NULL, thread_finds_it_closed, NULL), 0);
    AWAIT_LINE(the_event, 2);
    EXPECT_RC(weir_close(the_event), 0);
    EXPECT_RC(weir_close(the_event), 0); /* twice */
    EXPECT_RC(weir_group_end(g), 0);
    pthread_join(t, NULL);
    EXPECT_EQ(atomic_load(&woken), 2);
    return 0;
}

static void closed_event(void)
{
    weir_sync_statistics s;
    weir_event e = weir_event_open();
    EXPECT_RC(weir_check(e), 0);
    EXPECT_RC(weir_close(e), 0);
    EXPECT_RC(weir_check(e), WEIR_ECLOSED);
    EXPECT_RC(weir_event_set(e), WEIR_ECLOSED);
    EXPECT_RC(weir_event_is_set(e), WEIR_ECLOSED);
    EXPECT_RC(weir_event_wait(e), WEIR_ECLOSED);
    EXPECT_RC(weir_sync_statistics(e, &s), WEIR_ECLOSED);
}

static void run_closes(void)
{
    EXPECT_RC(weir_run(closes, NULL, NULL), 0);
    by_both(closed_event);
}

static void other_handles(void)
{
    weir_sync_statistics s;
    weir_sender tx;
    weir_receiver rx;
    EXPECT_RC(weir_channel_open(&tx, &rx, 1, 1, NULL), 0);
    EXPECT_RC(weir_event_set((weir_event){tx.h}), WEIR_EBADF);
    EXPECT_RC(weir_event_is_set((weir_event){rx.h}), WEIR_EBADF);
    EXPECT_RC(weir_event_wait((weir_event){0}), WEIR_EBADF);
    EXPECT_RC(weir_sync_statistics(tx, &s), WEIR_EBADF);
    EXPECT_RC(weir_sync_statistics((weir_event){0}, &s), WEIR_EBADF);
    weir_event e = weir_event_open();
    EXPECT_RC(weir_sync_statistics(e, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_try_recv_item((weir_receiver){e.h}, &s, 1), WEIR_EBADF);
    weir_close(e);
    weir_close(tx);
    weir_close(rx);
}

static int no_group(void *unused)
{
    weir_sync_statistics s;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_event_set((weir_event){g.h}), WEIR_EBADF);
    EXPECT_RC(weir_sync_statistics(g, &s), WEIR_EBADF);
    return weir_group_end(g);
}

static void run_other_handles(void)
{
    by_both(other_handles);
    EXPECT_RC(weir_run(no_group, NULL, NULL), 0);
}

/* The first actor opens it and returns; its children are told. */
static int opens_and_returns(void *unused)
{
    (void)unused;
    the_event = weir_event_open();
    atomic_store(&woken, 0);
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(WEIR_RUN, finds_it_closed, NULL), 0);
    AWAIT_LINE(the_event, 3);
    return 0;
}

static int closed_by_auto(void *unused)
{
    (void)unused;
    weir_event copy;
    {
        weir_auto(weir_event) e = weir_event_open();
        copy = e;
        EXPECT_RC(weir_check(copy), 0);
    }
    EXPECT_RC(weir_check(copy), WEIR_ECLOSED);
    return 0;
}

static void run_owned(void)
{
    EXPECT_RC(weir_run(opens_and_returns, NULL, NULL), 0);
    EXPECT_EQ(atomic_load(&woken), 3);
    EXPECT_RC(weir_run(closed_by_auto, NULL, NULL), 0);
}

/* ---- F032 --------------------------------------------------------------------------------------
 */

static int passes(void *event)
{
    EXPECT_RC(weir_event_wait(*(weir_event *)event), 0);
    return 0;
}

static void outside_of_a_run(void)
{
    weir_event e = weir_event_open();
    EXPECT_RC(weir_event_set(e), 0);
    EXPECT_RC(weir_run(passes, &e, NULL), 0);
    EXPECT_RC(weir_run(passes, &e, NULL), 0); /* it is nobody's, so it stays */
    EXPECT_RC(weir_close(e), 0);
}

/* ---- drop functions -----------------------------------------------------------------------------
 */

static void waits_in_drop(void *item, void *result)
{
    (void)item;
    int *rc = result;
    rc[0] = weir_event_wait(the_event);
    weir_event_set(the_event);
    rc[1] = weir_event_wait(the_event);
}

static void in_a_drop(void)
{
    int rc[2] = {1, 1}, item = 1;
    weir_sender tx;
    weir_receiver rx;
    weir_channel_options o = {.drop = waits_in_drop, .drop_context = rc};
    the_event = weir_event_open();
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, &o), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(rc[0], WEIR_EPERM);
    EXPECT_RC(rc[1], 0);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(the_event), 0);
}

static void run_in_a_drop(void)
{
    by_both(in_a_drop);
}

/* ---- races
 * --------------------------------------------------------------------------------------- */

static void *thread_sets(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_event_set(the_event), 0);
    return NULL;
}

/* It is set while they come. */
static int set_meanwhile(void *unused)
{
    pthread_t t;
    (void)unused;
    for (int i = 0; i < 100; i++) {
        the_event = weir_event_open();
        weir_group g = weir_group_begin();
        REQUIRE_EQ(pthread_create(&t, NULL, thread_sets, NULL), 0);
        for (int n = 0; n < 5; n++)
            EXPECT_RC(weir_spawn(g, waits_for_it, NULL), 0);
        EXPECT_RC(weir_group_end(g), 0);
        pthread_join(t, NULL);
        EXPECT_RC(weir_close(the_event), 0);
    }
    return 0;
}

static void run_set_meanwhile(void)
{
    EXPECT_RC(weir_run(set_meanwhile, NULL, NULL), 0);
}

/* ---- seeing
 * --------------------------------------------------------------------------------------- */

static int dumped(void *unused)
{
    char text[4096] = "";
    (void)unused;
    the_event = weir_event_open();
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, waits_for_it, NULL, .name = "patient"), 0);
    AWAIT_LINE(the_event, 1);
    EXPECT_RC(weir_settle(), 0);
    FILE *f = fmemopen(text, sizeof text, "w");
    REQUIRE(f != NULL);
    EXPECT_RC(weir_dump(f), 0);
    fclose(f);
    EXPECT(strstr(text, "patient") != NULL);
    EXPECT(strstr(text, "event 0x") != NULL);
    EXPECT_RC(weir_event_set(the_event), 0);
    return weir_group_end(g);
}

static void run_dumped(void)
{
    EXPECT_RC(weir_run(dumped, NULL, NULL), 0);
}

TEST_SUITE(event, "actors: event",
           {"F024 event: all that wait wake, later ones pass", run_all_wake},
           {"F024 event: a set one is a checkpoint", run_set_and_hit},
           {"F024 event: set x cancel, whichever is first", run_set_cancel},
           {"F024 event: deadlines", run_times_out},
           {"F024 event: closing wakes who waits", run_closes},
           {"F024 event: not a handle of an event", run_other_handles},
           {"F024 event: closed with its owner", run_owned},
           {"F032 event: opened and set outside of a run", outside_of_a_run},
           {"F024 event: not in a drop function", run_in_a_drop},
           {"F024 event: set while they come", run_set_meanwhile},
           {"F024 event: in a dump", run_dumped});
