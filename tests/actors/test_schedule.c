/* SPDX-License-Identifier: MIT */
/* test_schedule.c - who runs when: yield, fairness, deadlines, wakes from threads, errno. */
#include <errno.h>
#include <string.h>

#include "flow_actors.h"
#include "one_worker.h"

#include "../channels/ops.h"

static void in_run(weir_body body)
{
    flows_mixed = false;
    EXPECT_RC(weir_run(body, NULL, &one_worker), 0);
}

/* ---- yield ---------------------------------------------------------------------------------- */

enum { TURNS = 200, ROBINS = 5 };

struct robin {
    unsigned id, *n;
    unsigned char *log;
};

static int take_turns(void *arg)
{
    struct robin *r = arg;
    for (unsigned i = 0; i < TURNS; i++) {
        r->log[(*r->n)++] = (unsigned char)r->id;
        EXPECT_RC(weir_yield(), 0);
    }
    return 0;
}

/* Between two turns of one each of the others has one. */
static int round_robin(void *unused)
{
    static unsigned char log[ROBINS * TURNS];
    unsigned n = 0, wrong = 0;
    (void)unused;
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < ROBINS; i++) {
        struct robin r = {i, &n, log};
        EXPECT_RC(weir_spawn(g, take_turns, &r), 0);
    }
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(n, ROBINS * TURNS);
    for (unsigned i = ROBINS; i < n; i++)
        wrong += log[i] != log[i - ROBINS];
    EXPECT_EQ(wrong, 0);
    return 0;
}

static int count_up(void *arg)
{
    ++*(unsigned *)arg;
    return 0;
}

/* One yield is enough for each that is runnable, new ones as well; whoever's turn the loop's is. */
static int yield_lets_all_run(void *unused)
{
    unsigned n = 0, spawned = 0;
    (void)unused;
    EXPECT_RC(weir_yield(), 0); /* alone */
    for (unsigned round = 0; round < 300; round++) {
        for (unsigned i = 0; i < 1 + round % 10; i++, spawned++)
            EXPECT_RC(weir_spawn(WEIR_RUN, count_up, (void *)&n), 0);
        EXPECT_RC(weir_yield(), 0);
        EXPECT_EQ(n, spawned);
    }
    return 0;
}

/* ---- fairness: who never has to wait still makes place now and then ------------------------- */

struct busy {
    weir_sender tx;
    weir_receiver rx;
    bool *stop;
    uint64_t n;
};

enum { FAR_TOO_MANY = 1000000 };

static int talk_to_oneself(void *arg)
{
    struct busy *b = arg;
    for (b->n = 0; !*b->stop && b->n < FAR_TOO_MANY; b->n++)
        if (weir_send(b->tx, &b->n) != 0 || weir_recv(b->rx, &b->n) != 1)
            return WEIR_EINVAL;
    return *b->stop ? 0 : WEIR_EAGAIN;
}

static int only_send(void *arg)
{
    struct busy *b = arg;
    for (b->n = 0; !*b->stop && b->n < FAR_TOO_MANY; b->n++)
        if (weir_send(b->tx, &b->n) != 0)
            return WEIR_EINVAL;
    weir_close(b->tx);
    return *b->stop ? 0 : WEIR_EAGAIN;
}

static int only_recv(void *arg)
{
    struct busy *b = arg;
    int rc;
    while ((rc = weir_recv(b->rx, &b->n)) > 0)
        ;
    return rc;
}

static int set_flag(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

static int yield_and_set(void *arg)
{
    for (unsigned i = 0; i < 20; i++)
        weir_yield();
    return set_flag(arg);
}

static int budget(void *unused)
{
    static const size_t capacities[] = {1, 3, 128, WEIR_UNBOUNDED};
    (void)unused;
    for (unsigned i = 0; i < sizeof capacities / sizeof capacities[0]; i++)
        for (unsigned late = 0; late < 2; late++) {
            bool stop = false;
            struct busy b = {.stop = &stop};
            EXPECT_RC(weir_channel_open(&b.tx, &b.rx, 8, capacities[i], NULL), 0);
            weir_group g = weir_group_begin();
            EXPECT_RC(weir_spawn(g, talk_to_oneself, &b), 0);
            EXPECT_RC(weir_spawn(g, late ? yield_and_set : set_flag, (void *)&stop), 0);
            EXPECT_RC(weir_group_end(g), 0);
        }
    return 0;
}

/* A pair that wakes each other for ever does not starve a third one. */
static int pairs_are_fair(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < BASE_KINDS; i++)
        for (unsigned late = 0; late < 2; late++) {
            bool stop = false;
            struct busy b = {.stop = &stop};
            kind_open(&base_kinds[i], &b.tx, &b.rx);
            weir_group g = weir_group_begin();
            EXPECT_RC(weir_spawn(g, only_recv, &b), 0);
            EXPECT_RC(weir_spawn(g, only_send, &b), 0);
            EXPECT_RC(weir_spawn(g, late ? yield_and_set : set_flag, (void *)&stop), 0);
            EXPECT_RC(weir_group_end(g), 0);
            EXPECT_RC(weir_close(b.rx), 0);
        }
    return 0;
}

/* Nor does an actor that only yields starve timers and wakes from outside. */
static int yields_see_deadlines(void *unused)
{
    struct op op = {.call = OP_RECV, .deadline = weir_after(2 * WEIR_MS)};
    weir_sender tx;
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &op.rx, 8, 1, NULL), 0);
    flow_start(&op.flow, op_run, &op);
    weir_time give_up = weir_after(60 * WEIR_S);
    while (!flow_done(&op.flow) && weir_now() < give_up)
        weir_yield();
    EXPECT_RC(op.rc, WEIR_ETIMEDOUT);
    return 0;
}

/* Non-waiting forms never yield. */
static int tries_do_not_yield(void *unused)
{
    weir_sender tx;
    weir_receiver rx;
    bool ran = false;
    uint64_t item = 0, items[2] = {0};
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 4, NULL), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, set_flag, (void *)&ran), 0);
    for (unsigned i = 0; i < 5000; i++) {
        weir_try_send(tx, &item);
        weir_try_recv(rx, &item);
        weir_try_send_many(tx, items, 2);
        weir_try_recv_many(rx, items, 2);
    }
    EXPECT(!ran);
    EXPECT_RC(weir_yield(), 0);
    EXPECT(ran);
    return 0;
}

/* ---- deadlines ------------------------------------------------------------------------------ */

enum { SLEEPERS = 300 };

struct sleeper {
    weir_receiver rx;
    weir_time deadline;
    int *early;
    unsigned *left;
};

static int sleep_until(void *arg)
{
    struct sleeper *s = arg;
    uint64_t item;
    int rc = weir_recv_by(s->rx, &item, s->deadline);
    *s->early += rc != WEIR_ETIMEDOUT || weir_now() < s->deadline;
    --*s->left;
    return 0;
}

static int many_deadlines(void *unused)
{
    struct random r = random_from(3);
    weir_sender tx;
    weir_receiver rx;
    int early = 0;
    unsigned left = SLEEPERS;
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &rx, 8, 1, NULL), 0);
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < SLEEPERS; i++) {
        weir_time wait = (weir_time)random_below(&r, 20000) * WEIR_US;
        struct sleeper s = {rx, weir_after(wait), &early, &left};
        EXPECT_RC(weir_spawn(g, sleep_until, &s), 0);
    }
    EXPECT_RC(weir_group_end(g), 0); /* nothing is runnable: the worker sleeps itself */
    EXPECT_EQ(early, 0);
    EXPECT_EQ(left, 0);
    EXPECT_EQ(stats_of(rx.h).waiting_receivers, 0);
    return 0;
}

/* Deadlines that are not reached leave nothing behind. */
static int deadlines_not_reached(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < BASE_KINDS; i++) {
        weir_sender tx;
        weir_receiver rx;
        kind_open(&base_kinds[i], &tx, &rx);
        for (uint64_t n = 0; n < 500; n++) {
            struct op op = {.call = OP_RECV, .rx = rx, .deadline = weir_after(WEIR_S * 3600)};
            flow_start(&op.flow, op_run, &op);
            await_receivers(rx.h, 1);
            EXPECT_RC(weir_send_by(tx, &n, weir_after(WEIR_S * 3600)), 0);
            EXPECT_RC(op_end(&op), 1);
            EXPECT_EQ(op.items[0], n);
        }
        close_both(tx, rx);
    }
    return 0;
}

static int only_a_deadline_is_left(void *unused)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item;
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 0, NULL), 0);
    for (unsigned i = 0; i < 5; i++) {
        weir_time deadline = weir_after(WEIR_MS);
        EXPECT_RC(weir_recv_by(rx, &item, deadline), WEIR_ETIMEDOUT);
        EXPECT(weir_now() >= deadline);
        deadline = weir_after(WEIR_MS);
        item = i;
        EXPECT_RC(weir_send_by(tx, &item, deadline), WEIR_ETIMEDOUT);
        EXPECT(weir_now() >= deadline);
    }
    return 0;
}

/* ---- a worker that sleeps is woken by threads ----------------------------------------------- */

struct echo {
    pthread_t thread;
    weir_receiver rx;
    weir_sender tx;
    uint64_t n;
};

static void *echo(void *arg)
{
    struct echo *e = arg;
    uint64_t item;
    for (e->n = 0; weir_recv(e->rx, &item) > 0; e->n++)
        if (weir_send(e->tx, &item) < 0)
            break;
    weir_close(e->tx);
    return NULL;
}

/* Neither side has anything else to do: each wait is a sleep, or nearly. */
static int ping_pong_with_a_thread(void *unused)
{
    const uint64_t n = 3000 / SLOWNESS;
    (void)unused;
    for (unsigned i = 0; i < BASE_KINDS; i++) {
        struct echo e;
        weir_sender to;
        weir_receiver from;
        uint64_t item = 0;
        kind_open(&base_kinds[i], &to, &e.rx);
        kind_open(&base_kinds[i], &e.tx, &from);
        if (!EXPECT_EQ(pthread_create(&e.thread, NULL, echo, &e), 0))
            return -1;
        for (uint64_t k = 0; k < n; k++) {
            EXPECT_RC(weir_send(to, &k), 0);
            EXPECT_RC(weir_recv(from, &item), 1);
            EXPECT_EQ(item, k);
        }
        EXPECT_RC(weir_close(to), 0);
        EXPECT_RC(weir_recv(from, &item), 0);
        pthread_join(e.thread, NULL);
        EXPECT_EQ(e.n, n);
    }
    return 0;
}

static void *close_soon(void *arg)
{
    struct echo *e = arg;
    while (stats_of(e->tx.h).waiting_receivers == 0)
        sched_yield();
    weir_close(e->tx);
    return NULL;
}

static int closed_by_a_thread(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 200 / SLOWNESS; i++) {
        struct echo e;
        uint64_t item;
        EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof item, i % 3, NULL), 0);
        if (!EXPECT_EQ(pthread_create(&e.thread, NULL, close_soon, &e), 0))
            return -1;
        EXPECT_RC(weir_recv(e.rx, &item), 0);
        pthread_join(e.thread, NULL);
        EXPECT_RC(weir_close(e.rx), 0);
    }
    return 0;
}

/* ---- errno ---------------------------------------------------------------------------------- */

struct errnos {
    int value;
    weir_sender tx;
    weir_receiver rx;
};

static int keep_errno(void *arg)
{
    struct errnos *e = arg;
    uint64_t item;
    int wrong = 0;
    errno = e->value;
    for (unsigned i = 0; i < 50; i++) {
        weir_yield();
        wrong += errno != e->value;
        weir_recv(e->rx, &item);
        wrong += errno != e->value;
        weir_recv_by(e->rx, &item, weir_after(50 * WEIR_US));
        wrong += errno != e->value;
    }
    EXPECT_EQ(wrong, 0);
    return 0;
}

static int errno_is_each_actors_own(void *unused)
{
    struct errnos e = {.value = 100};
    uint64_t item = 0;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof item, 0, NULL), 0);
    weir_group g = weir_group_begin();
    for (; e.value < 110; e.value++)
        EXPECT_RC(weir_spawn(g, keep_errno, &e, .own = WEIR_OWN(struct errnos, rx)), 0);
    weir_close(e.rx);
    errno = 99;
    while (weir_send(e.tx, &item) == 0)
        EXPECT_EQ(errno, 99);
    EXPECT_EQ(errno, 99);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(errno, 99);
    return 0;
}

/* ---- registers: what the compiler keeps across a suspension --------------------------------- */

struct sums {
    weir_receiver rx;
    weir_sender tx;
    unsigned seed;
};

static int keep_values(void *arg)
{
    struct sums *s = arg;
    uint64_t a = s->seed, b = a * 3, c = a * 5, d = a * 7, e = a * 11, f = a * 13, item;
    double x = (double)a / 3, y = x * 1.5, z = y + 0.25;
    for (uint64_t i = 1; i <= 100; i++) {
        weir_yield();
        a += i, b += i, c += i, d += i, e += i, f += i;
        x += 1, y += 1, z += 1;
        if (i % 10 == 0 && weir_recv(s->rx, &item) < 0)
            return WEIR_EINVAL;
    }
    EXPECT_EQ(a, s->seed + 5050);
    EXPECT_EQ(b, 3 * s->seed + 5050);
    EXPECT_EQ(c, 5 * s->seed + 5050);
    EXPECT_EQ(d, 7 * s->seed + 5050);
    EXPECT_EQ(e, 11 * s->seed + 5050);
    EXPECT_EQ(f, 13 * s->seed + 5050);
    EXPECT(x > s->seed / 3.0 + 99.9 && x < s->seed / 3.0 + 100.1);
    EXPECT(y > s->seed / 2.0 + 99.9 && y < s->seed / 2.0 + 100.1);
    EXPECT(z > s->seed / 2.0 + 100.1 && z < s->seed / 2.0 + 100.3);
    return 0;
}

static int values_survive(void *unused)
{
    struct sums s;
    uint64_t item = 0;
    (void)unused;
    EXPECT_RC(weir_channel_open(&s.tx, &s.rx, sizeof item, 0, NULL), 0);
    weir_group g = weir_group_begin();
    for (s.seed = 1; s.seed <= 20; s.seed++)
        EXPECT_RC(weir_spawn(g, keep_values, &s, .own = WEIR_OWN(struct sums, rx)), 0);
    weir_close(s.rx);
    while (weir_send(s.tx, &item) == 0)
        ;
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

#define IN_RUN(body)                                                                               \
    static void run_##body(void)                                                                   \
    {                                                                                              \
        in_run(body);                                                                              \
    }
IN_RUN(round_robin)
IN_RUN(yield_lets_all_run)
IN_RUN(budget)
IN_RUN(pairs_are_fair)
IN_RUN(yields_see_deadlines)
IN_RUN(tries_do_not_yield)
IN_RUN(many_deadlines)
IN_RUN(deadlines_not_reached)
IN_RUN(only_a_deadline_is_left)
IN_RUN(ping_pong_with_a_thread)
IN_RUN(closed_by_a_thread)
IN_RUN(errno_is_each_actors_own)
IN_RUN(values_survive)

TEST_SUITE(schedule, "actors: scheduling", {"F021 yield: one turn each", run_round_robin},
           {"F021 yield: lets all that are runnable run", run_yield_lets_all_run},
           {"F049 fairness: an actor that never waits", run_budget},
           {"F049 fairness: a pair that wakes each other", run_pairs_are_fair},
           {"F049 fairness: yields and deadlines", run_yields_see_deadlines},
           {"F036 non-waiting forms do not yield", run_tries_do_not_yield},
           {"F047 deadlines: hundreds at once", run_many_deadlines},
           {"F047 deadlines: met in time", run_deadlines_not_reached},
           {"F046 deadlines: when nothing else is left", run_only_a_deadline_is_left},
           {"F035 ping-pong of an actor and a thread", run_ping_pong_with_a_thread},
           {"F043 closed by a thread while the worker sleeps", run_closed_by_a_thread},
           {"F037 errno is each actor's own", run_errno_is_each_actors_own},
           {"F037 values survive a suspension", run_values_survive});
