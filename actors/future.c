/* SPDX-License-Identifier: MIT */
/*
 * future.c - see weir/future.h: a primitive (sync/sync.h) that hands out copies of its value.
 *
 * Who settles it copies the value to all that wait, under the lock, while they are parked. So a
 * wait that has ended well needs nothing more of the future, which may be closed by then.
 */
#include <weir/future.h>

#include <string.h>

#include "sync/sync.h"

enum { ANY_SIZE = INT_MAX }; /* in a want: of who does not want the value */

struct future {
    struct sync sync;
    uint32_t size;
    int error; /* of one that failed */
    a32 state; /* enum weir_future_states; written under the lock */
    char *value;
};

static struct future *future_of(const struct sync *s)
{
    return container_of(s, struct future, sync);
}

static void future_statistics(const struct sync *s, weir_sync_statistics *out)
{
    out->value = a32_load(&future_of(s)->state) != WEIR_FUTURE_PENDING;
    out->limit = 1;
}

static void future_release(struct sync *s)
{
    os_free(future_of(s)->value, future_of(s)->size);
}

static const struct sync_type future_type = {.object = {weir__sync_close, weir__sync_move},
                                             .noun = "future",
                                             .size = sizeof(struct future),
                                             .release = future_release,
                                             .statistics = future_statistics};

weir_future weir_future_open(size_t value_size)
{
    char *value = NULL;
    if (value_size > WEIR_ITEM_MAX)
        return (weir_future){handle_null(WEIR_EINVAL)};
    if (value_size > 0 && !(value = os_alloc(value_size)))
        return (weir_future){handle_null(WEIR_ENOMEM)};
    struct sync *s = weir__sync_new(&future_type);
    if (s) {
        future_of(s)->size = (uint32_t)value_size;
        future_of(s)->value = value;
    } else {
        os_free(value, value_size);
    }
    return (weir_future){weir__sync_publish(s)};
}

/* ---- settling ------------------------------------------------------------------------------ */

/* It is settled: what this one's call returns; it gets its copy. */
static int deliver(const struct future *f, const struct waiter *w)
{
    if (w->count == ANY_SIZE)
        return 0;
    switch (a32_load(&f->state)) {
    case WEIR_FUTURE_SET:
        if (f->size > 0 && !MUTATE("future: no copy"))
            memcpy(w->items, f->value, f->size);
        return 0;
    case WEIR_FUTURE_FAILED:
        return f->error;
    default:
        return WEIR_ENODATA;
    }
}

struct outcome {
    enum weir_future_states state;
    int error;
    const void *value;
    size_t size;
};

static int settle(struct party *self, struct sync *s, void *arg, struct wake_list *woken)
{
    const struct outcome *o = arg;
    struct future *f = future_of(s);
    struct waiter *w;
    (void)self;
    if (o->state == WEIR_FUTURE_SET && o->size != f->size)
        return WEIR_EITEM;
    if (a32_load(&f->state) != WEIR_FUTURE_PENDING && !MUTATE("future: settled twice"))
        return WEIR_EALREADY;
    f->error = o->error;
    if (o->size > 0)
        memcpy(f->value, o->value, o->size);
    a32_store_release(&f->state, o->state); /* pairs with weir_future_state() */
    while ((w = sync_first(s)))
        sync_hand(s, w, deliver(f, w), woken);
    return 0;
}

static int settle_it(weir_future future, struct outcome o)
{
    return weir__sync_change(future.h, &future_type, settle, &o);
}

int weir_future_set_sized(weir_future future, const void *value, size_t value_size)
{
    if (!value && value_size > 0)
        return WEIR_EINVAL;
    return settle_it(future, (struct outcome){WEIR_FUTURE_SET, 0, value, value_size});
}

int weir_future_fail(weir_future future, int error)
{
    if (error >= 0 || error == INT_MIN)
        return WEIR_EINVAL;
    return settle_it(future, (struct outcome){WEIR_FUTURE_FAILED, error, NULL, 0});
}

int weir_future_cancel(weir_future future)
{
    return settle_it(future, (struct outcome){WEIR_FUTURE_CANCELLED, 0, NULL, 0});
}

/* ---- waiting ------------------------------------------------------------------------------- */

static int await(struct party *self, struct sync *s, struct wake_list *woken)
{
    const struct future *f = future_of(s);
    const struct waiter *mine = &self->waiter;
    (void)woken;
    if (mine->count != ANY_SIZE && mine->count != f->size)
        return WEIR_EITEM;
    if (a32_load(&f->state) == WEIR_FUTURE_PENDING || MUTATE("future: not looked at"))
        return PARK;
    return deliver(f, mine);
}

static int get(weir_future future, void *value, size_t value_size, weir_time deadline)
{
    if (!value && value_size > 0)
        return WEIR_EINVAL;
    if (value_size > WEIR_ITEM_MAX)
        return WEIR_EITEM;
    struct want want = {(uint32_t)value_size, value};
    return weir__sync_acquire(future.h, &future_type, await, want, deadline);
}

int weir_future_get_sized(weir_future future, void *value, size_t value_size, weir_time deadline)
{
    return get(future, value, value_size, until(deadline));
}

int weir_future_try_get_sized(weir_future future, void *value, size_t value_size)
{
    return get(future, value, value_size, WEIR_TRY);
}

int weir_future_wait_by(weir_future future, weir_time deadline)
{
    struct want nothing = {ANY_SIZE, NULL};
    return weir__sync_acquire(future.h, &future_type, await, nothing, until(deadline));
}

int weir_future_state(weir_future future)
{
    int rc;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    struct sync *s = weir__object_get(future.h, &future_type.object, &rc);
    if (s)
        rc = (int)a32_load_acquire(&future_of(s)->state); /* pairs with settle() */
    party_leave(self);
    return rc;
}
