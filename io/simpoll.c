/* SPDX-License-Identifier: MIT */
/* simpoll.c - a simulated network's life, its events, and its time: simnet.h. */
#include <errno.h>
#include <string.h>

#include <weir/simulate.h>

#include "help.h"
#include "netpoll.h"
#include "scheduler.h"
#include "simnet.h"
#include "simulate.h"

/* The networks of the run, and of those before it that are not yet released. */
static struct simnet *networks;
static a32 lock;
static uint32_t runs;

bool weir__simulated(void)
{
    const struct actor *me = actor_self();
    return me && actor_worker(me)->runtime->simulation;
}

/* ---- time ------------------------------------------------------------------------------------ */

/* On the worker, by its loop. */
static weir_time fire(struct timer *t)
{
    struct simnet *n = container_of(t, struct simnet, timer);
    lock_acquire(&lock, 0);
    n->firing = true;
    n->armed = weir__sim_arrive(n, weir__run_now());
    n->firing = false;
    weir_time next = n->armed;
    lock_release(&lock, 0);
    return next;
}

/* The timer's heap is its worker's. Others leave a word, which the worker reads when it polls. */
void weir__sim_arm(struct simnet *n, weir_time at)
{
    const struct party *self = party_current();
    if (at >= n->armed || n->firing)
        return;
    if (!self || self->thread->worker != n->worker) {
        n->rearm = true;
        weir__call_worker(n->worker);
        return;
    }
    if (n->armed != WEIR_NEVER)
        weir__timer_remove(&n->timer);
    n->armed = at;
    weir__timer_add(&n->worker->timers, &n->timer, at);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int64_t drawn(struct simnet *n, const int64_t *of)
{
    return of[weir__sim_below(n, 4)];
}

/* What a network is like if nobody says anything: each run has another one. */
static void draw(struct simnet *n)
{
    static const int64_t delays[] = {0, 100 * WEIR_US, 2 * WEIR_MS, 20 * WEIR_MS};
    static const int64_t partial[] = {0, 50, 300, 900};
    static const int64_t buffers[] = {65536, 16384, 1024, 100};
    n->random = ~weir_simulated_seed();
    n->options.delay_most = drawn(n, delays);
    n->options.partial = (int)drawn(n, partial);
    n->options.buffer = drawn(n, buffers);
    n->drawn = n->options;
}

static struct simnet *make(struct worker *w)
{
    struct simnet *n = os_alloc(sizeof *n);
    if (!n)
        return NULL;
    *n = (struct simnet){.runtime = w->runtime, .worker = w, .run = runs++ % 4096};
    n->timer.fire = fire;
    n->armed = WEIR_NEVER;
    n->port = 32768;
    draw(n);
    n->next = networks;
    networks = n;
    return n;
}

static struct simnet *unlink_network(uint32_t run)
{
    struct simnet **at = &networks, *n;
    while ((n = *at) && n->run != run)
        at = &n->next;
    if (n)
        *at = n->next;
    return n;
}

static void destroy(struct simnet *n)
{
    struct sim_cut *c;
    for (uint32_t i = 0; i < n->places; i++)
        if (n->sockets[i])
            weir__sim_free(n, n->sockets[i]);
    weir__sim_list_free(&n->wire);
    weir__sim_list_free(&n->held);
    while ((c = n->cuts)) {
        n->cuts = c->next;
        os_free(c, sizeof *c);
    }
    weir__sim_places_free(n);
    os_free(n, sizeof *n);
}

/* It is the run's when the run's poller has it. The lock is held, but meanwhile. */
static struct simnet *begin(struct worker *w, int *rc)
{
    struct netpoll *p;
    struct simnet *n = make(w);
    if (!n) {
        *rc = WEIR_ENOMEM;
        return NULL;
    }
    lock_release(&lock, 0);
    *rc = weir__netpoll_here(&weir__simnet, &p);
    lock_acquire(&lock, 0);
    if (*rc == 0)
        return n;
    unlink_network(n->run);
    destroy(n);
    return NULL;
}

static struct simnet *of_run(const struct actor *me, int *rc)
{
    *rc = WEIR_EPERM;
    if (!me || !actor_worker(me)->runtime->simulation)
        return NULL;
    struct worker *w = actor_worker(me);
    struct simnet *n = networks;
    while (n && n->runtime != w->runtime)
        n = n->next;
    return n ? n : begin(w, rc);
}

static struct simnet *of_run_number(uint32_t run, int *rc)
{
    struct simnet *n = networks;
    while (n && n->run != run)
        n = n->next;
    *rc = WEIR_EBADF;
    return n;
}

struct simnet *weir__sim_enter(int fd, int *rc)
{
    lock_acquire(&lock, 0);
    struct simnet *n = fd < 0 ? of_run(actor_self(), rc)
                              : of_run_number((uint32_t)(fd - SIM_BASE) / SIM_PLACES, rc);
    if (n)
        *rc = 0;
    else
        lock_release(&lock, 0);
    return n;
}

void weir__sim_leave(struct simnet *n)
{
    (void)n;
    lock_release(&lock, 0);
}

/* ---- events ---------------------------------------------------------------------------------- */

void weir__sim_notify(struct simnet *n, struct sim_socket *s, uint32_t what)
{
    if (!s->sends)
        what &= ~(uint32_t)NET_OUT;
    if (!s->added || !what)
        return;
    s->events |= what;
    if (s->queued)
        return;
    s->queued = true;
    s->next_event = NULL;
    *(n->last_event ? &n->last_event->next_event : &n->first_event) = s;
    n->last_event = s;
    weir__sim_arm(n, weir__run_now());
}

static struct sim_socket *take_event(struct simnet *n)
{
    struct sim_socket *s = n->first_event;
    if (s) {
        n->first_event = s->next_event;
        if (!n->first_event)
            n->last_event = NULL;
        s->queued = false;
    }
    return s;
}

void weir__sim_forget(struct simnet *n, struct sim_socket *s)
{
    struct sim_socket *before = NULL, **at = &n->first_event;
    s->added = false;
    if (!s->queued)
        return;
    while (*at != s) {
        before = *at;
        at = &before->next_event;
    }
    *at = s->next_event;
    if (n->last_event == s)
        n->last_event = before;
    s->queued = false;
}

/* ---- the poller's calls -------------------------------------------------------------------- */

int weir__sim_poll_open(int *wake)
{
    int rc;
    *wake = -1;
    struct simnet *n = weir__sim_enter(-1, &rc);
    if (!n)
        return rc;
    rc = (int)n->run;
    weir__sim_leave(n);
    return rc;
}

static int add(int fd, uint64_t user, bool sends)
{
    int rc;
    struct simnet *n = weir__sim_enter(fd, &rc);
    if (!n)
        return rc;
    struct sim_socket *s = weir__sim_at(n, fd);
    if (s) {
        s->added = true;
        s->sends = s->sends || sends;
        s->user = user;
        weir__sim_notify(n, s, weir__sim_events(s));
    }
    weir__sim_leave(n);
    return s ? 0 : WEIR_EBADF;
}

int weir__sim_poll_add(int set, int fd, uint64_t user, bool sends)
{
    (void)set;
    return add(fd, user, sends);
}

int weir__sim_poll_sends(int set, int fd, uint64_t user)
{
    (void)set;
    return add(fd, user, true);
}

int weir__sim_poll_remove(int set, int fd)
{
    int rc;
    (void)set;
    struct simnet *n = weir__sim_enter(fd, &rc);
    if (!n)
        return rc;
    struct sim_socket *s = weir__sim_at(n, fd);
    if (s)
        weir__sim_forget(n, s);
    weir__sim_leave(n);
    return s ? 0 : WEIR_EBADF;
}

static struct simnet *enter_set(int set)
{
    int rc;
    return weir__sim_enter(SIM_BASE + set * SIM_PLACES, &rc);
}

static int fetch(struct simnet *n, struct net_event *events, int most)
{
    struct sim_socket *s;
    int k = 0;
    while (k < most && (s = take_event(n))) {
        events[k++] = (struct net_event){s->user, s->events};
        s->events = 0;
    }
    if (n->first_event) /* the rest at the next turn of the loop, before anything else */
        weir__sim_arm(n, weir__run_now());
    if (n->rearm && n->wire.first) {
        n->rearm = false;
        weir__sim_arm(n, n->wire.first->at);
    }
    return k;
}

/* Asleep, when other threads alone can go on: time, which is virtual, cannot, nor `until`. */
static void sleep_until_woken(struct simnet *n)
{
    weir__sim_leave(n);
    os_futex_wait(&n->woken, 0, weir__simulate_look());
    lock_acquire(&lock, 0);
    a32_xchg(&n->woken, 0);
}

int weir__sim_poll_wait(int set, struct net_event *events, int most, weir_time until)
{
    struct simnet *n = enter_set(set);
    if (!n)
        return 0;
    if (!n->first_event && !n->rearm && until > 0)
        sleep_until_woken(n);
    int k = fetch(n, events, most);
    weir__sim_leave(n);
    return k;
}

void weir__sim_poll_wake(int set, int wake)
{
    struct simnet *n = enter_set(set);
    (void)wake;
    if (!n)
        return;
    a32_xchg(&n->woken, 1);
    os_futex_wake(&n->woken, 1);
    weir__sim_leave(n);
}

void weir__sim_poll_close(int set, int wake)
{
    (void)wake;
    lock_acquire(&lock, 0);
    struct simnet *n = unlink_network((uint32_t)set);
    lock_release(&lock, 0);
    if (n)
        destroy(n);
}

/* ---- public ---------------------------------------------------------------------------------- */

static int64_t chosen(int64_t said, int64_t otherwise)
{
    return said < 0 ? 0 : said > 0 ? said : otherwise;
}

static int wrong(const weir_simnet_options *o)
{
    return !o || o->partial > 1000 || o->refuse > 1000 || o->reset > 1000000 || o->buffer < 0 ||
           (o->delay_most != 0 && o->delay_least > o->delay_most);
}

int weir_simnet_set(const weir_simnet_options *o)
{
    int rc = 0;
    if (wrong(o))
        return WEIR_EINVAL;
    struct simnet *n = weir__sim_enter(-1, &rc);
    if (!n)
        return rc;
    weir_simnet_options *is = &n->options;
    is->delay_least = chosen(o->delay_least, 0);
    is->delay_most = chosen(o->delay_most, n->drawn.delay_most);
    if (is->delay_most < is->delay_least)
        is->delay_most = is->delay_least;
    is->partial = (int)chosen(o->partial, n->drawn.partial);
    is->reset = (int)chosen(o->reset, 0);
    is->refuse = (int)chosen(o->refuse, 0);
    is->buffer = chosen(o->buffer, n->drawn.buffer);
    weir__sim_leave(n);
    return 0;
}

int weir_simnet_count(weir_simnet_counters *out)
{
    int rc = 0;
    if (!out)
        return WEIR_EINVAL;
    struct simnet *n = weir__sim_enter(-1, &rc);
    if (!n)
        return rc;
    *out = n->counters;
    weir__sim_leave(n);
    return 0;
}
