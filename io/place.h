/* SPDX-License-Identifier: MIT */
/*
 * place.h - a UNIX listener's path: whose it is, and that it is nobody else's.
 *
 * A socket at a path outlives its server. It is dead when no socket of the system is bound to its
 * inode, which a connect of a datagram socket tells without disturbing anybody: refused means none;
 * one of another type is there even if it does not listen yet. Between that answer and the removal
 * nobody of weir can have put a living one there, as who removes a dead one holds a lock on the
 * directory until his own is bound; who finds the path free needs no lock.
 */
#ifndef WEIR_IO_PLACE_H
#define WEIR_IO_PLACE_H

#include <weir/unix.h>

#include "os_net.h"

struct place {
    uint64_t device, inode;
    char path[WEIR_UNIX_MAX + 1];
};

/*
 * Bind a socket to an address, which is valid, as the options say. 0, then *out is where, its path
 * empty for an abstract name; or an error, and nothing is left there. May suspend; not inside of an
 * operation.
 */
int weir__place_take(const struct net *net, int fd, const weir_address *at,
                     const weir_unix_options *o, struct place *out);

/* Remove it, if it is still that socket. */
void weir__place_remove(const struct net *net, const struct place *p);

#endif
