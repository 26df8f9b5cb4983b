/* SPDX-License-Identifier: MIT */
/* hog.c - see hog.h. */
#include "hog.h"

#include "log.h"
#include "snapshot.h"

/* Which actor it is. The record is read from inside an operation, so it stays its own. */
static bool see_current(const aptr *current, struct seen *out)
{
    struct party *self = party_enter();
    if (!self)
        return false;
    const struct actor *a = aptr_load_acquire(current);
    bool seen = a && weir__see(a, out);
    party_leave(self);
    return seen;
}

bool weir__hog_check(struct hog *h, const aptr *current, uint64_t switches, weir_time now)
{
    struct seen a;
    if (h->since == 0 || h->switches != switches || !aptr_load(current)) {
        *h = (struct hog){.switches = switches, .since = now};
        return false;
    }
    if (h->told || now - h->since <= HOG_AFTER * WEIR_MS || !see_current(current, &a))
        return false;
    h->told = true;
    weir__log_of(WEIR_LOG_HOG, a.name, a.id, "has kept its worker for %lld ms",
                 (long long)((now - h->since) / WEIR_MS));
    return true;
}
