/* SPDX-License-Identifier: MIT */
/* task.c - see task.h. */
#include "task.h"

#include <string.h>

#include "lock.h"
#include "scheduler.h"
#include "supervision/watcher.h"

struct pool weir__tasks = {
    .base = NULL,
    .stride = 256,
    .link_at = offsetof(struct task, retired),
    .limit = 1u << 23,
};

_Static_assert(sizeof(struct task) <= 256, "the pool's stride");

static int task_close(struct party *self, weir_handle h);

const struct object_type weir__task_type = {task_close, NULL};

static void task_reuse(struct retired *r, struct thread *t)
{
    pool_put(&weir__tasks, &t->tasks, container_of(r, struct task, retired));
}

void weir__task_unref(struct party *self, struct task *t)
{
    bool last = --t->refs == 0;
    lock_release(&t->change.lock, 0);
    if (last)
        weir__retire(self->thread, &t->retired, task_reuse);
}

int weir__task_new(struct party *self, struct actor *child, weir_task *handle, struct start *start)
{
    struct task *t = pool_get(&weir__tasks, &self->thread->tasks);
    struct slot *s = NULL;
    if (!t)
        return WEIR_ENOMEM;
    if (handle && !(s = weir__slot_reserve(self))) {
        pool_put(&weir__tasks, &self->thread->tasks, t);
        return weir__slot_refused();
    }
    *t = (struct task){
        .object = {&weir__task_type}, .actor = child, .slot = s, .refs = handle ? 2 : 1};
    t->id = actor_number(child->party.id);
    memcpy(t->name, child->name, sizeof t->name);
    if (start) {
        start->task = t;
        t->refs++;
        t->starting = t->awaited = start->awaited;
        t->value = start->value;
        t->value_size = start->value_size;
    }
    if (handle)
        handle->h = weir__slot_publish(self, s, OBJECT, t);
    child->task = t;
    return 0;
}

void weir__task_unmake(struct party *self, struct task *t)
{
    if (t->slot)
        weir__slot_release(self, t->slot, slot_shut(t->slot));
    weir__retire(self->thread, &t->retired, task_reuse);
}

bool weir__task_cause(const struct actor *a, struct cause *c)
{
    struct task *t = a->task;
    lock_acquire(&t->change.lock, 0);
    bool cancelled = t->cancelled;
    if (cancelled)
        *c = t->cause;
    lock_release(&t->change.lock, 0);
    return cancelled;
}

static enum weir_task_states end_state(struct actor *a, int result)
{
    if (result >= 0)
        return WEIR_TASK_FINISHED;
    return weir__actor_obeys(a, result) ? WEIR_TASK_CANCELLED : WEIR_TASK_FAILED;
}

bool weir__task_done(struct actor *me, int result)
{
    struct task *t = me->task;
    enum weir_task_states state = end_state(me, result); /* takes a lock that comes before */
    weir_exit e;
    bool broken;
    bool cancelled = a8_load(&me->party.cancelled);
    weir_cause cause = cancelled ? weir_cancel_cause() : (weir_cause){.reason = ""};
    lock_acquire(&t->change.lock, 0);
    bool quiet = t->starting;
    t->actor = NULL;
    t->result = result;
    t->state = state;
    t->cause.text = cause;
    struct watcher *watchers = weir__watchers_take(t, &e, &broken);
    struct waiter *woken = weir__waitable_complete(&t->change, 0);
    weir__task_unref(&me->party, t);
    wake_all(woken);
    weir__watchers_tell(watchers, &e, broken);
    return quiet;
}

/* ---- handles ------------------------------------------------------------------------------- */

static int task_close(struct party *self, weir_handle h)
{
    int rc;
    struct task *t = weir__object_get(h, &weir__task_type, &rc);
    if (!t)
        return rc;
    lock_acquire(&t->change.lock, 0);
    struct slot *s = t->slot;
    if (!handle_open(s, h)) {
        lock_release(&t->change.lock, 0);
        return WEIR_ECLOSED;
    }
    struct party *owner = slot_shut(s);
    struct waiter *woken = weir__waitable_complete(&t->change, WEIR_ECLOSED);
    weir__task_unref(self, t);
    wake_all(woken);
    weir__slot_release(self, s, owner);
    return 0;
}

struct task *weir__task_lock(weir_handle h, int *rc)
{
    struct task *t = weir__object_get(h, &weir__task_type, rc);
    if (!t)
        return NULL;
    lock_acquire(&t->change.lock, 0);
    if (handle_open(t->slot, h))
        return t;
    lock_release(&t->change.lock, 0);
    *rc = WEIR_ECLOSED;
    return NULL;
}

struct task *weir__task_hold(weir_handle h, int *rc)
{
    struct task *t = weir__task_lock(h, rc);
    if (t) {
        t->refs++;
        lock_release(&t->change.lock, 0);
    }
    return t;
}

void weir__task_let_go(struct party *self, struct task *t)
{
    lock_acquire(&t->change.lock, 0);
    weir__task_unref(self, t);
}

int weir_task_result(weir_task task, int *result)
{
    int rc;
    if (!result)
        return WEIR_EINVAL;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct task *t = weir__task_lock(task.h, &rc);
    if (t) {
        rc = t->actor ? WEIR_EAGAIN : 0;
        if (rc == 0)
            *result = t->result;
        lock_release(&t->change.lock, 0);
    }
    party_leave(self);
    return rc;
}

int weir_task_state(weir_task task)
{
    int rc;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct task *t = weir__task_lock(task.h, &rc);
    if (t) {
        rc = (int)t->state;
        lock_release(&t->change.lock, 0);
    }
    party_leave(self);
    return rc;
}

/* What is told may have ended since, which does no harm. */
void weir__task_cancel_unlock(struct task *t, const char *reason)
{
    struct actor *a = t->cancelled ? NULL : t->actor;
    if (a) {
        weir__cause_set(&t->cause, reason, false);
        t->cancelled = true;
        t->state = WEIR_TASK_CANCELLING;
    }
    lock_release(&t->change.lock, 0);
    if (a)
        weir__actor_stop(a);
}

void weir__task_ref(struct task *t)
{
    lock_acquire(&t->change.lock, 0);
    t->refs++;
    lock_release(&t->change.lock, 0);
}

void weir__task_cancel(struct party *self, struct task *t, const char *reason)
{
    lock_acquire(&t->change.lock, 0);
    weir__task_cancel_unlock(t, reason);
    weir__task_let_go(self, t);
}

int weir_task_cancel(weir_task task, const char *reason)
{
    int rc;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct task *t = weir__task_lock(task.h, &rc);
    if (t)
        weir__task_cancel_unlock(t, reason);
    party_leave(self);
    return rc;
}

int weir__task_wait_on(struct party *self, struct task *t, weir_time deadline)
{
    if (!party_is_plain(self))
        trace_wait_on(&actor_of(self)->trace, IN_TASK, &t->change);
    return weir__wait_on(self, &t->change, deadline);
}

static int task_wait(struct party *self, weir_handle h, weir_time deadline)
{
    int rc;
    if (!party_is_plain(self) && party_refused(self))
        return WEIR_ECANCELED;
    wait_announce(self);
    struct task *t = weir__task_lock(h, &rc);
    if (t && t->actor && &t->actor->party != self)
        return weir__task_wait_on(self, t, deadline);
    wait_renounce(self);
    if (t) {
        rc = t->actor ? WEIR_EDEADLK : 0;
        lock_release(&t->change.lock, 0);
    }
    return rc;
}

int weir_task_wait_by(weir_task task, weir_time deadline)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int rc = task_wait(self, task.h, deadline > INT64_MIN ? deadline : INT64_MIN + 1);
    party_leave(self);
    return rc;
}

/* ---- waiting for the end, by who has a reference --------------------------------------------- */

int weir__task_await_end(struct party *self, struct task *t, weir_time deadline)
{
    for (;;) {
        wait_announce(self);
        lock_acquire(&t->change.lock, 0);
        if (!t->actor) {
            wait_renounce(self);
            return 0;
        }
        int rc = weir__task_wait_on(self, t, deadline);
        if (rc < 0 && rc != WEIR_ECLOSED) /* it may lose its handle, if it has one */
            return rc;
    }
}

void weir__task_await_end_shielded(struct party *self, struct task *t)
{
    struct scope shield = {.shield = true, .deadline = WEIR_NEVER};
    if (!party_is_plain(self))
        weir__scope_push(actor_of(self), &shield);
    (void)weir__task_await_end(self, t, WEIR_NEVER);
    lock_release(&t->change.lock, 0);
    if (!party_is_plain(self))
        weir__scope_pop(actor_of(self), &shield);
}
