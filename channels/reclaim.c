/* SPDX-License-Identifier: MIT */
/* reclaim.c - see the essay in reclaim.h. */
#include "reclaim.h"

#include "lock.h"
#include "party.h"

a64 weir__epoch = {1};
a32 weir__fence_readers;

/* What ended threads retired; whoever polls next makes it its own. */
static struct {
    a32 lock;
    a32 some;
    struct retired_list list;
} orphans;

static void list_add(struct retired_list *l, struct retired *r)
{
    r->next = NULL;
    if (l->last)
        l->last->next = r;
    else
        l->first = r;
    l->last = r;
}

static void list_move(struct retired_list *to, struct retired_list *from)
{
    if (!from->first)
        return;
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    *from = (struct retired_list){NULL, NULL};
}

static void retire_again(struct thread *t, struct retired *r)
{
    struct reclaim *c = &t->reclaim;
    uint64_t e = a64_load_acquire(&weir__epoch);
    struct bag *b = &c->bags[e % BAGS];
    if (b->epoch != e) {
        list_move(&c->due, &b->list); /* of e - BAGS or before */
        b->epoch = e;
    }
    list_add(&b->list, r);
    c->pending++;
}

void weir__retire(struct thread *t, struct retired *r,
                  void (*release)(struct retired *, struct thread *))
{
    r->release = release;
    retire_again(t, r);
}

/*
 * Does every other thread sleep, or has it entered its present operation in epoch `e`? With
 * `or_outside` it may also read as being outside of operations.
 */
static bool all_reached(const struct thread *self, uint64_t e, bool or_outside)
{
    for (struct thread *t = aptr_load_acquire(&weir__threads); t; t = t->next) {
        if (t == self)
            continue;
        uint64_t seen = a64_load_acquire(&t->reclaim.epoch);
        if (seen != e && seen != EPOCH_ASLEEP && !(seen == EPOCH_OUTSIDE && or_outside) &&
            !MUTATE("reclaim: ignore readers"))
            return false;
    }
    return true;
}

/* See the essay for when the membarrier is needed. */
static void advance(const struct thread *self, bool interrupt)
{
    uint64_t e = a64_load_acquire(&weir__epoch);
    a_fence(); /* pairs with that of a thread that was asleep: thread_awake() */
    if (!all_reached(self, e, MUTATE("reclaim: no membarrier"))) {
        if (!interrupt || !all_reached(self, e, true))
            return;
        os_membarrier();
        if (!all_reached(self, e, true))
            return;
    }
    a64_cas(&weir__epoch, &e, e + 1);
}

static void adopt_orphans(struct thread *t)
{
    if (!a32_load(&orphans.some))
        return;
    lock_acquire(&orphans.lock, 0);
    struct retired *r = orphans.list.first;
    orphans.list = (struct retired_list){NULL, NULL};
    a32_store(&orphans.some, 0);
    lock_release(&orphans.lock, 0);
    while (r) {
        struct retired *next = r->next;
        retire_again(t, r);
        r = next;
    }
}

static void collect_due(struct reclaim *c)
{
    uint64_t e = a64_load_acquire(&weir__epoch);
    for (int i = 0; i < BAGS; i++)
        if (c->bags[i].epoch + (MUTATE("reclaim: short grace") ? 1 : GRACE) <= e)
            list_move(&c->due, &c->bags[i].list);
}

static void release_list(struct thread *t, struct retired *r)
{
    while (r) {
        struct retired *next = r->next;
        t->reclaim.pending--;
        r->release(r, t);
        r = next;
    }
}

static void poll(struct thread *t, bool interrupt)
{
    struct reclaim *c = &t->reclaim;
    adopt_orphans(t);
    if (c->pending)
        advance(t, interrupt);
    collect_due(c);
    struct retired *r = c->due.first;
    c->due = (struct retired_list){NULL, NULL};
    release_list(t, r);
}

/* Until somebody is in the way, or nothing is left. */
static void poll_all(struct thread *t, bool interrupt)
{
    uint64_t before;
    t->reclaim.works = true;
    do {
        before = a64_load(&weir__epoch);
        poll(t, interrupt);
    } while ((t->reclaim.pending || a32_load(&orphans.some)) && a64_load(&weir__epoch) != before);
    t->reclaim.tried = t->reclaim.pending;
    if (interrupt || t->reclaim.left > t->reclaim.pending)
        t->reclaim.left = t->reclaim.pending;
    t->reclaim.works = false;
}

bool weir__reclaim_all(struct thread *t)
{
    poll_all(t, true);
    return !t->reclaim.pending && !a32_load(&orphans.some);
}

void weir__reclaim_soon(struct thread *t)
{
    enum { TURNS = 100, NAPS = 100 };
    a32 nobody = {0};
    for (unsigned turn = 0; turn < TURNS + NAPS && !weir__reclaim_all(t); turn++)
        if (turn < TURNS)
            os_spin(turn);
        else /* it is off its processor */
            os_futex_wait(&nobody, 0, os_real_now() + WEIR_MS);
}

void weir__reclaim_try(struct thread *t)
{
    const struct reclaim *c = &t->reclaim;
    uint32_t running = a32_load(&weir__running);
    if (c->pending >= c->left + (running < 2 ? INTERRUPT_NONE_EVERY : INTERRUPT_EVERY))
        poll_all(t, true);
    else if (c->pending >= c->tried + (running < 2 ? 1 : running) * TRY_EVERY)
        poll_all(t, false);
}

void weir__reclaim_orphan(struct thread *t)
{
    struct reclaim *c = &t->reclaim;
    c->works = true;
    lock_acquire(&orphans.lock, 0);
    for (int i = 0; i < BAGS; i++)
        list_move(&orphans.list, &c->bags[i].list);
    list_move(&orphans.list, &c->due);
    if (orphans.list.first)
        a32_store(&orphans.some, 1);
    lock_release(&orphans.lock, 0);
    c->pending = c->left = c->tried = 0;
    c->works = false;
}
