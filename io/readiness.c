/* SPDX-License-Identifier: MIT */
/*
 * readiness.c - waits for a descriptor that is the user's: see weir/descriptor.h.
 *
 * Two FED channels for which nothing is ever received or sent: all requests are for no bytes.
 * Whether something is there the kernel is asked each time, because the user reads behind our back;
 * events only tell when to ask again. What is watched is a duplicate, so that its number means
 * nothing else before we have closed it.
 */
#include <weir/descriptor.h>

#include "descriptor.h"
#include "handle.h"
#include "wait.h"

struct readiness {
    struct descriptor d;
    struct object object;
    struct direction in, out;
    a32 users; /* of two: the directions that are open */
    struct retired retired;
};

_Static_assert(sizeof(struct readiness) <= DESCRIPTOR_ROOM, "it fits");

/* ---- under the lock of a direction --------------------------------------------------------- */

static int look(struct readiness *r, struct direction *way, bool out)
{
    uint32_t edges = descriptor_edges(&r->d);
    if (is_idle(&r->d, way))
        return EMPTY;
    int rc = descriptor_ready(&r->d, out);
    return rc == 0 ? weir__descriptor_idle(&r->d, way, out, edges) : rc < 0 ? net_error(rc) : 1;
}

static int pop(struct feeder *f, struct waiter *w)
{
    (void)w;
    struct readiness *r = container_of(f, struct readiness, in.feeder);
    return look(r, &r->in, false);
}

static int push(struct feeder *f, struct waiter *w)
{
    (void)w;
    struct readiness *r = container_of(f, struct readiness, out.feeder);
    return look(r, &r->out, true);
}

static bool ready(struct feeder *f)
{
    (void)f;
    return true; /* it is worth asking */
}

/* ---- the handle ---------------------------------------------------------------------------- */

static void release(struct retired *retired, struct thread *t)
{
    weir__descriptor_free(&container_of(retired, struct readiness, retired)->d, t);
}

static void direction_over(struct readiness *r, struct thread *t)
{
    if (a32_add(&r->users, UINT32_MAX) != 1)
        return;
    a_after_rmw();
    weir__descriptor_shut(&r->d, true);
    r->d.net->close(r->d.fd);
    weir__retire(t, &r->retired, release);
}

static void in_deserted(struct feeder *f, struct thread *t)
{
    struct readiness *r = container_of(f, struct readiness, in.feeder);
    aptr_store_release(&r->d.in, NULL);
    direction_over(r, t);
}

static void out_deserted(struct feeder *f, struct thread *t)
{
    struct readiness *r = container_of(f, struct readiness, out.feeder);
    aptr_store_release(&r->d.out, NULL);
    direction_over(r, t);
}

static const struct feed in_feed = {.pop = pop, .ready = ready, .deserted = in_deserted};
static const struct feed out_feed = {.push = push, .ready = ready, .deserted = out_deserted};

static int close_handle(struct party *self, weir_handle h);
static int move_handle(struct party *self, weir_handle h, struct party *to);
static const struct object_type type = {close_handle, move_handle};

static struct readiness *readiness_of(struct object *o)
{
    return container_of(o, struct readiness, object);
}

/* Under the lock of `in`, if that is open: its slot; or NULL, unlocked. */
static struct slot *lock_open(weir_handle h, struct readiness **out, int *rc)
{
    struct object *o = weir__object_get(h, &type, rc);
    if (!o)
        return NULL;
    struct slot *slot = handle_slot(h);
    *out = readiness_of(o);
    lock_acquire(&(*out)->in.feeder.chan->lock, 0);
    if (handle_open(slot, h))
        return slot;
    chan_unlock((*out)->in.feeder.chan);
    *rc = WEIR_ECLOSED;
    return NULL;
}

static int close_handle(struct party *self, weir_handle h)
{
    struct readiness *r;
    int rc;
    struct slot *slot = lock_open(h, &r, &rc);
    if (!slot)
        return rc;
    struct party *owner = slot_shut(slot);
    chan_unlock(r->in.feeder.chan);
    weir__fed_close(self, r->in.feeder.chan, RECEIVER, NULL);
    weir__fed_close(self, r->out.feeder.chan, SENDER, NULL);
    weir__slot_release(self, slot, owner);
    return 0;
}

static int move_handle(struct party *self, weir_handle h, struct party *to)
{
    struct readiness *r;
    int rc;
    struct slot *slot = lock_open(h, &r, &rc);
    if (!slot)
        return rc;
    rc = weir__slot_move(self, slot, to);
    chan_unlock(r->in.feeder.chan);
    return rc < 0 ? rc : 0;
}

/* ---- open ---------------------------------------------------------------------------------- */

static int open_ends(struct readiness *r, struct thread *t)
{
    int rc = weir__fed_open(&r->in.feeder, &in_feed, t, 1, 0, false);
    if (rc < 0)
        return rc;
    rc = weir__fed_open(&r->out.feeder, &out_feed, t, 1, 0, false);
    if (rc < 0)
        weir__fed_drop(&r->in.feeder, t);
    return rc;
}

static weir_handle open_watch(struct party *self, const struct net *net, int fd)
{
    struct readiness *r = weir__descriptor_alloc(self->thread);
    if (!r)
        return handle_null(WEIR_ENOMEM);
    r->object.type = &type;
    r->d.net = net;
    r->d.fd = fd;
    a32_store(&r->users, 2);
    struct slot *slot = weir__slot_reserve(self);
    int rc = slot ? open_ends(r, self->thread) : weir__slot_refused();
    if (rc < 0) {
        if (slot)
            weir__slot_cancel(self, slot);
        weir__descriptor_free(&r->d, self->thread);
        return handle_null(rc);
    }
    aptr_store(&r->d.in, r->in.feeder.chan);
    aptr_store(&r->d.out, r->out.feeder.chan);
    weir__descriptor_open(&r->d);
    return weir__slot_publish(self, slot, OBJECT, &r->object);
}

weir_descriptor weir_descriptor_open(int fd)
{
    const struct net *net = os_net_of(fd);
    int own = net->dup(fd);
    if (own < 0)
        return (weir_descriptor){handle_null(own)};
    struct party *self = party_enter();
    weir_descriptor d = {handle_null(party_refusal())};
    if (self) {
        d.h = open_watch(self, net, own);
        party_leave(self);
    }
    if (weir_handle_check(d.h) < 0)
        net->close(own);
    return d;
}

/* ---- wait ---------------------------------------------------------------------------------- */

static int refused(struct party *self, weir_time deadline)
{
    if (deadline == WEIR_TRY || party_is_plain(self))
        return 0;
    self->budget--;
    party_rest(self);
    return party_refused(self) ? WEIR_ECANCELED : 0;
}

static int wait_for(weir_handle h, bool out, weir_time deadline)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int rc = refused(self, deadline);
    struct object *o = rc == 0 ? weir__object_get(h, &type, &rc) : NULL;
    if (o) {
        struct readiness *r = readiness_of(o);
        struct direction *way = out ? &r->out : &r->in;
        rc = weir__fed_bytes(self, handle_slot(h), h, way->feeder.chan, out, NULL, 0, deadline);
    }
    party_leave(self);
    return rc;
}

int weir_wait_readable(weir_descriptor d, weir_time deadline)
{
    int rc = wait_for(d.h, false, until(deadline));
    return rc < 0 ? rc : 0;
}

int weir_wait_writable(weir_descriptor d, weir_time deadline)
{
    int rc = wait_for(d.h, true, until(deadline));
    return rc < 0 ? rc : 0;
}

/* ---- select -------------------------------------------------------------------------------- */

static weir_handle handle_in(void *object)
{
    return (weir_handle)(uintptr_t)object;
}

static int arm(void *object, bool out, weir_case *below)
{
    int rc;
    struct object *o = weir__object_get(handle_in(object), &type, &rc);
    if (o) {
        struct readiness *r = readiness_of(o);
        *below = weir__on_fed(handle_in(object), (out ? &r->out : &r->in)->feeder.chan, out);
    }
    return rc;
}

static int try_in(void *object, void *item)
{
    (void)item;
    return wait_for(handle_in(object), false, WEIR_TRY);
}

static int try_out(void *object, void *item)
{
    (void)item;
    return wait_for(handle_in(object), true, WEIR_TRY);
}

static int arm_in(void *object, weir_case *below)
{
    return arm(object, false, below);
}

static int arm_out(void *object, weir_case *below)
{
    return arm(object, true, below);
}

static void disarm(void *object, int rc)
{
    (void)object, (void)rc; /* it took nothing */
}

weir_case weir_on_readable(weir_descriptor d)
{
    static const weir_source source = {try_in, arm_in, disarm};
    return weir_on_source(&source, (void *)(uintptr_t)d.h, NULL);
}

weir_case weir_on_writable(weir_descriptor d)
{
    static const weir_source source = {try_out, arm_out, disarm};
    return weir_on_source(&source, (void *)(uintptr_t)d.h, NULL);
}
