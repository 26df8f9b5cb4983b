/* SPDX-License-Identifier: MIT */
/* linear_channel.c - what a channel may do, one operation at a time. */
#include "linear.h"

#include <string.h>

#include <weir/error.h>

linear_channel linear_channel_open(uint8_t capacity)
{
    linear_channel c;
    memset(&c, 0, sizeof c);
    c.capacity = capacity;
    c.senders = c.receivers = 1;
    return c;
}

static uint8_t handle_bit(uint64_t handle)
{
    return (uint8_t)(1u << handle);
}

static bool is_send(const linear_op *op)
{
    return op->kind == LINEAR_SEND || op->kind == LINEAR_TRY_SEND;
}

static bool is_recv(const linear_op *op)
{
    return op->kind == LINEAR_RECV || op->kind == LINEAR_TRY_RECV;
}

static unsigned room(const linear_channel *c)
{
    unsigned capacity = c->capacity == LINEAR_UNBOUNDED ? LINEAR_ITEMS : c->capacity;
    return c->n < capacity ? capacity - c->n : 0;
}

static uint16_t item_of(const linear_op *send)
{
    return (uint16_t)send->arg;
}

static bool may_refuse(const linear_op *op, bool would_wait)
{
    return would_wait || op->excused & LINEAR_MAY_REFUSE;
}

/* Is the handle open for this operation, or was it when the operation looked? */
static bool may_use(uint8_t handles, uint64_t handle, const linear_op *op)
{
    return handles & handle_bit(handle) || (handles && op->excused & LINEAR_MAY_BE_CLOSED);
}

static bool step_send(linear_channel *c, const linear_op *op)
{
    bool open = c->senders & handle_bit(op->arg >> 32);
    switch (op->returned ? op->result : 0) {
    case 0:
        if (!may_use(c->senders, op->arg >> 32, op) || !c->receivers ||
            (!room(c) && !(op->excused & LINEAR_MAY_USE_DROPPED)) || c->n == LINEAR_ITEMS)
            return false;
        c->items[c->n++] = item_of(op);
        return true;
    case WEIR_ECLOSED:
        return !open || op->excused & LINEAR_MAY_BE_CLOSED;
    case WEIR_EPIPE:
        return open && !c->receivers;
    case WEIR_EAGAIN:
        return op->kind == LINEAR_TRY_SEND && open && c->receivers && may_refuse(op, room(c) == 0);
    case WEIR_ETIMEDOUT:
        return op->kind == LINEAR_SEND && open && c->receivers;
    case WEIR_ENOMEM:
        return open;
    default:
        return false;
    }
}

static void take(linear_channel *c, unsigned n)
{
    memmove(&c->items[0], &c->items[n], (LINEAR_ITEMS - n) * sizeof c->items[0]);
    memset(&c->items[LINEAR_ITEMS - n], 0, n * sizeof c->items[0]);
    c->n = (uint8_t)(c->n - n);
}

/* How many items are before this one; c->n: it is not there. */
static unsigned before(const linear_channel *c, uint64_t item)
{
    unsigned i = 0;
    while (i < c->n && c->items[i] != item)
        i++;
    return i;
}

static bool step_recv(linear_channel *c, const linear_op *op)
{
    bool open = c->receivers & handle_bit(op->arg);
    unsigned skipped;
    switch (op->returned ? op->result : 1) {
    case 1:
        skipped = op->returned ? before(c, op->value) : 0;
        if (!may_use(c->receivers, op->arg, op) || skipped == c->n ||
            (skipped && !(op->excused & LINEAR_MAY_SKIP)))
            return false;
        take(c, skipped + 1);
        return true;
    case 0:
        return open && c->n == 0 && !c->senders;
    case WEIR_ECLOSED:
        return !open || op->excused & LINEAR_MAY_BE_CLOSED;
    case WEIR_EAGAIN:
        return op->kind == LINEAR_TRY_RECV && open && may_refuse(op, c->n == 0 && c->senders);
    case WEIR_ETIMEDOUT:
        return op->kind == LINEAR_RECV && open && (c->n > 0 || c->senders);
    case WEIR_ENOMEM:
        return open;
    default:
        return false;
    }
}

static bool step_close(linear_channel *c, uint8_t *handles, const linear_op *op)
{
    if (op->returned && op->result != 0)
        return false;
    *handles &= (uint8_t)~handle_bit(op->arg);
    if (!c->receivers) { /* what is buffered is dropped */
        c->n = 0;
        memset(c->items, 0, sizeof c->items);
    }
    return true;
}

static bool step_clone(uint8_t *handles, const linear_op *op)
{
    bool open = *handles & handle_bit(op->arg >> 32);
    if (op->returned && op->result != 0)
        return op->result == WEIR_ECLOSED ? !open : op->result == WEIR_ENOMEM;
    if (open)
        *handles |= handle_bit((uint32_t)op->arg);
    return open;
}

/* A rendezvous: both at once. */
static bool step_meet(const linear_channel *c, const linear_op *send, const linear_op *recv)
{
    return c->capacity == 0 && may_use(c->senders, send->arg >> 32, send) &&
           may_use(c->receivers, recv->arg, recv) && (!send->returned || send->result == 0) &&
           (!recv->returned || (recv->result == 1 && recv->value == item_of(send)));
}

static bool step(void *state, const linear_op *op, const linear_op *partner)
{
    linear_channel *c = state;
    if (partner)
        return step_meet(c, op, partner);
    switch (op->kind) {
    case LINEAR_SEND:
    case LINEAR_TRY_SEND:
        return step_send(c, op);
    case LINEAR_RECV:
    case LINEAR_TRY_RECV:
        return step_recv(c, op);
    case LINEAR_CLOSE_SENDER:
        return step_close(c, &c->senders, op);
    case LINEAR_CLOSE_RECEIVER:
        return step_close(c, &c->receivers, op);
    case LINEAR_CLONE_SENDER:
        return step_clone(&c->senders, op);
    case LINEAR_CLONE_RECEIVER:
        return step_clone(&c->receivers, op);
    default:
        return false;
    }
}

static bool partners(const linear_op *op, const linear_op *partner)
{
    return is_send(op) && is_recv(partner);
}

/* Nobody waits for what is there: a send with room, a receive with an item or at the end. */
static bool final(const void *state, const linear_history *h, uint64_t done)
{
    const linear_channel *c = state;
    bool sending = false, receiving = false;
    for (unsigned i = 0; i < h->n; i++) {
        const linear_op *op = &h->ops[i];
        if (done & UINT64_C(1) << i)
            continue;
        if (is_send(op)) {
            sending = true;
            if (room(c) || !c->receivers || !(c->senders & handle_bit(op->arg >> 32)))
                return false;
        } else if (is_recv(op)) {
            receiving = true;
            if (c->n || !c->senders || !(c->receivers & handle_bit(op->arg)))
                return false;
        } else {
            return false;
        }
    }
    return !(sending && receiving);
}

const linear_spec linear_channel_spec = {sizeof(linear_channel), step, partners, final};

static bool overlap(const linear_op *a, const linear_op *b)
{
    return (!b->returned || a->invoked < b->returned) && (!a->returned || b->invoked < a->returned);
}

void linear_channel_excuse(linear_history *h)
{
    for (unsigned i = 0; i < h->n; i++)
        for (unsigned k = 0; k < h->n && h->ops[i].result == WEIR_EAGAIN; k++)
            if (k != i && (is_send(&h->ops[k]) || is_recv(&h->ops[k])) &&
                overlap(&h->ops[i], &h->ops[k]))
                h->ops[i].excused |= LINEAR_MAY_REFUSE;
}

typedef bool (*linear_kinds)(const linear_op *);

static void excuse(linear_history *h, const linear_op *close, linear_kinds kinds, unsigned what)
{
    for (unsigned i = 0; i < h->n; i++)
        if (kinds(&h->ops[i]) && overlap(&h->ops[i], close))
            h->ops[i].excused |= what;
}

static uint64_t handle_used(const linear_op *op)
{
    return is_send(op) ? op->arg >> 32 : op->arg;
}

/* Those that use the handle that is closed. Returns when the last of them returned. */
static uint64_t excuse_users(linear_history *h, const linear_op *close, linear_kinds kinds)
{
    uint64_t last = close->returned;
    for (unsigned i = 0; i < h->n; i++) {
        linear_op *op = &h->ops[i];
        if (!kinds(op) || handle_used(op) != close->arg || !overlap(op, close))
            continue;
        op->excused |= LINEAR_MAY_BE_CLOSED;
        last = op->returned > last ? op->returned : last;
    }
    return last;
}

/* Of those that close the same handle at the same time one closes it, the others know. */
static void excuse_closers(linear_history *h, linear_op *close)
{
    for (unsigned i = 0; i < h->n; i++) {
        const linear_op *op = &h->ops[i];
        if (op->kind == close->kind && op->arg == close->arg && overlap(op, close) &&
            op->returned > close->returned)
            close->returned = op->returned;
    }
}

void linear_channel_excuse_closing(linear_history *h, bool single_sender, bool single_receiver)
{
    for (unsigned i = 0; i < h->n; i++) {
        linear_op *op = &h->ops[i];
        bool sends = op->kind == LINEAR_CLOSE_SENDER;
        if (!sends && op->kind != LINEAR_CLOSE_RECEIVER)
            continue;
        excuse_closers(h, op);
        uint64_t last = excuse_users(h, op, sends ? is_send : is_recv);
        if (sends ? single_sender : single_receiver)
            op->returned = last;
        if (!sends)
            excuse(h, op, is_recv, LINEAR_MAY_SKIP | LINEAR_MAY_REFUSE);
        if (!sends && single_sender)
            excuse(h, op, is_send, LINEAR_MAY_USE_DROPPED);
    }
}
