/* SPDX-License-Identifier: MIT */
/* Serving: weir_serve and weir_server_run; rows F067, F086, F149. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net_test.h"
#include "os_net.h"

/* ---- what most tests need ------------------------------------------------------------------ */

static int echo(weir_stream s, void *arg)
{
    char buffer[1000];
    ssize_t n;
    (void)arg;
    while ((n = weir_stream_recv(s, buffer, sizeof buffer)) > 0)
        if ((n = weir_stream_send(s, buffer, (size_t)n, NULL)) < 0)
            break;
    return (int)n;
}

/* A server's actor, with what it returned. */
struct served {
    weir_server server;
    weir_listener listener;
    weir_handler handler;
    void *arg;
};

static int serves(void *arg)
{
    struct served *a = arg;
    return weir_server_run(a->server, a->listener, a->handler, a->arg);
}

static weir_server begin(weir_group g, weir_listener l, weir_handler handler, void *arg,
                         const weir_serve_options *options, weir_task *t)
{
    struct served a = {weir_server_open(options), l, handler, arg};
    EXPECT_RC(weir_check(a.server), 0);
    EXPECT_RC(weir_spawn(g, serves, &a, .task = t, .isolated = true, .name = "server"), 0);
    return a.server;
}

static int result_of(weir_task t)
{
    int result = WEIR_EAGAIN;
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    return result;
}

static weir_server_statistics counters(weir_server s)
{
    weir_server_statistics n = {0};
    EXPECT_RC(weir_server_statistics_get(s, &n), 0);
    return n;
}

/* A word there and back. */
static void ask(weir_stream s)
{
    char c[6] = "";
    EXPECT_RC(weir_stream_send(s, "hello", 5, NULL), 0);
    for (size_t have = 0; have < 5;) {
        ssize_t n = weir_stream_recv(s, c + have, 5 - have);
        EXPECT(n > 0);
        if (n <= 0)
            return;
        have += (size_t)n;
    }
    EXPECT(memcmp(c, "hello", 5) == 0);
}

/* The peer has closed; *rc: how. */
static ssize_t end_of(weir_stream s)
{
    char c;
    return weir_stream_recv(s, &c, 1);
}

/* ---- it serves ----------------------------------------------------------------------------- */

static int echoes_many(void *arg)
{
    enum { MANY = 50 };
    weir_address at;
    weir_stream s[MANY];
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, echo, NULL, NULL, &t);
    (void)arg;
    for (int i = 0; i < MANY; i++) {
        s[i] = weir_address_connect(&at, NULL);
        EXPECT_RC(weir_check(s[i]), 0);
        ask(s[i]);
    }
    weir_server_statistics n = counters(server);
    EXPECT_EQ(n.connections, MANY);
    EXPECT_EQ(n.handlers, MANY);
    EXPECT_EQ(n.accepted, MANY);
    for (int i = 0; i < MANY; i++) {
        ask(s[i]);
        EXPECT_RC(weir_stream_send_eof(s[i]), 0);
        EXPECT_EQ(end_of(s[i]), 0);
        weir_close(s[i]);
    }
    EXPECT_RC(weir_close(l), 0);
    EXPECT_RC(result_of(t), 0);
    n = counters(server);
    EXPECT_EQ(n.connections, 0);
    EXPECT_EQ(n.done, MANY);
    EXPECT_EQ(n.failed, 0);
    return weir_group_end(g);
}

static void echoes(void)
{
    run_and_count(echoes_many, NULL);
}

/* ---- handlers that fail -------------------------------------------------------------------- */

/* What the hook was told; the last of each kind that the server's actor tells. */
static struct heard {
    atomic_int count[8];
    weir_serve_event last[8];
} heard;

static void hear(const weir_serve_event *e, void *context)
{
    struct heard *h = context;
    if (e->kind != WEIR_SERVE_ENDED)
        h->last[e->kind] = *e;
    atomic_fetch_add(&h->count[e->kind], 1);
}

static int heard_of(weir_serve_event_kind kind)
{
    return atomic_load(&heard.count[kind]);
}

static void deaf(void)
{
    memset(&heard, 0, sizeof heard);
}

/* A handler: 'f' fails, 'c' closes, 'p' parks, 'w' waits for ever, others are sent back. */
static int by_letter(weir_stream s, void *arg)
{
    char c = 0; /* also at the end */
    ssize_t n;
    (void)arg;
    while ((n = weir_stream_recv(s, &c, 1)) > 0) {
        if (c == 'f')
            return -EPROTO;
        if (c == 'c')
            return 0;
        if (c == 'w')
            return weir_sleep_until(WEIR_NEVER);
        if ((n = weir_stream_send(s, &c, 1, NULL)) < 0 || c == 'p')
            break;
    }
    return n < 0 ? (int)n : n > 0 || c == 'p' ? WEIR_PARK : 0;
}

static int send_letter(weir_stream s, char c)
{
    return weir_stream_send(s, &c, 1, NULL);
}

/* And the answer. */
static char asked(weir_stream s, char c)
{
    char answer = 0;
    return send_letter(s, c) == 0 && weir_stream_recv(s, &answer, 1) == 1 ? answer : 0;
}

static int isolates(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_serve_options o = {.hook = hear, .context = &heard};
    (void)arg;
    deaf();
    weir_server server = begin(g, l, by_letter, NULL, &o, &t);
    weir_stream a = weir_address_connect(&at, NULL), b = weir_address_connect(&at, NULL);
    EXPECT_EQ(asked(a, 'x'), 'x');
    EXPECT_EQ(asked(b, 'x'), 'x');
    EXPECT_RC(send_letter(a, 'f'), 0);
    EXPECT_RC((int)end_of(a), WEIR_ECONNRESET);
    EXPECT_EQ(asked(b, 'y'), 'y');
    EXPECT_RC(send_letter(b, 'c'), 0);
    EXPECT_RC((int)end_of(b), 0);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    EXPECT_EQ(counters(server).failed, 1);
    EXPECT_EQ(counters(server).done, 1);
    EXPECT_EQ(heard_of(WEIR_SERVE_ACCEPTED), 2);
    EXPECT_EQ(heard_of(WEIR_SERVE_ENDED), 2);
    EXPECT_EQ(heard_of(WEIR_SERVE_DRAINS), 1);
    EXPECT_EQ(heard.last[WEIR_SERVE_ACCEPTED].connection, 2);
    EXPECT_EQ(heard.last[WEIR_SERVE_ACCEPTED].peer.family, AF_INET);
    return weir_group_end(g);
}

static void isolated(void)
{
    run_and_count(isolates, NULL);
}

static int passes_on(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, by_letter, NULL, &(weir_serve_options){.propagate = true}, &t);
    weir_stream a = weir_address_connect(&at, NULL), b = weir_address_connect(&at, NULL);
    (void)arg;
    EXPECT_RC(send_letter(b, 'w'), 0);
    EXPECT_RC(send_letter(a, 'f'), 0);
    EXPECT_RC(result_of(t), -EPROTO);
    EXPECT_EQ(counters(server).failed, 1);
    EXPECT_EQ(counters(server).connections, 0);
    EXPECT_RC(weir_check(l), 0);
    return weir_group_end(g);
}

static void propagated(void)
{
    run_and_count(passes_on, NULL);
}

/* ---- the end ------------------------------------------------------------------------------- */

static int waits_for_handlers(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, by_letter, NULL, NULL, &t);
    weir_stream a = weir_address_connect(&at, NULL);
    (void)arg;
    EXPECT_EQ(asked(a, 'x'), 'x');
    EXPECT_RC(weir_close(l), 0);
    weir_settle();
    weir_stream late = weir_address_connect(&at, NULL);
    EXPECT_RC(weir_check(late), WEIR_ECONNREFUSED);
    EXPECT_EQ(asked(a, 'y'), 'y');
    EXPECT_RC(send_letter(a, 'c'), 0);
    EXPECT_RC(result_of(t), 0);
    EXPECT_RC((int)end_of(a), 0);
    EXPECT_EQ(counters(server).done, 1);
    return weir_group_end(g);
}

static void listener_closed(void)
{
    run_and_count(waits_for_handlers, NULL);
}

/* A handler that does not hear its cancellation, only the end of its stream. */
static int is_deaf(weir_stream s, void *arg)
{
    char c;
    ssize_t n;
    (void)arg;
    EXPECT_RC(weir_stream_send(s, "x", 1, NULL), 0);
    weir_scope scope = weir_scope_begin();
    weir_scope_shield(scope, true);
    while ((n = weir_stream_recv(s, &c, 1)) > 0)
        ;
    weir_scope_end(scope);
    return (int)n;
}

static int ends_by_force(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_serve_options o = {.drain = WEIR_MS, .close = WEIR_MS};
    bool deaf_one = *(bool *)arg;
    weir_server server = begin(g, l, deaf_one ? is_deaf : by_letter, NULL, &o, &t);
    weir_stream a = weir_address_connect(&at, NULL);
    char c;
    if (deaf_one)
        EXPECT_EQ(weir_stream_recv(a, &c, 1), 1);
    else
        EXPECT_EQ(asked(a, 'x'), 'x');
    EXPECT_RC(weir_server_drain(server), 0);
    EXPECT_RC(weir_server_drain(server), 0);
    EXPECT_RC(result_of(t), 0);
    EXPECT_RC((int)end_of(a), WEIR_ECONNRESET);
    EXPECT_EQ(counters(server).drained, 1);
    EXPECT_EQ(counters(server).drains, true);
    EXPECT_RC(weir_check(l), WEIR_ECLOSED);
    EXPECT_RC(weir_server_run(server, l, by_letter, NULL), 0);
    return weir_group_end(g);
}

static void cancelled_handlers(void)
{
    run_and_count(ends_by_force, &(bool){false});
}

static void aborted_handlers(void)
{
    run_and_count(ends_by_force, &(bool){true});
}

/* ---- wrapped ------------------------------------------------------------------------------- */

/* Handlers that wrap their stream at once, which the server's handle then no longer names. */
static int fails_wrapped(weir_stream s, void *arg)
{
    char c;
    (void)arg;
    weir_buffered in = weir_buffer(s, NULL);
    EXPECT_EQ(weir_recv_exactly(in, &c, 1), 1);
    return c == 'f' ? -EPROTO : 0;
}

static int deaf_wrapped(weir_stream s, void *arg)
{
    return is_deaf(weir_text(weir_buffer(s, NULL).stream, "UTF-8", WEIR_TEXT_STRICT), arg);
}

static int deaf_chunks(weir_stream s, void *arg)
{
    weir_chunk_receiver rx;
    weir_chunk_sender tx;
    weir_chunk c;
    int rc;
    (void)arg;
    EXPECT_RC(weir_stream_ends(s, &rx, &tx), 0); /* before it can be drained, and cut off */
    EXPECT_RC(weir_chunk_copy(&c, "x", 1), 0);
    EXPECT_RC(weir_chunk_send(tx, c), 0);
    weir_scope scope = weir_scope_begin();
    weir_scope_shield(scope, true);
    while ((rc = weir_chunk_recv(rx, &c)) > 0)
        weir_chunk_free(&c);
    weir_scope_end(scope);
    return rc;
}

static int silent_wrapped(weir_stream s, void *arg)
{
    char c;
    (void)arg;
    return weir_recv_exactly(weir_buffer(s, NULL), &c, 1);
}

static int fails_when_wrapped(void *unused)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, fails_wrapped, NULL, NULL, &t);
    weir_stream a = weir_address_connect(&at, NULL), b = weir_address_connect(&at, NULL);
    (void)unused;
    EXPECT_RC(send_letter(a, 'f'), 0);
    EXPECT_RC((int)end_of(a), WEIR_ECONNRESET);
    EXPECT_RC(send_letter(b, 'c'), 0);
    EXPECT_RC((int)end_of(b), 0);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    EXPECT_EQ(counters(server).failed, 1);
    EXPECT_EQ(counters(server).done, 1);
    return weir_group_end(g);
}

/* Who does not hear that he is cancelled is told by his stream, whatever he has made of it. */
static int drains_when_wrapped(void *chunks)
{
    weir_address at;
    weir_task t;
    char c;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_serve_options o = {.drain = WEIR_MS, .close = WEIR_MS};
    weir_server server = begin(g, l, *(bool *)chunks ? deaf_chunks : deaf_wrapped, NULL, &o, &t);
    weir_stream a = weir_address_connect(&at, NULL);
    EXPECT_EQ(weir_stream_recv(a, &c, 1), 1);
    EXPECT_RC(weir_server_drain(server), 0);
    EXPECT_RC(result_of(t), 0);
    EXPECT_RC((int)end_of(a), WEIR_ECONNRESET);
    EXPECT_EQ(counters(server).drained, 1);
    return weir_group_end(g);
}

static int silent_when_wrapped(void *unused)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_serve_options o = {.first_byte = WEIR_MS};
    weir_server server = begin(g, l, silent_wrapped, NULL, &o, &t);
    weir_stream a = weir_address_connect(&at, NULL);
    (void)unused;
    EXPECT_RC((int)end_of(a), WEIR_ECONNRESET);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    EXPECT_EQ(counters(server).first_byte, 1);
    return weir_group_end(g);
}

static void wrapped_handlers(void)
{
    run_and_count(fails_when_wrapped, NULL);
    run_and_count(drains_when_wrapped, &(bool){false});
    run_and_count(drains_when_wrapped, &(bool){true});
    run_and_count(silent_when_wrapped, NULL);
}

/* It hears of the draining in its select. */
static int hears_of_it(weir_stream s, void *arg)
{
    weir_receiver drained = weir_server_drained(*(weir_server *)arg);
    char byte, none;
    weir_case c[] = {weir_on_stream_recv(s, &(weir_bytes){&byte, 1}), weir_on_recv(drained, &none)};
    EXPECT_RC(weir_stream_send(s, "x", 1, NULL), 0);
    int i = weir_select(c, 2, WEIR_FAIR);
    EXPECT_EQ(i, 1);
    EXPECT_EQ(c[1].rc, 0);
    return weir_stream_send(s, "bye", 3, NULL);
}

static int drains_gently(void *arg)
{
    weir_address at;
    weir_task t;
    char text[4] = "";
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = weir_server_open(NULL);
    struct served served = {server, l, hears_of_it, &server};
    (void)arg;
    EXPECT_RC(weir_spawn(g, serves, &served, .task = &t, .isolated = true), 0);
    weir_stream a = weir_address_connect(&at, NULL);
    EXPECT_EQ(weir_stream_recv(a, text, 1), 1);
    weir_receiver rx = weir_server_drained(server);
    EXPECT_RC(weir_try_recv(rx, text), WEIR_EAGAIN);
    EXPECT_RC(weir_close(server), 0);
    EXPECT_RC(weir_recv(rx, text), 0);
    EXPECT_RC(result_of(t), 0);
    EXPECT_EQ(receive_exactly(a, text, 3), 3);
    EXPECT_RC((int)end_of(a), 0);
    weir_server_statistics n;
    EXPECT_RC(weir_server_statistics_get(server, &n), WEIR_ECLOSED);
    EXPECT_RC(weir_check(weir_server_drained(server)), WEIR_ECLOSED);
    EXPECT_RC(weir_server_drain(server), WEIR_ECLOSED);
    return weir_group_end(g);
}

static void drained(void)
{
    run_and_count(drains_gently, NULL);
}

static int is_cancelled(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, by_letter, NULL, NULL, &t);
    weir_stream a = weir_address_connect(&at, NULL), b = weir_address_connect(&at, NULL);
    (void)arg;
    EXPECT_EQ(asked(a, 'x'), 'x');
    EXPECT_EQ(asked(b, 'p'), 'p');
    EXPECT_RC(weir_group_cancel(g, "enough"), 0);
    EXPECT_RC(weir_group_wait(g), 0);
    int result = 0;
    EXPECT_RC(weir_task_result(t, &result), 0);
    EXPECT_RC(result, WEIR_ECANCELED);
    EXPECT_EQ(counters(server).connections, 0);
    EXPECT_EQ(counters(server).drained, 2);
    weir_group_end(g);
    EXPECT_RC((int)end_of(a), WEIR_ECONNRESET);
    EXPECT_RC((int)end_of(b), 0);
    EXPECT_RC(weir_check(l), 0);
    return 0;
}

static void cancelled(void)
{
    run_and_count(is_cancelled, NULL);
}

/* ---- limits -------------------------------------------------------------------------------- */

static int keeps_to_limit(void *arg)
{
    weir_address at;
    weir_task t;
    char c;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, by_letter, NULL, &(weir_serve_options){.connections = 2}, &t);
    weir_stream s[3];
    (void)arg;
    for (int i = 0; i < 3; i++)
        s[i] = weir_address_connect(&at, NULL);
    EXPECT_EQ(asked(s[0], 'x'), 'x');
    EXPECT_EQ(asked(s[1], 'p'), 'p'); /* parked ones count */
    EXPECT_RC(send_letter(s[2], 'z'), 0);
    weir_settle();
    EXPECT_EQ(counters(server).accepted, 2);
    EXPECT_RC((int)weir_stream_try_recv(s[2], &c, 1), WEIR_EAGAIN);
    EXPECT_RC(send_letter(s[0], 'f'), 0);
    EXPECT_EQ(weir_stream_recv(s[2], &c, 1), 1);
    EXPECT_EQ(c, 'z');
    EXPECT_EQ(counters(server).accepted, 3);
    EXPECT_EQ(counters(server).connections, 2);
    EXPECT_RC(send_letter(s[1], 'c'), 0);
    EXPECT_RC(send_letter(s[2], 'c'), 0);
    EXPECT_RC(weir_close(l), 0);
    EXPECT_RC(result_of(t), 0);
    return weir_group_end(g);
}

static void limit(void)
{
    run_and_count(keeps_to_limit, NULL);
}

static weir_stream connect_from(const weir_address *at, const char *host)
{
    return weir_tcp_connect("127.0.0.1", at->port, &(weir_tcp_options){.local_host = host});
}

static int keeps_to_limit_of_peer(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_serve_options o = {.per_peer = 2, .hook = hear, .context = &heard};
    (void)arg;
    deaf();
    weir_server server = begin(g, l, by_letter, NULL, &o, &t);
    weir_stream a = connect_from(&at, "127.0.0.1"), b = connect_from(&at, "127.0.0.1");
    EXPECT_EQ(asked(a, 'x'), 'x');
    EXPECT_EQ(asked(b, 'p'), 'p');
    weir_stream c = connect_from(&at, "127.0.0.1");
    EXPECT_RC((int)end_of(c), WEIR_ECONNRESET);
    weir_stream d = connect_from(&at, "127.0.0.2");
    EXPECT_EQ(asked(d, 'x'), 'x');
    EXPECT_EQ(counters(server).refused, 1);
    EXPECT_EQ(heard_of(WEIR_SERVE_REFUSED), 1);
    EXPECT_RC(send_letter(a, 'c'), 0);
    EXPECT_RC((int)end_of(a), 0);
    while (counters(server).connections > 2)
        weir_yield();
    weir_stream e = connect_from(&at, "127.0.0.1");
    EXPECT_EQ(asked(e, 'x'), 'x');
    EXPECT_RC(weir_server_drain(server), 0);
    weir_close(d);
    weir_close(e);
    EXPECT_RC(result_of(t), 0);
    return weir_group_end(g);
}

static void limit_of_peer(void)
{
    run_and_count(keeps_to_limit_of_peer, NULL);
}

/* A system in which peers have other addresses: the next of a list. */
static struct peers {
    struct net net;
    const char *const *names;
    atomic_int next;
} peers;

static int other_name(int fd, bool peer, struct sockaddr *address, socklen_t *size)
{
    weir_address a;
    struct sockaddr_storage all;
    if (!peer)
        return os_net_kernel.name(fd, peer, address, size);
    int rc = weir_address_parse(&a, peers.names[atomic_fetch_add(&peers.next, 1)], 1);
    *size = weir_address_to(&a, &all);
    memcpy(address, &all, *size);
    return rc;
}

static int counts_networks(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, by_letter, NULL, &(weir_serve_options){.per_peer = 1}, &t);
    weir_stream s[7];
    const char *answers = arg;
    for (int i = 0; answers[i]; i++) {
        s[i] = weir_address_connect(&at, NULL);
        EXPECT_EQ(asked(s[i], 'x') ? 'x' : '-', answers[i]);
    }
    EXPECT_RC(weir_server_drain(server), 0);
    for (int i = 0; answers[i]; i++)
        weir_close(s[i]);
    EXPECT_RC(result_of(t), 0);
    return weir_group_end(g);
}

static void networks(void)
{
    static const char *const names[] = {"2001:db8::1",     "2001:db8::ffff:1", "2001:db8:0:1::1",
                                        "::ffff:10.0.0.1", "10.0.0.1",         "::ffff:10.0.0.2",
                                        "2001:db8:0:1::2"};
    peers.net = os_net_kernel;
    peers.net.name = other_name;
    peers.names = names;
    atomic_store(&peers.next, 0);
    faults_own_table(&peers.net);
    run_and_count(counts_networks, (void *)(uintptr_t) "x-xx-x-");
    faults_as_before();
}

/* ---- without an actor ---------------------------------------------------------------------- */

static int actors_now(void)
{
    return weir_actors(NULL, 0);
}

static int holds_many(void *arg)
{
    enum { MANY = 1000 };
    static weir_stream s[MANY];
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, by_letter, NULL, &(weir_serve_options){.on_data = true}, &t);
    (void)arg;
    for (int i = 0; i < MANY; i++) {
        s[i] = weir_address_connect(&at, NULL);
        REQUIRE_RC(weir_check(s[i]), 0);
    }
    while (counters(server).accepted < MANY)
        weir_yield();
    EXPECT_EQ(counters(server).connections, MANY);
    EXPECT_EQ(counters(server).handlers, 0);
    EXPECT_EQ(actors_now(), 2);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            EXPECT_EQ(asked(s[i], 'p'), 'p');
        while (counters(server).parked < MANY)
            weir_yield();
        weir_settle();
        EXPECT_EQ(actors_now(), 2);
    }
    EXPECT_EQ(counters(server).started, 3 * MANY);
    for (int i = 0; i < MANY / 2; i++)
        EXPECT_RC(weir_close(s[i]), 0); /* who is parked sees the end */
    while (counters(server).done < MANY / 2)
        weir_yield();
    EXPECT_RC(weir_server_drain(server), 0);
    EXPECT_RC(result_of(t), 0);
    EXPECT_EQ(counters(server).drained, MANY / 2);
    for (int i = MANY / 2; i < MANY; i++) {
        EXPECT_RC((int)end_of(s[i]), 0);
        weir_close(s[i]);
    }
    return weir_group_end(g);
}

static void many(void)
{
    run_and_count(holds_many, NULL);
}

/* Parked when bytes have come already: it is started again at once. */
static int parks_late(weir_stream s, void *arg)
{
    char c;
    atomic_fetch_add((atomic_int *)arg, 1);
    ssize_t n = weir_stream_recv(s, &c, 1);
    return n > 0 ? WEIR_PARK : (int)n;
}

static int parks_with_bytes(void *arg)
{
    weir_address at;
    weir_task t;
    atomic_int calls = 0;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, parks_late, &calls, NULL, &t);
    weir_stream a = weir_address_connect(&at, NULL);
    (void)arg;
    EXPECT_RC(weir_stream_send(a, "12345", 5, NULL), 0);
    EXPECT_RC(weir_stream_send_eof(a), 0);
    EXPECT_RC((int)end_of(a), 0);
    EXPECT_EQ(atomic_load(&calls), 6);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    EXPECT_EQ(counters(server).done, 1);
    return weir_group_end(g);
}

static void parked_late(void)
{
    run_and_count(parks_with_bytes, NULL);
}

/* Nothing can come any more of what it parks: it is not asked for ever. */
static int parks_whatever(weir_stream s, void *arg)
{
    char c;
    ssize_t n = weir_stream_recv(s, &c, 1);
    if (n <= 0)
        atomic_store((atomic_int *)arg, (int)n - 1);
    return WEIR_PARK;
}

static int parks_the_end(void *arg)
{
    weir_address at;
    weir_task t;
    atomic_int told = 0;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, parks_whatever, &told, NULL, &t);
    weir_stream ends = weir_address_connect(&at, NULL), breaks;
    (void)arg;
    EXPECT_RC(send_letter(ends, 'x'), 0);
    EXPECT_RC(weir_stream_send_eof(ends), 0);
    EXPECT_RC((int)end_of(ends), 0);
    while (counters(server).done == 0)
        weir_yield();
    EXPECT_RC(atomic_load(&told), -1);
    breaks = weir_address_connect(&at, NULL);
    EXPECT_RC(send_letter(breaks, 'x'), 0);
    while (counters(server).parked == 0)
        weir_yield();
    EXPECT_RC(weir_stream_abort(breaks), 0);
    while (counters(server).failed == 0)
        weir_yield();
    EXPECT_RC(atomic_load(&told) + 1, WEIR_ECONNRESET);
    EXPECT_EQ(counters(server).connections, 0);
    weir_close(ends);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    return weir_group_end(g);
}

static void parked_at_the_end(void)
{
    run_and_count(parks_the_end, NULL);
}

/* Parked, and the look whether something has come meanwhile is cut short: nothing has. */
static atomic_int cut_short;

static ssize_t interrupts_looks(int fd, void *to, size_t size, int flags)
{
    if (flags & MSG_PEEK && atomic_fetch_add(&cut_short, 1) == 0)
        return -EINTR;
    return os_net_kernel.recv(fd, to, size, flags);
}

static int parks_interrupted(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, by_letter, NULL, NULL, &t);
    weir_stream a = weir_address_connect(&at, NULL);
    (void)arg;
    EXPECT_EQ(asked(a, 'x'), 'x');
    weir_settle(); /* there are events of it from now on: only then is it looked at */
    EXPECT_EQ(asked(a, 'p'), 'p');
    while (counters(server).parked == 0)
        weir_yield();
    weir_settle();
    EXPECT(atomic_load(&cut_short) >= 2);
    EXPECT_EQ(counters(server).parked, 1);
    EXPECT_EQ(counters(server).started, 1);
    weir_close(a);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    return weir_group_end(g);
}

static void parked_interrupted(void)
{
    struct net net = os_net_kernel;
    net.recv = interrupts_looks;
    net.short_is_empty = false;
    atomic_store(&cut_short, 0);
    faults_own_table(&net);
    run_and_count(parks_interrupted, NULL);
    faults_as_before();
}

/* Somebody who has kept a copy of its handle closes what is parked, or tries to receive. */
static int notes_and_parks(weir_stream s, void *arg)
{
    *(weir_stream *)arg = s;
    char c;
    ssize_t n = weir_stream_recv(s, &c, 1);
    if (n == 1)
        n = weir_stream_send(s, &c, 1, NULL);
    return n < 0 ? (int)n : WEIR_PARK;
}

static int closes_parked(void *arg)
{
    weir_address at;
    weir_task t;
    weir_stream noted;
    char c;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, notes_and_parks, &noted, NULL, &t);
    weir_stream a = weir_address_connect(&at, NULL);
    (void)arg;
    EXPECT_EQ(asked(a, 'x'), 'x');
    while (counters(server).parked == 0)
        weir_yield();
    weir_settle();
    EXPECT_RC((int)weir_stream_try_recv(noted, &c, 1), WEIR_EBUSY);
    EXPECT_RC(weir_close(noted), 0);
    EXPECT_RC((int)end_of(a), 0);
    while (counters(server).connections > 0)
        weir_yield();
    EXPECT_EQ(counters(server).done, 1);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    return weir_group_end(g);
}

static void parked_closed(void)
{
    run_and_count(closes_parked, NULL);
}

/* ---- who is late --------------------------------------------------------------------------- */

static int says_nothing(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_stream a = weir_address_connect(&at, NULL), b = weir_address_connect(&at, NULL);
    EXPECT_RC(weir_stream_send(b, "x", 1, NULL), 0); /* it is not late, however late we are */
    weir_group g = weir_group_begin();
    weir_serve_options o = {.on_data = *(bool *)arg, .first_byte = 20 * WEIR_MS};
    weir_server server = begin(g, l, by_letter, NULL, &o, &t);
    EXPECT_RC((int)end_of(a), WEIR_ECONNRESET);
    char c;
    EXPECT_EQ(weir_stream_recv(b, &c, 1), 1);
    while (counters(server).first_byte == 0)
        weir_yield();
    EXPECT_EQ(counters(server).first_byte, 1);
    EXPECT_EQ(asked(b, 'y'), 'y');
    EXPECT_EQ(counters(server).connections, 1);
    weir_close(b);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    EXPECT_EQ(counters(server).done, 1);
    return weir_group_end(g);
}

static void silent(void)
{
    faults_not(FAULTS_EAGAIN, "what has come looks as if it had not");
    run_and_count(says_nothing, &(bool){false});
    run_and_count(says_nothing, &(bool){true});
    faults_as_before();
}

static int computes_first(weir_stream s, void *unused)
{
    (void)unused;
    weir_sleep(10 * WEIR_MS); /* the time for the first byte is over */
    return by_letter(s, NULL);
}

/* What a peer has said in time, and nobody has read. */
static int is_read_late(void *unused)
{
    (void)unused;
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_stream a = weir_address_connect(&at, NULL);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    weir_group g = weir_group_begin();
    weir_serve_options o = {.first_byte = WEIR_MS};
    weir_server server = begin(g, l, computes_first, NULL, &o, &t);
    char c;
    EXPECT_EQ(weir_stream_recv(a, &c, 1), 1);
    EXPECT_EQ(counters(server).first_byte, 0);
    weir_close(a);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    return weir_group_end(g);
}

static void read_late(void)
{
    faults_not(FAULTS_EAGAIN, "what has come looks as if it had not");
    run_and_count(is_read_late, NULL);
    faults_as_before();
}

static int parked_too_long(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server = begin(g, l, by_letter, NULL, &(weir_serve_options){.idle = WEIR_MS}, &t);
    weir_stream a = weir_address_connect(&at, NULL);
    (void)arg;
    EXPECT_EQ(asked(a, 'p'), 'p');
    EXPECT_RC((int)end_of(a), 0);
    while (counters(server).idle == 0)
        weir_yield();
    EXPECT_EQ(counters(server).connections, 0);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    return weir_group_end(g);
}

static void idle(void)
{
    run_and_count(parked_too_long, NULL);
}

/* ---- no descriptors ------------------------------------------------------------------------ */

static struct rlimit usual;

static void allow_descriptors(int n)
{
    struct rlimit now = usual;
    now.rlim_cur = n < 0 ? usual.rlim_cur : (rlim_t)n;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &now), 0);
}

/* The number that the next one would get. */
static int next_descriptor(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static int runs_short(void *arg)
{
    weir_address at;
    weir_task t;
    char c;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_serve_options o = {.hook = hear, .context = &heard};
    weir_stream s[4];
    (void)arg;
    deaf();
    weir_server server = begin(g, l, by_letter, NULL, &o, &t);
    s[0] = weir_address_connect(&at, NULL);
    EXPECT_EQ(asked(s[0], 'x'), 'x');
    weir_settle();
    do { /* for the client's end alone; a worker may take it, for its poller */
        allow_descriptors(-1);
        allow_descriptors(next_descriptor() + 1);
        s[1] = weir_address_connect(&at, NULL);
    } while (weir_check(s[1]) == -EMFILE);
    int rc = weir_check(s[1]); /* it may hear of the reset before it knows that it is connected */
    EXPECT_RC(rc < 0 ? rc : (int)end_of(s[1]), WEIR_ECONNRESET); /* by the one in reserve */
    EXPECT_EQ(asked(s[0], 'y'), 'y');
    EXPECT_EQ(counters(server).shortages, 1);
    EXPECT_EQ(heard_of(WEIR_SERVE_SHORT), 1);
    EXPECT_RC(heard.last[WEIR_SERVE_SHORT].error, -EMFILE);
    weir_close(s[1]);
    allow_descriptors(-1);
    s[2] = weir_address_connect(&at, NULL);
    EXPECT_RC(weir_check(s[2]), 0);
    EXPECT_RC(weir_stream_send(s[2], "z", 1, NULL), 0);
    EXPECT_EQ(weir_stream_recv(s[2], &c, 1), 1);
    EXPECT_EQ(counters(server).shortages, 1);
    weir_close(s[0]);
    weir_close(s[2]);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    return weir_group_end(g);
}

static void no_descriptors(void)
{
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &usual), 0);
    run_and_count(runs_short, NULL);
}

/* ---- connections that break before they are accepted --------------------------------------- */

static int accepts_what_breaks(void *arg)
{
    weir_address at;
    weir_stream theirs;
    weir_listener l = listen_here(&at);
    weir_stream s = weir_address_connect(&at, NULL);
    (void)arg;
    faults_inject(CALL_ACCEPT, 1, 100000, EPERM);
    EXPECT_RC(weir_accept(l, &theirs), WEIR_EACCES);
    EXPECT_EQ(faults_calls(CALL_ACCEPT), 16);
    EXPECT_RC(weir_try_accept(l, &theirs), WEIR_EACCES);
    weir_case c = weir_on_accept(l, &theirs);
    EXPECT_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
    EXPECT_RC(c.rc, WEIR_EACCES);
    faults_inject(CALL_ACCEPT, 1, 15, ECONNABORTED);
    EXPECT_RC(weir_accept(l, &theirs), 1);
    weir_close(s);
    weir_close(theirs);
    return weir_close(l);
}

static int serves_what_breaks(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_serve_options o = {.hook = hear, .context = &heard};
    (void)arg;
    deaf();
    faults_inject(CALL_ACCEPT, 1, 40, EPROTO);
    weir_server server = begin(g, l, by_letter, NULL, &o, &t);
    weir_stream s = weir_address_connect(&at, NULL);
    EXPECT_EQ(asked(s, 'x'), 'x');
    EXPECT_EQ(counters(server).shortages, 1);
    EXPECT_EQ(heard_of(WEIR_SERVE_SHORT), 1);
    EXPECT_RC(heard.last[WEIR_SERVE_SHORT].error, -EPROTO);
    weir_close(s);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    return weir_group_end(g);
}

static void all_broken(void)
{
    faults_only_injected();
    run_and_count(accepts_what_breaks, NULL);
    run_and_count(serves_what_breaks, NULL);
    faults_as_before();
}

/* ---- several listeners --------------------------------------------------------------------- */

static int serves_two(void *arg)
{
    weir_address at[2];
    weir_task t[2];
    weir_listener l[] = {listen_here(&at[0]), listen_here(&at[1])};
    weir_group g = weir_group_begin();
    weir_server server = weir_server_open(&(weir_serve_options){.per_peer = 2});
    (void)arg;
    for (int i = 0; i < 2; i++) {
        struct served a = {server, l[i], by_letter, NULL};
        EXPECT_RC(weir_spawn(g, serves, &a, .task = &t[i], .isolated = true), 0);
    }
    weir_stream a = weir_address_connect(&at[0], NULL), b = weir_address_connect(&at[1], NULL);
    EXPECT_EQ(asked(a, 'x'), 'x');
    EXPECT_EQ(asked(b, 'p'), 'p');
    EXPECT_EQ(asked(b, 'x'), 'x');
    weir_stream c = weir_address_connect(&at[0], NULL);
    EXPECT_RC((int)end_of(c), WEIR_ECONNRESET);
    EXPECT_RC(send_letter(a, 'c'), 0);
    EXPECT_RC((int)end_of(a), 0);
    EXPECT_RC(weir_close(l[0]), 0);
    EXPECT_RC(result_of(t[0]), 0);
    EXPECT_EQ(asked(b, 'y'), 'y');
    EXPECT_RC(weir_close(b), 0);
    EXPECT_RC(weir_server_drain(server), 0);
    EXPECT_RC(result_of(t[1]), 0);
    return weir_group_end(g);
}

static void two(void)
{
    run_and_count(serves_two, NULL);
}

/* ---- several listeners as one -------------------------------------------------------------- */

static weir_listener listen_abstract(weir_address *at)
{
    static atomic_int number;
    char name[64] = "";
    int size = snprintf(name + 1, sizeof name - 1, "weir-test-serve-%d-%d", (int)getpid(),
                        atomic_fetch_add(&number, 1));
    EXPECT_RC(weir_address_unix(at, name, (size_t)size + 1), 0);
    return weir_address_listen(at, NULL);
}

static int serves_as_one(void *arg)
{
    weir_address at[4], seen;
    weir_task t;
    weir_listener l[] = {listen_here(&at[0]), listen_abstract(&at[1])};
    weir_group g = weir_group_begin();
    weir_stream s[4], waits;
    (void)arg;
    EXPECT_RC(weir_try_accept(l[0], &waits), WEIR_EAGAIN); /* it is watched already */
    weir_stream early = weir_address_connect(&at[0], NULL);
    weir_listener first = weir_listener_merge(l, 2);
    EXPECT_RC(weir_check(first), 0);
    EXPECT_RC(weir_check(l[0]), WEIR_ECLOSED);
    weir_listener rest[] = {listen_here(&at[2]), first, listen_abstract(&at[3])};
    weir_listener all = weir_listener_merge(rest, 3);
    EXPECT_RC(weir_check(all), 0);
    for (unsigned i = 0; i < 4; i++)
        EXPECT_RC(weir_listener_get(all, i, WEIR_SOCKET_LOCAL, &seen), 0);
    EXPECT_RC(weir_listener_get(all, 4, WEIR_SOCKET_LOCAL, &seen), WEIR_ENOENT);
    weir_server server = begin(g, all, by_letter, NULL, NULL, &t);
    EXPECT_EQ(asked(early, 'e'), 'e');
    for (int i = 0; i < 4; i++) {
        s[i] = weir_address_connect(&at[i], NULL);
        EXPECT_EQ(asked(s[i], 'x'), 'x');
    }
    EXPECT_EQ(counters(server).accepted, 5);
    EXPECT_RC(weir_server_drain(server), 0);
    weir_close(early);
    for (int i = 0; i < 4; i++)
        weir_close(s[i]);
    EXPECT_RC(result_of(t), 0);
    for (int i = 0; i < 4; i++)
        EXPECT_RC(weir_check(weir_address_connect(&at[i], NULL)), WEIR_ECONNREFUSED);
    return weir_group_end(g);
}

static void as_one(void)
{
    run_and_count(serves_as_one, NULL);
}

struct cloning {
    weir_listener l, clone;
    atomic_int turn; /* odd: to be cloned; even: done */
    atomic_bool ends;
};

static void *clones(void *arg)
{
    struct cloning *c = arg;
    while (!atomic_load(&c->ends)) {
        if (!(atomic_load(&c->turn) & 1)) {
            sched_yield();
            continue;
        }
        c->clone = weir_listener_clone(c->l);
        atomic_fetch_add(&c->turn, 1);
    }
    return NULL;
}

/* A clone that comes in between is seen, or comes too late: none is left without its sockets. */
static void cloned_meanwhile(void)
{
    enum { TIMES = 300 };
    int before = descriptors_open();
    struct cloning c = {.turn = 0};
    pthread_t other;
    EXPECT_EQ(pthread_create(&other, NULL, clones, &c), 0);
    for (int i = 0; i < TIMES; i++) {
        weir_address at;
        c.l = listen_here(&at);
        EXPECT_EQ(atomic_fetch_add(&c.turn, 1), 2 * i);
        weir_listener all = weir_listener_merge(&c.l, 1);
        while (atomic_load(&c.turn) & 1)
            sched_yield();
        bool merged = weir_check(all) == 0;
        EXPECT_RC(weir_check(all), merged ? 0 : WEIR_EBUSY);
        EXPECT_RC(weir_check(c.clone), merged ? WEIR_ECLOSED : 0);
        EXPECT_RC(weir_close(merged ? all : c.l), 0);
        weir_close(c.clone);
    }
    atomic_store(&c.ends, true);
    pthread_join(other, NULL);
    await_descriptors(before);
}

/* Paths go with the listener that was made of theirs; what failed to be made has none. */
static int keeps_paths(void *arg)
{
    char dir[] = "/tmp/weir-test-XXXXXX", path[2][64];
    weir_listener l[3];
    (void)arg;
    EXPECT(mkdtemp(dir) != NULL);
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/%d", dir, i);
        l[i] = weir_unix_listen(path[i], &(weir_unix_options){.remove = true});
        EXPECT_RC(weir_check(l[i]), 0);
    }
    l[2] = (weir_listener){0};
    EXPECT_RC(weir_check(weir_listener_merge(l, 3)), WEIR_EBADF);
    weir_listener all = weir_listener_merge(l, 2), again = weir_listener_merge(&all, 1);
    EXPECT_RC(weir_check(again), 0);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(access(path[i], F_OK), 0);
    EXPECT_RC(weir_close(again), 0);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(access(path[i], F_OK), -1);
    EXPECT_EQ(rmdir(dir), 0);
    return 0;
}

static void paths(void)
{
    run_and_count(keeps_paths, NULL);
}

static int accepts_one(void *arg)
{
    weir_stream s;
    return weir_accept(*(weir_listener *)arg, &s);
}

static int is_not_merged(void *arg)
{
    weir_address at[2];
    weir_listener l[] = {listen_here(&at[0]), listen_here(&at[1])}, many[17];
    weir_listener twice[] = {l[0], l[0]}, wrong[] = {l[0], {0}};
    weir_group g = weir_group_begin();
    weir_task t;
    (void)arg;
    EXPECT_RC(weir_check(weir_listener_merge(NULL, 1)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_listener_merge(l, 0)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_listener_merge(twice, 2)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_listener_merge(wrong, 2)), WEIR_EBADF);
    weir_listener clone = weir_listener_clone(l[1]);
    EXPECT_RC(weir_check(weir_listener_merge(l, 2)), WEIR_EBUSY);
    weir_close(clone);
    EXPECT_RC(weir_spawn(g, accepts_one, &l[0], .task = &t, .isolated = true), 0);
    weir_settle();
    EXPECT_RC(weir_check(weir_listener_merge(l, 2)), WEIR_EBUSY);
    weir_stream s = weir_address_connect(&at[0], NULL);
    EXPECT_RC(result_of(t), 1);
    weir_close(s);
    for (int i = 0; i < 17; i++)
        many[i] = listen_here(&at[0]);
    EXPECT_RC(weir_check(weir_listener_merge(many, 17)), WEIR_EINVAL);
    weir_listener most = weir_listener_merge(many, 16);
    EXPECT_RC(weir_check(most), 0);
    EXPECT_RC(weir_check(weir_listener_merge((weir_listener[]){most, many[16]}, 2)), WEIR_EINVAL);
    EXPECT_RC(weir_check(most), 0);
    EXPECT_RC(weir_check(weir_listener_merge((weir_listener[]){l[0], many[0]}, 2)), WEIR_ECLOSED);
    weir_listener both = weir_listener_merge(l, 2);
    EXPECT_RC(weir_check(both), 0);
    s = weir_address_connect(&at[1], NULL);
    EXPECT_RC(accepts_one(&both), 1);
    return weir_group_end(g);
}

static void not_merged(void)
{
    run_and_count(is_not_merged, NULL);
}

/* ---- errors, what is shown ----------------------------------------------------------------- */

static int is_told_off(void *arg)
{
    weir_address at;
    weir_listener l = listen_here(&at), none = {0};
    weir_serve_options wrong = {.drain = -1};
    (void)arg;
    EXPECT_RC(weir_serve(l, NULL, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_serve_with(l, echo, NULL, &wrong), WEIR_EINVAL);
    EXPECT_RC(weir_serve(none, echo, NULL), WEIR_EBADF);
    weir_server s = weir_server_open(NULL);
    EXPECT_RC(weir_serve((weir_listener){s.h}, echo, NULL), WEIR_EBADF);
    EXPECT_RC(weir_server_run((weir_server){l.h}, l, echo, NULL), WEIR_EBADF);
    EXPECT_RC(weir_server_statistics_get(s, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_server_metrics(s, NULL), WEIR_EINVAL);
    weir_address nowhere;
    EXPECT_RC(weir_address_parse(&nowhere, "127.0.0.1", at.port), 0);
    EXPECT_RC(weir_serve(weir_address_listen(&nowhere, NULL), echo, NULL), WEIR_EADDRINUSE);
    faults_only_injected();
    faults_inject(CALL_SOCKET, 1, 1, EMFILE);
    EXPECT_RC(weir_serve(l, echo, NULL), -EMFILE); /* none in reserve */
    faults_as_before();
    EXPECT_RC(weir_close(l), 0);
    EXPECT_RC(weir_serve(l, echo, NULL), 0);
    return 0;
}

static void told_off(void)
{
    run_and_count(is_told_off, NULL);
    weir_server s = weir_server_open(NULL); /* a plain thread's */
    weir_address at;
    weir_listener l = listen_here(&at);
    EXPECT_RC(weir_server_run(s, l, echo, NULL), WEIR_EPERM);
    EXPECT_RC(weir_close(s), 0);
    EXPECT_RC(weir_close(l), 0);
}

static bool shows(int (*print)(weir_server, FILE *), weir_server s, const char *text)
{
    char *all = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&all, &size);
    EXPECT_RC(print ? print(s, f) : weir_dump(f), 0);
    fclose(f);
    bool found = strstr(all, text);
    if (!found)
        printf("no \"%s\" in\n%s", text, all);
    free(all);
    return found;
}

static int is_shown(void *arg)
{
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_group g = weir_group_begin();
    weir_server server =
        begin(g, l, by_letter, NULL, &(weir_serve_options){.name = "a\"b", .on_data = true}, &t);
    weir_stream a = weir_address_connect(&at, NULL), b = weir_address_connect(&at, NULL);
    weir_stream c = weir_address_connect(&at, NULL);
    (void)arg;
    EXPECT_EQ(asked(a, 'x'), 'x');
    EXPECT_EQ(asked(b, 'p'), 'p');
    while (counters(server).parked == 0 || counters(server).connections < 3)
        weir_yield();
    weir_settle(); /* what was sent is counted afterwards */
    EXPECT(shows(weir_server_metrics, server, "\nweir_server_connections{server=\"a\\\"b\"} 3\n"));
    EXPECT(shows(weir_server_metrics, server,
                 "\nweir_server_ended_total{server=\"a\\\"b\",reason=\"done\"} 0\n"));
    EXPECT(shows(weir_server_metrics, server, "# TYPE weir_server_accepted_total counter\n"));
    EXPECT(shows(NULL, server, "connections: 3\n  a\"b "));
    EXPECT(shows(NULL, server, ": 127.0.0.1:"));
    EXPECT(shows(NULL, server, ", 1 in, 1 out, #"));
    EXPECT(shows(NULL, server, ", 1 in, 1 out, parked\n"));
    EXPECT(shows(NULL, server, ", 0 in, 0 out, has said nothing\n"));
    weir_close(a);
    weir_close(b);
    weir_close(c);
    weir_close(l);
    EXPECT_RC(result_of(t), 0);
    return weir_group_end(g);
}

static void shown(void)
{
    run_and_count(is_shown, NULL);
}

TEST_SUITE(serve, "serve", {"F067 serve: an actor for each connection", echoes},
           {"F067 F149 serve: a handler's error is its connection's", isolated},
           {"F067 serve: a handler's error ends the server, if asked to", propagated},
           {"F067 F149 serve: the listener is closed: handlers are waited for", listener_closed},
           {"F149 serve: drained: who does not end is cancelled", cancelled_handlers},
           {"F149 serve: drained: who does not hear that is cut off", aborted_handlers},
           {"F149 serve: drained: a handler hears of it", drained},
           {"F067 serve: cancelled", cancelled}, {"F086 serve: a limit of connections", limit},
           {"F086 serve: a limit for each peer", limit_of_peer},
           {"F086 serve: peers are IPv4 addresses and IPv6 networks", networks},
           {"F067 serve: a thousand that cost no actor", many},
           {"F067 serve: parked when bytes were there", parked_late},
           {"F067 serve: parked at its end", parked_at_the_end},
           {"F2 F067 serve: parked, and the look for bytes is interrupted", parked_interrupted},
           {"F089 serve: parked, and closed by another", parked_closed},
           {"F067 serve: nothing comes, with a handler and without", silent},
           {"F067 serve: what came in time is read late", read_late},
           {"F067 serve: parked for too long", idle},
           {"F11 F086 serve: out of descriptors", no_descriptors},
           {"F086 accept: connections that break, one after the other", all_broken},
           {"F067 F149 serve: streams that handlers have wrapped are cut off", wrapped_handlers},
           {"F067 serve: one server, two listeners", two},
           {"F072 listeners: several as one, TCP and UNIX", as_one},
           {"F072 listeners: as one, cloned meanwhile", cloned_meanwhile},
           {"F072 listeners: paths of those that were merged", paths},
           {"F072 listeners: what cannot be merged stays as it was", not_merged},
           {"F067 serve: errors", told_off}, {"F067 serve: dump and metrics", shown});
