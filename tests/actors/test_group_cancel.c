/* SPDX-License-Identifier: MIT */
/* test_group_cancel.c - groups that fail and are cancelled, tasks, starts: rows F002-F009. */
#include <pthread.h>
#include <string.h>

#include "flow_actors.h"
#include "one_worker.h"

struct ends {
    weir_sender tx;
    weir_receiver rx;
};

/* Nobody sends: what waits here waits until it is cancelled. */
static struct ends never(void)
{
    struct ends e;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof(int), 0, NULL), 0);
    return e;
}

static int waits(void *arg)
{
    struct ends *e = arg;
    int item, rc = weir_recv(e->rx, &item);
    EXPECT_RC(rc, WEIR_ECANCELED);
    return rc;
}

static int returns(void *arg)
{
    return *(int *)arg;
}

/* ---- F006, F007 ------------------------------------------------------------------------------ */

static int failure_cancels(void *unused)
{
    int item, fails = -77;
    (void)unused;
    struct ends e = never();
    weir_failure f;
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < 100; i++)
        EXPECT_RC(weir_spawn(g, waits, &e), 0);
    EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_spawn(g, returns, &fails, .name = "bad"), 0);
    EXPECT_RC(weir_recv(e.rx, &item), WEIR_ECANCELED); /* the owner's wait in the group */
    EXPECT_STR(weir_cancel_cause().by, "bad");
    EXPECT_RC(weir_group_wait(g), -77);
    EXPECT_RC(weir_group_error(g, 0, &f), 1);
    EXPECT_RC(f.error, -77);
    EXPECT_STR(f.name, "bad");
    EXPECT_RC(weir_group_error(g, 1, &f), 0);
    EXPECT_RC(weir_group_end(g), -77);
    EXPECT_RC(weir_group_error(g, 0, &f), WEIR_ECLOSED);
    EXPECT_RC(weir_yield(), 0);
    return 0;
}

/* What fails while it unwinds is told as well. */
static int fails_when_cancelled(void *arg)
{
    struct ends *e = arg;
    int item;
    EXPECT_RC(weir_recv(e->rx, &item), WEIR_ECANCELED);
    return -5;
}

static int all_errors(void *unused)
{
    enum { N = 1100 };
    int fails = -77;
    (void)unused;
    struct ends e = never();
    weir_failure f;
    unsigned n = 0;
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < N; i++)
        EXPECT_RC(weir_spawn(g, fails_when_cancelled, &e, .name = "late"), 0);
    EXPECT_RC(weir_spawn(g, returns, &fails), 0);
    EXPECT_RC(weir_group_wait(g), -77);
    for (; n < N && weir_group_error(g, n, &f) == 1; n++)
        EXPECT_RC(f.error, n == 0 ? -77 : -5);
    EXPECT_EQ(n, 1024); /* as documented */
    EXPECT_RC(weir_group_end(g), -77);
    return 0;
}

/* Only who was cancelled may say so without having failed. */
static int cancelled_for_no_reason(void *unused)
{
    int rc = WEIR_ECANCELED;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, returns, &rc), 0);
    EXPECT_RC(weir_group_end(g), WEIR_ECANCELED);
    weir_failure f;
    g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, returns, &rc), 0);
    EXPECT_RC(weir_group_wait(g), WEIR_ECANCELED);
    EXPECT_RC(weir_group_error(g, 0, &f), 1);
    EXPECT_RC(weir_group_end(g), WEIR_ECANCELED);
    return 0;
}

/* The owner as one more child: what failed first is returned, and the rest is cancelled. */
static int owner_fails(void *unused)
{
    int item, fails = -77;
    (void)unused;
    struct ends e = never();
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, waits, &e), 0);
    EXPECT_RC(weir_spawn(g, fails_when_cancelled, &e), 0);
    EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_group_end_with(g, -3), -3); /* not -5, which came of it */
    EXPECT_RC(weir_group_end_with(g, -3), -3);
    EXPECT_RC(weir_group_end_with(g, 0), WEIR_ECLOSED);
    g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, waits, &e), 0);
    EXPECT_RC(weir_spawn(g, returns, &fails), 0);
    EXPECT_RC(weir_recv(e.rx, &item), WEIR_ECANCELED);
    EXPECT_RC(weir_group_end_with(g, WEIR_ECANCELED), -77);
    g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, returns, &fails), 0);
    EXPECT_RC(weir_recv(e.rx, &item), WEIR_ECANCELED);
    EXPECT_RC(weir_group_end_with(g, -3), -77); /* he came later */
    g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, waits, &e), 0);
    EXPECT_RC(weir_group_end_with(g, WEIR_ECANCELED), WEIR_ECANCELED);
    EXPECT_RC(weir_yield(), 0); /* which was his own, and nobody's else */
    g = weir_group_begin();
    EXPECT_RC(weir_group_end_with(g, 7), 7);
    EXPECT_RC(weir_group_end_with(WEIR_RUN, 7), WEIR_EBADF);
    return 0;
}

static int owner_is_hit(void *unused)
{
    int item;
    (void)unused;
    struct ends e = never();
    weir_scope s = weir_scope_begin();
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, waits, &e), 0);
    EXPECT_RC(weir_scope_cancel(s, NULL), 0);
    EXPECT_RC(weir_recv(e.rx, &item), WEIR_ECANCELED);
    EXPECT_RC(weir_group_end_with(g, 0), WEIR_ECANCELED);
    EXPECT_EQ(weir_scope_end(s), 1);
    return 0;
}

/* ---- F008, F003 ---------------------------------------------------------------------------- */

struct spawner {
    struct ends e;
    weir_group g;
    unsigned *ran;
};

static int runs_to_its_first_wait(void *arg)
{
    struct spawner *s = arg;
    int item;
    ++*s->ran;
    return weir_recv(s->e.rx, &item);
}

static int cancelled_groups(void *unused)
{
    unsigned ran = 0;
    (void)unused;
    struct spawner s = {never(), weir_group_begin(), &ran};
    EXPECT_RC(weir_spawn(s.g, runs_to_its_first_wait, &s), 0);
    EXPECT_RC(weir_group_cancel(s.g, "closing time"), 0);
    EXPECT_RC(weir_yield(), WEIR_ECANCELED);
    EXPECT_STR(weir_cancel_cause().reason, "closing time");
    EXPECT_EQ(ran, 1);
    EXPECT_RC(weir_spawn(s.g, runs_to_its_first_wait, &s), 0); /* cancelled, but open */
    EXPECT_RC(weir_group_end(s.g), 0);
    EXPECT_EQ(ran, 2);
    EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_group_cancel(s.g, NULL), WEIR_ECLOSED);
    return 0;
}

/* Deep: each has a group with one child; recursion would need a stack for each. */
static int descends(void *arg)
{
    struct spawner s = *(struct spawner *)arg;
    unsigned depth = ++*s.ran;
    if (depth == 2000 / (unsigned)SLOWNESS)
        return waits(&s.e);
    s.g = weir_group_begin();
    EXPECT_RC(weir_spawn(s.g, descends, &s), 0);
    return weir_group_end(s.g);
}

static int deep_groups(void *unused)
{
    unsigned ran = 0;
    (void)unused;
    struct spawner s = {never(), weir_group_begin(), &ran};
    EXPECT_RC(weir_spawn(s.g, descends, &s), 0);
    while (ran < 2000 / (unsigned)SLOWNESS)
        EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_group_cancel(s.g, NULL), 0);
    EXPECT_RC(weir_group_end(s.g), 0);
    return 0;
}

/* A scope around groups, and a shield between them. */
static int guarded(void *arg)
{
    struct spawner *s = arg;
    weir_auto(weir_scope) shield = weir_scope_begin();
    EXPECT_RC(weir_scope_shield(shield, true), 0);
    for (unsigned i = 0; i < 5; i++)
        EXPECT_RC(weir_yield(), 0);
    ++*s->ran;
    return 0;
}

static int scope_around_groups(void *unused)
{
    unsigned ran = 0;
    (void)unused;
    weir_scope scope = weir_scope_begin();
    struct spawner s = {never(), weir_group_begin(), &ran};
    weir_group inner = weir_group_begin();
    EXPECT_RC(weir_spawn(s.g, waits, &s.e), 0);
    EXPECT_RC(weir_spawn(inner, waits, &s.e), 0);
    EXPECT_RC(weir_spawn(inner, guarded, &s), 0);
    EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_scope_cancel(scope, NULL), 0);
    EXPECT_RC(weir_group_end(s.g), WEIR_ECANCELED);
    EXPECT_RC(weir_group_end(inner), WEIR_ECANCELED);
    EXPECT_EQ(ran, 1);
    EXPECT_RC(weir_scope_end(scope), 1);
    return 0;
}

/* ---- F005 tasks ---------------------------------------------------------------------------- */

static int tasks(void *unused)
{
    int five = 5, fails = -9, result = 0;
    (void)unused;
    struct ends e = never();
    weir_task ok, bad, stuck;
    weir_group g = weir_group_begin(), h = weir_group_begin();
    EXPECT_RC(weir_spawn(g, returns, &five, .task = &ok), 0);
    EXPECT_RC(weir_spawn(g, waits, &e, .task = &stuck), 0);
    EXPECT_RC(weir_spawn(h, returns, &fails, .task = &bad), 0);
    EXPECT_RC(weir_task_result(ok, &result), WEIR_EAGAIN);
    EXPECT_EQ(weir_task_state(ok), WEIR_TASK_RUNNING);
    EXPECT_RC(weir_task_wait(ok), 0);
    EXPECT_RC(weir_task_result(ok, &result), 0);
    EXPECT_EQ(result, 5);
    EXPECT_EQ(weir_task_state(ok), WEIR_TASK_FINISHED);
    EXPECT_RC(weir_task_cancel(ok, NULL), 0);
    EXPECT_EQ(weir_task_state(ok), WEIR_TASK_FINISHED);
    EXPECT_RC(weir_task_wait_by(stuck, weir_after(0)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_task_cancel(stuck, "you alone"), 0);
    EXPECT_EQ(weir_task_state(stuck), WEIR_TASK_CANCELLING);
    EXPECT_RC(weir_task_wait(stuck), 0);
    EXPECT_EQ(weir_task_state(stuck), WEIR_TASK_CANCELLED);
    EXPECT_RC(weir_group_end(g), 0); /* nobody has failed */
    EXPECT_RC(weir_group_end(h), -9);
    EXPECT_RC(weir_task_wait(bad), 0); /* never the task's error */
    EXPECT_EQ(weir_task_state(bad), WEIR_TASK_FAILED);
    EXPECT_RC(weir_close(ok), 0);
    EXPECT_RC(weir_close(ok), 0);
    EXPECT_RC(weir_task_wait(ok), WEIR_ECLOSED);
    EXPECT_RC(weir_task_cancel((weir_task){e.tx.h}, NULL), WEIR_EBADF);
    EXPECT_RC(weir_spawn(g, returns, &five, .task = &ok), WEIR_ECLOSED);
    EXPECT_RC(weir_task_wait(ok), WEIR_ECLOSED);
    return 0;
}

static int task_waits(void *arg)
{
    return weir_task_wait(*(weir_task *)arg);
}

static int closed_while_waited_for(void *unused)
{
    (void)unused;
    struct ends e = never();
    weir_task t;
    weir_group g = weir_group_begin(), h = weir_group_begin();
    EXPECT_RC(weir_spawn(g, waits, &e, .task = &t), 0);
    EXPECT_RC(weir_spawn(h, task_waits, &t), 0);
    EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_close(t), 0);
    EXPECT_RC(weir_group_end(h), WEIR_ECLOSED);
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void *thread_waits(void *arg)
{
    weir_task *t = arg;
    int result = 0;
    EXPECT_RC(weir_task_cancel(*t, "by a thread"), 0);
    EXPECT_RC(weir_task_wait(*t), 0);
    EXPECT_RC(weir_task_result(*t, &result), 0);
    EXPECT_RC(result, WEIR_ECANCELED);
    return NULL;
}

static int waited_for_by_thread(void *unused)
{
    pthread_t thread;
    (void)unused;
    struct ends e = never();
    weir_task t;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, waits, &e, .task = &t), 0);
    EXPECT_EQ(pthread_create(&thread, NULL, thread_waits, &t), 0);
    EXPECT_RC(weir_group_end(g), 0);
    pthread_join(thread, NULL);
    return 0;
}

/* ---- F004 starting ------------------------------------------------------------------------- */

static int starts_well(void *arg)
{
    int port = 4242;
    long wrong = 1;
    struct ends *e = arg;
    EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_child_started(&wrong), WEIR_EITEM);
    EXPECT_RC(weir_child_started(&port), 0);
    EXPECT_RC(weir_child_started(&port), WEIR_EPERM);
    return waits(e);
}

static int starts(void *unused)
{
    int port = 0, fails = -3, fine = 0;
    (void)unused;
    struct ends e = never();
    weir_task t;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_child_started(&port), WEIR_EPERM);
    EXPECT_RC(weir_child_start(g, starts_well, &port, &e, .task = &t), 0);
    EXPECT_EQ(port, 4242);
    EXPECT_EQ(weir_task_state(t), WEIR_TASK_RUNNING);
    EXPECT_RC(weir_child_start(g, returns, &port, &fails), -3); /* not the group's business */
    EXPECT_RC(weir_child_start(g, returns, &port, &fine), WEIR_ECHILD);
    EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_child_start(g, returns, &port, &fine), WEIR_ECLOSED);
    return 0;
}

static int never_starts(void *arg)
{
    struct spawner *s = arg;
    int rc = waits(&s->e), port = 1;
    for (unsigned i = 0; i < 5; i++)
        EXPECT_RC(weir_yield(), WEIR_ECANCELED);
    EXPECT_RC(weir_child_started(&port), WEIR_ECANCELED);
    ++*s->ran;
    return rc;
}

/* The starter is cancelled: the child is too, and awaited, and nobody else. */
static int start_is_cancelled(void *unused)
{
    unsigned ran = 0;
    int port;
    (void)unused;
    struct spawner s = {never(), weir_group_begin(), &ran};
    weir_task other;
    EXPECT_RC(weir_spawn(s.g, waits, &s.e, .task = &other), 0);
    weir_scope scope = weir_move_on_after(WEIR_MS);
    EXPECT_RC(weir_child_start(s.g, never_starts, &port, &s), WEIR_ECANCELED);
    EXPECT_EQ(ran, 1);
    EXPECT_RC(weir_scope_end(scope), 1);
    EXPECT_EQ(weir_task_state(other), WEIR_TASK_RUNNING);
    EXPECT_RC(weir_group_cancel(s.g, NULL), 0);
    EXPECT_RC(weir_group_end(s.g), 0);
    return 0;
}

/* Its handle is closed meanwhile: it goes on, and its starter waits on. */
static weir_task of_starting;

static int closes_and_starts(void *unused)
{
    int port = 4243;
    (void)unused;
    EXPECT_RC(weir_close(of_starting), 0);
    EXPECT_RC(weir_yield(), 0);
    return weir_child_started(&port);
}

static int start_is_closed(void *unused)
{
    int port = 0;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_child_start(g, closes_and_starts, &port, unused, .task = &of_starting), 0);
    EXPECT_EQ(port, 4243);
    return weir_group_end(g);
}

#define IN_RUN(body)                                                                               \
    static void run_##body(void)                                                                   \
    {                                                                                              \
        EXPECT_RC(weir_run(body, NULL, &one_worker), 0);                                           \
    }
IN_RUN(failure_cancels)
IN_RUN(all_errors)
IN_RUN(cancelled_for_no_reason)
IN_RUN(cancelled_groups)
IN_RUN(deep_groups)
IN_RUN(scope_around_groups)
IN_RUN(owner_fails)
IN_RUN(owner_is_hit)
IN_RUN(tasks)
IN_RUN(closed_while_waited_for)
IN_RUN(waited_for_by_thread)
IN_RUN(starts)
IN_RUN(start_is_cancelled)
IN_RUN(start_is_closed)

TEST_SUITE(group_cancel, "actors: groups that are cancelled",
           {"F006 group: a failure cancels the others and the owner's waits", run_failure_cancels},
           {"F007 group: all errors can be walked", run_all_errors},
           {"F007 group: WEIR_ECANCELED of who was not cancelled", run_cancelled_for_no_reason},
           {"F006 group: its owner fails, first or later", run_owner_fails},
           {"F006 group: its owner is cancelled from outside", run_owner_is_hit},
           {"F003, F008 group: cancelled, swallowed; spawn into it", run_cancelled_groups},
           {"F008 group: thousands deep", run_deep_groups},
           {"F009, F015 group: a scope around, a shield within", run_scope_around_groups},
           {"F005 task: states, result, wait, cancel", run_tasks},
           {"F005 task: closed while somebody waits", run_closed_while_waited_for},
           {"F005 task: a thread cancels and waits", run_waited_for_by_thread},
           {"F004 start: value, errors before and after", run_starts},
           {"F004 start: the starter is cancelled", run_start_is_cancelled},
           {"F004 start: the task's handle is closed meanwhile", run_start_is_closed});
