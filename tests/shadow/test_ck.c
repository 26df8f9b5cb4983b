/* SPDX-License-Identifier: MIT */
/*
 * test_ck.c - libck's ring and stack between real threads.
 *
 * In a ThreadSanitizer build, where the shadow ck_pr.h comes first, this shows that their
 * use raises no report; elsewhere it runs on libck as it is.
 */
#include <pthread.h>
#include <sched.h>

#include <ck_ring.h>
#include <ck_stack.h>

#include "harness.h"

enum { SIZE = 8, ITEMS = 20000 };

static ck_ring_t ring;
static ck_ring_buffer_t slots[SIZE];
static long values[ITEMS];

static void *ring_fill(void *unused)
{
    for (long i = 0; i < ITEMS; i++) {
        values[i] = i;
        while (!ck_ring_enqueue_spsc(&ring, slots, &values[i]))
            sched_yield();
    }
    return unused;
}

static void ring_spsc(void)
{
    pthread_t filler;
    ck_ring_init(&ring, SIZE);
    REQUIRE_EQ(pthread_create(&filler, NULL, ring_fill, NULL), 0);
    long wrong = 0;
    for (long i = 0; i < ITEMS; i++) {
        void *value;
        while (!ck_ring_dequeue_spsc(&ring, slots, &value))
            sched_yield();
        wrong += *(long *)value != i;
    }
    pthread_join(filler, NULL);
    EXPECT_EQ(wrong, 0);
}

struct node {
    ck_stack_entry_t entry;
    long value;
};

static ck_stack_t stack;
static struct node nodes[2 * ITEMS];

static void *stack_push(void *first)
{
    struct node *n = first;
    for (long i = 0; i < ITEMS; i++) {
        n[i].value = i;
        ck_stack_push_upmc(&stack, &n[i].entry);
    }
    return NULL;
}

static void stack_batch_pop(void)
{
    pthread_t pushers[2];
    for (int i = 0; i < 2; i++)
        REQUIRE_EQ(pthread_create(&pushers[i], NULL, stack_push, &nodes[i * ITEMS]), 0);
    long taken = 0, sum = 0;
    while (taken < 2 * ITEMS) {
        ck_stack_entry_t *e = ck_stack_batch_pop_upmc(&stack);
        for (; e; e = CK_STACK_NEXT(e), taken++)
            sum += ((struct node *)(void *)e)->value;
        sched_yield();
    }
    for (int i = 0; i < 2; i++)
        pthread_join(pushers[i], NULL);
    EXPECT_EQ(sum, (long)ITEMS * (ITEMS - 1));
}

TEST_SUITE(shadow, "libck between threads", {"ck_ring: one producer, one consumer", ring_spsc},
           {"ck_stack: push, batch pop", stack_batch_pop});
