/* SPDX-License-Identifier: MIT */
/*
 * descriptor.h - a descriptor and its events.
 *
 * What is had of a descriptor, or given to it, goes through FED channels (fed.h), under their
 * locks, by whoever holds them: the caller, or the poller for who waits. So a descriptor is closed
 * when no channel has anybody left who could use it.
 *
 * Events are edges. The poller counts them (`edges`) before it looks whether somebody waits; who
 * finds nothing remembers the count from before it looked. As long as that has not changed nothing
 * can have come, and no system call is made to see that. Who is about to wait has announced it, in
 * the channel's lock word, before it reads the count; so either it sees the new count, or the
 * poller sees it.
 *
 * A descriptor is added to a poller when it first has nothing, and for sending when it first has
 * no room (a UNIX socket's peer makes an event of each receive): adding reports what is there
 * already. Its memory is a pool's, never unmapped. An event names it by place and generation, which
 * changes before the memory is retired; so who finds the generation, inside an operation, has a
 * descriptor that stays until the operation ends.
 */
#ifndef WEIR_IO_DESCRIPTOR_H
#define WEIR_IO_DESCRIPTOR_H

#include <errno.h>

#include "fed.h"
#include "netpoll.h"

struct descriptor {
    a32 generation; /* odd while it is open; stays when its memory is used again */
    a32 home_lock;
    const struct net *net; /* while its memory is free: the pool's */
    aptr home; /* struct netpoll; NULL: not added to any, or not open; changed under home_lock */
    int fd;
    a8 sends;   /* added for sending, too; changed under home_lock */
    a32 edges;  /* added to by its poller */
    a8 hung_up; /* the peer has said all it will, an error came, or urgent data: a short receive
                   says nothing */
    a8 more; /* besides who waits, it has itself something to do when there is room: see ends.c */
    aptr in, out; /* channels in which somebody may wait for it; NULL: none, or not any more */
};

/* What is known of one direction; under its channel's lock. */
struct direction {
    struct feeder feeder;
    uint32_t edges; /* so many had been when there was nothing, or no room */
    bool idle;      /* there was: `edges` holds */
    bool armed;     /* somebody is about to wait in a select, for bytes */
    int16_t over;   /* END or an error; 0: it goes on */
};

/* The pool's objects begin with a descriptor, and are `extra` bytes longer at most. */
enum { DESCRIPTOR_ROOM = 256 };

/* All zero but for the generation; or NULL. Not open yet. */
void *weir__descriptor_alloc(struct thread *t);
void weir__descriptor_free(struct descriptor *d, struct thread *t); /* not open, or in grace */

/* From now on events find it; and not any more, before it is closed. */
void weir__descriptor_open(struct descriptor *d);

/* `stays`: what it is of stays open, here or elsewhere; its poller would hear of it for ever. */
void weir__descriptor_shut(struct descriptor *d, bool stays);

/* Its name, by which it is found as long as it is open: 0 is none. Inside an operation; or NULL. */
uint64_t weir__descriptor_name(const struct descriptor *d);
struct descriptor *weir__descriptor_named(uint64_t name);

static inline uint32_t descriptor_edges(const struct descriptor *d)
{
    return a32_load_acquire(&d->edges);
}

static inline bool descriptor_is_added(const struct descriptor *d)
{
    return aptr_load(&d->home) != NULL;
}

static inline bool descriptor_is_added_for(const struct descriptor *d, bool sends)
{
    return descriptor_is_added(d) && (!sends || a8_load(&d->sends));
}

/* Surely there is nothing to be had, or no room. */
static inline bool is_idle(const struct descriptor *d, const struct direction *way)
{
    return way->idle && way->edges == a32_load(&d->edges) && descriptor_is_added(d);
}

/* Could it be read, or written, now: 1 or 0, or -errno. Under its direction's lock. */
static inline int descriptor_ready(const struct descriptor *d, bool out)
{
    int rc;
    do
        rc = d->net->ready(d->fd, out);
    while (rc == -EINTR);
    return rc;
}

/*
 * There is nothing, since there were so many edges: events will tell. EMPTY, which is FULL, or an
 * error: it cannot be added.
 */
int weir__descriptor_idle(struct descriptor *d, struct direction *way, bool sends, uint32_t edges);

/* -errno as the library tells it: those that storage's answers take have another number. */
static inline int net_error(ssize_t rc)
{
    return rc < END ? (int)rc : WEIR_EACCES;
}

/* The first half of that alone: from now on there are events. */
int weir__descriptor_add(struct descriptor *d, bool sends);

/*
 * ends.c: there may be room for what `more` says. Inside an operation: an event, by the poller that
 * it is added to; and without one, by anybody: the rest of a chunk, but nothing of what lingers.
 */
void weir__socket_more(struct descriptor *d, struct thread *t);
void weir__socket_rest(struct descriptor *d);

#endif
