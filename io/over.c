/* SPDX-License-Identifier: MIT */
/* over.c - a stream over the ends of channels of chunks. */
#include <weir/call.h>
#include <weir/pair.h>

#include <string.h>

#include "handle.h"
#include "os.h"

struct over {
    weir_chunk_receiver rx;
    weir_chunk_sender tx;
    weir_chunk in;  /* what is left of it */
    weir_chunk out; /* taken, and not yet sent */
};

enum { LARGEST = 65536 };

/* ---- receiving ------------------------------------------------------------------------------- */

static size_t take(weir_chunk *c, char *to, size_t size)
{
    size_t n = size < c->size ? size : c->size;
    if (n == 0)
        return 0;
    memcpy(to, weir_chunk_data(*c), n);
    c->offset += (uint32_t)n;
    c->size -= (uint32_t)n;
    if (c->size == 0)
        weir_chunk_free(c);
    return n;
}

static ssize_t over_recv(void *self, const struct iovec *to, int n)
{
    struct over *o = self;
    ssize_t got = 0;
    while (o->in.size == 0) { /* somebody may have sent an empty one */
        int rc = weir_chunk_try_recv(o->rx, &o->in);
        if (rc <= 0)
            return rc;
    }
    for (int i = 0; i < n; i++)
        got += (ssize_t)take(&o->in, to[i].iov_base, to[i].iov_len);
    return got;
}

static int over_arm_recv(void *self, weir_case *below)
{
    struct over *o = self;
    if (o->in.size > 0)
        return WEIR_EAGAIN;
    *below = weir_chunk_on_recv(o->rx, &o->in);
    return 0;
}

/* ---- sending --------------------------------------------------------------------------------- */

static int over_flush(void *self)
{
    struct over *o = self;
    int rc = o->out.size > 0 ? weir_chunk_try_send(o->tx, o->out) : 0;
    if (rc == 0)
        o->out = (weir_chunk){NULL, 0, 0};
    return rc;
}

static size_t sum(const struct iovec *at, int n)
{
    size_t all = 0;
    for (int i = 0; i < n && all < LARGEST; i++)
        all += at[i].iov_len;
    return all < LARGEST ? all : LARGEST;
}

static void fill(char *to, size_t size, const struct iovec *from)
{
    for (size_t k; size > 0; from++, to += k, size -= k) {
        k = from->iov_len < size ? from->iov_len : size;
        if (k > 0)
            memcpy(to, from->iov_base, k);
    }
}

static ssize_t over_send(void *self, const struct iovec *from, int n)
{
    struct over *o = self;
    void *to;
    int rc = over_flush(o);
    if (rc < 0)
        return rc;
    size_t size = sum(from, n);
    rc = weir_chunk_new(&o->out, size, &to);
    if (rc < 0)
        return rc;
    fill(to, size, from);
    rc = over_flush(o);
    if (rc == 0 || rc == WEIR_EAGAIN)
        return (ssize_t)size;
    weir_chunk_free(&o->out);
    return rc;
}

static int over_arm_send(void *self, weir_case *below)
{
    struct over *o = self;
    if (o->out.size == 0)
        return WEIR_EAGAIN;
    *below = weir_chunk_on_send(o->tx, &o->out);
    return 0;
}

static void over_disarm(void *self, bool sends, int rc)
{
    struct over *o = self;
    if (sends && rc == 0) /* the channel has it; what has come in is in its place */
        o->out = (weir_chunk){NULL, 0, 0};
}

static int over_eof(void *self)
{
    (void)weir_close(((struct over *)self)->tx);
    return 0;
}

/* ---- made and released --------------------------------------------------------------------- */

static void over_shut(void *self, bool abort)
{
    const struct over *o = self;
    (void)abort;
    if (o->tx.h)
        (void)weir_close(o->tx);
    if (o->rx.h)
        (void)weir_close(o->rx);
}

static void over_release(void *self)
{
    struct over *o = self;
    weir_chunk_free(&o->in);
    weir_chunk_free(&o->out);
    os_free(o, sizeof *o);
}

#define RECEIVES .try_recv = over_recv, .arm_recv = over_arm_recv
#define SENDS                                                                                      \
    .try_send = over_send, .try_flush = over_flush, .arm_send = over_arm_send, .try_eof = over_eof
#define ENDS .disarm = over_disarm, .shut = over_shut, .release = over_release

static const weir_stream_ops both = {RECEIVES, SENDS, ENDS};
static const weir_stream_ops receives = {RECEIVES, ENDS};
static const weir_stream_ops sends = {SENDS, ENDS};

/* An end of chunks that becomes nobody's: 0 or an error. No end is one as well. */
static int own(weir_handle h)
{
    weir_statistics s;
    int rc = h ? weir_handle_statistics(h, &s) : 0;
    if (rc == 0 && h)
        rc = s.item_size == sizeof(weir_chunk) ? weir_handle_disown(h) : WEIR_EITEM;
    return rc;
}

static void disown(weir_handle h)
{
    if (h)
        (void)weir_handle_adopt(h);
}

static weir_handle make(weir_chunk_receiver rx, weir_chunk_sender tx)
{
    struct over *o = os_alloc(sizeof *o);
    if (!o)
        return handle_null(WEIR_ENOMEM);
    *o = (struct over){.rx = rx, .tx = tx};
    weir_handle h = weir_stream_make(!tx.h ? &receives : !rx.h ? &sends : &both, o).h;
    if (weir_handle_check(h) < 0)
        os_free(o, sizeof *o);
    return h;
}

weir_stream weir_stream_over(weir_chunk_receiver rx, weir_chunk_sender tx)
{
    int rc = rx.h || tx.h ? own(rx.h) : WEIR_EINVAL;
    if (rc < 0)
        return (weir_stream){handle_null(rc)};
    rc = own(tx.h);
    weir_handle h = rc < 0 ? handle_null(rc) : make(rx, tx);
    if (weir_handle_check(h) < 0) {
        disown(rx.h);
        if (rc == 0)
            disown(tx.h);
    }
    return (weir_stream){h};
}
