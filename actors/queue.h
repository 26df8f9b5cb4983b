/* SPDX-License-Identifier: MIT */
/* queue.h - a list of runnable actors, linked through their records. */
#ifndef WEIR_QUEUE_H
#define WEIR_QUEUE_H

#include "actor.h"

struct actor_queue {
    struct actor *first, *last;
    uint32_t count;
};

static inline void push_last(struct actor_queue *q, struct actor *a)
{
    a->next = NULL;
    a->prev = q->last;
    if (q->last)
        q->last->next = a;
    else
        q->first = a;
    q->last = a;
    q->count++;
}

static inline struct actor *pop_first(struct actor_queue *q)
{
    struct actor *a = q->first;
    if (a) {
        q->first = a->next;
        if (q->first)
            q->first->prev = NULL;
        else
            q->last = NULL;
        q->count--;
    }
    return a;
}

static inline struct actor *pop_last(struct actor_queue *q)
{
    struct actor *a = q->last;
    if (a) {
        q->last = a->prev;
        if (q->last)
            q->last->next = NULL;
        else
            q->first = NULL;
        q->count--;
    }
    return a;
}

/* All of `back` behind q's. */
static inline void put_behind(struct actor_queue *q, struct actor_queue *back)
{
    if (!back->first)
        return;
    back->first->prev = q->last;
    if (q->last)
        q->last->next = back->first;
    else
        q->first = back->first;
    q->last = back->last;
    q->count += back->count;
    *back = (struct actor_queue){NULL, NULL, 0};
}

/* All of `front` before q's. */
static inline void put_before(struct actor_queue *q, struct actor_queue *front)
{
    if (!front->first)
        return;
    front->last->next = q->first;
    if (q->first)
        q->first->prev = front->last;
    else
        q->last = front->last;
    q->first = front->first;
    q->count += front->count;
    *front = (struct actor_queue){NULL, NULL, 0};
}

#endif
