/* SPDX-License-Identifier: MIT */
/*
 * run.h - a run, seen by whoever begins it: weir_run() on its own thread, weir_start() on
 * one of weir's.
 */
#ifndef WEIR_RUN_INSIDE_H
#define WEIR_RUN_INSIDE_H

#include "os_thread.h"
#include "scheduler.h"

enum run_state {
    NO_RUN = 0,
    RUNS,    /* weir_run(), or a weir_start() that has not returned yet */
    STARTED, /* weir_start(), until weir_stop() */
    STOPS    /* somebody is in weir_stop() */
};

/* A thread's beginning, for who waits for it. */
enum { STARTING = 0, READY = 1, FAILED = 2, GO = 3 };

static inline void state_set(a32 *state, uint32_t value)
{
    a32_xchg(state, value);
    os_futex_wake(state, 1);
}

static inline uint32_t state_after(a32 *state, uint32_t value)
{
    uint32_t now;
    while ((now = a32_load_acquire(state)) == value)
        os_futex_wait(state, value, WEIR_NEVER);
    return now;
}

/* What weir_start() and its thread tell each other. */
struct launch {
    os_thread thread;
    weir_body body;
    void *arg;
    weir_options options;
    void (*over)(void); /* constant */
    a32 state;          /* READY: the first actor is there */
    aptr runtime;       /* struct runtime, while it runs: read inside of operations */
    int event;          /* set at the end */
    int result;
};

/*
 * Run on the calling thread. `l` may be NULL; else it is told when the first actor is there,
 * and when it has gone with all others.
 */
int weir__run_here(weir_body body, void *arg, const weir_options *o, struct launch *l);

/* As weir_start(). `over` is NULL, or called when the run is over. */
int weir__start(weir_body body, void *arg, const weir_options *options, void (*over)(void));

#endif
