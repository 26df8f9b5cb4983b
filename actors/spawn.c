/* SPDX-License-Identifier: MIT */
/* spawn.c - an actor's beginning and its end. */
#include <string.h>

#include "scheduler.h"
#include "single.h"
#include "task.h"

struct pool weir__actors = {
    .base = NULL,
    .stride = sizeof(struct actor),
    .link_at = offsetof(struct actor, context),
    .limit = 1u << 24,
};

/* ---- the argument and its handles ----------------------------------------------------- */

static bool offsets_fit(const weir_own *own, size_t arg_size)
{
    if (own->count > sizeof own->offset / sizeof *own->offset)
        return false;
    for (unsigned i = 0; i < own->count; i++)
        if (arg_size < sizeof(weir_handle) || own->offset[i] > arg_size - sizeof(weir_handle))
            return false;
    return true;
}

static weir_handle handle_in(const void *arg, unsigned offset)
{
    weir_handle h;
    memcpy(&h, (const char *)arg + offset, sizeof h);
    return h;
}

/* Replace the handles in the child's argument by clones that the child owns. */
static int clone_handles(struct party *self, struct actor *child, const weir_own *own)
{
    for (unsigned i = 0; i < own->count; i++) {
        weir_handle h = handle_in(child->arg, own->offset[i]);
        enum handle_kind kind = handle_word(h) & 3;
        if (kind != SENDER && kind != RECEIVER)
            return weir__handle_error(h, NONE);
        weir_handle clone = weir__clone(self, &child->party, h, kind);
        if ((uint32_t)clone == 0)
            return weir__handle_error(clone, kind);
        memcpy((char *)child->arg + own->offset[i], &clone, sizeof clone);
    }
    return 0;
}

/* Undo the first n gifts. A plain thread owns nothing. */
static void take_back(struct party *self, struct actor *child, const weir_own *give, unsigned n)
{
    struct party *to = party_is_plain(self) ? NULL : self;
    for (unsigned i = 0; i < n; i++)
        weir__move(&child->party, handle_in(child->arg, give->offset[i]), to);
}

/* All or none: another thread may close a handle meanwhile. */
static int give_handles(struct party *self, struct actor *child, const weir_own *give)
{
    for (unsigned i = 0; i < give->count; i++) {
        int rc = weir__move(self, handle_in(child->arg, give->offset[i]), &child->party);
        if (rc < 0) {
            take_back(self, child, give, i);
            return rc;
        }
    }
    return 0;
}

/* A field cannot be both cloned and given. */
static bool named_twice(const weir_own *own, const weir_own *give)
{
    for (unsigned i = 0; i < own->count; i++)
        for (unsigned j = 0; j < give->count; j++)
            if (own->offset[i] == give->offset[j])
                return true;
    return false;
}

static int copy_arg(struct actor *a, const void *arg, size_t size)
{
    a->arg_size = (uint32_t)size;
    if (size == 0) {
        a->arg = (void *)(uintptr_t)arg;
        return 0;
    }
    a->arg = size <= SMALL_ARG ? a->small_arg : os_alloc(size);
    if (!a->arg)
        return WEIR_ENOMEM;
    memcpy(a->arg, arg, size);
    return 0;
}

static void free_arg(struct actor *a)
{
    if (a->arg_size > SMALL_ARG)
        os_free(a->arg, a->arg_size);
    a->arg_size = 0;
}

/* ---- records --------------------------------------------------------------------------------- */

static void actor_reuse(struct retired *r, struct thread *t)
{
    struct actor *a = container_of(r, struct actor, retired);
    weir__context_fini(&a->context);
    pool_put(&weir__actors, &t->actors, a);
}

void weir__actor_retire(struct thread *t, struct actor *a)
{
    weir__retire(t, &a->retired, actor_reuse);
}

/* Odd, and below PINNED and INSIDE: see party.h, actor.h and single.h. Workers draw blocks. */
static uint32_t next_id(struct worker *w)
{
    enum { BLOCK = 256 };
    static a32 drawn;
    uint32_t number;
    if (w) {
        if (w->id_next == w->id_end) {
            w->id_next = a32_add(&drawn, BLOCK);
            w->id_end = w->id_next + BLOCK;
        }
        number = w->id_next++;
    } else {
        number = a32_add(&drawn, 1);
    }
    return ((number << 1) & (PINNED - 1)) | 1;
}

static struct actor *actor_new(struct thread *t, weir_body body, const char *name)
{
    struct actor *a = pool_get(&weir__actors, &t->actors);
    if (!a)
        return NULL;
    memset(&a->context, 0, sizeof a->context);
    a->party.thread = t;
    a->party.ops = &weir__actor_ops;
    a->party.owned = 0;
    a->party.id = next_id(t->worker);
    a32_store(&a->party.orphans, 0);
    a32_store(&a->told, 0);
    a->body = body;
    a->stack = NULL;
    a->scopes = NULL;
    a->task = NULL;
    a->stopped = false;
    a->isolated = false;
    a->party.noticed = false;
    a8_store(&a->party.cancelled, 0);
    strncpy(a->name, name ? name : "", NAME_BYTES - 1);
    a->name[NAME_BYTES - 1] = 0;
    return a;
}

/* The handles that it was to own are closed, and nobody will hear of it. */
static int actor_unmake(struct party *self, struct actor *a, weir_task *handle, int rc)
{
    weir_handle h;
    if (a->task)
        weir__task_unmake(self, a->task);
    if (handle)
        handle->h = handle_null(rc);
    while ((h = weir__owned_next(&a->party))) {
        weir__move(&a->party, h, self);
        weir__close_end(self, h, handle_word(h) & 3);
    }
    free_arg(a);
    weir__actor_retire(self->thread, a);
    return rc;
}

static void queue_here(struct worker *w, struct actor *a)
{
    w->spent--; /* a spawn is an operation too: see measure() */
    a64_store_release(&w->born, a64_load(&w->born) + 1); /* pairs with all_ended() */
    weir__spawn_queue(w, a);
}

/* By a plain thread: a's group is open, so there is a run, and it does not end meanwhile. */
static void queue_elsewhere(struct actor *a)
{
    struct runtime *rt = aptr_load_acquire(&weir__runtime);
    a64_add(&rt->born, 1);
    weir__inject(rt->worker[(a->party.id >> 1) % rt->workers], a);
}

int weir__spawn(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                const weir_spawn_options *o, const char *name, struct start *start)
{
    int rc;
    if (o->task)
        o->task->h = handle_null(WEIR_EINVAL);
    if (!body || arg_size > WEIR_ARG_MAX || (arg_size > 0 && !o->arg) ||
        !offsets_fit(&o->own, arg_size) || !offsets_fit(&o->give, arg_size) ||
        named_twice(&o->own, &o->give))
        return WEIR_EINVAL;
    struct actor *a = actor_new(self->thread, body, o->name ? o->name : name);
    if (!a) {
        if (o->task)
            o->task->h = handle_null(WEIR_ENOMEM);
        return WEIR_ENOMEM;
    }
    if (o->pinned)
        a->party.id |= PINNED;
    a->isolated = o->isolated;
    if ((rc = copy_arg(a, o->arg, arg_size)) < 0 || (rc = clone_handles(self, a, &o->own)) < 0)
        return actor_unmake(self, a, o->task, rc);
    if ((o->task || start) && (rc = weir__task_new(self, a, o->task, start)) < 0)
        return actor_unmake(self, a, o->task, rc);
    if ((rc = give_handles(self, a, &o->give)) < 0)
        return actor_unmake(self, a, o->task, rc);
    if ((rc = weir__group_add(group, a)) < 0) {
        take_back(self, a, &o->give, o->give.count);
        return actor_unmake(self, a, o->task, rc);
    }
    trace_begin(&a->trace, self->id);
    if (likely(self->thread->worker != NULL))
        queue_here(self->thread->worker, a);
    else
        queue_elsewhere(a);
    return 0;
}

int weir_spawn_sized(weir_group group, weir_body body, size_t arg_size,
                     const weir_spawn_options *options)
{
    static const weir_spawn_options none;
    struct actor *me = actor_self();
    if (!options)
        options = &none;
    if (me)
        return weir__spawn(&me->party, group.h, body, arg_size, options, me->name, NULL);
    if (group.h == WEIR_RUN.h)
        return WEIR_EPERM;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int rc = weir__spawn(self, group.h, body, arg_size, options, NULL, NULL);
    party_leave(self);
    return rc;
}

static void close_owned(struct party *self)
{
    weir_handle h;
    while ((h = weir__owned_next(self))) {
        enum handle_kind kind = handle_word(h) & 3;
        if (kind == OBJECT)
            weir_handle_close(h); /* a task: scopes and groups have ended */
        else
            weir__close_end(self, h, kind);
    }
}

void weir__actor_end(struct actor *me, int result)
{
    struct party *self = &me->party;
    if (unlikely(me->scopes != NULL))
        weir__scopes_unwind(me);
    close_owned(self);
    free_arg(me);
    struct runtime *rt = self->thread->worker->runtime;
    if (me == aptr_load(&rt->first)) {
        rt->first_result = weir__actor_obeys(me, result) ? 0 : result;
        aptr_store(&rt->first, NULL); /* the record may become another's */
        result = 0;
    }
    bool quiet = me->isolated;
    if (me->task && weir__task_done(me, result))
        quiet = true;
    trace_end(&me->trace);
    if (!weir__group_done(me, result, quiet))
        weir__actor_retire(self->thread, me);
    struct worker *w = self->thread->worker;
    a64_store_release(&w->died, a64_load(&w->died) + 1); /* pairs with all_ended() */
}

const char *weir_actor_name(void)
{
    struct actor *me = actor_self();
    return me ? me->name : "";
}
