/* SPDX-License-Identifier: MIT */
/*
 * F11: a server that has no descriptors left, in a process of its own with few of them. All who
 * want to be served are in the listener's queue before it begins, so what it meets does not depend
 * on who is faster. A turn of the back-off is at most so many accept calls; how many turns there
 * can have been follows from the server's own clock.
 */
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../channels/child.h"
#include "net_test.h"

enum { CLIENTS = 500, FEW = 64, FAILURES = 4, CALLS_PER_TURN = 3 };

/* The server has one worker, so that nobody else opens or closes descriptors; or a thread does. */
enum way { ALONE, THIEF, MANY };

static const weir_time back_off = 100 * WEIR_MS; /* serve.c's */

/* What both processes have: the listener, and a connection on which the server is asked. */
static struct sockaddr_in at;
static int listening, control[2], told[2];

/* ---- accept(2), as the server's process calls it -------------------------------------------- */

static struct {
    struct net net;
    atomic_int calls, failures;
    weir_time first_failure;
    bool thief; /* takes what the server sets free, before it can use it */
    bool armed;
    int stolen;
} accepts;

/* Under the listener's lock, so by one thread at a time. */
static int counted_accept(int fd)
{
    if (accepts.armed && accepts.stolen < 0)
        accepts.stolen = dup(STDIN_FILENO);
    int rc = os_net_kernel.accept(fd);
    atomic_fetch_add(&accepts.calls, 1);
    if (rc != -EMFILE)
        return rc;
    accepts.armed = accepts.thief;
    int n = atomic_fetch_add(&accepts.failures, 1) + 1;
    if (n == 1)
        accepts.first_failure = weir_now();
    if (n == FAILURES && write(told[1], "!", 1) != 1)
        abort();
    return rc;
}

static void count_accepts(bool thief)
{
    accepts.net = os_net_kernel;
    accepts.net.accept = counted_accept;
    accepts.thief = thief;
    accepts.stolen = -1;
    os_net_set(&accepts.net);
}

/* ---- the server's process ------------------------------------------------------------------- */

/* What it says of itself. */
struct report {
    int calls, failures;
    weir_time since; /* the first failure */
    uint64_t accepted, shortages;
    int told; /* of a shortage, by the hook */
};

static atomic_int heard;

static void hear(const weir_serve_event *e, void *context)
{
    (void)context;
    atomic_fetch_add(&heard, e->kind == WEIR_SERVE_SHORT);
}

static int echo(weir_stream s, void *arg)
{
    char c;
    int rc;
    (void)arg;
    while ((rc = (int)weir_stream_recv(s, &c, 1)) > 0)
        if ((rc = weir_stream_send(s, &c, 1, NULL)) < 0)
            break;
    return rc;
}

struct served {
    weir_server server;
    weir_listener listener;
};

static int serves(void *arg)
{
    struct served *a = arg;
    return weir_server_run(a->server, a->listener, echo, NULL);
}

static struct report report_of(weir_server s)
{
    weir_server_statistics n = {0};
    struct report r = {.calls =
                           atomic_load(&accepts.calls), /* before those that are counted below */
                       .failures = atomic_load(&accepts.failures)};
    EXPECT_RC(weir_server_statistics_get(s, &n), 0);
    r.since = r.failures > 0 ? weir_now() - accepts.first_failure : 0;
    r.accepted = n.accepted;
    r.shortages = n.shortages;
    r.told = atomic_load(&heard);
    return r;
}

/* '?': how it is; the end of the connection ends it. */
static int serves_and_tells(void *unused)
{
    char c;
    struct served a = {.listener = weir_listener_adopt(&listening, 1)};
    weir_stream asked = weir_stream_adopt(control[1]);
    weir_group g = weir_group_begin();
    (void)unused;
    /* There is a poller from now on: the last descriptors are not for that. */
    EXPECT_RC((int)weir_stream_recv_by(asked, &c, 1, weir_after(0)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_stream_send(asked, "!", 1, NULL), 0);
    EXPECT_EQ(weir_stream_recv(asked, &c, 1), 1);
    a.server = weir_server_open(&(weir_serve_options){.hook = hear});
    REQUIRE_RC(weir_spawn(g, serves, &a), 0);
    while (weir_stream_recv(asked, &c, 1) == 1) {
        struct report r = report_of(a.server);
        EXPECT_RC(weir_stream_send(asked, &r, sizeof r, NULL), 0);
    }
    EXPECT_RC(weir_close(a.listener), 0);
    int rc = weir_group_end(g);
    EXPECT_RC(weir_close(asked), 0);
    EXPECT_RC(weir_close(a.server), 0);
    return rc;
}

static int server_process(enum way way)
{
    const weir_options options = {.workers = way == MANY ? 4 : 1};
    unsigned before = CU_get_number_of_failures();
    close(control[0]);
    close(told[0]);
    int next = dup(STDIN_FILENO);
    close(next);
    const struct rlimit few = {(rlim_t)next + FEW, (rlim_t)next + FEW};
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    count_accepts(way == THIEF);
    CHECK(weir_run(serves_and_tells, NULL, &options) == 0);
    CHECK((way == THIEF) == (accepts.stolen >= 0));
    CHECK(CU_get_number_of_failures() == before);
    return 0;
}

/* ---- the clients' --------------------------------------------------------------------------- */

static struct {
    weir_address at;
    weir_barrier all;
    weir_event release;
    atomic_int served, turned_away;
} clients;

static bool is_answered(weir_stream s)
{
    char c = 0;
    return weir_stream_recv(s, &c, 1) == 1 && c == 'x';
}

/* What it gets, and what it keeps until it is told. */
static int client(void *unused)
{
    weir_stream s = weir_address_connect(&clients.at, NULL);
    int rc = weir_check(s);
    (void)unused;
    if (rc == 0)
        rc = weir_stream_send(s, "x", 1, NULL);
    if (rc == 0)
        rc = weir_barrier_wait(clients.all);
    if (rc < 0)
        return rc;
    bool served = is_answered(s);
    atomic_fetch_add(served ? &clients.served : &clients.turned_away, 1);
    if (served)
        rc = weir_event_wait(clients.release);
    EXPECT_RC(weir_close(s), 0);
    return rc;
}

static struct report ask(weir_stream c)
{
    struct report r = {0};
    EXPECT_RC(weir_stream_send(c, "?", 1, NULL), 0);
    EXPECT_EQ(receive_exactly(c, &r, sizeof r), sizeof r);
    return r;
}

/* None has ended, so only time has ended turns of the back-off. */
static void expect_few_calls(const struct report *r)
{
    weir_time turns = r->since / back_off + 1;
    bool few = r->calls <= (int)r->accepted + CALLS_PER_TURN * (int)turns;
    EXPECT(r->failures >= FAILURES);
    if (!EXPECT(few))
        printf("\n    ... %d calls, %d accepted", r->calls, (int)r->accepted);
    EXPECT_EQ(r->told, 1);
    EXPECT_EQ(r->shortages, 1);
    EXPECT(r->accepted > 0 && r->accepted < FEW);
}

static weir_stream first_client(void)
{
    weir_stream s = weir_address_connect(&clients.at, NULL);
    EXPECT_RC(weir_check(s), 0);
    EXPECT_RC(weir_stream_send(s, "x", 1, NULL), 0);
    return s;
}

static void begin_all(weir_group g)
{
    clients.all = weir_barrier_open(CLIENTS + 1);
    clients.release = weir_event_open();
    atomic_store(&clients.served, 0);
    atomic_store(&clients.turned_away, 0);
    for (int i = 0; i < CLIENTS; i++)
        EXPECT_RC(weir_spawn(g, client, NULL), 0);
    EXPECT(weir_barrier_wait(clients.all) >= 0);
}

/* It is short, and has been for some turns of the back-off: then all get what they are to get. */
static void meet_shortage(weir_group g, weir_stream server, weir_stream tells, weir_stream live)
{
    char c;
    EXPECT_EQ(weir_stream_recv(server, &c, 1), 1);
    EXPECT_RC(weir_stream_send(server, "!", 1, NULL), 0);
    EXPECT(is_answered(live));
    EXPECT_EQ(weir_stream_recv(tells, &c, 1), 1);
    struct report r = ask(server);
    expect_few_calls(&r);
    EXPECT_RC(weir_stream_send(live, "x", 1, NULL), 0);
    EXPECT(is_answered(live));
    EXPECT_RC(weir_event_set(clients.release), 0);
    EXPECT_RC(weir_group_end(g), 0);
    r = ask(server);
    EXPECT_EQ(r.accepted, (uint64_t)atomic_load(&clients.served) + 1);
    EXPECT_EQ(r.told, 1);
    EXPECT_EQ(r.shortages, 1);
}

static int all_are_served(void *arg)
{
    enum way way = *(enum way *)arg;
    weir_stream server = weir_stream_adopt(control[0]), tells = weir_stream_adopt(told[0]);
    weir_group g = weir_group_begin();
    weir_stream live = first_client();
    begin_all(g);
    meet_shortage(g, server, tells, live);
    int away = atomic_load(&clients.turned_away);
    EXPECT_EQ(atomic_load(&clients.served) + away, CLIENTS);
    if (way == ALONE)
        EXPECT(away >= FAILURES - 1);
    if (way == THIEF)
        EXPECT_EQ(away, 0);
    EXPECT_RC(weir_close(live), 0);
    EXPECT_RC(weir_close(server), 0);
    EXPECT_RC(weir_close(tells), 0);
    return 0;
}

/* ---- both ----------------------------------------------------------------------------------- */

static void open_listener(void)
{
    socklen_t size = sizeof at;
    at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(listening, (struct sockaddr *)&at, size) == 0);
    REQUIRE(listen(listening, 4096) == 0);
    REQUIRE(getsockname(listening, (struct sockaddr *)&at, &size) == 0);
    REQUIRE_RC(weir_address_from(&clients.at, (struct sockaddr *)&at, size), 0);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) == 0);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, told) == 0);
}

static bool may_have_as_many(void)
{
    struct rlimit files;
    REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
    if (files.rlim_cur < CLIENTS + 100 && files.rlim_max > files.rlim_cur) {
        files.rlim_cur = files.rlim_max;
        REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);
    }
    return files.rlim_cur >= CLIENTS + 100;
}

static void two_processes(enum way way)
{
    await_no_thread();
    int before = descriptors_open();
    open_listener();
    fflush(NULL);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        int status = server_process(way);
        child_keeps_coverage();
        _exit(status);
    }
    close(listening);
    close(control[1]);
    close(told[1]);
    EXPECT_RC(weir_run(all_are_served, &way, NULL), 0);
    EXPECT_EQ(status_of(pid), 0);
    await_descriptors(before);
}

static void some_times(enum way way)
{
    const char *soak = getenv("WEIR_SOAK");
    long n = soak ? strtol(soak, NULL, 10) : 1;
    if (!may_have_as_many())
        return; /* the machine does not allow it */
    for (long i = 0; i < n && i < 100; i++) {
        two_processes(way);
        test_goes_on();
    }
}

static void exhausted(void)
{
    some_times(ALONE);
}

static void stolen(void)
{
    some_times(THIEF);
}

static void several_workers(void)
{
    some_times(MANY);
}

TEST_SUITE(exhausted, "io: out of descriptors",
           {"F11 F086 serve: 500 clients for 64 descriptors: turned away, or served", exhausted},
           {"F11 F086 serve: the descriptor in reserve is stolen", stolen},
           {"F11 F086 serve: a worker has no descriptor for a poller", several_workers});
