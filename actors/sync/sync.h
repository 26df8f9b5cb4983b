/* SPDX-License-Identifier: MIT */
/*
 * sync.h - what all synchronisation primitives are made of: an object with a handle, a lock and
 * a line of those who wait, first come first served.
 *
 * A primitive is some fields behind a struct sync and, for each of its calls, one function that
 * runs under the lock. An *attempt* is of those who may wait: it takes what is wanted, or
 * answers PARK, and the caller joins the line. A *change* is of those who give something back:
 * it hands what there is now to who waits, with sync_hand().
 *
 * What is handed over is the receiver's from that moment, under the lock: its wait has ended
 * with success, and a cancellation, a deadline or a close that comes later finds nobody in the
 * line, so it does not take the result back (docs/protocol.md, "Handing over"). One that came
 * before has taken the waiter out of the line, so that nothing is handed to it. Neither side can
 * lose what is handed over, and no second look at who has "really" got it is needed.
 *
 * Nobody overtakes: an attempt that finds somebody in the line joins it, except where the kind
 * says otherwise. Where somebody's leaving the line may let those behind it in (a writer before
 * readers, say), the type has a `left` function, which who left calls itself.
 *
 * An object is released a grace period after its handle was closed. Who has waited looks it up
 * again by the handle.
 */
#ifndef WEIR_SYNC_INSIDE_H
#define WEIR_SYNC_INSIDE_H

#include <weir/sync.h>

#include "actor.h"
#include "lock.h"
#include "wait.h"

struct sync {
    struct object object;
    struct waitable line; /* its lock is for all of the primitive */
    struct slot *slot;    /* constant */
    struct retired retired;
};

struct sync_type {
    struct object_type object;
    const char *noun; /* in a dump: what is waited for */
    size_t size;
    /* Under the lock: 0, or why it is not to be closed or moved now; NULL: it always may. */
    int (*keep)(const struct sync *s, weir_handle h);
    /* Under the lock, by one whose wait in the line came to nothing; NULL: nothing to do. */
    void (*left)(struct party *self, struct sync *s, struct wake_list *woken);
    /* Under the lock: it is closed, those who wait elsewhere than in the line are to be told. */
    void (*closed)(struct sync *s, struct wake_list *woken);
    /* Nobody has it any more: what is allocated beside it. */
    void (*release)(struct sync *s);
    void (*statistics)(const struct sync *s, weir_sync_statistics *out);
};

int weir__sync_close(struct party *self, weir_handle h);
int weir__sync_move(struct party *self, weir_handle h, struct party *to);

static inline const struct sync_type *sync_type(const struct sync *s)
{
    return container_of(s->object.type, struct sync_type, object);
}

/*
 * A new one, of zeros but for what all have; NULL: no memory. Then fill it in and publish it, which
 * returns its handle: the caller's, or that of a party inside an operation. On an error, or if `s`
 * is NULL, a null handle that carries the error, and *s is no more.
 */
struct sync *weir__sync_new(const struct sync_type *type);
weir_handle weir__sync_publish(struct sync *s);
weir_handle weir__sync_publish_by(struct party *self, struct sync *s);

/* Inside an operation: the primitive of an open handle, locked; or NULL, *rc the error. */
struct sync *weir__sync_lock(weir_handle h, const struct sync_type *type, int *rc);

static inline void sync_unlock(struct sync *s)
{
    lock_release(&s->line.lock, 0);
}

/* What is wanted, by the caller of an attempt; as it likes. */
struct want {
    uint32_t count;
    void *items;
};

#define NO_WANT ((struct want){0, NULL})

/* Both return the call's result; an attempt that answers PARK has handed nothing to anybody. */
typedef int sync_attempt(struct party *self, struct sync *s, struct wake_list *woken);
typedef int sync_change(struct party *self, struct sync *s, void *arg, struct wake_list *woken);

/*
 * A call that may wait: what the attempt answers, or, after PARK, what was handed over, or
 * WEIR_ECANCELED, WEIR_ETIMEDOUT, WEIR_ECLOSED, WEIR_EPERM (in a drop function), WEIR_EAGAIN
 * (the deadline is WEIR_TRY), WEIR_EBADF, WEIR_ENOMEM. While the caller is in the line, `want`
 * is in its struct waiter.
 */
int weir__sync_acquire(weir_handle h, const struct sync_type *type, sync_attempt *attempt,
                       struct want want, weir_time deadline);

/* The same by a party inside an operation, which has looked whether it may. */
int weir__sync_wait(struct party *self, weir_handle h, const struct sync_type *type,
                    sync_attempt *attempt, weir_time deadline);

/* A call that never waits. */
int weir__sync_change(weir_handle h, const struct sync_type *type, sync_change *change, void *arg);

/*
 * Inside an operation that may wait: may an actor go on? Others get their turn when its budget is
 * used up. False: it is cancelled.
 */
static inline bool sync_may_wait(struct party *self)
{
    if (party_is_plain(self))
        return true;
    self->budget--;
    party_rest(self);
    return !party_refused(self);
}

/*
 * Wait in the line of s, or in another place that a moment of the clock ends; that one's lock is
 * held, and released. After wait_announce().
 */
static inline int sync_park(struct party *self, struct sync *s, struct waitable *o,
                            weir_time deadline)
{
    if (!party_is_plain(self))
        trace_wait_on(&actor_of(self)->trace, o == &s->line ? IN_SYNC : IN_SLEEP, o);
    return weir__wait_on(self, o, deadline);
}

/* ---- under the lock ---------------------------------------------------------------------- */

static inline struct waiter *sync_first(const struct sync *s)
{
    return s->line.waiters.first;
}

/* End the wait of one in the line with this result. */
static inline void sync_hand(struct sync *s, struct waiter *w, int result, struct wake_list *woken)
{
    weir__waitable_hand(&s->line, w, result, woken);
}

static inline void sync_hand_all(struct sync *s, int result, struct wake_list *woken)
{
    while (sync_first(s))
        sync_hand(s, sync_first(s), result, woken);
}

/* For the statistics, of a party's id: what a dump shows; 0: of a thread, or nobody. */
static inline uint32_t sync_owner_number(uint32_t id)
{
    return id & 1 ? actor_number(id) : 0;
}

/* lock.c: an attempt and a change, for conditions as well. */
extern const struct sync_type weir__lock_type;
int weir__lock_take(struct party *self, struct sync *s, struct wake_list *woken);
int weir__lock_give(struct party *self, struct sync *s, void *unused, struct wake_list *woken);

uint32_t weir__lock_owner(const struct sync *s);

#endif
