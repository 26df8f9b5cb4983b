/* SPDX-License-Identifier: MIT */
/*
 * weir/error.h - every error that weir returns, in one table.
 *
 * A function that can fail returns a negative code from this table; errno is never
 * used, because an actor may continue on another thread than it was suspended on.
 * Where Linux has an errno of the same meaning the value is that errno negated. So a body may
 * return -errno of a system call, also of one that is not in the table: weir_error_name() and
 * weir_error_text() know them all.
 */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WEIR_API __attribute__((visibility("default")))
#define WEIR_UNUSED __attribute__((unused))
#else
#define WEIR_API
#define WEIR_UNUSED
#endif

/* X(name, value, text) */
#define WEIR_ERRORS(X)                                                                             \
    X(EPERM, -1, "not allowed here")                                                               \
    X(ENOENT, -2, "there is nothing of this name")                                                 \
    X(EBADF, -9, "not a handle: it was never given out, or is of another kind")                    \
    X(ECHILD, -10, "the child ended without having started")                                       \
    X(EAGAIN, -11, "would have to wait")                                                           \
    X(ENOMEM, -12, "out of memory")                                                                \
    X(EACCES, -13, "the system does not allow it")                                                 \
    X(EBUSY, -16, "in use by another actor")                                                       \
    X(EINVAL, -22, "argument out of range")                                                        \
    X(ENFILE, -23, "no free entry in the handle table")                                            \
    X(EMFILE, -24, "too many open descriptors")                                                    \
    X(EPIPE, -32, "nobody receives any more")                                                      \
    X(EDEADLK, -35, "would wait for ever")                                                         \
    X(ENODATA, -61, "there is no value, and none will come")                                       \
    X(EILSEQ, -84, "not a character of this encoding")                                             \
    X(EMSGSIZE, -90, "larger than the room for it")                                                \
    X(ENOTSUP, -95, "this cannot do that")                                                         \
    X(EADDRINUSE, -98, "somebody listens at this address already")                                 \
    X(ECONNRESET, -104, "the peer has cut the connection off")                                     \
    X(ENOBUFS, -105, "the limit of memory for bytes on their way is reached")                      \
    X(ETIMEDOUT, -110, "the deadline passed")                                                      \
    X(ECONNREFUSED, -111, "nobody listens at this address")                                        \
    X(EALREADY, -114, "has its value already: the first one stays")                                \
    X(ECANCELED, -125, "cancelled")                                                                \
    X(ECLOSED, -4001, "this handle is closed")                                                     \
    X(EITEM, -4002, "the item is not of the channel's item size")                                  \
    X(ESTACK, -4003, "no guarded stack could be had")                                              \
    X(ELOST, -4004, "items were lost before this one: weir_broadcast_lost says how many; go on")   \
    X(ERESTARTS, -4005, "children were restarted too often")                                       \
    X(ECRASHED, -4006, "the worker process did not come up, or ended without an answer")           \
    X(EINCOMPLETE, -4007, "the stream ended before it was complete")                               \
    X(ENONAME, -4021, "no such host name, or it has no address of this kind")                      \
    X(ENAMEAGAIN, -4022, "no name server answered; it may do so later")                            \
    X(ENAMEFAIL, -4023, "the name servers could not say")                                          \
    X(ENOSERVICE, -4024, "no service of this name")

typedef enum weir_error {
#define WEIR_ERROR_ENUM(name, value, text) WEIR_##name = (value),
    WEIR_ERRORS(WEIR_ERROR_ENUM)
#undef WEIR_ERROR_ENUM
} weir_error;

/*
 * weir_error_name - "EPIPE" for WEIR_EPIPE; "ENOTTY" for -ENOTTY, if the C library tells (glibc
 *                   from 2.32); "OK" for 0 and above; "EUNKNOWN" for other codes.
 * weir_error_text - the sentence of the table, or the C library's.
 *
 * Never suspends; any thread; the strings are static.
 */
WEIR_API const char *weir_error_name(int code);
WEIR_API const char *weir_error_text(int code);

#ifdef __cplusplus
}
#endif
#endif
