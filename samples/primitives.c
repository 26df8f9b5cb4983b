/* SPDX-License-Identifier: MIT */
/*
 * primitives.c - an event starts all at once, a limiter lets two at a time into the kitchen, and a
 * lock keeps the counts together.
 */
#include <stdio.h>

#include <weir/weir.h>

enum { COOKS = 5, STOVES = 2 };

struct kitchen {
    weir_event open;
    weir_limiter stoves;
    weir_lock lock;
    int *meals, *busy, *most; /* under the lock */
};

static int count(const struct kitchen *k, int meals, int busy)
{
    weir_auto(weir_held) held = weir_lock_hold(k->lock);
    if (held.rc < 0)
        return held.rc;
    *k->meals += meals;
    *k->busy += busy;
    if (*k->busy > *k->most)
        *k->most = *k->busy;
    return 0; /* also on the way out above nothing stays locked */
}

static int cook(void *arg)
{
    const struct kitchen *k = arg;
    int rc;
    if ((rc = weir_event_wait(k->open)) < 0 || (rc = weir_limiter_acquire(k->stoves)) < 0)
        return rc;
    if ((rc = count(k, 0, 1)) == 0 && (rc = weir_sleep(WEIR_MS)) == 0)
        rc = count(k, 1, -1);
    weir_limiter_release(k->stoves);
    return rc;
}

static int app(void *unused)
{
    int meals = 0, busy = 0, most = 0, rc = 0;
    weir_auto(weir_event) open = weir_event_open();
    weir_auto(weir_limiter) stoves = weir_limiter_open(STOVES);
    weir_auto(weir_lock) lock = weir_lock_open();
    weir_auto(weir_group) g =
        weir_group_begin(); /* ends first, so all of this outlives the cooks */
    struct kitchen k = {open, stoves, lock, &meals, &busy, &most};
    weir_sync_statistics s;
    (void)unused;
    for (int i = 0; i < COOKS && rc == 0; i++)
        rc = weir_spawn(g, cook, &k, .name = "cook");
    if (rc < 0 || (rc = weir_event_set(open)) < 0 || (rc = weir_group_end(g)) < 0)
        return rc;
    if ((rc = weir_sync_statistics(stoves, &s)) < 0)
        return rc;
    printf("%d meals, %s than %d cooks at the stoves, %d of %d stoves free\n", meals,
           most > STOVES ? "more" : "never more", STOVES, (int)s.value, (int)s.limit);
    return 0;
}

int main(void)
{
    int rc = weir_run(app, NULL, NULL);
    if (rc < 0)
        fprintf(stderr, "primitives: %s\n", weir_error_text(rc));
    return rc < 0;
}
