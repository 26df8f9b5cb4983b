/* SPDX-License-Identifier: MIT */
/*
 * O2: producers that send as fast as they can into one channel until the consumer has n
 * items; how many times as many the luckiest of them got rid of as the unluckiest.
 */
#include "scenarios.h"

enum { PRODUCERS_MAX = 64 };

struct producer {
    num_sender tx;
    uint64_t id;
};

static int send_own_id(void *arg)
{
    const struct producer *p = arg;
    int rc;

    while ((rc = num_send(p->tx, p->id)) == 0)
        ;
    return rc == WEIR_EPIPE ? 0 : rc;
}

double fair(const bench_args *args, uint64_t n)
{
    uint64_t producers = (uint64_t)bench_arg(args, "producers", 8), item;
    uint64_t items[PRODUCERS_MAX] = {0};
    weir_group group = weir_group_begin();
    struct producer p;
    num_receiver rx;

    if (producers < 2 || producers > PRODUCERS_MAX)
        bench_fail("fair: 2 to 64 producers");
    must(num_channel(&p.tx, &rx, capacity_of(args, 128)));
    for (p.id = 0; p.id < producers; p.id++)
        must(weir_spawn(group, send_own_id, &p, .own = WEIR_OWN(struct producer, tx)));
    must(weir_close(p.tx));
    for (uint64_t i = 0; i < n; i++) {
        if (must(num_recv(rx, &item)) != 1 || item >= producers)
            bench_fail("fair: a wrong item");
        items[item]++;
    }
    must(weir_close(rx));
    must(weir_group_end(group));
    return bench_luck(items, producers);
}
