/* SPDX-License-Identifier: MIT */
/*
 * copy.c - one or two directions, each of which either waits for bytes or has some to send.
 *
 * All of it is one actor, or thread, in one select: so a relay is cancelled, has a deadline and
 * meets a close as any call does, and nothing is left running. A direction goes on by try forms as
 * long as something goes, and both take turns. It waits for bytes with a little memory on the
 * stack; only when these fill it, so that there may be more, it takes a larger piece, until nothing
 * more comes. Before it waits it has flushed what it sent: the answer may depend on that.
 */
#include <weir/copy.h>

#include <weir/actor.h>
#include <weir/scope.h>

#include "os.h"

enum { LITTLE = 512 };

struct direction {
    weir_stream from, to;
    weir_copied *copied;
    bool passes_on; /* the end */
    bool ended;     /* there is nothing more to receive */
    bool done;
    bool unflushed;         /* `to` may keep something */
    char *memory;           /* `little`, or WEIR_COPY_MAX bytes */
    weir_bytes space, rest; /* where to receive; what is to be sent: of size 0, if nothing is */
    char little[LITTLE];
};

static void begin(struct direction *d, weir_stream from, weir_stream to, bool passes_on,
                  weir_copied *copied)
{
    *copied = (weir_copied){.recv_rc = WEIR_EAGAIN};
    d->from = from;
    d->to = to;
    d->copied = copied;
    d->passes_on = passes_on;
    d->ended = d->done = d->unflushed = false;
    d->memory = d->little;
    d->space = (weir_bytes){d->little, LITTLE};
    d->rest = (weir_bytes){d->little, 0};
}

static void give_back(struct direction *d)
{
    if (d->memory != d->little)
        os_free(d->memory, WEIR_COPY_MAX);
    d->memory = d->little;
    d->space = (weir_bytes){d->little, LITTLE};
}

static void get_more(struct direction *d)
{
    char *memory = d->memory == d->little ? os_alloc(WEIR_COPY_MAX) : NULL;
    if (!memory)
        return;
    d->memory = memory;
    d->space = (weir_bytes){memory, WEIR_COPY_MAX};
}

/* What a receive returned, other than WEIR_EAGAIN; 0 or an error. */
static int received(struct direction *d, ssize_t n)
{
    if (n > 0) {
        d->copied->received += (size_t)n;
        d->rest = (weir_bytes){d->memory, (size_t)n};
        return 0;
    }
    d->copied->recv_rc = (int)n;
    d->ended = true;
    return (int)n;
}

/* The same of a send; of nothing it is a flush. */
static int sent(struct direction *d, ssize_t n)
{
    if (n < 0)
        return d->copied->send_rc = (int)n;
    d->unflushed = n > 0;
    d->copied->sent += (size_t)n;
    d->rest.base = (char *)d->rest.base + n;
    d->rest.size -= (size_t)n;
    if (n > 0 && (char *)d->rest.base == d->memory + d->space.size)
        get_more(d);
    return 0;
}

/* All is sent: pass on the end. 0, WEIR_EAGAIN, or an error. */
static int end(struct direction *d)
{
    int rc = d->passes_on ? weir_stream_try_send_eof(d->to) : weir_stream_try_flush(d->to);
    if (rc == WEIR_EAGAIN && d->passes_on && weir_stream_try_flush(d->to) == 0)
        rc = weir_stream_send_eof(d->to); /* it waits for something else than room */
    d->done = rc == 0;
    if (rc < 0 && rc != WEIR_EAGAIN)
        d->copied->send_rc = rc;
    return rc;
}

/* One step that needs no wait: 0, WEIR_EAGAIN, or an error. */
static int step(struct direction *d)
{
    ssize_t n;
    if (d->done)
        return WEIR_EAGAIN;
    if (d->rest.size > 0) {
        n = weir_stream_try_send(d->to, d->rest.base, d->rest.size);
        return n == WEIR_EAGAIN ? WEIR_EAGAIN : sent(d, n);
    }
    if (d->ended)
        return end(d);
    n = weir_stream_try_recv(d->from, d->space.base, d->space.size);
    if (n != WEIR_EAGAIN)
        return received(d, n);
    give_back(d);
    n = d->unflushed ? weir_stream_try_flush(d->to) : WEIR_EAGAIN;
    if (n != WEIR_EAGAIN && (n = sent(d, n)) == 0)
        n = WEIR_EAGAIN; /* for what is to be received */
    return (int)n;
}

/* Does it wait until something can be sent: bytes, or what is kept, with or without the end? */
static bool waits_to_send(const struct direction *d)
{
    return d->rest.size > 0 || d->unflushed || d->ended;
}

static weir_case case_of(struct direction *d)
{
    if (d->done)
        return (weir_case){0};
    return waits_to_send(d) ? weir_on_stream_send(d->to, &d->rest)
                            : weir_on_stream_recv(d->from, &d->space);
}

/* Wait for a step of one of them, and do it: 0 or an error. */
static int wait_for_step(struct direction *d, size_t n, weir_time deadline)
{
    weir_case cases[2];
    for (size_t i = 0; i < n; i++)
        cases[i] = case_of(&d[i]);
    int i = weir_select_by(cases, n, WEIR_FAIR, deadline);
    if (i < 0)
        return i;
    return waits_to_send(&d[i]) ? sent(&d[i], cases[i].rc) : received(&d[i], cases[i].rc);
}

static bool all_done(const struct direction *d, size_t n)
{
    return d[0].done && d[n - 1].done;
}

/* A step of each: 0 if one went, WEIR_EAGAIN, or an error. */
static int step_all(struct direction *d, size_t n)
{
    int went = WEIR_EAGAIN;
    for (size_t i = 0; i < n; i++) {
        int rc = step(&d[i]);
        if (rc < 0 && rc != WEIR_EAGAIN)
            return rc;
        went = rc == 0 ? 0 : went;
    }
    return went;
}

/* Nobody has waited for long: others may have their turn, and a deadline or cancellation comes. */
static int take_turns(weir_time deadline)
{
    int rc = weir_yield();
    if (rc == WEIR_EPERM)
        rc = 0; /* a thread */
    return rc == 0 && deadline != WEIR_NEVER && deadline <= weir_now() ? WEIR_ETIMEDOUT : rc;
}

/* Until all of them are done, or there is an error. */
static int run(struct direction *d, size_t n, weir_time deadline)
{
    enum { STEPS = 32 };
    int rc = weir_cancelled() ? WEIR_ECANCELED : 0;
    for (unsigned steps = 1; rc == 0 && !all_done(d, n); steps++) {
        rc = step_all(d, n);
        if (rc == WEIR_EAGAIN)
            rc = all_done(d, n) ? 0 : wait_for_step(d, n, deadline);
        else if (rc == 0 && steps % STEPS == 0)
            rc = take_turns(deadline);
    }
    for (size_t i = 0; i < n; i++)
        give_back(&d[i]);
    return rc;
}

int weir_stream_copy_by(weir_stream from, weir_stream to, weir_time deadline, weir_copied *copied)
{
    weir_copied unwanted;
    struct direction d;
    begin(&d, from, to, false, copied ? copied : &unwanted);
    return run(&d, 1, deadline);
}

int weir_stream_relay_by(weir_stream a, weir_stream b, weir_time deadline, weir_relayed *relayed)
{
    weir_relayed unwanted = {.a_to_b = {0}};
    struct direction d[2];
    relayed = relayed ? relayed : &unwanted;
    begin(&d[0], a, b, true, &relayed->a_to_b);
    begin(&d[1], b, a, true, &relayed->b_to_a);
    return run(d, 2, deadline);
}
