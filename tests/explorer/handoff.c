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

/* ---- three at once, in batches --------------------------------------------------- */

static void sends_batch(void *arg)
{
    uint32_t first = (uintptr_t)arg >> 8 & 0xff, n = (uintptr_t)arg & 0xff, items[8];
    for (uint32_t i = 0; i < n; i++)
        items[i] = first + i;
    for (uint32_t sent = 0; sent < n;) {
        int k = m_send_many(0, &items[sent], n - sent);
        EXPLORE_ASSERT(k > 0 && (uint32_t)k <= n - sent);
        sent += (uint32_t)k;
    }
}

static void recvs_batch(void *arg)
{
    uint32_t n = (uintptr_t)arg & 0xff, items[8];
    for (uint32_t got = 0; got < n;) {
        int k = m_recv_many(0, items, n - got);
        EXPLORE_ASSERT(k > 0 && (uint32_t)k <= n - got);
        got += (uint32_t)k;
    }
}

static void open_3(void)
{
    m_open(3);
}

#define BATCHES                                                                                    \
    {                                                                                              \
        {"sender a", sends_batch, M_ARG(0, 1, 3)}, {"sender b", sends_batch, M_ARG(0, 11, 2)},     \
            {"receiver a", recvs_batch, M_ARG(0, 0, 3)},                                           \
        {                                                                                          \
            "receiver b", m_recvs, M_ARG(0, 0, 2)                                                  \
        }                                                                                          \
    }
HANDOFF(batch_0, "F049 batches, rendezvous", m_open_0, BATCHES);
HANDOFF(batch_2, "F049 batches larger than the channel", m_open_2, BATCHES);
HANDOFF(batch_3, "F049 batches, capacity 3", open_3, BATCHES);
HANDOFF(batch_u, "F049 batches, unbounded", m_open_unbounded, BATCHES);

/* ---- mutations ------------------------------------------------------------------- */

#define BROKEN(ident, text, open, defect, failure, ...)                                            \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items, .mutation = defect,          \
                  .expect = failure, .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

BROKEN(park_send_no_look, "nobody looks for receivers after a send", m_open_1,
       "send: no look after", "deadlock", ONE_ONE);

static void open_1_full(void)
{
    m_open(1);
    EXPLORE_EQ(m_send(0, 9), 0);
}

#define ONE_SEND                                                                                   \
    {                                                                                              \
        {"sender", m_sends, M_ARG(0, 1, 1)},                                                       \
        {                                                                                          \
            "receiver", m_recvs, M_ARG(0, 0, 1)                                                    \
        }                                                                                          \
    }
BROKEN(park_recv_no_look, "nobody looks for senders after a receive", open_1_full,
       "recv: no look after", "deadlock", ONE_SEND);
BROKEN(park_recv_no_second_look, "a receiver parks without a second look", m_open_1,
       "park: no second look", "deadlock", ONE_SEND);
BROKEN(park_send_no_second_look, "a sender parks without a second look", open_1_full,
       "park: no second look", "deadlock", ONE_SEND);
BROKEN(park_recv_announce_late, "a receiver announces itself after its look", m_open_1,
       "park: announce late", "deadlock", ONE_SEND);
BROKEN(park_send_announce_late, "a sender announces itself after its look", open_1_full,
       "park: announce late", "deadlock", ONE_SEND);

/* Their first sends make the cells: a long way from the look at the flags to the claim. */
static void open_24(void)
{
    m_open(24);
}

EXPLORE_MODEL(handoff_past_claim, "an item is handed over past places that are claimed",
              .setup = open_24, .check = m_check_items, .mutation = "hand-over: past a claim",
              .expect = "linear_check", .flags = EXPLORE_ONLY_RANDOM,
              .thread_exit = weir__thread_detach,
              .threads = {{"sender a", m_sends, M_ARG(0, 1, 2)},
                          {"sender b", m_sends, M_ARG(0, 11, 2)},
                          {"sender c", m_sends, M_ARG(0, 21, 2)},
                          {"receiver", m_recvs, M_ARG(0, 0, 6)}});
