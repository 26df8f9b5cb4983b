/* SPDX-License-Identifier: MIT */
/*
 * weir/descriptor.h - wait for any descriptor: a pipe, a terminal, an eventfd, another library's.
 *
 *     weir_descriptor d = weir_descriptor_open(fd);
 *     while ((rc = weir_wait_readable(d, WEIR_NEVER)) == 0 && read(fd, ...) > 0)
 *         ...
 *     weir_close(d);
 *
 * The descriptor stays yours: nothing is read from it, none of its flags is changed, and it is not
 * closed. Sockets are better had as streams (weir_stream_adopt() in weir/socket.h).
 */
#ifndef WEIR_DESCRIPTOR_H
#define WEIR_DESCRIPTOR_H

#include <weir/channel.h>
#include <weir/select.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_descriptor {
    weir_handle h;
} weir_descriptor;

/*
 * weir_descriptor_open - a handle by which to wait for it (row F094). It has a duplicate of the
 *                        descriptor; so close the handle, by weir_close(), before the descriptor,
 *                        or it is not quite closed.
 *
 * Never suspends; any thread; the handle belongs to the calling actor. On an error a null handle
 * that carries it: WEIR_EBADF, -EMFILE, WEIR_ENOMEM, WEIR_ENFILE.
 */
WEIR_API weir_descriptor weir_descriptor_open(int fd);

/*
 * weir_wait_readable - wait until a read(2) would not wait: there is something, or the end, or an
 *                      error, which the read tells.
 * weir_wait_writable - the same for write(2).
 * weir_on_readable, weir_on_writable - cases of a select, which fire with 1.
 *
 * Somebody else may be faster; so read a descriptor that is non-blocking. What does not know
 * waiting, as a file, is always ready. One at a time waits for one direction of a handle (the
 * other way round at the same time is fine), a second one is WEIR_EBUSY.
 *
 * Suspend, the first two; any thread. 0 (the case: 1); WEIR_EBUSY; WEIR_ECLOSED, also when it is
 * closed while somebody waits; WEIR_ECANCELED, WEIR_ETIMEDOUT, WEIR_ENOMEM, -EMFILE.
 */
WEIR_API int weir_wait_readable(weir_descriptor d, weir_time deadline);
WEIR_API int weir_wait_writable(weir_descriptor d, weir_time deadline);
WEIR_API weir_case weir_on_readable(weir_descriptor d);
WEIR_API weir_case weir_on_writable(weir_descriptor d);

#ifdef __cplusplus
}
#endif
#endif
