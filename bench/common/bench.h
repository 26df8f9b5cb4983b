/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what the C and C++ programs of the bench share: the command line
 * `<program> SCENARIO key=value...`, the clock, the line that the driver reads.
 */
#ifndef WEIR_BENCH_H
#define WEIR_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BENCH_UNUSED __attribute__((unused))
#define BENCH_NORETURN __attribute__((noreturn))

typedef struct bench_args {
    int argc;
    char **argv;
} bench_args;

/* The number after `key=` on the command line, or `otherwise`. */
static BENCH_UNUSED long bench_arg(const bench_args *a, const char *key, long otherwise)
{
    size_t length = strlen(key);
    for (int i = 2; i < a->argc; i++)
        if (!strncmp(a->argv[i], key, length) && a->argv[i][length] == '=')
            return strtol(a->argv[i] + length + 1, NULL, 10);
    return otherwise;
}

static BENCH_UNUSED const char *bench_scenario(const bench_args *a)
{
    if (a->argc < 2) {
        fprintf(stderr, "usage: %s SCENARIO key=value...\n", a->argv[0]);
        exit(2);
    }
    return a->argv[1];
}

static BENCH_UNUSED uint64_t bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* Nanoseconds per operation since `start`. */
static BENCH_UNUSED double bench_per(uint64_t start, uint64_t n)
{
    return (double)(bench_now() - start) / (double)n;
}

static BENCH_UNUSED void bench_result(double value)
{
    printf("RESULT %.3f\n", value);
    fflush(stdout);
}

/* A figure beside the result, in bytes. */
static BENCH_UNUSED void bench_bytes(double value)
{
    printf("INFO bytes=%.1f\n", value);
    fflush(stdout);
}

static BENCH_UNUSED BENCH_NORETURN void bench_fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static BENCH_UNUSED void *bench_calloc(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (!p)
        bench_fail("out of memory");
    return p;
}

/* One step of xorshift: every program shuffles its ring by the same sequence. */
static BENCH_UNUSED uint64_t bench_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/*
 * Work: turns that each need the one before, so that neither the compiler nor the
 * processor does two at once. Never 0 for a seed that is not 0.
 */
static BENCH_UNUSED __attribute__((noinline)) uint64_t bench_burn(uint64_t seed, uint64_t turns)
{
    while (turns-- > 0)
        bench_random(&seed);
    return seed;
}

/*
 * How many turns take `ns`: by the fastest of short blocks, since one that was preempted
 * says nothing. Measured by every program for itself, since compilers differ.
 */
static BENCH_UNUSED uint64_t bench_turns(long ns)
{
    const uint64_t blocks = 400, turns = 20000;
    double fastest = 1e9;
    uint64_t seed = 88172645463325252U;

    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t start = bench_now();
        seed = bench_burn(seed, turns);
        double turn = bench_per(start, turns);
        if (turn < fastest && seed != 0)
            fastest = turn;
    }
    return (uint64_t)((double)ns / fastest + 0.5);
}

/* The item itself; the work cannot be left out, since its result decides that. */
static BENCH_UNUSED uint64_t bench_worked(uint64_t item, uint64_t turns)
{
    return item + (bench_burn(item + 1, turns) == 0);
}

static BENCH_UNUSED int bench_by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts n latencies in ns, prints the slow ones beside the result, returns the median. */
static BENCH_UNUSED double bench_latencies(uint64_t *ns, uint64_t n)
{
    qsort(ns, n, sizeof *ns, bench_by_size);
    printf("INFO p99=%.1f p999=%.1f max=%.1f\n", (double)ns[n * 99 / 100],
           (double)ns[n * 999 / 1000], (double)ns[n - 1]);
    return (double)ns[n / 2];
}

/* How many times as many items the luckiest producer got rid of as the unluckiest. */
static BENCH_UNUSED double bench_luck(uint64_t *items, uint64_t producers)
{
    qsort(items, producers, sizeof *items, bench_by_size);
    uint64_t most = items[producers - 1], least = items[0];

    printf("INFO most=%.0f least=%.0f\n", (double)most, (double)least);
    return (double)most / (double)(least ? least : 1);
}

static BENCH_UNUSED void bench_pause(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000U), (long)(ns % 1000000000U)};
    nanosleep(&t, NULL);
}

/* Says that all actors are parked and waits until the one who measures ends the input. */
static BENCH_UNUSED void bench_ready(void)
{
    char byte;

    printf("READY\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
}

/*
 * The ring's order: next[i] is whom i sends to. Shuffled, the ring follows a random
 * permutation of the order in which actors and channels were made.
 */
static BENCH_UNUSED size_t *bench_ring(size_t size, long shuffled)
{
    size_t *next = (size_t *)bench_calloc(size, sizeof *next);
    size_t *order = (size_t *)bench_calloc(size, sizeof *order);
    uint64_t state = 88172645463325252U;

    for (size_t i = 0; i < size; i++)
        order[i] = i;
    for (size_t i = size - 1; shuffled && i > 0; i--) {
        size_t j = bench_random(&state) % (i + 1);
        size_t swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
    for (size_t i = 0; i < size; i++)
        next[order[i]] = order[(i + 1) % size];
    free(order);
    return next;
}

/* Bytes of this process in memory, its page tables included. */
static BENCH_UNUSED double bench_memory(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;

    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "VmRSS:", 6) || !strncmp(line, "VmPTE:", 6))
            kib += strtol(line + 6, NULL, 10);
    if (f)
        fclose(f);
    return (double)kib * 1024;
}

#endif
