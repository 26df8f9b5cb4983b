/* SPDX-License-Identifier: MIT */
/*
 * buffered.c - a stream that keeps what it has received and nobody has asked for yet.
 *
 * It is a derived stream like any, with one thing more: a receive that wants not just bytes but a
 * line, a frame, ... That is a receive too, with a claim on the direction, a wait, a deadline, a
 * cancellation and a close; so it goes by the stream's own receive call, whose places in memory are
 * a struct request and a mark that nobody else can name. A request is answered in itself, and the
 * call only told that it was (ANSWERED bytes): so an answer like WEIR_EMSGSIZE ends nothing, while
 * what the call would repeat for ever, the end and errors of a plain receive, stays the call's.
 *
 * Before a request goes to a stream, that has to be a buffered one: it is asked for its own handle,
 * which no wrapper above it has (is_buffered()). Handles name the same stream for ever.
 *
 * What is buffered are the bytes [start, start + size) of `data`; no byte, no memory.
 */
#define _GNU_SOURCE
#include <weir/buffered.h>

#include "handle.h"
#include "os.h"
#include "wait.h"
#include "wrap.h"

struct buffered {
    struct wrap wrap;
    weir_stream own;
    char *data;
    size_t start, size, room;
    size_t ahead;
    bool end_delimits;
    bool over; /* the end, or an error from below, has been received */
};

enum { AHEAD = 4096, ANSWERED = 1, ATTRIBUTE_OWN = 0xb0ff };

enum what { EXACTLY, UNTIL, LINE, FRAME, PEEK, FEED, TAKE };

struct request {
    enum what what;
    weir_frame_format format;
    void *to; /* FEED: where from */
    size_t max;
    const char *delimiter;
    size_t delimiter_size;
    size_t searched; /* so many bytes are known to begin no delimiter */
    size_t size;     /* the answer: how many bytes */
    bool waits;      /* PEEK: for all of them */
    int rc;          /* the answer */
};

static const char mark;

static struct iovec *as_places(struct iovec to[2], struct request *r)
{
    to[0] = (struct iovec){r, sizeof *r};
    to[1] = (struct iovec){(void *)(uintptr_t)&mark, 1};
    return to;
}

static bool is_request(const struct iovec *to, int n)
{
    return n == 2 && to[1].iov_base == &mark;
}

/* ---- the buffer ------------------------------------------------------------------------------ */

static char *first(const struct buffered *b)
{
    return b->data + b->start;
}

static void free_if_empty(struct buffered *b)
{
    if (b->size > 0 || !b->data)
        return;
    os_free(b->data, b->room);
    b->data = NULL;
    b->start = b->room = 0;
}

static void drop(struct buffered *b, size_t n)
{
    b->start += n;
    b->size -= n;
    free_if_empty(b);
}

static void take_out(struct buffered *b, void *to, size_t n)
{
    if (n > 0)
        memcpy(to, first(b), n);
    drop(b, n);
}

/* Let `more` bytes have room behind what is there, in `most` if these are enough; 0 or WEIR_ENOMEM.
 */
static int make_room(struct buffered *b, size_t more, size_t most)
{
    if (b->room - b->start - b->size >= more)
        return 0;
    if (b->size <= b->room / 2 && b->room - b->size >= more) {
        memmove(b->data, first(b), b->size);
        b->start = 0;
        return 0;
    }
    if (more > SIZE_MAX / 4 - b->size)
        return WEIR_ENOMEM;
    size_t room = b->size + (more > b->size ? more : b->size);
    if (room > most)
        room = b->size + more > most ? b->size + more : most;
    char *data = os_alloc(room);
    if (!data)
        return WEIR_ENOMEM;
    if (b->size > 0)
        memcpy(data, first(b), b->size);
    if (b->data)
        os_free(b->data, b->room);
    b->data = data;
    b->room = room;
    b->start = 0;
    return 0;
}

/* Receive from below, once: what it returned. With so many bytes any request is answered. */
static ssize_t fill(struct buffered *b, const struct request *r)
{
    size_t enough = r->delimiter_size + sizeof(uint64_t) + b->ahead;
    int rc = make_room(b, b->ahead, r->max < SIZE_MAX - enough ? r->max + enough : SIZE_MAX);
    if (rc < 0)
        return rc;
    size_t end = b->start + b->size;
    ssize_t n = weir_stream_try_recv(b->wrap.below, b->data + end, b->room - end);
    if (n > 0)
        b->size += (size_t)n;
    free_if_empty(b);
    return n;
}

/* ---- is it there? Each returns 1, WEIR_EMSGSIZE, or WEIR_EAGAIN: more bytes are to come ------ */

static int found(struct buffered *b, struct request *r, size_t size, size_t behind)
{
    if (size > r->max)
        return WEIR_EMSGSIZE;
    if (size > 0)
        memcpy(r->to, first(b), size);
    if (r->what == LINE)
        ((char *)r->to)[size] = 0;
    r->size = size;
    drop(b, size + behind);
    return 1;
}

static int try_exactly(struct buffered *b, const struct request *r)
{
    if (b->size < r->max)
        return WEIR_EAGAIN;
    take_out(b, r->to, r->max);
    return 1;
}

/* May a delimiter begin among the first bytes, up to `max`, and be complete with more to come? */
static bool may_begin(const struct buffered *b, const struct request *r)
{
    for (size_t at = r->searched; at < b->size && at <= r->max; at++)
        if (memcmp(first(b) + at, r->delimiter, b->size - at) == 0)
            return true;
    return b->size <= r->max;
}

static int try_until(struct buffered *b, struct request *r)
{
    /* One that begins beyond max is looked for in vain. */
    size_t range = r->delimiter_size + r->max;
    if (range < r->max || range > b->size)
        range = b->size;
    if (range >= r->searched + r->delimiter_size) {
        const char *at =
            memmem(first(b) + r->searched, range - r->searched, r->delimiter, r->delimiter_size);
        if (at)
            return found(b, r, (size_t)(at - first(b)), r->delimiter_size);
        r->searched = range - r->delimiter_size + 1;
    }
    return may_begin(b, r) ? WEIR_EAGAIN : WEIR_EMSGSIZE;
}

static int try_line(struct buffered *b, struct request *r)
{
    if (b->size == 0)
        return WEIR_EAGAIN;
    const char *line = first(b);
    const char *at = memchr(line + r->searched, '\n', b->size - r->searched);
    if (at) {
        size_t size = (size_t)(at - line);
        bool cr = size > 0 && at[-1] == '\r';
        return found(b, r, size - cr, 1u + cr);
    }
    r->searched = b->size;
    bool may_end = b->size <= r->max || (b->size == r->max + 1 && line[r->max] == '\r');
    return may_end ? WEIR_EAGAIN : WEIR_EMSGSIZE;
}

static unsigned prefix_size(weir_frame_format format)
{
    static const unsigned sizes[] = {0, 1, 2, 2, 4, 4, 8, 8};
    return (unsigned)format < sizeof sizes / sizeof *sizes ? sizes[format] : 0;
}

/* The place of byte i of a length, the lowest being byte 0. */
static unsigned place(weir_frame_format format, unsigned size, unsigned i)
{
    bool big =
        format == WEIR_FRAME_16_BIG || format == WEIR_FRAME_32_BIG || format == WEIR_FRAME_64_BIG;
    return big ? size - 1 - i : i;
}

static int try_frame(struct buffered *b, struct request *r)
{
    unsigned prefix = prefix_size(r->format);
    uint64_t length = 0;
    if (b->size < prefix)
        return WEIR_EAGAIN;
    for (unsigned i = 0; i < prefix; i++)
        length |= (uint64_t)(uint8_t)first(b)[place(r->format, prefix, i)] << 8 * i;
    r->size = length < SIZE_MAX ? (size_t)length : SIZE_MAX;
    if (length > r->max)
        return WEIR_EMSGSIZE;
    if (b->size - prefix < length)
        return WEIR_EAGAIN;
    b->start += prefix;
    b->size -= prefix;
    take_out(b, r->to, r->size);
    return 1;
}

static int try_peek(const struct buffered *b, struct request *r, bool all_there)
{
    size_t n = b->size < r->max ? b->size : r->max;
    if (n == 0 || (n < r->max && !all_there))
        return WEIR_EAGAIN;
    memcpy(r->to, first(b), n);
    r->size = n;
    return 1;
}

static int try_request(struct buffered *b, struct request *r)
{
    switch (r->what) {
    case EXACTLY:
        return try_exactly(b, r);
    case UNTIL:
        return try_until(b, r);
    case LINE:
        return try_line(b, r);
    case FRAME:
        return try_frame(b, r);
    default:
        return try_peek(b, r, false);
    }
}

/* ---- answering ------------------------------------------------------------------------------- */

/* It is not there, and below there is nothing more. */
static int at_end(struct buffered *b, struct request *r)
{
    if (b->size == 0) {
        b->over = true;
        return 0;
    }
    if (r->what == PEEK)
        return try_peek(b, r, true);
    if (b->end_delimits && (r->what == UNTIL || r->what == LINE))
        return found(b, r, b->size, 0);
    return WEIR_EINCOMPLETE;
}

static int feed(struct buffered *b, const struct request *r)
{
    if (b->over)
        return WEIR_EPIPE;
    int rc = make_room(b, r->max, SIZE_MAX);
    if (rc == 0 && r->max > 0) {
        memcpy(first(b) + b->size, r->to, r->max);
        b->size += r->max;
        b->wrap.hungry = false;
    }
    return rc;
}

static int take(struct buffered *b, struct request *r)
{
    r->size = b->size < r->max ? b->size : r->max;
    if (r->size > 0)
        take_out(b, r->to, r->size);
    return 0;
}

/* WEIR_EAGAIN: it is not answered yet. */
static int receive(struct buffered *b, struct request *r)
{
    int rc;
    while ((rc = try_request(b, r)) == WEIR_EAGAIN) {
        ssize_t n = fill(b, r);
        b->wrap.hungry = n == WEIR_EAGAIN;
        if (n == 0)
            return at_end(b, r);
        if (n == WEIR_EAGAIN && r->what == PEEK && !r->waits)
            return try_peek(b, r, true);
        if (n < 0) {
            b->over = b->over || stays(n);
            return (int)n;
        }
    }
    b->wrap.hungry = false;
    return rc;
}

static int answer(struct buffered *b, struct request *r)
{
    switch (r->what) {
    case FEED:
        return feed(b, r);
    case TAKE:
        return take(b, r);
    default:
        return receive(b, r);
    }
}

/* ---- the stream ------------------------------------------------------------------------------ */

static ssize_t take_into_places(struct buffered *b, const struct iovec *to, int n)
{
    size_t count = 0;
    for (int i = 0; i < n && b->size > 0; i++) {
        size_t part = to[i].iov_len < b->size ? to[i].iov_len : b->size;
        take_out(b, to[i].iov_base, part);
        count += part;
    }
    b->wrap.hungry = false;
    return (ssize_t)count;
}

static ssize_t buffered_try_recv(void *self, const struct iovec *to, int n)
{
    struct buffered *b = self;
    if (is_request(to, n)) {
        struct request *r = to[0].iov_base;
        r->rc = answer(b, r);
        return r->rc == WEIR_EAGAIN && r->waits ? WEIR_EAGAIN : ANSWERED;
    }
    if (b->size > 0)
        return take_into_places(b, to, n);
    ssize_t rc = weir_stream_try_recvv(b->wrap.below, to, n);
    b->wrap.hungry = rc == WEIR_EAGAIN;
    b->over = b->over || stays(rc);
    return rc;
}

static ssize_t buffered_try_send(void *self, const struct iovec *from, int n)
{
    struct buffered *b = self;
    return weir_stream_try_sendv(b->wrap.below, from, n);
}

static int buffered_try_flush(void *self)
{
    struct buffered *b = self;
    return weir_stream_try_flush(b->wrap.below);
}

static int buffered_arm_recv(void *self, weir_case *below)
{
    struct buffered *b = self;
    return wrap_arm_recv(&b->wrap, below);
}

static int buffered_arm_send(void *self, weir_case *below)
{
    struct buffered *b = self;
    return weir_stream_arm(b->wrap.below, true, below);
}

static void buffered_disarm(void *self, bool sends, int rc)
{
    struct buffered *b = self;
    weir_stream_disarm(b->wrap.below, sends, rc);
}

static int buffered_try_eof(void *self)
{
    struct buffered *b = self;
    return weir_stream_try_send_eof(b->wrap.below);
}

static void buffered_shut(void *self, bool abort)
{
    struct buffered *b = self;
    wrap_shut(&b->wrap, abort);
}

static void buffered_release(void *self)
{
    struct buffered *b = self;
    b->size = 0;
    free_if_empty(b);
    os_free(b, sizeof *b);
}

static int buffered_get(void *self, weir_attribute attribute, void *value, size_t size)
{
    const struct buffered *b = self;
    if (attribute != ATTRIBUTE_OWN || size != sizeof b->own)
        return WEIR_ENOENT;
    memcpy(value, &b->own, size);
    return 0;
}

static weir_stream buffered_below(void *self)
{
    const struct buffered *b = self;
    return b->wrap.below;
}

static const weir_stream_ops ops = {
    .try_recv = buffered_try_recv,
    .try_send = buffered_try_send,
    .try_flush = buffered_try_flush,
    .arm_recv = buffered_arm_recv,
    .arm_send = buffered_arm_send,
    .disarm = buffered_disarm,
    .try_eof = buffered_try_eof,
    .shut = buffered_shut,
    .release = buffered_release,
    .get = buffered_get,
    .below = buffered_below,
};

static weir_buffered refused(int rc)
{
    return (weir_buffered){.h = handle_null(rc)};
}

weir_buffered weir_buffer(weir_stream s, const weir_buffer_options *options)
{
    weir_buffer_options o = options ? *options : (weir_buffer_options){0};
    if (o.ahead > WEIR_BUFFER_AHEAD_MAX)
        return refused(WEIR_EINVAL);
    struct buffered *b = os_alloc(sizeof *b);
    if (!b)
        return refused(WEIR_ENOMEM);
    *b = (struct buffered){.ahead = o.ahead ? o.ahead : AHEAD, .end_delimits = o.end_delimits};
    weir_stream made = weir__wrap(&ops, b, &b->wrap, s);
    if (weir_check(made) == 0)
        b->own = made;
    return (weir_buffered){.stream = made};
}

/* ---- public calls ---------------------------------------------------------------------------- */

static int is_buffered(weir_buffered in)
{
    weir_stream own;
    int rc = weir_stream_get_item(in.stream, ATTRIBUTE_OWN, &own, sizeof own);
    if (rc == 0 && own.h != in.h)
        rc = WEIR_EBADF; /* a wrapper above one */
    return rc == WEIR_ENOENT ? WEIR_EBADF : rc;
}

/* deadline WEIR_TRY: do not wait. */
static int ask_by(weir_buffered in, struct request *r, weir_time deadline)
{
    struct iovec to[2];
    int rc = is_buffered(in);
    if (rc < 0)
        return rc;
    r->waits = deadline != WEIR_TRY;
    as_places(to, r);
    ssize_t n = r->waits ? weir_stream_recvv(in.stream, to, 2, deadline)
                         : weir_stream_try_recvv(in.stream, to, 2);
    return n == ANSWERED ? r->rc : (int)n;
}

/* The same for a thing of r->max bytes at most whose size goes to *size. */
static int ask_for(weir_buffered in, struct request *r, size_t *size, weir_time deadline)
{
    if (!size || (!r->to && r->max > 0))
        return WEIR_EINVAL;
    int rc = ask_by(in, r, deadline);
    if (rc > 0 || (rc == WEIR_EMSGSIZE && r->what == FRAME))
        *size = r->size;
    return rc;
}

static int exactly(weir_buffered in, void *to, size_t size, weir_time deadline)
{
    struct request r = {.what = EXACTLY, .to = to, .max = size};
    if (size == 0) {
        int rc = is_buffered(in);
        return rc < 0 ? rc : 1;
    }
    return to ? ask_by(in, &r, deadline) : WEIR_EINVAL;
}

static int until_delimiter(weir_buffered in, weir_until *u, weir_time deadline)
{
    struct request r = {.what = UNTIL,
                        .delimiter = u->delimiter,
                        .delimiter_size = u->delimiter_size,
                        .to = u->to,
                        .max = u->max};
    if (!u->delimiter || u->delimiter_size == 0 || u->delimiter_size > WEIR_DELIMITER_MAX)
        return WEIR_EINVAL;
    return ask_for(in, &r, &u->size, deadline);
}

static int line(weir_buffered in, weir_line *l, weir_time deadline)
{
    struct request r = {.what = LINE, .to = l->to, .max = l->room - 1};
    if (l->room == 0 || !l->to)
        return WEIR_EINVAL;
    return ask_for(in, &r, &l->size, deadline);
}

static int frame(weir_buffered in, weir_frame *f, weir_time deadline)
{
    struct request r = {.what = FRAME, .format = f->format, .to = f->to, .max = f->max};
    if (prefix_size(f->format) == 0)
        return WEIR_EINVAL;
    return ask_for(in, &r, &f->size, deadline);
}

static ssize_t peek(weir_buffered in, void *to, size_t size, weir_time deadline)
{
    struct request r = {.what = PEEK, .to = to, .max = size < SSIZE_MAX ? size : SSIZE_MAX};
    if (size == 0 || !to)
        return WEIR_EINVAL;
    int rc = ask_by(in, &r, deadline);
    return rc > 0 ? (ssize_t)r.size : rc;
}

int weir_recv_exactly_by(weir_buffered in, void *to, size_t size, weir_time deadline)
{
    return exactly(in, to, size, until(deadline));
}

int weir_try_recv_exactly(weir_buffered in, void *to, size_t size)
{
    return exactly(in, to, size, WEIR_TRY);
}

static int recv_until(weir_buffered in, weir_until u, size_t *size, weir_time deadline)
{
    int rc = size ? until_delimiter(in, &u, deadline) : WEIR_EINVAL;
    if (rc > 0)
        *size = u.size;
    return rc;
}

int weir_recv_until_by(weir_buffered in, const void *delimiter, size_t delimiter_size, void *to,
                       size_t max, size_t *size, weir_time deadline)
{
    return recv_until(in, (weir_until){delimiter, delimiter_size, to, max, 0}, size,
                      until(deadline));
}

int weir_try_recv_until(weir_buffered in, const void *delimiter, size_t delimiter_size, void *to,
                        size_t max, size_t *size)
{
    return recv_until(in, (weir_until){delimiter, delimiter_size, to, max, 0}, size, WEIR_TRY);
}

static int recv_line(weir_buffered in, weir_line l, size_t *size, weir_time deadline)
{
    int rc = size ? line(in, &l, deadline) : WEIR_EINVAL;
    if (rc > 0)
        *size = l.size;
    return rc;
}

int weir_recv_line_by(weir_buffered in, char *to, size_t room, size_t *size, weir_time deadline)
{
    return recv_line(in, (weir_line){to, room, 0}, size, until(deadline));
}

int weir_try_recv_line(weir_buffered in, char *to, size_t room, size_t *size)
{
    return recv_line(in, (weir_line){to, room, 0}, size, WEIR_TRY);
}

static int recv_frame(weir_buffered in, weir_frame f, size_t *size, weir_time deadline)
{
    int rc = size ? frame(in, &f, deadline) : WEIR_EINVAL;
    if (rc > 0 || rc == WEIR_EMSGSIZE)
        *size = f.size;
    return rc;
}

int weir_recv_frame_by(weir_buffered in, weir_frame_format format, void *to, size_t max,
                       size_t *size, weir_time deadline)
{
    return recv_frame(in, (weir_frame){format, to, max, 0}, size, until(deadline));
}

int weir_try_recv_frame(weir_buffered in, weir_frame_format format, void *to, size_t max,
                        size_t *size)
{
    return recv_frame(in, (weir_frame){format, to, max, 0}, size, WEIR_TRY);
}

int weir_send_frame_by(weir_stream s, weir_frame_format format, const void *from, size_t size,
                       weir_time deadline)
{
    unsigned char prefix[8];
    unsigned n = prefix_size(format);
    if (n == 0 || (!from && size > 0))
        return WEIR_EINVAL;
    if (n < sizeof size && size >> 8 * n != 0)
        return WEIR_EMSGSIZE;
    for (unsigned i = 0; i < n; i++)
        prefix[place(format, n, i)] = (unsigned char)(size >> 8 * i);
    struct iovec places[] = {{prefix, n}, {(void *)(uintptr_t)from, size}};
    return weir_stream_sendv(s, places, size > 0 ? 2 : 1, deadline, NULL);
}

ssize_t weir_peek_by(weir_buffered in, void *to, size_t size, weir_time deadline)
{
    return peek(in, to, size, until(deadline));
}

ssize_t weir_try_peek(weir_buffered in, void *to, size_t size)
{
    return peek(in, to, size, WEIR_TRY);
}

int weir_buffer_feed(weir_buffered in, const void *from, size_t size)
{
    struct request r = {.what = FEED, .to = (void *)(uintptr_t)from, .max = size, .rc = WEIR_EPIPE};
    if (!from && size > 0)
        return WEIR_EINVAL;
    int rc = ask_by(in, &r, WEIR_TRY);
    return rc == 0 ? r.rc : rc;
}

ssize_t weir_buffer_take_unread(weir_buffered in, void *to, size_t size)
{
    struct request r = {.what = TAKE, .to = to, .max = size < SSIZE_MAX ? size : SSIZE_MAX};
    if (!to || size == 0)
        return WEIR_EINVAL;
    int rc = ask_by(in, &r, WEIR_TRY);
    return rc == 0 ? (ssize_t)r.size : rc;
}

/* ---- select: the object of a source is the handle, its item says what ------------------------ */

_Static_assert(sizeof(void *) == sizeof(weir_handle), "a handle fits where a pointer does");

static weir_buffered of(void *object)
{
    return (weir_buffered){.h = (weir_handle)(uintptr_t)object};
}

static int arm(void *object, weir_case *below)
{
    return weir_stream_arm(of(object).stream, false, below);
}

static void disarm(void *object, int rc)
{
    weir_stream_disarm(of(object).stream, false, rc);
}

static int try_exact(void *object, void *item)
{
    const weir_bytes *to = item;
    return exactly(of(object), to->base, to->size, WEIR_TRY);
}

static int try_delimited(void *object, void *item)
{
    return until_delimiter(of(object), item, WEIR_TRY);
}

static int try_a_line(void *object, void *item)
{
    return line(of(object), item, WEIR_TRY);
}

static int try_a_frame(void *object, void *item)
{
    return frame(of(object), item, WEIR_TRY);
}

static weir_case on(weir_buffered in, const weir_source *source, const void *item)
{
    return weir_on_source(source, (void *)(uintptr_t)in.h, (void *)(uintptr_t)item);
}

weir_case weir_on_recv_exactly(weir_buffered in, const weir_bytes *to)
{
    static const weir_source source = {try_exact, arm, disarm};
    return on(in, &source, to);
}

weir_case weir_on_recv_until(weir_buffered in, weir_until *u)
{
    static const weir_source source = {try_delimited, arm, disarm};
    return on(in, &source, u);
}

weir_case weir_on_recv_line(weir_buffered in, weir_line *l)
{
    static const weir_source source = {try_a_line, arm, disarm};
    return on(in, &source, l);
}

weir_case weir_on_recv_frame(weir_buffered in, weir_frame *f)
{
    static const weir_source source = {try_a_frame, arm, disarm};
    return on(in, &source, f);
}
