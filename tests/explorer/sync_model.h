/* SPDX-License-Identifier: MIT */
/* sync_model.h - models of primitives: an actor in a scope that a thread cancels. */
#ifndef WEIR_SYNC_MODEL_H
#define WEIR_SYNC_MODEL_H

#include "model.h"

#define SYNC_MODEL(ident, text, ...)                                                               \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach, __VA_ARGS__)
#define SYNC_BROKEN(ident, text, defect, ...)                                                      \
    EXPLORE_MODEL(ident, text, .mutation = defect, .thread_exit = weir__thread_detach, __VA_ARGS__)

static weir_scope sync_scope;
static a32 sync_begun;

/* By the actor, and then it waits. */
static inline void sync_begin_scope(void)
{
    sync_scope = weir_scope_begin();
    a32_store_release(&sync_begun, 1);
}

/* Its wait has returned this: cancelled or not, never both. */
static inline void sync_end_scope(int rc)
{
    if (rc == WEIR_ECANCELED)
        EXPLORE_EQ(weir_scope_end(sync_scope), 1);
    else
        EXPLORE_ASSERT(weir_scope_end(sync_scope) >= 0);
}

static inline void sync_cancels(void *unused)
{
    (void)unused;
    while (!a32_load_acquire(&sync_begun))
        a_relax();
    int rc = weir_scope_cancel(sync_scope, "by a thread");
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
}

/* A run with one worker on this virtual thread. */
static inline void sync_run(weir_body body)
{
    EXPLORE_EQ(weir_run(body, NULL, NULL), 0);
}

#endif
