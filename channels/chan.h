/* SPDX-License-Identifier: MIT */
/*
 * chan.h - a channel, seen from inside.
 *
 * Items rest in cells (BOUNDED, cells.h), in blocks (UNBOUNDED, blocks.h) or nowhere
 * (RENDEZVOUS), or are read off the clock (TICKS, ticker.c), or are kept under the lock (the kinds
 * of kept.h; of FED ones by another layer). Operations that need not wait touch only positions and
 * cells. Whoever has to wait takes the lock, queues its waiter and parks; whoever then makes
 * progress possible sees the wait flag in the lock word and serves the queues (weir__serve() in
 * wait.h).
 *
 * Positions: an item's place in the sequence, shifted left by one; bit 0 of the tail is
 * the closed mark, after which no place can be claimed. tail >= head always; head == tail
 * means that nothing is in the channel, claimed places included.
 *
 * A channel of at most NARROW items is two cache lines, its cells apart. Larger ones have
 * head and tail in pairs of lines of their own.
 */
#ifndef WEIR_CHAN_H
#define WEIR_CHAN_H

#include "handle.h"
#include "lock.h"
#include "party.h"

enum chan_kind {
    RENDEZVOUS,
    BOUNDED,
    UNBOUNDED,
    TICKS,
    ONESHOT,
    FED,
    LATEST,
    BROADCAST,
    FIRST_KEPT = ONESHOT,
    FIRST_READ = LATEST
};
enum { NARROW = 8 };
enum { TAIL_CLOSED = 1u };

/* Constant while the channel is open. */
enum chan_flag {
    SINGLE_SENDER = 1, /* claims by plain stores */
    SINGLE_RECEIVER = 2,
    DECLARED_SENDER = 4, /* one user, no clones */
    DECLARED_RECEIVER = 8,
    ODD_SIZE = 16, /* of items: not one that copy_small() copies */
    FENCES = 32,   /* there is no membarrier: see after_publishing() */
    /* In the masks of others' tests, so that these cost no more. */
    CLOCKED = 64, /* of kind TICKS */
    KEEPS = 128   /* of a kind of kept.h */
};

/* Constant too: the shortest ways of one item into and out of cells, and of blocks. */
enum chan_way {
    SENDS_SHORT = 1,
    SENDS_SINGLE = 2,
    RECEIVES_SHORT = 4,
    RECEIVES_SINGLE = 8,
    BLOCKS_SHORT = 16
};

/* What few channels have. */
struct extras {
    void (*drop)(void *item, void *context);
    void *drop_context;
    struct chan *next_drain; /* in thread.drains */
    bool queued;             /* there; under the lock */
    aptr watches;            /* struct watch; changed under the lock: watch.c */
};

struct block;
struct feeder;
struct kept;

struct chan {
    /* Line 1: constant while open, but for the lock and the queues, which change only
     * when somebody waits. */
    a32 lock;
    uint8_t kind : 3;
    uint8_t ways : 5;         /* enum chan_way */
    uint8_t flags;            /* enum chan_flag */
    uint8_t tail_at, head_at; /* where they are: see chan_tail() */
    uint32_t item_size;
    uint32_t stride; /* of a cell */
    union {
        aptr cells;      /* BOUNDED: weir__no_cells before the first item */
        aptr head_block; /* UNBOUNDED */
        a64 next_tick;   /* TICKS: a weir_time; written under the lock, grows */
        struct kept *kept;
        struct feeder *feeder; /* FED: see fed.h */
    };
    union {
        struct {
            uint32_t capacity;
            uint32_t lap_mask; /* capacity rounded up to a power of two, minus 1 */
                               /* FED: 1: only actors of this run make it ready: fed_inside() */
        };
        aptr tail_block;
        weir_time period; /* 0: ticks once */
    };
    struct waitq recvq, sendq;

    /* Line 2 */
    a64 narrow_tail, narrow_head; /* of a wide one: its number; unused */
    uint32_t senders, receivers;  /* open handles; under the lock */
    aptr extras;                  /* NULL: none; is set once, under the lock */
    union {
        struct {
            uint32_t waiting_senders, waiting_receivers; /* parked; under the lock */
            const char *parked_at; /* the item of who parked last: see fetch_parked() */
        };
        struct retired retired; /* when both ends are closed and nobody waits */
    };
    uint64_t handed;   /* items that went past the cells; under the lock */
    a32 sender_user;   /* the party that uses a declared single end; 0: nobody yet */
    a32 receiver_user; /* see single.h */
};

_Static_assert(offsetof(struct chan, lock) == 0 && offsetof(struct waitable, lock) == 0,
               "what is waited for begins with its lock");
_Static_assert(sizeof(struct chan) <= 2 * CACHE_LINE, "a narrow channel is two cache lines");

struct chan_wide {
    struct chan chan;
    a64 tail;
    char pad1[2 * CACHE_LINE - sizeof(a64)];
    a64 head;
    char pad2[2 * CACHE_LINE - sizeof(a64)];
};

_Static_assert(offsetof(struct chan_wide, tail) == 2 * CACHE_LINE, "tail has its own lines");

/* Counted in a64 from the channel's beginning. */
static inline void chan_place(struct chan *ch, bool wide)
{
    size_t tail = wide ? offsetof(struct chan_wide, tail) : offsetof(struct chan, narrow_tail);
    size_t head = wide ? offsetof(struct chan_wide, head) : offsetof(struct chan, narrow_head);
    ch->tail_at = (uint8_t)(tail / sizeof(a64));
    ch->head_at = (uint8_t)(head / sizeof(a64));
}

extern struct pool weir__chans; /* narrow ones */

static inline bool chan_is_wide(const struct chan *ch)
{
    return ch->tail_at * sizeof(a64) >= sizeof(struct chan);
}

/* In which the locks of several channels are taken. The same in each run, as addresses are not. */
static inline uint64_t chan_order(const struct chan *ch)
{
    return chan_is_wide(ch) ? a64_load(&ch->narrow_tail)
                            : (uint64_t)((const char *)ch - weir__chans.base);
}

static inline a64 *chan_tail(struct chan *ch)
{
    return (a64 *)(void *)ch + ch->tail_at;
}

static inline a64 *chan_head(struct chan *ch)
{
    return (a64 *)(void *)ch + ch->head_at;
}

/* Sizes that are one or a few registers. */
static inline bool is_small(size_t size)
{
    return size == 4 || size == 8 || size == 16 || size == 32;
}

static always_inline void copy_small(void *to, const void *from, size_t size)
{
    if (likely(size == 8))
        __builtin_memcpy(to, from, 8);
    else if (size == 16)
        __builtin_memcpy(to, from, 16);
    else if (size == 4)
        __builtin_memcpy(to, from, 4);
    else
        __builtin_memcpy(to, from, 32);
}

static inline void copy_item(void *to, const void *from, size_t size)
{
    if (likely(is_small(size)))
        copy_small(to, from, size);
    else
        __builtin_memcpy(to, from, size);
}

static inline void copy_items(const struct chan *ch, void *to, const void *from, uint32_t n)
{
    if (likely(n == 1))
        copy_item(to, from, ch->item_size);
    else
        __builtin_memcpy(to, from, (size_t)n * ch->item_size);
}

static inline struct extras *chan_extras(const struct chan *ch)
{
    return aptr_load_acquire(&ch->extras); /* pairs with watch_add() */
}

/* Has some receiver a descriptor? */
static inline bool chan_watched(const struct chan *ch)
{
    const struct extras *x = chan_extras(ch);
    return x && aptr_load(&x->watches);
}

static inline void drop_item(const struct chan *ch, void *item)
{
    const struct extras *x = chan_extras(ch);
    if (x && x->drop)
        x->drop(item, x->drop_context);
}

/* ---- what storage answers ------------------------------------------------------------- */

/* More than 0: so many items went through. */
enum {
    FULL = 0,     /* push: every place is taken */
    EMPTY = 0,    /* pop: nothing is claimed */
    BETWEEN = -1, /* a claim is not published yet, or a taken cell not free yet */
    SHUT = -2,    /* push: the tail is closed */
    END = -3      /* pop: and no sender is left */
    /* Less: an error, which the caller gets. */
};

/* Some place is claimed. Exact when nobody moves: read the head first, both only grow. */
static inline bool chan_some(struct chan *ch)
{
    uint64_t h = a64_load_acquire(chan_head(ch));
    return (a64_load_acquire(chan_tail(ch)) & ~(uint64_t)TAIL_CLOSED) != h;
}

#include "cells.h"

#include "blocks.h"

/* ---- the lock's flags ------------------------------------------------------------------- */

/* Who waits is counted anew; what closes or is gone stays so: see close_and_unlock(). */
static inline uint32_t chan_flags(const struct chan *ch)
{
    return (ch->recvq.first ? RECV_WAITS : 0u) | (ch->sendq.first ? SEND_WAITS : 0u) |
           (a32_load(&ch->lock) & ~(uint32_t)(LOCKED | RECV_WAITS | SEND_WAITS));
}

static inline void chan_unlock(struct chan *ch)
{
    lock_release(&ch->lock, chan_flags(ch));
}

/* ---- channel.c: memory ------------------------------------------------------------------ */

struct chan *weir__chan_alloc(struct thread *t, bool wide);
void weir__chan_free(struct chan *ch, struct thread *t);

/* What is opened. */
struct chan_plan {
    enum chan_kind kind;
    size_t item_size, capacity;
    const weir_channel_options *options; /* may be NULL */
    const void *initial;                 /* LATEST: a value, or NULL */
    bool loses;                          /* BROADCAST: the first reader */
};

/* With one handle on each end; 0 or an error, which null handles carry. */
int weir__chan_open(weir_sender *tx, weir_receiver *rx, const struct chan_plan *plan);

static inline uint32_t round_up_to_power(uint32_t n)
{
    return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

/* ---- ticker.c ------------------------------------------------------------------------------ */

/* Take the tick that is due, under the lock: 1, or EMPTY. */
int weir__ticker_pop(struct chan *ch, char *item);

/* When the next one is due. Lock held or not: it only moves on. */
static inline weir_time ticker_next(const struct chan *ch)
{
    return (weir_time)a64_load(&ch->next_tick);
}

static inline bool ticker_is_due(const struct chan *ch)
{
    weir_time next = ticker_next(ch);
    return next != WEIR_NEVER && next <= weir_now();
}

#endif
