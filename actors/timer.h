/* SPDX-License-Identifier: MIT */
/*
 * timer.h - points in time at which something is called: an intrusive pairing heap.
 *
 * Adding is O(1), taking the earliest or removing any O(log n) amortised, and nothing is
 * allocated. Each worker has a heap, adds to it and fires from it; a timer may be removed
 * from any thread, because its owner may have migrated since it was added. The heap's lock
 * is a leaf: under it no other one is taken.
 *
 *   IDLE    in no heap, and nobody will touch it
 *   QUEUED  in `heap`
 *   FIRING  popped, its callback runs on the heap's worker
 *
 * IDLE and QUEUED are left under the lock, FIRING by the worker's last store to the timer, or
 * to QUEUED if the callback wants to be called again. Whoever removes waits while it is
 * FIRING, so after weir__timer_remove() the callback has run or never will, and the timer
 * may go away.
 */
#ifndef WEIR_TIMER_H
#define WEIR_TIMER_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/channel.h>

#include "atomic.h"

enum timer_state { TIMER_IDLE = 0, TIMER_QUEUED = 1, TIMER_FIRING = 2 };

struct timers;

struct timer {
    weir_time deadline;
    struct timer *child;   /* the first */
    struct timer *sibling; /* the next */
    struct timer *prev;    /* the sibling before, or the parent of a first child */
    struct timers *heap;   /* where it was added last */
    /*
     * On the heap's worker, inside an operation, without locks. It may not add or remove *t.
     * When to be called again; WEIR_NEVER: not.
     */
    weir_time (*fire)(struct timer *t);
    a32 state;
};

struct timers {
    struct timer *root; /* the earliest; NULL: none */
    a64 next;           /* its deadline, 0: none; written under the lock */
    a32 lock;
};

/* On the heap's worker. *t is IDLE, and its `fire` is set. */
void weir__timer_add(struct timers *h, struct timer *t, weir_time deadline);

/* By the owner of *t, on any thread, not from its callback. */
void weir__timer_remove(struct timer *t);

/* On the heap's worker, inside an operation: call what is due. */
void weir__timers_fire(struct timers *h, weir_time now);

/* On the heap's worker. Others only make it later. */
static inline weir_time timers_next(const struct timers *h)
{
    uint64_t next = a64_load(&h->next);
    return next ? (weir_time)next : WEIR_NEVER;
}

#endif
