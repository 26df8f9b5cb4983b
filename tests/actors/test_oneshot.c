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

#define CASES(CASE)                                                                                \
    CASE("F012 oneshot: a wait is cancelled", a_wait_is_cancelled)                                 \
    CASE("F045 oneshot: an answer, or its sender's end", asked_a_lot)

CASES(KEPT_FUNCTIONS)
ONESHOT_CASES(KEPT_FUNCTIONS)

TEST_SUITE(oneshot, "actors: oneshot",
           {"oneshot: who waits for one that is alive is not dead", is_not_dead},
           CASES(KEPT_CASES) ONESHOT_CASES(KEPT_CASES));
