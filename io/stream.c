/* SPDX-License-Identifier: MIT */
/* stream.c - the calls of weir/stream.h: handles and arguments; see stream.h. */
#include "stream.h"

#include "lock.h"

_Static_assert(sizeof(weir_handle) <= sizeof(void *), "a source's object can be a handle");

/* ---- the handle ------------------------------------------------------------------------------ */

static struct stream *stream_of(struct object *o)
{
    return container_of(o, struct stream, object);
}

int weir__stream_call(struct stream_call *c, struct party *self, weir_handle h)
{
    struct slot *slot = handle_get(h, OBJECT);
    if (unlikely(!slot)) {
        int rc = weir__handle_error(h, OBJECT);
        return rc < 0 ? rc : WEIR_EBADF; /* always the first, which gcc does not know */
    }
    struct object *o = slot->object;
    if (unlikely(o->type != &weir__stream_type))
        return WEIR_EBADF;
    *c = (struct stream_call){.self = self, .slot = slot, .h = h, .stream = stream_of(o)};
    return 0;
}

int weir__stream_shut(const struct stream_call *c)
{
    struct stream *st = c->stream;
    lock_acquire(&st->lock, 0);
    if (!handle_open(c->slot, c->h)) {
        lock_release(&st->lock, 0);
        return WEIR_ECLOSED;
    }
    if (st->class->closing)
        st->class->closing(c);
    struct party *owner = slot_shut(c->slot);
    lock_release(&st->lock, 0);
    weir__slot_release(c->self, c->slot, owner);
    return 0;
}

static int shut_and_close(const struct stream_call *c, bool abort)
{
    int rc = weir__stream_shut(c);
    return rc == 0 ? c->stream->class->close(c, abort) : rc;
}

static int stream_close(struct party *self, weir_handle h)
{
    struct stream_call c;
    int rc = weir__stream_call(&c, self, h);
    return rc < 0 ? rc : shut_and_close(&c, false);
}

static int stream_move(struct party *self, weir_handle h, struct party *to)
{
    struct stream_call c;
    int rc = weir__stream_call(&c, self, h);
    if (rc < 0)
        return rc;
    lock_acquire(&c.stream->lock, 0);
    rc = handle_open(c.slot, h) ? weir__slot_move(self, c.slot, to) : WEIR_ECLOSED;
    lock_release(&c.stream->lock, 0);
    return rc < 0 ? rc : 0;
}

const struct object_type weir__stream_type = {stream_close, stream_move};

/* ---- calls ----------------------------------------------------------------------------------- */

/* The call of an open handle, inside an operation; or an error, outside. */
static always_inline int enter(struct stream_call *c, weir_stream s, bool waits)
{
    struct party *self = party_enter();
    if (unlikely(!self))
        return party_refusal();
    if (waits && !party_is_plain(self)) {
        self->budget--;
        party_rest(self);
        if (unlikely(party_refused(self)))
            return WEIR_ECANCELED; /* an actor: no party_leave() */
    }
    int rc = weir__stream_call(c, self, s.h);
    if (unlikely(rc < 0))
        party_leave(self);
    return rc;
}

int weir__stream_enter(struct stream_call *c, weir_stream s, bool waits)
{
    return enter(c, s, waits);
}

/* The sum of their sizes; or WEIR_EINVAL. */
static always_inline ssize_t size_of(const struct iovec *at, int n)
{
    size_t sum = 0;
    if (n < 0 || n > WEIR_IOV_MAX || (n > 0 && !at))
        return WEIR_EINVAL;
    for (int i = 0; i < n; i++) {
        if (at[i].iov_len > (size_t)SSIZE_MAX - sum || (!at[i].iov_base && at[i].iov_len > 0))
            return WEIR_EINVAL;
        sum += at[i].iov_len;
    }
    return (ssize_t)sum;
}

static always_inline ssize_t receive(weir_stream s, const struct iovec *to, int n,
                                     weir_time deadline)
{
    struct stream_call c;
    ssize_t rc = enter(&c, s, deadline != WEIR_TRY);
    if (unlikely(rc < 0))
        return rc;
    rc = likely(size_of(to, n) > 0) ? c.stream->class->recv(&c, to, n, deadline) : WEIR_EINVAL;
    party_leave(c.self);
    return rc;
}

static int flush(const struct stream_call *c, weir_time deadline)
{
    return c->stream->class->flush ? c->stream->class->flush(c, deadline) : 0;
}

static always_inline int transmit(weir_stream s, const struct iovec *from, int n,
                                  weir_time deadline, size_t *sent)
{
    struct stream_call c;
    *sent = 0;
    int rc = enter(&c, s, deadline != WEIR_TRY);
    if (unlikely(rc < 0))
        return rc;
    ssize_t size = size_of(from, n);
    if (likely(size > 0))
        rc = c.stream->class->send(&c, from, n, deadline, sent);
    else
        rc = size < 0 ? WEIR_EINVAL : flush(&c, deadline);
    party_leave(c.self);
    return rc;
}

ssize_t weir_stream_recv(weir_stream s, void *to, size_t size)
{
    return receive(s, &(struct iovec){to, size}, 1, WEIR_NEVER);
}

ssize_t weir_stream_recv_by(weir_stream s, void *to, size_t size, weir_time deadline)
{
    return receive(s, &(struct iovec){to, size}, 1, until(deadline));
}

ssize_t weir_stream_try_recv(weir_stream s, void *to, size_t size)
{
    return receive(s, &(struct iovec){to, size}, 1, WEIR_TRY);
}

ssize_t weir_stream_recvv(weir_stream s, const struct iovec *to, int n, weir_time deadline)
{
    return receive(s, to, n, until(deadline));
}

ssize_t weir_stream_try_recvv(weir_stream s, const struct iovec *to, int n)
{
    return receive(s, to, n, WEIR_TRY);
}

static int send_all(weir_stream s, const struct iovec *from, int n, weir_time deadline,
                    size_t *sent)
{
    size_t unwanted;
    return transmit(s, from, n, deadline, sent ? sent : &unwanted);
}

int weir_stream_send(weir_stream s, const void *from, size_t size, size_t *sent)
{
    return weir_stream_send_by(s, from, size, WEIR_NEVER, sent);
}

int weir_stream_send_by(weir_stream s, const void *from, size_t size, weir_time deadline,
                        size_t *sent)
{
    struct iovec one = {(void *)(uintptr_t)from, size};
    return send_all(s, &one, 1, until(deadline), sent);
}

int weir_stream_sendv(weir_stream s, const struct iovec *from, int n, weir_time deadline,
                      size_t *sent)
{
    return send_all(s, from, n, until(deadline), sent);
}

ssize_t weir_stream_try_sendv(weir_stream s, const struct iovec *from, int n)
{
    size_t sent;
    int rc = transmit(s, from, n, WEIR_TRY, &sent);
    return sent > 0 ? (ssize_t)sent : rc;
}

ssize_t weir_stream_try_send(weir_stream s, const void *from, size_t size)
{
    return weir_stream_try_sendv(s, &(struct iovec){(void *)(uintptr_t)from, size}, 1);
}

static int flush_by(weir_stream s, weir_time deadline)
{
    struct stream_call c;
    int rc = enter(&c, s, deadline != WEIR_TRY);
    if (rc < 0)
        return rc;
    rc = flush(&c, deadline);
    party_leave(c.self);
    return rc;
}

int weir_stream_flush(weir_stream s, weir_time deadline)
{
    return flush_by(s, until(deadline));
}

int weir_stream_try_flush(weir_stream s)
{
    return flush_by(s, WEIR_TRY);
}

static int send_eof_by(weir_stream s, weir_time deadline)
{
    struct stream_call c;
    int rc = enter(&c, s, deadline != WEIR_TRY);
    if (rc < 0)
        return rc;
    rc = c.stream->class->send_eof(&c, deadline);
    party_leave(c.self);
    return rc;
}

int weir_stream_send_eof(weir_stream s)
{
    return send_eof_by(s, WEIR_NEVER);
}

int weir_stream_try_send_eof(weir_stream s)
{
    return send_eof_by(s, WEIR_TRY);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* To close what is closed is no error. */
static int closed(int rc)
{
    return rc == WEIR_ECLOSED ? 0 : rc;
}

int weir_stream_close(weir_stream s, weir_time deadline)
{
    struct stream_call c;
    int rc = enter(&c, s, false); /* who is cancelled closes as well: it does not wait */
    if (rc < 0)
        return closed(rc);
    rc = c.stream->class->finish(&c, until(deadline));
    party_leave(c.self);
    return closed(rc);
}

int weir_stream_abort(weir_stream s)
{
    struct stream_call c;
    int rc = enter(&c, s, false);
    if (rc < 0)
        return closed(rc);
    rc = shut_and_close(&c, true);
    party_leave(c.self);
    return closed(rc);
}

/* ---- select ---------------------------------------------------------------------------------- */

/* A case's object is the handle itself. */
static weir_stream stream_in(void *object)
{
    return (weir_stream){(weir_handle)(uintptr_t)object};
}

static int int_of(ssize_t rc)
{
    return rc < INT_MAX ? (int)rc : INT_MAX;
}

static size_t case_size(const weir_bytes *b)
{
    return b->size < INT_MAX ? b->size : INT_MAX;
}

static int try_recv_case(void *object, void *bytes)
{
    const weir_bytes *b = bytes;
    return int_of(weir_stream_try_recv(stream_in(object), b->base, case_size(b)));
}

static int try_send_case(void *object, void *bytes)
{
    const weir_bytes *b = bytes;
    return int_of(weir_stream_try_send(stream_in(object), b->base, case_size(b)));
}

static int arm_recv_case(void *object, weir_case *below)
{
    return weir_stream_arm(stream_in(object), false, below);
}

static int arm_send_case(void *object, weir_case *below)
{
    return weir_stream_arm(stream_in(object), true, below);
}

static void disarm_recv_case(void *object, int rc)
{
    weir_stream_disarm(stream_in(object), false, rc);
}

static void disarm_send_case(void *object, int rc)
{
    weir_stream_disarm(stream_in(object), true, rc);
}

static const weir_source recv_source = {try_recv_case, arm_recv_case, disarm_recv_case};
static const weir_source send_source = {try_send_case, arm_send_case, disarm_send_case};

weir_case weir_on_stream_recv(weir_stream s, const weir_bytes *to)
{
    return weir_on_source(&recv_source, (void *)(uintptr_t)s.h, (void *)(uintptr_t)to);
}

weir_case weir_on_stream_send(weir_stream s, const weir_bytes *from)
{
    return weir_on_source(&send_source, (void *)(uintptr_t)s.h, (void *)(uintptr_t)from);
}

int weir_stream_arm(weir_stream s, bool sends, weir_case *below)
{
    struct stream_call c;
    int rc = enter(&c, s, false);
    if (rc < 0)
        return rc;
    rc = c.stream->class->arm(&c, sends, below);
    party_leave(c.self);
    return rc;
}

void weir_stream_disarm(weir_stream s, bool sends, int rc)
{
    struct stream_call c;
    struct party *self = party_enter(); /* not NULL: who has armed has its record */
    if (weir__stream_call(&c, self, s.h) == 0)
        c.stream->class->disarm(&c, sends, rc);
    else
        weir__derived_disarm(self, s.h, sends, rc);
    party_leave(self);
}

/* ---- attributes, wrapping -------------------------------------------------------------------- */

int weir_stream_get_item(weir_stream s, weir_attribute attribute, void *value, size_t size)
{
    struct stream_call c;
    int rc = enter(&c, s, false);
    if (rc < 0)
        return rc;
    rc = value ? c.stream->class->get(&c, attribute, value, size) : WEIR_EINVAL;
    party_leave(c.self);
    return rc;
}

/* Both locks, or the one; in the order of addresses. */
static void lock_streams(const struct stream_call *c, int n, bool take)
{
    for (int i = 0; i < n; i++) {
        bool other = n == 2 && c[0].stream > c[1].stream;
        struct stream *st = c[other ? !i : i].stream;
        if (take)
            lock_acquire(&st->lock, 0);
        else
            lock_release(&st->lock, 0);
    }
}

/* Channels whose locks are taken together; in their order. */
struct held {
    struct chan *chans[4];
    unsigned n;
};

static void hold(struct held *held, struct chan *ch)
{
    unsigned i = held->n++;
    for (; i > 0 && chan_order(held->chans[i - 1]) > chan_order(ch); i--)
        held->chans[i] = held->chans[i - 1];
    held->chans[i] = ch;
}

/* Of a stream that is open: from now on no call of it begins. */
static void hold_stream(struct held *held, struct stream *st)
{
    struct chan *in[2];
    unsigned n = st->class->channels ? st->class->channels(st, in) : 0;
    while (n > 0)
        hold(held, in[--n]);
}

static void lock_held(const struct held *held)
{
    for (unsigned i = 0; i < held->n; i++)
        lock_acquire(&held->chans[i]->lock, 0);
}

static void unlock_held(const struct held *held)
{
    for (unsigned i = held->n; i-- > 0;)
        chan_unlock(held->chans[i]);
}

static int may_take(const struct stream_call *c)
{
    const struct party *owner = aptr_load(&c->slot->owner);
    return (owner && owner != c->self) || !c->stream->class->idle(c->stream) ? WEIR_EBUSY : 0;
}

/* Under the streams' locks: all are open. */
static int shut_open(const struct stream_call *c, int n, struct party **owners)
{
    struct held held = {.n = 0};
    int rc = 0;
    for (int i = 0; i < n; i++)
        hold_stream(&held, c[i].stream);
    lock_held(&held);
    for (int i = 0; i < n && rc == 0; i++)
        rc = may_take(&c[i]);
    if (MUTATE("stream: looked at, and then taken"))
        unlock_held(&held);
    for (int i = 0; i < n && rc == 0; i++)
        owners[i] = slot_shut(c[i].slot);
    if (!MUTATE("stream: looked at, and then taken"))
        unlock_held(&held);
    return rc;
}

/* The handles are closed, all or none. */
static int shut_all(const struct stream_call *c, int n, struct party **owners)
{
    int rc = 0;
    lock_streams(c, n, true);
    for (int i = 0; i < n && rc == 0; i++)
        rc = handle_open(c[i].slot, c[i].h) ? 0 : WEIR_ECLOSED;
    if (rc == 0)
        rc = shut_open(c, n, owners);
    lock_streams(c, n, false);
    return rc;
}

int weir__stream_claim(const struct stream_call *c)
{
    struct party *owner;
    int rc = shut_all(c, 1, &owner);
    if (rc == 0)
        weir__slot_release(c->self, c->slot, owner);
    return rc;
}

/* Handles of nobody's in the place of those of the calls. */
static int retake(const struct stream_call *c, int n, weir_stream *out)
{
    struct slot *slots[2];
    struct party *owners[2] = {NULL, NULL};
    int reserved = 0, rc = 0;
    while (reserved < n && (slots[reserved] = weir__slot_reserve(c->self)))
        reserved++;
    rc = reserved == n ? shut_all(c, n, owners) : weir__slot_refused();
    if (rc < 0) {
        while (reserved > 0)
            weir__slot_cancel(c->self, slots[--reserved]);
        return rc;
    }
    for (int i = 0; i < n; i++) {
        weir__slot_release(c->self, c[i].slot, owners[i]);
        out[i].h = weir__slot_publish(c->self, slots[i], OBJECT, &c[i].stream->object);
        weir__slot_move(c->self, slots[i], NULL);
    }
    return 0;
}

int weir__stream_take(struct party *self, const weir_stream *s, int n, weir_stream *out)
{
    struct stream_call c[2] = {{0}};
    int rc = 0;
    for (int i = 0; i < n && rc == 0; i++)
        rc = weir__stream_call(&c[i], self, s[i].h);
    if (rc == 0)
        rc = n == 2 && c[0].stream == c[1].stream ? WEIR_EINVAL : retake(c, n, out);
    return rc;
}

weir_stream weir_stream_take(weir_stream s)
{
    struct party *self = party_enter();
    weir_stream out;
    if (!self)
        return (weir_stream){handle_null(party_refusal())};
    int rc = weir__stream_take(self, &s, 1, &out);
    party_leave(self);
    if (rc < 0)
        out.h = handle_null(rc);
    return out;
}
