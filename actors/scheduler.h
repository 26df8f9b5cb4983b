/* SPDX-License-Identifier: MIT */
/*
 * scheduler.h - workers: what is runnable on a thread, and how to leave it for another.
 *
 * Each worker is a thread with queues of its own, which nobody else touches while it is
 * inside its gate (gate.h). Actors migrate: a thief takes runnable ones out of a worker's
 * queues, a waker on another worker may make a parked one its own.
 */
#ifndef WEIR_SCHEDULER_H
#define WEIR_SCHEDULER_H

#include "group.h"
#include "hog.h"
#include "poller.h"
#include "queue.h"
#include "runvar.h"
#include "stack.h"

enum {
    WORKERS_MOST = 256,
    TICK = 61,  /* picks between two passes of the loop; prime: no rhythm of a program hides it */
    DEAR = 100, /* ns an operation: from here on parallelism pays for crossing cores */
    VERY_DEAR = 2000 /* and for a system call */
};

struct runtime;
struct simulation;

/* What is runnable. Under the gate. */
struct runnable {
    struct actor *next_up;      /* woken last: its data and the waker's are in the cache */
    struct actor_queue ready;   /* have run before; first in, first out */
    struct actor_queue fresh;   /* have never run; see the order in scheduler.c */
    struct actor_queue spawned; /* by the current actor since it was resumed */
    struct actor_queue pinned;  /* of any of these kinds, but not to be stolen */
    uint32_t total;             /* of all but the pinned */
    uint64_t visits;            /* to the queues, shifted left by 32 */
};

struct worker {
    struct context native; /* the thread's own stack: the loop in worker.c */
    aptr current;          /* struct actor; NULL: the loop. Others look: hog.h */
    struct thread *thread;
    a32 *unlock; /* to be released after the switch, to `unlock_flags` */
    uint32_t unlock_flags;
    struct actor *yielded; /* to be queued after the switch: a thief must not run it sooner */
    struct actor *unbound; /* was picked, and has to wait for the loop to get it a stack */
    uint32_t tick;         /* picks until the loop looks at the world outside */
    uint32_t turn;    /* what `tick` began at: TICK, or 1 while weir__hog_self() looks closer */
    uint32_t streak;  /* picks in a row from `next_up` */
    bool pinned_turn; /* the next pick is one of the pinned ones' */
    a64 inside;       /* the gate: 1, or what thieves look at: gate.h */
    a32 barred;       /* the gate: GATE_SHUT by a thief */
    struct runnable run;
    uint64_t spent;               /* budget that was left over at switches: gives the operations */
    weir_time looked_at;          /* the clock when the loop ran last; 0: was asleep since */
    uint32_t clock;               /* trace_clock() when the loop ran last */
    uint32_t fed;                 /* when it gave the oldest fresh actor its turn */
    weir_time idle_since;         /* for weir__idle_report(); 0: something ran */
    struct hog_self hogs;         /* what it has noticed itself */
    weir_time trim_at;            /* weir__trim_due(); 0: something ran; WEIR_NEVER: it was done */
    struct actor_queue stillborn; /* for which there was no stack */
    int stillborn_error;
    bool borrowed; /* the current actor is on the thread's own stack: native.h */
    struct stack_cache stacks;
    struct runtime *runtime;
    struct party *native_party;
    uint32_t index;
    uint32_t random;
    weir_time watch;       /* how long it sleeps between two looks at the others */
    unsigned looks;        /* of how many it has hope before it sleeps */
    weir_time fresh_taken; /* when it took a fresh actor from another worker; 0: since judged */
    weir_time fresh_pause, fresh_at; /* it stays away so long, until then */
    uint32_t id_next, id_end;        /* for new actors */
    struct timers timers;
    aptr poller;              /* struct poller; NULL: none. Written by this worker, once */
    struct hog hog;           /* of whoever is watching, see rt->watching */
    uint32_t polls_seen;      /* the same */
    a32 polls;                /* by this worker */
    struct waitable sleepers; /* actors in weir_sleep(), until cancelled or timed out */
    struct retired retired;   /* a waker may look at `asleep` when the run is over */

    /* Written by this worker, read by others. */
    a64 born __attribute__((aligned(CACHE_LINE))); /* actors spawned here */
    a64 died;                                      /* actors that ended here */
    a32 cost;                                      /* of an operation, ns; see help.c */
    a32 idle;                                      /* it has nothing to run */
    a32 naps;                                      /* odd: it sleeps, or is about to; settle.h */

    /* Written by others. */
    ck_stack_t inject __attribute__((aligned(CACHE_LINE))); /* woken by other threads */
    a32 asleep;
};

/* One at a time in a process. Its memory outlives its last worker by a grace period. */
struct runtime {
    uint32_t workers; /* that run */
    a32 sleeping;     /* of them, that nobody has called since; see help.c */
    a32 watching;     /* 1: one of these wakes up now and then and looks at the others */
    a32 ended;        /* 1: every actor has */
    a32 trimming;     /* workers in weir__trim() */
    a64 idle_since;   /* when a worker last began to sleep until weir__trim() */
    bool report;      /* overflows */
    struct stacks stacks;
    struct group root; /* the run's own group */
    aptr first;        /* struct actor; NULL when it has ended */
    int first_result;
    a64 born;                      /* actors spawned by plain threads */
    struct simulation *simulation; /* NULL: an ordinary run */
    struct waitable settling;      /* actors in weir_settle() */
    a32 settlers;                  /* how many; before each parks, and until it goes on */
    struct runvars vars;
    struct retired retired;
    struct worker *worker[WORKERS_MOST];
};

extern const struct party_ops weir__actor_ops;

/* struct runtime: the run that is under way; read by threads that hold one of its groups open. */
extern aptr weir__runtime;

static inline struct worker *actor_worker(const struct actor *a)
{
    return a->party.thread->worker;
}

/* Queue an actor that was never queued before; by an actor of this worker or its loop. */
void weir__spawn_queue(struct worker *w, struct actor *a);

/* Who spawns it waits for the child's start, and for its value, or is to know its task. */
struct start {
    struct task *task; /* is set; the starter holds a reference */
    bool awaited;      /* its start */
    void *value;
    size_t value_size;
};

/*
 * As weir_spawn_sized(), by any party whose thread is a worker; `name` if options have none;
 * start may be NULL.
 */
int weir__spawn(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                const weir_spawn_options *options, const char *name, struct start *start);

/* The record of an actor that has ended, and that no group keeps any more. */
void weir__actor_retire(struct thread *t, struct actor *a);

/*
 * Leave the current actor; release *lock to `flags` when it no longer runs (NULL: nothing).
 * Returns the result that was left in its context. A tail call; see context.h.
 */
int weir__actor_leave(struct actor *me, a32 *lock, uint32_t flags);

/* From the loop: run `next`, and whatever follows, until the loop is due again. */
void weir__run_actor(struct worker *w, struct actor *next);

static inline bool is_pinned(const struct actor *a)
{
    return a->party.id & PINNED;
}

/* Put it at the end of `q`, or of the pinned. Under the gate. */
static inline void queue_last(struct worker *w, struct actor_queue *q, struct actor *a)
{
    if (unlikely(is_pinned(a))) {
        push_last(&w->run.pinned, a);
    } else {
        push_last(q, a);
        w->run.total++;
    }
}

/* Whom to run now; NULL: nobody. Under the gate. */
struct actor *weir__pick(struct worker *w);

/* Become the current one, or the loop (NULL); where to switch to. */
static inline struct context *worker_resume(struct worker *w, struct actor *a)
{
    TRACE_STORE(aptr, &w->current, a);
    if (!a) {
        party_set_current(w->native_party);
        return &w->native;
    }
    trace_resume(&a->trace);
    a->party.thread = w->thread;
    a->party.budget = BUDGET;
    party_set_current(&a->party);
    return &a->context;
}

/* Run until every actor has ended. On the thread's own stack. */
void weir__worker_loop(struct worker *w);

/* Make it runnable here: by an actor of this worker, or its loop. */
void weir__ready(struct worker *w, struct actor *a);

/* The same from any thread. */
void weir__inject(struct worker *w, struct actor *a);

/* Does somebody want this worker? Then it does not sleep. */
bool weir__called(const struct worker *w);

/* There is more to run here than one can: call a sleeping worker, if it is worth while. */
void weir__call_help(struct worker *w);

/* The current actor's body has returned: close what it owns, tell its group. */
void weir__actor_end(struct actor *me, int result);

#endif
