/* SPDX-License-Identifier: MIT */
/* test_drop.c - the scenarios of scenario_drop.h between actors, and actors and threads. */
#include "flow_actors.h"

#include "../channels/scenario_drop.h"

SCENARIO_SUITE(drop, "actors: drop functions");
