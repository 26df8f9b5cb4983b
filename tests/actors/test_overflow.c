/* SPDX-License-Identifier: MIT */
/* The report of a stack overflow: what it says, when it keeps silent, what it leaves alone. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <ucontext.h>

#include <weir/weir.h>

#include "../channels/child.h"
#include "overflow.h"

static struct stacks s;
static struct stack_cache cache;
static struct context native, other;
static struct overflow_report report;
static weir_guard rung;
static size_t size;

/* Asked for in a process that is about to die. */
static const char *name_of(void *owner)
{
    child_keeps_coverage();
    return owner;
}

static void keep_coverage(int number)
{
    (void)number;
    child_keeps_coverage();
}

static never_inline int recurse(int n)
{
    volatile char frame[200];
    frame[n % 200] = (char)n;
    return n < 0 ? 0 : recurse(n + 1) + frame[n % 200];
}

static void overflowing(void)
{
    context_entered(&other);
    recurse(0);
    context_switch(&other, &native);
}

/* In a child: run `entry` on a stack of one named "deep". */
static int run_on_stack(void (*entry)(void))
{
    static char name[] = "deep";
    int error = 0;
    if (weir__stacks_init(&s, size, rung, true) < 0)
        return 1;
    weir__context_native(&native);
    weir__overflow_install(&report, &s, name_of);
    struct stack *k = stack_get(&s, &cache, name, &error);
    if (!k || !stack_get(&s, &cache, NULL, &error))
        return 2;
    stack_context(&s, k, &other, entry);
    context_switch(&native, &other);
    weir__overflow_remove(&report);
    return 0;
}

static int overflow_child(void)
{
    return run_on_stack(overflowing);
}

/* An emulator adds a line of its own when a signal kills. */
static void expect_said(const struct child_end *end, const char *line)
{
    EXPECT(strncmp(end->said, line, strlen(line)) == 0);
    EXPECT(*line || !strstr(end->said, "weir"));
}

/* Sanitizers have a handler, and reports, of their own; weir's stands back. */
static bool sanitizer_reports(void)
{
    struct sigaction now;
    return sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_handler != SIG_DFL;
}

static void names_the_actor(void)
{
    const struct {
        weir_guard rung;
        size_t size;
        const char *says;
    } runs[] = {
        {WEIR_GUARD_BEST, 65536,
         "weir: actor 'deep' overflowed its 64 KiB stack; raise weir_options.stack_size\n"},
        {WEIR_GUARD_PROTECT, 65536,
         "weir: actor 'deep' overflowed its 64 KiB stack; raise weir_options.stack_size\n"},
        {WEIR_GUARD_BEST, 1 << 20,
         "weir: actor 'deep' overflowed its 1024 KiB stack; raise weir_options.stack_size\n"},
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        rung = runs[i].rung;
        size = runs[i].size;
        struct child_end end = child_run(overflow_child);
        if (sanitizer_reports()) {
            EXPECT(end.status > 0 || end.signal);
        } else {
            EXPECT_EQ(end.signal, SIGSEGV);
            expect_said(&end, runs[i].says);
        }
    }
}

/* ---- silence ------------------------------------------------------------------------ */

static void null_pointer(void)
{
    context_entered(&other);
    volatile int *volatile nothing = NULL;
    *nothing = 1;
}

static void stray_pointer(void)
{
    context_entered(&other);
    volatile char *guard = stack_slot(&s, (struct stack *)__builtin_frame_address(0));
    *guard = 1;
}

static void sent_signal(void)
{
    context_entered(&other);
    kill(getpid(), SIGSEGV);
    for (;;)
        pause();
}

static void (*silent)(void);

static int silent_child(void)
{
    return run_on_stack(silent);
}

static void other_faults_are_silent(void)
{
    void (*const entries[])(void) = {null_pointer, stray_pointer, sent_signal};
    if (sanitizer_reports())
        return;
    rung = WEIR_GUARD_BEST;
    size = 65536;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        silent = entries[i];
        struct child_end end = child_run(silent_child);
        EXPECT_EQ(end.signal, SIGSEGV);
        expect_said(&end, "");
    }
}

/* ---- canary ------------------------------------------------------------------------- */

static int canary_child(void)
{
    if (weir__stacks_init(&s, 65536, WEIR_GUARD_CANARY, false) < 0)
        return 1;
    signal(SIGABRT, keep_coverage); /* abort() goes on when it returns */
    weir__overflow_abort(&s, "deep");
}

/* From now on nobody reads what is said on standard error. */
static bool be_unheard(void)
{
    int pipe_ends[2];
    return pipe(pipe_ends) == 0 && dup2(pipe_ends[1], STDERR_FILENO) >= 0 &&
           close(pipe_ends[0]) == 0 && close(pipe_ends[1]) == 0;
}

static int unheard_canary_child(void)
{
    signal(SIGPIPE, SIG_IGN);
    return be_unheard() ? canary_child() : 1;
}

static void canary_aborts(void)
{
    struct child_end end = child_run(unheard_canary_child);
    EXPECT_EQ(end.signal, SIGABRT);
    expect_said(&end, "");
    end = child_run(canary_child);
    EXPECT_EQ(end.signal, SIGABRT);
    expect_said(&end,
                "weir: actor 'deep' overflowed its 64 KiB stack; raise weir_options.stack_size\n");
}

/* ---- what it leaves alone ----------------------------------------------------------- */

static void my_handler(int number)
{
    (void)number;
    _exit(3);
}

static const struct sigaction *now(void)
{
    static struct sigaction action;
    memset(&action, 0, sizeof action);
    sigaction(SIGSEGV, NULL, &action);
    return &action;
}

static bool has_signal_stack(void)
{
    stack_t stack;
    return sigaltstack(NULL, &stack) == 0 && !(stack.ss_flags & SS_DISABLE);
}

/* As in a process that has neither; a sanitizer's are taken away. */
static bool plain(void)
{
    const stack_t none = {.ss_flags = SS_DISABLE};
    return weir__stacks_init(&s, 0, WEIR_GUARD_BEST, false) == 0 &&
           signal(SIGSEGV, SIG_DFL) != SIG_ERR && sigaltstack(&none, NULL) == 0;
}

static int restores(void)
{
    CHECK(plain());
    for (int i = 0; i < 3; i++) {
        weir__overflow_install(&report, &s, name_of);
        CHECK(report.handler && has_signal_stack());
        CHECK(now()->sa_handler != SIG_DFL && (now()->sa_flags & SA_ONSTACK));
        unsigned char resident[16];
        void *mapped = report.signal_stack;
        CHECK(mincore(mapped, 4096, resident) == 0);
        weir__overflow_remove(&report);
        CHECK(mincore(mapped, 4096, resident) < 0 && errno == ENOMEM);
        CHECK(now()->sa_handler == SIG_DFL && !has_signal_stack());
    }
    return 0;
}

static int keeps_handler(void)
{
    CHECK(plain());
    signal(SIGSEGV, my_handler);
    weir__overflow_install(&report, &s, name_of);
    CHECK(!report.handler && now()->sa_handler == my_handler && !has_signal_stack());
    weir__overflow_remove(&report);
    CHECK(now()->sa_handler == my_handler);
    signal(SIGSEGV, SIG_IGN);
    weir__overflow_install(&report, &s, name_of);
    CHECK(!report.handler && now()->sa_handler == SIG_IGN);
    return 0;
}

static int keeps_later_handler(void)
{
    CHECK(plain());
    weir__overflow_install(&report, &s, name_of);
    signal(SIGSEGV, my_handler);
    weir__overflow_remove(&report);
    CHECK(now()->sa_handler == my_handler && !has_signal_stack());
    return 0;
}

static int keeps_signal_stack(void)
{
    static char mine[64 * 1024];
    const stack_t stack = {.ss_sp = mine, .ss_size = sizeof mine};
    stack_t found;
    CHECK(plain() && sigaltstack(&stack, NULL) == 0);
    weir__overflow_install(&report, &s, name_of);
    CHECK(report.handler && !report.signal_stack);
    CHECK(sigaltstack(NULL, &found) == 0 && found.ss_sp == mine);
    weir__overflow_remove(&report);
    CHECK(sigaltstack(NULL, &found) == 0 && found.ss_sp == mine && now()->sa_handler == SIG_DFL);
    return 0;
}

/* A second worker installs its own signal stack and leaves the handler to the first. */
static int second_thread(void)
{
    struct overflow_report second;
    const stack_t none = {.ss_flags = SS_DISABLE};
    CHECK(plain());
    weir__overflow_install(&report, &s, name_of);
    CHECK(sigaltstack(&none, NULL) == 0);
    weir__overflow_install(&second, &s, name_of);
    CHECK(report.handler && !second.handler && second.signal_stack);
    weir__overflow_remove(&second);
    CHECK(now()->sa_handler != SIG_DFL);
    weir__overflow_remove(&report);
    CHECK(now()->sa_handler == SIG_DFL);
    return 0;
}

/* The handler, called with what is no overflow: it says nothing and leaves the default. */
/* qemu-user does not show a blocked SIGSEGV as pending. */
static bool blocked_is_shown(void)
{
    const struct timespec no_time = {0, 0};
    sigset_t segv, pending;
    sigemptyset(&segv);
    sigaddset(&segv, SIGSEGV);
    raise(SIGSEGV);
    bool shown = sigpending(&pending) == 0 && sigismember(&pending, SIGSEGV);
    sigtimedwait(&segv, NULL, &no_time);
    return shown;
}

static int hands_on(void)
{
    ucontext_t here;
    sigset_t segv, pending;
    siginfo_t info = {.si_code = SEGV_MAPERR, .si_addr = NULL};
    int error = 0;
    CHECK(plain() && getcontext(&here) == 0);
    sigemptyset(&segv);
    sigaddset(&segv, SIGSEGV);
    CHECK(sigprocmask(SIG_BLOCK, &segv, NULL) == 0);
    bool shown = blocked_is_shown();
    weir__overflow_install(&report, &s, name_of);
    struct stack *k = stack_get(&s, &cache, NULL, &error);
    CHECK(k != NULL);
    struct sigaction ours = *now();
    ours.sa_sigaction(SIGSEGV, &info, &here); /* a null pointer */
    CHECK(now()->sa_handler == SIG_DFL);
    CHECK(sigaction(SIGSEGV, &ours, NULL) == 0);
    info.si_addr = stack_slot(&s, k); /* in a guard, but the stack pointer is not near */
    ours.sa_sigaction(SIGSEGV, &info, &here);
    CHECK(now()->sa_handler == SIG_DFL);
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGSEGV));
    CHECK(sigaction(SIGSEGV, &ours, NULL) == 0);
    info.si_code = SI_USER; /* sent: it has to be raised again */
    ours.sa_sigaction(SIGSEGV, &info, &here);
    CHECK(now()->sa_handler == SIG_DFL);
    CHECK(sigpending(&pending) == 0 && (sigismember(&pending, SIGSEGV) || !shown));
    return 0;
}

static void *refuse(size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    return NULL;
}

static void release(void *memory, size_t bytes, void *context)
{
    (void)memory;
    (void)bytes;
    (void)context;
}

static int no_memory(void)
{
    const weir_allocator none = {refuse, release, NULL};
    CHECK(plain());
    weir_set_allocator(&none);
    errno = EDOM;
    weir__overflow_install(&report, &s, name_of);
    CHECK(!report.handler && !report.signal_stack && now()->sa_handler == SIG_DFL);
    weir__overflow_remove(&report);
    CHECK(errno == EDOM);
    return 0;
}

static void leaves_alone(void)
{
    EXPECT_CHILD(restores);
    EXPECT_CHILD(keeps_handler);
    EXPECT_CHILD(keeps_later_handler);
    EXPECT_CHILD(keeps_signal_stack);
    EXPECT_CHILD(second_thread);
    EXPECT_CHILD(no_memory);
}

static void hands_faults_on(void)
{
    struct child_end end = child_run(hands_on);
    EXPECT_EQ(end.status, 0);
    expect_said(&end, "");
}

/* ---- through weir_run() ------------------------------------------------------------- */

static weir_options options;

static int deep_body(void *arg)
{
    (void)arg;
    return recurse(0) > 0;
}

/* What an overflow does to the end of a stack without a guard. */
static int spoiling_body(void *arg)
{
    (void)arg;
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    volatile char *slot = (char *)(frame & ~(uintptr_t)65535);
    slot[CANARY_BYTES - 1] = 1;
    return weir_yield();
}

static weir_body child_body;

static int app(void *arg)
{
    (void)arg;
    weir_group g = weir_group_begin();
    weir_spawn(g, child_body, NULL, .name = "digger");
    return weir_group_end(g);
}

static int run_child(void)
{
    signal(SIGABRT, keep_coverage);
    return weir_run(app, NULL, &options) == 0 ? 0 : 1;
}

static const char digger[] =
    "weir: actor 'digger' overflowed its 64 KiB stack; raise weir_options.stack_size\n";

static void run_names_the_actor(void)
{
    options = (weir_options){.stack_size = 65536};
    child_body = deep_body;
    struct child_end end = child_run(run_child);
    if (sanitizer_reports()) {
        EXPECT(end.status > 0 || end.signal);
        return;
    }
    EXPECT_EQ(end.signal, SIGSEGV);
    expect_said(&end, digger);
}

static int unheard_run_child(void)
{
    signal(SIGPIPE, keep_coverage);
    return be_unheard() ? run_child() : 1;
}

static void run_unheard(void)
{
    if (sanitizer_reports())
        return;
    options = (weir_options){.stack_size = 65536};
    child_body = deep_body;
    struct child_end end = child_run(unheard_run_child);
    EXPECT_EQ(end.signal, SIGSEGV);
    expect_said(&end, "");
}

static void run_checks_canaries(void)
{
    options = (weir_options){.stack_size = 65536, .guard = WEIR_GUARD_CANARY};
    child_body = spoiling_body;
    struct child_end end = child_run(run_child);
    EXPECT_EQ(end.signal, SIGABRT);
    expect_said(&end, digger);
}

static void run_strict(void)
{
    options = (weir_options){.guard = WEIR_GUARD_CANARY, .strict_guards = true};
    EXPECT_RC(weir_run(app, NULL, &options), WEIR_ESTACK);
}

static int quiet_body(void *arg)
{
    (void)arg;
    return weir_yield();
}

static void run_restores(void)
{
    struct sigaction before = *now();
    bool had_stack = has_signal_stack();
    child_body = quiet_body;
    options = (weir_options){.stack_size = 0};
    EXPECT_RC(weir_run(app, NULL, &options), 0);
    EXPECT(now()->sa_handler == before.sa_handler);
    EXPECT_EQ(has_signal_stack(), had_stack);
}

TEST_SUITE(overflow, "overflow",
           {"overflow: the report names the actor, the signal kills", names_the_actor},
           {"overflow: other faults are silent", other_faults_are_silent},
           {"overflow: other faults and sent signals are handed on", hands_faults_on},
           {"overflow: a spoilt canary aborts with the same line", canary_aborts},
           {"overflow: handlers and signal stacks of others", leaves_alone},
           {"F001 overflow: weir_run names the actor", run_names_the_actor},
           {"F001 overflow: a report that nobody reads changes nothing", run_unheard},
           {"F001 overflow: weir_run checks canaries", run_checks_canaries},
           {"F001 overflow: weir_run with strict guards", run_strict},
           {"F001 overflow: weir_run leaves signals as they were", run_restores});
