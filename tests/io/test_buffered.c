/* SPDX-License-Identifier: MIT */
/* test_buffered.c - a line is a line, however the bytes of it came. */
#include "pipe_test.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static weir_buffered open_with(weir_stream *peer, const struct pipe_options *pipe,
                               const weir_buffer_options *options)
{
    weir_stream s;
    pipe_open(peer, &s, pipe);
    weir_buffered in = weir_buffer(s, options);
    REQUIRE_RC(weir_check(in), 0);
    EXPECT_RC(weir_check(s), WEIR_ECLOSED);
    return in;
}

static weir_buffered open_plain(weir_stream *peer)
{
    return open_with(peer, NULL, NULL);
}

static void close_both(weir_buffered in, weir_stream peer)
{
    EXPECT_RC(weir_close(in), 0);
    EXPECT_RC(weir_close(peer), 0);
}

static void expect_line(weir_buffered in, const char *expected)
{
    char line[64];
    size_t n = 99;
    EXPECT_EQ(weir_try_recv_line(in, line, sizeof line, &n), 1);
    EXPECT_EQ(n, strlen(expected));
    EXPECT_STR(line, expected);
}

static int try_line(weir_buffered in, size_t room)
{
    char line[64];
    size_t n;
    return weir_try_recv_line(in, line, room, &n);
}

static int try_until(weir_buffered in, const char *delimiter, size_t max, char *to, size_t *n)
{
    return weir_try_recv_until(in, delimiter, strlen(delimiter), to, max, n);
}

/* ---- F073 ------------------------------------------------------------------------------------ */

static void takes_over(void)
{
    weir_stream peer, s;
    pipe_open(&peer, &s, NULL);
    EXPECT_RC(weir_check(weir_buffer(s, &(weir_buffer_options){WEIR_BUFFER_AHEAD_MAX + 1, false})),
              WEIR_EINVAL);
    EXPECT_RC(weir_check(s), 0);
    weir_buffered in = weir_buffer(s, NULL);
    EXPECT_RC(weir_check(in), 0);
    EXPECT_RC(weir_check(s), WEIR_ECLOSED);
    EXPECT_RC(weir_check(weir_buffer(s, NULL)), WEIR_ECLOSED);
    EXPECT_RC(weir_check(weir_buffer((weir_stream){0}, NULL)), WEIR_EBADF);
    EXPECT_RC(weir_check(weir_buffer(weir_tcp_connect(NULL, 0, NULL), NULL)), WEIR_EINVAL);
    close_both(in, peer);
    EXPECT_RC(weir_check(weir_buffer(in.stream, NULL)), WEIR_ECLOSED);
    EXPECT_RC(weir_close(in), 0);
}

static void buffer_comes_first(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    char bytes[8], more[8];
    put_string(peer, "one\ntwo");
    expect_line(in, "one");
    put_string(peer, "three");
    EXPECT_EQ(weir_stream_recv(in.stream, bytes, 2), 2);
    EXPECT(memcmp(bytes, "tw", 2) == 0);
    struct iovec places[] = {{bytes, 0}, {bytes, 8}};
    EXPECT_EQ(weir_stream_try_recvv(in.stream, places, 2), 1);
    EXPECT_EQ(bytes[0], 'o');
    struct iovec two[] = {{bytes, 2}, {more, 8}};
    EXPECT_EQ(weir_try_peek(in, bytes, 1), 1); /* so all of it is buffered */
    EXPECT_EQ(weir_stream_recvv(in.stream, two, 2, WEIR_NEVER), 5);
    EXPECT(memcmp(bytes, "th", 2) == 0 && memcmp(more, "ree", 3) == 0);
    EXPECT_RC((int)weir_stream_try_recv(in.stream, bytes, 8), WEIR_EAGAIN);
    close_both(in, peer);
}

static void other_streams_are_refused(void)
{
    weir_stream peer;
    char c;
    size_t n;
    weir_buffered in = open_plain(&peer);
    weir_buffered wrong = {.stream = peer};
    EXPECT_RC(weir_try_recv_exactly(wrong, &c, 1), WEIR_EBADF);
    EXPECT_RC(weir_recv_line(wrong, &c, 1, &n), WEIR_EBADF);
    EXPECT_RC(weir_buffer_feed(wrong, "x", 1), WEIR_EBADF);
    EXPECT_RC((int)weir_buffer_take_unread((weir_buffered){.h = 0}, &c, 1), WEIR_EBADF);
    weir_stream above = weir_text(in.stream, NULL, WEIR_TEXT_STRICT);
    EXPECT_RC(weir_check(above), 0);
    wrong.stream = above;
    EXPECT_RC(weir_try_recv_exactly(wrong, &c, 1), WEIR_EBADF); /* not the one below */
    EXPECT_RC(weir_try_recv_exactly(in, &c, 1), WEIR_ECLOSED);
    put_string(peer, "x");
    get_string(above, "x");
    weir_close(above);
    weir_close(peer);
}

static void null_handles_tell(void)
{
    char c;
    weir_buffered in = weir_buffer((weir_stream){0}, NULL);
    EXPECT_RC(weir_try_recv_exactly(in, &c, 1), WEIR_EBADF);
    weir_stream peer;
    in = open_plain(&peer);
    weir_close(in);
    EXPECT_RC(weir_recv_exactly(in, &c, 1), WEIR_ECLOSED);
    EXPECT_RC(weir_recv_exactly(in, &c, 0), WEIR_ECLOSED);
    EXPECT_RC(weir_buffer_feed(in, &c, 1), WEIR_ECLOSED);
    EXPECT_RC((int)weir_peek(in, &c, 1), WEIR_ECLOSED);
    weir_close(peer);
}

static void bad_arguments(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    char c[300] = {0};
    size_t n;
    EXPECT_RC(weir_recv_exactly(in, NULL, 1), WEIR_EINVAL);
    EXPECT_RC(weir_recv_until(in, "", c, 1, &n), WEIR_EINVAL);
    EXPECT_RC(weir_recv_until(in, NULL, c, 1, &n), WEIR_EINVAL);
    EXPECT_RC(weir_recv_until(in, "\n", NULL, 1, &n), WEIR_EINVAL);
    EXPECT_RC(weir_recv_until(in, "\n", c, 1, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_try_recv_until(in, c, WEIR_DELIMITER_MAX + 1, c, 1, &n), WEIR_EINVAL);
    EXPECT_RC(weir_recv_line(in, c, 0, &n), WEIR_EINVAL);
    EXPECT_RC(weir_recv_line(in, NULL, 1, &n), WEIR_EINVAL);
    EXPECT_RC(weir_recv_line(in, c, 1, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_recv_frame(in, 0, c, 1, &n), WEIR_EINVAL);
    EXPECT_RC(weir_recv_frame(in, 8, c, 1, &n), WEIR_EINVAL);
    EXPECT_RC(weir_recv_frame(in, WEIR_FRAME_8, NULL, 1, &n), WEIR_EINVAL);
    EXPECT_RC(weir_send_frame(peer, 8, c, 1), WEIR_EINVAL);
    EXPECT_RC(weir_send_frame(peer, WEIR_FRAME_8, NULL, 1), WEIR_EINVAL);
    EXPECT_RC((int)weir_peek(in, c, 0), WEIR_EINVAL);
    EXPECT_RC((int)weir_peek(in, NULL, 1), WEIR_EINVAL);
    EXPECT_RC(weir_buffer_feed(in, NULL, 1), WEIR_EINVAL);
    EXPECT_RC((int)weir_buffer_take_unread(in, c, 0), WEIR_EINVAL);
    EXPECT_RC((int)weir_buffer_take_unread(in, NULL, 1), WEIR_EINVAL);
    close_both(in, peer);
}

/* ---- F074 ------------------------------------------------------------------------------------ */

static void exactly(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    char bytes[8];
    EXPECT_EQ(weir_recv_exactly(in, NULL, 0), 1);
    put_string(peer, "abc");
    EXPECT_RC(weir_try_recv_exactly(in, bytes, 4), WEIR_EAGAIN);
    put_string(peer, "defgh");
    EXPECT_EQ(weir_recv_exactly(in, bytes, 4), 1);
    EXPECT(memcmp(bytes, "abcd", 4) == 0);
    weir_close(peer);
    EXPECT_RC(weir_recv_exactly(in, bytes, 5), WEIR_EINCOMPLETE);
    EXPECT_RC(weir_recv_exactly(in, bytes, 5), WEIR_EINCOMPLETE);
    EXPECT_EQ(weir_recv_exactly(in, bytes, 2), 1);
    EXPECT(memcmp(bytes, "ef", 2) == 0);
    get_string(in.stream, "gh");
    EXPECT_EQ(weir_recv_exactly(in, bytes, 1), 0);
    get_end(in.stream);
    EXPECT_EQ(weir_recv_exactly(in, bytes, 1), 0);
    weir_close(in);
}

static void much_at_a_time(void)
{
    enum { MUCH = 60000 };
    static char sent[MUCH], received[MUCH];
    weir_stream peer;
    weir_buffered in = open_with(&peer, NULL, &(weir_buffer_options){.ahead = 1});
    for (size_t i = 0; i < MUCH; i++)
        sent[i] = (char)(i * 7 + (i >> 8));
    put(peer, sent, MUCH);
    EXPECT_EQ(weir_recv_exactly(in, received, 3), 1);
    EXPECT_EQ(weir_recv_exactly(in, received + 3, MUCH - 3), 1);
    EXPECT(memcmp(sent, received, MUCH) == 0);
    close_both(in, peer);
}

/* ---- F075, F146 ------------------------------------------------------------------------------ */

static void until_a_delimiter(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    char to[16] = "................";
    size_t n = 99;
    put_string(peer, "GET / HTTP\r\n\r\nrest");
    EXPECT_EQ(weir_recv_until(in, "\r\n", to, 10, &n), 1);
    EXPECT_EQ(n, 10);
    EXPECT(memcmp(to, "GET / HTTP......", 16) == 0);
    EXPECT_EQ(weir_recv_until(in, "\r\n", to, 0, &n), 1);
    EXPECT_EQ(n, 0);
    EXPECT_RC(try_until(in, "\r\n", 16, to, &n), WEIR_EAGAIN);
    put(peer, "\0a\0", 3);
    EXPECT_EQ(weir_try_recv_until(in, "", 1, to, 4, &n), 1);
    EXPECT_EQ(n, 4);
    EXPECT_EQ(weir_recv_until_by(in, "", 1, to, 4, &n, WEIR_NEVER), 1);
    EXPECT_EQ(n, 1);
    EXPECT_RC(weir_recv_until_by(in, "x", 1, to, 4, &n, weir_now()), WEIR_ETIMEDOUT);
    close_both(in, peer);
}

/* The limit is exact whatever the portions, and the same data come with a larger one. */
static void the_limit(void)
{
    for (size_t portion = 1; portion <= 8; portion++) {
        weir_stream peer;
        struct pipe_options cut = {.recv_most = portion};
        weir_buffered in = open_with(&peer, &cut, NULL);
        char to[16];
        size_t n = 99;
        put_string(peer, "abcde!!xyz!!");
        EXPECT_RC(try_until(in, "!!", 4, to, &n), WEIR_EMSGSIZE);
        EXPECT_RC(try_until(in, "!!", 3, to, &n), WEIR_EMSGSIZE);
        EXPECT_RC(try_until(in, "!!", 0, to, &n), WEIR_EMSGSIZE);
        EXPECT_EQ(n, 99);
        EXPECT_EQ(try_until(in, "!!", 5, to, &n), 1);
        EXPECT_EQ(n, 5);
        EXPECT_EQ(try_until(in, "!!", SIZE_MAX, to, &n), 1);
        EXPECT_EQ(n, 3);
        close_both(in, peer);
    }
}

/* Not until it is known, and not later. */
static void the_limit_is_told_at_once(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    char to[16];
    size_t n;
    put_string(peer, "abc");
    EXPECT_RC(try_until(in, "-->", 3, to, &n), WEIR_EAGAIN);
    put_string(peer, "-");
    EXPECT_RC(try_until(in, "-->", 3, to, &n), WEIR_EAGAIN); /* may be it */
    EXPECT_RC(try_until(in, "-->", 2, to, &n), WEIR_EMSGSIZE);
    put_string(peer, "-");
    EXPECT_RC(try_until(in, "-->", 3, to, &n), WEIR_EAGAIN);
    put_string(peer, "-");
    EXPECT_RC(try_until(in, "-->", 3, to, &n), WEIR_EMSGSIZE); /* cannot be any more */
    EXPECT_RC(try_until(in, "-->", 4, to, &n), WEIR_EAGAIN);
    put_string(peer, ">");
    EXPECT_EQ(try_until(in, "-->", 4, to, &n), 1);
    EXPECT_EQ(n, 4);
    put_string(peer, "x");
    EXPECT_RC(try_until(in, "\n", 0, to, &n), WEIR_EMSGSIZE);
    close_both(in, peer);
}

static void the_end_within(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    char to[16];
    size_t n;
    put_string(peer, "a\nrest");
    weir_close(peer);
    EXPECT_EQ(weir_recv_until(in, "\n", to, 16, &n), 1);
    EXPECT_RC(weir_recv_until(in, "\n", to, 16, &n), WEIR_EINCOMPLETE);
    EXPECT_RC(weir_recv_until(in, "\n", to, 3, &n), WEIR_EMSGSIZE);
    EXPECT_RC(try_line(in, 16), WEIR_EINCOMPLETE);
    get_string(in.stream, "rest");
    EXPECT_EQ(weir_recv_until(in, "\n", to, 16, &n), 0);
    EXPECT_EQ(try_line(in, 16), 0);
    weir_close(in);
}

static void the_end_delimits(void)
{
    weir_stream peer;
    weir_buffered in = open_with(&peer, NULL, &(weir_buffer_options){.end_delimits = true});
    char to[16];
    size_t n;
    put_string(peer, "a\nrest\r");
    weir_close(peer);
    expect_line(in, "a");
    EXPECT_RC(weir_recv_until(in, "\n", to, 4, &n), WEIR_EMSGSIZE);
    EXPECT_RC(try_line(in, 5), WEIR_EMSGSIZE); /* it is no "\r\n" */
    expect_line(in, "rest\r");
    EXPECT_EQ(try_line(in, 5), 0);
    weir_close(in);
    in = open_with(&peer, NULL, &(weir_buffer_options){.end_delimits = true});
    put_string(peer, "a::b:");
    weir_close(peer);
    EXPECT_EQ(weir_recv_until(in, "::", to, 16, &n), 1);
    EXPECT_EQ(weir_recv_until(in, "::", to, 2, &n), 1);
    EXPECT_EQ(n, 2);
    EXPECT(memcmp(to, "b:", 2) == 0);
    EXPECT_EQ(weir_recv_until(in, "::", to, 2, &n), 0);
    weir_close(in);
}

/* ---- F147 ------------------------------------------------------------------------------------ */

static void lines(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    const char *expected[] = {"one", "", "t\rwo", "", "three\r"};
    char line[16];
    size_t n, i = 0;
    int rc;
    put_string(peer, "one\n\nt\rwo\r\n\r\nthree\r\r\n");
    weir_close(peer);
    while ((rc = weir_recv_line(in, line, sizeof line, &n)) > 0) {
        EXPECT_STR(line, expected[i]);
        EXPECT_EQ(n, strlen(expected[i++]));
    }
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(i, 5);
    weir_close(in);
}

/* The longest line has room - 1 bytes, with either end. */
static void the_longest_line(void)
{
    for (size_t portion = 1; portion <= 6; portion++) {
        weir_stream peer;
        struct pipe_options cut = {.recv_most = portion};
        weir_buffered in = open_with(&peer, &cut, NULL);
        char line[4];
        size_t n;
        put_string(peer, "abc\r\nabc\nabcd\n");
        EXPECT_RC(try_line(in, 3), WEIR_EMSGSIZE);
        EXPECT_RC(try_line(in, 1), WEIR_EMSGSIZE);
        EXPECT_EQ(weir_recv_line(in, line, 4, &n), 1);
        EXPECT_STR(line, "abc");
        EXPECT_EQ(weir_recv_line(in, line, 4, &n), 1);
        EXPECT_STR(line, "abc");
        EXPECT_RC(weir_recv_line(in, line, 4, &n), WEIR_EMSGSIZE);
        expect_line(in, "abcd");
        put_string(peer, "abc\r");
        EXPECT_RC(try_line(in, 4), WEIR_EAGAIN); /* it may go on with "\n" */
        put_string(peer, "\r");
        EXPECT_RC(try_line(in, 4), WEIR_EMSGSIZE);
        put_string(peer, "\n");
        expect_line(in, "abc\r");
        close_both(in, peer);
    }
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void frames_of(weir_frame_format format, const char *expected, size_t prefix)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    char bytes[16], to[300] = "..........";
    size_t n = 99;
    EXPECT_RC(weir_send_frame(in.stream, format, "hello", 5), 0);
    EXPECT_RC(weir_send_frame(in.stream, format, NULL, 0), 0);
    EXPECT_EQ(weir_stream_recv(peer, bytes, prefix), (long)prefix);
    EXPECT(memcmp(bytes, expected, prefix) == 0);
    get_string(peer, "hello");
    memset(to, 0, sizeof to);
    get(peer, to, prefix);
    for (size_t cut = 0; cut < prefix + 5; cut++) {
        put(peer, bytes, cut < prefix ? cut : prefix);
        if (cut > prefix)
            put(peer, "hello", cut - prefix);
        n = 99;
        EXPECT_RC(weir_try_recv_frame(in, format, to, 5, &n), WEIR_EAGAIN);
        EXPECT_EQ(n, 99);
        if (cut < prefix)
            put(peer, bytes + cut, prefix - cut);
        put_string(peer, &"hello"[cut < prefix ? 0 : cut - prefix]);
        EXPECT_RC(weir_try_recv_frame(in, format, to, 4, &n), WEIR_EMSGSIZE);
        EXPECT_EQ(n, 5);
        EXPECT_EQ(weir_recv_frame(in, format, to, 5, &n), 1);
        EXPECT_EQ(n, 5);
        EXPECT(memcmp(to, "hello", 5) == 0);
    }
    EXPECT_RC(weir_send_frame(peer, format, NULL, 0), 0);
    EXPECT_EQ(weir_recv_frame(in, format, NULL, 0, &n), 1);
    EXPECT_EQ(n, 0);
    put(peer, bytes, prefix);
    weir_close(peer);
    EXPECT_RC(weir_recv_frame(in, format, to, 5, &n), WEIR_EINCOMPLETE);
    get(in.stream, bytes, prefix);
    EXPECT_EQ(weir_recv_frame(in, format, to, 5, &n), 0);
    weir_close(in);
}

static void frames(void)
{
    frames_of(WEIR_FRAME_8, "\5", 1);
    frames_of(WEIR_FRAME_16_BIG, "\0\5", 2);
    frames_of(WEIR_FRAME_16_LITTLE, "\5\0", 2);
    frames_of(WEIR_FRAME_32_BIG, "\0\0\0\5", 4);
    frames_of(WEIR_FRAME_32_LITTLE, "\5\0\0\0", 4);
    frames_of(WEIR_FRAME_64_BIG, "\0\0\0\0\0\0\0\5", 8);
    frames_of(WEIR_FRAME_64_LITTLE, "\5\0\0\0\0\0\0\0", 8);
}

static void large_frames(void)
{
    static char much[65536 + 1], to[65536];
    weir_stream peer;
    struct pipe_options room = {.pieces = 2048};
    weir_buffered in = open_with(&peer, &room, NULL);
    size_t n;
    memset(much, 'x', sizeof much);
    EXPECT_RC(weir_send_frame(peer, WEIR_FRAME_8, much, 256), WEIR_EMSGSIZE);
    EXPECT_RC(weir_send_frame(peer, WEIR_FRAME_16_BIG, much, 65536), WEIR_EMSGSIZE);
    EXPECT_RC(weir_send_frame(peer, WEIR_FRAME_16_LITTLE, much, 65535), 0);
    EXPECT_EQ(weir_recv_frame(in, WEIR_FRAME_16_LITTLE, to, sizeof to, &n), 1);
    EXPECT_EQ(n, 65535);
    EXPECT(memcmp(to, much, n) == 0);
    put(peer, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    EXPECT_RC(weir_recv_frame(in, WEIR_FRAME_64_BIG, to, sizeof to, &n), WEIR_EMSGSIZE);
    EXPECT(n == SIZE_MAX);
    close_both(in, peer);
}

/* ---- F076, F148 ------------------------------------------------------------------------------ */

static void peeks(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    char to[8];
    EXPECT_RC((int)weir_try_peek(in, to, 8), WEIR_EAGAIN);
    EXPECT_RC((int)weir_peek_by(in, to, 8, weir_now()), WEIR_ETIMEDOUT);
    put_string(peer, "abc");
    EXPECT_EQ(weir_try_peek(in, to, 8), 3);
    EXPECT_EQ(weir_peek(in, to, 2), 2);
    EXPECT(memcmp(to, "abc", 3) == 0);
    EXPECT_RC((int)weir_peek_by(in, to, 4, weir_now()), WEIR_ETIMEDOUT);
    weir_close(peer);
    EXPECT_EQ(weir_peek(in, to, 8), 3);
    get_string(in.stream, "abc");
    EXPECT_EQ(weir_peek(in, to, 8), 0);
    EXPECT_EQ(weir_try_peek(in, to, 8), 0);
    weir_close(in);
}

static void feeds(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    char to[8];
    put_string(peer, "ab");
    EXPECT_EQ(weir_try_peek(in, to, 1), 1);
    put_string(peer, "ef\n");
    EXPECT_RC(weir_buffer_feed(in, "cd", 2), 0);
    EXPECT_RC(weir_buffer_feed(in, NULL, 0), 0);
    expect_line(in, "abcdef");
    EXPECT_RC(weir_buffer_feed(in, "x\n", 2), 0);
    expect_line(in, "x");
    put_string(peer, "y");
    weir_close(peer);
    EXPECT_RC(try_line(in, 8), WEIR_EINCOMPLETE);
    EXPECT_RC(weir_buffer_feed(in, "\n", 1), 0);
    expect_line(in, "y");
    EXPECT_EQ(try_line(in, 8), 0);
    EXPECT_RC(weir_buffer_feed(in, "\n", 1), WEIR_EPIPE); /* the end stays */
    get_end(in.stream);
    EXPECT_RC(weir_buffer_feed(in, "\n", 1), WEIR_EPIPE);
    weir_close(in);
}

/* STARTTLS: what came behind the request is there, and can be had in two ways. */
static void unread_bytes(void)
{
    for (int wraps = 0; wraps < 2; wraps++) {
        weir_stream peer;
        weir_buffered in = open_plain(&peer);
        char to[4];
        put_string(peer, "STARTTLS\r\n\x16\x03\x01hello");
        expect_line(in, "STARTTLS");
        if (wraps) {
            weir_buffered above = weir_buffer(in.stream, NULL);
            EXPECT_EQ(weir_peek(above, to, 3), 3);
            EXPECT(memcmp(to, "\x16\x03\x01", 3) == 0);
            EXPECT_RC((int)weir_buffer_take_unread(in, to, 4), WEIR_ECLOSED);
            get_string(above.stream, "\x16\x03\x01hello");
            in = above;
        } else {
            EXPECT_EQ(weir_buffer_take_unread(in, to, 4), 4);
            EXPECT(memcmp(to, "\x16\x03\x01h", 4) == 0);
            EXPECT_EQ(weir_buffer_take_unread(in, to, 4), 4);
            put_string(peer, "more");
            EXPECT_EQ(weir_buffer_take_unread(in, to, 4), 0); /* nothing from below */
            get_string(in.stream, "more");
        }
        close_both(in, peer);
    }
}

/* ---- F077 ------------------------------------------------------------------------------------ */

static void both_directions(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    weir_bytes bytes = {(void *)(uintptr_t) "three", 5};
    struct iovec places[] = {{(void *)(uintptr_t) "t", 1}, {(void *)(uintptr_t) "wo", 2}};
    size_t sent;
    char to[8];
    put_string(in.stream, "one");
    get_string(peer, "one");
    EXPECT_RC(weir_stream_sendv(in.stream, places, 2, WEIR_NEVER, &sent), 0);
    EXPECT_EQ(sent, 3);
    get_string(peer, "two");
    weir_case c = weir_on_stream_send(in.stream, &bytes);
    EXPECT_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
    EXPECT_EQ(c.rc, 5);
    get_string(peer, "three");
    EXPECT_RC(weir_stream_send_eof(in.stream), 0);
    EXPECT_RC(weir_stream_send_eof(in.stream), 0);
    get_end(peer);
    EXPECT_RC(weir_stream_send(in.stream, "x", 1, NULL), WEIR_EPIPE);
    put_string(peer, "back\n");
    expect_line(in, "back");
    weir_close(peer);
    EXPECT_EQ(weir_stream_recv(in.stream, to, 8), 0);
    EXPECT_RC(weir_stream_close(in.stream, WEIR_NEVER), 0);
}

static void keeps_flushing(void)
{
    weir_stream peer;
    struct pipe_options keeps = {.keeps = true};
    weir_buffered in = open_with(&peer, &keeps, NULL);
    put_string(in.stream, "abc"); /* a send has flushed when it returns */
    get_string(peer, "abc");
    EXPECT_EQ(weir_stream_try_send(in.stream, "def", 3), 3);
    EXPECT_RC(weir_stream_try_flush(in.stream), 0);
    get_string(peer, "def");
    close_both(in, peer);
}

static void attributes_go_through(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    int value = 0;
    char c;
    EXPECT_RC(weir_stream_get(in.stream, WEIR_ATTRIBUTE_USER, &value), WEIR_ENOENT);
    put_string(peer, "partial line");
    EXPECT_RC(try_line(in, 20), WEIR_EAGAIN);
    pipe_fail(in.stream, -104); /* by way of the buffered one */
    EXPECT_RC(try_line(in, 20), -104);
    EXPECT_RC(weir_buffer_feed(in, "x", 1), WEIR_EPIPE);
    get_string(in.stream, "partial line"); /* queued data first */
    EXPECT_RC((int)weir_stream_recv(in.stream, &c, 1), -104);
    EXPECT_RC(weir_recv_exactly(in, &c, 1), -104);
    close_both(in, peer);
}

/* ---- select ---------------------------------------------------------------------------------- */

static void cases_fire(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    char text[16], piece[16], body[16], bytes[2];
    weir_line line = {text, sizeof text, 0};
    weir_until until = {"; ", 2, piece, sizeof piece, 0};
    weir_frame frame = {WEIR_FRAME_8, body, sizeof body, 0};
    weir_bytes exact = {bytes, 2};
    put_string(peer, "line\npiece; \4bodyxy");
    weir_case c = weir_on_recv_line(in, &line);
    EXPECT_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
    EXPECT_EQ(c.rc, 1);
    EXPECT_STR(text, "line");
    c = weir_on_recv_until(in, &until);
    EXPECT_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
    EXPECT_EQ(until.size, 5);
    c = weir_on_recv_frame(in, &frame);
    EXPECT_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
    EXPECT_EQ(frame.size, 4);
    c = weir_on_recv_exactly(in, &exact);
    EXPECT_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
    EXPECT(memcmp(bytes, "xy", 2) == 0);
    EXPECT_RC(weir_try_select(&c, 1, WEIR_FAIR), WEIR_EAGAIN);
    line.room = 0;
    c = weir_on_recv_line(in, &line);
    EXPECT_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
    EXPECT_RC(c.rc, WEIR_EINVAL);
    weir_close(peer);
    c = weir_on_recv_exactly(in, &exact);
    EXPECT_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
    EXPECT_EQ(c.rc, 0);
    weir_close(in);
    EXPECT_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
    EXPECT_RC(c.rc, WEIR_ECLOSED);
}

/* What a losing case has received stays. */
static void a_losing_case(void)
{
    weir_stream peer;
    weir_buffered in = open_plain(&peer);
    weir_sender tx;
    weir_receiver rx;
    int item = 1;
    char text[16];
    weir_line line = {text, sizeof text, 0};
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, NULL), 0);
    put_string(peer, "begin");
    weir_case c[] = {weir_on_recv_line(in, &line), weir_on_recv(rx, &item)};
    EXPECT_RC(weir_try_select(c, 2, WEIR_ORDERED), WEIR_EAGAIN);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_EQ(weir_select(c, 2, WEIR_ORDERED), 1);
    EXPECT_RC(weir_select_by(c, 1, WEIR_ORDERED, weir_now()), WEIR_ETIMEDOUT);
    put_string(peer, "ning\n");
    EXPECT_EQ(weir_select(c, 2, WEIR_ORDERED), 0);
    EXPECT_STR(text, "beginning");
    weir_close(tx);
    weir_close(rx);
    close_both(in, peer);
}

/* ---- waiting --------------------------------------------------------------------------------- */

struct both {
    weir_buffered in;
    weir_stream peer;
    int rc;
};

/* Everybody else waits; is one in this direction? */
static void settle_busy(weir_buffered in)
{
    EXPECT_RC(weir_settle(), 0);
    EXPECT_RC(weir_buffer_feed(in, NULL, 0), WEIR_EBUSY);
}

static int say_slowly(void *arg)
{
    const struct both *b = arg;
    const char *text = "slowly but surely\n";
    for (size_t i = 0; text[i]; i++) {
        put(b->peer, &text[i], 1);
        weir_yield();
    }
    return 0;
}

static void waits_for_all(void)
{
    for (int selects = 0; selects < 2; selects++) {
        struct both b;
        char text[32];
        size_t n;
        weir_line line = {text, sizeof text, 0};
        b.in = open_plain(&b.peer);
        weir_case c = weir_on_recv_line(b.in, &line);
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, say_slowly, &b), 0);
        if (selects)
            EXPECT_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
        else
            EXPECT_EQ(weir_recv_line(b.in, text, sizeof text, &n), 1);
        EXPECT_STR(text, "slowly but surely");
        EXPECT_RC(weir_group_end(g), 0);
        close_both(b.in, b.peer);
    }
}

enum form { BYTES, EXACTLY, UNTIL, LINE, FRAME, PEEK, LINE_CASE, FORMS };

static int receive_in(weir_buffered in, enum form form)
{
    char to[16];
    size_t n;
    weir_line line = {to, sizeof to, 0};
    weir_case c = weir_on_recv_line(in, &line);
    int i;
    switch (form) {
    case BYTES:
        return (int)weir_stream_recv(in.stream, to, 16);
    case EXACTLY:
        return weir_recv_exactly(in, to, 5);
    case UNTIL:
        return weir_recv_until(in, "\n", to, 16, &n);
    case LINE:
        return weir_recv_line(in, to, 16, &n);
    case FRAME:
        return weir_recv_frame(in, WEIR_FRAME_8, to, 16, &n);
    case PEEK:
        return (int)weir_peek(in, to, 5);
    default:
        i = weir_select(&c, 1, WEIR_FAIR);
        return i < 0 ? i : c.rc;
    }
}

struct waiting {
    weir_buffered in;
    enum form form;
    int *rc;
};

static int wait_in(void *arg)
{
    struct waiting *w = arg;
    *w->rc = receive_in(w->in, w->form);
    return 0;
}

typedef void (*deed)(weir_group g, const struct waiting *w, weir_stream peer);

/* Let an actor wait in each form with some bytes of what it wants there; act, and look afterwards.
 */
static void while_waiting(deed act, deed after, int expected)
{
    for (enum form form = BYTES; form < FORMS; form++) {
        weir_stream peer;
        struct waiting w = {open_plain(&peer), form, NULL};
        int rc = 99;
        w.rc = &rc;
        put_string(peer, form == BYTES ? "" : form == FRAME ? "\4abc" : "abcd");
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, wait_in, &w), 0);
        settle_busy(w.in);
        act(g, &w, peer);
        (void)weir_group_end(g);
        EXPECT_RC(rc, expected);
        if (after)
            after(g, &w, peer);
        weir_close(w.in);
        weir_close(peer);
    }
}

static void cancel(weir_group g, const struct waiting *w, weir_stream peer)
{
    (void)w;
    (void)peer;
    weir_group_cancel(g, "enough");
}

static void all_is_there(weir_group g, const struct waiting *w, weir_stream peer)
{
    char to[8];
    (void)g;
    if (w->form == BYTES)
        put_string(peer, "abcd");
    put_string(peer, "\n");
    EXPECT_EQ(weir_recv_exactly(w->in, to, 5), 1);
    EXPECT(memcmp(to, w->form == FRAME ? "\4abc\n" : "abcd\n", 5) == 0);
}

static void cancelled(void)
{
    while_waiting(cancel, all_is_there, WEIR_ECANCELED);
}

static void close_it(weir_group g, const struct waiting *w, weir_stream peer)
{
    (void)g;
    (void)peer;
    EXPECT_RC(weir_close(w->in), 0);
}

static void closed(void)
{
    while_waiting(close_it, NULL, WEIR_ECLOSED);
}

static void abort_it(weir_group g, const struct waiting *w, weir_stream peer)
{
    (void)g;
    (void)peer;
    EXPECT_RC(weir_stream_abort(w->in.stream), 0);
}

static void aborted(void)
{
    while_waiting(abort_it, NULL, WEIR_ECLOSED);
}

static void others_are_busy(weir_group g, const struct waiting *w, weir_stream peer)
{
    char to[8];
    size_t n;
    EXPECT_RC(weir_try_recv_line(w->in, to, 8, &n), WEIR_EBUSY);
    EXPECT_RC(weir_buffer_feed(w->in, "x", 1), WEIR_EBUSY);
    EXPECT_RC((int)weir_buffer_take_unread(w->in, to, 8), WEIR_EBUSY);
    EXPECT_RC(weir_check(weir_buffer(w->in.stream, NULL)), WEIR_EBUSY);
    put_string(w->in.stream, "the other direction is free");
    get_string(peer, "the other direction is free");
    weir_group_cancel(g, "enough");
}

static void busy(void)
{
    while_waiting(others_are_busy, all_is_there, WEIR_ECANCELED);
}

/*
 * Between a select's look and its wait another one receives what it saw, and leaves a line: the
 * select has to see that. A source that is asked first does it, after the line's was.
 */
struct meddler {
    weir_buffered in;
    weir_stream peer;
    weir_receiver never;
    int times, item;
};

static int meddle(void *object, void *item)
{
    struct meddler *m = object;
    (void)item;
    if (m->times++ == 0) {
        put_string(m->peer, "c\nsecond\n");
        expect_line(m->in, "abc");
    }
    return WEIR_EAGAIN;
}

static int meddler_arm(void *object, weir_case *below)
{
    struct meddler *m = object;
    *below = weir_on_recv(m->never, &m->item);
    return 0;
}

static void meddler_disarm(void *object, int rc)
{
    (void)object;
    EXPECT_RC(rc, WEIR_EAGAIN);
}

static void another_one_in_between(void)
{
    static const weir_source meddling = {meddle, meddler_arm, meddler_disarm};
    struct meddler m = {.times = 0};
    weir_sender tx;
    char text[16];
    weir_line line = {text, sizeof text, 0};
    EXPECT_RC(weir_channel_open(&tx, &m.never, sizeof m.item, 1, NULL), 0);
    m.in = open_plain(&m.peer);
    put_string(m.peer, "ab");
    weir_case c[] = {weir_on_recv_line(m.in, &line), weir_on_source(&meddling, &m, NULL)};
    EXPECT_EQ(weir_select(c, 2, WEIR_ORDERED), 0);
    EXPECT_STR(text, "second");
    weir_close(tx);
    weir_close(m.never);
    close_both(m.in, m.peer);
}

/* ---- every portion --------------------------------------------------------------------------- */

static const char protocol[] = "HELO me\r\n"
                               "\0\5first"
                               "k=v; x=y; "
                               "1234"
                               "\n"
                               "DATA";

/* Receive all of the protocol, as far as it is there: the number of the step that waits. */
static int protocol_step(weir_buffered in, int step)
{
    char to[32];
    size_t n;
    switch (step) {
    case 0:
        return weir_try_recv_line(in, to, 8, &n) == 1 && strcmp(to, "HELO me") == 0;
    case 1:
        return weir_try_recv_frame(in, WEIR_FRAME_16_BIG, to, 5, &n) == 1 && n == 5;
    case 2:
    case 3:
        return weir_try_recv_until(in, "; ", 2, to, 3, &n) == 1 && n == 3;
    case 4:
        return weir_try_recv_exactly(in, to, 4) == 1 && memcmp(to, "1234", 4) == 0;
    case 5:
        return weir_try_recv_line(in, to, 1, &n) == 1 && n == 0;
    case 6:
        return weir_stream_try_recv(in.stream, to, 1) == 1;
    default:
        return 0;
    }
}

static int protocol_steps(weir_buffered in, int step)
{
    while (protocol_step(in, step))
        step++;
    return step;
}

static void every_cut(void)
{
    enum { SIZE = sizeof protocol - 1 };
    for (size_t one = 0; one <= SIZE; one++) {
        for (size_t two = one; two <= SIZE; two++) {
            weir_stream peer;
            weir_buffered in = open_plain(&peer);
            put(peer, protocol, one);
            int step = protocol_steps(in, 0);
            put(peer, protocol + one, two - one);
            step = protocol_steps(in, step);
            put(peer, protocol + two, SIZE - two);
            EXPECT_EQ(protocol_steps(in, step), 7);
            get_string(in.stream, "ATA");
            close_both(in, peer);
        }
    }
}

/* A connection that is cut at each byte: the number of whole things, and then what is left of one.
 */
static void every_end(void)
{
    static const size_t ends[] = {9, 16, 21, 26, 30, 31, 32};
    for (size_t size = 0; size < sizeof protocol - 1; size++) {
        weir_stream peer;
        weir_buffered in = open_plain(&peer);
        char rest[64];
        size_t n, whole = 0;
        put(peer, protocol, size);
        weir_close(peer);
        while (whole < 7 && size >= ends[whole])
            whole++;
        EXPECT_EQ(protocol_steps(in, 0), (int)whole);
        n = size - (whole ? ends[whole - 1] : 0);
        EXPECT_RC(weir_recv_exactly(in, rest, n + 1), n > 0 ? WEIR_EINCOMPLETE : 0);
        get(in.stream, protocol + size - n, n);
        get_end(in.stream);
        weir_close(in);
    }
}

/* ---- against a model ------------------------------------------------------------------------- */

static uint64_t seed;

static size_t below(size_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((seed >> 33) % n);
}

enum { MODEL = 4096 };

/* All bytes that ever come, and how many have come and were received. */
struct model {
    char bytes[MODEL];
    size_t all, came, at;
    bool ended;
};

/* What a call for bytes up to a delimiter has to return; *n their number. */
static int model_until(const struct model *m, const char *delimiter, size_t max, size_t *n)
{
    size_t size = strlen(delimiter), there = m->came - m->at;
    for (size_t k = 0; k <= max && k + size <= there; k++) {
        if (memcmp(m->bytes + m->at + k, delimiter, size) == 0) {
            *n = k;
            return 1;
        }
    }
    for (size_t k = 0; k <= max; k++) /* may one come? */
        if (k >= there ||
            (there - k < size && memcmp(m->bytes + m->at + k, delimiter, there - k) == 0))
            return m->ended ? there > 0 ? WEIR_EINCOMPLETE : 0 : WEIR_EAGAIN;
    return WEIR_EMSGSIZE;
}

static int model_frame(const struct model *m, size_t max, size_t *n)
{
    size_t there = m->came - m->at;
    const unsigned char *p = (const unsigned char *)m->bytes + m->at;
    int more = m->ended ? there > 0 ? WEIR_EINCOMPLETE : 0 : WEIR_EAGAIN;
    if (there < 2)
        return more;
    *n = (size_t)p[0] << 8 | p[1];
    return *n > max ? WEIR_EMSGSIZE : there - 2 < *n ? more : 1;
}

static void step_until(struct model *m, weir_buffered in)
{
    static const char *const delimiters[] = {"a", "ab", "aab", "abab", "bbbbb"};
    const char *delimiter = delimiters[below(5)];
    char to[64];
    size_t n = 99, expected = 99, max = below(sizeof to);
    int rc = model_until(m, delimiter, max, &expected);
    EXPECT_RC(weir_try_recv_until(in, delimiter, strlen(delimiter), to, max, &n), rc);
    EXPECT_EQ(n, expected);
    if (rc != 1)
        return;
    EXPECT(memcmp(to, m->bytes + m->at, n) == 0);
    m->at += n + strlen(delimiter);
}

static void step_exactly(struct model *m, weir_buffered in)
{
    char to[64];
    size_t n = 1 + below(sizeof to - 1), there = m->came - m->at;
    int rc = there >= n ? 1 : !m->ended ? WEIR_EAGAIN : there > 0 ? WEIR_EINCOMPLETE : 0;
    EXPECT_RC(weir_try_recv_exactly(in, to, n), rc);
    if (rc != 1)
        return;
    EXPECT(memcmp(to, m->bytes + m->at, n) == 0);
    m->at += n;
}

static void step_frame(struct model *m, weir_buffered in)
{
    char to[64];
    size_t n = 99, expected = 99, max = below(sizeof to);
    int rc = model_frame(m, max, &expected);
    EXPECT_RC(weir_try_recv_frame(in, WEIR_FRAME_16_BIG, to, max, &n), rc);
    if (rc == WEIR_EMSGSIZE)
        EXPECT_EQ(n, expected);
    if (rc != 1)
        return;
    EXPECT(memcmp(to, m->bytes + m->at + 2, n) == 0);
    m->at += n + 2;
}

static void step_bytes(struct model *m, weir_buffered in)
{
    char to[64];
    size_t size = 1 + below(sizeof to - 1), there = m->came - m->at;
    bool looks = below(2);
    ssize_t n = looks ? weir_try_peek(in, to, size) : weir_stream_try_recv(in.stream, to, size);
    if (there == 0) {
        EXPECT_RC((int)n, m->ended ? 0 : WEIR_EAGAIN);
        return;
    }
    EXPECT(n > 0 && (size_t)n <= size && (size_t)n <= there);
    if (n > 0)
        EXPECT(memcmp(to, m->bytes + m->at, (size_t)n) == 0);
    m->at += looks || n < 0 ? 0 : (size_t)n;
}

static void step_come(struct model *m, weir_buffered in, weir_stream peer)
{
    size_t n = below(40);
    if (n > m->all - m->came)
        n = m->all - m->came;
    if (below(8) == 0) {
        char to[MODEL]; /* what is buffered, and fed again */
        ssize_t k = weir_buffer_take_unread(in, to, sizeof to);
        EXPECT(k >= 0);
        EXPECT_RC(weir_buffer_feed(in, to, (size_t)k), 0);
    }
    put(peer, m->bytes + m->came, n);
    m->came += n;
    if (m->came == m->all && !m->ended) {
        EXPECT_RC(weir_stream_send_eof(peer), 0);
        m->ended = true;
    }
}

static void model_run(uint64_t which)
{
    static struct model m;
    seed = which * 2654435761u + 1;
    struct pipe_options pipe = {.recv_most = below(3) ? below(20) : 0, .send_most = below(70)};
    weir_buffer_options options = {.ahead = below(2) ? 1 + below(50) : 0};
    weir_stream peer;
    weir_buffered in = open_with(&peer, &pipe, &options);
    m = (struct model){.all = below(MODEL)};
    for (size_t i = 0; i < m.all; i++)
        m.bytes[i] = below(9) ? (char)('a' + below(2)) : (char)below(3);
    while (m.at < m.all || !m.ended) {
        switch (below(6)) {
        case 0:
            step_until(&m, in);
            break;
        case 1:
            step_exactly(&m, in);
            break;
        case 2:
            step_frame(&m, in);
            break;
        case 3:
            step_bytes(&m, in);
            break;
        default:
            step_come(&m, in, peer);
        }
    }
    get_end(in.stream);
    close_both(in, peer);
}

static void against_a_model(void)
{
    for (uint64_t which = 0; which < 300; which++) {
        unsigned before = CU_get_number_of_failures();
        model_run(which);
        if (CU_get_number_of_failures() != before) {
            fprintf(stderr, "seed %llu\n", (unsigned long long)which);
            return;
        }
    }
}

/* ---- both by actors and by threads ----------------------------------------------------------- */

static void nothing_leaks(void)
{
    EXPECT_EQ(pipe_alive(), 0);
}

#define BOTH(name)                                                                                 \
    static void name##_by_both(void)                                                               \
    {                                                                                              \
        by_actor_and_thread(name);                                                                 \
    }
#define ACTOR(name)                                                                                \
    static void name##_by_actor(void)                                                              \
    {                                                                                              \
        in_actor(name);                                                                            \
    }
BOTH(takes_over)
BOTH(buffer_comes_first)
BOTH(exactly)
BOTH(cases_fire)
BOTH(a_losing_case)
BOTH(another_one_in_between)
ACTOR(waits_for_all)
ACTOR(cancelled)
ACTOR(closed)
ACTOR(aborted)
ACTOR(busy)

/* ---- no delimiter ---------------------------------------------------------------------------- */

enum { LONGEST = 1 << 20, MORE = 64 << 10, PIECE = 32 << 10 };

/*
 * What the library has allocated, and the most that it ever had; less than nothing when it releases
 * what it had before it was counted.
 */
static atomic_llong live, peak;

static void *counted(size_t bytes, void *context)
{
    (void)context;
    long long n = (long long)bytes, now = atomic_fetch_add(&live, n) + n, most = atomic_load(&peak);
    while (now > most && !atomic_compare_exchange_weak(&peak, &most, now))
        ;
    return malloc(bytes);
}

static void uncounted(void *memory, size_t bytes, void *context)
{
    (void)context;
    atomic_fetch_sub(&live, memory ? (long long)bytes : 0);
    free(memory);
}

static size_t bytes_without(void)
{
    const char *soak = getenv("WEIR_SOAK");
    long n = soak ? strtol(soak, NULL, 10) : 1;
    return (size_t)8 * LONGEST * (size_t)(n < 1 ? 1 : n < 128 ? n : 128);
}

static int sends_no_delimiter(void *arg)
{
    static const char piece[PIECE];
    weir_stream s = *(weir_stream *)arg;
    int rc = 0;
    for (size_t n = bytes_without(); n > 0 && rc == 0; n -= PIECE)
        rc = weir_stream_send(s, piece, PIECE, NULL);
    return rc < 0 ? rc : weir_stream_send_eof(s);
}

/* It says so as soon as it is too long, and has not taken in more than that. */
static void receive_none(weir_buffered in, char *to)
{
    size_t n, all = bytes_without();
    long long before = atomic_load(&live);
    int rc;
    atomic_store(&peak, before);
    while ((rc = weir_recv_until(in, "\r\n", to, LONGEST, &n)) == WEIR_EMSGSIZE) {
        EXPECT(atomic_load(&live) - before <= LONGEST + MORE);
        for (size_t left = LONGEST; left > 0; left -= n) {
            ssize_t k = weir_stream_recv(in.stream, to, left);
            REQUIRE(k > 0);
            n = (size_t)k;
        }
        all -= LONGEST;
        test_goes_on();
    }
    EXPECT_RC(rc, WEIR_EINCOMPLETE);
    EXPECT(atomic_load(&peak) - before <= 2 * (LONGEST + MORE)); /* it grows: there twice */
    EXPECT_EQ(all, LONGEST); /* the last ones may be followed by a delimiter, but for the end */
}

static void no_delimiter(void)
{
    weir_stream a, b;
    char *to = malloc(LONGEST);
    EXPECT_RC(weir_stream_pair(&a, &b, PIECE), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, sends_no_delimiter, &a), 0);
    weir_buffered in = weir_buffer(b, NULL);
    receive_none(in, to);
    EXPECT_RC(weir_group_end(g), 0);
    close_both(in, a);
    free(to);
}

static void no_delimiter_by_actor(void)
{
    const weir_allocator counts = {counted, uncounted, NULL};
    weir_set_allocator(&counts);
    in_actor(no_delimiter);
    weir_set_allocator(NULL);
}

TEST_SUITE(
    buffered, "buffered streams", {"F073 F078 buffer: takes the stream over", takes_over_by_both},
    {"F073 buffer: what is buffered comes first", buffer_comes_first_by_both},
    {"F073 buffer: handles of other streams", other_streams_are_refused},
    {"F073 buffer: closed handles", null_handles_tell}, {"F073 buffer: arguments", bad_arguments},
    {"B5 F074 exactly n bytes, or what there is stays", exactly_by_both},
    {"F074 exactly many bytes", much_at_a_time},
    {"B5 F075 until a delimiter, which is not returned", until_a_delimiter},
    {"B5 F063 F146 until: the limit is exact in all portions", the_limit},
    {"B5 F146 until: the limit is told as soon as it is known", the_limit_is_told_at_once},
    {"F075 until: the end within", the_end_within},
    {"F147 lines: the end delimits", the_end_delimits},
    {"F147 lines, with both kinds of ends", lines}, {"B5 F147 the longest line", the_longest_line},
    {"F146 frames of all formats, cut everywhere", frames}, {"F146 large frames", large_frames},
    {"F148 peek", peeks}, {"F076 feed", feeds},
    {"F076 unread bytes at a change of protocol", unread_bytes},
    {"F077 both directions", both_directions},
    {"F077 what the stream below keeps is flushed", keeps_flushing},
    {"F073 attributes go through, errors come behind what is buffered", attributes_go_through},
    {"F147 cases of a select", cases_fire_by_both},
    {"F074 a case that loses has lost nothing", a_losing_case_by_both},
    {"F073 another one receives between a look and a wait", another_one_in_between_by_both},
    {"F147 a line that comes byte by byte", waits_for_all_by_actor},
    {"F074 cancelled in each form, and nothing lost", cancelled_by_actor},
    {"B8 F060 closed while one waits in each form", closed_by_actor},
    {"F060 aborted while one waits in each form", aborted_by_actor},
    {"F062 one receives at a time", busy_by_actor},
    {"B5 F075 a protocol cut at any two places", every_cut},
    {"F063 F074 a connection that ends at any byte", every_end},
    {"F075 random calls and portions, against a model", against_a_model},
    {"B5 F075 until: no delimiter, and no more memory", no_delimiter_by_actor},
    {"F068 buffered streams that were closed are gone", nothing_leaks});
