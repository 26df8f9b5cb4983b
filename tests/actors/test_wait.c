/* SPDX-License-Identifier: MIT */
/* test_wait.c - the scenarios of scenario_wait.h between actors, and actors and threads. */
#include "flow_actors.h"

#include "../channels/scenario_wait.h"

SCENARIO_SUITE(wait, "actors: waiting, order, errors, items");
