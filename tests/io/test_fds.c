/* SPDX-License-Identifier: MIT */
/* Descriptors, streams and listeners through UNIX sockets. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../channels/child.h"
#include "net_test.h"
#include "os_net.h"

/* Some file whose contents tell which one it is. */
static int file_with(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    REQUIRE(fd >= 0);
    EXPECT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

static void expect_file(int fd, const char *text)
{
    char c[16] = "";
    EXPECT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    EXPECT_EQ(pread(fd, c, sizeof c - 1, 0), (ssize_t)strlen(text));
    EXPECT_STR(c, text);
    close(fd);
}

static unsigned lost(weir_stream s)
{
    unsigned n = 12345;
    EXPECT_RC(weir_stream_get(s, WEIR_UNIX_LOST, &n), 0);
    return n;
}

static char bytes[64];
static int got[WEIR_FDS_MAX + 1];

static weir_fds room_for(unsigned room)
{
    return (weir_fds){.base = bytes, .size = sizeof bytes, .fds = got, .room = room};
}

/* A message: its descriptors come with its first bytes, and under faults there may be few of these.
 */
static ssize_t recv_message(weir_stream s, weir_fds *m, size_t size)
{
    ssize_t n = weir_recv_fds(s, m, WEIR_NEVER);
    if (n <= 0 || !faults_make_slow())
        return n;
    ssize_t k = receive_exactly(s, (char *)m->base + n, size - (size_t)n);
    return k < 0 ? k : n + k;
}

/* One that is there: faults may say that it is not. */
static ssize_t recv_there(weir_stream s, weir_fds *m)
{
    return faults_make_late() ? weir_recv_fds(s, m, WEIR_NEVER) : weir_try_recv_fds(s, m);
}

/* A byte with descriptors, for which there is room: faults may say that there is none. */
static ssize_t send_there(weir_stream s, const int *fds, unsigned n)
{
    size_t sent;
    if (!faults_make_late())
        return weir_try_send_fds(s, "x", 1, fds, n);
    int rc = weir_send_fds(s, "x", 1, fds, n, WEIR_NEVER, &sent);
    return rc < 0 ? rc : (ssize_t)sent;
}

/* ---- there and back ------------------------------------------------------------------------ */

static int passes(void *unused)
{
    (void)unused;
    weir_stream a, b;
    size_t sent = 0;
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    weir_stream *const ends[][2] = {{&a, &b}, {&b, &a}};
    for (int i = 0; i < 2; i++) {
        int fds[] = {file_with("one"), file_with("two")};
        EXPECT_RC(weir_send_fds(*ends[i][0], "hello", 5, fds, 2, WEIR_NEVER, &sent), 0);
        EXPECT_EQ(sent, 5);
        EXPECT_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC); /* still ours */
        close(fds[0]);
        close(fds[1]);
        weir_fds m = room_for(3);
        EXPECT_EQ(recv_message(*ends[i][1], &m, 5), 5);
        EXPECT(memcmp(bytes, "hello", 5) == 0);
        EXPECT_EQ(m.n, 2);
        EXPECT_EQ(m.lost, 0);
        expect_file(got[0], "one");
        expect_file(got[1], "two");
        EXPECT_EQ(weir_try_recv_fds(*ends[i][1], &m), WEIR_EAGAIN);
        EXPECT_EQ(m.n, 0);
        EXPECT_RC(weir_stream_send(*ends[i][0], "plain", 5, NULL), 0);
        EXPECT_EQ(recv_message(*ends[i][1], &m, 5), 5);
        EXPECT_EQ(m.n, 0);
    }
    EXPECT_RC(weir_close(a), 0);
    weir_fds m = room_for(1);
    EXPECT_EQ(weir_recv_fds(b, &m, WEIR_NEVER), 0);
    EXPECT_EQ(weir_recv_fds(b, &m, WEIR_NEVER), 0);
    EXPECT_EQ(m.n + m.lost, 0);
    EXPECT_EQ(lost(b), 0);
    return 0;
}

static void there_and_back(void)
{
    run_and_count(passes, NULL);
}

static int passes_many(void *unused)
{
    (void)unused;
    weir_stream a, b;
    int fds[WEIR_FDS_MAX + 1];
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    int file = file_with("x");
    for (unsigned i = 0; i <= WEIR_FDS_MAX; i++)
        fds[i] = file;
    EXPECT_RC(weir_send_fds(a, "x", 1, fds, WEIR_FDS_MAX + 1, WEIR_NEVER, NULL), WEIR_EINVAL);
    EXPECT_EQ(send_there(a, fds, WEIR_FDS_MAX), 1);
    EXPECT_EQ(send_there(a, fds, WEIR_FDS_MAX), 1);
    weir_fds m = room_for(WEIR_FDS_MAX + 1);
    EXPECT_EQ(weir_recv_fds(b, &m, WEIR_NEVER), 1);
    EXPECT_EQ(m.n, WEIR_FDS_MAX);
    for (unsigned i = 0; i < m.n; i++)
        expect_file(got[i], "x");
    m.room = 250;
    EXPECT_EQ(recv_there(b, &m), 1);
    EXPECT_EQ(m.n, 250);
    EXPECT_EQ(m.lost, WEIR_FDS_MAX - 250);
    EXPECT_EQ(lost(b), WEIR_FDS_MAX - 250);
    for (unsigned i = 0; i < m.n; i++)
        expect_file(got[i], "x");
    close(file);
    return 0;
}

static void many(void)
{
    run_and_count(passes_many, NULL);
}

/* ---- borders ------------------------------------------------------------------------------- */

static int keeps_borders(void *arg)
{
    bool marked = *(bool *)arg;
    weir_stream a, b;
    connected_pair(true, &a, &b);
    if (marked)
        EXPECT_RC(weir_unix_allow_fds(b), 0);
    int fds[] = {file_with("1"), file_with("2"), file_with("3")};
    EXPECT_RC(weir_send_fds(a, "ab", 2, fds, 3, WEIR_NEVER, NULL), 0);
    EXPECT_RC(weir_send_fds(a, "cd", 2, fds, 1, WEIR_NEVER, NULL), 0);
    EXPECT_RC(weir_stream_send(a, "ef", 2, NULL), 0);
    EXPECT_RC(weir_stream_send(a, "gh", 2, NULL), 0);
    EXPECT_EQ(weir_stream_recv(b, bytes, sizeof bytes), 2);
    EXPECT_EQ(lost(b), marked ? 3 : 1); /* as messages, where none is taken */
    EXPECT_EQ(weir_stream_recv(b, bytes, 1), 1);
    EXPECT_EQ(lost(b), marked ? 4 : 2);
    EXPECT_EQ(weir_stream_recv(b, bytes, sizeof bytes), 5);
    EXPECT(memcmp(bytes, "defgh", 5) == 0);
    EXPECT_EQ(weir_stream_try_recv(b, bytes, 1), WEIR_EAGAIN);
    EXPECT_RC(weir_send_fds(a, "ij", 2, fds, 3, WEIR_NEVER, NULL), 0);
    weir_fds m = room_for(1);
    ssize_t n = weir_recv_fds(b, &m, WEIR_NEVER);
    EXPECT_EQ(n, marked ? 2 : WEIR_ENOTSUP);
    EXPECT_EQ(m.n, marked ? 1 : 0);
    EXPECT_EQ(m.lost, marked ? 2 : 0);
    if (marked)
        expect_file(got[0], "1");
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    return 0;
}

static void borders(void)
{
    faults_not(FAULTS_ONE_BYTE, "a byte at a time sees no borders");
    for (int i = 0; i < 2; i++)
        run_and_count(keeps_borders, &(bool){i});
    faults_as_before();
}

/* Left in the socket when it is closed, by its own end or the other one. */
static int leaves_some(void *arg)
{
    weir_stream a, b;
    int fd = file_with("1");
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    for (int i = 0; i < 10; i++)
        EXPECT_RC(weir_send_fds(a, "a", 1, &fd, 1, WEIR_NEVER, NULL), 0);
    close(fd);
    weir_close(*(bool *)arg ? a : b);
    weir_stream_close(*(bool *)arg ? b : a, weir_after(WEIR_MS));
    return 0;
}

static void left(void)
{
    for (int i = 0; i < 2; i++)
        run_and_count(leaves_some, &(bool){i});
}

/* ---- errors -------------------------------------------------------------------------------- */

static int refuses(void *unused)
{
    (void)unused;
    weir_stream a, b, tcp, other;
    int fd = file_with("1"), two[] = {fd, -1};
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    EXPECT_RC(weir_send_fds(a, "x", 0, &fd, 1, WEIR_NEVER, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_send_fds(a, NULL, 1, &fd, 1, WEIR_NEVER, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_send_fds(a, "x", 1, &fd, 0, WEIR_NEVER, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_send_fds(a, "x", 1, NULL, 1, WEIR_NEVER, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_send_fds(a, "x", 1, two, 2, WEIR_NEVER, NULL), WEIR_EBADF);
    EXPECT_EQ(send_there(a, two, 2), WEIR_EBADF);
    weir_fds m = room_for(0);
    EXPECT_EQ(weir_try_recv_fds(b, &m), WEIR_EINVAL);
    m = room_for(1);
    m.size = 0;
    EXPECT_EQ(weir_try_recv_fds(b, &m), WEIR_EINVAL);
    EXPECT_EQ(weir_try_recv_fds(b, NULL), WEIR_EINVAL);
    m = room_for(1);
    EXPECT_EQ(weir_try_recv_fds(b, &m), WEIR_EAGAIN); /* nothing of all that went */
    EXPECT_RC(weir_send_fds(a, "x", 1, &fd, 1, WEIR_NEVER, NULL), 0);
    EXPECT_EQ(weir_recv_fds(b, &m, WEIR_NEVER), 1);
    expect_file(got[0], "1");
    connected_pair(false, &tcp, &other);
    EXPECT_RC(weir_send_fds(tcp, "x", 1, &fd, 1, WEIR_NEVER, NULL), WEIR_ENOTSUP);
    EXPECT_EQ(weir_recv_fds(tcp, &m, WEIR_NEVER), WEIR_ENOTSUP);
    EXPECT_RC(weir_unix_allow_fds(tcp), WEIR_ENOTSUP);
    EXPECT_RC(weir_close(b), 0);
    EXPECT_RC(weir_send_fds(a, "x", 1, &fd, 1, WEIR_NEVER, NULL), WEIR_EPIPE);
    EXPECT_EQ(weir_recv_fds(b, &m, WEIR_NEVER), WEIR_ECLOSED);
    EXPECT_RC(weir_unix_allow_fds(b), WEIR_ECLOSED);
    EXPECT_RC(weir_unix_pair(NULL, &b), WEIR_EINVAL);
    close(fd);
    return 0;
}

static void refused(void)
{
    run_and_count(refuses, NULL);
}

static int receives_fds(void *arg)
{
    weir_fds m = room_for(1);
    ssize_t n = weir_recv_fds(*(weir_stream *)arg, &m, WEIR_NEVER);
    EXPECT_EQ(m.n, n > 0);
    if (m.n)
        close(m.fds[0]);
    return (int)n;
}

static int stops_waiting(void *unused)
{
    (void)unused;
    weir_stream a, b;
    weir_task t;
    int result, fd = file_with("1");
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    weir_fds m = room_for(1);
    EXPECT_EQ(weir_recv_fds(b, &m, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    weir_scope s = weir_move_on_after(WEIR_MS);
    EXPECT_EQ(weir_recv_fds(b, &m, WEIR_NEVER), WEIR_ECANCELED);
    EXPECT_RC(weir_send_fds(a, "x", 1, &fd, 1, WEIR_NEVER, NULL), WEIR_ECANCELED);
    EXPECT_EQ(weir_scope_end(s), 1);
    weir_group g = weir_group_begin();
    for (int i = 0; i < 2; i++) {
        EXPECT_RC(weir_spawn(g, receives_fds, &b, .task = &t, .isolated = true), 0);
        weir_settle();
        EXPECT_EQ(weir_try_recv_fds(b, &m), WEIR_EBUSY);
        if (i == 0)
            EXPECT_RC(weir_send_fds(a, "x", 1, &fd, 1, WEIR_NEVER, NULL), 0);
        else
            EXPECT_RC(weir_close(b), 0);
        EXPECT_RC(weir_task_wait(t), 0);
        EXPECT_RC(weir_task_result(t, &result), 0);
        EXPECT_EQ(result, i == 0 ? 1 : WEIR_ECLOSED);
    }
    EXPECT_RC(weir_group_end(g), 0);
    close(fd);
    return 0;
}

static void stopped(void)
{
    run_and_count(stops_waiting, NULL);
}

static int selects(void *unused)
{
    (void)unused;
    weir_stream a, b, c, d;
    int fd = file_with("1");
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    EXPECT_RC(weir_unix_pair(&c, &d), 0);
    weir_fds m = room_for(2), m2 = m;
    weir_case cases[] = {weir_on_recv_fds(b, &m), weir_on_recv_fds(d, &m2)};
    EXPECT_EQ(weir_select_by(cases, 2, WEIR_FAIR, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    for (int i = 0; i < 20; i++) {
        EXPECT_RC(weir_send_fds(i & 1 ? a : c, "xyz", 3, &fd, 1, WEIR_NEVER, NULL), 0);
        EXPECT_EQ(weir_select(cases, 2, WEIR_FAIR), i & 1 ? 0 : 1);
        int n = cases[i & 1 ? 0 : 1].rc;
        EXPECT_EQ(n, faults_make_slow() ? 1 : 3);
        EXPECT_EQ((i & 1 ? m : m2).n, 1);
        expect_file(got[0], "1");
        EXPECT_EQ(receive_exactly(i & 1 ? b : d, bytes + n, (size_t)(3 - n)), 3 - n);
    }
    close(fd);
    return 0;
}

static void in_select(void)
{
    run_and_count(selects, NULL);
}

/* ---- more than goes at once ---------------------------------------------------------------- */

static int sends_much(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    size_t sent, size = much_data();
    int fd = file_with("1");
    char *much = malloc(size);
    for (size_t i = 0; i < size; i++)
        much[i] = (char)(i % 251);
    EXPECT_RC(weir_send_fds(s, much, size, &fd, 1, WEIR_NEVER, &sent), 0);
    EXPECT_EQ(sent, size);
    free(much);
    close(fd);
    return 0;
}

static int goes_on(void *unused)
{
    (void)unused;
    static unsigned char buffer[100000];
    weir_stream a, b;
    size_t sum = 0;
    ssize_t n;
    unsigned fds = 0;
    bool good = true;
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, sends_much, &a, .give = WEIR_GIVE(weir_stream, h)), 0);
    weir_fds m = {.base = buffer, .size = sizeof buffer, .fds = got, .room = 1};
    while ((n = weir_recv_fds(b, &m, WEIR_NEVER)) > 0) {
        for (ssize_t i = 0; i < n; i++, sum++)
            good = good && buffer[i] == sum % 251;
        if (m.n)
            expect_file(got[0], "1");
        fds += m.n;
    }
    EXPECT(good);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(sum, much_data());
    EXPECT_EQ(fds, 1);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void short_sends(void)
{
    run_and_count(goes_on, NULL);
}

/* Every call is disturbed once before it gets a byte further. */
static int disturbed;

static ssize_t sends_a_byte(int fd, const struct msghdr *m, int flags)
{
    struct iovec one = {m->msg_iov->iov_base, 1};
    struct msghdr less = *m;
    less.msg_iov = &one;
    less.msg_iovlen = 1;
    return disturbed++ & 1 ? os_net_kernel.sendmsg(fd, &less, flags) : -EINTR;
}

static ssize_t receives_a_byte(int fd, struct msghdr *m, int flags)
{
    struct iovec one = {m->msg_iov->iov_base, 1};
    struct iovec *to = m->msg_iov;
    if (!(disturbed++ & 1))
        return -EINTR;
    m->msg_iov = &one;
    ssize_t n = os_net_kernel.recvmsg(fd, m, flags);
    m->msg_iov = to;
    return n;
}

static int passes_bytewise(void *unused)
{
    (void)unused;
    weir_stream a, b;
    size_t sent;
    int fd = file_with("1");
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    EXPECT_RC(weir_send_fds(a, "abc", 3, &fd, 1, WEIR_NEVER, &sent), 0);
    EXPECT_EQ(sent, 3);
    for (int i = 0; i < 3; i++) {
        weir_fds m = room_for(2);
        EXPECT_EQ(weir_recv_fds(b, &m, WEIR_NEVER), 1);
        EXPECT_EQ(bytes[0], "abc"[i]);
        EXPECT_EQ(m.n, i == 0);
        if (m.n)
            expect_file(got[0], "1");
    }
    close(fd);
    return 0;
}

static void bytewise(void)
{
    struct net net = os_net_kernel;
    net.sendmsg = sends_a_byte;
    net.recvmsg = receives_a_byte;
    net.short_is_empty = false;
    disturbed = 0;
    faults_own_table(&net);
    run_and_count(passes_bytewise, NULL);
    faults_as_before();
    EXPECT(disturbed >= 8);
}

enum { MUCH = 4 << 20 };

static int tears(void *unused)
{
    (void)unused;
    weir_stream a, b;
    size_t sent;
    int fd = file_with("1");
    char *much = calloc(1, MUCH);
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    EXPECT_RC(weir_send_fds(a, much, MUCH, &fd, 1, weir_after(WEIR_MS), &sent), WEIR_ETIMEDOUT);
    EXPECT(sent > 0 && sent < MUCH);
    EXPECT_RC(weir_send_fds(a, "x", 1, &fd, 1, WEIR_NEVER, &sent), WEIR_EPIPE);
    EXPECT_EQ(sent, 0);
    EXPECT_EQ(send_there(a, &fd, 1), WEIR_EPIPE);
    free(much);
    close(fd);
    return 0;
}

static void torn(void)
{
    faults_not(FAULTS_EAGAIN, "nothing might be sent in time");
    run_and_count(tears, NULL);
    faults_as_before();
}

/* ---- what the kernel adds, or has no room for ---------------------------------------------- */

static int is_told_more(void *unused)
{
    (void)unused;
    weir_stream a, b;
    int fd = file_with("1"), socket = -1, on = 1;
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    EXPECT_RC(weir_stream_get(b, WEIR_SOCKET_FD, &socket), 0);
    EXPECT_EQ(setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
#if defined(SO_PASSPIDFD)
    bool pidfds = setsockopt(socket, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof on) == 0;
#else
    bool pidfds = setsockopt(socket, SOL_SOCKET, 76, &on, sizeof on) == 0;
#endif
    EXPECT_RC(weir_send_fds(a, "x", 1, &fd, 1, WEIR_NEVER, NULL), 0);
    weir_fds m = room_for(4);
    EXPECT_EQ(weir_recv_fds(b, &m, WEIR_NEVER), 1);
    EXPECT_EQ(m.n, 1);
    EXPECT_EQ(m.lost, pidfds);
    expect_file(got[0], "1");
    EXPECT_RC(weir_stream_send(a, "yz", 2, NULL), 0);
    EXPECT_EQ(receive_exactly(b, bytes, 2), 2);
    close(fd);
    return 0;
}

static void foreign(void)
{
    run_and_count(is_told_more, NULL);
}

static int has_no_room(void *unused)
{
    (void)unused;
    weir_stream a, b;
    struct rlimit was, tight;
    int file = file_with("1"), fds[] = {file, file, file, file};
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    EXPECT_EQ(weir_recv_fds(b, &(weir_fds){bytes, 1, got, 4, 0, 0}, weir_after(WEIR_MS)),
              WEIR_ETIMEDOUT); /* it has its poller now */
    EXPECT_RC(weir_send_fds(a, "ab", 2, fds, 4, WEIR_NEVER, NULL), 0);
    int first = dup(file), second = dup(file); /* the two lowest that are free */
    close(first);
    close(second);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &was), 0);
    tight = was;
    tight.rlim_cur = (rlim_t)second + 1;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    weir_fds m = room_for(4);
    EXPECT_EQ(recv_message(b, &m, 2), 2);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
    EXPECT_EQ(m.n, 2);
    EXPECT_EQ(m.lost, 1); /* one at least */
    EXPECT_EQ(lost(b), 1);
    for (unsigned i = 0; i < m.n; i++)
        expect_file(got[i], "1");
    close(file);
    return 0;
}

static void no_room(void)
{
    run_and_count(has_no_room, NULL);
}

/* ---- another process ----------------------------------------------------------------------- */

#define CHILD "WEIR_TEST_FDS"

/*
 * In the child: 3 is its end of a pair. It says that it is there. Whatever comes is a connection,
 * or listens, or is a file. It comes with six bytes; five come through what it is, and are sent
 * back.
 */
static int serves_the_parent(void *unused)
{
    (void)unused;
    weir_stream parent = weir_stream_adopt(3);
    ssize_t n;
    char line[6];
    int rc = weir_unix_allow_fds(parent), fd;
    if (rc == 0)
        rc = weir_stream_send(parent, "c", 1, NULL);
    if (rc < 0)
        return rc;
    for (;;) {
        weir_fds m = {line, sizeof line, &fd, 1, 0, 0};
        n = recv_message(parent, &m, sizeof line);
        if (n <= 0)
            return (int)n;
        weir_stream s = weir_stream_adopt(fd);
        weir_listener l = weir_listener_adopt(&fd, 1);
        if (weir_check(l) == 0 && (rc = weir_accept(l, &s)) < 0)
            return rc;
        if (weir_check(s) == 0) {
            n = receive_exactly(s, line, 5);
            rc = n < 0 ? (int)n : weir_stream_send(s, line, (size_t)n, NULL);
            weir_close(s);
        } else {
            rc = dprintf(fd, "child") == 5 ? 0 : WEIR_EINVAL;
            close(fd);
        }
        if (rc == 0)
            rc = weir_send_fds(parent, "done", 4, &(int){2}, 1, WEIR_NEVER, NULL);
        if (rc < 0)
            return rc;
        weir_close(l);
    }
}

static void become_child(char **argv)
{
    (void)argv;
    if (getenv(CHILD))
        _exit(weir_run(serves_the_parent, NULL, NULL) < 0);
}

__attribute__((constructor)) static void enter(void)
{
    test_first(become_child);
}

static pid_t start_child(int socket)
{
    char faults[32];
    snprintf(faults, sizeof faults, "WEIR_NET_FAULTS=%s", faults_name());
    char *const arguments[] = {"child", NULL}, *environment[] = {CHILD "=1", faults, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    REQUIRE(!getenv(CHILD)); /* one that did not become a child must not start more */
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, socket, 3);
    EXPECT_EQ(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, arguments, environment), 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* Not under an emulator, which starts no programs for its machine. */
static bool has_begun(weir_stream child, pid_t pid)
{
    enum { NOT_EXECUTED = 127 };
    char c = 0;
    if (weir_stream_recv(child, &c, 1) == 1)
        return EXPECT_EQ(c, 'c');
    EXPECT_EQ(status_of(pid), NOT_EXECUTED << 8);
    return false;
}

static void expect_done(weir_stream child)
{
    weir_fds m = room_for(1);
    EXPECT_EQ(recv_message(child, &m, 4), 4);
    EXPECT_EQ(m.n, 1);
    if (m.n)
        close(got[0]);
}

static void sends_a_stream(weir_stream child, bool unix_socket)
{
    weir_stream a, b;
    char c[16];
    connected_pair(unix_socket, &a, &b);
    EXPECT_EQ(weir_stream_recv_by(b, c, 1, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_stream_send(a, "child", 5, NULL), 0);
    weir_stream was = b;
    EXPECT_RC(weir_send_stream(child, "stream", 6, &b, WEIR_NEVER), 0);
    EXPECT_RC(weir_check(b), WEIR_ECLOSED);
    EXPECT_RC(weir_check(was), WEIR_ECLOSED);
    EXPECT_EQ(receive_exactly(a, c, 5), 5);
    EXPECT_EQ(weir_stream_recv(a, c, sizeof c), 0);
    expect_done(child);
}

static void sends_a_listener(weir_stream child)
{
    char path[] = P_tmpdir "/weir-fds-XXXXXX", name[sizeof path + 2], c[16];
    REQUIRE(mkdtemp(path) != NULL);
    snprintf(name, sizeof name, "%s/a", path);
    weir_listener l = weir_unix_listen(name, &(weir_unix_options){.remove = true});
    EXPECT_RC(weir_send_listener(child, "listen", 6, l, WEIR_NEVER), 0);
    EXPECT_RC(weir_check(l), 0);
    EXPECT_RC(weir_close(l), 0);
    weir_stream s = weir_unix_connect(name, NULL);
    EXPECT_RC(weir_check(s), 0);
    EXPECT_RC(weir_stream_send(s, "there", 5, NULL), 0);
    EXPECT_EQ(receive_exactly(s, c, 5), 5);
    expect_done(child);
    EXPECT_EQ(unlink(name), 0);
    EXPECT_EQ(rmdir(path), 0);
}

static int has_a_child(void *unused)
{
    (void)unused;
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    pid_t pid = start_child(fds[1]);
    weir_stream child = weir_stream_adopt(fds[0]);
    close(fds[1]);
    EXPECT_RC(weir_unix_allow_fds(child), 0);
    if (!has_begun(child, pid))
        return weir_close(child);
    int file = file_with("parent and ");
    EXPECT_RC(weir_send_fds(child, "a file", 6, &file, 1, WEIR_NEVER, NULL), 0);
    expect_done(child);
    expect_file(file, "parent and chil"); /* as many as fit */
    for (int i = 0; i < 2; i++)
        sends_a_stream(child, i);
    sends_a_listener(child);
    EXPECT_RC(weir_close(child), 0);
    EXPECT_EQ(status_of(pid), 0);
    return 0;
}

static void two_processes(void)
{
    run_and_count(has_a_child, NULL);
}

static int sends_none(void *unused)
{
    (void)unused;
    weir_stream a, b, c, d;
    weir_address at;
    weir_listener l = listen_here(&at);
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    EXPECT_RC(weir_unix_pair(&c, &d), 0);
    EXPECT_RC(weir_send_stream(a, "x", 1, &a, WEIR_NEVER), WEIR_EINVAL);
    EXPECT_RC(weir_send_stream(a, "x", 1, NULL, WEIR_NEVER), WEIR_EINVAL);
    EXPECT_RC(weir_close(b), 0);
    weir_stream was = c;
    EXPECT_RC(weir_send_stream(a, "x", 1, &c, WEIR_NEVER), WEIR_EPIPE);
    EXPECT_RC(weir_check(c), 0); /* it goes on, by another handle */
    EXPECT_RC(weir_check(was), WEIR_ECLOSED);
    int fd = file_with("1");
    EXPECT_RC(weir_send_fds(d, "x", 1, &fd, 1, WEIR_NEVER, NULL), 0);
    weir_fds m = room_for(1);
    EXPECT_EQ(weir_recv_fds(c, &m, WEIR_NEVER), 1);
    expect_file(got[0], "1");
    EXPECT_RC(weir_send_listener(a, "x", 1, l, WEIR_NEVER), WEIR_EPIPE);
    EXPECT_RC(weir_send_listener(c, "x", 0, l, WEIR_NEVER), WEIR_EINVAL);
    EXPECT_RC(weir_close(l), 0);
    EXPECT_RC(weir_send_listener(c, "x", 1, l, WEIR_NEVER), WEIR_ECLOSED);
    close(fd);
    return 0;
}

static void not_sent(void)
{
    run_and_count(sends_none, NULL);
}

/* ---- B6: any messages ---------------------------------------------------------------------- */

static uint32_t drawn; /* the state of xorshift */

static uint32_t draw(uint32_t below)
{
    drawn ^= drawn << 13;
    drawn ^= drawn >> 17;
    drawn ^= drawn << 5;
    return drawn % below;
}

struct talk {
    weir_stream a, b;
    unsigned lost; /* that have come to b and had no room */
    int fds[WEIR_FDS_MAX];
};

/* With or without the kernel's own messages among ours. */
static void begin_talk(struct talk *t)
{
    int socket = -1, on = (int)draw(2);
    EXPECT_RC(weir_unix_pair(&t->a, &t->b), 0);
    EXPECT_RC(weir_stream_get(t->b, WEIR_SOCKET_FD, &socket), 0);
    EXPECT_EQ(setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    t->lost = 0;
}

static void end_talk(struct talk *t)
{
    bool first = draw(2);
    EXPECT_RC(weir_close(first ? t->a : t->b), 0);
    EXPECT_RC(weir_close(first ? t->b : t->a), 0);
}

/* Room for some of them, or more; or no room, as bytes are received. */
static void receive_message(struct talk *t, unsigned n, size_t size)
{
    unsigned room = draw(n + 2);
    weir_fds m = room_for(room);
    if (room == 0)
        EXPECT_EQ(receive_exactly(t->b, bytes, size), (ssize_t)size);
    else
        EXPECT_EQ(recv_message(t->b, &m, size), (ssize_t)size);
    EXPECT_EQ(m.n, room < n ? room : n);
    EXPECT_EQ(m.lost, room == 0 ? 0 : n - m.n);
    t->lost += n - m.n;
    EXPECT_EQ(lost(t->b), t->lost);
    for (unsigned i = 0; i < m.n; i++)
        EXPECT_EQ(close(m.fds[i]), 0);
}

/* One of many is not received: its receiver closes, or its sender does. */
static int says_anything(void *messages)
{
    struct talk t;
    int file = file_with("1");
    for (unsigned i = 0; i < WEIR_FDS_MAX; i++)
        t.fds[i] = file;
    begin_talk(&t);
    for (int i = *(int *)messages; i > 0; i--) {
        unsigned n = 1 + draw(draw(50) ? 6 : WEIR_FDS_MAX);
        size_t size = 1 + draw(8);
        EXPECT_RC(weir_send_fds(t.a, "12345678", size, t.fds, n, WEIR_NEVER, NULL), 0);
        if (draw(40)) {
            receive_message(&t, n, size);
            continue;
        }
        end_talk(&t);
        begin_talk(&t);
    }
    end_talk(&t);
    close(file);
    return 0;
}

static void any_messages(void)
{
    const char *soak = getenv("WEIR_SOAK");
    long n = soak ? strtol(soak, NULL, 10) : 1;
    int messages = 500 * (int)(n < 1 ? 1 : n < 20 ? n : 20);
    drawn = 2463534242u;
    for (int i = 0; i < 2; i++)
        run_and_count(says_anything, &messages);
}

TEST_SUITE(fds, "io: descriptors through sockets", {"F096 fds: there and back", there_and_back},
           {"B6 F096 fds: as many as one message has, too many, surplus", many},
           {"F096 fds: a receive does not go beyond them", borders},
           {"B6 F096 fds: never received", left},
           {"B6 F096 fds: errors leave the stream as it is", refused},
           {"F096 fds: timed out, cancelled, busy, closed", stopped},
           {"F096 fds: in a select", in_select},
           {"F096 fds: a send that goes in parts", short_sends},
           {"F4 F5 F096 fds: a byte at a time, disturbed by signals", bytewise},
           {"B6 F096 fds: a send that stops in the middle", torn},
           {"B6 F096 fds: foreign control messages", foreign},
           {"F096 fds: the process can have no more", no_room},
           {"F096 fds: files, streams and a listener for another process", two_processes},
           {"F096 streams that could not be sent go on", not_sent},
           {"B6 F096 fds: any messages, and none is left over", any_messages});
