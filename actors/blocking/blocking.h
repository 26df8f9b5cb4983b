/* SPDX-License-Identifier: MIT */
/* blocking.h - what a run, and worker processes, have to do with blocking calls. */
#ifndef WEIR_BLOCKING_INSIDE_H
#define WEIR_BLOCKING_INSIDE_H

#include "job.h"

/* Around a run, by its first thread, which is no actor then. */
void weir__blocking_begin(void);
void weir__blocking_end(void);

/*
 * Inside an operation of an actor: the run's default class whose handle is kept in *kept, which is
 * 0 at first, when it is asked for; else a null handle that carries the error. At the end of the
 * run it is closed.
 */
weir_handle weir__class_default(struct actor *me, a64 *kept, uint32_t limit);
void weir__class_end(a64 *kept);

/*
 * Wait for a place in the class, have a thread of the job's crew run it, wait for it; the job is
 * released. What it returned, and result_size bytes of its result, or an error as of
 * weir_blocking_call().
 */
int weir__class_call(struct actor *me, weir_handle in, struct job *j, void *result,
                     weir_time deadline, bool abandon);

/* By the thread of a job that was abandoned and keeps its place: give it back. */
void weir__class_give_back(const struct job *j);

#endif
