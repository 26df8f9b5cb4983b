/* SPDX-License-Identifier: MIT */
/*
 * child.h - a piece of a test in a process of its own, for what ends a process or changes
 * it for good: faults, limits, system calls that fail.
 */
#ifndef WEIR_TESTS_CHILD_H
#define WEIR_TESTS_CHILD_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

struct child_end {
    int status;      /* of exit(); -1: a signal */
    int signal;      /* 0: exit() */
    char said[1024]; /* on standard error, the beginning */
};

/* Exit status of a child that could not set up what it was to test. */
enum { CHILD_SKIPS = 77 };

/* A process that does not exit by exit() keeps its coverage only if it says so. */
#if defined(WEIR_COVERAGE)
void __gcov_dump(void);
#define child_keeps_coverage() __gcov_dump()
#else
#define child_keeps_coverage() ((void)0)
#endif

/* In a child, the exit status tells which line failed, and standard error how. */
#define CHECK(condition)                                                                           \
    do                                                                                             \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                \
            return 1 + (__LINE__ & 63);                                                            \
        }                                                                                          \
    while (0)

#define CHECK_RC(call, expected)                                                                   \
    do {                                                                                           \
        const int rc_ = (int)(call);                                                               \
        if (rc_ != (expected)) {                                                                   \
            fprintf(stderr, "line %d: %s is %s\n", __LINE__, #call, weir_error_name(rc_));         \
            return 1 + (__LINE__ & 63);                                                            \
        }                                                                                          \
    } while (0)

/* Of a child, when it has ended; -1: there is none. */
static inline int status_of(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* Run `run`, whose result is the exit status. */
static inline struct child_end child_run(int (*run)(void))
{
    struct child_end end = {.status = -1};
    const struct rlimit no_core = {0, 0};
    const size_t room = sizeof end.said - 1;
    char rest[256];
    int pipe_ends[2], status;
    size_t n = 0;
    ssize_t got;

    fflush(NULL);
    REQUIRE(pipe(pipe_ends) == 0);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        dup2(pipe_ends[1], STDERR_FILENO);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        status = run();
        child_keeps_coverage();
        _exit(status);
    }
    close(pipe_ends[1]);
    /* What is more than enough is read, too: a writer must not be killed for it. */
    while ((got = read(pipe_ends[0], n < room ? end.said + n : rest,
                       n < room ? room - n : sizeof rest)) > 0 ||
           (got < 0 && errno == EINTR))
        n += got > 0 && n < room ? (size_t)got : 0;
    close(pipe_ends[0]);
    status = status_of(pid);
    if (WIFEXITED(status))
        end.status = WEXITSTATUS(status);
    else
        end.signal = WTERMSIG(status);
    return end;
}

/* Expect that `run` succeeds, and show what it said if not. */
#define EXPECT_CHILD(run) expect_child(TEST_HERE, #run, (run))

static inline void expect_child(test_place place, const char *what, int (*run)(void))
{
    struct child_end end = child_run(run);
    if (!test_equal(place, what, TEST_INTEGER(end.status), TEST_INTEGER(0), false))
        printf("\n    ... signal %d, said: %s", end.signal, end.said);
}

/* ---- system calls that fail --------------------------------------------------------- */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS_SKIP(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (n))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define FILTER(program) child_filter((program), sizeof(program) / sizeof *(program))

static inline bool child_filter(struct sock_filter *program, size_t n)
{
    const struct sock_fprog filter = {(unsigned short)n, program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/*
 * From now on, in this process: madvise(MADV_GUARD_INSTALL) is EINVAL, as before Linux
 * 6.13, and, if asked, mprotect(PROT_NONE) is ENOMEM, as when there are no mappings left.
 * False where the kernel, or an emulator, has no seccomp.
 */
static inline bool child_refuse_guards(bool protect_too)
{
    enum { GUARD_INSTALL = 102 };
    const uint32_t mprotect_rc = protect_too ? SECCOMP_RET_ERRNO | ENOMEM : SECCOMP_RET_ALLOW;
    struct sock_filter program[] = {
        LOAD(nr),
        UNLESS_SKIP(SYS_madvise, 3),
        LOAD(args[2]),
        UNLESS_SKIP(GUARD_INSTALL, 5),
        RETURN(SECCOMP_RET_ERRNO | EINVAL),
        UNLESS_SKIP(SYS_mprotect, 3),
        LOAD(args[2]),
        UNLESS_SKIP(PROT_NONE, 1),
        RETURN(mprotect_rc),
        RETURN(SECCOMP_RET_ALLOW),
    };
    return FILTER(program);
}

/* From now on, also in the programs that this process becomes: membarrier() is EPERM. */
static inline bool child_refuse_membarrier(void)
{
    struct sock_filter program[] = {
        LOAD(nr),
        UNLESS_SKIP(SYS_membarrier, 1),
        RETURN(SECCOMP_RET_ERRNO | EPERM),
        RETURN(SECCOMP_RET_ALLOW),
    };
    return FILTER(program);
}

#endif
