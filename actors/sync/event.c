/* SPDX-License-Identifier: MIT */
/* event.c - something has happened, for good. */
#include "sync.h"

struct event {
    struct sync sync;
    a32 set; /* written under the lock */
};

static struct event *event_of(const struct sync *s)
{
    return container_of(s, struct event, sync);
}

static void event_statistics(const struct sync *s, weir_sync_statistics *out)
{
    out->value = a32_load(&event_of(s)->set);
    out->limit = 1;
}

static const struct sync_type event_type = {.object = {weir__sync_close, weir__sync_move},
                                            .noun = "event",
                                            .size = sizeof(struct event),
                                            .statistics = event_statistics};

weir_event weir_event_open(void)
{
    return (weir_event){weir__sync_publish(weir__sync_new(&event_type))};
}

static int set(struct party *self, struct sync *s, void *unused, struct wake_list *woken)
{
    (void)self;
    (void)unused;
    a32_store_release(&event_of(s)->set, 1); /* pairs with weir_event_is_set() */
    sync_hand_all(s, 0, woken);
    return 0;
}

int weir_event_set(weir_event event)
{
    return weir__sync_change(event.h, &event_type, set, NULL);
}

static int await(struct party *self, struct sync *s, struct wake_list *woken)
{
    (void)self;
    (void)woken;
    return a32_load(&event_of(s)->set) && !MUTATE("event: not looked at") ? 0 : PARK;
}

int weir_event_wait_by(weir_event event, weir_time deadline)
{
    return weir__sync_acquire(event.h, &event_type, await, NO_WANT, until(deadline));
}

int weir_event_is_set(weir_event event)
{
    int rc;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct sync *s = weir__object_get(event.h, &event_type.object, &rc);
    if (s)
        rc = (int)a32_load_acquire(&event_of(s)->set);
    party_leave(self);
    return rc;
}
