/* SPDX-License-Identifier: MIT */
/* socket.c - see socket.h. */
#include "socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/uio.h>

#include "attributes.h"
#include "linger.h"

static struct socket *socket_of(struct stream *st)
{
    return container_of(st, struct socket, stream);
}

static struct socket *receiving(struct feeder *f)
{
    return container_of(f, struct socket, in.feeder);
}

static struct socket *sending(struct feeder *f)
{
    return container_of(f, struct socket, out.feeder);
}

/* ---- under the lock of a direction --------------------------------------------------------- */

static int end_with(struct direction *way, ssize_t rc)
{
    way->over = (int16_t)(rc == 0 ? END : net_error(rc));
    return way->over;
}

/* The kernel had no memory for it just now: nothing has ended. */
static bool passes(ssize_t rc)
{
    return rc == -ENOMEM || rc == -ENOBUFS;
}

static size_t bytes_in(const struct iovec *v, uint32_t n)
{
    size_t size = 0;
    for (uint32_t i = 0; i < n; i++)
        size += v[i].iov_len;
    return size;
}

/* What a request to receive bytes is about that takes descriptors too; its count is WITH_FDS. */
struct bytes_in {
    struct iovec to;
    struct fds_in *fds;
};

enum { WITH_FDS = INT_MAX };

/* Who takes none closes them. *whole: fewer than asked for are all that there were. */
static ssize_t receive_with_fds(struct socket *s, struct msghdr *m, struct fds_in *in, bool *whole)
{
    struct fds_in none = {0};
    struct fds_in *fds = in ? in : &none;
    ssize_t k = weir__fds_recv(s->d.net, s->d.fd, m, fds);
    *whole = *whole && fds->n == 0 && fds->lost == 0;
    a32_store(&s->lost, a32_load(&s->lost) + fds->lost);
    return k;
}

/* The same. */
static ssize_t receive(struct socket *s, struct iovec *to, uint32_t n, struct fds_in *fds,
                       bool *whole)
{
    ssize_t k;
    *whole = s->d.net->short_is_empty;
    if (n == 1 && !(s->flags & SOCKET_UNIX)) {
        do
            k = s->d.net->recv(s->d.fd, to->iov_base, to->iov_len, 0);
        while (k == -EINTR);
        return k;
    }
    struct msghdr m = {.msg_iov = to, .msg_iovlen = n};
    if (s->takes_fds)
        return receive_with_fds(s, &m, fds, whole);
    do
        k = s->d.net->recvmsg(s->d.fd, &m, 0);
    while (k == -EINTR);
    if (m.msg_flags & MSG_CTRUNC) { /* a receive ends at the bytes that came with descriptors */
        *whole = false;
        a32_store(&s->lost, a32_load(&s->lost) + 1);
    }
    return k;
}

int weir__socket_receive(struct socket *s, struct iovec *to, uint32_t n, struct fds_in *fds)
{
    bool whole;
    uint32_t edges = descriptor_edges(&s->d);
    ssize_t k = receive(s, to, n, fds, &whole);
    if (MUTATE("net: edges read late"))
        edges = descriptor_edges(&s->d);
    if (k == -EAGAIN)
        return weir__descriptor_idle(&s->d, &s->in, false, edges);
    if (k <= 0)
        return passes(k) ? (int)k : end_with(&s->in, k);
    if (whole && (size_t)k < bytes_in(to, n) && !a8_load(&s->d.hung_up) &&
        descriptor_is_added(&s->d)) {
        s->in.edges = edges;
        s->in.idle = true;
    } else {
        s->in.idle = false;
    }
    s->received += (size_t)k;
    return (int)k;
}

static int pop(struct feeder *f, struct waiter *w)
{
    struct socket *s = receiving(f);
    if (s->in.over)
        return s->in.over;
    if (s->in.armed && w->count > 0)
        return WEIR_EBUSY;
    if (is_idle(&s->d, &s->in))
        return EMPTY;
    if (!w->bytes)
        return weir__socket_pop_chunk(s, w);
    if (w->count == 0)
        return 1;
    if (w->count != (uint32_t)WITH_FDS)
        return weir__socket_receive(s, (struct iovec *)(void *)w->items, w->count, NULL);
    struct bytes_in *b = (struct bytes_in *)(void *)w->items;
    return s->takes_fds ? weir__socket_receive(s, &b->to, 1, b->fds) : WEIR_ENOTSUP;
}

static bool ready(struct feeder *f)
{
    struct socket *s = receiving(f);
    return s->in.over || !is_idle(&s->d, &s->in);
}

/* Who wants to be told when something comes asks no further: adding it reports what is there. */
static int look(struct feeder *f)
{
    struct socket *s = receiving(f);
    uint32_t edges = descriptor_edges(&s->d);
    char first;
    if (s->in.over)
        return s->in.over;
    if (is_idle(&s->d, &s->in))
        return EMPTY;
    if (descriptor_is_added_for(&s->d, false)) {
        ssize_t k;
        do
            k = s->d.net->recv(s->d.fd, &first, 1, MSG_PEEK);
        while (k == -EINTR);
        if (k != -EAGAIN)
            return 1;
    }
    return weir__descriptor_idle(&s->d, &s->in, false, edges);
}

/* What a request to send bytes is about. */
struct bytes_out {
    struct iovec *from;
    uint32_t n;
    size_t sent;
    const struct fds_out *fds; /* which go with the first of them; or NULL */
    bool any;                  /* a part of them is as good as all */
};

/* What was begun can not be ended: it is not to look as if it had been. */
static int failed(struct socket *s, bool begun, ssize_t rc)
{
    if (!passes(rc))
        return end_with(&s->out, rc);
    if (begun) {
        s->torn = true;
        end_with(&s->out, WEIR_EPIPE);
    }
    return (int)rc;
}

int weir__socket_transmit(struct socket *s, const struct iovec *from, uint32_t n,
                          const struct fds_out *fds, bool begun)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)from, .msg_iovlen = n};
    uint32_t edges = descriptor_edges(&s->d);
    ssize_t k;
    do
        k = fds      ? weir__fds_send(s->d.net, s->d.fd, &m, fds)
            : n == 1 ? s->d.net->send(s->d.fd, from->iov_base, from->iov_len, 0)
                     : s->d.net->sendmsg(s->d.fd, &m, 0);
    while (k == -EINTR);
    if (k == -EAGAIN)
        return weir__descriptor_idle(&s->d, &s->out, true, edges);
    if (k < 0 && fds && fds_are_refused((int)k))
        return net_error(k); /* nothing went, and the stream is as it was */
    if (k < 0)
        return failed(s, begun, k);
    s->out.idle = false;
    s->sent += (size_t)k;
    return (int)k;
}

static void advance(struct bytes_out *b, size_t k)
{
    b->sent += k;
    while (b->n > 0 && k >= b->from->iov_len) {
        k -= b->from->iov_len;
        b->from++;
        b->n--;
    }
    if (b->n > 0) {
        b->from->iov_base = (char *)b->from->iov_base + k;
        b->from->iov_len -= k;
    }
}

static struct bytes_out *bytes_out_of(const struct waiter *w)
{
    return (struct bytes_out *)(void *)w->items;
}

/*
 * Someone has sent a part of his bytes, and is gone: what follows would be read as their rest. He
 * himself does not say so when he goes on, as the socket may be another one's by then.
 */
static bool is_torn(struct socket *s, const struct waiter *w)
{
    bool goes_on = w == s->middle && w->bytes && w->count > 0 && bytes_out_of(w)->sent > 0;
    if (s->middle && !goes_on) {
        s->torn = true;
        end_with(&s->out, WEIR_EPIPE);
    }
    return s->torn;
}

static int send_bytes(struct socket *s, const struct waiter *w, struct bytes_out *b)
{
    while (b->n > 0) {
        int k = weir__socket_transmit(s, b->from, b->n, b->sent == 0 ? b->fds : NULL, b->sent > 0);
        if (k <= 0) {
            s->middle = k == FULL && b->sent > 0 && !b->any ? w : NULL;
            return k;
        }
        advance(b, (size_t)k);
    }
    s->middle = NULL;
    return 1;
}

static int push(struct feeder *f, struct waiter *w)
{
    struct socket *s = sending(f);
    if (s->out.over)
        return s->out.over;
    if (s->out.armed && w->count > 0)
        return WEIR_EBUSY;
    if (is_torn(s, w))
        return WEIR_EPIPE;
    if (is_idle(&s->d, &s->out))
        return FULL;
    if (!w->bytes)
        return weir__socket_push_chunks(s, w);
    return w->count == 0 ? 1 : send_bytes(s, w, bytes_out_of(w));
}

/* ---- the end ------------------------------------------------------------------------------- */

static void direction_over(struct socket *s, struct thread *t)
{
    if (a32_add(&s->users, UINT32_MAX) == 1) {
        a_after_rmw();
        weir__linger_begin(s, t);
    }
}

static void in_deserted(struct feeder *f, struct thread *t)
{
    struct socket *s = receiving(f);
    aptr_store_release(&s->d.in, NULL);
    direction_over(s, t);
}

/*
 * While somebody still receives the peer is told at once that no more comes, or, by
 * weir__socket_more(), behind the rest of a chunk.
 */
static void out_deserted(struct feeder *f, struct thread *t)
{
    struct socket *s = sending(f);
    aptr_store_release(&s->d.out, NULL);
    if (a32_load_acquire(&s->users) > 1 && !s->released && !s->aborts && !s->middle)
        weir__socket_end(s);
    direction_over(s, t);
}

static const struct feed in_feed = {
    .pop = pop, .ready = ready, .look = look, .deserted = in_deserted};
static const struct feed out_feed = {.push = push, .deserted = out_deserted};

/* ---- as a stream --------------------------------------------------------------------------- */

static ssize_t sock_recv(const struct stream_call *c, const struct iovec *to, int n,
                         weir_time deadline)
{
    struct socket *s = socket_of(c->stream);
    return weir__fed_bytes(c->self, c->slot, c->h, s->in.feeder.chan, false, (void *)(uintptr_t)to,
                           (uint32_t)n, deadline);
}

static int send_out(const struct stream_call *c, struct bytes_out *b, weir_time deadline,
                    size_t *sent)
{
    struct socket *s = socket_of(c->stream);
    b->any = deadline == WEIR_TRY;
    int rc = weir__fed_bytes(c->self, c->slot, c->h, s->out.feeder.chan, true, b, 1, deadline);
    *sent = b->sent;
    return rc >= 0 || (b->any && b->sent > 0) ? 0 : rc;
}

static int sock_send(const struct stream_call *c, const struct iovec *from, int n,
                     weir_time deadline, size_t *sent)
{
    struct iovec copy[WEIR_IOV_MAX];
    struct bytes_out b = {.from = copy};
    for (int i = 0; i < n; i++)
        if (from[i].iov_len > 0)
            copy[b.n++] = from[i];
    return send_out(c, &b, deadline, sent);
}

/* ---- descriptors among the bytes ----------------------------------------------------------- */

ssize_t weir__socket_recv_fds(const struct stream_call *c, const struct iovec *to,
                              struct fds_in *in, weir_time deadline)
{
    struct bytes_in b = {*to, in};
    return weir__fed_bytes(c->self, c->slot, c->h, socket_of(c->stream)->in.feeder.chan, false, &b,
                           WITH_FDS, deadline);
}

int weir__socket_send_fds(const struct stream_call *c, const struct iovec *from,
                          const struct fds_out *out, weir_time deadline, size_t *sent)
{
    struct iovec copy = *from;
    struct bytes_out b = {.from = &copy, .n = 1, .fds = out};
    return send_out(c, &b, deadline, sent);
}

void weir__socket_allow_fds(struct socket *s)
{
    struct chan *in = s->in.feeder.chan;
    lock_acquire(&in->lock, 0);
    s->takes_fds = true;
    chan_unlock(in);
}

/* ---- the end of it
 * -------------------------------------------------------------------------------
 */

static int sock_send_eof(const struct stream_call *c, weir_time deadline)
{
    (void)deadline; /* it never waits */
    struct socket *s = socket_of(c->stream);
    struct chan *out = s->out.feeder.chan;
    lock_acquire(&out->lock, 0);
    int rc = !handle_open(c->slot, c->h) ? WEIR_ECLOSED
             : out->sendq.first          ? WEIR_EBUSY
             : s->eof                    ? 0
             : s->middle                 ? WEIR_EPIPE
                                         : s->out.over;
    if (rc == 0 && !s->eof) {
        rc = s->d.net->shutdown(s->d.fd, SHUT_WR);
        s->eof = rc == 0;
        end_with(&s->out, rc == 0 ? WEIR_EPIPE : rc);
    }
    chan_unlock(out);
    return rc;
}

/*
 * Until it is disarmed the direction is the caller's; through a handle that is closed by now nobody
 * would disarm it.
 */
static int sock_arm(const struct stream_call *c, bool sends, weir_case *below)
{
    struct socket *s = socket_of(c->stream);
    struct direction *way = sends ? &s->out : &s->in;
    struct chan *ch = way->feeder.chan;
    lock_acquire(&ch->lock, 0);
    bool busy = way->armed || ch->recvq.first || ch->sendq.first;
    int rc = !handle_open(c->slot, c->h) && !MUTATE("net: armed, open or not") ? WEIR_ECLOSED
             : busy                                                            ? WEIR_EBUSY
                                                                               : 0;
    if (rc == 0)
        way->armed = true;
    chan_unlock(ch);
    *below = weir__on_fed(c->h, ch, sends);
    return rc;
}

static void sock_disarm(const struct stream_call *c, bool sends, int rc)
{
    struct socket *s = socket_of(c->stream);
    struct direction *way = sends ? &s->out : &s->in;
    (void)rc; /* it took nothing */
    lock_acquire(&way->feeder.chan->lock, 0);
    way->armed = false;
    chan_unlock(way->feeder.chan);
}

/* The handle is shut. */
static int sock_close(const struct stream_call *c, bool abort)
{
    struct socket *s = socket_of(c->stream);
    s->aborts = abort;
    weir__fed_close(c->self, s->in.feeder.chan, RECEIVER, c->slot);
    weir__fed_close(c->self, s->out.feeder.chan, SENDER, c->slot);
    return 0;
}

/* Each wait may be the end of what was looked up before it. */
static ssize_t discard(struct party *self, weir_handle h, weir_time deadline)
{
    struct stream_call c;
    char scrap[4096];
    struct iovec to = {scrap, sizeof scrap};
    ssize_t k = weir__stream_call(&c, self, h);
    return k < 0 ? k : sock_recv(&c, &to, 1, deadline);
}

/* That somebody else is in the way is no reason to destroy what was sent. */
static int sock_finish(const struct stream_call *c, weir_time deadline)
{
    struct stream_call again;
    ssize_t k = sock_send_eof(c, deadline);
    for (size_t sum = 0; k >= 0 && sum < LINGER_DISCARDS; sum += (size_t)k)
        if ((k = discard(c->self, c->h, deadline)) <= 0)
            break;
    if (weir__stream_call(&again, c->self, c->h) == 0 && weir__stream_shut(&again) == 0)
        sock_close(&again, k < 0 && k != WEIR_EBUSY);
    return k < 0 && k != WEIR_ECLOSED ? (int)k : 0;
}

/* How many bytes went this way. */
static int get_count(const struct direction *way, const uint64_t *count, void *value, size_t size)
{
    struct chan *ch = way->feeder.chan;
    if (size != sizeof *count)
        return WEIR_EITEM;
    lock_acquire(&ch->lock, 0);
    __builtin_memcpy(value, count, size);
    chan_unlock(ch);
    return 0;
}

static int sock_get(const struct stream_call *c, weir_attribute attribute, void *value, size_t size)
{
    struct socket *s = socket_of(c->stream);
    struct chan *in = s->in.feeder.chan;
    if (attribute == WEIR_SOCKET_RECEIVED)
        return get_count(&s->in, &s->received, value, size);
    if (attribute == WEIR_SOCKET_SENT)
        return get_count(&s->out, &s->sent, value, size);
    lock_acquire(&in->lock, 0); /* until its ends close the descriptor is the socket's */
    int rc = handle_open(c->slot, c->h)
                 ? weir__socket_attribute(&s->d, &s->lost, attribute, value, size)
                 : WEIR_ECLOSED;
    chan_unlock(in);
    return rc;
}

static unsigned sock_channels(struct stream *st, struct chan *in[2])
{
    const struct socket *s = socket_of(st);
    in[0] = s->in.feeder.chan;
    in[1] = s->out.feeder.chan;
    return 2;
}

/* Under the locks of both. */
static bool sock_idle(struct stream *st)
{
    const struct socket *s = socket_of(st);
    const struct chan *in = s->in.feeder.chan, *out = s->out.feeder.chan;
    return !in->recvq.first && !s->in.armed && !out->sendq.first && !s->out.armed;
}

static const struct stream_class class = {
    .recv = sock_recv,
    .send = sock_send,
    .send_eof = sock_send_eof,
    .arm = sock_arm,
    .disarm = sock_disarm,
    .close = sock_close,
    .finish = sock_finish,
    .get = sock_get,
    .channels = sock_channels,
    .idle = sock_idle,
};

struct socket *weir__socket_of(struct stream *st)
{
    return st->class == &class ? socket_of(st) : NULL;
}

int weir__socket_release(struct party *self, struct socket *s)
{
    int fd = s->d.fd;
    s->released = true;
    weir__fed_close(self, s->in.feeder.chan, RECEIVER, NULL);
    weir__fed_close(self, s->out.feeder.chan, SENDER, NULL);
    return fd;
}

/* ---- by name ------------------------------------------------------------------------------- */

uint64_t weir__socket_name(weir_stream stream)
{
    struct stream_call c;
    const struct socket *s = NULL;
    if (weir__stream_call(&c, party_current(), stream.h) == 0)
        s = weir__socket_of(c.stream);
    return s ? weir__descriptor_name(&s->d) : 0;
}

/* Who closes the channel comes later, as long as it has an end: so what is said here he sees. */
static void cut(struct socket *s, struct chan *ch, struct direction *way)
{
    struct wake_list woken = {NULL, NULL};
    if (!ch)
        return;
    lock_acquire(&ch->lock, 0);
    if (ch->senders > 0 && ch->receivers > 0) {
        if (way == &s->out)
            s->torn = true;
        if (!way->over)
            end_with(way, -ECONNRESET);
        weir__fed_serve_locked(ch, &woken);
    }
    chan_unlock(ch);
    wake_all(woken.first);
}

void weir__socket_cut(uint64_t name)
{
    struct descriptor *d = weir__descriptor_named(name);
    if (d) {
        struct socket *s = container_of(d, struct socket, d);
        cut(s, aptr_load_acquire(&d->out), &s->out); /* pairs with out_deserted() */
        cut(s, aptr_load_acquire(&d->in), &s->in);
    }
}

bool weir__socket_is_silent(uint64_t name)
{
    struct descriptor *d = weir__descriptor_named(name);
    struct chan *in = d ? aptr_load_acquire(&d->in) : NULL;
    if (!in)
        return false;
    lock_acquire(&in->lock, 0);
    bool silent = in->receivers > 0 && container_of(d, struct socket, d)->received == 0 &&
                  descriptor_ready(d, false) == 0;
    chan_unlock(in);
    return silent;
}

/* ---- open ---------------------------------------------------------------------------------- */

static int open_ends(struct socket *s, struct thread *t)
{
    int rc = weir__fed_open(&s->in.feeder, &in_feed, t, sizeof(weir_chunk), 0, false);
    if (rc < 0)
        return rc;
    rc = weir__fed_open(&s->out.feeder, &out_feed, t, sizeof(weir_chunk), 1, false);
    if (rc < 0)
        weir__fed_drop(&s->in.feeder, t);
    return rc;
}

weir_stream weir__socket_open(struct party *self, const struct net *net, int fd, unsigned flags)
{
    struct thread *t = self->thread;
    struct socket *s = weir__descriptor_alloc(t);
    if (!s)
        return (weir_stream){handle_null(WEIR_ENOMEM)};
    s->stream.object.type = &weir__stream_type;
    s->stream.class = &class;
    s->d.net = net;
    s->d.fd = fd;
    s->flags = (uint8_t)flags;
    s->takes_fds = flags & SOCKET_FDS;
    a32_store(&s->users, 2);
    struct slot *slot = weir__slot_reserve(self);
    int rc = slot ? open_ends(s, t) : weir__slot_refused();
    if (rc < 0) {
        if (slot)
            weir__slot_cancel(self, slot);
        weir__descriptor_free(&s->d, t);
        return (weir_stream){handle_null(rc)};
    }
    if (net->simulated) {
        fed_inside(&s->in.feeder);
        fed_inside(&s->out.feeder);
    }
    aptr_store(&s->d.in, s->in.feeder.chan);
    aptr_store(&s->d.out, s->out.feeder.chan);
    weir__descriptor_open(&s->d);
    return (weir_stream){weir__slot_publish(self, slot, OBJECT, &s->stream)};
}

int weir__socket_connected(struct party *self, weir_stream stream, weir_time deadline)
{
    struct stream_call c;
    int rc = weir__stream_call(&c, self, stream.h);
    if (rc < 0)
        return rc;
    struct socket *s = socket_of(c.stream);
    struct chan *out = s->out.feeder.chan;
    lock_acquire(&out->lock, 0);
    rc = weir__descriptor_idle(&s->d, &s->out, true, descriptor_edges(&s->d));
    chan_unlock(out);
    return rc < 0 ? rc : weir__fed_bytes(self, c.slot, c.h, out, true, NULL, 0, deadline);
}
