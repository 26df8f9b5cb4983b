/* SPDX-License-Identifier: MIT */
/*
 * S10 and S13: a pipeline in which every stage, the first and the last included, works
 * on each item for work=ns; one operation is an item that has gone through all stages.
 */
#include "scenarios.h"

struct stage {
    num_receiver in;
    num_sender out;
    uint64_t turns;
};

static int work_on(void *arg)
{
    const struct stage *stage = arg;
    uint64_t v;
    int rc;

    while ((rc = num_recv(stage->in, &v)) > 0)
        if ((rc = num_send(stage->out, bench_worked(v, stage->turns))) < 0)
            break;
    return rc;
}

struct source {
    num_sender out;
    uint64_t count, turns;
};

static int make(void *arg)
{
    const struct source *source = arg;
    int rc = 0;

    for (uint64_t i = 0; i < source->count && rc == 0; i++)
        rc = num_send(source->out, bench_worked(i, source->turns));
    return rc;
}

double work(const bench_args *args, uint64_t n)
{
    size_t capacity = capacity_of(args, 128);
    long stages = bench_arg(args, "stages", 2);
    uint64_t turns = bench_turns(bench_arg(args, "work", 1000));
    weir_group group = weir_group_begin();
    struct source source = {.count = n, .turns = turns};
    num_receiver rx;
    uint64_t v, arrived = 0;

    must(num_channel(&source.out, &rx, capacity));
    for (long i = 2; i < stages; i++) {
        struct stage stage = {.in = rx, .turns = turns};
        must(num_channel(&stage.out, &rx, capacity));
        must(weir_spawn(group, work_on, &stage, .give = WEIR_GIVE(struct stage, in, out)));
    }

    uint64_t start = bench_now();
    must(weir_spawn(group, make, &source, .give = WEIR_GIVE(struct source, out)));
    while (must(num_recv(rx, &v)) > 0)
        if (bench_worked(v, turns) != arrived++)
            bench_fail("work: a wrong number");
    double result = bench_per(start, n);

    if (arrived != n)
        bench_fail("work: items were lost");
    must(weir_group_end(group));
    must(weir_close(rx));
    return result;
}
