/* SPDX-License-Identifier: MIT */
/*
 * engine.h - the explorer, seen from inside.
 *
 *   engine.c      virtual threads, choice points, the course of one execution
 *   memory.c      atomic operations, store buffers
 *   chooser.c     who is next: random, PCT, DFS, replay
 *   explore_os.c  channels/os.h: futexes, time, allocation
 *   region.c      the memory of an execution, and putting everything back afterwards
 *   context.c     switching stacks
 *   run.c         many executions of a model, reports, replay
 *
 * Everything runs on one OS thread. All state of the explorer is in one mapping, because
 * the static variables of the program are put back before each execution.
 */
#ifndef WEIR_ENGINE_H
#define WEIR_ENGINE_H

#include <setjmp.h>

#include "../../actors/os_thread.h"
#include "../../channels/os.h"
#include "explore.h"

enum { STORES = 32, SPURIOUS_MAX = 3, CONDUCTOR = EXPLORE_THREADS, MESSAGE = 256 };
enum { PATH_LONGEST = 1 << 16, RECORDED = 1 << 20 };

/* Who can be chosen for the next step: an entity. 16 of each, one bit each in a mask. */
enum { BUFFERS = 16, SPURIOUS = 32, CLOCK = 48 };
#define BIT(entity) (UINT64_C(1) << (entity))
#define THREAD_BITS UINT64_C(0xffff)
#define BUFFER_BITS (UINT64_C(0xffff) << BUFFERS)
#define SPURIOUS_BITS (UINT64_C(0xffff) << SPURIOUS)

struct context {
    void *sp;
    void *stack; /* what was mapped for it; NULL: the OS thread's own */
#if defined(WEIR_ASAN)
    void *fake;
    const void *bottom;
    size_t size;
#endif
};

/* A store that the other threads do not see yet. */
struct store {
    void *to;
    uint64_t value;
    uint64_t under; /* while its thread runs: what the others see */
    unsigned size;
};

struct vthread {
    struct context context;
    const explore_thread *what;
    unsigned index;
    bool done;
    struct store buffer[STORES + 8];
    unsigned stores;
    const a32 *word; /* asleep on it */
    weir_time deadline;
    unsigned long slept_at; /* for first come first served */
    void *current;
    explore_counts counts;
    enum explore_op op; /* the last or pending one */
    const void *address;
    struct explore_where where;
};

enum phase { SETUP, STARTING, RUNNING, CHECKING };

enum chooser_kind { RANDOM, PCT, DFS, REPLAY };

struct choice {
    uint8_t chosen, of;
};

struct chooser {
    enum chooser_kind kind;
    uint64_t schedule_rng, value_rng;
    unsigned stick, lazy; /* RANDOM: keep the thread, keep the buffers, 1 in so many not */
    bool spurious, early; /* in this execution */
    int priority[32], lowest;
    unsigned long change[4];
    unsigned changes;
    unsigned preemptions;
    struct choice path[PATH_LONGEST]; /* DFS: the choices of this execution */
    size_t depth, length;
    uint8_t record[RECORDED]; /* all choices; REPLAY: what to choose */
    size_t recorded, replayed;
};

struct engine {
    const explore_model *model;
    uint64_t seed;
    struct chooser chooser;
    struct vthread threads[EXPLORE_THREADS + 1];
    unsigned n;
    struct vthread *running;
    struct context outside; /* of the OS thread */
    struct context *switched_from;
    enum phase phase;
    bool tracing;
    uint64_t ready, relaxed, asleep, dirty; /* by thread; disjoint but for dirty */
    unsigned long steps, max_steps, expected_steps;
    uint64_t trace, stamp;
    weir_time now;
    weir_time points[8]; /* times that somebody computed a deadline from */
    unsigned n_points;
    unsigned spurious; /* wake-ups so far: at most SPURIOUS_MAX, so that DFS comes to an end */
    unsigned long fail_alloc;
    bool alloc_failed, alloc_fails;
    weir_allocator allocator;
    os_thread *jobs[EXPLORE_THREADS]; /* that a model's hired threads take */
    a32 jobs_posted, jobs_done[EXPLORE_THREADS];
    a32 events[EXPLORE_THREADS]; /* of channels/os.h, by their numbers */
    bool event_open[EXPLORE_THREADS];
    unsigned n_events;
    bool failed;
    char message[MESSAGE];
    sigjmp_buf escape; /* from a crash */
};

extern struct engine *E;

/* engine.c */
void engine_init(void);
void engine_execute(const explore_model *model); /* E->chooser says how */
void point(enum explore_op op, const void *address, const struct explore_where *at);
void sleep_now(const a32 *word, weir_time deadline);
void wake_thread(struct vthread *t);
void schedule(void);
void pass_time(weir_time to);
void memory_changed(void);
void trace_hash(uint64_t v);
void trace(const char *result, uint64_t value);
const char *op_name(enum explore_op op);
static inline bool alone(void)
{
    return E->phase == SETUP || E->phase == CHECKING;
}

/* memory.c */
void buffer_hide(struct vthread *t);
void buffer_show(struct vthread *t);
void buffer_drain(struct vthread *t);
void buffer_drain_one(struct vthread *t);
void buffer_forget(const char *memory, size_t bytes);

/* chooser.c */
void chooser_begin(struct chooser *c, enum chooser_kind kind, uint64_t seed);
unsigned choose_entity(uint64_t mask, unsigned current);
unsigned choose_value(unsigned n, unsigned rarity);
void chooser_relaxed(unsigned thread);
bool chooser_next_path(struct chooser *c);

/* region.c */
void region_init(void);
void region_reset(void);
void region_snapshot(void);
void region_restore(void);
void *region_alloc(size_t bytes, size_t align);
void region_free(void *memory, size_t bytes);
void *region_reserve(size_t bytes);
bool region_is_dead(const void *memory);

/* context.c */
void context_make(struct context *c, void (*entry)(void));
void context_entered(void);
void context_switch(struct context *from, struct context *to);

#endif
