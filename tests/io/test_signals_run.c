/* SPDX-License-Identifier: MIT */
/* F125, F126: signals and actors, children, storms, simulated runs. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../channels/child.h"
#include "../channels/kinds.h"
#include "handle.h"
#include "net_test.h"
#include "os_thread.h"
#include "signals_test.h"

/* ---- actors ---------------------------------------------------------------------------------- */

static weir_receiver lost;
static int waited;

static int waits(void *unused)
{
    weir_signal s;
    (void)unused;
    EXPECT_RC(weir_signals(&lost, SIGUSR1, 0), 0);
    waited = weir_recv(lost, &s);
    return 0; /* closed with its owner */
}

/* Before it is received, or while it waits. */
static int cancels(void *unused)
{
    (void)unused;
    for (int early = 0; early < 2; early++) {
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, waits, NULL), 0);
        if (!early)
            weir_settle();
        EXPECT_RC(weir_group_cancel(g, NULL), 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(waited, WEIR_ECANCELED);
        EXPECT_RC(weir_check(lost), WEIR_ECLOSED);
        EXPECT(is_counted(SIGUSR1));
    }
    return 0;
}

static void run_cancels(void)
{
    count_them();
    EXPECT_RC(weir_run(cancels, NULL, NULL), 0);
    counted_again();
}

static int closes_lent(void *rx)
{
    weir_settle();
    return weir_close(*(weir_receiver *)rx);
}

/* Who waits on a handle is told when another one closes it; also its last one. */
static int closed_while_waiting(void *unused)
{
    weir_signal s;
    weir_receiver rx;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_signals(&rx, SIGUSR1, 0), 0);
    EXPECT_RC(weir_spawn(g, closes_lent, &rx), 0);
    EXPECT_RC(weir_recv(rx, &s), WEIR_ECLOSED);
    EXPECT(is_counted(SIGUSR1));
    return weir_group_end(g);
}

static void run_closed_while_waiting(void)
{
    count_them();
    EXPECT_RC(weir_run(closed_while_waiting, NULL, NULL), 0);
    counted_again();
}

static int works(void *unused)
{
    (void)unused;
    return weir_sleep_until(WEIR_NEVER);
}

static int cancel_at_signal(void *group)
{
    weir_signal s;
    weir_receiver rx;
    EXPECT_RC(weir_signals(&rx, SIGUSR1, SIGUSR2, 0), 0);
    EXPECT_RC(weir_signal_inject(&(weir_signal){.number = SIGUSR2}), 0);
    EXPECT_EQ(weir_recv(rx, &s), 1);
    EXPECT_EQ(s.number, SIGUSR2);
    return weir_group_cancel(*(weir_group *)group, "SIGUSR2");
}

static int main_group(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin(), all = weir_group_begin();
    for (int i = 0; i < 5; i++)
        EXPECT_RC(weir_spawn(all, works, NULL), 0);
    EXPECT_RC(weir_spawn(g, cancel_at_signal, &all), 0);
    EXPECT_RC(weir_group_end(all), 0);
    return weir_group_end(g);
}

static void run_main_group(void)
{
    count_them();
    EXPECT_RC(weir_run(main_group, NULL, NULL), 0);
    counted_again();
}

static int receives_one(void *rx)
{
    EXPECT_EQ(received(*(weir_receiver *)rx).number, SIGUSR1);
    return 0;
}

/* Opened before a run, lent to its actors, used after it. */
static void across_runs(void)
{
    weir_receiver rx;
    count_them();
    EXPECT_RC(weir_signals(&rx, SIGUSR1, 0), 0);
    for (int i = 0; i < 2; i++) {
        raise(SIGUSR1);
        EXPECT_RC(weir_run(receives_one, &rx, NULL), 0);
    }
    raise(SIGUSR1);
    EXPECT_EQ(received(rx).number, SIGUSR1);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(atomic_load(&handled), 0);
    counted_again();
}

/* ---- many come and go ------------------------------------------------------------------------ */

enum { ROUNDS = 150 / SLOWNESS + 1, CROWD = 6 };

static int comes_and_goes(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        weir_receiver rx;
        EXPECT_RC(weir_signals(&rx, SIGUSR1, i % 2 ? SIGUSR2 : SIGUSR1, 0), 0);
        weir_receiver clone = weir_receiver_clone(rx);
        if (SIGNALS_ARE_KEPT)
            EXPECT_RC(weir_signal_inject(&(weir_signal){.number = SIGUSR1}), 0);
        else
            kill(getpid(), SIGUSR1);
        EXPECT_EQ(received(rx).number, SIGUSR1);
        EXPECT_RC(weir_close(i % 3 ? rx : clone), 0);
        EXPECT_RC(weir_close(i % 3 ? clone : rx), 0);
    }
    return 0;
}

static int crowd(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    for (int i = 0; i < CROWD; i++)
        EXPECT_RC(weir_spawn(g, comes_and_goes, NULL), 0);
    return weir_group_end(g);
}

/* With one that stays, and with none. */
static void run_crowd(void)
{
    for (int stays = 0; stays < 2; stays++) {
        weir_receiver outside;
        count_them();
        signal(SIGUSR2, SIG_IGN);
        if (stays)
            EXPECT_RC(weir_signals(&outside, SIGUSR1, 0), 0);
        EXPECT_RC(weir_run(crowd, NULL, NULL), 0);
        if (stays) {
            EXPECT_EQ(received(outside).number, SIGUSR1);
            EXPECT_RC(weir_close(outside), 0);
        }
        EXPECT(disposition(SIGUSR2).sa_handler == SIG_IGN);
        EXPECT(is_counted(SIGUSR1));
        await_no_thread();
        signal(SIGUSR1, SIG_DFL);
        signal(SIGUSR2, SIG_DFL);
    }
}

/* ---- storms ---------------------------------------------------------------------------------- */

enum { RAISERS = 4, RAISES = 25000 / SLOWNESS, STORM = RAISERS * RAISES };

static void *raises(void *unused)
{
    for (int i = 0; i < RAISES; i++)
        raise(SIGUSR1);
    return unused;
}

struct taker {
    weir_receiver rx;
    uint64_t told;
};

static int takes_all(void *taker)
{
    struct taker *t = taker;
    while (t->told < STORM)
        t->told += received(t->rx).count;
    return 0;
}

static int two_take(void *takers)
{
    struct taker *t = takers;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, takes_all, (void *)&t[0]), 0);
    EXPECT_RC(weir_spawn(g, takes_all, (void *)&t[1]), 0);
    return weir_group_end(g);
}

/* Each delivery is told to each receiver, however fast they come; what is kept is bounded. */
static void storm(bool meanwhile)
{
    weir_signal_options queue = {100};
    struct taker t[2] = {0};
    pthread_t raiser[RAISERS];
    count_them();
    EXPECT_RC(weir_signals(&t[0].rx, SIGUSR1, 0), 0);
    EXPECT_RC(weir_signals_open(&t[1].rx, (int[]){SIGUSR1}, 1, &queue), 0);
    for (int i = 0; i < RAISERS; i++)
        REQUIRE_EQ(pthread_create(&raiser[i], NULL, raises, NULL), 0);
    for (int i = 0; i < RAISERS && !meanwhile; i++)
        pthread_join(raiser[i], NULL);
    EXPECT(buffered(t[0].rx) <= 1);
    EXPECT(buffered(t[1].rx) <= 101);
    EXPECT_RC(weir_run(two_take, t, NULL), 0);
    for (int i = 0; i < RAISERS && meanwhile; i++)
        pthread_join(raiser[i], NULL);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(t[i].told, STORM);
        EXPECT(nothing_in(t[i].rx));
        EXPECT_RC(weir_close(t[i].rx), 0);
    }
    EXPECT_EQ(atomic_load(&handled), 0);
    counted_again();
}

static void run_storm(void)
{
    storm(true);
    storm(false);
}

/* Until it is closed, or while it is: each is received, or handled as before. */
static void storm_at_close(void)
{
    for (int i = 0; i < 20 / SLOWNESS + 1; i++) {
        weir_receiver rx;
        weir_signal s;
        pthread_t raiser;
        uint64_t told = 0;
        count_them();
        EXPECT_RC(weir_signals(&rx, SIGUSR1, 0), 0);
        REQUIRE_EQ(pthread_create(&raiser, NULL, raises, NULL), 0);
        while (told < 10u * (unsigned)i + 1)
            told += weir_recv(rx, &s) == 1 ? s.count : 0;
        EXPECT_RC(weir_close(rx), 0);
        if (told < RAISES)
            await_handled(1); /* the last one, at least */
        pthread_join(raiser, NULL);
        await_no_thread();
        EXPECT(told + (uint64_t)atomic_load(&handled) <= RAISES);
        counted_again();
    }
}

/* ---- children -------------------------------------------------------------------------------- */

/* What the child gets is not ours, and does what it did before; at once, and after exec. */
static void child_of_fork(void)
{
    weir_receiver rx;
    int status = 0;
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_IGN);
    EXPECT_RC(weir_signals(&rx, SIGUSR1, SIGUSR2, 0), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (disposition(SIGUSR2).sa_handler != SIG_IGN)
            _exit(1);
        raise(SIGUSR2);
        raise(SIGUSR1);
        _exit(0);
    }
    EXPECT_EQ(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)), child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    raise(SIGUSR2);
    EXPECT_EQ(received(rx).number, SIGUSR2); /* and nothing before it */
    EXPECT(nothing_in(rx));
    EXPECT_RC(weir_close(rx), 0);
    await_no_thread();
    signal(SIGUSR2, SIG_DFL);
}

static int child_receives(void)
{
    weir_receiver rx;
    weir_signal s;
    CHECK(weir_signals(&rx, SIGUSR1, 0) == 0);
    raise(SIGUSR1);
    CHECK(weir_recv(rx, &s) == 1 && s.count == 1);
    raise(SIGUSR1);
    CHECK(weir_close(rx) == 0); /* the default: it ends here, or soon */
    for (;;)
        sched_yield();
}

/* What nobody received before the close is as after it: here the end. */
static void left_over_ends(void)
{
    if (SIGNALS_ARE_KEPT)
        return;
    fflush(NULL);
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(child_receives());
    EXPECT_EQ(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)), child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}

static int table_full(void)
{
    weir_receiver rx, timer[1024];
    struct sigaction a;
    CHECK(weir_signals(&rx, SIGUSR2, 0) == 0 && weir_close(rx) == 0);
    weir__slots.free = NULL; /* what earlier tests have left */
    weir__slots.fresh = weir__slots.mask + 1;
    unsigned n = 0;
    while (weir_check(timer[n] = weir_timer_open(0)) == 0 && ++n < 1024)
        ;
    CHECK(weir_signals(&rx, SIGUSR1, 0) == WEIR_ENFILE && weir_check(rx) == WEIR_ENFILE);
    CHECK(sigaction(SIGUSR1, NULL, &a) == 0 && a.sa_handler == SIG_DFL);
    CHECK(weir_close(timer[0]) == 0);
    return 0;
}

static void run_table_full(void)
{
    if (!SIGNALS_ARE_KEPT) /* nor may a child start threads */
        EXPECT_CHILD(table_full);
}

/* ---- idle ------------------------------------------------------------------------------------ */

static int parked(void *ready)
{
    weir_receiver rx;
    EXPECT_RC(weir_signals(&rx, SIGTERM, 0), 0);
    if (write(*(int *)ready, "", 1) != 1)
        return 1;
    weir_signal s = received(rx);
    return s.number == SIGTERM && s.pid == getppid() ? 0 : 2;
}

static bool read_file(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, size - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = 0;
    return n > 0;
}

/* Does each thread sleep without a time when it ends? And how often have they run so far? */
static bool all_sleep(pid_t process, unsigned long *turns, unsigned *threads)
{
    char path[300], text[4096];
    bool all = true;
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *tasks = opendir(path);
    *turns = *threads = 0;
    for (struct dirent *d; tasks && all && (d = readdir(tasks));) {
        unsigned long a[4];
        long number;
        if (d->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/syscall", (int)process, d->d_name);
        all = read_file(path, text, sizeof text) &&
              sscanf(text, "%ld %lx %lx %lx %lx", &number, &a[0], &a[1], &a[2], &a[3]) == 5 &&
              number == SYS_futex && a[3] == 0;
        snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)process, d->d_name);
        const char *line = read_file(path, text, sizeof text) ? text : "";
        for (; (line = strstr(line, "ctxt_switches:")); line++)
            *turns += strtoul(line + strlen("ctxt_switches:"), NULL, 10);
        ++*threads;
    }
    if (tasks)
        closedir(tasks);
    return all;
}

static bool can_observe(void)
{
    char text[256];
    return !SIGNALS_ARE_KEPT && read_file("/proc/thread-self/syscall", text, sizeof text) &&
           strtol(text, NULL, 10) == SYS_read;
}

/* Two workers and the thread for signals sleep; a signal from outside goes to who waits. */
static void idle(void)
{
    int ready[2];
    unsigned long before, after;
    unsigned threads;
    char byte;
    if (!can_observe())
        return;
    REQUIRE(pipe(ready) == 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int status = weir_run(parked, &ready[1], &(weir_options){.workers = 2});
        child_keeps_coverage();
        _exit(status);
    }
    EXPECT_EQ(TEMP_FAILURE_RETRY(read(ready[0], &byte, 1)), 1);
    do {
        while (!all_sleep(child, &before, &threads))
            sched_yield();
    } while (!all_sleep(child, &after, &threads) || before != after);
    EXPECT_EQ(threads, 3);
    EXPECT_EQ(kill(child, SIGTERM), 0);
    EXPECT_EQ(status_of(child), 0);
    close(ready[0]);
    close(ready[1]);
}

/* The thread is there while receivers are. */
static void thread_goes(void)
{
    weir_receiver a, b;
    signal(SIGUSR1, SIG_DFL);
    for (int i = 0; i < 3; i++) {
        await_no_thread();
        uint32_t without = os_threads();
        EXPECT_RC(weir_signals(&a, SIGUSR1, 0), 0);
        EXPECT_RC(weir_signals(&b, SIGUSR1, 0), 0);
        EXPECT_EQ(os_threads(), without + 1);
        EXPECT_RC(weir_close(a), 0);
        raise(SIGUSR1);
        EXPECT_EQ(received(b).number, SIGUSR1);
        EXPECT_RC(weir_close(b), 0);
    }
    await_no_thread();
}

/* ---- simulated runs -------------------------------------------------------------------------- */

enum { INJECTIONS = 20, LISTENERS = 3 };

static struct {
    int heard[LISTENERS * INJECTIONS];
    int n;
} story;

static int listens(void *number)
{
    weir_receiver rx;
    EXPECT_RC(weir_signals(&rx, SIGUSR1, SIGUSR2, 0), 0);
    for (;;) {
        weir_signal s = received(rx);
        story.heard[story.n++] = (int)(intptr_t)number * 1000 + (int)s.count * 100 + (int)s.value;
        if (s.number == SIGUSR2)
            return weir_close(rx);
        weir_yield();
    }
}

static int injects(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    for (intptr_t i = 0; i < LISTENERS; i++)
        EXPECT_RC(weir_spawn(g, listens, (void *)i), 0);
    EXPECT_RC(weir_settle(), 0); /* to wait for a signal is no dead lock */
    EXPECT_EQ(weir_deadlocked(NULL), 0);
    for (int i = 0; i < INJECTIONS; i++) {
        weir_signal s = {.number = i < INJECTIONS - 1 ? SIGUSR1 : SIGUSR2, .value = i};
        EXPECT_RC(weir_signal_inject(&s), 0);
        weir_yield();
    }
    return weir_group_end(g);
}

/* The same seed tells the same, and another one something else. */
static void simulated(void)
{
    int first[LISTENERS * INJECTIONS], same = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        weir_options options = {.simulate = true, .seed = seed};
        for (int i = 0; i < 2; i++) {
            memset(&story, 0, sizeof story);
            EXPECT_RC(weir_run(injects, NULL, &options), 0);
            if (i == 0)
                memcpy(first, story.heard, sizeof first);
            EXPECT(story.n >= LISTENERS);
            EXPECT(memcmp(first, story.heard, sizeof first) == 0);
        }
        static int last[LISTENERS * INJECTIONS];
        same += memcmp(first, last, sizeof first) == 0;
        memcpy(last, first, sizeof first);
    }
    EXPECT(same < 9);
}

/* While all are parked a signal may come: it is waited for, in real time. */
static void *raises_one(void *process)
{
    kill(*(pid_t *)process, SIGUSR1);
    return NULL;
}

static int waits_for_real(void *raiser)
{
    pid_t me = getpid();
    weir_receiver rx;
    EXPECT_RC(weir_signals(&rx, SIGUSR1, 0), 0);
    EXPECT_EQ(pthread_create(raiser, NULL, raises_one, &me), 0);
    EXPECT_EQ(received(rx).number, SIGUSR1);
    return weir_close(rx);
}

static void simulated_from_outside(void)
{
    pthread_t raiser;
    EXPECT_RC(weir_run(waits_for_real, &raiser, &(weir_options){.simulate = true, .seed = 1}), 0);
    pthread_join(raiser, NULL);
}

TEST_SUITE(signals_run, "io: signals, actors and processes",
           {"F125 signals: cancelled, closed with the owner", run_cancels},
           {"F125 signals: closed by another one", run_closed_while_waiting},
           {"F126 signals: one cancels the main group", run_main_group},
           {"F125 signals: before, in and after runs", across_runs},
           {"F125 signals: many come and go", run_crowd},
           {"F125 signals: 100,000 of several threads, none lost", run_storm},
           {"F125 signals: a storm over the close", storm_at_close},
           {"F125 signals: a child of fork", child_of_fork},
           {"F125 signals: left over, with a default that ends", left_over_ends},
           {"F125 signals: no entry in the handle table", run_table_full},
           {"F125 signals: all threads sleep until one comes", idle},
           {"F125 signals: the thread goes with the last receiver", thread_goes},
           {"F125 signals: injected in simulated runs", simulated},
           {"F125 signals: a simulated run waits for one", simulated_from_outside});
