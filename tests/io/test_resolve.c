/* SPDX-License-Identifier: MIT */
/* F093: names of hosts, by scripted answers: slow ones, failures, many addresses. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "names_test.h"
#include "net_test.h"
#include <weir/weir.h>

static const struct entry names[] = {
    {.name = "both", .addresses = {"10.0.0.2", "2001:db8::2", "10.0.0.1", "fe80::1%3"}},
    {.name = "v4", .addresses = {"10.0.0.2"}},
    {.name = "many", .many = 1000},
    {.name = "this", .addresses = {"127.0.0.9"}},
    {.name = "b\xc3\xbc"
             "cher",
     .addresses = {"10.0.0.3"}},
    {.name = "unix", .addresses = {"/a/path"}},
    {.name = "noname", .rc = EAI_NONAME},
    {.name = "nodata", .rc = EAI_NODATA},
    {.name = "family", .rc = EAI_ADDRFAMILY},
    {.name = "again", .rc = EAI_AGAIN},
    {.name = "fail", .rc = EAI_FAIL},
    {.name = "memory", .rc = EAI_MEMORY},
    {.name = "idn", .rc = EAI_IDN_ENCODE},
    {.name = "system", .rc = EAI_SYSTEM, .error = EMFILE},
    {.name = "unsaid", .rc = EAI_SYSTEM},
    {.name = "socktype", .rc = EAI_SOCKTYPE},
    {.name = "slow", .waits = true, .addresses = {"10.0.0.4", "::4"}},
    {.name = "slowfail", .waits = true, .rc = EAI_AGAIN},
    {0}};

static weir_address got[8];

static bool is(int i, const char *text)
{
    char formatted[WEIR_ADDRESS_TEXT];
    return EXPECT_STR(weir_address_format(&got[i], formatted, sizeof formatted), text);
}

static int resolve(const char *host, uint16_t port, const weir_resolve_options *o)
{
    memset(got, 0xaa, sizeof got);
    return weir_resolve(host, port, got, 8, o);
}

static int in_actor(void *test)
{
    (*(void (**)(void))test)();
    return 0;
}

/* As an actor, as a plain thread, and as an actor of a simulated run. */
static void in_all(void (*test)(void))
{
    names_are(names, false);
    EXPECT_RC(weir_run(in_actor, (void *)&test, NULL), 0);
    EXPECT_RC(weir_run(in_actor, (void *)&test, &(weir_options){.simulate = true, .seed = 7}), 0);
    test();
    EXPECT_EQ(atomic_load(&unfreed), 0);
    names_are(NULL, false);
}

static void in_run(weir_body body)
{
    names_are(names, false);
    EXPECT_RC(weir_run(body, NULL, NULL), 0);
    names_are(NULL, false);
}

/* ---- what needs nobody ----------------------------------------------------------------------- */

static void numbers_here(void)
{
    const weir_resolve_options v4 = {.family = AF_INET}, v6 = {.family = AF_INET6};
    int before = atomic_load(&times_asked);
    EXPECT_EQ(resolve("127.0.0.1", 80, NULL), 1);
    is(0, "127.0.0.1:80");
    EXPECT_EQ(resolve("::1", 80, &v6), 1);
    is(0, "[::1]:80");
    EXPECT_EQ(resolve("fe80::1%if7", 80, NULL), 1);
    is(0, "[fe80::1%7]:80");
    EXPECT_RC(resolve("fe80::1%if8", 80, NULL), WEIR_ENOENT);
    EXPECT_RC(resolve("127.0.0.1", 80, &v6), WEIR_ENONAME);
    EXPECT_RC(resolve("::1", 80, &v4), WEIR_ENONAME);
    EXPECT_EQ(resolve("127.0.0.1", 80, &(weir_resolve_options){.service = "65535"}), 1);
    is(0, "127.0.0.1:65535");
    EXPECT_EQ(resolve(NULL, 80, NULL), 2);
    is(0, "[::1]:80");
    is(1, "127.0.0.1:80");
    EXPECT_EQ(resolve(NULL, 80, &v4), 1);
    is(0, "127.0.0.1:80");
    EXPECT_EQ(resolve(NULL, 80, &(weir_resolve_options){.passive = true}), 2);
    is(0, "[::]:80");
    is(1, "0.0.0.0:80");
    EXPECT_EQ(atomic_load(&times_asked), before);
}

static void numbers(void)
{
    in_all(numbers_here);
}

/* Not even the class of threads is times_asked for, and it is no place to be cancelled. */
static int cancelled_asks_numbers(void *unused)
{
    (void)unused;
    weir_auto(weir_scope) s = weir_scope_begin();
    weir_scope_cancel(s, NULL);
    EXPECT_EQ(resolve("127.0.0.1", 80, NULL), 1);
    EXPECT_RC(resolve("v4", 80, NULL), WEIR_ECANCELED);
    EXPECT_EQ(atomic_load(&times_asked), 0);
    return 0;
}

static void numbers_cancelled(void)
{
    in_run(cancelled_asks_numbers);
}

static void arguments_here(void)
{
    char host[1026], service[34];
    weir_host out;
    weir_address zero = {0};
    memset(host, 'a', sizeof host);
    memset(service, '1', sizeof service);
    host[1025] = service[33] = '\0';
    EXPECT_RC(resolve("", 80, NULL), WEIR_EINVAL);
    EXPECT_RC(resolve(host, 80, NULL), WEIR_EINVAL);
    host[1024] = '\0';
    EXPECT_RC(resolve(host, 80, NULL), WEIR_ENONAME);
    EXPECT_RC(resolve("v4", 80, &(weir_resolve_options){.service = service}), WEIR_EINVAL);
    service[32] = '\0';
    EXPECT_RC(resolve("v4", 80, &(weir_resolve_options){.service = service}), WEIR_ENOSERVICE);
    EXPECT_RC(resolve("v4", 80, &(weir_resolve_options){.service = ""}), WEIR_EINVAL);
    EXPECT_RC(resolve("v4", 80, &(weir_resolve_options){.family = AF_UNIX}), WEIR_EINVAL);
    EXPECT_RC(weir_resolve("v4", 80, NULL, 1, NULL), WEIR_EINVAL);
    EXPECT_EQ(weir_resolve("v4", 80, NULL, 0, NULL), 1);
    EXPECT_RC(weir_resolve_back(NULL, &out, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_resolve_back(&got[0], NULL, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_resolve_back(&zero, &out, NULL), WEIR_EINVAL);
}

static void arguments(void)
{
    in_all(arguments_here);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void answers_here(void)
{
    EXPECT_EQ(resolve("both", 80, NULL), 4);
    is(0, "10.0.0.2:80");
    is(1, "[2001:db8::2]:80");
    is(2, "10.0.0.1:80");
    is(3, "[fe80::1%3]:80");
    EXPECT_EQ(last_hints.ai_family, AF_UNSPEC);
    EXPECT_EQ(last_hints.ai_socktype, SOCK_STREAM);
    EXPECT_EQ(last_hints.ai_flags, 0);
    EXPECT_STR(last_host, "both");
    EXPECT_STR(last_service, "(null)");
    EXPECT_EQ(resolve("both", 81, &(weir_resolve_options){.family = AF_INET}), 2);
    is(0, "10.0.0.2:81");
    is(1, "10.0.0.1:81");
    EXPECT_EQ(resolve("both", 81, &(weir_resolve_options){.family = AF_INET6}), 2);
    is(0, "[2001:db8::2]:81");
    is(1, "[fe80::1%3]:81");
    EXPECT_RC(resolve("v4", 81, &(weir_resolve_options){.family = AF_INET6}), WEIR_ENONAME);
    EXPECT_EQ(resolve("v4", 81, &(weir_resolve_options){.service = "http", .datagram = true}), 1);
    is(0, "10.0.0.2:80");
    EXPECT_EQ(last_hints.ai_socktype, SOCK_DGRAM);
    EXPECT_STR(last_service, "http");
    EXPECT_EQ(resolve(NULL, 81, &(weir_resolve_options){.service = "http", .passive = true}), 1);
    is(0, "127.0.0.9:80");
    EXPECT_EQ(last_hints.ai_flags, AI_PASSIVE);
    EXPECT_STR(last_host, "(null)");
}

static void answers(void)
{
    in_all(answers_here);
}

/* All are counted, those there is room for are stored. */
static void many_here(void)
{
    weir_address first[3], guard;
    memset(first, 0xaa, sizeof first);
    guard = first[2];
    EXPECT_EQ(weir_resolve("many", 5, first, 2, NULL), 1000);
    got[0] = first[0];
    got[1] = first[1];
    is(0, "10.0.0.0:5");
    is(1, "10.0.0.1:5");
    EXPECT(weir_address_equal(&first[2], &guard));
    EXPECT_EQ(weir_resolve("many", 5, NULL, 0, NULL), 1000);
}

static void many(void)
{
    in_all(many_here);
}

static void errors_here(void)
{
    static const struct {
        const char *host;
        int rc;
    } all[] = {
        {"noname", WEIR_ENONAME},   {"nobody", WEIR_ENONAME},   {"nodata", WEIR_ENONAME},
        {"family", WEIR_ENONAME},   {"again", WEIR_ENAMEAGAIN}, {"fail", WEIR_ENAMEFAIL},
        {"memory", WEIR_ENOMEM},    {"idn", WEIR_EINVAL},       {"system", WEIR_EMFILE},
        {"unsaid", WEIR_ENAMEFAIL}, {"unix", WEIR_ENONAME},     {"socktype", WEIR_ENAMEFAIL}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        EXPECT_RC(resolve(all[i].host, 80, NULL), all[i].rc);
    EXPECT_RC(resolve("v4", 80, &(weir_resolve_options){.service = "nothing"}), WEIR_ENOSERVICE);
    EXPECT_RC(resolve("v4", 80, &(weir_resolve_options){.service = "65536"}), WEIR_ENOSERVICE);
}

static void errors(void)
{
    in_all(errors_here);
}

static void other_alphabets_here(void)
{
    EXPECT_EQ(resolve("b\xc3\xbc"
                      "cher.test",
                      80, NULL),
              1);
    is(0, "10.0.0.3:80");
    EXPECT_EQ(last_hints.ai_flags, AI_IDN);
    EXPECT_STR(last_host, "b\xc3\xbc"
                          "cher.test");
}

static void other_alphabets(void)
{
    in_all(other_alphabets_here);
}

/* Neither needs a name server: libc reads a short form of a number, and finds no name in bytes. */
static int asks_libc(void *unused)
{
    (void)unused;
    EXPECT_EQ(resolve("127.1", 80, NULL), 1);
    is(0, "127.0.0.1:80");
    EXPECT_RC(resolve("\xff\xfe.test", 80, NULL), WEIR_EINVAL);
    return 0;
}

static void libc(void)
{
    EXPECT_RC(weir_run(asks_libc, NULL, NULL), 0);
    asks_libc(NULL);
}

static void back_here(void)
{
    weir_host out;
    weir_address a;
    EXPECT_RC(weir_address_parse(&a, "10.0.0.1", 80), 0);
    EXPECT_RC(weir_resolve_back(&a, &out, NULL), 0);
    EXPECT_STR(out.host, "host.test");
    EXPECT_STR(out.service, "tcp");
    EXPECT_RC(weir_resolve_back(&a, &out, &(weir_resolve_options){.datagram = true}), 0);
    EXPECT_STR(out.service, "udp");
    EXPECT_RC(weir_address_parse(&a, "::1", 80), 0);
    EXPECT_RC(weir_resolve_back(&a, &out, &(weir_resolve_options){.required = true}), WEIR_ENONAME);
    a.port = 9;
    EXPECT_RC(weir_resolve_back(&a, &out, NULL), WEIR_ENAMEAGAIN);
    a.port = 10;
    EXPECT_RC(weir_resolve_back(&a, &out, NULL), WEIR_ENAMEFAIL);
    int before = atomic_load(&times_asked);
    EXPECT_RC(weir_address_parse(&a, "@app", 80), 0);
    EXPECT_RC(weir_resolve_back(&a, &out, NULL), 0);
    EXPECT_STR(out.host, "@app");
    EXPECT_STR(out.service, "");
    EXPECT_EQ(atomic_load(&times_asked), before);
}

static void back(void)
{
    in_all(back_here);
}

/* ---- slow answers ---------------------------------------------------------------------------- */

static weir_blocking_statistics statistics(void)
{
    weir_blocking_statistics s = {0};
    EXPECT_RC(weir_blocking_statistics_of(weir_resolve_class(), &s), 0);
    return s;
}

static void await_asking(int n)
{
    while (atomic_load(&asking) != n)
        weir_yield();
}

/* Who was abandoned gives his place back first, and is counted as that a moment longer. */
static void await_running(uint32_t n)
{
    while (statistics().running != n || statistics().abandoned > n)
        weir_yield();
}

static atomic_int told[200];
static atomic_int returned;

struct slow {
    const char *host;
    weir_time deadline;
    int number;
};

static int asks_slow(void *arg)
{
    weir_address a[2];
    const struct slow *s = arg;
    int rc = weir_resolve(s->host, 80, a, 2, &(weir_resolve_options){.deadline = s->deadline});
    atomic_store(&told[s->number], rc);
    atomic_fetch_add(&returned, 1);
    return rc == WEIR_ECANCELED ? rc : 0;
}

static void ask(weir_group g, const char *host, weir_time deadline, int number)
{
    struct slow s = {host, deadline, number};
    EXPECT_RC(weir_spawn(g, asks_slow, &s), 0);
}

/* Who is cancelled leaves at once; its place is free when the answer is there, which is dropped. */
static int cancels_slow(void *host)
{
    uint64_t calls = statistics().calls;
    weir_group g = weir_group_begin();
    ask(g, *(const char **)host, 0, 0);
    await_asking(1);
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(atomic_load(&told[0]), WEIR_ECANCELED);
    EXPECT_EQ(atomic_load(&asking), 1);
    EXPECT_EQ(statistics().running, 1);
    let_go();
    await_running(0);
    EXPECT_EQ(statistics().calls, calls + 1);
    EXPECT_EQ(atomic_load(&unfreed), 0);
    return 0;
}

static void cancelled(void)
{
    for (int i = 0; i < 2; i++) {
        const char *host = i ? "slowfail" : "slow";
        names_are(names, false);
        EXPECT_RC(weir_run(cancels_slow, &host, NULL), 0);
    }
    names_are(NULL, false);
}

static int late(void *unused)
{
    weir_address a;
    (void)unused;
    EXPECT_RC(weir_resolve("slow", 80, &a, 1, &(weir_resolve_options){.deadline = weir_after(1)}),
              WEIR_ETIMEDOUT);
    weir_group g = weir_group_begin();
    ask(g, "slow", weir_after(20 * WEIR_MS), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(atomic_load(&told[0]), WEIR_ETIMEDOUT);
    let_go();
    await_running(0);
    EXPECT_EQ(atomic_load(&unfreed), 0);
    EXPECT_EQ(weir_resolve("slow", 80, &a, 1, &(weir_resolve_options){.deadline = WEIR_NEVER}), 2);
    return 0;
}

static void deadline(void)
{
    in_run(late);
}

static int returns_7(void *unused, void *nothing)
{
    (void)unused;
    (void)nothing;
    return 7;
}

/*
 * Two at a time, those that were abandoned included; others wait in the line, where they never ask
 * when they are cancelled; numbers and other blocking calls go on.
 */
static int limited(void *unused)
{
    weir_address a;
    (void)unused;
    EXPECT_RC(weir_blocking_resize(weir_resolve_class(), 2), 0);
    atomic_store(&returned, 0);
    weir_group left = weir_group_begin();
    ask(left, "slow", 0, 0);
    ask(left, "slow", 0, 1);
    await_asking(2);
    EXPECT_RC(weir_group_cancel(left, NULL), 0);
    EXPECT_RC(weir_group_end(left), 0);
    weir_group stays = weir_group_begin();
    for (int i = 2; i < 5; i++)
        ask(stays, "v4", 0, i);
    while (statistics().waiting != 3)
        weir_yield();
    EXPECT_EQ(statistics().running, 2);
    EXPECT_EQ(statistics().abandoned, 2);
    EXPECT_RC(weir_resolve("v4", 80, &a, 1, &(weir_resolve_options){.deadline = weir_after(1)}),
              WEIR_ETIMEDOUT);
    EXPECT_EQ(weir_resolve("10.0.0.1", 80, &a, 1, NULL), 1);
    EXPECT_EQ(weir_blocking_call(returns_7, (void *)NULL, NULL), 7);
    EXPECT_EQ(atomic_load(&returned), 2);
    EXPECT_EQ(atomic_load(&times_asked), 2);
    let_go();
    EXPECT_RC(weir_group_end(stays), 0);
    for (int i = 2; i < 5; i++)
        EXPECT_EQ(atomic_load(&told[i]), 1);
    EXPECT_EQ(atomic_load(&times_asked), 5);
    EXPECT_EQ(atomic_load(&most_asking), 2);
    return weir_blocking_resize(weir_resolve_class(), 32);
}

static void limit(void)
{
    in_run(limited);
}

/* ---- F18: name servers that do not answer ---------------------------------------------------- */

enum { SLOW = 200 };

static void there_and_back(weir_stream a, weir_stream b)
{
    char c = 0;
    EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
    EXPECT_EQ(weir_stream_recv(b, &c, 1), 1);
    EXPECT_EQ(c, 'x');
}

/* Each second one has a deadline: it is honoured by those that ask and by those in the line. */
static int beside_slow_ones(void *unused)
{
    weir_stream a, b;
    weir_address numbers;
    (void)unused;
    atomic_store(&returned, 0);
    weir_group late = weir_group_begin(), patient = weir_group_begin();
    for (int i = 0; i < SLOW; i++)
        ask(i & 1 ? late : patient, "slow", i & 1 ? weir_after(5 * WEIR_MS) : WEIR_NEVER, i);
    await_asking(32);
    connected_pair(false, &a, &b);
    there_and_back(a, b);
    EXPECT_EQ(weir_blocking_call(returns_7, (void *)NULL, NULL), 7);
    EXPECT_EQ(weir_resolve("10.0.0.1", 80, &numbers, 1, NULL), 1);
    while (atomic_load(&returned) < SLOW / 2)
        there_and_back(b, a);
    EXPECT_EQ(atomic_load(&asking), 32); /* as many as may, whoever still wants to know */
    let_go();
    EXPECT_RC(weir_group_end(patient), 0);
    EXPECT_RC(weir_group_end(late), 0);
    for (int i = 0; i < SLOW; i++)
        EXPECT_RC(atomic_load(&told[i]), i & 1 ? WEIR_ETIMEDOUT : 2);
    EXPECT_EQ(atomic_load(&most_asking), 32);
    weir_close(a);
    weir_close(b);
    return 0;
}

static void slow_ones(void)
{
    const char *soak = getenv("WEIR_SOAK");
    long n = soak ? strtol(soak, NULL, 10) : 1;
    for (long i = 0; i < n && i < 100; i++) {
        in_run(beside_slow_ones);
        test_goes_on();
    }
}

static weir_blocking seen;

static int sees_class(void *unused)
{
    weir_blocking_statistics s;
    weir_blocking c = weir_resolve_class();
    (void)unused;
    EXPECT_RC(weir_check(c), 0);
    EXPECT_EQ(c.h, weir_resolve_class().h);
    if (seen.h)
        EXPECT_EQ(c.h, seen.h);
    seen = c;
    EXPECT_RC(weir_close(c), WEIR_EPERM);
    await_running(0); /* those that were abandoned before */
    EXPECT_RC(weir_blocking_statistics_of(c, &s), 0);
    EXPECT_EQ(s.limit, 32);
    EXPECT_EQ(s.running, 0);
    EXPECT(c.h != weir_blocking_default().h);
    EXPECT_EQ(resolve("v4", 80, NULL), 1);
    return 0;
}

/* One for all runs. */
static void class_of_look_ups(void)
{
    for (int i = 0; i < 3; i++)
        in_run(sees_class);
    EXPECT_RC(weir_check(weir_resolve_class()), WEIR_EPERM);
}

/* What was abandoned in a run keeps its place in the next. */
static int leaves_slow(void *unused)
{
    weir_address a;
    (void)unused;
    weir_group g = weir_group_begin();
    ask(g, "slow", 0, 0);
    await_asking(1);
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    (void)a;
    return 0;
}

static int finds_place_taken(void *unused)
{
    (void)unused;
    EXPECT_EQ(statistics().running, 1);
    let_go();
    await_running(0);
    return 0;
}

static void across_runs(void)
{
    names_are(names, false);
    EXPECT_RC(weir_run(leaves_slow, NULL, NULL), 0);
    EXPECT_RC(weir_run(finds_place_taken, NULL, NULL), 0);
    names_are(NULL, false);
}

/* ---- simulated runs -------------------------------------------------------------------------- */

static weir_time at_end;

static int asks_simulated(void *unused)
{
    weir_host out;
    weir_address a;
    (void)unused;
    EXPECT_EQ(resolve("localhost", 80, NULL), 2);
    is(0, "[::1]:80");
    is(1, "127.0.0.1:80");
    EXPECT_EQ(resolve("localhost", 80, &(weir_resolve_options){.family = AF_INET}), 1);
    EXPECT_RC(resolve("v4", 80, NULL), WEIR_ENONAME);
    EXPECT_RC(resolve("slow", 80, NULL), WEIR_ENONAME);
    EXPECT_RC(resolve("localhost", 80, &(weir_resolve_options){.service = "http"}),
              WEIR_ENOSERVICE);
    EXPECT_RC(resolve(NULL, 80, &(weir_resolve_options){.service = "http"}), WEIR_ENOSERVICE);
    EXPECT_RC(weir_address_parse(&a, "127.0.0.1", 80), 0);
    EXPECT_RC(weir_resolve_back(&a, &out, NULL), 0);
    EXPECT_STR(out.host, "localhost");
    EXPECT_STR(out.service, "80");
    EXPECT_RC(weir_address_parse(&a, "10.0.0.1", 80), 0);
    EXPECT_RC(weir_resolve_back(&a, &out, NULL), 0);
    EXPECT_STR(out.host, "10.0.0.1");
    EXPECT_RC(weir_resolve_back(&a, &out, &(weir_resolve_options){.required = true}), WEIR_ENONAME);
    at_end = weir_now();
    return 0;
}

/* Nobody outside is times_asked, and no time passes. */
static void simulated(void)
{
    names_are(names, true);
    EXPECT_RC(weir_run(asks_simulated, NULL, &(weir_options){.simulate = true, .seed = 3}), 0);
    EXPECT_EQ(at_end, WEIR_SIMULATED_START);
    EXPECT_EQ(atomic_load(&times_asked), 0);
    names_are(NULL, false);
}

/* ---- many at a time -------------------------------------------------------------------------- */

enum { CROWD = 8, ROUNDS = 40 };

static int asks_and_leaves(void *number)
{
    weir_address a[4];
    for (int i = 0; i < ROUNDS; i++) {
        weir_auto(weir_scope) s = weir_move_on_after((*(int *)number + i) % 4 * 20 * WEIR_US);
        int n = weir_resolve("both", 80, a, 4, NULL);
        EXPECT(n == 4 || n == WEIR_ECANCELED);
    }
    return 0;
}

static int crowd(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    for (int i = 0; i < CROWD; i++)
        EXPECT_RC(weir_spawn(g, asks_and_leaves, &i), 0);
    EXPECT_RC(weir_group_end(g), 0);
    await_running(0);
    return 0;
}

/* Whatever was abandoned when, each answer is freed once and no place is lost. */
static void crowds(void)
{
    names_are(names, false);
    EXPECT_RC(weir_run(crowd, NULL, NULL), 0);
    names_are(NULL, false); /* waits until none is unfreed */
    EXPECT_EQ(atomic_load(&unfreed), 0);
}

TEST_SUITE(resolve, "io: names", {"F093 resolve: numbers need nobody", numbers},
           {"F093 resolve: numbers in a cancelled scope", numbers_cancelled},
           {"F093 resolve: arguments", arguments},
           {"F093 resolve: answers in their order", answers},
           {"F093 resolve: many addresses", many},
           {"F093 resolve: errors of their own kind", errors},
           {"F093 resolve: IDNA", other_alphabets}, {"F093 resolve: libc's own answers", libc},
           {"F093 resolve: getnameinfo", back},
           {"F093 resolve: cancelled while it waits", cancelled},
           {"F093 resolve: a deadline", deadline},
           {"F093 resolve: a limit of its own, also for what was abandoned", limit},
           {"F18 F093 resolve: 200 that hang, others go on", slow_ones},
           {"F093 resolve: one class for all runs", class_of_look_ups},
           {"F093 resolve: abandoned in a run, and still there in the next", across_runs},
           {"F093 resolve: in a simulated run", simulated},
           {"F093 resolve: many that leave at any moment", crowds});
