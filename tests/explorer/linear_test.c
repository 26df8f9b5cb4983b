/* SPDX-License-Identifier: MIT */
/* linear_test.c - the checker on histories that are known to be right or wrong. */
#include "linear.h"

#include <weir/error.h>

#include "harness.h"

/* An operation of a history that is written down: stamps first. */
struct entry {
    uint64_t invoked, returned;
    int kind;
    uint64_t arg;
    int result;
    uint64_t value;
};

static bool accepted(const linear_spec *spec, uint8_t capacity, const struct entry *entries,
                     unsigned n)
{
    linear_history h = {.n = n};
    for (unsigned i = 0; i < n; i++)
        h.ops[i] = (linear_op){.thread = i,
                               .kind = entries[i].kind,
                               .arg = entries[i].arg,
                               .result = entries[i].result,
                               .value = entries[i].value,
                               .invoked = entries[i].invoked,
                               .returned = entries[i].returned,
                               .after = LINEAR_NO_OP};
    linear_channel_excuse(&h);
    linear_channel c = linear_channel_open(capacity);
    return linear_check(spec, &c, &h);
}

static bool accepts(uint8_t capacity, const struct entry *entries, unsigned n)
{
    return accepted(&linear_channel_spec, capacity, entries, n);
}

#define ACCEPTS(capacity, ...)                                                                     \
    EXPECT(accepts((capacity), (const struct entry[]){__VA_ARGS__},                                \
                   sizeof(const struct entry[]){__VA_ARGS__} / sizeof(struct entry)))
#define REFUSES(capacity, ...)                                                                     \
    EXPECT(!accepts((capacity), (const struct entry[]){__VA_ARGS__},                               \
                    sizeof(const struct entry[]){__VA_ARGS__} / sizeof(struct entry)))

#define SENT(from, to, item)                                                                       \
    {                                                                                              \
        from, to, LINEAR_SEND, item, 0, 0                                                          \
    }
#define GOT(from, to, item)                                                                        \
    {                                                                                              \
        from, to, LINEAR_RECV, 0, 1, item                                                          \
    }

static void order(void)
{
    ACCEPTS(2, SENT(1, 2, 7), SENT(3, 4, 8), GOT(5, 6, 7), GOT(7, 8, 8));
    REFUSES(2, SENT(1, 2, 7), SENT(3, 4, 8), GOT(5, 6, 8), GOT(7, 8, 7));
    /* concurrent sends may be taken either way, but by all in one way */
    ACCEPTS(2, SENT(1, 4, 7), SENT(2, 3, 8), GOT(5, 6, 8), GOT(7, 8, 7));
    ACCEPTS(2, SENT(1, 2, 7), SENT(3, 4, 8), GOT(5, 8, 8), GOT(6, 7, 7));
}

static void items(void)
{
    REFUSES(2, SENT(1, 2, 7), GOT(3, 4, 9));               /* never sent */
    REFUSES(2, SENT(1, 2, 7), GOT(3, 4, 7), GOT(5, 6, 7)); /* twice */
    REFUSES(2, GOT(1, 2, 7), SENT(3, 4, 7));               /* before it was sent */
    ACCEPTS(2, GOT(1, 3, 7), SENT(2, 4, 7));
    /* lost: the second receive finds the channel empty */
    REFUSES(2, SENT(1, 2, 7), {3, 4, LINEAR_TRY_RECV, 0, WEIR_EAGAIN, 0});
}

static void capacity(void)
{
    REFUSES(1, SENT(1, 2, 7), SENT(3, 4, 8));
    ACCEPTS(LINEAR_UNBOUNDED, SENT(1, 2, 7), SENT(3, 4, 8));
    ACCEPTS(1, SENT(1, 2, 7), SENT(3, 6, 8), GOT(4, 5, 7), GOT(7, 8, 8));
    REFUSES(1, {1, 2, LINEAR_TRY_SEND, 7, WEIR_EAGAIN, 0});
    ACCEPTS(1, SENT(1, 2, 7), {3, 4, LINEAR_TRY_SEND, 8, WEIR_EAGAIN, 0});
    /* another operation overlaps: the place may be claimed */
    ACCEPTS(1, SENT(1, 3, 7), {2, 4, LINEAR_TRY_SEND, 8, WEIR_EAGAIN, 0}, GOT(5, 6, 7));
}

static void rendezvous(void)
{
    ACCEPTS(0, SENT(1, 3, 7), GOT(2, 4, 7));
    REFUSES(0, SENT(1, 2, 7), GOT(3, 4, 7)); /* they did not meet */
    ACCEPTS(0, SENT(1, 6, 7), SENT(2, 5, 8), GOT(3, 4, 8), GOT(7, 8, 9), SENT(7, 8, 9),
            GOT(5, 6, 7));
    REFUSES(0, SENT(1, 4, 7), SENT(2, 3, 8), GOT(1, 4, 7));
}

static void ends(void)
{
    ACCEPTS(2, SENT(1, 2, 7), {3, 4, LINEAR_CLOSE_SENDER, 0, 0, 0}, GOT(5, 6, 7),
            {7, 8, LINEAR_RECV, 0, 0, 0});
    REFUSES(2, SENT(1, 2, 7), {3, 4, LINEAR_CLOSE_SENDER, 0, 0, 0}, {5, 6, LINEAR_RECV, 0, 0, 0});
    REFUSES(2, {1, 2, LINEAR_RECV, 0, 0, 0}); /* senders are open */
    ACCEPTS(2, {1, 2, LINEAR_CLOSE_RECEIVER, 0, 0, 0}, {3, 4, LINEAR_SEND, 7, WEIR_EPIPE, 0});
    REFUSES(2, {1, 2, LINEAR_SEND, 7, WEIR_EPIPE, 0}, {3, 4, LINEAR_CLOSE_RECEIVER, 0, 0, 0});
    REFUSES(2, {1, 2, LINEAR_CLOSE_RECEIVER, 0, 0, 0}, SENT(3, 4, 7));
    ACCEPTS(2, {1, 4, LINEAR_CLOSE_RECEIVER, 0, 0, 0}, SENT(2, 3, 7));
    ACCEPTS(2, {1, 2, LINEAR_CLOSE_SENDER, 0, 0, 0}, {3, 4, LINEAR_SEND, 7, WEIR_ECLOSED, 0});
    REFUSES(2, {1, 2, LINEAR_SEND, 7, WEIR_ECLOSED, 0}, {3, 4, LINEAR_CLOSE_SENDER, 0, 0, 0});
    /* the clone keeps the end open */
    ACCEPTS(2, {1, 2, LINEAR_CLONE_SENDER, LINEAR_ITEM(0, 1), 0, 0},
            {3, 4, LINEAR_CLOSE_SENDER, 0, 0, 0}, SENT(5, 6, LINEAR_ITEM(1, 7)), GOT(7, 8, 7));
    REFUSES(2, {1, 2, LINEAR_CLONE_SENDER, LINEAR_ITEM(0, 1), 0, 0},
            {3, 4, LINEAR_CLOSE_SENDER, 0, 0, 0}, {5, 6, LINEAR_RECV, 0, 0, 0});
}

static void pending(void)
{
    ACCEPTS(1, SENT(1, 2, 7), {3, 0, LINEAR_SEND, 8, 0, 0});
    ACCEPTS(1, {1, 0, LINEAR_RECV, 0, 0, 0});
    /* nobody waits for what is there */
    REFUSES(1, {1, 0, LINEAR_SEND, 8, 0, 0});
    REFUSES(1, SENT(1, 2, 7), {3, 0, LINEAR_RECV, 0, 0, 0});
    REFUSES(0, {1, 0, LINEAR_SEND, 7, 0, 0}, {2, 0, LINEAR_RECV, 0, 0, 0});
    REFUSES(1, {1, 2, LINEAR_CLOSE_SENDER, 0, 0, 0}, {3, 0, LINEAR_RECV, 0, 0, 0});
    REFUSES(1, {1, 2, LINEAR_CLOSE_RECEIVER, 0, 0, 0}, {3, 0, LINEAR_SEND, 7, 0, 0});
    /* or has been served and still waits */
    REFUSES(1, {1, 0, LINEAR_SEND, 7, 0, 0}, GOT(2, 3, 7));
}

/* A history that was cut off in the middle: what did not return may have happened or not. */
static void cut_off(void)
{
    linear_spec spec = linear_channel_spec;
    spec.final = NULL;
    const struct entry served[] = {{1, 0, LINEAR_SEND, 7, 0, 0}, GOT(2, 3, 7)};
    const struct entry unserved[] = {
        {1, 0, LINEAR_SEND, 7, 0, 0}, {2, 3, LINEAR_TRY_SEND, 8, 0, 0}, GOT(4, 5, 8)};
    const struct entry wrong[] = {{1, 0, LINEAR_SEND, 7, 0, 0}, GOT(2, 3, 7), GOT(4, 5, 7)};
    EXPECT(accepted(&spec, 1, served, 2));
    EXPECT(accepted(&spec, 1, unserved, 3));
    EXPECT(!accepted(&spec, 1, wrong, 3));
}

static void timeouts(void)
{
    ACCEPTS(1, SENT(1, 2, 7), {3, 4, LINEAR_SEND, 8, WEIR_ETIMEDOUT, 0}, GOT(5, 6, 7));
    /* a timeout does not deliver */
    REFUSES(2, {1, 2, LINEAR_SEND, 8, WEIR_ETIMEDOUT, 0}, GOT(3, 4, 8));
    REFUSES(1, SENT(1, 2, 7), {3, 4, LINEAR_RECV, 0, WEIR_ETIMEDOUT, 0}, SENT(5, 6, 8));
}

static bool accepts_closing(bool single, const struct entry *entries, unsigned n)
{
    linear_history h = {.n = n};
    for (unsigned i = 0; i < n; i++)
        h.ops[i] = (linear_op){i,
                               entries[i].kind,
                               entries[i].arg,
                               entries[i].value,
                               entries[i].result,
                               entries[i].invoked,
                               entries[i].returned,
                               LINEAR_NO_OP,
                               0};
    linear_channel_excuse_closing(&h, single, single);
    linear_channel c = linear_channel_open(1);
    return linear_check(&linear_channel_spec, &c, &h);
}

static void closing(void)
{
    const struct entry after_drop[] = {
        SENT(1, 2, 7), {3, 8, LINEAR_CLOSE_RECEIVER, 0, 0, 0}, SENT(4, 5, 8), GOT(6, 7, 8)};
    EXPECT(accepts_closing(true, after_drop, 4));
    EXPECT(!accepts_closing(false, after_drop, 4)); /* a marked tail refuses the second */
    const struct entry beyond[] = {{1, 2, LINEAR_CLOSE_RECEIVER, 0, 0, 0}, SENT(3, 4, 8)};
    EXPECT(!accepts_closing(true, beyond, 2));
    const struct entry inside[] = {
        {1, 3, LINEAR_CLOSE_RECEIVER, 0, 0, 0}, SENT(4, 5, 8), GOT(2, 6, 8)};
    EXPECT(accepts_closing(true, inside, 3));
    EXPECT(!accepts_closing(false, inside, 3));
    const struct entry told[] = {
        {1, 4, LINEAR_CLOSE_SENDER, 0, 0, 0}, SENT(2, 5, 8), {6, 7, LINEAR_RECV, 0, 0, 0}};
    EXPECT(!accepts_closing(true, told, 3)); /* what was sent comes before the end */
}

static void batches(void)
{
    linear_history h = {.n = 0};
    unsigned first = linear_invoke(&h, 0, LINEAR_SEND, 7);
    unsigned second = linear_invoke(&h, 0, LINEAR_SEND, 8);
    linear_return(&h, first, 0, 0);
    linear_return(&h, second, 0, 0);
    unsigned a = linear_invoke(&h, 1, LINEAR_RECV, 0);
    linear_return(&h, a, 1, 8);
    unsigned b = linear_invoke(&h, 1, LINEAR_RECV, 0);
    linear_return(&h, b, 1, 7);
    linear_channel c = linear_channel_open(2);
    EXPECT(linear_check(&linear_channel_spec, &c, &h));
    h.ops[second].after = (int)first; /* of one batch */
    EXPECT(!linear_check(&linear_channel_spec, &c, &h));
}

/* Sends that all overlap: every order of them has to be looked at. */
static void wide(void)
{
    enum { N = 7 };
    linear_history h = {.n = 0};
    for (unsigned i = 0; i < N; i++)
        linear_invoke(&h, i, LINEAR_SEND, i);
    for (unsigned i = 0; i < N; i++)
        linear_return(&h, i, 0, 0);
    for (unsigned i = 0; i < N; i++) {
        unsigned op = linear_invoke(&h, i, LINEAR_RECV, 0);
        linear_return(&h, op, 1, N - 1 - i);
    }
    linear_channel c = linear_channel_open(LINEAR_UNBOUNDED);
    EXPECT(linear_check(&linear_channel_spec, &c, &h));
    h.ops[2 * N - 1].value = N - 1;
    EXPECT(!linear_check(&linear_channel_spec, &c, &h));
}

TEST_SUITE(linear, "linearizability", {"F049 items keep their order", order},
           {"items are neither lost nor made up", items}, {"F034 the capacity is kept", capacity},
           {"F034 capacity 0 is a meeting", rendezvous}, {"F042 ends and their closing", ends},
           {"operations that never return", pending}, {"a history that was cut off", cut_off},
           {"timeouts deliver nothing", timeouts}, {"closing is not one step", closing},
           {"batches keep their order", batches}, {"many overlapping operations", wide});
