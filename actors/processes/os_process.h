/* SPDX-License-Identifier: MIT */
/*
 * os_process.h - one worker process, seen by the thread that has it. As channels/os.h:
 * tests/explorer/explore_process.c is the same on the simulated machine.
 *
 * The two have a pair of sockets. A process that has gone is noticed by its pidfd, as processes
 * that it has started may keep its socket open.
 */
#ifndef WEIR_OS_PROCESS_H
#define WEIR_OS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/channel.h>

struct os_process {
    int socket, pidfd, pid;
    uint32_t number; /* of the last request */
};

enum os_process_code {
    OS_PROCESS_LOST = 0, /* somebody else has asked how it ended */
    OS_PROCESS_EXITED,
    OS_PROCESS_SIGNALED
};

struct os_process_end {
    int pid;
    enum os_process_code code;
    int status; /* of exit(); or the signal */
};

/*
 * Start one with these arguments: 0, WEIR_ENOMEM, WEIR_EMFILE, or WEIR_ECRASHED when this program
 * cannot be started again. Then it has to be ended by os_process_end(), by the same thread: with
 * this thread it would be killed.
 */
int os_process_start(struct os_process *p, char *const *argv);

/* Wait until it is up. False: it has gone, or until now it is not. */
bool os_process_await(struct os_process *p, weir_time until);

/* Does it wait for a request? False: it has gone, or said something without being asked. */
bool os_process_waits(const struct os_process *p);

struct os_request {
    const char *name;
    const void *request;
    size_t size;
    void *reply;
    size_t room;
};

enum os_answer { OS_ANSWERED, OS_GONE, OS_NONSENSE };

/* Ask, and wait for the answer, which is *rc, and its bytes in the reply. */
enum os_answer os_process_ask(struct os_process *p, const struct os_request *r, int *rc);

/* By any thread before it is ended: it will be gone soon. */
void os_process_kill(const struct os_process *p);

/* Tell it to go, wait until then, kill it if it is still there, wait until it is gone. */
struct os_process_end os_process_end(struct os_process *p, weir_time until);

#endif
