/* SPDX-License-Identifier: MIT */
/* test_handle.c - handles that are closed, forged, of another kind, or used again. */
#include <weir/ticker.h>

#include "child.h"
#include "flow_threads.h"
#include "handle.h"
#include "ops.h"

static bool is_refusal(int rc)
{
    return rc == WEIR_EBADF || rc == WEIR_ECLOSED;
}

/* Every call refuses it, and none of them crashes. */
static void expect_refused(weir_handle h)
{
    weir_sender tx = {h};
    weir_receiver rx = {h};
    uint64_t items[2] = {0};
    weir_statistics s;
    int why = weir_handle_check(h);
    EXPECT(is_refusal(why));
    EXPECT_RC(weir_handle_statistics(h, &s), why);
    EXPECT(is_refusal(weir_send(tx, &items[0])));
    EXPECT(is_refusal(weir_try_send(tx, &items[0])));
    EXPECT(is_refusal(weir_send_by(tx, &items[0], 0)));
    EXPECT(is_refusal(weir_send_many(tx, items, 2)));
    EXPECT(is_refusal(weir_try_send_many(tx, items, 2)));
    EXPECT(is_refusal(weir_recv(rx, &items[0])));
    EXPECT(is_refusal(weir_try_recv(rx, &items[0])));
    EXPECT(is_refusal(weir_recv_by(rx, &items[0], 0)));
    EXPECT(is_refusal(weir_recv_many(rx, items, 2)));
    EXPECT(is_refusal(weir_try_recv_many(rx, items, 2)));
    EXPECT(is_refusal(weir_check(weir_sender_clone(tx))));
    EXPECT(is_refusal(weir_check(weir_receiver_clone(rx))));
    int closed = weir_handle_close(h);
    EXPECT(closed == 0 || closed == WEIR_EBADF);
}

static void zero_is_no_handle(void)
{
    weir_sender tx = {0};
    weir_receiver rx = {0};
    uint64_t item = 0;
    EXPECT_RC(weir_check(tx), WEIR_EBADF);
    EXPECT_RC(weir_send(tx, &item), WEIR_EBADF);
    EXPECT_RC(weir_try_recv(rx, &item), WEIR_EBADF);
    EXPECT_RC(weir_close(rx), WEIR_EBADF);
    expect_refused(0);
}

/* Whatever error a null handle carries: the code's bits say nothing about a kind. */
static void null_handles_keep_their_error(void)
{
    for (int error = -1; error > -64; error--) {
        weir_sender tx = {handle_null(error)};
        uint64_t item = 0;
        int known = *weir_error_name(error) == 'E' ? error : WEIR_EBADF;
        EXPECT_RC(weir_send(tx, &item), known);
        EXPECT_RC(weir_check(tx), known);
        EXPECT_RC(weir_check(weir_sender_clone(tx)), known);
        EXPECT_RC(weir_close(tx), known == WEIR_ECLOSED ? 0 : known);
    }
}

static void random_bits(void)
{
    struct random r = random_from(1);
    weir_sender tx;
    weir_receiver rx;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof(uint64_t), 4, NULL), 0);
    for (unsigned i = 0; i < 20000 / SLOWNESS; i++) {
        weir_handle h = random_next(&r);
        if (i % 4 == 1)
            h &= 0xffffffff0000ffffu; /* indices that exist, some of them */
        if (i % 4 == 2)
            h &= 0x0000ffffffffffffu;
        if (i % 4 == 3)
            h &= 0x0000ffff0000ffffu;
        int rc = weir_handle_check(h);
        EXPECT(rc < 0); /* a null handle may carry any error */
        if (is_refusal(rc))
            expect_refused(h);
    }
    EXPECT_RC(weir_check(tx), 0);
    EXPECT_RC(weir_check(rx), 0);
    close_both(tx, rx);
}

/* Each bit of a good handle matters. */
static void flipped_bits(void)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 1;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 4, NULL), 0);
    for (unsigned bit = 0; bit < 64; bit++) {
        weir_handle h = tx.h ^ (UINT64_C(1) << bit), g = rx.h ^ (UINT64_C(1) << bit);
        if (h != rx.h && is_refusal(weir_handle_check(h)))
            expect_refused(h);
        if (g != tx.h && is_refusal(weir_handle_check(g)))
            expect_refused(g);
        EXPECT(h == rx.h || weir_handle_check(h) < 0);
        EXPECT(g == tx.h || weir_handle_check(g) < 0);
    }
    EXPECT_RC(weir_try_send(tx, &item), 0);
    EXPECT_RC(weir_try_recv(rx, &item), 1);
    close_both(tx, rx);
}

static void index_out_of_range(void)
{
    weir_sender tx;
    weir_receiver rx;
    EXPECT_RC(weir_channel_open(&tx, &rx, 8, 4, NULL), 0);
    for (unsigned shift = 0; shift < 32; shift++) {
        expect_refused((tx.h & 0xffffffff00000000u) | (UINT64_C(0xffffffff) - (1u << shift)));
        expect_refused((rx.h & 0xffffffff00000000u) | 0xffffffffu);
    }
    expect_refused(UINT64_MAX);
    expect_refused(0xffffffff00000000u);
    expect_refused(0x80000000u);
    EXPECT_RC(weir_check(tx), 0);
    close_both(tx, rx);
}

static void of_another_kind(void)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 1;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 4, NULL), 0);
    weir_sender as_tx = {rx.h};
    weir_receiver as_rx = {tx.h};
    EXPECT_RC(weir_send(as_tx, &item), WEIR_EBADF);
    EXPECT_RC(weir_try_send(as_tx, &item), WEIR_EBADF);
    EXPECT_RC(weir_send_many(as_tx, &item, 1), WEIR_EBADF);
    EXPECT_RC(weir_recv(as_rx, &item), WEIR_EBADF);
    EXPECT_RC(weir_try_recv(as_rx, &item), WEIR_EBADF);
    EXPECT_RC(weir_recv_many(as_rx, &item, 1), WEIR_EBADF);
    EXPECT_RC(weir_check(weir_sender_clone(as_tx)), WEIR_EBADF);
    EXPECT_RC(weir_check(weir_receiver_clone(as_rx)), WEIR_EBADF);
    EXPECT_EQ(stats_of(tx.h).passed, 0);
    EXPECT_EQ(stats_of(tx.h).open_senders, 1);
    EXPECT_EQ(stats_of(tx.h).open_receivers, 1);
    close_both(tx, rx);
}

/* A handle is dead for ever, whoever has its slot now. */
static void old_generation(void)
{
    enum { KEEP = 64 };
    weir_sender old_tx[KEEP];
    weir_receiver old_rx[KEEP];
    for (unsigned i = 0; i < 40 * KEEP; i++) {
        weir_sender tx;
        weir_receiver rx;
        uint64_t item = i;
        EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 2, NULL), 0);
        for (unsigned j = 0; j < KEEP && j < i; j++) {
            EXPECT(old_tx[j].h != tx.h && old_rx[j].h != rx.h);
            if (i % 16 == 0) {
                EXPECT_RC(weir_check(old_tx[j]), WEIR_ECLOSED);
                EXPECT_RC(weir_try_send(old_tx[j], &item), WEIR_ECLOSED);
                EXPECT_RC(weir_try_recv(old_rx[j], &item), WEIR_ECLOSED);
                EXPECT_RC(weir_close(old_tx[j]), 0);
                EXPECT_RC(weir_close(old_rx[j]), 0);
            }
        }
        EXPECT_RC(weir_try_send(tx, &item), 0);
        EXPECT_RC(weir_try_recv(rx, &item), 1);
        close_both(tx, rx);
        old_tx[i % KEEP] = tx;
        old_rx[i % KEEP] = rx;
    }
}

/* Slots are used again and again; no old handle ever becomes good, or equal to a new one. */
static void millions_of_generations(void)
{
    enum { N = 5000000 / SLOWNESS, SAMPLES = 256 };
    static weir_handle sample[SAMPLES];
    weir_sender tx;
    weir_receiver rx;
    weir_handle first = 0, last = 0;
    uint64_t wrong = 0;
    EXPECT_RC(weir_channel_open(&tx, &rx, 1, 1, NULL), 0);
    for (size_t i = 0; i < N; i++) {
        weir_sender clone = weir_sender_clone(tx);
        wrong += weir_check(clone) != 0 || clone.h == last || clone.h == first;
        wrong += clone.h == sample[i % SAMPLES];
        wrong += weir_close(clone) != 0 || weir_check(clone) != WEIR_ECLOSED;
        last = clone.h;
        if (i == 0)
            first = clone.h;
        if (i % 4099 == 0)
            sample[i / 4099 % SAMPLES] = clone.h;
        wrong += weir_handle_check(first) != WEIR_ECLOSED;
    }
    for (size_t i = 0; i < SAMPLES; i++)
        wrong += sample[i] && weir_handle_check(sample[i]) != WEIR_ECLOSED;
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(stats_of(tx.h).open_senders, 1);
    close_both(tx, rx);
}

static void many_handles(void)
{
    enum { N = 100000 };
    weir_sender *tx = calloc(N, sizeof *tx);
    weir_receiver rx;
    uint64_t item = 0, got = 0, refused = 0;
    if (!EXPECT(tx != NULL))
        return;
    EXPECT_RC(weir_channel_open(&tx[0], &rx, sizeof item, WEIR_UNBOUNDED, NULL), 0);
    for (unsigned i = 1; i < N; i++)
        tx[i] = weir_sender_clone(tx[i / 2]);
    EXPECT_EQ(stats_of(rx.h).open_senders, N);
    for (unsigned i = 0; i < N; i++) {
        item = i;
        refused += weir_try_send(tx[i], &item) != 0 || weir_close(tx[i]) != 0;
    }
    EXPECT_EQ(refused, 0);
    EXPECT_EQ(stats_of(rx.h).open_senders, 0);
    for (unsigned i = 0; weir_recv(rx, &item) > 0; i++)
        got += item == i;
    EXPECT_EQ(got, N);
    EXPECT_RC(weir_close(rx), 0);
    free(tx);
}

/* A handle made by a thread outlives it: only actors close what they own. */
static void open_and_end(void *arg)
{
    struct op *op = arg;
    uint64_t item = 17;
    op->rc = weir_channel_open(&op->tx, &op->rx, sizeof item, 1, NULL);
    if (op->rc == 0)
        op->rc = weir_try_send(op->tx, &item);
}

static void handles_outlive_threads(void)
{
    for (unsigned i = 0; i < 50; i++) {
        struct op op;
        flow_start(&op.flow, open_and_end, &op);
        EXPECT_RC(op_end(&op), 0);
        EXPECT_RC(weir_check(op.tx), 0);
        expect_items(op.rx, 17, 1);
        close_both(op.tx, op.rx);
    }
}

/* ---- threads use a handle while it is closed and its slot used again ------------------------ */

struct hammer {
    struct flow flow;
    _Atomic weir_handle target;
    atomic_bool stop;
    uint64_t strange, worked;
};

static void hammer(void *arg)
{
    struct hammer *h = arg;
    while (!atomic_load(&h->stop)) {
        weir_sender tx = {atomic_load(&h->target)};
        int rc = weir_try_send(tx, &tx.h);
        h->strange += rc != 0 && rc != WEIR_ECLOSED && rc != WEIR_EPIPE && rc != WEIR_EAGAIN;
        h->worked += rc == 0;
    }
}

/*
 * The thread tags each item with the handle that it used. Were a stale handle to reach
 * the channel of the next generation, a wrong tag would come out.
 */
static void stale_use_never_hits_the_next(void)
{
    struct hammer h = {.strange = 0};
    uint64_t wrong = 0, came = 0;
    weir_sender tx;
    weir_receiver rx;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof tx.h, 8, NULL), 0);
    atomic_init(&h.target, tx.h);
    atomic_init(&h.stop, false);
    flow_start(&h.flow, hammer, &h);
    for (unsigned i = 0; i < 100000 / SLOWNESS; i++) {
        weir_handle item;
        for (unsigned j = 0; j < i % 4; j++)
            while (weir_try_recv(rx, &item) == 1) {
                came++;
                wrong += item != tx.h;
            }
        close_both(tx, rx);
        if (!EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 8, NULL), 0))
            break;
        atomic_store(&h.target, tx.h);
    }
    while (came == 0) {
        weir_handle item;
        came += weir_recv(rx, &item) == 1;
    }
    atomic_store(&h.stop, true);
    flow_join(&h.flow);
    EXPECT_EQ(h.strange, 0);
    EXPECT_EQ(wrong, 0);
    EXPECT(h.worked > 0);
    close_both(tx, rx);
}

/* ---- no entry is left, in a child ------------------------------------------------------------ */

static int table_full(void)
{
    enum { LEFT = 512 }; /* more than a thread keeps for itself */
    static weir_sender tx[LEFT];
    static weir_receiver rx[LEFT];
    unsigned n = 0;
    CHECK(weir_channel_open(&tx[n], &rx[n], 1, 0, NULL) == 0);
    weir__slots.free = NULL; /* what earlier tests have left */
    weir__slots.fresh = weir__slots.mask + 1 - LEFT / 2;
    while (++n < LEFT && weir_channel_open(&tx[n], &rx[n], 1, 0, NULL) == 0)
        ;
    CHECK(n < LEFT && weir_check(tx[n]) == WEIR_ENFILE && weir_check(rx[n]) == WEIR_ENFILE);
    while (weir_check(tx[n] = weir_sender_clone(tx[0])) == 0) /* one may be left */
        ;
    CHECK(weir_check(tx[n]) == WEIR_ENFILE);
    CHECK(weir_check(weir_timer_open(0)) == WEIR_ENFILE);
    while (n-- > 0)
        CHECK(weir_close(tx[n]) == 0 && weir_close(rx[n]) == 0);
    CHECK(weir_channel_open(&tx[0], &rx[0], 1, 0, NULL) == 0);
    return 0;
}

static void full(void)
{
    EXPECT_CHILD(table_full);
}

TEST_SUITE(handle, "channels: handles", {"F054 handles: zero is none", zero_is_no_handle},
           {"F041 handles: a null handle keeps its error", null_handles_keep_their_error},
           {"F054 handles: random bits are refused", random_bits},
           {"F054 handles: each bit matters", flipped_bits},
           {"F054 handles: an index out of range is refused", index_out_of_range},
           {"F054 handles: one of another kind is refused", of_another_kind},
           {"F042 handles: an old generation stays closed", old_generation},
           {"F042 handles: millions of generations", millions_of_generations},
           {"F041 handles: 100,000 clones", many_handles},
           {"F053 handles: outlive the thread that made them", handles_outlive_threads},
           {"F054 handles: stale use never meets the next channel", stale_use_never_hits_the_next},
           {"F054 handles: none is left", full});
