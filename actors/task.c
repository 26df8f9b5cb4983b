/* SPDX-License-Identifier: MIT */
/* task.c - see task.h. */
#include "task.h"

#include <string.h>

#include "blocking/job.h"
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
static struct task *task_lock(weir_handle h, int *rc);
static void cancel_and_unlock(struct task *t, const char *reason);

const struct object_type weir__task_type = {task_close, NULL};

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

/* ---- who watches its end: under the lock ---------------------------------------------------- */

static void exit_of(const struct task *t, weir_exit *e)
{
    *e = (weir_exit){.id = t->id, .result = t->result, .state = t->state, .cause = t->cause.text};
    memcpy(e->name, t->name, sizeof e->name);
}

static bool is_broken(const struct task *t)
{
    return t->state == WEIR_TASK_FAILED || (t->state == WEIR_TASK_CANCELLED && t->broken);
}

static void watcher_link(struct watcher **list, struct watcher *w)
{
    w->next = *list;
    w->at = list;
    if (*list)
        (*list)->at = &w->next;
    *list = w;
}

static void watcher_unlink(struct watcher *w)
{
    if (!w->at && MUTATE("link: who is told is taken out as well"))
        return;
    *w->at = w->next;
    if (w->next)
        w->next->at = w->at;
    w->at = NULL;
}

static struct watcher *take_watchers(struct task *t)
{
    struct watcher *list = t->watchers;
    for (struct watcher *w = list; w; w = w->next)
        w->at = NULL;
    t->watchers = NULL;
    return list;
}

/* When they have become twice as many: those that are useless. */
static struct watcher *take_useless(struct task *t)
{
    enum { CROWD = 8 };
    struct watcher *useless = NULL;
    if (t->watching < t->crowd || t->watching < CROWD)
        return NULL;
    for (struct watcher *w = t->watchers, *next; w; w = next) {
        next = w->next;
        if (w->useless && w->useless(w)) {
            watcher_unlink(w);
            watcher_link(&useless, w);
            t->watching--;
        }
    }
    t->crowd = 2 * t->watching;
    return useless;
}

/* ---- the same, from outside ------------------------------------------------------------------ */

struct task *weir__task_hold(weir_handle h, int *rc)
{
    struct task *t = task_lock(h, rc);
    if (t) {
        t->refs++;
        lock_release(&t->change.lock, 0);
    }
    return t;
}

void weir__task_let_go(struct party *self, struct task *t)
{
    lock_acquire(&t->change.lock, 0);
    task_unref(self, t);
}

bool weir__task_watch(struct task *t, struct watcher *w, weir_exit *e, bool *broken)
{
    struct watcher *useless = NULL;
    lock_acquire(&t->change.lock, 0);
    bool lives = t->actor != NULL || MUTATE("monitor: end not looked at");
    if (lives) {
        useless = take_useless(t);
        watcher_link(&t->watchers, w);
        t->watching++;
    } else {
        exit_of(t, e);
        *broken = is_broken(t);
    }
    lock_release(&t->change.lock, 0);
    for (struct watcher *next; useless; useless = next) {
        next = useless->next;
        useless->discard(useless);
    }
    return lives;
}

bool weir__task_unwatch(struct task *t, struct watcher *w)
{
    lock_acquire(&t->change.lock, 0);
    bool mine = w->at != NULL || MUTATE("link: who is told is taken out as well");
    if (mine) {
        watcher_unlink(w);
        t->watching--;
    }
    lock_release(&t->change.lock, 0);
    return mine;
}

void weir__task_break(struct task *t, const char *reason)
{
    lock_acquire(&t->change.lock, 0);
    t->broken |= t->actor != NULL;
    cancel_and_unlock(t, reason);
}

void weir__watchers_tell(struct watcher *list, const weir_exit *e, bool broken)
{
    for (struct watcher *next; list; list = next) {
        next = list->next; /* it is freed when it is told */
        list->ended(list, e, broken);
    }
}

bool weir__task_done(struct actor *me, int result)
{
    struct task *t = me->task;
    enum weir_task_states state = end_state(me, result); /* takes a lock that comes before */
    weir_exit e;
    bool cancelled = a8_load(&me->party.cancelled);
    weir_cause cause = cancelled ? weir_cancel_cause() : (weir_cause){.reason = ""};
    lock_acquire(&t->change.lock, 0);
    bool quiet = t->starting;
    t->actor = NULL;
    t->result = result;
    t->state = state;
    t->cause.text = cause;
    struct watcher *watchers = take_watchers(t);
    if (watchers)
        exit_of(t, &e);
    bool broken = is_broken(t);
    struct waiter *woken = weir__waitable_complete(&t->change, 0);
    task_unref(&me->party, t);
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

void weir__task_ref(struct task *t)
{
    lock_acquire(&t->change.lock, 0);
    t->refs++;
    lock_release(&t->change.lock, 0);
}

void weir__task_cancel(struct party *self, struct task *t, const char *reason)
{
    lock_acquire(&t->change.lock, 0);
    cancel_and_unlock(t, reason);
    lock_acquire(&t->change.lock, 0);
    task_unref(self, t);
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
static void give_up(struct party *self, struct task *t)
{
    t->awaited = false;
    cancel_and_unlock(t, "who started it was cancelled");
    await_end_shielded(self, t);
    lock_acquire(&t->change.lock, 0);
}

static int start_result(const struct task *t)
{
    if (!t->starting)
        return 0;
    return t->result < 0 ? t->result : WEIR_ECHILD;
}

/* ---- by a function of weir_blocking_call(), whose caller may be cancelled ------------------- */

static bool is_unwanted(struct party *self)
{
    return party_is_plain(self) ? weir__job_cancelled() : party_refused(self);
}

/* From now on it is cancelled with the caller of who waits for it. */
static void wait_for_caller(struct party *self, struct task *t)
{
    struct job *j = self->thread->job;
    if (!j || weir__job_call(j, t) == 0)
        return;
    lock_acquire(&t->change.lock, 0);
    cancel_and_unlock(t, "who waits for its caller has left");
}

static void waited_for_caller(struct party *self)
{
    if (self->thread->job)
        (void)weir__job_call(self->thread->job, NULL);
}

/* ---- calling ------------------------------------------------------------------------------- */

static int spawn_isolated(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                          const weir_spawn_options *o, struct start *start)
{
    weir_spawn_options copy = *o;
    const char *name = party_is_plain(self) ? NULL : actor_of(self)->name;
    if (self->thread->dropping)
        return WEIR_EPERM;
    copy.isolated = !MUTATE("portal: a failure of the group");
    *start = (struct start){.awaited = false};
    return weir__spawn(self, group, body, arg_size, &copy, name, start);
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
    int rc = spawn_isolated(self, group, body, arg_size, options, &start);
    if (rc == 0)
        unref(self, start.task);
    return rc;
}

int weir__task_call(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                    const weir_spawn_options *options, weir_time deadline)
{
    struct start start;
    if (is_unwanted(self))
        return WEIR_ECANCELED;
    int rc = spawn_isolated(self, group, body, arg_size, options, &start);
    if (rc < 0)
        return rc;
    struct task *t = start.task;
    wait_for_caller(self, t);
    rc = await_end(self, t, deadline);
    if (rc < 0) {
        lock_acquire(&t->change.lock, 0);
        cancel_and_unlock(t, "who called it has left");
        await_end_shielded(self, t);
        lock_acquire(&t->change.lock, 0);
    }
    if (rc == 0 || t->result != WEIR_ECANCELED)
        rc = t->result;
    lock_release(&t->change.lock, 0);
    waited_for_caller(self);
    unref(self, t);
    return rc;
}

/* ---- weir_child_start() -------------------------------------------------------------------- */

int weir__task_child(struct party *self, weir_handle group, weir_body body, void *value,
                     size_t value_size, size_t arg_size, const weir_spawn_options *o)
{
    const char *name = party_is_plain(self) ? NULL : actor_of(self)->name;
    if (self->thread->dropping)
        return WEIR_EPERM;
    if (is_unwanted(self))
        return WEIR_ECANCELED;
    struct start start = {.awaited = true, .value = value, .value_size = value_size};
    int rc = weir__spawn(self, group, body, arg_size, o, name, &start);
    if (rc < 0)
        return rc;
    struct task *t = start.task;
    wait_for_caller(self, t);
    rc = await_start(self, t);
    if (rc < 0)
        give_up(self, t);
    else
        rc = start_result(t);
    lock_release(&t->change.lock, 0);
    waited_for_caller(self);
    unref(self, t);
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
