/* SPDX-License-Identifier: MIT */
/*
 * many.c - several workers: the gate, thieves, sleep and the end of a run. docs/protocol.md,
 * "The gate", "Many workers".
 */
#include <string.h>

#include "gate.h"
#include "model.h"

/* ---- the gate, by itself --------------------------------------------------------- */

static struct worker owner;
static unsigned at_queues, moved, pops;

static void gate_setup(void)
{
    memset(&owner, 0, sizeof owner);
    at_queues = moved = pops = 0;
    owner.run.total = 4;
}

static void take_one(unsigned *mine)
{
    EXPLORE_EQ(at_queues++, 0);
    explore_yield();
    if (owner.run.total > 0) {
        owner.run.total--;
        ++*mine;
    }
    EXPLORE_EQ(--at_queues, 0);
}

static void owner_pops(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        gate_enter(&owner);
        take_one(&pops);
        gate_leave(&owner);
    }
}

static void thief_moves(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 2; i++)
        if (weir__gate_shut(&owner)) {
            take_one(&moved);
            weir__gate_open(&owner);
        }
}

static void gate_check(void)
{
    EXPLORE_EQ(owner.run.total + moved + pops, 4);
    EXPLORE_EQ(a32_load(&owner.barred), 0);
}

#define GATE_THREADS                                                                               \
    {                                                                                              \
        {"owner", owner_pops, NULL}, {"thief a", thief_moves, NULL},                               \
        {                                                                                          \
            "thief b", thief_moves, NULL                                                           \
        }                                                                                          \
    }
#define GATE(ident, text, ...)                                                                     \
    EXPLORE_MODEL(ident, text, .setup = gate_setup, .check = gate_check, __VA_ARGS__,              \
                  .threads = GATE_THREADS)

GATE(gate, "F003 a worker's queues: the owner and two thieves", .flags = 0);
GATE(gate_no_membarrier, "a thief comes without membarrier", .mutation = "gate: no membarrier");
GATE(gate_not_looked_at, "the owner does not look at the bar", .mutation = "gate: not looked at");
GATE(gate_no_wait, "a thief does not wait for the owner", .mutation = "gate: thief does not wait");

/* ---- runs ------------------------------------------------------------------------ */

static int run_many(weir_body body, void *arg)
{
    return weir_run(body, arg, &(weir_options){.workers = 2});
}

static int pairs(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    m_spawn(g, m_sends_and_closes, M_ARG(0, 1, 3));
    m_spawn(g, m_recvs, M_ARG(0, 0, 9));
    EXPLORE_EQ(weir_group_end(g), 0);
    return 0;
}

static void run_pairs(void *unused)
{
    EXPLORE_EQ(run_many(pairs, unused), 0);
}

#define MANY(ident, text, open, run)                                                               \
    EXPLORE_MODEL(ident, text, .setup = open, .check = m_check_items, .max_steps = 60000,          \
                  .thread_exit = weir__thread_detach,                                              \
                  .threads = {{"worker 0", run, NULL}, {"worker 1", explore_hired, (void *)0}})

static void open_singles(void)
{
    m_open_with(1, true, true);
}

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static void run_nothing(void *unused)
{
    EXPLORE_EQ(run_many(nothing, unused), 0);
}

MANY(many_nothing, "F001 a run of two workers begins and ends", m_open_0, run_nothing);
MANY(many_pairs_0, "F037 two actors on two workers, rendezvous", m_open_0, run_pairs);
MANY(many_pairs_1, "F037 two actors on two workers, capacity 1", m_open_1, run_pairs);
MANY(many_pairs_u, "F037 two actors on two workers, unbounded", m_open_unbounded, run_pairs);
MANY(many_singles, "F037 declared single ends on two workers", open_singles, run_pairs);

static int group_of_two(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        weir_group g = weir_group_begin();
        EXPLORE_EQ(weir_spawn(g, nothing, NULL), 0);
        EXPLORE_EQ(weir_spawn(g, nothing, NULL), 0);
        EXPLORE_EQ(weir_group_end(g), 0);
    }
    return 0;
}

static void run_group(void *unused)
{
    EXPLORE_EQ(run_many(group_of_two, unused), 0);
}

MANY(many_group, "F002 a group's children on two workers", m_open_0, run_group);

static int yields(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_spawn(WEIR_RUN, nothing, NULL), 0);
    EXPLORE_EQ(weir_yield(), 0);
    EXPLORE_EQ(weir_yield(), 0);
    return 0;
}

static void run_yields(void *unused)
{
    EXPLORE_EQ(run_many(yields, unused), 0);
}

MANY(many_yield, "F021 who yields is stolen only off its stack", m_open_0, run_yields);

static int times_out(void *unused)
{
    uint32_t item;
    (void)unused;
    m_spawn(WEIR_RUN, m_sends, M_ARG(0, 1, 1));
    int rc = m_recv_by(0, &item, weir_after(10));
    if (rc == WEIR_ETIMEDOUT)
        EXPLORE_EQ(m_recv(0, &item), 1);
    return 0;
}

static void run_times_out(void *unused)
{
    EXPLORE_EQ(run_many(times_out, unused), 0);
}

MANY(many_timeout, "F038 a deadline and a send on another worker", m_open_0, run_times_out);

/* A plain thread sends to an actor of two workers. */
static int receives(void *unused)
{
    (void)unused;
    m_recvs(M_ARG(0, 0, 9));
    return 0;
}

static void run_receives(void *unused)
{
    EXPLORE_EQ(run_many(receives, unused), 0);
}

EXPLORE_MODEL(many_foreign, "F037 a plain thread sends to an actor of two workers",
              .setup = m_open_1, .check = m_check_items, .max_steps = 60000,
              .thread_exit = weir__thread_detach,
              .threads = {{"worker 0", run_receives, NULL},
                          {"worker 1", explore_hired, (void *)0},
                          {"sender", m_sends_and_closes, M_ARG(0, 1, 2)}});

EXPLORE_MODEL(many_end_not_seen, "the last two workers do not look again for the end",
              .setup = m_open_0, .max_steps = 60000, .thread_exit = weir__thread_detach,
              .mutation = "worker: end not seen", .expect = "deadlock",
              .threads = {{"worker 0", run_nothing, NULL}, {"worker 1", explore_hired, (void *)0}});
