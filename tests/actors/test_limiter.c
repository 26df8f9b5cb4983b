/* SPDX-License-Identifier: MIT */
/* F029: capacity limiters. */
#include "one_worker.h"
#include "primitives.h"

static weir_limiter limiter;

static void open_with(size_t total)
{
    limiter = weir_limiter_open(total);
    EXPECT_RC(weir_check(limiter), 0);
}

/* ---- borrowers --------------------------------------------------------------------------------
 */

static void one_each(void)
{
    open_with(3);
    EXPECT_RC(weir_limiter_release(limiter), WEIR_EPERM);
    EXPECT_RC(weir_limiter_acquire(limiter), 0);
    EXPECT_RC(weir_limiter_acquire(limiter), WEIR_EDEADLK);
    EXPECT_RC(weir_limiter_try_acquire(limiter), WEIR_EDEADLK);
    EXPECT_RC(weir_limiter_acquire_for(limiter, 7), 0);
    EXPECT_RC(weir_limiter_acquire_for(limiter, 7), WEIR_EBUSY);
    EXPECT_RC(weir_limiter_try_acquire_for(limiter, 7), WEIR_EBUSY);
    EXPECT_RC(weir_limiter_release_for(limiter, 8), WEIR_EPERM);
    EXPECT_RC(weir_limiter_try_acquire_for(limiter, 8), 0);
    EXPECT_RC(weir_limiter_try_acquire_for(limiter, 9), WEIR_EAGAIN);
    EXPECT_RC(weir_limiter_acquire_for_by(limiter, 9, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_limiter_acquire_for_by(limiter, 9, 0), WEIR_ETIMEDOUT); /* no trace is left */
    EXPECT_EQ(STATISTICS(limiter).holders, 3);
    EXPECT_EQ(STATISTICS(limiter).value, 0);
    EXPECT_EQ(STATISTICS(limiter).limit, 3);
    EXPECT_RC(weir_limiter_release_for(limiter, 7), 0);
    EXPECT_RC(weir_limiter_release_for(limiter, 7), WEIR_EPERM);
    EXPECT_EQ(STATISTICS(limiter).value, 1);
    EXPECT_RC(weir_limiter_release(limiter), 0);
    EXPECT_RC(weir_limiter_release(limiter), WEIR_EPERM);
    EXPECT_RC(weir_limiter_acquire(limiter), 0);
    EXPECT_RC(weir_close(limiter), 0);
    EXPECT_RC(weir_limiter_acquire(limiter), WEIR_ECLOSED);
    EXPECT_RC(weir_limiter_release(limiter), WEIR_ECLOSED);
    EXPECT_RC(weir_limiter_resize(limiter, 1), WEIR_ECLOSED);
    EXPECT_RC(weir_limiter_borrowers(limiter, NULL, 0), WEIR_ECLOSED);
    weir_event e = weir_event_open();
    EXPECT_RC(weir_limiter_acquire((weir_limiter){e.h}), WEIR_EBADF);
    EXPECT_RC(weir_limiter_resize((weir_limiter){e.h}, 1), WEIR_EBADF);
    weir_close(e);
}

/* Hundreds of keys in any order; whoever was told so has a token. */
static void many_keys(void)
{
    enum { KEYS = 400 };
    weir_borrower who[KEYS + 1];
    unsigned char seen[KEYS] = {0};
    open_with(WEIR_UNBOUNDED);
    EXPECT_EQ(STATISTICS(limiter).value, WEIR_UNBOUNDED);
    for (uint64_t k = 0; k < KEYS; k++)
        EXPECT_RC(weir_limiter_acquire_for(limiter, k * 37 % KEYS), 0);
    for (uint64_t k = 0; k < KEYS; k++)
        EXPECT_RC(weir_limiter_try_acquire_for(limiter, k), WEIR_EBUSY);
    EXPECT_RC(weir_limiter_acquire(limiter), 0);
    EXPECT_EQ(weir_limiter_borrowers(limiter, NULL, 0), KEYS + 1);
    EXPECT_EQ(weir_limiter_borrowers(limiter, who, KEYS + 1), KEYS + 1);
    unsigned others = 0;
    for (int i = 0; i <= KEYS; i++)
        if (who[i].chosen && who[i].key < KEYS)
            seen[who[i].key]++;
        else
            others++;
    EXPECT_EQ(others, 1);
    for (uint64_t k = 0; k < KEYS; k++) {
        EXPECT_EQ(seen[k], 1);
        EXPECT_RC(weir_limiter_release_for(limiter, k), 0);
        EXPECT_RC(weir_limiter_release_for(limiter, k), WEIR_EPERM);
        if (k + 1 < KEYS)
            EXPECT_RC(weir_limiter_try_acquire_for(limiter, KEYS - 1), WEIR_EBUSY);
    }
    EXPECT_EQ(weir_limiter_borrowers(limiter, who, 1), 1);
    EXPECT_RC(weir_limiter_borrowers(limiter, NULL, 1), WEIR_EINVAL);
    EXPECT(!who[0].chosen);
    EXPECT_RC(weir_close(limiter), 0);
}

static int is_itself(void *unused)
{
    weir_borrower who;
    weir_actor_info me;
    (void)unused;
    open_with(1);
    EXPECT_RC(weir_actor_self(&me), 0);
    EXPECT_RC(weir_limiter_acquire(limiter), 0);
    EXPECT_EQ(weir_limiter_borrowers(limiter, &who, 1), 1);
    EXPECT_EQ(who.key, me.id);
    return weir_close(limiter);
}

static void run_one_each(void)
{
    by_both(one_each);
    by_both(many_keys);
    EXPECT_RC(weir_run(is_itself, NULL, NULL), 0);
}

/* ---- first come, first served ------------------------------------------------------------------
 */

enum { CROWD = 8 };

static unsigned order[CROWD];
static atomic_uint served;

static int borrows(void *number)
{
    EXPECT_RC(weir_limiter_acquire_for(limiter, *(unsigned *)number), 0);
    order[atomic_fetch_add(&served, 1)] = *(unsigned *)number;
    return 0;
}

static weir_group crowd(void)
{
    weir_group g = weir_group_begin();
    uint32_t before = STATISTICS(limiter).waiting;
    atomic_store(&served, 0);
    for (unsigned i = 0; i < CROWD; i++) {
        EXPECT_RC(weir_spawn(g, borrows, &i), 0);
        AWAIT_LINE(limiter, before + i + 1);
    }
    return g;
}

/* 3.7 was last come, first served; a freed token cannot be had by others. */
static int in_turn(void *unused)
{
    (void)unused;
    open_with(1);
    EXPECT_RC(weir_limiter_acquire(limiter), 0);
    weir_group g = crowd();
    EXPECT_RC(weir_limiter_release(limiter), 0);
    for (unsigned i = 0; i < CROWD; i++) {
        EXPECT_RC(weir_limiter_try_acquire(limiter), WEIR_EAGAIN);
        EXPECT_RC(weir_settle(), 0);
        EXPECT_EQ(atomic_load(&served), i + 1);
        EXPECT_EQ(STATISTICS(limiter).waiting, CROWD - 1 - i);
        EXPECT_RC(weir_limiter_release_for(limiter, i), 0); /* by another one */
    }
    EXPECT_RC(weir_group_end(g), 0);
    for (unsigned i = 0; i < CROWD; i++)
        EXPECT_EQ(order[i], i);
    return weir_close(limiter);
}

static void run_in_turn(void)
{
    EXPECT_RC(weir_run(in_turn, NULL, NULL), 0);
}

/* ---- the total ----------------------------------------------------------------------------------
 */

static void resize_and_look(size_t total, unsigned expected)
{
    EXPECT_RC(weir_limiter_resize(limiter, total), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT_EQ(atomic_load(&served), expected);
    EXPECT_EQ(STATISTICS(limiter).holders, expected);
    EXPECT_EQ(STATISTICS(limiter).limit, total);
}

/* #947, #1170, #1172, PR #1223; #1019, #1183, #1189: 0 and infinity. */
static int resized(void *unused)
{
    (void)unused;
    open_with(0);
    EXPECT_RC(weir_limiter_try_acquire(limiter), WEIR_EAGAIN);
    weir_group g = crowd();
    resize_and_look(3, 3);
    resize_and_look(1, 3); /* three are out: lowered, then raised to three, gives no more */
    resize_and_look(3, 3);
    EXPECT_EQ(STATISTICS(limiter).value, 0);
    resize_and_look(2, 3);
    EXPECT_RC(weir_limiter_release_for(limiter, 0), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT_EQ(atomic_load(&served), 3); /* two are out, of two */
    EXPECT_RC(weir_limiter_try_acquire(limiter), WEIR_EAGAIN);
    EXPECT_RC(weir_limiter_release_for(limiter, 1), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT_EQ(atomic_load(&served), 4);
    EXPECT_RC(weir_limiter_resize(limiter, WEIR_UNBOUNDED), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(STATISTICS(limiter).holders, CROWD - 2);
    for (unsigned i = 0; i < 3; i++)
        EXPECT(order[i] < 3); /* let in together, in no order */
    EXPECT_EQ(order[3], 3);
    return weir_close(limiter);
}

static void run_resized(void)
{
    EXPECT_RC(weir_run(resized, NULL, NULL), 0);
}

/* ---- a key that waits
 * ------------------------------------------------------------------------------ */

static weir_scope first_scope;
static int first_result;

static int first_waits(void *unused)
{
    (void)unused;
    first_scope = weir_scope_begin();
    first_result = weir_limiter_acquire_for(limiter, 5);
    weir_scope_end(first_scope);
    return 0;
}

/* The key of who waits is taken, but has no token to release. */
static int key_waits(void *unused)
{
    (void)unused;
    open_with(0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, first_waits, NULL), 0);
    AWAIT_LINE(limiter, 1);
    EXPECT_RC(weir_limiter_acquire_for(limiter, 5), WEIR_EBUSY);
    EXPECT_RC(weir_limiter_release_for(limiter, 5), WEIR_EPERM);
    EXPECT_EQ(weir_limiter_borrowers(limiter, NULL, 0), 0);
    EXPECT_RC(weir_scope_cancel(first_scope, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(first_result, WEIR_ECANCELED);
    EXPECT_RC(weir_limiter_resize(limiter, 1), 0);
    EXPECT_RC(weir_limiter_acquire_for(limiter, 5), 0); /* the key is free again */
    return weir_close(limiter);
}

static int cancelled_in_line(void *released_first)
{
    bool late = *(bool *)released_first;
    unsigned number = 1;
    open_with(1);
    EXPECT_RC(weir_limiter_acquire(limiter), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, first_waits, NULL), 0);
    AWAIT_LINE(limiter, 1);
    atomic_store(&served, 0);
    EXPECT_RC(weir_spawn(g, borrows, &number), 0);
    AWAIT_LINE(limiter, 2);
    if (late)
        EXPECT_RC(weir_limiter_release(limiter), 0);
    EXPECT_RC(weir_scope_cancel(first_scope, NULL), 0);
    if (late)
        EXPECT_RC(weir_limiter_release_for(limiter, 5), 0);
    else
        EXPECT_RC(weir_limiter_release(limiter), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(first_result, late ? 0 : WEIR_ECANCELED);
    EXPECT_EQ(atomic_load(&served), 1);
    EXPECT_EQ(STATISTICS(limiter).holders, 1);
    return weir_close(limiter);
}

static void run_cancelled_in_line(void)
{
    EXPECT_RC(weir_run(key_waits, NULL, NULL), 0);
    for (int late = 0; late < 2; late++)
        EXPECT_RC(weir_run(cancelled_in_line, &(bool){late}, &one_worker), 0);
}

/* ---- many
 * ------------------------------------------------------------------------------------------- */

static atomic_uint keys;
static weir_event resizing_ends;

static int acquire_it(weir_time deadline)
{
    return weir_limiter_acquire_by(limiter, deadline);
}

static int release_it(void)
{
    return weir_limiter_release(limiter);
}

/* The check after the stress is by one thread, which has one token at most. */
static void run_stress(void)
{
    static const struct handover h = {acquire_it, release_it, 1};
    open_with(1);
    stress_handover(&h, limiter.h);
    EXPECT_EQ(STATISTICS(limiter).holders, 0);
    EXPECT_RC(weir_close(limiter), 0);
}

static int acquire_some_key(weir_time deadline)
{
    uint64_t key = atomic_fetch_add(&keys, 1);
    return weir_limiter_acquire_for_by(limiter, key, deadline);
}

/* Whose it is does not matter. */
static int release_some_key(void)
{
    for (;;) {
        weir_borrower who[16];
        int n = weir_limiter_borrowers(limiter, who, 16);
        for (int i = 0; i < n; i++)
            if (weir_limiter_release_for(limiter, who[i].key) == 0)
                return 0;
    }
}

static void *resizes(void *unused)
{
    (void)unused;
    for (size_t i = 0; !weir_event_is_set(resizing_ends); i++) {
        EXPECT_RC(weir_limiter_resize(limiter, i % 4), 0);
        EXPECT(STATISTICS(limiter).holders <= 3);
        sched_yield();
    }
    EXPECT_RC(weir_limiter_resize(limiter, 3), 0);
    return NULL;
}

static void run_resized_stress(void)
{
    static const struct handover h = {acquire_some_key, release_some_key, 3};
    pthread_t t;
    open_with(3);
    resizing_ends = weir_event_open();
    REQUIRE_EQ(pthread_create(&t, NULL, resizes, NULL), 0);
    handover_only(&h);
    EXPECT_RC(weir_event_set(resizing_ends), 0);
    pthread_join(t, NULL);
    handover_check(&h, limiter.h);
    EXPECT_EQ(STATISTICS(limiter).holders, 0);
    EXPECT_RC(weir_close(limiter), 0);
    EXPECT_RC(weir_close(resizing_ends), 0);
}

/* ---- closed -----------------------------------------------------------------------------------
 */

static int finds_it_closed(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_limiter_acquire(limiter), WEIR_ECLOSED);
    return 0;
}

static int closed(void *unused)
{
    (void)unused;
    open_with(1);
    EXPECT_RC(weir_limiter_acquire(limiter), 0);
    weir_group g = weir_group_begin();
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(g, finds_it_closed, NULL), 0);
    AWAIT_LINE(limiter, 3);
    EXPECT_RC(weir_close(limiter), 0);
    return weir_group_end(g);
}

static void run_closed(void)
{
    EXPECT_RC(weir_run(closed, NULL, NULL), 0);
}

TEST_SUITE(limiter, "actors: limiter",
           {"F029 limiter: one token for each borrower, any key", run_one_each},
           {"F029 limiter: first come, first served (3.7), nobody barges (#947)", run_in_turn},
           {"F029 limiter: total 0 and infinity (#1019), raised and lowered (#1170, #1223)",
            run_resized},
           {"F029 limiter: a key that waits; cancel x hand-over, either first",
            run_cancelled_in_line},
           {"F029 limiter: cancel x hand-over x deadline, many", run_stress},
           {"F029 limiter: the same while the total changes", run_resized_stress},
           {"F029 limiter: closing", run_closed});
