/* SPDX-License-Identifier: MIT */
/* barrier.c - so many meet. Who has come is who is in the line, so who leaves it has not. */
#include "sync.h"

struct barrier {
    struct sync sync;
    uint32_t parties;
};

static struct barrier *barrier_of(const struct sync *s)
{
    return container_of(s, struct barrier, sync);
}

static void barrier_statistics(const struct sync *s, weir_sync_statistics *out)
{
    out->limit = barrier_of(s)->parties;
    out->value = out->limit - s->line.waiting;
}

static const struct sync_type barrier_type = {.object = {weir__sync_close, weir__sync_move},
                                              .noun = "barrier",
                                              .size = sizeof(struct barrier),
                                              .statistics = barrier_statistics};

weir_barrier weir_barrier_open(uint32_t parties)
{
    if (parties == 0)
        return (weir_barrier){handle_null(WEIR_EINVAL)};
    struct sync *s = weir__sync_new(&barrier_type);
    if (s)
        barrier_of(s)->parties = parties;
    return (weir_barrier){weir__sync_publish(s)};
}

static int arrive(struct party *self, struct sync *s, struct wake_list *woken)
{
    struct barrier *b = barrier_of(s);
    (void)self;
    if (s->line.waiting + (MUTATE("barrier: one too few") ? 2 : 1) < b->parties)
        return PARK;
    sync_hand_all(s, 0, woken);
    return 1;
}

int weir_barrier_wait_by(weir_barrier barrier, weir_time deadline)
{
    return weir__sync_acquire(barrier.h, &barrier_type, arrive, NO_WANT, until(deadline));
}
