/* SPDX-License-Identifier: MIT */
/* F140: wait until all others are parked, with any number of workers. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "harness.h"
#include <weir/weir.h>

WEIR_TYPE(num, unsigned)

enum { STAGES = 6, ITEMS = 20, ROUNDS = 30 };

struct stage {
    num_receiver from;
    num_sender to;
};

static atomic_uint steps;

/* Passes on; it is not parked between the two, and sometimes lets others run meanwhile. */
static int passes_on(void *arg)
{
    const struct stage *s = arg;
    unsigned item;
    int rc;
    while ((rc = num_recv(s->from, &item)) > 0) {
        if (item % 3 == 0 && (rc = weir_yield()) < 0)
            break;
        atomic_fetch_add(&steps, 1);
        if ((rc = num_send(s->to, item)) < 0)
            break;
    }
    return rc;
}

/* A chain of stages; its ends are the caller's. */
static void spawn_chain(weir_group g, num_sender *first, num_receiver *last)
{
    struct stage s;
    EXPECT_RC(num_channel(first, last, 4), 0);
    for (int i = 0; i < STAGES; i++) {
        s.from = *last;
        EXPECT_RC(num_channel(&s.to, last, i % 2 ? 0 : WEIR_UNBOUNDED), 0);
        EXPECT_RC(weir_spawn(g, passes_on, &s, .give = WEIR_GIVE(struct stage, from, to)), 0);
    }
}

/* Each batch goes as far as it can: through all stages, whose last waits to be rid of one. */
static int chain(void *unused)
{
    num_sender tx;
    num_receiver rx;
    unsigned item;
    (void)unused;
    atomic_store(&steps, 0);
    weir_group g = weir_group_begin();
    spawn_chain(g, &tx, &rx);
    for (unsigned n = 1; n <= ROUNDS; n++) {
        EXPECT_RC(num_send(tx, n), 0);
        EXPECT_RC(weir_settle(), 0);
        EXPECT_EQ(atomic_load(&steps), n * STAGES);
        EXPECT_RC(num_try_recv(rx, &item), 1);
        EXPECT_EQ(item, n);
    }
    weir_close(tx);
    EXPECT_RC(num_recv(rx, &item), 0);
    return weir_group_end(g);
}

/* ---- who counts as parked ----------------------------------------------------------------- */

static atomic_uint awake;

static int is_busy(void *unused)
{
    (void)unused;
    for (int i = 0; i < 300; i++)
        EXPECT_RC(weir_yield(), 0);
    atomic_fetch_sub(&awake, 1);
    return 0;
}

static int sleeps_long(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++)
        EXPECT_RC(weir_yield(), 0);
    atomic_fetch_sub(&awake, 1);
    return weir_sleep(3600 * WEIR_S);
}

static int waits_long(void *arg)
{
    unsigned item;
    atomic_fetch_sub(&awake, 1);
    int rc = num_recv_by(*(num_receiver *)arg, &item, weir_after(3600 * WEIR_S));
    return rc;
}

static int settles_too(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_settle(), 0);
    EXPECT_EQ(atomic_load(&awake), 0);
    return 0;
}

static int parked_or_not(void *unused)
{
    enum { BUSY = 10 };
    num_sender tx;
    num_receiver rx;
    (void)unused;
    weir_group g = weir_group_begin(), settlers = weir_group_begin();
    EXPECT_RC(num_channel(&tx, &rx, 0), 0);
    atomic_store(&awake, BUSY + 2);
    EXPECT_RC(weir_spawn(g, sleeps_long, NULL), 0);
    EXPECT_RC(weir_spawn(g, waits_long, &rx), 0);
    for (int i = 0; i < BUSY; i++) {
        EXPECT_RC(weir_spawn(g, is_busy, NULL, .pinned = i % 2), 0);
        EXPECT_RC(weir_spawn(settlers, settles_too, NULL), 0);
    }
    EXPECT_RC(weir_settle(), 0);
    EXPECT_EQ(atomic_load(&awake), 0);
    EXPECT_RC(weir_group_end(settlers), 0);
    EXPECT_RC(weir_settle(), 0); /* nobody does anything */
    EXPECT_RC(weir_group_cancel(g, "enough"), 0);
    return weir_group_end(g);
}

/* ---- plain threads beside ------------------------------------------------------------------ */

struct beside {
    num_sender tx;
    num_receiver rx;
};

static atomic_uint senders;

static void *sends(void *arg)
{
    const struct beside *b = arg;
    for (unsigned i = 0; i < 300; i++)
        EXPECT_RC(num_send(b->tx, i), 0);
    if (atomic_fetch_sub(&senders, 1) == 1)
        weir_close(b->tx);
    return NULL;
}

static int counts(void *arg)
{
    const struct beside *b = arg;
    unsigned item, n = 0;
    while (num_recv(b->rx, &item) > 0)
        n++;
    EXPECT_EQ(n, 600);
    return 0;
}

static int settles_meanwhile(void *unused)
{
    struct beside b;
    pthread_t thread[2];
    (void)unused;
    EXPECT_RC(num_channel(&b.tx, &b.rx, 2), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, counts, &b, .give = WEIR_GIVE(struct beside, rx)), 0);
    atomic_store(&senders, 2);
    for (int i = 0; i < 2; i++)
        REQUIRE_EQ(pthread_create(&thread[i], NULL, sends, &b), 0);
    for (int i = 0; i < 50; i++)
        EXPECT_RC(weir_settle(), 0);
    EXPECT_RC(weir_group_end(g), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    return 0;
}

/* ---- ends otherwise -------------------------------------------------------------------------- */

struct cancelled {
    weir_scope scope;
    num_sender has_begun;
};

/* The main actor is never parked while this one settles, but to be told. */
static int is_cancelled(void *arg)
{
    const struct cancelled *c = arg;
    weir_scope s = weir_scope_begin();
    EXPECT_RC(weir_scope_cancel(s, NULL), 0);
    EXPECT_RC(weir_settle(), WEIR_ECANCELED);
    EXPECT_RC(weir_scope_end(s), 1);
    s = weir_move_on_after(WEIR_MS);
    EXPECT_RC(num_send(c->has_begun, 1), 0);
    EXPECT_RC(weir_settle(), WEIR_ECANCELED); /* while it waits */
    EXPECT_RC(weir_scope_end(s), 1);
    EXPECT_RC(num_send(c->has_begun, 2), 0);
    EXPECT_RC(weir_settle(), 0);
    return 0;
}

static int cancel_settling(void *unused)
{
    struct cancelled c;
    num_receiver rx;
    unsigned item;
    int rc;
    (void)unused;
    EXPECT_RC(num_channel(&c.has_begun, &rx, 2), 0);
    EXPECT_RC(
        weir_spawn(WEIR_RUN, is_cancelled, &c, .give = WEIR_GIVE(struct cancelled, has_begun)), 0);
    EXPECT_RC(num_recv(rx, &item), 1);
    while ((rc = num_try_recv(rx, &item)) == WEIR_EAGAIN)
        EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(rc, 1);
    EXPECT_EQ(item, 2);
    return 0;
}

static void settles_in_drop(void *item, void *result)
{
    (void)item;
    *(int *)result = weir_settle();
}

static int drops(void *unused)
{
    int in_drop = 0;
    unsigned item = 1;
    weir_sender tx;
    weir_receiver rx;
    weir_channel_options o = {.drop = settles_in_drop, .drop_context = &in_drop};
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, &o), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(in_drop, WEIR_EPERM);
    return weir_close(tx);
}

/* ---- the log hook wakes somebody on a worker that has nothing to run ---------------------- */

static num_sender to_woken;
static atomic_bool waits_there, reported, told_settled, has_run;

static void wakes(const weir_log_record *r, void *unused)
{
    (void)unused;
    if (r->kind != WEIR_LOG_HOG)
        return;
    EXPECT_RC(num_try_send(to_woken, 1), 0);
    atomic_store(&reported, true);
    for (int turn = 0; turn < 10000 && !atomic_load(&told_settled); turn++)
        sched_yield(); /* the hog settles meanwhile, on the other worker */
}

static int is_woken(void *rx)
{
    unsigned item;
    atomic_store(&waits_there, true);
    int rc = num_recv(*(num_receiver *)rx, &item);
    atomic_store(&has_run, true);
    return rc - 1;
}

/* The other one runs where nobody else is, and that worker watches this one. */
static int hogs_and_settles(void *unused)
{
    num_receiver rx;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(num_channel(&to_woken, &rx, 0), 0);
    EXPECT_RC(weir_spawn(g, is_woken, &rx), 0);
    while (!atomic_load(&waits_there) || !atomic_load(&reported))
        ;
    EXPECT_RC(weir_settle(), 0);
    EXPECT(atomic_load(&has_run));
    atomic_store(&told_settled, true);
    return weir_group_end(g);
}

static void run_hook_wakes(void)
{
    weir_set_log(wakes, NULL);
    EXPECT_RC(weir_run(hogs_and_settles, NULL, &(weir_options){.workers = 2}), 0);
    weir_set_log(NULL, NULL);
}

/* ---- with any number of workers --------------------------------------------------------- */

static void run_each(weir_body body)
{
    static const unsigned workers[] = {1, 2, 8};
    for (unsigned i = 0; i < 3; i++)
        for (int again = 0; again < 5; again++)
            EXPECT_RC(weir_run(body, NULL, &(weir_options){.workers = workers[i]}), 0);
    EXPECT_RC(weir_run(body, NULL, NULL), 0);
}

static void run_chain(void)
{
    run_each(chain);
}

static void run_parked_or_not(void)
{
    run_each(parked_or_not);
}

static void run_meanwhile(void)
{
    run_each(settles_meanwhile);
}

static void run_cancelled(void)
{
    run_each(cancel_settling);
}

static void run_refused(void)
{
    EXPECT_RC(weir_settle(), WEIR_EPERM);
    run_each(drops);
}

TEST_SUITE(settle, "actors: settle", {"F140 settle: what was sent has been dealt with", run_chain},
           {"F140 settle: who is parked and who is not", run_parked_or_not},
           {"F140 settle: while plain threads send", run_meanwhile},
           {"F140 settle: cancelled", run_cancelled},
           {"F140 settle: woken by the log hook", run_hook_wakes},
           {"F140 settle: not on plain threads, not in drop functions", run_refused});
