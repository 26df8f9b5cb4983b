/* SPDX-License-Identifier: MIT */
/* faults.c - see faults.h. */
#define _GNU_SOURCE
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "simulate.h"

#define KERNEL (&os_net_kernel)

/* ---- what is to go wrong ------------------------------------------------------------------- */

struct injection {
    atomic_uint calls, from, times;
    atomic_int error;
};

static struct injection injections[FAULT_CALLS];
static atomic_int the_mode;
static enum fault_mode program_mode;
static const struct {
    const char *name;
    enum fault_mode mode;
} modes[] = {{"none", FAULTS_NONE},     {"one-byte", FAULTS_ONE_BYTE}, {"eintr", FAULTS_EINTR},
             {"eagain", FAULTS_EAGAIN}, {"signals", FAULTS_SIGNALS},   {"all", FAULTS_ALL}};
enum { MODES = sizeof modes / sizeof modes[0] };

static bool set_aside; /* by a test, until it says faults_as_before() */
static atomic_ulong done;
static atomic_long open_now;
static atomic_ulong turn;

static bool chance(unsigned of, unsigned n)
{
    uint64_t x = (atomic_fetch_add(&turn, 1) + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
    return (x >> 33) % n < of;
}

static bool mode_is(enum fault_mode mode)
{
    return atomic_load(&the_mode) & (int)mode;
}

static int spoilt(int rc)
{
    atomic_fetch_add(&done, 1);
    return rc;
}

/* True: this call is to fail, *rc says how. */
static bool injected(enum fault_call call, int *rc)
{
    struct injection *i = &injections[call];
    unsigned n = atomic_fetch_add(&i->calls, 1) + 1, from = atomic_load(&i->from);
    if (n < from || n - from >= atomic_load(&i->times))
        return false;
    *rc = spoilt(-atomic_load(&i->error));
    return true;
}

static bool interrupted(void)
{
    return mode_is(FAULTS_EINTR) && chance(2, 3) && spoilt(1);
}

/* ---- a spurious EAGAIN: the event of it ---------------------------------------------------- */

enum { WATCHED = 1 << 16 };

/* Where a descriptor is watched. It is written before anybody can wait for it. */
static struct {
    atomic_int set; /* and one */
    _Atomic uint64_t data;
    atomic_uint events;
} watched[WATCHED];

/* Edges are told again for a descriptor that is modified: what is true of it now. */
static void make_event(int fd)
{
    int set = fd < WATCHED ? atomic_load(&watched[fd].set) - 1 : -1;
    if (set < 0)
        return;
    struct epoll_event e = {.events = atomic_load(&watched[fd].events) | EPOLLRDHUP | EPOLLET,
                            .data.u64 = atomic_load(&watched[fd].data)};
    epoll_ctl(set, EPOLL_CTL_MOD, fd, &e);
}

/* The event of an EAGAIN comes as well. */
static bool injected_at(int fd, enum fault_call call, int *rc)
{
    bool fails = injected(call, rc);
    if (fails && *rc == -EAGAIN)
        make_event(fd);
    return fails;
}

static bool has_to_wait(int fd)
{
    if (!mode_is(FAULTS_EAGAIN) || !chance(1, 2))
        return false;
    make_event(fd);
    return spoilt(1);
}

/* ---- the calls ------------------------------------------------------------------------------- */

static int opened(int fd)
{
    if (fd >= 0)
        atomic_fetch_add(&open_now, 1);
    return fd;
}

static int f_socket(int family, int type, int protocol)
{
    int rc;
    return injected(CALL_SOCKET, &rc) ? rc : opened(KERNEL->socket(family, type, protocol));
}

static int f_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    int rc;
    return injected(CALL_BIND, &rc) ? rc : KERNEL->bind(fd, address, size);
}

static int f_listen(int fd, int backlog)
{
    int rc;
    return injected(CALL_LISTEN, &rc) ? rc : KERNEL->listen(fd, backlog);
}

static int f_accept(int fd)
{
    int rc;
    if (injected_at(fd, CALL_ACCEPT, &rc))
        return rc;
    if (interrupted())
        return -EINTR;
    return has_to_wait(fd) ? -EAGAIN : opened(KERNEL->accept(fd));
}

/* Of TCP it goes on all the same; of UNIX sockets nothing has happened. */
static int f_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    int rc;
    if (injected(CALL_CONNECT, &rc))
        return rc;
    if (!interrupted())
        return KERNEL->connect(fd, address, size);
    if (address->sa_family != AF_UNIX && (rc = KERNEL->connect(fd, address, size)) < 0 &&
        rc != -EINPROGRESS)
        return rc;
    return -EINTR;
}

/* Datagrams go whole. */
static bool is_stream(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;
    return KERNEL->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* As much as may be moved; 0: the call fails. */
static size_t allowed(enum fault_call call, int fd, size_t size, int *rc)
{
    if (injected_at(fd, call, rc))
        return 0;
    *rc = interrupted() ? -EINTR : has_to_wait(fd) ? -EAGAIN : 0;
    if (*rc < 0)
        return 0;
    return mode_is(FAULTS_ONE_BYTE) && size > 1 && is_stream(fd) && spoilt(1) ? 1 : size;
}

static ssize_t f_recv(int fd, void *to, size_t size, int flags)
{
    int rc;
    size_t most = allowed(CALL_RECV, fd, size, &rc);
    return most ? KERNEL->recv(fd, to, most, flags) : rc;
}

static ssize_t f_send(int fd, const void *from, size_t size, int flags)
{
    int rc;
    size_t most = allowed(CALL_SEND, fd, size, &rc);
    return most ? KERNEL->send(fd, from, most, flags) : rc;
}

static size_t bytes_of(const struct msghdr *m)
{
    size_t size = 0;
    for (size_t i = 0; i < (size_t)m->msg_iovlen; i++)
        size += m->msg_iov[i].iov_len;
    return size;
}

/* The first byte that it has; false: the message may be moved as it is. */
static bool cut_short(const struct msghdr *m, size_t most, struct iovec *one)
{
    if (most >= bytes_of(m))
        return false;
    const struct iovec *v = m->msg_iov;
    while (v->iov_len == 0)
        v++;
    *one = (struct iovec){v->iov_base, most};
    return true;
}

static ssize_t f_recvmsg(int fd, struct msghdr *m, int flags)
{
    int rc;
    struct iovec one;
    struct msghdr copy = *m;
    size_t size = bytes_of(m), most = allowed(CALL_RECVMSG, fd, size ? size : 1, &rc);
    if (most == 0)
        return rc;
    if (!cut_short(m, most, &one))
        return KERNEL->recvmsg(fd, m, flags);
    copy.msg_iov = &one;
    copy.msg_iovlen = 1;
    ssize_t n = KERNEL->recvmsg(fd, &copy, flags);
    m->msg_flags = copy.msg_flags;
    m->msg_controllen = copy.msg_controllen;
    m->msg_namelen = copy.msg_namelen;
    return n;
}

static ssize_t f_sendmsg(int fd, const struct msghdr *m, int flags)
{
    int rc;
    struct iovec one;
    struct msghdr copy = *m;
    size_t size = bytes_of(m), most = allowed(CALL_SENDMSG, fd, size ? size : 1, &rc);
    if (most == 0)
        return rc;
    if (!cut_short(m, most, &one))
        return KERNEL->sendmsg(fd, m, flags);
    copy.msg_iov = &one;
    copy.msg_iovlen = 1;
    return KERNEL->sendmsg(fd, &copy, flags);
}

static int f_shutdown(int fd, int how)
{
    int rc;
    return injected(CALL_SHUTDOWN, &rc) ? rc : KERNEL->shutdown(fd, how);
}

/* Linux closes it in any case. */
static int f_close(int fd)
{
    int rc = 0;
    bool fails = injected(CALL_CLOSE, &rc);
    if (fd < WATCHED)
        atomic_store(&watched[fd].set, 0);
    int closed = KERNEL->close(fd);
    if (closed == 0)
        atomic_fetch_sub(&open_now, 1);
    return fails ? rc : closed == 0 && interrupted() ? -EINTR : closed;
}

static int f_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    int rc;
    return injected(CALL_SETSOCKOPT, &rc) ? rc : KERNEL->setsockopt(fd, level, name, value, size);
}

static int f_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    int rc;
    if (level != SOL_SOCKET || name != SO_ERROR || !injected(CALL_GETSOCKOPT, &rc))
        return KERNEL->getsockopt(fd, level, name, value, size);
    *(int *)value = -rc;
    return 0;
}

static int f_name(int fd, bool peer, struct sockaddr *address, socklen_t *size)
{
    int rc;
    return injected(CALL_NAME, &rc) ? rc : KERNEL->name(fd, peer, address, size);
}

static int f_nonblocking(int fd)
{
    int rc;
    return injected(CALL_NONBLOCKING, &rc) ? rc : KERNEL->nonblocking(fd);
}

static int f_pair(int fds[2])
{
    int rc;
    if (injected(CALL_PAIR, &rc))
        return rc;
    rc = KERNEL->pair(fds);
    atomic_fetch_add(&open_now, rc == 0 ? 2 : 0);
    return rc;
}

static int f_dup(int fd)
{
    int rc;
    return injected(CALL_DUP, &rc) ? rc : opened(KERNEL->dup(fd));
}

static int f_ready(int fd, bool out)
{
    int rc;
    if (injected(CALL_READY, &rc))
        return rc;
    if (interrupted())
        return -EINTR;
    bool waits = fd < WATCHED && atomic_load(&watched[fd].set); /* files never do */
    return waits && has_to_wait(fd) ? 0 : KERNEL->ready(fd, out);
}

/* Its open(2) may be, on file systems that others serve. */
static int f_path_lock(const char *path)
{
    int rc;
    if (injected(CALL_PATH_LOCK, &rc))
        return rc;
    return interrupted() ? -EINTR : opened(KERNEL->path_lock(path));
}

static int f_poll_open(int *wake)
{
    int rc;
    return injected(CALL_POLL_OPEN, &rc) ? rc : KERNEL->poll_open(wake);
}

static void note_watched(int set, int fd, uint64_t data, uint32_t events)
{
    if (fd >= WATCHED)
        return;
    atomic_store(&watched[fd].data, data);
    atomic_store(&watched[fd].events, events);
    atomic_store(&watched[fd].set, set + 1);
}

static void forget_watched(int fd)
{
    if (fd < WATCHED)
        atomic_store(&watched[fd].set, 0);
}

static int f_poll_add(int set, int fd, uint64_t data, bool sends)
{
    int rc;
    if (injected(CALL_POLL_ADD, &rc))
        return rc;
    note_watched(set, fd, data, sends ? EPOLLIN | EPOLLOUT : EPOLLIN);
    rc = KERNEL->poll_add(set, fd, data, sends);
    if (rc < 0)
        forget_watched(fd);
    return rc;
}

static int f_poll_sends(int set, int fd, uint64_t data)
{
    int rc;
    if (injected(CALL_POLL_ADD, &rc))
        return rc;
    note_watched(set, fd, data, EPOLLIN | EPOLLOUT);
    rc = KERNEL->poll_sends(set, fd, data);
    if (rc < 0)
        note_watched(set, fd, data, EPOLLIN);
    return rc;
}

static int f_poll_remove(int set, int fd)
{
    forget_watched(fd);
    return KERNEL->poll_remove(set, fd);
}

/* One that is interrupted for nothing is called again at once, so this one may well be. */
static int f_poll_wait(int set, struct net_event *events, int n, weir_time until)
{
    int rc;
    if (injected(CALL_POLL_WAIT, &rc))
        return rc;
    return interrupted() ? -EINTR : KERNEL->poll_wait(set, events, n, until);
}

static void f_poll_wake(int set, int wake)
{
    KERNEL->poll_wake(set, wake);
}

static void f_poll_close(int set, int wake)
{
    KERNEL->poll_close(set, wake);
}

/* What is not here is the kernel's. */
static struct net table;

static void make_table(void)
{
    table = os_net_kernel;
    table.socket = f_socket;
    table.bind = f_bind;
    table.listen = f_listen;
    table.accept = f_accept;
    table.connect = f_connect;
    table.recv = f_recv;
    table.send = f_send;
    table.recvmsg = f_recvmsg;
    table.sendmsg = f_sendmsg;
    table.shutdown = f_shutdown;
    table.close = f_close;
    table.setsockopt = f_setsockopt;
    table.getsockopt = f_getsockopt;
    table.name = f_name;
    table.nonblocking = f_nonblocking;
    table.pair = f_pair;
    table.dup = f_dup;
    table.ready = f_ready;
    table.path_lock = f_path_lock;
    table.poll_open = f_poll_open;
    table.poll_add = f_poll_add;
    table.poll_sends = f_poll_sends;
    table.poll_remove = f_poll_remove;
    table.poll_wait = f_poll_wait;
    table.poll_wake = f_poll_wake;
    table.poll_close = f_poll_close;
    table.short_is_empty = false;
}

/* ---- orders ---------------------------------------------------------------------------------- */

void faults_install(void)
{
    os_net_set(&table);
}

void faults_only_injected(void)
{
    set_aside = true;
    faults_mode(FAULTS_NONE);
    faults_clear();
}

void faults_own_table(const struct net *net)
{
    set_aside = true;
    os_net_set(net);
}

void faults_not(enum fault_mode mode, const char *why)
{
    if (!(program_mode & mode))
        return;
    printf("(as without a fault: %s) ", why);
    set_aside = true;
    faults_mode(program_mode & ~mode);
}

void faults_as_before(void)
{
    set_aside = false;
    faults_clear();
    faults_mode(program_mode);
    if (program_mode == FAULTS_NONE)
        os_net_set(NULL);
}

enum fault_mode faults_of_program(void)
{
    return program_mode;
}

const char *faults_name(void)
{
    size_t i = 0;
    while (modes[i].mode != program_mode)
        i++;
    return modes[i].name;
}

void faults_mode(enum fault_mode mode)
{
    faults_install();
    atomic_store(&the_mode, (int)mode);
}

bool faults_make_slow(void)
{
    return mode_is(FAULTS_ONE_BYTE);
}

bool faults_make_late(void)
{
    return mode_is(FAULTS_EAGAIN);
}

void faults_inject(enum fault_call call, unsigned n, unsigned times, int error)
{
    struct injection *i = &injections[call];
    atomic_store(&i->times, 0);
    atomic_store(&i->error, error);
    atomic_store(&i->from, n);
    atomic_store(&i->calls, 0);
    atomic_store(&i->times, times);
}

void faults_clear(void)
{
    for (int i = 0; i < FAULT_CALLS; i++)
        faults_inject((enum fault_call)i, 1, 0, 0);
}

unsigned faults_calls(enum fault_call call)
{
    return atomic_load(&injections[call].calls);
}

unsigned long faults_done(void)
{
    return atomic_load(&done);
}

long faults_open(void)
{
    return atomic_load(&open_now);
}

/* ---- a storm of signals -------------------------------------------------------------------- */

static void hit(int number)
{
    (void)number;
    atomic_fetch_add(&done, 1);
}

/* All threads of the process but this one. */
static void signal_all(DIR *tasks, int number)
{
    const struct dirent *one;
    pid_t pid = getpid(), me = (pid_t)syscall(SYS_gettid);
    rewinddir(tasks);
    while ((one = readdir(tasks))) {
        pid_t task = (pid_t)strtol(one->d_name, NULL, 10);
        if (task > 0 && task != me)
            syscall(SYS_tgkill, pid, task, number);
    }
}

static void *storm(void *tasks)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (;;) {
        signal_all(tasks, SIGURG);
        nanosleep(&(struct timespec){0, 200000}, NULL);
    }
    return NULL;
}

static unsigned storms;

static void begin_storm(void)
{
    pthread_t thread;
    struct sigaction action = {.sa_handler = hit};
    DIR *tasks = opendir("/proc/self/task"); /* open from now on: tests count descriptors */
    sigaction(SIGURG, &action, NULL);
    storms = tasks && pthread_create(&thread, NULL, storm, tasks) == 0;
    if (storms)
        pthread_detach(thread);
    a32_add(&weir__bystanders, storms); /* from it a simulated run has nothing to expect */
}

unsigned faults_threads(void)
{
    return storms;
}

/* ---- the mode of the program --------------------------------------------------------------- */

__attribute__((constructor)) static void begin(void)
{
    const char *told = getenv("WEIR_NET_FAULTS");
    make_table();
    for (size_t i = 0; told && i < MODES; i++)
        if (strcmp(told, modes[i].name) == 0)
            program_mode = modes[i].mode;
    if (program_mode == FAULTS_SIGNALS)
        begin_storm();
    if (program_mode != FAULTS_NONE)
        faults_mode(program_mode);
}

/* Else all tests after it would have run without. */
__attribute__((destructor)) static void end(void)
{
    if (!set_aside)
        return;
    fputs("faults: a test has not said faults_as_before()\n", stderr);
    abort();
}
