/* SPDX-License-Identifier: MIT */
/* lock.c - one at a time. It has an owner whenever somebody waits. */
#include "sync.h"

struct lock {
    struct sync sync;
    uint32_t owner; /* a party's id; 0: it is free */
};

static struct lock *lock_of(const struct sync *s)
{
    return container_of(s, struct lock, sync);
}

static void lock_statistics(const struct sync *s, weir_sync_statistics *out)
{
    uint32_t owner = lock_of(s)->owner;
    out->holders = owner != 0;
    out->owner = sync_owner_number(owner);
    out->value = owner == 0;
    out->limit = 1;
}

const struct sync_type weir__lock_type = {.object = {weir__sync_close, weir__sync_move},
                                          .noun = "lock",
                                          .size = sizeof(struct lock),
                                          .statistics = lock_statistics};

weir_lock weir_lock_open(void)
{
    return (weir_lock){weir__sync_publish(weir__sync_new(&weir__lock_type))};
}

int weir__lock_take(struct party *self, struct sync *s, struct wake_list *woken)
{
    struct lock *l = lock_of(s);
    (void)woken;
    if (l->owner == self->id)
        return WEIR_EDEADLK;
    if (l->owner != 0)
        return PARK;
    l->owner = self->id;
    return 0;
}

int weir__lock_give(struct party *self, struct sync *s, void *unused, struct wake_list *woken)
{
    struct lock *l = lock_of(s);
    struct waiter *next = sync_first(s);
    (void)unused;
    if (l->owner != self->id)
        return WEIR_EPERM;
    l->owner = next && !MUTATE("lock: woken, not handed over") ? waiter_party(next)->id : 0;
    if (next)
        sync_hand(s, next, 0, woken);
    return 0;
}

uint32_t weir__lock_owner(const struct sync *s)
{
    return lock_of(s)->owner;
}

int weir_lock_acquire_by(weir_lock lock, weir_time deadline)
{
    return weir__sync_acquire(lock.h, &weir__lock_type, weir__lock_take, NO_WANT, until(deadline));
}

int weir_lock_try_acquire(weir_lock lock)
{
    return weir__sync_acquire(lock.h, &weir__lock_type, weir__lock_take, NO_WANT, WEIR_TRY);
}

int weir_lock_release(weir_lock lock)
{
    return weir__sync_change(lock.h, &weir__lock_type, weir__lock_give, NULL);
}
