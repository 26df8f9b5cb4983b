/* SPDX-License-Identifier: MIT */
/*
 * ticker.c - receive ends that the clock feeds.
 *
 * A ticker is a channel that nobody sends to: a tick is there when the clock has reached
 * `next_tick`, and is made by who takes it, under the lock, which moves next_tick on by as many
 * periods as have passed. So nothing runs, and no timer is armed, while nobody waits; nothing
 * has to be stopped; and threads need no runtime for it.
 *
 * Who waits for a tick waits in a select, also alone, because a select's wait can be looked at
 * from outside and go on: it parks until next_tick at the latest, and is then asked whether it is
 * over (weir__select_expire()). That gives the tick to the first in the queue, and looks again
 * at the next one's time. As next_tick only grows, each who waits looks in time, whoever has
 * taken the ticks before.
 *
 * The clock counts as one sender, without a handle. It is gone when a timer has ticked, or with
 * the last receiver; the rest - the end for all who wait, release - is as for every channel.
 */
#include <weir/ticker.h>

#include "wait.h"

int weir__ticker_pop(struct chan *ch, char *item)
{
    weir_time tick = ticker_next(ch), now;
    if (tick == WEIR_NEVER || (now = weir_now()) < tick)
        return EMPTY;
    weir_time next = WEIR_NEVER;
    if (ch->period > 0) {
        tick += (now - tick) / ch->period * ch->period;
        if (tick < WEIR_NEVER - ch->period)
            next = tick + ch->period;
    } else if (!MUTATE("ticker: the end is not told")) {
        ch->senders = 0;
        a32_store(&ch->lock, a32_load(&ch->lock) | SENDERS_GONE); /* stays: see chan_flags() */
    }
    a64_store(&ch->next_tick, (uint64_t)next);
    __builtin_memcpy(item, &tick, sizeof tick);
    ch->handed++;
    return 1;
}

static weir_handle ticker_open(struct party *self, weir_time first, weir_time period)
{
    struct chan *ch = weir__chan_alloc(self->thread, false);
    if (!ch)
        return handle_null(WEIR_ENOMEM);
    struct slot *s = weir__slot_reserve(self);
    if (!s) {
        weir__chan_free(ch, self->thread);
        return handle_null(weir__slot_refused());
    }
    ch->kind = TICKS;
    ch->flags = CLOCKED;
    ch->item_size = sizeof(weir_time);
    a64_store(&ch->next_tick, (uint64_t)first);
    ch->period = period;
    ch->senders = ch->receivers = 1;
    return weir__slot_publish(self, s, RECEIVER, ch);
}

static weir_receiver ticks(weir_time first, weir_time period)
{
    struct party *self = party_enter();
    if (!self)
        return (weir_receiver){handle_null(party_refusal())};
    weir_receiver rx = {ticker_open(self, first, period)};
    party_leave(self);
    return rx;
}

weir_receiver weir_ticker_open(weir_time period)
{
    return period > 0 ? ticks(weir_after(period), period)
                      : (weir_receiver){handle_null(WEIR_EINVAL)};
}

weir_receiver weir_timer_open(weir_time deadline)
{
    return ticks(deadline, 0);
}

weir_case weir_on_tick(weir_receiver ticker, weir_time *time)
{
    return weir_on_recv_item(ticker, time, sizeof *time);
}
