/* SPDX-License-Identifier: MIT */
/*
 * netpoll.h - who hears of a descriptor's events: a worker's poller (poller.h), or, for plain
 * threads, a thread of the library's own.
 *
 * A worker gets its poller when the first of its actors finds that a descriptor has nothing for it
 * yet. It fetches events on each pass of its loop, and sleeps in the kernel's wait for them. If
 * none can be made, the system being short of something, that of another worker hears of the
 * descriptor. The plain threads' one starts when the first of them finds nothing, and goes when the
 * last of the descriptors that were added there has been closed.
 */
#ifndef WEIR_NETPOLL_H
#define WEIR_NETPOLL_H

#include "os_net.h"
#include "poller.h"

struct socket;

struct netpoll {
    struct poller poller;
    const struct net *net;
    int set, wake;
    a32 linger_lock;
    struct socket *first, *last; /* that linger (linger.h); under linger_lock */
    bool ends;                   /* it is being released */
    bool spare;                  /* the plain threads' */
    uint32_t users;              /* of that one: descriptors that are added */
    a32 busy;                    /* events are being fetched and delivered, by one at a time */
    int ready;                   /* so many have been fetched by a wait, and not delivered */
    struct net_event events[64];
};

/*
 * The caller's, for one descriptor more: 0, WEIR_ENOMEM, -EMFILE, -ENFILE. Inside an operation;
 * never suspends. And one less.
 */
int weir__netpoll_here(const struct net *net, struct netpoll **out);
void weir__netpoll_leave(struct netpoll *p);

/*
 * descriptor.c. Tell of an event, inside an operation: `data` is what the descriptor was added
 * with, maybe of one that has been closed since. And: p goes, nobody's events come there any more.
 */
void weir__net_event(const struct net_event *e, struct thread *t);
void weir__net_poll_ends(struct netpoll *p, struct thread *t);

#endif
