/* SPDX-License-Identifier: MIT */
/* test_send.c - the scenarios of scenario_send.h between actors, and actors and threads. */
#include "flow_actors.h"

#include "../channels/scenario_send.h"

SCENARIO_SUITE(send, "actors: send and receive");
