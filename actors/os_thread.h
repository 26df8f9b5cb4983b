/* SPDX-License-Identifier: MIT */
/*
 * os_thread.h - threads of the library's own, and how many are worth while. As channels/os.h:
 * tests/explorer/explore_os.c is the same on the simulated machine.
 */
#ifndef WEIR_OS_THREAD_H
#define WEIR_OS_THREAD_H

#include <stdint.h>

/*
 * A thread of the library's own: all signals but those of faults are blocked in it. 0 or
 * WEIR_ENOMEM.
 */
typedef struct os_thread {
    void *id;
    void (*run)(void *arg);
    void *arg;
} os_thread;

int os_thread_start(os_thread *t, void (*body)(void *arg), void *arg);
void os_thread_join(os_thread *t);
void os_thread_leave(void); /* by the thread itself, near its end: nobody will join it */

/* As many as the affinity mask and the cgroup's quota of time allow; at least 1. */
uint32_t os_processors(void);

/*
 * The smallest quota of the process's control groups, version 1 or 2, and of those above them, in
 * processors, rounded up; 0: no limit. Files are looked for below `root`: "", but in tests.
 */
unsigned long os_cgroup_quota(const char *root);

/* The threads of the process, the library's own and those it knows nothing of; 0: not known. */
uint32_t os_threads(void);

#endif
