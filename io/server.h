/* SPDX-License-Identifier: MIT */
/*
 * server.h - what serve.c, which accepts and starts, and server.c, which counts, both know.
 *
 * A server's lock guards its runs, their connections, and all counters; whoever holds it waits for
 * nothing. Order of locks: a server's, then a line's (idle.h), or a stream's.
 *
 * A connection belongs to its run's actor, in turn with its handler's: who owns it ends it. It is
 *
 *   FIRST, PARKED   of the run's actor, or its idle waits, or is in line
 *   RUNNING         of its handler's actor, which ends it, or, in line, gives it back to park it
 *
 * An actor that found no memory for its stack never runs: then the stream is closed, as what it
 * owned, and `begun` is still false. So the run's actor can tell, and ends it. Nobody else closes
 * the stream of a handler that has yet to begin.
 */
#ifndef WEIR_IO_SERVER_H
#define WEIR_IO_SERVER_H

#include <weir/serve.h>

#include "idle.h"
#include "os_net.h"

enum { KEY = 16 };

/* Connections of one peer; under the lock. */
struct peer {
    struct peer *next;
    uint8_t key[KEY];
    uint32_t count;
};

enum connection_state { GONE, FIRST, RUNNING, PARKED };

struct connection {
    struct idle idle;                   /* and the stream */
    uint64_t socket;                    /* its name: a handler may have wrapped it */
    struct connection *next, *prev;     /* of the run */
    struct connection *later, *earlier; /* in a queue */
    struct peer *peer;                  /* NULL: not counted */
    weir_time since, due;
    uint64_t number;
    a32 actor;
    uint32_t starts;        /* of its handler; with what follows under the lock */
    uint8_t state;          /* enum connection_state */
    uint8_t queue;          /* of the run's, from 1; 0: in none */
    uint8_t reason;         /* for which it was aborted while its handler ran; or 0 */
    bool aborted;           /* cut off; or, if its handler has yet to begin, to be so then */
    bool begun;             /* its handler's actor runs, or did */
    bool named;             /* for the server's hook */
    weir_address address[]; /* one, if it is named: thousands of connections wait, most unnamed */
};

/* All in it have the same time, so the first is the first that is due. */
struct queue_by_time {
    struct connection *first, *last;
    weir_time allowance;
};

/* Of those that are FIRST, PARKED, and, for a while, RUNNING. */
enum queue { QUEUE_SILENT, QUEUE_PARKED, QUEUE_BEGINNING, QUEUES };

/* One weir_server_run(). */
struct run {
    struct server *server;
    struct run *next;
    struct connection *connections;
    size_t count;
    struct queue_by_time queue[QUEUES];
    bool wants_poke; /* at each end of a connection */
    int error;       /* the first of a handler, if that ends the run */

    /* Its actor's. */
    weir_listener listener;
    weir_handler handler;
    void *arg;
    weir_group group;
    struct line line;
    weir_receiver arrivals;
    const struct net *net; /* of the reserve */
    int reserve;           /* a descriptor, or an error */
    bool is_short;
    weir_time not_before; /* try to accept again */
    bool heeds;           /* the server's `until`; of which an item has room here: */
    void *item;
    size_t item_size;
};

static inline struct run *connection_run(const struct connection *c)
{
    return container_of(c->idle.line, struct run, line);
}

struct server {
    struct object object; /* weir_server */
    a32 lock;
    uint32_t users; /* its handle, runs */
    weir_serve_options options;
    char name[16];
    struct slot *slot;
    struct run *runs;
    struct server *next, *prev; /* all servers, for the dump */
    weir_sender drain;          /* closed when it drains */
    weir_receiver drained;
    bool drains;
    bool hurries; /* it does, and handlers are to be cancelled */
    uint64_t numbers;
    struct peer **peers; /* PEERS of them; or NULL: there is no limit */
    weir_server_statistics counters;
    struct retired retired;
};

/* ---- server.c ---- */

static inline void server_lock(struct server *s)
{
    lock_acquire(&s->lock, 0);
}

static inline void server_unlock(struct server *s)
{
    lock_release(&s->lock, 0);
}

/* The server of an open handle, of which the caller becomes a user; or NULL and the error. */
struct server *weir__server_use(weir_server h, int *rc);
void weir__server_unuse(struct server *s);

/* From now on it is drained, and counted, with the others. False: the server drains. */
bool weir__server_join(struct server *s, struct run *r);
void weir__server_leave(struct server *s, struct run *r);

/* By a run. What its `until` says: it drains, or with an item, if it does already, it hurries. */
void weir__server_told(struct server *s, bool item);

/* Inside of an operation. */
void weir__server_event(const struct connection *c, struct server *s, weir_serve_event_kind kind,
                        weir_end_reason reason, int error);

/*
 * A connection that has been accepted: counted, RUNNING or FIRST. NULL: there was no memory, or
 * its peer has too many; the stream is aborted.
 */
struct connection *weir__connection_new(struct run *r, weir_stream stream, bool *no_memory);

/* Cut the connection off, whatever its handler has made of it. */
void weir__connection_cut(weir_stream stream, uint64_t socket);

/* By its owner: it is closed, counted and gone. */
void weir__connection_end(struct connection *c, weir_end_reason reason, int error);

/* Lock held. */
void weir__queue_put(struct run *r, enum queue queue, struct connection *c, weir_time now);
void weir__queue_take(struct connection *c);
void weir__connection_is(struct connection *c, enum connection_state state);

#endif
