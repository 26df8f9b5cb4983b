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
