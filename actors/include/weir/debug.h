/* SPDX-License-Identifier: MIT */
/*
 * weir/debug.h - seeing what a program does: reports, the table of actors, dead locks.
 *
 * weir prints nothing. What it has to say goes to the log hook, and what it knows about
 * the actors is written where the caller says. docs/debugging.md shows all of it at work.
 */
#ifndef WEIR_DEBUG_H
#define WEIR_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reports ----------------------------------------------------------------------- */

typedef enum weir_log_kind {
    WEIR_LOG_MISUSE = 1, /* a program error that weir has dealt with; file and line say where */
    WEIR_LOG_HOG,        /* an actor has kept its worker for long: it computes or blocks */
    WEIR_LOG_DEADLOCK,   /* an actor is parked and nobody can wake it any more */
    WEIR_LOG_GUARD,      /* stacks get a weaker guard than the one that was asked for */
    WEIR_LOG_PROCESS,    /* a worker process has crashed: weir/process.h */
    WEIR_LOG_SERVER      /* a server cannot accept connections for now: weir/serve.h */
} weir_log_kind;

typedef struct weir_log_record {
    weir_log_kind kind;
    const char *actor; /* its name; "": the report is not about an actor */
    uint32_t id;       /* the actor's number, as in weir_dump(); 0: none */
    const char *text;  /* one line without its end */
    const char *file;  /* of the caller; NULL: not known */
    unsigned line;
} weir_log_record;

/*
 * weir_set_log - where reports go: `hook(record, context)` is called for each; NULL, as at
 *                the start: nowhere.
 * weir_log_stderr - a hook: one line on standard error; the context is not used.
 * weir_log_name - "misuse" for WEIR_LOG_MISUSE; "" for what is no kind.
 *
 * weir_set_log may be called at any time by any thread or actor, and never suspends. A
 * report that is under way may still go to the hook before.
 * The hook runs in the thread that noticed, on the stack of an actor or of a worker, and
 * possibly in several threads at once. What the record points to lives as long as the
 * call. The hook may use weir as a drop function may: no operation in it can wait, those
 * that would return WEIR_EPERM; so it may weir_try_send() the report to an actor. What it
 * does itself is not reported.
 */
WEIR_API void weir_set_log(void (*hook)(const weir_log_record *record, void *context),
                           void *context);
WEIR_API void weir_log_stderr(const weir_log_record *record, void *context);
WEIR_API const char *weir_log_name(weir_log_kind kind);

/* ---- actors -------------------------------------------------------------------------- */

/*
 * weir_dump - write a table of all actors: number, name, state (running, ready, fresh,
 *             parked, or parked "for ever"), since when it is parked, how often it was
 *             switched to, who woke it last, bytes of its stack in use and ever touched,
 *             and what it waits for. Then, if there are any, supervisors with their children,
 *             and names (weir/name.h), each with its channel and who has registered it.
 * weir_deadlocked - write a line for each actor that is parked for ever, and who could have
 *             woken it; `out` may be NULL. How many there are.
 *
 * Any thread or actor, at any time, while everything runs; each actor is shown as it was at
 * one moment, not all at the same. They take no more than the short locks of channels and
 * never suspend, but writing may block, as `out` does. Times are of the worker's clock when
 * it last looked, so they may be some milliseconds off; "touched" counts whole pages.
 * WEIR_ENOMEM; WEIR_EINVAL for a null `out` of weir_dump.
 *
 * "For ever" is judged by who owns handles: nobody who may yet run owns an end through
 * which the actor could be woken, nor was spawned by an owner (and may have borrowed it). A
 * handle without an owner, of a plain thread, counts as one that may be used. So a handle
 * that was lent in other ways, inside an item or to a plain thread, can make it wrong:
 * clone it there. Judged are sends, receives and the ends of groups: who waits in a select, for
 * a task or in weir_settle() counts as one that may go on.
 */
WEIR_API int weir_dump(FILE *out);
WEIR_API int weir_deadlocked(FILE *out);

/* The same for a program. */
typedef enum weir_actor_state {
    WEIR_FRESH = 1, /* has not run yet */
    WEIR_READY,     /* will run when its turn comes */
    WEIR_RUNNING,
    WEIR_PARKED
} weir_actor_state;

typedef struct weir_actor_info {
    uint32_t id;     /* its number, as in weir_dump(); of no other actor that lives */
    uint32_t parent; /* who spawned it; maybe ended by now; 0: a plain thread did */
    char name[16];
    weir_actor_state state;
    bool cancelled; /* its next wait will be, or has been, refused */
} weir_actor_info;

/*
 * weir_actor_self - the calling actor. Row F139.
 * weir_actors     - all actors: the first n go to `out`; returns how many there are. Call again
 *                   with more room if that is more than n. n may be 0.
 *
 * Never suspend. self: WEIR_EPERM outside of actors. actors: any thread or actor, at any time;
 * as with weir_dump() each is shown as it was at one moment; WEIR_ENOMEM (a thread's first
 * call). Both: WEIR_EINVAL for a null `out` (actors: with n > 0).
 */
WEIR_API int weir_actor_self(weir_actor_info *out);
WEIR_API int weir_actors(weir_actor_info *out, size_t n);

#ifdef __cplusplus
}
#endif
#endif
