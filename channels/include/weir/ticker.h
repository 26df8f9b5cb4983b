/* SPDX-License-Identifier: MIT */
/*
 * weir/ticker.h - time as items: receive ends from which points of the clock come.
 *
 *     weir_receiver ticker = weir_ticker_open(WEIR_S);
 *     weir_time now;
 *     weir_case c[] = {job_on_recv(jobs, &job), weir_on_tick(ticker, &now)};
 *     switch (weir_select(c, 2, WEIR_FAIR)) ...
 *
 * The item is a weir_time: when the tick was due, a whole number of periods after the one
 * before, and never later than the clock. weir_recv, its try_, _by and _many forms, select,
 * clone, close, statistics and spawn take such an end as any other (weir/channel.h):
 *   - Clones share the ticks: each goes to one receiver, first come first served.
 *   - There is never more than one tick to be had. Who comes late gets the last one that was
 *     due; those before it are left out, and the next one is due at its time as if nobody had been
 *     late. The items tell how many were missed.
 *   - Closing a handle ends what is parked on it with WEIR_ECLOSED; the last close is all that
 *     there is to stop. An end that an actor owns is closed when its body returns.
 *   - A ticker has no sender to be closed: a receive returns 0 only after a timer's one tick.
 *   - For the statistics the clock is one sender, until a timer has ticked; the capacity is 1,
 *     and `buffered` is 1 while a tick is due.
 *   - There is no descriptor: weir_receiver_fd() is WEIR_EINVAL.
 *
 * Nothing runs between two ticks, nor while nobody waits; only a wait for a tick wakes up by
 * time. So a timer far ahead keeps no run alive, and one that nobody waits for costs its two cache
 * lines. Where n wait at the same ticker each looks at each tick.
 */
#ifndef WEIR_TICKER_H
#define WEIR_TICKER_H

#include <weir/channel.h>
#include <weir/select.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * weir_ticker_open - ticks each `period` ns, first one period from now.
 * weir_timer_open  - ticks once, at a point of the clock, and then has ended: all its
 *                    receivers get 0. weir_after(d) is d ns from now; what has passed is due at
 *                    once; WEIR_NEVER never comes.
 *
 * Never suspend; any thread; no runtime is needed. The handle belongs to the calling actor. On
 * an error - WEIR_EINVAL for a period of 0 or less, WEIR_ENOMEM, WEIR_ENFILE - it is a null
 * handle, and calls on it return that error.
 */
WEIR_API weir_receiver weir_ticker_open(weir_time period);
WEIR_API weir_receiver weir_timer_open(weir_time deadline);

/* weir_on_recv(ticker, time), with the item's type checked by the compiler. */
WEIR_API weir_case weir_on_tick(weir_receiver ticker, weir_time *time);

#ifdef __cplusplus
}
#endif
#endif
