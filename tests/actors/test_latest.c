/* SPDX-License-Identifier: MIT */
/* test_latest.c - the scenarios of ../channels/scenario_latest.h between actors and threads. */
#include "kept_actors.h"

#include "../channels/scenario_latest.h"

static void a_wait_is_cancelled(void)
{
    struct latest w = latest_open();
    EXPECT_RC(send_item(w.tx, 1), 0);
    expect_recv(w.rx, 1, 1);
    expect_cancelled(w.rx);
    EXPECT_RC(send_item(w.tx, 2), 0);
    expect_recv(w.rx, 1, 2);
    close_both(w.tx, w.rx);
}

/* What a child is given goes on where it was; what it is lent a clone of begins anew. */
static int sees(void *arg)
{
    weir_receiver *rx = arg;
    uint64_t value = 0;
    int rc = weir_try_recv(*rx, &value);
    return rc == 1 ? (int)value : rc == WEIR_EAGAIN ? 0 : rc;
}

static int result_of(weir_receiver rx, bool gives)
{
    int result = 0;
    weir_task t = {0};
    if (gives)
        EXPECT_RC(weir_spawn(WEIR_RUN, sees, &rx, .task = &t, .give = WEIR_GIVE(weir_receiver, h)),
                  0);
    else
        EXPECT_RC(weir_spawn(WEIR_RUN, sees, &rx, .task = &t, .own = WEIR_OWN(weir_receiver, h)),
                  0);
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    EXPECT_RC(weir_close(t), 0);
    EXPECT_RC(weir_check(rx), gives ? WEIR_ECLOSED : 0);
    return result;
}

static void handed_on(void)
{
    struct latest w = latest_open();
    EXPECT_RC(send_item(w.tx, 6), 0);
    expect_recv(w.rx, 1, 6);
    EXPECT_EQ(result_of(w.rx, false), 6);
    EXPECT_EQ(stats_of(w.tx.h).open_receivers, 1);
    EXPECT_EQ(result_of(w.rx, true), 0);
    EXPECT_RC(send_item(w.tx, 7), WEIR_EPIPE);
    EXPECT_RC(weir_close(w.tx), 0);
}

#define CASES(CASE)                                                                                \
    CASE("F012 watch: a wait is cancelled", a_wait_is_cancelled)                                   \
    CASE("F041 watch: handles at spawn", handed_on)

CASES(KEPT_FUNCTIONS)
LATEST_CASES(KEPT_FUNCTIONS)

TEST_SUITE(latest, "actors: watch", CASES(KEPT_CASES) LATEST_CASES(KEPT_CASES));
