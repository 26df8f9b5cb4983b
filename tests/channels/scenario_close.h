/* SPDX-License-Identifier: MIT */
/* scenario_close.h - rows F041-F045: clone and close. See flow_threads.h. */
#include "ops.h"

/* ---- F041 ------------------------------------------------------------------------------- */

static void clones_are_ends(const struct kind *k)
{
    weir_sender tx[3];
    weir_receiver rx[3];
    kind_open(k, &tx[0], &rx[0]);
    for (unsigned i = 1; i < 3; i++) {
        tx[i] = weir_sender_clone(tx[i - 1]);
        rx[i] = weir_receiver_clone(rx[i - 1]);
        EXPECT_RC(weir_check(tx[i]), 0);
        EXPECT_RC(weir_check(rx[i]), 0);
        EXPECT(tx[i].h != tx[i - 1].h && rx[i].h != rx[i - 1].h && tx[i].h != rx[i].h);
        EXPECT_EQ(stats_of(tx[0].h).open_senders, i + 1);
        EXPECT_EQ(stats_of(tx[i].h).open_receivers, i + 1);
    }
    for (unsigned i = 0; i < 3; i++) {
        uint64_t item = i;
        struct op op;
        park_receivers(&op, 1, rx[2 - i]);
        EXPECT_RC(weir_send(tx[i], &item), 0);
        EXPECT_RC(op_end(&op), 1);
        EXPECT_EQ(op.items[0], i);
    }
    for (unsigned i = 0; i < 3; i++)
        close_both(tx[i], rx[i]);
}

/* The original may go first. */
static void clone_outlives_original(const struct kind *k)
{
    weir_sender tx, tx2;
    weir_receiver rx, rx2;
    struct op op;
    uint64_t item = 8;
    kind_open(k, &tx, &rx);
    tx2 = weir_sender_clone(tx);
    rx2 = weir_receiver_clone(rx);
    close_both(tx, rx);
    EXPECT_EQ(stats_of(tx2.h).open_senders, 1);
    EXPECT_EQ(stats_of(tx2.h).open_receivers, 1);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_ECLOSED);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_ECLOSED);
    park_receivers(&op, 1, rx2);
    EXPECT_RC(weir_send(tx2, &item), 0);
    EXPECT_RC(op_end(&op), 1);
    close_both(tx2, rx2);
}

static void clone_of_closed(const struct kind *k)
{
    weir_sender tx, bad_tx;
    weir_receiver rx, bad_rx;
    uint64_t item = 0;
    weir_statistics s;
    kind_open(k, &tx, &rx);
    close_both(tx, rx);
    for (unsigned i = 0; i < 2; i++) { /* the error also passes through a second clone */
        bad_tx = tx = weir_sender_clone(tx);
        bad_rx = rx = weir_receiver_clone(rx);
        EXPECT_RC(weir_check(bad_tx), WEIR_ECLOSED);
        EXPECT_RC(weir_check(bad_rx), WEIR_ECLOSED);
        EXPECT_RC(weir_send(bad_tx, &item), WEIR_ECLOSED);
        EXPECT_RC(weir_try_send(bad_tx, &item), WEIR_ECLOSED);
        EXPECT_RC(weir_recv(bad_rx, &item), WEIR_ECLOSED);
        EXPECT_RC(weir_try_recv(bad_rx, &item), WEIR_ECLOSED);
        EXPECT_RC(weir_channel_statistics(bad_tx, &s), WEIR_ECLOSED);
    }
}

/* ---- F042 ------------------------------------------------------------------------------- */

static void close_twice(const struct kind *k)
{
    weir_sender tx, other;
    weir_receiver rx;
    kind_open(k, &tx, &rx);
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_RC(weir_close(tx), 0);
        EXPECT_RC(weir_check(tx), WEIR_ECLOSED);
        EXPECT_RC(weir_check(rx), 0);
        EXPECT_EQ(stats_of(rx.h).open_senders, 0);
        EXPECT_EQ(stats_of(rx.h).open_receivers, 1);
    }
    for (unsigned i = 0; i < 3; i++)
        EXPECT_RC(weir_close(rx), 0);
    /* A second close long after does not meet whoever got the slot. */
    for (unsigned i = 0; i < 200; i++) {
        weir_receiver rx2;
        kind_open(k, &other, &rx2);
        EXPECT_RC(weir_close(tx), 0);
        EXPECT_RC(weir_close(rx), 0);
        EXPECT_RC(weir_check(other), 0);
        EXPECT_RC(weir_check(rx2), 0);
        close_both(other, rx2);
    }
}

static void close_is_of_one_handle(const struct kind *k)
{
    weir_sender tx, tx2;
    weir_receiver rx, rx2;
    struct op op;
    uint64_t item = 4;
    kind_open(k, &tx, &rx);
    tx2 = weir_sender_clone(tx);
    rx2 = weir_receiver_clone(rx);
    park_receivers(&op, 1, rx2);
    EXPECT_RC(weir_close(tx2), 0);
    EXPECT_RC(weir_close(tx2), 0); /* not a second one off the count */
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(stats_of(tx.h).open_senders, 1);
    EXPECT_EQ(stats_of(tx.h).open_receivers, 1);
    EXPECT_EQ(stats_of(tx.h).waiting_receivers, 1);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(op_end(&op), 1);
    close_both(tx, rx2);
}

/* ---- F043 ------------------------------------------------------------------------------- */

static void expect_end(weir_receiver rx)
{
    uint64_t items[2];
    for (unsigned i = 0; i < 2; i++) { /* it repeats */
        EXPECT_RC(weir_recv(rx, &items[0]), 0);
        EXPECT_RC(weir_try_recv(rx, &items[0]), 0);
        EXPECT_RC(weir_recv_by(rx, &items[0], 0), 0);
        EXPECT_RC(weir_recv_many(rx, items, 2), 0);
        EXPECT_RC(weir_try_recv_many(rx, items, 2), 0);
        EXPECT_RC(weir_recv_many_by(rx, items, 2, 0), 0);
    }
}

static void last_sender_drains(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    kind_open(k, &tx, &rx);
    fill(k, tx, 11);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_EQ(stats_of(rx.h).buffered, kind_room(k));
    expect_items(rx, 11, kind_room(k));
    expect_end(rx);
    EXPECT_RC(weir_close(rx), 0);
}

static void last_sender_wakes(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[4];
    unsigned n = k->single_rx ? 1 : 4;
    kind_open(k, &tx, &rx);
    park_receivers(ops, n, rx);
    EXPECT_RC(weir_close(tx), 0);
    for (unsigned i = 0; i < n; i++)
        EXPECT_RC(op_end(&ops[i]), 0);
    EXPECT_RC(weir_close(rx), 0);
}

static void not_the_last_sender(const struct kind *k)
{
    weir_sender tx, tx2;
    weir_receiver rx;
    struct op op;
    uint64_t item = 21;
    kind_open(k, &tx, &rx);
    tx2 = weir_sender_clone(tx);
    park_receivers(&op, 1, rx);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_EQ(stats_of(rx.h).waiting_receivers, 1);
    EXPECT(!flow_done(&op.flow));
    EXPECT_RC(weir_send(tx2, &item), 0);
    EXPECT_RC(op_end(&op), 1);
    EXPECT_EQ(op.items[0], 21);
    EXPECT_RC(weir_close(tx2), 0);
    EXPECT_RC(weir_close(rx), 0);
}

static void parked_senders_come_before_the_end(const struct kind *k)
{
    weir_sender tx, tx2;
    weir_receiver rx;
    struct op ops[2];
    kind_open(k, &tx, &rx);
    tx2 = weir_sender_clone(tx);
    fill(k, tx, 0);
    park_senders(ops, 2, tx2, kind_room(k));
    EXPECT_RC(weir_close(tx), 0);
    expect_items(rx, 0, kind_room(k) + 2);
    EXPECT_RC(op_end(&ops[0]), 0);
    EXPECT_RC(op_end(&ops[1]), 0);
    EXPECT_RC(weir_close(tx2), 0);
    expect_end(rx);
    EXPECT_RC(weir_close(rx), 0);
}

/* ---- F044 ------------------------------------------------------------------------------- */

static void expect_pipe(weir_sender tx)
{
    uint64_t items[2] = {0};
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_RC(weir_send(tx, &items[0]), WEIR_EPIPE);
        EXPECT_RC(weir_try_send(tx, &items[0]), WEIR_EPIPE);
        EXPECT_RC(weir_send_by(tx, &items[0], 0), WEIR_EPIPE);
        EXPECT_RC(weir_send_many(tx, items, 2), WEIR_EPIPE);
        EXPECT_RC(weir_try_send_many(tx, items, 2), WEIR_EPIPE);
        EXPECT_RC(weir_send_many_by(tx, items, 2, 0), WEIR_EPIPE);
    }
}

static void last_receiver(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    atomic_size_t dropped = 0;
    kind_open_sized(k, sizeof(uint64_t), &tx, &rx, count_drop, &dropped);
    fill(k, tx, 0);
    EXPECT_RC(weir_close(rx), 0);
    expect_pipe(tx);
    await_count(&dropped, kind_room(k));
    EXPECT_EQ(stats_of(tx.h).buffered, 0); /* upstream keeps them: a defect */
    EXPECT_EQ(stats_of(tx.h).open_receivers, 0);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_EQ(atomic_load(&dropped), kind_room(k));
}

static void last_receiver_wakes(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[4];
    atomic_size_t dropped = 0;
    kind_open_sized(k, sizeof(uint64_t), &tx, &rx, count_drop, &dropped);
    fill(k, tx, 0);
    park_senders(ops, 4, tx, 700);
    EXPECT_RC(weir_close(rx), 0);
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_RC(op_end(&ops[i]), WEIR_EPIPE);
        EXPECT_EQ(ops[i].items[0], 700 + i); /* still the caller's: */
    }
    await_count(&dropped, kind_room(k)); /* not among the dropped */
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_EQ(atomic_load(&dropped), kind_room(k));
}

static void not_the_last_receiver(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx, rx2;
    struct op op;
    kind_open(k, &tx, &rx);
    rx2 = weir_receiver_clone(rx);
    fill(k, tx, 0);
    park_senders(&op, 1, tx, kind_room(k));
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(stats_of(tx.h).waiting_senders, 1);
    EXPECT_EQ(stats_of(tx.h).buffered, kind_room(k));
    expect_items(rx2, 0, kind_room(k) + 1);
    EXPECT_RC(op_end(&op), 0);
    EXPECT_RC(weir_close(rx2), 0);
    expect_pipe(tx);
    EXPECT_RC(weir_close(tx), 0);
}

/* ---- F045: the defect of upstream is that none of these wakes ------------------------------- */

static void close_wakes_receivers(const struct kind *k)
{
    weir_sender tx;
    weir_receiver a, b;
    struct op on_a[2], on_b[2];
    uint64_t item;
    kind_open(k, &tx, &a);
    b = weir_receiver_clone(a);
    park_receivers(&on_a[0], 1, a);
    park_receivers(&on_b[0], 1, b);
    park_receivers(&on_a[1], 1, a);
    park_receivers(&on_b[1], 1, b);
    EXPECT_RC(weir_close(a), 0);
    EXPECT_EQ(stats_of(tx.h).waiting_receivers, 2);
    for (unsigned i = 0; i < 2; i++)
        EXPECT_RC(op_end(&on_a[i]), WEIR_ECLOSED);
    EXPECT(!flow_done(&on_b[0].flow) && !flow_done(&on_b[1].flow));
    for (item = 0; item < 2; item++)
        EXPECT_RC(weir_try_send(tx, &item), 0);
    for (unsigned i = 0; i < 2; i++) { /* and they have kept their order */
        EXPECT_RC(op_end(&on_b[i]), 1);
        EXPECT_EQ(on_b[i].items[0], i);
    }
    close_both(tx, b);
}

static void close_wakes_last_receiver(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[3];
    uint64_t item = 0;
    unsigned n = k->single_rx ? 1 : 3;
    kind_open(k, &tx, &rx);
    park_receivers(ops, n, rx);
    EXPECT_RC(weir_close(rx), 0);
    for (unsigned i = 0; i < n; i++)
        EXPECT_RC(op_end(&ops[i]), WEIR_ECLOSED);
    EXPECT_EQ(stats_of(tx.h).waiting_receivers, 0);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_EPIPE);
    EXPECT_RC(weir_close(tx), 0);
}

static void close_wakes_senders(const struct kind *k)
{
    weir_sender a, b;
    weir_receiver rx;
    struct op on_a[2], on_b[2];
    uint64_t item;
    kind_open(k, &a, &rx);
    b = weir_sender_clone(a);
    fill(k, a, 0);
    park_senders(&on_a[0], 1, a, 9000);
    park_senders(&on_b[0], 1, b, kind_room(k));
    park_senders(&on_a[1], 1, a, 9001);
    park_senders(&on_b[1], 1, b, kind_room(k) + 1);
    EXPECT_RC(weir_close(a), 0);
    EXPECT_EQ(stats_of(rx.h).waiting_senders, 2);
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_RC(op_end(&on_a[i]), WEIR_ECLOSED);
        EXPECT_EQ(on_a[i].items[0], 9000 + i);
    }
    EXPECT(!flow_done(&on_b[0].flow) && !flow_done(&on_b[1].flow));
    expect_items(rx, 0, kind_room(k) + 2);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
    for (unsigned i = 0; i < 2; i++)
        EXPECT_RC(op_end(&on_b[i]), 0);
    close_both(b, rx);
}

struct overfill {
    weir_sender tx;
    weir_time deadline;
    uint64_t sent;
    int rc;
};

/* Sends 0, 1, 2, ... until a send fails. */
static void overfill(void *arg)
{
    struct overfill *o = arg;
    for (o->sent = 0;; o->sent++)
        if ((o->rc = weir_send_by(o->tx, &o->sent, o->deadline)) < 0)
            break;
}

static void close_wakes_last_sender(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct flow flow;
    kind_open(k, &tx, &rx);
    struct overfill o = {.tx = tx, .deadline = WEIR_NEVER};
    flow_start(&flow, overfill, &o);
    await_senders(rx.h, 1);
    EXPECT_RC(weir_close(tx), 0);
    flow_join(&flow);
    EXPECT_RC(o.rc, WEIR_ECLOSED);
    EXPECT_EQ(o.sent, kind_room(k));
    expect_items(rx, 0, kind_room(k)); /* and not the one that was parked */
    expect_end(rx);
    EXPECT_RC(weir_close(rx), 0);
}

static void last_receiver_wakes_single_sender(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct flow flow;
    atomic_size_t dropped = 0;
    kind_open_sized(k, sizeof(uint64_t), &tx, &rx, count_drop, &dropped);
    struct overfill o = {.tx = tx, .deadline = WEIR_NEVER};
    flow_start(&flow, overfill, &o);
    await_senders(rx.h, 1);
    EXPECT_RC(weir_close(rx), 0);
    flow_join(&flow);
    EXPECT_RC(o.rc, WEIR_EPIPE);
    EXPECT_EQ(o.sent, kind_room(k));
    await_count(&dropped, kind_room(k));
    EXPECT_RC(weir_close(tx), 0);
}

/* Whoever parks may be the one that closed: a flow's own close does not wake others. */
static void close_of_unrelated(const struct kind *k)
{
    weir_sender tx, other_tx;
    weir_receiver rx, other_rx;
    struct op op;
    uint64_t item = 5;
    kind_open(k, &tx, &rx);
    kind_open(k, &other_tx, &other_rx);
    park_receivers(&op, 1, rx);
    close_both(other_tx, other_rx);
    EXPECT_EQ(stats_of(rx.h).waiting_receivers, 1);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(op_end(&op), 1);
    close_both(tx, rx);
}

#define SCENARIOS(X)                                                                               \
    X(clones_are_ends, MANY, "F041 clone: each clone is one more handle on the end")               \
    X(clone_outlives_original, MANY, "F041 clone: outlives the original")                          \
    X(clone_of_closed, ANY, "F041 clone: of a closed handle carries the error")                    \
    X(close_twice, ANY, "F042 close: twice is harmless")                                           \
    X(close_is_of_one_handle, MANY, "F042 close: concerns one handle")                             \
    X(close_of_unrelated, ANY, "F042 close: concerns one channel")                                 \
    X(last_sender_drains, ANY, "F043 last sender: buffered items first, then the end")             \
    X(last_sender_wakes, ANY, "F043 last sender: parked receivers wake with the end")              \
    X(not_the_last_sender, MANY_TX, "F043 not the last sender: nothing ends")                      \
    X(parked_senders_come_before_the_end, NEED_LIMIT | MANY_TX,                                    \
      "F043 last sender: parked sends come before the end")                                        \
    X(last_receiver, ANY, "F044 last receiver: buffered items are dropped, sends fail")            \
    X(last_receiver_wakes, NEED_LIMIT | MANY_TX,                                                   \
      "F044 last receiver: parked sends fail and keep their items")                                \
    X(last_receiver_wakes_single_sender, NEED_LIMIT, "F044 last receiver: a parked send fails")    \
    X(not_the_last_receiver, NEED_LIMIT | MANY, "F044 not the last receiver: nothing fails")       \
    X(close_wakes_receivers, MANY_RX, "F045 close wakes the receives parked on the handle")        \
    X(close_wakes_last_receiver, ANY, "F045 close wakes them on the last handle too")              \
    X(close_wakes_senders, NEED_LIMIT | MANY_TX, "F045 close wakes the sends parked on it")        \
    X(close_wakes_last_sender, NEED_LIMIT, "F045 close of the last sender wakes its send")
