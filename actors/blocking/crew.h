/* SPDX-License-Identifier: MIT */
/*
 * crew.h - the threads on which jobs run: started when there is none idle, the one that became
 * idle last is used first, and who has been idle for long goes. There are two crews: that of
 * blocking calls, and one whose threads have a worker process each (processes/process.c).
 *
 * A thread of a crew is
 *
 *   BUSY   it has a job, which only it and the job's caller know
 *   IDLE   in the list, under the crew's lock, asleep on `told`
 *   GOING  it has been taken out of the list, or has not come back to it: nobody gives it a job
 *
 *   IDLE -> BUSY   weir__crew_give(), under the lock: who takes it out of the list tells it
 *   IDLE -> GOING  at the end of the run, in the same way; or, when it has been idle for long, by
 *                  itself: if it finds itself in the list. Else somebody is about to tell it.
 *   BUSY -> IDLE   while there is a run, else BUSY -> GOING; before it completes its job, so that
 *                  the caller's next job finds it. What that gives it waits until it has done so.
 *
 * Only actors give jobs, so none is given when the run has ended; and a thread that comes back at
 * that moment sees `open`, or is seen in the list. The run's end waits until all have gone that
 * do not run what nobody waits for (`stuck`). Those go by themselves later, or are of the crew of
 * the next run.
 */
#ifndef WEIR_CREW_H
#define WEIR_CREW_H

#include <weir/channel.h>

#include "atomic.h"

struct hand;
struct job;

struct crew_counts {
    uint32_t threads, idle, stuck;
};

struct crew {
    weir_time patience; /* idle for so long: then it goes */
    /*
     * A thread keeps something of its own from job to job (job.h, `own`), which is given up here
     * when it goes. Without it, it goes after a job. NULL: threads have nothing of their own.
     */
    void (*give_up)(void *own);
    a32 lock; /* a leaf; for all below */
    bool open, closing;
    struct hand *newest; /* of the idle */
    struct hand *gone;   /* to be joined; while closing */
    struct crew_counts count;
    a32 changes; /* of the counts, for who closes, who sleeps on it */
};

/* Around a run, outside of operations: nothing of it runs afterwards but what was abandoned. */
void weir__crew_open(struct crew *c);
void weir__crew_close(struct crew *c);

/* By an actor: 0, then a thread calls weir__job_run(); or WEIR_ENOMEM. */
int weir__crew_give(struct crew *c, struct job *j);

/* One more (1) thread runs what nobody waits for, or one less (-1). */
void weir__crew_stuck(struct crew *c, int more);

struct crew_counts weir__crew_counts(struct crew *c);

#endif
