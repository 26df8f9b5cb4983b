/* SPDX-License-Identifier: MIT */
/* test_info.c - who an actor is, and who else there is: row F139. */
#include <pthread.h>
#include <string.h>

#include "ends.h"
#include "one_worker.h"

static const weir_actor_info *find(const weir_actor_info *all, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

static int receives(void *arg)
{
    const struct ends *e = arg;
    uint64_t item;
    return weir_recv(e->rx, &item) < 0;
}

static int says_who_it_is(void *arg)
{
    return weir_actor_self(arg);
}

static int itself(void *unused)
{
    weir_actor_info me, child, grandchild = {.id = 0};
    (void)unused;
    EXPECT_RC(weir_actor_self(&me), 0);
    EXPECT_EQ(me.parent, 0);
    EXPECT_STR(me.name, "main");
    EXPECT_EQ(me.state, WEIR_RUNNING);
    EXPECT(!me.cancelled);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, says_who_it_is, (void *)&child, .name = "child"), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_STR(child.name, "child");
    EXPECT_EQ(child.parent, me.id);
    EXPECT(child.id != me.id);
    EXPECT_RC(weir_actor_self(NULL), WEIR_EINVAL);

    weir_scope s = weir_scope_begin();
    EXPECT_RC(weir_scope_cancel(s, NULL), 0);
    EXPECT_RC(weir_actor_self(&grandchild), 0);
    EXPECT(grandchild.cancelled);
    EXPECT_EQ(grandchild.id, me.id);
    weir_scope_end(s);
    return 0;
}

static void run_itself(void)
{
    EXPECT_RC(weir_run(itself, NULL, NULL), 0);
    weir_actor_info out;
    EXPECT_RC(weir_actor_self(&out), WEIR_EPERM);
}

static int all_states(void *unused)
{
    struct ends e = open_ends(0);
    weir_actor_info all[8], one;
    uint64_t item = 1;
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, receives, &e, .name = "parked"), 0);
    EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, receives, &e, .name = "fresh"), 0);

    EXPECT_EQ(weir_actors(NULL, 0), 3);
    EXPECT_EQ(weir_actors(&one, 1), 3); /* room for one only */
    int n = weir_actors(all, 8);
    REQUIRE_EQ(n, 3);
    const weir_actor_info *me = find(all, n, "main"), *parked = find(all, n, "parked");
    const weir_actor_info *fresh = find(all, n, "fresh");
    REQUIRE(me && parked && fresh);
    EXPECT_EQ(me->state, WEIR_RUNNING);
    EXPECT_EQ(parked->state, WEIR_PARKED);
    EXPECT_EQ(parked->parent, me->id);
    EXPECT_EQ(fresh->state, WEIR_FRESH);

    EXPECT_RC(weir_send(e.tx, &item), 0);
    n = weir_actors(all, 8);
    parked = find(all, n, "parked");
    REQUIRE(parked != NULL);
    EXPECT_EQ(parked->state, WEIR_READY);
    EXPECT_RC(weir_yield(), 0);
    EXPECT_EQ(weir_actors(NULL, 0), 2);
    close_ends(e);
    EXPECT_RC(weir_actors(NULL, 1), WEIR_EINVAL);
    return 0;
}

static void run_all_states(void)
{
    EXPECT_RC(weir_run(all_states, NULL, &one_worker), 0);
    EXPECT_EQ(weir_actors(NULL, 0), 0);
}

/* ---- a thread that asks while everything moves ------------------------------------------- */

enum { CROWD = 50 };

struct asker {
    struct ends stop;
    int wrong;
};

static void *asks(void *arg)
{
    struct asker *a = arg;
    weir_actor_info all[2 * CROWD];
    uint64_t item;
    while (weir_try_recv(a->stop.rx, &item) == WEIR_EAGAIN) {
        int n = weir_actors(all, 2 * CROWD);
        for (int i = 0; i < n && i < 2 * CROWD; i++)
            if (!(all[i].id & 1) || all[i].state < WEIR_FRESH || all[i].state > WEIR_PARKED)
                a->wrong++;
    }
    return NULL;
}

static int yields(void *unused)
{
    (void)unused;
    for (int i = 0; i < 200; i++)
        weir_yield();
    return 0;
}

static int crowd(void *unused)
{
    (void)unused;
    for (int round = 0; round < 20; round++) {
        weir_group g = weir_group_begin();
        for (int i = 0; i < CROWD; i++)
            EXPECT_RC(weir_spawn(g, yields, NULL), 0);
        EXPECT_RC(weir_group_end(g), 0);
    }
    return 0;
}

static void asked_by_a_thread(void)
{
    struct asker a = {open_ends(0), 0};
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, asks, &a), 0);
    EXPECT_RC(weir_run(crowd, NULL, NULL), 0);
    EXPECT_RC(weir_close(a.stop.tx), 0);
    pthread_join(thread, NULL);
    EXPECT_RC(weir_close(a.stop.rx), 0);
    EXPECT_EQ(a.wrong, 0);
}

TEST_SUITE(info, "actors: who is who", {"F139 an actor itself", run_itself},
           {"F139 all actors, and what they do", run_all_states},
           {"F139 asked by a thread while all run", asked_by_a_thread});
