/* SPDX-License-Identifier: MIT */
/*
 * scheduler.h - the worker: what is runnable on a thread, and how to leave it for another.
 */
#ifndef WEIR_SCHEDULER_H
#define WEIR_SCHEDULER_H

#include "actor.h"
#include "group.h"
#include "stack.h"

struct actor_queue {
    struct actor *first, *last;
};

struct worker {
    struct context native; /* the thread's own stack: the loop in weir__worker_loop() */
    struct actor *current; /* NULL: the loop */
    struct thread *thread;
    a32 *unlock; /* to be released after the switch, to `unlock_flags` */
    uint32_t unlock_flags;
    uint32_t tick;                /* picks until the loop looks at the world outside */
    uint32_t streak;              /* picks in a row from `next_up` */
    struct actor *next_up;        /* woken last: its data and the waker's are in the cache */
    struct actor_queue ready;     /* have run before; first in, first out */
    struct actor_queue fresh;     /* have never run; see spawn order in scheduler.c */
    struct actor_queue spawned;   /* by the current actor since it was resumed */
    struct actor_queue stillborn; /* for which there was no stack */
    int stillborn_error;
    struct timers timers;
    struct stacks stacks;
    struct party *native_party;
    struct retired retired; /* a waker may look at `asleep` when the run is over */
    uint64_t live;          /* actors that have not ended */
    struct group root;      /* the run's own group */
    struct actor *first;    /* NULL when it has ended */
    int first_result;

    ck_stack_t inject __attribute__((aligned(CACHE_LINE))); /* woken by other threads */
    a32 asleep;
};

extern const struct party_ops weir__actor_ops;

/* Queue an actor that was never queued before. On the worker's thread. */
void weir__spawn_queue(struct worker *w, struct actor *a);

/* As weir_spawn_sized(), by any party whose thread is a worker; `name` if options have none. */
int weir__spawn(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                const weir_spawn_options *options, const char *name);

/*
 * Leave the current actor; release *lock to `flags` when it no longer runs (NULL: nothing).
 * Returns the result that was left in its context. A tail call; see context.h.
 */
int weir__actor_leave(struct actor *me, a32 *lock, uint32_t flags);

/* Run until every actor has ended. On the thread's own stack. */
void weir__worker_loop(struct worker *w);

/* The current actor's body has returned: close what it owns, tell its group. */
void weir__actor_end(struct actor *me, int result);

#endif
