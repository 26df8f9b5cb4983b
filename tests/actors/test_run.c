/* SPDX-License-Identifier: MIT */
/* test_run.c - weir_run(): its result, its end, its options, and being outside of one. */
#include <string.h>

#include "flow_actors.h"

static int return_it(void *arg)
{
    return *(const int *)arg;
}

static void result_of_the_first(void)
{
    static const int results[] = {0, 1, 77, INT_MAX, -1, WEIR_EPIPE, -9999, INT_MIN};
    for (unsigned i = 0; i < sizeof results / sizeof results[0]; i++) {
        int result = results[i];
        EXPECT_RC(weir_run(return_it, &result, NULL), results[i]);
    }
}

static int check_null(void *arg)
{
    return arg == NULL ? 5 : WEIR_EINVAL;
}

static void arg_is_passed(void)
{
    EXPECT_RC(weir_run(check_null, NULL, NULL), 5);
    EXPECT_RC(weir_run(NULL, NULL, NULL), WEIR_EINVAL);
}

/* ---- failures of children of the run -------------------------------------------------------- */

struct family {
    int own;
    int children[3];
};

static int parent(void *arg)
{
    const struct family *f = arg;
    for (unsigned i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(WEIR_RUN, return_it, &f->children[i]), 0);
    return f->own;
}

static void result_of_the_run(void)
{
    static struct {
        struct family family;
        int result;
    } cases[] = {
        {{0, {0, 0, 0}}, 0},
        {{4, {0, 1, 2}}, 4},
        {{0, {0, WEIR_EPIPE, 0}}, WEIR_EPIPE},
        {{4, {9, WEIR_EPIPE, 0}}, WEIR_EPIPE},
        {{WEIR_EAGAIN, {0, WEIR_EPIPE, 0}}, WEIR_EAGAIN},
        {{WEIR_EAGAIN, {0, 0, 0}}, WEIR_EAGAIN},
        {{0, {-500, 7, -500}}, -500},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        EXPECT_RC(weir_run(parent, &cases[i].family, NULL), cases[i].result);
}

static int fail_after_yields(void *arg)
{
    int times = *(const int *)arg;
    for (int i = 0; i < times; i++)
        weir_yield();
    return -1000 - times;
}

static int fail_in_turn(void *arg)
{
    (void)arg;
    for (int times = 300; times >= 100; times -= 100)
        EXPECT_RC(weir_spawn(WEIR_RUN, fail_after_yields, &times), 0);
    return 0;
}

static void first_failure_in_time(void)
{
    EXPECT_RC(weir_run(fail_in_turn, NULL, &(weir_options){.workers = 1}), -1100);
}

/* ---- the end --------------------------------------------------------------------------------- */

static int generation(void *arg)
{
    struct {
        unsigned *ended;
        unsigned left;
    } *g = arg;
    for (unsigned i = 0; i < 10; i++)
        weir_yield();
    if (g->left > 0) {
        g->left--;
        EXPECT_RC(weir_spawn(WEIR_RUN, generation, g), 0);
    }
    ++*g->ended;
    return 0;
}

static int found_a_dynasty(void *arg)
{
    struct {
        unsigned *ended;
        unsigned left;
    } g = {arg, 99};
    return weir_spawn(WEIR_RUN, generation, &g);
}

/* The first actor returns at once; those that it spawned, and theirs, are waited for. */
static void run_waits_for_all(void)
{
    unsigned ended = 0;
    EXPECT_RC(weir_run(found_a_dynasty, &ended, &(weir_options){.workers = 1}), 0);
    EXPECT_EQ(ended, 100);
}

static void one_after_the_other(void)
{
    for (int i = 0; i < 300; i++)
        EXPECT_RC(weir_run(return_it, &i, NULL), i);
}

static void *run_in_thread(void *arg)
{
    int *number = arg;
    *number = weir_run(return_it, number, NULL);
    return NULL;
}

static void any_thread_may_run(void)
{
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        int number = 100 + i;
        EXPECT_EQ(pthread_create(&thread, NULL, run_in_thread, &number), 0);
        pthread_join(thread, NULL);
        EXPECT_RC(number, 100 + i);
    }
}

/* ---- two at once ---------------------------------------------------------------------------- */

static int run_inside(void *arg)
{
    int number = 3;
    (void)arg;
    EXPECT_RC(weir_run(return_it, &number, NULL), WEIR_EBUSY);
    return 8;
}

struct second_run {
    pthread_t thread;
    int result;
    atomic_bool done;
};

static void *run_at_the_same_time(void *arg)
{
    struct second_run *s = arg;
    int number = 3;
    s->result = weir_run(return_it, &number, NULL);
    atomic_store(&s->done, true);
    return NULL;
}

static int have_a_second_run(void *arg)
{
    struct second_run *s = arg;
    EXPECT_EQ(pthread_create(&s->thread, NULL, run_at_the_same_time, s), 0);
    while (!atomic_load(&s->done))
        weir_yield();
    return 0;
}

static void one_at_a_time(void)
{
    struct second_run s = {.result = 0};
    EXPECT_RC(weir_run(run_inside, NULL, NULL), 8);
    EXPECT_RC(weir_run(have_a_second_run, &s, NULL), 0);
    pthread_join(s.thread, NULL);
    EXPECT_RC(s.result, WEIR_EBUSY);
}

/* ---- options -------------------------------------------------------------------------------- */

static int use_some_stack(void *arg)
{
    volatile char frame[4096];
    memset((void *)(uintptr_t)frame, 7, sizeof frame);
    weir_yield();
    return frame[100] + (arg == NULL);
}

static void options_in_range(void)
{
    static const size_t sizes[] = {0, 16384, 20000, 65536, 100000, 1 << 20, 8 << 20};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int guard = WEIR_GUARD_BEST; guard <= WEIR_GUARD_CANARY; guard++) {
            weir_options o = {.stack_size = sizes[i], .guard = (weir_guard)guard};
            if (SLOWNESS > 1 && sizes[i] > 0 && sizes[i] < 65536)
                continue; /* instrumented frames are larger */
            EXPECT_RC(weir_run(use_some_stack, NULL, &o), 8);
        }
}

static void options_out_of_range(void)
{
    static const weir_options bad[] = {
        {.stack_size = SIZE_MAX},        {.stack_size = SIZE_MAX / 2 + 2},
        {.stack_size = (size_t)1 << 62}, {.guard = (weir_guard)(WEIR_GUARD_CANARY + 1)},
        {.guard = (weir_guard)1000},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT_RC(weir_run(use_some_stack, NULL, &bad[i]), WEIR_EINVAL);
        EXPECT_RC(weir_run(use_some_stack, NULL, NULL), 8);
    }
}

/* ---- outside of actors ---------------------------------------------------------------------- */

static void outside(void)
{
    int number = 1;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_group_end(g), WEIR_EPERM);
    EXPECT_RC(weir_spawn(g, return_it, &number), WEIR_EPERM);
    EXPECT_RC(weir_spawn(WEIR_RUN, return_it, &number), WEIR_EPERM);
    EXPECT_RC(weir_handle_check(g.h), WEIR_EPERM);
    EXPECT_RC(weir_yield(), WEIR_EPERM);
    EXPECT_STR(weir_actor_name(), "");
}

static int leave_threads_be(void *arg)
{
    pthread_t thread;
    struct second_run *s = arg;
    if (pthread_create(&thread, NULL, run_at_the_same_time, s) != 0)
        return WEIR_EAGAIN;
    while (!atomic_load(&s->done))
        weir_yield();
    pthread_join(thread, NULL);
    return 0;
}

/* Outside also means: on another thread, while a run goes on; and again after it. */
static void outside_of_a_run(void)
{
    struct second_run s = {.result = 0};
    outside();
    EXPECT_RC(weir_run(leave_threads_be, &s, NULL), 0);
    outside();
}

/* ---- channels span runs --------------------------------------------------------------------- */

struct span {
    weir_sender tx;
    weir_receiver rx;
};

static int send_one(void *arg)
{
    struct span *s = arg;
    uint64_t item = 9;
    return weir_send(s->tx, &item);
}

static int recv_one(void *arg)
{
    struct span *s = arg;
    uint64_t item = 0;
    int rc = weir_recv(s->rx, &item);
    return rc == 1 ? (int)item : rc;
}

/* Handles that a plain thread made are its own: they outlive the runs that use them. */
static void channels_span_runs(void)
{
    struct span s;
    EXPECT_RC(weir_channel_open(&s.tx, &s.rx, sizeof(uint64_t), 4, NULL), 0);
    for (unsigned i = 0; i < 10; i++) {
        EXPECT_RC(weir_run(send_one, &s, NULL), 0);
        EXPECT_RC(weir_run(send_one, &s, NULL), 0);
        EXPECT_RC(weir_run(recv_one, &s, NULL), 9);
        expect_items(s.rx, 9, 1);
    }
    close_both(s.tx, s.rx);
}

static int open_and_return(void *arg)
{
    struct span *s = arg;
    return weir_channel_open(&s->tx, &s->rx, 8, 4, NULL);
}

static void handles_end_with_the_run(void)
{
    struct span s;
    EXPECT_RC(weir_run(open_and_return, &s, NULL), 0);
    EXPECT_RC(weir_check(s.tx), WEIR_ECLOSED);
    EXPECT_RC(weir_check(s.rx), WEIR_ECLOSED);
    EXPECT_RC(weir_close(s.tx), 0);
}

TEST_SUITE(run, "actors: run", {"F001 run: the first actor's result", result_of_the_first},
           {"F001 run: the argument is passed as it is", arg_is_passed},
           {"F001 run: the first failure when the first actor succeeds", result_of_the_run},
           {"F001 run: the first failure is the first in time", first_failure_in_time},
           {"F001 run: ends when the last actor has returned", run_waits_for_all},
           {"F001 run: one after the other", one_after_the_other},
           {"F001 run: on any thread", any_thread_may_run},
           {"F001 run: one at a time", one_at_a_time},
           {"F001 run: options in range", options_in_range},
           {"F001 run: options out of range", options_out_of_range},
           {"F001 run: outside of actors", outside_of_a_run},
           {"F053 run: channels of a thread span runs", channels_span_runs},
           {"F053 run: handles of actors end with them", handles_end_with_the_run});
