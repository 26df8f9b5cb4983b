/* SPDX-License-Identifier: MIT */
/*
 * scheduler.c - one worker.
 *
 * Actors switch directly to each other. An actor that parks picks the next one on its own
 * stack and jumps; whatever runs next first releases the lock that the parked one held, so
 * a waker never meets an actor that is half parked. Everything slow - injected wakes,
 * timers, reclamation, sleep - is done by the loop on the thread's own stack, to which the
 * actors switch when nothing is runnable and every TICK picks.
 *
 * Order: `next_up`, the actor woken last, runs first, at most STREAK times in a row while
 * others wait; then those that have run before, first in first out; then fresh ones. What
 * one actor spawns keeps its order and goes before what was spawned earlier by others, so
 * a tree of actors is walked depth first and needs few stacks at a time. Every TICK the
 * oldest fresh actor is taken, so none starves. Whoever yields goes behind all of these.
 *
 * A stack is bound when an actor first runs. An actor that ends hands its stack to the
 * next one if that is fresh: short actors run one after the other on one warm stack.
 */
#include "scheduler.h"

#include "lock.h"
#include "overflow.h"

enum {
    TICK = 61,  /* prime: no rhythm of a program hides behind it */
    STREAK = 16 /* hand-overs in a row between a pair before others get a turn */
};

/* ---- queues ------------------------------------------------------------------------------ */

static void push_last(struct actor_queue *q, struct actor *a)
{
    a->next = NULL;
    a->prev = q->last;
    if (q->last)
        q->last->next = a;
    else
        q->first = a;
    q->last = a;
}

static struct actor *pop_first(struct actor_queue *q)
{
    struct actor *a = q->first;
    if (a) {
        q->first = a->next;
        if (q->first)
            q->first->prev = NULL;
        else
            q->last = NULL;
    }
    return a;
}

static struct actor *pop_last(struct actor_queue *q)
{
    struct actor *a = q->last;
    if (a) {
        q->last = a->prev;
        if (q->last)
            q->last->next = NULL;
        else
            q->first = NULL;
    }
    return a;
}

static void put_behind(struct actor_queue *q, struct actor_queue *back)
{
    if (!back->first)
        return;
    back->first->prev = q->last;
    if (q->last)
        q->last->next = back->first;
    else
        q->first = back->first;
    q->last = back->last;
    *back = (struct actor_queue){NULL, NULL};
}

static void put_before(struct actor_queue *q, struct actor_queue *front)
{
    if (!front->first)
        return;
    front->last->next = q->first;
    if (q->first)
        q->first->prev = front->last;
    else
        q->last = front->last;
    q->first = front->first;
    *front = (struct actor_queue){NULL, NULL};
}

void weir__spawn_queue(struct worker *w, struct actor *a)
{
    push_last(&w->spawned, a);
}

static void ready(struct worker *w, struct actor *a)
{
    /* It will run soon: its frames, which nobody has touched since it parked, are far away. */
    __builtin_prefetch(a->context.sp);
    __builtin_prefetch((char *)a->context.sp + CACHE_LINE);
    __builtin_prefetch((char *)a->context.sp + 2 * CACHE_LINE);
    __builtin_prefetch(a->small_arg);
    if (w->next_up)
        push_last(&w->ready, w->next_up);
    w->next_up = a;
}

static struct actor *pick(struct worker *w)
{
    struct actor *a = w->next_up;
    if (unlikely(w->spawned.first != NULL))
        put_before(&w->fresh, &w->spawned);
    if (a && (w->streak++ < STREAK || !w->ready.first)) {
        w->next_up = NULL;
        return a;
    }
    w->streak = 0;
    if ((a = pop_first(&w->ready)))
        return a;
    return pop_first(&w->fresh);
}

/* ---- switching ----------------------------------------------------------------------------- */

static void actor_entry(void);

/* On the side that was switched to, when the other's stack is at rest. */
static void after_switch(void *worker)
{
    struct worker *w = worker;
    a32 *lock = w->unlock;
    if (lock) {
        w->unlock = NULL;
        lock_release(lock, w->unlock_flags);
    }
    /* A scheduler pass: no actor of this worker is inside an operation. See reclaim.h. */
    a64_store_release(&w->thread->reclaim.epoch, a64_load(&weir__epoch));
}

/* Give `a` a stack if it has none. False: it has to end without having run. */
static bool bind_stack(struct worker *w, struct actor *a)
{
    int error = 0;
    if (likely(a->stack != NULL))
        return true;
    struct stack *stack = stack_get(&w->stacks, a, &error);
    if (!stack) {
        w->stillborn_error = error;
        push_last(&w->stillborn, a);
        return false;
    }
    a->stack = stack;
    stack_context(&w->stacks, stack, &a->context, actor_entry);
    return true;
}

/* Whom to run now; NULL: the loop. */
static struct actor *next_actor(struct worker *w)
{
    if (unlikely(--w->tick == 0))
        return NULL;
    struct actor *a = pick(w);
    return a && likely(bind_stack(w, a)) ? a : NULL;
}

static inline struct context *make_current(struct worker *w, struct actor *a)
{
    w->current = a;
    if (!a) {
        party_set_current(w->native_party);
        return &w->native;
    }
    a->party.thread = w->thread;
    a->party.budget = BUDGET;
    party_set_current(&a->party);
    return &a->context;
}

static inline void check_stack(struct worker *w, struct actor *me)
{
    if (unlikely(!stack_intact(&w->stacks, me->stack)))
        weir__overflow_abort(&w->stacks, me->name);
}

int weir__actor_leave(struct actor *me, a32 *lock, uint32_t flags)
{
    struct worker *w = me->party.thread->worker;
    check_stack(w, me);
    w->unlock = lock;
    w->unlock_flags = flags;
    struct actor *next = next_actor(w);
    if (unlikely(next == me)) { /* it was queued by itself: a yield with nobody else about */
        make_current(w, me);
        after_switch(w); /* a pass like any other */
        return me->context.result;
    }
    return context_switch_tail(&me->context, make_current(w, next), after_switch, w);
}

/* The stack's one frame that never returns: runs actors until one needs its own stack. */
static void actor_entry(void)
{
    struct actor *me = actor_self();
    context_entered(&me->context);
    for (;;) {
        struct stack *stack = me->stack;
        int result = me->body(me->arg);
        check_stack(me->party.thread->worker, me);
        weir__actor_end(me, result);
        struct worker *w = actor_self()->party.thread->worker;
        struct actor *next = --w->tick == 0 ? NULL : pick(w);
        if (next && !next->stack) {
            next->stack = stack;
            stack_set_owner(stack, next);
            context_take_over(&me->context, &next->context);
            make_current(w, next);
            after_switch(w); /* a pass like any other */
            me = next;
            continue;
        }
        stack_put(&w->stacks, stack);
        context_abandon_after(&me->context, make_current(w, next), after_switch, w);
    }
}

/* ---- parties ------------------------------------------------------------------------------ */

/* The wait's deadline: a timer's callback. */
static void wait_is_over(struct timer *t)
{
    struct actor *a = container_of(t, struct actor, timer);
    if (weir__wait_cancel(&a->party, WEIR_ETIMEDOUT)) {
        a->context.result = WEIR_ETIMEDOUT;
        push_last(&container_of(t->heap, struct worker, timers)->ready, a);
    }
}

static never_inline int park_timed(struct actor *me, a32 *lock, uint32_t flags, weir_time deadline)
{
    me->timer.fire = wait_is_over;
    weir__timer_add(&me->party.thread->worker->timers, &me->timer, deadline);
    int result = weir__actor_leave(me, lock, flags);
    weir__timer_remove(&me->timer); /* maybe from another worker's heap */
    return result;
}

static int actor_park(struct party *p, a32 *lock, uint32_t flags, weir_time deadline)
{
    struct actor *me = actor_of(p);
    if (unlikely(deadline != WEIR_NEVER))
        return park_timed(me, lock, flags, deadline);
    return weir__actor_leave(me, lock, flags);
}

/* Another thread: push, then look whether the worker sleeps; pairs with sleep_until_work(). */
static void inject(struct worker *w, struct actor *a)
{
    ck_stack_push_upmc(&w->inject, &a->injected);
    a_after_rmw();
    if (a32_load(&w->asleep) && a32_xchg(&w->asleep, 0))
        os_futex_wake(&w->asleep, 1);
}

static void actor_wake(struct party *p)
{
    struct actor *a = actor_of(p);
    struct worker *w = p->thread->worker;
    struct party *me = party_current();
    a->context.result = p->waiter.result;
    if (likely(me->thread == p->thread))
        ready(w, a);
    else
        inject(w, a);
}

static int yield(struct actor *me)
{
    struct worker *w = me->party.thread->worker;
    me->context.result = 0;
    put_before(&w->fresh, &w->spawned);
    put_behind(&w->ready, &w->fresh);
    push_last(&w->ready, me);
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

int weir_yield(void)
{
    struct actor *me = actor_self();
    if (!me || me->party.thread->dropping)
        return WEIR_EPERM;
    return yield(me);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static bool nothing_injected(struct worker *w)
{
    return ck_pr_load_ptr(&w->inject.head) == NULL; /* CK_STACK_ISEMPTY() reads it plainly */
}

/* In the order in which they were pushed. */
static bool take_injected(struct worker *w)
{
    if (nothing_injected(w))
        return false;
    ck_stack_entry_t *e = ck_stack_batch_pop_upmc(&w->inject), *reversed = NULL;
    while (e) {
        ck_stack_entry_t *next = e->next;
        e->next = reversed;
        reversed = e;
        e = next;
    }
    while (reversed) {
        struct actor *a = container_of(reversed, struct actor, injected);
        reversed = reversed->next;
        push_last(&w->ready, a);
    }
    return true;
}

static void fire_timers(struct worker *w)
{
    if (timers_next(&w->timers) == WEIR_NEVER)
        return;
    weir_time now = weir_now();
    thread_online(w->thread);
    weir__timers_fire(&w->timers, now);
    thread_offline(w->thread);
}

static void end_stillborn(struct worker *w)
{
    struct actor *a;
    while ((a = pop_first(&w->stillborn))) {
        thread_online(w->thread);
        make_current(w, a);
        weir__actor_end(a, w->stillborn_error);
        make_current(w, NULL);
        thread_offline(w->thread);
    }
}

/* Announce, look once more, sleep. Wakers push, then look for the announcement. */
static void sleep_until_work(struct worker *w)
{
    if (w->thread->reclaim.pending)
        weir__reclaim_all(w->thread);
    a32_xchg(&w->asleep, 1);
    a_after_rmw();
    if (nothing_injected(w) || MUTATE("worker: no second look"))
        os_futex_wait(&w->asleep, 1, timers_next(&w->timers));
    a32_store(&w->asleep, 0);
}

void weir__worker_loop(struct worker *w)
{
    while (w->live > 0) {
        w->tick = TICK;
        take_injected(w);
        fire_timers(w);
        if (unlikely(w->stillborn.first != NULL))
            end_stillborn(w);
        weir__reclaim_sometimes(w->thread);
        struct actor *oldest = pop_last(&w->fresh);
        if (oldest)
            push_last(&w->ready, oldest);
        struct actor *next = pick(w);
        if (next && bind_stack(w, next)) {
            thread_online(w->thread);
            context_switch_tail(&w->native, make_current(w, next), after_switch, w);
            thread_offline(w->thread);
        } else if (!next && w->live > 0) {
            sleep_until_work(w);
        }
    }
}
