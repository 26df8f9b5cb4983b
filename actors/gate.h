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
 *     inside = word (release)             barred &= ~SHUT (release)
 *
 * Either the owner sees SHUT or the thief sees `inside`: not both are at the queues. A
 * thief comes when it has nothing else to do, and costs the owner an interrupt; the owner
 * comes twice a switch, and pays two stores. Nothing is called, allocated or waited for
 * behind the gate. When the owner is not inside, the word tells how many are runnable and
 * how often the owner has been there, hints for thieves. Without membarrier `barred` says
 * GATE_FENCES for ever, and the owner executes a real fence.
 */
#ifndef WEIR_GATE_H
#define WEIR_GATE_H

#include "scheduler.h"

enum { GATE_SHUT = 1, GATE_FENCES = 2 };

void weir__gate_wait(struct worker *w);

static always_inline uint64_t gate_word(const struct worker *w)
{
    return w->run.visits | (uint64_t)w->run.total << 1;
}

static always_inline void gate_enter(struct worker *w)
{
    a64_store(&w->inside, 1);
    a_light_fence(); /* pairs with os_membarrier() in weir__gate_shut() */
    if (unlikely(a32_load_acquire(&w->barred)) && !MUTATE("gate: not looked at"))
        weir__gate_wait(w);
}

static always_inline void gate_leave(struct worker *w)
{
    w->run.visits += (uint64_t)1 << 32;
    a64_store_release(&w->inside, gate_word(w)); /* pairs with weir__gate_shut() */
}

/* Without entering: is anybody runnable there? The word changes with each visit. */
static inline bool gate_surplus(uint64_t word)
{
    return (uint32_t)word > 1;
}

/* As a thief. False: the owner, or another thief, is there and does not go. */
bool weir__gate_shut(struct worker *w);
void weir__gate_open(struct worker *w);

/*
 * Take from what v could run: half of it, of those who have run before if there are any; half of
 * those who have never run; or the one of these that would be the last to.
 * How many went to w's ready queue. On w's thread.
 */
enum loot { NO_LOOT = 0, HALF, HALF_FRESH, ONE_FRESH };
uint32_t weir__steal(struct worker *w, struct worker *v, enum loot which);

#endif
