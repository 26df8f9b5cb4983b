/* SPDX-License-Identifier: MIT */
/* test_send.c - the scenarios of scenario_send.h between plain threads. */
#include "flow_threads.h"
#include "scenario_send.h"
#include "suite.h"

SCENARIO_SUITE(send, "channels: send and receive");
