/* SPDX-License-Identifier: MIT */
/*
 * weir SCENARIO key=value... - one scenario, a twentieth of it first to warm up.
 * The actors run on one worker, the thread that calls weir_run.
 */
#include "scenarios.h"

typedef struct scenario {
    const char *name;
    double (*run)(const bench_args *args, uint64_t n);
    uint64_t n;       /* operations, unless the command line says n=... */
    uint64_t warm_up; /* 0: a twentieth of n */
    int on_threads;
} scenario;

static const scenario scenarios[] = {
    {"pingpong", pingpong, 5000000, 0, 0}, {"transfer", transfer, 10000000, 0, 0},
    {"threads", threads, 5000000, 0, 1},   {"ring", ring, 5000000, 0, 0},
    {"spawn", spawn, 2000000, 0, 0},       {"park", park, 1000000, 1, 0},
    {"skynet", skynet, 1000000, 1000, 0},  {"pipeline", pipeline, 200000, 0, 0},
    {"yield", yield, 20000000, 0, 0},
};

typedef struct job {
    const scenario *scenario;
    const bench_args *args;
} job;

static int measure(void *arg)
{
    const job *j = arg;
    uint64_t n = (uint64_t)bench_arg(j->args, "n", (long)j->scenario->n);
    uint64_t warm_up = j->scenario->warm_up ? j->scenario->warm_up : n / 20;

    j->scenario->run(j->args, warm_up);
    bench_result(j->scenario->run(j->args, n));
    return 0;
}

int main(int argc, char **argv)
{
    bench_args args = {argc, argv};
    const char *name = bench_scenario(&args);

    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        job j = {&scenarios[i], &args};
        if (strcmp(name, scenarios[i].name) != 0)
            continue;
        if (scenarios[i].on_threads)
            return measure(&j);
        return must(weir_run(measure, &j, NULL));
    }
    bench_fail("scenarios: pingpong transfer threads ring spawn park skynet pipeline yield");
}
