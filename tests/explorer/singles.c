/* SPDX-License-Identifier: MIT */
/* singles.c - declared single ends: docs/protocol.md, "Asymmetric fences". */
#include "model.h"

#define SINGLE(ident, text, open, ...)                                                             \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items,                              \
                  .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

static void open_single_sender(void)
{
    m_open_with(1, true, false);
}

static void open_single_receiver(void)
{
    m_open_with(1, false, true);
}

static void open_singles(void)
{
    m_open_with(1, true, true);
}

static void open_singles_2(void)
{
    m_open_with(2, true, true);
}

/* ---- park and wake --------------------------------------------------------------- */

#define ONE_ONE                                                                                    \
    {                                                                                              \
        {"sender", m_sends, M_ARG(0, 1, 3)},                                                       \
        {                                                                                          \
            "receiver", m_recvs, M_ARG(0, 0, 3)                                                    \
        }                                                                                          \
    }
SINGLE(single_sender, "F037 a single sender, any receiver", open_single_sender, ONE_ONE);
SINGLE(single_receiver, "F035 any sender, a single receiver", open_single_receiver, ONE_ONE);
SINGLE(single_both, "F035 F037 both ends single, capacity 1", open_singles, ONE_ONE);
SINGLE(single_both_2, "F035 F037 both ends single, capacity 2", open_singles_2, ONE_ONE);

#define TWO_ONE                                                                                    \
    {                                                                                              \
        {"sender a", m_sends, M_ARG(0, 1, 2)}, {"sender b", m_sends, M_ARG(0, 11, 2)},             \
        {                                                                                          \
            "receiver", m_recvs, M_ARG(0, 0, 4)                                                    \
        }                                                                                          \
    }
#define ONE_TWO                                                                                    \
    {                                                                                              \
        {"sender", m_sends, M_ARG(0, 1, 4)}, {"receiver a", m_recvs, M_ARG(0, 0, 2)},              \
        {                                                                                          \
            "receiver b", m_recvs, M_ARG(0, 0, 2)                                                  \
        }                                                                                          \
    }
SINGLE(single_receiver_2x1, "F049 two senders, a single receiver", open_single_receiver, TWO_ONE);
SINGLE(single_sender_1x2, "F049 a single sender, two receivers", open_single_sender, ONE_TWO);

/* ---- close ----------------------------------------------------------------------- */

#define SENDER_CLOSED                                                                              \
    {                                                                                              \
        {"sender", m_sends, M_ARG(0, 1, 9)}, {"closer", m_closes_sender, M_ARG(0, 0, 0)},          \
        {                                                                                          \
            "receiver", m_recvs, M_ARG(0, 0, 9)                                                    \
        }                                                                                          \
    }
#define RECEIVER_CLOSED                                                                            \
    {                                                                                              \
        {"sender", m_sends, M_ARG(0, 1, 9)}, {"closer", m_closes_receiver, M_ARG(0, 0, 0)},        \
        {                                                                                          \
            "receiver", m_recvs, M_ARG(0, 0, 9)                                                    \
        }                                                                                          \
    }
#define BOTH_CLOSE                                                                                 \
    {                                                                                              \
        {"sender", m_sends_and_closes, M_ARG(0, 1, 2)},                                            \
        {                                                                                          \
            "receiver", m_recvs_and_closes, M_ARG(0, 0, 1)                                         \
        }                                                                                          \
    }
#define BOTH_CLOSED                                                                                \
    {                                                                                              \
        {"sender", m_sends, M_ARG(0, 1, 9)}, {"closer a", m_closes_sender, M_ARG(0, 0, 0)},        \
            {"closer b", m_closes_receiver, M_ARG(0, 0, 0)},                                       \
        {                                                                                          \
            "receiver", m_recvs, M_ARG(0, 0, 9)                                                    \
        }                                                                                          \
    }
#define TWO_SENDERS_RECEIVER_CLOSED                                                                \
    {                                                                                              \
        {"sender a", m_sends, M_ARG(0, 1, 9)}, {"sender b", m_sends, M_ARG(0, 11, 9)},             \
            {"closer", m_closes_receiver, M_ARG(0, 0, 0)},                                         \
        {                                                                                          \
            "receiver", m_recvs, M_ARG(0, 0, 9)                                                    \
        }                                                                                          \
    }

SINGLE(single_close_sender, "F043 a single sender is closed by another thread", open_single_sender,
       SENDER_CLOSED);
SINGLE(single_close_sender_both, "F043 the same, the receiver single too", open_singles,
       SENDER_CLOSED);
SINGLE(single_close_receiver, "F044 a single receiver is closed by another thread",
       open_single_receiver, RECEIVER_CLOSED);
SINGLE(single_close_receiver_both, "F044 the same, the sender single too", open_singles_2,
       RECEIVER_CLOSED);
SINGLE(single_close_receiver_2, "F044 a single receiver is closed while two send",
       open_single_receiver, TWO_SENDERS_RECEIVER_CLOSED);
SINGLE(single_closes, "F043 F044 single ends close themselves", open_singles, BOTH_CLOSE);
SINGLE(single_closed, "F043 F044 single ends are closed by others", open_singles, BOTH_CLOSED);

/* ---- mutations ------------------------------------------------------------------- */

#define SINGLE_BROKEN(ident, text, open, defect, failure, ...)                                     \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items, .mutation = defect,          \
                  .expect = failure, .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

SINGLE_BROKEN(single_recv_no_membarrier, "a receiver parks without membarrier", open_single_sender,
              "single: recv waits without membarrier", "deadlock", ONE_ONE);
SINGLE_BROKEN(single_send_no_membarrier, "a sender parks without membarrier", open_single_receiver,
              "single: send waits without membarrier", "deadlock",
              {{"sender", m_sends, M_ARG(0, 1, 3)}, {"receiver", m_recvs, M_ARG(0, 0, 2)}});
SINGLE_BROKEN(single_close_no_membarrier, "a single sender is closed without membarrier",
              open_single_sender, "single: close without membarrier", NULL, SENDER_CLOSED);
SINGLE_BROKEN(single_enter_no_finish, "who finds its handle shut on entering does not finish",
              open_single_sender, "single: enter does not finish", NULL, SENDER_CLOSED);
SINGLE_BROKEN(single_closes_gap, "CLOSES is taken back before the end is marked as gone",
              open_singles, "single: CLOSES ends before GONE", NULL, SENDER_CLOSED);
SINGLE_BROKEN(single_closes_gap_receiver, "the same, of a receiver to which two send",
              open_single_receiver, "single: CLOSES ends before GONE", NULL,
              TWO_SENDERS_RECEIVER_CLOSED);
SINGLE_BROKEN(single_leave_no_finish, "who finds its handle shut on leaving does not finish",
              open_single_sender, "single: leave does not finish", NULL, SENDER_CLOSED);
