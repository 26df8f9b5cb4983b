/* SPDX-License-Identifier: MIT */
/* semaphore.c - so many at a time, whoever they are. None is left whenever somebody waits. */
#include "sync.h"

struct semaphore {
    struct sync sync;
    size_t value, max;
};

static struct semaphore *semaphore_of(const struct sync *s)
{
    return container_of(s, struct semaphore, sync);
}

static void semaphore_statistics(const struct sync *s, weir_sync_statistics *out)
{
    out->value = semaphore_of(s)->value;
    out->limit = semaphore_of(s)->max;
}

static const struct sync_type semaphore_type = {.object = {weir__sync_close, weir__sync_move},
                                                .noun = "semaphore",
                                                .size = sizeof(struct semaphore),
                                                .statistics = semaphore_statistics};

weir_semaphore weir_semaphore_open(size_t initial, size_t max)
{
    if (initial > max)
        return (weir_semaphore){handle_null(WEIR_EINVAL)};
    struct sync *s = weir__sync_new(&semaphore_type);
    if (s) {
        semaphore_of(s)->value = initial;
        semaphore_of(s)->max = max;
    }
    return (weir_semaphore){weir__sync_publish(s)};
}

static int take(struct party *self, struct sync *s, struct wake_list *woken)
{
    (void)self;
    (void)woken;
    if (semaphore_of(s)->value == 0)
        return PARK;
    semaphore_of(s)->value--;
    return 0;
}

static int give(struct party *self, struct sync *s, void *unused, struct wake_list *woken)
{
    struct semaphore *sem = semaphore_of(s);
    struct waiter *next = sync_first(s);
    (void)self;
    (void)unused;
    if (sem->value == sem->max)
        return WEIR_EPERM;
    if (next)
        sync_hand(s, next, 0, woken);
    if (!next || MUTATE("semaphore: handed over and counted"))
        sem->value++;
    return 0;
}

int weir_semaphore_acquire_by(weir_semaphore semaphore, weir_time deadline)
{
    return weir__sync_acquire(semaphore.h, &semaphore_type, take, NO_WANT, until(deadline));
}

int weir_semaphore_try_acquire(weir_semaphore semaphore)
{
    return weir__sync_acquire(semaphore.h, &semaphore_type, take, NO_WANT, WEIR_TRY);
}

int weir_semaphore_release(weir_semaphore semaphore)
{
    return weir__sync_change(semaphore.h, &semaphore_type, give, NULL);
}
