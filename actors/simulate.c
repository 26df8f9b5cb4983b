/* SPDX-License-Identifier: MIT */
/*
 * simulate.c - a run whose order and time come from a seed.
 *
 * One worker, on the calling thread, and its `tick` is always 1: so each switch goes to the
 * loop, and ordinary runs pay nothing for what is done there instead of weir__pick().
 *
 * Order. All that are runnable are kept in an array, from which one is drawn. It may do a
 * drawn number of operations before it has to let others go first: in some runs never any,
 * so that everybody is overtaken everywhere; in others now and then a hundred, so that some
 * get far ahead.
 *
 * Time stands still while anybody is runnable; then it goes to the next timer. When there is
 * none the run is stuck, unless another thread may do something. If it is stuck for good, by
 * what deadlock.c says or because the process has no other thread, whoever is parked gets
 * WEIR_EDEADLK, and so does the caller of weir_run(). Other threads may end without a word, so
 * it is asked again from time to time.
 *
 * The same seed gives the same run because nothing here depends on addresses, on numbers that
 * go on from one run to the next, or on the real time, by which only a hog is measured and
 * other threads are waited for.
 */
#define _GNU_SOURCE
#include "simulate.h"

#include <stdlib.h>
#include <string.h>

#include <weir/simulate.h>

#include "deadlock.h"
#include "gate.h"
#include "hog.h"
#include "log.h"
#include "os_thread.h"
#include "settle.h"

enum { LOOK_AFTER = 50 /* ms, of a run that waits for other threads */ };

struct simulation {
    uint64_t random, trace;
    weir_time now;
    uint64_t picks;
    uint32_t pace;  /* 1 to 8: budgets are below 2^0 to 2^(pace - 1) */
    uint32_t first; /* the number of the run's first actor */
    bool stuck;     /* it was, at least once */
    uint32_t count, room;
    struct actor **runnable; /* in no queue */

    /* Who ran last. */
    int32_t budget; /* that it got; negative: nobody ran */
    uint32_t id;
    char name[NAME_BYTES];
    weir_time real; /* when it began; 0: nobody wants to know */
};

a32 weir__bystanders;

/* Of the run that is under way, or was last; read by any thread. */
static a64 the_seed, the_trace, the_time;

/* ---- chance and trace -------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t next_random(struct simulation *s)
{
    return mixed(s->random += 0x9e3779b97f4a7c15u);
}

static uint32_t random_below(struct simulation *s, uint32_t n)
{
    return (uint32_t)((next_random(s) >> 32) * n >> 32);
}

static void note(struct simulation *s, uint64_t event)
{
    s->trace = mixed(s->trace ^ event) + 0x9e3779b97f4a7c15u;
}

/* They go on from run to run, by one for each actor. */
static uint32_t id_number(const struct actor *a)
{
    return (a->party.id & (PINNED - 1)) >> 1;
}

/* How many were spawned before it: the same in each run. */
static uint32_t number_of(const struct simulation *s, const struct actor *a)
{
    return (id_number(a) - s->first) & ((PINNED >> 1) - 1);
}

/* A wait for a group has no result: what is there is of an earlier one. */
static void note_pick(struct simulation *s, const struct actor *a)
{
    uint64_t kind = (uintptr_t)aptr_load(&a->trace.what) & WHAT_KIND;
    int result = kind == IN_GROUP ? 0 : a->context.result;
    note(s, (uint64_t)number_of(s, a) << 32 | s->count);
    note(s, kind << 32 | (uint32_t)result);
    a64_store(&the_trace, s->trace);
}

/* ---- begin and end ----------------------------------------------------------------------- */

static void set_now(struct simulation *s, weir_time now)
{
    s->now = now;
    os_clock_set(now);
    a64_store(&the_time, (uint64_t)now);
    note(s, (uint64_t)now);
}

weir_time weir__run_now(void)
{
    uint64_t simulated = a64_load(&the_time);
    return simulated ? (weir_time)simulated : weir_now();
}

static uint64_t seed_of(uint64_t seed)
{
    const char *told = secure_getenv("WEIR_SEED");
    return told ? strtoull(told, NULL, 0) : seed;
}

static bool reserve(struct simulation *s, uint32_t n)
{
    uint32_t room = s->room ? s->room : 64;
    while (room < n)
        room *= 2;
    if (room == s->room)
        return true;
    struct actor **more = os_alloc(room * sizeof *more);
    if (!more)
        return false;
    if (s->room > 0) {
        memcpy(more, s->runnable, s->count * sizeof *more);
        os_free(s->runnable, s->room * sizeof *more);
    }
    s->runnable = more;
    s->room = room;
    return true;
}

int weir__simulate_begin(struct runtime *rt, struct thread *t, uint64_t seed)
{
    struct simulation *s = os_alloc(sizeof *s);
    if (!s)
        return WEIR_ENOMEM;
    *s = (struct simulation){.budget = -1};
    if (!reserve(s, 1)) {
        os_free(s, sizeof *s);
        return WEIR_ENOMEM;
    }
    s->random = seed_of(seed);
    a64_store(&the_seed, s->random);
    s->pace = 1 + random_below(s, 8);
    t->random = mixed(~s->random);
    set_now(s, WEIR_SIMULATED_START);
    rt->simulation = s;
    return 0;
}

int weir__simulate_end(struct runtime *rt, int rc)
{
    struct simulation *s = rt->simulation;
    if (s->stuck)
        rc = WEIR_EDEADLK;
    note(s, (uint32_t)rc);
    a64_store(&the_trace, s->trace);
    a64_store(&the_time, 0);
    os_clock_set(0);
    os_free(s->runnable, s->room * sizeof *s->runnable);
    os_free(s, sizeof *s);
    rt->simulation = NULL;
    return rc;
}

/* ---- who runs ---------------------------------------------------------------------------- */

static void report_hog(struct simulation *s)
{
    weir_time ms = s->real ? (os_real_now() - s->real) / WEIR_MS : 0;
    s->real = 0;
    if (ms > HOG_AFTER)
        weir__log_of(WEIR_LOG_HOG, s->name, s->id, "has kept its worker for %lld ms",
                     (long long)ms);
}

void weir__simulate_turn(struct worker *w)
{
    struct simulation *s = w->runtime->simulation;
    if (s->budget >= 0) {
        note(s, (uint64_t)s->budget - w->spent); /* the operations that it did */
        report_hog(s);
    }
    s->budget = -1;
    w->spent = 0;
    w->tick = 1;
    w->clock = trace_clock(s->now);
}

/* Without memory those that do not fit wait in their queue. */
static void gather(struct simulation *s, struct worker *w)
{
    struct actor *a;
    (void)reserve(s, s->count + w->run.total + a32_load(&w->run.pinned.count));
    gate_enter(w);
    while (s->count < s->room && (a = weir__pick(w)))
        s->runnable[s->count++] = a;
    gate_leave(w);
}

struct actor *weir__simulate_pick(struct worker *w)
{
    struct simulation *s = w->runtime->simulation;
    gather(s, w);
    if (s->count == 0)
        return NULL;
    if (s->picks++ == 0)
        s->first = id_number(s->runnable[0]);
    uint32_t i = random_below(s, s->count);
    struct actor *a = s->runnable[i];
    note_pick(s, a);
    s->runnable[i] = s->runnable[--s->count];
    return a;
}

int16_t weir__simulate_budget(struct worker *w)
{
    struct simulation *s = w->runtime->simulation;
    const struct actor *a = aptr_load(&w->current);
    s->budget = (int32_t)random_below(s, 1u << random_below(s, s->pace));
    s->id = actor_number(a->party.id);
    memcpy(s->name, a->name, NAME_BYTES);
    s->real = weir__log_wanted() ? os_real_now() : 0;
    return (int16_t)s->budget;
}

/* ---- nobody runs --------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    const struct actor *const *x = a, *const *y = b;
    uint32_t i = actor_number((*x)->party.id), j = actor_number((*y)->party.id);
    return i < j ? -1 : i > j;
}

/*
 * All actors of the run in the order of their births, in the array, which is free now. False:
 * one waits for something that no actor does; or no memory.
 */
static bool list_parked(struct simulation *s)
{
    uint32_t end = weir__pool_end(&weir__actors);
    struct seen seen;
    for (uint32_t i = 0; i < end; i++) {
        struct actor *a = pool_at(&weir__actors, i);
        if (!weir__see(a, &seen))
            continue;
        bool outside = seen.kind == IN_EVENT || (seen.kind == IN_OTHER && !seen.inside);
        if (outside || !reserve(s, s->count + 1))
            return false;
        s->runnable[s->count++] = a;
    }
    qsort(s->runnable, s->count, sizeof *s->runnable, by_number);
    return true;
}

/* Those that wait for the end of a group go on when its children have. */
static bool end_waits(struct simulation *s)
{
    bool some = false;
    for (uint32_t i = 0; i < s->count; i++) {
        struct party *p = &s->runnable[i]->party;
        if (weir__wait_cancel(p, WEIR_EDEADLK)) {
            p->ops->wake(p);
            some = true;
        }
    }
    return some;
}

static bool end_deadlock(struct worker *w)
{
    struct simulation *s = w->runtime->simulation;
    thread_online(w->thread);
    bool closed = list_parked(s) && os_threads() == 1 + a32_load(&weir__bystanders);
    thread_offline(w->thread);
    bool over = weir__deadlock_report(closed);
    w->idle_since = WEIR_NEVER; /* it is reported */
    if (over) {
        thread_online(w->thread);
        over = end_waits(s);
        thread_offline(w->thread);
        s->stuck = s->stuck || over;
    }
    s->count = 0;
    return over;
}

weir_time weir__simulate_look(void)
{
    return os_real_now() + LOOK_AFTER * WEIR_MS;
}

bool weir__simulate_idle(struct worker *w)
{
    struct simulation *s = w->runtime->simulation;
    weir_time next = timers_next(&w->timers);
    if (weir__settled_alone(w))
        return true;
    if (next == WEIR_NEVER)
        return end_deadlock(w);
    if (next - s->now > IDLE_FOR * WEIR_MS && weir__log_wanted())
        weir__deadlock_report(false);
    if (next > s->now)
        set_now(s, next);
    return true;
}

/* ---- public ---------------------------------------------------------------------------------- */

uint64_t weir_simulated_seed(void)
{
    return a64_load(&the_seed);
}

uint64_t weir_simulated_trace(void)
{
    return a64_load(&the_trace);
}
