/* SPDX-License-Identifier: MIT */
/* Connected sockets as streams, TCP and UNIX; table 1.S. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "net_test.h"

static bool kinds[] = {false, true};

static void with_both(weir_body body)
{
    for (int i = 0; i < 2; i++)
        run_and_count(body, &kinds[i]);
}

static int result_of(weir_task t)
{
    int result = WEIR_EAGAIN;
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    return result;
}

/* ---- there and back ------------------------------------------------------------------------ */

static int echoes_once(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    char buffer[100];
    ssize_t n;
    while ((n = weir_stream_recv(s, buffer, sizeof buffer)) > 0)
        EXPECT_RC(weir_stream_send(s, buffer, (size_t)n, NULL), 0);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(weir_stream_recv(s, buffer, sizeof buffer), 0);
    return weir_stream_send_eof(s);
}

static int talks(void *arg)
{
    weir_stream a, b;
    char buffer[100];
    size_t sent = 0;
    connected_pair(*(bool *)arg, &a, &b);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, echoes_once, &b, .give = WEIR_GIVE(weir_stream, h)), 0);
    for (int i = 0; i < 100; i++) {
        EXPECT_RC(weir_stream_send(a, "hello", 5, &sent), 0);
        EXPECT_EQ(sent, 5);
        EXPECT_EQ(receive_exactly(a, buffer, 5), 5);
        EXPECT(memcmp(buffer, "hello", 5) == 0);
    }
    EXPECT_RC(weir_stream_send_eof(a), 0);
    EXPECT_RC(weir_stream_send_eof(a), 0);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), WEIR_EPIPE);
    EXPECT_EQ(weir_stream_recv(a, buffer, sizeof buffer), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void there_and_back(void)
{
    with_both(talks);
}

/* ---- more than the system keeps ------------------------------------------------------------ */

static int reads_much(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    unsigned char *buffer = malloc(100000);
    size_t sum = 0;
    ssize_t n;
    while ((n = weir_stream_recv(s, buffer, 100000)) > 0)
        for (ssize_t i = 0; i < n; i++, sum++)
            if (buffer[i] != (unsigned char)(sum * 7 >> 3)) {
                EXPECT_EQ(buffer[i], (unsigned char)(sum * 7 >> 3));
                n = 0;
            }
    free(buffer);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(sum, much_data());
    return 0;
}

static int sends_much(void *arg)
{
    weir_stream a, b;
    size_t size = much_data(), sent;
    unsigned char *much = malloc(size);
    connected_pair(*(bool *)arg, &a, &b);
    for (size_t i = 0; i < size; i++)
        much[i] = (unsigned char)(i * 7 >> 3);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, reads_much, &b, .give = WEIR_GIVE(weir_stream, h)), 0);
    EXPECT_RC(weir_stream_send(a, much, size, &sent), 0);
    EXPECT_EQ(sent, size);
    EXPECT_RC(weir_close(a), 0);
    EXPECT_RC(weir_group_end(g), 0);
    free(much);
    return 0;
}

static void much(void)
{
    with_both(sends_much);
}

/* ---- busy, closed, cancelled --------------------------------------------------------------- */

static int receives_rc(void *arg)
{
    char c;
    return (int)weir_stream_recv(*(weir_stream *)arg, &c, 1);
}

static int second_is_busy(void *arg)
{
    weir_stream a, b;
    char c;
    connected_pair(*(bool *)arg, &a, &b);
    weir_group g = weir_group_begin();
    weir_task t;
    EXPECT_RC(weir_spawn(g, receives_rc, &b, .task = &t, .isolated = true), 0);
    weir_settle();
    EXPECT_EQ(weir_stream_recv(b, &c, 1), WEIR_EBUSY);
    EXPECT_EQ(weir_stream_try_recv(b, &c, 1), WEIR_EBUSY);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    EXPECT_EQ(result_of(t), 1);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

/* Who has armed it has the direction until he has disarmed it, also while he does not wait. */
static int armed_is_busy(void *arg)
{
    weir_stream a, b;
    weir_case below;
    char c;
    connected_pair(*(bool *)arg, &a, &b);
    EXPECT_EQ(weir_stream_try_recv(b, &c, 1), WEIR_EAGAIN);
    EXPECT_RC(weir_stream_arm(b, false, &below), 0);
    EXPECT_EQ(weir_stream_try_recv(b, &c, 1), WEIR_EBUSY);
    EXPECT_EQ(weir_stream_recv(b, &c, 1), WEIR_EBUSY);
    EXPECT_RC(weir_check(weir_stream_take(b)), WEIR_EBUSY);
    weir_stream_disarm(b, false, WEIR_EAGAIN);
    EXPECT_EQ(weir_stream_try_recv(b, &c, 1), WEIR_EAGAIN);
    weir_stream taken = weir_stream_take(b);
    EXPECT_RC(weir_check(taken), 0);
    EXPECT_RC(weir_stream_arm(b, false, &below), WEIR_ECLOSED);
    EXPECT_EQ(weir_stream_try_recv(taken, &c, 1), WEIR_EAGAIN);
    return weir_close(taken);
}

static void busy(void)
{
    with_both(second_is_busy);
    with_both(armed_is_busy);
}

static int closed_while_waiting(void *arg)
{
    weir_stream a, b;
    weir_task t;
    connected_pair(*(bool *)arg, &a, &b);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, receives_rc, &b, .task = &t, .isolated = true), 0);
    weir_settle();
    EXPECT_RC(weir_close(b), 0);
    EXPECT_RC(weir_close(b), 0);
    EXPECT_RC(result_of(t), WEIR_ECLOSED);
    EXPECT_EQ(receives_rc(&b), WEIR_ECLOSED);
    EXPECT_RC(weir_stream_send(b, "x", 1, NULL), WEIR_ECLOSED);
    EXPECT_RC(weir_stream_send_eof(b), WEIR_ECLOSED);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(receives_rc(&a), 0);
    return 0;
}

static void closed(void)
{
    with_both(closed_while_waiting);
}

static int cancelled_receive(void *arg)
{
    weir_stream a, b;
    char c[2];
    connected_pair(*(bool *)arg, &a, &b);
    EXPECT_EQ(weir_stream_recv_by(b, c, 2, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    weir_scope s = weir_move_on_after(WEIR_MS);
    EXPECT_EQ(weir_stream_recv(b, c, 2), WEIR_ECANCELED);
    EXPECT_EQ(weir_scope_end(s), 1);
    EXPECT_RC(weir_stream_send(a, "xy", 2, NULL), 0);
    EXPECT_EQ(receive_exactly(b, c, 2), 2);
    return 0;
}

static void cancelled(void)
{
    with_both(cancelled_receive);
}

static int torn_send(void *arg)
{
    weir_stream a, b;
    size_t sent = 0, size = 20 << 20;
    char *big = calloc(1, size), c[4096];
    ssize_t n;
    connected_pair(*(bool *)arg, &a, &b);
    EXPECT_RC(weir_stream_send_by(a, big, size, weir_after(20 * WEIR_MS), &sent), WEIR_ETIMEDOUT);
    EXPECT(sent > 0 && sent < size);
    EXPECT_RC(weir_stream_send(a, "x", 1, &sent), WEIR_EPIPE);
    EXPECT_EQ(sent, 0);
    EXPECT_RC(weir_close(a), 0);
    while ((n = weir_stream_recv(b, c, sizeof c)) > 0)
        ;
    if (!*(bool *)arg) /* a reset; UNIX sockets have none */
        EXPECT_EQ(n, WEIR_ECONNRESET);
    EXPECT_EQ(weir_stream_recv(b, c, sizeof c), n);
    free(big);
    return 0;
}

static void torn(void)
{
    faults_not(FAULTS_EAGAIN, "nothing might be sent in time");
    with_both(torn_send);
    faults_as_before();
}

/*
 * An actor is stopped while it waits, and goes on only when others have closed its socket, and
 * have others in its place, as soon as the memory is free to be used again.
 */
struct in_its_place {
    weir_receiver go;
    weir_stream ours, theirs;
    weir_stream others[64];
    unsigned n;
};

/* In the order in which they came here. */
static struct in_its_place *when_told(void *arg)
{
    struct in_its_place *p = *(struct in_its_place **)arg;
    char unused;
    EXPECT_EQ(weir_recv(p->go, &unused), 0);
    return p;
}

static int sends_without_end(void *arg)
{
    size_t sent, size = 20 << 20;
    char *big = calloc(1, size);
    int rc = weir_stream_send(*(weir_stream *)arg, big, size, &sent);
    EXPECT(sent > 0 && sent < size);
    free(big);
    return rc;
}

static int closes_and_waits(void *arg)
{
    return weir_stream_close(*(weir_stream *)arg, WEIR_NEVER);
}

static int closes_both(void *arg)
{
    struct in_its_place *p = when_told(arg);
    EXPECT_RC(weir_close(p->ours), 0);
    EXPECT_RC(weir_close(p->theirs), 0);
    return 0;
}

static int waits_for_the_end(void *rx)
{
    char unused;
    return weir_recv(*(weir_receiver *)rx, &unused);
}

static int turns_memory_over(void *arg)
{
    when_told(arg);
    for (int i = 0; i < 4; i++) {
        weir_sender tx;
        weir_receiver rx;
        EXPECT_RC(weir_channel_open(&tx, &rx, 1, 0, NULL), 0);
        weir_close(tx);
        weir_close(rx);
    }
    return 0;
}

static int opens_others(void *arg)
{
    struct in_its_place *p = when_told(arg);
    int fds[2];
    while (p->n < sizeof p->others / sizeof p->others[0]) {
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        for (int i = 0; i < 2; i++) {
            p->others[p->n] = weir_stream_adopt(fds[i]);
            weir_disown(p->others[p->n++]);
        }
    }
    return 0;
}

/* `if_closed`: what it returns when that came before the cancellation. */
static int stopped_and_left_behind(weir_body body, int if_closed)
{
    struct in_its_place place = {.n = 0}, *p = &place;
    weir_sender tell, last;
    weir_receiver until;
    weir_task t;
    EXPECT_RC(weir_channel_open(&tell, &p->go, 1, 0, NULL), 0);
    EXPECT_RC(weir_channel_open(&last, &until, 1, 0, NULL), 0);
    connected_pair(true, &p->ours, &p->theirs);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, body, &p->ours, .task = &t, .isolated = true), 0);
    weir_settle();
    EXPECT_RC(weir_spawn(g, closes_both, &p), 0);
    for (int i = 0; i < 400; i++)
        EXPECT_RC(weir_spawn(g, turns_memory_over, &p), 0);
    EXPECT_RC(weir_spawn(g, opens_others, &p), 0);
    EXPECT_RC(weir_spawn(g, waits_for_the_end, &until), 0);
    weir_settle();
    EXPECT_RC(weir_close(tell), 0);
    EXPECT_RC(weir_task_cancel(t, NULL), 0);
    EXPECT_RC(weir_close(last), 0); /* who is woken last goes first */
    int rc = result_of(t);
    EXPECT(rc == WEIR_ECANCELED || rc == if_closed);
    EXPECT_RC(weir_group_end(g), 0);
    for (unsigned i = 0; i < p->n; i++)
        EXPECT_RC(weir_stream_send(p->others[i], "x", 1, NULL), 0);
    for (unsigned i = 0; i < p->n; i++)
        EXPECT_RC(weir_close(p->others[i]), 0);
    return 0;
}

static int stopped_send(void *unused)
{
    (void)unused;
    return stopped_and_left_behind(sends_without_end, WEIR_ECLOSED);
}

static int stopped_close(void *unused)
{
    (void)unused;
    return stopped_and_left_behind(closes_and_waits, 0);
}

static void left_behind(void)
{
    run_and_count(stopped_send, NULL);
    run_and_count(stopped_close, NULL);
}

/* ---- select, several places, the end ------------------------------------------------------- */

static int selects(void *arg)
{
    weir_stream a, b, c, d;
    char x[10], y[10];
    connected_pair(*(bool *)arg, &a, &b);
    connected_pair(*(bool *)arg, &c, &d);
    weir_bytes at_b = {x, sizeof x}, at_d = {y, sizeof y};
    weir_case cases[] = {weir_on_stream_recv(b, &at_b), weir_on_stream_recv(d, &at_d)};
    EXPECT_EQ(weir_try_select(cases, 2, WEIR_FAIR), WEIR_EAGAIN);
    EXPECT_EQ(weir_select_by(cases, 2, WEIR_FAIR, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    for (int i = 0; i < 50; i++) {
        EXPECT_RC(weir_stream_send(i & 1 ? a : c, "abc", 3, NULL), 0);
        int k = weir_select(cases, 2, WEIR_FAIR);
        EXPECT_EQ(k, i & 1 ? 0 : 1);
        int n = cases[k].rc;
        EXPECT_EQ(n, faults_make_slow() ? 1 : 3);
        EXPECT_EQ(receive_exactly(k ? d : b, (k ? y : x) + n, (size_t)(3 - n)), 3 - n);
        EXPECT(memcmp(k ? y : x, "abc", 3) == 0);
    }
    EXPECT_RC(weir_close(a), 0);
    EXPECT_EQ(weir_select(cases, 2, WEIR_FAIR), 0);
    EXPECT_EQ(cases[0].rc, 0);
    return 0;
}

static void in_select(void)
{
    with_both(selects);
}

static int scatters(void *arg)
{
    weir_stream a, b;
    char one[3], two[10];
    size_t sent;
    connected_pair(*(bool *)arg, &a, &b);
    struct iovec from[] = {{"ab", 2}, {"", 0}, {"cdefg", 5}}, to[] = {{one, 3}, {two, 10}};
    EXPECT_RC(weir_stream_sendv(a, from, 3, WEIR_NEVER, &sent), 0);
    EXPECT_EQ(sent, 7);
    if (faults_make_slow()) {
        EXPECT_EQ(weir_stream_recvv(b, to, 2, WEIR_NEVER), 1);
        EXPECT_EQ(receive_exactly(b, one + 1, 2), 2);
        EXPECT_EQ(receive_exactly(b, two, 4), 4);
    } else {
        EXPECT_EQ(weir_stream_recvv(b, to, 2, WEIR_NEVER), 7);
    }
    EXPECT(memcmp(one, "abc", 3) == 0 && memcmp(two, "defg", 4) == 0);
    EXPECT_EQ(weir_stream_recv(b, one, 0), WEIR_EINVAL);
    EXPECT_RC(weir_stream_send(a, NULL, 0, NULL), 0);
    return 0;
}

static void several_places(void)
{
    with_both(scatters);
}

static int aborts(void *arg)
{
    weir_stream a, b;
    char c;
    connected_pair(*(bool *)arg, &a, &b);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    EXPECT_RC(weir_stream_abort(a), 0);
    EXPECT_RC(weir_stream_abort(a), 0);
    EXPECT_EQ(weir_stream_recv(b, &c, 1), 1); /* what had come before */
    ssize_t n = weir_stream_recv(b, &c, 1);
    EXPECT_EQ(n, *(bool *)arg ? 0 : WEIR_ECONNRESET); /* UNIX sockets have no resets */
    EXPECT_EQ(weir_stream_recv(b, &c, 1), n);
    return 0;
}

static void aborted(void)
{
    with_both(aborts);
}

static int closes_peer(void *arg)
{
    char c;
    weir_stream s = *(weir_stream *)arg;
    EXPECT_EQ(weir_stream_recv(s, &c, 1), 1);
    EXPECT_EQ(weir_stream_recv(s, &c, 1), 0);
    return weir_close(s);
}

static int waits_for_the_peer(void *arg)
{
    weir_stream a, b;
    connected_pair(*(bool *)arg, &a, &b);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, closes_peer, &b, .give = WEIR_GIVE(weir_stream, h)), 0);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    EXPECT_RC(weir_stream_close(a, weir_after(10 * WEIR_S)), 0);
    EXPECT_RC(weir_check(a), WEIR_ECLOSED);
    EXPECT_RC(weir_group_end(g), 0);
    connected_pair(*(bool *)arg, &a, &b);
    EXPECT_RC(weir_stream_close(a, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    return 0;
}

static void closed_and_waited_for(void)
{
    with_both(waits_for_the_peer);
}

/* ---- listeners ----------------------------------------------------------------------------- */

static int accepts_rc(void *arg)
{
    weir_stream s;
    return weir_accept(*(weir_listener *)arg, &s);
}

static int listener_closed(void *unused)
{
    weir_address at;
    weir_task t[2];
    weir_listener l = listen_here(&at);
    (void)unused;
    weir_group g = weir_group_begin();
    for (int i = 0; i < 2; i++) {
        EXPECT_RC(weir_spawn(g, accepts_rc, &l, .task = &t[i], .isolated = true), 0);
        weir_settle(); /* one after the other: on two workers either could be the first */
    }
    weir_stream s = weir_address_connect(&at, NULL);
    EXPECT_RC(weir_check(s), 0);
    EXPECT_EQ(result_of(t[0]), 1); /* first come, first served */
    EXPECT_RC(weir_close(l), 0);
    EXPECT_RC(result_of(t[1]), WEIR_ECLOSED);
    EXPECT_RC(weir_group_end(g), 0);
    weir_stream none = weir_address_connect(&at, NULL);
    EXPECT_RC(weir_check(none), WEIR_ECONNREFUSED);
    return 0;
}

static void listener_closes(void)
{
    run_and_count(listener_closed, NULL);
}

static int many_connect(void *unused)
{
    weir_address at;
    weir_listener l = listen_here(&at);
    weir_stream accepted;
    weir_case c = weir_on_accept(l, &accepted);
    (void)unused;
    EXPECT_RC(weir_try_accept(l, &accepted), WEIR_EAGAIN);
    EXPECT_RC(weir_select_by(&c, 1, WEIR_FAIR, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    for (int i = 0; i < 200; i++) {
        weir_stream s = weir_address_connect(&at, NULL);
        EXPECT_RC(weir_check(s), 0);
        if (i & 1)
            EXPECT_EQ(weir_accept(l, &accepted), 1);
        else
            EXPECT(weir_select(&c, 1, WEIR_FAIR) == 0 && c.rc == 1);
        EXPECT_RC(weir_stream_send(accepted, "!", 1, NULL), 0);
        char x;
        EXPECT_EQ(weir_stream_recv(s, &x, 1), 1);
        EXPECT_RC(weir_close(s), 0);
        EXPECT_EQ(weir_stream_recv(accepted, &x, 1), 0);
        EXPECT_RC(weir_close(accepted), 0);
    }
    return 0;
}

static void many(void)
{
    run_and_count(many_connect, NULL);
}

/* ---- a thread that is to end ---------------------------------------------------------------- */

/* A sanitizer's functions, which are called instead of the kernel, end threads. */
#if !defined(WEIR_ASAN) && !defined(WEIR_TSAN)

struct ending {
    bool all_done, beyond;
};

static void talk(void)
{
    weir_address at;
    weir_stream accepted = {0};
    char c[3] = "";
    weir_listener l = listen_here(&at);
    weir_stream s = weir_address_connect(&at, NULL);
    EXPECT_EQ(weir_accept(l, &accepted), 1);
    EXPECT_RC(weir_stream_send(s, "ab", 2, NULL), 0);
    EXPECT_EQ(receive_exactly(accepted, c, 2), 2);
    struct iovec parts[] = {{c, 1}, {c + 1, 1}};
    EXPECT_RC(weir_stream_sendv(accepted, parts, 2, WEIR_NEVER, NULL), 0);
    ssize_t n = weir_stream_recvv(s, parts, 2, WEIR_NEVER);
    EXPECT_EQ(n, faults_make_slow() ? 1 : 2);
    EXPECT_EQ(receive_exactly(s, c, (size_t)(2 - n)), 2 - n);
    EXPECT_EQ(weir_stream_recv_by(accepted, c, 1, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_close(s), 0);
    EXPECT_EQ(weir_stream_recv(accepted, c, 1), 0);
    EXPECT_RC(weir_close(accepted), 0);
    EXPECT_RC(weir_close(l), 0);
}

/* Until its own cancellation point nothing may end it: not with a channel's lock held. */
static void *is_cancelled(void *arg)
{
    struct ending *e = arg;
    pthread_cancel(pthread_self());
    talk();
    e->all_done = true;
    pthread_testcancel();
    e->beyond = true;
    return NULL;
}

static void ending_thread(void)
{
    struct ending e = {false, false};
    int before = descriptors_open();
    pthread_t id;
    void *result = NULL;
    EXPECT_EQ(pthread_create(&id, NULL, is_cancelled, &e), 0);
    EXPECT_EQ(pthread_join(id, &result), 0);
    EXPECT(result == PTHREAD_CANCELED);
    EXPECT(e.all_done && !e.beyond);
    await_descriptors(before);
}

#else

static void ending_thread(void)
{
}

#endif

TEST_SUITE(socket, "io: sockets",
           {"F057 F058 F069 F088 sockets: there and back, half-close", there_and_back},
           {"F058 sockets: more than the system keeps", much},
           {"F062 F087 sockets: a second receive is busy", busy},
           {"B8 F060 F068 F089 sockets: closed while somebody waits", closed},
           {"F091 sockets: a receive that is cancelled loses nothing", cancelled},
           {"F091 sockets: a send that stops in the middle tears the stream", torn},
           {"F089 F091 sockets: stopped, when its place is another's", left_behind},
           {"F059 sockets: in a select", in_select},
           {"F057 F058 sockets: several places, nothing", several_places},
           {"F061 F090 sockets: cut off", aborted},
           {"F068 sockets: closed, and waited for the peer", closed_and_waited_for},
           {"B8 F086 F089 listeners: closed while two wait; refused afterwards", listener_closes},
           {"F086 listeners: one connection after the other, also in a select", many},
           {"F091 sockets: a thread that is to end ends outside", ending_thread});
