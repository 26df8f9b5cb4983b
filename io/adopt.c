/* SPDX-License-Identifier: MIT */
/* adopt.c - sockets that come from elsewhere, or go there (row F092). */
#include <errno.h>
#include <sys/un.h>

#include "listener.h"
#include "socket.h"

/* What a descriptor has to be. */
enum wanted { CONNECTED, LISTENS };

static int option(const struct net *net, int fd, int name, int *value)
{
    socklen_t size = sizeof *value;
    return net->getsockopt(fd, SOL_SOCKET, name, value, &size);
}

static bool has_peer(const struct net *net, int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    return net->name(fd, true, (struct sockaddr *)&peer, &size) == 0;
}

/* Its flags for this layer, or an error. */
static int examine(const struct net *net, int fd, enum wanted wanted)
{
    int type = 0, family = 0, listens = 0;
    int rc = option(net, fd, SO_TYPE, &type);
    if (rc == 0)
        rc = option(net, fd, SO_DOMAIN, &family);
    if (rc == 0)
        rc = option(net, fd, SO_ACCEPTCONN, &listens);
    if (rc < 0)
        return rc == -ENOTSOCK ? WEIR_EINVAL : rc;
    bool ip = family == AF_INET || family == AF_INET6;
    bool fits = wanted == LISTENS ? listens : !listens && has_peer(net, fd);
    if (type != SOCK_STREAM || (!ip && family != AF_UNIX) || !fits)
        return WEIR_EINVAL;
    rc = net->nonblocking(fd);
    return rc < 0 ? rc : ip ? 0 : SOCKET_UNIX;
}

weir_stream weir_stream_adopt(int fd)
{
    const struct net *net = os_net_of(fd);
    int flags = examine(net, fd, CONNECTED);
    if (flags < 0)
        return (weir_stream){handle_null(flags)};
    struct party *self = party_enter();
    if (!self)
        return (weir_stream){handle_null(party_refusal())};
    weir_stream s = weir__socket_open(self, net, fd, (unsigned)flags);
    party_leave(self);
    return s;
}

int weir_stream_release(weir_stream s)
{
    struct stream_call c;
    int rc = weir__stream_enter(&c, s, false);
    if (rc < 0)
        return rc;
    struct socket *socket = weir__socket_of(c.stream);
    rc = socket ? weir__stream_claim(&c) : WEIR_ENOTSUP;
    if (rc == 0)
        rc = weir__socket_release(c.self, socket);
    party_leave(c.self);
    return rc;
}

static weir_listener adopt_all(const struct net *net, const int *fds, unsigned n)
{
    int rc = n >= 1 && n <= LISTENER_SOCKETS && fds ? 0 : WEIR_EINVAL, flags = 0;
    for (unsigned i = 0; i < n && rc >= 0; i++) {
        rc = examine(net, fds[i], LISTENS);
        if (rc >= 0 && i > 0 && rc != flags)
            rc = WEIR_EINVAL; /* UNIX and TCP */
        flags = rc;
    }
    struct party *self = rc < 0 ? NULL : party_enter();
    if (!self)
        return (weir_listener){handle_null(rc < 0 ? rc : party_refusal())};
    weir_listener l = weir__listener_open(self, net, fds, n, (unsigned)flags);
    party_leave(self);
    return l;
}

weir_listener weir_listener_adopt(const int *fds, unsigned n)
{
    return adopt_all(os_net_of(fds && n > 0 ? fds[0] : -1), fds, n);
}
