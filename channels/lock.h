/* SPDX-License-Identifier: MIT */
/*
 * lock.h - the lock of a channel: one word that also carries the channel's flags.
 *
 * Taking the lock and announcing "I am going to wait" is one locked instruction, which
 * orders the announcement before the re-check that follows it. Releasing is a plain
 * release store of the flags, so the holder's successor on the same worker can do it
 * after the stack switch (see actors/scheduler.c). Flags change only under the lock.
 *
 * The critical sections are short: no suspension, no function of a user's but the allocator, when
 * cells for a first item or another block are needed just there. A holder that the kernel
 * preempted is waited for by pausing, then yielding, then sleeping.
 */
#ifndef WEIR_LOCK_H
#define WEIR_LOCK_H

#include "atomic.h"
#include "compiler.h"
#include "os.h"

enum {
    LOCKED = 1u,
    RECV_WAITS = 2u,      /* a receiver is parked, or is about to be */
    SEND_WAITS = 4u,      /* a sender is parked, or is about to be */
    SENDERS_GONE = 8u,    /* the last sender handle is closed */
    RECEIVERS_GONE = 16u, /* the last receiver handle is closed */
    SENDER_CLOSES = 32u,  /* the user of this single end is to finish its closing: single.h */
    RECEIVER_CLOSES = 64u,

    /* What sends an operation off its shortest way. */
    SENDERS_BEWARE = RECV_WAITS | SEND_WAITS | RECEIVERS_GONE,
    RECEIVERS_BEWARE = RECV_WAITS | SEND_WAITS | SENDERS_GONE,
    SENT_BEWARE = RECV_WAITS | RECEIVERS_GONE | SENDER_CLOSES, /* after it published */
    RECEIVED_BEWARE = SEND_WAITS | RECEIVER_CLOSES,            /* after it freed a place */

    /* What a single end's user looks at before it claims. */
    SINGLE_SENDER_SHUT = SENDERS_GONE | SENDER_CLOSES,
    SINGLE_RECEIVER_SHUT = RECEIVERS_GONE | RECEIVER_CLOSES
};

/* Take the lock and set `announce` in the same locked instruction. */
static inline void lock_acquire(a32 *word, uint32_t announce)
{
    uint32_t v = a32_load(word);
    if (MUTATE("park: announce late"))
        announce = 0;
    for (unsigned turns = 0;; turns++) {
        if (likely(!(v & LOCKED)) && a32_cas(word, &v, v | LOCKED | announce)) {
            a_after_rmw();
            return;
        }
        os_spin(turns);
        v = a32_load(word);
    }
}

/* `flags` is everything but LOCKED that is true from now on. */
static inline void lock_release(a32 *word, uint32_t flags)
{
    a32_store_release(word, flags);
}

#endif
