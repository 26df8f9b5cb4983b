/* SPDX-License-Identifier: MIT */
/*
 * weir/oneshot.h - a channel for one value, then the end: the answer to a question.
 *
 *     weir_sender answer;
 *     weir_receiver rx;
 *     weir_oneshot_open(&answer, &rx, sizeof(struct reply), NULL);
 *     ask(..., answer);
 *     if (weir_recv_by(rx, &reply, weir_after(WEIR_S)) == 1) ...
 *
 * The ends are those of weir/channel.h, and everything there, and weir_select, takes them:
 *   - A send never waits. The first one, through whichever handle, is the value; each later
 *     one is WEIR_EPIPE, as nobody would receive it. So the fastest of several answers counts.
 *     Sending closes no handle.
 *   - The first receive gets the value, each later one, also one that is parked on a clone,
 *     gets 0. If all senders are closed without a value, all receives get 0.
 *   - A batch sends or receives one item.
 *   - The value is dropped, by options->drop, if all receivers are closed before it is received.
 *   - For the statistics the capacity is 1.
 */
#ifndef WEIR_ONESHOT_H
#define WEIR_ONESHOT_H

#include <weir/channel.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * weir_oneshot_open - a oneshot with one sender and one receiver.
 *
 * item_size  1 to WEIR_ITEM_MAX bytes
 * options    drop; single_sender and single_receiver, by which only clones and second users are
 *            refused (WEIR_EBUSY); may be NULL
 *
 * Never suspends; any thread. The handles belong to the calling actor. 0, WEIR_EINVAL, WEIR_ENOMEM
 * or WEIR_ENFILE; on an error *tx and *rx are null handles that carry the error.
 */
WEIR_API int weir_oneshot_open(weir_sender *tx, weir_receiver *rx, size_t item_size,
                               const weir_channel_options *options);

#ifdef __cplusplus
}
#endif
#endif
