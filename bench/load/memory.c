/* SPDX-License-Identifier: MIT */
/*
 * memory.c - what a connection takes in the server that does nothing: when it has never sent
 * anything (INFO untouched=), and after one message there and back (RESULT). The kernel's own
 * memory, of both ends, is told apart (INFO kernel=): it is the same for every server.
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <sys/socket.h>

enum { BACKLOG = 256 };

static double kernel_memory(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    char line[256];
    double kib = 0;

    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "Slab:", 5))
            kib = strtod(line + 5, NULL);
    if (f)
        fclose(f);
    return kib * 1024;
}

/* Until the server has accepted all of `count`, beside the descriptors it had before. */
static void wait_for_accept(const load_options *o, int before, int count)
{
    uint64_t until = bench_now() + o->patience;

    while (server_descriptors() < before + count) {
        if (bench_now() > until)
            load_fail("the server has accepted %d of %d connections", server_descriptors() - before,
                      count);
        bench_pause(200000);
    }
}

static void exchange(const load_options *o, const int *fds)
{
    struct timeval patience = {(time_t)(o->patience / 1000000000U),
                               (suseconds_t)(o->patience / 1000 % 1000000)};
    char *buffer = bench_calloc(1, PATTERN_CHUNK);
    size_t size = (size_t)o->size;

    for (int i = 0; i < o->connections; i++) {
        setsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (send(fds[i], pattern_at(pattern_begin(i)), size, MSG_NOSIGNAL) != (ssize_t)size ||
            recv(fds[i], buffer, size, MSG_WAITALL) != (ssize_t)size)
            load_fail("a message did not come back: %s", strerror(errno));
        pattern_check(buffer, size, pattern_begin(i));
    }
    free(buffer);
}

void load_memory(const load_options *o)
{
    int *fds = bench_calloc((size_t)o->connections, sizeof *fds);
    int before = server_descriptors();
    double kernel = kernel_memory();

    server_cpu_at_rest();
    double empty = server_memory(), each = o->connections;
    for (int i = 0; i < o->connections; i++) {
        fds[i] = server_dial();
        if ((i + 1) % BACKLOG == 0)
            wait_for_accept(o, before, i + 1);
    }
    wait_for_accept(o, before, o->connections);
    server_cpu_at_rest();
    double untouched = server_memory();
    kernel = kernel_memory() - kernel;

    exchange(o, fds);
    server_cpu_at_rest();
    printf("INFO untouched=%.1f kernel=%.1f\n", (untouched - empty) / each, kernel / each);
    bench_result((server_memory() - empty) / each);
    free(fds);
}
