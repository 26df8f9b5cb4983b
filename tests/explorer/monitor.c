/* SPDX-License-Identifier: MIT */
/* monitor.c - exits, links: docs/protocol.md, "Exits". */
#include "model.h"

static weir_group group;
static weir_task first, second;
static a32 known, done;

static int fails(void *unused)
{
    (void)unused;
    weir_yield();
    return WEIR_EPIPE;
}

static int fails_or_obeys(void *unused)
{
    (void)unused;
    return weir_yield() < 0 ? WEIR_ECANCELED : WEIR_EPIPE;
}

static int parks(void *unused)
{
    (void)unused;
    return weir_sleep(WEIR_NEVER);
}

static int begins(weir_body a, weir_body b)
{
    group = weir_group_begin();
    EXPLORE_EQ(weir_spawn(group, a, NULL, .task = &first, .isolated = true), 0);
    if (b)
        EXPLORE_EQ(weir_spawn(group, b, NULL, .task = &second, .isolated = true), 0);
    a32_store_release(&known, 1);
    EXPLORE_EQ(weir_group_wait(group), 0);
    while (!a32_load_acquire(&done))
        weir_yield();
    return weir_group_end(group);
}

static int one(void *unused)
{
    (void)unused;
    return begins(fails, NULL);
}

static int two(void *unused)
{
    (void)unused;
    return begins(fails, parks);
}

static int both_fail(void *unused)
{
    (void)unused;
    return begins(fails_or_obeys, fails_or_obeys);
}

static void run_one(void *unused)
{
    EXPLORE_EQ(weir_run(one, unused, NULL), 0);
}

static void run_two(void *unused)
{
    EXPLORE_EQ(weir_run(two, unused, &(weir_options){.workers = 2}), 0);
}

static void run_both(void *unused)
{
    EXPLORE_EQ(weir_run(both_fail, unused, &(weir_options){.workers = 2}), 0);
}

static void await(void)
{
    while (!a32_load_acquire(&known))
        a_relax();
}

static void monitors(void *unused)
{
    weir_receiver rx;
    weir_exit e;
    (void)unused;
    await();
    EXPLORE_EQ(weir_monitor(first, &rx), 0);
    EXPLORE_EQ(weir_recv(rx, &e), 1);
    EXPLORE_EQ(e.result, WEIR_EPIPE);
    EXPLORE_EQ(weir_recv(rx, &e), 0);
    EXPLORE_EQ(weir_close(rx), 0);
    a32_store_release(&done, 1);
}

/* The run ends only if the one that fails cancels the one that is parked. */
static void links(void *order)
{
    await();
    EXPLORE_EQ(order ? weir_link(first, second) : weir_link(second, first), 0);
    a32_store_release(&done, 1);
}

static a32 begun;

/* A monitor that is closed while the actor ends. */
static void monitors_and_leaves(void *unused)
{
    weir_receiver rx;
    (void)unused;
    await();
    EXPLORE_EQ(weir_monitor(first, &rx), 0);
    EXPLORE_EQ(weir_close(rx), 0);
    if (a32_add(&begun, 1) == 1)
        a32_store_release(&done, 1);
}

#define ONE(ident, text, thread, ...)                                                              \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach, .max_steps = 60000,             \
                  __VA_ARGS__, .threads = {{"runs", run_one, NULL}, {"watches", thread, NULL}})
#define TWO(ident, text, run, order, ...)                                                          \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach, .max_steps = 60000,             \
                  __VA_ARGS__,                                                                     \
                  .threads = {{"worker 0", run, NULL},                                             \
                              {"worker 1", explore_hired, (void *)0},                              \
                              {"links", links, (void *)(order)}})

ONE(monitor_ends, "F005 an actor ends while it gets a monitor", monitors, .flags = 0);
ONE(monitor_not_looked_at, "a monitor of an actor that has ended", monitors,
    .mutation = "monitor: end not looked at");
EXPLORE_MODEL(monitor_closed, "two monitors are closed while the actor ends",
              .thread_exit = weir__thread_detach, .max_steps = 60000,
              .threads = {{"runs", run_one, NULL},
                          {"a", monitors_and_leaves, NULL},
                          {"b", monitors_and_leaves, NULL}});
TWO(link_ends, "an actor fails while it is linked to another one", run_two, 1, .flags = 0);
TWO(link_ends_back, "an actor fails while another one is linked to it", run_two, 0, .flags = 0);
TWO(link_both, "two actors fail while they are linked", run_both, 1, .flags = 0);
TWO(link_taken_out_twice, "a link's half is told and taken out", run_both, 1,
    .mutation = "link: who is told is taken out as well");
