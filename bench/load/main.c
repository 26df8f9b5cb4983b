/* SPDX-License-Identifier: MIT */
/*
 * main.c - load SCENARIO key=value... -- PROGRAM KIND
 *
 *   echo     connections= size= depth= idle=   messages there and back, `depth` under way on each
 *   connect  connections= size=                connect, one message there and back, reset
 *   bulk                                       one connection, one way
 *   memory   connections= size=                of connections that do nothing
 *
 * and for each unix=0|1 workers= pin=0|1 buffer= warm=MS ms=MS patience=MS. Starts PROGRAM KIND
 * ADDRESS WORKERS [BUFFER], which prints LISTEN and its port or path, and ends at the end of its
 * input. Prints RESULT = ns of the server's processor time for one operation (a request, or a
 * megabyte), for memory bytes of a connection, and INFO beside it. Exit status 0: every byte came
 * back as it should.
 *
 * The server's time is read from the clock of its process, which is exact only while no thread of
 * it runs. So before and after what is measured everything under way is waited for, and then until
 * that clock stands still.
 */
#define _GNU_SOURCE
#include "load.h"

#include <stdarg.h>
#include <sys/resource.h>

#define MS 1000000U

static const struct {
    const char *name;
    void (*run)(const load_options *options);
} loads[] = {
    {"echo", load_echo},
    {"connect", load_connect},
    {"bulk", load_bulk},
    {"memory", load_memory},
};

void load_fail(const char *format, ...)
{
    va_list values;

    fprintf(stderr, "load: ");
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fprintf(stderr, "\n");
    exit(1);
}

static load_options parse(const bench_args *a)
{
    return (load_options){
        .connections = (int)bench_arg(a, "connections", 1),
        .idle = (int)bench_arg(a, "idle", 0),
        .size = (int)bench_arg(a, "size", 64),
        .depth = (int)bench_arg(a, "depth", 1),
        .local = bench_arg(a, "unix", 0) != 0,
        .pin = bench_arg(a, "pin", 0) != 0,
        .workers = (int)bench_arg(a, "workers", 1),
        .buffer = (int)bench_arg(a, "buffer", 0),
        .warm_up = (uint64_t)bench_arg(a, "warm", 50) * MS,
        .measured = (uint64_t)bench_arg(a, "ms", 250) * MS,
        .patience = (uint64_t)bench_arg(a, "patience", 5000) * MS,
    };
}

/* As many descriptors as one may have; the server inherits it. */
static void raise_limit(void)
{
    struct rlimit files;

    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int main(int argc, char **argv)
{
    bench_args args = {argc, argv};
    const char *name = bench_scenario(&args);
    int own = 2;

    while (own < argc && strcmp(argv[own], "--") != 0)
        own++;
    if (argc - own != 3)
        bench_fail("usage: load SCENARIO key=value... -- PROGRAM KIND");
    args.argc = own;
    load_options options = parse(&args);
    options.kind = argv[own + 2];
    if (options.connections < 1 || options.size < 1 || options.size > PATTERN_CHUNK / 4 ||
        options.depth < 1 || options.idle < 0)
        bench_fail("load: connections, size, depth and idle must make sense");

    raise_limit();
    pattern_make();
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        if (strcmp(name, loads[i].name) != 0)
            continue;
        server_start(argv + own + 1, &options);
        loads[i].run(&options);
        server_stop(&options);
        return 0;
    }
    bench_fail("loads: echo connect bulk memory");
}
