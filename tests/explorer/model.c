/* SPDX-License-Identifier: MIT */
/* model.c - see model.h. */
#include "model.h"

#include <stdio.h>
#include <string.h>

struct model M;

static void count_drop(void *item, void *unused)
{
    uint32_t number;
    (void)unused;
    memcpy(&number, item, sizeof number);
    EXPLORE_ASSERT(number < 64);
    M.dropped[number]++;
}

void m_open_with(size_t capacity, bool single_sender, bool single_receiver)
{
    weir_channel_options o = {
        .drop = count_drop, .single_sender = single_sender, .single_receiver = single_receiver};
    EXPLORE_EQ(weir_channel_open(&M.tx[0], &M.rx[0], sizeof(uint32_t), capacity, &o), 0);
    M.single_sender = single_sender;
    M.single_receiver = single_receiver;
    M.initial =
        linear_channel_open(capacity == WEIR_UNBOUNDED ? LINEAR_UNBOUNDED : (uint8_t)capacity);
}

void m_open(size_t capacity)
{
    m_open_with(capacity, false, false);
}

static unsigned invoke(int kind, uint64_t arg)
{
    return linear_invoke(&M.history, 0, kind, arg);
}

static int done(unsigned op, int rc, uint64_t value)
{
    linear_return(&M.history, op, rc, value);
    return rc;
}

/* ---- one item -------------------------------------------------------------------- */

int m_send_by(unsigned handle, uint32_t item, weir_time deadline)
{
    unsigned op = invoke(LINEAR_SEND, LINEAR_ITEM(handle, item));
    return done(op, weir_send_by(M.tx[handle], &item, deadline), 0);
}

int m_send(unsigned handle, uint32_t item)
{
    return m_send_by(handle, item, WEIR_NEVER);
}

int m_try_send(unsigned handle, uint32_t item)
{
    unsigned op = invoke(LINEAR_TRY_SEND, LINEAR_ITEM(handle, item));
    return done(op, weir_try_send(M.tx[handle], &item), 0);
}

int m_recv_by(unsigned handle, uint32_t *item, weir_time deadline)
{
    unsigned op = invoke(LINEAR_RECV, handle);
    int rc = weir_recv_by(M.rx[handle], item, deadline);
    return done(op, rc, rc > 0 ? *item : 0);
}

int m_recv(unsigned handle, uint32_t *item)
{
    return m_recv_by(handle, item, WEIR_NEVER);
}

int m_try_recv(unsigned handle, uint32_t *item)
{
    unsigned op = invoke(LINEAR_TRY_RECV, handle);
    int rc = weir_try_recv(M.rx[handle], item);
    return done(op, rc, rc > 0 ? *item : 0);
}

/* ---- several: as so many single ones in the same interval, in order -------------- */

static void again(unsigned first, unsigned i, int kind, uint64_t arg, int result, uint64_t value)
{
    unsigned op = invoke(kind, arg);
    linear_op *o = &M.history.ops[op];
    o->invoked = M.history.ops[first].invoked;
    o->returned = M.history.ops[first].returned;
    o->result = result;
    o->value = value;
    o->after = (int)(i == 1 ? first : op - 1);
}

int m_send_many(unsigned handle, const uint32_t *items, unsigned n)
{
    unsigned first = invoke(LINEAR_SEND, LINEAR_ITEM(handle, items[0]));
    int k = weir_send_many(M.tx[handle], items, n);
    done(first, k < 0 ? k : 0, 0);
    for (unsigned i = 1; k > 1 && i < (unsigned)k; i++)
        again(first, i, LINEAR_SEND, LINEAR_ITEM(handle, items[i]), 0, 0);
    return k;
}

int m_recv_many(unsigned handle, uint32_t *items, unsigned n)
{
    unsigned first = invoke(LINEAR_RECV, handle);
    int k = weir_recv_many(M.rx[handle], items, n);
    done(first, k > 0 ? 1 : k, items[0]);
    for (unsigned i = 1; k > 1 && i < (unsigned)k; i++)
        again(first, i, LINEAR_RECV, handle, 1, items[i]);
    return k;
}

/* ---- handles --------------------------------------------------------------------- */

/*
 * A close ends with plain stores. For the history it has returned when they are visible:
 * nobody can learn of the return before, but by looking at a clock.
 */
static void closed(unsigned op, int rc)
{
    a_fence();
    done(op, rc, 0);
}

void m_close_sender(unsigned handle)
{
    unsigned op = invoke(LINEAR_CLOSE_SENDER, handle);
    closed(op, weir_close(M.tx[handle]));
}

void m_close_receiver(unsigned handle)
{
    unsigned op = invoke(LINEAR_CLOSE_RECEIVER, handle);
    closed(op, weir_close(M.rx[handle]));
}

void m_clone_sender(unsigned from, unsigned to)
{
    unsigned op = invoke(LINEAR_CLONE_SENDER, LINEAR_ITEM(from, to));
    M.tx[to] = weir_sender_clone(M.tx[from]);
    done(op, weir_check(M.tx[to]), 0);
}

void m_clone_receiver(unsigned from, unsigned to)
{
    unsigned op = invoke(LINEAR_CLONE_RECEIVER, LINEAR_ITEM(from, to));
    M.rx[to] = weir_receiver_clone(M.rx[from]);
    done(op, weir_check(M.rx[to]), 0);
}

/* ---- threads --------------------------------------------------------------------- */

void m_open_0(void)
{
    m_open(0);
}

void m_open_1(void)
{
    m_open(1);
}

void m_open_2(void)
{
    m_open(2);
}

void m_open_unbounded(void)
{
    m_open(WEIR_UNBOUNDED);
}

static unsigned handle_of(void *arg)
{
    return (unsigned)((uintptr_t)arg >> 16);
}

static unsigned count_of(void *arg)
{
    return (uintptr_t)arg & 0xff;
}

void m_sends(void *arg)
{
    uint32_t first = (uintptr_t)arg >> 8 & 0xff;
    int rc = 0;
    for (unsigned i = 0; i < count_of(arg) && rc == 0; i++)
        rc = m_send(handle_of(arg), first + i);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EPIPE || rc == WEIR_ECLOSED);
}

void m_sends_and_closes(void *arg)
{
    m_sends(arg);
    m_close_sender(handle_of(arg));
}

void m_recvs(void *arg)
{
    uint32_t item;
    int rc = 1;
    for (unsigned i = 0; i < count_of(arg) && rc == 1; i++)
        rc = m_recv(handle_of(arg), &item);
    if (rc == 0) {
        rc = m_recv(handle_of(arg), &item);
        EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
    }
    EXPLORE_ASSERT(rc >= 0 || rc == WEIR_ECLOSED);
}

void m_recvs_and_closes(void *arg)
{
    m_recvs(arg);
    m_close_receiver(handle_of(arg));
}

void m_closes_sender(void *arg)
{
    m_close_sender(handle_of(arg));
}

void m_closes_receiver(void *arg)
{
    m_close_receiver(handle_of(arg));
}

struct part {
    void (*does)(void *arg);
    void *arg;
};

static int plays(void *arg)
{
    const struct part *p = arg;
    p->does(p->arg);
    return 0;
}

static weir_scope scope;
static a32 scope_known;

weir_scope m_scope_begin(void)
{
    scope = weir_scope_begin();
    a32_store_release(&scope_known, 1);
    return scope;
}

void m_cancels(void *unused)
{
    (void)unused;
    while (!a32_load_acquire(&scope_known))
        a_relax();
    int rc = weir_scope_cancel(scope, "by a thread");
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
}

void m_spawn(weir_group group, void (*does)(void *arg), void *arg)
{
    struct part p = {does, arg};
    EXPLORE_EQ(weir_spawn(group, plays, &p), 0);
}

/* ---- an actor is woken as it parks, from the other worker ------------------------------------ */

enum { PARKS = 6, PARKS_NO_MORE };

static weir_group wakers;
static a32 parks, waker_of, waker_ready, about_to_wait; /* numbers of waits, from 1 */

/* The owner keeps its worker until it waits, so this is the other one. */
static int waker(void *parking)
{
    uint32_t now, before;
    while ((now = a32_load_acquire(&parks)) != PARKS_NO_MORE) {
        before = now - 1;
        if (now > 0 && a32_cas(&waker_of, &before, now))
            ((const m_parking *)parking)->wakes();
        EXPLORE_EQ(weir_yield(), 0); /* who was woken comes first */
        a_relax();
    }
    return 0;
}

/* What plain threads spawn goes to the workers in turn. */
void m_spawns_wakers(void *parking)
{
    while (!a32_load_acquire(&parks))
        a_relax();
    for (int i = 0; i < 2; i++)
        EXPLORE_EQ(weir_spawn(wakers, waker, parking, .pinned = true), 0);
}

void m_until_it_waits(void)
{
    uint32_t now = a32_load(&parks);
    a32_store_release(&waker_ready, now);
    while (a32_load_acquire(&about_to_wait) != now)
        a_relax();
}

static int parks_often(void *parking)
{
    const m_parking *p = parking;
    wakers = weir_group_begin();
    for (uint32_t i = 1; i <= PARKS; i++) {
        if (p->begins)
            p->begins();
        a32_store_release(&parks, i);
        while (a32_load_acquire(&waker_ready) != i)
            a_relax();
        a32_store_release(&about_to_wait, i);
        p->waits();
    }
    a32_store_release(&parks, PARKS_NO_MORE);
    return weir_group_end(wakers);
}

void m_runs_parking(void *parking)
{
    EXPLORE_EQ(weir_run(parks_often, parking, &(weir_options){.workers = 2}), 0);
}

/* ---- checks ---------------------------------------------------------------------- */

static void print_history(void)
{
    static const char *const kinds[] = {"send",         "try_send",      "recv",
                                        "try_recv",     "close sender",  "close receiver",
                                        "clone sender", "clone receiver"};
    for (unsigned i = 0; i < M.history.n; i++) {
        const linear_op *op = &M.history.ops[i];
        printf("    %3llu to %3llu: %s %llu (handle %llu) -> %d, %llu\n",
               (unsigned long long)op->invoked, (unsigned long long)op->returned, kinds[op->kind],
               (unsigned long long)op->arg & 0xffffffff, (unsigned long long)op->arg >> 32,
               op->result, (unsigned long long)op->value);
    }
}

void m_check(void)
{
    if (explore_tracing())
        print_history();
    linear_channel_excuse(&M.history);
    linear_channel_excuse_closing(&M.history, M.single_sender, M.single_receiver);
    EXPLORE_ASSERT(linear_check(&linear_channel_spec, &M.initial, &M.history));
}

/* Close all and release what was retired, so that what is to be dropped has been. */
static void settle(void)
{
    weir_sender tx;
    weir_receiver rx;
    for (unsigned i = 0; i < M_HANDLES; i++) {
        weir_close(M.tx[i]);
        weir_close(M.rx[i]);
    }
    for (unsigned i = 0; i < 48; i++) { /* operations that retire something poll */
        EXPLORE_EQ(weir_channel_open(&tx, &rx, 1, 0, NULL), 0);
        weir_close(tx);
        weir_close(rx);
    }
}

void m_check_items(void)
{
    m_check();
    settle();
    for (unsigned item = 0; item < 64; item++) {
        unsigned sent = 0, got = 0;
        for (unsigned i = 0; i < M.history.n; i++) {
            const linear_op *op = &M.history.ops[i];
            if (op->kind <= LINEAR_TRY_SEND && op->returned && op->result == 0)
                sent += (uint32_t)op->arg == item;
            if ((op->kind == LINEAR_RECV || op->kind == LINEAR_TRY_RECV) && op->result == 1)
                got += op->value == item;
        }
        EXPLORE_EQ(got + M.dropped[item], sent);
    }
}
