/* SPDX-License-Identifier: MIT */
/* sync_exclusive.c - resource guards: one is inside, the others are told. */
#include "sync_model.h"

static weir_exclusive guard;
static int inside;

static void open_guard(void)
{
    guard = weir_exclusive_open();
}

static void uses(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        int rc = weir_exclusive_begin(guard);
        EXPLORE_ASSERT(rc == 0 || rc == WEIR_EBUSY);
        if (rc < 0)
            continue;
        EXPLORE_EQ(++inside, 1);
        explore_yield();
        EXPLORE_EQ(--inside, 0);
        EXPLORE_EQ(weir_exclusive_end(guard), 0);
    }
}

SYNC_MODEL(exclusive, "F030 one is inside", .setup = open_guard,
           .threads = {{"a", uses, NULL}, {"b", uses, NULL}, {"c", uses, NULL}});
SYNC_BROKEN(exclusive_not_looked_at, "who comes second is not told", "exclusive: not looked at",
            .setup = open_guard, .threads = {{"a", uses, NULL}, {"b", uses, NULL}});
