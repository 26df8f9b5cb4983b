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
    *pool_link(p, last) = NULL;
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
            list = take_fresh(p, &n);
    }
    lock_release(&p->lock, 0);
    if (!list)
        return NULL;
    c->first = *pool_link(p, list);
    c->count = n - 1;
    return list;
}

/* Half of the cache goes back, so that neither the next get nor the next put comes here. */
void weir__pool_spill(struct pool *p, struct pool_cache *c)
{
    void *list = c->first, *last = list;
    uint32_t n = c->count / 2;
    for (uint32_t i = 1; i < n; i++)
        last = *pool_link(p, last);
    c->first = *pool_link(p, last);
    c->count -= n;
    lock_acquire(&p->lock, 0);
    *pool_link(p, last) = p->free;
    p->free = list;
    lock_release(&p->lock, 0);
}

uint32_t weir__pool_end(struct pool *p)
{
    lock_acquire(&p->lock, 0);
    uint32_t end = p->fresh;
    lock_release(&p->lock, 0);
    return end;
}
