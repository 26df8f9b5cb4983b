/* SPDX-License-Identifier: MIT */
/* test_blocking.c - weir/blocking.h: functions that block, on threads of their own. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "primitives.h"

WEIR_TYPE(num, long)

/* What several tests' works wait for, and tell: opened by the test, on its own thread. */
static num_sender go_tx, told_tx;
static num_receiver go_rx, told_rx;
static atomic_int ran, began, dropped, concurrent;

static void set_up(void)
{
    REQUIRE_RC(num_channel(&go_tx, &go_rx, WEIR_UNBOUNDED), 0);
    REQUIRE_RC(num_channel(&told_tx, &told_rx, WEIR_UNBOUNDED), 0);
    atomic_store(&ran, 0);
    atomic_store(&began, 0);
    atomic_store(&dropped, 0);
    atomic_store(&concurrent, 0);
}

static void tear_down(void)
{
    weir_close(go_tx);
    weir_close(go_rx);
    weir_close(told_tx);
    weir_close(told_rx);
}

static void run_with_channels(weir_body body)
{
    set_up();
    EXPECT_RC(weir_run(body, NULL, NULL), 0);
    tear_down();
}

static weir_blocking_statistics stats(weir_blocking b)
{
    weir_blocking_statistics s = {0};
    REQUIRE_RC(weir_blocking_statistics_of(b, &s), 0);
    return s;
}

static long next_told(void)
{
    long n = -1;
    EXPECT_EQ(num_recv(told_rx, &n), 1);
    return n;
}

/* ---- what works do ----------------------------------------------------------------------------
 */

struct pair {
    long a, b;
};

static const struct pair one_two = {1, 2};

struct answer {
    long sum, before;
    pthread_t thread;
    const void *arg;
};

static int add(void *arg, void *result)
{
    struct pair *p = arg;
    struct answer *r = result;
    *r = (struct answer){p->a + p->b, r->sum, pthread_self(), p};
    p->a = p->b = 0;
    atomic_fetch_add(&ran, 1);
    return 5;
}

static int fail(void *arg, void *result)
{
    (void)arg;
    *(long *)result = 8;
    return WEIR_EPIPE;
}

/* Tells that it has begun, and goes on with a number that it is sent: its result. */
static int wait_for_go(void *arg, void *result)
{
    long n = 0;
    atomic_fetch_add(&ran, 1);
    num_send(told_tx, arg ? *(const long *)arg : 0);
    num_recv(go_rx, &n);
    if (result)
        *(long *)result = n;
    return 1;
}

static int until_cancelled(void *arg, void *result)
{
    (void)arg;
    num_send(told_tx, 1);
    while (!weir_cancelled())
        sched_yield();
    *(long *)result = 42;
    return 2;
}

/* ---- F127 ----------------------------------------------------------------------------------- */

static int calls_add(void *unused)
{
    struct pair p = {3, 4};
    struct answer r = {.sum = 99};
    (void)unused;
    EXPECT_RC(weir_blocking_call(add, &r, &p), 5);
    EXPECT_EQ(r.sum, 7);
    EXPECT_EQ(r.before, 0);
    EXPECT(r.arg != &p);
    EXPECT_EQ(p.a, 3);
    EXPECT(!pthread_equal(r.thread, pthread_self()));
    long n = 0;
    EXPECT_RC(weir_blocking_call(fail, &n, (void *)NULL), WEIR_EPIPE);
    EXPECT_EQ(n, 8);
    return 0;
}

static void by_copy(void)
{
    run_with_channels(calls_add);
}

static int gives_go(void *number)
{
    EXPECT_EQ(next_told(), 6);
    return num_send(go_tx, *(long *)number);
}

/* With one worker nobody could give it the word if its caller kept the worker. */
static int parks(void *unused)
{
    long arg = 6, word = 77, result = 0;
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, gives_go, &word), 0);
    EXPECT_RC(weir_blocking_call(wait_for_go, &result, &arg), 1);
    EXPECT_EQ(result, 77);
    return 0;
}

static void caller_is_parked(void)
{
    run_with_channels(parks);
}

static atomic_int call_result;

static int calls_in(void *class)
{
    long n = 5, result = 0;
    atomic_store(&call_result,
                 weir_blocking_call(wait_for_go, &result, &n, .in = *(weir_blocking *)class));
    return 0;
}

static int cancelled_in_line(void *unused)
{
    (void)unused;
    weir_auto(weir_blocking) none = weir_blocking_open(0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, calls_in, &none), 0);
    AWAIT_LINE(none, 1);
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    weir_group_end(g);
    EXPECT_RC(atomic_load(&call_result), WEIR_ECANCELED);
    EXPECT_EQ(stats(none).waiting, 0);
    EXPECT_RC(weir_blocking_resize(none, 1), 0);

    weir_scope s = weir_scope_begin();
    weir_scope_cancel(s, NULL);
    long n = 1;
    EXPECT_RC(weir_blocking_call(wait_for_go, &n, &n, .in = none), WEIR_ECANCELED);
    EXPECT_EQ(weir_scope_end(s), 1);
    EXPECT_EQ(stats(none).running, 0);
    EXPECT_EQ(atomic_load(&ran), 0);
    return 0;
}

static void not_begun_never_runs(void)
{
    run_with_channels(cancelled_in_line);
}

static int times_out_in_line(void *unused)
{
    long n = 0;
    (void)unused;
    weir_auto(weir_blocking) none = weir_blocking_open(0);
    weir_time soon = weir_after(WEIR_MS);
    EXPECT_RC(weir_blocking_call(wait_for_go, &n, &n, .in = none, .deadline = soon),
              WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= soon);
    EXPECT_EQ(atomic_load(&ran), 0);
    EXPECT_EQ(stats(none).waiting, 0);
    return 0;
}

static void deadline_in_line(void)
{
    run_with_channels(times_out_in_line);
}

static int calls_until_cancelled(void *unused)
{
    long result = 0;
    (void)unused;
    weir_scope s = weir_scope_begin();
    EXPECT_RC(weir_blocking_call(until_cancelled, &result, (void *)NULL), 2);
    EXPECT_EQ(result, 42);
    EXPECT(weir_cancelled());
    EXPECT_EQ(weir_scope_end(s), 0); /* what was here is not what cancels */
    return 0;
}

static int cancels_when_it_runs(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, calls_until_cancelled, (void *)NULL), 0);
    EXPECT_EQ(next_told(), 1);
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void shielded(void)
{
    run_with_channels(cancels_when_it_runs);
}

static int deadline_while_running(void *unused)
{
    long result = 0;
    int rc;
    (void)unused;
    do /* where it had not begun by then it was withdrawn */
        rc = weir_blocking_call(until_cancelled, &result, (void *)NULL,
                                .deadline = weir_after(20 * WEIR_MS));
    while (rc == WEIR_ETIMEDOUT);
    EXPECT_RC(rc, 2);
    EXPECT_EQ(result, 42);
    return 0;
}

static void deadline_is_told(void)
{
    run_with_channels(deadline_while_running);
}

static void drop_number(void *result)
{
    atomic_fetch_add(&dropped, 1);
    num_send(told_tx, *(long *)result);
}

struct abandoned {
    weir_blocking class;
    bool keep;
};

static int abandons(void *arg)
{
    long n = 3, result = 0;
    const struct abandoned *a = arg;
    EXPECT_RC(weir_blocking_call(wait_for_go, &result, &n, .in = a->class, .abandon = true,
                                 .drop = drop_number, .keep = a->keep),
              WEIR_ECANCELED);
    EXPECT_EQ(result, 0);
    return WEIR_ECANCELED;
}

static void abandon_one(weir_blocking class, bool keep)
{
    weir_group g = weir_group_begin();
    struct abandoned a = {class, keep};
    EXPECT_RC(weir_spawn(g, abandons, &a), 0);
    EXPECT_EQ(next_told(), 3);
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
}

static int abandons_and_goes_on(void *unused)
{
    struct answer r;
    (void)unused;
    weir_auto(weir_blocking) one = weir_blocking_open(1);
    abandon_one(one, false);
    EXPECT_EQ(stats(one).running, 0);
    EXPECT_EQ(stats(one).abandoned, 1);
    EXPECT_RC(weir_blocking_call(add, &r, &one_two, .in = one), 5);
    EXPECT_EQ(stats(one).threads, 2);
    EXPECT_EQ(atomic_load(&dropped), 0);
    EXPECT_RC(num_send(go_tx, 9), 0);
    EXPECT_EQ(next_told(), 9);
    while (stats(one).abandoned > 0)
        let_others_run();
    EXPECT_EQ(atomic_load(&dropped), 1);
    return 0;
}

static void abandoned(void)
{
    run_with_channels(abandons_and_goes_on);
}

/* Its place is free when the function has returned: before, there is none for others. */
static int abandons_and_keeps(void *unused)
{
    struct answer r;
    (void)unused;
    weir_auto(weir_blocking) one = weir_blocking_open(1);
    abandon_one(one, true);
    EXPECT_EQ(stats(one).running, 1);
    EXPECT_EQ(stats(one).calls, 0);
    EXPECT_EQ(stats(one).abandoned, 1);
    EXPECT_RC(weir_blocking_call(add, &r, &one_two, .in = one, .deadline = weir_after(WEIR_US)),
              WEIR_ETIMEDOUT);
    EXPECT_RC(num_send(go_tx, 9), 0);
    EXPECT_RC(weir_blocking_call(add, &r, &one_two, .in = one, .keep = true), 5);
    EXPECT_EQ(next_told(), 9);
    EXPECT_EQ(atomic_load(&dropped), 1);
    EXPECT_EQ(stats(one).running, 0);
    EXPECT_EQ(stats(one).calls, 2);
    abandon_one(one, true);
    EXPECT_RC(weir_close(one), 0); /* nobody needs the place any more */
    EXPECT_RC(num_send(go_tx, 9), 0);
    EXPECT_EQ(next_told(), 9);
    while (stats(weir_blocking_default()).abandoned > 0)
        let_others_run(); /* its thread would be the next run's */
    return 0;
}

static void keeps_place(void)
{
    run_with_channels(abandons_and_keeps);
}

static int abandons_and_ends(void *unused)
{
    (void)unused;
    weir_blocking class = weir_blocking_default();
    abandon_one(class, false);
    return 0;
}

static void abandoned_outlives_run(void)
{
    weir_blocking class = weir_blocking_open(1);
    set_up();
    EXPECT_RC(weir_run(abandons_and_ends, NULL, NULL), 0);
    EXPECT_EQ(stats(class).abandoned, 1);
    EXPECT_EQ(stats(class).threads, 1);
    EXPECT_RC(num_send(go_tx, 11), 0);
    EXPECT_EQ(next_told(), 11);
    while (stats(class).threads > 0)
        sched_yield();
    EXPECT_EQ(atomic_load(&dropped), 1);
    tear_down();
    weir_close(class);
}

/* ---- F128 ----------------------------------------------------------------------------------- */

static pthread_t thread_of[2];

static int note_thread(void *arg, void *result)
{
    long n = *(const long *)arg;
    thread_of[n] = pthread_self();
    return wait_for_go(arg, result);
}

static int takes_thread(void *number)
{
    long result;
    return weir_blocking_call(note_thread, &result, (long *)number) < 0;
}

static void await_idle(uint32_t n)
{
    while (stats(weir_blocking_default()).idle != n)
        let_others_run();
}

static int uses_threads(void *unused)
{
    struct answer r;
    (void)unused;
    weir_group g = weir_group_begin();
    for (long i = 0; i < 2; i++)
        EXPECT_RC(weir_spawn(g, takes_thread, &i), 0);
    EXPECT_EQ(next_told() + next_told(), 1);
    EXPECT_RC(num_send(go_tx, 0), 0);
    await_idle(1);
    EXPECT_RC(num_send(go_tx, 0), 0);
    await_idle(2);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_blocking_call(add, &r, &one_two), 5);
    pthread_t last = r.thread;
    EXPECT(pthread_equal(last, thread_of[0]) || pthread_equal(last, thread_of[1]));
    await_idle(2);
    for (int i = 0; i < 3; i++) {
        EXPECT_RC(weir_blocking_call(add, &r, &one_two), 5);
        EXPECT(pthread_equal(r.thread, last));
        await_idle(2);
    }
    EXPECT_EQ(stats(weir_blocking_default()).threads, 2);
    return 0;
}

static void most_recent_is_used(void)
{
    weir_blocking class = weir_blocking_open(1);
    run_with_channels(uses_threads);
    EXPECT_EQ(stats(class).threads, 0); /* they end with the run */
    weir_close(class);
}

static weir_blocking limited;

static int count_concurrent(void *arg, void *result)
{
    int now = atomic_fetch_add(&concurrent, 1) + 1;
    EXPECT(now <= *(const int *)arg);
    (void)result;
    sched_yield();
    atomic_fetch_add(&ran, 1);
    atomic_fetch_sub(&concurrent, 1);
    return 0;
}

enum { MANY = 40, EACH = 20 };

static int calls_limited(void *limit)
{
    for (int i = 0; i < EACH; i++)
        EXPECT_RC(weir_blocking_call(count_concurrent, (void *)NULL, (int *)limit, .in = limited),
                  0);
    return 0;
}

static int many_call(void *unused)
{
    int limit = 3;
    (void)unused;
    limited = weir_blocking_open(3);
    weir_group g = weir_group_begin();
    for (int i = 0; i < MANY; i++)
        EXPECT_RC(weir_spawn(g, calls_limited, &limit), 0);
    EXPECT_RC(weir_group_end(g), 0);
    weir_blocking_statistics s = stats(limited);
    EXPECT_EQ(s.calls, MANY * EACH);
    uint64_t sum = 0;
    for (int i = 0; i < WEIR_BLOCKING_BUCKETS; i++)
        sum += s.queued[i];
    EXPECT_EQ(sum, MANY * EACH);
    EXPECT(s.threads <= 2 * 3); /* who has given back its place may not be idle yet */
    EXPECT_EQ(s.running, 0);
    EXPECT_EQ(atomic_load(&ran), MANY * EACH);
    return 0;
}

static void never_too_many(void)
{
    run_with_channels(many_call);
}

struct ordered {
    weir_blocking in;
    long number;
};

static int calls_in_order(void *arg)
{
    struct ordered *o = arg;
    long result;
    return weir_blocking_call(wait_for_go, &result, &o->number, .in = o->in) - 1;
}

static int line_up(void *unused)
{
    struct ordered o = {.in = weir_blocking_open(0)};
    (void)unused;
    weir_group g = weir_group_begin();
    for (o.number = 0; o.number < 5; o.number++) {
        EXPECT_RC(weir_spawn(g, calls_in_order, &o), 0);
        AWAIT_LINE(o.in, (uint32_t)o.number + 1);
    }
    EXPECT_RC(weir_blocking_resize(o.in, 1), 0);
    EXPECT_EQ(next_told(), 0);
    EXPECT_EQ(stats(o.in).running, 1);
    EXPECT_EQ(stats(o.in).waiting, 4);
    EXPECT_RC(num_send(go_tx, 0), 0);
    EXPECT_EQ(next_told(), 1);
    EXPECT_RC(weir_blocking_resize(o.in, 3), 0); /* raised: two more */
    long sum = next_told() + next_told();
    EXPECT_EQ(sum, 2 + 3);
    EXPECT_EQ(stats(o.in).running, 3);
    EXPECT_RC(weir_blocking_resize(o.in, 1), 0); /* lowered: none until two have ended */
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(stats(o.in).waiting, 1);
        EXPECT_RC(num_send(go_tx, 0), 0);
        while (stats(o.in).running > 2u - (unsigned)i)
            let_others_run();
    }
    EXPECT_RC(num_send(go_tx, 0), 0);
    EXPECT_EQ(next_told(), 4);
    EXPECT_RC(num_send(go_tx, 0), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(stats(o.in).running, 0);
    return 0;
}

static void first_come(void)
{
    run_with_channels(line_up);
}

static int classes(void *unused)
{
    struct answer r;
    (void)unused;
    weir_auto(weir_blocking) slow = weir_blocking_open(1);
    weir_group g = weir_group_begin();
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(g, calls_in, &slow), 0);
    EXPECT_EQ(next_told(), 5);
    AWAIT_LINE(slow, 2);
    EXPECT_RC(weir_blocking_call(add, &r, &one_two), 5); /* of another class */
    EXPECT_RC(weir_close(slow), 0);
    EXPECT_RC(num_send(go_tx, 1), 0); /* what runs, runs on */
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(atomic_load(&ran), 2);
    EXPECT_RC(weir_blocking_call(add, &r, &one_two, .in = slow), WEIR_ECLOSED);
    EXPECT_RC(weir_blocking_resize(slow, 1), WEIR_ECLOSED);
    return 0;
}

static void classes_apart(void)
{
    run_with_channels(classes);
}

/* ---- misuse, and elsewhere --------------------------------------------------------------------
 */

static void misuse(void)
{
    struct answer r;
    struct pair p = {1, 2};
    static char large[WEIR_ARG_MAX + 1];
    weir_blocking_statistics s;
    EXPECT_RC(weir_blocking_call((weir_work)NULL, &r, &p), WEIR_EINVAL);
    EXPECT_RC(weir_blocking_call(add, (struct answer *)NULL, &p), WEIR_EINVAL);
    EXPECT_RC(weir_blocking_call(add, &r, (struct pair *)NULL), WEIR_EINVAL);
    EXPECT_RC(weir_blocking_call(add, &r, &large), WEIR_EINVAL);
    EXPECT_RC(weir_blocking_call(add, &large, &p), WEIR_EINVAL);
    weir_auto(weir_event) event = weir_event_open();
    weir_blocking wrong = {event.h};
    EXPECT_RC(weir_blocking_resize(wrong, 1), WEIR_EBADF);
    EXPECT_RC(weir_blocking_statistics_of(wrong, &s), WEIR_EBADF);
    EXPECT_RC(weir_blocking_statistics_of(wrong, NULL), WEIR_EINVAL);
    if (weir_actor_name()[0])
        EXPECT_RC(weir_blocking_call(add, &r, &p, .in = wrong), WEIR_EBADF);
}

static void misused(void)
{
    by_both(misuse);
}

static void here(void)
{
    struct pair p = {3, 4};
    struct answer r = {.sum = 99};
    EXPECT_RC(weir_check(weir_blocking_default()), WEIR_EPERM);
    EXPECT_RC(weir_blocking_call(add, &r, &p), 5);
    EXPECT_EQ(r.sum, 7);
    EXPECT_EQ(r.before, 0);
    EXPECT_EQ(p.a, 3);
    EXPECT(pthread_equal(r.thread, pthread_self()));
    EXPECT_RC(weir_blocking_call(add, &r, &p, .deadline = weir_now()), WEIR_ETIMEDOUT);
    weir_auto(weir_blocking) none = weir_blocking_open(0);
    EXPECT_RC(weir_blocking_call(add, &r, &p, .in = none), 5);
    EXPECT(!weir_cancelled());
}

static int calls_simulated(void *unused)
{
    struct pair p = {3, 4};
    struct answer r;
    (void)unused;
    EXPECT_RC(weir_blocking_call(add, &r, &p), 5);
    EXPECT_EQ(r.sum, 7);
    EXPECT(pthread_equal(r.thread, pthread_self()));
    return 0;
}

static void simulated(void)
{
    weir_options o = {.simulate = true};
    EXPECT_RC(weir_run(calls_simulated, NULL, &o), 0);
}

static int calls_again(void *arg, void *result)
{
    (void)arg;
    return weir_blocking_call(add, (struct answer *)result, &one_two);
}

static int nests(void *unused)
{
    struct answer r;
    (void)unused;
    weir_auto(weir_blocking) one = weir_blocking_open(1);
    EXPECT_RC(weir_blocking_call(calls_again, &r, (void *)NULL, .in = one), 5);
    EXPECT_EQ(r.sum, 3);
    return 0;
}

static void nested(void)
{
    run_with_channels(nests);
}

/* ---- many runs, all at once -------------------------------------------------------------------
 */

static int briefly(void *arg, void *result)
{
    *(long *)result = *(const long *)arg;
    atomic_fetch_add(&ran, 1);
    return 0;
}

static void count_drop(void *result)
{
    (void)result;
    atomic_fetch_add(&dropped, 1);
}

static int calls_and_gives_up(void *number)
{
    long n = *(long *)number, result = -1;
    for (int i = 0; i < 10; i++) {
        int rc = weir_blocking_call(briefly, &result, &n, .abandon = true, .drop = count_drop,
                                    .deadline = weir_after((n + i) % 5 * 20 * WEIR_US));
        EXPECT(rc == 0 || rc == WEIR_ETIMEDOUT);
        if (rc == 0) {
            EXPECT_EQ(result, n);
            atomic_fetch_add(&began, 1);
        }
    }
    return 0;
}

static int storm(void *unused)
{
    (void)unused;
    for (long i = 0; i < 8; i++)
        EXPECT_RC(weir_spawn(WEIR_RUN, calls_and_gives_up, &i), 0);
    return 0;
}

/* Each result is had or dropped; threads come back while the run ends, and the next begins. */
static void stops_and_submits(void)
{
    weir_blocking class = weir_blocking_open(1);
    set_up();
    for (int i = 0; i < 40; i++)
        EXPECT_RC(weir_run(storm, NULL, NULL), 0);
    while (stats(class).threads > 0)
        sched_yield();
    EXPECT_EQ(atomic_load(&began) + atomic_load(&dropped), atomic_load(&ran));
    EXPECT_EQ(stats(class).abandoned, 0);
    tear_down();
    weir_close(class);
}

TEST_SUITE(blocking, "blocking",
           {"F127 call: argument and result are copied, errors come back", by_copy},
           {"F127 call: the caller is parked meanwhile", caller_is_parked},
           {"F127 call: cancelled before it has begun, it never runs", not_begun_never_runs},
           {"F127 call: a deadline passes in the line", deadline_in_line},
           {"F127, F130 call: running, it is waited for, and can ask", shielded},
           {"F127, F130 call: a deadline passes while it runs", deadline_is_told},
           {"F127 abandon: the caller leaves, the result is dropped", abandoned},
           {"F127 abandon: it outlives the run", abandoned_outlives_run},
           {"F128 keep: what is abandoned has its place until it returns", keeps_place},
           {"F128 threads: the most recently idle one is used; they end with the run",
            most_recent_is_used},
           {"F128 class: never more than the limit", never_too_many},
           {"F128 class: first come, first served; the limit is changed", first_come},
           {"F128 class: one does not keep the other waiting; closed", classes_apart},
           {"F127 misuse", misused}, {"F127 call: by a plain thread", here},
           {"F127 call: in a simulated run", simulated},
           {"F127 call: by a function that was called so", nested},
           {"F128 threads: runs end while they come back", stops_and_submits});
