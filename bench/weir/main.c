/* SPDX-License-Identifier: MIT */
/*
 * weir SCENARIO key=value... - one scenario, a twentieth of it first to warm up.
 * workers=N: on so many threads, the one that calls weir_run is one of them.
 */
#include "scenarios.h"

#define NO_WARM_UP UINT64_MAX

typedef struct scenario {
    const char *name;
    double (*run)(const bench_args *args, uint64_t n);
    uint64_t n;       /* operations, unless the command line says n=... */
    uint64_t warm_up; /* 0: a twentieth of n */
    bool on_threads;
    bool silent; /* nothing to report: it is measured from outside */
} scenario;

static const scenario scenarios[] = {
    {"pingpong", pingpong, 5000000, 0, false, false},
    {"transfer", transfer, 10000000, 0, false, false},
    {"threads", threads, 5000000, 0, true, false},
    {"ring", ring, 5000000, 0, false, false},
    {"spawn", spawn, 2000000, 0, false, false},
    {"park", park, 1000000, 1, false, false},
    {"skynet", skynet, 1000000, 1000, false, false},
    {"pipeline", pipeline, 200000, 0, false, false},
    {"yield", yield, 20000000, 0, false, false},
    {"select", select_of, 8000000, 0, false, false},
    {"work", work, 100000, 0, false, false},
    {"wake", wake, 2000, 0, false, false},
    {"idle", idle, 10000, NO_WARM_UP, false, true},
    {"fair", fair, 10000000, 0, false, false},
    {"hog", hog, 100000, 0, false, false},
    {"peak", peak, 1000000, NO_WARM_UP, false, false},
};

typedef struct job {
    const scenario *scenario;
    const bench_args *args;
} job;

static int measure(void *arg)
{
    const job *j = arg;
    const scenario *s = j->scenario;
    uint64_t n = (uint64_t)bench_arg(j->args, "n", (long)s->n);

    if (s->warm_up != NO_WARM_UP)
        s->run(j->args, s->warm_up ? s->warm_up : n / 20 + 1);
    double result = s->run(j->args, n);
    if (!s->silent)
        bench_result(result);
    return 0;
}

int main(int argc, char **argv)
{
    bench_args args = {argc, argv};
    const char *name = bench_scenario(&args);
    weir_options options = {.workers = (unsigned)bench_arg(&args, "workers", 1)};

    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        job j = {&scenarios[i], &args};
        if (strcmp(name, scenarios[i].name) != 0)
            continue;
        if (scenarios[i].on_threads)
            return measure(&j);
        return must(weir_run(measure, &j, &options));
    }
    bench_fail(
        "scenarios: pingpong transfer threads ring spawn park skynet pipeline yield select work "
        "wake idle fair hog peak");
}
