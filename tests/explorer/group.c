/* SPDX-License-Identifier: MIT */
/* group.c - a group ends while somebody adds to it: docs/protocol.md, "Group end". */
#include "model.h"

static weir_group group;
static a32 begun, over;

/* Whoever is in a group has ended when the group has. */
static int child(void *unused)
{
    (void)unused;
    EXPLORE_EQ(a32_load(&over), 0);
    explore_yield();
    EXPLORE_EQ(a32_load(&over), 0);
    return 0;
}

static int begins_and_ends(void *unused)
{
    (void)unused;
    group = weir_group_begin();
    a32_store_release(&begun, 1);
    EXPLORE_EQ(weir_spawn(group, child, NULL), 0);
    EXPLORE_EQ(weir_group_end(group), 0);
    a32_store(&over, 1);
    EXPLORE_EQ(weir_yield(), 0);
    return 0;
}

static void run_two(void *unused)
{
    EXPLORE_EQ(weir_run(begins_and_ends, unused, &(weir_options){.workers = 2}), 0);
}

static void spawns(void *unused)
{
    (void)unused;
    while (!a32_load_acquire(&begun))
        a_relax();
    int rc = weir_spawn(group, child, NULL);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
}

/* ---- nobody is in it: who comes is before its end, or is refused --------------------------- */

static int begins_and_ends_empty(void *unused)
{
    (void)unused;
    group = weir_group_begin();
    a32_store_release(&begun, 1);
    EXPLORE_EQ(weir_group_end(group), 0);
    a32_store(&over, 1);
    return 0;
}

static void run_empty(void *unused)
{
    EXPLORE_EQ(weir_run(begins_and_ends_empty, unused, &(weir_options){.workers = 1}), 0);
}

#define LATE                                                                                       \
    {                                                                                              \
        {"worker", run_empty, NULL}, {"spawner a", spawns, NULL}, {"spawner b", spawns, NULL},     \
        {                                                                                          \
            "spawner c", spawns, NULL                                                              \
        }                                                                                          \
    }
EXPLORE_MODEL(group_late, "F002 a group ends while three spawn into it", .max_steps = 60000,
              .thread_exit = weir__thread_detach, .threads = LATE);
EXPLORE_MODEL(group_not_asked, "a child is born into a group that has ended",
              .mutation = "children: not asked", .max_steps = 60000,
              .thread_exit = weir__thread_detach, .threads = LATE);

/* ---- the last child ends on the other worker, while the owner parks ---------------------- */

static int ends_as_it_waits(void *unused)
{
    (void)unused;
    m_until_it_waits();
    return 0;
}

static void spawns_it(void)
{
    EXPLORE_EQ(weir_spawn(group, ends_as_it_waits, NULL, .pinned = true), 0);
}

static void begins_group(void)
{
    group = weir_group_begin();
}

static void ends_group(void)
{
    EXPLORE_EQ(weir_group_end(group), 0);
}

static m_parking last_child = {begins_group, ends_group, spawns_it};

#define SPAWNED_INTO                                                                               \
    .thread_exit = weir__thread_detach, .max_steps = 60000,                                        \
    .threads = {{"worker 0", run_two, NULL},                                                       \
                {"worker 1", explore_hired, (void *)0},                                            \
                {"plain", spawns, NULL}}

EXPLORE_MODEL(group_spawned_into, "F003 a thread spawns into a group while it ends", SPAWNED_INTO);
EXPLORE_MODEL(group_no_second_look, "who waits for a group does not look again when it is woken",
              .mutation = "group: no second look", SPAWNED_INTO);
EXPLORE_MODEL(group_elsewhere, "F002 a group's last child ends on another worker",
              M_PARKING(&last_child));
EXPLORE_MODEL(group_unlocked_early, "who waits for a group is woken before it has parked",
              .mutation = "group: unlocked before the switch", M_PARKING(&last_child));
