/* SPDX-License-Identifier: MIT */
/* S9: two actors give way to each other; one operation is one switch. */
#include "scenarios.h"

static int give_way(void *arg)
{
    const uint64_t *times = arg;

    for (uint64_t i = 0; i < *times; i++)
        must(weir_yield());
    return 0;
}

double yield(const bench_args *args, uint64_t n)
{
    weir_group group = weir_group_begin();
    uint64_t times = n / 2;

    (void)args;
    uint64_t start = bench_now();
    must(weir_spawn(group, give_way, &times));
    must(weir_spawn(group, give_way, &times));
    must(weir_group_end(group));
    return bench_per(start, 2 * times);
}
