/* SPDX-License-Identifier: MIT */
/* linger.c - see linger.h. */
#include "linger.h"

#define LINGER_TIME (2 * WEIR_S)

/* ---- gone ---------------------------------------------------------------------------------- */

static void socket_release(struct retired *r, struct thread *t)
{
    weir__descriptor_free(&container_of(r, struct socket, retired)->d, t);
}

static void end(struct socket *s, struct thread *t)
{
    weir__descriptor_shut(&s->d, s->released);
    if (!s->released) {
        if (s->aborts || s->torn || s->middle ||
            s->rest.size > 0) { /* what is cut off has no end */
            struct linger none = {1, 0};
            s->d.net->setsockopt(s->d.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        }
        s->d.net->close(s->d.fd);
    }
    weir_chunk_free(&s->rest);
    weir__retire(t, &s->retired, socket_release);
}

/* ---- a step: by one at a time -------------------------------------------------------------- */

/* False: nothing more will come, or too much has. */
static bool discard(struct socket *s)
{
    char scrap[4096] = {0};
    while (s->discarded < LINGER_DISCARDS) {
        int k = weir__socket_receive(s, &(struct iovec){scrap, sizeof scrap}, 1, NULL);
        if (k <= 0)
            return k == EMPTY;
        s->discarded += (uint32_t)k;
    }
    return false;
}

/* False: there is nothing left to do. */
static bool step(struct socket *s)
{
    if (s->rest.size > 0) {
        int k = weir__socket_push_rest(s);
        if (k <= 0)
            return k == FULL;
    }
    if (!s->eof) {
        s->d.net->shutdown(s->d.fd, SHUT_WR);
        s->eof = true;
    }
    return !s->in.over && discard(s);
}

/* ---- the poller's list --------------------------------------------------------------------- */

/* Under its lock. Those that have not been looked at come first, then the others by time. */
static void add_last(struct netpoll *p, struct socket *s)
{
    s->next = NULL;
    s->prev = p->last;
    *(p->last ? &p->last->next : &p->first) = s;
    p->last = s;
}

static void add_first(struct netpoll *p, struct socket *s)
{
    s->prev = NULL;
    s->next = p->first;
    *(p->first ? &p->first->prev : &p->last) = s;
    p->first = s;
}

/* From now on it is the poller's, which has to look at once: events that came before are lost. */
static void list_add(struct netpoll *p, struct socket *s)
{
    lock_acquire(&p->linger_lock, 0);
    s->until = 0;
    add_first(p, s);
    a8_store(&s->d.more, 1);
    aptr_store_release(&s->lingers, p);
    lock_release(&p->linger_lock, 0);
}

static void take_out(struct netpoll *p, struct socket *s)
{
    *(s->prev ? &s->prev->next : &p->first) = s->next;
    *(s->next ? &s->next->prev : &p->last) = s->prev;
}

static void list_remove(struct netpoll *p, struct socket *s)
{
    lock_acquire(&p->linger_lock, 0);
    take_out(p, s);
    lock_release(&p->linger_lock, 0);
}

static void list_looked_at(struct netpoll *p, struct socket *s)
{
    lock_acquire(&p->linger_lock, 0);
    take_out(p, s);
    s->until = weir_after(LINGER_TIME);
    add_last(p, s);
    lock_release(&p->linger_lock, 0);
}

static struct socket *list_first(struct netpoll *p)
{
    lock_acquire(&p->linger_lock, 0);
    struct socket *s = p->first;
    lock_release(&p->linger_lock, 0);
    return s;
}

static void go_on(struct netpoll *p, struct socket *s, struct thread *t)
{
    if (step(s))
        return;
    list_remove(p, s);
    end(s, t);
}

bool weir__linger_event(struct socket *s, struct thread *t)
{
    struct netpoll *p = aptr_load_acquire(&s->lingers); /* pairs with weir__linger_begin() */
    if (p)
        go_on(p, s, t);
    return p != NULL;
}

void weir__linger_look(struct netpoll *p, struct thread *t, bool all)
{
    struct socket *s;
    while ((s = list_first(p)) && (all || s->until <= weir_now())) {
        if (!all && s->until == 0) {
            list_looked_at(p, s);
            go_on(p, s, t);
        } else {
            if (!all)
                step(s); /* whoever looks may come late */
            list_remove(p, s);
            end(s, t);
        }
    }
}

weir_time weir__linger_until(struct netpoll *p)
{
    lock_acquire(&p->linger_lock, 0);
    weir_time until = p->first ? p->first->until : WEIR_NEVER;
    lock_release(&p->linger_lock, 0);
    return until;
}

/* ---- begin --------------------------------------------------------------------------------- */

/* Is there something of the peer's that nobody has read? */
static bool is_unread(struct socket *s)
{
    if (s->in.over || is_idle(&s->d, &s->in))
        return false;
    s->discarded = 0;
    return discard(s) ? s->discarded > 0 : s->discarded >= LINGER_DISCARDS;
}

/* False: the poller has gone. While it is the descriptor's, under home_lock, it stays. */
static bool hand_over(struct socket *s)
{
    lock_acquire(&s->d.home_lock, 0);
    struct netpoll *p = aptr_load(&s->d.home);
    if (p) {
        list_add(p, s);
        p->poller.ops->wake(&p->poller);
    }
    lock_release(&s->d.home_lock, 0);
    return p != NULL;
}

/* An event whose poller has found `out` closed may be about to send the rest, too. */
static void take_it(struct socket *s)
{
    lock_acquire(&s->stream.lock, 0);
    s->left = !MUTATE("net: rest sent by two");
    lock_release(&s->stream.lock, 0);
}

void weir__linger_begin(struct socket *s, struct thread *t)
{
    take_it(s);
    bool cut = s->released || s->aborts || s->torn || s->middle;
    if (cut || (s->rest.size == 0 && !is_unread(s)) ||
        weir__descriptor_add(&s->d, s->rest.size > 0) < 0 || !step(s) || !hand_over(s))
        end(s, t);
}
