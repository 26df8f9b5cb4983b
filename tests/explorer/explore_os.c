/* SPDX-License-Identifier: MIT */
/* explore_os.c - channels/os.h and actors/os_thread.h on the simulated machine. */
#define _GNU_SOURCE
#include "engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- memory ---------------------------------------------------------------------------------- */

static bool alloc_fails(void)
{
    E->running->counts.allocs++;
    if ((E->fail_alloc && --E->fail_alloc == 0) || (E->alloc_fails && choose_value(2, 8) == 1)) {
        E->alloc_failed = true;
        return true;
    }
    return false;
}

static void *allocate(size_t bytes, size_t align)
{
    if (alloc_fails())
        return NULL;
    if (E->allocator.allocate)
        return E->allocator.allocate(bytes, E->allocator.context);
    return region_alloc(bytes, align);
}

void *os_alloc(size_t bytes)
{
    void *memory = allocate(bytes, 0);
    if (memory)
        memset(memory, 0xa5, bytes);
    return memory;
}

void os_free(void *memory, size_t bytes)
{
    if (memory && E->allocator.release)
        E->allocator.release(memory, bytes, E->allocator.context);
    else if (memory)
        region_free(memory, bytes);
}

void *os_alloc_aligned(size_t bytes, size_t align)
{
    void *memory = alloc_fails() ? NULL : region_alloc(bytes, align);
    return memory ? memset(memory, 0, bytes) : NULL;
}

void os_free_aligned(void *memory, size_t bytes, size_t align)
{
    (void)align;
    region_free(memory, bytes);
}

bool os_may_map(void)
{
    return !alloc_fails();
}

void *os_reserve(size_t bytes)
{
    return os_may_map() ? region_reserve(bytes) : NULL;
}

void os_unreserve(void *memory, size_t bytes)
{
    explore_dead(memory, bytes);
}

/* Nobody else may look at it meanwhile: before and after are points. */
void os_give_back(void *memory, size_t bytes)
{
    explore_yield();
    madvise(memory, bytes, MADV_DONTNEED);
    explore_yield();
}

void weir_set_allocator(const weir_allocator *allocator)
{
    E->allocator = allocator ? *allocator : (weir_allocator){NULL, NULL, NULL};
}

/* ---- time ------------------------------------------------------------------------------------ */

weir_time weir_now(void)
{
    point(EXPLORE_NOW, NULL, NULL);
    if (E->tracing)
        trace(" ->", (uint64_t)E->now);
    return E->now;
}

/* The machine's time is simulated anyway. */
void os_clock_set(weir_time now)
{
    (void)now;
}

weir_time os_real_now(void)
{
    return weir_now();
}

/* A time that may matter: the clock can jump there. */
static void note_point(weir_time at)
{
    unsigned oldest = 0;
    for (unsigned i = 0; i < E->n_points; i++) {
        if (E->points[i] == at)
            return;
        if (E->points[i] < E->points[oldest])
            oldest = i;
    }
    if (E->n_points < sizeof E->points / sizeof *E->points)
        oldest = E->n_points++;
    E->points[oldest] = at;
}

weir_time weir_after(weir_time duration)
{
    weir_time now = weir_now();
    weir_time at = duration > WEIR_NEVER - now ? WEIR_NEVER : now + duration;
    if (at > now && at != WEIR_NEVER)
        note_point(at);
    return at;
}

/* ---- waiting --------------------------------------------------------------------------------- */

void os_futex_wait(a32 *word, uint32_t value, weir_time deadline)
{
    struct vthread *me = E->running;
    point(EXPLORE_FUTEX_WAIT, word, NULL);
    buffer_drain(me);
    me->counts.futex_waits++;
    if (E->tracing)
        trace(word->v == value ? " sleeps, it is" : " returns, it is", word->v);
    if (word->v == value && deadline > E->now)
        sleep_now(word, deadline);
}

/* The sleeper on `word` that came first, or, sometimes, another one. */
static struct vthread *sleeper(const a32 *word)
{
    struct vthread *found[EXPLORE_THREADS];
    unsigned n = 0;
    for (unsigned i = 0; i < E->n; i++) {
        struct vthread *t = &E->threads[i];
        if (!(E->asleep & BIT(i)) || t->word != word)
            continue;
        unsigned k = n++;
        for (; k > 0 && found[k - 1]->slept_at > t->slept_at; k--)
            found[k] = found[k - 1];
        found[k] = t;
    }
    return n ? found[choose_value(n, 4)] : NULL;
}

/* Does not look at *word, which may be gone. */
void os_futex_wake(a32 *word, int n)
{
    point(EXPLORE_FUTEX_WAKE, word, NULL);
    buffer_drain(E->running);
    E->running->counts.futex_wakes++;
    int woken = 0;
    for (struct vthread *t; woken < n && (t = sleeper(word)); woken++)
        wake_thread(t);
    if (woken)
        memory_changed();
    if (E->tracing)
        trace(" woke", (uint64_t)woken);
}

bool os_membarrier_works(void)
{
    return true;
}

void os_membarrier(void)
{
    point(EXPLORE_MEMBARRIER, NULL, NULL);
    E->running->counts.membarriers++;
    for (unsigned i = 0; i < E->n; i++)
        buffer_drain(&E->threads[i]);
    if (E->tracing)
        trace("", 0);
}

bool os_at_fork(void (*child_begins)(void))
{
    (void)child_begins; /* nobody forks a simulated machine */
    return true;
}

void os_spin(unsigned turns)
{
    (void)turns;
    explore_relax(NULL);
}

/* ---- events: words on which a model sleeps ------------------------------------------------- */

static a32 *event_word(int event)
{
    if (event < 0 || (unsigned)event >= E->n_events || !E->event_open[event])
        explore_fail(EXPLORE_HERE, "no such event: %d", event);
    return &E->events[event];
}

int os_event_open(void)
{
    if (alloc_fails())
        return WEIR_ENOMEM;
    unsigned i = E->n_events++;
    if (i >= EXPLORE_THREADS)
        explore_fail(EXPLORE_HERE, "too many events");
    E->events[i].v = 1;
    E->event_open[i] = true;
    return (int)i;
}

int os_event_dup(int event)
{
    event_word(event);
    return event;
}

void os_event_set(int event)
{
    a32 *word = event_word(event);
    a32_xchg(word, 1);
    os_futex_wake(word, EXPLORE_THREADS);
}

void os_event_clear(int event)
{
    a32_xchg(event_word(event), 0);
}

/* What was duplicated goes on. */
void os_event_close(int event)
{
    event_word(event);
    E->event_open[event] = false;
}

void explore_await_event(int event)
{
    while (!a32_load_acquire(&E->events[event]))
        os_futex_wait(&E->events[event], 0, WEIR_NEVER);
}

/* ---- threads --------------------------------------------------------------------------------- */

/* A model that starts threads has as many of its own that run explore_hired(). */
int os_thread_start(os_thread *t, void (*run)(void *arg), void *arg)
{
    if (alloc_fails())
        return WEIR_ENOMEM;
    t->run = run;
    t->arg = arg;
    uint32_t job = a32_load(&E->jobs_posted);
    E->jobs[job] = t;
    E->jobs_done[job].v = 0;
    t->id = &E->jobs_done[job];
    a32_xchg(&E->jobs_posted, job + 1);
    os_futex_wake(&E->jobs_posted, EXPLORE_THREADS);
    return 0;
}

void os_thread_join(os_thread *t)
{
    a32 *done = t->id;
    while (!a32_load_acquire(done))
        os_futex_wait(done, 0, WEIR_NEVER);
}

void os_thread_leave(void)
{
}

void explore_hired(void *number)
{
    uint32_t mine = (uint32_t)(uintptr_t)number;
    for (uint32_t posted; (posted = a32_load_acquire(&E->jobs_posted)) <= mine;)
        os_futex_wait(&E->jobs_posted, posted, WEIR_NEVER);
    if (!E->jobs[mine])
        return;
    E->jobs[mine]->run(E->jobs[mine]->arg);
    a32_xchg(&E->jobs_done[mine], 1);
    os_futex_wake(&E->jobs_done[mine], 1);
}

void explore_no_more_hired(void)
{
    a32_add(&E->jobs_posted, EXPLORE_THREADS);
    os_futex_wake(&E->jobs_posted, EXPLORE_THREADS);
}

uint32_t os_processors(void)
{
    return 1;
}

uint32_t os_threads(void)
{
    return E->n;
}
