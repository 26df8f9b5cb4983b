/* SPDX-License-Identifier: MIT */
/*
 * test_load.c - many of everything: in short here, longer by WEIR_SOAK, a factor from 1 to 1,000
 * (./dev soak). What two processes, a name server or a reader of lines is needed for is elsewhere:
 * test_many.c (L1), test_resolve.c (F18), test_buffered.c (B5), test_exhausted.c (F11).
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net_test.h"

static int factor(int most)
{
    const char *told = getenv("WEIR_SOAK");
    long n = told ? strtol(told, NULL, 10) : 1;
    return n < 1 ? 1 : n < most ? (int)n : most;
}

/* ---- L4: who has connected is accepted ----------------------------------------------------- */

enum { CALLERS = 8, CALLS = 250 };

static int calls(void *arg)
{
    const weir_address *at = arg;
    for (int i = 0; i < CALLS; i++) {
        weir_stream s = weir_address_connect(at, NULL);
        if (weir_check(s) < 0)
            return weir_check(s);
        EXPECT_RC(i & 1 ? weir_stream_abort(s) : weir_close(s), 0);
    }
    return 0;
}

static int accepts_all(void *arg)
{
    weir_listener l = *(weir_listener *)arg;
    weir_stream s;
    int rc, n = 0;
    while ((rc = weir_accept_by(l, &s, weir_after(30 * WEIR_S))) > 0 && ++n < CALLERS * CALLS)
        EXPECT_RC(weir_close(s), 0);
    if (rc > 0)
        EXPECT_RC(weir_close(s), 0);
    EXPECT_RC(rc, 1);
    return n;
}

static int storm(void *arg)
{
    weir_address at;
    weir_task t;
    int n = 0;
    weir_listener l = *(bool *)arg ? listen_unix(&at) : listen_here(&at);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, accepts_all, &l, .task = &t, .isolated = true), 0);
    for (int i = 0; i < CALLERS; i++)
        EXPECT_RC(weir_spawn(g, calls, &at), 0);
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &n), 0);
    EXPECT_EQ(n, CALLERS * CALLS);
    return weir_group_end(g);
}

static void accept_storm(void)
{
    bool kinds[] = {false, true};
    for (int i = 0; i < 2 * factor(25); i++) {
        run_and_count(storm, &kinds[i & 1]);
        test_goes_on();
    }
}

/* ---- F13: nothing is inherited ------------------------------------------------------------- */

/* Descriptors above 2 that a program of exec() would get. */
static int inherited(void)
{
    int n = 0;
    DIR *all = opendir("/proc/self/fd");
    const struct dirent *one;
    while (all && (one = readdir(all))) {
        int fd = (int)strtol(one->d_name, NULL, 10);
        int flags = fd > 2 ? fcntl(fd, F_GETFD) : -1;
        n += flags >= 0 && !(flags & FD_CLOEXEC);
    }
    if (all)
        closedir(all);
    return n;
}

static int opens_all_kinds(void *arg)
{
    weir_stream a, b, c, d;
    weir_address at;
    char x;
    int before = *(int *)arg;
    connected_pair(false, &a, &b);
    connected_pair(true, &c, &d);
    weir_listener l = listen_here(&at), u = listen_unix(&at);
    EXPECT_EQ(weir_stream_recv_by(a, &x, 1, weir_after(0)), WEIR_ETIMEDOUT); /* there is a poller */
    EXPECT_EQ(inherited(), before);
    weir_close(l);
    weir_close(u);
    return 0;
}

static void exec_inherits_nothing(void)
{
    int before = inherited();
    run_and_count(opens_all_kinds, &before);
}

/* ---- F10: each half to its end ------------------------------------------------------------- */

enum { HALF = 300000 };

static int sends_half(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    size_t size = faults_make_slow() ? HALF / 10 : HALF;
    char *bytes = calloc(1, size);
    int rc = weir_stream_send(s, bytes, size, NULL);
    free(bytes);
    return rc < 0 ? rc : weir_stream_send_eof(s);
}

static int receives_half(weir_stream s)
{
    char scrap[1000];
    ssize_t n;
    int sum = 0;
    while ((n = weir_stream_recv(s, scrap, sizeof scrap)) > 0)
        sum += (int)n;
    return n < 0 ? (int)n : sum;
}

/* One ends at once, and still gets all that the other one has; then they change. */
static int half_each(void *arg)
{
    const bool *kind = arg;
    for (int way = 0; way < 2; way++) {
        weir_stream a, b;
        connected_pair(*kind, &a, &b);
        weir_stream ends = way ? a : b, goes_on = way ? b : a;
        EXPECT_RC(weir_stream_send_eof(ends), 0);
        EXPECT_EQ(receives_half(goes_on), 0);
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, sends_half, &goes_on), 0);
        EXPECT_EQ(receives_half(ends), faults_make_slow() ? HALF / 10 : HALF);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(weir_close(a), 0);
        EXPECT_RC(weir_close(b), 0);
    }
    return 0;
}

static void half_close(void)
{
    bool kinds[] = {false, true};
    for (int i = 0; i < 2 * factor(100); i++)
        run_and_count(half_each, &kinds[i & 1]);
}

/* ---- R9: everything is as it was, again and again ------------------------------------------ */

static int mappings(void)
{
    char line[512];
    int n = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        n += strchr(line, '\n') != NULL;
    if (maps)
        fclose(maps);
    return n;
}

static int churns(void *unused)
{
    char c;
    (void)unused;
    for (int i = 0; i < 100; i++) {
        weir_stream a, b;
        connected_pair(i & 1, &a, &b);
        EXPECT_RC(weir_stream_send(a, "x", 1, NULL), 0);
        EXPECT_EQ(weir_stream_recv(b, &c, 1), 1);
        if (i & 2)
            EXPECT_RC(weir_stream_abort(a), 0);
        else
            EXPECT_RC(weir_close(a), 0);
        EXPECT_RC(weir_close(b), 0);
    }
    return 0;
}

static void as_before(void)
{
    enum { SOME = 40 }; /* what allocators and threads have more at one moment than at another */
    int runs = 10 * factor(1000), first = 0;
    for (int i = 0; i < runs; i++) {
        run_and_count(churns, NULL);
        if (i == runs / 2)
            first = mappings();
        test_goes_on();
    }
    EXPECT(mappings() <= first + SOME);
}

TEST_SUITE(load, "io: much of everything",
           {"L4 F086 load: who has connected is accepted", accept_storm},
           {"F13 F092 load: a program that is executed gets no descriptors", exec_inherits_nothing},
           {"F10 F069 F088 load: one half ends, the other one goes on", half_close},
           {"R9 load: descriptors and mappings are as before", as_before});
