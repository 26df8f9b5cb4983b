/* SPDX-License-Identifier: MIT */
/*
 * engine.c - the course of one execution.
 *
 * A virtual thread runs until its next operation, where it is suspended *before* the
 * operation happens. Then an entity is chosen: a thread, which performs its pending
 * operation and runs on; or a store buffer, which drains its oldest store; or, rarely, a
 * spurious wake-up or the clock. Before the first choice every thread is brought to its
 * first operation, so that no two sequences of choices are the same execution.
 *
 * Spinning: a thread that relaxes is not chosen again until somebody else has made a
 * step - under DFS, until memory has changed, or else two spinning threads would make an
 * infinite path. When all that could run are spinning, they run, or time passes.
 */
#include "engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct engine *E;

static struct vthread *conductor(void)
{
    return &E->threads[CONDUCTOR];
}

void trace_hash(uint64_t v)
{
    E->trace = (E->trace ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    E->trace ^= E->trace >> 29;
}

/* ---- failure --------------------------------------------------------------------------------- */

static const char *file_name(const struct explore_where *at)
{
    const char *slash = at && at->file ? strrchr(at->file, '/') : NULL;
    return slash ? slash + 1 : at && at->file ? at->file : "os.h";
}

void explore_fail(const struct explore_where *at, const char *format, ...)
{
    char what[MESSAGE - 64];
    va_list values;
    va_start(values, format);
    vsnprintf(what, sizeof what, format, values);
    va_end(values);
    snprintf(E->message, sizeof E->message, "%.40s:%d: %s", file_name(at), at ? at->line : 0, what);
    E->failed = true;
    context_switch(&E->running->context, &E->outside);
    abort();
}

void explore_equal(const struct explore_where *at, const char *what, long long actual,
                   long long expected)
{
    if (actual != expected)
        explore_fail(at, "asserted: %s is %lld, expected %lld", what, actual, expected);
}

static void check_steps(void)
{
    if (++E->steps > E->max_steps)
        explore_fail(&E->running->where, "livelock: %lu steps", E->max_steps);
}

/* ---- who is next ----------------------------------------------------------------------------- */

static weir_time first_deadline(void)
{
    weir_time first = WEIR_NEVER;
    for (unsigned i = 0; i < E->n; i++)
        if (E->asleep & BIT(i) && E->threads[i].deadline < first)
            first = E->threads[i].deadline;
    return first;
}

/* The next time at which something may be different; WEIR_NEVER: there is none. */
static weir_time next_point(void)
{
    weir_time next = first_deadline();
    for (unsigned i = 0; i < E->n_points; i++)
        if (E->points[i] > E->now && E->points[i] < next)
            next = E->points[i];
    return next;
}

void wake_thread(struct vthread *t)
{
    E->asleep &= ~BIT(t->index);
    E->ready |= BIT(t->index);
    t->word = NULL;
}

void pass_time(weir_time to)
{
    if (to > E->now)
        E->now = to;
    for (unsigned i = 0; i < E->n; i++)
        if (E->asleep & BIT(i) && E->threads[i].deadline <= E->now)
            wake_thread(&E->threads[i]);
    E->relaxed = 0;
    trace_hash(BIT(CLOCK));
}

void memory_changed(void)
{
    E->relaxed &= BIT(E->running->index);
}

/* Nobody can run. Return the conductor if that is the end, or fail. */
static struct vthread *finish(void)
{
    if (E->asleep && !(E->model->flags & EXPLORE_MAY_BLOCK))
        explore_fail(&E->running->where, "deadlock");
    return conductor();
}

/* Something other than a thread happens. */
static void happen(unsigned entity)
{
    trace_hash(entity);
    if (entity == CLOCK) {
        pass_time(next_point());
    } else if (entity >= SPURIOUS) {
        wake_thread(&E->threads[entity - SPURIOUS]);
        E->spurious++;
    } else {
        buffer_drain_one(&E->threads[entity - BUFFERS]);
        E->relaxed &= BIT(entity - BUFFERS);
    }
    if (E->tracing)
        printf("%6lu %s\n", E->steps,
               entity == CLOCK
                   ? "--- time passes"
                   : (entity >= SPURIOUS ? "--- spurious wake-up" : "--- a buffer drains"));
    check_steps();
}

static void only_spinning(void)
{
    if (next_point() != WEIR_NEVER && (E->chooser.kind == DFS || choose_value(2, 0) == 1))
        pass_time(next_point());
    else
        E->relaxed = 0;
}

static struct vthread *next_thread(void)
{
    for (;;) {
        uint64_t mask = (E->ready & ~E->relaxed) | E->dirty << BUFFERS;
        if (mask == 0) {
            if (E->relaxed)
                only_spinning();
            else if (first_deadline() != WEIR_NEVER)
                pass_time(first_deadline());
            else
                return finish();
            continue;
        }
        if (E->chooser.spurious && E->spurious < SPURIOUS_MAX)
            mask |= E->asleep << SPURIOUS;
        if (E->chooser.early && next_point() != WEIR_NEVER)
            mask |= BIT(CLOCK);
        unsigned entity = choose_entity(mask, E->running->index);
        if (entity < BUFFERS)
            return &E->threads[entity];
        happen(entity);
    }
}

static void switch_to(struct vthread *to)
{
    struct vthread *me = E->running;
    if (me == to)
        return;
    if (me->stores)
        buffer_hide(me);
    E->running = to;
    if (to->stores)
        buffer_show(to);
    context_switch(&me->context, &to->context);
}

void schedule(void)
{
    switch_to(next_thread());
}

/* ---- choice points --------------------------------------------------------------------------- */

void point(enum explore_op op, const void *address, const struct explore_where *at)
{
    struct vthread *me = E->running;
    me->op = op;
    me->address = address;
    me->where = at ? *at : (struct explore_where){NULL, NULL, 0};
    if (alone())
        return;
    if (E->phase == STARTING)
        switch_to(conductor());
    else
        schedule();
    if (E->chooser.kind != DFS)
        E->relaxed &= BIT(me->index);
    trace_hash(me->index << 8 | op);
    check_steps();
}

void explore_yield(void)
{
    point(EXPLORE_YIELD, NULL, NULL);
}

void explore_relax(const struct explore_where *at)
{
    struct vthread *me = E->running;
    me->op = EXPLORE_RELAX;
    me->where = at ? *at : (struct explore_where){NULL, NULL, 0};
    me->counts.relaxes++;
    if (alone())
        return;
    check_steps();
    E->relaxed |= BIT(me->index);
    chooser_relaxed(me->index);
}

void sleep_now(const a32 *word, weir_time deadline)
{
    struct vthread *me = E->running;
    if (alone()) {
        if (deadline == WEIR_NEVER)
            explore_fail(&me->where, "deadlock: setup() or check() sleeps for ever");
        pass_time(deadline);
        return;
    }
    me->word = word;
    me->deadline = deadline;
    me->slept_at = E->steps;
    E->ready &= ~BIT(me->index);
    E->asleep |= BIT(me->index);
    schedule();
}

/* ---- threads --------------------------------------------------------------------------------- */

static void thread_main(void)
{
    context_entered();
    struct vthread *me = E->running;
    me->what->run(me->what->arg);
    if (E->model->thread_exit)
        E->model->thread_exit();
    me->done = true;
    E->ready &= ~BIT(me->index);
    memory_changed();
    if (E->phase == STARTING)
        switch_to(conductor());
    else
        schedule();
    abort();
}

static void conductor_main(void)
{
    context_entered();
    if (E->model->setup)
        E->model->setup();
    E->phase = STARTING;
    for (unsigned i = 0; i < E->n; i++)
        switch_to(&E->threads[i]);
    E->phase = RUNNING;
    schedule();
    E->phase = CHECKING;
    if (E->model->check)
        E->model->check();
    context_switch(&conductor()->context, &E->outside);
    abort();
}

static void thread_begin(unsigned i, void (*entry)(void))
{
    struct vthread *t = &E->threads[i];
    t->what = &E->model->threads[i < EXPLORE_THREADS ? i : 0];
    t->index = i;
    t->done = false;
    t->stores = 0;
    t->word = NULL;
    t->current = NULL;
    t->counts = (explore_counts){0};
    t->op = EXPLORE_YIELD;
    t->where = (struct explore_where){NULL, NULL, 0};
    context_make(&t->context, entry);
}

void engine_execute(const explore_model *model)
{
    region_restore();
    region_reset();
    E->model = model;
    E->steps = 0;
    E->max_steps = model->max_steps ? model->max_steps : 20000;
    E->trace = E->stamp = 0;
    E->now = WEIR_S;
    E->n_points = 0;
    memset(E->jobs, 0, sizeof E->jobs);
    E->jobs_posted.v = 0;
    E->n_events = 0;
    E->spurious = 0;
    E->fail_alloc = 0;
    E->alloc_failed = false;
    E->alloc_fails = model->flags & EXPLORE_ALLOC_FAILS;
    E->allocator = (weir_allocator){NULL, NULL, NULL};
    E->failed = false;
    E->phase = SETUP;
    E->n = 0;
    while (E->n < EXPLORE_THREADS && model->threads[E->n].run)
        thread_begin(E->n++, thread_main);
    thread_begin(CONDUCTOR, conductor_main);
    E->ready = BIT(E->n) - 1;
    E->relaxed = E->asleep = E->dirty = 0;
    E->running = conductor();
    if (sigsetjmp(E->escape, 0) == 0)
        context_switch(&E->outside, &conductor()->context);
}

/* ---- services to models and to the core ------------------------------------------------------ */

void *explore_get_current(void)
{
    return E->running->current;
}

void explore_set_current(void *pointer)
{
    E->running->current = pointer;
}

bool explore_mutation(const char *name)
{
    return E->model && E->model->mutation && strcmp(E->model->mutation, name) == 0;
}

unsigned explore_choose(unsigned n)
{
    return choose_value(n, 0);
}

void explore_fail_alloc(unsigned long n)
{
    E->fail_alloc = n;
}

bool explore_alloc_failed(void)
{
    return E->alloc_failed;
}

uint64_t explore_stamp(void)
{
    return ++E->stamp;
}

bool explore_asleep(unsigned thread)
{
    return E->asleep & BIT(thread);
}

bool explore_tracing(void)
{
    return E->tracing;
}

const explore_counts *explore_counted(void)
{
    return &E->running->counts;
}

void explore_counts_reset(void)
{
    E->running->counts = (explore_counts){0};
}

unsigned long explore_locked_count(void)
{
    return E->running->counts.locked;
}

const char *op_name(enum explore_op op)
{
    static const char *const names[] = {"load", "store",      "cas",        "xchg",       "add",
                                        "and",  "or",         "xor",        "fence",      "relax",
                                        "now",  "futex wait", "futex wake", "membarrier", "yield"};
    return names[op];
}

/* What the operation at hand did; `result` is printed before the value. */
void trace(const char *result, uint64_t value)
{
    const struct vthread *me = E->running;
    if (!E->tracing)
        return;
    printf("%6lu %-10s %s:%d %s(): %s", E->steps,
           me->index == CONDUCTOR ? "(alone)" : me->what->name, file_name(&me->where),
           me->where.line, me->where.function ? me->where.function : "", op_name(me->op));
    if (me->address)
        printf(" %p", me->address);
    printf("%s 0x%llx\n", result, (unsigned long long)value);
}
