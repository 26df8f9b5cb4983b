/* SPDX-License-Identifier: MIT */
/*
 * eyeballs.h - which of a host's addresses to connect to: happy eyeballs, version 2 (RFC 8305).
 * Rows F082, F083.
 *
 * AAAA and A are looked up apart. The first attempt goes to IPv6; if A has arrived and AAAA has
 * not, that is waited for for a moment longer (resolution_delay). Then the families take turns,
 * each in the order of its answer: the next attempt begins attempt_delay after the last one, or as
 * soon as one has failed, and addresses that arrive meanwhile are among those to be tried. The
 * first attempt that succeeds ends the others.
 */
#ifndef WEIR_IO_EYEBALLS_H
#define WEIR_IO_EYEBALLS_H

#include <weir/actor.h>
#include <weir/address.h>

#define EYEBALLS_RESOLUTION_DELAY (50 * WEIR_MS)
#define EYEBALLS_ATTEMPT_DELAY (250 * WEIR_MS)

enum {
    EYEBALLS_ADDRESSES = 32, /* of a family; further ones are not tried */
    EYEBALLS_FAILURES = 16   /* are kept */
};

/*
 * What happens outside, each with the context of the race. look_up() and attempt() are called by
 * children, several at a time, suspend, and return when they are cancelled.
 */
struct eyeballs_ops {
    /* As weir_resolve(): how many there are, of AF_INET6 or AF_INET, the first n in out[]. */
    int (*look_up)(int family, weir_address *out, size_t n, void *context);
    int (*attempt)(const weir_address *to, void *context); /* 0 or more: what is wanted; an error */
    void (*discard)(int result, void *context); /* it is not: close it. Does not suspend */
};

struct eyeballs_failure {
    weir_address to;
    int error;
};

struct eyeballs {
    const struct eyeballs_ops *ops;
    void *context;
    int family;                 /* 0: both; AF_INET, AF_INET6: only this one is asked for */
    weir_time resolution_delay; /* 0: EYEBALLS_RESOLUTION_DELAY */
    weir_time attempt_delay;    /* 0: EYEBALLS_ATTEMPT_DELAY; WEIR_NEVER: one after the other */
    weir_time deadline;         /* 0 or WEIR_NEVER: none */

    /* Filled in: */
    weir_address to;        /* of what is returned; of family 0 on an error */
    int look_up_error[2];   /* of AAAA, of A; 0: there were addresses, or it was not known yet */
    unsigned tried, failed; /* attempts that were begun; that failed, by themselves */
    struct eyeballs_failure failures[EYEBALLS_FAILURES]; /* the first of these, as they failed */
};

/*
 * What the first attempt that succeeded has returned, 0 or more; all others that did have been
 * discarded, and nothing that was begun here is under way any more. Or an error, and all have
 * been: of the first attempt that failed, but rather one that says more than that there is no way
 * to the address; of the look-ups, if there was no address; WEIR_ETIMEDOUT, WEIR_ECANCELED,
 * WEIR_ENOMEM, WEIR_ENFILE.
 *
 * Suspends. On a plain thread it is one address after the other, and the deadline is looked at
 * only in between.
 */
int weir__eyeballs(struct eyeballs *e);

#endif
