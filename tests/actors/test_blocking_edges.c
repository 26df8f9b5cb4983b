/* SPDX-License-Identifier: MIT */
/* test_blocking_edges.c - blocking calls and portals where they should not be used so. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
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

/* ---- errno is the caller's ------------------------------------------------------------------- */

#if !defined(WEIR_ASAN) && !defined(WEIR_TSAN)

/* Without address space there is no stack for a thread. */
static int cannot_call(void *unused)
{
    struct rlimit before, none;
    (void)unused;
    getrlimit(RLIMIT_AS, &before);
    none = before;
    none.rlim_cur = 1;
    setrlimit(RLIMIT_AS, &none);
    errno = 77;
    int rc = weir_blocking_call(what_a_thread_may_not, (void *)NULL, (void *)NULL), e = errno;
    setrlimit(RLIMIT_AS, &before);
    EXPECT(rc == 0 || rc == WEIR_ENOMEM); /* libc may have kept a stack */
    EXPECT_EQ(e, 77);
    EXPECT_RC(weir_blocking_call(what_a_thread_may_not, (void *)NULL, (void *)NULL), 0);
    return 0;
}

static void no_thread(void)
{
    weir_options one = {.workers = 1};
    EXPECT_RC(weir_run(cannot_call, NULL, &one), 0);
}

#else

static void no_thread(void)
{
    EXPECT(true); /* a sanitizer needs address space for itself */
}

#endif

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

/* ---- portals in a work ----------------------------------------------------------------------- */

static atomic_int waiting, ended;

static int sleeps(void *unused)
{
    (void)unused;
    atomic_fetch_add(&waiting, 1);
    int rc = weir_sleep(WEIR_NEVER);
    atomic_fetch_add(&ended, 1);
    return rc;
}

/* What it waits for in the run is cancelled with its caller, and then there is nothing more. */
static int works_in_portal(void *portal, void *result)
{
    weir_portal p = *(weir_portal *)portal;
    (void)result;
    EXPECT_RC(weir_portal_call(p, sleeps, (void *)NULL), WEIR_ECANCELED);
    EXPECT(weir_cancelled());
    EXPECT_RC(weir_portal_call(p, sleeps, (void *)NULL), WEIR_ECANCELED);
    EXPECT_RC(weir_portal_child_start(p, sleeps, (void *)NULL, (void *)NULL), WEIR_ECANCELED);
    EXPECT_EQ(atomic_load(&ended), 1);
    EXPECT_EQ(atomic_load(&waiting), 1);
    return 3;
}

static int starts_in_portal(void *portal, void *result)
{
    (void)result;
    EXPECT_RC(weir_portal_child_start(*(weir_portal *)portal, sleeps, (void *)NULL, (void *)NULL),
              WEIR_ECANCELED);
    EXPECT_EQ(atomic_load(&ended), 1);
    return 3;
}

static int cancels_when_waiting(void *scope)
{
    while (atomic_load(&waiting) == 0)
        EXPECT_RC(weir_yield(), 0);
    return weir_scope_cancel(*(weir_scope *)scope, "enough");
}

static void cancel_in_portal(weir_work work)
{
    atomic_store(&waiting, 0);
    atomic_store(&ended, 0);
    weir_portal p = weir_portal_open();
    weir_scope s = weir_scope_begin(); /* within the portal: what enters is not in it */
    EXPECT_RC(weir_spawn(WEIR_RUN, cancels_when_waiting, &s), 0);
    EXPECT_RC(weir_blocking_call(work, (void *)NULL, &p), 3);
    EXPECT(weir_scope_end(s) >= 0);
    EXPECT_RC(weir_portal_end(p), 0);
}

static int cancels_works(void *unused)
{
    (void)unused;
    cancel_in_portal(works_in_portal);
    cancel_in_portal(starts_in_portal);
    return 0;
}

static void cancelled_work(void)
{
    EXPECT_RC(weir_run(cancels_works, NULL, NULL), 0);
}

/* ---- a run is stopped, with everybody inside --------------------------------------------------
 */

static weir_portal entrance;
static weir_blocking narrow;

static int until_unwanted(void *unused, void *result)
{
    (void)unused;
    (void)result;
    atomic_fetch_add(&waiting, 1);
    while (!weir_cancelled())
        sched_yield();
    return 4;
}

static int calls_narrow(void *wanted)
{
    EXPECT_RC(weir_blocking_call(until_unwanted, (void *)NULL, (void *)NULL, .in = narrow),
              *(int *)wanted);
    return 0;
}

static int opens_all(void *unused)
{
    int runs = 4, waits_in_line = WEIR_ECANCELED;
    (void)unused;
    narrow = weir_blocking_open(1);
    entrance = weir_portal_open();
    EXPECT_RC(weir_spawn(WEIR_RUN, calls_narrow, &runs), 0);
    while (atomic_load(&waiting) == 0)
        EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, calls_narrow, &waits_in_line), 0);
    AWAIT_LINE(narrow, 1);
    atomic_fetch_add(&waiting, 1);
    EXPECT_RC(weir_portal_wait(entrance), WEIR_ECANCELED);
    return weir_portal_end(entrance);
}

static void await_waiting(int n)
{
    while (atomic_load(&waiting) < n)
        sched_yield();
}

static void *calls_in(void *unused)
{
    await_waiting(2);
    EXPECT_RC(weir_portal_call(entrance, sleeps, (void *)NULL), WEIR_ECANCELED);
    return unused;
}

static void *waits_outside(void *unused)
{
    await_waiting(2);
    EXPECT_RC(weir_portal_wait(entrance), 0); /* its end stops it */
    return unused;
}

static void *stops_it(void *unused)
{
    await_waiting(3);
    await_line(entrance.h, 2);
    EXPECT_RC(weir_stop("enough"), 0);
    return unused;
}

/* By another thread than started it. Twice: what is left of the first is in nobody's way. */
static void stop_around(void)
{
    void *(*const threads[])(void *) = {calls_in, waits_outside, stops_it};
    enum { THREADS = sizeof threads / sizeof *threads };
    for (int i = 0; i < 2; i++) {
        pthread_t t[THREADS];
        atomic_store(&waiting, 0);
        REQUIRE_RC(weir_start(opens_all, NULL, NULL), 0);
        for (int k = 0; k < THREADS; k++)
            REQUIRE_EQ(pthread_create(&t[k], NULL, threads[k], NULL), 0);
        for (int k = 0; k < THREADS; k++)
            pthread_join(t[k], NULL);
        EXPECT_RC(weir_check(narrow), WEIR_ECLOSED);
        EXPECT_RC(weir_stop(NULL), WEIR_EPERM);
    }
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
           {"F127 call: there is no thread to be had; errno", no_thread},
           {"F129 call: by a work whose caller is cancelled", cancelled_work},
           {"F128 threads: signals are for others", signals},
           {"F127, F131 weir_stop: calls in line, on threads, in portals", stop_around},
           {"F128 class: the run's own is not closed", of_the_run},
           {"F131 misuse: another's portal", anothers_portal},
           {"F131 misuse: a body returns with a portal open", left_open},
           {"F127 simulated: others have a turn at a call, the same by the same seed", simulated});
