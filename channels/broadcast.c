/* SPDX-License-Identifier: MIT */
/*
 * broadcast.c - every receiver gets every item; see kept.h.
 *
 * Items are kept once, in a ring. A cell counts the readers that have its item before them, in its
 * stamp: those that senders wait for in the lower half, those that lose what is too old in the
 * upper one. At 0, and when all before it are gone, its place is free. So a send, a receive and
 * what they make room for cost the same however many subscribers there are, but for waking them;
 * only a subscriber that leaves counts down all that it has not received.
 *
 * When the ring is full a sender takes the oldest place if only readers that lose have its item
 * before them. They find out when they look: reader.next < head.
 */
#include <weir/broadcast.h>

#include "kept.h"

#define LOSING ((uint64_t)1 << 32)

static a64 *left_of(const struct chan *ch, uint64_t number)
{
    return &kept_cell(ch, number)->stamp;
}

/* r has its next item behind it. */
static void count_down(const struct chan *ch, struct reader *r)
{
    a64 *left = left_of(ch, r->next++);
    a64_store(left, a64_load(left) - (r->loses ? LOSING : 1));
}

static bool is_waited_for(const struct chan *ch, uint64_t number)
{
    return (uint32_t)a64_load(left_of(ch, number)) > 0 && !MUTATE("broadcast: waits for nobody");
}

/* Free the places that no reader has before it any more. */
static void advance(struct chan *ch)
{
    struct kept *k = ch->kept;
    uint64_t head = a64_load(&k->head), tail = a64_load(&k->tail);
    while (head != tail && a64_load(left_of(ch, head)) == 0)
        head++;
    a64_store(&k->head, head);
}

int weir__broadcast_push(struct chan *ch, const char *items, uint32_t n)
{
    struct kept *k = ch->kept;
    uint64_t head = a64_load(&k->head), tail = a64_load(&k->tail);
    uint64_t readers = k->open - k->losing + k->losing * LOSING;
    uint32_t sent = 0;
    for (; sent < n && sent < ch->capacity; sent++, tail++) {
        if (tail - head == ch->capacity) {
            if (is_waited_for(ch, head))
                break;
            head++;
        }
        a64_store(left_of(ch, tail), readers);
        copy_item(kept_cell(ch, tail)->item, items + (size_t)sent * ch->item_size, ch->item_size);
    }
    a64_store(&k->head, head);
    a64_store(&k->tail, tail);
    advance(ch);
    return (int)sent;
}

/* Find out what it has lost. */
static void catch_up(const struct chan *ch, struct reader *r)
{
    uint64_t head = a64_load(&ch->kept->head);
    if (r->next >= head || MUTATE("broadcast: not caught up"))
        return;
    r->lost += head - r->next;
    r->next = head;
    r->told = false;
}

int weir__broadcast_pop(struct chan *ch, struct reader *r, char *items, uint32_t n)
{
    uint64_t tail = a64_load(&ch->kept->tail);
    uint32_t got = 0;
    catch_up(ch, r);
    if (r->lost > 0 && !r->told) {
        r->told = true;
        return WEIR_ELOST;
    }
    for (; got < n && r->next != tail; got++) {
        copy_item(items + (size_t)got * ch->item_size, kept_cell(ch, r->next)->item, ch->item_size);
        count_down(ch, r);
    }
    advance(ch);
    return (int)got;
}

void weir__broadcast_leave(struct chan *ch, struct reader *r)
{
    uint64_t tail = a64_load(&ch->kept->tail);
    if (MUTATE("broadcast: leaves its items"))
        return;
    for (catch_up(ch, r); r->next != tail;)
        count_down(ch, r);
    advance(ch);
}

/* ---- public ---------------------------------------------------------------------------------- */

int weir_broadcast_open(weir_sender *tx, weir_receiver *rx, size_t item_size, size_t capacity,
                        weir_broadcast_mode mode)
{
    weir_receiver nobody;
    bool valid = capacity >= 1 && capacity <= WEIR_BROADCAST_MAX && (mode | 1u) == 1u;
    int rc = weir__chan_open(tx, rx ? rx : &nobody,
                             &(struct chan_plan){.kind = BROADCAST,
                                                 .item_size = valid ? item_size : 0,
                                                 .capacity = capacity,
                                                 .loses = mode == WEIR_LOSE_OLDEST});
    if (!rx && rc == 0)
        weir_close(nobody);
    return rc;
}

static weir_handle subscribe(struct party *self, weir_handle h, bool loses)
{
    struct slot *s = handle_get(h, SENDER);
    if (!s)
        return handle_null(weir__handle_error(h, SENDER));
    const struct chan *ch = s->object;
    return ch->kind == BROADCAST ? weir__kept_join(self, self, h, s, loses)
                                 : handle_null(WEIR_EBADF);
}

weir_receiver weir_broadcast_subscribe(weir_sender tx, weir_broadcast_mode mode)
{
    if ((mode | 1u) != 1u)
        return (weir_receiver){handle_null(WEIR_EINVAL)};
    struct party *self = party_enter();
    if (!self)
        return (weir_receiver){handle_null(party_refusal())};
    weir_receiver rx = {subscribe(self, tx.h, mode == WEIR_LOSE_OLDEST)};
    party_leave(self);
    return rx;
}

static int64_t take_lost(weir_handle h)
{
    struct slot *s = handle_get(h, RECEIVER);
    if (!s)
        return weir__handle_error(h, RECEIVER);
    struct chan *ch = s->object;
    if (ch->kind != BROADCAST)
        return WEIR_EBADF;
    int64_t lost = WEIR_ECLOSED;
    lock_acquire(&ch->lock, 0);
    if (handle_open(s, h)) {
        struct reader *r = reader_of(ch, s);
        catch_up(ch, r);
        lost = (int64_t)r->lost;
        r->lost = 0;
    }
    chan_unlock(ch);
    return lost;
}

int64_t weir_broadcast_lost(weir_receiver rx)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int64_t lost = take_lost(rx.h);
    party_leave(self);
    return lost;
}
