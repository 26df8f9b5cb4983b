/* SPDX-License-Identifier: MIT */
/* streams.h - what the tests of streams have in common: kinds of pairs, and who runs a test. */
#ifndef WEIR_TESTS_STREAMS_H
#define WEIR_TESTS_STREAMS_H

#include <errno.h>
#include <string.h>

#include "../actors/one_worker.h"
#include "harness.h"
#include <weir/weir.h>

/* Two streams, each other's peer, with room for about so many bytes between them. */
struct stream_kind {
    const char *name;
    void (*open)(weir_stream *a, weir_stream *b, size_t room);
    bool resets; /* its peer hears of an abort */
    bool exact;  /* so many bytes, neither more nor fewer */
};

static inline void open_memory(weir_stream *a, weir_stream *b, size_t room)
{
    EXPECT_RC(weir_stream_pair(a, b, room), 0);
}

/* As many chunks, and one that the stream keeps. */
static inline void open_over(weir_stream *a, weir_stream *b, size_t room)
{
    weir_chunk_sender to_a, to_b;
    weir_chunk_receiver from_a, from_b;
    EXPECT_RC(weir_chunk_channel(&to_b, &from_a, room), 0);
    EXPECT_RC(weir_chunk_channel(&to_a, &from_b, room), 0);
    EXPECT_RC(weir_check(*a = weir_stream_over(from_b, to_b)), 0);
    EXPECT_RC(weir_check(*b = weir_stream_over(from_a, to_a)), 0);
}

/* A pair for each direction; the other halves of the streams stay unused. */
static inline void open_staple(weir_stream *a, weir_stream *b, size_t room)
{
    weir_stream to_b, from_a, to_a, from_b;
    open_memory(&to_b, &from_a, room);
    open_memory(&to_a, &from_b, room);
    EXPECT_RC(weir_check(*a = weir_stream_staple(from_b, to_b)), 0);
    EXPECT_RC(weir_check(*b = weir_stream_staple(from_a, to_a)), 0);
}

static const struct stream_kind stream_kinds[] = {
    {"memory", open_memory, true, true},
    {"over channels", open_over, false, false},
    {"stapled", open_staple, true, true},
};

enum { STREAM_KINDS = sizeof stream_kinds / sizeof stream_kinds[0] };

typedef void stream_test(const struct stream_kind *kind);

struct stream_run {
    stream_test *test;
    const struct stream_kind *kind;
};

static inline int stream_actor(void *arg)
{
    const struct stream_run *r = arg;
    r->test(r->kind);
    return 0;
}

/* Over each kind, by an actor: alone with its children on one worker, or with several. */
static inline void by_actors(stream_test *test, bool one)
{
    for (int i = 0; i < STREAM_KINDS; i++) {
        struct stream_run r = {test, &stream_kinds[i]};
        EXPECT_RC(weir_run(stream_actor, &r, one ? &one_worker : NULL), 0);
        test_goes_on();
    }
}

/* By a plain thread and by an actor; it needs no other one. */
static inline void by_each(stream_test *test)
{
    for (int i = 0; i < STREAM_KINDS; i++)
        test(&stream_kinds[i]);
    by_actors(test, false);
}

#define BY_EACH(test)                                                                              \
    static void run_##test(void)                                                                   \
    {                                                                                              \
        by_each(test);                                                                             \
    }
#define BY_ACTORS(test)                                                                            \
    static void run_##test(void)                                                                   \
    {                                                                                              \
        by_actors(test, false);                                                                    \
    }
#define ON_ONE_WORKER(test)                                                                        \
    static void run_##test(void)                                                                   \
    {                                                                                              \
        by_actors(test, true);                                                                     \
    }

/* What a call returned that counts bytes: an error by its name. */
#define EXPECT_COUNT(actual, expected) EXPECT_RC((int)(actual), (expected))

/* What comes next is exactly this, in however many pieces. */
static inline void expect_bytes(weir_stream s, const char *bytes, size_t size)
{
    char got[256];
    for (size_t k = 0; k < size;) {
        size_t room = size - k < sizeof got ? size - k : sizeof got;
        ssize_t n = weir_stream_recv(s, got, room);
        EXPECT(n > 0);
        if (n <= 0)
            return;
        EXPECT(memcmp(got, bytes + k, (size_t)n) == 0);
        k += (size_t)n;
    }
}

static inline void expect_text(weir_stream s, const char *text)
{
    expect_bytes(s, text, strlen(text));
}

static inline void close_pair(weir_stream a, weir_stream b)
{
    EXPECT_RC(weir_close(a), 0);
    EXPECT_RC(weir_close(b), 0);
}

/* Byte k of a long text. */
static inline char nth_byte(size_t k)
{
    return (char)(k * 7 + k / 251);
}

#endif
