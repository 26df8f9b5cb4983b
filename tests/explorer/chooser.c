/* SPDX-License-Identifier: MIT */
/*
 * chooser.c - what happens next.
 *
 * RANDOM  uniform among the threads and, more or less reluctantly, the store buffers; how
 *         much a thread is kept running and a buffer kept full is drawn per execution.
 * PCT     (Burckhardt et al., ASPLOS 2010) threads and buffers have random priorities, the
 *         highest runs; at d - 1 random steps the running one falls to the bottom. Finds
 *         a bug of depth d with probability 1/(n k^(d-1)) at least. A thread that spins
 *         falls below all others, and the second half of the steps is random: fair.
 * DFS     all of them, with at most so many preemptions (CHESS).
 * REPLAY  as recorded.
 */
#include "engine.h"

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static unsigned below(uint64_t *state, unsigned n)
{
    return (unsigned)((next_random(state) >> 32) * n >> 32);
}

static void begin_pct(struct chooser *c)
{
    for (int i = 0; i < 32; i++) {
        unsigned k = below(&c->schedule_rng, (unsigned)i + 1);
        c->priority[i] = c->priority[k];
        c->priority[k] = 100 + i;
    }
    c->lowest = 0;
    c->changes = below(&c->schedule_rng, 4);
    unsigned long among = E->expected_steps > 1 ? E->expected_steps : 1;
    for (unsigned i = 0; i < c->changes; i++)
        c->change[i] = below(&c->schedule_rng, (unsigned)among);
}

void chooser_begin(struct chooser *c, enum chooser_kind kind, uint64_t seed)
{
    static const unsigned sticks[] = {1, 1, 2, 4, 16}, lazies[] = {1, 4, 32};
    c->kind = kind;
    c->schedule_rng = seed;
    c->value_rng = ~seed;
    next_random(&c->schedule_rng);
    next_random(&c->value_rng);
    c->depth = c->replayed = 0;
    c->preemptions = 0;
    if (kind != REPLAY)
        c->recorded = 0;
    c->stick = sticks[below(&c->schedule_rng, 5)];
    c->lazy = lazies[below(&c->schedule_rng, 3)];
    c->spurious = below(&c->schedule_rng, 4) == 0;
    c->early = below(&c->schedule_rng, 2) == 0;
    if (kind == PCT)
        begin_pct(c);
}

/* ---- random and PCT -------------------------------------------------------------------------- */

static unsigned any_of(uint64_t mask, uint64_t *rng)
{
    unsigned k = below(rng, (unsigned)__builtin_popcountll(mask));
    while (k-- > 0)
        mask &= mask - 1;
    return (unsigned)__builtin_ctzll(mask);
}

/* Spurious wake-ups and early time are rare. */
static uint64_t rare(struct chooser *c, uint64_t mask)
{
    mask &= ~(THREAD_BITS | BUFFER_BITS);
    return mask && below(&c->schedule_rng, 32) == 0 ? mask : 0;
}

static unsigned random_entity(struct chooser *c, uint64_t mask, bool keep, unsigned current)
{
    uint64_t now = rare(c, mask);
    if (now)
        return any_of(now, &c->schedule_rng);
    if (keep && below(&c->schedule_rng, c->stick) != 0)
        return current;
    now = mask & THREAD_BITS;
    if (now == 0 || below(&c->schedule_rng, c->lazy) == 0)
        now = mask & (THREAD_BITS | BUFFER_BITS);
    return any_of(now, &c->schedule_rng);
}

static unsigned pct_entity(struct chooser *c, uint64_t mask, unsigned current)
{
    for (unsigned i = 0; i < c->changes; i++) {
        if (c->change[i] <= E->steps) {
            if (current < BUFFERS)
                c->priority[current] = --c->lowest; /* also below those that spin */
            c->change[i] = c->change[--c->changes];
            i--;
        }
    }
    uint64_t now = rare(c, mask);
    if (now)
        return any_of(now, &c->schedule_rng);
    unsigned best = CLOCK;
    for (now = mask & (THREAD_BITS | BUFFER_BITS); now; now &= now - 1) {
        unsigned i = (unsigned)__builtin_ctzll(now);
        if (best == CLOCK || c->priority[i] > c->priority[best])
            best = i;
    }
    return best;
}

void chooser_relaxed(unsigned thread)
{
    E->chooser.priority[thread] = --E->chooser.lowest;
}

/* ---- DFS ------------------------------------------------------------------------------------- */

static unsigned dfs_choice(struct chooser *c, unsigned n)
{
    if (n == 1)
        return 0;
    if (c->depth == PATH_LONGEST)
        explore_fail(NULL, "explorer: too many choices for DFS");
    if (c->depth == c->length)
        c->path[c->length++] = (struct choice){0, (uint8_t)n};
    return c->path[c->depth++].chosen;
}

/* Make the path the next one to take; false: all are done. */
bool chooser_next_path(struct chooser *c)
{
    while (c->length > 0) {
        struct choice *last = &c->path[c->length - 1];
        if (++last->chosen < last->of)
            return true;
        c->length--;
    }
    return false;
}

/* The running thread comes first, so that the first path has no preemption. */
static unsigned dfs_entity(struct chooser *c, uint64_t mask, bool keep, unsigned current)
{
    unsigned bound = E->model->preemptions;
    if (keep && bound && c->preemptions >= bound)
        mask &= ~THREAD_BITS | BIT(current);
    unsigned k = dfs_choice(c, (unsigned)__builtin_popcountll(mask));
    if (keep) {
        if (k == 0)
            return current;
        mask &= ~BIT(current);
        k--;
    }
    while (k-- > 0)
        mask &= mask - 1;
    unsigned entity = (unsigned)__builtin_ctzll(mask);
    if (keep && entity < BUFFERS)
        c->preemptions++;
    return entity;
}

/* ---- for all --------------------------------------------------------------------------------- */

static unsigned replayed(struct chooser *c)
{
    if (c->replayed == c->recorded)
        explore_fail(NULL, "explorer: the recorded choices are used up");
    return c->record[c->replayed++];
}

static unsigned record(struct chooser *c, unsigned choice)
{
    if (c->kind != REPLAY && c->recorded < RECORDED)
        c->record[c->recorded++] = (uint8_t)choice;
    return choice;
}

unsigned choose_entity(uint64_t mask, unsigned current)
{
    struct chooser *c = &E->chooser;
    bool keep = current < BUFFERS && mask & BIT(current);
    if ((mask & (mask - 1)) == 0)
        return (unsigned)__builtin_ctzll(mask);
    switch (c->kind) {
    case REPLAY:
        return replayed(c);
    case DFS:
        return record(c, dfs_entity(c, mask, keep, current));
    case PCT:
        if (E->steps < E->max_steps / 2)
            return record(c, pct_entity(c, mask, current));
        c->stick = 1;
        break;
    case RANDOM:
        break;
    }
    return record(c, random_entity(c, mask, keep, current));
}

/* 0 .. n-1. At random: not 0 in one of `rarity` cases; rarity 0: all alike. */
static unsigned value(struct chooser *c, unsigned n, unsigned rarity)
{
    if (n < 2)
        return 0;
    if (c->kind == REPLAY)
        return replayed(c);
    if (c->kind == DFS)
        return record(c, dfs_choice(c, n));
    if (rarity == 0)
        return record(c, below(&c->value_rng, n));
    return record(c, below(&c->value_rng, rarity) == 0 ? 1 + below(&c->value_rng, n - 1) : 0);
}

unsigned choose_value(unsigned n, unsigned rarity)
{
    unsigned v = value(&E->chooser, n, rarity);
    trace_hash(v);
    return v;
}
