/* SPDX-License-Identifier: MIT */
/*
 * condition.c - wait, without a lock, for what is changed under that lock.
 *
 * Who waits is in the condition's line before he gives up the lock: he holds the locks of both
 * primitives for that moment, the condition's first. So a notification by who owns the lock
 * next finds him.
 *
 * Who notifies owns the lock, so who is notified has to wait for it anyway: he is moved to the end
 * of the lock's line, marked as NOTIFIED, and goes on when the lock is handed to him. There a
 * cancellation may find him; then, and when his wait came to nothing before, he takes the lock
 * as everybody does, but in a shield, because whatever the call returns, its caller owns it.
 */
#include "scope.h"
#include "sync.h"

struct condition {
    struct sync sync;
    weir_lock lock; /* constant */
};

enum { NOTIFIED = 1 }; /* in a waiter's count */

static struct condition *condition_of(const struct sync *s)
{
    return container_of(s, struct condition, sync);
}

/* Those of the lock, and who waits for it. */
static void condition_statistics(const struct sync *s, weir_sync_statistics *out)
{
    int rc;
    weir_sync_statistics of_lock = {0};
    struct sync *lock = weir__sync_lock(condition_of(s)->lock.h, &weir__lock_type, &rc);
    if (!lock)
        return;
    weir__lock_type.statistics(lock, &of_lock);
    out->value = lock->line.waiting;
    sync_unlock(lock);
    out->holders = of_lock.holders;
    out->owner = of_lock.owner;
}

static const struct sync_type condition_type = {.object = {weir__sync_close, weir__sync_move},
                                                .noun = "condition",
                                                .size = sizeof(struct condition),
                                                .statistics = condition_statistics};

weir_condition weir_condition_open(weir_lock lock)
{
    int rc = WEIR_ENOMEM;
    struct party *self = party_enter();
    if (self) {
        weir__object_get(lock.h, &weir__lock_type.object, &rc);
        party_leave(self);
    }
    if (rc < 0)
        return (weir_condition){handle_null(rc)};
    struct sync *s = weir__sync_new(&condition_type);
    if (s)
        condition_of(s)->lock = lock;
    return (weir_condition){weir__sync_publish(s)};
}

/* ---- wait ---------------------------------------------------------------------------------- */

static int give_lock(struct party *self, weir_lock lock)
{
    int rc;
    struct wake_list woken = {NULL, NULL};
    struct sync *l = weir__sync_lock(lock.h, &weir__lock_type, &rc);
    if (!l)
        return rc;
    rc = weir__lock_give(self, l, NULL, &woken);
    sync_unlock(l);
    wake_all(woken.first);
    return rc;
}

static int take_lock_by(struct party *self, weir_lock lock, weir_time deadline)
{
    return weir__sync_wait(self, lock.h, &weir__lock_type, weir__lock_take, deadline);
}

/* 0, or WEIR_ECLOSED: there is no lock any more. */
static int take_lock_again(struct party *self, weir_lock lock)
{
    if (party_is_plain(self))
        return take_lock_by(self, lock, WEIR_NEVER);
    int rc = take_lock_by(self, lock, WEIR_TRY);
    if (rc != WEIR_EAGAIN)
        return rc;
    struct scope shield = {.shield = true, .deadline = WEIR_NEVER};
    weir__scope_push(actor_of(self), &shield);
    rc = take_lock_by(self, lock, WEIR_NEVER);
    weir__scope_pop(actor_of(self), &shield);
    return rc;
}

/* In the line, the lock given up; the condition's own lock is held. An error: not. */
static struct sync *prepare(struct party *self, weir_handle h, int *rc)
{
    struct sync *s = weir__sync_lock(h, &condition_type, rc);
    if (!s)
        return NULL;
    *rc = give_lock(self, condition_of(s)->lock);
    if (*rc == 0)
        return s;
    sync_unlock(s);
    return NULL;
}

static int condition_wait(struct party *self, weir_handle h, weir_time deadline)
{
    int rc;
    if (self->thread->dropping)
        return WEIR_EPERM;
    wait_announce(self);
    struct sync *s = prepare(self, h, &rc);
    if (!s) {
        wait_renounce(self);
        return rc;
    }
    weir_lock lock = condition_of(s)->lock;
    self->waiter.count = 0;
    if (MUTATE("condition: in the line too late")) {
        sync_unlock(s);
        lock_acquire(&s->line.lock, 0);
    }
    rc = sync_park(self, s, &s->line, deadline);
    if (rc == 0)
        return 0; /* handed over with the lock */
    if (self->waiter.count == NOTIFIED && !MUTATE("condition: notified and cancelled"))
        rc = 0;
    int again = take_lock_again(self, lock);
    return again < 0 ? again : rc;
}

int weir_condition_wait_by(weir_condition condition, weir_time deadline)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int rc =
        sync_may_wait(self) ? condition_wait(self, condition.h, until(deadline)) : WEIR_ECANCELED;
    party_leave(self);
    return rc;
}

int weir_condition_wait_for_by(weir_condition condition, bool (*holds)(void *arg), void *arg,
                               weir_time deadline)
{
    if (!holds)
        return WEIR_EINVAL;
    int rc = weir_condition_notify(condition, 0); /* may the caller look? */
    while (rc == 0 && !holds(arg))
        rc = weir_condition_wait_by(condition, deadline);
    return rc;
}

/* ---- notify -------------------------------------------------------------------------------- */

static int notify(struct party *self, struct sync *s, void *n, struct wake_list *woken)
{
    int rc;
    uint32_t left = *(uint32_t *)n;
    struct sync *lock = weir__sync_lock(condition_of(s)->lock.h, &weir__lock_type, &rc);
    if (!lock) {
        sync_hand_all(s, rc, woken); /* nobody could notify them any more */
        return rc;
    }
    rc = weir__lock_owner(lock) == self->id ? 0 : WEIR_EPERM;
    for (; rc == 0 && left > 0 && sync_first(s); left--) {
        sync_first(s)->count = NOTIFIED;
        weir__waitable_move(&s->line, sync_first(s), &lock->line);
    }
    sync_unlock(lock);
    return rc;
}

int weir_condition_notify(weir_condition condition, uint32_t n)
{
    return weir__sync_change(condition.h, &condition_type, notify, &n);
}
