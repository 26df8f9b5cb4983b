/* SPDX-License-Identifier: MIT */
/*
 * send.c - the sending operations.
 *
 * The fast path looks up the handle, sees no flag in the lock word, pushes (one locked
 * instruction), looks at the flags once more and returns. Everything else is under the
 * lock: hand an item to a parked receiver, queue behind others, park.
 */
#include "kept.h"
#include "single.h"

/* Hand items to parked receivers, oldest first, while nothing is before them. */
static uint32_t hand_over(struct chan *ch, struct waiter *mine, struct wake_list *woken)
{
    uint32_t sent = 0;
    struct waiter *w;
    while (sent < mine->count && ch->recvq.first &&
           (!chan_some(ch) || MUTATE("hand-over: past a claim")) &&
           (w = claim_first(ch, &ch->recvq))) {
        uint32_t k = mine->count - sent < w->count ? mine->count - sent : w->count;
        copy_items(ch, w->items, mine->items + (size_t)sent * ch->item_size, k);
        complete(ch, w, (int)k, woken);
        sent += k;
    }
    ch->handed += sent;
    return sent;
}

int weir__send_locked(struct party *self, struct chan *ch, struct waiter *mine, bool wait,
                      struct wake_list *woken)
{
    if (unlikely(ch->flags & KEEPS))
        return weir__kept_send(ch, mine, woken);
    weir__serve(ch, self->thread, woken);
    uint32_t sent = hand_over(ch, mine, woken);
    if (sent == mine->count || ch->sendq.first)
        return (int)sent;
    char *rest = mine->items + (size_t)sent * ch->item_size;
    bool unfenced = peer_unfenced(self, ch, SINGLE_RECEIVER, &ch->receiver_user);
    int k = weir__push(ch, rest, mine->count - sent);
    if (k == FULL && sent == 0 && wait && unfenced) {
        if (!MUTATE("single: send waits without membarrier"))
            os_membarrier(); /* pairs with the receiver's claim, a plain store */
        k = weir__push(ch, rest, mine->count);
    }
    if (k > 0 && ch->recvq.first) /* behind a place that is claimed but not published */
        weir__serve(ch, self->thread, woken);
    return k > 0 ? (int)sent + k : sent ? (int)sent : k;
}

/* A count, an error, or PARK. */
static never_inline int send_attempt(struct party *self, struct chan *ch, weir_handle h,
                                     weir_time deadline)
{
    for (unsigned turns = 0;; turns++) {
        struct wake_list woken = {NULL, NULL};
        if (request_lock(self, ch, h, deadline == WEIR_TRY ? 0 : SEND_WAITS) < 0)
            return WEIR_ECLOSED;
        if (ch->receivers == 0) {
            chan_unlock(ch);
            return WEIR_EPIPE;
        }
        int k = MUTATE("park: no second look")
                    ? FULL
                    : weir__send_locked(self, ch, &self->waiter, deadline != WEIR_TRY, &woken);
        if (k == FULL)
            return weir__request_queue(self, ch, deadline, &woken);
        chan_unlock(ch);
        wake_all(woken.first);
        if (k > 0)
            return self->waiter.one ? 0 : k;
        if (k < END)
            return k;
        if (deadline == WEIR_TRY)
            return WEIR_EAGAIN;
        os_spin(turns); /* BETWEEN: a receiver is about to free the place */
    }
}

static int send_slow(struct party *self, struct chan *ch, weir_handle h, weir_time deadline)
{
    wait_announce(self);
    int rc = send_attempt(self, ch, h, deadline);
    if (rc == PARK)
        return request_park(self, ch, deadline);
    wait_renounce(self);
    return rc;
}

int weir__send_request(struct party *self, struct chan *ch, weir_handle h, weir_time deadline)
{
    return send_slow(self, ch, h, deadline);
}

/* Something was seen after an item was published. Returns 0. */
static never_inline int sent_look(struct chan *ch)
{
    struct party *self = party_current();
    uint32_t word = a32_load(&ch->lock);
    if ((word & SENDER_CLOSES) && !MUTATE("single: leave does not finish"))
        weir__finish_close(self, ch, SENDER);
    if (MUTATE("send: no look after"))
        return 0;
    if (word & RECEIVERS_GONE)
        weir__drain(ch, self->thread);
    else if (word & RECV_WAITS)
        weir__serve_waiting(ch, self->thread);
    return 0;
}

/* A declared single sender's fast path: no locked instruction. */
static never_inline int push_single(struct party *self, struct chan *ch, const void *items,
                                    uint32_t n)
{
    bool open = !(single_enter(&ch->sender_user, self->id, &ch->lock) & SINGLE_SENDER_SHUT);
    int k = open ? weir__push(ch, items, n) : SHUT;
    uint32_t word = single_leave(&ch->sender_user, self->id, &ch->lock);
    bool forgets = (open && MUTATE("single: leave does not finish")) ||
                   (!open && MUTATE("single: enter does not finish"));
    if ((word & SENDER_CLOSES) && !forgets)
        weir__finish_close(self, ch, SENDER);
    return k;
}

/* Of a kind that keeps its items: always under the lock. */
static never_inline int send_kept(struct party *self, struct chan *ch, weir_handle h,
                                  weir_time deadline)
{
    if (ch->flags & DECLARED_SENDER && !use_single(&ch->sender_user, self))
        return WEIR_EBUSY;
    return send_slow(self, ch, h, deadline);
}

/* A count (`one`: 0) or an error. */
static int send_n(struct party *self, weir_sender tx, const void *items, uint32_t n,
                  size_t item_size, weir_time deadline, bool one)
{
    struct slot *s = handle_get(tx.h, SENDER);
    if (unlikely(!s))
        return weir__handle_error(tx.h, SENDER);
    if (MUTATE("handle: slot without grace"))
        (void)handle_open(s, tx.h); /* a choice point; the plain load of object is none */
    struct chan *ch = s->object;
    if (unlikely(item_size != ch->item_size))
        return WEIR_EITEM;
    if (unlikely(ch->flags & (DECLARED_SENDER | KEEPS))) {
        if (ch->kind >= FIRST_KEPT) {
            request(self, s, items, n, true, one);
            return send_kept(self, ch, tx.h, deadline);
        }
        if (!use_single(&ch->sender_user, self))
            return WEIR_EBUSY;
    }
    if (likely(!(a32_load_acquire(&ch->lock) & SENDERS_BEWARE))) {
        int k =
            ch->flags & SINGLE_SENDER ? push_single(self, ch, items, n) : weir__push(ch, items, n);
        if (likely(k > 0)) {
            after_publishing(ch);
            if (unlikely(a32_load(&ch->lock) & SENT_BEWARE)) /* pairs with request_lock() */
                sent_look(ch);
            return one ? 0 : k;
        }
        if (deadline == WEIR_TRY && (k == FULL || k == BETWEEN))
            return WEIR_EAGAIN;
    }
    request(self, s, items, n, true, one);
    return send_slow(self, ch, tx.h, deadline);
}

/*
 * Enter, send, leave; an actor has nothing to do on leaving, so that it parks in a tail call.
 * The caller has spent what the operation costs.
 */
static never_inline int send(weir_sender tx, const void *items, uint32_t n, size_t item_size,
                             weir_time deadline, bool one)
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
        return send_n(self, tx, items, n, item_size, deadline, one);
    }
    int rc = send_n(self, tx, items, n, item_size, deadline, one);
    party_leave(self);
    return rc;
}

/* ---- the shortest ways --------------------------------------------------------------------- */

/* The same to the first in the queue, which is a select's; the lock is held. */
static never_inline int send_to_select(weir_sender tx, const void *item, struct chan *ch,
                                       weir_time deadline)
{
    struct waiter *w = weir__claim_first(ch, &ch->recvq);
    struct wake_list woken = {NULL, NULL};
    if (!w) {
        chan_unlock(ch);
        return send(tx, item, 1, ch->item_size, deadline, true);
    }
    copy_item(w->items, item, ch->item_size);
    ch->handed++;
    complete(ch, w, 1, &woken);
    chan_unlock(ch);
    wake_all(woken.first);
    return 0;
}

/* A receiver is parked and nothing is before it: hand the item over, or start again. */
static never_inline int send_to_parked(weir_sender tx, const void *item, struct chan *ch,
                                       weir_time deadline)
{
    lock_acquire(&ch->lock, 0);
    struct waiter *w = ch->recvq.first;
    if (likely(w != NULL))
        fetch_parked(ch, w);
    if (unlikely(!w || ch->sendq.first || !handle_get(tx.h, SENDER) ||
                 (chan_some(ch) && !MUTATE("hand-over: past a claim")))) {
        chan_unlock(ch);
        return send(tx, item, 1, ch->item_size, deadline, true);
    }
    if (unlikely(w->select))
        return send_to_select(tx, item, ch, deadline);
    copy_item(w->items, item, ch->item_size);
    ch->handed++;
    complete_first(ch, &ch->recvq, w, 1);
    chan_unlock(ch);
    struct party *p = waiter_party(w);
    p->ops->wake(p);
    return 0;
}

/* There was no place: park, or start again. */
static never_inline int send_parks(weir_sender tx, const void *item, struct chan *ch)
{
    struct party *self = party_current();
    wait_announce(self);
    lock_acquire(&ch->lock, SEND_WAITS);
    struct slot *s = handle_get(tx.h, SENDER);
    if (unlikely(!s || !no_room(ch) || park_refused(self))) {
        chan_unlock(ch);
        wait_renounce(self);
        return send(tx, item, 1, ch->item_size, WEIR_NEVER, true);
    }
    request(self, s, item, 1, true, true);
    request_link(self, ch, &ch->sendq);
    return self->ops->park(self, &ch->lock, SEND_WAITS, WEIR_NEVER);
}

/* A place in a block, or start again, which never waits. */
static never_inline int send_unbounded(weir_sender tx, const void *item, struct chan *ch)
{
    uint32_t flags = a32_load_acquire(&ch->lock) & SENDERS_BEWARE;
    if (flags == RECV_WAITS)
        return send_to_parked(tx, item, ch, WEIR_TRY);
    if (likely(flags == 0) && likely(blocks_push_one(ch, item))) {
        after_publishing_short();
        if (unlikely(a32_load(&ch->lock) & SENT_BEWARE)) /* pairs with request_lock() */
            return sent_look(ch);
        return 0;
    }
    return send(tx, item, 1, ch->item_size, WEIR_TRY, true);
}

/* The single sender entered and sent nothing: leave, and do it the general way. */
static never_inline int send_single_leaves(weir_sender tx, const void *item, struct chan *ch,
                                           weir_time deadline)
{
    struct party *self = party_current();
    uint32_t word = single_leave(&ch->sender_user, self->id, &ch->lock);
    if ((word & SENDER_CLOSES) && !MUTATE("single: enter does not finish"))
        weir__finish_close(self, ch, SENDER);
    if ((word & SENDERS_BEWARE) == RECV_WAITS)
        return send_to_parked(tx, item, ch, deadline);
    return send(tx, item, 1, ch->item_size, deadline, true);
}

/* By the user of a declared single sender, or start again. */
static always_inline int single(weir_sender tx, const void *item, struct chan *ch,
                                weir_time deadline, bool waits)
{
    uint32_t id = party_current()->id;
    if (unlikely(a32_load(&ch->sender_user) != id)) /* nobody's yet, or another's */
        return send(tx, item, 1, ch->item_size, waits ? until(deadline) : WEIR_TRY, true);
    uint32_t word = single_enter(&ch->sender_user, id, &ch->lock);
    if (unlikely(word & (SENDERS_BEWARE | SINGLE_SENDER_SHUT)) ||
        unlikely(!cells_push_one(ch, item, true)))
        return send_single_leaves(tx, item, ch, waits ? until(deadline) : WEIR_TRY);
    /* Pairs with request_lock(), and the drain as after_publishing() does. */
    if (unlikely(single_leave(&ch->sender_user, id, &ch->lock) & SENT_BEWARE))
        return sent_look(ch);
    return 0;
}

static never_inline int send_single(weir_sender tx, const void *item, struct chan *ch,
                                    weir_time deadline)
{
    return single(tx, item, ch, deadline, true);
}

static never_inline int try_send_single(weir_sender tx, const void *item, struct chan *ch)
{
    return single(tx, item, ch, WEIR_TRY, false);
}

/* A bounded channel with many users on both ends and items of a small size. */
static always_inline int bounded(weir_sender tx, const void *item, struct chan *ch,
                                 weir_time deadline, bool waits)
{
    uint32_t flags = a32_load_acquire(&ch->lock) & SENDERS_BEWARE;
    if (likely(flags == 0)) {
        if (likely(cells_push_one(ch, item, false))) {
            after_publishing_short();
            if (unlikely(a32_load(&ch->lock) & SENT_BEWARE)) /* pairs with request_lock() */
                return sent_look(ch);
            return 0;
        }
        if (waits && deadline == WEIR_NEVER)
            return send_parks(tx, item, ch);
    } else if (flags == RECV_WAITS) {
        return send_to_parked(tx, item, ch, waits ? until(deadline) : WEIR_TRY);
    }
    return send(tx, item, 1, ch->item_size, waits ? until(deadline) : WEIR_TRY, true);
}

static never_inline int send_bounded(weir_sender tx, const void *item, struct chan *ch,
                                     weir_time deadline)
{
    return bounded(tx, item, ch, deadline, true);
}

static never_inline int try_send_bounded(weir_sender tx, const void *item, struct chan *ch)
{
    return bounded(tx, item, ch, WEIR_TRY, false);
}

static never_inline int send_otherwise(weir_sender tx, const void *item, struct chan *ch,
                                       weir_time deadline)
{
    uint32_t flags = a32_load_acquire(&ch->lock) & SENDERS_BEWARE;
    if (!(ch->flags & (DECLARED_SENDER | KEEPS))) {
        if (flags == RECV_WAITS)
            return send_to_parked(tx, item, ch, deadline);
        if (flags == 0 && ch->kind == RENDEZVOUS && deadline == WEIR_NEVER)
            return send_parks(tx, item, ch);
    }
    return send(tx, item, 1, ch->item_size, deadline, true);
}

/*
 * One item by an actor. Each of the ways below does the ordinary thing, or leaves to send()
 * in a tail call, which finds the state as it was; they are apart from each other so that
 * none has to save a register. docs/protocol.md counts what they cost.
 */
static always_inline int send_one(weir_sender tx, const void *item, size_t item_size,
                                  weir_time deadline, bool waits)
{
    struct slot *s;
    if (unlikely(!(waits ? party_spend() : party_has_budget())) ||
        unlikely(!(s = handle_get(tx.h, SENDER))))
        return send(tx, item, 1, item_size, waits ? until(deadline) : WEIR_TRY, true);
    struct chan *ch = s->object;
    if (unlikely(item_size != ch->item_size))
        return WEIR_EITEM;
    if (likely(ch->ways & SENDS_SHORT))
        return waits ? send_bounded(tx, item, ch, deadline) : try_send_bounded(tx, item, ch);
    if (ch->ways & SENDS_SINGLE)
        return waits ? send_single(tx, item, ch, deadline) : try_send_single(tx, item, ch);
    if (ch->ways & BLOCKS_SHORT)
        return send_unbounded(tx, item, ch);
    return send_otherwise(tx, item, ch, waits ? until(deadline) : WEIR_TRY);
}

/* ---- public ---------------------------------------------------------------------------------- */

int weir_send_item(weir_sender tx, const void *item, size_t item_size, weir_time deadline)
{
    return send_one(tx, item, item_size, deadline, true);
}

int weir_try_send_item(weir_sender tx, const void *item, size_t item_size)
{
    return send_one(tx, item, item_size, WEIR_TRY, false);
}

int weir_send_items(weir_sender tx, const void *items, size_t n, size_t item_size,
                    weir_time deadline)
{
    if (n == 0)
        return WEIR_EINVAL;
    party_spend();
    return send(tx, items, batch_count(n), item_size, until(deadline), false);
}

int weir_try_send_items(weir_sender tx, const void *items, size_t n, size_t item_size)
{
    return n == 0 ? WEIR_EINVAL : send(tx, items, batch_count(n), item_size, WEIR_TRY, false);
}
