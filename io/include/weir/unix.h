/* SPDX-License-Identifier: MIT */
/*
 * weir/unix.h - UNIX sockets: paths, abstract names, descriptors, who the peer is.
 *
 *     weir_listener l = weir_unix_listen("/run/app.sock", &(weir_unix_options){.mode = 0660});
 *     weir_stream s = weir_unix_connect("/run/app.sock", NULL);
 *
 *     int log = open("log", O_RDONLY | O_CLOEXEC);
 *     rc = weir_send_fds(s, "log", 3, &log, 1, WEIR_NEVER, NULL);
 *
 * A path is a string of bytes in whatever encoding; one that begins with @ is an abstract name, for
 * which there is no file ("./@name" is a path). Names with zeros in them: weir_address_unix() and
 * weir_address_connect(), weir_address_listen(), which do the same as these.
 */
#ifndef WEIR_UNIX_H
#define WEIR_UNIX_H

#include <weir/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 0 is the default of each. */
typedef struct weir_unix_options {
    int backlog;       /* of a listener; 0: 4,096; the kernel has a limit of its own */
    unsigned mode;     /* the path's permissions; 0: 0777 less the umask */
    bool remove;       /* the path goes when the listener is closed; else it stays (row F095) */
    bool keep_stale;   /* do not remove a socket that nobody has any more: WEIR_EADDRINUSE */
    bool fds;          /* connections take descriptors: weir_unix_allow_fds() */
    weir_time timeout; /* of a connect while the listener's queue is full; 0: 30 s; WEIR_NEVER */
} weir_unix_options;

/*
 * weir_unix_connect - connect to a path or an abstract name (row F095).
 *
 * Suspends while the listener's queue of connections is full; any thread. options may be NULL. On
 * an error a null handle that carries it: -ENOENT (no such path), WEIR_ECONNREFUSED (nobody listens
 * there, or it is no socket), WEIR_EACCES, WEIR_EINVAL (no name, or longer than WEIR_UNIX_MAX),
 * -EPROTOTYPE (a socket of another kind), WEIR_ETIMEDOUT, WEIR_ECANCELED, -EMFILE, WEIR_ENOMEM.
 */
WEIR_API weir_stream weir_unix_connect(const char *path, const weir_unix_options *options);

/*
 * weir_unix_listen - listen at a path or an abstract name (row F095).
 *
 * A socket at the path that nobody has any more, of a server that has died, is removed if it is
 * ours (root: of anybody). All else that is there stays, and the call fails: a file, a link,
 * another's socket, one that a living process has bound, whether it listens yet or not. Of several
 * servers that find the same dead socket at once one gets the path.
 *
 * With a mode the path has these permissions before anybody can connect, whatever the umask says,
 * and never more of them than the mode. Closed with `remove`, it goes if it is still that socket.
 *
 * Suspends, a second at most, only while somebody else removes a dead socket in this directory, or
 * holds a flock(2) on it; any thread. options may be NULL. On an error a null handle that carries
 * it, and what was made is removed: WEIR_EADDRINUSE, WEIR_EACCES, -ENOENT (no such directory),
 * WEIR_EBUSY (that lock), WEIR_EINVAL, WEIR_ECANCELED, -EMFILE, WEIR_ENOMEM.
 */
WEIR_API weir_listener weir_unix_listen(const char *path, const weir_unix_options *options);

/*
 * weir_unix_pair - two streams that are connected with each other, and take descriptors.
 *
 * Never suspends; any thread. 0; or an error, which both carry: -EMFILE, WEIR_ENOMEM, WEIR_ENFILE.
 */
WEIR_API int weir_unix_pair(weir_stream *a, weir_stream *b);

/* Attributes of UNIX streams; WEIR_ENOENT: it is none. */
enum {
    WEIR_UNIX_PEER = 16,  /* weir_peer: who had the other end when it was connected */
    WEIR_UNIX_PIDFD = 17, /* int: a pidfd of that process, yours to close; Linux 6.5 */
    WEIR_UNIX_LOST = 18   /* unsigned: descriptors that came and were closed; see weir_recv_fds() */
};

typedef struct weir_peer {
    pid_t pid; /* 0: in no namespace that we see */
    uid_t uid;
    gid_t gid;
} weir_peer;

/* ---- descriptors --------------------------------------------------------------------------- */

#define WEIR_FDS_MAX 253 /* with one message */

/*
 * weir_unix_allow_fds - from now on receives of this UNIX stream take descriptors; it cannot be
 *                       taken back. Also by weir_unix_options, for all of a listener's connections.
 *
 * Never suspends; any thread. 0; WEIR_ENOTSUP: not a plain UNIX socket; WEIR_ECLOSED, WEIR_EBADF.
 */
WEIR_API int weir_unix_allow_fds(weir_stream s);

/*
 * weir_send_fds     - send bytes, 1 or more, and with the first of them descriptors, 1 to
 *                     WEIR_FDS_MAX: the peer gets duplicates, these stay yours (row F096).
 * weir_try_send_fds - as weir_stream_try_send(): the descriptors went if it returns 1 or more.
 *
 * The first suspends; any thread. As weir_stream_send_by(), but for: WEIR_EINVAL (no bytes, no
 * descriptors, too many), WEIR_ENOTSUP (not a plain UNIX socket), WEIR_EBADF (also: one of the
 * descriptors is not open), -ETOOMANYREFS (too many are on their way). With these nothing went,
 * and the stream is as it was.
 */
WEIR_API int weir_send_fds(weir_stream s, const void *from, size_t size, const int *fds, unsigned n,
                           weir_time deadline, size_t *sent);
WEIR_API ssize_t weir_try_send_fds(weir_stream s, const void *from, size_t size, const int *fds,
                                   unsigned n);

/* What is to be received. */
typedef struct weir_fds {
    void *base; /* room for bytes */
    size_t size;
    int *fds; /* and for descriptors */
    unsigned room;
    unsigned n;    /* told: so many came. They are yours to close, and close-on-exec */
    unsigned lost; /* told: so many more came, and were closed */
} weir_fds;

/*
 * weir_recv_fds     - receive 1 to m->size bytes, and the descriptors that came with them.
 * weir_try_recv_fds - never wait: WEIR_EAGAIN.
 * weir_on_recv_fds  - a case of a select.
 *
 * A receive, this one or another, does not go beyond bytes that came with descriptors. Those for
 * which there is no room are closed, as all are that come with bytes which a plain receive takes;
 * and if the process can have no more, the kernel drops them, which counts as one. The attribute
 * WEIR_UNIX_LOST is the sum; of a stream that takes none it counts messages.
 *
 * The first suspends; any thread. As weir_stream_recv_by(): a count; 0 at the end, then without
 * descriptors. On an error m->n is 0. WEIR_EINVAL: no room for bytes, or for descriptors;
 * WEIR_ENOTSUP: not a plain UNIX socket, or weir_unix_allow_fds() was not called.
 */
WEIR_API ssize_t weir_recv_fds(weir_stream s, weir_fds *m, weir_time deadline);
WEIR_API ssize_t weir_try_recv_fds(weir_stream s, weir_fds *m);
WEIR_API weir_case weir_on_recv_fds(weir_stream s, weir_fds *m);

/*
 * weir_send_stream   - send a socket's stream to another process, with bytes: there
 *                      weir_stream_adopt() makes a stream of it again. *s is closed here, without
 *                      a word to its peer, and what was not received yet is for the other process.
 * weir_send_listener - the same with a listener, of which the sockets are sent in their order, for
 *                      weir_listener_adopt(). It goes on here too, until you close it; then the
 *                      path is not removed.
 *
 * Suspend; any thread. As weir_send_fds(), and, of *s, WEIR_EBUSY and WEIR_ENOTSUP as
 * weir_stream_release(). When weir_send_stream() fails, *s is the same connection still, by another
 * handle, which the caller owns; when some of the bytes went, the other process has it too.
 */
WEIR_API int weir_send_stream(weir_stream via, const void *from, size_t size, weir_stream *s,
                              weir_time deadline);
WEIR_API int weir_send_listener(weir_stream via, const void *from, size_t size, weir_listener l,
                                weir_time deadline);

#ifdef __cplusplus
}
#endif
#endif
