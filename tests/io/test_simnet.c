/* SPDX-License-Identifier: MIT */
/* The network of simulated runs: weir/simnet.h. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net_test.h"

enum { SEEDS = 200 };

/* By each of these seeds; afterwards no descriptor is open that was not before. */
static void simulate(weir_body body, uint64_t seeds)
{
    int before = descriptors_open();
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        int rc = weir_run(body, NULL, &(weir_options){.simulate = true, .seed = seed});
        test_goes_on();
        if (!EXPECT_RC(rc, 0)) {
            printf("\n    ... seed %llu", (unsigned long long)seed);
            break;
        }
    }
    await_descriptors(before);
}

static weir_address address(const char *text, uint16_t port)
{
    weir_address a;
    EXPECT_RC(weir_address_parse(&a, text, port), 0);
    return a;
}

static int result_of(weir_task t)
{
    int result = WEIR_EAGAIN;
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    return result;
}

/* ---- an echo server, many clients ---------------------------------------------------------- */

static int echoes(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    char buffer[300];
    ssize_t n;
    while ((n = weir_stream_recv(s, buffer, sizeof buffer)) > 0)
        if ((n = weir_stream_send(s, buffer, (size_t)n, NULL)) < 0)
            break;
    return (int)n;
}

static int serves(void *arg)
{
    weir_listener l = *(weir_listener *)arg;
    weir_stream s;
    int rc;
    weir_group g = weir_group_begin();
    while ((rc = weir_accept(l, &s)) > 0)
        EXPECT_RC(weir_spawn(g, echoes, &s, .give = WEIR_GIVE(weir_stream, h), .isolated = true),
                  0);
    EXPECT_RC(rc, WEIR_ECLOSED);
    return weir_group_end(g);
}

enum { CLIENTS = 5, BYTES = 2000 };

static int sends(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    unsigned char bytes[BYTES];
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)(i * 7 >> 2);
    int rc = weir_stream_send(s, bytes, BYTES, NULL);
    return rc < 0 ? rc : weir_stream_send_eof(s);
}

static int client(void *arg)
{
    const weir_address *at = arg;
    unsigned char got[BYTES + 1];
    weir_stream s = weir_address_connect(at, NULL);
    if (weir_check(s) < 0)
        return weir_check(s);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, sends, &s, .isolated = true), 0);
    ssize_t n = receive_exactly(s, got, BYTES);
    if (n == BYTES) {
        for (size_t i = 0; i < BYTES; i++)
            if (got[i] != (unsigned char)(i * 7 >> 2)) {
                FAIL("the byte that was sent");
                break;
            }
        n = weir_stream_recv(s, got, 1);
    }
    int rc = weir_group_end(g);
    return rc < 0 ? rc : (int)n;
}

static int echo(const char *where)
{
    weir_address at = address(where, 7);
    weir_listener l = weir_address_listen(&at, NULL);
    weir_task t[CLIENTS];
    REQUIRE_RC(weir_check(l), 0);
    weir_group g = weir_group_begin(), clients = weir_group_begin();
    EXPECT_RC(weir_spawn(g, serves, &l), 0);
    for (int i = 0; i < CLIENTS; i++)
        EXPECT_RC(weir_spawn(clients, client, &at, .task = &t[i], .isolated = true), 0);
    EXPECT_RC(weir_group_end(clients), 0);
    for (int i = 0; i < CLIENTS; i++)
        EXPECT_RC(result_of(t[i]), 0);
    EXPECT_RC(weir_close(l), 0);
    return weir_group_end(g);
}

static int echo_tcp(void *unused)
{
    (void)unused;
    return echo("10.1.2.3");
}

static int echo_unix(void *unused)
{
    (void)unused;
    return echo("/no/such/folder/app.sock");
}

static int echo_v6(void *unused)
{
    (void)unused;
    return echo("2001:db8::1");
}

/* Longer by WEIR_SOAK: test_load.c. */
static uint64_t soak(uint64_t seeds)
{
    const char *told = getenv("WEIR_SOAK");
    unsigned long n = told ? strtoul(told, NULL, 10) : 1;
    return seeds * (n < 1 ? 1 : n < 1000 ? n : 1000);
}

static void echoed(void)
{
    simulate(echo_tcp, soak(SEEDS));
    simulate(echo_unix, soak(SEEDS));
    simulate(echo_v6, SEEDS / 4);
}

/* ---- the same seed, the same run ----------------------------------------------------------- */

static void repeated(void)
{
    uint64_t traces[20];
    int different = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        for (int again = 0; again < 3; again++) {
            EXPECT_RC(weir_run(echo_tcp, NULL, &(weir_options){.simulate = true, .seed = seed}), 0);
            if (again == 0)
                traces[seed - 1] = weir_simulated_trace();
            EXPECT(weir_simulated_trace() == traces[seed - 1]);
        }
        different += seed > 1 && traces[seed - 1] != traces[seed - 2];
    }
    EXPECT_EQ(different, 19);
}

/* ---- time ---------------------------------------------------------------------------------- */

static int says_one(void *arg)
{
    weir_listener l = *(weir_listener *)arg;
    weir_stream s;
    if (weir_accept(l, &s) != 1)
        return -1;
    EXPECT_RC(weir_stream_send(s, "!", 1, NULL), 0);
    char c;
    return (int)weir_stream_recv(s, &c, 1);
}

static int takes_time(void *unused)
{
    weir_address at = address("10.0.0.1", 80);
    char c;
    (void)unused;
    EXPECT_RC(weir_simnet_set(&(weir_simnet_options){.delay_least = WEIR_S, .delay_most = WEIR_S}),
              0);
    weir_listener l = weir_address_listen(&at, NULL);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, says_one, &l, .isolated = true), 0);
    weir_time before = weir_now();
    weir_stream s = weir_address_connect(&at, NULL);
    EXPECT_EQ(weir_now() - before, 2 * WEIR_S); /* there and back */
    EXPECT_EQ(weir_stream_recv(s, &c, 1), 1);
    EXPECT_EQ(weir_now() - before, 2 * WEIR_S); /* the server sent when it had accepted */
    EXPECT_RC(weir_settle(), 0);
    EXPECT_EQ(weir_stream_recv_by(s, &c, 1, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_close(s), 0);
    return weir_group_end(g);
}

static void timed(void)
{
    simulate(takes_time, 20);
}

/* ---- nobody there, nothing on its way ------------------------------------------------------ */

static int refused(void *unused)
{
    weir_address at = address("10.0.0.1", 80), path = address("/run/x", 0);
    weir_simnet_counters n;
    (void)unused;
    EXPECT_RC(weir_check(weir_address_connect(&at, NULL)), WEIR_ECONNREFUSED);
    EXPECT_RC(weir_check(weir_address_connect(&path, NULL)), WEIR_ENOENT);
    weir_listener l = weir_address_listen(&at, NULL), again = weir_address_listen(&at, NULL);
    EXPECT_RC(weir_check(l), 0);
    EXPECT_RC(weir_check(again), WEIR_EADDRINUSE);
    EXPECT_RC(weir_simnet_set(&(weir_simnet_options){.refuse = 1000}), 0);
    EXPECT_RC(weir_check(weir_address_connect(&at, NULL)), WEIR_ECONNREFUSED);
    EXPECT_RC(weir_simnet_count(&n), 0);
    EXPECT_EQ(n.refused, 3);
    EXPECT_EQ(n.sockets, 1);
    EXPECT_RC(weir_simnet_count(NULL), WEIR_EINVAL);
    EXPECT_RC(weir_simnet_set(NULL), WEIR_EINVAL);
    EXPECT_RC(weir_simnet_cut(NULL, true), WEIR_EINVAL);
    EXPECT_RC(weir_simnet_set(&(weir_simnet_options){.partial = 1001}), WEIR_EINVAL);
    return 0;
}

static int waits_for_ever(void *arg)
{
    char c;
    return (int)weir_stream_recv(*(weir_stream *)arg, &c, 1);
}

static int dead(void *unused)
{
    weir_address at = address("10.0.0.1", 80);
    weir_listener l = weir_address_listen(&at, NULL);
    weir_stream b, a = weir_address_connect(&at, NULL);
    weir_task t;
    (void)unused;
    EXPECT_EQ(weir_accept(l, &b), 1);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, waits_for_ever, &b, .task = &t, .isolated = true), 0);
    EXPECT_RC(waits_for_ever(&a), WEIR_EDEADLK);
    EXPECT_RC(result_of(t), WEIR_EDEADLK);
    EXPECT_EQ(weir_accept(l, &b), WEIR_EDEADLK);
    return weir_group_end(g);
}

static void nobody(void)
{
    simulate(refused, 20);
    for (uint64_t seed = 1; seed <= 20; seed++)
        EXPECT_RC(weir_run(dead, NULL, &(weir_options){.simulate = true, .seed = seed}),
                  WEIR_EDEADLK);
    EXPECT_RC(weir_simnet_set(&(weir_simnet_options){0}), WEIR_EPERM);
}

/* The state letter of a thread as the kernel shows it; 0: it is not known. */
static char state_of(pid_t tid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    const char *name_ends = n > 0 ? strrchr(text, ')') : NULL;
    return name_ends ? name_ends[2] : '\0';
}

struct run_thread {
    pid_t tid;
    atomic_bool parks; /* all of its actors are about to */
};

/* Another thread, which might do anything, until the run sleeps because of it. */
static void *stays_until_asleep(void *arg)
{
    struct run_thread *run = arg;
    while (!atomic_load(&run->parks) || state_of(run->tid) != 'S')
        sched_yield();
    return NULL;
}

static int dead_beside(void *arg)
{
    struct run_thread *run = *(struct run_thread **)arg;
    weir_address at = address("10.0.0.1", 80);
    weir_listener l = weir_address_listen(&at, NULL);
    weir_stream s;
    atomic_store(&run->parks, true);
    EXPECT_EQ(weir_accept(l, &s), WEIR_EDEADLK);
    return 0;
}

static void nobody_any_more(void)
{
    struct run_thread run = {.tid = (pid_t)syscall(SYS_gettid)}, *arg = &run;
    pthread_t other;
    EXPECT_EQ(pthread_create(&other, NULL, stays_until_asleep, &run), 0);
    EXPECT_RC(weir_run(dead_beside, &arg, &(weir_options){.simulate = true}), WEIR_EDEADLK);
    pthread_join(other, NULL);
}

/* ---- broken -------------------------------------------------------------------------------- */

static int broken_somewhere(void *arg)
{
    weir_address at = address("10.1.2.3", 7);
    weir_simnet_counters n;
    weir_task t[CLIENTS];
    uint64_t *resets = *(uint64_t **)arg;
    EXPECT_RC(weir_simnet_set(&(weir_simnet_options){.reset = 50000, .buffer = 100}), 0);
    weir_listener l = weir_address_listen(&at, NULL);
    weir_group g = weir_group_begin(), clients = weir_group_begin();
    EXPECT_RC(weir_spawn(g, serves, &l), 0);
    for (int i = 0; i < CLIENTS; i++)
        EXPECT_RC(weir_spawn(clients, client, &at, .task = &t[i], .isolated = true), 0);
    EXPECT_RC(weir_group_end(clients), 0);
    for (int i = 0; i < CLIENTS; i++) {
        int rc = result_of(t[i]);
        EXPECT(rc == 0 || rc == WEIR_ECONNRESET || rc == WEIR_EPIPE);
    }
    EXPECT_RC(weir_close(l), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_simnet_count(&n), 0);
    EXPECT_EQ(n.sockets, 0);
    *resets += n.resets;
    return 0;
}

static uint64_t resets;

static int broken_here(void *unused)
{
    uint64_t *here = &resets;
    (void)unused;
    return broken_somewhere(&here);
}

static void broken(void)
{
    resets = 0;
    simulate(broken_here, soak(SEEDS));
    EXPECT(resets > SEEDS);
}

static int cut_off(void *unused)
{
    weir_address at = address("10.0.0.1", 80), host = address("10.0.0.1", 0);
    weir_listener l = weir_address_listen(&at, NULL);
    weir_stream b, a = weir_address_connect(&at, NULL);
    char c[2];
    (void)unused;
    EXPECT_EQ(weir_accept(l, &b), 1);
    EXPECT_RC(weir_simnet_cut(&host, true), 0);
    EXPECT_RC(weir_stream_send(a, "xy", 2, NULL), 0);
    EXPECT_EQ(weir_stream_recv_by(b, c, 2, weir_after(60 * WEIR_S)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_simnet_cut(&host, false), 0);
    EXPECT_EQ(receive_exactly(b, c, 2), 2);
    EXPECT(c[0] == 'x' && c[1] == 'y');
    EXPECT_EQ(weir_stream_recv_by(b, c, 2, weir_after(3600 * WEIR_S)), WEIR_ETIMEDOUT);
    /* For longer than it waits to be acknowledged; and the other one for longer than it probes. */
    EXPECT_RC(weir_simnet_cut(&at, true), 0);
    weir_time before = weir_now();
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    EXPECT_EQ(weir_stream_recv(a, c, 1), WEIR_ETIMEDOUT);
    EXPECT(weir_now() - before >= 120 * WEIR_S && weir_now() - before <= 121 * WEIR_S);
    EXPECT_EQ(weir_stream_recv(b, c, 1), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), WEIR_EPIPE);
    weir_stream none = weir_address_connect(&at, &(weir_tcp_options){.timeout = WEIR_S});
    EXPECT_RC(weir_check(none), WEIR_ETIMEDOUT);
    none = weir_address_connect(&at, &(weir_tcp_options){.timeout = WEIR_NEVER});
    EXPECT_RC(weir_check(none), WEIR_ETIMEDOUT);
    return 0;
}

static void partitioned(void)
{
    simulate(cut_off, 50);
}

static int ends_in_each_way(void *unused)
{
    weir_address at = address("10.0.0.1", 80);
    char c[3];
    (void)unused;
    for (int how = 0; how < 3; how++) {
        weir_listener l = weir_address_listen(&at, NULL);
        weir_stream b, a = weir_address_connect(&at, NULL);
        EXPECT_EQ(weir_accept(l, &b), 1);
        EXPECT_RC(weir_stream_send(a, "ab", 2, NULL), 0);
        if (how == 0)
            EXPECT_RC(weir_stream_send_eof(a), 0);
        else if (how == 1)
            EXPECT_RC(weir_close(a), 0);
        else
            EXPECT_RC(weir_stream_abort(a), 0);
        EXPECT_EQ(receive_exactly(b, c, 2), 2);
        for (int i = 0; i < 2; i++)
            EXPECT_RC((int)weir_stream_recv(b, c, 1), how == 2 ? WEIR_ECONNRESET : 0);
        int rc = weir_stream_send(b, "c", 1, NULL);
        EXPECT_RC(rc, how == 2 ? WEIR_EPIPE : 0);
        if (how == 0)
            EXPECT_EQ(weir_stream_recv(a, c, 1), 1);
        weir_close(a);
        weir_close(b);
        weir_close(l);
    }
    return 0;
}

static void ended(void)
{
    simulate(ends_in_each_way, 50);
}

TEST_SUITE(simnet, "io: the network of simulated runs",
           {"R8 F058 F059 simulated sockets: an echo server, TCP and UNIX", echoed},
           {"R8 simulated sockets: the same seed, the same run", repeated},
           {"R8 simulated sockets: virtual time", timed},
           {"R8 F082 simulated sockets: refused, dead locks, misuse", nobody},
           {"R8 simulated sockets: a dead lock when another thread has gone", nobody_any_more},
           {"R8 F061 F090 simulated sockets: broken connections", broken},
           {"R8 F9 simulated sockets: an address that is cut off", partitioned},
           {"R8 F069 F088 F090 simulated sockets: each end", ended});
