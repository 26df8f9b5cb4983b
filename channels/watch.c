/* SPDX-License-Identifier: MIT */
/* watch.c - see watch.h. */
#include "watch.h"

#include "kept.h"
#include "single.h"

struct watch {
    struct party party; /* its waiter, and what wakes it; it runs nowhere and owns nothing */
    struct watch *next; /* in the channel's extras; under the lock */
    int event;
    struct retired retired;
};

static struct watch *watch_of(struct party *p)
{
    return container_of(p, struct watch, party);
}

/* In party.waiter.linked; changed under the lock, but by who wakes one that RINGS. */
enum { TOLD = UNLINKED, ARMED = LINKED, RINGS = ANNOUNCED };

static void watch_wake(struct party *p)
{
    a32_store_release(&p->waiter.linked, TOLD); /* pairs with arm() */
    os_event_set(watch_of(p)->event);
}

static const struct party_ops watch_ops = {NULL, watch_wake, NULL};

/* ---- under the channel's lock ------------------------------------------------------------- */

static struct watch *watches(const struct chan *ch)
{
    const struct extras *x = chan_extras(ch);
    return x ? aptr_load(&x->watches) : NULL;
}

static struct watch *watch_find(const struct chan *ch, const struct slot *s)
{
    struct watch *w = watches(ch);
    while (w && w->party.waiter.slot != s)
        w = w->next;
    return w;
}

static bool is_armed(const struct watch *w)
{
    return a32_load(&w->party.waiter.linked) == ARMED;
}

static void disarm(struct chan *ch, struct watch *w, uint32_t from_now_on)
{
    waitq_remove(&ch->recvq, &w->party.waiter);
    a32_store(&w->party.waiter.linked, from_now_on);
}

/* For the receiver at `s`. */
static bool something_there(struct chan *ch, const struct slot *s)
{
    if (ch->flags & KEEPS)
        return weir__kept_ready(ch, s);
    return chan_some(ch) || ch->sendq.first || ch->senders == 0;
}

void weir__watches_tell(struct chan *ch, struct wake_list *woken)
{
    for (struct watch *w = watches(ch); w; w = w->next) {
        if (!is_armed(w) || !something_there(ch, w->party.waiter.slot))
            continue;
        disarm(ch, w, MUTATE("watch: armed while it rings") ? TOLD : RINGS);
        wake_later(woken, &w->party.waiter);
    }
}

struct watch *weir__watch_take(struct chan *ch, const struct slot *s)
{
    struct extras *x = chan_extras(ch);
    struct watch *w = watch_find(ch, s), *before = watches(ch);
    if (!w)
        return NULL;
    if (is_armed(w))
        disarm(ch, w, TOLD);
    if (before == w) {
        aptr_store(&x->watches, w->next);
        return w;
    }
    while (before->next != w)
        before = before->next;
    before->next = w->next;
    return w;
}

/* ---- outside of locks ----------------------------------------------------------------------- */

static void watch_release(struct retired *r, struct thread *t)
{
    struct watch *w = container_of(r, struct watch, retired);
    (void)t;
    os_event_close(w->event);
    os_free(w, sizeof *w);
}

void weir__watch_end(struct party *self, struct watch *w)
{
    os_event_set(w->event);
    if (MUTATE("watch: without grace"))
        watch_release(&w->retired, self->thread);
    else
        weir__retire(self->thread, &w->retired, watch_release);
}

/* The watch of an open handle; it stays allocated while we are inside an operation. */
static struct watch *watch_get(struct chan *ch, weir_handle h)
{
    struct slot *s = handle_get(h, RECEIVER);
    lock_acquire(&ch->lock, 0);
    struct watch *w = s && handle_open(s, h) ? watch_find(ch, s) : NULL;
    chan_unlock(ch);
    return w;
}

/*
 * As a receiver that is about to park. False: there is something, or it has been closed. One that
 * is armed already stays so, and one that RINGS will be set.
 */
static bool arm(struct party *self, struct chan *ch, struct watch *w, weir_handle h)
{
    struct waiter *mine = &w->party.waiter;
    lock_acquire(&ch->lock, RECV_WAITS);
    bool waits = handle_open(mine->slot, h);
    /* Acquire: who had it in his list has read where that goes on. */
    if (waits && a32_load_acquire(&mine->linked) == TOLD) {
        if (peer_unfenced(self, ch, SINGLE_SENDER, &ch->sender_user) &&
            !MUTATE("watch: no membarrier"))
            os_membarrier(); /* pairs with the sender's claim, a plain store */
        waits = !something_there(ch, mine->slot) || MUTATE("watch: no second look");
        if (waits) {
            a32_store(&mine->linked, ARMED);
            waitq_append(&ch->recvq, mine);
            ch->parked_at = (char *)mine; /* there is no item to fetch */
        }
    }
    chan_unlock(ch);
    return waits;
}

void weir__watch_arm(struct party *self, struct chan *ch, weir_handle h)
{
    struct watch *w = watch_get(ch, h);
    if (!w)
        return;
    if (!MUTATE("watch: cleared late"))
        os_event_clear(w->event);
    bool armed = arm(self, ch, w, h);
    if (MUTATE("watch: cleared late"))
        os_event_clear(w->event);
    if (!armed)
        os_event_set(w->event);
}

/* ---- making one ---------------------------------------------------------------------------- */

static struct watch *watch_new(struct slot *s, int *rc)
{
    struct watch *w = os_alloc(sizeof *w);
    *rc = w ? os_event_open() : WEIR_ENOMEM;
    if (*rc < 0) {
        os_free(w, sizeof *w);
        return NULL;
    }
    *w = (struct watch){.event = *rc};
    w->party.ops = &watch_ops;
    w->party.waiter.slot = s;
    w->party.waiter.select = w->party.waiter.watch = true;
    return w;
}

/* Under the lock: hang it there. What was not needed because somebody else was faster is kept. */
static void watch_add(struct chan *ch, struct watch **w, struct extras **extras)
{
    struct extras *x = chan_extras(ch);
    if (!x) {
        x = *extras;
        *extras = NULL;
        aptr_store_release(&ch->extras, x); /* pairs with chan_extras() */
    }
    if (watch_find(ch, (*w)->party.waiter.slot))
        return;
    (*w)->next = aptr_load(&x->watches);
    aptr_store(&x->watches, *w);
    *w = NULL;
}

/* 0 or an error. */
static int watch_make(struct chan *ch, weir_handle h, struct slot *s)
{
    int rc;
    struct watch *w = watch_new(s, &rc);
    struct extras *x = w ? os_alloc(sizeof *x) : NULL;
    if (!x) {
        rc = w ? WEIR_ENOMEM : rc;
    } else {
        *x = (struct extras){.drop = NULL};
        lock_acquire(&ch->lock, 0);
        rc = handle_open(s, h) ? 0 : WEIR_ECLOSED;
        if (rc == 0)
            watch_add(ch, &w, &x);
        chan_unlock(ch);
    }
    if (w)
        os_event_close(w->event);
    os_free(w, sizeof *w);
    os_free(x, sizeof *x);
    return rc;
}

static int receiver_fd(weir_handle h)
{
    struct slot *s = handle_get(h, RECEIVER);
    if (!s)
        return weir__handle_error(h, RECEIVER);
    struct chan *ch = s->object;
    if (ch->kind == TICKS)
        return WEIR_EINVAL; /* nobody sends, so nobody would set it */
    struct watch *w = watch_get(ch, h);
    if (!w) {
        int rc = watch_make(ch, h, s);
        if (rc < 0)
            return rc;
        w = watch_get(ch, h);
    }
    return w ? os_event_dup(w->event) : WEIR_ECLOSED; /* by another, just now */
}

int weir_receiver_fd(weir_receiver rx)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int rc = receiver_fd(rx.h);
    party_leave(self);
    return rc;
}
