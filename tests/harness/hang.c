/* SPDX-License-Identifier: MIT */
/* hang.c - see hang.h. A thread shows its own stack, when it gets a SIGILL: that is one of the few
 * signals that the library's threads do not block, and ThreadSanitizer does not put it off. */
#define _GNU_SOURCE
#include "hang.h"

#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 64, LIMIT_S = 20 };

int weir_dump(FILE *out) __attribute__((weak)); /* test_channels has no actors */

static atomic_bool shown, all_shown;
static pid_t shown_first;

#if defined(WEIR_ASAN) || defined(WEIR_TSAN)
void __sanitizer_print_stack_trace(void); /* with names and lines */

/* A function, so that tsan.supp may name who calls it. */
__attribute__((noinline)) static void show_stack(void)
{
    __sanitizer_print_stack_trace();
}
#else
static void show_stack(void)
{
    void *frames[FRAMES];
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
}
#endif

static void on_ill(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code != SI_TKILL) { /* a true one: it comes again */
        signal(signal_number, SIG_DFL);
        return;
    }
    show_stack();
    atomic_store(&shown, true);
}

void hang_prepare(void)
{
    void *frame;
    struct sigaction ill = {.sa_sigaction = on_ill, .sa_flags = SA_SIGINFO | SA_RESTART};
    backtrace(&frame, 1); /* the first one loads a library */
    if (sigaction(SIGILL, &ill, NULL) != 0)
        abort();
}

static void sleep_some(void)
{
    nanosleep(&(struct timespec){0, 1000 * 1000}, NULL);
}

static void show_title(const char *thread)
{
    char path[NAME_MAX + 32], name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, name, sizeof name - 1) : 0;
    if (fd >= 0)
        close(fd);
    name[n > 1 ? n - 1 : 0] = '\0'; /* without its line feed */
    fprintf(stderr, "\nthread %s, %s\n", thread, name);
}

static void show_thread(const char *thread)
{
    pid_t tid = (pid_t)strtol(thread, NULL, 10);
    if (tid == gettid() || tid == shown_first)
        return;
    show_title(thread);
    atomic_store(&shown, false);
    if (syscall(SYS_tgkill, getpid(), tid, SIGILL) != 0)
        return;
    for (int i = 0; i < 1000 && !atomic_load(&shown); i++)
        sleep_some();
}

static void show_threads(void)
{
    DIR *threads = opendir("/proc/self/task");
    struct dirent *entry;
    while (threads && (entry = readdir(threads)))
        if (entry->d_name[0] != '.')
            show_thread(entry->d_name);
    if (threads)
        closedir(threads);
}

static void *show(void *unused)
{
    (void)unused;
    show_threads();
    fputc('\n', stderr);
    if (weir_dump)
        (void)weir_dump(stderr);
    atomic_store(&all_shown, true);
    return NULL;
}

/* First by this thread, which may hold any lock; then by another one, as more allocates. */
void hang_show(void)
{
    pthread_t other;
    sigset_t time_is_up;
    signal(SIGALRM, SIG_DFL);
    sigemptyset(&time_is_up);
    sigaddset(&time_is_up, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &time_is_up, NULL);
    alarm(LIMIT_S);
    shown_first = gettid();
    show_stack();
    if (pthread_create(&other, NULL, show, NULL) == 0)
        while (!atomic_load(&all_shown))
            sleep_some();
    alarm(0);
}
