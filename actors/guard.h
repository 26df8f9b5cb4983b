/* SPDX-License-Identifier: MIT */
/*
 * guard.h - what lies below a stack, and faults when it is touched.
 *
 * A ladder: MADV_GUARD_INSTALL (Linux 6.13); else mprotect(), as long as that leaves the process
 * a part of vm.max_map_count for itself; else none, and the stack has a canary (stack.h). A rung
 * that fails is left for good.
 */
#ifndef WEIR_GUARD_H
#define WEIR_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/actor.h>

#include "atomic.h"

struct guards {
    size_t size; /* bytes of each */
    weir_guard rung;
    bool strict;        /* a stack without one is none */
    bool proven;        /* guards that the kernel installed do guard */
    a32 canaries;       /* some stacks have no guard */
    a32 fell;           /* the rung that was come to, to be reported; 0: none */
    size_t protections; /* guards that mprotect() may still make */
};

void weir__guards_init(struct guards *g, size_t stack_size, weir_guard wanted, bool strict);

/* By the rung that is reached. False: none could be made. Under the lock of the stacks. */
bool weir__guard_make(struct guards *g, char *slot);

/* The best rung holds: weir__guard_install() needs no lock. */
static inline bool guards_are_best(const struct guards *g)
{
    return g->rung == WEIR_GUARD_BEST && g->proven;
}

/* By the best rung. False: the kernel refused. */
bool weir__guard_install(struct guards *g, char *slot);

/* Report a rung that was left since the last time. Outside of locks and of a suspension. */
void weir__guards_report(struct guards *g);

#endif
