/* SPDX-License-Identifier: MIT */
/*
 * weir/stream.h - streams of bytes: sockets, memory, wrappers, TLS and what you write yourself.
 *
 *     weir_stream s = weir_tcp_connect("localhost", 7, NULL);
 *     char reply[64];
 *     ssize_t n;
 *     rc = weir_stream_send(s, "hello", 5, NULL);
 *     while ((n = weir_stream_recv(s, reply, sizeof reply)) > 0)
 *         ...
 *     weir_close(s);
 *
 * A stream has two directions, which know nothing of each other: one actor may receive while
 * another one sends. In one direction there is one call at a time; a second one is WEIR_EBUSY, and
 * the first one does not notice (row F087). What many actors shall share is made a pair of channel
 * ends by weir_stream_ends() (weir/chunk.h).
 *
 * There are no borders: what is sent in one call may come in several, and the other way round.
 *
 * The first thing that ends a direction stays: the end of the stream, or an error, is returned by
 * each later call. What had come before is received first. Only our own closing comes before that:
 * from then on everything is WEIR_ECLOSED (rows F059-F061, F090). WEIR_ENOMEM and WEIR_ENOBUFS end
 * nothing: the next call may do.
 *
 * A handle is owned like each: by the actor that made it or was given it (WEIR_OWN), and closed
 * when its body returns.
 */
#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <weir/select.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_stream {
    weir_handle h;
} weir_stream;

/* ---- receiving ------------------------------------------------------------------------------- */

/*
 * weir_stream_recv     - receive between 1 and `size` bytes: what is there, or what comes next.
 * weir_stream_recv_by  - the same, not beyond a point of the monotonic clock.
 * weir_stream_try_recv - never wait: WEIR_EAGAIN when nothing is there.
 *
 * The first two suspend; any thread. The count; 0: the end, again at each call (row F059); or an
 * error: WEIR_ECLOSED, WEIR_EBUSY (another call receives), WEIR_ECANCELED, WEIR_ETIMEDOUT - with
 * these two nothing is lost (row F091) -, WEIR_EINVAL (size is 0: row F057), WEIR_EBADF,
 * WEIR_ENOMEM, WEIR_ECONNRESET and what else the system or a wrapper says.
 */
WEIR_API ssize_t weir_stream_recv(weir_stream s, void *to, size_t size);
WEIR_API ssize_t weir_stream_recv_by(weir_stream s, void *to, size_t size, weir_time deadline);
WEIR_API ssize_t weir_stream_try_recv(weir_stream s, void *to, size_t size);

/* The same into several places, one after the other; n is at most WEIR_IOV_MAX. */
WEIR_API ssize_t weir_stream_recvv(weir_stream s, const struct iovec *to, int n,
                                   weir_time deadline);
WEIR_API ssize_t weir_stream_try_recvv(weir_stream s, const struct iovec *to, int n);

#define WEIR_IOV_MAX 64

/* ---- sending --------------------------------------------------------------------------------- */

/*
 * weir_stream_send    - send all of it: when it returns 0 the system, or the stream below, has it.
 * weir_stream_send_by - the same, not beyond a point of the monotonic clock.
 * weir_stream_sendv   - from several places, one after the other; n is at most WEIR_IOV_MAX.
 *
 * Suspend; any thread. Nothing refers to the memory after the return. *sent (may be NULL) is how
 * many bytes went, on every return (row F058). Errors: as above, and WEIR_EPIPE: the peer does not
 * receive any more, or we have said that we send no more. When some but not all went, because of a
 * cancellation, a deadline or no memory, the stream is torn: nobody knows where the peer would go
 * on reading. Each later send in this direction is WEIR_EPIPE then, and closing resets the
 * connection. Size 0 is 0.
 */
WEIR_API int weir_stream_send(weir_stream s, const void *from, size_t size, size_t *sent);
WEIR_API int weir_stream_send_by(weir_stream s, const void *from, size_t size, weir_time deadline,
                                 size_t *sent);
WEIR_API int weir_stream_sendv(weir_stream s, const struct iovec *from, int n, weir_time deadline,
                               size_t *sent);

/*
 * weir_stream_try_send  - send what can go at once: a count of 1 or more, WEIR_EAGAIN, or an error.
 * weir_stream_try_sendv - the same from several places.
 *
 * Never suspend; any thread.
 */
WEIR_API ssize_t weir_stream_try_send(weir_stream s, const void *from, size_t size);
WEIR_API ssize_t weir_stream_try_sendv(weir_stream s, const struct iovec *from, int n);

/*
 * weir_stream_flush     - bring out what a stream has taken and still keeps: a wrapper that could
 *                         not give all of it to the stream below. Each send that waits has done so
 *                         when it returns 0. After weir_stream_try_send(), a select's send, or a
 *                         send that was cancelled when it had taken everything, the rest goes with
 *                         the next call in this direction: if none is to come, with this one.
 * weir_stream_try_flush - without a wait: WEIR_EAGAIN when something is left.
 *
 * The first suspends; any thread. 0, and always so where nothing is kept; else as a send.
 */
WEIR_API int weir_stream_flush(weir_stream s, weir_time deadline);
WEIR_API int weir_stream_try_flush(weir_stream s);

/*
 * weir_stream_send_eof     - no more from us: the peer reaches the end of the stream behind
 *                            what was sent; we go on receiving (row F069, F088).
 * weir_stream_try_send_eof - without a wait: WEIR_EAGAIN when something has to go first.
 *
 * The first suspends, if something is in the way; any thread. 0, also again; WEIR_EBUSY while
 * another call sends; WEIR_ENOTSUP: this kind of stream cannot; else as a send.
 */
WEIR_API int weir_stream_send_eof(weir_stream s);
WEIR_API int weir_stream_try_send_eof(weir_stream s);

/* ---- the end --------------------------------------------------------------------------------- */

/*
 * weir_close(s)      - close it, without a wait: what was sent goes out and the end with it, which
 *                      the runtime sees to. What the peer still sends is thrown away for a moment,
 *                      so that it does not destroy what is on its way to him. A wrapper that keeps
 *                      what the stream below does not take at once cuts that one off: the peer is
 *                      not to take the beginning for everything. That, and a good-bye that does not
 *                      go at once and so is not said, is WEIR_EAGAIN; or WEIR_EBUSY, if it could
 *                      not be brought out as another call sends. What was sent by a send that waits
 *                      is not kept: after weir_stream_try_send() or a select's send, flush it or
 *                      close by weir_stream_close(). Who lets a handle be closed for him - as his
 *                      body returns, by weir_auto - hears nothing of that.
 * weir_stream_close  - the same, and wait for it, but not beyond `deadline`: 0 when the peer's
 *                      system has all of it and the peer has closed as well; WEIR_ETIMEDOUT,
 *                      WEIR_ECANCELED: it was cut off; WEIR_EBUSY: another call, which received or
 *                      sent, was in the way, so it was closed as by weir_close(), without waiting;
 *                      or the error that the stream had or met. Suspends.
 * weir_stream_abort  - cut it off: the peer sees a reset. Never suspends.
 *
 * Any thread. Whoever waits in a call of this stream gets WEIR_ECLOSED (row F089). Closing again is
 * no error (row F068). The handle is closed in any case.
 */
WEIR_API int weir_stream_close(weir_stream s, weir_time deadline);
WEIR_API int weir_stream_abort(weir_stream s);

/* weir_auto(weir_stream): see weir/scope.h. */
static inline WEIR_UNUSED void weir_stream_cleanup(weir_stream *s)
{
    (void)weir_handle_close(s->h);
}

/* ---- select ---------------------------------------------------------------------------------- */

/*
 * weir_on_stream_recv(s, &bytes) - a case that fires with a count, 0 (the end) or an error as `rc`,
 *                                  as weir_stream_recv(s, bytes.base, bytes.size) would.
 * weir_on_stream_send(s, &bytes) - it fires with a count of bytes that went, 1 or more, or an
 *                                  error: as weir_stream_try_send(). So the rest is yours to send.
 *
 * As long as the select lasts, `bytes` and what it points to have to stay.
 */
typedef struct weir_bytes {
    void *base;
    size_t size;
} weir_bytes;

WEIR_API weir_case weir_on_stream_recv(weir_stream s, const weir_bytes *to);
WEIR_API weir_case weir_on_stream_send(weir_stream s, const weir_bytes *from);

/* ---- attributes ------------------------------------------------------------------------------ */

/*
 * What is known of a stream, asked through all of its wrappers: the outermost that knows an
 * attribute says it (row F118). weir/socket.h has those of sockets, weir/address.h the addresses.
 * Numbers from WEIR_ATTRIBUTE_USER on are for streams that a user writes.
 */
typedef int weir_attribute;
#define WEIR_ATTRIBUTE_USER 0x10000

/*
 * weir_stream_get - copy an attribute of exactly this size to *value.
 *
 * Never suspends; any thread. 0; WEIR_ENOENT: it has none such (row F118); WEIR_EITEM: the
 * attribute is not of this size; WEIR_ECLOSED, WEIR_EBADF.
 */
WEIR_API int weir_stream_get_item(weir_stream s, weir_attribute attribute, void *value,
                                  size_t size);
#define weir_stream_get(s, attribute, value)                                                       \
    weir_stream_get_item((s), (attribute), (value), sizeof *(value))

/* ---- streams that you write ------------------------------------------------------------------ */

/*
 * A stream is a table of functions that never wait: they do what can be done at once, or say what
 * to wait for. All suspending, with deadlines, cancellation and select, is the library's. They are
 * called by the actor or thread that uses the stream, outside of locks, and must not suspend;
 * those of one direction by one at a time, so what both directions use is yours to guard.
 *
 * try_recv   1 or more bytes into the n places; 0: the end; WEIR_EAGAIN: none now; or an error.
 *            After an end or an error it is not called again; but WEIR_ENOMEM, WEIR_ENOBUFS and
 *            WEIR_EBUSY pass.
 * try_send   As many of the n places' bytes as can go now, 1 or more; WEIR_EAGAIN; or an error,
 *            which stays in the same way. What it has taken counts as sent.
 * try_flush  Bring out what try_send has taken and could not give to the stream below, then
 *            weir_stream_try_flush() of that one. 0; WEIR_EAGAIN: some is left; an error, which
 *            stays. NULL: nothing is ever kept.
 * arm_recv   What to wait for until try_recv may do more: weir_on_recv() with an item of the
 *            stream's own, or weir_stream_arm() of the stream below, of either direction. 0;
 *            WEIR_EAGAIN: try again at once, as there may be something already - others may have
 *            been here since try_recv said that there is nothing; or an error, which the call
 *            returns.
 * arm_send   The same until try_send, try_flush, try_eof or try_close, which said WEIR_EAGAIN,
 *            may do more.
 * disarm     The wait is over; rc is what the case below returned if it fired, and its item is
 *            then the stream's; WEIR_EAGAIN: it did not fire, and nothing was taken. Once for each
 *            arm that returned 0. NULL: nothing is to be done.
 * try_eof    No more from us, after try_flush: 0, WEIR_EAGAIN or an error. NULL: WEIR_ENOTSUP.
 * try_close  Say good-bye, after try_flush, before it is closed: 0, WEIR_EAGAIN or an error. NULL:
 *            nothing is to be said.
 * shut       It is closed, or cut off (abort). Close what is below, so that everybody who waits
 *            there is woken. Others may be inside of their functions: so nothing is freed. Once.
 * release    Nobody is inside any more: free it. Once, the last call. NULL: nothing to be freed.
 * get        An attribute; WEIR_ENOENT: not one of mine, ask below. NULL: none.
 * below      The stream that is asked then, and whose end weir_stream_close() waits for before
 *            shut; a null handle: none. NULL: none.
 *
 * What both directions use - a session that is read and written whichever way bytes go - has one
 * more rule: of the stream below, one alone may wait in a direction. Who gets WEIR_EBUSY from a
 * try form or from weir_stream_arm() waits for the other one instead: on a channel of the
 * wrapper's own, on which that one says that it has gone on.
 */
typedef struct weir_stream_ops {
    ssize_t (*try_recv)(void *self, const struct iovec *to, int n);
    ssize_t (*try_send)(void *self, const struct iovec *from, int n);
    int (*try_flush)(void *self);
    int (*arm_recv)(void *self, weir_case *below);
    int (*arm_send)(void *self, weir_case *below);
    void (*disarm)(void *self, bool sends, int rc);
    int (*try_eof)(void *self);
    int (*try_close)(void *self);
    void (*shut)(void *self, bool abort);
    void (*release)(void *self);
    int (*get)(void *self, weir_attribute attribute, void *value, size_t size);
    weir_stream (*below)(void *self);
} weir_stream_ops;

/*
 * weir_stream_make - a stream of your own. `ops` has to last for ever, `self` until its release.
 *
 * Never suspends; any thread; the handle belongs to the calling actor. On an error a null handle
 * that carries it, and `self` is still yours: WEIR_EINVAL (a table without what both of a direction
 * need: try_recv and arm_recv, or try_send and arm_send; no shut), WEIR_ENOMEM, WEIR_ENFILE. A
 * direction that is missing is one that has ended: 0 for a receive, WEIR_EPIPE for a send.
 */
WEIR_API weir_stream weir_stream_make(const weir_stream_ops *ops, void *self);

/*
 * weir_stream_take - a wrapper takes the stream that it wraps: the plain handle is closed from then
 *                    on, for all that have a copy of it, and the new one is the wrapper's, who owns
 *                    it whichever actor runs.
 *
 * Never suspends; any thread. A null handle that carries the error: WEIR_EBUSY (somebody is inside
 * of a call of it, or it belongs to another actor), WEIR_ECLOSED, WEIR_EBADF, WEIR_ENOMEM.
 */
WEIR_API weir_stream weir_stream_take(weir_stream s);

/*
 * weir_stream_arm    - the case of `below` for an arm function above this stream; sends: wait until
 *                      a try_send of it may do more, else a try_recv.
 * weir_stream_disarm - the wait for it is over; also when the stream was closed meanwhile. Once for
 *                      each arm that returned 0.
 *
 * Never suspend. arm: 0 or an error: WEIR_EAGAIN: try again at once; WEIR_EBUSY when somebody else
 * is in this direction, in which nobody else can be between an arm that returned 0 and its disarm.
 */
WEIR_API int weir_stream_arm(weir_stream s, bool sends, weir_case *below);
WEIR_API void weir_stream_disarm(weir_stream s, bool sends, int rc);

#ifdef __cplusplus
}
#endif
#endif
