/* SPDX-License-Identifier: MIT */
/* test_type.c - the typed layer: the functions that WEIR_TYPE makes. */
#include <string.h>

#include <weir/type.h>

#include "flow_threads.h"
#include "ops.h"

struct job {
    int number;
    char text[20];
};

WEIR_TYPE(job, struct job)
WEIR_TYPE(num, int)
WEIR_TYPE(text, const char *)
WEIR_TYPE(byte, unsigned char)
WEIR_TYPE(end, weir_sender)

static void send_and_recv(void)
{
    job_sender tx;
    job_receiver rx;
    struct job in = {42, "forty-two"}, out = {0};
    EXPECT_RC(job_channel(&tx, &rx, 3), 0);
    EXPECT_RC(job_try_recv(rx, &out), WEIR_EAGAIN);
    EXPECT_RC(job_send(tx, in), 0);
    EXPECT_RC(job_send_by(tx, in, weir_after(WEIR_S)), 0);
    EXPECT_RC(job_try_send(tx, (struct job){7, "seven"}), 0);
    EXPECT_RC(job_try_send(tx, in), WEIR_EAGAIN);
    EXPECT_RC(job_send_by(tx, in, 0), WEIR_ETIMEDOUT);
    EXPECT_RC(job_recv(rx, &out), 1);
    EXPECT_EQ(out.number, 42);
    EXPECT_STR(out.text, "forty-two");
    EXPECT_RC(job_recv_by(rx, &out, weir_after(WEIR_S)), 1);
    EXPECT_RC(job_try_recv(rx, &out), 1);
    EXPECT_STR(out.text, "seven");
    EXPECT_RC(job_recv_by(rx, &out, 0), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(job_recv(rx, &out), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(job_recv(rx, &out), WEIR_ECLOSED);
}

static void batches(void)
{
    num_sender tx;
    num_receiver rx;
    const int in[5] = {1, 2, 3, 4, 5};
    int out[5] = {0};
    EXPECT_RC(num_channel(&tx, &rx, 4), 0);
    EXPECT_EQ(num_send_many(tx, in, 3), 3);
    EXPECT_EQ(num_try_send_many(tx, in + 3, 2), 1);
    EXPECT_EQ(num_recv_many(rx, out, 2), 2);
    EXPECT_EQ(num_try_recv_many(rx, out + 2, 3), 2);
    EXPECT_EQ(memcmp(in, out, 4 * sizeof in[0]), 0);
    EXPECT_RC(num_recv_many_by(rx, out, 5, weir_now()), WEIR_ETIMEDOUT);
    EXPECT_EQ(num_send_many_by(tx, in, 5, weir_now()), 4);
    EXPECT_RC(num_send_many_by(tx, in, 5, weir_now()), WEIR_ETIMEDOUT);
    EXPECT_EQ(num_recv_many_by(rx, out, 5, WEIR_NEVER), 4);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(rx), 0);
}

static void clones_and_statistics(void)
{
    text_sender tx, tx2;
    text_receiver rx, rx2;
    const char *text = "";
    weir_statistics s;
    EXPECT_RC(text_channel(&tx, &rx, WEIR_UNBOUNDED), 0);
    tx2 = text_sender_clone(tx);
    rx2 = text_receiver_clone(rx);
    EXPECT_RC(weir_check(tx2), 0);
    EXPECT_RC(weir_check(rx2), 0);
    EXPECT_RC(text_send(tx2, "hello"), 0);
    EXPECT_RC(text_send(tx, NULL), 0);
    EXPECT_RC(weir_channel_statistics(rx2, &s), 0);
    EXPECT_EQ(s.item_size, sizeof(char *));
    EXPECT_EQ(s.open_senders, 2);
    EXPECT_EQ(s.buffered, 2);
    EXPECT_RC(text_recv(rx2, &text), 1);
    EXPECT_STR(text, "hello");
    EXPECT_RC(text_recv(rx, &text), 1);
    EXPECT(text == NULL);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(tx2), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_close(rx2), 0);
    EXPECT_RC(weir_check(text_sender_clone(tx)), WEIR_ECLOSED);
}

static void other_kinds(void)
{
    num_sender tx = {0};
    num_receiver rx = {0};
    int n = 0;
    EXPECT_RC(num_oneshot(&tx, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_check(tx), WEIR_EINVAL);
    EXPECT_RC(num_oneshot(&tx, &rx), 0);
    EXPECT_RC(num_send(tx, 4), 0);
    EXPECT_RC(num_send(tx, 5), WEIR_EPIPE);
    EXPECT_RC(num_recv(rx, &n), 1);
    EXPECT_EQ(n, 4);
    EXPECT_RC(num_recv(rx, &n), 0);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(num_watch(NULL, &rx, &n), WEIR_EINVAL);
    EXPECT_RC(weir_check(rx), WEIR_EINVAL);
    EXPECT_RC(num_watch(&tx, &rx, &n), 0);
    EXPECT_RC(num_send(tx, 6), 0);
    EXPECT_RC(num_watch_read(rx, &n), 1);
    EXPECT_EQ(n, 6);
    EXPECT_RC(num_recv(rx, &n), 1);
    EXPECT_RC(num_try_recv(rx, &n), WEIR_EAGAIN);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(num_broadcast(&tx, &rx, 0, WEIR_LOSE_OLDEST), WEIR_EINVAL);
    EXPECT_RC(num_broadcast(&tx, NULL, 1, WEIR_LOSE_OLDEST), 0);
    rx = num_broadcast_subscribe(tx, WEIR_LOSE_OLDEST);
    EXPECT_RC(num_send(tx, 1), 0);
    EXPECT_RC(num_send(tx, 2), 0);
    EXPECT_RC(num_recv(rx, &n), WEIR_ELOST);
    EXPECT_EQ(num_broadcast_lost(rx), 1);
    EXPECT_RC(num_recv(rx, &n), 1);
    EXPECT_EQ(n, 2);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(rx), 0);
}

static void options_and_errors(void)
{
    byte_sender tx = {0};
    byte_receiver rx = {0};
    atomic_size_t dropped = 0;
    weir_channel_options options = {.drop = count_drop, .drop_context = &dropped};
    EXPECT_RC(byte_channel(&tx, &rx, WEIR_CAPACITY_MAX + 1), WEIR_EINVAL);
    EXPECT_RC(weir_check(tx), WEIR_EINVAL);
    EXPECT_RC(byte_send(tx, 1), WEIR_EINVAL);
    EXPECT_RC(byte_channel(NULL, &rx, 1), WEIR_EINVAL);
    EXPECT_RC(weir_check(rx), WEIR_EINVAL);
    EXPECT_RC(byte_channel(&tx, NULL, 1), WEIR_EINVAL);
    EXPECT_RC(weir_check(tx), WEIR_EINVAL);
    EXPECT_RC(byte_channel_open(&tx, &rx, 2, &options), 0);
    EXPECT_RC(byte_send(tx, 255), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(atomic_load(&dropped), 1);
    EXPECT_RC(byte_send(tx, 0), WEIR_EPIPE);
    EXPECT_RC(weir_close(tx), 0);
}

/* A handle is an item like any other. */
static void ends_as_items(void)
{
    end_sender tx;
    end_receiver rx;
    num_sender num_tx;
    num_receiver num_rx;
    weir_sender got;
    int number = 12;
    EXPECT_RC(end_channel(&tx, &rx, 1), 0);
    EXPECT_RC(num_channel(&num_tx, &num_rx, 1), 0);
    EXPECT_RC(end_send(tx, (weir_sender){num_tx.h}), 0);
    EXPECT_RC(end_recv(rx, &got), 1);
    EXPECT_RC(weir_send(got, &number), 0);
    number = 0;
    EXPECT_RC(num_recv(num_rx, &number), 1);
    EXPECT_EQ(number, 12);
    EXPECT_RC(weir_close(got), 0);
    EXPECT_RC(weir_check(num_tx), WEIR_ECLOSED); /* it was the same handle */
    EXPECT_RC(weir_close(num_rx), 0);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(rx), 0);
}

/* The untyped macros take the size from the variable: another type of it is refused. */
static void of_another_type(void)
{
    num_sender tx;
    num_receiver rx;
    int16_t small = 1;
    struct job large = {0};
    EXPECT_RC(num_channel(&tx, &rx, 2), 0);
    EXPECT_RC(weir_send(num_untyped_sender(tx), &small), WEIR_EITEM);
    EXPECT_RC(weir_try_send(num_untyped_sender(tx), &large), WEIR_EITEM);
    EXPECT_RC(weir_recv(num_untyped_receiver(rx), &small), WEIR_EITEM);
    EXPECT_RC(weir_try_recv(num_untyped_receiver(rx), &large), WEIR_EITEM);
    EXPECT_EQ(stats_of(tx.h).passed, 0);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(rx), 0);
}

static void produce_numbers(void *arg)
{
    num_sender *tx = arg;
    for (int i = 0; i < 500; i++)
        if (num_send(*tx, i) < 0)
            break;
    weir_close(*tx);
}

static void iterate(void)
{
    struct flow flow;
    num_sender tx;
    num_receiver rx;
    int i, rc, expected = 0;
    EXPECT_RC(num_channel(&tx, &rx, 0), 0);
    flow_start(&flow, produce_numbers, &tx);
    while ((rc = num_recv(rx, &i)) > 0)
        EXPECT_EQ(i, expected++);
    flow_join(&flow);
    EXPECT_RC(rc, 0);
    EXPECT_EQ(expected, 500);
    EXPECT_RC(weir_close(rx), 0);
}

TEST_SUITE(type, "channels: typed ends", {"F055 typed: send and receive", send_and_recv},
           {"F055 typed: batches", batches},
           {"F041 typed: clones and statistics", clones_and_statistics},
           {"F034 typed: options and errors", options_and_errors},
           {"F055 typed: ends as items", ends_as_items},
           {"F054 typed: another type is refused", of_another_type},
           {"F051 typed: iterate", iterate}, {"F034 typed: other kinds of channel", other_kinds});
