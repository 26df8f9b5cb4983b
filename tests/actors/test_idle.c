/* SPDX-License-Identifier: MIT */
/*
 * test_idle.c - an idle runtime makes no system call.
 *
 * A child process parks its actors; this one watches it through /proc. When every thread of it
 * sits in a futex wait without a timeout (its plain thread: in the read that ends the test), and
 * none has run between two looks, then none will ever make a system call before somebody from
 * outside wants something. That is what idle means, and no time has to be waited for it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <weir/weir.h>

#include "../channels/child.h"
#include "expect.h"
#include "stack.h"

#if defined(WEIR_ASAN) || defined(WEIR_TSAN)
enum { CROWD = 1000 };
#else
enum { CROWD = 10000 };
#endif

/* ---- the child ------------------------------------------------------------------------- */

struct gate {
    weir_receiver opens;
    weir_sender here;
};

static unsigned workers;
static int input;

static int wait_at_gate(void *arg)
{
    const struct gate *g = arg;
    uint64_t item = 1;
    int rc = weir_send(g->here, &item);
    return rc < 0 ? rc : weir_recv(g->opens, &item);
}

static void *wait_for_input(void *sender)
{
    uint64_t item = 1;
    char byte;
    while (read(input, &byte, 1) < 0 && errno == EINTR)
        ;
    return weir_send(*(weir_sender *)sender, &item) == 0 ? sender : NULL;
}

/* n actors are parked; then, if so wanted, the caller too, until the input ends. */
static int park(unsigned n, bool until_input)
{
    struct gate g;
    weir_sender open, end;
    weir_receiver here, ends;
    pthread_t thread;
    uint64_t item;
    void *sent = &end;
    CHECK(weir_channel_open(&open, &g.opens, sizeof item, 1, NULL) == 0);
    CHECK(weir_channel_open(&g.here, &here, sizeof item, 16, NULL) == 0);
    CHECK(weir_channel_open(&end, &ends, sizeof item, 1, NULL) == 0);
    weir_group all = weir_group_begin();
    for (unsigned i = 0; i < n; i++)
        CHECK(weir_spawn(all, wait_at_gate, (void *)&g) == 0);
    for (unsigned i = 0; i < n; i++)
        CHECK(weir_recv(here, &item) == 1);
    if (until_input) {
        CHECK(pthread_create(&thread, NULL, wait_for_input, &end) == 0);
        CHECK(weir_recv(ends, &item) == 1);
        CHECK(pthread_join(thread, &sent) == 0);
    }
    CHECK(sent != NULL && weir_close(open) == 0 && weir_group_end(all) == 0);
    return 0;
}

/* After a peak, so that there is something to be given back, too. */
static int parks(void *unused)
{
    (void)unused;
    CHECK(park(3 * CROWD, false) == 0);
    return park(CROWD, true);
}

static void ignore(const weir_log_record *record, void *unused)
{
    (void)record;
    (void)unused;
}

static int child(bool logs)
{
    weir__trim_after = 5 * WEIR_MS;
    if (logs)
        weir_set_log(ignore, NULL); /* then it looks for dead locks, once */
    return weir_run(parks, NULL, &(weir_options){.workers = workers});
}

/* ---- the observer ---------------------------------------------------------------------- */

static bool read_file(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, size - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = 0;
    return n > 0;
}

/* Does this thread wait for what only others can do? And how often has it run so far? */
static bool waits(pid_t process, const char *thread, bool *reads, unsigned long *turns)
{
    char path[300], text[4096];
    long number;
    unsigned long a[4];
    snprintf(path, sizeof path, "/proc/%d/task/%s/syscall", (int)process, thread);
    if (!read_file(path, text, sizeof text) ||
        sscanf(text, "%ld %lx %lx %lx %lx", &number, &a[0], &a[1], &a[2], &a[3]) != 5)
        return false;
    *reads = number == SYS_read;
    if (!*reads && (number != SYS_futex || a[3] != 0)) /* a[3]: the time when it ends */
        return false;
    snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)process, thread);
    const char *line = read_file(path, text, sizeof text) ? text : "";
    for (; (line = strstr(line, "ctxt_switches:")); line++)
        *turns += strtoul(line + strlen("ctxt_switches:"), NULL, 10);
    return true;
}

/* All threads wait, one of them in read(): how many, and how often they have run. */
static unsigned all_wait(pid_t process, unsigned long *turns)
{
    char path[64];
    unsigned threads = 0, readers = 0;
    bool reads = false, all = true;
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *tasks = opendir(path);
    *turns = 0;
    for (struct dirent *d; tasks && all && (d = readdir(tasks));) {
        if (d->d_name[0] == '.')
            continue;
        all = waits(process, d->d_name, &reads, turns);
        threads++;
        readers += reads;
    }
    if (tasks)
        closedir(tasks);
    return all && readers == 1 ? threads : 0;
}

/* How many threads wait, seen twice with nobody having run in between. */
static unsigned await_idle(pid_t process)
{
    unsigned long before, after;
    for (;;) {
        unsigned threads = all_wait(process, &before);
        if (threads > 0 && all_wait(process, &after) == threads && before == after)
            return threads;
        siginfo_t ended = {.si_pid = 0};
        if (waitid(P_PID, (id_t)process, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 || ended.si_pid)
            return 0; /* it has failed */
        sched_yield();
    }
}

/*
 * Not where that file cannot be read, nor under an emulator: it shows another machine's calls;
 * nor with ThreadSanitizer, which has a thread of its own that wakes up by time.
 */
static bool can_observe(void)
{
#if defined(WEIR_TSAN)
    bool can = false;
#else
    char text[256];
    bool can = read_file("/proc/thread-self/syscall", text, sizeof text) &&
               strtol(text, NULL, 10) == SYS_read;
#endif
    if (!can)
        printf("(skipped: no /proc/PID/task/TID/syscall, or other threads) ");
    return can;
}

static void idle_with(unsigned n, bool logs)
{
    int ends[2], status = -1;
    REQUIRE(pipe(ends) == 0);
    workers = n;
    input = ends[0];
    fflush(NULL);
    pid_t process = fork();
    REQUIRE(process >= 0);
    if (process == 0) {
        close(ends[1]);
        status = child(logs);
        child_keeps_coverage();
        _exit(status);
    }
    close(ends[0]);
    EXPECT_EQ(await_idle(process), n + 1);
    close(ends[1]);
    EXPECT(waitpid(process, &status, 0) == process);
    EXPECT_EQ(status, 0);
}

static void idle(void)
{
    if (!can_observe())
        return;
    idle_with(1, false);
    idle_with(2, false);
    idle_with(8, false);
}

static void idle_with_log(void)
{
    if (!can_observe())
        return;
    idle_with(1, true);
    idle_with(2, true);
}

TEST_SUITE(idle, "actors: idle means idle",
           {"idle: no system call with 10,000 parked actors", idle},
           {"idle: nor with a log hook", idle_with_log});
