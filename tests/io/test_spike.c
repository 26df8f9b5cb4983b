/* SPDX-License-Identifier: MIT */
/*
 * F107-F116: a secure session over any stream, by the interface that a user has. The engine is a
 * toy; what it asks of the streams below and above it is what a real one asks.
 */
#include <stdatomic.h>

#include "streams.h"
#include "toy.h"

enum { LONG = 3000 };

/* Sessions over two streams with so much room. */
static void open_two(weir_stream *client, weir_stream *server, size_t room, unsigned update_every)
{
    weir_stream a, b;
    open_memory(&a, &b, room);
    *client = toy_open(a, &(struct toy_options){.update_every = update_every});
    *server = toy_open(b, &(struct toy_options){.server = true, .update_every = update_every});
    EXPECT_RC(weir_check(*client), 0);
    EXPECT_RC(weir_check(*server), 0);
    EXPECT_RC(weir_check(a), WEIR_ECLOSED); /* it is the session's */
}

struct work {
    weir_stream s;
    size_t bytes;
    size_t done;
    bool to_the_end; /* and say that it is, or expect it */
    int rc;
    weir_scope scope;
    bool begun;
};

static int sends(void *arg)
{
    struct work *w = *(struct work **)arg;
    char part[97];
    w->scope = weir_scope_begin();
    w->begun = true;
    while (w->rc == 0 && w->done < w->bytes) {
        size_t n = 0, sent;
        for (; n < sizeof part && w->done + n < w->bytes; n++)
            part[n] = nth_byte(w->done + n);
        w->rc = weir_stream_send(w->s, part, n, &sent);
        w->done += sent;
    }
    if (w->rc == 0 && w->to_the_end)
        w->rc = weir_stream_send_eof(w->s);
    weir_scope_end(w->scope);
    return 0;
}

static int receives(void *arg)
{
    struct work *w = *(struct work **)arg;
    char part[61];
    ssize_t n = 1;
    w->scope = weir_scope_begin();
    w->begun = true;
    while (n > 0 && (w->done < w->bytes || w->to_the_end)) {
        n = weir_stream_recv(w->s, part, 1 + w->done % sizeof part);
        for (ssize_t i = 0; i < n; i++, w->done++)
            if (part[i] != nth_byte(w->done))
                FAIL("another byte");
    }
    w->rc = n < 0 ? (int)n : 0;
    weir_scope_end(w->scope);
    return 0;
}

static void begin(weir_group g, weir_body body, struct work *w)
{
    EXPECT_RC(weir_spawn(g, body, &w), 0);
}

static void none_is_left(void)
{
    EXPECT_EQ(toy_sessions(), 0);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static int echo_server(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    char part[32];
    ssize_t n;
    while ((n = weir_stream_recv(s, part, sizeof part)) > 0)
        EXPECT_RC(weir_stream_send(s, part, (size_t)n, NULL), 0);
    EXPECT_COUNT(n, 0);
    EXPECT_RC(weir_stream_close(s, WEIR_NEVER), 0);
    return 0;
}

/* Through so little room that each record waits again and again, in the handshake as well. */
static void echo_through(size_t room, unsigned update_every)
{
    weir_stream client, server;
    struct toy_keys keys;
    open_two(&client, &server, room, update_every);
    weir_group g = weir_group_begin(), both = weir_group_begin();
    struct work out = {.s = client, .bytes = LONG, .to_the_end = true};
    struct work in = out; /* to the end: new keys that nobody receives would be waited for */
    EXPECT_RC(weir_spawn(g, echo_server, &server), 0);
    begin(both, sends, &out);
    begin(both, receives, &in);
    EXPECT_RC(weir_group_end(both), 0);
    EXPECT_RC(weir_stream_get(client, TOY_KEYS, &keys), 0);
    EXPECT(update_every ? keys.sent > 10 && keys.received > 10 : keys.sent + keys.received == 2);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(out.rc, 0);
    EXPECT_RC(in.rc, 0);
    EXPECT_EQ(in.done, LONG);
    EXPECT_RC(weir_stream_close(client, WEIR_NEVER), 0);
    EXPECT_RC(weir_close(server), 0);
}

static int echoes(void *unused)
{
    (void)unused;
    static const size_t rooms[] = {1, 2, 5, 64, 4096};
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        echo_through(rooms[i], 0);
        echo_through(rooms[i], 3);
    }
    return 0;
}

static void run_echoes(void)
{
    EXPECT_RC(weir_run(echoes, NULL, NULL), 0);
    none_is_left();
}

/* Both of a session begin at once, on both sides: one shakes hands below, the other one waits for
 * him, and each finds his bytes. Again and again, as the first to come is another one. */
static int duplex(void *unused)
{
    (void)unused;
    for (int round = 0; round < 40; round++) {
        weir_stream client, server;
        open_two(&client, &server, 1 + (size_t)round % 7 * 9, round % 3 ? 2 : 0);
        struct work w[4] = {{.s = client, .bytes = 700, .to_the_end = true},
                            {.s = client, .bytes = 900, .to_the_end = true},
                            {.s = server, .bytes = 900, .to_the_end = true},
                            {.s = server, .bytes = 700, .to_the_end = true}};
        weir_group g = weir_group_begin();
        for (int i = 0; i < 4; i++) {
            int k = round % 2 ? 3 - i : i;
            begin(g, k % 2 ? receives : sends, &w[k]);
        }
        EXPECT_RC(weir_group_end(g), 0);
        for (int i = 0; i < 4; i++) {
            EXPECT_RC(w[i].rc, 0);
            EXPECT_EQ(w[i].done, w[i].bytes);
        }
        close_pair(client, server);
    }
    return 0;
}

static void run_duplex(void)
{
    EXPECT_RC(weir_run(duplex, NULL, NULL), 0);
    none_is_left();
}

/* ---- who waits below, and who for the other one ---------------------------------------------- */

/* The first to come waits for the server's hello, the second one for him; then the first one goes.
 */
static void pump_goes(bool receiver_first)
{
    weir_stream client, server;
    char got[8];
    open_two(&client, &server, 64, 0);
    struct work out = {.s = client, .bytes = 3}, in = {.s = client, .bytes = 3};
    struct work *first = receiver_first ? &in : &out, *second = receiver_first ? &out : &in;
    unsigned before = toy_pokes();
    weir_group g = weir_group_begin();
    begin(g, receiver_first ? receives : sends, first);
    while (!first->begun)
        weir_yield();
    EXPECT_EQ(toy_pokes(), before);
    begin(g, receiver_first ? sends : receives, second);
    while (!second->begun)
        weir_yield();
    EXPECT_EQ(toy_pokes(), before + 1);
    EXPECT_RC(weir_scope_cancel(first->scope, "goes"), 0);
    while (first->rc == 0)
        weir_yield();
    EXPECT_RC(first->rc, WEIR_ECANCELED);
    EXPECT_RC(weir_stream_send(server, (char[]){nth_byte(0), nth_byte(1), nth_byte(2)}, 3, NULL),
              0);
    if (receiver_first)
        EXPECT_EQ(weir_stream_recv(server, got, sizeof got), 3);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(second->rc, 0);
    EXPECT_EQ(second->done, 3);
    EXPECT_EQ(first->done, 0);
    first->rc = 0; /* nothing had gone, nothing was lost: it can go on */
    g = weir_group_begin();
    begin(g, receiver_first ? receives : sends, first);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(first->rc, 0);
    close_pair(client, server);
}

static int pumps(void *unused)
{
    (void)unused;
    pump_goes(true);
    pump_goes(false);
    return 0;
}

static void run_pumps(void)
{
    EXPECT_RC(weir_run(pumps, NULL, &one_worker), 0);
    none_is_left();
}

/* ---- a stream between, which tells of a wait ------------------------------------------------- */

struct tap {
    weir_stream below;
    weir_sender waits; /* told of the wait number `left`, from 0 */
    unsigned left;
};

static ssize_t tap_recv(void *self, const struct iovec *to, int n)
{
    return weir_stream_try_recvv(((struct tap *)self)->below, to, n);
}

static ssize_t tap_send(void *self, const struct iovec *from, int n)
{
    return weir_stream_try_sendv(((struct tap *)self)->below, from, n);
}

static int tap_arm(struct tap *t, bool sends, weir_case *below)
{
    if (t->left-- == 0)
        EXPECT_RC(weir_try_send(t->waits, &(char){0}), 0);
    return weir_stream_arm(t->below, sends, below);
}

static int tap_arm_recv(void *self, weir_case *below)
{
    return tap_arm(self, false, below);
}

static int tap_arm_send(void *self, weir_case *below)
{
    return tap_arm(self, true, below);
}

static void tap_disarm(void *self, bool sends, int rc)
{
    weir_stream_disarm(((struct tap *)self)->below, sends, rc);
}

static void tap_shut(void *self, bool abort)
{
    weir_stream below = ((struct tap *)self)->below;
    EXPECT_RC(abort ? weir_stream_abort(below) : weir_close(below), 0);
}

static weir_stream open_tap(struct tap *t, weir_stream below, weir_sender waits, unsigned wait)
{
    static const weir_stream_ops ops = {.try_recv = tap_recv,
                                        .try_send = tap_send,
                                        .arm_recv = tap_arm_recv,
                                        .arm_send = tap_arm_send,
                                        .disarm = tap_disarm,
                                        .shut = tap_shut};
    *t = (struct tap){weir_stream_take(below), waits, wait};
    return weir_stream_make(&ops, t);
}

/* ---- cancelled wherever it waits ------------------------------------------------------------- */

enum { GREETING = 10, TEXT = 180 };

static int greets_and_echoes(void *arg)
{
    struct work *w = *(struct work **)arg;
    char text[TEXT];
    ssize_t n = 1;
    w->rc = weir_stream_send(w->s, "0123456789", GREETING, NULL);
    while (w->rc == 0 && n > 0) {
        n = weir_stream_recv(w->s, text + w->done % TEXT, TEXT - w->done % TEXT);
        w->done += n > 0 ? (size_t)n : 0;
        w->rc = n < 0                  ? (int)n
                : w->done == TEXT && n ? weir_stream_send(w->s, text, TEXT, NULL)
                                       : 0;
    }
    (void)weir_close(w->s);
    return 0;
}

struct visit {
    weir_stream s;
    weir_receiver waits;
    weir_scope scope;
    char text[TEXT], got[GREETING + TEXT];
    size_t sent, received;
    int rc;
    bool cancelled, over;
};

static int receive_until(struct visit *v, size_t end)
{
    ssize_t n = 1;
    while (n > 0 && v->received < end) {
        n = weir_stream_recv(v->s, v->got + v->received, end - v->received);
        v->received += n > 0 ? (size_t)n : 0;
    }
    return n < 0 ? (int)n : n == 0 ? WEIR_EPIPE : 0;
}

/* From where it was: the greeting is received, the text sent, and received again. */
static int go_on(struct visit *v)
{
    size_t sent = 0;
    int rc = v->received < GREETING ? receive_until(v, GREETING) : 0;
    if (rc == 0 && v->sent < TEXT)
        rc = weir_stream_send(v->s, v->text + v->sent, TEXT - v->sent, &sent);
    v->sent += sent;
    if (rc == 0)
        rc = weir_stream_flush(v->s, WEIR_NEVER);
    return rc == 0 ? receive_until(v, GREETING + TEXT) : rc;
}

static int visits(void *arg)
{
    struct visit *v = *(struct visit **)arg;
    v->scope = weir_scope_begin();
    v->rc = go_on(v);
    v->cancelled = weir_scope_end(v->scope) == 1;
    if (v->cancelled)
        v->rc = go_on(v);
    v->over = true;
    return 0;
}

static int cancels_when_told(void *arg)
{
    struct visit *v = *(struct visit **)arg;
    char told;
    if (weir_recv(v->waits, &told) == 1)
        (void)weir_scope_cancel(v->scope, "wherever it is");
    return 0;
}

/* In the wait of this number. How it ended: 'd'one, 'r'esumed, 't'orn. */
static char cancel_in(unsigned wait)
{
    struct visit v = {.rc = 0}, *at = &v;
    struct work w = {.rc = 0};
    weir_stream a, b;
    weir_sender tx;
    struct tap tap;
    for (size_t i = 0; i < TEXT; i++)
        v.text[i] = nth_byte(i);
    open_memory(&a, &b, 7);
    EXPECT_RC(weir_channel_open(&tx, &v.waits, 1, 1, NULL), 0);
    v.s = toy_open(open_tap(&tap, a, tx, wait), &(struct toy_options){.update_every = 3});
    w.s = toy_open(b, &(struct toy_options){.server = true, .update_every = 3});
    weir_group g = weir_group_begin(), canceller = weir_group_begin();
    EXPECT_RC(weir_spawn(canceller, cancels_when_told, &at), 0);
    EXPECT_RC(weir_spawn(canceller, visits, &at), 0);
    begin(g, greets_and_echoes, &w);
    while (!v.over)
        weir_yield();
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_group_end(canceller), 0);
    bool torn = v.cancelled && v.sent > 0 && v.sent < TEXT;
    EXPECT_RC(v.rc, torn ? WEIR_EPIPE : 0);
    EXPECT(v.received < GREETING || memcmp(v.got, "0123456789", GREETING) == 0);
    if (!torn)
        EXPECT(memcmp(v.got + GREETING, v.text, TEXT) == 0);
    EXPECT_RC(weir_close(v.s), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT(torn ? w.rc < 0 : w.rc == 0); /* half of a text is no text */
    return !v.cancelled ? 'd' : torn ? 't' : 'r';
}

static int cancels(void *unused)
{
    unsigned torn = 0, resumed = 0;
    (void)unused;
    for (unsigned wait = 0;; wait++) {
        char how = cancel_in(wait);
        torn += how == 't';
        resumed += how == 'r';
        if (how == 'd')
            break;
    }
    EXPECT(torn > 3);
    EXPECT(resumed > 10);
    return 0;
}

static void run_cancels(void)
{
    EXPECT_RC(weir_run(cancels, NULL, &one_worker), 0);
    none_is_left();
}

/* ---- the end --------------------------------------------------------------------------------- */

/* The peer's side by hand, over the plain stream: whatever has come is answered. */
static void answer(weir_stream raw, struct toy *t)
{
    char bytes[64];
    ssize_t n;
    while ((n = weir_stream_try_recv(raw, bytes, sizeof bytes)) > 0)
        EXPECT_EQ(toy_feed(t, bytes, (size_t)n), n);
    EXPECT_RC(weir_stream_send(raw, t->out, t->out_size, NULL), 0);
    t->out_size = 0;
}

static void ends(bool bye)
{
    weir_stream a, raw;
    struct toy t;
    char got[8] = "";
    open_memory(&a, &raw, 256);
    weir_stream client = toy_open(a, &(struct toy_options){.update_every = 0});
    toy_init(&t, true, 5, 0);
    EXPECT_COUNT(weir_stream_try_recv(client, got, sizeof got), WEIR_EAGAIN);
    answer(raw, &t);
    toy_write(&t, "last", 4);
    if (bye)
        toy_bye(&t);
    answer(raw, &t);
    EXPECT_RC(weir_close(raw), 0);
    EXPECT_EQ(weir_stream_recv(client, got, sizeof got), 4);
    EXPECT_STR(got, "last");
    for (int i = 0; i < 2; i++)
        EXPECT_COUNT(weir_stream_recv(client, got, sizeof got), bye ? 0 : -EPROTO);
    EXPECT_RC(weir_stream_close(client, WEIR_NEVER), bye ? WEIR_EPIPE : -EPROTO);
}

static void ragged_end(void)
{
    ends(true);
    ends(false);
    none_is_left();
}

static void garbage(void)
{
    weir_stream a, raw;
    char c;
    open_memory(&a, &raw, 256);
    weir_stream client = toy_open(a, &(struct toy_options){.update_every = 0});
    EXPECT_RC(weir_stream_send(raw, "Go away", 1, NULL), 0); /* it is enough */
    for (int i = 0; i < 2; i++)
        EXPECT_COUNT(weir_stream_recv(client, &c, 1), -EPROTO);
    EXPECT_RC(weir_stream_send(client, "x", 1, NULL), -EPROTO);
    EXPECT_RC(weir_close(client), 0);
    EXPECT_RC(weir_close(raw), 0);
    EXPECT_RC(weir_check(toy_open(raw, &(struct toy_options){.server = true})), WEIR_ECLOSED);
    none_is_left();
}

/* What was taken and cannot go out is not passed over in silence; who waits for it can. */
static int stuck(void *unused)
{
    (void)unused;
    for (int how = 0; how < 3; how++) {
        weir_stream a, raw;
        struct toy t;
        char got[64];
        ssize_t n;
        open_memory(&a, &raw, 16);
        weir_stream client = toy_open(a, &(struct toy_options){.update_every = 0});
        toy_init(&t, true, 5, 0);
        EXPECT_COUNT(weir_stream_try_recv(client, got, sizeof got), WEIR_EAGAIN);
        answer(raw, &t);
        EXPECT_EQ(weir_stream_try_send(client, "more than there is room for", 27), 27);
        EXPECT_RC(weir_stream_try_flush(client), WEIR_EAGAIN);
        EXPECT_RC(how == 0   ? weir_close(client)
                  : how == 1 ? weir_stream_close(client, weir_after(WEIR_MS))
                             : weir_stream_send_by(client, "x", 1, weir_after(WEIR_MS), NULL),
                  how == 0 ? WEIR_EAGAIN : WEIR_ETIMEDOUT);
        while ((n = weir_stream_try_recv(raw, got, sizeof got)) > 0)
            EXPECT(toy_feed(&t, got, (size_t)n) == n);
        EXPECT_COUNT(n, how < 2 ? WEIR_ECONNRESET : WEIR_EAGAIN);
        if (how == 2) {
            EXPECT_RC(weir_stream_flush(client, WEIR_NEVER), 0); /* there is room now */
            EXPECT_RC(weir_stream_try_flush(client), 0);
            answer(raw, &t);
            EXPECT_EQ(toy_read(&t, got, sizeof got), 27);
            EXPECT_RC(weir_close(client), 0);
        }
        EXPECT_RC(weir_close(raw), 0);
    }
    return 0;
}

static void run_stuck(void)
{
    EXPECT_RC(weir_run(stuck, NULL, NULL), 0);
    none_is_left();
}

static int closes(void *unused)
{
    (void)unused;
    for (int how = 0; how < 2; how++) {
        weir_stream client, server;
        open_two(&client, &server, 4, 0);
        struct work out = {.s = client, .bytes = 900}, in = {.s = client, .bytes = 1};
        weir_group g = weir_group_begin();
        begin(g, receives, &in);
        begin(g, sends, &out);
        if (how == 1) /* after the handshake */
            EXPECT_EQ(weir_stream_recv(server, (char[1]){0}, 1), 1);
        weir_settle(); /* both wait: of who is between two sends, a close would keep a rest back */
        EXPECT_RC(weir_close(client), 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(in.rc, WEIR_ECLOSED);
        EXPECT_RC(out.rc, WEIR_ECLOSED);
        EXPECT_EQ(toy_sessions(), 1);
        EXPECT_RC(weir_close(server), 0);
        EXPECT_EQ(toy_sessions(), 0);
    }
    return 0;
}

static void run_closes(void)
{
    EXPECT_RC(weir_run(closes, NULL, &one_worker), 0);
    EXPECT_RC(weir_run(closes, NULL, NULL), 0);
    none_is_left();
}

/* ---- select, STARTTLS, attributes ------------------------------------------------------------ */

static int selects(void *unused)
{
    weir_stream client, server;
    weir_sender tx;
    weir_receiver rx;
    char got[16] = "", item = 'i', word[] = "word";
    weir_bytes to = {got, sizeof got}, from = {word, 4};
    (void)unused;
    open_two(&client, &server, 3, 0);
    EXPECT_RC(weir_channel_open(&tx, &rx, 1, 1, NULL), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, echo_server, &server), 0);
    weir_case c[] = {weir_on_recv(rx, &item), weir_on_stream_recv(client, &to),
                     weir_on_stream_send(client, &from)};
    EXPECT_EQ(weir_select(c, 3, WEIR_FAIR), 2); /* one waits below for the hello, one for him */
    EXPECT_EQ(c[2].rc, 4);
    weir_case_off(&c[2]);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_EQ(weir_select(c, 3, WEIR_ORDERED), 0);
    EXPECT_RC(weir_stream_flush(client, WEIR_NEVER), 0);
    EXPECT_EQ(weir_select(c, 3, WEIR_FAIR), 1);
    EXPECT_EQ(c[1].rc, 4);
    EXPECT_STR(got, "word");
    EXPECT_RC(weir_stream_send_eof(client), 0);
    EXPECT_EQ(weir_select(c, 3, WEIR_FAIR), 1);
    EXPECT_RC(c[1].rc, 0);
    EXPECT_RC(weir_stream_close(client, WEIR_NEVER), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(weir_select(c, 3, WEIR_ORDERED), 1);
    EXPECT_RC(c[1].rc, WEIR_ECLOSED);
    EXPECT_RC(weir_close(server), 0);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(rx), 0);
    return 0;
}

static void run_selects(void)
{
    EXPECT_RC(weir_run(selects, NULL, NULL), 0);
    none_is_left();
}

struct opening {
    weir_stream plain;
    const char *line;
};

/* Says its line, and begins a session without a wait for an answer. */
static int says_and_begins(void *arg)
{
    const struct opening *o = arg;
    EXPECT_RC(weir_stream_send(o->plain, o->line, strlen(o->line), NULL), 0);
    weir_stream s = toy_open(weir_stream_take(o->plain), &(struct toy_options){.server = false});
    EXPECT_RC(weir_stream_send(s, "secret", 6, NULL), 0);
    expect_text(s, "answer");
    EXPECT_RC(weir_stream_close(s, WEIR_NEVER), 0);
    return 0;
}

/* One receive has the line and what is the session's behind it. */
static void begins_in_the_buffer(weir_stream plain, const char *line)
{
    char buffer[64];
    ssize_t n = weir_stream_recv(plain, buffer, sizeof buffer);
    size_t said = strlen(line);
    EXPECT(n > (ssize_t)said && memcmp(buffer, line, said) == 0);
    weir_stream s = toy_open(plain, &(struct toy_options){.server = true,
                                                          .early = buffer + said,
                                                          .early_size = (size_t)n - said});
    expect_text(s, "secret");
    EXPECT_RC(weir_stream_send(s, "answer", 6, NULL), 0);
    EXPECT_COUNT(weir_stream_recv(s, buffer, sizeof buffer), 0);
    EXPECT_RC(weir_close(s), 0);
}

static int starttls(void *unused)
{
    (void)unused;
    for (int order = 0; order < 2; order++) {
        weir_stream a, b;
        open_memory(&a, &b, 256);
        const char *line = order == 0 ? "STARTTLS\n" : "OK\n";
        if (order == 1) { /* who is asked begins, with his answer */
            EXPECT_RC(weir_stream_send(b, "STARTTLS\n", 9, NULL), 0);
            expect_text(a, "STARTTLS\n");
        }
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_disown(a), 0);
        EXPECT_RC(weir_spawn(g, says_and_begins, &((struct opening){a, line})), 0);
        weir_yield();
        begins_in_the_buffer(b, line);
        EXPECT_RC(weir_group_end(g), 0);
    }
    return 0;
}

static void run_starttls(void)
{
    EXPECT_RC(weir_run(starttls, NULL, &one_worker), 0);
    none_is_left();
}

static int attributes(void *unused)
{
    weir_stream client, server, other, rest;
    struct toy_keys keys;
    (void)unused;
    open_two(&client, &server, 64, 0);
    EXPECT_RC(weir_stream_get(client, WEIR_ATTRIBUTE_USER, &keys), WEIR_ENOENT);
    EXPECT_RC(weir_stream_get_item(client, TOY_KEYS, &keys, 1), WEIR_EITEM);
    open_memory(&other, &rest, 8);
    weir_stream s = weir_stream_staple(other, client);
    EXPECT_RC(weir_stream_get(s, TOY_KEYS, &keys), 0);
    EXPECT_EQ(keys.sent, 0);
    weir_stream twice = weir_stream_staple(server, server);
    EXPECT_RC(weir_check(twice), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_stream_staple(server, client)), WEIR_ECLOSED); /* is s's */
    EXPECT_RC(weir_check(server), 0);
    weir_stream t = weir_stream_staple(server, rest);
    EXPECT_RC(weir_stream_get(t, TOY_KEYS, &keys), 0);
    close_pair(s, t);
    return 0;
}

static void run_attributes(void)
{
    EXPECT_RC(weir_run(attributes, NULL, NULL), 0);
    none_is_left();
}

TEST_SUITE(spike, "a secure session by the interface of streams",
           {"F084 F107 echo: records through little room, keys that change", run_echoes},
           {"F112 a reader and a writer, both of them shake hands, a receive sends", run_duplex},
           {"F112 one waits below, the other one for him, and takes his place", run_pumps},
           {"F091 F112 cancelled wherever it waits: resumed, or torn and no end", run_cancels},
           {"F110 an end without a good-bye is an error", ragged_end},
           {"F107 what is not of the protocol", garbage},
           {"F114 what could not go out: flush, close, cut off", run_stuck},
           {"F114 closed while a reader and a writer wait", run_closes},
           {"F112 select: a session beside a channel, both directions", run_selects},
           {"F116 STARTTLS in both orders: what was read before is the session's", run_starttls},
           {"F118 F070 attributes through wrappers; a staple takes both or none", run_attributes});
