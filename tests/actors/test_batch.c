/* SPDX-License-Identifier: MIT */
/* test_batch.c - the scenarios of scenario_batch.h between actors, and actors and threads. */
#include "flow_actors.h"

#include "../channels/scenario_batch.h"

SCENARIO_SUITE(batch, "actors: batches");
