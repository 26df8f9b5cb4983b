/* SPDX-License-Identifier: MIT */
/* ../channels/scenario_between.h: it is an actor that is stopped, and threads that meddle. */
#include <weir/weir.h>

#include "../channels/scenario_between.h"
#include "one_worker.h"

static void call_party(struct call *c)
{
    EXPECT_RC(weir_run(call_body, c, &one_worker), 0);
}

TEST_SUITE(between, "actors: between two steps of a call", BETWEEN_CASES(BETWEEN_CASE));
