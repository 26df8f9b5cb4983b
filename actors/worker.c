/* SPDX-License-Identifier: MIT */
/*
 * worker.c - a worker's loop on its thread's own stack: the world outside of its queues.
 *
 * Idle. A worker with nothing to run looks at what others have for it, for some microseconds,
 * and sleeps. Wakers by name (weir__inject) push, then look for `asleep`; the sleeper sets
 * `asleep`, then looks for what was pushed: no such wake is lost. That a busy worker has more
 * than it can run is told without fences, and may go unseen for a moment: it will run it
 * itself sooner or later, unless an actor computes for long. Therefore one of those who sleep
 * while others are awake is watching: it wakes up now and then and looks. When all sleep
 * nobody wakes up by time, nor watches who is called first; who then has something for that one
 * calls another as well.
 */
#include "deadlock.h"
#include "gate.h"
#include "help.h"
#include "lock.h"
#include "log.h"
#include "settle.h"
#include "simulate.h"
#include "trim.h"

/* An idle worker looks around so often before it sleeps; least, if it has found nothing lately. */
enum { LOOKS = SPINS(200), LOOKS_LEAST = SPINS(10) };

#define WATCH_FIRST (1 * WEIR_MS)
#define WATCH_LAST (4 * WEIR_MS)

/* ---- what an operation costs: see help.c --------------------------------------------------- */

static void measure(struct worker *w, weir_time now)
{
    uint64_t picks = w->turn - w->tick;
    uint64_t operations = picks * BUDGET - w->spent + picks;
    if (w->looked_at && picks > 0 && operations > 0) {
        uint64_t one = (uint64_t)(now - w->looked_at) / operations, old = a32_load(&w->cost);
        if (one > 1000000)
            one = 1000000;
        a32_store(&w->cost, (uint32_t)((3 * old + one) / 4));
    }
    if (w->looked_at && picks > 0 && unlikely(weir__log_wanted()) && !w->runtime->simulation)
        weir__hog_self(&w->hogs, picks, now - w->looked_at, a32_load(&w->hog.told));
    w->turn = w->hogs.closer > 0 ? 1 : TICK;
    w->looked_at = now;
    w->clock = trace_clock(now);
    w->spent = 0;
    w->tick = w->turn;
}

/* ---- the end ---------------------------------------------------------------------------- */

/*
 * Deaths first: both only grow, and nobody dies who was not born. If afterwards no more are
 * born than had died before, all had ended in between, and only actors bear actors (a plain
 * thread needs an open group, whose owner lives).
 */
static bool all_ended(struct runtime *rt)
{
    uint64_t died = 0, born = 0;
    for (uint32_t i = 0; i < rt->workers; i++)
        died += a64_load_acquire(&rt->worker[i]->died);
    for (uint32_t i = 0; i < rt->workers; i++)
        born += a64_load_acquire(&rt->worker[i]->born);
    return born + a64_load_acquire(&rt->born) == died;
}

static void end(struct runtime *rt)
{
    a32_xchg(&rt->ended, 1);
    a_after_rmw();
    for (uint32_t i = 0; i < rt->workers; i++)
        weir__call_worker(rt->worker[i]);
}

/* ---- idle ------------------------------------------------------------------------------- */

bool weir__called(const struct worker *w)
{
    return !nothing_injected(w) || a32_load_acquire(&w->runtime->ended);
}

/* The time after which to look at the others; WEIR_NEVER: another one does, or all sleep. */
static weir_time watch_until(struct worker *w)
{
    struct runtime *rt = w->runtime;
    uint32_t nobody = 0;
    if (rt->workers == 1 || a32_load(&rt->sleeping) == rt->workers ||
        !a32_cas(&rt->watching, &nobody, 1))
        return WEIR_NEVER;
    return weir_after(w->watch);
}

/* Those who compute are told of while they do. */
static void watch_hogs(struct worker *w)
{
    struct runtime *rt = w->runtime;
    weir_time now = weir_now();
    for (uint32_t i = 0; i < rt->workers && !weir__called(w); i++)
        if (rt->worker[i] != w)
            weir__hog_check(&rt->worker[i]->hog, &rt->worker[i]->current, now);
}

static bool is_late(struct worker *v)
{
    uint32_t polls = a32_load(&v->polls);
    bool late = polls == v->polls_seen && !a32_load(&v->asleep);
    v->polls_seen = polls;
    return late;
}

/* What happens at the descriptors of who computes, or blocks, is not to wait for him. */
static void poll_for_others(struct worker *w)
{
    struct runtime *rt = w->runtime;
    for (uint32_t i = 0; i < rt->workers; i++) {
        struct worker *v = rt->worker[i];
        struct poller *p = aptr_load_acquire(&v->poller);
        if (v == w || !p || !p->ops->poll_for || !is_late(v))
            continue;
        thread_online(w->thread);
        p->ops->poll_for(p, w->thread);
        thread_offline(w->thread);
    }
}

/* The watcher woke up. Not in its nap, as the log hook may make actors runnable here. */
static void stop_watching(struct worker *w)
{
    if (weir__log_wanted())
        watch_hogs(w);
    poll_for_others(w);
    a32_xchg(&w->runtime->watching, 0);
}

static weir_time earliest(weir_time a, weir_time b, weir_time c)
{
    weir_time ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static void wait_until(struct worker *w, weir_time until)
{
    struct poller *p = aptr_load(&w->poller);
    if (p)
        p->ops->wait(p, until);
    else
        os_futex_wait(&w->asleep, 1, until);
}

static bool simulates(const struct worker *w)
{
    return unlikely(w->runtime->simulation != NULL);
}

/* Announce, look once more, sleep. The last to come here ends the run. */
static void sleep_until_called(struct worker *w, weir_time until)
{
    struct runtime *rt = w->runtime;
    weir_time watch = WEIR_NEVER;
    weir_time trim = simulates(w) ? weir__simulate_look() : weir__trim_due(w);
    if (w->thread->reclaim.pending)
        weir__reclaim_all(w->thread);
    weir__nap_begin(w);
    a32_add(&weir__running, UINT32_MAX);
    a32_add(&rt->sleeping, 1);
    a32_xchg(&w->asleep, 1);
    a_after_rmw();
    /* Of two workers on which the last two actors end, one sees both deaths here. */
    if (all_ended(rt) && !MUTATE("worker: end not seen"))
        end(rt);
    if ((!weir__called(w) && !weir__settled(w)) || MUTATE("worker: no second look")) {
        watch = watch_until(w);
        thread_asleep(w->thread);
        wait_until(w, earliest(watch, until, trim));
        thread_awake(w->thread); /* fenced by what follows */
    }
    weir__nap_end(w);
    if (a32_xchg(&w->asleep, 0))
        a32_add(&rt->sleeping, UINT32_MAX);
    a32_add(&weir__running, 1); /* before an actor runs: pairs with peer_unfenced() */
    a_after_rmw();
    w->looked_at = 0;
    if (watch != WEIR_NEVER)
        stop_watching(w);
}

/* In its own queues; by the log hook, where nothing was before. */
static bool some_runnable(const struct worker *w)
{
    return gate_surplus(a64_load(&w->inside)) || a32_load(&w->run.pinned.count) > 0;
}

/*
 * Is there something to do? It comes from other workers that are awake; what comes from elsewhere,
 * as from descriptors, is not worth the processor's time that looking takes.
 */
static bool look_around(struct worker *w)
{
    const struct runtime *rt = w->runtime;
    for (unsigned look = 0; look < w->looks; look++) {
        if (weir__called(w) || (rt->workers > 1 && weir__find_work(w))) {
            if (look > 0)
                w->looks = LOOKS;
            return true;
        }
        if (a32_load(&rt->sleeping) + 1 >= rt->workers)
            return false;
        os_spin(look % 32);
    }
    w->looks = w->looks / 2 > LOOKS_LEAST ? w->looks / 2 : LOOKS_LEAST;
    return false;
}

static void idle(struct worker *w)
{
    if (simulates(w) && !weir__called(w) && !all_ended(w->runtime) && weir__simulate_idle(w))
        return;
    a32_store(&w->idle, 1);
    if (look_around(w)) {
        a32_store(&w->idle, 0);
        w->looked_at = 0;
        return;
    }
    weir_time until = weir__idle_report(w);
    if (!some_runnable(w))
        sleep_until_called(w, until);
    if (!weir__called(w) && !some_runnable(w) && weir__trim_is_due(w))
        weir__trim(w);
    w->watch = w->runtime->workers > 1 && weir__find_work(w) ? WATCH_FIRST
               : w->watch < WATCH_LAST                       ? 2 * w->watch
                                                             : WATCH_LAST;
    a32_store(&w->idle, 0);
}

/* ---- the loop --------------------------------------------------------------------------- */

static void fire_timers(struct worker *w, weir_time now)
{
    if (timers_next(&w->timers) > now)
        return;
    thread_online(w->thread);
    weir__timers_fire(&w->timers, now);
    thread_offline(w->thread);
}

static void poll(struct worker *w, struct poller *p)
{
    a32_store(&w->polls, a32_load(&w->polls) + 1);
    thread_online(w->thread);
    p->ops->poll(p, w->thread);
    thread_offline(w->thread);
}

static void end_stillborn(struct worker *w)
{
    struct actor *a;
    while ((a = pop_first(&w->stillborn))) {
        thread_online(w->thread);
        worker_resume(w, a);
        weir__actor_end(a, w->stillborn_error);
        worker_resume(w, NULL);
        thread_offline(w->thread);
    }
}

/*
 * The oldest that has not run is next among those that have, so that none starves: once in a
 * millisecond, as it may be the root of a tree, and the others are to be walked depth first.
 */
static struct actor *pick_for_loop(struct worker *w)
{
    struct runnable *r = &w->run;
    if (simulates(w))
        return weir__simulate_pick(w);
    gate_enter(w);
    struct actor *oldest = w->fed != w->clock ? pop_last(&r->fresh) : NULL;
    if (oldest)
        push_last(&r->ready, oldest);
    w->fed = w->clock;
    struct actor *next = weir__pick(w);
    gate_leave(w);
    return next;
}

void weir__worker_loop(struct worker *w)
{
    w->watch = WATCH_FIRST;
    w->looks = LOOKS;
    a32_add(&weir__running, 1);
    a_after_rmw();
    while (!a32_load_acquire(&w->runtime->ended)) {
        weir_time now = weir_now();
        if (simulates(w))
            weir__simulate_turn(w);
        else
            measure(w, now);
        weir__take_injected(w, w);
        fire_timers(w, now);
        struct poller *poller = aptr_load(&w->poller);
        if (unlikely(poller != NULL))
            poll(w, poller);
        if (unlikely(w->stillborn.first != NULL))
            end_stillborn(w);
        weir__reclaim_sometimes(w->thread);
        weir__guards_report(&w->runtime->stacks.guards);
        stacks_look(&w->runtime->stacks, now);
        struct actor *next = w->unbound ? w->unbound : pick_for_loop(w);
        if (next) {
            w->idle_since = 0;
            w->trim_at = 0;
            if (unlikely(weir__log_wanted()))
                weir__hog_note(&w->hogs, next);
            /* What came from outside of the actors was queued without a word to anybody. */
            if (gate_surplus(a64_load(&w->inside)) && a32_load(&w->runtime->sleeping) > 0)
                weir__call_help(w);
            weir__run_actor(w, next);
        } else {
            idle(w);
        }
    }
    a32_add(&weir__running, UINT32_MAX);
}
