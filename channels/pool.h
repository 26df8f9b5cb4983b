/* SPDX-License-Identifier: MIT */
/*
 * pool.h - objects of one size in one reserved table, addressable by index.
 *
 * Memory of a pool is never unmapped, so a stale pointer or index reads some object of
 * the same type, never something else. Free objects are linked through a pointer at
 * `link_at`; other fields keep their values while an object is free (generations do).
 * Each thread holds a cache; caches exchange batches with the pool under its lock.
 *
 * Giving back. When nothing has happened for a while (actors/worker.c), the spilled objects of
 * a pool are set aside, batch by batch: marked as free in a bitmap instead of linked, because
 * links are in their memory. Then the memory of whole blocks of free objects is given to the
 * kernel: the bits of a block are cleared under the lock, so that nobody takes from it; its
 * pages go without the lock; the bits are set again. A refill takes from the list, then from
 * the bitmap, then fresh ones. Objects that were given back read as zeros, as fresh ones do,
 * so whatever an object that is free has to keep keeps its pool out of this (handles'
 * generations). Blocks are huge pages: of less the kernel would only note that it is free.
 */
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include "atomic.h"
#include "compiler.h"

struct pool {
    char *base;     /* before the first get: one object, of zeros */
    uint32_t mask;  /* objects - 1; the table holds a power of two */
    uint32_t fresh; /* the first index that was never handed out; 0: not reserved yet */
    void *free;     /* spilled objects */
    a32 lock;
    uint32_t stride;
    uint32_t link_at;
    uint32_t limit;       /* objects wanted; a power of two; fewer when address space is short */
    a32 spilled;          /* how many are in `free`; read without the lock as a hint */
    a32 giving;           /* 1: somebody gives back; one at a time */
    uint64_t *aside;      /* a bit for each object, set: free and in no list; NULL: never used */
    uint32_t aside_count; /* bits that are set */
    uint32_t aside_from;  /* all words before it are 0 */
};

struct pool_cache {
    void *first;
    uint32_t count;
};

enum {
    POOL_BATCH = 64,
#if defined(WEIR_EXPLORE)
    POOL_BLOCK = 1 << 12
#else
    POOL_BLOCK = 1 << 21
#endif
};

/* Refill from the pool, or make place. Return an object, or NULL: out of memory or full. */
void *weir__pool_refill(struct pool *p, struct pool_cache *c);
void weir__pool_spill(struct pool *p, struct pool_cache *c);

/* All of the cache goes back. */
void weir__pool_flush(struct pool *p, struct pool_cache *c);

/*
 * Set a batch of what is spilled aside: true. Nothing was left: give back what is in blocks of
 * which everything is aside: false. Also false when another thread is at it.
 */
bool weir__pool_give_back(struct pool *p);

/* All objects that were ever handed out have a smaller index. */
uint32_t weir__pool_end(struct pool *p);

static inline void **pool_link(const struct pool *p, void *object)
{
    return (void **)(void *)((char *)object + p->link_at);
}

static inline void *pool_get(struct pool *p, struct pool_cache *c)
{
    void *object = c->first;
    if (unlikely(!object))
        return weir__pool_refill(p, c);
    c->first = *pool_link(p, object);
    c->count--;
    return object;
}

static inline void pool_put(struct pool *p, struct pool_cache *c, void *object)
{
    *pool_link(p, object) = c->first;
    c->first = object;
    if (unlikely(++c->count > 4 * POOL_BATCH))
        weir__pool_spill(p, c);
}

static inline uint32_t pool_index(const struct pool *p, const void *object)
{
    return (uint32_t)((size_t)((const char *)object - p->base) / p->stride);
}

static inline void *pool_at(const struct pool *p, uint32_t index)
{
    return p->base + (size_t)(index & p->mask) * p->stride;
}

#endif
