/* SPDX-License-Identifier: MIT */
/*
 * kept.h - channels that keep their items under the lock.
 *
 * A kind whose items are more than handed on - the one value of a oneshot, or what several read -
 * has no use for places that are claimed without the lock. All its operations take the lock, which
 * is the one locked instruction of each. So nothing of it happens between two critical sections:
 *
 *   - Under the lock, when it is released, nobody in a queue could be served. Who makes room or
 *     leaves something to receive serves the queues before it unlocks (serve() in kept.c).
 *   - Hence who finds a place, or an item, overtakes nobody.
 *
 * Parking, deadlines, cancellation, selects and descriptors are those of all channels (wait.h);
 * the flag KEEPS is in the masks of tests that others' operations make anyway, so that they pay
 * nothing.
 *
 * What is FED (fed.h) has one end: on the other side is another layer.
 *
 * Items are numbered from 0; [head, tail) are there, item i in cell i & lap_mask (but of a watch
 * the last one alone). Where each receiver gets all of them (kinds from FIRST_READ on), each open
 * handle of a receiver has a reader, which says how far it is, in a table whose index is in the
 * handle's slot.
 */
#ifndef WEIR_KEPT_H
#define WEIR_KEPT_H

#include "wait.h"

/* One receiver's; under the lock. */
struct reader {
    uint64_t next; /* the first item that it has not seen; of a free one: the next free one */
    uint64_t lost; /* BROADCAST: and has not been asked for */
    bool told;     /* of these */
    bool loses;    /* the oldest, when it is too slow; else senders wait for it */
};

struct kept {
    a64 head, tail; /* written under the lock */
    struct reader *readers;
    uint32_t room, open; /* readers: how many there are place for, and are */
    uint32_t losing;     /* of those that are open */
    uint32_t free;       /* the first free one; room: none */
    size_t bytes;
    uint64_t cells[];
};

/* kept_open.c: 0 or WEIR_ENOMEM. The first receiver's reader is number 0. */
int weir__kept_set_up(struct chan *ch, const struct chan_plan *plan);
void weir__kept_free(struct chan *ch);

static inline struct cell *kept_cell(const struct chan *ch, uint64_t number)
{
    char *cells = (char *)ch->kept->cells;
    return (struct cell *)(void *)(cells + (number & ch->lap_mask) * ch->stride);
}

static inline struct reader *reader_of(const struct chan *ch, const struct slot *s)
{
    return &ch->kept->readers[s->reader];
}

/*
 * kept_open.c: one more receiver, owned by `owner`, through an open handle whose slot is s. It
 * loses as the receiver does of which it is a clone, or, of a sender, as is said.
 */
weir_handle weir__kept_join(struct party *self, struct party *owner, weir_handle h, struct slot *s,
                            bool loses);

/* Under the lock: a receiver's handle is shut. */
void weir__kept_leave(struct chan *ch, const struct slot *s, struct wake_list *woken);

/* broadcast.c, under the lock: a count or FULL; a count or WEIR_ELOST; before a reader goes. */
int weir__broadcast_push(struct chan *ch, const char *items, uint32_t n);
int weir__broadcast_pop(struct chan *ch, struct reader *r, char *items, uint32_t n);
void weir__broadcast_leave(struct chan *ch, struct reader *r);

/* What weir__send_locked() and weir__recv_locked() do for these kinds. */
int weir__kept_send(struct chan *ch, struct waiter *mine, struct wake_list *woken);
int weir__kept_recv(struct chan *ch, struct waiter *mine, struct wake_list *woken);

/* Under the lock: would a receive through this open handle return at once? */
bool weir__kept_ready(struct chan *ch, const struct slot *s);

/* The last receiver is closed: drop an item. 1, or 0: there is none. */
int weir__kept_drop(struct chan *ch);

/* fed.c: the same for these; a count, FULL or EMPTY, END or an error. */
int weir__fed_push(struct chan *ch, struct waiter *w);
int weir__fed_pop(struct chan *ch, struct waiter *w);
int weir__fed_send(struct chan *ch, struct waiter *mine, struct wake_list *woken);
int weir__fed_recv(struct chan *ch, struct waiter *mine, struct wake_list *woken);
bool weir__fed_ready(const struct chan *ch);
uint64_t weir__fed_buffered(const struct chan *ch);
void weir__fed_deserted(const struct chan *ch, struct thread *t);

/* Under the lock: serve those who wait to receive, and one or all who wait to send. */
void weir__kept_serve(struct chan *ch, struct wake_list *woken);

/* Lock held or not. */
static inline uint64_t kept_buffered(const struct chan *ch)
{
    if (ch->kind == FED)
        return weir__fed_buffered(ch);
    uint64_t head = a64_load(&ch->kept->head), tail = a64_load(&ch->kept->tail);
    return tail - head <= ch->capacity ? tail - head : ch->capacity;
}

#endif
