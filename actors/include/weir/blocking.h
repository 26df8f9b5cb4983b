/* SPDX-License-Identifier: MIT */
/*
 * weir/blocking.h - functions that block: on threads of their own, while the actor is parked.
 *
 *     static int look_up(void *arg, void *result)         on some thread, with a large stack
 *     {
 *         const struct query *q = arg;                    a copy of the caller's
 *         ...
 *         return getaddrinfo(q->host, ...);
 *     }
 *
 *     rc = weir_blocking_call(look_up, &answer, &query, .deadline = weir_after(WEIR_S));
 *
 * Threads are started as they are wanted, up to the limit of the calls' class. One that has nothing
 * to do is used again, the most recently used one first, ends after 10 s, and at the latest at the
 * end of the run. A class has a limit and a line of its own, so slow calls of one kind do not keep
 * those of another kind waiting:
 *
 *     weir_auto(weir_blocking) dns = weir_blocking_open(8);
 *     rc = weir_blocking_call(look_up, &answer, &query, .in = dns);
 */
#ifndef WEIR_BLOCKING_H
#define WEIR_BLOCKING_H

#include <weir/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A class of calls. */
typedef struct weir_blocking {
    weir_handle h;
} weir_blocking;

/*
 * What blocks. `arg` is a copy of the caller's, and *result is copied to the caller; it is all
 * zero at first. Both are NULL where the caller has none. It runs on a plain thread, on which all
 * signals but those of faults are blocked, and may use channels, primitives and portals as such;
 * for the run to end it has to return: weir_stop() is WEIR_EDEADLK. Between its steps it may ask
 * weir_cancelled(), which is true as soon as its caller is cancelled or its deadline has passed.
 * Row F130.
 */
typedef int (*weir_work)(void *arg, void *result);

typedef struct weir_blocking_options {
    const void *arg;    /* as of weir_spawn(): what it points to is copied; a `void *` is not */
    weir_blocking in;   /* the class; none: weir_blocking_default() */
    weir_time deadline; /* 0 or WEIR_NEVER: none */
    /*
     * true: who is cancelled, or whose deadline passes, leaves at once, also while `work` runs. It
     * runs on and its result is dropped. Row F127.
     */
    bool abandon;
    /* Such a result, if `work` returned 0 or more; on its thread. NULL: nothing to do. */
    void (*drop)(void *result);
    /*
     * true: who abandons leaves the place in the class behind, until `work` returns; so no more
     * than the class's limit of it ever run. Row F128.
     */
    bool keep;
    int reserved; /* 0 */
} weir_blocking_options;

/*
 * weir_blocking_call(work, result, arg, ...) - work(arg, result) on a thread; what it returned.
 *     Row F127.
 *
 * result  where to; what it points to has to be plain data. (void *)NULL: no result
 * arg     and ...: fields of weir_blocking_options
 *
 * Suspends. If the caller is cancelled, or the deadline passes, before `work` has begun, then it
 * never runs, and WEIR_ECANCELED or WEIR_ETIMEDOUT is returned. Once it runs it is waited for, and
 * what it returned is returned, unless `abandon` is set. As long as the caller is in here it takes
 * one place in its class; who abandons frees the place, though the thread runs on, unless `keep`
 * is set.
 *
 * A plain thread runs it itself, at once, whatever the class's limit; there weir_cancelled() tells
 * nothing. So does an actor of a simulated run, after others may have had a turn: `work` must not
 * wait for anybody (it gets WEIR_EPERM), takes no time of the run's, and the same seed gives the
 * same run if it does nothing else than the last time.
 *
 * WEIR_ENOMEM: no memory, or no thread to be had; then `work` has not run. WEIR_EINVAL (a null
 * `work`, an argument or result of more than WEIR_ARG_MAX bytes, or a null pointer to one),
 * WEIR_ECLOSED, WEIR_EBADF (the class), WEIR_EPERM (in drop functions).
 */
#define weir_blocking_call(work, result, ...)                                                      \
    weir_blocking_call_sized((work), (result), WEIR_ARG_SIZE(result),                              \
                             WEIR_ARG_SIZE(WEIR_FIRST(__VA_ARGS__, 0)),                            \
                             &(weir_blocking_options){__VA_ARGS__, .reserved = 0})
WEIR_API int weir_blocking_call_sized(weir_work work, void *result, size_t result_size,
                                      size_t arg_size, const weir_blocking_options *options);

/*
 * weir_blocking_open(limit)      - a class of which at most so many run at a time; 0: none, until
 *                                  it is resized. Close it with weir_close(): who waits in its
 *                                  line gets WEIR_ECLOSED; what runs, runs on.
 * weir_blocking_default          - the one of calls that name none: of the run, limit 512.
 *                                  WEIR_EPERM outside of actors, and when it is closed.
 * weir_blocking_resize(b, limit) - if more run than that, none begins before enough have ended.
 *                                  0, WEIR_ECLOSED, WEIR_EBADF, WEIR_ENOMEM.
 *
 * Never suspend; any actor or thread. A null handle carries the error: WEIR_ENOMEM, WEIR_ENFILE.
 */
WEIR_API weir_blocking weir_blocking_open(uint32_t limit);
WEIR_API weir_blocking weir_blocking_default(void);
WEIR_API int weir_blocking_resize(weir_blocking blocking, uint32_t limit);

/*
 * weir_blocking_statistics_of(b, &out) - how it is. Row F128. Never suspends; any actor or thread.
 * 0, WEIR_EINVAL (a null `out`), WEIR_ECLOSED, WEIR_EBADF, WEIR_ENOMEM.
 */
#define WEIR_BLOCKING_BUCKETS 24

typedef struct weir_blocking_statistics {
    uint32_t limit, running, waiting;  /* of the class: places that are taken; in the line */
    uint32_t threads, idle, abandoned; /* of all classes: threads; those that run what nobody */
                                       /* waits for */
    uint64_t calls;                    /* of the class, that have begun and been left */
    /* Of these, how long from the call to the beginning: [i] less than 2^i us, or longer: [23]. */
    uint64_t queued[WEIR_BLOCKING_BUCKETS];
} weir_blocking_statistics;

WEIR_API int weir_blocking_statistics_of(weir_blocking blocking, weir_blocking_statistics *out);

/* weir_auto(weir_blocking) */
static inline WEIR_UNUSED void weir_blocking_cleanup(weir_blocking *blocking)
{
    (void)weir_handle_close(blocking->h);
}

#ifdef __cplusplus
}
#endif
#endif
