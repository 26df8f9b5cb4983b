/* SPDX-License-Identifier: MIT */
/*
 * test_ticker.c - the scenarios of ../channels/scenario_ticker.h between actors, and actors and
 * threads; what cancels a wait for a tick; what keeps a run alive; what is seen of a wait.
 */
#include "flow_actors.h"

#include <string.h>

#include "../channels/scenario_ticker.h"
#include "cancelled.h"

static int scenario_body(void *arg)
{
    void (*scenario)(void) = *(void (**)(void))arg;
    scenario();
    return 0;
}

static void run_ticker(void (*scenario)(void), bool mixed)
{
    flows_mixed = mixed;
    EXPECT_RC(weir_run(scenario_body, &scenario, NULL), 0);
}

/* ---- cancelled ----------------------------------------------------------------------------- */

struct cancelled {
    weir_receiver ticker;
    int *results;
};

static int tick_until_cancelled(void *arg)
{
    struct cancelled *c = arg;
    weir_time tick = 7;
    c->results[0] = weir_recv(c->ticker, &tick);
    c->results[1] = weir_recv_by(c->ticker, &tick, WEIR_NEVER);
    c->results[2] = weir_try_recv(c->ticker, &tick);
    EXPECT_EQ(tick, 7);
    return 0;
}

static int cancel_one(void *unused)
{
    int results[3] = {0};
    struct cancelled c = {weir_ticker_open(FAR), results};
    (void)unused;
    expect_cancelled(tick_until_cancelled, &c, c.ticker.h, results);
    return 0;
}

static void a_wait_is_cancelled(void)
{
    EXPECT_RC(weir_run(cancel_one, NULL, NULL), 0);
}

/* Of the scope's and the call's deadline the earlier one counts; a tick before both comes. */
static int in_scopes(void *unused)
{
    weir_receiver far = weir_ticker_open(FAR), near = weir_timer_open(weir_after(WEIR_MS));
    weir_time tick = 7;
    (void)unused;
    weir_scope s = weir_move_on_after(WEIR_MS);
    EXPECT_RC(weir_recv_by(far, &tick, weir_after(FAR)), WEIR_ECANCELED);
    EXPECT_RC(weir_scope_end(s), 1);
    s = weir_move_on_after(FAR);
    EXPECT_RC(weir_recv_by(far, &tick, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_EQ(tick, 7);
    EXPECT_RC(weir_recv_by(near, &tick, weir_after(FAR)), 1);
    EXPECT_RC(weir_scope_end(s), 0);
    return 0;
}

static void scopes(void)
{
    EXPECT_RC(weir_run(in_scopes, NULL, NULL), 0);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static weir_receiver left_open;

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int opens_and_returns(void *unused)
{
    weir_receiver far = weir_timer_open(weir_after(FAR));
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, do_nothing, &far, .own = WEIR_OWN(weir_receiver, h)), 0);
    left_open = weir_ticker_open(FAR);
    return weir_check(far);
}

static void keeps_no_run_alive(void)
{
    EXPECT_RC(weir_run(opens_and_returns, NULL, NULL), 0);
    EXPECT_RC(weir_check(left_open), WEIR_ECLOSED); /* its owner has ended */
}

static int takes_given(void *arg)
{
    weir_receiver *rx = arg;
    weir_time tick;
    EXPECT_RC(weir_recv(*rx, &tick), 1);
    return weir_recv(*rx, &tick);
}

/* A thread's timer and clone of a ticker of an actor's, and one that is given away. */
static int from_outside(void *arg)
{
    weir_receiver *outside = arg, given = weir_timer_open(weir_after(WEIR_MS));
    weir_time tick = 0;
    EXPECT_RC(weir_recv(*outside, &tick), 1);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, takes_given, &given, .give = WEIR_GIVE(weir_receiver, h)), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_check(given), WEIR_ECLOSED);
    return 0;
}

static void handed_on(void)
{
    weir_receiver rx = weir_timer_open(weir_after(WEIR_MS));
    weir_time tick;
    EXPECT_RC(weir_run(from_outside, &rx, NULL), 0);
    EXPECT_RC(weir_recv(rx, &tick), 0);
    EXPECT_RC(weir_close(rx), 0);
}

/* ---- an actor for each timer --------------------------------------------------------------- */

struct timed {
    weir_receiver timer;
    weir_time at;
    weir_sender fired;
};

static int awaits_its_time(void *arg)
{
    struct timed *t = arg;
    weir_time tick = 0;
    EXPECT_RC(weir_recv(t->timer, &tick), 1);
    EXPECT_EQ(tick, t->at);
    EXPECT(weir_now() >= t->at);
    EXPECT_RC(weir_recv(t->timer, &tick), 0);
    return weir_send(t->fired, &t->at);
}

static int thousands_of_actors(void *unused)
{
    enum { ACTORS = 5000 / SLOWNESS };
    struct random r = random_from(ACTORS);
    struct timed t;
    weir_receiver rx;
    weir_time start = weir_now(), at;
    unsigned n = 0;
    (void)unused;
    EXPECT_RC(weir_channel_open(&t.fired, &rx, sizeof at, 16, NULL), 0);
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < ACTORS; i++) {
        t.at = start + (weir_time)random_below(&r, 30000000);
        t.timer = weir_timer_open(t.at);
        EXPECT_RC(weir_spawn(g, awaits_its_time, &t, .give = WEIR_GIVE(struct timed, timer)), 0);
    }
    for (; n < ACTORS; n++)
        EXPECT_RC(weir_recv(rx, &at), 1);
    return weir_group_end(g);
}

static void many_actors(void)
{
    EXPECT_RC(weir_run(thousands_of_actors, NULL, NULL), 0);
}

/* ---- by a simulated clock ------------------------------------------------------------------ */

/* Time passes only when all wait: each tick comes at its moment, in the order of their times. */
static int simulated_ticks(void *unused)
{
    weir_time start = weir_now(), tick = 0, last = start;
    weir_receiver rx[] = {weir_ticker_open(3 * WEIR_S), weir_ticker_open(5 * WEIR_S),
                          weir_timer_open(start + 7 * WEIR_S)};
    weir_case c[3];
    unsigned n[3] = {0};
    (void)unused;
    for (unsigned i = 0; i < 3; i++)
        c[i] = weir_on_tick(rx[i], &tick);
    while (weir_now() < start + 29 * WEIR_S) {
        int i = weir_select(c, 3, WEIR_FAIR);
        REQUIRE(i >= 0);
        if (c[i].rc == 0) {
            weir_case_off(&c[i]);
            continue;
        }
        EXPECT_EQ(tick, weir_now());
        EXPECT(tick >= last);
        last = tick;
        n[i]++;
    }
    EXPECT_EQ(tick, start + 30 * WEIR_S);
    EXPECT(n[0] + n[1] == 15 || n[0] + n[1] == 16); /* at the last moment both are due */
    EXPECT_EQ(n[2], 1);
    return 0;
}

static void simulated(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++)
        EXPECT_RC(weir_run(simulated_ticks, NULL, &(weir_options){.simulate = true, .seed = seed}),
                  0);
}

/* Two that share a ticker take turns: who has waited longer has the next tick. */
struct turns {
    weir_receiver ticker;
    weir_time *ticks;
};

static int takes_turns(void *arg)
{
    struct turns *t = arg;
    for (unsigned i = 0; i < 8; i++)
        EXPECT_RC(weir_recv(t->ticker, &t->ticks[i]), 1);
    return 0;
}

static int simulated_turns(void *unused)
{
    weir_time ticks[2][8];
    struct turns t = {.ticker = weir_ticker_open(WEIR_S)};
    weir_group g = weir_group_begin();
    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        t.ticks = ticks[i];
        EXPECT_RC(weir_spawn(g, takes_turns, &t, .own = WEIR_OWN(struct turns, ticker)), 0);
    }
    EXPECT_RC(weir_group_end(g), 0);
    unsigned first = ticks[1][0] < ticks[0][0];
    for (unsigned i = 0; i < 8; i++) {
        EXPECT_EQ(ticks[first][i] - ticks[first][0], 2 * i * WEIR_S);
        EXPECT_EQ(ticks[1 - first][i], ticks[first][i] + WEIR_S);
    }
    return 0;
}

static void fair(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++)
        EXPECT_RC(weir_run(simulated_turns, NULL, &(weir_options){.simulate = true, .seed = seed}),
                  0);
}

/* ---- seen ---------------------------------------------------------------------------------- */

static bool dump_says(const char *name, const char *part)
{
    char *table = NULL, *line;
    size_t size;
    FILE *out = open_memstream(&table, &size);
    REQUIRE(out != NULL);
    EXPECT_RC(weir_dump(out), 0);
    fclose(out);
    line = strstr(table, name);
    if (line && strchr(line, '\n'))
        *strchr(line, '\n') = '\0';
    bool said = EXPECT(line && strstr(line, part));
    if (!said)
        printf("\n    ... no '%s' in:\n%s", part, table);
    free(table);
    return said;
}

static int awaits_tick(void *arg)
{
    weir_time tick;
    return weir_recv(*(weir_receiver *)arg, &tick) < 0;
}

static int awaits_tick_by(void *arg)
{
    weir_time tick;
    return weir_recv_by(*(weir_receiver *)arg, &tick, weir_after(FAR)) < 0;
}

static int selects_tick(void *arg)
{
    weir_time tick;
    weir_receiver ticker = *(weir_receiver *)arg;
    weir_case c[] = {weir_on_tick(ticker, &tick), weir_on_tick(ticker, &tick)};
    return weir_select(c, 2, WEIR_FAIR) < 0;
}

/* Nobody but the clock will wake them, and it will. */
static int seen_waiting(void *unused)
{
    weir_receiver every = weir_ticker_open(FAR), once = weir_timer_open(weir_after(FAR)),
                  never = weir_timer_open(WEIR_NEVER);
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, awaits_tick, &every, .name = "every"), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, awaits_tick, &once, .name = "once"), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, awaits_tick_by, &never, .name = "never"), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, selects_tick, &every, .name = "chooses"), 0);
    while (stats_of(every.h).waiting_receivers != 3 || stats_of(once.h).waiting_receivers != 1 ||
           stats_of(never.h).waiting_receivers != 1)
        weir_yield();
    dump_says(" every ", " (every 3600.000 s, due in 3");
    dump_says(" every ", " parked ");
    dump_says(" once ", " (due in 3");
    dump_says(" never ", " (never due), with a deadline");
    dump_says(" chooses ", "select, with a deadline");
    EXPECT_EQ(weir_deadlocked(NULL), 0);
    weir_close(every);
    weir_close(once);
    weir_close(never);
    return 0;
}

static void seen(void)
{
    EXPECT_RC(weir_run(seen_waiting, NULL, &(weir_options){.workers = 1}), 0);
}

#define FUNCTIONS(title, test)                                                                     \
    static void alone_##test(void)                                                                 \
    {                                                                                              \
        run_ticker(test, false);                                                                   \
    }                                                                                              \
    static void mixed_##test(void)                                                                 \
    {                                                                                              \
        run_ticker(test, true);                                                                    \
    }
#define CASES(title, test)                                                                         \
    {title " (actors)", alone_##test}, {title " (actors and threads)", mixed_##test},

TICKER_CASES(FUNCTIONS)

TEST_SUITE(ticker, "actors: ticker", {"F012 ticker: a wait is cancelled", a_wait_is_cancelled},
           {"F017 ticker: a wait in a scope with a deadline", scopes},
           {"F001 ticker: keeps no run alive", keeps_no_run_alive},
           {"F041 timer: a thread's, and one that is given", handed_on},
           {"F020 timer: an actor for each of thousands", many_actors},
           {"F020 ticker: in the order of a simulated clock", simulated},
           {"F049 ticker: two that share it take turns", fair},
           {"dump: who waits for a tick is not dead", seen}, TICKER_CASES(CASES));
