/* SPDX-License-Identifier: MIT */
/* broadcast.c - every receiver gets every item: docs/protocol.md, "Kept items". */
#include "explore.h"

#include <weir/weir.h>

void weir__thread_detach(void);

enum { HANDLES = 3, SENDERS = 2, ITEMS = 4 };
#define POISON 0xdeadu

static weir_sender tx[SENDERS];
static weir_receiver rx[HANDLES];
static uint32_t last[HANDLES][SENDERS], got[HANDLES], lost[HANDLES]; /* of each subscriber */
static bool ended[HANDLES], loses[HANDLES];
static a32 sent, returned; /* items of all senders; by sender 0, one after the other */

static void open_with(size_t capacity, weir_broadcast_mode mode)
{
    EXPLORE_EQ(weir_broadcast_open(&tx[0], &rx[0], sizeof(uint32_t), capacity, mode), 0);
    tx[1] = weir_sender_clone(tx[0]);
    rx[1] = weir_receiver_clone(rx[0]);
}

static void open_1(void)
{
    open_with(1, WEIR_LOSE_NOTHING);
}

static void open_2(void)
{
    open_with(2, WEIR_LOSE_NOTHING);
}

static void open_losing(void)
{
    open_with(2, WEIR_LOSE_OLDEST);
    loses[0] = loses[1] = true;
}

/* Senders wait for 0, and not for 1. */
static void open_mixed(void)
{
    open_1();
    EXPLORE_EQ(weir_close(rx[1]), 0);
    rx[1] = weir_broadcast_subscribe(tx[1], WEIR_LOSE_OLDEST);
    loses[1] = true;
}

/* ---- what threads do ----------------------------------------------------------------------- */

/* Item k of sender s is k * SENDERS + s, k from 1 on: in order, and each once. */
static void note(unsigned handle, int rc, uint32_t item)
{
    EXPLORE_ASSERT((rc == 1) == (item != POISON));
    if (rc == 1) {
        uint32_t *before = &last[handle][item % SENDERS], k = item / SENDERS;
        EXPLORE_ASSERT(k > *before);
        *before = k;
        got[handle]++;
    } else if (rc == WEIR_ELOST) {
        int64_t n = weir_broadcast_lost(rx[handle]);
        EXPLORE_ASSERT(n > 0 && loses[handle]);
        lost[handle] += (uint32_t)n;
    }
    ended[handle] = rc == 0;
}

#define ARG(number, n) ((void *)((uintptr_t)(number) << 8 | (uintptr_t)(n)))

static unsigned sender_in(void *arg)
{
    return (unsigned)((uintptr_t)arg >> 8);
}

static void sends(void *arg)
{
    unsigned s = sender_in(arg);
    for (uint32_t k = 1; k <= ((uintptr_t)arg & 0xff); k++) {
        uint32_t item = k * SENDERS + s;
        int rc = weir_send(tx[s], &item);
        EXPLORE_ASSERT(rc == 0 || rc == WEIR_EPIPE);
        if (rc == 0)
            a32_add(&sent, 1);
        if (s == 0)
            a32_store_release(&returned, k);
    }
    EXPLORE_EQ(weir_close(tx[s]), 0);
}

/* At once, or in as many batches as it takes. */
static void sends_many(void *arg)
{
    unsigned s = sender_in(arg), n = (uintptr_t)arg & 0xff, done = 0;
    uint32_t items[ITEMS];
    for (uint32_t k = 0; k < n; k++)
        items[k] = (k + 1) * SENDERS + s;
    while (done < n) {
        int rc = weir_send_many(tx[s], items + done, n - done);
        EXPLORE_ASSERT(rc > 0);
        done += (unsigned)rc;
        a32_add(&sent, (uint32_t)rc);
    }
    EXPLORE_EQ(weir_close(tx[s]), 0);
}

static void sends_by(void *arg)
{
    unsigned s = sender_in(arg);
    for (uint32_t k = 1; k <= ((uintptr_t)arg & 0xff); k++) {
        uint32_t item = k * SENDERS + s;
        int rc = weir_send_by(tx[s], &item, weir_after(WEIR_MS));
        EXPLORE_ASSERT(rc == 0 || rc == WEIR_ETIMEDOUT);
        if (rc == 0)
            a32_add(&sent, 1);
    }
    EXPLORE_EQ(weir_close(tx[s]), 0);
}

/* One of two sends, of two channels. */
static weir_sender other_tx;
static weir_receiver other_rx;

static void selects_send(void *arg)
{
    unsigned s = sender_in(arg);
    uint32_t item, none = 0;
    weir_case c[] = {weir_on_send(tx[s], &item), weir_on_send(other_tx, &none)};
    for (uint32_t k = 1; k <= ((uintptr_t)arg & 0xff); k++) {
        item = k * SENDERS + s;
        EXPLORE_EQ(weir_select(c, 2, WEIR_FAIR), 0);
        EXPLORE_EQ(c[0].rc, 0);
        a32_add(&sent, 1);
    }
    EXPLORE_EQ(weir_close(tx[s]), 0);
}

static void recvs(void *handle)
{
    uintptr_t i = (uintptr_t)handle;
    int rc;
    do {
        uint32_t item = POISON;
        rc = weir_recv(rx[i], &item);
        EXPLORE_ASSERT(rc == 1 || rc == 0 || rc == WEIR_ECLOSED || rc == WEIR_ELOST);
        note((unsigned)i, rc, item);
    } while (rc == 1 || rc == WEIR_ELOST);
}

static void recvs_many(void *handle)
{
    uintptr_t i = (uintptr_t)handle;
    int rc;
    do {
        uint32_t items[2] = {POISON, POISON};
        rc = weir_recv_many(rx[i], items, 2);
        EXPLORE_ASSERT(rc >= 0 && rc <= 2);
        for (int k = 0; k < rc; k++)
            note((unsigned)i, 1, items[k]);
    } while (rc > 0);
    ended[i] = true;
}

/* One item, then it leaves. */
static void recvs_and_closes(void *handle)
{
    uint32_t item = POISON;
    uintptr_t i = (uintptr_t)handle;
    int rc = weir_recv(rx[i], &item);
    EXPLORE_ASSERT(rc == 1 || rc == 0);
    EXPLORE_EQ(weir_close(rx[i]), 0);
}

static void selects(void *unused)
{
    uint32_t item[2];
    weir_case c[] = {weir_on_recv(rx[0], &item[0]), weir_on_recv(rx[1], &item[1])};
    (void)unused;
    for (unsigned left = 2; left > 0;) {
        item[0] = item[1] = POISON;
        int i = weir_select(c, 2, explore_choose(2) ? WEIR_FAIR : WEIR_ORDERED);
        EXPLORE_ASSERT(i == 0 || i == 1);
        a_gone(&c);
        EXPLORE_EQ(item[1 - i], POISON);
        note((unsigned)i, c[i].rc, item[i]);
        if (c[i].rc == 0 || c[i].rc == WEIR_ECLOSED) {
            weir_case_off(&c[i]);
            left--;
        }
    }
}

/*
 * A subscriber that comes later, through a sender of its own or as a clone, misses nothing from
 * then on.
 */
static void subscribes(void *clones)
{
    uint32_t before = a32_load_acquire(&returned), item, first = 0, next = 0;
    weir_receiver mine =
        clones ? weir_receiver_clone(rx[0]) : weir_broadcast_subscribe(tx[1], WEIR_LOSE_NOTHING);
    uint32_t after = a32_load_acquire(&returned); /* and one more may have been sent */
    EXPLORE_EQ(weir_check(mine), 0);
    if (!clones)
        EXPLORE_EQ(weir_close(tx[1]), 0);
    while (weir_recv(mine, &item) == 1) {
        first = first ? first : item / SENDERS;
        EXPLORE_ASSERT(next == 0 || item / SENDERS == next);
        next = item / SENDERS + 1;
    }
    EXPLORE_ASSERT(first == 0 ? after + 1 >= ITEMS - 1 : first > before && first <= after + 2);
    EXPLORE_ASSERT(next == 0 || next == ITEMS);
    EXPLORE_EQ(weir_close(mine), 0);
}

/* All may have left before it comes: what is refused meanwhile is nobody's. */
static void subscribes_again(void *unused)
{
    uint32_t item, before = 0;
    (void)unused;
    weir_receiver mine = weir_broadcast_subscribe(tx[1], WEIR_LOSE_NOTHING);
    EXPLORE_EQ(weir_check(mine), 0);
    EXPLORE_EQ(weir_close(tx[1]), 0);
    while (weir_recv(mine, &item) == 1) {
        EXPLORE_ASSERT(item > before);
        before = item;
    }
    EXPLORE_EQ(weir_close(mine), 0);
}

static void closes(void *handle)
{
    EXPLORE_EQ(weir_close(rx[(uintptr_t)handle]), 0);
}

static int actor_recvs(void *handle)
{
    recvs(handle);
    return 0;
}

static int actors_play(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_spawn(WEIR_RUN, actor_recvs, (void *)1), 0);
    recvs((void *)0);
    return 0;
}

static void runs(void *unused)
{
    EXPLORE_EQ(weir_run(actors_play, unused, NULL), 0);
}

static void runs_on_two(void *unused)
{
    EXPLORE_EQ(weir_run(actors_play, unused, &(weir_options){.workers = 2}), 0);
}

/* ---- checks -------------------------------------------------------------------------------- */

/* Who came to the end has got, or knows that it has lost, all that was sent. */
static void all_to_all(void)
{
    for (unsigned i = 0; i < HANDLES; i++) {
        EXPLORE_ASSERT(!ended[i] || got[i] + lost[i] == a32_load(&sent));
        weir_close(rx[i]);
    }
}

#define MODEL(ident, text, open, ...)                                                              \
    EXPLORE_MODEL(ident, text, .setup = open, .check = all_to_all,                                 \
                  .thread_exit = weir__thread_detach, .max_steps = 100000, .threads = __VA_ARGS__)
#define BROKEN(ident, text, open, defect, ...)                                                     \
    EXPLORE_MODEL(ident, text, .setup = open, .check = all_to_all,                                 \
                  .thread_exit = weir__thread_detach, .max_steps = 100000, .mutation = defect,     \
                  .threads = __VA_ARGS__)

#define H(handle) ((void *)(uintptr_t)(handle))
#define TWO_BY_TWO                                                                                 \
    {                                                                                              \
        {"sender a", sends, ARG(0, 2)}, {"sender b", sends, ARG(1, 2)}, {"a", recvs, H(0)},        \
        {                                                                                          \
            "b", recvs, H(1)                                                                       \
        }                                                                                          \
    }
#define LEAVES                                                                                     \
    {                                                                                              \
        {"sender a", sends, ARG(0, 3)}, {"sender b", sends, ARG(1, 1)}, {"a", recvs, H(0)},        \
        {                                                                                          \
            "b leaves", recvs_and_closes, H(1)                                                     \
        }                                                                                          \
    }
#define SUBSCRIBES                                                                                 \
    {                                                                                              \
        {"sender", sends, ARG(0, ITEMS - 1)}, {"late", subscribes, NULL}, {"a", recvs, H(0)},      \
        {                                                                                          \
            "b", recvs, H(1)                                                                       \
        }                                                                                          \
    }
#define TWO_SUBSCRIBE                                                                              \
    {                                                                                              \
        {"sender", sends, ARG(0, ITEMS - 1)}, {"late", subscribes, NULL},                          \
            {"clone", subscribes, H(1)}, {"a", recvs, H(0)},                                       \
        {                                                                                          \
            "b", recvs, H(1)                                                                       \
        }                                                                                          \
    }
#define SELECTS                                                                                    \
    {                                                                                              \
        {"sender a", sends, ARG(0, 2)}, {"sender b", sends, ARG(1, 1)},                            \
        {                                                                                          \
            "select", selects, NULL                                                                \
        }                                                                                          \
    }

MODEL(broadcast_1, "F037 broadcast: capacity 1, all get all", open_1, TWO_BY_TWO);
MODEL(broadcast_2, "F037 broadcast: capacity 2, all get all", open_2, TWO_BY_TWO);
MODEL(broadcast_losing, "broadcast: what is lost is counted", open_losing,
      {{"sender a", sends, ARG(0, 4)},
       {"sender b", sends, ARG(1, 2)},
       {"a", recvs, H(0)},
       {"b", recvs, H(1)}});
#define MIXED                                                                                      \
    {                                                                                              \
        {"sender a", sends, ARG(0, 3)}, {"sender b", sends, ARG(1, 2)}, {"a", recvs, H(0)},        \
        {                                                                                          \
            "b", recvs, H(1)                                                                       \
        }                                                                                          \
    }
MODEL(broadcast_mixed, "broadcast: one is waited for, one loses", open_mixed, MIXED);
MODEL(broadcast_mixed_leaves, "broadcast: who is waited for leaves", open_mixed,
      {{"sender a", sends, ARG(0, 3)},
       {"sender b", sends, ARG(1, 2)},
       {"a leaves", recvs_and_closes, H(0)},
       {"b", recvs, H(1)}});
MODEL(broadcast_many, "broadcast: batches", open_2,
      {{"sender a", sends_many, ARG(0, 3)},
       {"sender b", sends, ARG(1, 1)},
       {"a", recvs_many, H(0)},
       {"b", recvs, H(1)}});
MODEL(broadcast_by, "F046 broadcast: a sender gives up", open_1,
      {{"sender a", sends_by, ARG(0, 3)},
       {"sender b", sends, ARG(1, 1)},
       {"a", recvs, H(0)},
       {"b", recvs, H(1)}});
MODEL(broadcast_leaves, "F045 broadcast: a subscriber leaves", open_1, LEAVES);
MODEL(broadcast_subscribes, "F041 broadcast: a subscriber comes late", open_1, SUBSCRIBES);
MODEL(broadcast_grows, "F041 broadcast: two come late, and the table of readers grows", open_1,
      TWO_SUBSCRIBE);
MODEL(broadcast_again, "F044 broadcast: all leave, and one comes", open_1,
      {{"sender", sends, ARG(0, 3)},
       {"late", subscribes_again, NULL},
       {"a leaves", recvs_and_closes, H(0)},
       {"b leaves", recvs_and_closes, H(1)}});
MODEL(broadcast_selects, "broadcast: a select over two subscribers", open_1, SELECTS);
MODEL(broadcast_selects_losing, "broadcast: the same, where the oldest is dropped", open_losing,
      {{"sender a", sends, ARG(0, 4)}, {"sender b", sends, ARG(1, 1)}, {"select", selects, NULL}});
MODEL(broadcast_actors, "broadcast: two actors subscribe", open_1,
      {{"worker", runs, NULL}, {"sender a", sends, ARG(0, 2)}, {"sender b", sends, ARG(1, 1)}});
MODEL(broadcast_workers, "broadcast: the same on two workers", open_1,
      {{"worker 0", runs_on_two, NULL},
       {"worker 1", explore_hired, H(0)},
       {"sender a", sends, ARG(0, 2)},
       {"sender b", sends, ARG(1, 1)}});

MODEL(broadcast_select_closes, "F045 broadcast: a handle closes under a select", open_1,
      {{"sender a", sends, ARG(0, 2)},
       {"sender b", sends, ARG(1, 1)},
       {"select", selects, NULL},
       {"closer", closes, H(0)}});

static void open_1_and_other(void)
{
    open_1();
    EXPLORE_EQ(weir_channel_open(&other_tx, &other_rx, sizeof(uint32_t), 0, NULL), 0);
}

#define SELECTS_SEND                                                                               \
    {                                                                                              \
        {"select", selects_send, ARG(0, 2)}, {"sender b", sends, ARG(1, 2)}, {"a", recvs, H(0)},   \
        {                                                                                          \
            "b", recvs, H(1)                                                                       \
        }                                                                                          \
    }
MODEL(broadcast_selects_send, "broadcast: a select sends", open_1_and_other, SELECTS_SEND);

BROKEN(broadcast_not_served, "a subscriber sleeps beside an item", open_1, "kept: not served",
       TWO_BY_TWO);
BROKEN(broadcast_no_room, "a sender sleeps beside room", open_1,
       "broadcast: who receives makes no room", TWO_BY_TWO);
BROKEN(broadcast_leaves_no_room, "a sender waits for one that has left", open_1,
       "broadcast: who leaves makes no room", LEAVES);
BROKEN(broadcast_left_behind, "a subscriber that has left is counted", open_1,
       "broadcast: leaves its items", LEAVES);
BROKEN(broadcast_not_caught_up, "what was lost is read", open_losing, "broadcast: not caught up",
       {{"sender a", sends, ARG(0, 4)}, {"a", recvs, H(0)}, {"b", sends, ARG(1, 1)}});
BROKEN(broadcast_waits_for_nobody, "who is to be waited for loses", open_mixed,
       "broadcast: waits for nobody", MIXED);
BROKEN(broadcast_claim_skipped, "a select is served twice", open_1, "select: claim skipped",
       SELECTS);
BROKEN(broadcast_no_lock, "two take the same place", open_1, "kept: taken without the lock",
       {{"sender a", sends, ARG(0, 3)},
        {"sender b", sends, ARG(1, 2)},
        {"a", recvs, H(0)},
        {"b", recvs, H(1)}});
BROKEN(broadcast_copied_early, "a reader in a table that grows goes back", open_1,
       "kept: readers are copied early", SUBSCRIBES);
BROKEN(broadcast_grown_twice, "a table that another has made grow is replaced again", open_1,
       "kept: grown twice", TWO_SUBSCRIBE);
