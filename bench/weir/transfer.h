/* SPDX-License-Identifier: MIT */
/* transfer.h - the two sides of S2 and S3, the same for actors and for threads. */
#ifndef WEIR_BENCH_TRANSFER_H
#define WEIR_BENCH_TRANSFER_H

#include "scenarios.h"

enum { BATCH_MAX = 1024, PARTIES_MAX = 64 };

/* Sends 1, 2, ... count; `batch` at a time when that is more than 1. */
struct producer {
    num_sender tx;
    uint64_t count;
    size_t batch;
};

/* Adds up what arrives, into *sum at the end. */
struct consumer {
    num_receiver rx;
    uint64_t *sum;
    size_t batch;
};

int produce(void *producer);
int consume(void *consumer);

/* The parameters, and what must have arrived in the end. */
struct transfer {
    size_t producers, consumers, batch, capacity;
    uint64_t per_producer;
    uint64_t sums[PARTIES_MAX];
};

struct transfer transfer_plan(const bench_args *args, uint64_t n);

/* Nanoseconds per item that arrived. */
double transfer_result(const struct transfer *t, uint64_t start);

#endif
