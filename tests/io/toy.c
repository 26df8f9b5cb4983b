/* SPDX-License-Identifier: MIT */
/* toy.c - the engine of toy.h, and its stream. */
#include "toy.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys ------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void next_key(struct toy_key *k)
{
    *k = (struct toy_key){mix(k->seed), 0, k->generation + 1};
}

static void cipher(struct toy_key *k, unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++, k->count++)
        bytes[i] ^= (unsigned char)mix(k->seed + k->count);
}

static unsigned char tag_of(const unsigned char *bytes, size_t n, const struct toy_key *k)
{
    uint64_t sum = k->seed;
    for (size_t i = 0; i < n; i++)
        sum = mix(sum ^ bytes[i]);
    return (unsigned char)sum;
}

static void make_keys(struct toy *t, uint64_t theirs)
{
    struct toy_key up = {mix(t->server ? theirs : t->number), 0, 1};
    struct toy_key down = {mix(t->server ? t->number : theirs), 0, 1};
    up.seed = mix(up.seed ^ (t->server ? t->number : theirs));
    down.seed = mix(down.seed + up.seed);
    t->send = t->server ? down : up;
    t->recv = t->server ? up : down;
    t->ready = true;
}

/* ---- records --------------------------------------------------------------------------------- */

static void put_record(struct toy *t, enum toy_type type, const void *payload, size_t n)
{
    unsigned char *r = t->out + t->out_size;
    r[0] = (unsigned char)type;
    r[1] = (unsigned char)n;
    memcpy(r + 2, payload, n);
    r[2 + n] = tag_of(r + 2, n, &t->send);
    if (t->ready)
        cipher(&t->send, r + 2, n + 1);
    t->out_size += n + 3;
}

void toy_init(struct toy *t, bool server, uint64_t number, unsigned update_every)
{
    *t = (struct toy){.server = server, .number = number, .update_every = update_every};
}

void toy_hello(struct toy *t)
{
    if (!t->said_hello)
        put_record(t, TOY_HELLO, &t->number, sizeof t->number);
    t->said_hello = true;
}

void toy_bye(struct toy *t)
{
    if (t->ready && !t->bye_sent)
        put_record(t, TOY_BYE, "", 0);
    t->bye_sent = true;
}

static void update(struct toy *t, bool wants_answer)
{
    put_record(t, TOY_UPDATE, &(unsigned char){wants_answer}, 1);
    next_key(&t->send);
    t->records = 0;
}

static bool take_hello(struct toy *t, const unsigned char *payload, size_t n)
{
    uint64_t number;
    if (n != sizeof number || t->ready)
        return false;
    memcpy(&number, payload, n);
    toy_hello(t);
    make_keys(t, number);
    return true;
}

static bool take_record(struct toy *t, const unsigned char *r, size_t n)
{
    if (r[0] == TOY_HELLO)
        return take_hello(t, r + 2, n);
    if (!t->ready || t->bye_received)
        return false;
    if (r[0] == TOY_BYE) {
        t->bye_received = true;
        return n == 0;
    }
    if (r[0] == TOY_UPDATE && n == 1) {
        next_key(&t->recv);
        if (r[2] && !t->bye_sent)
            update(t, false);
        return true;
    }
    memcpy(t->plain + t->plain_size, r + 2, n);
    t->plain_size += n;
    return r[0] == TOY_DATA;
}

/* The first record, if it is complete; false: something is wrong with it. */
static bool next_record(struct toy *t, bool *complete)
{
    unsigned char *r = t->in;
    *complete = false;
    if (t->in_size > 0 && r[0] != (t->ready ? r[0] : TOY_HELLO))
        return false; /* not of this protocol: say so before more is waited for */
    if (t->in_size < 2 || t->in_size < (size_t)r[1] + 3)
        return true;
    size_t n = r[1];
    if (t->ready)
        cipher(&t->recv, r + 2, n + 1);
    if (n > TOY_PAYLOAD || r[2 + n] != tag_of(r + 2, n, &t->recv) || !take_record(t, r, n))
        return false;
    t->in_size -= n + 3;
    memmove(t->in, t->in + n + 3, t->in_size);
    return *complete = true;
}

size_t toy_room(const struct toy *t)
{
    size_t used = t->in_size + t->plain_size; /* what is in becomes as much plain text at most */
    return used < TOY_BUFFER ? TOY_BUFFER - used : 0;
}

ssize_t toy_feed(struct toy *t, const void *bytes, size_t n)
{
    size_t room = toy_room(t);
    n = n < room ? n : room;
    memcpy(t->in + t->in_size, bytes, n);
    t->in_size += n;
    for (bool complete = true; complete;)
        if (!next_record(t, &complete))
            return -EPROTO;
    return (ssize_t)n;
}

size_t toy_read(struct toy *t, void *to, size_t n)
{
    size_t there = t->plain_size - t->plain_at;
    n = n < there ? n : there;
    if (n > 0)
        memcpy(to, t->plain + t->plain_at, n);
    t->plain_at += n;
    if (t->plain_at == t->plain_size)
        t->plain_at = t->plain_size = 0;
    return n;
}

size_t toy_write(struct toy *t, const void *from, size_t n)
{
    n = n < TOY_PAYLOAD ? n : TOY_PAYLOAD;
    put_record(t, TOY_DATA, from, n);
    if (t->update_every && ++t->records == t->update_every)
        update(t, true);
    return n;
}

/* ---- a session ------------------------------------------------------------------------------- */

/*
 * The engine belongs to who has the lock, for one step, which never waits. Who does not get it, or
 * finds that the other one waits for the very bytes that he needs, waits for the other one, who
 * pokes when he has made a step, and when he does not wait below any more. So one alone waits below
 * in a direction: if he goes, the other one takes his place.
 *
 *   - A mark is set under the lock, or while the lock is seen held: the holder's unlock sees it.
 *   - It is set before weir_stream_arm() is asked the last time; who goes disarms before he looks.
 */
enum { LOCKED = 1, RECEIVER_WAITS = 2, SENDER_WAITS = 4 };

enum place { FOR_POKE, BELOW_RECEIVE, BELOW_SEND };

struct session {
    weir_stream below;
    atomic_uint word;
    struct toy engine;
    int in_broken, out_broken; /* errors, of each direction for itself */
    bool below_ended;
    bool greeted; /* our hello is out */
    struct side {
        enum place place;
        weir_sender tx;
        weir_receiver rx;
        char token;
    } side[2]; /* of who receives, who sends */
};

static atomic_int sessions;
static atomic_uint pokes;

int toy_sessions(void)
{
    return atomic_load(&sessions);
}

unsigned toy_pokes(void)
{
    return atomic_load(&pokes);
}

static unsigned mark_of(bool sends)
{
    return sends ? SENDER_WAITS : RECEIVER_WAITS;
}

static bool lock(struct session *s)
{
    return !(atomic_fetch_or(&s->word, LOCKED) & LOCKED);
}

/* By whom must not wait, nor fail because the other one is making a step. */
static void lock_now(struct session *s)
{
    while (!lock(s))
        sched_yield();
}

/* Tell the other one, if he waits for this one. */
static void tell(struct session *s, bool me, unsigned also)
{
    unsigned other = mark_of(!me);
    if (atomic_fetch_and(&s->word, ~(other | also)) & other) {
        char token = 0;
        (void)weir_try_send(s->side[!me].tx, &token);
    }
}

static void unlock(struct session *s, bool me)
{
    tell(s, me, LOCKED);
}

/* ---- steps, under the lock ------------------------------------------------------------------- */

static bool not_now(ssize_t rc)
{
    return rc == WEIR_EAGAIN || rc == WEIR_EBUSY;
}

/* 0: nothing is left to go out; WEIR_EAGAIN: some is; or an error. */
static int put_out(struct session *s)
{
    struct toy *t = &s->engine;
    if (s->out_broken)
        return s->out_broken;
    while (t->out_size > 0) {
        ssize_t n = weir_stream_try_send(s->below, t->out, t->out_size);
        if (not_now(n))
            return WEIR_EAGAIN;
        if (n < 0)
            return s->out_broken = (int)n;
        t->out_size -= (size_t)n;
        memmove(t->out, t->out + n, t->out_size);
    }
    s->greeted = t->ready;
    int rc = weir_stream_try_flush(s->below);
    return not_now(rc) ? WEIR_EAGAIN : rc;
}

/* 1: something came; 0: it is over; WEIR_EAGAIN; or an error. */
static int take_in(struct session *s)
{
    char bytes[64];
    size_t room = toy_room(&s->engine);
    if (s->below_ended || s->engine.bye_received)
        return s->engine.bye_received ? 0 : (s->in_broken = -EPROTO);
    ssize_t n = weir_stream_try_recv(s->below, bytes, room < sizeof bytes ? room : sizeof bytes);
    if (not_now(n))
        return WEIR_EAGAIN;
    if (n < 0)
        return s->in_broken = (int)n;
    s->below_ended = n == 0;
    if (n > 0 && toy_feed(&s->engine, bytes, (size_t)n) < 0)
        return s->in_broken = s->out_broken = -EPROTO;
    return 1;
}

/* What goes out has to go before more is taken in, lest it become too much; and the hello. */
static bool must_send(const struct session *s)
{
    const struct toy *t = &s->engine;
    return t->out_size > 0 && (!s->greeted || t->out_size > TOY_BUFFER);
}

/* 1: ready; WEIR_EAGAIN; or an error. */
static int shake_hands(struct session *s)
{
    if (!s->engine.server)
        toy_hello(&s->engine);
    while (!s->engine.ready) {
        int rc = put_out(s);
        if (rc == 0)
            rc = take_in(s);
        if (rc <= 0)
            return rc;
    }
    return 1;
}

static ssize_t receive(struct session *s, const struct iovec *to, int n)
{
    if (s->in_broken)
        return s->in_broken;
    int rc = shake_hands(s);
    if (rc <= 0)
        return rc;
    for (;;) {
        ssize_t got = 0;
        for (int i = 0; i < n; i++)
            got += (ssize_t)toy_read(&s->engine, to[i].iov_base, to[i].iov_len);
        rc =
            put_out(s); /* an answer, perhaps; that it cannot go is of no concern to who receives */
        if (got > 0)
            return got;
        if (rc == WEIR_EAGAIN && must_send(s))
            return rc;
        if ((rc = take_in(s)) <= 0)
            return rc;
    }
}

static ssize_t transmit(struct session *s, const struct iovec *from, int n)
{
    if (s->out_broken)
        return s->out_broken;
    int rc = shake_hands(s);
    if (rc <= 0 || (rc = put_out(s)) < 0)
        return rc;
    size_t gone = 0;
    for (int i = 0; i < n && gone == 0; i++)
        if (from[i].iov_len > 0)
            gone = toy_write(&s->engine, from[i].iov_base, from[i].iov_len);
    (void)put_out(s);
    return (ssize_t)gone;
}

/* Who has said good-bye may be gone. */
static int good_bye(struct session *s)
{
    toy_bye(&s->engine);
    int rc = put_out(s);
    return rc == WEIR_EPIPE && s->engine.bye_received ? 0 : rc;
}

/* ---- the functions of a stream --------------------------------------------------------------- */

static ssize_t session_recv(void *self, const struct iovec *to, int n)
{
    struct session *s = self;
    if (!lock(s))
        return WEIR_EAGAIN;
    ssize_t rc = receive(s, to, n);
    unlock(s, false);
    return rc;
}

static ssize_t session_send(void *self, const struct iovec *from, int n)
{
    struct session *s = self;
    if (!lock(s))
        return WEIR_EAGAIN;
    ssize_t rc = transmit(s, from, n);
    unlock(s, true);
    return rc;
}

static int session_flush(void *self)
{
    struct session *s = self;
    lock_now(s);
    int rc = s->engine.bye_received && s->out_broken == WEIR_EPIPE ? 0 : put_out(s);
    unlock(s, true);
    return rc;
}

static int session_bye(void *self)
{
    struct session *s = self;
    lock_now(s);
    int rc = good_bye(s);
    unlock(s, true);
    return rc;
}

/* Under the lock: where to wait; WEIR_EAGAIN: nowhere. */
static int choose(const struct session *s, bool sends)
{
    const struct toy *t = &s->engine;
    if ((sends ? s->out_broken : s->in_broken) ||
        (!t->ready && t->out_size == 0 && !t->server && !t->said_hello))
        return WEIR_EAGAIN;
    if (must_send(s) || (sends && t->out_size > 0))
        return BELOW_SEND;
    if (!t->ready)
        return BELOW_RECEIVE;
    return sends || t->plain_size > 0 || t->bye_received || s->below_ended ? WEIR_EAGAIN
                                                                           : BELOW_RECEIVE;
}

static int wait_for_poke(struct session *s, bool me, weir_case *below)
{
    struct side *mine = &s->side[me];
    mine->place = FOR_POKE;
    *below = weir_on_recv(mine->rx, &mine->token);
    atomic_fetch_add(&pokes, 1);
    return 0;
}

static int arm_below(struct session *s, bool me, weir_case *below)
{
    return weir_stream_arm(s->below, s->side[me].place == BELOW_SEND, below);
}

static int arm(struct session *s, bool me, weir_case *below)
{
    if (!lock(s)) {
        if (!(atomic_fetch_or(&s->word, mark_of(me)) & LOCKED))
            return WEIR_EAGAIN;
        return wait_for_poke(s, me, below);
    }
    int rc = choose(s, me);
    if (rc > 0) {
        s->side[me].place = (enum place)rc;
        rc = arm_below(s, me, below);
        if (rc == WEIR_EBUSY) {
            atomic_fetch_or(&s->word, mark_of(me));
            rc = arm_below(s, me, below);
        }
    }
    unlock(s, me);
    return rc == WEIR_EBUSY ? wait_for_poke(s, me, below) : rc;
}

static int session_arm_recv(void *self, weir_case *below)
{
    return arm(self, false, below);
}

static int session_arm_send(void *self, weir_case *below)
{
    return arm(self, true, below);
}

static void session_disarm(void *self, bool sends, int rc)
{
    struct session *s = self;
    if (s->side[sends].place == FOR_POKE)
        return;
    weir_stream_disarm(s->below, s->side[sends].place == BELOW_SEND, rc);
    tell(s, sends, 0);
}

static void session_shut(void *self, bool abort)
{
    struct session *s = self;
    if (abort)
        (void)weir_stream_abort(s->below);
    else
        (void)weir_close(s->below);
    for (int i = 0; i < 2; i++)
        (void)weir_close(s->side[i].rx);
}

static void session_release(void *self)
{
    struct session *s = self;
    for (int i = 0; i < 2; i++) {
        (void)weir_close(s->side[i].tx);
        (void)weir_close(s->side[i].rx);
    }
    free(s);
    atomic_fetch_sub(&sessions, 1);
}

static int session_get(void *self, weir_attribute attribute, void *value, size_t size)
{
    struct session *s = self;
    if (attribute != TOY_KEYS)
        return WEIR_ENOENT;
    if (size != sizeof(struct toy_keys))
        return WEIR_EITEM;
    lock_now(s);
    *(struct toy_keys *)value =
        (struct toy_keys){s->engine.send.generation, s->engine.recv.generation};
    tell(s, false, LOCKED);
    tell(s, true, 0);
    return 0;
}

static weir_stream session_below(void *self)
{
    return ((struct session *)self)->below;
}

static const weir_stream_ops ops = {
    .try_recv = session_recv,
    .try_send = session_send,
    .try_flush = session_flush,
    .arm_recv = session_arm_recv,
    .arm_send = session_arm_send,
    .disarm = session_disarm,
    .try_eof = session_bye,
    .try_close = session_bye,
    .shut = session_shut,
    .release = session_release,
    .get = session_get,
    .below = session_below,
};

/* ---- opening --------------------------------------------------------------------------------- */

static int open_side(struct side *side)
{
    int rc = weir_channel_open(&side->tx, &side->rx, 1, 1, NULL);
    if (rc == 0) {
        (void)weir_disown(side->tx);
        (void)weir_disown(side->rx);
        rc = weir_try_send(side->tx, &side->token); /* so that no later one lacks memory */
    }
    if (rc == 0)
        (void)weir_try_recv(side->rx, &side->token);
    return rc;
}

static int prepare(struct session *s, const struct toy_options *o)
{
    int rc = open_side(&s->side[0]);
    if (rc == 0)
        rc = open_side(&s->side[1]);
    toy_init(&s->engine, o->server, o->server ? 2222 : 1111, o->update_every);
    if (rc == 0 && o->early_size > 0)
        rc = toy_feed(&s->engine, o->early, o->early_size) == (ssize_t)o->early_size ? 0 : -EPROTO;
    return rc;
}

weir_stream toy_open(weir_stream below, const struct toy_options *options)
{
    struct session *s = calloc(1, sizeof *s);
    weir_stream made = {0};
    if (!s)
        return made;
    atomic_fetch_add(&sessions, 1);
    if (prepare(s, options) == 0)
        made = weir_stream_make(&ops, s);
    if (weir_check(made) < 0) {
        session_release(s);
        return made;
    }
    s->below = weir_stream_take(below);
    if (weir_check(s->below) < 0) {
        weir_stream error = s->below;
        (void)weir_close(made); /* nobody else knows of it */
        return error;
    }
    return made;
}
