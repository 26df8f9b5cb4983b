/* SPDX-License-Identifier: MIT */
/* test_monitor.c - exits that arrive on channels, links, isolated children. */
#include <stdatomic.h>
#include <string.h>

#include <weir/weir.h>

#include "../channels/kinds.h"

static void in_run(weir_body body)
{
    EXPECT_RC(weir_run(body, NULL, NULL), 0);
}

static int returns(void *result)
{
    return (int)(intptr_t)result;
}

static int waits(void *unused)
{
    (void)unused;
    return weir_sleep(WEIR_NEVER);
}

/* Waits, and ends with another error than that it was cancelled. */
static int ends_badly(void *unused)
{
    (void)unused;
    weir_sleep(WEIR_NEVER);
    return WEIR_EITEM;
}

static weir_task spawn(weir_group g, weir_body body, int result)
{
    weir_task t;
    EXPECT_RC(weir_spawn(g, body, (void *)(intptr_t)result, .name = "watched", .task = &t,
                         .isolated = true),
              0);
    return t;
}

static weir_exit exit_from(weir_receiver rx)
{
    weir_exit e = {.id = 0};
    EXPECT_EQ(weir_recv(rx, &e), 1);
    weir_exit none;
    EXPECT_EQ(weir_recv(rx, &none), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(strcmp(e.name, "watched"), 0);
    EXPECT(e.id > 0);
    return e;
}

/* ---- F005 ---------------------------------------------------------------------------------------
 */

static int all_ends(void *unused)
{
    weir_receiver rx;
    weir_exit e;
    (void)unused;
    weir_group g = weir_group_begin();
    weir_task t = spawn(g, returns, 7);
    EXPECT_RC(weir_monitor(t, &rx), 0);
    e = exit_from(rx);
    EXPECT_EQ(e.result, 7);
    EXPECT_EQ(e.state, WEIR_TASK_FINISHED);
    EXPECT_EQ(e.cause.reason[0], 0);

    EXPECT_RC(weir_monitor(t, &rx), 0); /* after the fact */
    EXPECT_EQ(exit_from(rx).result, 7);

    t = spawn(g, returns, WEIR_EPIPE);
    EXPECT_RC(weir_monitor(t, &rx), 0);
    e = exit_from(rx);
    EXPECT_RC(e.result, WEIR_EPIPE);
    EXPECT_EQ(e.state, WEIR_TASK_FAILED);

    t = spawn(g, waits, 0);
    EXPECT_RC(weir_monitor(t, &rx), 0);
    EXPECT_RC(weir_task_cancel(t, "not needed"), 0);
    e = exit_from(rx);
    EXPECT_RC(e.result, WEIR_ECANCELED);
    EXPECT_EQ(e.state, WEIR_TASK_CANCELLED);
    EXPECT_EQ(strcmp(e.cause.reason, "not needed"), 0);
    EXPECT_EQ(strcmp(e.cause.by, "main"), 0);

    t = spawn(g, ends_badly, 0);
    EXPECT_RC(weir_monitor(t, &rx), 0);
    EXPECT_RC(weir_close(t), 0); /* the monitor does not need it */
    EXPECT_RC(weir_group_cancel(g, "all over"), 0);
    EXPECT_RC(weir_group_end(g), 0); /* they were isolated */
    e = exit_from(rx);
    EXPECT_RC(e.result, WEIR_EITEM);
    EXPECT_EQ(e.state, WEIR_TASK_FAILED);
    EXPECT_EQ(strcmp(e.cause.reason, "all over"), 0);
    return 0;
}

static void exits(void)
{
    in_run(all_ends);
}

static int many_ends(void *unused)
{
    enum { CHILDREN = 50 };
    weir_receiver rx[3][CHILDREN];
    (void)unused;
    weir_group g = weir_group_begin();
    for (int i = 0; i < CHILDREN; i++) {
        weir_task t = spawn(g, returns, i);
        for (int j = 0; j < 3; j++)
            EXPECT_RC(weir_monitor(t, &rx[j][i]), 0);
        weir_close(t);
    }
    EXPECT_RC(weir_group_end(g), 0); /* nobody waits for the exits to be received */
    for (int i = 0; i < CHILDREN; i++)
        for (int j = 0; j < 3; j++)
            EXPECT_EQ(exit_from(rx[j][i]).result, i);
    return 0;
}

static void never_lost(void)
{
    in_run(many_ends);
}

/* Monitors that nobody wants any more do not stay with an actor that lives long. */
static int come_and_go(void *unused)
{
    weir_receiver rx, last;
    (void)unused;
    weir_group g = weir_group_begin();
    weir_task t = spawn(g, waits, 0);
    EXPECT_RC(weir_monitor(t, &last), 0);
    for (int i = 0; i < 1000; i++) {
        EXPECT_RC(weir_monitor(t, &rx), 0);
        EXPECT_RC(weir_close(rx), 0);
    }
    EXPECT_RC(weir_task_cancel(t, NULL), 0);
    EXPECT_EQ(exit_from(last).state, WEIR_TASK_CANCELLED);
    return weir_group_end(g);
}

static void many_monitors(void)
{
    in_run(come_and_go);
}

static int refused(void *unused)
{
    weir_receiver rx;
    (void)unused;
    weir_group g = weir_group_begin();
    weir_task t = spawn(g, returns, 1);
    EXPECT_RC(weir_monitor(t, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_link(t, t), WEIR_EINVAL);
    EXPECT_RC(weir_close(t), 0);
    EXPECT_RC(weir_monitor(t, &rx), WEIR_ECLOSED);
    EXPECT_RC(weir_check(rx), WEIR_ECLOSED);
    EXPECT_RC(weir_monitor((weir_task){g.h}, &rx), WEIR_EBADF);
    EXPECT_RC(weir_link(t, t), WEIR_ECLOSED);
    weir_task other = spawn(g, returns, 1);
    EXPECT_RC(weir_link(other, t), WEIR_ECLOSED);
    return weir_group_end(g);
}

static void errors(void)
{
    in_run(refused);
}

/* ---- links --------------------------------------------------------------------------------------
 */

static weir_exit linked_end(weir_group g, weir_body body, int result)
{
    weir_receiver rx;
    weir_task long_lived = spawn(g, waits, 0), t = spawn(g, body, result);
    EXPECT_RC(weir_monitor(long_lived, &rx), 0);
    EXPECT_RC(weir_link(long_lived, t), 0);
    EXPECT_RC(weir_task_wait(t), 0);
    if (result >= 0)
        EXPECT_RC(weir_task_cancel(long_lived, "by hand"), 0);
    return exit_from(rx);
}

static int fails_together(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    for (int i = 0; i < 20; i++) {
        weir_exit e = linked_end(g, returns, WEIR_EPIPE);
        EXPECT_RC(e.result, WEIR_ECANCELED);
        EXPECT_EQ(strcmp(e.cause.reason, "who it is linked to failed"), 0);
        e = linked_end(g, returns, 3); /* ends well: the other one is left alone */
        EXPECT_EQ(strcmp(e.cause.reason, "by hand"), 0);
    }
    return weir_group_end(g);
}

static void links(void)
{
    in_run(fails_together);
}

static int chain(void *unused)
{
    enum { LONG = 20 };
    weir_task t[LONG];
    weir_receiver rx[LONG];
    (void)unused;
    weir_group g = weir_group_begin();
    for (int i = 0; i < LONG; i++) {
        t[i] = spawn(g, i == 0 ? ends_badly : waits, 0);
        EXPECT_RC(weir_monitor(t[i], &rx[i]), 0);
        if (i > 0)
            EXPECT_RC(weir_link(t[i - 1], t[i]), 0);
    }
    EXPECT_RC(weir_task_cancel(t[0], NULL), 0); /* it ends with another error: it fails */
    EXPECT_EQ(exit_from(rx[0]).state, WEIR_TASK_FAILED);
    for (int i = 1; i < LONG; i++)
        EXPECT_EQ(exit_from(rx[i]).state, WEIR_TASK_CANCELLED);
    return weir_group_end(g);
}

static void chains(void)
{
    in_run(chain);
}

/* Many that come and go are linked to one that stays. */
static int one_to_many(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    weir_task stays = spawn(g, waits, 0);
    for (int i = 0; i < 200; i++) {
        weir_task t = spawn(g, returns, i);
        EXPECT_RC(weir_link(i & 1 ? stays : t, i & 1 ? t : stays), 0);
        EXPECT_RC(weir_task_wait(t), 0);
        weir_close(t);
    }
    EXPECT_EQ(weir_task_state(stays), WEIR_TASK_RUNNING);
    weir_task t = spawn(g, returns, WEIR_EPIPE);
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_link(stays, t), 0); /* it has failed already */
    EXPECT_RC(weir_task_wait(stays), 0);
    return weir_group_end(g);
}

static void late_links(void)
{
    in_run(one_to_many);
}

/* Everybody is linked to everybody, twice: one fails, and each is told once. */
static int circle(void *unused)
{
    enum { ROUND = 6 };
    weir_task t[ROUND];
    weir_receiver rx[ROUND];
    (void)unused;
    weir_group g = weir_group_begin();
    for (int i = 0; i < ROUND; i++) {
        t[i] = spawn(g, i == 0 ? ends_badly : waits, 0);
        EXPECT_RC(weir_monitor(t[i], &rx[i]), 0);
    }
    for (int i = 0; i < ROUND; i++) {
        EXPECT_RC(weir_link(t[i], t[(i + 1) % ROUND]), 0);
        EXPECT_RC(weir_link(t[(i + 1) % ROUND], t[i]), 0);
    }
    EXPECT_RC(weir_task_cancel(t[0], "begin"), 0);
    weir_exit first = exit_from(rx[0]);
    EXPECT_RC(first.result, WEIR_EITEM);
    EXPECT_EQ(first.state, WEIR_TASK_FAILED);
    EXPECT_STR(first.cause.reason, "begin");
    for (int i = 1; i < ROUND; i++) {
        weir_exit e = exit_from(rx[i]);
        EXPECT_RC(e.result, WEIR_ECANCELED);
        EXPECT_EQ(e.state, WEIR_TASK_CANCELLED);
        EXPECT_STR(e.cause.reason, "who it is linked to failed");
        EXPECT_STR(e.cause.by, "watched");
    }
    return weir_group_end(g);
}

static void circles(void)
{
    in_run(circle);
}

/* With itself: its own exit comes to nobody; a link with another is as any. */
struct own {
    weir_receiver rx;
};

static int watches_itself(void *arg)
{
    const struct own *o = arg;
    weir_task mine, other;
    weir_receiver exits;
    EXPECT_EQ(weir_recv(o->rx, &mine), 1);
    EXPECT_EQ(weir_recv(o->rx, &other), 1);
    EXPECT_RC(weir_monitor(mine, &exits), 0);
    EXPECT_RC(weir_link(mine, mine), WEIR_EINVAL);
    EXPECT_RC(weir_link(other, mine), 0);
    EXPECT_RC(weir_try_recv(exits, &(weir_exit){.id = 0}), WEIR_EAGAIN);
    return WEIR_EPIPE;
}

static int own_task(void *unused)
{
    struct own o;
    weir_sender tx;
    weir_task mine;
    weir_receiver exits;
    (void)unused;
    weir_group g = weir_group_begin();
    REQUIRE_RC(weir_channel_open(&tx, &o.rx, sizeof(weir_task), 2, NULL), 0);
    weir_task other = spawn(g, waits, 0);
    EXPECT_RC(weir_monitor(other, &exits), 0);
    EXPECT_RC(weir_spawn(g, watches_itself, &o, .task = &mine, .isolated = true), 0);
    EXPECT_RC(weir_send(tx, &mine), 0);
    EXPECT_RC(weir_send(tx, &other), 0);
    EXPECT_EQ(exit_from(exits).state, WEIR_TASK_CANCELLED);
    return weir_group_end(g);
}

static void own_tasks(void)
{
    in_run(own_task);
}

/* ---- isolated
 * ------------------------------------------------------------------------------------ */

static int isolated(void *unused)
{
    weir_failure f;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, returns, (void *)(intptr_t)WEIR_EPIPE, .isolated = true), 0);
    EXPECT_RC(weir_group_wait(g), 0);
    EXPECT_EQ(weir_group_error(g, 0, &f), 0);
    EXPECT_RC(weir_spawn(g, returns, (void *)(intptr_t)WEIR_EITEM), 0);
    EXPECT_RC(weir_group_end(g), WEIR_EITEM);
    return 0;
}

static void isolated_children(void)
{
    in_run(isolated);
}

TEST_SUITE(monitor, "monitors and links", {"F005 exits arrive: who, result, reason", exits},
           {"exits are never lost", never_lost},
           {"monitors whose ends are closed go", many_monitors},
           {"monitors and links: errors", errors}, {"a failure cancels who is linked", links},
           {"failure goes along a chain of links", chains},
           {"links with who ended, many links", late_links}, {"links in a circle", circles},
           {"monitors and links of the own task", own_tasks},
           {"F006 an isolated child fails alone", isolated_children});
