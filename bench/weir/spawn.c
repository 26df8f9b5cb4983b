/* SPDX-License-Identifier: MIT */
/* S5 and O4: actors that do nothing, their time and their memory. */
#include "crowd.h"

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

/* S5a: waves of 10,000 alive at once; one operation is spawn, run and join of one. */
double spawn(const bench_args *args, uint64_t n)
{
    uint64_t wave = (uint64_t)bench_arg(args, "wave", 10000);
    uint64_t waves = n < wave ? 1 : n / wave;

    uint64_t start = bench_now();
    for (uint64_t w = 0; w < waves; w++) {
        weir_group group = weir_group_begin();
        for (uint64_t i = 0; i < wave; i++)
            must(weir_spawn(group, nothing, NULL));
        must(weir_group_end(group));
    }
    return bench_per(start, waves * wave);
}

/*
 * S5b and S5c: n actors parked at once. One operation is one of them from its spawn to
 * its end; the bytes are what the process grew by when all were parked, per actor.
 */
double park(const bench_args *args, uint64_t n)
{
    (void)args;
    struct crowd crowd;

    double before = bench_memory();
    uint64_t start = bench_now();
    crowd_gather(&crowd, n);
    double bytes = (bench_memory() - before) / (double)n;
    crowd_dismiss(&crowd);
    double result = bench_per(start, n);

    if (n > 1)
        bench_bytes(bytes);
    return result;
}

/*
 * O4: how much of the memory that n parked actors took is still there seconds=10 after
 * they have gone, in percent. The runtime has nothing to do meanwhile.
 */
double peak(const bench_args *args, uint64_t n)
{
    struct crowd crowd;
    num_sender nobody;
    num_receiver rx;
    uint64_t never;

    must(num_channel(&nobody, &rx, 1));
    double before = bench_memory();
    crowd_gather(&crowd, n);
    double grown = bench_memory() - before;
    crowd_dismiss(&crowd);
    if (num_recv_by(rx, &never, weir_after(bench_arg(args, "seconds", 10) * WEIR_S)) !=
        WEIR_ETIMEDOUT)
        bench_fail("peak: could not wait");
    double left = bench_memory() - before;

    bench_bytes(left / (double)n);
    must(weir_close(nobody));
    must(weir_close(rx));
    return 100 * left / grown;
}
