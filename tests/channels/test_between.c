/* SPDX-License-Identifier: MIT */
/* test_between.c - scenario_between.h with plain threads, and what takes a placed channel. */
#include "scenario_between.h"

#include "child.h"

static void call_party(struct call *c)
{
    call_body(c);
}

/* ---- in a child: memory where it is wanted -------------------------------------------------- */

/*
 * A wide channel whose head begins a page, and whose tail and all the rest lie on the page
 * before, so that one can be stopped between looking at one and at the other.
 */
static struct placed {
    char *pages;
    atomic_bool once; /* the next channel is placed */
    char *gate;       /* whoever allocates next touches it */
    atomic_bool gated;
    atomic_long blocks; /* held */
} placed;

static void *placed_allocate(size_t bytes, void *context)
{
    const size_t wide = sizeof(struct chan_wide) + 2 * CACHE_LINE + sizeof(size_t);
    (void)context;
    if (atomic_exchange(&placed.gated, false))
        *(volatile char *)placed.gate = 1;
    if (bytes == wide && atomic_exchange(&placed.once, false))
        return placed.pages + stop_page() - offsetof(struct chan_wide, head) - 2 * CACHE_LINE;
    atomic_fetch_add(&placed.blocks, 1);
    return malloc(bytes ? bytes : 1);
}

static void placed_release(void *memory, size_t bytes, void *context)
{
    uintptr_t at = (uintptr_t)memory, pages = (uintptr_t)placed.pages;
    (void)bytes;
    (void)context;
    if (at >= pages && at < pages + 2 * stop_page())
        return;
    atomic_fetch_sub(&placed.blocks, 1);
    free(memory);
}

static void place(void)
{
    static const weir_allocator allocator = {placed_allocate, placed_release, NULL};
    placed.pages =
        mmap(NULL, 3 * stop_page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (placed.pages == MAP_FAILED)
        abort();
    placed.gate = placed.pages + 2 * stop_page();
    weir_set_allocator(&allocator);
    stops_begin();
}

static bool open_placed(struct ends *e, size_t item_size)
{
    place();
    atomic_store(&placed.once, true);
    open_ends(e, item_size, NARROW + 1, 0);
    return (char *)chan_head(e->ch) == placed.pages + stop_page();
}

/* Full; but the places of two items before were used and freed. */
static void fill_big(struct ends *e)
{
    for (uint64_t i = 0; i < 2; i++) {
        big_send(e->tx, i);
        big_number(e->rx);
    }
    for (uint64_t i = 0; i < NARROW + 1; i++)
        big_send(e->tx, i);
}

/* Full when it looked at the place, and no longer when it looked at the positions. */
static int sender_sees_the_tail_move(void)
{
    struct ends e;
    CHECK(open_placed(&e, BIG));
    fill_big(&e);
    struct call c = {.op = CALL_SEND, .tx = e.tx, .item_size = BIG};
    call_begin(&c);
    call_put(&c, 0, 101);
    stop_at(0, &cell_of(e.ch, chan_tail(e.ch))->stamp);
    call_start(&c);
    stop_reached(0);
    stop_at(1, chan_head(e.ch));
    stop_leave(0);
    stop_reached(1);
    CHECK(big_number(e.rx) == 0 && big_number(e.rx) == 1);
    big_send(e.tx, 100);
    stop_leave(1);
    CHECK(call_join(&c) == 0);
    for (uint64_t i = 2; i < NARROW + 1; i++)
        CHECK(big_number(e.rx) == i);
    CHECK(big_number(e.rx) == 100 && big_number(e.rx) == 101);
    CHECK(weir_try_recv_item(e.rx, big_item(0), BIG) == WEIR_EAGAIN);
    return 0;
}

static int receiver_sees_the_head_move(void)
{
    struct ends e;
    CHECK(open_placed(&e, BIG));
    fill_big(&e);
    for (uint64_t i = 0; i < NARROW + 1; i++)
        CHECK(big_number(e.rx) == i);
    struct call c = {.op = CALL_RECV, .rx = e.rx, .item_size = BIG};
    call_begin(&c);
    stop_at(0, &cell_of(e.ch, chan_head(e.ch))->stamp);
    call_start(&c);
    stop_reached(0);
    stop_at(1, chan_head(e.ch)); /* which it read before the stamp, and reads once more */
    stop_leave(0);
    stop_reached(1);
    big_send(e.tx, 100);
    CHECK(big_number(e.rx) == 100);
    big_send(e.tx, 101);
    stop_leave(1);
    CHECK(call_join(&c) == 1 && call_got(&c, 0) == 101);
    CHECK(weir_try_recv_item(e.rx, big_item(0), BIG) == WEIR_EAGAIN);
    return 0;
}

static int statistics_see_the_tail_move(void)
{
    struct ends e;
    CHECK(open_placed(&e, sizeof(uint64_t)));
    for (uint64_t i = 0; i < NARROW + 1; i++)
        send_number(e.tx, i);
    struct call c = {.op = CALL_STATISTICS, .tx = e.tx};
    call_begin(&c);
    stop_at(0, chan_head(e.ch));
    call_start(&c);
    stop_reached(0);
    stop_at(1, e.ch);
    stop_leave(0);
    stop_reached(1); /* the head was read, the tail not yet */
    CHECK(try_recv_number(e.rx) == 1);
    send_number(e.tx, NARROW + 1);
    stop_leave(1);
    CHECK(call_join(&c) == 0);
    CHECK(c.statistics.buffered == NARROW + 1 && c.statistics.passed == NARROW + 2);
    return 0;
}

/* Two first senders allocate the cells, one's are used. */
static int cells_made_twice(void)
{
    struct ends e;
    long before;
    uint64_t number = 0;
    place();
    open_ends(&e, sizeof(uint64_t), 4, 0);
    struct call c = {.op = CALL_SEND, .tx = e.tx};
    call_begin(&c);
    call_put(&c, 0, 2);
    /* Its record as a thread is not to be what stops there. */
    struct call first = {.op = CALL_STATISTICS, .tx = e.tx};
    call_begin(&first);
    call_start(&first);
    CHECK(call_join(&first) == 0);
    before = atomic_load(&placed.blocks);
    stop_at(0, placed.gate);
    atomic_store(&placed.gated, true);
    call_start(&c);
    stop_reached(0);
    CHECK(!a32_load(&e.ch->lock) && aptr_load(&e.ch->cells) == &weir__no_cells);
    send_number(e.tx, 1);
    stop_leave(0);
    CHECK(call_join(&c) == 0);
    CHECK(weir_try_recv(e.rx, &number) == 1 && number == 1);
    CHECK(weir_try_recv(e.rx, &number) == 1 && number == 2);
    CHECK(atomic_load(&placed.blocks) == before + 1);
    return 0;
}

static void positions_move(void)
{
    EXPECT_CHILD(sender_sees_the_tail_move);
    EXPECT_CHILD(receiver_sees_the_head_move);
}

static void statistics_move(void)
{
    EXPECT_CHILD(statistics_see_the_tail_move);
}

static void first_senders(void)
{
    EXPECT_CHILD(cells_made_twice);
}

TEST_SUITE(between, "channels: between two steps of a call",
           BETWEEN_CASES(BETWEEN_CASE){"F039 the positions move while they are read",
                                       positions_move},
           {"F052 statistics: never more than the capacity", statistics_move},
           {"F035 two first senders", first_senders});
