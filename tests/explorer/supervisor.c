/* SPDX-License-Identifier: MIT */
/* supervisor.c - children that fail and are started again: docs/protocol.md, "Supervisors". */
#include "model.h"

static weir_receiver starts;
static weir_sender says;
static a32 number;

/* Fails the first two times. */
static int child(void *unused)
{
    uint32_t n = a32_add(&number, 1);
    (void)unused;
    if (n < 2)
        return WEIR_EPIPE;
    EXPLORE_EQ(weir_send(says, &n), 0);
    return weir_sleep(WEIR_NEVER);
}

static int supervises(void *unused)
{
    uint32_t n;
    (void)unused;
    EXPLORE_EQ(weir_channel_open(&says, &starts, sizeof n, 0, NULL), 0);
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, NULL);
    EXPLORE_EQ(weir_supervise(sup, child, NULL), 0);
    EXPLORE_EQ(weir_recv(starts, &n), 1);
    EXPLORE_EQ(n, 2);
    EXPLORE_EQ(weir_supervisor_stop(sup), 0);
    return weir_group_end(g);
}

static void runs(void *unused)
{
    EXPLORE_EQ(weir_run(supervises, unused, &(weir_options){.workers = 2}), 0);
}

/* Two fail while the supervisor is being cancelled. */
static int fails(void *unused)
{
    (void)unused;
    return WEIR_EPIPE;
}

static int is_cancelled(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, NULL);
    int rc = weir_supervise(sup, fails, NULL);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECANCELED); /* it has failed too often by then */
    EXPLORE_EQ(weir_group_cancel(g, NULL), 0);
    rc = weir_supervise(sup, fails, NULL);
    EXPLORE_EQ(rc, WEIR_ECANCELED);
    rc = weir_group_end(g);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ERESTARTS);
    return 0;
}

static void runs_cancelled(void *unused)
{
    EXPLORE_EQ(weir_run(is_cancelled, unused, &(weir_options){.workers = 2}), 0);
}

#define SUPERVISOR(ident, text, run, ...)                                                          \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach, .max_steps = 200000,            \
                  __VA_ARGS__,                                                                     \
                  .threads = {{"worker 0", run, NULL}, {"worker 1", explore_hired, (void *)0}})

SUPERVISOR(supervisor_restarts, "a child fails twice and is there a third time", runs, .flags = 0);
SUPERVISOR(supervisor_cancelled, "a supervisor is cancelled while its child fails", runs_cancelled,
           .flags = 0);
SUPERVISOR(supervisor_not_told, "the end of a child does not poke its supervisor", runs,
           .mutation = "supervisor: not told");
