/* SPDX-License-Identifier: MIT */
/* test_latest.c - the scenarios of scenario_latest.h between plain threads. */
#include "flow_threads.h"

#include "scenario_latest.h"

TEST_SUITE(latest, "channels: watch", LATEST_CASES(KEPT_CASE));
