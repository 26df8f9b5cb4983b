/* SPDX-License-Identifier: MIT */
/*
 * ck_pr.h - in place of libck's, put first on the include path.
 *
 * ThreadSanitizer does not see assembler, and the explorer sees nothing but itself. So
 * that libck's inline structures (ck_ring.h, ck_stack.h, ck_queue.h, ck_bitmap.h) are
 * tested as they are, their primitives become
 *   WEIR_EXPLORE  operations of the explorer
 *   otherwise     __atomic operations: loads acquire, stores release, read-modify-writes
 *                 sequentially consistent. That is stronger than libck's: it finds data
 *                 races in the use of a structure, not fences missing inside of it.
 * There is no double-width compare-and-swap: CK_F_PR_CAS_PTR_2_VALUE stays undefined, and
 * with it ck_stack_pop_mpmc and ck_fifo_mpmc.
 */
#ifndef CK_PR_H
#define CK_PR_H

#include <ck_cc.h>
#include <ck_limits.h>
#include <ck_md.h>
#include <ck_stdbool.h>
#include <ck_stdint.h>

#if defined(WEIR_EXPLORE)

#include "../../channels/atomic.h"

#define CK_SHADOW_LOAD(S, T, p) ((T)(uintptr_t)explore_load((p), sizeof(T), EXPLORE_HERE))
#define CK_SHADOW_STORE(p, v)                                                                      \
    explore_store((p), sizeof *(p), (uint64_t)(uintptr_t)(v), EXPLORE_HERE)

/* An integer of T's size, from what is an integer or a pointer, without a sign. */
#define CK_SHADOW_BITS(T, v) ((uint64_t)(uintptr_t)(v) & (~UINT64_C(0) >> (64 - 8 * sizeof(T))))

#define CK_SHADOW_CAS(S, M, T)                                                                     \
    CK_CC_INLINE static bool ck_pr_cas_##S##_value(M *target, T compare, T set, void *before)      \
    {                                                                                              \
        uint64_t expected = CK_SHADOW_BITS(T, compare);                                            \
        bool done =                                                                                \
            explore_cas(target, sizeof(T), &expected, CK_SHADOW_BITS(T, set), EXPLORE_HERE);       \
        *(T *)before = (T)(uintptr_t)expected;                                                     \
        return done;                                                                               \
    }
#define CK_SHADOW_FAS(S, M, T)                                                                     \
    CK_CC_INLINE static T ck_pr_fas_##S(M *target, T set)                                          \
    {                                                                                              \
        return (T)(uintptr_t)explore_rmw(EXPLORE_XCHG, target, sizeof(T), CK_SHADOW_BITS(T, set),  \
                                         EXPLORE_HERE);                                            \
    }
#define CK_SHADOW_RMW(S, T, K, OP, NEGATE)                                                         \
    CK_CC_INLINE static T ck_shadow_##K##_##S(T *target, T value)                                  \
    {                                                                                              \
        return (T)explore_rmw(OP, target, sizeof(T), CK_SHADOW_BITS(T, NEGATE value),              \
                              EXPLORE_HERE);                                                       \
    }
#define CK_SHADOW_ADD EXPLORE_ADD, +
#define CK_SHADOW_SUB EXPLORE_ADD, -
#define CK_SHADOW_AND EXPLORE_AND, +
#define CK_SHADOW_OR EXPLORE_OR, +
#define CK_SHADOW_XOR EXPLORE_XOR, +

#define ck_pr_barrier() ((void)0)
#define ck_pr_stall() explore_relax(EXPLORE_HERE)
#define CK_SHADOW_FULL_FENCE() explore_fence(EXPLORE_HERE)

#else

#define CK_SHADOW_LOAD(S, T, p) ((T)__atomic_load_n((p), __ATOMIC_ACQUIRE))
#define CK_SHADOW_STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

#define CK_SHADOW_CAS(S, M, T)                                                                     \
    CK_CC_INLINE static bool ck_pr_cas_##S##_value(M *target, T compare, T set, void *before)      \
    {                                                                                              \
        bool done = __atomic_compare_exchange_n((T *)(void *)target, &compare, set, false,         \
                                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);               \
        *(T *)before = compare;                                                                    \
        return done;                                                                               \
    }
#define CK_SHADOW_FAS(S, M, T)                                                                     \
    CK_CC_INLINE static T ck_pr_fas_##S(M *target, T set)                                          \
    {                                                                                              \
        return __atomic_exchange_n((T *)(void *)target, set, __ATOMIC_SEQ_CST);                    \
    }
#define CK_SHADOW_RMW(S, T, K, OP)                                                                 \
    CK_CC_INLINE static T ck_shadow_##K##_##S(T *target, T value)                                  \
    {                                                                                              \
        return OP(target, value, __ATOMIC_SEQ_CST);                                                \
    }
#define CK_SHADOW_ADD __atomic_fetch_add
#define CK_SHADOW_SUB __atomic_fetch_sub
#define CK_SHADOW_AND __atomic_fetch_and
#define CK_SHADOW_OR __atomic_fetch_or
#define CK_SHADOW_XOR __atomic_fetch_xor

#define ck_pr_barrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define ck_pr_stall() ck_pr_barrier()
/* ThreadSanitizer does not model fences; the operations around them are strong enough. */
#define CK_SHADOW_FULL_FENCE() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif

/* ---- loads and stores ------------------------------------------------------------------------ */

/* What ck_bitmap.h asks for. */
#define CK_F_PR_LOAD_UINT
#define CK_F_PR_STORE_UINT
#define CK_F_PR_AND_UINT
#define CK_F_PR_OR_UINT
#define CK_F_PR_BTS_UINT

#define ck_pr_load_ptr(p) CK_SHADOW_LOAD(ptr, CK_CC_TYPEOF(*(p), (void *)), (p))
#define ck_pr_load_uint(p) CK_SHADOW_LOAD(uint, unsigned int, (p))
#define ck_pr_load_int(p) CK_SHADOW_LOAD(int, int, (p))
#define ck_pr_load_char(p) CK_SHADOW_LOAD(char, char, (p))
#define ck_pr_load_8(p) CK_SHADOW_LOAD(8, uint8_t, (p))
#define ck_pr_load_16(p) CK_SHADOW_LOAD(16, uint16_t, (p))
#define ck_pr_load_32(p) CK_SHADOW_LOAD(32, uint32_t, (p))
#define ck_pr_load_64(p) CK_SHADOW_LOAD(64, uint64_t, (p))

#define ck_pr_store_ptr(p, v) CK_SHADOW_STORE((p), (v))
#define ck_pr_store_ptr_unsafe(p, v) CK_SHADOW_STORE((void **)(p), (void *)(v))
#define ck_pr_store_uint(p, v) CK_SHADOW_STORE((p), (v))
#define ck_pr_store_int(p, v) CK_SHADOW_STORE((p), (v))
#define ck_pr_store_char(p, v) CK_SHADOW_STORE((p), (v))
#define ck_pr_store_8(p, v) CK_SHADOW_STORE((p), (v))
#define ck_pr_store_16(p, v) CK_SHADOW_STORE((p), (v))
#define ck_pr_store_32(p, v) CK_SHADOW_STORE((p), (v))
#define ck_pr_store_64(p, v) CK_SHADOW_STORE((p), (v))

/* ---- read-modify-writes ---------------------------------------------------------------------- */

#define CK_SHADOW_SWAP(S, M, T)                                                                    \
    CK_SHADOW_CAS(S, M, T)                                                                         \
    CK_SHADOW_FAS(S, M, T)                                                                         \
    CK_CC_INLINE static bool ck_pr_cas_##S(M *target, T compare, T set)                            \
    {                                                                                              \
        T before;                                                                                  \
        return ck_pr_cas_##S##_value(target, compare, set, &before);                               \
    }

#define CK_SHADOW_EXPAND(...) __VA_ARGS__
#define CK_SHADOW_RMW_(...) CK_SHADOW_EXPAND(CK_SHADOW_RMW(__VA_ARGS__))
#define CK_SHADOW_BINARY(S, T, K, ...)                                                             \
    CK_SHADOW_RMW_(S, T, K, __VA_ARGS__)                                                           \
    CK_CC_INLINE static void ck_pr_##K##_##S(T *target, T value)                                   \
    {                                                                                              \
        ck_shadow_##K##_##S(target, value);                                                        \
    }

#define CK_SHADOW_BIT(S, T, K, BY, MASK)                                                           \
    CK_CC_INLINE static bool ck_pr_##K##_##S(T *target, unsigned int bit)                          \
    {                                                                                              \
        return ck_shadow_##BY##_##S(target, (T)(MASK((T)1 << bit))) >> bit & 1;                    \
    }

#define CK_SHADOW_UNARY(S, T, K, BY, LAST)                                                         \
    CK_CC_INLINE static void ck_pr_##K##_##S(T *target)                                            \
    {                                                                                              \
        ck_shadow_##BY##_##S(target, 1);                                                           \
    }                                                                                              \
    CK_CC_INLINE static bool ck_pr_##K##_##S##_is_zero(T *target)                                  \
    {                                                                                              \
        return ck_shadow_##BY##_##S(target, 1) == (T)(LAST);                                       \
    }                                                                                              \
    CK_CC_INLINE static void ck_pr_##K##_##S##_zero(T *target, bool *zero)                         \
    {                                                                                              \
        *zero = ck_pr_##K##_##S##_is_zero(target);                                                 \
    }

#define CK_SHADOW_INTEGER(S, T)                                                                    \
    CK_SHADOW_SWAP(S, T, T)                                                                        \
    CK_SHADOW_BINARY(S, T, add, CK_SHADOW_ADD)                                                     \
    CK_SHADOW_BINARY(S, T, sub, CK_SHADOW_SUB)                                                     \
    CK_SHADOW_BINARY(S, T, and, CK_SHADOW_AND)                                                     \
    CK_SHADOW_BINARY(S, T, or, CK_SHADOW_OR)                                                       \
    CK_SHADOW_BINARY(S, T, xor, CK_SHADOW_XOR)                                                     \
    CK_SHADOW_BIT(S, T, bts, or, )                                                                 \
    CK_SHADOW_BIT(S, T, btr, and, ~)                                                               \
    CK_SHADOW_BIT(S, T, btc, xor, )                                                                \
    CK_SHADOW_UNARY(S, T, inc, add, -1)                                                            \
    CK_SHADOW_UNARY(S, T, dec, sub, 1)                                                             \
    CK_CC_INLINE static T ck_pr_faa_##S(T *target, T delta)                                        \
    {                                                                                              \
        return ck_shadow_add_##S(target, delta);                                                   \
    }

CK_SHADOW_SWAP(ptr, void, void *)
CK_SHADOW_SWAP(char, char, char)
CK_SHADOW_SWAP(8, uint8_t, uint8_t)
CK_SHADOW_SWAP(16, uint16_t, uint16_t)
CK_SHADOW_INTEGER(int, int)
CK_SHADOW_INTEGER(uint, unsigned int)
CK_SHADOW_INTEGER(32, uint32_t)
CK_SHADOW_INTEGER(64, uint64_t)

/* ---- fences ---------------------------------------------------------------------------------- */

/* On TSO only these two are more than an order for the compiler. */
#define ck_pr_fence_store_load() CK_SHADOW_FULL_FENCE()
#define ck_pr_fence_memory() CK_SHADOW_FULL_FENCE()
#define ck_pr_fence_strict_store_load() CK_SHADOW_FULL_FENCE()
#define ck_pr_fence_strict_memory() CK_SHADOW_FULL_FENCE()

#define ck_pr_fence_load() ck_pr_barrier()
#define ck_pr_fence_store() ck_pr_barrier()
#define ck_pr_fence_load_store() ck_pr_barrier()
#define ck_pr_fence_load_depends() ck_pr_barrier()
#define ck_pr_fence_atomic() ck_pr_barrier()
#define ck_pr_fence_atomic_load() ck_pr_barrier()
#define ck_pr_fence_atomic_store() ck_pr_barrier()
#define ck_pr_fence_load_atomic() ck_pr_barrier()
#define ck_pr_fence_store_atomic() ck_pr_barrier()
#define ck_pr_fence_acquire() ck_pr_barrier()
#define ck_pr_fence_release() ck_pr_barrier()
#define ck_pr_fence_acqrel() ck_pr_barrier()
#define ck_pr_fence_lock() ck_pr_barrier()
#define ck_pr_fence_unlock() ck_pr_barrier()

#endif
