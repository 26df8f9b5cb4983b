/* SPDX-License-Identifier: MIT */
/* hog.h - an actor that keeps its worker for long. */
#ifndef WEIR_HOG_H
#define WEIR_HOG_H

#include "actor.h"

enum { HOG_AFTER = 100 /* ms */ };

/* What whoever watches a worker remembers of it. All zero at the start. */
struct hog {
    uint64_t switches;
    weir_time since; /* when `switches` was first seen; 0: never looked */
    bool told;
};

/*
 * To be called now and then by one watching thread, outside of operations. `current` is what
 * the worker runs, NULL while it is in its loop or asleep; `switches` its count of switches.
 * An actor that has run for more than HOG_AFTER without a switch is reported, once. True: it
 * was reported now.
 */
bool weir__hog_check(struct hog *h, const aptr *current, uint64_t switches, weir_time now);

#endif
