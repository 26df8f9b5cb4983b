/* SPDX-License-Identifier: MIT */
/*
 * trim.c - memory is given back while others take stacks and records: docs/protocol.md,
 * "Giving back".
 */
#include <string.h>

#include "model.h"
#include "pool.h"
#include "stack.h"

#define TRIM_MODEL(ident, text, ...)                                                               \
    EXPLORE_MODEL(ident, text, .max_steps = 60000, .thread_exit = weir__thread_detach, __VA_ARGS__)

/* ---- stacks ---------------------------------------------------------------------- */

enum { HELD = 5, LEFT = 3 * STACK_MAGAZINE };

static struct stacks stacks;
static struct stack_cache left_by;

static void take(struct stack_cache *c, struct stack **held, unsigned n, void *owner)
{
    int error = 0;
    for (unsigned i = 0; i < n; i++) {
        held[i] = stack_get(&stacks, c, owner, &error);
        EXPLORE_ASSERT(held[i] != NULL);
        ((void **)(void *)held[i])[-1] = owner; /* a frame */
    }
}

static void put(struct stack_cache *c, struct stack **held, unsigned n, const void *owner)
{
    for (unsigned i = 0; i < n; i++) {
        EXPLORE_ASSERT(held[i]->owner == owner);
        EXPLORE_ASSERT(((void **)(void *)held[i])[-1] == owner);
        stack_put(&stacks, c, held[i]);
    }
}

/* Some magazines in the depot. */
static void leave_some(void)
{
    struct stack *held[2 * STACK_MAGAZINE + LEFT];
    enum { N = sizeof held / sizeof *held };
    EXPLORE_EQ(weir__stacks_init(&stacks, 16384, WEIR_GUARD_CANARY, false), 0);
    take(&left_by, held, N, &left_by);
    put(&left_by, held, N, &left_by);
    EXPLORE_ASSERT(a32_load(&stacks.depot_count) > 0);
}

static void uses_stacks(void *unused)
{
    struct stack_cache c = {.count = 0};
    struct stack *held[HELD];
    (void)unused;
    for (unsigned round = 0; round < 2; round++) {
        take(&c, held, HELD, &c);
        explore_yield();
        put(&c, held, HELD, &c);
    }
}

static void gives_stacks_back(void *c)
{
    weir__stacks_give_back(&stacks, c, 2);
    weir__stacks_give_back(&stacks, NULL, 2);
}

#define STACK_THREADS                                                                              \
    {                                                                                              \
        {"user a", uses_stacks, NULL}, {"user b", uses_stacks, NULL},                              \
            {"gives back", gives_stacks_back, &left_by},                                           \
        {                                                                                          \
            "gives back too", gives_stacks_back, NULL                                              \
        }                                                                                          \
    }
TRIM_MODEL(trim_stacks, "stacks are given back while two take some", .setup = leave_some,
           .threads = STACK_THREADS);
TRIM_MODEL(trim_stacks_early, "a stack can be taken before it was given back", .setup = leave_some,
           .mutation = "stacks: cold before given back", .threads = STACK_THREADS);

/* New ones, in runs: nothing is in the depot, and guards are made without the lock. */
static void begin_guarded(void)
{
    struct stack *first;
    EXPLORE_EQ(weir__stacks_init(&stacks, 16384, WEIR_GUARD_BEST, false), 0);
    take(&left_by, &first, 1, &left_by);
    EXPLORE_ASSERT(stacks.guards.proven || stacks.guards.rung != WEIR_GUARD_BEST);
}

TRIM_MODEL(trim_stacks_run, "new stacks are taken by two, and given back", .setup = begin_guarded,
           .threads = STACK_THREADS);
TRIM_MODEL(trim_stacks_run_left, "slots are used that another worker has taken",
           .setup = begin_guarded, .mutation = "stacks: run not withdrawn",
           .threads = STACK_THREADS);

/* ---- records --------------------------------------------------------------------- */

struct record {
    void *link;
    const void *owner;
    char rest[48];
};

static struct pool records = {
    .stride = sizeof(struct record), .link_at = offsetof(struct record, link), .limit = 1 << 12};

enum { RECORDS = 4 * POOL_BATCH - 2 }; /* as many as are in the blocks that they begin */

static struct pool_cache left_records;

static void leave_records(void)
{
    static void *held[RECORDS];
    for (unsigned i = 0; i < RECORDS; i++)
        held[i] = pool_get(&records, &left_records);
    for (unsigned i = 0; i < RECORDS; i++)
        pool_put(&records, &left_records, held[i]);
    weir__pool_flush(&records, &left_records);
}

static void uses_records(void *cache)
{
    enum { N = POOL_BATCH + 3 };
    struct pool_cache *c = cache;
    struct record *held[N];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < N; i++) {
            held[i] = pool_get(&records, c);
            EXPLORE_ASSERT(held[i] != NULL);
            held[i]->owner = c;
        }
        explore_yield();
        for (unsigned i = 0; i < N; i++) {
            EXPLORE_ASSERT(held[i]->owner == c);
            pool_put(&records, c, held[i]);
        }
        weir__pool_flush(&records, c);
    }
}

static void gives_records_back(void *unused)
{
    (void)unused;
    while (weir__pool_give_back(&records))
        ;
}

/* None got lost, none is there twice. */
static void count_records(void)
{
    static bool seen[1 << 12];
    unsigned n = 0;
    struct pool_cache c = {NULL, 0};
    uint32_t end = weir__pool_end(&records);
    while (weir__pool_end(&records) == end) {
        struct record *r = pool_get(&records, &c);
        if (weir__pool_end(&records) != end)
            break;
        EXPLORE_ASSERT(!seen[pool_index(&records, r)]);
        seen[pool_index(&records, r)] = true;
        n++;
    }
    EXPLORE_EQ(n, end - 2);
}

static struct pool_cache cache_a, cache_b;

#define RECORD_THREADS                                                                             \
    {                                                                                              \
        {"user a", uses_records, &cache_a}, {"user b", uses_records, &cache_b},                    \
            {"gives back", gives_records_back, NULL},                                              \
        {                                                                                          \
            "gives back too", gives_records_back, NULL                                             \
        }                                                                                          \
    }
TRIM_MODEL(trim_records, "records are given back while two take some", .setup = leave_records,
           .check = count_records, .threads = RECORD_THREADS);
TRIM_MODEL(trim_records_early, "a record can be taken before it was given back",
           .setup = leave_records, .check = count_records,
           .mutation = "pool: free before given back", .threads = RECORD_THREADS);

/* ---- a run ----------------------------------------------------------------------- */

static int waits_for_end(void *rx)
{
    uint32_t item;
    EXPLORE_EQ(weir_recv(*(weir_receiver *)rx, &item), 0);
    return 0;
}

/* More stacks than caches hold are free afterwards. */
static void crowd(void)
{
    weir_sender tx;
    weir_receiver rx;
    EXPLORE_EQ(weir_channel_open(&tx, &rx, sizeof(uint32_t), 0, NULL), 0);
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < 2 * STACK_MAGAZINE + 3; i++)
        EXPLORE_EQ(weir_spawn(g, waits_for_end, (void *)&rx), 0);
    EXPLORE_EQ(weir_yield(), 0);
    EXPLORE_EQ(weir_close(tx), 0);
    EXPLORE_EQ(weir_group_end(g), 0);
    EXPLORE_EQ(weir_close(rx), 0);
}

static int crowd_waits_crowd(void *unused)
{
    (void)unused;
    crowd();
    m_recvs(M_ARG(0, 0, 9)); /* for so long that the clock may come to where it is given back */
    crowd();
    return 0;
}

static void run_one(void *unused)
{
    EXPLORE_EQ(weir_run(crowd_waits_crowd, unused, &(weir_options){.workers = 1}), 0);
}

static void run_two(void *unused)
{
    EXPLORE_EQ(weir_run(crowd_waits_crowd, unused, &(weir_options){.workers = 2}), 0);
}

TRIM_MODEL(trim_run_1, "a worker gives back, and a thread sends", .setup = m_open_1,
           .check = m_check_items,
           .threads = {{"worker", run_one, NULL}, {"sender", m_sends_and_closes, M_ARG(0, 1, 2)}});
TRIM_MODEL(trim_run_2, "two workers give back, and a thread sends", .setup = m_open_1,
           .check = m_check_items,
           .threads = {{"worker 0", run_two, NULL},
                       {"worker 1", explore_hired, (void *)0},
                       {"sender", m_sends_and_closes, M_ARG(0, 1, 2)}});
