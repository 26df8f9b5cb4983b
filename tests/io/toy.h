/* SPDX-License-Identifier: MIT */
/*
 * toy.h - a toy of a secure session, to show that the interface of weir/stream.h carries a real
 * one: an engine that knows no I/O, and a stream of it over any stream.
 *
 * Records are {type, length, payload, tag}. Each side says hello with a number, from which the keys
 * come; the client begins. What follows is enciphered. A key update asks for an answer, so that who
 * receives has to send. A good-bye ends what is received; an end without it is an error.
 */
#ifndef WEIR_TESTS_TOY_H
#define WEIR_TESTS_TOY_H

#include <weir/weir.h>

enum toy_type { TOY_HELLO = 'H', TOY_DATA = 'D', TOY_UPDATE = 'U', TOY_BYE = 'B' };

enum { TOY_PAYLOAD = 50, TOY_BUFFER = 512 };

/* ---- the engine ------------------------------------------------------------------------------ */

struct toy_key {
    uint64_t seed, count; /* count: bytes of its stream that were used */
    unsigned generation;
};

struct toy {
    bool server, said_hello, ready; /* ready: keys are there */
    bool bye_sent, bye_received;
    uint64_t number;
    struct toy_key send, recv;
    unsigned records; /* sent with this key; after `update_every` of them there is another one */
    unsigned update_every;
    size_t in_size, plain_at, plain_size, out_size;
    unsigned char in[TOY_BUFFER], plain[TOY_BUFFER], out[2 * TOY_BUFFER];
};

void toy_init(struct toy *t, bool server, uint64_t number, unsigned update_every);

/* Ciphertext that has come: how many bytes of it were taken, or -EPROTO. */
ssize_t toy_feed(struct toy *t, const void *bytes, size_t n);

/* Room for what toy_feed() may be given. */
size_t toy_room(const struct toy *t);

/* Plain text: how many bytes; 0: none. */
size_t toy_read(struct toy *t, void *to, size_t n);

/* Encipher some, when it is ready: how many bytes of it. */
size_t toy_write(struct toy *t, const void *from, size_t n);

/* The client's first word; others are answers. */
void toy_hello(struct toy *t);
void toy_bye(struct toy *t);

/* ---- the stream ------------------------------------------------------------------------------ */

struct toy_options {
    bool server;
    unsigned update_every; /* records; 0: never */
    const void *early;     /* what was received from below already, and is the session's */
    size_t early_size;
};

/* Takes `below`, or says why not. The handshake is made by the first call that needs it. */
weir_stream toy_open(weir_stream below, const struct toy_options *options);

/* How many are not released; how often somebody had to wait for the other one, not below. */
int toy_sessions(void);
unsigned toy_pokes(void);

/* How many keys it has had to send with, and to receive. */
#define TOY_KEYS (WEIR_ATTRIBUTE_USER + 1)
struct toy_keys {
    unsigned sent, received;
};

#endif
