/* SPDX-License-Identifier: MIT */
/*
 * group.h - who waits for whom: a group knows its children and how they failed.
 *
 * A child is in a brood of it from its spawn to its end: in `children`, or in `untold` while the
 * group is stopping and the child does not know yet. The records of children that failed
 * are kept, the first KEPT of them, until the group is ended: so the errors can be walked
 * and nothing is allocated when one fails.
 */
#ifndef WEIR_GROUP_H
#define WEIR_GROUP_H

#include "scope.h"

enum { KEPT = 1024 };

/* Children whose births and deaths share a lock; see children.c. */
struct brood {
    a32 lock;      /* the next four are under it */
    uint32_t live; /* children that have not ended */
    bool stopping; /* since the brood knows; kept while somebody lives in it */
    struct actor *children, *untold;
    struct group *group; /* constant */
} __attribute__((aligned(CACHE_LINE)));

/* More of them, one for each worker. */
struct broods {
    uint32_t count;
    struct brood of[];
};

struct group {
    struct scope scope;   /* the owner's; no owner: the run's own */
    struct brood first;   /* its lock is the group's */
    aptr more;            /* struct broods; NULL: has not been divided */
    uint32_t lively;      /* broods in which somebody lives; under the lock, as what follows */
    int failure;          /* of the first child that failed; 0: none */
    uint32_t failures;    /* how many */
    struct actor *waiter; /* in weir_group_end() */
    struct actor *failed, *failed_last; /* ended; linked by `next`, in the order of failing */
    bool held;                          /* what cancels the owner stops it, not the children */
    bool stopping;                      /* written under the owner's scopes_lock as well, if any */
    struct cause stop;
    struct group *next_stop; /* of whoever made it stop */
};

/* Count a child in, before it is queued. `h` 0 is the run's own group. 0 or an error. */
int weir__group_add(weir_handle h, struct actor *child);

/*
 * The child has ended with `result`; a failure cancels the group unless it is the business
 * of another (`quiet`). True: the record is kept for the group.
 */
bool weir__group_done(struct actor *child, int result, bool quiet);

/* May the caller end it now? 0, or what weir_group_end() would return. */
int weir__group_may_end(weir_group group);

/* As weir_group_end(), for the actor that owns it. */
int weir__group_end(struct actor *me, struct group *g);

/* By its owner, before it has children: only weir_group_cancel() cancels these. */
void weir__group_hold(weir_group group);

/* Under their brood's lock. */
static inline void weir__sibling_add(struct actor **list, struct actor *a)
{
    a->sibling = *list;
    a->sibling_at = list;
    if (*list)
        (*list)->sibling_at = &a->sibling;
    *list = a;
}

static inline void weir__sibling_remove(struct actor *a)
{
    *a->sibling_at = a->sibling;
    if (a->sibling)
        a->sibling->sibling_at = a->sibling_at;
}

#endif
