/* SPDX-License-Identifier: MIT */
/*
 * scenarios.h - weir's programs. Each is run by an actor (threads: by a plain thread),
 * does `n` operations with the parameters of the command line, checks that nothing was
 * lost, and returns nanoseconds per operation.
 */
#ifndef WEIR_BENCH_SCENARIOS_H
#define WEIR_BENCH_SCENARIOS_H

#include <weir/weir.h>

#include "../common/bench.h"

WEIR_TYPE(num, uint64_t)

double pingpong(const bench_args *args, uint64_t n);
double transfer(const bench_args *args, uint64_t n);
double threads(const bench_args *args, uint64_t n);
double ring(const bench_args *args, uint64_t n);
double spawn(const bench_args *args, uint64_t n);
double park(const bench_args *args, uint64_t n);
double skynet(const bench_args *args, uint64_t n);
double select_of(const bench_args *args, uint64_t n);
double pipeline(const bench_args *args, uint64_t n);
double yield(const bench_args *args, uint64_t n);
double work(const bench_args *args, uint64_t n);
double wake(const bench_args *args, uint64_t n);
double idle(const bench_args *args, uint64_t n);
double fair(const bench_args *args, uint64_t n);
double hog(const bench_args *args, uint64_t n);
double peak(const bench_args *args, uint64_t n);

/* The result of a call that may not fail here; the bench ends if it did. */
static inline int must(int rc)
{
    if (rc < 0)
        bench_fail(weir_error_text(rc));
    return rc;
}

/* capacity=N, or capacity=-1 for a channel without a limit. */
static BENCH_UNUSED size_t capacity_of(const bench_args *args, long otherwise)
{
    long capacity = bench_arg(args, "capacity", otherwise);
    return capacity < 0 ? WEIR_UNBOUNDED : (size_t)capacity;
}

#endif
