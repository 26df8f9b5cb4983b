/* SPDX-License-Identifier: MIT */
/* F031: how each primitive is, at one moment: the table of weir/sync.h line by line. */
#include "primitives.h"

static void is(weir_handle h, weir_sync_statistics expected)
{
    weir_sync_statistics s = statistics_of(h);
    EXPECT_EQ(s.value, expected.value);
    EXPECT_EQ(s.limit, expected.limit);
    EXPECT_EQ(s.holders, expected.holders);
    EXPECT_EQ(s.owner, expected.owner);
    EXPECT_EQ(s.waiting, expected.waiting);
}

#define IS(x, ...) is((x).h, (weir_sync_statistics){__VA_ARGS__})

static uint32_t my_number(void)
{
    weir_actor_info me;
    EXPECT_RC(weir_actor_self(&me), 0);
    return (uint32_t)me.id;
}

static void of_what_is_owned(uint32_t me)
{
    weir_auto(weir_lock) lock = weir_lock_open();
    weir_auto(weir_condition) changed = weir_condition_open(lock);
    weir_auto(weir_exclusive) exclusive = weir_exclusive_open();
    weir_auto(weir_once) once = weir_once_open();
    IS(lock, .value = 1, .limit = 1);
    IS(changed, .value = 0);
    IS(exclusive, .value = 1, .limit = 1);
    IS(once, .value = 0, .limit = 1);
    EXPECT_RC(weir_lock_acquire(lock), 0);
    EXPECT_RC(weir_exclusive_begin(exclusive), 0);
    EXPECT_RC(weir_once_begin(once), 1);
    IS(lock, .limit = 1, .holders = 1, .owner = me);
    IS(changed, .holders = 1, .owner = me);
    IS(exclusive, .limit = 1, .holders = 1, .owner = me);
    IS(once, .limit = 1, .holders = 1, .owner = me);
    EXPECT_RC(weir_once_end(once, 0), 0);
    IS(once, .value = 1, .limit = 1);
}

static void of_what_is_counted(void)
{
    weir_auto(weir_event) event = weir_event_open();
    weir_auto(weir_semaphore) semaphore = weir_semaphore_open(3, 5);
    weir_auto(weir_limiter) limiter = weir_limiter_open(4);
    weir_auto(weir_waitgroup) jobs = weir_waitgroup_open();
    weir_auto(weir_rate) rate = weir_rate_open(1, 3600 * WEIR_S, 3);
    IS(event, .value = 0, .limit = 1);
    IS(semaphore, .value = 3, .limit = 5);
    IS(limiter, .value = 4, .limit = 4);
    IS(jobs, .value = 0, .limit = UINT64_MAX);
    IS(rate, .value = 3, .limit = 3);
    EXPECT_RC(weir_event_set(event), 0);
    EXPECT_RC(weir_semaphore_acquire(semaphore), 0);
    EXPECT_RC(weir_limiter_acquire(limiter), 0);
    EXPECT_RC(weir_waitgroup_add(jobs, 2), 0);
    EXPECT_RC(weir_rate_acquire(rate), 0);
    IS(event, .value = 1, .limit = 1);
    IS(semaphore, .value = 2, .limit = 5);
    IS(limiter, .value = 3, .limit = 4, .holders = 1);
    IS(jobs, .value = 2, .limit = UINT64_MAX);
    IS(rate, .value = 2, .limit = 3);
}

static int reads(void *lock)
{
    int rc = weir_rwlock_read(*(weir_rwlock *)lock);
    return rc < 0 ? rc : weir_rwlock_release(*(weir_rwlock *)lock);
}

static int meets(void *barrier)
{
    return weir_barrier_wait(*(weir_barrier *)barrier) < 0;
}

static int of_who_waits(uint32_t me)
{
    weir_auto(weir_rwlock) rwlock = weir_rwlock_open();
    weir_auto(weir_barrier) barrier = weir_barrier_open(3);
    weir_auto(weir_group) g = weir_group_begin();
    IS(rwlock, .value = 1, .limit = UINT32_MAX);
    IS(barrier, .value = 3, .limit = 3);
    EXPECT_RC(weir_rwlock_write(rwlock), 0);
    for (int i = 0; i < 2; i++) {
        EXPECT_RC(weir_spawn(g, reads, &rwlock), 0);
        EXPECT_RC(weir_spawn(g, meets, &barrier), 0);
    }
    AWAIT_LINE(rwlock, 2);
    AWAIT_LINE(barrier, 2);
    IS(rwlock, .limit = UINT32_MAX, .holders = 1, .owner = me, .waiting = 2);
    IS(barrier, .value = 1, .limit = 3, .waiting = 2);
    EXPECT_RC(weir_rwlock_release(rwlock), 0);
    EXPECT(weir_barrier_wait(barrier) >= 0);
    return weir_group_end(g);
}

static int statistics(void *unused)
{
    uint32_t me = my_number();
    (void)unused;
    of_what_is_owned(me);
    of_what_is_counted();
    return of_who_waits(me);
}

static void run_statistics(void)
{
    EXPECT_RC(weir_run(statistics, NULL, NULL), 0);
}

TEST_SUITE(sync_statistics, "actors: statistics of primitives",
           {"F031 statistics of each primitive", run_statistics});
