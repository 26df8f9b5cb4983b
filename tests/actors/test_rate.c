/* SPDX-License-Identifier: MIT */
/* F033: rate limiters; where a time is expected the run is simulated. */
#include "primitives.h"

static weir_rate rate;

static void refused(void)
{
    rate = weir_rate_open(0, WEIR_S, 1);
    EXPECT_RC(weir_check(rate), WEIR_EINVAL);
    EXPECT_RC(weir_rate_acquire(rate), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_rate_open(1, 0, 1)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_rate_open(1, -1, 1)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_rate_open(1, 1, 0)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_rate_open(1, INT64_MAX / 3, 2)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_rate_open(1, INT64_MAX, UINT32_MAX)), WEIR_EINVAL);
    rate = weir_rate_open(UINT32_MAX, 1, 2); /* not more often than each ns */
    EXPECT_RC(weir_rate_acquire(rate), 0);
    EXPECT_RC(weir_close(rate), 0);
    EXPECT_RC(weir_rate_acquire(rate), WEIR_ECLOSED);
    EXPECT_RC(weir_rate_try_acquire(rate), WEIR_ECLOSED);
    weir_event e = weir_event_open();
    EXPECT_RC(weir_rate_acquire((weir_rate){e.h}), WEIR_EBADF);
    weir_close(e);
}

static void never_too_often(void)
{
    weir_time begun = weir_now();
    rate = weir_rate_open(1000, WEIR_S, 2);
    for (int i = 0; i < 6; i++)
        EXPECT_RC(weir_rate_acquire(rate), 0);
    EXPECT(weir_now() - begun >= 4 * WEIR_MS);
    EXPECT_RC(weir_close(rate), 0);
    rate = weir_rate_open(1, WEIR_S * 3600, 1);
    EXPECT_EQ(STATISTICS(rate).value, 1);
    EXPECT_RC(weir_rate_try_acquire(rate), 0);
    EXPECT_RC(weir_rate_try_acquire(rate), WEIR_EAGAIN);
    EXPECT_RC(weir_rate_acquire_by(rate, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_rate_acquire_by(rate, 0), WEIR_ETIMEDOUT);
    EXPECT_EQ(STATISTICS(rate).value, 0);
    EXPECT_EQ(STATISTICS(rate).holders, 0);
    EXPECT_RC(weir_close(rate), 0);
}

static void run_by_both(void)
{
    by_both(refused);
    by_both(never_too_often);
}

/* ---- in virtual time
 * ------------------------------------------------------------------------------- */

static weir_time start;

static int even(void *unused)
{
    (void)unused;
    rate = weir_rate_open(10, WEIR_S, 3);
    start = weir_now();
    EXPECT_EQ(STATISTICS(rate).value, 3);
    EXPECT_EQ(STATISTICS(rate).limit, 3);
    for (int i = 0; i < 8; i++) {
        EXPECT_RC(weir_rate_acquire(rate), 0);
        EXPECT_EQ(weir_now() - start, i < 3 ? 0 : (i - 2) * 100 * WEIR_MS);
    }
    EXPECT_EQ(STATISTICS(rate).value, 0);
    EXPECT_RC(weir_sleep(250 * WEIR_MS), 0);
    EXPECT_EQ(STATISTICS(rate).value, 2);
    EXPECT_RC(weir_sleep(10 * WEIR_S), 0);
    EXPECT_EQ(STATISTICS(rate).value, 3);
    start = weir_now();
    for (int i = 0; i < 4; i++)
        EXPECT_RC(weir_rate_acquire(rate), 0);
    EXPECT_EQ(weir_now() - start, 100 * WEIR_MS);
    start = weir_now(); /* thirds of a second: not too often, in the long run */
    rate = weir_rate_open(3, WEIR_S, 1);
    for (int i = 0; i < 31; i++)
        EXPECT_RC(weir_rate_acquire(rate), 0);
    EXPECT(weir_now() - start >= 10 * WEIR_S && weir_now() - start < 10 * WEIR_S + WEIR_MS);
    return 0;
}

static int simulated(weir_body body, uint64_t seed)
{
    return weir_run(body, NULL, &(weir_options){.simulate = true, .seed = seed});
}

static void run_even(void)
{
    for (uint64_t seed = 1; seed < 4; seed++)
        EXPECT_RC(simulated(even, seed), 0);
}

/* ---- two clocks
 * ----------------------------------------------------------------------------------- */

/* It was used up by a thread, whose clock may show more. */
static int begins_anew(void *unused)
{
    (void)unused;
    start = weir_now();
    EXPECT_RC(weir_rate_acquire(rate), 0);
    EXPECT(weir_now() - start <= WEIR_MS);
    EXPECT_RC(weir_sleep(WEIR_S * 3600 * 24 * 365 * 100), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_rate_acquire(rate), 0);
    return 0;
}

static void run_two_clocks(void)
{
    rate = weir_rate_open(1000, WEIR_S, 2);
    for (int i = 0; i < 2; i++) {
        for (int n = 0; n < 3; n++)
            EXPECT_RC(weir_rate_acquire_by(rate, weir_after(WEIR_S * 3600)), 0);
        EXPECT_RC(simulated(begins_anew, 1), 0);
    }
    EXPECT_RC(weir_rate_acquire_by(rate, weir_after(WEIR_S * 3600)), 0);
    EXPECT_RC(weir_close(rate), 0);
}

/* The end of all time is not passed. */
static int at_the_end(void *unused)
{
    (void)unused;
    rate = weir_rate_open(1, WEIR_NEVER / 2, 1);
    EXPECT_EQ(STATISTICS(rate).value, 1);
    EXPECT_RC(weir_sleep_until(WEIR_NEVER - WEIR_S), 0);
    EXPECT_EQ(STATISTICS(rate).value, 1);
    EXPECT_RC(weir_rate_acquire(rate), 0);
    EXPECT_EQ(STATISTICS(rate).value, 0);
    EXPECT_RC(weir_rate_try_acquire(rate), WEIR_EAGAIN);
    EXPECT_RC(weir_rate_acquire_by(rate, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    return weir_close(rate);
}

static void run_at_the_end(void)
{
    EXPECT_RC(simulated(at_the_end, 1), 0);
}

/* ---- the line
 * -------------------------------------------------------------------------------------- */

enum { CROWD = 6 };

static weir_time had_at[CROWD];
static int result_of[CROWD];
static weir_scope scope_of[CROWD];
static weir_time deadline_of[CROWD];

static int takes(void *number)
{
    unsigned n = *(unsigned *)number;
    scope_of[n] = weir_scope_begin();
    result_of[n] = weir_rate_acquire_by(rate, deadline_of[n]);
    had_at[n] = weir_now() - start;
    weir_scope_end(scope_of[n]);
    return 0;
}

/* The first one paces; the others are in the line, in this order. */
static weir_group crowd(void)
{
    weir_group g = weir_group_begin();
    rate = weir_rate_open(1, WEIR_S, 1);
    EXPECT_RC(weir_rate_acquire(rate), 0);
    start = weir_now();
    for (unsigned i = 0; i < CROWD; i++) {
        EXPECT_RC(weir_spawn(g, takes, &i), 0);
        while (STATISTICS(rate).holders + STATISTICS(rate).waiting != i + 1)
            let_others_run();
    }
    return g;
}

static void no_deadlines(void)
{
    for (int i = 0; i < CROWD; i++)
        deadline_of[i] = WEIR_NEVER;
}

static int in_turn(void *unused)
{
    (void)unused;
    no_deadlines();
    EXPECT_RC(weir_group_end(crowd()), 0);
    for (int i = 0; i < CROWD; i++) {
        EXPECT_RC(result_of[i], 0);
        EXPECT_EQ(had_at[i], (i + 1) * WEIR_S);
    }
    return weir_close(rate);
}

/* The pacer, one in the line and the last one leave: the others do not wait longer for that. */
static int some_leave(void *unused)
{
    (void)unused;
    no_deadlines();
    weir_group g = crowd();
    EXPECT_RC(weir_sleep(WEIR_S / 2), 0);
    EXPECT_RC(weir_scope_cancel(scope_of[0], NULL), 0);
    EXPECT_RC(weir_scope_cancel(scope_of[3], NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    static const weir_time at[] = {WEIR_S / 2, WEIR_S,     2 * WEIR_S,
                                   WEIR_S / 2, 3 * WEIR_S, 4 * WEIR_S};
    for (int i = 0; i < CROWD; i++) {
        EXPECT_RC(result_of[i], i % 3 ? 0 : WEIR_ECANCELED);
        EXPECT_EQ(had_at[i], at[i]);
    }
    return weir_close(rate);
}

static int some_time_out(void *unused)
{
    (void)unused;
    no_deadlines();
    deadline_of[0] = weir_now() + WEIR_S / 4; /* as the pacer */
    deadline_of[1] = weir_now() + WEIR_S;     /* just in time, as the next pacer */
    deadline_of[3] = weir_now() + WEIR_S;     /* in the line */
    weir_group g = crowd();
    EXPECT_RC(weir_group_end(g), 0);
    static const weir_time at[] = {WEIR_S / 4, WEIR_S, 2 * WEIR_S, WEIR_S, 3 * WEIR_S, 4 * WEIR_S};
    for (int i = 0; i < CROWD; i++) {
        EXPECT_RC(result_of[i], i % 3 ? 0 : WEIR_ETIMEDOUT);
        EXPECT_EQ(had_at[i], at[i]);
    }
    return weir_close(rate);
}

static void run_line(void)
{
    for (uint64_t seed = 1; seed < 6; seed++) {
        EXPECT_RC(simulated(in_turn, seed), 0);
        EXPECT_RC(simulated(some_leave, seed), 0);
        EXPECT_RC(simulated(some_time_out, seed), 0);
    }
}

static int closed(void *unused)
{
    (void)unused;
    no_deadlines();
    weir_group g = crowd();
    EXPECT_RC(weir_close(rate), 0);
    EXPECT_RC(weir_group_end(g), 0);
    for (int i = 0; i < CROWD; i++) {
        EXPECT_RC(result_of[i], WEIR_ECLOSED);
        EXPECT_EQ(had_at[i], 0);
    }
    return 0;
}

static void run_closed(void)
{
    EXPECT_RC(simulated(closed, 1), 0);
}

/* ---- many
 * --------------------------------------------------------------------------------------------- */

static int acquire_it(weir_time deadline)
{
    return weir_rate_acquire_by(rate, deadline);
}

static int nothing_to_release(void)
{
    return 0;
}

static void run_stress(void)
{
    static const struct handover h = {acquire_it, nothing_to_release, TAKERS + TAKER_THREADS};
    weir_time begun = weir_now();
    rate = weir_rate_open(100000, WEIR_S, 4);
    stress_handover(&h, rate.h);
    int all = atomic_load(&taken) + h.most;
    EXPECT(weir_now() - begun >= (all - 4) * (WEIR_S / 100000));
    EXPECT_EQ(STATISTICS(rate).holders, 0);
    EXPECT_RC(weir_close(rate), 0);
}

TEST_SUITE(rate, "actors: rate", {"F033 rate limiter: never too often; deadlines", run_by_both},
           {"F033 rate limiter: evenly, and bursts after a pause", run_even},
           {"F033 rate limiter: used by virtual and by real time", run_two_clocks},
           {"F033 rate limiter: at the end of time", run_at_the_end},
           {"F033 rate limiter: first come, first served; who leaves takes no turn", run_line},
           {"F033 rate limiter: closing", run_closed},
           {"F033 rate limiter: cancel x hand-over x deadline, many", run_stress});
