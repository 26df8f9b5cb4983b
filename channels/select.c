/* SPDX-License-Identifier: MIT */
/*
 * select.c - wait for whichever of several sends and receives can be done first.
 *
 * First each case is tried as the plain try form would, without locks. If nothing is ready:
 *
 *   lock     all channels at once, in the order of chan_order(), so that selects that share
 *            channels wait for each other's locks in no circle; announce, as for a single wait
 *   try      again under the locks. Nobody can serve us meanwhile: we are in no queue
 *   queue    a waiter in each channel, in the memory of the caller's case
 *   unlock   from now on we can be served, and may not be woken: we still run
 *   park     which opens the latch when we no longer run
 *
 * Who serves a waiter of ours holds its channel's lock. It has to claim us first, by the word
 * `linked` of our own waiter, because the holder of another channel's lock may be about to:
 *
 *   CLAIMABLE -> CLAIMED -> UNLINKED   it was served; whoever did it owes the wake
 *                        -> CLAIMABLE  there was nothing to be had after all; we keep our place
 *
 * CLAIMED lasts for a few instructions without a wait, so whoever meets it waits: to take it
 * for "decided" would drop us from a queue in which we may still have to be served. Who finds
 * us decided removes our waiter from its queue and goes on to the next. So a dead waiter is
 * in nobody's way, and taking our own out afterwards owes nothing to those behind it.
 *
 * The latch is a lock that a single wait does not need, because there the channel's lock is
 * held until after the switch. Whoever has claimed us waits for it outside of our locks.
 * Whose latch is closed waits for nothing until it has parked, so there is no circle.
 *
 * A ticker's tick is taken by whoever looks when it is due (ticker.c): here by a select itself, so
 * it parks until the first tick of its tickers at the latest. When that time has come it is asked,
 * by weir__select_expire(), without being woken and without losing its place in any queue: the
 * tick goes to whoever stands first in the ticker's, and who got none waits on, for the next.
 *
 * A waiter that lost is unlinked by ourselves under its channel's lock, or was by somebody who
 * met it: at the latest by the last receiver's close, so that no channel goes before it. The
 * latch, the claim word and which case fired are in the party, which nobody touches any more after
 * the wake; the waiters are the caller's, and untouched after the last is unlinked.
 */
#include <weir/select.h>

#include "fed.h"
#include "single.h"

enum case_kind {
    CASE_OFF,
    CASE_RECV,
    CASE_SEND,
    CASE_SOURCE,
    CASE_FED_RECV, /* of an object, for no bytes: see fed.h */
    CASE_FED_SEND
};

/* Instead of an index or an error. */
enum { NOTHING = INT_MIN, AGAIN };

struct selection {
    struct party *self;
    weir_case *cases;
    uint32_t n, first; /* how many; where to begin */
    uint32_t armed;    /* so many cases are prepared, sources of them armed */
    uint32_t sources;  /* of these */
    uint32_t flags;    /* the channels', together */
    weir_time deadline;
    struct select_waiter *order; /* of the locks */
    struct wake_list woken;
};

_Static_assert(sizeof(struct select_waiter) <= sizeof(((weir_case *)0)->reserved),
               "a waiter fits into a case");

static struct select_waiter *waiter_in(weir_case *c)
{
    return (struct select_waiter *)(void *)c->reserved;
}

static uint32_t next_case(const struct selection *s, uint32_t i)
{
    return i + 1 < s->n ? i + 1 : 0;
}

/* ---- without locks -------------------------------------------------------------------------- */

static int try_case(weir_case *c)
{
    switch (c->kind) {
    case CASE_RECV:
        return weir_try_recv_item((weir_receiver){c->handle}, c->item, c->item_size);
    case CASE_SEND:
        return weir_try_send_item((weir_sender){c->handle}, c->item, c->item_size);
    case CASE_SOURCE:
        return c->source->try_item(c->object, c->item);
    default:
        return c->kind == CASE_OFF ? WEIR_EAGAIN : WEIR_EINVAL;
    }
}

/* Would a try of this receive, or send, surely have to wait? Only a quick look. */
static always_inline bool must_wait(const weir_case *c)
{
    if (c->kind != CASE_RECV && c->kind != CASE_SEND)
        return false;
    bool sends = c->kind == CASE_SEND;
    const struct slot *slot = handle_get(c->handle, sends ? SENDER : RECEIVER);
    if (unlikely(!slot))
        return false;
    struct chan *ch = slot->object;
    if (a32_load_acquire(&ch->lock) &
        (sends ? RECV_WAITS | RECEIVERS_GONE : SEND_WAITS | SENDERS_GONE))
        return false;
    if (unlikely(c->item_size != ch->item_size ||
                 ch->flags & (DECLARED_SENDER | DECLARED_RECEIVER | CLOCKED | KEEPS)))
        return false;
    return ch->kind == RENDEZVOUS || (!sends && !chan_some(ch));
}

static int try_all(const struct selection *s)
{
    for (uint32_t k = 0, i = s->first; k < s->n; k++, i = next_case(s, i)) {
        if (must_wait(&s->cases[i]))
            continue;
        int rc = try_case(&s->cases[i]);
        if (rc != WEIR_EAGAIN) {
            s->cases[i].rc = rc;
            return (int)i;
        }
    }
    return NOTHING;
}

/* ---- what to wait for ------------------------------------------------------------------------ */

/* Of what weir__on_fed() says: the object is open since before this operation, or closed. */
static never_inline int set_up_fed(struct selection *s, uint32_t i, const weir_case *below)
{
    enum handle_kind kind = handle_word(below->handle) & 3;
    struct slot *slot = kind == NONE ? NULL : handle_get(below->handle, kind);
    if (!slot)
        return weir__handle_error(below->handle, kind);
    struct select_waiter *w = waiter_in(&s->cases[i]);
    *w = (struct select_waiter){
        .party = s->self, .chan = below->object, .word = handle_word(below->handle), .index = i};
    w->waiter.slot = slot;
    w->waiter.sends = below->kind == CASE_FED_SEND;
    w->waiter.select = w->waiter.bytes = true;
    return 0;
}

/* The waiter of the i-th case as `below` says, which is itself or what its source waits for. */
static always_inline int set_up(struct selection *s, uint32_t i, const weir_case *below)
{
    if (unlikely(below->kind == CASE_FED_RECV || below->kind == CASE_FED_SEND))
        return set_up_fed(s, i, below);
    bool sends = below->kind == CASE_SEND;
    enum handle_kind kind = sends ? SENDER : RECEIVER;
    if (!sends && below->kind != CASE_RECV)
        return WEIR_EINVAL;
    struct slot *slot = handle_get(below->handle, kind);
    if (!slot)
        return weir__handle_error(below->handle, kind);
    struct chan *ch = slot->object;
    if (below->item_size != ch->item_size)
        return WEIR_EITEM;
    if (ch->flags & (sends ? DECLARED_SENDER : DECLARED_RECEIVER) &&
        !use_single(sends ? &ch->sender_user : &ch->receiver_user, s->self))
        return WEIR_EBUSY;
    struct select_waiter *w = waiter_in(&s->cases[i]);
    w->chan = ch;
    w->waiter.slot = slot;
    w->waiter.items = below->item;
    w->waiter.count = 1;
    w->waiter.sends = w->waiter.one = sends;
    w->waiter.select = true;
    w->waiter.watch = w->waiter.bytes = false;
    w->party = s->self;
    w->word = handle_word(below->handle);
    w->index = i;
    return 0;
}

static never_inline int prepare_source(struct selection *s, uint32_t i)
{
    weir_case *c = &s->cases[i], below;
    below.kind = CASE_OFF;
    int rc = c->source->arm(c->object, &below);
    if (rc < 0)
        return rc;
    rc = set_up(s, i, &below);
    if (rc < 0)
        c->source->disarm(c->object, WEIR_EAGAIN);
    else
        s->sources++;
    return rc;
}

/* Tell the armed sources that the wait is over, and what became of it. */
static void disarm_all(struct selection *s, int fired)
{
    for (uint32_t i = 0; s->sources > 0 && i < s->armed; i++) {
        weir_case *c = &s->cases[i];
        if (c->kind == CASE_SOURCE)
            c->source->disarm(c->object, (int)i == fired ? c->rc : WEIR_EAGAIN);
    }
    s->armed = s->sources = 0;
}

static struct select_waiter *merge(struct select_waiter *a, struct select_waiter *b)
{
    struct select_waiter *first, **end = &first;
    while (a && b) {
        struct select_waiter **lower = chan_order(b->chan) < chan_order(a->chan) ? &b : &a;
        *end = *lower;
        end = &(*lower)->next;
        *lower = (*lower)->next;
    }
    *end = a ? a : b;
    return first;
}

/* The first n of the list *rest, which advances, in order. */
static struct select_waiter *sort(struct select_waiter **rest, uint32_t n)
{
    struct select_waiter *first = *rest;
    if (n == 1) {
        *rest = first->next;
        first->next = NULL;
        return first;
    }
    first = sort(rest, n / 2);
    return merge(first, sort(rest, n - n / 2));
}

/*
 * Waiters for all cases, in the order of the locks. NOTHING is wrong, or the case that fired, or
 * AGAIN: a source says that it is to be asked again.
 */
static int prepare(struct selection *s)
{
    struct select_waiter **end = &s->order;
    uint32_t n = 0;
    uint64_t last = 0;
    bool sorted = true;
    for (uint32_t i = 0; i < s->n; i++) {
        weir_case *c = &s->cases[i];
        if (c->kind != CASE_OFF) {
            int rc = c->kind == CASE_SOURCE ? prepare_source(s, i) : set_up(s, i, c);
            if (rc < 0) {
                disarm_all(s, NOTHING);
                c->rc = rc;
                return rc == WEIR_EAGAIN ? AGAIN : (int)i;
            }
            struct select_waiter *w = waiter_in(c);
            uint64_t order = chan_order(w->chan);
            sorted = sorted && order >= last;
            last = order;
            *end = w;
            end = &w->next;
            n++;
        }
        s->armed = i + 1;
    }
    *end = NULL;
    if (!sorted && !MUTATE("select: locks in the order of cases")) {
        struct select_waiter *rest = s->order;
        s->order = sort(&rest, n);
    }
    return NOTHING;
}

/* ---- under the locks ------------------------------------------------------------------------- */

static bool last_of_its_channel(const struct select_waiter *w)
{
    return !w->next || w->next->chan != w->chan;
}

/* The channels' flags, together. */
static unsigned lock_all(const struct selection *s)
{
    unsigned flags = 0;
    uint32_t announce = 0;
    for (struct select_waiter *w = s->order; w; w = w->next) {
        announce |= w->waiter.sends ? SEND_WAITS : RECV_WAITS;
        if (likely(last_of_its_channel(w))) {
            lock_acquire(&w->chan->lock, announce);
            flags |= w->chan->flags;
            announce = 0;
        }
    }
    return flags;
}

static void unlock_all(const struct selection *s)
{
    for (struct select_waiter *w = s->order; w; w = w->next)
        if (likely(last_of_its_channel(w)))
            chan_unlock(w->chan);
}

/* All flags are announced: one barrier for all single users. They see them, or we their claims. */
static void fence_singles(const struct selection *s)
{
    for (const struct select_waiter *w = s->order; w; w = w->next) {
        struct chan *ch = w->chan;
        if (w->waiter.sends ? peer_unfenced(s->self, ch, SINGLE_RECEIVER, &ch->receiver_user)
                            : peer_unfenced(s->self, ch, SINGLE_SENDER, &ch->sender_user)) {
            if (!MUTATE("select: waits without membarrier"))
                os_membarrier();
            return;
        }
    }
}

/* What the case's rc will be, or NOTHING, or AGAIN: a place is BETWEEN. */
static int attempt(struct selection *s, struct select_waiter *w)
{
    struct waiter *mine = &w->waiter;
    struct chan *ch = w->chan;
    if (a32_load_acquire(&mine->slot->word) != w->word && !MUTATE("park: handle not verified"))
        return WEIR_ECLOSED;
    if (mine->sends && ch->receivers == 0)
        return WEIR_EPIPE;
    if (mine->sends ? ch->kind != UNBOUNDED && no_room(ch) : nothing_there(ch))
        return NOTHING;
    int k = mine->sends ? weir__send_locked(s->self, ch, mine, false, &s->woken)
                        : weir__recv_locked(s->self, ch, mine, false, &s->woken);
    switch (k) {
    case EMPTY: /* and FULL */
        return NOTHING;
    case BETWEEN:
    case SHUT:
        return AGAIN;
    case END:
        return 0;
    default:
        return k > 0 && mine->one ? 0 : k;
    }
}

/* The index of the one that fired, or NOTHING, or AGAIN. */
static int attempt_all(struct selection *s)
{
    int none = NOTHING;
    for (uint32_t k = 0, i = s->first; k < s->n; k++, i = next_case(s, i)) {
        weir_case *c = &s->cases[i];
        int rc = c->kind == CASE_OFF ? NOTHING : attempt(s, waiter_in(c));
        if (rc == AGAIN) {
            none = AGAIN;
        } else if (rc != NOTHING) {
            c->rc = rc;
            return (int)i;
        }
    }
    return none;
}

/* All locks are held and shall be so when there is NOTHING. */
static int lock_and_attempt(struct selection *s)
{
    for (unsigned turns = 0;; turns++) {
        s->woken = (struct wake_list){NULL, NULL};
        s->flags = lock_all(s);
        if (s->flags & (SINGLE_SENDER | SINGLE_RECEIVER))
            fence_singles(s);
        int i = attempt_all(s);
        if (i == NOTHING)
            return NOTHING;
        unlock_all(s);
        wake_all(s->woken.first);
        if (i != AGAIN)
            return i;
        os_spin(turns); /* somebody is about to publish, or to free a place */
    }
}

/* ---- waiting ------------------------------------------------------------------------------- */

/* The wait's deadline, or a tick before it. */
static weir_time first_look(const struct selection *s)
{
    weir_time at = s->deadline;
    for (const struct select_waiter *w = s->order; w; w = w->next)
        if (w->chan->kind == TICKS && ticker_next(w->chan) < at)
            at = ticker_next(w->chan);
    return at;
}

/* Whom its sends, which can be received from now on, concern is left in s->woken. */
static void queue_all(struct selection *s)
{
    struct waiter *own = &s->self->waiter;
    for (struct select_waiter *i = s->order; i; i = i->next) {
        struct waiter *w = &i->waiter;
        waiter_link(w, s->self, i->chan, w->sends ? &i->chan->sendq : &i->chan->recvq);
        if (w->sends && i->chan->recvq.first)
            weir__watches_tell(i->chan, &s->woken);
    }
    a32_store(&own->latch, LOCKED);
    a32_store_release(&own->linked, CLAIMABLE); /* the latch first: who cancels takes no lock */
}

/* Those of one channel, up to `end`. */
static void unlink_some(struct select_waiter *w, const struct select_waiter *end)
{
    struct chan *ch = w->chan;
    lock_acquire(&ch->lock, 0);
    for (; w != end; w = w->next)
        if (a32_load(&w->waiter.linked) && !MUTATE("select: not unlinked"))
            waiter_unlink(ch, &w->waiter);
    chan_unlock(ch);
}

static void unlink_all(const struct selection *s)
{
    bool linked = false;
    for (struct select_waiter *w = s->order, *first = w; w; w = w->next) {
        linked = linked || a32_load_acquire(&w->waiter.linked);
        if (likely(last_of_its_channel(w))) {
            if (linked) /* else the channel may have gone */
                unlink_some(first, w->next);
            first = w->next;
            linked = false;
        }
    }
}

/* The index of the one that fired, or an error. */
static int wait(struct selection *s)
{
    struct party *self = s->self;
    wait_announce(self);
    int i = lock_and_attempt(s);
    if (i != NOTHING) {
        wait_renounce(self);
        return i;
    }
    int refused = why_not_wait(self, s->deadline);
    wake_all(s->woken.first); /* takes no channel's lock; while our latch is open */
    if (refused) {
        unlock_all(s);
        wait_renounce(self);
        return refused;
    }
    s->woken = (struct wake_list){NULL, NULL};
    queue_all(s);
    bool ticks = s->flags & CLOCKED && !MUTATE("ticker: not looked at in time");
    self->waiter.items = ticks ? (char *)s : NULL;
    weir_time until = ticks ? first_look(s) : s->deadline;
    unlock_all(s);
    wake_all(s->woken.first); /* of watches: they wait for nothing */
    i = self->ops->park(self, &self->waiter.latch, 0, until);
    unlink_all(s);
    if (i >= 0)
        s->cases[i].rc = waiter_in(&s->cases[i])->waiter.result;
    return i;
}

/*
 * A source took what there was and wants more. That may go on for long, if it is wrong for ever,
 * so the others, a cancellation and the deadline have their turn. 0 or an error.
 */
static int take_turns(const struct selection *s)
{
    if (!party_is_plain(s->self)) {
        party_spend();
        party_rest(s->self);
    }
    return why_not_wait(s->self, s->deadline);
}

/* The case that fired, an error, or AGAIN: a source wants more. */
static int wait_once(struct selection *s)
{
    int i = prepare(s);
    if (i != NOTHING)
        return i;
    if (!s->order && s->deadline == WEIR_NEVER)
        return WEIR_EDEADLK;
    i = wait(s);
    disarm_all(s, i);
    if (i < 0 || s->cases[i].kind != CASE_SOURCE)
        return i;
    int rc = try_case(&s->cases[i]); /* what is below the source has fired: it first */
    s->cases[i].rc = rc;
    return rc == WEIR_EAGAIN ? AGAIN : i;
}

static never_inline int wait_and_try(struct selection *s)
{
    for (;;) {
        int i = wait_once(s);
        if (i != AGAIN || (i = try_all(s)) != NOTHING || (i = take_turns(s)) < 0)
            return i;
    }
}

/* ---- a tick, or the deadline ----------------------------------------------------------------- */

/* Wake those who were served; were we among them? Our wake is the caller's. */
static bool wake_others(struct waiter *w, const struct party *self)
{
    bool served = false;
    while (w) {
        struct waiter *next = w->next; /* *w is its owner's again as soon as it is woken */
        struct party *p = waiter_to_wake(w);
        if (p == self)
            served = true;
        else
            p->ops->wake(p);
        w = next;
    }
    return served;
}

/*
 * A tick that is due goes to who stands first in the ticker's queue. True: that was us. `*at` is
 * when the next one is due, if that is earlier. A channel whose queue we have left may have gone.
 */
static bool look_at_ticker(const struct selection *s, struct select_waiter *w, weir_time *at)
{
    struct wake_list woken = {NULL, NULL};
    if (!a32_load_acquire(&w->waiter.linked) || w->chan->kind != TICKS)
        return false;
    lock_acquire(&w->chan->lock, 0);
    weir__serve(w->chan, party_current()->thread, &woken);
    if (ticker_next(w->chan) < *at)
        *at = ticker_next(w->chan);
    chan_unlock(w->chan);
    return wake_others(woken.first, s->self);
}

const struct chan *weir__select_ticker(const struct party *p)
{
    const struct selection *s = (struct selection *)(void *)p->waiter.items;
    return s->order->next ? NULL : s->order->chan;
}

/* The party has parked, and goes on only after we have returned: its selection stays. */
weir_time weir__select_expire(struct party *p)
{
    const struct selection *s = (struct selection *)(void *)p->waiter.items;
    weir_time at = s->deadline;
    for (struct select_waiter *w = s->order; w; w = w->next)
        if (look_at_ticker(s, w, &at))
            return 0;
    if (a32_load_acquire(&p->waiter.linked) < CLAIMABLE)
        return WEIR_NEVER;
    if (s->deadline != WEIR_NEVER && s->deadline <= weir_now())
        return weir__wait_cancel(p, WEIR_ETIMEDOUT) ? 0 : WEIR_NEVER;
    return MUTATE("ticker: not asked again") ? s->deadline : at;
}

/* ---- public -------------------------------------------------------------------------------- */

/* Any; a multiplicative generator's upper bits are good enough, and the thread's alone. */
static uint32_t random_case(struct thread *t, uint32_t n)
{
    t->random = t->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((t->random >> 32) * n) >> 32);
}

/* A receiver's descriptor wants to hear from a try form that there is nothing: see watch.h. */
static bool is_watched(const weir_case *c)
{
    const struct slot *slot = c->kind == CASE_RECV ? handle_get(c->handle, RECEIVER) : NULL;
    return slot && chan_watched(slot->object);
}

/* Nothing was ready for a select that never waits. */
static int give_up(const struct selection *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        weir_case *c = &s->cases[i];
        if (is_watched(c) && (c->rc = try_case(c)) != WEIR_EAGAIN)
            return (int)i;
    }
    return WEIR_EAGAIN;
}

static never_inline int select_n(struct party *self, weir_case *cases, uint32_t n, uint32_t first,
                                 weir_time deadline)
{
    struct selection s = {
        .self = self, .cases = cases, .n = n, .first = first, .deadline = deadline};
    int i = try_all(&s);
    if (i != NOTHING)
        return i;
    return deadline == WEIR_TRY ? give_up(&s) : wait_and_try(&s);
}

int weir__select_tick(struct party *self, weir_receiver rx, void *time, weir_time deadline)
{
    weir_case c = weir_on_recv_item(rx, time, sizeof(weir_time));
    int i = select_n(self, &c, 1, 0, deadline);
    a_gone(&c);
    return i < 0 ? i : c.rc;
}

static never_inline int select_enter(weir_case *cases, uint32_t n, weir_select_mode mode,
                                     weir_time deadline)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    if (!party_is_plain(self) && deadline != WEIR_TRY) {
        party_rest(self);
        if (unlikely(party_refused(self)))
            return WEIR_ECANCELED;
    }
    uint32_t first = mode == WEIR_FAIR ? random_case(self->thread, n) : 0;
    int rc = select_n(self, cases, n, first, deadline);
    party_leave(self);
    return rc;
}

/* By an actor, the first receive that is looked at often has an item. */
static always_inline int select_by(weir_case *cases, size_t n, weir_select_mode mode,
                                   weir_time deadline, bool waits)
{
    if (unlikely(n > WEIR_SELECT_MAX || (!cases && n) || (mode | 1u) != 1u))
        return WEIR_EINVAL;
    if (unlikely(!(waits ? party_spend() : party_has_budget()) || n == 0))
        return select_enter(cases, (uint32_t)n, mode, deadline);
    struct party *self = party_current();
    uint32_t first = mode == WEIR_FAIR ? random_case(self->thread, (uint32_t)n) : 0;
    weir_case *c = &cases[first];
    if (likely(c->kind == CASE_RECV)) {
        int rc = weir_try_recv_item((weir_receiver){c->handle}, c->item, c->item_size);
        if (likely(rc != WEIR_EAGAIN)) {
            c->rc = rc;
            return (int)first;
        }
    }
    return select_n(self, cases, (uint32_t)n, first, deadline);
}

int weir_select(weir_case *cases, size_t n, weir_select_mode mode)
{
    return select_by(cases, n, mode, WEIR_NEVER, true);
}

int weir_select_by(weir_case *cases, size_t n, weir_select_mode mode, weir_time deadline)
{
    return select_by(cases, n, mode, until(deadline), true);
}

int weir_try_select(weir_case *cases, size_t n, weir_select_mode mode)
{
    return select_by(cases, n, mode, WEIR_TRY, false);
}

weir_case weir_on_recv_item(weir_receiver rx, void *item, size_t item_size)
{
    return (weir_case){.kind = CASE_RECV, .item = item, .item_size = item_size, .handle = rx.h};
}

weir_case weir_on_send_item(weir_sender tx, const void *item, size_t item_size)
{
    return (weir_case){
        .kind = CASE_SEND, .item = (void *)(uintptr_t)item, .item_size = item_size, .handle = tx.h};
}

weir_case weir_on_source(const weir_source *source, void *object, void *item)
{
    return (weir_case){.kind = CASE_SOURCE, .item = item, .source = source, .object = object};
}

weir_case weir__on_fed(weir_handle h, struct chan *ch, bool sends)
{
    return (weir_case){.kind = sends ? CASE_FED_SEND : CASE_FED_RECV, .handle = h, .object = ch};
}

struct chan *weir__fed_case(const weir_case *c)
{
    return c->kind == CASE_FED_RECV || c->kind == CASE_FED_SEND ? c->object : NULL;
}

void weir_case_off(weir_case *c)
{
    c->kind = CASE_OFF;
}
