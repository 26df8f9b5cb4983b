/* SPDX-License-Identifier: MIT */
/* test_native.c - weir__on_worker_stack(): deep steps of actors with small stacks. */
#include <errno.h>
#include <fenv.h>
#include <stdint.h>
#include <string.h>

#include <weir/weir.h>

#include "harness.h"
#include "native.h"

enum { DEEP = 1024 * 1024, SMALL = 128 * 1024 };

/* Where a function's frames are. */
static uintptr_t here(void)
{
    return (uintptr_t)__builtin_frame_address(0);
}

static uintptr_t distance(uintptr_t a, uintptr_t b)
{
    return a > b ? a - b : b - a;
}

struct deep {
    uintptr_t at;
    unsigned seed, sum;
};

/* Writes and reads a MiB of its stack. */
static int use_deep(void *arg)
{
    struct deep *d = arg;
    volatile unsigned char frame[DEEP];
    d->at = here();
    d->sum = 0;
    for (size_t i = 0; i < sizeof frame; i += 64)
        frame[i] = (unsigned char)(i / 64 + d->seed);
    for (size_t i = 0; i < sizeof frame; i += 64)
        d->sum += frame[i];
    return (int)d->seed;
}

static unsigned sum_of_deep(unsigned seed)
{
    unsigned sum = 0;
    for (size_t i = 0; i < DEEP; i += 64)
        sum += (unsigned char)(i / 64 + seed);
    return sum;
}

static int goes_deep(void *arg)
{
    unsigned seed = *(unsigned *)arg;
    for (unsigned i = 0; i < 20; i++) {
        struct deep d = {.seed = seed + i};
        EXPECT_EQ(weir__on_worker_stack(use_deep, &d), seed + i);
        EXPECT_EQ(d.sum, sum_of_deep(seed + i));
        EXPECT(distance(d.at, here()) > SMALL); /* not on ours */
        EXPECT_RC(weir_yield(), 0);             /* perhaps to another worker */
    }
    return 0;
}

static int many_go_deep(void *arg)
{
    (void)arg;
    for (unsigned seed = 0; seed < 20; seed++)
        EXPECT_RC(weir_spawn(WEIR_RUN, goes_deep, &seed), 0);
    return 0;
}

static void deep(void)
{
    EXPECT_RC(weir_run(many_go_deep, NULL, NULL), 0);
}

static void plain_thread(void)
{
    struct deep d = {.seed = 9};
    EXPECT_EQ(weir__on_worker_stack(use_deep, &d), 9);
    EXPECT_EQ(d.sum, sum_of_deep(9));
    EXPECT(distance(d.at, here()) < 2 * DEEP); /* just a call */
}

/* ---- nothing may wait --------------------------------------------------------------- */

struct ends {
    weir_sender tx;
    weir_receiver rx;
    weir_group group;
    unsigned dropped;
};

static int nested(void *arg)
{
    *(uintptr_t *)arg = here();
    return 33;
}

static int waits(void *arg)
{
    struct ends *e = arg;
    int item = 1;
    uintptr_t deeper = 0;
    weir_case c = weir_on_recv(e->rx, &item);
    EXPECT_RC(weir_recv(e->rx, &item), WEIR_EPERM);
    EXPECT_RC(weir_recv_by(e->rx, &item, weir_after(WEIR_S)), WEIR_EPERM);
    EXPECT_RC(weir_select(&c, 1, WEIR_FAIR), WEIR_EPERM);
    EXPECT_RC(weir_sleep(WEIR_S), WEIR_EPERM);
    EXPECT_RC(weir_yield(), WEIR_EPERM);
    EXPECT_RC(weir_group_end(e->group), WEIR_EPERM);
    EXPECT_RC(weir_try_recv(e->rx, &item), WEIR_EAGAIN);
    for (int i = 0; i < 1000; i++) { /* more than a budget of operations */
        EXPECT_RC(weir_send(e->tx, &item), 0);
        EXPECT_RC(weir_recv(e->rx, &item), 1);
    }
    EXPECT_RC(weir_send(e->tx, &item), 0);
    EXPECT_RC(weir_send(e->tx, &item), WEIR_EPERM); /* full */
    EXPECT_RC(weir_close(e->rx), 0);
    EXPECT_EQ(e->dropped, 0); /* when we are back */
    EXPECT_EQ(weir__on_worker_stack(nested, &deeper), 33);
    EXPECT(distance(deeper, here()) < SMALL / 2); /* in place */
    EXPECT_STR(weir_actor_name(), "main");
    errno = ENOTTY;
    return -5;
}

static void count_drop(void *item, void *context)
{
    (void)item;
    ++*(unsigned *)context;
}

static int child(void *unused)
{
    (void)unused;
    return 0;
}

static int refused(void *unused)
{
    struct ends e = {.dropped = 0};
    weir_channel_options o = {.drop = count_drop, .drop_context = &e.dropped};
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof(int), 1, &o), 0);
    e.group = weir_group_begin();
    EXPECT_RC(weir_spawn(e.group, child, NULL), 0);
    EXPECT_RC(weir__on_worker_stack(waits, &e), -5);
    EXPECT_EQ(errno, ENOTTY);
    EXPECT_EQ(e.dropped, 1);
    EXPECT_RC(weir_yield(), 0); /* afterwards it may wait again */
    EXPECT_RC(weir_group_end(e.group), 0);
    return 0;
}

static void nothing_waits(void)
{
    EXPECT_RC(weir_run(refused, NULL, NULL), 0);
}

/* ---- in a drop function, which may not wait before or afterwards --------------------------- */

static void drop_goes_deep(void *item, void *context)
{
    struct deep d = {.seed = 4};
    (void)item;
    EXPECT_EQ(weir__on_worker_stack(use_deep, &d), 4);
    EXPECT_EQ(d.sum, sum_of_deep(4));
    EXPECT_RC(weir_yield(), WEIR_EPERM);
    ++*(unsigned *)context;
}

static int drops(void *arg)
{
    int item = 0;
    weir_sender tx;
    weir_receiver rx;
    weir_channel_options o = {.drop = drop_goes_deep, .drop_context = arg};
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 2, &o), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(*(unsigned *)arg, 2);
    return weir_yield();
}

static void in_drop_functions(void)
{
    unsigned dropped = 0;
    EXPECT_RC(weir_run(drops, &dropped, NULL), 0);
}

/* ---- floating point ------------------------------------------------------------------------ */

static int rounding(void *unused)
{
    (void)unused;
    return fegetround();
}

static int rounds(void *unused)
{
    (void)unused;
    EXPECT_EQ(fesetround(FE_UPWARD), 0);
    EXPECT_EQ(weir__on_worker_stack(rounding, NULL), FE_UPWARD);
    EXPECT_EQ(fesetround(FE_TONEAREST), 0);
    return 0;
}

static void control_modes(void)
{
    EXPECT_RC(weir_run(rounds, NULL, NULL), 0);
}

TEST_SUITE(native, "on the worker's stack",
           {"F001 a function with a MiB of stack, from small actors that migrate", deep},
           {"F001 a plain thread just calls", plain_thread},
           {"F037 what would wait is refused, nested calls stay in place", nothing_waits},
           {"F044 from a drop function", in_drop_functions},
           {"F001 the actor's rounding mode", control_modes});
