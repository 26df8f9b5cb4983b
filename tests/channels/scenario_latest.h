/* SPDX-License-Identifier: MIT */
/* scenario_latest.h - weir/watch.h: the latest value, between flows. */
#ifndef WEIR_TESTS_SCENARIO_LATEST_H
#define WEIR_TESTS_SCENARIO_LATEST_H

#include <weir/watch.h>

#include "kept_flows.h"

struct latest {
    weir_sender tx;
    weir_receiver rx;
};

static struct latest latest_open(void)
{
    struct latest w;
    EXPECT_RC(weir_watch_open(&w.tx, &w.rx, sizeof(uint64_t), NULL), 0);
    return w;
}

static void expect_read(weir_receiver rx, int rc, uint64_t value)
{
    uint64_t got = ~value;
    EXPECT_RC(weir_watch_read(rx, &got), rc);
    EXPECT_EQ(got, rc == 1 ? value : ~value);
}

static void only_the_latest(void)
{
    struct latest w = latest_open();
    expect_try(w.rx, WEIR_EAGAIN, 0);
    for (uint64_t i = 1; i <= 5; i++)
        EXPECT_RC(i % 2 ? send_item(w.tx, i) : try_send_item(w.tx, i), 0);
    weir_statistics s = stats_of(w.rx.h);
    EXPECT_EQ(s.capacity, 1);
    EXPECT_EQ(s.buffered, 1);
    EXPECT_EQ(s.passed, 5);
    expect_recv(w.rx, 1, 5);
    expect_try(w.rx, WEIR_EAGAIN, 0); /* seen, but still there */
    expect_read(w.rx, 1, 5);
    EXPECT_EQ(stats_of(w.tx.h).buffered, 1);
    EXPECT_RC(send_item(w.tx, 5), 0); /* the same value is a newer one */
    expect_read(w.rx, 1, 5);
    expect_try(w.rx, 1, 5);
    close_both(w.tx, w.rx);
}

static void an_initial_value(void)
{
    struct latest w;
    uint64_t initial = 33;
    EXPECT_RC(weir_watch_open(&w.tx, &w.rx, sizeof initial, &initial), 0);
    initial = 0;
    EXPECT_EQ(stats_of(w.rx.h).passed, 0);
    EXPECT_EQ(stats_of(w.rx.h).buffered, 1);
    expect_read(w.rx, 1, 33);
    expect_recv(w.rx, 1, 33);
    expect_try(w.rx, WEIR_EAGAIN, 0);
    close_both(w.tx, w.rx);
}

static void reading(void)
{
    struct latest w = latest_open();
    uint32_t narrow;
    uint64_t value = 0;
    weir_sender tx;
    weir_receiver rx;
    expect_read(w.rx, WEIR_EAGAIN, 0);
    EXPECT_RC(weir_watch_read(w.rx, &narrow), WEIR_EITEM);
    EXPECT_RC(weir_watch_read((weir_receiver){w.tx.h}, &value), WEIR_EBADF);
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof value, 1, NULL), 0);
    EXPECT_RC(send_item(tx, 1), 0);
    EXPECT_RC(weir_watch_read(rx, &value), WEIR_EBADF); /* no watch */
    close_both(tx, rx);
    weir_receiver clone = weir_receiver_clone(w.rx);
    EXPECT_RC(send_item(w.tx, 9), 0);
    EXPECT_RC(weir_close(w.tx), 0);
    expect_read(w.rx, 1, 9);
    expect_recv(w.rx, 1, 9);
    expect_recv(w.rx, 0, 0);
    expect_read(w.rx, 1, 9); /* after the end as well */
    EXPECT_RC(weir_close(w.rx), 0);
    expect_read(w.rx, WEIR_ECLOSED, 0);
    expect_read(clone, 1, 9);
    EXPECT_RC(weir_close(clone), 0);
    w = latest_open();
    EXPECT_RC(weir_close(w.tx), 0);
    expect_read(w.rx, 0, 0);
    expect_recv(w.rx, 0, 0);
    EXPECT_RC(weir_close(w.rx), 0);
}

/* Each handle for itself; a clone has seen nothing. */
static void each_for_itself(void)
{
    struct latest w = latest_open();
    weir_receiver early = weir_receiver_clone(w.rx);
    EXPECT_RC(send_item(w.tx, 1), 0);
    expect_recv(w.rx, 1, 1);
    weir_receiver late = weir_receiver_clone(w.rx);
    expect_try(w.rx, WEIR_EAGAIN, 0);
    expect_try(late, 1, 1);
    expect_try(late, WEIR_EAGAIN, 0);
    EXPECT_RC(send_item(w.tx, 2), 0);
    expect_recv(early, 1, 2);
    expect_recv(late, 1, 2);
    EXPECT_RC(weir_close(w.tx), 0);
    expect_recv(early, 0, 0);
    expect_recv(w.rx, 1, 2); /* what it has not seen, then the end */
    expect_recv(w.rx, 0, 0);
    EXPECT_RC(weir_close(early), 0);
    EXPECT_RC(weir_close(late), 0);
    EXPECT_RC(weir_close(w.rx), 0);
}

static void all_that_wait(void)
{
    struct latest w = latest_open();
    struct op ops[OPS_MAX];
    weir_receiver rx[OPS_MAX];
    for (unsigned i = 0; i < OPS_MAX; i++) {
        rx[i] = i == 0 ? w.rx : weir_receiver_clone(w.rx);
        op_start_recv(&ops[i], rx[i]);
        await_receivers(w.rx.h, i + 1);
    }
    EXPECT_RC(send_item(w.tx, 4), 0);
    for (unsigned i = 0; i < OPS_MAX; i++) {
        EXPECT_RC(op_end(&ops[i]), 1);
        EXPECT_EQ(ops[i].items[0], 4);
        if (i > 0)
            EXPECT_RC(weir_close(rx[i]), 0);
    }
    park_receivers(ops, 2, w.rx); /* on one handle: one of the two has it */
    EXPECT_RC(send_item(w.tx, 5), 0);
    EXPECT_RC(op_end(&ops[0]), 1);
    EXPECT_EQ(stats_of(w.rx.h).waiting_receivers, 1);
    EXPECT_RC(weir_close(w.tx), 0);
    EXPECT_RC(op_end(&ops[1]), 0);
    EXPECT_RC(weir_close(w.rx), 0);
}

static void batches(void)
{
    struct latest w = latest_open();
    uint64_t in[3] = {1, 2, 3}, out[3] = {7, 7, 7};
    EXPECT_RC(weir_send_many(w.tx, in, 3), 3);
    EXPECT_RC(weir_recv_many(w.rx, out, 3), 1);
    EXPECT_EQ(out[0], 3);
    EXPECT_EQ(out[1], 7);
    EXPECT_EQ(stats_of(w.rx.h).passed, 3);
    EXPECT_RC(weir_try_recv_many(w.rx, out, 3), WEIR_EAGAIN);
    close_both(w.tx, w.rx);
}

static void closes(void)
{
    struct latest w = latest_open();
    struct op ops[2];
    weir_receiver clone = weir_receiver_clone(w.rx);
    park_receivers(ops, 1, w.rx);
    park_receivers(&ops[1], 1, clone);
    EXPECT_RC(weir_close(w.rx), 0);
    EXPECT_RC(op_end(&ops[0]), WEIR_ECLOSED);
    EXPECT_RC(weir_check(weir_receiver_clone(w.rx)), WEIR_ECLOSED);
    EXPECT_RC(send_item(w.tx, 1), 0);
    EXPECT_RC(op_end(&ops[1]), 1);
    EXPECT_RC(weir_close(clone), 0);
    EXPECT_RC(send_item(w.tx, 2), WEIR_EPIPE);
    EXPECT_RC(try_send_item(w.tx, 2), WEIR_EPIPE);
    EXPECT_RC(weir_close(w.tx), 0);
    EXPECT_RC(send_item(w.tx, 2), WEIR_ECLOSED);
}

static void misuse(void)
{
    struct latest w = latest_open();
    uint32_t narrow = 0;
    uint64_t value = 0;
    weir_time deadline = weir_after(WEIR_MS);
    EXPECT_RC(weir_recv_by(w.rx, &value, deadline), WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= deadline);
    EXPECT_RC(weir_send_by(w.tx, &value, 0), 0);
    EXPECT_RC(weir_send(w.tx, &narrow), WEIR_EITEM);
    EXPECT_RC(weir_recv(w.rx, &narrow), WEIR_EITEM);
    EXPECT_RC(weir_recv((weir_receiver){w.tx.h}, &value), WEIR_EBADF);
    close_both(w.tx, w.rx);
    EXPECT_RC(weir_watch_open(&w.tx, &w.rx, 0, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_check(w.tx), WEIR_EINVAL);
    EXPECT_RC(weir_watch_open(&w.tx, &w.rx, WEIR_ITEM_MAX + 1, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_watch_open(NULL, &w.rx, 1, NULL), WEIR_EINVAL);
}

/* So many that the table of readers grows; closed ones' places are used again. */
static void many_handles(void)
{
    enum { N = 70 };
    struct latest w = latest_open();
    weir_receiver rx[N];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < N; i++) {
            rx[i] = weir_receiver_clone(i == 0 ? w.rx : rx[i - 1]);
            EXPECT_RC(send_item(w.tx, i), 0);
            if (i % 2)
                expect_recv(rx[i], 1, i);
        }
        for (unsigned i = 0; i < N; i += 3)
            EXPECT_RC(weir_close(rx[i]), 0);
        for (unsigned i = 0; i < N; i += 3)
            rx[i] = weir_receiver_clone(w.rx);
        for (unsigned i = 0; i < N; i++) {
            bool seen = i == N - 1 && i % 3;
            expect_try(rx[i], seen ? WEIR_EAGAIN : 1, N - 1);
            EXPECT_RC(weir_close(rx[i]), 0);
        }
    }
    EXPECT_EQ(stats_of(w.rx.h).open_receivers, 1);
    close_both(w.tx, w.rx);
}

/* ---- between flows ------------------------------------------------------------------------- */

enum { READERS = 4, WRITERS = 2, VALUES = 2000 / SLOWNESS };

struct party_of_watch {
    struct flow flow;
    struct latest w;
    uint64_t which, last[WRITERS];
};

/* Values of one writer only grow, and the last one is seen. */
static void read_all(void *arg)
{
    struct party_of_watch *r = arg;
    uint64_t value, read;
    while (weir_recv(r->w.rx, &value) == 1) {
        uint64_t writer = value % WRITERS;
        EXPECT(value / WRITERS > r->last[writer]);
        r->last[writer] = value / WRITERS;
        EXPECT_RC(weir_watch_read(r->w.rx, &read), 1);
        EXPECT(read % WRITERS != writer || read >= value);
    }
    EXPECT_RC(weir_watch_read(r->w.rx, &read), 1);
    EXPECT_EQ(r->last[read % WRITERS], read / WRITERS);
    EXPECT_EQ(read / WRITERS, VALUES);
    EXPECT_RC(weir_close(r->w.rx), 0);
}

static void write_all(void *arg)
{
    struct party_of_watch *w = arg;
    for (uint64_t i = 1; i <= VALUES; i++)
        EXPECT_RC(send_item(w->w.tx, i * WRITERS + w->which), 0);
    EXPECT_RC(weir_close(w->w.tx), 0);
}

static void many_read(void)
{
    struct latest w = latest_open();
    struct party_of_watch readers[READERS] = {0}, writers[WRITERS] = {0};
    for (unsigned i = 0; i < READERS; i++) {
        readers[i].w.rx = weir_receiver_clone(w.rx);
        flow_start(&readers[i].flow, read_all, &readers[i]);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i].which = i;
        writers[i].w.tx = weir_sender_clone(w.tx);
    }
    EXPECT_RC(weir_close(w.tx), 0);
    for (unsigned i = 0; i < WRITERS; i++)
        flow_start(&writers[i].flow, write_all, &writers[i]);
    for (unsigned i = 0; i < WRITERS; i++)
        flow_join(&writers[i].flow);
    for (unsigned i = 0; i < READERS; i++)
        flow_join(&readers[i].flow);
    EXPECT_EQ(stats_of(w.rx.h).passed, WRITERS * VALUES);
    EXPECT_RC(weir_close(w.rx), 0);
}

/* ---- select, descriptors ------------------------------------------------------------------- */

static void in_selects(void)
{
    for (int what = 0; what < 4; what++) {
        struct latest a = latest_open(), b = latest_open();
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

/* Two handles of one watch in a select: each sees the value once. */
static void both_handles(void)
{
    struct latest w = latest_open();
    weir_receiver clone = weir_receiver_clone(w.rx);
    uint64_t got[2] = {7, 7}, in = 8;
    weir_case c[] = {weir_on_recv(w.rx, &got[0]), weir_on_recv(clone, &got[1]),
                     weir_on_send(w.tx, &in)};
    EXPECT_RC(weir_try_select(c, 2, WEIR_FAIR), WEIR_EAGAIN);
    EXPECT_RC(weir_select(c, 3, WEIR_ORDERED), 2);
    EXPECT_RC(c[2].rc, 0);
    EXPECT_RC(weir_select(c, 3, WEIR_ORDERED), 0);
    EXPECT_RC(weir_select(c, 3, WEIR_ORDERED), 1);
    EXPECT_EQ(got[0], 8);
    EXPECT_EQ(got[1], 8);
    EXPECT_RC(weir_try_select(c, 2, WEIR_FAIR), WEIR_EAGAIN);
    EXPECT_RC(weir_select_by(c, 2, WEIR_FAIR, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_EQ(stats_of(w.rx.h).waiting_receivers, 0);
    EXPECT_RC(weir_close(clone), 0);
    close_both(w.tx, w.rx);
}

static void watched(void)
{
    struct latest w = latest_open();
    weir_receiver clone = weir_receiver_clone(w.rx);
    int fd = weir_receiver_fd(w.rx), other = weir_receiver_fd(clone);
    REQUIRE(fd >= 0 && other >= 0);
    expect_try(w.rx, WEIR_EAGAIN, 0);
    expect_try(clone, WEIR_EAGAIN, 0);
    EXPECT(!readable(fd) && !readable(other));
    EXPECT_RC(send_item(w.tx, 1), 0);
    EXPECT(readable(fd) && readable(other));
    expect_try(w.rx, 1, 1);
    expect_try(w.rx, WEIR_EAGAIN, 0); /* this one has seen it */
    EXPECT(!readable(fd) && readable(other));
    EXPECT_RC(send_item(w.tx, 2), 0);
    EXPECT(readable(fd) && readable(other));
    expect_try(w.rx, 1, 2);
    expect_try(w.rx, WEIR_EAGAIN, 0);
    EXPECT(!readable(fd));
    EXPECT_RC(weir_close(w.tx), 0);
    EXPECT(readable(fd));
    expect_try(w.rx, 0, 0);
    EXPECT_RC(weir_close(w.rx), 0);
    expect_try(clone, 1, 2);
    EXPECT_RC(weir_close(clone), 0);
    EXPECT(readable(other));
    close(fd);
    close(other);
}

#define LATEST_CASES(CASE)                                                                         \
    CASE("F037 watch: only the latest value", only_the_latest)                                     \
    CASE("F034 watch: an initial value", an_initial_value)                                         \
    CASE("F038 watch: reading without waiting", reading)                                           \
    CASE("F041 F051 watch: each handle for itself", each_for_itself)                               \
    CASE("F037 watch: all that wait get it", all_that_wait)                                        \
    CASE("watch: batches", batches)                                                                \
    CASE("F044 F045 watch: receivers close", closes)                                               \
    CASE("F034 F046 F047 watch: misuse, deadlines", misuse)                                        \
    CASE("F041 watch: many handles", many_handles)                                                 \
    CASE("F050 watch: many read what two write", many_read)                                        \
    CASE("select: watches served, ended and closed", in_selects)                                   \
    CASE("select: both handles of a watch", both_handles)                                          \
    CASE("descriptor: of each handle of a watch", watched)

#endif
