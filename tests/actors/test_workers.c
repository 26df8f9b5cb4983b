/* SPDX-License-Identifier: MIT */
/* Many workers: actors migrate, pinned ones do not, and nobody is left behind. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include <weir/weir.h>

#include "expect.h"
#include "harness.h"
#include "scheduler.h"

static int run_with(unsigned workers, weir_body body, void *arg)
{
    return weir_run(body, arg, &(weir_options){.workers = workers});
}

/* ---- both of two that compute run at the same time ------------------------------------- */

struct meeting {
    atomic_uint *here;
    unsigned wanted;
};

/* Never suspends: whoever waits behind it on its worker has to be fetched by another one. */
static int meet(void *arg)
{
    const struct meeting *m = arg;
    atomic_fetch_add(m->here, 1);
    while (atomic_load(m->here) < m->wanted)
        ;
    return 0;
}

static int two_meet(void *unused)
{
    atomic_uint here = 0;
    struct meeting m = {&here, 2};
    weir_group g = weir_group_begin();
    (void)unused;
    EXPECT_RC(weir_spawn(g, meet, &m), 0);
    EXPECT_RC(weir_spawn(g, meet, &m), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void run_two_meet(void)
{
    EXPECT_RC(run_with(2, two_meet, NULL), 0);
}

/* The same with the spawner itself, which goes on computing. */
static int meet_the_child(void *unused)
{
    atomic_uint here = 0;
    struct meeting m = {&here, 2};
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, meet, &m), 0);
    meet(&m);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void run_meet_the_child(void)
{
    EXPECT_RC(run_with(2, meet_the_child, NULL), 0);
}

/* And with one that was woken by it. */
struct woken {
    struct meeting meeting;
    weir_receiver rx;
};

static int wait_and_meet(void *arg)
{
    struct woken *w = arg;
    uint64_t item;
    int rc = weir_recv(w->rx, &item);
    return rc < 0 ? rc : meet(&w->meeting);
}

static int meet_the_woken(void *unused)
{
    atomic_uint here = 0;
    weir_sender tx;
    struct woken w = {.meeting = {&here, 2}};
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &w.rx, sizeof(uint64_t), 0, NULL), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, wait_and_meet, &w, .give = WEIR_GIVE(struct woken, rx)), 0);
    EXPECT_RC(weir_send(tx, &(uint64_t){1}), 0);
    meet(&w.meeting);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_close(tx), 0);
    return 0;
}

static void run_meet_the_woken(void)
{
    EXPECT_RC(run_with(2, meet_the_woken, NULL), 0);
}

/* And with one whose time came together with its own: nobody was awake to see the two. */
struct timed {
    struct meeting meeting;
    weir_time at;
};

static int sleep_and_meet(void *arg)
{
    struct timed *t = arg;
    int rc = weir_sleep_until(t->at);
    return rc < 0 ? rc : meet(&t->meeting);
}

static int two_wake_at_once(void *unused)
{
    atomic_uint here = 0;
    struct timed t = {{&here, 2}, weir_after(50 * WEIR_MS)};
    weir_group g = weir_group_begin();
    (void)unused;
    EXPECT_RC(weir_spawn(g, sleep_and_meet, &t), 0);
    EXPECT_RC(weir_spawn(g, sleep_and_meet, &t), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void run_two_wake_at_once(void)
{
    EXPECT_RC(run_with(2, two_wake_at_once, NULL), 0);
}

/* And with one that a thread wakes when the other one computes, and all workers slept before. */
enum { SLEEPERS = 3 }; /* two of them are at home on the same of two workers */

struct sleeper {
    struct woken woken;
    atomic_uint *home;
};

static weir_sender to_sleeper[SLEEPERS];
static atomic_uint homes[SLEEPERS];

static int sleep_at_home(void *arg)
{
    struct sleeper *s = arg;
    atomic_store(s->home, actor_worker(actor_self())->index);
    return wait_and_meet(&s->woken);
}

/* Nobody is awake, so nobody watches. */
static void await_sleep(struct runtime *rt)
{
    while (a32_load(&rt->sleeping) < 2 || a32_load(&rt->watching))
        sched_yield();
}

static void *wakes_two(void *here)
{
    await_sleep(aptr_load_acquire(&weir__runtime));
    unsigned a = homes[0] == homes[1] || homes[0] == homes[2] ? 0 : 1;
    unsigned b = a == 0 && homes[0] == homes[1] ? 1 : 2;
    EXPECT_EQ(homes[a], homes[b]);
    EXPECT_RC(weir_send(to_sleeper[a], &(uint64_t){1}), 0);
    while (atomic_load((atomic_uint *)here) == 0)
        sched_yield();
    EXPECT_RC(weir_send(to_sleeper[b], &(uint64_t){1}), 0);
    EXPECT_RC(weir_close(to_sleeper[SLEEPERS - a - b]), 0);
    return NULL;
}

static int two_are_woken(void *unused)
{
    atomic_uint here = 0;
    pthread_t thread;
    weir_group g = weir_group_begin();
    (void)unused;
    for (unsigned i = 0; i < SLEEPERS; i++) {
        struct sleeper s = {{.meeting = {&here, 2}}, &homes[i]};
        EXPECT_RC(weir_channel_open(&to_sleeper[i], &s.woken.rx, sizeof(uint64_t), 0, NULL), 0);
        EXPECT_RC(weir_spawn(g, sleep_at_home, &s), 0);
    }
    REQUIRE(pthread_create(&thread, NULL, wakes_two, &here) == 0);
    EXPECT_RC(weir_group_end(g), 0);
    return pthread_join(thread, NULL);
}

static void run_two_are_woken(void)
{
    EXPECT_RC(run_with(2, two_are_woken, NULL), 0);
}

/* ---- pinned -------------------------------------------------------------------------------- */

struct stay {
    weir_receiver rx;
    weir_sender tx;
    atomic_uint *moves;
};

static int stays(void *arg)
{
    struct stay *s = arg;
    uint64_t item;
    pid_t at = gettid();
    int rc;
    while ((rc = weir_recv(s->rx, &item)) > 0) {
        atomic_fetch_add(s->moves, gettid() != at);
        if (weir_yield() < 0 || weir_send(s->tx, &item) < 0)
            break;
        atomic_fetch_add(s->moves, gettid() != at);
    }
    return rc;
}

/* Pinned and other actors pass items round a ring, on more workers than processors. */
static int pinned_ring(void *unused)
{
    enum { RING = 12, LAPS = 500 };
    atomic_uint moves = 0, ignored = 0;
    weir_sender tx[RING];
    weir_receiver rx[RING];
    (void)unused;
    for (unsigned i = 0; i < RING; i++)
        EXPECT_RC(weir_channel_open(&tx[i], &rx[i], sizeof(uint64_t), 1, NULL), 0);
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i + 1 < RING; i++) {
        bool pinned = i % 2 == 0;
        struct stay s = {rx[i], tx[i + 1], pinned ? &moves : &ignored};
        EXPECT_RC(
            weir_spawn(g, stays, &s, .give = WEIR_GIVE(struct stay, rx, tx), .pinned = pinned), 0);
    }
    for (uint64_t i = 0, back; i < LAPS; i++) {
        EXPECT_RC(weir_send(tx[0], &i), 0);
        EXPECT_RC(weir_recv(rx[RING - 1], &back), 1);
        EXPECT_EQ(back, i);
    }
    EXPECT_RC(weir_close(tx[0]), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(atomic_load(&moves), 0);
    return 0;
}

static void run_pinned_ring(void)
{
    EXPECT_RC(run_with(1, pinned_ring, NULL), 0);
    EXPECT_RC(run_with(2, pinned_ring, NULL), 0);
    EXPECT_RC(run_with(8, pinned_ring, NULL), 0);
}

/* ---- plain threads spawn ------------------------------------------------------------------- */

enum { SPAWNERS = 3, SPAWNED = 2000 };

struct spawner {
    weir_group group;
    weir_sender tx;
};

static int sends_one(void *arg)
{
    const weir_sender *tx = arg;
    return weir_send(*tx, &(uint64_t){1});
}

/* Each child has an end of its own. */
static void *spawns(void *spawner)
{
    const struct spawner *s = spawner;
    struct child {
        weir_sender tx;
    } c = {s->tx};
    EXPECT_RC(weir_spawn(WEIR_RUN, sends_one, &c), WEIR_EPERM);
    for (unsigned i = 0; i < SPAWNED; i++)
        EXPECT_RC(weir_spawn(s->group, sends_one, &c, .own = WEIR_OWN(struct child, tx)), 0);
    return NULL;
}

static int threads_spawn(void *unused)
{
    pthread_t threads[SPAWNERS];
    weir_receiver rx;
    uint64_t item, sum = 0;
    (void)unused;
    struct spawner s = {.group = weir_group_begin()};
    EXPECT_RC(weir_channel_open(&s.tx, &rx, sizeof item, 0, NULL), 0);
    for (unsigned i = 0; i < SPAWNERS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, spawns, &s) == 0);
    for (unsigned i = 0; i < SPAWNERS * SPAWNED && weir_recv(rx, &item) == 1; i++)
        sum += item;
    for (unsigned i = 0; i < SPAWNERS; i++)
        pthread_join(threads[i], NULL);
    EXPECT_EQ(sum, SPAWNERS * SPAWNED);
    EXPECT_RC(weir_group_end(s.group), 0);
    EXPECT_RC(weir_close(s.tx), 0);
    return 0;
}

static void *spawns_late(void *group)
{
    EXPECT_RC(weir_spawn(*(weir_group *)group, threads_spawn, NULL), WEIR_ECLOSED);
    return NULL;
}

static void run_threads_spawn(void)
{
    static const unsigned workers[] = {1, 2, 8};
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++)
        EXPECT_RC(run_with(workers[i], threads_spawn, NULL), 0);
}

static int ends_its_group(void *group)
{
    *(weir_group *)group = weir_group_begin();
    return weir_group_end(*(weir_group *)group);
}

static void run_spawns_late(void)
{
    weir_group g;
    EXPECT_RC(run_with(2, ends_its_group, &g), 0);
    spawns_late(&g);
}

/* ---- a tree, on any number of workers --------------------------------------------------- */

struct node {
    unsigned depth;
    atomic_ulong *leaves;
};

static int grow(void *arg)
{
    const struct node *n = arg;
    if (n->depth == 0) {
        atomic_fetch_add(n->leaves, 1);
        return 0;
    }
    weir_group g = weir_group_begin();
    struct node child = {n->depth - 1, n->leaves};
    for (unsigned i = 0; i < 10; i++)
        if (weir_spawn(g, grow, &child) < 0)
            return WEIR_ENOMEM;
    return weir_group_end(g);
}

static void run_tree(void)
{
    static const unsigned workers[] = {1, 2, 3, 8, 64};
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
        atomic_ulong leaves = 0;
        EXPECT_RC(run_with(workers[i], grow, &(struct node){3, &leaves}), 0);
        EXPECT_EQ(atomic_load(&leaves), 1000);
    }
}

static int answer(void *unused)
{
    (void)unused;
    return 42;
}

/* More than the most is the most; the next run is as good as the first. */
static void run_numbers(void)
{
    static const unsigned workers[] = {256, 1, 100000, 2};
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++)
        EXPECT_EQ(run_with(workers[i], answer, NULL), 42);
}

TEST_SUITE(workers, "actors: many workers", {"F003 two that compute run in parallel", run_two_meet},
           {"F003 a child runs while its parent computes", run_meet_the_child},
           {"F037 who is woken runs while the waker computes", run_meet_the_woken},
           {"F037 who a thread wakes runs while another one computes", run_two_are_woken},
           {"F020 two whose time comes at once run in parallel", run_two_wake_at_once},
           {"F003 pinned actors stay on their thread", run_pinned_ring},
           {"F003 plain threads spawn into a group", run_threads_spawn},
           {"F003 a plain thread spawns when the run is over", run_spawns_late},
           {"F002 a tree of groups on 1 to 64 workers", run_tree},
           {"F001 any number of workers, one run after another", run_numbers});
