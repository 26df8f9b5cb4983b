/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "net_test.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os_thread.h"
#include "signals_test.h"

weir_listener listen_here(weir_address *at)
{
    EXPECT_RC(weir_address_parse(at, "127.0.0.1", 0), 0);
    weir_listener l = weir_address_listen(at, NULL);
    EXPECT_RC(weir_check(l), 0);
    EXPECT_RC(weir_listener_get(l, 0, WEIR_SOCKET_LOCAL, at), 0);
    return l;
}

weir_listener listen_unix(weir_address *at)
{
    static int number;
    char name[64] = "";
    int size = snprintf(name + 1, sizeof name - 1, "weir-test-%d-%d", (int)getpid(),
                        __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED));
    EXPECT_RC(weir_address_unix(at, name, (size_t)size + 1), 0);
    return weir_address_listen(at, NULL);
}

int accept_there(weir_listener l, weir_stream *out)
{
    return faults_make_late() ? weir_accept(l, out) : weir_try_accept(l, out);
}

/* Of TCP the system keeps megabytes, which are as many transfers where each is a byte. */
static void keep_less(weir_stream s)
{
    int fd, size = 1 << 14;
    EXPECT_RC(weir_stream_get(s, WEIR_SOCKET_FD, &fd), 0);
    EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    size = 1 << 17;
    EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
}

void connected_pair(bool unix_socket, weir_stream *a, weir_stream *b)
{
    weir_address at;
    weir_listener l = unix_socket ? listen_unix(&at) : listen_here(&at);
    REQUIRE(weir_check(l) == 0);
    *a = weir_address_connect(&at, NULL);
    REQUIRE(weir_check(*a) == 0);
    REQUIRE(weir_accept(l, b) == 1);
    weir_close(l);
    if (faults_make_slow() && !unix_socket) {
        keep_less(*a);
        keep_less(*b);
    }
}

ssize_t receive_exactly(weir_stream s, void *to, size_t size)
{
    char *at = to;
    for (size_t left = size; left > 0;) {
        ssize_t n = weir_stream_recv(s, at, left);
        if (n <= 0)
            return n;
        at += n;
        left -= (size_t)n;
    }
    return (ssize_t)size;
}

size_t much_data(void)
{
    return !faults_make_slow() ? 20 << 20 : faults_of_program() == FAULTS_ONE_BYTE ? 200000 : 40000;
}

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

/* An emulator has a thread of its own, from the beginning. */
static uint32_t first_threads = 1;

__attribute__((constructor(101))) static void count_threads(void)
{
    uint32_t n = os_threads();
    first_threads = n > 1 ? n : 1;
}

void await_no_thread(void)
{
    while (os_threads() > first_threads + faults_threads())
        let_others();
    let_others();
    /* It gives back what nobody could while it was there; by no thread, that would go after it. */
    (void)weir_run(nothing, NULL, &(weir_options){.workers = 1});
}

int descriptors_open(void)
{
    int n = 0;
    DIR *all = opendir("/proc/self/fd");
    while (all && readdir(all))
        n++;
    if (all)
        closedir(all);
    return n;
}

/*
 * What a run has is released when no other thread is inside of an operation, and a thread of the
 * library's that nobody needs any more closes what it has: soon. Or never: the harness ends it
 * then.
 */
void await_descriptors(int n)
{
    for (unsigned i = 1; descriptors_open() != n; i++) {
        if (i % 100 == 0)
            weir_run(nothing, NULL, NULL);
        if (i % 100000 == 0)
            fprintf(stderr, "%d descriptors are open, %d were\n", descriptors_open(), n);
        sched_yield();
    }
}

void run_and_count(weir_body body, void *arg)
{
    await_no_thread();
    int before = descriptors_open();
    EXPECT_RC(weir_run(body, arg, NULL), 0);
    await_descriptors(before);
}
