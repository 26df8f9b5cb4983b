/* SPDX-License-Identifier: MIT */
#include "foreign.h"

#include "../common/bench.h"
#include "_cgo_export.h"

#include <pthread.h>

static struct {
    pthread_t thread;
    uint64_t calls, pause;
} foreign;

uint64_t foreign_now(void)
{
    return bench_now();
}

static void *call(void *unused)
{
    for (uint64_t i = 0; i < foreign.calls; i++) {
        bench_pause(foreign.pause);
        foreignCall(bench_now());
    }
    return unused;
}

void foreign_start(uint64_t calls, uint64_t pause)
{
    foreign.calls = calls;
    foreign.pause = pause;
    if (pthread_create(&foreign.thread, NULL, call, NULL))
        bench_fail("wake: cannot start a thread");
}

void foreign_join(void)
{
    pthread_join(foreign.thread, NULL);
}
