/* SPDX-License-Identifier: MIT */
/*
 * idle.h - streams that wait for their next byte while no actor does.
 *
 * An idle waits in a stream's place: a party that runs nowhere, whose waiter stands in the
 * stream's channel as that of an actor in a receive of no bytes (fed.h). When it is completed -
 * something came, or the stream ended or was closed - it goes to the end of its line. A line is a
 * FED receive end, whose items are the addresses of idles: so one actor waits for any number of
 * streams, together with whatever else it has in its select. docs/protocol.md, "Idle streams".
 *
 *   OWNED   by whoever has it in his hands
 *   WAITS   in the channel's queue; under the channel's lock
 *   IN LINE under the lock of the line's channel; before that, unlinked, in the list of those
 *           whom somebody is about to wake
 *
 *   OWNED -> WAITS     weir__idle_wait(): look under the channel's lock; if nothing is there, link
 *   WAITS -> IN LINE   by who completes it, once
 *   WAITS -> OWNED     weir__idle_stop(), if it is still linked: then nobody has it but we
 *   IN LINE -> OWNED   received from the line
 *
 * So an idle that could not be stopped is, or will be, in line: its memory stays until it has been
 * received there. Whoever completes it does not touch it after it is in line.
 *
 * Locks: a line's is taken while no other is held, or that of the stream's channel. Nobody who
 * holds a line's takes a stream's.
 */
#ifndef WEIR_IO_IDLE_H
#define WEIR_IO_IDLE_H

#include <weir/stream.h>

#include "fed.h"

struct idle {
    struct party party; /* its waiter, and what wakes it */
    struct line *line;
    struct idle *next; /* in line */
    weir_stream stream;
};

struct line {
    struct feeder feeder;
    struct idle *first, *last;
    bool poked;
};

/* Items: struct idle *; NULL for all pokes since the last one. On an error a null handle. */
weir_receiver weir__line_open(struct line *line, struct party *self);

/* Any actor or thread, inside an operation: at the end of the line is i, which is the caller's. */
void weir__line_append(struct line *line, struct idle *i);
void weir__line_poke(struct line *line);

void weir__idle_init(struct idle *i, struct line *line);

/*
 * The idle waits for its stream, which nobody else uses: 0. Else it is still the caller's: 1:
 * something is there, or the end, or an error that a receive will tell; END or an error that one
 * has told; WEIR_ENOTSUP: this stream cannot be waited for in this way; WEIR_ECLOSED, WEIR_EBUSY.
 * Inside an operation of self.
 */
int weir__idle_wait(struct idle *i, struct party *self);

/* After it waited: true: it does no more, and is the caller's; false: it is or will be in line. */
bool weir__idle_stop(struct idle *i);

/* It has been received from the line, or was stopped: the stream may be used again. */
void weir__idle_done(const struct idle *i);

#endif
