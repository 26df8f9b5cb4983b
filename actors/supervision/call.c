/* SPDX-License-Identifier: MIT */
/*
 * call.c - request and reply: docs/protocol.md, "Calls".
 *
 * The answer is the sender of a oneshot, opened by the caller. From the send of the request to its
 * receipt nobody owns it, so at each moment exactly one is to close it: the caller before the send
 * has succeeded, the mailbox (by its drop function) while the request is in it, then the server.
 * The caller keeps the receiver, so the end of that channel is the end of its hopes.
 *
 * A reply that was sent is had by the caller: one that comes after its wait has ended, by a
 * deadline or a cancellation, and before it closes the receiver, is dropped by that close, which
 * takes it after all.
 */
#include "call.h"

#include <string.h>

#include <weir/oneshot.h>

#include "chan.h"

/* ---- ownership ----------------------------------------------------------------------------- */

int weir_handle_disown(weir_handle h)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int rc = weir__move(self, h, NULL);
    party_leave(self);
    return rc;
}

int weir_handle_adopt(weir_handle h)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int rc = weir__move(self, h, party_is_plain(self) ? NULL : self);
    party_leave(self);
    return rc;
}

/* ---- the caller ---------------------------------------------------------------------------- */

/* The reply, if it comes after the wait for it. */
struct late {
    void *reply;
    size_t size;
    bool came;
};

static void take_late(void *item, void *context)
{
    struct late *late = context;
    if (MUTATE("call: a late reply is lost"))
        return;
    memcpy(late->reply, item, late->size);
    late->came = true;
}

/* The place is there before the request goes, so that who answers needs no memory. */
static int answer_open(weir_sender *tx, weir_receiver *rx, struct late *late)
{
    weir_channel_options o = {.drop = take_late, .drop_context = late};
    int rc = weir_oneshot_open(tx, rx, late->size, &o);
    if (rc < 0)
        return rc;
    if (!MUTATE("call: the caller keeps the answer"))
        rc = weir_disown(*tx);
    if (rc < 0) {
        weir_close(*tx);
        weir_close(*rx);
    }
    return rc;
}

/* The request was sent. A cancellation that was too late has not been noticed. */
static int await_reply(struct party *self, weir_receiver rx, struct late *late, weir_time deadline)
{
    bool noticed = self->noticed;
    int rc = weir_recv_item(rx, late->reply, late->size, deadline);
    weir_close(rx);
    if (!late->came)
        return rc == 0 ? WEIR_EPIPE : rc;
    self->noticed = noticed;
    return 0;
}

static bool answer_fits(size_t size, size_t answer_at)
{
    return size >= sizeof(weir_answer) && answer_at <= size - sizeof(weir_answer);
}

int weir__call(weir_handle box, void *request, size_t request_size, size_t answer_at, void *reply,
               size_t reply_size, weir_time deadline, bool *sent)
{
    weir_sender tx;
    weir_receiver rx;
    struct late late = {.reply = reply, .size = reply_size};
    struct party *self = party_current();
    if (!answer_fits(request_size, answer_at))
        return WEIR_EINVAL;
    if (self && self->thread->dropping)
        return WEIR_EPERM; /* it could not wait, and the late reply would be dropped later */
    int rc = answer_open(&tx, &rx, &late);
    if (rc < 0)
        return rc;
    memcpy((char *)request + answer_at, &tx, sizeof tx);
    rc = weir_send_item((weir_sender){box}, request, request_size, deadline);
    *sent = rc == 0;
    if (rc == 0) {
        rc = await_reply(party_current(), rx, &late, deadline);
        return rc > 0 ? 0 : rc;
    }
    weir_close(tx);
    weir_close(rx);
    return rc;
}

int weir_call_sized(weir_handle box, void *request, size_t request_size, size_t answer_at,
                    void *reply, size_t reply_size, weir_time deadline)
{
    bool sent;
    return weir__call(box, request, request_size, answer_at, reply, reply_size, deadline, &sent);
}

/* ---- the server ---------------------------------------------------------------------------- */

static int adopt(int rc, const void *request, size_t answer_at)
{
    weir_answer answer;
    if (rc <= 0)
        return rc;
    memcpy(&answer, (const char *)request + answer_at, sizeof answer);
    if (!MUTATE("call: the server adopts nothing"))
        (void)weir_adopt(answer); /* {0}: it wants none */
    return rc;
}

int weir_request_recv_sized(weir_handle rx, void *request, size_t size, size_t answer_at,
                            weir_time deadline)
{
    if (!answer_fits(size, answer_at))
        return WEIR_EINVAL;
    int rc = weir_recv_item((weir_receiver){rx}, request, size, deadline);
    return adopt(rc, request, answer_at);
}

int weir_try_request_recv_sized(weir_handle rx, void *request, size_t size, size_t answer_at)
{
    if (!answer_fits(size, answer_at))
        return WEIR_EINVAL;
    int rc = weir_try_recv_item((weir_receiver){rx}, request, size);
    return adopt(rc, request, answer_at);
}

int weir_answer_send_sized(weir_answer answer, const void *reply, size_t reply_size)
{
    int rc = weir_try_send_item((weir_sender){answer.h}, reply, reply_size);
    if (rc != WEIR_EITEM)
        weir_close(answer);
    return rc;
}

/* ---- mailboxes ------------------------------------------------------------------------------ */

static void close_answer(void *item, void *answer_at)
{
    weir_answer answer;
    memcpy(&answer, (char *)item + (uintptr_t)answer_at, sizeof answer);
    if (!MUTATE("call: a dropped request keeps its answer"))
        weir_close(answer);
}

int weir_mailbox_open(weir_handle *tx, weir_handle *rx, const weir_mailbox *m)
{
    weir_sender sender;
    weir_receiver receiver;
    bool fits = m && answer_fits(m->item_size, m->answer_at);
    int rc = !tx || !rx || !m || (m->requests && !fits) ? WEIR_EINVAL : 0;
    weir_channel_options o = {0};
    if (rc == 0 && m->requests) {
        o.drop = close_answer;
        o.drop_context = (void *)(uintptr_t)m->answer_at; /* a number */
    }
    if (rc == 0)
        rc = weir_channel_open(&sender, &receiver, m->item_size, m->capacity, &o);
    if (tx)
        *tx = rc == 0 ? sender.h : handle_null(rc);
    if (rx)
        *rx = rc == 0 ? receiver.h : handle_null(rc);
    return rc;
}

/* The child's argument with the receive end in it, which it is given. */
static int spawn_with(weir_group group, weir_body body, weir_handle rx, const weir_mailbox *m,
                      size_t arg_size, const weir_spawn_options *options)
{
    enum { GIFTS = sizeof options->give.offset / sizeof *options->give.offset };
    weir_spawn_options o = *options;
    if (o.give.count >= GIFTS || !o.arg || arg_size > WEIR_ARG_MAX || arg_size < sizeof rx ||
        m->inbox > arg_size - sizeof rx)
        return WEIR_EINVAL;
    char *arg = os_alloc(arg_size);
    if (!arg)
        return WEIR_ENOMEM;
    memcpy(arg, o.arg, arg_size);
    memcpy(arg + m->inbox, &rx, sizeof rx);
    o.arg = arg;
    o.give.offset[o.give.count++] = m->inbox;
    int rc = weir_spawn_sized(group, body, arg_size, &o);
    os_free(arg, arg_size);
    return rc;
}

int weir_spawn_mailbox_sized(weir_group group, weir_body body, weir_handle *box,
                             const weir_mailbox *mailbox, size_t arg_size,
                             const weir_spawn_options *options)
{
    static const weir_spawn_options none;
    weir_handle rx;
    int rc = weir_mailbox_open(box, &rx, mailbox);
    if (rc < 0)
        return rc;
    rc = spawn_with(group, body, rx, mailbox, arg_size, options ? options : &none);
    if (rc < 0) {
        weir_handle_close(*box);
        weir_handle_close(rx);
        *box = handle_null(rc);
    }
    return rc;
}
