/* SPDX-License-Identifier: MIT */
/*
 * test_sweep.c - a small protocol, stopped everywhere: cancelled at each point at which somebody
 * waits, and cut after each byte.
 *
 * Frames: a byte that says how many follow, and these. A server sends each frame back.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "net_test.h"

enum { INCOMPLETE = -9001 };

/* The size of a frame; 0: the end, between two of them; INCOMPLETE; or an error. */
static int read_frame(weir_stream s, unsigned char *to)
{
    unsigned char size;
    ssize_t n = weir_stream_recv(s, &size, 1);
    if (n <= 0)
        return (int)n;
    n = receive_exactly(s, to, size);
    return n < 0 ? (int)n : n == 0 ? INCOMPLETE : size;
}

static int write_frame(weir_stream s, const unsigned char *bytes, unsigned char size)
{
    struct iovec from[] = {{&size, 1}, {(void *)(uintptr_t)bytes, size}};
    return weir_stream_sendv(s, from, 2, WEIR_NEVER, NULL);
}

/* ---- cancelled ----------------------------------------------------------------------------- */

enum { FRAMES = 4 };

/* Sizes beyond what the network keeps. */
static unsigned char size_of(int i)
{
    return (unsigned char)(60 * i + 1);
}

struct meeting {
    weir_address at;
    weir_listener l;
    int *finished;
};

static int answers(void *arg)
{
    const struct meeting *m = arg;
    unsigned char bytes[256];
    weir_stream s;
    int rc = weir_accept(m->l, &s);
    while (rc > 0 && (rc = read_frame(s, bytes)) > 0) {
        int sent = write_frame(s, bytes, (unsigned char)rc);
        if (sent < 0)
            rc = sent;
    }
    *m->finished += rc == 0;
    return rc;
}

static int asks(void *arg)
{
    const struct meeting *m = arg;
    unsigned char bytes[256], back[256];
    weir_stream s = weir_address_connect(&m->at, NULL);
    int rc = weir_check(s);
    for (int i = 0; i < FRAMES && rc >= 0; i++) {
        memset(bytes, 'a' + i, size_of(i));
        rc = write_frame(s, bytes, size_of(i));
        if (rc >= 0)
            rc = read_frame(s, back);
        if (rc == 0)
            rc = INCOMPLETE; /* the server has gone between two frames */
        if (rc >= 0)
            EXPECT(rc == size_of(i) && memcmp(bytes, back, (size_t)rc) == 0);
    }
    if (rc >= 0)
        rc = weir_stream_send_eof(s);
    if (rc >= 0)
        rc = read_frame(s, back);
    *m->finished += rc == 0;
    return rc;
}

static bool is_cancelled_or_cut(int rc)
{
    return rc == 0 || rc == WEIR_ECANCELED || rc == WEIR_ECONNRESET || rc == WEIR_EPIPE ||
           rc == INCOMPLETE || rc == WEIR_ECONNREFUSED;
}

static int result_of(weir_task t)
{
    int result = WEIR_EAGAIN;
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    return result;
}

/* Who of the two is cancelled, and when: each millisecond something arrives. */
struct plan {
    bool of_unix, client, server;
    int after;
    int finished;
    size_t left;
};

static void wait_and_cancel(const struct plan *p, const weir_task *t)
{
    int rc = weir_sleep(p->after & 1 ? WEIR_MS / 2 : WEIR_MS);
    for (int i = 0; i < p->after / 2 && rc == 0; i++)
        rc = weir_sleep(WEIR_MS);
    for (int i = 0; i < p->after % 5 && rc == 0; i++) /* among what happens at one moment */
        rc = weir_yield();
    EXPECT_RC(rc, 0);
    if (p->server)
        weir_task_cancel(t[0], "in the middle");
    if (p->client)
        weir_task_cancel(t[1], "in the middle");
}

static int meets(void *arg)
{
    struct plan *p = *(struct plan **)arg;
    struct meeting m = {.finished = &p->finished};
    weir_simnet_counters n;
    weir_task t[2];
    EXPECT_RC(weir_simnet_set(&(weir_simnet_options){
                  .delay_least = WEIR_MS, .delay_most = WEIR_MS, .buffer = 50}),
              0);
    EXPECT_RC(weir_address_parse(&m.at, p->of_unix ? "@x" : "10.0.0.1:1", 0), 0);
    m.l = weir_address_listen(&m.at, NULL);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, answers, &m, .task = &t[0], .isolated = true), 0);
    EXPECT_RC(weir_spawn(g, asks, &m, .task = &t[1], .isolated = true), 0);
    wait_and_cancel(p, t);
    if (!p->client) /* the connection that waits, or comes, is refused, or reset */
        (void)weir_task_wait(t[0]);
    EXPECT_RC(p->client ? 0 : weir_close(m.l), 0);
    EXPECT(is_cancelled_or_cut(result_of(t[1])));
    weir_task_cancel(t[0], "nobody comes"); /* it may have never connected */
    EXPECT(is_cancelled_or_cut(result_of(t[0])));
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_close(m.l), 0);
    EXPECT_RC(weir_sleep(10 * WEIR_S), 0); /* what lingers ends */
    EXPECT_RC(weir_simnet_count(&n), 0);
    p->left = n.sockets;
    return 0;
}

/* Later and later, until they have finished before. */
static int cancel_everywhere(bool of_unix, bool client, bool server)
{
    struct plan p = {.of_unix = of_unix, .client = client, .server = server};
    struct plan *at = &p;
    int points = 0;
    for (p.after = 0; p.after < 2000; p.after++, points++) {
        p.finished = 0;
        int rc = weir_run(meets, &at,
                          &(weir_options){.simulate = true, .seed = (uint64_t)(p.after % 7 + 1)});
        EXPECT_RC(rc, 0);
        if (!EXPECT_EQ(p.left, 0))
            printf("\n    ... cancelled after %d", p.after);
        if (p.finished == 2)
            return points;
    }
    FAIL("it never ends");
    return points;
}

static void cancelled(void)
{
    int points = 0, before = descriptors_open();
    for (int who = 1; who < 4; who++) {
        points += cancel_everywhere(false, who & 1, who & 2);
        points += cancel_everywhere(true, who & 1, who & 2);
    }
    EXPECT(points >= 40);
    printf("(%d points) ", points);
    await_descriptors(before);
}

/* ---- cut ----------------------------------------------------------------------------------- */

enum { BYTES = 1 + 3 + 1 + 1 + 1 + 9 };

static const unsigned char transcript[BYTES] = {3,   'a', 'b', 'c', 1,   'd', 9,   'e',
                                                'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm'};

/* How many whole frames are in so many bytes, and is there a part of another one? */
static int whole_frames(int bytes, bool *part)
{
    int frames = 0, at = 0;
    while (at < bytes && at + 1 + transcript[at] <= bytes) {
        at += 1 + transcript[at];
        frames++;
    }
    *part = at < bytes;
    return frames;
}

struct cut {
    bool of_unix, reset, accepted; /* accepted: that side is the one that reads */
    int after;
};

static int reads_what_comes(void *arg)
{
    const struct cut *c = arg;
    weir_stream a, b;
    unsigned char bytes[256];
    bool part;
    int frames = 0, rc;
    connected_pair(c->of_unix, &a, &b);
    weir_stream reader = c->accepted ? b : a, writer = c->accepted ? a : b;
    if (c->after > 0)
        EXPECT_RC(weir_stream_send(writer, transcript, (size_t)c->after, NULL), 0);
    EXPECT_RC(c->reset ? weir_stream_abort(writer) : weir_close(writer), 0);
    int whole = whole_frames(c->after, &part);
    while ((rc = read_frame(reader, bytes)) > 0)
        frames++;
    EXPECT_EQ(frames, whole);
    EXPECT_RC(rc, c->reset && !c->of_unix ? WEIR_ECONNRESET : part ? INCOMPLETE : 0);
    EXPECT_RC(read_frame(reader, bytes), rc == INCOMPLETE ? 0 : rc);
    return 0;
}

static int cuts(void *unused)
{
    (void)unused;
    for (int how = 0; how < 8; how++)
        for (int k = 0; k <= BYTES; k++) {
            struct cut c = {how & 1, how & 2, how & 4, k};
            EXPECT_RC(reads_what_comes(&c), 0);
        }
    return 0;
}

static void cut_everywhere(void)
{
    run_and_count(cuts, NULL);
}

/* ---- SIGPIPE ------------------------------------------------------------------------------- */

static int sends_to_nobody(void *arg)
{
    weir_stream a, b;
    int rc;
    connected_pair(*(bool *)arg, &a, &b);
    EXPECT_RC(weir_stream_abort(b), 0);
    while ((rc = weir_stream_send(a, "x", 1, NULL)) == 0)
        weir_yield();
    EXPECT(rc == WEIR_EPIPE || rc == WEIR_ECONNRESET);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), rc);
    struct iovec two[] = {{"a", 1}, {"b", 1}};
    EXPECT_RC(weir_stream_sendv(a, two, 2, WEIR_NEVER, NULL), rc);
    return 0;
}

static void no_signal(void)
{
    bool kinds[] = {false, true};
    struct sigaction now;
    EXPECT(sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    for (int i = 0; i < 2; i++)
        run_and_count(sends_to_nobody, &kinds[i]);
}

TEST_SUITE(sweep, "io: faults, a protocol stopped everywhere",
           {"F16 F091 faults: cancelled at every point", cancelled},
           {"F061 F090 faults: cut after every byte, by an end and by a reset", cut_everywhere},
           {"F6 F090 faults: nobody reads: no SIGPIPE", no_signal});
