/* SPDX-License-Identifier: MIT */
/*
 * weir/scope.h - time and cancellation: a scope is a stretch of an actor's code that can
 * be cancelled, by its deadline or by anybody who has its handle.
 *
 *     weir_auto(weir_scope) s = weir_move_on_after(500 * WEIR_MS);
 *     rc = weir_recv(rx, &job);            WEIR_ECANCELED when the scope ends it
 *     if (weir_scope_end(s) == 1)          it fired and is swallowed here
 *         ...
 *
 * Scopes nest. In a cancelled scope every operation that may wait - send, recv, their
 * deadline and batch forms, select, sleep, weir_yield, weir_task_wait, weir_child_start,
 * weir_settle, and those of the children of its groups - returns WEIR_ECANCELED, again and again
 * until the scope is left (row F012). (The end of a group waits for its children all the same.)
 * One that is waiting is ended at once, unless it was completed before: a result is never lost
 * (F013), and a send that was cancelled has not delivered. The try_ forms, close, spawn and
 * begin never wait and are never cancelled, so clean-up can use them; clean-up that has to
 * wait goes into a shielded scope (F015, F016):
 *
 *     weir_auto(weir_scope) s = weir_move_on_after(WEIR_S);
 *     weir_scope_shield(s, true);
 *     weir_send(log, &last_words);
 *
 * A scope belongs to the actor that began it; it ends before those that were begun before
 * it do. A body that returns with one open is reported as misuse, with the place where it
 * was begun.
 */
#ifndef WEIR_SCOPE_H
#define WEIR_SCOPE_H

#include <weir/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_scope {
    weir_handle h;
} weir_scope;

/*
 * weir_scope_begin           - a scope without a deadline. Row F012.
 * weir_move_on_after(d), _at - one that is cancelled d ns from now, at a point of the clock.
 *                              Row F017. 0 or less: at the first operation; WEIR_NEVER: never.
 * weir_fail_after(d), _at    - the same, but its end tells a deadline by WEIR_ETIMEDOUT. F018.
 *
 * Never suspend; by actors. On an error - WEIR_EPERM elsewhere and in drop functions,
 * WEIR_ENOMEM, WEIR_ENFILE - the result is a null handle, and calls on it return that error.
 */
#define weir_scope_begin() weir_scope_begin_here(WEIR_NEVER, false, __FILE__, __LINE__)
#define weir_move_on_after(d) weir_move_on_at(weir_after(d))
#define weir_move_on_at(t) weir_scope_begin_here((t), false, __FILE__, __LINE__)
#define weir_fail_after(d) weir_fail_at(weir_after(d))
#define weir_fail_at(t) weir_scope_begin_here((t), true, __FILE__, __LINE__)
WEIR_API weir_scope weir_scope_begin_here(weir_time deadline, bool fails, const char *file,
                                          unsigned line);

/*
 * weir_scope_end - leave the scope. Row F014.
 *
 * 1 when the scope was cancelled, an operation or weir_cancelled() has told so, and nothing
 * further out is cancelled: it is swallowed here. WEIR_ETIMEDOUT instead of 1 in a scope
 * that fails, if its own deadline was the first cause. 0 when nothing happened, or nobody
 * noticed, or the cancellation comes from further out and passes on.
 * Never suspends. WEIR_EPERM: something that was begun later is still open, or called by
 * no actor or in a drop function; WEIR_EBUSY: another actor's; WEIR_ECLOSED, WEIR_EBADF.
 */
WEIR_API int weir_scope_end(weir_scope scope);

/*
 * weir_scope_cancel    - cancel it, for a reason of up to 31 bytes, which is copied; NULL:
 *                        none. Idempotent, the first cause wins. Rows F012, F023.
 * weir_scope_shield    - hide what comes from further out, or no longer: then a pending
 *                        cancellation arrives, also at an operation that waits. Row F015. What
 *                        was told already, to the scope's groups, is not taken back.
 * weir_scope_cancelled - 1 if it was cancelled itself, 0 if not.
 *
 * Never suspend; any actor or thread. 0, WEIR_ECLOSED, WEIR_EBADF, WEIR_ENOMEM.
 */
WEIR_API int weir_scope_cancel(weir_scope scope, const char *reason);
WEIR_API int weir_scope_shield(weir_scope scope, bool shield);
WEIR_API int weir_scope_cancelled(weir_scope scope);

/*
 * weir_scope_deadline - move the deadline; WEIR_NEVER: none. What has fired stays so. F019.
 * weir_scope_until    - read it. Any actor or thread.
 *
 * Never suspend. The former by the scope's actor (WEIR_EBUSY, WEIR_EPERM). 0,
 * WEIR_ECLOSED, WEIR_EBADF, WEIR_ENOMEM, WEIR_EINVAL for a null `deadline`.
 */
WEIR_API int weir_scope_deadline(weir_scope scope, weir_time deadline);
WEIR_API int weir_scope_until(weir_scope scope, weir_time *deadline);

/*
 * weir_effective_deadline - the earliest deadline of all scopes that the caller can see, its
 *                           own and those around its groups, up to the first shield; WEIR_NEVER
 *                           when there is none, INT64_MIN when it is cancelled. Row F019.
 * weir_cancelled          - is the caller cancelled now? Rows F013, F021.
 * weir_cancel_cause       - why, if so; else empty texts. Row F023.
 *
 * Never suspend. On a plain thread: WEIR_NEVER, false, empty; but see weir/blocking.h.
 */
typedef struct weir_cause {
    char reason[32]; /* who cancels gives it; weir's own: "the deadline passed", for example */
    char by[16];     /* the name of the actor that cancelled; "": a thread, or the clock */
    bool deadline;   /* by the scope's own deadline */
} weir_cause;

WEIR_API weir_time weir_effective_deadline(void);
WEIR_API bool weir_cancelled(void);
WEIR_API weir_cause weir_cancel_cause(void);

/* ---- early return ---------------------------------------------------------------------- */

/*
 * weir_auto(type) - a variable that is closed or ended when it goes out of scope, if it has
 * not been before: weir_scope ends; weir_group is cancelled and ends, so that an early return
 * waits for no child that does not stop; weir_sender, weir_receiver, weir_task and the ends
 * of WEIR_TYPE are closed. Results are lost: call the end yourself where they matter.
 * Of actors, where the end suspends. GNU C.
 *
 * weir_group_leave - cancel the group and end it, as weir_auto does. Suspends.
 */
#if defined(__GNUC__)
#define weir_auto(type) __attribute__((cleanup(type##_cleanup), unused)) type
#endif

WEIR_API void weir_group_leave(weir_group group);

static inline WEIR_UNUSED void weir_scope_cleanup(weir_scope *scope)
{
    (void)weir_scope_end(*scope);
}

static inline WEIR_UNUSED void weir_group_cleanup(weir_group *group)
{
    weir_group_leave(*group);
}

static inline WEIR_UNUSED void weir_task_cleanup(weir_task *task)
{
    (void)weir_close(*task);
}

static inline WEIR_UNUSED void weir_sender_cleanup(weir_sender *tx)
{
    (void)weir_close(*tx);
}

static inline WEIR_UNUSED void weir_receiver_cleanup(weir_receiver *rx)
{
    (void)weir_close(*rx);
}

#ifdef __cplusplus
}
#endif
#endif
