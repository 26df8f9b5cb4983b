/* SPDX-License-Identifier: MIT */
/*
 * wrap.h - what wrappers (buffered.c, text.c) have in common: a stream below, and how they wait.
 *
 * A wrapper that receives keeps what it has not returned yet. Between its try_recv, which found
 * nothing, and its arm_recv the direction may be another one's for a moment (a select claims it
 * only while it waits), and whoever that was may have left something in the wrapper. To wait for
 * the stream below would be wrong then: so try_recv says that it is hungry, whatever changes what
 * is kept takes that back, and who arms without it is told to try again.
 */
#ifndef WEIR_IO_WRAP_H
#define WEIR_IO_WRAP_H

#include <weir/stream.h>

struct wrap {
    weir_stream below;
    bool hungry;
};

/*
 * Make the stream `self` of this table, which contains *w, then take `s` for it: so a failure
 * leaves `s` as it was. In that case `self` has been released, and the result carries the error.
 */
weir_stream weir__wrap(const weir_stream_ops *ops, void *self, struct wrap *w, weir_stream s);

static inline int wrap_arm_recv(const struct wrap *w, weir_case *below)
{
    return w->hungry ? weir_stream_arm(w->below, false, below) : WEIR_EAGAIN;
}

static inline void wrap_shut(const struct wrap *w, bool abort)
{
    if (abort)
        (void)weir_stream_abort(w->below);
    else
        (void)weir_close(w->below);
}

/* Does what a receive or a send has returned stay? */
static inline bool stays(ssize_t rc)
{
    return rc <= 0 && rc != WEIR_EAGAIN && rc != WEIR_ENOMEM && rc != WEIR_ENOBUFS &&
           rc != WEIR_EBUSY;
}

#endif
