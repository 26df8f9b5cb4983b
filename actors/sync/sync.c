/* SPDX-License-Identifier: MIT */
/* sync.c - see sync.h. */
#include "sync.h"

/* ---- its life ---------------------------------------------------------------------------- */

struct sync *weir__sync_new(const struct sync_type *type)
{
    struct sync *s = os_alloc_aligned(type->size, CACHE_LINE);
    if (s)
        s->object.type = &type->object;
    return s;
}

static void sync_free(struct sync *s)
{
    if (sync_type(s)->release)
        sync_type(s)->release(s);
    os_free_aligned(s, sync_type(s)->size, CACHE_LINE);
}

static void sync_release(struct retired *r, struct thread *t)
{
    (void)t;
    sync_free(container_of(r, struct sync, retired));
}

weir_handle weir__sync_publish_by(struct party *self, struct sync *s)
{
    if (!s)
        return handle_null(WEIR_ENOMEM);
    s->slot = weir__slot_reserve(self);
    if (s->slot)
        return weir__slot_publish(self, s->slot, OBJECT, s);
    sync_free(s);
    return handle_null(weir__slot_refused());
}

weir_handle weir__sync_publish(struct sync *s)
{
    struct party *self = s ? party_enter() : NULL;
    if (!self) {
        if (s)
            sync_free(s);
        return handle_null(party_refusal());
    }
    weir_handle h = weir__sync_publish_by(self, s);
    party_leave(self);
    return h;
}

/* Under the lock; which is released. */
static void shut(struct party *self, struct sync *s)
{
    struct wake_list woken = {NULL, NULL};
    struct slot *slot = s->slot;
    struct party *owner = slot_shut(slot);
    sync_hand_all(s, WEIR_ECLOSED, &woken);
    if (sync_type(s)->closed)
        sync_type(s)->closed(s, &woken);
    sync_unlock(s);
    wake_all(woken.first);
    weir__slot_release(self, slot, owner);
    if (MUTATE("sync: without grace"))
        sync_free(s);
    else
        weir__retire(self->thread, &s->retired, sync_release);
}

int weir__sync_close(struct party *self, weir_handle h)
{
    int rc;
    struct slot *slot = handle_get(h, OBJECT);
    struct sync *s = slot ? weir__sync_lock(h, sync_type(slot->object), &rc) : NULL;
    if (!s)
        return weir__handle_error(h, OBJECT);
    rc = sync_type(s)->keep ? sync_type(s)->keep(s, h) : 0;
    if (rc == 0)
        shut(self, s);
    else
        sync_unlock(s);
    return rc;
}

int weir__sync_move(struct party *self, weir_handle h, struct party *to)
{
    int rc;
    struct slot *slot = handle_get(h, OBJECT);
    struct sync *s = slot ? weir__sync_lock(h, sync_type(slot->object), &rc) : NULL;
    if (!s)
        return weir__handle_error(h, OBJECT);
    rc = sync_type(s)->keep ? sync_type(s)->keep(s, h) : 0;
    if (rc == 0)
        rc = weir__slot_move(self, slot, to);
    sync_unlock(s);
    return rc < 0 ? rc : 0;
}

struct sync *weir__sync_lock(weir_handle h, const struct sync_type *type, int *rc)
{
    struct sync *s = weir__object_get(h, &type->object, rc);
    if (!s)
        return NULL;
    lock_acquire(&s->line.lock, 0);
    if (handle_open(s->slot, h) || MUTATE("sync: handle not verified"))
        return s;
    sync_unlock(s);
    *rc = WEIR_ECLOSED;
    return NULL;
}

/* ---- those who may wait ------------------------------------------------------------------ */

/* It was in the line, or would have been, and has got nothing. */
static void leave_line(struct party *self, weir_handle h, const struct sync_type *type)
{
    int rc;
    struct wake_list woken = {NULL, NULL};
    struct sync *s = weir__sync_lock(h, type, &rc);
    if (!s)
        return;
    type->left(self, s, &woken);
    sync_unlock(s);
    wake_all(woken.first);
}

int weir__sync_wait(struct party *self, weir_handle h, const struct sync_type *type,
                    sync_attempt *attempt, weir_time deadline)
{
    int rc;
    struct wake_list woken = {NULL, NULL};
    wait_announce(self);
    struct sync *s = weir__sync_lock(h, type, &rc);
    if (s)
        rc = attempt(self, s, &woken);
    if (rc != PARK) {
        wait_renounce(self);
        if (s)
            sync_unlock(s);
        wake_all(woken.first);
        return rc;
    }
    if (!type->left)
        return sync_park(self, s, &s->line, deadline);
    rc = sync_park(self, s, &s->line, deadline);
    if (rc < 0 && rc != WEIR_ECLOSED && !MUTATE("sync: who leaves does not tell"))
        leave_line(self, h, type);
    return rc;
}

int weir__sync_acquire(weir_handle h, const struct sync_type *type, sync_attempt *attempt,
                       struct want want, weir_time deadline)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    if (deadline != WEIR_TRY && !sync_may_wait(self))
        return WEIR_ECANCELED; /* an actor: no party_leave() */
    self->waiter.count = want.count;
    self->waiter.items = want.items;
    if (!party_is_plain(self))
        return weir__sync_wait(self, h, type, attempt, deadline);
    int rc = weir__sync_wait(self, h, type, attempt, deadline);
    party_leave(self);
    return rc;
}

/* ---- those who never wait ---------------------------------------------------------------- */

int weir__sync_change(weir_handle h, const struct sync_type *type, sync_change *change, void *arg)
{
    int rc;
    struct wake_list woken = {NULL, NULL};
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct sync *s = weir__sync_lock(h, type, &rc);
    if (s) {
        rc = change(self, s, arg, &woken);
        sync_unlock(s);
        wake_all(woken.first);
    }
    party_leave(self);
    return rc;
}

int weir_sync_statistics_of(weir_handle h, weir_sync_statistics *out)
{
    struct party *self;
    int rc = 0;
    if (!out)
        return WEIR_EINVAL;
    if (!(self = party_enter()))
        return party_refusal();
    struct slot *slot = handle_get(h, OBJECT);
    struct object *o = slot ? slot->object : NULL;
    struct sync *s = NULL;
    if (!o)
        rc = weir__handle_error(h, OBJECT);
    else if (o->type->close != weir__sync_close)
        rc = WEIR_EBADF;
    else
        s = weir__sync_lock(h, container_of(o->type, struct sync_type, object), &rc);
    if (s) {
        *out = (weir_sync_statistics){.waiting = s->line.waiting};
        sync_type(s)->statistics(s, out);
        sync_unlock(s);
    }
    party_leave(self);
    return rc;
}
