/* SPDX-License-Identifier: MIT */
/* test_select.c - the scenarios of scenario_select.h between actors, and actors and threads. */
#include "flow_actors.h"

#include "../channels/scenario_select.h"
#include "cancelled.h"
#include "one_worker.h"

/* ---- cancelled ----------------------------------------------------------------------------- */

struct ends {
    weir_sender tx;
    weir_receiver rx;
    int *results;
};

static int select_until_cancelled(void *arg)
{
    struct ends *e = arg;
    uint64_t in, out = 1;
    weir_case c[] = {weir_on_recv(e->rx, &in), weir_on_send(e->tx, &out)};
    e->results[0] = weir_select(c, 1, WEIR_FAIR);
    e->results[1] = weir_select(c, 2, WEIR_FAIR);
    e->results[2] = weir_try_select(c, 1, WEIR_FAIR);
    return 0;
}

static int cancel_one(void *unused)
{
    struct ends e;
    int results[3] = {0};
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof(uint64_t), 0, NULL), 0);
    e.results = results;
    expect_cancelled(select_until_cancelled, &e, e.rx.h, results);
    return 0;
}

static void a_select_is_cancelled(void)
{
    EXPECT_RC(weir_run(cancel_one, NULL, NULL), 0);
}

/* ---- a source that never has enough -------------------------------------------------------- */

static weir_scope scope;

static int cancels(struct deaf *d)
{
    if (d->armed == 3)
        EXPECT_RC(weir_scope_cancel(scope, "it has had enough"), 0);
    return 0;
}

static bool other_ran;

static int sets_other_ran(void *unused)
{
    (void)unused;
    other_ran = true;
    return 0;
}

/* The other one is there from the first time on. */
static int until_other_ran(struct deaf *d)
{
    if (d->armed == 1)
        EXPECT_RC(weir_spawn(WEIR_RUN, sets_other_ran, NULL), 0);
    return other_ran ? WEIR_EPIPE : 0;
}

static int selects_deaf(struct deaf *d)
{
    weir_sender tx;
    uint64_t item;
    EXPECT_RC(weir_channel_open(&tx, &d->rx, sizeof item, 0, NULL), 0);
    EXPECT_RC(weir_close(tx), 0);
    weir_case c = weir_on_source(&deaf, d, &item);
    int rc = weir_select(&c, 1, WEIR_FAIR);
    EXPECT_RC(weir_close(d->rx), 0);
    return rc < 0 ? rc : c.rc;
}

static int deaf_and_others(void *unused)
{
    struct deaf cancelled = {.asked = cancels}, polite = {.asked = until_other_ran};
    (void)unused;
    other_ran = false;
    EXPECT_RC(selects_deaf(&polite), WEIR_EPIPE);
    EXPECT(polite.armed > 1);
    scope = weir_scope_begin();
    EXPECT_RC(selects_deaf(&cancelled), WEIR_ECANCELED);
    EXPECT_EQ(cancelled.armed, 3);
    EXPECT_EQ(weir_scope_end(scope), 1);
    return 0;
}

static void others_have_their_turn(void)
{
    EXPECT_RC(weir_run(deaf_and_others, NULL, &one_worker), 0);
}

SCENARIOS(SCENARIO_FUNCTIONS)
TEST_SUITE(select, "actors: select",
           {"F012 select: a source that never has enough, the others and a cancellation",
            others_have_their_turn},
           {"F012 select: cancelled while it waits, and before", a_select_is_cancelled},
           SCENARIOS(SCENARIO_CASES));
