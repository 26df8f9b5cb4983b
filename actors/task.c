/* SPDX-License-Identifier: MIT */
/* task.c - see task.h. */
#include "task.h"

#include <string.h>

#include "lock.h"
#include "scheduler.h"

struct pool weir__tasks = {
    .base = NULL,
    .stride = 256,
    .link_at = offsetof(struct task, retired),
    .limit = 1u << 23,
};

_Static_assert(sizeof(struct task) <= 256, "the pool's stride");

static int task_close(struct party *self, weir_handle h);

const struct object_type weir__task_type = {task_close};

static void task_reuse(struct retired *r, struct thread *t)
{
    pool_put(&weir__tasks, &t->tasks, container_of(r, struct task, retired));
}

/* Under the lock, which is released. */
static void task_unref(struct party *self, struct task *t)
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
    if (start) {
        start->task = t;
        t->refs++;
        t->alone = start->alone;
        t->starting = t->awaited = !start->alone;
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
    lock_acquire(&t->change.lock, 0);
    bool quiet = t->starting || (t->alone && !MUTATE("portal: a failure of the group"));
    t->actor = NULL;
    t->result = result;
    t->state = state;
    struct waiter *woken = weir__waitable_complete(&t->change, 0);
    task_unref(&me->party, t);
    wake_all(woken);
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
    task_unref(self, t);
    wake_all(woken);
    weir__slot_release(self, s, owner);
    return 0;
}

/* Inside an operation: the task of an open handle, locked. */
static struct task *task_lock(weir_handle h, int *rc)
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

int weir_task_result(weir_task task, int *result)
{
    int rc;
    if (!result)
        return WEIR_EINVAL;
    struct party *self = party_enter();
    if (!self)
        return WEIR_ENOMEM;
    struct task *t = task_lock(task.h, &rc);
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
        return WEIR_ENOMEM;
    struct task *t = task_lock(task.h, &rc);
    if (t) {
        rc = (int)t->state;
        lock_release(&t->change.lock, 0);
    }
    party_leave(self);
    return rc;
}

/* The lock is held and released. What is told may have ended since, which does no harm. */
static void cancel_and_unlock(struct task *t, const char *reason)
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

int weir_task_cancel(weir_task task, const char *reason)
{
    int rc;
    struct party *self = party_enter();
    if (!self)
        return WEIR_ENOMEM;
    struct task *t = task_lock(task.h, &rc);
    if (t)
        cancel_and_unlock(t, reason);
    party_leave(self);
    return rc;
}

static int wait_on(struct party *self, struct task *t, weir_time deadline)
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
    struct task *t = task_lock(h, &rc);
    if (t && t->actor && &t->actor->party != self)
        return wait_on(self, t, deadline);
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
        return WEIR_ENOMEM;
    int rc = task_wait(self, task.h, deadline > INT64_MIN ? deadline : INT64_MIN + 1);
    party_leave(self);
    return rc;
}

/* ---- starting ------------------------------------------------------------------------------ */

/* Until it has started or ended; the lock is held then. */
static int await_start(struct party *self, struct task *t)
{
    for (;;) {
        wait_announce(self);
        lock_acquire(&t->change.lock, 0);
        if (!t->actor || !t->starting)
            break;
        int rc = wait_on(self, t, WEIR_NEVER);
        if (rc < 0 && rc != WEIR_ECLOSED) { /* it may lose its handle, if it has one */
            lock_acquire(&t->change.lock, 0);
            return t->starting && t->actor ? rc : 0;
        }
    }
    wait_renounce(self);
    return 0;
}

/* Until it has ended; the lock is held then. Or an error: it has not, and the lock is not held. */
static int await_end(struct party *self, struct task *t, weir_time deadline)
{
    for (;;) {
        wait_announce(self);
        lock_acquire(&t->change.lock, 0);
        if (!t->actor) {
            wait_renounce(self);
            return 0;
        }
        int rc = wait_on(self, t, deadline);
        if (rc < 0 && rc != WEIR_ECLOSED) /* it may lose its handle, if it has one */
            return rc;
    }
}

static void await_end_shielded(struct party *self, struct task *t)
{
    struct scope shield = {.shield = true, .deadline = WEIR_NEVER};
    if (!party_is_plain(self))
        weir__scope_push(actor_of(self), &shield);
    (void)await_end(self, t, WEIR_NEVER);
    lock_release(&t->change.lock, 0);
    if (!party_is_plain(self))
        weir__scope_pop(actor_of(self), &shield);
}

/* Nobody waits for its start any more: cancel it, and wait until it has ended. */
static void give_up(struct actor *me, struct task *t)
{
    t->awaited = false;
    cancel_and_unlock(t, "who started it was cancelled");
    await_end_shielded(&me->party, t);
    lock_acquire(&t->change.lock, 0);
}

static int start_result(const struct task *t)
{
    if (!t->starting)
        return 0;
    return t->result < 0 ? t->result : WEIR_ECHILD;
}

/* ---- calling ------------------------------------------------------------------------------- */

static int spawn_alone(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                       const weir_spawn_options *o, struct start *start)
{
    const char *name = party_is_plain(self) ? NULL : actor_of(self)->name;
    if (self->thread->dropping)
        return WEIR_EPERM;
    *start = (struct start){.alone = true};
    return weir__spawn(self, group, body, arg_size, o, name, start);
}

static void unref(struct party *self, struct task *t)
{
    lock_acquire(&t->change.lock, 0);
    task_unref(self, t);
}

int weir__task_start(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                     const weir_spawn_options *options)
{
    struct start start;
    int rc = spawn_alone(self, group, body, arg_size, options, &start);
    if (rc == 0)
        unref(self, start.task);
    return rc;
}

int weir__task_call(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                    const weir_spawn_options *options, weir_time deadline)
{
    struct start start;
    if (!party_is_plain(self) && party_refused(self))
        return WEIR_ECANCELED;
    int rc = spawn_alone(self, group, body, arg_size, options, &start);
    if (rc < 0)
        return rc;
    struct task *t = start.task;
    rc = await_end(self, t, deadline);
    if (rc < 0) {
        lock_acquire(&t->change.lock, 0);
        cancel_and_unlock(t, "who called it has left");
        await_end_shielded(self, t);
        lock_acquire(&t->change.lock, 0);
    }
    if (rc == 0 || t->result != WEIR_ECANCELED)
        rc = t->result;
    task_unref(self, t);
    return rc;
}

/* ---- weir_child_start() -------------------------------------------------------------------- */

int weir_child_start_sized(weir_group group, weir_body body, void *value, size_t value_size,
                           size_t arg_size, const weir_spawn_options *options)
{
    static const weir_spawn_options none;
    struct actor *me = actor_self();
    if (!me || me->party.thread->dropping)
        return WEIR_EPERM;
    if (party_refused(&me->party))
        return WEIR_ECANCELED;
    struct start start = {.value = value, .value_size = value_size};
    int rc = weir__spawn(&me->party, group.h, body, arg_size, options ? options : &none, me->name,
                         &start);
    if (rc < 0)
        return rc;
    struct task *t = start.task;
    rc = await_start(&me->party, t);
    if (rc < 0)
        give_up(me, t);
    else
        rc = start_result(t);
    task_unref(&me->party, t);
    return rc;
}

int weir_child_started_sized(const void *value, size_t value_size)
{
    struct actor *me = actor_self();
    struct task *t = me ? me->task : NULL;
    struct waiter *woken = NULL;
    if (!t)
        return WEIR_EPERM;
    int rc = 0;
    lock_acquire(&t->change.lock, 0);
    if (!t->starting)
        rc = WEIR_EPERM;
    else if (!t->awaited)
        rc = WEIR_ECANCELED;
    else if (value_size != t->value_size)
        rc = WEIR_EITEM;
    else {
        if (value_size > 0)
            memcpy(t->value, value, value_size);
        t->starting = false;
        woken = weir__waitable_complete(&t->change, 0);
    }
    lock_release(&t->change.lock, 0);
    wake_all(woken);
    return rc;
}
