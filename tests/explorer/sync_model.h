/* SPDX-License-Identifier: MIT */
/*
 * sync_model.h - models of primitives: threads, and an actor in a scope that a thread cancels,
 * want to get in.
 */
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

/* ---- who gets in, looks around and gives back --------------------------------------------- */

struct sync_use {
    int (*acquire)(weir_time deadline);
    void (*inside)(void); /* NULL: nothing */
};

/* Returns what acquire() does: 0, or for which reason one may not get in. */
static inline int sync_take(const struct sync_use *use, weir_time deadline, int reason)
{
    int rc = use->acquire(deadline);
    EXPLORE_ASSERT(rc == 0 || rc == reason);
    if (rc == 0 && use->inside)
        use->inside();
    return rc;
}

static inline void sync_takes(void *use)
{
    sync_take(use, WEIR_NEVER, 0);
}

static inline void sync_takes_twice(void *use)
{
    sync_takes(use);
    sync_takes(use);
}

static inline void sync_takes_by(void *use)
{
    sync_take(use, weir_after(WEIR_MS), WEIR_ETIMEDOUT);
}

static inline int sync_actor(void *use)
{
    sync_begin_scope();
    sync_end_scope(sync_take(use, WEIR_NEVER, WEIR_ECANCELED));
    return 0;
}

static inline void sync_actor_takes(void *use)
{
    EXPLORE_EQ(weir_run(sync_actor, use, NULL), 0);
}

/* ---- several things at the same moment, which is later than all else ------------------------ */

static weir_time sync_moment;

/* In a setup(), with EXPLORE_LAZY_CLOCK. */
static inline void sync_set_moment(void)
{
    sync_moment = weir_after(WEIR_MS);
}

static inline void sync_takes_until_then(void *use)
{
    sync_take(use, sync_moment, WEIR_ETIMEDOUT);
}

static inline void sync_gives_back_then(void *use)
{
    const struct sync_use *u = use;
    EXPLORE_EQ(u->acquire(WEIR_NEVER), 0);
    EXPLORE_EQ(weir_sleep_until(sync_moment), 0);
    u->inside();
}

#endif
