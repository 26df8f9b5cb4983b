/* SPDX-License-Identifier: MIT */
/* scenario_wait.h - rows F046-F055: giving up, fairness, what is seen. See flow_threads.h. */
#include <string.h>

#include "ops.h"

/* ---- F046, F047: a wait that ends without an item has not moved one ------------------------ */

/* Park ops[0] and ops[2]; ops[1] between them gives up at its deadline. */
static void park_around(struct op *ops, void (*start)(struct op *, weir_handle, unsigned),
                        weir_handle h, size_t (*waiting)(weir_handle))
{
    start(&ops[0], h, 0);
    while (waiting(h) != 1)
        flow_pause();
    start(&ops[1], h, 1);
    while (waiting(h) != 2 && !flow_done(&ops[1].flow))
        flow_pause();
    start(&ops[2], h, 2);
    while (!flow_done(&ops[1].flow) || waiting(h) != 2) /* in this order: without ops[1] */
        flow_pause();
}

static size_t senders_waiting(weir_handle h)
{
    return stats_of(h).waiting_senders;
}

static size_t receivers_waiting(weir_handle h)
{
    return stats_of(h).waiting_receivers;
}

static void start_by(struct op *op, unsigned which)
{
    op->deadline = which == 1 ? weir_after(3 * WEIR_MS) : WEIR_NEVER;
    flow_start(&op->flow, op_run, op);
}

static void start_sender(struct op *op, weir_handle h, unsigned which)
{
    *op = (struct op){.call = OP_SEND, .tx = {h}, .items = {5000 + which}};
    start_by(op, which);
}

static void start_receiver(struct op *op, weir_handle h, unsigned which)
{
    *op = (struct op){.call = OP_RECV, .rx = {h}};
    start_by(op, which);
}

static void send_gives_up(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[3];
    uint64_t item = 0;
    atomic_size_t dropped = 0;
    kind_open_sized(k, sizeof item, &tx, &rx, count_drop, &dropped);
    fill(k, tx, 0);
    park_around(ops, start_sender, tx.h, senders_waiting);
    EXPECT_RC(op_end(&ops[1]), WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= ops[1].deadline);
    EXPECT_EQ(ops[1].items[0], 5001);
    expect_items(rx, 0, kind_room(k));
    expect_items(rx, 5000, 1);
    expect_items(rx, 5002, 1);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
    EXPECT_RC(op_end(&ops[0]), 0);
    EXPECT_RC(op_end(&ops[2]), 0);
    EXPECT_EQ(stats_of(tx.h).passed, kind_room(k) + 2);
    close_both(tx, rx);
    EXPECT_EQ(atomic_load(&dropped), 0);
}

static void recv_gives_up(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[3];
    kind_open(k, &tx, &rx);
    park_around(ops, start_receiver, rx.h, receivers_waiting);
    EXPECT_RC(op_end(&ops[1]), WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= ops[1].deadline);
    for (uint64_t item = 0; item < 2; item++)
        EXPECT_RC(weir_try_send(tx, &item), 0);
    EXPECT_RC(op_end(&ops[0]), 1);
    EXPECT_RC(op_end(&ops[2]), 1);
    EXPECT_EQ(ops[0].items[0], 0);
    EXPECT_EQ(ops[2].items[0], 1);
    close_both(tx, rx);
}

/* Also with declared single ends, whose wait is another protocol. */
static void lone_recv_gives_up(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 0;
    kind_open(k, &tx, &rx);
    for (unsigned i = 0; i < 3; i++) {
        weir_time deadline = weir_after(WEIR_MS);
        EXPECT_RC(weir_recv_by(rx, &item, deadline), WEIR_ETIMEDOUT);
        EXPECT(weir_now() >= deadline);
        EXPECT_EQ(stats_of(rx.h).waiting_receivers, 0);
        fill(k, tx, 10);
        expect_items(rx, 10, kind_room(k));
    }
    close_both(tx, rx);
}

static void lone_send_gives_up(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 99;
    kind_open(k, &tx, &rx);
    for (unsigned i = 0; i < 3; i++) {
        weir_time deadline;
        fill(k, tx, 10);
        deadline = weir_after(WEIR_MS);
        EXPECT_RC(weir_send_by(tx, &item, deadline), WEIR_ETIMEDOUT);
        EXPECT(weir_now() >= deadline);
        EXPECT_EQ(stats_of(rx.h).waiting_senders, 0);
        expect_items(rx, 10, kind_room(k));
    }
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
    close_both(tx, rx);
}

/* ---- F048: a deadline that has passed is one attempt that does not wait ---------------------- */

static const weir_time long_ago[] = {0, -1, INT64_MIN, 1};

enum { LONG_AGO = sizeof long_ago / sizeof long_ago[0] };

static void late_send(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t items[2] = {1, 2}, item;
    for (unsigned i = 0; i < LONG_AGO; i++) {
        kind_open(k, &tx, &rx);
        for (uint64_t n = 0; n < kind_room(k); n++)
            EXPECT_RC(weir_send_by(tx, &n, long_ago[i]), 0);
        if (k->capacity != WEIR_UNBOUNDED) {
            EXPECT_RC(weir_send_by(tx, &items[0], long_ago[i]), WEIR_ETIMEDOUT);
            EXPECT_RC(weir_send_many_by(tx, items, 2, long_ago[i]), WEIR_ETIMEDOUT);
        }
        EXPECT_EQ(stats_of(tx.h).waiting_senders, 0);
        expect_items(rx, 0, kind_room(k));
        EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
        EXPECT_RC(weir_close(rx), 0);
        EXPECT_RC(weir_send_by(tx, &items[0], long_ago[i]), WEIR_EPIPE);
        EXPECT_RC(weir_close(tx), 0);
        EXPECT_RC(weir_send_by(tx, &items[0], long_ago[i]), WEIR_ECLOSED);
    }
}

static void late_recv(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item, items[2];
    for (unsigned i = 0; i < LONG_AGO; i++) {
        kind_open(k, &tx, &rx);
        fill(k, tx, 0);
        for (uint64_t n = 0; n < kind_room(k); n++) {
            EXPECT_RC(weir_recv_by(rx, &item, long_ago[i]), 1);
            EXPECT_EQ(item, n);
        }
        EXPECT_RC(weir_recv_by(rx, &item, long_ago[i]), WEIR_ETIMEDOUT);
        EXPECT_RC(weir_recv_many_by(rx, items, 2, long_ago[i]), WEIR_ETIMEDOUT);
        EXPECT_EQ(stats_of(rx.h).waiting_receivers, 0);
        EXPECT_RC(weir_close(tx), 0);
        EXPECT_RC(weir_recv_by(rx, &item, long_ago[i]), 0);
        EXPECT_RC(weir_close(rx), 0);
        EXPECT_RC(weir_recv_by(rx, &item, long_ago[i]), WEIR_ECLOSED);
    }
}

static void late_meets_parked(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    uint64_t item = 70;
    kind_open(k, &tx, &rx);
    park_receivers(&op, 1, rx);
    EXPECT_RC(weir_send_by(tx, &item, 0), 0);
    EXPECT_RC(op_end(&op), 1);
    EXPECT_EQ(op.items[0], 70);
    if (k->capacity != WEIR_UNBOUNDED) {
        fill(k, tx, 0);
        park_senders(&op, 1, tx, kind_room(k));
        for (uint64_t i = 0; i < kind_room(k) + 1; i++) {
            EXPECT_RC(weir_recv_by(rx, &item, 0), 1);
            EXPECT_EQ(item, i);
        }
        EXPECT_RC(op_end(&op), 0);
    }
    close_both(tx, rx);
}

/* ---- F049 ------------------------------------------------------------------------------- */

static void receivers_are_served_in_order(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[OPS_MAX];
    uint64_t item;
    kind_open(k, &tx, &rx);
    park_receivers(ops, OPS_MAX, rx);
    for (uint64_t i = 0; i < OPS_MAX; i++) {
        EXPECT_RC(weir_try_send(tx, &i), 0);
        EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN); /* nobody takes it from the waiter */
    }
    for (unsigned i = 0; i < OPS_MAX; i++) {
        EXPECT_RC(op_end(&ops[i]), 1);
        EXPECT_EQ(ops[i].items[0], i);
    }
    close_both(tx, rx);
}

static void senders_are_served_in_order(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[OPS_MAX];
    uint64_t barger = 666;
    kind_open(k, &tx, &rx);
    fill(k, tx, 0);
    park_senders(ops, OPS_MAX, tx, kind_room(k));
    for (uint64_t i = 0; i < kind_room(k) + OPS_MAX; i++) {
        if (i < OPS_MAX)
            EXPECT_RC(weir_try_send(tx, &barger), WEIR_EAGAIN);
        expect_items(rx, i, 1);
    }
    EXPECT_RC(weir_try_recv(rx, &barger), WEIR_EAGAIN);
    for (unsigned i = 0; i < OPS_MAX; i++)
        EXPECT_RC(op_end(&ops[i]), 0);
    close_both(tx, rx);
}

/* Whoever was served and comes back stands at the end of the queue. */
static void served_goes_to_the_end(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[3];
    kind_open(k, &tx, &rx);
    park_receivers(ops, 3, rx);
    for (uint64_t i = 0; i < 30; i++) {
        struct op *next = &ops[i % 3];
        EXPECT_RC(weir_try_send(tx, &i), 0);
        EXPECT_RC(op_end(next), 1);
        EXPECT_EQ(next->items[0], i);
        park_receivers(next, 1, rx);
    }
    EXPECT_RC(weir_close(tx), 0);
    for (unsigned i = 0; i < 3; i++)
        EXPECT_RC(op_end(&ops[i]), 0);
    EXPECT_RC(weir_close(rx), 0);
}

/* ---- F050, F051 -------------------------------------------------------------------------- */

static void one_receiver_gets_it(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct op ops[3];
    uint64_t item = 12;
    kind_open(k, &tx, &rx);
    park_receivers(ops, 3, rx);
    EXPECT_RC(weir_try_send(tx, &item), 0);
    EXPECT_RC(op_end(&ops[0]), 1);
    EXPECT_EQ(stats_of(tx.h).waiting_receivers, 2); /* no broadcast */
    EXPECT(!flow_done(&ops[1].flow) && !flow_done(&ops[2].flow));
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(op_end(&ops[1]), 0);
    EXPECT_RC(op_end(&ops[2]), 0);
    EXPECT_RC(weir_close(rx), 0);
}

struct iteration {
    weir_receiver rx;
    uint64_t n, sum;
    int rc;
};

static void iterate(void *arg)
{
    struct iteration *it = arg;
    uint64_t item;
    it->n = it->sum = 0;
    while ((it->rc = weir_recv(it->rx, &item)) > 0) {
        it->n++;
        it->sum += item;
    }
}

static void a_while_loop(const struct kind *k)
{
    enum { N = 300 };
    weir_sender tx;
    weir_receiver rx;
    struct flow flow;
    kind_open(k, &tx, &rx);
    struct iteration it = {.rx = rx};
    flow_start(&flow, iterate, &it);
    for (uint64_t i = 0; i < N; i++)
        EXPECT_RC(weir_send(tx, &i), 0);
    EXPECT_RC(weir_close(tx), 0);
    flow_join(&flow);
    EXPECT_RC(it.rc, 0);
    EXPECT_EQ(it.n, N);
    EXPECT_EQ(it.sum, N * (N - 1) / 2);
    EXPECT_RC(weir_close(rx), 0);
}

/* ---- F052, F053 -------------------------------------------------------------------------- */

static void expect_statistics(weir_sender tx, weir_receiver rx, const weir_statistics *expected)
{
    for (unsigned i = 0; i < 2; i++) {
        weir_statistics s;
        EXPECT_RC(weir_handle_statistics(i ? tx.h : rx.h, &s), 0);
        EXPECT_EQ(s.item_size, expected->item_size);
        EXPECT_EQ(s.capacity, expected->capacity);
        EXPECT_EQ(s.buffered, expected->buffered);
        EXPECT_EQ(s.open_senders, expected->open_senders);
        EXPECT_EQ(s.open_receivers, expected->open_receivers);
        EXPECT_EQ(s.waiting_senders, expected->waiting_senders);
        EXPECT_EQ(s.waiting_receivers, expected->waiting_receivers);
        EXPECT_EQ(s.passed, expected->passed);
    }
}

static void statistics_of_senders(const struct kind *k)
{
    weir_sender tx, tx2;
    weir_receiver rx;
    struct op ops[2];
    kind_open(k, &tx, &rx);
    weir_statistics s = {.item_size = sizeof(uint64_t),
                         .capacity = k->capacity,
                         .open_senders = 1,
                         .open_receivers = 1};
    expect_statistics(tx, rx, &s);
    tx2 = weir_sender_clone(tx);
    s.open_senders = 2;
    fill(k, tx2, 0);
    s.passed = s.buffered = kind_room(k);
    expect_statistics(tx2, rx, &s);
    park_senders(ops, 2, tx, kind_room(k));
    s.waiting_senders = 2;
    expect_statistics(tx, rx, &s);
    expect_items(rx, 0, 1);
    EXPECT_RC(op_end(&ops[0]), 0);
    s.waiting_senders = 1;
    s.passed++;
    expect_statistics(tx2, rx, &s);
    expect_items(rx, 1, kind_room(k) + 1);
    EXPECT_RC(op_end(&ops[1]), 0);
    EXPECT_RC(weir_close(tx2), 0);
    s = (weir_statistics){.item_size = sizeof(uint64_t),
                          .capacity = k->capacity,
                          .open_senders = 1,
                          .open_receivers = 1,
                          .passed = kind_room(k) + 2};
    expect_statistics(tx, rx, &s);
    close_both(tx, rx);
}

static void statistics_of_receivers(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx, rx2;
    struct op ops[2];
    uint64_t item = 0;
    kind_open(k, &tx, &rx);
    weir_statistics s = {.item_size = sizeof(uint64_t),
                         .capacity = k->capacity,
                         .open_senders = 1,
                         .open_receivers = 2,
                         .waiting_receivers = 2};
    rx2 = weir_receiver_clone(rx);
    park_receivers(&ops[0], 1, rx);
    park_receivers(&ops[1], 1, rx2);
    expect_statistics(tx, rx2, &s);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(op_end(&ops[0]), 1);
    s.waiting_receivers = 1;
    s.passed = 1;
    expect_statistics(tx, rx, &s);
    EXPECT_RC(weir_close(rx2), 0);
    EXPECT_RC(op_end(&ops[1]), WEIR_ECLOSED);
    s.waiting_receivers = 0;
    s.open_receivers = 1;
    expect_statistics(tx, rx, &s);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(stats_of(tx.h).open_receivers, 0);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_channel_statistics(tx, &s), WEIR_ECLOSED);
    EXPECT_RC(weir_channel_statistics(rx, &s), WEIR_ECLOSED);
}

/* A handle that nobody closes keeps its end open, and can be seen doing so. */
static void forgotten_handle(const struct kind *k)
{
    weir_sender tx, forgotten;
    weir_receiver rx;
    uint64_t item;
    kind_open(k, &tx, &rx);
    forgotten = weir_sender_clone(tx);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN); /* not the end */
    EXPECT_EQ(stats_of(rx.h).open_senders, 1);
    EXPECT_RC(weir_close(forgotten), 0);
    EXPECT_EQ(stats_of(rx.h).open_senders, 0);
    EXPECT_RC(weir_try_recv(rx, &item), 0);
    EXPECT_RC(weir_close(rx), 0);
}

/* ---- F054: each error of each call, and which of two wins ----------------------------------- */

enum end_state { OPEN, PEER_GONE, OWN_CLOSED, BOTH_CLOSED };

static int expected_send(enum end_state state, bool right_size, bool room, int would_wait)
{
    if (state == OWN_CLOSED || state == BOTH_CLOSED)
        return WEIR_ECLOSED;
    if (!right_size)
        return WEIR_EITEM;
    if (state == PEER_GONE)
        return WEIR_EPIPE;
    return room ? 1 : would_wait;
}

static int expected_recv(enum end_state state, bool right_size, bool item, int would_wait)
{
    if (state == OWN_CLOSED || state == BOTH_CLOSED)
        return WEIR_ECLOSED;
    if (!right_size)
        return WEIR_EITEM;
    if (item)
        return 1;
    return state == PEER_GONE ? 0 : would_wait;
}

static void open_in_state(const struct kind *k, enum end_state state, bool filled, bool sending,
                          weir_sender *tx, weir_receiver *rx)
{
    kind_open(k, tx, rx);
    if (filled)
        fill(k, *tx, 0);
    if (state == OWN_CLOSED || state == BOTH_CLOSED)
        EXPECT_RC(weir_handle_close(sending ? tx->h : rx->h), 0);
    if (state == PEER_GONE || state == BOTH_CLOSED)
        EXPECT_RC(weir_handle_close(sending ? rx->h : tx->h), 0);
}

static void send_errors(const struct kind *k)
{
    for (unsigned bits = 0; bits < 16; bits++) {
        enum end_state state = (enum end_state)(bits & 3);
        bool filled = bits & 4, right = bits & 8;
        bool room = k->capacity == WEIR_UNBOUNDED || (!filled && k->capacity > 1);
        size_t size = right ? sizeof(uint64_t) : 5;
        uint64_t item[2] = {0};
        weir_sender tx;
        weir_receiver rx;
        if (!filled && k->capacity == 1)
            continue; /* the second form below would find it full */
        open_in_state(k, state, filled, true, &tx, &rx);
        int try = expected_send(state, right, room, WEIR_EAGAIN);
        int late = expected_send(state, right, room, WEIR_ETIMEDOUT);
        EXPECT_RC(weir_try_send_item(tx, item, size), try > 0 ? 0 : try);
        EXPECT_RC(weir_send_item(tx, item, size, 0), late > 0 ? 0 : late);
        if (try != 1 || k->capacity > 3) {
            EXPECT_RC(weir_try_send_items(tx, item, 1, size), try);
            EXPECT_RC(weir_send_items(tx, item, 1, size, 0), late);
        }
        weir_close(tx);
        weir_close(rx);
    }
}

static void recv_errors(const struct kind *k)
{
    for (unsigned bits = 0; bits < 16; bits++) {
        enum end_state state = (enum end_state)(bits & 3);
        bool filled = bits & 4, right = bits & 8;
        size_t size = right ? sizeof(uint64_t) : 7;
        uint64_t item[2];
        weir_sender tx;
        weir_receiver rx;
        if (filled && k->capacity < 8)
            filled = false;
        open_in_state(k, state, filled, false, &tx, &rx);
        int try = expected_recv(state, right, filled, WEIR_EAGAIN);
        int late = expected_recv(state, right, filled, WEIR_ETIMEDOUT);
        EXPECT_RC(weir_try_recv_item(rx, item, size), try);
        EXPECT_RC(weir_recv_item(rx, item, size, 0), late);
        EXPECT_RC(weir_try_recv_items(rx, item, 1, size), try);
        EXPECT_RC(weir_recv_items(rx, item, 1, size, 0), late);
        weir_close(tx);
        weir_close(rx);
    }
}

/* ---- F055: items are bytes; no value means "none" ------------------------------------------- */

static void no_value_is_special(const struct kind *k)
{
    static const uint64_t values[] = {0, 0, UINT64_MAX, 1, 0x8000000000000000u, 0};
    enum { N = sizeof values / sizeof values[0] };
    weir_sender tx;
    weir_receiver rx;
    uint64_t item;
    kind_open(k, &tx, &rx);
    struct op op;
    for (unsigned i = 0; i < N; i++) {
        op_start_recv(&op, rx);
        EXPECT_RC(weir_send(tx, &values[i]), 0);
        EXPECT_RC(op_end(&op), 1);
        EXPECT_EQ(op.items[0], values[i]);
    }
    for (unsigned i = 0; i < N && k->capacity > N; i++) /* through the buffer, too */
        EXPECT_RC(weir_try_send(tx, &values[i]), 0);
    for (unsigned i = 0; i < N && k->capacity > N; i++) {
        item = 0x5555;
        EXPECT_RC(weir_try_recv(rx, &item), 1);
        EXPECT_EQ(item, values[i]);
    }
    /* Upstream bug #731: a zero item must not hide that nobody receives. */
    item = 0;
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_EPIPE);
    EXPECT_RC(weir_close(tx), 0);
}

static void null_pointers_are_items(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    struct producer_of_null {
        void *item;
    } in = {NULL}, out = {&in};
    if (k->capacity == 0)
        return;
    kind_open_sized(k, sizeof in, &tx, &rx, NULL, NULL);
    EXPECT_RC(weir_try_send(tx, &in), 0);
    EXPECT_EQ(stats_of(rx.h).buffered, 1);
    EXPECT_RC(weir_try_recv(rx, &out), 1);
    EXPECT(out.item == NULL);
    EXPECT_RC(weir_try_recv(rx, &out), WEIR_EAGAIN);
    close_both(tx, rx);
}

static const size_t item_sizes[] = {1,  2,  3,  4,  7,  8,  9,  12,   15,    16,   17,
                                    24, 31, 32, 33, 40, 64, 65, 1000, 65535, 65536};

enum { ITEM_SIZES = sizeof item_sizes / sizeof item_sizes[0], GUARD = 32 };

struct sized {
    weir_sender tx;
    size_t size;
    int rc;
};

/* Enough to go round the small capacities. */
static size_t sized_items(size_t size)
{
    return size > 4096 ? 6 : 21;
}

/* Byte `at` of item `n`; items of one byte differ as well. */
static unsigned char pattern(size_t n, size_t at)
{
    return (unsigned char)(n * 37 + at * 11 + (at >> 8) + 1);
}

static void produce_patterns(void *arg)
{
    struct sized *s = arg;
    unsigned char *item = malloc(s->size);
    s->rc = item ? 0 : WEIR_ENOMEM;
    for (size_t n = 0; n < sized_items(s->size) && s->rc == 0; n++) {
        for (size_t i = 0; i < s->size; i++)
            item[i] = pattern(n, i);
        s->rc = weir_send_item(s->tx, item, s->size, WEIR_NEVER);
    }
    free(item);
}

static bool is_pattern(const unsigned char *item, size_t size, size_t n)
{
    for (size_t i = 0; i < size; i++)
        if (item[i] != pattern(n, i))
            return false;
    for (size_t i = 0; i < GUARD; i++)
        if (item[size + i] != 0xa5)
            return false;
    return true;
}

static void one_size(const struct kind *k, size_t size)
{
    struct flow flow;
    weir_sender tx;
    weir_receiver rx;
    unsigned char *item = malloc(size + GUARD);
    if (!EXPECT(item != NULL))
        return;
    memset(item, 0xa5, size + GUARD);
    kind_open_sized(k, size, &tx, &rx, NULL, NULL);
    EXPECT_EQ(stats_of(rx.h).item_size, size);
    struct sized s = {.tx = tx, .size = size};
    flow_start(&flow, produce_patterns, &s);
    for (size_t n = 0; n < sized_items(size); n++) {
        EXPECT_RC(weir_recv_item(rx, item, size, WEIR_NEVER), 1);
        EXPECT(is_pattern(item, size, n));
    }
    flow_join(&flow);
    EXPECT_RC(s.rc, 0);
    EXPECT_RC(weir_try_recv_item(rx, item, size - 1), WEIR_EITEM);
    EXPECT_RC(weir_try_recv_item(rx, item, size + 1), WEIR_EITEM);
    close_both(tx, rx);
    free(item);
}

static void every_size(const struct kind *k)
{
    for (size_t i = 0; i < ITEM_SIZES; i++)
        one_size(k, item_sizes[i]);
}

#define SCENARIOS(X)                                                                               \
    X(send_gives_up, NEED_LIMIT | MANY_TX, "F046 a send that gives up has sent nothing")           \
    X(lone_send_gives_up, NEED_LIMIT, "F046 send_by: not before its deadline")                     \
    X(recv_gives_up, MANY_RX, "F047 a receive that gives up has taken nothing")                    \
    X(lone_recv_gives_up, ANY, "F047 recv_by: not before its deadline")                            \
    X(late_send, ANY, "F048 a deadline in the past is one attempt to send")                        \
    X(late_recv, ANY, "F048 a deadline in the past is one attempt to receive")                     \
    X(late_meets_parked, MANY, "F048 a late attempt meets who is parked")                          \
    X(receivers_are_served_in_order, MANY_RX, "F049 receivers are served in order")                \
    X(senders_are_served_in_order, NEED_LIMIT | MANY_TX, "F049 senders are served in order")       \
    X(served_goes_to_the_end, MANY_RX, "F049 who was served stands at the end")                    \
    X(one_receiver_gets_it, MANY_RX, "F050 an item goes to one receiver")                          \
    X(a_while_loop, ANY, "F051 a consumer is a while loop")                                        \
    X(statistics_of_senders, NEED_LIMIT | MANY_TX, "F052 statistics: of senders")                  \
    X(statistics_of_receivers, MANY_RX, "F052 statistics: of receivers")                           \
    X(forgotten_handle, MANY_TX, "F053 a handle never closed is seen in the statistics")           \
    X(send_errors, ANY, "F054 send: every error in every state")                                   \
    X(recv_errors, ANY, "F054 recv: every error in every state")                                   \
    X(no_value_is_special, MANY_RX, "F055 items: no value is special")                             \
    X(null_pointers_are_items, ANY, "F055 items: a null pointer is an item")                       \
    X(every_size, ANY, "F055 items: of every size arrive whole")
