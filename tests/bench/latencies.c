/* SPDX-License-Identifier: MIT */
#include "../../bench/load/load.h"

#include <harness.h>

/* The clocks of a server, which figures.c asks for. */
static uint64_t server_clock, own_clock;

uint64_t server_cpu_at_rest(void)
{
    return server_clock;
}

uint64_t own_cpu(void)
{
    return own_clock;
}

/* Within a bucket, which is 1/64 of the value wide at most. */
static int near(uint64_t value, uint64_t expected)
{
    uint64_t slack = expected / 64 + 1;

    return value + slack >= expected && value <= expected + slack;
}

static void test_shares(void)
{
    latency_reset();
    for (uint64_t ns = 1; ns <= 100000; ns++)
        latency_add(ns, 1);
    EXPECT(near(latency_at(0.5), 50000));
    EXPECT(near(latency_at(0.99), 99000));
    EXPECT(near(latency_at(0.999), 99900));
    EXPECT(near(latency_at(0), 1));
    EXPECT_EQ(latency_at(1), 100000);
}

static void test_every_size(void)
{
    for (unsigned bit = 0; bit < 63; bit++) {
        uint64_t ns = (uint64_t)1 << bit;
        for (uint64_t value = ns - (bit > 0); value <= ns + 1; value++) {
            latency_reset();
            latency_add(value, 3);
            EXPECT(near(latency_at(0.5), value));
        }
    }
}

static void test_counts(void)
{
    latency_reset();
    latency_add(1000, 989);
    latency_add(2000000, 10);
    latency_add(50, 1);
    EXPECT(near(latency_at(0.5), 1000));
    EXPECT(near(latency_at(0.98), 1000));
    EXPECT(near(latency_at(0.995), 2000000));
}

static void test_window(void)
{
    load_window w;

    latency_add(7, 1);
    server_clock = 1000;
    own_clock = 500;
    window_open(&w);
    EXPECT_EQ(latency_at(0.5), latency_at(1)); /* nothing of what was before */
    server_clock = 1700;
    own_clock = 600;
    window_close(&w, w.start + 5);
    EXPECT_EQ(w.server_cpu, 700);
    EXPECT_EQ(w.own_cpu, 100);
    EXPECT_EQ(w.end - w.start, 5);
}

TEST_SUITE(latencies, "the load generator's figures", {"latencies: shares", test_shares},
           {"latencies: every size", test_every_size}, {"latencies: counts", test_counts},
           {"latencies: a window", test_window});
