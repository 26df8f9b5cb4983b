/* SPDX-License-Identifier: MIT */
/*
 * stream.c - streams: who is inside when one is closed, pokes that are not lost, and two who share
 * what is below. docs/protocol.md, "Streams".
 */
#include <errno.h>

#include "model.h"

#define STREAM_MODEL(ident, text, ...)                                                             \
    EXPLORE_MODEL(ident, text, .max_steps = 60000, .thread_exit = weir__thread_detach, __VA_ARGS__)

static weir_stream s[2];

/* ---- two streams in memory ------------------------------------------------------------------- */

enum { BYTES = 3 };

static unsigned received;

static void open_pair(void)
{
    received = 0;
    EXPLORE_EQ(weir_stream_pair(&s[0], &s[1], 1), 0);
}

static void sends(void *unused)
{
    (void)unused;
    size_t sent;
    EXPLORE_EQ(weir_stream_send(s[0], "abc", BYTES, &sent), 0);
    EXPLORE_EQ(sent, BYTES);
    EXPLORE_EQ(weir_stream_send_eof(s[0]), 0);
}

static void receives(void *unused)
{
    char got[2];
    ssize_t n;
    (void)unused;
    while ((n = weir_stream_recv(s[1], got, sizeof got)) > 0)
        for (ssize_t i = 0; i < n; i++)
            EXPLORE_EQ(got[i], "abc"[received++]);
    EXPLORE_EQ(n, 0);
}

static void all_there(void)
{
    EXPLORE_EQ(received, BYTES);
    EXPLORE_EQ(weir_close(s[0]), 0);
    EXPLORE_EQ(weir_close(s[1]), 0);
}

#define PAIR                                                                                       \
    .setup = open_pair, .check = all_there,                                                        \
    .threads = {                                                                                   \
        {"sender", sends, NULL},                                                                   \
        {"receiver", receives, NULL},                                                              \
    }

/* The peer's closing, or its own, ends each wait; a text that was cut off has no end. */
static void sends_or_not(void *unused)
{
    (void)unused;
    size_t sent;
    int rc = weir_stream_send(s[0], "abc", BYTES, &sent);
    EXPLORE_ASSERT(rc == 0 ? sent == BYTES : rc == WEIR_ECLOSED && sent < BYTES);
}

static void receives_some(void *unused)
{
    char got[2];
    ssize_t n;
    (void)unused;
    while ((n = weir_stream_recv(s[1], got, sizeof got)) > 0)
        received += (unsigned)n;
    EXPLORE_ASSERT(n == 0 ? received == 0 || received == BYTES : n == WEIR_ECONNRESET);
}

static void closes(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_close(s[0]), 0);
}

static void close_other(void)
{
    EXPLORE_EQ(weir_close(s[1]), 0);
}

#define PAIR_CLOSED                                                                                \
    .setup = open_pair, .check = close_other,                                                      \
    .threads = {                                                                                   \
        {"sender", sends_or_not, NULL},                                                            \
        {"receiver", receives_some, NULL},                                                         \
        {"closer", closes, NULL},                                                                  \
    }

static void what_has_come(void)
{
    receives_some(NULL);
    close_other();
}

#define CUT                                                                                        \
    .setup = open_pair, .check = what_has_come,                                                    \
    .threads = {                                                                                   \
        {"sender", sends_or_not, NULL},                                                            \
        {"closer", closes, NULL},                                                                  \
    }

/* ---- who is inside --------------------------------------------------------------------------- */

static weir_sender tx;
static weir_receiver rx;
static char token;
static a32 inside, released, disarms, arms;

static int try_nothing(void)
{
    a32_add(&inside, 1);
    explore_yield();
    EXPLORE_EQ(a32_load(&released), 0);
    a32_add(&inside, (uint32_t)-1);
    return WEIR_EAGAIN;
}

static ssize_t user_recv(void *self, const struct iovec *to, int n)
{
    (void)self, (void)to, (void)n;
    return try_nothing();
}

static ssize_t user_send(void *self, const struct iovec *from, int n)
{
    (void)self, (void)from, (void)n;
    return try_nothing();
}

static int user_arm(void *self, weir_case *below)
{
    (void)self;
    a32_add(&arms, 1);
    *below = weir_on_recv(rx, &token);
    return 0;
}

static void user_disarm(void *self, bool sending, int rc)
{
    (void)self, (void)sending, (void)rc;
    a32_add(&disarms, 1);
    EXPLORE_EQ(a32_load(&released), 0);
}

static void user_shut(void *self, bool abort)
{
    (void)self, (void)abort;
    EXPLORE_EQ(a32_load(&released), 0);
    EXPLORE_EQ(weir_close(rx), 0);
}

static void user_release(void *self)
{
    (void)self;
    EXPLORE_EQ(a32_load(&inside), 0);
    EXPLORE_EQ(a32_add(&released, 1), 0);
}

static void open_user(void)
{
    static const weir_stream_ops ops = {.try_recv = user_recv,
                                        .try_send = user_send,
                                        .arm_recv = user_arm,
                                        .arm_send = user_arm,
                                        .disarm = user_disarm,
                                        .shut = user_shut,
                                        .release = user_release};
    EXPLORE_EQ(weir_channel_open(&tx, &rx, 1, 1, NULL), 0);
    s[0] = weir_stream_make(&ops, NULL);
    EXPLORE_EQ(weir_check(s[0]), 0);
}

static void waits_to_receive(void *unused)
{
    char c;
    (void)unused;
    EXPLORE_EQ(weir_stream_recv(s[0], &c, 1), WEIR_ECLOSED);
}

static void selects_to_send(void *unused)
{
    char c = 0;
    weir_bytes b = {&c, 1};
    (void)unused;
    weir_case sending = weir_on_stream_send(s[0], &b);
    EXPLORE_EQ(weir_select(&sending, 1, WEIR_ORDERED), 0);
    EXPLORE_EQ(sending.rc, WEIR_ECLOSED);
}

static void takes(void *unused)
{
    (void)unused;
    weir_stream taken = weir_stream_take(s[0]);
    int rc = weir_check(taken);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EBUSY || rc == WEIR_ECLOSED);
    if (rc == 0)
        EXPLORE_EQ(weir_close(taken), 0);
    EXPLORE_EQ(weir_close(s[0]), 0);
}

static void released_once(void)
{
    EXPLORE_EQ(a32_load(&released), 1);
    EXPLORE_EQ(a32_load(&arms), a32_load(&disarms));
    EXPLORE_EQ(weir_close(tx), 0);
}

#define INSIDE(closer)                                                                             \
    .setup = open_user, .check = released_once,                                                    \
    .threads = {                                                                                   \
        {"receiver", waits_to_receive, NULL},                                                      \
        {"selects", selects_to_send, NULL},                                                        \
        {"closer", closer, NULL},                                                                  \
    }

/* ---- two who share what is below ------------------------------------------------------------- */

/*
 * As a session does: whoever comes first receives the one byte that both need, and the other one
 * waits for him. The lock is for one step; who waits for the other one has left a mark.
 */
enum { HELD = 1, MARKS = 2 }; /* MARKS << side */

static struct {
    weir_stream below;
    a32 word;
    bool ready;
    bool waits_below[2];
    weir_sender tx[2];
    weir_receiver rx[2];
    char token[2];
} shared;

static uint32_t set(uint32_t bits)
{
    uint32_t v = a32_load(&shared.word);
    while (!a32_cas(&shared.word, &v, v | bits))
        ;
    return v;
}

static void tell(int me, uint32_t also)
{
    uint32_t v = a32_load(&shared.word), mark = (uint32_t)MARKS << !me;
    while (!a32_cas(&shared.word, &v, v & ~(mark | also)))
        ;
    if (v & mark && !MUTATE("session: who goes does not tell"))
        (void)weir_try_send(shared.tx[!me], &(char){0});
}

static int step(int me)
{
    char c;
    if (set(HELD) & HELD)
        return WEIR_EAGAIN;
    if (!shared.ready)
        shared.ready = weir_stream_try_recv(shared.below, &c, 1) == 1;
    int rc = shared.ready ? 1 : WEIR_EAGAIN;
    tell(me, HELD);
    return rc;
}

static int wait_for_other(int me, weir_case *below)
{
    shared.waits_below[me] = false;
    *below = weir_on_recv(shared.rx[me], &shared.token[me]);
    return 0;
}

static int arm(int me, weir_case *below)
{
    uint32_t mark = (uint32_t)MARKS << me;
    if (set(HELD) & HELD)
        return set(mark) & HELD ? wait_for_other(me, below) : WEIR_EAGAIN;
    int rc = WEIR_EAGAIN;
    shared.waits_below[me] = true;
    if (!shared.ready || MUTATE("session: does not look before it waits"))
        rc = weir_stream_arm(shared.below, false, below);
    if (rc == WEIR_EBUSY) {
        set(mark);
        if (!MUTATE("session: marks, and does not ask again"))
            rc = weir_stream_arm(shared.below, false, below);
    }
    tell(me, HELD);
    return rc == WEIR_EBUSY ? wait_for_other(me, below) : rc;
}

static void disarm(int me, int rc)
{
    if (!shared.waits_below[me])
        return;
    weir_stream_disarm(shared.below, false, rc);
    tell(me, 0);
}

static ssize_t shared_recv(void *self, const struct iovec *to, int n)
{
    (void)self, (void)to, (void)n;
    return step(0);
}

static ssize_t shared_send(void *self, const struct iovec *from, int n)
{
    (void)self, (void)from, (void)n;
    return step(1);
}

static int shared_arm_recv(void *self, weir_case *below)
{
    (void)self;
    return arm(0, below);
}

static int shared_arm_send(void *self, weir_case *below)
{
    (void)self;
    return arm(1, below);
}

static void shared_disarm(void *self, bool sending, int rc)
{
    (void)self;
    disarm(sending, rc);
}

static void shared_shut(void *self, bool abort)
{
    (void)self, (void)abort;
    EXPLORE_EQ(weir_close(shared.below), 0);
    for (int i = 0; i < 2; i++) {
        EXPLORE_EQ(weir_close(shared.rx[i]), 0);
        EXPLORE_EQ(weir_close(shared.tx[i]), 0);
    }
}

static void open_shared(void)
{
    static const weir_stream_ops ops = {.try_recv = shared_recv,
                                        .try_send = shared_send,
                                        .arm_recv = shared_arm_recv,
                                        .arm_send = shared_arm_send,
                                        .disarm = shared_disarm,
                                        .shut = shared_shut};
    weir_stream below;
    EXPLORE_EQ(weir_stream_pair(&below, &s[1], 1), 0);
    shared.below = weir_stream_take(below);
    for (int i = 0; i < 2; i++)
        EXPLORE_EQ(weir_channel_open(&shared.tx[i], &shared.rx[i], 1, 1, NULL), 0);
    s[0] = weir_stream_make(&ops, NULL);
}

static void session_receives(void *unused)
{
    char c;
    (void)unused;
    EXPLORE_EQ(weir_stream_recv(s[0], &c, 1), 1);
}

static void session_sends(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_stream_send(s[0], "x", 1, NULL), 0);
}

static void session_gives_up(void *unused)
{
    (void)unused;
    int rc = weir_stream_send_by(s[0], "x", 1, weir_after(WEIR_MS), NULL);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ETIMEDOUT);
}

static void peer_sends(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_stream_send(s[1], "y", 1, NULL), 0);
}

#define SHARED(second)                                                                             \
    .setup = open_shared, .check = all_closed,                                                     \
    .threads = {                                                                                   \
        {"receiver", session_receives, NULL},                                                      \
        {"sender", second, NULL},                                                                  \
        {"peer", peer_sends, NULL},                                                                \
    }

static void all_closed(void)
{
    EXPLORE_EQ(weir_close(s[0]), 0);
    EXPLORE_EQ(weir_close(s[1]), 0);
}

/* ---- models ---------------------------------------------------------------------------------- */

STREAM_MODEL(stream_pair, "F058 two streams in memory: all bytes, and the end", PAIR);
STREAM_MODEL(stream_pair_closed, "F089 a stream is closed while it is sent to, and received from",
             PAIR_CLOSED);
STREAM_MODEL(stream_cut, "F089 a stream is closed while the first bytes go", CUT);
STREAM_MODEL(stream_inside, "F089 a stream is closed while a call and a select are inside",
             INSIDE(closes));
STREAM_MODEL(stream_taken, "F056 a stream is taken or in use", INSIDE(takes));
STREAM_MODEL(stream_shared, "F112 two of one session need the same from below",
             SHARED(session_sends));
STREAM_MODEL(stream_shared_gone, "F112 who waits below goes, the other one takes his place",
             SHARED(session_gives_up));

STREAM_MODEL(stream_not_told, "who waits for bytes is not told of them",
             .mutation = "pair: nobody is told", .expect = "deadlock", PAIR);
STREAM_MODEL(stream_waits_for_some, "who waits does not look at what is there",
             .mutation = "pair: waits for what is there", .expect = "deadlock", PAIR);
STREAM_MODEL(stream_lost, "who has armed does not find what was closed meanwhile",
             .mutation = "stream: not found when closed", INSIDE(closes));
STREAM_MODEL(stream_released_early, "released while another one is inside",
             .mutation = "stream: released under others", INSIDE(closes));
STREAM_MODEL(stream_session_silent, "who waits below goes and does not tell",
             .mutation = "session: who goes does not tell", .expect = "deadlock",
             SHARED(session_gives_up));
STREAM_MODEL(stream_session_blind, "who waits below has what it needs",
             .mutation = "session: does not look before it waits", .expect = "deadlock",
             SHARED(session_sends));
STREAM_MODEL(stream_session_late, "a mark that nobody sees any more",
             .mutation = "session: marks, and does not ask again", .expect = "deadlock",
             SHARED(session_gives_up));
STREAM_MODEL(stream_cut_late, "the first bytes go when it is known already that none have",
             .mutation = "stream: looks before it says so", CUT);
