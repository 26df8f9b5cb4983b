/* SPDX-License-Identifier: MIT */
/*
 * hog.h - an actor that keeps its worker for long.
 *
 * A worker that sleeps while others are awake watches them (worker.c), and reports an actor
 * that has run for more than HOG_AFTER without a switch, while it does. It reads the other's
 * `current` inside an operation, so the record stays that actor's as long as it looks.
 *
 * With one worker, or when none sleeps, nobody watches. Then a worker notices by itself, when
 * its loop is due again, that this took long: after the fact, and for nothing, as the loop
 * reads the clock anyway. It knows who it was if only one actor ran meanwhile. If several
 * did, it says how many, and for a while the loop comes between any two of them, so that the
 * next one is known.
 */
#ifndef WEIR_HOG_H
#define WEIR_HOG_H

#include "actor.h"

enum { HOG_AFTER = 100 /* ms */ };

struct worker;

/* What whoever watches a worker remembers of it. All zero at the start. */
struct hog {
    uint64_t moved;  /* the actor's switches */
    weir_time since; /* when it was first seen so; 0: never looked */
    uint32_t id;     /* 0: nobody ran */
    a32 told;        /* the id of who was reported last */
};

/* What a worker remembers of itself. */
struct hog_self {
    uint32_t id;     /* whom the loop let run last; 0: nobody knows */
    uint32_t closer; /* passes for which it looks closer */
    uint32_t told;
    bool told_many;
    char name[NAME_BYTES];
};

/*
 * To be called now and then by one watching thread, outside of operations. `current` is what
 * the worker runs, NULL while it is in its loop or asleep. An actor that has run for more than
 * HOG_AFTER without a switch is reported, once. True: it was reported now.
 */
bool weir__hog_check(struct hog *h, const aptr *current, weir_time now);

/* The loop lets this one run. */
void weir__hog_note(struct hog_self *h, const struct actor *next);

/*
 * The loop is due again after `picks` actors had their turn in `took`. `told`: who was reported
 * by others. While `closer` is not 0 the loop is to come between any two actors.
 */
void weir__hog_self(struct hog_self *h, uint64_t picks, weir_time took, uint32_t told);

#endif
