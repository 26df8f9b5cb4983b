/* SPDX-License-Identifier: MIT */
/*
 * linear.h - is a history linearizable?
 *
 * A history is a set of operations, each with the stamps of its invocation and return.
 * It is linearizable when the operations can be put into one order that respects "a
 * returned before b was invoked" and that a sequential specification accepts. What never
 * returned waits for ever, and the specification says whether it may.
 *
 * The search is Wing and Gong's with Lowe's memo of (operations done, state). Two
 * operations that can only happen together, as a send and a receive at a rendezvous, are
 * one step of the specification with a partner.
 */
#ifndef WEIR_LINEAR_H
#define WEIR_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINEAR_OPS = 64, LINEAR_STATE = 64, LINEAR_NO_OP = -1 };

typedef struct linear_op {
    unsigned thread;
    int kind;
    uint64_t arg, value; /* in, out; as the specification says */
    int result;
    uint64_t invoked, returned; /* returned 0: it never did */
    int after;                  /* the index of an operation that comes before; LINEAR_NO_OP */
    unsigned excused;           /* for the specification: enum linear_excuse */
} linear_op;

typedef struct linear_history {
    linear_op ops[LINEAR_OPS];
    unsigned n;
    uint64_t stamp;
} linear_history;

/* Record: the index of the operation. */
unsigned linear_invoke(linear_history *h, unsigned thread, int kind, uint64_t arg);
void linear_return(linear_history *h, unsigned op, int result, uint64_t value);

typedef struct linear_spec {
    size_t state_size; /* at most LINEAR_STATE; compared bytewise */
    /* Apply op (with its partner, or NULL); false: it cannot have happened in this state. */
    bool (*step)(void *state, const linear_op *op, const linear_op *partner);
    /* May these two be partners? NULL: there are none. */
    bool (*partners)(const linear_op *op, const linear_op *partner);
    /*
     * The history is complete: may the operations that are not in `done` wait for ever?
     * NULL: it was cut off, and operations that did not return may have happened.
     */
    bool (*final)(const void *state, const linear_history *h, uint64_t done);
} linear_spec;

bool linear_check(const linear_spec *spec, const void *initial, const linear_history *h);

/* ---- a channel ------------------------------------------------------------------- */

enum linear_kind {
    LINEAR_SEND, /* arg: LINEAR_ITEM(handle, item); result as weir_send() */
    LINEAR_TRY_SEND,
    LINEAR_RECV, /* arg: handle; result as weir_recv(), value: the item */
    LINEAR_TRY_RECV,
    LINEAR_CLOSE_SENDER, /* arg: handle */
    LINEAR_CLOSE_RECEIVER,
    LINEAR_CLONE_SENDER, /* arg: LINEAR_ITEM(handle, new handle) */
    LINEAR_CLONE_RECEIVER
};

#define LINEAR_ITEM(handle, item) ((uint64_t)(handle) << 32 | (uint32_t)(item))

enum { LINEAR_ITEMS = 26, LINEAR_UNBOUNDED = 255 };

typedef struct linear_channel {
    uint8_t capacity; /* 0: rendezvous */
    uint8_t n;
    uint8_t senders, receivers; /* open handles, a bit each */
    uint16_t items[LINEAR_ITEMS];
} linear_channel;

extern const linear_spec linear_channel_spec;

/* A channel with sender 0 and receiver 0 open. */
linear_channel linear_channel_open(uint8_t capacity);

enum linear_excuse {
    LINEAR_MAY_REFUSE = 1,     /* WEIR_EAGAIN is right */
    LINEAR_MAY_BE_CLOSED = 2,  /* WEIR_ECLOSED is right, and success while others are open */
    LINEAR_MAY_SKIP = 4,       /* items before the received one have been dropped */
    LINEAR_MAY_USE_DROPPED = 8 /* the item was sent to a place whose item was dropped */
};

/*
 * Two rules of weir are weaker than a strict specification, and are granted by this:
 * try_ forms do not wait for a place that is claimed and not published, nor barge past a
 * waiting party, so WEIR_EAGAIN is right whenever another operation overlaps.
 */
void linear_channel_excuse(linear_history *h);

/*
 * Nor is closing one step. The handle is shut first, so an operation that overlaps may
 * find it closed before the end is, or go on while the end stays open; then the last receiver's
 * closer drops item by item, so a receive that overlaps may find that items before its own are
 * gone, or that all are. Who closes what another one is closing returns at once. And where an end
 * is declared single, which has no mark in the tail: a send that overlaps the closing of the
 * receiver may use the room that dropping made; a handle that another thread closes while
 * its only user is inside an operation is closed when that operation returns.
 */
void linear_channel_excuse_closing(linear_history *h, bool single_sender, bool single_receiver);

#endif
