/* SPDX-License-Identifier: MIT */
/* info.c - what a program can know of its actors. */
#include <string.h>

#include <weir/debug.h>

#include "snapshot.h"

static weir_actor_state state_of(const struct seen *a)
{
    return a->runs            ? WEIR_RUNNING
           : a->parked        ? WEIR_PARKED
           : a->kind == FRESH ? WEIR_FRESH
                              : WEIR_READY;
}

static bool info_of(const struct actor *a, weir_actor_info *out)
{
    struct seen seen;
    if (!weir__see(a, &seen))
        return false;
    *out = (weir_actor_info){.id = seen.id,
                             .parent = seen.parent & 1 ? seen.parent : 0, /* threads are even */
                             .state = state_of(&seen),
                             .cancelled = a8_load(&a->party.cancelled)};
    memcpy(out->name, seen.name, sizeof out->name);
    return true;
}

_Static_assert(sizeof(((weir_actor_info *)0)->name) == NAME_BYTES, "names fit");

int weir_actor_self(weir_actor_info *out)
{
    const struct actor *me = actor_self();
    if (!out)
        return WEIR_EINVAL;
    return me && info_of(me, out) ? 0 : WEIR_EPERM;
}

int weir_actors(weir_actor_info *out, size_t n)
{
    if (!out && n > 0)
        return WEIR_EINVAL;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int count = 0;
    uint32_t end = weir__pool_end(&weir__actors);
    for (uint32_t i = 0; i < end; i++) {
        weir_actor_info info;
        if (!info_of(pool_at(&weir__actors, i), &info))
            continue;
        if ((size_t)count < n)
            out[count] = info;
        count++;
    }
    party_leave(self);
    return count;
}
