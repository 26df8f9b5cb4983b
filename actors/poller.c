/* SPDX-License-Identifier: MIT */
/* poller.c - see poller.h. */
#include "poller.h"

#include "lock.h"
#include "scheduler.h"

struct poller *weir__poller(void)
{
    struct actor *me = actor_self();
    return me ? aptr_load(&actor_worker(me)->poller) : NULL;
}

struct poller *weir__poller_of_another(void)
{
    struct poller *p = NULL;
    const struct actor *me = actor_self();
    const struct runtime *rt = me ? actor_worker(me)->runtime : NULL;
    for (uint32_t i = 0; rt && i < rt->workers && !p; i++)
        p = aptr_load_acquire(&rt->worker[i]->poller); /* pairs with weir__poller_install() */
    return p;
}

int weir__poller_install(struct poller *p)
{
    struct actor *me = actor_self();
    if (!me)
        return WEIR_EPERM;
    struct worker *w = actor_worker(me);
    if (aptr_load(&w->poller))
        return WEIR_EBUSY;
    aptr_store_release(&w->poller, p); /* pairs with weir__call_worker() in inject.c, and above */
    return 0;
}

/* The event's lock is held, and released. */
static int take_or_wait(struct party *self, struct event *e, weir_time deadline)
{
    int what = e->what;
    e->what = 0;
    if (what) {
        lock_release(&e->waiters.lock, 0);
        wait_renounce(self);
        return what;
    }
    return weir__wait_on(self, &e->waiters, deadline);
}

int weir__event_wait(struct event *e, weir_time deadline)
{
    int rc = WEIR_ECANCELED;
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    if (!party_is_plain(self)) {
        self->budget--;
        party_rest(self);
        trace_wait_on(&actor_of(self)->trace, IN_EVENT, &e->waiters);
    }
    if (!party_refused(self)) {
        wait_announce(self);
        lock_acquire(&e->waiters.lock, 0);
        rc = take_or_wait(self, e, deadline);
    }
    party_leave(self);
    return rc;
}

void weir__event_fire(struct event *e, int what)
{
    lock_acquire(&e->waiters.lock, 0);
    struct waiter *woken = weir__waitable_complete(&e->waiters, e->what | what);
    e->what = woken || MUTATE("event: not remembered") ? 0 : e->what | what;
    lock_release(&e->waiters.lock, 0);
    wake_all(woken);
}
