/* SPDX-License-Identifier: MIT */
/* kept_open.c - the life of channels that keep their items: see kept.h. */
#include <weir/oneshot.h>
#include <weir/watch.h>

#include "kept.h"

#if defined(WEIR_EXPLORE)
enum { FIRST_ROOM = 2 }; /* so that models outgrow it */
#else
enum { FIRST_ROOM = 4 };
#endif

static struct kept *kept_new(size_t cells, size_t stride)
{
    size_t bytes = sizeof(struct kept) + cells * stride;
    struct kept *k = os_alloc(bytes);
    if (!k)
        return NULL;
    *k = (struct kept){.bytes = bytes};
    return k;
}

void weir__kept_free(struct chan *ch)
{
    if (!ch->kept || ch->kind == FED)
        return;
    os_free(ch->kept->readers, ch->kept->room * sizeof(struct reader));
    os_free(ch->kept, ch->kept->bytes);
}

/* ---- readers --------------------------------------------------------------------------------- */

static void copy_readers(struct reader *to, const struct kept *k)
{
    for (uint32_t i = 0; i < k->room; i++)
        to[i] = k->readers[i];
}

/* Under the lock: `table` has room for more, and takes the place of the one there is. */
static void use_table(struct kept *k, struct reader *table, uint32_t room)
{
    if (!MUTATE("kept: readers are copied early"))
        copy_readers(table, k);
    for (uint32_t i = k->room; i < room; i++)
        table[i].next = i + 1;
    /* All that there was is taken: the chain of the new ones ends at `room`. */
    k->free = k->room;
    k->readers = table;
    k->room = room;
}

/* The table with so much room was full. Twice the room, if nobody else has made it meanwhile. */
static int grow(struct chan *ch, uint32_t room)
{
    struct kept *k = ch->kept;
    uint32_t more = room ? 2 * room : FIRST_ROOM, superfluous = more;
    struct reader *table = os_alloc(more * sizeof *table);
    if (!table)
        return WEIR_ENOMEM;
    if (MUTATE("kept: readers are copied early"))
        copy_readers(table, k);
    lock_acquire(&ch->lock, 0);
    if ((k->room == room && k->free == room) || MUTATE("kept: grown twice")) {
        struct reader *old = k->readers;
        use_table(k, table, more);
        table = old;
        superfluous = room;
    }
    chan_unlock(ch);
    os_free(table, superfluous * sizeof *table);
    return 0;
}

/* Under the lock; there is a free one. Its number. */
static uint32_t take_reader(struct chan *ch, bool loses)
{
    struct kept *k = ch->kept;
    uint32_t number = k->free;
    struct reader *r = &k->readers[number];
    k->free = (uint32_t)r->next;
    k->open++;
    k->losing += loses;
    *r = (struct reader){.loses = loses};
    if (ch->kind == BROADCAST || MUTATE("watch: joins at the next"))
        r->next = a64_load(&k->tail);
    return number;
}

weir_handle weir__kept_join(struct party *self, struct party *owner, weir_handle h, struct slot *s,
                            bool loses)
{
    struct chan *ch = s->object;
    struct slot *joins = weir__slot_reserve(self);
    if (!joins)
        return handle_null(weir__slot_refused());
    for (int rc = 0;;) {
        lock_acquire(&ch->lock, 0);
        bool open = handle_open(s, h) || MUTATE("clone: handle not verified");
        if (open && (handle_word(h) & 3) == RECEIVER)
            loses = reader_of(ch, s)->loses;
        uint32_t room = ch->kept->room;
        bool taken = open && ch->kept->free != room;
        if (taken) {
            joins->reader = take_reader(ch, loses) & 0x7fffffff;
            ch->receivers++; /* where all had gone there is one again */
            a32_store(&ch->lock, a32_load(&ch->lock) & ~(uint32_t)RECEIVERS_GONE);
        }
        chan_unlock(ch);
        if (taken)
            return weir__slot_publish(owner, joins, RECEIVER, ch);
        if (!open || (rc = grow(ch, room)) < 0) {
            weir__slot_cancel(self, joins);
            return handle_null(open ? rc : WEIR_ECLOSED);
        }
    }
}

/* ---- open ------------------------------------------------------------------------------------ */

int weir__kept_set_up(struct chan *ch, const struct chan_plan *plan)
{
    ch->flags |= KEEPS;
    ch->capacity = (uint32_t)plan->capacity;
    ch->lap_mask = round_up_to_power(ch->capacity) - 1;
    struct kept *k = kept_new((size_t)ch->lap_mask + 1, ch->stride);
    if (!k)
        return WEIR_ENOMEM;
    ch->kept = k;
    ch->kind = plan->kind & 7;
    if (plan->initial) {
        copy_item(((struct cell *)(void *)k->cells)->item, plan->initial, plan->item_size);
        a64_store(&k->tail, 1);
    }
    if (ch->kind < FIRST_READ)
        return 0;
    int rc = grow(ch, 0);
    if (rc == 0)
        take_reader(ch, plan->loses); /* 0: that of the first receiver */
    return rc;
}

int weir_oneshot_open(weir_sender *tx, weir_receiver *rx, size_t item_size,
                      const weir_channel_options *options)
{
    return weir__chan_open(
        tx, rx,
        &(struct chan_plan){
            .kind = ONESHOT, .item_size = item_size, .capacity = 1, .options = options});
}

int weir_watch_open(weir_sender *tx, weir_receiver *rx, size_t item_size, const void *initial)
{
    return weir__chan_open(
        tx, rx,
        &(struct chan_plan){
            .kind = LATEST, .item_size = item_size, .capacity = 1, .initial = initial});
}
