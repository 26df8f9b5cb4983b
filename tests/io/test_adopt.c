/* SPDX-License-Identifier: MIT */
/* Attributes of sockets, and sockets that come from elsewhere. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_test.h"

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* ---- attributes ---------------------------------------------------------------------------- */

static int asks_tcp(void *unused)
{
    weir_address at, local, remote, other;
    weir_listener l = listen_here(&at);
    weir_stream a = weir_address_connect(&at, NULL), b;
    int fd = -1, family = 0, error = 1;
    socklen_t size = sizeof error;
    (void)unused;
    REQUIRE_EQ(weir_accept(l, &b), 1);
    EXPECT_RC(weir_stream_get(a, WEIR_SOCKET_FAMILY, &family), 0);
    EXPECT_EQ(family, AF_INET);
    EXPECT_RC(weir_stream_get(a, WEIR_SOCKET_REMOTE, &remote), 0);
    EXPECT(weir_address_equal(&remote, &at));
    EXPECT_RC(weir_stream_get(a, WEIR_SOCKET_LOCAL, &local), 0);
    EXPECT_RC(weir_stream_get(b, WEIR_SOCKET_REMOTE, &other), 0);
    EXPECT(weir_address_equal(&local, &other));
    EXPECT_RC(weir_stream_get(a, WEIR_SOCKET_FD, &fd), 0);
    EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    EXPECT_RC(weir_stream_get(a, WEIR_SOCKET_FD, &at), WEIR_EITEM);
    EXPECT_RC(weir_stream_get(a, WEIR_ATTRIBUTE_USER, &fd), WEIR_ENOENT);
    EXPECT_EQ(weir_listener_port(l), remote.port);
    EXPECT_RC(weir_listener_get(l, 0, WEIR_SOCKET_REMOTE, &remote), WEIR_ENOENT);
    EXPECT_RC(weir_listener_get(l, 1, WEIR_SOCKET_LOCAL, &remote), WEIR_ENOENT);
    EXPECT_RC(weir_listener_get(l, 0, WEIR_SOCKET_LOCAL, (char *)&remote), WEIR_EITEM);
    EXPECT_RC(weir_listener_get_item(l, 0, WEIR_SOCKET_LOCAL, NULL, sizeof remote), WEIR_EINVAL);
    EXPECT_RC(weir_stream_abort(b), 0);
    char c;
    EXPECT_EQ(weir_stream_recv(a, &c, 1), WEIR_ECONNRESET);
    EXPECT_RC(weir_stream_get(a, WEIR_SOCKET_REMOTE, &remote), WEIR_ENOENT);
    EXPECT_RC(weir_close(a), 0);
    EXPECT_RC(weir_stream_get(a, WEIR_SOCKET_FD, &fd), WEIR_ECLOSED);
    EXPECT_RC(weir_close(l), 0);
    EXPECT_RC(weir_listener_get(l, 0, WEIR_SOCKET_LOCAL, &local), WEIR_ECLOSED);
    return 0;
}

static void attributes(void)
{
    run_and_count(asks_tcp, NULL);
}

/* ---- adopt --------------------------------------------------------------------------------- */

static int adopts_pair(void *unused)
{
    int fds[2];
    char c[8];
    (void)unused;
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    weir_stream a = weir_stream_adopt(fds[0]), b = weir_stream_adopt(fds[1]);
    EXPECT_RC(weir_check(a), 0);
    EXPECT(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    EXPECT(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    EXPECT_RC(weir_stream_send(a, "there", 5, NULL), 0);
    EXPECT_EQ(receive_exactly(b, c, 5), 5);
    EXPECT_RC(weir_close(a), 0);
    EXPECT(!is_open(fds[0]));
    EXPECT_EQ(weir_stream_recv(b, c, sizeof c), 0);
    return 0;
}

static void adopted(void)
{
    run_and_count(adopts_pair, NULL);
}

static void expect_refused(int fd, int error)
{
    int flags = fcntl(fd, F_GETFL);
    weir_stream s = weir_stream_adopt(fd);
    EXPECT_RC(weir_check(s), error);
    weir_listener l = weir_listener_adopt(&fd, 1);
    EXPECT_RC(weir_check(l), error);
    if (flags >= 0) {
        EXPECT(is_open(fd));
        EXPECT_EQ(fcntl(fd, F_GETFL), flags);
        close(fd);
    }
}

static int adopts_wrong_ones(void *unused)
{
    int pipes[2], fds[2];
    (void)unused;
    REQUIRE(pipe(pipes) == 0);
    close(pipes[1]);
    expect_refused(pipes[0], WEIR_EINVAL);
    expect_refused(socket(AF_INET, SOCK_DGRAM, 0), WEIR_EINVAL);
    expect_refused(socket(AF_UNIX, SOCK_STREAM, 0), WEIR_EINVAL); /* neither one nor the other */
    expect_refused(socket(AF_NETLINK, SOCK_RAW, 0), WEIR_EINVAL);
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
    expect_refused(fds[0], WEIR_EINVAL);
    expect_refused(fds[1], WEIR_EINVAL);
    expect_refused(-1, WEIR_EBADF);
    expect_refused(fds[0], WEIR_EBADF);
    EXPECT_RC(weir_check(weir_listener_adopt(NULL, 1)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_listener_adopt(fds, 0)), WEIR_EINVAL);
    return 0;
}

static void not_adopted(void)
{
    run_and_count(adopts_wrong_ones, NULL);
}

static int listening(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 10) == 0);
    return fd;
}

static int adopts_listeners(void *unused)
{
    int fds[] = {listening(), listening()};
    (void)unused;
    EXPECT_RC(weir_check(weir_stream_adopt(fds[0])), WEIR_EINVAL);
    int mixed[] = {fds[0], socket(AF_INET, SOCK_STREAM, 0)};
    EXPECT_RC(weir_check(weir_listener_adopt(mixed, 2)), WEIR_EINVAL);
    close(mixed[1]);
    weir_listener l = weir_listener_adopt(fds, 2);
    EXPECT_RC(weir_check(l), 0);
    for (unsigned i = 0; i < 4; i++) {
        weir_address at;
        weir_stream b;
        EXPECT_RC(weir_listener_get(l, i & 1, WEIR_SOCKET_LOCAL, &at), 0);
        weir_stream a = weir_address_connect(&at, NULL);
        EXPECT_RC(weir_check(a), 0);
        EXPECT_EQ(weir_accept(l, &b), 1);
        EXPECT_RC(weir_stream_send(b, "x", 1, NULL), 0);
        char c;
        EXPECT_EQ(weir_stream_recv(a, &c, 1), 1);
    }
    EXPECT_RC(weir_close(l), 0);
    EXPECT(!is_open(fds[0]) && !is_open(fds[1]));
    return 0;
}

static void listeners_adopted(void)
{
    run_and_count(adopts_listeners, NULL);
}

/* ---- release ------------------------------------------------------------------------------- */

static int receives_one(void *arg)
{
    char c;
    return (int)weir_stream_recv(*(weir_stream *)arg, &c, 1);
}

/* Again and again the same descriptor, in the same poller. */
static int releases(void *arg)
{
    weir_stream a, b, was;
    weir_task t;
    char c[2];
    connected_pair(*(bool *)arg, &a, &b);
    weir_group g = weir_group_begin();
    for (int i = 0; i < 5; i++) {
        EXPECT_RC(weir_spawn(g, receives_one, &b, .task = &t, .isolated = true), 0);
        weir_settle();
        EXPECT_EQ(weir_stream_release(b), WEIR_EBUSY);
        EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
        EXPECT_RC(weir_task_wait(t), 0);
        EXPECT_RC(weir_stream_send(a, "yz", 2, NULL), 0);
        int fd = weir_stream_release(was = b);
        REQUIRE(fd >= 0 && is_open(fd));
        EXPECT_EQ(weir_stream_recv(was, c, 1), WEIR_ECLOSED);
        EXPECT_EQ(weir_stream_release(was), WEIR_ECLOSED);
        EXPECT_RC(weir_close(was), 0);
        EXPECT_EQ(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1), 1);
        EXPECT_EQ(read(fd, c, 1), 1);
        EXPECT_EQ(c[0], 'y');
        b = weir_stream_adopt(fd);
        EXPECT_EQ(weir_stream_recv(b, c, 2), 1);
        EXPECT_EQ(c[0], 'z');
    }
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void released(void)
{
    for (int i = 0; i < 2; i++)
        run_and_count(releases, &(bool){i});
}

static int releases_another(void *arg)
{
    return weir_stream_release(*(weir_stream *)arg);
}

static ssize_t nothing_comes(void *self, const struct iovec *to, int n)
{
    (void)self, (void)to, (void)n;
    return 0;
}

static int nothing_to_arm(void *self, weir_case *below)
{
    (void)self, (void)below;
    return WEIR_EPIPE;
}

static void shut(void *self, bool abort)
{
    (void)self, (void)abort;
}

static const weir_stream_ops empty = {
    .try_recv = nothing_comes, .arm_recv = nothing_to_arm, .shut = shut};

static int releases_none(void *unused)
{
    weir_stream a, b;
    weir_task t;
    int result;
    (void)unused;
    connected_pair(true, &a, &b);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, releases_another, &a, .task = &t, .isolated = true), 0);
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    EXPECT_EQ(result, WEIR_EBUSY);
    weir_stream made = weir_stream_make(&empty, NULL);
    EXPECT_EQ(weir_stream_release(made), WEIR_ENOTSUP);
    EXPECT_EQ(weir_stream_release((weir_stream){0}), WEIR_EBADF);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void not_released(void)
{
    run_and_count(releases_none, NULL);
}

TEST_SUITE(adopt, "io: adopted sockets",
           {"F119 F120 F121 F122 attributes of TCP sockets, as they are now", attributes},
           {"F092 adopt: a pair", adopted},
           {"F092 adopt: what is no such socket is not, and not closed", not_adopted},
           {"F092 adopt: listeners", listeners_adopted},
           {"F092 release: and adopted again", released},
           {"F092 release: what waits, is another's, or is no socket is not", not_released});
