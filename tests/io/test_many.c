/* SPDX-License-Identifier: MIT */
/* Many connections at once, between two processes. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../channels/child.h"
#include "../channels/kinds.h"
#include "net_test.h"

enum { CONNECTIONS = 18000 / SLOWNESS, FEWER = CONNECTIONS / 10, MESSAGE = 64, ROUNDS = 2 };

/* Under faults all of them take minutes: ./dev soak has the time. */
static unsigned connections(void)
{
    return faults_of_program() == FAULTS_NONE || getenv("WEIR_SOAK") ? CONNECTIONS : FEWER;
}

static weir_address server;
static int listening;

static void make_message(unsigned char *message, unsigned who, unsigned round)
{
    for (unsigned i = 0; i < MESSAGE; i++)
        message[i] = (unsigned char)(who >> (8 * (i & 3)) ^ i * 37 ^ round * 101);
}

/* ---- the client's process ------------------------------------------------------------------ */

struct client {
    unsigned who;
    weir_barrier all;
};

/* Sixteen connect at a time: it is about how many there are, not about how fast they come. */
static weir_semaphore turns;

static int connects(weir_stream *s)
{
    int rc = weir_semaphore_acquire(turns);
    if (rc < 0)
        return rc;
    *s = weir_address_connect(&server, NULL);
    weir_semaphore_release(turns);
    return weir_check(*s);
}

static int client(void *arg)
{
    const struct client *c = arg;
    weir_stream s;
    unsigned char sent[MESSAGE], got[MESSAGE];
    int rc = connects(&s);
    for (unsigned round = 0; round < ROUNDS && rc >= 0; round++) {
        make_message(sent, c->who, round);
        rc = weir_stream_send(s, sent, MESSAGE, NULL);
        for (size_t n = 0; n < MESSAGE && rc >= 0; n += (size_t)rc)
            if ((rc = (int)weir_stream_recv(s, got + n, MESSAGE - n)) == 0)
                rc = WEIR_EPIPE;
        if (rc >= 0 && memcmp(sent, got, MESSAGE) != 0)
            rc = WEIR_EINVAL;
        if (rc >= 0 && round == 0)
            rc = weir_barrier_wait(c->all); /* all are connected */
    }
    return rc < 0 ? rc : weir_close(s);
}

static int clients(void *unused)
{
    struct client c = {0};
    (void)unused;
    turns = weir_semaphore_open(16, 16);
    c.all = weir_barrier_open(connections());
    weir_group g = weir_group_begin();
    for (; c.who < connections(); c.who++)
        if (weir_spawn(g, client, &c) < 0)
            return WEIR_ENOMEM;
    return weir_group_end(g);
}

static int client_process(void)
{
    close(listening);
    int before = descriptors_open();
    CHECK_RC(weir_run(clients, NULL, NULL), 0);
    await_descriptors(before);
    return 0;
}

/* ---- the server's -------------------------------------------------------------------------- */

static int echo(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    char buffer[MESSAGE];
    ssize_t n;
    while ((n = weir_stream_recv(s, buffer, sizeof buffer)) > 0)
        if (weir_stream_send(s, buffer, (size_t)n, NULL) < 0)
            return WEIR_EPIPE;
    return (int)n;
}

static int serves(void *unused)
{
    weir_listener l = weir_listener_adopt(&listening, 1);
    weir_stream s;
    (void)unused;
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < connections(); i++) {
        REQUIRE_RC(weir_accept_by(l, &s, weir_after(60 * WEIR_S)), 1);
        REQUIRE_RC(weir_spawn(g, echo, &s, .give = WEIR_GIVE(weir_stream, h)), 0);
    }
    EXPECT_RC(weir_close(l), 0);
    return weir_group_end(g);
}

static void eighteen_thousand(void)
{
    struct rlimit files;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);
    if (files.rlim_max < connections() + 100)
        return;        /* the machine does not allow it */
    await_no_thread(); /* a child that has another one's poller may call nothing */
    int before = descriptors_open();
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(listening, (struct sockaddr *)&at, size) == 0);
    REQUIRE(listen(listening, 4096) == 0);
    REQUIRE(getsockname(listening, (struct sockaddr *)&at, &size) == 0);
    REQUIRE_RC(weir_address_from(&server, (struct sockaddr *)&at, size), 0);
    fflush(NULL);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        test_goes_on(); /* it inherits no alarm */
        int status = client_process();
        child_keeps_coverage();
        _exit(status);
    }
    EXPECT_RC(weir_run(serves, NULL, NULL), 0);
    EXPECT_EQ(status_of(pid), 0);
    await_descriptors(before);
}

TEST_SUITE(many, "io: many connections",
           {"L1 F086 many: 18,000 between two processes, no byte lost", eighteen_thousand});
