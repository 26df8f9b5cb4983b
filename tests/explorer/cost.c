/* SPDX-License-Identifier: MIT */
/*
 * cost.c - the cost table of docs/protocol.md, counted.
 *
 * One virtual thread without store buffers: there is one execution, and what it counts is
 * what the operation costs when nobody else is about. Locked instructions are all that
 * atomic.h's read-modify-writes and full fences do; no_locked.sh shows that there are no
 * others. Nothing in the table calls the kernel or allocates, unless it says so.
 */
#include "model.h"

#define COST(ident, text, function)                                                                \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach,                                 \
                  .flags = EXPLORE_DFS | EXPLORE_SC, .executions = 1,                              \
                  .threads = {{"all", function, NULL}})

static void counted_is(const struct explore_where *at, const char *what, unsigned long locked)
{
    explore_counts c = *explore_counted();
    explore_equal(at, what, (long long)c.locked, (long long)locked);
    explore_equal(at, "calls into the kernel",
                  (long long)(c.futex_waits + c.futex_wakes + c.membarriers), 0);
    explore_equal(at, "allocations", (long long)c.allocs, 0);
    explore_counts_reset();
}

/* What was done since the last COUNTED() or the reset costs so many locked instructions. */
#define COUNTED(what, locked) counted_is(EXPLORE_HERE, "cost of " what, (locked))

static uint32_t items[4] = {1, 2, 3, 4}, item;

static void open(size_t capacity, bool single_sender, bool single_receiver)
{
    m_open_with(capacity, single_sender, single_receiver);
    if (capacity > 0) { /* the cells are made at the first item */
        EXPLORE_EQ(weir_send(M.tx[0], &item), 0);
        EXPLORE_EQ(weir_recv(M.rx[0], &item), 1);
    }
    explore_counts_reset();
}

static void close_all(void)
{
    weir_close(M.tx[0]);
    weir_close(M.rx[0]);
}

static void fill(size_t capacity)
{
    for (size_t i = 0; i < capacity; i++)
        EXPLORE_EQ(weir_send(M.tx[0], &item), 0);
}

/* ---- buffered, by actors and by threads ------------------------------------------ */

static void buffered(size_t capacity, bool single_sender, bool single_receiver)
{
    unsigned send = single_sender ? 0 : 1, recv = single_receiver ? 0 : 1;
    open(capacity, single_sender, single_receiver);
    EXPLORE_EQ(weir_send(M.tx[0], &item), 0);
    COUNTED("a buffered send", send);
    EXPLORE_EQ(weir_recv(M.rx[0], &item), 1);
    COUNTED("a buffered receive", recv);
    EXPLORE_EQ(weir_try_send(M.tx[0], &item), 0);
    COUNTED("a try_send with room", send);
    EXPLORE_EQ(weir_try_recv(M.rx[0], &item), 1);
    COUNTED("a try_recv of an item", recv);
    EXPLORE_EQ(weir_send_by(M.tx[0], &item, WEIR_S), 0);
    COUNTED("a send with a deadline", send);
    EXPLORE_EQ(weir_recv_by(M.rx[0], &item, WEIR_S), 1);
    COUNTED("a receive with a deadline", recv);
    EXPLORE_EQ(weir_try_recv(M.rx[0], &item), WEIR_EAGAIN);
    COUNTED("a try_recv of nothing", 0);
    EXPLORE_EQ(weir_send_many(M.tx[0], items, 2), 2);
    COUNTED("a batch of sends", send);
    EXPLORE_EQ(weir_recv_many(M.rx[0], items, 2), 2);
    COUNTED("a batch of receives", recv);
    if (capacity < 9) {
        fill(capacity);
        explore_counts_reset();
        EXPLORE_EQ(weir_try_send(M.tx[0], &item), WEIR_EAGAIN);
        COUNTED("a try_send without room", 0);
    }
    close_all();
}

static int buffered_actor(void *unused)
{
    (void)unused;
    buffered(6, false, false);
    buffered(9, false, false);
    buffered(WEIR_UNBOUNDED, false, false);
    buffered(6, true, false);
    buffered(6, false, true);
    buffered(9, true, true);
    return 0;
}

static void buffered_by_actor(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(buffered_actor, NULL, NULL), 0);
}

static void buffered_by_thread(void *unused)
{
    buffered_actor(unused);
}

COST(cost_buffered, "F035 F037 cost: what is buffered, by an actor", buffered_by_actor);
COST(cost_buffered_thread, "F035 F037 cost: what is buffered, by a thread", buffered_by_thread);

/* Sizes that are copied otherwise cost the same. */
static int odd_size_actor(void *unused)
{
    char odd[12] = "";
    weir_sender tx;
    weir_receiver rx;
    (void)unused;
    EXPLORE_EQ(weir_channel_open(&tx, &rx, sizeof odd, 2, NULL), 0);
    EXPLORE_EQ(weir_send(tx, &odd), 0);
    EXPLORE_EQ(weir_recv(rx, &odd), 1);
    explore_counts_reset();
    EXPLORE_EQ(weir_send(tx, &odd), 0);
    COUNTED("a buffered send of 12 bytes", 1);
    EXPLORE_EQ(weir_recv(rx, &odd), 1);
    COUNTED("a buffered receive of 12 bytes", 1);
    return 0;
}

static void odd_size(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(odd_size_actor, NULL, NULL), 0);
}

COST(cost_odd_size, "F035 F037 cost: items of other sizes", odd_size);

/* The last place of a block of an unbounded channel: the next block is linked, this one left. */
static void block_end(void *unused)
{
    unsigned cost[64], n = 0;
    (void)unused;
    open(WEIR_UNBOUNDED, false, false);
    for (unsigned i = 0; i < 64; i++) {
        EXPLORE_EQ(weir_send(M.tx[0], &item), 0);
        cost[i] = (unsigned)explore_locked_count();
        explore_counts_reset();
        n += cost[i] > 1;
        EXPLORE_ASSERT(cost[i] == 1 || cost[i] == 2);
    }
    EXPLORE_ASSERT(n == 1 || n == 2); /* a block has 62 places for items of 4 bytes or so */
    close_all();
}

COST(cost_block_end, "F034 cost: the end of a block", block_end);

/* ---- park and wake, between actors of one worker --------------------------------- */

static int parks_in_recv(void *unused)
{
    (void)unused;
    explore_counts_reset();
    EXPLORE_EQ(weir_recv(M.rx[0], &item), 1);
    return 0;
}

static int parks_in_send(void *unused)
{
    (void)unused;
    explore_counts_reset();
    EXPLORE_EQ(weir_send(M.tx[0], &item), 0);
    return 0;
}

static void spawn_and_let_run(weir_body body)
{
    EXPLORE_EQ(weir_spawn(WEIR_RUN, body, NULL), 0);
    EXPLORE_EQ(weir_yield(), 0);
}

static void hand_over(size_t capacity)
{
    open(capacity, false, false);
    spawn_and_let_run(parks_in_recv);
    COUNTED("a receive that parks", 1);
    EXPLORE_EQ(weir_send(M.tx[0], &item), 0);
    COUNTED("a send to a parked receiver", 1);
    EXPLORE_EQ(weir_yield(), 0);
    COUNTED("to go on after the receive, and to end", 1); /* the group's lock at the end */
    close_all();
}

static void take_over(size_t capacity, unsigned long cost)
{
    open(capacity, false, false);
    fill(capacity);
    spawn_and_let_run(parks_in_send);
    COUNTED("a send that parks", 1);
    EXPLORE_EQ(weir_recv(M.rx[0], &item), 1);
    COUNTED("a receive that serves a parked sender", cost);
    EXPLORE_EQ(weir_yield(), 0);
    COUNTED("to go on after the send, and to end", 1);
    close_all();
}

static int parking_actor(void *unused)
{
    (void)unused;
    hand_over(0);
    hand_over(1);
    hand_over(9);
    take_over(0, 1);
    take_over(1, 3); /* take the item, the lock, put the sender's into the place */
    take_over(9, 3);
    return 0;
}

static void parking(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(parking_actor, NULL, NULL), 0);
}

COST(cost_parking, "F037 F040 cost: park and wake on one worker", parking);

/* ---- select, by actors of one worker ----------------------------------------------- */

static weir_sender other_tx;
static weir_receiver other_rx;

static int selects(void *unused)
{
    uint32_t in[2];
    weir_case c[] = {weir_on_recv(M.rx[0], &in[0]), weir_on_recv(other_rx, &in[1])};
    (void)unused;
    explore_counts_reset();
    EXPLORE_EQ(weir_select(c, 2, WEIR_FAIR), 0);
    COUNTED("to go on after a select over two channels", 1); /* to leave the other one */
    EXPLORE_EQ(weir_try_select(c, 2, WEIR_FAIR), WEIR_EAGAIN);
    COUNTED("a select that finds nothing", 0);
    return 0;
}

static void select_over_two(size_t capacity)
{
    open(capacity, false, false);
    spawn_and_let_run(selects);
    COUNTED("a select over two channels that parks", 2);
    EXPLORE_EQ(weir_send(M.tx[0], &item), 0);
    COUNTED("a send to a parked select", 2); /* the lock, the claim */
    EXPLORE_EQ(weir_yield(), 0);
    COUNTED("its end", 1);
    close_all();
}

static int selecting_actor(void *unused)
{
    weir_case c[] = {weir_on_recv(M.rx[0], &item)};
    (void)unused;
    EXPLORE_EQ(weir_channel_open(&other_tx, &other_rx, sizeof item, 0, NULL), 0);
    select_over_two(0);
    select_over_two(1);
    select_over_two(9);
    open(1, false, false);
    fill(1);
    c[0] = weir_on_recv(M.rx[0], &item);
    explore_counts_reset();
    EXPLORE_EQ(weir_select(c, 1, WEIR_FAIR), 0);
    COUNTED("a select with an item", 1);
    close_all();
    weir_close(other_tx);
    weir_close(other_rx);
    return 0;
}

static void selecting(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(selecting_actor, NULL, NULL), 0);
}

COST(cost_select, "select: cost", selecting);

/* ---- tickers --------------------------------------------------------------------------- */

static void ticking(void *unused)
{
    weir_time tick;
    (void)unused;
    EXPLORE_EQ(weir_close(weir_timer_open(0)), 0); /* the tables are made */
    explore_counts_reset();
    weir_receiver far = weir_ticker_open(WEIR_S), due = weir_timer_open(0);
    COUNTED("to open a ticker and a timer", 0);
    weir_case c[] = {weir_on_tick(far, &tick), weir_on_tick(due, &tick)};
    EXPLORE_EQ(weir_try_recv(far, &tick), WEIR_EAGAIN);
    COUNTED("a try of a ticker that is not due", 0);
    EXPLORE_EQ(weir_select(c, 2, WEIR_ORDERED), 1);
    COUNTED("a select with a tick", 1);
    EXPLORE_EQ(c[1].rc, 1);
    weir_close(due);
    due = weir_timer_open(0);
    explore_counts_reset();
    EXPLORE_EQ(weir_recv(due, &tick), 1);
    COUNTED("a receive of a tick that is due", 1);
    weir_close(due);
    weir_close(far);
}

static int ticking_actor(void *unused)
{
    ticking(unused);
    return 0;
}

static void ticking_by_actor(void *unused)
{
    EXPLORE_EQ(weir_run(ticking_actor, unused, NULL), 0);
}

COST(cost_ticker, "F037 cost: ticks, by a thread", ticking);
COST(cost_ticker_actor, "F037 cost: ticks, by an actor", ticking_by_actor);

/* ---- kept items ------------------------------------------------------------------------ */

/* All is under the lock. */
static void keeping(void *unused)
{
    weir_sender tx;
    weir_receiver rx;
    (void)unused;
    EXPLORE_EQ(weir_oneshot_open(&tx, &rx, sizeof item, NULL), 0);
    explore_counts_reset();
    EXPLORE_EQ(weir_try_recv(rx, &item), WEIR_EAGAIN);
    COUNTED("a try of a oneshot without a value", 1);
    EXPLORE_EQ(weir_send(tx, &item), 0);
    COUNTED("a send to a oneshot", 1);
    EXPLORE_EQ(weir_recv(rx, &item), 1);
    COUNTED("a receive from a oneshot", 1);
    weir_close(tx);
    weir_close(rx);
    EXPLORE_EQ(weir_watch_open(&tx, &rx, sizeof item, NULL), 0);
    explore_counts_reset();
    EXPLORE_EQ(weir_send(tx, &item), 0);
    COUNTED("a send to a watch", 1);
    EXPLORE_EQ(weir_recv(rx, &item), 1);
    COUNTED("a receive from a watch", 1);
    EXPLORE_EQ(weir_watch_read(rx, &item), 1);
    COUNTED("to read a watch", 1);
    weir_close(tx);
    weir_close(rx);
    EXPLORE_EQ(weir_broadcast_open(&tx, &rx, sizeof item, 2, WEIR_LOSE_NOTHING), 0);
    weir_receiver other = weir_receiver_clone(rx);
    explore_counts_reset();
    EXPLORE_EQ(weir_send(tx, &item), 0);
    COUNTED("a send to a broadcast", 1);
    EXPLORE_EQ(weir_recv(rx, &item), 1);
    EXPLORE_EQ(weir_recv(other, &item), 1);
    COUNTED("two receives from a broadcast", 2);
    EXPLORE_EQ(weir_send_many(tx, items, 2), 2);
    COUNTED("a batch to a broadcast", 1);
    EXPLORE_EQ(weir_try_send(tx, &item), WEIR_EAGAIN);
    COUNTED("a try without room in a broadcast", 1);
    weir_close(tx);
    weir_close(rx);
    weir_close(other);
}

static int keeping_actor(void *unused)
{
    keeping(unused);
    return 0;
}

static void keeping_by_actor(void *unused)
{
    EXPLORE_EQ(weir_run(keeping_actor, unused, NULL), 0);
}

COST(cost_kept, "F037 cost: kept items, by a thread", keeping);
COST(cost_kept_actor, "F037 cost: kept items, by an actor", keeping_by_actor);

/* ---- declared single ends that park ---------------------------------------------- */

struct ends {
    weir_sender tx;
    weir_receiver rx;
};

static int single_recv(void *arg)
{
    struct ends *e = arg;
    explore_counts_reset();
    EXPLORE_EQ(weir_recv(e->rx, &item), 1);
    return 0;
}

static int single_send(void *arg)
{
    struct ends *e = arg;
    explore_counts_reset();
    EXPLORE_EQ(weir_send(e->tx, &item), 0);
    return 0;
}

static int single_actor(void *unused)
{
    struct ends e;
    (void)unused;
    open(1, true, true);
    e.rx = M.rx[0];
    EXPLORE_EQ(weir_spawn(WEIR_RUN, single_recv, &e, .give = WEIR_GIVE(struct ends, rx)), 0);
    EXPLORE_EQ(weir_yield(), 0);
    COUNTED("a single receive that parks", 1);
    EXPLORE_EQ(weir_send(M.tx[0], &item), 0);
    COUNTED("a single send to a parked receiver", 1);
    EXPLORE_EQ(weir_yield(), 0);
    weir_close(M.tx[0]);

    open(1, true, true);
    fill(1);
    e.tx = M.tx[0];
    EXPLORE_EQ(weir_spawn(WEIR_RUN, single_send, &e, .give = WEIR_GIVE(struct ends, tx)), 0);
    EXPLORE_EQ(weir_yield(), 0);
    COUNTED("a single send that parks", 1);
    EXPLORE_EQ(weir_recv(M.rx[0], &item), 1);
    COUNTED("a single receive that serves a parked sender", 1);
    EXPLORE_EQ(weir_yield(), 0);
    weir_close(M.rx[0]);
    return 0;
}

static void single(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(single_actor, NULL, NULL), 0);
}

COST(cost_single, "F035 F037 cost: declared single ends that wait", single);

/* ---- handles, actors ------------------------------------------------------------- */

static void first_use_of_the_tables(void)
{
    m_open(1);
    close_all();
}

static void handles(void)
{
    weir_statistics s;
    explore_counts_reset();
    m_open(1);
    EXPLORE_EQ(explore_locked_count(), 0); /* it allocates the record of the drop function */
    explore_counts_reset();
    weir_sender tx = weir_sender_clone(M.tx[0]);
    weir_receiver rx = weir_receiver_clone(M.rx[0]);
    COUNTED("two clones", 2);
    EXPLORE_EQ(weir_channel_statistics(tx, &s), 0);
    COUNTED("statistics", 1);
    EXPLORE_EQ(weir_check(tx), 0);
    COUNTED("a check", 0);
    weir_close(tx);
    weir_close(rx);
    COUNTED("two closes", 2);
    weir_close(tx);
    COUNTED("a close of what is closed", 0);
    weir_close(M.tx[0]);
    COUNTED("the close of the last sender", 2); /* the lock, the mark in the tail */
    weir_close(M.rx[0]);
    COUNTED("the close of the last receiver", 2);
}

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static int handles_actor(void *unused)
{
    (void)unused;
    first_use_of_the_tables();
    EXPLORE_EQ(weir_group_end(weir_group_begin()), 0);
    EXPLORE_EQ(weir_scope_end(weir_scope_begin()), 0);
    handles();
    EXPLORE_EQ(weir_spawn(WEIR_RUN, nothing, NULL), 0); /* its stack is made, which takes a lock */
    EXPLORE_EQ(weir_yield(), 0);
    explore_counts_reset();
    EXPLORE_EQ(weir_yield(), 0);
    COUNTED("a yield", 0);
    EXPLORE_EQ(weir_spawn(WEIR_RUN, nothing, NULL), 0);
    COUNTED("a spawn", 1);
    EXPLORE_EQ(weir_yield(), 0);
    COUNTED("an actor's end", 1);
    weir_scope s = weir_scope_begin();
    COUNTED("the begin of a scope", 1);
    EXPLORE_EQ(weir_scope_end(s), 0);
    COUNTED("the end of a scope", 1);
    weir_group g = weir_group_begin();
    COUNTED("the begin of a group", 1);
    EXPLORE_EQ(weir_group_end(g), 0);
    COUNTED("the end of a group", 2);
    return 0;
}

static void handles_and_actors(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(handles_actor, NULL, NULL), 0);
}

COST(cost_handles, "F041 F042 cost: handles, actors, groups", handles_and_actors);

/* ---- primitives -------------------------------------------------------------------- */

static void primitives_free(void)
{
    weir_event event = weir_event_open();
    weir_lock lock = weir_lock_open();
    weir_semaphore semaphore = weir_semaphore_open(1, 1);
    weir_limiter limiter = weir_limiter_open(1);
    EXPLORE_EQ(weir_limiter_acquire(limiter), 0); /* allocates for the first borrower */
    EXPLORE_EQ(weir_limiter_release(limiter), 0);
    explore_counts_reset();
    EXPLORE_EQ(weir_event_is_set(event), 0);
    COUNTED("a look at an event", 0);
    EXPLORE_EQ(weir_event_set(event), 0);
    COUNTED("to set an event", 1);
    EXPLORE_EQ(weir_event_wait(event), 0);
    COUNTED("a wait for a set event", 1);
    EXPLORE_EQ(weir_lock_acquire(lock), 0);
    COUNTED("to acquire a free lock", 1);
    EXPLORE_EQ(weir_lock_release(lock), 0);
    COUNTED("to release a lock", 1);
    EXPLORE_EQ(weir_semaphore_acquire(semaphore), 0);
    COUNTED("to acquire a permit", 1);
    EXPLORE_EQ(weir_semaphore_release(semaphore), 0);
    COUNTED("to release a permit", 1);
    EXPLORE_EQ(weir_limiter_acquire(limiter), 0);
    COUNTED("to acquire a token", 1);
    EXPLORE_EQ(weir_limiter_release(limiter), 0);
    COUNTED("to release a token", 1);
}

static weir_lock held_lock;

static int parks_in_lock(void *unused)
{
    (void)unused;
    explore_counts_reset();
    return weir_lock_acquire(held_lock);
}

static int primitives_actor(void *unused)
{
    (void)unused;
    primitives_free();
    held_lock = weir_lock_open();
    EXPLORE_EQ(weir_lock_acquire(held_lock), 0);
    spawn_and_let_run(parks_in_lock);
    COUNTED("an acquire that parks", 1);
    EXPLORE_EQ(weir_lock_release(held_lock), 0);
    COUNTED("a release that hands over", 1);
    return 0;
}

static void primitives(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(primitives_actor, NULL, NULL), 0);
}

COST(cost_primitives, "F024 F026 cost: primitives", primitives);

/* ---- threads that wait ----------------------------------------------------------- */

/* The sender comes when the receiver sleeps. */
static void thread_parks(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_try_recv(M.rx[0], &item), WEIR_EAGAIN); /* the thread gets its record */
    explore_counts_reset();
    EXPLORE_EQ(weir_recv(M.rx[0], &item), 1);
    EXPLORE_EQ(explore_locked_count(), 2); /* the lock; the word, to say that it sleeps */
    EXPLORE_EQ(explore_counted()->membarriers + explore_counted()->allocs, 0);
}

static void thread_wakes(void *unused)
{
    (void)unused;
    while (!explore_asleep(0)) {
        a_relax();
        explore_yield();
    }
    EXPLORE_EQ(weir_try_recv(M.rx[0], &item), WEIR_EAGAIN); /* the thread gets its record */
    explore_counts_reset();
    EXPLORE_EQ(weir_send(M.tx[0], &item), 0);
    EXPLORE_EQ(explore_locked_count(), 2); /* the lock; the word that the other sleeps on */
    EXPLORE_EQ(explore_counted()->membarriers + explore_counted()->allocs, 0);
}

EXPLORE_MODEL(cost_thread_parking, "F037 cost: a thread parks, another wakes it", .setup = m_open_1,
              .thread_exit = weir__thread_detach, .flags = EXPLORE_SC | EXPLORE_LAZY_CLOCK,
              .threads = {{"receiver", thread_parks, NULL}, {"sender", thread_wakes, NULL}});
