/* SPDX-License-Identifier: MIT */
/*
 * weir/supervisor.h - actors that are started again when they fail.
 *
 *     weir_supervisor sup = weir_supervisor_begin(group, NULL);
 *     weir_supervise_mailbox(sup, counter, &box,
 *                            WEIR_REQUESTS(struct counter, inbox, struct msg, 64),
 *                            &(struct counter){0}, .restart = WEIR_ON_FAILURE);
 *     rc = weir_call(box, &request, &reply, weir_after(WEIR_S));
 *
 * A supervisor is an actor of the group; its children are in a group of its own, and fail alone.
 * It fails itself, and so its group, when they fail too often. The body of a child may begin
 * supervisors in turn: that is a tree, which weir_dump() shows. When a supervisor is cancelled,
 * or stopped, its children end in the reverse order of their start, one after the other.
 *
 * A child that is started again has its argument as it was given, with clones of the same handles.
 * Its mailbox stays: what was not received is received by the next one, and a caller whose
 * request had been received gets WEIR_EPIPE.
 */
#ifndef WEIR_SUPERVISOR_H
#define WEIR_SUPERVISOR_H

#include <weir/call.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_supervisor {
    weir_handle h;
} weir_supervisor;

/* When a child is started again, others are as well: first they are stopped, in reverse order. */
typedef enum weir_strategy {
    WEIR_ONE_FOR_ONE = 0, /* no others */
    WEIR_ONE_FOR_ALL,     /* all */
    WEIR_REST_FOR_ONE     /* those that were added after it */
} weir_strategy;

typedef enum weir_restart {
    WEIR_ON_FAILURE = 0, /* when it ended with an error */
    WEIR_ALWAYS,         /* whenever it ended */
    WEIR_ONCE            /* never */
} weir_restart;

#define WEIR_RESTARTS_MAX 1024u

typedef struct weir_supervisor_options {
    weir_strategy strategy;
    /*
     * More than so many restarts (0: 3) within so long a time (0: 5 s), and the supervisor stops
     * all children and ends with WEIR_ERESTARTS. WEIR_RESTARTS_MAX at most.
     */
    unsigned restarts;
    weir_time within;
    /*
     * Before a restart wait so long, twice as long for each further one of the last `within`, and
     * no longer than `backoff_most` (0: a minute). 0: restart at once.
     */
    weir_time backoff, backoff_most;
    const char *name; /* NULL: "supervisor" */
} weir_supervisor_options;

/*
 * weir_supervisor_begin - begin a supervisor in a group of the caller's or another's, WEIR_RUN
 *                         too. options may be NULL: one for one.
 *
 * Never suspends; whoever may spawn into the group. The handle belongs to the caller;
 * weir_close() closes it and stops nothing. A supervisor ends by itself, with 0, when no child is
 * left and no handle is open. On an error - those of weir_spawn(), WEIR_EINVAL - it is a null
 * handle, and calls on it return that.
 */
WEIR_API weir_supervisor weir_supervisor_begin(weir_group group,
                                               const weir_supervisor_options *options);

/*
 * weir_supervisor_clone - one more handle, the caller's: to pass on. As weir_sender_clone().
 * weir_supervisor_stop  - stop all children, in the reverse order of their start; the supervisor
 *                         ends with 0. Returns when they have ended.
 *
 * stop suspends; any actor or thread but the supervisor's own children, for whose end it would
 * wait. 0; WEIR_EPIPE: it has ended already, or does; WEIR_ECANCELED: it goes on; WEIR_ECLOSED,
 * WEIR_EBADF, WEIR_ENOMEM, WEIR_ENFILE.
 */
WEIR_API weir_supervisor weir_supervisor_clone(weir_supervisor sup);
WEIR_API int weir_supervisor_stop(weir_supervisor sup);

typedef struct weir_child_options {
    const void *arg;  /* as of weir_spawn(): copied, for each start */
    const char *name; /* NULL: the supervisor's */
    weir_own own;     /* the child gets its own clone of each, for each start: up to 7 */
    weir_restart restart;
    /*
     * WEIR_STOP(type, field): a receiver in the argument that ends (a receive returns 0) when the
     * child is to stop. It has `grace` to do so (0: 5 s; WEIR_NEVER), then it is cancelled. A child
     * without it is cancelled at once. Either way the supervisor waits until it has ended.
     */
    weir_own stop;
    weir_time grace;
    int reserved; /* 0 */
} weir_child_options;

#define WEIR_STOP(type, field) WEIR_OFFSETS(type, field)

/*
 * weir_supervise(sup, body, arg, ...)                        - start a child, and supervise it.
 * weir_supervise_mailbox(sup, body, &box, mailbox, arg, ...) - the same for a child with a
 *     mailbox, which lives as long as it is supervised; see weir_spawn_mailbox().
 *
 * Returns when the child has been started. Suspends; any actor or thread. 0, or an error, after
 * which there is no such child: those of weir_spawn() and weir_spawn_mailbox(), WEIR_EINVAL also
 * for a field that is named as two of `own`, the inbox and `stop`; WEIR_EPIPE: the supervisor has
 * ended, or does; WEIR_ECANCELED: perhaps it was started all the same.
 */
#define weir_supervise(sup, body, ...)                                                             \
    weir_supervise_sized((sup), (body), (weir_handle *)0, (const weir_mailbox *)0,                 \
                         WEIR_ARG_SIZE(WEIR_FIRST(__VA_ARGS__, 0)),                                \
                         &(weir_child_options){__VA_ARGS__, .reserved = 0})
#define weir_supervise_mailbox(sup, body, box, mailbox, ...)                                       \
    weir_supervise_sized((sup), (body), &(box)->h, (mailbox),                                      \
                         WEIR_ARG_SIZE(WEIR_FIRST(__VA_ARGS__, 0)),                                \
                         &(weir_child_options){__VA_ARGS__, .reserved = 0})
WEIR_API int weir_supervise_sized(weir_supervisor sup, weir_body body, weir_handle *box,
                                  const weir_mailbox *mailbox, size_t arg_size,
                                  const weir_child_options *options);

#ifdef __cplusplus
}
#endif
#endif
