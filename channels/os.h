/* SPDX-License-Identifier: MIT */
/*
 * os.h - what channels and actors ask of the kernel, and of the heap.
 *
 * Everything that can sleep, tell the time or run out of memory goes through here, so
 * that tests/explorer can replace it by a simulated machine (WEIR_EXPLORE builds link
 * tests/explorer/explore_os.c instead of os.c) and tests can make each allocation fail.
 */
#ifndef WEIR_OS_H
#define WEIR_OS_H

#include <stddef.h>
#include <stdint.h>

#include <weir/channel.h>

#include "atomic.h"

/*
 * What weir_now() tells on the calling thread from now on, until it is set again; 0: the real
 * time. For simulation: os_futex_wait() and everybody else keep to the real clock, which
 * os_real_now() tells everywhere.
 */
void os_clock_set(weir_time now);
weir_time os_real_now(void);

/* Heap, through weir_set_allocator(). NULL when there is none. `align` is a power of 2. */
void *os_alloc(size_t bytes);
void *os_alloc_aligned(size_t bytes, size_t align); /* zeroed */
void os_free(void *memory, size_t bytes);
void os_free_aligned(void *memory, size_t bytes, size_t align); /* not NULL */

/* May this much be mapped? Asks the allocator with 0 bytes; see weir_set_allocator(). */
bool os_may_map(void);

/* Address space that reads as zero and costs nothing until touched; NULL when refused. */
void *os_reserve(size_t bytes);
void os_unreserve(void *memory, size_t bytes);

/*
 * The kernel may have the contents of these pages of reserved memory: afterwards they read as
 * zero, or, where memory is locked, as before. Guards and what may not be accessed stay so.
 */
void os_give_back(void *memory, size_t bytes);

/* Sleep while *word == value, until woken or `deadline` (monotonic; WEIR_NEVER: none). */
void os_futex_wait(a32 *word, uint32_t value, weir_time deadline);
/* Wake at most `n` sleepers on *word. *word may be of an object that has been recycled. */
void os_futex_wake(a32 *word, int n);

/*
 * Make every thread of the process execute a full barrier: the heavy half of the
 * asymmetric fences, whose light half is a_light_fence(). os_membarrier_works() is false
 * where the kernel refuses; the light half must then be a_fence().
 */
bool os_membarrier_works(void);
void os_membarrier(void);

/*
 * A descriptor that is readable while it is set; set when it is opened. Setting and clearing
 * never wait. What os_event_dup() returns is the same event under another number, the caller's
 * own. open and dup return WEIR_EMFILE or WEIR_ENOMEM when there is none.
 */
int os_event_open(void);
int os_event_dup(int event);
void os_event_set(int event);
void os_event_clear(int event);
void os_event_close(int event);

/* Call this in each child of fork(2) from now on, by its only thread. False: no memory. */
bool os_at_fork(void (*child_begins)(void));

/* Such a function reads what threads wrote that are not in the child: ThreadSanitizer takes them
 * for there. */
#define OS_CHILD_BEGINS __attribute__((no_sanitize_thread))

/* A spin loop that has lasted: let another thread run. `turns` counts the loop's turns. */
void os_spin(unsigned turns);

#endif
