/* SPDX-License-Identifier: MIT */
/*
 * actor.h - the record of an actor.
 *
 * Records are dense and of a fixed size, apart from the stacks: a parked actor's record
 * is what wakers touch, its stack only it itself. A record is type-stable memory and is
 * reused a grace period after its actor ended.
 */
#ifndef WEIR_ACTOR_RECORD_H
#define WEIR_ACTOR_RECORD_H

#include <ck_stack.h>

#include <weir/actor.h>

#include "context.h"
#include "handle.h"
#include "timer.h"
#include "trace.h"

enum { NAME_BYTES = 16, SMALL_ARG = 32 };

#define PINNED ((uint32_t)1 << 30) /* in an actor's id: it stays on its worker */

struct brood;
struct group;
struct scope;
struct stack;
struct task;

struct actor {
    struct party party;
    struct context context;
    union {
        struct actor *next; /* in a run queue */
        ck_stack_entry_t injected;
    };
    struct stack *stack; /* NULL: has not run yet */
    /* So far what a switch reads: two cache lines. The next is written without waiting. */
    struct trace trace;
    union {
        char small_arg[SMALL_ARG] __attribute__((aligned(16)));
        struct retired retired;
    };
    struct actor *prev; /* in the fresh queue */
    weir_body body;
    void *arg;
    struct group *group;
    struct brood *brood; /* of the group */
    struct timer timer;
    char name[NAME_BYTES];
    uint32_t arg_size;                   /* of what was copied; 0: nothing */
    a32 scopes_lock;                     /* see scope.h */
    struct scope *scopes;                /* the innermost; under scopes_lock */
    struct actor *sibling, **sibling_at; /* in its brood; under the brood's lock */
    struct task *task;                   /* NULL: nobody asked for one */
    int result;                          /* of a child that failed, for its group */
    bool stopped;                        /* by its group or task; under scopes_lock */
    bool isolated;                       /* its failure is not its group's; constant */
    a32 told;                            /* low half of trace.moved when reported: deadlock.c */
} __attribute__((aligned(CACHE_LINE)));

#if !defined(WEIR_ASAN) && !defined(WEIR_TSAN)
_Static_assert(sizeof(struct actor) <= 384, "an actor's record is six cache lines");
#endif

extern struct pool weir__actors;

static inline struct actor *actor_of(struct party *p)
{
    return container_of(p, struct actor, party);
}

/* As it is shown. */
static inline uint32_t actor_number(uint32_t id)
{
    return id & ~PINNED;
}

/* The calling actor; NULL on a plain thread. */
static inline struct actor *actor_self(void)
{
    struct party *p = party_current();
    return p && !party_is_plain(p) ? actor_of(p) : NULL;
}

#endif
