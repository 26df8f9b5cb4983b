/* SPDX-License-Identifier: MIT */
/*
 * faulty.c - a server as bench/common/server.h has them, which does something wrong: its kind says
 * what. The load generator has to notice each. The kinds `echo` and `sink` are right.
 */
#define _GNU_SOURCE
#include "../../bench/common/server.h"

#include <endian.h>
#include <poll.h>

enum { CONNECTIONS_MAX = 64, BUFFER = 64 * 1024, FAULT_AT = 5000 };

static const char *kind;
static uint64_t echoed; /* bytes, of all connections */
static uint64_t received[CONNECTIONS_MAX + 2];
static int fault_at = FAULT_AT;

static int is(const char *name)
{
    return !strcmp(kind, name);
}

static void reply(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        size -= (size_t)n;
    }
}

/* In the piece in which the 5,000th byte comes: once, but who falls silent stays so. */
static void misbehave(struct pollfd *all, int which, char *bytes, size_t size)
{
    int fd = all[which].fd;

    if (is("corrupt"))
        bytes[size - 1] = (char)(bytes[size - 1] ^ 0x10);
    else if (is("lose"))
        size--;
    else if (is("more") || is("twice"))
        reply(fd, bytes, size);
    else if (is("other"))
        fd = all[which == 2 ? 3 : 2].fd;
    else if (is("silent"))
        return;
    else if (is("cut")) {
        shutdown(fd, SHUT_RDWR);
        return;
    }
    reply(fd, bytes, is("more") ? 1 : size);
}

static void end_of(struct pollfd *p, uint64_t bytes)
{
    uint64_t answer = htobe64(is("miscount") ? bytes - 1 : bytes);

    if (is("sink") || is("miscount"))
        reply(p->fd, (char *)&answer, sizeof answer);
    close(p->fd);
    p->fd = -1;
}

static void serve(struct pollfd *all, int which)
{
    static char buffer[BUFFER];
    ssize_t n = recv(all[which].fd, buffer, sizeof buffer, 0);

    if (n <= 0) {
        end_of(&all[which], received[which]);
        return;
    }
    received[which] += (uint64_t)n;
    if (is("sink") || is("miscount"))
        return;
    echoed += (uint64_t)n;
    if (is("echo") || is("stay") || echoed < (uint64_t)fault_at) {
        reply(all[which].fd, buffer, (size_t)n);
        return;
    }
    if (!is("silent"))
        fault_at = 1 << 30;
    misbehave(all, which, buffer, (size_t)n);
}

static int add(struct pollfd *all, int count, int fd)
{
    int place = 2;

    while (place < count && all[place].fd >= 0)
        place++;
    if (place == CONNECTIONS_MAX + 2)
        bench_fail("faulty: too many connections");
    all[place] = (struct pollfd){.fd = fd, .events = POLLIN};
    received[place] = 0;
    return place < count ? count : place + 1;
}

int main(int argc, char **argv)
{
    struct pollfd all[CONNECTIONS_MAX + 2] = {{.fd = 0, .events = POLLIN}};
    server_options options = server_parse(argc, argv, BUFFER);
    int port = 0, count = 2, fd;

    kind = options.kind;
    if (is("mute"))
        return 0;
    all[1].fd = options.path ? server_listen_unix(options.path) : server_listen_tcp(&port);
    all[1].events = POLLIN;
    server_listening(&options, port);
    while (is("stay") || !all[0].revents) {
        if (poll(all, (nfds_t)count, -1) < 0)
            return 1;
        for (int i = 2; i < count; i++)
            if (all[i].revents)
                serve(all, i);
        while (all[1].revents && (fd = accept4(all[1].fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
            count = add(all, count, fd);
    }
    return is("fail");
}
