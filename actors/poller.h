/* SPDX-License-Identifier: MIT */
/*
 * poller.h - where the kernel's events meet a worker: the seam that sockets fill.
 *
 * A worker may have a poller, from when one of its actors installs it until the run is over.
 * The worker calls, on its own thread and outside of all actors,
 *
 *   poll  on each pass of its loop, which is every TICK picks and when nothing is runnable:
 *         deliver what has happened by weir__event_fire(), without waiting and not too much at
 *         a time. Inside an operation.
 *   wait  when it sleeps, in place of the futex: until something has happened, or it is `until`,
 *         or wake() was called. Delivers nothing: the worker does not count as awake yet. Its
 *         thread reads as EPOCH_ASLEEP meanwhile, for which no reclaimer executes a membarrier:
 *         so wait must not go online (thread_online()), enter an operation, fire an event or
 *         touch what others may retire. That is for the poll that follows.
 *
 * and whoever calls the worker while it sleeps, on any thread, maybe after it has woken up,
 *
 *   wake  as the futex wake. Sticky: a wake that comes when the wait has not begun yet ends it
 *         all the same, because the worker announces its sleep, looks once more and only then
 *         begins to wait. One that is too late may end a later wait for nothing.
 *
 * Another worker that watches (worker.c), when ours has not come round to it for a moment, calls
 *
 *   poll_for  as poll, on that worker's thread, maybe at the same time as any of the others.
 *
 * When its run is over, on the thread of weir_run(), inside an operation,
 *
 *   end   nobody will poll or wait any more: what others wait for here they are to wait for
 *         elsewhere. NULL: nobody can.
 *
 * It is released a grace period after its run. docs/protocol.md, "Inject and sleep".
 */
#ifndef WEIR_POLLER_H
#define WEIR_POLLER_H

#include "party.h"

struct poller;

struct poller_ops {
    void (*poll)(struct poller *p, struct thread *t);
    void (*wait)(struct poller *p, weir_time until);
    void (*wake)(struct poller *p);
    void (*release)(struct poller *p); /* nobody uses it any more; maybe on another thread */
    void (*poll_for)(struct poller *p, struct thread *t); /* NULL: nobody else may */
    void (*end)(struct poller *p, struct thread *t);
};

struct poller {
    const struct poller_ops *ops;
};

/* The poller of the calling actor's worker, which may be another one after each suspension. */
struct poller *weir__poller(void);

/* That of some other worker of its run, for who can have none; NULL: there is none. It stays as
 * long as the calling actor.
 */
struct poller *weir__poller_of_another(void);

/*
 * Make p that of the calling actor's worker, and the worker its owner. Never suspends.
 * WEIR_EBUSY: it has one; WEIR_EPERM outside of actors.
 */
int weir__poller_install(struct poller *p);

/*
 * What an actor waits for, {0} at first. It remembers what was fired while nobody waited; what
 * fires it must not outlast it. Its memory is retired (reclaim.h), not freed: who cancels a wait
 * may still be at its lock when that wait is over.
 */
struct event {
    struct waitable waiters;
    int what; /* fired and not yet taken; under the lock */
};

/*
 * Wait for something to be fired; takes and returns all that was, more than 0. Suspends; anybody
 * else who waits at the same time gets the same. WEIR_ETIMEDOUT, WEIR_ECANCELED, and WEIR_EPERM
 * in drop functions: then nothing was taken.
 */
int weir__event_wait(struct event *e, weir_time deadline);

/* A set of bits, more than 0. Any thread, inside an operation, no lock held; never suspends. */
void weir__event_fire(struct event *e, int what);

#endif
