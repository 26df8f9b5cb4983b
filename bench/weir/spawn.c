/* SPDX-License-Identifier: MIT */
/* S5: actors that do nothing. */
#include "scenarios.h"

#include <stdatomic.h>

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

struct gate {
    num_receiver opens;  /* ends when the gate opens; borrowed by all */
    num_sender all_here; /* one item from the last to arrive */
    atomic_ulong missing;
};

static int wait_at_gate(void *arg)
{
    struct gate *gate = arg;
    uint64_t never;

    if (atomic_fetch_sub_explicit(&gate->missing, 1, memory_order_acq_rel) == 1)
        must(num_send(gate->all_here, 1));
    return num_recv(gate->opens, &never);
}

/*
 * S5b and S5c: n actors parked at once. One operation is one of them from its spawn to
 * its end; the bytes are what the process grew by when all were parked, per actor.
 */
double park(const bench_args *args, uint64_t n)
{
    (void)args;
    weir_group group = weir_group_begin();
    struct gate gate;
    num_sender open;
    num_receiver all_here;
    uint64_t item;

    must(num_channel(&open, &gate.opens, 1));
    must(num_channel(&gate.all_here, &all_here, 1));
    atomic_init(&gate.missing, n);

    double before = bench_memory();
    uint64_t start = bench_now();
    for (uint64_t i = 0; i < n; i++)
        must(weir_spawn(group, wait_at_gate, (void *)&gate));
    if (must(num_recv(all_here, &item)) != 1)
        bench_fail("park: not everybody arrived");
    double bytes = (bench_memory() - before) / (double)n;
    must(weir_close(open));
    must(weir_group_end(group));
    double result = bench_per(start, n);

    if (n > 1)
        bench_bytes(bytes);
    must(weir_close(gate.opens));
    must(weir_close(gate.all_here));
    must(weir_close(all_here));
    return result;
}
