/* SPDX-License-Identifier: MIT */
/* tcp.c - TCP by names of hosts: which address to connect to, and on which ones to listen. */
#include <errno.h>

#include <weir/call.h>
#include <weir/resolve.h>
#include <weir/scope.h>

#include "connect.h"
#include "eyeballs.h"
#include "listener.h"

/* ---- connect ------------------------------------------------------------------------------- */

/* What came of the attempts: nobody's, until one of them is taken. */
struct race {
    const char *host;
    uint16_t port;
    const weir_tcp_options *options;
    a32 streams; /* so many were connected */
    weir_stream stream[2 * EYEBALLS_ADDRESSES];
};

static int look_up(int family, weir_address *out, size_t n, void *context)
{
    const struct race *r = context;
    return weir_resolve(r->host, r->port, out, n, &(weir_resolve_options){.family = family});
}

static int attempt(const weir_address *to, void *context)
{
    struct race *r = context;
    weir_stream s = weir__address_connect(to, r->options, WEIR_NEVER);
    int rc = weir_check(s);
    if (rc == 0)
        rc = weir_disown(s);
    if (rc < 0)
        return rc;
    uint32_t i = a32_add(&r->streams, 1);
    r->stream[i] = s;
    return (int)i;
}

static void discard(int result, void *context)
{
    struct race *r = context;
    weir_close(r->stream[result]);
}

static void report(const struct eyeballs *e, weir_connect_report *out)
{
    *out = (weir_connect_report){.to = e->to,
                                 .no_ipv6 = e->look_up_error[0],
                                 .no_ipv4 = e->look_up_error[1],
                                 .tried = e->tried,
                                 .failed = e->failed};
    for (unsigned i = 0; i < e->failed && i < EYEBALLS_FAILURES; i++) {
        out->failures[i].to = e->failures[i].to;
        out->failures[i].error = e->failures[i].error;
    }
}

_Static_assert(WEIR_CONNECT_FAILURES == EYEBALLS_FAILURES, "all that are kept are reported");

weir_stream weir_tcp_connect(const char *host, uint16_t port, const weir_tcp_options *options)
{
    static const struct eyeballs_ops ops = {look_up, attempt, discard};
    static const weir_tcp_options none;
    const weir_tcp_options *o = options ? options : &none;
    struct race r = {.host = host, .port = port, .options = o};
    struct eyeballs e = {.ops = &ops,
                         .context = &r,
                         .family = o->family,
                         .attempt_delay = o->delay,
                         .deadline = weir__connect_deadline(o)};
    int rc = !host || !port ? WEIR_EINVAL : weir__barred() ? WEIR_EPERM : weir__eyeballs(&e);
    if (o->report)
        report(&e, o->report);
    if (rc < 0)
        return (weir_stream){handle_null(rc)};
    weir_stream s = r.stream[rc];
    rc = weir_adopt(s);
    if (rc < 0) {
        weir_close(s);
        s.h = handle_null(rc);
    }
    return s;
}

/* ---- listen -------------------------------------------------------------------------------- */

enum { PORT_TRIES = 16 };

struct places {
    weir_address at[LISTENER_SOCKETS];
    int fd[LISTENER_SOCKETS];
    unsigned n, open;
};

static void close_all(const struct net *net, struct places *p)
{
    for (; p->open > 0; p->open--)
        net->close(p->fd[p->open - 1]);
}

/* What the machine does not have, as IPv6 where it is switched off. */
static bool is_absent(int rc)
{
    return rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT;
}

static int port_of(const struct net *net, int fd)
{
    weir_address at;
    const struct descriptor d = {.net = net, .fd = fd};
    int rc = weir__socket_attribute(&d, NULL, WEIR_SOCKET_LOCAL, &at, sizeof at);
    return rc < 0 ? rc : at.port;
}

/* All of them on one port; port 0: that which the first one gets. A count of sockets, or an error.
 */
static int listen_on_all(const struct net *net, struct places *p, int port,
                         const weir_listen_options *o)
{
    int absent = 0;
    for (unsigned i = 0; i < p->n; i++) {
        p->at[i].port = (uint16_t)port;
        int fd = weir__listen_on(net, &p->at[i], o, true);
        if (is_absent(fd)) {
            absent = fd;
            continue;
        }
        if (fd >= 0)
            p->fd[p->open++] = fd;
        if (fd >= 0 && port == 0)
            port = port_of(net, fd);
        if (fd < 0 || port < 0) {
            close_all(net, p);
            return fd < 0 ? fd : port;
        }
    }
    return p->open > 0 ? (int)p->open : absent;
}

/* The port that the system chose for one address may be taken at another one. */
static int listen_at(const struct net *net, struct places *p, uint16_t port,
                     const weir_listen_options *o)
{
    int rc = WEIR_EADDRINUSE;
    for (int tries = 0; tries < PORT_TRIES && rc == WEIR_EADDRINUSE; tries++) {
        rc = listen_on_all(net, p, port, o);
        if (port != 0)
            break;
    }
    return rc;
}

/* All interfaces: one socket for both families, or, where there is no IPv6, one for IPv4. */
static int listen_anywhere(const struct net *net, struct places *p, uint16_t port,
                           const weir_listen_options *o)
{
    int family = o ? o->family : 0, rc = -EAFNOSUPPORT;
    if (family != AF_INET) {
        weir_address_parse(&p->at[0], "::", port);
        rc = weir__listen_on(net, &p->at[0], o, family == AF_INET6);
    }
    if (family == AF_INET || (family == 0 && is_absent(rc))) {
        weir_address_parse(&p->at[0], "0.0.0.0", port);
        rc = weir__listen_on(net, &p->at[0], o, true);
    }
    if (rc >= 0)
        p->fd[p->open++] = rc;
    return rc;
}

static int listen_on_names(const struct net *net, struct places *p, const char *host, uint16_t port,
                           const weir_listen_options *o)
{
    weir_address all[LISTENER_SOCKETS];
    int n = weir_resolve(host, port, all, LISTENER_SOCKETS,
                         &(weir_resolve_options){.family = o ? o->family : 0});
    for (int i = 0; i < n && i < LISTENER_SOCKETS; i++) {
        bool known = false;
        for (unsigned k = 0; k < p->n; k++)
            known = known || weir_address_equal(&p->at[k], &all[i]);
        if (!known)
            p->at[p->n++] = all[i];
    }
    return n < 0 ? n : listen_at(net, p, port, o);
}

weir_listener weir_tcp_listen(const char *host, uint16_t port, const weir_listen_options *options)
{
    const struct net *net = os_net();
    struct places p = {.n = 0};
    int rc = host ? listen_on_names(net, &p, host, port, options)
                  : listen_anywhere(net, &p, port, options);
    if (rc < 0)
        return (weir_listener){handle_null(rc)};
    struct party *self = party_enter();
    weir_listener l = {handle_null(party_refusal())};
    if (self) {
        l = weir__listener_open(self, net, p.fd, p.open, 0);
        party_leave(self);
    }
    if (weir_check(l) < 0)
        close_all(net, &p);
    return l;
}
