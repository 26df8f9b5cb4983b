/* SPDX-License-Identifier: MIT */
/* test_single.c - declared single ends: what they refuse. What they do is in every scenario. */
#include "flow_threads.h"
#include "ops.h"

struct stranger {
    struct flow flow;
    weir_sender tx;
    weir_receiver rx;
    int sent, tried, many, received, peeked, taken, cloned;
    weir_statistics statistics;
    int seen;
};

/* Somebody else uses both ends. */
static void use_both(void *arg)
{
    struct stranger *s = arg;
    uint64_t item = 1000;
    s->sent = weir_send_by(s->tx, &item, 0);
    s->tried = weir_try_send(s->tx, &item);
    s->many = weir_try_send_many(s->tx, &item, 1);
    s->received = weir_recv_by(s->rx, &item, 0);
    s->peeked = weir_try_recv(s->rx, &item);
    s->taken = weir_try_recv_many(s->rx, &item, 1);
    s->seen = weir_channel_statistics(s->tx, &s->statistics);
}

static bool is_single(const struct kind *k)
{
    return k->single_tx || k->single_rx;
}

static void a_second_user(const struct kind *k)
{
    struct stranger s;
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 5;
    if (!is_single(k) || k->capacity == 0)
        return;
    kind_open(k, &tx, &rx);
    EXPECT_RC(weir_try_send(tx, &item), 0); /* from now on it is this thread's */
    EXPECT_RC(weir_try_recv(rx, &item), 1);
    s = (struct stranger){.tx = tx, .rx = rx};
    flow_start(&s.flow, use_both, &s);
    flow_join(&s.flow);
    if (k->single_tx) {
        EXPECT_RC(s.sent, WEIR_EBUSY);
        EXPECT_RC(s.tried, WEIR_EBUSY);
        EXPECT_RC(s.many, WEIR_EBUSY);
    }
    if (k->single_rx) {
        EXPECT_RC(s.received, WEIR_EBUSY);
        EXPECT_RC(s.peeked, WEIR_EBUSY);
        EXPECT_RC(s.taken, WEIR_EBUSY);
    }
    EXPECT_RC(s.seen, 0); /* anybody may look */
    item = 6;
    while (weir_try_recv(rx, &item) == 1)
        ;
    EXPECT_RC(weir_try_send(tx, &item), 0);
    expect_items(rx, item, 1);
    close_both(tx, rx);
}

/* The rendezvous, where nothing can be tried alone. */
static void a_second_user_of_a_rendezvous(const struct kind *k)
{
    struct stranger s;
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 5;
    if (!is_single(k) || k->capacity != 0)
        return;
    kind_open(k, &tx, &rx);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_EAGAIN);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
    s = (struct stranger){.tx = tx, .rx = rx};
    flow_start(&s.flow, use_both, &s);
    flow_join(&s.flow);
    EXPECT_RC(s.sent, k->single_tx ? WEIR_EBUSY : WEIR_ETIMEDOUT);
    EXPECT_RC(s.tried, k->single_tx ? WEIR_EBUSY : WEIR_EAGAIN);
    EXPECT_RC(s.received, k->single_rx ? WEIR_EBUSY : WEIR_ETIMEDOUT);
    EXPECT_RC(s.peeked, k->single_rx ? WEIR_EBUSY : WEIR_EAGAIN);
    close_both(tx, rx);
}

/* Opening is not using: the first thread to send is the one. */
static void the_first_user(const struct kind *k)
{
    struct stranger s;
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 0;
    if (!is_single(k))
        return;
    kind_open(k, &tx, &rx);
    EXPECT_RC(weir_check(tx), 0);
    EXPECT_EQ(stats_of(rx.h).buffered, 0);
    s = (struct stranger){.tx = tx, .rx = rx};
    flow_start(&s.flow, use_both, &s);
    flow_join(&s.flow);
    EXPECT(s.sent != WEIR_EBUSY && s.tried != WEIR_EBUSY && s.received != WEIR_EBUSY);
    if (k->single_tx)
        EXPECT_RC(weir_try_send(tx, &item), WEIR_EBUSY);
    if (k->single_rx)
        EXPECT_RC(weir_try_recv(rx, &item), WEIR_EBUSY);
    close_both(tx, rx); /* anybody may close */
    EXPECT_RC(weir_try_send(tx, &item), WEIR_ECLOSED);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_ECLOSED);
}

static void send_once(void *arg)
{
    struct stranger *s = arg;
    uint64_t item = 1;
    s->tried = weir_try_send(s->tx, &item);
    s->peeked = weir_try_recv(s->rx, &item);
}

/* Also when the first user has ended, and whatever it left is used again. */
static void a_later_user(const struct kind *k)
{
    struct stranger s[3];
    weir_sender tx;
    weir_receiver rx;
    if (!k->single_tx || !k->single_rx || k->capacity == 0)
        return;
    kind_open(k, &tx, &rx);
    for (unsigned i = 0; i < 3; i++) {
        s[i] = (struct stranger){.tx = tx, .rx = rx};
        flow_start(&s[i].flow, send_once, &s[i]);
        flow_join(&s[i].flow);
        EXPECT_RC(s[i].tried, i == 0 ? 0 : WEIR_EBUSY);
        EXPECT_RC(s[i].peeked, i == 0 ? 1 : WEIR_EBUSY);
    }
    close_both(tx, rx);
}

static void no_clones(const struct kind *k)
{
    weir_sender tx, tx2;
    weir_receiver rx, rx2;
    uint64_t item = 0;
    kind_open(k, &tx, &rx);
    tx2 = weir_sender_clone(tx);
    rx2 = weir_receiver_clone(rx);
    EXPECT_RC(weir_check(tx2), k->single_tx ? WEIR_EBUSY : 0);
    EXPECT_RC(weir_check(rx2), k->single_rx ? WEIR_EBUSY : 0);
    if (k->single_tx) {
        EXPECT_RC(weir_try_send(tx2, &item), WEIR_EBUSY);
        EXPECT_RC(weir_check(weir_sender_clone(tx2)), WEIR_EBUSY);
    }
    if (k->single_rx)
        EXPECT_RC(weir_try_recv(rx2, &item), WEIR_EBUSY);
    EXPECT_EQ(stats_of(tx.h).open_senders, k->single_tx ? 1 : 2);
    EXPECT_EQ(stats_of(tx.h).open_receivers, k->single_rx ? 1 : 2);
    if (!k->single_tx)
        EXPECT_RC(weir_close(tx2), 0);
    if (!k->single_rx)
        EXPECT_RC(weir_close(rx2), 0);
    close_both(tx, rx);
    if (k->single_tx)
        EXPECT_RC(weir_check(weir_sender_clone(tx)), WEIR_ECLOSED);
}

/* ---- park and wake without a fence on the fast path: the ends run against each other -------- */

struct relay {
    struct flow flow;
    weir_sender tx;
    weir_receiver rx;
    uint64_t n;
    int rc;
};

static void relay(void *arg)
{
    struct relay *r = arg;
    uint64_t item = 0;
    for (r->n = 0; (r->rc = weir_recv(r->rx, &item)) > 0; r->n++)
        if ((r->rc = weir_send(r->tx, &item)) < 0)
            break;
    weir_close(r->tx);
}

static void ping_pong(const struct kind *k)
{
    struct relay r;
    weir_sender to, back;
    weir_receiver from, end;
    const uint64_t n = 2000 / SLOWNESS;
    kind_open(k, &to, &from);
    kind_open(k, &back, &end);
    r = (struct relay){.tx = back, .rx = from};
    flow_start(&r.flow, relay, &r);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t item = i;
        EXPECT_RC(weir_send(to, &item), 0);
        EXPECT_RC(weir_recv(end, &item), 1);
        EXPECT_EQ(item, i);
    }
    EXPECT_RC(weir_close(to), 0);
    flow_join(&r.flow);
    EXPECT_RC(r.rc, 0);
    EXPECT_EQ(r.n, n);
    EXPECT_RC(weir_close(from), 0);
    close_both(back, end);
}

static void second_user(void)
{
    for_kinds(a_second_user, ANY);
    for_kinds(a_second_user_of_a_rendezvous, ANY);
}

static void first_user(void)
{
    for_kinds(the_first_user, ANY);
}

static void later_user(void)
{
    for_kinds(a_later_user, ANY);
}

static void clones(void)
{
    for_kinds(no_clones, ANY);
}

static void ping_pongs(void)
{
    for_kinds(ping_pong, ANY);
}

TEST_SUITE(single, "channels: declared single ends",
           {"F050 single ends: a second user is refused", second_user},
           {"F050 single ends: a later user is refused, too", later_user},
           {"F050 single ends: the first user is the one", first_user},
           {"F041 single ends: no clones", clones},
           {"F035 ping-pong over two channels", ping_pongs});
