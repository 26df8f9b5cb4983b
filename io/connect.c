/* SPDX-License-Identifier: MIT */
/* connect.c - sockets of one address: options, connect, listen. */
#include "connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <weir/resolve.h>

#include "listener.h"
#include "socket.h"
#include "unix.h"

/* ---- options ------------------------------------------------------------------------------- */

struct setting {
    int level, name, value;
    bool wanted;
};

static int or_default(int value, int otherwise)
{
    return value ? value : otherwise;
}

static int set_all(const struct net *net, int fd, const struct setting *s, size_t n)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        if (s[i].wanted)
            rc = net->setsockopt(fd, s[i].level, s[i].name, &s[i].value, sizeof s[i].value);
    return rc;
}

int weir__socket_set(const struct net *net, int fd, const weir_socket_options *options)
{
    static const weir_socket_options none;
    const weir_socket_options *o = options ? options : &none;
    const struct setting settings[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1, !o->delay},
        {SOL_SOCKET, SO_KEEPALIVE, 1, !o->no_keepalive},
        {IPPROTO_TCP, TCP_KEEPIDLE, or_default(o->keepalive_idle, 60), !o->no_keepalive},
        {IPPROTO_TCP, TCP_KEEPINTVL, or_default(o->keepalive_interval, 10), !o->no_keepalive},
        {IPPROTO_TCP, TCP_KEEPCNT, or_default(o->keepalive_probes, 6), !o->no_keepalive},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, or_default(o->user_timeout_ms, 120000),
         o->user_timeout_ms >= 0},
        {SOL_SOCKET, SO_SNDBUF, o->send_buffer, o->send_buffer > 0},
        {SOL_SOCKET, SO_RCVBUF, o->receive_buffer, o->receive_buffer > 0},
    };
    return set_all(net, fd, settings, sizeof settings / sizeof settings[0]);
}

static bool is_ip(const weir_address *a)
{
    return a->family == AF_INET || a->family == AF_INET6;
}

/* ---- connect ------------------------------------------------------------------------------- */

/* Where the connection is to come from. Suspends, if that is a name. */
static int local_address(const weir_address *to, const weir_tcp_options *o, weir_address *out)
{
    weir_resolve_options passive = {.family = to->family, .passive = true};
    return weir_resolve(o->local_host, o->local_port, out, 1, &passive);
}

static int bind_locally(const struct net *net, int fd, const weir_address *local)
{
    static const int one = 1;
    struct sockaddr_storage address;
    socklen_t size = weir_address_to(local, &address);
    int rc = net->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    return rc < 0 ? rc : net->bind(fd, (struct sockaddr *)&address, size);
}

/* A socket that is on its way: 0, or -errno and nothing is left. */
static int begin(const struct net *net, const weir_address *to, const weir_tcp_options *o, int *fd)
{
    struct sockaddr_storage address;
    weir_address local;
    socklen_t size = weir_address_to(to, &address);
    bool binds = is_ip(to) && o && (o->local_host || o->local_port);
    int rc = size == 0 ? WEIR_EINVAL : binds ? local_address(to, o, &local) : 0;
    if (rc < 0)
        return rc;
    rc = net->socket(to->family, SOCK_STREAM, 0);
    if (rc < 0)
        return rc;
    *fd = rc;
    rc = is_ip(to) ? weir__socket_set(net, *fd, o ? &o->socket : NULL) : 0;
    if (rc == 0 && binds)
        rc = bind_locally(net, *fd, &local);
    if (rc == 0)
        do
            rc = net->connect(*fd, (struct sockaddr *)&address, size);
        while (rc == -EINTR && !is_ip(to));
    if (rc == -EINPROGRESS || rc == -EINTR)
        rc = 0;
    if (rc < 0)
        net->close(*fd);
    return rc;
}

/* How it came out, when it is writable. */
static int outcome(const struct net *net, int fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    int rc = net->getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return rc < 0 ? rc : -error;
}

static int connect_by(const weir_address *to, const weir_tcp_options *o, weir_time deadline,
                      weir_stream *out)
{
    const struct net *net = os_net();
    int fd;
    int rc = weir__barred() ? WEIR_EPERM : begin(net, to, o, &fd);
    if (rc < 0)
        return rc;
    struct party *self = party_enter();
    if (!self) {
        net->close(fd);
        return party_refusal();
    }
    *out = weir__socket_open(self, net, fd, is_ip(to) ? 0 : SOCKET_UNIX);
    rc = weir_handle_check(out->h);
    if (rc < 0)
        net->close(fd);
    else if (is_ip(to))
        rc = weir__socket_connected(self, *out, deadline);
    if (rc >= 0)
        rc = outcome(net, fd);
    party_leave(self);
    return rc;
}

weir_time weir__connect_deadline(const weir_tcp_options *o)
{
    weir_time timeout = o && o->timeout ? o->timeout : 30 * WEIR_S;
    return timeout == WEIR_NEVER ? WEIR_NEVER : weir_after(timeout);
}

weir_stream weir__address_connect(const weir_address *to, const weir_tcp_options *options,
                                  weir_time deadline)
{
    weir_stream s = {0};
    if (to->family == AF_UNIX)
        return weir__unix_connect(to,
                                  &(weir_unix_options){.timeout = options ? options->timeout : 0});
    int rc = connect_by(to, options, deadline, &s);
    if (rc < 0) {
        if (weir_handle_check(s.h) == 0)
            weir_stream_abort(s);
        s.h = handle_null(rc);
    }
    return s;
}

weir_stream weir_address_connect(const weir_address *to, const weir_tcp_options *options)
{
    if (!to)
        return (weir_stream){handle_null(WEIR_EINVAL)};
    return weir__address_connect(to, options, weir__connect_deadline(options));
}

/* ---- listen -------------------------------------------------------------------------------- */

static int bind_and_listen(const struct net *net, int fd, const weir_address *at,
                           const weir_listen_options *o, bool only_v6)
{
    struct sockaddr_storage address;
    socklen_t size = weir_address_to(at, &address);
    const struct setting settings[] = {
        {SOL_SOCKET, SO_REUSEADDR, 1, is_ip(at)},
        {SOL_SOCKET, SO_REUSEPORT, 1, o && o->reuse_port},
        {IPPROTO_IPV6, IPV6_V6ONLY, only_v6, at->family == AF_INET6},
    };
    int rc = set_all(net, fd, settings, sizeof settings / sizeof settings[0]);
    if (rc == 0 && is_ip(at)) /* what connections inherit */
        rc = weir__socket_set(net, fd, o ? &o->socket : NULL);
    if (rc == 0)
        rc = net->bind(fd, (struct sockaddr *)&address, size);
    return rc < 0 ? rc : net->listen(fd, o && o->backlog > 0 ? o->backlog : 4096);
}

int weir__listen_on(const struct net *net, const weir_address *at,
                    const weir_listen_options *options, bool only_v6)
{
    struct sockaddr_storage unused;
    if (weir_address_to(at, &unused) == 0)
        return WEIR_EINVAL;
    int fd = net->socket(at->family, SOCK_STREAM, 0);
    int rc = fd < 0 ? fd : bind_and_listen(net, fd, at, options, only_v6);
    if (rc < 0 && fd >= 0)
        net->close(fd);
    return rc < 0 ? rc : fd;
}

weir_listener weir_address_listen(const weir_address *at, const weir_listen_options *options)
{
    const struct net *net = os_net();
    if (at && at->family == AF_UNIX)
        return weir__unix_listen(at,
                                 &(weir_unix_options){.backlog = options ? options->backlog : 0});
    int fd = at ? weir__listen_on(net, at, options, true) : WEIR_EINVAL;
    if (fd < 0)
        return (weir_listener){handle_null(fd)};
    struct party *self = party_enter();
    weir_listener l = {handle_null(party_refusal())};
    if (self) {
        l = weir__listener_open(self, net, &fd, 1, is_ip(at) ? 0 : SOCKET_UNIX);
        party_leave(self);
    }
    if (weir_handle_check(l.h) < 0)
        net->close(fd);
    return l;
}
