/* SPDX-License-Identifier: MIT */
/*
 * echo.c - a closed loop: each connection has `depth` messages under way, and sends the next one
 * when one has come back. What comes back may come in any pieces; a message is back with its last
 * byte.
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { EVENTS = 512 };

/* Messages that were sent at the same time. */
typedef struct batch {
    uint64_t at;
    uint64_t count;
} batch;

typedef struct connection {
    int fd;
    uint64_t begin, sent, received; /* positions in the stream */
    uint64_t asked;                 /* up to where there is something to send */
    batch *batches;                 /* a ring of `depth`: those under way */
    unsigned first, last;
} connection;

static struct {
    const load_options *options;
    connection *connections;
    int *idle;
    int epoll;
    char *buffer;
    uint64_t under_way, done;
    bool more; /* what has come back is sent again */
} load;

/* ---- a connection -------------------------------------------------------------------------- */

static void flush(connection *c)
{
    while (c->sent < c->asked) {
        uint64_t left = c->asked - c->sent;
        size_t size = left < PATTERN_CHUNK ? (size_t)left : PATTERN_CHUNK;
        ssize_t n = send(c->fd, pattern_at(c->sent), size, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            load_fail("send: %s", strerror(errno));
        c->sent += (uint64_t)n;
    }
}

static void ask(connection *c, uint64_t count, uint64_t now)
{
    c->batches[c->last++ % (unsigned)load.options->depth] = (batch){now, count};
    c->asked += count * (uint64_t)load.options->size;
    load.under_way += count;
    flush(c);
}

/* `count` messages have come back. */
static void note(connection *c, uint64_t count, uint64_t now)
{
    load.done += count;
    load.under_way -= count;
    while (count > 0) {
        batch *oldest = &c->batches[c->first % (unsigned)load.options->depth];
        uint64_t n = count < oldest->count ? count : oldest->count;
        latency_add(now - oldest->at, n);
        oldest->count -= n;
        count -= n;
        if (oldest->count == 0)
            c->first++;
    }
}

static void take(connection *c, size_t bytes)
{
    uint64_t size = (uint64_t)load.options->size;
    uint64_t before = (c->received - c->begin) / size, now = bench_now();

    if (c->received + bytes > c->sent)
        load_fail("more came back than was sent");
    pattern_check(load.buffer, bytes, c->received);
    c->received += bytes;
    uint64_t count = (c->received - c->begin) / size - before;
    if (count == 0)
        return;
    note(c, count, now);
    if (load.more)
        ask(c, count, now);
}

static void serve(connection *c, uint32_t events)
{
    if (events & EPOLLOUT)
        flush(c);
    if (!(events & ~(uint32_t)EPOLLOUT))
        return;
    for (;;) {
        ssize_t n = recv(c->fd, load.buffer, PATTERN_CHUNK, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            load_fail("the server closed a connection: %s", n ? strerror(errno) : "the end");
        take(c, (size_t)n);
        if (n < PATTERN_CHUNK)
            return;
    }
}

/* ---- all of them --------------------------------------------------------------------------- */

/* One message there and back: after it the server has done all that a connection takes. */
static void greet(int fd, uint64_t position, size_t size)
{
    struct timeval patience = {(time_t)(load.options->patience / 1000000000U),
                               (suseconds_t)(load.options->patience / 1000 % 1000000)};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (send(fd, pattern_at(position), size, MSG_NOSIGNAL) != (ssize_t)size ||
        recv(fd, load.buffer, size, MSG_WAITALL) != (ssize_t)size)
        load_fail("a new connection was not served: %s", strerror(errno));
    pattern_check(load.buffer, size, position);
}

static void open_all(const load_options *o)
{
    size_t greeting = o->size < 64 ? (size_t)o->size : 64;

    load.options = o;
    load.buffer = bench_calloc(1, PATTERN_CHUNK);
    load.connections = bench_calloc((size_t)o->connections, sizeof *load.connections);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < o->connections; i++) {
        connection *c = &load.connections[i];
        struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
        c->fd = server_dial();
        c->batches = bench_calloc((size_t)o->depth, sizeof *c->batches);
        greet(c->fd, pattern_begin(i), greeting);
        c->begin = c->sent = c->received = c->asked = pattern_begin(i) + greeting;
        if (fcntl(c->fd, F_SETFL, O_NONBLOCK) || epoll_ctl(load.epoll, EPOLL_CTL_ADD, c->fd, &e))
            load_fail("epoll: %s", strerror(errno));
    }
    for (int i = 0; i < o->idle; i++)
        greet(server_dial(), pattern_begin(i), greeting);
}

/* Loads for so many ns, then waits for what is under way; when the last one came back. */
static uint64_t exchange(uint64_t ns)
{
    struct epoll_event events[EVENTS];
    uint64_t now = bench_now(), end = now + ns, heard = now;

    load.more = true;
    load.done = 0;
    for (int i = 0; i < load.options->connections; i++)
        ask(&load.connections[i], (uint64_t)load.options->depth, bench_now());
    while (load.under_way > 0) {
        int n = epoll_wait(load.epoll, events, EVENTS, (int)(load.options->patience / 1000000));
        for (int i = 0; i < n; i++)
            serve(events[i].data.ptr, events[i].events);
        now = bench_now();
        load.more = now < end;
        if (n > 0)
            heard = now;
        if (now - heard >= load.options->patience)
            load_fail("%llu messages did not come back", (unsigned long long)load.under_way);
    }
    return now;
}

void load_echo(const load_options *o)
{
    load_window w;

    open_all(o);
    exchange(o->warm_up);
    window_open(&w);
    window_close(&w, exchange(o->measured));
    load_report(&w, (double)load.done, true);
}
