/* SPDX-License-Identifier: MIT */
/*
 * watch.h - descriptors by which other programs' loops wait for receivers.
 *
 * A receiver's handle has one watch at most, and the caller any number of duplicates of its
 * descriptor, an eventfd. It is *level triggered as the try forms see it*: readable, until a
 * try form on that handle finds nothing. So nobody has to remember to arm anything: who goes
 * on receiving gets items, who gets WEIR_EAGAIN may poll.
 *
 * A watch is TOLD, ARMED or RINGS:
 *
 *   TOLD    the descriptor is readable, or about to be; in no queue. At first.
 *   ARMED   a waiter of ours is in the channel's queue of receivers, with the flag and all that
 *           belongs to it, because there was nothing to receive: as a party that parks. But it
 *           takes nothing, counts as nobody who waits, and is passed over by who serves.
 *   RINGS   it was, and is in the list of those whom somebody is about to wake.
 *
 *   TOLD -> ARMED   weir__watch_arm(), after a try form found nothing: clear, announce and
 *                   lock, look; only if there is still nothing, queue; else set again
 *   ARMED -> RINGS  weir__watches_tell(), under the lock, by whoever leaves something to
 *                   receive behind: unlink
 *   RINGS -> TOLD   watch_wake(), after the lock was released: then set
 *
 * The clearing comes before the look: what is told after the look is not cleared. A handle may be
 * tried again at any time, also while its watch RINGS: that is left where it is, as a waiter is
 * in one list only, and the descriptor will be set after it was cleared, since it RINGS no more
 * before it is set. A wake that is late may set the descriptor of a watch that is armed again:
 * then a try form finds nothing.
 * While it is ARMED each send goes under the lock; the first one tells, and the next ones
 * are as fast as ever.
 *
 * The descriptor is closed a grace period after the handle, because a waker may be about to
 * set it. Duplicates are the caller's, and stay readable: the next try says WEIR_ECLOSED.
 */
#ifndef WEIR_WATCHES_H
#define WEIR_WATCHES_H

#include "chan.h"

struct watch;

/* A try form found nothing through h, a receiver of a channel that is watched. */
void weir__watch_arm(struct party *self, struct chan *ch, weir_handle h);

/* Under the lock: the handle is shut, its watch is nobody's any more. NULL: it had none. */
struct watch *weir__watch_take(struct chan *ch, const struct slot *s);

/* Outside of locks: tell it for the last time. */
void weir__watch_end(struct party *self, struct watch *watch);

#endif
