/* SPDX-License-Identifier: MIT */
/*
 * scenario_select_between.h - what happens while a wait is entered, served or ended, in steps.
 *
 * Between a select's try and its locks somebody comes by the arm() of a source, which the
 * select calls just there. Whoever serves or ends a wait is played by the test itself, with
 * the steps of wait.h one by one; and who meets it is made to go on by on_yield(). The suite
 * defines call_party().
 */
#include <weir/select.h>

#include "stop.h"
#include "wait.h"

enum { COME_CASES = 3, UNTOUCHED = 0xdead };

struct pair {
    weir_sender tx;
    weir_receiver rx;
    struct chan *ch;
};

static void pair_open(struct pair *p, size_t capacity)
{
    REQUIRE_RC(weir_channel_open(&p->tx, &p->rx, sizeof(uint64_t), capacity, NULL), 0);
    p->ch = chan_of(p->tx.h);
}

static void pair_close(struct pair *p)
{
    EXPECT_RC(weir_close(p->tx), 0);
    EXPECT_RC(weir_close(p->rx), 0);
}

/* A select by a party of its own. */
struct picks {
    struct call call;
    weir_case c[COME_CASES];
    uint64_t items[COME_CASES];
    size_t n;
    int fired;
};

static int picks_do(struct call *c)
{
    struct picks *s = container_of(c, struct picks, call);
    s->fired = weir_select(s->c, s->n, WEIR_ORDERED);
    return 0;
}

static void picks_begin(struct picks *s)
{
    *s = (struct picks){.call = {.op = CALL_OTHER, .other = picks_do}};
    for (size_t i = 0; i < COME_CASES; i++)
        s->items[i] = UNTOUCHED;
}

static void picks_recv(struct picks *s, weir_receiver rx)
{
    s->c[s->n] = weir_on_recv(rx, &s->items[s->n]);
    s->n++;
}

static void picks_send(struct picks *s, weir_sender tx, uint64_t item)
{
    s->items[s->n] = item;
    s->c[s->n] = weir_on_send(tx, &s->items[s->n]);
    s->n++;
}

static void picks_start(struct picks *s)
{
    call_begin(&s->call);
    call_start(&s->call);
}

/* It has returned `fired`, and that case's rc. */
static void picks_end(struct picks *s, int fired, int rc)
{
    EXPECT_RC(call_join(&s->call), 0);
    EXPECT_EQ(s->fired, fired);
    if (s->fired == fired)
        EXPECT_RC(s->c[fired].rc, rc);
    call_end(&s->call);
}

/* ---- somebody comes between the try and the locks ------------------------------------------- */

enum comes { CLOSES_SENDER, CLOSES_RECEIVER, SENDS, RECEIVES };

/* A source that has never an item; when it is armed, somebody comes to `p`. */
struct comer {
    struct pair *p;
    enum comes comes;
    weir_receiver quiet;
    uint64_t below;
    unsigned armed, disarmed;
};

static int comer_try(void *object, void *item)
{
    (void)object;
    (void)item;
    return WEIR_EAGAIN;
}

static int comer_arm(void *object, weir_case *below)
{
    struct comer *o = object;
    uint64_t item = 5;
    o->armed++;
    switch (o->comes) {
    case CLOSES_SENDER:
        EXPECT_RC(weir_close(o->p->tx), 0);
        break;
    case CLOSES_RECEIVER:
        EXPECT_RC(weir_close(o->p->rx), 0);
        break;
    case SENDS:
        EXPECT_RC(weir_try_send(o->p->tx, &item), 0);
        break;
    case RECEIVES:
        EXPECT_RC(weir_try_recv(o->p->rx, &item), 1);
        break;
    }
    *below = weir_on_recv(o->quiet, &o->below);
    return 0;
}

static void comer_disarm(void *object, int rc)
{
    struct comer *o = object;
    EXPECT_RC(rc, WEIR_EAGAIN);
    o->disarmed++;
}

static const weir_source comer = {comer_try, comer_arm, comer_disarm};

/* A select of a send or a receive, to which `comes` happens, ends with rc. */
static void comes_between(size_t capacity, bool sends, enum comes comes, int rc)
{
    struct pair p, quiet;
    struct picks s;
    struct comer o = {.p = &p, .comes = comes};
    uint64_t item = 0;
    pair_open(&p, capacity);
    pair_open(&quiet, 0);
    o.quiet = quiet.rx;
    while (sends && capacity > 0 && weir_try_send(p.tx, &item) == 0)
        ;
    picks_begin(&s);
    if (sends)
        picks_send(&s, p.tx, 7);
    else
        picks_recv(&s, p.rx);
    s.c[s.n++] = weir_on_source(&comer, &o, &s.items[1]);
    picks_start(&s);
    picks_end(&s, 0, rc);
    EXPECT_EQ(s.items[0], sends ? 7 : rc == 1 ? 5 : UNTOUCHED);
    EXPECT(o.armed == 1 && o.disarmed == 1);
    EXPECT_EQ(stats_of(quiet.rx.h).waiting_receivers, 0);
    pair_close(&p);
    pair_close(&quiet);
}

static void between_try_and_locks(void)
{
    static const size_t capacities[] = {0, 1, 9, WEIR_UNBOUNDED};
    for (size_t i = 0; i < 4; i++) {
        size_t capacity = capacities[i];
        comes_between(capacity, false, CLOSES_RECEIVER, WEIR_ECLOSED);
        comes_between(capacity, false, CLOSES_SENDER, 0);
        if (capacity > 0)
            comes_between(capacity, false, SENDS, 1);
        if (capacity == WEIR_UNBOUNDED)
            continue;
        comes_between(capacity, true, CLOSES_SENDER, WEIR_ECLOSED);
        comes_between(capacity, true, CLOSES_RECEIVER, WEIR_EPIPE);
        if (capacity > 0)
            comes_between(capacity, true, RECEIVES, 0);
    }
}

/* ---- what is below a source ------------------------------------------------------------------ */

/* A source that waits for what it is told, and says what that was. */
struct passer {
    weir_case below;
    int rc;
    unsigned armed;
};

static int passer_try(void *object, void *item)
{
    struct passer *o = object;
    (void)item;
    return o->rc;
}

static int passer_arm(void *object, weir_case *below)
{
    struct passer *o = object;
    o->armed++;
    *below = o->below;
    return 0;
}

static void passer_disarm(void *object, int rc)
{
    struct passer *o = object;
    o->armed--;
    o->rc = rc;
}

static const weir_source passer = {passer_try, passer_arm, passer_disarm};

static void wrong_below(weir_case below, int rc)
{
    struct picks s;
    struct pair quiet;
    struct passer good = {.rc = WEIR_EAGAIN}, bad = {.below = below, .rc = WEIR_EAGAIN};
    pair_open(&quiet, 0);
    picks_begin(&s);
    good.below = weir_on_recv(quiet.rx, &s.items[0]);
    s.c[s.n++] = weir_on_source(&passer, &good, &s.items[1]);
    s.c[s.n++] = weir_on_source(&passer, &bad, &s.items[2]);
    picks_start(&s);
    picks_end(&s, 1, rc);
    EXPECT(good.armed == 0 && bad.armed == 0);
    EXPECT_RC(bad.rc, WEIR_EAGAIN);
    EXPECT_EQ(stats_of(quiet.rx.h).waiting_receivers, 0);
    pair_close(&quiet);
}

static void wrong_below_a_source(void)
{
    const weir_channel_options single = {.single_sender = true, .single_receiver = true};
    struct pair p, q;
    uint64_t item = 1;
    char small = 0;
    pair_open(&p, 1);
    REQUIRE_RC(weir_channel_open(&q.tx, &q.rx, sizeof item, 1, &single), 0);
    EXPECT_RC(weir_send(q.tx, &item), 0);
    EXPECT_RC(weir_recv(q.rx, &item), 1);
    wrong_below(weir_on_recv(q.rx, &item), WEIR_EBUSY);
    wrong_below(weir_on_send(q.tx, &item), WEIR_EBUSY);
    wrong_below(weir_on_recv(p.rx, &small), WEIR_EITEM);
    wrong_below(weir_on_recv((weir_receiver){p.tx.h}, &item), WEIR_EBADF);
    wrong_below((weir_case){0}, WEIR_EINVAL);
    pair_close(&p);
    wrong_below(weir_on_recv(p.rx, &item), WEIR_ECLOSED);
    wrong_below(weir_on_send(p.tx, &item), WEIR_ECLOSED);
    pair_close(&q);
}

/* There is always room, whatever its positions are. */
static void source_sends_unbounded(void)
{
    struct pair p;
    uint64_t item = 3;
    pair_open(&p, WEIR_UNBOUNDED);
    struct passer o = {.below = weir_on_send(p.tx, &item)};
    weir_case c = weir_on_source(&passer, &o, NULL);
    for (unsigned i = 0; i < 64; i++) {
        o.rc = WEIR_EAGAIN;
        EXPECT_EQ(weir_select_by(&c, 1, WEIR_FAIR, weir_now() - 1), 0);
        EXPECT_RC(c.rc, 0);
        if (i % 2)
            EXPECT_RC(weir_try_recv(p.rx, &item), 1);
    }
    EXPECT_EQ(stats_of(p.rx.h).buffered, 32);
    pair_close(&p);
}

/* ---- a source has fired, and it was not enough --------------------------------------------- */

/* It takes what is below; meanwhile something comes for another case. */
struct taker {
    weir_receiver rx;
    weir_sender other;
    uint64_t below;
    int rc;
    unsigned armed, disarmed;
};

static int taker_try(void *object, void *item)
{
    struct taker *o = object;
    (void)item;
    if (o->rc == 1)
        EXPECT_RC(weir_try_send(o->other, &o->below), 0);
    o->rc = WEIR_EAGAIN;
    return WEIR_EAGAIN;
}

static int taker_arm(void *object, weir_case *below)
{
    struct taker *o = object;
    o->armed++;
    *below = weir_on_recv(o->rx, &o->below);
    return 0;
}

static void taker_disarm(void *object, int rc)
{
    struct taker *o = object;
    o->disarmed++;
    o->rc = rc;
}

static const weir_source taker = {taker_try, taker_arm, taker_disarm};

static void another_case_meanwhile(void)
{
    struct pair p, q;
    struct picks s;
    uint64_t item = 9;
    pair_open(&p, 0);
    pair_open(&q, 1);
    struct taker o = {.rx = p.rx, .other = q.tx, .rc = WEIR_EAGAIN};
    picks_begin(&s);
    s.c[s.n++] = weir_on_source(&taker, &o, &s.items[0]);
    picks_recv(&s, q.rx);
    picks_start(&s);
    EXPECT_RC(weir_send(p.tx, &item), 0);
    picks_end(&s, 1, 1);
    EXPECT_EQ(s.items[1], 9);
    EXPECT_EQ(s.items[0], UNTOUCHED);
    EXPECT(o.armed == 1 && o.disarmed == 1);
    pair_close(&p);
    pair_close(&q);
}

/* ---- the serving, step by step --------------------------------------------------------------- */

static struct waiter *first_of(struct chan *ch, struct waitq *q)
{
    lock_acquire(&ch->lock, 0);
    struct waiter *w = q->first;
    chan_unlock(ch);
    return w;
}

/* Who waits there in a select. */
static struct party *selecting(struct chan *ch, struct waitq *q)
{
    return select_waiter(first_of(ch, q))->party;
}

static void await_waiting(const struct pair *p, size_t receivers, size_t senders)
{
    while (stats_of(p->rx.h).waiting_receivers != receivers ||
           stats_of(p->rx.h).waiting_senders != senders)
        sched_yield();
}

/* Under the lock: an item for the first that receives, whom *woken owes its wake then. */
static void serve_first(struct chan *ch, uint64_t item, struct wake_list *woken)
{
    struct waiter *w = claim_first(ch, &ch->recvq);
    memcpy(w->items, &item, sizeof item);
    complete(ch, w, 1, woken);
}

static void serve_one(struct chan *ch, uint64_t item, struct wake_list *woken)
{
    lock_acquire(&ch->lock, 0);
    serve_first(ch, item, woken);
    chan_unlock(ch);
}

/* Two receives, both parked. */
static void picks_two(struct picks *s, struct pair *p, struct pair *q)
{
    pair_open(p, 0);
    pair_open(q, 0);
    picks_begin(s);
    picks_recv(s, p->rx);
    picks_recv(s, q->rx);
    picks_start(s);
    await_waiting(p, 1, 0);
    await_waiting(q, 1, 0);
}

/* It was served at one channel and is not awake yet: the other one does not count it any more. */
static void served_and_not_awake(enum comes comes)
{
    struct pair p, q;
    struct picks s;
    struct wake_list woken = {NULL, NULL};
    uint64_t item = 2;
    picks_two(&s, &p, &q);
    struct party *self = party_enter();
    serve_one(p.ch, 1, &woken);
    EXPECT_EQ(stats_of(q.rx.h).waiting_receivers, 1); /* nobody has met it */
    if (comes == SENDS)
        EXPECT_RC(weir_try_send(q.tx, &item), WEIR_EAGAIN);
    else
        EXPECT_RC(comes == CLOSES_SENDER ? weir_close(q.tx) : weir_close(q.rx), 0);
    EXPECT_EQ(stats_of(comes == CLOSES_RECEIVER ? q.tx.h : q.rx.h).waiting_receivers, 0);
    wake_all(woken.first);
    party_leave(self);
    picks_end(&s, 0, 1);
    EXPECT_EQ(s.items[0], 1);
    EXPECT_EQ(s.items[1], UNTOUCHED);
    pair_close(&p);
    pair_close(&q);
}

static void dead_waiters(void)
{
    served_and_not_awake(SENDS);
    served_and_not_awake(CLOSES_SENDER);
    served_and_not_awake(CLOSES_RECEIVER);
}

/* What the one does who has claimed it by another channel, and is met. */
struct claimer {
    struct party *selecting;
    struct chan *ch; /* where it is served; NULL: there was nothing to be had */
    struct wake_list woken;
};

static void claimer_ends(void *arg)
{
    struct claimer *c = arg;
    if (!c->ch) {
        select_unclaim(c->selecting);
        return;
    }
    uint64_t item = 1;
    struct waiter *w = c->ch->recvq.first;
    memcpy(w->items, &item, sizeof item);
    complete(c->ch, w, 1, &c->woken);
    chan_unlock(c->ch);
}

/* Under the lock of its channel, as select.c says. */
static struct claimer claim_by(struct chan *ch)
{
    struct claimer c = {.selecting = selecting(ch, &ch->recvq)};
    lock_acquire(&ch->lock, 0);
    EXPECT(weir__select_claim(c.selecting));
    return c;
}

static void claimed_in_vain(void)
{
    struct pair p, q;
    struct picks s;
    uint64_t item = 2;
    picks_two(&s, &p, &q);
    struct claimer c = claim_by(p.ch);
    on_yield(claimer_ends, &c);
    EXPECT_RC(weir_try_send(q.tx, &item), 0);
    EXPECT(has_yielded());
    chan_unlock(p.ch);
    picks_end(&s, 1, 1);
    EXPECT_EQ(s.items[1], 2);
    EXPECT_EQ(s.items[0], UNTOUCHED);
    pair_close(&p);
    pair_close(&q);
}

/* It is claimed by p's, and `meets` comes by q meanwhile: it is served at p. */
static void served_when_met(void (*meets)(struct party *it, struct pair *q))
{
    struct pair p, q;
    struct picks s;
    picks_two(&s, &p, &q);
    struct party *self = party_enter();
    struct claimer c = claim_by(p.ch);
    c.ch = p.ch;
    on_yield(claimer_ends, &c);
    meets(c.selecting, &q);
    EXPECT(has_yielded());
    wake_all(c.woken.first);
    party_leave(self);
    picks_end(&s, 0, 1);
    EXPECT_EQ(s.items[0], 1);
    EXPECT_EQ(s.items[1], UNTOUCHED);
    pair_close(&p);
    pair_close(&q);
}

static void sends_in_vain(struct party *it, struct pair *q)
{
    uint64_t item = 2;
    (void)it;
    EXPECT_RC(weir_try_send(q->tx, &item), WEIR_EAGAIN);
}

static void claimed_and_served(void)
{
    served_when_met(sends_in_vain);
}

/* ---- the ending, step by step ---------------------------------------------------------------- */

/* Who ends waits by a deadline, or by a cancellation, and comes too late. */
static void expires_in_vain(struct party *it, struct pair *q)
{
    (void)q;
    EXPECT(!weir__wait_cancel(it, WEIR_ETIMEDOUT));
}

static void interrupts_in_vain(struct party *it, struct pair *q)
{
    (void)q;
    a8_store(&it->cancelled, 1);
    weir__wait_interrupt(it);
    a8_store(&it->cancelled, 0);
}

static void select_not_cancelled(void)
{
    struct pair p, q;
    struct picks s;
    uint64_t item = 3;
    picks_two(&s, &p, &q);
    struct party *self = party_enter();
    weir__wait_interrupt(selecting(p.ch, &p.ch->recvq));
    party_leave(self);
    EXPECT_RC(weir_try_send(q.tx, &item), 0);
    picks_end(&s, 1, 1);
    pair_close(&p);
    pair_close(&q);
}

/* Whoever has the channel's lock serves the receive whose end is tried. */
static void holder_serves(void *arg)
{
    struct claimer *c = arg;
    serve_first(c->ch, 4, &c->woken);
    chan_unlock(c->ch);
}

static void receive_ended_too_late(void (*ends)(struct party *it, struct pair *p))
{
    struct pair p;
    pair_open(&p, 1);
    struct call call = {.op = CALL_RECV, .rx = p.rx};
    struct claimer c = {.ch = p.ch};
    call_begin(&call);
    call_start(&call);
    await_waiting(&p, 1, 0);
    struct party *it = waiter_party(first_of(p.ch, &p.ch->recvq)), *self = party_enter();
    lock_acquire(&p.ch->lock, 0);
    on_yield(holder_serves, &c);
    ends(it, &p);
    EXPECT(has_yielded());
    EXPECT_EQ(a32_load(&p.ch->lock), 0);
    wake_all(c.woken.first);
    party_leave(self);
    EXPECT_RC(call_join(&call), 1);
    EXPECT_EQ(call_got(&call, 0), 4);
    pair_close(&p);
    call_end(&call);
}

static void receive_not_cancelled(void)
{
    struct pair p;
    uint64_t item = 3;
    pair_open(&p, 1);
    struct call call = {.op = CALL_RECV, .rx = p.rx};
    call_begin(&call);
    call_start(&call);
    await_waiting(&p, 1, 0);
    struct party *it = waiter_party(first_of(p.ch, &p.ch->recvq)), *self = party_enter();
    weir__wait_interrupt(it);
    party_leave(self);
    EXPECT_EQ(a32_load(&p.ch->lock), RECV_WAITS);
    EXPECT_RC(weir_try_send(p.tx, &item), 0);
    EXPECT_RC(call_join(&call), 1);
    pair_close(&p);
    call_end(&call);
}

static void ended_too_late(void)
{
    receive_ended_too_late(expires_in_vain);
    receive_ended_too_late(interrupts_in_vain);
    served_when_met(expires_in_vain);
    served_when_met(interrupts_in_vain);
}

static void shielded_meanwhile(void)
{
    receive_not_cancelled();
    select_not_cancelled();
}

/* ---- a select meets an item that is being written ------------------------------------------ */

static void leaves_the_stop(void *number)
{
    stop_leave(*(unsigned *)number);
}

static void select_behind_a_claim(void)
{
    struct pair p;
    uint64_t item = UNTOUCHED;
    unsigned stop = 0;
    stops_begin();
    pair_open(&p, 4);
    struct call c = {.op = CALL_SEND, .tx = p.tx, .prepare = true, .prepared = 1};
    call_begin(&c);
    call_put(&c, 0, 2);
    EXPECT_RC(weir_try_recv(p.rx, &item), 1);
    stop_at(stop, c.items);
    call_start(&c);
    stop_reached(stop); /* claimed, not published */
    weir_case cases[] = {weir_on_recv(p.rx, &item)};
    EXPECT_RC(weir_try_select(cases, 1, WEIR_ORDERED), WEIR_EAGAIN);
    on_yield(leaves_the_stop, &stop);
    EXPECT_EQ(weir_select(cases, 1, WEIR_ORDERED), 0);
    EXPECT(has_yielded());
    EXPECT_RC(cases[0].rc, 1);
    EXPECT_EQ(item, 2);
    EXPECT_RC(call_join(&c), 0);
    pair_close(&p);
    call_end(&c);
    stops_end();
}

#define SELECT_BETWEEN_CASES                                                                       \
    {"F043 F044 F045 select: somebody comes between the try and the locks",                        \
     between_try_and_locks},                                                                       \
        {"F054 select: a source waits for what cannot be waited for", wrong_below_a_source},       \
        {"F035 select: a source sends to an unbounded channel", source_sends_unbounded},           \
        {"select: a source has fired in vain, and another case is ready", another_case_meanwhile}, \
        {"F049 select: who was served elsewhere is in nobody's way", dead_waiters},                \
        {"F049 select: who is claimed in vain is served here", claimed_in_vain},                   \
        {"F049 select: who is served elsewhere is not served here", claimed_and_served},           \
        {"F048 a wait is ended when it was served already", ended_too_late},                       \
        {"F015 a wait is not ended in a shield that was opened meanwhile", shielded_meanwhile},    \
        {"F037 select: waits for an item that is being written", select_behind_a_claim},
