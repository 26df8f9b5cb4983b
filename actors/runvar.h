/* SPDX-License-Identifier: MIT */
/*
 * runvar.h - the variables of a run: a list that only grows, so that a look takes no lock.
 * Those who change it have the lock.
 */
#ifndef WEIR_RUNVAR_INSIDE_H
#define WEIR_RUNVAR_INSIDE_H

#include <weir/runvar.h>

#include "atomic.h"

struct runvars {
    a32 lock;
    aptr last; /* struct value: the last one that was set for the first time */
};

int weir__runvar_get(const struct runvars *vars, const weir_runvar *var, void **value);
/* init: weir_runvar_init(), and *before the value; else weir_runvar_set(). */
int weir__runvar_set(struct runvars *vars, const weir_runvar *var, void *value, void **before,
                     bool init);
int weir__runvar_clear(struct runvars *vars, const weir_runvar *var, void **before);

/* The run is over: drop all values. */
void weir__runvars_end(struct runvars *vars);

#endif
