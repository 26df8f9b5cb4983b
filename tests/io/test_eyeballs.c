/* SPDX-License-Identifier: MIT */
/*
 * F082, F083: which address is tried when, by scripts of look-ups and attempts in virtual time; and
 * that of what succeeded all but the result is closed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "eyeballs.h"
#include "harness.h"
#include <weir/weir.h>

enum { V6, V4, HANGS = -1 };
enum { SEEDS = 12 };

struct looked_up {
    int ms; /* or HANGS */
    int rc; /* an error; 0: these */
    const char *addresses[5];
};

struct tried {
    const char *host;
    int ms; /* or HANGS; others that are not in the list fail at once with -ECONNREFUSED */
    int rc; /* an error; 0: it succeeds */
    bool deaf;
};

struct script {
    struct looked_up look_up[2];
    struct tried attempts[6];
    int many; /* instead: so many addresses of each family, at once */
};

/* What has happened in a race. */
struct log {
    const struct script *script;
    weir_time begin;
    atomic_int opened, closed, wrong;
    atomic_bool open[256];
    char starts[1024];
    bool quiet; /* no starts: attempts run at the same time */
};

static void note(struct log *log, const weir_address *to)
{
    char host[WEIR_ADDRESS_TEXT];
    size_t n = strlen(log->starts);
    snprintf(log->starts + n, sizeof log->starts - n, "%s%s@%d", n ? " " : "",
             weir_address_host(to, host, sizeof host), (int)((weir_now() - log->begin) / WEIR_MS));
}

static int wait(int ms)
{
    return ms == HANGS ? weir_sleep(WEIR_NEVER) : ms > 0 ? weir_sleep(ms * WEIR_MS) : 0;
}

static int answer_many(int family, weir_address *out, size_t n, int many)
{
    for (size_t i = 0; i < n && i < (size_t)many; i++) {
        EXPECT_RC(weir_address_parse(&out[i], family == AF_INET ? "10.0.0.0" : "2001:db8::", 1), 0);
        out[i].name[3] = (uint8_t)(i / 2); /* each twice */
    }
    return many;
}

static int looks_up(int family, weir_address *out, size_t n, void *context)
{
    const struct script *s = ((struct log *)context)->script;
    const struct looked_up *l = &s->look_up[family == AF_INET6 ? V6 : V4];
    int rc = wait(l->ms), count = 0;
    if (rc < 0 || l->rc < 0)
        return rc < 0 ? rc : l->rc;
    if (s->many)
        return answer_many(family, out, n, s->many);
    for (; l->addresses[count]; count++)
        EXPECT_RC(weir_address_parse(&out[count], l->addresses[count], 80), 0);
    return count;
}

static int open_one(struct log *log)
{
    int fd = atomic_fetch_add(&log->opened, 1);
    atomic_store(&log->open[fd % 256], true);
    return fd;
}

static void close_one(int fd, void *context)
{
    struct log *log = context;
    atomic_fetch_add(&log->closed, 1);
    if (!atomic_exchange(&log->open[fd % 256], false))
        atomic_fetch_add(&log->wrong, 1);
}

static const struct tried *find(const struct script *s, const weir_address *to)
{
    char host[WEIR_ADDRESS_TEXT];
    static const struct tried refused = {.rc = -ECONNREFUSED};
    weir_address_host(to, host, sizeof host);
    for (int i = 0; i < 6 && s->attempts[i].host; i++)
        if (strcmp(s->attempts[i].host, host) == 0)
            return &s->attempts[i];
    return &refused;
}

static int tries(const weir_address *to, void *context)
{
    struct log *log = context;
    const struct tried *t = find(log->script, to);
    if (!log->script->many && !log->quiet)
        note(log, to);
    weir_auto(weir_scope) s = weir_scope_begin();
    if (t->deaf)
        weir_scope_shield(s, true);
    int rc = wait(t->ms);
    if (rc < 0)
        return rc;
    return t->rc < 0 ? t->rc : open_one(log);
}

static const struct eyeballs_ops ops = {looks_up, tries, close_one};

/* ---- one race in virtual time ---------------------------------------------------------------- */

struct race {
    const struct script *script;
    struct eyeballs e;
    struct log log;
    int deadline_ms; /* 0: none */
    int rc, ms;      /* what it returned, and when */
};

static struct race now;

static void runs(void)
{
    memset(&now.log, 0, sizeof now.log);
    now.log.script = now.script;
    now.log.begin = weir_now();
    now.e.ops = &ops;
    now.e.context = &now.log;
    now.e.deadline = now.deadline_ms ? weir_after(now.deadline_ms * WEIR_MS) : 0;
    now.rc = weir__eyeballs(&now.e);
    now.ms = (int)((weir_now() - now.log.begin) / WEIR_MS);
}

/* All that succeeded has been closed, but the result. */
static void nothing_leaks(void)
{
    EXPECT_EQ(atomic_load(&now.log.wrong), 0);
    EXPECT_EQ(atomic_load(&now.log.opened) - atomic_load(&now.log.closed), now.rc >= 0);
    if (now.rc >= 0)
        EXPECT(atomic_load(&now.log.open[now.rc % 256]));
}

static int first_actor(void *unused)
{
    (void)unused;
    runs();
    return 0;
}

static void simulate(weir_body body, uint64_t seed)
{
    EXPECT_RC(weir_run(body, NULL, &(weir_options){.simulate = true, .seed = seed}), 0);
    nothing_leaks();
}

/* The same by each seed: who is tried when, and when it is over. `to` NULL: an error. */
static void race(const struct script *s, const char *starts, int ms, int rc, const char *to)
{
    now.script = s;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        char host[WEIR_ADDRESS_TEXT];
        simulate(first_actor, seed);
        EXPECT_STR(now.log.starts, starts);
        EXPECT_EQ(now.ms, ms);
        if (!to) {
            EXPECT_RC(now.rc, rc);
            EXPECT_EQ(now.e.to.family, 0);
            continue;
        }
        EXPECT(now.rc >= 0);
        EXPECT_STR(weir_address_host(&now.e.to, host, sizeof host), to);
    }
}

static void begin(void)
{
    memset(&now, 0, sizeof now);
}

/* ---- who is tried when ----------------------------------------------------------------------- */

static void v6_first(void)
{
    begin();
    race(&(struct script){.look_up = {{0, 0, {"::1"}}, {0, 0, {"10.0.0.1"}}},
                          .attempts = {{"::1", 10, 0, false}}},
         "::1@0", 10, 0, "::1");
    EXPECT_EQ(now.e.tried, 1);
    EXPECT_EQ(now.e.failed, 0);
    EXPECT_EQ(now.e.to.port, 80);
}

static void first_hangs(void)
{
    begin();
    race(&(struct script){.look_up = {{0, 0, {"::1"}}, {0, 0, {"10.0.0.1"}}},
                          .attempts = {{"::1", HANGS, 0, false}, {"10.0.0.1", 10, 0, false}}},
         "::1@0 10.0.0.1@250", 260, 0, "10.0.0.1");
    EXPECT_EQ(now.e.failed, 0); /* it was cancelled */
}

static void families_take_turns(void)
{
    begin();
    race(&(struct script){.look_up = {{0, 0, {"::1", "::2", "::3"}},
                                      {0, 0, {"10.0.0.1", "10.0.0.2"}}},
                          .attempts = {{"::1", HANGS, 0, false},
                                       {"10.0.0.1", HANGS, 0, false},
                                       {"::2", HANGS, 0, false},
                                       {"10.0.0.2", HANGS, 0, false},
                                       {"::3", 1, 0, false}}},
         "::1@0 10.0.0.1@250 ::2@500 10.0.0.2@750 ::3@1000", 1001, 0, "::3");
}

static void next_at_once(void)
{
    begin();
    now.deadline_ms = 2000;
    race(&(struct script){.look_up = {{0, 0, {"::1", "::2"}}, {0, 0, {"10.0.0.1"}}},
                          .attempts = {{"::1", 5, -ECONNREFUSED, false},
                                       {"10.0.0.1", 300, -ECONNRESET, false},
                                       {"::2", HANGS, 0, false}}},
         "::1@0 10.0.0.1@5 ::2@255", 2000, WEIR_ETIMEDOUT, NULL);
}

static void other_delays(void)
{
    const struct script s = {.look_up = {{70, 0, {"::1"}}, {0, 0, {"10.0.0.1", "10.0.0.2"}}},
                             .attempts = {{"10.0.0.1", HANGS, 0, false},
                                          {"::1", HANGS, 0, false},
                                          {"10.0.0.2", 1, 0, false}}};
    begin();
    now.e.attempt_delay = 100 * WEIR_MS;
    now.e.resolution_delay = 10 * WEIR_MS;
    race(&s, "10.0.0.1@10 ::1@110 10.0.0.2@210", 211, 0, "10.0.0.2");
    now.e.attempt_delay = WEIR_NEVER;
    now.deadline_ms = 500;
    race(&s, "10.0.0.1@10", 500, WEIR_ETIMEDOUT, NULL);
    now.e.resolution_delay = WEIR_NEVER;
    race(&s, "::1@70", 500, WEIR_ETIMEDOUT, NULL);
}

/* ---- look-ups that arrive apart ------------------------------------------------------------ */

#define BOTH_HANG .attempts = {{"::1", HANGS, 0, false}, {"10.0.0.1", HANGS, 0, false}}

static void apart(struct looked_up v6, struct looked_up v4, const char *starts)
{
    struct script s = {.look_up = {v6, v4}, BOTH_HANG};
    begin();
    now.deadline_ms = 1000;
    race(&s, starts, 1000, WEIR_ETIMEDOUT, NULL);
}

static void a_first(void)
{
    const struct looked_up a = {0, 0, {"10.0.0.1"}};
    apart((struct looked_up){30, 0, {"::1"}}, a, "::1@30 10.0.0.1@280");
    apart((struct looked_up){80, 0, {"::1"}}, a, "10.0.0.1@50 ::1@300");
    apart((struct looked_up){400, 0, {"::1"}}, a, "10.0.0.1@50 ::1@400");
    apart((struct looked_up){HANGS, 0, {0}}, a, "10.0.0.1@50");
    apart((struct looked_up){20, WEIR_ENAMEAGAIN, {0}}, a, "10.0.0.1@20");
    apart((struct looked_up){20, 0, {0}}, a, "10.0.0.1@20"); /* none, and no error */
    apart((struct looked_up){90, WEIR_ENONAME, {0}}, a, "10.0.0.1@50");
    EXPECT_RC(now.e.look_up_error[V6], WEIR_ENONAME);
    EXPECT_RC(now.e.look_up_error[V4], 0);
}

static void aaaa_first(void)
{
    const struct looked_up aaaa = {10, 0, {"::1"}};
    apart(aaaa, (struct looked_up){100, 0, {"10.0.0.1"}}, "::1@10 10.0.0.1@260");
    apart(aaaa, (struct looked_up){300, 0, {"10.0.0.1"}}, "::1@10 10.0.0.1@300");
    apart(aaaa, (struct looked_up){HANGS, 0, {0}}, "::1@10");
    apart(aaaa, (struct looked_up){0, WEIR_ENONAME, {0}}, "::1@10");
}

/* All that there was has failed when more arrives. */
static void arrives_after_failure(void)
{
    begin();
    race(&(struct script){.look_up = {{200, 0, {"::1"}}, {0, 0, {"10.0.0.1"}}},
                          .attempts = {{"10.0.0.1", 10, -ECONNREFUSED, false},
                                       {"::1", 5, 0, false}}},
         "10.0.0.1@50 ::1@200", 205, 0, "::1");
    EXPECT_EQ(now.e.failed, 1);
    EXPECT_RC(now.e.failures[0].error, -ECONNREFUSED);
}

static void one_family(void)
{
    const struct script s = {.look_up = {{HANGS, 0, {"::1"}}, {5, 0, {"10.0.0.1"}}},
                             .attempts = {{"10.0.0.1", 1, 0, false}}};
    begin();
    now.e.family = AF_INET;
    race(&s, "10.0.0.1@5", 6, 0, "10.0.0.1");
    const struct script t = {.look_up = {{5, 0, {"::1"}}, {HANGS, 0, {"10.0.0.1"}}}};
    now.e.family = AF_INET6;
    race(&t, "::1@5", 5, -ECONNREFUSED, NULL);
    const struct script u = {.look_up = {{5, WEIR_ENAMEFAIL, {0}}, {5, 0, {"10.0.0.1"}}}};
    race(&u, "", 5, WEIR_ENAMEFAIL, NULL);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void all_fail(void)
{
    begin();
    race(&(struct script){.look_up = {{0, 0, {"::1", "::2"}}, {0, 0, {"10.0.0.1"}}},
                          .attempts = {{"::1", 1, -ENETUNREACH, false},
                                       {"10.0.0.1", 20, -ETIMEDOUT, false},
                                       {"::2", 2, -EHOSTUNREACH, false}}},
         "::1@0 10.0.0.1@1 ::2@21", 23, -ETIMEDOUT, NULL);
    REQUIRE_EQ(now.e.failed, 3);
    static const int errors[] = {-ENETUNREACH, -ETIMEDOUT, -EHOSTUNREACH};
    static const char *const to[] = {"[::1]:80", "10.0.0.1:80", "[::2]:80"};
    for (int i = 0; i < 3; i++) {
        char text[WEIR_ADDRESS_TEXT];
        EXPECT_RC(now.e.failures[i].error, errors[i]);
        EXPECT_STR(weir_address_format(&now.e.failures[i].to, text, sizeof text), to[i]);
    }
}

static void no_way_at_all(void)
{
    begin();
    race(&(struct script){.look_up = {{0, 0, {"::1"}}, {0, 0, {"10.0.0.1"}}},
                          .attempts = {{"::1", 0, -EADDRNOTAVAIL, false},
                                       {"10.0.0.1", 0, -ENETUNREACH, false}}},
         "::1@0 10.0.0.1@0", 0, -EADDRNOTAVAIL, NULL);
}

static void no_address(void)
{
    static const int errors[][3] = {
        {WEIR_ENONAME, WEIR_ENONAME, WEIR_ENONAME},
        {WEIR_ENAMEAGAIN, WEIR_ENONAME, WEIR_ENAMEAGAIN},
        {WEIR_ENONAME, WEIR_ENAMEAGAIN, WEIR_ENAMEAGAIN},
        {WEIR_ENAMEFAIL, WEIR_ENAMEAGAIN, WEIR_ENAMEFAIL},
        {0, 0, WEIR_ENONAME},
        {0, WEIR_EMFILE, WEIR_EMFILE},
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        const struct script s = {
            .look_up = {{7, errors[i][V6], {0}}, {(int)i * 3, errors[i][V4], {0}}}};
        begin();
        race(&s, "", i * 3 > 7 ? (int)i * 3 : 7, errors[i][2], NULL);
        EXPECT_RC(now.e.look_up_error[V6], errors[i][V6] ? errors[i][V6] : WEIR_ENONAME);
        EXPECT_RC(now.e.look_up_error[V4], errors[i][V4] ? errors[i][V4] : WEIR_ENONAME);
    }
}

/* 40 of each family: 32 are tried, each is there twice and tried once; not all errors are kept. */
static void many_fail(void)
{
    const struct script s = {.many = 40};
    begin();
    race(&s, "", 0, -ECONNREFUSED, NULL);
    EXPECT_EQ(now.e.tried, EYEBALLS_ADDRESSES);
    EXPECT_EQ(now.e.failed, EYEBALLS_ADDRESSES);
    for (int i = 0; i < EYEBALLS_FAILURES; i++) {
        EXPECT_RC(now.e.failures[i].error, -ECONNREFUSED);
        EXPECT_EQ(now.e.failures[i].to.family, i % 2 ? AF_INET : AF_INET6);
        EXPECT_EQ(now.e.failures[i].to.name[3], i / 2);
    }
}

/* ---- more than one succeeds ------------------------------------------------------------------ */

/* At the same moment: one of them is the result, the other is closed; by some seeds either. */
static void both_at_once(void)
{
    const struct script s = {.look_up = {{0, 0, {"::1"}}, {0, 0, {"10.0.0.1"}}},
                             .attempts = {{"::1", 260, 0, false}, {"10.0.0.1", 10, 0, false}}};
    int both = 0;
    begin();
    now.script = &s;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        simulate(first_actor, seed);
        EXPECT(now.rc >= 0);
        EXPECT_EQ(now.ms, 260);
        both += atomic_load(&now.log.closed);
    }
    EXPECT(both > 0);
}

/* The loser cannot be cancelled: it is waited for, and closed. */
static void loser_is_deaf(void)
{
    begin();
    race(&(struct script){.look_up = {{0, 0, {"::1"}}, {0, 0, {"10.0.0.1"}}},
                          .attempts = {{"::1", 400, 0, true}, {"10.0.0.1", 10, 0, false}}},
         "::1@0 10.0.0.1@250", 400, 0, "10.0.0.1");
    EXPECT_EQ(atomic_load(&now.log.closed), 1);
}

/* ---- cut short ------------------------------------------------------------------------------- */

static const struct script long_one = {
    .look_up = {{60, 0, {"::1", "::2"}}, {0, 0, {"10.0.0.1", "10.0.0.2"}}},
    .attempts = {{"10.0.0.1", 300, -ECONNREFUSED, false},
                 {"::1", 200, 0, true},
                 {"10.0.0.2", 150, 0, false}}};

static void deadlines(void)
{
    const struct script hang = {.look_up = {{HANGS, 0, {0}}, {HANGS, 0, {0}}}};
    begin();
    now.deadline_ms = 100;
    race(&hang, "", 100, WEIR_ETIMEDOUT, NULL);
    now.script = &long_one;
    for (now.deadline_ms = 1; now.deadline_ms < 520; now.deadline_ms += 3) {
        simulate(first_actor, (uint64_t)now.deadline_ms);
        EXPECT(now.rc >= 0 || now.rc == WEIR_ETIMEDOUT);
        EXPECT_EQ(now.rc >= 0, now.deadline_ms > 500); /* ::1 at 300, for 200 */
    }
}

static int passed(void *unused)
{
    (void)unused;
    now.e.deadline = 1;
    now.e.ops = &ops;
    now.e.context = &now.log;
    now.log.script = &long_one;
    now.rc = weir__eyeballs(&now.e);
    EXPECT_RC(now.rc, WEIR_ETIMEDOUT);
    return 0;
}

static void deadline_has_passed(void)
{
    begin();
    simulate(passed, 1);
    EXPECT_STR(now.log.starts, "");
}

static weir_time cancel_at;
static int cancel_yields;

static int cancels(void *scope)
{
    if (cancel_at)
        EXPECT_RC(weir_sleep(cancel_at), 0);
    for (int i = 0; i < cancel_yields; i++)
        EXPECT_RC(weir_yield(), 0);
    (void)weir_scope_cancel(*(weir_scope *)scope, NULL); /* it may have ended */
    return 0;
}

static int is_cancelled(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    weir_scope s = weir_scope_begin();
    EXPECT_RC(weir_spawn(g, cancels, &s), 0);
    runs();
    EXPECT(now.rc >= 0 || now.rc == WEIR_ECANCELED);
    int ended = weir_scope_end(s);
    if (now.rc == WEIR_ECANCELED)
        EXPECT_EQ(ended, 1);
    return weir_group_end(g);
}

static void cancelled_at(int yields, weir_time at, uint64_t seed)
{
    cancel_yields = yields;
    cancel_at = at;
    simulate(is_cancelled, seed);
}

/* At each moment of a race, and after each operation of its moments of activity. */
static void cancelled_anywhere(void)
{
    int won = 0;
    begin();
    now.script = &long_one;
    for (int ms = 0; ms < 520; ms++) {
        cancelled_at(0, ms * WEIR_MS, (uint64_t)ms + 1);
        won += now.rc >= 0;
    }
    EXPECT(won > 0 && won < 30); /* from 500 on */
    static const int moments[] = {0, 50, 60, 300, 350, 500};
    for (int m = 0; m < 6; m++)
        for (int yields = 0; yields < 25; yields++)
            for (uint64_t seed = 1; seed <= SEEDS; seed++)
                cancelled_at(yields, moments[m] * WEIR_MS, seed);
}

static int cancelled_before(void *unused)
{
    (void)unused;
    weir_auto(weir_scope) s = weir_scope_begin();
    weir_scope_cancel(s, NULL);
    runs();
    EXPECT_RC(now.rc, WEIR_ECANCELED);
    return 0;
}

static void cancelled_first(void)
{
    begin();
    now.script = &long_one;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        simulate(cancelled_before, seed);
}

/* ---- in ordinary runs, and without one ----------------------------------------------------- */

enum { CROWD = 6, ROUNDS = 30 };

/* All succeed at once, or nearly: on several workers a loser is often as fast. */
static int races_for_real(void *unused)
{
    static const struct script s = {
        .look_up = {{0, 0, {"::1", "::2"}}, {0, 0, {"10.0.0.1", "10.0.0.2"}}},
        .attempts = {{"::1", 1, 0, false},
                     {"10.0.0.1", 0, 0, false},
                     {"::2", 0, -ECONNREFUSED, false},
                     {"10.0.0.2", 0, 0, false}}};
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        struct log log = {.script = &s, .begin = weir_now(), .quiet = true};
        struct eyeballs e = {.ops = &ops, .context = &log, .attempt_delay = 1};
        weir_auto(weir_scope) scope = weir_move_on_after(i % 3 ? WEIR_S : i * 40 * WEIR_US);
        int rc = weir__eyeballs(&e);
        EXPECT(rc >= 0 || rc == WEIR_ECANCELED);
        EXPECT_EQ(atomic_load(&log.wrong), 0);
        EXPECT_EQ(atomic_load(&log.opened) - atomic_load(&log.closed), rc >= 0);
    }
    return 0;
}

static int crowd(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    for (int i = 0; i < CROWD; i++)
        EXPECT_RC(weir_spawn(g, races_for_real, NULL), 0);
    return weir_group_end(g);
}

static void for_real(void)
{
    EXPECT_RC(weir_run(crowd, NULL, NULL), 0);
}

/* One address after the other. */
static void on_a_thread(void)
{
    const struct script s = {.look_up = {{0, 0, {"::1"}}, {0, 0, {"10.0.0.1", "10.0.0.2"}}},
                             .attempts = {{"10.0.0.2", 0, 0, false}}};
    const struct script t = {.look_up = {{0, WEIR_ENONAME, {0}}, {0, WEIR_ENAMEAGAIN, {0}}}};
    begin();
    now.script = &s;
    runs();
    nothing_leaks();
    EXPECT_RC(now.rc, 0);
    EXPECT_EQ(now.e.tried, 3);
    EXPECT_EQ(now.e.failed, 2);
    EXPECT_EQ(now.e.to.name[3], 2);
    now.e.family = AF_INET6;
    runs();
    EXPECT_RC(now.rc, -ECONNREFUSED);
    now.e.family = 0;
    now.deadline_ms = -1;
    runs();
    EXPECT_RC(now.rc, WEIR_ETIMEDOUT);
    EXPECT_EQ(now.e.tried, 0);
    now.deadline_ms = 0;
    now.script = &t;
    runs();
    EXPECT_RC(now.rc, WEIR_ENAMEAGAIN);
}

TEST_SUITE(eyeballs, "io: happy eyeballs", {"F083 eyeballs: IPv6 first", v6_first},
           {"F083 eyeballs: the first hangs", first_hangs},
           {"F083 eyeballs: the families take turns", families_take_turns},
           {"F083 eyeballs: one fails, the next begins at once", next_at_once},
           {"F083 eyeballs: other delays", other_delays},
           {"F083 eyeballs: A arrives first", a_first},
           {"F083 eyeballs: AAAA arrives first", aaaa_first},
           {"F083 eyeballs: all have failed when more arrive", arrives_after_failure},
           {"F083 eyeballs: one family", one_family},
           {"F082 eyeballs: all fail, with an error each", all_fail},
           {"F082 eyeballs: there is no way to any", no_way_at_all},
           {"F082 eyeballs: no address", no_address},
           {"F082 eyeballs: many addresses, twice the same", many_fail},
           {"F083 eyeballs: two succeed at once, one is closed", both_at_once},
           {"F083 eyeballs: a loser that does not listen is closed", loser_is_deaf},
           {"F082 eyeballs: deadlines", deadlines},
           {"F082 eyeballs: a deadline that has passed", deadline_has_passed},
           {"F083 eyeballs: cancelled at every point", cancelled_anywhere},
           {"F083 eyeballs: cancelled before", cancelled_first},
           {"F083 eyeballs: many races on all workers", for_real},
           {"F082 eyeballs: on a plain thread", on_a_thread});
