/* SPDX-License-Identifier: MIT */
/*
 * weir/sync.h - synchronisation primitives: for what is shared and cannot be sent.
 *
 *     weir_lock lock = weir_lock_open();
 *     ...
 *     if ((rc = weir_lock_acquire(lock)) < 0)
 *         return rc;
 *     balance += amount;
 *     weir_lock_release(lock);
 *
 * What they have in common:
 *   - Any actor on any worker and any plain thread may use them; none needs a run (row F032).
 *   - First come, first served: what is released is handed to who waits longest, at once, so
 *     that nobody can barge in. Without contention nobody is made to yield (F026).
 *   - Calls that may wait have a form with a deadline, _by. They are ended by cancellation,
 *     WEIR_ECANCELED, and have got nothing then. Who has been handed something keeps it, and
 *     returns success: a cancellation that comes later is seen by the next operation. The _try_
 *     forms never wait, are never cancelled, and return WEIR_EAGAIN where the others would wait.
 *   - weir_close(x) closes a primitive of any kind: whoever waits gets WEIR_ECLOSED, and so does
 *     each later call. A handle belongs to the actor that opened it and is closed when its body
 *     returns; others borrow it by copying the struct. It can be given to a child (.give), or to
 *     nobody (weir_disown() in weir/call.h). On a plain thread it stays until closed.
 *   - Errors of every call: WEIR_ECLOSED; WEIR_EBADF, not a handle of this kind; WEIR_ENOMEM,
 *     at a thread's first operation. Of calls that may wait also: WEIR_ECANCELED, WEIR_ETIMEDOUT,
 *     and WEIR_EPERM in a drop function, which must not wait.
 *   - A null handle that an open call returned carries its error into each later call:
 *     WEIR_ENOMEM, WEIR_ENFILE, or WEIR_EINVAL where the call says so.
 *   - None of the calls that do not wait suspends. What one did before it released, set, notified
 *     or ended is visible to who goes on because of it.
 */
#ifndef WEIR_SYNC_H
#define WEIR_SYNC_H

#include <weir/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- event: something has happened, for good. Row F024 ------------------------------------- */

typedef struct weir_event {
    weir_handle h;
} weir_event;

/*
 * weir_event_open    - one that is not set. There is no clear: open another one.
 * weir_event_set     - wake all that wait, and let pass all that come later. 0, also the second
 *                      time.
 * weir_event_is_set  - 1 or 0.
 * weir_event_wait    - 0 as soon as it is set. Suspends unless it is.
 */
WEIR_API weir_event weir_event_open(void);
WEIR_API int weir_event_set(weir_event event);
WEIR_API int weir_event_is_set(weir_event event);
#define weir_event_wait(event) weir_event_wait_by((event), WEIR_NEVER)
WEIR_API int weir_event_wait_by(weir_event event, weir_time deadline);

/* ---- lock: one at a time. Rows F025, F026 -------------------------------------------------- */

typedef struct weir_lock {
    weir_handle h;
} weir_lock;

/*
 * weir_lock_open                      - one that is free.
 * weir_lock_acquire(l), _acquire_by,
 * _try_acquire                        - 0: the caller, this actor or thread, owns it now.
 *                                       WEIR_EDEADLK: it did already; a lock is not recursive.
 * weir_lock_release                   - who waits longest owns it at once, else it is free.
 *                                       WEIR_EPERM: the caller does not own it.
 *
 * An actor that ends leaves what it owns locked, unless the lock is its own and so closed; see
 * weir_held. Acquire suspends while others own the lock.
 */
WEIR_API weir_lock weir_lock_open(void);
#define weir_lock_acquire(lock) weir_lock_acquire_by((lock), WEIR_NEVER)
WEIR_API int weir_lock_acquire_by(weir_lock lock, weir_time deadline);
WEIR_API int weir_lock_try_acquire(weir_lock lock);
WEIR_API int weir_lock_release(weir_lock lock);

/*
 * A lock that is released when the variable goes out of scope, by whatever way:
 *
 *     weir_auto(weir_held) held = weir_lock_hold(lock);
 *     if (held.rc < 0)
 *         return held.rc;
 */
typedef struct weir_held {
    weir_lock lock;
    int rc; /* of weir_lock_acquire() */
} weir_held;

static inline WEIR_UNUSED weir_held weir_lock_hold(weir_lock lock)
{
    weir_held held = {lock, weir_lock_acquire(lock)};
    return held;
}

static inline WEIR_UNUSED void weir_held_cleanup(weir_held *held)
{
    if (held->rc == 0)
        (void)weir_lock_release(held->lock);
}

/* ---- semaphore: so many at a time. Row F027 ------------------------------------------------ */

typedef struct weir_semaphore {
    weir_handle h;
} weir_semaphore;

/*
 * weir_semaphore_open(initial, max)   - with `initial` permits, and never more than `max`;
 *                                       WEIR_UNBOUNDED: any number. WEIR_EINVAL: initial > max.
 * weir_semaphore_acquire(s), _acquire_by,
 * _try_acquire                        - 0: a permit was taken. Suspends while there is none.
 * weir_semaphore_release              - give one, by whomever: to who waits longest, at once, or
 *                                       else back. WEIR_EPERM: there are `max` already.
 */
WEIR_API weir_semaphore weir_semaphore_open(size_t initial, size_t max);
#define weir_semaphore_acquire(semaphore) weir_semaphore_acquire_by((semaphore), WEIR_NEVER)
WEIR_API int weir_semaphore_acquire_by(weir_semaphore semaphore, weir_time deadline);
WEIR_API int weir_semaphore_try_acquire(weir_semaphore semaphore);
WEIR_API int weir_semaphore_release(weir_semaphore semaphore);

/* ---- condition: wait for what is changed under a lock. Row F028 ---------------------------- */

typedef struct weir_condition {
    weir_handle h;
} weir_condition;

/*
 * weir_condition_open(lock)              - for who owns this lock; several may share one.
 * weir_condition_wait(c), _wait_by       - give up the lock and wait for a notification; then own
 *                                          the lock again, whatever is returned: 0 after a
 *                                          notification, or an error. Only when the *lock* was
 *                                          closed is it not owned: WEIR_ECLOSED; or if nobody can
 *                                          ever release it: WEIR_EDEADLK, in a simulated run.
 * weir_condition_wait_for(c, holds, arg),
 * _wait_for_by                           - wait until holds(arg), which is called by the owner of
 *                                          the lock only. WEIR_EINVAL: it is null.
 * weir_condition_notify(c, n)            - wake the n that wait longest, or as many as there are.
 * weir_condition_notify_all              - all of them.
 *
 * A notification goes to somebody who waits; who was cancelled or timed out before does not, and
 * who is so afterwards returns 0. There are no wakes without one. A notification when the lock is
 * closed ends all waits, with WEIR_ECLOSED. WEIR_EPERM: the caller does not own the lock.
 * The wait suspends, and is not cancelled while it waits for the lock at its end.
 */
WEIR_API weir_condition weir_condition_open(weir_lock lock);
#define weir_condition_wait(condition) weir_condition_wait_by((condition), WEIR_NEVER)
WEIR_API int weir_condition_wait_by(weir_condition condition, weir_time deadline);
#define weir_condition_wait_for(condition, holds, arg)                                             \
    weir_condition_wait_for_by((condition), (holds), (arg), WEIR_NEVER)
WEIR_API int weir_condition_wait_for_by(weir_condition condition, bool (*holds)(void *arg),
                                        void *arg, weir_time deadline);
WEIR_API int weir_condition_notify(weir_condition condition, uint32_t n);
#define weir_condition_notify_all(condition) weir_condition_notify((condition), UINT32_MAX)

/* ---- capacity limiter: so many borrowers at a time. Row F029 ------------------------------- */

typedef struct weir_limiter {
    weir_handle h;
} weir_limiter;

/*
 * weir_limiter_open(total)            - with so many tokens; 0: none at first; WEIR_UNBOUNDED.
 * weir_limiter_acquire(l), _acquire_by,
 * _try_acquire                        - 0: the caller, this actor or thread, has a token now.
 *                                       WEIR_EDEADLK: it had one; each has one at most.
 * weir_limiter_release                - give it back. WEIR_EPERM: the caller has none.
 * weir_limiter_resize(l, total)       - change the number. If more are out than that, none is
 *                                       taken away, and none given before enough came back.
 *
 * The forms with _for are for any key that the caller chooses, instead of for itself: a
 * connection's number, say. They acquire for it, and release by whomever. WEIR_EBUSY: the
 * key has a token, or somebody is waiting for it. A number is another key than the same one of
 * an actor.
 * Acquire suspends while as many tokens are out as there are, or more. WEIR_ENOMEM: when more have
 * a token, or wait for one, than ever before.
 */
WEIR_API weir_limiter weir_limiter_open(size_t total);
#define weir_limiter_acquire(limiter) weir_limiter_acquire_by((limiter), WEIR_NEVER)
WEIR_API int weir_limiter_acquire_by(weir_limiter limiter, weir_time deadline);
WEIR_API int weir_limiter_try_acquire(weir_limiter limiter);
WEIR_API int weir_limiter_release(weir_limiter limiter);
#define weir_limiter_acquire_for(limiter, key)                                                     \
    weir_limiter_acquire_for_by((limiter), (key), WEIR_NEVER)
WEIR_API int weir_limiter_acquire_for_by(weir_limiter limiter, uint64_t key, weir_time deadline);
WEIR_API int weir_limiter_try_acquire_for(weir_limiter limiter, uint64_t key);
WEIR_API int weir_limiter_release_for(weir_limiter limiter, uint64_t key);
WEIR_API int weir_limiter_resize(weir_limiter limiter, size_t total);

/*
 * weir_limiter_borrowers(l, out, n) - who has a token, in no order: how many that are, of whom the
 *                                     first n are stored. WEIR_EINVAL: a null pointer for some.
 */
typedef struct weir_borrower {
    uint64_t key; /* of an actor its number, as weir_dump() shows it; of a thread 0 */
    bool chosen;  /* by the caller of a form with _for */
} weir_borrower;

WEIR_API int weir_limiter_borrowers(weir_limiter limiter, weir_borrower *out, size_t n);

/* ---- resource guard: who comes second is told so. Row F030 --------------------------------- */

typedef struct weir_exclusive {
    weir_handle h;
} weir_exclusive;

/*
 * weir_exclusive_open  - of a resource that nobody uses.
 * weir_exclusive_begin - use it: 0, or WEIR_EBUSY: somebody does, perhaps the caller. Never waits.
 * weir_exclusive_end   - by who began. WEIR_EPERM: the caller has not.
 */
WEIR_API weir_exclusive weir_exclusive_open(void);
WEIR_API int weir_exclusive_begin(weir_exclusive exclusive);
WEIR_API int weir_exclusive_end(weir_exclusive exclusive);

/* ---- barrier: so many meet. Row F033 ------------------------------------------------------- */

typedef struct weir_barrier {
    weir_handle h;
} weir_barrier;

/*
 * weir_barrier_open(parties)     - for so many; WEIR_EINVAL: 0.
 * weir_barrier_wait(b), _wait_by - wait until so many wait: 1 for who came last, 0 for the others.
 *                                  Then it is as new. Suspends, but for the last one.
 *
 * Who was cancelled or timed out has not come; nobody else's wait is broken by that.
 */
WEIR_API weir_barrier weir_barrier_open(uint32_t parties);
#define weir_barrier_wait(barrier) weir_barrier_wait_by((barrier), WEIR_NEVER)
WEIR_API int weir_barrier_wait_by(weir_barrier barrier, weir_time deadline);

/* ---- rwlock: one writer, or any number of readers. Row F033 -------------------------------- */

typedef struct weir_rwlock {
    weir_handle h;
} weir_rwlock;

/*
 * weir_rwlock_open                     - one that is free.
 * weir_rwlock_read(l), _read_by, _try_read
 *                                      - 0: the caller is one of the readers.
 * weir_rwlock_write(l), _write_by, _try_write
 *                                      - 0: the caller is the writer, alone.
 * weir_rwlock_release                  - by a reader, or by the writer. WEIR_EPERM: there is no
 *                                        reader, and the caller is not the writer.
 *
 * One line for both: readers do not overtake a writer that waits, nor starve. So a reader must
 * not become one again, or the writer, before it has released. Who is the writer and comes
 * again gets WEIR_EDEADLK; readers are counted only. The waiting forms suspend.
 */
WEIR_API weir_rwlock weir_rwlock_open(void);
#define weir_rwlock_read(rwlock) weir_rwlock_read_by((rwlock), WEIR_NEVER)
WEIR_API int weir_rwlock_read_by(weir_rwlock rwlock, weir_time deadline);
WEIR_API int weir_rwlock_try_read(weir_rwlock rwlock);
#define weir_rwlock_write(rwlock) weir_rwlock_write_by((rwlock), WEIR_NEVER)
WEIR_API int weir_rwlock_write_by(weir_rwlock rwlock, weir_time deadline);
WEIR_API int weir_rwlock_try_write(weir_rwlock rwlock);
WEIR_API int weir_rwlock_release(weir_rwlock rwlock);

/* ---- once: done by one, awaited by all. Row F033 ------------------------------------------- */

typedef struct weir_once {
    weir_handle h;
} weir_once;

/*
 * weir_once_open                   - not done yet.
 * weir_once_run(o, run, arg)       - 0 when it is done: run(arg) has returned 0 or more, once, of
 *                                    all the calls. If it fails its caller gets that error, and
 *                                    who waits longest runs it in turn. WEIR_EINVAL: run is
 *                                    null.
 * weir_once_begin(o), _begin_by,
 * _try_begin                       - the same in two steps: 1: do it, and call weir_once_end();
 *                                    0: it is done.
 * weir_once_end(o, result)         - negative: it is not done. WEIR_EPERM: the caller is not at it.
 *
 * WEIR_EDEADLK: the caller is at it. Begin suspends while another one is.
 */
WEIR_API weir_once weir_once_open(void);
WEIR_API int weir_once_run(weir_once once, int (*run)(void *arg), void *arg);
#define weir_once_begin(once) weir_once_begin_by((once), WEIR_NEVER)
WEIR_API int weir_once_begin_by(weir_once once, weir_time deadline);
WEIR_API int weir_once_try_begin(weir_once once);
WEIR_API int weir_once_end(weir_once once, int result);

/* ---- wait-group: until as much has ended as was begun. Row F033 ---------------------------- */

typedef struct weir_waitgroup {
    weir_handle h;
} weir_waitgroup;

/*
 * weir_waitgroup_open      - with the count 0.
 * weir_waitgroup_add(g, n) - n more; WEIR_EINVAL: too many.
 * weir_waitgroup_done      - one less, by whomever; at 0 all that wait wake. WEIR_EPERM: it is 0.
 * weir_waitgroup_wait(g), _wait_by,
 * _try_wait                - until the count is 0, at the moment. Suspends unless it is.
 *
 * Children of a group need none: weir_group_wait().
 */
WEIR_API weir_waitgroup weir_waitgroup_open(void);
WEIR_API int weir_waitgroup_add(weir_waitgroup group, uint32_t n);
WEIR_API int weir_waitgroup_done(weir_waitgroup group);
#define weir_waitgroup_wait(group) weir_waitgroup_wait_by((group), WEIR_NEVER)
WEIR_API int weir_waitgroup_wait_by(weir_waitgroup group, weir_time deadline);
WEIR_API int weir_waitgroup_try_wait(weir_waitgroup group);

/* ---- rate limiter: so often. Row F033 ------------------------------------------------------- */

typedef struct weir_rate {
    weir_handle h;
} weir_rate;

/*
 * weir_rate_open(count, period, burst)
 *     `count` times each `period` ns, evenly, and at most `burst` times at once after a pause; it
 *     begins with a pause. WEIR_EINVAL: one of them is 0 or less, or a whole burst, taken
 *     evenly, would last longer than 2^62 ns.
 * weir_rate_acquire(r), _acquire_by, _try_acquire
 *     0: once more. Suspends until it is time. Who is cancelled or times out has taken no turn
 *     from the others.
 *
 * The times are of the run's clock, so in a simulated run of the virtual one. To who comes with
 * another clock than the one before, it is at worst just used up.
 */
WEIR_API weir_rate weir_rate_open(uint32_t count, weir_time period, uint32_t burst);
#define weir_rate_acquire(rate) weir_rate_acquire_by((rate), WEIR_NEVER)
WEIR_API int weir_rate_acquire_by(weir_rate rate, weir_time deadline);
WEIR_API int weir_rate_try_acquire(weir_rate rate);

/* ---- how they are. Row F031 ---------------------------------------------------------------- */

/*
 * weir_sync_statistics(x, &out) - of a primitive of any kind, at one moment:
 *
 *                value                 limit             holders               owner
 *     event      1: it is set          1
 *     lock       1: it is free         1                 1: somebody       of the lock
 *     semaphore  permits left          max
 *     condition  wait for the lock                       of the lock       of the lock
 *     limiter    tokens to be had      total             tokens out
 *     exclusive  1: nobody uses it     1                 1: somebody       who
 *     barrier    still to come         parties
 *     rwlock     1: it is free         UINT32_MAX        readers, or 1     the writer
 *     once       1: it is done         1                 1: somebody is    who
 *     waitgroup  the count             UINT64_MAX
 *     rate       turns to be had now   burst             1: is next        who is next
 */
typedef struct weir_sync_statistics {
    uint32_t waiting; /* actors and threads in the line */
    uint32_t holders;
    uint32_t owner; /* the number of the actor that holds it, as weir_dump() shows it; 0: none, */
                    /* or a thread */
    uint64_t value, limit;
} weir_sync_statistics;

#define weir_sync_statistics(x, out) weir_sync_statistics_of((x).h, (out))
WEIR_API int weir_sync_statistics_of(weir_handle handle, weir_sync_statistics *out);

/* ---- early return -------------------------------------------------------------------------- */

/* weir_auto(weir_event) and so on: closed when the variable goes out of scope. */
#define WEIR_SYNC_CLEANUP(type)                                                                    \
    static inline WEIR_UNUSED void type##_cleanup(type *x)                                         \
    {                                                                                              \
        (void)weir_close(*x);                                                                      \
    }

WEIR_SYNC_CLEANUP(weir_event)
WEIR_SYNC_CLEANUP(weir_lock)
WEIR_SYNC_CLEANUP(weir_semaphore)
WEIR_SYNC_CLEANUP(weir_condition)
WEIR_SYNC_CLEANUP(weir_limiter)
WEIR_SYNC_CLEANUP(weir_exclusive)
WEIR_SYNC_CLEANUP(weir_barrier)
WEIR_SYNC_CLEANUP(weir_rwlock)
WEIR_SYNC_CLEANUP(weir_once)
WEIR_SYNC_CLEANUP(weir_waitgroup)
WEIR_SYNC_CLEANUP(weir_rate)
#undef WEIR_SYNC_CLEANUP

#ifdef __cplusplus
}
#endif
#endif
