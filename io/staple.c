/* SPDX-License-Identifier: MIT */
/* staple.c - one stream of two, one for each direction. */
#include <weir/pair.h>

#include "os.h"
#include "stream.h"

enum { RECEIVES, SENDS };

struct staple {
    weir_stream half[2];
};

static weir_stream half(void *self, bool sends)
{
    return ((const struct staple *)self)->half[sends ? SENDS : RECEIVES];
}

static ssize_t staple_recv(void *self, const struct iovec *to, int n)
{
    return weir_stream_try_recvv(half(self, false), to, n);
}

static ssize_t staple_send(void *self, const struct iovec *from, int n)
{
    return weir_stream_try_sendv(half(self, true), from, n);
}

static int staple_flush(void *self)
{
    return weir_stream_try_flush(half(self, true));
}

static int staple_arm_recv(void *self, weir_case *below)
{
    return weir_stream_arm(half(self, false), false, below);
}

static int staple_arm_send(void *self, weir_case *below)
{
    return weir_stream_arm(half(self, true), true, below);
}

static void staple_disarm(void *self, bool sends, int rc)
{
    weir_stream_disarm(half(self, sends), sends, rc);
}

static int staple_eof(void *self)
{
    int rc = weir_stream_try_send_eof(half(self, true));
    return rc == WEIR_ENOTSUP ? weir_close(half(self, true)) : rc;
}

static void staple_shut(void *self, bool abort)
{
    for (int i = SENDS; i >= RECEIVES; i--) {
        if (abort)
            (void)weir_stream_abort(half(self, i));
        else
            (void)weir_close(half(self, i));
    }
}

static void staple_release(void *self)
{
    os_free(self, sizeof(struct staple));
}

static int staple_get(void *self, weir_attribute attribute, void *value, size_t size)
{
    return weir_stream_get_item(half(self, false), attribute, value, size);
}

/* What is still on its way is on its way there. */
static weir_stream staple_below(void *self)
{
    return half(self, true);
}

static const weir_stream_ops ops = {
    .try_recv = staple_recv,
    .try_send = staple_send,
    .try_flush = staple_flush,
    .arm_recv = staple_arm_recv,
    .arm_send = staple_arm_send,
    .disarm = staple_disarm,
    .try_eof = staple_eof,
    .shut = staple_shut,
    .release = staple_release,
    .get = staple_get,
    .below = staple_below,
};

/* Made before it has its halves: so a failure leaves them as they are. */
static weir_handle make(struct party *self, const weir_stream *halves)
{
    struct staple *s = os_alloc(sizeof *s);
    if (!s)
        return handle_null(WEIR_ENOMEM);
    *s = (struct staple){{{0}, {0}}};
    weir_stream made = weir_stream_make(&ops, s);
    int rc = weir_check(made);
    if (rc < 0)
        os_free(s, sizeof *s);
    else if ((rc = weir__stream_take(self, halves, 2, s->half)) < 0)
        (void)weir_close(made); /* nobody else knows of it */
    return rc < 0 ? handle_null(rc) : made.h;
}

weir_stream weir_stream_staple(weir_stream receives, weir_stream sends)
{
    struct party *self = party_enter();
    if (!self)
        return (weir_stream){handle_null(party_refusal())};
    weir_handle h = make(self, (const weir_stream[]){receives, sends});
    party_leave(self);
    return (weir_stream){h};
}
