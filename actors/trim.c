/* SPDX-License-Identifier: MIT */
/* trim.c - see trim.h. */
#include "trim.h"

#include "chan.h"
#include "scope.h"
#include "task.h"

enum { SLICE = 16 /* magazines: some 500 us */ };

static const struct {
    struct pool *pool;
    size_t cache; /* in struct thread */
} pools[] = {
    {&weir__actors, offsetof(struct thread, actors)},
    {&weir__chans, offsetof(struct thread, chans)},
    {&weir__groups, offsetof(struct thread, groups)},
    {&weir__scopes, offsetof(struct thread, scopes)},
    {&weir__tasks, offsetof(struct thread, tasks)},
};

enum { POOLS = sizeof pools / sizeof *pools };

static bool much_is_free(struct worker *w)
{
    if (a32_load(&w->runtime->stacks.depot_count) > 0)
        return true;
    for (unsigned i = 0; i < POOLS; i++)
        if ((size_t)a32_load(&pools[i].pool->spilled) * pools[i].pool->stride > 2 * POOL_BLOCK)
            return true;
    return false;
}

weir_time weir__trim_due(struct worker *w)
{
    if (w->trim_at == 0 && much_is_free(w)) {
        weir_time now = weir_now();
        w->trim_at = weir_after(weir__trim_after);
        a64_store(&w->runtime->idle_since, (uint64_t)now);
    }
    return w->trim_at ? w->trim_at : WEIR_NEVER;
}

bool weir__trim_is_due(const struct worker *w)
{
    return w->trim_at != 0 && w->trim_at != WEIR_NEVER && weir_now() >= w->trim_at;
}

static void flush_caches(struct thread *t)
{
    for (unsigned i = 0; i < POOLS; i++)
        weir__pool_flush(pools[i].pool, (struct pool_cache *)(void *)((char *)t + pools[i].cache));
}

/*
 * Has nobody anything to do, for nearly as long as this worker? Who goes to sleep later does
 * the rest; of several that wake up at the same time the last to count itself sees the others.
 */
static bool all_idle(struct runtime *rt)
{
    uint32_t here = a32_add(&rt->trimming, 1) + 1;
    a_after_rmw();
    return here + a32_load(&rt->sleeping) >= rt->workers &&
           weir_now() - (weir_time)a64_load(&rt->idle_since) >= weir__trim_after / 10 * 9;
}

static void give_back_all(struct worker *w)
{
    while (!weir__called(w) && weir__stacks_give_back(&w->runtime->stacks, NULL, SLICE))
        ;
    for (unsigned i = 0; i < POOLS; i++)
        while (!weir__called(w) && weir__pool_give_back(pools[i].pool))
            ;
}

void weir__trim(struct worker *w)
{
    struct runtime *rt = w->runtime;
    w->trim_at = WEIR_NEVER; /* until something runs here */
    flush_caches(w->thread);
    weir__stacks_give_back(&rt->stacks, &w->stacks, 0);
    if (all_idle(rt))
        give_back_all(w);
    a32_add(&rt->trimming, UINT32_MAX);
}
