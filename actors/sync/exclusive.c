/* SPDX-License-Identifier: MIT */
/* exclusive.c - a resource that one may use, and nobody waits for: the others are told. */
#include "sync.h"

struct exclusive {
    struct sync sync; /* nobody is ever in its line */
    uint32_t owner;   /* a party's id; 0: none */
};

static struct exclusive *exclusive_of(const struct sync *s)
{
    return container_of(s, struct exclusive, sync);
}

static void exclusive_statistics(const struct sync *s, weir_sync_statistics *out)
{
    uint32_t owner = exclusive_of(s)->owner;
    out->holders = owner != 0;
    out->owner = sync_owner_number(owner);
    out->value = owner == 0;
    out->limit = 1;
}

static const struct sync_type exclusive_type = {.object = {weir__sync_close, weir__sync_move},
                                                .noun = "resource",
                                                .size = sizeof(struct exclusive),
                                                .statistics = exclusive_statistics};

weir_exclusive weir_exclusive_open(void)
{
    return (weir_exclusive){weir__sync_publish(weir__sync_new(&exclusive_type))};
}

static int begin(struct party *self, struct sync *s, void *unused, struct wake_list *woken)
{
    struct exclusive *x = exclusive_of(s);
    (void)unused;
    (void)woken;
    if (x->owner != 0 && !MUTATE("exclusive: not looked at"))
        return WEIR_EBUSY;
    x->owner = self->id;
    return 0;
}

static int end(struct party *self, struct sync *s, void *unused, struct wake_list *woken)
{
    struct exclusive *x = exclusive_of(s);
    (void)unused;
    (void)woken;
    if (x->owner != self->id)
        return WEIR_EPERM;
    x->owner = 0;
    return 0;
}

int weir_exclusive_begin(weir_exclusive exclusive)
{
    return weir__sync_change(exclusive.h, &exclusive_type, begin, NULL);
}

int weir_exclusive_end(weir_exclusive exclusive)
{
    return weir__sync_change(exclusive.h, &exclusive_type, end, NULL);
}
