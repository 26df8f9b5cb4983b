/* SPDX-License-Identifier: MIT */
/*
 * group.c - a group is a lock around a count.
 *
 * The owner that waits in weir__group_end() parks with the group's lock, which is released
 * after the switch; the last child takes the lock, sees the waiter and wakes it. So the
 * child's last touch of the group is its release of the lock, before which the owner
 * cannot go on; and the record is reclaimed by a grace period anyway.
 */
#include "group.h"

#include "lock.h"
#include "scheduler.h"

static struct pool groups = {
    .base = NULL,
    .stride = CACHE_LINE,
    .link_at = offsetof(struct group, retired),
    .limit = 1u << 24,
};

_Static_assert(sizeof(struct group) <= CACHE_LINE, "the pool's stride");

static void group_reuse(struct retired *r, struct thread *t)
{
    pool_put(&groups, &t->groups, container_of(r, struct group, retired));
}

weir_group weir_group_begin(void)
{
    struct actor *me = actor_self();
    if (!me)
        return (weir_group){handle_null(WEIR_EPERM)};
    struct group *g = pool_get(&groups, &me->party.thread->groups);
    struct slot *s = g ? weir__slot_reserve(&me->party) : NULL;
    if (!s) {
        if (g)
            pool_put(&groups, &me->party.thread->groups, g);
        return (weir_group){handle_null(WEIR_ENOMEM)};
    }
    *g = (struct group){.failure = 0};
    return (weir_group){weir__slot_publish(&me->party, s, GROUP, g)};
}

int weir__group_add(weir_handle h, struct actor *child)
{
    struct group *g = &child->party.thread->worker->runtime->root;
    struct slot *s = NULL;
    if (h != 0) {
        if (!(s = handle_get(h, GROUP)))
            return weir__handle_error(h, GROUP);
        g = s->object;
    }
    lock_acquire(&g->lock, 0);
    bool open = !s || handle_open(s, h);
    if (open)
        g->live++;
    lock_release(&g->lock, 0);
    child->group = g;
    return open ? 0 : WEIR_ECLOSED;
}

void weir__group_done(struct group *g, int result)
{
    lock_acquire(&g->lock, 0);
    if (result < 0 && g->failure == 0)
        g->failure = result;
    struct actor *waiter = --g->live == 0 ? g->waiter : NULL;
    if (waiter)
        g->waiter = NULL; /* one wake for one wait */
    lock_release(&g->lock, 0);
    if (waiter)
        waiter->party.ops->wake(&waiter->party);
}

int weir__group_end(struct actor *me, weir_handle h)
{
    struct slot *s = handle_get(h, GROUP);
    struct group *g = s->object;
    lock_acquire(&g->lock, 0);
    while (g->live > 0) { /* again if somebody spawned between the wake and now */
        g->waiter = me;
        weir__actor_leave(me, &g->lock, 0);
        lock_acquire(&g->lock, 0);
    }
    struct party *owner = slot_shut(s);
    lock_release(&g->lock, 0);
    int failure = g->failure;
    weir__slot_release(&me->party, s, owner);
    weir__retire(me->party.thread, &g->retired, group_reuse);
    return failure;
}

int weir_group_end(weir_group group)
{
    struct actor *me = actor_self();
    if (!me || me->party.thread->dropping)
        return WEIR_EPERM;
    struct slot *s = handle_get(group.h, GROUP);
    if (!s)
        return weir__handle_error(group.h, GROUP);
    if (!slot_yields_to(s, &me->party))
        return WEIR_EBUSY;
    return weir__group_end(me, group.h);
}
