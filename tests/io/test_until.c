/* SPDX-License-Identifier: MIT */
/* Serving until an end says so: weir_serve_options.until; rows F067, F149. */
#include <signal.h>
#include <string.h>

#include "net_test.h"

struct served {
    weir_server server;
    weir_listener listener;
    weir_handler handler;
};

static int serves(void *arg)
{
    struct served *a = arg;
    return weir_server_run(a->server, a->listener, a->handler, &a->server);
}

static weir_task begin(weir_group g, weir_server s, weir_listener l, weir_handler handler)
{
    struct served a = {s, l, handler};
    weir_task t = {0};
    EXPECT_RC(weir_spawn(g, serves, &a, .task = &t, .isolated = true), 0);
    return t;
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

/* Does not hear that the server drains. */
static int echo(weir_stream s, void *unused)
{
    char c;
    ssize_t n;
    (void)unused;
    while ((n = weir_stream_recv(s, &c, 1)) > 0)
        if ((n = weir_stream_send(s, &c, 1, NULL)) < 0)
            break;
    return (int)n;
}

static void ask(weir_stream s)
{
    char c = 'x', back = 0;
    EXPECT_RC(weir_stream_send(s, &c, 1, NULL), 0);
    EXPECT_EQ(weir_stream_recv(s, &back, 1), 1);
    EXPECT_EQ(back, c);
}

static ssize_t end_of(weir_stream s)
{
    char c;
    return weir_stream_recv(s, &c, 1);
}

/* ---- signals ------------------------------------------------------------------------------- */

/* Serves a's connection until it says so itself: it is heard by one who drains. */
static int hears_of_it(weir_stream s, void *server)
{
    char byte = 'x', none;
    weir_receiver drained = weir_server_drained(*(weir_server *)server);
    EXPECT_RC(weir_stream_send(s, &byte, 1, NULL), 0);
    EXPECT_RC(weir_recv(drained, &none), 0);
    return 0;
}

static int ends_by_signal(void *unused)
{
    weir_address at;
    weir_receiver signals;
    weir_signal term = {.number = SIGTERM};
    char c;
    (void)unused;
    EXPECT_RC(weir_signals(&signals, SIGTERM, 0), 0);
    weir_group g = weir_group_begin();
    weir_listener l = listen_here(&at);
    weir_server s = weir_server_open(&(weir_serve_options){.until = signals});
    weir_task t = begin(g, s, l, hears_of_it);
    weir_stream a = weir_address_connect(&at, NULL);
    EXPECT_EQ(weir_stream_recv(a, &c, 1), 1);
    EXPECT(!counters(s).drains);
    EXPECT_RC(weir_signal_inject(&term), 0);
    EXPECT_RC((int)end_of(a), 0);
    EXPECT_RC(result_of(t), 0);
    EXPECT_EQ(counters(s).done, 1);
    EXPECT_RC(weir_check(l), WEIR_ECLOSED);
    EXPECT_RC(weir_try_recv(signals, &term), WEIR_EAGAIN); /* ours still, and taken */
    return weir_group_end(g);
}

static void by_signal(void)
{
    run_and_count(ends_by_signal, NULL);
}

/* ---- ends of all kinds ----------------------------------------------------------------------- */

enum kind { ITEM, LARGE, END, CLOSED, TIMER, WATCH, LOST, KINDS };
static char large[WEIR_ITEM_MAX];

/* An end that a server meets when `tell` is called, or, of a timer, soon. */
static weir_receiver make(enum kind kind, weir_sender *tx)
{
    weir_receiver rx = {0};
    int rc;
    *tx = (weir_sender){0};
    if (kind == TIMER)
        rc = weir_check(rx = weir_timer_open(weir_after(WEIR_MS)));
    else if (kind == WATCH)
        rc = weir_watch_open(tx, &rx, 1, NULL);
    else if (kind == LOST)
        rc = weir_broadcast_open(tx, &rx, 1, 1, WEIR_LOSE_OLDEST);
    else
        rc = weir_channel_open(tx, &rx, kind == LARGE ? sizeof large : 1, 0, NULL);
    EXPECT_RC(rc, 0);
    return rx;
}

static void tell(enum kind kind, weir_sender tx, weir_receiver rx)
{
    char c = 0;
    if (kind == ITEM || kind == WATCH || kind == LOST)
        EXPECT_RC(weir_send(tx, &c), 0);
    if (kind == LOST)
        EXPECT_RC(weir_send(tx, &c), 0);
    if (kind == LARGE)
        EXPECT_RC(weir_send(tx, &large), 0);
    if (kind == END)
        EXPECT_RC(weir_close(tx), 0);
    if (kind == CLOSED)
        EXPECT_RC(weir_close(rx), 0);
}

/* Before the server begins (then of what does not wait for it), or while it serves. */
static void ends_by(enum kind kind, bool before)
{
    weir_address at;
    weir_sender tx;
    weir_receiver rx = make(kind, &tx);
    weir_group g = weir_group_begin();
    weir_listener l = listen_here(&at);
    weir_server s = weir_server_open(&(weir_serve_options){.until = rx});
    if (before)
        tell(kind, tx, rx);
    weir_task t = begin(g, s, l, echo);
    if (!before) {
        EXPECT_RC(weir_settle(), 0);
        EXPECT(kind == TIMER || !counters(s).drains);
        tell(kind, tx, rx);
    }
    EXPECT_RC(result_of(t), 0);
    EXPECT_RC(weir_check(l), WEIR_ECLOSED);
    EXPECT(counters(s).drains);
    EXPECT_RC(weir_check(rx), kind == CLOSED ? WEIR_ECLOSED : 0);
    weir_close(rx);
    weir_close(tx);
    weir_close(s);
    EXPECT_RC(weir_group_end(g), 0);
}

static int ends_by_all(void *unused)
{
    (void)unused;
    for (int kind = ITEM; kind < KINDS; kind++) {
        ends_by((enum kind)kind, false);
        if (kind != ITEM && kind != LARGE)
            ends_by((enum kind)kind, true);
    }
    return 0;
}

static void of_all_kinds(void)
{
    run_and_count(ends_by_all, NULL);
}

/* ---- a second item --------------------------------------------------------------------------- */

static const weir_serve_options for_ever = {.drain = WEIR_NEVER, .close = WEIR_NEVER};

static int gets_impatient(void *unused)
{
    weir_address at;
    weir_sender tx;
    weir_serve_options o = for_ever;
    char c = 0;
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &o.until, 1, 0, NULL), 0);
    weir_group g = weir_group_begin();
    weir_listener l = listen_here(&at);
    weir_server s = weir_server_open(&o);
    weir_task t = begin(g, s, l, echo);
    weir_stream a = weir_address_connect(&at, NULL);
    ask(a);
    EXPECT_RC(weir_send(tx, &c), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT(counters(s).drains);
    ask(a); /* it is let go on */
    EXPECT_RC(weir_send(tx, &c), 0);
    EXPECT_RC(result_of(t), 0);
    EXPECT_RC((int)end_of(a), WEIR_ECONNRESET); /* its handler was cancelled */
    EXPECT_EQ(counters(s).drained, 1);
    return weir_group_end(g);
}

static void impatient(void)
{
    run_and_count(gets_impatient, NULL);
}

/* The end behind an item is not a second one; nor is the first while the listener's close drains.
 */
static int is_patient(void *listener_closed)
{
    weir_address at;
    weir_sender tx;
    weir_serve_options o = for_ever;
    char c = 0;
    EXPECT_RC(weir_channel_open(&tx, &o.until, 1, 0, NULL), 0);
    weir_group g = weir_group_begin();
    weir_listener l = listen_here(&at);
    weir_server s = weir_server_open(&o);
    weir_task t = begin(g, s, l, echo);
    weir_stream a = weir_address_connect(&at, NULL);
    ask(a);
    if (*(bool *)listener_closed)
        EXPECT_RC(weir_close(l), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT_RC(weir_send(tx, &c), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT(counters(s).drains);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_settle(), 0);
    ask(a);
    EXPECT_RC(weir_stream_send_eof(a), 0);
    EXPECT_RC((int)end_of(a), 0);
    EXPECT_RC(result_of(t), 0);
    EXPECT_EQ(counters(s).done, 1);
    return weir_group_end(g);
}

static void patient(void)
{
    run_and_count(is_patient, &(bool){false});
    run_and_count(is_patient, &(bool){true});
}

/* Whichever of two runs receives an item tells both. */
static int ends_two(void *unused)
{
    weir_address at[2];
    weir_sender tx;
    weir_stream a[2];
    weir_task t[2];
    weir_serve_options o = for_ever;
    char c = 0;
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &o.until, 1, 0, NULL), 0);
    weir_group g = weir_group_begin();
    weir_server s = weir_server_open(&o);
    for (int i = 0; i < 2; i++) {
        t[i] = begin(g, s, listen_here(&at[i]), echo);
        a[i] = weir_address_connect(&at[i], NULL);
        ask(a[i]);
    }
    EXPECT_RC(weir_send(tx, &c), 0);
    EXPECT_RC(weir_settle(), 0);
    for (int i = 0; i < 2; i++) {
        ask(a[i]);
        weir_stream late = weir_address_connect(&at[i], NULL);
        EXPECT_RC(weir_check(late), WEIR_ECONNREFUSED);
    }
    EXPECT_RC(weir_send(tx, &c), 0);
    for (int i = 0; i < 2; i++) {
        EXPECT_RC(result_of(t[i]), 0);
        EXPECT_RC((int)end_of(a[i]), WEIR_ECONNRESET);
    }
    EXPECT_EQ(counters(s).drained, 2);
    return weir_group_end(g);
}

static void two(void)
{
    run_and_count(ends_two, NULL);
}

/* ---- cancelled, and wrong -------------------------------------------------------------------- */

static int is_cancelled(void *unused)
{
    weir_address at;
    weir_sender tx;
    weir_serve_options o = for_ever;
    char c = 0;
    (void)unused;
    EXPECT_RC(weir_channel_open(&tx, &o.until, 1, 1, NULL), 0);
    weir_group g = weir_group_begin();
    weir_server s = weir_server_open(&o);
    weir_task serving = begin(g, s, listen_here(&at), echo);
    EXPECT_RC(weir_settle(), 0);
    EXPECT_RC(weir_task_cancel(serving, NULL), 0);
    EXPECT_RC(result_of(serving), WEIR_ECANCELED);
    EXPECT_RC(weir_send(tx, &c), 0); /* what it did not take is not lost */
    EXPECT_RC(weir_recv(o.until, &c), 1);
    weir_task draining = begin(g, s, listen_here(&at), echo);
    weir_stream a = weir_address_connect(&at, NULL);
    ask(a);
    EXPECT_RC(weir_send(tx, &c), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT(counters(s).drains);
    EXPECT_RC(weir_task_cancel(draining, NULL), 0);
    EXPECT_RC(result_of(draining), WEIR_ECANCELED);
    EXPECT_RC(weir_send(tx, &c), 0);
    EXPECT_RC(weir_recv(o.until, &c), 1);
    return weir_group_end(g);
}

static void cancelled(void)
{
    run_and_count(is_cancelled, NULL);
}

static int is_wrong(void *unused)
{
    weir_address at;
    weir_sender tx;
    weir_receiver rx, none;
    weir_listener l = listen_here(&at);
    char c;
    (void)unused;
    EXPECT_RC(weir_signals(&none, SIGKILL, 0), WEIR_EINVAL);
    EXPECT_RC(weir_serve_with(l, echo, NULL, &(weir_serve_options){.until = none}), WEIR_EINVAL);
    EXPECT_RC(weir_check(l), 0); /* which was not looked at */
    EXPECT_RC(weir_channel_open(&tx, &rx, 1, 1, &(weir_channel_options){.single_receiver = true}),
              0);
    EXPECT_RC(weir_serve_with(l, echo, NULL, &(weir_serve_options){.until = {tx.h}}), WEIR_EBADF);
    EXPECT_RC(weir_try_recv(rx, &c), WEIR_EAGAIN); /* so it is ours alone */
    weir_group g = weir_group_begin();
    weir_server s = weir_server_open(&(weir_serve_options){.until = rx});
    EXPECT_RC(result_of(begin(g, s, l, echo)), WEIR_EBUSY);
    EXPECT(!counters(s).drains);
    return weir_group_end(g);
}

static void wrong(void)
{
    run_and_count(is_wrong, NULL);
}

TEST_SUITE(until, "serve until", {"F149 until: a signal drains, and the end stays", by_signal},
           {"F149 until: items, ends, closing, of all kinds of ends", of_all_kinds},
           {"F149 until: a second item cancels the handlers", impatient},
           {"F149 until: an end is no second item", patient},
           {"F149 until: one end for two listeners", two},
           {"F067 until: the server is cancelled, before and while it drains", cancelled},
           {"F067 until: an end that is none, or another's", wrong});
