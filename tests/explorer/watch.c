/* SPDX-License-Identifier: MIT */
/*
 * watch.c - a loop that waits for a receiver's descriptor. docs/protocol.md, "Descriptors".
 *
 * What the loop does wrong, sleeping beside an item or an end, is a deadlock. The history is not
 * recorded, because a loop may try in vain any number of times.
 */
#include <string.h>

#include "model.h"

enum { ITEMS = 40, OF_SENDER = 10 };

static unsigned got[ITEMS], dropped[ITEMS];
static weir_sender tx[2];
static weir_receiver rx[3];
static bool closes_early;

static void count_drop(void *item, void *unused)
{
    uint32_t number;
    (void)unused;
    memcpy(&number, item, sizeof number);
    dropped[number]++;
}

static void open_with(size_t capacity, bool single_sender, bool single_receiver)
{
    weir_channel_options o = {
        .drop = count_drop, .single_sender = single_sender, .single_receiver = single_receiver};
    EXPLORE_EQ(weir_channel_open(&tx[0], &rx[0], sizeof(uint32_t), capacity, &o), 0);
}

static void open_0(void)
{
    open_with(0, false, false);
}

static void open_1(void)
{
    open_with(1, false, false);
}

static void open_unbounded(void)
{
    open_with(WEIR_UNBOUNDED, false, false);
}

static void open_singles(void)
{
    open_with(2, true, true);
}

/* Both ends twice. */
static void clone_all(void)
{
    tx[1] = weir_sender_clone(tx[0]);
    rx[1] = weir_receiver_clone(rx[0]);
}

static void open_two_0(void)
{
    open_0();
    clone_all();
}

static void open_two_1(void)
{
    open_1();
    clone_all();
}

static void open_two_unbounded(void)
{
    open_unbounded();
    clone_all();
}

/* All get the item; their descriptors wait for it. */
static int fds[3];

static void open_broadcast(void)
{
    uint32_t item;
    EXPLORE_EQ(weir_broadcast_open(&tx[0], &rx[0], sizeof item, 2, WEIR_LOSE_NOTHING), 0);
    rx[1] = weir_receiver_clone(rx[0]);
    rx[2] = weir_receiver_clone(rx[0]);
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = weir_receiver_fd(rx[i]);
        EXPLORE_EQ(weir_try_recv(rx[i], &item), WEIR_EAGAIN);
    }
}

/* ---- threads -------------------------------------------------------------------- */

static unsigned sent[2];

/* `arg`: which sender. Items of one sender come in order. */
static void sends(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;
    int rc = 0;
    for (uint32_t n = 0; n < 2 && rc == 0; n++) {
        uint32_t item = i * OF_SENDER + n;
        rc = weir_send(tx[i], &item);
        sent[i] += rc == 0;
    }
    EXPLORE_ASSERT(rc == 0 || (closes_early && (rc == WEIR_EPIPE || rc == WEIR_ECLOSED)));
    EXPLORE_EQ(weir_close(tx[i]), 0);
}

/* The sender waits in a select. */
static void selects(void *arg)
{
    for (uint32_t n = 0; n < 2; n++) {
        weir_case c = weir_on_send(tx[0], &n);
        EXPLORE_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
        EXPLORE_EQ(c.rc, 0);
        sent[0]++;
    }
    EXPLORE_EQ(weir_close(tx[0]), 0);
    (void)arg;
}

static void receives(void *arg)
{
    uint32_t item;
    while (weir_recv(rx[(uintptr_t)arg], &item) > 0)
        got[item]++;
}

/* A main loop: polls, and receives one item each time. Until the end, or the handle is closed. */
static void loops(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;
    uint32_t item;
    int rc, fd = weir_receiver_fd(rx[i]);
    if (fd == WEIR_ECLOSED && closes_early)
        return;
    EXPLORE_ASSERT(fd >= 0);
    do {
        explore_await_event(fd);
        rc = weir_try_recv(rx[i], &item);
        if (rc > 0)
            got[item]++;
        else if (rc == WEIR_EAGAIN)
            explore_relax(EXPLORE_HERE); /* a sender is about to publish */
    } while (rc > 0 || rc == WEIR_EAGAIN);
    EXPLORE_ASSERT(rc == 0 || (closes_early && rc == WEIR_ECLOSED));
}

/* The same with a select that does not wait. */
static void loops_select(void *arg)
{
    uint32_t item;
    int fd = weir_receiver_fd(rx[0]), rc = 1;
    EXPLORE_ASSERT(fd >= 0);
    (void)arg;
    while (rc > 0) {
        weir_case c = weir_on_recv(rx[0], &item);
        explore_await_event(fd);
        if (weir_try_select(&c, 1, WEIR_FAIR) < 0) {
            explore_relax(EXPLORE_HERE);
            continue;
        }
        if ((rc = c.rc) > 0)
            got[item]++;
    }
    EXPLORE_EQ(rc, 0);
}

/* One item, and nothing after it that could make up for what is lost. */
static void sends_one(void *arg)
{
    uint32_t item = 0;
    EXPLORE_EQ(weir_send(tx[0], &item), 0);
    sent[0]++;
    (void)arg;
}

static void loops_once(void *arg)
{
    uint32_t item;
    int rc, fd = weir_receiver_fd(rx[0]);
    (void)arg;
    do {
        explore_await_event(fd);
        rc = weir_try_recv(rx[0], &item);
        if (rc == WEIR_EAGAIN)
            explore_relax(EXPLORE_HERE);
    } while (rc == WEIR_EAGAIN);
    EXPLORE_EQ(rc, 1);
    got[item]++;
}

/* Before it was told; and once more, so that it is told of the next one. */
static void tries_any_time(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;
    uint32_t item;
    int rc;
    while ((rc = weir_try_recv(rx[i], &item)) == WEIR_EAGAIN)
        explore_relax(EXPLORE_HERE);
    EXPLORE_EQ(rc, 1);
    EXPLORE_EQ(weir_try_recv(rx[i], &item), WEIR_EAGAIN);
}

static void is_told(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;
    uint32_t item;
    explore_await_event(fds[i]);
    EXPLORE_EQ(weir_try_recv(rx[i], &item), 1);
}

static void closes(void *arg)
{
    EXPLORE_EQ(weir_close(rx[(uintptr_t)arg]), 0);
}

static void nothing_lost(void)
{
    weir_close(rx[0]);
    weir_close(rx[1]);
    for (unsigned i = 0; i < 2; i++)
        for (unsigned n = 0; n < OF_SENDER; n++)
            EXPLORE_EQ(got[i * OF_SENDER + n] + dropped[i * OF_SENDER + n], n < sent[i]);
}

static int actor_sends(void *arg)
{
    sends(arg);
    return 0;
}

static void runs_sender(void *arg)
{
    EXPLORE_EQ(weir_run(actor_sends, arg, NULL), 0);
}

/* ---- models ---------------------------------------------------------------------- */

#define WATCH(ident, text, open, ...)                                                              \
    EXPLORE_MODEL(ident, text, .setup = open, .check = nothing_lost, .max_steps = 60000,           \
                  .thread_exit = weir__thread_detach, __VA_ARGS__)

#define ONE                                                                                        \
    .threads = {                                                                                   \
        {"sender", sends, (void *)0},                                                              \
        {"loop", loops, (void *)0},                                                                \
    }
#define ONCE                                                                                       \
    .threads = {                                                                                   \
        {"sender", sends_one, NULL},                                                               \
        {"loop", loops_once, NULL},                                                                \
    }
#define TWO                                                                                        \
    .threads = {                                                                                   \
        {"sender a", sends, (void *)0},                                                            \
        {"sender b", sends, (void *)1},                                                            \
        {"loop a", loops, (void *)0},                                                              \
        {"loop b", loops, (void *)1},                                                              \
    }
#define BESIDE                                                                                     \
    .threads = {                                                                                   \
        {"sender a", sends, (void *)0},                                                            \
        {"sender b", sends, (void *)1},                                                            \
        {"loop", loops, (void *)0},                                                                \
        {"receiver", receives, (void *)1},                                                         \
    }
#define ANY_TIME                                                                                   \
    .threads = {                                                                                   \
        {"sender", sends_one, NULL},                                                               \
        {"tries", tries_any_time, (void *)1},                                                      \
        {"loop", is_told, (void *)0},                                                              \
    }
#define SELECTS                                                                                    \
    .threads = {                                                                                   \
        {"sender", selects, NULL},                                                                 \
        {"loop", loops, (void *)0},                                                                \
    }
#define ACTOR                                                                                      \
    .threads = {                                                                                   \
        {"worker", runs_sender, (void *)0},                                                        \
        {"loop", loops, (void *)0},                                                                \
    }

WATCH(watch_0, "F038 a loop polls a rendezvous", open_0, ONE);
WATCH(watch_1, "F038 a loop polls a channel of capacity 1", open_1, ONE);
WATCH(watch_u, "F038 a loop polls an unbounded channel", open_unbounded, ONE);
WATCH(watch_singles, "F038 a loop polls declared single ends", open_singles, ONE);
WATCH(watch_two_0, "F038 two loops, two senders, rendezvous", open_two_0, TWO);
WATCH(watch_two_1, "F038 two loops, two senders, capacity 1", open_two_1, TWO);
WATCH(watch_two_u, "F038 two loops, two senders, unbounded", open_two_unbounded, TWO);
WATCH(watch_beside_0, "F038 a loop beside a receiver that waits, rendezvous", open_two_0, BESIDE);
WATCH(watch_beside_1, "F038 a loop beside a receiver that waits, capacity 1", open_two_1, BESIDE);
WATCH(watch_selects, "F038 a loop and a sender in a select", open_0, SELECTS);
WATCH(watch_actor_0, "F038 a loop and an actor that sends, rendezvous", open_0, ACTOR);
WATCH(watch_actor_1, "F038 a loop and an actor that sends, capacity 1", open_1, ACTOR);
WATCH(watch_actor_singles, "F038 a loop and an actor's declared single sender", open_singles,
      ACTOR);
WATCH(watch_try_select, "F038 a loop that tries by select", open_1,
      .threads = {{"sender", sends, (void *)0}, {"loop", loops_select, NULL}});

WATCH(watch_once_0, "F038 a single item, rendezvous", open_0, ONCE);
WATCH(watch_once_1, "F038 a single item, capacity 1", open_1, ONCE);
WATCH(watch_once_singles, "F038 a single item, declared single ends", open_singles, ONCE);

/* A handle may be tried again before its descriptor was set. */
EXPLORE_MODEL(watch_any_time, "F038 a loop beside one that tries at any time",
              .setup = open_broadcast, .max_steps = 60000, .thread_exit = weir__thread_detach,
              ANY_TIME);

/* Two threads try through one handle. */
WATCH(watch_shared, "F038 two loops on one handle", open_1,
      .threads = {{"sender", sends, (void *)0},
                  {"loop a", loops, (void *)0},
                  {"loop b", loops, (void *)0}});

static void open_closes_early(void)
{
    open_1();
    closes_early = true;
}

#define CLOSED                                                                                     \
    .threads = {                                                                                   \
        {"sender", sends, (void *)0},                                                              \
        {"loop", loops, (void *)0},                                                                \
        {"closer", closes, (void *)0},                                                             \
    }
WATCH(watch_closed, "F045 a loop's handle is closed by another thread", open_closes_early, CLOSED);

/* ---- mutations -------------------------------------------------------------------- */

WATCH(watch_no_second_look, "armed without a look", open_1, .mutation = "watch: no second look",
      .expect = "deadlock", ONE);
WATCH(watch_cleared_late, "cleared when it is armed already", open_1,
      .mutation = "watch: cleared late", .expect = "deadlock", ONE);
WATCH(watch_announce_late, "the flag becomes visible after the look", open_1,
      .mutation = "park: announce late", .expect = "deadlock", ONCE);
WATCH(watch_no_membarrier, "armed beside a single sender without membarrier", open_singles,
      .mutation = "watch: no membarrier", .expect = "deadlock", ONCE);
WATCH(watch_parked_silent, "a sender that parks does not tell", open_0,
      .mutation = "watch: parked sender does not tell", .expect = "deadlock", ONE);
WATCH(watch_without_grace, "the descriptor is closed while somebody is about to set it",
      open_closes_early, .mutation = "watch: without grace", CLOSED);
EXPLORE_MODEL(watch_armed_while_it_rings, "a watch leaves the list of those to wake",
              .setup = open_broadcast, .max_steps = 60000, .thread_exit = weir__thread_detach,
              .mutation = "watch: armed while it rings", .expect = "deadlock", ANY_TIME);
