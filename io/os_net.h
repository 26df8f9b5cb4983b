/* SPDX-License-Identifier: MIT */
/*
 * os_net.h - the network, seen from below: every system call of io/ is one of this table.
 *
 * The kernel's table is the one in use (os_net_kernel), unless a test, or a simulated run, has put
 * another one in its place: faults, EINTR, one byte at a time, a network in memory. A socket
 * keeps to the table with which it was made, as its descriptor means nothing to others.
 *
 * All return -errno, and never wait but for poll_wait. Descriptors are close-on-exec and
 * non-blocking. Nothing raises SIGPIPE.
 */
#ifndef WEIR_OS_NET_H
#define WEIR_OS_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <weir/channel.h>

#include "os_path.h"

/* An event of a descriptor that is watched: edges, all that are true at the time. */
struct net_event {
    uint64_t data;
    uint32_t what;
};

enum {
    NET_IN = 1,
    NET_OUT = 2,
    NET_HANGUP = 4 /* from the peer, an error, or urgent data: a
short receive says nothing from now on */
};

struct net {
    int (*socket)(int family, int type, int protocol);
    int (*bind)(int fd, const struct sockaddr *address, socklen_t size);
    int (*listen)(int fd, int backlog);
    int (*accept)(int fd);
    int (*connect)(int fd, const struct sockaddr *address, socklen_t size);
    ssize_t (*recv)(int fd, void *to, size_t size, int flags);
    ssize_t (*send)(int fd, const void *from, size_t size, int flags);
    ssize_t (*recvmsg)(int fd, struct msghdr *m, int flags);
    ssize_t (*sendmsg)(int fd, const struct msghdr *m, int flags);
    int (*shutdown)(int fd, int how);
    int (*close)(int fd);
    int (*setsockopt)(int fd, int level, int name, const void *value, socklen_t size);
    int (*getsockopt)(int fd, int level, int name, void *value, socklen_t *size);
    int (*name)(int fd, bool peer, struct sockaddr *address, socklen_t *size);
    int (*nonblocking)(int fd); /* of a descriptor that comes from elsewhere */

    int (*pair)(int fds[2]);        /* two UNIX sockets that are connected */
    int (*dup)(int fd);             /* non-blocking only if that is */
    int (*ready)(int fd, bool out); /* could it be read, or written, now: 1 or 0 */

    /* UNIX paths: os_path.h. */
    int (*path_mode_of)(int fd, uint32_t mode);
    int (*path_stat)(const char *path, struct path_info *out);
    int (*path_chmod)(const char *path, uint32_t mode);
    int (*path_remove)(const char *path);
    int (*path_lock)(const char *path);

    /* A set of watched descriptors; wake() ends a wait, also one that begins later. */
    int (*poll_open)(int *wake);
    int (*poll_add)(int set, int fd, uint64_t data, bool sends); /* sends: NET_OUT as well */
    int (*poll_sends)(int set, int fd, uint64_t data);           /* it was added without */
    int (*poll_remove)(int set, int fd);
    int (*poll_wait)(int set, struct net_event *events, int n, weir_time until); /* a count */
    void (*poll_wake)(int set, int wake);
    void (*poll_close)(int set, int wake);

    /* A receive of less than was asked for means that nothing is left. */
    bool short_is_empty;

    /* In memory, of a simulated run: simnet.h. */
    bool simulated;
};

extern const struct net os_net_kernel;

/* For sockets that are made from now on; NULL: the kernel's. Tests'. */
void os_net_set(const struct net *net);

/* The one for sockets that are made now; in a simulated run that of the run. */
const struct net *os_net(void);

/* The one of a descriptor that comes from elsewhere. */
const struct net *os_net_of(int fd);

#endif
