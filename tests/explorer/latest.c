/* SPDX-License-Identifier: MIT */
/* latest.c - weir/watch.h: the latest value. docs/protocol.md, "Kept items". */
#include "explore.h"

#include <weir/weir.h>

void weir__thread_detach(void);

enum { HANDLES = 3, VALUES = 3 };
#define POISON 0xdeadu

static weir_sender tx[2];
static weir_receiver rx[HANDLES];
static uint32_t seen[HANDLES]; /* the latest of each handle */
static bool ended[HANDLES];
static a32 sent; /* the latest that was sent, by one sender */

static void open_watch(void)
{
    EXPLORE_EQ(weir_watch_open(&tx[0], &rx[0], sizeof(uint32_t), NULL), 0);
    tx[1] = weir_sender_clone(tx[0]);
    for (unsigned i = 1; i < HANDLES; i++)
        rx[i] = weir_receiver_clone(rx[0]);
}

/* Of the one who has the handle. Values only grow. */
static void note(unsigned handle, int rc, uint32_t value)
{
    EXPLORE_ASSERT((rc == 1) == (value != POISON));
    if (rc == 1)
        EXPLORE_ASSERT(value > seen[handle]);
    if (rc == 1)
        seen[handle] = value;
    ended[handle] = rc == 0;
}

/* ---- what threads do ----------------------------------------------------------------------- */

/* 1, 2, ..., through sender 0, and close it. */
static void sends(void *n)
{
    for (uint32_t i = 1; i <= (uintptr_t)n; i++) {
        int rc = explore_choose(2) ? weir_send(tx[0], &i) : weir_try_send(tx[0], &i);
        EXPLORE_ASSERT(rc == 0 || rc == WEIR_EPIPE);
        if (rc == 0)
            a32_store_release(&sent, i);
    }
    EXPLORE_EQ(weir_close(tx[0]), 0);
    EXPLORE_EQ(weir_close(tx[1]), 0);
}

/* Until the end, or the handle is closed; what had been sent before is not older. */
static void recvs(void *handle)
{
    uintptr_t i = (uintptr_t)handle;
    int rc;
    do {
        uint32_t value = POISON, before = a32_load_acquire(&sent);
        rc = weir_recv(rx[i], &value);
        EXPLORE_ASSERT(rc == 1 || rc == 0 || rc == WEIR_ECLOSED);
        EXPLORE_ASSERT(rc != 1 || value >= before);
        note((unsigned)i, rc, value);
    } while (rc == 1);
}

static void recvs_by(void *handle)
{
    uint32_t value = POISON;
    int rc = weir_recv_by(rx[(uintptr_t)handle], &value, weir_after(WEIR_MS));
    EXPLORE_ASSERT(rc >= 0 || rc == WEIR_ETIMEDOUT);
    note((unsigned)(uintptr_t)handle, rc, value);
}

static void tries(void *handle)
{
    for (unsigned i = 0; i < VALUES; i++) {
        uint32_t value = POISON, read = POISON;
        int rc = weir_try_recv(rx[(uintptr_t)handle], &value);
        EXPLORE_ASSERT(rc >= 0 || rc == WEIR_EAGAIN);
        note((unsigned)(uintptr_t)handle, rc, value);
        rc = weir_watch_read(rx[(uintptr_t)handle], &read);
        EXPLORE_ASSERT(rc == 1 ? read >= seen[(uintptr_t)handle]
                               : !seen[(uintptr_t)handle] && (rc == 0 || rc == WEIR_EAGAIN));
    }
}

/* Over two handles until one has ended, then the other one alone. */
static void selects(void *unused)
{
    uint32_t value[2];
    weir_case c[] = {weir_on_recv(rx[0], &value[0]), weir_on_recv(rx[1], &value[1])};
    (void)unused;
    for (unsigned left = 2; left > 0;) {
        value[0] = value[1] = POISON;
        int i = weir_select(c, 2, explore_choose(2) ? WEIR_FAIR : WEIR_ORDERED);
        EXPLORE_ASSERT(i == 0 || i == 1);
        a_gone(&c);
        EXPLORE_EQ(value[1 - i], POISON);
        note((unsigned)i, c[i].rc, value[i]);
        if (c[i].rc != 1) {
            weir_case_off(&c[i]);
            left--;
        }
    }
}

/* One more handle, that begins with what there is. */
static void joins(void *unused)
{
    uint32_t before = a32_load_acquire(&sent), value = POISON;
    weir_receiver clone = weir_receiver_clone(rx[2]);
    (void)unused;
    int rc = weir_try_recv(clone, &value);
    EXPLORE_ASSERT(rc == 1 ? value >= before : before == 0 && (rc == 0 || rc == WEIR_EAGAIN));
    EXPLORE_EQ(weir_close(clone), 0);
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
    EXPLORE_EQ(weir_spawn(WEIR_RUN, actor_recvs, (void *)2), 0);
    selects(unused);
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

/* Who came to the end has seen the latest value. */
static void latest_seen(void)
{
    for (unsigned i = 0; i < HANDLES; i++) {
        EXPLORE_ASSERT(!ended[i] || seen[i] == a32_load(&sent));
        weir_close(rx[i]);
    }
}

#define MODEL(ident, text, ...)                                                                    \
    EXPLORE_MODEL(ident, text, .setup = open_watch, .check = latest_seen,                          \
                  .thread_exit = weir__thread_detach, .max_steps = 100000, .threads = __VA_ARGS__)
#define BROKEN(ident, text, defect, ...)                                                           \
    EXPLORE_MODEL(ident, text, .setup = open_watch, .check = latest_seen,                          \
                  .thread_exit = weir__thread_detach, .max_steps = 100000, .mutation = defect,     \
                  .threads = __VA_ARGS__)

#define H(handle) ((void *)(uintptr_t)(handle))
#define TWO                                                                                        \
    {                                                                                              \
        {"sender", sends, H(VALUES)}, {"a", recvs, H(0)},                                          \
        {                                                                                          \
            "b", recvs, H(1)                                                                       \
        }                                                                                          \
    }
#define JOINS                                                                                      \
    {                                                                                              \
        {"sender", sends, H(2)}, {"a", recvs, H(0)}, {"joins", joins, NULL},                       \
        {                                                                                          \
            "joins too", joins, NULL                                                               \
        }                                                                                          \
    }
MODEL(latest_two, "F037 watch: two see the latest value, and the end", TWO);
MODEL(latest_tries, "F038 watch: one tries and reads, one waits",
      {{"sender", sends, H(VALUES)}, {"a", recvs, H(0)}, {"b", tries, H(1)}});
MODEL(latest_by, "F047 watch: deadlines race with values",
      {{"sender", sends, H(2)}, {"a", recvs_by, H(0)}, {"b", recvs_by, H(1)}});
MODEL(latest_joins, "F041 watch: clones begin with what there is", JOINS);
MODEL(latest_selects, "watch: a select over two handles",
      {{"sender", sends, H(VALUES)}, {"select", selects, NULL}, {"c", recvs, H(2)}});
MODEL(latest_actors, "watch: a select and a receive of actors",
      {{"worker", runs, NULL}, {"sender", sends, H(2)}});
MODEL(latest_workers, "watch: the same on two workers",
      {{"worker 0", runs_on_two, NULL},
       {"worker 1", explore_hired, H(0)},
       {"sender", sends, H(2)}});
MODEL(latest_closes, "F045 watch: handles close while it is sent",
      {{"sender", sends, H(2)}, {"a", recvs, H(0)}, {"b", recvs, H(1)}, {"closer", closes, H(0)}});
MODEL(latest_select_closes, "F045 watch: a handle closes under a select",
      {{"sender", sends, H(2)}, {"select", selects, NULL}, {"closer", closes, H(0)}});

BROKEN(latest_not_seen, "the same value is received again", "watch: not seen", TWO);
BROKEN(latest_not_served, "a receiver sleeps beside a value", "kept: not served", TWO);
BROKEN(latest_joins_late, "a clone misses the value there is", "watch: joins at the next", JOINS);
BROKEN(latest_claim_skipped, "a select is served twice", "select: claim skipped",
       {{"sender", sends, H(VALUES)}, {"select", selects, NULL}});
BROKEN(latest_copied_early, "a value is received again after the table grew",
       "kept: readers are copied early", JOINS);
