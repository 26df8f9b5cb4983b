/* SPDX-License-Identifier: MIT */
/* cancelled.h - an actor is cancelled while it waits, for tests that differ in what it waits in. */
#ifndef WEIR_TEST_CANCELLED_H
#define WEIR_TEST_CANCELLED_H

#include <weir/weir.h>

#include "../channels/kinds.h"

/* By an actor. `waits` waits at the receiver, waits again, tries; says so in `results`. */
static inline void expect_cancelled(weir_body waits, void *arg, weir_handle receiver,
                                    const int results[3])
{
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, waits, arg), 0);
    while (stats_of(receiver).waiting_receivers != 1)
        weir_yield();
    EXPECT_RC(weir_group_cancel(g, "enough"), 0);
    weir_group_end(g);
    EXPECT_RC(results[0], WEIR_ECANCELED);
    EXPECT_RC(results[1], WEIR_ECANCELED);
    EXPECT_RC(results[2], WEIR_EAGAIN);
    EXPECT_EQ(stats_of(receiver).waiting_receivers, 0);
}

#endif
