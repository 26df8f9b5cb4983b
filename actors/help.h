/* SPDX-License-Identifier: MIT */
/* help.h - between workers: see inject.c and help.c. */
#ifndef WEIR_HELP_H
#define WEIR_HELP_H

#include "scheduler.h"

/* Wake it if it sleeps: true. Any thread. */
bool weir__call_worker(struct worker *w);

static inline bool nothing_injected(const struct worker *w)
{
    return ck_pr_load_ptr(&w->inject.head) == NULL; /* CK_STACK_ISEMPTY() reads it plainly */
}

/*
 * Queue on w what was injected to `from`, in the order in which it was pushed: its own, or, as a
 * thief, another worker's. On w's thread.
 */
void weir__take_injected(struct worker *w, struct worker *from);

/* Take something from a worker that has more than it can run. On w's thread. */
bool weir__find_work(struct worker *w);

#endif
