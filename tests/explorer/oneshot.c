/* SPDX-License-Identifier: MIT */
/* oneshot.c - one value, then the end: docs/protocol.md, "Kept items". */
#include "explore.h"

#include <weir/weir.h>

void weir__thread_detach(void);

#define POISON 0xdeadu

static weir_sender tx[2];
static weir_receiver rx[2];
static a32 won, taken, ended, dropped;
static uint32_t value, lost; /* of who won; what was dropped */

static void drop(void *item, void *context)
{
    (void)context;
    lost = *(uint32_t *)item;
    a32_add(&dropped, 1);
}

static void open_oneshot(void)
{
    weir_channel_options options = {.drop = drop};
    EXPLORE_EQ(weir_oneshot_open(&tx[0], &rx[0], sizeof(uint32_t), &options), 0);
    tx[1] = weir_sender_clone(tx[0]);
    rx[1] = weir_receiver_clone(rx[0]);
}

/* ---- what threads do ----------------------------------------------------------------------- */

/* The argument: a handle's number. Its value is that and 1. */
static void sends(void *handle)
{
    uint32_t i = (uint32_t)(uintptr_t)handle, item = i + 1;
    int rc = explore_choose(2) ? weir_send(tx[i], &item) : weir_try_send(tx[i], &item);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EPIPE || rc == WEIR_ECLOSED);
    if (rc == 0) {
        EXPLORE_EQ(a32_add(&won, 1), 0);
        value = item;
    }
    rc = weir_send(tx[i], &item);
    EXPLORE_ASSERT(rc == WEIR_EPIPE || rc == WEIR_ECLOSED);
}

static void sends_and_closes(void *handle)
{
    sends(handle);
    EXPLORE_EQ(weir_close(tx[(uintptr_t)handle]), 0);
}

static void note(int rc, uint32_t item)
{
    EXPLORE_ASSERT((rc == 1) == (item != POISON));
    if (rc == 1)
        EXPLORE_EQ(a32_add(&taken, 1), 0);
    else if (rc == 0)
        a32_add(&ended, 1);
}

static void recvs(void *handle)
{
    uint32_t item = POISON, more = POISON;
    weir_receiver r = rx[(uintptr_t)handle];
    int rc = weir_recv(r, &item);
    EXPLORE_ASSERT(rc == 1 || rc == 0 || rc == WEIR_ECLOSED);
    note(rc, item);
    if (rc >= 0) {
        rc = weir_try_recv(r, &more);
        EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
    }
}

static void tries(void *handle)
{
    for (unsigned i = 0; i < 2; i++) {
        uint32_t item = POISON;
        int rc = weir_try_recv(rx[(uintptr_t)handle], &item);
        EXPLORE_ASSERT(rc >= 0 || rc == WEIR_EAGAIN);
        note(rc, item);
    }
}

static void recvs_by(void *handle)
{
    uint32_t item = POISON;
    int rc = weir_recv_by(rx[(uintptr_t)handle], &item, weir_after(WEIR_MS));
    EXPLORE_ASSERT(rc >= 0 || rc == WEIR_ETIMEDOUT);
    note(rc, item);
}

/* Both handles of the same oneshot at once. */
static void selects(void *unused)
{
    uint32_t item[2] = {POISON, POISON};
    weir_case c[] = {weir_on_recv(rx[0], &item[0]), weir_on_recv(rx[1], &item[1])};
    (void)unused;
    int i = weir_select(c, 2, explore_choose(2) ? WEIR_FAIR : WEIR_ORDERED);
    EXPLORE_ASSERT(i == 0 || i == 1);
    a_gone(&c);
    EXPLORE_EQ(item[1 - i], POISON);
    note(c[i].rc, item[i]);
}

static void closes_sender(void *handle)
{
    EXPLORE_EQ(weir_close(tx[(uintptr_t)handle]), 0);
}

static void closes_receiver(void *handle)
{
    EXPLORE_EQ(weir_close(rx[(uintptr_t)handle]), 0);
}

static int actor_selects(void *unused)
{
    selects(unused);
    return 0;
}

static int actors_play(void *unused)
{
    EXPLORE_EQ(weir_spawn(WEIR_RUN, actor_selects, unused), 0);
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

/* What was sent was received or dropped, once; nothing else. */
static void once(void)
{
    for (unsigned i = 0; i < 2; i++) {
        weir_close(rx[i]);
        weir_close(tx[i]);
    }
    EXPLORE_EQ(a32_load(&taken) + a32_load(&dropped), a32_load(&won));
    EXPLORE_EQ(lost, a32_load(&dropped) ? value : 0);
}

/* Nobody closed a receiver before: it was received. */
static void received(void)
{
    EXPLORE_EQ(a32_load(&won), 1);
    EXPLORE_EQ(a32_load(&taken), 1);
    once();
}

#define MODEL(ident, text, all, ...)                                                               \
    EXPLORE_MODEL(ident, text, .setup = open_oneshot, .check = all,                                \
                  .thread_exit = weir__thread_detach, .max_steps = 100000, .threads = __VA_ARGS__)
#define BROKEN(ident, text, all, defect, ...)                                                      \
    EXPLORE_MODEL(ident, text, .setup = open_oneshot, .check = all,                                \
                  .thread_exit = weir__thread_detach, .max_steps = 100000, .mutation = defect,     \
                  .threads = __VA_ARGS__)

#define H(handle) ((void *)(uintptr_t)(handle))
#define TWO_BY_TWO                                                                                 \
    {                                                                                              \
        {"sender a", sends, H(0)}, {"sender b", sends, H(1)}, {"receiver a", recvs, H(0)},         \
        {                                                                                          \
            "receiver b", recvs, H(1)                                                              \
        }                                                                                          \
    }
#define TRIES                                                                                      \
    {                                                                                              \
        {"sender", sends, H(0)}, {"receiver", recvs, H(0)},                                        \
        {                                                                                          \
            "tries", tries, H(1)                                                                   \
        }                                                                                          \
    }
#define SELECTS                                                                                    \
    {                                                                                              \
        {"sender a", sends, H(0)}, {"sender b", sends, H(1)}, {"select", selects, NULL},           \
        {                                                                                          \
            "receiver", recvs, H(1)                                                                \
        }                                                                                          \
    }
#define RECEIVERS_CLOSE                                                                            \
    {                                                                                              \
        {"sender", sends, H(0)}, {"receiver", recvs, H(0)}, {"closer", closes_receiver, H(0)},     \
        {                                                                                          \
            "other closer", closes_receiver, H(1)                                                  \
        }                                                                                          \
    }

MODEL(oneshot_two, "F036 oneshot: two senders, two receivers", received, TWO_BY_TWO);
MODEL(oneshot_tries, "F038 oneshot: one tries while one waits", received, TRIES);
MODEL(oneshot_by, "F047 oneshot: deadlines race with the value", once,
      {{"sender", sends_and_closes, H(0)}, {"a", recvs_by, H(0)}, {"b", recvs_by, H(1)}});
MODEL(oneshot_selects, "oneshot: a select over both handles", received, SELECTS);
MODEL(oneshot_actors, "oneshot: a receive and a select of actors", received,
      {{"worker", runs, NULL}, {"sender", sends, H(0)}});
MODEL(oneshot_workers, "oneshot: the same on two workers", received,
      {{"worker 0", runs_on_two, NULL},
       {"worker 1", explore_hired, H(0)},
       {"sender", sends, H(1)}});
MODEL(oneshot_no_value, "F043 oneshot: the last sender closes, or sends", once,
      {{"sender", sends_and_closes, H(0)},
       {"closer", closes_sender, H(1)},
       {"receiver", recvs, H(0)},
       {"select", selects, NULL}});
MODEL(oneshot_closes, "F044 F045 oneshot: receivers close while it is sent", once, RECEIVERS_CLOSE);
MODEL(oneshot_sender_closes, "F045 oneshot: a sender's handle closes while it sends", once,
      {{"sender", sends, H(0)}, {"closer", closes_sender, H(0)}, {"receiver", recvs_by, H(0)}});

BROKEN(oneshot_sent_twice, "two senders' values count", received, "oneshot: sent twice",
       TWO_BY_TWO);
BROKEN(oneshot_not_served, "a receiver sleeps beside the value", received, "kept: not served",
       TWO_BY_TWO);
BROKEN(oneshot_end_not_told, "who did not get the value sleeps for ever", received,
       "kept: the end is not told", TWO_BY_TWO);
BROKEN(oneshot_no_lock, "two take one value", received, "kept: taken without the lock",
       {{"sender", sends, H(0)}, {"a", tries, H(0)}, {"b", tries, H(1)}, {"c", recvs, H(1)}});
BROKEN(oneshot_claim_skipped, "a select is served twice", received, "select: claim skipped",
       {{"a", selects, NULL}, {"b", selects, NULL}, {"sender", sends, H(0)}});
BROKEN(oneshot_not_dropped, "the value is lost", once, "kept: not dropped", RECEIVERS_CLOSE);
BROKEN(oneshot_handle_not_verified, "a receive goes on through a closed handle", once,
       "park: handle not verified", {{"receiver", recvs, H(0)}, {"closer", closes_receiver, H(0)}});
