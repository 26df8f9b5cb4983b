/* SPDX-License-Identifier: MIT */
/*
 * fed.h - channels one side of which is not weir's: a socket, a listener, signals.
 *
 * A FED channel (one of kept.h's kinds) has one open end. What is behind the other one, its
 * feeder, belongs to another layer, which gives items out or takes them, under the channel's lock
 * and without a wait, and calls weir__fed_serve() when it may have more to give or to take. All
 * else - queues, selects, deadlines, cancellation, clones, closing, descriptors, statistics - is
 * that of every channel.
 *
 * Items and bytes. A request is for items of the channel's size, or, with the waiter's `bytes`
 * set, for bytes: then `items` is what the feeder's layer makes of it (an array of iovecs, say),
 * and its caller waits through the handle of an object of its own, by weir__fed_bytes(). Bytes are
 * for one at a time: while somebody waits on the channel, a second request for bytes is WEIR_EBUSY,
 * unless the feeder is `shared`. A request for no bytes (a count of 0) waits until something might
 * be had, and takes nothing (weir__on_fed()).
 *
 * An end may thus be used by ends, which are counted as always (senders, receivers), or by
 * an object, which counts as one of them, and when its handle has been shut closes the end by
 * weir__fed_close().
 */
#ifndef WEIR_FED_H
#define WEIR_FED_H

#include <weir/select.h>

#include "kept.h"

struct feeder;

/* What a feeder does for its channel, in which it also counts what passes (chan.handed); pop of a
 * receive end, or push of a send end. */
struct feed {
    /*
     * Under the lock, for a request which nobody is before. pop: a count, EMPTY, END or an error.
     * push: a count, FULL or an error; it may take a part and say FULL, and then changes the
     * request to what is left of it. Errors are below END, which WEIR_EPERM and WEIR_ENOENT are
     * not.
     */
    int (*pop)(struct feeder *f, struct waiter *w);
    int (*push)(struct feeder *f, struct waiter *w);
    /* Under the lock: might a pop get something, so that it is worth asking? */
    bool (*ready)(struct feeder *f);
    /*
     * Under the lock: the same, and it finds out; a NULL one need not be asked. EMPTY: there is
     * nothing, and it will be told; END or an error: a pop has told that already; else 1.
     */
    int (*look)(struct feeder *f);
    /* How many items are there. Lock held or not. NULL: it is not known. */
    uint64_t (*buffered)(struct feeder *f);
    /*
     * The last handle of the end has been closed, by whom this is called, inside of its operation
     * and outside of locks, once. Afterwards the channel goes a grace period later; of itself it
     * does not call any more.
     */
    void (*deserted)(struct feeder *f, struct thread *t);
    bool shared; /* requests for bytes queue as those for items do */
};

struct feeder {
    const struct feed *feed;
    struct chan *chan;
};

/*
 * A channel, one end of which is the feeder's; of the other one a handle is counted, and to be
 * given out by the caller: weir__slot_publish(), or an object's. `wide`: on the heap, where leak
 * checkers look, for what there are few of. 0 or WEIR_ENOMEM.
 */
int weir__fed_open(struct feeder *f, const struct feed *feed, struct thread *t, size_t item_size,
                   size_t capacity, bool wide);

/*
 * Before anybody else knows it: nobody but actors of the run, and time, ever feeds it, as in a
 * simulated run's network. So when all are parked, and time changes nothing, it is a dead lock.
 */
static inline void fed_inside(struct feeder *f)
{
    f->chan->lap_mask = 1;
}

/* Before anybody else knows it: back again. */
void weir__fed_drop(struct feeder *f, struct thread *t);

/*
 * There may be more to be had, or room. Under the lock: who waits for it is to be woken after the
 * lock is released; or, inside of an operation, with all that.
 */
void weir__fed_serve_locked(struct chan *ch, struct wake_list *woken);
void weir__fed_serve(struct chan *ch);

/*
 * The feeder's word on whether to serve, without the lock, after it has made known, by a locked
 * instruction, that there is more: is somebody there, or about to be? Who comes later looks later.
 */
static inline bool fed_is_waited_on(const struct chan *ch, enum handle_kind end)
{
    uint32_t flag = end == SENDER ? SEND_WAITS : RECV_WAITS;
    return a32_load(&ch->lock) & (LOCKED | flag); /* pairs with request_lock() */
}

/*
 * A request for bytes by self through the object's handle h, open when s was got: as a receive or
 * a send. A count, 0 for END, or an error.
 */
int weir__fed_bytes(struct party *self, struct slot *s, weir_handle h, struct chan *ch, bool sends,
                    void *items, uint32_t count, weir_time deadline);

/* A case, for an arm function inside of a select, that waits until something might be had. */
weir_case weir__on_fed(weir_handle h, struct chan *ch, bool sends);

/* The channel of such a case; NULL: it is of another kind. */
struct chan *weir__fed_case(const weir_case *c);

/* The object's handle is shut: whoever waits through it on this end is told, and the end closed. */
void weir__fed_close(struct party *self, struct chan *ch, enum handle_kind kind,
                     const struct slot *s);

#endif
