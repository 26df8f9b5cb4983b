/* SPDX-License-Identifier: MIT */
/* Groups so large that they are divided among the workers (actors/children.c). */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "harness.h"

enum { WIDE = 10, DEEP = 4, ALL = 1 + 10 + 100 + 1000 + 10000, CROWD = 1000 };

static const unsigned worker_counts[] = {1, 2, 8};

static void with_workers(weir_body body)
{
    for (unsigned i = 0; i < sizeof worker_counts / sizeof *worker_counts; i++)
        EXPECT_RC(weir_run(body, NULL, &(weir_options){.workers = worker_counts[i]}), 0);
}

/* ---- births and deaths --------------------------------------------------------------------- */

struct tree {
    weir_group group;
    atomic_uint *ended;
    unsigned depth;
};

static int grow(void *arg)
{
    struct tree t = *(struct tree *)arg;
    if (t.depth-- > 0)
        for (unsigned i = 0; i < WIDE; i++)
            EXPECT_RC(weir_spawn(t.group, grow, &t), 0);
    atomic_fetch_add(t.ended, 1);
    return 0;
}

static int grow_trees(void *unused)
{
    (void)unused;
    for (unsigned round = 0; round < 3; round++) {
        atomic_uint ended = 0;
        struct tree t = {weir_group_begin(), &ended, DEEP};
        EXPECT_RC(weir_spawn(t.group, grow, &t), 0);
        EXPECT_RC(weir_group_wait(t.group), 0);
        EXPECT_EQ(atomic_load(&ended), ALL);
        EXPECT_RC(weir_spawn(t.group, grow, &t), 0); /* again, divided as it is */
        EXPECT_RC(weir_group_end(t.group), 0);
        EXPECT_EQ(atomic_load(&ended), 2 * ALL);
        EXPECT_RC(weir_spawn(t.group, grow, &t), WEIR_ECLOSED);
    }
    return 0;
}

static void all_are_waited_for(void)
{
    with_workers(grow_trees);
}

/* The run's own group. */
static int grow_in_run(void *ended)
{
    struct tree t = {WEIR_RUN, ended, DEEP};
    return weir_spawn(WEIR_RUN, grow, &t);
}

static void run_waits_for_all(void)
{
    for (unsigned i = 0; i < sizeof worker_counts / sizeof *worker_counts; i++) {
        atomic_uint ended = 0;
        const weir_options o = {.workers = worker_counts[i]};
        EXPECT_RC(weir_run(grow_in_run, &ended, &o), 0);
        EXPECT_EQ(atomic_load(&ended), ALL);
    }
}

/* ---- cancellation -------------------------------------------------------------------------- */

struct crowd {
    weir_group group;
    weir_sender never, all_here;
    weir_receiver nothing, gathered;
    atomic_uint missing, told;
};

static int stand(void *arg)
{
    struct crowd *c = arg;
    char item = 0;
    if (atomic_fetch_sub(&c->missing, 1) == 1)
        EXPECT_RC(weir_send(c->all_here, &item), 0);
    int rc = weir_recv(c->nothing, &item);
    EXPECT_RC(rc, WEIR_ECANCELED);
    atomic_fetch_add(&c->told, 1);
    return rc;
}

/* Each half is spawned by another actor, so that both are on several workers. */
static int bring_half(void *arg)
{
    struct crowd *c = arg;
    for (unsigned i = 0; i < CROWD / 2; i++)
        EXPECT_RC(weir_spawn(c->group, stand, (void *)c), 0);
    return 0;
}

/* CROWD actors that wait in a group. */
static void gather(struct crowd *c)
{
    char item;
    c->group = weir_group_begin();
    atomic_init(&c->missing, CROWD);
    atomic_init(&c->told, 0);
    EXPECT_RC(weir_channel_open(&c->never, &c->nothing, 1, 1, NULL), 0);
    EXPECT_RC(weir_channel_open(&c->all_here, &c->gathered, 1, 1, NULL), 0);
    EXPECT_RC(weir_spawn(c->group, bring_half, (void *)c), 0);
    EXPECT_RC(weir_spawn(c->group, bring_half, (void *)c), 0);
    EXPECT_RC(weir_recv(c->gathered, &item), 1);
}

/* When everybody was told. */
static void disperse(struct crowd *c, int result, unsigned told)
{
    EXPECT_RC(weir_group_end(c->group), result);
    EXPECT_EQ(atomic_load(&c->told), told);
    weir_close(c->never);
    weir_close(c->nothing);
    weir_close(c->all_here);
    weir_close(c->gathered);
}

static int fail(void *unused)
{
    (void)unused;
    return -7;
}

static int one_fails(void *unused)
{
    struct crowd c;
    (void)unused;
    gather(&c);
    EXPECT_RC(weir_spawn(c.group, fail, NULL), 0);
    disperse(&c, -7, CROWD);
    return 0;
}

static void a_failure_reaches_all(void)
{
    with_workers(one_fails);
}

static int cancel_and_spawn(void *unused)
{
    struct crowd c;
    (void)unused;
    gather(&c);
    EXPECT_RC(weir_group_cancel(c.group, "enough"), 0);
    EXPECT_RC(weir_spawn(c.group, bring_half, (void *)&c), 0); /* they are born stopped */
    disperse(&c, 0, CROWD + CROWD / 2);
    return 0;
}

static void cancel_reaches_all(void)
{
    with_workers(cancel_and_spawn);
}

/* ---- seeing -------------------------------------------------------------------------------- */

/* The dump shows how many an owner waits for, once it does. */
static int sees_how_many(void *arg)
{
    struct crowd *c = arg;
    char *table = NULL, wanted[32];
    size_t size;
    bool found = false;
    snprintf(wanted, sizeof wanted, "(%d left)", CROWD + 1);
    while (!found) {
        FILE *out = open_memstream(&table, &size);
        REQUIRE(out != NULL);
        EXPECT_RC(weir_dump(out), 0);
        fclose(out);
        found = strstr(table, wanted) != NULL;
        free(table);
        weir_yield();
    }
    return weir_group_cancel(c->group, NULL);
}

static int dump_crowd(void *unused)
{
    struct crowd c;
    (void)unused;
    gather(&c);
    EXPECT_RC(weir_spawn(c.group, sees_how_many, (void *)&c), 0);
    disperse(&c, 0, CROWD);
    return 0;
}

static void dump_counts_all(void)
{
    with_workers(dump_crowd);
}

/* ---- without memory ------------------------------------------------------------------------ */

static atomic_bool refuse;
static atomic_uint refused;

/* Fresh records are asked for with 0 bytes. */
static void *allocate(size_t bytes, void *context)
{
    (void)context;
    if (bytes == 0 || !atomic_load(&refuse))
        return malloc(bytes ? bytes : 1);
    atomic_fetch_add(&refused, 1);
    return NULL;
}

static void release(void *memory, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    free(memory);
}

static int crowd_without_memory(void *unused)
{
    struct crowd c;
    (void)unused;
    atomic_store(&refused, 0);
    c.group = weir_group_begin();
    atomic_store(&refuse, true);
    for (unsigned i = 0; i < CROWD; i++)
        EXPECT_RC(weir_spawn(c.group, fail, NULL), 0);
    atomic_store(&refuse, false);
    EXPECT(atomic_load(&refused) > 0);
    EXPECT_RC(weir_group_end(c.group), -7);
    gather(&c);
    EXPECT_RC(weir_group_cancel(c.group, NULL), 0);
    disperse(&c, 0, CROWD);
    return 0;
}

static void undivided_without_memory(void)
{
    const weir_allocator mine = {allocate, release, NULL};
    weir_set_allocator(&mine);
    EXPECT_RC(weir_run(crowd_without_memory, NULL, &(weir_options){.workers = 2}), 0);
    weir_set_allocator(NULL);
}

TEST_SUITE(children, "actors: very many children",
           {"F002 a divided group waits for all its children", all_are_waited_for},
           {"F002 so does the run", run_waits_for_all},
           {"F006 a failure in a divided group is told to all", a_failure_reaches_all},
           {"F008 so is a cancellation, and who is born later is stopped", cancel_reaches_all},
           {"dump: the children of all workers are counted", dump_counts_all},
           {"F002 without memory a group stays in one piece", undivided_without_memory});
