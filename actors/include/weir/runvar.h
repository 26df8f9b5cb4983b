/* SPDX-License-Identifier: MIT */
/*
 * weir/runvar.h - variables that each run has anew: default limiters, pools, caches.
 *
 *     static weir_runvar pool = WEIR_RUNVAR(pool_close);
 *
 *     if (weir_runvar_get(&pool, &p) == WEIR_ENODATA)
 *         ...
 *
 * A variable is known by its address, which must stay; its value is a pointer, the same for all
 * actors of the run. It is unset when a run begins. Row F142.
 */
#ifndef WEIR_RUNVAR_H
#define WEIR_RUNVAR_H

#include <weir/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_runvar {
    /*
     * Called with the value that it still has when the run is over, NULL for nothing: after the
     * last actor, before weir_run() returns or weir_run_fd() is readable, by that thread, the
     * last variable that was set first. It may close handles, and may not wait.
     */
    void (*drop)(void *value);
} weir_runvar;

#define WEIR_RUNVAR(drop)                                                                          \
    {                                                                                              \
        (drop)                                                                                     \
    }

/*
 * weir_runvar_get   - its value. WEIR_ENODATA: it is unset.
 * weir_runvar_set   - from now on this value, which may be NULL. *before is the former one, the
 *                     caller's from now on, or NULL if it was unset; `before` may be NULL.
 * weir_runvar_init  - set it unless it is set: WEIR_EALREADY, and *value is what it is. So of
 *                     several that make a first value at the same time all go on with one.
 * weir_runvar_clear - unset it; *before as above. WEIR_ENODATA: it was.
 *
 * Never suspend; by actors: WEIR_EPERM elsewhere. 0; WEIR_EINVAL (a null pointer but `before`);
 * set and init: WEIR_ENOMEM.
 */
WEIR_API int weir_runvar_get(const weir_runvar *var, void **value);
WEIR_API int weir_runvar_set(const weir_runvar *var, void *value, void **before);
WEIR_API int weir_runvar_init(const weir_runvar *var, void **value);
WEIR_API int weir_runvar_clear(const weir_runvar *var, void **before);

#ifdef __cplusplus
}
#endif
#endif
