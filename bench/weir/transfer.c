/* SPDX-License-Identifier: MIT */
/*
 * S2 and S3: producers to consumers through one channel; one operation is an item.
 * batch=32 sends and receives 32 at a time; single=1 declares single ends.
 */
#include "transfer.h"

static int produce_batches(const struct producer *p)
{
    uint64_t items[BATCH_MAX];

    for (uint64_t sent = 0; sent < p->count;) {
        uint64_t left = p->count - sent;
        size_t n = left < p->batch ? (size_t)left : p->batch;
        for (size_t i = 0; i < n; i++)
            items[i] = sent + i + 1;
        for (size_t done = 0; done < n;) {
            int rc = num_send_many(p->tx, items + done, n - done);
            if (rc < 0)
                return rc;
            done += (size_t)rc;
        }
        sent += n;
    }
    return 0;
}

int produce(void *producer)
{
    const struct producer *p = producer;

    if (p->batch > 1)
        return produce_batches(p);
    for (uint64_t i = 1; i <= p->count; i++) {
        int rc = num_send(p->tx, i);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int consume_batches(const struct consumer *c)
{
    uint64_t items[BATCH_MAX], sum = 0;
    int n;

    while ((n = num_recv_many(c->rx, items, c->batch)) > 0)
        for (int i = 0; i < n; i++)
            sum += items[i];
    *c->sum = sum;
    return n;
}

int consume(void *consumer)
{
    const struct consumer *c = consumer;
    uint64_t item, sum = 0;
    int rc;

    if (c->batch > 1)
        return consume_batches(c);
    while ((rc = num_recv(c->rx, &item)) > 0)
        sum += item;
    *c->sum = sum;
    return rc;
}

struct transfer transfer_plan(const bench_args *args, uint64_t n)
{
    struct transfer t = {
        .producers = (size_t)bench_arg(args, "producers", 1),
        .consumers = (size_t)bench_arg(args, "consumers", 1),
        .batch = (size_t)bench_arg(args, "batch", 1),
        .capacity = capacity_of(args, 128),
    };

    if (t.producers - 1 >= PARTIES_MAX || t.consumers - 1 >= PARTIES_MAX || t.batch > BATCH_MAX)
        bench_fail("transfer: 1 to 64 producers and consumers, batches of 1024 at most");
    t.per_producer = n / t.producers;
    return t;
}

double transfer_result(const struct transfer *t, uint64_t start)
{
    double result = bench_per(start, t->producers * t->per_producer);
    uint64_t sum = 0;

    for (size_t i = 0; i < t->consumers; i++)
        sum += t->sums[i];
    if (sum != t->producers * (t->per_producer * (t->per_producer + 1) / 2))
        bench_fail("transfer: items were lost");
    return result;
}

double transfer(const bench_args *args, uint64_t n)
{
    struct transfer t = transfer_plan(args, n);
    bool single = bench_arg(args, "single", 0) != 0;
    weir_channel_options options = {.single_sender = single, .single_receiver = single};
    struct producer p = {.count = t.per_producer, .batch = t.batch};
    struct consumer c = {.batch = t.batch};
    weir_group group = weir_group_begin();

    must(num_channel_open(&p.tx, &c.rx, t.capacity, &options));
    uint64_t start = bench_now();
    /* The last of each side is given the handle itself, those before it a clone. */
    for (size_t i = 1; i < t.consumers; i++) {
        c.sum = &t.sums[i];
        must(weir_spawn(group, consume, &c, .own = WEIR_OWN(struct consumer, rx)));
    }
    c.sum = &t.sums[0];
    must(weir_spawn(group, consume, &c, .give = WEIR_GIVE(struct consumer, rx)));
    for (size_t i = 1; i < t.producers; i++)
        must(weir_spawn(group, produce, &p, .own = WEIR_OWN(struct producer, tx)));
    must(weir_spawn(group, produce, &p, .give = WEIR_GIVE(struct producer, tx)));
    must(weir_group_end(group));
    return transfer_result(&t, start);
}
