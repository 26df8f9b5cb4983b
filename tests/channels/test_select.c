/* SPDX-License-Identifier: MIT */
/* test_select.c - the scenarios of scenario_select.h between plain threads. */
#include "flow_threads.h"
#include "scenario_select.h"
#include "suite.h"

SCENARIO_SUITE(select, "channels: select");
