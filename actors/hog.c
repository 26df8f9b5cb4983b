/* SPDX-License-Identifier: MIT */
/* hog.c - see hog.h. */
#include "hog.h"

#include <string.h>

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

static void report(const char *name, uint32_t id, weir_time took)
{
    weir__log_of(WEIR_LOG_HOG, name, id, "has kept its worker for %lld ms",
                 (long long)(took / WEIR_MS));
}

bool weir__hog_check(struct hog *h, const aptr *current, weir_time now)
{
    struct seen a;
    if (!see_current(current, &a)) {
        h->id = 0;
        return false;
    }
    if (h->id != a.id || h->moved != a.moved) {
        h->id = a.id;
        h->moved = a.moved;
        h->since = now;
        a32_store(&h->told, 0);
        return false;
    }
    if (a32_load(&h->told) == a.id || now - h->since <= HOG_AFTER * WEIR_MS)
        return false;
    a32_store(&h->told, a.id);
    report(a.name, a.id, now - h->since);
    return true;
}

void weir__hog_note(struct hog_self *h, const struct actor *next)
{
    h->id = actor_number(next->party.id);
    memcpy(h->name, next->name, NAME_BYTES);
}

void weir__hog_self(struct hog_self *h, uint64_t picks, weir_time took, uint32_t told)
{
    enum { CLOSER = 1000 };
    if (h->closer > 0)
        h->closer--;
    if (took <= HOG_AFTER * WEIR_MS || !weir__log_wanted())
        return;
    if (picks == 1 && h->id) {
        if (h->id != told && h->id != h->told)
            report(h->name, h->id, took);
        h->told = h->id;
    } else {
        if (!h->told_many && !told)
            weir__log_of(WEIR_LOG_HOG, "", 0, "only %llu actors had a turn in %lld ms",
                         (unsigned long long)picks, (long long)(took / WEIR_MS));
        h->told_many = true;
        h->closer = CLOSER;
    }
}
