/* SPDX-License-Identifier: MIT */
/*
 * timer.h - deadlines of parked actors: an intrusive pairing heap.
 *
 * Adding is O(1), taking the earliest or removing any O(log n) amortised, and nothing is
 * allocated. A worker owns its heap; nobody else touches it.
 */
#ifndef WEIR_TIMER_H
#define WEIR_TIMER_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/channel.h>

struct timer {
    weir_time deadline;
    struct timer *child;   /* the first */
    struct timer *sibling; /* the next */
    struct timer *prev;    /* the sibling before, or the parent of a first child */
};

struct timers {
    struct timer *root; /* the earliest; NULL: none */
};

void weir__timer_add(struct timers *h, struct timer *t, weir_time deadline);
void weir__timer_remove(struct timers *h, struct timer *t);

static inline weir_time timers_next(const struct timers *h)
{
    return h->root ? h->root->deadline : WEIR_NEVER;
}

#endif
