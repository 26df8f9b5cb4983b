/* SPDX-License-Identifier: MIT */
/* F033: once. */
#include "one_worker.h"
#include "primitives.h"

static weir_once once;
static atomic_int runs;

static void open_once(void)
{
    once = weir_once_open();
    atomic_store(&runs, 0);
    EXPECT_RC(weir_check(once), 0);
}

/* Fails as often as it is told; others get their turn meanwhile. */
static int runs_it(void *failures)
{
    EXPECT_EQ(STATISTICS(once).holders, 1);
    let_others_run();
    return atomic_fetch_add(&runs, 1) < *(int *)failures ? WEIR_EBUSY : 5;
}

static int comes_again(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_once_run(once, comes_again, NULL), WEIR_EDEADLK);
    EXPECT_RC(weir_once_begin(once), WEIR_EDEADLK);
    return 0;
}

static void only_once(void)
{
    int failures = 1;
    open_once();
    EXPECT_EQ(STATISTICS(once).value, 0);
    EXPECT_RC(weir_once_end(once, 0), WEIR_EPERM);
    EXPECT_RC(weir_once_run(once, NULL, NULL), WEIR_EINVAL);
    EXPECT_EQ(STATISTICS(once).holders, 0);
    EXPECT_RC(weir_once_run(once, runs_it, &failures), WEIR_EBUSY); /* its own error */
    EXPECT_EQ(STATISTICS(once).value, 0);
    EXPECT_RC(weir_once_run(once, runs_it, &failures), 0);
    EXPECT_RC(weir_once_run(once, runs_it, &failures), 0);
    EXPECT_EQ(atomic_load(&runs), 2);
    EXPECT_EQ(STATISTICS(once).value, 1);
    EXPECT_RC(weir_once_begin(once), 0);
    EXPECT_RC(weir_once_end(once, 0), WEIR_EPERM);
    EXPECT_RC(weir_close(once), 0);
    EXPECT_RC(weir_once_run(once, runs_it, &failures), WEIR_ECLOSED);
    open_once();
    EXPECT_RC(weir_once_run(once, comes_again, NULL), 0);
    EXPECT_RC(weir_close(once), 0);
    weir_event e = weir_event_open();
    EXPECT_RC(weir_once_begin((weir_once){e.h}), WEIR_EBADF);
    weir_close(e);
}

static void run_only_once(void)
{
    by_both(only_once);
}

static int finds_it_busy(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_once_try_begin(once), WEIR_EAGAIN);
    EXPECT_RC(weir_once_begin_by(once, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_once_end(once, 0), WEIR_EPERM);
    return 0;
}

static int busy(void *unused)
{
    (void)unused;
    open_once();
    EXPECT_RC(weir_once_try_begin(once), 1);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, finds_it_busy, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_once_end(once, 0), 0);
    EXPECT_RC(weir_once_try_begin(once), 0);
    return weir_close(once);
}

static void run_busy(void)
{
    EXPECT_RC(weir_run(busy, NULL, NULL), 0);
}

/* ---- many, of whom some fail
 * --------------------------------------------------------------------- */

enum { CROWD = 10 };

static int failures;
static atomic_int failed;

static int wants_it(void *unused)
{
    (void)unused;
    int rc = weir_once_run(once, runs_it, &failures);
    EXPECT(rc == 0 || rc == WEIR_EBUSY);
    if (rc == 0)
        EXPECT_EQ(STATISTICS(once).value, 1);
    atomic_fetch_add(&failed, rc < 0);
    return 0;
}

static void *thread_wants_it(void *unused)
{
    wants_it(unused);
    return NULL;
}

static int crowd(void *unused)
{
    pthread_t t;
    (void)unused;
    for (failures = 0; failures < 4; failures++) {
        open_once();
        atomic_store(&failed, 0);
        weir_group g = weir_group_begin();
        REQUIRE_EQ(pthread_create(&t, NULL, thread_wants_it, NULL), 0);
        for (int i = 0; i < CROWD; i++)
            EXPECT_RC(weir_spawn(g, wants_it, NULL), 0);
        EXPECT_RC(weir_group_end(g), 0);
        pthread_join(t, NULL);
        EXPECT_EQ(atomic_load(&runs), failures + 1);
        EXPECT_EQ(atomic_load(&failed), failures);
        EXPECT_RC(weir_close(once), 0);
    }
    return 0;
}

static void run_crowd(void)
{
    EXPECT_RC(weir_run(crowd, NULL, NULL), 0);
}

/* ---- cancelled
 * ------------------------------------------------------------------------------------ */

static weir_scope first_scope;
static int first_result, second_result;

static int first_waits(void *unused)
{
    (void)unused;
    first_scope = weir_scope_begin();
    first_result = weir_once_begin(once);
    if (first_result == 1)
        EXPECT_RC(weir_once_end(once, weir_yield()), 0); /* cancelled: it fails */
    weir_scope_end(first_scope);
    return 0;
}

static int second_waits(void *unused)
{
    (void)unused;
    second_result = weir_once_begin(once);
    if (second_result == 1)
        EXPECT_RC(weir_once_end(once, 0), 0);
    return 0;
}

/* The task goes to the next one: past who was cancelled, or after he has failed for that. */
static int cancelled_in_line(void *ended_first)
{
    bool late = *(bool *)ended_first;
    open_once();
    EXPECT_RC(weir_once_begin(once), 1);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, first_waits, NULL), 0);
    AWAIT_LINE(once, 1);
    EXPECT_RC(weir_spawn(g, second_waits, NULL), 0);
    AWAIT_LINE(once, 2);
    EXPECT_RC(weir_once_begin_by(once, weir_after(0)), WEIR_EDEADLK);
    if (late)
        EXPECT_RC(weir_once_end(once, WEIR_EBUSY), 0);
    EXPECT_RC(weir_scope_cancel(first_scope, NULL), 0);
    if (!late)
        EXPECT_RC(weir_once_end(once, WEIR_EBUSY), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(first_result, late ? 1 : WEIR_ECANCELED);
    EXPECT_EQ(second_result, 1);
    EXPECT_EQ(STATISTICS(once).value, 1);
    return weir_close(once);
}

static void run_cancelled_in_line(void)
{
    for (int late = 0; late < 2; late++)
        EXPECT_RC(weir_run(cancelled_in_line, &(bool){late}, &one_worker), 0);
}

/* Never done, so that it is handed on for ever. */
static int acquire_it(weir_time deadline)
{
    int rc = weir_once_begin_by(once, deadline);
    return rc == 1 ? 0 : rc;
}

static int release_it(void)
{
    return weir_once_end(once, WEIR_EBUSY);
}

static void run_stress(void)
{
    static const struct handover h = {acquire_it, release_it, 1};
    open_once();
    stress_handover(&h, once.h);
    EXPECT_RC(weir_close(once), 0);
}

static int closed(void *unused)
{
    (void)unused;
    open_once();
    EXPECT_RC(weir_once_begin(once), 1);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, second_waits, NULL), 0);
    AWAIT_LINE(once, 1);
    EXPECT_RC(weir_close(once), 0);
    EXPECT_RC(weir_once_end(once, 0), WEIR_ECLOSED);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(second_result, WEIR_ECLOSED);
    return 0;
}

static void run_closed(void)
{
    EXPECT_RC(weir_run(closed, NULL, NULL), 0);
}

TEST_SUITE(once, "actors: once", {"F033 once: once, and again after a failure", run_only_once},
           {"F033 once: another one is at it", run_busy},
           {"F033 once: of many, some fail", run_crowd},
           {"F033 once: cancel x hand-over, either first", run_cancelled_in_line},
           {"F033 once: cancel x hand-over x deadline, many", run_stress},
           {"F033 once: closing", run_closed});
