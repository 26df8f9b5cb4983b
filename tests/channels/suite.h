/* SPDX-License-Identifier: MIT */
/* suite.h - a suite of test_channels out of the SCENARIOS of one scenario_*.h. */
#ifndef WEIR_TESTS_SUITE_H
#define WEIR_TESTS_SUITE_H

#define SCENARIO_FUNCTION(scenario, needs, title)                                                  \
    static void run_##scenario(void)                                                               \
    {                                                                                              \
        for_kinds(scenario, needs);                                                                \
    }
#define SCENARIO_CASE(scenario, needs, title) {title, run_##scenario},

#define SCENARIO_SUITE(ident, title)                                                               \
    SCENARIOS(SCENARIO_FUNCTION)                                                                   \
    TEST_SUITE(ident, title, SCENARIOS(SCENARIO_CASE))

#endif
