/* SPDX-License-Identifier: MIT */
/*
 * linger.h - what happens to a socket that nobody has any more.
 *
 * Closing never waits. Mostly there is nothing left to do, and the descriptor is closed at once.
 * But
 *
 *   - of the last chunk that was sent a rest may not have been taken by the system yet, and
 *   - when the peer has sent what nobody read, close(2) would make the system send a reset, which
 *     destroys what is on its way to the peer, a reply perhaps.
 *
 * Then the socket is the poller's, in a list, for some seconds at most: the rest is sent, then the
 * end, and what comes is thrown away, up to a bound, until the peer's end. Only who fetches events
 * (netpoll.c: one at a time) touches it there; not the poller that it was added to before, which
 * goes perhaps. What is left when the poller goes is closed as it is. A rest that could not be sent
 * is no end: the peer sees a reset.
 */
#ifndef WEIR_IO_LINGER_H
#define WEIR_IO_LINGER_H

#include "socket.h"

enum { LINGER_DISCARDS = 65536 }; /* bytes of the peer's that are thrown away */

/* Both directions are closed, and this is the last that is known of s: now or soon it is gone. */
void weir__linger_begin(struct socket *s, struct thread *t);

/* By the poller. An event: false: it does not linger. And: those whose time is over, or all. */
bool weir__linger_event(struct socket *s, struct thread *t);
void weir__linger_look(struct netpoll *p, struct thread *t, bool all);

/* When to look next. */
weir_time weir__linger_until(struct netpoll *p);

#endif
