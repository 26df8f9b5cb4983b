/* SPDX-License-Identifier: MIT */
/* A connection as a pair of channel ends; what happens after the last of them is closed. */
#include <stdlib.h>
#include <string.h>

#include "net_test.h"

static bool kinds[] = {false, true};

static void with_both(weir_body body)
{
    for (int i = 0; i < 2; i++) {
        size_t before = weir_chunk_bytes();
        run_and_count(body, &kinds[i]);
        EXPECT_EQ(weir_chunk_bytes(), before);
    }
}

struct ends {
    weir_chunk_receiver rx;
    weir_chunk_sender tx;
};

static struct ends ends_of(weir_stream s)
{
    struct ends e;
    EXPECT_RC(weir_stream_ends(s, &e.rx, &e.tx), 0);
    EXPECT_RC(weir_check(s), WEIR_ECLOSED);
    return e;
}

static void send_text(weir_chunk_sender tx, const char *text)
{
    weir_chunk c;
    EXPECT_RC(weir_chunk_copy(&c, text, strlen(text)), 0);
    EXPECT_RC(weir_chunk_send(tx, c), 0);
}

static bool recv_text(weir_chunk_receiver rx, const char *text)
{
    size_t at = 0, size = strlen(text);
    bool right = true;
    while (at < size && right) { /* under faults in pieces */
        weir_auto(weir_chunk) c = {0};
        right = weir_chunk_recv(rx, &c) == 1 && c.size <= size - at &&
                (c.size == size || faults_make_slow()) &&
                memcmp(weir_chunk_data(c), text + at, c.size) == 0;
        at += c.size;
    }
    return right;
}

/* ---- there and back ------------------------------------------------------------------------ */

static int echoes(void *arg)
{
    struct ends *e = arg;
    weir_chunk c;
    int rc;
    while ((rc = weir_chunk_recv(e->rx, &c)) > 0)
        EXPECT_RC(weir_chunk_send(e->tx, c), 0);
    return rc;
}

static int talks(void *arg)
{
    weir_stream a, b;
    weir_chunk c;
    connected_pair(*(bool *)arg, &a, &b);
    struct ends x = ends_of(a), y = ends_of(b);
    EXPECT_RC(weir_chunk_try_recv(x.rx, &c), WEIR_EAGAIN);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, echoes, &y, .give = WEIR_GIVE(struct ends, rx, tx)), 0);
    for (int i = 0; i < 100; i++) {
        send_text(x.tx, "hello");
        EXPECT(recv_text(x.rx, "hello"));
    }
    weir_close(x.tx); /* the other one's end, and, when it has closed, ours */
    EXPECT_EQ(weir_chunk_recv(x.rx, &c), 0);
    EXPECT_EQ(weir_chunk_recv(x.rx, &c), 0);
    return weir_group_end(g);
}

static void there_and_back(void)
{
    with_both(talks);
}

/* ---- clones take turns, selects, chunks larger than what the system keeps ------------------ */

static int receives_one(void *arg)
{
    weir_auto(weir_chunk) c = {0};
    return weir_chunk_recv(*(weir_chunk_receiver *)arg, &c) == 1 && c.size == 1
               ? *(const char *)weir_chunk_data(c)
               : -1000;
}

static int in_turn(void *arg)
{
    weir_stream a, b;
    weir_task t[3];
    connected_pair(*(bool *)arg, &a, &b);
    struct ends x = ends_of(a), y = ends_of(b);
    weir_group g = weir_group_begin();
    for (int i = 0; i < 3; i++) {
        EXPECT_RC(weir_spawn(g, receives_one, &y.rx, .own = WEIR_OWN(weir_chunk_receiver, h),
                             .task = &t[i]),
                  0);
        weir_settle();
    }
    weir_statistics s;
    EXPECT_RC(weir_channel_statistics(y.rx, &s), 0);
    EXPECT_EQ(s.waiting_receivers, 3);
    EXPECT_EQ(s.open_receivers, 4);
    for (int i = 0; i < 3; i++) {
        const char text[2] = {(char)('a' + i), 0};
        int got = 0;
        send_text(x.tx, text);
        EXPECT_RC(weir_task_wait(t[i]), 0);
        EXPECT_RC(weir_task_result(t[i], &got), 0);
        EXPECT_EQ(got, 'a' + i);
    }
    return weir_group_end(g);
}

static void clones(void)
{
    with_both(in_turn);
}

enum { CHUNK = 8 << 20, MUCH = 3 * CHUNK };

static int reads_all(void *arg)
{
    const struct ends *e = arg;
    weir_chunk c;
    size_t sum = 0;
    int rc;
    bool right = true;
    while ((rc = weir_chunk_recv(e->rx, &c)) > 0) {
        const unsigned char *bytes = weir_chunk_data(c);
        for (uint32_t i = 0; i < c.size; i++, sum++)
            right = right && bytes[i] == (unsigned char)(sum * 7 >> 3);
        weir_chunk_free(&c);
    }
    EXPECT(right);
    EXPECT_EQ(sum, MUCH);
    return rc;
}

/* By a select, a try form, and a send; the last rest goes when nobody has the socket any more. */
static int sends_large(void *arg)
{
    weir_stream a, b;
    connected_pair(*(bool *)arg, &a, &b);
    struct ends x = ends_of(a), y = ends_of(b);
    weir_group g = weir_group_begin();
    size_t sum = 0;
    for (int i = 0; i < MUCH / CHUNK; i++) {
        weir_chunk c;
        void *data;
        REQUIRE_RC(weir_chunk_new(&c, CHUNK, &data), 0);
        for (size_t k = 0; k < CHUNK; k++, sum++)
            ((unsigned char *)data)[k] = (unsigned char)(sum * 7 >> 3);
        if (i == 0) {
            int rc;
            while ((rc = weir_chunk_try_send(x.tx, c)) == WEIR_EAGAIN)
                weir_yield(); /* where room is told late: faults.h */
            EXPECT_RC(rc, 0); /* a part, and the rest is kept */
            weir_chunk more;
            EXPECT_RC(weir_chunk_copy(&more, "x", 1), 0);
            EXPECT_RC(weir_chunk_try_send(x.tx, more), WEIR_EAGAIN);
            weir_chunk_free(&more);
            EXPECT_RC(weir_spawn(g, reads_all, &y, .give = WEIR_GIVE(struct ends, rx, tx)), 0);
        } else if (i == 1) {
            weir_case one = weir_chunk_on_send(x.tx, &c);
            EXPECT(weir_select(&one, 1, WEIR_FAIR) == 0 && one.rc == 0);
        } else {
            EXPECT_RC(weir_chunk_send(x.tx, c), 0);
        }
    }
    weir_close(x.tx);
    weir_close(x.rx);
    return weir_group_end(g);
}

static void large(void)
{
    if (!faults_make_slow()) /* it is much */
        with_both(sends_large);
}

/* ---- the end ------------------------------------------------------------------------------- */

/* The peer has sent what nobody read; our reply gets there all the same. */
static int replies_and_closes(void *arg)
{
    weir_stream a, b;
    char x[10];
    connected_pair(*(bool *)arg, &a, &b);
    EXPECT_RC(weir_stream_send(a, "a request", 9, NULL), 0);
    EXPECT_EQ(weir_stream_recv(b, x, 1), 1);
    EXPECT_RC(weir_stream_send(b, "reply", 5, NULL), 0);
    weir_time closed = weir_now();
    EXPECT_RC(weir_close(b), 0);
    int rc = weir_stream_send(a, "and more", 8, NULL);
    EXPECT(rc == 0 ||
           (rc == WEIR_EPIPE && weir_now() - closed >= 2 * WEIR_S)); /* so long it lingers */
    EXPECT_EQ(receive_exactly(a, x, 5), 5);
    EXPECT_EQ(weir_stream_recv(a, x, 10), 0);
    return 0;
}

static void unread(void)
{
    if (!faults_make_late()) /* the last look at what the peer has sent would see nothing */
        with_both(replies_and_closes);
}

static int cut_off_run(void *arg)
{
    weir_stream a, b;
    connected_pair(*(bool *)arg, &a, &b);
    struct ends x = ends_of(a);
    weir_chunk c;
    void *data;
    uint32_t size = faults_make_slow() ? 1 << 20 : 16 << 20;
    REQUIRE_RC(weir_chunk_new(&c, size, &data), 0);
    memset(data, 1, size);
    EXPECT_RC(weir_chunk_send(x.tx, c), 0);
    return 0; /* with a rest, and a peer that reads nothing */
}

static void run_ends(void)
{
    with_both(cut_off_run);
}

static int busy_and_wrong(void *arg)
{
    weir_stream a, b, p, q;
    struct ends e;
    weir_task t;
    connected_pair(*(bool *)arg, &a, &b);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_stream_ends(a, NULL, &e.tx), WEIR_EINVAL);
    EXPECT_RC(weir_stream_pair(&p, &q, 100), 0);
    EXPECT_RC(weir_stream_ends(p, &e.rx, &e.tx), WEIR_ENOTSUP);
    EXPECT_RC(weir_check(e.rx), WEIR_ENOTSUP);
    e = ends_of(b);
    EXPECT_RC(weir_stream_ends(b, &e.rx, &e.tx), WEIR_ECLOSED);
    (void)t;
    return weir_group_end(g);
}

static void misuse(void)
{
    with_both(busy_and_wrong);
}

TEST_SUITE(ends, "io: sockets as channel ends",
           {"F056 F035 ends: there and back, closing", there_and_back},
           {"F036 F052 ends: clones take turns", clones},
           {"F058 F049 ends: chunks larger than what the system keeps", large},
           {"F090 ends: closed with unread bytes, a reply on its way", unread},
           {"F068 ends: a run ends with a rest on its way", run_ends},
           {"F060 F062 ends: misuse", misuse});
