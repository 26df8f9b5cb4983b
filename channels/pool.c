/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include "lock.h"
#include "os.h"

enum { SMALLEST = 1u << 12 }; /* objects; a multiple of a page at any stride */

/*
 * Under the pool's lock. Where the whole table is refused there is a limit on memory, and
 * then a quarter of what would fit must do: others need some too.
 */
static bool reserve(struct pool *p)
{
    uint32_t n = p->limit;
    char *base = os_reserve((size_t)n * p->stride);
    while (!base && n > SMALLEST) {
        n /= 2;
        base = os_reserve((size_t)n * p->stride);
        if (base && n > SMALLEST) {
            uint32_t less = n / 4 > SMALLEST ? n / 4 : SMALLEST;
            os_unreserve(base + (size_t)less * p->stride, (size_t)(n - less) * p->stride);
            n = less;
        }
    }
    if (!base)
        return false;
    p->base = base; /* before the mask: any index is within the table at any time */
    p->mask = n - 1;
    p->fresh = 2; /* even: the two handles of a fresh channel lie in one cache line */
    return true;
}

/* Under the pool's lock: up to POOL_BATCH objects that were never used before. */
static void *take_fresh(struct pool *p, uint32_t *count)
{
    void *list = NULL;
    uint32_t n = p->mask - p->fresh + 1;
    if (n > POOL_BATCH)
        n = POOL_BATCH;
    if (n == 0 || !os_may_map())
        return NULL;
    for (uint32_t i = n; i-- > 0;) { /* lowest index first */
        void *object = pool_at(p, p->fresh + i);
        *pool_link(p, object) = list;
        list = object;
    }
    p->fresh += n;
    *count = n;
    return list;
}

/* Under the pool's lock: objects that were spilled. */
static void *take_free(struct pool *p, uint32_t *count)
{
    void *list = p->free, *last = list;
    uint32_t n = 1;
    if (!list)
        return NULL;
    while (n < POOL_BATCH && *pool_link(p, last)) {
        last = *pool_link(p, last);
        n++;
    }
    p->free = *pool_link(p, last);
    a32_store(&p->spilled, a32_load(&p->spilled) - n);
    *pool_link(p, last) = NULL;
    *count = n;
    return list;
}

/* Under the pool's lock: up to POOL_BATCH objects that were set aside. */
static void *take_aside(struct pool *p, uint32_t *count)
{
    void *list = NULL, **end = &list;
    uint32_t n = 0, word = p->aside_from;
    while (n < POOL_BATCH && p->aside_count > 0) {
        while (!p->aside[word])
            word++;
        void *object = pool_at(p, word * 64 + (uint32_t)__builtin_ctzll(p->aside[word]));
        p->aside[word] &= p->aside[word] - 1;
        p->aside_count--;
        *end = object;
        end = pool_link(p, object);
        *end = NULL;
        n++;
    }
    p->aside_from = word;
    *count = n;
    return list;
}

void *weir__pool_refill(struct pool *p, struct pool_cache *c)
{
    uint32_t n = 0;
    void *list = NULL;
    lock_acquire(&p->lock, 0);
    if (p->fresh || reserve(p)) {
        list = take_free(p, &n);
        if (!list)
            list = take_aside(p, &n);
        if (!list)
            list = take_fresh(p, &n);
    }
    lock_release(&p->lock, 0);
    if (!list)
        return NULL;
    c->first = *pool_link(p, list);
    c->count = n - 1;
    return list;
}

static void spill(struct pool *p, struct pool_cache *c, uint32_t n)
{
    void *list = c->first, *last = list;
    for (uint32_t i = 1; i < n; i++)
        last = *pool_link(p, last);
    c->first = *pool_link(p, last);
    c->count -= n;
    lock_acquire(&p->lock, 0);
    *pool_link(p, last) = p->free;
    p->free = list;
    a32_store(&p->spilled, a32_load(&p->spilled) + n);
    lock_release(&p->lock, 0);
}

/* Half of the cache goes back, so that neither the next get nor the next put comes here. */
void weir__pool_spill(struct pool *p, struct pool_cache *c)
{
    spill(p, c, c->count / 2);
}

void weir__pool_flush(struct pool *p, struct pool_cache *c)
{
    if (c->count > 0)
        spill(p, c, c->count);
}

/* ---- giving back ------------------------------------------------------------------------ */

static void aside_add(struct pool *p, uint32_t index)
{
    p->aside[index / 64] |= (uint64_t)1 << index % 64;
    p->aside_count++;
    if (index / 64 < p->aside_from)
        p->aside_from = index / 64;
}

static bool set_batch_aside(struct pool *p)
{
    uint32_t n;
    lock_acquire(&p->lock, 0);
    if (!p->aside && p->free)
        p->aside = os_reserve(((size_t)p->mask + 1) / 8);
    void *object = p->aside ? take_free(p, &n) : NULL;
    bool some = object != NULL;
    while (object) {
        void *next = *pool_link(p, object);
        aside_add(p, pool_index(p, object));
        object = next;
    }
    lock_release(&p->lock, 0);
    return some;
}

/* Under the pool's lock: are all these set? */
static bool all_aside(const struct pool *p, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to;) {
        uint32_t n = 64 - i % 64 < to - i ? 64 - i % 64 : to - i;
        uint64_t bits = (~(uint64_t)0 >> (64 - n)) << i % 64;
        if ((p->aside[i / 64] & bits) != bits)
            return false;
        i += n;
    }
    return true;
}

/* All that lie in the block, be it in part, are aside: then nobody else sees them any more. */
static bool withdraw(struct pool *p, uint32_t from, uint32_t to)
{
    lock_acquire(&p->lock, 0);
    bool all = to <= p->fresh && all_aside(p, from, to);
    for (uint32_t i = from; all && i < to; i++)
        p->aside[i / 64] &= ~((uint64_t)1 << i % 64);
    if (all)
        p->aside_count -= to - from;
    lock_release(&p->lock, 0);
    return all;
}

static void restore(struct pool *p, uint32_t from, uint32_t to)
{
    lock_acquire(&p->lock, 0);
    for (uint32_t i = from; i < to; i++)
        aside_add(p, i);
    lock_release(&p->lock, 0);
}

static void give_back_blocks(struct pool *p)
{
    size_t end = (size_t)weir__pool_end(p) * p->stride;
    size_t at = -(uintptr_t)p->base & (POOL_BLOCK - 1); /* of the first block */
    for (; at + POOL_BLOCK <= end; at += POOL_BLOCK) {
        uint32_t from = (uint32_t)(at / p->stride);
        uint32_t to = (uint32_t)((at + POOL_BLOCK + p->stride - 1) / p->stride);
        if (!withdraw(p, from, to))
            continue;
        if (MUTATE("pool: free before given back"))
            restore(p, from, to);
        os_give_back(p->base + at, POOL_BLOCK);
        if (!MUTATE("pool: free before given back"))
            restore(p, from, to);
    }
}

bool weir__pool_give_back(struct pool *p)
{
    uint32_t nobody = 0;
    if (!a32_cas(&p->giving, &nobody, 1))
        return false;
    bool more = set_batch_aside(p);
    if (!more && p->aside)
        give_back_blocks(p);
    a32_store_release(&p->giving, 0);
    return more;
}

uint32_t weir__pool_end(struct pool *p)
{
    lock_acquire(&p->lock, 0);
    uint32_t end = p->fresh;
    lock_release(&p->lock, 0);
    return end;
}
