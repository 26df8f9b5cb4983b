/* SPDX-License-Identifier: MIT */
/*
 * O3: one actor wakes 500 others and then computes for ms=200 without a call of the
 * runtime. They do n round trips with 500 partners. The result is how long that took,
 * in milliseconds: as long as without the hog, if somebody else takes them over.
 */
#include "scenarios.h"

#include <stdatomic.h>

enum { PAIRS = 500 };

struct hog {
    num_sender open;
    atomic_ulong begun;
    atomic_bool stop;
    uint64_t ms;
};

static int hog_worker(void *arg)
{
    struct hog *hog = arg;
    uint64_t start = bench_now(), seed = start;

    atomic_store_explicit(&hog->begun, start, memory_order_relaxed);
    must(weir_close(hog->open));
    while (!atomic_load_explicit(&hog->stop, memory_order_relaxed) &&
           bench_now() - start < hog->ms * 1000000)
        seed = bench_burn(seed, 1000);
    return 0;
}

struct asker {
    num_receiver gate; /* borrowed */
    num_sender question;
    num_receiver answer;
    uint64_t times;
};

static int ask(void *arg)
{
    const struct asker *a = arg;
    uint64_t v;
    int rc = num_recv(a->gate, &v);

    for (uint64_t i = 0; i < a->times && rc >= 0; i++) {
        if ((rc = num_send(a->question, i)) < 0)
            break;
        if ((rc = num_recv(a->answer, &v)) == 0 || v != i + 1)
            bench_fail("hog: a wrong answer");
    }
    return rc;
}

struct answerer {
    num_receiver question;
    num_sender answer;
};

static int answer(void *arg)
{
    const struct answerer *a = arg;
    uint64_t v;
    int rc;

    while ((rc = num_recv(a->question, &v)) > 0)
        if ((rc = num_send(a->answer, v + 1)) < 0)
            break;
    return rc;
}

static void spawn_pair(weir_group group, num_receiver gate, uint64_t times)
{
    struct asker a = {.gate = gate, .times = times};
    struct answerer b;

    must(num_channel(&a.question, &b.question, 1));
    must(num_channel(&b.answer, &a.answer, 1));
    must(weir_spawn(group, answer, &b, .give = WEIR_GIVE(struct answerer, question, answer)));
    must(weir_spawn(group, ask, &a, .give = WEIR_GIVE(struct asker, question, answer)));
}

double hog(const bench_args *args, uint64_t n)
{
    struct hog hog = {.ms = (uint64_t)bench_arg(args, "ms", 200)};
    weir_group group = weir_group_begin(), hogs = weir_group_begin();
    num_receiver gate;

    must(num_channel(&hog.open, &gate, 1));
    for (int i = 0; i < PAIRS; i++)
        spawn_pair(group, gate, n / PAIRS);
    must(weir_yield()); /* those of this worker run up to their first recv */
    must(weir_spawn(hogs, hog_worker, (void *)&hog));
    must(weir_group_end(group));

    uint64_t begun = atomic_load_explicit(&hog.begun, memory_order_relaxed);
    double result = bench_per(begun, 1000000);
    atomic_store_explicit(&hog.stop, true, memory_order_relaxed);
    must(weir_group_end(hogs));
    must(weir_close(gate));
    return result;
}
