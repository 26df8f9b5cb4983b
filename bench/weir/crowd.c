/* SPDX-License-Identifier: MIT */
#include "crowd.h"

static int wait_at_gate(void *arg)
{
    struct gate *gate = arg;
    uint64_t never;

    if (atomic_fetch_sub_explicit(&gate->missing, 1, memory_order_acq_rel) == 1)
        must(num_send(gate->all_here, 1));
    return num_recv(gate->opens, &never);
}

void crowd_gather(struct crowd *crowd, uint64_t n)
{
    struct gate *gate = &crowd->gate;
    uint64_t item;

    crowd->group = weir_group_begin();
    must(num_channel(&crowd->open, &gate->opens, 1));
    must(num_channel(&gate->all_here, &crowd->all_here, 1));
    atomic_init(&gate->missing, n);
    for (uint64_t i = 0; i < n; i++)
        must(weir_spawn(crowd->group, wait_at_gate, (void *)gate));
    if (must(num_recv(crowd->all_here, &item)) != 1)
        bench_fail("not everybody arrived");
}

void crowd_dismiss(struct crowd *crowd)
{
    must(weir_close(crowd->open));
    must(weir_group_end(crowd->group));
    must(weir_close(crowd->gate.opens));
    must(weir_close(crowd->gate.all_here));
    must(weir_close(crowd->all_here));
}
