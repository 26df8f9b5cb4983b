/* SPDX-License-Identifier: MIT */
/*
 * test_broadcast.c - the scenarios of ../channels/scenario_broadcast.h between actors, and actors
 * and threads; what cancels a wait; subscribers that end.
 */
#include "kept_actors.h"

#include "../channels/scenario_broadcast.h"

static void a_receive_is_cancelled(void)
{
    struct casting b = cast_open(1, WEIR_LOSE_NOTHING);
    expect_cancelled(b.rx);
    send_range(b.tx, 1, 1);
    expect_items(b.rx, 1, 1);
    close_both(b.tx, b.rx);
}

/* A send that waits has sent nothing when it is cancelled. */
static int sends_until_cancelled(void *arg)
{
    struct to_cancel *c = arg;
    uint64_t item = 9;
    weir_sender tx = {c->rx.h};
    c->results[0] = weir_send(tx, &item);
    c->results[1] = weir_try_send(tx, &item);
    return 0;
}

static void a_send_is_cancelled(void)
{
    struct casting b = cast_open(1, WEIR_LOSE_NOTHING);
    int results[2] = {0};
    struct to_cancel c = {{b.tx.h}, results};
    send_range(b.tx, 1, 1);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, sends_until_cancelled, &c), 0);
    while (stats_of(b.tx.h).waiting_senders != 1)
        weir_yield();
    EXPECT_RC(weir_group_cancel(g, "enough"), 0);
    weir_group_end(g);
    EXPECT_RC(results[0], WEIR_ECANCELED);
    EXPECT_RC(results[1], WEIR_EAGAIN);
    expect_items(b.rx, 1, 1);
    expect_try(b.rx, WEIR_EAGAIN, 0);
    close_both(b.tx, b.rx);
}

/* A subscriber's end makes room: its handle is closed when its body returns. */
static int takes_one(void *arg)
{
    uint64_t item;
    return weir_recv(*(weir_receiver *)arg, &item);
}

static void who_ends_makes_room(void)
{
    enum { ENDING = 20 };
    struct casting b = cast_open(1, WEIR_LOSE_NOTHING);
    for (unsigned i = 0; i < ENDING; i++)
        EXPECT_RC(weir_spawn(WEIR_RUN, takes_one, &b.rx, .own = WEIR_OWN(weir_receiver, h)), 0);
    EXPECT_EQ(stats_of(b.tx.h).open_receivers, ENDING + 1);
    for (uint64_t i = 0; i < 5; i++) {
        EXPECT_RC(send_item(b.tx, i), 0);
        expect_recv(b.rx, 1, i);
    }
    while (stats_of(b.tx.h).open_receivers != 1)
        weir_yield();
    EXPECT_EQ(stats_of(b.tx.h).buffered, 0);
    close_both(b.tx, b.rx);
}

#define CASES(CASE)                                                                                \
    CASE("F012 broadcast: a receive is cancelled", a_receive_is_cancelled)                         \
    CASE("F012 broadcast: a send is cancelled", a_send_is_cancelled)                               \
    CASE("F045 broadcast: who ends makes room", who_ends_makes_room)

CASES(KEPT_FUNCTIONS)
BROADCAST_CASES(KEPT_FUNCTIONS)

TEST_SUITE(broadcast, "actors: broadcast", CASES(KEPT_CASES) BROADCAST_CASES(KEPT_CASES));
