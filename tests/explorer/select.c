/* SPDX-License-Identifier: MIT */
/*
 * select.c - selects against plain operations and each other: docs/protocol.md, "Select".
 *
 * Each model counts, per item, how often it was sent, received and dropped, and poisons
 * what a losing case could write to.
 */
#include <string.h>

#include "model.h"

enum { CHANNELS = 3, ITEMS = 64, CASES = 4, POISON = 0xdead };

static weir_sender tx[CHANNELS];
static weir_receiver rx[CHANNELS];
static unsigned sent[ITEMS], got[ITEMS], dropped[ITEMS];

static void count_drop(void *item, void *unused)
{
    (void)unused;
    dropped[*(uint32_t *)item]++;
}

static void open_with(unsigned i, size_t capacity, bool single_sender, bool single_receiver)
{
    weir_channel_options o = {
        .drop = count_drop, .single_sender = single_sender, .single_receiver = single_receiver};
    EXPLORE_EQ(weir_channel_open(&tx[i], &rx[i], sizeof(uint32_t), capacity, &o), 0);
}

static void open_all(size_t capacity)
{
    for (unsigned i = 0; i < CHANNELS; i++)
        open_with(i, capacity, false, false);
}

static void open_0(void)
{
    open_all(0);
}

static void open_1(void)
{
    open_all(1);
}

static void open_u(void)
{
    open_all(WEIR_UNBOUNDED);
}

/* A rendezvous, a buffer, a wide one: their numbers are in this order. */
static void open_mixed(void)
{
    open_with(0, 0, false, false);
    open_with(1, 1, false, false);
    open_with(2, WEIR_UNBOUNDED, false, false);
}

static void open_singles(void)
{
    for (unsigned i = 0; i < CHANNELS; i++)
        open_with(i, 1, true, true);
}

static void fill_one(unsigned i)
{
    const uint32_t item = ITEMS - 1;
    EXPLORE_EQ(weir_send(tx[i], &item), 0);
    sent[item]++;
}

static void fill(void)
{
    for (unsigned i = 0; i < CHANNELS; i++)
        fill_one(i);
}

static void open_1_full(void)
{
    open_all(1);
    fill();
}

static void open_singles_full(void)
{
    for (unsigned i = 0; i < CHANNELS; i++)
        open_with(i, 1, false, true); /* whoever fills it is the user of a single sender */
    fill();
}

static void once(void)
{
    for (unsigned i = 0; i < CHANNELS; i++) {
        weir_close(tx[i]);
        weir_close(rx[i]);
    }
    for (unsigned i = 0; i < ITEMS; i++)
        EXPLORE_EQ(got[i] + dropped[i], sent[i]);
}

/* ---- what threads do ------------------------------------------------------------------------ */

/* One operation of a script: on channel `chan`; with S a send. */
#define S 16u

struct script {
    unsigned cases; /* how many; 1 with `plain`: no select */
    unsigned c[CASES];
    unsigned rounds; /* so many cases have to fire with an item, or all have ended */
    uint32_t first;  /* item sent in the first round */
    bool plain, by, closes;
    unsigned after; /* begin when so many threads, the first ones, sleep or are done */
};

static a32 done[EXPLORE_THREADS];

static void await(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        while (!explore_asleep(i) && !a32_load_acquire(&done[i]))
            a_relax();
}

static weir_case case_of(unsigned c, uint32_t *in, const uint32_t *out)
{
    return c & S ? weir_on_send(tx[c & ~S], out) : weir_on_recv(rx[c], in);
}

/* As one select: the index, and rc of the case. */
static int plain(unsigned c, weir_time deadline, uint32_t *in, const uint32_t *out, int *rc)
{
    *rc = c & S ? weir_send_by(tx[c & ~S], out, deadline) : weir_recv_by(rx[c], in, deadline);
    return *rc == WEIR_ETIMEDOUT ? WEIR_ETIMEDOUT : 0;
}

static void count_case(unsigned c, int rc, uint32_t out, const uint32_t *in)
{
    if (c & S) {
        EXPLORE_EQ(rc, 0);
        sent[out]++;
    } else {
        EXPLORE_EQ(rc, 1);
        EXPLORE_ASSERT(*in < ITEMS);
        got[*in]++;
    }
}

static bool has_ended(unsigned c, int rc)
{
    EXPLORE_ASSERT(rc >= 0 || rc == WEIR_ECLOSED || rc == WEIR_EPIPE);
    return rc < 0 || (rc == 0 && !(c & S));
}

static int fire(const struct script *s, weir_case *c, uint32_t *in, uint32_t out, int *rc)
{
    weir_time deadline = s->by ? weir_after(WEIR_MS) : WEIR_NEVER;
    if (s->plain)
        return c[0].kind ? plain(s->c[0], deadline, in, &out, rc) : WEIR_EDEADLK;
    int i = weir_select_by(c, s->cases, explore_choose(2) ? WEIR_FAIR : WEIR_ORDERED, deadline);
    if (i >= 0)
        *rc = c[i].rc;
    for (unsigned k = 0; k < s->cases; k++) /* whatever is still in a queue is found out */
        memset(c[k].reserved, 0xa5, sizeof c[k].reserved);
    return i;
}

/* Returns the last item received. */
static uint32_t play(const struct script *s)
{
    weir_case c[CASES];
    uint32_t in[CASES], out = 0, last = POISON;
    int rc = 0;
    for (unsigned i = 0; i < s->cases; i++)
        c[i] = case_of(s->c[i], &in[i], &out);
    for (unsigned round = 0; round < s->rounds;) {
        for (unsigned i = 0; i < s->cases; i++)
            in[i] = POISON;
        out = s->first + round;
        int fired = fire(s, c, in, s->first + round, &rc);
        for (int i = 0; i < (int)s->cases; i++)
            EXPLORE_ASSERT(i == fired || in[i] == POISON);
        if (fired == WEIR_EDEADLK || (s->by && fired == WEIR_ETIMEDOUT))
            break;
        EXPLORE_ASSERT(fired >= 0);
        if (has_ended(s->c[fired], rc)) {
            weir_case_off(&c[fired]);
            continue;
        }
        count_case(s->c[fired], rc, out, &in[fired]);
        last = s->c[fired] & S ? last : in[fired];
        round++;
    }
    for (unsigned i = 0; s->closes && i < s->cases; i++)
        EXPLORE_EQ(s->c[i] & S ? weir_close(tx[s->c[i] & ~S]) : weir_close(rx[s->c[i]]), 0);
    return last;
}

static void plays(void *script)
{
    const struct script *s = script;
    await(s->after);
    play(s);
}

static int body(void *script)
{
    play(script);
    return 0;
}

static void runs(void *script)
{
    EXPLORE_EQ(weir_run(body, script, NULL), 0);
}

/* Two actors on one worker: scripts[0] and scripts[1]. */
static int two_bodies(void *scripts)
{
    const struct script *const *s = scripts;
    EXPLORE_EQ(weir_spawn(WEIR_RUN, body, (void *)(uintptr_t)s[1]), 0);
    play(s[0]);
    return 0;
}

static void runs_two(void *scripts)
{
    EXPLORE_EQ(weir_run(two_bodies, scripts, NULL), 0);
}

#define SCRIPT(...) ((void *)&(struct script){__VA_ARGS__})
/* From the first item on, and whatever else. */
#define PLAIN(chan, n, ...)                                                                        \
    SCRIPT(.cases = 1, .c = {chan}, .rounds = (n), .plain = true, .first = __VA_ARGS__)
#define SELECT(n, ...) SCRIPT(.rounds = (n), .first = __VA_ARGS__)

#define MODEL(ident, text, open, ...)                                                              \
    EXPLORE_MODEL(ident, text, .setup = open, .check = once, .thread_exit = weir__thread_detach,   \
                  .threads = __VA_ARGS__)
#define BROKEN(ident, text, open, defect, ...)                                                     \
    EXPLORE_MODEL(ident, text, .setup = open, .check = once, .thread_exit = weir__thread_detach,   \
                  .mutation = defect, .threads = __VA_ARGS__)

/* ---- receives against senders ---------------------------------------------------------------- */

#define RECV_RECV(does)                                                                            \
    {                                                                                              \
        {"select", does, SELECT(2, 0, .cases = 2, .c = {0, 1})},                                   \
            {"sender 0", plays, PLAIN(0 | S, 1, 1)},                                               \
        {                                                                                          \
            "sender 1", plays, PLAIN(1 | S, 1, 2)                                                  \
        }                                                                                          \
    }
MODEL(select_recv_0, "select: two receives against two senders, rendezvous", open_0,
      RECV_RECV(plays));
MODEL(select_recv_1, "select: two receives against two senders, capacity 1", open_1,
      RECV_RECV(plays));
MODEL(select_recv_u, "select: two receives against two senders, unbounded", open_u,
      RECV_RECV(plays));
MODEL(select_recv_0_actor, "select: an actor's receives, rendezvous", open_0, RECV_RECV(runs));
MODEL(select_recv_1_actor, "select: an actor's receives, capacity 1", open_1, RECV_RECV(runs));
MODEL(select_recv_u_actor, "select: an actor's receives, unbounded", open_u, RECV_RECV(runs));
MODEL(select_recv_ends, "select: two receives, and both ends close", open_mixed,
      {{"select", plays, SELECT(9, 0, .cases = 3, .c = {0, 1, 2})},
       {"sender 0", plays, PLAIN(0 | S, 1, 1, .closes = true)},
       {"sender 1", plays, PLAIN(1 | S, 1, 2, .closes = true)},
       {"sender 2", plays, PLAIN(2 | S, 1, 3, .closes = true)}});

/* ---- sends against receivers ----------------------------------------------------------------- */

#define SEND_SEND(does, n)                                                                         \
    {                                                                                              \
        {"select", does, SELECT(2, 1, .cases = 2, .c = {0 | S, 1 | S}, .closes = true)},           \
            {"receiver 0", plays, PLAIN(0, n, 0)},                                                 \
        {                                                                                          \
            "receiver 1", plays, PLAIN(1, n, 0)                                                    \
        }                                                                                          \
    }
MODEL(select_send_0, "select: two sends against two receivers, rendezvous", open_0,
      SEND_SEND(plays, 9));
MODEL(select_send_1, "select: two sends against two receivers, capacity 1", open_1_full,
      SEND_SEND(plays, 9));
MODEL(select_send_0_actor, "select: an actor's sends, rendezvous", open_0, SEND_SEND(runs, 9));
MODEL(select_send_1_actor, "select: an actor's sends, capacity 1", open_1_full, SEND_SEND(runs, 9));

/* ---- selects that face each other ---------------------------------------------------------- */

#define FACING(does)                                                                               \
    {                                                                                              \
        {"a", does, SELECT(2, 1, .cases = 2, .c = {0 | S, 1}, .closes = true)},                    \
        {                                                                                          \
            "b", plays, SELECT(2, 11, .cases = 2, .c = {1 | S, 0}, .closes = true)                 \
        }                                                                                          \
    }
MODEL(select_facing_0, "select: send X or receive Y faces its mirror, rendezvous", open_0,
      FACING(plays));
MODEL(select_facing_1, "select: send X or receive Y faces its mirror, capacity 1", open_1,
      FACING(plays));
MODEL(select_facing_full, "select: the same, both channels full", open_1_full, FACING(plays));
MODEL(select_facing_actor, "select: an actor faces a thread", open_0, FACING(runs));

static struct script facing_a = {.cases = 2, .c = {0 | S, 1}, .rounds = 2, .first = 1},
                     facing_b = {.cases = 2, .c = {1 | S, 0}, .rounds = 2, .first = 11};
static struct script *facing[] = {&facing_a, &facing_b};
MODEL(select_facing_actors, "select: two actors of one worker face each other", open_0,
      {{"worker", runs_two, facing}});

#define RING(does)                                                                                 \
    {                                                                                              \
        {"a", does, SELECT(2, 1, .cases = 2, .c = {0 | S, 2}, .closes = true)},                    \
            {"b", plays, SELECT(2, 11, .cases = 2, .c = {1 | S, 0}, .closes = true)},              \
        {                                                                                          \
            "c", plays, SELECT(2, 21, .cases = 2, .c = {2 | S, 1}, .closes = true)                 \
        }                                                                                          \
    }
MODEL(select_ring_0, "select: three selects in a ring, rendezvous", open_0, RING(plays));
MODEL(select_ring_1, "select: three selects in a ring, one buffers, one is unbounded", open_mixed,
      RING(plays));
MODEL(select_ring_actor, "select: three selects in a ring, one an actor's", open_0, RING(runs));

/* ---- one channel several times --------------------------------------------------------------- */

MODEL(select_twice, "select: the same receive twice", open_0,
      {{"select", plays, SELECT(2, 0, .cases = 3, .c = {0, 1, 0})},
       {"sender a", plays, PLAIN(0 | S, 1, 1)},
       {"sender b", plays, PLAIN(0 | S, 1, 2)}});
MODEL(select_itself, "select: send and receive on one channel: never to itself", open_0,
      {{"a", plays, SELECT(2, 1, .cases = 2, .c = {0 | S, 0})},
       {"b", plays, SELECT(2, 11, .cases = 2, .c = {0, 0 | S})}});
MODEL(select_itself_recv, "select: the same, and one receives", open_0,
      {{"a", plays, SELECT(1, 1, .cases = 2, .c = {0 | S, 0})},
       {"receiver", plays, PLAIN(0, 1, 0)}});
MODEL(select_itself_send, "select: the same, and one sends", open_0,
      {{"a", plays, SELECT(1, 1, .cases = 2, .c = {0 | S, 0})},
       {"sender", plays, PLAIN(0 | S, 1, 11)}});
MODEL(select_itself_plain, "select: the same beside plain operations", open_0,
      {{"a", plays, SELECT(2, 1, .cases = 2, .c = {0 | S, 0}, .by = true)},
       {"receiver", plays, PLAIN(0, 1, 0, .by = true)},
       {"sender", plays, PLAIN(0 | S, 1, 11, .by = true)}});

/* ---- closes -------------------------------------------------------------------------------- */

static void closes_rx(void *chan)
{
    EXPLORE_EQ(weir_close(rx[(uintptr_t)chan]), 0);
}

static void closes_tx(void *chan)
{
    EXPLORE_EQ(weir_close(tx[(uintptr_t)chan]), 0);
}

#define HANDLE_CLOSES(does)                                                                        \
    {                                                                                              \
        {"select", does, SELECT(9, 1, .cases = 3, .c = {0, 1, 2 | S})},                            \
            {"sender", plays, PLAIN(1 | S, 1, 11, .closes = true)},                                \
            {"closer of the handle", closes_rx, (void *)0},                                        \
        {                                                                                          \
            "closer of the other end", closes_rx, (void *)2                                        \
        }                                                                                          \
    }
MODEL(select_close_0, "F045 F044 F043 ends and handles of a select close, rendezvous", open_0,
      HANDLE_CLOSES(plays));
MODEL(select_close_1, "F045 F044 F043 ends and handles of a select close, full", open_1_full,
      HANDLE_CLOSES(plays));
MODEL(select_close_actor, "F045 F044 F043 ends and handles of an actor's select close", open_0,
      HANDLE_CLOSES(runs));
MODEL(select_close_both, "F043 F044 both ends close and the channel goes", open_mixed,
      {{"select", plays, SELECT(9, 1, .cases = 2, .c = {2, 0})},
       {"sender", plays, PLAIN(0 | S, 1, 11, .closes = true)},
       {"closer of the handle", closes_rx, (void *)2},
       {"closer of the other end", closes_tx, (void *)2}});

/*
 * The channel may be released while a waiter of a select that another channel has served is
 * still in its queue: closing has to take it out.
 */
static a32 opened;

static int opens_and_selects(void *unused)
{
    (void)unused;
    open_with(0, 9, false, false);
    open_with(1, 0, false, false);
    a32_store_release(&opened, 1);
    play(SELECT(1, 0, .cases = 2, .c = {0, 1}));
    a32_store_release(&done[0], 1);
    return 0;
}

static void runs_owner(void *unused)
{
    EXPLORE_EQ(weir_run(opens_and_selects, unused, NULL), 0);
}

static void serves_and_closes(void *unused)
{
    (void)unused;
    while (!a32_load_acquire(&opened))
        a_relax();
    await(1);
    play(PLAIN(1 | S, 1, 1));
    EXPLORE_EQ(weir_close(rx[0]), 0);
    EXPLORE_EQ(weir_close(tx[0]), 0);
}

#define CHANNEL_GOES                                                                               \
    {                                                                                              \
        {"worker", runs_owner, NULL},                                                              \
        {                                                                                          \
            "sender and closer", serves_and_closes, NULL                                           \
        }                                                                                          \
    }
EXPLORE_MODEL(select_channel_goes, "F045 a channel goes while a served select waits to run",
              .thread_exit = weir__thread_detach, .flags = EXPLORE_MAY_BLOCK,
              .threads = CHANNEL_GOES);

/* ---- deadlines ----------------------------------------------------------------------------- */

#define DEADLINES(does)                                                                            \
    {                                                                                              \
        {"select", does, SELECT(2, 1, .cases = 3, .c = {0, 1, 2 | S}, .by = true)},                \
            {"sender", plays, PLAIN(0 | S, 1, 11, .by = true)},                                    \
            {"receiver", plays, PLAIN(2, 1, 0, .by = true)},                                       \
        {                                                                                          \
            "other", plays, SELECT(1, 21, .cases = 2, .c = {1 | S, 2}, .by = true)                 \
        }                                                                                          \
    }
MODEL(select_timeout_0, "F046 F047 deadlines of selects and others, rendezvous", open_0,
      DEADLINES(plays));
MODEL(select_timeout_1, "F046 F047 deadlines of selects and others, full", open_1_full,
      DEADLINES(plays));
MODEL(select_timeout_actor, "F046 F047 an actor's select has a deadline", open_0, DEADLINES(runs));

/* ---- cancellation, two workers ------------------------------------------------------------- */

static int selects_in_scope(void *unused)
{
    uint32_t in[2] = {POISON, POISON};
    weir_case c[] = {weir_on_recv(rx[0], &in[0]), weir_on_recv(rx[1], &in[1])};
    (void)unused;
    weir_scope scope = m_scope_begin();
    int fired = weir_select(c, 2, WEIR_FAIR);
    EXPLORE_ASSERT(fired == WEIR_ECANCELED || (fired >= 0 && c[fired].rc == 1));
    for (int i = 0; i < 2; i++)
        EXPLORE_ASSERT(i == fired || in[i] == POISON);
    if (fired >= 0)
        got[in[fired]]++;
    EXPLORE_EQ(weir_scope_end(scope), fired == WEIR_ECANCELED);
    return 0;
}

static void runs_in_scope(void *unused)
{
    EXPLORE_EQ(weir_run(selects_in_scope, unused, NULL), 0);
}

#define CANCELLED                                                                                  \
    {                                                                                              \
        {"select", runs_in_scope, NULL}, {"sender 0", plays, PLAIN(0 | S, 1, 1, .by = true)},      \
            {"sender 1", plays, PLAIN(1 | S, 1, 2, .by = true)},                                   \
        {                                                                                          \
            "canceller", m_cancels, NULL                                                           \
        }                                                                                          \
    }
MODEL(select_cancelled_0, "F012 a select is cancelled, rendezvous", open_0, CANCELLED);
MODEL(select_cancelled_1, "F012 a select is cancelled, capacity 1", open_1, CANCELLED);
BROKEN(select_cancel_no_claim, "a select is cancelled without a claim", open_0,
       "select: claim skipped", CANCELLED);
BROKEN(select_cancel_not_announced, "a select does not say that it will wait", open_0,
       "cancel: not announced", {{"select", runs_in_scope, NULL}, {"canceller", m_cancels, NULL}});

static struct script receives = {.cases = 2, .c = {0, 1}, .rounds = 2};
static struct script *receivers[] = {&receives, &receives};

static void runs_on_two_workers(void *scripts)
{
    EXPLORE_EQ(weir_run(two_bodies, scripts, &(weir_options){.workers = 2}), 0);
}

#define TWO_WORKERS                                                                                \
    {                                                                                              \
        {"worker 0", runs_on_two_workers, facing},                                                 \
        {                                                                                          \
            "worker 1", explore_hired, (void *)0                                                   \
        }                                                                                          \
    }
EXPLORE_MODEL(select_two_workers, "select: two actors of two workers face each other",
              .setup = open_0, .check = once, .thread_exit = weir__thread_detach,
              .max_steps = 100000, .threads = TWO_WORKERS);
EXPLORE_MODEL(select_two_workers_thread, "select: and a thread", .setup = open_1, .check = once,
              .thread_exit = weir__thread_detach, .max_steps = 100000,
              .threads = {{"worker 0", runs_on_two_workers, receivers},
                          {"worker 1", explore_hired, (void *)0},
                          {"sender 0", plays, PLAIN(0 | S, 2, 31)},
                          {"sender 1", plays, PLAIN(1 | S, 2, 41)}});

static void sends_one(void)
{
    uint32_t item = 1;
    m_until_it_waits();
    EXPLORE_EQ(weir_send(tx[0], &item), 0);
    sent[item]++;
}

static void selects_one(void)
{
    play(SELECT(1, 0, .cases = 2, .c = {0, 1}));
}

static m_parking served = {NULL, selects_one, sends_one};
EXPLORE_MODEL(select_parks, "select: it is served from the other worker as it parks",
              .setup = open_1, .check = once, M_PARKING(&served));
EXPLORE_MODEL(select_latch_workers, "an actor is woken while it still runs", .setup = open_1,
              .check = once, .mutation = "select: latch ignored", M_PARKING(&served));

/* ---- order --------------------------------------------------------------------------------- */

static uint32_t select_got, plain_got;

static void select_first(void *script)
{
    select_got = play(script);
    a32_store_release(&done[0], 1);
}

static void recv_second(void *script)
{
    await(1);
    plain_got = play(script);
    a32_store_release(&done[1], 1);
}

/* The select stands before the plain receiver, or does not stand there any more. */
static void in_order(void)
{
    EXPLORE_EQ(plain_got, select_got == 1 ? 2 : 1);
    once();
}

#define IN_ORDER                                                                                   \
    {                                                                                              \
        {"select", select_first, SELECT(1, 0, .cases = 2, .c = {0, 1})},                           \
            {"receiver", recv_second, PLAIN(0, 1, 0)},                                             \
            {"sender", plays, PLAIN(0 | S, 2, 1, .after = 2, .by = true)},                         \
        {                                                                                          \
            "other sender", plays, PLAIN(1 | S, 1, 9, .after = 1, .by = true)                      \
        }                                                                                          \
    }
#define ORDER(ident, text, open)                                                                   \
    EXPLORE_MODEL(ident, text, .setup = open, .check = in_order,                                   \
                  .thread_exit = weir__thread_detach, .threads = IN_ORDER)
ORDER(select_order_0, "F049 a select is served in its turn, rendezvous", open_0);
ORDER(select_order_1, "F049 a select is served in its turn, capacity 1", open_1);

/* ---- a place that is gone after the claim -------------------------------------------------- */

static void tries_recv(void *chan)
{
    uint32_t item;
    int rc = weir_try_recv(rx[(uintptr_t)chan], &item);
    EXPLORE_ASSERT(rc == 1 || rc == WEIR_EAGAIN);
    if (rc == 1)
        got[item]++;
}

#define STOLEN                                                                                     \
    {                                                                                              \
        {"select", plays, SELECT(1, 0, .cases = 2, .c = {0, 1})},                                  \
            {"sender 0", plays, PLAIN(0 | S, 1, 1)}, {"thief", tries_recv, (void *)0},             \
        {                                                                                          \
            "sender 1", plays, PLAIN(1 | S, 1, 2)                                                  \
        }                                                                                          \
    }
MODEL(select_stolen, "select: what a select is claimed for is taken by another", open_1, STOLEN);

static void open_full_and_0(void)
{
    open_with(0, 1, false, false);
    fill_one(0);
    open_with(1, 0, false, false);
}

/* Whoever joins the queue tries to serve those before it. */
#define NO_ROOM                                                                                    \
    {                                                                                              \
        {"select", plays, SELECT(1, 1, .cases = 2, .c = {0 | S, 1})},                              \
            {"sender 0", plays, PLAIN(0 | S, 1, 2, .by = true)},                                   \
        {                                                                                          \
            "sender 1", plays, PLAIN(1 | S, 1, 3)                                                  \
        }                                                                                          \
    }
MODEL(select_no_room, "select: a select is claimed for a place that there is not", open_full_and_0,
      NO_ROOM);

/* ---- declared single ends ------------------------------------------------------------------ */

#define SINGLES_RECV                                                                               \
    {                                                                                              \
        {"select", plays, SELECT(2, 0, .cases = 2, .c = {0, 1})},                                  \
            {"sender 0", plays, PLAIN(0 | S, 1, 1)},                                               \
        {                                                                                          \
            "sender 1", plays, PLAIN(1 | S, 1, 2)                                                  \
        }                                                                                          \
    }
#define SINGLES_SEND                                                                               \
    {                                                                                              \
        {"select", plays, SELECT(1, 1, .cases = 2, .c = {0 | S, 1 | S})},                          \
        {                                                                                          \
            "receiver 0", plays, PLAIN(0, 1, 0)                                                    \
        }                                                                                          \
    }
#define SINGLES_CLOSE                                                                              \
    {                                                                                              \
        {"select", plays, SELECT(9, 1, .cases = 2, .c = {0 | S, 1}, .closes = true)},              \
            {"receiver 0", plays, PLAIN(0, 9, 0)}, {"closer", closes_tx, (void *)0},               \
        {                                                                                          \
            "sender 1", plays, PLAIN(1 | S, 1, 11, .closes = true)                                 \
        }                                                                                          \
    }
MODEL(select_singles_recv, "select: a select receives from single senders", open_singles,
      SINGLES_RECV);
MODEL(select_singles_send, "select: a select sends to single receivers", open_singles_full,
      SINGLES_SEND);
MODEL(select_singles_close, "select: a single end of a select closes", open_singles, SINGLES_CLOSE);

/* ---- a source ------------------------------------------------------------------------------ */

/* Every second item of a channel; the one in between is kept for whoever asks next. */
struct every_second {
    weir_receiver rx;
    uint32_t buffer, kept, odd;
    int rc; /* of what came from below */
};

static int second_take(struct every_second *s, int rc)
{
    if (rc != 1) {
        s->rc = rc;
        return rc;
    }
    got[s->buffer]++;
    if (s->odd++ % 2 == 0)
        return WEIR_EAGAIN;
    s->kept = s->buffer;
    return 1;
}

static int second_try(void *object, void *item)
{
    struct every_second *s = object;
    int rc = s->rc == 1 && s->odd % 2 == 0 && s->odd ? 1 : WEIR_EAGAIN;
    if (s->rc == 0)
        return 0;
    while (rc == WEIR_EAGAIN) {
        int below = weir_try_recv(s->rx, &s->buffer);
        if (below == WEIR_EAGAIN)
            return WEIR_EAGAIN;
        if ((rc = second_take(s, below)) <= 0 && rc != WEIR_EAGAIN)
            return rc;
    }
    s->rc = WEIR_EAGAIN;
    *(uint32_t *)item = s->kept;
    return 1;
}

static int second_arm(void *object, weir_case *below)
{
    struct every_second *s = object;
    *below = weir_on_recv(s->rx, &s->buffer);
    return 0;
}

static void second_disarm(void *object, int rc)
{
    struct every_second *s = object;
    if (rc != WEIR_EAGAIN)
        s->rc = second_take(s, rc);
}

static const weir_source second_source = {second_try, second_arm, second_disarm};

static void selects_source(void *unused)
{
    struct every_second second = {.rx = rx[0], .rc = WEIR_EAGAIN};
    uint32_t item = POISON, other = POISON;
    unsigned seconds = 0;
    weir_case c[] = {weir_on_source(&second_source, &second, &item), weir_on_recv(rx[1], &other)};
    (void)unused;
    for (int i; (i = weir_select(c, 2, WEIR_FAIR)) != WEIR_EDEADLK;) {
        EXPLORE_ASSERT(i >= 0);
        if (c[i].rc == 0)
            weir_case_off(&c[i]);
        else if (i == 1)
            got[other]++;
        else
            EXPLORE_EQ(item, 2 * ++seconds);
    }
    EXPLORE_EQ(seconds, 2);
}

#define SOURCE                                                                                     \
    {                                                                                              \
        {"select", selects_source, NULL}, {"sender 0", plays, PLAIN(0 | S, 4, 1, .closes = true)}, \
        {                                                                                          \
            "sender 1", plays, PLAIN(1 | S, 2, 11, .closes = true)                                 \
        }                                                                                          \
    }
MODEL(select_source_0, "select: a source over a channel, rendezvous", open_0, SOURCE);
MODEL(select_source_1, "select: a source over a channel, capacity 1", open_1, SOURCE);

/* ---- mutations ----------------------------------------------------------------------------- */

BROKEN(select_claim_skipped, "a select is served without a claim", open_0, "select: claim skipped",
       RECV_RECV(plays));
BROKEN(select_claim_skipped_send, "its send is taken without a claim", open_0,
       "select: claim skipped", SEND_SEND(plays, 9));
BROKEN(select_claim_skipped_by, "a deadline ends a select without a claim", open_0,
       "select: claim skipped", DEADLINES(plays));
BROKEN(select_in_doubt, "who is claimed at this moment counts as decided", open_full_and_0,
       "select: claim in doubt is lost", NO_ROOM);
BROKEN(select_latch_thread, "a thread is woken before it parks", open_0, "select: latch ignored",
       RECV_RECV(plays));
BROKEN(select_no_order, "locks in the order of the cases", open_0,
       "select: locks in the order of cases", FACING(plays));
BROKEN(select_no_second_look, "no second look under the locks", open_1, "park: no second look",
       RECV_RECV(plays));
BROKEN(select_announce_late, "the flags are announced late", open_1, "park: announce late",
       RECV_RECV(plays));
BROKEN(select_send_no_look, "a sender does not look for a select", open_1, "send: no look after",
       RECV_RECV(plays));
BROKEN(select_recv_no_look, "a receiver does not look for a select", open_1_full,
       "recv: no look after", SEND_SEND(plays, 1));
BROKEN(select_handle_not_verified, "a select parks on a handle that is closed", open_0,
       "park: handle not verified",
       {{"select", plays, SELECT(9, 1, .cases = 2, .c = {0, 1})},
        {"closer 0", closes_rx, (void *)0},
        {"closer 1", closes_rx, (void *)1}});
BROKEN(select_not_unlinked, "a losing case stays in its queue", open_0, "select: not unlinked",
       RECV_RECV(plays));
BROKEN(select_singles_recv_no_membarrier, "a select does not fence single senders in", open_singles,
       "select: waits without membarrier", SINGLES_RECV);
BROKEN(select_singles_send_no_membarrier, "a select does not fence single receivers in",
       open_singles_full, "select: waits without membarrier", SINGLES_SEND);
