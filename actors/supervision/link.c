/* SPDX-License-Identifier: MIT */
/*
 * link.c - two tasks that fail together: docs/protocol.md, "Exits".
 *
 * A link is two watchers, one at each task. It is held by who makes it and by each of these, until
 * that one was told or taken out, which its task's lock decides. Who is told takes out the other
 * one: so what links a task that lives long to many that do not leaves nothing there.
 */
#include "lock.h"
#include "scheduler.h"
#include "watcher.h"

struct link;

struct half {
    struct watcher watcher;
    struct link *link;
    struct task *task;
};

struct link {
    struct half half[2];
    a32 refs;
};

static void link_unref(struct link *l)
{
    if (a32_add(&l->refs, (uint32_t)-1) != 1)
        return;
    struct party *self = party_current(); /* inside an operation */
    weir__task_let_go(self, l->half[0].task);
    weir__task_let_go(self, l->half[1].task);
    os_free(l, sizeof *l);
}

static void take_out(struct half *h)
{
    if (weir__task_unwatch(h->task, &h->watcher))
        link_unref(h->link);
}

/* One has ended: what becomes of the other? */
static void act(struct half *other, bool broken)
{
    if (broken)
        weir__task_break(other->task, "who it is linked to failed");
    take_out(other);
}

static void half_ended(struct watcher *w, const weir_exit *e, bool broken)
{
    struct half *h = container_of(w, struct half, watcher);
    struct link *l = h->link;
    (void)e;
    act(&l->half[h == &l->half[0]], broken);
    link_unref(l);
}

/* Watch one; or it has ended, and the other one has been told. */
static void begin(struct half *h, struct half *other)
{
    weir_exit e;
    bool broken;
    a32_add(&h->link->refs, 1);
    if (weir__task_watch(h->task, &h->watcher, &e, &broken))
        return;
    act(other, broken);
    link_unref(h->link);
}

static bool has_ended(struct task *t)
{
    lock_acquire(&t->change.lock, 0);
    bool ended = !t->actor;
    lock_release(&t->change.lock, 0);
    return ended;
}

static struct link *link_new(struct task *a, struct task *b)
{
    struct link *l = os_alloc(sizeof *l);
    if (!l)
        return NULL;
    *l = (struct link){.half = {{.watcher = {.ended = half_ended}, .link = l, .task = a},
                                {.watcher = {.ended = half_ended}, .link = l, .task = b}}};
    a32_store(&l->refs, 1);
    return l;
}

/* Both are held, and the link lets them go. */
static int link_tasks(struct party *self, struct task *a, struct task *b)
{
    struct link *l = a == b ? NULL : link_new(a, b);
    if (!l) {
        weir__task_let_go(self, a);
        weir__task_let_go(self, b);
        return a == b ? WEIR_EINVAL : WEIR_ENOMEM;
    }
    begin(&l->half[0], &l->half[1]);
    begin(&l->half[1], &l->half[0]);
    /* The first may have ended before the second half was there to be taken out. */
    if (has_ended(a))
        take_out(&l->half[1]);
    link_unref(l);
    return 0;
}

int weir_link(weir_task a, weir_task b)
{
    int rc;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct task *s = weir__task_hold(a.h, &rc), *t = s ? weir__task_hold(b.h, &rc) : NULL;
    if (t)
        rc = link_tasks(self, s, t);
    else if (s)
        weir__task_let_go(self, s);
    party_leave(self);
    return rc;
}
