/* SPDX-License-Identifier: MIT */
/* crowd.h - many actors that are all parked at a gate, for what is measured meanwhile. */
#ifndef WEIR_BENCH_CROWD_H
#define WEIR_BENCH_CROWD_H

#include "scenarios.h"

#include <stdatomic.h>

struct gate {
    num_receiver opens;  /* ends when the gate opens; borrowed by all */
    num_sender all_here; /* one item from the last to arrive */
    atomic_ulong missing;
};

/* To be kept where it is while the crowd lasts. */
struct crowd {
    weir_group group;
    struct gate gate;
    num_sender open;
    num_receiver all_here;
};

/* Returns when n actors have come to the gate. */
void crowd_gather(struct crowd *crowd, uint64_t n);

/* Opens the gate and returns when all have gone. */
void crowd_dismiss(struct crowd *crowd);

#endif
