/* SPDX-License-Identifier: MIT */
/* recv.c - the receiving operations; the mirror image of send.c. */
#include "kept.h"
#include "single.h"
#include "watch.h"

/* Take items from parked senders, oldest first: the rendezvous. */
static uint32_t take_over(struct chan *ch, struct waiter *mine, struct wake_list *woken)
{
    uint32_t got = 0;
    struct waiter *w;
    while (got < mine->count && (w = claim_first(ch, &ch->sendq))) {
        uint32_t k = mine->count - got < w->count ? mine->count - got : w->count;
        copy_items(ch, mine->items + (size_t)got * ch->item_size, w->items, k);
        complete(ch, w, (int)k, woken);
        got += k;
    }
    ch->handed += got;
    return got;
}

int weir__recv_locked(struct party *self, struct chan *ch, struct waiter *mine, bool wait,
                      struct wake_list *woken)
{
    if (unlikely(ch->flags & KEEPS))
        return weir__kept_recv(ch, mine, woken);
    struct thread *t = self->thread;
    weir__serve(ch, t, woken);
    /* A sender may be parked beside receivers: of a select that does both, not with itself. */
    if (ch->recvq.first && ch->kind != RENDEZVOUS)
        return EMPTY;
    bool unfenced = peer_unfenced(self, ch, SINGLE_SENDER, &ch->sender_user);
    int k = ch->kind == RENDEZVOUS ? (int)take_over(ch, mine, woken)
                                   : weir__pop(ch, t, mine->items, mine->count);
    if (k == EMPTY && wait && unfenced) {
        if (!MUTATE("single: recv waits without membarrier"))
            os_membarrier(); /* pairs with the sender's claim, a plain store */
        k = weir__pop(ch, t, mine->items, mine->count);
    }
    if (k > 0 && ch->sendq.first && ch->kind != RENDEZVOUS)
        weir__serve(ch, t, woken);
    return k == EMPTY && ch->senders == 0 ? END : k;
}

/* A count, 0 for the end, an error, or PARK. */
static never_inline int recv_attempt(struct party *self, struct chan *ch, weir_handle h,
                                     weir_time deadline)
{
    for (unsigned turns = 0;; turns++) {
        struct wake_list woken = {NULL, NULL};
        if (request_lock(self, ch, h, deadline == WEIR_TRY ? 0 : RECV_WAITS) < 0)
            return WEIR_ECLOSED;
        int k = nothing_there(ch)
                    ? EMPTY
                    : weir__recv_locked(self, ch, &self->waiter, deadline != WEIR_TRY, &woken);
        if (k == EMPTY)
            return weir__request_queue(self, ch, deadline, &woken);
        chan_unlock(ch);
        wake_all(woken.first);
        if (k > 0)
            return k;
        if (k <= END)
            return k == END ? 0 : k;
        if (deadline == WEIR_TRY)
            return WEIR_EAGAIN;
        os_spin(turns); /* BETWEEN: a sender is about to publish */
    }
}

static int recv_slow(struct party *self, struct chan *ch, weir_handle h, weir_time deadline)
{
    wait_announce(self);
    int rc = recv_attempt(self, ch, h, deadline);
    if (rc == PARK)
        return request_park(self, ch, deadline);
    wait_renounce(self);
    if (rc == WEIR_EAGAIN && unlikely(chan_watched(ch)))
        weir__watch_arm(self, ch, h);
    return rc;
}

int weir__recv_request(struct party *self, struct chan *ch, weir_handle h, weir_time deadline)
{
    return recv_slow(self, ch, h, deadline);
}

/* A declared single receiver's fast path: no locked instruction. */
static never_inline int pop_single(struct party *self, struct chan *ch, void *items, uint32_t n)
{
    bool open = !(single_enter(&ch->receiver_user, self->id, &ch->lock) & SINGLE_RECEIVER_SHUT);
    int k = open ? weir__pop(ch, self->thread, items, n) : SHUT;
    uint32_t word = single_leave(&ch->receiver_user, self->id, &ch->lock);
    bool forgets = (open && MUTATE("single: leave does not finish")) ||
                   (!open && MUTATE("single: enter does not finish"));
    if ((word & RECEIVER_CLOSES) && !forgets)
        weir__finish_close(self, ch, RECEIVER);
    return k;
}

/* From a ticker: weir__recv_locked() asks the clock. */
static never_inline int recv_tick(struct party *self, struct slot *s, weir_receiver rx, void *time,
                                  weir_time deadline)
{
    struct chan *ch = s->object;
    if (deadline != WEIR_TRY)
        return weir__select_tick(self, rx, time, deadline);
    if (!(a32_load_acquire(&ch->lock) & SENDERS_GONE) && !ticker_is_due(ch))
        return WEIR_EAGAIN;
    if (MUTATE("ticker: taken without the lock"))
        return weir__ticker_pop(ch, time) == 1 ? 1 : WEIR_EAGAIN;
    request(self, s, time, 1, false, false);
    return recv_attempt(self, ch, rx.h, WEIR_TRY);
}

/* As send_kept() in send.c. */
static never_inline int recv_kept(struct party *self, struct chan *ch, weir_handle h,
                                  weir_time deadline)
{
    struct wake_list none = {NULL, NULL};
    int k;
    if (ch->flags & DECLARED_RECEIVER && !use_single(&ch->receiver_user, self))
        return WEIR_EBUSY;
    if (MUTATE("kept: taken without the lock") &&
        (k = weir__kept_recv(ch, &self->waiter, &none)) > 0)
        return k;
    return recv_slow(self, ch, h, deadline);
}

static int recv_n(struct party *self, weir_receiver rx, void *items, uint32_t n, size_t item_size,
                  weir_time deadline)
{
    struct slot *s = handle_get(rx.h, RECEIVER);
    if (unlikely(!s))
        return weir__handle_error(rx.h, RECEIVER);
    struct chan *ch = s->object;
    if (unlikely(item_size != ch->item_size))
        return WEIR_EITEM;
    if (unlikely(ch->flags & (DECLARED_RECEIVER | CLOCKED | KEEPS))) {
        if (ch->flags & CLOCKED)
            return recv_tick(self, s, rx, items, deadline);
        if (ch->kind >= FIRST_KEPT) {
            request(self, s, items, n, false, false);
            return recv_kept(self, ch, rx.h, deadline);
        }
        if (!use_single(&ch->receiver_user, self))
            return WEIR_EBUSY;
    }
    uint32_t flags = a32_load_acquire(&ch->lock);
    if (likely(!(flags & RECV_WAITS))) {
        int k = ch->flags & SINGLE_RECEIVER ? pop_single(self, ch, items, n)
                                            : weir__pop(ch, self->thread, items, n);
        if (likely(k > 0)) {
            a_after_rmw();
            if (unlikely(a32_load(&ch->lock) & SEND_WAITS) && /* pairs with request_lock() */
                !MUTATE("recv: no look after"))
                weir__serve_waiting(ch, self->thread);
            return k;
        }
        if (deadline == WEIR_TRY && k != SHUT && !(flags & (SEND_WAITS | SENDERS_GONE)) &&
            likely(!chan_watched(ch)))
            return WEIR_EAGAIN;
    }
    request(self, s, items, n, false, false);
    return recv_slow(self, ch, rx.h, deadline);
}

/* As send() in send.c. */
static never_inline int recv(weir_receiver rx, void *items, uint32_t n, size_t item_size,
                             weir_time deadline)
{
    struct party *self = party_enter();
    if (unlikely(!self))
        return party_refusal();
    if (likely(!party_is_plain(self))) {
        if (deadline != WEIR_TRY) {
            party_rest(self);
            if (unlikely(party_refused(self)))
                return WEIR_ECANCELED;
        }
        return recv_n(self, rx, items, n, item_size, deadline);
    }
    int rc = recv_n(self, rx, items, n, item_size, deadline);
    party_leave(self);
    return rc;
}

/* ---- the shortest ways --------------------------------------------------------------------- */

/* Nothing was there: park, or start again. */
static never_inline int recv_parks(weir_receiver rx, void *item, struct chan *ch)
{
    struct party *self = party_current();
    wait_announce(self);
    lock_acquire(&ch->lock, RECV_WAITS);
    struct slot *s = handle_get(rx.h, RECEIVER);
    if (unlikely(!s || !nothing_there(ch) || park_refused(self))) {
        chan_unlock(ch);
        wait_renounce(self);
        return recv(rx, item, 1, ch->item_size, WEIR_NEVER);
    }
    request(self, s, item, 1, false, false);
    request_link(self, ch, &ch->recvq);
    return self->ops->park(self, &ch->lock, RECV_WAITS, WEIR_NEVER);
}

/* A sender is parked at a rendezvous: take its item over, or start again. */
static never_inline int recv_from_parked(weir_receiver rx, void *item, struct chan *ch,
                                         weir_time deadline)
{
    lock_acquire(&ch->lock, 0);
    struct waiter *w = ch->sendq.first;
    if (likely(w != NULL))
        fetch_parked(ch, w);
    if (unlikely(!w || w->count != 1 || w->select || !handle_get(rx.h, RECEIVER))) {
        chan_unlock(ch);
        return recv(rx, item, 1, ch->item_size, deadline);
    }
    copy_item(item, w->items, ch->item_size);
    ch->handed++;
    complete_first(ch, &ch->sendq, w, 1);
    chan_unlock(ch);
    struct party *p = waiter_party(w);
    p->ops->wake(p);
    return 1;
}

/* Something was seen after an item was taken. Returns 1. */
static never_inline int received_look(struct chan *ch)
{
    struct party *self = party_current();
    uint32_t word = a32_load(&ch->lock);
    if ((word & RECEIVER_CLOSES) && !MUTATE("single: leave does not finish"))
        weir__finish_close(self, ch, RECEIVER);
    if ((word & SEND_WAITS) && !MUTATE("recv: no look after"))
        weir__serve_waiting(ch, self->thread);
    return 1;
}

/* The single receiver entered and took nothing: leave, and do it the general way. */
static never_inline int recv_single_leaves(weir_receiver rx, void *item, struct chan *ch,
                                           weir_time deadline)
{
    struct party *self = party_current();
    uint32_t word = single_leave(&ch->receiver_user, self->id, &ch->lock);
    if ((word & RECEIVER_CLOSES) && !MUTATE("single: enter does not finish"))
        weir__finish_close(self, ch, RECEIVER);
    return recv(rx, item, 1, ch->item_size, deadline);
}

/* By the user of a declared single receiver, or start again. */
static always_inline int single(weir_receiver rx, void *item, struct chan *ch, weir_time deadline,
                                bool waits)
{
    uint32_t id = party_current()->id;
    if (unlikely(a32_load(&ch->receiver_user) != id)) /* nobody's yet, or another's */
        return recv(rx, item, 1, ch->item_size, waits ? until(deadline) : WEIR_TRY);
    uint32_t word = single_enter(&ch->receiver_user, id, &ch->lock);
    if (unlikely(word & (RECV_WAITS | SINGLE_RECEIVER_SHUT)) ||
        unlikely(!cells_pop_one(ch, item, true)))
        return recv_single_leaves(rx, item, ch, waits ? until(deadline) : WEIR_TRY);
    if (unlikely(single_leave(&ch->receiver_user, id, &ch->lock) & RECEIVED_BEWARE))
        return received_look(ch); /* pairs with request_lock() */
    return 1;
}

static never_inline int recv_single(weir_receiver rx, void *item, struct chan *ch,
                                    weir_time deadline)
{
    return single(rx, item, ch, deadline, true);
}

static never_inline int try_recv_single(weir_receiver rx, void *item, struct chan *ch)
{
    return single(rx, item, ch, WEIR_TRY, false);
}

/* A bounded channel with many users on both ends and items of a small size. */
static always_inline int bounded(weir_receiver rx, void *item, struct chan *ch, weir_time deadline,
                                 bool waits)
{
    if (likely(!(a32_load_acquire(&ch->lock) & RECV_WAITS)) &&
        likely(cells_pop_one(ch, item, false))) {
        a_after_rmw();
        if (unlikely(a32_load(&ch->lock) & SEND_WAITS)) /* pairs with request_lock() */
            return received_look(ch);
        return 1;
    }
    if (waits && deadline == WEIR_NEVER && !(a32_load(&ch->lock) & RECEIVERS_BEWARE))
        return recv_parks(rx, item, ch);
    return recv(rx, item, 1, ch->item_size, waits ? until(deadline) : WEIR_TRY);
}

static never_inline int recv_bounded(weir_receiver rx, void *item, struct chan *ch,
                                     weir_time deadline)
{
    return bounded(rx, item, ch, deadline, true);
}

static never_inline int try_recv_bounded(weir_receiver rx, void *item, struct chan *ch)
{
    return bounded(rx, item, ch, WEIR_TRY, false);
}

/* From a block, whose senders never wait. */
static never_inline int recv_unbounded(weir_receiver rx, void *item, struct chan *ch,
                                       weir_time deadline)
{
    uint32_t flags = a32_load_acquire(&ch->lock) & RECEIVERS_BEWARE;
    if (likely(!(flags & RECV_WAITS)) && likely(blocks_pop_one(ch, item)))
        return 1;
    if (flags == 0 && deadline == WEIR_NEVER)
        return recv_parks(rx, item, ch);
    return recv(rx, item, 1, ch->item_size, deadline);
}

static never_inline int recv_otherwise(weir_receiver rx, void *item, struct chan *ch,
                                       weir_time deadline)
{
    uint32_t flags = a32_load_acquire(&ch->lock) & RECEIVERS_BEWARE;
    if (!(ch->flags & (DECLARED_RECEIVER | CLOCKED | KEEPS))) {
        if (flags == SEND_WAITS && ch->kind == RENDEZVOUS)
            return recv_from_parked(rx, item, ch, deadline);
        if (flags == 0 && ch->kind != BOUNDED && deadline == WEIR_NEVER)
            return recv_parks(rx, item, ch);
        if (flags == 0 && ch->kind == RENDEZVOUS && deadline == WEIR_TRY && !chan_watched(ch))
            return WEIR_EAGAIN;
    }
    return recv(rx, item, 1, ch->item_size, deadline);
}

/* As send_one() in send.c. */
static always_inline int recv_one(weir_receiver rx, void *item, size_t item_size,
                                  weir_time deadline, bool waits)
{
    struct slot *s;
    if (unlikely(!(waits ? party_spend() : party_has_budget())) ||
        unlikely(!(s = handle_get(rx.h, RECEIVER))))
        return recv(rx, item, 1, item_size, waits ? until(deadline) : WEIR_TRY);
    struct chan *ch = s->object;
    if (unlikely(item_size != ch->item_size))
        return WEIR_EITEM;
    if (likely(ch->ways & RECEIVES_SHORT))
        return waits ? recv_bounded(rx, item, ch, deadline) : try_recv_bounded(rx, item, ch);
    if (ch->ways & RECEIVES_SINGLE)
        return waits ? recv_single(rx, item, ch, deadline) : try_recv_single(rx, item, ch);
    if (ch->ways & BLOCKS_SHORT)
        return recv_unbounded(rx, item, ch, waits ? until(deadline) : WEIR_TRY);
    return recv_otherwise(rx, item, ch, waits ? until(deadline) : WEIR_TRY);
}

/* ---- public ---------------------------------------------------------------------------------- */

int weir_recv_item(weir_receiver rx, void *item, size_t item_size, weir_time deadline)
{
    return recv_one(rx, item, item_size, deadline, true);
}

int weir_try_recv_item(weir_receiver rx, void *item, size_t item_size)
{
    return recv_one(rx, item, item_size, WEIR_TRY, false);
}

int weir_recv_items(weir_receiver rx, void *items, size_t n, size_t item_size, weir_time deadline)
{
    if (n == 0)
        return WEIR_EINVAL;
    party_spend();
    return recv(rx, items, batch_count(n), item_size, until(deadline));
}

int weir_try_recv_items(weir_receiver rx, void *items, size_t n, size_t item_size)
{
    return n == 0 ? WEIR_EINVAL : recv(rx, items, batch_count(n), item_size, WEIR_TRY);
}
