/* SPDX-License-Identifier: MIT */
/* test_scale.c - many actors, and actors that use most of their stack. */
#include <string.h>

#include "flow_actors.h"
#include "one_worker.h"

#if defined(SLOW_TSAN)
enum { CROWD = 2000 }; /* ThreadSanitizer knows about 8,000 fibers at most */
#elif defined(SLOW_ASAN)
enum { CROWD = 10000 };
#else
enum { CROWD = 100000 };
#endif

struct crowd {
    weir_sender tx;
    weir_receiver rx;
    uint64_t *sum;
    size_t *waits; /* how often one of them has begun to wait */
};

static int wait_and_add(void *arg)
{
    struct crowd *c = arg;
    uint64_t item;
    int rc;
    while (++*c->waits, (rc = weir_recv(c->rx, &item)) > 0)
        *c->sum += item;
    return rc;
}

/* There is one worker: who has begun to wait is parked before anybody else runs. */
static void await_crowd(const struct crowd *c, size_t waits, size_t parked)
{
    while (*c->waits < waits)
        weir_yield();
    EXPECT_EQ(stats_of(c->rx.h).waiting_receivers, parked);
}

/* All park on one channel; each gets one item, in order of parking; then the end wakes all. */
static int crowd_on_one_channel(void *unused)
{
    uint64_t sum = 0;
    size_t waits = 0;
    struct crowd c = {.sum = &sum, .waits = &waits};
    (void)unused;
    EXPECT_RC(weir_channel_open(&c.tx, &c.rx, sizeof(uint64_t), 0, NULL), 0);
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < CROWD; i++)
        if (!EXPECT_RC(weir_spawn(g, wait_and_add, &c), 0))
            return -1;
    await_crowd(&c, CROWD, CROWD);
    for (uint64_t i = 0; i < CROWD; i++)
        if (weir_send(c.tx, &i) != 0)
            return -2;
    await_crowd(&c, 2 * CROWD, CROWD);
    EXPECT_EQ(sum, (uint64_t)CROWD * (CROWD - 1) / 2);
    EXPECT_RC(weir_close(c.tx), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

/* Each has a channel of its own, and all handles are its own. */
struct link {
    weir_receiver from;
    weir_sender to;
};

static int pass_on(void *arg)
{
    struct link *l = arg;
    uint64_t item;
    int rc;
    while ((rc = weir_recv(l->from, &item)) > 0) {
        item++;
        if ((rc = weir_send(l->to, &item)) < 0)
            break;
    }
    return rc;
}

static int crowd_in_a_chain(void *unused)
{
    enum { LINKS = CROWD / 2 };
    weir_sender first;
    weir_receiver last;
    uint64_t item;
    (void)unused;
    EXPECT_RC(weir_channel_open(&first, &last, sizeof item, 1, NULL), 0);
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < LINKS; i++) {
        struct link l = {.from = last};
        if (!EXPECT_RC(weir_channel_open(&l.to, &last, sizeof item, i % 3, NULL), 0) ||
            !EXPECT_RC(weir_spawn(g, pass_on, &l, .give = WEIR_GIVE(struct link, from, to)), 0))
            return -1;
    }
    for (uint64_t round = 0; round < 3; round++) {
        item = round;
        EXPECT_RC(weir_send(first, &item), 0);
        EXPECT_RC(weir_recv(last, &item), 1);
        EXPECT_EQ(item, round + LINKS);
    }
    EXPECT_RC(weir_close(first), 0); /* the end runs down the chain */
    EXPECT_RC(weir_recv(last, &item), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

/* Waves: what one wave used serves the next. */
static int waves(void *unused)
{
    (void)unused;
    for (unsigned wave = 0; wave < 5; wave++) {
        uint64_t sum = 0;
        size_t waits = 0;
        struct crowd c = {.sum = &sum, .waits = &waits};
        EXPECT_RC(weir_channel_open(&c.tx, &c.rx, sizeof(uint64_t), 4, NULL), 0);
        weir_group g = weir_group_begin();
        for (unsigned i = 0; i < CROWD / 10; i++)
            if (!EXPECT_RC(weir_spawn(g, wait_and_add, &c), 0))
                return -1;
        await_crowd(&c, CROWD / 10, CROWD / 10);
        EXPECT_RC(weir_close(c.tx), 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(weir_close(c.rx), 0);
    }
    return 0;
}

/* ---- deep ----------------------------------------------------------------------------------- */

struct dive {
    size_t bytes; /* to use, from the first frame on */
    uintptr_t top;
    weir_receiver rx;
    unsigned depth;
};

/* Not a tail call, and each frame is written and checked. */
__attribute__((noinline)) static uint64_t dive(struct dive *d, unsigned depth)
{
    volatile uint64_t frame[20];
    uint64_t item, below = 0;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    for (unsigned i = 0; i < 20; i++)
        frame[i] = depth * 20 + i;
    if (d->top - here < d->bytes) {
        below = dive(d, depth + 1);
    } else {
        d->depth = depth;
        weir_yield(); /* at the bottom: suspended with the whole stack in use, */
        below = weir_recv(d->rx, &item) == 1 ? item : UINT64_MAX; /* and twice */
    }
    for (unsigned i = 0; i < 20; i++)
        if (frame[i] != depth * 20 + i)
            return UINT64_MAX;
    return below;
}

static int dive_down(void *arg)
{
    struct dive *d = arg;
    d->top = (uintptr_t)__builtin_frame_address(0);
    EXPECT_EQ(dive(d, 0), 4321);
    EXPECT(d->depth > d->bytes / 1000);
    return 0;
}

struct divers {
    size_t stack_size;
};

static int send_divers(void *arg)
{
    const struct divers *s = arg;
    weir_sender tx;
    struct dive d;
    uint64_t item = 4321;
    EXPECT_RC(weir_channel_open(&tx, &d.rx, sizeof item, 2, NULL), 0);
    weir_group g = weir_group_begin();
    /* All but the guard, the first frames, and what weir itself needs below. */
    d.bytes = s->stack_size - s->stack_size / 4 - 2048;
    for (unsigned i = 0; i < 20; i++)
        EXPECT_RC(weir_spawn(g, dive_down, &d), 0);
    for (unsigned i = 0; i < 20; i++)
        EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void deep_stacks(void)
{
    static const size_t sizes[] = {65536, 262144, 1 << 20};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int guard = WEIR_GUARD_BEST; guard <= WEIR_GUARD_CANARY; guard++) {
            struct divers s = {sizes[i]};
            weir_options o = {.stack_size = sizes[i], .guard = (weir_guard)guard};
            EXPECT_RC(weir_run(send_divers, &s, &o), 0);
        }
}

static void run_crowd_on_one_channel(void)
{
    EXPECT_RC(weir_run(crowd_on_one_channel, NULL, &one_worker), 0);
}

static void run_crowd_in_a_chain(void)
{
    EXPECT_RC(weir_run(crowd_in_a_chain, NULL, &one_worker), 0);
}

static void run_waves(void)
{
    EXPECT_RC(weir_run(waves, NULL, &one_worker), 0);
}

TEST_SUITE(scale, "actors: scale",
           {"F037 100,000 actors parked on one channel", run_crowd_on_one_channel},
           {"F037 50,000 actors in a chain", run_crowd_in_a_chain},
           {"F043 waves of actors", run_waves},
           {"F037 actors that use most of their stack", deep_stacks});
