/* SPDX-License-Identifier: MIT */
/* os_handover.c - see weir/handover.h: the service manager's protocols. */
#define _GNU_SOURCE
#include <weir/handover.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/actor.h>

#include "listener.h"

enum { FIRST_FD = 3 }; /* SD_LISTEN_FDS_START */

extern char **environ;

/* ---- from who started us ------------------------------------------------------------------- */

/* A number that is all of the variable; -1: there is none. */
static long number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (!text || *text < '0' || *text > '9')
        return -1;
    errno = 0;
    long v = strtol(text, &end, 10);
    return errno || *end ? -1 : v;
}

static int adopt_all(weir_listener *out, int n)
{
    for (int i = 0; i < n; i++) {
        int fd = FIRST_FD + i;
        out[i] = weir_listener_adopt(&fd, 1);
        int rc = weir_check(out[i]);
        if (rc < 0) {
            while (i-- > 0)
                weir_close(out[i]);
            return rc;
        }
    }
    return n;
}

static int option(int fd, int name)
{
    int value = 0;
    socklen_t size = sizeof value;
    return os_net_of(fd)->getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -1 : value;
}

/* Before anything is taken: is each a stream socket that listens? */
static bool all_listen(int n)
{
    for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++)
        if (option(fd, SO_ACCEPTCONN) <= 0 || option(fd, SO_TYPE) != SOCK_STREAM)
            return false;
    return true;
}

int weir_listeners_from_environment(weir_listener *out, unsigned n)
{
    static a32 taken;
    if (!getenv("LISTEN_FDS") || number_of("LISTEN_PID") != getpid() || a32_load(&taken))
        return 0;
    long count = number_of("LISTEN_FDS");
    if (count < 0 || count > (long)n || (count > 0 && !out) || !all_listen((int)count))
        return WEIR_EINVAL;
    return count == 0 || a32_xchg(&taken, 1) ? 0 : adopt_all(out, (int)count);
}

/* ---- telling ------------------------------------------------------------------------------- */

/* A manager that is busy has a second: it takes few at a time. */
static int send_to(const struct net *net, int fd, const struct sockaddr_un *to, socklen_t size,
                   const char *state)
{
    weir_time end = weir_after(WEIR_S);
    ssize_t n;
    int rc;
    do
        rc = net->connect(fd, (const struct sockaddr *)to, size);
    while (rc == -EINTR);
    if (rc < 0)
        return rc;
    while ((n = net->send(fd, state, strlen(state), 0)) == -EINTR ||
           (n == -EAGAIN && weir_now() < end))
        if (n == -EAGAIN && (rc = weir_sleep(WEIR_MS)) < 0)
            return rc;
    return n < 0 ? (int)n : 1;
}

int weir_notify(const char *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *name = getenv("NOTIFY_SOCKET");
    if (!state || !*state)
        return WEIR_EINVAL;
    if (!name || !*name)
        return 0;
    size_t size = strlen(name);
    if ((*name != '/' && *name != '@') || size >= sizeof to.sun_path)
        return WEIR_EINVAL;
    memcpy(to.sun_path, name, size);
    if (*name == '@')
        to.sun_path[0] = '\0';
    const struct net *net = os_net_of(-1); /* also of a simulated run: the manager is not in it */
    int fd = net->socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0)
        return fd;
    socklen_t whole = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    int rc = send_to(net, fd, &to, whole, state);
    net->close(fd);
    return rc;
}

/* ---- to our successor ---------------------------------------------------------------------- */

/* What the child needs, all of it made before fork(2): afterwards only system calls are allowed. */
struct successor {
    char *const *argv;
    char **env;
    size_t env_size;
    char pid[32]; /* "LISTEN_PID=" and room for the number */
    char fds[32];
    int sockets[WEIR_HAND_OVER_MAX];
    int n;
    int errors; /* the end of a pipe, closed by a successful exec */
};

static bool is_ours(const char *variable)
{
    return strncmp(variable, "LISTEN_PID=", 11) == 0 || strncmp(variable, "LISTEN_FDS=", 11) == 0 ||
           strncmp(variable, "LISTEN_FDNAMES=", 15) == 0;
}

static int make_environment(struct successor *s)
{
    size_t n = 0, k = 0;
    while (environ && environ[n])
        n++;
    s->env_size = (n + 3) * sizeof *s->env;
    if (!(s->env = os_alloc(s->env_size)))
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (!is_ours(environ[i]))
            s->env[k++] = environ[i];
    snprintf(s->pid, sizeof s->pid, "LISTEN_PID=");
    snprintf(s->fds, sizeof s->fds, "LISTEN_FDS=%d", s->n);
    s->env[k++] = s->pid;
    s->env[k++] = s->fds;
    s->env[k] = NULL;
    return 0;
}

static int collect(struct successor *s, const weir_listener *l, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        int fd, rc;
        for (unsigned k = 0; (rc = weir_listener_get(l[i], k, WEIR_SOCKET_FD, &fd)) == 0; k++) {
            if (s->n == WEIR_HAND_OVER_MAX)
                return WEIR_EINVAL;
            s->sockets[s->n++] = fd;
        }
        if (rc != WEIR_ENOENT)
            return rc;
    }
    return 0;
}

/* In the child: decimal digits, behind the text. */
static void append_number(char *text, long v)
{
    char digits[24];
    size_t at = strlen(text), n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    while (n > 0)
        text[at++] = digits[--n];
    text[at] = '\0';
}

/* In the child: out of the way, then to their places. */
static int place_all(struct successor *s)
{
    int end = FIRST_FD + s->n;
    if ((s->errors = fcntl(s->errors, F_DUPFD_CLOEXEC, end)) < 0)
        return -1;
    for (int i = 0; i < s->n; i++)
        if ((s->sockets[i] = fcntl(s->sockets[i], F_DUPFD_CLOEXEC, end)) < 0)
            return -1;
    for (int i = 0; i < s->n; i++)
        if (dup2(s->sockets[i], FIRST_FD + i) < 0)
            return -1;
    return 0;
}

static void become(struct successor *s)
{
    sigset_t none;
    int errors = s->errors, error;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    append_number(s->pid, getpid());
    if (place_all(s) == 0)
        execvpe(s->argv[0], s->argv, s->env);
    error = errno;
    if (write(s->errors < 0 ? errors : s->errors, &error, sizeof error) < 0)
        _exit(126);
    _exit(127);
}

static pid_t start(struct successor *s)
{
    int ends[2], error = 0;
    sigset_t all, before;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    s->errors = ends[1];
    sigfillset(&all); /* no handler of ours runs in the child */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become(s);
    int rc = pid < 0 ? -errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    ssize_t n = 0;
    if (pid > 0)
        do
            n = read(ends[0], &error, sizeof error);
        while (n < 0 && errno == EINTR);
    close(ends[0]);
    if (n == (ssize_t)sizeof error) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        rc = -error;
    }
    return rc < 0 ? rc : pid;
}

pid_t weir_hand_over(const weir_listener *l, unsigned n, char *const *argv)
{
    struct successor s = {.argv = argv, .n = 0};
    if (!argv || !argv[0] || (n > 0 && !l))
        return WEIR_EINVAL;
    int rc = collect(&s, l, n);
    if (rc == 0)
        rc = make_environment(&s);
    pid_t pid = rc < 0 ? rc : start(&s);
    if (s.env)
        os_free(s.env, s.env_size);
    for (unsigned i = 0; i < n && pid > 0; i++)
        weir__listener_shared(l[i]); /* its paths stay when we close it */
    return pid;
}
