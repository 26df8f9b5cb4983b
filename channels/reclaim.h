/* SPDX-License-Identifier: MIT */
/*
 * reclaim.h - memory is released by quiescent states.
 *
 * An operation on a channel looks up a handle and uses what it finds without counting
 * itself in. So whatever an operation may still see - a handle's slot, a channel, a block -
 * is not reused when it is closed but *retired*, and released one grace period later:
 * when every thread that might have been inside an operation has been outside of one.
 *
 *   - A global epoch. Each thread publishes the epoch it last saw, or while it is outside of
 *     operations (quiescent) EPOCH_OUTSIDE, or EPOCH_ASLEEP.
 *   - A worker publishes at each scheduler pass, while no actor of its is inside an
 *     operation, and EPOCH_ASLEEP while it sleeps: nothing per operation. A plain thread
 *     brackets each operation by two plain stores; outside of them it is EPOCH_OUTSIDE.
 *   - The epoch may advance from e when every other thread has published e: it has read
 *     it, and sees what was unlinked before it was advanced to. Or is outside: but then
 *     whoever advances it executes os_membarrier() first, the partner of the a_light_fence()
 *     in thread_online(), after which a thread that is still outside will see everything
 *     that was closed before. Or is asleep, for which nobody needs a membarrier: it fences
 *     before it enters anything again (thread_awake()). So among workers, which are seldom
 *     outside and awake, membarriers are rare.
 *   - What was retired in epoch e is released when the epoch is e + 3. One step more
 *     than the textbook's two, because the closing store may still sit in the store
 *     buffer of the thread that reads e; it has left it before that thread can publish
 *     e + 1, without which there is no e + 2. So a reader that entered in e + 2 cannot
 *     see the object, and those of e + 1 and before are gone when e + 3 is reached.
 *
 * docs/protocol.md, "Reclamation", has the invariant and the mutations.
 */
#ifndef WEIR_RECLAIM_H
#define WEIR_RECLAIM_H

#include "atomic.h"
#include "compiler.h"
#include "os.h"

struct thread;

/* Embedded in whatever is retired. Releasing returns memory; it calls nothing of users. */
struct retired {
    struct retired *next;
    void (*release)(struct retired *self, struct thread *thread);
};

enum {
    GRACE = 3,
    BAGS = GRACE + 1,
#if defined(WEIR_EXPLORE)
    TRY_EVERY = 2,
    INTERRUPT_NONE_EVERY = 4,
#else
    TRY_EVERY = 32,             /* retired objects, for each thread that runs actors */
    INTERRUPT_NONE_EVERY = 256, /* a membarrier, if need be, while no other runs actors */
#endif
    INTERRUPT_EVERY = 2048 /* the same, and it interrupts these */
};

struct retired_list {
    struct retired *first, *last;
};

struct bag {
    uint64_t epoch;
    struct retired_list list;
};

/* What a thread publishes that is inside of no operation. */
#define EPOCH_OUTSIDE ((uint64_t)0) /* for the moment */
#define EPOCH_ASLEEP UINT64_MAX     /* until it has executed a full fence */

struct reclaim {
    a64 epoch;           /* what this thread publishes */
    uint32_t nesting;    /* plain threads: operations within operations (drop functions) */
    uint32_t pending;    /* retired and not yet released */
    uint32_t left;       /* of them when all was tried last */
    uint32_t tried;      /* the same when less was */
    volatile bool works; /* takes locks, maybe outside of operations: for a child of fork(2) */
    struct bag bags[BAGS];
    struct retired_list due; /* their grace period is over */
};

extern a64 weir__epoch;
extern a32 weir__fence_readers; /* 1: no membarrier here, thread_online() must fence */

/* Release `r` after a grace period, on some thread. Inside an operation or a worker's pass. */
void weir__retire(struct thread *t, struct retired *r,
                  void (*release)(struct retired *, struct thread *));

/*
 * TRY_EVERY objects have been retired since the last time: release what may be, at little cost
 * to the other threads. Outside of operations.
 */
void weir__reclaim_try(struct thread *t);

/* A thread ends: somebody else will release what it retired. */
void weir__reclaim_orphan(struct thread *t);

/* Poll until nothing is left, or somebody is in the way. True when nothing is left. */
bool weir__reclaim_all(struct thread *t);

/*
 * The same for an end, of a run or of the process: who is in the way is so for a moment, and is
 * waited for, for a tenth of a second at most. So descriptors are closed, and leak checkers, which
 * do not look into the table of handles, find what is held by it only if it leaked.
 */
void weir__reclaim_soon(struct thread *t);

#endif
