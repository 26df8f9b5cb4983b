/* SPDX-License-Identifier: MIT */
/*
 * memory.c - atomic operations on a machine with store buffers (TSO, as x86-64).
 *
 * A store goes to the end of its thread's buffer; the thread itself sees it at once, the
 * others when it drains, oldest first. Read-modify-writes, fences and system calls drain
 * the own buffer, os_membarrier() every thread's. Loads are not delayed: there is no
 * weaker machine here; what aarch64 may do beyond TSO is left to ThreadSanitizer.
 *
 * The code under test also reads its atomic variables plainly (libck's ring does, and
 * every initialisation). So memory itself holds what the *running* thread sees: when a
 * thread is switched out its pending stores are taken back, and put again when it is
 * switched in. A plain store upon a pending one is noticed then and becomes pending too.
 * Other plain stores are visible at once. In a program without data races nobody can
 * tell: who reads them has synchronised with the writer.
 */
#include "engine.h"

#include <string.h>

static uint64_t get(const void *from, unsigned size)
{
    uint8_t v8;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;
    switch (size) {
    case 1:
        return memcpy(&v8, from, 1), v8;
    case 2:
        return memcpy(&v16, from, 2), v16;
    case 4:
        return memcpy(&v32, from, 4), v32;
    default:
        return memcpy(&v64, from, 8), v64;
    }
}

static void put(void *to, unsigned size, uint64_t value)
{
    uint8_t v8 = (uint8_t)value;
    uint16_t v16 = (uint16_t)value;
    uint32_t v32 = (uint32_t)value;
    switch (size) {
    case 1:
        memcpy(to, &v8, 1);
        break;
    case 2:
        memcpy(to, &v16, 2);
        break;
    case 4:
        memcpy(to, &v32, 4);
        break;
    default:
        memcpy(to, &value, 8);
    }
}

static void check_alive(const void *address)
{
    if (region_is_dead(address))
        explore_fail(&E->running->where, "%s: %p was released", op_name(E->running->op), address);
}

/* ---- buffers --------------------------------------------------------------------------------- */

static void buffer_add(struct vthread *t, void *to, unsigned size, uint64_t value, uint64_t under)
{
    t->buffer[t->stores++] = (struct store){to, value, under, size};
    E->dirty |= BIT(t->index);
}

static bool is_last_of_its_place(const struct vthread *t, unsigned i)
{
    for (unsigned k = i + 1; k < t->stores; k++)
        if (t->buffer[k].to == t->buffer[i].to)
            return false;
    return true;
}

static void adopt_plain_stores(struct vthread *t)
{
    unsigned n = t->stores;
    for (unsigned i = 0; i < n; i++) {
        struct store *s = &t->buffer[i];
        uint64_t now = get(s->to, s->size);
        if (now == s->value || !is_last_of_its_place(t, i))
            continue;
        if (t->stores == sizeof t->buffer / sizeof *t->buffer)
            explore_fail(&t->where, "explorer: too many plain stores upon pending ones");
        buffer_add(t, s->to, s->size, now, s->value);
    }
}

void buffer_hide(struct vthread *t)
{
    adopt_plain_stores(t);
    for (unsigned i = t->stores; i-- > 0;)
        put(t->buffer[i].to, t->buffer[i].size, t->buffer[i].under);
}

void buffer_show(struct vthread *t)
{
    for (unsigned i = 0; i < t->stores; i++) {
        struct store *s = &t->buffer[i];
        s->under = get(s->to, s->size);
        put(s->to, s->size, s->value);
    }
}

/* Into the memory that all threads see, below what the running thread has pending. */
static void put_for_all(const struct store *s)
{
    struct vthread *me = E->running;
    if (region_is_dead(s->to))
        explore_fail(&me->where, "a store buffer drains into %p, which was released", s->to);
    for (unsigned i = 0; i < me->stores; i++) {
        if (me->buffer[i].to == s->to) {
            me->buffer[i].under = s->value;
            return;
        }
    }
    put(s->to, s->size, s->value);
}

void buffer_drain_one(struct vthread *t)
{
    struct store oldest = t->buffer[0];
    t->stores--;
    memmove(&t->buffer[0], &t->buffer[1], t->stores * sizeof oldest);
    if (t->stores == 0)
        E->dirty &= ~BIT(t->index);
    if (t != E->running)
        put_for_all(&oldest);
}

void buffer_drain(struct vthread *t)
{
    if (t->stores == 0)
        return;
    if (t == E->running) {
        t->stores = 0;
        E->dirty &= ~BIT(t->index);
    }
    while (t->stores)
        buffer_drain_one(t);
    memory_changed();
}

/* Memory is released: nobody will look at the own stores; nobody else may have any. */
void buffer_forget(const char *memory, size_t bytes)
{
    for (unsigned i = 0; i <= E->n; i++) {
        struct vthread *t = &E->threads[i < E->n ? i : CONDUCTOR];
        for (unsigned k = t->stores; k-- > 0;) {
            if ((size_t)((const char *)t->buffer[k].to - memory) >= bytes)
                continue;
            if (t != E->running)
                explore_fail(&E->running->where, "%p is released while a store of %s to it pends",
                             t->buffer[k].to, t->what->name);
            t->stores--;
            memmove(&t->buffer[k], &t->buffer[k + 1], (t->stores - k) * sizeof t->buffer[0]);
        }
        if (t->stores == 0)
            E->dirty &= ~BIT(t->index);
    }
}

void explore_gone(const void *variable, size_t bytes)
{
    buffer_forget(variable, bytes);
}

/* ---- operations ------------------------------------------------------------------------------ */

uint64_t explore_load(const void *from, unsigned size, const struct explore_where *at)
{
    point(EXPLORE_LOAD, from, at);
    check_alive(from);
    E->running->counts.loads++;
    uint64_t value = get(from, size);
    if (E->tracing)
        trace(" ->", value);
    return value;
}

void explore_store(void *to, unsigned size, uint64_t value, const struct explore_where *at)
{
    point(EXPLORE_STORE, to, at);
    check_alive(to);
    struct vthread *me = E->running;
    me->counts.stores++;
    if (alone() || E->model->flags & EXPLORE_SC) {
        put(to, size, value);
        memory_changed();
    } else {
        if (me->stores >= STORES) {
            adopt_plain_stores(me);
            buffer_drain_one(me);
        }
        buffer_add(me, to, size, value, get(to, size));
        put(to, size, value);
    }
    if (E->tracing)
        trace(" =", value);
}

static void locked(enum explore_op op, void *x, const struct explore_where *at)
{
    point(op, x, at);
    if (x)
        check_alive(x);
    buffer_drain(E->running);
    E->running->counts.locked++;
}

bool explore_cas(void *x, unsigned size, uint64_t *expected, uint64_t desired,
                 const struct explore_where *at)
{
    locked(EXPLORE_CAS, x, at);
    uint64_t before = get(x, size);
    bool done = before == *expected;
    if (done) {
        put(x, size, desired);
        memory_changed();
    }
    *expected = before;
    if (E->tracing)
        trace(done ? " =" : " failed, it is", done ? desired : before);
    return done;
}

uint64_t explore_rmw(enum explore_op op, void *x, unsigned size, uint64_t operand,
                     const struct explore_where *at)
{
    locked(op, x, at);
    uint64_t before = get(x, size), after = operand;
    if (op == EXPLORE_ADD)
        after = before + operand;
    else if (op == EXPLORE_AND)
        after = before & operand;
    else if (op == EXPLORE_OR)
        after = before | operand;
    else if (op == EXPLORE_XOR)
        after = before ^ operand;
    put(x, size, after);
    memory_changed();
    if (E->tracing)
        trace(" was", before);
    return before;
}

void explore_fence(const struct explore_where *at)
{
    locked(EXPLORE_FENCE, NULL, at);
    if (E->tracing)
        trace("", 0);
}
