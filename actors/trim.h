/* SPDX-License-Identifier: MIT */
/*
 * trim.h - memory that a peak has left is given back to the kernel when all is idle.
 *
 * A worker that goes to sleep while much is free wakes up once, 5 s later, if nothing
 * has run on it by then, gives back the free stacks of its own, and puts its free records where
 * all workers take them. The last of the workers to do so gives back what is free in all, in
 * pieces: whoever calls it meanwhile waits for one. Then it sleeps without a time, until
 * something ran. A runtime with a busy worker gives back only stacks, little by little, in its
 * loop (stacks_look()).
 */
#ifndef WEIR_TRIM_H
#define WEIR_TRIM_H

#include "scheduler.h"

/* A worker will sleep: until when at most? WEIR_NEVER: nothing is to be done. */
weir_time weir__trim_due(struct worker *w);

/* It woke up. Has that time come? */
bool weir__trim_is_due(const struct worker *w);

/* Then, on the thread's own stack, outside of operations. */
void weir__trim(struct worker *w);

#endif
