/* SPDX-License-Identifier: MIT */
/* F056: chunks of bytes, their memory, and channels of them. */
#include <pthread.h>

#include "streams.h"

static void is_empty(weir_chunk c)
{
    EXPECT(c.memory == NULL);
    EXPECT_EQ(c.size, 0);
    EXPECT(weir_chunk_data(c) == NULL);
}

static void life(void)
{
    size_t before = weir_chunk_bytes();
    weir_chunk a, b;
    void *data;
    EXPECT_RC(weir_chunk_copy(&a, "hello", 5), 0);
    EXPECT_EQ(a.size, 5);
    EXPECT(memcmp(weir_chunk_data(a), "hello", 5) == 0);
    size_t one = weir_chunk_bytes() - before;
    EXPECT(one >= 5);
    b = weir_chunk_share(a);
    EXPECT(weir_chunk_data(b) == weir_chunk_data(a));
    EXPECT_EQ(weir_chunk_bytes(), before + one);
    weir_chunk_free(&a);
    is_empty(a);
    EXPECT(memcmp(weir_chunk_data(b), "hello", 5) == 0);
    weir_chunk_free(&a);
    weir_chunk_free(&b);
    EXPECT_EQ(weir_chunk_bytes(), before);
    EXPECT_RC(weir_chunk_new(&a, 3, &data), 0);
    memcpy(data, "abc", 3);
    EXPECT(memcmp(weir_chunk_data(a), "abc", 3) == 0);
    weir_chunk_free(&a);
    EXPECT_RC(weir_chunk_new(&a, 0, &data), 0);
    is_empty(a);
    EXPECT_RC(weir_chunk_copy(&a, NULL, 0), 0);
    is_empty(weir_chunk_share(a));
    EXPECT_RC(weir_chunk_copy(&a, NULL, 1), WEIR_EINVAL);
    is_empty(a);
    EXPECT_RC(weir_chunk_new(&a, WEIR_CHUNK_MAX + 1, &data), WEIR_EINVAL);
    EXPECT_RC(weir_chunk_new(&a, 1, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_chunk_new(NULL, 1, &data), WEIR_EINVAL);
    EXPECT_EQ(weir_chunk_bytes(), before);
}

static void slices(void)
{
    enum { LARGE = 8192 };
    size_t before = weir_chunk_bytes();
    weir_chunk whole, large, small, half;
    void *data;
    EXPECT_RC(weir_chunk_new(&whole, LARGE, &data), 0);
    for (size_t i = 0; i < LARGE; i++)
        ((char *)data)[i] = nth_byte(i);
    EXPECT_RC(weir_chunk_slice(&large, whole, 100, 4000), 0);
    EXPECT(weir_chunk_data(large) == (char *)data + 100);
    EXPECT_EQ(large.size, 4000);
    EXPECT_RC(weir_chunk_slice(&small, large, 50, 10), 0);
    EXPECT_EQ(small.size, 10);
    EXPECT(memcmp(weir_chunk_data(small), (char *)data + 150, 10) == 0);
    EXPECT_RC(weir_chunk_slice(&half, small, 2, 7), 0); /* most of what it keeps */
    EXPECT(weir_chunk_data(half) == (const char *)weir_chunk_data(small) + 2);
    weir_chunk_free(&half);
    EXPECT_RC(weir_chunk_slice(&half, large, 4000, 0), 0);
    is_empty(half);
    EXPECT_RC(weir_chunk_slice(&half, large, 4001, 0), WEIR_EINVAL);
    EXPECT_RC(weir_chunk_slice(&half, large, 1, 4000), WEIR_EINVAL);
    EXPECT_RC(weir_chunk_slice(&half, large, 1, SIZE_MAX), WEIR_EINVAL);
    EXPECT_RC(weir_chunk_slice(NULL, large, 0, 1), WEIR_EINVAL);
    is_empty(half);
    weir_chunk_free(&whole);
    EXPECT(weir_chunk_bytes() >= before + LARGE); /* of `large` */
    weir_chunk_free(&large);
    EXPECT(weir_chunk_bytes() < before + 100); /* the small ones keep nothing of it */
    EXPECT_EQ(((const char *)weir_chunk_data(small))[9], nth_byte(159));
    weir_chunk_free(&small);
    EXPECT_EQ(weir_chunk_bytes(), before);
}

static void limit(void)
{
    weir_chunk a = {0}, b = {0};
    size_t before = weir_chunk_limit(weir_chunk_bytes() + 100);
    EXPECT_RC(weir_chunk_copy(&a, "0123456789", 10), 0);
    char text[100] = "";
    EXPECT_RC(weir_chunk_copy(&b, text, sizeof text), WEIR_ENOBUFS);
    is_empty(b);
    weir_stream s, t;
    open_over(&s, &t, 1);
    size_t sent = 77;
    EXPECT_RC(weir_stream_send(s, text, sizeof text, &sent), WEIR_ENOBUFS);
    EXPECT_EQ(sent, 0);
    weir_chunk_free(&a);
    EXPECT_RC(weir_stream_send(s, text, 50, &sent), 0); /* it passes */
    EXPECT_EQ(sent, 50);
    EXPECT_EQ(weir_stream_recv(t, text, sizeof text), 50);
    EXPECT(weir_chunk_limit(before) < before);
    close_pair(s, t);
}

enum { SHARES = 20000 };

static void *shares(void *chunk)
{
    weir_chunk mine = *(weir_chunk *)chunk;
    for (int i = 0; i < SHARES; i++) {
        weir_chunk other = weir_chunk_share(mine);
        EXPECT(((const char *)weir_chunk_data(other))[i % 4] == "four"[i % 4]);
        weir_chunk_free(i % 2 ? &other : &mine);
        if (i % 2 == 0)
            mine = other;
    }
    weir_chunk_free(&mine);
    return NULL;
}

static void threads(void)
{
    size_t before = weir_chunk_bytes();
    pthread_t t[3];
    weir_chunk c[3];
    EXPECT_RC(weir_chunk_copy(&c[0], "four", 4), 0);
    c[1] = weir_chunk_share(c[0]);
    c[2] = weir_chunk_share(c[1]);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(pthread_create(&t[i], NULL, shares, &c[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    EXPECT_EQ(weir_chunk_bytes(), before);
}

static void channels(void)
{
    size_t before = weir_chunk_bytes();
    weir_chunk_sender tx;
    weir_chunk_receiver rx;
    weir_chunk c, got;
    EXPECT_RC(weir_chunk_channel(&tx, &rx, 4), 0);
    EXPECT_RC(weir_chunk_copy(&c, "sent", 4), 0);
    EXPECT_RC(weir_chunk_send(tx, c), 0);
    EXPECT_EQ(weir_chunk_recv(rx, &got), 1);
    EXPECT(memcmp(weir_chunk_data(got), "sent", 4) == 0);
    EXPECT_RC(weir_chunk_send(tx, weir_chunk_share(got)), 0);
    EXPECT_RC(weir_chunk_send(tx, got), 0);
    EXPECT(weir_chunk_bytes() > before);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(weir_chunk_bytes(), before); /* what nobody receives is freed */
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_chunk_channel(&tx, NULL, 4), WEIR_EINVAL);
}

/* ---- streams over them --------------------------------------------------------------------- */

static void pieces(void)
{
    size_t before = weir_chunk_bytes();
    weir_chunk_sender tx;
    weir_chunk_receiver rx;
    weir_chunk c;
    char big[100000] = "", got[8];
    EXPECT_RC(weir_chunk_channel(&tx, &rx, 8), 0);
    weir_stream s = weir_stream_over((weir_chunk_receiver){0}, tx);
    EXPECT_RC(weir_check(s), 0);
    EXPECT_COUNT(weir_stream_recv(s, got, 1), 0); /* it only sends */
    EXPECT_RC(weir_stream_send(s, big, sizeof big, NULL), 0);
    EXPECT_EQ(weir_chunk_recv(rx, &c), 1);
    EXPECT_EQ(c.size, 65536);
    weir_chunk_free(&c);
    EXPECT_EQ(weir_chunk_recv(rx, &c), 1);
    EXPECT_EQ(c.size, sizeof big - 65536);
    weir_chunk_free(&c);
    EXPECT_RC(weir_close(s), 0);
    EXPECT_EQ(weir_chunk_recv(rx, &c), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_chunk_channel(&tx, &rx, 8), 0);
    s = weir_stream_over(rx, (weir_chunk_sender){0});
    EXPECT_RC(weir_stream_send(s, "x", 1, NULL), WEIR_EPIPE); /* it only receives */
    EXPECT_RC(weir_stream_send_eof(s), WEIR_EPIPE);
    EXPECT_RC(weir_chunk_copy(&c, "abc", 3), 0);
    EXPECT_RC(weir_chunk_send(tx, (weir_chunk){0}), 0); /* nothing is not the end */
    EXPECT_RC(weir_chunk_send(tx, c), 0);
    expect_text(s, "ab");
    EXPECT_RC(weir_chunk_copy(&c, "d", 1), 0);
    EXPECT_RC(weir_chunk_send(tx, c), 0);
    EXPECT_RC(weir_close(tx), 0);
    expect_text(s, "cd");
    EXPECT_COUNT(weir_stream_recv(s, got, 1), 0);
    EXPECT_RC(weir_close(s), 0);
    EXPECT_EQ(weir_chunk_bytes(), before);
}

/* What it has begun to give out, and what it keeps, goes with it. */
static void kept(void)
{
    size_t before = weir_chunk_bytes();
    weir_stream a, b;
    char c;
    open_over(&a, &b, 1);
    EXPECT_EQ(weir_stream_try_send(a, "first", 5), 5);
    EXPECT_EQ(weir_stream_try_send(a, "second", 6), 6);
    EXPECT_RC(weir_stream_try_flush(a), WEIR_EAGAIN);
    EXPECT_RC(weir_stream_try_send_eof(a), WEIR_EAGAIN);
    EXPECT_COUNT(weir_stream_try_send(a, "third", 5), WEIR_EAGAIN);
    EXPECT_EQ(weir_stream_recv(b, &c, 1), 1);
    close_pair(a, b);
    EXPECT_EQ(weir_chunk_bytes(), before);
    open_over(&a, &b, 1);
    EXPECT_EQ(weir_stream_try_send(a, "first", 5), 5);
    EXPECT_EQ(weir_stream_try_send(a, "second", 6), 6);
    expect_text(b, "first");
    EXPECT_RC(weir_stream_try_send_eof(a), 0);
    expect_text(b, "second");
    EXPECT_COUNT(weir_stream_recv(b, &c, 1), 0);
    close_pair(a, b);
}

static int refuses(void *arg)
{
    weir_chunk_sender *tx = arg;
    EXPECT_RC(weir_check(weir_stream_over((weir_chunk_receiver){0}, *tx)), WEIR_EBUSY);
    return 0;
}

static int refused(void *unused)
{
    weir_sender wrong;
    weir_receiver wrong_rx;
    weir_chunk_sender tx;
    weir_chunk_receiver rx;
    (void)unused;
    EXPECT_RC(weir_check(weir_stream_over((weir_chunk_receiver){0}, (weir_chunk_sender){0})),
              WEIR_EINVAL);
    EXPECT_RC(weir_channel_open(&wrong, &wrong_rx, 1, 1, NULL), 0);
    EXPECT_RC(weir_chunk_channel(&tx, &rx, 1), 0);
    EXPECT_RC(weir_check(weir_stream_over(rx, (weir_chunk_sender){wrong.h})), WEIR_EITEM);
    EXPECT_RC(weir_check(weir_stream_over((weir_chunk_receiver){wrong_rx.h}, tx)), WEIR_EITEM);
    EXPECT_RC(weir_check(weir_stream_over((weir_chunk_receiver){wrong.h}, tx)), WEIR_EITEM);
    EXPECT_RC(weir_check(tx), 0); /* as it was */
    EXPECT_RC(weir_check(rx), 0);
    return 0;
}

static int refused_by_owner(void *unused)
{
    weir_chunk_sender tx;
    weir_chunk_receiver rx;
    (void)unused;
    EXPECT_RC(weir_chunk_channel(&tx, &rx, 1), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, refuses, &tx), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_check(weir_stream_over(rx, tx)), WEIR_ECLOSED);
    EXPECT_RC(weir_check(tx), 0); /* as it was */
    return 0;
}

static void run_refused(void)
{
    EXPECT_RC(weir_run(refused, NULL, NULL), 0);
    EXPECT_RC(weir_run(refused_by_owner, NULL, NULL), 0);
}

TEST_SUITE(chunk, "chunks", {"F056 chunks: new, copied, shared, freed", life},
           {"F056 slices: large ones share, small ones do not keep the large", slices},
           {"F056 the limit of all chunks", limit}, {"F056 shared and freed by threads", threads},
           {"F044 channels of chunks: what nobody receives is freed", channels},
           {"F056 F071 over channels: one direction, large and empty chunks", pieces},
           {"F056 over channels: what a stream keeps", kept},
           {"F056 over channels: ends that it cannot have", run_refused});
