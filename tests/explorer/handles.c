/* SPDX-License-Identifier: MIT */
/* handles.c - handles are closed and cloned by several threads: docs/protocol.md, "Handle close".
 */
#include "model.h"

#define HANDLES(ident, text, open, ...)                                                            \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items,                              \
                  .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

/* ---- somebody is parked on the handle that is closed ----------------------------- */

static void open_two_senders(void)
{
    m_open(1);
    m_clone_sender(0, 1);
}

static void open_two_receivers(void)
{
    m_open(1);
    m_clone_receiver(0, 1);
}

HANDLES(handle_close_sender, "F045 one of two senders is closed by a third thread",
        open_two_senders,
        {{"sender 0", m_sends, M_ARG(0, 1, 9)},
         {"sender 1", m_sends_and_closes, M_ARG(1, 11, 2)},
         {"closer", m_closes_sender, M_ARG(0, 0, 0)},
         {"receiver", m_recvs, M_ARG(0, 0, 20)}});
HANDLES(handle_close_receiver, "F045 one of two receivers is closed by a third thread",
        open_two_receivers,
        {{"sender", m_sends_and_closes, M_ARG(0, 1, 3)},
         {"receiver 0", m_recvs, M_ARG(0, 0, 9)},
         {"receiver 1", m_recvs, M_ARG(1, 0, 9)},
         {"closer", m_closes_receiver, M_ARG(0, 0, 0)}});

/* ---- twice, and while it is cloned ----------------------------------------------- */

HANDLES(handle_close_twice, "F041 two threads close the same sender", open_two_senders,
        {{"closer a", m_closes_sender, M_ARG(0, 0, 0)},
         {"closer b", m_closes_sender, M_ARG(0, 0, 0)},
         {"sender 1", m_sends_and_closes, M_ARG(1, 1, 2)},
         {"receiver", m_recvs, M_ARG(0, 0, 9)}});
HANDLES(handle_close_receiver_twice, "F041 two threads close the last receiver", m_open_2,
        {{"closer a", m_closes_receiver, M_ARG(0, 0, 0)},
         {"closer b", m_closes_receiver, M_ARG(0, 0, 0)},
         {"sender", m_sends, M_ARG(0, 1, 9)}});

static void clones_and_sends(void *arg)
{
    m_clone_sender(0, 1);
    m_sends_and_closes(arg);
}

static void clones_and_recvs(void *arg)
{
    m_clone_receiver(0, 1);
    m_recvs_and_closes(arg);
}

HANDLES(handle_clone_sender, "F042 a sender is closed while it is cloned", m_open_1,
        {{"cloner", clones_and_sends, M_ARG(1, 1, 2)},
         {"closer", m_closes_sender, M_ARG(0, 0, 0)},
         {"receiver", m_recvs, M_ARG(0, 0, 9)}});
HANDLES(handle_clone_receiver, "F042 a receiver is closed while it is cloned", m_open_1,
        {{"cloner", clones_and_recvs, M_ARG(1, 0, 2)},
         {"closer", m_closes_receiver, M_ARG(0, 0, 0)},
         {"sender", m_sends_and_closes, M_ARG(0, 1, 3)}});

/* ---- stale handles --------------------------------------------------------------- */

/* The slot of M.tx[0] is reused by one of as many channels as make the thread reclaim. */
enum { OTHERS = 14 };

static void uses_stale(void *unused)
{
    (void)unused;
    for (uint32_t i = 1; i <= 3; i++) {
        int rc = m_try_send(0, i);
        EXPLORE_ASSERT(rc == 0 || rc == WEIR_EAGAIN || rc == WEIR_ECLOSED);
    }
}

static void closes_and_opens_others(void *unused)
{
    uint32_t item;
    (void)unused;
    m_close_sender(0);
    for (unsigned i = 0; i < OTHERS; i++) {
        weir_sender tx;
        weir_receiver rx;
        EXPLORE_EQ(weir_channel_open(&tx, &rx, sizeof item, 1, NULL), 0);
        EXPLORE_EQ(weir_try_send(tx, &item), 0);
        EXPLORE_EQ(weir_try_recv(rx, &item), 1);
        EXPLORE_EQ(weir_try_recv(rx, &item), WEIR_EAGAIN); /* nothing that was sent to another */
        weir_close(tx);
        weir_close(rx);
    }
}

HANDLES(handle_stale, "F041 a stale handle while its slot is reused", m_open_2,
        {{"user", uses_stale, NULL}, {"closer", closes_and_opens_others, NULL}});

/* ---- mutations ------------------------------------------------------------------- */

static weir_sender other_tx;
static weir_receiver other_rx;

static void closes_and_opens_another(void *unused)
{
    (void)unused;
    m_close_sender(0);
    EXPLORE_EQ(weir_channel_open(&other_tx, &other_rx, sizeof(uint32_t), 2, NULL), 0);
}

EXPLORE_MODEL(handle_no_grace, "a slot is reused without a grace period", .setup = m_open_2,
              .check = m_check_items, .mutation = "handle: slot without grace",
              .thread_exit = weir__thread_detach,
              .threads = {{"user", uses_stale, NULL}, {"closer", closes_and_opens_another, NULL}});

#define HANDLES_BROKEN(ident, text, open, defect, ...)                                             \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items, .mutation = defect,          \
                  .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

HANDLES_BROKEN(handle_twice_not_verified, "who closes does not look again under the lock",
               open_two_senders, "close: handle not verified",
               {{"closer a", m_closes_sender, M_ARG(0, 0, 0)},
                {"closer b", m_closes_sender, M_ARG(0, 0, 0)},
                {"sender 1", m_sends_and_closes, M_ARG(1, 1, 2)},
                {"receiver", m_recvs, M_ARG(0, 0, 9)}});
HANDLES_BROKEN(handle_clone_not_verified, "who clones does not look again under the lock", m_open_1,
               "clone: handle not verified",
               {{"cloner", clones_and_sends, M_ARG(1, 1, 2)},
                {"closer", m_closes_sender, M_ARG(0, 0, 0)},
                {"receiver", m_recvs, M_ARG(0, 0, 9)}});
HANDLES_BROKEN(handle_park_not_verified, "who parks does not look again under the lock",
               open_two_receivers, "park: handle not verified",
               {{"receiver", m_recvs, M_ARG(0, 0, 9)},
                {"closer", m_closes_receiver, M_ARG(0, 0, 0)}});
