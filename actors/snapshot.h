/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - all actors as they are, seen by anybody while they run on.
 *
 * Each actor is seen consistently, all of them not at one moment: who reads on has to say
 * what that means. trace.h says how one is looked at.
 */
#ifndef WEIR_SNAPSHOT_H
#define WEIR_SNAPSHOT_H

#include "actor.h"

#define NO_ONE UINT32_MAX /* as an index */

struct seen {
    const struct actor *actor;
    uint64_t moved, woken;
    const void *target; /* what it waits for */
    const char *noun;   /* of a primitive: its kind */
    const struct group *group;
    const struct actor *head;    /* the group's owner; NULL: the run's own group */
    uint64_t capacity, buffered; /* of a channel; WEIR_UNBOUNDED, as statistics say it */
    weir_time period, due;       /* of a ticker */
    size_t stack, touched;       /* bytes in use, and ever used; 0: no stack yet */
    uint32_t id, parent, since;
    uint8_t kind; /* enum what */
    bool timed;   /* the wait has a deadline, or a scope around it */
    bool scoped;  /* the latter, which then concerns the children as well */
    bool runs, parked;
    bool supervises;
    bool fed;    /* receives what is not sent: see channels/kept.h */
    bool inside; /* and only actors of the run, or time, can change that: fed_inside() */
    char name[NAME_BYTES];
    uint32_t next_id, next_target; /* in the chains of the tables below */

    /* For dump.c */
    uint32_t branch, next_supervisor;

    /* For deadlock.c */
    uint32_t first_end, next_work;
    uint32_t pending; /* who waits for a group: its children that are stuck */
    bool alive, reaches, owns_side;
};

struct seen_end {
    const void *chan;
    uint32_t owner;                 /* who owns it; NO_ONE: a thread, or somebody new */
    uint32_t next_owned, next_chan; /* in chains */
    bool sends;
};

struct table {
    uint32_t *head;
    uint32_t mask;
};

struct snapshot {
    struct seen *actors; /* by address */
    struct seen_end *ends;
    uint32_t count, room;
    uint32_t end_count, end_room;
    struct table ids, targets, chans;
};

enum { SEE_ENDS = 1, SEE_STACKS = 2 };

/*
 * See all actors and, if asked, all open ends, and how deep stacks are. 0 or WEIR_ENOMEM.
 * Any thread or actor; waits for nobody but for the locks of channels and groups.
 */
int weir__snapshot_take(struct snapshot *s, unsigned wanted);
void weir__snapshot_free(struct snapshot *s);

/* What one actor does. False: the record is free. Inside an operation. */
bool weir__see(const struct actor *a, struct seen *out);

/* The index of an actor by its id, or by its record; NO_ONE. */
uint32_t weir__seen_by_id(const struct snapshot *s, uint32_t id);
uint32_t weir__seen_at(const struct snapshot *s, const void *actor);

/* The first that waits for `target`; then follow next_target, which has others as well. */
uint32_t weir__seen_waiting(const struct snapshot *s, const void *target);
uint32_t weir__seen_ends(const struct snapshot *s, const void *chan);

/* One line's part: "recv on channel 0x... (capacity 4, 0 buffered)". */
void weir__seen_wait(const struct seen *a, char *text, size_t size);

/* Has it not moved since? Inside an operation. */
bool weir__seen_still(const struct seen *a);

/* The size of all stacks of the run, for what is seen of them; at its beginning. */
void weir__snapshot_stacks(size_t size);

#endif
