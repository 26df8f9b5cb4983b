/* SPDX-License-Identifier: MIT */
/* signals_test.c - see signals_test.h. */
#define _GNU_SOURCE
#include "signals_test.h"

atomic_int handled;
atomic_int handled_number, handled_pid, handled_code;

static void count(int number, siginfo_t *info, void *context)
{
    (void)context;
    atomic_store(&handled_number, number);
    atomic_store(&handled_pid, info->si_pid);
    atomic_store(&handled_code, info->si_code);
    atomic_fetch_add(&handled, number == SIGUSR1 || number == SIGUSR2);
}

struct sigaction disposition(int number)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    EXPECT_EQ(sigaction(number, NULL, &a), 0);
    return a;
}

bool is_counted(int number)
{
    struct sigaction a = disposition(number);
    return a.sa_flags & SA_SIGINFO && a.sa_sigaction == count;
}

void count_them(void)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = count;
    a.sa_flags = SA_NODEFER | SA_SIGINFO;
    sigaddset(&a.sa_mask, SIGWINCH);
    EXPECT_EQ(sigaction(SIGUSR1, &a, NULL), 0);
    EXPECT_EQ(sigaction(SIGUSR2, &a, NULL), 0);
    atomic_store(&handled, 0);
}

void counted_again(void)
{
    struct sigaction a = disposition(SIGUSR1);
    EXPECT(is_counted(SIGUSR1) && is_counted(SIGUSR2));
    EXPECT(a.sa_flags & SA_NODEFER && !(a.sa_flags & SA_RESTART));
    EXPECT_EQ(sigismember(&a.sa_mask, SIGWINCH), 1);
    EXPECT_EQ(sigismember(&a.sa_mask, SIGHUP), 0);
    int before = atomic_load(&handled);
    raise(SIGUSR1);
    EXPECT_EQ(atomic_load(&handled), before + 1);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
}

void await_handled(int n)
{
    while (atomic_load(&handled) < n)
        let_others();
}

static void *run_on_thread(void *test)
{
    (*(void (**)(void))test)();
    return NULL;
}

static int in_actor(void *test)
{
    (*(void (**)(void))test)();
    return 0;
}

void on_thread(void (*test)(void))
{
    pthread_t t;
    REQUIRE_EQ(pthread_create(&t, NULL, run_on_thread, &test), 0);
    pthread_join(t, NULL);
}

void by_both(void (*test)(void))
{
    on_thread(test);
    EXPECT_RC(weir_run(in_actor, &test, &(weir_options){.workers = 1}), 0); /* for raise() */
}
