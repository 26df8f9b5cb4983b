/* SPDX-License-Identifier: MIT */
/* selftest.c - the explorer on small programs, right and wrong ones. */
#include <string.h>

#include "../../channels/os.h"
#include "explore.h"

/* ---- enumeration ----------------------------------------------------------------------------- */

static a32 u, v, w;

static void two_loads(void *variable)
{
    a32_load(variable);
    a32_load(variable);
}

static void three_loads(void *variable)
{
    two_loads(variable);
    a32_load(variable);
}

EXPLORE_MODEL(dfs_2x3, "DFS: two threads of three steps have 20 executions", .flags = EXPLORE_DFS,
              .executions = 20, .threads = {{"a", three_loads, &u}, {"b", three_loads, &v}});
EXPLORE_MODEL(dfs_3x2, "DFS: three threads of two steps have 90 executions", .flags = EXPLORE_DFS,
              .executions = 90,
              .threads = {{"a", two_loads, &u}, {"b", two_loads, &v}, {"c", two_loads, &w}});
/* a after 0 to 3 of its steps: all of b, or the other way round */
EXPLORE_MODEL(dfs_preemptions, "DFS: at most one preemption leaves 6 executions",
              .flags = EXPLORE_DFS, .preemptions = 1, .executions = 6,
              .threads = {{"a", three_loads, &u}, {"b", three_loads, &v}});

static void chooses(void *unused)
{
    (void)unused;
    explore_choose(3);
    a32_load(&u);
    explore_choose(2);
}

EXPLORE_MODEL(dfs_values, "DFS: values are enumerated too", .flags = EXPLORE_DFS, .executions = 18,
              .threads = {{"a", chooses, NULL}, {"b", two_loads, &v}});

/* ---- locks ----------------------------------------------------------------------------------- */

static a32 lock;
static int inside, entered;

static void critical(void)
{
    EXPLORE_EQ(inside, 0);
    inside++;
    explore_yield();
    inside--;
    entered++;
}

static void spin_lock(void *unused)
{
    (void)unused;
    while (a32_xchg(&lock, 1) != 0)
        while (a32_load(&lock) != 0)
            a_relax();
    critical();
    a32_store_release(&lock, 0);
}

static void test_then_set(void *unused)
{
    (void)unused;
    while (a32_load(&lock) != 0)
        a_relax();
    a32_store(&lock, 1);
    critical();
    a32_store_release(&lock, 0);
}

static void three_entered(void)
{
    EXPLORE_EQ(entered, 3);
}

#define THREE(f)                                                                                   \
    {                                                                                              \
        {"a", f, NULL}, {"b", f, NULL},                                                            \
        {                                                                                          \
            "c", f, NULL                                                                           \
        }                                                                                          \
    }

EXPLORE_MODEL(spin, "a spin lock excludes", .threads = THREE(spin_lock), .check = three_entered);
EXPLORE_MODEL(spin_dfs, "a spin lock excludes, enumerated", .flags = EXPLORE_DFS, .preemptions = 2,
              .threads = {{"a", spin_lock, NULL}, {"b", spin_lock, NULL}});
EXPLORE_MODEL(spin_wrong, "test-then-set does not exclude", .threads = THREE(test_then_set),
              .expect = "inside");

/* Peterson's lock needs a fence between the own flag and the other's. */
static a32 flags[2], turn;
static bool fenced = true;

static void peterson(int me)
{
    a32_store(&flags[me], 1);
    a32_store(&turn, (uint32_t)!me);
    if (fenced && !MUTATE("peterson: no fence"))
        a_fence();
    while (a32_load(&flags[!me]) && a32_load(&turn) == (uint32_t)!me)
        a_relax();
    critical();
    a32_store_release(&flags[me], 0);
}

static void peterson_0(void *unused)
{
    (void)unused;
    peterson(0);
}

static void peterson_1(void *unused)
{
    (void)unused;
    peterson(1);
}

EXPLORE_MODEL(peterson_fence, "Peterson's lock excludes",
              .threads = {{"0", peterson_0, NULL}, {"1", peterson_1, NULL}});
EXPLORE_MODEL(peterson_no_fence, "Peterson's lock without its fence does not",
              .mutation = "peterson: no fence", .expect = "inside",
              .threads = {{"0", peterson_0, NULL}, {"1", peterson_1, NULL}});

/* ---- sleeping -------------------------------------------------------------------------------- */

static a32 word;

static void waits_for_1(void *unused)
{
    (void)unused;
    while (a32_load_acquire(&word) == 0)
        os_futex_wait(&word, 0, WEIR_NEVER);
}

static void sets_1(void *unused)
{
    (void)unused;
    a32_store_release(&word, 1);
    os_futex_wake(&word, 1);
}

static void sets_1_silently(void *unused)
{
    (void)unused;
    a32_store_release(&word, 1);
}

static void wakes_too_early(void *unused)
{
    (void)unused;
    os_futex_wake(&word, 1);
    a32_store_release(&word, 1);
}

EXPLORE_MODEL(futex, "futex: a waiter is woken",
              .threads = {{"waits", waits_for_1, NULL}, {"sets", sets_1, NULL}});
EXPLORE_MODEL(futex_dfs, "futex: a waiter is woken, enumerated with spurious wake-ups",
              .flags = EXPLORE_DFS | EXPLORE_SPURIOUS, .preemptions = 3,
              .threads = {{"waits", waits_for_1, NULL}, {"sets", sets_1, NULL}});
EXPLORE_MODEL(futex_deadlock, "a waiter whom nobody wakes is a deadlock", .expect = "deadlock",
              .threads = {{"waits", waits_for_1, NULL}, {"sets", sets_1_silently, NULL}});
EXPLORE_MODEL(futex_early, "a wake before the change is a lost wake-up", .expect = "deadlock",
              .threads = {{"waits", waits_for_1, NULL}, {"sets", wakes_too_early, NULL}});

static void still_asleep(void)
{
    EXPLORE_ASSERT(explore_asleep(0));
}

static void sleeps_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        os_futex_wait(&word, 0, WEIR_NEVER);
}

EXPLORE_MODEL(may_block, "a thread may be left asleep", .flags = EXPLORE_MAY_BLOCK,
              .threads = {{"sleeps", sleeps_for_ever, NULL}}, .check = still_asleep);

/* The flag of a waiter and the count of a poster: the classic that needs a fence. */
static a32 count, waiters;

static void takes(void *unused)
{
    (void)unused;
    if (a32_load_acquire(&count))
        return;
    a32_store(&waiters, 1);
    if (!MUTATE("sleep: no fence"))
        a_fence();
    if (!MUTATE("sleep: no second look") && a32_load_acquire(&count))
        return;
    while (!a32_load_acquire(&word))
        os_futex_wait(&word, 0, WEIR_NEVER);
}

static void posts(void *unused)
{
    (void)unused;
    a32_xchg(&count, 1);
    if (a32_load_acquire(&waiters))
        sets_1(NULL);
}

#define TAKER_AND_POSTER                                                                           \
    {                                                                                              \
        {"takes", takes, NULL},                                                                    \
        {                                                                                          \
            "posts", posts, NULL                                                                   \
        }                                                                                          \
    }

EXPLORE_MODEL(sleeper, "flag, fence, second look: no wake-up is lost", .threads = TAKER_AND_POSTER);
EXPLORE_MODEL(sleeper_no_fence, "without the fence one is", .mutation = "sleep: no fence",
              .expect = "deadlock", .threads = TAKER_AND_POSTER);
EXPLORE_MODEL(sleeper_no_look, "without the second look one is", .expect = "deadlock",
              .mutation = "sleep: no second look", .threads = TAKER_AND_POSTER);

/* ---- spinning -------------------------------------------------------------------------------- */

static void spins_for(void *variable)
{
    while (!a32_load(variable))
        a_relax();
}

static void sets_both(void *unused)
{
    (void)unused;
    a32_store(&u, 1);
    a32_store(&v, 1);
}

EXPLORE_MODEL(spin_fair, "spinning threads let the others run",
              .threads = {{"u", spins_for, &u}, {"v", spins_for, &v}, {"sets", sets_both, NULL}});
EXPLORE_MODEL(spin_fair_dfs, "spinning threads let the others run, enumerated",
              .flags = EXPLORE_DFS, .preemptions = 2,
              .threads = {{"u", spins_for, &u}, {"v", spins_for, &v}, {"sets", sets_both, NULL}});
EXPLORE_MODEL(livelock, "spinning for what does not come is a livelock", .expect = "livelock",
              .max_steps = 1000, .threads = {{"u", spins_for, &u}, {"v", spins_for, &v}});

/* ---- time ------------------------------------------------------------------------------------ */

static weir_time began;
static int order[3], n_order;
static const int lengths[] = {30, 10, 20};

static void notes_the_time(void)
{
    began = weir_now();
}

static void naps(void *length)
{
    weir_time until = began + *(const int *)length * WEIR_S;
    while (weir_now() < until)
        os_futex_wait(&word, 0, until);
    order[n_order++] = *(const int *)length;
}

static void in_order_of_time(void)
{
    EXPLORE_EQ(n_order, 3);
    EXPLORE_ASSERT(order[0] == 10 && order[1] == 20 && order[2] == 30);
    EXPLORE_EQ(weir_now() - began, 30 * WEIR_S);
}

#define THREE_NAPS                                                                                 \
    {                                                                                              \
        {"30", naps, (void *)(uintptr_t)&lengths[0]},                                              \
            {"10", naps, (void *)(uintptr_t)&lengths[1]},                                          \
        {                                                                                          \
            "20", naps, (void *)(uintptr_t)&lengths[2]                                             \
        }                                                                                          \
    }

EXPLORE_MODEL(time_order, "sleepers wake in order of their deadlines", .setup = notes_the_time,
              .flags = EXPLORE_LAZY_CLOCK, .threads = THREE_NAPS, .check = in_order_of_time);
EXPLORE_MODEL(time_races, "a deadline may pass while others are held up", .setup = notes_the_time,
              .expect = "order[0] == 10", .threads = THREE_NAPS, .check = in_order_of_time);

static int timed_out;

static void waits_a_second(void *unused)
{
    (void)unused;
    weir_time until = weir_after(WEIR_S);
    while (!a32_load_acquire(&word) && !timed_out) {
        os_futex_wait(&word, 0, until);
        timed_out = !a32_load_acquire(&word) && weir_now() >= until;
    }
}

static void in_time(void)
{
    EXPLORE_EQ(timed_out, 0);
}

EXPLORE_MODEL(time_race, "a deadline races with the wake", .check = in_time, .expect = "timed_out",
              .threads = {{"waits", waits_a_second, NULL}, {"sets", sets_1, NULL}});
EXPLORE_MODEL(time_lazy, "unless time passes only when nobody can run", .check = in_time,
              .flags = EXPLORE_LAZY_CLOCK,
              .threads = {{"waits", waits_a_second, NULL}, {"sets", sets_1, NULL}});

/* ---- depth ----------------------------------------------------------------------------------- */

/* Fails only if a stops between its two steps at u, b goes on up to between its two at v. */
static void deep_a(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++)
        a32_load(&w);
    a32_xchg(&u, 1);
    a32_xchg(&u, 2);
    for (int i = 0; i < 10; i++)
        a32_load(&w);
    uint32_t seen = a32_xchg(&v, 3);
    EXPLORE_ASSERT(seen != 1);
}

static void deep_b(void *unused)
{
    (void)unused;
    uint32_t one = 1;
    for (int i = 0; i < 10; i++)
        a32_load(&w);
    if (a32_cas(&u, &one, 5)) {
        for (int i = 0; i < 10; i++)
            a32_load(&w);
        a32_xchg(&v, 1);
        for (int i = 0; i < 10; i++)
            a32_load(&w);
        a32_xchg(&v, 0);
    }
}

EXPLORE_MODEL(pct_depth_3, "PCT finds a bug of depth 3", .flags = EXPLORE_ONLY_PCT,
              .expect = "seen != 1", .threads = {{"a", deep_a, NULL}, {"b", deep_b, NULL}});

/* ---- memory ---------------------------------------------------------------------------------- */

static aptr shared;

static void makes_object(void)
{
    a32 *object = os_alloc(sizeof *object);
    a32_store(object, 1);
    aptr_store_release(&shared, object);
}

static void reads_object(void *unused)
{
    (void)unused;
    a32 *object = aptr_load_acquire(&shared);
    if (object)
        a32_load(object);
}

static void frees_object(void *unused)
{
    (void)unused;
    a32 *object = aptr_xchg(&shared, NULL);
    os_free(object, sizeof *object);
}

static void writes_object(void *unused)
{
    (void)unused;
    a32 *object = aptr_load_acquire(&shared);
    if (object && a32_load(object) == 1)
        a32_store(&u, 1);
}

static void frees_after_reader(void *unused)
{
    (void)unused;
    a32 *object = aptr_load_acquire(&shared);
    while (!a32_load(&u))
        a_relax();
    os_free(object, sizeof *object);
}

EXPLORE_MODEL(use_after_free, "memory that is used after its release is noticed",
              .setup = makes_object, .expect = "was released",
              .threads = {{"reads", reads_object, NULL}, {"frees", frees_object, NULL}});
EXPLORE_MODEL(free_after_use, "memory may be released after its last use", .setup = makes_object,
              .threads = {{"uses", writes_object, NULL}, {"frees", frees_after_reader, NULL}});

static void stores_late(void *unused)
{
    (void)unused;
    a32 *object = aptr_load_acquire(&shared);
    a32_add(&u, 1);
    a32_store(object, 2);
    v.v = 1; /* a plain store is visible at once: "I am done" without an order */
}

static void frees_at_flag(void *unused)
{
    (void)unused;
    a32 *object = aptr_load_acquire(&shared);
    while (!a32_load(&v))
        a_relax();
    os_free(object, sizeof *object);
}

EXPLORE_MODEL(store_after_free, "a store that drains into released memory is noticed",
              .setup = makes_object, .expect = "is released while a store",
              .threads = {{"stores", stores_late, NULL}, {"frees", frees_at_flag, NULL}});

static void allocates_three(void *unused)
{
    (void)unused;
    for (int i = 1; i <= 3; i++) {
        void *memory = os_alloc(16);
        EXPLORE_EQ(memory == NULL, i == 2);
        os_free(memory, 16);
    }
    EXPLORE_ASSERT(explore_alloc_failed());
    EXPLORE_EQ(explore_counted()->allocs, 3);
}

static void fails_second(void)
{
    explore_fail_alloc(2);
}

EXPLORE_MODEL(alloc_counted, "the n-th allocation fails", .setup = fails_second,
              .flags = EXPLORE_DFS, .threads = {{"allocates", allocates_three, NULL}});

static void allocates_surely(void *unused)
{
    (void)unused;
    EXPLORE_ASSERT(os_alloc(16) != NULL);
}

EXPLORE_MODEL(alloc_random, "any allocation may fail", .flags = EXPLORE_ALLOC_FAILS,
              .expect = "os_alloc", .threads = {{"allocates", allocates_surely, NULL}});

#if !defined(WEIR_ASAN)
static void crashes(void *unused)
{
    volatile int *volatile nowhere = NULL;
    (void)unused;
    a32_load(&u);
    *nowhere = 1;
}

EXPLORE_MODEL(crash, "a crash is a failure like others", .expect = "crash",
              .threads = {{"crashes", crashes, NULL}});
#endif

/* ---- the virtual thread's own ---------------------------------------------------------------- */

static void owns_current(void *mine)
{
    EXPLORE_ASSERT(explore_get_current() == NULL);
    explore_set_current(mine);
    for (int i = 0; i < 3; i++) {
        a32_load(&u);
        EXPLORE_ASSERT(explore_get_current() == mine);
    }
}

EXPLORE_MODEL(current, "each virtual thread has its own current pointer",
              .threads = {{"a", owns_current, &u}, {"b", owns_current, &v}});

/* ---- the same seed --------------------------------------------------------------------------- */

static void same_seed(void)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        explore_result first = explore_once(&sleeper_no_fence, seed);
        explore_result second = explore_once(&sleeper_no_fence, seed);
        EXPECT_EQ(first.trace, second.trace);
        EXPECT_EQ(first.steps, second.steps);
        EXPECT_EQ(first.failed, second.failed);
        EXPECT_STR(first.message, second.message);
    }
}

static void other_seed(void)
{
    explore_result first = explore_once(&spin, 0);
    int others = 0;
    for (uint64_t seed = 1; seed < 20; seed++)
        others += explore_once(&spin, seed).trace != first.trace;
    EXPECT(others > 10);
}

TEST_SUITE(seeds, "explorer seeds", {"the same seed gives the same execution", same_seed},
           {"other seeds give others", other_seed});
