/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what weir_dump() and debuggers know of an actor, kept up to date all the time.
 *
 * Each park, wake and switch leaves one or two plain stores here, so that anybody may look
 * at any time, without a lock and without being noticed:
 *
 *   moved   twice the number of switches to the actor, less one while it runs: odd. Written
 *           by the worker that it runs on.
 *   what    what it is in, and for what: enum what in the low bits of a pointer. Written by
 *           the actor before it leaves, and at its birth and end.
 *   woken   the low half of `moved` in which it was woken, and the id of who did it. Written
 *           by the waker before the actor is queued.
 *   since   the worker's clock when it left
 *
 * It is parked when `moved` is even and `woken` is of another park. Who reads takes `moved`
 * twice, before and after the rest, as with a sequence lock; and looks from inside an
 * operation: then what it saw a parked actor wait for stays allocated until it leaves,
 * because the waker's operation, in which `woken` is written, began before the thing was
 * retired (reclaim.h).
 */
#ifndef WEIR_TRACE_H
#define WEIR_TRACE_H

#include <stdint.h>

#include <weir/channel.h>

#include "atomic.h"

enum what {
    NOBODY = 0, /* the record is free */
    FRESH,      /* has never run */
    YIELDED,    /* stays runnable */
    IN_RECV,    /* of a struct chan */
    IN_SEND,    /* the same */
    IN_GROUP,   /* waits for the end of a struct group */
    IN_SLEEP,
    IN_SELECT,
    IN_TASK,   /* waits for its start or end */
    IN_SETTLE, /* waits until all others are parked */
    IN_EVENT,  /* of the kernel: poller.h */
    IN_OTHER,  /* whatever else somebody outside will end */
    IN_TICK,   /* of a struct chan that the clock feeds */
    IN_SYNC,   /* in the line of a struct sync */
    IN_NAME,   /* waits until a name is registered */
    WHAT_KIND = 15,
    WHAT_TIMED = 16, /* or until a deadline */
    WHAT_BITS = 31   /* what is pointed to is aligned more than that */
};

#if defined(WEIR_EXPLORE)
/* No choice points: in no model does anybody look. */
#define TRACE_LOAD(x) ((x)->v)
#define TRACE_STORE(kind, x, value) ((void)((x)->v = (value)))
#define TRACE_RELEASE(kind, x, value) ((void)((x)->v = (value)))
#else
#define TRACE_LOAD(x) a64_load(x)
#define TRACE_STORE(kind, x, value) kind##_store((x), (value))
#define TRACE_RELEASE(kind, x, value) kind##_store_release((x), (value))
#endif

struct trace {
    a64 moved;
    aptr what;
    a64 woken;
    a32 since;       /* trace_clock() */
    uint32_t parent; /* the id of who spawned it; constant */
};

/* In units of 2^20 ns, a little more than a millisecond; modulo 2^32. */
static inline uint32_t trace_clock(weir_time now)
{
    return (uint32_t)((uint64_t)now >> 20);
}

/* The actor is about to leave, and will say so with trace_leave(). */
static inline void trace_wait(struct trace *t, unsigned kind, const void *target)
{
    TRACE_STORE(aptr, &t->what, (char *)(uintptr_t)target + kind);
}

/* The same for what is no channel and no group: only a lock, at any address. */
static inline void trace_wait_on(struct trace *t, unsigned kind, const void *lock)
{
    TRACE_STORE(aptr, &t->what, (void *)(((uintptr_t)lock & ~(uintptr_t)WHAT_BITS) | kind));
}

/* Was the last wait on this lock announced? Then its kind; else IN_OTHER. */
static inline unsigned trace_kind_on(const struct trace *t, const void *lock)
{
    uintptr_t what = (uintptr_t)aptr_load(&t->what);
    bool same = !((what ^ (uintptr_t)lock) & ~(uintptr_t)WHAT_BITS);
    return same ? what & WHAT_KIND : IN_OTHER;
}

/* Release: whoever sees the actor parked sees `what` and what it points to. */
static inline void trace_leave(struct trace *t, uint32_t clock)
{
    TRACE_STORE(a32, &t->since, clock);
    TRACE_RELEASE(a64, &t->moved, TRACE_LOAD(&t->moved) + 1);
}

/* Release: whoever sees that it has run sees its stack. */
static inline void trace_resume(struct trace *t)
{
    TRACE_RELEASE(a64, &t->moved, TRACE_LOAD(&t->moved) + 1);
}

/* `waker` 0: a deadline. Release: the waker's operation began before. */
static inline void trace_wake(struct trace *t, uint32_t waker)
{
    TRACE_RELEASE(a64, &t->woken, TRACE_LOAD(&t->moved) << 32 | waker);
}

/* Release: whoever sees it sees the name, the group and the id. */
static inline void trace_begin(struct trace *t, uint32_t parent)
{
    TRACE_STORE(a64, &t->moved, 0);
    TRACE_STORE(a64, &t->woken, 0);
    t->parent = parent;
    TRACE_RELEASE(aptr, &t->what, (void *)(uintptr_t)FRESH);
}

static inline void trace_end(struct trace *t)
{
    TRACE_RELEASE(aptr, &t->what, NULL);
}

#endif
