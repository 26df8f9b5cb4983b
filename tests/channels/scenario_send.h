/* SPDX-License-Identifier: MIT */
/*
 * scenario_send.h - rows F034-F040: what send and recv do while both ends are open.
 * The scenarios run as threads, as actors and as both; see flow_threads.h.
 */
#include "ops.h"

/* ---- F034 ------------------------------------------------------------------------------- */

static void fresh_channel(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    weir_statistics s;
    kind_open(k, &tx, &rx);
    EXPECT_RC(weir_channel_statistics(tx, &s), 0);
    EXPECT_EQ(s.item_size, sizeof(uint64_t));
    EXPECT_EQ(s.capacity, k->capacity);
    EXPECT_EQ(s.buffered, 0);
    EXPECT_EQ(s.open_senders, 1);
    EXPECT_EQ(s.open_receivers, 1);
    EXPECT_EQ(s.waiting_senders, 0);
    EXPECT_EQ(s.waiting_receivers, 0);
    EXPECT_EQ(s.passed, 0);
    close_both(tx, rx);
}

/* Several laps, each begun at another cell. */
static void holds_capacity(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item, offset = 0;
    kind_open(k, &tx, &rx);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
    for (uint64_t lap = 0; lap < 12; lap++) {
        fill(k, tx, lap * 1000);
        EXPECT_EQ(stats_of(rx.h).buffered, kind_room(k));
        expect_items(rx, lap * 1000, kind_room(k));
        EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
        if (kind_room(k) == 0)
            continue;
        EXPECT_RC(weir_try_send(tx, &offset), 0);
        EXPECT_RC(weir_try_recv(rx, &item), 1);
    }
    close_both(tx, rx);
}

/* ---- F035 ------------------------------------------------------------------------------- */

static void send_is_buffered(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    kind_open(k, &tx, &rx);
    for (uint64_t i = 0; i < kind_room(k); i++)
        EXPECT_RC(weir_send(tx, &i), 0);
    expect_items(rx, 0, kind_room(k));
    close_both(tx, rx);
}

static void send_waits_for_room(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    kind_open(k, &tx, &rx);
    fill(k, tx, 0);
    park_senders(&op, 1, tx, kind_room(k));
    EXPECT(!flow_done(&op.flow));
    expect_items(rx, 0, kind_room(k) + 1);
    EXPECT_RC(op_end(&op), 0);
    EXPECT_EQ(stats_of(tx.h).waiting_senders, 0);
    close_both(tx, rx);
}

struct producer {
    weir_sender tx;
    uint64_t n;
    int rc;
};

/* Sends 0 .. n - 1 and closes its handle. */
static void produce(void *arg)
{
    struct producer *p = arg;
    p->rc = 0;
    for (uint64_t i = 0; i < p->n && p->rc == 0; i++)
        p->rc = weir_send(p->tx, &i);
    weir_close(p->tx);
}

static void stream_in_order(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct flow flow;
    uint64_t item, n = 0;
    int rc;
    kind_open(k, &tx, &rx);
    struct producer p = {.tx = tx, .n = 3 * kind_room(k) + 200};
    flow_start(&flow, produce, &p);
    for (; (rc = weir_recv(rx, &item)) > 0; n++)
        if (!EXPECT_EQ(item, n))
            break;
    flow_join(&flow);
    EXPECT_RC(rc, 0);
    EXPECT_RC(p.rc, 0);
    EXPECT_EQ(n, p.n);
    close_both(tx, rx);
}

/* Upstream bug #186: a send must not fail because the receiver closed after taking. */
static void taken_is_sent(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    uint64_t item = 0;
    if (k->capacity != 0)
        return;
    kind_open(k, &tx, &rx);
    park_senders(&op, 1, tx, 77);
    EXPECT_RC(weir_try_recv(rx, &item), 1);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(op_end(&op), 0);
    EXPECT_EQ(item, 77);
}

/* The same of a bounded channel: sent and dropped, or not sent; never both, never neither. */
static void moved_is_sent(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    atomic_size_t dropped = 0;
    kind_open_sized(k, sizeof(uint64_t), &tx, &rx, count_drop, &dropped);
    fill(k, tx, 0);
    park_senders(&op, 1, tx, kind_room(k));
    expect_items(rx, 0, 1);
    EXPECT_RC(weir_close(rx), 0);
    int rc = op_end(&op);
    EXPECT(rc == 0 || rc == WEIR_EPIPE);
    await_count(&dropped, kind_room(k) - 1 + (rc == 0));
    EXPECT_RC(weir_close(tx), 0);
}

/* ---- F036 ------------------------------------------------------------------------------- */

static void try_send_checks(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 1;
    uint16_t wrong = 1;
    kind_open(k, &tx, &rx);
    EXPECT_RC(weir_try_send(tx, &wrong), WEIR_EITEM);
    fill(k, tx, 0);
    EXPECT_RC(weir_try_send(tx, &wrong), WEIR_EITEM);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_try_send(tx, &wrong), WEIR_EITEM);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_EPIPE);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_try_send(tx, &wrong), WEIR_ECLOSED);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_ECLOSED);

    kind_open(k, &tx, &rx);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_EPIPE); /* with room */
    EXPECT_RC(weir_close(tx), 0);

    kind_open(k, &tx, &rx);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_ECLOSED); /* with a receiver */
    EXPECT_RC(weir_close(rx), 0);
}

static void try_send_hands_over(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[3];
    uint64_t late = 9;
    kind_open(k, &tx, &rx);
    park_receivers(ops, 3, rx);
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t item = 100 + i;
        EXPECT_RC(weir_try_send(tx, &item), 0);
        EXPECT_EQ(stats_of(tx.h).buffered, 0);
        EXPECT_EQ(stats_of(tx.h).waiting_receivers, 2 - i);
    }
    EXPECT_RC(weir_try_send(tx, &late), k->capacity == 0 ? WEIR_EAGAIN : 0);
    for (uint64_t i = 0; i < 3; i++) {
        EXPECT_RC(op_end(&ops[i]), 1);
        EXPECT_EQ(ops[i].items[0], 100 + i);
    }
    close_both(tx, rx);
}

enum { FORMS = 6 };

/* What a batch of one returns, in the terms of a single send. */
static int as_single(int rc)
{
    return rc == 1 ? 0 : rc;
}

static int send_form(unsigned form, weir_sender tx, const uint64_t *item)
{
    switch (form) {
    case 0:
        return weir_try_send(tx, item);
    case 1:
        return weir_send(tx, item);
    case 2:
        return weir_send_by(tx, item, weir_after(60 * WEIR_S));
    case 3:
        return as_single(weir_try_send_many(tx, item, 1));
    case 4:
        return as_single(weir_send_many(tx, item, 1));
    default:
        return as_single(weir_send_many_by(tx, item, 1, weir_after(60 * WEIR_S)));
    }
}

static int recv_form(unsigned form, weir_receiver rx, uint64_t *item)
{
    switch (form) {
    case 0:
        return weir_try_recv(rx, item);
    case 1:
        return weir_recv(rx, item);
    case 2:
        return weir_recv_by(rx, item, weir_after(60 * WEIR_S));
    case 3:
        return weir_try_recv_many(rx, item, 1);
    case 4:
        return weir_recv_many(rx, item, 1);
    default:
        return weir_recv_many_by(rx, item, 1, weir_after(60 * WEIR_S));
    }
}

static void every_send_wakes(const struct kind *k)
{
    for (unsigned form = 0; form < FORMS; form++) {
        weir_sender tx;
        weir_receiver rx;
        struct op op;
        uint64_t item = 40 + form;
        kind_open(k, &tx, &rx);
        park_receivers(&op, 1, rx);
        EXPECT_RC(send_form(form, tx, &item), 0);
        EXPECT_RC(op_end(&op), 1);
        EXPECT_EQ(op.items[0], 40 + form);
        EXPECT_EQ(stats_of(tx.h).buffered, 0);
        EXPECT_EQ(stats_of(tx.h).passed, 1);
        close_both(tx, rx);
    }
}

/* ---- F037 ------------------------------------------------------------------------------- */

static void recv_takes_what_is_there(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item;
    kind_open(k, &tx, &rx);
    fill(k, tx, 5);
    for (uint64_t i = 0; i < kind_room(k); i++) {
        item = 0;
        EXPECT_RC(weir_recv(rx, &item), 1);
        EXPECT_EQ(item, 5 + i);
    }
    close_both(tx, rx);
}

static void recv_waits(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    uint64_t item = 31;
    kind_open(k, &tx, &rx);
    park_receivers(&op, 1, rx);
    EXPECT(!flow_done(&op.flow));
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(op_end(&op), 1);
    EXPECT_EQ(op.items[0], 31);
    close_both(tx, rx);
}

/* An item that was assigned is received, whatever closes afterwards. */
static void assigned_is_received(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    uint64_t item = 32;
    atomic_size_t dropped = 0;
    kind_open_sized(k, sizeof(uint64_t), &tx, &rx, count_drop, &dropped);
    park_receivers(&op, 1, rx);
    EXPECT_RC(weir_try_send(tx, &item), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(op_end(&op), 1);
    EXPECT_EQ(op.items[0], 32);
    EXPECT_EQ(atomic_load(&dropped), 0);
}

static void recv_wakes_at_end(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    kind_open(k, &tx, &rx);
    park_receivers(&op, 1, rx);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(op_end(&op), 0);
    EXPECT_RC(weir_close(rx), 0);
}

/* ---- F038 ------------------------------------------------------------------------------- */

static void try_recv_order(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[4];
    uint64_t item;
    kind_open(k, &tx, &rx);
    fill(k, tx, 0);
    park_senders(ops, 4, tx, kind_room(k));
    expect_items(rx, 0, kind_room(k) + 4);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
    for (unsigned i = 0; i < 4; i++)
        EXPECT_RC(op_end(&ops[i]), 0);
    EXPECT_EQ(stats_of(tx.h).passed, kind_room(k) + 4);
    close_both(tx, rx);
}

static void try_recv_checks(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 1;
    uint32_t wrong = 1;
    kind_open(k, &tx, &rx);
    EXPECT_RC(weir_try_recv(rx, &wrong), WEIR_EITEM);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
    fill(k, tx, 0);
    EXPECT_RC(weir_try_recv(rx, &wrong), WEIR_EITEM); /* and nothing is taken */
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_try_recv(rx, &wrong), WEIR_EITEM);
    expect_items(rx, 0, kind_room(k));
    EXPECT_RC(weir_try_recv(rx, &wrong), WEIR_EITEM);
    EXPECT_RC(weir_try_recv(rx, &item), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_try_recv(rx, &wrong), WEIR_ECLOSED);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_ECLOSED);

    kind_open(k, &tx, &rx);
    fill(k, tx, 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_ECLOSED); /* with items and a sender */
    EXPECT_RC(weir_close(tx), 0);
}

/* Upstream bug #143: each way to free room lets a parked send go on. */
static void every_recv_wakes(const struct kind *k)
{
    for (unsigned form = 0; form < FORMS; form++) {
        weir_sender tx;
        weir_receiver rx;
        struct op op;
        uint64_t item = 0;
        kind_open(k, &tx, &rx);
        fill(k, tx, 0);
        park_senders(&op, 1, tx, kind_room(k));
        EXPECT_RC(recv_form(form, rx, &item), 1);
        EXPECT_EQ(item, 0);
        EXPECT_RC(op_end(&op), 0);
        expect_items(rx, 1, kind_room(k));
        close_both(tx, rx);
    }
}

/* ---- F039, F040 -------------------------------------------------------------------------- */

static void full(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    uint64_t item = 0;
    kind_open(k, &tx, &rx);
    fill(k, tx, 0);
    EXPECT_RC(weir_send_by(tx, &item, 0), WEIR_ETIMEDOUT);
    park_senders(&op, 1, tx, kind_room(k));
    EXPECT_EQ(stats_of(tx.h).buffered, k->capacity);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_EAGAIN);
    EXPECT_EQ(stats_of(tx.h).buffered, k->capacity);
    expect_items(rx, 0, 1);
    EXPECT_RC(op_end(&op), 0);
    EXPECT_EQ(stats_of(tx.h).buffered, k->capacity); /* the parked item has taken the place */
    EXPECT_RC(weir_try_send(tx, &item), WEIR_EAGAIN);
    expect_items(rx, 1, kind_room(k));
    close_both(tx, rx);
}

static void never_full(const struct kind *k)
{
    enum { N = 20000 };
    weir_sender tx;
    weir_receiver rx;
    uint64_t i;
    if (k->capacity != WEIR_UNBOUNDED)
        return;
    kind_open(k, &tx, &rx);
    for (unsigned round = 0; round < 2; round++) { /* blocks are used again */
        for (i = 0; i < N; i++)
            EXPECT_RC(weir_try_send(tx, &i), 0);
        EXPECT_EQ(stats_of(tx.h).buffered, N);
        expect_items(rx, 0, N);
        EXPECT_RC(weir_try_recv(rx, &i), WEIR_EAGAIN);
        EXPECT_EQ(stats_of(tx.h).buffered, 0);
    }
    EXPECT_EQ(stats_of(tx.h).passed, 2 * N);
    close_both(tx, rx);
}

static void rendezvous_holds_nothing(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[2];
    uint64_t item = 3;
    if (k->capacity != 0)
        return;
    kind_open(k, &tx, &rx);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_EAGAIN);
    EXPECT_RC(weir_send_by(tx, &item, weir_after(WEIR_MS)), WEIR_ETIMEDOUT); /* to oneself */
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
    park_senders(ops, 2, tx, 50);
    EXPECT_EQ(stats_of(rx.h).buffered, 0);
    EXPECT_EQ(stats_of(rx.h).passed, 0);
    EXPECT(!flow_done(&ops[0].flow) && !flow_done(&ops[1].flow));
    expect_items(rx, 50, 1);
    EXPECT_RC(op_end(&ops[0]), 0);
    EXPECT_EQ(stats_of(rx.h).passed, 1);
    EXPECT(!flow_done(&ops[1].flow));
    EXPECT_EQ(stats_of(rx.h).waiting_senders, 1);
    expect_items(rx, 51, 1);
    EXPECT_RC(op_end(&ops[1]), 0);
    close_both(tx, rx);
}

static void rendezvous_either_side_first(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    uint64_t item = 60;
    if (k->capacity != 0)
        return;
    kind_open(k, &tx, &rx);
    park_receivers(&op, 1, rx);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(op_end(&op), 1);
    EXPECT_EQ(op.items[0], 60);
    park_senders(&op, 1, tx, 61);
    EXPECT_RC(weir_recv(rx, &item), 1);
    EXPECT_EQ(item, 61);
    EXPECT_RC(op_end(&op), 0);
    close_both(tx, rx);
}

#define SCENARIOS(X)                                                                               \
    X(fresh_channel, ANY, "F034 open: what a fresh channel is")                                    \
    X(holds_capacity, ANY, "F034 open: holds its capacity, lap after lap")                         \
    X(send_is_buffered, NEED_BUFFER, "F035 send: into the buffer without a receiver")              \
    X(send_waits_for_room, NEED_LIMIT | MANY_TX, "F035 send: waits for room")                      \
    X(stream_in_order, ANY, "F035 send: a stream arrives whole and in order")                      \
    X(taken_is_sent, ANY, "F035 send: taken means sent, though all closes at once")                \
    X(moved_is_sent, NEED_BOUNDED | MANY_TX, "F035 send: moved into the buffer means sent")        \
    X(try_send_checks, ANY, "F036 try_send: order of checks")                                      \
    X(try_send_hands_over, MANY_RX, "F036 try_send: hands over to the oldest receiver")            \
    X(every_send_wakes, MANY_RX, "F036 every form of send wakes a parked receiver")                \
    X(recv_takes_what_is_there, ANY, "F037 recv: takes what is there")                             \
    X(recv_waits, ANY, "F037 recv: waits for an item")                                             \
    X(assigned_is_received, ANY, "F037 recv: an assigned item is received, whatever closes")       \
    X(recv_wakes_at_end, ANY, "F037 recv: wakes at the end of the channel")                        \
    X(try_recv_order, NEED_LIMIT | MANY_TX, "F038 try_recv: buffered first, then parked sends")    \
    X(try_recv_checks, ANY, "F038 try_recv: order of checks")                                      \
    X(every_recv_wakes, NEED_LIMIT | MANY_TX, "F038 every form of recv wakes a parked sender")     \
    X(full, NEED_BOUNDED | MANY_TX, "F039 full: never one more than the capacity")                 \
    X(never_full, ANY, "F039 full: an unbounded channel never is")                                 \
    X(rendezvous_holds_nothing, MANY_TX, "F040 capacity 0: the item never rests")                  \
    X(rendezvous_either_side_first, MANY, "F040 capacity 0: either side may come first")
