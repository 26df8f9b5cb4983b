/* SPDX-License-Identifier: MIT */
/* test_trim.c - memory is given back after a peak, and what was given back is as good as new. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../channels/child.h"
#include "expect.h"
#include "lock.h"
#include "pool.h"
#include "stack.h"
#include "trim.h"

#if defined(WEIR_ASAN) || defined(WEIR_TSAN)
enum { MANY = 8000, CROWD = 2000 };
#else
enum { MANY = 20000, CROWD = 20000 };
#endif

static size_t resident(char *memory, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), found = 0;
    unsigned char *in = malloc(bytes / page);
    REQUIRE(in != NULL);
    if (mincore(memory, bytes, in) < 0) /* qemu-user's, of what has guards in it: by page */
        for (size_t i = 0; i < bytes / page; i++)
            if (mincore(memory + i * page, page, in + i) < 0)
                in[i] = 0;
    for (size_t i = 0; i < bytes / page; i++)
        found += in[i] & 1;
    free(in);
    return found;
}

/* ---- stacks --------------------------------------------------------------------------- */

static struct stacks s;
static struct stack_cache cache;
static struct stack *taken[MANY];

static size_t stacks_resident(void)
{
    size_t pages = 0;
    for (struct stack_slab *slab = aptr_load(&s.slabs); slab; slab = slab->next)
        pages += resident(slab->first, slab->used * s.size);
    return pages;
}

static size_t cold(struct stacks *all)
{
    size_t n = 0;
    lock_acquire(&all->lock, 0);
    for (struct stack_slab *slab = aptr_load(&all->slabs); slab; slab = slab->next)
        n += slab->cold_count;
    lock_release(&all->lock, 0);
    return n;
}

static size_t made(void)
{
    size_t n = 0;
    for (struct stack_slab *slab = aptr_load(&s.slabs); slab; slab = slab->next)
        n += slab->used;
    return n;
}

static void use(size_t n)
{
    int error = 0;
    for (size_t i = 0; i < n; i++) {
        taken[i] = stack_get(&s, &cache, &taken[i], &error);
        REQUIRE(taken[i] != NULL);
        memset((char *)taken[i] - 6000, 0xa5, 6000);
    }
    for (size_t i = 0; i < n; i++)
        EXPECT(taken[i]->owner == &taken[i]);
}

static void put(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        stack_put(&s, &cache, taken[i]);
}

static void begin(weir_guard guard)
{
    cache.count = 0;
    REQUIRE_RC(weir__stacks_init(&s, 0, guard, false), 0);
}

static void give_back_all(void)
{
    EXPECT(weir__stacks_give_back(&s, &cache, UINT32_MAX));
    EXPECT_EQ(cache.count, 0);
    EXPECT(!weir__stacks_give_back(&s, &cache, UINT32_MAX));
}

static void all_stacks(weir_guard guard)
{
    begin(guard);
    use(MANY);
    EXPECT(stacks_resident() >= 2 * MANY);
    put(0, MANY);
    give_back_all();
    EXPECT_EQ(cold(&s), MANY);
    EXPECT_EQ(stacks_resident(), 0);
    use(MANY);
    EXPECT_EQ(made(), MANY); /* the same ones */
    EXPECT_EQ(cold(&s), 0);
    for (size_t i = 0; i < MANY; i++)
        EXPECT(stack_intact(&s, taken[i]));
    weir__stacks_fini(&s);
}

static void stacks_given_back(void)
{
    for (int guard = WEIR_GUARD_BEST; guard <= WEIR_GUARD_CANARY; guard++)
        all_stacks((weir_guard)guard);
}

/* What is in use, between others that go, keeps its frames. */
static void stacks_in_use_are_kept(void)
{
    begin(WEIR_GUARD_BEST);
    use(MANY);
    for (size_t i = 0; i < MANY; i++)
        if (i % 7)
            stack_put(&s, &cache, taken[i]);
    give_back_all();
    EXPECT_EQ(cold(&s), MANY - (MANY + 6) / 7);
    for (size_t i = 0; i < MANY; i += 7) {
        EXPECT(taken[i]->owner == &taken[i]);
        for (size_t at = 1; at <= 6000; at++)
            if (((unsigned char *)taken[i])[-(ptrdiff_t)at] != 0xa5)
                REQUIRE(false);
        EXPECT(resident(stack_slot(&s, taken[i]), s.size) >= 2);
    }
    weir__stacks_fini(&s);
}

static weir_guard rung;

static int touch_cold_guard(void)
{
    int error = 0;
    begin(rung);
    use(STACK_MAGAZINE);
    put(0, STACK_MAGAZINE);
    CHECK(weir__stacks_give_back(&s, &cache, 0));
    struct stack *k = stack_get(&s, &cache, NULL, &error);
    CHECK(k && k->guard == s.guards.size && made() == STACK_MAGAZINE);
    volatile char *lowest = (char *)k - stack_room(&s, k);
    *lowest = 1;
    signal(SIGSEGV, SIG_DFL);
    *(lowest - 1) = 1;
    return 0;
}

static void guards_stay(void)
{
    for (rung = WEIR_GUARD_BEST; rung <= WEIR_GUARD_PROTECT; rung++)
        EXPECT_EQ(child_run(touch_cold_guard).signal, SIGSEGV);
}

/* The first stacks of a slab have guards, the rest canaries: each one as before. */
static void guards_end(void)
{
    enum { GUARDED = 100, N = 300 };
    begin(WEIR_GUARD_PROTECT);
    s.guards.protections = GUARDED;
    use(N);
    put(0, N);
    give_back_all();
    use(N);
    size_t guarded = 0;
    for (size_t i = 0; i < N; i++) {
        guarded += taken[i]->guard == s.guards.size;
        EXPECT(stack_intact(&s, taken[i]));
        if (!taken[i]->guard) {
            char *canary = stack_slot(&s, taken[i]);
            *canary = 1;
            EXPECT(!stack_intact(&s, taken[i]));
            *canary = 0;
        }
    }
    EXPECT_EQ(guarded, GUARDED);
    weir__stacks_fini(&s);
}

/* ---- while others run: what was not needed for all of a time ---------------------------- */

static void surplus_goes(void)
{
    enum { MAGAZINES = MANY / STACK_MAGAZINE, WAVE = MANY / 4 };
    weir_time now = WEIR_S, second = WEIR_S;
    begin(WEIR_GUARD_BEST);
    use(MANY);
    put(0, MANY);
    uint32_t full = a32_load(&s.depot_count);
    EXPECT(full > MAGAZINES - 4);
    stacks_look(&s, now); /* the time begins */
    for (; now < weir__trim_after; now += second) {
        use(WAVE); /* comes again and again */
        put(0, WAVE);
        stacks_look(&s, now);
        EXPECT_EQ(cold(&s), 0);
    }
    for (now += second; a64_load(&s.look_at) < (uint64_t)(now + second); now += 2 * WEIR_MS) {
        stacks_look(&s, now);
        if (!EXPECT(now < 1000 * second))
            break;
    }
    uint32_t left = a32_load(&s.depot_count);
    EXPECT_EQ(cold(&s), (size_t)(full - left) * STACK_MAGAZINE);
    EXPECT(left * STACK_MAGAZINE <= WAVE + 2 * STACK_MAGAZINE);
    size_t before = cold(&s);
    for (int i = 0; i < 20; i++, now += second) { /* the wave is served without them */
        use(WAVE);
        put(0, WAVE);
        stacks_look(&s, now);
        EXPECT(cold(&s) <= before + 2 * STACK_MAGAZINE);
        EXPECT(cold(&s) >= before);
    }
    use(MANY);
    EXPECT_EQ(made(), MANY);
    weir__stacks_fini(&s);
}

/* Nothing is given back of what was needed in between, once. */
static void needed_stays(void)
{
    begin(WEIR_GUARD_BEST);
    use(MANY);
    put(0, MANY);
    weir_time now = WEIR_S;
    for (int i = 0; i < 5; i++, now += weir__trim_after) {
        stacks_look(&s, now);
        EXPECT_EQ(cold(&s), 0);
        use(MANY);
        put(0, MANY);
    }
    weir__stacks_fini(&s);
}

/* ---- records ---------------------------------------------------------------------------- */

enum { STRIDE = 384 };

static struct pool pool;
static struct pool_cache records;

static void pool_begin(void)
{
    pool = (struct pool){.stride = STRIDE, .link_at = 8, .limit = 1u << 16};
    records = (struct pool_cache){NULL, 0};
}

static void pool_end(void)
{
    os_unreserve(pool.base, ((size_t)pool.mask + 1) * STRIDE);
    if (pool.aside)
        os_unreserve(pool.aside, ((size_t)pool.mask + 1) / 8);
}

static void get_records(void **held, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        held[i] = pool_get(&pool, &records);
        REQUIRE(held[i] != NULL);
        memset(held[i], (int)(i % 251) + 1, STRIDE);
    }
}

static void pool_give_back_all(void)
{
    weir__pool_flush(&pool, &records);
    EXPECT_EQ(records.count, 0);
    while (weir__pool_give_back(&pool))
        ;
    EXPECT_EQ(a32_load(&pool.spilled), 0);
}

static void records_given_back(void)
{
    enum { N = 40000, BYTES = N * STRIDE };
    static void *held[N];
    pool_begin();
    get_records(held, N);
    size_t end = weir__pool_end(&pool), full = resident(pool.base, BYTES);
    for (size_t i = 0; i < N; i++)
        pool_put(&pool, &records, held[i]);
    pool_give_back_all();
    EXPECT(resident(pool.base, BYTES) < full / 2); /* 5 or 6 of 7 blocks */
    get_records(held, N);
    EXPECT_EQ(weir__pool_end(&pool), end); /* the same ones */
    bool *seen = calloc(end, 1);
    for (size_t i = 0; i < N; i++) {
        uint32_t index = pool_index(&pool, held[i]);
        EXPECT(!seen[index]);
        seen[index] = true;
    }
    free(seen);
    pool_end();
}

static void records_in_use_are_kept(void)
{
    enum { N = 40000, EACH = 5000 };
    static void *held[N];
    pool_begin();
    get_records(held, N);
    for (size_t i = 0; i < N; i++)
        if (i % EACH)
            pool_put(&pool, &records, held[i]);
    pool_give_back_all();
    for (size_t i = 0; i < N; i += EACH)
        for (size_t at = 0; at < STRIDE; at++)
            if (((unsigned char *)held[i])[at] != i % 251 + 1)
                REQUIRE(false);
    size_t more = N - N / EACH;
    static void *again[N];
    uint32_t end = weir__pool_end(&pool);
    get_records(again, more);
    EXPECT_EQ(weir__pool_end(&pool), end);
    for (size_t i = 0; i < more; i++)
        EXPECT(pool_index(&pool, again[i]) < end);
    pool_end();
}

/* ---- a run ------------------------------------------------------------------------------ */

struct gate {
    weir_receiver opens;
    weir_sender here;
};

static int wait_at_gate(void *arg)
{
    const struct gate *g = arg;
    uint64_t item = 1;
    int rc = weir_send(g->here, &item);
    return rc < 0 ? rc : weir_recv(g->opens, &item);
}

static int crowd(void)
{
    struct gate g;
    weir_sender open;
    weir_receiver here;
    uint64_t item;
    EXPECT_RC(weir_channel_open(&open, &g.opens, sizeof item, 1, NULL), 0);
    EXPECT_RC(weir_channel_open(&g.here, &here, sizeof item, 64, NULL), 0);
    weir_group all = weir_group_begin();
    for (unsigned i = 0; i < CROWD; i++)
        if (!EXPECT_RC(weir_spawn(all, wait_at_gate, (void *)&g), 0))
            return -1;
    for (unsigned i = 0; i < CROWD; i++)
        if (!EXPECT_RC(weir_recv(here, &item), 1))
            return -1;
    EXPECT_RC(weir_close(open), 0);
    EXPECT_RC(weir_group_end(all), 0);
    EXPECT_RC(weir_close(g.here), 0);
    EXPECT_RC(weir_close(g.opens), 0);
    return weir_close(here);
}

/* Nothing runs until all stacks have been given back that a worker can get at. */
static int peak(void *unused)
{
    struct runtime *rt = aptr_load(&weir__runtime);
    (void)unused;
    for (int round = 0; round < 2; round++) {
        EXPECT_RC(crowd(), 0);
        while (cold(&rt->stacks) + 8 * 2 * STACK_MAGAZINE < CROWD) /* but for what sleepers hold */
            EXPECT_RC(weir_sleep(20 * WEIR_MS), 0);
    }
    return 0;
}

static void peak_given_back(void)
{
    static const unsigned workers[] = {1, 2, 8};
    weir_time after = weir__trim_after;
    weir__trim_after = 5 * WEIR_MS;
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++)
        EXPECT_RC(weir_run(peak, NULL, &(weir_options){.workers = workers[i]}), 0);
    weir__trim_after = after;
}

TEST_SUITE(trim, "actors: memory after a peak",
           {"trim: all stacks are given back, and taken again", stacks_given_back},
           {"trim: stacks in use are kept", stacks_in_use_are_kept},
           {"trim: guards stay", guards_stay}, {"trim: each has its guard or canary", guards_end},
           {"trim: a busy worker gives back what is not needed", surplus_goes},
           {"trim: what is needed in between stays", needed_stays},
           {"trim: records are given back, and taken again", records_given_back},
           {"trim: records in use are kept", records_in_use_are_kept},
           {"trim: an idle runtime gives back after a peak", peak_given_back});
