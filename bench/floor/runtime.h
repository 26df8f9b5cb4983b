/* SPDX-License-Identifier: MIT */
/*
 * runtime.h - the least that actors and channels can cost on this machine.
 *
 * Not a peer and not a library: one worker, a FIFO run queue, a switch in assembler,
 * bounded channels with one sender and one receiver. No stealing, select, timers,
 * cancellation, errors, guards or fairness. What is kept is what nobody can leave out
 * whose actors may run on more than one worker:
 *
 *   - A sleeper is announced only after the switch away from it, by whatever runs next
 *     (settle), so that nobody wakes an actor whose registers are not saved yet.
 *   - Whoever announces looks once more whether the wait is over. The announcement is a
 *     locked exchange; with several workers a membarrier(2) between it and the second
 *     look would pair with the plain order of publish and look in wake().
 *   - A sleeper is claimed by a locked exchange: one waker wins.
 *
 * So a wait is one locked instruction and a wake one. FLOOR_PLAIN builds the same with
 * plain loads and stores: what a runtime reaches that never leaves its thread.
 *
 * Layout: a channel of capacity 1 is one cache line, and channels are dense. An actor's
 * record is the line on top of its stack: one page to look up for a hop. The stacks are 65
 * lines apart, so that their tops spread over the cache's sets. The stack is read once
 * before the switch, see switch_away().
 */
#ifndef WEIR_BENCH_FLOOR_RUNTIME_H
#define WEIR_BENCH_FLOOR_RUNTIME_H

#include "../common/bench.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#define LINE 64
#define SLOT ((size_t)4096 + LINE) /* of an actor: its stack, its record */
#define ACTORS_PER_SLAB ((size_t)4096)

typedef struct actor {
    _Alignas(LINE) void *sp;
    struct actor *next; /* in the run queue, among the free, among the parked */
    void (*body)(void *);
    void *arg;
} actor;

typedef _Atomic(actor *) waiter;

typedef struct channel {
    _Alignas(LINE) atomic_ulong tail; /* written by the sender */
    unsigned long seen_head;          /* the sender's copy of head */
    waiter sender;
    atomic_ulong head; /* written by the receiver */
    unsigned long seen_tail;
    waiter receiver;
    unsigned long mask; /* capacity - 1 */
    uint64_t item[];
} channel;

/* ---- memory -------------------------------------------------------------------------- */

static void *take(size_t bytes)
{
    static char *slab;
    static size_t left;

    bytes = (bytes + LINE - 1) / LINE * LINE;
    if (bytes > left) {
        left = bytes > (1U << 26) ? bytes : 1U << 26;
        slab = mmap(NULL, left, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
        if (slab == MAP_FAILED)
            bench_fail("out of memory");
    }
    void *memory = slab;
    slab += bytes;
    left -= bytes;
    return memory;
}

static actor *free_actors;

/* An actor's record is the top line of its stack. */
static void take_actors(void)
{
    char *slab = mmap(NULL, ACTORS_PER_SLAB * SLOT, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (slab == MAP_FAILED)
        bench_fail("out of memory");
    for (size_t i = ACTORS_PER_SLAB; i > 0; i--) {
        actor *record = (actor *)(void *)(slab + i * SLOT) - 1;
        record->next = free_actors;
        free_actors = record;
    }
}

/* ---- the switch and the run queue ------------------------------------------------------ */

void floor_switch(void **save, void *load);

/* pop and jmp instead of ret: the return address is not where the processor predicts it. */
__asm__(".text\n"
        ".type floor_switch, @function\n"
        "floor_switch:\n"
        "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
        "  mov %rsp, (%rdi)\n"
        "  mov %rsi, %rsp\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n"
        "  pop %rcx\n"
        "  jmp *%rcx\n"
        ".size floor_switch, .-floor_switch\n");

static actor main_actor, *self = &main_actor;
static actor *queue_head, **queue_end = &queue_head;

/* Who has just been switched away from, and where to announce it; NULL: nobody. */
static struct {
    channel *channel;
    actor *who;
    bool sends;
} sleeper;

static inline void make_ready(actor *a)
{
    a->next = NULL;
    *queue_end = a;
    queue_end = &a->next;
}

static inline actor *exchange(waiter *w, actor *a)
{
#ifdef FLOOR_PLAIN
    actor *before = atomic_load_explicit(w, memory_order_relaxed);
    atomic_store_explicit(w, a, memory_order_relaxed);
    return before;
#else
    return atomic_exchange(w, a);
#endif
}

static inline bool has_room(channel *c, memory_order order)
{
    c->seen_head = atomic_load_explicit(&c->head, order);
    return atomic_load_explicit(&c->tail, memory_order_relaxed) - c->seen_head <= c->mask;
}

static inline bool has_item(channel *c, memory_order order)
{
    c->seen_tail = atomic_load_explicit(&c->tail, order);
    return atomic_load_explicit(&c->head, memory_order_relaxed) != c->seen_tail;
}

/* Announces the sleeper and looks once more; runs on the stack of whoever is next. */
static inline void settle(void)
{
    channel *c = sleeper.channel;

    if (!c) /* always, for FLOOR_PLAIN */
        return;
    sleeper.channel = NULL;
    waiter *place = sleeper.sends ? &c->sender : &c->receiver;
    exchange(place, sleeper.who);
    bool over =
        sleeper.sends ? has_room(c, memory_order_acquire) : has_item(c, memory_order_acquire);
    if (over && exchange(place, NULL) == sleeper.who)
        make_ready(sleeper.who);
}

static inline void switch_away(void)
{
    actor *me = self, *next = queue_head;

    if (!next)
        bench_fail("floor: everybody sleeps");
    queue_head = next->next;
    if (!queue_head)
        queue_end = &queue_head;
    if (next == me)
        return;
    self = next;
    /*
     * The processor's prefetcher learns strides from loads like this one and not from the
     * pops of the switch: 20 ns instead of 170 for a hop of a ring of 100,000.
     */
    (void)*(volatile uint64_t *)next->sp;
    floor_switch(&me->sp, next->sp);
    settle();
}

static inline void give_way(void)
{
    make_ready(self);
    switch_away();
}

/* ---- actors ------------------------------------------------------------------------------ */

static void enter(void)
{
    settle();
    self->body(self->arg);
    self->next = free_actors;
    free_actors = self;
    switch_away();
    __builtin_unreachable();
}

static inline void start(void (*body)(void *), void *arg)
{
    if (!free_actors)
        take_actors();
    actor *a = free_actors;
    free_actors = a->next;
    /* What floor_switch pops: six registers, then where to go; aligned as after a call. */
    uint64_t *sp = (uint64_t *)(void *)a;
    *--sp = 0;
    *--sp = (uint64_t)(uintptr_t)enter;
    a->sp = sp - 6;
    a->body = body;
    a->arg = arg;
    make_ready(a);
}

/* ---- channels ------------------------------------------------------------------------------ */

static channel *make_channel(unsigned long capacity)
{
    channel *c = take(sizeof *c + capacity * sizeof c->item[0]);

    if (capacity & (capacity - 1))
        bench_fail("floor: a capacity is a power of two");
    c->mask = capacity - 1;
    return c;
}

static inline void sleep_on(channel *c, bool sends)
{
#ifdef FLOOR_PLAIN
    exchange(sends ? &c->sender : &c->receiver, self);
#else
    sleeper.channel = c;
    sleeper.who = self;
    sleeper.sends = sends;
#endif
    switch_away();
}

static inline void wake(waiter *w)
{
    atomic_signal_fence(memory_order_seq_cst); /* pairs with settle() */
    if (atomic_load_explicit(w, memory_order_relaxed)) {
        actor *a = exchange(w, NULL);
        if (a)
            make_ready(a);
    }
}

/* How many items fit; at least one after having slept for it. */
static inline unsigned long await_room(channel *c, unsigned long tail)
{
    while (tail - c->seen_head > c->mask)
        if (!has_room(c, memory_order_acquire))
            sleep_on(c, true);
    return c->mask + 1 - (tail - c->seen_head);
}

static inline unsigned long await_items(channel *c, unsigned long head)
{
    while (head == c->seen_tail)
        if (!has_item(c, memory_order_acquire))
            sleep_on(c, false);
    return c->seen_tail - head;
}

static inline void put(channel *c, uint64_t item)
{
    unsigned long tail = atomic_load_explicit(&c->tail, memory_order_relaxed);

    await_room(c, tail);
    c->item[tail & c->mask] = item;
    atomic_store_explicit(&c->tail, tail + 1, memory_order_release);
    wake(&c->receiver);
}

static inline uint64_t get(channel *c)
{
    unsigned long head = atomic_load_explicit(&c->head, memory_order_relaxed);

    await_items(c, head);
    uint64_t item = c->item[head & c->mask];
    atomic_store_explicit(&c->head, head + 1, memory_order_release);
    wake(&c->sender);
    return item;
}

/* Wait for one, go on with as many as go without waiting; the count. */
static inline unsigned long put_many(channel *c, const uint64_t *items, unsigned long n)
{
    unsigned long tail = atomic_load_explicit(&c->tail, memory_order_relaxed);
    unsigned long room = await_room(c, tail);

    n = n < room ? n : room;
    for (unsigned long i = 0; i < n; i++)
        c->item[(tail + i) & c->mask] = items[i];
    atomic_store_explicit(&c->tail, tail + n, memory_order_release);
    wake(&c->receiver);
    return n;
}

static inline unsigned long get_many(channel *c, uint64_t *items, unsigned long n)
{
    unsigned long head = atomic_load_explicit(&c->head, memory_order_relaxed);
    unsigned long filled = await_items(c, head);

    n = n < filled ? n : filled;
    for (unsigned long i = 0; i < n; i++)
        items[i] = c->item[(head + i) & c->mask];
    atomic_store_explicit(&c->head, head + n, memory_order_release);
    wake(&c->sender);
    return n;
}

#endif
