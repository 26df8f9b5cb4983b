/* SPDX-License-Identifier: MIT */
/* test_wait.c - the scenarios of scenario_wait.h between plain threads. */
#include "flow_threads.h"
#include "scenario_wait.h"
#include "suite.h"

SCENARIO_SUITE(wait, "channels: waiting, order, errors, items");
