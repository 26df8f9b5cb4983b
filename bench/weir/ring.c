/* SPDX-License-Identifier: MIT */
/*
 * S4: a token that counts down goes round a ring of actors; one operation is a hop.
 * shuffle=1: the ring follows a random order of creation, so that every hop is a cache miss.
 */
#include "scenarios.h"

struct node {
    num_receiver in;
    num_sender out;
    num_sender done;
};

static int forward(void *arg)
{
    const struct node *node = arg;
    uint64_t token;
    int rc;

    while ((rc = num_recv(node->in, &token)) > 0) {
        if (token == 0)
            return num_send(node->done, 0);
        if ((rc = num_send(node->out, token - 1)) < 0)
            break;
    }
    return rc;
}

double ring(const bench_args *args, uint64_t n)
{
    size_t size = (size_t)bench_arg(args, "actors", 1000);
    size_t capacity = capacity_of(args, 1);
    size_t *next = bench_ring(size, bench_arg(args, "shuffle", 0));
    num_sender *tx = bench_calloc(size, sizeof *tx);
    num_receiver *rx = bench_calloc(size, sizeof *rx);
    num_sender first, done;
    num_receiver finished;
    weir_group group = weir_group_begin();
    uint64_t token;

    must(num_channel(&done, &finished, 1));
    for (size_t i = 0; i < size; i++)
        must(num_channel(&tx[i], &rx[i], capacity));
    must(weir_check(first = num_sender_clone(tx[0])));
    for (size_t i = 0; i < size; i++) {
        struct node node = {rx[i], tx[next[i]], done};
        must(weir_spawn(group, forward, &node, .give = WEIR_GIVE(struct node, in, out)));
    }
    must(weir_yield()); /* every actor runs up to its first recv */

    uint64_t start = bench_now();
    must(num_send(first, n));
    if (must(num_recv(finished, &token)) != 1)
        bench_fail("ring: the token was lost");
    double result = bench_per(start, n);

    must(weir_close(first));
    must(weir_group_end(group)); /* the one that had the token closed its ends, and so on round */
    must(weir_close(done));
    must(weir_close(finished));
    free(next);
    free(tx);
    free(rx);
    return result;
}
