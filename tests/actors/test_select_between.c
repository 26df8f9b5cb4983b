/* SPDX-License-Identifier: MIT */
/*
 * ../channels/scenario_select_between.h: it is an actor that waits, and a thread that serves it;
 * and a cancellation that comes between an actor's first look and its wait.
 */
#include <weir/weir.h>

#include "../channels/scenario_select_between.h"
#include "one_worker.h"

static void call_party(struct call *c)
{
    EXPECT_RC(weir_run(call_body, c, &one_worker), 0);
}

/* ---- cancelled between announcement and look ------------------------------------------------- */

enum waits { RECV, RECV_BY, RECV_MANY, SEND, SEND_BY, SEND_MANY, SELECT, WAYS };

struct scoped {
    struct call call;
    enum waits how;
    _Atomic(struct party *) party; /* it is about to wait */
    weir_scope scope;
    int ended;
};

static int wait_somehow(struct call *c, enum waits how)
{
    uint64_t item[2] = {1, 2};
    weir_case cases[] = {weir_on_recv(c->rx, &item[0])};
    switch (how) {
    case RECV:
        return weir_recv(c->rx, &item[0]);
    case RECV_BY:
        return weir_recv_by(c->rx, &item[0], weir_after(100 * WEIR_S));
    case RECV_MANY:
        return weir_recv_many(c->rx, item, 2);
    case SEND:
        return weir_send(c->tx, &item[0]);
    case SEND_BY:
        return weir_send_by(c->tx, &item[0], weir_after(100 * WEIR_S));
    case SEND_MANY:
        return weir_send_many(c->tx, item, 2);
    default:
        return weir_select(cases, 1, WEIR_FAIR);
    }
}

static int waits_in_a_scope(struct call *c)
{
    struct scoped *s = container_of(c, struct scoped, call);
    s->scope = weir_scope_begin();
    atomic_store(&s->party, party_current());
    int rc = wait_somehow(c, s->how);
    s->ended = weir_scope_end(s->scope);
    return rc;
}

static void lets_go_of(void *channel)
{
    chan_unlock(channel);
}

/* A lock is held, so it announces itself and waits for the lock; let go when the canceller waits.
 */
static void cancelled_when_announced(enum waits how)
{
    struct pair p;
    pair_open(&p, 0);
    struct scoped s = {
        .call = {.op = CALL_OTHER, .other = waits_in_a_scope, .tx = p.tx, .rx = p.rx}, .how = how};
    call_begin(&s.call);
    lock_acquire(&p.ch->lock, 0);
    call_start(&s.call);
    struct party *it;
    while (!(it = atomic_load(&s.party)) || a32_load_acquire(&it->waiter.linked) != ANNOUNCED)
        sched_yield();
    on_yield(lets_go_of, p.ch);
    EXPECT_RC(weir_scope_cancel(s.scope, "between"), 0);
    EXPECT(has_yielded());
    EXPECT_RC(call_join(&s.call), WEIR_ECANCELED);
    EXPECT_EQ(s.ended, 1);
    EXPECT_EQ(stats_of(p.rx.h).waiting_receivers + stats_of(p.tx.h).waiting_senders, 0);
    pair_close(&p);
    call_end(&s.call);
}

/* It was not hit when the call began; the canceller finds it not waiting and goes away. */
static void cancelled_before_announced(enum waits how)
{
    struct pair p;
    stops_begin();
    pair_open(&p, 0);
    struct scoped s = {
        .call = {.op = CALL_OTHER, .other = waits_in_a_scope, .tx = p.tx, .rx = p.rx}, .how = how};
    call_begin(&s.call);
    stop_at(0, p.ch);
    call_start(&s.call);
    stop_reached(0);
    EXPECT_EQ(a32_load(&atomic_load(&s.party)->waiter.linked), UNLINKED);
    EXPECT_RC(weir_scope_cancel(s.scope, "before"), 0);
    stop_leave(0);
    EXPECT_RC(call_join(&s.call), WEIR_ECANCELED);
    EXPECT_EQ(s.ended, 1);
    pair_close(&p);
    call_end(&s.call);
    stops_end();
}

static void cancelled_between(void)
{
    for (enum waits how = RECV; how < WAYS; how++) {
        cancelled_when_announced(how);
        cancelled_before_announced(how);
    }
}

/* ---- the channel goes, a dead waiter is in its queue behind one that cannot be served -------- */

/* Its own ends, so that closing them looks no further than whether it waits. */
struct owner {
    struct call call;
    struct pair p, q;
    uint64_t items[2];
    atomic_bool opened, go;
    int fired;
};

static int opens_and_selects(struct call *c)
{
    struct owner *o = container_of(c, struct owner, call);
    uint64_t item = 1;
    pair_open(&o->p, 4);
    EXPECT_RC(weir_try_send(o->p.tx, &item), 0); /* makes the cells */
    EXPECT_RC(weir_try_recv(o->p.rx, &item), 1);
    atomic_store(&o->opened, true);
    while (!atomic_load(&o->go))
        sched_yield();
    weir_case cases[] = {weir_on_recv(o->p.rx, &o->items[0]), weir_on_recv(o->q.rx, &o->items[1])};
    o->fired = weir_select(cases, 2, WEIR_ORDERED);
    return 0;
}

/* A plain receive through `rx`, then the select, are parked there. */
static void receive_and_select(struct owner *o, struct call *plain, weir_receiver *rx)
{
    pair_open(&o->q, 0);
    call_begin(&o->call);
    call_start(&o->call);
    while (!atomic_load(&o->opened))
        sched_yield();
    *rx = weir_receiver_clone(o->p.rx);
    *plain = (struct call){.op = CALL_RECV, .rx = *rx, .plain = true};
    call_begin(plain);
    call_start(plain);
    await_waiting(&o->p, 1, 0);
    atomic_store(&o->go, true);
    await_waiting(&o->p, 2, 0);
    await_waiting(&o->q, 1, 0);
}

/* A send that looked at the flags before anybody waited: it claims, and later publishes. */
static struct cell *claim_place(struct chan *ch, uint64_t *place)
{
    *place = a64_load(chan_tail(ch));
    struct cell *cell = cell_of(ch, chan_tail(ch));
    uint64_t from = *place;
    EXPECT(claim(chan_tail(ch), &from, cells_next(ch, from), false));
    return cell;
}

static void publish_and_look(struct chan *ch, struct cell *cell, uint64_t place)
{
    uint64_t item = 2;
    memcpy(cell->item, &item, sizeof item);
    a64_store_release(&cell->stamp, place | 1);
    EXPECT(a32_load(&ch->lock) & RECEIVERS_GONE);
    weir__drain(ch, party_current()->thread);
}

static void goes_with_dead_waiters(void)
{
    struct owner o = {.call = {.op = CALL_OTHER, .other = opens_and_selects}};
    struct call plain;
    struct wake_list woken = {NULL, NULL};
    weir_receiver rx;
    uint64_t place;
    receive_and_select(&o, &plain, &rx);
    struct party *self = party_enter();
    struct cell *cell = claim_place(o.p.ch, &place);
    serve_one(o.q.ch, 7, &woken);        /* the select is decided, and not awake */
    EXPECT_RC(weir_close(o.p.tx), 0);    /* the receive still waits for the place */
    EXPECT_RC(weir_close(rx), 0);        /* ... and no more */
    EXPECT_RC(weir_close(o.p.rx), 0);    /* both ends */
    EXPECT(o.p.ch->recvq.first == NULL); /* else a select takes itself out of what is released */
    publish_and_look(o.p.ch, cell, place);
    wake_all(woken.first);
    party_leave(self);
    EXPECT_RC(call_join(&plain), WEIR_ECLOSED);
    EXPECT_RC(call_join(&o.call), 0);
    EXPECT(o.fired == 1 && o.items[1] == 7);
    call_end(&plain);
    call_end(&o.call);
    pair_close(&o.q);
}

TEST_SUITE(select_between, "actors: between two steps of a wait",
           SELECT_BETWEEN_CASES{"F012 cancelled between the call's look and its wait",
                                cancelled_between},
           {"F045 a channel goes while a served select is behind one who waits",
            goes_with_dead_waiters});
