/* SPDX-License-Identifier: MIT */
/* pipe_test.c - see pipe_test.h. */
#include "pipe_test.h"

#include <stdlib.h>

struct piece {
    size_t n;
    char bytes[PIPE_PIECE];
};

struct end {
    struct pipe_options options;
    weir_receiver pieces; /* from the other one */
    weir_sender gives;    /* leave to send another one, when one is used up */
    weir_sender sends;
    weir_receiver leaves;
    struct piece piece; /* came, `start` bytes of it are used up */
    size_t start;
    size_t leave; /* to send so many */
    char item;    /* a leave that comes; by who sends */
    char kept;
    bool keeps;
    _Atomic int fails;
};

static atomic_int alive, aborts;

static size_t most(size_t n, size_t limit)
{
    return limit > 0 && n > limit ? limit : n;
}

static ssize_t end_try_recv(void *self, const struct iovec *to, int n)
{
    struct end *e = self;
    while (n > 1 && to->iov_len == 0)
        to++, n--;
    if (atomic_load(&e->fails))
        return atomic_load(&e->fails);
    if (e->start == e->piece.n) {
        int rc = weir_try_recv(e->pieces, &e->piece);
        if (rc <= 0) {
            e->piece.n = e->start;
            return rc;
        }
        e->start = 0;
    }
    size_t k = most(to->iov_len, e->options.recv_most);
    k = most(k, e->piece.n - e->start);
    memcpy(to->iov_base, e->piece.bytes + e->start, k);
    e->start += k;
    if (e->start == e->piece.n)
        (void)weir_try_send(e->gives, &(char){0});
    return (ssize_t)k;
}

static int send_piece(struct end *e, const void *bytes, size_t n)
{
    struct piece p = {.n = n};
    if (e->leave == 0) {
        int rc = weir_try_recv(e->leaves, &e->item);
        if (rc <= 0)
            return rc == 0 ? WEIR_EPIPE : rc;
        e->leave++;
    }
    memcpy(p.bytes, bytes, n);
    int rc = weir_try_send(e->sends, &p);
    if (rc == 0)
        e->leave--;
    return rc;
}

static int end_try_flush(void *self)
{
    struct end *e = self;
    int rc = e->keeps ? send_piece(e, &e->kept, 1) : 0;
    e->keeps = e->keeps && rc < 0;
    return rc;
}

static ssize_t end_try_send(void *self, const struct iovec *from, int n)
{
    struct end *e = self;
    while (n > 1 && from->iov_len == 0)
        from++, n--;
    size_t k = most(most(from->iov_len, PIPE_PIECE), e->options.send_most);
    int rc = end_try_flush(e);
    if (rc == 0 && (k > 1 || !e->options.keeps))
        rc = send_piece(e, from->iov_base, e->options.keeps ? k - 1 : k);
    if (rc < 0)
        return rc;
    e->keeps = e->options.keeps;
    e->kept = ((const char *)from->iov_base)[k - 1];
    return (ssize_t)k;
}

static int end_arm_recv(void *self, weir_case *below)
{
    struct end *e = self;
    *below = weir_on_recv(e->pieces, &e->piece);
    return 0;
}

static int end_arm_send(void *self, weir_case *below)
{
    struct end *e = self;
    *below = weir_on_recv(e->leaves, &e->item);
    return 0;
}

static void end_disarm(void *self, bool sends, int rc)
{
    struct end *e = self;
    if (rc > 0 && sends)
        e->leave++;
    else if (rc > 0)
        e->start = 0;
}

static int end_try_eof(void *self)
{
    struct end *e = self;
    if (e->options.no_eof)
        return WEIR_ENOTSUP;
    return weir_close(e->sends);
}

static void end_shut(void *self, bool abort)
{
    struct end *e = self;
    atomic_fetch_add(&aborts, abort);
    weir_close(e->pieces);
    weir_close(e->gives);
    weir_close(e->sends);
    weir_close(e->leaves);
}

static void end_release(void *self)
{
    free(self);
    atomic_fetch_sub(&alive, 1);
}

static int end_get(void *self, weir_attribute attribute, void *value, size_t size)
{
    struct end *e = self;
    if (attribute != PIPE_FAIL || size != sizeof(int))
        return WEIR_ENOENT;
    atomic_store(&e->fails, *(int *)value);
    return 0;
}

static const weir_stream_ops ops = {
    .try_recv = end_try_recv,
    .try_send = end_try_send,
    .try_flush = end_try_flush,
    .arm_recv = end_arm_recv,
    .arm_send = end_arm_send,
    .disarm = end_disarm,
    .try_eof = end_try_eof,
    .shut = end_shut,
    .release = end_release,
    .get = end_get,
};

static struct end *new_end(const struct pipe_options *options)
{
    struct end *e = calloc(1, sizeof *e);
    REQUIRE(e != NULL);
    e->options = *options;
    atomic_fetch_add(&alive, 1);
    return e;
}

static void join(struct end *from, struct end *to)
{
    size_t pieces = from->options.pieces ? from->options.pieces : 1024;
    REQUIRE_RC(weir_channel_open(&from->sends, &to->pieces, sizeof(struct piece), pieces, NULL), 0);
    REQUIRE_RC(weir_channel_open(&to->gives, &from->leaves, 1, pieces, NULL), 0);
    for (size_t i = 0; i < pieces; i++)
        EXPECT_RC(weir_try_send(to->gives, &to->item), 0);
    (void)weir_disown(from->sends);
    (void)weir_disown(from->leaves);
    (void)weir_disown(to->pieces);
    (void)weir_disown(to->gives);
}

void pipe_open(weir_stream *a, weir_stream *b, const struct pipe_options *options)
{
    struct pipe_options none = {0};
    struct end *one = new_end(options ? options : &none), *two = new_end(&one->options);
    join(one, two);
    join(two, one);
    *a = weir_stream_make(&ops, one);
    *b = weir_stream_make(&ops, two);
    REQUIRE_RC(weir_check(*a), 0);
    REQUIRE_RC(weir_check(*b), 0);
}

int pipe_alive(void)
{
    return atomic_load(&alive);
}

int pipe_aborts(void)
{
    return atomic_load(&aborts);
}
