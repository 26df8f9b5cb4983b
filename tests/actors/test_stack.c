/* SPDX-License-Identifier: MIT */
/* Stacks: sizes, layout, the cache, the ladder of guards, and limits. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "../channels/child.h"
#include "stack.h"

#if defined(WEIR_ASAN) || defined(WEIR_TSAN)
enum { SANITIZED = 1, MANY = 3000 };
#else
enum { SANITIZED = 0, MANY = 100000 };
#endif

static struct stacks s;
static struct stack_cache cache;
static struct stack *taken[MANY];

static void begin(size_t size, weir_guard guard, bool strict)
{
    cache.count = 0;
    REQUIRE_RC(weir__stacks_init(&s, size, guard, strict), 0);
}

static struct stack *get(void)
{
    int error = 0;
    struct stack *k = stack_get(&s, &cache, NULL, &error);
    REQUIRE(k != NULL);
    return k;
}

static void get_many(size_t n)
{
    for (size_t i = 0; i < n; i++)
        taken[i] = get();
}

static void put_many(size_t n)
{
    for (size_t i = 0; i < n; i++)
        stack_put(&s, &cache, taken[i]);
}

/* Stacks that were ever made. */
static size_t made(void)
{
    size_t n = 0;
    for (const struct stack_slab *slab = aptr_load(&s.slabs); slab; slab = slab->next)
        n += slab->used;
    return n;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (struct stack *const *)a,
              y = (uintptr_t) * (struct stack *const *)b;
    return x < y ? -1 : x > y;
}

/* Sorts what was taken. */
static size_t duplicates(size_t n)
{
    size_t found = 0;
    qsort(taken, n, sizeof taken[0], by_address);
    for (size_t i = 1; i < n; i++)
        found += taken[i] == taken[i - 1];
    return found;
}

/* ---- sizes and layout --------------------------------------------------------------- */

static void sizes(void)
{
    const struct {
        size_t asked, got;
    } fine[] = {{16384, 16384},
                {16385, 32768},
                {65536, 65536},
                {100000, 131072},
                {(size_t)1 << 20, (size_t)1 << 20},
                {(size_t)1 << 30, (size_t)1 << 30}};
    const size_t bad[] = {1, 4096, 16383, ((size_t)1 << 30) + 1, SIZE_MAX};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        begin(fine[i].asked, WEIR_GUARD_BEST, false);
        EXPECT_EQ(s.size, fine[i].got);
        EXPECT(made() == 0);
        weir__stacks_fini(&s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT_RC(weir__stacks_init(&s, bad[i], WEIR_GUARD_BEST, false), WEIR_EINVAL);
    EXPECT_RC(weir__stacks_init(&s, 0, (weir_guard)3, false), WEIR_EINVAL);
    EXPECT_RC(weir__stacks_init(&s, 0, (weir_guard)-1, false), WEIR_EINVAL);
    begin(0, WEIR_GUARD_BEST, false);
    EXPECT(s.size - s.guards.size >= 60 * 1024);
    weir__stacks_fini(&s);
}

static void layout(void)
{
    enum { N = 100 };
    int owner;
    begin(0, WEIR_GUARD_BEST, false);
    get_many(N);
    for (size_t i = 0; i < N; i++) {
        struct stack *k = taken[i];
        char *slot = stack_slot(&s, k);
        EXPECT_EQ((uintptr_t)slot % s.size, 0);
        EXPECT_EQ((uintptr_t)k % 16, 0);
        EXPECT((char *)(k + 1) <= slot + s.size);
        EXPECT(stack_of_slot(&s, slot) == k);
        EXPECT(weir__stack_slot(&s, slot) == slot);
        EXPECT(weir__stack_slot(&s, k) == slot);
        EXPECT(weir__stack_slot(&s, slot + s.size - 1) == slot);
        EXPECT(stack_room(&s, k) >= s.size - s.guards.size - 1024);
        stack_set_owner(k, &owner);
        memset((char *)k - stack_room(&s, k), 0xa5, stack_room(&s, k));
    }
    for (size_t i = 0; i < N; i++)
        EXPECT(taken[i]->owner == &owner && taken[i]->guard == s.guards.size);
    EXPECT(weir__stack_slot(&s, &owner) == NULL);
    EXPECT(weir__stack_slot(&s, NULL) == NULL);
    EXPECT_EQ(duplicates(N), 0);
    weir__stacks_fini(&s);
}

static void colours(void)
{
    enum { N = 64 };
    int seen[STACK_COLOURS] = {0};
    begin(0, WEIR_GUARD_BEST, false);
    get_many(N);
    for (size_t i = 0; i < N; i++) {
        char *slot = stack_slot(&s, taken[i]);
        size_t below = (size_t)(slot + s.size - (char *)(taken[i] + 1));
        EXPECT_EQ(below % STACK_COLOUR_STEP, 0);
        REQUIRE(below / STACK_COLOUR_STEP < STACK_COLOURS);
        seen[below / STACK_COLOUR_STEP]++;
    }
    for (int i = 0; i < STACK_COLOURS; i++)
        EXPECT(seen[i] >= N / STACK_COLOURS - 2);
    weir__stacks_fini(&s);
}

/* ---- the cache ---------------------------------------------------------------------- */

static void last_in_first_out(void)
{
    enum { N = 2 * STACK_MAGAZINE };
    begin(0, WEIR_GUARD_BEST, false);
    get_many(N);
    put_many(N);
    for (size_t i = N; i-- > 0;)
        EXPECT(get() == taken[i]);
    EXPECT_EQ(made(), N);
    weir__stacks_fini(&s);
}

static void waves(void)
{
    enum { WAVE = 10000 < MANY ? 10000 : MANY };
    size_t first = 0;
    begin(0, WEIR_GUARD_BEST, false);
    for (int round = 0; round < 3; round++) {
        get_many(WAVE);
        if (round == 0)
            first = WAVE + cache.count;
        EXPECT_EQ(made(), first);
        EXPECT_EQ(duplicates(WAVE), 0);
        put_many(WAVE);
    }
    weir__stacks_fini(&s);
}

/* An actor puts the stack that it runs on: it must stay out of the depot until the next put. */
static void last_one_is_kept(void)
{
    enum { N = 10 * STACK_MAGAZINE };
    int spilled = 0, error;
    begin(0, WEIR_GUARD_BEST, false);
    get_many(N);
    for (size_t i = 0; i < N; i++) {
        const struct stack_magazine *before = s.depot;
        stack_put(&s, &cache, taken[i]);
        spilled += s.depot != before;
        EXPECT(cache.held[cache.count - 1] == taken[i]);
        EXPECT(stack_get(&s, &cache, NULL, &error) == taken[i]);
        stack_put(&s, &cache, taken[i]);
    }
    EXPECT(spilled > 5);
    weir__stacks_fini(&s);
}

static void owner_is_set(void)
{
    int a, b, error;
    begin(0, WEIR_GUARD_BEST, false);
    struct stack *k = stack_get(&s, &cache, &a, &error);
    EXPECT(k->owner == &a);
    stack_put(&s, &cache, k);
    EXPECT(stack_get(&s, &cache, &b, &error) == k);
    EXPECT(k->owner == &b);
    weir__stacks_fini(&s);
}

/* ---- guards ------------------------------------------------------------------------- */

static weir_guard rung;

static int touch_guard(void)
{
    begin(0, rung, true);
    struct stack *k = get();
    volatile char *lowest = (char *)k - stack_room(&s, k);
    *lowest = 1;
    signal(SIGSEGV, SIG_DFL);
    *(lowest - 1) = 1;
    return 0;
}

static int touch_guard_end(void)
{
    begin(0, rung, true);
    volatile char *slot = stack_slot(&s, get());
    signal(SIGSEGV, SIG_DFL);
    *slot = 1;
    return 0;
}

static void guards(void)
{
    for (rung = WEIR_GUARD_BEST; rung <= WEIR_GUARD_PROTECT; rung++) {
        EXPECT_EQ(child_run(touch_guard).signal, SIGSEGV);
        EXPECT_EQ(child_run(touch_guard_end).signal, SIGSEGV);
    }
}

static void canary(void)
{
    begin(0, WEIR_GUARD_CANARY, false);
    struct stack *k = get(), *other = get();
    char *slot = stack_slot(&s, k);
    EXPECT_EQ(k->guard, 0);
    EXPECT(a32_load(&s.guards.canaries));
    memset((char *)k - stack_room(&s, k), 0xff, stack_room(&s, k));
    EXPECT(stack_intact(&s, k));
    for (size_t i = 0; i < CANARY_BYTES; i++) {
        slot[i] = 1;
        EXPECT(!stack_intact(&s, k));
        slot[i] = 0;
    }
    EXPECT(stack_intact(&s, k));
    EXPECT(stack_intact(&s, other));
    weir__stacks_fini(&s);
}

static void canary_strict(void)
{
    int error = 0;
    begin(0, WEIR_GUARD_CANARY, true);
    EXPECT(stack_get(&s, &cache, NULL, &error) == NULL);
    EXPECT_RC(error, WEIR_ESTACK);
    weir__stacks_fini(&s);
}

static int fall_to_protect(void)
{
    if (!child_refuse_guards(false))
        return CHILD_SKIPS;
    begin(0, WEIR_GUARD_BEST, true);
    struct stack *k = get();
    CHECK(k->guard == s.guards.size && s.guards.rung == WEIR_GUARD_PROTECT &&
          !a32_load(&s.guards.canaries));
    signal(SIGSEGV, SIG_DFL);
    *(volatile char *)stack_slot(&s, k) = 1;
    return 0;
}

static int fall_to_canary(void)
{
    if (!child_refuse_guards(true))
        return CHILD_SKIPS;
    errno = EDOM;
    begin(0, WEIR_GUARD_BEST, false);
    struct stack *k = get(), *more = get();
    CHECK(errno == EDOM);
    CHECK(k->guard == 0 && more->guard == 0 && s.guards.rung == WEIR_GUARD_CANARY &&
          a32_load(&s.guards.canaries));
    stack_slot(&s, more)[CANARY_BYTES / 2] = 1;
    CHECK(stack_intact(&s, k) && !stack_intact(&s, more));
    return 0;
}

static int fall_to_nothing(void)
{
    int error = 0;
    if (!child_refuse_guards(true))
        return CHILD_SKIPS;
    begin(0, WEIR_GUARD_BEST, true);
    for (int i = 0; i < 3; i++) {
        CHECK(stack_get(&s, &cache, NULL, &error) == NULL);
        CHECK(error == WEIR_ESTACK);
    }
    CHECK(!a32_load(&s.guards.canaries) && made() == 0);
    weir__stacks_fini(&s);
    return 0;
}

enum { BEFORE = 20 * STACK_RUN }; /* from now on new ones are made in full runs */

static int fall_in_a_run(void)
{
    begin(0, WEIR_GUARD_BEST, false);
    get_many(BEFORE);
    cache.count = 0; /* those are lost */
    if (s.guards.rung != WEIR_GUARD_BEST || !child_refuse_guards(true))
        return CHILD_SKIPS;
    size_t before = made();
    struct stack *k = get();
    CHECK(k->guard == 0 && s.guards.rung == WEIR_GUARD_CANARY && a32_load(&s.guards.canaries));
    CHECK(cache.count == STACK_RUN - 1 && made() == before + STACK_RUN);
    stack_slot(&s, k)[0] = 1;
    CHECK(!stack_intact(&s, k) && stack_intact(&s, get()) && stack_intact(&s, taken[0]));
    return 0;
}

static int fall_in_a_strict_run(void)
{
    int error = 0;
    begin(0, WEIR_GUARD_BEST, true);
    get_many(BEFORE);
    cache.count = 0;
    if (s.guards.rung != WEIR_GUARD_BEST || !child_refuse_guards(true))
        return CHILD_SKIPS;
    size_t before = made();
    for (int i = 0; i < 3; i++) {
        CHECK(stack_get(&s, &cache, NULL, &error) == NULL);
        CHECK(error == WEIR_ESTACK);
    }
    CHECK(!a32_load(&s.guards.canaries) && made() == before + STACK_RUN);
    CHECK(taken[0]->guard == s.guards.size);
    return 0;
}

static void ladder(void)
{
    struct child_end end = child_run(fall_to_protect);
    EXPECT(end.signal == SIGSEGV || end.status == CHILD_SKIPS);
    end = child_run(fall_to_canary);
    EXPECT(end.status == 0 || end.status == CHILD_SKIPS);
    end = child_run(fall_to_nothing);
    EXPECT(end.status == 0 || end.status == CHILD_SKIPS);
    end = child_run(fall_in_a_run);
    EXPECT(end.status == 0 || end.status == CHILD_SKIPS);
    end = child_run(fall_in_a_strict_run);
    EXPECT(end.status == 0 || end.status == CHILD_SKIPS);
}

/* ---- many, and limits --------------------------------------------------------------- */

static size_t guarded(size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += taken[i]->guard != 0;
    return found;
}

static void many(void)
{
    begin(0, WEIR_GUARD_BEST, false);
    get_many(MANY);
    EXPECT_EQ(made(), MANY + cache.count);
    if (s.guards.rung == WEIR_GUARD_BEST)
        EXPECT_EQ(guarded(MANY), MANY);
    EXPECT_EQ(duplicates(MANY), 0);
    weir__stacks_fini(&s);
}

/* Guards end where the process needs its mappings for itself, stacks do not. */
static void many_protected(void)
{
    begin(0, WEIR_GUARD_PROTECT, false);
    size_t affordable = s.guards.protections;
    REQUIRE(affordable > 0);
    get_many(MANY);
    EXPECT_EQ(guarded(MANY), affordable < MANY ? affordable : MANY);
    EXPECT_EQ(a32_load(&s.guards.canaries), affordable < MANY);
    void *mapped[500];
    for (size_t i = 0; i < 500; i++) {
        mapped[i] =
            mmap(NULL, 4096, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT(mapped[i] != MAP_FAILED);
    }
    for (size_t i = 0; i < 500; i++)
        munmap(mapped[i], 4096);
    for (size_t i = 0; i < MANY; i++)
        EXPECT(stack_intact(&s, taken[i]));
    weir__stacks_fini(&s);
}

static bool refuse;

static void *allocate(size_t bytes, void *context)
{
    (void)context;
    return refuse ? NULL : malloc(bytes ? bytes : 1);
}

static void release(void *memory, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    free(memory);
}

static void mapping_refused(void)
{
    const weir_allocator mine = {allocate, release, NULL};
    int error = 0;
    weir_set_allocator(&mine);
    begin(0, WEIR_GUARD_BEST, false);
    refuse = true;
    errno = EDOM;
    EXPECT(stack_get(&s, &cache, NULL, &error) == NULL);
    EXPECT_RC(error, WEIR_ENOMEM);
    EXPECT_EQ(errno, EDOM);
    refuse = false;
    struct stack *k = stack_get(&s, &cache, NULL, &error);
    EXPECT(k != NULL);
    refuse = true;
    while (stack_get(&s, &cache, NULL, &error)) /* the rest of the slab */
        ;
    EXPECT_RC(error, WEIR_ENOMEM);
    size_t first_slab = made();
    EXPECT(first_slab >= 8);
    refuse = false;
    get_many(2 * first_slab);
    EXPECT_EQ(made(), 3 * first_slab + cache.count);
    weir__stacks_fini(&s);
    weir_set_allocator(NULL);
}

static size_t address_space(void)
{
    size_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%zu", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* All that fits but for the slot that a slab is aligned with. */
static int limited(void)
{
    enum { ROOM = 24 << 20 };
    size_t now = address_space(), n = 0;
    const struct rlimit limit = {now + ROOM, now + ROOM};
    int error = 0;
    struct rlimit in_force;
    if (now == 0 || setrlimit(RLIMIT_AS, &limit) < 0 || getrlimit(RLIMIT_AS, &in_force) < 0 ||
        in_force.rlim_cur != limit.rlim_cur) /* an emulator ignores it */
        return CHILD_SKIPS;
    begin(65536, WEIR_GUARD_BEST, false);
    while (n < MANY && (taken[n] = stack_get(&s, &cache, NULL, &error)))
        n++;
    CHECK(error == WEIR_ENOMEM);
    CHECK(n >= ROOM / s.size * 3 / 4 && n < ROOM / s.size);
    CHECK(duplicates(n) == 0);
    put_many(n);
    get_many(n);
    CHECK(stack_get(&s, &cache, NULL, &error) == NULL);
    weir__stacks_fini(&s);
    begin(65536, WEIR_GUARD_BEST, false);
    CHECK(get() != NULL);
    return 0;
}

static void address_space_limited(void)
{
    if (SANITIZED) /* they need address space themselves */
        return;
    struct child_end end = child_run(limited);
    EXPECT(end.status == 0 || end.status == CHILD_SKIPS);
}

/* A run gives everything back. */
static void given_back(void)
{
    enum { N = 2000 };
    begin(0, WEIR_GUARD_BEST, false);
    get_many(N);
    weir__stacks_fini(&s);
    size_t before = address_space();
    for (int round = 0; round < 10; round++) {
        begin(0, WEIR_GUARD_BEST, false);
        get_many(N);
        put_many(N / 2);
        weir__stacks_fini(&s);
    }
    EXPECT(address_space() < before + 32 * s.size + ((size_t)64 << 20));
}

TEST_SUITE(stack, "stack", {"stack: sizes are rounded up, and refused out of range", sizes},
           {"stack: layout", layout}, {"stack: tops have different colours", colours},
           {"stack: the cache is last in, first out", last_in_first_out},
           {"stack: waves of stacks are served from the cache", waves},
           {"stack: the last one put is not given away", last_one_is_kept},
           {"stack: knows its owner", owner_is_set}, {"stack: a guard is deadly", guards},
           {"stack: a canary shows any byte", canary},
           {"stack: strict guards refuse a canary", canary_strict},
           {"stack: the ladder of guards", ladder}, {"stack: very many", many},
           {"stack: very many with mprotect", many_protected},
           {"stack: mappings refused by the allocator", mapping_refused},
           {"stack: limited address space", address_space_limited},
           {"stack: all is given back", given_back});
