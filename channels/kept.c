/* SPDX-License-Identifier: MIT */
/* kept.c - see kept.h. */
#include "kept.h"

#include <weir/watch.h>

/* Of a kind that has one cell. */
static char *the_item(const struct chan *ch)
{
    return kept_cell(ch, 0)->item;
}

/* ---- under the lock ------------------------------------------------------------------------- */

static bool something_there(const struct chan *ch, const struct slot *s)
{
    if (ch->kind >= FIRST_READ)
        return reader_of(ch, s)->next != a64_load(&ch->kept->tail);
    if (ch->kind == FED)
        return weir__fed_ready(ch);
    return a64_load(&ch->kept->head) != a64_load(&ch->kept->tail);
}

/* Can nothing be sent any more? */
static bool has_ended(const struct chan *ch)
{
    return ch->senders == 0 || (ch->kind == ONESHOT && a64_load(&ch->kept->tail) > 0);
}

bool weir__kept_ready(struct chan *ch, const struct slot *s)
{
    return something_there(ch, s) || has_ended(ch);
}

static int push_once(struct chan *ch, const char *item)
{
    if (a64_load(&ch->kept->tail) > 0 && !MUTATE("oneshot: sent twice"))
        return WEIR_EPIPE;
    copy_item(the_item(ch), item, ch->item_size);
    a64_store(&ch->kept->tail, 1);
    return 1;
}

static int pop_once(struct chan *ch, char *item)
{
    copy_item(item, the_item(ch), ch->item_size);
    a64_store(&ch->kept->head, 1);
    return 1;
}

/* All n were the latest, one after the other; there is one cell. */
static int replace(struct chan *ch, const char *items, uint32_t n)
{
    copy_item(the_item(ch), items + (size_t)(n - 1) * ch->item_size, ch->item_size);
    a64_store(&ch->kept->tail, a64_load(&ch->kept->tail) + n);
    return (int)n;
}

static int read_latest(struct chan *ch, struct reader *r, char *item)
{
    copy_item(item, the_item(ch), ch->item_size);
    if (!MUTATE("watch: not seen"))
        r->next = a64_load(&ch->kept->tail);
    return 1;
}

/* A count, FULL, or WEIR_EPIPE: nobody will receive it. */
static int push(struct chan *ch, struct waiter *w)
{
    const char *items = w->items;
    uint32_t n = w->count;
    if (ch->kind == FED)
        return weir__fed_push(ch, w);
    int k = ch->kind == ONESHOT  ? push_once(ch, items)
            : ch->kind == LATEST ? replace(ch, items, n)
                                 : weir__broadcast_push(ch, items, n);
    if (k > 0)
        ch->handed += (uint32_t)k;
    return k;
}

/* A count, EMPTY, END, or WEIR_ELOST: what was there is gone. */
static int pop(struct chan *ch, struct waiter *w)
{
    if (ch->kind == FED)
        return weir__fed_pop(ch, w);
    if (!something_there(ch, w->slot))
        return has_ended(ch) ? END : EMPTY;
    if (ch->kind == ONESHOT)
        return pop_once(ch, w->items);
    struct reader *r = reader_of(ch, w->slot);
    return ch->kind == LATEST ? read_latest(ch, r, w->items)
                              : weir__broadcast_pop(ch, r, w->items, w->count);
}

/*
 * A select is claimed before its case is looked at: one that is not decided has open handles.
 * Those that wait may wait for different things, so all are asked.
 */
static void serve_receivers(struct chan *ch, struct wake_list *woken)
{
    for (struct waiter *w = ch->recvq.first, *next; w; w = next) {
        next = w->next;
        if (w->watch)
            continue;
        if (w->select && !weir__select_claim(select_waiter(w)->party)) {
            waiter_drop(ch, w);
            continue;
        }
        int k = pop(ch, w);
        if (k == EMPTY || (k == END && MUTATE("kept: the end is not told")))
            waiter_unclaim(w);
        else
            complete(ch, w, k == END ? 0 : k, woken);
    }
}

/* One, if there is room: who waits to receive has its turn before the next one. */
static bool serve_sender(struct chan *ch, struct wake_list *woken)
{
    struct waiter *w = claim_first(ch, &ch->sendq);
    if (!w)
        return false;
    int k = push(ch, w);
    if (k != FULL)
        complete(ch, w, k, woken);
    else
        waiter_unclaim(w);
    return k != FULL;
}

/* There is more to receive than before, and then perhaps room. */
void weir__kept_serve(struct chan *ch, struct wake_list *woken)
{
    if (MUTATE("kept: not served"))
        return;
    do
        serve_receivers(ch, woken);
    while (serve_sender(ch, woken));
    if (ch->recvq.first)
        weir__watches_tell(ch, woken);
}

/* There is room, perhaps. */
static void serve_room(struct chan *ch, struct wake_list *woken)
{
    if (ch->sendq.first && serve_sender(ch, woken))
        weir__kept_serve(ch, woken);
}

void weir__kept_leave(struct chan *ch, const struct slot *s, struct wake_list *woken)
{
    struct kept *k = ch->kept;
    if (ch->kind < FIRST_READ)
        return;
    struct reader *r = reader_of(ch, s);
    if (ch->kind == BROADCAST)
        weir__broadcast_leave(ch, r);
    k->losing -= r->loses;
    r->next = k->free;
    k->free = s->reader;
    if (--k->open > 0 && !MUTATE("broadcast: who leaves makes no room"))
        serve_room(ch, woken);
}

int weir__kept_send(struct chan *ch, struct waiter *mine, struct wake_list *woken)
{
    if (ch->kind == FED)
        return weir__fed_send(ch, mine, woken);
    int k = push(ch, mine);
    if (k > 0)
        weir__kept_serve(ch, woken);
    return k;
}

int weir__kept_recv(struct chan *ch, struct waiter *mine, struct wake_list *woken)
{
    if (ch->kind == FED)
        return weir__fed_recv(ch, mine, woken);
    int k = pop(ch, mine);
    if (k > 0 && !MUTATE("broadcast: who receives makes no room"))
        serve_room(ch, woken);
    return k;
}

/* ---- looking --------------------------------------------------------------------------------- */

static int look(weir_handle h, void *item, size_t item_size)
{
    struct slot *s = handle_get(h, RECEIVER);
    if (!s)
        return weir__handle_error(h, RECEIVER);
    struct chan *ch = s->object;
    if (ch->kind != LATEST)
        return WEIR_EBADF;
    if (item_size != ch->item_size)
        return WEIR_EITEM;
    lock_acquire(&ch->lock, 0);
    int rc = !handle_open(s, h) ? WEIR_ECLOSED : a64_load(&ch->kept->tail) > 0;
    if (rc > 0)
        copy_item(item, the_item(ch), item_size);
    else if (rc == 0 && ch->senders > 0)
        rc = WEIR_EAGAIN;
    chan_unlock(ch);
    return rc;
}

int weir_watch_read_item(weir_receiver rx, void *item, size_t item_size)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int rc = look(rx.h, item, item_size);
    party_leave(self);
    return rc;
}

/* ---- the last receiver is closed ------------------------------------------------------------- */

int weir__kept_drop(struct chan *ch)
{
    struct kept *k = ch->kept;
    lock_acquire(&ch->lock, 0);
    bool some = a64_load(&k->head) != a64_load(&k->tail) && !MUTATE("kept: not dropped");
    a64_store(&k->head, a64_load(&k->tail));
    chan_unlock(ch);
    if (some)
        drop_item(ch, the_item(ch));
    return some;
}
