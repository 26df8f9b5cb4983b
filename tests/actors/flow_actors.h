/* SPDX-License-Identifier: MIT */
/*
 * flow_actors.h - the flows of tests/channels/flow_threads.h as actors; or every other
 * one as a thread, so that actors and threads meet on the same channels. The scenario
 * itself is the first actor of a run.
 */
#ifndef WEIR_TESTS_FLOW_H
#define WEIR_TESTS_FLOW_H

#include <pthread.h>
#include <stdatomic.h>

#include <weir/weir.h>

#include "../channels/kinds.h"

static bool flows_mixed; /* every other flow is a thread */
static unsigned flows_started;

struct flow {
    void (*run)(void *arg);
    void *arg;
    bool is_thread;
    pthread_t thread;
    atomic_bool done;
};

static inline int flow_actor(void *arg)
{
    struct flow *f = arg;
    f->run(f->arg);
    atomic_store(&f->done, true);
    return 0;
}

static inline void *flow_thread(void *arg)
{
    flow_actor(arg);
    return NULL;
}

static inline void flow_start(struct flow *f, void (*run)(void *), void *arg)
{
    f->run = run;
    f->arg = arg;
    f->is_thread = flows_mixed && flows_started++ % 2 == 0;
    atomic_init(&f->done, false);
    int rc = f->is_thread ? pthread_create(&f->thread, NULL, flow_thread, f)
                          : weir_spawn(WEIR_RUN, flow_actor, (void *)f);
    if (rc != 0) {
        fprintf(stderr, "no flow for a test: %d\n", rc);
        abort();
    }
}

static inline bool flow_done(struct flow *f)
{
    return atomic_load(&f->done);
}

/* Threads pause, too: there weir_yield() is an error. */
static inline void flow_pause(void)
{
    if (weir_yield() < 0 || flows_mixed)
        sched_yield();
}

static inline void flow_join(struct flow *f)
{
    while (!flow_done(f))
        flow_pause();
    if (f->is_thread)
        pthread_join(f->thread, NULL);
}

/* ---- a scenario as the first actor ---------------------------------------------------------- */

struct scenario_run {
    kind_test scenario;
    unsigned needs;
};

static inline int scenario_actor(void *arg)
{
    const struct scenario_run *s = arg;
    for_kinds(s->scenario, s->needs);
    return 0;
}

static inline void run_scenario(kind_test scenario, unsigned needs, bool mixed)
{
    struct scenario_run s = {scenario, needs};
    flows_mixed = mixed;
    EXPECT_RC(weir_run(scenario_actor, &s, NULL), 0);
}

#define SCENARIO_FUNCTIONS(scenario, needs, title)                                                 \
    static void alone_##scenario(void)                                                             \
    {                                                                                              \
        run_scenario(scenario, needs, false);                                                      \
    }                                                                                              \
    static void mixed_##scenario(void)                                                             \
    {                                                                                              \
        run_scenario(scenario, needs, true);                                                       \
    }
#define SCENARIO_CASES(scenario, needs, title)                                                     \
    {title " (actors)", alone_##scenario}, {title " (actors and threads)", mixed_##scenario},
#define SCENARIO_SUITE(ident, title)                                                               \
    SCENARIOS(SCENARIO_FUNCTIONS)                                                                  \
    TEST_SUITE(ident, title, SCENARIOS(SCENARIO_CASES))

#endif
