/* SPDX-License-Identifier: MIT */
/* test_close.c - the scenarios of scenario_close.h between actors, and actors and threads. */
#include "flow_actors.h"

#include "../channels/scenario_close.h"

SCENARIO_SUITE(close, "actors: clone and close");
