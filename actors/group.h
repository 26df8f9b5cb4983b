/* SPDX-License-Identifier: MIT */
/* group.h - who waits for whom: a group counts its children and keeps the first failure. */
#ifndef WEIR_GROUP_H
#define WEIR_GROUP_H

#include "actor.h"

struct group {
    a32 lock;
    uint32_t live;        /* children that have not ended; under the lock */
    int failure;          /* of the first child that failed; 0: none */
    struct actor *waiter; /* in weir_group_end() */
    struct retired retired;
};

/* Count a child in, before it is queued. `h` 0 is the run's own group. 0 or an error. */
int weir__group_add(weir_handle h, struct actor *child);

/* The child has ended with `result`. */
void weir__group_done(struct group *g, int result);

/* As weir_group_end(), for the actor that owns it. */
int weir__group_end(struct actor *me, weir_handle h);

#endif
