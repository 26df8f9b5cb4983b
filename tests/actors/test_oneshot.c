/* SPDX-License-Identifier: MIT */
/*
 * test_oneshot.c - the scenarios of ../channels/scenario_oneshot.h between actors, and actors and
 * threads; cancelled waits; answers whose asker or answerer goes away.
 */
#include "kept_actors.h"

#include "../channels/scenario_oneshot.h"

static void a_wait_is_cancelled(void)
{
    struct once o = once_open();
    expect_cancelled(o.rx);
    EXPECT_RC(send_item(o.tx, 2), 0);
    expect_recv(o.rx, 1, 2);
    close_both(o.tx, o.rx);
}

/* ---- questions and answers ----------------------------------------------------------------- */

struct question {
    uint64_t number;
    weir_sender answer;
};

static int answers(void *arg)
{
    struct question *q = arg;
    if (q->number % 3 == 0)
        return 0; /* the end is told by what closes its handle */
    uint64_t answer = q->number * q->number;
    return weir_send(q->answer, &answer);
}

static void asked_a_lot(void)
{
    for (uint64_t i = 0; i < 2000 / SLOWNESS; i++) {
        struct once o = once_open();
        struct question q = {i, o.tx};
        EXPECT_RC(weir_spawn(WEIR_RUN, answers, &q, .give = WEIR_GIVE(struct question, answer)), 0);
        expect_recv(o.rx, i % 3 > 0, i * i);
        expect_recv(o.rx, 0, 0);
        EXPECT_RC(weir_close(o.rx), 0);
    }
}

static int asks_and_waits(void *arg)
{
    uint64_t item;
    return weir_recv(*(weir_receiver *)arg, &item) - 1;
}

/* The only sender is of one that waits as well. */
static int waits_for_its_own(void *unused)
{
    struct once o = once_open();
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, asks_and_waits, &o.rx), 0);
    while (stats_of(o.rx.h).waiting_receivers != 1)
        weir_yield();
    EXPECT_EQ(weir_deadlocked(NULL), 0);
    EXPECT_RC(send_item(o.tx, 1), 0);
    EXPECT_RC(weir_group_end(g), 0);
    close_both(o.tx, o.rx);
    return 0;
}

static void is_not_dead(void)
{
    EXPECT_RC(weir_run(waits_for_its_own, NULL, NULL), 0);
}

/* ---- a select that something else has served, and that has not run since -------------------- */

struct two {
    weir_receiver once, queue;
};

static int waits_for_two(void *arg)
{
    const struct two *two = arg;
    uint64_t from_once, from_queue = 0;
    weir_case c[] = {weir_on_recv(two->once, &from_once), weir_on_recv(two->queue, &from_queue)};
    EXPECT_EQ(weir_select(c, 2, WEIR_ORDERED), 1);
    EXPECT_EQ(from_queue, 1);
    return 0;
}

static int serves_both(void *unused)
{
    uint64_t item = 1, other = 2;
    struct once o = once_open();
    struct two two = {.once = o.rx};
    weir_sender tx;
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &two.queue, sizeof item, 1, NULL), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, waits_for_two, &two), 0);
    while (stats_of(o.tx.h).waiting_receivers != 1)
        weir_yield();
    EXPECT_RC(weir_try_send(tx, &item), 0);
    EXPECT_RC(weir_try_send(o.tx, &other), 0); /* is not for him */
    EXPECT_EQ(stats_of(o.tx.h).waiting_receivers, 0);
    EXPECT_EQ(weir_try_recv(o.rx, &item), 1);
    EXPECT_EQ(item, 2);
    return 0;
}

static void a_select_served_elsewhere(void)
{
    EXPECT_RC(weir_run(serves_both, NULL, &(weir_options){.workers = 1}), 0);
}

#define CASES(CASE)                                                                                \
    CASE("F012 oneshot: a wait is cancelled", a_wait_is_cancelled)                                 \
    CASE("F045 oneshot: an answer, or its sender's end", asked_a_lot)

CASES(KEPT_FUNCTIONS)
ONESHOT_CASES(KEPT_FUNCTIONS)

TEST_SUITE(oneshot, "actors: oneshot",
           {"oneshot: who waits for one that is alive is not dead", is_not_dead},
           {"F049 oneshot: a select that something else has served", a_select_served_elsewhere},
           CASES(KEPT_CASES) ONESHOT_CASES(KEPT_CASES));
