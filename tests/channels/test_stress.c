/* SPDX-License-Identifier: MIT */
/* test_stress.c - the scenarios of scenario_stress.h between plain threads. */
#include "flow_threads.h"
#include "scenario_stress.h"
#include "suite.h"

SCENARIO_SUITE(stress, "channels: many to many");
