/* SPDX-License-Identifier: MIT */
/*
 * run.c - weir_run(): the calling thread becomes the first worker, others are started.
 *
 * The memory of a run outlives its last worker by a grace period, because a thread that
 * has just woken a worker may still look at it.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "blocking/blocking.h"
#include "children.h"
#include "gate.h"
#include "os_thread.h"
#include "overflow.h"
#include "processes/process.h"
#include "run.h"
#include "simulate.h"
#include "snapshot.h"
#include "supervision/name.h"

aptr weir__runtime;

static const char *name_of(void *owner)
{
    return ((struct actor *)owner)->name;
}

/* ---- memory ---------------------------------------------------------------------------- */

static void runtime_free(struct runtime *rt)
{
    for (uint32_t i = 0; i < WORKERS_MOST && rt->worker[i]; i++) {
        struct poller *p = aptr_load(&rt->worker[i]->poller);
        if (p)
            p->ops->release(p);
        os_free_aligned(rt->worker[i], sizeof(struct worker), CACHE_LINE);
    }
    weir__children_fini(&rt->root);
    os_free_aligned(rt, sizeof *rt, CACHE_LINE);
}

static void runtime_release(struct retired *r, struct thread *t)
{
    (void)t;
    runtime_free(container_of(r, struct runtime, retired));
}

static struct worker *worker_new(struct runtime *rt, uint32_t index)
{
    struct worker *w = os_alloc_aligned(sizeof *w, CACHE_LINE);
    if (!w)
        return NULL;
    w->runtime = rt;
    w->index = index;
    w->random = 2463534242u + index;
    w->tick = w->turn = TICK;
    a32_store(&w->cost, DEAR); /* until it is measured */
    a32_store(&w->barred, os_membarrier_works() ? 0 : GATE_FENCES);
    ck_stack_init(&w->inject);
    return w;
}

static struct runtime *runtime_new(uint32_t workers)
{
    struct runtime *rt = os_alloc_aligned(sizeof *rt, CACHE_LINE);
    if (!rt)
        return NULL;
    rt->workers = workers;
    weir__children_init(&rt->root);
    for (uint32_t i = 0; i < workers; i++) {
        if (!(rt->worker[i] = worker_new(rt, i))) {
            runtime_free(rt);
            return NULL;
        }
    }
    return rt;
}

/* ---- workers --------------------------------------------------------------------------- */

/* The calling thread is w's from now on. */
static void worker_take(struct worker *w, struct party *self)
{
    w->thread = self->thread;
    w->native_party = self;
    self->thread->worker = w;
    weir__context_native(&w->native);
}

/* Until weir__overflow_remove(), by the same thread. */
static void report_overflows(struct runtime *rt, struct overflow_report *r)
{
    *r = (struct overflow_report){0};
    if (rt->report)
        weir__overflow_install(r, &rt->stacks, name_of);
}

static void worker_work(struct worker *w)
{
    weir__worker_loop(w);
    w->thread->worker = NULL;
}

/* ---- the threads of the others ----------------------------------------------------------- */

struct helper {
    os_thread thread;
    struct worker *worker;
    a32 state; /* STARTING -> READY -> GO, or FAILED */
};

static void help(void *helper)
{
    struct helper *h = helper;
    struct overflow_report overflow;
    struct party *self = weir__thread_party();
    if (!self) {
        state_set(&h->state, FAILED);
        return;
    }
    worker_take(h->worker, self);
    state_set(&h->state, READY);
    state_after(&h->state, READY); /* how many workers there are is known from GO on */
    report_overflows(h->worker->runtime, &overflow);
    worker_work(h->worker);
    weir__overflow_remove(&overflow);
}

/* How many could be started: a run with fewer workers is a run. */
static uint32_t start_helpers(struct runtime *rt, struct helper *helpers)
{
    uint32_t n = 0;
    for (; n + 1 < rt->workers; n++) {
        struct helper *h = &helpers[n];
        *h = (struct helper){.worker = rt->worker[n + 1]};
        if (os_thread_start(&h->thread, help, h) < 0)
            break;
        if (state_after(&h->state, STARTING) == FAILED) {
            os_thread_join(&h->thread);
            break;
        }
    }
    return n;
}

static void work_together(struct runtime *rt)
{
    struct helper *helpers = NULL;
    struct overflow_report overflow;
    size_t bytes = (rt->workers - 1) * sizeof *helpers;
    uint32_t n = 0;
    if (bytes > 0 && (helpers = os_alloc(bytes)))
        n = start_helpers(rt, helpers);
    rt->workers = n + 1;
    /* Before an actor runs, and so before a group is open. */
    aptr_store_release(&weir__runtime, rt);
    report_overflows(rt, &overflow); /* the first one's is the handler: longer than all others */
    for (uint32_t i = 0; i < n; i++)
        state_set(&helpers[i].state, GO);
    worker_work(rt->worker[0]);
    for (uint32_t i = 0; i < n; i++)
        os_thread_join(&helpers[i].thread);
    weir__overflow_remove(&overflow);
    os_free(helpers, bytes);
}

/* ---- run --------------------------------------------------------------------------------- */

static int run_first(struct runtime *rt, struct party *self, weir_body body, void *arg)
{
    const weir_spawn_options first = {.arg = arg};
    worker_take(rt->worker[0], self);
    int rc = weir__spawn(self, 0, body, 0, &first, "main", NULL);
    if (rc == 0)
        aptr_store(&rt->first, rt->worker[0]->run.spawned.first);
    else
        self->thread->worker = NULL;
    return rc;
}

static void work_and_tell(struct runtime *rt, struct launch *l)
{
    if (l) {
        aptr_store_release(&l->runtime, rt); /* pairs with weir_stop() */
        state_set(&l->state, READY);
    }
    work_together(rt);
    if (l)
        aptr_store(&l->runtime, NULL); /* before it is retired */
}

static int run(struct runtime *rt, struct party *self, weir_body body, void *arg,
               const weir_options *o, struct launch *l)
{
    int rc = weir__stacks_init(&rt->stacks, o->stack_size, o->guard, o->strict_guards);
    if (rc < 0)
        return rc;
    weir__snapshot_stacks(rt->stacks.size);
    rt->report = !o->no_overflow_report;
    if (o->simulate)
        rc = weir__simulate_begin(rt, self->thread, o->seed);
    if (rc == 0 && (rc = run_first(rt, self, body, arg)) == 0) {
        weir__blocking_begin();
        weir__processes_begin();
        weir__names_begin();
        work_and_tell(rt, l);
        weir__processes_end();
        weir__blocking_end();
        weir__names_end();
        self->thread->dropping = true; /* what they call may not wait */
        weir__runvars_end(&rt->vars);
        weir__drops_end(self->thread);
        rc = rt->first_result >= 0 && rt->root.failure < 0 ? rt->root.failure : rt->first_result;
    }
    if (rt->simulation)
        rc = weir__simulate_end(rt, rc);
    weir__stacks_fini(&rt->stacks);
    return rc;
}

static uint32_t how_many_workers(const weir_options *o)
{
    unsigned long n = o->simulate ? 1 : o->workers;
    if (n == 0) {
        const char *told = secure_getenv("WEIR_WORKERS");
        n = told ? strtoul(told, NULL, 10) : 0;
    }
    if (n == 0)
        n = os_processors();
    return n < WORKERS_MOST ? (uint32_t)n : WORKERS_MOST;
}

static void end_pollers(struct runtime *rt)
{
    struct party *self = party_enter();
    for (uint32_t i = 0; i < rt->workers && self; i++) {
        struct poller *p = aptr_load(&rt->worker[i]->poller);
        if (p && p->ops->end)
            p->ops->end(p, self->thread);
    }
    if (self)
        party_leave(self);
}

int weir__run_here(weir_body body, void *arg, const weir_options *o, struct launch *l)
{
    struct party *self = party_current();
    uint32_t workers = how_many_workers(o);
    if (!self && !(self = weir__thread_party()))
        return party_refusal();
    struct runtime *rt = runtime_new(workers);
    if (!rt)
        return WEIR_ENOMEM;
    int rc = run(rt, self, body, arg, o, l);
    end_pollers(rt);
    if (MUTATE("worker: without grace"))
        runtime_free(rt);
    else
        weir__retire(self->thread, &rt->retired, runtime_release);
    weir__reclaim_soon(self->thread);
    return rc;
}

int weir_run(weir_body body, void *arg, const weir_options *options)
{
    static const weir_options defaults;
    uint32_t idle = NO_RUN;
    if (!body || (options && options->simulate && options->workers > 1))
        return WEIR_EINVAL;
    struct party *self = party_current();
    if (self ? self->thread->dropping : weir__barred())
        return WEIR_EPERM;
    if (actor_self() || !a32_cas(&weir__run_state, &idle, RUNS))
        return WEIR_EBUSY;
    int rc = weir__run_here(body, arg, options ? options : &defaults, NULL);
    a32_store_release(&weir__run_state, NO_RUN);
    return rc;
}
