/* SPDX-License-Identifier: MIT */
/*
 * weir/pair.h - streams without a system below: of memory, of channels, of two halves.
 *
 *     weir_stream client, server;
 *     rc = weir_stream_pair(&client, &server, 4096);
 *
 * They are streams like all (weir/stream.h): what is written for sockets is tested on them.
 */
#ifndef WEIR_PAIR_H
#define WEIR_PAIR_H

#include <weir/chunk.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * weir_stream_pair - two streams; what is sent into one is received from the other. In each
 *                    direction `capacity` bytes wait at most (1 to WEIR_CHUNK_MAX), then a send
 *                    waits.
 *
 * Closing one is the end of what the other receives, behind what is on its way; whoever sends to
 * it gets WEIR_EPIPE. Cut off (weir_stream_abort()), the other one receives what is on its way and
 * then WEIR_ECONNRESET, and sends get that at once.
 * Never suspends; any thread; both belong to the calling actor. 0, WEIR_EINVAL, WEIR_ENOMEM or
 * WEIR_ENFILE: then *a and *b are null handles that carry the error.
 */
WEIR_API int weir_stream_pair(weir_stream *a, weir_stream *b, size_t capacity);

/*
 * weir_stream_over - a stream over the ends of two channels of chunks: it receives the bytes that
 *                    come from rx; what is sent into it goes to tx, in chunks of 64 KiB at most.
 *                    Either end may be null ({0}): then it goes in one direction. Row F056.
 *
 * The ends are the stream's from then on, and closed with it. While tx is full the stream keeps one
 * chunk: what is in it counts as sent and goes with the next call (weir_stream_flush()). Channels
 * know no reset: for who receives, a stream that is cut off has ended.
 * Never suspends; any thread; the stream belongs to the calling actor. On an error a null handle
 * that carries it, and both ends are as they were: WEIR_EINVAL (both are null), WEIR_EITEM (no
 * channel of chunks), WEIR_EBUSY (another actor's end), WEIR_ECLOSED, WEIR_EBADF, WEIR_ENOMEM,
 * WEIR_ENFILE.
 */
WEIR_API weir_stream weir_stream_over(weir_chunk_receiver rx, weir_chunk_sender tx);

/*
 * weir_stream_staple - one stream that receives from the first and sends into the second. Row F070.
 *
 * weir_stream_send_eof() says so on the second, or closes it if that is of a kind that cannot;
 * closing closes the second, then the first. Attributes are those of the first, then the second.
 * It takes both (weir_stream_take()), or on an error none; then a null handle carries the error:
 * WEIR_EINVAL (twice the same), and what weir_stream_take() says.
 * Never suspends; any thread; the stream belongs to the calling actor.
 */
WEIR_API weir_stream weir_stream_staple(weir_stream receives, weir_stream sends);

#ifdef __cplusplus
}
#endif
#endif
