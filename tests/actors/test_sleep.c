/* SPDX-License-Identifier: MIT */
/* F020: sleep, sleep_until. */
#include <stdatomic.h>

#include "expect.h"
#include "harness.h"
#include <weir/weir.h>

static int never_too_short(void *unused)
{
    (void)unused;
    for (weir_time d = 1; d <= 10 * WEIR_MS; d *= 10) {
        weir_time before = weir_now();
        EXPECT_RC(weir_sleep(d), 0);
        EXPECT(weir_now() - before >= d);
    }
    weir_time at = weir_after(2 * WEIR_MS);
    EXPECT_RC(weir_sleep_until(at), 0);
    EXPECT(weir_now() >= at);
    return 0;
}

static void run_never_too_short(void)
{
    EXPECT_RC(weir_run(never_too_short, NULL, NULL), 0);
    EXPECT_RC(never_too_short(NULL), 0); /* a plain thread */
}

/* Who sleeps last wakes first; nobody holds up another. */
struct sleeper {
    weir_time until;
    weir_sender woke;
    unsigned number;
};

static int sleep_and_tell(void *arg)
{
    struct sleeper *s = arg;
    EXPECT_RC(weir_sleep_until(s->until), 0);
    return weir_send(s->woke, &s->number);
}

static int in_order_of_time(void *unused)
{
    enum { SLEEPERS = 50 };
    weir_sender tx;
    weir_receiver rx;
    unsigned number;
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof number, WEIR_UNBOUNDED, NULL), 0);
    weir_time start = weir_after(20 * WEIR_MS);
    for (unsigned i = 0; i < SLEEPERS; i++) {
        struct sleeper s = {start + (SLEEPERS - i) * WEIR_MS / 2, tx, i};
        EXPECT_RC(weir_spawn(WEIR_RUN, sleep_and_tell, &s, .own = WEIR_OWN(struct sleeper, woke)),
                  0);
    }
    EXPECT_RC(weir_close(tx), 0);
    for (unsigned i = SLEEPERS; i-- > 0;) {
        EXPECT_RC(weir_recv(rx, &number), 1);
        EXPECT_EQ(number, i);
    }
    EXPECT_RC(weir_recv(rx, &number), 0);
    return 0;
}

static void run_in_order_of_time(void)
{
    EXPECT_RC(weir_run(in_order_of_time, NULL, &(weir_options){.workers = 1}), 0);
}

/* The past is a yield: the other one has its turn. */
static int take_turn(void *turns)
{
    ++*(unsigned *)turns;
    return 0;
}

static int past_is_a_yield(void *unused)
{
    unsigned turns = 0;
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, take_turn, (void *)&turns), 0);
    EXPECT_RC(weir_sleep(-5), 0);
    EXPECT_EQ(turns, 1);
    EXPECT_RC(weir_spawn(WEIR_RUN, take_turn, (void *)&turns), 0);
    EXPECT_RC(weir_sleep_until(0), 0);
    EXPECT_EQ(turns, 2);
    return 0;
}

static void run_past_is_a_yield(void)
{
    EXPECT_RC(weir_run(past_is_a_yield, NULL, &(weir_options){.workers = 1}), 0);
    EXPECT_RC(weir_sleep(-5), 0);
}

static int many_at_once(void *unused)
{
    enum { MANY = 10000 };
    weir_group g = weir_group_begin();
    weir_time until = weir_after(50 * WEIR_MS);
    (void)unused;
    for (unsigned i = 0; i < MANY; i++) {
        struct sleeper s = {.until = until + i % 7};
        weir_sender tx;
        weir_receiver rx;
        if (weir_channel_open(&tx, &rx, sizeof(unsigned), 1, NULL) < 0)
            return WEIR_ENOMEM;
        s.woke = tx;
        if (weir_spawn(g, sleep_and_tell, &s, .give = WEIR_GIVE(struct sleeper, woke)) < 0)
            return WEIR_ENOMEM;
    }
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT(weir_now() >= until);
    return 0;
}

static void run_many_at_once(void)
{
    EXPECT_RC(weir_run(many_at_once, NULL, NULL), 0);
}

static void sleep_in_a_drop(void *item, void *result)
{
    (void)item;
    *(int *)result = weir_sleep(WEIR_NEVER);
}

static int drops(void *unused)
{
    int in_drop = 0, item = 1;
    weir_sender tx;
    weir_receiver rx;
    weir_channel_options o = {.drop = sleep_in_a_drop, .drop_context = &in_drop};
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, &o), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(in_drop, WEIR_EPERM);
    EXPECT_RC(weir_close(tx), 0);
    return 0;
}

static void run_in_a_drop(void)
{
    EXPECT_RC(weir_run(drops, NULL, NULL), 0);
    EXPECT_RC(drops(NULL), 0);
}

TEST_SUITE(sleep, "actors: sleep", {"F020 sleep: never too short", run_never_too_short},
           {"F020 sleep_until: in the order of time", run_in_order_of_time},
           {"F020 sleep: the past is a yield", run_past_is_a_yield},
           {"F020 sleep: thousands at once", run_many_at_once},
           {"F020 sleep: not in a drop function", run_in_a_drop});
