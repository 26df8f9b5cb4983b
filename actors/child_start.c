/* SPDX-License-Identifier: MIT */
/* child_start.c - children that say when they have started: weir_child_start(). */
#include <string.h>

#include "lock.h"
#include "scheduler.h"
#include "task.h"

/* ---- who starts it --------------------------------------------------------------------------- */

/* Until it has started or ended; the lock is held then. */
static int await_start(struct party *self, struct task *t)
{
    for (;;) {
        wait_announce(self);
        lock_acquire(&t->change.lock, 0);
        if (!t->actor || !t->starting)
            break;
        int rc = weir__task_wait_on(self, t, WEIR_NEVER);
        if (rc < 0 && rc != WEIR_ECLOSED) { /* it may lose its handle, if it has one */
            lock_acquire(&t->change.lock, 0);
            return t->starting && t->actor ? rc : 0;
        }
    }
    wait_renounce(self);
    return 0;
}

/* Nobody waits for its start any more: cancel it, and wait until it has ended. */
static void give_up(struct party *self, struct task *t)
{
    t->awaited = false;
    weir__task_cancel_unlock(t, "who started it was cancelled");
    weir__task_await_end_shielded(self, t);
    lock_acquire(&t->change.lock, 0);
}

static int start_result(const struct task *t)
{
    if (!t->starting)
        return 0;
    return t->result < 0 ? t->result : WEIR_ECHILD;
}

int weir__task_child(struct party *self, weir_handle group, weir_body body, void *value,
                     size_t value_size, size_t arg_size, const weir_spawn_options *o)
{
    const char *name = party_is_plain(self) ? NULL : actor_of(self)->name;
    if (self->thread->dropping)
        return WEIR_EPERM;
    if (weir__task_unwanted(self))
        return WEIR_ECANCELED;
    struct start start = {.awaited = true, .value = value, .value_size = value_size};
    int rc = weir__spawn(self, group, body, arg_size, o, name, &start);
    if (rc < 0)
        return rc;
    struct task *t = start.task;
    weir__task_wait_for_caller(self, t);
    rc = await_start(self, t);
    if (rc < 0)
        give_up(self, t);
    else
        rc = start_result(t);
    lock_release(&t->change.lock, 0);
    weir__task_waited_for_caller(self);
    weir__task_let_go(self, t);
    return rc;
}

int weir_child_start_sized(weir_group group, weir_body body, void *value, size_t value_size,
                           size_t arg_size, const weir_spawn_options *options)
{
    static const weir_spawn_options none;
    struct actor *me = actor_self();
    if (!me)
        return WEIR_EPERM;
    return weir__task_child(&me->party, group.h, body, value, value_size, arg_size,
                            options ? options : &none);
}

/* ---- the child ------------------------------------------------------------------------------- */

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
