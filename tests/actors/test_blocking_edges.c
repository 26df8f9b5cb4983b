/* SPDX-License-Identifier: MIT */
/* test_blocking_edges.c - blocking calls and portals where they should not be used so. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "primitives.h"

/* ---- works that call weir ------------------------------------------------------------------ */

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static int stops_the_run(void *unused, void *result)
{
    (void)unused;
    (void)result;
    EXPECT_RC(weir_run(nothing, NULL, NULL), WEIR_EBUSY);
    EXPECT_RC(weir_start(nothing, NULL, NULL), WEIR_EBUSY);
    return weir_stop(NULL);
}

static atomic_int told;

static int calls_stop(void *unused)
{
    (void)unused;
    atomic_store(&told, weir_blocking_call(stops_the_run, (void *)NULL, (void *)NULL));
    return 0;
}

/* The run ends when the call has, and the call when the run has: that would be for ever. */
static void stop_inside(void)
{
    atomic_store(&told, 0);
    REQUIRE_RC(weir_start(calls_stop, NULL, NULL), 0);
    while (atomic_load(&told) == 0)
        sched_yield();
    EXPECT_RC(weir_stop(NULL), 0);
    EXPECT_RC(atomic_load(&told), WEIR_EDEADLK);
}

static int what_a_thread_may_not(void *unused, void *result)
{
    (void)unused;
    (void)result;
    EXPECT_RC(weir_yield(), WEIR_EPERM);
    EXPECT_RC(weir_settle(), WEIR_EPERM);
    EXPECT_RC(weir_check(weir_group_begin()), WEIR_EPERM);
    EXPECT_RC(weir_check(weir_scope_begin()), WEIR_EPERM);
    EXPECT_RC(weir_check(weir_portal_open()), WEIR_EPERM);
    EXPECT_RC(weir_check(weir_blocking_default()), WEIR_EPERM);
    EXPECT_RC(weir_spawn(WEIR_RUN, nothing, (void *)NULL), WEIR_EPERM);
    return weir_sleep(1);
}

static int calls_all(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_blocking_call(what_a_thread_may_not, (void *)NULL, (void *)NULL), 0);
    return 0;
}

static void no_actor(void)
{
    EXPECT_RC(weir_run(calls_all, NULL, NULL), 0);
}

/* ---- signals ------------------------------------------------------------------------------- */

static int reads_mask(void *unused, void *mask)
{
    (void)unused;
    return pthread_sigmask(SIG_SETMASK, NULL, mask);
}

static int looks_at_mask(void *unused)
{
    static const int theirs[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGALRM, SIGUSR1, SIGPIPE};
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    sigset_t mask;
    (void)unused;
    EXPECT_RC(weir_blocking_call(reads_mask, &mask, (void *)NULL), 0);
    for (unsigned i = 0; i < sizeof theirs / sizeof *theirs; i++)
        EXPECT_EQ(sigismember(&mask, theirs[i]), 1);
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
        EXPECT_EQ(sigismember(&mask, faults[i]), 0);
    return 0;
}

static void signals(void)
{
    EXPECT_RC(weir_run(looks_at_mask, NULL, NULL), 0);
}

/* ---- the run's own class ------------------------------------------------------------------- */

static int answers(void *unused, void *result)
{
    (void)unused;
    *(int *)result = 3;
    return 0;
}

static int closes_default(void *unused)
{
    int n = 0;
    (void)unused;
    {
        weir_auto(weir_blocking) b = weir_blocking_default();
        EXPECT_RC(weir_close(b), WEIR_EPERM);
    }
    EXPECT_RC(weir_blocking_call(answers, &n, (void *)NULL), 0);
    EXPECT_RC(weir_blocking_resize(weir_blocking_default(), 7), 0);
    weir_blocking_statistics s = {0};
    EXPECT_RC(weir_blocking_statistics_of(weir_blocking_default(), &s), 0);
    EXPECT_EQ(s.limit, 7);
    EXPECT_EQ(s.calls, 1);
    return 0;
}

static void of_the_run(void)
{
    EXPECT_RC(weir_run(closes_default, NULL, NULL), 0);
    EXPECT_RC(weir_run(closes_default, NULL, NULL), 0); /* another run, another class */
}

/* ---- another's portal ------------------------------------------------------------------------ */

static int seven(void *unused)
{
    (void)unused;
    return 7;
}

static int ends_anothers(void *portal)
{
    weir_portal p = *(weir_portal *)portal;
    EXPECT_RC(weir_portal_end(p), WEIR_EBUSY);
    weir_portal_leave(p);
    return 0;
}

static int ends_by_thread(void *portal, void *result)
{
    weir_portal p = *(weir_portal *)portal;
    (void)result;
    EXPECT_RC(weir_portal_end(p), WEIR_EPERM);
    weir_portal_leave(p);
    EXPECT_RC(weir_close(p), WEIR_EBUSY);
    return 0;
}

static int waits_in_portal(void *unused)
{
    (void)unused;
    return weir_sleep(WEIR_NEVER);
}

/* None of that has done anything to the portal. */
static int keeps_portal(void *unused)
{
    weir_task t;
    (void)unused;
    weir_portal p = weir_portal_open();
    EXPECT_RC(weir_portal_start(p, waits_in_portal, (void *)NULL, .task = &t), 0);
    EXPECT_RC(weir_portal_call(p, ends_anothers, &p), 0);
    EXPECT_RC(weir_blocking_call(ends_by_thread, (void *)NULL, &p), 0);
    EXPECT_RC(weir_close(p), WEIR_EBUSY);
    weir_scope s = weir_scope_begin();
    EXPECT_RC(weir_portal_end(p), WEIR_EPERM); /* a scope that was begun later is open */
    EXPECT_RC(weir_scope_end(s), 0);
    EXPECT_EQ(weir_task_state(t), WEIR_TASK_RUNNING);
    EXPECT_RC(weir_portal_call(p, seven, (void *)NULL), 7);
    weir_close(t);
    EXPECT_RC(weir_portal_stop(p, true), 0);
    EXPECT_RC(weir_portal_end(p), 0);
    EXPECT_RC(weir_close(p), 0); /* as any handle that was closed before */
    return 0;
}

static void anothers_portal(void)
{
    EXPECT_RC(weir_run(keeps_portal, NULL, NULL), 0);
}

static weir_portal kept;

static int returns_with_portal(void *unused)
{
    (void)unused;
    kept = weir_portal_open();
    return weir_portal_start(kept, waits_in_portal, (void *)NULL);
}

/* Its owner has returned: what has entered was cancelled, and the handle is closed. */
static void left_open(void)
{
    EXPECT_RC(weir_run(returns_with_portal, NULL, NULL), 0);
    EXPECT_RC(weir_check(kept), WEIR_ECLOSED);
    EXPECT_RC(weir_portal_call(kept, seven, (void *)NULL), WEIR_ECLOSED);
}

/* ---- simulated ------------------------------------------------------------------------------- */

static int order, first[2];

static int marks(void *unused, void *result)
{
    (void)unused;
    (void)result;
    return 0;
}

static int calls_and_marks(void *number)
{
    EXPECT_RC(weir_blocking_call(marks, (void *)NULL, (void *)NULL), 0);
    if (order++ == 0)
        first[*(int *)number]++;
    return 0;
}

static int two_call(void *unused)
{
    (void)unused;
    order = 0;
    for (int i = 0; i < 2; i++)
        EXPECT_RC(weir_spawn(WEIR_RUN, calls_and_marks, &i), 0);
    return 0;
}

/* Others have their turn at a call: with threads they would have had it too. */
static int one_calls(void *unused)
{
    int before = order;
    (void)unused;
    EXPECT_RC(weir_blocking_call(marks, (void *)NULL, (void *)NULL), 0);
    first[order > before]++;
    order = -1000000;
    return 0;
}

static int counts(void *unused)
{
    (void)unused;
    order++;
    return 0;
}

static int one_against_other(void *unused)
{
    (void)unused;
    order = 0;
    EXPECT_RC(weir_spawn(WEIR_RUN, one_calls, (void *)NULL), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, counts, (void *)NULL), 0);
    return 0;
}

static void simulated_orders(weir_body body)
{
    first[0] = first[1] = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        weir_options o = {.simulate = true, .seed = seed};
        EXPECT_RC(weir_run(body, NULL, &o), 0);
        uint64_t trace = weir_simulated_trace();
        EXPECT_RC(weir_run(body, NULL, &o), 0);
        EXPECT_EQ(trace, weir_simulated_trace());
    }
    EXPECT(first[0] > 0);
    EXPECT(first[1] > 0);
}

static void simulated(void)
{
    simulated_orders(two_call);
    simulated_orders(one_against_other);
}

TEST_SUITE(blocking_edges, "blocking, edges",
           {"F127 work: it stops its own run: a dead lock, refused", stop_inside},
           {"F127 work: it is no actor", no_actor},
           {"F128 threads: signals are for others", signals},
           {"F128 class: the run's own is not closed", of_the_run},
           {"F131 misuse: another's portal", anothers_portal},
           {"F131 misuse: a body returns with a portal open", left_open},
           {"F127 simulated: others have a turn at a call, the same by the same seed", simulated});
