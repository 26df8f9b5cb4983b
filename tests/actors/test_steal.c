/* SPDX-License-Identifier: MIT */
/* Whom a thief takes out of a worker's queues, and in which order they wait afterwards. */
#include <string.h>

#include "gate.h"
#include "harness.h"

enum { ACTORS = 12 };

static struct worker victim, thief;
static struct actor actors[ACTORS];

static void begin(void)
{
    memset(&victim, 0, sizeof victim);
    memset(&thief, 0, sizeof thief);
    memset(actors, 0, sizeof actors);
    a32_store(&victim.barred, os_membarrier_works() ? 0 : GATE_FENCES);
    a32_store(&thief.barred, a32_load(&victim.barred));
}

/* The actors from..to - 1, in this order. */
static void put(struct actor_queue *q, unsigned from, unsigned to)
{
    gate_enter(&victim);
    for (unsigned i = from; i < to; i++)
        queue_last(&victim, q, &actors[i]);
    gate_leave(&victim);
}

static void takes(enum loot which, uint32_t count)
{
    uint32_t before = victim.run.total;
    EXPECT_EQ(weir__steal(&thief, &victim, which), count);
    EXPECT_EQ(victim.run.total, before - count);
    EXPECT_EQ(thief.run.total, count);
    EXPECT_EQ(a32_load(&thief.run.ready.count), count);
    EXPECT_EQ(a32_load(&victim.barred) & GATE_SHUT, 0);
}

static void thief_has(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        EXPECT(pop_first(&thief.run.ready) == &actors[i]);
    EXPECT(thief.run.ready.first == NULL);
}

static void oldest_ready_first(void)
{
    begin();
    put(&victim.run.ready, 0, 5);
    put(&victim.run.fresh, 5, 9);
    takes(HALF, 3);
    thief_has(0, 3);
    EXPECT(pop_first(&victim.run.ready) == &actors[3]);
}

static void fresh_if_none_is_ready(void)
{
    begin();
    put(&victim.run.fresh, 0, 5);
    takes(HALF, 3);
    thief_has(2, 5); /* those that would run last */
    EXPECT(pop_first(&victim.run.fresh) == &actors[0]);
}

static void half_of_the_fresh(void)
{
    begin();
    put(&victim.run.ready, 0, 4);
    put(&victim.run.fresh, 4, 10);
    takes(HALF_FRESH, 3);
    thief_has(7, 10);
    EXPECT_EQ(a32_load(&victim.run.ready.count), 4);
}

static void one_fresh(void)
{
    begin();
    put(&victim.run.ready, 0, 4);
    put(&victim.run.fresh, 4, 10);
    takes(ONE_FRESH, 1);
    thief_has(9, 10);
}

static void spawned_by_who_runs(void)
{
    begin();
    put(&victim.run.spawned, 0, 4);
    takes(HALF_FRESH, 2);
    thief_has(2, 4);
    begin();
    put(&victim.run.spawned, 0, 4);
    takes(ONE_FRESH, 1);
    thief_has(3, 4);
}

static void next_up_last(void)
{
    begin();
    victim.run.next_up = &actors[0];
    victim.run.total = 1;
    takes(ONE_FRESH, 0);
    takes(HALF_FRESH, 0);
    takes(HALF, 1);
    thief_has(0, 1);
    EXPECT(victim.run.next_up == NULL);
}

static void nothing_there(void)
{
    begin();
    takes(HALF, 0);
    takes(HALF_FRESH, 0);
    takes(ONE_FRESH, 0);
}

static void pinned_stay(void)
{
    begin();
    for (unsigned i = 0; i < 3; i++)
        actors[i].party.id = PINNED;
    put(&victim.run.ready, 0, 2);
    put(&victim.run.fresh, 2, 3);
    takes(HALF, 0);
    EXPECT_EQ(a32_load(&victim.run.pinned.count), 3);
}

/* Two thieves at once: the second one is sent away. */
static void shut_already(void)
{
    begin();
    put(&victim.run.ready, 0, 4);
    EXPECT(weir__gate_shut(&victim));
    EXPECT_EQ(weir__steal(&thief, &victim, HALF), 0);
    weir__gate_open(&victim);
    takes(HALF, 2);
}

TEST_SUITE(steal, "actors: what a thief takes",
           {"steal: the oldest half of the ready", oldest_ready_first},
           {"steal: half of the fresh if none is ready", fresh_if_none_is_ready},
           {"steal: half of the fresh", half_of_the_fresh}, {"steal: one fresh", one_fresh},
           {"steal: what the present actor has spawned", spawned_by_who_runs},
           {"steal: who was woken last only if nobody else is there", next_up_last},
           {"steal: nothing", nothing_there}, {"steal: pinned ones stay", pinned_stay},
           {"steal: one thief at a time", shut_already});
