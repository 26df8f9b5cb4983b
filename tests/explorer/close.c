/* SPDX-License-Identifier: MIT */
/* close.c - an end is closed while others send and receive: docs/protocol.md, "Close". */
#include <string.h>

#include "model.h"

#define CLOSE(ident, text, open, ...)                                                              \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items,                              \
                  .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

/* ---- the last sender, the last receiver, both ------------------------------------ */

#define LAST_SENDER                                                                                \
    {                                                                                              \
        {"sender", m_sends_and_closes, M_ARG(0, 1, 2)}, {"receiver a", m_recvs, M_ARG(0, 0, 9)},   \
        {                                                                                          \
            "receiver b", m_recvs, M_ARG(0, 0, 9)                                                  \
        }                                                                                          \
    }
#define LAST_RECEIVER                                                                              \
    {                                                                                              \
        {"sender a", m_sends, M_ARG(0, 1, 9)}, {"sender b", m_sends, M_ARG(0, 11, 9)},             \
        {                                                                                          \
            "receiver", m_recvs_and_closes, M_ARG(0, 0, 1)                                         \
        }                                                                                          \
    }
/* Sender 0 is closed by its user, receiver 0 by another thread. */
#define BOTH                                                                                       \
    {                                                                                              \
        {"sender", m_sends_and_closes, M_ARG(0, 1, 2)}, {"receiver", m_recvs, M_ARG(0, 0, 9)},     \
        {                                                                                          \
            "closer", m_closes_receiver, M_ARG(0, 0, 0)                                            \
        }                                                                                          \
    }

CLOSE(close_sender_0, "F043 the last sender closes, rendezvous", m_open_0, LAST_SENDER);
CLOSE(close_sender_1, "F043 the last sender closes, capacity 1", m_open_1, LAST_SENDER);
CLOSE(close_sender_2, "F043 the last sender closes, capacity 2", m_open_2, LAST_SENDER);
CLOSE(close_sender_u, "F043 the last sender closes, unbounded", m_open_unbounded, LAST_SENDER);

/* An unbounded channel never makes a sender wait: only as many as fit into the model. */
#define LAST_RECEIVER_UNBOUNDED                                                                    \
    {                                                                                              \
        {"sender a", m_sends, M_ARG(0, 1, 2)}, {"sender b", m_sends, M_ARG(0, 11, 2)},             \
        {                                                                                          \
            "receiver", m_recvs_and_closes, M_ARG(0, 0, 1)                                         \
        }                                                                                          \
    }

CLOSE(close_receiver_0, "F044 the last receiver closes, rendezvous", m_open_0, LAST_RECEIVER);
CLOSE(close_receiver_1, "F044 the last receiver closes, capacity 1", m_open_1, LAST_RECEIVER);
CLOSE(close_receiver_2, "F044 the last receiver closes, capacity 2", m_open_2, LAST_RECEIVER);
CLOSE(close_receiver_u, "F044 the last receiver closes, unbounded", m_open_unbounded,
      LAST_RECEIVER_UNBOUNDED);

CLOSE(close_both_0, "F043 F044 both ends close, rendezvous", m_open_0, BOTH);
CLOSE(close_both_1, "F043 F044 both ends close, capacity 1", m_open_1, BOTH);
CLOSE(close_both_2, "F043 F044 both ends close, capacity 2", m_open_2, BOTH);
CLOSE(close_both_u, "F043 F044 both ends close, unbounded", m_open_unbounded, BOTH);

/* ---- drop functions that close receivers ----------------------------------------- */

/*
 * An item of a nest's channel is the receiver of the next one, whose items are receivers
 * again, and so on; those of the innermost hold nothing and are counted.
 */
enum { NEST = 3, LEAVES = 4 };

static struct nest {
    weir_sender tx[NEST];
    weir_receiver rx[NEST];
    unsigned leaves; /* sent */
    a32 dropped;
} N;

static void drop_receiver(void *item, void *unused)
{
    weir_receiver rx;
    (void)unused;
    memcpy(&rx, item, sizeof rx);
    if (rx.h == 0)
        a32_add(&N.dropped, 1);
    else
        EXPLORE_EQ(weir_close(rx), 0);
}

static void open_nest(size_t capacity)
{
    weir_channel_options o = {.drop = drop_receiver};
    for (unsigned i = 0; i < NEST; i++)
        EXPLORE_EQ(weir_channel_open(&N.tx[i], &N.rx[i], sizeof(weir_receiver), capacity, &o), 0);
}

static void send_leaf(unsigned to)
{
    weir_receiver leaf = {0};
    int rc = weir_try_send(N.tx[to], &leaf);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EPIPE || rc == WEIR_EAGAIN);
    if (rc == 0)
        N.leaves++;
}

/* 0 holds 1, 1 holds 2, 2 holds leaves. */
static void open_chain(void)
{
    open_nest(2);
    EXPLORE_EQ(weir_send(N.tx[0], &N.rx[1]), 0);
    EXPLORE_EQ(weir_send(N.tx[1], &N.rx[2]), 0);
    send_leaf(2);
}

static void close_outermost(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_close(N.rx[0]), 0);
}

static void sends_leaf(void *to)
{
    send_leaf((unsigned)(uintptr_t)to);
}

static void all_dropped(void)
{
    EXPLORE_EQ(a32_load(&N.dropped), N.leaves);
}

EXPLORE_MODEL(close_nested, "F044 a drop function closes receivers, to which others send",
              .setup = open_chain, .check = all_dropped, .thread_exit = weir__thread_detach,
              .threads = {{"closer", close_outermost, NULL},
                          {"sender 0", sends_leaf, (void *)0},
                          {"sender 2", sends_leaf, (void *)2}});

/* Two threads drain, and both close a receiver of the same inner channel. */
static weir_receiver shared;

static void open_shared(void)
{
    open_nest(2);
    shared = weir_receiver_clone(N.rx[2]);
    EXPLORE_EQ(weir_check(shared), 0);
    EXPLORE_EQ(weir_send(N.tx[0], &N.rx[2]), 0);
    EXPLORE_EQ(weir_send(N.tx[1], &shared), 0);
    send_leaf(2);
}

static void close_one(void *i)
{
    EXPLORE_EQ(weir_close(N.rx[(uintptr_t)i]), 0);
}

EXPLORE_MODEL(close_nested_shared, "F044 two drop functions close the receivers of one channel",
              .setup = open_shared, .check = all_dropped, .thread_exit = weir__thread_detach,
              .threads = {{"closer 0", close_one, (void *)0},
                          {"closer 1", close_one, (void *)1},
                          {"sender 2", sends_leaf, (void *)2}});

/* A drop function that sends: the item goes to a channel that has no receiver either. */
static void drop_and_send(void *item, void *unused)
{
    uint32_t number;
    (void)unused;
    memcpy(&number, item, sizeof number);
    a32_add(&N.dropped, 1);
    if (number > 0) {
        number--;
        int rc = weir_try_send(M.tx[1], &number);
        EXPLORE_ASSERT(rc == 0 || rc == WEIR_EPIPE);
        N.leaves += rc == 0;
    }
}

/* M.tx[0] and M.tx[1] are senders of two channels here. */
static void open_senders(void)
{
    weir_channel_options o = {.drop = drop_and_send};
    for (unsigned i = 0; i < 2; i++)
        EXPLORE_EQ(weir_channel_open(&M.tx[i], &M.rx[i], sizeof(uint32_t), 4, &o), 0);
    uint32_t one = 1;
    EXPLORE_EQ(weir_send(M.tx[0], &one), 0);
    EXPLORE_EQ(weir_send(M.tx[1], &one), 0);
    N.leaves = 2;
}

static void close_of_two(void *i)
{
    EXPLORE_EQ(weir_close(M.rx[(uintptr_t)i]), 0);
}

EXPLORE_MODEL(close_drop_sends, "F044 a drop function sends to a channel that others drain",
              .setup = open_senders, .check = all_dropped, .thread_exit = weir__thread_detach,
              .threads = {{"closer 0", close_of_two, (void *)0},
                          {"closer 1", close_of_two, (void *)1}});

/* ---- mutations ------------------------------------------------------------------- */

#define CLOSE_BROKEN(ident, text, defect, failure, ...)                                            \
    EXPLORE_MODEL(ident, text, .setup = m_open_2, .check = m_check_items, .mutation = defect,      \
                  .expect = failure, .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

CLOSE_BROKEN(close_no_mark, "the last sender's close does not mark the tail", "close: no mark",
             "asserted",
             {{"sender", m_sends, M_ARG(0, 1, 1)},
              {"closer", m_closes_sender, M_ARG(0, 0, 0)},
              {"receiver", m_recvs, M_ARG(0, 0, 9)}});
CLOSE_BROKEN(close_drain_no_membarrier, "the last receiver's closer drains without membarrier",
             "close: drain without membarrier", "dropped",
             {{"sender a", m_sends, M_ARG(0, 1, 2)},
              {"sender b", m_sends, M_ARG(0, 11, 1)},
              {"closer", m_closes_receiver, M_ARG(0, 0, 0)}});
