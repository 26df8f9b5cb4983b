/* SPDX-License-Identifier: MIT */
/*
 * rwlock.c - one writer, or any number of readers.
 *
 * The line is one for both: who comes behind a writer waits behind him, also readers. So nobody
 * starves. When a writer at the head of the line gives up, the readers behind him may go on.
 */
#include "sync.h"

struct rwlock {
    struct sync sync;
    uint32_t writer; /* a party's id; 0: none */
    uint32_t readers;
};

enum { READ = 0, WRITE = 1 }; /* what is wanted, in a waiter's count */

static struct rwlock *rwlock_of(const struct sync *s)
{
    return container_of(s, struct rwlock, sync);
}

static void rwlock_statistics(const struct sync *s, weir_sync_statistics *out)
{
    const struct rwlock *l = rwlock_of(s);
    out->holders = l->writer ? 1 : l->readers;
    out->owner = sync_owner_number(l->writer);
    out->value = out->holders == 0;
    out->limit = UINT32_MAX;
}

/* Under the lock: may it, now? Then it does. */
static bool let_in(struct rwlock *l, const struct party *p)
{
    bool writes = p->waiter.count == WRITE;
    if (l->writer || (writes && l->readers > 0))
        return false;
    if (writes)
        l->writer = p->id;
    else
        l->readers++;
    return true;
}

static void serve(struct rwlock *l, struct wake_list *woken)
{
    struct waiter *w;
    while ((w = sync_first(&l->sync)) && let_in(l, waiter_party(w)))
        sync_hand(&l->sync, w, 0, woken);
}

static void rwlock_left(struct party *self, struct sync *s, struct wake_list *woken)
{
    (void)self;
    serve(rwlock_of(s), woken);
}

static const struct sync_type rwlock_type = {.object = {weir__sync_close, weir__sync_move},
                                             .noun = "rwlock",
                                             .size = sizeof(struct rwlock),
                                             .left = rwlock_left,
                                             .statistics = rwlock_statistics};

weir_rwlock weir_rwlock_open(void)
{
    return (weir_rwlock){weir__sync_publish(weir__sync_new(&rwlock_type))};
}

static int enter(struct party *self, struct sync *s, struct wake_list *woken)
{
    struct rwlock *l = rwlock_of(s);
    (void)woken;
    if (l->writer == self->id)
        return WEIR_EDEADLK;
    if (sync_first(s))
        return PARK;
    return let_in(l, self) ? 0 : PARK;
}

static int leave(struct party *self, struct sync *s, void *unused, struct wake_list *woken)
{
    struct rwlock *l = rwlock_of(s);
    (void)unused;
    if (l->writer == self->id)
        l->writer = 0;
    else if (l->readers > 0)
        l->readers--;
    else
        return WEIR_EPERM;
    serve(l, woken);
    return 0;
}

static int acquire(weir_rwlock rwlock, uint32_t what, weir_time deadline)
{
    return weir__sync_acquire(rwlock.h, &rwlock_type, enter, (struct want){what, NULL}, deadline);
}

int weir_rwlock_read_by(weir_rwlock rwlock, weir_time deadline)
{
    return acquire(rwlock, READ, until(deadline));
}

int weir_rwlock_try_read(weir_rwlock rwlock)
{
    return acquire(rwlock, READ, WEIR_TRY);
}

int weir_rwlock_write_by(weir_rwlock rwlock, weir_time deadline)
{
    return acquire(rwlock, WRITE, until(deadline));
}

int weir_rwlock_try_write(weir_rwlock rwlock)
{
    return acquire(rwlock, WRITE, WEIR_TRY);
}

int weir_rwlock_release(weir_rwlock rwlock)
{
    return weir__sync_change(rwlock.h, &rwlock_type, leave, NULL);
}
