/* SPDX-License-Identifier: MIT */
/*
 * F020, F140 and the options of weir_run: simulated runs. What the actors of a run do is also
 * written down here, so that traces are not only compared with themselves.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness.h"
#include "os_thread.h"
#include <weir/weir.h>

WEIR_TYPE(num, int)

static int simulate(uint64_t seed, weir_body body, void *arg)
{
    unsetenv("WEIR_SEED");
    return weir_run(body, arg, &(weir_options){.simulate = true, .seed = seed});
}

static int does_nothing(void *unused)
{
    (void)unused;
    return 0;
}

/* ---- what happened --------------------------------------------------------------------- */

static struct {
    int what[4096];
    unsigned n;
} story;

static void tell(int what)
{
    if (story.n < sizeof story.what / sizeof *story.what)
        story.what[story.n++] = what;
}

static uint64_t story_hash(void)
{
    uint64_t h = 14695981039346656037u;
    for (unsigned i = 0; i < story.n; i++)
        h = (h ^ (uint64_t)story.what[i]) * 1099511628211u;
    return h;
}

/* ---- a bit of everything ------------------------------------------------------------------ */

enum { PRODUCERS = 3, CONSUMERS = 2, ITEMS = 10 };

struct part {
    num_sender tx;
    num_receiver rx, other;
    int number;
};

static int produce(void *arg)
{
    const struct part *p = arg;
    for (int i = 0; i < ITEMS; i++) {
        tell(p->number);
        int rc = num_send(p->tx, p->number * 100 + i);
        if (rc < 0)
            return rc;
        if (i % 4 == p->number)
            EXPECT_RC(weir_sleep(p->number * WEIR_MS), 0);
    }
    return 0;
}

static int consume(void *arg)
{
    const struct part *p = arg;
    int a = 0, b = 0;
    weir_case c[] = {num_on_recv(p->rx, &a), num_on_recv(p->other, &b)};
    for (int left = 2; left > 0;) {
        int i = weir_select_by(c, 2, WEIR_FAIR, weir_after(500 * WEIR_US));
        if (i == WEIR_ETIMEDOUT) {
            tell(1000);
            continue;
        }
        if (i < 0)
            return i;
        if (c[i].rc == 0) {
            weir_case_off(&c[i]);
            left--;
        }
        tell(2000 + p->number * 1000 + (i ? b : a));
    }
    return 0;
}

static int is_cancelled(void *arg)
{
    const struct part *p = arg;
    weir_auto(weir_scope) s = weir_move_on_after(p->number * WEIR_MS);
    int rc = weir_sleep(WEIR_NEVER);
    tell(rc);
    EXPECT_RC(weir_scope_end(s), 1);
    return 0;
}

static int spawn_parts(weir_group g, struct part p)
{
    int rc = 0;
    for (p.number = 1; p.number <= PRODUCERS && rc == 0; p.number++)
        rc = weir_spawn(g, produce, &p, .own = WEIR_OWN(struct part, tx));
    for (p.number = 0; p.number < CONSUMERS && rc == 0; p.number++)
        rc = weir_spawn(g, consume, &p, .own = WEIR_OWN(struct part, rx, other));
    for (p.number = 1; p.number <= 2 && rc == 0; p.number++)
        rc = weir_spawn(g, is_cancelled, &p, .pinned = true);
    return rc;
}

static int everything(void *unused)
{
    struct part p, q;
    (void)unused;
    story.n = 0;
    weir_group g = weir_group_begin();
    EXPECT_RC(num_channel(&p.tx, &p.rx, 0), 0);
    EXPECT_RC(num_channel(&q.tx, &p.other, 4), 0);
    EXPECT_RC(spawn_parts(g, p), 0);
    for (int i = 0; i < 2 * ITEMS; i++)
        EXPECT_RC(num_send(q.tx, i), 0);
    weir_close(q.tx);
    weir_close(p.tx);
    weir_close(p.rx);
    weir_close(p.other);
    int rc = weir_group_end(g);
    tell((int)(weir_now() / WEIR_US));
    return rc;
}

static int times_out(void *arg)
{
    const struct part *p = arg;
    weir_auto(weir_scope) s = weir_move_on_after(p->number * WEIR_MS);
    EXPECT_RC(weir_sleep(WEIR_NEVER), WEIR_ECANCELED);
    return 0;
}

/* Between two runs of a seed: the handles, records and numbers of the second are others. */
static int something_else(void *unused)
{
    num_sender tx;
    num_receiver rx;
    (void)unused;
    for (int i = 0; i < 7; i++) {
        EXPECT_RC(num_channel(&tx, &rx, (size_t)i), 0);
        if (i % 2)
            weir_close(rx);
        EXPECT_RC(weir_spawn(WEIR_RUN, times_out, &(struct part){.number = 1}), 0);
        EXPECT_RC(weir_spawn(WEIR_RUN, does_nothing, NULL), 0);
    }
    return 0;
}

static void run_same_seed(void)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        EXPECT_RC(simulate(seed, everything, NULL), 0);
        uint64_t trace = weir_simulated_trace(), told = story_hash();
        EXPECT_EQ(weir_simulated_seed(), seed);
        if (seed % 10 == 0)
            EXPECT_RC(weir_run(something_else, NULL, NULL), 0);
        EXPECT_RC(simulate(seed, everything, NULL), 0);
        EXPECT_EQ(weir_simulated_trace(), trace);
        EXPECT_EQ(story_hash(), told);
    }
}

static void ignore_report(const weir_log_record *record, void *reports)
{
    (void)record;
    ++*(unsigned *)reports;
}

/* Who is looked at runs as before. */
static void run_watched(void)
{
    unsigned reports = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        EXPECT_RC(simulate(seed, everything, NULL), 0);
        uint64_t trace = weir_simulated_trace();
        weir_set_log(ignore_report, &reports);
        EXPECT_RC(simulate(seed, everything, NULL), 0);
        weir_set_log(NULL, NULL);
        EXPECT_EQ(weir_simulated_trace(), trace);
    }
}

static unsigned distinct(uint64_t *values, unsigned n)
{
    unsigned different = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned before = 0;
        while (values[before] != values[i])
            before++;
        different += before == i;
    }
    return different;
}

static void run_other_seeds(void)
{
    enum { SEEDS = 100 };
    uint64_t traces[SEEDS], stories[SEEDS];
    for (unsigned i = 0; i < SEEDS; i++) {
        EXPECT_RC(simulate(i, everything, NULL), 0);
        traces[i] = weir_simulated_trace();
        stories[i] = story_hash();
    }
    EXPECT(distinct(traces, SEEDS) == SEEDS);
    EXPECT(distinct(stories, SEEDS) > SEEDS * 9 / 10);
}

/* All orders of four that are spawned one after the other. */
static int tells(void *arg)
{
    tell(((const struct part *)arg)->number);
    return 0;
}

static int spawns_four(void *unused)
{
    (void)unused;
    story.n = 0;
    for (int i = 0; i < 4; i++)
        EXPECT_RC(weir_spawn(WEIR_RUN, tells, &(struct part){.number = i}), 0);
    return 0;
}

static void run_all_orders(void)
{
    enum { SEEDS = 500 };
    uint64_t stories[SEEDS];
    for (unsigned i = 0; i < SEEDS; i++) {
        EXPECT_RC(simulate(i, spawns_four, NULL), 0);
        EXPECT_EQ(story.n, 4);
        stories[i] = story_hash();
    }
    EXPECT_EQ(distinct(stories, SEEDS), 24);
}

/* What a fair select looks at first. */
static int selects_once(void *unused)
{
    num_sender tx[2];
    num_receiver rx[2];
    int item;
    (void)unused;
    for (int i = 0; i < 2; i++) {
        EXPECT_RC(num_channel(&tx[i], &rx[i], 1), 0);
        EXPECT_RC(num_send(tx[i], i), 0);
    }
    weir_case c[] = {num_on_recv(rx[0], &item), num_on_recv(rx[1], &item)};
    return weir_select(c, 2, WEIR_FAIR);
}

static void run_select_from_seed(void)
{
    unsigned first = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        int i = simulate(seed, selects_once, NULL);
        EXPECT(i == 0 || i == 1);
        EXPECT_EQ(simulate(seed, selects_once, NULL), i);
        first += i == 0;
    }
    EXPECT(first > 20 && first < 80);
}

/* Operations that need not wait let others go first as well. */
static int fills(void *arg)
{
    const struct part *p = arg;
    for (int i = 0; i < 20; i++) {
        EXPECT_RC(num_send(p->tx, i), 0);
        tell(p->number);
    }
    return 0;
}

static int fill_together(void *unused)
{
    struct part p;
    (void)unused;
    story.n = 0;
    EXPECT_RC(num_channel(&p.tx, &p.rx, WEIR_UNBOUNDED), 0);
    for (p.number = 0; p.number < 2; p.number++)
        EXPECT_RC(weir_spawn(WEIR_RUN, fills, &p, .own = WEIR_OWN(struct part, tx)), 0);
    return weir_settle(); /* the receiver is ours and stays open */
}

static void run_overtaken(void)
{
    unsigned alternations = 0, runs_with_few = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        EXPECT_RC(simulate(seed, fill_together, NULL), 0);
        EXPECT_EQ(story.n, 40);
        unsigned here = 0;
        for (unsigned i = 1; i < story.n; i++)
            here += story.what[i] != story.what[i - 1];
        alternations += here;
        runs_with_few += here < 4;
    }
    EXPECT(alternations > 50 * 4);
    EXPECT(runs_with_few > 0);
}

/* ---- planted bugs ---------------------------------------------------------------------- */

enum { SEEDS_ENOUGH = 100 };

/* A number that is kept by an actor; to add to it takes two requests, and that is the bug. */
struct store_ends {
    num_sender put;
    num_receiver get;
};

static int keeps(void *arg)
{
    const struct part *p = arg; /* it offers its number, and takes another one */
    int number = 0, next;
    weir_case c[] = {num_on_send(p->tx, &number), num_on_recv(p->rx, &next)};
    for (;;) {
        int i = weir_select(c, 2, WEIR_ORDERED);
        if (i < 0 || c[i].rc < 0 || (i == 1 && c[i].rc == 0))
            return number;
        if (i == 1)
            number = next;
    }
}

static int adds(void *arg)
{
    const struct store_ends *s = arg;
    int number, rc;
    if ((rc = num_recv(s->get, &number)) <= 0)
        return WEIR_EPIPE;
    return num_send(s->put, number + 1);
}

/* The number in the end: 2, or 1 when an update was lost. */
static int lost_update(void *unused)
{
    struct store_ends s;
    struct part store;
    weir_task kept;
    int number = -1;
    (void)unused;
    weir_group g = weir_group_begin(), adders = weir_group_begin();
    EXPECT_RC(num_channel(&s.put, &store.rx, 0), 0);
    EXPECT_RC(num_channel(&store.tx, &s.get, 0), 0);
    EXPECT_RC(weir_spawn(g, keeps, &store, .give = WEIR_GIVE(struct part, tx, rx), .task = &kept),
              0);
    for (int i = 0; i < 2; i++)
        EXPECT_RC(weir_spawn(adders, adds, &s, .own = WEIR_OWN(struct store_ends, put, get)), 0);
    EXPECT_RC(weir_group_end(adders), 0);
    weir_close(s.put);
    weir_close(s.get);
    EXPECT_RC(weir_task_wait(kept), 0);
    EXPECT_RC(weir_task_result(kept, &number), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return number;
}

/* Two that take two things in opposite orders. */
struct two {
    num_receiver take[2];
    num_sender back[2];
};

static int takes_both(void *arg)
{
    const struct two *t = arg;
    int token, rc;
    for (int i = 0; i < 2; i++)
        if ((rc = num_recv(t->take[i], &token)) < 0)
            return rc;
    for (int i = 0; i < 2; i++)
        if ((rc = num_send(t->back[i], token)) < 0)
            return rc;
    return 0;
}

static int philosophers(void *unused)
{
    struct two t, other;
    (void)unused;
    weir_group g = weir_group_begin();
    for (int i = 0; i < 2; i++) {
        EXPECT_RC(num_channel(&t.back[i], &t.take[i], 1), 0);
        EXPECT_RC(num_send(t.back[i], i), 0);
        other.take[1 - i] = t.take[i];
        other.back[1 - i] = t.back[i];
    }
    EXPECT_RC(weir_spawn(g, takes_both, &t), 0);
    EXPECT_RC(weir_spawn(g, takes_both, &other), 0);
    return weir_group_end(g);
}

/* Some seed shows it, another one does not, and each does it again. */
static void expect_found(weir_body body, int good, int bad)
{
    unsigned found = 0, missed = 0;
    for (uint64_t seed = 1; seed <= SEEDS_ENOUGH; seed++) {
        int rc = simulate(seed, body, NULL);
        EXPECT(rc == good || rc == bad);
        found += rc == bad;
        missed += rc == good;
        EXPECT_RC(simulate(seed, body, NULL), rc);
    }
    EXPECT(found > 0);
    EXPECT(missed > 0);
}

static void run_lost_update(void)
{
    expect_found(lost_update, 2, 1);
}

static void run_deadlock_found(void)
{
    expect_found(philosophers, 0, WEIR_EDEADLK);
}

/* ---- stuck ------------------------------------------------------------------------------- */

static struct {
    unsigned all, one;
    char text[200];
} deadlocks;

static void count_deadlocks(const weir_log_record *r, void *unused)
{
    (void)unused;
    if (r->kind != WEIR_LOG_DEADLOCK)
        return;
    deadlocks.all += strncmp(r->text, "all ", 4) == 0;
    deadlocks.one += strncmp(r->text, "parked for ever: ", 17) == 0;
    strncpy(deadlocks.text, r->text, sizeof deadlocks.text - 1);
}

static int simulate_logged(weir_body body)
{
    memset(&deadlocks, 0, sizeof deadlocks);
    weir_set_log(count_deadlocks, NULL);
    int rc = simulate(1, body, NULL);
    weir_set_log(NULL, NULL);
    return rc;
}

static int waits_for_itself(void *unused)
{
    num_sender tx;
    num_receiver rx;
    int item;
    (void)unused;
    EXPECT_RC(num_channel(&tx, &rx, 0), 0);
    EXPECT_RC(num_recv(rx, &item), WEIR_EDEADLK);
    EXPECT_RC(num_send(tx, 1), WEIR_EDEADLK); /* and again */
    return 0;
}

static int ends_well(void *arg)
{
    return weir_spawn(WEIR_RUN, waits_for_itself, arg) < 0;
}

static void run_stuck(void)
{
    EXPECT_RC(simulate_logged(ends_well), WEIR_EDEADLK); /* whatever the bodies returned */
    EXPECT_EQ(deadlocks.all, 2);
    EXPECT_EQ(deadlocks.one, 2);
    EXPECT(strstr(deadlocks.text, "send on channel") != NULL);
}

/* Two are stuck while time goes on: reported then, and ended when it stops. */
static int stuck_beside(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, waits_for_itself, NULL), 0);
    EXPECT_RC(weir_sleep(50 * WEIR_MS), 0);
    EXPECT_EQ(deadlocks.one, 0);
    EXPECT_RC(weir_sleep(WEIR_S), 0);
    EXPECT_EQ(deadlocks.all, 0);
    EXPECT_EQ(deadlocks.one, 1);
    EXPECT_RC(weir_sleep(WEIR_S), 0);
    EXPECT_EQ(deadlocks.one, 1);
    return 0;
}

static void run_stuck_beside(void)
{
    EXPECT_RC(simulate_logged(stuck_beside), WEIR_EDEADLK);
    EXPECT_EQ(deadlocks.one, 2); /* its second wait is news */
}

/* Everything else that one can wait for, also in a shield. */
static int selects_for_ever(void *arg)
{
    const struct part *p = arg;
    int item;
    weir_case c[] = {num_on_recv(p->rx, &item)};
    weir_auto(weir_scope) s = weir_scope_begin();
    weir_scope_shield(s, true);
    EXPECT_RC(weir_select(c, 1, WEIR_FAIR), WEIR_EDEADLK);
    return 0;
}

static int sleeps_for_ever(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_sleep(WEIR_NEVER), WEIR_EDEADLK);
    return 7;
}

static int never_starts(void *unused)
{
    (void)unused;
    return weir_sleep(WEIR_NEVER);
}

static int awaits_task(void *arg)
{
    EXPECT_RC(weir_task_wait(*(weir_task *)arg), WEIR_EDEADLK);
    return 0;
}

static int everybody_stuck(void *unused)
{
    struct part p;
    weir_task t;
    int result;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(num_channel(&p.tx, &p.rx, 0), 0);
    EXPECT_RC(weir_spawn(g, selects_for_ever, &p), 0);
    EXPECT_RC(weir_spawn(g, sleeps_for_ever, NULL, .task = &t), 0);
    EXPECT_RC(weir_spawn(g, awaits_task, &t), 0);
    EXPECT_RC(weir_child_start(g, never_starts, (void *)NULL, NULL), WEIR_EDEADLK);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    EXPECT_EQ(result, 7);
    return 0;
}

static void run_everybody_stuck(void)
{
    if (os_threads() == 1) /* else a thread of a tool might come */
        EXPECT_RC(simulate(3, everybody_stuck, NULL), WEIR_EDEADLK);
}

/* ---- time -------------------------------------------------------------------------------- */

static int three_hours(void *unused)
{
    (void)unused;
    EXPECT_EQ(weir_now(), WEIR_SIMULATED_START);
    EXPECT_RC(weir_sleep(3 * 3600 * WEIR_S), 0);
    EXPECT_EQ(weir_now(), WEIR_SIMULATED_START + 3 * 3600 * WEIR_S);
    for (int i = 0; i < 600; i++)
        EXPECT_RC(weir_sleep(60 * WEIR_S), 0);
    EXPECT_EQ(weir_now(), WEIR_SIMULATED_START + 13 * 3600 * WEIR_S);
    EXPECT_RC(weir_sleep_until(5), 0); /* has passed */
    EXPECT_EQ(weir_now(), WEIR_SIMULATED_START + 13 * 3600 * WEIR_S);
    EXPECT_RC(weir_sleep(WEIR_NEVER - 1), WEIR_EDEADLK); /* saturates */
    return 0;
}

static weir_time real_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * WEIR_S + t.tv_nsec;
}

static void expect_real_clock(void)
{
    weir_time before = real_time(), now = weir_now();
    EXPECT(now >= before && now <= real_time());
}

static int one_hour(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_sleep(3600 * WEIR_S), 0);
    EXPECT_EQ(weir_now(), WEIR_SIMULATED_START + 3600 * WEIR_S);
    return 0;
}

static void run_virtual_time(void)
{
    EXPECT_RC(simulate(1, one_hour, NULL), 0);
    expect_real_clock();
    EXPECT_RC(simulate(2, one_hour, NULL), 0); /* begins again */
    if (os_threads() == 1)
        EXPECT_RC(simulate(1, three_hours, NULL), WEIR_EDEADLK);
}

struct alarm {
    weir_time at;
    int kind;
};

static weir_time last_alarm;

static int waits_until(void *arg)
{
    const struct alarm *a = arg;
    num_sender tx;
    num_receiver rx;
    int item;
    EXPECT_RC(num_channel(&tx, &rx, 0), 0);
    if (a->kind == 0) {
        EXPECT_RC(weir_sleep_until(a->at), 0);
    } else if (a->kind == 1) {
        EXPECT_RC(num_recv_by(rx, &item, a->at), WEIR_ETIMEDOUT);
    } else if (a->kind == 2) {
        weir_case c[] = {num_on_recv(rx, &item), num_on_recv(rx, &item)};
        EXPECT_RC(weir_select_by(c, 2, WEIR_FAIR, a->at), WEIR_ETIMEDOUT);
    } else {
        weir_scope s = weir_fail_at(a->at);
        EXPECT_RC(num_send(tx, 1), WEIR_ECANCELED);
        EXPECT_RC(weir_scope_end(s), WEIR_ETIMEDOUT);
    }
    EXPECT_EQ(weir_now(), a->at);
    EXPECT(last_alarm <= a->at);
    last_alarm = a->at;
    return 0;
}

static int in_order_of_time(void *unused)
{
    (void)unused;
    last_alarm = 0;
    for (int i = 0; i < 200; i++) {
        struct alarm a = {weir_after(1 + i * 7919 % 101), i % 4};
        EXPECT_RC(weir_spawn(WEIR_RUN, waits_until, &a), 0);
    }
    return 0;
}

static void run_in_order_of_time(void)
{
    for (uint64_t seed = 0; seed < 20; seed++)
        EXPECT_RC(simulate(seed, in_order_of_time, NULL), 0);
}

/* A ticker, and two that share it; each tick is exactly where it belongs. */
static int takes_ticks(void *arg)
{
    const weir_receiver *ticker = arg;
    weir_time tick;
    for (int i = 0; i < 100; i++) {
        EXPECT_RC(weir_recv(*ticker, &tick), 1);
        EXPECT_EQ(weir_now(), tick);
        tell((int)(tick / WEIR_S));
    }
    return 0;
}

static int tick_hours(void *unused)
{
    enum { START = WEIR_SIMULATED_START / WEIR_S };
    (void)unused;
    story.n = 0;
    weir_group g = weir_group_begin();
    weir_receiver ticker = weir_ticker_open(3600 * WEIR_S);
    for (int i = 0; i < 2; i++)
        EXPECT_RC(weir_spawn(g, takes_ticks, &ticker, .own = WEIR_OWN(weir_receiver, h)), 0);
    EXPECT_RC(weir_group_end(g), 0);
    for (unsigned i = 0; i < story.n; i++)
        EXPECT_EQ(story.what[i], START + ((int)i + 1) * 3600);
    return 0;
}

static void run_ticks(void)
{
    for (uint64_t seed = 0; seed < 5; seed++) {
        EXPECT_RC(simulate(seed, tick_hours, NULL), 0);
        EXPECT_EQ(story.n, 200);
    }
}

/* ---- settle --------------------------------------------------------------------------------- */

static int answers(void *arg)
{
    const struct part *p = arg;
    int item;
    while (num_recv(p->rx, &item) > 0)
        EXPECT_RC(num_send(p->tx, item + 1), 0);
    return 0;
}

/* What was sent has come through; time has not gone on, though somebody sleeps. */
static int settles(void *unused)
{
    struct part p, q;
    int item;
    (void)unused;
    EXPECT_RC(num_channel(&q.tx, &p.rx, 4), 0);
    EXPECT_RC(num_channel(&p.tx, &q.rx, 4), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, answers, &p, .give = WEIR_GIVE(struct part, tx, rx)), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, one_hour, NULL), 0);
    for (int i = 0; i < 4; i++)
        EXPECT_RC(num_send(q.tx, i), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT_EQ(weir_now(), WEIR_SIMULATED_START);
    for (int i = 0; i < 4; i++) {
        EXPECT_RC(num_try_recv(q.rx, &item), 1);
        EXPECT_EQ(item, i + 1);
    }
    EXPECT_RC(num_try_recv(q.rx, &item), WEIR_EAGAIN);
    return 0;
}

static void run_settles(void)
{
    for (uint64_t seed = 0; seed < 50; seed++)
        EXPECT_RC(simulate(seed, settles, NULL), 0);
}

/* ---- other threads ------------------------------------------------------------------------- */

/* Text in which the calling thread sees the table of actors. */
static bool dump_says(const char *part)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    REQUIRE(out != NULL);
    EXPECT_RC(weir_dump(out), 0);
    fclose(out);
    bool says = strstr(text, part) != NULL;
    free(text);
    return says;
}

/* Not before the run has nothing else to do; the table is of virtual time. */
static void *sends_later(void *arg)
{
    const struct part *p = arg;
    while (!dump_says("parked       0.0 s "))
        sched_yield();
    expect_real_clock();
    EXPECT_RC(num_send(p->tx, 5), 0);
    EXPECT_RC(weir_close(p->tx), 0);
    return NULL;
}

static int receives_from_thread(void *arg)
{
    const struct part *p = arg;
    int item;
    EXPECT_RC(num_recv(p->rx, &item), 1);
    EXPECT_EQ(item, 5);
    EXPECT_RC(num_recv(p->rx, &item), 0);
    EXPECT_EQ(weir_now(), WEIR_SIMULATED_START);
    return 0;
}

static void run_other_thread(void)
{
    struct part p;
    pthread_t thread;
    EXPECT_RC(num_channel(&p.tx, &p.rx, 0), 0);
    REQUIRE_EQ(pthread_create(&thread, NULL, sends_later, &p), 0);
    EXPECT_RC(simulate(1, receives_from_thread, &p), 0);
    pthread_join(thread, NULL);
    weir_close(p.rx);
}

/* ---- seeing --------------------------------------------------------------------------------- */

static int looks_at_half_time(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, one_hour, NULL, .name = "sleeper"), 0);
    EXPECT_RC(weir_sleep(1800 * WEIR_S), 0);
    EXPECT(dump_says("sleeper         parked    1800.0 s "));
    return 0;
}

static void run_dump(void)
{
    EXPECT_RC(simulate(1, looks_at_half_time, NULL), 0);
}

static unsigned hogs;

static void count_hogs(const weir_log_record *r, void *unused)
{
    (void)unused;
    hogs += r->kind == WEIR_LOG_HOG && strcmp(r->actor, "hog") == 0;
}

static int keeps_worker(void *unused)
{
    weir_time until = real_time() + 150 * WEIR_MS;
    (void)unused;
    while (real_time() < until)
        ;
    return weir_sleep(1000 * WEIR_S); /* this is nothing that anybody is blamed for */
}

static int spawns_hog(void *unused)
{
    (void)unused;
    return weir_spawn(WEIR_RUN, keeps_worker, NULL, .name = "hog");
}

static void run_hog(void)
{
    hogs = 0;
    weir_set_log(count_hogs, NULL);
    EXPECT_RC(simulate(1, spawns_hog, NULL), 0);
    weir_set_log(NULL, NULL);
    EXPECT_EQ(hogs, 1);
}

/* ---- options --------------------------------------------------------------------------------- */

static void run_options(void)
{
    weir_options o = {.simulate = true, .workers = 2};
    EXPECT_RC(weir_run(does_nothing, NULL, &o), WEIR_EINVAL);
    o.workers = 1;
    EXPECT_RC(weir_start(does_nothing, NULL, &o), WEIR_EINVAL);
    EXPECT_RC(weir_run(does_nothing, NULL, &o), 0);
    EXPECT_EQ(weir_simulated_seed(), 0);
}

static void run_environment(void)
{
    EXPECT_RC(simulate(77, everything, NULL), 0);
    uint64_t trace = weir_simulated_trace();
    EXPECT_RC(simulate(78, everything, NULL), 0);
    EXPECT(weir_simulated_trace() != trace);
    setenv("WEIR_SEED", "77", 1);
    EXPECT_RC(weir_run(everything, NULL, &(weir_options){.simulate = true, .seed = 78}), 0);
    EXPECT_EQ(weir_simulated_seed(), 77);
    EXPECT_EQ(weir_simulated_trace(), trace);
    unsetenv("WEIR_SEED");
}

static int crowd(void *unused)
{
    (void)unused;
    for (int i = 0; i < 5000; i++)
        EXPECT_RC(weir_spawn(WEIR_RUN, one_hour, NULL), 0);
    return 0;
}

static void run_crowd(void)
{
    EXPECT_RC(simulate(1, crowd, NULL), 0);
}

TEST_SUITE(simulate, "actors: simulated runs",
           {"F001 simulate: the same seed, the same run", run_same_seed},
           {"F001 simulate: a log hook changes nothing", run_watched},
           {"F001 simulate: other seeds, other runs", run_other_seeds},
           {"F001 simulate: all orders", run_all_orders},
           {"F001 simulate: a fair select looks where the seed says", run_select_from_seed},
           {"F001 simulate: others go first anywhere", run_overtaken},
           {"F001 simulate: finds a lost update", run_lost_update},
           {"F001 simulate: finds a dead lock", run_deadlock_found},
           {"F001 simulate: stuck for ever", run_stuck},
           {"F001 simulate: some are stuck while time goes on", run_stuck_beside},
           {"F001 simulate: any wait of who is stuck ends", run_everybody_stuck},
           {"F020 simulate: time is virtual and exact", run_virtual_time},
           {"F020 simulate: deadlines in the order of time", run_in_order_of_time},
           {"F020 simulate: ticks", run_ticks}, {"F140 settle: before time goes on", run_settles},
           {"F001 simulate: another thread sends", run_other_thread},
           {"F001 simulate: the table of actors is of virtual time", run_dump},
           {"F001 simulate: hogs by the real time", run_hog},
           {"F001 simulate: options", run_options}, {"F001 simulate: WEIR_SEED", run_environment},
           {"F001 simulate: thousands", run_crowd});
