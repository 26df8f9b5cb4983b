/* SPDX-License-Identifier: MIT */
/* test_oom.c - every allocation of every scenario fails once. See oom.h. */
#include "oom.h"

#include "flow_threads.h"
#include "ops.h"

#include <weir/broadcast.h>
#include <weir/oneshot.h>
#include <weir/select.h>
#include <weir/ticker.h>
#include <weir/watch.h>

/* Both ends work: an item passes through a buffered or unbounded channel. */
static void works(weir_sender tx, weir_receiver rx)
{
    uint64_t item = 77, got = 0;
    OOM_CHECK(weir_try_send(tx, &item) == 0);
    OOM_CHECK(weir_try_recv(rx, &got) == 1 && got == 77);
    OOM_CHECK(weir_try_recv(rx, &got) == WEIR_EAGAIN);
}

static int end(weir_sender tx, weir_receiver rx, int rc)
{
    OOM_CHECK(weir_close(tx) == 0);
    OOM_CHECK(weir_close(rx) == 0);
    return rc;
}

/* ---- F034 open ----------------------------------------------------------------------------- */

static int open_of(size_t capacity)
{
    weir_sender tx;
    weir_receiver rx;
    int rc = weir_channel_open(&tx, &rx, sizeof(uint64_t), capacity, NULL);
    if (rc == 0)
        return end(tx, rx, 0);
    uint64_t item = 0;
    OOM_CHECK(weir_check(tx) == rc && weir_check(rx) == rc);
    OOM_CHECK(weir_send(tx, &item) == rc && weir_recv(rx, &item) == rc);
    return oom_expect(rc);
}

static int open_rendezvous(void)
{
    return open_of(0);
}

static int open_bounded(void)
{
    return open_of(9);
}

static int open_unbounded(void)
{
    return open_of(WEIR_UNBOUNDED);
}

static int open_many(void)
{
    enum { N = 300 };
    static weir_sender tx[N];
    static weir_receiver rx[N];
    int n, rc = 0;
    for (n = 0; n < N && rc == 0; n++)
        rc = weir_channel_open(&tx[n], &rx[n], 16, (size_t)n % 10, NULL);
    n -= rc < 0;
    while (n-- > 0)
        end(tx[n], rx[n], 0);
    return rc < 0 ? oom_expect(rc) : 0;
}

/* ---- F041 clone ------------------------------------------------------------------------------ */

static int clone_many(void)
{
    enum { N = 300 };
    static weir_sender tx[N];
    static weir_receiver rx[N];
    int n, rc = weir_channel_open(&tx[0], &rx[0], sizeof(uint64_t), 8, NULL);
    if (rc < 0)
        return oom_expect(rc);
    for (n = 1; n < N; n++) {
        tx[n] = weir_sender_clone(tx[n - 1]);
        rx[n] = weir_receiver_clone(rx[n - 1]);
        if ((rc = weir_check(tx[n])) < 0 || (rc = weir_check(rx[n])) < 0)
            break;
    }
    oom_off();
    if (rc < 0) {
        uint64_t item = 0;
        bool tx_failed = weir_check(tx[n]) < 0, rx_failed = weir_check(rx[n]) < 0;
        OOM_CHECK(!tx_failed || weir_send(tx[n], &item) == rc);
        OOM_CHECK(!rx_failed || weir_recv(rx[n], &item) == rc);
        OOM_CHECK(stats_of(tx[0].h).open_senders == (size_t)n + !tx_failed);
        OOM_CHECK(stats_of(tx[0].h).open_receivers == (size_t)n + !rx_failed);
        if (!tx_failed)
            OOM_CHECK(weir_close(tx[n]) == 0);
        if (!rx_failed)
            OOM_CHECK(weir_close(rx[n]) == 0);
        oom_expect(rc);
    }
    works(tx[0], rx[n - 1]);
    while (n-- > 0)
        end(tx[n], rx[n], 0);
    return rc;
}

/* ---- F035 send ------------------------------------------------------------------------------ */

/* Send n items without waiting; a refused one is not there, all others are. */
static int send_through(size_t capacity, uint64_t n, bool single)
{
    weir_sender tx;
    weir_receiver rx;
    weir_channel_options options = {.single_sender = single, .single_receiver = single};
    uint64_t sent = 0, got = 0, item;
    int rc = weir_channel_open(&tx, &rx, sizeof item, capacity, &options);
    if (rc < 0)
        return oom_expect(rc);
    for (; sent < n; sent++)
        if ((rc = weir_try_send(tx, &sent)) < 0)
            break;
    oom_off();
    OOM_CHECK(stats_of(rx.h).buffered == sent);
    while (weir_try_recv(rx, &item) == 1 && OOM_CHECK(item == got))
        got++;
    OOM_CHECK(got == sent);
    works(tx, rx);
    return end(tx, rx, rc < 0 ? oom_expect(rc) : 0);
}

static int first_send_narrow(void)
{
    return send_through(8, 8, false);
}

static int first_send_wide(void)
{
    return send_through(128, 128, false);
}

static int first_send_single(void)
{
    return send_through(128, 128, true);
}

static int blocks(void)
{
    return send_through(WEIR_UNBOUNDED, 2000, false);
}

static int batches(void)
{
    enum { N = 1500 };
    static uint64_t items[N], got[N];
    weir_sender tx;
    weir_receiver rx;
    size_t sent = 0;
    int rc = weir_channel_open(&tx, &rx, sizeof items[0], WEIR_UNBOUNDED, NULL);
    if (rc < 0)
        return oom_expect(rc);
    for (size_t i = 0; i < N; i++)
        items[i] = i;
    while (sent < N && (rc = weir_send_many(tx, items + sent, N - sent)) > 0)
        sent += (size_t)rc; /* less than asked for: the next call says why */
    oom_off();
    OOM_CHECK(stats_of(rx.h).buffered == sent);
    if (sent > 0)
        OOM_CHECK(weir_recv_many(rx, got, N) == (int)sent);
    OOM_CHECK(memcmp(items, got, sent * sizeof items[0]) == 0);
    works(tx, rx);
    return end(tx, rx, rc < 0 ? oom_expect(rc) : 0);
}

/* Blocks are used again while items go through; a full sweep over that. */
static int stream_of_blocks(void)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t in = 0, out = 0, item;
    int rc = weir_channel_open(&tx, &rx, sizeof item, WEIR_UNBOUNDED, NULL);
    if (rc < 0)
        return oom_expect(rc);
    while (in < 3000 && rc >= 0) {
        for (unsigned i = 0; i < 70 && (rc = weir_try_send(tx, &in)) == 0; i++)
            in++;
        for (unsigned i = 0; i < 50 && rc == 0; i++) {
            OOM_CHECK(weir_try_recv(rx, &item) == 1 && item == out);
            out++;
        }
    }
    oom_off();
    while (weir_try_recv(rx, &item) == 1 && OOM_CHECK(item == out))
        out++;
    OOM_CHECK(in == out);
    works(tx, rx);
    return end(tx, rx, rc < 0 ? oom_expect(rc) : 0);
}

/* ---- F037 a thread that weir has never seen parks ------------------------------------------- */

static void await_parked_or_done(struct op *op, weir_handle h)
{
    for (;;) {
        weir_statistics s = stats_of(h);
        if (s.waiting_receivers + s.waiting_senders > 0 || flow_done(&op->flow))
            return;
        flow_pause();
    }
}

static int park_a_receiver(void)
{
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    uint64_t item = 5;
    int rc = weir_channel_open(&tx, &rx, sizeof item, 0, NULL);
    if (rc < 0)
        return oom_expect(rc);
    op_start_recv(&op, rx);
    await_parked_or_done(&op, tx.h);
    oom_off();
    int sent = weir_try_send(tx, &item);
    rc = op_end(&op);
    OOM_CHECK(sent == (rc == 1 ? 0 : WEIR_EAGAIN));
    OOM_CHECK(stats_of(tx.h).waiting_receivers == 0);
    return end(tx, rx, rc == 1 ? 0 : oom_expect(rc));
}

static int park_a_sender(void)
{
    weir_sender tx;
    weir_receiver rx;
    struct op op;
    uint64_t item = 0;
    int rc = weir_channel_open(&tx, &rx, sizeof item, 1, NULL);
    if (rc < 0)
        return oom_expect(rc);
    oom_off();
    OOM_CHECK(weir_try_send(tx, &item) == 0);
    atomic_store(&oom_on, true);
    op_start_send(&op, tx, 6);
    await_parked_or_done(&op, tx.h);
    oom_off();
    OOM_CHECK(weir_try_recv(rx, &item) == 1 && item == 0);
    rc = op_end(&op);
    int got = weir_try_recv(rx, &item);
    OOM_CHECK(rc == 0 ? got == 1 && item == 6 : got == WEIR_EAGAIN);
    return end(tx, rx, rc == 0 ? 0 : oom_expect(rc));
}

/* ---- what cannot fail: close and what it drops, even as a new thread's first call ----------- */

struct closer {
    weir_handle h;
    int checked, closed, again;
};

static void close_first_thing(void *arg)
{
    struct closer *c = arg;
    c->closed = weir_handle_close(c->h);
    c->again = weir_handle_close(c->h);
    c->checked = weir_handle_check(c->h);
}

static int close_from_a_new_thread(void)
{
    weir_sender tx;
    weir_receiver rx;
    struct flow flow;
    atomic_size_t dropped = 0;
    uint64_t items[20] = {0};
    weir_channel_options options = {.drop = count_drop, .drop_context = &dropped};
    int rc = weir_channel_open(&tx, &rx, sizeof items[0], 20, &options);
    if (rc < 0)
        return oom_expect(rc);
    int sent = weir_try_send_many(tx, items, 20);
    struct closer c = {.h = rx.h};
    flow_start(&flow, close_first_thing, &c);
    flow_join(&flow);
    OOM_CHECK(c.closed == 0 && c.again == 0 && c.checked == WEIR_ECLOSED);
    oom_off();
    OOM_CHECK(sent == 20 || sent == WEIR_ENOMEM);
    OOM_CHECK(comes_to(&dropped, sent < 0 ? 0 : 20));
    OOM_CHECK(weir_try_send(tx, &items[0]) == WEIR_EPIPE);
    return end(tx, rx, sent < 0 ? sent : 0);
}

/* ---- a thread's first call, whichever it is ------------------------------------------------- */

enum { FIRST_CALLS = 8 };

struct newcomer {
    unsigned call;
    weir_sender tx;
    weir_receiver rx;
    int rc, closed;
};

static void call_first(void *arg)
{
    struct newcomer *n = arg;
    weir_sender clone = {0};
    weir_receiver other = {0};
    weir_statistics s;
    uint64_t items[2] = {1, 1};
    n->closed = 0;
    switch (n->call) {
    case 0:
        n->rc = weir_check(clone = weir_sender_clone(n->tx));
        break;
    case 1:
        n->rc = weir_check(other = weir_receiver_clone(n->rx));
        break;
    case 2:
        n->rc = weir_channel_statistics(n->tx, &s);
        break;
    case 3:
        n->rc = weir_try_send(n->tx, &items[0]);
        break;
    case 4:
        n->rc = weir_try_recv(n->rx, &items[0]);
        break;
    case 5:
        n->rc = weir_send_many_by(n->tx, items, 2, 0);
        break;
    case 6:
        n->rc = weir_recv_many_by(n->rx, items, 2, 0);
        break;
    default:
        n->rc = weir_select_by((weir_case[]){weir_on_recv(n->rx, &items[0])}, 1, WEIR_FAIR, 0);
    }
    if (n->call < 2 && n->rc == 0)
        n->closed = weir_handle_close(n->call == 0 ? clone.h : other.h);
}

static int first_calls(void)
{
    static const int fine[FIRST_CALLS] = {0, 0, 0, 0, 1, 2, 2, 0};
    weir_sender tx;
    weir_receiver rx;
    size_t expected = 0;
    int want = 0, rc = weir_channel_open(&tx, &rx, sizeof(uint64_t), 4, NULL);
    if (rc < 0)
        return oom_expect(rc);
    for (unsigned call = 0; call < FIRST_CALLS; call++) {
        struct newcomer n = {.call = call, .tx = tx, .rx = rx};
        struct flow flow;
        flow_start(&flow, call_first, &n);
        flow_join(&flow);
        OOM_CHECK(n.closed == 0);
        bool empty = n.rc == WEIR_EAGAIN || n.rc == WEIR_ETIMEDOUT;
        OOM_CHECK(n.rc == fine[call] || n.rc == WEIR_ENOMEM || (empty && expected == 0));
        if (n.rc == WEIR_ENOMEM)
            want = n.rc;
        else if (call == 3 || call == 5)
            expected += call == 3 ? 1 : 2;
        else if (call == 4 || call == 6)
            expected -= n.rc > 0 ? (size_t)n.rc : 0;
        else if (call == 7)
            expected -= n.rc == 0; /* the only case has fired */
    }
    oom_off();
    OOM_CHECK(stats_of(tx.h).buffered == expected);
    OOM_CHECK(stats_of(tx.h).open_senders == 1 && stats_of(tx.h).open_receivers == 1);
    return end(tx, rx, want);
}

static void drop_closes(void *item, void *context)
{
    weir_receiver rx;
    memcpy(&rx, item, sizeof rx);
    OOM_CHECK(weir_close(rx) == 0);
    atomic_fetch_add((atomic_size_t *)context, 1);
}

/* Close of a chain of channels inside each other, while no memory is to be had at all. */
static int drop_without_memory(void)
{
    enum { DEEP = 100 };
    atomic_size_t dropped = 0;
    weir_channel_options options = {.drop = drop_closes, .drop_context = &dropped};
    weir_sender tx;
    weir_receiver rx, inner;
    size_t made = 0;
    int rc = weir_channel_open(&tx, &inner, sizeof rx, 1, &options);
    if (rc < 0)
        return oom_expect(rc);
    weir_close(tx);
    for (; made < DEEP; made++) {
        if ((rc = weir_channel_open(&tx, &rx, sizeof rx, 1, &options)) < 0)
            break;
        rc = weir_try_send(tx, &inner);
        OOM_CHECK(weir_close(tx) == 0);
        if (rc < 0) {
            OOM_CHECK(weir_close(rx) == 0);
            break;
        }
        inner = rx;
    }
    long at = atomic_exchange(&oom_at, 1);
    bool all_after = oom_all_after;
    oom_all_after = true; /* from here on nothing can be had */
    OOM_CHECK(weir_close(inner) == 0);
    oom_off();
    oom_all_after = all_after;
    atomic_store(&oom_at, at);
    OOM_CHECK(comes_to(&dropped, made));
    return rc < 0 ? oom_expect(rc) : 0;
}

/* Tickers and timers; and the first call of a new thread on one. */
static void recv_first(void *arg)
{
    struct op *op = arg;
    weir_time tick;
    op->rc = weir_recv(op->rx, &tick);
}

static int tickers(void)
{
    enum { N = 300 };
    static weir_receiver rx[N];
    struct op op;
    weir_time tick = 7;
    int n, rc = 0, want = 0;
    for (n = 0; n < N && rc == 0; n++)
        rc = weir_check(rx[n] = n % 2 ? weir_ticker_open(1) : weir_timer_open(0));
    if (rc < 0) {
        n--;
        want = oom_expect(rc);
        OOM_CHECK(weir_recv(rx[n], &tick) == rc && weir_try_recv(rx[n], &tick) == rc);
        OOM_CHECK(tick == 7);
    }
    if (n > 0) {
        op.rx = rx[0];
        flow_start(&op.flow, recv_first, &op);
        if (op_end(&op) != 1)
            want = oom_expect(op.rc);
        OOM_CHECK(op.rc == 1 || weir_recv(rx[0], &tick) == 1);
        OOM_CHECK(weir_recv(rx[0], &tick) == 0);
    }
    while (n-- > 0)
        OOM_CHECK(weir_close(rx[n]) == 0);
    return want;
}

/* A channel goes on without the descriptor that could not be had. */
static int descriptor(void)
{
    int item = 1, fd;
    weir_sender tx;
    weir_receiver rx;
    int rc = weir_channel_open(&tx, &rx, sizeof item, 1, NULL);
    if (rc < 0)
        return oom_expect(rc);
    fd = weir_receiver_fd(rx);
    if (fd < 0) {
        oom_off();
        OOM_CHECK(weir_send(tx, &item) == 0);
    } else {
        close(fd);
    }
    OOM_CHECK(weir_close(tx) == 0);
    OOM_CHECK(weir_close(rx) == 0);
    return fd < 0 ? oom_expect(fd) : 0;
}

/* A oneshot opens whole or not, and then needs no more. */
static int oneshot(void)
{
    static atomic_size_t dropped;
    weir_channel_options options = {.drop = count_drop, .drop_context = &dropped};
    uint64_t item = 4;
    size_t before = atomic_load(&dropped);
    weir_sender tx;
    weir_receiver rx;
    int rc = weir_oneshot_open(&tx, &rx, sizeof item, &options);
    if (rc < 0) {
        OOM_CHECK(weir_check(tx) == rc && weir_check(rx) == rc);
        return oom_expect(rc);
    }
    OOM_CHECK(weir_send(tx, &item) == 0);
    OOM_CHECK(weir_try_send(tx, &item) == WEIR_EPIPE);
    OOM_CHECK(weir_close(rx) == 0);
    OOM_CHECK(atomic_load(&dropped) == before + 1);
    OOM_CHECK(weir_close(tx) == 0);
    return 0;
}

/* A watch and its clones, whose table grows: those that are there go on. */
static int watches(void)
{
    enum { N = 20 };
    weir_sender tx;
    weir_receiver rx[N];
    uint64_t item = 3, got = 0;
    int n, rc = weir_watch_open(&tx, &rx[0], sizeof item, &item);
    if (rc < 0) {
        OOM_CHECK(weir_check(tx) == rc && weir_check(rx[0]) == rc);
        return oom_expect(rc);
    }
    for (n = 1; n < N && rc == 0; n++) {
        rx[n] = weir_receiver_clone(rx[n - 1]);
        rc = weir_check(rx[n]);
    }
    oom_off();
    n -= rc < 0;
    OOM_CHECK(stats_of(tx.h).open_receivers == (size_t)n);
    OOM_CHECK(weir_send(tx, &item) == 0);
    while (n-- > 0) {
        OOM_CHECK(weir_try_recv(rx[n], &got) == 1 && got == 3);
        OOM_CHECK(weir_try_recv(rx[n], &got) == WEIR_EAGAIN);
        OOM_CHECK(weir_close(rx[n]) == 0);
    }
    OOM_CHECK(weir_close(tx) == 0);
    return rc < 0 ? oom_expect(rc) : 0;
}

static int subscribers(void)
{
    enum { N = 20 };
    weir_sender tx;
    weir_receiver rx[N];
    uint64_t item = 3, got = 0;
    int n, rc = weir_broadcast_open(&tx, NULL, sizeof item, 5, WEIR_LOSE_NOTHING);
    if (rc < 0)
        return oom_expect(rc);
    for (n = 0; n < N && rc == 0; n++) {
        rx[n] = weir_broadcast_subscribe(tx, WEIR_LOSE_NOTHING);
        rc = weir_check(rx[n]);
    }
    oom_off();
    n -= rc < 0;
    OOM_CHECK(stats_of(tx.h).open_receivers == (size_t)n);
    OOM_CHECK(weir_try_send(tx, &item) == (n > 0 ? 0 : WEIR_EPIPE));
    while (n-- > 0) {
        OOM_CHECK(weir_try_recv(rx[n], &got) == 1 && got == 3);
        OOM_CHECK(weir_try_recv(rx[n], &got) == WEIR_EAGAIN);
        OOM_CHECK(weir_close(rx[n]) == 0);
    }
    OOM_CHECK(weir_close(tx) == 0);
    return rc < 0 ? oom_expect(rc) : 0;
}

struct stranger {
    weir_sender tx;
    weir_receiver rx, watch;
    int call, rc;
};

static void call_kind_first(void *arg)
{
    struct stranger *n = arg;
    weir_receiver joined = {0};
    uint64_t item;
    if (n->call == 0)
        n->rc = weir_check(joined = weir_broadcast_subscribe(n->tx, WEIR_LOSE_NOTHING));
    else if (n->call == 1)
        n->rc = (int)weir_broadcast_lost(n->rx);
    else
        n->rc = weir_watch_read(n->watch, &item);
    if (n->call == 0 && n->rc == 0)
        weir_close(joined);
}

static int first_calls_of_kinds(void)
{
    weir_sender watched;
    uint64_t value = 3;
    int want = 0;
    struct stranger n;
    int rc = weir_broadcast_open(&n.tx, &n.rx, sizeof value, 2, WEIR_LOSE_OLDEST);
    if (rc < 0)
        return oom_expect(rc);
    rc = weir_watch_open(&watched, &n.watch, sizeof value, &value);
    for (n.call = 0; rc == 0 && n.call < 3; n.call++) {
        struct flow flow;
        flow_start(&flow, call_kind_first, &n);
        flow_join(&flow);
        OOM_CHECK(n.rc == (n.call == 2) || n.rc == WEIR_ENOMEM);
        want = n.rc == WEIR_ENOMEM ? n.rc : want;
    }
    oom_off();
    if (rc == 0) {
        weir_close(watched);
        weir_close(n.watch);
    }
    return end(n.tx, n.rx, rc < 0 ? rc : want);
}

/* What runs, and the test that it is. */
#define SCENARIOS(X)                                                                               \
    X(first_calls_of_kinds, "F041 no memory: a new thread's first call, of a kind")                \
    X(open_rendezvous, "F034 no memory: open a rendezvous")                                        \
    X(open_bounded, "F034 no memory: open a bounded channel")                                      \
    X(open_unbounded, "F034 no memory: open an unbounded channel")                                 \
    X(open_many, "F034 no memory: open many")                                                      \
    X(clone_many, "F041 no memory: clone many")                                                    \
    X(first_send_narrow, "F035 no memory: first send, narrow")                                     \
    X(first_send_wide, "F035 no memory: first send, wide")                                         \
    X(first_send_single, "F035 no memory: first send, declared single ends")                       \
    X(blocks, "F036 no memory: an unbounded channel over block borders")                           \
    X(batches, "F035 no memory: batches over block borders")                                       \
    X(stream_of_blocks, "F036 no memory: a stream over block borders")                             \
    X(park_a_receiver, "F037 no memory: a new thread parks to receive")                            \
    X(park_a_sender, "F035 no memory: a new thread parks to send")                                 \
    X(close_from_a_new_thread, "F042 no memory: a new thread closes")                              \
    X(drop_without_memory, "F044 no memory: drops need none")                                      \
    X(first_calls, "F054 no memory: a new thread's first call")                                    \
    X(tickers, "F034 no memory: tickers and timers")                                               \
    X(descriptor, "F038 no memory: a receiver's descriptor")                                       \
    X(oneshot, "F034 no memory: a oneshot")                                                        \
    X(watches, "F041 no memory: a watch and its clones")                                           \
    X(subscribers, "F041 no memory: subscribers of a broadcast")

OOM_SUITE(oom, "channels: out of memory", SCENARIOS);
