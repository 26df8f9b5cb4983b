/* SPDX-License-Identifier: MIT */
/*
 * channel.c - the life of a channel: open, clone, close, drain, release.
 *
 * Both counts of open handles are under the lock. When the last handle of an end closes
 * the tail is marked closed, so no place can be claimed any more, and those who wait are
 * told. When both ends are closed the channel is released after a grace period.
 *
 * A declared single sender claims without a locked instruction and would overwrite a
 * mark, so its tail is never marked; single.h has the protocol instead.
 */
#include "fed.h"
#include "single.h"
#include "watch.h"

struct pool weir__chans = {
    .base = NULL,
    .stride = 2 * CACHE_LINE,
    .link_at = offsetof(struct chan, retired),
    .limit = 1u << 25,
};

/* ---- memory -------------------------------------------------------------------------- */

static size_t cells_bytes(const struct chan *ch)
{
    return (size_t)ch->capacity * ch->stride;
}

struct cell weir__no_cells = {.stamp = {UINT64_MAX}};

int weir__cells_make(struct chan *ch)
{
    void *none = &weir__no_cells;
    char *cells = os_alloc_aligned(cells_bytes(ch), CACHE_LINE);
    if (!cells)
        return WEIR_ENOMEM;
    for (uint64_t i = 0, p = 0; i < ch->capacity; i++, p += 2)
        a64_store(&cell_at(ch, cells, p)->stamp, p);
    if (!aptr_cas(&ch->cells, &none, cells)) /* another sender was first */
        os_free_aligned(cells, cells_bytes(ch), CACHE_LINE);
    return 0;
}

static bool is_wide(size_t capacity)
{
    return capacity > NARROW; /* unbounded ones too */
}

/* Above all that chan_order() says of narrow channels. */
static uint64_t wide_number(void)
{
    static a64 opened;
    return ((uint64_t)1 << 63) + a64_add(&opened, 1);
}

struct chan *weir__chan_alloc(struct thread *t, bool wide)
{
    struct chan *ch = wide ? os_alloc_aligned(sizeof(struct chan_wide), 2 * CACHE_LINE)
                           : pool_get(&weir__chans, &t->chans);
    if (!ch)
        return NULL;
    __builtin_memset(ch, 0, sizeof *ch);
    chan_place(ch, wide);
    if (wide)
        a64_store(&ch->narrow_tail, wide_number());
    return ch;
}

void weir__chan_free(struct chan *ch, struct thread *t)
{
    if (ch->kind == BOUNDED && aptr_load(&ch->cells) != &weir__no_cells)
        os_free_aligned(aptr_load(&ch->cells), cells_bytes(ch), CACHE_LINE);
    else if (ch->kind == UNBOUNDED)
        weir__blocks_free(ch);
    else if (ch->flags & KEEPS)
        weir__kept_free(ch);
    os_free(aptr_load(&ch->extras), sizeof(struct extras));
    if (chan_is_wide(ch))
        os_free_aligned(ch, sizeof(struct chan_wide), 2 * CACHE_LINE);
    else
        pool_put(&weir__chans, &t->chans, ch);
}

static uint8_t flags_of(size_t item_size, const weir_channel_options *o)
{
    unsigned flags = is_small(item_size) ? 0 : ODD_SIZE;
    if (!os_membarrier_works())
        flags |= FENCES;
    if (o && o->single_sender)
        flags |= DECLARED_SENDER;
    if (o && o->single_receiver)
        flags |= DECLARED_RECEIVER;
    return (uint8_t)flags;
}

/* Without membarrier a single end has to fence like others. */
static uint8_t bounded_flags(unsigned flags)
{
    if (!(flags & FENCES))
        flags |= (flags & DECLARED_SENDER ? SINGLE_SENDER : 0u) |
                 (flags & DECLARED_RECEIVER ? SINGLE_RECEIVER : 0u);
    return (uint8_t)flags;
}

static unsigned ways_of(enum chan_kind kind, unsigned flags)
{
    if (kind == RENDEZVOUS || flags & (ODD_SIZE | FENCES))
        return 0;
    if (kind == UNBOUNDED)
        return flags & (DECLARED_SENDER | DECLARED_RECEIVER) ? 0 : BLOCKS_SHORT;
    return (flags & SINGLE_SENDER ? SENDS_SINGLE : SENDS_SHORT) |
           (flags & SINGLE_RECEIVER ? RECEIVES_SINGLE : RECEIVES_SHORT);
}

static int set_options(struct chan *ch, size_t item_size, const weir_channel_options *o)
{
    ch->item_size = (uint32_t)item_size;
    ch->stride = (uint32_t)(sizeof(struct cell) + ((item_size + 7) & ~(size_t)7));
    if (o && o->drop) {
        struct extras *x = os_alloc(sizeof *x);
        if (!x)
            return WEIR_ENOMEM;
        *x = (struct extras){.drop = o->drop, .drop_context = o->drop_context};
        aptr_store(&ch->extras, x);
    }
    ch->flags = flags_of(item_size, o);
    return 0;
}

static int set_up(struct chan *ch, const struct chan_plan *plan)
{
    if (set_options(ch, plan->item_size, plan->options) < 0)
        return WEIR_ENOMEM;
    if (plan->kind >= FIRST_KEPT)
        return weir__kept_set_up(ch, plan);
    if (plan->kind == UNBOUNDED && weir__blocks_open(ch) < 0)
        return WEIR_ENOMEM;
    if (plan->kind == BOUNDED) {
        ch->capacity = (uint32_t)plan->capacity;
        ch->lap_mask = round_up_to_power((uint32_t)plan->capacity) - 1;
        ch->flags = bounded_flags(ch->flags);
        aptr_store(&ch->cells, &weir__no_cells);
    }
    ch->kind = plan->kind & 7;
    ch->ways = ways_of(plan->kind, ch->flags) & 31;
    return 0;
}

/* ---- open, clone ------------------------------------------------------------------------ */

static int publish(struct party *self, struct chan *ch, weir_handle *tx, weir_handle *rx)
{
    struct slot *s = weir__slot_reserve(self), *r = s ? weir__slot_reserve(self) : NULL;
    if (!r) {
        int rc = weir__slot_refused();
        if (s)
            weir__slot_cancel(self, s);
        return rc;
    }
    ch->senders = ch->receivers = 1;
    *tx = weir__slot_publish(self, s, SENDER, ch);
    *rx = weir__slot_publish(self, r, RECEIVER, ch);
    return 0;
}

static int chan_open(struct party *self, weir_handle *tx, weir_handle *rx,
                     const struct chan_plan *plan)
{
    bool wide = plan->kind < FIRST_KEPT && is_wide(plan->capacity);
    struct chan *ch = weir__chan_alloc(self->thread, wide);
    if (!ch)
        return WEIR_ENOMEM;
    int rc = set_up(ch, plan);
    if (rc == 0)
        rc = publish(self, ch, tx, rx);
    if (rc < 0)
        weir__chan_free(ch, self->thread);
    return rc;
}

int weir__chan_open(weir_sender *tx, weir_receiver *rx, const struct chan_plan *plan)
{
    int rc = WEIR_EINVAL;
    if (tx && rx && plan->item_size >= 1 && plan->item_size <= WEIR_ITEM_MAX) {
        struct party *self = party_enter();
        rc = self ? chan_open(self, &tx->h, &rx->h, plan) : party_refusal();
        if (self)
            party_leave(self);
    }
    if (rc < 0 && tx)
        tx->h = handle_null(rc);
    if (rc < 0 && rx)
        rx->h = handle_null(rc);
    return rc;
}

int weir_channel_open(weir_sender *tx, weir_receiver *rx, size_t item_size, size_t capacity,
                      const weir_channel_options *options)
{
    bool valid = capacity <= WEIR_CAPACITY_MAX || capacity == WEIR_UNBOUNDED;
    enum chan_kind kind = capacity == WEIR_UNBOUNDED ? UNBOUNDED
                          : capacity > 0             ? BOUNDED
                                                     : RENDEZVOUS;
    return weir__chan_open(tx, rx,
                           &(struct chan_plan){.kind = kind,
                                               .item_size = valid ? item_size : 0,
                                               .capacity = capacity,
                                               .options = options});
}

weir_handle weir__clone(struct party *self, struct party *owner, weir_handle h,
                        enum handle_kind kind)
{
    struct slot *s = handle_get(h, kind);
    if (!s)
        return handle_null(weir__handle_error(h, kind));
    struct chan *ch = s->object;
    if (ch->flags & (kind == SENDER ? DECLARED_SENDER : DECLARED_RECEIVER | KEEPS)) {
        if (ch->flags & (kind == SENDER ? DECLARED_SENDER : DECLARED_RECEIVER))
            return handle_null(WEIR_EBUSY);
        if (ch->kind >= FIRST_READ)
            return weir__kept_join(self, owner, h, s, false);
    }
    struct slot *clone = weir__slot_reserve(self);
    if (!clone)
        return handle_null(weir__slot_refused());
    lock_acquire(&ch->lock, 0);
    bool open = handle_open(s, h) || MUTATE("clone: handle not verified");
    if (open)
        (*(kind == SENDER ? &ch->senders : &ch->receivers))++;
    chan_unlock(ch);
    if (!open) {
        weir__slot_cancel(self, clone);
        return handle_null(WEIR_ECLOSED);
    }
    return weir__slot_publish(owner, clone, kind, ch);
}

static weir_handle clone_handle(weir_handle h, enum handle_kind kind)
{
    struct party *self = party_enter();
    if (!self)
        return handle_null(party_refusal());
    weir_handle clone = weir__clone(self, self, h, kind);
    party_leave(self);
    return clone;
}

weir_sender weir_sender_clone(weir_sender tx)
{
    return (weir_sender){clone_handle(tx.h, SENDER)};
}

weir_receiver weir_receiver_clone(weir_receiver rx)
{
    return (weir_receiver){clone_handle(rx.h, RECEIVER)};
}

static int move_object(struct party *self, weir_handle h, struct party *to)
{
    struct slot *s = handle_get(h, OBJECT);
    if (!s)
        return weir__handle_error(h, OBJECT);
    const struct object *object = s->object;
    return object->type->move ? object->type->move(self, h, to) : WEIR_EBADF;
}

int weir__move(struct party *self, weir_handle h, struct party *to)
{
    enum handle_kind kind = handle_word(h) & 3;
    if (kind == OBJECT)
        return move_object(self, h, to);
    struct slot *s = kind == NONE ? NULL : handle_get(h, kind);
    if (!s)
        return weir__handle_error(h, kind);
    struct chan *ch = s->object;
    lock_acquire(&ch->lock, 0);
    a32 *user = kind == SENDER ? &ch->sender_user : &ch->receiver_user;
    int rc = handle_open(s, h) ? weir__slot_move(self, s, to) : WEIR_ECLOSED;
    if (rc > 0 && to)
        a32_store(user, to->id);
    else if (rc >= 0 && !to && a32_load(user) == self->id)
        a32_store(user, 0); /* it is the next one's who uses it */
    chan_unlock(ch);
    return rc < 0 ? rc : 0;
}

/* ---- items that nobody can receive any more ------------------------------------------------ */

/* Two threads may be at it: never a single receiver's plain claims. */
static int pop_and_drop(struct chan *ch, struct thread *t, uint64_t n)
{
    return ch->kind == BOUNDED     ? cells_pop(ch, NULL, n, false)
           : ch->kind == UNBOUNDED ? weir__blocks_pop(ch, t, NULL, n)
           : ch->kind == ONESHOT   ? weir__kept_drop(ch)
                                   : EMPTY;
}

/* A drop function runs on t: its channel comes first, `ch` after it. Not by recursion. */
static void drain_later(struct chan *ch, struct thread *t)
{
    struct extras *x = chan_extras(ch);
    lock_acquire(&ch->lock, 0);
    if (!x->queued) {
        x->queued = true;
        x->next_drain = t->drains;
        t->drains = ch;
    }
    chan_unlock(ch);
}

static struct chan *next_drain(struct thread *t)
{
    struct chan *ch = t->drains;
    if (ch) {
        struct extras *x = chan_extras(ch);
        t->drains = x->next_drain;
        lock_acquire(&ch->lock, 0);
        x->queued = false;
        chan_unlock(ch);
    }
    return ch;
}

void weir__drain(struct chan *ch, struct thread *t)
{
    const struct extras *x = chan_extras(ch);
    if (!x || !x->drop) {
        while (pop_and_drop(ch, t, UINT32_MAX) > 0)
            ;
    } else if (t->dropping) {
        drain_later(ch, t);
    } else {
        t->dropping = true;
        for (; ch; ch = next_drain(t))
            while (pop_and_drop(ch, t, 1) > 0)
                ;
        t->dropping = false;
    }
}

void weir__drops_end(struct thread *t)
{
    t->dropping = false;
    struct chan *ch = next_drain(t);
    if (ch)
        weir__drain(ch, t);
}

/* ---- close --------------------------------------------------------------------------------- */

/* Under the lock. No claim can follow, but of a single sender that is still inside. */
static void mark_closed(struct chan *ch)
{
    if (!(ch->flags & SINGLE_SENDER) && !MUTATE("close: no mark"))
        a64_or(chan_tail(ch), TAIL_CLOSED);
}

/* Who feeds it has no handle and goes with the last one, and with him what end_close() says. */
static void fed_close(struct chan *ch, enum handle_kind kind, struct wake_list *woken)
{
    if (--*(kind == SENDER ? &ch->senders : &ch->receivers) > 0)
        return;
    ch->senders = ch->receivers = 0;
    weir__complete_all(ch, kind == SENDER ? &ch->sendq : &ch->recvq, NULL, WEIR_ECLOSED, woken);
}

/*
 * Under the lock: one handle less on this end. With the last receiver the clock goes, which has
 * no handle, and what is left of those who waited: dead waiters, of selects that
 * something else has served. A sender's close may have left them there, behind one who waits for a
 * claimed place.
 */
static void end_close(struct chan *ch, struct thread *t, enum handle_kind kind,
                      struct wake_list *woken)
{
    if (ch->kind == FED) {
        fed_close(ch, kind, woken);
    } else if (kind == SENDER) {
        if (--ch->senders == 0) {
            mark_closed(ch);
            weir__serve(ch, t, woken);
        }
    } else if (--ch->receivers == 0) {
        if (ch->kind == TICKS)
            ch->senders = 0;
        mark_closed(ch);
        weir__complete_all(ch, &ch->sendq, NULL, WEIR_EPIPE, woken);
        if (!MUTATE("close: dead waiters stay"))
            weir__complete_all(ch, &ch->recvq, NULL, WEIR_ECLOSED, woken);
    }
}

static uint32_t closes(enum handle_kind kind)
{
    return kind == SENDER ? SENDER_CLOSES : RECEIVER_CLOSES;
}

static uint32_t gone(const struct chan *ch)
{
    return (ch->senders ? 0u : SENDERS_GONE) | (ch->receivers ? 0u : RECEIVERS_GONE);
}

static void chan_release(struct retired *r, struct thread *t)
{
    weir__chan_free(container_of(r, struct chan, retired), t);
}

/* The lock is held, one handle of this end is shut: count it, unlock, tell, drop. */
static void close_and_unlock(struct party *self, struct chan *ch, enum handle_kind kind,
                             struct wake_list *woken)
{
    struct thread *t = self->thread;
    end_close(ch, t, kind, woken);
    bool drops = kind == RECEIVER && ch->receivers == 0 && ch->kind != RENDEZVOUS;
    bool late = chan_some(ch) || ch->flags & (SINGLE_SENDER | KEEPS); /* somebody may yet publish */
    bool both = ch->senders == 0 && ch->receivers == 0;
    /* From CLOSES to GONE in one store: a single user must not miss both. */
    lock_release(&ch->lock, (chan_flags(ch) & ~closes(kind)) | gone(ch));
    wake_all(woken->first);
    if (ch->kind == FED) {
        if (both)
            weir__fed_deserted(ch, t);
    } else if (drops && late) {
        if (!(ch->flags & KEEPS) && !MUTATE("close: drain without membarrier"))
            os_membarrier(); /* pairs with after_publishing() */
        weir__drain(ch, t);
    }
    if (both && MUTATE("close: channel without grace"))
        weir__chan_free(ch, t);
    else if (both)
        weir__retire(t, &ch->retired, chan_release);
}

/* Under the lock. Does the user of this single end have to finish the closing? */
static bool leave_to_user(struct party *self, struct chan *ch, enum handle_kind kind, bool parked)
{
    bool sends = kind == SENDER;
    const a32 *user = sends ? &ch->sender_user : &ch->receiver_user;
    if (!(ch->flags & (sends ? SINGLE_SENDER : SINGLE_RECEIVER)) || parked ||
        (a32_load(user) & ~INSIDE) == self->id)
        return false;
    a32_store(&ch->lock, a32_load(&ch->lock) | closes(kind));
    if (single_is_inside(user))
        return true;
    if (MUTATE("single: CLOSES ends before GONE"))
        a32_store(&ch->lock, a32_load(&ch->lock) & ~closes(kind));
    return false;
}

void weir__finish_close(struct party *self, struct chan *ch, enum handle_kind kind)
{
    struct wake_list woken = {NULL, NULL};
    lock_acquire(&ch->lock, 0);
    if (a32_load(&ch->lock) & closes(kind)) {
        close_and_unlock(self, ch, kind, &woken);
    } else {
        chan_unlock(ch); /* the closer found nobody inside */
    }
}

void weir__fed_close(struct party *self, struct chan *ch, enum handle_kind kind,
                     const struct slot *s)
{
    struct wake_list woken = {NULL, NULL};
    lock_acquire(&ch->lock, 0);
    weir__complete_all(ch, kind == SENDER ? &ch->sendq : &ch->recvq, s, WEIR_ECLOSED, &woken);
    close_and_unlock(self, ch, kind, &woken);
}

int weir__close_end(struct party *self, weir_handle h, enum handle_kind kind)
{
    struct slot *s = handle_get(h, kind);
    if (!s)
        return weir__handle_error(h, kind);
    struct chan *ch = s->object;
    struct wake_list woken = {NULL, NULL};
    lock_acquire(&ch->lock, 0);
    if (!handle_open(s, h) && !MUTATE("close: handle not verified")) {
        chan_unlock(ch);
        return WEIR_ECLOSED;
    }
    struct waitq *q = kind == SENDER ? &ch->sendq : &ch->recvq;
    bool waited_on = slot_may_be_waited_on(s, self, q);
    struct party *owner = slot_shut(s);
    struct watch *watch = kind == RECEIVER ? weir__watch_take(ch, s) : NULL;
    if (waited_on)
        weir__complete_all(ch, q, s, WEIR_ECLOSED, &woken);
    if (ch->flags & KEEPS && kind == RECEIVER)
        weir__kept_leave(ch, s, &woken);
    if (leave_to_user(self, ch, kind, woken.first != NULL)) {
        chan_unlock(ch);
        wake_all(woken.first);
    } else {
        close_and_unlock(self, ch, kind, &woken);
    }
    weir__slot_release(self, s, owner);
    if (unlikely(watch != NULL))
        weir__watch_end(self, watch);
    return 0;
}

static int object_close(struct party *self, weir_handle h)
{
    struct slot *s = handle_get(h, OBJECT);
    if (!s)
        return weir__handle_error(h, OBJECT);
    struct object *o = s->object;
    return o->type->close ? o->type->close(self, h) : WEIR_EBADF;
}

/* To close what is closed is no error. */
static int closed(int rc)
{
    return rc == WEIR_ECLOSED ? 0 : rc;
}

int weir_handle_close(weir_handle h)
{
    enum handle_kind kind = handle_word(h) & 3;
    if (kind == NONE || (uint32_t)h == 0)
        return closed(weir__handle_error(h, NONE)); /* a null handle's: what it carries */
    struct party *self = party_enter(), *spare = NULL;
    if (unlikely(!self) && weir__barred())
        return party_refusal();
    if (unlikely(!self))
        self = spare = weir__spare_enter(); /* closing does not fail for want of memory */
    int rc = kind == OBJECT ? object_close(self, h) : weir__close_end(self, h, kind);
    party_leave(self);
    if (unlikely(spare != NULL))
        weir__spare_leave(spare);
    return closed(rc);
}

/* ---- looking -------------------------------------------------------------------------------- */

int weir_handle_check(weir_handle h)
{
    enum handle_kind kind = handle_word(h) & 3;
    return kind != NONE && handle_get(h, kind) ? 0 : weir__handle_error(h, NONE);
}

static void count_items(struct chan *ch, weir_statistics *out)
{
    uint64_t head = a64_load_acquire(chan_head(ch));
    uint64_t tail = a64_load_acquire(chan_tail(ch)) & ~(uint64_t)TAIL_CLOSED;
    out->capacity = ch->kind == UNBOUNDED ? WEIR_UNBOUNDED : 0;
    out->passed = ch->handed;
    if (ch->kind == UNBOUNDED) {
        out->buffered = (tail - head) >> 1;
        out->passed += tail >> 1;
    } else if (ch->kind == BOUNDED) {
        out->capacity = ch->capacity;
        out->buffered = cells_between(ch, head, tail);
        if (out->buffered > out->capacity) /* the head has moved since it was read */
            out->buffered = out->capacity;
        out->passed += cells_between(ch, 0, tail);
    } else if (ch->kind == TICKS) {
        out->capacity = 1;
        out->buffered = ticker_is_due(ch);
    } else if (ch->flags & KEEPS) {
        out->capacity = ch->capacity;
        out->buffered = kept_buffered(ch);
    }
}

/* Under the lock, by an open handle: the waiting are counted only while one is. */
static void take_statistics(struct chan *ch, weir_statistics *out)
{
    *out = (weir_statistics){
        .item_size = ch->item_size,
        .open_senders = ch->senders,
        .open_receivers = ch->receivers,
        .waiting_senders = ch->waiting_senders,
        .waiting_receivers = ch->waiting_receivers,
    };
    count_items(ch, out);
}

int weir_handle_statistics(weir_handle h, weir_statistics *out)
{
    enum handle_kind kind = handle_word(h) & 3;
    if (!out)
        return WEIR_EINVAL;
    if (kind != SENDER && kind != RECEIVER)
        return weir__handle_error(h, NONE);
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct slot *s = handle_get(h, kind);
    int rc = s ? 0 : weir__handle_error(h, kind);
    if (s) {
        struct chan *ch = s->object;
        lock_acquire(&ch->lock, 0);
        rc = handle_open(s, h) ? 0 : WEIR_ECLOSED;
        if (rc == 0)
            take_statistics(ch, out);
        chan_unlock(ch);
    }
    party_leave(self);
    return rc;
}
