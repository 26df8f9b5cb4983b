/* SPDX-License-Identifier: MIT */
#include "timer.h"

#include "lock.h"

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

/* Under the lock. A deadline before the clock's beginning is as good as its first moment. */
static void set_root(struct timers *h, struct timer *root)
{
    h->root = root;
    a64_store(&h->next, !root ? 0 : root->deadline > 0 ? (uint64_t)root->deadline : 1);
}

/* Under the lock. */
static void unlink_timer(struct timers *h, struct timer *t)
{
    struct timer *rest = meld_all(t->child);
    if (t == h->root) {
        set_root(h, rest);
        return;
    }
    if (t->prev->child == t)
        t->prev->child = t->sibling;
    else
        t->prev->sibling = t->sibling;
    if (t->sibling)
        t->sibling->prev = t->prev;
    t->sibling = NULL;
    set_root(h, meld(h->root, rest));
}

void weir__timer_add(struct timers *h, struct timer *t, weir_time deadline)
{
    t->deadline = deadline;
    t->child = t->sibling = t->prev = NULL;
    if (t->heap != h) /* again: who removes it may be reading it */
        t->heap = h;
    lock_acquire(&h->lock, 0);
    a32_store_release(&t->state, TIMER_QUEUED); /* t->heap, when it is added again; as below */
    set_root(h, meld(h->root, t));
    lock_release(&h->lock, 0);
}

void weir__timer_remove(struct timer *t)
{
    uint32_t state;
    for (unsigned turns = 0; (state = a32_load_acquire(&t->state)) != TIMER_IDLE; turns++) {
        if (state == TIMER_FIRING && !MUTATE("timer: not waited for")) {
            os_spin(turns); /* pairs with the release in weir__timers_fire() */
            continue;
        }
        lock_acquire(&t->heap->lock, 0);
        bool queued = a32_load(&t->state) == TIMER_QUEUED;
        if (queued) {
            unlink_timer(t->heap, t);
            a32_store(&t->state, TIMER_IDLE);
        }
        lock_release(&t->heap->lock, 0);
        if (queued || MUTATE("timer: not waited for"))
            return;
    }
}

static struct timer *pop_due(struct timers *h, weir_time now)
{
    lock_acquire(&h->lock, 0);
    struct timer *t = h->root;
    if (t && t->deadline > now)
        t = NULL;
    if (t) {
        unlink_timer(h, t);
        a32_store(&t->state, TIMER_FIRING);
    }
    lock_release(&h->lock, 0);
    return t;
}

void weir__timers_fire(struct timers *h, weir_time now)
{
    struct timer *t;
    while (timers_next(h) <= now && (t = pop_due(h, now))) {
        weir_time again = t->fire(t);
        if (again == WEIR_NEVER)
            a32_store_release(&t->state, TIMER_IDLE); /* from now on it is its owner's */
        else
            weir__timer_add(h, t, again);
    }
}
