/* SPDX-License-Identifier: MIT */
/* waitgroup.c - wait until as much has ended as was begun. */
#include "sync.h"

struct waitgroup {
    struct sync sync;
    uint64_t count;
};

static struct waitgroup *waitgroup_of(const struct sync *s)
{
    return container_of(s, struct waitgroup, sync);
}

static void waitgroup_statistics(const struct sync *s, weir_sync_statistics *out)
{
    out->value = waitgroup_of(s)->count;
    out->limit = UINT64_MAX;
}

static const struct sync_type waitgroup_type = {.object = {weir__sync_close, weir__sync_move},
                                                .noun = "waitgroup",
                                                .size = sizeof(struct waitgroup),
                                                .statistics = waitgroup_statistics};

weir_waitgroup weir_waitgroup_open(void)
{
    return (weir_waitgroup){weir__sync_publish(weir__sync_new(&waitgroup_type))};
}

static int add(struct party *self, struct sync *s, void *n, struct wake_list *woken)
{
    struct waitgroup *g = waitgroup_of(s);
    uint32_t more = *(uint32_t *)n;
    (void)self;
    (void)woken;
    if (g->count > UINT64_MAX - more)
        return WEIR_EINVAL;
    g->count += more;
    return 0;
}

static int done(struct party *self, struct sync *s, void *unused, struct wake_list *woken)
{
    struct waitgroup *g = waitgroup_of(s);
    (void)self;
    (void)unused;
    if (g->count == 0)
        return WEIR_EPERM;
    if (--g->count == 0)
        sync_hand_all(s, 0, woken);
    return 0;
}

static int await(struct party *self, struct sync *s, struct wake_list *woken)
{
    (void)self;
    (void)woken;
    return waitgroup_of(s)->count == 0 && !MUTATE("waitgroup: not looked at") ? 0 : PARK;
}

int weir_waitgroup_add(weir_waitgroup group, uint32_t n)
{
    return weir__sync_change(group.h, &waitgroup_type, add, &n);
}

int weir_waitgroup_done(weir_waitgroup group)
{
    return weir__sync_change(group.h, &waitgroup_type, done, NULL);
}

int weir_waitgroup_wait_by(weir_waitgroup group, weir_time deadline)
{
    return weir__sync_acquire(group.h, &waitgroup_type, await, NO_WANT, until(deadline));
}

int weir_waitgroup_try_wait(weir_waitgroup group)
{
    return weir__sync_acquire(group.h, &waitgroup_type, await, NO_WANT, WEIR_TRY);
}
