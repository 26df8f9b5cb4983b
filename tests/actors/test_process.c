/* SPDX-License-Identifier: MIT */
/*
 * test_process.c - weir/process.h: functions in processes of their own.
 *
 * A function tells the test something, and waits for it, by pipes of the test's, which it opens
 * where /proc shows them: no descriptor of the test is left in a worker process.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../channels/refused.h"
#include "handle.h"
#include "primitives.h"
#include "processes/process.h"
#include "processes/wire.h"

/* ---- in worker processes -------------------------------------------------------------------- */

static void become_worker(char **argv)
{
    const char *how = getenv(WIRE_VARIABLE) ? getenv("WEIR_TEST_WORKER") : NULL;
    if (how && strcmp(how, "never comes up") == 0)
        pause();
    if (how && strcmp(how, "exits") == 0)
        exit(5);
    if (how && strcmp(how, "says something else") == 0)
        dprintf(WIRE_SOCKET, "good evening, this is no worker process but somebody else's");
    weir_process_main(argv);
}

__attribute__((constructor)) static void enter(void)
{
    test_first(become_worker);
}

/* Two pipes of the test's: to tell, and to be told. */
struct pipes {
    int told[2], go[2];
};

struct order {
    struct pipes pipes;
    int number;
};

static int opened(int fd, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getppid(), fd);
    return open(path, flags | O_CLOEXEC);
}

static void tells(const struct pipes *p, int number)
{
    int fd = opened(p->told[1], O_WRONLY);
    if (write(fd, &number, sizeof number) != sizeof number)
        _exit(99);
    close(fd);
}

static int sum(const void *request, size_t size, void *reply, size_t room)
{
    const int *n = request;
    int total = 0;
    for (size_t i = 0; i < size / sizeof *n; i++)
        total += n[i];
    if (room < sizeof total || (room > sizeof total && ((char *)reply)[room - 1] != 0))
        return WEIR_EINVAL;
    memcpy(reply, &total, sizeof total);
    return sizeof total;
}
WEIR_PROCESS(sum);

static int who(const void *request, size_t size, void *reply, size_t room)
{
    (void)request;
    (void)size;
    int pid = getpid();
    memcpy(reply, &pid, room < sizeof pid ? room : sizeof pid);
    return sizeof pid;
}
WEIR_PROCESS(who);

static int fails(const void *request, size_t size, void *reply, size_t room)
{
    (void)reply;
    (void)room;
    return size == sizeof(int) ? *(const int *)request : WEIR_EINVAL;
}
WEIR_PROCESS(fails);

/* What is larger than socket buffers, both ways. */
static int reverse(const void *request, size_t size, void *reply, size_t room)
{
    for (size_t i = 0; i < size && i < room; i++)
        ((char *)reply)[i] = ((const char *)request)[size - 1 - i];
    return (int)size;
}
WEIR_PROCESS(reverse);

enum { EXITS = 1000, CLOSES, NONSENSE, TOO_MUCH, TWICE, LEAVES_A_CHILD };

/* At once; to the first request. */
static void answer_by_hand(int times, size_t size)
{
    const struct wire w = {.magic = WIRE_REPLY, .number = 1, .size = size, .rc = (int32_t)size};
    const struct wire answers[2] = {w, w};
    if (write(WIRE_SOCKET, answers, (size_t)times * sizeof w) > 0)
        pause();
}

/* The number says how. It is the first call of its process. */
static int crashes(const void *request, size_t size, void *reply, size_t room)
{
    const struct order *o = request;
    (void)size;
    if (o->number < EXITS)
        raise(o->number);
    if (o->number == EXITS)
        exit(7);
    if (o->number == CLOSES && close(WIRE_SOCKET) == 0)
        pause();
    if (o->number == NONSENSE && dprintf(WIRE_SOCKET, "%100s", "") > 0)
        pause();
    if (o->number == TOO_MUCH)
        answer_by_hand(1, room + 1);
    if (o->number == TWICE)
        answer_by_hand(2, 0);
    if (o->number == LEAVES_A_CHILD) {
        pid_t child = fork();
        if (child > 0)
            tells(&o->pipes, child);
        if (child > 0)
            raise(SIGKILL);
        pause();
    }
    memset(reply, 0, room);
    return 0;
}
WEIR_PROCESS(crashes);

/* Tells its process's id, and waits. */
static int hold(const void *request, size_t size, void *reply, size_t room)
{
    const struct order *o = request;
    int go = opened(o->pipes.go[0], O_RDONLY), pid = getpid(), n = -1;
    (void)size;
    tells(&o->pipes, pid);
    if (o->number == SIGSTOP)
        raise(SIGSTOP);
    if (read(go, &n, sizeof n) != sizeof n)
        return WEIR_EINVAL;
    close(go);
    if (room == sizeof pid)
        memcpy(reply, &pid, sizeof pid);
    return (int)room;
}
WEIR_PROCESS(hold);

struct surroundings {
    int descriptors, blocked, ignored, handled, group, null, mark;
    char name[32], variable[32];
};

static bool is_null(int fd)
{
    struct stat s, null;
    return fstat(fd, &s) == 0 && stat("/dev/null", &null) == 0 && s.st_rdev == null.st_rdev;
}

static int look(const void *request, size_t size, void *reply, size_t room)
{
    struct surroundings *s = reply;
    struct sigaction a;
    sigset_t mask;
    struct dirent *e;
    (void)request;
    (void)size;
    DIR *d = opendir("/proc/self/fd");
    while (d && (e = readdir(d)))
        s->descriptors += e->d_name[0] != '.';
    closedir(d);
    s->descriptors--; /* that of the folder */
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int i = 1; i < 32; i++) {
        s->blocked += sigismember(&mask, i);
        sigaction(i, NULL, &a);
        s->ignored += a.sa_handler == SIG_IGN;
        s->handled += i == SIGUSR1 && a.sa_handler != SIG_DFL;
    }
    s->group = getpgrp() == getpid();
    s->null = is_null(0) && is_null(1) && is_null(2);
    s->mark = getenv(WIRE_VARIABLE) != NULL;
    prctl(PR_GET_NAME, s->name);
    snprintf(s->variable, sizeof s->variable, "%s",
             getenv("WEIR_TEST_SEEN") ? getenv("WEIR_TEST_SEEN") : "");
    return (int)room;
}
WEIR_PROCESS(look);

static int asks_another(void *pid)
{
    return weir_process_call(who, *(int **)pid, NULL);
}

/* A worker process with a run, and a worker process, of its own. */
static int nests(const void *request, size_t size, void *reply, size_t room)
{
    int pid = 0, *p = &pid;
    (void)request;
    (void)size;
    int rc = weir_run(asks_another, &p, NULL);
    memcpy(reply, &pid, room);
    return rc < 0 ? rc : pid == getpid() ? WEIR_EBUSY : (int)room;
}
WEIR_PROCESS(nests);

static void never_returns(void)
{
    for (;;)
        pause();
}

static int will_not_exit(const void *request, size_t size, void *reply, size_t room)
{
    (void)request;
    (void)size;
    (void)reply;
    (void)room;
    return atexit(never_returns);
}
WEIR_PROCESS(will_not_exit);

static int not_registered(const void *request, size_t size, void *reply, size_t room)
{
    return who(request, size, reply, room);
}

/* ---- in the test --------------------------------------------------------------------------- */

static struct pipes pipes;
static struct process_limits limits_before;
static weir_time patience_before;
static char said_text[256], said_actor[16];
static atomic_int times_said;

static void hear(const weir_log_record *r, void *unused)
{
    (void)unused;
    if (r->kind != WEIR_LOG_PROCESS)
        return;
    snprintf(said_text, sizeof said_text, "%s", r->text);
    snprintf(said_actor, sizeof said_actor, "%s", r->actor);
    atomic_fetch_add(&times_said, 1);
}

static int open_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/*
 * errno is another one after an actor has waited, and compilers keep its address: what looks at it
 * is not inlined.
 */
__attribute__((noinline)) static bool is_gone(int pid)
{
    return kill(pid, 0) < 0 && errno == ESRCH;
}

/* No child, alive or dead. */
__attribute__((noinline)) static bool childless(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

static weir_process_statistics counts(void)
{
    weir_process_statistics s = {0};
    EXPECT_RC(weir_process_statistics_get(&s), 0);
    return s;
}

static void open_pipes(void)
{
    REQUIRE(pipe2(pipes.told, O_CLOEXEC | O_NONBLOCK) == 0);
    REQUIRE(pipe2(pipes.go, O_CLOEXEC) == 0);
}

static void close_pipes(void)
{
    for (int i = 0; i < 2; i++) {
        close(pipes.told[i]);
        close(pipes.go[i]);
    }
}

__attribute__((noinline)) static bool told(int *n)
{
    return read(pipes.told[0], n, sizeof *n) >= 0 || (errno != EAGAIN && errno != EINTR);
}

static int next_told(void)
{
    int n = -1;
    while (!told(&n))
        let_others_run();
    return n;
}

static void go_on(void)
{
    int n = 1;
    EXPECT(write(pipes.go[1], &n, sizeof n) == sizeof n);
}

static struct order order(int number)
{
    return (struct order){pipes, number};
}

/* A run of it; afterwards no process and no descriptor of it is left. */
static void run_alone(weir_body body)
{
    int before = open_descriptors();
    limits_before = weir__process_limits;
    patience_before = weir__process_crew.patience;
    atomic_store(&times_said, 0);
    weir_set_log(hear, NULL);
    EXPECT_RC(weir_run(body, NULL, NULL), 0);
    weir_set_log(NULL, NULL);
    weir__process_limits = limits_before;
    weir__process_crew.patience = patience_before;
    EXPECT_EQ(counts().processes, 0);
    EXPECT_EQ(counts().idle, 0);
    EXPECT(childless());
    EXPECT_EQ(open_descriptors(), before);
}

static void run_with_pipes(weir_body body)
{
    open_pipes();
    run_alone(body);
    close_pipes();
}

static int next_pid(void)
{
    int pid = 0;
    EXPECT_RC(weir_process_call(who, &pid, NULL), sizeof pid);
    EXPECT(pid != getpid());
    return pid;
}

/* ---- calls ------------------------------------------------------------------------------------
 */

static int sums(void *unused)
{
    int n[3] = {1, 20, 300}, total = 0, error = WEIR_EPIPE;
    (void)unused;
    EXPECT_RC(weir_process_call(sum, &total, &n), sizeof total);
    EXPECT_EQ(total, 321);
    EXPECT_RC(weir_process_call(sum, &total, NULL), sizeof total);
    EXPECT_EQ(total, 0);
    EXPECT_RC(weir_process_call(fails, (void *)NULL, &error), WEIR_EPIPE);
    error = WEIR_ECRASHED; /* the function's own */
    EXPECT_RC(weir_process_call(fails, (void *)NULL, &error), WEIR_ECRASHED);
    error = 0;
    EXPECT_RC(weir_process_call(fails, (void *)NULL, &error), 0);
    EXPECT_EQ(atomic_load(&times_said), 0);
    weir_process_statistics s = counts();
    EXPECT_EQ(s.started, 1);
    EXPECT_EQ(s.processes, 1);
    EXPECT_EQ(s.idle, 1);
    EXPECT_EQ(s.crashed + s.killed, 0);
    return 0;
}

static void by_copy(void)
{
    run_alone(sums);
}

static int sends_much(void *unused)
{
    enum { MUCH = 3 << 20 };
    static char out[MUCH], in[MUCH];
    (void)unused;
    for (size_t i = 0; i < MUCH; i++)
        out[i] = (char)(i * 7 / 5);
    EXPECT_RC(weir_process_call(reverse, &in, &out), MUCH);
    size_t same = 0;
    while (same < MUCH && in[same] == out[MUCH - 1 - same])
        same++;
    EXPECT_EQ(same, MUCH);
    EXPECT_RC(
        weir_process_call_sized(reverse, in, 100, 101, &(weir_process_options){.request = out}),
        WEIR_EMSGSIZE);
    EXPECT_RC(
        weir_process_call_sized(reverse, in, 100, 100, &(weir_process_options){.request = out}),
        100);
    EXPECT_RC(weir_process_call_sized(reverse, NULL, 0, 1, &(weir_process_options){.request = out}),
              WEIR_EMSGSIZE);
    EXPECT_EQ(counts().started, 1);
    return 0;
}

static void sizes(void)
{
    run_alone(sends_much);
}

static int looks_around(void *unused)
{
    struct surroundings s = {0};
    (void)unused;
    EXPECT_RC(weir_process_call(look, &s, NULL), sizeof s);
    EXPECT_EQ(s.descriptors, 4);
    EXPECT_EQ(s.blocked, 0);
    EXPECT_EQ(s.ignored, 0);
    EXPECT_EQ(s.handled, 0);
    EXPECT_EQ(s.group, 1);
    EXPECT_EQ(s.null, 1);
    EXPECT_EQ(s.mark, 0);
    EXPECT_STR(s.name, "weir-worker");
    EXPECT_STR(s.variable, "by the worker");
    return 0;
}

static void on_signal(int number)
{
    (void)number;
}

/* With descriptors that are not closed on exec, and signals of the program's own. */
static void surroundings(void)
{
    int stray = open("/dev/null", O_RDONLY), high = dup2(stray, 200);
    struct sigaction pipe_before, user_before, mine = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &mine, &user_before);
    mine.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &mine, &pipe_before);
    setenv("WEIR_TEST_SEEN", "by the worker", 1);
    run_alone(looks_around);
    unsetenv("WEIR_TEST_SEEN");
    sigaction(SIGUSR1, &user_before, NULL);
    sigaction(SIGPIPE, &pipe_before, NULL);
    close(stray);
    close(high);
}

static int calls_nested(void *unused)
{
    int pid = 0;
    (void)unused;
    EXPECT_RC(weir_process_call(nests, &pid, NULL), sizeof pid);
    EXPECT(pid != getpid());
    return 0;
}

static void nested(void)
{
    run_alone(calls_nested);
}

static int here_pid;

static int calls_simulated(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_process_call(who, &here_pid, NULL), sizeof here_pid);
    EXPECT_EQ(here_pid, getpid());
    char small;
    EXPECT_RC(weir_process_call(who, &small, NULL), WEIR_EMSGSIZE);
    EXPECT_RC(weir_process_call(who, &here_pid, NULL, .deadline = weir_now()), WEIR_ETIMEDOUT);
    weir_scope s = weir_scope_begin();
    weir_scope_cancel(s, NULL);
    EXPECT_RC(weir_process_call(who, &here_pid, NULL), WEIR_ECANCELED);
    EXPECT_EQ(weir_scope_end(s), 1);
    weir_auto(weir_blocking) one = weir_blocking_open(1);
    EXPECT_RC(weir_process_call(who, &here_pid, NULL, .in = one), sizeof here_pid);
    weir_close(one);
    EXPECT_RC(weir_process_call(who, &here_pid, NULL, .in = one), WEIR_ECLOSED);
    EXPECT_EQ(counts().started, 0);
    return 0;
}

static void simulated(void)
{
    const weir_options o = {.simulate = true};
    EXPECT_RC(weir_run(calls_simulated, NULL, &o), 0);
}

/* ---- which process ----------------------------------------------------------------------------
 */

static int reuses(void *unused)
{
    (void)unused;
    int first = next_pid();
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(next_pid(), first);
    EXPECT_EQ(counts().started, 1);
    return 0;
}

static void reused(void)
{
    run_alone(reuses);
}

static atomic_int held_pid[3];

static int holds(void *number)
{
    int i = *(int *)number;
    struct order o = order(0);
    int pid = 0;
    EXPECT_RC(weir_process_call(hold, &pid, &o), sizeof pid);
    atomic_store(&held_pid[i], pid);
    return 0;
}

static void copy_held(int *to)
{
    for (int i = 0; i < 3; i++)
        to[i] = atomic_load(&held_pid[i]);
}

static bool held_are(const int *before)
{
    int now[3];
    copy_held(now);
    return memcmp(before, now, sizeof now) == 0;
}

static void await_idle(uint32_t n)
{
    while (counts().idle != n)
        let_others_run();
}

static int uses_most_recent(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_blocking_resize(weir_process_default(), 3), 0);
    weir_group g = weir_group_begin();
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(g, holds, &i), 0);
    for (int i = 0; i < 3; i++)
        next_told();
    EXPECT_EQ(counts().processes, 3);
    EXPECT_EQ(counts().idle, 0);
    int last = 0;
    for (int i = 0; i < 3; i++)
        atomic_store(&held_pid[i], 0);
    for (uint32_t i = 0; i < 3; i++) {
        int before[3];
        copy_held(before);
        go_on();
        await_idle(i + 1);
        int now = next_pid(); /* the only one that has come back, or the last */
        for (int j = 0; j < 3; j++)
            EXPECT(before[j] == 0 || before[j] != now);
        EXPECT(now != last);
        last = now;
        while (held_are(before))
            let_others_run();
    }
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(counts().started, 3);
    EXPECT_EQ(next_pid(), last);
    return 0;
}

static void most_recent(void)
{
    run_with_pipes(uses_most_recent);
}

static int waits_for_the_end(void *unused)
{
    (void)unused;
    weir__process_crew.patience = 10 * WEIR_MS;
    int first = next_pid();
    while (counts().processes > 0)
        let_others_run();
    EXPECT(childless());
    EXPECT(next_pid() != first);
    EXPECT_EQ(counts().started, 2);
    EXPECT_EQ(counts().crashed + counts().killed, 0);
    return 0;
}

static void idle_for_long(void)
{
    run_alone(waits_for_the_end);
}

/* As the system may, when memory is short. */
static int kills_idle(void *unused)
{
    (void)unused;
    int first = next_pid();
    EXPECT_EQ(kill(first, SIGKILL), 0);
    siginfo_t info; /* dead, but for him who has started it to say so */
    EXPECT_EQ(waitid(P_PID, (id_t)first, &info, WEXITED | WNOWAIT), 0);
    EXPECT(next_pid() != first);
    EXPECT_EQ(counts().crashed, 1);
    EXPECT_EQ(atomic_load(&times_said), 0); /* no call has come to harm */
    return 0;
}

static void killed_while_idle(void)
{
    run_alone(kills_idle);
}

enum { CALLERS = 6, EACH = 15 };

static int calls_many(void *class)
{
    for (int i = 0; i < EACH; i++) {
        int n[2] = {i, 1}, total = 0;
        EXPECT_RC(weir_process_call(sum, &total, &n, .in = *(weir_blocking *)class), sizeof total);
        EXPECT_EQ(total, i + 1);
        EXPECT(counts().processes <= 2);
    }
    return 0;
}

static int many_call(void *unused)
{
    (void)unused;
    weir_auto(weir_blocking) two = weir_blocking_open(2);
    weir_group g = weir_group_begin();
    for (int i = 0; i < CALLERS; i++)
        EXPECT_RC(weir_spawn(g, calls_many, &two), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT(counts().started <= 2);
    weir_blocking_statistics s;
    EXPECT_RC(weir_blocking_statistics_of(two, &s), 0);
    EXPECT_EQ(s.calls, CALLERS * EACH);
    EXPECT_EQ(s.running, 0);
    return 0;
}

static void never_more_than_places(void)
{
    run_alone(many_call);
}

/* ---- crashes -----------------------------------------------------------------------------------
 */

static void expect_crash(int number, const char *text, int status)
{
    struct order o = order(number);
    int reply = 0, before = atomic_load(&times_said), n = 2, total = 0;
    char end[64];
    EXPECT_RC(weir_process_call(crashes, &reply, &o), WEIR_ECRASHED);
    EXPECT_EQ(atomic_load(&times_said), before + 1);
    EXPECT(strncmp(said_text, "crashes: worker process ", 24) == 0);
    EXPECT_STR(said_actor, "main");
    snprintf(end, sizeof end, text, status);
    if (!strstr(said_text, end))
        FAIL(said_text);
    EXPECT_RC(weir_process_call(sum, &total, &n), sizeof total); /* by a fresh one */
    EXPECT_EQ(total, 2);
}

static int crash_in_all_ways(void *unused)
{
    (void)unused;
    expect_crash(SIGKILL, "ended: signal %d (", SIGKILL);
    expect_crash(SIGTERM, "ended: signal %d (", SIGTERM);
    expect_crash(SIGABRT, "ended: signal %d (", SIGABRT);
    expect_crash(EXITS, "ended: exit status %d", 7);
    expect_crash(CLOSES, "ended: signal %d (", SIGKILL); /* weir's */
    expect_crash(NONSENSE, "answered nonsense: signal %d (", SIGKILL);
    expect_crash(TOO_MUCH, "answered nonsense", 0);
    EXPECT_EQ(counts().crashed, 7);
    EXPECT_EQ(counts().started, 8);
    return 0;
}

static void crashed(void)
{
    run_alone(crash_in_all_ways);
}

/* What it answers besides is not taken for the answer to the next request. */
static int answers_twice(void *unused)
{
    struct order o = order(TWICE);
    int n = 2, total = 0;
    (void)unused;
    EXPECT_RC(weir_process_call(crashes, (void *)NULL, &o), 0);
    EXPECT_RC(weir_process_call(sum, &total, &n), sizeof total);
    EXPECT_EQ(total, 2);
    EXPECT_EQ(counts().started, 2);
    EXPECT_EQ(counts().crashed, 1);
    return 0;
}

static void said_too_much(void)
{
    run_alone(answers_twice);
}

/* Its child has the socket still, and does not end. */
static int dies_before_child(void *unused)
{
    (void)unused;
    expect_crash(LEAVES_A_CHILD, "ended: signal %d (", SIGKILL);
    EXPECT_EQ(kill(next_told(), SIGKILL), 0);
    return 0;
}

static void with_a_child(void)
{
    run_with_pipes(dies_before_child);
}

/* The program does not want to know of its children, so nobody does. */
static int crashes_unseen(void *unused)
{
    struct order o = order(SIGKILL);
    int reply = 0;
    (void)unused;
    EXPECT_RC(weir_process_call(crashes, &reply, &o), WEIR_ECRASHED);
    EXPECT_EQ(atomic_load(&times_said), 1);
    EXPECT(strstr(said_text, " ended") != NULL);
    EXPECT(next_pid() > 0);
    return 0;
}

static void children_ignored(void)
{
    struct sigaction before, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGCHLD, &ignore, &before);
    run_alone(crashes_unseen);
    sigaction(SIGCHLD, &before, NULL);
}

/* Another child of the program: how it ended is the program's to ask. */
static int has_a_child(void *pid)
{
    expect_crash(SIGKILL, "ended: signal %d (", SIGKILL);
    EXPECT(**(pid_t **)pid > 0);
    return 0;
}

static void others_children(void)
{
    pid_t pid = fork(), *p = &pid;
    int status;
    if (pid == 0)
        _exit(3);
    weir_set_log(hear, NULL);
    EXPECT_RC(weir_run(has_a_child, &p, NULL), 0);
    weir_set_log(NULL, NULL);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    EXPECT(childless());
}

/* ---- coming up ---------------------------------------------------------------------------------
 */

static int does_not_come_up(void *unused)
{
    int pid;
    (void)unused;
    setenv("WEIR_TEST_WORKER", "exits", 1);
    EXPECT_RC(weir_process_call(who, &pid, NULL), WEIR_ECRASHED);
    EXPECT(strstr(said_text, "did not get to weir_process_main(): exit status 5") != NULL);
    setenv("WEIR_TEST_WORKER", "says something else", 1);
    EXPECT_RC(weir_process_call(who, &pid, NULL), WEIR_ECRASHED);
    EXPECT(strstr(said_text, "did not get to weir_process_main()") != NULL);
    weir__process_limits.start = 20 * WEIR_MS;
    setenv("WEIR_TEST_WORKER", "never comes up", 1);
    EXPECT_RC(weir_process_call(who, &pid, NULL), WEIR_ECRASHED);
    EXPECT(strstr(said_text, "did not get to weir_process_main(): signal 9") != NULL);
    weir__process_limits.start = 20 * WEIR_S;
    unsetenv("WEIR_TEST_WORKER");
    EXPECT(next_pid() > 0);
    EXPECT_EQ(counts().crashed, 3);
    EXPECT_EQ(counts().started, 4);
    return 0;
}

static void start_fails(void)
{
    run_alone(does_not_come_up);
}

static int is_late_to_start(void *unused)
{
    int pid;
    (void)unused;
    setenv("WEIR_TEST_WORKER", "never comes up", 1);
    EXPECT_RC(weir_process_call(who, &pid, NULL, .deadline = weir_after(10 * WEIR_MS)),
              WEIR_ETIMEDOUT);
    unsetenv("WEIR_TEST_WORKER");
    EXPECT_EQ(counts().processes, 0);
    EXPECT(counts().killed <= 1);
    EXPECT(next_pid() > 0);
    return 0;
}

static void late_to_start(void)
{
    run_alone(is_late_to_start);
}

static int has_no_descriptors(void *unused)
{
    struct rlimit limit;
    int pid = 0, used = open_descriptors() - 1, refusals = 0, rc;
    (void)unused;
    getrlimit(RLIMIT_NOFILE, &limit);
    for (limit.rlim_cur = (rlim_t)used;; limit.rlim_cur++) {
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        rc = weir_process_call(who, &pid, NULL);
        if (rc == sizeof pid)
            break;
        CHECK(rc == WEIR_EMFILE);
        refusals++;
    }
    CHECK(refusals >= 3);
    CHECK(counts().started == 1 && counts().processes == 1);
    return 0;
}

static int no_descriptors_in_child(void)
{
    int high = 3;
    while (fcntl(high, F_GETFD) >= 0 || fcntl(high + 1, F_GETFD) >= 0)
        high++; /* what is open lies below the limit */
    for (int fd = high; fd < 300; fd++)
        close(fd);
    CHECK(weir_run(has_no_descriptors, NULL, NULL) == 0);
    CHECK(childless());
    return 0;
}

static bool refuse_processes(void)
{
    struct sock_filter program[] = {
        LOAD(nr),
        UNLESS_SKIP(SYS_clone3, 1),
        RETURN(SECCOMP_RET_ERRNO | ENOSYS),
        UNLESS_SKIP(SYS_clone, 3),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x4000 /* CLONE_VFORK */, 0, 1),
        RETURN(SECCOMP_RET_ERRNO | EAGAIN),
        RETURN(SECCOMP_RET_ALLOW),
    };
    return FILTER(program);
}

static bool refuse_programs(void)
{
    struct sock_filter program[] = {
        LOAD(nr),
        UNLESS_SKIP(SYS_execve, 1),
        RETURN(SECCOMP_RET_ERRNO | EACCES),
        RETURN(SECCOMP_RET_ALLOW),
    };
    return FILTER(program);
}

static int refused_error;

static int is_refused(void *unused)
{
    int pid, before = open_descriptors();
    (void)unused;
    for (int i = 0; i < 3; i++)
        CHECK(weir_process_call(who, &pid, NULL) == refused_error);
    CHECK(counts().processes == 0 && counts().started == 0);
    CHECK(open_descriptors() == before);
    return 0;
}

static int no_processes_in_child(void)
{
    if (!refuse_processes())
        return 0;
    refused_error = WEIR_ENOMEM;
    return weir_run(is_refused, NULL, NULL);
}

static int no_programs_in_child(void)
{
    if (!refuse_programs())
        return 0;
    refused_error = WEIR_ECRASHED;
    weir_set_log(hear, NULL);
    CHECK(weir_run(is_refused, NULL, NULL) == 0);
    CHECK(strcmp(said_text, "who: its worker process could not be started") == 0);
    return 0;
}

static void start_refused(void)
{
    EXPECT_CHILD(no_descriptors_in_child);
    EXPECT_CHILD(no_processes_in_child);
    EXPECT_CHILD(no_programs_in_child);
}

static int has_no_handles(void *unused)
{
    int pid;
    (void)unused;
    weir__slots.fresh = weir__slots.mask + 1;
    while (weir_check(weir_event_open()) == 0)
        ;
    CHECK(weir_check(weir_process_default()) == WEIR_ENFILE);
    CHECK(weir_process_call(who, &pid, NULL) == WEIR_ENFILE);
    return 0;
}

static int table_full(void)
{
    CHECK(weir_run(has_no_handles, NULL, NULL) == 0);
    return 0;
}

static void no_handles(void)
{
    EXPECT_CHILD(table_full);
}

/* ---- cancelled, late ----------------------------------------------------------------------------
 */

static int call_result;

static int calls_hold(void *arg)
{
    struct order o = order(*(int *)arg);
    int pid;
    weir_scope s = weir_scope_begin();
    call_result = weir_process_call(hold, &pid, &o);
    EXPECT(weir_cancelled());
    weir_scope_end(s);
    return call_result;
}

/* While it runs, or while it is stopped. */
static void cancel_hold(int number)
{
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, calls_hold, &number), 0);
    int pid = next_told();
    siginfo_t info;
    if (number == SIGSTOP)
        EXPECT_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    weir_group_end(g);
    EXPECT_RC(call_result, WEIR_ECANCELED);
    EXPECT(is_gone(pid)); /* when the call has returned */
}

static int cancels(void *unused)
{
    (void)unused;
    cancel_hold(0);
    EXPECT_EQ(counts().killed, 1);
    cancel_hold(SIGSTOP);
    EXPECT_EQ(counts().killed, 2);
    EXPECT_EQ(counts().processes, 0);
    EXPECT_EQ(counts().crashed, 0);
    EXPECT_EQ(atomic_load(&times_said), 0);
    EXPECT(next_pid() > 0);
    return 0;
}

static void cancelled_running(void)
{
    run_with_pipes(cancels);
}

static int calls_in_line(void *class)
{
    int pid;
    call_result = weir_process_call(who, &pid, NULL, .in = *(weir_blocking *)class);
    return 0;
}

static int cancels_in_line(void *unused)
{
    int pid;
    (void)unused;
    weir_auto(weir_blocking) none = weir_blocking_open(0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, calls_in_line, &none), 0);
    AWAIT_LINE(none, 1);
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    weir_group_end(g);
    EXPECT_RC(call_result, WEIR_ECANCELED);
    EXPECT_RC(weir_process_call(who, &pid, NULL, .in = none, .deadline = weir_after(WEIR_MS)),
              WEIR_ETIMEDOUT);
    weir_scope s = weir_scope_begin();
    weir_scope_cancel(s, NULL);
    EXPECT_RC(weir_process_call(who, &pid, NULL), WEIR_ECANCELED);
    EXPECT_EQ(weir_scope_end(s), 1);
    g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, calls_in_line, &none), 0);
    AWAIT_LINE(none, 1);
    weir_close(none);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(call_result, WEIR_ECLOSED);
    EXPECT_EQ(counts().started, 0);
    return 0;
}

static void cancelled_in_line(void)
{
    run_alone(cancels_in_line);
}

/* It does not read, as it is stopped; the request is larger than the socket's buffer. */
static int writes_to_stopped(void *unused)
{
    enum { MUCH = 4 << 20 };
    static char out[MUCH], in[MUCH];
    siginfo_t info;
    (void)unused;
    int pid = next_pid();
    EXPECT_EQ(kill(pid, SIGSTOP), 0);
    EXPECT_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
    EXPECT_RC(weir_process_call(reverse, &in, &out, .deadline = weir_after(20 * WEIR_MS)),
              WEIR_ETIMEDOUT);
    EXPECT_EQ(counts().killed, 1);
    EXPECT_RC(weir_process_call(reverse, &in, &out), MUCH);
    return 0;
}

static void stopped(void)
{
    run_alone(writes_to_stopped);
}

static int calls_in_a_hurry(void *number)
{
    for (int i = 0; i < 8; i++) {
        int n[2] = {*(int *)number, i}, total = -1;
        weir_time soon = weir_after((weir_time)(*(int *)number * 5 + i * 3) % 11 * 100 * WEIR_US);
        int rc = weir_process_call(sum, &total, &n, .deadline = soon);
        EXPECT(rc == WEIR_ETIMEDOUT || rc == sizeof total);
        if (rc > 0)
            EXPECT_EQ(total, n[0] + n[1]);
        EXPECT_RC(weir_process_call(sum, &total, &n), sizeof total);
        EXPECT_EQ(total, n[0] + n[1]);
    }
    return 0;
}

/* Who is late, at all moments, harms nobody else. */
static int hurries(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    for (int i = 0; i < 6; i++)
        EXPECT_RC(weir_spawn(g, calls_in_a_hurry, &i), 0);
    EXPECT_RC(weir_group_end(g), 0);
    weir_process_statistics s = counts();
    EXPECT_EQ(s.crashed, 0);
    EXPECT_EQ(s.started, s.killed + s.processes);
    return 0;
}

static void at_all_moments(void)
{
    run_alone(hurries);
}

/* ---- the end of the program ------------------------------------------------------------------ */

static int holds_for_ever(void *number)
{
    struct order o = order(*(int *)number);
    int pid;
    weir_process_call(hold, &pid, &o);
    return 0;
}

/* One works, one is stopped, one is idle. */
static int is_killed(void *unused)
{
    int kinds[2] = {0, SIGSTOP};
    (void)unused;
    weir_blocking_resize(weir_process_default(), 3);
    weir_group g = weir_group_begin();
    for (int i = 0; i < 2; i++)
        weir_spawn(g, holds_for_ever, &kinds[i]);
    tells(&pipes, next_pid());
    return weir_group_end(g);
}

static void none_outlives(void)
{
    fflush(NULL);
    open_pipes();
    pid_t program = fork();
    if (program == 0)
        _exit(weir_run(is_killed, NULL, NULL) < 0);
    struct pollfd f[3];
    for (int i = 0; i < 3; i++) {
        f[i] = (struct pollfd){.events = POLLIN};
        f[i].fd = (int)syscall(SYS_pidfd_open, next_told(), 0);
        EXPECT(f[i].fd >= 0);
        EXPECT_EQ(poll(&f[i], 1, 0), 0);
    }
    EXPECT_EQ(kill(program, SIGKILL), 0);
    EXPECT_EQ(waitpid(program, NULL, 0), program);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(poll(&f[i], 1, -1), 1); /* or the test is too late */
        close(f[i].fd);
    }
    close_pipes();
}

static int wont_go(void *unused)
{
    (void)unused;
    weir__process_limits.grace = 10 * WEIR_MS;
    EXPECT_RC(weir_process_call(will_not_exit, (void *)NULL, NULL), 0);
    return 0;
}

static void killed_after_grace(void)
{
    run_alone(wont_go);
}

/* ---- misuse -------------------------------------------------------------------------------------
 */

static int misuses(void *unused)
{
    int n = 1, total = 0;
    (void)unused;
    static char large[WEIR_PROCESS_MAX + 1];
    void *nowhere = NULL;
    EXPECT_RC(weir_process_call((weir_process_function)NULL, &total, &n), WEIR_EINVAL);
    EXPECT_RC(weir_process_call(not_registered, &total, &n), WEIR_EINVAL);
    EXPECT_RC(weir_process_call(sum, (int *)NULL, &n), WEIR_EINVAL);
    EXPECT_RC(weir_process_call(sum, &total, (int *)NULL), WEIR_EINVAL);
    EXPECT_RC(weir_process_call(sum, &total, (void *)&n), WEIR_EINVAL); /* how large? */
    EXPECT_RC(weir_process_call(sum, (void *)&total, &n), WEIR_EINVAL);
    EXPECT_RC(weir_process_call(sum, &large, &n), WEIR_EINVAL);
    EXPECT_RC(weir_process_call(sum, &total, &large), WEIR_EINVAL);
    EXPECT_RC(weir_process_call(sum, nowhere, nowhere), WEIR_EINVAL); /* its own: no room */
    EXPECT_RC(weir_process_statistics_get(NULL), WEIR_EINVAL);
    weir_auto(weir_event) event = weir_event_open();
    EXPECT_RC(weir_process_call(sum, &total, &n, .in = {event.h}), WEIR_EBADF);
    weir_auto(weir_blocking) closed = weir_blocking_open(1);
    weir_close(closed);
    EXPECT_RC(weir_process_call(sum, &total, &n, .in = closed), WEIR_ECLOSED);
    EXPECT_RC(weir_close(weir_process_default()), WEIR_EPERM); /* it is the run's */
    return 0;
}

static int rc_in_drop;

static void call_in_drop(void *item, void *unused)
{
    int pid;
    (void)item;
    (void)unused;
    rc_in_drop = weir_process_call(who, &pid, NULL);
}

static int drops(void *unused)
{
    weir_sender tx;
    weir_receiver rx;
    int item = 0;
    (void)unused;
    EXPECT_RC(
        weir_channel_open(&tx, &rx, sizeof item, 1, &(weir_channel_options){.drop = call_in_drop}),
        0);
    EXPECT_RC(weir_send(tx, &item), 0);
    weir_close(rx);
    weir_close(tx);
    EXPECT_RC(rc_in_drop, WEIR_EPERM);
    return 0;
}

static void misused(void)
{
    int pid;
    static weir_process_entry late = {"late", not_registered, NULL};
    run_alone(misuses);
    run_alone(drops);
    EXPECT_RC(weir_process_call(who, &pid, NULL), WEIR_EPERM);
    EXPECT_RC(weir_check(weir_process_default()), WEIR_EPERM);
    EXPECT_RC(weir_process_register(&late), WEIR_EPERM);
}

/* Before main(): nobody has called weir_process_main() yet. */
static int calls_without_main(void *rc)
{
    int pid;
    **(int **)rc = weir_process_call(who, &pid, NULL);
    return 0;
}

static int runs_without_main(void)
{
    static char long_name[257];
    static weir_process_entry good = {"good", not_registered, NULL}, twice = {"who", who, NULL},
                              nameless = {"", who, NULL}, unnamed = {NULL, who, NULL},
                              without = {"without", NULL, NULL}, longest = {long_name, who, NULL};
    memset(long_name, 'a', 256);
    CHECK(weir_process_register(NULL) == WEIR_EINVAL);
    CHECK(weir_process_register(&nameless) == WEIR_EINVAL);
    CHECK(weir_process_register(&unnamed) == WEIR_EINVAL);
    CHECK(weir_process_register(&without) == WEIR_EINVAL);
    CHECK(weir_process_register(&longest) == WEIR_EINVAL);
    CHECK(weir_process_register(&twice) == WEIR_EINVAL);
    CHECK(weir_process_register(&good) == 0);
    CHECK(weir_process_register(&good) == WEIR_EINVAL);
    int rc = 0, *p = &rc;
    CHECK(weir_run(calls_without_main, &p, NULL) == 0);
    CHECK(rc == WEIR_EPERM);
    return 0;
}

/* Its name is not what decides: such a socket, and only for its parent. */
static int has_a_false_mark(void)
{
    char *argv[] = {NULL};
    char mark[64];
    struct stat s;
    int sockets[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 && dup2(sockets[0], WIRE_SOCKET) >= 0);
    CHECK(fstat(WIRE_SOCKET, &s) == 0);
    setenv(WIRE_VARIABLE, "nonsense", 1);
    weir_process_main(argv); /* returns */
    snprintf(mark, sizeof mark, "%d:%llu", (int)getppid(), (unsigned long long)s.st_ino + 1);
    setenv(WIRE_VARIABLE, mark, 1);
    weir_process_main(argv);
    return 0;
}

static const struct refused list[] = {
    {"no weir_process_main", NULL, runs_without_main, false, {NULL}},
    {"a false mark", NULL, has_a_false_mark, false, {NULL}},
};

__attribute__((constructor)) static void enter_refused(void)
{
    refused_enter(list, 2);
}

static void without_main(void)
{
    refused_run(&list[0]);
    refused_run(&list[1]);
}

/* A worker process whose parent has died before it could ask for its signal. */
static int has_lost_its_parent(void)
{
    char mark[64], *argv[] = {NULL};
    struct stat s;
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) < 0 || dup2(sockets[0], WIRE_SOCKET) < 0)
        return 2;
    fstat(WIRE_SOCKET, &s);
    snprintf(mark, sizeof mark, "%d:%llu", 1 << 30, (unsigned long long)s.st_ino);
    setenv(WIRE_VARIABLE, mark, 1);
    weir_process_main(argv); /* does not return */
    return 3;
}

static void lost(void)
{
    EXPECT_EQ(child_run(has_lost_its_parent).status, EXIT_FAILURE);
}

TEST_SUITE(process, "worker processes",
           {"F137 call: request and reply are copied, errors come back", by_copy},
           {"F137 call: sizes, and replies that are too large", sizes},
           {"F137 process: what it has of the program", surroundings},
           {"F137 process: has a run and worker processes", nested},
           {"F137 call: in a simulated run", simulated},
           {"F137, F128 processes: one is enough for one call at a time", reused},
           {"F137, F128 processes: the most recently idle one is used", most_recent},
           {"F137, F128 processes: idle for long", idle_for_long},
           {"F137 processes: killed by others while idle", killed_while_idle},
           {"F137 class: never more than the places", never_more_than_places},
           {"F137 crash: an error, and the next call goes on", crashed},
           {"F137 crash: two answers", said_too_much},
           {"F137 crash: a child has the socket", with_a_child},
           {"F137 crash: SIGCHLD is ignored", children_ignored},
           {"F137 process: the program's other children", others_children},
           {"F137 start: does not come up", start_fails},
           {"F137 start: cancelled meanwhile", late_to_start},
           {"F137 start: refused by the system", start_refused}, {"F137 no handles", no_handles},
           {"F137 cancel: it is killed, also when stopped", cancelled_running},
           {"F137 cancel: in the line it never runs", cancelled_in_line},
           {"F137 deadline: it does not read its request", stopped},
           {"F137 deadline: at all moments", at_all_moments},
           {"F137 end: none outlives its program", none_outlives},
           {"F137 end: killed after a while", killed_after_grace}, {"F137 misuse", misused},
           {"F137 misuse: weir_process_main() is not called", without_main},
           {"F137 start: its parent has died", lost});
