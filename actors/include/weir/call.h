/* SPDX-License-Identifier: MIT */
/*
 * weir/call.h - mailboxes, and request and reply in one call.
 *
 *     struct msg { weir_answer answer; int add; };      a request has a member `answer`
 *     WEIR_TYPE(msg, struct msg)
 *     struct counter { msg_receiver inbox; };
 *
 *     static int count(void *arg)                       the server
 *     {
 *         struct counter *c = arg;
 *         struct msg m;
 *         int rc, sum = 0;
 *         while ((rc = weir_request_recv(c->inbox, &m)) > 0) {
 *             sum += m.add;
 *             weir_answer_send(m.answer, &sum);
 *         }
 *         return rc;
 *     }
 *
 *     msg_sender box;                                   the client
 *     weir_spawn_mailbox(group, count, &box, WEIR_REQUESTS(struct counter, inbox, struct msg, 64),
 *                        &(struct counter){0});
 *     rc = weir_call(box, &(struct msg){.add = 2}, &sum, weir_after(WEIR_S));
 *
 * A mailbox is a channel whose receiver a child was born with: its sender is cloned, closed,
 * selected on and lent as any. Typed ends and plain ones go everywhere.
 *
 * An answer is a send end that travels inside an item. While it does it belongs to nobody; who
 * receives the request adopts it, and then it ends with that actor. So a caller gets its answer, or
 * WEIR_EPIPE: because the server returned, closed the answer, or closed the mailbox with the
 * request in it. That last one takes a channel that was opened for requests.
 */
#ifndef WEIR_CALL_H
#define WEIR_CALL_H

#include <weir/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- handles inside items -------------------------------------------------------------- */

/*
 * weir_disown(end) - from now on it belongs to nobody: it stays open when the caller's body
 *                    returns. Of senders, receivers, all of weir/sync.h, futures, names and
 *                    classes of blocking calls.
 * weir_adopt(end)  - what belongs to nobody is the calling actor's: closed when its body returns.
 *
 * How an end is handed on inside an item: the sender disowns it, the receiver adopts it, the drop
 * function of the channel closes it. Who closes nothing on one of these ways leaks the end. What a
 * plain thread opens belongs to nobody, and so does what it adopts.
 * Never suspend; any thread. 0, also when it was so before; WEIR_EBUSY: another actor's;
 * WEIR_ECLOSED, WEIR_EBADF (also for tasks, groups, scopes and portals, which have their place in
 * an actor), WEIR_EPERM (weir_blocking_default(), which is the run's), WEIR_ENOMEM (a thread's
 * first call).
 */
#define weir_disown(end) weir_handle_disown((end).h)
#define weir_adopt(end) weir_handle_adopt((end).h)
WEIR_API int weir_handle_disown(weir_handle handle);
WEIR_API int weir_handle_adopt(weir_handle handle);

/* ---- mailboxes --------------------------------------------------------------------------- */

/* Made by the macros; all of it is yours to read. */
typedef struct weir_mailbox {
    size_t item_size;
    size_t capacity;
    unsigned inbox;     /* offset of the receive end in the child's argument */
    bool requests;      /* items have an answer */
    unsigned answer_at; /* and where */
} weir_mailbox;

/*
 * WEIR_MAILBOX(args, field, item, capacity)  - for children with a `struct args` whose `field` is
 *                                              the receive end of items of type `item`
 * WEIR_REQUESTS(args, field, item, capacity) - the same; the items have a member
 *                                              `weir_answer answer`, which is closed when an item
 *                                              can no longer be received
 */
#define WEIR_MAILBOX(args, field, item, slots)                                                     \
    (&(weir_mailbox){                                                                              \
        .item_size = sizeof(item), .capacity = (slots), .inbox = (unsigned)offsetof(args, field)})
#define WEIR_REQUESTS(args, field, item, slots)                                                    \
    (&(weir_mailbox){.item_size = sizeof(item),                                                    \
                     .capacity = (slots),                                                          \
                     .inbox = (unsigned)offsetof(args, field),                                     \
                     .requests = true,                                                             \
                     .answer_at = (unsigned)offsetof(item, answer)})

/*
 * weir_spawn_mailbox(group, body, &box, mailbox, arg, ...) - spawn a child, as weir_spawn() does,
 *     that is given the receive end of a new channel; `box` is the sender, the caller's.
 *
 * `arg` points to a struct, in whose copy the receive end is put. Never suspends; who may call it
 * and its errors are those of weir_spawn() and weir_channel_open(); WEIR_EINVAL also for more than
 * seven gifts besides, or an `arg` without room for the end. On an error *box is a null handle
 * that carries it.
 *
 * weir_requests_open(&tx, &rx, item, capacity) - such a channel by itself, for requests to several
 *     servers, or to those that are there. As weir_channel_open(), whose options it has for itself.
 */
#define weir_spawn_mailbox(group, body, box, mailbox, ...)                                         \
    weir_spawn_mailbox_sized((group), (body), &(box)->h, (mailbox),                                \
                             WEIR_ARG_SIZE(WEIR_FIRST(__VA_ARGS__, 0)),                            \
                             &(weir_spawn_options){__VA_ARGS__, .reserved = 0})
WEIR_API int weir_spawn_mailbox_sized(weir_group group, weir_body body, weir_handle *box,
                                      const weir_mailbox *mailbox, size_t arg_size,
                                      const weir_spawn_options *options);

#define weir_requests_open(tx, rx, item, slots)                                                    \
    weir_mailbox_open(&(tx)->h, &(rx)->h,                                                          \
                      &(weir_mailbox){.item_size = sizeof(item),                                   \
                                      .capacity = (slots),                                         \
                                      .requests = true,                                            \
                                      .answer_at = (unsigned)offsetof(item, answer)})
WEIR_API int weir_mailbox_open(weir_handle *tx, weir_handle *rx, const weir_mailbox *mailbox);

/* ---- request and reply --------------------------------------------------------------------- */

/* In a request, as its member `answer`: where the reply goes. {0} in an item that wants none. */
typedef struct weir_answer {
    weir_handle h;
} weir_answer;

/* `request` may be a compound literal, which is another object each time: once evaluated. */
#define WEIR_ANSWER_AT(request) offsetof(__typeof__(*(request)), answer)

/*
 * weir_call(box, &request, &reply, deadline) - send a request, for which it makes the answer, and
 *     wait for the reply, both until a point of the monotonic clock.
 *
 * Suspends; any thread. 0, and *reply is there. Errors are those of a send to `box`, and after it
 * WEIR_ETIMEDOUT, WEIR_ECANCELED: then the request may be dealt with all the same, but nobody gets
 * a reply to it; WEIR_EPIPE: nobody is left who could answer; WEIR_ENOMEM, WEIR_ENFILE, WEIR_EPERM
 * (in a drop function): nothing was sent.
 */
#define weir_call(box, request, reply, deadline)                                                   \
    weir_call_sized((box).h, (request), sizeof *(request), WEIR_ANSWER_AT(request), (reply),       \
                    sizeof *(reply), (deadline))
WEIR_API int weir_call_sized(weir_handle box, void *request, size_t request_size, size_t answer_at,
                             void *reply, size_t reply_size, weir_time deadline);

/*
 * weir_request_recv(rx, &request), weir_request_recv_by(rx, &request, deadline),
 * weir_try_request_recv(rx, &request) - as weir_recv() and its forms; the caller adopts the answer.
 *
 * After a weir_recv() or a select: weir_adopt(request.answer). It is WEIR_EBADF for {0}.
 */
#define weir_request_recv(rx, request) weir_request_recv_by((rx), (request), WEIR_NEVER)
#define weir_request_recv_by(rx, request, deadline)                                                \
    weir_request_recv_sized((rx).h, (request), sizeof *(request), WEIR_ANSWER_AT(request),         \
                            (deadline))
#define weir_try_request_recv(rx, request)                                                         \
    weir_try_request_recv_sized((rx).h, (request), sizeof *(request), WEIR_ANSWER_AT(request))
WEIR_API int weir_request_recv_sized(weir_handle rx, void *request, size_t size, size_t answer_at,
                                     weir_time deadline);
WEIR_API int weir_try_request_recv_sized(weir_handle rx, void *request, size_t size,
                                         size_t answer_at);

/*
 * weir_answer_send(answer, &reply) - answer the call: once, from any actor or thread.
 *
 * Never suspends. 0: the caller has it, and its call succeeds; then the answer is closed.
 * WEIR_EITEM: it waits for a reply of another size, and still does. After another error it is
 * closed as well: WEIR_EPIPE: the caller has given up; WEIR_ECLOSED, WEIR_EBADF ({0}), WEIR_ENOMEM.
 * weir_close(answer) answers nothing: the caller gets WEIR_EPIPE.
 */
#define weir_answer_send(answer, reply) weir_answer_send_sized((answer), (reply), sizeof *(reply))
WEIR_API int weir_answer_send_sized(weir_answer answer, const void *reply, size_t reply_size);

#ifdef __cplusplus
}
#endif
#endif
