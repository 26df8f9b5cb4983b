/* SPDX-License-Identifier: MIT */
/*
 * inject.c - what comes to a worker from other threads: calls, and actors that are woken.
 *
 * A waker pushes, then looks for `asleep`; the sleeper sets `asleep`, then looks for what was
 * pushed (worker.c): no wake is lost.
 */
#include "gate.h"
#include "help.h"

bool weir__call_worker(struct worker *w)
{
    if (!a32_load(&w->asleep) || !a32_xchg(&w->asleep, 0))
        return false;
    a32_add(&w->runtime->sleeping, UINT32_MAX);
    struct poller *p = aptr_load_acquire(&w->poller); /* if it slept there, it was seen asleep */
    if (p && !MUTATE("worker: poller not woken"))
        p->ops->wake(p);
    else
        os_futex_wake(&w->asleep, 1);
    return true;
}

/* True: it slept. */
static bool push_injected(struct worker *w, struct actor *a)
{
    ck_stack_push_upmc(&w->inject, &a->injected);
    a_after_rmw();
    return weir__call_worker(w); /* pairs with sleep_until_called() */
}

void weir__inject(struct worker *w, struct actor *a)
{
    if (push_injected(w, a) || a32_load(&w->idle))
        return;
    /* It may compute for long, and if all slept when it was called nobody watches it. */
    if (a32_load(&w->runtime->sleeping) > 0)
        weir__call_help(w);
}

void weir__take_injected(struct worker *w, struct worker *from)
{
    if (nothing_injected(from))
        return;
    ck_stack_entry_t *e = ck_stack_batch_pop_upmc(&from->inject), *reversed = NULL;
    while (e) {
        ck_stack_entry_t *next = e->next;
        e->next = reversed;
        reversed = e;
        e = next;
    }
    while (reversed) {
        struct actor *a = container_of(reversed, struct actor, injected);
        reversed = reversed->next;
        if (w != from && is_pinned(a)) {
            push_injected(from, a);
            continue;
        }
        gate_enter(w);
        queue_last(w, &w->run.ready, a);
        gate_leave(w);
    }
}
