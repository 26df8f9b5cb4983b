/* SPDX-License-Identifier: MIT */
/*
 * scheduler.c - who runs next on a worker, and the switch to it.
 *
 * Actors switch directly to each other. An actor that parks picks the next one on its own
 * stack and jumps; whatever runs next first releases the lock that the parked one held, so
 * a waker never meets an actor that is half parked. Everything slow - injected wakes,
 * timers, reclamation, stealing, sleep - is done by the loop on the thread's own stack
 * (worker.c), to which the actors switch when nothing is runnable and every TICK picks.
 *
 * Order: `next_up`, the actor woken last, runs first, at most STREAK times in a row while
 * others wait; then those that have run before, first in first out; then fresh ones. What
 * one actor spawns keeps its order and goes before what was spawned earlier by others, so
 * a tree of actors is walked depth first and needs few stacks at a time. Once in a
 * millisecond the oldest fresh actor is taken, so none starves. Whoever yields goes behind all.
 *
 * A stack is bound when an actor first runs. An actor that ends hands its stack to the
 * next one if that is fresh: short actors run one after the other on one warm stack.
 */
#include "chan.h"
#include "gate.h"
#include "lock.h"
#include "overflow.h"
#include "simulate.h"

enum { STREAK = 16 /* hand-overs in a row between a pair before others get a turn */ };

/* ---- queues ------------------------------------------------------------------------------ */

void weir__spawn_queue(struct worker *w, struct actor *a)
{
    gate_enter(w);
    queue_last(w, &w->run.spawned, a);
    gate_leave(w);
    if (unlikely(a32_load(&w->runtime->sleeping)))
        weir__call_help(w);
}

void weir__ready(struct worker *w, struct actor *a)
{
    struct runnable *r = &w->run;
    /* It will run soon: its frames, which nobody has touched since it parked, are far away. */
    __builtin_prefetch(a->context.sp);
    __builtin_prefetch((char *)a->context.sp + CACHE_LINE);
    __builtin_prefetch((char *)a->context.sp + 2 * CACHE_LINE);
    __builtin_prefetch(a->small_arg);
    gate_enter(w);
    if (unlikely(is_pinned(a))) {
        push_last(&r->pinned, a);
    } else {
        if (r->next_up)
            push_last(&r->ready, r->next_up);
        r->next_up = a;
        r->total++;
    }
    gate_leave(w);
    if (unlikely(a32_load(&w->runtime->sleeping)))
        weir__call_help(w);
}

/* Pinned ones take turns with the others. */
static struct actor *pick_pinned(struct worker *w)
{
    w->pinned_turn = !w->pinned_turn;
    return w->pinned_turn || !(w->run.next_up || w->run.ready.first || w->run.fresh.first)
               ? pop_first(&w->run.pinned)
               : NULL;
}

struct actor *weir__pick(struct worker *w)
{
    struct runnable *r = &w->run;
    struct actor *a = r->next_up, *pinned;
    if (unlikely(r->spawned.first != NULL))
        put_before(&r->fresh, &r->spawned);
    if (unlikely(r->pinned.first != NULL) && (pinned = pick_pinned(w)))
        return pinned;
    if (a && (w->streak++ < STREAK || !r->ready.first)) {
        r->next_up = NULL;
    } else {
        w->streak = 0;
        if (!(a = pop_first(&r->ready)) && !(a = pop_first(&r->fresh)))
            return NULL;
    }
    r->total--;
    return a;
}

/* ---- switching ----------------------------------------------------------------------------- */

static void actor_entry(void);

/* It is off its stack: a thief may have it. Behind all others, also those that have not run. */
static inline void queue_yielded(struct worker *w)
{
    struct runnable *r = &w->run;
    struct actor *a = w->yielded;
    w->yielded = NULL;
    gate_enter(w);
    put_before(&r->fresh, &r->spawned);
    put_behind(&r->ready, &r->fresh);
    queue_last(w, &r->ready, a);
    gate_leave(w);
}

/* On the side that was switched to, when the other's stack is at rest. */
static void after_switch(void *worker)
{
    struct worker *w = worker;
    a32 *lock = w->unlock;
    if (lock) {
        w->unlock = NULL;
        lock_release(lock, w->unlock_flags);
    } else if (w->yielded) {
        queue_yielded(w);
    }
    /* A scheduler pass: no actor of this worker is inside an operation. See reclaim.h. */
    a64_store_release(&w->thread->reclaim.epoch, a64_load_acquire(&weir__epoch));
}

/* Give `a` a stack if it has none. False: it has to end without having run. */
static bool bind_stack(struct worker *w, struct actor *a)
{
    int error = 0;
    if (a->stack)
        return true;
    struct stacks *stacks = &w->runtime->stacks;
    struct stack *stack = stack_get(stacks, &w->stacks, a, &error);
    if (!stack) {
        w->stillborn_error = error;
        push_last(&w->stillborn, a);
        return false;
    }
    a->stack = stack;
    stack_context(stacks, stack, &a->context, actor_entry);
    return true;
}

static inline struct actor *pick(struct worker *w)
{
    gate_enter(w);
    struct actor *a = weir__pick(w);
    gate_leave(w);
    return a;
}

/*
 * A stack that nobody has used costs page faults, which are not for here, where the caller
 * holds the lock that it parks under: the loop makes some.
 */
static never_inline struct actor *pick_unbound(struct worker *w, struct actor *a)
{
    if (a && w->stacks.count == 0) {
        w->unbound = a;
        return NULL;
    }
    return a && bind_stack(w, a) ? a : NULL;
}

/* Whom to run now, one pick later; NULL: the loop. */
static struct actor *next_actor(struct worker *w)
{
    if (unlikely(--w->tick == 0))
        return NULL;
    struct actor *a = pick(w);
    return a && likely(a->stack != NULL) ? a : pick_unbound(w, a);
}

static inline void check_stack(struct worker *w, struct actor *me)
{
    if (unlikely(!stack_intact(&w->runtime->stacks, me->stack)))
        weir__overflow_abort(&w->runtime->stacks, me->name);
}

/* Nobody else is runnable: who yields goes on. */
static never_inline int go_on(struct worker *w, struct actor *me)
{
    w->yielded = NULL;
    worker_resume(w, me);
    after_switch(w); /* a pass like any other */
    return me->context.result;
}

int weir__actor_leave(struct actor *me, a32 *lock, uint32_t flags)
{
    struct worker *w = actor_worker(me);
    check_stack(w, me);
    trace_leave(&me->trace, w->clock);
    w->unlock = lock;
    w->unlock_flags = flags;
    w->spent += (uint64_t)me->party.budget;
    struct actor *next = next_actor(w);
    if (unlikely(!next && w->yielded) && w->tick > 0 && !w->unbound)
        return go_on(w, me);
    return context_switch_tail(&me->context, worker_resume(w, next), after_switch, w);
}

void weir__run_actor(struct worker *w, struct actor *next)
{
    w->unbound = NULL;
    if (!bind_stack(w, next))
        return;
    thread_online(w->thread);
    struct context *to = worker_resume(w, next);
    if (unlikely(w->runtime->simulation != NULL))
        next->party.budget = weir__simulate_budget(w);
    context_switch_tail(&w->native, to, after_switch, w);
    thread_offline(w->thread);
}

/* The stack's one frame that never returns: runs actors until one needs its own stack. */
static void actor_entry(void)
{
    struct actor *me = actor_self();
    context_entered(&me->context);
    for (;;) {
        struct stack *stack = me->stack;
        int result = me->body(me->arg);
        check_stack(actor_worker(me), me);
        weir__actor_end(me, result);
        struct worker *w = actor_worker(actor_self());
        w->spent += (uint64_t)me->party.budget;
        struct actor *next = --w->tick == 0 ? NULL : pick(w);
        if (next && !next->stack) {
            next->stack = stack;
            stack_set_owner(stack, next);
            context_take_over(&me->context, &next->context);
            worker_resume(w, next);
            after_switch(w); /* a pass like any other */
            me = next;
            continue;
        }
        stack_put(&w->runtime->stacks, &w->stacks, stack);
        context_abandon_after(&me->context, worker_resume(w, next), after_switch, w);
    }
}

/* ---- parties ------------------------------------------------------------------------------ */

/* A wait for ticks is timed, unless none is ever due: then it passes for any select. */
static inline void note_select(struct actor *me, unsigned timed)
{
    const struct chan *ticker;
    if (timed && me->party.waiter.items && (ticker = weir__select_ticker(&me->party)))
        trace_wait(&me->trace, IN_TICK | timed, ticker);
    else
        trace_wait_on(&me->trace, IN_SELECT | timed, NULL);
}

/* For the trace: a channel is where its lock is; who waits for others may have said so. */
static inline void note_wait(struct actor *me, const a32 *lock, unsigned timed)
{
    const struct waiter *w = &me->party.waiter;
    if (likely(w->slot != NULL) && likely(aptr_load(&w->on) == lock))
        trace_wait(&me->trace, (w->sends ? IN_SEND : IN_RECV) | timed, lock);
    else if (lock == &w->latch)
        note_select(me, timed);
    else
        trace_wait_on(&me->trace, trace_kind_on(&me->trace, lock) | timed, lock);
}

/* The wait's deadline, or a tick: a timer's callback. */
static weir_time wait_is_over(struct timer *t)
{
    struct actor *a = container_of(t, struct actor, timer);
    struct worker *w = container_of(t->heap, struct worker, timers);
    weir_time again = weir__wait_expire(&a->party);
    if (again != 0)
        return again;
    a->context.result = a->party.waiter.result;
    trace_wake(&a->trace, 0);
    gate_enter(w);
    queue_last(w, &w->run.ready, a); /* in the order of their times */
    gate_leave(w);
    return WEIR_NEVER;
}

static never_inline int park_timed(struct actor *me, a32 *lock, uint32_t flags, weir_time deadline)
{
    me->timer.fire = wait_is_over;
    note_wait(me, lock, WHAT_TIMED);
    weir__timer_add(&actor_worker(me)->timers, &me->timer, deadline);
    int result = weir__actor_leave(me, lock, flags);
    weir__timer_remove(&me->timer); /* maybe from another worker's heap */
    return result;
}

static int actor_park(struct party *p, a32 *lock, uint32_t flags, weir_time deadline)
{
    struct actor *me = actor_of(p);
    if (unlikely(deadline != WEIR_NEVER))
        return park_timed(me, lock, flags, deadline);
    note_wait(me, lock, 0);
    return weir__actor_leave(me, lock, flags);
}

/*
 * On which worker goes on who was parked on `home` and is woken on `mine`? Where operations
 * are cheap, a pair of actors on one core beats any hand-over between two. Where they are
 * dear, both cores are to be used: `home` has it again if it has nothing else to do.
 */
static bool adopts(const struct worker *mine, const struct worker *home)
{
    uint32_t cost = a32_load(&mine->cost);
    return cost < DEAR || !a32_load(&home->idle) ||
           (cost < VERY_DEAR && a32_load(&home->asleep)); /* to wake it is a system call */
}

/* It looks at its descriptors, and has nobody to run: the first whose event came goes on here. */
static bool is_free(const struct worker *w, const struct party *current)
{
    return party_is_plain(current) && !gate_surplus(a64_load(&w->inside)) &&
           a32_load(&w->run.pinned.count) == 0;
}

static never_inline void wake_from_elsewhere(struct actor *a, struct worker *mine,
                                             struct worker *home)
{
    if (mine && mine->runtime == home->runtime && !is_pinned(a) &&
        (is_free(mine, party_current()) || adopts(mine, home)))
        weir__ready(mine, a);
    else
        weir__inject(home, a);
}

static void actor_wake(struct party *p)
{
    struct actor *a = actor_of(p);
    const struct party *me = party_current();
    struct worker *home = p->thread->worker, *mine = me->thread->worker;
    a->context.result = p->waiter.result;
    trace_wake(&a->trace, me->id);
    if (likely(mine == home))
        weir__ready(home, a);
    else
        wake_from_elsewhere(a, mine, home);
}

static int yield(struct actor *me)
{
    struct worker *w = actor_worker(me);
    me->context.result = 0;
    w->yielded = me;
    trace_wait(&me->trace, YIELDED, me); /* any address, as no one is waited for */
    return weir__actor_leave(me, NULL, 0);
}

static void actor_rest(struct party *p)
{
    if (p->thread->dropping)
        p->budget = BUDGET;
    else
        yield(actor_of(p));
}

const struct party_ops weir__actor_ops = {actor_park, actor_wake, actor_rest};

static never_inline int yield_cancelled(struct actor *me)
{
    yield(me);
    return party_refused(&me->party) ? WEIR_ECANCELED : 0;
}

/* Not cancelled, it is a tail call: a return after the switch, mispredicted, costs as much. */
int weir_yield(void)
{
    struct actor *me = actor_self();
    if (unlikely(!me) || me->party.thread->dropping)
        return WEIR_EPERM;
    return unlikely(a8_load(&me->party.cancelled)) ? yield_cancelled(me) : yield(me);
}
