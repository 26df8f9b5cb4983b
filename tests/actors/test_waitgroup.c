/* SPDX-License-Identifier: MIT */
/* F033: wait-groups. */
#include "one_worker.h"
#include "primitives.h"

static weir_waitgroup group;
static atomic_int ended;

static void counts(void)
{
    group = weir_waitgroup_open();
    EXPECT_RC(weir_waitgroup_wait(group), 0); /* of nothing */
    EXPECT_RC(weir_waitgroup_done(group), WEIR_EPERM);
    EXPECT_RC(weir_waitgroup_add(group, 0), 0);
    EXPECT_RC(weir_waitgroup_add(group, 2), 0);
    EXPECT_EQ(STATISTICS(group).value, 2);
    EXPECT_RC(weir_waitgroup_try_wait(group), WEIR_EAGAIN);
    EXPECT_RC(weir_waitgroup_wait_by(group, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_waitgroup_done(group), 0);
    EXPECT_RC(weir_waitgroup_wait_by(group, 0), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_waitgroup_done(group), 0);
    EXPECT_RC(weir_waitgroup_wait_by(group, 0), 0);
    EXPECT_RC(weir_waitgroup_try_wait(group), 0);
    EXPECT_RC(weir_waitgroup_done(group), WEIR_EPERM);
    EXPECT_RC(weir_close(group), 0);
    EXPECT_RC(weir_waitgroup_add(group, 1), WEIR_ECLOSED);
    EXPECT_RC(weir_waitgroup_done(group), WEIR_ECLOSED);
    EXPECT_RC(weir_waitgroup_wait(group), WEIR_ECLOSED);
    weir_event e = weir_event_open();
    EXPECT_RC(weir_waitgroup_done((weir_waitgroup){e.h}), WEIR_EBADF);
    weir_close(e);
}

static void run_counts(void)
{
    by_both(counts);
}

/* ---- again and again
 * ------------------------------------------------------------------------------ */

enum { WORKERS = 6, ROUNDS = 50 };

static int works(void *unused)
{
    (void)unused;
    atomic_fetch_add(&ended, 1);
    return weir_waitgroup_done(group);
}

static void *thread_works(void *unused)
{
    EXPECT_RC(works(unused), 0);
    return NULL;
}

static int waits_for(void *n)
{
    EXPECT_RC(weir_waitgroup_wait(group), 0);
    EXPECT(atomic_load(&ended) >= *(int *)n);
    return 0;
}

static int rounds(void *unused)
{
    pthread_t t;
    (void)unused;
    group = weir_waitgroup_open();
    atomic_store(&ended, 0);
    weir_group g = weir_group_begin();
    for (int i = 1; i <= ROUNDS; i++) {
        int until_now = i * (WORKERS + 1);
        EXPECT_RC(weir_waitgroup_add(group, WORKERS + 1), 0);
        for (int n = 0; n < WORKERS; n++)
            EXPECT_RC(weir_spawn(g, works, NULL), 0);
        EXPECT_RC(weir_spawn(g, waits_for, &until_now), 0);
        REQUIRE_EQ(pthread_create(&t, NULL, thread_works, NULL), 0);
        EXPECT_RC(weir_waitgroup_wait(group), 0);
        EXPECT_EQ(atomic_load(&ended), until_now);
        pthread_join(t, NULL);
        EXPECT_RC(weir_settle(), 0);
    }
    EXPECT_RC(weir_group_end(g), 0);
    return weir_close(group);
}

static void run_rounds(void)
{
    EXPECT_RC(weir_run(rounds, NULL, NULL), 0);
}

/* ---- cancelled, closed
 * ------------------------------------------------------------------------------ */

static weir_scope first_scope;
static int first_result;

static int first_waits(void *unused)
{
    (void)unused;
    first_scope = weir_scope_begin();
    first_result = weir_waitgroup_wait(group);
    weir_scope_end(first_scope);
    return 0;
}

static int cancelled_in_line(void *done_first)
{
    bool late = *(bool *)done_first;
    group = weir_waitgroup_open();
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_waitgroup_add(group, 1), 0);
    EXPECT_RC(weir_spawn(g, first_waits, NULL), 0);
    AWAIT_LINE(group, 1);
    if (late)
        EXPECT_RC(weir_waitgroup_done(group), 0);
    EXPECT_RC(weir_scope_cancel(first_scope, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(first_result, late ? 0 : WEIR_ECANCELED);
    return weir_close(group);
}

static int closed(void *unused)
{
    (void)unused;
    group = weir_waitgroup_open();
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_waitgroup_add(group, 1), 0);
    EXPECT_RC(weir_spawn(g, first_waits, NULL), 0);
    AWAIT_LINE(group, 1);
    EXPECT_RC(weir_close(group), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(first_result, WEIR_ECLOSED);
    return 0;
}

static void run_ends(void)
{
    for (int late = 0; late < 2; late++)
        EXPECT_RC(weir_run(cancelled_in_line, &(bool){late}, &one_worker), 0);
    EXPECT_RC(weir_run(closed, NULL, NULL), 0);
}

TEST_SUITE(waitgroup, "actors: waitgroup", {"F033 wait-group: counts, deadlines", run_counts},
           {"F033 wait-group: rounds of actors and threads", run_rounds},
           {"F033 wait-group: cancel x the last is done, either first; closing", run_ends});
