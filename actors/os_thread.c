/* SPDX-License-Identifier: MIT */
/* os_thread.c - os_thread.h on Linux. errno is the caller's, as in channels/os.c. */
#define _GNU_SOURCE
#include "os_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os.h"

_Static_assert(sizeof(pthread_t) <= sizeof(void *), "os_thread.id holds a pthread_t");

static void *run(void *thread)
{
    os_thread *t = thread;
    t->run(t->arg);
    return NULL;
}

/* Faults stay with the thread that makes them; everything else is for the program's threads. */
static void block_signals(sigset_t *before)
{
    sigset_t most;
    sigfillset(&most);
    sigdelset(&most, SIGSEGV);
    sigdelset(&most, SIGBUS);
    sigdelset(&most, SIGFPE);
    sigdelset(&most, SIGILL);
    sigdelset(&most, SIGTRAP);
    sigdelset(&most, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &most, before);
}

int os_thread_start(os_thread *t, void (*body)(void *arg), void *arg)
{
    sigset_t before;
    pthread_t id;
    t->run = body;
    t->arg = arg;
    block_signals(&before);
    int rc = os_may_map() ? pthread_create(&id, NULL, run, t) : ENOMEM;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return WEIR_ENOMEM;
    memcpy(&t->id, &id, sizeof id);
    return 0;
}

void os_thread_join(os_thread *t)
{
    pthread_t id;
    memcpy(&id, &t->id, sizeof id);
    pthread_join(id, NULL);
}

/* A folder has as many links as it has subfolders, and two of its own. */
uint32_t os_threads(void)
{
    struct stat task;
    int e = errno, rc = stat("/proc/self/task", &task);
    errno = e;
    return rc < 0 || task.st_nlink < 3 ? 0 : (uint32_t)task.st_nlink - 2;
}

/* ---- processors ------------------------------------------------------------------------- */

/* The first line of a file; false: there is none. */
static bool read_line(const char *path, char *line, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, line, size - 1);
    close(fd);
    if (n <= 0)
        return false;
    line[n] = 0;
    line[strcspn(line, "\n")] = 0;
    return true;
}

/* "QUOTA PERIOD" in microseconds, or "max PERIOD": processors, rounded up; 0: no limit. */
static unsigned long quota_of(const char *text)
{
    char *end;
    unsigned long quota = strtoul(text, &end, 10), period = strtoul(end, NULL, 10);
    return end == text || quota == 0 || period == 0 ? 0 : (quota + period - 1) / period;
}

/* The smallest of the process's group and those above it. */
unsigned long os_quota(const char *cgroup, const char *mount)
{
    char group[512], path[640], line[64];
    unsigned long least = 0;
    if (!read_line(cgroup, group, sizeof group) || strncmp(group, "0::/", 4) != 0)
        return 0;
    for (char *own = group + 3, *slash;; *slash = 0) {
        snprintf(path, sizeof path, "%s%s/cpu.max", mount, own);
        unsigned long n = read_line(path, line, sizeof line) ? quota_of(line) : 0;
        if (n > 0 && (least == 0 || n < least))
            least = n;
        if (!(slash = strrchr(own, '/')))
            return least;
    }
}

uint32_t os_processors(void)
{
    int e = errno;
    cpu_set_t mask;
    unsigned long n = 1, quota = os_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    if (sched_getaffinity(0, sizeof mask, &mask) == 0)
        n = (unsigned long)CPU_COUNT(&mask);
    if (quota > 0 && quota < n)
        n = quota;
    errno = e;
    return n > 0 ? (uint32_t)n : 1;
}
