/* SPDX-License-Identifier: MIT */
/*
 * S7: every actor starts ten others until there are n leaves; each leaf sends its number
 * to its parent, each parent the sum of its children. The result is the whole in
 * milliseconds.
 */
#include "scenarios.h"

struct node {
    num_sender parent; /* borrowed: the parent lives until it has heard from all ten */
    weir_group group;
    size_t capacity;
    uint64_t first, size;
};

static int node(void *arg)
{
    const struct node *me = arg;
    struct node child = *me;
    num_receiver rx;
    uint64_t sum = 0;

    if (me->size == 1)
        return num_send(me->parent, me->first);

    must(num_channel(&child.parent, &rx, me->capacity));
    child.size = me->size / 10;
    for (int i = 0; i < 10; i++, child.first += child.size)
        must(weir_spawn(me->group, node, &child));
    for (int i = 0; i < 10; i++) {
        uint64_t part;
        if (must(num_recv(rx, &part)) != 1)
            bench_fail("skynet: a child was lost");
        sum += part;
    }
    return num_send(me->parent, sum);
}

double skynet(const bench_args *args, uint64_t n)
{
    struct node root = {.size = n, .capacity = capacity_of(args, 1)};
    num_receiver rx;
    uint64_t sum = 0;

    root.group = weir_group_begin();
    must(num_channel(&root.parent, &rx, 1));
    uint64_t start = bench_now();
    must(weir_spawn(root.group, node, &root));
    must(num_recv(rx, &sum));
    double result = bench_per(start, 1000000);

    if (sum != n * (n - 1) / 2)
        bench_fail("skynet: a wrong sum");
    must(weir_group_end(root.group));
    must(weir_close(root.parent));
    must(weir_close(rx));
    return result;
}
