/* SPDX-License-Identifier: MIT */
/* Waits for descriptors that stay the user's. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net_test.h"

static weir_time now_plus(int ms)
{
    return weir_after(ms * WEIR_MS);
}

static int waits_to_read(void *arg)
{
    return weir_wait_readable(*(weir_descriptor *)arg, WEIR_NEVER);
}

static int waits_to_write(void *arg)
{
    return weir_wait_writable(*(weir_descriptor *)arg, WEIR_NEVER);
}

static int result_of(weir_task t)
{
    int result = WEIR_EAGAIN;
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    return result;
}

static weir_task begin(weir_group g, weir_body body, void *arg)
{
    weir_task t;
    EXPECT_RC(weir_spawn(g, body, arg, .task = &t, .isolated = true), 0);
    weir_settle();
    return t;
}

/* ---- pipes --------------------------------------------------------------------------------- */

static int reads_a_pipe(void *unused)
{
    int fds[2];
    char c;
    (void)unused;
    REQUIRE(pipe2(fds, O_CLOEXEC) == 0);
    weir_descriptor d = weir_descriptor_open(fds[0]);
    EXPECT_RC(weir_check(d), 0);
    EXPECT_RC(weir_wait_readable(d, 0), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_wait_readable(d, now_plus(1)), WEIR_ETIMEDOUT);
    weir_group g = weir_group_begin();
    for (int i = 0; i < 100; i++) {
        weir_task t = begin(g, waits_to_read, &d);
        EXPECT_RC(weir_wait_readable(d, WEIR_NEVER), WEIR_EBUSY);
        EXPECT_EQ(write(fds[1], "xy", 2), 2);
        EXPECT_RC(result_of(t), 0);
        EXPECT_RC(weir_wait_readable(d, WEIR_NEVER), 0); /* again: it is not taken */
        EXPECT_EQ(read(fds[0], &c, 1), 1);
        EXPECT_RC(weir_wait_readable(d, WEIR_NEVER), 0);
        EXPECT_EQ(read(fds[0], &c, 1), 1);
    }
    weir_task last = begin(g, waits_to_read, &d);
    close(fds[1]);
    EXPECT_RC(result_of(last), 0); /* the end is something to be read */
    EXPECT_EQ(read(fds[0], &c, 1), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_close(d), 0);
    EXPECT(fcntl(fds[0], F_GETFD) >= 0);
    close(fds[0]);
    return 0;
}

static void readable(void)
{
    run_and_count(reads_a_pipe, NULL);
}

static void fill(int fd)
{
    static const char much[65536];
    EXPECT(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    while (write(fd, much, sizeof much) > 0)
        ;
}

static int writes_a_pipe(void *unused)
{
    int fds[2];
    (void)unused;
    REQUIRE(pipe2(fds, O_CLOEXEC) == 0);
    char *much = malloc(1 << 20);
    weir_descriptor d = weir_descriptor_open(fds[1]);
    EXPECT_RC(weir_wait_writable(d, WEIR_NEVER), 0);
    fill(fds[1]);
    weir_group g = weir_group_begin();
    weir_task t = begin(g, waits_to_write, &d);
    EXPECT_RC(weir_wait_writable(d, WEIR_NEVER), WEIR_EBUSY);
    EXPECT(read(fds[0], much, 1 << 20) > 0);
    EXPECT_RC(result_of(t), 0);
    fill(fds[1]);
    EXPECT_RC(weir_wait_writable(d, now_plus(1)), WEIR_ETIMEDOUT);
    close(fds[0]);
    EXPECT_RC(weir_wait_writable(d, WEIR_NEVER), 0); /* EPIPE is for the write to tell */
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_close(d), 0);
    close(fds[1]);
    free(much);
    return 0;
}

static void writable(void)
{
    run_and_count(writes_a_pipe, NULL);
}

/* ---- closed, cancelled --------------------------------------------------------------------- */

static int closes_while_they_wait(void *unused)
{
    int fds[2];
    (void)unused;
    weir_stream other;
    weir_stream s;
    connected_pair(true, &s, &other);
    EXPECT_RC(weir_stream_get(s, WEIR_SOCKET_FD, &fds[0]), 0);
    fds[1] = dup(fds[0]);
    weir_descriptor d = weir_descriptor_open(fds[1]);
    fill(fds[1]);
    weir_group g = weir_group_begin();
    weir_task in = begin(g, waits_to_read, &d), out = begin(g, waits_to_write, &d);
    EXPECT_RC(weir_close(d), 0);
    EXPECT_RC(result_of(in), WEIR_ECLOSED);
    EXPECT_RC(result_of(out), WEIR_ECLOSED);
    EXPECT_RC(weir_close(d), 0);
    EXPECT_RC(weir_wait_readable(d, WEIR_NEVER), WEIR_ECLOSED);
    EXPECT_RC(weir_wait_readable((weir_descriptor){s.h}, WEIR_NEVER), WEIR_EBADF);
    EXPECT(fcntl(fds[1], F_GETFD) >= 0);
    close(fds[1]);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void closed(void)
{
    run_and_count(closes_while_they_wait, NULL);
}

static int is_cancelled(void *unused)
{
    (void)unused;
    int fd = eventfd(0, EFD_CLOEXEC);
    weir_descriptor d = weir_descriptor_open(fd);
    weir_scope s = weir_move_on_after(WEIR_MS);
    EXPECT_RC(weir_wait_readable(d, WEIR_NEVER), WEIR_ECANCELED);
    EXPECT_RC(weir_wait_writable(d, WEIR_NEVER), WEIR_ECANCELED);
    EXPECT_EQ(weir_scope_end(s), 1);
    EXPECT_RC(weir_wait_writable(d, WEIR_NEVER), 0);
    EXPECT_EQ(eventfd_write(fd, 1), 0);
    EXPECT_RC(weir_wait_readable(d, WEIR_NEVER), 0);
    close(fd); /* the wrong way round: the handle has its own */
    EXPECT_RC(weir_wait_readable(d, WEIR_NEVER), 0);
    EXPECT_RC(weir_check(weir_descriptor_open(-1)), WEIR_EBADF);
    return 0;
}

static void cancelled(void)
{
    run_and_count(is_cancelled, NULL);
}

/* ---- others -------------------------------------------------------------------------------- */

static int selects(void *unused)
{
    (void)unused;
    int fds[] = {eventfd(0, EFD_CLOEXEC), eventfd(UINT64_MAX >> 33, EFD_CLOEXEC)};
    eventfd_t value;
    weir_descriptor d[] = {weir_descriptor_open(fds[0]), weir_descriptor_open(fds[1])};
    weir_case cases[] = {weir_on_readable(d[0]), weir_on_readable(d[1]), weir_on_writable(d[1])};
    EXPECT_EQ(eventfd_read(fds[1], &value), 0);
    EXPECT_EQ(eventfd_write(fds[1], UINT64_MAX - 1), 0); /* full */
    EXPECT_EQ(weir_select(cases, 3, WEIR_ORDERED), 1);
    EXPECT_EQ(cases[1].rc, 1);
    weir_case_off(&cases[1]);
    EXPECT_EQ(weir_select_by(cases, 3, WEIR_ORDERED, now_plus(1)), WEIR_ETIMEDOUT);
    weir_group g = weir_group_begin();
    weir_task t = begin(g, waits_to_read, &d[0]);
    EXPECT_EQ(weir_select(cases, 3, WEIR_ORDERED), 0);
    EXPECT_EQ(cases[0].rc, WEIR_EBUSY);
    EXPECT_EQ(eventfd_write(fds[0], 1), 0);
    EXPECT_RC(result_of(t), 0);
    EXPECT_EQ(eventfd_read(fds[0], &value), 0);
    EXPECT_EQ(eventfd_read(fds[1], &value), 0);
    EXPECT_EQ(weir_select(cases, 3, WEIR_ORDERED), 2);
    EXPECT_RC(weir_close(d[0]), 0);
    EXPECT_EQ(weir_select(cases, 3, WEIR_ORDERED), 0);
    EXPECT_EQ(cases[0].rc, WEIR_ECLOSED);
    EXPECT_RC(weir_group_end(g), 0);
    close(fds[0]);
    close(fds[1]);
    return 0;
}

static void in_select(void)
{
    run_and_count(selects, NULL);
}

static int always_ready(void *unused)
{
    (void)unused;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    weir_descriptor d = weir_descriptor_open(fd), again = weir_descriptor_open(fd);
    EXPECT_RC(weir_wait_readable(d, WEIR_NEVER), 0);
    EXPECT_RC(weir_wait_readable(again, 0), 0);
    close(fd);
    return 0;
}

static void files(void)
{
    run_and_count(always_ready, NULL);
}

/* Two handles of one descriptor have a waiter each. */
static int waits_twice(void *unused)
{
    (void)unused;
    int fd = eventfd(0, EFD_CLOEXEC);
    weir_descriptor d[] = {weir_descriptor_open(fd), weir_descriptor_open(fd)};
    weir_group g = weir_group_begin();
    weir_task t[] = {begin(g, waits_to_read, &d[0]), begin(g, waits_to_read, &d[1])};
    EXPECT_EQ(eventfd_write(fd, 1), 0);
    EXPECT_RC(result_of(t[0]), 0);
    EXPECT_RC(result_of(t[1]), 0);
    EXPECT_RC(weir_group_end(g), 0);
    close(fd);
    return 0;
}

static void two_handles(void)
{
    run_and_count(waits_twice, NULL);
}

static int writes_later(void *arg)
{
    EXPECT_EQ(eventfd_write(*(int *)arg, 1), 0);
    return 0;
}

/* A plain thread waits without a run; then for an actor, beside it. */
static void plain(void)
{
    int before = descriptors_open(), fd = eventfd(0, EFD_CLOEXEC);
    weir_descriptor d = weir_descriptor_open(fd);
    EXPECT_RC(weir_wait_readable(d, now_plus(1)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_run(writes_later, &fd, NULL), 0);
    EXPECT_RC(weir_wait_readable(d, WEIR_NEVER), 0);
    EXPECT_RC(weir_close(d), 0);
    close(fd);
    while (descriptors_open() > before) /* the thread that waited for it goes */
        sched_yield();
}

TEST_SUITE(readiness, "io: descriptors of others",
           {"F094 readable: a pipe, one waiter at a time", readable},
           {"F094 writable: a pipe", writable},
           {"B8 F094 closed: both waiters are told, the descriptor stays", closed},
           {"F094 cancelled, and closed in the wrong order", cancelled},
           {"F094 in a select", in_select}, {"F094 files are always ready", files},
           {"F094 two handles of one descriptor", two_handles}, {"F094 plain threads", plain});
