/* SPDX-License-Identifier: MIT */
/* once.c - done by one, awaited by all; who fails hands the task to who waits longest. */
#include "sync.h"

struct once {
    struct sync sync;
    uint32_t runner; /* a party's id; 0: nobody is at it, and nobody waits */
    bool done;
};

static struct once *once_of(const struct sync *s)
{
    return container_of(s, struct once, sync);
}

static void once_statistics(const struct sync *s, weir_sync_statistics *out)
{
    out->value = once_of(s)->done;
    out->limit = 1;
    out->holders = once_of(s)->runner != 0;
    out->owner = sync_owner_number(once_of(s)->runner);
}

static const struct sync_type once_type = {.object = {weir__sync_close, weir__sync_move},
                                           .noun = "once",
                                           .size = sizeof(struct once),
                                           .statistics = once_statistics};

weir_once weir_once_open(void)
{
    return (weir_once){weir__sync_publish(weir__sync_new(&once_type))};
}

static int begin(struct party *self, struct sync *s, struct wake_list *woken)
{
    struct once *o = once_of(s);
    (void)woken;
    if (o->done)
        return 0;
    if (o->runner == self->id)
        return WEIR_EDEADLK;
    if (o->runner != 0)
        return PARK;
    o->runner = self->id;
    return 1;
}

static int end(struct party *self, struct sync *s, void *result, struct wake_list *woken)
{
    struct once *o = once_of(s);
    struct waiter *next = sync_first(s);
    if (o->runner != self->id)
        return WEIR_EPERM;
    o->runner = 0;
    o->done = *(int *)result >= 0;
    if (o->done) {
        sync_hand_all(s, 0, woken);
    } else if (next && !MUTATE("once: a failure is not passed on")) {
        o->runner = waiter_party(next)->id;
        sync_hand(s, next, 1, woken);
    }
    return 0;
}

int weir_once_begin_by(weir_once once, weir_time deadline)
{
    return weir__sync_acquire(once.h, &once_type, begin, NO_WANT, until(deadline));
}

int weir_once_try_begin(weir_once once)
{
    return weir__sync_acquire(once.h, &once_type, begin, NO_WANT, WEIR_TRY);
}

int weir_once_end(weir_once once, int result)
{
    return weir__sync_change(once.h, &once_type, end, &result);
}

int weir_once_run(weir_once once, int (*run)(void *arg), void *arg)
{
    int rc = run ? weir_once_begin_by(once, WEIR_NEVER) : WEIR_EINVAL;
    if (rc != 1)
        return rc;
    int result = run(arg);
    rc = weir_once_end(once, result);
    return result < 0 ? result : rc;
}
