/* SPDX-License-Identifier: MIT */
/* test_wrapped.c - wrappers over each kind of stream there is: memory, channels, halves, sockets.
 */
#include "net_test.h"
#include "streams.h"

/* The last two are TCP and UNIX sockets. */
enum { KINDS = STREAM_KINDS + 2 };

static void open_kind(size_t i, weir_stream *a, weir_stream *b)
{
    if (i < STREAM_KINDS)
        stream_kinds[i].open(a, b, 64);
    else
        connected_pair(i > STREAM_KINDS, a, b);
}

static void send_text(weir_stream s, const char *text)
{
    EXPECT_RC(weir_stream_send(s, text, strlen(text), NULL), 0);
}

/* A server as of the tour: lines, a frame, then another protocol on the same connection. */
static int serve(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    weir_auto(weir_buffered) in = weir_buffer(s, NULL);
    char line[64];
    size_t n;
    int rc;
    while ((rc = weir_recv_line(in, line, sizeof line, &n)) > 0 && strcmp(line, "FRAME") != 0) {
        EXPECT_RC(weir_stream_send(in.stream, line, n, NULL), 0);
        send_text(in.stream, "\n");
    }
    EXPECT_EQ(rc, 1);
    EXPECT_EQ(weir_recv_frame(in, WEIR_FRAME_32_BIG, line, sizeof line, &n), 1);
    EXPECT_RC(weir_send_frame(in.stream, WEIR_FRAME_16_LITTLE, line, n), 0);
    in = weir_buffer(weir_text(in.stream, "UTF-16LE", WEIR_TEXT_STRICT), NULL);
    EXPECT_RC(weir_check(in), 0);
    while ((rc = weir_recv_until(in, ";", line, sizeof line, &n)) > 0) {
        EXPECT_RC(weir_stream_send(in.stream, line, n, NULL), 0);
        send_text(in.stream, "|");
    }
    EXPECT_EQ(rc, 0);
    EXPECT_RC(weir_stream_send_eof(in.stream), 0);
    return rc;
}

static int ask(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    weir_auto(weir_buffered) in = weir_buffer(s, NULL);
    char answer[64];
    size_t n;
    send_text(in.stream, "one\r\ntwo\n\nFRAME\n");
    EXPECT_RC(weir_send_frame(in.stream, WEIR_FRAME_32_BIG, "framed", 6), 0);
    EXPECT_RC(weir_stream_send(in.stream, "a\0\xac\x20;\0b\0", 8, NULL), 0); /* at once */
    EXPECT_EQ(weir_recv_exactly(in, answer, 9), 1);
    EXPECT(memcmp(answer, "one\ntwo\n\n", 9) == 0);
    EXPECT_EQ(weir_recv_frame(in, WEIR_FRAME_16_LITTLE, answer, sizeof answer, &n), 1);
    EXPECT(n == 6 && memcmp(answer, "framed", 6) == 0);
    EXPECT_EQ(weir_recv_exactly(in, answer, 6), 1);
    EXPECT(memcmp(answer, "a\0\xac\x20|\0", 6) == 0);
    EXPECT_RC(weir_stream_send(in.stream, ";\0", 2, NULL), 0);
    EXPECT_RC(weir_stream_send_eof(in.stream), 0);
    EXPECT_EQ(weir_recv_exactly(in, answer, 4), 1);
    EXPECT(memcmp(answer, "b\0|\0", 4) == 0);
    EXPECT_EQ(weir_recv_exactly(in, answer, 1), 0);
    return 0;
}

/* Give a stream to a child. */
static void spawn_with(weir_group g, weir_body body, weir_stream s)
{
    struct given {
        weir_stream s;
    } given = {s};
    EXPECT_RC(weir_spawn(g, body, &given, .give = WEIR_GIVE(struct given, s)), 0);
}

static int converse(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < KINDS; i++) {
        weir_stream client, server;
        open_kind(i, &client, &server);
        weir_group g = weir_group_begin();
        spawn_with(g, serve, server);
        spawn_with(g, ask, client);
        EXPECT_RC(weir_group_end(g), 0);
        test_goes_on();
    }
    return 0;
}

/* The same conversation by way of a proxy, from each kind to each kind. */
static int converse_by_relay(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < KINDS * KINDS; i++) {
        weir_stream client, a, b, server;
        open_kind(i / KINDS, &client, &a);
        open_kind(i % KINDS, &b, &server);
        weir_group g = weir_group_begin();
        spawn_with(g, serve, server);
        spawn_with(g, ask, client);
        EXPECT_RC(weir_stream_relay(a, b, NULL), 0);
        EXPECT_RC(weir_group_end(g), 0);
        close_pair(a, b);
        test_goes_on();
    }
    return 0;
}

static size_t much(void)
{
    return faults_make_slow() ? 30000 : 300000;
}

static int send_much(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    char part[700];
    for (size_t k = 0; k < much(); k += sizeof part) {
        size_t n = much() - k < sizeof part ? much() - k : sizeof part;
        for (size_t i = 0; i < n; i++)
            part[i] = nth_byte(k + i);
        EXPECT_RC(weir_stream_send(s, part, n, NULL), 0);
    }
    EXPECT_RC(weir_stream_send_eof(s), 0);
    char c;
    EXPECT_EQ(weir_stream_recv(s, &c, 1), 0); /* the peer has had all of it */
    return 0;
}

static int receive_much(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    weir_auto(weir_buffered) in = weir_buffer(s, NULL);
    char part[1000];
    for (size_t k = 0; k < much(); k += sizeof part) {
        EXPECT_EQ(weir_recv_exactly(in, part, sizeof part), 1);
        for (size_t i = 0; i < sizeof part; i++)
            if (part[i] != nth_byte(k + i)) {
                FAIL("another byte");
                return 0;
            }
    }
    EXPECT_EQ(weir_recv_exactly(in, part, 1), 0);
    return 0;
}

static int copy_much(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < KINDS; i++) {
        weir_stream from, a, b, to;
        weir_copied done;
        open_kind(i, &from, &a);
        open_kind(KINDS - 1 - i, &b, &to);
        weir_group g = weir_group_begin();
        spawn_with(g, send_much, from);
        spawn_with(g, receive_much, to);
        EXPECT_RC(weir_stream_copy(a, b, &done), 0);
        EXPECT_EQ(done.received, much());
        EXPECT_EQ(done.sent, much());
        EXPECT_RC(weir_stream_send_eof(b), 0);
        EXPECT_RC(weir_stream_send_eof(a), 0);
        EXPECT_RC(weir_group_end(g), 0);
        close_pair(a, b);
        test_goes_on();
    }
    return 0;
}

/* ---- closed beside others ------------------------------------------------------------------ */

static int receives_rc(void *arg)
{
    char c;
    return (int)weir_stream_recv(*(weir_stream *)arg, &c, 1);
}

/* Plain, buffered, text, both: over TCP, where a reset would be seen, and UNIX. */
static weir_stream wrapped(weir_stream s, int how)
{
    if (how & 1)
        s = weir_buffer(s, NULL).stream;
    return how & 2 ? weir_text(s, "ISO-8859-1", WEIR_TEXT_STRICT) : s;
}

/* What the system takes while nobody receives. */
static size_t room_of(bool unix_socket)
{
    static const char part[4096];
    weir_stream a, b;
    size_t sum = 0;
    ssize_t n;
    connected_pair(unix_socket, &a, &b);
    while ((n = weir_stream_try_send(a, part, sizeof part)) > 0)
        sum += (size_t)n;
    close_pair(a, b);
    return sum;
}

static size_t receive_all(weir_stream s)
{
    char part[4096];
    ssize_t n;
    size_t sum = 0;
    while ((n = weir_stream_recv(s, part, sizeof part)) > 0)
        sum += (size_t)n;
    EXPECT_RC((int)n, 0);
    return sum;
}

/* What was sent arrives, and the end behind it, although there is somebody in the way. */
static int close_beside_who_receives(void *unused)
{
    (void)unused;
    for (int i = 0; i < 8; i++) {
        static const char part[1024];
        size_t size = room_of(i & 4) / 2, sent = 0;
        weir_stream a, b;
        weir_task t;
        int result;
        connected_pair(i & 4, &a, &b);
        a = wrapped(a, i & 3);
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, receives_rc, &a, .task = &t, .isolated = true), 0);
        weir_settle();
        for (; sent < size; sent += sizeof part)
            EXPECT_RC(weir_stream_send(a, part, sizeof part, NULL), 0);
        EXPECT_RC(weir_stream_close(a, weir_after(10 * WEIR_S)), WEIR_EBUSY);
        EXPECT_RC(weir_check(a), WEIR_ECLOSED);
        EXPECT_RC(weir_task_wait(t), 0);
        EXPECT_RC(weir_task_result(t, &result), 0);
        EXPECT_RC(result, WEIR_ECLOSED);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_EQ(receive_all(b), sent);
        EXPECT_RC(weir_close(b), 0);
    }
    return 0;
}

static void closed_beside(void)
{
    faults_only_injected(); /* it is about what the system keeps */
    run_and_count(close_beside_who_receives, NULL);
    faults_as_before();
}

/* ---- closed with more than the stream below takes ------------------------------------------ */

static int counts(void *s)
{
    EXPECT_EQ(receive_all(*(weir_stream *)s), much());
    return 0;
}

/* A send that waited is out: it all arrives. */
static int close_when_it_is_out(void *unused)
{
    (void)unused;
    weir_stream a, b;
    char part[1000];
    connected_pair(false, &a, &b);
    a = wrapped(a, 3);
    memset(part, 'x', sizeof part);
    weir_group g = weir_group_begin();
    spawn_with(g, counts, b);
    for (size_t k = 0; k < much(); k += sizeof part)
        EXPECT_RC(weir_stream_send(a, part, sizeof part, NULL), 0);
    EXPECT_RC(weir_close(a), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

/* What was only taken is not: that is said, and the peer does not take a part for all of it. */
static int close_when_it_is_kept(void *unused)
{
    (void)unused;
    weir_stream a, b;
    char part[4096];
    ssize_t n;
    connected_pair(false, &a, &b);
    a = weir_text(a, "UTF-16LE", WEIR_TEXT_STRICT);
    memset(part, 'x', sizeof part);
    while (weir_stream_try_flush(a) == 0)
        EXPECT(weir_stream_try_send(a, part, sizeof part) > 0);
    int rc = weir_close(a); /* 0: in the last moment there was room */
    EXPECT(rc == 0 || rc == WEIR_EAGAIN);
    EXPECT_RC(weir_close(a), 0);
    while ((n = weir_stream_recv(b, part, sizeof part)) > 0)
        ;
    EXPECT_RC((int)n, rc == 0 ? 0 : WEIR_ECONNRESET);
    return weir_close(b);
}

static void closed_at_once(void)
{
    run_and_count(close_when_it_is_out, NULL);
    faults_only_injected();
    run_and_count(close_when_it_is_kept, NULL);
    faults_as_before();
}

static void conversations(void)
{
    run_and_count(converse, NULL);
}

static void relays(void)
{
    run_and_count(converse_by_relay, NULL);
}

static void copies(void)
{
    run_and_count(copy_much, NULL);
}

TEST_SUITE(wrapped, "wrapped streams of each kind",
           {"F077 lines, frames and text over each kind", conversations},
           {"F069 a relay between any two kinds", relays},
           {"F069 copies of much between kinds", copies},
           {"F068 F089 closed, to wait, while another one receives", closed_beside},
           {"F068 closed with more than the stream below takes", closed_at_once});
