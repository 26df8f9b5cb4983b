/* SPDX-License-Identifier: MIT */
/*
 * bulk.c - one way, as fast as the server takes it. At the end of the stream the server (kind
 * sink) answers how many bytes it got, 8 bytes in network order: so the last one was taken then.
 */
#define _GNU_SOURCE
#include "load.h"

#include <endian.h>
#include <errno.h>
#include <sys/socket.h>

/* The megabytes of one connection. */
static double pour(const load_options *o, uint64_t ns)
{
    struct timeval patience = {(time_t)(o->patience / 1000000000U),
                               (suseconds_t)(o->patience / 1000 % 1000000)};
    uint64_t begin = pattern_begin(1), sent = 0, got = 0, end = bench_now() + ns;
    int fd = server_dial();

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    do {
        ssize_t n = send(fd, pattern_at(begin + sent), PATTERN_CHUNK, MSG_NOSIGNAL);
        if (n <= 0)
            load_fail("send: %s", strerror(errno));
        sent += (uint64_t)n;
    } while (bench_now() < end);
    shutdown(fd, SHUT_WR);
    if (recv(fd, &got, sizeof got, MSG_WAITALL) != sizeof got)
        load_fail("the server did not say how much it got: %s", strerror(errno));
    if (be64toh(got) != sent)
        load_fail("the server got %llu of %llu bytes", (unsigned long long)be64toh(got),
                  (unsigned long long)sent);
    close(fd);
    return (double)sent / 1e6;
}

void load_bulk(const load_options *o)
{
    load_window w;

    pour(o, o->warm_up);
    window_open(&w);
    double megabytes = pour(o, o->measured);
    window_close(&w, bench_now());
    load_report(&w, megabytes, false);
}
