/* SPDX-License-Identifier: MIT */
/* stack.c - see stack.h. */
#define _GNU_SOURCE
#include "stack.h"

#include "lock.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os.h"

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#if defined(WEIR_ASAN)
#include <sanitizer/lsan_interface.h>
#endif

enum {
    SLAB_SLOTS_FIRST = 16,     /* each slab has twice as many as the one before, ... */
    SLAB_BYTES_MOST = 64 << 20 /* ... up to so much, as the process's limits permit */
};

/* ---- the whole ---------------------------------------------------------------------------- */

#if defined(__aarch64__)
enum { SIZE_DEFAULT = 128 * 1024 };
#else
enum { SIZE_DEFAULT = 64 * 1024 };
#endif

int weir__stacks_init(struct stacks *s, size_t stack_size, weir_guard guard, bool strict)
{
    size_t size = 4 * (size_t)sysconf(_SC_PAGESIZE);
    size_t wanted = stack_size ? stack_size : SIZE_DEFAULT;

    if (wanted < STACK_SIZE_MIN || wanted > STACK_SIZE_MAX)
        return WEIR_EINVAL;
    if (guard != WEIR_GUARD_BEST && guard != WEIR_GUARD_PROTECT && guard != WEIR_GUARD_CANARY)
        return WEIR_EINVAL;
    while (size < wanted)
        size *= 2;
    memset(s, 0, sizeof *s);
    s->size = size;
    s->slab_slots = SLAB_SLOTS_FIRST;
    weir__guards_init(&s->guards, size, guard, strict);
    return 0;
}

/* ---- slabs -------------------------------------------------------------------------- */

/* The slot that is too much pays for the alignment, and its rest holds the struct. */
static struct stack_slab *slab_map(const struct stacks *s, size_t slots)
{
    size_t bytes = (slots + 1) * s->size;
    char *mapping = os_reserve(bytes);
    if (!mapping)
        return NULL;
    char *first = mapping + (-(uintptr_t)mapping & (s->size - 1));
    /* Huge pages would make 2 MiB of the first touch of each stack. */
    madvise(mapping, bytes, MADV_NOHUGEPAGE);
#if defined(WEIR_ASAN)
    __lsan_register_root_region(mapping, bytes);
#endif
    struct stack_slab *slab = (struct stack_slab *)(void *)(first + slots * s->size);
    *slab = (struct stack_slab){.mapping = mapping, .bytes = bytes, .first = first, .slots = slots};
    return slab;
}

/* Under a limit of address space, or where all of it is accounted for, ask for less. */
static bool slab_add(struct stacks *s)
{
    struct stack_slab *slab;
    size_t slots = s->slab_slots;
    while (!(slab = slab_map(s, slots))) {
        if (slots == 1 || !os_may_map())
            return false;
        slots /= 2;
    }
    slab->next = aptr_load(&s->slabs);
    aptr_store_release(&s->slabs, slab); /* pairs with weir__stack_slot() */
    if (slots == s->slab_slots && 2 * slots <= SLAB_SLOTS_MOST &&
        2 * slots * s->size <= SLAB_BYTES_MOST)
        s->slab_slots = 2 * slots;
    else
        s->slab_slots = slots;
    return true;
}

static void slab_unmap(const struct stacks *s, struct stack_slab *slab)
{
    struct stack_slab known = *slab;
#if defined(VALGRIND_STACK_DEREGISTER)
    if (RUNNING_ON_VALGRIND)
        for (size_t i = 0; i < known.used; i++)
            VALGRIND_STACK_DEREGISTER(stack_of_slot(s, known.first + i * s->size)->valgrind);
#endif
#if defined(WEIR_ASAN)
    __lsan_unregister_root_region(known.mapping, known.bytes);
    __asan_unpoison_memory_region(known.mapping, known.bytes);
#endif
    (void)s;
    os_unreserve(known.mapping, known.bytes);
}

void weir__stacks_fini(struct stacks *s)
{
    int e = errno;
    for (struct stack_slab *slab = aptr_load(&s->slabs), *next; slab; slab = next) {
        next = slab->next;
        slab_unmap(s, slab);
    }
    memset(s, 0, sizeof *s);
    errno = e;
}

char *weir__stack_slot(const struct stacks *s, const void *address)
{
    for (const struct stack_slab *slab = aptr_load_acquire(&s->slabs); slab; slab = slab->next) {
        uintptr_t offset = (uintptr_t)address - (uintptr_t)slab->first;
        if (offset < slab->used * s->size)
            return slab->first + (offset & ~(uintptr_t)(s->size - 1));
    }
    return NULL;
}

/* ---- stacks ------------------------------------------------------------------------- */

static bool is_bare(const struct stack_slab *slab, size_t i)
{
    return a64_load(&slab->bare[i / 64]) >> i % 64 & 1;
}

static struct stack *stack_make(const struct stacks *s, struct stack_slab *slab, size_t i)
{
    size_t guard = is_bare(slab, i) ? 0 : s->guards.size;
    struct stack *k = stack_of_slot(s, slab->first + i * s->size);
    k->guard = (uint32_t)guard & 0xfffff;
    k->to_slab = (uint32_t)(slab->slots - i) & 0xfff;
#if defined(VALGRIND_STACK_REGISTER)
    if (!k->valgrind)
        k->valgrind = (uint32_t)VALGRIND_STACK_REGISTER(stack_slot(s, k) + guard, k);
#endif
    return k;
}

/* Slots of one slab that were never used; they are their worker's. */
struct run {
    struct stack_slab *slab;
    size_t next, end;
    bool guarded;
};

/* Under the lock: guard a slot. False: it has to have a guard, and gets none. */
static bool slot_guard(struct stacks *s, struct stack_slab *slab, size_t i)
{
    if (weir__guard_make(&s->guards, slab->first + i * s->size))
        return true;
    if (s->guards.strict)
        return false;
    a64_store(&slab->bare[i / 64], a64_load(&slab->bare[i / 64]) | (uint64_t)1 << i % 64);
    a32_store(&s->guards.canaries, 1);
    return true;
}

/* Under the lock: the slab with unused slots; NULL: no memory. */
static struct stack_slab *slab_with_room(struct stacks *s)
{
    struct stack_slab *slab = aptr_load(&s->slabs);
    if (slab && slab->used < slab->slots)
        return slab;
    return slab_add(s) ? aptr_load(&s->slabs) : NULL;
}

/*
 * Under the lock. While the best rung holds, guards can be made without it: a run that is the
 * longer the more stacks there are. Else a single one, with what guard it gets.
 */
static bool run_take(struct stacks *s, struct run *r, int *error)
{
    bool best = guards_are_best(&s->guards);
    size_t n = best ? 1 + s->made / STACK_RUN : 1;
    *r = (struct run){.slab = slab_with_room(s), .guarded = !best};
    if (!r->slab) {
        *error = WEIR_ENOMEM;
        return false;
    }
    r->next = r->slab->used;
    if (!best && !slot_guard(s, r->slab, r->next)) {
        *error = WEIR_ESTACK;
        return false;
    }
    if (n > STACK_RUN)
        n = STACK_RUN;
    if (n > r->slab->slots - r->next)
        n = r->slab->slots - r->next;
    r->end = r->next + n;
    s->made += n;
    if (!MUTATE("stacks: run not withdrawn"))
        r->slab->used = r->end;
    return true;
}

/* Without the lock. The kernel hardly ever refuses: then rung by rung, as far as they go. */
static void run_guard(struct stacks *s, struct run *r, int *error)
{
    char *first = r->slab->first;
    size_t i = r->next;
    while (i < r->end && weir__guard_install(&s->guards, first + i * s->size))
        i++;
    if (likely(i == r->end))
        return;
    lock_acquire(&s->lock, 0);
    while (i < r->end && slot_guard(s, r->slab, i))
        i++;
    lock_release(&s->lock, 0);
    if (i == r->next)
        *error = WEIR_ESTACK;
    r->end = i;
}

static struct stack_magazine *magazine_in(struct stack *k)
{
    return (struct stack_magazine *)(void *)k - 1;
}

/* Under the lock: the magazine that came last; NULL: there is none. */
static struct stack_magazine *depot_pop(struct stacks *s)
{
    struct stack_magazine *m = s->depot;
    if (m) {
        uint32_t left = a32_load(&s->depot_count) - 1;
        s->depot = m->next;
        a32_store(&s->depot_count, left);
        if (left < s->depot_least)
            s->depot_least = left;
    }
    return m;
}

/* Under the lock: the lowest cold stack of a slab that has some; NULL: none has. */
static struct stack *cold_pop(struct stacks *s)
{
    struct stack_slab *slab = s->cold;
    size_t word = 0;
    if (!slab)
        return NULL;
    while (!slab->cold[word])
        word++;
    size_t i = word * 64 + (size_t)__builtin_ctzll(slab->cold[word]);
    slab->cold[word] &= slab->cold[word] - 1;
    if (--slab->cold_count == 0)
        s->cold = slab->next_cold;
    return stack_make(s, slab, i);
}

/* Under the lock: a magazine of warm ones, or one that is cold. */
static bool take_used(struct stacks *s, struct stack_cache *c)
{
    struct stack *k;
    struct stack_magazine *m = depot_pop(s);
    if (m) {
        memcpy(c->held, m->held, sizeof m->held);
        c->count = STACK_MAGAZINE;
    } else if ((k = cold_pop(s))) {
        c->held[c->count++] = k;
    }
    return c->count > 0;
}

/*
 * The lowest is touched first and taken first: actors that are started one after the other, and
 * will run so, then lie as one walks, in virtual and in real memory.
 */
static void run_hold(const struct stacks *s, const struct run *r, struct stack_cache *c)
{
    c->count = (unsigned)(r->end - r->next);
    for (size_t i = r->next; i < r->end; i++)
        c->held[r->end - 1 - i] = stack_make(s, r->slab, i);
}

bool weir__stack_refill(struct stacks *s, struct stack_cache *c, int *error)
{
    struct run run;
    int e = errno;
    lock_acquire(&s->lock, 0);
    bool made = !take_used(s, c) && run_take(s, &run, error);
    lock_release(&s->lock, 0);
    if (made && !run.guarded)
        run_guard(s, &run, error);
    errno = e;
    if (made)
        run_hold(s, &run, c);
    return c->count > 0;
}

void weir__stack_spill(struct stacks *s, struct stack_cache *c)
{
    struct stack_magazine *m = magazine_in(c->held[0]);
#if defined(WEIR_ASAN)
    __asan_unpoison_memory_region(m, sizeof *m);
#endif
    memcpy(m->held, c->held, sizeof m->held);
    memcpy(c->held, c->held + STACK_MAGAZINE, sizeof m->held);
    c->count = STACK_MAGAZINE;
    lock_acquire(&s->lock, 0);
    m->next = s->depot;
    s->depot = m;
    a32_store(&s->depot_count, a32_load(&s->depot_count) + 1);
    lock_release(&s->lock, 0);
}

/* ---- giving back ------------------------------------------------------------------------ */

weir_time weir__trim_after = 5 * WEIR_S;

/* It is ours; its memory is touched no more. */
static void set_going(struct stacks *s, struct stack *k, struct stack_slab **slabs)
{
    char *slot = stack_slot(s, k);
    struct stack_slab *slab = (struct stack_slab *)(void *)(slot + k->to_slab * s->size);
    size_t i = slab->slots - k->to_slab;
    if (slab->going_count++ == 0) {
        slab->next_going = *slabs;
        *slabs = slab;
    }
    slab->going[i / 64] |= (uint64_t)1 << i % 64;
}

/* The slabs of what is to be given back. */
static struct stack_slab *collect(struct stacks *s, struct stack_cache *c, uint32_t most)
{
    struct stack_slab *slabs = NULL;
    for (unsigned i = 0; c && i < c->count; i++)
        set_going(s, c->held[i], &slabs);
    if (c)
        c->count = 0;
    for (; most > 0; most--) {
        lock_acquire(&s->lock, 0);
        struct stack_magazine *m = depot_pop(s);
        lock_release(&s->lock, 0);
        if (!m)
            break;
        for (unsigned i = 0; i < STACK_MAGAZINE; i++)
            set_going(s, m->held[i], &slabs);
    }
    return slabs;
}

static bool is_going(const struct stack_slab *slab, size_t i)
{
    return i < slab->slots && slab->going[i / 64] >> i % 64 & 1;
}

static void give_back_runs(const struct stacks *s, const struct stack_slab *slab)
{
    for (size_t i = 0, first; i < slab->slots; i++) {
        for (first = i; is_going(slab, i); i++)
            ;
        if (i > first)
            os_give_back(slab->first + first * s->size, (i - first) * s->size);
    }
}

/* From now on it can be taken. */
static void make_cold(struct stacks *s, struct stack_slab *slab)
{
    lock_acquire(&s->lock, 0);
    if (slab->cold_count == 0) {
        slab->next_cold = s->cold;
        s->cold = slab;
    }
    slab->cold_count += slab->going_count;
    slab->going_count = 0;
    for (size_t word = 0; word < SLAB_SLOTS_MOST / 64; word++) {
        slab->cold[word] |= slab->going[word];
        slab->going[word] = 0;
    }
    lock_release(&s->lock, 0);
}

bool weir__stacks_give_back(struct stacks *s, struct stack_cache *c, uint32_t most)
{
    uint32_t nobody = 0;
#if defined(VALGRIND_STACK_REGISTER)
    if (RUNNING_ON_VALGRIND) /* which would have to be told */
        return false;
#endif
    if (!a32_cas(&s->giving, &nobody, 1))
        return false;
    struct stack_slab *slabs = collect(s, c, most);
    for (struct stack_slab *slab = slabs, *next; slab; slab = next) {
        next = slab->next_going;
        if (MUTATE("stacks: cold before given back")) {
            struct stack_slab early = *slab;
            make_cold(s, slab);
            give_back_runs(s, &early);
            continue;
        }
        give_back_runs(s, slab);
        make_cold(s, slab);
    }
    a32_store_release(&s->giving, 0); /* pairs with the cas: `going` is clear */
    return slabs != NULL;
}

/*
 * A twentieth of a worker's time at the most: giving back 4 magazines takes some 100 us. Then
 * a million stacks take 8 s.
 */
void weir__stacks_look(struct stacks *s, weir_time now)
{
    enum { A_LITTLE = 4 };
    uint32_t n = 0;
    lock_acquire(&s->lock, 0);
    if ((uint64_t)now >= a64_load(&s->look_at)) {
        bool first = a64_load(&s->look_at) == 0;
        if (s->surplus == 0 || s->surplus > s->depot_least)
            s->surplus = first ? 0 : s->depot_least;
        n = s->surplus < A_LITTLE ? s->surplus : A_LITTLE;
        s->surplus -= n;
        if (s->surplus == 0)
            s->depot_least = a32_load(&s->depot_count);
        a64_store(&s->look_at, (uint64_t)(now + (s->surplus > 0 ? 2 * WEIR_MS : weir__trim_after)));
    }
    lock_release(&s->lock, 0);
    if (n > 0)
        weir__stacks_give_back(s, NULL, n);
}
