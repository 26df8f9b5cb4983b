/* SPDX-License-Identifier: MIT */
/* netpoll.c - see netpoll.h. */
#include "netpoll.h"

#include <errno.h>

#include "linger.h"
#include "lock.h"
#include "os_thread.h"
#include "simnet.h"
#include "simulate.h"

enum { EVENTS = sizeof((struct netpoll *)NULL)->events / sizeof(struct net_event) };

static struct netpoll *netpoll_of(struct poller *p)
{
    return container_of(p, struct netpoll, poller);
}

/* ---- a worker's ------------------------------------------------------------------------------ */

/*
 * At most one batch at a time: who is woken by it comes first. What is fetched is delivered before
 * anything more is. Another worker may do it meanwhile, when ours computes (worker.c).
 */
static void deliver(struct netpoll *p, struct thread *t)
{
    if (a32_load(&p->busy) || a32_xchg(&p->busy, 1))
        return;
    a_after_rmw();
    if (p->ready == 0) {
        int n = p->net->poll_wait(p->set, p->events, EVENTS, 0);
        p->ready = n > 0 ? n : 0;
    }
    for (int i = 0; i < p->ready; i++)
        weir__net_event(&p->events[i], t);
    p->ready = 0;
    weir__linger_look(p, t, false);
    a32_store_release(&p->busy, 0); /* pairs with the exchange above */
}

static void poll(struct poller *p, struct thread *t)
{
    deliver(netpoll_of(p), t);
}

static void wait(struct poller *poller, weir_time until)
{
    struct netpoll *p = netpoll_of(poller);
    if (a32_xchg(&p->busy, 1))
        return; /* somebody delivers our events just now: look again */
    a_after_rmw();
    weir_time lingers = weir__linger_until(p);
    if (lingers < until)
        until = lingers;
    int n = p->ready > 0 ? p->ready : p->net->poll_wait(p->set, p->events, EVENTS, until);
    p->ready = n > 0 ? n : 0;
    a32_store_release(&p->busy, 0);
}

static void wake(struct poller *poller)
{
    const struct netpoll *p = netpoll_of(poller);
    p->net->poll_wake(p->set, p->wake);
}

static void end(struct poller *poller, struct thread *t)
{
    struct netpoll *p = netpoll_of(poller);
    p->ends = true;
    weir__net_poll_ends(p, t);
    weir__linger_look(p, t, true); /* nobody else can begin to */
}

static void release(struct poller *poller)
{
    struct netpoll *p = netpoll_of(poller);
    struct party *self = p->ends ? NULL : party_enter();
    if (self) {
        end(poller, self->thread);
        party_leave(self);
    }
    p->net->poll_close(p->set, p->wake);
    os_free(p, sizeof *p);
}

static const struct poller_ops ops = {poll, wait, wake, release, poll, end};

static int open(const struct net *net, struct netpoll **out)
{
    struct netpoll *p = os_alloc(sizeof *p);
    if (!p)
        return WEIR_ENOMEM;
    *p = (struct netpoll){.poller = {&ops}, .net = net};
    p->set = net->poll_open(&p->wake);
    int rc = p->set;
    if (rc < 0) {
        os_free(p, sizeof *p);
        return rc;
    }
    *out = p;
    return 0;
}

/* Where the process can have no more descriptors, another worker hears of ours. */
static int open_and_install(struct netpoll **out)
{
    int rc = open(os_net(), out);
    if (rc == 0 && (rc = weir__poller_install(&(*out)->poller)) < 0)
        release(&(*out)->poller);
    struct poller *other = rc < 0 ? weir__poller_of_another() : NULL;
    if (!other || other->ops != &ops)
        return rc;
    *out = netpoll_of(other);
    return 0;
}

/* ---- the plain threads' ---------------------------------------------------------------------- */

static struct {
    a32 lock;
    struct netpoll *poll;
    os_thread thread;
    bool watched; /* forks are */
} spare;

/* Nobody is left: who comes next starts another one. */
static bool is_over(struct netpoll *p)
{
    lock_acquire(&spare.lock, 0);
    bool over = p->users == 0;
    if (over)
        spare.poll = NULL;
    lock_release(&spare.lock, 0);
    return over;
}

static void fetch(struct netpoll *p)
{
    struct party *self = party_enter();
    if (!self)
        return;
    deliver(p, self->thread);
    party_leave(self);
}

/* The last one's wake may be fetched with events: so the look comes between that and the wait. */
static void run_spare(void *arg)
{
    struct netpoll *p = arg;
    a32_add(&weir__bystanders, 1);
    for (;;) {
        bool early = MUTATE("netpoll: a wake fetched behind the look");
        if (early && is_over(p))
            break;
        fetch(p);
        if (!early && is_over(p))
            break;
        wait(&p->poller, WEIR_NEVER);
    }
    release(&p->poller);
    a32_add(&weir__bystanders, UINT32_MAX);
    os_thread_leave();
}

/*
 * The set is the parent's as well, and nobody fetches what comes. Without one the lock may be held
 * by the thread that has just seen that it is over: whoever else has it is inside an operation.
 */
OS_CHILD_BEGINS static void child_begins(void)
{
    if (spare.poll)
        weir__child_bar();
    a32_store(&spare.lock, 0);
    a32_store(&weir__bystanders, 0);
}

static int start_spare(void)
{
    if (!spare.watched && !(spare.watched = os_at_fork(child_begins)))
        return WEIR_ENOMEM;
    int rc = open(os_net_of(-1), &spare.poll);
    if (rc < 0)
        return rc;
    spare.poll->spare = true;
    spare.poll->users = 1; /* before the thread looks */
    rc = os_thread_start(&spare.thread, run_spare, spare.poll);
    if (rc < 0) {
        release(&spare.poll->poller);
        spare.poll = NULL;
    }
    return rc;
}

static int the_spare(struct netpoll **out)
{
    int rc = 0;
    lock_acquire(&spare.lock, 0);
    if (spare.poll)
        spare.poll->users++;
    else
        rc = start_spare();
    *out = spare.poll;
    lock_release(&spare.lock, 0);
    return rc;
}

void weir__netpoll_leave(struct netpoll *p)
{
    if (!p->spare)
        return;
    lock_acquire(&spare.lock, 0);
    if (--p->users == 0)
        p->net->poll_wake(p->set, p->wake); /* it is there: it ends under the lock */
    lock_release(&spare.lock, 0);
}

/* In a simulated run the poller is the network's in memory, and the kernel's is the spare one. */
int weir__netpoll_here(const struct net *net, struct netpoll **out)
{
    const struct party *self = party_current();
    bool here = self && !party_is_plain(self) && net->simulated == weir__simulated();
    if (!here)
        return net->simulated ? WEIR_ENOTSUP : the_spare(out);
    struct poller *p = weir__poller();
    if (!p)
        return open_and_install(out);
    if (p->ops != &ops)
        return WEIR_EBUSY; /* a test's */
    *out = netpoll_of(p);
    return 0;
}
