/* SPDX-License-Identifier: MIT */
/* ticker.c - ticks that several wait for: docs/protocol.md, "Ticks". */
#include <string.h>

#include "model.h"

enum { HANDLES = 3, TICKS_MOST = 16, ITEMS = 8 };
#define PERIOD WEIR_MS
#define POISON ((weir_time)0xdead)

static weir_receiver ticker[HANDLES], rx;
static weir_sender tx;
static weir_time opened_from, opened_to;
static weir_time ticks[TICKS_MOST];
static a32 taken;
static unsigned sent[ITEMS], got[ITEMS];

static void clone_and_open(void)
{
    for (unsigned i = 1; i < HANDLES; i++)
        ticker[i] = weir_receiver_clone(ticker[0]);
    EXPLORE_EQ(weir_channel_open(&tx, &rx, sizeof(uint32_t), 0, NULL), 0);
}

static void open_ticker(void)
{
    opened_from = weir_now();
    ticker[0] = weir_ticker_open(PERIOD);
    opened_to = weir_now();
    clone_and_open();
}

static void open_timer(void)
{
    opened_from = opened_to = weir_now();
    ticker[0] = weir_timer_open(weir_after(PERIOD));
    clone_and_open();
}

/* Of whoever has received it. */
static void note_tick(weir_time tick)
{
    EXPLORE_ASSERT(tick != POISON && tick <= weir_now());
    uint32_t i = a32_add(&taken, 1);
    EXPLORE_ASSERT(i < TICKS_MOST);
    ticks[i] = tick;
}

/* Each tick was one, and went to one; each item as well. */
static void once(void)
{
    uint32_t n = a32_load(&taken);
    for (uint32_t i = 0; i < n; i++) {
        EXPLORE_ASSERT(ticks[i] >= opened_from + PERIOD);
        EXPLORE_EQ((ticks[i] - ticks[0]) % PERIOD, 0);
        for (uint32_t k = 0; k < i; k++)
            EXPLORE_ASSERT(ticks[i] != ticks[k]);
    }
    for (unsigned i = 0; i < ITEMS; i++)
        EXPLORE_EQ(got[i], sent[i]);
    for (unsigned i = 0; i < HANDLES; i++)
        weir_close(ticker[i]);
}

/* Of a timer: exactly one. */
static void just_one(void)
{
    EXPLORE_EQ(a32_load(&taken), 1);
    EXPLORE_EQ(ticks[0], opened_from + PERIOD);
    once();
}

/* ---- what threads do ------------------------------------------------------------------------ */

/* The argument: the handle, and so many ticks. */
#define HOW(handle, n) ((void *)((uintptr_t)(handle) << 8 | (uintptr_t)(n)))

static weir_receiver handle_in(void *how)
{
    return ticker[(uintptr_t)how >> 8];
}

static unsigned count_in(void *how)
{
    return (uintptr_t)how & 0xff;
}

static void recvs(void *how)
{
    int rc = 1;
    for (unsigned i = 0; i < count_in(how) && rc == 1; i++) {
        weir_time tick = POISON;
        rc = weir_recv(handle_in(how), &tick);
        EXPLORE_ASSERT((rc == 1) == (tick != POISON));
        if (rc == 1)
            note_tick(tick);
    }
    EXPLORE_ASSERT(rc >= 0 || rc == WEIR_ECLOSED);
}

static void recvs_by(void *how)
{
    for (unsigned i = 0; i < count_in(how); i++) {
        weir_time tick = POISON, deadline = weir_after(PERIOD + (explore_choose(3) - 1) * WEIR_US);
        int rc = weir_recv_by(handle_in(how), &tick, deadline);
        EXPLORE_ASSERT(rc == 1 || rc == 0 || rc == WEIR_ETIMEDOUT);
        EXPLORE_ASSERT(rc != WEIR_ETIMEDOUT || weir_now() >= deadline);
        if (rc == 1)
            note_tick(tick);
        else
            EXPLORE_EQ(tick, POISON);
    }
}

static void tries(void *how)
{
    for (unsigned i = 0; i < count_in(how); i++) {
        weir_time tick = POISON;
        int rc = weir_try_recv(handle_in(how), &tick);
        EXPLORE_ASSERT(rc == 1 || rc == 0 || rc == WEIR_EAGAIN);
        if (rc == 1)
            note_tick(tick);
    }
}

/* The index, or an error; nothing is written but by the case that fires. */
static int fire(weir_case *c, bool waits, weir_time *tick, uint32_t *item)
{
    weir_select_mode mode = explore_choose(2) ? WEIR_FAIR : WEIR_ORDERED;
    *tick = POISON;
    *item = ITEMS;
    int i = waits ? weir_select(c, 2, mode) : weir_try_select(c, 2, mode);
    EXPLORE_ASSERT(i == 0 || i == 1 || (!waits && i == WEIR_EAGAIN));
    EXPLORE_ASSERT(i == 0 || *tick == POISON);
    EXPLORE_ASSERT(i == 1 || *item == ITEMS);
    return i;
}

/* Until as many have fired, ticks and items; when the ticker has ended, what is there at once. */
static void selects(void *how)
{
    weir_time tick;
    uint32_t item;
    weir_case c[] = {weir_on_tick(handle_in(how), &tick), weir_on_recv(rx, &item)};
    bool waits = true;
    for (unsigned n = 0; n < count_in(how); n++) {
        int i = fire(c, waits, &tick, &item);
        if (i < 0)
            break;
        if (i == 1) {
            EXPLORE_EQ(c[i].rc, 1);
            got[item]++;
        } else if (c[i].rc == 1) {
            note_tick(tick);
        } else {
            EXPLORE_ASSERT(c[i].rc == 0 || c[i].rc == WEIR_ECLOSED);
            EXPLORE_EQ(tick, POISON);
            weir_case_off(&c[i]);
            waits = false;
        }
        a_gone(&c);
        for (unsigned k = 0; k < 2; k++) /* whatever is still in a queue is found out */
            memset(c[k].reserved, 0xa5, sizeof c[k].reserved);
    }
}

static void sends(void *n)
{
    for (uint32_t i = 0; i < (uintptr_t)n; i++) {
        int rc = weir_send_by(tx, &i, weir_after(2 * PERIOD));
        EXPLORE_ASSERT(rc == 0 || rc == WEIR_ETIMEDOUT);
        sent[i] += rc == 0;
    }
}

static void closes(void *how)
{
    EXPLORE_EQ(weir_close(handle_in(how)), 0);
}

struct part {
    void (*does)(void *arg);
    void *arg;
};

static int plays(void *part)
{
    const struct part *p = part;
    p->does(p->arg);
    return 0;
}

/* Two actors: parts[0] and parts[1]. */
static int two_play(void *parts)
{
    struct part *p = parts;
    EXPLORE_EQ(weir_spawn(WEIR_RUN, plays, &p[1]), 0);
    return plays(&p[0]);
}

static void runs(void *parts)
{
    EXPLORE_EQ(weir_run(two_play, parts, NULL), 0);
}

static void runs_on_two(void *parts)
{
    EXPLORE_EQ(weir_run(two_play, parts, &(weir_options){.workers = 2}), 0);
}

#define PARTS(...) ((void *)(struct part[2]){__VA_ARGS__})

#define MODEL(ident, text, open, all, ...)                                                         \
    EXPLORE_MODEL(ident, text, .setup = open, .check = all, .thread_exit = weir__thread_detach,    \
                  .max_steps = 100000, .threads = __VA_ARGS__)
#define BROKEN(ident, text, open, all, defect, ...)                                                \
    EXPLORE_MODEL(ident, text, .setup = open, .check = all, .thread_exit = weir__thread_detach,    \
                  .max_steps = 100000, .mutation = defect, .threads = __VA_ARGS__)

/* ---- two receivers of one ticker ----------------------------------------------------------- */

#define TWO                                                                                        \
    {                                                                                              \
        {"a", recvs, HOW(0, 2)},                                                                   \
        {                                                                                          \
            "b", recvs, HOW(1, 2)                                                                  \
        }                                                                                          \
    }
#define TWO_ACTORS                                                                                 \
    {                                                                                              \
        {"worker", runs, PARTS({recvs, HOW(0, 2)}, {recvs, HOW(1, 2)})},                           \
        {                                                                                          \
            "c", recvs, HOW(1, 1)                                                                  \
        }                                                                                          \
    }
#define TWO_WORKERS                                                                                \
    {                                                                                              \
        {"worker 0", runs_on_two, PARTS({recvs, HOW(0, 2)}, {selects, HOW(1, 3)})},                \
            {"worker 1", explore_hired, (void *)0},                                                \
        {                                                                                          \
            "sender", sends, (void *)2                                                             \
        }                                                                                          \
    }
#define ONE_TRIES                                                                                  \
    {                                                                                              \
        {"a", recvs, HOW(0, 1)}, {"b", tries, HOW(0, 3)},                                          \
        {                                                                                          \
            "c", tries, HOW(1, 3)                                                                  \
        }                                                                                          \
    }
MODEL(ticker_two, "F041 ticker: two threads share the ticks", open_ticker, once, TWO);
MODEL(ticker_two_actors, "F041 ticker: two actors and a thread share the ticks", open_ticker, once,
      TWO_ACTORS);
MODEL(ticker_two_workers, "F041 ticker: a receive and a select on two workers share the ticks",
      open_ticker, once, TWO_WORKERS);
MODEL(ticker_tries, "F038 ticker: others try while one waits", open_ticker, once, ONE_TRIES);

/* ---- a timer ends -------------------------------------------------------------------------- */

#define TIMER_THREE                                                                                \
    {                                                                                              \
        {"a", recvs, HOW(0, 2)}, {"b", recvs, HOW(1, 2)},                                          \
        {                                                                                          \
            "c", recvs, HOW(2, 2)                                                                  \
        }                                                                                          \
    }
MODEL(ticker_timer, "F051 timer: one of three gets the tick, all the end", open_timer, just_one,
      TIMER_THREE);
MODEL(ticker_timer_actors, "F051 timer: the same with actors and a select", open_timer, just_one,
      {{"worker", runs, PARTS({recvs, HOW(0, 2)}, {selects, HOW(1, 2)})}, {"c", recvs, HOW(2, 2)}});

/* ---- deadlines ----------------------------------------------------------------------------- */

#define BY                                                                                         \
    {                                                                                              \
        {"a", recvs_by, HOW(0, 2)}, {"b", recvs_by, HOW(1, 2)},                                    \
        {                                                                                          \
            "c", tries, HOW(2, 1)                                                                  \
        }                                                                                          \
    }
MODEL(ticker_by, "F047 ticker: a deadline races with a tick", open_ticker, once, BY);
MODEL(ticker_timer_by, "F047 timer: a deadline races with the tick", open_timer, once, BY);
MODEL(ticker_by_actors, "F047 ticker: actors' deadlines race with a tick", open_ticker, once,
      {{"worker", runs, PARTS({recvs_by, HOW(0, 2)}, {recvs_by, HOW(1, 2)})},
       {"c", recvs, HOW(1, 1)}});

/* ---- close --------------------------------------------------------------------------------- */

#define CLOSED(does)                                                                               \
    {                                                                                              \
        {"a", does, HOW(0, 3)}, {"b", recvs, HOW(1, 1)},                                           \
        {                                                                                          \
            "closer", closes, HOW(0, 0)                                                            \
        }                                                                                          \
    }
MODEL(ticker_close, "F045 ticker: a close races with the tick", open_ticker, once, CLOSED(recvs));
MODEL(ticker_timer_close, "F045 timer: a close races with the tick", open_timer, once,
      CLOSED(recvs));

static void closes_all(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < HANDLES; i++)
        EXPLORE_EQ(weir_close(ticker[i]), 0);
}

MODEL(ticker_close_last, "F044 ticker: the last close races with the tick", open_ticker, once,
      {{"worker", runs, PARTS({recvs, HOW(0, 2)}, {recvs, HOW(1, 2)})},
       {"c", recvs, HOW(2, 2)},
       {"closer", closes_all, NULL}});

/*
 * The last handle may be closed while a waiter of a select that something else has served is still
 * in the ticker's queue. Then it must not be there any more when the ticker's memory is another
 * channel's.
 */
enum { REUSED = 3 };
static a32 opened;
static weir_sender reused_tx[REUSED];
static weir_receiver reused_rx[REUSED];

static int opens_and_selects(void *unused)
{
    weir_time tick;
    uint32_t item;
    (void)unused;
    ticker[0] = weir_ticker_open(WEIR_NEVER);
    a32_store_release(&opened, 1);
    weir_case c[] = {weir_on_tick(ticker[0], &tick), weir_on_recv(rx, &item)};
    EXPLORE_EQ(weir_select(c, 2, WEIR_FAIR), 1);
    a_gone(&c);
    return 0;
}

static void runs_owner(void *unused)
{
    EXPLORE_EQ(weir_run(opens_and_selects, unused, NULL), 0);
}

static void serves_and_closes(void *unused)
{
    const uint32_t item = 1;
    (void)unused;
    while (!a32_load_acquire(&opened) || !explore_asleep(0))
        a_relax();
    EXPLORE_EQ(weir_send(tx, &item), 0);
    EXPLORE_EQ(weir_close(ticker[0]), 0);
    for (unsigned i = 0; i < 40; i++) { /* what was retired is released */
        weir_receiver other = weir_timer_open(0);
        weir_close(other);
    }
    for (unsigned i = 0; i < REUSED; i++)
        EXPLORE_EQ(weir_channel_open(&reused_tx[i], &reused_rx[i], 4, 0, NULL), 0);
}

static void open_item_channel(void)
{
    EXPLORE_EQ(weir_channel_open(&tx, &rx, sizeof(uint32_t), 0, NULL), 0);
}

static void nobody_waits(void)
{
    weir_statistics s;
    for (unsigned i = 0; i < REUSED; i++) {
        EXPLORE_EQ(weir_channel_statistics(reused_tx[i], &s), 0);
        EXPLORE_EQ(s.waiting_receivers, 0);
    }
}

#define TICKER_GOES                                                                                \
    {                                                                                              \
        {"worker", runs_owner, NULL},                                                              \
        {                                                                                          \
            "sender and closer", serves_and_closes, NULL                                           \
        }                                                                                          \
    }
MODEL(ticker_goes, "F045 a ticker goes while a served select waits to run", open_item_channel,
      nobody_waits, TICKER_GOES);

/* ---- select -------------------------------------------------------------------------------- */

#define SELECTS                                                                                    \
    {                                                                                              \
        {"select", selects, HOW(0, 3)}, {"b", recvs, HOW(1, 1)},                                   \
        {                                                                                          \
            "sender", sends, (void *)2                                                             \
        }                                                                                          \
    }
MODEL(ticker_select, "select: a tick or an item, and another receiver", open_ticker, once, SELECTS);
MODEL(ticker_select_actors, "select: two actors' selects share a ticker and a channel", open_ticker,
      once,
      {{"worker", runs, PARTS({selects, HOW(0, 2)}, {selects, HOW(1, 2)})},
       {"sender", sends, (void *)2}});
MODEL(ticker_select_closed, "F045 select: the ticker's handle closes", open_ticker, once,
      {{"select", selects, HOW(0, 3)},
       {"sender", sends, (void *)3},
       {"closer", closes, HOW(0, 0)}});

/* ---- cancelled ----------------------------------------------------------------------------- */

static int recvs_in_scope(void *unused)
{
    weir_time tick = POISON;
    (void)unused;
    weir_scope scope = m_scope_begin();
    int rc = weir_recv(ticker[0], &tick);
    EXPLORE_ASSERT(rc == 1 || rc == WEIR_ECANCELED);
    EXPLORE_ASSERT((rc == 1) == (tick != POISON));
    if (rc == 1)
        note_tick(tick);
    EXPLORE_EQ(weir_scope_end(scope), rc == WEIR_ECANCELED);
    return 0;
}

static void runs_in_scope(void *unused)
{
    EXPLORE_EQ(weir_run(recvs_in_scope, unused, NULL), 0);
}

MODEL(ticker_cancelled, "F012 ticker: a cancellation races with the tick", open_ticker, once,
      {{"worker", runs_in_scope, NULL}, {"b", recvs, HOW(1, 1)}, {"canceller", m_cancels, NULL}});

/* ---- order --------------------------------------------------------------------------------- */

static a32 first_done;
static weir_time first_tick, second_tick;

static void recv_first(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_recv(ticker[0], &first_tick), 1);
    a32_store_release(&first_done, 1);
}

static void recv_second(void *unused)
{
    (void)unused;
    while (!explore_asleep(0) && !a32_load_acquire(&first_done))
        a_relax();
    EXPLORE_EQ(weir_recv(ticker[1], &second_tick), 1);
}

static void tries_late(void *unused)
{
    weir_time tick;
    (void)unused;
    while (!explore_asleep(0) && !a32_load_acquire(&first_done))
        a_relax();
    int rc = weir_try_recv(ticker[2], &tick);
    EXPLORE_ASSERT(rc == WEIR_EAGAIN || first_tick > 0);
    if (rc == 1)
        EXPLORE_ASSERT(tick > first_tick);
}

static void in_order(void)
{
    EXPLORE_ASSERT(first_tick < second_tick);
    once();
}

#define IN_ORDER                                                                                   \
    {                                                                                              \
        {"first", recv_first, NULL}, {"second", recv_second, NULL},                                \
        {                                                                                          \
            "third", tries_late, NULL                                                              \
        }                                                                                          \
    }
MODEL(ticker_order, "F049 ticker: first come first served", open_ticker, in_order, IN_ORDER);

/* ---- mutations ----------------------------------------------------------------------------- */

BROKEN(ticker_goes_with_queue, "a ticker goes while somebody is in its queue", open_item_channel,
       nobody_waits, "close: dead waiters stay", TICKER_GOES);
BROKEN(ticker_no_lock, "two take one tick", open_ticker, once, "ticker: taken without the lock",
       ONE_TRIES);
BROKEN(ticker_no_lock_order, "who tries overtakes one that waits", open_ticker, in_order,
       "ticker: taken without the lock", IN_ORDER);
BROKEN(ticker_not_again, "who did not get the tick waits for ever", open_ticker, once,
       "ticker: not asked again", TWO);
BROKEN(ticker_not_again_actor, "an actor does", open_ticker, once, "ticker: not asked again",
       TWO_ACTORS);
BROKEN(ticker_not_in_time, "nobody looks when a tick is due", open_ticker, once,
       "ticker: not looked at in time", SELECTS);
BROKEN(ticker_end_not_told, "nobody is told of a timer's end", open_timer, just_one,
       "ticker: the end is not told", TIMER_THREE);
BROKEN(ticker_claim_skipped, "a tick goes to a select that has fired", open_ticker, once,
       "select: claim skipped", SELECTS);
BROKEN(ticker_timer_not_waited_for, "the clock asks a select that has gone on", open_ticker, once,
       "timer: not waited for", TWO_WORKERS);
