/* SPDX-License-Identifier: MIT */
/*
 * server.c - the floor: what a server costs without a runtime, in plain C over epoll. A thread with
 * an epoll instance for each worker, edges, one buffer for each thread. With TCP each thread
 * listens for itself at the same port; with UNIX sockets, which cannot do that, the first one
 * accepts and hands the connections out in turn.
 *
 * Besides `echo` and `sink` there is the kind `lazy`: echo, but a connection has its options from
 * the listener, is read before it is registered, and registered for sending only when it has to
 * wait for that. That is the floor of connections that last for one message. The sink is woken when
 * half a megabyte has come (or the end): one that takes each piece at once only wakes up more
 * often.
 */
#define _GNU_SOURCE
#include "../../common/server.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>

enum { EVENTS = 512, ECHO_BUFFER = 64 * 1024, SINK_BUFFER = 128 * 1024, SINK_WAKES = 512 * 1024 };

typedef struct connection {
    int fd;
    char *pending; /* what could not be sent yet */
    size_t sent, left;
    uint64_t received; /* sink */
    uint32_t events;   /* 0: not registered */
} connection;

typedef struct worker {
    pthread_t thread;
    int epoll, listener; /* -1: another one accepts */
    char *buffer;
} worker;

static server_options options;
static worker workers[SERVER_WORKERS_MAX];
static bool sink, lazy;

static void finish(connection *c)
{
    close(c->fd);
    free(c->pending);
    free(c);
}

/* At the end of a stream the sink says what it got. */
static void end(connection *c, ssize_t n)
{
    uint64_t received = htobe64(c->received);

    if (sink && n == 0 && send(c->fd, &received, sizeof received, MSG_NOSIGNAL) < 0)
        perror("sink: the answer");
    finish(c);
}

static void watch(const worker *w, connection *c, uint32_t events)
{
    struct epoll_event e = {.events = events | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    int what = c->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if ((c->events & events) == events)
        return;
    c->events = events;
    if (epoll_ctl(w->epoll, what, c->fd, &e))
        bench_fail("epoll_ctl");
}

/* Keeps what did not go for the next edge. */
static void keep(const worker *w, connection *c, const char *from, size_t size)
{
    if (!c->pending)
        c->pending = bench_calloc(1, options.buffer);
    memcpy(c->pending, from, size);
    c->sent = 0;
    c->left = size;
    watch(w, c, EPOLLIN | EPOLLOUT);
}

/* False: the connection has gone. */
static bool send_pending(connection *c)
{
    ssize_t n = send(c->fd, c->pending + c->sent, c->left, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN) {
        finish(c);
        return false;
    }
    if (n > 0) {
        c->sent += (size_t)n;
        c->left -= (size_t)n;
    }
    return true;
}

/* What there is to read, until the socket is empty; a short read says that it is. */
static void serve(const worker *w, connection *c, uint32_t events)
{
    for (;;) {
        ssize_t n = recv(c->fd, w->buffer, options.buffer, 0);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0) {
            end(c, n);
            return;
        }
        if (sink) {
            c->received += (uint64_t)n;
        } else {
            ssize_t sent = send(c->fd, w->buffer, (size_t)n, MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN) {
                finish(c);
                return;
            }
            if (sent < n) {
                size_t gone = sent > 0 ? (size_t)sent : 0;
                keep(w, c, w->buffer + gone, (size_t)n - gone);
                break;
            }
        }
        if ((size_t)n < options.buffer && !(events & EPOLLRDHUP))
            break;
    }
    watch(w, c, EPOLLIN);
}

static const worker *next_of(const worker *w)
{
    static int turn; /* of the only one that accepts */

    return options.path ? &workers[turn++ % options.workers] : w;
}

static void accept_all(const worker *w)
{
    int fd, one = 1, wakes = SINK_WAKES;

    while ((fd = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        connection *c = bench_calloc(1, sizeof *c);
        c->fd = fd;
        if (lazy) {
            serve(w, c, 0);
            continue;
        }
        if (!options.path)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (sink)
            setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &wakes, sizeof wakes);
        watch(next_of(w), c, EPOLLIN | EPOLLOUT);
    }
}

static void *run(void *arg)
{
    worker *w = arg;
    struct epoll_event events[EVENTS];

    for (;;) {
        int n = epoll_wait(w->epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            connection *c = events[i].data.ptr;
            if (!c)
                accept_all(w);
            else if (c->left == 0 ? (events[i].events & ~(uint32_t)EPOLLOUT) != 0
                                  : send_pending(c) && c->left == 0)
                serve(w, c, events[i].events);
        }
    }
    return NULL;
}

static void start(worker *w, int listener)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};

    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->listener = listener;
    w->buffer = bench_calloc(1, options.buffer);
    if (w->epoll < 0 || (listener >= 0 && epoll_ctl(w->epoll, EPOLL_CTL_ADD, listener, &e)))
        bench_fail("no epoll instance");
}

int main(int argc, char **argv)
{
    int port = 0, one = 1;

    sink = argc > 1 && !strcmp(argv[1], "sink");
    options = server_parse(argc, argv, sink ? SINK_BUFFER : ECHO_BUFFER);
    lazy = !strcmp(options.kind, "lazy");
    if (!sink && !lazy && strcmp(options.kind, "echo") != 0)
        bench_fail("kinds: echo sink lazy");
    for (int i = 0; i < options.workers; i++) {
        int fd = !options.path ? server_listen_tcp(&port)
                 : i == 0      ? server_listen_unix(options.path)
                               : -1;
        if (lazy && !options.path)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        start(&workers[i], fd);
    }
    for (int i = 0; i < options.workers; i++)
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i]))
            bench_fail("no thread");
    server_listening(&options, port);
    server_until_end_of_input();
}
