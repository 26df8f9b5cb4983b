/* SPDX-License-Identifier: MIT */
/* S8: n numbers through 100 stages that each add one; one operation is an item at a stage. */
#include "scenarios.h"

struct stage {
    num_receiver in;
    num_sender out;
};

static int add_one(void *arg)
{
    const struct stage *stage = arg;
    uint64_t v;
    int rc;

    while ((rc = num_recv(stage->in, &v)) > 0)
        if ((rc = num_send(stage->out, v + 1)) < 0)
            break;
    return rc;
}

struct source {
    num_sender out;
    uint64_t count;
};

static int count_up(void *arg)
{
    const struct source *source = arg;
    int rc = 0;

    for (uint64_t i = 0; i < source->count && rc == 0; i++)
        rc = num_send(source->out, i);
    return rc;
}

double pipeline(const bench_args *args, uint64_t n)
{
    size_t capacity = capacity_of(args, 64);
    uint64_t stages = (uint64_t)bench_arg(args, "stages", 100);
    weir_group group = weir_group_begin();
    struct source source = {.count = n};
    num_receiver rx;
    uint64_t v, arrived = 0;

    must(num_channel(&source.out, &rx, capacity));
    for (uint64_t i = 0; i < stages; i++) {
        struct stage stage = {.in = rx};
        must(num_channel(&stage.out, &rx, capacity));
        must(weir_spawn(group, add_one, &stage, .give = WEIR_GIVE(struct stage, in, out)));
    }

    uint64_t start = bench_now();
    must(weir_spawn(group, count_up, &source, .give = WEIR_GIVE(struct source, out)));
    while (must(num_recv(rx, &v)) > 0)
        if (v != stages + arrived++)
            bench_fail("pipeline: a wrong number");
    double result = bench_per(start, n * stages);

    if (arrived != n)
        bench_fail("pipeline: items were lost");
    must(weir_group_end(group));
    must(weir_close(rx));
    return result;
}
