/* SPDX-License-Identifier: MIT */
/* test_refused.c - actors on a kernel without membarrier(). */
#include <weir/weir.h>

#include "../channels/refused.h"
#include "os.h"

static int without_membarrier(void)
{
    CHECK(!os_membarrier_works());
    return 0;
}

static const struct refused list[] = {
    {"membarrier",
     child_refuse_membarrier,
     without_membarrier,
     true,
     {"last sender: ", "last receiver: ", "F049 ", "while an item is written",
      "F050 many to many: each item once and in order; waiting"}},
};

__attribute__((constructor)) static void enter(void)
{
    refused_enter(list, 1);
}

static void refused_membarrier(void)
{
    refused_run(&list[0]);
}

TEST_SUITE(refused, "actors: what the system refuses",
           {"F050 membarrier refused: scenarios hold", refused_membarrier});
