/* SPDX-License-Identifier: MIT */
/* workers.c - actors and plain threads on the same channels: docs/protocol.md, "Park and wake". */
#include "model.h"

#define WORKERS(ident, text, open, ...)                                                            \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items,                              \
                  .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

/* ---- threads that run one actor -------------------------------------------------- */

static int sends(void *arg)
{
    m_sends(arg);
    return 0;
}

static void run_sends(void *arg)
{
    EXPLORE_EQ(weir_run(sends, arg, NULL), 0);
}

static int recvs(void *arg)
{
    m_recvs(arg);
    return 0;
}

static void run_recvs(void *arg)
{
    EXPLORE_EQ(weir_run(recvs, arg, NULL), 0);
}

WORKERS(workers_last_wake, "F001 the run ends while the waker of its last actor is still busy",
        m_open_0, {{"worker", run_recvs, M_ARG(0, 0, 1)}, {"sender", m_sends, M_ARG(0, 1, 1)}});

/* ---- declared single ends of actors, closed by threads --------------------------- */

static void open_singles(void)
{
    m_open_with(1, true, true);
}

WORKERS(workers_single_receiver_closed, "F044 an actor's single receiver is closed by a thread",
        open_singles,
        {{"sender", m_sends, M_ARG(0, 1, 9)},
         {"worker", run_recvs, M_ARG(0, 0, 9)},
         {"closer", m_closes_receiver, M_ARG(0, 0, 0)}});
WORKERS(workers_single_sender_closed, "F043 an actor's single sender is closed by a thread",
        open_singles,
        {{"worker", run_sends, M_ARG(0, 1, 9)},
         {"receiver", m_recvs, M_ARG(0, 0, 9)},
         {"closer", m_closes_sender, M_ARG(0, 0, 0)}});
