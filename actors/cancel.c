/* SPDX-License-Identifier: MIT */
/* cancel.c - how a cancellation reaches those it concerns; the essay is in scope.h. */
#include <string.h>

#include "blocking/job.h"
#include "children.h"
#include "lock.h"
#include "scope.h"
#include "task.h"

/* ---- causes ------------------------------------------------------------------------------ */

static void copy_text(char *to, size_t size, const char *text)
{
    size_t n = text ? strnlen(text, size - 1) : 0;
    memcpy(to, text ? text : "", n);
    to[n] = 0;
}

void weir__cause_set(struct cause *c, const char *reason, bool deadline)
{
    struct actor *by = deadline ? NULL : actor_self();
    copy_text(c->text.reason, sizeof c->text.reason, reason);
    copy_text(c->text.by, sizeof c->text.by, by ? by->name : NULL);
    c->text.deadline = deadline;
}

/* ---- who is hit: all under the owner's scopes_lock ------------------------------------------ */

/* The scope that hits what runs in s; NULL: none, then *stopped says whether the actor does. */
static struct scope *hit_by(struct scope *s, const struct actor *a, bool *stopped)
{
    *stopped = false;
    for (; s; s = s->outer) {
        if (s->cancelled)
            return s;
        if (s->shield)
            return NULL;
    }
    *stopped = a->stopped;
    return NULL;
}

static bool is_hit(struct scope *s, const struct actor *a)
{
    bool stopped;
    return hit_by(s, a, &stopped) || stopped;
}

/* Why the actor is stopped: its task's cause, or else its group's. */
static struct cause stop_cause(const struct actor *a)
{
    struct cause c;
    if (a->task && weir__task_cause(a, &c))
        return c;
    lock_acquire(&a->group->first.lock, 0);
    c = a->group->stop;
    lock_release(&a->group->first.lock, 0);
    return c;
}

static void stop_group(struct group *g, const struct cause *c, struct stops *stops)
{
    weir__children_stop(g, c);
    g->next_stop = stops->first;
    stops->first = g;
}

/* Something has changed: who is hit now? */
static void look_again(struct actor *a, struct stops *stops)
{
    for (struct scope *s = a->scopes; s; s = s->outer) {
        bool stopped;
        struct group *g = s->is_group ? container_of(s, struct group, scope) : NULL;
        if (!g || g->stopping || (g->held && !s->cancelled))
            continue;
        struct scope *by = hit_by(s, a, &stopped);
        if (by || stopped) {
            struct cause c = by ? by->cause : stop_cause(a);
            stop_group(g, &c, stops);
        }
    }
    a8_store(&a->party.cancelled, is_hit(a->scopes, a));
}

/* ---- telling, without locks ----------------------------------------------------------------- */

static void interrupt(struct actor *a)
{
    if (a8_load(&a->party.cancelled))
        weir__wait_interrupt(&a->party);
}

static void tell(struct actor *a, struct stops *stops)
{
    lock_acquire(&a->scopes_lock, 0);
    a->stopped = true;
    look_again(a, stops);
    lock_release(&a->scopes_lock, 0);
    interrupt(a);
}

bool weir__actor_obeys(struct actor *a, int result)
{
    if (result != WEIR_ECANCELED)
        return false;
    lock_acquire(&a->scopes_lock, 0);
    bool stopped = a->stopped;
    lock_release(&a->scopes_lock, 0);
    return stopped;
}

enum { BATCH = 32 };

static void tell_all(struct stops *stops)
{
    struct actor *batch[BATCH];
    struct group *g;
    unsigned n;
    while ((g = stops->first)) {
        stops->first = g->next_stop;
        while ((n = weir__children_untold(g, batch, BATCH)) > 0)
            for (unsigned i = 0; i < n; i++)
                tell(batch[i], stops);
    }
}

void weir__actor_stop(struct actor *a)
{
    struct stops stops = {NULL};
    tell(a, &stops);
    tell_all(&stops);
}

void weir__scope_cancel(struct scope *s, const char *reason, bool deadline)
{
    struct actor *a = s->owner;
    struct stops stops = {NULL};
    lock_acquire(&a->scopes_lock, 0);
    if (s->open && !s->cancelled) {
        weir__cause_set(&s->cause, reason, deadline);
        s->cancelled = true;
        look_again(a, &stops);
    }
    lock_release(&a->scopes_lock, 0);
    interrupt(a);
    tell_all(&stops);
}

void weir__root_cancel(struct group *root, const char *reason)
{
    struct stops stops = {NULL};
    struct cause c = {.text = {.deadline = false}};
    weir__cause_set(&c, reason, false);
    stop_group(root, &c, &stops);
    tell_all(&stops);
}

static void set_shield(struct scope *s, bool shield)
{
    struct actor *a = s->owner;
    struct stops stops = {NULL};
    lock_acquire(&a->scopes_lock, 0);
    if (s->open) {
        s->shield = shield;
        look_again(a, &stops);
    }
    lock_release(&a->scopes_lock, 0);
    interrupt(a);
    tell_all(&stops);
}

/* ---- the stack ----------------------------------------------------------------------------- */

void weir__scope_push(struct actor *me, struct scope *s)
{
    struct stops stops = {NULL}; /* a new group has no children yet */
    s->owner = me;
    s->open = true;
    s->noticed = me->party.noticed;
    me->party.noticed = false;
    lock_acquire(&me->scopes_lock, 0);
    s->outer = me->scopes;
    me->scopes = s;
    look_again(me, &stops);
    lock_release(&me->scopes_lock, 0);
}

int weir__scope_pop(struct actor *me, struct scope *s)
{
    struct stops stops = {NULL};
    struct scope **at = &me->scopes;
    lock_acquire(&me->scopes_lock, 0);
    while (*at != s)
        at = &(*at)->outer;
    *at = s->outer;
    s->open = false;
    look_again(me, &stops);
    s->passes_on = is_hit(s->outer, me);
    bool caught = s->cancelled && me->party.noticed && !s->passes_on;
    lock_release(&me->scopes_lock, 0);
    me->party.noticed = s->noticed || (me->party.noticed && !caught);
    tell_all(&stops); /* it was a shield between a cancellation and a group within it */
    return !caught ? 0 : s->fails && s->cause.text.deadline ? WEIR_ETIMEDOUT : 1;
}

bool weir__scope_hit_outside(struct actor *me, const struct scope *s)
{
    lock_acquire(&me->scopes_lock, 0);
    bool hit = is_hit(s->outer, me);
    lock_release(&me->scopes_lock, 0);
    return hit;
}

int weir_scope_shield(weir_scope scope, bool shield)
{
    int rc;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct scope *s = weir__object_get(scope.h, &weir__scope_type, &rc);
    if (s)
        set_shield(s, shield);
    party_leave(self);
    return rc;
}

/* ---- asking -------------------------------------------------------------------------------- */

bool weir_cancelled(void)
{
    struct actor *me = actor_self();
    if (!me)
        return weir__job_cancelled();
    if (!a8_load(&me->party.cancelled))
        return false;
    me->party.noticed = true;
    return true;
}

weir_cause weir_cancel_cause(void)
{
    struct actor *me = actor_self();
    struct cause c = {{"", "", false}};
    bool stopped;
    if (!me)
        return c.text;
    lock_acquire(&me->scopes_lock, 0);
    struct scope *by = hit_by(me->scopes, me, &stopped);
    if (by)
        c = by->cause;
    else if (stopped)
        c = stop_cause(me);
    lock_release(&me->scopes_lock, 0);
    return c.text;
}

/* From s outwards within one actor. True: no further. */
static bool deadline_of(const struct actor *a, const struct scope *s, weir_time *earliest)
{
    for (; s; s = s->outer) {
        if (s->cancelled)
            *earliest = INT64_MIN;
        else if (s->deadline < *earliest)
            *earliest = s->deadline;
        bool held = s->is_group && container_of(s, struct group, scope)->held;
        if (s->cancelled || s->shield || held)
            return true;
    }
    if (a->stopped)
        *earliest = INT64_MIN;
    return a->stopped;
}

weir_time weir_effective_deadline(void)
{
    weir_time earliest = WEIR_NEVER;
    struct actor *a = actor_self();
    struct scope *from = NULL;
    while (a) { /* groups with a child are open, and so their owners are alive */
        lock_acquire(&a->scopes_lock, 0);
        bool done = deadline_of(a, from ? from : a->scopes, &earliest);
        lock_release(&a->scopes_lock, 0);
        from = &a->group->scope;
        a = done ? NULL : from->owner;
    }
    return earliest;
}
