/* SPDX-License-Identifier: MIT */
/* S1: a number there and its successor back; one operation is a round trip. */
#include "scenarios.h"

struct ends {
    num_receiver rx;
    num_sender tx;
};

static int answer(void *arg)
{
    const struct ends *e = arg;
    uint64_t v;
    int rc;

    while ((rc = num_recv(e->rx, &v)) > 0)
        if ((rc = num_send(e->tx, v + 1)) < 0)
            break;
    return rc;
}

double pingpong(const bench_args *args, uint64_t n)
{
    size_t capacity = capacity_of(args, 1);
    weir_group group = weir_group_begin();
    struct ends other;
    num_sender tx;
    num_receiver rx;

    must(num_channel(&tx, &other.rx, capacity));
    must(num_channel(&other.tx, &rx, capacity));
    must(weir_spawn(group, answer, &other, .give = WEIR_GIVE(struct ends, rx, tx)));

    uint64_t start = bench_now();
    for (uint64_t i = 0; i < n; i++) {
        uint64_t v;
        must(num_send(tx, i));
        if (must(num_recv(rx, &v)) != 1 || v != i + 1)
            bench_fail("pingpong: a wrong answer");
    }
    double result = bench_per(start, n);

    must(weir_close(tx));
    must(weir_group_end(group));
    must(weir_close(rx));
    return result;
}
