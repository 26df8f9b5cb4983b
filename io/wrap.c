/* SPDX-License-Identifier: MIT */
/* wrap.c - see wrap.h. */
#include "wrap.h"

weir_stream weir__wrap(const weir_stream_ops *ops, void *self, struct wrap *w, weir_stream s)
{
    weir_stream made = weir_stream_make(ops, self);
    if (weir_check(made) < 0) {
        ops->release(self);
        return made;
    }
    weir_stream below = weir_stream_take(s);
    if (weir_check(below) < 0) {
        weir_close(made); /* nobody else knows of it */
        return below;
    }
    w->below = below;
    return made;
}
