/* SPDX-License-Identifier: MIT */
/*
 * weir/type.h - channels whose item type the compiler checks.
 *
 *     WEIR_TYPE(job, struct job)
 *
 * makes job_sender and job_receiver, which do not mix with the ends of another type,
 * and, as static inline functions with the contracts of weir/channel.h:
 *
 *     int job_channel(job_sender *tx, job_receiver *rx, size_t capacity);
 *     int job_channel_open(job_sender *tx, job_receiver *rx, size_t capacity,
 *                          const weir_channel_options *options);
 *     int job_send(job_sender tx, struct job item);
 *     int job_send_by(job_sender tx, struct job item, weir_time deadline);
 *     int job_try_send(job_sender tx, struct job item);
 *     int job_send_many(job_sender tx, const struct job *items, size_t n);
 *     int job_send_many_by(job_sender tx, const struct job *items, size_t n, weir_time deadline);
 *     int job_try_send_many(job_sender tx, const struct job *items, size_t n);
 *     int job_recv(job_receiver rx, struct job *item);
 *     int job_recv_by(job_receiver rx, struct job *item, weir_time deadline);
 *     int job_try_recv(job_receiver rx, struct job *item);
 *     int job_recv_many(job_receiver rx, struct job *items, size_t n);
 *     int job_recv_many_by(job_receiver rx, struct job *items, size_t n, weir_time deadline);
 *     int job_try_recv_many(job_receiver rx, struct job *items, size_t n);
 *     weir_case job_on_recv(job_receiver rx, struct job *item);
 *     weir_case job_on_send(job_sender tx, const struct job *item);
 *     job_sender job_sender_clone(job_sender tx);
 *     job_receiver job_receiver_clone(job_receiver rx);
 *     int job_receiver_fd(job_receiver rx);
 *
 *     int job_oneshot(job_sender *tx, job_receiver *rx);                     (weir/oneshot.h)
 *     int job_watch(job_sender *tx, job_receiver *rx, const struct job *initial); (weir/watch.h)
 *     int job_watch_read(job_receiver rx, struct job *item);
 *     int job_broadcast(job_sender *tx, job_receiver *rx, size_t capacity,
 *                       weir_broadcast_mode mode);                           (weir/broadcast.h)
 *     job_receiver job_broadcast_subscribe(job_sender tx, weir_broadcast_mode mode);
 *     int64_t job_broadcast_lost(job_receiver rx);
 *
 * weir_close, weir_check and weir_channel_statistics take every kind of end, and so does
 * weir_auto(job_sender) (weir/scope.h).
 */
#ifndef WEIR_TYPE_H
#define WEIR_TYPE_H

#include <weir/broadcast.h>
#include <weir/channel.h>
#include <weir/oneshot.h>
#include <weir/select.h>
#include <weir/watch.h>

/* The body of a function that opens a channel of typed ends *tx and *rx. */
#define WEIR_TYPE_OPEN(open, ...)                                                                  \
    weir_sender untyped_tx;                                                                        \
    weir_receiver untyped_rx;                                                                      \
    int rc = open(tx ? &untyped_tx : NULL, rx ? &untyped_rx : NULL, __VA_ARGS__);                  \
    if (tx)                                                                                        \
        tx->h = untyped_tx.h;                                                                      \
    if (rx)                                                                                        \
        rx->h = untyped_rx.h;                                                                      \
    return rc

/* The ends alone, and what is done with them: for a type whose channels are opened otherwise. */
#define WEIR_TYPE_ENDS(name, type)                                                                 \
    typedef struct name##_sender {                                                                 \
        weir_handle h;                                                                             \
    } name##_sender;                                                                               \
    typedef struct name##_receiver {                                                               \
        weir_handle h;                                                                             \
    } name##_receiver;                                                                             \
    static inline WEIR_UNUSED weir_sender name##_untyped_sender(name##_sender tx)                  \
    {                                                                                              \
        weir_sender untyped;                                                                       \
        untyped.h = tx.h;                                                                          \
        return untyped;                                                                            \
    }                                                                                              \
    static inline WEIR_UNUSED weir_receiver name##_untyped_receiver(name##_receiver rx)            \
    {                                                                                              \
        weir_receiver untyped;                                                                     \
        untyped.h = rx.h;                                                                          \
        return untyped;                                                                            \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_send(name##_sender tx, type item)                         \
    {                                                                                              \
        return weir_send_item(name##_untyped_sender(tx), &item, sizeof item, WEIR_NEVER);          \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_send_by(name##_sender tx, type item, weir_time deadline)  \
    {                                                                                              \
        return weir_send_item(name##_untyped_sender(tx), &item, sizeof item, deadline);            \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_try_send(name##_sender tx, type item)                     \
    {                                                                                              \
        return weir_try_send_item(name##_untyped_sender(tx), &item, sizeof item);                  \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_send_many(name##_sender tx, type const *items, size_t n)  \
    {                                                                                              \
        return weir_send_many(name##_untyped_sender(tx), items, n);                                \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_send_many_by(name##_sender tx, type const *items,         \
                                                      size_t n, weir_time deadline)                \
    {                                                                                              \
        return weir_send_many_by(name##_untyped_sender(tx), items, n, deadline);                   \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_try_send_many(name##_sender tx, type const *items,        \
                                                       size_t n)                                   \
    {                                                                                              \
        return weir_try_send_many(name##_untyped_sender(tx), items, n);                            \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_recv(name##_receiver rx, type *item)                      \
    {                                                                                              \
        return weir_recv(name##_untyped_receiver(rx), item);                                       \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_recv_by(name##_receiver rx, type *item,                   \
                                                 weir_time deadline)                               \
    {                                                                                              \
        return weir_recv_by(name##_untyped_receiver(rx), item, deadline);                          \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_try_recv(name##_receiver rx, type *item)                  \
    {                                                                                              \
        return weir_try_recv(name##_untyped_receiver(rx), item);                                   \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_recv_many(name##_receiver rx, type *items, size_t n)      \
    {                                                                                              \
        return weir_recv_many(name##_untyped_receiver(rx), items, n);                              \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_recv_many_by(name##_receiver rx, type *items, size_t n,   \
                                                      weir_time deadline)                          \
    {                                                                                              \
        return weir_recv_many_by(name##_untyped_receiver(rx), items, n, deadline);                 \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_try_recv_many(name##_receiver rx, type *items, size_t n)  \
    {                                                                                              \
        return weir_try_recv_many(name##_untyped_receiver(rx), items, n);                          \
    }                                                                                              \
    static inline WEIR_UNUSED weir_case name##_on_recv(name##_receiver rx, type *item)             \
    {                                                                                              \
        return weir_on_recv(name##_untyped_receiver(rx), item);                                    \
    }                                                                                              \
    static inline WEIR_UNUSED weir_case name##_on_send(name##_sender tx, type const *item)         \
    {                                                                                              \
        return weir_on_send(name##_untyped_sender(tx), item);                                      \
    }                                                                                              \
    static inline WEIR_UNUSED name##_sender name##_sender_clone(name##_sender tx)                  \
    {                                                                                              \
        name##_sender clone;                                                                       \
        clone.h = weir_sender_clone(name##_untyped_sender(tx)).h;                                  \
        return clone;                                                                              \
    }                                                                                              \
    static inline WEIR_UNUSED name##_receiver name##_receiver_clone(name##_receiver rx)            \
    {                                                                                              \
        name##_receiver clone;                                                                     \
        clone.h = weir_receiver_clone(name##_untyped_receiver(rx)).h;                              \
        return clone;                                                                              \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_receiver_fd(name##_receiver rx)                           \
    {                                                                                              \
        return weir_receiver_fd(name##_untyped_receiver(rx));                                      \
    }                                                                                              \
    static inline WEIR_UNUSED void name##_sender_cleanup(name##_sender *tx)                        \
    {                                                                                              \
        (void)weir_handle_close(tx->h);                                                            \
    }                                                                                              \
    static inline WEIR_UNUSED void name##_receiver_cleanup(name##_receiver *rx)                    \
    {                                                                                              \
        (void)weir_handle_close(rx->h);                                                            \
    }

#define WEIR_TYPE(name, type)                                                                      \
    WEIR_TYPE_ENDS(name, type)                                                                     \
    static inline WEIR_UNUSED int name##_channel_open(name##_sender *tx, name##_receiver *rx,      \
                                                      size_t capacity,                             \
                                                      const weir_channel_options *options)         \
    {                                                                                              \
        WEIR_TYPE_OPEN(weir_channel_open, sizeof(type), capacity, options);                        \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_channel(name##_sender *tx, name##_receiver *rx,           \
                                                 size_t capacity)                                  \
    {                                                                                              \
        return name##_channel_open(tx, rx, capacity, NULL);                                        \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_oneshot(name##_sender *tx, name##_receiver *rx)           \
    {                                                                                              \
        WEIR_TYPE_OPEN(weir_oneshot_open, sizeof(type), NULL);                                     \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_watch(name##_sender *tx, name##_receiver *rx,             \
                                               type const *initial)                                \
    {                                                                                              \
        WEIR_TYPE_OPEN(weir_watch_open, sizeof(type), initial);                                    \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_watch_read(name##_receiver rx, type *item)                \
    {                                                                                              \
        return weir_watch_read(name##_untyped_receiver(rx), item);                                 \
    }                                                                                              \
    static inline WEIR_UNUSED int name##_broadcast(name##_sender *tx, name##_receiver *rx,         \
                                                   size_t capacity, weir_broadcast_mode mode)      \
    {                                                                                              \
        WEIR_TYPE_OPEN(weir_broadcast_open, sizeof(type), capacity, mode);                         \
    }                                                                                              \
    static inline WEIR_UNUSED name##_receiver name##_broadcast_subscribe(name##_sender tx,         \
                                                                         weir_broadcast_mode mode) \
    {                                                                                              \
        name##_receiver rx;                                                                        \
        rx.h = weir_broadcast_subscribe(name##_untyped_sender(tx), mode).h;                        \
        return rx;                                                                                 \
    }                                                                                              \
    static inline WEIR_UNUSED int64_t name##_broadcast_lost(name##_receiver rx)                    \
    {                                                                                              \
        return weir_broadcast_lost(name##_untyped_receiver(rx));                                   \
    }

#endif
