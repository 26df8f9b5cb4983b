/* SPDX-License-Identifier: MIT */
/* scenario_broadcast.h - every receiver gets every item, between flows. */
#ifndef WEIR_TESTS_SCENARIO_BROADCAST_H
#define WEIR_TESTS_SCENARIO_BROADCAST_H

#include <weir/broadcast.h>

#include "kept_flows.h"

struct casting {
    weir_sender tx;
    weir_receiver rx;
};

static struct casting cast_open(size_t capacity, weir_broadcast_mode mode)
{
    struct casting b;
    EXPECT_RC(weir_broadcast_open(&b.tx, &b.rx, sizeof(uint64_t), capacity, mode), 0);
    return b;
}

static void send_range(weir_sender tx, uint64_t first, uint64_t n)
{
    for (uint64_t i = first; i < first + n; i++)
        EXPECT_RC(try_send_item(tx, i), 0);
}

/* Each from when it came; the slowest one has made the room. */
static void all_get_all(void)
{
    static const size_t capacities[] = {1, 2, 3, 8, 100};
    for (unsigned k = 0; k < sizeof capacities / sizeof *capacities; k++) {
        uint64_t n = capacities[k];
        struct casting b = cast_open(n, WEIR_LOSE_NOTHING);
        weir_receiver early = weir_receiver_clone(b.rx);
        expect_try(early, WEIR_EAGAIN, 0);
        send_range(b.tx, 0, n);
        EXPECT_RC(try_send_item(b.tx, n), WEIR_EAGAIN);
        weir_receiver late = weir_receiver_clone(early);
        expect_try(late, WEIR_EAGAIN, 0);
        expect_items(b.rx, 0, n);
        EXPECT_RC(try_send_item(b.tx, n), WEIR_EAGAIN);
        EXPECT_EQ(stats_of(b.tx.h).buffered, n);
        EXPECT_EQ(stats_of(b.tx.h).capacity, n);
        expect_items(early, 0, 1);
        EXPECT_RC(try_send_item(b.tx, n), 0);
        EXPECT_RC(try_send_item(b.tx, n + 1), WEIR_EAGAIN);
        expect_items(late, n, 1);
        expect_items(early, 1, n);
        expect_items(b.rx, n, 1);
        EXPECT_EQ(stats_of(b.tx.h).buffered, 0);
        EXPECT_EQ(stats_of(b.tx.h).passed, n + 1);
        send_range(b.tx, 0, n);
        EXPECT_RC(weir_close(b.tx), 0);
        expect_items(late, 0, n); /* what waits for it, then the end */
        expect_recv(late, 0, 0);
        expect_items(early, 0, n);
        expect_try(early, 0, 0);
        expect_try(b.rx, 1, 0);
        EXPECT_RC(weir_close(early), 0);
        EXPECT_RC(weir_close(late), 0);
        EXPECT_RC(weir_close(b.rx), 0);
    }
}

static void senders_wait(void)
{
    struct casting b = cast_open(2, WEIR_LOSE_NOTHING);
    weir_receiver slow = weir_receiver_clone(b.rx);
    struct op ops[3];
    send_range(b.tx, 0, 2);
    park_senders(ops, 3, b.tx, 2);
    expect_items(b.rx, 0, 2);
    EXPECT_EQ(stats_of(b.tx.h).waiting_senders, 3); /* one does not make room for both */
    expect_items(slow, 0, 1);
    EXPECT_RC(op_end(&ops[0]), 0);
    expect_items(b.rx, 2, 1);
    EXPECT_EQ(stats_of(b.tx.h).waiting_senders, 2);
    EXPECT_RC(weir_close(slow), 0); /* who leaves makes room */
    EXPECT_RC(op_end(&ops[1]), 0);
    EXPECT_RC(op_end(&ops[2]), 0);
    expect_items(b.rx, 3, 2);
    close_both(b.tx, b.rx);
}

static void all_that_wait(void)
{
    struct casting b = cast_open(1, WEIR_LOSE_NOTHING);
    weir_receiver clone = weir_receiver_clone(b.rx);
    struct op ops[4];
    park_receivers(ops, 1, b.rx);
    park_receivers(&ops[1], 1, clone);
    EXPECT_RC(send_item(b.tx, 5), 0);
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_RC(op_end(&ops[i]), 1);
        EXPECT_EQ(ops[i].items[0], 5);
    }
    park_receivers(ops, 3, b.rx); /* of one subscriber: in their order */
    park_receivers(&ops[3], 1, clone);
    send_range(b.tx, 6, 1);
    EXPECT_RC(op_end(&ops[3]), 1);
    EXPECT_RC(op_end(&ops[0]), 1);
    EXPECT_EQ(ops[0].items[0], 6);
    EXPECT_EQ(stats_of(b.rx.h).waiting_receivers, 2);
    EXPECT_RC(send_item(b.tx, 7), 0);
    EXPECT_RC(op_end(&ops[1]), 1);
    EXPECT_EQ(ops[1].items[0], 7);
    EXPECT_RC(weir_close(b.tx), 0);
    EXPECT_RC(op_end(&ops[2]), 0);
    expect_recv(clone, 1, 7);
    expect_recv(clone, 0, 0);
    EXPECT_RC(weir_close(clone), 0);
    EXPECT_RC(weir_close(b.rx), 0);
}

static void oldest_is_dropped(void)
{
    struct casting b = cast_open(3, WEIR_LOSE_OLDEST);
    weir_receiver slow = weir_receiver_clone(b.rx);
    uint64_t items[8] = {7, 7, 7, 7, 7, 7, 7, 7};
    for (uint64_t i = 0; i < 10; i++) {
        EXPECT_RC(i % 2 ? send_item(b.tx, i) : try_send_item(b.tx, i), 0);
        expect_try(b.rx, 1, i);
    }
    EXPECT_EQ(weir_broadcast_lost(b.rx), 0);
    EXPECT_EQ(stats_of(slow.h).buffered, 3);
    expect_try(slow, WEIR_ELOST, 0);
    EXPECT_EQ(weir_broadcast_lost(slow), 7);
    EXPECT_EQ(weir_broadcast_lost(slow), 0);
    expect_items(slow, 7, 3);
    expect_try(slow, WEIR_EAGAIN, 0);
    send_range(b.tx, 10, 4);
    expect_recv(slow, WEIR_ELOST, 0); /* told once, asked or not */
    expect_recv(slow, 1, 11);
    send_range(b.tx, 14, 3);
    EXPECT_RC(weir_recv_many(slow, items, 8), WEIR_ELOST);
    EXPECT_EQ(weir_broadcast_lost(slow), 3); /* 10, 12, 13 */
    EXPECT_RC(weir_recv_many(slow, items, 8), 3);
    EXPECT_EQ(items[0], 14);
    EXPECT_EQ(items[2], 16);
    EXPECT_EQ(items[3], 7);
    send_range(b.tx, 17, 5);
    EXPECT_EQ(weir_broadcast_lost(slow), 2); /* who has asked is not told again */
    expect_items(slow, 19, 3);
    EXPECT_RC(weir_close(slow), 0);
    EXPECT_EQ(weir_broadcast_lost(slow), WEIR_ECLOSED);
    EXPECT_RC(weir_close(b.tx), 0);
    expect_recv(b.rx, WEIR_ELOST, 0); /* 10 to 18 */
    EXPECT_EQ(weir_broadcast_lost(b.rx), 9);
    expect_items(b.rx, 19, 3);
    expect_recv(b.rx, 0, 0);
    EXPECT_RC(weir_close(b.rx), 0);
}

/* Senders wait for b.rx alone. */
static void each_in_its_mode(void)
{
    struct casting b = cast_open(2, WEIR_LOSE_NOTHING);
    weir_receiver screen = weir_broadcast_subscribe(b.tx, WEIR_LOSE_OLDEST);
    weir_receiver mirror = weir_receiver_clone(screen);
    struct op op;
    send_range(b.tx, 0, 2);
    EXPECT_RC(try_send_item(b.tx, 2), WEIR_EAGAIN);
    expect_items(b.rx, 0, 2);
    send_range(b.tx, 2, 2);
    expect_items(b.rx, 2, 1);
    send_range(b.tx, 4, 1);
    EXPECT_RC(try_send_item(b.tx, 5), WEIR_EAGAIN);
    expect_try(screen, WEIR_ELOST, 0);
    EXPECT_EQ(weir_broadcast_lost(screen), 3);
    expect_items(screen, 3, 2);
    expect_try(screen, WEIR_EAGAIN, 0);
    park_senders(&op, 1, b.tx, 5);
    EXPECT_RC(weir_close(b.rx), 0);
    EXPECT_RC(op_end(&op), 0);
    send_range(b.tx, 6, 4); /* now nobody is waited for */
    EXPECT_EQ(weir_broadcast_lost(mirror), 8);
    expect_items(mirror, 8, 2);
    expect_try(screen, WEIR_ELOST, 0);
    expect_items(screen, 8, 2);
    EXPECT_EQ(weir_broadcast_lost(screen), 3);
    EXPECT_EQ(stats_of(b.tx.h).buffered, 0);
    EXPECT_RC(weir_check(weir_broadcast_subscribe(b.tx, (weir_broadcast_mode)7)), WEIR_EINVAL);
    EXPECT_RC(weir_close(mirror), 0);
    close_both(b.tx, screen);
}

/* A subscriber that waits loses nothing, also when several senders get room at once. */
static void who_waits_loses_nothing(void)
{
    struct casting b = cast_open(1, WEIR_LOSE_NOTHING);
    weir_receiver screen = weir_broadcast_subscribe(b.tx, WEIR_LOSE_OLDEST);
    struct op sends[3], recv;
    send_range(b.tx, 0, 1);
    expect_items(screen, 0, 1);
    park_senders(sends, 3, b.tx, 1);
    park_receivers(&recv, 1, screen);
    EXPECT_RC(weir_close(b.rx), 0);
    for (unsigned i = 0; i < 3; i++)
        EXPECT_RC(op_end(&sends[i]), 0);
    EXPECT_RC(op_end(&recv), 1);
    EXPECT_EQ(recv.items[0], 1);
    expect_try(screen, WEIR_ELOST, 0);
    EXPECT_EQ(weir_broadcast_lost(screen), 1);
    expect_items(screen, 3, 1);
    close_both(b.tx, screen);
}

static void batches(void)
{
    for (int drops = 0; drops < 2; drops++) {
        struct casting b = cast_open(3, drops ? WEIR_LOSE_OLDEST : WEIR_LOSE_NOTHING);
        uint64_t in[5] = {1, 2, 3, 4, 5}, out[5] = {0};
        EXPECT_RC(weir_send_many(b.tx, in, 5), 3);
        EXPECT_RC(weir_try_send_many(b.tx, &in[3], 2), drops ? 2 : WEIR_EAGAIN);
        if (drops)
            expect_try(b.rx, WEIR_ELOST, 0);
        EXPECT_RC(weir_recv_many(b.rx, out, 2), 2);
        EXPECT_EQ(out[0], drops ? 3 : 1);
        EXPECT_RC(weir_try_recv_many(b.rx, out, 5), 1);
        EXPECT_EQ(out[0], drops ? 5 : 3);
        EXPECT_RC(weir_try_recv_many(b.rx, out, 5), WEIR_EAGAIN);
        close_both(b.tx, b.rx);
    }
}

/* A parked batch gets what there is room for. */
static void parked_batches(void)
{
    struct casting b = cast_open(2, WEIR_LOSE_NOTHING);
    struct op send, recv;
    op_start_recv_many(&recv, b.rx, 4);
    await_receivers(b.rx.h, 1);
    op_start_send_many(&send, b.tx, 1, 5);
    EXPECT_RC(op_end(&send), 2);
    EXPECT_RC(op_end(&recv), 2);
    EXPECT_EQ(recv.items[1], 2);
    send_range(b.tx, 0, 2);
    op_start_send_many(&send, b.tx, 2, 5);
    await_senders(b.tx.h, 1);
    expect_items(b.rx, 0, 1);
    EXPECT_RC(op_end(&send), 1);
    expect_items(b.rx, 1, 2);
    close_both(b.tx, b.rx);
}

static void nobody_subscribes(void)
{
    weir_sender tx;
    EXPECT_RC(weir_broadcast_open(&tx, NULL, sizeof(uint64_t), 2, WEIR_LOSE_NOTHING), 0);
    EXPECT_EQ(stats_of(tx.h).open_receivers, 0);
    for (unsigned round = 0; round < 3; round++) {
        struct op ops[2];
        EXPECT_RC(send_item(tx, 1), WEIR_EPIPE);
        weir_receiver rx = weir_broadcast_subscribe(tx, WEIR_LOSE_NOTHING),
                      other = weir_broadcast_subscribe(tx, WEIR_LOSE_NOTHING);
        expect_try(rx, WEIR_EAGAIN, 0);
        send_range(tx, 1, 2);
        expect_items(other, 1, 2);
        park_senders(ops, 2, tx, 3);
        EXPECT_RC(weir_close(other), 0);
        EXPECT_EQ(stats_of(tx.h).waiting_senders, 2);
        EXPECT_RC(weir_close(rx), 0); /* the last one */
        EXPECT_RC(op_end(&ops[0]), WEIR_EPIPE);
        EXPECT_RC(op_end(&ops[1]), WEIR_EPIPE);
        EXPECT_RC(try_send_item(tx, 1), WEIR_EPIPE);
        EXPECT_EQ(stats_of(tx.h).buffered, 0);
    }
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_check(weir_broadcast_subscribe(tx, WEIR_LOSE_NOTHING)), WEIR_ECLOSED);
}

static void closes(void)
{
    struct casting b = cast_open(1, WEIR_LOSE_NOTHING);
    weir_receiver clone = weir_receiver_clone(b.rx);
    weir_sender tx = weir_sender_clone(b.tx);
    struct op ops[3];
    park_receivers(ops, 1, b.rx);
    park_receivers(&ops[1], 1, clone);
    EXPECT_RC(weir_close(b.rx), 0);
    EXPECT_RC(op_end(&ops[0]), WEIR_ECLOSED);
    EXPECT_RC(send_item(b.tx, 1), 0);
    EXPECT_RC(op_end(&ops[1]), 1);
    send_range(b.tx, 2, 1);
    park_senders(ops, 1, b.tx, 3);
    park_senders(&ops[1], 1, tx, 4);
    EXPECT_RC(weir_close(b.tx), 0);
    EXPECT_RC(op_end(&ops[0]), WEIR_ECLOSED);
    expect_items(clone, 2, 1);
    EXPECT_RC(op_end(&ops[1]), 0);
    expect_items(clone, 4, 1);
    park_receivers(ops, 1, clone);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(op_end(&ops[0]), 0);
    EXPECT_RC(weir_close(clone), 0);
}

static void misuse(void)
{
    struct casting b = cast_open(1, WEIR_LOSE_NOTHING);
    weir_sender tx;
    weir_receiver rx;
    uint32_t narrow = 0;
    uint64_t item = 0;
    weir_time deadline = weir_after(WEIR_MS);
    EXPECT_RC(weir_recv_by(b.rx, &item, deadline), WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= deadline);
    EXPECT_RC(weir_send(b.tx, &narrow), WEIR_EITEM);
    EXPECT_RC(weir_recv(b.rx, &narrow), WEIR_EITEM);
    EXPECT_RC(weir_send_by(b.tx, &item, 0), 0);
    EXPECT_RC(weir_send_by(b.tx, &item, 0), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_send_by(b.tx, &item, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_EQ(stats_of(b.tx.h).waiting_senders, 0);
    EXPECT_EQ(weir_broadcast_lost((weir_receiver){b.tx.h}), WEIR_EBADF);
    EXPECT_RC(weir_check(weir_broadcast_subscribe((weir_sender){b.rx.h}, WEIR_LOSE_NOTHING)),
              WEIR_EBADF);
    close_both(b.tx, b.rx);
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, NULL), 0);
    EXPECT_EQ(weir_broadcast_lost(rx), WEIR_EBADF);
    EXPECT_RC(weir_check(weir_broadcast_subscribe(tx, WEIR_LOSE_NOTHING)), WEIR_EBADF);
    close_both(tx, rx);
    EXPECT_RC(weir_broadcast_open(&tx, &rx, 0, 1, WEIR_LOSE_NOTHING), WEIR_EINVAL);
    EXPECT_RC(weir_broadcast_open(&tx, &rx, 8, 0, WEIR_LOSE_NOTHING), WEIR_EINVAL);
    EXPECT_RC(weir_check(tx), WEIR_EINVAL);
    EXPECT_RC(weir_check(rx), WEIR_EINVAL);
    EXPECT_RC(weir_broadcast_open(&tx, &rx, 8, WEIR_BROADCAST_MAX + 1, WEIR_LOSE_OLDEST),
              WEIR_EINVAL);
    EXPECT_RC(weir_broadcast_open(&tx, &rx, 8, WEIR_UNBOUNDED, WEIR_LOSE_OLDEST), WEIR_EINVAL);
    EXPECT_RC(weir_broadcast_open(&tx, &rx, 8, 1, (weir_broadcast_mode)2), WEIR_EINVAL);
    EXPECT_RC(weir_broadcast_open(NULL, &rx, 8, 1, WEIR_LOSE_OLDEST), WEIR_EINVAL);
    EXPECT_RC(weir_broadcast_open(&tx, NULL, 0, 1, WEIR_LOSE_OLDEST), WEIR_EINVAL);
    EXPECT_RC(weir_check(tx), WEIR_EINVAL);
}

/* ---- between flows ------------------------------------------------------------------------- */

enum { SUBSCRIBERS = 4, FEEDS = 3, NEWS = 600 / SLOWNESS };

struct cast_party {
    struct flow flow;
    struct casting b;
    uint64_t which, lost, got, last[FEEDS];
    bool leaves;
};

/* Items of one feed in order, each once; without losses none is missing. */
static void subscribe_all(void *arg)
{
    struct cast_party *s = arg;
    uint64_t item;
    int rc;
    while ((rc = weir_recv(s->b.rx, &item)) != 0 && !(s->leaves && s->got > NEWS / 2)) {
        if (rc == WEIR_ELOST) {
            int64_t lost = weir_broadcast_lost(s->b.rx);
            EXPECT(lost > 0);
            s->lost += (uint64_t)lost;
            continue;
        }
        REQUIRE_RC(rc, 1);
        EXPECT(item / FEEDS > s->last[item % FEEDS]);
        s->last[item % FEEDS] = item / FEEDS;
        s->got++;
    }
    EXPECT_RC(weir_close(s->b.rx), 0);
}

static void feed_all(void *arg)
{
    struct cast_party *f = arg;
    for (uint64_t i = 1; i <= NEWS; i++)
        EXPECT_RC(send_item(f->b.tx, i * FEEDS + f->which), 0);
    EXPECT_RC(weir_close(f->b.tx), 0);
}

static void many_to_all_with(size_t capacity, weir_broadcast_mode mode)
{
    struct casting b = cast_open(capacity, mode);
    struct cast_party subscribers[SUBSCRIBERS] = {0}, feeds[FEEDS] = {0};
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        subscribers[i].leaves = i == 1;
        subscribers[i].b.rx = weir_receiver_clone(b.rx);
        flow_start(&subscribers[i].flow, subscribe_all, &subscribers[i]);
    }
    for (unsigned i = 0; i < FEEDS; i++) {
        feeds[i].which = i;
        feeds[i].b.tx = weir_sender_clone(b.tx);
        flow_start(&feeds[i].flow, feed_all, &feeds[i]);
    }
    EXPECT_RC(weir_close(b.tx), 0);
    EXPECT_RC(weir_close(b.rx), 0); /* nobody reads it */
    for (unsigned i = 0; i < FEEDS; i++)
        flow_join(&feeds[i].flow);
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        flow_join(&subscribers[i].flow);
        if (i != 1)
            EXPECT_EQ(subscribers[i].got + subscribers[i].lost, FEEDS * NEWS);
        if (mode == WEIR_LOSE_NOTHING)
            EXPECT_EQ(subscribers[i].lost, 0);
    }
}

static void many_to_all(void)
{
    many_to_all_with(1, WEIR_LOSE_NOTHING);
    many_to_all_with(16, WEIR_LOSE_NOTHING);
    many_to_all_with(3, WEIR_LOSE_OLDEST);
}

/* So many that the table of readers grows; closed ones' places are used again. */
static void many_subscribers(void)
{
    enum { N = 70 };
    struct casting b = cast_open(N, WEIR_LOSE_NOTHING);
    weir_receiver rx[N];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < N; i++) {
            rx[i] = weir_broadcast_subscribe(b.tx, WEIR_LOSE_NOTHING);
            EXPECT_RC(send_item(b.tx, i), 0);
        }
        for (unsigned i = 0; i < N; i += 3)
            EXPECT_RC(weir_close(rx[i]), 0);
        expect_items(b.rx, 0, N);
        for (unsigned i = 0; i < N; i++) {
            if (i % 3 == 0)
                continue;
            expect_items(rx[i], i, N - i);
            expect_try(rx[i], WEIR_EAGAIN, 0);
            EXPECT_RC(weir_close(rx[i]), 0);
        }
        EXPECT_EQ(stats_of(b.tx.h).buffered, 0);
    }
    close_both(b.tx, b.rx);
}

/* ---- select, descriptors ------------------------------------------------------------------- */

static void in_selects(void)
{
    for (int what = 0; what < 4; what++) {
        struct casting a = cast_open(1, WEIR_LOSE_NOTHING), b = cast_open(2, WEIR_LOSE_OLDEST);
        struct two_receives t;
        two_receives_start(&t, a.rx, b.rx);
        await_receivers(a.rx.h, 1);
        await_receivers(b.rx.h, 1);
        if (what < 2)
            EXPECT_RC(send_item(what == 0 ? a.tx : b.tx, (uint64_t)what), 0);
        else
            EXPECT_RC(weir_handle_close(what == 2 ? a.tx.h : b.rx.h), 0);
        two_receives_end(&t, what & 1, what < 2 ? 1 : what == 2 ? 0 : WEIR_ECLOSED, (uint64_t)what);
        EXPECT_EQ(stats_of(a.rx.h).waiting_receivers, 0);
        close_both(a.tx, a.rx);
        close_both(b.tx, b.rx);
    }
}

struct selecting_sender {
    struct flow flow;
    weir_sender tx, other;
    int fired;
};

static void select_send(void *arg)
{
    struct selecting_sender *s = arg;
    uint64_t item = 50;
    weir_case c[] = {weir_on_send(s->tx, &item), weir_on_send(s->other, &item)};
    s->fired = weir_select(c, 2, WEIR_FAIR);
    EXPECT_RC(c[0].rc, 0);
}

static void sent_by_selects(void)
{
    struct casting a = cast_open(1, WEIR_LOSE_NOTHING), b = cast_open(1, WEIR_LOSE_NOTHING);
    weir_receiver clone = weir_receiver_clone(a.rx);
    struct selecting_sender s = {.tx = a.tx, .other = b.tx};
    uint64_t lost = 0;
    send_range(a.tx, 1, 1);
    send_range(b.tx, 1, 1);
    flow_start(&s.flow, select_send, &s);
    await_senders(a.tx.h, 1);
    expect_items(a.rx, 1, 1);
    expect_items(clone, 1, 1);
    flow_join(&s.flow);
    EXPECT_EQ(s.fired, 0);
    EXPECT_EQ(stats_of(b.tx.h).waiting_senders, 0);
    expect_items(clone, 50, 1);
    close_both(b.tx, b.rx);
    b = cast_open(1, WEIR_LOSE_OLDEST);
    send_range(b.tx, 1, 2);
    weir_case c[] = {weir_on_recv(b.rx, &lost)};
    EXPECT_RC(weir_select(c, 1, WEIR_FAIR), 0);
    EXPECT_RC(c[0].rc, WEIR_ELOST);
    EXPECT_RC(weir_try_select(c, 1, WEIR_FAIR), 0);
    EXPECT_RC(c[0].rc, 1);
    EXPECT_EQ(lost, 2);
    EXPECT_RC(weir_close(clone), 0);
    close_both(a.tx, a.rx);
    close_both(b.tx, b.rx);
}

static void watched(void)
{
    struct casting b = cast_open(2, WEIR_LOSE_NOTHING);
    weir_receiver clone = weir_receiver_clone(b.rx);
    int fd = weir_receiver_fd(b.rx), other = weir_receiver_fd(clone);
    struct op op;
    REQUIRE(fd >= 0 && other >= 0);
    expect_try(b.rx, WEIR_EAGAIN, 0);
    expect_try(clone, WEIR_EAGAIN, 0);
    EXPECT(!readable(fd) && !readable(other));
    send_range(b.tx, 1, 2);
    EXPECT(readable(fd) && readable(other));
    expect_items(b.rx, 1, 2);
    expect_try(b.rx, WEIR_EAGAIN, 0);
    EXPECT(!readable(fd) && readable(other));
    park_senders(&op, 1, b.tx, 3); /* one that waits is not for who has received all */
    expect_try(b.rx, WEIR_EAGAIN, 0);
    EXPECT(!readable(fd) && readable(other));
    expect_items(clone, 1, 1);
    EXPECT_RC(op_end(&op), 0);
    EXPECT(readable(fd));
    expect_items(b.rx, 3, 1);
    EXPECT_RC(weir_close(b.tx), 0);
    expect_items(clone, 2, 2);
    expect_try(clone, 0, 0);
    EXPECT(readable(other));
    EXPECT_RC(weir_close(clone), 0);
    EXPECT_RC(weir_close(b.rx), 0);
    close(fd);
    close(other);
}

#define BROADCAST_CASES(CASE)                                                                      \
    CASE("F037 F041 F051 broadcast: each gets all since it came", all_get_all)                     \
    CASE("F035 F049 broadcast: senders wait for the slowest", senders_wait)                        \
    CASE("F037 broadcast: all that wait get it", all_that_wait)                                    \
    CASE("broadcast: the oldest is dropped and counted", oldest_is_dropped)                        \
    CASE("broadcast: each subscriber in its mode", each_in_its_mode)                               \
    CASE("broadcast: who waits loses nothing", who_waits_loses_nothing)                            \
    CASE("broadcast: batches", batches)                                                            \
    CASE("broadcast: parked batches", parked_batches)                                              \
    CASE("F044 broadcast: nobody subscribes, and again", nobody_subscribes)                        \
    CASE("F043 F045 broadcast: closes", closes)                                                    \
    CASE("F034 F046 F047 broadcast: misuse, deadlines", misuse)                                    \
    CASE("F050 broadcast: many to all", many_to_all)                                               \
    CASE("F041 broadcast: many subscribers", many_subscribers)                                     \
    CASE("select: broadcasts served, ended and closed", in_selects)                                \
    CASE("select: sends to a broadcast, losses", sent_by_selects)                                  \
    CASE("descriptor: of each subscriber", watched)

#endif
