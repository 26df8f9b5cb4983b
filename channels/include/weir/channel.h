/* SPDX-License-Identifier: MIT */
/*
 * weir/channel.h - memory object channels.
 *
 * A channel carries items of one size, by value, from any number of senders to any
 * number of receivers; each item reaches exactly one receiver. Every function here may
 * be called by actors and by plain threads, on both ends of the same channel. Other kinds of
 * channel have the same ends: weir/broadcast.h, weir/watch.h, weir/oneshot.h, weir/ticker.h.
 *
 * An end is an 8-byte handle in a typed struct. Copying the struct borrows the handle;
 * only a clone is a new one. An end counts as closed when its last handle is closed:
 * then receivers take what is buffered and get 0, or senders get WEIR_EPIPE.
 *
 * "Row Fnnn" names the row of the specification (docs/rows.md) that a function implements.
 * "Suspends" means: an actor is parked and its worker runs others; a plain thread sleeps.
 */
#ifndef WEIR_CHANNEL_H
#define WEIR_CHANNEL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t weir_handle;

typedef struct weir_sender {
    weir_handle h;
} weir_sender;

typedef struct weir_receiver {
    weir_handle h;
} weir_receiver;

/* ---- time ------------------------------------------------------------------------ */

/* Nanoseconds: a duration, or a point of the monotonic clock where a deadline is meant. */
typedef int64_t weir_time;

#define WEIR_NS ((weir_time)1)
#define WEIR_US ((weir_time)1000)
#define WEIR_MS ((weir_time)1000000)
#define WEIR_S ((weir_time)1000000000)
#define WEIR_NEVER INT64_MAX /* a deadline that does not come */

/*
 * weir_now   - the monotonic clock.
 * weir_after - the point `duration` ns from now; saturates at WEIR_NEVER; a negative
 *              duration is a point that has passed.
 * Never suspend; any thread.
 */
WEIR_API weir_time weir_now(void);
WEIR_API weir_time weir_after(weir_time duration);

/* ---- open, clone, close ---------------------------------------------------------- */

#define WEIR_ITEM_MAX ((size_t)65536)       /* bytes of the largest item */
#define WEIR_CAPACITY_MAX ((size_t)1 << 24) /* items of the largest bounded channel */
#define WEIR_UNBOUNDED SIZE_MAX             /* the capacity that never makes a sender wait */

typedef struct weir_channel_options {
    /*
     * Called once for each item that was sent and can no longer be received, because
     * every receiver is closed. `item` points to the channel's copy, valid during the
     * call. It runs outside all locks, in the actor or thread that closed the last
     * receiver, or inside the send that found it closed after its item was in the channel;
     * it may close handles and may not suspend.
     */
    void (*drop)(void *item, void *context);
    void *drop_context;
    /*
     * Declared single ends cost no locked instruction. Such an end cannot be cloned, and
     * using it from a second actor or thread is WEIR_EBUSY; giving it to a child at
     * spawn moves it. Ignored for capacity 0 and for unbounded channels but for the
     * clone and second-user checks.
     */
    bool single_sender;
    bool single_receiver;
} weir_channel_options;

/*
 * weir_channel_open - a channel with one sender and one receiver. Row F034.
 *
 * item_size  1 to WEIR_ITEM_MAX bytes
 * capacity   0: rendezvous, a send completes when a receiver takes the item;
 *            1 to WEIR_CAPACITY_MAX: that many items wait in the channel;
 *            WEIR_UNBOUNDED: a send never waits and may fail with WEIR_ENOMEM
 * options    may be NULL
 *
 * Never suspends; any thread. The handles belong to the calling actor, which closes
 * what it still owns when its body returns; a plain thread closes its own.
 * 0, WEIR_EINVAL (a size or a capacity out of range, a null pointer), WEIR_ENOMEM or
 * WEIR_ENFILE; on an error *tx and *rx are null handles that carry the error.
 */
WEIR_API int weir_channel_open(weir_sender *tx, weir_receiver *rx, size_t item_size,
                               size_t capacity, const weir_channel_options *options);

/*
 * weir_sender_clone, weir_receiver_clone - one more handle on the same end. Row F041.
 *
 * Never suspend; any thread. The new handle belongs to the calling actor. On an error
 * (WEIR_ECLOSED, WEIR_EBADF, WEIR_EBUSY for a declared single end, WEIR_ENOMEM,
 * WEIR_ENFILE) the result is a null handle, and the next call on it returns that error.
 */
WEIR_API weir_sender weir_sender_clone(weir_sender tx);
WEIR_API weir_receiver weir_receiver_clone(weir_receiver rx);

/*
 * weir_close(end) - close one handle of a sender, a receiver or a task (groups and scopes are
 *                   ended instead). Rows F042-F045.
 *
 * Never waits; any thread, also one that does not own the handle. Whatever is parked
 * on this handle wakes with WEIR_ECLOSED; a parked send keeps its item with its caller.
 * With the last sender, receivers take what is buffered and then get 0; with the last
 * receiver, senders get WEIR_EPIPE and buffered items are dropped.
 * If somebody else is inside a call on a declared single end, the other end is told when
 * that call returns.
 * 0, also when it was closed before; WEIR_EBADF for what never was a handle; the error
 * that a null handle carries. Never for want of memory. (Streams that keep something:
 * weir/stream.h.)
 */
#define weir_close(end) weir_handle_close((end).h)
WEIR_API int weir_handle_close(weir_handle handle);

/* 0 for an open handle; else the error that a call on it would return. */
#define weir_check(end) weir_handle_check((end).h)
WEIR_API int weir_handle_check(weir_handle handle);

/* ---- send and receive -------------------------------------------------------------- */

/*
 * weir_send(tx, &item)               wait until the item is taken or buffered. Row F035.
 * weir_send_by(tx, &item, deadline)  the same, not beyond a point of the monotonic clock
 * weir_try_send(tx, &item)           never wait. Row F036.
 *
 * `item` points to a variable of the channel's item type. 0 when the item is handed
 * over; on every error it is still the caller's and was not delivered:
 * WEIR_ECLOSED (this handle, before or during the call), WEIR_EPIPE (no receiver),
 * WEIR_EAGAIN (try: would wait), WEIR_ETIMEDOUT, WEIR_ECANCELED (not try: weir/scope.h), WEIR_EITEM
 * (wrong size), WEIR_EBADF, WEIR_EBUSY (declared single end used by a second actor), WEIR_ENOMEM,
 * WEIR_EPERM (would wait in a drop function). Checked in this order: the own handle, the item's
 * size, the single user, the receivers, the room. Waiting senders are served first come first
 * served (row F049).
 */
#define weir_send(tx, item) weir_send_item((tx), (item), sizeof *(item), WEIR_NEVER)
#define weir_send_by(tx, item, deadline) weir_send_item((tx), (item), sizeof *(item), (deadline))
#define weir_try_send(tx, item) weir_try_send_item((tx), (item), sizeof *(item))
WEIR_API int weir_send_item(weir_sender tx, const void *item, size_t item_size, weir_time deadline);
WEIR_API int weir_try_send_item(weir_sender tx, const void *item, size_t item_size);

/*
 * weir_recv(rx, &item)               wait for an item. Rows F037, F051.
 * weir_recv_by(rx, &item, deadline)
 * weir_try_recv(rx, &item)           Row F038.
 *
 * Like read(2): 1 for an item, 0 for the end of the channel (no sender is left and
 * nothing is buffered; repeats), negative for an error:
 * WEIR_ECLOSED, WEIR_EAGAIN, WEIR_ETIMEDOUT, WEIR_ECANCELED, WEIR_EITEM, WEIR_EBADF, WEIR_EBUSY,
 * WEIR_ENOMEM, WEIR_EPERM, each as of a send; WEIR_ELOST (weir/broadcast.h alone). So a consumer is
 * while ((rc = weir_recv(rx, &item)) > 0) ...
 */
#define weir_recv(rx, item) weir_recv_item((rx), (item), sizeof *(item), WEIR_NEVER)
#define weir_recv_by(rx, item, deadline) weir_recv_item((rx), (item), sizeof *(item), (deadline))
#define weir_try_recv(rx, item) weir_try_recv_item((rx), (item), sizeof *(item))
WEIR_API int weir_recv_item(weir_receiver rx, void *item, size_t item_size, weir_time deadline);
WEIR_API int weir_try_recv_item(weir_receiver rx, void *item, size_t item_size);

/*
 * weir_send_many(tx, items, n), weir_recv_many(rx, items, n) and their _by and _try
 * forms - several items of an array at once.
 *
 * Wait until at least one item went through, then take as many more as go without
 * waiting; the count, 1 to n (INT_MAX at most), is returned and never lost. n = 0 is
 * WEIR_EINVAL. Otherwise as the single forms; weir_recv_many returns 0 at the end.
 */
#define weir_send_many(tx, items, n)                                                               \
    weir_send_items((tx), (items), (n), sizeof *(items), WEIR_NEVER)
#define weir_send_many_by(tx, items, n, deadline)                                                  \
    weir_send_items((tx), (items), (n), sizeof *(items), (deadline))
#define weir_try_send_many(tx, items, n) weir_try_send_items((tx), (items), (n), sizeof *(items))
#define weir_recv_many(rx, items, n)                                                               \
    weir_recv_items((rx), (items), (n), sizeof *(items), WEIR_NEVER)
#define weir_recv_many_by(rx, items, n, deadline)                                                  \
    weir_recv_items((rx), (items), (n), sizeof *(items), (deadline))
#define weir_try_recv_many(rx, items, n) weir_try_recv_items((rx), (items), (n), sizeof *(items))
WEIR_API int weir_send_items(weir_sender tx, const void *items, size_t n, size_t item_size,
                             weir_time deadline);
WEIR_API int weir_try_send_items(weir_sender tx, const void *items, size_t n, size_t item_size);
WEIR_API int weir_recv_items(weir_receiver rx, void *items, size_t n, size_t item_size,
                             weir_time deadline);
WEIR_API int weir_try_recv_items(weir_receiver rx, void *items, size_t n, size_t item_size);

/* ---- in somebody else's loop --------------------------------------------------------- */

/*
 * weir_receiver_fd - a descriptor for the poll(2), epoll or main loop of a program that waits
 *                    for other things as well.
 *
 * It is readable from the start, and until weir_try_recv (or weir_try_recv_many, or
 * weir_try_select) on this handle returned WEIR_EAGAIN; and again when there is something to
 * receive: an item, a sender that waits, the end, or the handle's closing. So
 *
 *     when it is readable:  while ((rc = weir_try_recv(rx, &item)) > 0) ...
 *
 * and taking just one item each time is as good. It may be readable for nothing, because
 * another receiver was faster: always a try form, never weir_recv().
 * The descriptor is the caller's, who neither reads nor writes it: take it out of an epoll set,
 * then close(2) it, before or after the handle is closed. Each call returns another one,
 * close-on-exec, for the same handle: all are readable at the same time. The library has one more
 * until some time after the handle is closed. A clone of the handle has its own. A receiver without
 * a descriptor costs what it always did; one with a descriptor costs the first send after each
 * WEIR_EAGAIN a system call.
 *
 * Never suspends; any thread. WEIR_ECLOSED, WEIR_EBADF, WEIR_EMFILE, WEIR_ENOMEM; WEIR_EINVAL
 * for a ticker or timer, in whose place such a loop has timers of its own.
 */
WEIR_API int weir_receiver_fd(weir_receiver rx);

/* ---- statistics -------------------------------------------------------------------- */

typedef struct weir_statistics {
    size_t item_size;         /* bytes */
    size_t capacity;          /* items; WEIR_UNBOUNDED */
    size_t buffered;          /* items in the channel */
    size_t open_senders;      /* handles */
    size_t open_receivers;    /* handles */
    size_t waiting_senders;   /* parked operations */
    size_t waiting_receivers; /* parked operations */
    uint64_t passed;          /* items that were sent since the channel was opened */
} weir_statistics;

/*
 * weir_channel_statistics(end, &out) - the same from both ends. Row F052.
 *
 * Never suspends; any thread; a snapshot taken under the channel's lock, in which
 * `buffered` and `passed` may trail operations that run meanwhile. WEIR_EINVAL for a null
 * `out`; WEIR_ECLOSED, WEIR_EBADF and WEIR_ENOMEM as for every call.
 */
#define weir_channel_statistics(end, out) weir_handle_statistics((end).h, (out))
WEIR_API int weir_handle_statistics(weir_handle handle, weir_statistics *out);

/* ---- memory ------------------------------------------------------------------------ */

/*
 * weir_set_allocator - where weir gets its heap memory; NULL restores malloc and free.
 *
 * `allocate` returns memory aligned like malloc's, or NULL, which becomes WEIR_ENOMEM.
 * To be called before anything else of weir, from one thread; both functions are called by
 * any, also by several at a time, and may use nothing of weir. Tables and stacks are
 * mapped from the kernel; `allocate` is then asked first with `bytes` = 0, and NULL
 * refuses the mapping, so that a limit or a test sees all memory that weir takes.
 */
typedef struct weir_allocator {
    void *(*allocate)(size_t bytes, void *context);
    void (*release)(void *memory, size_t bytes, void *context);
    void *context;
} weir_allocator;

WEIR_API void weir_set_allocator(const weir_allocator *allocator);

#ifdef __cplusplus
}
#endif
#endif
