/* SPDX-License-Identifier: MIT */
#include "load.h"

/* Below 2^6 ns a bucket each, then 64 buckets for every doubling. */
enum { FINE_BITS = 6, FINE = 1 << FINE_BITS, BUCKETS = (64 - FINE_BITS + 1) * FINE };

static uint64_t buckets[BUCKETS], added, largest;

void latency_reset(void)
{
    memset(buckets, 0, sizeof buckets);
    added = largest = 0;
}

static size_t bucket_of(uint64_t ns)
{
    if (ns < FINE)
        return (size_t)ns;
    unsigned doubling = 63 - FINE_BITS - (unsigned)__builtin_clzll(ns);
    return (size_t)(doubling * FINE + (ns >> doubling));
}

/* The middle of what falls into a bucket. */
static uint64_t value_of(size_t bucket)
{
    if (bucket < FINE)
        return bucket;
    unsigned doubling = (unsigned)(bucket / FINE) - 1;
    return ((bucket - doubling * FINE) << doubling) + (((uint64_t)1 << doubling) >> 1);
}

void latency_add(uint64_t ns, uint64_t count)
{
    buckets[bucket_of(ns)] += count;
    added += count;
    if (ns > largest)
        largest = ns;
}

uint64_t latency_at(double share)
{
    uint64_t wanted = (uint64_t)(share * (double)added), seen = 0;

    for (size_t i = 0; i < BUCKETS; i++) {
        seen += buckets[i];
        if (seen > wanted)
            return value_of(i);
    }
    return largest;
}

void window_open(load_window *w)
{
    latency_reset();
    w->server_cpu = server_cpu_at_rest();
    w->own_cpu = own_cpu();
    w->start = bench_now();
}

void window_close(load_window *w, uint64_t end)
{
    w->end = end;
    w->own_cpu = own_cpu() - w->own_cpu;
    w->server_cpu = server_cpu_at_rest() - w->server_cpu;
}

void load_report(const load_window *w, double operations, bool latencies)
{
    double took = (double)(w->end - w->start);

    printf("INFO rate=%.1f server=%.3f client=%.3f\n", operations * 1e9 / took,
           (double)w->server_cpu / took, (double)w->own_cpu / took);
    if (latencies)
        printf("INFO p50=%llu p99=%llu p999=%llu max=%llu\n", (unsigned long long)latency_at(0.5),
               (unsigned long long)latency_at(0.99), (unsigned long long)latency_at(0.999),
               (unsigned long long)largest);
    bench_result((double)w->server_cpu / operations);
}
