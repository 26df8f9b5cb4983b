/* SPDX-License-Identifier: MIT */
/* os_net.c - see os_net.h: the kernel's. */
#define _GNU_SOURCE
#include "os_net.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "atomic.h"
#include "simnet.h"

/*
 * In the C library's functions of these names pthread_cancel(3) ends a thread, and the lock that it
 * holds, a channel's, would be held for ever. A sanitizer has to see what they do to memory.
 */
#if defined(WEIR_ASAN) || defined(WEIR_TSAN)
#define KERNEL(name, ...) name(__VA_ARGS__)
#else
#define KERNEL(name, ...) syscall(SYS_##name, __VA_ARGS__)
#endif

static int result(int rc)
{
    return rc < 0 ? -errno : rc;
}

static int net_socket(int family, int type, int protocol)
{
    return result(socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
}

static int net_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    return result(bind(fd, address, size));
}

static int net_listen(int fd, int backlog)
{
    return result(listen(fd, backlog));
}

static int net_accept(int fd)
{
    return result((int)KERNEL(accept4, fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

static int net_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    return result((int)KERNEL(connect, fd, address, size));
}

static ssize_t net_recv(int fd, void *to, size_t size, int flags)
{
    ssize_t n = KERNEL(recvfrom, fd, to, size, flags, NULL, NULL);
    return n < 0 ? -errno : n;
}

static ssize_t net_send(int fd, const void *from, size_t size, int flags)
{
    ssize_t n = KERNEL(sendto, fd, from, size, flags | MSG_NOSIGNAL, NULL, 0);
    return n < 0 ? -errno : n;
}

static ssize_t net_recvmsg(int fd, struct msghdr *m, int flags)
{
    ssize_t n = KERNEL(recvmsg, fd, m, flags | MSG_CMSG_CLOEXEC);
    return n < 0 ? -errno : n;
}

static ssize_t net_sendmsg(int fd, const struct msghdr *m, int flags)
{
    ssize_t n = KERNEL(sendmsg, fd, m, flags | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

static int net_shutdown(int fd, int how)
{
    return result(shutdown(fd, how));
}

static int net_close(int fd)
{
    return result((int)KERNEL(close, fd));
}

static int net_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    return result(setsockopt(fd, level, name, value, size));
}

static int net_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    return result(getsockopt(fd, level, name, value, size));
}

static int net_name(int fd, bool peer, struct sockaddr *address, socklen_t *size)
{
    return result(peer ? getpeername(fd, address, size) : getsockname(fd, address, size));
}

static int net_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && !(flags & O_NONBLOCK))
        flags = fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    int own = fcntl(fd, F_GETFD);
    if (own >= 0 && !(own & FD_CLOEXEC))
        own = fcntl(fd, F_SETFD, own | FD_CLOEXEC);
    return flags < 0 || own < 0 ? -errno : 0;
}

static int net_pair(int fds[2])
{
    return result(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
}

static int net_dup(int fd)
{
    return result(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

static int net_ready(int fd, bool out)
{
    struct pollfd p = {.fd = fd, .events = out ? POLLOUT : POLLIN};
    struct timespec none = {0, 0};
    return result((int)syscall(SYS_ppoll, &p, 1, &none, NULL, 0));
}

/* ---- sets of watched descriptors: epoll, edge triggered ------------------------------------ */

static int poll_open(int *wake)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        return -errno;
    *wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.u64 = 0};
    if (*wake >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, *wake, &e) == 0)
        return set;
    int rc = -errno;
    if (*wake >= 0)
        close(*wake);
    close(set);
    return rc;
}

static int control(int set, int what, int fd, uint64_t data, bool sends)
{
    struct epoll_event e = {.events =
                                EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET | (sends ? EPOLLOUT : 0u),
                            .data.u64 = data};
    return result(epoll_ctl(set, what, fd, &e));
}

static int poll_add(int set, int fd, uint64_t data, bool sends)
{
    int rc = control(set, EPOLL_CTL_ADD, fd, data, sends);
    /* It was closed while others had the same socket, and has come back by the same number. */
    return rc == -EEXIST ? control(set, EPOLL_CTL_MOD, fd, data, sends) : rc;
}

static int poll_sends(int set, int fd, uint64_t data)
{
    return control(set, EPOLL_CTL_MOD, fd, data, true);
}

static int poll_remove(int set, int fd)
{
    struct epoll_event unused;
    return result(epoll_ctl(set, EPOLL_CTL_DEL, fd, &unused));
}

/* A mark of urgent data (MSG_OOB) ends a receive, with more behind it, as often as it likes. */
static uint32_t what_happened(uint32_t events)
{
    return (events & EPOLLIN ? NET_IN : 0u) | (events & EPOLLOUT ? NET_OUT : 0u) |
           (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI) ? NET_HANGUP : 0u);
}

/* The kernel's nanoseconds where it has them; else milliseconds, never too early. */
static int wait_until(int set, struct epoll_event *events, int n, weir_time until)
{
    static a32 no_nanoseconds;
    if (until == WEIR_NEVER || until <= 0)
        return result(epoll_wait(set, events, n, until <= 0 ? 0 : -1));
    weir_time left = until - weir_now();
    if (left < 0)
        left = 0;
#if defined(SYS_epoll_pwait2)
    if (!a32_load(&no_nanoseconds)) {
        struct timespec t = {left / WEIR_S, left % WEIR_S};
        int rc = result((int)syscall(SYS_epoll_pwait2, set, events, n, &t, NULL, 0));
        if (rc != -ENOSYS && rc != -EPERM)
            return rc;
        a32_store(&no_nanoseconds, 1);
    }
#endif
    weir_time ms = (left + WEIR_MS - 1) / WEIR_MS;
    return result(epoll_wait(set, events, n, ms < 1000000 ? (int)ms : 1000000));
}

static int poll_wait(int set, struct net_event *events, int n, weir_time until)
{
    struct epoll_event got[64];
    int k = wait_until(set, got, n < 64 ? n : 64, until);
    for (int i = 0; i < k; i++)
        events[i] = (struct net_event){got[i].data.u64, what_happened(got[i].events)};
    return k;
}

/* Its event is an edge: what it counts up to is never read. */
static void poll_wake(int set, int wake)
{
    static const uint64_t one = 1;
    (void)set;
    if (KERNEL(write, wake, &one, sizeof one) < 0)
        return; /* full, after 2^64 of them: it wakes all the same */
}

static void poll_close(int set, int wake)
{
    close(set);
    close(wake);
}

const struct net os_net_kernel = {
    .socket = net_socket,
    .bind = net_bind,
    .listen = net_listen,
    .accept = net_accept,
    .connect = net_connect,
    .recv = net_recv,
    .send = net_send,
    .recvmsg = net_recvmsg,
    .sendmsg = net_sendmsg,
    .shutdown = net_shutdown,
    .close = net_close,
    .setsockopt = net_setsockopt,
    .getsockopt = net_getsockopt,
    .name = net_name,
    .nonblocking = net_nonblocking,
    .pair = net_pair,
    .dup = net_dup,
    .ready = net_ready,
    .path_mode_of = os_path_mode_of,
    .path_stat = os_path_stat,
    .path_chmod = os_path_chmod,
    .path_remove = os_path_remove,
    .path_lock = os_path_lock,
    .poll_open = poll_open,
    .poll_add = poll_add,
    .poll_sends = poll_sends,
    .poll_remove = poll_remove,
    .poll_wait = poll_wait,
    .poll_wake = poll_wake,
    .poll_close = poll_close,
    .short_is_empty = true,
};

static aptr in_use; /* NULL: the kernel's */

void os_net_set(const struct net *net)
{
    aptr_store_release(&in_use, (void *)(uintptr_t)net);
}

static const struct net *real(void)
{
    const struct net *net = aptr_load_acquire(&in_use);
    return net ? net : &os_net_kernel;
}

const struct net *os_net(void)
{
    return weir__simulated() ? &weir__simnet : real();
}

const struct net *os_net_of(int fd)
{
    return fd >= SIM_BASE ? &weir__simnet : real();
}
