/* SPDX-License-Identifier: MIT */
/*
 * weir/handover.h - listeners that come from who started the program, and go to its successor.
 *
 * A service manager may listen in our place, and start us when somebody calls: then it passes the
 * sockets on, from descriptor 3, and says in LISTEN_PID and LISTEN_FDS who shall have how many
 * (sd_listen_fds(3)). By the same protocol a program starts a newer one of itself without refusing
 * a connection: both have the listeners, and the old one drains its servers when the new one runs.
 *
 *     n = weir_listeners_from_environment(l, 2);
 *     if (n == 0)
 *         l[n++] = weir_tcp_listen(NULL, 8080, NULL);
 *     weir_notify("READY=1");
 */
#ifndef WEIR_HANDOVER_H
#define WEIR_HANDOVER_H

#include <sys/types.h>

#include <weir/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * weir_listeners_from_environment - the sockets that were passed on to this process, each as a
 *                                   listener, in their order. The first call that finds some
 *                                   takes them all.
 *
 * Never suspends; any thread. How many there are, 0 also when there are none for us; or an error,
 * WEIR_EINVAL and nothing was taken (the variables make no sense, one is not a stream socket that
 * listens, or there are more than n); WEIR_ENOMEM, WEIR_ENFILE, and they are closed.
 */
WEIR_API int weir_listeners_from_environment(weir_listener *out, unsigned n);

/*
 * weir_notify - tell the service manager: "READY=1", "STOPPING=1", "STATUS=...", as sd_notify(3),
 *               lines apart by \n.
 *
 * Any thread. Suspends, or sleeps, for a second at most, while the manager has no room for it. 1
 * when it was told; 0: nobody wants to know (NOTIFY_SOCKET is not set); or an error: WEIR_EINVAL,
 * WEIR_EMSGSIZE, WEIR_EAGAIN (there was no room), WEIR_ECANCELED, -errno.
 */
WEIR_API int weir_notify(const char *state);

/*
 * weir_hand_over - start argv[0], sought in PATH, with these listeners, which stay ours as well.
 *                  Its environment is ours, with LISTEN_PID and LISTEN_FDS.
 *
 * Blocks until the new program has begun; any thread. Its process id, of a child that is yours to
 * wait for; or an error: WEIR_EINVAL (no program, n of more sockets than fit), of the listeners'
 * handles, WEIR_ENOMEM, WEIR_EMFILE, WEIR_ENOENT and what else execvp(3) says.
 */
WEIR_API pid_t weir_hand_over(const weir_listener *l, unsigned n, char *const *argv);

#define WEIR_HAND_OVER_MAX 64 /* sockets; a listener may have several */

#ifdef __cplusplus
}
#endif
#endif
