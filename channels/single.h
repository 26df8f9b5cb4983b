/* SPDX-License-Identifier: MIT */
/*
 * single.h - declared single ends, which claim places by plain stores.
 *
 * Two things that a locked instruction would order are ordered by asymmetric fences: the
 * user executes only a_light_fence(), the rare other side os_membarrier(), after which it
 * sees all that the user did before, and the user will see all that was done before it.
 *
 * 1. Claim and wait flag. Who waits for a single user on another thread announces its
 *    flag, executes os_membarrier() and looks again: a claim that it does not see then
 *    comes later, and its owner sees the flag. See peer_unfenced().
 *
 * 2. Claim and close. A claim after the end was told would be lost, and a plain store
 *    cannot fail on a mark. So the user says when it is inside, and looks at the lock word
 *    once inside and once after. The closer sets CLOSES there, executes os_membarrier() and
 *    looks: a user that is not inside will find CLOSES or GONE when it enters; one that is
 *    inside finds CLOSES when it leaves, and finishes the closing. What must be seen before
 *    the end is told has then been published. A single end has one handle only, so that its
 *    closing is the end's. See single_enter().
 */
#ifndef WEIR_SINGLE_H
#define WEIR_SINGLE_H

#include "chan.h"

#define INSIDE ((uint32_t)1 << 31) /* in a user's word: it is claiming */

/* The first to use a declared single end becomes its user. */
static inline bool use_single(a32 *user, const struct party *self)
{
    uint32_t id = a32_load(user) & ~INSIDE;
    return likely(id == self->id) || (id == 0 && a32_cas(user, &id, self->id));
}

/* Before a claim outside of the lock: the lock word. No claim when it says SHUT. */
static always_inline uint32_t single_enter(a32 *user, uint32_t id, const a32 *lock)
{
    a32_store(user, id | INSIDE);
    a_light_fence(); /* pairs with os_membarrier() in single_is_inside() */
    return a32_load_acquire(lock);
}

/* After it, or instead: the lock word. When it says CLOSES, call weir__finish_close(). */
static always_inline uint32_t single_leave(a32 *user, uint32_t id, const a32 *lock)
{
    a32_store_release(user, id);
    a_light_fence(); /* as above, and with the one in peer_unfenced()'s caller */
    return a32_load(lock);
}

/* The lock word said CLOSES: if it still does, tell the other end now. */
void weir__finish_close(struct party *self, struct chan *ch, enum handle_kind kind);

/* Asked by the closer under the lock, when its word says CLOSES. */
static inline bool single_is_inside(const a32 *user)
{
    if (!MUTATE("single: close without membarrier"))
        os_membarrier();
    return a32_load(user) & INSIDE;
}

/*
 * Is the user of this declared single end possibly on another operating-system thread than
 * ours? To be asked after the flag was announced: a user that comes later announces itself
 * by a locked instruction and so sees the flag. And before the look at the places: of two
 * actors while one thread alone runs actors, the other one's stores were visible before its
 * thread went to sleep, and when it wakes up it sees the flag.
 */
static inline bool peer_unfenced(const struct party *self, const struct chan *ch,
                                 enum chan_flag single, const a32 *user)
{
    if (!(ch->flags & single))
        return false;
    uint32_t id = a32_load(user) & ~INSIDE;
    bool actors = id & self->id & 1;
    return id != 0 && id != self->id && (!actors || a32_load(&weir__running) > 1);
}

#endif
