/* SPDX-License-Identifier: MIT */
/*
 * settle.c - weir_settle(): wait until all others are parked.
 *
 * Nobody polls. Each worker looks when it is about to sleep, and the last one to do so finds
 * out, as with the end of a run. It looks at the others' `naps`, then whether somebody was
 * injected to them, then at their naps again:
 *
 *   - All were odd, and are what they were: so from the last of the first looks on, until
 *     the first of the second ones, no worker ran anything or took anything from anywhere.
 *   - Nothing was injected when we looked in between, and nobody took anything: so nothing
 *     was injected at the moment when that stretch began.
 *
 * At that moment all actors were parked, and it is after the call of each who waits here: his
 * worker naps since. If the look fails somebody is awake or was called, and will look when he
 * naps again; of two who begin to nap at the same time one sees the other. The queue's lock is
 * held from before the first look until those who waited are out of it, so nobody is
 * taken who came later; and our own nap is over before we wake anybody, so that none of
 * these, who wakes up and waits again at once, takes us for one that has nothing to run.
 * docs/protocol.md, "Settle", has the mutations.
 */
#include "settle.h"

#include <weir/simulate.h>

#include "lock.h"
#include "scheduler.h"

/* ---- naps ------------------------------------------------------------------------------ */

void weir__nap_begin(struct worker *w)
{
    a32_store_release(&w->naps, a32_load(&w->naps) + 1); /* pairs with all_nap() */
}

/* Before anything is run, or taken out of `inject`: pairs with the second look. */
void weir__nap_end(struct worker *w)
{
    a32_store_release(&w->naps, (a32_load(&w->naps) | 1) + 1);
}

/* ---- the look -------------------------------------------------------------------------- */

static bool all_nap(const struct runtime *rt, uint64_t *sum)
{
    *sum = 0;
    for (uint32_t i = 0; i < rt->workers; i++) {
        uint32_t naps = a32_load_acquire(&rt->worker[i]->naps);
        if (!(naps & 1) && !MUTATE("settle: naps not looked at"))
            return false;
        *sum += naps;
    }
    return true;
}

static bool some_injected(const struct runtime *rt)
{
    for (uint32_t i = 0; i < rt->workers; i++)
        if (ck_pr_load_ptr(&rt->worker[i]->inject.head) && !MUTATE("settle: inject not looked at"))
            return true;
    return false;
}

/* As each only grows, equal sums are equal numbers. */
static bool all_parked(const struct runtime *rt)
{
    uint64_t before, after;
    if (!all_nap(rt, &before) || some_injected(rt))
        return false;
    a_fence(); /* who has taken what was injected has ended his nap before */
    return MUTATE("settle: no second look") || (all_nap(rt, &after) && before == after);
}

/* ---- waking ---------------------------------------------------------------------------- */

static bool wake(struct worker *w, struct waiter *woken)
{
    if (!woken)
        return false;
    thread_online(w->thread);
    wake_all(woken);
    thread_offline(w->thread);
    return true;
}

bool weir__settled(struct worker *w)
{
    struct runtime *rt = w->runtime;
    struct waiter *woken = NULL;
    if (likely(a32_load(&rt->settlers) == 0))
        return false;
    lock_acquire(&rt->settling.lock, 0);
    if (all_parked(rt)) {
        woken = weir__waitable_complete(&rt->settling, 0);
        if (woken && !MUTATE("settle: wakes in its nap"))
            weir__nap_end(w);
    }
    lock_release(&rt->settling.lock, 0);
    return wake(w, woken);
}

bool weir__settled_alone(struct worker *w)
{
    struct runtime *rt = w->runtime;
    lock_acquire(&rt->settling.lock, 0);
    struct waiter *woken = weir__waitable_complete(&rt->settling, 0);
    lock_release(&rt->settling.lock, 0);
    return wake(w, woken);
}

/* ---- public ---------------------------------------------------------------------------- */

int weir_settle(void)
{
    struct actor *me = actor_self();
    if (!me || me->party.thread->dropping)
        return WEIR_EPERM;
    if (party_refused(&me->party))
        return WEIR_ECANCELED;
    struct runtime *rt = actor_worker(me)->runtime;
    a32_add(&rt->settlers, 1); /* before its worker naps: pairs with weir__settled() */
    trace_wait_on(&me->trace, IN_SETTLE, &rt->settling);
    wait_announce(&me->party);
    lock_acquire(&rt->settling.lock, 0);
    int rc = weir__wait_on(&me->party, &rt->settling, WEIR_NEVER);
    a32_add(&rt->settlers, UINT32_MAX);
    return rc;
}
