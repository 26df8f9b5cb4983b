/* SPDX-License-Identifier: MIT */
/* handoff.c - items from senders to receivers: docs/protocol.md, "Hand-off", "Park and wake". */
#include "model.h"

#define ONE_ONE                                                                                    \
    {                                                                                              \
        {"sender", m_sends, M_ARG(0, 1, 2)},                                                       \
        {                                                                                          \
            "receiver", m_recvs, M_ARG(0, 0, 2)                                                    \
        }                                                                                          \
    }
#define TWO_TWO                                                                                    \
    {                                                                                              \
        {"sender a", m_sends, M_ARG(0, 1, 2)}, {"sender b", m_sends, M_ARG(0, 11, 2)},             \
            {"receiver a", m_recvs, M_ARG(0, 0, 2)},                                               \
        {                                                                                          \
            "receiver b", m_recvs, M_ARG(0, 0, 2)                                                  \
        }                                                                                          \
    }
#define HANDOFF(ident, text, open, ...)                                                            \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items,                              \
                  .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

HANDOFF(handoff_0_1x1, "F035 F037 rendezvous, 1 x 1", m_open_0, ONE_ONE);
HANDOFF(handoff_1_1x1, "F035 F037 capacity 1, 1 x 1", m_open_1, ONE_ONE);
HANDOFF(handoff_2_1x1, "F035 F037 capacity 2, 1 x 1", m_open_2, ONE_ONE);
HANDOFF(handoff_u_1x1, "F035 F037 unbounded, 1 x 1", m_open_unbounded, ONE_ONE);
HANDOFF(handoff_0_2x2, "F049 rendezvous, 2 x 2", m_open_0, TWO_TWO);
HANDOFF(handoff_1_2x2, "F049 capacity 1, 2 x 2", m_open_1, TWO_TWO);
HANDOFF(handoff_2_2x2, "F049 capacity 2, 2 x 2", m_open_2, TWO_TWO);
HANDOFF(handoff_u_2x2, "F049 unbounded, 2 x 2", m_open_unbounded, TWO_TWO);
