/* SPDX-License-Identifier: MIT */
/* test_drop.c - the scenarios of scenario_drop.h between plain threads. */
#include "flow_threads.h"
#include "scenario_drop.h"
#include "suite.h"

SCENARIO_SUITE(drop, "channels: drop functions");
