/* SPDX-License-Identifier: MIT */
/*
 * task.h - a child that somebody wants to hear of: its state and result outlive it.
 *
 * The record is referred to by the child, by its handle and by who waits in
 * weir_child_start(); the last of them retires it. It holds no stack and no actor's record.
 */
#ifndef WEIR_TASK_INSIDE_H
#define WEIR_TASK_INSIDE_H

#include <weir/task.h>

#include "scope.h"

struct watcher;

struct task {
    struct object object;
    struct waitable change; /* its lock is for all of this; told: started, ended */
    struct actor *actor;    /* NULL: it has ended */
    struct slot *slot;      /* of the handle; NULL: there is none */
    uint32_t refs;
    int result;
    enum weir_task_states state;
    bool cancelled; /* through the handle */
    bool starting;  /* by weir_child_start(), and has not said that it started */
    bool awaited;   /* the starter is there */
    void *value;    /* where it wants what the child says */
    size_t value_size;
    struct cause cause;       /* why it was cancelled */
    bool broken;              /* by a link */
    struct watcher *watchers; /* of its end: supervision/watcher.h */
    uint32_t watching, crowd; /* how many; how many are worth a look for useless ones */
    uint32_t id;              /* the actor's, constant */
    char name[NAME_BYTES];
    struct retired retired;
};

/* For a child that is being spawned; *handle as asked for. 0, WEIR_ENOMEM or WEIR_ENFILE. */
struct start;
int weir__task_new(struct party *self, struct actor *child, weir_task *handle, struct start *start);
/*
 * Spawn a child whose failure is not its group's, inside an operation. weir__task_call() waits
 * for it: what it returned; or WEIR_ECANCELED or WEIR_ETIMEDOUT, then it has been cancelled and has
 * ended.
 */
int weir__task_start(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                     const weir_spawn_options *options);
int weir__task_call(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                    const weir_spawn_options *options, weir_time deadline);

/*
 * weir_child_start(), by any party inside an operation; that the child is isolated is for `options`
 * to say.
 */
int weir__task_child(struct party *self, weir_handle group, weir_body body, void *value,
                     size_t value_size, size_t arg_size, const weir_spawn_options *options);

/* One more reference, by who knows that there is one; and: cancel it, and give that back. */
void weir__task_ref(struct task *t);
void weir__task_cancel(struct party *self, struct task *t, const char *reason);

/*
 * By a function of weir_blocking_call(), whose caller may leave: is it, or the actor `self`, not to
 * begin anything? And: from now on, until it is no longer so, t is cancelled with that caller.
 */
bool weir__task_unwanted(struct party *self);
void weir__task_wait_for_caller(struct party *self, struct task *t);
void weir__task_waited_for_caller(struct party *self);

/* Inside an operation: the task of an open handle, locked; or NULL, *rc the error. */
struct task *weir__task_lock(weir_handle h, int *rc);

/* Inside an operation: the same, not locked; it stays until it is let go. */
struct task *weir__task_hold(weir_handle h, int *rc);
void weir__task_let_go(struct party *self, struct task *t);

/* The lock is held, and released. */
void weir__task_unref(struct party *self, struct task *t);
void weir__task_cancel_unlock(struct task *t, const char *reason);
int weir__task_wait_on(struct party *self, struct task *t, weir_time deadline);

/*
 * By who has a reference. Until it has ended; then the lock is held. Or an error: it has not, and
 * the lock is not held.
 */
int weir__task_await_end(struct party *self, struct task *t, weir_time deadline);
/* The same, whatever cancels the caller; afterwards the lock is not held. */
void weir__task_await_end_shielded(struct party *self, struct task *t);

/* It is not spawned after all. */
void weir__task_unmake(struct party *self, struct task *t);

/* The task was cancelled through its handle, and why. */
bool weir__task_cause(const struct actor *a, struct cause *c);

/* The actor ends. True: before it had started, so its result is its starter's alone. */
bool weir__task_done(struct actor *me, int result);

#endif
