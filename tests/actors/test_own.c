/* SPDX-License-Identifier: MIT */
/* test_own.c - what an actor owns is closed when its body returns, and nothing else is. */
#include <string.h>

#include "flow_actors.h"
#include "one_worker.h"

struct ends {
    weir_sender tx;
    weir_receiver rx;
    weir_sender other_tx;
    weir_receiver other_rx;
};

static void in_run(weir_body body)
{
    EXPECT_RC(weir_run(body, NULL, &one_worker), 0);
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* Spawn into a group and wait for it. */
static int run_child(weir_body body, const struct ends *e, weir_own own, weir_own give)
{
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, body, e, .own = own, .give = give), 0);
    return weir_group_end(g);
}

static const weir_own nothing, give_tx = WEIR_GIVE(struct ends, tx),
                               give_rx = WEIR_GIVE(struct ends, rx);

/* ---- the peer sees the end ------------------------------------------------------------------ */

static int return_with_receiver(void *arg)
{
    struct ends *e = arg;
    uint64_t item;
    return weir_recv(e->rx, &item) == 1 && item == 1 ? 0 : WEIR_EPIPE;
}

static int peers_see_the_end(void *unused)
{
    struct ends e;
    uint64_t item = 1;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof item, 4, NULL), 0);
    EXPECT_RC(run_child(do_nothing, &e, nothing, give_tx), 0);
    EXPECT_RC(weir_check(e.tx), WEIR_ECLOSED);
    EXPECT_RC(weir_recv(e.rx, &item), 0);
    EXPECT_RC(weir_close(e.rx), 0);

    item = 1;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof item, 4, NULL), 0);
    for (unsigned i = 0; i < 3; i++)
        EXPECT_RC(weir_send(e.tx, &item), 0);
    EXPECT_RC(run_child(return_with_receiver, &e, nothing, give_rx), 0);
    EXPECT_RC(weir_send(e.tx, &item), WEIR_EPIPE);
    EXPECT_EQ(stats_of(e.tx.h).buffered, 0);
    EXPECT_RC(weir_close(e.tx), 0);
    return 0;
}

/* A failed body, an early return: it is the same. */
static int open_more_and_fail(void *arg)
{
    struct ends *e = arg, mine[20];
    for (unsigned i = 0; i < 20; i++)
        EXPECT_RC(weir_channel_open(&mine[i].tx, &mine[i].rx, 8, i, NULL), 0);
    for (unsigned i = 0; i < 20; i++) { /* a clone of the parent's is the child's, too */
        EXPECT_RC(weir_check(weir_sender_clone(e->tx)), 0);
        EXPECT_RC(weir_check(weir_receiver_clone(e->rx)), 0);
    }
    EXPECT_EQ(stats_of(e->tx.h).open_senders, 21);
    e->other_tx = mine[7].tx;
    return WEIR_EAGAIN;
}

static int everything_is_closed(void *unused)
{
    struct ends e;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, 8, 4, NULL), 0);
    for (unsigned i = 0; i < 50; i++) {
        EXPECT_RC(run_child(open_more_and_fail, &e, nothing, nothing), WEIR_EAGAIN);
        EXPECT_EQ(stats_of(e.tx.h).open_senders, 1);
        EXPECT_EQ(stats_of(e.tx.h).open_receivers, 1);
    }
    return 0;
}

/* Parked peers wake when the owner returns. */
static void overfill(void *arg)
{
    struct ends *e = arg;
    uint64_t item = 0;
    while (weir_send(e->tx, &item) == 0)
        item++;
    e->other_tx.h = item;
}

static int parked_peers_wake(void *unused)
{
    struct ends e;
    struct flow flow;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, 8, 4, NULL), 0);
    flow_start(&flow, overfill, &e);
    while (stats_of(e.tx.h).waiting_senders == 0)
        flow_pause();
    EXPECT_RC(run_child(do_nothing, &e, nothing, give_rx), 0);
    flow_join(&flow);
    EXPECT_EQ(e.other_tx.h, 4);
    return 0;
}

/* ---- who owns ------------------------------------------------------------------------------- */

static int close_borrowed(void *arg)
{
    struct ends *e = arg;
    EXPECT_RC(weir_close(e->tx), 0);
    return 0;
}

static int anybody_may_close(void *unused)
{
    struct ends e;
    uint64_t item = 0;
    (void)unused;
    for (unsigned i = 0; i < 200; i++) { /* more than one sweep of closed handles */
        EXPECT_RC(weir_channel_open(&e.tx, &e.rx, 8, 4, NULL), 0);
        EXPECT_RC(run_child(close_borrowed, &e, nothing, nothing), 0);
        EXPECT_RC(weir_check(e.tx), WEIR_ECLOSED);
        EXPECT_RC(weir_send(e.tx, &item), WEIR_ECLOSED);
        EXPECT_RC(weir_recv(e.rx, &item), 0);
        EXPECT_RC(weir_close(e.tx), 0);
        if (i % 2)
            EXPECT_RC(weir_close(e.rx), 0);
    }
    return 0;
}

/* Borrowing leaves no trace. */
static int use_borrowed(void *arg)
{
    struct ends *e = arg;
    uint64_t item = 5;
    EXPECT_RC(weir_send(e->tx, &item), 0);
    return 0;
}

static int borrowed_stays_open(void *unused)
{
    struct ends e;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, 8, 4, NULL), 0);
    EXPECT_RC(run_child(use_borrowed, &e, nothing, nothing), 0);
    EXPECT_RC(weir_check(e.tx), 0);
    expect_items(e.rx, 5, 1);
    return 0;
}

static int try_to_give(void *arg)
{
    struct ends *e = arg;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, do_nothing, e, .give = WEIR_GIVE(struct ends, tx)), WEIR_EBUSY);
    EXPECT_RC(weir_spawn(g, do_nothing, e, .own = WEIR_OWN(struct ends, tx)), 0);
    EXPECT_EQ(stats_of(e->tx.h).open_senders, 2);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(stats_of(e->tx.h).open_senders, 1);
    return 0;
}

/* What is borrowed may be cloned for a child, but not given away. */
static int borrowed_is_not_given(void *unused)
{
    struct ends e;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, 8, 4, NULL), 0);
    EXPECT_RC(run_child(try_to_give, &e, nothing, nothing), 0);
    EXPECT_RC(weir_check(e.tx), 0);
    return 0;
}

/* A handle passes down the generations, and is closed with the last. */
struct heirloom {
    weir_sender tx;
    unsigned left;
};

static int inherit(void *arg)
{
    struct heirloom *h = arg;
    uint64_t item = h->left;
    EXPECT_RC(weir_send(h->tx, &item), 0);
    if (h->left-- == 0)
        return 0;
    return weir_spawn(WEIR_RUN, inherit, h, .give = WEIR_GIVE(struct heirloom, tx));
}

static int given_on(void *unused)
{
    struct heirloom h = {.left = 30};
    weir_receiver rx;
    uint64_t item, n = 0;
    int rc;
    (void)unused;
    EXPECT_RC(weir_channel_open(&h.tx, &rx, sizeof item, 2, NULL), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, inherit, &h, .give = WEIR_GIVE(struct heirloom, tx)), 0);
    while ((rc = weir_recv(rx, &item)) > 0)
        EXPECT_EQ(item, 30 - n++);
    EXPECT_RC(rc, 0);
    EXPECT_EQ(n, 31);
    return 0;
}

/* ---- whose wait a close ends -------------------------------------------------------------- */

static void await_receivers(const struct ends *e, size_t n)
{
    while (stats_of(e->tx.h).waiting_receivers != n)
        flow_pause();
}

/* As a body's result: 0 for an item, or how the wait ended without one. */
static int wait_for_item(weir_receiver rx)
{
    uint64_t item;
    int rc = weir_recv(rx, &item);
    return rc > 0 ? 0 : rc == 0 ? WEIR_EPIPE : rc;
}

static int wait_on_own(void *arg)
{
    struct ends *e = arg;
    return wait_for_item(e->rx);
}

static int send_on_own(void *arg)
{
    struct ends *e = arg;
    uint64_t item = 1;
    return weir_send(e->tx, &item);
}

/* The owner's own wait, when another closes its handle. */
static int owner_is_parked(void *unused)
{
    struct ends e;
    (void)unused;
    for (size_t capacity = 0; capacity < 2; capacity++) {
        EXPECT_RC(weir_channel_open(&e.tx, &e.rx, 8, capacity, NULL), 0);
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, wait_on_own, &e, .give = give_rx), 0);
        await_receivers(&e, 1);
        EXPECT_RC(weir_close(e.rx), 0);
        EXPECT_EQ(stats_of(e.tx.h).open_receivers, 0);
        EXPECT_RC(weir_group_end(g), WEIR_ECLOSED);
    }
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, 8, 0, NULL), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, send_on_own, &e, .give = give_tx), 0);
    while (stats_of(e.rx.h).waiting_senders != 1)
        flow_pause();
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_RC(weir_group_end(g), WEIR_ECLOSED);
    return 0;
}

/* Waits on `other_rx`; its clone of the end that others wait on is only there to be closed. */
struct bystander {
    weir_receiver rx, other_rx;
    weir_receiver *clone; /* says which it got */
};

static int stand_by(void *arg)
{
    struct bystander *b = arg;
    *b->clone = b->rx;
    return wait_for_item(b->other_rx);
}

/* A close concerns one handle, whatever its owner does meanwhile. */
static int owner_is_parked_elsewhere(void *unused)
{
    struct ends e;
    weir_receiver clone = {0};
    uint64_t item = 7;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, 8, 1, NULL), 0);
    EXPECT_RC(weir_channel_open(&e.other_tx, &e.other_rx, 8, 1, NULL), 0);
    for (unsigned idle = 0; idle < 2; idle++) {
        struct bystander b = {e.rx, e.other_rx, &clone};
        weir_group waits = weir_group_begin(), stands = weir_group_begin();
        EXPECT_RC(weir_spawn(waits, wait_on_own, &e), 0);
        await_receivers(&e, 1);
        EXPECT_RC(weir_spawn(stands, stand_by, &b, .own = WEIR_OWN(struct bystander, rx)), 0);
        while (stats_of(e.other_tx.h).waiting_receivers != 1)
            flow_pause();
        if (idle) /* it is woken, and has not run yet */
            EXPECT_RC(weir_send(e.other_tx, &item), 0);
        EXPECT_RC(weir_close(clone), 0);
        EXPECT_RC(weir_check(clone), WEIR_ECLOSED);
        EXPECT_EQ(stats_of(e.tx.h).open_receivers, 1);
        EXPECT_EQ(stats_of(e.tx.h).waiting_receivers, 1);
        if (!idle)
            EXPECT_RC(weir_send(e.other_tx, &item), 0);
        EXPECT_RC(weir_send(e.tx, &item), 0);
        EXPECT_RC(weir_group_end(waits), 0);
        EXPECT_RC(weir_group_end(stands), 0);
    }
    return 0;
}

/* Who borrowed the handle before it was given away waits as long as the new owner keeps it. */
static int given_while_borrowed(void *unused)
{
    struct ends e;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, 8, 1, NULL), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, wait_on_own, &e), 0);
    await_receivers(&e, 1);
    EXPECT_RC(run_child(do_nothing, &e, nothing, give_rx), 0);
    EXPECT_EQ(stats_of(e.tx.h).open_receivers, 0);
    EXPECT_RC(weir_group_end(g), WEIR_ECLOSED);
    return 0;
}

struct thread_wait {
    struct ends e;
    int rc;
};

static void *thread_waits(void *arg)
{
    struct thread_wait *w = arg;
    w->rc = wait_on_own(&w->e);
    return NULL;
}

static int give_to_child(void *arg)
{
    struct thread_wait *w = arg;
    await_receivers(&w->e, 1);
    return run_child(do_nothing, &w->e, nothing, give_rx);
}

/* The same of a handle that a thread made, which has no owner until it is given. */
static void given_while_a_thread_waits(void)
{
    struct thread_wait w = {.rc = 1};
    pthread_t thread;
    REQUIRE_RC(weir_channel_open(&w.e.tx, &w.e.rx, 8, 1, NULL), 0);
    REQUIRE(pthread_create(&thread, NULL, thread_waits, &w) == 0);
    EXPECT_RC(weir_run(give_to_child, &w, NULL), 0);
    pthread_join(thread, NULL);
    EXPECT_RC(w.rc, WEIR_ECLOSED);
    EXPECT_RC(weir_close(w.e.tx), 0);
}

/* ---- handles as items ----------------------------------------------------------------------- */

static int make_and_mail(void *arg)
{
    struct ends *e = arg; /* tx carries receivers */
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 123;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, NULL), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_send(e->tx, &rx), 0);
    EXPECT_RC(weir_recv(e->other_rx, &item), 0); /* until the reader has let go */
    return 0;
}

/* A handle in the mail still belongs to who made it: it ends with that one. */
static int mailed_handles(void *unused)
{
    struct ends e;
    weir_receiver got, kept;
    uint64_t item = 0;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof got, 1, NULL), 0);
    EXPECT_RC(weir_channel_open(&e.other_tx, &e.other_rx, sizeof item, 1, NULL), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, make_and_mail, &e), 0);
    EXPECT_RC(weir_recv(e.rx, &got), 1);
    EXPECT_RC(weir_check(got), 0);
    kept = weir_receiver_clone(got); /* the clone is ours */
    EXPECT_RC(weir_close(e.other_tx), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_try_recv(got, &item), WEIR_ECLOSED);
    EXPECT_RC(weir_recv(kept, &item), 1);
    EXPECT_EQ(item, 123);
    EXPECT_RC(weir_recv(kept, &item), 0);
    return 0;
}

/* ---- many ----------------------------------------------------------------------------------- */

enum { MANY_HANDLES = 20000 };

static int own_many(void *arg)
{
    struct ends *e = arg;
    weir_sender last = e->tx;
    for (unsigned i = 0; i < MANY_HANDLES; i++) {
        last = weir_sender_clone(last);
        if (weir_check(last) < 0)
            return weir_check(last);
        if (i % 3 == 0 && weir_close(last) < 0)
            return WEIR_EINVAL;
        if (i % 3 == 0)
            last = e->tx;
    }
    EXPECT(stats_of(e->tx.h).open_senders > MANY_HANDLES / 2);
    return 0;
}

static int many_are_closed(void *unused)
{
    struct ends e;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, 8, 4, NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_RC(run_child(own_many, &e, nothing, nothing), 0);
        EXPECT_EQ(stats_of(e.tx.h).open_senders, 1);
    }
    return 0;
}

/* What is closed at the end of a body drops its items, there and nested. */
static void drop_closes(void *item, void *context)
{
    weir_handle h;
    memcpy(&h, item, sizeof h);
    weir_handle_close(h);
    atomic_fetch_add((atomic_size_t *)context, 1);
}

struct chain {
    atomic_size_t *dropped;
    unsigned deep;
};

static int leave_a_chain(void *arg)
{
    struct chain *c = arg;
    weir_channel_options o = {.drop = drop_closes, .drop_context = c->dropped};
    weir_receiver last = {0};
    for (unsigned i = 0; i < c->deep; i++) {
        weir_sender tx;
        weir_receiver rx;
        int rc = weir_channel_open(&tx, &rx, sizeof last, 1, &o);
        if (rc < 0 || (i > 0 && (rc = weir_try_send(tx, &last)) < 0))
            return rc;
        last = rx;
    }
    return 0;
}

static int chains_are_dropped(void *unused)
{
    atomic_size_t dropped = 0;
    struct chain c = {&dropped, 50000 / SLOWNESS};
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, leave_a_chain, &c), 0);
    EXPECT_RC(weir_group_end(g), 0);
    for (unsigned i = 0; i < 1000000 && atomic_load(&dropped) < c.deep - 1; i++)
        weir_yield();
    EXPECT_EQ(atomic_load(&dropped), c.deep - 1);
    return 0;
}

/* In a drop function nothing suspends: yielding and waiting are refused. */
struct refused {
    weir_sender tx; /* of an unbounded channel, where nothing waits */
    weir_receiver rx;
    weir_receiver empty;
    weir_group group;
    atomic_size_t n;
    int yielded, received, ended;
    unsigned passed;
};

static void drop_suspends(void *item, void *context)
{
    struct refused *r = context;
    uint64_t got;
    (void)item;
    r->yielded = weir_yield();
    r->ended = weir_group_end(r->group);
    r->received = weir_recv_by(r->empty, &got, 0);
    for (unsigned i = 0; i < 500; i++) /* beyond any fairness budget */
        r->passed += weir_send(r->tx, &got) == 0 && weir_recv(r->rx, &got) == 1;
    atomic_fetch_add(&r->n, 1);
}

static int drops_do_not_suspend(void *unused)
{
    struct refused r = {.n = 0};
    weir_channel_options o = {.drop = drop_suspends, .drop_context = &r};
    struct ends e;
    uint64_t item = 0;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof item, 4, &o), 0);
    EXPECT_RC(weir_channel_open(&e.other_tx, &r.empty, sizeof item, 4, NULL), 0);
    EXPECT_RC(weir_channel_open(&r.tx, &r.rx, sizeof item, WEIR_UNBOUNDED, NULL), 0);
    r.group = weir_group_begin();
    EXPECT_RC(weir_send(e.tx, &item), 0);
    EXPECT_RC(weir_close(e.rx), 0);
    for (unsigned i = 0; i < 1000000 && atomic_load(&r.n) == 0; i++)
        weir_yield();
    EXPECT_EQ(atomic_load(&r.n), 1);
    EXPECT(r.yielded < 0);
    EXPECT(r.ended < 0);
    EXPECT_RC(r.received, WEIR_ETIMEDOUT);
    EXPECT_EQ(r.passed, 500);
    EXPECT_RC(weir_group_end(r.group), 0);
    return 0;
}

#define IN_RUN(body)                                                                               \
    static void run_##body(void)                                                                   \
    {                                                                                              \
        in_run(body);                                                                              \
    }
IN_RUN(peers_see_the_end)
IN_RUN(everything_is_closed)
IN_RUN(parked_peers_wake)
IN_RUN(anybody_may_close)
IN_RUN(borrowed_stays_open)
IN_RUN(borrowed_is_not_given)
IN_RUN(given_on)
IN_RUN(owner_is_parked)
IN_RUN(owner_is_parked_elsewhere)
IN_RUN(given_while_borrowed)
IN_RUN(mailed_handles)
IN_RUN(many_are_closed)
IN_RUN(chains_are_dropped)
IN_RUN(drops_do_not_suspend)

TEST_SUITE(own, "actors: ownership",
           {"F043 own: peers see the end when the owner returns", run_peers_see_the_end},
           {"F053 own: everything is closed, failed or not", run_everything_is_closed},
           {"F044 own: parked peers wake when the owner returns", run_parked_peers_wake},
           {"F042 own: anybody may close", run_anybody_may_close},
           {"F041 own: what is borrowed stays open", run_borrowed_stays_open},
           {"F041 own: what is borrowed is not given", run_borrowed_is_not_given},
           {"F041 own: handles are given on", run_given_on},
           {"F045 own: a close ends the owner's own wait", run_owner_is_parked},
           {"F042 own: a close is of one handle, wherever its owner waits",
            run_owner_is_parked_elsewhere},
           {"F045 own: given while a borrower waits", run_given_while_borrowed},
           {"F045 own: given while a thread waits", given_while_a_thread_waits},
           {"F055 own: handles as items belong to who made them", run_mailed_handles},
           {"F053 own: thousands of handles", run_many_are_closed},
           {"F044 own: a chain of channels is dropped", run_chains_are_dropped},
           {"F044 own: a drop function cannot suspend", run_drops_do_not_suspend});
