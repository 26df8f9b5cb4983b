/* SPDX-License-Identifier: MIT */
/* test_select.c - the scenarios of scenario_select.h between actors, and actors and threads. */
#include "flow_actors.h"

#include "../channels/scenario_select.h"
#include "cancelled.h"

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

SCENARIOS(SCENARIO_FUNCTIONS)
TEST_SUITE(select, "actors: select",
           {"F012 select: cancelled while it waits, and before", a_select_is_cancelled},
           SCENARIOS(SCENARIO_CASES));
