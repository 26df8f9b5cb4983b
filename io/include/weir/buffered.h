/* SPDX-License-Identifier: MIT */
/*
 * weir/buffered.h - lines, pieces, frames and records out of a stream of bytes.
 *
 *     weir_auto(weir_buffered) in = weir_buffer(s, NULL);
 *     char line[256];
 *     size_t n;
 *     while ((rc = weir_recv_line(in, line, sizeof line, &n)) > 0)
 *         weir_stream_send(in.stream, line, n, NULL);
 *
 * A buffered stream is a wrapper: it receives from the stream below as much as there is, and keeps
 * what nobody has asked for yet. It is a stream itself, `in.stream`, for every call of
 * weir/stream.h: what is buffered is received first, sending and attributes go through to the
 * stream below, and it can be wrapped again. Rows F073-F077, F146-F148.
 *
 * It works on every stream: sockets, memory, other wrappers, your own.
 *
 * Nothing that was received is lost. A call that ends with an error - a deadline, a cancellation,
 * WEIR_EMSGSIZE, WEIR_EINCOMPLETE, WEIR_ENOMEM, an error of the stream below - leaves all in the
 * buffer, for whichever call comes next; so does a case of a select that did not fire. What a call
 * returns depends on the bytes alone, not on the portions in which they came. While nothing is
 * buffered it holds no memory.
 *
 * There is one receive at a time, of whatever form: a second one is WEIR_EBUSY.
 */
#ifndef WEIR_BUFFERED_H
#define WEIR_BUFFERED_H

#include <string.h>

#include <weir/scope.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_buffered {
    union {
        weir_handle h;      /* for weir_close(in), weir_check(in) */
        weir_stream stream; /* for all that a stream can */
    };
} weir_buffered;

typedef struct weir_buffer_options {
    size_t ahead;      /* bytes that are asked for at a time, 1 or more; 0: 4096 */
    bool end_delimits; /* what stands behind the last delimiter, at the end, is a piece too */
} weir_buffer_options;

#define WEIR_BUFFER_AHEAD_MAX ((size_t)1 << 24)

/*
 * weir_buffer - take a stream and buffer it. From then on the plain handle is closed, for all that
 *               have a copy of it: go on with the result's `stream`. `options` may be NULL.
 *
 * Never suspends; any thread; the handle belongs to the calling actor. On an error `s` is as it was
 * and the result is a null handle that carries the error: WEIR_EINVAL (`ahead` is above
 * WEIR_BUFFER_AHEAD_MAX), those of weir_stream_take(), WEIR_ENOMEM, WEIR_ENFILE.
 */
WEIR_API weir_buffered weir_buffer(weir_stream s, const weir_buffer_options *options);

/* ---- receiving a whole thing ----------------------------------------------------------------- */

/*
 * All of these return 1; or 0: the stream has ended, and nothing is left; or an error, after which
 * what was received is still there:
 *
 * WEIR_EINCOMPLETE  the stream has ended within the thing.
 * WEIR_EMSGSIZE     it is larger than the limit, or will be; a call with a larger one gets it.
 * the others        as of weir_stream_recv(), among them what the stream below says. WEIR_EBADF
 * also for the handle of a stream that is not a buffered one. WEIR_EINVAL: a null pointer, or what
 * is named below. Another than WEIR_ENOMEM, WEIR_ECANCELED and WEIR_ETIMEDOUT stays, but
 * weir_stream_recv() gets what is buffered before it.
 *
 * The plain form and `_by` suspend; the `try` form does not, and is WEIR_EAGAIN when the thing is
 * not there yet. Any thread. *size is set when 1 is returned.
 */

/*
 * weir_recv_exactly(in, to, size) - `size` bytes, not fewer (row F074). 0 bytes are there at once.
 */
#define weir_recv_exactly(in, to, size) weir_recv_exactly_by((in), (to), (size), WEIR_NEVER)
WEIR_API int weir_recv_exactly_by(weir_buffered in, void *to, size_t size, weir_time deadline);
WEIR_API int weir_try_recv_exactly(weir_buffered in, void *to, size_t size);

/*
 * weir_recv_until(in, "\r\n", to, max, &size) - the bytes in front of a delimiter, at most `max` of
 *               them; the delimiter, a string, is taken out of the stream and not stored, nor is
 *               anything behind the bytes. They may be none: then *size is 0 and the result 1.
 *               Rows F075, F146.
 *
 * The other forms have the delimiter's size too, so that it may contain any bytes. With the option
 * end_delimits the end of the stream is as a delimiter if it stands behind some bytes.
 * WEIR_EINVAL: a delimiter of 0 bytes, or of more than WEIR_DELIMITER_MAX.
 */
#define WEIR_DELIMITER_MAX ((size_t)255)
WEIR_API int weir_recv_until_by(weir_buffered in, const void *delimiter, size_t delimiter_size,
                                void *to, size_t max, size_t *size, weir_time deadline);
WEIR_API int weir_try_recv_until(weir_buffered in, const void *delimiter, size_t delimiter_size,
                                 void *to, size_t max, size_t *size);

static inline WEIR_UNUSED int weir_recv_until(weir_buffered in, const char *delimiter, void *to,
                                              size_t max, size_t *size)
{
    return weir_recv_until_by(in, delimiter, delimiter ? strlen(delimiter) : 0, to, max, size,
                              WEIR_NEVER);
}

/*
 * weir_recv_line(in, line, room, &size) - a line, without its "\n" or "\r\n", of at most room - 1
 *               bytes; a null byte is stored behind it. Row F147. end_delimits as above.
 *               WEIR_EINVAL: no room.
 */
#define weir_recv_line(in, line, room, size)                                                       \
    weir_recv_line_by((in), (line), (room), (size), WEIR_NEVER)
WEIR_API int weir_recv_line_by(weir_buffered in, char *line, size_t room, size_t *size,
                               weir_time deadline);
WEIR_API int weir_try_recv_line(weir_buffered in, char *line, size_t room, size_t *size);

/* What stands in front of a frame: how many bytes it has, in so many bits, in this order. */
typedef enum weir_frame_format {
    WEIR_FRAME_8 = 1,
    WEIR_FRAME_16_BIG,
    WEIR_FRAME_16_LITTLE,
    WEIR_FRAME_32_BIG,
    WEIR_FRAME_32_LITTLE,
    WEIR_FRAME_64_BIG,
    WEIR_FRAME_64_LITTLE
} weir_frame_format;

/*
 * weir_recv_frame(in, format, to, max, &size) - the bytes of a frame, at most `max`, without its
 *               length. On WEIR_EMSGSIZE *size is how many it has, and the frame is still there,
 * its length too. Memory is taken as bytes come, not because a length announces them. WEIR_EINVAL:
 * no such format.
 */
#define weir_recv_frame(in, format, to, max, size)                                                 \
    weir_recv_frame_by((in), (format), (to), (max), (size), WEIR_NEVER)
WEIR_API int weir_recv_frame_by(weir_buffered in, weir_frame_format format, void *to, size_t max,
                                size_t *size, weir_time deadline);
WEIR_API int weir_try_recv_frame(weir_buffered in, weir_frame_format format, void *to, size_t max,
                                 size_t *size);

/*
 * weir_send_frame(s, format, from, size) - send a frame by any stream: its length and its bytes,
 *               all or an error, as weir_stream_sendv(). WEIR_EMSGSIZE: the format has no such
 *               length; nothing was sent. WEIR_EINVAL: no such format, a null pointer.
 */
#define weir_send_frame(s, format, from, size)                                                     \
    weir_send_frame_by((s), (format), (from), (size), WEIR_NEVER)
WEIR_API int weir_send_frame_by(weir_stream s, weir_frame_format format, const void *from,
                                size_t size, weir_time deadline);

/* ---- looking, feeding, taking out ------------------------------------------------------------ */

/*
 * weir_peek(in, to, size) - copy the next `size` bytes, or all up to the end of the stream if they
 *                           are fewer, and leave them in it. The count; 0: the end; or an error.
 *                           weir_try_peek: as many as are there, 1 or more, or WEIR_EAGAIN.
 *
 * Suspends, if not try; any thread. WEIR_EINVAL: size is 0, a null pointer. Row F148.
 */
#define weir_peek(in, to, size) weir_peek_by((in), (to), (size), WEIR_NEVER)
WEIR_API ssize_t weir_peek_by(weir_buffered in, void *to, size_t size, weir_time deadline);
WEIR_API ssize_t weir_try_peek(weir_buffered in, void *to, size_t size);

/*
 * weir_buffer_feed - append bytes to what is buffered: they are received before anything else that
 *                    comes from below. Row F076.
 *
 * Never suspends; any thread. 0; WEIR_EPIPE: the end, or an error of the stream below, has been
 * received already, and it stays; WEIR_EBUSY (somebody receives), WEIR_EINVAL (a null pointer),
 * WEIR_ECLOSED, WEIR_EBADF, WEIR_ENOMEM.
 */
WEIR_API int weir_buffer_feed(weir_buffered in, const void *from, size_t size);

/*
 * weir_buffer_take_unread - take out what is buffered, at most `size` bytes, and nothing from
 * below. How many; 0: nothing (any more).
 *
 * For a change of protocol, as STARTTLS is: what the peer has sent behind the request may have been
 * received already. Wrapping `in.stream` passes it on by itself; a protocol that forbids it, or
 * that goes on with the bytes elsewhere, takes it out. Never suspends; any thread. WEIR_EBUSY,
 * WEIR_EINVAL (size is 0, a null pointer), WEIR_ECLOSED, WEIR_EBADF.
 */
WEIR_API ssize_t weir_buffer_take_unread(weir_buffered in, void *to, size_t size);

/* ---- select ---------------------------------------------------------------------------------- */

/* What a case receives, and where to; `size` is set when it fires with 1 (a frame's: see above). */
typedef struct weir_until {
    const void *delimiter;
    size_t delimiter_size;
    void *to;
    size_t max;
    size_t size;
} weir_until;

typedef struct weir_line {
    char *to;
    size_t room;
    size_t size;
} weir_line;

typedef struct weir_frame {
    weir_frame_format format;
    void *to;
    size_t max;
    size_t size;
} weir_frame;

/*
 * Cases that fire with what the calls of the same names return. The structs, and what they point
 * to, have to stay as long as the select lasts.
 */
WEIR_API weir_case weir_on_recv_exactly(weir_buffered in, const weir_bytes *to);
WEIR_API weir_case weir_on_recv_until(weir_buffered in, weir_until *until);
WEIR_API weir_case weir_on_recv_line(weir_buffered in, weir_line *line);
WEIR_API weir_case weir_on_recv_frame(weir_buffered in, weir_frame *frame);

/* weir_auto(weir_buffered): closed when the variable goes out of scope. */
#if defined(__GNUC__)
static inline WEIR_UNUSED void weir_buffered_cleanup(weir_buffered *in)
{
    (void)weir_handle_close(in->h);
}
#endif

#ifdef __cplusplus
}
#endif
#endif
