/* SPDX-License-Identifier: MIT */
/* F027: semaphores. */
#include "one_worker.h"
#include "primitives.h"

static weir_semaphore sem;

static void open_with(size_t initial, size_t max)
{
    sem = weir_semaphore_open(initial, max);
    EXPECT_RC(weir_check(sem), 0);
}

static void counts(void)
{
    open_with(2, 3);
    EXPECT_EQ(STATISTICS(sem).value, 2);
    EXPECT_EQ(STATISTICS(sem).limit, 3);
    EXPECT_RC(weir_semaphore_acquire(sem), 0);
    EXPECT_RC(weir_semaphore_acquire(sem), 0); /* by the same one */
    EXPECT_RC(weir_semaphore_try_acquire(sem), WEIR_EAGAIN);
    EXPECT_RC(weir_semaphore_acquire_by(sem, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_EQ(STATISTICS(sem).value, 0);
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_semaphore_release(sem), 0); /* who has not acquired may */
    EXPECT_RC(weir_semaphore_release(sem), WEIR_EPERM);
    EXPECT_EQ(STATISTICS(sem).value, 3);
    EXPECT_RC(weir_close(sem), 0);
    EXPECT_RC(weir_semaphore_acquire(sem), WEIR_ECLOSED);
    EXPECT_RC(weir_semaphore_try_acquire(sem), WEIR_ECLOSED);
    EXPECT_RC(weir_semaphore_release(sem), WEIR_ECLOSED);
}

static void bounds(void)
{
    sem = weir_semaphore_open(2, 1);
    EXPECT_RC(weir_check(sem), WEIR_EINVAL);
    EXPECT_RC(weir_semaphore_acquire(sem), WEIR_EINVAL);
    EXPECT_RC(weir_close(sem), WEIR_EINVAL);
    open_with(0, 0);
    EXPECT_RC(weir_semaphore_try_acquire(sem), WEIR_EAGAIN);
    EXPECT_RC(weir_semaphore_release(sem), WEIR_EPERM);
    EXPECT_RC(weir_close(sem), 0);
    open_with(0, WEIR_UNBOUNDED);
    EXPECT_RC(weir_semaphore_release(sem), 0);
    EXPECT_EQ(STATISTICS(sem).limit, WEIR_UNBOUNDED);
    weir_lock l = {sem.h};
    EXPECT_RC(weir_lock_acquire(l), WEIR_EBADF);
    EXPECT_RC(weir_semaphore_acquire(sem), 0);
    EXPECT_RC(weir_close(sem), 0);
}

/* None is ever there, so there is none to give to who waits. */
static int takes_of_none(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_semaphore_acquire(sem), WEIR_ECLOSED);
    return 0;
}

static int none_at_all(void *unused)
{
    (void)unused;
    open_with(0, 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, takes_of_none, NULL), 0);
    AWAIT_LINE(sem, 1);
    EXPECT_RC(weir_semaphore_release(sem), WEIR_EPERM);
    EXPECT_EQ(STATISTICS(sem).waiting, 1);
    EXPECT_RC(weir_close(sem), 0);
    return weir_group_end(g);
}

static void run_counts(void)
{
    by_both(counts);
    by_both(bounds);
    EXPECT_RC(weir_run(none_at_all, NULL, NULL), 0);
}

/* ---- handed over ------------------------------------------------------------------------------
 */

enum { CROWD = 10 };

static unsigned order[CROWD];
static atomic_uint served;

static int takes(void *number)
{
    EXPECT_RC(weir_semaphore_acquire(sem), 0);
    order[atomic_fetch_add(&served, 1)] = *(unsigned *)number;
    return 0;
}

/* Each release lets one more in; the permit cannot be stolen on the way. */
static int in_turn(void *unused)
{
    (void)unused;
    open_with(0, 1); /* handed over, permits are not counted against max */
    atomic_store(&served, 0);
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < CROWD; i++) {
        EXPECT_RC(weir_spawn(g, takes, &i), 0);
        AWAIT_LINE(sem, i + 1);
    }
    for (unsigned i = 0; i < CROWD; i++) {
        EXPECT_RC(weir_semaphore_release(sem), 0);
        EXPECT_RC(weir_semaphore_try_acquire(sem), WEIR_EAGAIN);
        EXPECT_EQ(STATISTICS(sem).value, 0);
        EXPECT_EQ(STATISTICS(sem).waiting, CROWD - 1 - i);
        EXPECT_RC(weir_settle(), 0);
        EXPECT_EQ(atomic_load(&served), i + 1);
    }
    EXPECT_RC(weir_group_end(g), 0);
    for (unsigned i = 0; i < CROWD; i++)
        EXPECT_EQ(order[i], i);
    return weir_close(sem);
}

static void run_in_turn(void)
{
    EXPECT_RC(weir_run(in_turn, NULL, NULL), 0);
}

/* ---- cancelled --------------------------------------------------------------------------------
 */

static weir_scope first_scope;
static int first_result;

static int first_waits(void *unused)
{
    (void)unused;
    first_scope = weir_scope_begin();
    first_result = weir_semaphore_acquire(sem);
    weir_scope_end(first_scope);
    return 0;
}

static int cancelled_in_line(void *released_first)
{
    bool late = *(bool *)released_first;
    unsigned number = 1;
    open_with(0, 5);
    atomic_store(&served, 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, first_waits, NULL), 0);
    AWAIT_LINE(sem, 1);
    EXPECT_RC(weir_spawn(g, takes, &number), 0);
    AWAIT_LINE(sem, 2);
    if (late)
        EXPECT_RC(weir_semaphore_release(sem), 0);
    EXPECT_RC(weir_scope_cancel(first_scope, NULL), 0);
    EXPECT_RC(weir_semaphore_release(sem), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(first_result, late ? 0 : WEIR_ECANCELED);
    EXPECT_EQ(atomic_load(&served), 1);
    EXPECT_EQ(STATISTICS(sem).value, 0);
    return weir_close(sem);
}

static void run_cancelled_in_line(void)
{
    for (int late = 0; late < 2; late++)
        EXPECT_RC(weir_run(cancelled_in_line, &(bool){late}, &one_worker), 0);
}

static int acquire_it(weir_time deadline)
{
    return weir_semaphore_acquire_by(sem, deadline);
}

static int release_it(void)
{
    return weir_semaphore_release(sem);
}

static void run_stress(void)
{
    for (int most = 1; most <= 3; most++) {
        struct handover h = {acquire_it, release_it, most};
        open_with((size_t)most, (size_t)most);
        stress_handover(&h, sem.h);
        EXPECT_EQ(STATISTICS(sem).value, most);
        EXPECT_RC(weir_close(sem), 0);
    }
}

/* ---- closed -----------------------------------------------------------------------------------
 */

static int finds_it_closed(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_semaphore_acquire(sem), WEIR_ECLOSED);
    return 0;
}

static int closed(void *unused)
{
    (void)unused;
    open_with(0, 1);
    weir_group g = weir_group_begin();
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(g, finds_it_closed, NULL), 0);
    AWAIT_LINE(sem, 3);
    EXPECT_RC(weir_close(sem), 0);
    return weir_group_end(g);
}

static void run_closed(void)
{
    EXPECT_RC(weir_run(closed, NULL, NULL), 0);
}

TEST_SUITE(semaphore, "actors: semaphore", {"F027 semaphore: value and max", run_counts},
           {"F027 semaphore: first come, first served, nobody steals", run_in_turn},
           {"F027 semaphore: cancel x hand-over, either first (#387, #398, #1145)",
            run_cancelled_in_line},
           {"F027 semaphore: cancel x hand-over x deadline, many", run_stress},
           {"F027 semaphore: closing", run_closed});
