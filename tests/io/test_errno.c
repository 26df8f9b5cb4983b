/* SPDX-License-Identifier: MIT */
/*
 * test_errno.c - what a user sees of each error of each system call, in each state: table 1.S.
 *
 * One run for each combination; afterwards no descriptor is open that was not before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net_test.h"

/* What becomes of an error. */
enum fate {
    STAYS,  /* it is returned, and again by each later call in this direction */
    PASSES, /* it is returned, and the next call finds everything as it was */
    UNSEEN, /* nobody gets to know */
    TEARS   /* it is returned; later sends are WEIR_EPIPE, as a part has gone */
};

struct row {
    int error, result;
    enum fate fate;
};

struct combination {
    enum fault_call call;
    bool unix_socket;
    struct row row;
};

static int told;

/* Said with a failure: which one it is. */
static void is(bool holds, const struct combination *c, const char *what)
{
    if (!EXPECT(holds))
        printf("\n    ... %s: call %d, %s, %s", what, (int)c->call, c->unix_socket ? "unix" : "tcp",
               strerror(c->row.error));
}

static void equals(long long actual, long long expected, const struct combination *c,
                   const char *what)
{
    if (!EXPECT_EQ(actual, expected))
        is(false, c, what);
}

/* Each row with TCP and, if it has them, UNIX sockets. */
static void run_rows(weir_body body, enum fault_call tcp, enum fault_call unix_call,
                     const struct row *rows, size_t n)
{
    faults_only_injected();
    for (int u = 0; u < (unix_call < FAULT_CALLS ? 2 : 1); u++)
        for (size_t i = 0; i < n; i++, told++) {
            struct combination c = {u ? unix_call : tcp, u, rows[i]};
            run_and_count(body, &c);
            faults_clear();
            test_goes_on();
        }
    faults_as_before();
}

#define RUN_ROWS(body, tcp, unix_call, rows)                                                       \
    run_rows(body, tcp, unix_call, rows, sizeof rows / sizeof rows[0])

static void inject(const struct combination *c, unsigned n)
{
    faults_inject(c->call, n, 1, c->row.error);
}

/* ---- receiving ----------------------------------------------------------------------------- */

static const struct row receive_rows[] = {
    {0, 0, STAYS},
    {ECONNRESET, WEIR_ECONNRESET, STAYS},
    {ETIMEDOUT, WEIR_ETIMEDOUT, STAYS},
    {ECONNREFUSED, WEIR_ECONNREFUSED, STAYS},
    {ECONNABORTED, -ECONNABORTED, STAYS},
    {EPIPE, WEIR_EPIPE, STAYS},
    {EHOSTUNREACH, -EHOSTUNREACH, STAYS},
    {ENETUNREACH, -ENETUNREACH, STAYS},
    {ENETDOWN, -ENETDOWN, STAYS},
    {ENOTCONN, -ENOTCONN, STAYS},
    {EIO, -EIO, STAYS},
    {EBADF, WEIR_EBADF, STAYS},
    {EPERM, WEIR_EACCES, STAYS},
    {EACCES, WEIR_EACCES, STAYS},
    {ENOMEM, WEIR_ENOMEM, PASSES},
    {ENOBUFS, WEIR_ENOBUFS, PASSES},
    {EINTR, 1, UNSEEN},
    {EAGAIN, 1, UNSEEN},
};

/* n is what b has received; a has sent one byte. */
static void check_received(const struct combination *c, weir_stream b, ssize_t n)
{
    char x = 0;
    equals(n, c->row.result, c, "receive");
    if (c->row.fate == STAYS) {
        equals(weir_stream_recv(b, &x, 1), c->row.result, c, "receive again");
        equals(weir_stream_try_recv(b, &x, 1), c->row.result, c, "try to receive again");
        equals(weir_stream_recv_by(b, &x, 1, weir_after(0)), c->row.result, c, "with a deadline");
        equals(faults_calls(c->call), 1, c, "asked once");
    } else if (c->row.fate == PASSES) {
        equals(weir_stream_recv(b, &x, 1), 1, c, "receive again");
    }
    if (c->row.fate != STAYS && n >= 0)
        is(weir_stream_try_recv(b, &x, 1) == WEIR_EAGAIN, c, "one byte");
}

static int receives_what_is_there(void *arg)
{
    const struct combination *c = arg;
    weir_stream a, b;
    char x;
    connected_pair(c->unix_socket, &a, &b);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    inject(c, 1);
    check_received(c, b, weir_stream_recv(b, &x, 1));
    equals(weir_stream_send(b, "y", 1, NULL), 0, c, "the other direction");
    return 0;
}

static int tries_to_receive(void *arg)
{
    const struct combination *c = arg;
    weir_stream a, b;
    char x;
    connected_pair(c->unix_socket, &a, &b);
    inject(c, 1);
    ssize_t n = weir_stream_try_recv(b, &x, 1);
    if (c->row.fate == UNSEEN) {
        equals(n, WEIR_EAGAIN, c, "nothing is there");
        EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
        n = weir_stream_recv(b, &x, 1);
    } else if (c->row.fate == PASSES) {
        EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    }
    check_received(c, b, n);
    return 0;
}

static int receives_one(void *arg)
{
    char x;
    return (int)weir_stream_recv(*(weir_stream *)arg, &x, 1);
}

static int result_of(weir_task t)
{
    int result = WEIR_EAGAIN;
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    return result;
}

static int receives_parked(void *arg)
{
    const struct combination *c = arg;
    weir_stream a, b;
    weir_task t;
    connected_pair(c->unix_socket, &a, &b);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, receives_one, &b, .task = &t, .isolated = true), 0);
    weir_settle();
    inject(c, 1);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    check_received(c, b, result_of(t));
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static int receives_in_select(void *arg)
{
    const struct combination *c = arg;
    weir_stream a, b;
    char x;
    weir_bytes at = {&x, 1};
    connected_pair(c->unix_socket, &a, &b);
    weir_case one = weir_on_stream_recv(b, &at);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    inject(c, 1);
    EXPECT_EQ(weir_select(&one, 1, WEIR_FAIR), 0);
    check_received(c, b, one.rc);
    return 0;
}

static void receive_errors(void)
{
    RUN_ROWS(receives_what_is_there, CALL_RECV, CALL_RECVMSG, receive_rows);
    RUN_ROWS(tries_to_receive, CALL_RECV, CALL_RECVMSG, receive_rows);
    RUN_ROWS(receives_parked, CALL_RECV, CALL_RECVMSG, receive_rows);
    RUN_ROWS(receives_in_select, CALL_RECV, CALL_RECVMSG, receive_rows);
}

/* ---- sending ------------------------------------------------------------------------------- */

static const struct row send_rows[] = {
    {EPIPE, WEIR_EPIPE, STAYS},
    {ECONNRESET, WEIR_ECONNRESET, STAYS},
    {ETIMEDOUT, WEIR_ETIMEDOUT, STAYS},
    {ECONNREFUSED, WEIR_ECONNREFUSED, STAYS},
    {EHOSTUNREACH, -EHOSTUNREACH, STAYS},
    {ENETUNREACH, -ENETUNREACH, STAYS},
    {ENETDOWN, -ENETDOWN, STAYS},
    {ENOTCONN, -ENOTCONN, STAYS},
    {EMSGSIZE, WEIR_EMSGSIZE, STAYS},
    {EIO, -EIO, STAYS},
    {EBADF, WEIR_EBADF, STAYS},
    {EPERM, WEIR_EACCES, STAYS},
    {EACCES, WEIR_EACCES, STAYS},
    {ENOMEM, WEIR_ENOMEM, PASSES},
    {ENOBUFS, WEIR_ENOBUFS, PASSES},
    {EINTR, 0, UNSEEN},
    {EAGAIN, 0, UNSEEN},
};

/* The same when a part has gone: what would pass does not. */
static struct row in_the_middle(struct row r)
{
    if (r.fate == PASSES)
        r.fate = TEARS;
    return r;
}

static void check_sent(const struct combination *c, weir_stream a, int rc)
{
    struct row r = c->row;
    int later = r.fate == STAYS ? r.result : r.fate == TEARS ? WEIR_EPIPE : 0;
    size_t sent = 77;
    unsigned asked = faults_calls(c->call);
    equals(rc, r.result, c, "send");
    equals(weir_stream_send(a, "y", 1, &sent), later, c, "send again");
    equals((long long)sent, later == 0, c, "the count");
    equals(weir_stream_try_send(a, "y", 1), later ? later : 1, c, "try to send");
    if (later)
        equals(faults_calls(c->call), asked, c, "not asked again");
    equals(weir_stream_send_eof(a), later, c, "and the end");
}

static int sends_first(void *arg)
{
    const struct combination *c = arg;
    weir_stream a, b;
    size_t sent = 77;
    connected_pair(c->unix_socket, &a, &b);
    inject(c, 1);
    int rc = weir_stream_send(a, "x", 1, &sent);
    equals((long long)sent, rc == 0, c, "the count");
    check_sent(c, a, rc);
    EXPECT_RC(weir_stream_send(b, "z", 1, NULL), 0);
    equals(receives_one(&a), 1, c, "the other direction");
    return 0;
}

static int tries_to_send(void *arg)
{
    const struct combination *c = arg;
    weir_stream a, b;
    connected_pair(c->unix_socket, &a, &b);
    inject(c, 1);
    ssize_t n = weir_stream_try_send(a, "x", 1);
    if (c->row.fate == UNSEEN) {
        equals(n, c->row.error == EINTR ? 1 : WEIR_EAGAIN, c, "try to send");
        n = 0;
    }
    check_sent(c, a, (int)n);
    return 0;
}

/* The first place goes, then the second one does not. */
static int sends_a_part(void *arg)
{
    struct combination c = *(const struct combination *)arg;
    weir_stream a, b;
    size_t sent = 77;
    c.row = in_the_middle(c.row);
    connected_pair(c.unix_socket, &a, &b);
    faults_mode(FAULTS_ONE_BYTE);
    inject(&c, 3);
    int rc = weir_stream_send(a, "xyz", 3, &sent);
    faults_mode(FAULTS_NONE);
    equals((long long)sent, rc == 0 ? 3 : 2, &c, "the count");
    check_sent(&c, a, rc);
    return 0;
}

struct much {
    weir_stream s;
    size_t *sent;
};

static int sends_much(void *arg)
{
    const struct much *m = arg;
    size_t size = 20 << 20;
    char *bytes = calloc(1, size);
    int rc = weir_stream_send(m->s, bytes, size, m->sent);
    free(bytes);
    return rc;
}

static int reads_away(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    char *scrap = malloc(1 << 20);
    ssize_t n;
    while ((n = weir_stream_recv(s, scrap, 1 << 20)) > 0)
        ;
    free(scrap);
    return 0;
}

static int sends_parked(void *arg)
{
    struct combination c = *(const struct combination *)arg;
    weir_stream a, b;
    weir_task t;
    c.row = in_the_middle(c.row);
    connected_pair(c.unix_socket, &a, &b);
    size_t sent = 0;
    struct much m = {a, &sent};
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, sends_much, &m, .task = &t, .isolated = true), 0);
    weir_settle();
    inject(&c, 1);
    EXPECT_RC(weir_spawn(g, reads_away, &b, .isolated = true), 0);
    int rc = result_of(t);
    is(rc == 0 ? sent == 20 << 20 : sent > 0 && sent < 20 << 20, &c, "the count");
    check_sent(&c, a, rc);
    EXPECT_RC(weir_close(a), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static int sends_several(void *arg)
{
    const struct combination *c = arg;
    weir_stream a, b;
    size_t sent = 77;
    struct iovec from[] = {{"ab", 2}, {"c", 1}};
    connected_pair(c->unix_socket, &a, &b);
    inject(c, 1);
    int rc = weir_stream_sendv(a, from, 2, WEIR_NEVER, &sent);
    equals(rc, c->row.result, c, "send");
    equals((long long)sent, rc == 0 ? 3 : 0, c, "the count");
    int later = c->row.fate == STAYS ? c->row.result : 0;
    equals(weir_stream_sendv(a, from, 2, WEIR_NEVER, &sent), later, c, "send again");
    return 0;
}

static void send_errors(void)
{
    RUN_ROWS(sends_first, CALL_SEND, CALL_SEND, send_rows);
    RUN_ROWS(tries_to_send, CALL_SEND, CALL_SEND, send_rows);
    RUN_ROWS(sends_a_part, CALL_SEND, CALL_SEND, send_rows);
    RUN_ROWS(sends_parked, CALL_SEND, CALL_SEND, send_rows);
    RUN_ROWS(sends_several, CALL_SENDMSG, CALL_SENDMSG, send_rows);
}

/* ---- accepting ----------------------------------------------------------------------------- */

/* The result is that of the first accept; UNSEEN: the connection is accepted all the same. */
static const struct row accept_rows[] = {
    {EMFILE, WEIR_EMFILE, PASSES},
    {ENFILE, WEIR_ENFILE, PASSES},
    {ENOBUFS, WEIR_ENOBUFS, PASSES},
    {ENOMEM, WEIR_ENOMEM, PASSES},
    {EBADF, WEIR_EBADF, PASSES},
    {EINVAL, WEIR_EINVAL, PASSES},
    {EIO, -EIO, PASSES},
    {ECONNABORTED, 1, UNSEEN},
    {EINTR, 1, UNSEEN},
    {EPROTO, 1, UNSEEN},
    {EPERM, 1, UNSEEN},
    {ENETDOWN, 1, UNSEEN},
    {ENOPROTOOPT, 1, UNSEEN},
    {EHOSTDOWN, 1, UNSEEN},
    {ENONET, 1, UNSEEN},
    {EHOSTUNREACH, 1, UNSEEN},
    {EOPNOTSUPP, 1, UNSEEN},
    {ENETUNREACH, 1, UNSEEN},
    {EAGAIN, 1, UNSEEN},
};

/* The connection that has waited all the while works. */
static void check_accepted(const struct combination *c, weir_listener l, weir_stream a,
                           weir_stream *b, int rc)
{
    char x;
    equals(rc, c->row.result, c, "accept");
    if (rc < 0)
        equals(weir_accept(l, b), 1, c, "accept again");
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    equals(weir_stream_recv(*b, &x, 1), 1, c, "the connection works");
}

static int accepts_what_waits(void *arg)
{
    const struct combination *c = arg;
    weir_address at;
    weir_stream b;
    weir_listener l = listen_here(&at);
    weir_stream a = weir_address_connect(&at, NULL);
    inject(c, 1);
    check_accepted(c, l, a, &b, weir_accept(l, &b));
    return 0;
}

struct accepting {
    weir_listener l;
    weir_stream *out;
};

static int accepts(void *arg)
{
    const struct accepting *a = arg;
    int rc = weir_accept(a->l, a->out);
    if (rc == 1)
        weir_disown(*a->out);
    return rc;
}

static int accepts_parked(void *arg)
{
    const struct combination *c = arg;
    weir_address at;
    weir_task t;
    weir_listener l = listen_here(&at);
    weir_stream b = {0};
    struct accepting how = {l, &b};
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, accepts, &how, .task = &t, .isolated = true), 0);
    weir_settle();
    inject(c, 1);
    weir_stream a = weir_address_connect(&at, NULL);
    check_accepted(c, l, a, &b, result_of(t));
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_close(b), 0);
    return 0;
}

static int accepts_in_select(void *arg)
{
    const struct combination *c = arg;
    weir_address at;
    weir_stream b;
    weir_listener l = listen_here(&at);
    weir_stream a = weir_address_connect(&at, NULL);
    weir_case one = weir_on_accept(l, &b);
    inject(c, 1);
    EXPECT_EQ(weir_select(&one, 1, WEIR_FAIR), 0);
    check_accepted(c, l, a, &b, one.rc);
    return 0;
}

static void accept_errors(void)
{
    RUN_ROWS(accepts_what_waits, CALL_ACCEPT, FAULT_CALLS, accept_rows);
    RUN_ROWS(accepts_parked, CALL_ACCEPT, FAULT_CALLS, accept_rows);
    RUN_ROWS(accepts_in_select, CALL_ACCEPT, FAULT_CALLS, accept_rows);
}

/* ---- connecting, listening ----------------------------------------------------------------- */

/* Before there is a connection nothing is in the way of any number. */
static const struct row connect_rows[] = {
    {ECONNREFUSED, WEIR_ECONNREFUSED, PASSES},
    {ETIMEDOUT, WEIR_ETIMEDOUT, PASSES},
    {EHOSTUNREACH, -EHOSTUNREACH, PASSES},
    {ENETUNREACH, -ENETUNREACH, PASSES},
    {EADDRNOTAVAIL, -EADDRNOTAVAIL, PASSES},
    {EADDRINUSE, WEIR_EADDRINUSE, PASSES},
    {EACCES, WEIR_EACCES, PASSES},
    {EPERM, WEIR_EPERM, PASSES},
    {ENOENT, WEIR_ENOENT, PASSES},
    {ECONNRESET, WEIR_ECONNRESET, PASSES},
    {ENOBUFS, WEIR_ENOBUFS, PASSES},
};

static const struct row socket_rows[] = {
    {EMFILE, WEIR_EMFILE, PASSES},   {ENFILE, WEIR_ENFILE, PASSES},
    {ENOBUFS, WEIR_ENOBUFS, PASSES}, {ENOMEM, WEIR_ENOMEM, PASSES},
    {EACCES, WEIR_EACCES, PASSES},   {EAFNOSUPPORT, -EAFNOSUPPORT, PASSES},
    {EINVAL, WEIR_EINVAL, PASSES},
};

static int connects(void *arg)
{
    const struct combination *c = arg;
    weir_address at;
    weir_listener l = c->unix_socket ? listen_unix(&at) : listen_here(&at);
    inject(c, 1);
    weir_stream s = weir_address_connect(&at, NULL);
    equals(weir_check(s), c->row.result, c, "connect");
    weir_stream again = weir_address_connect(&at, NULL);
    equals(weir_check(again), 0, c, "connect again");
    EXPECT_RC(weir_close(again), 0);
    EXPECT_RC(weir_close(l), 0);
    return 0;
}

/* A name that is not in use. */
static weir_listener listen_there(const struct combination *c)
{
    weir_address at;
    if (c->unix_socket)
        return listen_unix(&at);
    EXPECT_RC(weir_address_parse(&at, "127.0.0.1", 0), 0);
    return weir_address_listen(&at, NULL);
}

static int listens(void *arg)
{
    const struct combination *c = arg;
    inject(c, 1);
    weir_listener l = listen_there(c);
    equals(weir_check(l), c->row.result, c, "listen");
    l = listen_there(c);
    equals(weir_check(l), 0, c, "listen again");
    return 0;
}

static void connect_errors(void)
{
    RUN_ROWS(connects, CALL_CONNECT, CALL_CONNECT, connect_rows);
    RUN_ROWS(connects, CALL_SOCKET, CALL_SOCKET, socket_rows);
    RUN_ROWS(connects, CALL_SETSOCKOPT, FAULT_CALLS, socket_rows);
    RUN_ROWS(connects, CALL_GETSOCKOPT, FAULT_CALLS, connect_rows); /* how it came out */
}

static const struct row bind_rows[] = {
    {EADDRINUSE, WEIR_EADDRINUSE, PASSES},
    {EADDRNOTAVAIL, -EADDRNOTAVAIL, PASSES},
    {EACCES, WEIR_EACCES, PASSES},
    {EPERM, WEIR_EPERM, PASSES},
    {ENOENT, WEIR_ENOENT, PASSES},
    {ENOTDIR, -ENOTDIR, PASSES},
    {EROFS, -EROFS, PASSES},
    {ENOMEM, WEIR_ENOMEM, PASSES},
};

static void listen_errors(void)
{
    RUN_ROWS(listens, CALL_SOCKET, CALL_SOCKET, socket_rows);
    RUN_ROWS(listens, CALL_SETSOCKOPT, FAULT_CALLS, socket_rows);
    RUN_ROWS(listens, CALL_BIND, CALL_BIND, bind_rows);
    RUN_ROWS(listens, CALL_LISTEN, CALL_LISTEN, bind_rows);
}

/* ---- the end, and what is beside ----------------------------------------------------------- */

static const struct row shutdown_rows[] = {
    {ENOTCONN, -ENOTCONN, STAYS},
    {ECONNRESET, WEIR_ECONNRESET, STAYS},
    {EBADF, WEIR_EBADF, STAYS},
    {ENOBUFS, WEIR_ENOBUFS, STAYS},
};

static int sends_the_end(void *arg)
{
    const struct combination *c = arg;
    weir_stream a, b;
    connected_pair(c->unix_socket, &a, &b);
    inject(c, 1);
    for (int i = 0; i < 2; i++)
        equals(weir_stream_send_eof(a), c->row.result, c, "the end");
    equals(weir_stream_send(a, "x", 1, NULL), c->row.result, c, "a send behind it");
    EXPECT_RC(weir_stream_send(b, "x", 1, NULL), 0);
    equals(receives_one(&a), 1, c, "the other direction");
    return 0;
}

/* It is closed whatever close(2) says, and once. */
static const struct row close_rows[] = {
    {EINTR, 0, UNSEEN},
    {EIO, 0, UNSEEN},
    {ENOSPC, 0, UNSEEN},
    {EBADF, 0, UNSEEN},
};

static int closes(void *arg)
{
    const struct combination *c = arg;
    weir_stream a, b;
    connected_pair(c->unix_socket, &a, &b);
    inject(c, 1);
    equals(weir_close(a), 0, c, "close");
    equals(faults_calls(CALL_CLOSE), 1, c, "closed once");
    equals(receives_one(&b), 0, c, "the peer sees the end");
    return 0;
}

static int cuts_off(void *arg)
{
    const struct combination *c = arg;
    weir_stream a, b;
    connected_pair(c->unix_socket, &a, &b);
    inject(c, 1);
    equals(weir_stream_abort(a), 0, c, "abort");
    int n = receives_one(&b);
    is(n == 0 || n == WEIR_ECONNRESET, c, "the peer sees the end, or the reset");
    return 0;
}

static const struct row name_rows[] = {
    {ENOTCONN, WEIR_ENOENT, PASSES},
    {ENOBUFS, WEIR_ENOENT, PASSES},
    {EINVAL, WEIR_ENOENT, PASSES},
};

static int asks_for_the_name(void *arg)
{
    const struct combination *c = arg;
    weir_stream a, b;
    weir_address at;
    connected_pair(c->unix_socket, &a, &b);
    for (int i = 0; i < 2; i++) {
        weir_attribute which = i ? WEIR_SOCKET_LOCAL : WEIR_SOCKET_REMOTE;
        inject(c, 1);
        equals(weir_stream_get(a, which, &at), c->row.result, c, "the name");
        equals(weir_stream_get(a, which, &at), 0, c, "the name, again");
    }
    return 0;
}

/* Who has to wait when there is no poller, or no room in it. */
static const struct row poll_rows[] = {
    {EMFILE, WEIR_EMFILE, PASSES},
    {ENFILE, WEIR_ENFILE, PASSES},
    {ENOMEM, WEIR_ENOMEM, PASSES},
    {ENOSPC, -ENOSPC, PASSES},
};

static int waits_without_a_poller(void *arg)
{
    const struct combination *c = arg;
    weir_address at;
    weir_stream a, b;
    char x;
    weir_listener l = listen_unix(&at);
    a = weir_address_connect(&at, NULL);
    inject(c, 1);
    equals(weir_accept_by(l, &b, weir_after(WEIR_S)), 1, c, "accept what is there");
    equals(faults_calls(c->call), 0, c, "nobody had to wait");
    equals(weir_stream_recv(b, &x, 1), c->row.result, c, "receive");
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    equals(weir_stream_recv(b, &x, 1), 1, c, "receive again");
    equals(weir_stream_recv_by(b, &x, 1, weir_after(0)), WEIR_ETIMEDOUT, c, "wait again");
    return 0;
}

static void other_errors(void)
{
    RUN_ROWS(sends_the_end, CALL_SHUTDOWN, CALL_SHUTDOWN, shutdown_rows);
    RUN_ROWS(closes, CALL_CLOSE, CALL_CLOSE, close_rows);
    RUN_ROWS(cuts_off, CALL_CLOSE, CALL_CLOSE, close_rows);
    RUN_ROWS(cuts_off, CALL_SETSOCKOPT, CALL_SETSOCKOPT, name_rows);
    RUN_ROWS(asks_for_the_name, CALL_NAME, CALL_NAME, name_rows);
    RUN_ROWS(waits_without_a_poller, CALL_POLL_OPEN, FAULT_CALLS, poll_rows);
    RUN_ROWS(waits_without_a_poller, CALL_POLL_ADD, FAULT_CALLS, poll_rows);
}

/* Events that are late are no error: a wait of the poller that is cut short. */
static int waits_through(void *unused)
{
    weir_stream a, b;
    char x;
    (void)unused;
    connected_pair(false, &a, &b);
    for (int i = 0; i < 10; i++) {
        faults_inject(CALL_POLL_WAIT, 1, 3, EINTR);
        EXPECT_EQ(weir_stream_recv_by(b, &x, 1, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    }
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    EXPECT_EQ(weir_stream_recv(b, &x, 1), 1);
    return 0;
}

static void poller_interrupted(void)
{
    faults_only_injected();
    run_and_count(waits_through, NULL);
    faults_as_before();
}

static void enough(void)
{
    EXPECT(told >= 200);
    printf("(%d combinations) ", told);
}

TEST_SUITE(errnos, "io: faults, each errno of each call",
           {"F2 F060 F061 F090 faults: errors of a receive", receive_errors},
           {"F2 F12 F058 F090 faults: errors of a send", send_errors},
           {"F2 F12 F086 faults: errors of an accept", accept_errors},
           {"F2 F065 F082 F095 faults: errors of a connect", connect_errors},
           {"F2 F085 F095 faults: errors of a listener", listen_errors},
           {"F2 F068 F088 F121 faults: errors of the rest", other_errors},
           {"F2 faults: the poller's wait is cut short", poller_interrupted},
           {"F2 faults: at least 200 combinations", enough});
