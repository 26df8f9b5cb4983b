/* SPDX-License-Identifier: MIT */
/* F056: streams that a user writes: what is called, when, how often, by how many. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "streams.h"

enum { NAME = WEIR_ATTRIBUTE_USER, OTHER };

/* It answers what it is told to, and counts. */
struct scripted {
    ssize_t recv, send;
    int flush, eof, bye, arm, get;
    int recvs, sends, flushes, eofs, byes, arms, disarms, gets;
    int shuts, aborts, releases;
    int last_rc; /* of the last disarm */
    weir_receiver rx;
    char token;
    weir_stream below;
};

static ssize_t do_recv(void *self, const struct iovec *to, int n)
{
    struct scripted *s = self;
    s->recvs++;
    if (s->recv > 0)
        memset(to[n - 1].iov_base, 'r', 1);
    return s->recv;
}

static ssize_t do_send(void *self, const struct iovec *from, int n)
{
    struct scripted *s = self;
    (void)from;
    (void)n;
    s->sends++;
    return s->send;
}

static int do_flush(void *self)
{
    struct scripted *s = self;
    s->flushes++;
    return s->flush;
}

static int do_arm(void *self, weir_case *below)
{
    struct scripted *s = self;
    s->arms++;
    if (s->arm == WEIR_EAGAIN)
        s->recv = 1; /* which came meanwhile */
    *below = weir_on_recv(s->rx, &s->token);
    return s->arm;
}

static void do_disarm(void *self, bool sends, int rc)
{
    struct scripted *s = self;
    (void)sends;
    s->disarms++;
    s->last_rc = rc;
    if (rc == 1)
        s->recv = s->send = 1;
}

static int do_eof(void *self)
{
    struct scripted *s = self;
    s->eofs++;
    return s->eof;
}

static int do_bye(void *self)
{
    struct scripted *s = self;
    s->byes++;
    return s->bye;
}

static void do_shut(void *self, bool abort)
{
    struct scripted *s = self;
    s->shuts++;
    s->aborts += abort;
    EXPECT_EQ(s->releases, 0);
    if (s->below.h)
        (void)weir_close(s->below);
}

static void do_release(void *self)
{
    struct scripted *s = self;
    EXPECT_EQ(s->shuts, 1);
    s->releases++;
}

static int do_get(void *self, weir_attribute attribute, void *value, size_t size)
{
    struct scripted *s = self;
    s->gets++;
    if (attribute != NAME)
        return WEIR_ENOENT;
    if (size != sizeof(int))
        return WEIR_EITEM;
    *(int *)value = 5;
    return s->get;
}

static weir_stream do_below(void *self)
{
    return ((struct scripted *)self)->below;
}

static const weir_stream_ops all = {.try_recv = do_recv,
                                    .try_send = do_send,
                                    .try_flush = do_flush,
                                    .arm_recv = do_arm,
                                    .arm_send = do_arm,
                                    .disarm = do_disarm,
                                    .try_eof = do_eof,
                                    .try_close = do_bye,
                                    .shut = do_shut,
                                    .release = do_release,
                                    .get = do_get,
                                    .below = do_below};

static weir_stream make(struct scripted *s, const weir_stream_ops *ops)
{
    weir_stream made = weir_stream_make(ops, s);
    EXPECT_RC(weir_check(made), 0);
    return made;
}

static void gone(weir_stream s, const struct scripted *self, int aborts)
{
    EXPECT_RC(weir_close(s), 0);
    EXPECT_EQ(self->shuts, 1);
    EXPECT_EQ(self->aborts, aborts);
    EXPECT_EQ(self->releases, 1);
    EXPECT_EQ(self->arms, self->disarms);
}

/* ---- tables -------------------------------------------------------------------------------- */

static void tables(void)
{
    struct scripted s = {0};
    weir_stream_ops bad[] = {all, all, all, all, all, all};
    bad[0].try_recv = NULL;
    bad[1].arm_recv = NULL;
    bad[2].try_send = NULL;
    bad[3].arm_send = NULL;
    bad[4].shut = NULL;
    bad[5] = (weir_stream_ops){.shut = do_shut};
    for (int i = 0; i < 6; i++)
        EXPECT_RC(weir_check(weir_stream_make(&bad[i], &s)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_stream_make(NULL, &s)), WEIR_EINVAL);
    EXPECT_EQ(s.releases, 0);
}

static void one_direction(void)
{
    static const weir_stream_ops receives = {
        .try_recv = do_recv, .arm_recv = do_arm, .shut = do_shut};
    static const weir_stream_ops sends = {.try_send = do_send, .arm_send = do_arm, .shut = do_shut};
    struct scripted s = {.recv = 1}, t = {.send = 1};
    char c = 0;
    weir_stream in = make(&s, &receives), out = make(&t, &sends);
    EXPECT_EQ(weir_stream_recv(in, &c, 1), 1);
    EXPECT_EQ(c, 'r');
    EXPECT_RC(weir_stream_send(in, &c, 1, NULL), WEIR_EPIPE);
    EXPECT_RC(weir_stream_send_eof(in), WEIR_EPIPE);
    EXPECT_RC(weir_stream_flush(in, WEIR_NEVER), WEIR_EPIPE);
    EXPECT_COUNT(weir_stream_recv(out, &c, 1), 0);
    EXPECT_RC(weir_stream_send(out, "12", 2, NULL), 0);
    EXPECT_EQ(t.sends, 2);
    EXPECT_RC(weir_stream_send_eof(out), WEIR_ENOTSUP);
    EXPECT_RC(weir_stream_send(out, "3", 1, NULL), 0);
    EXPECT_RC(weir_stream_get(out, NAME, &c), WEIR_ENOENT);
    EXPECT_RC(weir_stream_close(in, WEIR_NEVER), 0);
    EXPECT_RC(weir_stream_close(out, WEIR_NEVER), 0);
    EXPECT_EQ(s.shuts + t.shuts, 2);
    EXPECT_EQ(s.aborts + t.aborts, 0);
}

/* ---- ends and errors ----------------------------------------------------------------------- */

static void latched(void)
{
    static const int passing[] = {WEIR_ENOMEM, WEIR_ENOBUFS, WEIR_EBUSY, WEIR_EAGAIN};
    static const int staying[] = {0, WEIR_ECONNRESET, WEIR_EPIPE, WEIR_ECLOSED};
    char c;
    for (int i = 0; i < 4; i++) {
        struct scripted s = {.recv = passing[i], .send = passing[i]};
        weir_stream st = make(&s, &all);
        EXPECT_COUNT(weir_stream_try_recv(st, &c, 1), passing[i]);
        EXPECT_COUNT(weir_stream_try_send(st, &c, 1), passing[i]);
        s.recv = s.send = 1;
        EXPECT_COUNT(weir_stream_try_recv(st, &c, 1), 1);
        EXPECT_COUNT(weir_stream_try_send(st, &c, 1), 1);
        s.recv = staying[i];
        EXPECT_COUNT(weir_stream_recv(st, &c, 1), staying[i]);
        EXPECT_COUNT(weir_stream_try_send(st, &c, 1), 1); /* that is another direction */
        s.recv = 1;
        EXPECT_COUNT(weir_stream_recv(st, &c, 1), staying[i]);
        EXPECT_COUNT(weir_stream_try_recv(st, &c, 1), staying[i]);
        EXPECT_EQ(s.recvs, 3);
        if (staying[i] < 0) {
            s.send = staying[i];
            EXPECT_RC(weir_stream_send(st, &c, 1, NULL), staying[i]);
            s.send = 1;
            EXPECT_RC(weir_stream_send(st, &c, 1, NULL), staying[i]);
            EXPECT_RC(weir_stream_flush(st, WEIR_NEVER), staying[i]);
            EXPECT_RC(weir_stream_send_eof(st), staying[i]);
            EXPECT_EQ(s.sends, 4);
        }
        EXPECT_RC(weir_stream_close(st, WEIR_NEVER), staying[i] == WEIR_ECLOSED ? 0 : staying[i]);
        gone(st, &s, staying[i] < 0);
    }
}

static void flushes(void)
{
    struct scripted s = {.send = 1, .flush = WEIR_EAGAIN};
    weir_stream st = make(&s, &all);
    EXPECT_COUNT(weir_stream_try_send(st, "x", 1), 1); /* it has been taken */
    EXPECT_EQ(s.flushes, 1);
    EXPECT_RC(weir_stream_try_flush(st), WEIR_EAGAIN);
    EXPECT_COUNT(weir_stream_try_send(st, "x", 0), WEIR_EAGAIN);
    EXPECT_RC(weir_stream_try_send_eof(st), WEIR_EAGAIN);
    EXPECT_EQ(s.eofs, 0);
    s.flush = 0;
    EXPECT_RC(weir_stream_send(st, "x", 0, NULL), 0);
    EXPECT_RC(weir_stream_flush(st, WEIR_NEVER), 0);
    s.flush = WEIR_ECONNRESET;
    EXPECT_RC(weir_stream_send(st, "x", 1, NULL), WEIR_ECONNRESET);
    EXPECT_RC(weir_stream_send(st, "x", 1, NULL), WEIR_ECONNRESET);
    EXPECT_EQ(s.sends, 2);
    gone(st, &s, 1); /* it is lost, as was told */
}

/* What is kept and cannot go is cut off; a good-bye that cannot go is told, one that fails not. */
static void closing(void)
{
    enum { NOTHING, KEPT, FAILS, LATE };
    for (int i = 0; i < 8; i++) {
        int what = i % 4;
        struct scripted s = {.flush = what == KEPT ? WEIR_EAGAIN : 0,
                             .bye = what == FAILS  ? -EPROTO
                                    : what == LATE ? WEIR_EAGAIN
                                                   : 0};
        weir_stream st = make(&s, &all);
        bool waits = i >= 4;
        weir_receiver rx;
        weir_sender tx;
        EXPECT_RC(weir_channel_open(&tx, &rx, 1, 1, NULL), 0);
        s.rx = rx;
        int rc = waits ? weir_stream_close(st, weir_after(WEIR_MS)) : weir_close(st);
        EXPECT_RC(rc, what == NOTHING ? 0
                      : what == FAILS ? (waits ? -EPROTO : 0)
                                      : (waits ? WEIR_ETIMEDOUT : WEIR_EAGAIN));
        EXPECT_EQ(s.byes > 0, what != KEPT);
        gone(st, &s, what == KEPT || (waits && what != NOTHING));
        EXPECT_RC(weir_close(tx), 0);
        EXPECT_RC(weir_close(rx), 0);
    }
}

/* What a try form had taken is lost: it is said, once, and the peer sees no clean end. */
static void lost(void)
{
    struct scripted s = {.send = 1, .flush = WEIR_EAGAIN};
    weir_stream st = make(&s, &all);
    EXPECT_COUNT(weir_stream_try_send(st, "x", 1), 1);
    s.flush = -EPROTO;
    EXPECT_RC(weir_close(st), -EPROTO);
    gone(st, &s, 1);
    s = (struct scripted){.send = 1, .flush = WEIR_EAGAIN};
    st = make(&s, &all);
    EXPECT_COUNT(weir_stream_try_send(st, "x", 1), 1);
    s.flush = -EPROTO;
    EXPECT_RC(weir_stream_try_flush(st), -EPROTO);
    EXPECT_RC(weir_close(st), 0);
    gone(st, &s, 1);
}

static int flushes_it(void *st)
{
    return weir_stream_flush(*(weir_stream *)st, WEIR_NEVER);
}

/* With somebody in the direction: something is kept, or nothing. */
static int closes_beside(void *unused)
{
    (void)unused;
    for (int i = 0; i < 4; i++) {
        bool keeps = i & 1, waits = i & 2;
        weir_receiver rx;
        weir_sender tx;
        weir_task t;
        int result;
        EXPECT_RC(weir_channel_open(&tx, &rx, 1, 1, NULL), 0);
        struct scripted s = {.send = 1, .rx = rx, .below = {rx.h}};
        s.flush = keeps ? WEIR_EAGAIN : 0;
        weir_stream st = make(&s, &all);
        EXPECT_COUNT(weir_stream_try_send(st, "x", 1), 1);
        s.flush = WEIR_EAGAIN;
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, flushes_it, &st, .task = &t, .isolated = true), 0);
        weir_settle();
        EXPECT_RC(waits ? weir_stream_close(st, WEIR_NEVER) : weir_close(st),
                  waits || keeps ? WEIR_EBUSY : 0);
        EXPECT_RC(weir_task_wait(t), 0);
        EXPECT_RC(weir_task_result(t, &result), 0);
        EXPECT_RC(result, WEIR_ECLOSED);
        EXPECT_RC(weir_group_end(g), 0);
        gone(st, &s, keeps);
        EXPECT_RC(weir_close(tx), 0);
    }
    return 0;
}

static void closing_beside(void)
{
    EXPECT_RC(weir_run(closes_beside, NULL, NULL), 0);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void arming(void)
{
    weir_sender tx;
    weir_receiver rx;
    char c = 0;
    EXPECT_RC(weir_channel_open(&tx, &rx, 1, 4, NULL), 0);
    struct scripted s = {.recv = WEIR_EAGAIN, .send = WEIR_EAGAIN, .rx = rx, .arm = -EPROTO};
    weir_stream st = make(&s, &all);
    EXPECT_COUNT(weir_stream_recv(st, &c, 1), -EPROTO);
    EXPECT_COUNT(weir_stream_recv(st, &c, 1), -EPROTO); /* which does not stay: it is tried again */
    EXPECT_EQ(s.recvs, 2);
    s.arms = 0;
    s.arm = WEIR_EAGAIN;
    EXPECT_COUNT(weir_stream_recv(st, &c, 1), 1);
    EXPECT_EQ(s.arms, 1);
    EXPECT_EQ(s.disarms, 0);
    s.recv = WEIR_EAGAIN;
    s.arm = s.arms = 0;
    EXPECT_COUNT(weir_stream_recv_by(st, &c, 1, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_EQ(s.arms, 1);
    EXPECT_EQ(s.disarms, 1);
    EXPECT_RC(s.last_rc, WEIR_EAGAIN);
    EXPECT_RC(weir_send(tx, &c), 0);
    EXPECT_COUNT(weir_stream_recv(st, &c, 1), 1);
    EXPECT_EQ(s.last_rc, 1);
    s.send = WEIR_EAGAIN;
    EXPECT_RC(weir_send(tx, &c), 0);
    EXPECT_RC(weir_stream_send(st, "12", 2, NULL), 0);
    EXPECT_EQ(s.disarms, 3);
    s.recv = WEIR_EAGAIN;
    EXPECT_RC(weir_close(rx), 0); /* what is below has gone: that is for the try to say */
    EXPECT_COUNT(weir_stream_recv(st, &c, 1), WEIR_ECLOSED);
    EXPECT_RC(weir_close(tx), 0);
    gone(st, &s, 0);
}

/* An arm looks itself: whoever asks need not have tried. */
static void levels(void)
{
    weir_stream a, b;
    weir_case below;
    char c;
    open_memory(&a, &b, 2);
    EXPECT_RC(weir_stream_arm(a, true, &below), WEIR_EAGAIN); /* there is room */
    EXPECT_RC(weir_stream_arm(b, false, &below), 0);
    EXPECT_RC(weir_stream_arm(b, false, &below), WEIR_EBUSY);
    EXPECT_COUNT(weir_stream_try_recv(b, &c, 1), WEIR_EBUSY);
    EXPECT_RC(weir_check(weir_stream_take(b)), WEIR_EBUSY);
    weir_stream_disarm(b, false, WEIR_EAGAIN);
    EXPECT_COUNT(weir_stream_try_recv(b, &c, 1), WEIR_EAGAIN);
    EXPECT_COUNT(weir_stream_try_send(a, "123", 3), 2);
    EXPECT_RC(weir_stream_arm(b, false, &below), WEIR_EAGAIN);
    EXPECT_RC(weir_stream_arm(a, true, &below), 0);
    weir_stream_disarm(a, true, WEIR_EAGAIN);
    EXPECT_RC(weir_close(a), 0);
    EXPECT_RC(weir_stream_arm(b, false, &below), WEIR_EAGAIN);
    expect_text(b, "12");
    EXPECT_COUNT(weir_stream_recv(b, &c, 1), 0);
    EXPECT_RC(weir_stream_arm(b, false, &below), WEIR_EAGAIN); /* the end is there */
    EXPECT_RC(weir_stream_arm(b, true, &below), WEIR_EAGAIN);
    EXPECT_RC(weir_close(b), 0);
}

/* Closed while several are armed: found by their handles, and each is released by its last disarm.
 */
static void closed_while_armed(void)
{
    enum { STREAMS = 200 }; /* more than the table has places */
    static struct scripted s[STREAMS];
    static weir_stream st[STREAMS];
    weir_sender tx;
    weir_receiver rx;
    weir_case below;
    EXPECT_RC(weir_channel_open(&tx, &rx, 1, 1, NULL), 0);
    for (int i = 0; i < STREAMS; i++) {
        s[i] = (struct scripted){.rx = rx};
        st[i] = make(&s[i], &all);
        EXPECT_RC(weir_stream_arm(st[i], false, &below), 0);
        if (i % 2)
            EXPECT_RC(weir_stream_arm(st[i], true, &below), 0);
        EXPECT_RC(weir_close(st[i]), 0);
        EXPECT_EQ(s[i].shuts, 1);
        EXPECT_EQ(s[i].byes, i % 2 == 0); /* else another one has the direction */
    }
    for (int k = 0; k < STREAMS; k++) {
        int i = k * 7 % STREAMS;
        EXPECT_EQ(s[i].releases, 0);
        weir_stream_disarm(st[i], i % 2, WEIR_ECLOSED);
        EXPECT_EQ(s[i].disarms, 1);
        EXPECT_RC(s[i].last_rc, WEIR_ECLOSED);
        EXPECT_EQ(s[i].releases, i % 2 == 0);
        if (i % 2)
            weir_stream_disarm(st[i], false, WEIR_EAGAIN);
        EXPECT_EQ(s[i].releases, 1);
    }
    weir_stream_disarm(st[0], false, WEIR_EAGAIN); /* nobody's any more */
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_close(rx), 0);
}

/* ---- two threads --------------------------------------------------------------------------- */

static struct {
    atomic_int inside, go, released;
} slow;

static ssize_t slow_recv(void *self, const struct iovec *to, int n)
{
    (void)self, (void)to, (void)n;
    atomic_store(&slow.inside, 1);
    while (!atomic_load(&slow.go))
        sched_yield();
    EXPECT_EQ(atomic_load(&slow.released), 0);
    return 1;
}

static void slow_shut(void *self, bool abort)
{
    (void)self, (void)abort;
}

static void slow_release(void *self)
{
    (void)self;
    atomic_fetch_add(&slow.released, 1);
}

static void *receives(void *stream)
{
    EXPECT_EQ(weir_stream_recv(*(weir_stream *)stream, (char[1]){0}, 1), 1); /* it had begun */
    return NULL;
}

static void inside(void)
{
    static const weir_stream_ops ops = {
        .try_recv = slow_recv, .arm_recv = do_arm, .shut = slow_shut, .release = slow_release};
    pthread_t t;
    weir_stream s = weir_stream_make(&ops, NULL);
    EXPECT_EQ(pthread_create(&t, NULL, receives, &s), 0);
    while (!atomic_load(&slow.inside))
        sched_yield();
    EXPECT_COUNT(weir_stream_recv(s, (char[1]){0}, 1), WEIR_EBUSY);
    EXPECT_RC(weir_check(weir_stream_take(s)), WEIR_EBUSY);
    EXPECT_RC(weir_close(s), 0);
    EXPECT_EQ(atomic_load(&slow.released), 0);
    EXPECT_COUNT(weir_stream_recv(s, (char[1]){0}, 1), WEIR_ECLOSED);
    atomic_store(&slow.go, 1);
    pthread_join(t, NULL);
    EXPECT_EQ(atomic_load(&slow.released), 1);
}

/* ---- attributes ---------------------------------------------------------------------------- */

static void attributes(void)
{
    struct scripted upper = {0}, lower = {0};
    int value = 0;
    lower.get = upper.get = 0;
    weir_stream l = make(&lower, &all);
    upper.below = weir_stream_take(l);
    weir_stream u = make(&upper, &all);
    EXPECT_RC(weir_stream_get(u, NAME, &value), 0);
    EXPECT_EQ(value, 5);
    EXPECT_EQ(lower.gets, 0);
    EXPECT_RC(weir_stream_get(u, OTHER, &value), WEIR_ENOENT);
    EXPECT_EQ(lower.gets, 1);
    EXPECT_RC(weir_stream_get(u, NAME, &(char){0}), WEIR_EITEM);
    upper.get = -EPROTO;
    EXPECT_RC(weir_stream_get(u, NAME, &value), -EPROTO);
    EXPECT_EQ(lower.gets, 1);
    EXPECT_RC(weir_stream_close(u, WEIR_NEVER), 0); /* of both */
    EXPECT_EQ(lower.releases + upper.releases, 2);
    EXPECT_EQ(lower.byes + upper.byes, 2);
}

TEST_SUITE(derived, "streams that a user writes",
           {"F056 make: tables that are not complete", tables},
           {"F056 one direction: the other one has ended", one_direction},
           {"F059 F061 the first end of a direction stays, what passes does not", latched},
           {"F058 what a stream has taken and keeps", flushes},
           {"F068 closing: brought out, said good-bye, or cut off", closing},
           {"F068 closing: what was taken is lost, and that is said", lost},
           {"F068 closing beside who is in the direction", closing_beside},
           {"F056 arm and disarm: once each, with what became of it", arming},
           {"F056 arm looks itself, and has the direction to its disarm", levels},
           {"F089 closed while armed: the last disarm releases", closed_while_armed},
           {"F089 closed while a thread is inside: released when it has left", inside},
           {"F066 F118 attributes: the outermost that knows it", attributes});
