/* SPDX-License-Identifier: MIT */
/*
 * children.c - children in several broods are born, end and are cancelled at the same time:
 * docs/protocol.md, "Group end".
 *
 * A thread spawns one child on each of two workers into the group of a third actor; these
 * spawn more of them there, by which the group is divided.
 */
#include "model.h"

static weir_group group;
static weir_sender tx;
static weir_receiver rx;
static a32 begun, born, ended;
static bool waits;

static int leaf(void *unused)
{
    uint32_t item;
    (void)unused;
    if (waits)
        EXPLORE_EQ(weir_recv(rx, &item), WEIR_ECANCELED);
    a32_add(&ended, 1);
    return 0;
}

static void spawn_one(weir_body body)
{
    int rc = weir_spawn(group, body, NULL);
    EXPLORE_ASSERT(rc == 0 || (rc == WEIR_ECLOSED && !weir_actor_name()[0]));
    if (rc == 0)
        a32_add(&born, 1);
}

static int spreads(void *unused)
{
    for (int i = 0; i < 3; i++)
        spawn_one(leaf);
    return leaf(unused);
}

static int owns(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_channel_open(&tx, &rx, sizeof(uint32_t), 1, NULL), 0);
    for (int i = 0; i < 2; i++) {
        weir_group g = weir_group_begin();
        if (i == 0)
            group = g;
        a32_store_release(&begun, 1);
        EXPLORE_EQ(weir_spawn(g, leaf, NULL), 0);
        a32_add(&born, 1);
        if (waits && i == 1)
            EXPLORE_EQ(weir_group_cancel(g, NULL), 0);
        EXPLORE_EQ(weir_group_end(g), 0);
    }
    EXPLORE_EQ(weir_close(tx), 0);
    EXPLORE_EQ(weir_close(rx), 0);
    return 0;
}

static void run_owner(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(owns, NULL, &(weir_options){.workers = 2}), 0);
    EXPLORE_EQ(a32_load(&ended), a32_load(&born));
}

static void spawns(void *unused)
{
    (void)unused;
    while (!a32_load_acquire(&begun))
        a_relax();
    spawn_one(spreads);
    spawn_one(spreads);
}

static void cancels(void *unused)
{
    (void)unused;
    while (!a32_load_acquire(&begun))
        a_relax();
    int rc = weir_group_cancel(group, "by a thread");
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
}

static void they_wait(void)
{
    waits = true;
}

#define CHILDREN(ident, text, ...)                                                                 \
    EXPLORE_MODEL(ident, text, .max_steps = 60000, .thread_exit = weir__thread_detach, __VA_ARGS__)
#define ENDS                                                                                       \
    {                                                                                              \
        {"worker 0", run_owner, NULL}, {"worker 1", explore_hired, (void *)0},                     \
        {                                                                                          \
            "spawner", spawns, NULL                                                                \
        }                                                                                          \
    }
#define CANCELLED                                                                                  \
    {                                                                                              \
        {"worker 0", run_owner, NULL}, {"worker 1", explore_hired, (void *)0},                     \
            {"spawner", spawns, NULL},                                                             \
        {                                                                                          \
            "canceller", cancels, NULL                                                             \
        }                                                                                          \
    }

CHILDREN(children_end, "F002 a group ends while two workers spawn into it", .threads = ENDS);
CHILDREN(children_cancelled, "F008 a group is cancelled while two workers spawn into it",
         .setup = they_wait, .threads = CANCELLED);
CHILDREN(children_stop_not_asked, "a brood of a stopping group begins to live",
         .mutation = "children: stop not asked for", .setup = they_wait, .expect = "deadlock",
         .threads = CANCELLED);
