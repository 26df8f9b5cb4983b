/* SPDX-License-Identifier: MIT */
/*
 * wait.h - what happens under a channel's lock: waiters are queued, served and ended.
 *
 * Invariants, all under the lock (docs/protocol.md, "Park and wake"):
 *   - A receiver is queued only when nothing was claimed after its flag was visible, or
 *     behind another one. So each later claim's owner sees the flag and serves.
 *   - A sender is queued only when every place was taken after its flag was visible, or
 *     behind another one. So each later receiver sees the flag and serves.
 *   - A waiter leaves its queue only by being completed, ended by its handle's or the
 *     other end's closing, by its deadline or by cancellation: never to "try again", so
 *     nobody who waits can be overtaken.
 */
#ifndef WEIR_WAIT_H
#define WEIR_WAIT_H

#include "chan.h"

struct wake_list {
    struct waiter *first, *last;
};

/* As a deadline: do not wait at all. */
#define WEIR_TRY INT64_MIN

/* A caller's deadline is never WEIR_TRY. */
static inline weir_time until(weir_time deadline)
{
    return deadline > WEIR_TRY ? deadline : WEIR_TRY + 1;
}

/* What an attempt answers when the request is queued and the lock is held: park. */
enum { PARK = INT_MIN };

/* Fill in the request that leaves the fast path. */
static inline void request(struct party *self, struct slot *s, const void *items, uint32_t n,
                           bool sends, bool one)
{
    struct waiter *w = &self->waiter;
    w->slot = s;
    w->items = (char *)(uintptr_t)items;
    w->count = n;
    w->sends = sends;
    w->one = one;
}

/* Under the lock, for the statistics. */
static inline void count_waiter(struct chan *ch, const struct waiter *w, int one)
{
    *(w->sends ? &ch->waiting_senders : &ch->waiting_receivers) += (uint32_t)one;
}

/* Queue w of party `self`, under the lock. */
static always_inline void waiter_link(struct waiter *w, const struct party *self, struct chan *ch,
                                      struct waitq *q)
{
    a32_store_release(&w->linked, LINKED); /* pairs with interrupt_locks() */
    if (unlikely(aptr_load(&w->slot->owner) != self))
        w->slot->lent = 1;
    count_waiter(ch, w, 1);
    ch->parked_at = w->items;
    waitq_append(q, w);
}

/* Queue the request, under the lock. */
static inline void request_link(struct party *self, struct chan *ch, struct waitq *q)
{
    aptr_store(&self->waiter.on, ch);
    waiter_link(&self->waiter, self, ch, q);
}

/*
 * Under the lock, before *w, which is parked, is touched. A party that has not run for long
 * is in no cache: neither its record nor its stack, which only the record tells. Its item is
 * on the stack, near the frames with which it will go on, so with the item's address kept in
 * the channel both come at the same time. In a ring of 100,000 actors that is a third of a hop.
 * While nobody is parked there is no such address, and perhaps its place is retired.
 */
static always_inline void fetch_parked(const struct chan *ch, const struct waiter *w)
{
    __builtin_prefetch((const char *)w + CACHE_LINE);
    __builtin_prefetch(ch->parked_at);
    __builtin_prefetch(ch->parked_at - CACHE_LINE);
    __builtin_prefetch(ch->parked_at - 2 * CACHE_LINE);
}

static inline uint32_t batch_count(size_t n)
{
    return n < INT_MAX ? (uint32_t)n : INT_MAX;
}

/* Take the lock for a request; 0 or WEIR_ECLOSED (not locked). */
static inline int request_lock(struct party *self, struct chan *ch, weir_handle h,
                               uint32_t announce)
{
    lock_acquire(&ch->lock, announce);
    if (likely(handle_open(self->waiter.slot, h)) || MUTATE("park: handle not verified"))
        return 0;
    chan_unlock(ch);
    return WEIR_ECLOSED;
}

/*
 * 0 or an error, when nothing went through. A 0 before parking holds only after the party
 * announced itself and took the lock.
 */
static inline int why_not_wait(struct party *self, weir_time deadline)
{
    if (deadline == WEIR_TRY)
        return WEIR_EAGAIN;
    if (!MUTATE("cancel: no second look") && party_refused(self)) /* pairs with interrupt() */
        return WEIR_ECANCELED;
    if (deadline != WEIR_NEVER && deadline <= weir_now())
        return WEIR_ETIMEDOUT;
    return self->thread->dropping ? WEIR_EPERM : 0;
}

/*
 * Nothing went through, the lock is held: queue the request behind the others and return
 * PARK; or release the lock and return WEIR_EAGAIN, WEIR_ECANCELED, WEIR_ETIMEDOUT or
 * WEIR_EPERM (a drop function would wait).
 */
int weir__request_queue(struct party *self, struct chan *ch, weir_time deadline,
                        struct wake_list *woken);

/* Under the lock, by an actor that announced its wait: it goes the general way instead. */
static always_inline bool park_refused(const struct party *self)
{
    return self->thread->dropping ||
           (a8_load(&self->cancelled) && !MUTATE("cancel: no second look"));
}

/* After PARK. A tail call, so that nothing of weir is on the stack of a parked actor. */
static inline int request_park(struct party *self, struct chan *ch, weir_time deadline)
{
    return self->ops->park(self, &ch->lock, chan_flags(ch), deadline);
}

/* ---- selects among the waiters: the protocol is in select.c --------------------------- */

/*
 * Decide for a select. While another channel's holder tries to serve it nobody knows yet: that
 * one waits for nothing meanwhile. False: somebody else has decided, or there is no select.
 */
bool weir__select_claim(struct party *p);

/* weir__wait_expire() of a select that has tickers among its cases. */
weir_time weir__select_expire(struct party *p);

/* Receive from a ticker, inside an operation: a select with one case. As recv(). */
int weir__select_tick(struct party *self, weir_receiver rx, void *time, weir_time deadline);

/* The first of the queue that may be completed, no watch; see claim_first(). */
struct waiter *weir__claim_first(struct chan *ch, struct waitq *q);

/*
 * A select is claimed first, and one that was served elsewhere meanwhile leaves the queue.
 * Then complete() it or waiter_unclaim() it.
 */
static inline struct waiter *claim_first(struct chan *ch, struct waitq *q)
{
    struct waiter *w = q->first;
    return likely(!w || !w->select) ? w : weir__claim_first(ch, q);
}

/* A claimed select goes on waiting where it was. */
static inline void select_unclaim(struct party *p)
{
    a32_store_release(&p->waiter.linked, CLAIMABLE); /* pairs with weir__select_claim() */
}

static inline void waiter_unclaim(struct waiter *w)
{
    if (unlikely(w->select))
        select_unclaim(select_waiter(w)->party);
}

/* A claimed select has its result: a case, or an error. */
static inline void select_decide(struct party *p, int result)
{
    p->waiter.result = result;
    a32_store_release(&p->waiter.linked, UNLINKED); /* as above */
}

/* Take it out of its queue, under the lock. */
static inline void waiter_unlink(struct chan *ch, struct waiter *w)
{
    waitq_remove(w->sends ? &ch->sendq : &ch->recvq, w);
    count_waiter(ch, w, -1);
}

/* A select's that was served by another channel. Afterwards it may be gone. */
static inline void waiter_drop(struct chan *ch, struct waiter *w)
{
    waiter_unlink(ch, w);
    a32_store_release(&w->linked, UNLINKED); /* pairs with unlink_all() */
}

/* Append w to those to wake after the lock is released. */
static inline void wake_later(struct wake_list *woken, struct waiter *w)
{
    w->next = NULL;
    if (woken->last)
        woken->last->next = w;
    else
        woken->first = w;
    woken->last = w;
}

/*
 * Unlink w, claimed if it is a select's, with its result - a count, 0 or an error - and
 * append it to those to wake after the lock is released.
 */
static inline void complete(struct chan *ch, struct waiter *w, int result, struct wake_list *woken)
{
    waiter_unlink(ch, w);
    w->result = result > 0 && w->one ? 0 : result;
    wake_later(woken, w);
    if (unlikely(w->select))
        select_decide(select_waiter(w)->party, (int)select_waiter(w)->index);
    a32_store_release(&w->linked, UNLINKED); /* pairs with weir__wait_cancel() */
}

static inline struct party *waiter_party(struct waiter *w)
{
    return container_of(w, struct party, waiter);
}

/* The same for the first of its queue, no select's, with nobody else to wake. */
static inline void complete_first(struct chan *ch, struct waitq *q, struct waiter *w, int result)
{
    q->first = w->next;
    if (w->next)
        w->next->prev = NULL;
    else
        q->last = NULL;
    w->result = w->one ? 0 : result;
    count_waiter(ch, w, -1);
    a32_store_release(&w->linked, UNLINKED); /* pairs with weir__wait_cancel() */
}

/*
 * Under the lock: may somebody be parked on this open handle of an end with the queue `q`? No
 * count is kept, as it would cost each wake a cache line: who parks there is the owner, or
 * has left a mark, or the handle has no owner.
 */
static inline bool slot_may_be_waited_on(const struct slot *s, const struct party *closer,
                                         const struct waitq *q)
{
    const struct party *owner = aptr_load(&s->owner);
    return q->first && (!owner || s->lent || (owner != closer && a32_load(&owner->waiter.linked)));
}

/* Complete all in `q` that wait on `slot` (NULL: all). */
void weir__complete_all(struct chan *ch, struct waitq *q, const struct slot *slot, int result,
                        struct wake_list *woken);

/*
 * watch.c: tell the watches among the receivers for which there is something to receive, for
 * wake_all(). After whatever may have made it so while one was queued; wait.c calls it.
 */
void weir__watches_tell(struct chan *ch, struct wake_list *woken);

/* Let waiting senders and receivers proceed as far as they can, first come first served. */
void weir__serve(struct chan *ch, struct thread *t, struct wake_list *woken);

/* The wait flag was seen after an operation: lock, serve, unlock, wake. */
void weir__serve_waiting(struct chan *ch, struct thread *t);

/*
 * channel.c: drop all that is published, since no receiver is left. Called by whoever
 * closed the last one and by each sender that finds RECEIVERS_GONE after it published:
 * the closer's os_membarrier() between setting that flag and draining is the partner of
 * after_publishing(), so one of the two sees each item.
 */
void weir__drain(struct chan *ch, struct thread *t);

/* Between publishing and the look at the flags. */
static inline void after_publishing(const struct chan *ch)
{
    a_after_rmw();
    if (unlikely(ch->flags & FENCES))
        a_fence();
    else
        a_light_fence();
}

/* The same on the shortest ways, on which no channel with FENCES is. */
static always_inline void after_publishing_short(void)
{
    a_after_rmw();
    a_light_fence();
}

/*
 * Under the lock: an attempt of a request that is not queued. `wait`: it will be, if nothing
 * went through, so a declared single user on the other side has to be fenced in. A count;
 * FULL or EMPTY (may wait), BETWEEN or SHUT (try again), END, an error.
 */
int weir__send_locked(struct party *self, struct chan *ch, struct waiter *mine, bool wait,
                      struct wake_list *woken);
int weir__recv_locked(struct party *self, struct chan *ch, struct waiter *mine, bool wait,
                      struct wake_list *woken);

/* The request that is filled in, of a channel that keeps its items: as weir_recv() and weir_send(),
 * from within an operation. */
int weir__send_request(struct party *self, struct chan *ch, weir_handle h, weir_time deadline);
int weir__recv_request(struct party *self, struct chan *ch, weir_handle h, weir_time deadline);

/* Under the lock, the most common reasons to be there. A look at the cells would say the same. */
static inline bool nothing_there(struct chan *ch)
{
    if (MUTATE("park: no second look"))
        return true;
    return !ch->recvq.first && !ch->sendq.first && ch->senders > 0 && !chan_some(ch) &&
           !(ch->flags & (SINGLE_SENDER | CLOCKED | KEEPS));
}

/* Of a channel that has a limit. */
static inline bool no_room(struct chan *ch)
{
    if (ch->recvq.first || ch->sendq.first || ch->receivers == 0)
        return false;
    if (ch->kind == RENDEZVOUS || MUTATE("park: no second look"))
        return true;
    uint64_t h = a64_load_acquire(chan_head(ch)), t = a64_load_acquire(chan_tail(ch));
    return cells_between(ch, h, t) >= ch->capacity && !(ch->flags & (SINGLE_RECEIVER | KEEPS));
}

/* Any kind of storage but what is kept; lock held or not, but for ticks. Counts, FULL/EMPTY,
 * BETWEEN, SHUT, WEIR_ENOMEM. */
int weir__push(struct chan *ch, const char *items, uint64_t n);
int weir__pop(struct chan *ch, struct thread *t, char *items, uint64_t n);

#endif
