/* SPDX-License-Identifier: MIT */
/* test_open.c - what weir_channel_open() accepts and refuses; the clock; the error table. */
#include <errno.h>
#include <string.h>

#include "flow_threads.h"
#include "ops.h"

/* ---- F034 ------------------------------------------------------------------------------- */

/* Handles of an open that failed carry the error into every call. */
static void expect_carried(weir_sender tx, weir_receiver rx, int error)
{
    uint64_t items[2] = {0};
    weir_statistics s;
    EXPECT_RC(weir_check(tx), error);
    EXPECT_RC(weir_check(rx), error);
    EXPECT_RC(weir_send(tx, &items[0]), error);
    EXPECT_RC(weir_try_send(tx, &items[0]), error);
    EXPECT_RC(weir_send_many(tx, items, 2), error);
    EXPECT_RC(weir_try_send_many(tx, items, 2), error);
    EXPECT_RC(weir_recv(rx, &items[0]), error);
    EXPECT_RC(weir_try_recv(rx, &items[0]), error);
    EXPECT_RC(weir_recv_many(rx, items, 2), error);
    EXPECT_RC(weir_try_recv_many(rx, items, 2), error);
    EXPECT_RC(weir_channel_statistics(tx, &s), error);
    EXPECT_RC(weir_check(weir_sender_clone(tx)), error);
    EXPECT_RC(weir_check(weir_receiver_clone(rx)), error);
}

static void expect_refused(size_t item_size, size_t capacity)
{
    weir_sender tx = {12345};
    weir_receiver rx = {67890};
    EXPECT_RC(weir_channel_open(&tx, &rx, item_size, capacity, NULL), WEIR_EINVAL);
    expect_carried(tx, rx, WEIR_EINVAL);
}

static void open_refuses(void)
{
    static const size_t capacities[] = {0, 1, 8, 128, WEIR_UNBOUNDED};
    for (unsigned i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
        expect_refused(0, capacities[i]);
        expect_refused(WEIR_ITEM_MAX + 1, capacities[i]);
        expect_refused(SIZE_MAX, capacities[i]);
    }
    expect_refused(8, WEIR_CAPACITY_MAX + 1);
    expect_refused(8, WEIR_UNBOUNDED - 1);
    expect_refused(8, SIZE_MAX / 2);
    expect_refused(8, (size_t)UINT32_MAX + 2); /* not 1 when it is cut to 32 bits */
}

static void open_refuses_null(void)
{
    weir_sender tx = {12345};
    weir_receiver rx = {67890};
    EXPECT_RC(weir_channel_open(NULL, NULL, 8, 1, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_channel_open(&tx, NULL, 8, 1, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_channel_open(NULL, &rx, 8, 1, NULL), WEIR_EINVAL);
    expect_carried(tx, rx, WEIR_EINVAL);
}

static void open_accepts_limits(void)
{
    static const size_t capacities[] = {0, 1, 2, 7, 8, 9, 10, 127, 1000, 4096, WEIR_UNBOUNDED};
    static const size_t sizes[] = {1, WEIR_ITEM_MAX};
    for (unsigned i = 0; i < sizeof capacities / sizeof capacities[0]; i++)
        for (unsigned j = 0; j < 2; j++) {
            weir_sender tx;
            weir_receiver rx;
            EXPECT_RC(weir_channel_open(&tx, &rx, sizes[j], capacities[i], NULL), 0);
            EXPECT_EQ(stats_of(tx.h).capacity, capacities[i]);
            EXPECT_EQ(stats_of(tx.h).item_size, sizes[j]);
            close_both(tx, rx);
        }
}

/* Every capacity up to 70 holds just that, from each start cell. */
static void every_capacity(void)
{
    for (size_t capacity = 1; capacity <= 70; capacity++) {
        struct kind k = {"", capacity, false, false};
        weir_sender tx;
        weir_receiver rx;
        kind_open(&k, &tx, &rx);
        for (uint64_t lap = 0; lap < 3; lap++) {
            uint64_t one = 0;
            fill(&k, tx, lap);
            expect_items(rx, lap, capacity);
            EXPECT_RC(weir_try_send(tx, &one), 0);
            EXPECT_RC(weir_try_recv(rx, &one), 1);
        }
        close_both(tx, rx);
    }
}

/* The largest one is really as large; of one byte, so that it stays modest. */
static void largest_capacity(void)
{
    weir_sender tx;
    weir_receiver rx;
    size_t sent = 0;
    static unsigned char items[4096];
    int rc = weir_channel_open(&tx, &rx, 1, WEIR_CAPACITY_MAX, NULL);
    EXPECT_RC(rc, 0);
    for (size_t i = 0; i < sizeof items; i++)
        items[i] = (unsigned char)(i * 13);
    while ((rc = weir_try_send_many(tx, items, sizeof items)) > 0)
        sent += (size_t)rc;
    EXPECT_RC(rc, WEIR_EAGAIN);
    EXPECT_EQ(sent, WEIR_CAPACITY_MAX);
    EXPECT_EQ(stats_of(rx.h).buffered, WEIR_CAPACITY_MAX);
    for (size_t i = 0; i < sent; i += 4096) {
        unsigned char got[4096] = {0};
        EXPECT_EQ(weir_recv_many(rx, got, sizeof got), 4096);
        EXPECT_EQ(memcmp(got, items, sizeof got), 0);
    }
    close_both(tx, rx);
}

static void options_may_be_empty(void)
{
    static const weir_channel_options none;
    weir_sender tx;
    weir_receiver rx;
    uint32_t item = 3;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 2, &none), 0);
    EXPECT_RC(weir_try_send(tx, &item), 0);
    EXPECT_RC(weir_close(rx), 0); /* an item without a drop function just goes */
    EXPECT_EQ(stats_of(tx.h).buffered, 0);
    EXPECT_RC(weir_close(tx), 0);
}

/* ---- F044: between plain threads that are outside of weir there is nothing to wait for ------- */

static void drops_at_once(const struct kind *k)
{
    atomic_size_t dropped = 0;
    weir_sender tx;
    weir_receiver rx;
    kind_open_sized(k, sizeof(uint64_t), &tx, &rx, count_drop, &dropped);
    fill(k, tx, 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(atomic_load(&dropped), kind_room(k));
    EXPECT_EQ(stats_of(tx.h).buffered, 0);
    EXPECT_RC(weir_close(tx), 0);
}

static void last_receiver_drops_at_once(void)
{
    for_kinds(drops_at_once, ANY);
}

/* ---- F052 ---------------------------------------------------------------------------------- */

static void statistics_need_a_place(void)
{
    weir_sender tx;
    weir_receiver rx;
    EXPECT_RC(weir_channel_open(&tx, &rx, 8, 1, NULL), 0);
    EXPECT_RC(weir_channel_statistics(tx, NULL), WEIR_EINVAL);
    close_both(tx, rx);
}

/* ---- time -------------------------------------------------------------------------------- */

static void clock_is_monotonic(void)
{
    weir_time last = weir_now();
    EXPECT(last > 0);
    for (unsigned i = 0; i < 10000; i++) {
        weir_time now = weir_now();
        if (now < last)
            EXPECT(now >= last);
        last = now;
    }
}

static void after_saturates(void)
{
    weir_time now = weir_now();
    EXPECT(weir_after(0) >= now);
    EXPECT(weir_after(WEIR_S) >= now + WEIR_S);
    EXPECT(weir_after(-WEIR_S) < weir_now());
    EXPECT(weir_after(INT64_MIN) < now);
    EXPECT_EQ(weir_after(WEIR_NEVER), WEIR_NEVER);
    EXPECT_EQ(weir_after(WEIR_NEVER - 1), WEIR_NEVER);
    EXPECT_EQ(weir_after(INT64_MAX - now / 2), WEIR_NEVER);
    EXPECT(weir_after(1000000 * WEIR_S) < WEIR_NEVER);
    EXPECT_EQ(WEIR_S, 1000 * WEIR_MS);
    EXPECT_EQ(WEIR_MS, 1000 * WEIR_US);
    EXPECT_EQ(WEIR_US, 1000 * WEIR_NS);
}

/* A point beyond what a timespec holds is as good as never, not an error. */
static void far_deadlines(void)
{
    static const weir_time far[] = {WEIR_NEVER - 1, WEIR_NEVER / 2, 1000000 * WEIR_S};
    for (unsigned i = 0; i < 3; i++) {
        struct kind k = {"", 1, false, false};
        weir_sender tx;
        weir_receiver rx;
        struct op op = {.call = OP_RECV, .deadline = far[i]};
        uint64_t item = 4;
        kind_open(&k, &tx, &rx);
        op.rx = rx;
        flow_start(&op.flow, op_run, &op);
        await_receivers(rx.h, 1);
        EXPECT_RC(weir_send_by(tx, &item, far[i]), 0);
        EXPECT_RC(op_end(&op), 1);
        close_both(tx, rx);
    }
}

/* ---- F054: the table of errors -------------------------------------------------------------- */

static void error_table(void)
{
#define CHECK_ERROR(name, value, text)                                                             \
    EXPECT_EQ(WEIR_##name, (value));                                                               \
    EXPECT((value) < 0);                                                                           \
    EXPECT_STR(weir_error_name(value), #name);                                                     \
    EXPECT_STR(weir_error_text(value), (text));
    WEIR_ERRORS(CHECK_ERROR)
#undef CHECK_ERROR
}

static void codes_outside_the_table(void)
{
    EXPECT_STR(weir_error_name(0), "OK");
    EXPECT_STR(weir_error_name(1), "OK");
    EXPECT_STR(weir_error_name(INT_MAX), "OK");
    EXPECT_STR(weir_error_name(-4000), "EUNKNOWN");
    EXPECT_STR(weir_error_name(INT_MIN), "EUNKNOWN");
    EXPECT(weir_error_text(0) != NULL);
    EXPECT(weir_error_text(-4000) != NULL);
    EXPECT(weir_error_text(INT_MIN) != NULL);
}

/* Of system calls: the table first, then the C library. */
static void codes_of_system_calls(void)
{
    EXPECT_STR(weir_error_name(-EPIPE), "EPIPE");
    EXPECT_STR(weir_error_text(-EPIPE), "nobody receives any more");
    EXPECT_STR(weir_error_name(-ENOTTY), "ENOTTY");
    EXPECT_STR(weir_error_text(-ENOTTY), "Inappropriate ioctl for device");
    EXPECT_STR(weir_error_name(-EHWPOISON), "EHWPOISON");
}

TEST_SUITE(open, "channels: open, time, errors",
           {"F034 open: refuses sizes and capacities out of range", open_refuses},
           {"F034 open: refuses null pointers", open_refuses_null},
           {"F034 open: accepts what is in range", open_accepts_limits},
           {"F034 open: every capacity up to 70", every_capacity},
           {"F034 open: the largest capacity", largest_capacity},
           {"F034 open: options of zeros are the defaults", options_may_be_empty},
           {"F044 last receiver: drops what is buffered at once", last_receiver_drops_at_once},
           {"F052 statistics: refuses a null pointer", statistics_need_a_place},
           {"F046 the clock does not go back", clock_is_monotonic},
           {"F046 weir_after saturates", after_saturates},
           {"F046 deadlines that are as good as never", far_deadlines},
           {"F054 errors: name and text of each code", error_table},
           {"F054 errors: codes outside of the table", codes_outside_the_table},
           {"F054 errors: codes of system calls", codes_of_system_calls});
