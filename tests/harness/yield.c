/* SPDX-License-Identifier: MIT */
/* yield.c - see on_yield(). The library's spin loops call this sched_yield(). */
#define _GNU_SOURCE
#include "harness.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local void (*next_time)(void *arg);
static _Thread_local void *next_arg;

void on_yield(void (*run)(void *arg), void *arg)
{
    next_time = run;
    next_arg = arg;
}

bool has_yielded(void)
{
    return !next_time;
}

int sched_yield(void)
{
    void (*run)(void *arg) = next_time;
    next_time = NULL;
    if (run)
        run(next_arg);
    return (int)syscall(SYS_sched_yield);
}
