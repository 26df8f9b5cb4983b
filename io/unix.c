/* SPDX-License-Identifier: MIT */
/* unix.c - UNIX sockets: connect, listen, pairs; see weir/unix.h. */
#include "unix.h"

#include <errno.h>
#include <string.h>

#include <weir/actor.h>

#include "listener.h"
#include "socket.h"

static const weir_unix_options defaults;

static int address_of(weir_address *out, const char *path)
{
    if (!path || !*path)
        return WEIR_EINVAL;
    size_t size = strlen(path);
    if (*path != '@')
        return weir_address_unix(out, path, size);
    char name[WEIR_UNIX_MAX];
    if (size > sizeof name)
        return WEIR_EINVAL;
    memcpy(name, path, size);
    name[0] = 0;
    return weir_address_unix(out, name, size);
}

static unsigned flags_of(const weir_unix_options *o)
{
    return SOCKET_UNIX | (o->fds ? SOCKET_FDS : 0u);
}

static weir_stream open_stream(const struct net *net, int fd, unsigned flags)
{
    struct party *self = party_enter();
    if (!self)
        return (weir_stream){handle_null(party_refusal())};
    weir_stream s = weir__socket_open(self, net, fd, flags);
    party_leave(self);
    return s;
}

/* ---- connect ------------------------------------------------------------------------------- */

static weir_time deadline_of(const weir_unix_options *o)
{
    weir_time timeout = o->timeout ? o->timeout : 30 * WEIR_S;
    return timeout == WEIR_NEVER ? WEIR_NEVER : weir_after(timeout);
}

/* It is connected at once, unless the listener's queue is full; of that nothing tells the end. */
static int connect_to(const struct net *net, int fd, const weir_address *to, weir_time deadline)
{
    struct sockaddr_storage address;
    socklen_t size = weir_address_to(to, &address);
    for (weir_time pause = WEIR_MS / 4;; pause = pause < 20 * WEIR_MS ? 2 * pause : pause) {
        int rc;
        do
            rc = net->connect(fd, (struct sockaddr *)&address, size);
        while (rc == -EINTR);
        if (rc != -EAGAIN)
            return rc;
        weir_time next = weir_after(pause);
        if (weir_now() >= deadline)
            return WEIR_ETIMEDOUT;
        rc = weir_sleep_until(next < deadline ? next : deadline);
        if (rc < 0)
            return rc;
    }
}

static int refused_now(void)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int rc = party_refused(self) ? WEIR_ECANCELED : 0;
    party_leave(self);
    return rc;
}

weir_stream weir__unix_connect(const weir_address *to, const weir_unix_options *options)
{
    const struct net *net = os_net();
    const weir_unix_options *o = options ? options : &defaults;
    struct sockaddr_storage unused;
    int rc = weir_address_to(to, &unused) == 0 ? WEIR_EINVAL : refused_now();
    int fd = rc < 0 ? rc : net->socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return (weir_stream){handle_null(fd)};
    rc = connect_to(net, fd, to, deadline_of(o));
    weir_stream s = {handle_null(rc)};
    if (rc >= 0)
        s = open_stream(net, fd, flags_of(o));
    if (weir_handle_check(s.h) < 0)
        net->close(fd);
    return s;
}

weir_stream weir_unix_connect(const char *path, const weir_unix_options *options)
{
    weir_address to;
    int rc = address_of(&to, path);
    if (rc < 0)
        return (weir_stream){handle_null(rc)};
    return weir__unix_connect(&to, options);
}

int weir_unix_pair(weir_stream *a, weir_stream *b)
{
    const struct net *net = os_net();
    int fds[2];
    weir_stream *to[] = {a, b};
    if (!a || !b)
        return WEIR_EINVAL;
    int rc = net->pair(fds);
    for (int i = 0; i < 2 && rc == 0; i++) {
        *to[i] = open_stream(net, fds[i], SOCKET_UNIX | SOCKET_FDS);
        rc = weir_handle_check(to[i]->h);
        if (rc < 0)
            net->close(fds[i]);
        if (rc < 0 && i == 0)
            net->close(fds[1]);
        if (rc < 0 && i == 1)
            weir_stream_abort(*a);
    }
    if (rc < 0)
        a->h = b->h = handle_null(rc);
    return rc;
}

/* ---- listen -------------------------------------------------------------------------------- */

static weir_listener open_listener(const struct net *net, int fd, const weir_unix_options *o,
                                   const struct place *place)
{
    struct party *self = party_enter();
    if (!self)
        return (weir_listener){handle_null(party_refusal())};
    weir_listener l = weir__listener_open(self, net, &fd, 1, flags_of(o));
    if (o->remove && place->path[0] && weir_handle_check(l.h) == 0)
        weir__listener_keep_place(l, place);
    party_leave(self);
    return l;
}

weir_listener weir__unix_listen(const weir_address *at, const weir_unix_options *options)
{
    const struct net *net = os_net();
    const weir_unix_options *o = options ? options : &defaults;
    struct sockaddr_storage unused;
    struct place place;
    int rc = weir_address_to(at, &unused) == 0 ? WEIR_EINVAL : weir__barred() ? WEIR_EPERM : 0;
    int fd = rc < 0 ? rc : net->socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return (weir_listener){handle_null(fd)};
    rc = weir__place_take(net, fd, at, o, &place);
    bool taken = rc == 0;
    if (taken)
        rc = net->listen(fd, o->backlog > 0 ? o->backlog : 4096);
    weir_listener l = {handle_null(rc)};
    if (rc >= 0)
        l = open_listener(net, fd, o, &place);
    if (weir_handle_check(l.h) < 0) {
        if (taken)
            weir__place_remove(net, &place);
        net->close(fd);
    }
    return l;
}

weir_listener weir_unix_listen(const char *path, const weir_unix_options *options)
{
    weir_address at;
    int rc = address_of(&at, path);
    if (rc < 0)
        return (weir_listener){handle_null(rc)};
    return weir__unix_listen(&at, options);
}
