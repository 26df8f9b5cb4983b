/* SPDX-License-Identifier: MIT */
/*
 * weir/gather.h - several bodies at once: wait for all, or take them as they finish.
 *
 *     weir_job jobs[] = {WEIR_JOB(fetch, &here, .name = "here"), WEIR_JOB(fetch, &there)};
 *     rc = weir_gather(jobs, 2);                   jobs[i].result, in the order of the jobs
 *
 *     weir_auto(weir_completed) c = weir_completed_begin(jobs, 2);
 *     while ((rc = weir_recv(c.rx, &i)) > 0)       jobs[i] has finished
 *         if (good_enough(&jobs[i]))
 *             break;                               leaving cancels the others
 *
 * The jobs are children of a group of their own: one that fails cancels the others and the
 * caller's waits until the end (weir/actor.h, groups). Row F010.
 */
#ifndef WEIR_GATHER_H
#define WEIR_GATHER_H

#include <weir/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_JOB_ARG_MAX (WEIR_ARG_MAX - 64) /* bytes of a job's argument that are copied */

/* The array has to last, where it is, until the gather returns or the completed end. */
typedef struct weir_job {
    weir_body body;
    size_t arg_size; /* bytes of the argument to copy; 0: the pointer is passed as it is */
    const void *arg;
    const char *name; /* these as in weir_spawn_options, but for: */
    weir_own own;     /* 7 fields at most */
    weir_own give;
    bool pinned;
    int result; /* what the body has returned; WEIR_ECANCELED: it has not run */
} weir_job;

/* An initialiser: WEIR_JOB(body, arg, ...), with arg and fields as in weir_spawn(). */
#define WEIR_JOB(function, ...)                                                                    \
    {                                                                                              \
        .body = (function), .arg_size = WEIR_ARG_SIZE(WEIR_FIRST(__VA_ARGS__, 0)),                 \
        .arg = __VA_ARGS__                                                                         \
    }

/*
 * weir_gather(jobs, n)    - run n jobs and wait for all. 0, or the first failure among them, or
 *                           WEIR_ECANCELED if the caller is cancelled: what they returned is in
 *                           their `result` all the same.
 * weir_map(body, item, n) - run body(&item[i]) for each of the n items of an array, which is not
 *                           copied: a body has its item to itself, and leaves its result there.
 *
 * Suspend; by actors. WEIR_EINVAL: no job at all, a null pointer, an argument of more than
 * WEIR_JOB_ARG_MAX bytes, too many or wrong fields; WEIR_EPERM elsewhere and in drop functions;
 * WEIR_ENOMEM, WEIR_ENFILE, WEIR_EBADF, WEIR_ECLOSED, WEIR_EBUSY as weir_spawn(): then those that
 * were started have been cancelled and have ended.
 */
WEIR_API int weir_gather(weir_job *jobs, size_t n);
#define weir_map(body, item, n) weir_map_sized((body), (item), sizeof *(item), (n))
WEIR_API int weir_map_sized(weir_body body, void *items, size_t item_size, size_t n);

/*
 * weir_completed_begin(jobs, n) - start them. `rx` is a receive end of their indices (size_t), in
 *                                 the order in which they finish, and of the end after the last:
 *                                 for weir_recv, weir_on_recv and so on. There is room for all,
 *                                 so no job waits to finish, whether they are looked at or not.
 *                                 On an error, those of weir_gather() and more than
 *                                 WEIR_CAPACITY_MAX jobs, null handles that carry it. Suspends
 *                                 only then.
 * weir_completed_end(c)         - cancel those that have not finished, wait for them, and close
 *                                 `rx`. 0, also if some were cancelled here; the first failure
 *                                 among them; WEIR_ECANCELED if a scope around is cancelled.
 *                                 Suspends. Otherwise as weir_group_end().
 *
 * A job that finds no stack does not finish, but fails.
 */
typedef struct weir_completed {
    weir_receiver rx;
    weir_group group;
} weir_completed;

WEIR_API weir_completed weir_completed_begin(weir_job *jobs, size_t n);
WEIR_API int weir_completed_end(weir_completed completed);

/* weir_auto(weir_completed): leaving early cancels the rest, and waits for it. */
static inline WEIR_UNUSED void weir_completed_cleanup(weir_completed *completed)
{
    (void)weir_completed_end(*completed);
}

#ifdef __cplusplus
}
#endif
#endif
