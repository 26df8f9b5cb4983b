/* SPDX-License-Identifier: MIT */
/* test_broadcast.c - the scenarios of scenario_broadcast.h between plain threads. */
#include "flow_threads.h"

#include "scenario_broadcast.h"

TEST_SUITE(broadcast, "channels: broadcast", BROADCAST_CASES(KEPT_CASE));
