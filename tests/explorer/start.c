/* SPDX-License-Identifier: MIT */
/* start.c - weir_start() and weir_stop(), beside a run that ends by itself. docs/protocol.md,
 * "Start and stop". */
#include "model.h"

static a32 sent, got;

static int recvs(void *arg)
{
    uint32_t item;
    for (unsigned n = (unsigned)(uintptr_t)arg; n > 0; n--) {
        int rc = weir_recv(M.rx[0], &item);
        if (rc < 0)
            return rc;
        a32_add(&got, 1);
    }
    return 5;
}

static void sends(void)
{
    uint32_t item = 1;
    EXPLORE_EQ(weir_send(M.tx[0], &item), 0);
    a32_add(&sent, 1);
}

/* A wait that was cancelled has taken nothing. */
static void nothing_lost(void)
{
    uint32_t item, left = 0;
    while (weir_try_recv(M.rx[0], &item) == 1)
        left++;
    EXPLORE_EQ(a32_load(&got) + left, a32_load(&sent));
}

static int child(void *arg)
{
    return recvs(arg);
}

static int with_child(void *arg)
{
    EXPLORE_EQ(weir_spawn(WEIR_RUN, child, arg), 0);
    return recvs(arg);
}

/* The actor waits for more than it gets, or has ended already. */
static void starts_and_stops(void *n)
{
    EXPLORE_EQ(weir_start(recvs, n, NULL), 0);
    sends();
    int rc = weir_stop("enough");
    EXPLORE_ASSERT(rc == 0 || (rc == 5 && (uintptr_t)n == 1));
    EXPLORE_EQ(weir_stop(NULL), WEIR_EPERM);
}

static void awaits_the_end(void *n)
{
    EXPLORE_EQ(weir_start(recvs, n, NULL), 0);
    int fd = weir_run_fd();
    sends();
    explore_await_event(fd);
    EXPLORE_EQ(weir_stop(NULL), 5);
}

static void stops_a_family(void *n)
{
    EXPLORE_EQ(weir_start(with_child, n, NULL), 0);
    EXPLORE_EQ(weir_stop(NULL), 0);
}

static void twice(void *n)
{
    starts_and_stops(n);
    starts_and_stops(n);
}

static a32 started;

static void starts(void *n)
{
    EXPLORE_EQ(weir_start(recvs, n, NULL), 0);
    a32_store_release(&started, 1);
}

/* Of two who stop one gets the result. */
static void stops(void *unused)
{
    (void)unused;
    while (!a32_load_acquire(&started))
        a_relax();
    int rc = weir_stop(NULL);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EBUSY || rc == WEIR_EPERM);
    if (rc == 0)
        a32_add(&started, 1);
}

static void one_stopped(void)
{
    EXPLORE_EQ(a32_load(&started), 2);
}

#define START(ident, text, does, n)                                                                \
    EXPLORE_MODEL(ident, text, .setup = m_open_1, .check = nothing_lost, .max_steps = 60000,       \
                  .thread_exit = weir__thread_detach,                                              \
                  .threads = {{"main", does, (void *)(n)}, {"weir", explore_hired, (void *)0}})

START(start_stop, "F001 a started run is stopped while it ends by itself", starts_and_stops, 1);
START(start_stop_waiting, "F001 a started run is stopped while it waits", starts_and_stops, 2);
START(start_await, "F001 the end of a started run is awaited", awaits_the_end, 1);
START(start_family, "F001 all actors of a started run are stopped", stops_a_family, 1);
EXPLORE_MODEL(start_twice, "F001 one started run after the other", .setup = m_open_2,
              .check = nothing_lost, .max_steps = 60000, .thread_exit = weir__thread_detach,
              .threads = {{"main", twice, (void *)3},
                          {"weir", explore_hired, (void *)0},
                          {"weir again", explore_hired, (void *)1}});
EXPLORE_MODEL(start_stops, "F001 two threads stop the same run", .setup = m_open_1,
              .check = one_stopped, .max_steps = 60000, .thread_exit = weir__thread_detach,
              .threads = {{"starter", starts, (void *)1},
                          {"weir", explore_hired, (void *)0},
                          {"a", stops, NULL},
                          {"b", stops, NULL}});
EXPLORE_MODEL(start_without_grace, "the runtime is released while it is being stopped",
              .setup = m_open_1, .max_steps = 60000, .thread_exit = weir__thread_detach,
              .mutation = "worker: without grace", .expect = "released",
              .threads = {{"main", starts_and_stops, (void *)1},
                          {"weir", explore_hired, (void *)0}});
