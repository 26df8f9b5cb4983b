/* SPDX-License-Identifier: MIT */
/* run.c - weir_run(): the calling thread becomes the worker. */
#include <string.h>

#include "overflow.h"
#include "scheduler.h"

static a32 running; /* a weir_run() is under way; pairs with itself */

static const char *name_of(void *owner)
{
    return ((struct actor *)owner)->name;
}

static int run_worker(struct worker *w, weir_body body, void *arg)
{
    const weir_spawn_options first = {.arg = arg};
    w->native_party->thread->worker = w;
    int rc = weir__spawn(w->native_party, 0, body, 0, &first, "main");
    if (rc == 0) {
        w->first = w->spawned.first;
        weir__context_native(&w->native);
        weir__worker_loop(w);
        rc = w->first_result >= 0 && w->root.failure < 0 ? w->root.failure : w->first_result;
    }
    w->native_party->thread->worker = NULL;
    return rc;
}

static void worker_release(struct retired *r, struct thread *t)
{
    (void)t;
    os_free_aligned(container_of(r, struct worker, retired), sizeof(struct worker), CACHE_LINE);
}

static int run(weir_body body, void *arg, const weir_options *o)
{
    struct party *self = party_current();
    struct worker *w;
    if (!self && !(self = weir__thread_party()))
        return WEIR_ENOMEM;
    if (!(w = os_alloc_aligned(sizeof *w, CACHE_LINE)))
        return WEIR_ENOMEM;
    w->thread = self->thread;
    w->native_party = self;
    ck_stack_init(&w->inject);
    int rc = weir__stacks_init(&w->stacks, o->stack_size, o->guard, o->strict_guards);
    if (rc == 0) {
        struct overflow_report report = {0};
        if (!o->no_overflow_report)
            weir__overflow_install(&report, &w->stacks, name_of);
        rc = run_worker(w, body, arg);
        if (!o->no_overflow_report)
            weir__overflow_remove(&report);
        weir__stacks_fini(&w->stacks);
    }
    if (MUTATE("worker: without grace"))
        worker_release(&w->retired, self->thread);
    else
        weir__retire(self->thread, &w->retired, worker_release);
    weir__reclaim_all(self->thread);
    return rc;
}

int weir_run(weir_body body, void *arg, const weir_options *options)
{
    static const weir_options defaults;
    uint32_t idle = 0;
    if (!body)
        return WEIR_EINVAL;
    struct party *self = party_current();
    if (self && self->thread->dropping)
        return WEIR_EPERM;
    if (actor_self() || !a32_cas(&running, &idle, 1))
        return WEIR_EBUSY;
    int rc = run(body, arg, options ? options : &defaults);
    a32_store_release(&running, 0);
    return rc;
}
