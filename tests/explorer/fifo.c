/* SPDX-License-Identifier: MIT */
/* fifo.c - who waits longest is served first: docs/protocol.md, "Park and wake". */
#include "model.h"

#define FIFO(ident, text, open, ...)                                                               \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items,                              \
                  .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

static void open_1_full(void)
{
    m_open(1);
    EXPLORE_EQ(m_send(0, 9), 0);
}

/* ---- threads: the second comes when the first, thread 0, sleeps or is served ------- */

static a32 first_done;

static void wait_for_first(void)
{
    while (!explore_asleep(0) && !a32_load_acquire(&first_done))
        a_relax();
}

static void recvs_first(void *expected)
{
    uint32_t item;
    EXPLORE_EQ(m_recv(0, &item), 1);
    EXPLORE_EQ(item, (uintptr_t)expected);
    a32_store_release(&first_done, 1);
}

static void recvs_second(void *expected)
{
    uint32_t item;
    wait_for_first();
    EXPLORE_EQ(m_recv(0, &item), 1);
    EXPLORE_EQ(item, (uintptr_t)expected);
}

static void sends_first(void *item)
{
    EXPLORE_EQ(m_send(0, (uint32_t)(uintptr_t)item), 0);
    a32_store_release(&first_done, 1);
}

static void sends_second(void *item)
{
    wait_for_first();
    EXPLORE_EQ(m_send(0, (uint32_t)(uintptr_t)item), 0);
}

/* From `expected` on, and 9 before, if the channel held it. */
static void recvs_in_order(void *expected)
{
    uint32_t item, next = (uint32_t)(uintptr_t)expected;
    while (next <= 2) {
        EXPLORE_EQ(m_recv(0, &item), 1);
        EXPLORE_ASSERT(item == next || (item == 9 && next == 1));
        next += item == next;
    }
}

#define RECEIVERS                                                                                  \
    {                                                                                              \
        {"first", recvs_first, (void *)1}, {"second", recvs_second, (void *)2},                    \
        {                                                                                          \
            "sender", m_sends, M_ARG(0, 1, 2)                                                      \
        }                                                                                          \
    }
#define SENDERS                                                                                    \
    {                                                                                              \
        {"first", sends_first, (void *)1}, {"second", sends_second, (void *)2},                    \
        {                                                                                          \
            "receiver", recvs_in_order, (void *)1                                                  \
        }                                                                                          \
    }
FIFO(fifo_receivers_0, "F049 threads that receive are served in order, rendezvous", m_open_0,
     RECEIVERS);
FIFO(fifo_receivers_1, "F049 threads that receive are served in order, capacity 1", m_open_1,
     RECEIVERS);
FIFO(fifo_receivers_u, "F049 threads that receive are served in order, unbounded", m_open_unbounded,
     RECEIVERS);
FIFO(fifo_senders_0, "F049 threads that send are served in order, rendezvous", m_open_0, SENDERS);
FIFO(fifo_senders_1, "F049 threads that send are served in order, capacity 1", open_1_full,
     SENDERS);

/* ---- actors: the second runs when the first has parked or is done ----------------- */

static int second_recvs(void *unused)
{
    uint32_t item;
    (void)unused;
    EXPLORE_EQ(m_recv(0, &item), 1);
    EXPLORE_EQ(item, 2);
    return 0;
}

static int first_recvs(void *unused)
{
    EXPLORE_EQ(weir_spawn(WEIR_RUN, second_recvs, unused), 0);
    recvs_first((void *)1);
    return 0;
}

static void run_recvs(void *unused)
{
    EXPLORE_EQ(weir_run(first_recvs, unused, NULL), 0);
}

static int second_sends(void *unused)
{
    (void)unused;
    EXPLORE_EQ(m_send(0, 2), 0);
    return 0;
}

static int first_sends(void *unused)
{
    EXPLORE_EQ(weir_spawn(WEIR_RUN, second_sends, unused), 0);
    EXPLORE_EQ(m_send(0, 1), 0);
    return 0;
}

static void run_sends(void *unused)
{
    EXPLORE_EQ(weir_run(first_sends, unused, NULL), 0);
}

#define ACTORS_RECEIVE                                                                             \
    {                                                                                              \
        {"worker", run_recvs, NULL},                                                               \
        {                                                                                          \
            "sender", m_sends, M_ARG(0, 1, 2)                                                      \
        }                                                                                          \
    }
#define ACTORS_SEND                                                                                \
    {                                                                                              \
        {"worker", run_sends, NULL},                                                               \
        {                                                                                          \
            "receiver", recvs_in_order, (void *)1                                                  \
        }                                                                                          \
    }
FIFO(fifo_actors_recv_0, "F049 actors that receive are served in order, rendezvous", m_open_0,
     ACTORS_RECEIVE);
FIFO(fifo_actors_recv_1, "F049 actors that receive are served in order, capacity 1", m_open_1,
     ACTORS_RECEIVE);
FIFO(fifo_actors_send_0, "F049 actors that send are served in order, rendezvous", m_open_0,
     ACTORS_SEND);
FIFO(fifo_actors_send_1, "F049 actors that send are served in order, capacity 1", open_1_full,
     ACTORS_SEND);
