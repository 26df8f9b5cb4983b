/* SPDX-License-Identifier: MIT */
/*
 * scenario_between.h - what happens to an operation while another one stands between its
 * claim and its publishing, or between its handle and its claim. See stop.h; the suite
 * defines call_party().
 */
#include "stop.h"

struct ends {
    weir_sender tx;
    weir_receiver rx;
    struct chan *ch;
    atomic_size_t dropped;
};

enum { SINGLE_TX = 1, SINGLE_RX = 2, BIG = 65536 };

static void count_dropped(void *item, void *context)
{
    (void)item;
    atomic_fetch_add((atomic_size_t *)context, 1);
}

static void open_ends(struct ends *e, size_t item_size, size_t capacity, unsigned singles)
{
    const weir_channel_options options = {
        .drop = count_dropped,
        .drop_context = &e->dropped,
        .single_sender = singles & SINGLE_TX,
        .single_receiver = singles & SINGLE_RX,
    };
    atomic_init(&e->dropped, 0);
    REQUIRE_RC(weir_channel_open(&e->tx, &e->rx, item_size, capacity, &options), 0);
    e->ch = chan_of(e->tx.h);
}

static void send_number(weir_sender tx, uint64_t number)
{
    EXPECT_RC(weir_try_send(tx, &number), 0);
}

static int try_recv_number(weir_receiver rx)
{
    uint64_t number;
    return weir_try_recv(rx, &number);
}

/* ---- a single user inside, its handle is closed by another ------------------------------ */

static void sender_closed_inside(enum call_op op, size_t n)
{
    struct ends e;
    open_ends(&e, sizeof(uint64_t), 4, SINGLE_TX);
    struct call c = {.op = op, .tx = e.tx, .prepare = true, .prepared = 1, .n = n};
    call_begin(&c);
    for (size_t i = 0; i < n; i++)
        call_put(&c, i, 2 + i);
    stop_at(0, c.items);
    call_start(&c);
    stop_reached(0); /* claimed, not published */
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_RC(weir_check(e.tx), WEIR_ECLOSED);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 1); /* the other end is told when the call returns */
    expect_items(e.rx, 1, 1);
    EXPECT_RC(try_recv_number(e.rx), WEIR_EAGAIN);
    stop_leave(0);
    EXPECT_EQ(call_join(&c), op == CALL_SEND_MANY ? (int)n : 0);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 0);
    expect_items(e.rx, 2, n);
    EXPECT_RC(try_recv_number(e.rx), 0);
    EXPECT_RC(weir_close(e.rx), 0);
    EXPECT_EQ(atomic_load(&e.dropped), 0);
    call_end(&c);
}

static void receiver_closed_inside(enum call_op op, size_t n)
{
    struct ends e;
    uint64_t more = 6;
    open_ends(&e, sizeof more, 8, SINGLE_RX);
    struct call c = {.op = op, .rx = e.rx, .prepare = true, .n = n};
    for (uint64_t i = 1; i <= 4; i++)
        send_number(e.tx, i);
    call_begin(&c);
    EXPECT_EQ(c.prepared, 1);
    stop_at(0, c.items);
    call_start(&c);
    stop_reached(0);
    EXPECT_RC(weir_close(e.rx), 0);
    EXPECT_RC(weir_check(e.rx), WEIR_ECLOSED);
    EXPECT_EQ(stats_of(e.tx.h).open_receivers, 1);
    send_number(e.tx, 5);
    EXPECT_EQ(atomic_load(&e.dropped), 0);
    stop_leave(0);
    EXPECT_EQ(call_join(&c), n);
    for (size_t i = 0; i < n; i++)
        EXPECT_EQ(call_got(&c, i), 2 + i);
    EXPECT_EQ(atomic_load(&e.dropped), 4 - n);
    EXPECT_RC(weir_try_send(e.tx, &more), WEIR_EPIPE);
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_EQ(atomic_load(&e.dropped), 4 - n);
    call_end(&c);
}

static void single_sender_closed_inside(void)
{
    sender_closed_inside(CALL_SEND, 1);
    sender_closed_inside(CALL_SEND_MANY, 1);
    sender_closed_inside(CALL_SEND_MANY, 3);
}

static void single_receiver_closed_inside(void)
{
    receiver_closed_inside(CALL_RECV, 1);
    receiver_closed_inside(CALL_RECV_MANY, 1);
    receiver_closed_inside(CALL_RECV_MANY, 3);
}

/* ---- the same while it finds no place, or no item ----------------------------------------- */

/* So many that a cell in the middle shares its page only with other cells. */
enum { PAGES_OF_CELLS = 1024 };

static void single_sender_closed_when_full(void)
{
    struct ends e;
    open_ends(&e, sizeof(uint64_t), PAGES_OF_CELLS, SINGLE_TX);
    struct call c = {.op = CALL_SEND,
                     .tx = e.tx,
                     .rx = e.rx,
                     .moves = PAGES_OF_CELLS / 2,
                     .fills = PAGES_OF_CELLS};
    call_begin(&c);
    stop_at(0, &cell_of(e.ch, chan_tail(e.ch))->stamp);
    call_start(&c);
    stop_reached(0); /* inside, about to see that no place is free */
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 1);
    stop_leave(0);
    EXPECT_RC(call_join(&c), WEIR_ECLOSED);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 0);
    expect_items(e.rx, 0, PAGES_OF_CELLS);
    EXPECT_RC(try_recv_number(e.rx), 0);
    EXPECT_RC(weir_close(e.rx), 0);
    EXPECT_EQ(atomic_load(&e.dropped), 0);
    call_end(&c);
}

static void single_receiver_closed_when_empty(void)
{
    struct ends e;
    uint64_t more = 1;
    open_ends(&e, sizeof more, PAGES_OF_CELLS, SINGLE_RX);
    struct call c = {.op = CALL_RECV, .tx = e.tx, .rx = e.rx, .moves = PAGES_OF_CELLS / 2};
    call_begin(&c);
    stop_at(0, &cell_of(e.ch, chan_head(e.ch))->stamp);
    call_start(&c);
    stop_reached(0);
    EXPECT_RC(weir_close(e.rx), 0);
    EXPECT_EQ(stats_of(e.tx.h).open_receivers, 1);
    stop_leave(0);
    EXPECT_RC(call_join(&c), WEIR_ECLOSED);
    EXPECT_EQ(stats_of(e.tx.h).open_receivers, 0);
    EXPECT_RC(weir_try_send(e.tx, &more), WEIR_EPIPE);
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_EQ(atomic_load(&e.dropped), 0);
    call_end(&c);
}

/* ---- a handle is closed after it was found good, and before the claim ------------------- */

static void sender_closed_before(enum call_op op, unsigned singles)
{
    struct ends e;
    open_ends(&e, sizeof(uint64_t), 4, singles);
    struct call c = {.op = op, .tx = e.tx, .prepare = true, .prepared = 1};
    call_begin(&c);
    stop_at(0, e.ch);
    call_start(&c);
    stop_reached(0); /* the handle was good */
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 0); /* nobody was inside: told at once */
    stop_leave(0);
    EXPECT_RC(call_join(&c), WEIR_ECLOSED);
    expect_items(e.rx, 1, 1);
    EXPECT_RC(try_recv_number(e.rx), 0);
    EXPECT_RC(weir_close(e.rx), 0);
    EXPECT_EQ(atomic_load(&e.dropped), 0);
    call_end(&c);
}

static void receiver_closed_before(enum call_op op, unsigned singles)
{
    struct ends e;
    uint64_t more = 3;
    open_ends(&e, sizeof more, 4, singles);
    struct call c = {.op = op, .rx = e.rx, .prepare = true};
    send_number(e.tx, 1);
    send_number(e.tx, 2);
    call_begin(&c);
    stop_at(0, e.ch);
    call_start(&c);
    stop_reached(0);
    EXPECT_RC(weir_close(e.rx), 0);
    EXPECT_EQ(stats_of(e.tx.h).open_receivers, 0);
    EXPECT_EQ(atomic_load(&e.dropped), 1);
    stop_leave(0);
    EXPECT_RC(call_join(&c), WEIR_ECLOSED);
    EXPECT_RC(weir_try_send(e.tx, &more), WEIR_EPIPE);
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_EQ(atomic_load(&e.dropped), 1);
    call_end(&c);
}

static void closed_before_the_claim(void)
{
    for (unsigned singles = 0; singles < 4; singles++) {
        sender_closed_before(CALL_SEND, singles);
        sender_closed_before(CALL_SEND_MANY, singles);
        receiver_closed_before(CALL_RECV, singles);
        receiver_closed_before(CALL_RECV_MANY, singles);
    }
}

static void closed_before_the_close(void)
{
    struct ends e;
    open_ends(&e, sizeof(uint64_t), 4, 0);
    struct call c = {.op = CALL_CLOSE, .tx = weir_sender_clone(e.tx)};
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 2);
    call_begin(&c);
    stop_at(0, e.ch);
    call_start(&c);
    stop_reached(0);
    EXPECT_RC(weir_close(c.tx), 0);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 1);
    stop_leave(0);
    EXPECT_RC(call_join(&c), 0);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 1); /* closed once */
    close_both(e.tx, e.rx);
    call_end(&c);
}

/* ---- the other end, or this one, is closed while an item is being written ---------------- */

static void receivers_close(size_t capacity, unsigned singles)
{
    struct ends e;
    open_ends(&e, sizeof(uint64_t), capacity, singles);
    struct call c = {.op = CALL_SEND, .tx = e.tx, .prepare = true, .prepared = 1};
    call_begin(&c);
    stop_at(0, c.items);
    call_start(&c);
    stop_reached(0);
    EXPECT_RC(weir_close(e.rx), 0);
    EXPECT_EQ(atomic_load(&e.dropped), 1); /* the first; the second is not published */
    stop_leave(0);
    EXPECT_RC(call_join(&c), 0);
    EXPECT_EQ(atomic_load(&e.dropped), 2);
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_EQ(atomic_load(&e.dropped), 2);
    call_end(&c);
}

static void receivers_close_in_between(void)
{
    const size_t capacities[] = {4, 16, WEIR_UNBOUNDED};
    for (size_t i = 0; i < 3; i++)
        for (unsigned singles = 0; singles < 4; singles++)
            receivers_close(capacities[i], singles);
}

static void senders_close(size_t capacity)
{
    struct ends e;
    open_ends(&e, sizeof(uint64_t), capacity, 0);
    struct call c = {.op = CALL_SEND, .tx = e.tx, .prepare = true, .prepared = 1};
    call_begin(&c);
    call_put(&c, 0, 2);
    stop_at(0, c.items);
    call_start(&c);
    stop_reached(0);
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 0);
    expect_items(e.rx, 1, 1);
    EXPECT_RC(try_recv_number(e.rx), WEIR_EAGAIN); /* not the end: one is claimed */
    stop_leave(0);
    EXPECT_RC(call_join(&c), 0);
    expect_items(e.rx, 2, 1);
    EXPECT_RC(try_recv_number(e.rx), 0);
    EXPECT_RC(weir_close(e.rx), 0);
    call_end(&c);
}

static void senders_close_in_between(void)
{
    senders_close(4);
    senders_close(16);
    senders_close(WEIR_UNBOUNDED);
}

/* ---- items so large that each cell has pages of its own ----------------------------------- */

static char *big_item(uint64_t number)
{
    static char item[BIG];
    memcpy(item, &number, sizeof number);
    return item;
}

static uint64_t big_number(weir_receiver rx)
{
    uint64_t number = 0;
    char *item = big_item(0);
    EXPECT_RC(weir_try_recv_item(rx, item, BIG), 1);
    memcpy(&number, item, sizeof number);
    return number;
}

static void big_send(weir_sender tx, uint64_t number)
{
    EXPECT_RC(weir_try_send_item(tx, big_item(number), BIG), 0);
}

/* Two items have gone through it: the next cell shares its pages only with other cells. */
static void open_big(struct ends *e)
{
    open_ends(e, BIG, 4, 0);
    for (uint64_t i = 0; i < 2; i++) {
        big_send(e->tx, i);
        EXPECT_EQ(big_number(e->rx), i);
    }
}

/*
 * A sender has looked at the flags before a receiver parked, and claims afterwards: who
 * sends next must not go past it, and must not wait for it either.
 */
static void behind_a_claim(void)
{
    struct ends e;
    open_big(&e);
    struct call first = {.op = CALL_SEND, .tx = e.tx, .item_size = BIG};
    struct call waits = {.op = CALL_RECV, .rx = e.rx, .item_size = BIG, .plain = true};
    call_begin(&first);
    call_begin(&waits);
    call_put(&first, 0, 11);
    stop_at(0, &cell_of(e.ch, chan_tail(e.ch))->stamp);
    call_start(&first);
    stop_reached(0); /* no flag was seen, nothing is claimed */
    call_start(&waits);
    while (stats_of(e.tx.h).waiting_receivers != 1)
        sched_yield();
    stop_at(1, first.items);
    stop_leave(0);
    stop_reached(1); /* claimed, not published */
    EXPECT_RC(weir_send_item(e.tx, big_item(12), BIG, WEIR_NEVER), 0);
    EXPECT_EQ(stats_of(e.tx.h).waiting_receivers, 1);
    EXPECT_EQ(stats_of(e.tx.h).buffered, 2);
    stop_leave(1);
    EXPECT_RC(call_join(&first), 0);
    EXPECT_RC(call_join(&waits), 1);
    EXPECT_EQ(call_got(&waits, 0), 11);
    EXPECT_EQ(big_number(e.rx), 12);
    close_both(e.tx, e.rx);
    EXPECT_EQ(atomic_load(&e.dropped), 0);
    call_end(&first);
    call_end(&waits);
}

/* Another sender takes the place that this one is looking at. */
static void overtaken_sender(void)
{
    struct ends e;
    open_big(&e);
    struct call c = {.op = CALL_SEND, .tx = e.tx, .item_size = BIG};
    call_begin(&c);
    call_put(&c, 0, 22);
    stop_at(0, &cell_of(e.ch, chan_tail(e.ch))->stamp);
    call_start(&c);
    stop_reached(0);
    big_send(e.tx, 21);
    stop_leave(0);
    EXPECT_RC(call_join(&c), 0);
    EXPECT_EQ(big_number(e.rx), 21);
    EXPECT_EQ(big_number(e.rx), 22);
    close_both(e.tx, e.rx);
    call_end(&c);
}

/* Another receiver takes the item that this one is looking at. */
static void overtaken_receiver(void)
{
    struct ends e;
    open_big(&e);
    struct call c = {.op = CALL_RECV, .rx = e.rx, .item_size = BIG};
    call_begin(&c);
    big_send(e.tx, 31);
    big_send(e.tx, 32);
    stop_at(0, &cell_of(e.ch, chan_head(e.ch))->stamp);
    call_start(&c);
    stop_reached(0);
    EXPECT_EQ(big_number(e.rx), 31);
    stop_leave(0);
    EXPECT_RC(call_join(&c), 1);
    EXPECT_EQ(call_got(&c, 0), 32);
    close_both(e.tx, e.rx);
    EXPECT_EQ(atomic_load(&e.dropped), 0);
    call_end(&c);
}

/* ---- a place that is taken and not free yet ------------------------------------------------- */

static void never_waits_for_a_place(void)
{
    struct ends e;
    uint64_t more = 2;
    open_ends(&e, sizeof more, 1, 0);
    struct call c = {.op = CALL_RECV, .rx = e.rx};
    call_begin(&c);
    send_number(e.tx, 1);
    stop_at(0, c.items);
    call_start(&c);
    stop_reached(0);
    EXPECT_RC(weir_try_send(e.tx, &more), WEIR_EAGAIN);
    /* The flag of a sender that was about to park, and did not. */
    lock_acquire(&e.ch->lock, SEND_WAITS);
    lock_release(&e.ch->lock, SEND_WAITS);
    EXPECT_RC(weir_try_send(e.tx, &more), WEIR_EAGAIN);
    EXPECT_EQ(a32_load(&e.ch->lock), 0);
    stop_leave(0);
    EXPECT_RC(call_join(&c), 1);
    EXPECT_EQ(call_got(&c, 0), 1);
    EXPECT_RC(weir_try_send(e.tx, &more), 0);
    expect_items(e.rx, more, 1);
    close_both(e.tx, e.rx);
    call_end(&c);
}

/* ---- a flag in the lock word, and nobody is parked ------------------------------------------ */

/* Of a party that was about to park on a channel where nobody ever has, and did not. */
static void announce(struct ends *e, uint32_t flag)
{
    lock_acquire(&e->ch->lock, flag);
    lock_release(&e->ch->lock, flag);
}

static void announced_receiver(size_t capacity)
{
    struct ends e;
    open_ends(&e, sizeof(uint64_t), capacity, 0);
    struct call c = {.op = CALL_SEND, .tx = e.tx};
    call_begin(&c);
    call_put(&c, 0, 7);
    announce(&e, RECV_WAITS);
    call_start(&c);
    EXPECT_RC(call_join(&c), 0);
    EXPECT_EQ(a32_load(&e.ch->lock), 0);
    expect_items(e.rx, 7, 1);
    close_both(e.tx, e.rx);
    call_end(&c);
}

static void announced_sender(size_t capacity)
{
    struct ends e;
    open_ends(&e, sizeof(uint64_t), capacity, 0);
    struct call c = {.op = CALL_RECV, .rx = e.rx};
    call_begin(&c);
    announce(&e, SEND_WAITS);
    call_start(&c);
    while (stats_of(e.tx.h).waiting_receivers != 1)
        sched_yield();
    EXPECT_EQ(a32_load(&e.ch->lock), RECV_WAITS);
    send_number(e.tx, 8);
    EXPECT_RC(call_join(&c), 1);
    EXPECT_EQ(call_got(&c, 0), 8);
    close_both(e.tx, e.rx);
    call_end(&c);
}

static void announced_and_not_parked(void)
{
    announced_receiver(4);
    announced_receiver(WEIR_UNBOUNDED);
    announced_sender(0);
    announced_sender(4);
    announced_sender(WEIR_UNBOUNDED);
}

#define BETWEEN_CASES(X)                                                                           \
    X(single_sender_closed_inside, "F045 a single sender is closed inside of a send")              \
    X(single_receiver_closed_inside, "F045 a single receiver is closed inside of a receive")       \
    X(single_sender_closed_when_full, "F045 a single sender is closed while it finds no place")    \
    X(single_receiver_closed_when_empty,                                                           \
      "F045 a single receiver is closed while it finds no item")                                   \
    X(announced_and_not_parked, "F049 a flag is seen of somebody who did not park")                \
    X(closed_before_the_claim, "F045 a handle is closed before the call has claimed")              \
    X(closed_before_the_close, "F042 a handle is closed twice at once")                            \
    X(receivers_close_in_between, "F044 the last receiver closes while an item is written")        \
    X(senders_close_in_between, "F043 the last sender closes while an item is written")            \
    X(behind_a_claim, "F049 behind an item that is being written, a receiver parked")              \
    X(overtaken_sender, "F035 a sender is overtaken at its place")                                 \
    X(overtaken_receiver, "F037 a receiver is overtaken at its item")                              \
    X(never_waits_for_a_place, "F036 try_send: does not wait for a place that is being freed")

#define BETWEEN_FUNCTION(test, title)                                                              \
    static void between_##test(void)                                                               \
    {                                                                                              \
        stops_begin();                                                                             \
        test();                                                                                    \
        stops_end();                                                                               \
    }
#define BETWEEN_CASE(test, title) {title, between_##test},

BETWEEN_CASES(BETWEEN_FUNCTION)
