/* SPDX-License-Identifier: MIT */
/*
 * help.c - when a worker takes part in what another one has to do.
 *
 * Crossing cores costs some 100 ns to some microseconds, an operation that stays on its worker
 * 10 ns. So an actor is taken from a busy worker only when it has been waiting while that worker
 * ran one and the same other actor for a moment, not when the two hand items to each other; or
 * with many others that are ready, as in a long pipeline, which has work for all. Of many fresh
 * ones half are taken where operations are DEAR, else a single one, as a tree of them is best
 * walked depth first; who finds that it was a small thing stays away for longer.
 *
 * And the loop (worker.c) measures what an operation costs here, the work of the actors between
 * two of them included: where it is DEAR, an actor that is woken goes back to the worker that it
 * came from, if that one has nothing else to do (scheduler.c).
 */
#include "help.h"

#include "gate.h"

enum {
    MOMENT = SPINS(60), /* pauses, about a microsecond: who waits so long is worth crossing for */
    LONG_MOMENT = SPINS(600), /* the same, where operations are cheap */
    MANY = 16                 /* so are so many who have run before, whatever they do */
};

#define WORTH_IT (100 * WEIR_US) /* who took a fresh one and was done sooner comes less often */
#define AWAY_MOST (4 * WEIR_MS)

void weir__call_help(struct worker *w)
{
    struct runtime *rt = w->runtime;
    if (a32_load(&rt->watching))
        return;
    for (uint32_t i = 1; i < rt->workers; i++)
        if (weir__call_worker(rt->worker[(w->index + i) % rt->workers]))
            return;
}

static uint32_t next_random(struct worker *w)
{
    uint32_t x = w->random; /* xorshift */
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return w->random = x;
}

/*
 * What to take from there? Half, if somebody has been waiting while v ran one and the same actor,
 * or if many wait who have run before. Of many that have not, half, or one: it may be the root
 * of a tree, or nothing.
 */
static enum loot worth_taking(const struct worker *w, const struct worker *v)
{
    uint64_t word = a64_load(&v->inside);
    if (!gate_surplus(word) && nothing_injected(v))
        return NO_LOOT;
    unsigned patience = a32_load(&v->cost) < DEAR ? LONG_MOMENT : MOMENT;
    for (unsigned turn = 0; turn < patience; turn++) {
        a_relax();
        if (a64_load(&v->inside) == word)
            continue;
        if (a32_load(&v->run.ready.count) >= MANY)
            return HALF;
        if (a32_load(&v->run.fresh.count) < MANY)
            return NO_LOOT;
        if (a32_load(&v->cost) >= DEAR)
            return HALF_FRESH;
        return weir_now() >= w->fresh_at ? ONE_FRESH : NO_LOOT;
    }
    return HALF;
}

static bool take(struct worker *w, struct worker *v)
{
    enum loot loot = worth_taking(w, v);
    if (loot == HALF)
        weir__take_injected(w, v);
    if (loot == NO_LOOT || (!gate_surplus(a64_load(&w->inside)) && weir__steal(w, v, loot) == 0))
        return false;
    if (loot == ONE_FRESH)
        w->fresh_taken = weir_now();
    return true;
}

/* It has been run, and all that came of it. Was that worth crossing for? */
static void judge_fresh(struct worker *w)
{
    if (!w->fresh_taken)
        return;
    weir_time now = weir_now();
    if (now - w->fresh_taken >= WORTH_IT)
        w->fresh_pause = 0;
    else if (w->fresh_pause < AWAY_MOST)
        w->fresh_pause = 2 * w->fresh_pause + WORTH_IT;
    w->fresh_at = now + w->fresh_pause;
    w->fresh_taken = 0;
}

bool weir__find_work(struct worker *w)
{
    struct runtime *rt = w->runtime;
    uint32_t first = rt->workers > 1 ? next_random(w) % rt->workers : 0;
    judge_fresh(w);
    for (uint32_t i = 0; i < rt->workers; i++) {
        struct worker *v = rt->worker[(first + i) % rt->workers];
        if (v != w && !a32_load(&v->idle) && take(w, v)) {
            weir__call_help(w); /* where two are busy a third one may be of use */
            return true;
        }
    }
    return false;
}
