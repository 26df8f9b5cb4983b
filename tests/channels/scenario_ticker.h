/* SPDX-License-Identifier: MIT */
/*
 * scenario_ticker.h - tickers and timers, received from by flows. No test asks how long
 * something takes: only that no tick comes before its time, and which ticks come.
 */
#ifndef WEIR_TESTS_SCENARIO_TICKER_H
#define WEIR_TESTS_SCENARIO_TICKER_H

#include <weir/ticker.h>

#include "ops.h"

#define FAR (3600 * WEIR_S)

/* Only the clock is waited for. */
static void let_pass(weir_time until)
{
    while (weir_now() < until)
        flow_pause();
}

/* Receive a tick that is a whole number of periods after `last`, and not before its time. */
static weir_time expect_tick(weir_receiver rx, weir_time last, weir_time period)
{
    weir_time tick = 0;
    EXPECT_RC(weir_recv(rx, &tick), 1);
    EXPECT(tick <= weir_now());
    EXPECT(tick > last);
    EXPECT_EQ((tick - last) % period, 0);
    return tick;
}

/* ---- what comes -------------------------------------------------------------------------- */

static void ticks_in_whole_periods(void)
{
    const weir_time period = 200 * WEIR_US;
    weir_time before = weir_now();
    weir_receiver rx = weir_ticker_open(period);
    weir_time after = weir_now(), tick = 0;
    EXPECT_RC(weir_check(rx), 0);
    EXPECT_RC(weir_recv(rx, &tick), 1);
    EXPECT_EQ((tick - before) / period >= 1, true);
    EXPECT(tick - before >= period);
    EXPECT((tick - before) % period <= after - before);
    for (int i = 0; i < 20; i++)
        tick = expect_tick(rx, tick, period);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_recv(rx, &tick), WEIR_ECLOSED);
}

/* One tick, the last that was due; the next is in time again. */
static void who_is_late(void)
{
    const weir_time period = 2 * WEIR_MS;
    weir_receiver rx = weir_ticker_open(period);
    weir_time first = 0, late = 0, before;
    EXPECT_RC(weir_recv(rx, &first), 1);
    for (int i = 0; i < 4; i++) {
        let_pass(first + 3 * period + period / 2);
        before = weir_now();
        EXPECT_EQ(stats_of(rx.h).buffered, 1);
        EXPECT_RC(weir_try_recv(rx, &late), 1);
        EXPECT(late >= first + 3 * period);
        EXPECT(late + period > before);
        EXPECT(late <= weir_now());
        EXPECT_EQ((late - first) % period, 0);
        first = expect_tick(rx, late, period);
    }
    EXPECT_EQ(stats_of(rx.h).passed, 9);
    EXPECT_RC(weir_close(rx), 0);
}

static void not_due_yet(void)
{
    weir_time tick = 7, ticks[4] = {7, 7, 7, 7};
    weir_receiver rx = weir_ticker_open(FAR);
    weir_case c[] = {weir_on_tick(rx, &tick)};
    EXPECT_RC(weir_try_recv(rx, &tick), WEIR_EAGAIN);
    EXPECT_RC(weir_try_recv_many(rx, ticks, 4), WEIR_EAGAIN);
    EXPECT_RC(weir_try_select(c, 1, WEIR_FAIR), WEIR_EAGAIN);
    weir_time deadline = weir_after(WEIR_MS);
    EXPECT_RC(weir_recv_by(rx, &tick, deadline), WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= deadline);
    EXPECT_RC(weir_recv_many_by(rx, ticks, 4, weir_now() - 1), WEIR_ETIMEDOUT);
    deadline = weir_after(WEIR_MS);
    EXPECT_RC(weir_select_by(c, 1, WEIR_ORDERED, deadline), WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= deadline);
    EXPECT_EQ(tick, 7);
    EXPECT_EQ(ticks[0], 7);
    weir_statistics s = stats_of(rx.h);
    EXPECT_EQ(s.item_size, sizeof(weir_time));
    EXPECT_EQ(s.capacity, 1);
    EXPECT_EQ(s.buffered, 0);
    EXPECT_EQ(s.open_senders, 1);
    EXPECT_EQ(s.open_receivers, 1);
    EXPECT_EQ(s.waiting_receivers, 0);
    EXPECT_EQ(s.passed, 0);
    EXPECT_RC(weir_close(rx), 0);
}

/* ---- one-shot -------------------------------------------------------------------------------- */

static void expect_once(weir_time deadline)
{
    weir_time ticks[3] = {0, 7, 7};
    weir_receiver rx = weir_timer_open(deadline), other = weir_receiver_clone(rx);
    EXPECT_RC(weir_recv_many(rx, ticks, 3), 1);
    EXPECT(weir_now() >= deadline);
    EXPECT_EQ(ticks[0], deadline);
    EXPECT_EQ(ticks[1], 7);
    EXPECT_RC(weir_recv(rx, &ticks[1]), 0);
    EXPECT_RC(weir_try_recv(other, &ticks[1]), 0);
    EXPECT_RC(weir_recv_by(other, &ticks[1], weir_now() - 1), 0);
    EXPECT_RC(weir_recv_many(rx, ticks, 3), 0);
    weir_case c[] = {weir_on_tick(rx, &ticks[1])};
    EXPECT_RC(weir_select(c, 1, WEIR_FAIR), 0);
    EXPECT_RC(c[0].rc, 0);
    EXPECT_EQ(ticks[1], 7);
    EXPECT_EQ(stats_of(rx.h).open_senders, 0);
    EXPECT_EQ(stats_of(rx.h).passed, 1);
    EXPECT_EQ(stats_of(rx.h).buffered, 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_close(other), 0);
}

static void a_timer_ticks_once(void)
{
    expect_once(weir_after(WEIR_MS));
    expect_once(weir_now());
    expect_once(weir_now() - WEIR_S);
    expect_once(0);
    expect_once(INT64_MIN);
}

/* All wait on clones: one gets the tick, all others the end. */
static void an_end_for_all(void)
{
    struct op ops[OPS_MAX];
    weir_receiver rx[OPS_MAX];
    weir_time at = weir_after(5 * WEIR_MS);
    unsigned got = 0, ended = 0;
    rx[0] = weir_timer_open(at);
    for (unsigned i = 1; i < OPS_MAX; i++)
        rx[i] = weir_receiver_clone(rx[i - 1]);
    for (unsigned i = 0; i < OPS_MAX; i++)
        op_start_recv(&ops[i], rx[i]);
    for (unsigned i = 0; i < OPS_MAX; i++) {
        int rc = op_end(&ops[i]);
        got += rc == 1 && ops[i].items[0] == (uint64_t)at;
        ended += rc == 0;
    }
    EXPECT(weir_now() >= at);
    EXPECT_EQ(got, 1);
    EXPECT_EQ(ended, OPS_MAX - 1);
    for (unsigned i = 0; i < OPS_MAX; i++)
        EXPECT_RC(weir_close(rx[i]), 0);
}

/* ---- misuse -------------------------------------------------------------------------------- */

static void what_is_no_period(void)
{
    static const weir_time wrong[] = {0, -1, -WEIR_S, INT64_MIN};
    weir_time tick;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_receiver rx = weir_ticker_open(wrong[i]), clone = weir_receiver_clone(rx);
        weir_case c[] = {weir_on_tick(clone, &tick)};
        EXPECT_RC(weir_check(rx), WEIR_EINVAL);
        EXPECT_RC(weir_recv(rx, &tick), WEIR_EINVAL);
        EXPECT_RC(weir_try_recv(clone, &tick), WEIR_EINVAL);
        EXPECT_RC(weir_select(c, 1, WEIR_FAIR), 0);
        EXPECT_RC(c[0].rc, WEIR_EINVAL);
        EXPECT(weir_close(rx) < 0);
    }
}

static void what_is_no_tick(void)
{
    weir_time tick = 1;
    uint32_t narrow = 7;
    weir_receiver rx = weir_ticker_open(WEIR_NEVER);
    weir_sender tx = {rx.h};
    weir_case c[] = {weir_on_recv(rx, &narrow), weir_on_send(tx, &tick)};
    EXPECT_RC(weir_send(tx, &tick), WEIR_EBADF);
    EXPECT_RC(weir_try_send(tx, &tick), WEIR_EBADF);
    EXPECT_RC(weir_check(weir_sender_clone(tx)), WEIR_EBADF);
    EXPECT_RC(weir_recv(rx, &narrow), WEIR_EITEM);
    EXPECT_RC(weir_try_recv(rx, &narrow), WEIR_EITEM);
    EXPECT_RC(weir_recv_many(rx, &tick, 0), WEIR_EINVAL);
    EXPECT_RC(weir_select(c, 2, WEIR_ORDERED), 0);
    EXPECT_RC(c[0].rc, WEIR_EITEM);
    weir_case_off(&c[0]);
    EXPECT_RC(weir_select(c, 2, WEIR_ORDERED), 1);
    EXPECT_RC(c[1].rc, WEIR_EBADF);
    EXPECT_EQ(narrow, 7);
    EXPECT_RC(weir_recv_by(rx, &tick, weir_after(WEIR_US)), WEIR_ETIMEDOUT); /* never comes */
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_check(weir_receiver_clone(rx)), WEIR_ECLOSED);
}

static void recv_in_drop(void *item, void *result)
{
    weir_receiver rx = *(weir_receiver *)item;
    weir_time tick;
    int *rc = result;
    rc[0] = weir_recv(rx, &tick);
    rc[1] = weir_try_recv(rx, &tick);
    weir_close(rx);
}

static void in_a_drop_function(void)
{
    int rc[2] = {0};
    weir_sender tx;
    weir_receiver rx, ticker = weir_ticker_open(FAR);
    weir_channel_options o = {.drop = recv_in_drop, .drop_context = rc};
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof ticker, 1, &o), 0);
    EXPECT_RC(weir_send(tx, &ticker), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(rc[0], WEIR_EPERM);
    EXPECT_RC(rc[1], WEIR_EAGAIN);
    EXPECT_RC(weir_check(ticker), WEIR_ECLOSED);
    EXPECT_RC(weir_close(tx), 0);
}

/* ---- close --------------------------------------------------------------------------------- */

static void closed_while_parked(void)
{
    for (int timer = 0; timer < 2; timer++) {
        struct op ops[3];
        weir_receiver a = timer ? weir_timer_open(weir_after(FAR)) : weir_ticker_open(FAR);
        weir_receiver b = weir_receiver_clone(a);
        op_start_recv(&ops[0], a);
        op_start_recv(&ops[1], a);
        op_start_recv_many(&ops[2], b, 4);
        await_receivers(a.h, 3);
        EXPECT_RC(weir_close(a), 0);
        EXPECT_RC(op_end(&ops[0]), WEIR_ECLOSED);
        EXPECT_RC(op_end(&ops[1]), WEIR_ECLOSED);
        EXPECT_EQ(stats_of(b.h).waiting_receivers, 1);
        EXPECT_RC(weir_close(b), 0);
        EXPECT_RC(op_end(&ops[2]), WEIR_ECLOSED);
    }
}

/* ---- shared -------------------------------------------------------------------------------- */

enum { SHARED_TICKS = 10, SHARERS = 3 };

struct sharer {
    struct flow flow;
    weir_receiver ticker, jobs;
    weir_time ticks[SHARED_TICKS];
    unsigned n;
    uint64_t sum;
    atomic_size_t *all;
};

static void take_ticks(void *arg)
{
    struct sharer *s = arg;
    while (s->n < SHARED_TICKS)
        EXPECT_RC(weir_recv(s->ticker, &s->ticks[s->n++]), 1);
}

static void open_sharers(struct sharer *s, weir_time period)
{
    s[0].ticker = weir_ticker_open(period);
    for (unsigned i = 0; i < SHARERS; i++) {
        s[i].n = 0;
        s[i].sum = 0;
        if (i > 0)
            s[i].ticker = weir_receiver_clone(s[0].ticker);
    }
}

static bool has_tick(const struct sharer *s, weir_time tick)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->ticks[i] == tick)
            return true;
    return false;
}

/* Each tick went to one of them. */
static void expect_different(const struct sharer *s, weir_time period)
{
    weir_time one = 0;
    for (unsigned i = 0; i < SHARERS; i++)
        for (unsigned k = 0; k < s[i].n; k++) {
            one = one ? one : s[i].ticks[k];
            EXPECT_EQ((s[i].ticks[k] - one) % period, 0);
            for (unsigned j = i + 1; j < SHARERS; j++)
                EXPECT(!has_tick(&s[j], s[i].ticks[k]));
        }
}

static void clones_share(void)
{
    struct sharer s[SHARERS];
    open_sharers(s, 200 * WEIR_US);
    for (unsigned i = 0; i < SHARERS; i++)
        flow_start(&s[i].flow, take_ticks, &s[i]);
    for (unsigned i = 0; i < SHARERS; i++)
        flow_join(&s[i].flow);
    expect_different(s, 200 * WEIR_US);
    EXPECT_EQ(stats_of(s[0].ticker.h).passed, SHARERS * SHARED_TICKS);
    for (unsigned i = 0; i < SHARERS; i++)
        EXPECT_RC(weir_close(s[i].ticker), 0);
}

/* ---- select -------------------------------------------------------------------------------- */

struct supply {
    struct flow flow;
    weir_sender tx;
    uint64_t sent;
    int rc;
};

static void send_until_refused(void *arg)
{
    struct supply *s = arg;
    while ((s->rc = weir_send(s->tx, &s->sent)) == 0)
        s->sent++;
}

/* There is always a job, and the ticker has its turn all the same. */
static void not_starved(void)
{
    enum { TICK, JOB, MORE };
    const weir_time period = 100 * WEIR_US;
    struct supply s[2] = {{.sent = 0}, {.sent = 0}};
    weir_receiver rx[2], ticker = weir_ticker_open(period);
    weir_time tick = 0, last = 0;
    uint64_t job = 0, jobs[2] = {0, 0};
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_RC(weir_channel_open(&s[i].tx, &rx[i], sizeof job, 9 * i, NULL), 0);
        flow_start(&s[i].flow, send_until_refused, &s[i]);
    }
    weir_case c[] = {weir_on_tick(ticker, &tick), weir_on_recv(rx[0], &job),
                     weir_on_recv(rx[1], &job)};
    for (unsigned ticks = 0; ticks < 10 || !jobs[0] || !jobs[1];) {
        int i = weir_select(c, 3, WEIR_FAIR);
        REQUIRE(i >= 0);
        EXPECT_RC(c[i].rc, 1);
        if (i != TICK) {
            EXPECT_EQ(job, jobs[i - JOB]++);
            continue;
        }
        EXPECT(tick > last && tick <= weir_now());
        EXPECT(last == 0 || (tick - last) % period == 0);
        last = tick;
        ticks++;
    }
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_RC(weir_close(rx[i]), 0);
        flow_join(&s[i].flow);
        EXPECT_RC(s[i].rc, WEIR_EPIPE);
        EXPECT_RC(weir_close(s[i].tx), 0);
    }
    EXPECT_RC(weir_close(ticker), 0);
}

/* Ticks of a shared ticker, until the jobs come, and end. */
static void work_and_tick(void *arg)
{
    struct sharer *s = arg;
    uint64_t job;
    weir_time tick, other;
    weir_receiver far = weir_timer_open(weir_after(FAR));
    weir_case c[] = {weir_on_recv(s->jobs, &job), weir_on_tick(s->ticker, &tick),
                     weir_on_tick(far, &other)};
    for (int i; (i = weir_select(c, 3, WEIR_FAIR)) != 0 || c[0].rc != 0;) {
        EXPECT(i == 0 || i == 1);
        EXPECT_RC(c[i].rc, 1);
        if (i == 0) {
            s->sum += job;
        } else {
            EXPECT(tick <= weir_now());
            if (s->n < SHARED_TICKS)
                s->ticks[s->n++] = tick;
            atomic_fetch_add(s->all, 1);
        }
    }
    EXPECT_RC(weir_close(far), 0);
}

static void selects_share(void)
{
    enum { JOBS = 300 };
    struct sharer s[SHARERS];
    weir_sender tx;
    weir_receiver rx;
    atomic_size_t all = 0;
    uint64_t sum = 0;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof sum, 4, NULL), 0);
    open_sharers(s, 300 * WEIR_US);
    for (unsigned i = 0; i < SHARERS; i++) {
        s[i].jobs = rx;
        s[i].all = &all;
        flow_start(&s[i].flow, work_and_tick, &s[i]);
    }
    while (atomic_load(&all) < SHARED_TICKS)
        flow_pause();
    for (uint64_t i = 0; i < JOBS; i++)
        EXPECT_RC(weir_send(tx, &i), 0);
    EXPECT_RC(weir_close(tx), 0);
    for (unsigned i = 0; i < SHARERS; i++) {
        flow_join(&s[i].flow);
        sum += s[i].sum;
    }
    EXPECT_EQ(sum, JOBS * (JOBS - 1) / 2);
    expect_different(s, 300 * WEIR_US);
    EXPECT_EQ(stats_of(s[0].ticker.h).passed, atomic_load(&all));
    EXPECT_EQ(stats_of(s[0].ticker.h).waiting_receivers, 0);
    for (unsigned i = 0; i < SHARERS; i++)
        EXPECT_RC(weir_close(s[i].ticker), 0);
    EXPECT_RC(weir_close(rx), 0);
}

struct waiter_on_two {
    struct flow flow;
    weir_case c[2];
    weir_time tick;
    uint64_t item;
    int fired;
};

static void select_two(void *arg)
{
    struct waiter_on_two *w = arg;
    w->fired = weir_select(w->c, 2, WEIR_FAIR);
}

/* Served by the channel, or ended by the close of the ticker's handle: never by a tick. */
static void beside_a_channel(void)
{
    for (int closes = 0; closes < 2; closes++) {
        struct waiter_on_two w = {.tick = 7, .item = 7};
        weir_sender tx;
        weir_receiver rx, ticker = weir_ticker_open(FAR);
        const uint64_t item = 5;
        EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 0, NULL), 0);
        w.c[0] = weir_on_tick(ticker, &w.tick);
        w.c[1] = weir_on_recv(rx, &w.item);
        flow_start(&w.flow, select_two, &w);
        await_receivers(ticker.h, 1);
        EXPECT_RC(closes ? weir_close(ticker) : weir_send(tx, &item), 0);
        flow_join(&w.flow);
        EXPECT_EQ(w.fired, closes ? 0 : 1);
        EXPECT_RC(w.c[w.fired].rc, closes ? WEIR_ECLOSED : 1);
        EXPECT_EQ(w.tick, 7);
        EXPECT_EQ(w.item, closes ? 7 : 5);
        EXPECT_EQ(stats_of(rx.h).waiting_receivers, 0);
        EXPECT_EQ(stats_of(ticker.h).waiting_receivers, 0);
        EXPECT_RC(weir_close(ticker), 0);
        close_both(tx, rx);
    }
}

/* Every second tick of a ticker, as a source of its own. */
struct halved {
    weir_receiver ticker;
    weir_time tick;
    unsigned taken;
};

static int halved_take(struct halved *h, int rc)
{
    return rc == 1 && ++h->taken % 2 == 1 ? WEIR_EAGAIN : rc;
}

static int halved_try(void *object, void *item)
{
    struct halved *h = object;
    if (h->taken == 0 || h->taken % 2) {
        int rc = halved_take(h, weir_try_recv(h->ticker, &h->tick));
        if (rc != 1)
            return rc;
    }
    h->taken = 0;
    *(weir_time *)item = h->tick;
    return 1;
}

static int halved_arm(void *object, weir_case *below)
{
    struct halved *h = object;
    *below = weir_on_tick(h->ticker, &h->tick);
    return 0;
}

static void halved_disarm(void *object, int rc)
{
    if (rc == 1)
        halved_take(object, rc);
}

static void below_a_source(void)
{
    static const weir_source source = {halved_try, halved_arm, halved_disarm};
    const weir_time period = 100 * WEIR_US;
    struct halved h = {.ticker = weir_ticker_open(period)};
    weir_time tick, last = 0;
    weir_case c[] = {weir_on_source(&source, &h, &tick)};
    for (int i = 0; i < 10; i++) {
        EXPECT_RC(weir_select(c, 1, WEIR_FAIR), 0);
        EXPECT_RC(c[0].rc, 1);
        EXPECT(tick <= weir_now());
        EXPECT(last == 0 || tick - last >= 2 * period);
        last = tick;
    }
    EXPECT_EQ(stats_of(h.ticker.h).passed, 20);
    EXPECT_RC(weir_close(h.ticker), 0);
}

/* ---- many ---------------------------------------------------------------------------------- */

enum { MANY_TIMERS = 3000, AT_ONCE = 1000 };

/* Open and closed unused; then all of a select's cases, each ticks once. */
static void thousands(void)
{
    static weir_receiver rx[MANY_TIMERS];
    static weir_case c[AT_ONCE];
    static weir_time tick[AT_ONCE], at[AT_ONCE];
    struct random r = random_from(MANY_TIMERS);
    for (unsigned i = 0; i < MANY_TIMERS; i++)
        rx[i] = i % 2 ? weir_ticker_open(1 + random_below(&r, 1000)) : weir_timer_open(WEIR_NEVER);
    for (unsigned i = 0; i < MANY_TIMERS; i++)
        EXPECT_RC(weir_close(rx[i]), 0);
    weir_time start = weir_now();
    for (unsigned i = 0; i < AT_ONCE; i++) {
        at[i] = start + (weir_time)random_below(&r, 3000000);
        rx[i] = weir_timer_open(at[i]);
        c[i] = weir_on_tick(rx[i], &tick[i]);
        tick[i] = 7;
    }
    for (unsigned n = 0; n < AT_ONCE; n++) {
        int i = weir_select(c, AT_ONCE, WEIR_FAIR);
        REQUIRE(i >= 0);
        EXPECT_RC(c[i].rc, 1);
        EXPECT_EQ(tick[i], at[i]);
        EXPECT(weir_now() >= at[i]);
        weir_case_off(&c[i]);
        EXPECT_RC(weir_close(rx[i]), 0);
    }
    EXPECT_RC(weir_select(c, AT_ONCE, WEIR_FAIR), WEIR_EDEADLK);
}

#define TICKER_CASES(CASE)                                                                         \
    CASE("F020 ticker: whole periods apart, never early", ticks_in_whole_periods)                  \
    CASE("F020 ticker: who is late gets the last tick, and one", who_is_late)                      \
    CASE("F038 F047 ticker: not due yet", not_due_yet)                                             \
    CASE("F020 timer: ticks once, then ends", a_timer_ticks_once)                                  \
    CASE("F051 timer: the end comes to all clones", an_end_for_all)                                \
    CASE("F034 ticker: periods that are none", what_is_no_period)                                  \
    CASE("F034 ticker: sends, items of another size, closed ones", what_is_no_tick)                \
    CASE("ticker: in a drop function", in_a_drop_function)                                         \
    CASE("F045 ticker: closed while parked", closed_while_parked)                                  \
    CASE("F041 ticker: clones share the ticks", clones_share)                                      \
    CASE("select: a ticker is not starved by jobs", not_starved)                                   \
    CASE("select: several share a ticker and jobs", selects_share)                                 \
    CASE("select: a ticker beside a channel, served and closed", beside_a_channel)                 \
    CASE("select: a ticker below a source", below_a_source)                                        \
    CASE("F020 timer: thousands", thousands)

#endif
