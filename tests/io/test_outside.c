/* SPDX-License-Identifier: MIT */
/*
 * F3: system calls that fail from outside of the process: the kernel refuses them (seccomp(2)), so
 * nothing of ours is between the library and what it meets. One process for each of them, in which
 * the call fails from a moment on; what the library returns is that error.
 */
#include <string.h>
#include <sys/syscall.h>

#include "../channels/child.h"
#include "net_test.h"

enum stage { CONNECTS, LISTENS, ACCEPTS, RECEIVES, SENDS, WAITS };

static const struct refusal {
    enum stage stage;
    uint32_t call;
    int errors[6]; /* ends with a 0 */
} refusals[] = {
    {CONNECTS, SYS_socket, {EMFILE, ENFILE, ENOMEM, ENOBUFS, EACCES}},
    {CONNECTS, SYS_connect, {EACCES, EPERM, ENETUNREACH, ETIMEDOUT, ECONNREFUSED}},
    {LISTENS, SYS_socket, {EMFILE, EAFNOSUPPORT}},
    {LISTENS, SYS_bind, {EACCES, EADDRINUSE, ENOMEM}},
    {LISTENS, SYS_listen, {EADDRINUSE, EOPNOTSUPP}},
    {ACCEPTS, SYS_accept4, {EMFILE, ENFILE, ENOMEM, ENOBUFS}},
    {RECEIVES, SYS_recvmsg, {ECONNRESET, ETIMEDOUT, ENOMEM, EHOSTUNREACH}},
    {SENDS, SYS_sendto, {EPIPE, ECONNRESET, ENOMEM, ETIMEDOUT}},
    {WAITS, SYS_epoll_create1, {EMFILE, ENFILE, ENOMEM}},
    {WAITS, SYS_eventfd2, {EMFILE, ENOMEM}},
    {WAITS, SYS_epoll_ctl, {ENOMEM, ENOSPC}},
};

static const struct refusal *refused;
static int error;

static bool refuse(void)
{
    struct sock_filter program[] = {
        LOAD(nr),
        UNLESS_SKIP(refused->call, 1),
        RETURN(SECCOMP_RET_ERRNO | (uint32_t)error),
        RETURN(SECCOMP_RET_ALLOW),
    };
    return FILTER(program);
}

static int result(const weir_address *at, weir_listener l, weir_stream a)
{
    weir_stream s;
    char c;
    switch (refused->stage) {
    case CONNECTS:
        return weir_check(weir_address_connect(at, NULL));
    case LISTENS:
        return weir_check(weir_address_listen(at, NULL));
    case ACCEPTS:
        return weir_accept(l, &s);
    case RECEIVES:
    case WAITS:
        return (int)weir_stream_recv(a, &c, 1);
    default:
        return weir_stream_send(a, "x", 1, NULL);
    }
}

/* Everything is opened before, but nothing is watched yet: that is a WAITS of its own. */
static int meets(void *unused)
{
    weir_stream a, b;
    weir_address at;
    (void)unused;
    weir_listener l = listen_here(&at);
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    at.port = refused->stage == LISTENS ? 0 : at.port;
    if (refused->stage == RECEIVES)
        EXPECT_RC(weir_stream_send(b, "x", 1, NULL), 0);
    if (!refuse())
        return CHILD_SKIPS;
    int rc = result(&at, l, a);
    if (rc == -error)
        return 0;
    fprintf(stderr, "%s instead of %s ", weir_error_name(rc), weir_error_name(-error));
    return 1;
}

static int child(void)
{
    faults_mode(FAULTS_NONE);
    return weir_run(meets, NULL, &(weir_options){.workers = 1});
}

static void from_outside(void)
{
    int runs = 0;
    await_no_thread();
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        refused = &refusals[i];
        for (int k = 0; refused->errors[k]; k++, runs++) {
            error = refused->errors[k];
            struct child_end end = child_run(child);
            if (end.status == CHILD_SKIPS)
                return; /* an emulator has no seccomp */
            if (!EXPECT_EQ(end.status, 0))
                printf("\n    ... call %u: %s", refused->call, end.said);
        }
    }
    EXPECT(runs >= 30);
}

TEST_SUITE(outside, "io: refused from outside",
           {"F3 F061 F065 outside: 30 refusals by the kernel", from_outside});
