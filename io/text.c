/* SPDX-License-Identifier: MIT */
/*
 * text.c - UTF-8 above, any encoding below.
 *
 * Receiving: bytes come into `raw`, characters go from there to the caller's memory. What is left
 * in raw when nothing more is to be had is the beginning of a character, and then raw is the few
 * bytes of `tail`: the rest of the memory is given back, and if none can be had tail has to do.
 * Where the caller's room is less than a character, it goes by way of `spill`.
 *
 * Sending: UTF-8 that is only to be checked is sent from the caller's memory. Everything else is
 * converted to `out`, piece by piece; a piece begins when nothing is left of the one before. What
 * the stream below has not taken of one counts as sent, and is brought out by try_flush. Who closes
 * the stream learns from `kept` that something is left: it may be another than who sends just then.
 */
#define _GNU_SOURCE
#include <weir/text.h>

#include <errno.h>
#include <iconv.h>
#include <strings.h>

#include "atomic.h"
#include "handle.h"
#include "native.h"
#include "os.h"
#include "utf8.h"
#include "wrap.h"

enum { TAIL = 16, SPILL = 64, RAW = 4096, OUT_SMALL = 128, OUT = 4096, RESET_MAX = 16 };

struct decoder {
    iconv_t how; /* NO_ICONV: it is UTF-8 */
    char *raw;
    size_t start, size, room;
    uint8_t unit;                   /* the encoding's, in bytes: so many are skipped */
    uint8_t spill_start, spill_end; /* characters that had no room */
    bool ended, flushed;
    char tail[TAIL], spill[SPILL];
};

struct encoder {
    iconv_t how;
    char *out;
    size_t start, size, room;
    a32 kept; /* is something in out? Written by who sends, read by who closes */
    char small[OUT_SMALL];
    char part[UTF8_MAX]; /* of a character whose rest comes with the next send */
    uint8_t parts;
    bool direct; /* only to be checked */
    bool begun;  /* the encoder may be in another than its initial state */
};

struct text {
    struct wrap wrap;
    bool replaces;
    struct decoder in; /* used by who receives, ... */
    struct encoder to; /* ... and by who sends */
};

static const char replacement[] = "\xef\xbf\xbd";
enum { REPLACEMENT = 3 };

#define NO_ICONV ((iconv_t)-1)

/* ---- converting ------------------------------------------------------------------------------ */

enum outcome {
    DONE,
    CUT,
    WRONG,
    FULL
}; /* all of it; up to a cut character; a wrong one; no room */

struct span {
    const char *from;
    size_t size;
    char *to;
    size_t room;
};

static never_inline enum outcome by_iconv(iconv_t how, struct span *s)
{
    int e = errno;
    char *from = (char *)(uintptr_t)s->from;
    size_t rc = iconv(how, s->from ? &from : NULL, s->from ? &s->size : NULL, &s->to, &s->room);
    enum outcome o = rc != (size_t)-1  ? DONE
                     : errno == E2BIG  ? FULL
                     : errno == EINVAL ? CUT
                                       : WRONG;
    s->from = from;
    errno = e;
    return o;
}

static void advance(struct span *s, size_t n)
{
    memcpy(s->to, s->from, n);
    s->from += n;
    s->size -= n;
    s->to += n;
    s->room -= n;
}

/* Whole characters; as iconv would. */
static enum outcome by_copy(struct span *s)
{
    size_t n = utf8_span(s->from, s->size);
    if (n > s->room) {
        n = utf8_span(s->from, s->room);
        advance(s, n);
        return FULL;
    }
    advance(s, n);
    if (s->size == 0)
        return DONE;
    return utf8_char(s->from, s->size) == 0 ? CUT : WRONG;
}

static enum outcome convert(iconv_t how, struct span *s)
{
    return how == NO_ICONV ? by_copy(s) : by_iconv(how, s);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static ssize_t from_spill(struct decoder *d, char *to, size_t room)
{
    size_t n = (size_t)(d->spill_end - d->spill_start);
    if (n > room)
        n = room;
    memcpy(to, d->spill + d->spill_start, n);
    d->spill_start = (uint8_t)(d->spill_start + n);
    return (ssize_t)n;
}

static void shrink(struct decoder *d)
{
    if (d->raw == d->tail || d->size > TAIL)
        return;
    memcpy(d->tail, d->raw + d->start, d->size);
    os_free(d->raw, d->room);
    d->raw = d->tail;
    d->start = 0;
    d->room = TAIL;
}

static void grow(struct decoder *d)
{
    char *raw = d->raw == d->tail ? os_alloc(RAW) : NULL;
    if (raw)
        d->room = RAW;
    else
        raw = d->raw;
    memmove(raw, d->raw + d->start, d->size);
    d->raw = raw;
    d->start = 0;
}

/* Receive from below, once: as a try_recv, or WEIR_EILSEQ for a character that is too long. */
static ssize_t fill(struct text *t)
{
    struct decoder *d = &t->in;
    grow(d);
    if (d->size == d->room)
        return WEIR_EILSEQ;
    ssize_t n = weir_stream_try_recv(t->wrap.below, d->raw + d->size, d->room - d->size);
    if (n > 0)
        d->size += (size_t)n;
    else
        shrink(d);
    return n;
}

static size_t wrong_size(const struct decoder *d, const struct span *s)
{
    size_t n = d->how == NO_ICONV ? (size_t)-utf8_char(s->from, s->size) : d->unit;
    return n < s->size ? n : s->size;
}

/* Characters from raw to s->to, as many as are there and go: FULL, CUT, DONE or WRONG. */
static enum outcome decode_span(const struct text *t, struct span *s)
{
    enum outcome o;
    while ((o = convert(t->in.how, s)) == WRONG && t->replaces && s->room >= REPLACEMENT) {
        memcpy(s->to, replacement, REPLACEMENT);
        s->to += REPLACEMENT;
        s->room -= REPLACEMENT;
        size_t n = wrong_size(&t->in, s);
        s->from += n;
        s->size -= n;
    }
    return o == WRONG && t->replaces ? FULL : o;
}

static enum outcome decode_to(struct text *t, char *to, size_t room, size_t *count)
{
    struct decoder *d = &t->in;
    struct span s = {d->raw + d->start, d->size, to, room};
    enum outcome o = d->size > 0 ? decode_span(t, &s) : DONE;
    d->start += d->size - s.size;
    d->size = s.size;
    *count = room - s.room;
    return o;
}

/* A count; an error; or 0: more bytes are needed. */
static ssize_t decode(struct text *t, char *to, size_t room)
{
    struct decoder *d = &t->in;
    size_t n;
    enum outcome o = decode_to(t, to, room, &n);
    if (n > 0)
        return (ssize_t)n;
    if (o == FULL) {
        o = decode_to(t, d->spill, SPILL, &n);
        d->spill_start = 0;
        d->spill_end = (uint8_t)n;
        if (n > 0)
            return from_spill(d, to, room);
    }
    return o == WRONG ? WEIR_EILSEQ : 0;
}

/* There is nothing more below. A count, 0, or an error. */
static ssize_t finish(struct text *t, char *to, size_t room)
{
    struct decoder *d = &t->in;
    struct span s = {NULL, 0, d->spill, SPILL};
    if (d->size > 0 && !t->replaces)
        return WEIR_EINCOMPLETE;
    if (!d->flushed && d->how != NO_ICONV)
        (void)by_iconv(d->how, &s); /* what it kept to see what follows */
    if (d->size > 0) {
        memcpy(s.to, replacement, REPLACEMENT);
        s.to += REPLACEMENT;
    }
    d->flushed = true;
    d->size = 0;
    d->spill_start = 0;
    d->spill_end = (uint8_t)(s.to - d->spill);
    return from_spill(d, to, room);
}

static const struct iovec *first_place(const struct iovec *v, int n)
{
    while (n > 1 && v->iov_len == 0)
        v++, n--;
    return v;
}

static ssize_t text_try_recv(void *self, const struct iovec *places, int places_n)
{
    struct text *t = self;
    struct decoder *d = &t->in;
    const struct iovec *place = first_place(places, places_n);
    t->wrap.hungry = false;
    if (d->spill_start < d->spill_end)
        return from_spill(d, place->iov_base, place->iov_len);
    for (;;) {
        ssize_t n = decode(t, place->iov_base, place->iov_len);
        if (n != 0)
            return n;
        if (d->ended)
            return finish(t, place->iov_base, place->iov_len);
        n = fill(t);
        d->ended = n == 0;
        t->wrap.hungry = n == WEIR_EAGAIN;
        if (n < 0)
            return n;
    }
}

/* ---- sending UTF-8 as it is ------------------------------------------------------------------ */

/* How many bytes may go: whole characters, the rest of one, the beginning of one. */
static size_t may_go(const struct encoder *e, const char *from, size_t size)
{
    size_t i = 0;
    if (e->parts > 0) {
        char whole[2 * UTF8_MAX];
        size_t more = size < UTF8_MAX ? size : UTF8_MAX;
        memcpy(whole, e->part, e->parts);
        memcpy(whole + e->parts, from, more);
        int n = utf8_char(whole, e->parts + more);
        if (n <= 0)
            return n == 0 ? size : (size_t)-n > e->parts ? (size_t)-n - e->parts : 0;
        i = (size_t)n - e->parts;
    }
    i += utf8_span(from + i, size - i);
    return i < size && utf8_char(from + i, size - i) == 0 ? size : i;
}

/* It has gone: is there the beginning of a character at its end? */
static void note_part(struct encoder *e, const char *from, size_t size)
{
    char last[2 * UTF8_MAX];
    size_t n = size < UTF8_MAX ? size : UTF8_MAX;
    size_t parts = size < UTF8_MAX ? e->parts : 0;
    memcpy(last, e->part, parts);
    memcpy(last + parts, from + size - n, n);
    n += parts;
    e->parts = 0;
    for (size_t k = 1; k < UTF8_MAX && k <= n; k++) {
        if (((uint8_t)last[n - k] & 0xc0) == 0x80)
            continue;
        if (utf8_char(last + n - k, k) == 0) {
            memcpy(e->part, last + n - k, k);
            e->parts = (uint8_t)k;
        }
        return;
    }
}

static ssize_t send_direct(struct text *t, const char *from, size_t size)
{
    size_t n = may_go(&t->to, from, size);
    if (n == 0)
        return WEIR_EILSEQ;
    ssize_t sent = weir_stream_try_send(t->wrap.below, from, n);
    if (sent > 0)
        note_part(&t->to, from, (size_t)sent);
    return sent;
}

/* ---- sending anything else ------------------------------------------------------------------- */

static size_t out_room(const struct encoder *e)
{
    size_t used = e->start + e->size + RESET_MAX;
    return used < e->room ? e->room - used : 0;
}

/* Whole characters; how many bytes of them were converted: not all, if one has no place or no room.
 */
static size_t put(struct encoder *e, const char *from, size_t size, enum outcome *o)
{
    struct span s = {from, size, e->out + e->start + e->size, out_room(e)};
    *o = convert(e->how, &s);
    e->size = (size_t)(s.to - e->out) - e->start;
    return size - s.size;
}

static bool put_replacement(struct encoder *e)
{
    enum outcome o;
    return put(e, replacement, REPLACEMENT, &o) > 0 || (o == WRONG && put(e, "?", 1, &o) > 0);
}

/*
 * The part and what follows: how many bytes of that are used up goes to *used. They may be none
 * when the part is wrong by itself. False: it is an error.
 */
static bool put_part(struct text *t, const char *from, size_t size, size_t *used)
{
    struct encoder *e = &t->to;
    char whole[2 * UTF8_MAX];
    size_t more = size < UTF8_MAX ? size : UTF8_MAX;
    enum outcome o = WRONG;
    memcpy(whole, e->part, e->parts);
    memcpy(whole + e->parts, from, more);
    int n = utf8_char(whole, e->parts + more);
    if (n == 0) {
        memcpy(e->part + e->parts, from, more);
        e->parts = (uint8_t)(e->parts + more);
        *used = more;
        return true;
    }
    *used = (size_t)(n > 0 ? n : -n) - e->parts;
    if (n > 0)
        (void)put(e, whole, (size_t)n, &o);
    if (o != DONE && !(t->replaces && put_replacement(e)))
        return false;
    e->parts = 0;
    return true;
}

/* From `at` on. How many bytes are used up, all in all: fewer, if there was no room or an error. */
static size_t put_all(struct text *t, const char *from, size_t size, size_t at)
{
    struct encoder *e = &t->to;
    while (at < size) {
        enum outcome o = DONE;
        size_t whole = utf8_span(from + at, size - at);
        if (whole > 0)
            at += put(e, from + at, whole, &o);
        if (o == FULL || at == size)
            break;
        int n = utf8_char(from + at, size - at);
        if (n == 0) {
            e->parts = (uint8_t)(size - at);
            memcpy(e->part, from + at, e->parts);
            return size;
        }
        if (!t->replaces || !put_replacement(e))
            break;
        at += (size_t)(n > 0 ? n : -n);
    }
    return at;
}

static void begin_out(struct encoder *e, size_t size)
{
    char *out = size > OUT_SMALL / 4 ? os_alloc(OUT) : NULL;
    e->out = out ? out : e->small;
    e->room = out ? OUT : OUT_SMALL;
    e->start = 0;
}

static void end_out(struct encoder *e)
{
    if (e->out != e->small)
        os_free(e->out, e->room);
    e->out = e->small;
    e->room = OUT_SMALL;
    e->start = e->size = 0;
}

/* A piece of what is sent: how many bytes it is made of; or WEIR_EILSEQ. */
static ssize_t encode(struct text *t, const char *from, size_t size)
{
    struct encoder *e = &t->to;
    size_t at = 0;
    begin_out(e, size);
    if (e->parts > 0 && !put_part(t, from, size, &at))
        return WEIR_EILSEQ;
    if (e->parts == 0)
        at = put_all(t, from, size, at);
    e->begun = e->begun || e->size > 0;
    return at > 0 ? (ssize_t)at : WEIR_EILSEQ;
}

/* 0: nothing is left of `out`; WEIR_EAGAIN; an error. */
static int flush(struct text *t)
{
    struct encoder *e = &t->to;
    a32_store_release(&e->kept, e->size > 0);
    while (e->size > 0) {
        ssize_t n = weir_stream_try_send(t->wrap.below, e->out + e->start, e->size);
        if (n < 0)
            return (int)n;
        e->start += (size_t)n;
        e->size -= (size_t)n;
    }
    a32_store_release(&e->kept, false);
    end_out(e);
    return 0;
}

static ssize_t send_converted(struct text *t, const char *from, size_t size)
{
    int rc = flush(t);
    if (rc < 0)
        return rc;
    ssize_t n = encode(t, from, size);
    rc = flush(t);
    return n > 0 && rc < 0 && stays(rc) ? rc : n;
}

static ssize_t text_try_send(void *self, const struct iovec *places, int places_n)
{
    struct text *t = self;
    const struct iovec *place = first_place(places, places_n);
    return t->to.direct ? send_direct(t, place->iov_base, place->iov_len)
                        : send_converted(t, place->iov_base, place->iov_len);
}

static int text_try_flush(void *self)
{
    struct text *t = self;
    int rc = flush(t);
    return rc < 0 ? rc : weir_stream_try_flush(t->wrap.below);
}

/* Nothing more will come: what is left of a character, and the encoder's way back. */
static int send_rest(struct text *t)
{
    struct encoder *e = &t->to;
    int rc = flush(t);
    if (rc < 0)
        return rc;
    if (e->parts > 0 && !t->replaces)
        return WEIR_EINCOMPLETE;
    begin_out(e, 1);
    if (e->parts > 0)
        e->begun = put_replacement(e);
    e->parts = 0;
    if (e->begun && e->how != NO_ICONV) {
        struct span s = {NULL, 0, e->out + e->size, RESET_MAX};
        (void)by_iconv(e->how, &s);
        e->size = (size_t)(s.to - e->out);
    }
    e->begun = false;
    return flush(t);
}

static int text_try_eof(void *self)
{
    struct text *t = self;
    int rc = send_rest(t);
    return rc < 0 ? rc : weir_stream_try_send_eof(t->wrap.below);
}

static int text_try_close(void *self)
{
    return send_rest(self);
}

/* ---- the stream ------------------------------------------------------------------------------ */

static int text_arm_recv(void *self, weir_case *below)
{
    struct text *t = self;
    return wrap_arm_recv(&t->wrap, below);
}

static int text_arm_send(void *self, weir_case *below)
{
    struct text *t = self;
    return weir_stream_arm(t->wrap.below, true, below);
}

static void text_disarm(void *self, bool sends, int rc)
{
    struct text *t = self;
    weir_stream_disarm(t->wrap.below, sends, rc);
}

static void text_shut(void *self, bool abort)
{
    struct text *t = self;
    wrap_shut(&t->wrap, abort || a32_load_acquire(&t->to.kept)); /* pairs with flush() */
}

static void text_release(void *self)
{
    struct text *t = self;
    t->in.size = 0;
    shrink(&t->in);
    end_out(&t->to);
    if (t->in.how != NO_ICONV)
        iconv_close(t->in.how);
    if (t->to.how != NO_ICONV)
        iconv_close(t->to.how);
    os_free(t, sizeof *t);
}

static weir_stream text_below(void *self)
{
    const struct text *t = self;
    return t->wrap.below;
}

static const weir_stream_ops ops = {
    .try_recv = text_try_recv,
    .try_send = text_try_send,
    .try_flush = text_try_flush,
    .arm_recv = text_arm_recv,
    .arm_send = text_arm_send,
    .disarm = text_disarm,
    .try_eof = text_try_eof,
    .try_close = text_try_close,
    .shut = text_shut,
    .release = text_release,
    .below = text_below,
};

/* ---- opening --------------------------------------------------------------------------------- */

struct opening {
    struct text *text;
    const char *encoding;
};

/* How many bytes these characters are, from the initial state on. */
static size_t measure(iconv_t how, const char *characters, size_t n)
{
    char bytes[SPILL];
    struct span s = {characters, n, bytes, sizeof bytes};
    (void)by_iconv(how, &s);
    (void)iconv(how, NULL, NULL, NULL, NULL);
    return sizeof bytes - s.room;
}

static int open_both(struct opening *o)
{
    struct text *t = o->text;
    t->in.how = iconv_open("UTF-8", o->encoding);
    if (t->in.how != NO_ICONV)
        t->to.how = iconv_open(o->encoding, "UTF-8");
    if (t->to.how == NO_ICONV)
        return errno == EINVAL ? WEIR_ENOENT : -errno;
    size_t unit = measure(t->to.how, "AA", 2) - measure(t->to.how, "A", 1);
    t->in.unit = unit == 2 || unit == 4 ? (uint8_t)unit : 1;
    return 0;
}

/* On a deep stack: the C library may have to load a module. */
static int open_iconv(void *opening)
{
    int e = errno;
    int rc = open_both(opening);
    errno = e;
    return rc;
}

static bool is_utf8(const char *encoding)
{
    return !encoding || strcasecmp(encoding, "UTF-8") == 0 || strcasecmp(encoding, "UTF8") == 0;
}

weir_stream weir_text(weir_stream s, const char *encoding, weir_text_mode mode)
{
    if (mode != WEIR_TEXT_STRICT && mode != WEIR_TEXT_REPLACE)
        return (weir_stream){handle_null(WEIR_EINVAL)};
    struct text *t = os_alloc(sizeof *t);
    if (!t)
        return (weir_stream){handle_null(WEIR_ENOMEM)};
    *t = (struct text){.replaces = mode == WEIR_TEXT_REPLACE,
                       .in = {.how = NO_ICONV, .raw = t->in.tail, .room = TAIL, .unit = 1},
                       .to = {.how = NO_ICONV, .out = t->to.small, .room = OUT_SMALL}};
    t->to.direct = is_utf8(encoding) && !t->replaces;
    if (!is_utf8(encoding)) {
        int rc = weir__on_worker_stack(open_iconv, &(struct opening){t, encoding});
        if (rc < 0) {
            text_release(t);
            return (weir_stream){handle_null(rc)};
        }
    }
    return weir__wrap(&ops, t, &t->wrap, s);
}
