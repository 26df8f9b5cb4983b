/* SPDX-License-Identifier: MIT */
/*
 * socket.h - a connected socket as a stream: its two directions are channels that its descriptor
 * feeds (descriptor.h), for bytes and for chunks.
 */
#ifndef WEIR_IO_SOCKET_H
#define WEIR_IO_SOCKET_H

#include <weir/chunk.h>

#include "descriptor.h"
#include "fds.h"
#include "stream.h"

/* Constant for the socket's life. */
enum socket_flag { SOCKET_UNIX = 1, SOCKET_FDS = 2 /* with descriptors among the bytes */ };

struct socket {
    struct descriptor d;
    struct stream stream;
    struct direction in, out;
    a32 users; /* of two: the directions that are open */
    uint8_t flags;
    bool aborts, released; /* by who has shut the handle */
    bool left;             /* under the stream's lock: nobody has it any more */
    bool takes_fds;        /* under the lock of `in` */
    a32 lost;        /* descriptors that came and were closed; changed under the lock of `in` */
    bool torn, eof;  /* under the lock of `out`: a send stopped in the middle; we send no more */
    bool large;      /* under the lock of `in`: the last chunk was full */
    weir_chunk rest; /* of a chunk that was sent; under the lock of `out` */
    const struct waiter *middle; /* under the lock of `out`: whose bytes have gone in part */
    uint64_t received, sent;     /* bytes; under the lock of `in`, and of `out` */
    aptr lingers;                /* struct netpoll: nobody has it any more; see linger.h */
    union {
        struct retired retired;
        struct {
            struct socket *next, *prev; /* in the poller's list; under its lock */
            weir_time until;
            uint32_t discarded;
        };
    };
};

_Static_assert(sizeof(struct socket) <= DESCRIPTOR_ROOM, "it fits");
_Static_assert(sizeof(struct socket) + 2 * sizeof(struct chan) <= 512, "with both of its ends");

/*
 * A stream of a descriptor, which is non-blocking and connected, or connects. On an error a null
 * handle that carries it, and the descriptor is still the caller's. Inside an operation of self.
 */
weir_stream weir__socket_open(struct party *self, const struct net *net, int fd, unsigned flags);

/*
 * As recv and send of its class, with descriptors: in->n is 0, out's are the caller's until it
 * returns.
 */
ssize_t weir__socket_recv_fds(const struct stream_call *c, const struct iovec *to,
                              struct fds_in *in, weir_time deadline);
int weir__socket_send_fds(const struct stream_call *c, const struct iovec *from,
                          const struct fds_out *out, weir_time deadline, size_t *sent);

/* From now on receives take descriptors. */
void weir__socket_allow_fds(struct socket *s);

/* The socket of a stream; NULL: it is of another class. */
struct socket *weir__socket_of(struct stream *st);

/* The handle is shut, by weir__stream_claim(): all goes but the descriptor, which is returned. */
int weir__socket_release(struct party *self, struct socket *s);

/*
 * A socket can be named, and is found by its name whoever has it by then, wrapped or as ends, until
 * it is closed or released; all inside an operation. The name of the stream's own, 0: it has none.
 * Cut it off: who waits is told WEIR_ECONNRESET, and so is the peer when it is closed. And: is it
 * open, and nothing has come?
 */
uint64_t weir__socket_name(weir_stream s);
void weir__socket_cut(uint64_t name);
bool weir__socket_is_silent(uint64_t name);

/* Of a socket that connects: wait until that is over, for better or worse. 1, or an error. */
int weir__socket_connected(struct party *self, weir_stream s, weir_time deadline);

/* Under the lock of `in`: receive, maybe with descriptors. A count, EMPTY, END or an error. */
int weir__socket_receive(struct socket *s, struct iovec *to, uint32_t n, struct fds_in *fds);

/*
 * Under the lock of `out`: send a part, maybe with descriptors. A count, FULL or an error. begun: a
 * part of what belongs together has gone before.
 */
int weir__socket_transmit(struct socket *s, const struct iovec *from, uint32_t n,
                          const struct fds_out *fds, bool begun);

/* ends.c: requests for chunks. */
int weir__socket_pop_chunk(struct socket *s, struct waiter *w);
int weir__socket_push_chunks(struct socket *s, struct waiter *w);

/* Under the lock of `out`: what is left of a chunk goes first. 1, FULL or an error. */
int weir__socket_push_rest(struct socket *s);

/* `out` is closed, `in` is not: the peer is told, behind what is left of a chunk. */
void weir__socket_end(struct socket *s);

#endif
