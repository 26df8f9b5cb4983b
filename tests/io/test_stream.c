/* SPDX-License-Identifier: MIT */
/* F057-F070, F087-F091: what each kind of stream does, and two streams in memory above all. */
#include "streams.h"

/* ---- bytes ----------------------------------------------------------------------------------- */

static void receives(const struct stream_kind *kind)
{
    weir_stream a, b;
    char got[16] = "";
    size_t sent = 77;
    kind->open(&a, &b, 64);
    EXPECT_COUNT(weir_stream_try_recv(b, got, sizeof got), WEIR_EAGAIN);
    EXPECT_RC(weir_stream_send(a, "hello", 5, &sent), 0);
    EXPECT_EQ(sent, 5);
    EXPECT_EQ(weir_stream_recv(b, got, 2), 2);
    EXPECT_EQ(weir_stream_recv(b, got + 2, sizeof got - 2), 3);
    EXPECT_STR(got, "hello");
    EXPECT_EQ(weir_stream_try_send(b, "yes", 3), 3);
    expect_text(a, "yes");
    EXPECT_COUNT(weir_stream_try_recv(a, got, sizeof got), WEIR_EAGAIN);
    EXPECT_RC(weir_stream_flush(a, WEIR_NEVER), 0);
    EXPECT_RC(weir_stream_try_flush(a), 0);
    close_pair(a, b);
}
BY_EACH(receives)

static void arguments(const struct stream_kind *kind)
{
    weir_stream a, b;
    char c = 'x';
    struct iovec none[] = {{&c, 0}, {NULL, 0}};
    struct iovec null = {NULL, 1};
    struct iovec huge[] = {{&c, SIZE_MAX / 2}, {&c, SIZE_MAX / 2}};
    struct iovec many[WEIR_IOV_MAX + 1];
    for (int i = 0; i <= WEIR_IOV_MAX; i++)
        many[i] = (struct iovec){&c, i == 0};
    size_t sent = 77;
    kind->open(&a, &b, 64);
    EXPECT_COUNT(weir_stream_recv(a, &c, 0), WEIR_EINVAL);
    EXPECT_COUNT(weir_stream_try_recv(a, &c, 0), WEIR_EINVAL);
    EXPECT_COUNT(weir_stream_recv(a, NULL, 1), WEIR_EINVAL);
    EXPECT_COUNT(weir_stream_recvv(a, none, 2, WEIR_NEVER), WEIR_EINVAL);
    EXPECT_COUNT(weir_stream_recvv(a, none, 0, WEIR_NEVER), WEIR_EINVAL);
    EXPECT_COUNT(weir_stream_try_recvv(a, NULL, 1), WEIR_EINVAL);
    EXPECT_COUNT(weir_stream_try_recvv(a, huge, 2), WEIR_EINVAL);
    EXPECT_COUNT(weir_stream_try_recvv(a, many, WEIR_IOV_MAX + 1), WEIR_EINVAL);
    EXPECT_RC(weir_stream_send(a, NULL, 0, &sent), 0);
    EXPECT_EQ(sent, 0);
    EXPECT_RC(weir_stream_sendv(a, none, 2, WEIR_NEVER, NULL), 0);
    EXPECT_RC(weir_stream_sendv(a, &null, 1, WEIR_NEVER, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_stream_sendv(a, many, -1, WEIR_NEVER, NULL), WEIR_EINVAL);
    EXPECT_COUNT(weir_stream_try_sendv(a, many, WEIR_IOV_MAX + 1), WEIR_EINVAL);
    EXPECT_EQ(weir_stream_try_sendv(a, many, WEIR_IOV_MAX), 1);
    EXPECT_COUNT(weir_stream_try_send(a, &c, 0), 0);
    EXPECT_EQ(weir_stream_recvv(b, many, WEIR_IOV_MAX, WEIR_NEVER), 1);
    EXPECT_RC(weir_stream_get(a, WEIR_ATTRIBUTE_USER, &c), WEIR_ENOENT);
    EXPECT_RC(weir_stream_get_item(a, WEIR_ATTRIBUTE_USER, NULL, 1), WEIR_EINVAL);
    close_pair(a, b);
}
BY_EACH(arguments)

static void scatters(const struct stream_kind *kind)
{
    weir_stream a, b;
    char x[3] = "", y[4] = "", z[8] = "";
    struct iovec from[] = {{(char[]){"on"}, 2}, {NULL, 0}, {(char[]){"etwothree"}, 9}};
    struct iovec to[] = {{x, 2}, {y, 3}, {NULL, 0}, {z, 7}};
    size_t sent;
    kind->open(&a, &b, 64);
    EXPECT_RC(weir_stream_sendv(a, from, 3, WEIR_NEVER, &sent), 0);
    EXPECT_EQ(sent, 11);
    EXPECT_EQ(weir_stream_recvv(b, to, 4, WEIR_NEVER), 11);
    EXPECT_STR(x, "on");
    EXPECT_STR(y, "etw");
    EXPECT_STR(z, "othree");
    EXPECT_EQ(weir_stream_try_sendv(a, from, 3), 11);
    EXPECT_EQ(weir_stream_try_recvv(b, to, 1), 2);
    expect_text(b, "etwothree");
    close_pair(a, b);
}
BY_EACH(scatters)

enum { LONG = 5000 };

static int sends_long(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    static char text[LONG];
    struct iovec parts[5];
    size_t sent;
    for (size_t k = 0; k < LONG; k++)
        text[k] = nth_byte(k);
    for (size_t i = 0; i < 5; i++)
        parts[i] = (struct iovec){text + i * LONG / 5, LONG / 5};
    EXPECT_RC(weir_stream_sendv(s, parts, 5, WEIR_NEVER, &sent), 0);
    EXPECT_EQ(sent, LONG);
    EXPECT_RC(weir_stream_send_eof(s), 0);
    return 0;
}

/* Each call comes when the other side has made room, or brought some, again and again. */
static void sends_all(const struct stream_kind *kind)
{
    weir_stream a, b;
    char got[7];
    size_t k = 0;
    ssize_t n;
    kind->open(&a, &b, 3);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, sends_long, &a), 0);
    while ((n = weir_stream_recv(b, got, 1 + k % sizeof got)) > 0)
        for (ssize_t i = 0; i < n; i++, k++)
            if (got[i] != nth_byte(k))
                FAIL("another byte");
    EXPECT_COUNT(n, 0);
    EXPECT_EQ(k, LONG);
    EXPECT_RC(weir_group_end(g), 0);
    close_pair(a, b);
}
BY_ACTORS(sends_all)

/* ---- the end --------------------------------------------------------------------------------- */

static void half_closes(const struct stream_kind *kind)
{
    weir_stream a, b;
    char c;
    kind->open(&a, &b, 64);
    EXPECT_RC(weir_stream_send(a, "bye", 3, NULL), 0);
    EXPECT_RC(weir_stream_send_eof(a), 0);
    EXPECT_RC(weir_stream_send_eof(a), 0);
    EXPECT_RC(weir_stream_try_send_eof(a), 0);
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), WEIR_EPIPE);
    EXPECT_COUNT(weir_stream_try_send(a, "x", 1), WEIR_EPIPE);
    EXPECT_RC(weir_stream_flush(a, WEIR_NEVER), 0);
    expect_text(b, "bye");
    for (int i = 0; i < 3; i++)
        EXPECT_COUNT(weir_stream_recv(b, &c, 1), 0);
    EXPECT_COUNT(weir_stream_try_recv(b, &c, 1), 0);
    EXPECT_RC(weir_stream_send(b, "and you", 7, NULL), 0);
    expect_text(a, "and you");
    close_pair(a, b);
}
BY_EACH(half_closes)

static void closes(const struct stream_kind *kind)
{
    weir_stream a, b;
    weir_case below;
    char c;
    size_t sent = 77;
    kind->open(&a, &b, 64);
    EXPECT_RC(weir_stream_send(a, "left", 4, NULL), 0);
    EXPECT_RC(weir_stream_send(b, "lost", 4, NULL), 0);
    EXPECT_RC(weir_check(a), 0);
    EXPECT_RC(weir_close(a), 0);
    EXPECT_RC(weir_close(a), 0);
    EXPECT_RC(weir_stream_close(a, WEIR_NEVER), 0);
    EXPECT_RC(weir_stream_abort(a), 0);
    EXPECT_RC(weir_check(a), WEIR_ECLOSED);
    EXPECT_COUNT(weir_stream_recv(a, &c, 1), WEIR_ECLOSED);
    EXPECT_COUNT(weir_stream_recv(a, &c, 0), WEIR_ECLOSED);
    EXPECT_RC(weir_stream_send(a, &c, 1, &sent), WEIR_ECLOSED);
    EXPECT_EQ(sent, 0);
    EXPECT_RC(weir_stream_send_eof(a), WEIR_ECLOSED);
    EXPECT_RC(weir_stream_flush(a, WEIR_NEVER), WEIR_ECLOSED);
    EXPECT_RC(weir_stream_arm(a, false, &below), WEIR_ECLOSED);
    EXPECT_RC(weir_check(weir_stream_take(a)), WEIR_ECLOSED);
    EXPECT_RC(weir_stream_get(a, WEIR_ATTRIBUTE_USER, &c), WEIR_ECLOSED);
    expect_text(b, "left");
    EXPECT_COUNT(weir_stream_recv(b, &c, 1), 0);
    EXPECT_RC(weir_stream_send(b, "x", 1, NULL), WEIR_EPIPE);
    EXPECT_RC(weir_stream_send(b, "x", 1, NULL), WEIR_EPIPE);
    EXPECT_RC(weir_close(b), 0);
}
BY_EACH(closes)

static void no_stream(void)
{
    weir_sender tx;
    weir_receiver rx;
    char c;
    EXPECT_RC(weir_channel_open(&tx, &rx, 1, 1, NULL), 0);
    weir_semaphore sem = weir_semaphore_open(1, 1);
    weir_stream wrong[] = {{0}, {tx.h}, {rx.h}, {sem.h}};
    for (int i = 0; i < 4; i++) {
        EXPECT_COUNT(weir_stream_recv(wrong[i], &c, 1), WEIR_EBADF);
        EXPECT_RC(weir_stream_send(wrong[i], &c, 1, NULL), WEIR_EBADF);
        EXPECT_RC(weir_stream_close(wrong[i], WEIR_NEVER), WEIR_EBADF);
        EXPECT_RC(weir_check(weir_stream_take(wrong[i])), WEIR_EBADF);
    }
    weir_stream failed;
    EXPECT_RC(weir_stream_pair(&failed, NULL, 1), WEIR_EINVAL);
    EXPECT_COUNT(weir_stream_recv(failed, &c, 1), WEIR_EINVAL);
    EXPECT_RC(weir_close(failed), WEIR_EINVAL);
    EXPECT_RC(weir_stream_pair(&failed, &failed, 1), WEIR_EINVAL);
    weir_stream other;
    EXPECT_RC(weir_stream_pair(&failed, &other, 0), WEIR_EINVAL);
    EXPECT_RC(weir_check(other), WEIR_EINVAL);
    EXPECT_RC(weir_stream_pair(&failed, &other, WEIR_CHUNK_MAX + 1), WEIR_EINVAL);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_close(sem), 0);
}

static void aborts(const struct stream_kind *kind)
{
    weir_stream a, b;
    char c;
    kind->open(&a, &b, 64);
    EXPECT_RC(weir_stream_send(a, "left", 4, NULL), 0);
    EXPECT_RC(weir_stream_abort(a), 0);
    EXPECT_RC(weir_check(a), WEIR_ECLOSED);
    EXPECT_RC(weir_stream_send(b, "x", 1, NULL), kind->resets ? WEIR_ECONNRESET : WEIR_EPIPE);
    expect_text(b, "left");
    for (int i = 0; i < 2; i++)
        EXPECT_COUNT(weir_stream_recv(b, &c, 1), kind->resets ? WEIR_ECONNRESET : 0);
    EXPECT_RC(weir_stream_send(b, "x", 1, NULL), kind->resets ? WEIR_ECONNRESET : WEIR_EPIPE);
    EXPECT_RC(weir_close(b), 0);
}
BY_EACH(aborts)

static int owns(void *arg)
{
    weir_stream *s = arg;
    EXPECT_RC(weir_stream_pair(&s[0], &s[1], 8), 0);
    EXPECT_RC(weir_disown(s[1]), 0);
    return 0;
}

static int adopts(void *arg)
{
    EXPECT_RC(weir_adopt(*(weir_stream *)arg), 0);
    return 0;
}

struct given {
    weir_stream s;
};

static int is_given(void *arg)
{
    expect_text(((struct given *)arg)->s, "x");
    return 0;
}

static int gives(void *unused)
{
    weir_stream a, b;
    char c;
    (void)unused;
    EXPECT_RC(weir_stream_pair(&a, &b, 8), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, is_given, &((struct given){a}), .give = WEIR_GIVE(struct given, s)), 0);
    EXPECT_RC(weir_stream_send(b, "x", 1, NULL), 0);
    EXPECT_COUNT(weir_stream_recv(b, &c, 1), 0); /* its body has returned */
    return weir_group_end(g);
}

static void owned(void)
{
    weir_stream s[2];
    char c;
    EXPECT_RC(weir_run(owns, s, NULL), 0);
    EXPECT_RC(weir_check(s[0]), WEIR_ECLOSED);
    EXPECT_COUNT(weir_stream_recv(s[1], &c, 1), 0);
    EXPECT_RC(weir_run(adopts, &s[1], NULL), 0);
    EXPECT_RC(weir_check(s[1]), WEIR_ECLOSED);
    EXPECT_RC(weir_run(gives, NULL, NULL), 0);
}

/* ---- others ---------------------------------------------------------------------------------- */

struct call {
    weir_stream s;
    const char *text; /* to be sent; NULL: receive */
    size_t size;
    weir_time deadline;
    int rc;
    size_t count;
    weir_scope scope;
    bool begun;
};

static int calls(void *arg)
{
    struct call *c = *(struct call **)arg;
    char got[8];
    c->scope = weir_scope_begin();
    c->begun = true;
    if (c->text) {
        c->rc = weir_stream_send_by(c->s, c->text, c->size, c->deadline, &c->count);
    } else {
        ssize_t n = weir_stream_recv_by(c->s, got, sizeof got, c->deadline);
        c->rc = n < 0 ? (int)n : 0;
        c->count = n < 0 ? 0 : (size_t)n;
    }
    weir_scope_end(c->scope);
    return 0;
}

/* On one worker: when it returns the call waits, or has returned. */
static void begin_call(weir_group g, struct call *c)
{
    EXPECT_RC(weir_spawn(g, calls, &c), 0);
    while (!c->begun)
        weir_yield();
}

static void busy(const struct stream_kind *kind)
{
    weir_stream a, b;
    char c;
    size_t sent = 77;
    weir_case below;
    kind->open(&a, &b, 2);
    struct call in = {.s = a, .deadline = WEIR_NEVER};
    struct call out = {.s = a, .text = "0123456789", .size = 10, .deadline = WEIR_NEVER};
    while (weir_stream_try_send(a, "z", 1) > 0)
        ;
    weir_group g = weir_group_begin();
    begin_call(g, &in);
    begin_call(g, &out);
    EXPECT_COUNT(weir_stream_recv(a, &c, 1), WEIR_EBUSY);
    EXPECT_COUNT(weir_stream_try_recv(a, &c, 1), WEIR_EBUSY);
    EXPECT_RC(weir_stream_send(a, &c, 1, &sent), WEIR_EBUSY);
    EXPECT_EQ(sent, 0);
    EXPECT_RC(weir_stream_send_eof(a), WEIR_EBUSY);
    EXPECT_RC(weir_stream_flush(a, WEIR_NEVER), WEIR_EBUSY);
    EXPECT_RC(weir_stream_arm(a, false, &below), WEIR_EBUSY);
    EXPECT_RC(weir_stream_arm(a, true, &below), WEIR_EBUSY);
    EXPECT_RC(weir_check(weir_stream_take(a)), WEIR_EBUSY);
    EXPECT_RC(weir_stream_send(b, "in", 2, NULL), 0);
    while (weir_stream_try_recv(b, &c, 1) != WEIR_EAGAIN || out.count == 0)
        weir_yield();
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(in.rc, 0);
    EXPECT(in.count > 0);
    EXPECT_RC(out.rc, 0);
    EXPECT_EQ(out.count, 10);
    close_pair(a, b);
}
ON_ONE_WORKER(busy)

static void closed_meanwhile(const struct stream_kind *kind)
{
    for (int how = 0; how < 3; how++) {
        weir_stream a, b;
        char c;
        kind->open(&a, &b, 2);
        struct call in = {.s = a, .deadline = WEIR_NEVER};
        struct call out = {.s = a, .text = "0123456789", .size = 10, .deadline = WEIR_NEVER};
        while (kind->exact == false && weir_stream_try_send(a, "z", 1) > 0)
            ;
        weir_group g = weir_group_begin();
        begin_call(g, &in);
        begin_call(g, &out);
        int rc = how == 0   ? weir_close(a)
                 : how == 1 ? weir_stream_abort(a)
                            : weir_stream_close(a, WEIR_NEVER);
        EXPECT_RC(rc, how == 2 || (how == 0 && !kind->exact) ? WEIR_EBUSY : 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(in.rc, WEIR_ECLOSED);
        EXPECT_RC(out.rc, WEIR_ECLOSED);
        EXPECT_EQ(out.count, kind->exact ? 2 : 0);
        while ((rc = (int)weir_stream_recv(b, &c, 1)) > 0)
            ;
        EXPECT_RC(rc, kind->resets ? WEIR_ECONNRESET : 0); /* two of ten bytes are no end */
        EXPECT_RC(weir_close(b), 0);
    }
}
ON_ONE_WORKER(closed_meanwhile)

static void peer_closes_meanwhile(const struct stream_kind *kind)
{
    for (int how = 0; how < 2; how++) {
        weir_stream a, b;
        kind->open(&a, &b, 2);
        struct call in = {.s = a, .deadline = WEIR_NEVER};
        struct call out = {.s = a, .text = "0123456789", .size = 10, .deadline = WEIR_NEVER};
        while (kind->exact == false && weir_stream_try_send(a, "z", 1) > 0)
            ;
        weir_group g = weir_group_begin();
        begin_call(g, &in);
        begin_call(g, &out);
        EXPECT_RC(how == 0 ? weir_close(b) : weir_stream_abort(b), 0);
        EXPECT_RC(weir_group_end(g), 0);
        bool reset = how == 1 && kind->resets;
        EXPECT_RC(in.rc, reset ? WEIR_ECONNRESET : 0);
        EXPECT_EQ(in.count, 0);
        EXPECT_RC(out.rc, reset ? WEIR_ECONNRESET : WEIR_EPIPE);
        EXPECT_RC(weir_close(a), 0);
    }
}
ON_ONE_WORKER(peer_closes_meanwhile)

static void cancelled(const struct stream_kind *kind)
{
    weir_stream a, b;
    char c;
    kind->open(&a, &b, 4);
    struct call in = {.s = a, .deadline = WEIR_NEVER};
    struct call out = {.s = a, .text = "0123456789", .size = 10, .deadline = WEIR_NEVER};
    weir_group g = weir_group_begin();
    begin_call(g, &in);
    EXPECT_RC(weir_scope_cancel(in.scope, "enough"), 0);
    EXPECT_RC(weir_stream_send(b, "kept", 4, NULL), 0);
    while (in.rc == 0)
        weir_yield();
    EXPECT_RC(in.rc, WEIR_ECANCELED);
    expect_text(a, "kept"); /* nothing is lost */
    if (kind->exact) {
        begin_call(g, &out);
        EXPECT_RC(weir_scope_cancel(out.scope, "enough"), 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(out.rc, WEIR_ECANCELED);
        EXPECT_EQ(out.count, 4);
        EXPECT_RC(weir_stream_send(a, "x", 1, NULL), WEIR_EPIPE);
        EXPECT_RC(weir_stream_send_eof(a), WEIR_EPIPE);
        expect_text(b, "0123");
        EXPECT_COUNT(weir_stream_try_recv(b, &c, 1), WEIR_EAGAIN);
        EXPECT_RC(weir_close(a), 0);
        EXPECT_COUNT(weir_stream_recv(b, &c, 1), WEIR_ECONNRESET);
    } else {
        EXPECT_RC(weir_group_end(g), 0);
    }
    close_pair(a, b);
}
ON_ONE_WORKER(cancelled)

static void deadlines(const struct stream_kind *kind)
{
    weir_stream a, b;
    char c;
    size_t sent;
    kind->open(&a, &b, 2);
    EXPECT_COUNT(weir_stream_recv_by(a, &c, 1, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_COUNT(weir_stream_recv_by(a, &c, 1, INT64_MIN), WEIR_ETIMEDOUT);
    while (weir_stream_try_send(a, "z", 1) > 0)
        ;
    EXPECT_RC(weir_stream_send_by(a, "z", 1, weir_after(WEIR_MS), &sent), WEIR_ETIMEDOUT);
    EXPECT_EQ(sent, 0);
    EXPECT_EQ(weir_stream_recv(b, &c, 1), 1); /* nothing had gone: it is not torn */
    EXPECT_EQ(weir_stream_recv(b, &c, 1), 1);
    EXPECT_RC(weir_stream_send_by(a, "z", 1, weir_after(60 * WEIR_S), &sent), 0);
    close_pair(a, b);
}
BY_EACH(deadlines)

static int cancelled_before(void *unused)
{
    weir_stream a, b;
    char c;
    (void)unused;
    open_memory(&a, &b, 4);
    EXPECT_RC(weir_stream_send(b, "x", 1, NULL), 0);
    weir_scope s = weir_scope_begin();
    EXPECT_RC(weir_scope_cancel(s, "before"), 0);
    EXPECT_COUNT(weir_stream_recv(a, &c, 1), WEIR_ECANCELED);
    EXPECT_RC(weir_stream_send(a, &c, 1, NULL), WEIR_ECANCELED);
    EXPECT_RC(weir_stream_send_eof(a), WEIR_ECANCELED);
    EXPECT_EQ(weir_stream_try_recv(a, &c, 1), 1);
    EXPECT_EQ(weir_stream_try_send(a, &c, 1), 1);
    EXPECT_RC(weir_stream_close(a, WEIR_NEVER), 0); /* there was nothing to wait for */
    EXPECT_RC(weir_check(a), WEIR_ECLOSED);
    EXPECT_RC(weir_close(b), 0);
    EXPECT_EQ(weir_scope_end(s), 1);
    return 0;
}

static void run_cancelled_before(void)
{
    EXPECT_RC(weir_run(cancelled_before, NULL, NULL), 0);
}

/* ---- select ---------------------------------------------------------------------------------- */

static void selects(const struct stream_kind *kind)
{
    weir_stream a, b;
    weir_sender tx;
    weir_receiver rx;
    char got[8] = "", item = 'i', to = 'o';
    weir_bytes in = {got, sizeof got}, out = {&to, 1};
    kind->open(&a, &b, 4);
    EXPECT_RC(weir_channel_open(&tx, &rx, 1, 1, NULL), 0);
    weir_case c[] = {weir_on_stream_recv(a, &in), weir_on_recv(rx, &item)};
    EXPECT_RC(weir_try_select(c, 2, WEIR_FAIR), WEIR_EAGAIN);
    EXPECT_RC(weir_select_by(c, 2, WEIR_FAIR, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_EQ(weir_select(c, 2, WEIR_FAIR), 1);
    EXPECT_RC(weir_stream_send(b, "abc", 3, NULL), 0);
    EXPECT_EQ(weir_select(c, 2, WEIR_FAIR), 0);
    EXPECT_EQ(c[0].rc, 3);
    EXPECT_STR(got, "abc");
    weir_case twice[] = {weir_on_stream_recv(a, &in), weir_on_stream_recv(a, &in)};
    EXPECT_EQ(weir_select(twice, 2, WEIR_ORDERED), 1);
    EXPECT_RC(twice[1].rc, WEIR_EBUSY);
    while (weir_stream_try_send(a, "z", 1) > 0)
        ;
    weir_case s[] = {weir_on_stream_send(a, &out), weir_on_stream_recv(b, &in)};
    EXPECT_EQ(weir_select(s, 2, WEIR_ORDERED), 1);
    EXPECT(s[1].rc > 0);
    EXPECT_EQ(weir_select(s, 1, WEIR_ORDERED), 0);
    EXPECT_EQ(s[0].rc, 1);
    EXPECT_RC(weir_close(a), !kind->exact ? WEIR_EAGAIN : 0);
    EXPECT_EQ(weir_select(c, 2, WEIR_FAIR), 0);
    EXPECT_RC(c[0].rc, WEIR_ECLOSED);
    EXPECT_RC(weir_close(b), 0);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(rx), 0);
}
BY_EACH(selects)

struct selecting {
    weir_stream a;
    weir_receiver rx;
    int fired, rc;
    bool begun;
};

static int selects_two(void *arg)
{
    struct selecting *s = *(struct selecting **)arg;
    char got[4], out[4] = "out", item;
    weir_bytes to = {got, sizeof got}, from = {out, sizeof out};
    weir_case c[] = {weir_on_recv(s->rx, &item), weir_on_stream_recv(s->a, &to),
                     weir_on_stream_send(s->a, &from)};
    s->begun = true;
    s->fired = weir_select(c, 3, WEIR_FAIR);
    s->rc = s->fired < 0 ? s->fired : c[s->fired].rc;
    return 0;
}

/* The select has armed both directions when the stream is closed, and tells that it is over after.
 */
static void closed_in_select(const struct stream_kind *kind)
{
    for (int how = 0; how < 4; how++) {
        weir_stream a, b;
        weir_sender tx;
        weir_receiver rx;
        char item = 'x';
        kind->open(&a, &b, 2);
        EXPECT_RC(weir_channel_open(&tx, &rx, 1, 1, NULL), 0);
        while (weir_stream_try_send(a, "z", 1) > 0)
            ;
        struct selecting s = {.a = a, .rx = rx}, *at = &s;
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, selects_two, &at), 0);
        while (!s.begun)
            weir_yield();
        EXPECT_COUNT(weir_stream_try_recv(a, &item, 1), WEIR_EBUSY);
        EXPECT_RC(how == 0   ? weir_close(a)
                  : how == 1 ? weir_stream_abort(a)
                  : how == 2 ? weir_stream_close(a, WEIR_NEVER)
                             : weir_send(tx, &item),
                  how == 2 || (how == 0 && !kind->exact) ? WEIR_EBUSY : 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT(how == 3 ? s.fired == 0 : s.fired > 0);
        EXPECT_RC(s.rc, how == 3 ? 1 : WEIR_ECLOSED);
        if (how == 3)
            EXPECT_COUNT(weir_stream_try_recv(a, &item, 1), WEIR_EAGAIN);
        EXPECT_RC(weir_close(a), how == 3 && !kind->exact ? WEIR_EAGAIN : 0);
        EXPECT_RC(weir_close(b), 0);
        EXPECT_RC(weir_close(tx), 0);
        EXPECT_RC(weir_close(rx), 0);
    }
}
ON_ONE_WORKER(closed_in_select)

/* ---- taking ---------------------------------------------------------------------------------- */

static int takes_anothers(void *arg)
{
    EXPECT_RC(weir_check(weir_stream_take(*(weir_stream *)arg)), WEIR_EBUSY);
    return 0;
}

static void takes(const struct stream_kind *kind)
{
    weir_stream a, b;
    char c;
    kind->open(&a, &b, 8);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, takes_anothers, &a), 0);
    EXPECT_RC(weir_group_end(g), 0);
    weir_stream mine = weir_stream_take(a);
    EXPECT_RC(weir_check(mine), 0);
    EXPECT_RC(weir_check(a), WEIR_ECLOSED);
    EXPECT_RC(weir_close(a), 0); /* which is not the stream */
    EXPECT_RC(weir_stream_send(b, "x", 1, NULL), 0);
    expect_text(mine, "x");
    weir_stream again = weir_stream_take(mine);
    EXPECT_COUNT(weir_stream_try_recv(mine, &c, 1), WEIR_ECLOSED);
    EXPECT_COUNT(weir_stream_try_recv(again, &c, 1), WEIR_EAGAIN);
    close_pair(again, b);
}
BY_ACTORS(takes)

TEST_SUITE(stream, "streams: memory, over channels, stapled",
           {"F057 F064 recv: 1 to n bytes, what is there at once", run_receives},
           {"F057 F058 sizes and places out of range", run_arguments},
           {"F058 from and into several places", run_scatters},
           {"F058 F145 send: all of it, through little room", run_sends_all},
           {"F069 F088 send_eof: the end behind the data, receiving goes on", run_half_closes},
           {"F059 F060 F061 F068 close: what the peer gets, and each call after it", run_closes},
           {"F060 what is no stream", no_stream},
           {"F061 F090 abort: what had come first, then the reset, again and again", run_aborts},
           {"F035 who owns a stream closes it at its end", owned},
           {"F062 F087 a second call of a direction is busy, the first goes on", run_busy},
           {"F089 closed while others wait: they are told, a torn send is no end",
            run_closed_meanwhile},
           {"F090 the peer closes while others wait", run_peer_closes_meanwhile},
           {"F091 cancelled: a receive loses nothing, a send is torn", run_cancelled},
           {"F091 deadlines", run_deadlines},
           {"F091 cancelled before: nothing begins, what never waits goes", run_cancelled_before},
           {"F057 select: streams beside channels, both directions", run_selects},
           {"F089 closed while a select waits in both directions", run_closed_in_select},
           {"F056 take: the plain handle is closed, the stream goes on", run_takes});
