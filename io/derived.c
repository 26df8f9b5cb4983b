/* SPDX-License-Identifier: MIT */
/*
 * derived.c - streams that are a table of functions (weir/stream.h): wrappers, memory, a user's.
 *
 * The functions never wait. A call claims its direction, tries, and if there is nothing yet waits
 * by a select with one case, whose source is the call itself: so deadlines, cancellation and turns
 * are the select's. Whoever arms the stream for a wait of his own - a select with a case of it, or
 * the stream above - has claimed the direction from the arm to the disarm.
 *
 * Under the stream's lock: who has which direction, how it has ended, and how many are inside of
 * any function (`users`). None of the functions is called under it.
 *
 *   - A direction's end is written by who has it, once; from then on it is constant.
 *   - Closing (closing(), then derived_close() or derived_finish()) shuts the handle, so that
 * nobody begins anything, and counts as a user. It takes the direction of sending, if that is free,
 *     for the good-bye. Then `shut` closes what is below: that wakes who waits.
 *   - Who leaves last, after it was closed, releases. There is one such: the count falls only.
 *
 * Who has armed by the handle disarms by the handle, which may be closed by then: a stream that is
 * closed while it is armed is found in a table, from before its handle is shut to the last disarm.
 */
#include "stream.h"

#include "lock.h"

/* One direction. */
struct way {
    bool busy;      /* somebody has it */
    bool armed;     /* by weir_stream_arm() */
    bool ended;     /* from now on each call returns: */
    ssize_t result; /* 0 or an error */
};

struct derived {
    struct stream stream;
    const weir_stream_ops *ops;
    void *self;
    struct way in, out;
    uint32_t users;
    bool kept; /* something was taken that the functions still have, as of the last call */
    bool mine; /* who closes it has `out` */
    bool eof;  /* we have said that we send no more; by who has `out` */
    bool torn; /* it was stopped in the middle; the same */
    a32 closed;
    a32 middle; /* a send that waits is between its first byte and its last; pairs with cut_off() */
    weir_handle h;        /* of one in the table */
    struct derived *next; /* there */
    struct retired retired;
};

enum { GOES_ON = 1 };

/* Instead of an error: the direction has ended. */
enum { ENDED = 1 };

static struct derived *derived_of(struct stream *st)
{
    return container_of(st, struct derived, stream);
}

static void lock(struct derived *d)
{
    lock_acquire(&d->stream.lock, 0);
}

static void unlock(struct derived *d)
{
    lock_release(&d->stream.lock, 0);
}

/* ---- those that were closed while armed ------------------------------------------------------ */

enum { BUCKETS = 64 };

/* Its lock is the inner one. */
static struct {
    a32 lock;
    struct derived *first[BUCKETS];
} armed;

static struct derived **bucket(weir_handle h)
{
    return &armed.first[(uint32_t)h % BUCKETS];
}

static void armed_add(struct derived *d, weir_handle h)
{
    lock_acquire(&armed.lock, 0);
    d->h = h;
    d->next = *bucket(h);
    *bucket(h) = d;
    lock_release(&armed.lock, 0);
}

static void armed_remove(struct derived *d)
{
    lock_acquire(&armed.lock, 0);
    struct derived **at = bucket(d->h);
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    lock_release(&armed.lock, 0);
}

/* By a user of it, if there is one: so it stays. */
static struct derived *armed_find(weir_handle h)
{
    lock_acquire(&armed.lock, 0);
    struct derived *d = *bucket(h);
    while (d && d->h != h)
        d = d->next;
    lock_release(&armed.lock, 0);
    return d;
}

/* ---- inside ---------------------------------------------------------------------------------- */

static void derived_free(struct retired *r, struct thread *t)
{
    (void)t;
    os_free(container_of(r, struct derived, retired), sizeof(struct derived));
}

/* The lock is held, and released: one user less. */
static void leave(struct derived *d)
{
    d->users--;
    bool last = (d->users == 0 || MUTATE("stream: released under others")) && a32_load(&d->closed);
    unlock(d);
    if (!last)
        return;
    if (d->ops->release)
        d->ops->release(d->self);
    weir__retire(party_current()->thread, &d->retired, derived_free);
}

/* Claim a direction: 0, ENDED or an error. */
static int begin(const struct stream_call *c, struct way *w, bool arms)
{
    struct derived *d = derived_of(c->stream);
    lock(d);
    int rc = !handle_open(c->slot, c->h) ? WEIR_ECLOSED
             : w->ended                  ? ENDED
             : w->busy                   ? WEIR_EBUSY
                                         : 0;
    if (rc == 0) {
        w->busy = true;
        w->armed = arms;
        d->users++;
    }
    unlock(d);
    return rc;
}

/* What has become of the bytes that were taken. */
enum taken { AS_BEFORE, OUT, KEPT };

/* Leave it; end: how it has ended, or GOES_ON. */
static void done(struct derived *d, struct way *w, ssize_t end, enum taken taken)
{
    lock(d);
    if (taken != AS_BEFORE)
        d->kept = taken == KEPT;
    if (end != GOES_ON && !w->ended) {
        w->result = end;
        w->ended = true;
    }
    bool was_armed = w->armed;
    w->busy = w->armed = false;
    if (was_armed && a32_load(&d->closed) && !d->in.armed && !d->out.armed)
        armed_remove(d);
    leave(d);
}

/* ---- trying, and waiting --------------------------------------------------------------------- */

enum what { RECEIVE, SEND, FLUSH, SEND_EOF, SAY_GOOD_BYE };

struct attempt {
    struct derived *d;
    enum what what;
    bool closes; /* it is of who closes the stream */
    bool tried;  /* just now */
    bool said;   /* `result` is what the function has said last, and not WEIR_EAGAIN */
    const struct iovec *places;
    int n;
    struct iovec tail; /* of a place that has gone in part */
    size_t rest;       /* SEND, of a call that waits: so much is left; 0: no matter */
    bool some;         /* and some has gone */
    ssize_t result;
};

static ssize_t try_send(struct attempt *a)
{
    struct derived *d = a->d;
    ssize_t k = d->ops->try_send(d->self, a->places, a->n);
    if (a->rest > 0 && k > 0) {
        a->some = true;
        a->rest -= (size_t)k;
    }
    return k;
}

static ssize_t call(struct attempt *a)
{
    const weir_stream_ops *ops = a->d->ops;
    void *self = a->d->self;
    switch (a->what) {
    case RECEIVE:
        return ops->try_recv(self, a->places, a->n);
    case SEND:
        return try_send(a);
    case FLUSH:
        return ops->try_flush ? ops->try_flush(self) : 0;
    case SEND_EOF:
        return ops->try_eof(self);
    default:
        return ops->try_close ? ops->try_close(self) : 0;
    }
}

static bool is_closed(const struct attempt *a)
{
    return !a->closes && a32_load_acquire(&a->d->closed); /* pairs with closing() */
}

/*
 * A send that waits is in the middle while it is tried, as nobody knows how much goes. It says so
 * before it looks whether the stream is closed, and who closes it the other way round: so one of
 * the two sees the other.
 */
static ssize_t try_now(struct attempt *a)
{
    bool whole = a->what == SEND && a->rest > 0;
    bool closed = MUTATE("stream: looks before it says so") && is_closed(a);
    if (whole)
        a32_xchg(&a->d->middle, 1);
    a_after_rmw(); /* pairs with cut_off() */
    if (!MUTATE("stream: looks before it says so"))
        closed = is_closed(a);
    a->result = closed ? WEIR_ECLOSED : call(a);
    if (whole)
        a32_store_release(&a->d->middle, a->some && a->rest > 0);
    a->said = !closed && a->result != WEIR_EAGAIN;
    return a->result;
}

static int try_attempt(void *object, void *unused)
{
    struct attempt *a = object;
    (void)unused;
    bool tried = a->tried;
    a->tried = false;
    return tried || try_now(a) == WEIR_EAGAIN ? WEIR_EAGAIN : 1;
}

static int arm_ops(struct derived *d, bool sends, weir_case *below)
{
    int (*arm)(void *, weir_case *) = sends ? d->ops->arm_send : d->ops->arm_recv;
    return arm ? arm(d->self, below) : WEIR_EINVAL;
}

static void disarm_ops(struct derived *d, bool sends, int rc)
{
    if (d->ops->disarm)
        d->ops->disarm(d->self, sends, rc);
}

static int arm_attempt(void *object, weir_case *below)
{
    struct attempt *a = object;
    return arm_ops(a->d, a->what != RECEIVE, below);
}

static void disarm_attempt(void *object, int rc)
{
    struct attempt *a = object;
    disarm_ops(a->d, a->what != RECEIVE, rc);
}

static const weir_source attempts = {try_attempt, arm_attempt, disarm_attempt};

/* By who has the direction. What the function says, or why there was no waiting for it. */
static ssize_t attempt(struct attempt *a, weir_time deadline)
{
    if (try_now(a) != WEIR_EAGAIN || deadline == WEIR_TRY)
        return a->result;
    a->tried = true;
    weir_case c = weir_on_source(&attempts, a, NULL);
    int i = weir_select_by(&c, 1, WEIR_ORDERED, deadline);
    int rc = c.rc;
    a_gone(&c);
    if (i < 0)
        return i;
    return rc < 0 ? rc : a->result; /* rc is 1, or what an arm function says */
}

/* Does the direction end with what an attempt has returned? */
static ssize_t end_of(const struct attempt *a, ssize_t k)
{
    bool passes = k == WEIR_ENOMEM || k == WEIR_ENOBUFS || k == WEIR_EBUSY;
    return k < 0 && a->said && !passes ? k : GOES_ON;
}

/* ---- receiving, sending ---------------------------------------------------------------------- */

static ssize_t derived_recv(const struct stream_call *c, const struct iovec *to, int n,
                            weir_time deadline)
{
    struct derived *d = derived_of(c->stream);
    int rc = begin(c, &d->in, false);
    if (rc != 0)
        return rc == ENDED ? d->in.result : rc;
    struct attempt a = {.d = d, .what = RECEIVE, .places = to, .n = n};
    ssize_t k = attempt(&a, deadline);
    done(d, &d->in, k == 0 ? 0 : end_of(&a, k), AS_BEFORE);
    return k;
}

/* All the places, or as far as it goes without a wait. 0 or an error; *sent bytes have gone. */
static int send_places(struct attempt *a, const struct iovec *from, int n, weir_time deadline,
                       size_t *sent)
{
    size_t gone = 0; /* of from[0] */
    while (n > 0) {
        if (from->iov_len == gone) {
            from++, n--, gone = 0;
            continue;
        }
        a->tail = (struct iovec){(char *)from->iov_base + gone, from->iov_len - gone};
        a->places = gone > 0 ? &a->tail : from;
        a->n = gone > 0 ? 1 : n;
        ssize_t k = attempt(a, deadline);
        if (k < 0)
            return (int)k;
        *sent += (size_t)k;
        for (gone += (size_t)k; n > 0 && gone >= from->iov_len; from++, n--)
            gone -= from->iov_len;
    }
    return 0;
}

static size_t sum(const struct iovec *at, int n)
{
    size_t all = 0;
    for (int i = 0; i < n; i++)
        all += at[i].iov_len;
    return all;
}

static int derived_send(const struct stream_call *c, const struct iovec *from, int n,
                        weir_time deadline, size_t *sent)
{
    struct derived *d = derived_of(c->stream);
    int rc = begin(c, &d->out, false);
    if (rc != 0)
        return rc == ENDED ? (int)d->out.result : rc;
    bool waits = deadline != WEIR_TRY;
    struct attempt a = {.d = d, .what = SEND, .rest = waits ? sum(from, n) : 0};
    rc = send_places(&a, from, n, deadline, sent);
    ssize_t end = end_of(&a, rc);
    if (rc < 0 && waits && a.some) {
        d->torn = true;
        end = end == GOES_ON ? WEIR_EPIPE : end;
    }
    enum taken taken = *sent > 0 && d->ops->try_flush ? KEPT : AS_BEFORE;
    if (end == GOES_ON && taken == KEPT) {
        a.what = FLUSH;
        int flushed = (int)attempt(&a, deadline);
        end = end_of(&a, flushed);
        rc = rc < 0 ? rc : flushed;
        taken = flushed == 0 ? OUT : KEPT;
    }
    done(d, &d->out, end, taken);
    return rc;
}

static int derived_flush(const struct stream_call *c, weir_time deadline)
{
    struct derived *d = derived_of(c->stream);
    int rc = begin(c, &d->out, false);
    if (rc != 0)
        return rc == ENDED && d->eof ? 0 : rc == ENDED ? (int)d->out.result : rc;
    struct attempt a = {.d = d, .what = FLUSH};
    rc = (int)attempt(&a, deadline);
    done(d, &d->out, end_of(&a, rc), rc == 0 ? OUT : AS_BEFORE);
    return rc;
}

static int derived_send_eof(const struct stream_call *c, weir_time deadline)
{
    struct derived *d = derived_of(c->stream);
    int rc = begin(c, &d->out, false);
    if (rc != 0)
        return rc == ENDED && d->eof ? 0 : rc == ENDED ? (int)d->out.result : rc;
    struct attempt a = {.d = d, .what = FLUSH};
    rc = d->ops->try_eof ? (int)attempt(&a, deadline) : WEIR_ENOTSUP;
    enum taken taken = rc == 0 ? OUT : AS_BEFORE;
    if (rc == 0) {
        a.what = SEND_EOF;
        rc = (int)attempt(&a, deadline);
    }
    d->eof = rc == 0;
    done(d, &d->out, d->eof ? WEIR_EPIPE : end_of(&a, rc), taken);
    return rc;
}

/* ---- waits of others ------------------------------------------------------------------------- */

static int derived_arm(const struct stream_call *c, bool sends, weir_case *below)
{
    struct derived *d = derived_of(c->stream);
    struct way *w = sends ? &d->out : &d->in;
    int rc = begin(c, w, true);
    if (rc != 0)
        return rc == ENDED ? WEIR_EAGAIN : rc;
    rc = arm_ops(d, sends, below);
    if (rc < 0)
        done(d, w, GOES_ON, AS_BEFORE);
    return rc;
}

static void disarm(struct derived *d, bool sends, int rc)
{
    disarm_ops(d, sends, rc);
    done(d, sends ? &d->out : &d->in, GOES_ON, AS_BEFORE);
}

static void derived_disarm(const struct stream_call *c, bool sends, int rc)
{
    disarm(derived_of(c->stream), sends, rc);
}

void weir__derived_disarm(struct party *self, weir_handle h, bool sends, int rc)
{
    (void)self;
    struct derived *d = armed_find(h);
    if (d)
        disarm(d, sends, rc);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void closing(const struct stream_call *c)
{
    struct derived *d = derived_of(c->stream);
    a32_store_release(&d->closed, 1); /* pairs with try_now() */
    d->users++;
    d->mine = !d->out.busy;
    d->out.busy = true;
    if ((d->in.armed || d->out.armed) && !MUTATE("stream: not found when closed"))
        armed_add(d, c->h);
}

/* The last act of who closes it. */
static void end(struct derived *d, bool abort)
{
    d->ops->shut(d->self, abort);
    lock(d);
    leave(d);
}

/* Has something gone, of a whole that never will? */
static bool cut_off(const struct derived *d)
{
    a_fence(); /* between `closed` and `middle`; pairs with try_now() */
    return d->mine ? d->torn : a32_load_acquire(&d->middle);
}

/* Bring out what is inside. 0, or why that cannot be. */
static int bring_out(struct derived *d, weir_time deadline)
{
    if (d->out.ended && !d->eof)
        return d->ops->try_send ? (int)d->out.result : 0;
    struct attempt a = {.d = d, .what = FLUSH, .closes = true};
    return d->eof ? 0 : (int)attempt(&a, deadline);
}

static int say_good_bye(struct derived *d, weir_time deadline)
{
    struct attempt a = {.d = d, .what = SAY_GOOD_BYE, .closes = true};
    return (int)attempt(&a, deadline);
}

/* Its direction is another one's: what is kept cannot be brought out. */
static int close_beside(struct derived *d, bool abort)
{
    lock(d);
    bool kept = d->kept;
    unlock(d);
    end(d, abort || kept || cut_off(d));
    return kept && !abort ? WEIR_EBUSY : 0;
}

/* What was told as sent, and is lost, is an error here, unless that had been told before. */
static int derived_close(const struct stream_call *c, bool abort)
{
    struct derived *d = derived_of(c->stream);
    if (!d->mine)
        return close_beside(d, abort);
    if (abort || cut_off(d)) {
        end(d, true);
        return 0;
    }
    bool told = d->out.ended;
    int rc = bring_out(d, WEIR_TRY), bye = rc;
    bool lost = rc == WEIR_EAGAIN || (rc < 0 && d->kept);
    if (rc != WEIR_EAGAIN)
        bye = say_good_bye(d, WEIR_TRY);
    end(d, lost);
    return bye == WEIR_EAGAIN ? bye : lost && !told ? rc : 0;
}

static int finish_below(struct derived *d, weir_time deadline)
{
    weir_stream below = d->ops->below ? d->ops->below(d->self) : (weir_stream){0};
    return below.h ? weir_stream_close(below, deadline) : 0;
}

static int derived_finish(const struct stream_call *c, weir_time deadline)
{
    struct derived *d = derived_of(c->stream);
    int rc = weir__stream_shut(c);
    if (rc < 0)
        return rc;
    if (!d->mine) {
        (void)close_beside(d, false);
        return WEIR_EBUSY;
    }
    rc = cut_off(d) ? WEIR_EPIPE : bring_out(d, deadline);
    if (rc == 0)
        rc = say_good_bye(d, deadline);
    if (rc == 0)
        rc = finish_below(d, deadline);
    lock(d);
    if (d->in.ended && d->in.result < 0) /* that came first */
        rc = (int)d->in.result;
    unlock(d);
    end(d, rc < 0 && rc != WEIR_EBUSY); /* there was no waiting for the end below: that is all */
    return rc;
}

static bool derived_idle(struct stream *st)
{
    return derived_of(st)->users == 0;
}

/* ---- attributes ------------------------------------------------------------------------------ */

static int get(const struct derived *d, weir_attribute attribute, void *value, size_t size)
{
    int rc = d->ops->get ? d->ops->get(d->self, attribute, value, size) : WEIR_ENOENT;
    if (rc != WEIR_ENOENT || !d->ops->below)
        return rc;
    weir_stream below = d->ops->below(d->self);
    return below.h ? weir_stream_get_item(below, attribute, value, size) : WEIR_ENOENT;
}

static int derived_get(const struct stream_call *c, weir_attribute attribute, void *value,
                       size_t size)
{
    struct derived *d = derived_of(c->stream);
    lock(d);
    if (!handle_open(c->slot, c->h)) {
        unlock(d);
        return WEIR_ECLOSED;
    }
    d->users++;
    unlock(d);
    int rc = get(d, attribute, value, size);
    lock(d);
    leave(d);
    return rc;
}

/* ---- making ---------------------------------------------------------------------------------- */

static const struct stream_class derived_class = {
    .recv = derived_recv,
    .send = derived_send,
    .flush = derived_flush,
    .send_eof = derived_send_eof,
    .arm = derived_arm,
    .disarm = derived_disarm,
    .closing = closing,
    .close = derived_close,
    .finish = derived_finish,
    .get = derived_get,
    .idle = derived_idle,
};

static bool is_complete(const weir_stream_ops *ops)
{
    return ops && ops->shut && !ops->try_recv == !ops->arm_recv &&
           !ops->try_send == !ops->arm_send && (ops->try_recv || ops->try_send);
}

static weir_handle make(struct party *self, const weir_stream_ops *ops, void *object)
{
    struct derived *d = os_alloc(sizeof *d);
    if (!d)
        return handle_null(WEIR_ENOMEM);
    *d = (struct derived){
        .stream = {.object.type = &weir__stream_type, .class = &derived_class},
        .ops = ops,
        .self = object,
        .in = {.ended = !ops->try_recv},
        .out = {.ended = !ops->try_send, .result = WEIR_EPIPE},
    };
    struct slot *slot = weir__slot_reserve(self);
    if (slot)
        return weir__slot_publish(self, slot, OBJECT, &d->stream.object);
    os_free(d, sizeof *d);
    return handle_null(weir__slot_refused());
}

weir_stream weir_stream_make(const weir_stream_ops *ops, void *object)
{
    if (!is_complete(ops))
        return (weir_stream){handle_null(WEIR_EINVAL)};
    struct party *self = party_enter();
    if (!self)
        return (weir_stream){handle_null(party_refusal())};
    weir_handle h = make(self, ops, object);
    party_leave(self);
    return (weir_stream){h};
}
