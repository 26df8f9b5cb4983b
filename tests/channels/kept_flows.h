/* SPDX-License-Identifier: MIT */
/* kept_flows.h - what the scenarios of oneshot, watch and broadcast share. Include a flow_*.h
 * first. */
#ifndef WEIR_TESTS_KEPT_H
#define WEIR_TESTS_KEPT_H

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <weir/select.h>

#include "ops.h"

#define FAR (3600 * WEIR_S)

static inline bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* A try form returns rc; 1: with this item. */
static inline void expect_try(weir_receiver rx, int rc, uint64_t item)
{
    uint64_t got = ~item;
    EXPECT_RC(weir_try_recv(rx, &got), rc);
    EXPECT_EQ(got, rc == 1 ? item : ~item);
}

static inline void expect_recv(weir_receiver rx, int rc, uint64_t item)
{
    uint64_t got = ~item;
    EXPECT_RC(weir_recv(rx, &got), rc);
    EXPECT_EQ(got, rc == 1 ? item : ~item);
}

static inline int send_item(weir_sender tx, uint64_t item)
{
    return weir_send(tx, &item);
}

static inline int try_send_item(weir_sender tx, uint64_t item)
{
    return weir_try_send(tx, &item);
}

/* A select over two receives, which runs in a flow. */
struct two_receives {
    struct flow flow;
    weir_case c[2];
    uint64_t items[2];
    int fired;
};

static inline void two_receives_run(void *arg)
{
    struct two_receives *t = arg;
    t->fired = weir_select(t->c, 2, WEIR_FAIR);
}

static inline void two_receives_start(struct two_receives *t, weir_receiver a, weir_receiver b)
{
    t->items[0] = t->items[1] = UINT64_MAX;
    t->c[0] = weir_on_recv(a, &t->items[0]);
    t->c[1] = weir_on_recv(b, &t->items[1]);
    flow_start(&t->flow, two_receives_run, t);
}

/* Which fired, with which rc and item; the other one has got nothing. */
static inline void two_receives_end(struct two_receives *t, int fired, int rc, uint64_t item)
{
    flow_join(&t->flow);
    REQUIRE(t->fired == fired);
    EXPECT_RC(t->c[fired].rc, rc);
    EXPECT_EQ(t->items[fired], rc == 1 ? item : UINT64_MAX);
    EXPECT_EQ(t->items[1 - fired], UINT64_MAX);
}

/* A suite of test_channels out of the cases of a scenario: CASE(title, function). */
#define KEPT_CASE(title, test) {title, test},

#endif
