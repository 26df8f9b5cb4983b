/* SPDX-License-Identifier: MIT */
/*
 * weir/portal.h - ways into a run for threads that are not of it.
 *
 *     weir_auto(weir_portal) portal = weir_portal_open();         by an actor
 *     hand_to_the_other_library(portal);
 *     weir_portal_wait(portal);
 *
 *     rc = weir_portal_call(portal, look_up, &query);             by any thread: look_up(), as an
 *                                                                 actor, and what it returned
 *
 * What enters through a portal is a child of the actor that opened it: it runs inside of the
 * scopes around it and ends before weir_portal_end() returns. But a failure is the business of who
 * called. The handle may be kept as long as one likes, and is the token by which a thread enters:
 * after the portal has ended, or the run has, calls return WEIR_ECLOSED.
 */
#ifndef WEIR_PORTAL_H
#define WEIR_PORTAL_H

#include <weir/scope.h>
#include <weir/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_portal {
    weir_handle h;
} weir_portal;

/*
 * weir_portal_open             - a portal into the calling actor; as weir_group_begin(), with
 *                                scopes and groups that are begun later inside. Rows F131, F144.
 * weir_portal_wait(p), _wait_by - by any actor or thread: wait until it is stopped. Suspends.
 * weir_portal_stop(p, cancel)  - nobody enters any more, who waits in weir_portal_wait() goes
 *                                on; true: what has entered is cancelled. Any actor or thread.
 * weir_portal_end              - stop it, if nobody has, and wait for what has entered: as
 *                                weir_group_end(), by the actor that opened it. Suspends.
 * weir_portal_leave            - cancel what has entered, and end it. weir_auto does that.
 *
 * None but who opened it can end it; anybody else's weir_portal_leave() does nothing. It is closed
 * by that, or when the body of who opened it returns; before weir_close() is WEIR_EBUSY.
 *
 * open: a null handle carries WEIR_EPERM (outside of actors, in drop functions), WEIR_ENOMEM,
 * WEIR_ENFILE. wait: 0, WEIR_ECLOSED, WEIR_EBADF, WEIR_ECANCELED, WEIR_ETIMEDOUT, WEIR_EPERM (in a
 * drop function), WEIR_ENOMEM. stop: 0, also when it was stopped before, WEIR_ECLOSED,
 * WEIR_EBADF, WEIR_ENOMEM. end: these, and what weir_group_end() returns.
 */
WEIR_API weir_portal weir_portal_open(void);
#define weir_portal_wait(portal) weir_portal_wait_by((portal), WEIR_NEVER)
WEIR_API int weir_portal_wait_by(weir_portal portal, weir_time deadline);
WEIR_API int weir_portal_stop(weir_portal portal, bool cancel);
WEIR_API int weir_portal_end(weir_portal portal);
WEIR_API void weir_portal_leave(weir_portal portal);

/*
 * weir_portal_call(p, body, arg, ...)  - run body as an actor and wait for it: what it returned.
 *                                        Row F129.
 * weir_portal_call_by(p, deadline, body, arg, ...)
 *                                      - the same; when the deadline passes it is cancelled, and
 *                                        waited for all the same.
 * weir_portal_start(p, body, arg, ...) - start it, and do not wait; .task = &t for a handle by
 *                                        which to wait for it, to ask for its result and to cancel
 *                                        it. Row F131.
 * weir_portal_child_start(p, body, &value, arg, ...)
 *                                      - start it, and wait until it calls weir_child_started():
 *                                        as weir_child_start(), by threads as well. Row F131.
 *
 * By threads and by actors, inside and outside of the run; arg and what follows are those of
 * weir_spawn(). The calls suspend; a cancelled caller cancels the body, and waits for it; so does
 * what weir_blocking_call() runs, as soon as weir_cancelled() is true there. Then, as
 * after a deadline, the body's result is returned if it is something else than WEIR_ECANCELED.
 *
 * What weir_spawn() returns; WEIR_ECLOSED: the portal was stopped, or has ended, or its run has;
 * WEIR_EBADF; of the calls WEIR_ECANCELED, WEIR_ETIMEDOUT; WEIR_EPERM (in drop functions).
 */
#define weir_portal_call(portal, body, ...)                                                        \
    weir_portal_call_by((portal), WEIR_NEVER, (body), __VA_ARGS__)
#define weir_portal_call_by(portal, deadline, body, ...)                                           \
    weir_portal_call_sized((portal), (deadline), (body),                                           \
                           WEIR_ARG_SIZE(WEIR_FIRST(__VA_ARGS__, 0)),                              \
                           &(weir_spawn_options){__VA_ARGS__, .reserved = 0})
#define weir_portal_start(portal, body, ...)                                                       \
    weir_portal_start_sized((portal), (body), WEIR_ARG_SIZE(WEIR_FIRST(__VA_ARGS__, 0)),           \
                            &(weir_spawn_options){__VA_ARGS__, .reserved = 0})
#define weir_portal_child_start(portal, body, value, ...)                                          \
    weir_portal_child_start_sized((portal), (body), (value), WEIR_ARG_SIZE(value),                 \
                                  WEIR_ARG_SIZE(WEIR_FIRST(__VA_ARGS__, 0)),                       \
                                  &(weir_spawn_options){__VA_ARGS__, .reserved = 0})
WEIR_API int weir_portal_call_sized(weir_portal portal, weir_time deadline, weir_body body,
                                    size_t arg_size, const weir_spawn_options *options);
WEIR_API int weir_portal_start_sized(weir_portal portal, weir_body body, size_t arg_size,
                                     const weir_spawn_options *options);
WEIR_API int weir_portal_child_start_sized(weir_portal portal, weir_body body, void *value,
                                           size_t value_size, size_t arg_size,
                                           const weir_spawn_options *options);

/*
 * For threads that have no run, and want one together:
 *
 *     weir_portal portal = weir_portal_share(NULL);
 *     rc = weir_portal_call(portal, look_up, &query);
 *     weir_portal_unshare(portal);
 *
 * weir_portal_share(options) - a portal into a run that all who share have in common. The first
 *                              starts it, as weir_start() with these options would.
 * weir_portal_unshare(p)     - once for each share. The last one stops the portal, waits until
 *                              what has entered, and all it has spawned, has ended, and ends
 *                              the run; who shares meanwhile waits, and begins another.
 *
 * Row F131. By threads, which they may keep waiting; an actor, and what weir_blocking_call() runs,
 * gets WEIR_EBUSY and WEIR_EDEADLK. Who stops the portal or the run stops it for all, until all
 * have unshared it; weir_portal_end() and weir_auto do nothing to it.
 *
 * share: a null handle carries what weir_start() returns, as WEIR_EBUSY when there is another run.
 * unshare: 0, or of the last one what weir_stop() returns; WEIR_ECLOSED, WEIR_EBADF (not shared),
 * WEIR_ENOMEM, WEIR_EPERM (both in drop functions).
 */
WEIR_API weir_portal weir_portal_share(const weir_options *options);
WEIR_API int weir_portal_unshare(weir_portal portal);

static inline WEIR_UNUSED void weir_portal_cleanup(weir_portal *portal)
{
    weir_portal_leave(*portal);
}

#ifdef __cplusplus
}
#endif
#endif
