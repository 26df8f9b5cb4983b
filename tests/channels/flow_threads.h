/* SPDX-License-Identifier: MIT */
/*
 * flow_threads.h - a flow is a concurrent piece of a scenario: here a plain thread.
 * tests/actors/flow_actors.h is the same interface with actors, so that each scenario
 * is written once. A scenario never blocks but in weir itself; it pauses and looks again.
 */
#ifndef WEIR_TESTS_FLOW_H
#define WEIR_TESTS_FLOW_H

#include <pthread.h>
#include <stdatomic.h>

#include "kinds.h"

struct flow {
    void (*run)(void *arg);
    void *arg;
    pthread_t thread;
    atomic_bool done;
};

static inline void *flow_body(void *arg)
{
    struct flow *f = arg;
    f->run(f->arg);
    atomic_store(&f->done, true);
    return NULL;
}

static inline void flow_start(struct flow *f, void (*run)(void *), void *arg)
{
    f->run = run;
    f->arg = arg;
    atomic_init(&f->done, false);
    if (pthread_create(&f->thread, NULL, flow_body, f) != 0) {
        fprintf(stderr, "no thread for a test\n");
        abort();
    }
}

static inline bool flow_done(struct flow *f)
{
    return atomic_load(&f->done);
}

static inline void flow_join(struct flow *f)
{
    pthread_join(f->thread, NULL);
}

static inline void flow_pause(void)
{
    sched_yield();
}

#endif
