/* SPDX-License-Identifier: MIT */
/*
 * group.c - a group is a scope of its owner, and a lock around its children.
 *
 * The owner that waits in weir__group_end() parks with the group's lock, which is released
 * after the switch; the last child takes the lock, sees the waiter and wakes it. So the
 * child's last touch of the group is its release of the lock, before which the owner
 * cannot go on; and the record is reclaimed by a grace period anyway. That wait is not
 * ended by cancellation: whatever hits the group's scope has been told to the children.
 *
 * A child that fails first notes it and cancels the group, and only then is counted off:
 * until then the group is open and its owner alive.
 */
#include "children.h"

#include <string.h>

#include "lock.h"
#include "scheduler.h"

struct pool weir__groups = {
    .base = NULL,
    .stride = sizeof(struct group),
    .link_at = offsetof(struct group, scope.retired),
    .limit = 1u << 23,
};

const struct object_type weir__group_type = {NULL, NULL};

static void group_reuse(struct retired *r, struct thread *t)
{
    struct group *g = container_of(r, struct group, scope.retired);
    weir__children_fini(g);
    pool_put(&weir__groups, &t->groups, g);
}

weir_group weir_group_begin_here(const char *file, unsigned line)
{
    struct actor *me = actor_self();
    if (!me || me->party.thread->dropping)
        return (weir_group){handle_null(WEIR_EPERM)};
    struct group *g = pool_get(&weir__groups, &me->party.thread->groups);
    if (!g)
        return (weir_group){handle_null(WEIR_ENOMEM)};
    struct slot *s = weir__slot_reserve(&me->party);
    if (!s) {
        pool_put(&weir__groups, &me->party.thread->groups, g);
        return (weir_group){handle_null(weir__slot_refused())};
    }
    *g = (struct group){.scope = {.object = {&weir__group_type},
                                  .slot = s,
                                  .file = file,
                                  .line = line,
                                  .is_group = true,
                                  .deadline = WEIR_NEVER}};
    weir__children_init(g);
    weir__scope_push(me, &g->scope);
    return (weir_group){weir__slot_publish(&me->party, s, OBJECT, g)};
}

/* ---- children ------------------------------------------------------------------------------ */

int weir__group_add(weir_handle h, struct actor *child)
{
    int rc = 0;
    struct group *g = h == 0 ? &child->party.thread->worker->runtime->root
                             : weir__object_get(h, &weir__group_type, &rc);
    if (!g)
        return rc;
    return weir__children_add(g, h, child) ? 0 : WEIR_ECLOSED;
}

/* Under the lock. */
static bool note_failure(struct group *g, struct actor *child, int result)
{
    if (g->failure == 0)
        g->failure = result;
    if (g->failures++ >= KEPT || !g->scope.owner)
        return false;
    child->next = NULL;
    child->result = result;
    if (g->failed_last)
        g->failed_last->next = child;
    else
        g->failed = child;
    g->failed_last = child;
    return true;
}

bool weir__group_done(struct actor *child, int result, bool quiet)
{
    struct group *g = child->group;
    bool kept = false;
    if (result < 0 && !quiet && !weir__actor_obeys(child, result)) {
        lock_acquire(&g->first.lock, 0);
        kept = note_failure(g, child, result);
        lock_release(&g->first.lock, 0);
        if (g->scope.owner)
            weir__scope_cancel(&g->scope, "another child has failed", false);
    }
    struct actor *waiter = weir__children_remove(child);
    if (waiter)
        waiter->party.ops->wake(&waiter->party);
    return kept;
}

void weir__group_hold(weir_group group)
{
    int rc;
    struct group *g = weir__object_get(group.h, &weir__group_type, &rc);
    struct actor *me = g->scope.owner;
    lock_acquire(&me->scopes_lock, 0);
    g->held = true;
    lock_release(&me->scopes_lock, 0);
}

/* ---- the owner ----------------------------------------------------------------------------- */

/* Until it is empty; then the lock is held. */
static void await_children(struct actor *me, struct group *g)
{
    lock_acquire(&g->first.lock, 0);
    while (g->lively > 0) { /* again if somebody spawned between the wake and now */
        a32 *lock = &g->first.lock;
        g->waiter = me;
        trace_wait(&me->trace, IN_GROUP, g);
        if (MUTATE("group: unlocked before the switch")) {
            lock_release(lock, 0);
            lock = NULL;
        }
        weir__actor_leave(me, lock, 0);
        lock_acquire(&g->first.lock, 0);
        if (MUTATE("group: no second look"))
            break;
    }
}

/* What the children say, or else what came from further out. */
static int group_result(struct actor *me, const struct group *g, bool hit_outside)
{
    if (g->failure < 0)
        return g->failure;
    if (!hit_outside)
        return 0;
    me->party.noticed = true;
    return WEIR_ECANCELED;
}

int weir__group_end(struct actor *me, struct group *g)
{
    await_children(me, g);
    struct party *owner = slot_shut(g->scope.slot);
    lock_release(&g->first.lock, 0);
    weir__scope_pop(me, &g->scope);
    int result = group_result(me, g, g->scope.passes_on);
    weir__slot_release(&me->party, g->scope.slot, owner);
    for (struct actor *a = g->failed, *next; a; a = next) {
        next = a->next;
        weir__actor_retire(me->party.thread, a);
    }
    weir__retire(me->party.thread, &g->scope.retired, group_reuse);
    return result;
}

/* The caller's group; it may end before groups that were begun later, not before scopes. */
static struct group *own_group(struct actor *me, weir_handle h, int *rc)
{
    if (!me || me->party.thread->dropping) {
        *rc = WEIR_EPERM;
        return NULL;
    }
    struct group *g = weir__object_get(h, &weir__group_type, rc);
    if (g && g->scope.owner != me)
        *rc = WEIR_EBUSY;
    else if (g)
        for (struct scope *s = me->scopes; s != &g->scope && *rc == 0; s = s->outer)
            *rc = s->is_group ? 0 : WEIR_EPERM;
    return *rc == 0 ? g : NULL;
}

int weir__group_may_end(weir_group group)
{
    int rc;
    (void)own_group(actor_self(), group.h, &rc);
    return rc;
}

int weir_group_end(weir_group group)
{
    int rc;
    struct actor *me = actor_self();
    struct group *g = own_group(me, group.h, &rc);
    return g ? weir__group_end(me, g) : rc;
}

/* As if the owner were a child: WEIR_ECANCELED is his failure only if nothing else is a cause. */
static void own_failure(struct group *g, int result)
{
    lock_acquire(&g->first.lock, 0);
    if (g->failure == 0 && result != WEIR_ECANCELED)
        g->failure = result;
    lock_release(&g->first.lock, 0);
    weir__scope_cancel(&g->scope, "its owner has failed", false);
}

int weir_group_end_with(weir_group group, int result)
{
    int rc;
    struct actor *me = actor_self();
    struct group *g = own_group(me, group.h, &rc);
    if (g && result < 0)
        own_failure(g, result);
    if (g)
        rc = weir__group_end(me, g);
    return rc < 0 && (g || result >= 0) ? rc : result;
}

int weir_group_wait(weir_group group)
{
    int rc;
    struct actor *me = actor_self();
    struct group *g = own_group(me, group.h, &rc);
    if (!g)
        return rc;
    await_children(me, g);
    lock_release(&g->first.lock, 0);
    return group_result(me, g, weir__scope_hit_outside(me, &g->scope));
}

void weir_group_leave(weir_group group)
{
    int rc;
    struct actor *me = actor_self();
    struct group *g = own_group(me, group.h, &rc);
    if (g) {
        weir__scope_cancel(&g->scope, "its owner has left", false);
        weir__group_end(me, g);
    }
}

/* ---- anybody ------------------------------------------------------------------------------- */

int weir_group_cancel(weir_group group, const char *reason)
{
    int rc;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct group *g = weir__object_get(group.h, &weir__group_type, &rc);
    if (g)
        weir__scope_cancel(&g->scope, reason, false);
    party_leave(self);
    return rc;
}

/* Under the lock. */
static int error_at(const struct group *g, unsigned i, weir_failure *out)
{
    const struct actor *a = g->failed;
    while (a && i-- > 0)
        a = a->next;
    if (!a)
        return 0;
    out->error = a->result;
    memcpy(out->name, a->name, sizeof out->name);
    return 1;
}

int weir_group_error(weir_group group, unsigned i, weir_failure *out)
{
    int rc;
    if (!out)
        return WEIR_EINVAL;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct group *g = weir__object_get(group.h, &weir__group_type, &rc);
    if (g) {
        lock_acquire(&g->first.lock, 0);
        rc = handle_open(g->scope.slot, group.h) ? error_at(g, i, out) : WEIR_ECLOSED;
        lock_release(&g->first.lock, 0);
    }
    party_leave(self);
    return rc;
}
