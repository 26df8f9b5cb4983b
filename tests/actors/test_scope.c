/* SPDX-License-Identifier: MIT */
/* test_scope.c - cancel scopes: rows F012-F019, F021, F023. */
#include <string.h>

#include "flow_actors.h"
#include "one_worker.h"
#include "scope.h"

struct ends {
    weir_sender tx;
    weir_receiver rx;
};

static struct ends open_ends(size_t capacity)
{
    struct ends e;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof(int), capacity, NULL), 0);
    return e;
}

static void close_ends(struct ends e)
{
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_RC(weir_close(e.rx), 0);
}

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

/* ---- F012 every suspension point, again and again ------------------------------------------ */

static void every_wait_is_refused(struct ends e)
{
    int item = 1, items[2] = {1, 2};
    EXPECT_RC(weir_recv(e.rx, &item), WEIR_ECANCELED);
    EXPECT_RC(weir_recv_by(e.rx, &item, weir_after(WEIR_S)), WEIR_ECANCELED);
    EXPECT_RC(weir_recv_many(e.rx, items, 2), WEIR_ECANCELED);
    EXPECT_RC(weir_recv_many_by(e.rx, items, 2, WEIR_NEVER), WEIR_ECANCELED);
    EXPECT_RC(weir_send(e.tx, &item), WEIR_ECANCELED);
    EXPECT_RC(weir_send_by(e.tx, &item, weir_after(WEIR_S)), WEIR_ECANCELED);
    EXPECT_RC(weir_send_many(e.tx, items, 2), WEIR_ECANCELED);
    EXPECT_RC(weir_yield(), WEIR_ECANCELED);
}

static int level_triggered(void *unused)
{
    static const size_t capacities[] = {0, 4, 100, WEIR_UNBOUNDED};
    (void)unused;
    for (unsigned i = 0; i < 4; i++) {
        struct ends e = open_ends(capacities[i]);
        weir_group g = weir_group_begin();
        weir_task t;
        EXPECT_RC(weir_spawn(g, nothing, NULL, .task = &t), 0);
        weir_scope s = weir_scope_begin();
        EXPECT_RC(weir_scope_cancelled(s), 0);
        EXPECT_RC(weir_scope_cancel(s, "no more"), 0);
        EXPECT_RC(weir_scope_cancel(s, "second"), 0);
        EXPECT_RC(weir_scope_cancelled(s), 1);
        EXPECT(weir_cancelled());
        EXPECT_STR(weir_cancel_cause().reason, "no more");
        EXPECT_STR(weir_cancel_cause().by, "main");
        for (unsigned n = 0; n < 3; n++)
            every_wait_is_refused(e);
        EXPECT_RC(weir_task_wait(t), WEIR_ECANCELED);
        int value;
        EXPECT_RC(weir_child_start(g, nothing, &value, NULL), WEIR_ECANCELED);
        EXPECT_RC(weir_scope_end(s), 1);
        EXPECT(!weir_cancelled());
        EXPECT_RC(weir_yield(), 0);
        EXPECT_RC(weir_group_end(g), 0);
        close_ends(e);
    }
    return 0;
}

/* What never waits goes on working: clean-up uses it. */
static int try_is_not_cancelled(void *unused)
{
    (void)unused;
    struct ends e = open_ends(2);
    int item = 3;
    weir_scope s = weir_scope_begin();
    EXPECT_RC(weir_scope_cancel(s, NULL), 0);
    EXPECT_RC(weir_try_send(e.tx, &item), 0);
    EXPECT_RC(weir_try_recv(e.rx, &item), 1);
    EXPECT_RC(weir_try_recv(e.rx, &item), WEIR_EAGAIN);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, nothing, NULL), 0);
    EXPECT_RC(weir_group_end(g), WEIR_ECANCELED);
    struct ends more = open_ends(1);
    close_ends(more);
    close_ends(e);
    EXPECT_RC(weir_scope_end(s), 1);
    return 0;
}

/* ---- F013 parked ones ------------------------------------------------------------------------ */

struct parked {
    struct ends e;
    weir_scope scope;
    int kind, rc, ended;
};

enum { RECV, RECV_BY, RECV_MANY, SEND, SEND_BY, SEND_MANY, KINDS };

static int wait_in(struct parked *p)
{
    int items[2] = {8, 9};
    switch (p->kind) {
    case RECV:
        return weir_recv(p->e.rx, items);
    case RECV_BY:
        return weir_recv_by(p->e.rx, items, weir_after(3600 * WEIR_S));
    case RECV_MANY:
        return weir_recv_many(p->e.rx, items, 2);
    case SEND:
        return weir_send(p->e.tx, items);
    case SEND_BY:
        return weir_send_by(p->e.tx, items, weir_after(3600 * WEIR_S));
    default:
        return weir_send_many(p->e.tx, items, 2);
    }
}

static int parks(void *arg)
{
    struct parked *p = *(struct parked **)arg;
    p->scope = weir_scope_begin();
    p->rc = wait_in(p);
    p->ended = weir_scope_end(p->scope);
    return 0;
}

static weir_statistics look(struct ends e)
{
    weir_statistics s;
    EXPECT_RC(weir_channel_statistics(e.rx, &s), 0);
    return s;
}

static int parked_are_woken(void *unused)
{
    (void)unused;
    for (int kind = 0; kind < KINDS; kind++) {
        struct parked p = {.e = open_ends(0), .kind = kind}, *at = &p;
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, parks, &at), 0);
        while (look(p.e).waiting_receivers + look(p.e).waiting_senders == 0)
            EXPECT_RC(weir_yield(), 0);
        EXPECT_RC(weir_scope_cancel(p.scope, NULL), 0);
        EXPECT_EQ(look(p.e).waiting_receivers + look(p.e).waiting_senders, 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(p.rc, WEIR_ECANCELED);
        EXPECT_RC(p.ended, 1);
        EXPECT_RC(weir_scope_cancel(p.scope, NULL), WEIR_ECLOSED);
        close_ends(p.e);
    }
    return 0;
}

/* Completed, and cancelled before it runs again: the result is kept. */
static int results_are_kept(void *unused)
{
    int item = 5;
    (void)unused;
    struct parked p = {.e = open_ends(0), .kind = RECV}, *at = &p;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, parks, &at), 0);
    while (look(p.e).waiting_receivers == 0)
        weir_yield();
    EXPECT_RC(weir_try_send(p.e.tx, &item), 0);
    EXPECT_RC(weir_scope_cancel(p.scope, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(p.rc, 1);
    EXPECT_RC(p.ended, 0); /* nobody noticed */
    close_ends(p.e);
    return 0;
}

/* ---- F014 who catches ---------------------------------------------------------------------- */

static int outer_catches(void *unused)
{
    (void)unused;
    weir_scope outer = weir_scope_begin(), inner = weir_scope_begin();
    EXPECT_RC(weir_scope_cancel(outer, NULL), 0);
    EXPECT_RC(weir_scope_cancel(inner, NULL), 0);
    EXPECT_RC(weir_yield(), WEIR_ECANCELED);
    EXPECT_RC(weir_scope_end(inner), 0); /* it passes on */
    EXPECT(weir_cancelled());
    EXPECT_RC(weir_scope_end(outer), 1);
    EXPECT(!weir_cancelled());
    inner = weir_scope_begin();
    EXPECT_RC(weir_scope_cancel(inner, NULL), 0);
    EXPECT_RC(weir_scope_end(inner), 0); /* unnoticed */
    return 0;
}

/* ---- F015, F016 shields -------------------------------------------------------------------- */

static int shields(void *unused)
{
    int item = 4;
    (void)unused;
    struct ends e = open_ends(1);
    weir_scope outer = weir_scope_begin();
    EXPECT_RC(weir_scope_cancel(outer, "stop"), 0);
    EXPECT_RC(weir_send(e.tx, &item), WEIR_ECANCELED);
    weir_scope clean = weir_move_on_after(3600 * WEIR_S);
    EXPECT_RC(weir_scope_shield(clean, true), 0);
    EXPECT(!weir_cancelled());
    EXPECT_STR(weir_cancel_cause().reason, "");
    EXPECT(weir_effective_deadline() < WEIR_NEVER);
    EXPECT(weir_effective_deadline() > weir_now());
    EXPECT_RC(weir_send(e.tx, &item), 0);
    weir_group g = weir_group_begin(); /* within the shield: not cancelled */
    EXPECT_RC(weir_spawn(g, nothing, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_scope_shield(clean, false), 0);
    EXPECT_RC(weir_recv(e.rx, &item), WEIR_ECANCELED);
    EXPECT_EQ(weir_effective_deadline(), INT64_MIN);
    EXPECT_RC(weir_scope_shield(clean, true), 0);
    EXPECT_RC(weir_scope_cancel(clean, NULL), 0); /* its own still works */
    EXPECT_RC(weir_recv(e.rx, &item), WEIR_ECANCELED);
    EXPECT_RC(weir_scope_end(clean), 0);
    EXPECT_RC(weir_scope_end(outer), 1);
    EXPECT_RC(weir_recv(e.rx, &item), 1);
    close_ends(e);
    return 0;
}

/* ---- F017, F018, F019 deadlines ------------------------------------------------------------ */

static int move_on(void *unused)
{
    int item;
    (void)unused;
    struct ends e = open_ends(0);
    for (int i = 0; i < 3; i++) {
        weir_time d = i == 0 ? 0 : i == 1 ? -5 * WEIR_S : WEIR_MS;
        weir_scope s = weir_move_on_after(d);
        EXPECT_RC(weir_recv(e.rx, &item), WEIR_ECANCELED);
        EXPECT(weir_cancel_cause().deadline);
        EXPECT_STR(weir_cancel_cause().by, "");
        EXPECT_RC(weir_scope_end(s), 1);
    }
    weir_scope s = weir_move_on_after(WEIR_NEVER);
    EXPECT_EQ(weir_effective_deadline(), WEIR_NEVER);
    EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_scope_end(s), 0);
    close_ends(e);
    return 0;
}

static int fail_after(void *unused)
{
    int item;
    (void)unused;
    struct ends e = open_ends(0);
    weir_scope s = weir_fail_after(WEIR_MS);
    EXPECT_RC(weir_recv(e.rx, &item), WEIR_ECANCELED);
    EXPECT_RC(weir_scope_end(s), WEIR_ETIMEDOUT);
    s = weir_fail_after(3600 * WEIR_S);
    EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_scope_end(s), 0);
    s = weir_fail_at(0); /* fired, but everything went well */
    EXPECT_RC(weir_scope_end(s), 0);
    weir_scope outer = weir_scope_begin();
    s = weir_fail_at(0);
    EXPECT_RC(weir_scope_cancel(outer, NULL), 0);
    EXPECT_RC(weir_yield(), WEIR_ECANCELED);
    EXPECT_RC(weir_scope_end(s), 0); /* the outer one passes on */
    EXPECT_RC(weir_scope_end(outer), 1);
    close_ends(e);
    return 0;
}

/* AnyIO says time-out here: an explicit cancel, and a slow exit past the deadline. */
static int cancel_is_no_timeout(void *unused)
{
    (void)unused;
    weir_scope s = weir_fail_after(WEIR_MS);
    EXPECT_RC(weir_scope_cancel(s, "enough"), 0);
    EXPECT_RC(weir_yield(), WEIR_ECANCELED);
    EXPECT_RC(weir_scope_deadline(s, weir_now() - 1), 0);
    EXPECT_STR(weir_cancel_cause().reason, "enough");
    EXPECT_RC(weir_scope_end(s), 1);
    return 0;
}

static int child_deadline(void *arg)
{
    EXPECT_EQ(weir_effective_deadline(), *(weir_time *)arg);
    weir_scope s = weir_move_on_at(*(weir_time *)arg + 1);
    EXPECT_EQ(weir_effective_deadline(), *(weir_time *)arg);
    EXPECT_RC(weir_scope_shield(s, true), 0);
    EXPECT_EQ(weir_effective_deadline(), *(weir_time *)arg + 1);
    return weir_scope_end(s);
}

static int mutable_deadline(void *unused)
{
    weir_time at = weir_after(3600 * WEIR_S), read = 0;
    int item;
    (void)unused;
    EXPECT_EQ(weir_effective_deadline(), WEIR_NEVER);
    weir_scope s = weir_move_on_at(at), inner = weir_move_on_at(at + 7);
    EXPECT_RC(weir_scope_until(s, &read), 0);
    EXPECT_EQ(read, at);
    EXPECT_EQ(weir_effective_deadline(), at);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, child_deadline, &at), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_scope_end(inner), 0);
    EXPECT_RC(weir_scope_deadline(s, WEIR_NEVER), 0);
    EXPECT_EQ(weir_effective_deadline(), WEIR_NEVER);
    EXPECT_RC(weir_scope_deadline(s, weir_after(WEIR_MS)), 0);
    struct ends e = open_ends(0);
    EXPECT_RC(weir_recv(e.rx, &item), WEIR_ECANCELED);
    EXPECT_RC(weir_scope_end(s), 1);
    close_ends(e);
    return 0;
}

enum { DEADLINES = 500 };

/* Many timers in one heap, ended in an order that is none. */
static int many_deadlines(void *unused)
{
    weir_scope s[DEADLINES];
    (void)unused;
    for (unsigned i = 0; i < DEADLINES; i++)
        s[i] = weir_move_on_after((1 + i * 7919 % DEADLINES) * 3600 * WEIR_S);
    for (unsigned i = 0; i < DEADLINES; i += 3)
        EXPECT_RC(weir_scope_deadline(s[i], weir_after((1 + i * 31 % DEADLINES) * 60 * WEIR_S)), 0);
    EXPECT_RC(weir_yield(), 0);
    for (unsigned i = DEADLINES; i-- > 0;)
        EXPECT_RC(weir_scope_end(s[i]), 0);
    return 0;
}

/* ---- misuse -------------------------------------------------------------------------------- */

static int another(void *arg)
{
    weir_scope s = *(weir_scope *)arg;
    EXPECT_RC(weir_scope_end(s), WEIR_EBUSY);
    EXPECT_RC(weir_scope_deadline(s, 0), WEIR_EBUSY);
    return 0;
}

static int wrong_order(void *unused)
{
    (void)unused;
    weir_scope a = weir_scope_begin(), b = weir_scope_begin(), none = {0};
    EXPECT_RC(weir_scope_end(a), WEIR_EPERM);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_scope_end(b), WEIR_EPERM);
    weir_scope c = weir_scope_begin();
    EXPECT_RC(weir_group_end(g), WEIR_EPERM);
    EXPECT_RC(weir_scope_end(c), 0);
    EXPECT_RC(weir_spawn(g, another, &a), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_scope_end(b), 0);
    EXPECT_RC(weir_scope_end(b), WEIR_ECLOSED);
    EXPECT_RC(weir_scope_cancel(none, NULL), WEIR_EBADF);
    EXPECT_RC(weir_scope_cancel((weir_scope){g.h}, NULL), WEIR_ECLOSED);
    EXPECT_RC(weir_group_end((weir_group){a.h}), WEIR_EBADF);
    EXPECT_RC(weir_close(a), WEIR_EBADF);
    EXPECT_RC(weir_scope_end(a), 0);
    return 0;
}

static void not_by_threads(void)
{
    EXPECT_RC(weir_scope_end(weir_scope_begin()), WEIR_EPERM);
    EXPECT_RC(weir_scope_cancel(weir_scope_begin(), NULL), WEIR_EPERM);
    EXPECT_EQ(weir_effective_deadline(), WEIR_NEVER);
    EXPECT(!weir_cancelled());
    EXPECT_STR(weir_cancel_cause().reason, "");
}

static struct {
    int line[4];
    unsigned n;
} reported;

static void note_misuse(const weir_log_record *r, void *context)
{
    (void)context;
    if (r->kind == WEIR_LOG_GUARD) /* an old kernel, or an emulator */
        return;
    EXPECT_EQ(r->kind, WEIR_LOG_MISUSE);
    EXPECT_STR(r->actor, "main");
    EXPECT(strstr(r->file, "test_scope.c") != NULL);
    EXPECT(strstr(r->text, reported.n == 1 ? "group" : "scope") != NULL);
    if (reported.n < 4)
        reported.line[reported.n++] = (int)r->line;
}

static int first_line;

static int leaves_open(void *unused)
{
    (void)unused;
    first_line = __LINE__ + 1;
    weir_scope a = weir_scope_begin();
    weir_group g = weir_group_begin();
    weir_scope b = weir_scope_begin();
    EXPECT_RC(weir_scope_cancel(b, NULL), 0);
    EXPECT_RC(weir_scope_deadline(a, weir_after(WEIR_S)), 0);
    return weir_spawn(g, nothing, NULL);
}

static void left_open(void)
{
    reported.n = 0;
    weir_set_log(note_misuse, NULL);
    EXPECT_RC(weir_run(leaves_open, NULL, &one_worker), 0);
    weir_set_log(NULL, NULL);
    EXPECT_EQ(reported.n, 3);
    for (unsigned i = 0; i < 3; i++)
        EXPECT_EQ(reported.line[i], first_line + 2 - (int)i);
}

static int returns_early(bool early)
{
    weir_auto(weir_scope) s = weir_move_on_after(3600 * WEIR_S);
    weir_auto(weir_group) g = weir_group_begin();
    struct ends e = open_ends(0);
    weir_auto(weir_sender) tx = e.tx;
    weir_auto(weir_receiver) rx = e.rx;
    struct parked p = {.e = e, .kind = RECV}, *at = &p;
    EXPECT_RC(weir_spawn(g, parks, &at), 0);
    EXPECT_RC(weir_yield(), 0);
    if (early)
        return 1; /* the group is cancelled, or this would wait for ever */
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    return weir_group_end(g);
}

static int automatic(void *unused)
{
    (void)unused;
    EXPECT_RC(returns_early(true), 1);
    EXPECT_RC(returns_early(false), 0);
    EXPECT_EQ(weir_effective_deadline(), WEIR_NEVER);
    return 0;
}

static void automatic_is_no_misuse(void)
{
    reported.n = 0;
    weir_set_log(note_misuse, NULL);
    EXPECT_RC(weir_run(automatic, NULL, &one_worker), 0);
    weir_set_log(NULL, NULL);
    EXPECT_EQ(reported.n, 0);
}

#define IN_RUN(body)                                                                               \
    static void run_##body(void)                                                                   \
    {                                                                                              \
        EXPECT_RC(weir_run(body, NULL, &one_worker), 0);                                           \
    }
IN_RUN(level_triggered)
IN_RUN(try_is_not_cancelled)
IN_RUN(parked_are_woken)
IN_RUN(results_are_kept)
IN_RUN(outer_catches)
IN_RUN(shields)
IN_RUN(move_on)
IN_RUN(fail_after)
IN_RUN(cancel_is_no_timeout)
IN_RUN(mutable_deadline)
IN_RUN(many_deadlines)
IN_RUN(wrong_order)

TEST_SUITE(scope, "actors: scopes",
           {"F012, F023 scope: every wait is refused, again and again", run_level_triggered},
           {"F021, F022 scope: what never waits is not cancelled", run_try_is_not_cancelled},
           {"F013 scope: parked ones are woken", run_parked_are_woken},
           {"F013 scope: results are kept", run_results_are_kept},
           {"F014 scope: the outermost that is cancelled catches", run_outer_catches},
           {"F015, F016 scope: shields", run_shields},
           {"F017 scope: move on after, at", run_move_on},
           {"F018 scope: fail after, at", run_fail_after},
           {"F018 scope: an explicit cancel is no time-out", run_cancel_is_no_timeout},
           {"F019 scope: the deadline can be moved and read", run_mutable_deadline},
           {"F017 scope: hundreds of deadlines", run_many_deadlines},
           {"F012 scope: wrong order, wrong actor, wrong handle", run_wrong_order},
           {"F012 scope: not by threads", not_by_threads},
           {"F012 scope: left open, it is reported with its place", left_open},
           {"F012 scope: ends by itself on early return", automatic_is_no_misuse});
