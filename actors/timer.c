/* SPDX-License-Identifier: MIT */
#include "timer.h"

/* Two heaps become one; either may be NULL. */
static struct timer *meld(struct timer *a, struct timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->deadline < a->deadline) {
        struct timer *t = a;
        a = b;
        b = t;
    }
    b->prev = a;
    b->sibling = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

/* The children of a removed node become one heap: pair up from the left, meld from the right. */
static struct timer *meld_all(struct timer *first)
{
    struct timer *pairs = NULL, *heap = NULL;
    while (first) {
        struct timer *a = first, *b = a->sibling;
        first = b ? b->sibling : NULL;
        a->sibling = NULL;
        if (b)
            b->sibling = NULL;
        a = meld(a, b);
        a->sibling = pairs;
        pairs = a;
    }
    while (pairs) {
        struct timer *next = pairs->sibling;
        pairs->sibling = NULL;
        heap = meld(heap, pairs);
        pairs = next;
    }
    if (heap)
        heap->prev = NULL;
    return heap;
}

void weir__timer_add(struct timers *h, struct timer *t, weir_time deadline)
{
    *t = (struct timer){.deadline = deadline};
    h->root = meld(h->root, t);
}

void weir__timer_remove(struct timers *h, struct timer *t)
{
    struct timer *rest = meld_all(t->child);
    if (t == h->root) {
        h->root = rest;
        return;
    }
    if (t->prev->child == t)
        t->prev->child = t->sibling;
    else
        t->prev->sibling = t->sibling;
    if (t->sibling)
        t->sibling->prev = t->prev;
    t->sibling = NULL;
    h->root = meld(h->root, rest);
}
