/* SPDX-License-Identifier: MIT */
/* scope.c - the life of a scope. */
#include "scope.h"

#include "group.h"
#include "lock.h"
#include "log.h"
#include "scheduler.h"

struct pool weir__scopes = {
    .base = NULL,
    .stride = sizeof(struct scope),
    .link_at = offsetof(struct scope, retired),
    .limit = 1u << 22,
};

const struct object_type weir__scope_type = {NULL, NULL};

static void scope_reuse(struct retired *r, struct thread *t)
{
    pool_put(&weir__scopes, &t->scopes, container_of(r, struct scope, retired));
}

static weir_time deadline_passed(struct timer *t)
{
    weir__scope_cancel(container_of(t, struct scope, timer), "the deadline passed", true);
    return WEIR_NEVER;
}

/* By the owner; the timer is idle. */
static void arm(struct actor *me, struct scope *s, weir_time deadline)
{
    if (deadline == WEIR_NEVER)
        return;
    if (deadline <= weir_now())
        deadline_passed(&s->timer);
    else
        weir__timer_add(&me->party.thread->worker->timers, &s->timer, deadline);
}

weir_scope weir_scope_begin_here(weir_time deadline, bool fails, const char *file, unsigned line)
{
    struct actor *me = actor_self();
    if (!me || me->party.thread->dropping)
        return (weir_scope){handle_null(WEIR_EPERM)};
    struct thread *t = me->party.thread;
    struct scope *s = pool_get(&weir__scopes, &t->scopes);
    if (!s)
        return (weir_scope){handle_null(WEIR_ENOMEM)};
    struct slot *slot = weir__slot_reserve(&me->party);
    if (!slot) {
        pool_put(&weir__scopes, &t->scopes, s);
        return (weir_scope){handle_null(weir__slot_refused())};
    }
    *s = (struct scope){.object = {&weir__scope_type},
                        .slot = slot,
                        .file = file,
                        .line = line,
                        .fails = fails,
                        .deadline = deadline,
                        .timer = {.fire = deadline_passed}};
    weir__scope_push(me, s);
    arm(me, s, deadline);
    return (weir_scope){weir__slot_publish(&me->party, slot, OBJECT, s)};
}

int weir__scope_end(struct actor *me, struct scope *s)
{
    int result = weir__scope_pop(me, s);
    weir__timer_remove(&s->timer); /* what fires now finds it closed */
    weir__slot_release(&me->party, s->slot, slot_shut(s->slot));
    weir__retire(me->party.thread, &s->retired, scope_reuse);
    return result;
}

/* The caller's own scope, or an error. */
static struct scope *own_scope(const struct actor *me, weir_handle h, int *rc)
{
    struct scope *s = weir__object_get(h, &weir__scope_type, rc);
    if (!s)
        return NULL;
    *rc = s->owner != me ? WEIR_EBUSY : 0;
    return *rc == 0 ? s : NULL;
}

int weir_scope_end(weir_scope scope)
{
    int rc;
    struct actor *me = actor_self();
    if (!me)
        return WEIR_EPERM;
    struct scope *s = own_scope(me, scope.h, &rc);
    if (s && (me->scopes != s || me->party.thread->dropping))
        return WEIR_EPERM;
    return s ? weir__scope_end(me, s) : rc;
}

int weir_scope_cancel(weir_scope scope, const char *reason)
{
    int rc;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct scope *s = weir__object_get(scope.h, &weir__scope_type, &rc);
    if (s)
        weir__scope_cancel(s, reason, false);
    party_leave(self);
    return rc;
}

int weir_scope_cancelled(weir_scope scope)
{
    int rc;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct scope *s = weir__object_get(scope.h, &weir__scope_type, &rc);
    if (s) {
        lock_acquire(&s->owner->scopes_lock, 0);
        rc = s->cancelled;
        lock_release(&s->owner->scopes_lock, 0);
    }
    party_leave(self);
    return rc;
}

int weir_scope_deadline(weir_scope scope, weir_time deadline)
{
    int rc;
    struct actor *me = actor_self();
    if (!me)
        return WEIR_EPERM;
    struct scope *s = own_scope(me, scope.h, &rc);
    if (s) {
        weir__timer_remove(&s->timer);
        lock_acquire(&me->scopes_lock, 0);
        s->deadline = deadline;
        lock_release(&me->scopes_lock, 0);
        arm(me, s, deadline);
    }
    return rc;
}

int weir_scope_until(weir_scope scope, weir_time *deadline)
{
    int rc;
    if (!deadline)
        return WEIR_EINVAL;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct scope *s = weir__object_get(scope.h, &weir__scope_type, &rc);
    if (s) {
        lock_acquire(&s->owner->scopes_lock, 0);
        *deadline = s->deadline;
        lock_release(&s->owner->scopes_lock, 0);
    }
    party_leave(self);
    return rc;
}

/* ---- misuse -------------------------------------------------------------------------------- */

void weir__scopes_unwind(struct actor *me)
{
    struct scope *s;
    while ((s = me->scopes)) {
        weir__log(WEIR_LOG_MISUSE, me, s->file, s->line,
                  "the actor's body has returned with this %s open",
                  s->is_group ? "group" : "scope");
        if (s->is_group) {
            weir__scope_cancel(s, "its actor has returned", false);
            weir__group_end(me, container_of(s, struct group, scope));
        } else {
            weir__scope_end(me, s);
        }
    }
}
