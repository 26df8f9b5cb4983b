/* SPDX-License-Identifier: MIT */
/* wait.c - see wait.h. */
#include "wait.h"

/* A batch that reaches the end of the lap goes on at its beginning. */
static never_inline int push_cells(struct chan *ch, const char *items, uint64_t n, bool single)
{
    int k = cells_push(ch, items, n, single), more = 0;
    if (k > 0 && (uint64_t)k < n && cell_index(ch, a64_load(chan_tail(ch))) == 0)
        more = cells_push(ch, items + (size_t)k * ch->item_size, n - (uint64_t)k, single);
    return more > 0 ? k + more : k;
}

static never_inline int pop_cells(struct chan *ch, char *items, uint64_t n, bool single)
{
    int k = cells_pop(ch, items, n, single), more = 0;
    if (k > 0 && (uint64_t)k < n && cell_index(ch, a64_load(chan_head(ch))) == 0)
        more = cells_pop(ch, items + (size_t)k * ch->item_size, n - (uint64_t)k, single);
    return more > 0 ? k + more : k;
}

int weir__push(struct chan *ch, const char *items, uint64_t n)
{
    switch (ch->kind) {
    case BOUNDED:
        return push_cells(ch, items, n, ch->flags & SINGLE_SENDER);
    case UNBOUNDED:
        return weir__blocks_push(ch, items, n);
    default:
        return FULL;
    }
}

int weir__pop(struct chan *ch, struct thread *t, char *items, uint64_t n)
{
    if (likely(ch->kind == BOUNDED))
        return pop_cells(ch, items, n, ch->flags & SINGLE_RECEIVER);
    if (ch->kind == UNBOUNDED)
        return weir__blocks_pop(ch, t, items, n);
    return ch->kind == TICKS ? weir__ticker_pop(ch, items) : EMPTY;
}

bool weir__select_claim(struct party *p)
{
    a32 *word = &p->waiter.linked;
    uint32_t v = a32_load_acquire(word);
    if (MUTATE("select: claim skipped"))
        return true;
    for (unsigned turns = 0;; turns++) {
        if (v == CLAIMABLE && a32_cas(word, &v, CLAIMED))
            return true;
        if (v < CLAIMABLE || MUTATE("select: claim in doubt is lost"))
            return false;
        os_spin(turns);
        v = a32_load_acquire(word);
    }
}

struct waiter *weir__claim_first(struct chan *ch, struct waitq *q)
{
    struct waiter *w, *next;
    for (w = q->first; w && w->select; w = next) {
        next = w->next;
        if (w->watch)
            continue;
        if (weir__select_claim(select_waiter(w)->party))
            break;
        waiter_drop(ch, w);
    }
    return w;
}

void weir__complete_all(struct chan *ch, struct waitq *q, const struct slot *slot, int result,
                        struct wake_list *woken)
{
    for (struct waiter *w = q->first, *next; w; w = next) {
        next = w->next;
        if ((slot && w->slot != slot) || w->watch)
            continue;
        if (likely(!w->select) || weir__select_claim(select_waiter(w)->party))
            complete(ch, w, result, woken);
        else
            waiter_drop(ch, w);
    }
}

static bool serve_senders(struct chan *ch, struct wake_list *woken)
{
    bool progress = false;
    struct waiter *w;
    int k;
    while ((w = claim_first(ch, &ch->sendq)) && (k = weir__push(ch, w->items, w->count)) > 0) {
        complete(ch, w, k, woken);
        progress = true;
    }
    if (w)
        waiter_unclaim(w);
    return progress;
}

static bool serve_receivers(struct chan *ch, struct thread *t, struct wake_list *woken)
{
    bool progress = false;
    struct waiter *w;
    int k;
    while ((w = claim_first(ch, &ch->recvq)) && (k = weir__pop(ch, t, w->items, w->count)) > 0) {
        complete(ch, w, k, woken);
        progress = true;
    }
    if (w)
        waiter_unclaim(w);
    return progress;
}

void weir__serve(struct chan *ch, struct thread *t, struct wake_list *woken)
{
    bool again;
    do {
        again = serve_senders(ch, woken);
        again = serve_receivers(ch, t, woken) || again;
    } while (again);
    if (ch->senders == 0 && ch->recvq.first && !chan_some(ch))
        weir__complete_all(ch, &ch->recvq, NULL, 0, woken);
    if (ch->recvq.first)
        weir__watches_tell(ch, woken);
}

void weir__serve_waiting(struct chan *ch, struct thread *t)
{
    struct wake_list woken = {NULL, NULL};
    lock_acquire(&ch->lock, 0);
    weir__serve(ch, t, &woken);
    chan_unlock(ch);
    wake_all(woken.first);
}

int weir__request_queue(struct party *self, struct chan *ch, weir_time deadline,
                        struct wake_list *woken)
{
    struct waiter *w = &self->waiter;
    int refused = why_not_wait(self, deadline);
    if (refused) {
        chan_unlock(ch);
        wake_all(woken->first);
        return refused;
    }
    request_link(self, ch, w->sends ? &ch->sendq : &ch->recvq);
    if (w->sends && ch->recvq.first && !MUTATE("watch: parked sender does not tell"))
        weir__watches_tell(ch, woken);
    wake_all(woken->first); /* takes no channel's lock */
    return PARK;
}

/* ---- waits that end otherwise ---------------------------------------------------------------- */

struct waiter *weir__waitable_complete(struct waitable *o, int result)
{
    struct waiter *first = o->waiters.first;
    for (struct waiter *w = first, *next; w; w = next) {
        next = w->next;
        w->result = result;
        a32_store_release(&w->linked, UNLINKED); /* as in complete() */
    }
    o->waiters = (struct waitq){NULL, NULL};
    o->waiting = 0;
    return first;
}

/* Under the lock. */
static void waitable_unlink(struct waitable *o, struct waiter *w, int result)
{
    waitq_remove(&o->waiters, w);
    o->waiting--;
    w->result = result;
}

void weir__waitable_hand(struct waitable *o, struct waiter *w, int result, struct wake_list *woken)
{
    waitable_unlink(o, w, result);
    wake_later(woken, w);
    a32_store_release(&w->linked, UNLINKED); /* as in complete() */
}

void weir__waitable_move(struct waitable *from, struct waiter *w, struct waitable *to)
{
    waitq_remove(&from->waiters, w);
    from->waiting--;
    waitq_append(&to->waiters, w);
    to->waiting++;
    aptr_store_release(&w->on, to); /* pairs with interrupt_locks() */
}

int weir__wait_on(struct party *self, struct waitable *o, weir_time deadline)
{
    struct waiter *w = &self->waiter;
    int refused = why_not_wait(self, deadline);
    if (refused) {
        wait_renounce(self);
        lock_release(&o->lock, 0);
        return refused;
    }
    w->slot = NULL;
    aptr_store(&w->on, o);
    a32_store_release(&w->linked, LINKED);
    waitq_append(&o->waiters, w);
    o->waiting++;
    return self->ops->park(self, &o->lock, 0, deadline);
}

/* Under the lock of what w is linked to: unlink it with its result, release the lock. */
static void end_and_unlock(struct waiter *w, a32 *lock, int result)
{
    struct wake_list one = {NULL, NULL};
    if (w->slot) {
        struct chan *ch = container_of(lock, struct chan, lock);
        complete(ch, w, result, &one);
        chan_unlock(ch);
    } else {
        waitable_unlink(container_of(lock, struct waitable, lock), w, result);
        a32_store_release(&w->linked, UNLINKED);
        lock_release(lock, 0);
    }
}

/* The word is kept as it is: the flags are right, as nothing has changed. */
static void unlock_unchanged(a32 *lock)
{
    lock_release(lock, a32_load(lock) & ~(uint32_t)LOCKED);
}

/* The waiters in the channels are the select's own to unlink. */
static bool select_cancel(struct party *p, int result)
{
    if (!weir__select_claim(p))
        return false;
    select_decide(p, result);
    select_await(p);
    return true;
}

bool weir__wait_cancel(struct party *p, int result)
{
    struct waiter *w = &p->waiter;
    uint32_t linked = a32_load_acquire(&w->linked);
    if (linked != LINKED)
        return linked >= CLAIMABLE && select_cancel(p, result);
    a32 *lock = aptr_load(&w->on); /* alive: it was linked since we are inside an operation */
    lock_acquire(lock, 0);
    bool won = (a32_load(&w->linked) == LINKED && aptr_load(&w->on) == lock) ||
               MUTATE("cancel: not verified");
    if (won)
        end_and_unlock(w, lock, result);
    else
        unlock_unchanged(lock);
    return won;
}

weir_time weir__wait_expire(struct party *p)
{
    if (a32_load_acquire(&p->waiter.linked) >= CLAIMABLE && p->waiter.items)
        return weir__select_expire(p);
    return weir__wait_cancel(p, WEIR_ETIMEDOUT) ? 0 : WEIR_NEVER;
}

/*
 * Where p is linked, locked; NULL: it does not wait, and will look at `cancelled` before it
 * does. What was read from `on` after LINKED was seen is the place of that wait or of a later
 * one; it was still open then, we are inside an operation since before, so it is alive. But
 * under its lock p may have gone on, to another place even.
 */
static a32 *interrupt_locks(struct waiter *w)
{
    uint32_t linked;
    for (unsigned turns = 0; (linked = a32_load_acquire(&w->linked)) == ANNOUNCED; turns++)
        os_spin(turns);
    if (linked != LINKED)
        return NULL;
    a32 *lock = aptr_load_acquire(&w->on);
    lock_acquire(lock, 0);
    if ((a32_load(&w->linked) == LINKED && aptr_load(&w->on) == lock) ||
        MUTATE("cancel: not verified"))
        return lock;
    unlock_unchanged(lock);
    return NULL;
}

/* While it is claimed it cannot go on, so what is seen of it then is so. */
static void select_interrupt(struct party *p)
{
    if (!weir__select_claim(p))
        return;
    if (!a8_load(&p->cancelled) && !MUTATE("cancel: shield not seen")) {
        select_unclaim(p);
        return;
    }
    p->noticed = true;
    select_decide(p, WEIR_ECANCELED);
    select_await(p);
    p->ops->wake(p);
}

void weir__wait_interrupt(struct party *p)
{
    if (!MUTATE("cancel: no fence"))
        a_fence(); /* p->cancelled before p->waiter.linked; pairs with wait_announce() */
    a32 *lock = interrupt_locks(&p->waiter);
    if (!lock) {
        if (a32_load_acquire(&p->waiter.linked) >= CLAIMABLE)
            select_interrupt(p);
        return;
    }
    if (!a8_load(&p->cancelled) && !MUTATE("cancel: shield not seen")) {
        unlock_unchanged(lock); /* it has opened a shield since */
        return;
    }
    p->noticed = true;
    end_and_unlock(&p->waiter, lock, WEIR_ECANCELED);
    p->ops->wake(p);
}
