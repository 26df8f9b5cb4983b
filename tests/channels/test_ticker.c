/* SPDX-License-Identifier: MIT */
/* test_ticker.c - the scenarios of scenario_ticker.h between plain threads. */
#include "flow_threads.h"

#include "scenario_ticker.h"

#define CASE(title, test) {title, test},

TEST_SUITE(ticker, "channels: ticker", TICKER_CASES(CASE));
