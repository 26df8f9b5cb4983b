/* SPDX-License-Identifier: MIT */
/* F011: futures. */
#include <string.h>

#include "one_worker.h"
#include "primitives.h"

static weir_future future;
static const int seven = 7, eight = 8;

static void pending(void)
{
    int value = 1;
    future = weir_future_open(sizeof value);
    REQUIRE_RC(weir_check(future), 0);
    EXPECT_EQ(weir_future_state(future), WEIR_FUTURE_PENDING);
    EXPECT_RC(weir_future_try_get(future, &value), WEIR_EAGAIN); /* read before */
    EXPECT_RC(weir_future_get_by(future, &value, weir_after(0)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_future_wait_by(future, weir_after(0)), WEIR_ETIMEDOUT);
    EXPECT_EQ(value, 1);
}

/* Whatever comes second changes nothing. */
static void nothing_more(enum weir_future_states state, int result)
{
    int value = 1;
    EXPECT_RC(weir_future_set(future, &eight), WEIR_EALREADY);
    EXPECT_RC(weir_future_fail(future, WEIR_EPIPE), WEIR_EALREADY);
    EXPECT_RC(weir_future_cancel(future), WEIR_EALREADY);
    EXPECT_EQ(weir_future_state(future), state);
    EXPECT_RC(weir_future_wait(future), 0);
    EXPECT_RC(weir_future_get(future, &value), result);
    EXPECT_EQ(value, result < 0 ? 1 : 7);
    value = 1;
    EXPECT_RC(weir_future_try_get(future, &value), result);
    EXPECT_EQ(value, result < 0 ? 1 : 7);
    EXPECT_EQ(STATISTICS(future).value, 1);
    EXPECT_RC(weir_close(future), 0);
}

static void outcomes(void)
{
    pending();
    EXPECT_RC(weir_future_set(future, &seven), 0);
    nothing_more(WEIR_FUTURE_SET, 0);
    pending();
    EXPECT_RC(weir_future_fail(future, WEIR_EBUSY), 0);
    nothing_more(WEIR_FUTURE_FAILED, WEIR_EBUSY);
    pending();
    EXPECT_RC(weir_future_cancel(future), 0);
    nothing_more(WEIR_FUTURE_CANCELLED, WEIR_ENODATA);
}

static void run_outcomes(void)
{
    by_both(outcomes);
}

static void misuse(void)
{
    char c = 0;
    int value = 0;
    EXPECT_RC(weir_check(weir_future_open(WEIR_ITEM_MAX + 1)), WEIR_EINVAL);
    EXPECT_RC(weir_future_wait(weir_future_open(SIZE_MAX)), WEIR_EINVAL);
    future = weir_future_open(sizeof value);
    EXPECT_RC(weir_future_set(future, &c), WEIR_EITEM);
    EXPECT_RC(weir_future_set(future, (void *)NULL), WEIR_EITEM);
    EXPECT_RC(weir_future_set_sized(future, NULL, sizeof value), WEIR_EINVAL);
    EXPECT_RC(weir_future_get(future, &c), WEIR_EITEM);
    EXPECT_RC(weir_future_try_get(future, &c), WEIR_EITEM);
    EXPECT_RC(weir_future_get_sized(future, NULL, sizeof value, WEIR_NEVER), WEIR_EINVAL);
    EXPECT_RC(weir_future_get_sized(future, &value, SIZE_MAX, WEIR_NEVER), WEIR_EITEM);
    EXPECT_RC(weir_future_fail(future, 0), WEIR_EINVAL);
    EXPECT_RC(weir_future_fail(future, 1), WEIR_EINVAL);
    EXPECT_RC(weir_future_fail(future, INT_MIN), WEIR_EINVAL);
    EXPECT_EQ(weir_future_state(future), WEIR_FUTURE_PENDING);
    EXPECT_RC(weir_close(future), 0);
    EXPECT_RC(weir_close(future), 0);
    EXPECT_RC(weir_future_set(future, &seven), WEIR_ECLOSED);
    EXPECT_RC(weir_future_get(future, &value), WEIR_ECLOSED);
    EXPECT_RC(weir_future_state(future), WEIR_ECLOSED);
    weir_event e = weir_event_open();
    EXPECT_RC(weir_future_set((weir_future){e.h}, &seven), WEIR_EBADF);
    EXPECT_RC(weir_future_state((weir_future){e.h}), WEIR_EBADF);
    EXPECT_RC(weir_event_set((weir_event){future.h}), WEIR_ECLOSED);
    weir_close(e);
}

static void run_misuse(void)
{
    by_both(misuse);
}

/* No value, and the largest. */
static void sizes(void)
{
    static unsigned char in[WEIR_ITEM_MAX], out[WEIR_ITEM_MAX];
    future = weir_future_open(0);
    EXPECT_RC(weir_future_try_get(future, (void *)NULL), WEIR_EAGAIN);
    EXPECT_RC(weir_future_set(future, &seven), WEIR_EITEM);
    EXPECT_RC(weir_future_set(future, (void *)NULL), 0);
    EXPECT_RC(weir_future_get(future, (void *)NULL), 0);
    EXPECT_RC(weir_close(future), 0);
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(i * 7);
    memset(out, 0, sizeof out);
    weir_future largest = weir_future_open(sizeof in);
    EXPECT_RC(weir_future_set_sized(largest, in, sizeof in), 0);
    EXPECT_RC(weir_future_get_sized(largest, out, sizeof out, WEIR_NEVER), 0);
    EXPECT_EQ(memcmp(in, out, sizeof in), 0);
    EXPECT_RC(weir_close(largest), 0);
}

static void run_sizes(void)
{
    by_both(sizes);
}

/* ---- many wait --------------------------------------------------------------------------------
 */

enum { CROWD = 12, THREADS = 2 };

static int wanted; /* what all of them find */
static atomic_int found;

static void find_it(void)
{
    int value = 0, rc = weir_future_get(future, &value);
    EXPECT_RC(rc, wanted < 0 ? wanted : 0);
    EXPECT_EQ(value, wanted < 0 ? 0 : wanted);
    atomic_fetch_add(&found, 1);
}

static int gets(void *unused)
{
    (void)unused;
    find_it();
    return 0;
}

static int waits(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_future_wait(future), 0);
    atomic_fetch_add(&found, 1);
    return 0;
}

static void *thread_gets(void *unused)
{
    find_it();
    return unused;
}

static int settle_as(int how)
{
    wanted = how == 0 ? 7 : how == 1 ? WEIR_EBUSY : WEIR_ENODATA;
    return how == 0   ? weir_future_set(future, &seven)
           : how == 1 ? weir_future_fail(future, WEIR_EBUSY)
                      : weir_future_cancel(future);
}

static int crowd(void *parked)
{
    for (int how = 0; how < 3; how++) {
        pthread_t t[THREADS];
        future = weir_future_open(sizeof(int));
        wanted = how == 0 ? 7 : how == 1 ? WEIR_EBUSY : WEIR_ENODATA;
        atomic_store(&found, 0);
        weir_group g = weir_group_begin();
        for (int i = 0; i < CROWD; i++)
            EXPECT_RC(weir_spawn(g, i % 3 ? gets : waits, NULL), 0);
        for (int i = 0; i < THREADS; i++)
            REQUIRE_EQ(pthread_create(&t[i], NULL, thread_gets, NULL), 0);
        if (*(bool *)parked)
            AWAIT_LINE(future, CROWD + THREADS);
        EXPECT_RC(settle_as(how), 0);
        EXPECT_RC(weir_group_end(g), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(t[i], NULL);
        EXPECT_EQ(atomic_load(&found), CROWD + THREADS);
        EXPECT_EQ(STATISTICS(future).waiting, 0);
        EXPECT_RC(weir_close(future), 0);
    }
    return 0;
}

static void run_crowd(void)
{
    for (int parked = 0; parked < 2; parked++)
        EXPECT_RC(weir_run(crowd, &(bool){parked}, NULL), 0);
}

/* ---- cancelled, closed, timed out --------------------------------------------------------------
 */

static weir_scope scope;
static int cancelled_got;

static int is_cancelled(void *unused)
{
    int value = 5;
    (void)unused;
    scope = weir_scope_begin();
    cancelled_got = weir_future_get(future, &value);
    EXPECT_EQ(weir_scope_end(scope), cancelled_got == WEIR_ECANCELED);
    EXPECT_EQ(value, cancelled_got == 0 ? 7 : 5);
    EXPECT_RC(weir_future_get(future, &value), 0); /* it can be waited for again */
    EXPECT_EQ(value, 7);
    return 0;
}

/* Another one's wait goes on; the value that came before the cancellation is had. */
static int cancels(void *set_first)
{
    bool first = *(bool *)set_first;
    future = weir_future_open(sizeof(int));
    wanted = 7;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, is_cancelled, NULL), 0);
    AWAIT_LINE(future, 1);
    EXPECT_RC(weir_spawn(g, gets, NULL), 0);
    AWAIT_LINE(future, 2);
    if (first)
        EXPECT_RC(weir_future_set(future, &seven), 0);
    EXPECT_RC(weir_scope_cancel(scope, "not any more"), 0);
    if (!first) {
        EXPECT_EQ(weir_future_state(future), WEIR_FUTURE_PENDING);
        EXPECT_RC(weir_future_set(future, &seven), 0);
    }
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(cancelled_got, first ? 0 : WEIR_ECANCELED);
    return weir_close(future);
}

static void run_cancels(void)
{
    for (int first = 0; first < 2; first++)
        EXPECT_RC(weir_run(cancels, &(bool){first}, &one_worker), 0);
}

static int already_cancelled(void *unused)
{
    int value = 5;
    (void)unused;
    weir_scope s = weir_move_on_after(0);
    future = weir_future_open(sizeof value);
    EXPECT_RC(weir_future_set(future, &seven), 0);
    EXPECT_RC(weir_future_get(future, &value), WEIR_ECANCELED);
    EXPECT_RC(weir_future_wait(future), WEIR_ECANCELED);
    EXPECT_RC(weir_future_try_get(future, &value), 0); /* never waits */
    EXPECT_EQ(value, 7);
    EXPECT_EQ(weir_scope_end(s), 1);
    return 0; /* the handle is closed with its owner */
}

static void run_already_cancelled(void)
{
    EXPECT_RC(weir_run(already_cancelled, NULL, NULL), 0);
    EXPECT_RC(weir_future_state(future), WEIR_ECLOSED);
}

static int meets_closing(void *unused)
{
    int value = 5;
    (void)unused;
    EXPECT_RC(weir_future_get(future, &value), WEIR_ECLOSED);
    EXPECT_EQ(value, 5);
    return 0;
}

static int closes(void *unused)
{
    (void)unused;
    future = weir_future_open(sizeof(int));
    weir_group g = weir_group_begin();
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(g, meets_closing, NULL), 0);
    AWAIT_LINE(future, 3);
    EXPECT_RC(weir_close(future), 0);
    EXPECT_RC(weir_group_end(g), 0);
    /* Closed when they have been woken, but have not run: they have the value. */
    future = weir_future_open(sizeof(int));
    wanted = 7;
    g = weir_group_begin();
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(g, gets, NULL), 0);
    AWAIT_LINE(future, 3);
    EXPECT_RC(weir_future_set(future, &seven), 0);
    EXPECT_RC(weir_close(future), 0);
    return weir_group_end(g);
}

static void run_closes(void)
{
    EXPECT_RC(weir_run(closes, NULL, NULL), 0);
}

/* ---- set by one of many, while others are cancelled and time out
 * --------------------------------- */

enum { ROUNDS = 300, RIVALS = 3 };

static atomic_int firsts;

static int rival(void *number)
{
    int n = *(int *)number, rc = weir_future_set(future, &n);
    EXPECT(rc == 0 || rc == WEIR_EALREADY);
    if (rc == 0)
        atomic_fetch_add(&firsts, 1);
    return 0;
}

static int impatient(void *patience)
{
    int value = -1, again = -1;
    weir_scope s = weir_move_on_after(*(weir_time *)patience);
    int rc = weir_future_get(future, &value);
    EXPECT(rc == 0 || rc == WEIR_ECANCELED);
    EXPECT_EQ(value >= 0, rc == 0);
    weir_scope_end(s);
    EXPECT_RC(weir_future_get(future, &again), 0);
    EXPECT(rc < 0 || again == value);
    return 0;
}

static int race(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        future = weir_future_open(sizeof(int));
        atomic_store(&firsts, 0);
        weir_group g = weir_group_begin();
        for (weir_time k = 0; k < RIVALS; k++)
            EXPECT_RC(weir_spawn(g, impatient, &(weir_time){k * i * 40}), 0);
        for (int k = 0; k < RIVALS; k++)
            EXPECT_RC(weir_spawn(g, rival, &k), 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_EQ(atomic_load(&firsts), 1);
        EXPECT_RC(weir_close(future), 0);
    }
    return 0;
}

static void run_race(void)
{
    EXPECT_RC(weir_run(race, NULL, NULL), 0);
}

TEST_SUITE(future, "actors: futures",
           {"F011 future: set, failed, cancelled; set twice, read before", run_outcomes},
           {"F011 future: misuse", run_misuse}, {"F011 future: no value, the largest", run_sizes},
           {"F011 future: many wait, actors and threads", run_crowd},
           {"F011 future: cancelling a waiter leaves it alone", run_cancels},
           {"F011 future: a cancelled caller", run_already_cancelled},
           {"F011 future: closing", run_closes},
           {"F011 future: set by several x deadlines, many", run_race});
