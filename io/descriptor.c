/* SPDX-License-Identifier: MIT */
/* descriptor.c - see descriptor.h. */
#include "descriptor.h"

static struct pool descriptors = {
    .base = NULL,
    .stride = DESCRIPTOR_ROOM,
    .link_at = offsetof(struct descriptor, net), /* a poller that goes looks at all the others */
    .limit = 1u << 24,
};

void *weir__descriptor_alloc(struct thread *t)
{
    struct descriptor *d = pool_get(&descriptors, &t->descriptors);
    if (d)
        __builtin_memset(&d->fd, 0, DESCRIPTOR_ROOM - offsetof(struct descriptor, fd));
    return d;
}

void weir__descriptor_free(struct descriptor *d, struct thread *t)
{
    pool_put(&descriptors, &t->descriptors, d);
}

static void next_generation(struct descriptor *d)
{
    a32_store_release(&d->generation, a32_load(&d->generation) + 1); /* weir__net_event() */
}

void weir__descriptor_open(struct descriptor *d)
{
    next_generation(d);
}

void weir__descriptor_shut(struct descriptor *d, bool stays)
{
    next_generation(d);
    lock_acquire(&d->home_lock, 0); /* under it the poller does not go */
    struct netpoll *p = aptr_load(&d->home);
    if (p && stays)
        d->net->poll_remove(p->set, d->fd);
    if (p)
        weir__netpoll_leave(p);
    aptr_store(&d->home, NULL);
    lock_release(&d->home_lock, 0);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* What is told with an event. */
uint64_t weir__descriptor_name(const struct descriptor *d)
{
    return (uint64_t)a32_load(&d->generation) << 32 | pool_index(&descriptors, d);
}

struct descriptor *weir__descriptor_named(uint64_t name)
{
    struct descriptor *d = pool_at(&descriptors, (uint32_t)name);
    return name && a32_load_acquire(&d->generation) == name >> 32 ? d : NULL;
}

/* Under home_lock. */
static int add_locked(struct descriptor *d, bool sends)
{
    struct netpoll *p = aptr_load(&d->home);
    if (p)
        return sends && !a8_load(&d->sends)
                   ? d->net->poll_sends(p->set, d->fd, weir__descriptor_name(d))
                   : 0;
    int rc = weir__netpoll_here(d->net, &p);
    if (rc < 0)
        return rc;
    rc = d->net->poll_add(p->set, d->fd, weir__descriptor_name(d), sends || a8_load(&d->sends));
    if (rc == 0)
        aptr_store_release(&d->home, p);
    else
        weir__netpoll_leave(p);
    return rc;
}

/* From now on there are events. Adding it reports what is there by now. */
int weir__descriptor_add(struct descriptor *d, bool sends)
{
    lock_acquire(&d->home_lock, 0);
    int rc = add_locked(d, sends);
    if (rc == 0 && sends)
        a8_store(&d->sends, 1);
    lock_release(&d->home_lock, 0);
    return rc;
}

int weir__descriptor_idle(struct descriptor *d, struct direction *way, bool sends, uint32_t edges)
{
    int rc = descriptor_is_added_for(d, sends) ? 0 : weir__descriptor_add(d, sends);
    if (rc < 0)
        return net_error(rc);
    way->edges = edges;
    way->idle = true;
    return EMPTY;
}

/* Who waits is served. A channel that is closed is taken from here before it is retired. */
static void happened(struct descriptor *d, uint32_t what)
{
    if (what & NET_HANGUP && !MUTATE("net: hang-up not seen"))
        a8_store(&d->hung_up, 1);
    if (!MUTATE("net: edge counted late"))
        a32_add(&d->edges, 1);
    a_after_rmw(); /* pairs with request_lock(): see descriptor.h */
    struct chan *in = aptr_load_acquire(&d->in), *out = aptr_load_acquire(&d->out);
    if (in && what & (NET_IN | NET_HANGUP) && fed_is_waited_on(in, RECEIVER))
        weir__fed_serve(in);
    if (out && what & (NET_OUT | NET_HANGUP) && fed_is_waited_on(out, SENDER))
        weir__fed_serve(out);
    if (MUTATE("net: edge counted late"))
        a32_add(&d->edges, 1);
}

void weir__net_event(const struct net_event *e, struct thread *t)
{
    struct descriptor *d = weir__descriptor_named(e->data);
    if (!d)
        return;
    happened(d, e->what);
    if (a8_load(&d->more))
        weir__socket_more(d, t);
}

/* False: it was not added there. */
static bool leave_home(struct descriptor *d, const struct netpoll *p)
{
    if (aptr_load(&d->home) != p)
        return false;
    lock_acquire(&d->home_lock, 0);
    bool was = aptr_load(&d->home) == p;
    if (was)
        aptr_store(&d->home, NULL);
    lock_release(&d->home_lock, 0);
    return was;
}

/*
 * Whoever waits asks again, and adds it elsewhere. Those that linger are not told: from the moment
 * it has left p, a descriptor may linger at another poller, whose alone it is.
 */
void weir__net_poll_ends(struct netpoll *p, struct thread *t)
{
    uint32_t end = weir__pool_end(&descriptors);
    for (uint32_t i = 0; i < end; i++) {
        struct descriptor *d = pool_at(&descriptors, i);
        if (!leave_home(d, p) || !(a32_load_acquire(&d->generation) & 1))
            continue;
        happened(d, NET_IN | NET_OUT);
        if (MUTATE("net: a poller that goes tells who lingers"))
            weir__socket_more(d, t);
        else if (a8_load(&d->more))
            weir__socket_rest(d);
    }
}
