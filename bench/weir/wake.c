/* SPDX-License-Identifier: MIT */
/*
 * S11 and O1: a plain thread sends the time of day every pause=us; the actor that it
 * wakes looks at the clock. The result is the median. load=N: beside N pairs of actors
 * that work and send without end, otherwise the runtime has nothing else to do.
 */
#include "scenarios.h"

#include <pthread.h>
#include <stdatomic.h>

struct caller {
    num_sender tx;
    uint64_t calls, pause; /* ns */
};

static void *call(void *arg)
{
    const struct caller *caller = arg;

    for (uint64_t i = 0; i < caller->calls; i++) {
        bench_pause(caller->pause);
        must(num_send(caller->tx, bench_now()));
    }
    return NULL;
}

struct load {
    num_sender tx;
    num_receiver rx;
    atomic_bool *stop;
    uint64_t turns;
};

static int produce_load(void *arg)
{
    const struct load *load = arg;
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && !atomic_load_explicit(load->stop, memory_order_relaxed); i++)
        rc = num_send(load->tx, bench_worked(i, load->turns));
    return rc;
}

static int consume_load(void *arg)
{
    const struct load *load = arg;
    uint64_t v, expected = 0;
    int rc;

    while ((rc = num_recv(load->rx, &v)) > 0)
        if (bench_worked(v, load->turns) != expected++)
            bench_fail("wake: a wrong number");
    return rc;
}

static void start_load(const bench_args *args, weir_group group, atomic_bool *stop)
{
    struct load load = {.stop = stop, .turns = bench_turns(bench_arg(args, "work", 1000))};

    for (long i = bench_arg(args, "load", 0); i > 0; i--) {
        must(num_channel(&load.tx, &load.rx, 128));
        must(weir_spawn(group, consume_load, &load, .give = WEIR_GIVE(struct load, rx)));
        must(weir_spawn(group, produce_load, &load, .give = WEIR_GIVE(struct load, tx)));
    }
}

double wake(const bench_args *args, uint64_t n)
{
    struct caller caller = {.calls = n, .pause = (uint64_t)bench_arg(args, "pause", 300) * 1000};
    uint64_t *latency = bench_calloc(n, sizeof *latency);
    weir_group group = weir_group_begin();
    atomic_bool stop = false;
    num_receiver rx;
    pthread_t thread;

    must(num_channel(&caller.tx, &rx, 128));
    start_load(args, group, &stop);
    if (pthread_create(&thread, NULL, call, &caller))
        bench_fail("wake: cannot start a thread");
    for (uint64_t i = 0, sent; i < n; i++) {
        if (must(num_recv(rx, &sent)) != 1)
            bench_fail("wake: a call was lost");
        latency[i] = bench_now() - sent;
    }
    pthread_join(thread, NULL);
    atomic_store_explicit(&stop, true, memory_order_relaxed);
    must(weir_group_end(group));
    must(weir_close(caller.tx));
    must(weir_close(rx));

    double result = bench_latencies(latency, n);
    free(latency);
    return result;
}
