/* SPDX-License-Identifier: MIT */
/*
 * weir/serve.h - serving the connections of a listener, each by an actor of its own.
 *
 *     static int echo(weir_stream s, void *arg)
 *     {
 *         char buffer[4096];
 *         ssize_t n;
 *         while ((n = weir_stream_recv(s, buffer, sizeof buffer)) > 0)
 *             if ((n = weir_stream_send(s, buffer, (size_t)n, NULL)) < 0)
 *                 break;
 *         return (int)n;
 *     }
 *
 *     rc = weir_serve(weir_tcp_listen("localhost", 7, NULL), echo, NULL);
 *
 * A handler is the body of its connection's actor. When it returns 0 or more the connection is
 * closed, what was sent goes out; when it returns an error it is aborted, the error counted and
 * told to the hook, and the others are served on (rows F067, F149). What is aborted is the
 * connection, whatever its handler has made of it: wrapped, or a pair of channel ends, wherever
 * these are by then. But what was released, or sent to another process, is no longer the server's.
 *
 * A connection on which nothing happens need not cost an actor. With `on_data` the handler begins
 * at the first byte. And a handler may return WEIR_PARK, at a point where it has nothing left to
 * say and nothing to remember: its actor ends, the connection stays, and at the next byte, or the
 * end, the handler is called anew. Parked when it has received the end, or an error, the connection
 * ends.
 *
 * A stream that a handler has taken to wrap it, by weir_buffer() or another weir_stream_take(),
 * cannot be parked: WEIR_PARK closes the connection. How long a handler that runs may wait for more
 * is for its receives to say: weir_recv_line_by().
 */
#ifndef WEIR_SERVE_H
#define WEIR_SERVE_H

#include <stdio.h>

#include <weir/actor.h>
#include <weir/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int (*weir_handler)(weir_stream s, void *arg);

/* A handler's result: keep the connection, and call again when there is more. */
#define WEIR_PARK 0x5041524b

/* ---- options ------------------------------------------------------------------------------- */

/* Why a connection is no more. */
typedef enum weir_end_reason {
    WEIR_END_DONE = 1,   /* its handler returned 0 or more, or it ended while no handler ran */
    WEIR_END_FAILED,     /* its handler returned an error */
    WEIR_END_FIRST_BYTE, /* nothing came in time */
    WEIR_END_IDLE,       /* it was parked for too long */
    WEIR_END_DRAINED,    /* the server ends, and no handler ran, or it was cancelled */
    WEIR_END_NO_MEMORY   /* for its actor, or its record */
} weir_end_reason;

typedef enum weir_serve_event_kind {
    WEIR_SERVE_ACCEPTED = 1, /* a connection */
    WEIR_SERVE_REFUSED,      /* one too many of its peer: it was cut off */
    WEIR_SERVE_ENDED,        /* a connection: reason, error */
    WEIR_SERVE_SHORT,        /* none can be accepted (below): error; once, until it went */
    WEIR_SERVE_DRAINS        /* from now on none is accepted */
} weir_serve_event_kind;

typedef struct weir_serve_event {
    weir_serve_event_kind kind;
    weir_end_reason reason;
    int error;
    uint64_t connection; /* their number; 0: about none */
    weir_address peer;   /* of family 0: about none, or not known any more */
} weir_serve_event;

/* 0 is the default everywhere. */
typedef struct weir_serve_options {
    unsigned connections; /* at most so many at a time; further ones wait in the system, unaccepted;
                             0: no limit */
    unsigned per_peer;    /* of one IPv4 address, or IPv6 network of 64 bits; 0: no limit. None for
                             UNIX */
    bool on_data;         /* the handler begins at the first byte. Not where it speaks first */
    bool propagate;       /* the first error of a handler ends the server, which returns it */
    weir_time first_byte; /* so long a connection may say nothing at first; 0: 30 s; WEIR_NEVER */
    weir_time idle;       /* so long it may be parked; 0: WEIR_NEVER. (A handler that waits has
                             deadlines of its own: weir_recv_line_by(), weir_select_by().) */
    weir_time drain;      /* when the server ends handlers may go on for so long; 0: 30 s */
    weir_time close;      /* then, cancelled, for so long, before their connections are aborted;
                             0: 5 s */
    /*
     * An item of this end, or its end or closing, drains the server, as weir_server_drain(); a
     * further item cancels the handlers at once. So .until = what weir_signals() has opened: the
     * first SIGTERM is gentle, the second one is not. The end is borrowed: whose it is, it stays,
     * and must last until the serving is over. Items are received, and thrown away. {0}: none.
     */
    weir_receiver until;
    const char *name; /* of the handlers' actors, and in dumps, up to 15 bytes, copied;
                         NULL: "connection" */
    /*
     * What happens to connections. It is called by the server's actor and by those of handlers, by
     * several at once; it does not wait.
     */
    void (*hook)(const weir_serve_event *event, void *context);
    void *context;
} weir_serve_options;

/* ---- serving ------------------------------------------------------------------------------- */

/*
 * weir_serve      - serve a listener's connections until it is closed; rows F067, F149.
 * weir_serve_with - with options.
 *
 * Suspend; by actors. 0 when the listener was closed, or `until` said so, and the last handler has
 * returned. Then those have `drain` to end by themselves, as has one that finds out by
 * weir_server_drained(); then they are cancelled; `close` later their connections are aborted. So
 * it waits for a handler that never waits. WEIR_ECANCELED: the caller was cancelled, and with it
 * the handlers. Other errors: of the listener's handle, and of `until`; WEIR_EINVAL, WEIR_ENOMEM,
 * WEIR_ENFILE, WEIR_EMFILE, WEIR_EPERM (not by an actor); with `propagate` those of handlers.
 *
 * When there are no descriptors or there is no memory to accept a connection (-EMFILE, -ENFILE,
 * WEIR_ENOBUFS, WEIR_ENOMEM) the server says so once, cuts off one that waits by means of a
 * descriptor that it has in reserve, and tries again 100 ms later, or when a connection has ended.
 * So it does, but closes none, when connections break one after the other before they are accepted
 * (weir_accept() in weir/socket.h says which errors tell so).
 */
WEIR_API int weir_serve(weir_listener l, weir_handler handler, void *arg);
WEIR_API int weir_serve_with(weir_listener l, weir_handler handler, void *arg,
                             const weir_serve_options *options);

/* ---- a server, to be asked and told -------------------------------------------------------- */

typedef struct weir_server {
    weir_handle h;
} weir_server;

/*
 * weir_server_open    - what several calls of weir_server_run() have in common: limits, counters.
 *                       options may be NULL. weir_close(server) drains it. `until` is looked at
 *                       while one of them runs.
 * weir_server_run     - as weir_serve(). Several actors may serve a listener each.
 * weir_server_drain   - each weir_server_run() closes the handle of its listener, and ends as if
 *                       that had been closed.
 * weir_server_drained - a receiver, the caller's, that ends (0) when the server begins to drain: to
 *                       be in a handler's select beside its stream; or to be tried. Its items
 *                       would be of type char, but none comes.
 *
 * open, drain, drained never suspend; any thread. A server belongs to who opened it, as all
 * handles. drain: 0, also again. Errors: WEIR_ECLOSED, WEIR_EBADF, WEIR_ENOMEM, WEIR_ENFILE, of
 * open and drained as a null handle; run: as weir_serve(); 0 at once of a server that drains.
 */
WEIR_API weir_server weir_server_open(const weir_serve_options *options);
WEIR_API int weir_server_run(weir_server server, weir_listener l, weir_handler handler, void *arg);
WEIR_API int weir_server_drain(weir_server server);
WEIR_API weir_receiver weir_server_drained(weir_server server);

typedef struct weir_server_statistics {
    size_t connections; /* now */
    size_t handlers;    /* of them have an actor */
    size_t parked;      /* have none, any more */
    uint64_t accepted;  /* since the server was opened: */
    uint64_t refused;   /* for their peer's limit */
    uint64_t started;   /* calls of the handler */
    uint64_t done;      /* connections that ended, by reason */
    uint64_t failed;
    uint64_t first_byte;
    uint64_t idle;
    uint64_t drained;
    uint64_t no_memory;
    uint64_t
        shortages; /* times that none could be accepted: no descriptor, no memory, all broken */
    bool drains;
} weir_server_statistics;

/*
 * weir_server_statistics_get - counters, as of one moment.
 * weir_server_metrics        - the same as text for Prometheus: weir_server_connections{server=
 *                              "name"} 12, and so on.
 *
 * Never suspend; any thread; writing may block. 0; WEIR_EINVAL for a null `out`; WEIR_ECLOSED,
 * WEIR_EBADF, WEIR_ENOMEM. weir_dump() (weir/debug.h) shows all servers and their connections.
 */
WEIR_API int weir_server_statistics_get(weir_server server, weir_server_statistics *out);
WEIR_API int weir_server_metrics(weir_server server, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
