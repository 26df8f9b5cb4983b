/* SPDX-License-Identifier: MIT */
/*
 * litmus.c - what the simulated machine allows, and forbids.
 *
 * A model with `expect` shows that an outcome occurs; one without shows that it does not.
 */
#include "../../channels/os.h"
#include "explore.h"

static a32 x, y;
static uint32_t r1, r2;

/* ---- SB: each stores one variable and loads the other ---------------------------------------- */

static void sb_left(void *unused)
{
    (void)unused;
    a32_store(&x, 1);
    r1 = a32_load(&y);
}

static void sb_right(void *unused)
{
    (void)unused;
    a32_store(&y, 1);
    r2 = a32_load(&x);
}

static void sb_right_fenced(void *unused)
{
    (void)unused;
    a32_store(&y, 1);
    a_fence();
    r2 = a32_load(&x);
}

static void sb_left_fenced(void *unused)
{
    (void)unused;
    a32_store(&x, 1);
    a_fence();
    r1 = a32_load(&y);
}

static void sb_left_xchg(void *unused)
{
    (void)unused;
    a32_xchg(&x, 1);
    r1 = a32_load(&y);
}

static void sb_left_light(void *unused)
{
    (void)unused;
    a32_store(&x, 1);
    a_light_fence();
    r1 = a32_load(&y);
}

static void sb_right_membarrier(void *unused)
{
    (void)unused;
    a32_store(&y, 1);
    os_membarrier();
    r2 = a32_load(&x);
}

static void somebody_saw_the_other(void)
{
    EXPLORE_ASSERT(r1 || r2);
}

EXPLORE_MODEL(sb, "SB: both loads may miss both stores", .flags = EXPLORE_DFS, .expect = "r1 || r2",
              .threads = {{"left", sb_left, NULL}, {"right", sb_right, NULL}},
              .check = somebody_saw_the_other);
EXPLORE_MODEL(sb_random, "SB is found at random too", .expect = "r1 || r2",
              .threads = {{"left", sb_left, NULL}, {"right", sb_right, NULL}},
              .check = somebody_saw_the_other);
EXPLORE_MODEL(sb_sc, "SB is forbidden without store buffers: 6 executions",
              .flags = EXPLORE_DFS | EXPLORE_SC, .executions = 6,
              .threads = {{"left", sb_left, NULL}, {"right", sb_right, NULL}},
              .check = somebody_saw_the_other);
EXPLORE_MODEL(sb_one_fence, "SB: one fence is not enough", .flags = EXPLORE_DFS,
              .expect = "r1 || r2",
              .threads = {{"left", sb_left, NULL}, {"right", sb_right_fenced, NULL}},
              .check = somebody_saw_the_other);
EXPLORE_MODEL(sb_fenced, "SB is forbidden by two fences", .flags = EXPLORE_DFS,
              .threads = {{"left", sb_left_fenced, NULL}, {"right", sb_right_fenced, NULL}},
              .check = somebody_saw_the_other);
EXPLORE_MODEL(sb_xchg, "SB is forbidden by a read-modify-write and a fence", .flags = EXPLORE_DFS,
              .threads = {{"left", sb_left_xchg, NULL}, {"right", sb_right_fenced, NULL}},
              .check = somebody_saw_the_other);
EXPLORE_MODEL(sb_membarrier, "SB is forbidden by one membarrier: asymmetric Dekker",
              .flags = EXPLORE_DFS,
              .threads = {{"left", sb_left_light, NULL}, {"right", sb_right_membarrier, NULL}},
              .check = somebody_saw_the_other);
EXPLORE_MODEL(sb_light, "SB: light fences alone do nothing", .expect = "r1 || r2",
              .threads = {{"left", sb_left_light, NULL}, {"right", sb_right_fenced, NULL}},
              .check = somebody_saw_the_other);

/* ---- what TSO forbids ------------------------------------------------------------------------ */

static void mp_writer(void *unused)
{
    (void)unused;
    a32_store(&x, 1);
    a32_store_release(&y, 1);
}

static void mp_reader(void *unused)
{
    (void)unused;
    r1 = a32_load_acquire(&y);
    r2 = a32_load(&x);
}

static void flag_means_data(void)
{
    EXPLORE_ASSERT(!r1 || r2);
}

EXPLORE_MODEL(mp, "MP: who sees the flag sees the data", .flags = EXPLORE_DFS,
              .threads = {{"writer", mp_writer, NULL}, {"reader", mp_reader, NULL}},
              .check = flag_means_data);

static void lb_left(void *unused)
{
    (void)unused;
    r1 = a32_load(&y);
    a32_store(&x, 1);
}

static void lb_right(void *unused)
{
    (void)unused;
    r2 = a32_load(&x);
    a32_store(&y, 1);
}

static void not_both(void)
{
    EXPLORE_ASSERT(!r1 || !r2);
}

EXPLORE_MODEL(lb, "LB: loads do not see stores that come later", .flags = EXPLORE_DFS,
              .threads = {{"left", lb_left, NULL}, {"right", lb_right, NULL}}, .check = not_both);

static uint32_t seen[4];

static void iriw_write(void *variable)
{
    a32_store(variable, 1);
}

static void iriw_read_xy(void *unused)
{
    (void)unused;
    seen[0] = a32_load(&x);
    seen[1] = a32_load(&y);
}

static void iriw_read_yx(void *unused)
{
    (void)unused;
    seen[2] = a32_load(&y);
    seen[3] = a32_load(&x);
}

static void one_order_of_stores(void)
{
    EXPLORE_ASSERT(!(seen[0] && !seen[1] && seen[2] && !seen[3]));
}

EXPLORE_MODEL(iriw, "IRIW: all see the stores in one order",
              .threads = {{"writes x", iriw_write, &x},
                          {"writes y", iriw_write, &y},
                          {"reads x y", iriw_read_xy, NULL},
                          {"reads y x", iriw_read_yx, NULL}},
              .check = one_order_of_stores);

/* ---- a thread and its own pending stores ----------------------------------------------------- */

static a64 wide;

static void sees_own_stores(void *unused)
{
    (void)unused;
    a64_store(&wide, 1);
    a64_store(&wide, 2);
    EXPLORE_EQ(a64_load(&wide), 2);
    EXPLORE_EQ(wide.v, 2);
    wide.v = 3; /* plainly, as when an object is made anew */
    explore_yield();
    EXPLORE_EQ(a64_load(&wide), 3);
    a64_store(&wide, 4);
}

static void sees_them_in_order(void *unused)
{
    (void)unused;
    uint64_t before = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t now = a64_load(&wide);
        EXPLORE_ASSERT(now >= before);
        before = now;
    }
}

static void all_has_drained(void)
{
    EXPLORE_EQ(a64_load(&wide), 4);
}

EXPLORE_MODEL(own_stores, "a thread sees its own stores, others in order",
              .threads = {{"writer", sees_own_stores, NULL},
                          {"reader", sees_them_in_order, NULL},
                          {"reader", sees_them_in_order, NULL}},
              .check = all_has_drained);

/* ---- read-modify-writes ---------------------------------------------------------------------- */

static a32 sum;
static aptr place;

static void rmw_all(void *unused)
{
    (void)unused;
    explore_counts_reset();
    a32_add(&sum, 2);
    uint32_t e = a32_load(&sum);
    while (!a32_cas(&sum, &e, e + 1))
        ;
    aptr_xchg(&place, &sum);
    EXPLORE_ASSERT(explore_locked_count() >= 3);
    EXPLORE_EQ(explore_counted()->stores, 0);
}

static void nothing_was_lost(void)
{
    EXPLORE_EQ(a32_load(&sum), 9);
    EXPLORE_ASSERT(aptr_load(&place) == &sum);
}

EXPLORE_MODEL(rmw, "read-modify-writes are atomic and counted",
              .threads = {{"a", rmw_all, NULL}, {"b", rmw_all, NULL}, {"c", rmw_all, NULL}},
              .check = nothing_was_lost);

static void loses_updates(void *unused)
{
    (void)unused;
    a32_store(&sum, a32_load(&sum) + 1);
}

static void two_updates(void)
{
    EXPLORE_EQ(a32_load(&sum), 2);
}

EXPLORE_MODEL(not_rmw, "load and store is no read-modify-write", .expect = "sum",
              .threads = {{"a", loses_updates, NULL}, {"b", loses_updates, NULL}},
              .check = two_updates);
