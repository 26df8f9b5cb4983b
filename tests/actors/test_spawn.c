/* SPDX-License-Identifier: MIT */
/* test_spawn.c - spawn: arguments, names, and handles that go to the child all or none. */
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "flow_actors.h"
#include "one_worker.h"

/* Run `body` as the first actor; what it expects is recorded there. */
static void in_run(weir_body body)
{
    EXPECT_RC(weir_run(body, NULL, &one_worker), 0);
}

/* ---- arguments ----------------------------------------------------------------------------- */

struct point {
    int x, y;
    struct point *seen_at; /* where the child found its copy */
    int *sum;
};

static int add_point(void *arg)
{
    struct point *p = arg;
    *p->sum += p->x * 10 + p->y;
    p->x = p->y = -1; /* it is the child's own */
    return 0;
}

static int copy_arguments(void *unused)
{
    int sum = 0;
    struct point p = {.x = 1, .y = 2, .sum = &sum};
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, add_point, &p), 0);
    p.x = 3;
    EXPECT_RC(weir_spawn(g, add_point, &p), 0);
    p = (struct point){.x = 100, .sum = NULL};
    EXPECT_EQ(sum, 0); /* no child has run yet */
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(sum, 12 + 32);
    EXPECT_EQ(p.x, 100);
    return 0;
}

static int see_pointer(void *arg)
{
    int *value = arg;
    if (value)
        ++*value;
    return 0;
}

static int expect_null(void *arg)
{
    return arg ? WEIR_EINVAL : 0;
}

static int pass_pointers(void *unused)
{
    int value = 0;
    const void *constant = &value;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, see_pointer, (void *)&value), 0);
    EXPECT_RC(weir_spawn(g, see_pointer, constant), 0);
    EXPECT_RC(weir_spawn(g, expect_null, NULL), 0);
    EXPECT_RC(weir_spawn(g, expect_null, (const void *)NULL, .name = "null"), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(value, 2);
    return 0;
}

struct sized_arg {
    size_t size;
    unsigned char bytes[WEIR_ARG_MAX - sizeof(size_t)];
};

_Static_assert(sizeof(struct sized_arg) == WEIR_ARG_MAX, "the largest argument");

static int check_bytes(void *arg)
{
    struct sized_arg *a = arg;
    if ((uintptr_t)arg % alignof(max_align_t) != 0)
        return WEIR_EINVAL;
    for (size_t i = 0; i + sizeof(size_t) < a->size; i++)
        if (a->bytes[i] != (unsigned char)(a->size + i))
            return WEIR_EPIPE;
    return 0;
}

static int check_byte(void *arg)
{
    return *(unsigned char *)arg == 0xc3 ? 0 : WEIR_EPIPE;
}

static int every_arg_size(void *unused)
{
    static struct sized_arg a;
    unsigned char byte = 0xc3;
    (void)unused;
    for (size_t size = sizeof(size_t); size <= WEIR_ARG_MAX; size += 1 + size / 50) {
        weir_group g = weir_group_begin();
        a.size = size;
        for (size_t i = 0; i < sizeof a.bytes; i++)
            a.bytes[i] = (unsigned char)(size + i);
        EXPECT_RC(weir_spawn_sized(g, check_bytes, size, &(weir_spawn_options){.arg = &a}), 0);
        EXPECT_RC(weir_group_end(g), 0);
    }
    weir_group g = weir_group_begin();
    a.size = WEIR_ARG_MAX;
    for (size_t i = 0; i < sizeof a.bytes; i++)
        a.bytes[i] = (unsigned char)(a.size + i);
    EXPECT_RC(weir_spawn(g, check_bytes, &a), 0);
    EXPECT_RC(weir_spawn(g, check_byte, &byte), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static int never_runs(void *arg)
{
    bool refused_child_has_run = true;
    (void)arg;
    EXPECT_EQ(refused_child_has_run, false);
    return -1;
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int refuse_arguments(void *unused)
{
    static struct {
        char bytes[WEIR_ARG_MAX + 1];
    } large;
    weir_spawn_options o = {.arg = &large};
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, never_runs, &large), WEIR_EINVAL);
    EXPECT_RC(weir_spawn_sized(WEIR_RUN, never_runs, SIZE_MAX, &o), WEIR_EINVAL);
    o.arg = NULL;
    EXPECT_RC(weir_spawn_sized(WEIR_RUN, never_runs, 8, &o), WEIR_EINVAL);
    EXPECT_RC(weir_spawn(WEIR_RUN, NULL, (void *)&large), WEIR_EINVAL);
    for (unsigned i = 0; i < 10; i++)
        weir_yield();
    return 0;
}

/* ---- order of start ------------------------------------------------------------------------- */

static int set_flag(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

static int child_waits_its_turn(void *unused)
{
    weir_sender tx;
    weir_receiver rx;
    bool started = false;
    uint64_t item = 0;
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 4, NULL), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, set_flag, (void *)&started), 0);
    for (unsigned i = 0; i < 20; i++) { /* nothing here parks */
        EXPECT_RC(weir_try_send(tx, &item), 0);
        EXPECT_RC(weir_try_recv(rx, &item), 1);
    }
    EXPECT(!started);
    EXPECT_RC(weir_yield(), 0);
    EXPECT(started);
    return 0;
}

/* ---- names ---------------------------------------------------------------------------------- */

struct named {
    char expected[20];
    const char *child; /* the name for one of its own; NULL: inherit */
};

static int check_name(void *arg)
{
    struct named *n = arg;
    EXPECT_STR(weir_actor_name(), n->expected);
    weir_yield();
    EXPECT_STR(weir_actor_name(), n->expected);
    if (!n->child)
        return 0;
    n->child = NULL;
    return weir_spawn(WEIR_RUN, check_name, n);
}

static int names(void *unused)
{
    char changing[] = "before";
    struct named n = {"short", "inherit"};
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, check_name, &n, .name = "short"), 0);
    n = (struct named){"fifteen letters", NULL};
    EXPECT_RC(weir_spawn(WEIR_RUN, check_name, &n, .name = "fifteen letters"), 0);
    n = (struct named){"more than fifte", NULL};
    EXPECT_RC(weir_spawn(WEIR_RUN, check_name, &n, .name = "more than fifteen letters"), 0);
    n = (struct named){"", NULL};
    EXPECT_RC(weir_spawn(WEIR_RUN, check_name, &n, .name = ""), 0);
    n = (struct named){"before", NULL};
    EXPECT_RC(weir_spawn(WEIR_RUN, check_name, &n, .name = changing), 0);
    strcpy(changing, "after"); /* it was copied */
    snprintf(n.expected, sizeof n.expected, "%s", weir_actor_name());
    EXPECT_RC(weir_spawn(WEIR_RUN, check_name, &n), 0);
    return 0;
}

/* ---- .own clones, .give moves --------------------------------------------------------------- */

struct ends {
    int unrelated;
    weir_sender tx;
    weir_receiver rx;
    weir_sender parent_tx; /* what the parent holds */
    weir_receiver parent_rx;
};

static void open_ends(struct ends *e, const weir_channel_options *options)
{
    EXPECT_RC(weir_channel_open(&e->tx, &e->rx, sizeof(uint64_t), 2, options), 0);
    e->parent_tx = e->tx;
    e->parent_rx = e->rx;
}

static int use_own_clones(void *arg)
{
    struct ends *e = arg;
    EXPECT(e->tx.h != e->parent_tx.h && e->rx.h != e->parent_rx.h);
    EXPECT_RC(weir_check(e->tx), 0);
    EXPECT_RC(weir_check(e->parent_tx), WEIR_ECLOSED); /* the parent closed its own */
    EXPECT_EQ(stats_of(e->tx.h).open_senders, 1);
    EXPECT_EQ(stats_of(e->tx.h).open_receivers, 1);
    uint64_t item = 4;
    EXPECT_RC(weir_send(e->tx, &item), 0);
    expect_items(e->rx, 4, 1);
    return 0;
}

static int own_clones(void *unused)
{
    struct ends e;
    (void)unused;
    open_ends(&e, NULL);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, use_own_clones, &e, .own = WEIR_OWN(struct ends, tx, rx)), 0);
    EXPECT_EQ(stats_of(e.tx.h).open_senders, 2);
    EXPECT_EQ(stats_of(e.tx.h).open_receivers, 2);
    EXPECT_EQ(e.tx.h, e.parent_tx.h); /* the parent's struct is untouched */
    close_both(e.tx, e.rx);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static int use_given(void *arg)
{
    struct ends *e = arg;
    EXPECT_EQ(e->tx.h, e->parent_tx.h);
    EXPECT_EQ(stats_of(e->tx.h).open_senders, 1);
    for (uint64_t item = 0; item < 2; item++)
        EXPECT_RC(weir_send(e->tx, &item), 0);
    return 0; /* closes tx */
}

static int give_moves(void *unused)
{
    struct ends e;
    uint64_t item;
    (void)unused;
    open_ends(&e, NULL);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, use_given, &e, .give = WEIR_GIVE(struct ends, tx)), 0);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 1);
    EXPECT_RC(weir_check(e.tx), 0); /* still open, but the child's: not ours to give */
    EXPECT_RC(weir_spawn(g, never_runs, &e, .give = WEIR_GIVE(struct ends, tx)), WEIR_EBUSY);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_check(e.tx), WEIR_ECLOSED);
    expect_items(e.rx, 0, 2);
    EXPECT_RC(weir_recv(e.rx, &item), 0);
    return 0;
}

/* Naming a field twice is no harm: it is given once, or cloned twice. */
static int named_twice(void *unused)
{
    struct ends e;
    (void)unused;
    open_ends(&e, NULL);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, do_nothing, &e, .own = WEIR_OWN(struct ends, tx, tx)), 0);
    EXPECT_RC(weir_spawn(g, do_nothing, &e, .give = WEIR_GIVE(struct ends, rx, rx)), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(stats_of(e.tx.h).open_senders, 1);
    EXPECT_EQ(stats_of(e.tx.h).open_receivers, 0);
    return 0;
}

/* Whether a parent has used a single end or not: giving moves it. */
static int use_single_ends(void *arg)
{
    struct ends *e = arg;
    for (uint64_t item = 0; item < 50; item++) {
        EXPECT_RC(weir_send(e->tx, &item), 0);
        expect_items(e->rx, item, 1);
    }
    return 0;
}

static int give_single_ends(void *unused)
{
    static const weir_channel_options single = {.single_sender = true, .single_receiver = true};
    (void)unused;
    for (unsigned used = 0; used < 2; used++) {
        struct ends e;
        uint64_t item = 1;
        open_ends(&e, &single);
        if (used) {
            EXPECT_RC(weir_try_send(e.tx, &item), 0);
            expect_items(e.rx, 1, 1);
        }
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, never_runs, &e, .own = WEIR_OWN(struct ends, tx)), WEIR_EBUSY);
        EXPECT_RC(weir_spawn(g, never_runs, &e, .own = WEIR_OWN(struct ends, rx)), WEIR_EBUSY);
        EXPECT_RC(weir_spawn(g, use_single_ends, &e, .give = WEIR_GIVE(struct ends, tx, rx)), 0);
        EXPECT_RC(weir_try_send(e.tx, &item), WEIR_EBUSY); /* they are the child's */
        EXPECT_RC(weir_try_recv(e.rx, &item), WEIR_EBUSY);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(weir_try_send(e.tx, &item), WEIR_ECLOSED);
    }
    return 0;
}

static int borrow_single_ends(void *arg)
{
    struct ends *e = arg;
    uint64_t item = 2;
    EXPECT_RC(weir_try_send(e->tx, &item), WEIR_EBUSY);
    EXPECT_RC(weir_send(e->tx, &item), WEIR_EBUSY);
    EXPECT_RC(weir_try_recv(e->rx, &item), WEIR_EBUSY);
    EXPECT_RC(weir_recv(e->rx, &item), WEIR_EBUSY);
    return 0;
}

static int a_second_actor_is_busy(void *unused)
{
    static const weir_channel_options single = {.single_sender = true, .single_receiver = true};
    struct ends e;
    uint64_t item = 1;
    (void)unused;
    open_ends(&e, &single);
    EXPECT_RC(weir_try_send(e.tx, &item), 0);
    expect_items(e.rx, 1, 1);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, borrow_single_ends, &e), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_try_send(e.tx, &item), 0);
    expect_items(e.rx, 1, 1);
    return 0;
}

/* Nor does an actor become the user because it has the place of one that has ended. */
static int borrow_once(void *arg)
{
    struct ends *e = arg;
    uint64_t item = 2;
    int rc = weir_try_send(e->tx, &item);
    return rc == 0 && weir_try_recv(e->rx, &item) != 1 ? WEIR_EINVAL : rc;
}

static int a_later_actor_is_busy(void *unused)
{
    static const weir_channel_options single = {.single_sender = true, .single_receiver = true};
    struct ends e;
    (void)unused;
    open_ends(&e, &single);
    for (unsigned i = 0; i < 500; i++) {
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, borrow_once, &e), 0);
        EXPECT_RC(weir_group_end(g), i == 0 ? 0 : WEIR_EBUSY);
    }
    return 0;
}

/* ---- all or none ---------------------------------------------------------------------------- */

struct eight {
    weir_handle h[8];
};

#define ALL_EIGHT WEIR_OWN(struct eight, h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7])

static weir_own first_eight(unsigned n)
{
    weir_own own = ALL_EIGHT;
    own.count = n;
    return own;
}

static void open_eight(struct eight *e)
{
    for (unsigned i = 0; i < 8; i += 2) {
        weir_sender tx;
        weir_receiver rx;
        EXPECT_RC(weir_channel_open(&tx, &rx, 8, 1, NULL), 0);
        e->h[i] = tx.h;
        e->h[i + 1] = rx.h;
    }
}

static void expect_eight(const struct eight *e, size_t handles)
{
    for (unsigned i = 0; i < 8; i++) {
        EXPECT_EQ(stats_of(e->h[i]).open_senders, handles);
        EXPECT_EQ(stats_of(e->h[i]).open_receivers, handles);
    }
}

static int check_eight(void *arg)
{
    expect_eight(arg, 2);
    return 0;
}

static int eight_handles(void *unused)
{
    struct eight e;
    (void)unused;
    open_eight(&e);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, check_eight, &e, .own = ALL_EIGHT), 0);
    expect_eight(&e, 2);
    EXPECT_RC(weir_group_end(g), 0);
    expect_eight(&e, 1); /* the child has closed its own */
    return 0;
}

struct bad_handle {
    weir_handle h;
    int error;
};

/* One bad handle among seven good ones, at each place, cloned or given. */
static int all_or_none(void *unused)
{
    struct eight e, bad;
    weir_sender closed_tx;
    weir_receiver closed_rx;
    (void)unused;
    open_eight(&e);
    EXPECT_RC(weir_channel_open(&closed_tx, &closed_rx, 8, 1, NULL), 0);
    close_both(closed_tx, closed_rx);
    weir_group g = weir_group_begin();
    const struct bad_handle kinds[] = {
        {0, WEIR_EBADF},
        {UINT64_MAX, WEIR_EBADF},
        {g.h, WEIR_EBADF}, /* neither a sender nor a receiver */
        {closed_tx.h, WEIR_ECLOSED},
        {closed_rx.h, WEIR_ECLOSED},
        {weir_sender_clone(closed_tx).h, WEIR_ECLOSED},
    };
    for (unsigned i = 0; i < 8; i++)
        for (unsigned j = 0; j < sizeof kinds / sizeof kinds[0]; j++) {
            bad = e;
            bad.h[i] = kinds[j].h;
            EXPECT_RC(weir_spawn(g, never_runs, &bad, .own = ALL_EIGHT), kinds[j].error);
            EXPECT_RC(weir_spawn(g, never_runs, &bad, .give = ALL_EIGHT), kinds[j].error);
            expect_eight(&e, 1);
        }
    EXPECT_RC(weir_group_end(g), 0);
    g = weir_group_begin(); /* they are still ours to give, each of them */
    EXPECT_RC(weir_spawn(g, do_nothing, &e, .give = ALL_EIGHT), 0);
    EXPECT_RC(weir_group_end(g), 0);
    for (unsigned i = 0; i < 8; i++)
        EXPECT_RC(weir_handle_check(e.h[i]), WEIR_ECLOSED);
    return 0;
}

/* Some are cloned and some are given; the clones are undone when a gift is refused. */
static int own_and_give(void *unused)
{
    struct eight e, bad;
    (void)unused;
    open_eight(&e);
    weir_group g = weir_group_begin();
    bad = e;
    EXPECT_RC(weir_close((weir_sender){bad.h[6]}), 0);
    EXPECT_RC(weir_spawn(g, never_runs, &bad, .own = WEIR_OWN(struct eight, h[0], h[1], h[2]),
                         .give = WEIR_GIVE(struct eight, h[4], h[6])),
              WEIR_ECLOSED);
    EXPECT_RC(weir_spawn(g, never_runs, &bad, .give = WEIR_GIVE(struct eight, h[4], h[0]),
                         .own = WEIR_OWN(struct eight, h[2], h[6])),
              WEIR_ECLOSED);
    for (unsigned i = 0; i < 6; i++)
        EXPECT_EQ(stats_of(e.h[i]).open_senders, 1);
    EXPECT_RC(weir_spawn(g, do_nothing, &e, .own = WEIR_OWN(struct eight, h[2]),
                         .give = WEIR_GIVE(struct eight, h[4], h[5])),
              0);
    EXPECT_EQ(stats_of(e.h[2]).open_senders, 2);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(stats_of(e.h[2]).open_senders, 1);
    EXPECT_RC(weir_handle_check(e.h[4]), WEIR_ECLOSED);
    EXPECT_RC(weir_handle_check(e.h[5]), WEIR_ECLOSED);
    return 0;
}

static int refuse_offsets(void *unused)
{
    struct eight e;
    weir_own own = first_eight(8);
    (void)unused;
    open_eight(&e);
    own.count = 9;
    EXPECT_RC(weir_spawn(WEIR_RUN, never_runs, &e, .own = own), WEIR_EINVAL);
    EXPECT_RC(weir_spawn(WEIR_RUN, never_runs, &e, .give = own), WEIR_EINVAL);
    own.count = UINT_MAX;
    EXPECT_RC(weir_spawn(WEIR_RUN, never_runs, &e, .own = own), WEIR_EINVAL);
    own = (weir_own){1, {sizeof e}};
    EXPECT_RC(weir_spawn(WEIR_RUN, never_runs, &e, .own = own), WEIR_EINVAL);
    own = (weir_own){1, {sizeof e - 7}};
    EXPECT_RC(weir_spawn(WEIR_RUN, never_runs, &e, .own = own), WEIR_EINVAL);
    own = (weir_own){2, {0, UINT_MAX}};
    EXPECT_RC(weir_spawn(WEIR_RUN, never_runs, &e, .own = own), WEIR_EINVAL);
    EXPECT_RC(weir_spawn(WEIR_RUN, never_runs, &e, .give = own), WEIR_EINVAL);
    own = (weir_own){1, {0}};
    EXPECT_RC(weir_spawn(WEIR_RUN, never_runs, (void *)&e, .own = own), WEIR_EINVAL);
    EXPECT_RC(weir_spawn(WEIR_RUN, never_runs, "short", .own = own), WEIR_EINVAL);
    expect_eight(&e, 1);
    for (unsigned i = 0; i < 10; i++)
        weir_yield();
    return 0;
}

/* ---- the group of a spawn ------------------------------------------------------------------- */

static int refuse_groups(void *unused)
{
    struct eight e;
    (void)unused;
    open_eight(&e);
    weir_group ended = weir_group_begin();
    EXPECT_RC(weir_group_end(ended), 0);
    EXPECT_RC(weir_spawn(ended, never_runs, &e, .own = ALL_EIGHT), WEIR_ECLOSED);
    EXPECT_RC(weir_spawn((weir_group){e.h[0]}, never_runs, &e, .give = ALL_EIGHT), WEIR_EBADF);
    EXPECT_RC(weir_spawn((weir_group){UINT64_MAX}, never_runs, &e, .own = ALL_EIGHT), WEIR_EBADF);
    expect_eight(&e, 1);
    for (unsigned i = 0; i < 10; i++)
        weir_yield();
    return 0;
}

/* A field that is both cloned and given would be one of them only. */
static int own_or_give(void *unused)
{
    struct ends e;
    (void)unused;
    open_ends(&e, NULL);
    EXPECT_RC(weir_spawn(WEIR_RUN, never_runs, &e, .own = WEIR_OWN(struct ends, tx, rx),
                         .give = WEIR_GIVE(struct ends, rx)),
              WEIR_EINVAL);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 1);
    return 0;
}

/* A plain thread closes the handle that an actor gives away at the same moment. */
static struct {
    atomic_ullong handle;
    atomic_bool stop;
} contested;

static void *open_and_close(void *unused)
{
    while (!atomic_load(&contested.stop)) {
        weir_sender tx;
        weir_receiver rx;
        EXPECT_RC(weir_channel_open(&tx, &rx, 8, 1, NULL), 0);
        atomic_store(&contested.handle, tx.h);
        for (int i = 0; i < 50; i++)
            EXPECT_EQ(stats_of(rx.h).open_receivers, 1);
        EXPECT_RC(weir_close(tx), 0);
        EXPECT_RC(weir_close(rx), 0);
    }
    return unused;
}

static int give_against_close(void *unused)
{
    pthread_t closer;
    unsigned gave = 0;
    (void)unused;
    atomic_store(&contested.stop, false);
    atomic_store(&contested.handle, 0);
    REQUIRE(pthread_create(&closer, NULL, open_and_close, NULL) == 0);
    for (unsigned i = 0; i < 2000000 / SLOWNESS && gave < 200; i++) {
        struct ends e = {.tx = {atomic_load(&contested.handle)}};
        weir_statistics s;
        int rc = weir_spawn(WEIR_RUN, do_nothing, &e, .give = WEIR_GIVE(struct ends, tx));
        gave += rc == 0;
        rc = rc < 0 ? rc : weir_handle_statistics(e.tx.h, &s);
        EXPECT(rc == 0 || rc == WEIR_ECLOSED || rc == WEIR_EBUSY || rc == WEIR_EBADF);
        EXPECT(rc != 0 || s.waiting_senders + s.waiting_receivers == 0);
        weir_yield();
    }
    atomic_store(&contested.stop, true);
    EXPECT_EQ(pthread_join(closer, NULL), 0);
    return 0;
}

/* A drop function is no place to run actors in. */
static int never_started(void *unused)
{
    (void)unused;
    FAIL("a body ran in a drop function");
    return 0;
}

static void drop_runs(void *item, void *context)
{
    (void)item;
    *(int *)context = weir_run(never_started, NULL, &one_worker);
}

static void run_in_a_drop(void)
{
    int rc = 0;
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 1;
    weir_channel_options options = {.drop = drop_runs, .drop_context = &rc};
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 2, &options), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(rc, WEIR_EPERM);
    EXPECT_RC(weir_close(tx), 0);
}

#define IN_RUN(body)                                                                               \
    static void run_##body(void)                                                                   \
    {                                                                                              \
        in_run(body);                                                                              \
    }
IN_RUN(copy_arguments)
IN_RUN(pass_pointers)
IN_RUN(every_arg_size)
IN_RUN(refuse_arguments)
IN_RUN(child_waits_its_turn)
IN_RUN(names)
IN_RUN(own_clones)
IN_RUN(give_moves)
IN_RUN(named_twice)
IN_RUN(give_single_ends)
IN_RUN(a_second_actor_is_busy)
IN_RUN(a_later_actor_is_busy)
IN_RUN(eight_handles)
IN_RUN(all_or_none)
IN_RUN(own_and_give)
IN_RUN(refuse_offsets)
IN_RUN(refuse_groups)
IN_RUN(own_or_give)
IN_RUN(give_against_close)

TEST_SUITE(spawn, "actors: spawn",
           {"F002 spawn: a struct is copied for the child", run_copy_arguments},
           {"F002 spawn: a void pointer is passed as it is", run_pass_pointers},
           {"F002 spawn: arguments of every size", run_every_arg_size},
           {"F002 spawn: arguments out of range", run_refuse_arguments},
           {"F002 spawn: the child waits until its parent parks", run_child_waits_its_turn},
           {"F003 spawn: names", run_names},
           {"F041 spawn: .own gives the child its own clones", run_own_clones},
           {"F041 spawn: .give moves the handle", run_give_moves},
           {"F041 spawn: a field named twice", run_named_twice},
           {"F041 spawn: .give moves a declared single end", run_give_single_ends},
           {"F050 spawn: a second actor on a single end is busy", run_a_second_actor_is_busy},
           {"F050 spawn: a later actor on a single end is busy", run_a_later_actor_is_busy},
           {"F041 spawn: eight handles", run_eight_handles},
           {"F041 spawn: all handles or none", run_all_or_none},
           {"F041 spawn: clones are undone when a gift is refused", run_own_and_give},
           {"F041 spawn: offsets out of range", run_refuse_offsets},
           {"F002 spawn: a group that is none", run_refuse_groups},
           {"F041 spawn: a field is cloned or given, not both", run_own_or_give},
           {"F042 spawn: given here, closed there", run_give_against_close},
           {"F001 run: refused in a drop function", run_in_a_drop});
