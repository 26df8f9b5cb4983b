/* SPDX-License-Identifier: MIT */
/*
 * explore_atomic.h - the body of channels/atomic.h on the simulated machine.
 *
 * Included by atomic.h under WEIR_EXPLORE, and by tests/shadow/ck_pr.h. Each operation is
 * a choice point: before it happens the explorer may let other virtual threads run. A
 * store goes into the virtual thread's store buffer; see memory.c. The machine is TSO:
 * load_acquire is load and store_release is store.
 */
#ifndef WEIR_EXPLORE_ATOMIC_H
#define WEIR_EXPLORE_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct explore_where {
    const char *file, *function;
    int line;
};

#define EXPLORE_HERE (&(const struct explore_where){__FILE__, __func__, __LINE__})

enum explore_op {
    EXPLORE_LOAD,
    EXPLORE_STORE,
    EXPLORE_CAS,
    EXPLORE_XCHG,
    EXPLORE_ADD,
    EXPLORE_AND,
    EXPLORE_OR,
    EXPLORE_XOR,
    EXPLORE_FENCE,
    EXPLORE_RELAX,
    EXPLORE_NOW,
    EXPLORE_FUTEX_WAIT,
    EXPLORE_FUTEX_WAKE,
    EXPLORE_MEMBARRIER,
    EXPLORE_YIELD
};

/* `size` is 1, 2, 4 or 8 bytes. cas updates *expected when it fails; rmw returns the old. */
uint64_t explore_load(const void *from, unsigned size, const struct explore_where *at);
void explore_store(void *to, unsigned size, uint64_t value, const struct explore_where *at);
bool explore_cas(void *x, unsigned size, uint64_t *expected, uint64_t desired,
                 const struct explore_where *at);
uint64_t explore_rmw(enum explore_op op, void *x, unsigned size, uint64_t operand,
                     const struct explore_where *at);
void explore_fence(const struct explore_where *at);
void explore_relax(const struct explore_where *at);

/* A pointer that belongs to the calling virtual thread; NULL at its start. */
void *explore_get_current(void);
void explore_set_current(void *pointer);

/*
 * From now on nobody may touch [memory, memory + bytes) by an atomic operation, or: again.
 * os_alloc() and os_free() say so of themselves; for pools that recycle objects.
 */
void explore_dead(void *memory, size_t bytes);
void explore_alive(void *memory, size_t bytes);

/* True in the models that show that the explorer notices when this is done wrong. */
bool explore_mutation(const char *name);
#define MUTATE(name) explore_mutation(name)

/* How often to try before sleeping: each try costs the explorer a step and shows nothing new. */
#define SPINS(production) 1

#define a_fence() explore_fence(EXPLORE_HERE)
#define a_light_fence() ((void)0)
#define a_after_rmw() ((void)0)
#define a_relax() explore_relax(EXPLORE_HERE)

#define EXPLORE_INTEGER(a, t)                                                                      \
    static inline t a##_load_at(const a *x, const struct explore_where *at)                        \
    {                                                                                              \
        return (t)explore_load(&x->v, sizeof x->v, at);                                            \
    }                                                                                              \
    static inline void a##_store_at(a *x, t v, const struct explore_where *at)                     \
    {                                                                                              \
        explore_store(&x->v, sizeof x->v, v, at);                                                  \
    }                                                                                              \
    static inline bool a##_cas_at(a *x, t *expected, t desired, const struct explore_where *at)    \
    {                                                                                              \
        uint64_t e = *expected;                                                                    \
        bool done = explore_cas(&x->v, sizeof x->v, &e, desired, at);                              \
        *expected = (t)e;                                                                          \
        return done;                                                                               \
    }                                                                                              \
    static inline t a##_rmw_at(enum explore_op op, a *x, t v, const struct explore_where *at)      \
    {                                                                                              \
        return (t)explore_rmw(op, &x->v, sizeof x->v, v, at);                                      \
    }

EXPLORE_INTEGER(a8, uint8_t)
EXPLORE_INTEGER(a32, uint32_t)
EXPLORE_INTEGER(a64, uint64_t)

static inline void *aptr_load_at(const aptr *x, const struct explore_where *at)
{
    return (void *)(uintptr_t)explore_load(&x->v, sizeof x->v, at);
}

static inline void aptr_store_at(aptr *x, void *v, const struct explore_where *at)
{
    explore_store(&x->v, sizeof x->v, (uintptr_t)v, at);
}

static inline bool aptr_cas_at(aptr *x, void **expected, void *desired,
                               const struct explore_where *at)
{
    uint64_t e = (uintptr_t)*expected;
    bool done = explore_cas(&x->v, sizeof x->v, &e, (uintptr_t)desired, at);
    *expected = (void *)(uintptr_t)e;
    return done;
}

static inline void *aptr_xchg_at(aptr *x, void *v, const struct explore_where *at)
{
    return (void *)(uintptr_t)explore_rmw(EXPLORE_XCHG, &x->v, sizeof x->v, (uintptr_t)v, at);
}

/* An automatic variable goes, as its function returns: no store to it may come later. */
void explore_gone(const void *variable, size_t bytes);

#define a_gone(variable) explore_gone((variable), sizeof *(variable))

#define a8_load(x) a8_load_at((x), EXPLORE_HERE)
#define a8_load_acquire(x) a8_load_at((x), EXPLORE_HERE)
#define a8_store(x, v) a8_store_at((x), (v), EXPLORE_HERE)
#define a8_store_release(x, v) a8_store_at((x), (v), EXPLORE_HERE)

#define a32_load(x) a32_load_at((x), EXPLORE_HERE)
#define a32_load_acquire(x) a32_load_at((x), EXPLORE_HERE)
#define a32_store(x, v) a32_store_at((x), (v), EXPLORE_HERE)
#define a32_store_release(x, v) a32_store_at((x), (v), EXPLORE_HERE)
#define a32_cas(x, expected, v) a32_cas_at((x), (expected), (v), EXPLORE_HERE)
#define a32_xchg(x, v) a32_rmw_at(EXPLORE_XCHG, (x), (v), EXPLORE_HERE)
#define a32_add(x, v) a32_rmw_at(EXPLORE_ADD, (x), (v), EXPLORE_HERE)

#define a64_load(x) a64_load_at((x), EXPLORE_HERE)
#define a64_load_acquire(x) a64_load_at((x), EXPLORE_HERE)
#define a64_store(x, v) a64_store_at((x), (v), EXPLORE_HERE)
#define a64_store_release(x, v) a64_store_at((x), (v), EXPLORE_HERE)
#define a64_cas(x, expected, v) a64_cas_at((x), (expected), (v), EXPLORE_HERE)
#define a64_xchg(x, v) a64_rmw_at(EXPLORE_XCHG, (x), (v), EXPLORE_HERE)
#define a64_add(x, v) a64_rmw_at(EXPLORE_ADD, (x), (v), EXPLORE_HERE)

#define aptr_load(x) aptr_load_at((x), EXPLORE_HERE)
#define aptr_load_acquire(x) aptr_load_at((x), EXPLORE_HERE)
#define aptr_store(x, v) aptr_store_at((x), (v), EXPLORE_HERE)
#define aptr_store_release(x, v) aptr_store_at((x), (v), EXPLORE_HERE)
#define aptr_cas(x, expected, v) aptr_cas_at((x), (expected), (v), EXPLORE_HERE)
#define aptr_xchg(x, v) aptr_xchg_at((x), (v), EXPLORE_HERE)

#endif
