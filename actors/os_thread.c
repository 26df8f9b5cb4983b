/* SPDX-License-Identifier: MIT */
/* os_thread.c - os_thread.h on Linux. errno is the caller's, as in channels/os.c. */
#define _GNU_SOURCE
#include "os_thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

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
    int e = errno;
    t->run = body;
    t->arg = arg;
    block_signals(&before);
    int rc = os_may_map() ? pthread_create(&id, NULL, run, t) : ENOMEM;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = e;
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

void os_thread_leave(void)
{
    pthread_detach(pthread_self());
}

#if defined(WEIR_TSAN)

enum { SANITIZERS = 1 };

static void *nothing(void *unused)
{
    return unused;
}

/* ThreadSanitizer has a thread of its own as soon as the program begins another one. */
__attribute__((constructor)) static void begin_sanitizers(void)
{
    pthread_t id;
    if (pthread_create(&id, NULL, nothing, NULL) == 0)
        pthread_join(id, NULL);
}

#else

enum { SANITIZERS = 0 };

#endif

/* A folder has as many links as it has subfolders, and two of its own. */
uint32_t os_threads(void)
{
    struct stat task;
    const nlink_t others = 2 + SANITIZERS;
    int e = errno, rc = stat("/proc/self/task", &task);
    errno = e;
    return rc < 0 || task.st_nlink <= others ? 0 : (uint32_t)(task.st_nlink - others);
}

/* ---- processors ------------------------------------------------------------------------- */

uint32_t os_processors(void)
{
    int e = errno;
    cpu_set_t mask[8]; /* with one, 1024 processors, the call fails where there are more */
    unsigned long n = 1, quota = os_cgroup_quota("");
    if (sched_getaffinity(0, sizeof mask, mask) == 0)
        n = (unsigned long)CPU_COUNT_S(sizeof mask, mask);
    if (quota > 0 && quota < n)
        n = quota;
    errno = e;
    return n > 0 ? (uint32_t)n : 1;
}
