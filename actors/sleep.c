/* SPDX-License-Identifier: MIT */
/* sleep.c - waiting for nothing but the time. */
#include "lock.h"
#include "scheduler.h"

/* The sleepers of a worker wait in one place, which lives as long as the run. */
static int actor_sleep(struct actor *me, weir_time deadline)
{
    struct waitable *o = &actor_worker(me)->sleepers;
    trace_wait_on(&me->trace, IN_SLEEP, o);
    wait_announce(&me->party);
    lock_acquire(&o->lock, 0);
    return weir__wait_on(&me->party, o, deadline);
}

static int thread_sleep(struct party *self, weir_time deadline)
{
    static a32 nobody; /* wakes it */
    if (self->thread->dropping)
        return WEIR_EPERM;
    do
        os_futex_wait(&nobody, 0, deadline);
    while (weir_now() < deadline);
    return 0;
}

int weir_sleep_until(weir_time deadline)
{
    struct actor *me = actor_self();
    if (!me) {
        struct party *self = party_current();
        if (!self && !(self = weir__thread_party()))
            return party_refusal();
        return thread_sleep(self, deadline);
    }
    int rc = deadline > weir_now() ? actor_sleep(me, deadline) : weir_yield();
    return rc == WEIR_ETIMEDOUT ? 0 : rc;
}

int weir_sleep(weir_time duration)
{
    return weir_sleep_until(weir_after(duration));
}
