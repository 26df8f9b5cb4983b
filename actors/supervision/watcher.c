/* SPDX-License-Identifier: MIT */
/* watcher.c - see watcher.h. */
#include "watcher.h"

#include <string.h>

#include "lock.h"
#include "scheduler.h"

/* ---- under the task's lock ---------------------------------------------------------------------
 */

static void exit_of(const struct task *t, weir_exit *e)
{
    *e = (weir_exit){.id = t->id, .result = t->result, .state = t->state, .cause = t->cause.text};
    memcpy(e->name, t->name, sizeof e->name);
}

static bool is_broken(const struct task *t)
{
    return t->state == WEIR_TASK_FAILED || (t->state == WEIR_TASK_CANCELLED && t->broken);
}

static void watcher_link(struct watcher **list, struct watcher *w)
{
    w->next = *list;
    w->at = list;
    if (*list)
        (*list)->at = &w->next;
    *list = w;
}

static void watcher_unlink(struct watcher *w)
{
    *w->at = w->next;
    if (w->next)
        w->next->at = w->at;
    w->at = NULL;
}

struct watcher *weir__watchers_take(struct task *t, weir_exit *e, bool *broken)
{
    struct watcher *list = t->watchers;
    for (struct watcher *w = list; w; w = w->next)
        w->at = NULL;
    t->watchers = NULL;
    if (list)
        exit_of(t, e);
    *broken = is_broken(t);
    return list;
}

/* When they have become twice as many: those that are useless. */
static struct watcher *take_useless(struct task *t)
{
    enum { CROWD = 8 };
    struct watcher *useless = NULL;
    if (t->watching < t->crowd || t->watching < CROWD)
        return NULL;
    for (struct watcher *w = t->watchers, *next; w; w = next) {
        next = w->next;
        if (w->useless && w->useless(w)) {
            watcher_unlink(w);
            watcher_link(&useless, w);
            t->watching--;
        }
    }
    t->crowd = 2 * t->watching;
    return useless;
}

/* ---- the same, from outside ------------------------------------------------------------------ */

bool weir__task_watch(struct task *t, struct watcher *w, weir_exit *e, bool *broken)
{
    struct watcher *useless = NULL;
    lock_acquire(&t->change.lock, 0);
    bool lives = t->actor != NULL || MUTATE("monitor: end not looked at");
    if (lives) {
        useless = take_useless(t);
        watcher_link(&t->watchers, w);
        t->watching++;
    } else {
        exit_of(t, e);
        *broken = is_broken(t);
    }
    lock_release(&t->change.lock, 0);
    for (struct watcher *next; useless; useless = next) {
        next = useless->next;
        useless->discard(useless);
    }
    return lives;
}

bool weir__task_unwatch(struct task *t, struct watcher *w)
{
    lock_acquire(&t->change.lock, 0);
    bool mine = w->at != NULL;
    if (mine) {
        watcher_unlink(w);
        t->watching--;
    }
    lock_release(&t->change.lock, 0);
    return mine || MUTATE("link: who is told is taken out as well");
}

void weir__task_break(struct task *t, const char *reason)
{
    lock_acquire(&t->change.lock, 0);
    t->broken |= t->actor != NULL;
    weir__task_cancel_unlock(t, reason);
}

void weir__watchers_tell(struct watcher *list, const weir_exit *e, bool broken)
{
    for (struct watcher *next; list; list = next) {
        next = list->next; /* it is freed when it is told */
        list->ended(list, e, broken);
    }
}
