/* SPDX-License-Identifier: MIT */
/* test_portal.c - weir/portal.h: threads that enter a run. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "primitives.h"

WEIR_TYPE(num, long)

static weir_portal portal;
static atomic_bool portal_open;
static num_sender tx;
static num_receiver rx;
static atomic_int entered;

static int returns_it(void *arg)
{
    EXPECT(weir_yield() != WEIR_EPERM); /* an actor */
    atomic_fetch_add(&entered, 1);
    return *(int *)arg;
}

static int waits(void *unused)
{
    long n;
    (void)unused;
    atomic_fetch_add(&entered, 1);
    return num_recv(rx, &n);
}

/* ---- a run with a portal, and threads ----------------------------------------------------- */

static int serves(void *unused)
{
    (void)unused;
    portal = weir_portal_open();
    atomic_store(&portal_open, true);
    EXPECT_RC(weir_portal_wait(portal), 0);
    EXPECT_RC(weir_portal_end(portal), 0);
    EXPECT_RC(weir_portal_end(portal), WEIR_ECLOSED);
    return 0;
}

static void *on_thread(void *test)
{
    while (!atomic_load(&portal_open))
        sched_yield();
    (*(void (**)(void))test)();
    return NULL;
}

/* The test runs on a plain thread beside a run that serves the portal; it stops it. */
static void beside(void (*test)(void))
{
    pthread_t t;
    REQUIRE_RC(num_channel(&tx, &rx, 1), 0);
    atomic_store(&portal_open, false);
    atomic_store(&entered, 0);
    REQUIRE_EQ(pthread_create(&t, NULL, on_thread, &test), 0);
    EXPECT_RC(weir_run(serves, NULL, NULL), 0);
    pthread_join(t, NULL);
    int one = 1;
    EXPECT_RC(weir_portal_call(portal, returns_it, &one), WEIR_ECLOSED); /* the run has ended */
    EXPECT_RC(weir_portal_stop(portal, true), WEIR_ECLOSED);
    EXPECT_RC(weir_portal_wait(portal), WEIR_ECLOSED);
    weir_close(tx);
    weir_close(rx);
}

static void calls(void)
{
    static const int results[] = {0, 7, WEIR_EPIPE, WEIR_ECANCELED};
    for (unsigned i = 0; i < sizeof results / sizeof *results; i++)
        EXPECT_RC(weir_portal_call(portal, returns_it, &results[i], .name = "guest"), results[i]);
    EXPECT_RC(weir_portal_call(portal, (weir_body)NULL, (void *)NULL), WEIR_EINVAL);
    EXPECT_RC(weir_portal_stop(portal, false), 0);
    EXPECT_RC(weir_portal_call(portal, returns_it, &results[1]), WEIR_ECLOSED);
    EXPECT_EQ(atomic_load(&entered), 4);
}

static void call(void)
{
    beside(calls);
}

static void starts(void)
{
    int seven = 7, result = 0, bad = WEIR_EPIPE;
    weir_task t, u, v;
    EXPECT_RC(weir_portal_start(portal, returns_it, &seven, .task = &t), 0);
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    EXPECT_EQ(result, 7);
    EXPECT_RC(weir_portal_start(portal, returns_it, &bad, .task = &u), 0);
    EXPECT_RC(weir_portal_start(portal, waits, (void *)NULL, .task = &v), 0);
    EXPECT_RC(weir_task_wait(u), 0);
    EXPECT_EQ(weir_task_state(u), WEIR_TASK_FAILED);
    while (atomic_load(&entered) < 3)
        sched_yield();
    EXPECT_EQ(weir_task_state(v), WEIR_TASK_RUNNING); /* another's failure is not its */
    EXPECT_RC(weir_task_cancel(v, NULL), 0);
    EXPECT_RC(weir_task_wait(v), 0);
    EXPECT_EQ(weir_task_state(v), WEIR_TASK_CANCELLED);
    weir_close(t);
    weir_close(u);
    weir_close(v);
    EXPECT_RC(weir_portal_stop(portal, false), 0);
    EXPECT_RC(weir_portal_start(portal, returns_it, &seven, .task = &t), WEIR_ECLOSED);
    EXPECT_RC(weir_task_wait(t), WEIR_ECLOSED);
}

static void start(void)
{
    beside(starts);
}

/* ---- children that say when they have started ----------------------------------------------- */

static int serves_at(void *port)
{
    int at = *(int *)port + 1;
    if (at == 0)
        return WEIR_EPIPE;
    EXPECT_RC(weir_child_started(&(long){1}), WEIR_EITEM);
    EXPECT_RC(weir_child_started(&at), 0);
    EXPECT_RC(weir_child_started(&at), WEIR_EPERM);
    waits(NULL);
    return WEIR_EPIPE;
}

/* A failure, before or after that, is not the portal's. */
static void starts_children(void)
{
    int at = 0, one = 1, bad = -1;
    weir_task t;
    EXPECT_RC(weir_portal_child_start(portal, serves_at, &at, &one, .task = &t), 0);
    EXPECT_EQ(at, 2);
    EXPECT_EQ(weir_task_state(t), WEIR_TASK_RUNNING);
    EXPECT_RC(weir_portal_child_start(portal, serves_at, &at, &bad), WEIR_EPIPE);
    EXPECT_RC(weir_portal_child_start(portal, returns_it, &at, &one), WEIR_ECHILD);
    EXPECT_EQ(at, 2);
    EXPECT_RC(num_send(tx, 3), 0);
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_EQ(weir_task_state(t), WEIR_TASK_FAILED);
    weir_close(t);
    EXPECT_RC(weir_portal_call(portal, returns_it, &one), 1);
    EXPECT_RC(weir_portal_stop(portal, false), 0);
    EXPECT_RC(weir_portal_child_start(portal, serves_at, &at, &one), WEIR_ECLOSED);
}

static void child_start(void)
{
    beside(starts_children);
}

static void *stops(void *cancel)
{
    while (atomic_load(&entered) == 0)
        sched_yield();
    EXPECT_RC(weir_portal_stop(portal, cancel != NULL), 0);
    return NULL;
}

static void *stops_then_sends(void *unused)
{
    stops(NULL);
    EXPECT_RC(num_send(tx, 3), 0);
    return unused;
}

/* Who has entered is cancelled, and his caller hears of it. */
static void is_stopped(void)
{
    pthread_t t;
    REQUIRE_EQ(pthread_create(&t, NULL, stops, &portal), 0);
    EXPECT_RC(weir_portal_call(portal, waits, (void *)NULL), WEIR_ECANCELED);
    pthread_join(t, NULL);
}

static void stop_cancels(void)
{
    beside(is_stopped);
}

static void is_let_go_on(void)
{
    pthread_t t;
    REQUIRE_EQ(pthread_create(&t, NULL, stops_then_sends, NULL), 0);
    EXPECT_RC(weir_portal_call(portal, waits, (void *)NULL), 1);
    pthread_join(t, NULL);
}

static void stop_lets_go_on(void)
{
    beside(is_let_go_on);
}

static void too_late(void)
{
    EXPECT_RC(weir_portal_call_by(portal, weir_after(WEIR_MS), waits, (void *)NULL),
              WEIR_ETIMEDOUT);
    EXPECT_RC(weir_portal_stop(portal, false), 0);
}

static void deadline(void)
{
    beside(too_late);
}

/* ---- from inside ------------------------------------------------------------------------- */

static int asks(void *arg, void *result)
{
    (void)result;
    return weir_portal_call(*(weir_portal *)arg, waits, (void *)NULL);
}

/* The thread of a blocking call enters the scope of its caller. */
static int calls_back(void *unused)
{
    (void)unused;
    weir_scope s = weir_scope_begin();
    weir_auto(weir_portal) p = weir_portal_open();
    EXPECT_RC(num_send(tx, 4), 0);
    EXPECT_RC(weir_blocking_call(asks, (void *)NULL, &p), 1);
    weir_scope_cancel(s, NULL);
    EXPECT_RC(weir_portal_call(p, waits, (void *)NULL), WEIR_ECANCELED);
    EXPECT_RC(weir_portal_end(p), WEIR_ECANCELED);
    EXPECT_EQ(weir_scope_end(s), 1);
    return 0;
}

static void from_a_blocking_call(void)
{
    REQUIRE_RC(num_channel(&tx, &rx, 1), 0);
    atomic_store(&entered, 0);
    EXPECT_RC(weir_run(calls_back, NULL, NULL), 0);
    EXPECT_EQ(atomic_load(&entered), 1);
    weir_close(tx);
    weir_close(rx);
}

static int cancelled_caller(void *p)
{
    return weir_portal_call(*(weir_portal *)p, waits, (void *)NULL);
}

static int by_an_actor(void *unused)
{
    int five = 5;
    (void)unused;
    weir_portal p = weir_portal_open();
    EXPECT_RC(weir_portal_call(p, returns_it, &five), 5);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, cancelled_caller, &p), 0);
    while (atomic_load(&entered) < 2)
        weir_yield();
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_portal_start(p, waits, (void *)NULL), 0);
    weir_portal_leave(p); /* it does not wait for ever */
    EXPECT_RC(weir_portal_start(p, waits, (void *)NULL), WEIR_ECLOSED);
    return 0;
}

static void actors_call(void)
{
    REQUIRE_RC(num_channel(&tx, &rx, 1), 0);
    atomic_store(&entered, 0);
    EXPECT_RC(weir_run(by_an_actor, NULL, NULL), 0);
    weir_close(tx);
    weir_close(rx);
}

static void misuse(void)
{
    EXPECT_RC(weir_check(weir_portal_open()), WEIR_EPERM);
    weir_auto(weir_event) e = weir_event_open();
    weir_portal wrong = {e.h};
    EXPECT_RC(weir_portal_stop(wrong, true), WEIR_EBADF);
    EXPECT_RC(weir_portal_wait(wrong), WEIR_EBADF);
    EXPECT_RC(weir_portal_call(wrong, waits, (void *)NULL), WEIR_EBADF);
}

/* ---- many calls, and the portal stops, and the run ends ------------------------------------- */

enum { CALLERS = 4 };

static atomic_int got, refused;

static void *calls_until_closed(void *unused)
{
    int rc, n = 9;
    (void)unused;
    while (!atomic_load(&portal_open))
        sched_yield();
    while ((rc = weir_portal_call(portal, returns_it, &n)) == 9)
        atomic_fetch_add(&got, 1);
    EXPECT_RC(rc, WEIR_ECLOSED);
    atomic_fetch_add(&refused, 1);
    return NULL;
}

static int serves_some(void *number)
{
    portal = weir_portal_open();
    atomic_store(&portal_open, true);
    while (atomic_load(&entered) < *(int *)number)
        weir_yield();
    EXPECT_RC(weir_portal_end(portal), 0);
    return 0;
}

static void stop_races(void)
{
    for (int i = 0; i < 30; i++) {
        pthread_t t[CALLERS];
        atomic_store(&portal_open, false);
        atomic_store(&entered, 0);
        atomic_store(&got, 0);
        atomic_store(&refused, 0);
        for (int k = 0; k < CALLERS; k++)
            REQUIRE_EQ(pthread_create(&t[k], NULL, calls_until_closed, NULL), 0);
        EXPECT_RC(weir_run(serves_some, &i, NULL), 0);
        for (int k = 0; k < CALLERS; k++)
            pthread_join(t[k], NULL);
        EXPECT_EQ(atomic_load(&got), atomic_load(&entered));
        EXPECT_EQ(atomic_load(&refused), CALLERS);
    }
}

TEST_SUITE(portal, "portal",
           {"F129, F144 call: what it returned; after stop, and after the run", call},
           {"F131 start: a handle, to wait and to cancel; failures are alone", start},
           {"F131 start: a child that says when it has started", child_start},
           {"F131 stop: who has entered is cancelled", stop_cancels},
           {"F131 stop: who has entered goes on", stop_lets_go_on},
           {"F129 call: a deadline passes", deadline},
           {"F129 call: by a blocking call, in its caller's scope", from_a_blocking_call},
           {"F129, F131 call: by actors, cancelled; leave", actors_call}, {"F131 misuse", misuse},
           {"F131 stop: while threads call, and the run ends", stop_races});
