/* SPDX-License-Identifier: MIT */
/*
 * stack.h - the stacks of actors.
 *
 * All stacks of a run have one size, a power of two, and lie in slots aligned to it, in
 * slabs mapped as they are needed:
 *
 *     low  | guard | free ...  <- frames | struct stack | colour | high
 *
 * The colour shifts the frames by 0 to 7 times 128 bytes, so that the tops of stacks, all
 * that most actors ever touch, do not meet in the same sets of the cache. `struct stack`
 * is what a stack is known by; a slot is found from any address in it by masking.
 *
 * Where no guard can be had (guard.h) the stack has a canary: its lowest CANARY_BYTES must stay
 * zero, which costs no memory, as reading them maps the shared page of zeros. stack_intact()
 * tells, to be asked when the stack is left.
 *
 * Free stacks wait, warm, in a cache that only its worker uses, last in first out. Of a
 * full cache the older half goes to the depot, as one magazine written into one of these
 * stacks; an empty one takes a magazine back. So a stack that was put last is never given
 * away by that same stack_put(), and an actor may put the stack it still runs on, if the
 * worker gets no other before it has left. The depot and the slabs are shared by the workers
 * of a run and touched under a lock, when a cache is refilled or spills, and by whoever
 * gives memory back. A worker that needs new stacks takes a run of slots under the lock, the
 * longer the more stacks there are, and has their guards made and touches them without it: the
 * kernel's part of a new stack takes longer than all else in an actor's life.
 *
 * Giving back. What nobody needs goes to the kernel, in weir__stacks_give_back(): a worker
 * takes magazines out of the depot just as if it refilled its cache, so the stacks are its
 * own; it gives their pages back without a lock, neighbours in one call; and then makes them
 * known as *cold* under the lock. So no stack is given back that somebody could have got
 * meanwhile, and none is got before it was given back. The guard stays: it is no memory. What
 * `struct stack` held is gone, and made anew when a cold stack is taken, which is when the
 * depot is empty; taking a cold one costs a page fault, as a new one does, and not more.
 *
 * What nobody needs: everything when the whole runtime has been idle for a while (worker.c);
 * else what has stayed in the depot for all of weir__trim_after, a little of it at each
 * pass of a worker's loop. So waves of actors that come again within that time find their
 * stacks warm.
 */
#ifndef WEIR_STACK_H
#define WEIR_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/actor.h>

#include "atomic.h"
#include "compiler.h"
#include "context.h"
#include "guard.h"

#if defined(WEIR_ASAN)
#include <sanitizer/asan_interface.h>
#endif

enum {
#if defined(WEIR_EXPLORE)
    STACK_MAGAZINE = 2,
    STACK_RUN = 2,
#else
    STACK_MAGAZINE = 64,
    STACK_RUN = 16, /* new ones that a worker makes at once, at most */
#endif
    STACK_SIZE_MIN = 16 * 1024,
    STACK_SIZE_MAX = 1 << 30,
    STACK_COLOUR_STEP = 128,
    STACK_COLOURS = 8,
    CANARY_BYTES = 64,
    SLAB_SLOTS_MOST = 1024
};

/* What has been free for so long is given back: 5 s; a test may want less. */
extern weir_time weir__trim_after;

struct stack {
    void *owner;           /* for reports and debuggers: whose frames are below */
    uint32_t guard : 20;   /* bytes; 0: a canary instead */
    uint32_t to_slab : 12; /* slots from here to its struct stack_slab */
    uint32_t valgrind;     /* what it is registered as */
};

/* At the end of its mapping. */
struct stack_slab {
    struct stack_slab *next;
    void *mapping;
    size_t bytes;
    char *first; /* slot */
    size_t slots;
    size_t used;                    /* slots that are stacks, or about to be */
    a64 bare[SLAB_SLOTS_MOST / 64]; /* a bit for each slot: a canary instead of a guard; */
                                    /* its taker reads it without the lock */
    struct stack_slab *next_cold;
    uint32_t cold_count;
    uint64_t cold[SLAB_SLOTS_MOST / 64]; /* free, and given back; a bit for each slot */

    /* Of whoever gives back just now. */
    struct stack_slab *next_going;
    uint32_t going_count;
    uint64_t going[SLAB_SLOTS_MOST / 64];
};

/* Below the struct stack of a free stack. */
struct stack_magazine {
    struct stack_magazine *next;
    struct stack *held[STACK_MAGAZINE];
};

struct stack_cache {
    unsigned count;
    struct stack *held[2 * STACK_MAGAZINE];
};

struct stacks {
    size_t size; /* of a slot */
    struct guards guards;
    size_t slab_slots; /* of the next slab */
    size_t made;       /* slots that have been used */
    aptr slabs; /* struct stack_slab, newest first: the only one that can have unused slots */
    struct stack_magazine *depot;
    a32 depot_count;         /* magazines there */
    uint32_t depot_least;    /* the fewest that were there since `look_at` was set */
    uint32_t surplus;        /* magazines that were not needed for all of the time before */
    a64 look_at;             /* when a busy worker looks at these */
    struct stack_slab *cold; /* slabs with cold stacks */
    a32 giving;              /* 1: somebody gives back; one at a time */
    a32 lock;                /* of all that changes here but `going` */
};

/*
 * stack_size: bytes, guard included, 0 for the default: 64 KiB, on aarch64 128 KiB because
 * guards have 64 KiB there. Rounded up to a power of 2. WEIR_EINVAL: out of range, or not
 * a weir_guard. Maps nothing yet.
 */
int weir__stacks_init(struct stacks *s, size_t stack_size, weir_guard guard, bool strict);

/* Every stack is free, or its actor will never run again. */
void weir__stacks_fini(struct stacks *s);

/* Put a stack into the empty cache: false and WEIR_ENOMEM or, strict, WEIR_ESTACK. */
bool weir__stack_refill(struct stacks *s, struct stack_cache *c, int *error);
/* Make room in the full cache. */
void weir__stack_spill(struct stacks *s, struct stack_cache *c);

/*
 * Give memory back to the kernel: of all in `c` (may be NULL; its worker's, which runs no
 * actor) and of up to `most` magazines of the depot. False: nothing was left to give back, or
 * another thread is at it.
 */
bool weir__stacks_give_back(struct stacks *s, struct stack_cache *c, uint32_t most);

/* In a worker's loop, at `now`: give back a little of what is not needed. */
void weir__stacks_look(struct stacks *s, weir_time now);

static inline void stacks_look(struct stacks *s, weir_time now)
{
    enum { FEW = 16 }; /* magazines that are not worth it */
    if (unlikely(a32_load(&s->depot_count) > FEW) && (uint64_t)now >= a64_load(&s->look_at))
        weir__stacks_look(s, now);
}

/* The slot that an address lies in; NULL if it is none of ours. Async-signal-safe. */
char *weir__stack_slot(const struct stacks *s, const void *address);

static inline char *stack_slot(const struct stacks *s, const struct stack *k)
{
    return (char *)(void *)((uintptr_t)k & ~(uintptr_t)(s->size - 1));
}

/* The struct stack of a slot. */
static inline struct stack *stack_of_slot(const struct stacks *s, char *slot)
{
    size_t colour = ((uintptr_t)slot / s->size) % STACK_COLOURS * STACK_COLOUR_STEP;
    return (struct stack *)(void *)(slot + s->size - colour - sizeof(struct stack));
}

/* Bytes that frames can use. */
static inline size_t stack_room(const struct stacks *s, const struct stack *k)
{
    return (size_t)((const char *)k - stack_slot(s, k)) - (k->guard ? k->guard : CANARY_BYTES);
}

static inline void stack_set_owner(struct stack *k, void *owner)
{
    k->owner = owner;
}

/* A stack for `owner`; or NULL and WEIR_ENOMEM, or WEIR_ESTACK if guards are required. */
static inline struct stack *stack_get(struct stacks *s, struct stack_cache *c, void *owner,
                                      int *error)
{
    if (unlikely(c->count == 0) && !weir__stack_refill(s, c, error))
        return NULL;
    struct stack *k = c->held[--c->count];
    stack_set_owner(k, owner);
#if defined(WEIR_ASAN)
    /* The last user was left in the middle of its frames. */
    __asan_unpoison_memory_region((char *)k - stack_room(s, k), stack_room(s, k));
#endif
    return k;
}

static inline void stack_put(struct stacks *s, struct stack_cache *c, struct stack *k)
{
    if (unlikely(c->count == 2 * STACK_MAGAZINE))
        weir__stack_spill(s, c);
    c->held[c->count++] = k;
}

/* Prepare `c` to run entry() on `k`. */
static inline void stack_context(const struct stacks *s, struct stack *k, struct context *c,
                                 void (*entry)(void))
{
    weir__context_init(c, k, stack_room(s, k), entry);
}

/* False: the stack had no guard and was written below its end. What lay there is lost. */
static inline bool stack_intact(const struct stacks *s, const struct stack *k)
{
    if (likely(!a32_load(&s->guards.canaries)) || k->guard)
        return true;
    const uint64_t *word = (const uint64_t *)(const void *)stack_slot(s, k);
    uint64_t bits = 0;
    for (size_t i = 0; i < CANARY_BYTES / sizeof *word; i++)
        bits |= word[i];
    return bits == 0;
}

#endif
