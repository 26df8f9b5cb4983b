/* SPDX-License-Identifier: MIT */
/* ends.h - both ends of a channel of uint64_t, for tests that need no more than that. */
#ifndef WEIR_TEST_ENDS_H
#define WEIR_TEST_ENDS_H

#include <weir/weir.h>

#include "harness.h"

struct ends {
    weir_sender tx;
    weir_receiver rx;
};

static inline struct ends open_ends(size_t capacity)
{
    struct ends e;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof(uint64_t), capacity, NULL), 0);
    return e;
}

static inline void close_ends(struct ends e)
{
    weir_close(e.tx);
    weir_close(e.rx);
}

#endif
