/* SPDX-License-Identifier: MIT */
/* process.h - what a run has to do with worker processes. */
#ifndef WEIR_PROCESS_INSIDE_H
#define WEIR_PROCESS_INSIDE_H

#include <weir/process.h>

#include "blocking/crew.h"

/* Around a run, by its first thread, which is no actor then. */
void weir__processes_begin(void);
void weir__processes_end(void);

/* A thread for each process. */
extern struct crew weir__process_crew;

/* How long one may take to come up, and to go when it is told to. Tests are less patient. */
struct process_limits {
    weir_time start, grace;
};

extern struct process_limits weir__process_limits;

/* ---- registry.c ---- */

/* That of a function which is to be called, or NULL. */
const weir_process_entry *weir__process_entry_of(weir_process_function function);

/* That of a name, of `size` bytes. */
const weir_process_entry *weir__process_entry_named(const char *name, size_t size);

/* weir_process_main() has been called, and this is no worker process. `argv` may be NULL. */
void weir__process_allow(char **argv);

/* For a worker process: the arguments of this one. NULL: there may be none. */
char *const *weir__process_arguments(void);

#endif
