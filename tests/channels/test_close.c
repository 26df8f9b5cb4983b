/* SPDX-License-Identifier: MIT */
/* test_close.c - the scenarios of scenario_close.h between plain threads. */
#include "flow_threads.h"
#include "scenario_close.h"
#include "suite.h"

SCENARIO_SUITE(close, "channels: clone and close");
