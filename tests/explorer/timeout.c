/* SPDX-License-Identifier: MIT */
/* timeout.c - deadlines race with completion and close: docs/protocol.md, "Deadlines". */
#include "model.h"

#define TIMEOUT(ident, text, open, ...)                                                            \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items,                              \
                  .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

static void sends_by(void *first)
{
    int rc = m_send_by(0, (uint32_t)(uintptr_t)first, weir_after(WEIR_MS));
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ETIMEDOUT || rc == WEIR_EPIPE || rc == WEIR_ECLOSED);
}

static void recvs_by(void *unused)
{
    uint32_t item;
    (void)unused;
    int rc = m_recv_by(0, &item, weir_after(WEIR_MS));
    EXPLORE_ASSERT(rc >= 0 || rc == WEIR_ETIMEDOUT || rc == WEIR_ECLOSED);
}

static void open_1_full(void)
{
    m_open(1);
    EXPLORE_EQ(m_send(0, 9), 0);
}

#define BOTH_BY                                                                                    \
    {                                                                                              \
        {"sender", sends_by, (void *)1},                                                           \
        {                                                                                          \
            "receiver", recvs_by, NULL                                                             \
        }                                                                                          \
    }
/* The second in the queue takes the place of one that gave up, or gives up too. */
#define QUEUES                                                                                     \
    {                                                                                              \
        {"sender a", sends_by, (void *)1}, {"sender b", sends_by, (void *)2},                      \
            {"receiver a", recvs_by, NULL},                                                        \
        {                                                                                          \
            "receiver b", recvs_by, NULL                                                           \
        }                                                                                          \
    }
TIMEOUT(timeout_0, "F046 F047 a deadline races with the other side, rendezvous", m_open_0, BOTH_BY);
TIMEOUT(timeout_1, "F046 F047 a deadline races with a send", m_open_1, BOTH_BY);
TIMEOUT(timeout_1_full, "F046 F047 a deadline races with a receive", open_1_full, BOTH_BY);
TIMEOUT(timeout_queue_0, "F049 who gives up leaves the queue, rendezvous", m_open_0, QUEUES);
TIMEOUT(timeout_queue_1, "F049 who gives up leaves the queue, capacity 1", open_1_full, QUEUES);

TIMEOUT(timeout_close_end, "F043 a deadline races with the last sender's close", m_open_0,
        {{"receiver", recvs_by, NULL}, {"closer", m_closes_sender, M_ARG(0, 0, 0)}});
TIMEOUT(timeout_close_handle, "F045 a deadline races with the close of the own handle", m_open_0,
        {{"receiver", recvs_by, NULL},
         {"closer", m_closes_receiver, M_ARG(0, 0, 0)},
         {"sender", sends_by, (void *)1}});

EXPLORE_MODEL(timeout_not_verified, "a wait is cancelled that somebody has completed",
              .setup = m_open_0, .check = m_check_items, .mutation = "cancel: not verified",
              .thread_exit = weir__thread_detach, .threads = BOTH_BY);
