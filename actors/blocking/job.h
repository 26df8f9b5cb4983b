/* SPDX-License-Identifier: MIT */
/*
 * job.h - one function to be run on a thread, its argument and its result, and who waits for it.
 *
 *   QUEUED     a thread is on its way to it
 *   RUNNING    the thread is in it
 *   DONE       the result is there, and the caller will be told
 *   WITHDRAWN  the caller has left before it began: it never runs
 *
 *   QUEUED -> RUNNING -> DONE   the thread
 *   QUEUED -> WITHDRAWN         the caller; so one of the two decides, under the lock
 *
 * A caller that leaves while it is RUNNING marks it abandoned: then the result is the thread's, and
 * it drops it. The record is the caller's and the thread's, whoever needs it longer; and who
 * cancels may still look at it a grace period later.
 */
#ifndef WEIR_JOB_H
#define WEIR_JOB_H

#include <weir/blocking.h>

#include "actor.h"
#include "crew.h"

enum job_state { QUEUED, RUNNING, DONE, WITHDRAWN };

struct job {
    struct waitable done; /* its lock is for all of this */
    a8 cancelled;         /* the thread may ask: the caller does not want it any more */
    bool abandoned;       /* there is no caller */
    uint8_t refs;
    enum job_state state;
    int rc; /* what `work` returned */
    struct crew *crew;
    /* That `work` waits for, through a portal: the caller's cancellation is its. */
    struct task *call;
    weir_work work;
    void (*drop)(void *result);
    /* Constant: the class whose place the thread gives back if it is abandoned; 0: the caller. */
    weir_handle keeps;
    /*
     * By the caller, who is not wanted any more while it runs, and may not abandon it: cut it
     * short. True: it comes to nothing, and it ends soon. NULL: it is waited for.
     */
    bool (*interrupt)(void *arg);
    void **own;         /* what its thread keeps */
    void *arg, *result; /* NULL: none; else behind this, or, of no size, as it was given */
    size_t bytes, result_size;
    weir_time asked, begun;
    struct retired retired;
};

/* NULL: no memory. Free it, or give it to a thread and then leave it. */
struct job *weir__job_new(weir_work work, size_t result_size, size_t arg_size,
                          const weir_blocking_options *o);
void weir__job_free(struct job *j);
void weir__job_unref(struct party *self, struct job *j);

/*
 * By a thread of the crew, outside of operations: if it is still wanted. True: it has a caller, who
 * is to be told by weir__job_complete().
 */
bool weir__job_run(struct party *self, struct job *j, void **own);
void weir__job_complete(struct party *self, struct job *j);
/* The same without running it, inside an operation: this is its error. */
void weir__job_refuse(struct party *self, struct job *j, int error);

/*
 * By the caller, whose wait for it came to nothing. True: it has left, and must not touch the
 * result. False: it runs, or is done, and has to be waited for.
 */
bool weir__job_leave(struct party *self, struct job *j, bool abandon);

/*
 * By the thread of a job, inside an operation: it waits for this task from now on, NULL: for none.
 * WEIR_ECANCELED: the job is not wanted any more, and it is not to wait.
 */
int weir__job_call(struct job *j, struct task *t);

/* Is the calling thread in a job that is not wanted any more? */
bool weir__job_cancelled(void);

/* In a job: what its thread keeps. */
void **weir__job_own(void);

#endif
