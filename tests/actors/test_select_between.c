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

TEST_SUITE(select_between, "actors: between two steps of a wait",
           SELECT_BETWEEN_CASES{"F012 cancelled between the call's look and its wait",
                                cancelled_between});
