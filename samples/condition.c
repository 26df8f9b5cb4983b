/* SPDX-License-Identifier: MIT */
/* condition.c - six listeners wait under a lock; one of them, then two, then all are notified. */
#include <stdio.h>

#include <weir/weir.h>

struct shared {
    weir_lock lock;
    weir_condition changed;
    int *woken; /* under the lock */
};

static int listen(void *arg)
{
    const struct shared *s = arg;
    weir_auto(weir_held) held = weir_lock_hold(s->lock);
    if (held.rc < 0)
        return held.rc;
    int rc = weir_condition_wait(s->changed); /* gives the lock up, and has it again */
    if (rc == 0)
        ++*s->woken;
    return rc;
}

static int notify(const struct shared *s, uint32_t n)
{
    weir_auto(weir_held) held = weir_lock_hold(s->lock);
    return held.rc < 0 ? held.rc : weir_condition_notify(s->changed, n);
}

static int app(void *unused)
{
    static const uint32_t rounds[] = {1, 2,
                                      UINT32_MAX}; /* the last as weir_condition_notify_all() */
    int woken = 0, rc = 0;
    (void)unused;
    weir_auto(weir_lock) lock = weir_lock_open();
    weir_auto(weir_condition) changed = weir_condition_open(lock);
    weir_auto(weir_group) g = weir_group_begin();
    struct shared s = {lock, changed, &woken};
    for (int i = 0; i < 6 && rc == 0; i++)
        rc = weir_spawn(g, listen, &s);
    for (int i = 0; i < 3 && rc == 0; i++) {
        if ((rc = weir_settle()) < 0 || (rc = notify(&s, rounds[i])) < 0 ||
            (rc = weir_settle()) < 0)
            return rc; /* settled: all listeners are parked */
        printf("%d of 6 were woken\n", woken);
    }
    return weir_group_end_with(g, rc);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
