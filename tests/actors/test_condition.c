/* SPDX-License-Identifier: MIT */
/* F028: conditions. */
#include "one_worker.h"
#include "primitives.h"

static weir_lock lock;
static weir_condition cond;

static void open_both(void)
{
    lock = weir_lock_open();
    cond = weir_condition_open(lock);
    EXPECT_RC(weir_check(cond), 0);
}

static void close_both(void)
{
    EXPECT_RC(weir_close(cond), 0);
    EXPECT_RC(weir_close(lock), 0);
}

/* ---- the lock is needed -----------------------------------------------------------------------
 */

static unsigned asked;

static bool is_so(void *unused)
{
    (void)unused;
    asked++;
    return true;
}

static void needs_the_lock(void)
{
    open_both();
    asked = 0;
    EXPECT_RC(weir_condition_wait(cond), WEIR_EPERM);
    EXPECT_RC(weir_condition_notify(cond, 1), WEIR_EPERM);
    EXPECT_RC(weir_condition_notify_all(cond), WEIR_EPERM);
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_condition_notify(cond, 1), 0);
    EXPECT_EQ(STATISTICS(cond).holders, 1);
    EXPECT_EQ(STATISTICS(cond).owner, STATISTICS(lock).owner);
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_condition_notify(cond, 1), WEIR_EPERM); /* by the last owner */
    EXPECT_RC(weir_condition_wait(cond), WEIR_EPERM);
    EXPECT_RC(weir_condition_wait_for(cond, is_so, NULL), WEIR_EPERM); /* is_so() is not asked */
    EXPECT_EQ(asked, 0);
    EXPECT_RC(weir_condition_wait_for(cond, NULL, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_condition_wait_for(cond, is_so, NULL), 0);
    EXPECT_EQ(asked, 1);
    EXPECT_RC(weir_lock_release(lock), 0);
    close_both();
    EXPECT_RC(weir_condition_wait(cond), WEIR_ECLOSED);
    EXPECT_RC(weir_condition_wait_for(cond, is_so, NULL), WEIR_ECLOSED);
    EXPECT_RC(weir_condition_notify(cond, 1), WEIR_ECLOSED);
    EXPECT_RC(weir_check(weir_condition_open(lock)), WEIR_ECLOSED);
    EXPECT_RC(weir_check(weir_condition_open((weir_lock){0})), WEIR_EBADF);
    weir_event e = weir_event_open();
    EXPECT_RC(weir_check(weir_condition_open((weir_lock){e.h})), WEIR_EBADF);
    EXPECT_RC(weir_condition_notify((weir_condition){e.h}, 1), WEIR_EBADF);
    weir_close(e);
}

static void times_out(void)
{
    open_both();
    weir_time until = weir_after(2 * WEIR_MS);
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_condition_wait_by(cond, until), WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= until);
    EXPECT_RC(weir_condition_wait_by(cond, 0), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_lock_release(lock), 0); /* it is ours */
    close_both();
}

static void run_needs_the_lock(void)
{
    by_both(needs_the_lock);
    by_both(times_out);
}

/* ---- first come, first served ------------------------------------------------------------------
 */

enum { CROWD = 8 };

static unsigned order[CROWD], served; /* under the lock */

static int waits(void *number)
{
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_condition_wait(cond), 0);
    order[served++] = *(unsigned *)number;
    EXPECT_RC(weir_lock_release(lock), 0);
    return 0;
}

static void notify_and_look(uint32_t n, unsigned expected)
{
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(n == 0 ? weir_condition_notify_all(cond) : weir_condition_notify(cond, n), 0);
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT_EQ(served, expected);
}

static int in_turn(void *unused)
{
    (void)unused;
    open_both();
    served = 0;
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < CROWD; i++) {
        EXPECT_RC(weir_spawn(g, waits, &i), 0);
        AWAIT_LINE(cond, i + 1);
    }
    EXPECT_EQ(STATISTICS(lock).holders, 0);
    notify_and_look(1, 1);
    notify_and_look(2, 3);
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_condition_notify(cond, 0), 0);
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_EQ(STATISTICS(cond).waiting, CROWD - 3);
    notify_and_look(0, CROWD);
    notify_and_look(0, CROWD);
    for (unsigned i = 0; i < CROWD; i++)
        EXPECT_EQ(order[i], i);
    EXPECT_RC(weir_group_end(g), 0);
    close_both();
    return 0;
}

static void run_in_turn(void)
{
    EXPECT_RC(weir_run(in_turn, NULL, NULL), 0);
}

/* ---- cancelled ---------------------------------------------------------------------------------
 */

static weir_scope first_scope;
static int first_result, next_result;
static bool first_is_back;

static int first_waits(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_lock_acquire(lock), 0);
    first_scope = weir_scope_begin();
    first_is_back = false;
    first_result = weir_condition_wait(cond);
    first_is_back = true;
    next_result = weir_yield();
    EXPECT_RC(weir_scope_end(first_scope), 1);
    EXPECT_RC(weir_lock_release(lock), 0); /* it is its, in any case */
    return 0;
}

/* 4.13: the notification is had by the first if it came first, else by the second. */
static int cancelled_in_line(void *notified_first)
{
    bool late = *(bool *)notified_first;
    unsigned number = 3;
    open_both();
    served = 0;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, first_waits, NULL), 0);
    AWAIT_LINE(cond, 1);
    EXPECT_RC(weir_spawn(g, waits, &number), 0);
    AWAIT_LINE(cond, 2);
    EXPECT_RC(weir_lock_acquire(lock), 0);
    if (late)
        EXPECT_RC(weir_condition_notify(cond, 1), 0);
    EXPECT_RC(weir_scope_cancel(first_scope, NULL), 0);
    if (!late)
        EXPECT_RC(weir_condition_notify(cond, 1), 0);
    EXPECT_EQ(STATISTICS(cond).waiting, late);
    EXPECT_RC(weir_settle(), 0);
    EXPECT(!first_is_back); /* it needs the lock for that */
    EXPECT_EQ(STATISTICS(cond).value, late ? 1 : 2);
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT(first_is_back);
    EXPECT_EQ(served, !late);
    if (late)
        notify_and_look(1, 1);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(first_result, late ? 0 : WEIR_ECANCELED);
    EXPECT_RC(next_result, WEIR_ECANCELED);
    close_both();
    return 0;
}

static void run_cancelled_in_line(void)
{
    for (int late = 0; late < 2; late++)
        EXPECT_RC(weir_run(cancelled_in_line, &(bool){late}, &one_worker), 0);
}

static int cancelled_before(void *unused)
{
    (void)unused;
    open_both();
    EXPECT_RC(weir_lock_acquire(lock), 0);
    weir_scope s = weir_move_on_after(0);
    EXPECT_RC(weir_condition_wait(cond), WEIR_ECANCELED);
    EXPECT_RC(weir_lock_try_acquire(lock), WEIR_EDEADLK); /* it was never given up */
    EXPECT_RC(weir_condition_notify_all(cond), 0);
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_scope_end(s), 1);
    close_both();
    return 0;
}

static void run_cancelled_before(void)
{
    EXPECT_RC(weir_run(cancelled_before, NULL, NULL), 0);
}

/* ---- a semaphore of a condition
 * ------------------------------------------------------------------ */

static unsigned permits; /* under the lock */

static bool some_permits(void *unused)
{
    (void)unused;
    EXPECT_EQ(STATISTICS(lock).holders, 1);
    return permits > 0;
}

static int acquire_it(weir_time deadline)
{
    int rc = weir_lock_acquire_by(lock, deadline);
    if (rc < 0)
        return rc;
    rc = weir_condition_wait_for_by(cond, some_permits, NULL, deadline);
    if (rc == 0)
        permits--;
    EXPECT_RC(weir_lock_release(lock), 0);
    return rc;
}

/* An actor may be cancelled, but this is clean-up. */
static int release_it(void)
{
    weir_scope s = weir_scope_begin();
    weir_scope_shield(s, true);
    EXPECT_RC(weir_lock_acquire(lock), 0);
    permits++;
    EXPECT_RC(weir_condition_notify(cond, 1), 0);
    EXPECT_RC(weir_lock_release(lock), 0);
    weir_scope_end(s);
    return 0;
}

static void run_stress(void)
{
    for (int most = 1; most <= 2; most++) {
        struct handover h = {acquire_it, release_it, most};
        open_both();
        permits = (unsigned)most;
        stress_handover(&h, cond.h);
        EXPECT_EQ(permits, most);
        close_both();
    }
}

/* ---- closed -----------------------------------------------------------------------------------
 */

static int finds_condition_closed(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_condition_wait(cond), WEIR_ECLOSED);
    EXPECT_RC(weir_lock_release(lock), 0); /* owned */
    return 0;
}

static int closes_condition(void *unused)
{
    (void)unused;
    open_both();
    weir_group g = weir_group_begin();
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(g, finds_condition_closed, NULL), 0);
    AWAIT_LINE(cond, 3);
    EXPECT_RC(weir_close(cond), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return weir_close(lock);
}

static int finds_lock_closed(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_condition_wait(cond), WEIR_ECLOSED);
    EXPECT_RC(weir_lock_release(lock), WEIR_ECLOSED);
    return 0;
}

static int closes_lock(void *unused)
{
    (void)unused;
    open_both();
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, finds_lock_closed, NULL), 0); /* waits for a notification */
    EXPECT_RC(weir_spawn(g, finds_lock_closed, NULL), 0); /* this one has had it */
    AWAIT_LINE(cond, 2);
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_condition_notify(cond, 1), 0);
    AWAIT_LINE(lock, 1);
    EXPECT_RC(weir_close(lock), 0);
    EXPECT_EQ(STATISTICS(cond).waiting, 1);
    EXPECT_RC(weir_condition_notify(cond, 0), WEIR_ECLOSED);
    EXPECT_RC(weir_group_end(g), 0);
    return weir_close(cond);
}

static void run_closed(void)
{
    EXPECT_RC(weir_run(closes_condition, NULL, NULL), 0);
    EXPECT_RC(weir_run(closes_lock, NULL, NULL), 0);
}

static void drops(void *item, void *result)
{
    (void)item;
    *(int *)result = weir_condition_wait(cond);
}

static void in_a_drop(void)
{
    int rc = 1, item = 1;
    weir_sender tx;
    weir_receiver rx;
    weir_channel_options o = {.drop = drops, .drop_context = &rc};
    open_both();
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, &o), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(rc, WEIR_EPERM);
    EXPECT_RC(weir_lock_release(lock), 0); /* it was not given up */
    EXPECT_RC(weir_close(tx), 0);
    close_both();
}

static void run_in_a_drop(void)
{
    by_both(in_a_drop);
}

TEST_SUITE(condition, "actors: condition",
           {"F028 condition: by the owner of its lock only, not by the last one (#798)",
            run_needs_the_lock},
           {"F028 condition: notify, first come, first served", run_in_turn},
           {"F028 condition: cancel x notify, either first (4.13)", run_cancelled_in_line},
           {"F028 condition: cancelled before", run_cancelled_before},
           {"F028 condition: cancel x notify x deadline, many", run_stress},
           {"F028 condition: closing it, and closing its lock", run_closed},
           {"F028 condition: not in a drop function", run_in_a_drop});
