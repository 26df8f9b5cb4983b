/* SPDX-License-Identifier: MIT */
/*
 * weir/actor.h - actors: bodies of plain sequential C that are parked inside weir_recv.
 *
 * weir_run() runs a first actor and all that it spawns, on the calling thread and as many
 * others as are worth while, until the last has returned. An actor owns the handles that it made or
 * was given; what it still owns when its body returns is closed, as descriptors are at exit.
 * Channels connect actors with each other and with plain threads.
 *
 * After each call that suspends an actor may go on on another thread. What is a thread's does
 * not follow it: thread-local variables, mutexes that are held. errno's value does, but not its
 * address, which compilers keep: read it before the next such call. An actor that is spawned
 * `pinned` stays on one thread, among others. In a child of fork(2) no run goes on, and each call
 * is WEIR_EPERM until exec: see weir_run().
 */
#ifndef WEIR_ACTOR_H
#define WEIR_ACTOR_H

#include <weir/channel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What an actor runs. 0 or a positive result is success, a negative one a failure. */
typedef int (*weir_body)(void *arg);

typedef struct weir_group {
    weir_handle h;
} weir_group;

/* A child that was asked for; see weir/task.h. */
typedef struct weir_task {
    weir_handle h;
} weir_task;

/* ---- the runtime ------------------------------------------------------------------- */

/* How guard pages below the stacks are made; each also tries the ones after it. */
typedef enum weir_guard {
    WEIR_GUARD_BEST = 0, /* MADV_GUARD_INSTALL where the kernel has it */
    WEIR_GUARD_PROTECT,  /* mprotect, up to vm.max_map_count */
    WEIR_GUARD_CANARY    /* a word at the low end, checked when the actor is switched out */
} weir_guard;

typedef struct weir_options {
    /*
     * Threads that run actors, the caller of weir_run() among them; 256 at most, and fewer
     * where no more threads can be had. 0: what the environment says in WEIR_WORKERS; without
     * that as many as the process may use, by its affinity mask and its cgroups' quotas of time.
     */
    unsigned workers;
    /*
     * Bytes of each actor's stack, guard included, 16384 to 2^30, rounded up to a power
     * of 2. 0: 65536; 131072 on aarch64, where a guard takes 65536.
     */
    size_t stack_size;
    weir_guard guard;   /* where to start on the ladder */
    bool strict_guards; /* a stack without a guard page is WEIR_ESTACK instead of a canary */
    /*
     * An actor that overflows its stack kills the process by SIGSEGV (with a canary, by
     * SIGABRT). Before it dies one line on standard error names the actor and the size;
     * for that weir_run() has a SIGSEGV handler while it lasts, if the program has none.
     * true: no handler and no line.
     */
    bool no_overflow_report;
    /*
     * true: one worker, an order that is drawn from `seed`, and virtual time, so that the same
     * seed gives the same run; weir/simulate.h. WEIR_SEED in the environment overrides it.
     * WEIR_EINVAL with more workers, and by weir_start().
     */
    bool simulate;
    uint64_t seed;
} weir_options;

/*
 * weir_run - run `body(arg)` as the first actor, and everything it spawns. Row F001.
 *
 * Returns when the last actor has returned, with the first actor's result, or with the
 * first failure of an actor in the run's own group if the first actor succeeded. `arg`
 * is passed as it is. options may be NULL.
 * The calling thread is one of the workers until then; each runs actors on its own, and
 * takes some from the others when it has none. WEIR_EBUSY inside an actor, while another
 * thread is in weir_run, and between weir_start and weir_stop; WEIR_EPERM in a drop function;
 * WEIR_EINVAL for a null body or options out of range; WEIR_ENOMEM; WEIR_ESTACK (strict_guards);
 * WEIR_EDEADLK (simulate).
 *
 * fork() while a run is under way, while a thread is inside a call of weir's (it may wait there),
 * or while a descriptor is watched for plain threads (one has waited for it, and it is open): the
 * child has none of the other threads. There each call that takes a handle, gives one out or may
 * wait is WEIR_EPERM, closing too, and changes nothing; the parent does not notice. The child may
 * exec or _exit(), and must not return from an actor's body, or a drop function. In any other child
 * weir works, with what was open when it was forked.
 */
WEIR_API int weir_run(weir_body body, void *arg, const weir_options *options);

/*
 * For a program that has a main loop of its own: a run on threads of weir's beside it.
 *
 * weir_start  - as weir_run(), but all workers are threads of weir's own, and it returns when
 *               the first actor is there, which may run later: what `arg` points to has to last.
 *               The program talks to the actors by channels that it opens before, and waits for
 *               them in its loop: weir_receiver_fd(). Signals are left to its own threads: weir's
 *               block all but those of faults.
 * weir_run_fd - a descriptor that is readable when the run is over, that is, when its last
 *               actor has ended: weir_stop() then does not wait. It is the caller's to close, as
 *               that of weir_receiver_fd(), before or after weir_stop().
 * weir_stop   - cancel all actors, for a reason of up to 31 bytes or NULL (weir/scope.h); wait
 *               until the last has ended; the result that weir_run() would have returned, 0 if the
 *               first actor returned WEIR_ECANCELED because of this cancellation. An actor
 *               that is shielded, or does not return when it is cancelled, is waited for, as
 *               long as it takes.
 *
 * Each weir_start() that succeeded needs a weir_stop(), also when its run is over; until then
 * there can be no other run. weir_stop() may be called by another thread than started it. A
 * process may also exit without it.
 * None suspends an actor. weir_start: WEIR_EINVAL (also for options.simulate), WEIR_ENOMEM,
 * WEIR_EPERM and WEIR_EBUSY as weir_run(), WEIR_EMFILE. weir_run_fd, by anyone: WEIR_EPERM when
 * nothing was started, WEIR_EMFILE. weir_stop: WEIR_EPERM when nothing was started and in drop
 * functions, WEIR_EDEADLK in an actor and in what runs for one (weir/blocking.h), WEIR_EBUSY while
 * another thread is in it, WEIR_ENOMEM.
 */
WEIR_API int weir_start(weir_body body, void *arg, const weir_options *options);
WEIR_API int weir_run_fd(void);
WEIR_API int weir_stop(const char *reason);

/* ---- spawn --------------------------------------------------------------------------- */

/*
 * Which handles in the argument become the child's own: the offsets of the fields. The
 * macros WEIR_OWN and WEIR_GIVE are initialisers: for weir_spawn() and for declarations.
 */
typedef struct weir_own {
    unsigned count;
    unsigned offset[8];
} weir_own;

typedef struct weir_spawn_options {
    const void *arg;  /* the body's argument */
    const char *name; /* for reports; copied, up to 15 bytes; NULL: the parent's */
    weir_own own;     /* WEIR_OWN(type, field...): the child gets its own clone of each */
    weir_own give;    /* WEIR_GIVE(type, field...): the handle itself moves to the child: of an end,
                         a primitive, a future, a class of blocking calls */
    weir_task *task;  /* where its handle is wanted, see weir/task.h; NULL: nowhere */
    /*
     * true: it stays on the worker of its parent, or on which it is first queued, and so on one
     * thread: for bodies that use thread-local variables of their own.
     */
    bool pinned;
    bool isolated; /* its failure cancels nobody and is not its group's: for weir/monitor.h */
    int reserved;  /* 0 */
} weir_spawn_options;

/*
 * weir_spawn(group, body, arg, ...) - start a child. Rows F002, F003.
 *
 * group  a group that the calling actor or another began; WEIR_RUN: the run's own
 * arg    a pointer to a struct, which is copied: the child's body gets the address of
 *        its own copy. A `void *` (NULL, or a pointer cast to it) is passed as it is: of a
 *        string or an array, the first element would be copied.
 * ...    fields of weir_spawn_options:
 *
 *     weir_spawn(g, count, &a, .name = "count", .own = WEIR_OWN(struct args, rx, tx));
 *     weir_spawn(g, add, &((struct pair){40, 2}));
 *
 * The parentheses are the preprocessor's, to whom the literal's comma is between two arguments; so
 * for each macro that takes a pointer.
 *
 * The child never runs inside of weir_spawn(), but may run on another worker before it
 * returns; with one worker not before the caller is next parked, yields or returns. Handles go
 * to the child all or none: on an error nothing has changed. A child that finds no
 * memory for its stack when it first runs ends with WEIR_ENOMEM (WEIR_ESTACK).
 *
 * Never suspends; from actors, and from plain threads into a group (WEIR_RUN there: WEIR_EPERM).
 * 0, WEIR_ENOMEM, WEIR_ENFILE, WEIR_EBADF or
 * WEIR_ECLOSED (a group or handle), WEIR_EBUSY (clone of a declared single end: give
 * it; or `give` of a handle that another actor owns), WEIR_EINVAL (a null body, more than
 * WEIR_ARG_MAX bytes, an offset outside of the argument, a field to own as well as to give).
 *
 * weir_spawn_sized - the same as a function, for C++ and other languages: `arg_size` bytes of
 *                    options->arg are copied; 0: it is passed as it is.
 */
#define WEIR_ARG_MAX ((size_t)4096)
#if defined(__cplusplus)
#define WEIR_RUN (weir_group{0})
#else
#define WEIR_RUN ((weir_group){0})
#endif

#define weir_spawn(group, body, ...)                                                               \
    weir_spawn_sized((group), (body), WEIR_ARG_SIZE(WEIR_FIRST(__VA_ARGS__, 0)),                   \
                     &(weir_spawn_options){__VA_ARGS__, .reserved = 0})
WEIR_API int weir_spawn_sized(weir_group group, weir_body body, size_t arg_size,
                              const weir_spawn_options *options);

#define WEIR_FIRST(first, ...) first

/* 0 for a void pointer, else the size of what `arg` points to. */
#define WEIR_ARG_SIZE(arg)                                                                         \
    _Generic((arg), void *                                                                         \
             : (size_t)0, const void *                                                             \
             : (size_t)0, default                                                                  \
             : sizeof *_Generic((arg), void * : "", const void * : "", default : (arg)))

#define WEIR_OWN(...) WEIR_OFFSETS(__VA_ARGS__)
#define WEIR_GIVE(...) WEIR_OFFSETS(__VA_ARGS__)

/* ---- groups ---------------------------------------------------------------------------- */

/*
 * weir_group_begin    - a group for children; it belongs to the calling actor.
 * weir_group_end      - wait until every child of the group has returned. Row F002.
 * weir_group_end_with - the same, with the result of what the owner did by itself: an error
 *                       cancels the children, and counts as the failure of one of them; but for
 *                       WEIR_ECANCELED, if there is another one, which has caused it.
 *
 * begin never suspends; on an error (WEIR_EPERM outside of actors and in drop functions,
 * WEIR_ENOMEM, WEIR_ENFILE) the result is a null handle, and end and spawn return that error.
 * end and end_with suspend; by the actor that began the group (WEIR_EBUSY for another). Return the
 * first failure among the children; else WEIR_ECANCELED if a scope around the group is
 * cancelled; else 0, or `result` (which an error is also if there is no group to end). Then the
 * handle is closed. WEIR_EPERM while a scope that was begun later is open; groups may end in any
 * order. A child may spawn into the group as long as it is not empty. A body that returns with a
 * group open cancels it, waits for it, and is reported as misuse.
 *
 * A child that returns a negative result has failed, and cancels the group: the other
 * children, and its owner's waits until the end of the group, get WEIR_ECANCELED (row F006;
 * weir/scope.h says what that is). Only a child that returns WEIR_ECANCELED because it was
 * cancelled has not failed (F007). A child that is spawned into a cancelled group runs to
 * its first wait (F003). Only weir_stop() cancels the run's own group.
 */
#define weir_group_begin() weir_group_begin_here(__FILE__, __LINE__)
WEIR_API weir_group weir_group_begin_here(const char *file, unsigned line);
WEIR_API int weir_group_end(weir_group group);
WEIR_API int weir_group_end_with(weir_group group, int result);

/*
 * weir_group_wait   - as weir_group_end(), but the group stays open, so that its errors can
 *                     be asked for.
 * weir_group_error  - the error of the i-th child that failed, in the order of failing, from 0:
 *                     1, or 0 when no more have, or were kept: the first 1024 are, until the
 *                     end of the group. Row F007.
 * weir_group_cancel - cancel the children, and the owner's waits until the group's end, which
 *                     swallows it. For a reason of up to 31 bytes, or NULL. Row F008.
 *
 * wait suspends, and is the owner's, as end. The others never suspend; any actor or thread.
 * WEIR_ECLOSED, WEIR_EBADF, WEIR_ENOMEM; WEIR_EINVAL for a null `out`.
 */
typedef struct weir_failure {
    int error;
    char name[16]; /* of the child */
} weir_failure;

WEIR_API int weir_group_wait(weir_group group);
WEIR_API int weir_group_error(weir_group group, unsigned i, weir_failure *out);
WEIR_API int weir_group_cancel(weir_group group, const char *reason);

/* ---- the calling actor ------------------------------------------------------------------ */

/*
 * weir_yield - let the other runnable actors of this worker run first. Suspends. Row F021.
 * 0; WEIR_ECANCELED if the caller was cancelled before, after it has let the others run as well
 * (what cancels it while they run is told by its next call); WEIR_EPERM outside of actors and in
 * drop functions.
 */
WEIR_API int weir_yield(void);

/*
 * weir_sleep       - for `duration` ns.
 * weir_sleep_until - until a point of the monotonic clock, as from weir_after(). Row F020.
 *
 * Suspend: an actor is parked and costs its worker nothing until then; a plain thread sleeps.
 * A time that has passed is a yield. 0; WEIR_ECANCELED (when the actor is cancelled, at once);
 * WEIR_EPERM in a drop function; WEIR_ENOMEM on a plain thread's first use of weir.
 */
WEIR_API int weir_sleep(weir_time duration);
WEIR_API int weir_sleep_until(weir_time deadline);

/*
 * weir_actor_name - the calling actor's name; "" outside of actors. Never suspends. The
 * string lives as long as the actor.
 */
WEIR_API const char *weir_actor_name(void);

/* ---- WEIR_OFFSETS(type, field...) : 1 to 8 fields ---------------------------------------- */

#define WEIR_OFFSETS(...)                                                                          \
    WEIR_OFFSETS_PICK(__VA_ARGS__, WEIR_OFFSETS_8, WEIR_OFFSETS_7, WEIR_OFFSETS_6, WEIR_OFFSETS_5, \
                      WEIR_OFFSETS_4, WEIR_OFFSETS_3, WEIR_OFFSETS_2, WEIR_OFFSETS_1, 0)           \
    (__VA_ARGS__)
#define WEIR_OFFSETS_PICK(t, a, b, c, d, e, f, g, h, name, ...) name
#define WEIR_OFFSET(t, f) ((unsigned)offsetof(t, f))
#define WEIR_OFFSETS_1(t, a)                                                                       \
    {                                                                                              \
        1,                                                                                         \
        {                                                                                          \
            WEIR_OFFSET(t, a)                                                                      \
        }                                                                                          \
    }
#define WEIR_OFFSETS_2(t, a, b)                                                                    \
    {                                                                                              \
        2,                                                                                         \
        {                                                                                          \
            WEIR_OFFSET(t, a), WEIR_OFFSET(t, b)                                                   \
        }                                                                                          \
    }
#define WEIR_OFFSETS_3(t, a, b, c)                                                                 \
    {                                                                                              \
        3,                                                                                         \
        {                                                                                          \
            WEIR_OFFSET(t, a), WEIR_OFFSET(t, b), WEIR_OFFSET(t, c)                                \
        }                                                                                          \
    }
#define WEIR_OFFSETS_4(t, a, b, c, d)                                                              \
    {                                                                                              \
        4,                                                                                         \
        {                                                                                          \
            WEIR_OFFSET(t, a), WEIR_OFFSET(t, b), WEIR_OFFSET(t, c), WEIR_OFFSET(t, d)             \
        }                                                                                          \
    }
#define WEIR_OFFSETS_5(t, a, b, c, d, e)                                                           \
    {                                                                                              \
        5,                                                                                         \
        {                                                                                          \
            WEIR_OFFSET(t, a), WEIR_OFFSET(t, b), WEIR_OFFSET(t, c), WEIR_OFFSET(t, d),            \
                WEIR_OFFSET(t, e)                                                                  \
        }                                                                                          \
    }
#define WEIR_OFFSETS_6(t, a, b, c, d, e, f)                                                        \
    {                                                                                              \
        6,                                                                                         \
        {                                                                                          \
            WEIR_OFFSET(t, a), WEIR_OFFSET(t, b), WEIR_OFFSET(t, c), WEIR_OFFSET(t, d),            \
                WEIR_OFFSET(t, e), WEIR_OFFSET(t, f)                                               \
        }                                                                                          \
    }
#define WEIR_OFFSETS_7(t, a, b, c, d, e, f, g)                                                     \
    {                                                                                              \
        7,                                                                                         \
        {                                                                                          \
            WEIR_OFFSET(t, a), WEIR_OFFSET(t, b), WEIR_OFFSET(t, c), WEIR_OFFSET(t, d),            \
                WEIR_OFFSET(t, e), WEIR_OFFSET(t, f), WEIR_OFFSET(t, g)                            \
        }                                                                                          \
    }
#define WEIR_OFFSETS_8(t, a, b, c, d, e, f, g, h)                                                  \
    {                                                                                              \
        8,                                                                                         \
        {                                                                                          \
            WEIR_OFFSET(t, a), WEIR_OFFSET(t, b), WEIR_OFFSET(t, c), WEIR_OFFSET(t, d),            \
                WEIR_OFFSET(t, e), WEIR_OFFSET(t, f), WEIR_OFFSET(t, g), WEIR_OFFSET(t, h)         \
        }                                                                                          \
    }

#ifdef __cplusplus
}
#endif
#endif
