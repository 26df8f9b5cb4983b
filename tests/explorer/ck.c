/* SPDX-License-Identifier: MIT */
/* ck.c - libck's ring and stack, unmodified, on the simulated machine. */
#include <ck_bitmap.h>
#include <ck_ring.h>
#include <ck_stack.h>

#include "explore.h"

/* ---- ck_ring, one producer and one consumer -------------------------------------------------- */

enum { SIZE = 4, ITEMS = 9 };

static ck_ring_t ring;
static ck_ring_buffer_t slots[SIZE];
static int numbers[ITEMS];

static void ring_new(void)
{
    ck_ring_init(&ring, SIZE);
}

static void ring_fill(void *unused)
{
    (void)unused;
    for (int i = 0; i < ITEMS; i++) {
        numbers[i] = i + 1;
        while (!ck_ring_enqueue_spsc(&ring, slots, &numbers[i]))
            ck_pr_stall();
    }
}

static void ring_empty(void *unused)
{
    (void)unused;
    for (int i = 0; i < ITEMS; i++) {
        void *number;
        while (!ck_ring_dequeue_spsc(&ring, slots, &number))
            ck_pr_stall();
        EXPLORE_EQ(*(int *)number, i + 1);
    }
    EXPLORE_EQ(explore_locked_count(), 0);
}

EXPLORE_MODEL(ck_ring_spsc, "ck_ring: in order, complete, without a locked instruction",
              .setup = ring_new,
              .threads = {{"fills", ring_fill, NULL}, {"empties", ring_empty, NULL}});

/* Two producers on the single-producer functions lose items: the explorer sees inside. */
static void ring_put_one(void *number)
{
    ck_ring_enqueue_spsc(&ring, slots, number);
}

static void ring_has_two(void)
{
    EXPLORE_EQ(ck_ring_size(&ring), 2);
}

EXPLORE_MODEL(ck_ring_misused, "ck_ring: two producers on the single-producer side lose an item",
              .setup = ring_new, .expect = "ck_ring_size",
              .threads = {{"a", ring_put_one, &numbers[0]}, {"b", ring_put_one, &numbers[1]}},
              .check = ring_has_two);

/* ---- ck_stack: push by many, batch pop ------------------------------------------------------- */

struct node {
    ck_stack_entry_t entry;
    int popped;
};

static ck_stack_t stack;
static struct node nodes[6];

static void stack_push_3(void *first)
{
    for (int i = 0; i < 3; i++)
        ck_stack_push_upmc(&stack, &((struct node *)first + i)->entry);
}

static void take_batch(void)
{
    ck_stack_entry_t *e = ck_stack_batch_pop_upmc(&stack);
    for (; e; e = CK_STACK_NEXT(e))
        ((struct node *)(void *)e)->popped++;
}

static void stack_take(void *unused)
{
    (void)unused;
    take_batch();
    take_batch();
}

static void each_once(void)
{
    take_batch();
    for (int i = 0; i < 6; i++)
        EXPLORE_EQ(nodes[i].popped, 1);
}

EXPLORE_MODEL(ck_stack_batch, "ck_stack: each entry is popped exactly once",
              .threads = {{"pushes", stack_push_3, &nodes[0]},
                          {"pushes too", stack_push_3, &nodes[3]},
                          {"takes", stack_take, NULL}},
              .check = each_once);

/* ---- ck_bitmap ------------------------------------------------------------------------------- */

static CK_BITMAP_INSTANCE(64) bitmap;
static int winners;

static void bit_claim(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 2; i++)
        winners += !ck_bitmap_bts(&bitmap.bitmap, i);
}

static void each_bit_once(void)
{
    EXPLORE_EQ(winners, 2);
}

static void bitmap_new(void)
{
    ck_bitmap_init(&bitmap.bitmap, 64, false);
}

EXPLORE_MODEL(ck_bitmap_claims, "ck_bitmap: a bit is claimed once", .setup = bitmap_new,
              .threads = {{"a", bit_claim, NULL}, {"b", bit_claim, NULL}, {"c", bit_claim, NULL}},
              .check = each_bit_once);
