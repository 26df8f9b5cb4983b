/* SPDX-License-Identifier: MIT */
/*
 * stream.h - what all streams have in common: a handle, and a class that says how its calls go.
 *
 * There are two classes: sockets (socket.c), whose directions are channels that the kernel feeds,
 * and derived streams (derived.c), which are the table of functions of weir/stream.h.
 */
#ifndef WEIR_IO_STREAM_H
#define WEIR_IO_STREAM_H

#include <weir/stream.h>

#include "handle.h"
#include "party.h"
#include "wait.h"

struct stream;

/*
 * One call, inside an operation: who calls, through which open handle. A wait is its end:
 * afterwards slot and stream may be another one's, unless the class sees to it that they stay.
 */
struct stream_call {
    struct party *self;
    struct slot *slot;
    weir_handle h;
    struct stream *stream;
};

struct stream_class {
    /* deadline WEIR_TRY: do not wait. n is 1..WEIR_IOV_MAX, the places are not empty together. */
    ssize_t (*recv)(const struct stream_call *c, const struct iovec *to, int n, weir_time deadline);
    /* All of it, 0, or an error; or WEIR_TRY: what goes, 0 or an error. *sent on every return. */
    int (*send)(const struct stream_call *c, const struct iovec *from, int n, weir_time deadline,
                size_t *sent);
    int (*flush)(const struct stream_call *c, weir_time deadline); /* NULL: nothing is kept */
    int (*send_eof)(const struct stream_call *c, weir_time deadline);
    int (*arm)(const struct stream_call *c, bool sends, weir_case *below);
    /* Of an open handle: one that was closed meanwhile is weir__derived_disarm()'s. */
    void (*disarm)(const struct stream_call *c, bool sends, int rc);
    /* Under the stream's lock: the handle is about to be closed. NULL: nothing to do. */
    void (*closing)(const struct stream_call *c);
    /* The handle is closed, by weir__stream_shut(). 0, or why what was told as sent is lost. */
    int (*close)(const struct stream_call *c, bool abort);
    /* It is open: wait for the end, not beyond deadline, and close it: weir_stream_close(). */
    int (*finish)(const struct stream_call *c, weir_time deadline);
    int (*get)(const struct stream_call *c, weir_attribute attribute, void *value, size_t size);
    /*
     * The channels, one or two, under whose locks calls begin as well; how many. NULL: they begin
     * under the stream's lock. And, under all these locks: is nobody inside, and has nobody
     * anything of it but this handle?
     */
    unsigned (*channels)(struct stream *st, struct chan *in[2]);
    bool (*idle)(struct stream *st);
};

struct stream {
    struct object object; /* of weir__stream_type */
    const struct stream_class *class;
    a32 lock; /* its handle is moved, taken and closed under it */
};

extern const struct object_type weir__stream_type;

/* The call of an open handle: c->stream is set, 0; or an error. Inside an operation of self. */
int weir__stream_call(struct stream_call *c, struct party *self, weir_handle h);

/*
 * Close the handle, once it was open: 0 or WEIR_ECLOSED. Who gets 0 closes the stream; nobody else
 * can begin anything with it.
 */
int weir__stream_shut(const struct stream_call *c);

/* weir_stream_take() of one or two, of all or none, inside an operation: 0 or an error. */
int weir__stream_take(struct party *self, const weir_stream *s, int n, weir_stream *out);

/*
 * weir__stream_call() as an operation of the calling party: 0, or an error, outside of it. `waits`:
 * it may suspend. Afterwards party_leave(c->self).
 */
int weir__stream_enter(struct stream_call *c, weir_stream s, bool waits);

/*
 * Close the handle, which is the caller's or nobody's, if nobody else has anything of the stream:
 * 0, then the stream is the caller's; or WEIR_EBUSY, WEIR_ECLOSED.
 */
int weir__stream_claim(const struct stream_call *c);

/* derived.c: the wait through a handle that was closed meanwhile is over. */
void weir__derived_disarm(struct party *self, weir_handle h, bool sends, int rc);

#endif
