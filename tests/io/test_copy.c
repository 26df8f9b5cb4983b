/* SPDX-License-Identifier: MIT */
/* test_copy.c - copies and relays: every byte, each end, and which side it was. */
#include "pipe_test.h"

#include <stdint.h>

enum { MUCH = 100000 };

static char bytes[MUCH];

static void fill(void)
{
    for (size_t i = 0; i < MUCH; i++)
        bytes[i] = (char)(i * 31 + (i >> 9));
}

static void expect_copied(weir_copied c, size_t received, size_t sent, int recv_rc, int send_rc)
{
    EXPECT_EQ(c.received, received);
    EXPECT_EQ(c.sent, sent);
    EXPECT_RC(c.recv_rc, recv_rc);
    EXPECT_RC(c.send_rc, send_rc);
}

/* ---- copy ------------------------------------------------------------------------------------ */

static void copies(void)
{
    static const size_t sizes[] = {0, 1, 511, 512, 513, 1024, 16384, 17000, 60000};
    struct pipe_options pipes[] = {{0}, {.recv_most = 7}, {.send_most = 64}, {.keeps = true}};
    fill();
    for (size_t p = 0; p < 4; p++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            weir_stream to_us, from, to, peer;
            weir_copied c;
            pipes[p].pieces = MUCH / 7;
            pipe_open(&to_us, &from, &pipes[p]);
            pipe_open(&peer, &to, &pipes[p]);
            put(to_us, bytes, sizes[i]);
            weir_close(to_us);
            EXPECT_RC(weir_stream_copy(from, to, &c), 0);
            expect_copied(c, sizes[i], sizes[i], 0, 0);
            for (size_t at = 0; at < sizes[i]; at += 1000)
                get(peer, bytes + at, sizes[i] - at < 1000 ? sizes[i] - at : 1000);
            EXPECT_RC((int)weir_stream_try_recv(peer, &(char){0}, 1), WEIR_EAGAIN);
            put_string(to, "more"); /* the end is not passed on */
            get_string(peer, "more");
            weir_close(from);
            weir_close(to);
            weir_close(peer);
        }
    }
}

static void copies_by_both(void)
{
    by_actor_and_thread(copies);
}

static void a_copy_says_which_side(void)
{
    for (int receives = 0; receives < 2; receives++) {
        weir_stream to_us, from, to, peer;
        weir_copied c = {0};
        pipe_open(&to_us, &from, NULL);
        pipe_open(&peer, &to, NULL);
        put_string(to_us, "abc");
        if (receives)
            pipe_fail(from, -104);
        else
            weir_close(peer);
        EXPECT_RC(weir_stream_copy(from, to, &c), receives ? -104 : WEIR_EPIPE);
        if (receives)
            expect_copied(c, 0, 0, -104, 0);
        else
            expect_copied(c, 3, 0, WEIR_EAGAIN, WEIR_EPIPE);
        weir_close(to_us);
        weir_close(from);
        weir_close(to);
        weir_close(peer);
    }
}

static void a_copy_of_what_is_none(void)
{
    weir_stream a, b;
    weir_copied c;
    pipe_open(&a, &b, NULL);
    EXPECT_RC(weir_stream_copy((weir_stream){0}, a, &c), WEIR_EBADF);
    EXPECT_RC(c.recv_rc, WEIR_EBADF);
    put_string(b, "x");
    EXPECT_RC(weir_stream_copy(a, (weir_stream){0}, &c), WEIR_EBADF);
    expect_copied(c, 1, 0, WEIR_EAGAIN, WEIR_EBADF);
    weir_close(a);
    weir_close(b);
}

static void a_deadline(void)
{
    weir_stream to_us, from, to, peer;
    weir_copied c;
    struct pipe_options narrow = {.pieces = 1};
    pipe_open(&to_us, &from, NULL);
    pipe_open(&peer, &to, &narrow);
    EXPECT_RC(weir_stream_copy_by(from, to, weir_now(), &c), WEIR_ETIMEDOUT);
    expect_copied(c, 0, 0, WEIR_EAGAIN, 0);
    put(to_us, bytes, 100);
    EXPECT_RC(weir_stream_copy_by(from, to, weir_now(), &c), WEIR_ETIMEDOUT);
    EXPECT_EQ(c.sent, 64); /* the peer has room for that */
    EXPECT(c.received >= 64 && c.received <= 100);
    weir_close(to_us);
    weir_close(from);
    weir_close(to);
    weir_close(peer);
}

/* One that always has something, as /dev/zero: a deadline and a cancellation come all the same. */
static ssize_t zeros(void *self, const struct iovec *to, int n)
{
    (void)n;
    (*(size_t *)self)++;
    memset(to->iov_base, 0, to->iov_len);
    return (ssize_t)to->iov_len;
}

static ssize_t swallow(void *self, const struct iovec *from, int n)
{
    (void)self;
    (void)n;
    return (ssize_t)from->iov_len;
}

static int never_arm(void *self, weir_case *below)
{
    (void)self;
    (void)below;
    FAIL("nobody waits for it");
    return WEIR_EINVAL;
}

static void shut_nothing(void *self, bool abort)
{
    (void)self;
    (void)abort;
}

static const weir_stream_ops endless = {
    .try_recv = zeros,
    .try_send = swallow,
    .arm_recv = never_arm,
    .arm_send = never_arm,
    .shut = shut_nothing,
};

struct copying {
    weir_stream from, to;
    weir_copied *copied;
    int *rc;
};

static int copy_it(void *arg)
{
    struct copying *c = arg;
    *c->rc = weir_stream_copy(c->from, c->to, c->copied);
    return 0;
}

static void an_endless_copy(void)
{
    size_t count = 0;
    weir_stream s = weir_stream_make(&endless, &count);
    weir_copied copied = {0};
    int rc = 0;
    EXPECT_RC(weir_stream_copy_by(s, s, weir_now(), &copied), WEIR_ETIMEDOUT);
    EXPECT(copied.received > 0 && copied.sent > 0);
    weir_group g = weir_group_begin();
    struct copying c = {s, s, &copied, &rc};
    copied.sent = 0;
    EXPECT_RC(weir_spawn(g, copy_it, &c), 0);
    weir_yield();
    weir_group_cancel(g, "enough");
    (void)weir_group_end(g);
    EXPECT_RC(rc, WEIR_ECANCELED);
    EXPECT_RC(weir_stream_copy_by(s, s, weir_now(), NULL), WEIR_ETIMEDOUT);
    weir_close(s);
}

static void endless_by_actor(void)
{
    in_actor(an_endless_copy);
}

/* ---- relays ---------------------------------------------------------------------------------- */

struct relaying {
    weir_stream a, b;
    weir_relayed *relayed;
    int *rc;
};

static int relay_it(void *arg)
{
    struct relaying *r = arg;
    *r->rc = weir_stream_relay(r->a, r->b, r->relayed);
    return 0;
}

struct talker {
    weir_stream s;
    size_t n; /* bytes that it has to say */
};

static int say(void *arg)
{
    const struct talker *t = arg;
    put(t->s, bytes, t->n);
    EXPECT_RC(weir_stream_send_eof(t->s), 0);
    return 0;
}

static int hear(void *arg)
{
    const struct talker *t = arg;
    char there[300];
    size_t at = 0;
    ssize_t n;
    while ((n = weir_stream_recv(t->s, there, sizeof there)) > 0) {
        EXPECT(at + (size_t)n <= t->n && memcmp(there, bytes + at, (size_t)n) == 0);
        at += (size_t)n;
    }
    EXPECT_EQ(n, 0);
    EXPECT_EQ(at, t->n);
    return 0;
}

/* So many bytes each way, at the same time, through a proxy. */
static void relay_of(size_t to_server, size_t to_client, const struct pipe_options *pipe)
{
    weir_stream client, a, b, server;
    weir_relayed done;
    pipe_open(&client, &a, pipe);
    pipe_open(&server, &b, pipe);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, say, &((struct talker){client, to_server})), 0);
    EXPECT_RC(weir_spawn(g, hear, &((struct talker){client, to_client})), 0);
    EXPECT_RC(weir_spawn(g, say, &((struct talker){server, to_client})), 0);
    EXPECT_RC(weir_spawn(g, hear, &((struct talker){server, to_server})), 0);
    EXPECT_RC(weir_stream_relay(a, b, &done), 0);
    EXPECT_RC(weir_group_end(g), 0);
    expect_copied(done.a_to_b, to_server, to_server, 0, 0);
    expect_copied(done.b_to_a, to_client, to_client, 0, 0);
    weir_close(a);
    weir_close(b);
    weir_close(client);
    weir_close(server);
}

static void relays(void)
{
    struct pipe_options pipes[] = {{0},
                                   {.pieces = 1},
                                   {.pieces = 3, .recv_most = 5},
                                   {.pieces = 7, .send_most = 10},
                                   {.pieces = 4, .keeps = true}};
    fill();
    for (size_t i = 0; i < sizeof pipes / sizeof *pipes; i++) {
        relay_of(0, 0, &pipes[i]);
        relay_of(1, 0, &pipes[i]);
        relay_of(0, 5000, &pipes[i]);
        relay_of(20000, 3000, &pipes[i]);
    }
}

static void random_relays(void)
{
    uint64_t seed = 1;
    fill();
    for (int i = 0; i < 40; i++) {
        uint32_t r[5];
        for (size_t k = 0; k < 5; k++)
            r[k] = (uint32_t)((seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33);
        struct pipe_options pipe = {.pieces = 1 + r[0] % 9,
                                    .recv_most = r[1] % 3 ? 0 : 1 + r[1] % 60,
                                    .send_most = r[2] % 3 ? 0 : 1 + r[2] % 60,
                                    .keeps = r[2] & 64};
        relay_of(r[3] % 6000, r[4] % 6000, &pipe);
    }
}

/* A question and an answer, before anybody has ended: what is kept is flushed. */
static void a_dialogue(void)
{
    struct pipe_options pipes[] = {{0}, {.keeps = true}, {.keeps = true, .pieces = 1}};
    for (size_t i = 0; i < 3; i++) {
        weir_stream client, a, b, server;
        weir_relayed done;
        int rc = 99;
        char to[16];
        pipe_open(&client, &a, &pipes[i]);
        pipe_open(&server, &b, &pipes[i]);
        weir_buffered in = weir_buffer(server, NULL);
        weir_buffered answer = weir_buffer(client, NULL);
        weir_group g = weir_group_begin();
        struct relaying r = {a, b, &done, &rc};
        EXPECT_RC(weir_spawn(g, relay_it, &r), 0);
        put_string(answer.stream, "question?");
        EXPECT_EQ(weir_recv_exactly(in, to, 9), 1);
        EXPECT(memcmp(to, "question?", 9) == 0);
        EXPECT_RC(weir_stream_send_eof(answer.stream), 0);
        EXPECT_EQ(weir_recv_exactly(in, to, 1), 0); /* half of it is closed */
        put_string(in.stream, "answer!");
        EXPECT_EQ(weir_recv_exactly(answer, to, 7), 1);
        EXPECT_RC(weir_stream_send_eof(in.stream), 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(rc, 0);
        expect_copied(done.a_to_b, 9, 9, 0, 0);
        expect_copied(done.b_to_a, 7, 7, 0, 0);
        get_end(answer.stream);
        weir_close(a);
        weir_close(b);
        weir_close(in);
        weir_close(answer);
    }
}

/* One waits in a relay, with half of it ended or not, and something happens. */
static void a_relay_and(void (*act)(weir_group g, struct relaying *r), int expected,
                        weir_copied a_to_b, weir_copied b_to_a)
{
    weir_stream client, a, b, server;
    weir_relayed done;
    int rc = 99;
    struct pipe_options pipe = {.pieces = 2, .no_eof = false};
    pipe_open(&client, &a, &pipe);
    pipe_open(&server, &b, &pipe);
    struct relaying r = {a, b, &done, &rc};
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, relay_it, &r), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT_RC((int)weir_stream_try_recv(a, &(char){0}, 1), WEIR_EBUSY);
    act(g, &r);
    (void)weir_group_end(g);
    EXPECT_RC(rc, expected);
    expect_copied(done.a_to_b, a_to_b.received, a_to_b.sent, a_to_b.recv_rc, a_to_b.send_rc);
    expect_copied(done.b_to_a, b_to_a.received, b_to_a.sent, b_to_a.recv_rc, b_to_a.send_rc);
    weir_close(a);
    weir_close(b);
    weir_close(client);
    weir_close(server);
}

static void cancel(weir_group g, struct relaying *r)
{
    (void)r;
    weir_group_cancel(g, "enough");
}

static void close_a(weir_group g, struct relaying *r)
{
    (void)g;
    weir_close(r->a);
}

static void abort_b(weir_group g, struct relaying *r)
{
    (void)g;
    weir_stream_abort(r->b);
}

static void a_relay_is_ended(void)
{
    weir_copied none = {.recv_rc = WEIR_EAGAIN}, closed = {.recv_rc = WEIR_ECLOSED};
    a_relay_and(cancel, WEIR_ECANCELED, none, none);
    a_relay_and(close_a, WEIR_ECLOSED, closed, none);
    a_relay_and(abort_b, WEIR_ECLOSED, none, closed);
}

static void a_relay_says_which_side(void)
{
    weir_stream client, a, b, server;
    weir_relayed done;
    pipe_open(&client, &a, NULL);
    pipe_open(&server, &b, NULL);
    put_string(client, "abc");
    weir_close(server);
    put_string(client, "def");
    EXPECT_RC(weir_stream_relay(a, b, &done), WEIR_EPIPE);
    expect_copied(done.a_to_b, 3, 0, WEIR_EAGAIN, WEIR_EPIPE);
    EXPECT(done.b_to_a.recv_rc == 0 || done.b_to_a.recv_rc == WEIR_EAGAIN);
    weir_close(a);
    weir_close(b);
    weir_close(client);
}

static void who_cannot_pass_on_the_end(void)
{
    struct pipe_options mute = {.no_eof = true};
    weir_stream client, a, b, server;
    weir_relayed done;
    pipe_open(&client, &a, NULL);
    pipe_open(&server, &b, &mute);
    put_string(client, "abc");
    EXPECT_RC(weir_stream_send_eof(client), 0);
    EXPECT_RC(weir_stream_relay_by(a, b, WEIR_NEVER, &done), WEIR_ENOTSUP);
    expect_copied(done.a_to_b, 3, 3, 0, WEIR_ENOTSUP);
    get_string(server, "abc");
    weir_close(a);
    weir_close(b);
    weir_close(client);
    weir_close(server);
}

static void a_relay_by_a_thread(void)
{
    weir_stream client, a, b, server;
    weir_relayed done;
    pipe_open(&client, &a, NULL);
    pipe_open(&server, &b, NULL);
    put_string(client, "abc");
    EXPECT_RC(weir_stream_relay_by(a, b, weir_now(), &done), WEIR_ETIMEDOUT);
    get_string(server, "abc");
    put_string(server, "de");
    EXPECT_RC(weir_stream_send_eof(server), 0);
    EXPECT_RC(weir_stream_send_eof(client), 0);
    EXPECT_RC(weir_stream_relay(a, b, NULL), 0);
    get_string(client, "de");
    get_end(client);
    get_end(server);
    weir_close(a);
    weir_close(b);
    weir_close(client);
    weir_close(server);
}

static void relays_by_actor(void)
{
    in_actor(relays);
}

static void random_by_actor(void)
{
    in_actor(random_relays);
}

static void dialogue_by_actor(void)
{
    in_actor(a_dialogue);
}

static void ended_by_actor(void)
{
    in_actor(a_relay_is_ended);
}

static void nothing_leaks(void)
{
    EXPECT_EQ(pipe_alive(), 0);
}

TEST_SUITE(copy, "copies and relays", {"F069 copy: until the end, with its count", copies_by_both},
           {"F069 copy: which side it was", a_copy_says_which_side},
           {"F069 copy: streams that are none", a_copy_of_what_is_none},
           {"F069 copy: a deadline", a_deadline},
           {"F069 copy: one that never waits is cancelled too", endless_by_actor},
           {"F069 relay: both ways, with both ends", relays_by_actor},
           {"F069 relay: random portions", random_by_actor},
           {"F069 relay: a dialogue, one half closed", dialogue_by_actor},
           {"F060 relay: cancelled, closed, aborted", ended_by_actor},
           {"F061 relay: which side it was", a_relay_says_which_side},
           {"F069 relay: to one that cannot pass on an end", who_cannot_pass_on_the_end},
           {"F069 relay: by a thread", a_relay_by_a_thread},
           {"F068 relayed streams that were closed are gone", nothing_leaks});
