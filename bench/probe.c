/* SPDX-License-Identifier: MIT */
/*
 * probe.c - the state of the machine between two runs of the bench.
 *
 *   probe near          RESULT = nanoseconds for a cache line there and back between two
 *                       processors. A host moves virtual processors about: 125 ns (near)
 *                       in one minute is 700 ns (far) in another, and everything that
 *                       crosses processors follows.
 *   probe touch mib=N   writes to N MiB and gives them back, so that a host which takes
 *                       unused memory from its guests has backed it before it is measured.
 */
#define _GNU_SOURCE
#include "common/bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum { BLOCKS = 31, TRIPS = 400 };

/* Two lines apart, against the prefetch of neighbouring lines. */
static struct {
    _Alignas(128) atomic_ulong there;
    _Alignas(128) atomic_ulong back;
} line;

static size_t cpus[2];

static void pin(size_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set))
        bench_fail("cannot pin a thread");
}

static void find_cpus(void)
{
    cpu_set_t set;
    int found = 0;

    if (sched_getaffinity(0, sizeof set, &set))
        bench_fail("no affinity mask");
    for (size_t cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
        if (CPU_ISSET(cpu, &set))
            cpus[found++] = cpu;
    if (found < 2) {
        fprintf(stderr, "probe: needs two processors\n");
        exit(3);
    }
}

static void *answer(void *unused)
{
    pin(cpus[1]);
    for (unsigned long i = 1; i <= (unsigned long)BLOCKS * TRIPS; i++) {
        while (atomic_load_explicit(&line.there, memory_order_acquire) != i)
            ;
        atomic_store_explicit(&line.back, i, memory_order_release);
    }
    return unused;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of short blocks: a block in which a thread was preempted does not count. */
static double near(void)
{
    pthread_t other;
    double block[BLOCKS];
    unsigned long i = 0;

    find_cpus();
    if (pthread_create(&other, NULL, answer, NULL))
        bench_fail("cannot start a thread");
    pin(cpus[0]);
    for (int b = 0; b < BLOCKS; b++) {
        uint64_t start = bench_now();
        for (int trip = 0; trip < TRIPS; trip++) {
            atomic_store_explicit(&line.there, ++i, memory_order_release);
            while (atomic_load_explicit(&line.back, memory_order_acquire) != i)
                ;
        }
        block[b] = bench_per(start, TRIPS);
    }
    pthread_join(other, NULL);
    qsort(block, BLOCKS, sizeof block[0], by_size);
    return block[BLOCKS / 2];
}

static double touch(size_t bytes)
{
    uint64_t start = bench_now();
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        bench_fail("cannot map the memory to touch");
    madvise(memory, bytes, MADV_HUGEPAGE);
    for (size_t at = 0; at < bytes; at += 4096)
        ((volatile char *)memory)[at] = 1;
    munmap(memory, bytes);
    return bench_per(start, bytes / 4096);
}

int main(int argc, char **argv)
{
    bench_args args = {argc, argv};

    if (!strcmp(bench_scenario(&args), "near"))
        bench_result(near());
    else if (!strcmp(bench_scenario(&args), "touch"))
        bench_result(touch((size_t)bench_arg(&args, "mib", 1024) << 20));
    else
        bench_fail("scenarios: near touch");
    return 0;
}
