/* SPDX-License-Identifier: MIT */
/*
 * os_process.c - os_process.h on Linux. errno is the caller's, as in channels/os.c.
 *
 * The process is made by posix_spawn(): a fork of a program that has threads could not do anything
 * before exec, and would copy its page tables. What it executes is /proc/self/exe: this program,
 * also if another one has its name by now.
 */
#define _GNU_SOURCE
#include "os_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os.h"
#include "wire.h"

extern char **environ;

/* ---- to start it ------------------------------------------------------------------------- */

static int error_of(int e)
{
    return e == EMFILE || e == ENFILE                                  ? WEIR_EMFILE
           : e == ENOMEM || e == EAGAIN || e == ENOBUFS || e == ENOSPC ? WEIR_ENOMEM
                                                                       : WEIR_ECRASHED;
}

struct environment {
    size_t bytes;
    char **strings;
    char mark[64];
};

static int environment_make(struct environment *v, int socket)
{
    size_t n = 0, kept = 1;
    struct stat s;
    if (fstat(socket, &s) < 0)
        return error_of(errno);
    snprintf(v->mark, sizeof v->mark, WIRE_VARIABLE "=%d:%llu", (int)getpid(),
             (unsigned long long)s.st_ino);
    while (environ && environ[n])
        n++;
    v->bytes = (n + 2) * sizeof *v->strings;
    v->strings = os_alloc(v->bytes);
    if (!v->strings)
        return WEIR_ENOMEM;
    v->strings[0] = v->mark;
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], WIRE_VARIABLE "=", sizeof WIRE_VARIABLE) != 0)
            v->strings[kept++] = environ[i];
    v->strings[kept] = NULL;
    return 0;
}

static int files_make(posix_spawn_file_actions_t *files, int socket)
{
    int e = posix_spawn_file_actions_adddup2(files, socket, WIRE_SOCKET);
    if (e == 0)
        e = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    if (e == 0)
        e = posix_spawn_file_actions_adddup2(files, STDIN_FILENO, STDOUT_FILENO);
    if (e == 0)
        e = posix_spawn_file_actions_adddup2(files, STDIN_FILENO, STDERR_FILENO);
    if (e == 0)
        e = posix_spawn_file_actions_addclosefrom_np(files, WIRE_SOCKET + 1);
    return e;
}

/* Signals as after exec by a shell, and a group of its own. */
static int attributes_make(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int e = posix_spawnattr_setsigmask(attributes, &none);
    if (e == 0)
        e = posix_spawnattr_setsigdefault(attributes, &all);
    if (e == 0)
        e = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                     POSIX_SPAWN_SETPGROUP);
    return e;
}

static int spawn(const struct environment *v, int socket, char *const *argv, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int e = posix_spawn_file_actions_init(&files);
    if (e != 0)
        return error_of(e);
    e = posix_spawnattr_init(&attributes);
    if (e == 0) {
        e = files_make(&files, socket);
        if (e == 0)
            e = attributes_make(&attributes);
        if (e == 0)
            e = posix_spawn(pid, "/proc/self/exe", &files, &attributes, argv, v->strings);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&files);
    return e == 0 ? 0 : error_of(e);
}

/* What is left of a process whose pidfd cannot be had; nobody has been told of it. */
static void discard(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int start(struct os_process *p, char *const *argv, const int sockets[2])
{
    struct environment v;
    pid_t pid = 0;
    int rc = environment_make(&v, sockets[1]);
    if (rc == 0) {
        rc = spawn(&v, sockets[1], argv, &pid);
        os_free(v.strings, v.bytes);
    }
    if (rc < 0)
        return rc;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        rc = error_of(errno);
        discard(pid);
        return rc;
    }
    *p = (struct os_process){.socket = sockets[0], .pidfd = pidfd, .pid = pid};
    return 0;
}

int os_process_start(struct os_process *p, char *const *argv)
{
    int e = errno, sockets[2], rc;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) {
        rc = error_of(errno);
    } else {
        rc = start(p, argv, sockets);
        close(sockets[1]);
        if (rc < 0)
            close(sockets[0]);
    }
    errno = e;
    return rc;
}

/* ---- to talk with it ----------------------------------------------------------------------- */

static int milliseconds_until(weir_time until)
{
    if (until == WEIR_NEVER)
        return -1;
    weir_time left = until - os_real_now();
    return left <= 0 ? 0 : left / WEIR_MS >= INT_MAX ? INT_MAX : (int)(left / WEIR_MS) + 1;
}

/*
 * Wait until the socket may be read from or written to, or the process has gone. False: none of
 * it, and the time is over. *gone: nothing more will come than is there.
 */
static bool wait_for(const struct os_process *p, short events, weir_time until, bool *gone)
{
    struct pollfd f[2] = {{.fd = p->socket, .events = events}, {.fd = p->pidfd, .events = POLLIN}};
    int n;
    while ((n = poll(f, 2, milliseconds_until(until))) < 0 && errno == EINTR)
        ;
    *gone = f[1].revents != 0;
    return n != 0;
}

/* Move all of it; `step` is sendmsg() or recvmsg(). False: the process has gone, or it is late. */
static bool move(const struct os_process *p, struct iovec *piece, size_t n, bool out,
                 weir_time until)
{
    bool gone = false;
    while (n > 0) {
        struct msghdr m = {.msg_iov = piece, .msg_iovlen = n};
        int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
        ssize_t moved = out ? sendmsg(p->socket, &m, flags) : recvmsg(p->socket, &m, flags);
        if (moved == 0 || (moved < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (moved < 0) {
            if (gone || !wait_for(p, out ? POLLOUT : POLLIN, until, &gone))
                return false;
            continue;
        }
        size_t left = (size_t)moved;
        for (; n > 0 && left >= piece->iov_len; piece++, n--)
            left -= piece->iov_len;
        if (n > 0) {
            piece->iov_base = (char *)piece->iov_base + left;
            piece->iov_len -= left;
        }
    }
    return true;
}

static bool receive(const struct os_process *p, void *to, size_t size, weir_time until)
{
    struct iovec piece = {to, size};
    return size == 0 || move(p, &piece, 1, false, until);
}

bool os_process_await(struct os_process *p, weir_time until)
{
    struct wire w = {0};
    int e = errno;
    bool up = receive(p, &w, sizeof w, until) && w.magic == WIRE_READY;
    errno = e;
    return up;
}

bool os_process_waits(const struct os_process *p)
{
    int e = errno;
    bool gone, something = wait_for(p, POLLIN, 0, &gone);
    errno = e;
    return !something;
}

static bool ask(struct os_process *p, const struct os_request *r)
{
    struct wire w = {.magic = WIRE_REQUEST,
                     .size = r->size,
                     .room = r->room,
                     .number = ++p->number,
                     .name = (uint32_t)strlen(r->name)};
    struct iovec piece[3] = {{&w, sizeof w},
                             {(char *)(uintptr_t)r->name, w.name},
                             {(char *)(uintptr_t)r->request, r->size}};
    return move(p, piece, r->size > 0 ? 3 : 2, true, WEIR_NEVER);
}

static bool makes_sense(const struct wire *w, const struct os_process *p,
                        const struct os_request *r)
{
    if (w->magic != WIRE_REPLY || w->number != p->number)
        return false;
    return w->rc < 0 ? w->size == 0 : w->size == (uint64_t)w->rc && w->size <= r->room;
}

static enum os_answer answer(struct os_process *p, const struct os_request *r, int *rc)
{
    struct wire w = {0};
    if (!ask(p, r) || !receive(p, &w, sizeof w, WEIR_NEVER))
        return OS_GONE;
    if (!makes_sense(&w, p, r))
        return OS_NONSENSE;
    if (!receive(p, r->reply, w.size, WEIR_NEVER))
        return OS_GONE;
    *rc = w.rc;
    return OS_ANSWERED;
}

enum os_answer os_process_ask(struct os_process *p, const struct os_request *r, int *rc)
{
    int e = errno;
    enum os_answer a = answer(p, r, rc);
    errno = e;
    return a;
}

/* ---- to end it ------------------------------------------------------------------------------- */

void os_process_kill(const struct os_process *p)
{
    int e = errno;
    syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
    errno = e;
}

static void await_gone(const struct os_process *p, weir_time until)
{
    struct pollfd f = {.fd = p->pidfd, .events = POLLIN};
    while (poll(&f, 1, milliseconds_until(until)) < 0 && errno == EINTR)
        ;
    if (f.revents == 0)
        os_process_kill(p);
}

struct os_process_end os_process_end(struct os_process *p, weir_time until)
{
    enum { BY_PIDFD = 3 }; /* P_PIDFD, which older headers lack */
    struct os_process_end end = {.pid = p->pid};
    siginfo_t info = {0};
    int e = errno, rc;
    shutdown(p->socket, SHUT_RDWR);
    await_gone(p, until);
    while ((rc = waitid((idtype_t)BY_PIDFD, (id_t)p->pidfd, &info, WEXITED)) < 0 && errno == EINTR)
        ;
    if (rc == 0) {
        end.code = info.si_code == CLD_EXITED ? OS_PROCESS_EXITED : OS_PROCESS_SIGNALED;
        end.status = info.si_status;
    }
    close(p->socket);
    close(p->pidfd);
    errno = e;
    return end;
}
