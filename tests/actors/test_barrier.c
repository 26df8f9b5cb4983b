/* SPDX-License-Identifier: MIT */
/* F033: barriers. */
#include "one_worker.h"
#include "primitives.h"

static weir_barrier barrier;
static atomic_int here, leaders;

static void alone(void)
{
    barrier = weir_barrier_open(0);
    EXPECT_RC(weir_check(barrier), WEIR_EINVAL);
    EXPECT_RC(weir_barrier_wait(barrier), WEIR_EINVAL);
    barrier = weir_barrier_open(1);
    EXPECT_RC(weir_barrier_wait(barrier), 1);
    EXPECT_RC(weir_barrier_wait(barrier), 1);
    EXPECT_RC(weir_close(barrier), 0);
    EXPECT_RC(weir_barrier_wait(barrier), WEIR_ECLOSED);
    barrier = weir_barrier_open(2);
    EXPECT_EQ(STATISTICS(barrier).limit, 2);
    EXPECT_EQ(STATISTICS(barrier).value, 2);
    EXPECT_RC(weir_barrier_wait_by(barrier, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_barrier_wait_by(barrier, 0), WEIR_ETIMEDOUT); /* it alone is not two */
    EXPECT_EQ(STATISTICS(barrier).value, 2);
    EXPECT_RC(weir_close(barrier), 0);
    weir_event e = weir_event_open();
    EXPECT_RC(weir_barrier_wait((weir_barrier){e.h}), WEIR_EBADF);
    weir_close(e);
}

static void run_alone(void)
{
    by_both(alone);
}

/* ---- many rounds ------------------------------------------------------------------------------
 */

enum { PARTIES = 7, ROUNDS = 100 };

/* Nobody is a round ahead. */
static int goes_round(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&here, 1);
        int rc = weir_barrier_wait(barrier);
        EXPECT(rc == 0 || rc == 1);
        atomic_fetch_add(&leaders, rc);
        EXPECT(atomic_load(&here) >= PARTIES * (i + 1));
        EXPECT(atomic_load(&here) < PARTIES * (i + 2));
    }
    return 0;
}

static void *thread_goes_round(void *unused)
{
    goes_round(unused);
    return NULL;
}

static int rounds(void *unused)
{
    pthread_t t;
    (void)unused;
    barrier = weir_barrier_open(PARTIES);
    atomic_store(&here, 0);
    atomic_store(&leaders, 0);
    weir_group g = weir_group_begin();
    REQUIRE_EQ(pthread_create(&t, NULL, thread_goes_round, NULL), 0);
    for (int i = 1; i < PARTIES; i++)
        EXPECT_RC(weir_spawn(g, goes_round, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    pthread_join(t, NULL);
    EXPECT_EQ(atomic_load(&here), PARTIES * ROUNDS);
    EXPECT_EQ(atomic_load(&leaders), ROUNDS);
    return weir_close(barrier);
}

static void run_rounds(void)
{
    EXPECT_RC(weir_run(rounds, NULL, NULL), 0);
}

/* ---- cancelled, closed --------------------------------------------------------------------------
 */

static weir_scope first_scope;
static int first_result, second_result;

static int first_waits(void *unused)
{
    (void)unused;
    first_scope = weir_scope_begin();
    first_result = weir_barrier_wait(barrier);
    weir_scope_end(first_scope);
    return 0;
}

static int second_waits(void *unused)
{
    (void)unused;
    second_result = weir_barrier_wait(barrier);
    return 0;
}

/* Who is cancelled before the last came has not come; who is so afterwards has. */
static int cancelled_in_line(void *open_first)
{
    bool late = *(bool *)open_first;
    barrier = weir_barrier_open(late ? 2 : 3);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, first_waits, NULL), 0);
    AWAIT_LINE(barrier, 1);
    if (late)
        EXPECT_RC(weir_barrier_wait(barrier), 1);
    EXPECT_RC(weir_scope_cancel(first_scope, NULL), 0);
    if (!late) {
        EXPECT_RC(weir_spawn(g, second_waits, NULL), 0);
        AWAIT_LINE(barrier, 1);
        EXPECT_EQ(STATISTICS(barrier).value, 2);
        EXPECT_RC(weir_barrier_wait_by(barrier, 0), WEIR_ETIMEDOUT); /* still not three */
        EXPECT_RC(weir_spawn(g, second_waits, NULL), 0);
        AWAIT_LINE(barrier, 2);
        EXPECT_RC(weir_barrier_wait(barrier), 1);
    }
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(first_result, late ? 0 : WEIR_ECANCELED);
    EXPECT_EQ(STATISTICS(barrier).waiting, 0);
    return weir_close(barrier);
}

static void run_cancelled_in_line(void)
{
    for (int late = 0; late < 2; late++)
        EXPECT_RC(weir_run(cancelled_in_line, &(bool){late}, &one_worker), 0);
}

static int closed(void *unused)
{
    (void)unused;
    barrier = weir_barrier_open(2);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, second_waits, NULL), 0);
    AWAIT_LINE(barrier, 1);
    EXPECT_RC(weir_close(barrier), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(second_result, WEIR_ECLOSED);
    return 0;
}

static void run_closed(void)
{
    EXPECT_RC(weir_run(closed, NULL, NULL), 0);
}

TEST_SUITE(barrier, "actors: barrier", {"F033 barrier: of none, of one, deadlines", run_alone},
           {"F033 barrier: rounds of actors and a thread", run_rounds},
           {"F033 barrier: cancel x the last one comes, either first", run_cancelled_in_line},
           {"F033 barrier: closing", run_closed});
