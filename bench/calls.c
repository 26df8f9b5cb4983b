/* SPDX-License-Identifier: MIT */
/*
 * calls seconds=N PROGRAM ARGUMENT... - counts the system calls of an idle program.
 *
 * Starts the program, waits until it prints READY, attaches to all of its threads as a
 * debugger does, and prints RESULT = system calls per second. Attaching interrupts the
 * calls in which threads sleep, and they are begun again: what happens during the first
 * 300 ms is not counted. Then the program's input ends, and it has to exit with 0.
 */
#define _GNU_SOURCE
#include "common/bench.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>

#define THREADS_MAX 256
#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL)

static volatile sig_atomic_t window_is_over;

static void end_window(int number)
{
    (void)number;
    window_is_over = 1;
}

static long trace(int request, pid_t thread, uintptr_t address, uintptr_t data)
{
    return ptrace((enum __ptrace_request)request, thread, (void *)address, (void *)data);
}

/* The program behind two pipes; returns when it has said READY. */
static pid_t start(char **command, int *input)
{
    int in[2], out[2];
    char line[256] = "";

    if (pipe(in) || pipe(out))
        bench_fail("calls: no pipe");
    pid_t program = fork();
    if (program == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execv(command[0], command);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    while (f && fgets(line, sizeof line, f) && strcmp(line, "READY\n") != 0)
        ;
    if (program < 0 || strcmp(line, "READY\n") != 0)
        bench_fail("calls: the program did not get ready");
    *input = in[1];
    return program;
}

static bool known(pid_t *threads, int count, pid_t thread)
{
    for (int i = 0; i < count; i++)
        if (threads[i] == thread)
            return true;
    return false;
}

/* Until a look at /proc finds no more; those that start later are reported by their maker. */
static int attach(pid_t program)
{
    pid_t threads[THREADS_MAX];
    char path[64];
    int count = 0, before;

    snprintf(path, sizeof path, "/proc/%d/task", (int)program);
    do {
        before = count;
        DIR *tasks = opendir(path);
        for (struct dirent *d; tasks && (d = readdir(tasks));) {
            pid_t thread = (pid_t)strtol(d->d_name, NULL, 10);
            if (thread <= 0 || count == THREADS_MAX || known(threads, count, thread))
                continue;
            if (trace(PTRACE_SEIZE, thread, 0, OPTIONS)) {
                if (errno == ESRCH)
                    continue;
                bench_fail("calls: may not trace a program here");
            }
            trace(PTRACE_INTERRUPT, thread, 0, 0);
            threads[count++] = thread;
        }
        if (tasks)
            closedir(tasks);
    } while (count > before);
    return count;
}

/* One stop of one thread; whether it was the begin of a system call. */
static bool resume(pid_t thread, int status, int request)
{
    struct __ptrace_syscall_info info;
    int number = WSTOPSIG(status), deliver = 0;
    bool call = false;

    if (number == (SIGTRAP | 0x80))
        call = trace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, (uintptr_t)&info) > 0 &&
               info.op == PTRACE_SYSCALL_INFO_ENTRY;
    else if (status >> 16 == 0)
        deliver = number; /* a signal; otherwise an event of the tracing itself */
    trace(request, thread, 0, (uintptr_t)deliver);
    return call;
}

static uint64_t count_for(uint64_t us)
{
    /* Again and again: the first signal may come just before waitpid(). */
    struct itimerval window = {{0, 10000}, {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)}};
    struct itimerval off = {{0, 0}, {0, 0}};
    uint64_t calls = 0;

    window_is_over = 0;
    setitimer(ITIMER_REAL, &window, NULL);
    while (!window_is_over) {
        int status;
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0 && errno != EINTR)
            bench_fail("calls: the program is gone");
        if (thread > 0 && WIFSTOPPED(status))
            calls += resume(thread, status, PTRACE_SYSCALL);
    }
    setitimer(ITIMER_REAL, &off, NULL);
    return calls;
}

static void finish(pid_t program)
{
    int status;
    pid_t thread;

    for (;;) {
        thread = waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == EINTR)
            continue;
        if (thread < 0)
            bench_fail("calls: the program is gone");
        if (WIFSTOPPED(status))
            resume(thread, status, PTRACE_CONT);
        else if (thread == program && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
            bench_fail("calls: the program failed");
        else if (thread == program)
            return;
    }
}

int main(int argc, char **argv)
{
    if (argc < 3 || strncmp(argv[1], "seconds=", 8) != 0)
        bench_fail("usage: calls seconds=N PROGRAM ARGUMENT...");
    long seconds = strtol(argv[1] + 8, NULL, 10);
    struct sigaction action = {.sa_handler = end_window}; /* no SA_RESTART: ends waitpid */
    int input;

    if (seconds < 1)
        bench_fail("calls: at least a second");
    sigaction(SIGALRM, &action, NULL);
    pid_t program = start(argv + 2, &input);
    int threads = attach(program);
    count_for(300000);
    uint64_t calls = count_for((uint64_t)seconds * 1000000);
    close(input);
    finish(program);
    printf("INFO threads=%d calls=%llu\n", threads, (unsigned long long)calls);
    bench_result((double)calls / (double)seconds);
    return 0;
}
