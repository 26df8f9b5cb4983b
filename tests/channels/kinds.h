/* SPDX-License-Identifier: MIT */
/*
 * kinds.h - the kinds of channel over which the tests are instantiated, and what every
 * test of channels needs: opening, filling, watching who is parked.
 */
#ifndef WEIR_TESTS_KINDS_H
#define WEIR_TESTS_KINDS_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/channel.h>

#include "harness.h"

/* Instrumented builds do less of the same. */
#if defined(__SANITIZE_THREAD__)
#define SLOW_TSAN 1
#elif defined(__SANITIZE_ADDRESS__)
#define SLOW_ASAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLOW_TSAN 1
#elif __has_feature(address_sanitizer)
#define SLOW_ASAN 1
#endif
#endif

#if defined(SLOW_TSAN)
enum { SLOWNESS = 20 };
#elif defined(SLOW_ASAN)
enum { SLOWNESS = 4 };
#else
enum { SLOWNESS = 1 };
#endif

struct kind {
    const char *name;
    size_t capacity;
    bool single_tx, single_rx;
};

/* Which kinds a test is for, and what it does that a declared single end refuses. */
enum {
    ANY = 0,
    NEED_BUFFER = 1,  /* not the rendezvous */
    NEED_LIMIT = 2,   /* not the unbounded channel */
    NEED_BOUNDED = 3, /* neither */
    NEED_THREE = 16,  /* a buffer of at least 3 */
    MANY_TX = 4,      /* uses senders from several flows, or clones them */
    MANY_RX = 8,
    MANY = 12
};

static const struct kind base_kinds[] = {
    {"rendezvous", 0, false, false},     {"capacity 1", 1, false, false},
    {"capacity 3", 3, false, false}, /* not a power of two */
    {"capacity 8", 8, false, false}, /* the last that is two cache lines */
    {"capacity 9", 9, false, false}, /* the first wide one */
    {"capacity 128", 128, false, false}, {"unbounded", WEIR_UNBOUNDED, false, false},
};

enum { BASE_KINDS = sizeof base_kinds / sizeof base_kinds[0] };

static inline bool kind_suits(const struct kind *k, unsigned needs)
{
    return !((needs & NEED_BUFFER) && k->capacity == 0) &&
           !((needs & NEED_THREE) && k->capacity < 3) &&
           !((needs & NEED_LIMIT) && k->capacity == WEIR_UNBOUNDED) &&
           !((needs & MANY_TX) && k->single_tx) && !((needs & MANY_RX) && k->single_rx);
}

typedef void (*kind_test)(const struct kind *k);

/* Run `test` for every kind that suits, and name the kinds that it failed on. */
static inline void for_kinds(kind_test test, unsigned needs)
{
    for (size_t i = 0; i < BASE_KINDS; i++)
        for (unsigned single = 0; single < 4; single++) {
            struct kind k = base_kinds[i];
            k.single_tx = single & 1;
            k.single_rx = single & 2;
            if (!kind_suits(&k, needs))
                continue;
            unsigned before = CU_get_number_of_failures();
            test_goes_on();
            test(&k);
            if (CU_get_number_of_failures() != before)
                printf("\n    ... failed for %s%s%s", k.name, k.single_tx ? ", single sender" : "",
                       k.single_rx ? ", single receiver" : "");
        }
}

/* The items that fit; of an unbounded channel, more than a block holds. */
static inline size_t kind_room(const struct kind *k)
{
    return k->capacity == WEIR_UNBOUNDED ? 700 : k->capacity;
}

static inline void kind_open_sized(const struct kind *k, size_t item_size, weir_sender *tx,
                                   weir_receiver *rx, void (*drop)(void *, void *), void *context)
{
    weir_channel_options options = {
        .drop = drop,
        .drop_context = context,
        .single_sender = k->single_tx,
        .single_receiver = k->single_rx,
    };
    EXPECT_RC(weir_channel_open(tx, rx, item_size, k->capacity, &options), 0);
}

static inline void kind_open(const struct kind *k, weir_sender *tx, weir_receiver *rx)
{
    kind_open_sized(k, sizeof(uint64_t), tx, rx, NULL, NULL);
}

static inline void close_both(weir_sender tx, weir_receiver rx)
{
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(rx), 0);
}

/* The statistics; all zero when the handle is closed. */
static inline weir_statistics stats_of(weir_handle h)
{
    weir_statistics s;
    if (weir_handle_statistics(h, &s) < 0)
        s = (weir_statistics){0};
    return s;
}

/* Fill the channel to its room with first, first + 1, ...; nothing is parked meanwhile. */
static inline void fill(const struct kind *k, weir_sender tx, uint64_t first)
{
    for (uint64_t i = 0; i < kind_room(k); i++) {
        uint64_t item = first + i;
        EXPECT_RC(weir_try_send(tx, &item), 0);
    }
    if (k->capacity != WEIR_UNBOUNDED) {
        uint64_t more = first + kind_room(k);
        EXPECT_RC(weir_try_send(tx, &more), WEIR_EAGAIN);
    }
}

/* Take n items, which must be first, first + 1, ... and be there without waiting. */
static inline void expect_items(weir_receiver rx, uint64_t first, size_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t item = ~first;
        EXPECT_RC(weir_try_recv(rx, &item), 1);
        EXPECT_EQ(item, first + i);
    }
}

/* A small seeded generator, one per flow (xorshift64*). */
struct random {
    uint64_t state;
};

static inline struct random random_from(uint64_t seed)
{
    return (struct random){(seed + 1) * 0x9e3779b97f4a7c15u | 1};
}

static inline uint64_t random_next(struct random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545f4914f6cdd1du;
}

static inline unsigned random_below(struct random *r, unsigned n)
{
    return (unsigned)((random_next(r) >> 33) % n);
}

#endif
