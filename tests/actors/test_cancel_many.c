/* SPDX-License-Identifier: MIT */
/* test_cancel_many.c - cancellation between workers and threads: rows F005-F008, F013, F017. */
#include <stdatomic.h>

#include "flow_actors.h"

enum { ACTORS = 40, ROUNDS = 400 / SLOWNESS };

struct ends {
    weir_sender tx;
    weir_receiver rx;
};

static atomic_long sent, received, swallowed;

static unsigned draw(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 16;
}

/* Sends or receives under deadlines of all kinds; what was sent and received is counted. */
static int busy(void *arg)
{
    struct ends *e = arg;
    unsigned random = (unsigned)(uintptr_t)&random >> 4;
    for (unsigned i = 0; i < ROUNDS; i++) {
        int item = 1, rc;
        weir_scope s = weir_move_on_after((weir_time)(draw(&random) % 30) * WEIR_US);
        weir_scope shield = weir_move_on_after(WEIR_S);
        EXPECT_RC(weir_scope_shield(shield, draw(&random) % 8 == 0), 0);
        if (draw(&random) & 1) {
            rc = weir_send(e->tx, &item);
            atomic_fetch_add(&sent, rc == 0);
        } else {
            rc = weir_recv(e->rx, &item);
            atomic_fetch_add(&received, rc == 1);
        }
        EXPECT(rc == 0 || rc == 1 || rc == WEIR_ECANCELED);
        int inner = weir_scope_end(shield), outer = weir_scope_end(s);
        EXPECT(inner + outer == (rc == WEIR_ECANCELED) || weir_cancelled());
        atomic_fetch_add(&swallowed, outer);
    }
    return 0;
}

static int many_deadlines(void *arg)
{
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < ACTORS; i++)
        EXPECT_RC(weir_spawn(g, busy, (struct ends *)arg), 0);
    return weir_group_end(g);
}

static void nothing_is_lost(void)
{
    struct ends e;
    int item;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof(int), 1, NULL), 0);
    EXPECT_RC(weir_run(many_deadlines, &e, NULL), 0);
    while (weir_try_recv(e.rx, &item) == 1)
        atomic_fetch_add(&received, 1);
    EXPECT_EQ(atomic_load(&sent), atomic_load(&received));
    EXPECT(atomic_load(&swallowed) > 0);
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_RC(weir_close(e.rx), 0);
}

/* ---- trees of groups that fail from below ------------------------------------------------- */

static atomic_long leaves;

struct tree {
    unsigned depth, path;
    struct ends e;
};

static int grows(void *arg)
{
    struct tree t = *(struct tree *)arg;
    int item;
    if (t.depth == 0) {
        atomic_fetch_add(&leaves, 1);
        return t.path % 7 == 3 ? -77 : weir_recv(t.e.rx, &item);
    }
    weir_group g = weir_group_begin();
    t.depth--;
    for (unsigned i = 0; i < 3; i++) {
        t.path = ((struct tree *)arg)->path * 3 + i;
        EXPECT_RC(weir_spawn(g, grows, &t), 0);
    }
    return weir_group_end(g);
}

static int falls(void *unused)
{
    struct tree t = {5, 0, {{0}, {0}}};
    (void)unused;
    EXPECT_RC(weir_channel_open(&t.e.tx, &t.e.rx, sizeof(int), 0, NULL), 0);
    for (unsigned i = 0; i < 40 / (unsigned)SLOWNESS + 1; i++) {
        weir_task task;
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, grows, &t, .task = &task), 0);
        EXPECT_RC(weir_task_cancel(task, "or not"), 0);
        EXPECT_RC(weir_close(task), 0);
        int rc = weir_group_end(g);
        EXPECT(rc == -77 || rc == 0);
        g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, grows, &t), 0);
        EXPECT_RC(weir_group_end(g), -77);
    }
    EXPECT(atomic_load(&leaves) > 0);
    return 0;
}

static void trees_fall(void)
{
    EXPECT_RC(weir_run(falls, NULL, NULL), 0);
}

TEST_SUITE(cancel_many, "actors: cancellation between workers",
           {"F013, F015, F017 cancel: nothing is lost, by deadlines everywhere", nothing_is_lost},
           {"F005, F006, F008 cancel: trees of groups that fail from below", trees_fall});
