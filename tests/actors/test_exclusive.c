/* SPDX-License-Identifier: MIT */
/* F030: resource guards. */
#include "primitives.h"

static weir_exclusive guard;

static void guarded(void)
{
    guard = weir_exclusive_open();
    EXPECT_RC(weir_exclusive_end(guard), WEIR_EPERM);
    EXPECT_EQ(STATISTICS(guard).value, 1);
    EXPECT_RC(weir_exclusive_begin(guard), 0);
    EXPECT_RC(weir_exclusive_begin(guard), WEIR_EBUSY); /* also by itself */
    EXPECT_EQ(STATISTICS(guard).holders, 1);
    EXPECT_EQ(STATISTICS(guard).value, 0);
    EXPECT_RC(weir_exclusive_end(guard), 0);
    EXPECT_RC(weir_exclusive_end(guard), WEIR_EPERM);
    EXPECT_RC(weir_exclusive_begin(guard), 0);
    EXPECT_RC(weir_close(guard), 0);
    EXPECT_RC(weir_exclusive_begin(guard), WEIR_ECLOSED);
    EXPECT_RC(weir_exclusive_end(guard), WEIR_ECLOSED);
    weir_lock l = weir_lock_open();
    EXPECT_RC(weir_exclusive_begin((weir_exclusive){l.h}), WEIR_EBADF);
    weir_close(l);
}

static void run_guarded(void)
{
    by_both(guarded);
}

static int is_busy(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_exclusive_begin(guard), WEIR_EBUSY);
    EXPECT_RC(weir_exclusive_end(guard), WEIR_EPERM);
    return 0;
}

static void *thread_is_busy(void *unused)
{
    is_busy(unused);
    return NULL;
}

static int by_others(void *unused)
{
    pthread_t t;
    weir_actor_info me;
    (void)unused;
    guard = weir_exclusive_open();
    EXPECT_RC(weir_exclusive_begin(guard), 0);
    EXPECT_RC(weir_actor_self(&me), 0);
    EXPECT_EQ(STATISTICS(guard).owner, me.id);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, is_busy, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    REQUIRE_EQ(pthread_create(&t, NULL, thread_is_busy, NULL), 0);
    pthread_join(t, NULL);
    weir_scope s = weir_move_on_after(0); /* it never waits */
    EXPECT_RC(weir_exclusive_end(guard), 0);
    EXPECT_RC(weir_exclusive_begin(guard), 0);
    weir_scope_end(s);
    return weir_close(guard);
}

static void run_by_others(void)
{
    EXPECT_RC(weir_run(by_others, NULL, NULL), 0);
}

static int acquire_it(weir_time deadline)
{
    int rc = weir_exclusive_begin(guard);
    (void)deadline;
    if (rc == WEIR_EBUSY)
        return WEIR_ETIMEDOUT; /* what the stress expects of who has got nothing */
    return rc;
}

static int release_it(void)
{
    return weir_exclusive_end(guard);
}

static void run_stress(void)
{
    static const struct handover h = {acquire_it, release_it, 1};
    guard = weir_exclusive_open();
    stress_handover(&h, guard.h);
    EXPECT_RC(weir_close(guard), 0);
}

TEST_SUITE(exclusive, "actors: exclusive", {"F030 resource guard: busy", run_guarded},
           {"F030 resource guard: by other actors and threads", run_by_others},
           {"F030 resource guard: many", run_stress});
