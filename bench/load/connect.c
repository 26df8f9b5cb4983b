/* SPDX-License-Identifier: MIT */
/*
 * connect.c - a connection for each message: connect, one message there and back, close. It is
 * closed with a reset, as otherwise each would hold its port for a minute.
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { EVENTS = 256 };

typedef struct attempt {
    int fd;
    uint64_t start, position;
    size_t received;
} attempt;

static struct {
    const load_options *options;
    int epoll;
    uint64_t under_way, done, opened;
    bool more;
    char buffer[4096];
} load;

static void begin(attempt *a)
{
    struct linger reset = {1, 0};
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = a};
    size_t size = (size_t)load.options->size;

    a->start = bench_now();
    a->position = pattern_begin((int)(load.opened++ % 1000000));
    a->received = 0;
    a->fd = server_dial();
    if (setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) ||
        send(a->fd, pattern_at(a->position), size, MSG_NOSIGNAL) != (ssize_t)size ||
        epoll_ctl(load.epoll, EPOLL_CTL_ADD, a->fd, &e))
        load_fail("a new connection: %s", strerror(errno));
    load.under_way++;
}

static void serve(attempt *a)
{
    size_t size = (size_t)load.options->size;
    ssize_t n = recv(a->fd, load.buffer, sizeof load.buffer, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        load_fail("the server closed a connection: %s", n ? strerror(errno) : "the end");
    if (a->received + (size_t)n > size)
        load_fail("more came back than was sent");
    pattern_check(load.buffer, (size_t)n, a->position + a->received);
    a->received += (size_t)n;
    if (a->received < size)
        return;
    close(a->fd);
    latency_add(bench_now() - a->start, 1);
    load.done++;
    load.under_way--;
    if (load.more)
        begin(a);
}

static uint64_t churn(attempt *attempts, uint64_t ns)
{
    struct epoll_event events[EVENTS];
    uint64_t now = bench_now(), end = now + ns;

    load.more = true;
    load.done = 0;
    for (int i = 0; i < load.options->connections; i++)
        begin(&attempts[i]);
    while (load.under_way > 0) {
        int n = epoll_wait(load.epoll, events, EVENTS, (int)(load.options->patience / 1000000));
        if (n == 0)
            load_fail("%llu connections were not served", (unsigned long long)load.under_way);
        for (int i = 0; i < n; i++)
            serve(events[i].data.ptr);
        now = bench_now();
        load.more = now < end;
    }
    return now;
}

void load_connect(const load_options *o)
{
    attempt *attempts = bench_calloc((size_t)o->connections, sizeof *attempts);
    load_window w;

    if (o->size > (int)sizeof load.buffer)
        load_fail("connect: a message of at most %zu bytes", sizeof load.buffer);
    load.options = o;
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    churn(attempts, o->warm_up);
    window_open(&w);
    window_close(&w, churn(attempts, o->measured));
    load_report(&w, (double)load.done, true);
    free(attempts);
}
