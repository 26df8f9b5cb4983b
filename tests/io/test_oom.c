/* SPDX-License-Identifier: MIT */
/* test_oom.c - every allocation for what is in io/ fails once. See oom.h. */
#define _GNU_SOURCE
#define OOM_CACHES 262144 /* hundreds of wide channels; what leaked would be four times as much */
#include "../channels/oom.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include <weir/weir.h>

#include "eyeballs.h"
#include "names_test.h"
#include "net_test.h"

static void ignored(int number)
{
    (void)number;
}

/* With a receiver the handler is not this one; without one it is, and nothing is left behind. */
static bool is_as_before(void)
{
    struct sigaction now;
    return sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == ignored;
}

static int receive_some(void)
{
    weir_receiver rx;
    weir_signal s;
    int met = 0;
    signal(SIGUSR1, ignored);
    for (int i = 0; i < 4; i++) {
        int rc = weir_signals_open(&rx, (int[]){SIGUSR1}, 1, &(weir_signal_options){(size_t)i});
        if (rc < 0) {
            met = oom_expect(rc);
            OOM_CHECK(weir_check(rx) == rc);
        } else {
            OOM_CHECK(!is_as_before());
            raise(SIGUSR1); /* what is told has its memory */
            OOM_CHECK(weir_recv(rx, &s) == 1 && s.number == SIGUSR1 && s.count == 1);
        }
        OOM_CHECK(weir_close(rx) == (rc < 0 ? rc : 0));
        OOM_CHECK(is_as_before());
    }
    oom_off();
    return met;
}

/* ---- names ------------------------------------------------------------------------------- */

static const struct entry entries[] = {{.name = "both", .addresses = {"10.0.0.1", "::1"}}, {0}};
static const weir_options one_worker = {.workers = 1};
static atomic_int opened;
static int met;

static void note(int rc)
{
    if (rc < 0 && met == 0)
        met = oom_expect(rc);
}

static int asks(void *unused)
{
    weir_address a[2];
    (void)unused;
    for (int i = 0; i < 3; i++) {
        int n = weir_resolve("both", 80, a, 2, NULL);
        OOM_CHECK(n == 2 || n == WEIR_ENOMEM);
        note(n);
    }
    return 0;
}

static int look_up_names(void)
{
    met = 0;
    names_are(entries, false);
    note(weir_run(asks, NULL, &one_worker));
    oom_off();
    names_are(NULL, false); /* when nothing is held */
    return met;
}

static int finds(int family, weir_address *out, size_t n, void *unused)
{
    (void)unused;
    return weir_resolve(family == AF_INET ? "10.0.0.1" : "::1", 80, out, n, NULL);
}

static int connects(const weir_address *to, void *unused)
{
    (void)to;
    (void)unused;
    if (weir_sleep(WEIR_US) == WEIR_ECANCELED)
        return WEIR_ECANCELED;
    return atomic_fetch_add(&opened, 1);
}

static void closes(int fd, void *unused)
{
    (void)fd;
    (void)unused;
    atomic_fetch_sub(&opened, 1);
}

static int races(void *unused)
{
    static const struct eyeballs_ops ops = {finds, connects, closes};
    (void)unused;
    for (int i = 0; i < 3; i++) {
        struct eyeballs e = {.ops = &ops, .attempt_delay = 1};
        int rc = weir__eyeballs(&e);
        OOM_CHECK(rc >= 0 || rc == WEIR_ENOMEM);
        OOM_CHECK(atomic_load(&opened) == (rc >= 0));
        atomic_store(&opened, 0);
        note(rc);
    }
    return 0;
}

static int race_addresses(void)
{
    met = 0;
    note(weir_run(races, NULL, &one_worker));
    oom_off();
    return met;
}

/* ---- streams ------------------------------------------------------------------------------- */

/* Both are there, or both say why not. */
static void through(weir_stream a, weir_stream b)
{
    char got[4];
    if (weir_check(a) == 0 && weir_check(b) == 0) {
        int rc = weir_stream_send(a, "abc", 3, NULL);
        OOM_CHECK(rc == 0 || rc == WEIR_ENOMEM);
        note(rc);
        OOM_CHECK(weir_stream_try_recv(b, got, sizeof got) == (rc == 0 ? 3 : WEIR_EAGAIN));
    }
    note(weir_check(a));
    note(weir_check(b));
    (void)weir_close(a);
    (void)weir_close(b);
}

static void open_over(weir_stream *a, weir_stream *b)
{
    weir_chunk_sender tx;
    weir_chunk_receiver rx;
    note(weir_chunk_channel(&tx, &rx, 2));
    *a = weir_stream_over((weir_chunk_receiver){0}, tx);
    *b = weir_stream_over(rx, (weir_chunk_sender){0});
    if (weir_check(*a) < 0)
        (void)weir_close(tx); /* it was not taken */
    if (weir_check(*b) < 0)
        (void)weir_close(rx);
}

static int make_streams(void)
{
    weir_stream a, b, c, d;
    met = 0;
    note(weir_stream_pair(&a, &b, 8));
    through(a, b);
    open_over(&a, &b);
    through(a, b);
    note(weir_stream_pair(&a, &b, 8));
    note(weir_stream_pair(&c, &d, 8));
    weir_stream s = weir_stream_staple(c, a);
    if (weir_check(s) < 0) {
        OOM_CHECK(weir_check(a) != WEIR_ECLOSED && weir_check(c) != WEIR_ECLOSED);
        (void)weir_close(a);
        (void)weir_close(c);
    }
    through(s, b);
    weir_stream taken = weir_stream_take(d);
    if (weir_check(taken) < 0)
        OOM_CHECK(weir_check(d) != WEIR_ECLOSED);
    note(weir_check(taken));
    (void)weir_close(taken);
    (void)weir_close(d);
    oom_off();
    OOM_CHECK(weir_chunk_bytes() == 0);
    return met;
}

/* ---- wrappers ---------------------------------------------------------------------------- */

/* What was not received for want of memory comes when there is some. */
static void receive_line(weir_buffered in)
{
    char line[8];
    size_t n;
    int rc = weir_try_recv_line(in, line, sizeof line, &n);
    note(rc);
    for (int i = 0; rc == WEIR_ENOMEM && i < 3; i++)
        rc = weir_try_recv_line(in, line, sizeof line, &n);
    if (rc == WEIR_ENOMEM) {
        oom_off();
        rc = weir_try_recv_line(in, line, sizeof line, &n);
    }
    OOM_CHECK(rc == 1 && strcmp(line, "line") == 0);
}

static int buffer_lines(void)
{
    weir_stream a, b;
    met = 0;
    int rc = weir_stream_pair(&a, &b, 64);
    note(rc);
    if (rc == 0) {
        weir_buffered in = weir_buffer(b, &(weir_buffer_options){.ahead = 6});
        note(rc = weir_check(in));
        OOM_CHECK(weir_check(b) == (rc < 0 ? 0 : WEIR_ECLOSED)); /* it is as it was */
        if (rc == 0)
            OOM_CHECK(weir_stream_send(a, "line\nline\r\n", 11, NULL) == 0);
        if (rc == 0) {
            receive_line(in);
            receive_line(in);
            note(rc = weir_buffer_feed(in, "line\n", 5));
            if (rc == 0)
                receive_line(in);
            weir_close(in);
        }
        weir_close(a);
        weir_close(b);
    }
    oom_off();
    return met;
}

static int wrap_text(void)
{
    weir_stream a, b;
    char text[8];
    met = 0;
    int rc = weir_stream_pair(&a, &b, 64);
    note(rc);
    if (rc == 0) {
        weir_stream t = weir_text(b, "UTF-16LE", WEIR_TEXT_REPLACE);
        note(rc = weir_check(t));
        OOM_CHECK(weir_check(b) == (rc < 0 ? 0 : WEIR_ECLOSED));
        if (rc == 0) { /* from now on it needs none */
            OOM_CHECK(weir_stream_send(a, "a\0\xac\x20z", 5, NULL) == 0);
            OOM_CHECK(weir_stream_recv(t, text, 8) == 4);
            OOM_CHECK(memcmp(text, "a\xe2\x82\xac", 4) == 0);
            OOM_CHECK(weir_stream_send(t, "a rather long text that goes out", 32, NULL) == 0);
            OOM_CHECK(weir_stream_recv(a, text, 4) == 4);
            OOM_CHECK(memcmp(text, "a\0 \0", 4) == 0);
            weir_close(t);
        }
        weir_close(a);
        weir_close(b);
    }
    oom_off();
    return met;
}

static int copy_bytes(void)
{
    static char bytes[3000], there[3000];
    weir_stream a, b, c, d;
    weir_copied done;
    met = 0;
    int rc = weir_stream_pair(&a, &b, 4000), rc2 = weir_stream_pair(&c, &d, 4000);
    note(rc);
    note(rc2);
    if (rc == 0 && rc2 == 0) {
        OOM_CHECK(weir_stream_send(a, bytes, sizeof bytes, NULL) == 0);
        OOM_CHECK(weir_stream_send_eof(a) == 0);
        OOM_CHECK(weir_stream_copy(b, c, &done) == 0); /* in smaller portions */
        OOM_CHECK(done.sent == sizeof bytes);
        OOM_CHECK(weir_stream_recv(d, there, sizeof there) > 0);
    }
    if (rc == 0)
        OOM_CHECK(weir_close(a) == 0 && weir_close(b) == 0);
    if (rc2 == 0)
        OOM_CHECK(weir_close(c) == 0 && weir_close(d) == 0);
    oom_off();
    return met;
}

/* ---- UNIX sockets ------------------------------------------------------------------------ */

static void closes_stream(weir_stream s)
{
    note(weir_check(s));
    weir_close(s);
}

static void passes(weir_stream a, weir_stream b)
{
    char c[4];
    int file = eventfd(0, EFD_CLOEXEC), got;
    weir_fds m = {c, sizeof c, &got, 1, 0, 0};
    if (weir_send_fds(a, "x", 1, &file, 1, WEIR_NEVER, NULL) == 0 &&
        weir_recv_fds(b, &m, WEIR_NEVER) == 1 && m.n == 1)
        close(got);
    weir_descriptor d = weir_descriptor_open(file);
    note(weir_check(d));
    note(weir_check(d) < 0 ? 0 : weir_wait_writable(d, WEIR_NEVER));
    weir_close(d);
    close(file);
}

static int uses_sockets(void *unused)
{
    weir_stream a, b;
    (void)unused;
    int rc = weir_unix_pair(&a, &b);
    note(rc);
    OOM_CHECK(rc == 0 || (weir_check(a) == rc && weir_check(b) == rc));
    if (rc < 0)
        return 0;
    passes(a, b);
    int fd = weir_stream_release(a);
    OOM_CHECK(fd >= 0);
    a = weir_stream_adopt(fd);
    if (weir_check(a) < 0)
        close(fd); /* still ours */
    closes_stream(a);
    closes_stream(b);
    char name[32];
    snprintf(name, sizeof name, "@weir-test-oom-%d", (int)getpid());
    weir_listener l = weir_unix_listen(name, NULL);
    note(weir_check(l));
    if (weir_check(l) == 0) {
        weir_stream accepted = {0};
        weir_stream s = weir_unix_connect(name, NULL);
        if (weir_check(s) == 0)
            note(accept_there(l, &accepted));
        closes_stream(s);
        weir_close(accepted);
    }
    weir_close(l);
    return 0;
}

/* Never a descriptor that is left open. */
static int use_unix_sockets(void)
{
    met = 0;
    int before = descriptors_open();
    note(weir_run(uses_sockets, NULL, &one_worker));
    oom_off();
    await_descriptors(before);
    return met;
}

/* ---- serving ----------------------------------------------------------------------------- */

static int echo_and_park(weir_stream s, void *unused)
{
    char c;
    (void)unused;
    if (weir_stream_recv(s, &c, 1) != 1)
        return 0;
    return weir_stream_send(s, &c, 1, NULL) < 0 ? 0 : WEIR_PARK;
}

static weir_server the_server;

static int serves(void *listener)
{
    int rc = weir_server_run(the_server, *(weir_listener *)listener, echo_and_park, NULL);
    weir_close(*(weir_listener *)listener); /* nobody waits for who did not begin */
    return rc;
}

/* An answer, or the connection ends. */
static void ask_server(const weir_address *at)
{
    char c = 'x';
    weir_stream s = weir_address_connect(at, NULL);
    int rc = weir_check(s);
    if (rc < 0) { /* perhaps that nobody serves */
        note(rc == WEIR_ECONNREFUSED || rc == WEIR_ECONNRESET ? WEIR_ENOMEM : rc);
        return;
    }
    for (int i = 0; i < 2; i++)
        if (weir_stream_send(s, &c, 1, NULL) == 0) {
            ssize_t n = weir_stream_recv(s, &c, 1);
            OOM_CHECK(n == 1 || n == 0 || n == WEIR_ECONNRESET || n == WEIR_ENOMEM);
            if (n != 1) {
                note(WEIR_ENOMEM);
                break;
            }
        }
    weir_close(s);
}

static int is_served(void *unused)
{
    weir_address at;
    weir_server_statistics n;
    weir_serve_options o = {.per_peer = 5, .on_data = true};
    weir_sender quiet;
    (void)unused;
    note(weir_channel_open(&quiet, &o.until, 256, 0, NULL));
    OOM_CHECK(weir_address_parse(&at, "127.0.0.1", 0) == 0);
    weir_listener l = weir_address_listen(&at, NULL);
    weir_group g = weir_group_begin();
    the_server = weir_server_open(&o);
    note(weir_check(l));
    note(weir_handle_check(g.h));
    note(weir_check(the_server));
    if (met == 0) {
        OOM_CHECK(weir_listener_get(l, 0, WEIR_SOCKET_LOCAL, &at) == 0);
        weir_task t = {0};
        int rc = weir_spawn(g, serves, &l, .task = &t, .isolated = true);
        note(rc);
        for (int i = 0; i < 3 && rc == 0; i++)
            ask_server(&at);
        weir_close(l);
        OOM_CHECK(rc < 0 || weir_task_wait(t) == 0);
        if (rc == 0 && weir_task_result(t, &rc) == 0)
            note(rc);
        OOM_CHECK(weir_server_statistics_get(the_server, &n) == 0 && n.connections == 0);
    }
    weir_close(l);
    weir_close(the_server);
    weir_close(quiet);
    weir_close(o.until);
    return weir_handle_check(g.h) == 0 ? weir_group_end(g) : 0;
}

static int serve_some(void)
{
    met = 0;
    note(weir_run(is_served, NULL, &one_worker));
    oom_off();
    return met;
}

static int merge_listeners(void)
{
    weir_listener l[2];
    weir_address at;
    met = 0;
    OOM_CHECK(weir_address_parse(&at, "127.0.0.1", 0) == 0);
    for (int i = 0; i < 2; i++) {
        l[i] = weir_address_listen(&at, NULL);
        note(weir_check(l[i]));
    }
    if (met == 0) {
        weir_listener all = weir_listener_merge(l, 2);
        note(weir_check(all));
        OOM_CHECK(weir_check(l[0]) == (met ? 0 : WEIR_ECLOSED));
        weir_close(all);
    }
    for (int i = 0; i < 2; i++)
        weir_close(l[i]);
    oom_off();
    return met;
}

/* ---- sockets ------------------------------------------------------------------------------- */

/* In a simulated run the network may be what has none; and the peer's system, which then is silent.
 */
static int note_of(int rc)
{
    note(rc == WEIR_ENOBUFS || rc == WEIR_ETIMEDOUT ? WEIR_ENOMEM : rc);
    return rc;
}

static void talk(weir_stream a, weir_stream b)
{
    char got[3];
    size_t sent, n = 0;
    int rc = note_of(weir_stream_send(a, "abc", 3, &sent));
    OOM_CHECK(sent == (rc == 0 ? 3u : sent < 3 ? sent : 0u));
    while (rc >= 0 && n < 3 && (rc = note_of((int)weir_stream_recv(b, got + n, 3 - n))) > 0)
        n += (size_t)rc;
    OOM_CHECK(rc < 0 || (n == 3 && memcmp(got, "abc", 3) == 0));
    rc = note_of(weir_stream_send_eof(a));
    OOM_CHECK(rc == 0 || rc == WEIR_ENOMEM || rc == WEIR_EPIPE);
}

static void meet(const weir_address *where)
{
    weir_address at = *where;
    weir_stream a, b;
    weir_listener l = weir_address_listen(&at, NULL);
    if (note_of(weir_check(l)) < 0)
        return;
    OOM_CHECK(weir_listener_get(l, 0, WEIR_SOCKET_LOCAL, &at) == 0);
    a = weir_address_connect(&at, NULL);
    if (note_of(weir_check(a)) == 0 && note_of(weir_accept(l, &b)) == 1) {
        talk(a, b);
        talk(b, a);
        OOM_CHECK(weir_close(b) == 0);
    }
    if (weir_check(a) == 0)
        OOM_CHECK(weir_close(a) == 0);
    OOM_CHECK(weir_close(l) == 0);
}

static int meets(void *unused)
{
    weir_address tcp, unix_name;
    (void)unused;
    OOM_CHECK(weir_address_parse(&tcp, "127.0.0.1", 0) == 0);
    OOM_CHECK(weir_address_unix(&unix_name, "", 0) == 0); /* the system gives it a name */
    meet(&tcp);
    meet(&unix_name);
    return 0;
}

static int meet_in(const weir_options *run)
{
    met = 0;
    int before = descriptors_open(), rc = weir_run(meets, NULL, run);
    if (rc != WEIR_ENOMEM && rc != WEIR_ESTACK)
        OOM_CHECK(rc == 0);
    oom_off();
    await_descriptors(before);
    return rc < 0 ? rc : met;
}

static int use_sockets(void)
{
    return meet_in(&one_worker);
}

static int use_simulated_sockets(void)
{
    return meet_in(&(weir_options){.simulate = true, .seed = 5});
}

#define SCENARIOS(X)                                                                               \
    X(receive_some, "F125 no memory: receivers of signals")                                        \
    X(look_up_names, "F093 no memory: look-ups")                                                   \
    X(race_addresses, "F083 no memory: happy eyeballs")                                            \
    X(make_streams, "F056 no memory: streams in memory, over channels, stapled")                   \
    X(buffer_lines, "F074 no memory: buffered streams")                                            \
    X(wrap_text, "F079 no memory: text streams")                                                   \
    X(copy_bytes, "F069 no memory: copies")                                                        \
    X(use_unix_sockets, "F092 F095 F096 no memory: UNIX sockets")                                  \
    X(serve_some, "F067 no memory: a server")                                                      \
    X(merge_listeners, "F072 no memory: several listeners as one")                                 \
    X(use_sockets, "F1 F086 no memory: connect, accept, send, receive, close")                     \
    X(use_simulated_sockets, "F1 R8 no memory: the same in a simulated run")

OOM_SUITE(oom, "io: out of memory", SCENARIOS);
