/* SPDX-License-Identifier: MIT */
/*
 * load.h - the load generator: a process with one thread that starts a server, loads it over
 * loopback connections, checks every byte that comes back, and measures what that costs the server.
 */
#ifndef WEIR_BENCH_LOAD_H
#define WEIR_BENCH_LOAD_H

#include "../common/bench.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- what is asked for (main.c) ---------------------------------------------------------- */

typedef struct load_options {
    const char *kind;                     /* what the server is to do: its first argument */
    int connections;                      /* that send */
    int idle;                             /* that only have sent something once */
    int size;                             /* bytes of a message */
    int depth;                            /* messages of a connection under way at once */
    bool local;                           /* a UNIX socket */
    bool pin;                             /* server and generator each to a processor of its own */
    int workers;                          /* of the server */
    int buffer;                           /* its bytes for one receive; 0: as it likes */
    uint64_t warm_up, measured, patience; /* ns */
} load_options;

/* Reports the failure and ends, with everything that was started. */
BENCH_NORETURN void load_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- the server under test (server.c) ------------------------------------------------------ */

void server_start(char **program, const load_options *options);

/* Ends its input and waits until it has ended by itself, with exit status 0. */
void server_stop(const load_options *options);

/* Its processor time, when it is asleep. While it runs this lags by up to a tick. */
uint64_t server_cpu_at_rest(void);

/* Bytes in memory, page tables included; descriptors that are open. */
double server_memory(void);
int server_descriptors(void);

/* A new connection to it, which blocks; the processor time of the generator itself. */
int server_dial(void);
uint64_t own_cpu(void);

/* ---- the bytes on a connection (pattern.c) ------------------------------------------------- */

/*
 * What is sent is a pattern that says where in the stream a byte belongs; each connection begins
 * somewhere else in it. So a byte that was lost, doubled, changed, swapped or sent to another
 * connection is noticed.
 */
enum { PATTERN_CHUNK = 256 * 1024 };

void pattern_make(void);
uint64_t pattern_begin(int connection);

/* At least PATTERN_CHUNK bytes, those at `position` of the stream. */
const char *pattern_at(uint64_t position);

/* Ends the generator if these are not the bytes at `position`. */
void pattern_check(const char *bytes, size_t size, uint64_t position);

/* ---- what came out (figures.c) ------------------------------------------------------------- */

/* Of what lies between two looks at the clocks, both when the server slept. */
typedef struct load_window {
    uint64_t start, end;
    uint64_t server_cpu, own_cpu;
} load_window;

void window_open(load_window *w);
void window_close(load_window *w, uint64_t end);

/* Latencies in ns, in buckets of 1.6 %: as an HDR histogram. */
void latency_reset(void);
void latency_add(uint64_t ns, uint64_t count);
uint64_t latency_at(double share);

/* RESULT: ns of the server's time for an operation, and what else is known. */
void load_report(const load_window *w, double operations, bool latencies);

/* ---- the loads ----------------------------------------------------------------------------- */

void load_echo(const load_options *options);    /* closed loop: depth messages under way */
void load_connect(const load_options *options); /* connect, one message there and back, close */
void load_bulk(const load_options *options);    /* one way, as fast as the server takes it */
void load_memory(const load_options *options);  /* what a connection takes that does nothing */

#endif
