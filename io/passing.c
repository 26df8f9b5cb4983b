/* SPDX-License-Identifier: MIT */
/* passing.c - descriptors, streams and listeners sent to other processes; see weir/unix.h. */
#include <errno.h>

#include "listener.h"
#include "socket.h"
#include "unix.h"

_Static_assert(WEIR_FDS_MAX == FDS_MAX, "the kernel's");

static struct socket *unix_socket_of(const struct stream_call *c)
{
    struct socket *s = weir__socket_of(c->stream);
    return s && s->flags & SOCKET_UNIX ? s : NULL;
}

int weir_unix_allow_fds(weir_stream s)
{
    struct stream_call c;
    int rc = weir__stream_enter(&c, s, false);
    if (rc < 0)
        return rc;
    struct socket *socket = unix_socket_of(&c);
    if (socket)
        weir__socket_allow_fds(socket);
    party_leave(c.self);
    return socket ? 0 : WEIR_ENOTSUP;
}

/* ---- receive ------------------------------------------------------------------------------- */

static ssize_t recv_fds(weir_stream s, weir_fds *m, weir_time deadline)
{
    struct stream_call c;
    if (!m)
        return WEIR_EINVAL;
    m->n = m->lost = 0;
    if (!m->base || m->size == 0 || m->size > SSIZE_MAX || !m->fds || m->room == 0)
        return WEIR_EINVAL;
    ssize_t rc = weir__stream_enter(&c, s, deadline != WEIR_TRY);
    if (rc < 0)
        return rc;
    struct iovec to = {m->base, m->size};
    struct fds_in in = {.fds = m->fds, .room = m->room};
    rc = unix_socket_of(&c) ? weir__socket_recv_fds(&c, &to, &in, deadline) : WEIR_ENOTSUP;
    m->n = in.n;
    m->lost = in.lost;
    party_leave(c.self);
    return rc;
}

ssize_t weir_recv_fds(weir_stream s, weir_fds *m, weir_time deadline)
{
    return recv_fds(s, m, until(deadline));
}

ssize_t weir_try_recv_fds(weir_stream s, weir_fds *m)
{
    return recv_fds(s, m, WEIR_TRY);
}

static weir_stream stream_in(void *object)
{
    return (weir_stream){(weir_handle)(uintptr_t)object};
}

static int case_try(void *object, void *m)
{
    ssize_t n = weir_try_recv_fds(stream_in(object), m);
    return n < INT_MAX ? (int)n : INT_MAX;
}

static int case_arm(void *object, weir_case *below)
{
    return weir_stream_arm(stream_in(object), false, below);
}

static void case_disarm(void *object, int rc)
{
    weir_stream_disarm(stream_in(object), false, rc);
}

weir_case weir_on_recv_fds(weir_stream s, weir_fds *m)
{
    static const weir_source source = {case_try, case_arm, case_disarm};
    return weir_on_source(&source, (void *)(uintptr_t)s.h, m);
}

/* ---- send ---------------------------------------------------------------------------------- */

static int send_fds(weir_stream s, const struct iovec *from, const struct fds_out *out,
                    weir_time deadline, size_t *sent)
{
    struct stream_call c;
    *sent = 0;
    if (!from->iov_base || from->iov_len == 0 || from->iov_len > SSIZE_MAX || !out->fds ||
        out->n == 0 || out->n > FDS_MAX)
        return WEIR_EINVAL;
    int rc = weir__stream_enter(&c, s, deadline != WEIR_TRY);
    if (rc < 0)
        return rc;
    rc = unix_socket_of(&c) ? weir__socket_send_fds(&c, from, out, deadline, sent) : WEIR_ENOTSUP;
    party_leave(c.self);
    return rc;
}

int weir_send_fds(weir_stream s, const void *from, size_t size, const int *fds, unsigned n,
                  weir_time deadline, size_t *sent)
{
    size_t unwanted;
    struct iovec bytes = {(void *)(uintptr_t)from, size};
    struct fds_out out = {fds, n};
    return send_fds(s, &bytes, &out, until(deadline), sent ? sent : &unwanted);
}

ssize_t weir_try_send_fds(weir_stream s, const void *from, size_t size, const int *fds, unsigned n)
{
    size_t sent;
    struct iovec bytes = {(void *)(uintptr_t)from, size};
    struct fds_out out = {fds, n};
    int rc = send_fds(s, &bytes, &out, WEIR_TRY, &sent);
    return sent > 0 ? (ssize_t)sent : rc;
}

/* ---- streams and listeners ----------------------------------------------------------------- */

/* What a stream is made of again when it could not be sent. */
struct parts {
    const struct net *net;
    int fd;
    unsigned flags;
};

static int take_apart(weir_stream s, struct parts *p)
{
    struct stream_call c;
    int rc = weir__stream_enter(&c, s, false);
    if (rc < 0)
        return rc;
    struct socket *socket = weir__socket_of(c.stream);
    rc = socket ? weir__stream_claim(&c) : WEIR_ENOTSUP;
    if (rc == 0) {
        *p = (struct parts){socket->d.net, -1,
                            (socket->flags & SOCKET_UNIX) | (socket->takes_fds ? SOCKET_FDS : 0u)};
        p->fd = weir__socket_release(c.self, socket);
    }
    party_leave(c.self);
    return rc;
}

static weir_stream put_together(const struct parts *p)
{
    struct party *self = party_enter();
    weir_stream s = {handle_null(party_refusal())};
    if (self) {
        s = weir__socket_open(self, p->net, p->fd, p->flags);
        party_leave(self);
    }
    if (weir_handle_check(s.h) < 0)
        p->net->close(p->fd);
    return s;
}

int weir_send_stream(weir_stream via, const void *from, size_t size, weir_stream *s,
                     weir_time deadline)
{
    struct parts p;
    if (!s || s->h == via.h)
        return WEIR_EINVAL;
    int rc = take_apart(*s, &p);
    if (rc != 0)
        return rc;
    rc = weir_send_fds(via, from, size, &p.fd, 1, deadline, NULL);
    if (rc < 0) {
        *s = put_together(&p);
    } else {
        p.net->close(p.fd);
        s->h = handle_null(WEIR_ECLOSED);
    }
    return rc;
}

int weir_send_listener(weir_stream via, const void *from, size_t size, weir_listener l,
                       weir_time deadline)
{
    int fds[LISTENER_SOCKETS];
    const struct net *net;
    int n = weir__listener_share(l, fds, &net);
    if (n < 0)
        return n;
    int rc = weir_send_fds(via, from, size, fds, (unsigned)n, deadline, NULL);
    if (rc == 0)
        weir__listener_shared(l);
    for (int i = 0; i < n; i++)
        net->close(fds[i]);
    return rc;
}
