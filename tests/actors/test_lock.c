/* SPDX-License-Identifier: MIT */
/* F025, F026: locks. */
#include <stdio.h>

#include "one_worker.h"
#include "primitives.h"

static weir_lock lock;

static void open_lock(void)
{
    lock = weir_lock_open();
    EXPECT_RC(weir_check(lock), 0);
}

/* ---- who owns it -------------------------------------------------------------------------- */

static void owner_checked(void)
{
    open_lock();
    EXPECT_RC(weir_lock_release(lock), WEIR_EPERM);
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_EQ(STATISTICS(lock).holders, 1);
    EXPECT_EQ(STATISTICS(lock).value, 0);
    EXPECT_EQ(STATISTICS(lock).limit, 1);
    EXPECT_RC(weir_lock_acquire(lock), WEIR_EDEADLK);
    EXPECT_RC(weir_lock_try_acquire(lock), WEIR_EDEADLK);
    EXPECT_RC(weir_lock_acquire_by(lock, 0), WEIR_EDEADLK);
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_lock_release(lock), WEIR_EPERM); /* the last owner is no owner */
    EXPECT_EQ(STATISTICS(lock).holders, 0);
    EXPECT_EQ(STATISTICS(lock).value, 1);
    EXPECT_RC(weir_lock_try_acquire(lock), 0);
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_close(lock), 0);
    EXPECT_RC(weir_lock_acquire(lock), WEIR_ECLOSED);
    EXPECT_RC(weir_lock_try_acquire(lock), WEIR_ECLOSED);
    EXPECT_RC(weir_lock_release(lock), WEIR_ECLOSED);
    weir_event e = weir_event_open();
    EXPECT_RC(weir_lock_acquire((weir_lock){e.h}), WEIR_EBADF);
    EXPECT_RC(weir_lock_release((weir_lock){e.h}), WEIR_EBADF);
    EXPECT_RC(weir_event_set((weir_event){lock.h}), WEIR_ECLOSED);
    weir_close(e);
}

static void run_owner_checked(void)
{
    by_both(owner_checked);
}

static int is_not_mine(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_lock_release(lock), WEIR_EPERM);
    EXPECT_RC(weir_lock_try_acquire(lock), WEIR_EAGAIN);
    EXPECT_RC(weir_lock_acquire_by(lock, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_EQ(STATISTICS(lock).waiting, 0);
    return 0;
}

static void *thread_is_not_mine(void *unused)
{
    is_not_mine(unused);
    return NULL;
}

static int owned_by_an_actor(void *unused)
{
    weir_actor_info me;
    pthread_t t;
    (void)unused;
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_actor_self(&me), 0);
    EXPECT_EQ(STATISTICS(lock).owner, me.id);
    REQUIRE_EQ(pthread_create(&t, NULL, thread_is_not_mine, NULL), 0);
    pthread_join(t, NULL);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, is_not_mine, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0; /* with the lock, which is nobody's handle */
}

/* Records and stacks are used again, owners are not. */
static void run_owner_is_gone(void)
{
    open_lock();
    EXPECT_RC(weir_run(owned_by_an_actor, NULL, NULL), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_run(is_not_mine, NULL, &one_worker), 0);
    EXPECT_RC(weir_close(lock), 0);
    open_lock();
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_EQ(STATISTICS(lock).owner, 0); /* a thread */
    EXPECT_RC(weir_run(is_not_mine, NULL, NULL), 0);
    EXPECT_RC(weir_close(lock), 0);
}

/* ---- handed over, first come first served ------------------------------------------------- */

enum { CROWD = 12 };

static unsigned order[CROWD], served;

static void take_turn(unsigned number)
{
    EXPECT_RC(weir_lock_acquire(lock), 0);
    order[served++] = number;
    EXPECT_RC(weir_lock_release(lock), 0);
}

static int takes_turn(void *number)
{
    take_turn(*(unsigned *)number);
    return 0;
}

static void *thread_takes_turn(void *number)
{
    take_turn(*(unsigned *)number);
    return NULL;
}

static int in_turn(void *unused)
{
    pthread_t t;
    unsigned i = 0, number;
    (void)unused;
    open_lock();
    served = 0;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_lock_acquire(lock), 0);
    for (; i < CROWD / 2; i++) {
        EXPECT_RC(weir_spawn(g, takes_turn, &i), 0);
        AWAIT_LINE(lock, i + 1);
    }
    number = i++;
    REQUIRE_EQ(pthread_create(&t, NULL, thread_takes_turn, &number), 0);
    AWAIT_LINE(lock, i);
    for (; i < CROWD; i++) {
        EXPECT_RC(weir_spawn(g, takes_turn, &i), 0);
        AWAIT_LINE(lock, i + 1);
    }
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_group_end(g), 0);
    pthread_join(t, NULL);
    EXPECT_EQ(served, CROWD);
    for (i = 0; i < CROWD; i++)
        EXPECT_EQ(order[i], i);
    return weir_close(lock);
}

static void run_in_turn(void)
{
    EXPECT_RC(weir_run(in_turn, NULL, NULL), 0);
}

/* With one worker nobody else runs between two calls of ours. */
static int nobody_barges(void *unused)
{
    unsigned number = 0;
    (void)unused;
    open_lock();
    served = 0;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_spawn(g, takes_turn, &number), 0);
    AWAIT_LINE(lock, 1);
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_lock_try_acquire(lock), WEIR_EAGAIN); /* it is the other one's already */
    EXPECT_EQ(STATISTICS(lock).holders, 1);
    EXPECT_EQ(STATISTICS(lock).waiting, 0);
    EXPECT_EQ(served, 0);
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_EQ(served, 1);
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return weir_close(lock);
}

static void run_nobody_barges(void)
{
    EXPECT_RC(weir_run(nobody_barges, NULL, &one_worker), 0);
}

/* F026: who takes a free lock goes on. */
static int others_ran(void *ran)
{
    ++**(unsigned **)ran;
    return 0;
}

static int no_yield(void *unused)
{
    unsigned ran = 0, *at = &ran;
    (void)unused;
    open_lock();
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_spawn(g, others_ran, &at), 0);
    for (int i = 0; i < 100; i++) { /* the budget is 128 */
        EXPECT_RC(weir_lock_acquire(lock), 0);
        EXPECT_RC(weir_lock_release(lock), 0);
    }
    EXPECT_EQ(ran, 0);
    for (int i = 0; i < 100; i++) {
        EXPECT_RC(weir_lock_acquire(lock), 0);
        EXPECT_RC(weir_lock_release(lock), 0);
    }
    EXPECT_EQ(ran, 1); /* but nobody starves */
    EXPECT_RC(weir_group_end(g), 0);
    return weir_close(lock);
}

static void run_no_yield(void)
{
    EXPECT_RC(weir_run(no_yield, NULL, &one_worker), 0);
}

/* ---- cancelled ---------------------------------------------------------------------------------
 */

static weir_scope first_scope;
static int first_result, next_result;

static int first_waits(void *unused)
{
    (void)unused;
    first_scope = weir_scope_begin();
    first_result = weir_lock_acquire(lock);
    next_result = weir_yield();
    if (first_result == 0)
        EXPECT_RC(weir_lock_release(lock), 0);
    weir_scope_end(first_scope);
    return 0;
}

/* #387, #398, #1145: the one before is cancelled, and the hand-over goes to the next. */
static int cancelled_in_line(void *released_first)
{
    bool late = *(bool *)released_first;
    unsigned number = 7;
    open_lock();
    served = 0;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_spawn(g, first_waits, NULL), 0);
    AWAIT_LINE(lock, 1);
    EXPECT_RC(weir_spawn(g, takes_turn, &number), 0);
    AWAIT_LINE(lock, 2);
    if (late)
        EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_scope_cancel(first_scope, NULL), 0);
    EXPECT_EQ(STATISTICS(lock).waiting, 1);
    if (!late)
        EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(first_result, late ? 0 : WEIR_ECANCELED);
    EXPECT_RC(next_result, WEIR_ECANCELED);
    EXPECT_EQ(served, 1);
    EXPECT_EQ(STATISTICS(lock).holders, 0);
    return weir_close(lock);
}

static void run_cancelled_in_line(void)
{
    for (int late = 0; late < 2; late++)
        EXPECT_RC(weir_run(cancelled_in_line, &(bool){late}, &one_worker), 0);
}

/* In a cancelled scope: a free lock is not taken, but by the form that never waits. */
static int cancelled_before(void *unused)
{
    (void)unused;
    open_lock();
    weir_scope s = weir_move_on_after(0);
    EXPECT_RC(weir_lock_acquire(lock), WEIR_ECANCELED);
    EXPECT_EQ(STATISTICS(lock).holders, 0);
    EXPECT_RC(weir_lock_try_acquire(lock), 0);
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_scope_end(s), 1);
    return weir_close(lock);
}

static void run_cancelled_before(void)
{
    EXPECT_RC(weir_run(cancelled_before, NULL, NULL), 0);
}

static int acquire_it(weir_time deadline)
{
    return weir_lock_acquire_by(lock, deadline);
}

static int release_it(void)
{
    return weir_lock_release(lock);
}

static void run_stress(void)
{
    static const struct handover h = {acquire_it, release_it, 1};
    open_lock();
    stress_handover(&h, lock.h);
    EXPECT_RC(weir_close(lock), 0);
}

/* ---- closed -----------------------------------------------------------------------------------
 */

static int finds_it_closed(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_lock_acquire(lock), WEIR_ECLOSED);
    return 0;
}

static int closed(void *unused)
{
    (void)unused;
    open_lock();
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_lock_acquire(lock), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(g, finds_it_closed, NULL), 0);
    AWAIT_LINE(lock, 3);
    EXPECT_RC(weir_close(lock), 0);
    EXPECT_RC(weir_lock_release(lock), WEIR_ECLOSED);
    return weir_group_end(g);
}

static void run_closed(void)
{
    EXPECT_RC(weir_run(closed, NULL, NULL), 0);
}

/* ---- a dead lock, simulated -------------------------------------------------------------------
 */

static weir_lock pair[2];

/* In opposite orders. */
static int takes_both(void *which)
{
    int first = *(int *)which, rc;
    EXPECT_RC(weir_lock_acquire(pair[first]), 0);
    EXPECT_RC(weir_settle(), 0);
    rc = weir_lock_acquire(pair[!first]);
    weir_lock_release(pair[first]);
    return rc;
}

static int deadlocks(void *unused)
{
    (void)unused;
    pair[0] = weir_lock_open();
    pair[1] = weir_lock_open();
    weir_group g = weir_group_begin();
    for (int i = 0; i < 2; i++)
        EXPECT_RC(weir_spawn(g, takes_both, &i), 0);
    return weir_group_end(g);
}

/* Known by the process having no other thread; ThreadSanitizer has one of its own. */
static void run_deadlocks(void)
{
#if defined(WEIR_TSAN)
    printf("(skipped: another thread) ");
    return;
#endif
    weir_options o = {.simulate = true, .seed = 7};
    EXPECT_RC(weir_run(deadlocks, NULL, &o), WEIR_EDEADLK);
}

/* ---- early return -------------------------------------------------------------------------------
 */

static int holds(int wanted)
{
    weir_auto(weir_held) held = weir_lock_hold(lock);
    EXPECT_RC(held.rc, wanted);
    EXPECT_EQ(STATISTICS(lock).holders, 1);
    return held.rc;
}

static void held(void)
{
    open_lock();
    EXPECT_RC(holds(0), 0);
    EXPECT_EQ(STATISTICS(lock).holders, 0);
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(holds(WEIR_EDEADLK), WEIR_EDEADLK);
    EXPECT_EQ(STATISTICS(lock).holders, 1); /* was not its to release */
    EXPECT_RC(weir_close(lock), 0);
}

static void run_held(void)
{
    by_both(held);
}

static void drops(void *item, void *result)
{
    (void)item;
    *(int *)result = weir_lock_acquire(lock);
}

static void in_a_drop(void)
{
    int rc = 1, item = 1;
    pthread_t t;
    weir_sender tx;
    weir_receiver rx;
    weir_channel_options o = {.drop = drops, .drop_context = &rc};
    open_lock();
    EXPECT_RC(weir_lock_acquire(lock), 0);
    REQUIRE_EQ(pthread_create(&t, NULL, thread_is_not_mine, NULL), 0);
    pthread_join(t, NULL);
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, &o), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(rc, 0); /* it was free */
    EXPECT_RC(weir_lock_release(lock), 0);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(lock), 0);
}

TEST_SUITE(lock, "actors: lock", {"F025 lock: it has an owner", run_owner_checked},
           {"F025 lock: the owner is this actor or thread, no later one", run_owner_is_gone},
           {"F025 lock: first come, first served", run_in_turn},
           {"F025 lock: handed over, so that nobody barges", run_nobody_barges},
           {"F026 lock: no yield without contention", run_no_yield},
           {"F025 lock: cancel x hand-over, either first (#387, #398, #1145)",
            run_cancelled_in_line},
           {"F025 lock: cancelled before", run_cancelled_before},
           {"F025 lock: cancel x hand-over x deadline, many", run_stress},
           {"F025 lock: closing", run_closed}, {"F025 lock: early return", run_held},
           {"F025 lock: a dead lock ends a simulated run", run_deadlocks},
           {"F025 lock: free, in a drop function", in_a_drop});
