/* SPDX-License-Identifier: MIT */
/*
 * stop.h - stop a thread in the middle of an operation, where the test wants it.
 *
 * A page is made inaccessible; who touches it next is held in the signal handler, at that
 * very instruction, until the test lets it go on. What is on the page decides where that
 * is: an item (the place is claimed, the copy has just begun), a channel's record (the
 * handle was found good, nothing else was looked at), a cell's stamp. So each interleaving
 * below is made, not waited for. One thread at a time may come to a stop, and the test
 * itself keeps off the page.
 */
#ifndef WEIR_TESTS_STOP_H
#define WEIR_TESTS_STOP_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chan.h"
#include "kinds.h"

enum { STOPS = 4 };

static struct stop {
    atomic_uintptr_t page; /* 0: none */
    atomic_bool reached, go;
} stops[STOPS];

static struct sigaction stop_before;

static inline uintptr_t stop_page(void)
{
    return (uintptr_t)sysconf(_SC_PAGESIZE);
}

static inline void stop_on_fault(int number, siginfo_t *info, void *context)
{
    int e = errno;
    uintptr_t page = (uintptr_t)info->si_addr & ~(stop_page() - 1);
    (void)context;
    for (unsigned i = 0; i < STOPS; i++)
        if (atomic_load(&stops[i].page) == page) {
            atomic_store(&stops[i].reached, true);
            while (!atomic_load(&stops[i].go))
                sched_yield();
            errno = e;
            return;
        }
    signal(number, SIG_DFL); /* some other fault: it repeats, and kills */
}

static inline void stops_begin(void)
{
    struct sigaction ours = {.sa_sigaction = stop_on_fault, .sa_flags = SA_SIGINFO};
    sigemptyset(&ours.sa_mask);
    sigaction(SIGSEGV, &ours, &stop_before);
}

static inline void stops_end(void)
{
    sigaction(SIGSEGV, &stop_before, NULL);
}

/* Whoever touches the page of `where` stops there. */
static inline void stop_at(unsigned i, const void *where)
{
    uintptr_t page = (uintptr_t)where & ~(stop_page() - 1);
    atomic_store(&stops[i].reached, false);
    atomic_store(&stops[i].go, false);
    atomic_store(&stops[i].page, page);
    if (mprotect((void *)page, stop_page(), PROT_NONE) < 0)
        abort();
}

/* Wait until somebody has; the page is accessible again, but he stays. */
static inline void stop_reached(unsigned i)
{
    while (!atomic_load(&stops[i].reached))
        sched_yield();
    if (mprotect((void *)atomic_load(&stops[i].page), stop_page(), PROT_READ | PROT_WRITE) < 0)
        abort();
}

static inline void stop_leave(unsigned i)
{
    atomic_store(&stops[i].page, 0);
    atomic_store(&stops[i].go, true);
}

/* ---- a call that is stopped ------------------------------------------------------------ */

enum call_op {
    CALL_SEND,
    CALL_SEND_MANY,
    CALL_RECV,
    CALL_RECV_MANY,
    CALL_CLOSE,
    CALL_STATISTICS,
    CALL_OTHER
};

/* One operation of a party of its own. `prepare` is sent or received before: see use_single(). */
struct call {
    enum call_op op;
    weir_sender tx;
    weir_receiver rx;
    uint64_t moves, fills;        /* before: so many items are passed through, then left in it */
    bool prepare, plain;          /* plain: a thread in any case */
    int (*other)(struct call *c); /* CALL_OTHER */
    uint64_t prepared;
    weir_statistics statistics;
    size_t item_size, n;
    char *items; /* on pages of their own */
    int rc;
    atomic_bool ready, start;
    pthread_t thread;
};

/* What the suite runs: call_body() as it is, or as an actor. */
static void call_party(struct call *c);

static inline int call_do(struct call *c)
{
    switch (c->op) {
    case CALL_SEND:
        return weir_send_item(c->tx, c->items, c->item_size, WEIR_NEVER);
    case CALL_SEND_MANY:
        return weir_send_items(c->tx, c->items, c->n, c->item_size, WEIR_NEVER);
    case CALL_RECV:
        return weir_recv_item(c->rx, c->items, c->item_size, WEIR_NEVER);
    case CALL_RECV_MANY:
        return weir_recv_items(c->rx, c->items, c->n, c->item_size, WEIR_NEVER);
    case CALL_CLOSE:
        return weir_close(c->tx);
    case CALL_STATISTICS:
        return weir_channel_statistics(c->tx, &c->statistics);
    case CALL_OTHER:
        return c->other(c);
    }
    return 0;
}

static inline void call_fill(struct call *c)
{
    for (uint64_t i = 0, item; i < c->moves; i++) {
        EXPECT_RC(weir_try_send(c->tx, &i), 0);
        EXPECT_RC(weir_try_recv(c->rx, &item), 1);
    }
    for (uint64_t i = 0; i < c->fills; i++)
        EXPECT_RC(weir_try_send(c->tx, &i), 0);
}

static inline int call_body(void *arg)
{
    struct call *c = arg;
    call_fill(c);
    if (c->prepare) {
        int rc = c->op >= CALL_RECV ? weir_recv(c->rx, &c->prepared) - 1
                                    : weir_send(c->tx, &c->prepared);
        EXPECT_RC(rc, 0);
    }
    atomic_store(&c->ready, true);
    while (!atomic_load(&c->start))
        sched_yield();
    c->rc = call_do(c);
    return 0;
}

static inline void *call_thread(void *arg)
{
    struct call *c = arg;
    if (c->plain)
        call_body(c);
    else
        call_party(c);
    return NULL;
}

static inline size_t call_bytes(const struct call *c)
{
    return (c->n * c->item_size + stop_page() - 1) & ~(stop_page() - 1);
}

/* Up to where it prepares. item_size and n are set; the items' memory is made here. */
static inline void call_begin(struct call *c)
{
    c->n = c->n ? c->n : 1;
    c->item_size = c->item_size ? c->item_size : sizeof(uint64_t);
    c->items =
        mmap(NULL, call_bytes(c), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    atomic_init(&c->ready, false);
    atomic_init(&c->start, false);
    if (c->items == MAP_FAILED || pthread_create(&c->thread, NULL, call_thread, c) != 0)
        abort();
    while (!atomic_load(&c->ready))
        sched_yield();
}

static inline void call_start(struct call *c)
{
    atomic_store(&c->start, true);
}

/* Its result; the items are still there until call_end(). */
static inline int call_join(struct call *c)
{
    pthread_join(c->thread, NULL);
    return c->rc;
}

static inline void call_end(struct call *c)
{
    munmap(c->items, call_bytes(c));
}

/* The first 8 bytes of an item tell them apart. */
static inline void call_put(struct call *c, size_t i, uint64_t value)
{
    memcpy(c->items + i * c->item_size, &value, sizeof value);
}

static inline uint64_t call_got(const struct call *c, size_t i)
{
    uint64_t value;
    memcpy(&value, c->items + i * c->item_size, sizeof value);
    return value;
}

/* ---- what is inside --------------------------------------------------------------------- */

static inline struct chan *chan_of(weir_handle h)
{
    return handle_slot(h)->object;
}

/* The cell of the place that is claimed next at the tail or at the head. */
static inline struct cell *cell_of(struct chan *ch, const a64 *position)
{
    return cell_at(ch, aptr_load(&ch->cells), a64_load(position));
}

#endif
