/* SPDX-License-Identifier: MIT */
/* test_batch.c - the scenarios of scenario_batch.h between plain threads. */
#include "flow_threads.h"
#include "scenario_batch.h"
#include "suite.h"

SCENARIO_SUITE(batch, "channels: batches");
