/* SPDX-License-Identifier: MIT */
/* os.c - os.h on Linux. errno is the caller's: no function here changes it. */
#define _GNU_SOURCE
#include "os.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "compiler.h"

static void *heap_allocate(size_t bytes, void *context)
{
    (void)context;
    return malloc(bytes ? bytes : 1);
}

static void heap_release(void *memory, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    free(memory);
}

static const weir_allocator heap = {heap_allocate, heap_release, NULL};
static weir_allocator allocator = {heap_allocate, heap_release, NULL};

void weir_set_allocator(const weir_allocator *a)
{
    allocator = a ? *a : heap;
}

void *os_alloc(size_t bytes)
{
    int e = errno;
    void *memory = allocator.allocate(bytes, allocator.context);
    errno = e;
    return memory;
}

void os_free(void *memory, size_t bytes)
{
    if (memory)
        allocator.release(memory, bytes, allocator.context);
}

/* The word before an aligned block tells how far its allocation begins before it. */
void *os_alloc_aligned(size_t bytes, size_t align)
{
    char *raw = os_alloc(bytes + align + sizeof(size_t));
    if (!raw)
        return NULL;
    uintptr_t at = ((uintptr_t)raw + sizeof(size_t) + align - 1) & ~(uintptr_t)(align - 1);
    char *memory = raw + (at - (uintptr_t)raw);
    size_t before = (size_t)(memory - raw);
    memcpy(memory - sizeof before, &before, sizeof before);
    return memset(memory, 0, bytes);
}

void os_free_aligned(void *memory, size_t bytes, size_t align)
{
    size_t before;
    memcpy(&before, (char *)memory - sizeof before, sizeof before);
    os_free((char *)memory - before, bytes + align + sizeof(size_t));
}

bool os_may_map(void)
{
    if (allocator.allocate == heap_allocate)
        return true;
    void *token = os_alloc(0);
    os_free(token, 0);
    return token != NULL;
}

/*
 * What grows beyond a huge page may have more of them: a program with 100,000 actors then
 * finds records and channels without a walk of the page table. A small one stays small.
 */
static void allow_huge_pages(char *memory, size_t bytes)
{
    const size_t huge = (size_t)2 << 20;
    size_t first = 2 * huge - ((uintptr_t)memory & (huge - 1));
    if (bytes > first)
        madvise(memory + first, bytes - first, MADV_HUGEPAGE);
}

void *os_reserve(size_t bytes)
{
    int e = errno;
    void *memory = os_may_map() ? mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                                : MAP_FAILED;
    if (memory != MAP_FAILED)
        allow_huge_pages(memory, bytes);
    errno = e;
    return memory == MAP_FAILED ? NULL : memory;
}

void os_unreserve(void *memory, size_t bytes)
{
    munmap(memory, bytes);
}

void os_give_back(void *memory, size_t bytes)
{
    int e = errno;
    madvise(memory, bytes, MADV_DONTNEED);
    errno = e;
}

/* The one thread of a simulated run, on which its actors stay. */
static __thread weir_time simulated __attribute__((tls_model("initial-exec")));

void os_clock_set(weir_time now)
{
    simulated = now;
}

weir_time os_real_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (weir_time)t.tv_sec * WEIR_S + t.tv_nsec;
}

weir_time weir_now(void)
{
    return unlikely(simulated) ? simulated : os_real_now();
}

weir_time weir_after(weir_time duration)
{
    weir_time now = weir_now();
    return duration > WEIR_NEVER - now ? WEIR_NEVER : now + duration;
}

#if defined(WEIR_TSAN)

/* ThreadSanitizer keeps a thread's signals back until it calls something that it intercepts. */
static weir_time look_for_signals(weir_time deadline)
{
    struct timespec none = {0, 0};
    nanosleep(&none, NULL);
    weir_time soon = os_real_now() + 20 * WEIR_MS;
    return deadline < soon ? deadline : soon;
}

#else

static weir_time look_for_signals(weir_time deadline)
{
    return deadline;
}

#endif

void os_futex_wait(a32 *word, uint32_t value, weir_time deadline)
{
    int e = errno;
    struct timespec until, *timeout = NULL;
    deadline = look_for_signals(deadline);
    if (deadline != WEIR_NEVER) {
        weir_time at = deadline > 0 ? deadline : 0;
        until = (struct timespec){.tv_sec = at / WEIR_S, .tv_nsec = at % WEIR_S};
        timeout = &until;
    }
    syscall(SYS_futex, &word->v, FUTEX_WAIT_BITSET_PRIVATE, value, timeout, NULL,
            FUTEX_BITSET_MATCH_ANY);
    errno = e;
}

void os_futex_wake(a32 *word, int n)
{
    int e = errno;
    syscall(SYS_futex, &word->v, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
    errno = e;
}

bool os_membarrier_works(void)
{
    static a32 known; /* 0: not asked yet, 1: works, 2: refused */
    uint32_t k = a32_load_acquire(&known);
    if (k == 0) {
        int e = errno;
        long rc = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
        errno = e;
        k = rc == 0 ? 1 : 2;
        a32_store_release(&known, k);
    }
    return k == 1;
}

void os_membarrier(void)
{
    int e = errno;
    if (os_membarrier_works())
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    else
        a_fence();
    errno = e;
}

bool os_at_fork(void (*child_begins)(void))
{
    return pthread_atfork(NULL, NULL, child_begins) == 0;
}

void os_spin(unsigned turns)
{
    enum { PAUSES = 40, YIELDS = 100 };
    if (turns < PAUSES) {
        a_relax();
    } else if (turns < YIELDS) {
        sched_yield();
    } else {
        struct timespec nap = {.tv_sec = 0, .tv_nsec = 50 * 1000};
        int e = errno;
        nanosleep(&nap, NULL);
        errno = e;
    }
}
