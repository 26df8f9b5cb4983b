/* SPDX-License-Identifier: MIT */
/* fed.c - see fed.h. */
#include "fed.h"

/* ---- under the lock ------------------------------------------------------------------------- */

int weir__fed_pop(struct chan *ch, struct waiter *w)
{
    return ch->feeder->feed->pop(ch->feeder, w);
}

int weir__fed_push(struct chan *ch, struct waiter *w)
{
    return ch->feeder->feed->push(ch->feeder, w);
}

/*
 * Who is queued comes first, whatever has happened since it was looked at. What bytes it waits for
 * nobody else gets: two who read one stream would get pieces of it.
 */
static int behind_others(const struct chan *ch, const struct waiter *mine)
{
    return mine->bytes && !ch->feeder->feed->shared ? WEIR_EBUSY : EMPTY;
}

int weir__fed_recv(struct chan *ch, struct waiter *mine, struct wake_list *woken)
{
    if (ch->recvq.first)
        weir__kept_serve(ch, woken);
    if (ch->recvq.first)
        return behind_others(ch, mine);
    return weir__fed_pop(ch, mine);
}

int weir__fed_send(struct chan *ch, struct waiter *mine, struct wake_list *woken)
{
    if (ch->sendq.first)
        weir__kept_serve(ch, woken);
    if (ch->sendq.first)
        return behind_others(ch, mine);
    return weir__fed_push(ch, mine);
}

bool weir__fed_ready(const struct chan *ch)
{
    return ch->feeder->feed->ready(ch->feeder);
}

uint64_t weir__fed_buffered(const struct chan *ch)
{
    const struct feed *feed = ch->feeder->feed;
    return feed->buffered ? feed->buffered(ch->feeder) : 0;
}

void weir__fed_deserted(const struct chan *ch, struct thread *t)
{
    ch->feeder->feed->deserted(ch->feeder, t);
}

/* ---- serving ------------------------------------------------------------------------------- */

void weir__fed_serve_locked(struct chan *ch, struct wake_list *woken)
{
    weir__kept_serve(ch, woken);
}

void weir__fed_serve(struct chan *ch)
{
    struct wake_list woken = {NULL, NULL};
    lock_acquire(&ch->lock, 0);
    weir__kept_serve(ch, &woken);
    chan_unlock(ch);
    wake_all(woken.first);
}

/* ---- open, bytes, close -------------------------------------------------------------------- */

int weir__fed_open(struct feeder *f, const struct feed *feed, struct thread *t, size_t item_size,
                   size_t capacity, bool wide)
{
    struct chan *ch = weir__chan_alloc(t, wide);
    if (!ch)
        return WEIR_ENOMEM;
    ch->kind = FED;
    ch->flags = KEEPS;
    ch->item_size = (uint32_t)item_size;
    ch->capacity = (uint32_t)capacity;
    ch->feeder = f;
    ch->senders = ch->receivers = 1; /* one is the feeder */
    f->feed = feed;
    f->chan = ch;
    return 0;
}

void weir__fed_drop(struct feeder *f, struct thread *t)
{
    weir__chan_free(f->chan, t);
}

int weir__fed_bytes(struct party *self, struct slot *s, weir_handle h, struct chan *ch, bool sends,
                    void *items, uint32_t count, weir_time deadline)
{
    request(self, s, items, count, sends, false);
    self->waiter.bytes = true;
    int rc = sends ? weir__send_request(self, ch, h, deadline)
                   : weir__recv_request(self, ch, h, deadline);
    self->waiter.bytes = false;
    return rc;
}
