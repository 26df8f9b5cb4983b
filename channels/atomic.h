/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - the only door to atomic operations.
 *
 * One interface, three bodies:
 *   production  libck's ck_pr for the locked instructions on x86-64, __atomic for the
 *               plain loads and stores (ck_pr's clobber all memory, which costs) and for
 *               everything on other machines
 *   WEIR_TSAN   __atomic throughout, so that ThreadSanitizer sees each operation
 *   WEIR_EXPLORE  tests/explorer: each operation is a choice point of a simulated machine
 *               with store buffers, and locked instructions are counted
 *
 * The type is in the name: a32, a64, aptr. Loads and stores say their order; plain names
 * are relaxed. Read-modify-writes are sequentially consistent and are one locked
 * instruction each: they are the currency of the cost table in docs/protocol.md.
 * On x86-64 a locked instruction also orders the stores before it against the loads
 * after it; code that relies on that says so and names its partner.
 */
#ifndef WEIR_ATOMIC_H
#define WEIR_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint8_t v;
} a8; /* loads and stores only */

typedef struct {
    uint32_t v;
} a32;

typedef struct {
    uint64_t v;
} a64;

typedef struct {
    void *v;
} aptr;

#if defined(WEIR_EXPLORE)
#include "explore_atomic.h"
#else

#if defined(__x86_64__) && !defined(WEIR_TSAN)
#include <ck_pr.h>
#define WEIR_RMW_CK 1
#endif

/* clang-format off */
#define WEIR_ATOMIC_PLAIN(a, t)                                                                    \
    static inline t a##_load(const a *x) { return __atomic_load_n(&x->v, __ATOMIC_RELAXED); }      \
    static inline t a##_load_acquire(const a *x) { return __atomic_load_n(&x->v, __ATOMIC_ACQUIRE); } \
    static inline void a##_store(a *x, t v) { __atomic_store_n(&x->v, v, __ATOMIC_RELAXED); }      \
    static inline void a##_store_release(a *x, t v) { __atomic_store_n(&x->v, v, __ATOMIC_RELEASE); }
/* clang-format on */

WEIR_ATOMIC_PLAIN(a8, uint8_t)
WEIR_ATOMIC_PLAIN(a32, uint32_t)
WEIR_ATOMIC_PLAIN(a64, uint64_t)
WEIR_ATOMIC_PLAIN(aptr, void *)

/*
 * cas: true and *x = desired if *x was *expected; else false and *expected = *x.
 * add, or: return the value before. xchg: returns the value before.
 */
#if defined(WEIR_RMW_CK)

#define WEIR_ATOMIC_RMW(a, t, ck)                                                                  \
    static inline bool a##_cas(a *x, t *expected, t desired)                                       \
    {                                                                                              \
        return ck_pr_cas_##ck##_value(&x->v, *expected, desired, expected);                        \
    }                                                                                              \
    static inline t a##_xchg(a *x, t v)                                                            \
    {                                                                                              \
        return ck_pr_fas_##ck(&x->v, v);                                                           \
    }
#define WEIR_ATOMIC_ADD(a, t, ck)                                                                  \
    static inline t a##_add(a *x, t delta)                                                         \
    {                                                                                              \
        return ck_pr_faa_##ck(&x->v, delta);                                                       \
    }

#else

#define WEIR_ATOMIC_RMW(a, t, ck)                                                                  \
    static inline bool a##_cas(a *x, t *expected, t desired)                                       \
    {                                                                                              \
        return __atomic_compare_exchange_n(&x->v, expected, desired, false, __ATOMIC_SEQ_CST,      \
                                           __ATOMIC_SEQ_CST);                                      \
    }                                                                                              \
    static inline t a##_xchg(a *x, t v)                                                            \
    {                                                                                              \
        return __atomic_exchange_n(&x->v, v, __ATOMIC_SEQ_CST);                                    \
    }
#define WEIR_ATOMIC_ADD(a, t, ck)                                                                  \
    static inline t a##_add(a *x, t delta)                                                         \
    {                                                                                              \
        return __atomic_fetch_add(&x->v, delta, __ATOMIC_SEQ_CST);                                 \
    }

#endif

WEIR_ATOMIC_RMW(a32, uint32_t, 32)
WEIR_ATOMIC_RMW(a64, uint64_t, 64)
WEIR_ATOMIC_RMW(aptr, void *, ptr)
WEIR_ATOMIC_ADD(a32, uint32_t, 32)
WEIR_ATOMIC_ADD(a64, uint64_t, 64)

/* A full barrier, a locked instruction's cost; for cold paths. */
static inline void a_fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Orders nothing on the machine, only in the compiler; its partner calls os_membarrier(). */
static inline void a_light_fence(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/*
 * Orders a read-modify-write before the loads that follow: nothing to do on x86-64, where
 * a locked instruction is a full barrier; elsewhere a load may overtake its store half.
 */
static inline void a_after_rmw(void)
{
#if defined(__x86_64__)
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
#elif !defined(WEIR_TSAN)
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* One turn of a spin loop. */
static inline void a_relax(void)
{
#if defined(__x86_64__)
    __asm__ volatile("pause" ::: "memory");
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* A deliberate defect that the explorer switches on; see tests/explorer. */
#define MUTATE(name) 0

/* An automatic variable goes: the explorer forgets stores to it that are in the own buffer. */
#define a_gone(variable) ((void)(variable))

/* The turns of a spin loop; the explorer needs but one. */
#define SPINS(n) (n)

#endif /* WEIR_EXPLORE */

/* a |= bits; returns the value before. A loop of CAS: ck_pr has no fetch-or. */
static inline uint64_t a64_or(a64 *x, uint64_t bits)
{
    uint64_t v = a64_load(x);
    while (!a64_cas(x, &v, v | bits))
        ;
    return v;
}

#endif
