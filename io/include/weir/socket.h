/* SPDX-License-Identifier: MIT */
/*
 * weir/socket.h - TCP: connections, and listeners that accept them.
 *
 *     weir_listener l = weir_tcp_listen("localhost", 7000, NULL);
 *     weir_stream s;
 *     while ((rc = weir_accept(l, &s)) > 0)
 *         ...
 *
 *     weir_stream s = weir_tcp_connect("example.org", 80, NULL);
 *     if ((rc = weir_check(s)) < 0)
 *         ...
 *
 * A connection is a stream (weir/stream.h). Nothing is read from it before somebody receives, and
 * nothing is ever in the library's memory but what is being received: a peer that sends more waits.
 */
#ifndef WEIR_SOCKET_H
#define WEIR_SOCKET_H

#include <weir/address.h>
#include <weir/chunk.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options --------------------------------------------------------------------------------- */

/* Of a socket, for all that have options; 0 is the default everywhere. */
typedef struct weir_socket_options {
    bool delay;             /* leave Nagle's algorithm on; by default TCP_NODELAY is set */
    bool no_keepalive;      /* by default a peer that has gone is noticed, also in silence */
    int keepalive_idle;     /* seconds of silence before the first probe; 0: 60 */
    int keepalive_interval; /* seconds between them; 0: 10 */
    int keepalive_probes;   /* so many in vain end it: WEIR_ETIMEDOUT; 0: 6 */
    int user_timeout_ms; /* unacknowledged data for so long ends it; 0: 120,000; -1: the kernel's */
    int send_buffer;     /* bytes; 0: the kernel's, which grow */
    int receive_buffer;  /* the same */
} weir_socket_options;

#define WEIR_CONNECT_FAILURES 16

/* How a connect by name went: which addresses failed, and why (row F082). */
typedef struct weir_connect_report {
    weir_address to;        /* where it is connected to; of family 0: nowhere */
    int no_ipv6, no_ipv4;   /* the look-ups' errors; 0: there were addresses, or nobody waited */
    unsigned tried, failed; /* attempts */
    struct {
        weir_address to;
        int error;
    } failures[WEIR_CONNECT_FAILURES]; /* the first `failed` of them, as they failed */
} weir_connect_report;

/* 0 is the default everywhere. Of a connect to a UNIX address the timeout alone is looked at. */
typedef struct weir_tcp_options {
    weir_socket_options socket;
    const char *local_host;      /* NULL: the kernel chooses */
    uint16_t local_port;         /* 0: the kernel chooses */
    int family;                  /* of a host: AF_INET, AF_INET6; 0: both */
    weir_time timeout;           /* for all of it, look-ups too; 0: 30 s; WEIR_NEVER */
    weir_time delay;             /* of a host, between attempts; 0: 250 ms (RFC 8305); WEIR_NEVER:
                                    one after the other */
    weir_connect_report *report; /* of a host, filled in before the return, whatever that is; NULL:
                                    it is not wanted */
} weir_tcp_options;

/* 0 is the default everywhere. At a UNIX address the backlog alone is looked at. */
typedef struct weir_listen_options {
    weir_socket_options socket; /* of each connection */
    int backlog;                /* 0: 4,096; the kernel has a limit of its own */
    bool reuse_port;            /* share the port with other listeners, of other processes too */
    int family;                 /* of a host: AF_INET, AF_INET6; 0: both */
} weir_listen_options;

/* ---- connections --------------------------------------------------------------------------- */

/*
 * weir_tcp_connect     - connect to a host by name, or by address as text (row F082). All its
 *                        addresses are tried, of IPv6 and IPv4 in turn, a new one each `delay` or
 *                        when one has failed; the first that answers is it (row F083, RFC 8305).
 * weir_address_connect - connect to one address, TCP or UNIX.
 *
 * Suspend; any thread (a plain one tries one address after the other, and looks at the timeout of
 * a connect by name in between only); the stream belongs to the calling actor. options may be NULL.
 * On an error a null handle that carries it: of the first address that failed, but rather one that
 * says more than that there is no way to it (WEIR_ECONNREFUSED rather than -EHOSTUNREACH, say);
 * the look-up's (weir/resolve.h); WEIR_ETIMEDOUT, WEIR_ECANCELED, WEIR_EADDRINUSE (local_port),
 * WEIR_EINVAL (no host, port 0, no address), WEIR_EMFILE, WEIR_ENFILE, WEIR_ENOMEM.
 */
WEIR_API weir_stream weir_tcp_connect(const char *host, uint16_t port,
                                      const weir_tcp_options *options);
WEIR_API weir_stream weir_address_connect(const weir_address *to, const weir_tcp_options *options);

/*
 * weir_stream_adopt - a stream of a connected socket that comes from elsewhere (row F092): it is
 *                     the stream's from now on, non-blocking and close-on-exec.
 *
 * Never suspends; any thread. On an error a null handle that carries it, and the descriptor is
 * still yours: WEIR_EINVAL (not a connected stream socket, TCP or UNIX), WEIR_EBADF, WEIR_ENOMEM,
 * WEIR_ENFILE. What you have adopted is not to be used, closed or adopted again beside the stream.
 */
WEIR_API weir_stream weir_stream_adopt(int fd);

/*
 * weir_stream_release - the other way round: the handle is closed, the descriptor the caller's,
 *                       who finds there what was not received yet. It stays non-blocking.
 *
 * Never suspends; any thread. The descriptor, or an error, and nothing has changed: WEIR_EBUSY
 * (somebody waits in a call of it, or it belongs to another actor), WEIR_ENOTSUP (not a plain
 * socket), WEIR_ECLOSED, WEIR_EBADF.
 */
WEIR_API int weir_stream_release(weir_stream s);

/*
 * weir_stream_ends - the two directions of a connection as channel ends, whose items are chunks: to
 *                    be cloned, given to children, waited for in a select, like any. The stream's
 *                    handle is closed.
 *
 * A chunk that is received is what came, up to 32 KiB; nothing is read before somebody receives. A
 * chunk that is sent is contiguous on the wire, all or nothing; weir_send() returns when the system
 * has it but for a rest, of one chunk, which goes by itself, before what is sent next. If that is
 * not possible any more the next send tells it. When the last sender is closed the peer reaches the
 * end, behind everything; when the last receiver is closed too, the socket is.
 *
 * Never suspends; any thread; the ends belong to the calling actor. 0; or an error, which both
 * carry: WEIR_EBUSY (somebody is inside of a call, or it belongs to another actor), WEIR_ENOTSUP
 * (not a plain socket: a wrapper decodes when it is asked, which a channel of its own cannot;
 * weir_stream_recv() and weir_chunk_send() in an actor do it), WEIR_ECLOSED, WEIR_ENOMEM,
 * WEIR_ENFILE.
 */
WEIR_API int weir_stream_ends(weir_stream s, weir_chunk_receiver *rx, weir_chunk_sender *tx);

/* Attributes: weir_stream_get(s, WEIR_SOCKET_FD, &fd), weir_listener_get(). Rows F119-F122. */
enum {
    WEIR_SOCKET_FD = 1,        /* int: for setsockopt(2); it stays the stream's */
    WEIR_SOCKET_FAMILY = 2,    /* int: AF_INET, AF_INET6, AF_UNIX */
    WEIR_SOCKET_LOCAL = 3,     /* weir_address, as the system says now */
    WEIR_SOCKET_REMOTE = 4,    /* weir_address; WEIR_ENOENT once the peer is gone */
    WEIR_SOCKET_RECEIVED = 20, /* uint64_t: bytes that were received, of a stream */
    WEIR_SOCKET_SENT = 21      /* uint64_t: bytes that the system took */
};

/* ---- listeners ----------------------------------------------------------------------------- */

/*
 * A receive end: it can be cloned, given to children, be in a select. When its last handle is
 * closed, by weir_close(), nobody listens any more, and connections that nobody has accepted are
 * cut off.
 */
typedef struct weir_listener {
    weir_handle h;
} weir_listener;

/*
 * weir_tcp_listen     - listen on all addresses of a host, 16 at most, all on one port; port 0: any
 *                       that is free at each (row F085). host NULL: all interfaces, one socket for
 *                       IPv6 and IPv4. Addresses that this machine does not have are left out.
 * weir_address_listen - listen on one address, TCP or UNIX; one of IPv6, as ::, takes no IPv4.
 * weir_listener_adopt - of sockets that listen already, 1 to 16 together, all UNIX or none (row
 *                       F092): of socket activation, say. They are the listener's from then on; on
 *                       an error, as WEIR_EINVAL for one that does not listen, they are still
 *                       yours.
 *
 * weir_tcp_listen suspends for a host that is a name, weir_address_listen as weir_unix_listen() at
 * a path, weir_listener_adopt never; any thread; the listener belongs to the calling actor. options
 * may be NULL. On an error a null handle that carries it, and nothing is left open:
 * WEIR_EADDRINUSE, WEIR_EACCES, WEIR_EINVAL (no address), -EADDRNOTAVAIL, the look-up's,
 * WEIR_ECANCELED, WEIR_EMFILE, WEIR_ENFILE, WEIR_ENOMEM.
 */
WEIR_API weir_listener weir_tcp_listen(const char *host, uint16_t port,
                                       const weir_listen_options *options);
WEIR_API weir_listener weir_address_listen(const weir_address *at,
                                           const weir_listen_options *options);
WEIR_API weir_listener weir_listener_adopt(const int *fds, unsigned n);

/* One more handle: as weir_receiver_clone(). */
WEIR_API weir_listener weir_listener_clone(weir_listener l);

/*
 * weir_listener_merge - several listeners as one, which has the sockets of all of them, 16 at most
 *                       (row F072). They are closed, as handles; their sockets listen on.
 *
 * Never suspends; any thread. On an error a null handle, and nothing has changed: WEIR_EBUSY (one
 * has another handle, or another owner, or somebody waits at it), WEIR_EINVAL (none, too many
 * sockets, the same one twice), WEIR_ECLOSED, WEIR_EBADF, WEIR_ENOMEM, WEIR_ENFILE.
 */
WEIR_API weir_listener weir_listener_merge(const weir_listener *l, unsigned n);

/*
 * weir_accept     - wait for a connection; it is the calling actor's (row F086). Several actors may
 *                   wait on one listener, each gets its own, first come first served.
 * weir_accept_by  - not beyond a point of the monotonic clock.
 * weir_try_accept - never wait: WEIR_EAGAIN.
 * weir_on_accept  - a case of a select, which fires with what weir_try_accept() returns; *out has
 *                   to stay as long as the select lasts.
 *
 * The first two suspend; any thread. 1; or an error: WEIR_ECLOSED (also when it is closed while
 * somebody waits), WEIR_ECANCELED, WEIR_ETIMEDOUT, WEIR_EBADF, WEIR_EINVAL (a null pointer);
 * WEIR_EMFILE, WEIR_ENFILE, WEIR_ENOBUFS, WEIR_ENOMEM: what the system does not have; the
 * connection still waits to be accepted, when there is room. But if it is this library that has no
 * memory or handle for the stream (WEIR_ENOMEM, WEIR_ENFILE) the connection was closed. Connections
 * that their peer gave up while they waited are not told, unless 16 in a row broke: then the
 * last one's error is returned (-ECONNABORTED, -EPROTO, WEIR_EACCES: a firewall forbids it, ...),
 * and the next call goes on.
 */
WEIR_API int weir_accept(weir_listener l, weir_stream *out);
WEIR_API int weir_accept_by(weir_listener l, weir_stream *out, weir_time deadline);
WEIR_API int weir_try_accept(weir_listener l, weir_stream *out);
WEIR_API weir_case weir_on_accept(weir_listener l, weir_stream *out);

/*
 * weir_listener_get  - copy an attribute of the i-th socket of a listener, from 0, to *value:
 *                      WEIR_SOCKET_FD, _FAMILY, _LOCAL.
 * weir_listener_port - the port that it listens on; 0 for UNIX.
 *
 * Never suspend; any thread. 0 (the port); WEIR_ENOENT: it has no such attribute, or not so many
 * sockets; WEIR_EITEM: the attribute is not of this size; WEIR_EINVAL: a null pointer;
 * WEIR_ECLOSED, WEIR_EBADF, WEIR_ENOMEM (a thread's first call).
 */
WEIR_API int weir_listener_get_item(weir_listener l, unsigned i, weir_attribute attribute,
                                    void *value, size_t size);
#define weir_listener_get(l, i, attribute, value)                                                  \
    weir_listener_get_item((l), (i), (attribute), (value), sizeof *(value))
WEIR_API int weir_listener_port(weir_listener l);

#ifdef __cplusplus
}
#endif
#endif
