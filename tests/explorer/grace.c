/* SPDX-License-Identifier: MIT */
/* grace.c - reclamation: docs/protocol.md, "Reclamation". */
#include <string.h>

#include "model.h"

#define GRACE_MODEL(ident, text, ...)                                                              \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach, __VA_ARGS__)

/* ---- items that hold handles ------------------------------------------------------------------ */

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
