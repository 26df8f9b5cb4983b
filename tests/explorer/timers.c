/* SPDX-License-Identifier: MIT */
/* timers.c - a timer is removed while its worker fires it: docs/protocol.md, "Deadlines". */
#include <string.h>

#include "explore.h"
#include "timer.h"

enum { TIMERS = 3 };

/* Each belongs to one owner, who has migrated; the heap is the worker's. */
static struct timers heap;
static struct timer timer[TIMERS];
static bool gone[TIMERS];
static unsigned fired[TIMERS], times; /* each wants to fire so often */

static weir_time fires(struct timer *t)
{
    size_t i = (size_t)(t - timer);
    EXPLORE_ASSERT(!gone[i]);
    fired[i]++;
    explore_yield();
    EXPLORE_ASSERT(!gone[i]);
    return fired[i] < times ? t->deadline + 1 : WEIR_NEVER;
}

static void all_added(unsigned n)
{
    times = n;
    memset(&heap, 0, sizeof heap);
    memset(timer, 0, sizeof timer);
    for (unsigned i = 0; i < TIMERS; i++) {
        gone[i] = false;
        fired[i] = 0;
        timer[i].fire = fires;
        weir__timer_add(&heap, &timer[i], 1 + i);
    }
}

static void to_fire_once(void)
{
    all_added(1);
}

static void to_fire_twice(void)
{
    all_added(2);
}

static void worker_fires(void *until)
{
    for (weir_time now = 0; now <= (weir_time)(uintptr_t)until; now++)
        weir__timers_fire(&heap, now);
}

/* Afterwards the memory is somebody else's. */
static void owner_removes(void *which)
{
    size_t i = (size_t)(uintptr_t)which;
    weir__timer_remove(&timer[i]);
    gone[i] = true;
    EXPLORE_EQ(a32_load(&timer[i].state), TIMER_IDLE);
}

static void none_is_left(void)
{
    for (unsigned i = 0; i < TIMERS; i++)
        EXPLORE_ASSERT(fired[i] <= times && (gone[i] || fired[i] == times));
    EXPLORE_ASSERT(!heap.root && timers_next(&heap) == WEIR_NEVER);
}

#define TIMERS_MODEL(ident, text, added, ...)                                                      \
    EXPLORE_MODEL(ident, text, .setup = added, .check = none_is_left, __VA_ARGS__,                 \
                  .threads = {{"worker", worker_fires, (void *)(TIMERS + 1)},                      \
                              {"owner 0", owner_removes, (void *)0},                               \
                              {"owner 1", owner_removes, (void *)1}})

TIMERS_MODEL(timers_removed, "F047 two timers are removed while the worker fires three",
             to_fire_once, .flags = 0);
TIMERS_MODEL(timers_again, "F047 two timers are removed while the worker fires three twice",
             to_fire_twice, .flags = 0);
TIMERS_MODEL(timers_not_waited_for, "a timer is left while it fires", to_fire_once,
             .mutation = "timer: not waited for");
TIMERS_MODEL(timers_again_not_waited_for, "a timer is left that fires again", to_fire_twice,
             .mutation = "timer: not waited for");
