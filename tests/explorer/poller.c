/* SPDX-License-Identifier: MIT */
/*
 * poller.c - a worker that sleeps in a poller instead of a futex. docs/protocol.md, "Inject and
 * sleep".
 *
 * The poller is a bell, which is rung by whoever calls the worker and by the device of the model,
 * as an eventfd and a descriptor in one epoll set; and a mailbox, in which the device leaves what
 * has happened.
 */
#include <string.h>

#include "model.h"
#include "poller.h"
#include "scope.h"

struct bell {
    struct poller poller;
    a32 rings, happened, released;
};

static struct bell bell;
static struct event event;

static void ring(void)
{
    a32_xchg(&bell.rings, 1);
    os_futex_wake(&bell.rings, EXPLORE_THREADS);
}

static void bell_wake(struct poller *p)
{
    EXPLORE_EQ(p == &bell.poller, 1);
    EXPLORE_EQ(a32_load(&bell.released), 0);
    ring();
}

static void bell_wait(struct poller *p, weir_time until)
{
    (void)p;
    if (MUTATE("poller: bell muted before the wait"))
        a32_xchg(&bell.rings, 0);
    if (!a32_load_acquire(&bell.rings))
        os_futex_wait(&bell.rings, 0, until);
}

static void bell_poll(struct poller *p, struct thread *t)
{
    (void)p, (void)t;
    if (!a32_load_acquire(&bell.rings))
        return;
    a32_xchg(&bell.rings, 0); /* before the look into the mailbox */
    uint32_t happened = a32_xchg(&bell.happened, 0);
    if (happened)
        weir__event_fire(&event, (int)happened);
}

static void bell_release(struct poller *p)
{
    (void)p;
    EXPLORE_EQ(a32_xchg(&bell.released, 1), 0);
}

static const struct poller_ops bell_ops = {bell_poll,    bell_wait, bell_wake,
                                           bell_release, NULL,      NULL};

static void install(void)
{
    bell.poller.ops = &bell_ops;
    EXPLORE_EQ(weir__poller_install(&bell.poller), 0);
    EXPLORE_EQ(weir__poller_install(&bell.poller), WEIR_EBUSY);
}

/* ---- threads ---------------------------------------------------------------------- */

static void happens(uint32_t what)
{
    for (uint32_t v = a32_load(&bell.happened); !a32_cas(&bell.happened, &v, v | what);)
        ;
    ring();
}

static void device(void *unused)
{
    (void)unused;
    happens(1);
    happens(2);
}

static unsigned seen;

static int takes_events(void *unused)
{
    (void)unused;
    install();
    while (seen != 3) {
        int what = weir__event_wait(&event, WEIR_NEVER);
        EXPLORE_ASSERT(what > 0 && !(seen & (unsigned)what));
        seen |= (unsigned)what;
    }
    return 0;
}

static void run_takes_events(void *unused)
{
    EXPLORE_EQ(weir_run(takes_events, unused, NULL), 0);
}

static int receives(void *arg)
{
    install();
    m_recvs(arg);
    return 0;
}

static void run_receives(void *arg)
{
    EXPLORE_EQ(weir_run(receives, arg, NULL), 0);
}

/* An item and an event, each for an actor of its own. */
static int receiver(void *arg)
{
    m_recvs(arg);
    return 0;
}

static int both(void *arg)
{
    EXPLORE_EQ(weir_spawn(WEIR_RUN, receiver, arg), 0);
    return takes_events(NULL);
}

static void run_both(void *arg)
{
    EXPLORE_EQ(weir_run(both, arg, NULL), 0);
}

static void run_both_on_two(void *arg)
{
    EXPLORE_EQ(weir_run(both, arg, &(weir_options){.workers = 2}), 0);
}

/* What a wait that timed out or was cancelled has not taken the next one takes. */
static int with_deadline(void *unused)
{
    (void)unused;
    install();
    int what = weir__event_wait(&event, weir_after(10));
    EXPLORE_ASSERT(what > 0 || what == WEIR_ETIMEDOUT);
    seen = what > 0 ? (unsigned)what : 0;
    while (seen != 3)
        seen |= (unsigned)weir__event_wait(&event, WEIR_NEVER);
    return 0;
}

static void run_with_deadline(void *unused)
{
    EXPLORE_EQ(weir_run(with_deadline, unused, NULL), 0);
}

static int is_cancelled(void *unused)
{
    (void)unused;
    install();
    weir_scope scope = m_scope_begin();
    int what = weir__event_wait(&event, WEIR_NEVER);
    EXPLORE_ASSERT(what > 0 || what == WEIR_ECANCELED);
    EXPLORE_ASSERT(weir_scope_end(scope) >= 0);
    seen = what > 0 ? (unsigned)what : 0;
    while (seen != 3)
        seen |= (unsigned)weir__event_wait(&event, WEIR_NEVER);
    return 0;
}

static void run_is_cancelled(void *unused)
{
    EXPLORE_EQ(weir_run(is_cancelled, unused, NULL), 0);
}

static void all_seen(void)
{
    EXPLORE_EQ(seen, 3);
}

static void items_and_events(void)
{
    all_seen();
    m_check_items();
}

#define POLLER(ident, text, after, ...)                                                            \
    EXPLORE_MODEL(ident, text, .setup = m_open_1, .check = after, .max_steps = 60000,              \
                  .thread_exit = weir__thread_detach, __VA_ARGS__)
#define EVENTS                                                                                     \
    .threads = {                                                                                   \
        {"worker", run_takes_events, NULL},                                                        \
        {"device", device, NULL},                                                                  \
    }
#define INJECTED                                                                                   \
    .threads = {                                                                                   \
        {"worker", run_receives, M_ARG(0, 0, 2)},                                                  \
        {"sender", m_sends, M_ARG(0, 1, 2)},                                                       \
    }
#define CANCELLED                                                                                  \
    .threads = {                                                                                   \
        {"worker", run_is_cancelled, NULL},                                                        \
        {"device", device, NULL},                                                                  \
        {"canceller", m_cancels, NULL},                                                            \
    }

POLLER(poller_events, "F001 an actor waits for two events", all_seen, EVENTS);
POLLER(poller_injected, "F001 a worker in its poller is called by a thread", m_check_items,
       INJECTED);
POLLER(poller_both, "F001 events and wakes by a thread", items_and_events,
       .threads = {{"worker", run_both, M_ARG(0, 0, 2)},
                   {"device", device, NULL},
                   {"sender", m_sends, M_ARG(0, 1, 2)}});
POLLER(poller_both_on_two, "F001 events and wakes, two workers", items_and_events,
       .threads = {{"worker 0", run_both_on_two, M_ARG(0, 0, 2)},
                   {"worker 1", explore_hired, (void *)0},
                   {"device", device, NULL},
                   {"sender", m_sends, M_ARG(0, 1, 2)}});
POLLER(poller_deadline, "F047 an event and a deadline", all_seen,
       .threads = {{"worker", run_with_deadline, NULL}, {"device", device, NULL}});
POLLER(poller_cancelled, "F008 an event and a cancellation", all_seen, CANCELLED);

/* ---- mutations --------------------------------------------------------------------- */

POLLER(poller_not_woken, "the futex of a worker is woken that sleeps in its poller", NULL,
       .mutation = "worker: poller not woken", .expect = "deadlock", INJECTED);
POLLER(poller_muted, "a wake between the look and the wait is lost", NULL,
       .mutation = "poller: bell muted before the wait", .expect = "deadlock", INJECTED);
POLLER(poller_no_second_look, "the worker sleeps in its poller without a second look", NULL,
       .mutation = "worker: no second look", .expect = "deadlock", INJECTED);
POLLER(poller_without_grace, "the poller is released while it is being woken", NULL,
       .mutation = "worker: without grace", INJECTED);
POLLER(poller_event_forgotten, "an event that nobody waits for at the moment is not remembered",
       NULL, .mutation = "event: not remembered", .expect = "deadlock", CANCELLED);
