/* SPDX-License-Identifier: MIT */
/* test_group.c - groups: row F002 but for cancellation, which is in test_group_cancel.c. */
#include "flow_actors.h"
#include "one_worker.h"

static void in_run(weir_body body)
{
    EXPECT_RC(weir_run(body, NULL, &one_worker), 0);
}

struct job {
    unsigned yields;
    int result;
    unsigned *ended;
};

static int work(void *arg)
{
    struct job *j = arg;
    for (unsigned i = 0; i < j->yields; i++)
        weir_yield();
    ++*j->ended;
    return j->result;
}

static int end_waits(void *unused)
{
    unsigned ended = 0;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_handle_check(g.h), 0);
    for (unsigned i = 0; i < 50; i++) {
        struct job j = {.yields = i * 7 % 31, .ended = &ended};
        EXPECT_RC(weir_spawn(g, work, &j), 0);
    }
    EXPECT_EQ(ended, 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(ended, 50);
    EXPECT_RC(weir_handle_check(g.h), WEIR_ECLOSED);
    EXPECT_RC(weir_group_end(g), WEIR_ECLOSED);
    return 0;
}

static int empty_groups(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 300; i++) {
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_group_end(g), 0);
    }
    return 0;
}

/* Children that have ended before the end of the group is asked for. */
static int end_after_the_fact(void *unused)
{
    unsigned ended = 0;
    struct job j = {.result = WEIR_EPIPE, .ended = &ended};
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, work, &j), 0);
    while (ended == 0)
        weir_yield();
    j.result = WEIR_EAGAIN;
    EXPECT_RC(weir_spawn(g, work, &j), 0); /* it may be filled again */
    while (ended == 1)
        weir_yield();
    EXPECT_RC(weir_group_end(g), WEIR_EPIPE);
    return 0;
}

static int first_failure(void *unused)
{
    static const struct {
        unsigned yields[4];
        int results[4], expected;
    } cases[] = {
        {{4, 3, 2, 1}, {0, 1, 99, INT_MAX}, 0},
        {{4, 3, 2, 1}, {0, WEIR_EPIPE, 5, 0}, WEIR_EPIPE},
        {{400, 300, 200, 100}, {-1, -2, -3, -4}, -4},
        {{100, 200, 300, 400}, {-1, -2, -3, -4}, -1},
        {{400, 100, 200, 300}, {-1, 0, -3, -4}, -3},
    };
    (void)unused;
    for (unsigned c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        unsigned ended = 0;
        weir_group g = weir_group_begin();
        for (unsigned i = 0; i < 4; i++) {
            struct job j = {cases[c].yields[i], cases[c].results[i], &ended};
            EXPECT_RC(weir_spawn(g, work, &j), 0);
        }
        EXPECT_RC(weir_group_end(g), cases[c].expected);
        EXPECT_EQ(ended, 4); /* it waits for all, failures or not */
    }
    return 0;
}

/* ---- nested, and from below ----------------------------------------------------------------- */

struct tree {
    unsigned depth;
    unsigned *leaves;
    int leaf_result;
};

static int grow(void *arg)
{
    struct tree *t = arg;
    if (t->depth == 0) {
        ++*t->leaves;
        return t->leaf_result;
    }
    struct tree child = {t->depth - 1, t->leaves, t->leaf_result};
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(g, grow, &child), 0);
    return weir_group_end(g);
}

static int nested_groups(void *unused)
{
    unsigned leaves = 0;
    struct tree t = {5, &leaves, 0};
    (void)unused;
    EXPECT_RC(grow(&t), 0);
    EXPECT_EQ(leaves, 243);
    t.leaf_result = -77; /* a failure rises through all groups */
    EXPECT_RC(grow(&t), -77);
    EXPECT_EQ(leaves, 486);
    return 0;
}

/* One actor may have several groups, and end them in any order. */
static int groups_side_by_side(void *unused)
{
    unsigned ended[3] = {0};
    weir_group g[3];
    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        struct job j = {.yields = 5 * i, .result = -1 - (int)i, .ended = &ended[i]};
        g[i] = weir_group_begin();
        EXPECT_RC(weir_spawn(g[i], work, &j), 0);
        EXPECT_RC(weir_spawn(g[i], work, &j), 0);
    }
    for (unsigned i = 1; i < 4; i++) {
        EXPECT_RC(weir_group_end(g[i % 3]), -1 - (int)(i % 3));
        EXPECT_EQ(ended[i % 3], 2);
    }
    return 0;
}

struct spread {
    weir_group group;
    unsigned left;
    unsigned *ended;
};

static int spread(void *arg)
{
    struct spread *s = arg;
    ++*s->ended;
    if (s->left == 0)
        return 0;
    s->left--;
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_RC(weir_spawn(s->group, spread, s), 0);
        weir_yield();
    }
    return 0;
}

/* Children put their own children into the same group, while its owner waits. */
static int children_spawn_into_it(void *unused)
{
    unsigned ended = 0;
    struct spread s = {weir_group_begin(), 7, &ended};
    (void)unused;
    EXPECT_RC(weir_spawn(s.group, spread, &s), 0);
    EXPECT_RC(weir_group_end(s.group), 0);
    EXPECT_EQ(ended, 255);
    EXPECT_RC(weir_spawn(s.group, spread, &s), WEIR_ECLOSED);
    return 0;
}

/* ---- misuse --------------------------------------------------------------------------------- */

static int end_of_another(void *arg)
{
    struct spread *s = arg;
    EXPECT_RC(weir_group_end(s->group), WEIR_EBUSY);
    EXPECT_RC(weir_handle_check(s->group.h), 0);
    ++*s->ended;
    return 0;
}

static int end_by_another(void *unused)
{
    unsigned tried = 0;
    struct spread s = {.group = weir_group_begin(), .ended = &tried};
    (void)unused;
    EXPECT_RC(weir_spawn(s.group, end_of_another, &s), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, end_of_another, &s), 0);
    while (tried < 2)
        weir_yield();
    EXPECT_RC(weir_group_end(s.group), 0);
    return 0;
}

struct thread_call {
    weir_group group;
    pthread_t thread;
    int ended, spawned;
    atomic_bool done;
};

static int use_nothing(void *unused)
{
    return unused ? WEIR_EINVAL : 0;
}

static void *use_group_from_thread(void *arg)
{
    struct thread_call *c = arg;
    c->ended = weir_group_end(c->group);
    c->spawned = weir_spawn(c->group, use_nothing, NULL);
    atomic_store(&c->done, true);
    return NULL;
}

static int not_from_threads(void *unused)
{
    struct thread_call c = {.group = weir_group_begin()};
    (void)unused;
    if (!EXPECT_EQ(pthread_create(&c.thread, NULL, use_group_from_thread, &c), 0))
        return -1;
    while (!atomic_load(&c.done))
        weir_yield();
    pthread_join(c.thread, NULL);
    EXPECT_RC(c.ended, WEIR_EPERM);
    EXPECT_RC(c.spawned, 0);
    EXPECT_RC(weir_group_end(c.group), 0);
    return 0;
}

static int groups_that_are_none(void *unused)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 0;
    weir_group g = weir_group_begin();
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, NULL), 0);
    EXPECT_RC(weir_group_end((weir_group){tx.h}), WEIR_EBADF);
    EXPECT_RC(weir_group_end((weir_group){rx.h}), WEIR_EBADF);
    EXPECT_RC(weir_group_end((weir_group){UINT64_MAX}), WEIR_EBADF);
    EXPECT_RC(weir_group_end(WEIR_RUN), WEIR_EBADF);
    EXPECT_RC(weir_send((weir_sender){g.h}, &item), WEIR_EBADF);
    EXPECT_RC(weir_try_recv((weir_receiver){g.h}, &item), WEIR_EBADF);
    EXPECT_RC(weir_check(weir_sender_clone((weir_sender){g.h})), WEIR_EBADF);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

/* ---- left open ------------------------------------------------------------------------------ */

static int leave_it_open(void *arg)
{
    struct job j = {.yields = 20, .ended = arg};
    weir_group g = weir_group_begin(), h = weir_group_begin();
    EXPECT_RC(weir_spawn(g, work, &j), 0);
    EXPECT_RC(weir_spawn(h, work, &j), 0);
    EXPECT_RC(weir_spawn(g, work, &j), 0);
    return 3;
}

static int watch_it_left_open(void *unused)
{
    unsigned ended = 0;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, leave_it_open, (void *)&ended), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(ended, 3); /* the child had not ended before its children had */
    return 0;
}

static void left_open_by_the_first(void)
{
    unsigned ended = 0;
    EXPECT_RC(weir_run(leave_it_open, &ended, &one_worker), 3);
    EXPECT_EQ(ended, 3);
}

/*
 * The body's own ends stay open until its children have ended: they may be using them.
 */
struct feeder {
    weir_sender tx;
    weir_receiver rx;
    int *result;
};

static int feed_late(void *arg)
{
    struct feeder *f = arg;
    uint64_t item = 6;
    for (unsigned i = 0; i < 10; i++)
        weir_yield();
    *f->result = weir_try_send(f->tx, &item); /* it has been cancelled by now */
    return 0;
}

static int lend_and_return(void *arg)
{
    struct feeder f = {.result = arg};
    weir_group g = weir_group_begin(), late;
    EXPECT_RC(weir_channel_open(&f.tx, &f.rx, 8, 2, NULL), 0);
    late = weir_group_begin();
    EXPECT_RC(weir_spawn(g, feed_late, &f), 0);
    EXPECT_RC(weir_spawn(late, feed_late, &f), 0);
    return 0;
}

static void children_may_use_what_is_lent(void)
{
    int result = -1;
    EXPECT_RC(weir_run(lend_and_return, &result, &one_worker), 0);
    EXPECT_RC(result, 0);
}

/* ---- many ----------------------------------------------------------------------------------- */

static int many_children(void *unused)
{
    unsigned ended = 0;
    struct job j = {.yields = 1, .ended = &ended};
    const unsigned n = 50000 / (unsigned)SLOWNESS;
    (void)unused;
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < n; i++)
        if (weir_spawn(g, work, &j) != 0)
            return WEIR_ENOMEM;
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(ended, n);
    return 0;
}

#define IN_RUN(body)                                                                               \
    static void run_##body(void)                                                                   \
    {                                                                                              \
        in_run(body);                                                                              \
    }
IN_RUN(end_waits)
IN_RUN(empty_groups)
IN_RUN(end_after_the_fact)
IN_RUN(first_failure)
IN_RUN(nested_groups)
IN_RUN(groups_side_by_side)
IN_RUN(children_spawn_into_it)
IN_RUN(end_by_another)
IN_RUN(not_from_threads)
IN_RUN(groups_that_are_none)
IN_RUN(watch_it_left_open)
IN_RUN(many_children)

TEST_SUITE(group, "actors: groups", {"F002 group: end waits for all", run_end_waits},
           {"F002 group: empty ones", run_empty_groups},
           {"F002 group: end after the fact", run_end_after_the_fact},
           {"F002 group: the first failure", run_first_failure},
           {"F002 group: nested", run_nested_groups},
           {"F002 group: side by side", run_groups_side_by_side},
           {"F002 group: children spawn into it", run_children_spawn_into_it},
           {"F002 group: end is the owner's", run_end_by_another},
           {"F002 group: threads spawn into it, but do not end it", run_not_from_threads},
           {"F002 group: handles that are none", run_groups_that_are_none},
           {"F002 group: a body that returns with one open waits", run_watch_it_left_open},
           {"F002 group: so does the first actor", left_open_by_the_first},
           {"F002 group: what is lent to children stays open", children_may_use_what_is_lent},
           {"F002 group: thousands of children", run_many_children});
