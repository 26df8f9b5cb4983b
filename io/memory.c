/* SPDX-License-Identifier: MIT */
/*
 * memory.c - two streams in memory, each other's peer.
 *
 * Two pipes, one for each direction: a ring of bytes under a lock. Who is about to wait, and finds
 * nothing, or no room, leaves a mark under the lock, which the other side takes and pokes. So a
 * poke is never missed: what comes between the mark and the wait leaves a token.
 */
#include <weir/pair.h>

#include <errno.h>
#include <string.h>

#include "handle.h"
#include "lock.h"
#include "poke.h"

struct pipe {
    a32 lock;
    bool receiver_looks, sender_looks; /* marks */
    bool ended;                        /* no more bytes come in */
    bool deserted;                     /* nobody takes them out */
    bool reset;
    size_t head, count; /* of the ring: the first byte, how many */
    char *ring;
    struct poke some, room; /* waited for by who receives, and who sends */
};

struct end;

struct pair {
    a32 ends; /* of two, not yet released */
    size_t capacity;
    struct pipe pipes[2];
    struct end {
        struct pair *pair;
        struct pipe *in, *out;
    } end[2];
};

static void lock(struct pipe *p)
{
    lock_acquire(&p->lock, 0);
}

static void unlock(struct pipe *p)
{
    lock_release(&p->lock, 0);
}

static size_t capacity(const struct end *e)
{
    return e->pair->capacity;
}

/* ---- bytes, under the lock ----------------------------------------------------------------- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t take(struct pipe *p, size_t room, char *to, size_t size)
{
    size_t n = smaller(size, p->count), first = smaller(n, room - p->head);
    memcpy(to, p->ring + p->head, first);
    memcpy(to + first, p->ring, n - first);
    p->head = (p->head + n) % room;
    p->count -= n;
    return n;
}

static size_t put(struct pipe *p, size_t room, const char *from, size_t size)
{
    size_t tail = (p->head + p->count) % room;
    size_t n = smaller(size, room - p->count), first = smaller(n, room - tail);
    memcpy(p->ring + tail, from, first);
    memcpy(p->ring, from + first, n - first);
    p->count += n;
    return n;
}

/* ---- the functions of a stream ------------------------------------------------------------- */

static bool take_mark(bool *mark)
{
    bool was = *mark && !MUTATE("pair: nobody is told");
    *mark = false;
    return was;
}

static ssize_t pair_recv(void *self, const struct iovec *to, int n)
{
    const struct end *e = self;
    struct pipe *p = e->in;
    size_t got = 0;
    lock(p);
    for (int i = 0; i < n && p->count > 0; i++)
        if (to[i].iov_len > 0)
            got += take(p, capacity(e), to[i].iov_base, to[i].iov_len);
    ssize_t rc = got > 0 ? (ssize_t)got : p->reset ? WEIR_ECONNRESET : p->ended ? 0 : WEIR_EAGAIN;
    bool tell = got > 0 && take_mark(&p->sender_looks);
    unlock(p);
    if (tell)
        poke(&p->room);
    return rc;
}

static ssize_t pair_send(void *self, const struct iovec *from, int n)
{
    const struct end *e = self;
    struct pipe *p = e->out;
    size_t gone = 0;
    ssize_t rc = WEIR_EAGAIN;
    lock(p);
    if (p->deserted)
        rc = p->reset ? WEIR_ECONNRESET : WEIR_EPIPE;
    for (int i = 0; i < n && rc == WEIR_EAGAIN && p->count < capacity(e); i++)
        if (from[i].iov_len > 0)
            gone += put(p, capacity(e), from[i].iov_base, from[i].iov_len);
    bool tell = gone > 0 && take_mark(&p->receiver_looks);
    unlock(p);
    if (tell)
        poke(&p->some);
    return gone > 0 ? (ssize_t)gone : rc;
}

static int pair_arm_recv(void *self, weir_case *below)
{
    struct pipe *p = ((const struct end *)self)->in;
    lock(p);
    bool some = (p->count > 0 || p->ended) && !MUTATE("pair: waits for what is there");
    p->receiver_looks = !some;
    unlock(p);
    *below = poke_wait(&p->some);
    return some ? WEIR_EAGAIN : 0;
}

static int pair_arm_send(void *self, weir_case *below)
{
    const struct end *e = self;
    struct pipe *p = e->out;
    lock(p);
    bool room = p->count < capacity(e) || p->deserted;
    p->sender_looks = !room;
    unlock(p);
    *below = poke_wait(&p->room);
    return room ? WEIR_EAGAIN : 0;
}

/* No more bytes come into it. */
static void pipe_end(struct pipe *p, bool reset)
{
    lock(p);
    p->ended = true;
    p->reset = p->reset || reset;
    bool tell = take_mark(&p->receiver_looks);
    unlock(p);
    if (tell)
        poke(&p->some);
}

/* Nobody takes bytes out of it. */
static void pipe_desert(struct pipe *p, bool reset)
{
    lock(p);
    p->deserted = true;
    p->reset = p->reset || reset;
    p->count = 0;
    bool tell = take_mark(&p->sender_looks);
    unlock(p);
    if (tell)
        poke(&p->room);
}

static int pair_eof(void *self)
{
    pipe_end(((const struct end *)self)->out, false);
    return 0;
}

static void pair_shut(void *self, bool abort)
{
    const struct end *e = self;
    pipe_end(e->out, abort);
    pipe_desert(e->in, abort);
    poke_shut(&e->in->some);
    poke_shut(&e->out->room);
}

/* ---- made and released ---------------------------------------------------------------------- */

static size_t bytes_of(size_t room)
{
    return sizeof(struct pair) + 2 * room;
}

static void pair_free(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        poke_close(&p->pipes[i].some);
        poke_close(&p->pipes[i].room);
    }
    os_free(p, bytes_of(p->capacity));
}

static void pair_release(void *self)
{
    struct pair *p = ((const struct end *)self)->pair;
    if (a32_add(&p->ends, (uint32_t)-1) == 1)
        pair_free(p);
}

static const weir_stream_ops ops = {
    .try_recv = pair_recv,
    .try_send = pair_send,
    .arm_recv = pair_arm_recv,
    .arm_send = pair_arm_send,
    .try_eof = pair_eof,
    .shut = pair_shut,
    .release = pair_release,
};

static struct pair *pair_new(size_t room)
{
    struct pair *p = os_alloc(bytes_of(room));
    if (!p)
        return NULL;
    *p = (struct pair){.ends = {2}, .capacity = room};
    char *rings = (char *)(p + 1);
    for (int i = 0; i < 2; i++) {
        p->pipes[i].ring = rings + (size_t)i * room;
        p->end[i] = (struct end){p, &p->pipes[i], &p->pipes[!i]};
    }
    return p;
}

static int open_pokes(struct pair *p)
{
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++)
        if ((rc = poke_open(&p->pipes[i].some)) == 0)
            rc = poke_open(&p->pipes[i].room);
    return rc;
}

static int open_both(struct pair *p, weir_stream *a, weir_stream *b)
{
    int rc = open_pokes(p);
    if (rc == 0)
        rc = weir_check(*a = weir_stream_make(&ops, &p->end[0]));
    if (rc < 0) {
        pair_free(p);
        return rc;
    }
    rc = weir_check(*b = weir_stream_make(&ops, &p->end[1]));
    if (rc < 0) {
        (void)weir_close(*a);
        pair_release(&p->end[1]);
    }
    return rc;
}

int weir_stream_pair(weir_stream *a, weir_stream *b, size_t room)
{
    int rc = WEIR_EINVAL;
    if (a && b && a != b && room > 0 && room <= WEIR_CHUNK_MAX) {
        struct pair *p = pair_new(room);
        rc = p ? open_both(p, a, b) : WEIR_ENOMEM;
    }
    if (rc < 0 && a)
        *a = (weir_stream){handle_null(rc)};
    if (rc < 0 && b)
        *b = (weir_stream){handle_null(rc)};
    return rc;
}
