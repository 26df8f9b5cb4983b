/* SPDX-License-Identifier: MIT */
/*
 * ops.h - operations that run in a flow of their own, so that a scenario can watch them
 * park, and the few ways to wait for what others do. Include a flow_*.h first.
 */
#ifndef WEIR_TESTS_OPS_H
#define WEIR_TESTS_OPS_H

#include "kinds.h"

enum { OP_ITEMS = 8, OPS_MAX = 6 };

enum op_call { OP_SEND, OP_RECV, OP_SEND_MANY, OP_RECV_MANY };

struct op {
    struct flow flow;
    enum op_call call;
    weir_sender tx;
    weir_receiver rx;
    weir_time deadline;
    uint64_t items[OP_ITEMS];
    size_t n;
    int rc;
};

static inline void op_run(void *arg)
{
    struct op *op = arg;
    switch (op->call) {
    case OP_SEND:
        op->rc = weir_send_by(op->tx, &op->items[0], op->deadline);
        break;
    case OP_RECV:
        op->rc = weir_recv_by(op->rx, &op->items[0], op->deadline);
        break;
    case OP_SEND_MANY:
        op->rc = weir_send_many_by(op->tx, op->items, op->n, op->deadline);
        break;
    case OP_RECV_MANY:
        op->rc = weir_recv_many_by(op->rx, op->items, op->n, op->deadline);
        break;
    }
}

static inline void op_start_send(struct op *op, weir_sender tx, uint64_t item)
{
    op->call = OP_SEND;
    op->tx = tx;
    op->deadline = WEIR_NEVER;
    op->items[0] = item;
    flow_start(&op->flow, op_run, op);
}

static inline void op_start_recv(struct op *op, weir_receiver rx)
{
    op->call = OP_RECV;
    op->rx = rx;
    op->deadline = WEIR_NEVER;
    op->items[0] = UINT64_MAX;
    flow_start(&op->flow, op_run, op);
}

/* The first of n items is `first`. */
static inline void op_start_send_many(struct op *op, weir_sender tx, uint64_t first, size_t n)
{
    op->call = OP_SEND_MANY;
    op->tx = tx;
    op->deadline = WEIR_NEVER;
    op->n = n;
    for (size_t i = 0; i < n; i++)
        op->items[i] = first + i;
    flow_start(&op->flow, op_run, op);
}

static inline void op_start_recv_many(struct op *op, weir_receiver rx, size_t n)
{
    op->call = OP_RECV_MANY;
    op->rx = rx;
    op->deadline = WEIR_NEVER;
    op->n = n;
    flow_start(&op->flow, op_run, op);
}

/* Wait for the operation; its result. */
static inline int op_end(struct op *op)
{
    flow_join(&op->flow);
    return op->rc;
}

/* Wait until exactly so many operations are parked on the channel of `h`. */
static inline void await_senders(weir_handle h, size_t n)
{
    while (stats_of(h).waiting_senders != n)
        flow_pause();
}

static inline void await_receivers(weir_handle h, size_t n)
{
    while (stats_of(h).waiting_receivers != n)
        flow_pause();
}

/* Park n sends of first, first + 1, ... one after another, in this order. */
static inline void park_senders(struct op *ops, size_t n, weir_sender tx, uint64_t first)
{
    size_t already = stats_of(tx.h).waiting_senders;
    for (size_t i = 0; i < n; i++) {
        op_start_send(&ops[i], tx, first + i);
        await_senders(tx.h, already + i + 1);
    }
}

static inline void park_receivers(struct op *ops, size_t n, weir_receiver rx)
{
    size_t already = stats_of(rx.h).waiting_receivers;
    for (size_t i = 0; i < n; i++) {
        op_start_recv(&ops[i], rx);
        await_receivers(rx.h, already + i + 1);
    }
}

/*
 * Wait until *count is n. Drop functions may run a grace period after a close that met
 * operations of others, so new operations are made meanwhile.
 */
static inline bool comes_to(atomic_size_t *count, size_t n)
{
    weir_time end = weir_after(20 * WEIR_S);
    while (atomic_load(count) < n && weir_now() < end) {
        weir_sender tx;
        weir_receiver rx;
        if (weir_channel_open(&tx, &rx, 1, 1, NULL) == 0) {
            weir_close(tx);
            weir_close(rx);
        }
        flow_pause();
    }
    return atomic_load(count) == n;
}

static inline bool await_count(atomic_size_t *count, size_t n)
{
    comes_to(count, n);
    return EXPECT_EQ(atomic_load(count), n);
}

/* A drop function that counts. */
static inline void count_drop(void *item, void *context)
{
    (void)item;
    atomic_fetch_add((atomic_size_t *)context, 1);
}

#endif
