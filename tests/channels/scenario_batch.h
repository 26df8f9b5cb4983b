/* SPDX-License-Identifier: MIT */
/* scenario_batch.h - several items at once: rows F035-F039 and F048 again. See flow_threads.h. */
#include <string.h>

#include "ops.h"
#include "party.h"

enum { BATCH_MAX = 800 };

static void number(uint64_t *items, size_t n, uint64_t first)
{
    for (size_t i = 0; i < n; i++)
        items[i] = first + i;
}

static bool is_numbered(const uint64_t *items, size_t n, uint64_t first)
{
    for (size_t i = 0; i < n; i++)
        if (items[i] != first + i)
            return false;
    return true;
}

/* How many of n offered items a channel with `used` items in it takes. */
static int takes(const struct kind *k, size_t used, size_t n)
{
    size_t room = k->capacity == WEIR_UNBOUNDED ? n : k->capacity - used;
    return (int)(n < room ? n : room);
}

static void send_many_fills(const struct kind *k)
{
    uint64_t *items = calloc(BATCH_MAX, sizeof *items);
    weir_sender tx;
    weir_receiver rx;
    uint64_t one = 0;
    if (!EXPECT(items != NULL))
        return;
    kind_open(k, &tx, &rx);
    for (uint64_t lap = 0; lap < 2 * kind_room(k) && lap < 40; lap++) { /* each start cell */
        number(items, BATCH_MAX, lap * 1000);
        EXPECT_EQ(weir_send_many(tx, items, BATCH_MAX), takes(k, 0, BATCH_MAX));
        EXPECT_EQ(stats_of(rx.h).buffered, takes(k, 0, BATCH_MAX));
        if (k->capacity != WEIR_UNBOUNDED)
            EXPECT_RC(weir_try_send_many(tx, items, 2), WEIR_EAGAIN);
        expect_items(rx, lap * 1000, (size_t)takes(k, 0, BATCH_MAX));
        EXPECT_RC(weir_try_send(tx, &one), 0);
        EXPECT_RC(weir_try_recv(rx, &one), 1);
    }
    close_both(tx, rx);
    free(items);
}

static void try_send_many_takes_part(const struct kind *k)
{
    uint64_t items[6];
    weir_sender tx;
    weir_receiver rx;
    kind_open(k, &tx, &rx);
    number(items, 6, 0);
    EXPECT_EQ(weir_try_send_many(tx, items, 1), 1);
    int second = takes(k, 1, 5);
    EXPECT_RC(weir_try_send_many(tx, items + 1, 5), second > 0 ? second : WEIR_EAGAIN);
    EXPECT_EQ(stats_of(tx.h).buffered, 1 + second);
    expect_items(rx, 0, 1 + (size_t)second);
    close_both(tx, rx);
}

static void recv_many_takes_all(const struct kind *k)
{
    uint64_t *items = calloc(BATCH_MAX, sizeof *items);
    weir_sender tx;
    weir_receiver rx;
    int room = (int)kind_room(k);
    if (!EXPECT(items != NULL))
        return;
    kind_open(k, &tx, &rx);
    for (uint64_t lap = 0; lap < 24; lap++) {
        fill(k, tx, lap);
        EXPECT_EQ(weir_recv_many(rx, items, BATCH_MAX), room);
        EXPECT(is_numbered(items, kind_room(k), lap));
        EXPECT_RC(weir_try_recv_many(rx, items, BATCH_MAX), WEIR_EAGAIN);
        fill(k, tx, lap);
        EXPECT_EQ(weir_try_recv_many(rx, items, 1), 1); /* the next lap starts elsewhere */
        EXPECT_EQ(items[0], lap);
        if (room > 1)
            EXPECT_EQ(weir_try_recv_many(rx, items, BATCH_MAX), room - 1);
        EXPECT_RC(weir_try_send_many(tx, items, 1), 1);
        EXPECT_EQ(weir_recv_many(rx, items, 1), 1);
    }
    close_both(tx, rx);
    free(items);
}

static void recv_many_then_end(const struct kind *k)
{
    uint64_t items[4];
    weir_sender tx;
    weir_receiver rx;
    size_t left = kind_room(k);
    kind_open(k, &tx, &rx);
    fill(k, tx, 0);
    EXPECT_RC(weir_close(tx), 0);
    for (uint64_t next = 0; left > 0;) {
        size_t n = left < 4 ? left : 4;
        EXPECT_EQ(weir_recv_many(rx, items, 4), (int)n);
        EXPECT(is_numbered(items, n, next));
        next += n;
        left -= n;
    }
    EXPECT_RC(weir_recv_many(rx, items, 4), 0);
    EXPECT_RC(weir_try_recv_many(rx, items, 4), 0);
    EXPECT_RC(weir_close(rx), 0);
}

/* A plain thread with a budget would go the ways of actors. */
static void batch_errors(const struct kind *k)
{
    uint64_t items[3] = {0};
    uint32_t wrong[3] = {0};
    weir_sender tx;
    weir_receiver rx;
    kind_open(k, &tx, &rx);
    int budget = party_current()->budget;
    EXPECT_RC(weir_send_many(tx, items, 0), WEIR_EINVAL);
    EXPECT_RC(weir_try_send_many(tx, items, 0), WEIR_EINVAL);
    EXPECT_RC(weir_send_many_by(tx, items, 0, 0), WEIR_EINVAL);
    EXPECT_RC(weir_recv_many(rx, items, 0), WEIR_EINVAL);
    EXPECT_RC(weir_try_recv_many(rx, items, 0), WEIR_EINVAL);
    EXPECT_RC(weir_recv_many_by(rx, items, 0, 0), WEIR_EINVAL);
    EXPECT_EQ(party_current()->budget, budget);
    EXPECT_RC(weir_send_many(tx, wrong, 3), WEIR_EITEM);
    EXPECT_RC(weir_try_send_many(tx, wrong, 3), WEIR_EITEM);
    EXPECT_RC(weir_recv_many(rx, wrong, 3), WEIR_EITEM);
    EXPECT_RC(weir_try_recv_many(rx, wrong, 3), WEIR_EITEM);
    EXPECT_EQ(stats_of(tx.h).passed, 0);
    close_both(tx, rx);
    EXPECT_RC(weir_send_many(tx, items, 3), WEIR_ECLOSED);
    EXPECT_RC(weir_try_send_many(tx, items, 3), WEIR_ECLOSED);
    EXPECT_RC(weir_recv_many(rx, items, 3), WEIR_ECLOSED);
    EXPECT_RC(weir_try_recv_many(rx, items, 3), WEIR_ECLOSED);
}

/* Counts beyond INT_MAX, even such that n * size wraps: only the arrays' items are touched. */
static void huge_counts(const struct kind *k)
{
    static const size_t huge[] = {INT_MAX, (size_t)INT_MAX + 1, SIZE_MAX / 8 + 2, SIZE_MAX};
    size_t room = kind_room(k);
    uint64_t *items = calloc(room, sizeof *items);
    weir_sender tx;
    weir_receiver rx;
    if (!EXPECT(items != NULL))
        return;
    kind_open(k, &tx, &rx);
    for (unsigned i = 0; i < sizeof huge / sizeof huge[0]; i++) {
        number(items, room, i);
        if (k->capacity != WEIR_UNBOUNDED) {
            EXPECT_EQ(weir_try_send_many(tx, items, huge[i]), (int)room);
            EXPECT_RC(weir_send_many_by(tx, items, huge[i], 0), WEIR_ETIMEDOUT);
        } else {
            EXPECT_EQ(weir_try_send_many(tx, items, room), (int)room);
        }
        memset(items, 0, room * sizeof *items);
        EXPECT_EQ(weir_recv_many(rx, items, huge[i]), (int)room);
        EXPECT(is_numbered(items, room, i));
    }
    close_both(tx, rx);
    free(items);
}

static void batch_serves_receivers(const struct kind *k)
{
    struct op ops[4];
    uint64_t items[4];
    weir_sender tx;
    weir_receiver rx;
    kind_open(k, &tx, &rx);
    for (unsigned blocking = 0; blocking < 2; blocking++) {
        number(items, 4, 20);
        park_receivers(ops, 4, rx);
        EXPECT_EQ(blocking ? weir_send_many(tx, items, 4) : weir_try_send_many(tx, items, 4), 4);
        for (unsigned i = 0; i < 4; i++) {
            EXPECT_RC(op_end(&ops[i]), 1);
            EXPECT_EQ(ops[i].items[0], 20 + i);
        }
        EXPECT_EQ(stats_of(tx.h).buffered, 0);
    }
    close_both(tx, rx);
}

/* More items than waiting receivers: the first ones are handed over, the next buffered. */
static void batch_serves_then_buffers(const struct kind *k)
{
    struct op ops[2];
    uint64_t items[5];
    weir_sender tx;
    weir_receiver rx;
    size_t rest = (size_t)takes(k, 0, 3);
    kind_open(k, &tx, &rx);
    number(items, 5, 0);
    park_receivers(ops, 2, rx);
    EXPECT_EQ(weir_send_many(tx, items, 5), 2 + (int)rest);
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_RC(op_end(&ops[i]), 1);
        EXPECT_EQ(ops[i].items[0], i);
    }
    EXPECT_EQ(stats_of(tx.h).buffered, rest);
    expect_items(rx, 2, rest);
    close_both(tx, rx);
}

static void batch_serves_senders(const struct kind *k)
{
    struct op ops[4];
    uint64_t items[140];
    weir_sender tx;
    weir_receiver rx;
    size_t all = kind_room(k) + 4, got = 0;
    kind_open(k, &tx, &rx);
    for (unsigned blocking = 0; blocking < 2; blocking++) {
        fill(k, tx, 0);
        park_senders(ops, 4, tx, kind_room(k));
        for (got = 0; got < all;) {
            int n = blocking && got == 0 ? weir_recv_many(rx, items + got, 140 - got)
                                         : weir_try_recv_many(rx, items + got, 140 - got);
            if (!EXPECT(n > 0))
                break;
            got += (size_t)n;
        }
        EXPECT_EQ(got, all);
        EXPECT(is_numbered(items, got, 0));
        for (unsigned i = 0; i < 4; i++)
            EXPECT_RC(op_end(&ops[i]), 0);
        EXPECT_RC(weir_try_recv_many(rx, items, 140), WEIR_EAGAIN);
    }
    close_both(tx, rx);
}

/* A parked batch is sent as far as its result says, not further. */
static void parked_batch_sends(const struct kind *k)
{
    struct op op;
    weir_sender tx;
    weir_receiver rx;
    uint64_t item;
    kind_open(k, &tx, &rx);
    fill(k, tx, 0);
    op_start_send_many(&op, tx, kind_room(k), OP_ITEMS);
    await_senders(tx.h, 1);
    expect_items(rx, 0, 1);
    int sent = op_end(&op);
    EXPECT(sent >= 1 && sent <= OP_ITEMS);
    EXPECT_EQ(stats_of(tx.h).passed, kind_room(k) + (size_t)sent);
    expect_items(rx, 1, kind_room(k) + (size_t)sent - 1);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
    close_both(tx, rx);
}

static void parked_batch_receives(const struct kind *k)
{
    struct op op;
    weir_sender tx;
    weir_receiver rx;
    uint64_t items[3], item;
    kind_open(k, &tx, &rx);
    number(items, 3, 30);
    op_start_recv_many(&op, rx, OP_ITEMS);
    await_receivers(rx.h, 1);
    int sent = weir_try_send_many(tx, items, 3);
    int got = op_end(&op);
    EXPECT(sent >= 1 && sent <= 3);
    EXPECT(got >= 1 && got <= sent);
    EXPECT(sent - got <= takes(k, 0, 3));
    EXPECT(is_numbered(op.items, (size_t)got, 30));
    expect_items(rx, 30 + (uint64_t)got, (size_t)(sent - got));
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EAGAIN);
    close_both(tx, rx);
}

static void parked_batch_is_closed(const struct kind *k)
{
    struct op op;
    weir_sender tx;
    weir_receiver rx;
    kind_open(k, &tx, &rx);
    op_start_recv_many(&op, rx, OP_ITEMS);
    await_receivers(rx.h, 1);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(op_end(&op), WEIR_ECLOSED);
    EXPECT_RC(weir_close(tx), 0);

    kind_open(k, &tx, &rx);
    op_start_recv_many(&op, rx, OP_ITEMS);
    await_receivers(rx.h, 1);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(op_end(&op), 0);
    EXPECT_RC(weir_close(rx), 0);
}

static void parked_batch_send_is_closed(const struct kind *k)
{
    for (unsigned own = 0; own < 2; own++) {
        struct op op;
        weir_sender tx;
        weir_receiver rx;
        kind_open(k, &tx, &rx);
        fill(k, tx, 0);
        op_start_send_many(&op, tx, 500, OP_ITEMS);
        await_senders(tx.h, 1);
        EXPECT_RC(weir_handle_close(own ? tx.h : rx.h), 0);
        EXPECT_RC(op_end(&op), own ? WEIR_ECLOSED : WEIR_EPIPE);
        if (own)
            expect_items(rx, 0, kind_room(k));
        close_both(tx, rx);
    }
}

static void late_batch(const struct kind *k)
{
    uint64_t items[4];
    weir_sender tx;
    weir_receiver rx;
    size_t n = (size_t)takes(k, 0, 4);
    kind_open(k, &tx, &rx);
    number(items, 4, 0);
    EXPECT_RC(weir_recv_many_by(rx, items, 4, weir_after(-WEIR_S)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_recv_many_by(rx, items, 4, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    number(items, 4, 0);
    EXPECT_RC(weir_send_many_by(tx, items, 4, weir_after(-WEIR_S)), n ? (int)n : WEIR_ETIMEDOUT);
    EXPECT_EQ(stats_of(tx.h).buffered, n);
    EXPECT_RC(weir_recv_many_by(rx, items, 4, weir_after(-WEIR_S)), n ? (int)n : WEIR_ETIMEDOUT);
    EXPECT(is_numbered(items, n, 0));
    close_both(tx, rx);
}

/* Batches of every item size, begun at each cell of a small channel. */
static void batch_sizes(const struct kind *k)
{
    static const size_t sizes[] = {1, 2, 4, 8, 12, 16, 32, 40, 1000};
    static unsigned char in[5 * 1000], out[5 * 1000];
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        weir_sender tx;
        weir_receiver rx;
        size_t size = sizes[s];
        kind_open_sized(k, size, &tx, &rx, NULL, NULL);
        for (unsigned lap = 0; lap < 12; lap++) {
            for (size_t i = 0; i < 5 * size; i++)
                in[i] = (unsigned char)(i * 7 + lap);
            memset(out, 0, sizeof out);
            int n = takes(k, 0, 5);
            EXPECT_EQ(weir_send_items(tx, in, 5, size, WEIR_NEVER), n);
            EXPECT_EQ(weir_recv_items(rx, out, 5, size, WEIR_NEVER), n);
            EXPECT_EQ(memcmp(in, out, (size_t)n * size), 0);
            EXPECT_EQ(weir_try_send_items(tx, in, 1, size), 1);
            EXPECT_EQ(weir_try_recv_item(rx, out, size), 1);
        }
        close_both(tx, rx);
    }
}

#define SCENARIOS(X)                                                                               \
    X(send_many_fills, NEED_BUFFER, "F035 send_many: as many as go without waiting")               \
    X(try_send_many_takes_part, NEED_BUFFER, "F036 try_send_many: a part may go")                  \
    X(batch_errors, ANY, "F036 batches: order of checks, and none of nothing")                     \
    X(huge_counts, NEED_BUFFER, "F037 batches: counts beyond INT_MAX")                             \
    X(recv_many_takes_all, NEED_BUFFER, "F037 recv_many: takes what is there")                     \
    X(recv_many_then_end, ANY, "F037 recv_many: the rest, then the end")                           \
    X(batch_serves_receivers, MANY_RX, "F036 send_many: one item to each waiting receiver")        \
    X(batch_serves_then_buffers, MANY_RX, "F036 send_many: waiting receivers before the buffer")   \
    X(batch_serves_senders, NEED_LIMIT | MANY_TX, "F038 recv_many: the buffer, then parked sends") \
    X(parked_batch_sends, NEED_LIMIT | MANY_TX, "F039 send_many: parked, sends what it returns")   \
    X(parked_batch_receives, MANY_RX, "F037 recv_many: parked, takes what it returns")             \
    X(parked_batch_is_closed, ANY, "F045 recv_many: close wakes it")                               \
    X(parked_batch_send_is_closed, NEED_LIMIT | MANY_TX, "F045 send_many: close wakes it")         \
    X(late_batch, ANY, "F048 batches: a deadline in the past")                                     \
    X(batch_sizes, NEED_BUFFER, "F055 batches: of every item size")
