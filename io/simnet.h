/* SPDX-License-Identifier: MIT */
/*
 * simnet.h - the network in memory of a simulated run, inside.
 *
 * simnet.c is the table of calls (os_net.h): what a socket says to its user. simwire.c is what is
 * between the sockets: packets that arrive in virtual time. simpoll.c is who is told, and when it
 * all begins and ends.
 *
 * One lock guards everything. Mostly the only worker takes it; a plain thread may close a handle.
 * Packets are in a list by their times. The first one's is that of a timer of the worker: so time
 * goes on to it when nobody is runnable, and without packets, and other timers, there is a dead
 * lock. When it fires, packets arrive, and sockets get events, which the worker's poller
 * (netpoll.c) fetches in the same pass of its loop. Who changes something of another socket does
 * so by a packet, so nothing ever happens inside of the call of another.
 */
#ifndef WEIR_SIMNET_INSIDE_H
#define WEIR_SIMNET_INSIDE_H

#include <weir/simnet.h>

#include "lock.h"
#include "os_net.h"
#include "timer.h"

struct runtime;
struct worker;

/* Descriptors from here on are simulated: SIM_BASE, the run's number, the place. */
enum { SIM_BASE = 1 << 30, SIM_PLACES = 1 << 18 };

/* A socket, wherever it is now; it may be closed since. */
struct sim_name {
    uint32_t place;
    uint64_t id;
};

enum sim_what {
    SIM_DATA,
    SIM_END,    /* no more from there */
    SIM_RESET,  /* it is broken */
    SIM_CREDIT, /* so much was read */
    SIM_HELLO,  /* somebody connects to an address */
    SIM_ANSWER, /* how that came out */
    SIM_TIMEOUT /* of a socket's own */
};

struct sim_packet {
    struct sim_packet *next, *prev;
    weir_time at;
    enum sim_what what;
    int error; /* of an answer */
    bool gone; /* of an end: nobody reads there any more, either */
    struct sim_name from, to;
    weir_address source, destination;
    size_t size, taken; /* bytes, and how many of them were read */
    unsigned char data[];
};

struct sim_list {
    struct sim_packet *first, *last;
};

enum sim_state { SIM_FRESH, SIM_LISTENS, SIM_CONNECTS, SIM_CONNECTED, SIM_BROKEN };

struct sim_socket {
    struct sim_name name, peer;
    enum sim_state state;
    int family;
    bool bound;       /* by its user: it is in the list of those */
    bool both;        /* of IPv6: listens for IPv4 as well */
    bool shares_port; /* SO_REUSEPORT */
    bool aborts;      /* SO_LINGER, 0 */
    weir_address local, remote;
    struct sim_socket *next_bound;

    /* In. */
    struct sim_list data;
    size_t unread;
    bool ended;     /* the peer sends no more */
    bool peer_gone; /* and nobody reads what we send */
    bool deaf;      /* SHUT_RD */
    size_t owed;    /* read, and the peer does not know */
    bool credits;   /* the credit is on its way: it comes back */
    int error;      /* to be told once */

    /* Out. */
    size_t room, used;
    bool ends;       /* we have said that we send no more */
    bool wants_room; /* a send found none */
    weir_time last;  /* when what was sent last arrives */

    /* A listener: those that wait for an accept. Of these: the next one. */
    struct sim_socket *first, *last_waiting, *next_waiting;
    struct sim_name listener;
    int backlog, waiting;

    /* Events. */
    bool added, sends, queued;
    uint64_t user;
    uint32_t events;
    struct sim_socket *next_event;

    /* Packets that must not fail are made with it. */
    struct sim_packet *spare;
    struct sim_packet *timeout; /* it is on its way */
    int user_timeout, keep_idle, keep_interval, keep_probes;
    bool keepalive;
};

struct sim_cut {
    struct sim_cut *next;
    weir_address address;
};

struct simnet {
    struct simnet *next;
    struct runtime *runtime;
    struct worker *worker;
    uint32_t run;
    struct timer timer;
    weir_time armed; /* WEIR_NEVER: it is not */
    bool firing, rearm;
    a32 woken;

    uint64_t random, ids;
    weir_simnet_options options, drawn; /* in force, without defaults; and these */
    weir_simnet_counters counters;
    uint16_t port;

    struct sim_list wire, held;
    struct sim_cut *cuts;
    struct sim_socket **sockets, *bound;
    uint32_t *empty, places, room, empties;
    struct sim_socket *first_event, *last_event;
};

extern const struct net weir__simnet;

/* simpoll.c. Is the calling party an actor of a simulated run? */
bool weir__simulated(void);

/*
 * The network of the calling actor's run, or, if fd is not negative, of that socket; and its lock
 * is held. NULL: there is none (any more), or *rc says why, and the lock is not held.
 */
struct simnet *weir__sim_enter(int fd, int *rc);
void weir__sim_leave(struct simnet *n);

/* Something may be due at `at`. Lock held; any thread inside an operation. */
void weir__sim_arm(struct simnet *n, weir_time at);

/* An event for who watches the socket. */
void weir__sim_notify(struct simnet *n, struct sim_socket *s, uint32_t what);
uint32_t weir__sim_events(const struct sim_socket *s); /* that are true now */
void weir__sim_forget(struct simnet *n, struct sim_socket *s);

int weir__sim_poll_open(int *wake);
int weir__sim_poll_add(int set, int fd, uint64_t user, bool sends);
int weir__sim_poll_sends(int set, int fd, uint64_t user);
int weir__sim_poll_remove(int set, int fd);
int weir__sim_poll_wait(int set, struct net_event *events, int most, weir_time until);
void weir__sim_poll_wake(int set, int wake);
void weir__sim_poll_close(int set, int wake);

/* simnet.c. Sockets. */
struct sim_socket *weir__sim_find(const struct simnet *n, struct sim_name name);
struct sim_socket *weir__sim_at(const struct simnet *n, int fd); /* NULL: it is closed */
void weir__sim_places_free(struct simnet *n);
struct sim_socket *weir__sim_socket(struct simnet *n, int family); /* NULL: no memory */
void weir__sim_free(struct simnet *n, struct sim_socket *s);       /* nobody is told */
struct sim_socket *weir__sim_accepts(struct simnet *n, const weir_address *to);
/* A connection of c's waits to be accepted there. NULL: no memory. */
struct sim_socket *weir__sim_welcome(struct simnet *n, struct sim_socket *listener,
                                     const struct sim_packet *hello);

void weir__sim_unbind(struct simnet *n, struct sim_socket *s);

/* simpath.c */
int weir__sim_path_mode_of(int fd, uint32_t mode);
int weir__sim_path_stat(const char *path, struct path_info *out);
int weir__sim_path_chmod(const char *path, uint32_t mode);
int weir__sim_path_remove(const char *path);
int weir__sim_path_lock(const char *path);

/* simwire.c. */
uint32_t weir__sim_below(struct simnet *n, uint32_t most);
bool weir__sim_chance(struct simnet *n, int of, uint32_t all);
struct sim_packet *weir__sim_packet(size_t size);
void weir__sim_packet_free(struct sim_packet *p);
void weir__sim_list_free(struct sim_list *l);
void weir__sim_append(struct sim_list *l, struct sim_packet *p);
struct sim_packet *weir__sim_spare(struct sim_socket *s);
void weir__sim_give_back(struct sim_socket *s, struct sim_packet *p);

/* From s, on its way to its peer, behind what it sent before. */
void weir__sim_send(struct simnet *n, struct sim_socket *s, struct sim_packet *p,
                    enum sim_what what);
void weir__sim_credit(struct simnet *n, struct sim_socket *s);
void weir__sim_time(struct simnet *n, struct sim_socket *s, weir_time after);
void weir__sim_time_off(struct simnet *n, struct sim_socket *s);

/* What is due arrives. The time of the next; WEIR_NEVER: none. */
weir_time weir__sim_arrive(struct simnet *n, weir_time now);

static inline bool sim_is_ip(const weir_address *a)
{
    return a->family != AF_UNIX;
}

#endif
