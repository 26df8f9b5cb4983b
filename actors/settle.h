/* SPDX-License-Identifier: MIT */
/*
 * settle.h - who waits until all others are parked; settle.c says how that is known.
 *
 * A worker naps from before its last look at what it could run until it goes on; it tells so
 * by `naps`, which it alone writes: odd meanwhile, and another value at each nap.
 */
#ifndef WEIR_SETTLE_H
#define WEIR_SETTLE_H

#include <stdbool.h>

struct worker;

/* By w, which has nothing to run. A locked instruction has to follow the beginning. */
void weir__nap_begin(struct worker *w);
void weir__nap_end(struct worker *w);

/*
 * By w in its nap, its last look done: if all others nap as well, and nobody has been woken,
 * wake those who wait for that. True: the nap is over, and some are to be run.
 */
bool weir__settled(struct worker *w);

/* The same without a nap, where there is no other worker. */
bool weir__settled_alone(struct worker *w);

#endif
