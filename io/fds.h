/* SPDX-License-Identifier: MIT */
/*
 * fds.h - descriptors that go with bytes through a UNIX socket (SCM_RIGHTS).
 *
 * The kernel gives out all that a message has as soon as its first byte is received, and a receive
 * ends behind such a message. Room is made for as many as the kernel lets one have, so that none is
 * dropped for want of it; who has less room has the rest closed here, and counted.
 */
#ifndef WEIR_IO_FDS_H
#define WEIR_IO_FDS_H

#include <errno.h>

#include "os_net.h"

enum { FDS_MAX = 253 }; /* the kernel's, of one message */

struct fds_in {
    int *fds;
    unsigned room, n;
    unsigned lost; /* what came and was closed; at least, if the process could have no more */
};

struct fds_out {
    const int *fds;
    unsigned n; /* 1 .. FDS_MAX */
};

/* recvmsg and sendmsg of net, with them; again when a signal came. */
ssize_t weir__fds_recv(const struct net *net, int fd, struct msghdr *m, struct fds_in *in);
ssize_t weir__fds_send(const struct net *net, int fd, struct msghdr *m, const struct fds_out *out);

/* A failed send: it is about the descriptors, not about the socket. */
static inline bool fds_are_refused(int rc)
{
    return rc == -EBADF || rc == -ETOOMANYREFS || rc == -EINVAL || rc == -ENOMEM ||
           rc == -ENOBUFS || rc == -EMSGSIZE;
}

#endif
