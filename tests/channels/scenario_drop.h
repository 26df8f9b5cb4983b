/* SPDX-License-Identifier: MIT */
/* scenario_drop.h - row F044: items that can no longer be received. See flow_threads.h. */
#include <string.h>

#include "ops.h"

/* ---- each exactly once --------------------------------------------------------------------- */

enum { LOG_MAX = 1024 };

struct drop_log {
    atomic_size_t n;
    uint64_t items[LOG_MAX];
};

static void log_drop(void *item, void *context)
{
    struct drop_log *log = context;
    size_t i = atomic_load(&log->n);
    if (i < LOG_MAX)
        memcpy(&log->items[i], item, sizeof log->items[i]);
    atomic_store(&log->n, i + 1);
}

static void expect_log(struct drop_log *log, uint64_t first, size_t n)
{
    if (await_count(&log->n, n))
        for (size_t i = 0; i < n && i < LOG_MAX; i++)
            EXPECT_EQ(log->items[i], first + i);
}

static void undelivered_items_drop(const struct kind *k)
{
    static struct drop_log log;
    weir_sender tx;
    weir_receiver rx;
    size_t taken = kind_room(k) / 3;
    uint64_t item = 0;
    atomic_store(&log.n, 0);
    kind_open_sized(k, sizeof(uint64_t), &tx, &rx, log_drop, &log);
    fill(k, tx, 0);
    expect_items(rx, 0, taken); /* what was received is the receiver's */
    EXPECT_EQ(atomic_load(&log.n), 0);
    EXPECT_RC(weir_close(rx), 0);
    expect_log(&log, taken, kind_room(k) - taken);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_EPIPE); /* what was not sent is the sender's */
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_EQ(atomic_load(&log.n), kind_room(k) - taken);
}

static void drop_after_senders(const struct kind *k)
{
    static struct drop_log log;
    weir_sender tx;
    weir_receiver rx;
    atomic_store(&log.n, 0);
    kind_open_sized(k, sizeof(uint64_t), &tx, &rx, log_drop, &log);
    fill(k, tx, 7);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_EQ(atomic_load(&log.n), 0); /* they can still be received */
    EXPECT_RC(weir_close(rx), 0);
    expect_log(&log, 7, kind_room(k));
}

static void nothing_to_drop(const struct kind *k)
{
    atomic_size_t dropped = 0;
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    uint64_t item = 1;
    kind_open_sized(k, sizeof item, &tx, &rx, count_drop, &dropped);
    fill(k, tx, 0);
    expect_items(rx, 0, kind_room(k));
    park_receivers(&op, 1, rx);
    EXPECT_RC(weir_try_send(tx, &item), 0);
    EXPECT_RC(op_end(&op), 1);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_send(tx, &item), WEIR_EPIPE);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_EQ(atomic_load(&dropped), 0);
}

static void a_refused_item_is_not_dropped(const struct kind *k)
{
    atomic_size_t dropped = 0;
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 1;
    kind_open_sized(k, sizeof item, &tx, &rx, count_drop, &dropped);
    fill(k, tx, 0);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_EAGAIN);
    EXPECT_RC(weir_send_by(tx, &item, 0), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_send_by(tx, &item, weir_after(WEIR_US)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_try_send(tx, &item), WEIR_EPIPE);
    await_count(&dropped, kind_room(k));
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_EQ(atomic_load(&dropped), kind_room(k));
}

/* ---- what a drop function may do ------------------------------------------------------------ */

struct busy_drop {
    weir_sender self;     /* an end of the very channel */
    weir_sender other_tx; /* takes a report for each dropped item */
    atomic_size_t n, failed;
};

/* Closes, opens, clones, sends without waiting: all but suspend. */
static void drop_works(void *item, void *context)
{
    struct busy_drop *b = context;
    uint64_t report;
    weir_sender tx;
    weir_receiver rx;
    memcpy(&report, item, sizeof report);
    bool fine = weir_try_send(b->self, &report) < 0 && weir_try_send(b->other_tx, &report) == 0 &&
                weir_channel_open(&tx, &rx, 1, 1, NULL) == 0;
    if (fine) {
        weir_sender clone = weir_sender_clone(tx);
        fine = weir_close(tx) == 0 && weir_close(rx) == 0 && weir_close(clone) == 0;
    }
    weir_close(b->self);
    atomic_fetch_add(&b->n, 1);
    atomic_fetch_add(&b->failed, !fine);
}

static void drop_may_use_channels(const struct kind *k)
{
    weir_receiver rx, other_rx;
    struct busy_drop b = {.n = 0, .failed = 0};
    EXPECT_RC(weir_channel_open(&b.other_tx, &other_rx, sizeof(uint64_t), WEIR_UNBOUNDED, NULL), 0);
    kind_open_sized(k, sizeof(uint64_t), &b.self, &rx, drop_works, &b);
    fill(k, b.self, 0);
    EXPECT_RC(weir_close(rx), 0);
    await_count(&b.n, kind_room(k));
    EXPECT_EQ(atomic_load(&b.failed), 0);
    EXPECT_RC(weir_check(b.self), WEIR_ECLOSED);
    expect_items(other_rx, 0, kind_room(k));
    close_both(b.other_tx, other_rx);
}

static void drop_closes(void *item, void *context)
{
    weir_handle h;
    memcpy(&h, item, sizeof h);
    if (weir_handle_close(h) == 0)
        atomic_fetch_add((atomic_size_t *)context, 1);
}

/* The only handle that keeps the receive end open lies in the channel itself. */
static void channel_that_holds_itself(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx, inner;
    atomic_size_t dropped = 0;
    kind_open_sized(k, sizeof(weir_handle), &tx, &rx, drop_closes, &dropped);
    inner = weir_receiver_clone(rx);
    EXPECT_RC(weir_try_send(tx, &inner), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(stats_of(tx.h).open_receivers, 1);
    EXPECT_EQ(stats_of(tx.h).buffered, 1);
    EXPECT_RC(weir_close(inner), 0); /* by whoever has a copy of the handle */
    await_count(&dropped, 1);        /* closing it once more is harmless */
    EXPECT_RC(weir_close(tx), 0);
}

/*
 * Each channel holds the receiver of the one before: one close drops them all. By
 * recursion that would take megabytes of stack.
 */
static void nested_drops(const struct kind *k)
{
    const size_t deep = (size_t)(100000 / SLOWNESS / (k->capacity == 1 ? 1 : 20));
    weir_sender tx;
    weir_receiver rx, last;
    atomic_size_t dropped = 0;
    kind_open_sized(k, sizeof(weir_handle), &tx, &last, drop_closes, &dropped);
    EXPECT_RC(weir_close(tx), 0);
    for (size_t i = 0; i < deep; i++) {
        weir_channel_options options = {
            .drop = drop_closes,
            .drop_context = &dropped,
            .single_sender = k->single_tx,
            .single_receiver = k->single_rx,
        };
        int rc = weir_channel_open(&tx, &rx, sizeof last, k->capacity, &options);
        if (rc < 0 || weir_try_send(tx, &last) < 0 || weir_close(tx) < 0) {
            EXPECT_RC(rc, 1);
            break;
        }
        last = rx;
    }
    EXPECT_RC(weir_close(last), 0);
    await_count(&dropped, deep);
}

/* A tree: each dropped channel drops several. */
static void wide_drops(const struct kind *k)
{
    enum { WIDE = 3, LEVELS = 6 };
    static weir_receiver nodes[729]; /* WIDE to the power of LEVELS */
    atomic_size_t dropped = 0;
    size_t n = 1, total = 0;
    for (unsigned i = 0; i < LEVELS; i++)
        n *= WIDE;
    for (size_t i = 0; i < n; i++) {
        weir_sender tx;
        kind_open_sized(k, sizeof(weir_handle), &tx, &nodes[i], drop_closes, &dropped);
        EXPECT_RC(weir_close(tx), 0);
    }
    for (; n > 1; n /= WIDE)
        for (size_t i = 0; i < n / WIDE; i++) {
            weir_sender tx;
            weir_receiver rx;
            kind_open_sized(k, sizeof(weir_handle), &tx, &rx, drop_closes, &dropped);
            for (unsigned j = 0; j < WIDE; j++)
                EXPECT_RC(weir_try_send(tx, &nodes[i * WIDE + j]), 0);
            EXPECT_RC(weir_close(tx), 0);
            nodes[i] = rx;
            total += WIDE;
        }
    EXPECT_RC(weir_close(nodes[0]), 0);
    await_count(&dropped, total);
}

/* ---- while others send --------------------------------------------------------------------- */

struct pusher {
    struct flow flow;
    weir_sender tx;
    size_t sent;
    int rc;
};

static void push(void *arg)
{
    struct pusher *p = arg;
    for (uint64_t i = 0;; i++) {
        p->rc = i % 3 ? weir_send(p->tx, &i) : weir_try_send(p->tx, &i);
        if (p->rc == WEIR_EAGAIN)
            flow_pause();
        else if (p->rc < 0)
            break;
        else
            p->sent++;
        if (i % 256 == 0)
            flow_pause();
    }
}

/* Every item that was sent is received or dropped, whenever the receiver goes. */
static void close_among_senders(const struct kind *k)
{
    enum { PUSHERS = 3, ROUNDS = 12 };
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct pusher p[PUSHERS];
        unsigned pushers = k->single_tx ? 1 : PUSHERS;
        atomic_size_t dropped = 0;
        weir_sender tx;
        weir_receiver rx;
        size_t received = 0, sent = 0;
        uint64_t item;
        kind_open_sized(k, sizeof item, &tx, &rx, count_drop, &dropped);
        for (unsigned i = 0; i < pushers; i++) {
            p[i] = (struct pusher){.tx = tx};
            flow_start(&p[i].flow, push, &p[i]);
        }
        for (unsigned i = 0; i < 10 * round; i++)
            received += weir_recv(rx, &item) == 1;
        EXPECT_RC(weir_close(rx), 0);
        for (unsigned i = 0; i < pushers; i++) {
            flow_join(&p[i].flow);
            EXPECT_RC(p[i].rc, WEIR_EPIPE);
            sent += p[i].sent;
        }
        await_count(&dropped, sent - received);
        EXPECT_EQ(stats_of(tx.h).buffered, 0);
        EXPECT_EQ(stats_of(tx.h).passed, sent);
        EXPECT_RC(weir_close(tx), 0);
        EXPECT_EQ(atomic_load(&dropped), sent - received);
    }
}

#define SCENARIOS(X)                                                                               \
    X(undelivered_items_drop, ANY, "F044 drop: each undelivered item once, in order")              \
    X(drop_after_senders, ANY, "F044 drop: also when the senders went first")                      \
    X(nothing_to_drop, MANY_RX, "F044 drop: not what was received or never sent")                  \
    X(a_refused_item_is_not_dropped, NEED_LIMIT, "F044 drop: not what was refused")                \
    X(drop_may_use_channels, NEED_BUFFER, "F044 drop: may use channels, also its own")             \
    X(channel_that_holds_itself, NEED_BUFFER | MANY_RX, "F044 drop: a channel that holds itself")  \
    X(nested_drops, NEED_BUFFER, "F044 drop: 100,000 channels inside each other")                  \
    X(wide_drops, NEED_THREE, "F044 drop: a tree of channels")                                     \
    X(close_among_senders, ANY, "F044 drop: sent is received or dropped, whenever the end comes")
