/* SPDX-License-Identifier: MIT */
/*
 * test_poller.c - the seam that sockets will fill, filled by a poller over poll(2): each
 * descriptor is an eventfd whose count is passed on to the event's user.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <weir/weir.h>

#include "harness.h"
#include "poller.h"

enum { SOURCES = 16, BELL = SOURCES };

struct source {
    struct event event;
    atomic_long count; /* read from the descriptor, not taken yet */
};

struct poller_of_poll {
    struct poller poller;
    struct pollfd fds[SOURCES + 1];
    struct source sources[SOURCES];
    atomic_uint waits, wakes, released;
};

static struct poller_of_poll P;

static long read_count(int fd)
{
    eventfd_t count = 0;
    return eventfd_read(fd, &count) == 0 ? (long)count : 0;
}

static void happen(unsigned i)
{
    EXPECT_EQ(eventfd_write(P.fds[i].fd, 1), 0);
}

static void deliver(struct poller *p, struct thread *t)
{
    (void)t;
    (void)p;
    if (poll(P.fds, SOURCES + 1, 0) <= 0)
        return;
    if (P.fds[BELL].revents)
        read_count(P.fds[BELL].fd);
    for (unsigned i = 0; i < SOURCES; i++) {
        long count = P.fds[i].revents ? read_count(P.fds[i].fd) : 0;
        if (count == 0)
            continue;
        atomic_fetch_add(&P.sources[i].count, count);
        weir__event_fire(&P.sources[i].event, 1);
    }
}

static void wait_for_some(struct poller *p, weir_time until)
{
    struct timespec t = {0, 0}, *timeout = NULL;
    (void)p;
    atomic_fetch_add(&P.waits, 1);
    if (until != WEIR_NEVER) {
        weir_time left = until - weir_now();
        if (left > 0)
            t = (struct timespec){left / WEIR_S, left % WEIR_S};
        timeout = &t;
    }
    ppoll(P.fds, SOURCES + 1, timeout, NULL);
}

static void ring(struct poller *p)
{
    (void)p;
    atomic_fetch_add(&P.wakes, 1);
    happen(BELL);
}

static void release(struct poller *p)
{
    (void)p;
    for (unsigned i = 0; i <= SOURCES; i++)
        close(P.fds[i].fd);
    atomic_fetch_add(&P.released, 1);
}

static const struct poller_ops ops = {deliver, wait_for_some, ring, release, NULL, NULL};

static void make_poller(void)
{
    memset(&P, 0, sizeof P);
    P.poller.ops = &ops;
    for (unsigned i = 0; i <= SOURCES; i++) {
        P.fds[i] = (struct pollfd){eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), POLLIN, 0};
        REQUIRE(P.fds[i].fd >= 0);
    }
}

/* The first actor of each test installs the poller on whatever worker it is. */
static weir_body then;

static int installs(void *arg)
{
    EXPECT_RC(weir__poller_install(&P.poller), 0);
    EXPECT_RC(weir__poller_install(&P.poller), WEIR_EBUSY);
    EXPECT(weir__poller() == &P.poller);
    return then(arg);
}

static void run_with_poller(weir_body body, void *arg)
{
    make_poller();
    then = body;
    EXPECT_RC(weir_run(installs, arg, NULL), 0);
    EXPECT_EQ(atomic_load(&P.released), 1); /* when no waker is left, and this is the last thread */
}

/* Wait until `n` have come in all. */
static void take(unsigned i, long n)
{
    long got = 0;
    while (got < n) {
        got += atomic_exchange(&P.sources[i].count, 0);
        if (got < n)
            EXPECT_RC(weir__event_wait(&P.sources[i].event, WEIR_NEVER), 1);
    }
    EXPECT_EQ(got, n);
}

/* ---- many events, from threads ------------------------------------------------------ */

enum { EACH = 3000 };

/* They begin when somebody waits for them: else all may have come before anybody has to. */
static void *writer(void *first)
{
    while (atomic_load(&P.waits) == 0)
        sched_yield();
    for (int n = 0; n < EACH; n++)
        for (unsigned i = *(unsigned *)first; i < SOURCES; i += 2)
            happen(i);
    return NULL;
}

static int takes_all(void *i)
{
    take(*(unsigned *)i, EACH);
    return 0;
}

static int all_take(void *unused)
{
    pthread_t threads[2];
    unsigned first[2] = {0, 1};
    (void)unused;
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < SOURCES; i++)
        EXPECT_RC(weir_spawn(g, takes_all, &i), 0);
    for (unsigned i = 0; i < 2; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, writer, &first[i]), 0);
    EXPECT_RC(weir_group_end(g), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

static void many_events(void)
{
    run_with_poller(all_take, NULL);
}

/* ---- from actor to actor: all are parked at each event ------------------------------------ */

static int pong(void *unused)
{
    (void)unused;
    for (int n = 0; n < EACH; n++) {
        take(0, 1);
        happen(1);
    }
    return 0;
}

static int ping(void *unused)
{
    EXPECT_RC(weir_spawn(WEIR_RUN, pong, unused), 0);
    for (int n = 0; n < EACH; n++) {
        happen(0);
        take(1, 1);
    }
    return 0;
}

static void to_and_fro(void)
{
    run_with_poller(ping, NULL);
}

/* ---- a worker that is not idle --------------------------------------------------------------- */

static atomic_bool noticed;

static int notices(void *unused)
{
    (void)unused;
    take(2, 1);
    atomic_store(&noticed, true);
    return 0;
}

/* Somebody is always runnable, so nobody ever waits in the poller. */
static int keeps_busy(void *unused)
{
    atomic_store(&noticed, false);
    EXPECT_RC(weir_spawn(WEIR_RUN, notices, unused, .pinned = true), 0);
    happen(2);
    while (!atomic_load(&noticed))
        EXPECT_RC(weir_yield(), 0);
    return 0;
}

static void busy(void)
{
    run_with_poller(keeps_busy, NULL);
}

/* ---- a worker in its poller is called by a thread ------------------------------------------ */

enum { CALLS = 500 };

struct ends {
    weir_sender tx;
    weir_receiver rx;
};

static void *caller(void *ends)
{
    const struct ends *e = ends;
    for (int n = 0; n < CALLS; n++) {
        unsigned waits = atomic_load(&P.waits);
        EXPECT_RC(weir_send(e->tx, &n), 0);
        /* So that most find it asleep again; the last may find no next wait. */
        for (int turn = 0; turn < 1000 && atomic_load(&P.waits) == waits; turn++)
            sched_yield();
    }
    weir_close(e->tx);
    return NULL;
}

static int is_called(void *unused)
{
    int n, sum = 0;
    pthread_t thread;
    struct ends e;
    (void)unused;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof n, 0, NULL), 0);
    EXPECT_EQ(pthread_create(&thread, NULL, caller, &e), 0);
    while (weir_recv(e.rx, &n) == 1)
        sum += n;
    EXPECT_EQ(sum, CALLS * (CALLS - 1) / 2);
    pthread_join(thread, NULL);
    return 0;
}

static void called(void)
{
    run_with_poller(is_called, NULL);
}

/* ---- deadlines and cancellation against events --------------------------------------------- */

/* Whatever came first: an event that was not taken is there afterwards. */
static int against_deadlines(void *unused)
{
    long taken = 0, happened = 0;
    unsigned late = 0;
    (void)unused;
    for (int n = 0; n < 400; n++) {
        happen(3);
        happened++;
        int rc = weir__event_wait(&P.sources[3].event, weir_after(n % 40 * WEIR_US));
        EXPECT(rc == 1 || rc == WEIR_ETIMEDOUT);
        late += rc < 0;
        taken += atomic_exchange(&P.sources[3].count, 0);
    }
    EXPECT(late > 0); /* n = 0 has passed already */
    while ((taken += atomic_exchange(&P.sources[3].count, 0)) < happened)
        EXPECT_RC(weir__event_wait(&P.sources[3].event, WEIR_NEVER), 1);
    EXPECT_EQ(taken, happened);
    EXPECT_RC(weir__event_wait(&P.sources[4].event, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    return 0;
}

static void deadlines(void)
{
    run_with_poller(against_deadlines, NULL);
}

static atomic_long taken_by_child;

static int waits_once(void *arg)
{
    const struct ends *e = arg;
    int ready = 1;
    EXPECT_RC(weir_send(e->tx, &ready), 0);
    int rc = weir__event_wait(&P.sources[5].event, WEIR_NEVER);
    if (rc == 1)
        atomic_fetch_add(&taken_by_child, atomic_exchange(&P.sources[5].count, 0));
    else
        EXPECT_RC(rc, WEIR_ECANCELED);
    return rc < 0 ? rc : 0;
}

static int against_cancels(void *unused)
{
    struct ends e;
    int ready;
    long happened = 0;
    (void)unused;
    atomic_store(&taken_by_child, 0);
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof ready, 1, NULL), 0);
    for (int n = 0; n < 300; n++) {
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, waits_once, &e), 0);
        EXPECT_RC(weir_recv(e.rx, &ready), 1);
        if (n % 3 > 0) {
            happen(5);
            happened++;
        }
        if (n % 3 == 1)
            EXPECT_RC(weir_yield(), 0);
        if (n % 3 < 2)
            EXPECT_RC(weir_group_cancel(g, NULL), 0);
        EXPECT_RC(weir_group_end(g), 0);
    }
    long taken = atomic_load(&taken_by_child);
    while ((taken += atomic_exchange(&P.sources[5].count, 0)) < happened)
        EXPECT_RC(weir__event_wait(&P.sources[5].event, WEIR_NEVER), 1);
    EXPECT_EQ(taken, happened);
    return 0;
}

static void cancels(void)
{
    run_with_poller(against_cancels, NULL);
}

/* ---- the rest ------------------------------------------------------------------------------ */

static int sleeps(void *unused)
{
    (void)unused;
    for (int i = 0; i < 20 || atomic_load(&P.waits) == 0; i++) {
        weir_time until = weir_after(300 * WEIR_US);
        EXPECT_RC(weir_sleep_until(until), 0);
        EXPECT(weir_now() >= until);
    }
    return 0;
}

static void timers(void)
{
    run_with_poller(sleeps, NULL);
}

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static void ended_runs(void)
{
    for (int i = 0; i < 50; i++)
        run_with_poller(nothing, NULL);
}

/* Plain threads wait for events as well; what was fired before is there at once. */
static void *fires(void *event)
{
    weir__event_fire(event, 4);
    return NULL;
}

static void outside(void)
{
    pthread_t thread;
    struct event e = {.what = 0};
    EXPECT_RC(weir__poller_install(&P.poller), WEIR_EPERM);
    EXPECT(weir__poller() == NULL);
    EXPECT_RC(weir__event_wait(&e, weir_after(0)), WEIR_ETIMEDOUT);
    weir__event_fire(&e, 1);
    weir__event_fire(&e, 2);
    EXPECT_EQ(weir__event_wait(&e, WEIR_NEVER), 3);
    REQUIRE_EQ(pthread_create(&thread, NULL, fires, &e), 0);
    EXPECT_EQ(weir__event_wait(&e, WEIR_NEVER), 4);
    pthread_join(thread, NULL);
}

TEST_SUITE(poller, "the poller seam",
           {"F001 thousands of events from threads, for many actors", many_events},
           {"F001 events from actor to actor", to_and_fro},
           {"F001 a worker that is never idle looks for events", busy},
           {"F001 a worker that waits in its poller is called by a thread", called},
           {"F047 an event against a deadline", deadlines},
           {"F008 an event against a cancellation", cancels},
           {"F020 timers end a wait in the poller", timers},
           {"F001 a poller lasts as long as its run", ended_runs},
           {"F001 events of plain threads, and no poller outside of actors", outside});
