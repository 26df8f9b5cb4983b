/* SPDX-License-Identifier: MIT */
/*
 * rate.c - so often: a turn each `interval`, and some in advance after a pause.
 *
 * `next` is when the next turn would be due if all were taken evenly; it may be taken `slack`
 * before. At most one party waits for the time, the *pacer*; the others are in the line behind
 * it. When its time has come it takes its turn and hands on what there is: turns that are due as
 * well, or else the pacing. When it gives up it hands on the pacing and takes nothing. So nobody's
 * leaving costs the others time, and only one timer runs.
 *
 * A limiter may be used by a simulated run and by others, each with its clock. A `next` that is
 * farther ahead than one turn after a whole burst is a point of another clock: then it counts as
 * just used up.
 */
#include "sync.h"

struct rate {
    struct sync sync;
    struct waitable pause; /* the pacer; its lock is taken under the other one */
    uint32_t pacer;        /* a party's id; 0: nobody paces, and nobody is in the line */
    uint32_t burst;
    weir_time interval, slack, next;
};

enum { ONLY_TRIES = 0, MAY_PACE = 1 }; /* in a waiter's count */
enum { TAKEN = 0, PACE = 1 };          /* what is handed over */

static struct rate *rate_of(const struct sync *s)
{
    return container_of(s, struct rate, sync);
}

/* The first moment at which a turn may be taken. */
static weir_time due(const struct rate *r)
{
    return r->next - r->slack;
}

/* How far `next` is ahead of now. */
static weir_time ahead(const struct rate *r, weir_time now)
{
    return r->next > now ? r->next - now : 0;
}

static void rate_statistics(const struct sync *s, weir_sync_statistics *out)
{
    const struct rate *r = rate_of(s);
    weir_time spare = r->slack - ahead(r, weir_now());
    out->limit = r->burst;
    out->value = spare >= 0 && !r->pacer ? (uint64_t)(spare / r->interval) + 1 : 0;
    out->holders = r->pacer != 0;
    out->owner = sync_owner_number(r->pacer);
}

static void rate_closed(struct sync *s, struct wake_list *woken)
{
    struct rate *r = rate_of(s);
    lock_acquire(&r->pause.lock, 0);
    if (r->pause.waiters.first && !MUTATE("rate: the pacer is not told"))
        weir__waitable_hand(&r->pause, r->pause.waiters.first, WEIR_ECLOSED, woken);
    lock_release(&r->pause.lock, 0);
}

static const struct sync_type rate_type = {.object = {weir__sync_close, weir__sync_move},
                                           .noun = "rate",
                                           .size = sizeof(struct rate),
                                           .closed = rate_closed,
                                           .statistics = rate_statistics};

weir_rate weir_rate_open(uint32_t count, weir_time period, uint32_t burst)
{
    weir_time interval, all;
    if (count == 0 || period <= 0 || burst == 0)
        return (weir_rate){handle_null(WEIR_EINVAL)};
    interval = period / count + (period % count != 0); /* never more often than was said */
    if (__builtin_mul_overflow(interval, burst, &all) || all > INT64_MAX / 2)
        return (weir_rate){handle_null(WEIR_EINVAL)};
    struct sync *s = weir__sync_new(&rate_type);
    if (s) {
        rate_of(s)->interval = interval;
        rate_of(s)->slack = all - interval;
        rate_of(s)->burst = burst;
    }
    return (weir_rate){weir__sync_publish(s)};
}

/* ---- under the lock ---------------------------------------------------------------------- */

static bool take(struct rate *r)
{
    weir_time now = weir_now(), most = r->slack + r->interval;
    if (ahead(r, now) > most)
        r->next = now + most;
    if (due(r) > now)
        return false;
    weir_time taken = now + ahead(r, now);
    r->next = taken < WEIR_NEVER - r->interval ? taken + r->interval : WEIR_NEVER;
    return true;
}

static int begin(struct party *self, struct sync *s, struct wake_list *woken)
{
    struct rate *r = rate_of(s);
    (void)woken;
    if (r->pacer)
        return PARK;
    if (take(r))
        return TAKEN;
    if (self->waiter.count == ONLY_TRIES)
        return PARK; /* so WEIR_EAGAIN */
    r->pacer = self->id;
    return PACE;
}

/* The pacer paces no more. */
static void hand_on(struct rate *r, struct wake_list *woken)
{
    struct waiter *w;
    r->pacer = 0;
    while ((w = sync_first(&r->sync)) && take(r))
        sync_hand(&r->sync, w, TAKEN, woken);
    if (w) {
        r->pacer = waiter_party(w)->id;
        sync_hand(&r->sync, w, PACE, woken);
    }
}

/* ---- the pacer --------------------------------------------------------------------------- */

static void give_up(weir_handle h)
{
    int rc;
    struct wake_list woken = {NULL, NULL};
    struct sync *s = weir__sync_lock(h, &rate_type, &rc);
    if (!s)
        return;
    if (!MUTATE("rate: who gives up tells nobody"))
        hand_on(rate_of(s), &woken);
    sync_unlock(s);
    wake_all(woken.first);
}

/* Wait until it is time or the deadline; TAKEN, an error, or PARK: look again. */
static int pace_once(struct party *self, weir_handle h, weir_time deadline)
{
    int rc;
    struct wake_list woken = {NULL, NULL};
    wait_announce(self);
    struct sync *s = weir__sync_lock(h, &rate_type, &rc);
    struct rate *r = s ? rate_of(s) : NULL;
    if (!r || take(r)) {
        wait_renounce(self);
        if (!r)
            return rc;
        hand_on(r, &woken);
        sync_unlock(s);
        wake_all(woken.first);
        return TAKEN;
    }
    weir_time until_due = due(r);
    lock_acquire(&r->pause.lock, 0);
    sync_unlock(s);
    rc = sync_park(self, s, &r->pause, until_due < deadline ? until_due : deadline);
    return rc == WEIR_ETIMEDOUT && until_due <= deadline ? PARK : rc;
}

static int pace(struct party *self, weir_handle h, weir_time deadline)
{
    int rc;
    do
        rc = pace_once(self, h, deadline);
    while (rc == PARK);
    if (rc < 0 && rc != WEIR_ECLOSED)
        give_up(h);
    return rc;
}

/* ---- acquire ----------------------------------------------------------------------------- */

int weir_rate_acquire_by(weir_rate rate, weir_time deadline)
{
    struct want want = {MAY_PACE, NULL};
    deadline = until(deadline);
    int rc = weir__sync_acquire(rate.h, &rate_type, begin, want, deadline);
    if (rc != PACE)
        return rc;
    struct party *self = party_enter(); /* it has a record by now */
    rc = pace(self, rate.h, deadline);
    party_leave(self);
    return rc;
}

int weir_rate_try_acquire(weir_rate rate)
{
    struct want want = {ONLY_TRIES, NULL};
    return weir__sync_acquire(rate.h, &rate_type, begin, want, WEIR_TRY);
}
