/* SPDX-License-Identifier: MIT */
/* test_oneshot.c - the scenarios of scenario_oneshot.h between plain threads. */
#include "flow_threads.h"

#include "scenario_oneshot.h"

TEST_SUITE(oneshot, "channels: oneshot", ONESHOT_CASES(KEPT_CASE));
