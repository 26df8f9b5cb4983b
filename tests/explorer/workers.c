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

/* ---- several actors of one worker, and threads ----------------------------------- */

static int sends_and_recvs(void *unused)
{
    (void)unused;
    m_spawn(WEIR_RUN, m_sends, M_ARG(0, 1, 2));
    m_recvs(M_ARG(0, 0, 2));
    return 0;
}

static void run_sends_and_recvs(void *unused)
{
    EXPLORE_EQ(weir_run(sends_and_recvs, unused, NULL), 0);
}

#define PAIRS                                                                                      \
    {                                                                                              \
        {"worker", run_sends_and_recvs, NULL}, {"sender", m_sends, M_ARG(0, 11, 2)},               \
        {                                                                                          \
            "receiver", m_recvs, M_ARG(0, 0, 2)                                                    \
        }                                                                                          \
    }
WORKERS(workers_pairs_0, "F049 actors and threads at a rendezvous", m_open_0, PAIRS);
WORKERS(workers_pairs_1, "F049 actors and threads, capacity 1", m_open_1, PAIRS);
WORKERS(workers_pairs_u, "F049 actors and threads, unbounded", m_open_unbounded, PAIRS);

/* ---- ends that threads close ----------------------------------------------------- */

static int two_recv(void *unused)
{
    (void)unused;
    m_spawn(WEIR_RUN, m_recvs, M_ARG(0, 0, 9));
    m_recvs(M_ARG(0, 0, 9));
    return 0;
}

static void run_two_recv(void *unused)
{
    EXPLORE_EQ(weir_run(two_recv, unused, NULL), 0);
}

static int two_send(void *unused)
{
    (void)unused;
    m_spawn(WEIR_RUN, m_sends, M_ARG(0, 1, 4));
    m_sends(M_ARG(0, 11, 4));
    return 0;
}

static void run_two_send(void *unused)
{
    EXPLORE_EQ(weir_run(two_send, unused, NULL), 0);
}

#define SENDER_CLOSES                                                                              \
    {                                                                                              \
        {"worker", run_two_recv, NULL},                                                            \
        {                                                                                          \
            "sender", m_sends_and_closes, M_ARG(0, 1, 3)                                           \
        }                                                                                          \
    }
#define RECEIVER_CLOSES                                                                            \
    {                                                                                              \
        {"worker", run_two_send, NULL},                                                            \
        {                                                                                          \
            "receiver", m_recvs_and_closes, M_ARG(0, 0, 3)                                         \
        }                                                                                          \
    }
WORKERS(workers_sender_closes_0, "F043 a thread closes what actors receive from, rendezvous",
        m_open_0, SENDER_CLOSES);
WORKERS(workers_sender_closes_1, "F043 a thread closes what actors receive from, capacity 1",
        m_open_1, SENDER_CLOSES);
WORKERS(workers_sender_closes_u, "F043 a thread closes what actors receive from, unbounded",
        m_open_unbounded, SENDER_CLOSES);
WORKERS(workers_receiver_closes_0, "F044 a thread closes what actors send to, rendezvous", m_open_0,
        RECEIVER_CLOSES);
WORKERS(workers_receiver_closes_1, "F044 a thread closes what actors send to, capacity 1", m_open_1,
        RECEIVER_CLOSES);
WORKERS(workers_handle_closed, "F045 a thread closes the handle that two actors are parked on",
        m_open_0,
        {{"worker", run_two_recv, NULL},
         {"closer", m_closes_receiver, M_ARG(0, 0, 0)},
         {"sender", m_sends, M_ARG(0, 1, 2)}});

/* ---- handles that actors own ------------------------------------------------------ */

static a32 opened;

/* The end of the actor closes what another thread may be closing. */
static int opens_and_ends(void *unused)
{
    uint32_t item;
    (void)unused;
    m_open(1);
    a32_store_release(&opened, 1);
    m_recv(0, &item);
    return 0;
}

static void run_owner(void *unused)
{
    EXPLORE_EQ(weir_run(opens_and_ends, unused, NULL), 0);
}

static void sends_when_opened(void *unused)
{
    (void)unused;
    while (!a32_load_acquire(&opened))
        a_relax();
    m_sends(M_ARG(0, 1, 1));
}

static void closes_when_opened(void *unused)
{
    (void)unused;
    while (!a32_load_acquire(&opened))
        a_relax();
    EXPLORE_EQ(weir_close(M.rx[0]), 0);
    EXPLORE_EQ(weir_close(M.tx[0]), 0);
}

static void one_item_at_most(void)
{
    unsigned sent = 0, got = 0;
    for (unsigned i = 0; i < M.history.n; i++) {
        sent += M.history.ops[i].kind == LINEAR_SEND && M.history.ops[i].result == 0;
        got += M.history.ops[i].kind == LINEAR_RECV && M.history.ops[i].result == 1;
    }
    EXPLORE_EQ(got + M.dropped[1], sent);
    EXPLORE_EQ(weir_check(M.tx[0]), WEIR_ECLOSED);
    EXPLORE_EQ(weir_check(M.rx[0]), WEIR_ECLOSED);
}

EXPLORE_MODEL(workers_owner_ends, "F041 what an actor owns is closed by a thread and by its end",
              .check = one_item_at_most, .thread_exit = weir__thread_detach,
              .threads = {{"worker", run_owner, NULL},
                          {"sender", sends_when_opened, NULL},
                          {"closer", closes_when_opened, NULL}});

/* ---- deadlines -------------------------------------------------------------------- */

static void recv_by(void *unused)
{
    uint32_t item;
    (void)unused;
    int rc = m_recv_by(0, &item, weir_after(WEIR_MS));
    EXPLORE_ASSERT(rc >= 0 || rc == WEIR_ETIMEDOUT || rc == WEIR_ECLOSED);
}

static void send_by(void *first)
{
    int rc = m_send_by(0, (uint32_t)(uintptr_t)first, weir_after(WEIR_MS));
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ETIMEDOUT || rc == WEIR_EPIPE || rc == WEIR_ECLOSED);
}

static int two_recv_by(void *unused)
{
    m_spawn(WEIR_RUN, recv_by, unused);
    recv_by(unused);
    return 0;
}

static void run_recv_by(void *unused)
{
    EXPLORE_EQ(weir_run(two_recv_by, unused, NULL), 0);
}

static int two_send_by(void *unused)
{
    (void)unused;
    m_spawn(WEIR_RUN, send_by, (void *)1);
    send_by((void *)2);
    return 0;
}

static void run_send_by(void *unused)
{
    EXPLORE_EQ(weir_run(two_send_by, unused, NULL), 0);
}

#define RECV_BY                                                                                    \
    {                                                                                              \
        {"worker", run_recv_by, NULL}, {"sender a", send_by, (void *)1},                           \
        {                                                                                          \
            "sender b", send_by, (void *)2                                                         \
        }                                                                                          \
    }
WORKERS(workers_recv_by_0, "F047 deadlines of actors and threads, rendezvous", m_open_0, RECV_BY);
WORKERS(workers_recv_by_1, "F047 deadlines of actors and threads, capacity 1", m_open_1, RECV_BY);
WORKERS(workers_send_by_0, "F046 deadlines of actors that send", m_open_0,
        {{"worker", run_send_by, NULL}, {"receiver a", recv_by, NULL}});
WORKERS(workers_by_close, "F043 deadlines of actors race with the close by a thread", m_open_0,
        {{"worker", run_recv_by, NULL}, {"closer", m_closes_sender, M_ARG(0, 0, 0)}});

/* ---- groups ------------------------------------------------------------------------ */

static bool child_ended;

static int child(void *arg)
{
    m_recvs(arg);
    child_ended = true;
    return -7;
}

static int waits_for_child(void *arg)
{
    weir_group g = weir_group_begin();
    EXPLORE_EQ(weir_spawn(g, child, arg), 0);
    EXPLORE_EQ(weir_group_end(g), -7);
    EXPLORE_ASSERT(child_ended);
    return 0;
}

static void run_group(void *arg)
{
    EXPLORE_EQ(weir_run(waits_for_child, arg, NULL), 0);
}

WORKERS(workers_group, "F002 a group waits for a child that a thread wakes", m_open_0,
        {{"worker", run_group, M_ARG(0, 0, 2)}, {"sender", m_sends, M_ARG(0, 1, 2)}});

/* ---- runs of several threads -------------------------------------------------------- */

static void run_when_idle(void *arg)
{
    int rc;
    while ((rc = weir_run(recvs, arg, NULL)) == WEIR_EBUSY)
        a_relax();
    EXPLORE_EQ(rc, 0);
}

WORKERS(workers_runs, "F001 one run after the other, on two threads", m_open_1,
        {{"worker a", run_when_idle, M_ARG(0, 0, 1)},
         {"worker b", run_when_idle, M_ARG(0, 0, 1)},
         {"sender", m_sends, M_ARG(0, 1, 2)}});

/* ---- mutations ----------------------------------------------------------------------- */

#define WORKERS_BROKEN(ident, text, defect, failure, ...)                                          \
    EXPLORE_MODEL(ident, text, .setup = m_open_0, .check = m_check_items, .mutation = defect,      \
                  .expect = failure, .thread_exit = weir__thread_detach, .threads = __VA_ARGS__)

/* All are parked when a batch comes, so the first wake starts the worker during the others. */
static void sends_together(void *n)
{
    const uint32_t items[] = {1, 2, 3};
    while (!explore_asleep(0)) {
        a_relax();
        explore_yield();
    }
    EXPLORE_EQ(m_send_many(0, items, (unsigned)(uintptr_t)n), (uintptr_t)n);
}

static int three_recv_twice(void *unused)
{
    (void)unused;
    m_spawn(WEIR_RUN, m_recvs, M_ARG(0, 0, 2));
    m_spawn(WEIR_RUN, m_recvs, M_ARG(0, 0, 2));
    m_recvs(M_ARG(0, 0, 2));
    return 0;
}

static void run_three_recv_twice(void *unused)
{
    EXPLORE_EQ(weir_run(three_recv_twice, unused, NULL), 0);
}

static int two_recv_once(void *unused)
{
    (void)unused;
    m_spawn(WEIR_RUN, m_recvs, M_ARG(0, 0, 1));
    m_recvs(M_ARG(0, 0, 1));
    return 0;
}

static void run_two_recv_once(void *unused)
{
    EXPLORE_EQ(weir_run(two_recv_once, unused, NULL), 0);
}

static void sends_together_and_more(void *unused)
{
    sends_together((void *)3);
    (void)unused;
    m_sends(M_ARG(0, 11, 3));
}

#define WOKEN_AND_WAIT                                                                             \
    {                                                                                              \
        {"worker", run_three_recv_twice, NULL},                                                    \
        {                                                                                          \
            "sender", sends_together_and_more, NULL                                                \
        }                                                                                          \
    }
#define WOKEN_AND_END                                                                              \
    {                                                                                              \
        {"worker", run_two_recv_once, NULL},                                                       \
        {                                                                                          \
            "sender", sends_together, (void *)2                                                    \
        }                                                                                          \
    }
WORKERS(workers_woken_together, "F049 actors are woken by one batch and wait again", m_open_0,
        WOKEN_AND_WAIT);
WORKERS(workers_woken_end, "F001 actors are woken by one batch and the run ends", m_open_0,
        WOKEN_AND_END);
WORKERS_BROKEN(wake_next_late, "the next to wake is looked up when the first runs already",
               "wake: next read late", NULL, WOKEN_AND_WAIT);
WORKERS_BROKEN(workers_without_grace, "the worker is released when its run ends",
               "worker: without grace", "released", WOKEN_AND_END);
WORKERS_BROKEN(workers_no_second_look, "the worker sleeps without a second look",
               "worker: no second look", "deadlock",
               {{"worker", run_recvs, M_ARG(0, 0, 1)}, {"sender", m_sends, M_ARG(0, 1, 1)}});
#define SENDS_RECVS                                                                                \
    {                                                                                              \
        {"worker", run_sends, M_ARG(0, 1, 1)},                                                     \
        {                                                                                          \
            "receiver", m_recvs, M_ARG(0, 0, 1)                                                    \
        }                                                                                          \
    }
#define RECVS_SENDS                                                                                \
    {                                                                                              \
        {"worker", run_recvs, M_ARG(0, 0, 1)},                                                     \
        {                                                                                          \
            "sender", m_sends, M_ARG(0, 1, 1)                                                      \
        }                                                                                          \
    }
#define SHORT_BROKEN(ident, text, open, defect, ...)                                               \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items, .mutation = defect,          \
                  .expect = "deadlock", .thread_exit = weir__thread_detach,                        \
                  .threads = __VA_ARGS__)

static void open_1_full(void)
{
    m_open(1);
    EXPLORE_EQ(m_send(0, 9), 0);
}

/* What handoff.c does to threads, for the shortest ways, which are the actors'. */
SHORT_BROKEN(workers_send_no_look, "an actor does not look for receivers after a send", m_open_1,
             "send: no look after", SENDS_RECVS);
SHORT_BROKEN(workers_send_no_look_u, "the same, unbounded", m_open_unbounded, "send: no look after",
             SENDS_RECVS);
SHORT_BROKEN(workers_recv_no_look, "an actor does not look for senders after a receive",
             open_1_full, "recv: no look after", RECVS_SENDS);
SHORT_BROKEN(workers_recv_no_second_look, "an actor parks in recv without a second look", m_open_1,
             "park: no second look", RECVS_SENDS);
SHORT_BROKEN(workers_send_no_second_look, "an actor parks in send without a second look",
             open_1_full, "park: no second look", SENDS_RECVS);
SHORT_BROKEN(workers_recv_announce_late, "an actor announces its receive after its look", m_open_1,
             "park: announce late", RECVS_SENDS);
SHORT_BROKEN(workers_send_announce_late, "an actor announces its send after its look", open_1_full,
             "park: announce late", SENDS_RECVS);
