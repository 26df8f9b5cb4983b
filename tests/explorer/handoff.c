/* SPDX-License-Identifier: MIT */
/* handoff.c - items from senders to receivers: docs/protocol.md, "Hand-off", "Park and wake". */
#include "model.h"

static void open_0(void)
{
    m_open(0);
}

static void open_1(void)
{
    m_open(1);
}

static void open_2(void)
{
    m_open(2);
}

static void open_unbounded(void)
{
    m_open(WEIR_UNBOUNDED);
}

static uint32_t base(void *arg)
{
    return (uint32_t)(uintptr_t)arg;
}

#define ARG(n) ((void *)(uintptr_t)(n))

static void sends_2(void *first)
{
    EXPLORE_EQ(m_send(0, base(first)), 0);
    EXPLORE_EQ(m_send(0, base(first) + 1), 0);
}

static void recvs_2(void *unused)
{
    uint32_t item;
    (void)unused;
    EXPLORE_EQ(m_recv(0, &item), 1);
    EXPLORE_EQ(m_recv(0, &item), 1);
}

#define ONE_ONE                                                                                    \
    {                                                                                              \
        {"sender", sends_2, ARG(1)},                                                               \
        {                                                                                          \
            "receiver", recvs_2, NULL                                                              \
        }                                                                                          \
    }
#define TWO_TWO                                                                                    \
    {                                                                                              \
        {"sender a", sends_2, ARG(1)}, {"sender b", sends_2, ARG(11)},                             \
            {"receiver a", recvs_2, NULL},                                                         \
        {                                                                                          \
            "receiver b", recvs_2, NULL                                                            \
        }                                                                                          \
    }
#define HANDOFF(ident, text, open, ...)                                                            \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items,                              \
                  .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

HANDOFF(handoff_0_1x1, "F035 F037 rendezvous, 1 x 1", open_0, ONE_ONE);
HANDOFF(handoff_1_1x1, "F035 F037 capacity 1, 1 x 1", open_1, ONE_ONE);
HANDOFF(handoff_2_1x1, "F035 F037 capacity 2, 1 x 1", open_2, ONE_ONE);
HANDOFF(handoff_u_1x1, "F035 F037 unbounded, 1 x 1", open_unbounded, ONE_ONE);
HANDOFF(handoff_0_2x2, "F049 rendezvous, 2 x 2", open_0, TWO_TWO);
HANDOFF(handoff_1_2x2, "F049 capacity 1, 2 x 2", open_1, TWO_TWO);
HANDOFF(handoff_2_2x2, "F049 capacity 2, 2 x 2", open_2, TWO_TWO);
HANDOFF(handoff_u_2x2, "F049 unbounded, 2 x 2", open_unbounded, TWO_TWO);
