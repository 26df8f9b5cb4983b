/* SPDX-License-Identifier: MIT */
/*
 * weir/broadcast.h - a channel of which every receiver gets every item.
 *
 *     weir_broadcast_open(&tx, &rx, sizeof(struct price), 64, WEIR_LOSE_OLDEST);
 *     weir_receiver another = weir_receiver_clone(rx);
 *     ...
 *     while ((rc = weir_recv(another, &price)) != 0)
 *         if (rc == WEIR_ELOST)
 *             missed += weir_broadcast_lost(another);
 *         else if (rc < 0)
 *             break;
 *
 * The ends are those of weir/channel.h, and everything there, and weir_select, takes them:
 *   - Each handle of a receiver is a subscriber: it gets each item that is sent after it was made,
 *     in order, once. A clone is a new subscriber, from now on. Copies of a handle's struct, and
 *     who is given it at spawn, are the same subscriber and share its items.
 *   - For each subscriber up to `capacity` items wait. What happens when one is that far behind is
 *     its mode, which a clone has from its original:
 *       WEIR_LOSE_NOTHING  sends wait (try: WEIR_EAGAIN) until it has received one, or is closed.
 *                          So a receiver that nobody reads stops all: close it.
 *       WEIR_LOSE_OLDEST   no send waits for it. It loses the oldest item, and its next receive
 *                          returns WEIR_ELOST, once, in the place of what was lost; the one
 *                          after that goes on with the oldest item that is left.
 *   - Senders get WEIR_EPIPE while there is no subscriber. There may be one again later:
 *     weir_broadcast_subscribe().
 *   - With the last sender closed, each subscriber takes what waits for it and then gets 0.
 *   - A batch sends as many items as there is room for, `capacity` at most.
 *   - For the statistics `buffered` is what the slowest subscriber has before it.
 *
 * Items are copied to many, so there are no drop functions: what an item points to is not the
 * channel's.
 */
#ifndef WEIR_BROADCAST_H
#define WEIR_BROADCAST_H

#include <weir/channel.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_BROADCAST_MAX ((size_t)1 << 16) /* items of the largest capacity */

typedef enum weir_broadcast_mode {
    WEIR_LOSE_NOTHING = 0, /* senders wait for this subscriber, if it is slow */
    WEIR_LOSE_OLDEST       /* if it is too slow it loses the oldest items, and is told */
} weir_broadcast_mode;

/*
 * weir_broadcast_open - a broadcast with one sender and one subscriber.
 *
 * rx         the subscriber, of this mode; NULL: there is none yet
 * item_size  1 to WEIR_ITEM_MAX bytes
 * capacity   1 to WEIR_BROADCAST_MAX, for each subscriber; items are kept once, for all
 *
 * Never suspends; any thread. The handles belong to the calling actor. 0, WEIR_EINVAL, WEIR_ENOMEM
 * or WEIR_ENFILE; on an error *tx and *rx are null handles that carry the error.
 */
WEIR_API int weir_broadcast_open(weir_sender *tx, weir_receiver *rx, size_t item_size,
                                 size_t capacity, weir_broadcast_mode mode);

/*
 * weir_broadcast_subscribe - a new subscriber, for who has only a sender.
 *
 * Never suspends; any thread. The handle belongs to the calling actor. On an error - WEIR_ECLOSED,
 * WEIR_EBADF, also for a sender of another kind of channel, WEIR_EINVAL, WEIR_ENOMEM, WEIR_ENFILE -
 * it is a null handle that carries it.
 */
WEIR_API weir_receiver weir_broadcast_subscribe(weir_sender tx, weir_broadcast_mode mode);

/*
 * weir_broadcast_lost - how many items this subscriber has lost since it was last asked.
 *
 * What has been asked for is not told by WEIR_ELOST any more. Never suspends; any thread.
 * WEIR_ECLOSED; WEIR_EBADF, also for a receiver of another kind of channel; WEIR_ENOMEM.
 */
WEIR_API int64_t weir_broadcast_lost(weir_receiver rx);

#ifdef __cplusplus
}
#endif
#endif
