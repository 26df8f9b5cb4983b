/* SPDX-License-Identifier: MIT */
/* test_share.c - weir/portal.h: a run that threads share. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "primitives.h"

static atomic_int entered, inside_runs, done;
static weir_portal mine;

static int seven(void *unused)
{
    (void)unused;
    atomic_fetch_add(&entered, 1);
    return 7;
}

static void gone(weir_portal p)
{
    EXPECT_RC(weir_portal_call(p, seven, (void *)NULL), WEIR_ECLOSED);
    EXPECT_RC(weir_portal_unshare(p), WEIR_ECLOSED);
    EXPECT_RC(weir_stop(NULL), WEIR_EPERM);
    EXPECT_RC(weir_run(seven, NULL, NULL), 7); /* there is room for another run */
}

static void first_and_last(void)
{
    for (int i = 0; i < 3; i++) {
        weir_portal p = weir_portal_share(NULL);
        EXPECT_RC(weir_portal_call(p, seven, (void *)NULL), 7);
        weir_portal q = weir_portal_share(NULL);
        EXPECT_EQ(p.h, q.h);
        EXPECT_RC(weir_portal_unshare(p), 0);
        EXPECT_RC(weir_portal_call(q, seven, (void *)NULL), 7);
        EXPECT_RC(weir_run(seven, NULL, NULL), WEIR_EBUSY);
        EXPECT_RC(weir_portal_unshare(q), 0);
        gone(p);
    }
}

/* ---- what has entered is waited for ---------------------------------------------------------- */

static int until_done(void *unused)
{
    (void)unused;
    atomic_fetch_add(&entered, 1);
    while (!atomic_load(&done) && weir_yield() == 0)
        continue;
    atomic_fetch_add(&inside_runs, 1);
    return 0;
}

static int spawns(void *unused)
{
    (void)unused;
    return weir_spawn(WEIR_RUN, until_done, (void *)NULL);
}

static void *lets_go(void *unused)
{
    while (weir_portal_call(mine, seven, (void *)NULL) == 7) /* until it is stopped */
        sched_yield();
    atomic_store(&done, 1);
    return unused;
}

static void awaited(void)
{
    pthread_t t;
    atomic_store(&done, 0);
    atomic_store(&inside_runs, 0);
    mine = weir_portal_share(NULL);
    EXPECT_RC(weir_portal_start(mine, until_done, (void *)NULL), 0);
    EXPECT_RC(weir_portal_start(mine, spawns, (void *)NULL), 0);
    REQUIRE_EQ(pthread_create(&t, NULL, lets_go, NULL), 0);
    EXPECT_RC(weir_portal_unshare(mine), 0);
    EXPECT_EQ(atomic_load(&inside_runs), 2);
    pthread_join(t, NULL);
    gone(mine);
}

/* ---- misuse -----------------------------------------------------------------------------------
 */

static int by_work(void *unused, void *result)
{
    (void)unused;
    (void)result;
    EXPECT_RC(weir_check(weir_portal_share(NULL)), WEIR_EBUSY);
    EXPECT_RC(weir_portal_unshare(mine), WEIR_EDEADLK);
    return 0;
}

static int by_actor(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_check(weir_portal_share(NULL)), WEIR_EBUSY);
    EXPECT_RC(weir_portal_unshare(mine), WEIR_EDEADLK);
    weir_portal_leave(mine);
    weir_auto(weir_portal) other = weir_portal_open();
    EXPECT_RC(weir_portal_unshare(other), WEIR_EDEADLK);
    mine = other;
    return weir_blocking_call(by_work, (void *)NULL, (void *)NULL);
}

static void misused(void)
{
    weir_portal null = {0};
    weir_options simulated = {.simulate = true};
    EXPECT_RC(weir_check(weir_portal_share(&simulated)), WEIR_EINVAL);
    EXPECT_RC(weir_portal_unshare(null), weir_check(null));
    EXPECT_RC(weir_run(by_actor, NULL, NULL), 0);
    weir_portal p = mine = weir_portal_share(NULL);
    {
        weir_auto(weir_portal) same = p;
        EXPECT_RC(weir_portal_end(same), WEIR_EPERM);
        EXPECT_RC(weir_close(same), WEIR_EBUSY);
    }
    EXPECT_RC(weir_portal_call(p, by_actor, (void *)NULL), 0);
    weir_auto(weir_event) e = weir_event_open();
    EXPECT_RC(weir_portal_unshare((weir_portal){e.h}), WEIR_EBADF);
    EXPECT_RC(weir_portal_unshare(p), 0);
    gone(p);
}

/* Somebody stops it for all: those who have it still give it back, then it is begun anew. */
static void stopped_by_one(bool run)
{
    weir_portal p = weir_portal_share(NULL), q = weir_portal_share(NULL);
    if (run)
        EXPECT_RC(weir_stop(NULL), 0);
    else
        EXPECT_RC(weir_portal_stop(q, true), 0);
    EXPECT_RC(weir_portal_call(p, seven, (void *)NULL), WEIR_ECLOSED);
    EXPECT_EQ(weir_portal_share(NULL).h, p.h);
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_portal_unshare(p), 0);
    gone(p);
    p = weir_portal_share(NULL);
    EXPECT_RC(weir_portal_call(p, seven, (void *)NULL), 7);
    EXPECT_RC(weir_portal_unshare(p), 0);
}

static void stopped(void)
{
    stopped_by_one(false);
    stopped_by_one(true);
}

static int fails(void *unused)
{
    (void)unused;
    return WEIR_EPIPE;
}

static int spawns_failing(void *unused)
{
    (void)unused;
    return weir_spawn(WEIR_RUN, fails, (void *)NULL);
}

/* As that of any run: it ends, and whoever is the last to have it is told. */
static void failure(void)
{
    weir_portal p = weir_portal_share(NULL);
    EXPECT_RC(weir_portal_call(p, spawns_failing, (void *)NULL), 0);
    EXPECT_RC(weir_portal_unshare(p), WEIR_EPIPE);
    gone(p);
}

/* ---- many -------------------------------------------------------------------------------------
 */

enum { USERS = 4, ROUNDS = 60 };

static void *uses(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        weir_portal p = weir_portal_share(NULL);
        EXPECT_RC(weir_portal_call(p, seven, (void *)NULL), 7);
        EXPECT_RC(weir_portal_unshare(p), 0);
    }
    return unused;
}

static void many(void)
{
    pthread_t t[USERS];
    atomic_store(&entered, 0);
    for (int i = 0; i < USERS; i++)
        REQUIRE_EQ(pthread_create(&t[i], NULL, uses, NULL), 0);
    for (int i = 0; i < USERS; i++)
        pthread_join(t[i], NULL);
    EXPECT_EQ(atomic_load(&entered), USERS * ROUNDS);
    EXPECT_RC(weir_run(seven, NULL, NULL), 7);
}

TEST_SUITE(share, "shared portal",
           {"F131 F144 share: the first begins, the last ends it", first_and_last},
           {"F131 share: what has entered is waited for", awaited}, {"F131 share: misuse", misused},
           {"F131 share: somebody stops it for all", stopped},
           {"F131 share: a failure of its run", failure},
           {"F131 share: threads come and go", many});
