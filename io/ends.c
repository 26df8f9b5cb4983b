/* SPDX-License-Identifier: MIT */
/*
 * ends.c - a socket as a pair of channel ends, whose items are chunks (weir/chunk.h).
 *
 * A chunk is received by whoever is first in the queue of receivers: nothing is read before
 * somebody waits for it, or tries. Memory is allocated before the system call, so that nothing is
 * lost when there is none; what was little then moves to memory of its size.
 *
 * A chunk is sent when the system has all of it, or a part: the `rest` stays with the socket and
 * goes before everything else. So a send is all or nothing, for selects and try forms too, what is
 * sent is contiguous, and one chunk at most is between the sender and the system.
 */
#include <weir/socket.h>

#include "linger.h"
#include "socket.h"

enum { FEW = 2048, MANY = 32768, LITTLE = 1024 };

/* ---- receive, under the lock of `in` ------------------------------------------------------- */

/* What takes little place is not to keep much. If there is no memory for that it keeps it. */
static void shrink(weir_chunk *c)
{
    weir_chunk small;
    if (c->size < LITTLE && weir_chunk_copy(&small, weir_chunk_data(*c), c->size) == 0) {
        weir_chunk_free(c);
        *c = small;
    }
}

int weir__socket_pop_chunk(struct socket *s, struct waiter *w)
{
    weir_chunk c;
    void *data;
    uint32_t size = s->large ? MANY : FEW;
    int rc = weir_chunk_new(&c, size, &data);
    if (rc < 0)
        return rc;
    int k = weir__socket_receive(s, &(struct iovec){data, size}, 1, NULL);
    if (k <= 0) {
        weir_chunk_free(&c);
        return k;
    }
    c.size = (uint32_t)k;
    s->large = c.size == size;
    shrink(&c);
    *(weir_chunk *)(void *)w->items = c;
    s->in.feeder.chan->handed++;
    return 1;
}

/* ---- send, under the lock of `out` --------------------------------------------------------- */

static int push_some(struct socket *s, weir_chunk *c, bool begun)
{
    void *data = (void *)(uintptr_t)weir_chunk_data(*c);
    int k = weir__socket_transmit(s, &(struct iovec){data, c->size}, 1, NULL, begun);
    if (k > 0) {
        c->offset += (uint32_t)k;
        c->size -= (uint32_t)k;
    }
    return k;
}

int weir__socket_push_rest(struct socket *s)
{
    int k = 1;
    while (s->rest.size > 0 && k > 0)
        k = push_some(s, &s->rest, true);
    if (s->rest.size == 0 || k < 0) {
        weir_chunk_free(&s->rest);
        a8_store(&s->d.more, 0);
    }
    return k;
}

/* As far as it goes without a wait: what is left is the socket's. */
static int push_chunk(struct socket *s, weir_chunk c)
{
    uint32_t size = c.size;
    int k = 1;
    while (c.size > 0 && k > 0)
        k = push_some(s, &c, c.size < size);
    if (c.size == size && k <= 0)
        return k;
    if (c.size > 0 && k == FULL) {
        s->rest = c;
        a8_store(&s->d.more, 1);
    } else {
        weir_chunk_free(&c); /* all of it went, or what follows says that it did not */
    }
    return 1;
}

int weir__socket_push_chunks(struct socket *s, struct waiter *w)
{
    weir_chunk *c = (weir_chunk *)(void *)w->items;
    uint32_t sent = 0;
    int k = 1;
    while (sent < w->count && k > 0) {
        k = weir__socket_push_rest(s);
        if (k > 0)
            k = push_chunk(s, c[sent]);
        if (k > 0)
            sent++;
    }
    s->out.feeder.chan->handed += sent;
    return sent > 0 ? (int)sent : k;
}

/* Under the stream's lock, when `out` is closed: the rest, and then the end. */
static void push_end(struct socket *s)
{
    if (weir__socket_push_rest(s) != FULL && !s->eof && !s->torn) {
        s->d.net->shutdown(s->d.fd, SHUT_WR);
        s->eof = true;
    }
}

void weir__socket_end(struct socket *s)
{
    lock_acquire(&s->stream.lock, 0);
    if (!s->left) /* else the rest is another one's: linger.c */
        push_end(s);
    lock_release(&s->stream.lock, 0);
}

/*
 * Who closes `out` takes the channel from the descriptor before he looks at the rest; so either he
 * sees what we have left of it, or we find it closed.
 */
void weir__socket_rest(struct descriptor *d)
{
    struct socket *s = container_of(d, struct socket, d);
    struct chan *out = aptr_load_acquire(&d->out);
    if (!out) {
        weir__socket_end(s);
        return;
    }
    lock_acquire(&out->lock, 0);
    if (out->senders > 0)
        weir__socket_push_rest(s);
    chan_unlock(out);
}

void weir__socket_more(struct descriptor *d, struct thread *t)
{
    if (!weir__linger_event(container_of(d, struct socket, d), t))
        weir__socket_rest(d);
}

/* ---- the two ends -------------------------------------------------------------------------- */

static int split(const struct stream_call *c, struct socket *s, weir_chunk_receiver *rx,
                 weir_chunk_sender *tx)
{
    struct slot *in = weir__slot_reserve(c->self), *out = in ? weir__slot_reserve(c->self) : NULL;
    int rc = out ? weir__stream_claim(c) : weir__slot_refused();
    if (rc < 0) {
        if (out)
            weir__slot_cancel(c->self, out);
        if (in)
            weir__slot_cancel(c->self, in);
        return rc;
    }
    rx->h = weir__slot_publish(c->self, in, RECEIVER, s->in.feeder.chan);
    tx->h = weir__slot_publish(c->self, out, SENDER, s->out.feeder.chan);
    return 0;
}

int weir_stream_ends(weir_stream stream, weir_chunk_receiver *rx, weir_chunk_sender *tx)
{
    struct stream_call c;
    if (!rx || !tx)
        return WEIR_EINVAL;
    int rc = weir__stream_enter(&c, stream, false);
    if (rc == 0) {
        struct socket *s = weir__socket_of(c.stream);
        rc = s ? split(&c, s, rx, tx) : WEIR_ENOTSUP;
        party_leave(c.self);
    }
    if (rc < 0) {
        rx->h = handle_null(rc);
        tx->h = handle_null(rc);
    }
    return rc;
}
