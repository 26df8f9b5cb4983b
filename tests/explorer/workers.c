/* SPDX-License-Identifier: MIT */
/* workers.c - actors and plain threads on the same channels: docs/protocol.md, "Park and wake". */
#include "model.h"

#define WORKERS(ident, text, ...)                                                                  \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach, __VA_ARGS__)

static void open_0(void)
{
    m_open(0);
}

static int recv_1(void *unused)
{
    uint32_t item;
    (void)unused;
    EXPLORE_EQ(m_recv(0, &item), 1);
    return 0;
}

static void run_receiver(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(recv_1, NULL, NULL), 0);
}

static void send_1(void *unused)
{
    (void)unused;
    EXPLORE_EQ(m_send(0, 1), 0);
}

WORKERS(workers_last_wake, "F001 the run ends while the waker of its last actor is still busy",
        .setup = open_0, .check = m_check_items,
        .threads = {{"worker", run_receiver, NULL}, {"sender", send_1, NULL}});
