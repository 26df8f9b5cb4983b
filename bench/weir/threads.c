/* SPDX-License-Identifier: MIT */
/* S3c: the same transfer between plain threads, without a runtime. */
#include "transfer.h"

#include <pthread.h>

static void *producer_thread(void *arg)
{
    struct producer *p = arg;
    must(produce(p));
    must(weir_close(p->tx));
    return NULL;
}

static void *consumer_thread(void *arg)
{
    struct consumer *c = arg;
    must(consume(c));
    must(weir_close(c->rx));
    return NULL;
}

static pthread_t start_thread(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, arg))
        bench_fail("threads: cannot start a thread");
    return thread;
}

double threads(const bench_args *args, uint64_t n)
{
    struct transfer t = transfer_plan(args, n);
    struct producer p[PARTIES_MAX];
    struct consumer c[PARTIES_MAX];
    pthread_t thread[2 * PARTIES_MAX];
    size_t started = 0;

    p[0] = (struct producer){.count = t.per_producer, .batch = t.batch};
    c[0] = (struct consumer){.batch = t.batch, .sum = &t.sums[0]};
    must(num_channel(&p[0].tx, &c[0].rx, t.capacity));
    for (size_t i = 1; i < t.producers; i++) {
        p[i] = p[0];
        must(weir_check(p[i].tx = num_sender_clone(p[0].tx)));
    }
    for (size_t i = 1; i < t.consumers; i++) {
        c[i] = (struct consumer){num_receiver_clone(c[0].rx), &t.sums[i], t.batch};
        must(weir_check(c[i].rx));
    }

    uint64_t start = bench_now();
    for (size_t i = 0; i < t.consumers; i++)
        thread[started++] = start_thread(consumer_thread, &c[i]);
    for (size_t i = 0; i < t.producers; i++)
        thread[started++] = start_thread(producer_thread, &p[i]);
    while (started > 0)
        pthread_join(thread[--started], NULL);
    return transfer_result(&t, start);
}
