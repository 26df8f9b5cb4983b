/* SPDX-License-Identifier: MIT */
/* test_stress.c - the scenarios of scenario_stress.h between actors, and actors and threads. */
#include "flow_actors.h"

#include "../channels/scenario_stress.h"

SCENARIO_SUITE(stress, "actors: many to many");
