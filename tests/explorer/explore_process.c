/* SPDX-License-Identifier: MIT */
/*
 * explore_process.c - actors/processes/os_process.h on the simulated machine: a process is a word
 * on which whoever talks with it sleeps, until it is killed.
 *
 * What is asked of it is a number: it answers with the next one; to 0 never.
 */
#include "explore_process.h"

#include <string.h>

#include "os.h"
#include "processes/os_process.h"

enum { PROCESSES = 16 };

static struct {
    a32 killed;
    bool ended;
} process[PROCESSES];
static a32 started, ended;

uint32_t explore_processes(void)
{
    return a32_load(&started) - a32_load(&ended);
}

static a32 *killed(const struct os_process *p)
{
    if (p->pid < 0 || p->pid >= PROCESSES || process[p->pid].ended)
        explore_fail(EXPLORE_HERE, "no such process: %d", p->pid);
    return &process[p->pid].killed;
}

int os_process_start(struct os_process *p, char *const *argv)
{
    (void)argv;
    *p = (struct os_process){.pid = (int)a32_add(&started, 1)};
    return 0;
}

bool os_process_await(struct os_process *p, weir_time until)
{
    (void)until;
    explore_yield();
    return !a32_load_acquire(killed(p));
}

bool os_process_waits(const struct os_process *p)
{
    return !a32_load_acquire(killed(p));
}

enum os_answer os_process_ask(struct os_process *p, const struct os_request *r, int *rc)
{
    uint32_t number = *(const uint32_t *)r->request + 1;
    a32 *word = killed(p);
    while (number == 1 && !a32_load_acquire(word))
        os_futex_wait(word, 0, WEIR_NEVER);
    explore_yield();
    if (a32_load_acquire(word))
        return OS_GONE;
    memcpy(r->reply, &number, sizeof number);
    *rc = sizeof number;
    return OS_ANSWERED;
}

void os_process_kill(const struct os_process *p)
{
    a32 *word = killed(p);
    a32_xchg(word, 1);
    os_futex_wake(word, EXPLORE_THREADS);
}

struct os_process_end os_process_end(struct os_process *p, weir_time until)
{
    (void)until;
    killed(p);
    process[p->pid].ended = true;
    a32_add(&ended, 1);
    return (struct os_process_end){.pid = p->pid, .code = OS_PROCESS_LOST};
}
