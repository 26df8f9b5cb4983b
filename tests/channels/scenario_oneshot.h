/* SPDX-License-Identifier: MIT */
/* scenario_oneshot.h - one value, then the end, between flows. */
#ifndef WEIR_TESTS_SCENARIO_ONESHOT_H
#define WEIR_TESTS_SCENARIO_ONESHOT_H

#include <weir/oneshot.h>

#include "kept_flows.h"

struct once {
    weir_sender tx;
    weir_receiver rx;
};

static struct once once_open(void)
{
    struct once o;
    EXPECT_RC(weir_oneshot_open(&o.tx, &o.rx, sizeof(uint64_t), NULL), 0);
    return o;
}

static void value_then_end(void)
{
    struct once o = once_open();
    expect_try(o.rx, WEIR_EAGAIN, 0);
    EXPECT_RC(send_item(o.tx, 5), 0);
    EXPECT_RC(send_item(o.tx, 6), WEIR_EPIPE);
    EXPECT_RC(try_send_item(o.tx, 6), WEIR_EPIPE);
    weir_statistics s = stats_of(o.tx.h);
    EXPECT_EQ(s.capacity, 1);
    EXPECT_EQ(s.buffered, 1);
    EXPECT_EQ(s.passed, 1);
    EXPECT_EQ(s.open_senders, 1);
    EXPECT_EQ(s.open_receivers, 1);
    expect_recv(o.rx, 1, 5);
    EXPECT_EQ(stats_of(o.rx.h).buffered, 0);
    expect_recv(o.rx, 0, 0);
    expect_try(o.rx, 0, 0);
    EXPECT_RC(send_item(o.tx, 6), WEIR_EPIPE);
    EXPECT_RC(weir_check(o.tx), 0); /* sending closes nothing */
    close_both(o.tx, o.rx);
}

static void batches(void)
{
    struct once o = once_open();
    uint64_t in[3] = {1, 2, 3}, out[3] = {7, 7, 7};
    EXPECT_RC(weir_try_recv_many(o.rx, out, 3), WEIR_EAGAIN);
    EXPECT_RC(weir_send_many(o.tx, in, 3), 1);
    EXPECT_RC(weir_send_many(o.tx, &in[1], 2), WEIR_EPIPE);
    EXPECT_RC(weir_try_send_many(o.tx, &in[1], 2), WEIR_EPIPE);
    EXPECT_RC(weir_recv_many(o.rx, out, 3), 1);
    EXPECT_EQ(out[0], 1);
    EXPECT_EQ(out[1], 7);
    EXPECT_RC(weir_recv_many(o.rx, out, 3), 0);
    close_both(o.tx, o.rx);
}

static void no_value(void)
{
    struct once o = once_open();
    struct op ops[3];
    weir_sender other = weir_sender_clone(o.tx);
    weir_receiver clone = weir_receiver_clone(o.rx);
    park_receivers(ops, 2, o.rx);
    park_receivers(&ops[2], 1, clone);
    EXPECT_RC(weir_close(o.tx), 0);
    EXPECT_EQ(stats_of(o.rx.h).waiting_receivers, 3);
    EXPECT_RC(weir_close(other), 0);
    for (unsigned i = 0; i < 3; i++)
        EXPECT_RC(op_end(&ops[i]), 0);
    expect_recv(o.rx, 0, 0);
    EXPECT_RC(weir_close(clone), 0);
    EXPECT_RC(weir_close(o.rx), 0);
}

/* The first that waits gets it, the others the end, though a sender is open. */
static void one_of_many(void)
{
    struct once o = once_open();
    struct op ops[OPS_MAX];
    park_receivers(ops, OPS_MAX, o.rx);
    EXPECT_RC(send_item(o.tx, 9), 0);
    for (unsigned i = 0; i < OPS_MAX; i++) {
        EXPECT_RC(op_end(&ops[i]), i == 0);
        EXPECT_EQ(ops[i].items[0], i == 0 ? 9 : UINT64_MAX);
    }
    close_both(o.tx, o.rx);
}

static void fastest_counts(void)
{
    for (unsigned round = 0; round < 50; round++) {
        struct once o = once_open();
        struct op ops[OPS_MAX];
        weir_sender tx[OPS_MAX];
        uint64_t got = 0, won = 7;
        for (unsigned i = 0; i < OPS_MAX; i++)
            op_start_send(&ops[i], tx[i] = weir_sender_clone(o.tx), i);
        EXPECT_RC(weir_recv(o.rx, &got), 1);
        for (unsigned i = 0; i < OPS_MAX; i++) {
            int rc = op_end(&ops[i]);
            EXPECT(rc == 0 || rc == WEIR_EPIPE);
            if (rc == 0) {
                EXPECT_EQ(won, 7);
                won = i;
            }
            EXPECT_RC(weir_close(tx[i]), 0);
        }
        EXPECT_EQ(got, won);
        expect_recv(o.rx, 0, 0);
        close_both(o.tx, o.rx);
    }
}

static void nobody_receives(void)
{
    struct once o = once_open();
    EXPECT_RC(weir_close(o.rx), 0);
    EXPECT_EQ(stats_of(o.tx.h).buffered, 0);
    EXPECT_RC(send_item(o.tx, 1), WEIR_EPIPE);
    EXPECT_RC(try_send_item(o.tx, 1), WEIR_EPIPE);
    EXPECT_EQ(stats_of(o.tx.h).passed, 0);
    EXPECT_RC(weir_close(o.tx), 0);
    EXPECT_RC(send_item(o.tx, 1), WEIR_ECLOSED);
}

static void own_handle_closed(void)
{
    struct once o = once_open();
    struct op ops[3];
    weir_receiver clone = weir_receiver_clone(o.rx);
    park_receivers(ops, 2, o.rx);
    park_receivers(&ops[2], 1, clone);
    EXPECT_RC(weir_close(o.rx), 0);
    EXPECT_RC(op_end(&ops[0]), WEIR_ECLOSED);
    EXPECT_RC(op_end(&ops[1]), WEIR_ECLOSED);
    EXPECT_RC(send_item(o.tx, 3), 0);
    EXPECT_RC(op_end(&ops[2]), 1);
    close_both(o.tx, clone);
}

static void deadlines(void)
{
    struct once o = once_open();
    uint64_t item = 7;
    weir_time deadline = weir_after(WEIR_MS);
    EXPECT_RC(weir_recv_by(o.rx, &item, deadline), WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= deadline);
    EXPECT_EQ(stats_of(o.rx.h).waiting_receivers, 0);
    EXPECT_RC(weir_send_by(o.tx, &item, 0), 0); /* never waits */
    EXPECT_RC(weir_recv_by(o.rx, &item, 0), 1);
    EXPECT_RC(weir_recv_by(o.rx, &item, 0), 0);
    close_both(o.tx, o.rx);
}

static void misuse(void)
{
    struct once o = once_open();
    weir_sender tx;
    weir_receiver rx;
    uint32_t narrow = 0;
    uint64_t item = 0;
    EXPECT_RC(weir_send(o.tx, &narrow), WEIR_EITEM);
    EXPECT_RC(weir_try_recv(o.rx, &narrow), WEIR_EITEM);
    EXPECT_RC(weir_send((weir_sender){o.rx.h}, &item), WEIR_EBADF);
    EXPECT_RC(weir_recv((weir_receiver){o.tx.h}, &item), WEIR_EBADF);
    EXPECT_RC(weir_send_many(o.tx, &item, 0), WEIR_EINVAL);
    close_both(o.tx, o.rx);
    EXPECT_RC(weir_oneshot_open(&tx, &rx, 0, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_check(tx), WEIR_EINVAL);
    EXPECT_RC(weir_check(rx), WEIR_EINVAL);
    EXPECT_RC(weir_oneshot_open(&tx, &rx, WEIR_ITEM_MAX + 1, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_oneshot_open(NULL, &rx, 8, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_oneshot_open(&tx, NULL, 8, NULL), WEIR_EINVAL);
}

/* Sizes at the edges, whose bytes all come through. */
static void sizes(void)
{
    static char in[WEIR_ITEM_MAX], out[WEIR_ITEM_MAX];
    static const size_t each[] = {1, 3, 16, 33, 1000, WEIR_ITEM_MAX};
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (char)(i * 7);
    for (unsigned i = 0; i < sizeof each / sizeof *each; i++) {
        weir_sender tx;
        weir_receiver rx;
        EXPECT_RC(weir_oneshot_open(&tx, &rx, each[i], NULL), 0);
        EXPECT_RC(weir_send_item(tx, in, each[i], WEIR_NEVER), 0);
        memset(out, 0, sizeof out);
        EXPECT_RC(weir_recv_item(rx, out, each[i], WEIR_NEVER), 1);
        EXPECT_EQ(memcmp(in, out, each[i]), 0);
        EXPECT_EQ(each[i] < sizeof out ? out[each[i]] : 0, 0);
        close_both(tx, rx);
    }
}

static void use_as_second(void *arg)
{
    struct once *o = arg;
    uint64_t item;
    EXPECT_RC(send_item(o->tx, 1), WEIR_EBUSY);
    EXPECT_RC(weir_try_recv(o->rx, &item), WEIR_EBUSY);
}

static void declared_single(void)
{
    struct once o;
    struct flow flow;
    weir_channel_options options = {.single_sender = true, .single_receiver = true};
    EXPECT_RC(weir_oneshot_open(&o.tx, &o.rx, sizeof(uint64_t), &options), 0);
    EXPECT_RC(weir_check(weir_sender_clone(o.tx)), WEIR_EBUSY);
    EXPECT_RC(weir_check(weir_receiver_clone(o.rx)), WEIR_EBUSY);
    expect_try(o.rx, WEIR_EAGAIN, 0);
    EXPECT_RC(send_item(o.tx, 4), 0);
    flow_start(&flow, use_as_second, &o);
    flow_join(&flow);
    expect_recv(o.rx, 1, 4);
    close_both(o.tx, o.rx);
}

/* ---- drop ---------------------------------------------------------------------------------- */

static void dropped_once(void)
{
    for (int received = 0; received < 2; received++) {
        atomic_size_t dropped = 0;
        weir_channel_options options = {.drop = count_drop, .drop_context = &dropped};
        struct once o;
        EXPECT_RC(weir_oneshot_open(&o.tx, &o.rx, sizeof(uint64_t), &options), 0);
        weir_receiver clone = weir_receiver_clone(o.rx);
        EXPECT_RC(send_item(o.tx, 1), 0);
        EXPECT_RC(send_item(o.tx, 2), WEIR_EPIPE);
        EXPECT_RC(weir_close(clone), 0);
        EXPECT_EQ(atomic_load(&dropped), 0);
        if (received)
            expect_recv(o.rx, 1, 1);
        EXPECT_RC(weir_close(o.rx), 0);
        EXPECT_EQ(atomic_load(&dropped), !received);
        EXPECT_RC(weir_close(o.tx), 0);
        EXPECT_EQ(atomic_load(&dropped), !received);
    }
}

static void close_inner(void *item, void *context)
{
    weir_close(*(weir_receiver *)item);
    count_drop(item, context);
}

/* The value of one is the receiver of the next. */
static void dropped_in_a_drop(void)
{
    enum { DEPTH = 5 };
    atomic_size_t dropped = 0;
    weir_channel_options options = {.drop = close_inner, .drop_context = &dropped};
    weir_sender tx[DEPTH];
    weir_receiver rx[DEPTH], none = {0};
    for (unsigned i = 0; i < DEPTH; i++) {
        EXPECT_RC(weir_oneshot_open(&tx[i], &rx[i], sizeof none, &options), 0);
        EXPECT_RC(weir_send(tx[i], i > 0 ? &rx[i - 1] : &none), 0);
    }
    EXPECT_RC(weir_close(rx[DEPTH - 1]), 0);
    EXPECT_EQ(atomic_load(&dropped), DEPTH);
    for (unsigned i = 0; i < DEPTH; i++) {
        EXPECT_RC(weir_check(rx[i]), WEIR_ECLOSED);
        EXPECT_RC(weir_close(tx[i]), 0);
    }
}

/* What was never sent is not dropped, by whichever way it comes to be drained. */
static void nothing_to_drop(void)
{
    atomic_size_t dropped = 0, inner = 0;
    weir_channel_options options = {.drop = count_drop, .drop_context = &inner};
    struct once empty;
    weir_sender tx;
    weir_receiver rx;
    EXPECT_RC(weir_oneshot_open(&empty.tx, &empty.rx, sizeof(uint64_t), &options), 0);
    options = (weir_channel_options){.drop = close_inner, .drop_context = &dropped};
    EXPECT_RC(weir_oneshot_open(&tx, &rx, sizeof empty.rx, &options), 0);
    EXPECT_RC(weir_send(tx, &empty.rx), 0);
    close_both(tx, rx);
    EXPECT_EQ(atomic_load(&dropped), 1);
    EXPECT_RC(weir_check(empty.rx), WEIR_ECLOSED);
    EXPECT_EQ(atomic_load(&inner), 0);
    EXPECT_EQ(stats_of(empty.tx.h).buffered, 0);
    EXPECT_RC(weir_close(empty.tx), 0);
}

/* ---- select, descriptors ------------------------------------------------------------------- */

static void in_selects(void)
{
    for (int what = 0; what < 4; what++) {
        struct once a = once_open(), b = once_open();
        struct two_receives t;
        two_receives_start(&t, a.rx, b.rx);
        await_receivers(a.rx.h, 1);
        await_receivers(b.rx.h, 1);
        if (what == 0)
            EXPECT_RC(send_item(a.tx, 1), 0);
        else if (what == 1)
            EXPECT_RC(send_item(b.tx, 2), 0);
        else
            EXPECT_RC(weir_handle_close(what == 2 ? a.tx.h : b.rx.h), 0);
        two_receives_end(&t, what & 1,
                         what < 2    ? 1
                         : what == 2 ? 0
                                     : WEIR_ECLOSED,
                         (uint64_t)what + 1);
        EXPECT_EQ(stats_of(a.rx.h).waiting_receivers, 0);
        close_both(a.tx, a.rx);
        close_both(b.tx, b.rx);
    }
}

static void sent_by_selects(void)
{
    struct once a = once_open();
    uint64_t in = 3, got = 0;
    weir_case c[] = {weir_on_recv(a.rx, &got), weir_on_send(a.tx, &in)};
    EXPECT_RC(weir_try_select(c, 1, WEIR_FAIR), WEIR_EAGAIN);
    EXPECT_RC(weir_select(c, 2, WEIR_ORDERED), 1);
    EXPECT_RC(c[1].rc, 0);
    EXPECT_RC(weir_select(&c[1], 1, WEIR_ORDERED), 0);
    EXPECT_RC(c[1].rc, WEIR_EPIPE);
    EXPECT_RC(weir_select(c, 2, WEIR_ORDERED), 0);
    EXPECT_RC(c[0].rc, 1);
    EXPECT_EQ(got, 3);
    EXPECT_RC(weir_select(c, 1, WEIR_ORDERED), 0);
    EXPECT_RC(c[0].rc, 0);
    close_both(a.tx, a.rx);
}

static void watched(void)
{
    for (int closes = 0; closes < 2; closes++) {
        struct once o = once_open();
        int fd = weir_receiver_fd(o.rx);
        REQUIRE(fd >= 0);
        expect_try(o.rx, WEIR_EAGAIN, 0);
        EXPECT(!readable(fd));
        EXPECT_RC(closes ? weir_close(o.tx) : send_item(o.tx, 8), 0);
        EXPECT(readable(fd));
        expect_try(o.rx, !closes, 8);
        EXPECT(readable(fd)); /* the end */
        expect_try(o.rx, 0, 0);
        EXPECT(readable(fd));
        EXPECT_RC(weir_close(o.rx), 0);
        EXPECT(readable(fd));
        close(fd);
        EXPECT_RC(weir_close(o.tx), 0);
    }
}

#define ONESHOT_CASES(CASE)                                                                        \
    CASE("F037 F051 oneshot: the value, then the end", value_then_end)                             \
    CASE("oneshot: batches of one", batches)                                                       \
    CASE("F043 oneshot: closed without a value", no_value)                                         \
    CASE("F049 oneshot: the first that waits gets it, the others the end", one_of_many)            \
    CASE("F036 oneshot: the fastest sender counts", fastest_counts)                                \
    CASE("F044 oneshot: nobody receives", nobody_receives)                                         \
    CASE("F045 oneshot: the own handle is closed", own_handle_closed)                              \
    CASE("F047 oneshot: deadlines", deadlines)                                                     \
    CASE("F034 oneshot: misuse", misuse)                                                           \
    CASE("oneshot: item sizes", sizes)                                                             \
    CASE("F041 oneshot: declared single ends", declared_single)                                    \
    CASE("F044 oneshot: dropped once", dropped_once)                                               \
    CASE("F044 oneshot: dropped in a drop function", dropped_in_a_drop)                            \
    CASE("F044 oneshot: nothing to drop", nothing_to_drop)                                         \
    CASE("select: oneshots served, ended and closed", in_selects)                                  \
    CASE("select: sends to a oneshot", sent_by_selects)                                            \
    CASE("descriptor: of a oneshot", watched)

#endif
