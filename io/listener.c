/* SPDX-License-Identifier: MIT */
/* listener.c - see listener.h. */
#include "listener.h"

#include <errno.h>

#include "attributes.h"
#include "socket.h"
#include "watch.h"

struct listener;

/* One of its sockets: an object of the descriptors' pool. */
struct listening {
    struct descriptor d;
    struct direction in; /* of which the feeder is the listener's */
    unsigned flags;      /* enum socket_flag, of its connections */
};

/* What is received. */
struct accepted {
    int fd;
    unsigned flags;
};

_Static_assert(sizeof(struct listening) <= DESCRIPTOR_ROOM, "it fits");

/* Where those were that it was merged of. */
struct places {
    struct places *next;
    struct place place;
};

struct listener {
    struct feeder feeder;
    const struct net *net;
    unsigned n, next;
    bool shared;         /* under the lock: others have descriptors of the same sockets */
    struct place place;  /* to be removed at the end, or empty; changed under the lock */
    struct places *more; /* the same */
    struct retired retired;
    struct listening *sockets[LISTENER_SOCKETS];
};

static struct listener *listener_of(struct feeder *f)
{
    return container_of(f, struct listener, feeder);
}

/* ---- under the lock ------------------------------------------------------------------------ */

enum { BROKEN_IN_A_ROW = 16 };

/* A connection that its peer gave up, or that broke before it was accepted (accept(2)). */
static bool is_gone_already(int rc)
{
    return rc == -ECONNABORTED || rc == -EPROTO || rc == -ENETDOWN || rc == -ENOPROTOOPT ||
           rc == -EHOSTDOWN || rc == -ENONET || rc == -EHOSTUNREACH || rc == -EOPNOTSUPP ||
           rc == -ENETUNREACH || rc == -EPERM;
}

bool weir__accept_is_broken(int rc)
{
    return is_gone_already(rc) || rc == net_error(-EPERM);
}

/*
 * 1, EMPTY or an error. Of what is gone already nobody hears; but it may never end - a firewall
 * says -EPERM and leaves the connection where it is -, and we have the lock.
 */
static int accept_one(struct listening *l, struct accepted *out)
{
    if (is_idle(&l->d, &l->in))
        return EMPTY;
    for (int broken = 0;;) {
        uint32_t edges = descriptor_edges(&l->d);
        int rc = l->d.net->accept(l->d.fd);
        if (rc == -EAGAIN)
            return weir__descriptor_idle(&l->d, &l->in, false, edges);
        if (rc >= 0) {
            *out = (struct accepted){rc, l->flags};
            return 1;
        }
        broken += is_gone_already(rc);
        if (rc != -EINTR && (!is_gone_already(rc) || broken == BROKEN_IN_A_ROW))
            return net_error(rc);
    }
}

static bool ready(struct feeder *f)
{
    const struct listener *l = listener_of(f);
    for (unsigned i = 0; i < l->n; i++)
        if (!is_idle(&l->sockets[i]->d, &l->sockets[i]->in))
            return true;
    return false;
}

/* From the sockets in turn. */
static int pop(struct feeder *f, struct waiter *w)
{
    struct listener *l = listener_of(f);
    int rc = EMPTY;
    if (w->bytes)
        return ready(f) ? 1 : EMPTY;
    for (unsigned k = 0; k < l->n && rc == EMPTY; k++) {
        rc = accept_one(l->sockets[l->next], (struct accepted *)(void *)w->items);
        l->next = l->next + 1 < l->n ? l->next + 1 : 0;
    }
    l->feeder.chan->handed += rc > 0;
    return rc;
}

/* ---- open and close ------------------------------------------------------------------------ */

static void free_places(struct places *p)
{
    for (struct places *next; p; p = next) {
        next = p->next;
        os_free(p, sizeof *p);
    }
}

static void release(struct retired *r, struct thread *t)
{
    struct listener *l = container_of(r, struct listener, retired);
    for (unsigned i = 0; i < l->n; i++)
        weir__descriptor_free(&l->sockets[i]->d, t);
    free_places(l->more);
    os_free(l, sizeof *l);
}

static void deserted(struct feeder *f, struct thread *t)
{
    struct listener *l = listener_of(f);
    weir__place_remove(l->net, &l->place); /* while the socket lives, nobody takes it for dead */
    for (const struct places *p = l->more; p; p = p->next)
        weir__place_remove(l->net, &p->place);
    for (unsigned i = 0; i < l->n; i++) {
        weir__descriptor_shut(&l->sockets[i]->d, l->shared);
        aptr_store_release(&l->sockets[i]->d.in, NULL);
        l->net->close(l->sockets[i]->d.fd);
    }
    weir__retire(t, &l->retired, release);
}

static const struct feed feed = {.pop = pop, .ready = ready, .deserted = deserted, .shared = true};

static int open_feeder(struct listener *l, struct thread *t)
{
    return weir__fed_open(&l->feeder, &feed, t, sizeof(struct accepted), 0, true);
}

static int open_sockets(struct listener *l, struct thread *t, const int *fds, unsigned n,
                        unsigned flags)
{
    for (; l->n < n; l->n++) {
        struct listening *one = weir__descriptor_alloc(t);
        if (!one)
            return WEIR_ENOMEM;
        one->d.net = l->net;
        one->d.fd = fds[l->n];
        one->flags = flags;
        l->sockets[l->n] = one;
    }
    return open_feeder(l, t);
}

weir_listener weir__listener_open(struct party *self, const struct net *net, const int *fds,
                                  unsigned n, unsigned flags)
{
    struct listener *l = os_alloc(sizeof *l);
    if (!l)
        return (weir_listener){handle_null(WEIR_ENOMEM)};
    *l = (struct listener){.net = net};
    struct slot *slot = weir__slot_reserve(self);
    int rc = slot ? open_sockets(l, self->thread, fds, n, flags) : weir__slot_refused();
    if (!slot || rc < 0) {
        if (slot)
            weir__slot_cancel(self, slot);
        release(&l->retired, self->thread);
        return (weir_listener){handle_null(rc)};
    }
    if (net->simulated)
        fed_inside(&l->feeder);
    for (unsigned i = 0; i < n; i++) {
        aptr_store(&l->sockets[i]->d.in, l->feeder.chan);
        weir__descriptor_open(&l->sockets[i]->d);
    }
    return (weir_listener){weir__slot_publish(self, slot, RECEIVER, l->feeder.chan)};
}

weir_listener weir_listener_clone(weir_listener l)
{
    return (weir_listener){weir_receiver_clone((weir_receiver){l.h}).h};
}

/* ---- accept -------------------------------------------------------------------------------- */

/* The listener of an open handle, inside an operation; or NULL and the error. */
static struct listener *listener_get(weir_listener h, int *rc)
{
    struct slot *s = handle_get(h.h, RECEIVER);
    struct chan *ch = s ? s->object : NULL;
    if (ch && ch->kind == FED && ch->feeder->feed == &feed) {
        *rc = 0;
        return listener_of(ch->feeder);
    }
    *rc = s ? WEIR_EBADF : weir__handle_error(h.h, RECEIVER);
    return NULL;
}

/* The listener may be closed by now; what was accepted is ours. */
static int make_stream(const struct net *net, struct accepted a, weir_stream *out)
{
    struct party *self = party_enter();
    if (!self) {
        net->close(a.fd);
        return party_refusal();
    }
    *out = weir__socket_open(self, net, a.fd, a.flags);
    int rc = weir_handle_check(out->h);
    if (rc < 0)
        net->close(a.fd);
    party_leave(self);
    return rc < 0 ? rc : 1;
}

static int accept_until(weir_listener h, weir_stream *out, weir_time deadline)
{
    struct accepted a;
    int rc;
    if (!out)
        return WEIR_EINVAL;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    const struct listener *l = listener_get(h, &rc);
    const struct net *net = l ? l->net : NULL;
    party_leave(self);
    if (!net)
        return rc;
    weir_receiver rx = {h.h};
    rc = deadline == WEIR_TRY ? weir_try_recv_item(rx, &a, sizeof a)
                              : weir_recv_item(rx, &a, sizeof a, deadline);
    return rc > 0 ? make_stream(net, a, out) : rc;
}

int weir_accept_by(weir_listener h, weir_stream *out, weir_time deadline)
{
    return accept_until(h, out, until(deadline));
}

int weir_accept(weir_listener h, weir_stream *out)
{
    return accept_until(h, out, WEIR_NEVER);
}

int weir_try_accept(weir_listener h, weir_stream *out)
{
    return accept_until(h, out, WEIR_TRY);
}

/* ---- select -------------------------------------------------------------------------------- */

static int case_try(void *object, void *item)
{
    return weir_try_accept((weir_listener){(weir_handle)(uintptr_t)object}, item);
}

/* Waits until something might be had, and takes nothing: so nothing is lost when another fires. */
static int case_arm(void *object, weir_case *below)
{
    int rc;
    weir_handle h = (weir_handle)(uintptr_t)object;
    const struct listener *l = listener_get((weir_listener){h}, &rc);
    if (l)
        *below = weir__on_fed(h, l->feeder.chan, false);
    return rc;
}

static void case_disarm(void *object, int rc)
{
    (void)object, (void)rc;
}

weir_case weir_on_accept(weir_listener l, weir_stream *out)
{
    static const weir_source source = {case_try, case_arm, case_disarm};
    return weir_on_source(&source, (void *)(uintptr_t)l.h, out);
}

/* ---- attributes ---------------------------------------------------------------------------- */

int weir_listener_get_item(weir_listener h, unsigned i, weir_attribute attribute, void *value,
                           size_t size)
{
    int rc;
    if (!value)
        return WEIR_EINVAL;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct listener *l = listener_get(h, &rc);
    if (l) {
        struct chan *ch = l->feeder.chan;
        lock_acquire(&ch->lock, 0); /* while it is open its descriptors are */
        rc = ch->receivers == 0 ? WEIR_ECLOSED
             : i >= l->n || attribute > WEIR_SOCKET_LOCAL
                 ? WEIR_ENOENT
                 : weir__socket_attribute(&l->sockets[i]->d, NULL, attribute, value, size);
        chan_unlock(ch);
    }
    party_leave(self);
    return rc;
}

int weir_listener_port(weir_listener l)
{
    weir_address at = {.port = 0};
    int rc = weir_listener_get(l, 0, WEIR_SOCKET_LOCAL, &at);
    return rc < 0 ? rc : at.port;
}

/* ---- for others ---------------------------------------------------------------------------- */

void weir__listener_keep_place(weir_listener h, const struct place *place)
{
    int rc;
    struct listener *l = listener_get(h, &rc);
    if (l)
        l->place = *place;
}

static int duplicate(struct listener *l, int fds[LISTENER_SOCKETS])
{
    unsigned n = 0;
    int rc = l->feeder.chan->receivers == 0 ? WEIR_ECLOSED : 0;
    for (; rc == 0 && n < l->n; n++) {
        fds[n] = l->net->dup(l->sockets[n]->d.fd);
        if (fds[n] < 0) {
            rc = fds[n];
            break;
        }
    }
    if (rc < 0)
        while (n > 0)
            l->net->close(fds[--n]);
    return rc < 0 ? rc : (int)n;
}

int weir__listener_share(weir_listener h, int fds[LISTENER_SOCKETS], const struct net **net)
{
    int rc;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct listener *l = listener_get(h, &rc);
    if (l) {
        lock_acquire(&l->feeder.chan->lock, 0);
        rc = duplicate(l, fds);
        *net = l->net;
        chan_unlock(l->feeder.chan);
    }
    party_leave(self);
    return rc;
}

void weir__listener_shared(weir_listener h)
{
    int rc;
    struct party *self = party_enter();
    struct listener *l = self ? listener_get(h, &rc) : NULL;
    if (l) {
        lock_acquire(&l->feeder.chan->lock, 0);
        l->shared = true;
        l->place.path[0] = 0;
        for (struct places *p = l->more; p; p = p->next)
            p->place.path[0] = 0;
        chan_unlock(l->feeder.chan);
    }
    if (self)
        party_leave(self);
}

/* ---- several as one ----------------------------------------------------------------------------
 *
 * Their sockets change hands under all their locks. An event that is being delivered meanwhile has
 * been counted before its poller looks for the channel: if it still finds the old one, the new
 * listener's first look at this socket comes later, and asks the system.
 */

struct merge {
    struct party *self;
    struct listener *to;
    const struct net *net; /* of all */
    struct places *spare;  /* one for each part */
    unsigned n;
    struct part {
        weir_handle h;
        struct slot *slot;
        struct listener *listener;
        struct party *owner; /* of the handle, when it is closed, and who polled it */
        struct watch *watch;
    } parts[LISTENER_SOCKETS];
};

/* In the order of the locks. 0 or an error. */
static int add_part(struct merge *m, weir_listener l)
{
    int rc;
    struct part p = {.h = l.h, .slot = handle_slot(l.h), .listener = listener_get(l, &rc)};
    if (!p.listener)
        return rc;
    m->net = p.listener->net;
    unsigned i = m->n;
    for (; i > 0 &&
           chan_order(m->parts[i - 1].listener->feeder.chan) > chan_order(p.listener->feeder.chan);
         i--)
        m->parts[i] = m->parts[i - 1];
    if (i > 0 && m->parts[i - 1].listener == p.listener)
        return WEIR_EINVAL;
    m->parts[i] = p;
    m->n++;
    return 0;
}

/* Locks held. May its sockets be taken? */
static int examine(const struct merge *m, const struct part *p)
{
    const struct chan *ch = p->listener->feeder.chan;
    const struct party *owner = aptr_load(&p->slot->owner);
    if (!handle_open(p->slot, p->h))
        return WEIR_ECLOSED;
    if (ch->receivers > 1 || ch->recvq.first || (owner && owner != m->self))
        return WEIR_EBUSY;
    return p->listener->net == m->net ? 0 : WEIR_EINVAL;
}

static void take_places(struct merge *m, struct listener *from)
{
    struct listener *to = m->to;
    if (from->place.path[0]) {
        struct places *p = m->spare;
        m->spare = p->next;
        *p = (struct places){to->more, from->place};
        to->more = p;
        from->place.path[0] = 0;
    }
    while (from->more) {
        struct places *p = from->more;
        from->more = p->next;
        p->next = to->more;
        to->more = p;
    }
    to->shared = to->shared || from->shared;
}

static void take_sockets(struct listener *to, struct listener *from)
{
    for (unsigned i = 0; i < from->n; i++) {
        struct listening *s = from->sockets[i];
        to->sockets[to->n++] = s;
        s->in.idle = false;
        aptr_store_release(&s->d.in, to->feeder.chan); /* pairs with happened() */
    }
    from->n = from->next = 0;
}

/* Locks held: no clone and no call comes between the taking and the closing. */
static void take_part(struct merge *m, struct part *p)
{
    take_places(m, p->listener);
    take_sockets(m->to, p->listener);
    p->owner = slot_shut(p->slot);
    p->watch = weir__watch_take(p->listener->feeder.chan, p->slot);
}

static void close_part(const struct merge *m, const struct part *p)
{
    weir__fed_close(m->self, p->listener->feeder.chan, RECEIVER, p->slot);
    weir__slot_release(m->self, p->slot, p->owner);
    if (p->watch)
        weir__watch_end(m->self, p->watch);
}

static int take_all(struct merge *m)
{
    int rc = 0;
    unsigned sum = 0;
    for (unsigned i = 0; i < m->n; i++)
        lock_acquire(&m->parts[i].listener->feeder.chan->lock, 0);
    for (unsigned i = 0; i < m->n && rc == 0; i++) {
        rc = examine(m, &m->parts[i]);
        sum += m->parts[i].listener->n;
    }
    if (rc == 0 && sum > LISTENER_SOCKETS)
        rc = WEIR_EINVAL;
    for (unsigned i = 0; i < m->n && rc == 0; i++)
        take_part(m, &m->parts[i]);
    for (unsigned i = m->n; i-- > 0;)
        chan_unlock(m->parts[i].listener->feeder.chan);
    for (unsigned i = 0; i < m->n && rc == 0; i++)
        close_part(m, &m->parts[i]);
    return rc;
}

static weir_handle merge_into(struct merge *m)
{
    struct slot *slot = weir__slot_reserve(m->self);
    int rc = slot ? open_feeder(m->to, m->self->thread) : weir__slot_refused();
    bool opened = slot && rc == 0;
    if (rc == 0)
        rc = take_all(m);
    if (rc == 0)
        return weir__slot_publish(m->self, slot, RECEIVER, m->to->feeder.chan);
    if (opened)
        weir__fed_drop(&m->to->feeder, m->self->thread);
    if (slot)
        weir__slot_cancel(m->self, slot);
    release(&m->to->retired, m->self->thread);
    return handle_null(rc);
}

static int allocate(struct merge *m)
{
    if (!(m->to = os_alloc(sizeof *m->to)))
        return WEIR_ENOMEM;
    *m->to = (struct listener){.net = m->net};
    for (unsigned i = 0; i < m->n; i++) {
        struct places *p = os_alloc(sizeof *p);
        if (!p) {
            os_free(m->to, sizeof *m->to);
            return WEIR_ENOMEM;
        }
        p->next = m->spare;
        m->spare = p;
    }
    return 0;
}

static weir_handle merge(struct party *self, const weir_listener *l, unsigned n)
{
    struct merge m = {.self = self};
    int rc = l && n >= 1 && n <= LISTENER_SOCKETS ? 0 : WEIR_EINVAL;
    for (unsigned i = 0; i < n && rc == 0; i++)
        rc = add_part(&m, l[i]);
    if (rc == 0)
        rc = allocate(&m);
    weir_handle h = rc == 0 ? merge_into(&m) : handle_null(rc);
    free_places(m.spare);
    return h;
}

weir_listener weir_listener_merge(const weir_listener *l, unsigned n)
{
    struct party *self = party_enter();
    if (!self)
        return (weir_listener){handle_null(party_refusal())};
    weir_handle h = merge(self, l, n);
    party_leave(self);
    return (weir_listener){h};
}
