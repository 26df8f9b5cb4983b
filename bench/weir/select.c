/* SPDX-License-Identifier: MIT */
/* S6: four actors send to a channel each, one selects over all; one operation is an item. */
#include "scenarios.h"

enum { CHANNELS = 4 };

struct feed {
    num_sender out;
    uint64_t count;
};

static int feed_one(void *arg)
{
    const struct feed *feed = arg;
    int rc = 0;

    for (uint64_t i = 0; i < feed->count && rc == 0; i++)
        rc = num_send(feed->out, 1);
    return rc;
}

double select_of(const bench_args *args, uint64_t n)
{
    size_t capacity = capacity_of(args, 128);
    weir_group group = weir_group_begin();
    num_receiver rx[CHANNELS];
    weir_case cases[CHANNELS];
    uint64_t item[CHANNELS], sum = 0, received = n / CHANNELS * CHANNELS;

    for (unsigned i = 0; i < CHANNELS; i++) {
        struct feed feed = {.count = n / CHANNELS};
        must(num_channel(&feed.out, &rx[i], capacity));
        must(weir_spawn(group, feed_one, &feed, .give = WEIR_GIVE(struct feed, out)));
        cases[i] = num_on_recv(rx[i], &item[i]);
    }

    uint64_t start = bench_now();
    for (uint64_t got = 0; got < received;) {
        int i = must(weir_select(cases, CHANNELS, WEIR_FAIR));
        if (must(cases[i].rc) == 0) {
            weir_case_off(&cases[i]);
            continue;
        }
        sum += item[i];
        got++;
    }
    double result = bench_per(start, received);

    if (sum != received)
        bench_fail("select: items were lost");
    must(weir_group_end(group));
    for (unsigned i = 0; i < CHANNELS; i++)
        must(weir_close(rx[i]));
    return result;
}
