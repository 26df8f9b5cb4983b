/* SPDX-License-Identifier: MIT */
/* scenario_select.h - weir_select between flows. See flow_threads.h. */
#include <string.h>

#include <weir/select.h>

#include "ops.h"
#include "party.h"

enum { PICK_CASES = 9, POISON = 0xdead };

/* A select in a flow of its own. */
struct pick {
    struct flow flow;
    weir_case c[PICK_CASES];
    uint64_t items[PICK_CASES];
    size_t n;
    weir_time deadline;
    int fired;
};

static void pick_run(void *arg)
{
    struct pick *p = arg;
    p->fired = weir_select_by(p->c, p->n, WEIR_FAIR, p->deadline);
}

static void pick_begin(struct pick *p)
{
    *p = (struct pick){.deadline = WEIR_NEVER};
    for (size_t i = 0; i < PICK_CASES; i++)
        p->items[i] = POISON;
}

static void pick_recv(struct pick *p, weir_receiver rx)
{
    p->c[p->n] = weir_on_recv(rx, &p->items[p->n]);
    p->n++;
}

static void pick_send(struct pick *p, weir_sender tx, uint64_t item)
{
    p->items[p->n] = item;
    p->c[p->n] = weir_on_send(tx, &p->items[p->n]);
    p->n++;
}

static void pick_start(struct pick *p)
{
    flow_start(&p->flow, pick_run, p);
}

/* The select has returned `fired`, and rc of that case. */
static void pick_end(struct pick *p, int fired, int rc)
{
    flow_join(&p->flow);
    EXPECT_EQ(p->fired, fired);
    if (fired >= 0)
        EXPECT_RC(p->c[fired].rc, rc);
}

struct pair {
    weir_sender tx;
    weir_receiver rx;
};

static void pairs_open(const struct kind *k, struct pair *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kind_open(k, &p[i].tx, &p[i].rx);
}

static void pairs_close(struct pair *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close_both(p[i].tx, p[i].rx);
}

static void nobody_waits(const struct pair *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        EXPECT_EQ(stats_of(p[i].tx.h).waiting_senders, 0);
        EXPECT_EQ(stats_of(p[i].tx.h).waiting_receivers, 0);
    }
}

static void try_send_one(weir_sender tx, uint64_t item)
{
    EXPECT_RC(weir_try_send(tx, &item), 0);
}

/* ---- what is ready ------------------------------------------------------------------------- */

static void ready_receives(const struct kind *k)
{
    struct pair p[3];
    uint64_t item[3] = {POISON, POISON, POISON};
    pairs_open(k, p, 3);
    weir_case c[3] = {weir_on_recv(p[0].rx, &item[0]), weir_on_recv(p[1].rx, &item[1]),
                      weir_on_recv(p[2].rx, &item[2])};
    EXPECT_RC(weir_try_select(c, 3, WEIR_FAIR), WEIR_EAGAIN);
    try_send_one(p[1].tx, 7);
    EXPECT_EQ(weir_select(c, 3, WEIR_FAIR), 1);
    EXPECT_RC(c[1].rc, 1);
    EXPECT_EQ(item[1], 7);
    try_send_one(p[1].tx, 8);
    try_send_one(p[2].tx, 9);
    EXPECT_EQ(weir_select(c, 3, WEIR_ORDERED), 1);
    EXPECT_EQ(weir_select(c, 3, WEIR_ORDERED), 2);
    EXPECT(item[0] == POISON && item[1] == 8 && item[2] == 9);
    weir_case_off(&c[1]);
    try_send_one(p[1].tx, 10);
    EXPECT_RC(weir_try_select(c, 3, WEIR_FAIR), WEIR_EAGAIN);
    EXPECT_EQ(item[1], 8);
    pairs_close(p, 3);
}

static void ready_sends(const struct kind *k)
{
    struct pair p[2];
    uint64_t full = 5, item[2] = {6, 7};
    pairs_open(k, p, 2);
    while (k->capacity != WEIR_UNBOUNDED && weir_try_send(p[0].tx, &full) == 0)
        ;
    weir_case c[2] = {weir_on_send(p[0].tx, &item[0]), weir_on_send(p[1].tx, &item[1])};
    int first = k->capacity == WEIR_UNBOUNDED ? 0 : 1;
    EXPECT_EQ(weir_select(c, 2, WEIR_ORDERED), first);
    EXPECT_RC(c[first].rc, 0);
    expect_items(p[first].rx, item[first], 1);
    pairs_close(p, 2);
}

/* Over 300 rounds with both ready each fires at least once; in order only the first does. */
static void fair_and_ordered(const struct kind *k)
{
    struct pair p[2];
    uint64_t item[2];
    unsigned fired[2][2] = {{0}};
    pairs_open(k, p, 2);
    weir_case c[2] = {weir_on_recv(p[0].rx, &item[0]), weir_on_recv(p[1].rx, &item[1])};
    try_send_one(p[0].tx, 0);
    try_send_one(p[1].tx, 1);
    for (unsigned i = 0; i < 600; i++) {
        int which = weir_select(c, 2, i % 2 ? WEIR_ORDERED : WEIR_FAIR);
        REQUIRE(which >= 0);
        fired[i % 2][which]++;
        try_send_one(p[which].tx, (uint64_t)which);
    }
    EXPECT(fired[0][0] > 0 && fired[0][1] > 0);
    EXPECT_EQ(fired[1][0], 300);
    pairs_close(p, 2);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void parked_receives(const struct kind *k)
{
    enum { N = PICK_CASES };
    struct pair p[N];
    struct pick s;
    pairs_open(k, p, N);
    for (unsigned which = 0; which < N; which++) {
        pick_begin(&s);
        for (unsigned i = 0; i < N; i++) /* every order of the channels */
            pick_recv(&s, p[(i * 5 + which) % N].rx);
        pick_start(&s);
        for (unsigned i = 0; i < N; i++)
            await_receivers(p[i].rx.h, 1);
        try_send_one(p[(which * 5 + which) % N].tx, 70 + which);
        pick_end(&s, (int)which, 1);
        for (unsigned i = 0; i < N; i++)
            EXPECT_EQ(s.items[i], i == which ? 70 + which : POISON);
        nobody_waits(p, N);
    }
    pairs_close(p, N);
}

static void parked_sends(const struct kind *k)
{
    struct pair p[2];
    struct pick s;
    uint64_t item;
    pairs_open(k, p, 2);
    fill(k, p[0].tx, 100);
    fill(k, p[1].tx, 200);
    pick_begin(&s);
    pick_send(&s, p[0].tx, 1);
    pick_send(&s, p[1].tx, 200 + kind_room(k));
    pick_start(&s);
    await_senders(p[0].tx.h, 1);
    await_senders(p[1].tx.h, 1);
    EXPECT_RC(weir_recv(p[1].rx, &item), 1);
    EXPECT_EQ(item, 200);
    pick_end(&s, 1, 0);
    nobody_waits(p, 2);
    expect_items(p[1].rx, 201, kind_room(k));
    expect_items(p[0].rx, 100, kind_room(k));
    EXPECT_RC(weir_try_recv(p[0].rx, &item), WEIR_EAGAIN);
    EXPECT_RC(weir_try_recv(p[1].rx, &item), WEIR_EAGAIN);
    pairs_close(p, 2);
}

static void served_in_its_turn(const struct kind *k)
{
    struct pair p[2];
    struct op ops[2];
    struct pick s;
    pairs_open(k, p, 2);
    park_receivers(&ops[0], 1, p[0].rx);
    pick_begin(&s);
    pick_recv(&s, p[1].rx);
    pick_recv(&s, p[0].rx);
    pick_start(&s);
    await_receivers(p[0].rx.h, 2);
    park_receivers(&ops[1], 1, p[0].rx);
    for (uint64_t i = 1; i <= 3; i++)
        EXPECT_RC(weir_send(p[0].tx, &i), 0);
    EXPECT_RC(op_end(&ops[0]), 1);
    EXPECT_EQ(ops[0].items[0], 1);
    pick_end(&s, 1, 1);
    EXPECT_EQ(s.items[1], 2);
    EXPECT_RC(op_end(&ops[1]), 1);
    EXPECT_EQ(ops[1].items[0], 3);
    nobody_waits(p, 2);
    pairs_close(p, 2);
}

/* Who stands behind a select that another channel has served is served. */
static void behind_a_select(const struct kind *k)
{
    struct pair p[2];
    struct op op;
    struct pick s;
    pairs_open(k, p, 2);
    pick_begin(&s);
    pick_recv(&s, p[0].rx);
    pick_recv(&s, p[1].rx);
    pick_start(&s);
    await_receivers(p[0].rx.h, 1);
    await_receivers(p[1].rx.h, 1);
    park_receivers(&op, 1, p[0].rx);
    uint64_t item = 3;
    EXPECT_RC(weir_send(p[1].tx, &item), 0);
    EXPECT_RC(weir_send(p[0].tx, &item), 0);
    pick_end(&s, 1, 1);
    EXPECT_RC(op_end(&op), 1);
    pairs_close(p, 2);
}

/* ---- one channel several times ------------------------------------------------------------- */

/* Through a buffer it may well be the same select that sends first and then receives. */
static void through_a_buffer(const struct pair *p)
{
    uint64_t item = 1, got = POISON;
    weir_case c[] = {weir_on_recv(p->rx, &got), weir_on_send(p->tx, &item)};
    EXPECT_EQ(weir_select(c, 2, WEIR_ORDERED), 1);
    EXPECT_EQ(got, POISON);
    EXPECT_EQ(weir_select(c, 2, WEIR_ORDERED), 0);
    EXPECT_EQ(got, 1);
}

static void two_that_mirror(const struct pair *p)
{
    struct pick a, b;
    pick_begin(&a);
    pick_send(&a, p->tx, 11);
    pick_recv(&a, p->rx);
    pick_begin(&b);
    pick_recv(&b, p->rx);
    pick_send(&b, p->tx, 22);
    pick_start(&a);
    await_senders(p->tx.h, 1);
    await_receivers(p->rx.h, 1);
    pick_start(&b);
    flow_join(&a.flow);
    flow_join(&b.flow);
    EXPECT_EQ(a.fired, b.fired);
    EXPECT_EQ(b.items[0], a.fired == 0 ? 11 : POISON);
    EXPECT_EQ(a.items[1], a.fired == 0 ? POISON : 22);
    nobody_waits(p, 1);
}

/* Plain operations meet it, at either end. */
static void two_that_are_plain(const struct pair *p)
{
    struct pick s;
    uint64_t item = POISON;
    pick_begin(&s);
    pick_send(&s, p->tx, 33);
    pick_recv(&s, p->rx);
    for (int end = 0; end < 2; end++) {
        pick_start(&s);
        await_senders(p->tx.h, 1);
        await_receivers(p->rx.h, 1);
        if (end == 0)
            EXPECT_RC(weir_try_recv(p->rx, &item), 1);
        else
            EXPECT_RC(weir_try_send(p->tx, &item), 0);
        pick_end(&s, end, end);
        EXPECT_EQ(item, 33);
        EXPECT_EQ(s.items[1], end == 0 ? POISON : 33);
    }
    nobody_waits(p, 1);
}

static void never_to_itself(const struct kind *k)
{
    struct pair p;
    uint64_t item = 1, got = POISON;
    pairs_open(k, &p, 1);
    weir_case c[] = {weir_on_send(p.tx, &item), weir_on_recv(p.rx, &got)};
    if (k->capacity == 0) {
        EXPECT_RC(weir_try_select(c, 2, WEIR_FAIR), WEIR_EAGAIN);
        EXPECT_RC(weir_select_by(c, 2, WEIR_FAIR, weir_after(2 * WEIR_MS)), WEIR_ETIMEDOUT);
        EXPECT_EQ(got, POISON);
        two_that_mirror(&p);
        two_that_are_plain(&p);
    } else {
        through_a_buffer(&p);
    }
    close_both(p.tx, p.rx);
}

static void a_thousand_cases(const struct kind *k)
{
    enum { N = WEIR_SELECT_MAX };
    struct pair p[4];
    uint64_t got = 0, sent = 0;
    static struct {
        struct flow flow;
        weir_case c[N + 1];
        uint64_t items[N];
        int fired;
    } s;
    pairs_open(k, p, 4);
    for (unsigned i = 0; i < N; i++)
        s.c[i] = weir_on_recv(p[3 - i % 4].rx, &s.items[i]);
    EXPECT_RC(weir_select(s.c, N + 1, WEIR_FAIR), WEIR_EINVAL);
    EXPECT_RC(weir_select_by(s.c, N, WEIR_FAIR, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    nobody_waits(p, 4);
    for (uint64_t i = 1; i < 5; i++, sent += i)
        try_send_one(p[i % 4].tx, i + 1);
    for (uint64_t i = 1; i < 5; i++) {
        int fired = weir_select(s.c, N, WEIR_FAIR);
        REQUIRE(fired >= 0);
        got += s.items[fired];
    }
    EXPECT_EQ(got, sent);
    pairs_close(p, 4);
}

/* ---- ends, handles, errors ------------------------------------------------------------------- */

static void closes_while_parked(const struct kind *k)
{
    for (unsigned how = 0; how < 3; how++) {
        struct pair p[3];
        struct pick s;
        pairs_open(k, p, 3);
        fill(k, p[2].tx, 0);
        pick_begin(&s);
        pick_recv(&s, p[0].rx);
        pick_recv(&s, p[1].rx);
        pick_send(&s, p[2].tx, 99);
        pick_start(&s);
        await_receivers(p[1].rx.h, 1);
        await_senders(p[2].tx.h, 1);
        EXPECT_RC(how == 0   ? weir_close(p[0].rx)
                  : how == 1 ? weir_close(p[1].tx)
                             : weir_close(p[2].rx),
                  0);
        pick_end(&s, (int)how, how == 0 ? WEIR_ECLOSED : how == 1 ? 0 : WEIR_EPIPE);
        EXPECT_EQ(s.items[2], 99);
        pairs_close(p, 3);
    }
}

static void ready_ends(const struct kind *k)
{
    struct pair p[3];
    uint64_t item = 1;
    pairs_open(k, p, 3);
    weir_case c[3] = {weir_on_recv(p[0].rx, &item), weir_on_recv(p[1].rx, &item),
                      weir_on_send(p[2].tx, &item)};
    weir_close(p[0].rx);
    weir_close(p[1].tx);
    weir_close(p[2].rx);
    static const int rc[3] = {WEIR_ECLOSED, 0, WEIR_EPIPE};
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(weir_select(c, 3, WEIR_ORDERED), i);
        EXPECT_RC(c[i].rc, rc[i]);
        weir_case_off(&c[i]);
    }
    EXPECT_RC(weir_select(c, 3, WEIR_ORDERED), WEIR_EDEADLK);
    pairs_close(p, 3);
}

static void deadlines(const struct kind *k)
{
    struct pair p[2];
    uint64_t item = POISON;
    pairs_open(k, p, 2);
    weir_case c[2] = {weir_on_recv(p[0].rx, &item), weir_on_recv(p[1].rx, &item)};
    EXPECT_RC(weir_select_by(c, 2, WEIR_FAIR, weir_now() - 1), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_select_by(c, 2, WEIR_FAIR, INT64_MIN), WEIR_ETIMEDOUT);
    weir_time end = weir_after(3 * WEIR_MS);
    EXPECT_RC(weir_select_by(c, 2, WEIR_FAIR, end), WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= end);
    nobody_waits(p, 2);
    EXPECT_EQ(item, POISON);
    end = weir_after(3 * WEIR_MS);
    weir_case_off(&c[0]);
    weir_case_off(&c[1]);
    EXPECT_RC(weir_select_by(c, 2, WEIR_FAIR, end), WEIR_ETIMEDOUT);
    EXPECT(weir_now() >= end);
    EXPECT_RC(weir_select_by(NULL, 0, WEIR_FAIR, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    pairs_close(p, 2);
}

static void misuse(const struct kind *k)
{
    struct pair p;
    uint64_t item = 1;
    char small = 0;
    pairs_open(k, &p, 1);
    weir_case c[] = {weir_on_recv(p.rx, &item), weir_on_send(p.tx, &small)};
    int budget = party_current()->budget;
    EXPECT_RC(weir_select(NULL, 1, WEIR_FAIR), WEIR_EINVAL);
    EXPECT_RC(weir_select(c, 1, (weir_select_mode)2), WEIR_EINVAL);
    EXPECT_EQ(party_current()->budget, budget);
    EXPECT_RC(weir_select(NULL, 0, WEIR_FAIR), WEIR_EDEADLK);
    EXPECT_RC(weir_try_select(NULL, 0, WEIR_FAIR), WEIR_EAGAIN);
    EXPECT_EQ(weir_select(c, 2, WEIR_ORDERED), 1);
    EXPECT_RC(c[1].rc, WEIR_EITEM);
    c[1] = weir_on_recv((weir_receiver){p.tx.h}, &item);
    EXPECT_EQ(weir_select(c, 2, WEIR_ORDERED), 1);
    EXPECT_RC(c[1].rc, WEIR_EBADF);
    c[1].kind = 77;
    EXPECT_EQ(weir_select(c, 2, WEIR_ORDERED), 1);
    EXPECT_RC(c[1].rc, WEIR_EINVAL);
    close_both(p.tx, p.rx);
}

static void other_single_user(const struct kind *k)
{
    struct pair p[2];
    struct pick s;
    uint64_t item = 1;
    pairs_open(k, p, 2);
    EXPECT_RC(weir_try_recv(p[0].rx, &item), WEIR_EAGAIN);
    pick_begin(&s);
    pick_recv(&s, p[1].rx);
    pick_recv(&s, p[0].rx);
    pick_start(&s);
    if (k->single_rx) {
        pick_end(&s, 1, WEIR_EBUSY);
    } else {
        await_receivers(p[0].rx.h, 1);
        try_send_one(p[0].tx, 1);
        pick_end(&s, 1, 1);
    }
    pairs_close(p, 2);
}

/* ---- in a drop function -------------------------------------------------------------------- */

static void select_in_drop(void *item, void *arg)
{
    struct pair *p = arg;
    uint64_t got;
    (void)item;
    weir_case c[] = {weir_on_recv(p[1].rx, &got)};
    EXPECT_RC(weir_try_select(c, 1, WEIR_FAIR), WEIR_EAGAIN);
    EXPECT_RC(weir_select(c, 1, WEIR_FAIR), WEIR_EPERM);
}

static void may_not_wait_in_drop(const struct kind *k)
{
    struct pair p[2];
    kind_open_sized(k, sizeof(uint64_t), &p[0].tx, &p[0].rx, select_in_drop, p);
    kind_open(k, &p[1].tx, &p[1].rx);
    try_send_one(p[0].tx, 1);
    close_both(p[0].tx, p[0].rx);
    close_both(p[1].tx, p[1].rx);
}

/* ---- sources ------------------------------------------------------------------------------- */

/* The sum of every two items of a channel. */
struct sums {
    weir_receiver rx;
    uint64_t below, half;
    bool has_half;
    int rc; /* 1: below is full; WEIR_EAGAIN: empty; else the end */
    unsigned armed, disarmed;
};

static int sums_try(void *object, void *item)
{
    struct sums *s = object;
    for (;;) {
        if (s->rc == WEIR_EAGAIN)
            s->rc = weir_try_recv(s->rx, &s->below);
        if (s->rc != 1)
            return s->rc;
        s->rc = WEIR_EAGAIN;
        if (s->has_half) {
            s->has_half = false;
            *(uint64_t *)item = s->half + s->below;
            return 1;
        }
        s->half = s->below;
        s->has_half = true;
    }
}

static int sums_arm(void *object, weir_case *below)
{
    struct sums *s = object;
    s->armed++;
    *below = weir_on_recv(s->rx, &s->below);
    return 0;
}

static void sums_disarm(void *object, int rc)
{
    struct sums *s = object;
    s->disarmed++;
    if (rc != WEIR_EAGAIN)
        s->rc = rc;
}

static const weir_source sums = {sums_try, sums_arm, sums_disarm};

/* A source over a source: nothing but other names. */
static const weir_source *const sums_below = &sums;

static int again_try(void *object, void *item)
{
    return sums_below->try_item(object, item);
}

static int again_arm(void *object, weir_case *below)
{
    return sums_below->arm(object, below);
}

static void again_disarm(void *object, int rc)
{
    sums_below->disarm(object, rc);
}

static const weir_source again = {again_try, again_arm, again_disarm};

static void source_with(const struct kind *k, const weir_source *source)
{
    struct pair p[2];
    struct pick s;
    pairs_open(k, p, 2);
    struct sums state = {.rx = p[0].rx, .rc = WEIR_EAGAIN};
    pick_begin(&s);
    s.c[s.n++] = weir_on_source(source, &state, &s.items[0]);
    pick_recv(&s, p[1].rx);
    pick_start(&s);
    await_receivers(p[1].rx.h, 1);
    uint64_t item = 3;
    EXPECT_RC(weir_send(p[0].tx, &item), 0); /* half of it stays in the source */
    while (stats_of(p[1].rx.h).waiting_receivers != 1 || stats_of(p[0].rx.h).buffered ||
           stats_of(p[0].rx.h).waiting_receivers != 1)
        flow_pause();
    item = 8;
    EXPECT_RC(weir_send(p[1].tx, &item), 0); /* the other case fires */
    pick_end(&s, 1, 1);
    EXPECT_EQ(s.items[1], 8);
    EXPECT_EQ(s.items[0], POISON);
    EXPECT(state.has_half);
    pick_start(&s);
    item = 4;
    EXPECT_RC(weir_send(p[0].tx, &item), 0);
    pick_end(&s, 0, 1);
    EXPECT_EQ(s.items[0], 7);
    pick_start(&s);
    weir_close(p[0].tx);
    pick_end(&s, 0, 0);
    EXPECT_EQ(state.armed, state.disarmed);
    EXPECT(state.armed >= 2);
    nobody_waits(p + 1, 1);
    pairs_close(p, 2);
}

static void a_source(const struct kind *k)
{
    source_with(k, &sums);
}

static void a_source_over_a_source(const struct kind *k)
{
    source_with(k, &again);
}

static int bad_arm(void *object, weir_case *below)
{
    struct sums *s = object;
    if (!s->has_half)
        return WEIR_ENOMEM;
    s->armed++;
    *below = (weir_case){0};
    return 0;
}

static int empty_try(void *object, void *item)
{
    (void)object;
    (void)item;
    return WEIR_EAGAIN;
}

static const weir_source bad = {empty_try, bad_arm, sums_disarm};

static void sources_that_fail(const struct kind *k)
{
    struct pair p;
    uint64_t item;
    pairs_open(k, &p, 1);
    struct sums good = {.rx = p.rx, .rc = WEIR_EAGAIN}, wrong = {.rc = WEIR_EAGAIN};
    weir_case c[] = {weir_on_source(&sums, &good, &item), weir_on_source(&bad, &wrong, &item)};
    EXPECT_EQ(weir_select(c, 2, WEIR_FAIR), 1);
    EXPECT_RC(c[1].rc, WEIR_ENOMEM);
    EXPECT_EQ(good.armed, 1);
    EXPECT_EQ(good.disarmed, 1);
    wrong.has_half = true;
    EXPECT_EQ(weir_select(c, 2, WEIR_FAIR), 1);
    EXPECT_RC(c[1].rc, WEIR_EINVAL);
    EXPECT_EQ(good.disarmed, 2);
    EXPECT_EQ(wrong.disarmed, 1);
    weir_case_off(&c[1]);
    EXPECT_RC(weir_select_by(c, 2, WEIR_FAIR, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_EQ(good.armed, good.disarmed);
    close_both(p.tx, p.rx);
}

/* One that does not pass on the end of what is below it; until it was asked too often. */
struct deaf {
    weir_receiver rx;
    uint64_t below;
    unsigned armed;
    int (*asked)(struct deaf *d); /* what arm() says; NULL: 0 */
};

enum { TOO_OFTEN = 1000 };

static int deaf_arm(void *object, weir_case *below)
{
    struct deaf *d = object;
    *below = weir_on_recv(d->rx, &d->below);
    if (++d->armed > TOO_OFTEN)
        return WEIR_ENOMEM;
    return d->asked ? d->asked(d) : 0;
}

static void deaf_disarm(void *object, int rc)
{
    (void)object;
    EXPECT_RC(rc, 0);
}

static const weir_source deaf = {empty_try, deaf_arm, deaf_disarm};

static void a_deaf_source(const struct kind *k)
{
    struct pair p;
    struct deaf d = {.armed = 0};
    uint64_t item;
    pairs_open(k, &p, 1);
    d.rx = p.rx;
    weir_close(p.tx);
    weir_case c = weir_on_source(&deaf, &d, &item);
    EXPECT_RC(weir_select_by(&c, 1, WEIR_FAIR, weir_now() - 1), WEIR_ETIMEDOUT);
    EXPECT_EQ(d.armed, 1);
    close_both(p.tx, p.rx);
}

/* ---- many at once -------------------------------------------------------------------------- */

/*
 * Flows in a ring: each sends to the next and receives from the one before, whichever can be
 * done, until it has done enough of both; what is sent is received.
 */
enum { RING_FLOWS = 3 };

struct ring_flow {
    struct flow flow;
    weir_sender tx;
    weir_receiver rx;
    uint64_t n, sent, got, sum;
};

static void ring_run(void *arg)
{
    struct ring_flow *f = arg;
    uint64_t out, in;
    weir_case c[] = {weir_on_send(f->tx, &out), weir_on_recv(f->rx, &in)};
    while (f->sent < f->n || f->got < f->n) {
        out = f->sent;
        weir_time deadline = f->got % 7 ? WEIR_NEVER : weir_after(50 * WEIR_US);
        int fired = weir_select_by(c, 2, WEIR_FAIR, deadline);
        if (fired == WEIR_ETIMEDOUT)
            continue;
        if (fired == 0 && c[0].rc == 0) {
            if (++f->sent == f->n)
                weir_case_off(&c[0]);
        } else if (fired == 1 && c[1].rc == 1) {
            EXPECT_EQ(in, f->got); /* from one sender, so in order */
            f->sum += in;
            if (++f->got == f->n)
                weir_case_off(&c[1]);
        } else {
            EXPECT_EQ(fired, 0);
            break;
        }
    }
}

static void facing_in_a_ring(const struct kind *k)
{
    struct pair p[RING_FLOWS];
    struct ring_flow f[RING_FLOWS];
    uint64_t n = 1500 / SLOWNESS;
    pairs_open(k, p, RING_FLOWS);
    for (unsigned i = 0; i < RING_FLOWS; i++) {
        f[i] = (struct ring_flow){
            .tx = p[i].tx, .rx = p[(i + RING_FLOWS - 1) % RING_FLOWS].rx, .n = n};
        flow_start(&f[i].flow, ring_run, &f[i]);
    }
    for (unsigned i = 0; i < RING_FLOWS; i++) {
        flow_join(&f[i].flow);
        EXPECT_EQ(f[i].sent, n);
        EXPECT_EQ(f[i].sum, n * (n - 1) / 2);
    }
    nobody_waits(p, RING_FLOWS);
    pairs_close(p, RING_FLOWS);
}

/* Selects that send and selects that receive, over the same channels, and plain operations. */
enum { CROWD = 3, CROWD_CHANNELS = 3 };

struct crowd_flow {
    struct flow flow;
    struct pair *p;
    uint64_t n, count, sum;
    unsigned number;
};

static void crowd_sends(void *arg)
{
    struct crowd_flow *f = arg;
    uint64_t out;
    weir_case c[CROWD_CHANNELS];
    for (unsigned i = 0; i < CROWD_CHANNELS; i++)
        c[i] = weir_on_send(f->p[(i + f->number) % CROWD_CHANNELS].tx, &out);
    for (out = 1; out <= f->n; out++) {
        if (f->number == 0) {
            EXPECT_RC(weir_send(f->p[out % CROWD_CHANNELS].tx, &out), 0);
            continue;
        }
        int fired = weir_select(c, CROWD_CHANNELS, WEIR_FAIR);
        REQUIRE(fired >= 0);
        EXPECT_RC(c[fired].rc, 0);
    }
}

static void crowd_receives(void *arg)
{
    struct crowd_flow *f = arg;
    uint64_t in[CROWD_CHANNELS];
    weir_case c[CROWD_CHANNELS];
    for (unsigned i = 0; i < CROWD_CHANNELS; i++)
        c[i] = weir_on_recv(f->p[(i + f->number) % CROWD_CHANNELS].rx, &in[i]);
    for (int fired; (fired = weir_select(c, CROWD_CHANNELS, WEIR_FAIR)) != WEIR_EDEADLK;) {
        REQUIRE(fired >= 0);
        if (c[fired].rc == 1) {
            f->count++;
            f->sum += in[fired];
        } else {
            EXPECT_RC(c[fired].rc, 0);
            weir_case_off(&c[fired]);
        }
    }
}

static void a_crowd(const struct kind *k)
{
    struct pair p[CROWD_CHANNELS];
    struct crowd_flow tx[CROWD], rx[CROWD];
    uint64_t n = 1000 / SLOWNESS, count = 0, sum = 0;
    pairs_open(k, p, CROWD_CHANNELS);
    for (unsigned i = 0; i < CROWD; i++) {
        tx[i] = (struct crowd_flow){.p = p, .n = n, .number = i};
        rx[i] = tx[i];
        flow_start(&rx[i].flow, crowd_receives, &rx[i]);
        flow_start(&tx[i].flow, crowd_sends, &tx[i]);
    }
    for (unsigned i = 0; i < CROWD; i++)
        flow_join(&tx[i].flow);
    for (unsigned i = 0; i < CROWD_CHANNELS; i++)
        EXPECT_RC(weir_close(p[i].tx), 0);
    for (unsigned i = 0; i < CROWD; i++) {
        flow_join(&rx[i].flow);
        count += rx[i].count;
        sum += rx[i].sum;
    }
    EXPECT_EQ(count, CROWD * n);
    EXPECT_EQ(sum, CROWD * (n * (n + 1) / 2));
    pairs_close(p, CROWD_CHANNELS);
}

#define SCENARIOS(X)                                                                               \
    X(ready_receives, NEED_THREE, "select: the receive that is ready fires, no other")             \
    X(ready_sends, NEED_BUFFER, "select: the send that has room fires, no other")                  \
    X(fair_and_ordered, NEED_BUFFER, "select: fair, and in order")                                 \
    X(parked_receives, MANY_RX, "F037 select: waits for receives")                                 \
    X(parked_sends, NEED_LIMIT | MANY_TX, "F035 select: waits for sends")                          \
    X(served_in_its_turn, MANY_RX, "F049 select: is served in its turn")                           \
    X(behind_a_select, MANY_RX, "F049 select: nobody waits behind one that was served elsewhere")  \
    X(never_to_itself, MANY, "F040 select: never to itself, but to another one")                   \
    X(a_thousand_cases, NEED_BUFFER | MANY, "select: a thousand cases")                            \
    X(closes_while_parked, NEED_LIMIT | MANY_TX,                                                   \
      "F043 F044 F045 select: what closes while it waits fires")                                   \
    X(ready_ends, ANY, "F043 F044 F045 select: what is closed fires")                              \
    X(deadlines, ANY, "F048 select: not beyond its deadline, and not before")                      \
    X(misuse, ANY, "F054 select: errors of the whole and of a case")                               \
    X(other_single_user, NEED_BOUNDED, "F054 select: an end that is another's")                    \
    X(may_not_wait_in_drop, NEED_BUFFER, "F054 select: may not wait in a drop function")           \
    X(a_source, MANY_RX, "select: a source, and what it keeps")                                    \
    X(a_source_over_a_source, MANY_RX, "select: a source over a source")                           \
    X(sources_that_fail, ANY, "select: sources that fail")                                         \
    X(a_deaf_source, ANY, "F047 select: a source that never has enough")                           \
    X(facing_in_a_ring, ANY, "select: selects that face each other in a ring")                     \
    X(a_crowd, MANY, "select: a crowd of selects and plain sends")
