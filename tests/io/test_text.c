/* SPDX-License-Identifier: MIT */
/* test_text.c - a character is a character, however its bytes came or were sent. */
#include "pipe_test.h"

#include <iconv.h>
#include <stdint.h>
#include <stdio.h>

enum { ROOM = 512 };

struct text {
    char bytes[ROOM];
    size_t n;
};

static struct text bytes_of(const char *bytes, size_t n)
{
    struct text t = {.n = n};
    memcpy(t.bytes, bytes, n);
    return t;
}

#define TEXT(literal) bytes_of((literal), sizeof(literal) - 1)

static bool same(struct text a, struct text b)
{
    return a.n == b.n && memcmp(a.bytes, b.bytes, a.n) == 0;
}

static void expect_same(struct text actual, struct text expected)
{
    EXPECT(same(actual, expected));
    if (same(actual, expected))
        return;
    for (size_t i = 0; i < actual.n; i++)
        fprintf(stderr, "%02x ", (uint8_t)actual.bytes[i]);
    fprintf(stderr, "instead of ");
    for (size_t i = 0; i < expected.n; i++)
        fprintf(stderr, "%02x ", (uint8_t)expected.bytes[i]);
    fprintf(stderr, "\n");
}

static weir_stream open_text(weir_stream *peer, const struct pipe_options *pipe,
                             const char *encoding, weir_text_mode mode)
{
    weir_stream s;
    pipe_open(peer, &s, pipe);
    weir_stream t = weir_text(s, encoding, mode);
    REQUIRE_RC(weir_check(t), 0);
    EXPECT_RC(weir_check(s), WEIR_ECLOSED);
    return t;
}

/* Characters are whole, if `room` is enough for one. */
static void expect_whole(const char *text, ssize_t n, size_t room)
{
    if (room < 4 || n <= 0)
        return;
    EXPECT(((uint8_t)text[0] & 0xc0) != 0x80);
    for (ssize_t i = n - 1, k = 1; i >= 0; i--, k++) {
        uint8_t c = (uint8_t)text[i];
        if ((c & 0xc0) == 0x80)
            continue;
        EXPECT_EQ(k, c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4);
        return;
    }
}

/* All that is there, in portions of `room`; how it ended: 0, WEIR_EAGAIN or an error. */
static int receive_all(weir_stream s, size_t room, struct text *out)
{
    ssize_t n;
    out->n = 0;
    while ((n = weir_stream_try_recv(s, out->bytes + out->n,
                                     room < ROOM - out->n ? room : ROOM - out->n)) > 0) {
        expect_whole(out->bytes + out->n, n, room);
        out->n += (size_t)n;
    }
    EXPECT_EQ(weir_stream_try_recv(s, out->bytes, 1), n); /* it stays */
    return (int)n;
}

/* These bytes below, cut at `cut`, received in portions of `room`, are `expected`, then `end`. */
static void decodes_cut(const char *encoding, weir_text_mode mode, struct text below,
                        struct text expected, int end, size_t cut, size_t room)
{
    weir_stream peer, s = open_text(&peer, NULL, encoding, mode);
    struct text first = {.n = 0}, rest = {.n = 0};
    put(peer, below.bytes, cut);
    if (receive_all(s, room, &first) == WEIR_EAGAIN) {
        put(peer, below.bytes + cut, below.n - cut);
        weir_close(peer);
        EXPECT_RC(receive_all(s, room, &rest), end);
    } else {
        EXPECT(end < 0);
    }
    memcpy(first.bytes + first.n, rest.bytes, rest.n);
    first.n += rest.n;
    expect_same(first, expected);
    weir_close(s);
    weir_close(peer);
}

static void decodes(const char *encoding, weir_text_mode mode, struct text below,
                    struct text expected, int end)
{
    for (size_t cut = 0; cut <= below.n; cut++) {
        decodes_cut(encoding, mode, below, expected, end, cut, 1);
        decodes_cut(encoding, mode, below, expected, end, cut, 4);
        decodes_cut(encoding, mode, below, expected, end, cut, ROOM);
    }
    weir_stream peer;
    for (size_t most = 1; most <= 3; most++) {
        struct pipe_options pipe = {.recv_most = most};
        weir_stream s = open_text(&peer, &pipe, encoding, mode);
        struct text all;
        put(peer, below.bytes, below.n);
        weir_close(peer);
        EXPECT_RC(receive_all(s, 7, &all), end);
        expect_same(all, expected);
        weir_close(s);
    }
}

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

static const char some[] = "na\xc3\xafve \xe2\x82\xac and \xf0\x9f\x98\x80, \xed\x9f\xbf"
                           "\xee\x80\x80\xf4\x8f\xbf\xbf\xc2\x80\xdf\xbf\xe0\xa0\x80"
                           "\xf0\x90\x80\x80 plain text of some length";

#define FFFD "\xef\xbf\xbd"

static void utf8_comes_as_it_is(void)
{
    decodes(NULL, WEIR_TEXT_STRICT, TEXT(some), TEXT(some), 0);
    decodes("utf-8", WEIR_TEXT_REPLACE, TEXT(some), TEXT(some), 0);
    decodes("UTF8", WEIR_TEXT_STRICT, TEXT(""), TEXT(""), 0);
    decodes(NULL, WEIR_TEXT_STRICT, TEXT("\xef\xbb\xbf\0"), TEXT("\xef\xbb\xbf\0"), 0);
}

/* Table 3-8 to 3-11 of the Unicode Standard, and more. */
static void utf8_that_is_none(void)
{
    static const struct {
        const char *bytes, *replaced;
    } wrong[] = {
        {"ab\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41",
         "ab" FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
        {"ab\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41",
         "ab" FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
        {"ab\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "ab" FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B"},
        {"ab\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "ab" FFFD FFFD FFFD FFFD "A"},
        {"ab\xc1\x80", "ab" FFFD FFFD},
        {"ab\xf5\x80", "ab" FFFD FFFD},
        {"ab\xe0\x9f\x80", "ab" FFFD FFFD FFFD},
        {"ab\xf0\x8f\x80\x80", "ab" FFFD FFFD FFFD FFFD},
        {"ab\xc3(", "ab" FFFD "("},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct text below = bytes_of(wrong[i].bytes, strlen(wrong[i].bytes));
        decodes(NULL, WEIR_TEXT_STRICT, below, TEXT("ab"), WEIR_EILSEQ);
        decodes(NULL, WEIR_TEXT_REPLACE, below,
                bytes_of(wrong[i].replaced, strlen(wrong[i].replaced)), 0);
    }
}

static void a_character_is_cut_by_the_end(void)
{
    static const char *const cut[] = {"\xc3", "\xe2", "\xe2\x82", "\xf0\x9f", "\xf0\x9f\x98"};
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        struct text below = TEXT("ab");
        strcpy(below.bytes + 2, cut[i]);
        below.n += strlen(cut[i]);
        decodes(NULL, WEIR_TEXT_STRICT, below, TEXT("ab"), WEIR_EINCOMPLETE);
        decodes(NULL, WEIR_TEXT_REPLACE, below, TEXT("ab" FFFD), 0);
    }
}

/* ---- by iconv -------------------------------------------------------------------------------- */

/* Characters that the encoding has, as UTF-8. */
static const struct {
    const char *name, *text;
} encodings[] = {
    {"ISO-8859-1", "na\xc3\xafve \xc3\xbf"},
    {"WINDOWS-1252", "5 \xe2\x82\xac \xe2\x80\x9cquoted\xe2\x80\x9d"},
    {"KOI8-R", "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"},
    {"UTF-16LE", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"},
    {"UTF-16BE", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"},
    {"UTF-16", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"},
    {"UTF-32BE", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"},
    {"UTF-7", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 z"},
    {"SHIFT_JIS", "a\xe6\x97\xa5\xe6\x9c\xac\xef\xbd\xb1z"},
    {"EUC-JP", "a\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9ez"},
    {"ISO-2022-JP", "a\xe6\x97\xa5\xe6\x9c\xac z \xe8\xaa\x9e"},
    {"GB18030", "\xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x98\x80 \xc3\xa9"},
    {"BIG5-HKSCS", "\xe4\xb8\xad\xc3\x8a\xcc\x84 \xc3\x8a"},
    {"TCVN5712-1", "Vi\xe1\xbb\x87t A"}, /* these look whether an accent follows */
    {"CP1258", "Vi\xe1\xbb\x87t A"},
    {"EUC-KR", "\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4 x"},
};
enum { ENCODINGS = sizeof encodings / sizeof *encodings };

static struct text encoded(const char *encoding, const char *text, size_t n)
{
    struct text t = {.n = 0};
    char *from = (char *)(uintptr_t)text, *to = t.bytes;
    size_t room = ROOM;
    iconv_t how = iconv_open(encoding, "UTF-8");
    REQUIRE(how != (iconv_t)-1);
    EXPECT(iconv(how, &from, &n, &to, &room) == 0);
    EXPECT(iconv(how, NULL, NULL, &to, &room) == 0);
    iconv_close(how);
    t.n = ROOM - room;
    return t;
}

static void encodings_come_as_utf8(void)
{
    for (size_t i = 0; i < ENCODINGS; i++) {
        const char *text = encodings[i].text;
        struct text utf8 = bytes_of(text, strlen(text));
        decodes(encodings[i].name, WEIR_TEXT_STRICT, encoded(encodings[i].name, text, utf8.n), utf8,
                0);
        test_goes_on();
    }
}

static void wrong_bytes_of_encodings(void)
{
    decodes("ASCII", WEIR_TEXT_STRICT, TEXT("ab\x80z"), TEXT("ab"), WEIR_EILSEQ);
    decodes("ASCII", WEIR_TEXT_REPLACE, TEXT("ab\x80z\xff"), TEXT("ab" FFFD "z" FFFD), 0);
    decodes("UTF-16LE", WEIR_TEXT_STRICT, TEXT("a\0\0\xdcz\0"), TEXT("a"), WEIR_EILSEQ);
    decodes("UTF-16LE", WEIR_TEXT_REPLACE, TEXT("a\0\0\xdcz\0"), TEXT("a" FFFD "z"), 0);
    decodes("UTF-16BE", WEIR_TEXT_STRICT, TEXT("\0a\xd8\x3d"), TEXT("a"), WEIR_EINCOMPLETE);
    decodes("UTF-16BE", WEIR_TEXT_REPLACE, TEXT("\0a\xd8\x3d"), TEXT("a" FFFD), 0);
    decodes("UTF-32LE", WEIR_TEXT_REPLACE, TEXT("\0\0\x11\0z\0\0\0"), TEXT(FFFD "z"), 0);
    decodes("SHIFT_JIS", WEIR_TEXT_STRICT, TEXT("a\x93"), TEXT("a"), WEIR_EINCOMPLETE);
    decodes("SHIFT_JIS", WEIR_TEXT_REPLACE, TEXT("a\x93"), TEXT("a" FFFD), 0);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* All that the peer gets; the stream is given the end. */
static struct text peer_gets(weir_stream s, weir_stream peer, int eof)
{
    struct text t;
    int rc = weir_stream_send_eof(s);
    EXPECT_RC(rc, eof);
    EXPECT_RC(receive_all(peer, 3, &t), rc < 0 ? WEIR_EAGAIN : 0);
    weir_close(s);
    weir_close(peer);
    return t;
}

/* This text, cut at each byte, is `expected` below. */
static void encodes(const char *encoding, weir_text_mode mode, struct text text,
                    struct text expected, int eof)
{
    struct pipe_options pipes[] = {{0}, {.send_most = 1}, {.send_most = 3}, {.keeps = true}};
    for (size_t i = 0; i < 4; i++) {
        for (size_t cut = 0; cut <= text.n; cut++) {
            weir_stream peer, s = open_text(&peer, &pipes[i], encoding, mode);
            struct iovec rest[] = {{NULL, 0}, {text.bytes + cut, text.n - cut}};
            put(s, text.bytes, cut);
            EXPECT_RC(weir_stream_sendv(s, rest, 2, WEIR_NEVER, NULL), 0);
            expect_same(peer_gets(s, peer, eof), expected);
        }
        weir_stream peer, s = open_text(&peer, &pipes[i], encoding, mode);
        for (size_t k = 0; k < text.n; k++)
            EXPECT_EQ(weir_stream_try_send(s, text.bytes + k, 1), 1);
        expect_same(peer_gets(s, peer, eof), expected);
    }
}

static void utf8_goes_as_it_is(void)
{
    encodes(NULL, WEIR_TEXT_STRICT, TEXT(some), TEXT(some), 0);
    encodes(NULL, WEIR_TEXT_REPLACE, TEXT(some), TEXT(some), 0);
}

static void utf8_goes_to_encodings(void)
{
    for (size_t i = 0; i < ENCODINGS; i++) {
        const char *text = encodings[i].text;
        struct text utf8 = bytes_of(text, strlen(text));
        struct text expected = encoded(encodings[i].name, text, utf8.n);
        encodes(encodings[i].name, WEIR_TEXT_STRICT, utf8, expected, 0);
        encodes(encodings[i].name, WEIR_TEXT_REPLACE, utf8, expected, 0);
        test_goes_on();
    }
}

/* Strict: `good` goes, then an error that stays; else `replaced`. */
static void is_wrong(const char *encoding, const char *text, const char *good, const char *replaced)
{
    size_t n = strlen(text);
    for (size_t cut = 0; cut <= n; cut++) {
        weir_stream peer, s = open_text(&peer, NULL, encoding, WEIR_TEXT_STRICT);
        struct text there;
        size_t sent = 99;
        int rc = cut > 0 ? weir_stream_send(s, text, cut, NULL) : 0;
        if (rc == 0)
            rc = weir_stream_send(s, text + cut, n - cut, &sent);
        EXPECT_RC(rc, WEIR_EILSEQ);
        EXPECT_RC(weir_stream_send(s, "x", 1, NULL), WEIR_EILSEQ);
        EXPECT_RC(receive_all(peer, 3, &there), WEIR_EAGAIN);
        EXPECT(there.n >= strlen(good)); /* and what was cut, perhaps, if it goes as it is */
        EXPECT(memcmp(there.bytes, good, strlen(good)) == 0);
        weir_close(s);
        weir_close(peer);
    }
    encodes(encoding, WEIR_TEXT_REPLACE, bytes_of(text, n), bytes_of(replaced, strlen(replaced)),
            0);
}

static void what_cannot_be_sent(void)
{
    is_wrong(NULL, "ab\xff z", "ab", "ab" FFFD " z");
    is_wrong(NULL, "ab\xe2\x82z", "ab", "ab" FFFD "z");
    is_wrong(NULL, "ab\xed\xa0\x80z", "ab", "ab" FFFD FFFD FFFD "z");
    is_wrong("ISO-8859-1", "ab\xe2\x82\xac z", "ab", "ab? z");
    is_wrong("ISO-8859-1", "ab\xff z", "ab", "ab? z");
    is_wrong("ISO-8859-1", "\xf0\x9f\x98\x80z", "", "?z");
    is_wrong("ISO-8859-1", "ab\xf0\x9f\xc3\xa9", "ab", "ab?\xe9");
    is_wrong("GB18030", "a\xff", "a", "a\x84\x31\xa4\x37");
}

static void eof_within_a_character(void)
{
    encodes(NULL, WEIR_TEXT_STRICT, TEXT("ab\xe2\x82"), TEXT("ab\xe2\x82"), WEIR_EINCOMPLETE);
    encodes(NULL, WEIR_TEXT_REPLACE, TEXT("ab\xe2\x82"), TEXT("ab" FFFD), 0);
    encodes("ISO-8859-1", WEIR_TEXT_STRICT, TEXT("ab\xc3"), TEXT("ab"), WEIR_EINCOMPLETE);
    encodes("ISO-8859-1", WEIR_TEXT_REPLACE, TEXT("ab\xc3"), TEXT("ab?"), 0);
}

/* A close that waits brings the encoder back to where it began. */
static void a_close_says_good_bye(void)
{
    weir_stream peer, s = open_text(&peer, NULL, "ISO-2022-JP", WEIR_TEXT_STRICT);
    put_string(s, "\xe6\x97\xa5");
    EXPECT_RC(weir_stream_send_eof(peer), 0);
    EXPECT_RC(weir_stream_close(s, WEIR_NEVER), 0);
    get_string(peer, "\x1b$BF|\x1b(B");
    get_end(peer);
    weir_close(peer);
}

/* Much more than fits in one piece, to a peer that is slow. */
static int receive_much(void *arg)
{
    weir_stream peer = *(weir_stream *)arg;
    char bytes[100];
    size_t all = 0;
    ssize_t n;
    while ((n = weir_stream_recv(peer, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++, all++)
            EXPECT_EQ(bytes[i], all % 2 ? 0 : 'a' + (int)(all / 2 % 26));
    EXPECT_EQ(all, 40000);
    return (int)n;
}

static void much_to_a_slow_peer(void)
{
    static char much[20000];
    struct pipe_options slow = {.pieces = 2};
    weir_stream peer, s = open_text(&peer, &slow, "UTF-16LE", WEIR_TEXT_STRICT);
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (char)('a' + i % 26);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, receive_much, &peer), 0);
    put(s, much, sizeof much);
    EXPECT_RC(weir_stream_send_eof(s), 0);
    EXPECT_RC(weir_group_end(g), 0);
    weir_close(s);
    weir_close(peer);
}

/* A send that is cut off says what went, and a character is not cut by it. */
static void a_send_is_cut_off(void)
{
    struct pipe_options full = {.pieces = 1, .send_most = 3};
    weir_stream peer, s = open_text(&peer, &full, "UTF-16LE", WEIR_TEXT_STRICT);
    size_t sent = 99;
    EXPECT_RC(weir_stream_send_by(s, "a", 1, weir_now(), &sent), 0);
    EXPECT_RC(weir_stream_send_by(s, "bcd", 3, weir_now(), &sent), WEIR_ETIMEDOUT);
    get(peer, "a\0", 2);
    struct text t;
    EXPECT_EQ(sent, 3); /* it was taken, and is kept */
    EXPECT_RC(weir_stream_try_flush(s), WEIR_EAGAIN);
    EXPECT_RC(receive_all(peer, 3, &t), WEIR_EAGAIN);
    EXPECT_RC(weir_stream_try_flush(s), 0);
    expect_same(t, TEXT("b\0c"));
    get(peer, "\0d\0", 3);
    weir_close(s);
    weir_close(peer);
}

/* Who closes cuts the stream off if what is kept cannot go: nobody takes a part for the whole. */
static void a_close_while_something_is_kept(void)
{
    for (int room = 0; room < 2; room++) {
        struct pipe_options full = {.pieces = 1, .send_most = 3};
        weir_stream peer, s = open_text(&peer, &full, "UTF-16LE", WEIR_TEXT_STRICT);
        EXPECT_EQ(weir_stream_try_send(s, "ab", 2), 2);
        if (room)
            get(peer, "a\0b", 3);
        int before = pipe_aborts();
        weir_close(s);
        EXPECT_EQ(pipe_aborts() - before, !room);
        if (room)
            get(peer, "\0", 1);
        weir_close(peer);
    }
}

static int send_ab(void *arg)
{
    EXPECT_RC(weir_stream_send(*(weir_stream *)arg, "ab", 2, NULL), WEIR_ECLOSED);
    return 0;
}

/* The same while the sender waits for the rest of it to go. */
static void a_close_while_one_flushes(void)
{
    struct pipe_options full = {.pieces = 1, .send_most = 3};
    weir_stream peer, s = open_text(&peer, &full, "UTF-16LE", WEIR_TEXT_STRICT);
    int before = pipe_aborts();
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, send_ab, &s), 0);
    EXPECT_RC(weir_settle(), 0);
    EXPECT_RC((int)weir_stream_try_send(s, "c", 1), WEIR_EBUSY);
    weir_close(s);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(pipe_aborts() - before, 1);
    weir_close(peer);
}

/* ---- opening, waiting ------------------------------------------------------------------------ */

static void opens(void)
{
    weir_stream peer, s;
    pipe_open(&peer, &s, NULL);
    EXPECT_RC(weir_check(weir_text(s, "no such encoding", WEIR_TEXT_STRICT)), WEIR_ENOENT);
    EXPECT_RC(weir_check(weir_text(s, NULL, (weir_text_mode)2)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_text((weir_stream){0}, "ASCII", WEIR_TEXT_STRICT)), WEIR_EBADF);
    EXPECT_RC(weir_check(s), 0);
    weir_stream t = weir_text(s, "ASCII", WEIR_TEXT_STRICT);
    EXPECT_RC(weir_check(t), 0);
    EXPECT_RC(weir_check(s), WEIR_ECLOSED);
    put_string(t, "x");
    get_string(peer, "x");
    weir_close(t);
    get_end(peer);
    weir_close(peer);
}

static void opens_by_both(void)
{
    by_actor_and_thread(opens);
}

static void lines_of_text(void)
{
    weir_stream peer, s = open_text(&peer, NULL, "UTF-16LE", WEIR_TEXT_STRICT);
    weir_buffered in = weir_buffer(s, NULL);
    char line[16];
    size_t n;
    put(peer, "o\0n\0e\0\n\0\xac\x20\r\0\n\0t", 15);
    EXPECT_EQ(weir_recv_line(in, line, sizeof line, &n), 1);
    EXPECT_STR(line, "one");
    EXPECT_EQ(weir_recv_line(in, line, sizeof line, &n), 1);
    EXPECT_STR(line, "\xe2\x82\xac");
    weir_close(peer);
    EXPECT_RC(weir_recv_line(in, line, sizeof line, &n), WEIR_EINCOMPLETE);
    weir_close(in);
}

static void attributes_go_through(void)
{
    weir_stream peer, s = open_text(&peer, NULL, "ASCII", WEIR_TEXT_STRICT);
    char c;
    put_string(peer, "x");
    get_string(s, "x");
    pipe_fail(s, -104);
    EXPECT_RC((int)weir_stream_recv(s, &c, 1), -104);
    weir_close(s);
    weir_close(peer);
}

struct waiting {
    weir_stream s;
    int *rc;
};

static int wait_for_text(void *arg)
{
    struct waiting *w = arg;
    char text[8];
    *w->rc = (int)weir_stream_recv(w->s, text, sizeof text);
    return 0;
}

/* One waits with a part of a character there; 0: he is cancelled, 1: it is closed, 2: the rest
 * comes. */
static void while_one_waits(void)
{
    for (int what = 0; what < 3; what++) {
        static const int expected[] = {WEIR_ECANCELED, WEIR_ECLOSED, 4};
        weir_stream peer, s = open_text(&peer, NULL, NULL, WEIR_TEXT_STRICT);
        int rc = 99;
        struct waiting w = {s, &rc};
        weir_group g = weir_group_begin();
        put_string(peer, "\xf0\x9f");
        EXPECT_RC(weir_spawn(g, wait_for_text, &w), 0);
        EXPECT_RC(weir_settle(), 0);
        EXPECT_RC((int)weir_stream_try_recv(s, &(char){0}, 1), WEIR_EBUSY);
        if (what == 0)
            weir_group_cancel(g, "enough");
        else if (what == 1)
            weir_close(s);
        else
            put_string(peer, "\x98\x80");
        (void)weir_group_end(g);
        EXPECT_RC(rc, expected[what]);
        if (what == 0) {
            put_string(peer, "\x98\x80");
            get_string(s, "\xf0\x9f\x98\x80");
        }
        weir_close(s);
        weir_close(peer);
    }
}

static void while_one_waits_by_actor(void)
{
    in_actor(while_one_waits);
}

static void a_close_while_one_flushes_by_actor(void)
{
    in_actor(a_close_while_one_flushes);
}

static void much_by_actor(void)
{
    in_actor(much_to_a_slow_peer);
}

/* ---- random ---------------------------------------------------------------------------------- */

static uint64_t seed;

static size_t below(size_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((seed >> 33) % n);
}

/* Bytes that are often, but not always, the next of a character. */
static struct text random_bytes(void)
{
    static const char likely[] = "aab\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\xa0\x80\xbf";
    struct text t = {.n = below(80)};
    for (size_t i = 0, k = 0; i < t.n; i++) {
        k = below(5) ? k + 1 : below(sizeof likely - 1);
        t.bytes[i] = below(12) ? likely[k % (sizeof likely - 1)] : (char)below(256);
    }
    return t;
}

/* However it is cut it is the same, and what was replaced is right. */
static void random_portions(void)
{
    static const char *const names[] = {NULL, "UTF-16LE", "SHIFT_JIS", "GB18030", "ISO-2022-JP"};
    for (uint64_t which = 0; which < 1500; which++) {
        seed = which * 2654435761u + 1;
        struct text bytes = random_bytes(), whole = {.n = 0}, parts = {.n = 0}, again = {.n = 0};
        const char *name = names[below(5)];
        weir_text_mode mode = below(2) ? WEIR_TEXT_REPLACE : WEIR_TEXT_STRICT;
        struct pipe_options cut = {.recv_most = 1 + below(9)};
        weir_stream peer, s = open_text(&peer, NULL, name, mode);
        put(peer, bytes.bytes, bytes.n);
        weir_close(peer);
        int rc = receive_all(s, ROOM, &whole);
        EXPECT(rc == 0 ||
               (mode == WEIR_TEXT_STRICT && (rc == WEIR_EILSEQ || rc == WEIR_EINCOMPLETE)));
        weir_close(s);
        s = open_text(&peer, &cut, name, mode);
        put(peer, bytes.bytes, bytes.n);
        weir_close(peer);
        EXPECT_RC(receive_all(s, 1 + below(9), &parts), rc);
        expect_same(parts, whole);
        weir_close(s);
        s = open_text(&peer, &cut, NULL, WEIR_TEXT_STRICT);
        put(peer, whole.bytes, whole.n);
        weir_close(peer);
        EXPECT_RC(receive_all(s, ROOM, &again), 0); /* what came out is UTF-8 */
        weir_close(s);
        if (!same(parts, whole) || !same(again, whole))
            fprintf(stderr, "seed %llu\n", (unsigned long long)which);
    }
}

static void nothing_leaks(void)
{
    EXPECT_EQ(pipe_alive(), 0);
}

TEST_SUITE(text, "text streams", {"F079 text: opens", opens_by_both},
           {"B5 F079 text: UTF-8, cut anywhere", utf8_comes_as_it_is},
           {"B5 F079 text: what is not UTF-8", utf8_that_is_none},
           {"B5 F079 text: a character cut by the end", a_character_is_cut_by_the_end},
           {"B5 F079 text: other encodings, cut anywhere", encodings_come_as_utf8},
           {"B5 F079 text: wrong bytes of other encodings", wrong_bytes_of_encodings},
           {"F079 text: UTF-8 is sent as it is", utf8_goes_as_it_is},
           {"F079 text: sent in other encodings", utf8_goes_to_encodings},
           {"F079 text: what cannot be sent", what_cannot_be_sent},
           {"F079 text: the end within a character", eof_within_a_character},
           {"F079 text: a close that waits", a_close_says_good_bye},
           {"F079 text: much to a slow peer", much_by_actor},
           {"F079 text: a send that is cut off", a_send_is_cut_off},
           {"F079 text: closed while something is kept", a_close_while_something_is_kept},
           {"F079 text: closed while one flushes", a_close_while_one_flushes_by_actor},
           {"F079 text: lines of text", lines_of_text},
           {"F079 text: attributes and errors go through", attributes_go_through},
           {"F079 text: cancelled, closed, or more comes", while_one_waits_by_actor},
           {"F079 text: random bytes in random portions", random_portions},
           {"F068 text streams that were closed are gone", nothing_leaks});
