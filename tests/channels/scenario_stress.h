/* SPDX-License-Identifier: MIT */
/*
 * scenario_stress.h - rows F035-F050 with many producers and consumers at once. Whatever
 * the mixture of forms, of timeouts and of closes:
 *   - each item that a producer was told was sent is received or dropped, exactly once;
 *   - no item is received or dropped that was not sent;
 *   - each consumer sees the items of each producer in the order in which they were sent.
 * See flow_threads.h.
 */
#include <string.h>

#include "ops.h"

enum { PRODUCERS_MAX = 4, CONSUMERS_MAX = 4, BURST = 16 };

enum style { BLOCKING, TRYING, BATCHED, TIMED, MIXED };

enum stop { AT_END, RECEIVERS_FIRST, SENDERS_FIRST };

struct stress {
    enum style style;
    uint64_t per_producer;
    atomic_uchar *seen; /* how often each item came out, by producer and number */
    atomic_size_t received;
    atomic_size_t dropped;
    atomic_size_t strangers; /* items that are nobody's */
};

struct maker {
    struct flow flow;
    struct stress *stress;
    struct random random;
    weir_sender tx;
    uint64_t id, sent;
    int rc;
};

struct taker {
    struct flow flow;
    struct stress *stress;
    struct random random;
    weir_receiver rx;
    uint64_t next[PRODUCERS_MAX]; /* the least number that may still come, by producer */
    bool in_order;
    int rc;
};

static void see(struct stress *s, uint64_t item)
{
    uint64_t producer = item >> 32, number = item & UINT32_MAX;
    if (producer < PRODUCERS_MAX && number < s->per_producer)
        atomic_fetch_add(&s->seen[producer * s->per_producer + number], 1);
    else
        atomic_fetch_add(&s->strangers, 1);
}

static void see_dropped(void *item, void *context)
{
    struct stress *s = context;
    uint64_t value;
    memcpy(&value, item, sizeof value);
    see(s, value);
    atomic_fetch_add(&s->dropped, 1);
}

/* ---- one step in one of the styles: a count, or an error ----------------------------------- */

static enum style pick(enum style style, struct random *r)
{
    if (style == MIXED)
        style = (enum style)random_below(r, MIXED);
    /* Two sides that only try may never meet at a rendezvous. */
    if (style == TRYING && random_below(r, 8) == 0)
        style = BLOCKING;
    return style;
}

static weir_time soon(struct random *r)
{
    return weir_after((weir_time)random_below(r, 60) * WEIR_US - 10 * WEIR_US);
}

/* A single send in the terms of a batch. */
static int as_count(int rc)
{
    return rc == 0 ? 1 : rc;
}

static int send_step(struct maker *m, const uint64_t *items, size_t n)
{
    struct random *r = &m->random;
    switch (pick(m->stress->style, r)) {
    case BLOCKING:
        return as_count(weir_send(m->tx, items));
    case TRYING:
        if (random_below(r, 2))
            return weir_try_send_many(m->tx, items, 1 + random_below(r, (unsigned)n));
        return as_count(weir_try_send(m->tx, items));
    case BATCHED:
        return weir_send_many(m->tx, items, 1 + random_below(r, (unsigned)n));
    default:
        if (random_below(r, 2))
            return weir_send_many_by(m->tx, items, n, soon(r));
        return as_count(weir_send_by(m->tx, items, soon(r)));
    }
}

static int recv_step(struct taker *t, uint64_t *items)
{
    struct random *r = &t->random;
    switch (pick(t->stress->style, r)) {
    case BLOCKING:
        return weir_recv(t->rx, items);
    case TRYING:
        if (random_below(r, 2))
            return weir_try_recv_many(t->rx, items, 1 + random_below(r, BURST));
        return weir_try_recv(t->rx, items);
    case BATCHED:
        return weir_recv_many(t->rx, items, 1 + random_below(r, BURST));
    default:
        if (random_below(r, 2))
            return weir_recv_many_by(t->rx, items, BURST, soon(r));
        return weir_recv_by(t->rx, items, soon(r));
    }
}

static bool may_go_on(int rc)
{
    return rc == WEIR_EAGAIN || rc == WEIR_ETIMEDOUT;
}

/* ---- the flows ------------------------------------------------------------------------------- */

static void make(void *arg)
{
    struct maker *m = arg;
    m->rc = 0;
    while (m->sent < m->stress->per_producer) {
        uint64_t items[BURST];
        uint64_t left = m->stress->per_producer - m->sent;
        size_t n = left < BURST ? (size_t)left : BURST;
        for (size_t i = 0; i < n; i++)
            items[i] = m->id << 32 | (m->sent + i);
        int rc = send_step(m, items, n);
        if (rc > 0) {
            m->sent += (uint64_t)rc;
        } else if (may_go_on(rc)) {
            flow_pause();
        } else {
            m->rc = rc;
            break;
        }
    }
}

static void take(void *arg)
{
    struct taker *t = arg;
    t->in_order = true;
    for (;;) {
        uint64_t items[BURST];
        t->rc = recv_step(t, items);
        if (may_go_on(t->rc)) {
            flow_pause();
            continue;
        }
        if (t->rc <= 0)
            break;
        for (int i = 0; i < t->rc; i++) {
            uint64_t producer = items[i] >> 32 & (PRODUCERS_MAX - 1);
            uint64_t number = items[i] & UINT32_MAX;
            t->in_order &= number >= t->next[producer];
            t->next[producer] = number + 1;
            see(t->stress, items[i]);
        }
        atomic_fetch_add(&t->stress->received, (size_t)t->rc);
    }
}

/* ---- a run ---------------------------------------------------------------------------------- */

struct crew {
    weir_sender tx;
    weir_receiver rx;
    unsigned makers, takers;
    struct maker maker[PRODUCERS_MAX];
    struct taker taker[CONSUMERS_MAX];
};

/* Every other flow has a clone of its own; the rest share the first handle. */
static void crew_start(struct crew *c, struct stress *s, uint64_t seed)
{
    for (unsigned i = 0; i < c->takers; i++) {
        struct taker *t = &c->taker[i];
        *t = (struct taker){.stress = s, .random = random_from(seed * 31 + i), .rx = c->rx};
        if (i % 2)
            t->rx = weir_receiver_clone(c->rx);
    }
    for (unsigned i = 0; i < c->makers; i++) {
        struct maker *m = &c->maker[i];
        *m =
            (struct maker){.stress = s, .random = random_from(seed * 37 + i), .tx = c->tx, .id = i};
        if (i % 2)
            m->tx = weir_sender_clone(c->tx);
    }
    for (unsigned i = 0; i < c->takers || i < c->makers; i++) {
        if (i < c->takers)
            flow_start(&c->taker[i].flow, take, &c->taker[i]);
        if (i < c->makers)
            flow_start(&c->maker[i].flow, make, &c->maker[i]);
    }
}

static void close_senders(struct crew *c)
{
    for (unsigned i = 1; i < c->makers; i += 2)
        EXPECT_RC(weir_close(c->maker[i].tx), 0);
    EXPECT_RC(weir_close(c->tx), 0);
}

static void close_receivers(struct crew *c)
{
    for (unsigned i = 1; i < c->takers; i += 2)
        EXPECT_RC(weir_close(c->taker[i].rx), 0);
    EXPECT_RC(weir_close(c->rx), 0);
}

static void crew_end(struct crew *c, struct stress *s, enum stop stop, size_t enough)
{
    while (stop != AT_END && atomic_load(&s->received) < enough)
        flow_pause();
    if (stop == RECEIVERS_FIRST)
        close_receivers(c);
    if (stop == SENDERS_FIRST)
        close_senders(c);
    for (unsigned i = 0; i < c->makers; i++)
        flow_join(&c->maker[i].flow);
    if (stop != SENDERS_FIRST)
        close_senders(c);
    for (unsigned i = 0; i < c->takers; i++)
        flow_join(&c->taker[i].flow);
    if (stop != RECEIVERS_FIRST)
        close_receivers(c);
}

static void crew_check(const struct crew *c, struct stress *s, enum stop stop)
{
    size_t sent = 0, lost = 0, twice = 0;
    for (unsigned i = 0; i < c->makers; i++) {
        const struct maker *m = &c->maker[i];
        sent += m->sent;
        if (stop == AT_END)
            EXPECT_RC(m->rc, 0);
        else if (m->rc < 0)
            EXPECT_RC(m->rc, stop == SENDERS_FIRST ? WEIR_ECLOSED : WEIR_EPIPE);
        else
            EXPECT_EQ(m->sent, s->per_producer);
    }
    await_count(&s->dropped, sent - atomic_load(&s->received));
    for (unsigned i = 0; i < c->makers; i++)
        for (uint64_t n = 0; n < s->per_producer; n++) {
            unsigned seen = atomic_load(&s->seen[i * s->per_producer + n]);
            lost += seen < (n < c->maker[i].sent);
            twice += seen > (n < c->maker[i].sent);
        }
    EXPECT_EQ(lost, 0);
    EXPECT_EQ(twice, 0);
    EXPECT_EQ(atomic_load(&s->strangers), 0);
    if (stop != RECEIVERS_FIRST)
        EXPECT_EQ(atomic_load(&s->dropped), 0);
    for (unsigned i = 0; i < c->takers; i++) {
        EXPECT(c->taker[i].in_order);
        EXPECT_RC(c->taker[i].rc, stop == RECEIVERS_FIRST ? WEIR_ECLOSED : 0);
    }
}

static void stress_run(const struct kind *k, enum style style, enum stop stop, unsigned makers,
                       unsigned takers, uint64_t seed)
{
    const uint64_t total = 4800 / SLOWNESS;
    struct crew crew = {.makers = makers, .takers = takers};
    struct stress s = {.style = style, .per_producer = total / makers};
    s.seen = calloc(PRODUCERS_MAX * s.per_producer, sizeof *s.seen);
    if (!EXPECT(s.seen != NULL))
        return;
    kind_open_sized(k, sizeof(uint64_t), &crew.tx, &crew.rx, see_dropped, &s);
    crew_start(&crew, &s, seed);
    crew_end(&crew, &s, stop, total / 3);
    crew_check(&crew, &s, stop);
    free(s.seen);
}

static void stress(const struct kind *k, enum style style, enum stop stop)
{
    static const unsigned shapes[][2] = {{1, 1}, {2, 2}, {4, 1}, {1, 4}, {3, 3}};
    for (unsigned i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        unsigned makers = shapes[i][0], takers = shapes[i][1];
        if ((k->single_tx && makers > 1) || (k->single_rx && takers > 1))
            continue;
        stress_run(k, style, stop, makers, takers, i + 10u * style + 100u * stop);
    }
}

static void stress_blocking(const struct kind *k)
{
    stress(k, BLOCKING, AT_END);
}

static void stress_trying(const struct kind *k)
{
    stress(k, TRYING, AT_END);
}

static void stress_batched(const struct kind *k)
{
    stress(k, BATCHED, AT_END);
}

static void stress_timed(const struct kind *k)
{
    stress(k, TIMED, AT_END);
}

static void stress_mixed(const struct kind *k)
{
    stress(k, MIXED, AT_END);
}

static void stress_close_senders(const struct kind *k)
{
    stress(k, BLOCKING, SENDERS_FIRST);
    stress(k, MIXED, SENDERS_FIRST);
}

static void stress_close_receivers(const struct kind *k)
{
    stress(k, BLOCKING, RECEIVERS_FIRST);
    stress(k, MIXED, RECEIVERS_FIRST);
}

/* ---- handles come and go meanwhile ---------------------------------------------------------- */

struct churn {
    struct flow flow;
    struct random random;
    weir_sender tx;
    weir_receiver rx;
    unsigned bad;
};

/* Clones, uses and closes; on its own clone nothing but success or "would wait" is right. */
static void churn(void *arg)
{
    struct churn *c = arg;
    for (unsigned i = 0; i < 4000 / SLOWNESS; i++) {
        uint64_t item = i;
        weir_sender tx = weir_sender_clone(c->tx);
        weir_receiver rx = weir_receiver_clone(c->rx);
        int sent = random_below(&c->random, 2) ? weir_try_send(tx, &item)
                                               : weir_send_by(tx, &item, soon(&c->random));
        int got = random_below(&c->random, 2) ? weir_try_recv(rx, &item)
                                              : weir_recv_by(rx, &item, soon(&c->random));
        c->bad += (sent != 0 && !may_go_on(sent)) || (got != 1 && !may_go_on(got));
        c->bad += weir_close(tx) != 0 || weir_close(rx) != 0;
        c->bad += weir_try_send(tx, &item) != WEIR_ECLOSED;
        c->bad += weir_try_recv(rx, &item) != WEIR_ECLOSED;
        if (i % 64 == 0)
            flow_pause();
    }
}

static void handles_come_and_go(const struct kind *k)
{
    enum { FLOWS = 3 };
    struct churn c[FLOWS];
    weir_sender tx;
    weir_receiver rx;
    kind_open(k, &tx, &rx);
    for (unsigned i = 0; i < FLOWS; i++) {
        c[i] = (struct churn){.random = random_from(i), .tx = tx, .rx = rx};
        flow_start(&c[i].flow, churn, &c[i]);
    }
    for (unsigned i = 0; i < FLOWS; i++) {
        flow_join(&c[i].flow);
        EXPECT_EQ(c[i].bad, 0);
    }
    EXPECT_EQ(stats_of(tx.h).open_senders, 1);
    EXPECT_EQ(stats_of(tx.h).open_receivers, 1);
    close_both(tx, rx);
}

/* One handle is closed under several flows that use it: each sees it, none loses an item. */
struct shared_use {
    struct flow flow;
    weir_sender tx;
    weir_receiver rx;
    size_t sent, received;
    int rc;
};

static void use_until_closed(void *arg)
{
    struct shared_use *u = arg;
    uint64_t item = 1;
    for (;;) {
        u->rc = u->tx.h ? weir_send(u->tx, &item) : weir_recv(u->rx, &item);
        if (u->rc < 0 || (u->rc == 0 && u->tx.h == 0))
            break;
        u->sent += u->tx.h != 0;
        u->received += u->tx.h == 0;
    }
}

static void closed_under_users(const struct kind *k)
{
    enum { USERS = 4, ROUNDS = 60 / SLOWNESS + 1 };
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct shared_use u[USERS];
        weir_sender tx;
        weir_receiver rx;
        size_t sent = 0, received = 0;
        uint64_t item;
        kind_open(k, &tx, &rx);
        weir_receiver keep = weir_receiver_clone(rx);
        for (unsigned i = 0; i < USERS; i++) {
            u[i] = (struct shared_use){.rc = 0};
            if (i % 2)
                u[i].tx = tx;
            else
                u[i].rx = rx;
            flow_start(&u[i].flow, use_until_closed, &u[i]);
        }
        while (stats_of(keep.h).passed < 50)
            flow_pause();
        EXPECT_RC(weir_close(tx), 0);
        EXPECT_RC(weir_close(rx), 0);
        for (unsigned i = 0; i < USERS; i++) {
            flow_join(&u[i].flow);
            EXPECT(u[i].rc == WEIR_ECLOSED || u[i].rc == 0);
            sent += u[i].sent;
            received += u[i].received;
        }
        while (weir_recv(keep, &item) == 1)
            received++;
        EXPECT_EQ(received, sent);
        EXPECT_RC(weir_close(keep), 0);
    }
}

/* ---- close in the middle of a claim, of a clone, of another close --------------------------- */

struct trier {
    struct flow flow;
    weir_sender tx;
    weir_receiver rx;
    size_t n;
    int rc;
};

static void try_until_it_ends(void *arg)
{
    struct trier *t = arg;
    uint64_t item = 3;
    for (unsigned i = 1;; i++) {
        t->rc = t->tx.h ? as_count(weir_try_send(t->tx, &item)) : weir_try_recv(t->rx, &item);
        if (t->rc > 0)
            t->n++;
        else if (t->rc != WEIR_EAGAIN)
            break;
        if (i % 32 == 0 || t->rc < 0)
            flow_pause();
    }
}

static void closed_in_use(const struct kind *k)
{
    for (unsigned round = 0; round < 200 / SLOWNESS; round++) {
        weir_sender tx;
        weir_receiver rx;
        atomic_size_t dropped = 0;
        bool senders = round & 1;
        kind_open_sized(k, sizeof(uint64_t), &tx, &rx, count_drop, &dropped);
        struct trier out = {.tx = tx}, in = {.rx = rx};
        flow_start(&out.flow, try_until_it_ends, &out);
        flow_start(&in.flow, try_until_it_ends, &in);
        while (stats_of(senders ? rx.h : tx.h).passed < round % 7 * 40)
            flow_pause();
        EXPECT_RC(weir_handle_close(senders ? tx.h : rx.h), 0);
        flow_join(&out.flow);
        flow_join(&in.flow);
        EXPECT_RC(out.rc, senders ? WEIR_ECLOSED : WEIR_EPIPE);
        EXPECT_RC(in.rc, senders ? 0 : WEIR_ECLOSED);
        await_count(&dropped, out.n - in.n);
        EXPECT_EQ(stats_of(senders ? rx.h : tx.h).passed, out.n);
        close_both(tx, rx);
    }
}

struct cloner {
    struct flow flow;
    weir_sender tx;
    weir_receiver rx;
    bool closes;
    int rc;
};

static void clone_until_closed(void *arg)
{
    struct cloner *c = arg;
    for (unsigned i = 1;; i++) {
        weir_sender tx = weir_sender_clone(c->tx);
        weir_receiver rx = weir_receiver_clone(c->rx);
        int sender = weir_check(tx), receiver = weir_check(rx);
        if (sender == 0)
            weir_close(tx);
        if (receiver == 0)
            weir_close(rx);
        if (c->closes && i == 20)
            c->rc = weir_close(c->tx) | weir_close(c->rx);
        if (sender < 0 && receiver < 0)
            break;
        if (i % 32 == 0)
            flow_pause();
    }
}

/* A clone is made or refused, a handle is closed once: the counts stay right. */
static void clone_against_close(const struct kind *k)
{
    for (unsigned round = 0; round < 200 / SLOWNESS; round++) {
        weir_sender tx, kept_tx;
        weir_receiver rx, kept_rx;
        kind_open(k, &kept_tx, &kept_rx);
        tx = weir_sender_clone(kept_tx);
        rx = weir_receiver_clone(kept_rx);
        struct cloner a = {.tx = tx, .rx = rx}, b = {.tx = tx, .rx = rx, .closes = true};
        flow_start(&a.flow, clone_until_closed, &a);
        flow_start(&b.flow, clone_until_closed, &b);
        for (unsigned i = 0; i < round % 5; i++)
            flow_pause();
        close_both(tx, rx);
        flow_join(&a.flow);
        flow_join(&b.flow);
        EXPECT_RC(b.rc, 0);
        EXPECT_EQ(stats_of(kept_tx.h).open_senders, 1);
        EXPECT_EQ(stats_of(kept_tx.h).open_receivers, 1);
        close_both(kept_tx, kept_rx);
    }
}

#define SCENARIOS(X)                                                                               \
    X(stress_blocking, ANY, "F050 many to many: each item once and in order; waiting")             \
    X(stress_trying, ANY, "F050 many to many: each item once and in order; trying")                \
    X(stress_batched, ANY, "F050 many to many: each item once and in order; batches")              \
    X(stress_timed, ANY, "F047 many to many: each item once and in order; timeouts")               \
    X(stress_mixed, ANY, "F050 many to many: each item once and in order; all forms")              \
    X(stress_close_senders, ANY, "F043 many to many: senders close in the middle")                 \
    X(stress_close_receivers, ANY, "F044 many to many: receivers close in the middle")             \
    X(handles_come_and_go, MANY, "F041 many to many: handles come and go")                         \
    X(closed_in_use, NEED_BUFFER, "F045 many to many: a handle is closed in the middle of a call") \
    X(clone_against_close, MANY, "F041 many to many: clone against close against close")           \
    X(closed_under_users, MANY, "F045 many to many: a handle is closed under its users")
