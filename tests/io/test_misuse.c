/* SPDX-License-Identifier: MIT */
/*
 * B8: wrong use of each function of io/. Those that take a handle are in a table, and get one that
 * was never given out, one of another kind, and one that is closed; by a plain thread and by an
 * actor. The others get what is no argument. tests/rows/check.py looks that none is missing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net_test.h"

static char place[16];
static size_t size;
static const struct iovec vector = {place, 1};
static const weir_bytes some = {place, 1};
static weir_until until_x = {"x", 1, place, 8, 0};
static weir_line line = {place, 8, 0};
static weir_frame frame = {WEIR_FRAME_16_BIG, place, 8, 0};
static weir_fds fds = {place, 1, (int[1]){-1}, 1, 0, 0};

static int handler(weir_stream s, void *arg)
{
    (void)s, (void)arg;
    return 0;
}

static int fires(weir_case c)
{
    int i = weir_try_select(&c, 1, WEIR_FAIR);
    return i < 0 ? i : c.rc;
}

static int copies(weir_stream s, bool relay)
{
    weir_stream a, b;
    weir_copied copied;
    weir_relayed relayed;
    EXPECT_RC(weir_stream_pair(&a, &b, 1), 0);
    int rc = relay ? weir_stream_relay_by(a, s, WEIR_NEVER, &relayed)
                   : weir_stream_copy_by(s, a, WEIR_NEVER, &copied);
    weir_close(a);
    weir_close(b);
    return rc;
}

static int sends_handle(weir_handle h, bool listener)
{
    weir_stream a, b, given = {h};
    EXPECT_RC(weir_unix_pair(&a, &b), 0);
    int rc = listener ? weir_send_listener(a, "x", 1, (weir_listener){h}, weir_after(WEIR_S))
                      : weir_send_stream(a, "x", 1, &given, weir_after(WEIR_S));
    weir_close(a);
    weir_close(b);
    return rc;
}

static int runs_server(weir_handle h)
{
    weir_server s = {h};
    weir_address at;
    weir_listener l = listen_here(&at);
    int rc = weir_server_run(s, l, handler, NULL);
    weir_close(l);
    return rc;
}

/* ---- handles ------------------------------------------------------------------------------- */

enum kind { STREAM, BUFFERED, LISTENER, DESCRIPTOR, SERVER, UNIX };

#define S ((weir_stream){h})
#define L ((weir_listener){h})
#define B ((weir_buffered){{h}})
#define D ((weir_descriptor){h})
#define V ((weir_server){h})

/* X(kind, name, call, what the call returns of a handle that is closed) */
#define CALLS(X)                                                                                   \
    X(STREAM, recv, weir_stream_recv(S, place, 1), WEIR_ECLOSED)                                   \
    X(STREAM, recv_by, weir_stream_recv_by(S, place, 1, WEIR_NEVER), WEIR_ECLOSED)                 \
    X(STREAM, try_recv, weir_stream_try_recv(S, place, 1), WEIR_ECLOSED)                           \
    X(STREAM, recvv, weir_stream_recvv(S, &vector, 1, WEIR_NEVER), WEIR_ECLOSED)                   \
    X(STREAM, try_recvv, weir_stream_try_recvv(S, &vector, 1), WEIR_ECLOSED)                       \
    X(STREAM, send, weir_stream_send(S, "x", 1, NULL), WEIR_ECLOSED)                               \
    X(STREAM, send_by, weir_stream_send_by(S, "x", 1, WEIR_NEVER, NULL), WEIR_ECLOSED)             \
    X(STREAM, try_send, weir_stream_try_send(S, "x", 1), WEIR_ECLOSED)                             \
    X(STREAM, sendv, weir_stream_sendv(S, &vector, 1, WEIR_NEVER, NULL), WEIR_ECLOSED)             \
    X(STREAM, try_sendv, weir_stream_try_sendv(S, &vector, 1), WEIR_ECLOSED)                       \
    X(STREAM, flush, weir_stream_flush(S, WEIR_NEVER), WEIR_ECLOSED)                               \
    X(STREAM, try_flush, weir_stream_try_flush(S), WEIR_ECLOSED)                                   \
    X(STREAM, eof, weir_stream_send_eof(S), WEIR_ECLOSED)                                          \
    X(STREAM, try_eof, weir_stream_try_send_eof(S), WEIR_ECLOSED)                                  \
    X(STREAM, close_by, weir_stream_close(S, WEIR_NEVER), 0)                                       \
    X(STREAM, abort, weir_stream_abort(S), 0)                                                      \
    X(STREAM, on_recv, fires(weir_on_stream_recv(S, &some)), WEIR_ECLOSED)                         \
    X(STREAM, on_send, fires(weir_on_stream_send(S, &some)), WEIR_ECLOSED)                         \
    X(STREAM, get, weir_stream_get_item(S, WEIR_SOCKET_FD, place, sizeof(int)), WEIR_ECLOSED)      \
    X(STREAM, take, weir_check(weir_stream_take(S)), WEIR_ECLOSED)                                 \
    X(STREAM, arm, weir_stream_arm(S, false, &(weir_case){0}), WEIR_ECLOSED)                       \
    X(STREAM, release, weir_stream_release(S), WEIR_ECLOSED)                                       \
    X(STREAM, ends, weir_stream_ends(S, &(weir_chunk_receiver){0}, &(weir_chunk_sender){0}),       \
      WEIR_ECLOSED)                                                                                \
    X(STREAM, staple, weir_check(weir_stream_staple(S, S)), WEIR_ECLOSED)                          \
    X(STREAM, copy, copies(S, false), WEIR_ECLOSED)                                                \
    X(STREAM, relay, copies(S, true), WEIR_ECLOSED)                                                \
    X(STREAM, buffer, weir_check(weir_buffer(S, NULL)), WEIR_ECLOSED)                              \
    X(STREAM, text, weir_check(weir_text(S, "UTF-8", WEIR_TEXT_STRICT)), WEIR_ECLOSED)             \
    X(STREAM, send_frame, weir_send_frame_by(S, WEIR_FRAME_16_BIG, "x", 1, WEIR_NEVER),            \
      WEIR_ECLOSED)                                                                                \
    X(STREAM, close, weir_close(S), 0)                                                             \
    X(BUFFERED, exactly, weir_recv_exactly_by(B, place, 1, WEIR_NEVER), WEIR_ECLOSED)              \
    X(BUFFERED, try_exactly, weir_try_recv_exactly(B, place, 1), WEIR_ECLOSED)                     \
    X(BUFFERED, until, weir_recv_until_by(B, "x", 1, place, 1, &size, WEIR_NEVER), WEIR_ECLOSED)   \
    X(BUFFERED, try_until, weir_try_recv_until(B, "x", 1, place, 1, &size), WEIR_ECLOSED)          \
    X(BUFFERED, line, weir_recv_line_by(B, place, 8, &size, WEIR_NEVER), WEIR_ECLOSED)             \
    X(BUFFERED, try_line, weir_try_recv_line(B, place, 8, &size), WEIR_ECLOSED)                    \
    X(BUFFERED, frame, weir_recv_frame_by(B, WEIR_FRAME_16_BIG, place, 8, &size, WEIR_NEVER),      \
      WEIR_ECLOSED)                                                                                \
    X(BUFFERED, try_frame, weir_try_recv_frame(B, WEIR_FRAME_16_BIG, place, 8, &size),             \
      WEIR_ECLOSED)                                                                                \
    X(BUFFERED, peek, weir_peek_by(B, place, 1, WEIR_NEVER), WEIR_ECLOSED)                         \
    X(BUFFERED, try_peek, weir_try_peek(B, place, 1), WEIR_ECLOSED)                                \
    X(BUFFERED, feed, weir_buffer_feed(B, "x", 1), WEIR_ECLOSED)                                   \
    X(BUFFERED, unread, weir_buffer_take_unread(B, place, 1), WEIR_ECLOSED)                        \
    X(BUFFERED, on_exactly, fires(weir_on_recv_exactly(B, &some)), WEIR_ECLOSED)                   \
    X(BUFFERED, on_until, fires(weir_on_recv_until(B, &until_x)), WEIR_ECLOSED)                    \
    X(BUFFERED, on_line, fires(weir_on_recv_line(B, &line)), WEIR_ECLOSED)                         \
    X(BUFFERED, on_frame, fires(weir_on_recv_frame(B, &frame)), WEIR_ECLOSED)                      \
    X(LISTENER, accept, weir_accept(L, &(weir_stream){0}), WEIR_ECLOSED)                           \
    X(LISTENER, accept_by, weir_accept_by(L, &(weir_stream){0}, WEIR_NEVER), WEIR_ECLOSED)         \
    X(LISTENER, try_accept, weir_try_accept(L, &(weir_stream){0}), WEIR_ECLOSED)                   \
    X(LISTENER, on_accept, fires(weir_on_accept(L, &(weir_stream){0})), WEIR_ECLOSED)              \
    X(LISTENER, clone, weir_check(weir_listener_clone(L)), WEIR_ECLOSED)                           \
    X(LISTENER, merge, weir_check(weir_listener_merge(&L, 1)), WEIR_ECLOSED)                       \
    X(LISTENER, port, weir_listener_port(L), WEIR_ECLOSED)                                         \
    X(LISTENER, listener_get, weir_listener_get_item(L, 0, WEIR_SOCKET_FD, place, sizeof(int)),    \
      WEIR_ECLOSED)                                                                                \
    X(LISTENER, hand_over, weir_hand_over(&L, 1, (char *const[]){place, NULL}), WEIR_ECLOSED)      \
    X(LISTENER, send_listener, sends_handle(h, true), WEIR_ECLOSED)                                \
    X(LISTENER, serve, weir_serve(L, handler, NULL), 0)                                            \
    X(LISTENER, serve_with, weir_serve_with(L, handler, NULL, NULL), 0)                            \
    X(LISTENER, listener_close, weir_close(L), 0)                                                  \
    X(DESCRIPTOR, readable, weir_wait_readable(D, WEIR_NEVER), WEIR_ECLOSED)                       \
    X(DESCRIPTOR, writable, weir_wait_writable(D, WEIR_NEVER), WEIR_ECLOSED)                       \
    X(DESCRIPTOR, on_readable, fires(weir_on_readable(D)), WEIR_ECLOSED)                           \
    X(DESCRIPTOR, on_writable, fires(weir_on_writable(D)), WEIR_ECLOSED)                           \
    X(DESCRIPTOR, descriptor_close, weir_close(D), 0)                                              \
    X(SERVER, drain, weir_server_drain(V), WEIR_ECLOSED)                                           \
    X(SERVER, drained, weir_check(weir_server_drained(V)), WEIR_ECLOSED)                           \
    X(SERVER, statistics, weir_server_statistics_get(V, &(weir_server_statistics){0}),             \
      WEIR_ECLOSED)                                                                                \
    X(SERVER, metrics, weir_server_metrics(V, stdout), WEIR_ECLOSED)                               \
    X(SERVER, run, runs_server(h), WEIR_ECLOSED)                                                   \
    X(SERVER, server_close, weir_close(V), 0)                                                      \
    X(UNIX, allow_fds, weir_unix_allow_fds(S), WEIR_ECLOSED)                                       \
    X(UNIX, send_fds, weir_send_fds(S, "x", 1, (int[]){0}, 1, WEIR_NEVER, NULL), WEIR_ECLOSED)     \
    X(UNIX, try_send_fds, weir_try_send_fds(S, "x", 1, (int[]){0}, 1), WEIR_ECLOSED)               \
    X(UNIX, recv_fds, weir_recv_fds(S, &fds, WEIR_NEVER), WEIR_ECLOSED)                            \
    X(UNIX, try_recv_fds, weir_try_recv_fds(S, &fds), WEIR_ECLOSED)                                \
    X(UNIX, on_recv_fds, fires(weir_on_recv_fds(S, &fds)), WEIR_ECLOSED)                           \
    X(UNIX, send_stream, sends_handle(h, false), WEIR_ECLOSED)

#define DEFINE(kind, name, call, closed)                                                           \
    static int do_##name(weir_handle h)                                                            \
    {                                                                                              \
        return (int)(call);                                                                        \
    }
CALLS(DEFINE)

#define ENTRY(kind, name, call, closed) {#name, kind, do_##name, closed},
static const struct call {
    const char *name;
    enum kind kind;
    int (*call)(weir_handle h);
    int closed;
} calls[] = {CALLS(ENTRY)};

static weir_handle opened(enum kind kind)
{
    weir_stream a, b;
    weir_address at;
    switch (kind) {
    case LISTENER:
        return listen_here(&at).h;
    case DESCRIPTOR:
        return weir_descriptor_open(0).h;
    case SERVER:
        return weir_server_open(NULL).h;
    default:
        EXPECT_RC(weir_unix_pair(&a, &b), 0);
        weir_close(b);
        return kind == BUFFERED ? weir_buffer(a, NULL).stream.h : a.h;
    }
}

static void expect_result(const struct call *c, weir_handle h, int expected, const char *of)
{
    int rc = c->call(h);
    if (!EXPECT_RC(rc, expected))
        printf("\n    ... %s of a handle that %s", c->name, of);
}

/* Only actors serve, and that is said first. */
static int of_another_kind(const struct call *c, bool actor)
{
    return !actor && (c->call == do_serve || c->call == do_serve_with) ? WEIR_EPERM : WEIR_EBADF;
}

static void misuse_all(bool actor)
{
    weir_lock other = weir_lock_open(); /* nothing of these calls is for it but the close */
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const struct call *c = &calls[i];
        weir_handle h = opened(c->kind);
        bool closes = c->call == do_close || c->call == do_listener_close ||
                      c->call == do_descriptor_close || c->call == do_server_close;
        EXPECT_RC(weir_handle_check(h), 0);
        EXPECT_RC(weir_handle_close(h), 0);
        expect_result(c, h, c->closed, "is closed");
        EXPECT_RC(weir_handle_close(h), 0);
        expect_result(c, 0, WEIR_EBADF, "was never given out");
        if (!closes)
            expect_result(c, other.h, of_another_kind(c, actor), "is of another kind");
        EXPECT_RC(weir_check(other), 0);
    }
    EXPECT_RC(weir_close(other), 0);
}

static int misuses(void *unused)
{
    (void)unused;
    misuse_all(true);
    return 0;
}

static void handles_by_actor(void)
{
    run_and_count(misuses, NULL);
}

static void handles_by_thread(void)
{
    int before = descriptors_open();
    misuse_all(false);
    await_descriptors(before);
}

/* ---- arguments ----------------------------------------------------------------------------- */

static void addresses(void)
{
    weir_address a, none = {0};
    struct sockaddr_storage to;
    char text[WEIR_ADDRESS_TEXT];
    EXPECT_RC(weir_address_parse(&a, "nowhere", 1), WEIR_EINVAL);
    EXPECT_RC(weir_address_unix(&a, NULL, 1), WEIR_EINVAL);
    EXPECT_RC(weir_address_from(&a, (struct sockaddr *)&(struct sockaddr_storage){0}, sizeof to),
              WEIR_EINVAL);
    EXPECT_EQ(weir_address_to(&none, &to), 0);
    EXPECT(weir_address_format(&none, text, sizeof text) == text && text[0] == '(');
    EXPECT(weir_address_host(&none, text, sizeof text) == text);
    EXPECT(weir_address_equal(&none, &none));
    EXPECT_RC(weir_check(weir_address_connect(&none, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_address_listen(NULL, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_tcp_connect(NULL, 80, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_tcp_listen("", 80, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_unix_connect(NULL, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_unix_listen("", NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_resolve("", 80, &a, 1, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_resolve_back(&none, NULL, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_resolve_class()), WEIR_EPERM); /* by a thread */
}

static void chunks(void)
{
    weir_chunk c = {0};
    weir_chunk_sender tx;
    void *data;
    size_t before = weir_chunk_bytes();
    EXPECT_RC(weir_chunk_new(NULL, 1, &data), WEIR_EINVAL);
    EXPECT_RC(weir_chunk_copy(&c, NULL, 1), WEIR_EINVAL);
    EXPECT_RC(weir_chunk_slice(&c, c, 0, 1), WEIR_EINVAL);
    EXPECT_RC(weir_chunk_channel(&tx, NULL, 1), WEIR_EINVAL);
    EXPECT(weir_chunk_data(weir_chunk_share(c)) == NULL);
    weir_chunk_free(&c);
    weir_chunk_free(&c);
    size_t limit = weir_chunk_limit(before);
    EXPECT_RC(weir_chunk_new(&c, 1, &data), WEIR_ENOBUFS);
    EXPECT_EQ(weir_chunk_limit(limit), before);
    EXPECT_EQ(weir_chunk_bytes(), before);
}

static void others(void)
{
    weir_stream a;
    weir_listener l;
    weir_receiver rx;
    weir_simnet_counters n;
    int fd = -1;
    EXPECT_RC(weir_stream_pair(&a, NULL, 1), WEIR_EINVAL);
    EXPECT_RC(weir_unix_pair(NULL, &a), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_stream_over((weir_chunk_receiver){0}, (weir_chunk_sender){0})),
              WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_stream_make(NULL, NULL)), WEIR_EINVAL);
    weir_stream_disarm((weir_stream){0}, false, 0); /* has nothing to tell of */
    EXPECT_RC(weir_check(weir_stream_adopt(-1)), WEIR_EBADF);
    EXPECT_RC(weir_check(weir_listener_adopt(&fd, 1)), WEIR_EBADF);
    EXPECT_RC(weir_check(weir_listener_adopt(NULL, 1)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_descriptor_open(-1)), WEIR_EBADF);
    EXPECT_RC(weir_check(weir_server_open(&(weir_serve_options){.drain = -1})), WEIR_EINVAL);
    EXPECT_RC(weir_listeners_from_environment(&l, 0), 0);
    EXPECT_RC(weir_notify(NULL), WEIR_EINVAL);
    EXPECT_RC(weir_signals(&rx, -1, 0), WEIR_EINVAL);
    EXPECT_RC(weir_signals_open(&rx, NULL, 1, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_signal_inject(NULL), WEIR_EINVAL);
    EXPECT_RC(weir_simnet_set(&(weir_simnet_options){0}), WEIR_EPERM);
    EXPECT_RC(weir_simnet_cut(NULL, true), WEIR_EINVAL);
    EXPECT_RC(weir_simnet_count(&n), WEIR_EPERM);
}

TEST_SUITE(misuse, "io: misuse", {"B8 F060 misuse: wrong handles, by an actor", handles_by_actor},
           {"B8 F060 misuse: wrong handles, by a plain thread", handles_by_thread},
           {"B8 F120 misuse: addresses and names", addresses}, {"B8 F056 misuse: chunks", chunks},
           {"B8 F066 misuse: what has no handle", others});
