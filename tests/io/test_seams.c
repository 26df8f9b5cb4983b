/* SPDX-License-Identifier: MIT */
/* Sockets where things meet: marks in the stream, sends of several, closes, runs, threads. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_test.h"

enum { MUCH = 20 << 20 };

static weir_time patience(void)
{
    return weir_after(20 * WEIR_S); /* so that what hangs fails */
}

static bool kinds[] = {false, true};

static void with_both(weir_body body)
{
    for (int i = 0; i < 2; i++)
        run_and_count(body, &kinds[i]);
}

/* A stream whose peer is a descriptor of the system, non-blocking: by the calling actor. */
static weir_stream stream_and_peer(bool unix_socket, int *peer)
{
    weir_stream a, b;
    connected_pair(unix_socket, &a, &b);
    *peer = weir_stream_release(b);
    EXPECT(*peer >= 0);
    return a;
}

/* ---- what is read in pieces ---------------------------------------------------------------- */

/* A receive ends at the mark of urgent data, though more is behind it. */
static int urgent(void *arg)
{
    int peer;
    char x[100];
    size_t sum = 0;
    weir_stream s = stream_and_peer(*(bool *)arg, &peer);
    EXPECT_EQ(weir_stream_try_recv(s, x, sizeof x), WEIR_EAGAIN);
    EXPECT_EQ(send(peer, "abc", 3, 0), 3);
    if (send(peer, "!", 1, MSG_OOB) == 1) { /* not every kernel's UNIX sockets know it */
        EXPECT_EQ(send(peer, "defg", 4, 0), 4);
        while (sum < 7) {
            ssize_t n = weir_stream_recv_by(s, x, sizeof x, patience());
            EXPECT(n > 0);
            if (n <= 0)
                break;
            sum += (size_t)n;
        }
        EXPECT_EQ(sum, 7);
    }
    close(peer);
    return 0;
}

static void marks(void)
{
    with_both(urgent);
}

/* ---- what is sent in pieces ---------------------------------------------------------------- */

static size_t drain(weir_stream s, size_t n)
{
    static char scrap[1 << 16];
    size_t sum = 0;
    while (sum < n) {
        ssize_t k = weir_stream_recv_by(s, scrap, sizeof scrap, patience());
        EXPECT(k > 0);
        if (k <= 0)
            break;
        sum += (size_t)k;
    }
    return sum;
}

static int sends_one(void *arg)
{
    return weir_stream_send(*(weir_stream *)arg, "x", 1, NULL);
}

/* Who tries knows how much went: nobody else's stream is torn by it. */
static int tries_and_another_sends(void *arg)
{
    weir_stream a, b;
    int rc = -1;
    char *big = calloc(1, MUCH);
    connected_pair(*(bool *)arg, &a, &b);
    ssize_t k;
    while ((k = weir_stream_try_send(a, big, MUCH)) == WEIR_EAGAIN && faults_make_late())
        weir_yield();
    EXPECT(k > 0 && k < MUCH);
    EXPECT_EQ(drain(b, (size_t)k), (size_t)k);
    weir_group g = weir_group_begin();
    weir_task t;
    EXPECT_RC(weir_spawn(g, sends_one, &a, .task = &t, .isolated = true), 0);
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &rc), 0);
    EXPECT_RC(rc, 0);
    EXPECT_RC(weir_group_end(g), 0);
    free(big);
    return 0;
}

static void tried(void)
{
    with_both(tries_and_another_sends);
}

struct big_send {
    weir_stream s;
    size_t sent;
};

static int sends_much(void *arg)
{
    struct big_send *b = *(struct big_send **)arg;
    char *big = calloc(1, MUCH);
    int rc = weir_stream_send(b->s, big, MUCH, &b->sent);
    free(big);
    return rc;
}

/* Closed in the middle of a send: that is no end that its peer could take for the whole. */
static int closed_in_the_middle(void *arg)
{
    weir_stream peer;
    struct big_send b = {.sent = 0}, *at = &b;
    char x[4096];
    ssize_t n;
    int rc = -1;
    connected_pair(*(bool *)arg, &b.s, &peer);
    weir_group g = weir_group_begin();
    weir_task t;
    EXPECT_RC(weir_spawn(g, sends_much, &at, .task = &t, .isolated = true), 0);
    EXPECT_EQ(weir_stream_recv(peer, x, 1), 1); /* it has begun */
    weir_settle();
    EXPECT_RC(weir_close(b.s), 0);
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &rc), 0);
    EXPECT_RC(rc, WEIR_ECLOSED);
    EXPECT(b.sent > 0 && b.sent < MUCH);
    while ((n = weir_stream_recv(peer, x, sizeof x)) > 0)
        ;
    if (!*(bool *)arg) /* UNIX sockets have no resets */
        EXPECT_EQ(n, WEIR_ECONNRESET);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void cut_by_close(void)
{
    with_both(closed_in_the_middle);
}

static int leaves_a_rest(void *peer)
{
    weir_chunk_receiver rx;
    weir_chunk_sender tx;
    weir_chunk c;
    void *data;
    weir_stream s = stream_and_peer(false, peer);
    EXPECT_RC(weir_stream_ends(s, &rx, &tx), 0);
    REQUIRE_RC(weir_chunk_new(&c, MUCH, &data), 0);
    memset(data, 1, MUCH);
    EXPECT_RC(weir_chunk_send(tx, c), 0);
    return 0;
}

/* The peer of a run that is over gets no end either, when a rest could not be sent. */
static void rest_at_the_end(void)
{
    static char x[1 << 16];
    int peer = -1;
    ssize_t n;
    EXPECT_RC(weir_run(leaves_a_rest, &peer, NULL), 0);
    REQUIRE(peer >= 0);
    do
        n = recv(peer, x, sizeof x, 0);
    while (n > 0);
    EXPECT_EQ(n, -1);
    EXPECT_EQ(errno, ECONNRESET);
    close(peer);
}

/* ---- descriptors --------------------------------------------------------------------------- */

/* The same socket by the same number, twice: closed in between, but not by all who have it. */
static int adopted_again(void *arg)
{
    int peer, fds[2] = {-1, -1};
    char x;
    weir_stream s = stream_and_peer(*(bool *)arg, &peer);
    int own = weir_stream_release(s);
    for (int i = 0; i < 2; i++) {
        fds[i] = dup(own);
        s = weir_stream_adopt(fds[i]);
        EXPECT_RC(weir_check(s), 0);
        EXPECT_EQ(weir_stream_try_recv(s, &x, 1), WEIR_EAGAIN);
        EXPECT_EQ(send(peer, "x", 1, 0), 1);
        EXPECT_EQ(weir_stream_recv_by(s, &x, 1, patience()), 1);
        EXPECT_RC(weir_close(s), 0);
    }
    close(own);
    close(peer);
    return 0;
}

static void adopted_twice(void)
{
    with_both(adopted_again);
}

/* ---- runs and threads ---------------------------------------------------------------------- */

struct outside {
    weir_stream s, peer;
    atomic_int waits;
    ssize_t got;
};

static int opens_and_tries(void *arg)
{
    struct outside *o = arg;
    char x;
    connected_pair(false, &o->s, &o->peer);
    EXPECT_EQ(weir_stream_try_recv(o->s, &x, 1), WEIR_EAGAIN); /* our worker hears of it */
    EXPECT_RC(weir_disown(o->s), 0);
    EXPECT_RC(weir_disown(o->peer), 0);
    return 0;
}

static void *receives_outside(void *arg)
{
    struct outside *o = arg;
    char x;
    atomic_store(&o->waits, 1);
    o->got = weir_stream_recv_by(o->s, &x, 1, patience());
    return NULL;
}

static int opens_and_lets_wait(void *arg)
{
    struct outside *o = arg;
    pthread_t *t = (pthread_t *)(void *)(o + 1);
    opens_and_tries(o);
    EXPECT_EQ(pthread_create(t, NULL, receives_outside, o), 0);
    while (!atomic_load(&o->waits))
        weir_yield();
    return 0;
}

/* A plain thread waits for what a worker heard of; the run ends. */
static void run_ends_beside_a_thread(void)
{
    for (int i = 0; i < 20; i++) {
        struct {
            struct outside o;
            pthread_t t;
        } both = {{.got = 0}, 0};
        EXPECT_RC(weir_run(opens_and_lets_wait, &both, NULL), 0);
        EXPECT_RC(weir_stream_send(both.o.peer, "x", 1, NULL), 0);
        pthread_join(both.t, NULL);
        EXPECT_EQ(both.o.got, 1);
        EXPECT_RC(weir_close(both.o.s), 0);
        EXPECT_RC(weir_close(both.o.peer), 0);
    }
}

static void *closes_outside(void *arg)
{
    struct outside *o = arg;
    while (!atomic_load(&o->waits))
        sched_yield();
    EXPECT_RC(weir_close(o->s), 0);
    EXPECT_RC(weir_close(o->peer), 0);
    return NULL;
}

static int opens_and_goes(void *arg)
{
    struct outside *o = arg;
    opens_and_tries(o);
    EXPECT_RC(weir_stream_send(o->peer, "unread", 6, NULL), 0); /* so it lingers */
    atomic_store(&o->waits, 1);
    return 0;
}

static int waits(void *unused)
{
    (void)unused;
    return weir_sleep(10 * WEIR_MS);
}

/* A plain thread closes while the poller, which heard of it, goes. */
static void run_ends_beside_a_close(void)
{
    int before = descriptors_open();
    for (int i = 0; i < 200; i++) {
        struct outside o = {.got = 0};
        pthread_t t;
        EXPECT_EQ(pthread_create(&t, NULL, closes_outside, &o), 0);
        EXPECT_RC(weir_run(opens_and_goes, &o, NULL), 0);
        pthread_join(t, NULL);
    }
    /* A run is released later, by what comes after it; earlier tests' descriptors go as well. */
    for (int i = 0; i < 1000 && descriptors_open() > before; i++)
        EXPECT_RC(weir_run(waits, NULL, NULL), 0);
    EXPECT(descriptors_open() <= before);
}

struct beside {
    weir_stream a, b;
    atomic_int waits, got;
};

static int receives_beside(void *arg)
{
    struct beside *o = *(struct beside **)arg;
    char x;
    atomic_store(&o->waits, 1);
    ssize_t n = weir_stream_recv(o->b, &x, 1);
    atomic_store(&o->got, 1);
    return (int)n;
}

/* Its worker, which hears of the socket, computes until somebody else has received. */
static int computes(void *unused)
{
    struct beside o = {.got = 0}, *at = &o;
    char x;
    (void)unused;
    connected_pair(false, &o.a, &o.b);
    weir_group g = weir_group_begin();
    EXPECT_EQ(weir_stream_try_recv(o.b, &x, 1), WEIR_EAGAIN);
    EXPECT_RC(weir_spawn(g, receives_beside, &at), 0);
    while (!atomic_load(&o.waits))
        ;
    while (weir_stream_try_send(o.a, "x", 1) == WEIR_EAGAIN && faults_make_late())
        ;
    while (!atomic_load(&o.got))
        ;
    return weir_group_end(g) < 0 ? -1 : 0;
}

static void events_of_who_computes(void)
{
    weir_options two = {.workers = 2};
    EXPECT_RC(weir_run(computes, NULL, &two), 0);
}

/* The same, and who receives is the first of the other worker's: it can have no poller. */
static int computes_alone(void *unused)
{
    struct beside o = {.got = 0}, *at = &o;
    weir_stream c, d;
    weir_task t;
    char x;
    int result = -1;
    (void)unused;
    faults_inject(CALL_POLL_OPEN, 2, UINT_MAX, EMFILE); /* the first worker that asks has one */
    connected_pair(false, &o.a, &o.b);
    connected_pair(false, &c, &d);
    EXPECT_EQ(weir_stream_try_recv(d, &x, 1), WEIR_EAGAIN);
    unsigned before = faults_calls(CALL_POLL_OPEN);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, receives_beside, &at, .task = &t, .isolated = true), 0);
    while (!atomic_load(&o.waits))
        ;
    for (int i = 0; i < 1000000 && faults_calls(CALL_POLL_OPEN) == before; i++)
        sched_yield(); /* unless it has asked already, for us */
    EXPECT_EQ(weir_stream_try_send(o.a, "x", 1), 1);
    while (!atomic_load(&o.got))
        ;
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    EXPECT_RC(result, 1);
    return weir_group_end(g);
}

static void no_poller(void)
{
    weir_options two = {.workers = 2};
    faults_only_injected();
    EXPECT_RC(weir_run(computes_alone, NULL, &two), 0);
    faults_as_before();
}

TEST_SUITE(seams, "io: where sockets meet others",
           {"F057 sockets: a mark of urgent data in the stream", marks},
           {"F058 F091 sockets: a part that was tried, then another's send", tried},
           {"F060 F091 sockets: closed in the middle of a send", cut_by_close},
           {"F068 F091 ends: a rest that could not be sent", rest_at_the_end},
           {"F092 sockets: adopted again by the same number", adopted_twice},
           {"F068 F092 sockets: a run ends, a thread waits", run_ends_beside_a_thread},
           {"F068 F092 sockets: a run ends, a thread closes", run_ends_beside_a_close},
           {"F082 F086 sockets: a worker that can have no poller", no_poller},
           {"F082 sockets: events of a worker that computes", events_of_who_computes});
