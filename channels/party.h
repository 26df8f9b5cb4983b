/* SPDX-License-Identifier: MIT */
/*
 * party.h - who uses a channel: an actor or a plain thread.
 *
 * Channels know a party only as something that can be parked and woken, that owns
 * handles, and that runs on a thread. actors/ embeds a party in each actor's record;
 * thread.c makes one for each plain thread that uses a channel.
 */
#ifndef WEIR_PARTY_H
#define WEIR_PARTY_H

#include "atomic.h"
#include "compiler.h"
#include "pool.h"
#include "reclaim.h"

#include <weir/channel.h>

struct chan;
struct job;
struct party;
struct slot;
struct wake_list;
struct worker;

/*
 * The request of a party: filled in when an operation leaves its fast path, and linked
 * into a queue of its channel exactly while it is parked and may still be completed by
 * somebody else. Whoever unlinks it, under the channel's lock, decides the result and
 * owes the party one wake.
 *
 * `linked` and `on` are read by whoever cancels, on any thread; see weir__wait_interrupt().
 * `on` names something only after the party was linked there: who sees LINKED and then
 * reads `on` has the present place or a later one, and neither was gone when it looked.
 */
enum linked {
    UNLINKED = 0,
    LINKED = 1,
    ANNOUNCED = 2, /* is about to take the lock */
    CLAIMABLE = 3, /* the party waits in a select: who changes this word from here decides */
    CLAIMED = 4    /* somebody tries to serve the select: for a few instructions */
};

struct waiter {
    struct waiter *next, *prev; /* in the queue; `next` also in a list to wake */
    aptr on;                    /* a channel, or a struct waitable if slot is NULL */
    struct slot *slot;          /* the handle it goes through */
    char *items;                /* receiver: where to; sender: where from. Of a selecting */
                                /* party: its selection, if that waits for ticks; or NULL */
    union {
        uint32_t count; /* how many items at most */
        a32 latch;      /* a selecting party's own waiter: held until it no longer runs */
    };
    a32 linked; /* enum linked; to ANNOUNCED by its party, else under the lock */
    int result; /* what the call returns; of a selecting party which case */
    bool sends;
    bool one;       /* success is 0, not the count */
    bool select;    /* one of several of a select (select.c), or: */
    bool watch : 1; /* of a descriptor, which takes nothing: see watch.h */
    bool bytes : 1; /* of a FED channel: not for items; see fed.h */
};

/* The waiter of a select in one of its channels; it is in the caller's array of cases. */
struct select_waiter {
    struct waiter waiter;
    struct party *party;
    struct chan *chan;
    struct select_waiter *next; /* in the order of the locks */
    uint32_t index;             /* of the case */
    uint32_t word;              /* of its handle */
};

struct party_ops {
    /*
     * Release *lock to `flags` when the party no longer runs, and sleep until woken or, from
     * `deadline` on, until weir__wait_expire() has ended the wait. Returns waiter.result.
     * To be called in tail position as far up as possible; see actors/context.h.
     */
    int (*park)(struct party *p, a32 *lock, uint32_t flags, weir_time deadline);
    /* Make it run again; once for each time it was unlinked. */
    void (*wake)(struct party *p);
    /* An actor's only: the budget of operations without a suspension is used up. */
    void (*rest)(struct party *p);
};

struct party {
    struct waiter waiter;
    struct thread *thread; /* where it runs; an actor's is rewritten before each resume */
    const struct party_ops *ops;
    uint32_t owned; /* first slot it owns, 0: none; touched by the party alone */
    a32 orphans;    /* owned slots that others have closed and that wait for a sweep */
    int16_t budget; /* operations left until ops->rest(); never positive for a plain thread */
    a8 cancelled;   /* what waits returns WEIR_ECANCELED; actors' only, see actors/scope.h */
    bool noticed;   /* it was told so; by the party, or by who ends its wait */
    uint32_t id;    /* tells parties apart that live at the same time; actors' are odd */
};

enum { BUDGET = 128 };

/* A plain thread, which brackets its operations; see reclaim.h. */
static inline bool party_is_plain(const struct party *p)
{
    return !(p->id & 1);
}

/* What belongs to one operating-system thread. */
struct thread {
    struct reclaim reclaim;
    struct pool_cache slots;
    struct pool_cache chans, actors, groups, scopes, tasks, descriptors;
    struct chan *drains;   /* channels whose items are to be dropped, by the drop below */
    uint64_t random;       /* where the next fair select begins */
    bool dropping;         /* a drop function runs on this thread: nothing may wait */
    bool logging;          /* the log hook of actors/ does, in the same way */
    a32 taken;             /* by a living thread */
    struct worker *worker; /* of actors/: what runs actors on this thread; NULL: nothing */
    struct job *job;       /* of actors/blocking/: what it was started for; NULL: nothing */
    struct thread *next;   /* all threads that ever were; records are reused, never freed */
};

extern aptr weir__threads; /* the first of all */

/* Threads that run actors and are not asleep; changed by locked instructions. */
extern a32 weir__running;

/* Of actors/run.h: 0: there is no run. */
extern a32 weir__run_state;

/* ---- the calling party ------------------------------------------------------------- */

#if defined(WEIR_EXPLORE)

static inline struct party *party_current(void)
{
    return explore_get_current();
}

static inline void party_set_current(struct party *p)
{
    explore_set_current(p);
}

#else

extern __thread struct party *weir__current __attribute__((tls_model("initial-exec")));

/*
 * An actor may be resumed on another thread, so no compiler may keep the address of the
 * variable across a suspension: hence the assembler, which is evaluated at each call.
 */
static inline struct party *party_current(void)
{
    struct party *p;
#if defined(__x86_64__)
    __asm__ volatile("movq weir__current@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(p));
#elif defined(__aarch64__)
    uintptr_t offset;
    __asm__ volatile("mrs %0, tpidr_el0\n\t"
                     "adrp %1, :gottprel:weir__current\n\t"
                     "ldr %1, [%1, #:gottprel_lo12:weir__current]\n\t"
                     "ldr %0, [%0, %1]"
                     : "=&r"(p), "=&r"(offset));
#else
#error "weir knows x86-64 and aarch64"
#endif
    return p;
}

static inline void party_set_current(struct party *p)
{
#if defined(__x86_64__)
    uintptr_t offset;
    __asm__ volatile("movq weir__current@gottpoff(%%rip), %0\n\tmovq %1, %%fs:(%0)"
                     : "=&r"(offset)
                     : "r"(p)
                     : "memory");
#else
    uintptr_t base, offset;
    __asm__ volatile("mrs %0, tpidr_el0\n\t"
                     "adrp %1, :gottprel:weir__current\n\t"
                     "ldr %1, [%1, #:gottprel_lo12:weir__current]\n\t"
                     "str %2, [%0, %1]"
                     : "=&r"(base), "=&r"(offset)
                     : "r"(p)
                     : "memory");
#endif
}

#endif

/* channel.c: no drop function runs on `t` any more; see to what it has left. */
void weir__drops_end(struct thread *t);

/* The party of the calling thread, made at first use; NULL: party_refusal() says why. */
struct party *weir__thread_party(void);

/*
 * Children of fork(2), which have the thread that called it, and what memory was like. Locks that
 * others held stay locked, who is waited for never comes, and a poller's set is the parent's as
 * well. Where that is so the child is barred for good: the thread that it has loses its party, and
 * nobody gets one, so operations notice where they look for theirs. What goes on without a
 * party asks. By children's handlers (os_at_fork()): for other reasons than thread.c knows.
 */
bool weir__barred(void);
void weir__child_bar(void);

/* What a call returns that gets no party: WEIR_ENOMEM, or WEIR_EPERM in a child that is barred. */
static inline int party_refusal(void)
{
    return weir__barred() ? WEIR_EPERM : WEIR_ENOMEM;
}

/* The one record for closers whose thread gets none; they take turns. */
struct party *weir__spare_enter(void);
void weir__spare_leave(struct party *p);

/* ---- inside an operation -------------------------------------------------------------- */

/* Pairs with os_membarrier() in reclaim.c, advance(). */
static inline void thread_online(struct thread *t)
{
    a64_store(&t->reclaim.epoch, a64_load_acquire(&weir__epoch));
    if (unlikely(a32_load(&weir__fence_readers)))
        a_fence();
    else
        a_light_fence();
}

/* Release: what the operation did is visible to whoever reads the 0. */
static inline void thread_offline(struct thread *t)
{
    a64_store_release(&t->reclaim.epoch, EPOCH_OUTSIDE);
}

/* It is offline, and will be until thread_awake(). */
static inline void thread_asleep(struct thread *t)
{
    a64_store_release(&t->reclaim.epoch, EPOCH_ASLEEP);
}

/* The caller executes a full fence before it goes online; it pairs with the one in advance(). */
static inline void thread_awake(struct thread *t)
{
    a64_store(&t->reclaim.epoch, EPOCH_OUTSIDE);
}

void weir__party_leave_plain(struct party *p);

/*
 * Outside of operations: when enough has come together since the last time. While somebody
 * is in the way - an actor that computes or blocks keeps its worker inside - a try in vain
 * costs one in so many.
 */
static inline void weir__reclaim_sometimes(struct thread *t)
{
    if (unlikely(t->reclaim.pending >= t->reclaim.left + TRY_EVERY))
        weir__reclaim_try(t);
}

/* Every public operation: enter, at most one suspension or several, leave. NULL: see above. */
static inline struct party *party_enter(void)
{
    struct party *p = party_current();
    if (unlikely(!p) && !(p = weir__thread_party()))
        return NULL;
    if (party_is_plain(p) && p->thread->reclaim.nesting++ == 0)
        thread_online(p->thread);
    return p;
}

static inline void party_leave(struct party *p)
{
    if (party_is_plain(p))
        weir__party_leave_plain(p);
}

/*
 * Spend one operation, which is then entered or goes the shortest way: leaving it a plain thread
 * has nothing again. True: an actor has budget left and is not cancelled, and the shortest way
 * needs no more.
 */
static always_inline bool party_spend(void)
{
    struct party *p = party_current();
    return likely(p != NULL) && likely(--p->budget >= 0) && likely(!a8_load(&p->cancelled));
}

/* The same for an operation that never waits and so spends nothing. */
static always_inline bool party_has_budget(void)
{
    struct party *p = party_current();
    return likely(p != NULL) && likely(p->budget > 0);
}

/* An operation of an actor that may wait is a point where others may get their turn. */
static inline void party_rest(struct party *p)
{
    if (unlikely(p->budget < 0))
        p->ops->rest(p);
}

/*
 * An operation that may wait is not begun by a cancelled actor, but in a drop function, which
 * never waits. The forms that never wait are not cancelled, so that clean-up can use them.
 */
static inline bool party_refused(struct party *p)
{
    if (likely(!a8_load(&p->cancelled)) || p->thread->dropping)
        return false;
    p->noticed = true;
    return true;
}

/* ---- waiters ----------------------------------------------------------------------------- */

struct waitq {
    struct waiter *first, *last;
};

static inline void waitq_append(struct waitq *q, struct waiter *w)
{
    w->next = NULL;
    w->prev = q->last;
    if (q->last)
        q->last->next = w;
    else
        q->first = w;
    q->last = w;
}

static inline void waitq_remove(struct waitq *q, struct waiter *w)
{
    if (w->prev)
        w->prev->next = w->next;
    else
        q->first = w->next;
    if (w->next)
        w->next->prev = w->prev;
    else
        q->last = w->prev;
}

static inline struct select_waiter *select_waiter(struct waiter *w)
{
    return container_of(w, struct select_waiter, waiter);
}

/* Until a select that was claimed no longer runs: see select.c. */
static inline void select_await(const struct party *p)
{
    for (unsigned turns = 0; a32_load_acquire(&p->waiter.latch); turns++)
        os_spin(turns); /* pairs with the release after the switch */
}

/* Who is to be woken, and may be. */
static inline struct party *waiter_to_wake(struct waiter *w)
{
    if (likely(!w->select) || w->watch)
        return container_of(w, struct party, waiter);
    struct party *p = select_waiter(w)->party;
    if (!MUTATE("select: latch ignored"))
        select_await(p);
    return p;
}

/* Wake a list that was unlinked from a channel, first come first served; no lock is held. */
static inline void wake_all(struct waiter *w)
{
    while (w) {
        struct waiter *next = w->next; /* *w is the party's again as soon as it is woken */
        struct party *p = waiter_to_wake(w);
        p->ops->wake(p);
        w = MUTATE("wake: next read late") ? w->next : next;
    }
}

/* What is waited for and is no channel. It begins as a channel does: with its lock. */
struct waitable {
    a32 lock;
    uint32_t waiting; /* how many; under the lock */
    struct waitq waiters;
};

/*
 * Before a lock is taken under which the party may link itself: from now on whoever cancels
 * it waits until it is linked or has gone on. The lock's CAS orders it before the look at
 * `cancelled`; the partner is the fence in weir__wait_interrupt().
 */
static inline void wait_announce(struct party *p)
{
    if (!MUTATE("cancel: not announced"))
        a32_store(&p->waiter.linked, ANNOUNCED);
}

/* It was announced and came to nothing. */
static inline void wait_renounce(struct party *p)
{
    a32_store_release(&p->waiter.linked, UNLINKED);
}

/*
 * Wait for a waitable that is locked, after wait_announce(): until it is completed, the
 * deadline has passed or the party is cancelled. The lock is released.
 */
int weir__wait_on(struct party *self, struct waitable *o, weir_time deadline);

/* Under the lock: complete all, for wake_all() after it. */
struct waiter *weir__waitable_complete(struct waitable *o, int result);

/* Under the lock: complete one of them, for wake_all() after it. */
void weir__waitable_hand(struct waitable *o, struct waiter *w, int result, struct wake_list *woken);

/*
 * Under both locks: from now on w waits in another place, at its end. A cancellation or deadline
 * that had found it in the first one comes to nothing.
 */
void weir__waitable_move(struct waitable *from, struct waiter *w, struct waitable *to);

/*
 * Try to end the wait of a parked party with `result`: true if it was still linked, then the
 * caller owes it the wake. Any thread, inside an operation, in which the party can begin no
 * other wait: its own thread, or a timer for which it waits afterwards.
 */
bool weir__wait_cancel(struct party *p, int result);

/*
 * The time has come to which a parked party was to wait; from where weir__wait_cancel() may be
 * called. 0: this has ended the wait, and the caller owes it the wake. WEIR_NEVER: somebody
 * else has, or will. Otherwise: there was a tick, and another one has it; call again then.
 */
weir_time weir__wait_expire(struct party *p);

/* The one ticker that a party whose select has ticks waits for; NULL: there are other cases. */
const struct chan *weir__select_ticker(const struct party *p);

/*
 * p->cancelled was set: end the party's wait with WEIR_ECANCELED and wake it, if it waits and
 * is still cancelled. Any thread, inside an operation, no lock held.
 */
void weir__wait_interrupt(struct party *p);

#endif
