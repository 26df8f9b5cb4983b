/* SPDX-License-Identifier: MIT */
/*
 * portal.c - a group into which threads may spawn, and a flag that says that it is stopped.
 *
 * The group does what is hard: while it has a child, or its owner has not ended it, it is open,
 * and so is the run; once it is closed a spawn is refused under the lock of the group. A call that
 * has seen `stopped` unset before somebody stopped the portal may spawn after that; then it has
 * come before, and is waited for, or refused, as any other.
 */
#include <weir/portal.h>

#include "sync/sync.h"
#include "task.h"

#include "scheduler.h"

struct portal {
    struct sync sync; /* in the line: who waits for its being stopped */
    weir_group group; /* constant */
    bool stopped;
};

static struct portal *portal_of(const struct sync *s)
{
    return container_of(s, struct portal, sync);
}

static void portal_statistics(const struct sync *s, weir_sync_statistics *out)
{
    out->value = portal_of(s)->stopped;
    out->limit = 1;
}

/* Who has entered would be there, and nobody would know: it is ended instead. */
static int keep_open(const struct sync *s, weir_handle h)
{
    int rc;
    (void)h;
    return weir__object_get(portal_of(s)->group.h, &weir__group_type, &rc) ? WEIR_EBUSY : 0;
}

static const struct sync_type portal_type = {.object = {weir__sync_close, NULL},
                                             .noun = "portal",
                                             .size = sizeof(struct portal),
                                             .keep = keep_open,
                                             .statistics = portal_statistics};

weir_portal weir_portal_open(void)
{
    weir_group group = weir_group_begin();
    if ((uint32_t)group.h == 0)
        return (weir_portal){group.h};
    struct sync *s = weir__sync_new(&portal_type);
    if (s)
        portal_of(s)->group = group;
    weir_portal portal = {weir__sync_publish(s)};
    if ((uint32_t)portal.h == 0)
        (void)weir_group_end(group);
    return portal;
}

/* ---- stop ---------------------------------------------------------------------------------- */

static int look(struct party *self, struct sync *s, struct wake_list *woken)
{
    (void)self;
    (void)woken;
    return portal_of(s)->stopped ? 0 : PARK;
}

int weir_portal_wait_by(weir_portal portal, weir_time deadline)
{
    return weir__sync_acquire(portal.h, &portal_type, look, NO_WANT, until(deadline));
}

static int shut(struct party *self, struct sync *s, void *group, struct wake_list *woken)
{
    (void)self;
    portal_of(s)->stopped = true;
    sync_hand_all(s, 0, woken);
    *(weir_group *)group = portal_of(s)->group;
    return 0;
}

int weir_portal_stop(weir_portal portal, bool cancel)
{
    weir_group group;
    int rc = weir__sync_change(portal.h, &portal_type, shut, &group);
    if (rc == 0 && cancel)
        (void)weir_group_cancel(group, "the portal was stopped"); /* unless it has ended */
    return rc;
}

static int group_of(struct party *self, struct sync *s, void *group, struct wake_list *woken)
{
    (void)self;
    (void)woken;
    *(weir_group *)group = portal_of(s)->group;
    return 0;
}

/* By another than its owner it does nothing, so it does not stop it either. */
static int end(weir_portal portal, bool cancel)
{
    weir_group group;
    int rc = weir__sync_change(portal.h, &portal_type, group_of, &group);
    if (rc == 0)
        rc = weir__group_may_end(group);
    if (rc == 0)
        rc = weir_portal_stop(portal, cancel);
    if (rc < 0)
        return rc;
    rc = weir_group_end(group);
    (void)weir_close(portal);
    return rc;
}

int weir_portal_end(weir_portal portal)
{
    return end(portal, false);
}

void weir_portal_leave(weir_portal portal)
{
    (void)end(portal, true);
}

/* ---- enter --------------------------------------------------------------------------------- */

static int pass(struct party *self, struct sync *s, void *group, struct wake_list *woken)
{
    (void)self;
    (void)woken;
    *(weir_group *)group = portal_of(s)->group;
    return portal_of(s)->stopped && !MUTATE("portal: stopped or not") ? WEIR_ECLOSED : 0;
}

/* Inside an operation on success; *group is where to. Else an error. */
static struct party *enter(weir_portal portal, const weir_spawn_options *o, weir_group *group,
                           int *rc)
{
    if (o->task)
        o->task->h = handle_null(WEIR_ECLOSED);
    *rc = weir__sync_change(portal.h, &portal_type, pass, group);
    if (*rc < 0)
        return NULL;
    struct party *self = party_enter();
    if (!self)
        *rc = party_refusal();
    return self;
}

static const weir_spawn_options none;

int weir_portal_call_sized(weir_portal portal, weir_time deadline, weir_body body, size_t arg_size,
                           const weir_spawn_options *options)
{
    int rc;
    weir_group group;
    const weir_spawn_options *o = options ? options : &none;
    struct party *self = enter(portal, o, &group, &rc);
    if (!self)
        return rc;
    rc = weir__task_call(self, group.h, body, arg_size, o, until(deadline));
    party_leave(self);
    return rc;
}

int weir_portal_start_sized(weir_portal portal, weir_body body, size_t arg_size,
                            const weir_spawn_options *options)
{
    int rc;
    weir_group group;
    const weir_spawn_options *o = options ? options : &none;
    struct party *self = enter(portal, o, &group, &rc);
    if (!self)
        return rc;
    rc = weir__task_start(self, group.h, body, arg_size, o);
    party_leave(self);
    return rc;
}

int weir_portal_child_start_sized(weir_portal portal, weir_body body, void *value,
                                  size_t value_size, size_t arg_size,
                                  const weir_spawn_options *options)
{
    int rc;
    weir_group group;
    weir_spawn_options o = options ? *options : none;
    struct party *self = enter(portal, &o, &group, &rc);
    if (!self)
        return rc;
    o.isolated = true;
    rc = weir__task_child(self, group.h, body, value, value_size, arg_size, &o);
    party_leave(self);
    return rc;
}
