/* SPDX-License-Identifier: MIT */
/* queue.h - a list of runnable actors, linked through their records. */
#ifndef WEIR_QUEUE_H
#define WEIR_QUEUE_H

#include "actor.h"

struct actor_queue {
    struct actor *first, *last;
    a32 count; /* thieves have a look at it from outside */
};

static inline void queue_count(struct actor_queue *q, uint32_t more)
{
    a32_store(&q->count, a32_load(&q->count) + more);
}

static inline void queue_clear(struct actor_queue *q)
{
    q->first = q->last = NULL;
    a32_store(&q->count, 0);
}

static inline void push_last(struct actor_queue *q, struct actor *a)
{
    a->next = NULL;
    a->prev = q->last;
    if (q->last)
        q->last->next = a;
    else
        q->first = a;
    q->last = a;
    queue_count(q, 1);
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
        queue_count(q, UINT32_MAX);
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
        queue_count(q, UINT32_MAX);
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
    queue_count(q, a32_load(&back->count));
    queue_clear(back);
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
    queue_count(q, a32_load(&front->count));
    queue_clear(front);
}

#endif
