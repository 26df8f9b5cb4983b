/* SPDX-License-Identifier: MIT */
/* floor SCENARIO key=value... - the scenarios over runtime.h, a twentieth first to warm up. */
#define _GNU_SOURCE
#include "runtime.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>

enum { BATCH_MAX = 1024 };

static bench_args args;

static uint64_t arg(const char *key, long otherwise)
{
    return (uint64_t)bench_arg(&args, key, otherwise);
}

/* The main actor sleeps until so many have ended. */
static uint64_t running;

static void ended(void)
{
    if (--running == 0)
        make_ready(&main_actor);
}

/* ---- a number there and its successor back ----------------------------------------------- */

struct ends {
    channel *in, *out;
    uint64_t count;
};

static void answer(void *ends)
{
    const struct ends *e = ends;
    for (uint64_t i = 0; i < e->count; i++)
        put(e->out, get(e->in) + 1);
}

static double pingpong(uint64_t n)
{
    unsigned long capacity = arg("capacity", 1);
    struct ends e = {make_channel(capacity), make_channel(capacity), n};

    start(answer, &e);
    uint64_t begun = bench_now();
    for (uint64_t i = 0; i < n; i++) {
        put(e.in, i);
        if (get(e.out) != i + 1)
            bench_fail("pingpong: a wrong answer");
    }
    double result = bench_per(begun, n);
    give_way();
    return result;
}

/* ---- one producer, one consumer ------------------------------------------------------------ */

struct side {
    channel *items;
    uint64_t count, sum, batch;
    uint64_t buffer[BATCH_MAX]; /* too large for a stack here */
};

static void produce(void *side)
{
    struct side *s = side;

    for (uint64_t i = 1; s->batch == 1 && i <= s->count; i++)
        put(s->items, i);
    for (uint64_t sent = 0; s->batch > 1 && sent < s->count; sent += s->batch) {
        for (uint64_t i = 0; i < s->batch; i++)
            s->buffer[i] = sent + i + 1;
        for (uint64_t done = 0; done < s->batch;)
            done += put_many(s->items, s->buffer + done, s->batch - done);
    }
    ended();
}

static void consume(void *side)
{
    struct side *s = side;
    uint64_t sum = 0;

    for (uint64_t i = 0; s->batch == 1 && i < s->count; i++)
        sum += get(s->items);
    for (uint64_t got = 0; s->batch > 1 && got < s->count;) {
        uint64_t n = get_many(s->items, s->buffer, s->batch);
        for (uint64_t i = 0; i < n; i++)
            sum += s->buffer[i];
        got += n;
    }
    s->sum = sum;
    ended();
}

static double transfer(uint64_t n)
{
    channel *items = make_channel(arg("capacity", 128));
    uint64_t batch = arg("batch", 1), count = n / batch * batch;
    struct side producer = {.items = items, .count = count, .batch = batch};
    struct side consumer = producer;

    if (batch > BATCH_MAX)
        bench_fail("transfer: batches of 1024 at most");
    running = 2;
    uint64_t begun = bench_now();
    start(consume, &consumer);
    start(produce, &producer);
    switch_away();
    if (consumer.sum != count * (count + 1) / 2)
        bench_fail("transfer: items were lost");
    return bench_per(begun, count);
}

/* ---- a token round a ring ------------------------------------------------------------------- */

struct node {
    channel *in, *out, *done;
};

static void forward(void *node)
{
    const struct node *me = node;

    for (uint64_t token; (token = get(me->in)) > 0;)
        put(me->out, token - 1);
    put(me->done, 0);
}

static double ring(uint64_t n)
{
    size_t size = arg("actors", 1000);
    size_t *next = bench_ring(size, (long)arg("shuffle", 0));
    struct node *nodes = bench_calloc(size, sizeof *nodes);
    channel *done = make_channel(1);

    for (size_t i = 0; i < size; i++)
        nodes[i].in = make_channel(arg("capacity", 1));
    for (size_t i = 0; i < size; i++) {
        nodes[i].out = nodes[next[i]].in;
        nodes[i].done = done;
        start(forward, &nodes[i]);
    }
    give_way();
    uint64_t begun = bench_now();
    put(nodes[0].in, n);
    get(done);
    double result = bench_per(begun, n);
    free(next);
    return result; /* the nodes sleep on until the process ends */
}

/* ---- a pipeline ----------------------------------------------------------------------------- */

static void count_up(void *ends)
{
    const struct ends *e = ends;
    for (uint64_t i = 0; i < e->count; i++)
        put(e->out, i);
}

static double pipeline(uint64_t n)
{
    uint64_t stages = arg("stages", 100), capacity = arg("capacity", 64);
    struct ends *stage = bench_calloc(stages + 1, sizeof *stage);

    stage[0] = (struct ends){NULL, make_channel(capacity), n};
    for (uint64_t i = 1; i <= stages; i++) {
        stage[i] = (struct ends){stage[i - 1].out, make_channel(capacity), n};
        start(answer, &stage[i]);
    }
    uint64_t begun = bench_now();
    start(count_up, &stage[0]);
    for (uint64_t i = 0; i < n; i++)
        if (get(stage[stages].out) != i + stages)
            bench_fail("pipeline: a wrong number");
    double result = bench_per(begun, n * stages);
    give_way();
    free(stage);
    return result;
}

/* ---- many actors ---------------------------------------------------------------------------- */

static void nothing(void *unused)
{
    (void)unused;
    ended();
}

static double spawn(uint64_t n)
{
    uint64_t wave = arg("wave", 10000), waves = (n + wave - 1) / wave;

    uint64_t begun = bench_now();
    for (uint64_t w = 0; w < waves; w++) {
        running = wave;
        for (uint64_t i = 0; i < wave; i++)
            start(nothing, NULL);
        switch_away();
    }
    return bench_per(begun, waves * wave);
}

static actor *parked;

static void wait_at_gate(void *unused)
{
    (void)unused;
    self->next = parked;
    parked = self;
    switch_away();
    ended();
}

static double park(uint64_t n)
{
    running = n;
    double before = bench_memory();
    uint64_t begun = bench_now();
    for (uint64_t i = 0; i < n; i++)
        start(wait_at_gate, NULL);
    give_way();
    double bytes = (bench_memory() - before) / (double)n;
    for (actor *a = parked, *next; a; a = next) {
        next = a->next;
        make_ready(a);
    }
    parked = NULL;
    switch_away();
    double result = bench_per(begun, n);
    if (n > 1)
        bench_bytes(bytes);
    return result;
}

static void give_way_often(void *times)
{
    for (uint64_t i = 0; i < *(uint64_t *)times; i++)
        give_way();
    ended();
}

static double yield(uint64_t n)
{
    uint64_t times = n / 2;

    running = 2;
    uint64_t begun = bench_now();
    start(give_way_often, &times);
    start(give_way_often, &times);
    switch_away();
    return bench_per(begun, n);
}

/* ---- a foreign thread wakes one that sleeps: no runtime can be faster than its kernel ----- */

static struct {
    atomic_uint called; /* calls so far; what the sleeper sleeps on */
    atomic_ulong sent;
    uint64_t calls, pause;
} caller;

static void *call(void *unused)
{
    for (uint64_t i = 0; i < caller.calls; i++) {
        bench_pause(caller.pause);
        atomic_store_explicit(&caller.sent, bench_now(), memory_order_relaxed);
        atomic_fetch_add_explicit(&caller.called, 1, memory_order_release);
        syscall(SYS_futex, &caller.called, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    return unused;
}

/* A call that comes before the one before it was taken counts for both. */
static double foreign_wake(uint64_t n)
{
    uint64_t *latency = bench_calloc(n, sizeof *latency);
    unsigned seen = atomic_load(&caller.called);
    pthread_t thread;

    caller.calls = n;
    caller.pause = arg("pause", 300) * 1000;
    if (pthread_create(&thread, NULL, call, NULL))
        bench_fail("wake: cannot start a thread");
    for (uint64_t i = 0; i < n;) {
        unsigned now = atomic_load_explicit(&caller.called, memory_order_acquire);
        if (now == seen)
            syscall(SYS_futex, &caller.called, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
        for (; seen != now; seen++, i++)
            latency[i] = bench_now() - atomic_load_explicit(&caller.sent, memory_order_relaxed);
    }
    pthread_join(thread, NULL);
    double result = bench_latencies(latency, n);
    free(latency);
    return result;
}

static const struct scenario {
    const char *name;
    double (*run)(uint64_t n);
    long n, warm_up; /* warm_up 0: a twentieth of n */
} scenarios[] = {
    {"pingpong", pingpong, 10000000, 0}, {"transfer", transfer, 100000000, 0},
    {"ring", ring, 10000000, 0},         {"pipeline", pipeline, 1000000, 0},
    {"spawn", spawn, 10000000, 0},       {"park", park, 1000000, 1},
    {"yield", yield, 50000000, 0},       {"wake", foreign_wake, 2000, 0},
};

int main(int argc, char **argv)
{
    args = (bench_args){argc, argv};
    const char *name = bench_scenario(&args);

    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        const struct scenario *s = &scenarios[i];
        if (strcmp(name, s->name) != 0)
            continue;
        long n = bench_arg(&args, "n", s->n);
        s->run((uint64_t)(s->warm_up ? s->warm_up : n / 20 + 1));
        bench_result(s->run((uint64_t)n));
        return 0;
    }
    bench_fail("scenarios: pingpong transfer ring pipeline spawn park yield wake");
}
