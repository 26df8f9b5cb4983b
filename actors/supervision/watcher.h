/* SPDX-License-Identifier: MIT */
/*
 * watcher.h - who wants to know of the end of a task: monitors, links, supervisors.
 *
 * A watcher is in its task's list from weir__task_watch() until it is told or taken out, both
 * decided under the task's lock: exactly one of them happens. It is told by the actor that ends,
 * without locks and without waiting; its memory is the watcher's own affair, so telling needs none.
 */
#ifndef WEIR_WATCHER_H
#define WEIR_WATCHER_H

#include <weir/monitor.h>

#include "task.h"

struct watcher {
    struct watcher *next, **at; /* under the task's lock; at NULL: it is in no list */
    /* The actor has ended. `broken`: that counts as a failure for links. */
    void (*ended)(struct watcher *w, const weir_exit *e, bool broken);
    /* Is it of no use any more? Under the task's lock. NULL: never. */
    bool (*useless)(const struct watcher *w);
    void (*discard)(struct watcher *w);
};

/* False: it has ended, and *e and *broken say how. */
bool weir__task_watch(struct task *t, struct watcher *w, weir_exit *e, bool *broken);

/* True: w was taken out of the list and will not be told. */
bool weir__task_unwatch(struct task *t, struct watcher *w);

/* Cancel it, as one whose partner has failed. */
void weir__task_break(struct task *t, const char *reason);

/*
 * By the actor that ends, under the lock, after the state was set: all of them, who are to be told
 * so; *e is set if there is one.
 */
struct watcher *weir__watchers_take(struct task *t, weir_exit *e, bool *broken);

/* Tell them. No lock held. */
void weir__watchers_tell(struct watcher *list, const weir_exit *e, bool broken);

#endif
