/* SPDX-License-Identifier: MIT */
/*
 * weir/copy.h - bytes from one stream to another, and a proxy in one call.
 *
 *     weir_stream out = weir_tcp_connect("backend", 80, NULL);
 *     rc = weir_stream_relay(in, out, NULL);
 *
 * For any two streams: sockets, memory, wrappers, your own. What is on its way is at most
 * WEIR_COPY_MAX bytes in each direction: a slow receiver makes the sender wait. While nothing comes
 * no memory is held but a little on the stack, and none at all is needed: without it the portions
 * are smaller.
 */
#ifndef WEIR_COPY_H
#define WEIR_COPY_H

#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_COPY_MAX ((size_t)16384)

/* How it went in one direction. */
typedef struct weir_copied {
    uint64_t received; /* bytes; the difference was on its way, and is lost */
    uint64_t sent;
    int recv_rc; /* what receiving ended with: 0 the end, an error, or WEIR_EAGAIN: it had not ended
                  */
    int send_rc; /* what sending, or passing on the end, ended with: 0 or an error */
} weir_copied;

/*
 * weir_stream_copy    - receive from `from` and send to `to` until the end of `from`, which is not
 *                       passed on: call weir_stream_send_eof(to) for that, or go on sending.
 * weir_stream_copy_by - the same, not beyond a point of the monotonic clock.
 *
 * Suspend; any thread. 0, or the first error; `copied` (may be NULL) is set on every return, and
 * says which side it was. WEIR_ECANCELED and WEIR_ETIMEDOUT concern neither: `recv_rc` is
 * WEIR_EAGAIN then. The other direction of both streams is free for others meanwhile.
 */
#define weir_stream_copy(from, to, copied) weir_stream_copy_by((from), (to), WEIR_NEVER, (copied))
WEIR_API int weir_stream_copy_by(weir_stream from, weir_stream to, weir_time deadline,
                                 weir_copied *copied);

/*
 * weir_stream_relay    - copy both ways at the same time, and pass on each end
 * (weir_stream_send_eof), until both have ended. weir_stream_relay_by - the same, not beyond a
 * point of the monotonic clock.
 *
 * Suspend; any thread. 0; or the first error of either direction, which ends both, since a peer
 * that waits for an answer would wait for ever: WEIR_ENOTSUP too, of a stream that cannot pass on
 * an end. `relayed` (may be NULL) is set on every return. Close both afterwards: weir_close() if it
 * is 0, else weir_stream_abort(), so that nobody takes what was cut off for the whole.
 */
typedef struct weir_relayed {
    weir_copied a_to_b, b_to_a;
} weir_relayed;

#define weir_stream_relay(a, b, relayed) weir_stream_relay_by((a), (b), WEIR_NEVER, (relayed))
WEIR_API int weir_stream_relay_by(weir_stream a, weir_stream b, weir_time deadline,
                                  weir_relayed *relayed);

#ifdef __cplusplus
}
#endif
#endif
