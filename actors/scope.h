/* SPDX-License-Identifier: MIT */
/*
 * scope.h - what an actor can be cancelled by, seen from inside.
 *
 * Each actor has a stack of scopes; a group is a scope as well, that of the waits between
 * its begin and its end. An actor is *hit* when a scope of its stack is cancelled and no
 * shielded one lies within that, or when the actor itself is `stopped`, by its group or its
 * task handle, and no scope of its stack is shielded. `party.cancelled` says whether it is
 * hit, so that an operation looks at one byte. It is computed anew whenever something
 * changes, under the actor's `scopes_lock`:
 *
 *   push, pop      by the actor itself
 *   cancel, shield by anyone who has the handle, by a timer
 *   stopped        by whoever cancels the group or the task
 *
 * A group whose scope is hit is *stopping*, for good, and its children are told, one after
 * the other: cancellation goes down the tree of groups by a list of groups to be told, not
 * by recursion. A child that is added to a stopping group is born stopped.
 *
 * Locks: an actor's scopes_lock, then its group's lock or a task's, both leaves. A wait is
 * interrupted when none is held (weir__wait_interrupt()). Records are reclaimed by a grace
 * period, and who cancels is inside an operation: so what was found stays readable, and at
 * worst an actor is told that has ended.
 */
#ifndef WEIR_SCOPE_INSIDE_H
#define WEIR_SCOPE_INSIDE_H

#include <weir/scope.h>

#include "actor.h"

struct cause {
    weir_cause text;
};

struct scope {
    struct object object;
    struct scope *outer; /* under the owner's scopes_lock, as all but the constant ones */
    struct actor *owner; /* constant; NULL: the run's own group */
    struct slot *slot;   /* constant */
    const char *file;    /* constant: where it was begun */
    unsigned line;
    bool open, cancelled, shield;
    bool fails, is_group; /* constant */
    bool noticed;         /* what the party had noticed before it was begun */
    bool passes_on;       /* when it was taken off: was the actor hit from outside of it? */
    struct cause cause;   /* constant once it is cancelled */
    weir_time deadline;   /* WEIR_NEVER: none */
    struct timer timer;   /* the owner's */
    struct retired retired;
};

/* Groups that are stopping and whose children have not been told yet. */
struct stops {
    struct group *first;
};

extern const struct object_type weir__scope_type, weir__group_type, weir__task_type;
extern struct pool weir__scopes, weir__groups, weir__tasks;

/* Put a scope that nobody else knows on the stack of its owner, the calling actor. */
void weir__scope_push(struct actor *me, struct scope *s);

/*
 * Take it off; from now on nobody touches it but who has found it before. Returns what
 * weir_scope_end() returns.
 */
int weir__scope_pop(struct actor *me, struct scope *s);

/* Is the calling actor hit from outside of s? */
bool weir__scope_hit_outside(struct actor *me, const struct scope *s);

/* The first cause wins. By anyone, inside an operation, no lock held. */
void weir__scope_cancel(struct scope *s, const char *reason, bool deadline);

/* Cancel the run's own group, once. Inside an operation, no lock held. */
void weir__root_cancel(struct group *root, const char *reason);

/* Stop one actor, for the reason that its group or task holds. */
void weir__actor_stop(struct actor *a);

/* A cause by the calling party. */
void weir__cause_set(struct cause *c, const char *reason, bool deadline);

/* The scopes of an actor whose body has returned. */
void weir__scopes_unwind(struct actor *me);

/* Was it stopped, and is that what its result says? Then it has not failed. */
bool weir__actor_obeys(struct actor *a, int result);

/* As weir_scope_end(), of a scope that is the innermost one. */
int weir__scope_end(struct actor *me, struct scope *s);

#endif
