/* SPDX-License-Identifier: MIT */
/*
 * gate.h - a worker's queues, which are its own until a thief comes.
 *
 * A lock that is biased towards its owner: the worker enters by a plain store and leaves
 * by another, without a locked instruction; a thief shuts the gate, executes
 * os_membarrier() and waits until the owner is not inside.
 *
 *     owner                              thief
 *     inside = 1                         barred |= SHUT
 *     a_light_fence()                    os_membarrier()
 *     barred? step back and wait         inside? wait
 *     ... the queues ...                 ... the queues ...
 *     inside = 2n (release)              barred &= ~SHUT (release)
 *
 * Either the owner sees SHUT or the thief sees `inside`: not both are at the queues. A
 * thief comes when it has nothing else to do, and costs the owner an interrupt; the owner
 * comes twice a switch, and pays two stores. Nothing is called, allocated or waited for
 * behind the gate. When the owner is not inside, the word tells how many are runnable, a
 * hint for thieves. Without membarrier `barred` says GATE_FENCES for ever, and the owner
 * executes a real fence.
 */
#ifndef WEIR_GATE_H
#define WEIR_GATE_H

#include "scheduler.h"

enum { GATE_SHUT = 1, GATE_FENCES = 2 };

void weir__gate_wait(struct worker *w);

static always_inline void gate_enter(struct worker *w)
{
    a32_store(&w->inside, 1);
    a_light_fence(); /* pairs with os_membarrier() in weir__gate_shut() */
    if (unlikely(a32_load_acquire(&w->barred)) && !MUTATE("gate: not looked at"))
        weir__gate_wait(w);
}

static always_inline void gate_leave(struct worker *w)
{
    a32_store_release(&w->inside, w->run.total << 1); /* pairs with weir__gate_shut() */
}

/* A hint, without entering: how many are runnable; 1 may be a worker inside. */
static inline uint32_t gate_surplus(const struct worker *v)
{
    return (a32_load(&v->inside) + 1) / 2;
}

/* As a thief. False: the owner, or another thief, is there and does not go. */
bool weir__gate_shut(struct worker *w);
void weir__gate_open(struct worker *w);

/* Take half of what v could run; how many went to w's ready queue. On w's thread. */
uint32_t weir__steal(struct worker *w, struct worker *v);

#endif
