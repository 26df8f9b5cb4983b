/* SPDX-License-Identifier: MIT */
/*
 * children.c - the children of a group, counted in and out.
 *
 * They are in broods, each with a lock, a count and a list of its own. A group has one; when
 * many live in it and there are several workers, it gets one more for each worker, so that
 * these do not fetch a lock and a list from each other at each birth and each death.
 *
 * A brood tells its group, under the group's lock, when its first child is born and when its
 * last one has ended (`lively`). So a brood in which somebody lives is that of an open group,
 * and need not ask. Locks: another brood's, then the group's, which is that of its first brood.
 */
#include "children.h"

#include "lock.h"
#include "scheduler.h"

enum {
#if defined(WEIR_EXPLORE)
    MANY_CHILDREN = 2
#else
    MANY_CHILDREN = 256 /* from here on more broods are worth their memory */
#endif
};

static size_t size_of(uint32_t count)
{
    return sizeof(struct broods) + count * sizeof(struct brood);
}

/* The i-th brood; NULL: there are no more. */
static struct brood *brood_at(struct group *g, uint32_t i)
{
    struct broods *more = aptr_load_acquire(&g->more); /* pairs with divide() */
    if (i == 0)
        return &g->first;
    return more && i <= more->count ? &more->of[i - 1] : NULL;
}

/* The group's lock, by who has locked b. */
static void lock_group(struct brood *b)
{
    if (b != &b->group->first)
        lock_acquire(&b->group->first.lock, 0);
}

static void unlock_group(struct brood *b)
{
    if (b != &b->group->first)
        lock_release(&b->group->first.lock, 0);
}

void weir__children_init(struct group *g)
{
    g->first.group = g;
}

void weir__children_fini(struct group *g)
{
    struct broods *more = aptr_load(&g->more);
    if (more)
        os_free_aligned(more, size_of(more->count), CACHE_LINE);
}

/* ---- births -------------------------------------------------------------------------------- */

/* Its child is not queued yet, so the group is open. Without memory it stays as it is. */
static never_inline void divide(struct group *g, uint32_t count)
{
    struct broods *more = os_alloc_aligned(size_of(count), CACHE_LINE);
    if (!more)
        return;
    more->count = count;
    for (uint32_t i = 0; i < count; i++)
        more->of[i].group = g;
    lock_acquire(&g->first.lock, 0);
    bool mine = !aptr_load(&g->more);
    if (mine)
        aptr_store_release(&g->more, more);
    lock_release(&g->first.lock, 0);
    if (!mine)
        os_free_aligned(more, size_of(count), CACHE_LINE);
}

/* Under b's lock. */
static bool count_in(struct brood *b, weir_handle h)
{
    struct group *g = b->group;
    if (b->live == 0) {
        lock_group(b);
        bool open = h == 0 || handle_open(g->scope.slot, h) || MUTATE("children: not asked");
        if (open) {
            b->stopping = g->stopping && !MUTATE("children: stop not asked for");
            g->lively++;
        }
        unlock_group(b);
        if (!open)
            return false;
    }
    b->live++;
    return true;
}

bool weir__children_add(struct group *g, weir_handle h, struct actor *child)
{
    struct broods *more = aptr_load_acquire(&g->more); /* pairs with divide() */
    const struct worker *w = child->party.thread->worker;
    struct brood *b = more && w ? &more->of[w->index] : &g->first;
    lock_acquire(&b->lock, 0);
    bool open = count_in(b, h);
    if (open) {
        weir__sibling_add(&b->children, child);
        child->group = g;
        child->brood = b;
        child->stopped = b->stopping;
        a8_store(&child->party.cancelled, b->stopping);
    }
    bool many = open && b->live % MANY_CHILDREN == 0;
    lock_release(&b->lock, 0);
    if (unlikely(many) && !more && w && w->runtime->workers > 1)
        divide(g, w->runtime->workers);
    return open;
}

/* ---- deaths -------------------------------------------------------------------------------- */

/* Under b's lock. */
static struct actor *count_out(struct brood *b)
{
    struct group *g = b->group;
    struct actor *waiter = NULL;
    if (--b->live > 0)
        return NULL;
    lock_group(b);
    if (--g->lively == 0) {
        waiter = g->waiter;
        g->waiter = NULL; /* one wake for one wait */
    }
    unlock_group(b);
    return waiter;
}

struct actor *weir__children_remove(struct actor *child)
{
    struct brood *b = child->brood;
    lock_acquire(&b->lock, 0);
    weir__sibling_remove(child);
    struct actor *waiter = count_out(b);
    lock_release(&b->lock, 0);
    return waiter;
}

/* ---- all of them --------------------------------------------------------------------------- */

void weir__children_stop(struct group *g, const struct cause *c)
{
    struct brood *b;
    lock_acquire(&g->first.lock, 0);
    g->stopping = true; /* broods that begin to live later look at it */
    g->stop = *c;
    lock_release(&g->first.lock, 0);
    for (uint32_t i = 0; (b = brood_at(g, i)); i++) {
        lock_acquire(&b->lock, 0);
        b->stopping = true;
        b->untold = b->children;
        b->children = NULL;
        if (b->untold)
            b->untold->sibling_at = &b->untold;
        lock_release(&b->lock, 0);
    }
}

static unsigned take_untold(struct brood *b, struct actor **batch, unsigned most)
{
    unsigned n = 0;
    struct actor *a;
    lock_acquire(&b->lock, 0);
    while (n < most && (a = b->untold)) {
        weir__sibling_remove(a);
        weir__sibling_add(&b->children, a);
        batch[n++] = a;
    }
    lock_release(&b->lock, 0);
    return n;
}

unsigned weir__children_untold(struct group *g, struct actor **batch, unsigned most)
{
    struct brood *b;
    unsigned n = 0;
    for (uint32_t i = 0; n == 0 && (b = brood_at(g, i)); i++)
        n = take_untold(b, batch, most);
    return n;
}

uint64_t weir__children_count(struct group *g)
{
    struct brood *b;
    uint64_t n = 0;
    for (uint32_t i = 0; (b = brood_at(g, i)); i++) {
        lock_acquire(&b->lock, 0);
        n += b->live;
        lock_release(&b->lock, 0);
    }
    return n;
}
