/* SPDX-License-Identifier: MIT */
/*
 * listener.h - sockets that listen, together one FED receive end. Its items are descriptors of
 * connections; who receives one makes the stream, so that nothing is allocated under the lock.
 */
#ifndef WEIR_IO_LISTENER_H
#define WEIR_IO_LISTENER_H

#include <weir/socket.h>

#include "descriptor.h"
#include "place.h"

enum { LISTENER_SOCKETS = 16 };

/*
 * A listener of n descriptors, which listen and are non-blocking. On an error a null handle that
 * carries it, and they are still the caller's. Inside an operation of self.
 */
weir_listener weir__listener_open(struct party *self, const struct net *net, const int *fds,
                                  unsigned n, unsigned flags);

/*
 * Remove its path when it is closed. Inside an operation, before anybody else knows it: no memory
 * is needed, so it does not fail.
 */
void weir__listener_keep_place(weir_listener h, const struct place *place);

/* An accept's result: so many connections in a row had broken before that it has given up. */
bool weir__accept_is_broken(int rc);

/* Duplicates of its descriptors, for somebody else: a count, or an error. */
int weir__listener_share(weir_listener h, int fds[LISTENER_SOCKETS], const struct net **net);

/* Somebody else has them, and listens: so its path stays. */
void weir__listener_shared(weir_listener h);

#endif
