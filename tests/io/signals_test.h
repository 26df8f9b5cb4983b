/* SPDX-License-Identifier: MIT */
/* signals_test.h - what the tests of signals have in common. */
#ifndef WEIR_TESTS_IO_H
#define WEIR_TESTS_IO_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include <weir/weir.h>

/*
 * ThreadSanitizer keeps a signal back, and of each number only one, until the thread calls
 * something that it intercepts, unless the thread waits in such a call or has sent itself the
 * signal by raise(3) or kill(2). So not all can be shown there.
 */
#if defined(WEIR_TSAN)
enum { SIGNALS_ARE_KEPT = 1 };
#else
enum { SIGNALS_ARE_KEPT = 0 };
#endif

/* One turn of a loop that waits. */
static inline void let_others(void)
{
    if (SIGNALS_ARE_KEPT)
        usleep(0); /* is intercepted */
    sched_yield();
}

static inline bool nothing_in(weir_receiver rx)
{
    weir_signal s;
    return weir_try_recv(rx, &s) == WEIR_EAGAIN;
}

static inline size_t buffered(weir_receiver rx)
{
    weir_statistics s = {0};
    EXPECT_RC(weir_channel_statistics(rx, &s), 0);
    return s.buffered;
}

static inline void await_buffered(weir_receiver rx, size_t n)
{
    while (buffered(rx) < n)
        let_others();
}

static inline weir_signal received(weir_receiver rx)
{
    weir_signal s = {0};
    EXPECT_EQ(weir_recv(rx, &s), 1);
    return s;
}

/* ---- the disposition that is to be there again ----------------------------------------------- */

extern atomic_int handled;                                   /* how often it had a signal */
extern atomic_int handled_number, handled_pid, handled_code; /* the last time */

struct sigaction disposition(int number);
bool is_counted(int number);
void count_them(void);     /* SIGUSR1 and SIGUSR2 */
void counted_again(void);  /* it is there, with its flags and mask; SIG_DFL from now on */
void await_handled(int n); /* so often since count_them() */

/* ---- the same test on a thread, and in an actor on the first thread ------------------------ */

void by_both(void (*test)(void));
void on_thread(void (*test)(void));

#endif
