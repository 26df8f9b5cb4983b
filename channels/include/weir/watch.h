/* SPDX-License-Identifier: MIT */
/*
 * weir/watch.h - a channel for the latest value of something: a setting, a state, progress.
 *
 *     weir_watch_open(&tx, &rx, sizeof(struct limits), &defaults);
 *     ...
 *     while ((rc = weir_recv(rx, &limits)) > 0)   the value now, then whenever there is a newer one
 *         apply(&limits);
 *
 * The ends are those of weir/channel.h, and everything there, and weir_select, takes them:
 *   - A send never waits: its value takes the place of the one before. WEIR_EPIPE as
 *     everywhere: no receiver is open.
 *   - Each handle of a receiver remembers what it has seen. A receive returns the latest value
 *     if this handle has not seen it, and else waits for the next one; those in between are left
 *     out. Every receiver gets the latest value; it is not used up.
 *   - A new handle, that of weir_watch_open() or a clone, has seen nothing: its first receive
 *     returns the value there is. Copies of a handle's struct, and who is given it at spawn,
 *     are the same handle.
 *   - When all senders are closed, a handle that has not seen the latest value still gets it;
 *     then 0.
 *   - A batch of n items sends n values, of which the last one stays; a batch receives one.
 *   - For the statistics the capacity is 1, and `buffered` is 1 when there is a value.
 *
 * Values are copied to many, so there are no drop functions: what a value points to is not the
 * channel's.
 */
#ifndef WEIR_WATCH_H
#define WEIR_WATCH_H

#include <weir/channel.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * weir_watch_open - a watch with one sender and one receiver.
 *
 * item_size  1 to WEIR_ITEM_MAX bytes
 * initial    the first value; NULL: none until one is sent
 *
 * Never suspends; any thread. The handles belong to the calling actor. 0, WEIR_EINVAL, WEIR_ENOMEM
 * or WEIR_ENFILE; on an error *tx and *rx are null handles that carry the error.
 */
WEIR_API int weir_watch_open(weir_sender *tx, weir_receiver *rx, size_t item_size,
                             const void *initial);

/*
 * weir_watch_read(rx, &item) - the latest value, seen or not, without waiting. The handle has not
 *                              seen it by that, so no receive elsewhere misses it.
 *
 * 1 for a value, also when all senders are closed; WEIR_EAGAIN: there is none yet; 0: there will
 * be none. WEIR_ECLOSED; WEIR_EITEM; WEIR_EBADF, also for a receiver of another kind of channel;
 * WEIR_ENOMEM. Never suspends; any thread.
 */
#define weir_watch_read(rx, item) weir_watch_read_item((rx), (item), sizeof *(item))
WEIR_API int weir_watch_read_item(weir_receiver rx, void *item, size_t item_size);

#ifdef __cplusplus
}
#endif
#endif
