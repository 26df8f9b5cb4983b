/* SPDX-License-Identifier: MIT */
/*
 * server.h - what the servers in C share: the command line
 *
 *     server KIND ADDRESS WORKERS [BUFFER]
 *
 * KIND is what it does with each connection: `echo` what comes; `sink` takes it in and, at the end
 * of the stream, answers how many bytes it got (8 bytes, network order). ADDRESS is `tcp`, a free
 * port of 127.0.0.1, or `unix:PATH`. It prints LISTEN and the port or path, and ends at the end of
 * its input. BUFFER is for one receive.
 */
#ifndef WEIR_BENCH_SERVER_H
#define WEIR_BENCH_SERVER_H

#include "bench.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { SERVER_WORKERS_MAX = 64, SERVER_BACKLOG = 4096 };

typedef struct server_options {
    const char *kind;
    const char *path; /* NULL: TCP */
    int workers;
    size_t buffer;
} server_options;

static BENCH_UNUSED server_options server_parse(int argc, char **argv, size_t buffer)
{
    server_options o = {.buffer = buffer};

    if (argc < 4 || argc > 5)
        bench_fail("usage: server KIND ADDRESS WORKERS [BUFFER]");
    o.kind = argv[1];
    o.workers = (int)strtol(argv[3], NULL, 10);
    if (argc == 5)
        o.buffer = (size_t)strtoul(argv[4], NULL, 10);
    if (!strncmp(argv[2], "unix:", 5))
        o.path = argv[2] + 5;
    else if (strcmp(argv[2], "tcp") != 0)
        bench_fail("the address is tcp or unix:PATH");
    if (o.workers < 1 || o.workers > SERVER_WORKERS_MAX || o.buffer < 1)
        bench_fail("how many workers, what buffer?");
    return o;
}

static BENCH_UNUSED void server_listening(const server_options *o, int port)
{
    if (o->path)
        printf("LISTEN %s\n", o->path);
    else
        printf("LISTEN %d\n", port);
    fflush(stdout);
}

static BENCH_UNUSED int server_listen_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof a.sun_path)
        bench_fail("the path is too long");
    memcpy(a.sun_path, path, strlen(path));
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, SERVER_BACKLOG))
        bench_fail("cannot listen at the path");
    return fd;
}

/* *port 0: a free one, which is noted there. The port may be listened at several times. */
static BENCH_UNUSED int server_listen_tcp(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)*port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) ||
        bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, SERVER_BACKLOG) ||
        getsockname(fd, (struct sockaddr *)&a, &length))
        bench_fail("cannot listen at the port");
    *port = ntohs(a.sin_port);
    return fd;
}

/* Does nothing else until the end of the input, and ends the process. */
static BENCH_UNUSED BENCH_NORETURN void server_until_end_of_input(void)
{
    char byte;

    while (read(0, &byte, 1) > 0)
        ;
    _exit(0);
}

#endif
