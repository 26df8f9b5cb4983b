/* SPDX-License-Identifier: MIT */
/* gate.c - see gate.h. */
#include "gate.h"

enum {
    PATIENCE = SPINS(1000), /* turns for which a thief waits for an owner inside */
    LOOT_MOST = 256         /* actors that it takes at once */
};

void weir__gate_wait(struct worker *w)
{
    for (;;) {
        if (a32_load_acquire(&w->barred) & GATE_FENCES)
            a_fence();
        if (!(a32_load_acquire(&w->barred) & GATE_SHUT))
            return;
        a64_store_release(&w->inside, 0);
        for (unsigned turns = 0; a32_load_acquire(&w->barred) & GATE_SHUT; turns++)
            os_spin(turns);
        a64_store(&w->inside, 1);
        a_light_fence(); /* as in gate_enter() */
    }
}

static void open_gate(struct worker *w)
{
    /* The owner does not write `barred`, and other thieves only when SHUT is off. */
    a32_store_release(&w->barred, a32_load(&w->barred) & ~(uint32_t)GATE_SHUT);
}

void weir__gate_open(struct worker *w)
{
    uint64_t hint = a64_load(&w->inside);
    if (hint != 1) /* else the owner is on its way in: only it may take that back */
        a64_cas(&w->inside, &hint, gate_word(w));
    open_gate(w);
}

bool weir__gate_shut(struct worker *w)
{
    uint32_t v = a32_load(&w->barred);
    if (v & GATE_SHUT || !a32_cas(&w->barred, &v, v | GATE_SHUT))
        return false;
    a_after_rmw();
    if (!MUTATE("gate: no membarrier"))
        os_membarrier(); /* pairs with a_light_fence() in gate_enter() */
    for (unsigned turns = 0; turns < PATIENCE; turns++) {
        if (a64_load_acquire(&w->inside) != 1 || MUTATE("gate: thief does not wait"))
            return true;
        os_spin(turns);
    }
    open_gate(w);
    return false;
}

/* Of so many; the owner waits meanwhile. */
static uint32_t half(uint32_t count)
{
    uint32_t n = (count + 1) / 2;
    return n < LOOT_MOST ? n : LOOT_MOST;
}

/* The oldest half of those that have run. */
static void take_ready(struct actor_queue *loot, struct runnable *r)
{
    for (uint32_t n = half(a32_load(&r->ready.count)); n > 0; n--)
        push_last(loot, pop_first(&r->ready));
}

/* Of those that have not, the ones that would run last, in their order. */
static void take_fresh(struct actor_queue *loot, struct runnable *r, bool one)
{
    if (!r->fresh.first)
        put_before(&r->fresh, &r->spawned);
    uint32_t count = a32_load(&r->fresh.count);
    for (uint32_t n = one && count > 0 ? 1 : half(count); n > 0; n--) {
        struct actor_queue last = {0};
        push_last(&last, pop_last(&r->fresh));
        put_before(loot, &last);
    }
}

uint32_t weir__steal(struct worker *w, struct worker *v, enum loot which)
{
    struct actor_queue loot = {0};
    if (!weir__gate_shut(v))
        return 0;
    if (which == HALF)
        take_ready(&loot, &v->run);
    if (!loot.first)
        take_fresh(&loot, &v->run, which == ONE_FRESH);
    if (!loot.first && which == HALF && v->run.next_up) {
        push_last(&loot, v->run.next_up);
        v->run.next_up = NULL;
    }
    uint32_t n = a32_load(&loot.count);
    v->run.total -= n;
    weir__gate_open(v);
    gate_enter(w);
    put_behind(&w->run.ready, &loot);
    w->run.total += n;
    gate_leave(w);
    return n;
}
