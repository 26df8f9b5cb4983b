/* SPDX-License-Identifier: MIT */
/*
 * share.c - weir_portal_share(): one run for all threads that want a portal, from the first that
 * asks to the last that is done.
 *
 *   ALONE    there is no such run
 *   BEGINS   one thread is in weir_start()
 *   SHARED   so many `users` have the portal
 *   ENDS     the last of them stops the portal, waits until the run is over, and reaps it
 *
 *   ALONE -> BEGINS -> SHARED or ALONE   the thread that found ALONE
 *   SHARED -> ENDS -> ALONE              the thread that was the last user
 *
 * Each decided under the lock; who finds BEGINS or ENDS waits for the next state. The run tells by
 * a word of its own, `served`, that its portal is there, and that it is over: the latter by its
 * thread and not by its actor, which perhaps never had a stack to run on.
 */
#include <limits.h>

#include <weir/portal.h>

#include "lock.h"
#include "run.h"

enum { ALONE, BEGINS, SHARED, ENDS };
enum { NOT_YET, SERVES, OVER };

static struct {
    a32 lock; /* a leaf */
    a32 state;
    uint32_t users;
    weir_portal portal; /* written before SERVES */
    a32 served;
} shared;

static void set(a32 *word, uint32_t value)
{
    a32_xchg(word, value); /* pairs with state_after() */
    os_futex_wake(word, INT_MAX);
}

static void set_state(uint32_t state, uint32_t users)
{
    lock_acquire(&shared.lock, 0);
    shared.users = users;
    set(&shared.state, state);
    lock_release(&shared.lock, 0);
}

/* ---- the run ------------------------------------------------------------------------------- */

static int serve(void *unused)
{
    (void)unused;
    shared.portal = weir_portal_open();
    int rc = weir_check(shared.portal);
    if (rc < 0)
        return rc;
    set(&shared.served, SERVES);
    (void)weir_portal_wait(shared.portal);
    return weir_portal_end(shared.portal);
}

static void is_over(void)
{
    set(&shared.served, OVER);
}

/* 0, and the portal is there; or an error, and there is no run. */
static int begin(const weir_options *options)
{
    a32_store(&shared.served, NOT_YET);
    int rc = weir__start(serve, NULL, options, is_over);
    if (rc < 0 || state_after(&shared.served, NOT_YET) == SERVES)
        return rc;
    rc = weir_stop(NULL); /* it has had no memory, and says so */
    return rc < 0 ? rc : WEIR_ECLOSED;
}

/* ---- its users ----------------------------------------------------------------------------- */

/* Nobody in the run: its end would wait for him. */
static bool is_inside(const struct party *self)
{
    return self->thread->worker || self->thread->job;
}

/* As seen at one moment; BEGINS: by the caller. */
static uint32_t join(weir_portal *portal)
{
    lock_acquire(&shared.lock, 0);
    uint32_t state = a32_load(&shared.state);
    if (state == SHARED) {
        shared.users++;
        *portal = shared.portal;
    } else if (state == ALONE) {
        a32_store(&shared.state, BEGINS);
    }
    lock_release(&shared.lock, 0);
    return state;
}

weir_portal weir_portal_share(const weir_options *options)
{
    weir_portal portal;
    uint32_t state;
    struct party *self = party_enter();
    if (!self)
        return (weir_portal){handle_null(party_refusal())};
    int rc = self->thread->dropping ? WEIR_EPERM : is_inside(self) ? WEIR_EBUSY : 0;
    party_leave(self);
    if (rc < 0)
        return (weir_portal){handle_null(rc)};
    while ((state = join(&portal)) != SHARED && state != ALONE)
        state_after(&shared.state, state);
    if (state == SHARED)
        return portal;
    rc = begin(options);
    portal = shared.portal;
    set_state(rc < 0 ? ALONE : SHARED, rc < 0 ? 0 : 1);
    if (rc < 0)
        portal = (weir_portal){handle_null(rc)};
    return portal;
}

/* One user less. 1: it was the last; or an error. */
static int part(weir_portal portal)
{
    lock_acquire(&shared.lock, 0);
    bool mine = a32_load(&shared.state) == SHARED && shared.portal.h == portal.h;
    int rc = mine ? 0 : WEIR_EBADF;
    if (mine && (--shared.users == 0 || MUTATE("share: ended by who is not the last"))) {
        a32_store(&shared.state, ENDS);
        rc = 1;
    }
    lock_release(&shared.lock, 0);
    return rc;
}

int weir_portal_unshare(weir_portal portal)
{
    int rc = weir_check(portal);
    struct party *self = party_enter(); /* later there is no way back for want of memory */
    if (!self)
        return party_refusal();
    bool drops = self->thread->dropping, inside = is_inside(self);
    party_leave(self);
    if (drops || inside)
        return drops ? WEIR_EPERM : WEIR_EDEADLK;
    int last = part(portal);
    if (last <= 0)
        return last < 0 && rc < 0 ? rc : last;
    (void)weir_portal_stop(portal, false);
    if (!MUTATE("share: its end not awaited"))
        state_after(&shared.served, SERVES);
    rc = weir_stop(NULL);
    set_state(ALONE, 0);
    return rc == WEIR_EPERM ? 0 : rc; /* EPERM: somebody else has stopped the run */
}
