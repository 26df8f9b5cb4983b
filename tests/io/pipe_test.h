/* SPDX-License-Identifier: MIT */
/*
 * pipe_test.h - two streams that face each other, as a user would write them: channels of small
 * pieces, and of leave to send one. How the bytes are cut, and what fails when, is the test's.
 */
#ifndef WEIR_TESTS_IO_PIPE_H
#define WEIR_TESTS_IO_PIPE_H

#include <stdatomic.h>
#include <string.h>

#include "harness.h"
#include <weir/weir.h>

enum { PIPE_PIECE = 64 };

struct pipe_options {
    size_t pieces;    /* that are on their way at most; 0: 1024 */
    size_t recv_most; /* bytes that one try_recv gives; 0: no matter */
    size_t send_most; /* bytes that one try_send takes; 0: no matter */
    bool keeps;       /* a send keeps one byte back until it is flushed */
    bool no_eof;      /* WEIR_ENOTSUP */
};

/* Both of nobody's; the options are of both. */
void pipe_open(weir_stream *a, weir_stream *b, const struct pipe_options *options);

/* How many streams of these there are; and how many were cut off. */
int pipe_alive(void);
int pipe_aborts(void);

/* Receives of what comes through a stream with this attribute fail with its value from now on. */
enum { PIPE_FAIL = WEIR_ATTRIBUTE_USER + 1 };

static inline void pipe_fail(weir_stream s, int error)
{
    EXPECT_RC(weir_stream_get(s, PIPE_FAIL, &error), 0);
}

/* Send all; it has to go. */
static inline void put(weir_stream s, const void *bytes, size_t n)
{
    EXPECT_RC(weir_stream_send(s, bytes, n, NULL), 0);
}

static inline void put_string(weir_stream s, const char *text)
{
    put(s, text, strlen(text));
}

/* Receive exactly these, in whatever portions, without a wait. */
static inline void get(weir_stream s, const void *bytes, size_t n)
{
    char there[4096];
    size_t at = 0;
    ssize_t k = 1;
    while (at < n && (k = weir_stream_try_recv(s, there + at, n - at)) > 0)
        at += (size_t)k;
    EXPECT(k > 0);
    EXPECT_EQ(at, n);
    EXPECT(memcmp(there, bytes, at) == 0);
}

static inline void get_string(weir_stream s, const char *text)
{
    get(s, text, strlen(text));
}

/* Only the end is there. */
static inline void get_end(weir_stream s)
{
    char c;
    EXPECT_EQ(weir_stream_recv(s, &c, 1), 0);
    EXPECT_EQ(weir_stream_recv(s, &c, 1), 0);
}

/* Run it as an actor, and as a plain thread (this one). */
static inline int pipe_actor(void *arg)
{
    (*(void (**)(void))arg)();
    return 0;
}

static inline void by_actor_and_thread(void (*test)(void))
{
    EXPECT_RC(weir_run(pipe_actor, &test, NULL), 0);
    test();
}

static inline void in_actor(void (*test)(void))
{
    EXPECT_RC(weir_run(pipe_actor, &test, NULL), 0);
}

#endif
