/* SPDX-License-Identifier: MIT */
/*
 * simulate.h - a run whose order and time come from a seed; simulate.c says how.
 *
 * All of these are called by the loop of the only worker, or before and after it.
 */
#ifndef WEIR_SIMULATION_H
#define WEIR_SIMULATION_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/actor.h>

#include "atomic.h"

struct actor;
struct runtime;
struct thread;
struct worker;

/* Make rt a simulated run on t, the calling thread. 0 or WEIR_ENOMEM. */
int weir__simulate_begin(struct runtime *rt, struct thread *t, uint64_t seed);

/* It is over; what weir_run() returns. */
int weir__simulate_end(struct runtime *rt, int rc);

/* Each turn of the loop begins with it: account for the actor that ran. */
void weir__simulate_turn(struct worker *w);

/* In place of weir__pick(), outside of the gate. */
struct actor *weir__simulate_pick(struct worker *w);

/* How many operations may the actor do before others get their turn? */
int16_t weir__simulate_budget(struct worker *w);

/* Nothing is runnable and some have not ended. False: only another thread can change that. */
bool weir__simulate_idle(struct worker *w);

/*
 * When to ask again: a thread that could change that may have gone since. Of the real clock, as
 * virtual time stands still meanwhile.
 */
weir_time weir__simulate_look(void);

/* Threads of the library's that do nothing by themselves: who waits for them is seen to. */
extern a32 weir__bystanders;

/* weir_now() as the actors of a run know it. Any thread. */
weir_time weir__run_now(void);

#endif
