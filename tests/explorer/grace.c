/* SPDX-License-Identifier: MIT */
/* grace.c - reclamation: docs/protocol.md, "Reclamation". */
#include <string.h>

#include "model.h"

#define GRACE_MODEL(ident, text, ...)                                                              \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach, __VA_ARGS__)

/* ---- items that hold handles ---------------------------------------------------------------- */

static struct {
    weir_sender tx, inner_tx;
    weir_receiver rx, inner_rx;
} G;

static void close_inner(void *item, void *unused)
{
    weir_sender inner;
    (void)unused;
    memcpy(&inner, item, sizeof inner);
    EXPLORE_EQ(weir_close(inner), 0);
}

static void open_nested(void)
{
    weir_channel_options o = {.drop = close_inner};
    EXPLORE_EQ(weir_channel_open(&G.tx, &G.rx, sizeof(weir_sender), 1, &o), 0);
    EXPLORE_EQ(weir_channel_open(&G.inner_tx, &G.inner_rx, 1, 1, NULL), 0);
}

static void send_inner(void *unused)
{
    (void)unused;
    int rc = weir_send(G.tx, &G.inner_tx);
    if (rc != 0) {
        EXPLORE_EQ(rc, WEIR_EPIPE);
        weir_close(G.inner_tx);
    }
}

static void close_outer_and_wait(void *unused)
{
    char byte;
    (void)unused;
    weir_close(G.rx);
    EXPLORE_EQ(weir_recv(G.inner_rx, &byte), 0);
}

GRACE_MODEL(grace_drop_is_awaited, "F044 who closes the receiver waits for what the drop closes",
            .setup = open_nested,
            .threads = {{"sender", send_inner, NULL}, {"closer", close_outer_and_wait, NULL}});

static int close_outer_and_wait_actor(void *unused)
{
    close_outer_and_wait(unused);
    return 0;
}

static void run_closer(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(close_outer_and_wait_actor, NULL, NULL), 0);
}

GRACE_MODEL(grace_drop_is_awaited_by_actor, "F044 an actor waits for what the drop closes",
            .setup = open_nested,
            .threads = {{"sender", send_inner, NULL}, {"worker", run_closer, NULL}});

/* ---- channels that are closed while they are used ------------------------------------------- */

static void open_used(void)
{
    uint32_t item;
    m_open(2); /* the cells are made at the first item */
    EXPLORE_EQ(m_send(0, 9), 0);
    EXPLORE_EQ(m_recv(0, &item), 1); /* what is left would cost a membarrier at the close */
}

static void uses(void *unused)
{
    uint32_t item;
    (void)unused;
    m_try_send(0, 1);
    m_try_recv(0, &item);
    m_try_send(0, 2);
}

/* And its thread ends, which releases what it can. */
static void closes_both(void *unused)
{
    (void)unused;
    m_close_sender(0);
    m_close_receiver(0);
}

#define USED                                                                                       \
    {                                                                                              \
        {"user", uses, NULL},                                                                      \
        {                                                                                          \
            "closer", closes_both, NULL                                                            \
        }                                                                                          \
    }
GRACE_MODEL(grace_used, "a channel is closed while it is used", .setup = open_used,
            .check = m_check_items, .threads = USED);

#define GRACE_BROKEN(ident, text, defect)                                                          \
    GRACE_MODEL(ident, text, .setup = open_used, .check = m_check_items, .mutation = defect,       \
                .expect = "released", .threads = USED)

GRACE_BROKEN(grace_channel_without, "a channel is released without a grace period",
             "close: channel without grace");
GRACE_BROKEN(grace_ignore_readers, "the epoch advances past readers", "reclaim: ignore readers");
GRACE_BROKEN(grace_short, "what was retired is released after one epoch", "reclaim: short grace");
GRACE_MODEL(grace_no_membarrier, "the epoch advances without membarrier", .setup = open_used,
            .mutation = "reclaim: no membarrier", .expect = "released",
            .threads = {{"user a", uses, NULL},
                        {"user b", uses, NULL},
                        {"user c", uses, NULL},
                        {"closer", closes_both, NULL}});

/* ---- who has slept -------------------------------------------------------------------------- */

/* The worker sleeps until it is sent something; then its actor uses what is being closed. */
static void open_used_and_bell(void)
{
    open_used();
    EXPLORE_EQ(weir_channel_open(&G.tx, &G.rx, 1, 1, NULL), 0);
}

static int uses_when_called(void *unused)
{
    char byte;
    EXPLORE_EQ(weir_recv(G.rx, &byte), 1);
    uses(unused);
    return 0;
}

static void run_user(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(uses_when_called, NULL, NULL), 0);
}

static void calls(void *unused)
{
    (void)unused;
    while (!explore_asleep(0)) {
        a_relax();
        explore_yield();
    }
    EXPLORE_EQ(weir_send(G.tx, ""), 0);
}

GRACE_MODEL(grace_asleep, "a channel is closed while a worker wakes up and uses it",
            .setup = open_used_and_bell, .check = m_check_items,
            .threads = {{"worker", run_user, NULL},
                        {"caller", calls, NULL},
                        {"closer", closes_both, NULL}});

/* ---- blocks that are left while others read from them --------------------------------------- */

/* Large items: eight to a block. */
struct large {
    uint32_t number;
    char rest[124];
};

static unsigned received[2], n_received;

static void open_blocks(void)
{
    struct large item = {0};
    EXPLORE_EQ(weir_channel_open(&G.tx, &G.rx, sizeof item, WEIR_UNBOUNDED, NULL), 0);
    for (unsigned i = 0; i < 6; i++) {
        EXPLORE_EQ(weir_send(G.tx, &item), 0);
        EXPLORE_EQ(weir_recv(G.rx, &item), 1);
    }
}

static void send_large(void *first)
{
    struct large item = {.number = (uint32_t)(uintptr_t)first};
    for (unsigned i = 0; i < 2; i++, item.number++)
        EXPLORE_EQ(weir_send(G.tx, &item), 0);
}

static void recv_large(void *i)
{
    struct large item;
    for (unsigned k = 0; k < 2; k++) {
        EXPLORE_EQ(weir_recv(G.rx, &item), 1);
        received[(uintptr_t)i] |= 1u << item.number;
        n_received++;
    }
}

static void all_received(void)
{
    EXPLORE_EQ(n_received, 4);
    EXPLORE_EQ(received[0] | received[1], 0x1e);
}

GRACE_MODEL(grace_blocks, "F034 a block is left while others read from it", .setup = open_blocks,
            .check = all_received,
            .threads = {{"sender a", send_large, (void *)1},
                        {"sender b", send_large, (void *)3},
                        {"receiver a", recv_large, (void *)0},
                        {"receiver b", recv_large, (void *)1}});
