/* SPDX-License-Identifier: MIT */
/* F125: signals as a receive end: what is told, and to whom. */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/wait.h>

#include "signals_test.h"

/* ---- what is told ---------------------------------------------------------------------------- */

static void siginfo(void)
{
    weir_receiver rx;
    count_them();
    EXPECT_RC(weir_signals(&rx, SIGUSR1, SIGUSR2, SIGCHLD, 0), 0);
    EXPECT_EQ(kill(getpid(), SIGUSR1), 0);
    weir_signal s = received(rx);
    EXPECT_EQ(s.number, SIGUSR1);
    EXPECT_EQ(s.code, SI_USER);
    EXPECT_EQ(s.pid, getpid());
    EXPECT_EQ(s.uid, getuid());
    EXPECT_EQ(s.count, 1);
    EXPECT_EQ(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_ptr = (void *)0x123456789a}), 0);
    s = received(rx);
    EXPECT_EQ(s.number, SIGUSR2);
    EXPECT_EQ(s.code, SI_QUEUE);
    EXPECT_EQ(s.pid, getpid());
    EXPECT_EQ(s.value, 0x123456789a);
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    s = received(rx);
    EXPECT_EQ(s.number, SIGCHLD);
    EXPECT_EQ(s.code, CLD_EXITED);
    EXPECT_EQ(s.pid, child);
    EXPECT_EQ(s.status, 7);
    EXPECT_EQ(TEMP_FAILURE_RETRY(waitpid(child, NULL, 0)), child);
    EXPECT_EQ(atomic_load(&handled), 0);
    EXPECT_RC(weir_close(rx), 0);
    counted_again();
}

static void run_siginfo(void)
{
    if (SIGNALS_ARE_KEPT)
        on_thread(siginfo);
    else
        by_both(siginfo);
}

/* raise() has been handled, on this thread, when it returns: the order is that of the calls. */
static void coalesced(void)
{
    weir_receiver rx;
    count_them();
    EXPECT_RC(weir_signals(&rx, SIGUSR1, SIGUSR2, 0), 0);
    for (int i = 0; i < 3; i++)
        raise(SIGUSR1);
    raise(SIGUSR2);
    await_buffered(rx, 2);
    weir_signal s = received(rx);
    EXPECT_EQ(s.number, SIGUSR1);
    EXPECT_EQ(s.count, 3);
    raise(SIGUSR1); /* the one that stood for it has been received */
    s = received(rx);
    EXPECT_EQ(s.number, SIGUSR2);
    EXPECT_EQ(s.count, 1);
    s = received(rx);
    EXPECT_EQ(s.number, SIGUSR1);
    EXPECT_EQ(s.count, 1);
    EXPECT(nothing_in(rx));
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(atomic_load(&handled), 0);
    counted_again();
}

static void run_coalesced(void)
{
    by_both(coalesced);
}

enum { QUEUE = 20, MORE = 14 };

static void queued(void)
{
    weir_receiver rx;
    weir_statistics statistics;
    weir_signal s, batch[QUEUE];
    count_them();
    EXPECT_RC(weir_signals_open(&rx, (int[]){SIGUSR1, SIGUSR2}, 2, &(weir_signal_options){QUEUE}),
              0);
    for (int i = 0; i < QUEUE + MORE; i++)
        raise(SIGUSR1);
    raise(SIGUSR2);
    await_buffered(rx, QUEUE + 1);
    EXPECT_RC(weir_channel_statistics(rx, &statistics), 0);
    EXPECT(statistics.capacity >= QUEUE + 2);
    EXPECT_EQ(statistics.passed, QUEUE + 1);
    raise(SIGUSR2); /* there is one: counted in it */
    s = received(rx);
    EXPECT(s.number == SIGUSR1 && s.count == 1);
    EXPECT_EQ(weir_recv_many(rx, batch, QUEUE - 1), QUEUE - 1);
    for (int i = 0; i < QUEUE - 1; i++) {
        EXPECT_EQ(batch[i].number, SIGUSR1);
        EXPECT_EQ(batch[i].count, i < QUEUE - 2 ? 1 : 1 + MORE);
    }
    uint32_t all = 0;
    while (all < 2) { /* the second SIGUSR2 may have been late */
        s = received(rx);
        EXPECT_EQ(s.number, SIGUSR2);
        all += s.count;
    }
    EXPECT_EQ(all, 2);
    raise(SIGUSR1);
    EXPECT_EQ(received(rx).count, 1);
    EXPECT_RC(weir_close(rx), 0);
    counted_again();
}

static void run_queued(void)
{
    by_both(queued);
}

#if defined(EMULATED) /* which takes the last two for itself */
enum { LAST = 62 };
#else
enum { LAST = 64 };
#endif

/* All that the kernel has queued, each with its value, in their order. */
static void realtime(void)
{
    enum { MANY = 500 };
    weir_receiver rx;
    const int numbers[] = {SIGRTMIN, LAST};
    EXPECT_RC(weir_signals_open(&rx, numbers, 2, &(weir_signal_options){2 * MANY}), 0);
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}), 0);
    for (int i = 0; i < MANY; i++) {
        weir_signal s = received(rx);
        EXPECT_EQ(s.number, SIGRTMIN);
        EXPECT_EQ(s.count, 1);
        EXPECT_EQ((int)s.value, i);
    }
    EXPECT_EQ(sigqueue(getpid(), LAST, (union sigval){.sival_int = -1}), 0);
    EXPECT_EQ((int)received(rx).value, -1);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT(disposition(SIGRTMIN).sa_handler == SIG_DFL);
    EXPECT(disposition(LAST).sa_handler == SIG_DFL);
}

/* All come to one thread, weir's: to several they might come in another order. */
static void run_realtime(void)
{
    sigset_t all, before;
    if (SIGNALS_ARE_KEPT)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    realtime();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- who is told ----------------------------------------------------------------------------- */

static void fan_out(void)
{
    weir_receiver outer, inner;
    count_them();
    EXPECT_RC(weir_signals(&outer, SIGUSR1, SIGUSR2, 0), 0);
    EXPECT_RC(weir_signals(&inner, SIGUSR1, 0), 0);
    weir_receiver clone = weir_receiver_clone(inner);
    raise(SIGUSR1);
    EXPECT_EQ(received(outer).number, SIGUSR1);
    EXPECT_EQ(received(inner).number, SIGUSR1);
    EXPECT(nothing_in(clone)); /* a clone shares what comes */
    raise(SIGUSR2);
    EXPECT_EQ(received(outer).number, SIGUSR2);
    EXPECT(nothing_in(inner)); /* did not ask for that */
    EXPECT_RC(weir_close(inner), 0);
    raise(SIGUSR1);
    EXPECT_EQ(received(clone).number, SIGUSR1);
    EXPECT_EQ(received(outer).number, SIGUSR1);
    EXPECT_RC(weir_close(clone), 0);
    raise(SIGUSR1); /* the outer one is not deaf */
    EXPECT_EQ(received(outer).number, SIGUSR1);
    EXPECT_EQ(atomic_load(&handled), 0);
    EXPECT_RC(weir_close(outer), 0);
    counted_again();
}

static void run_fan_out(void)
{
    by_both(fan_out);
}

/* Each number has a count of its own; in any order of closing. */
static void orders(void)
{
    for (int order = 0; order < 6; order++) {
        weir_receiver r[3];
        bool open[3] = {true, true, true};
        const int first = order % 3, second = (first + 1 + order / 3) % 3;
        const int turns[] = {first, second, 3 - first - second};
        count_them();
        EXPECT_RC(weir_signals(&r[0], SIGUSR1, 0), 0);
        EXPECT_RC(weir_signals(&r[1], SIGUSR2, SIGUSR1, SIGUSR2, 0), 0);
        EXPECT_RC(weir_signals(&r[2], SIGUSR2, 0), 0);
        for (int i = 0; i < 3; i++) {
            EXPECT_RC(weir_close(r[turns[i]]), 0);
            open[turns[i]] = false;
            EXPECT_EQ(is_counted(SIGUSR1), !open[0] && !open[1]);
            EXPECT_EQ(is_counted(SIGUSR2), !open[1] && !open[2]);
        }
        counted_again();
    }
}

static void run_orders(void)
{
    by_both(orders);
}

static void dispositions(void)
{
    weir_receiver rx;
    struct sigaction other = disposition(SIGWINCH);
    signal(SIGUSR1, SIG_IGN);
    EXPECT_RC(weir_signals(&rx, SIGUSR1, 0), 0);
    EXPECT(disposition(SIGWINCH).sa_handler == other.sa_handler); /* nobody asked */
    raise(SIGUSR1);
    EXPECT_EQ(received(rx).number, SIGUSR1);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT(disposition(SIGUSR1).sa_handler == SIG_IGN);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
    EXPECT_RC(weir_signals(&rx, SIGUSR1, 0), 0);
    count_them(); /* somebody else's since: it stays */
    EXPECT_RC(weir_close(rx), 0);
    counted_again();
}

static void run_dispositions(void)
{
    by_both(dispositions);
}

/* ---- what nobody has received ---------------------------------------------------------------- */

/* As if it had come after the close, with all that is known of it. */
static void left_over(void)
{
    weir_receiver rx;
    count_them();
    EXPECT_RC(weir_signals(&rx, SIGUSR1, SIGUSR2, 0), 0);
    raise(SIGUSR1);
    EXPECT_EQ(received(rx).number, SIGUSR1);
    kill(getpid(), SIGUSR2);
    await_buffered(rx, 1);
    EXPECT_RC(weir_close(rx), 0);
    await_handled(1);
    EXPECT_EQ(atomic_load(&handled_number), SIGUSR2);
    EXPECT_EQ(atomic_load(&handled_pid), getpid());
    EXPECT_EQ(atomic_load(&handled_code), SI_USER);
    raise(SIGUSR2);
    EXPECT_EQ(atomic_load(&handled), 2); /* and SIGUSR1 not at all */
    counted_again();
}

/* Told to two: who did not look at it does not bring it back. Later ones are. */
static void left_over_by_one(void)
{
    weir_receiver a, b;
    count_them();
    EXPECT_RC(weir_signals(&a, SIGUSR1, 0), 0);
    EXPECT_RC(weir_signals(&b, SIGUSR1, 0), 0);
    raise(SIGUSR1);
    EXPECT_EQ(received(a).number, SIGUSR1);
    await_buffered(b, 1);
    EXPECT_RC(weir_close(a), 0);
    EXPECT_RC(weir_close(b), 0);
    raise(SIGUSR1);
    EXPECT_EQ(atomic_load(&handled), 1);
    EXPECT_RC(weir_signals(&a, SIGUSR1, 0), 0);
    raise(SIGUSR1);
    await_buffered(a, 1);
    EXPECT_RC(weir_signals(&b, SIGUSR1, 0), 0);
    EXPECT(nothing_in(b)); /* it came before */
    EXPECT_RC(weir_close(a), 0);
    EXPECT_EQ(received(b).number, SIGUSR1); /* but nobody has received it */
    EXPECT_RC(weir_close(b), 0);
    EXPECT_EQ(atomic_load(&handled), 1);
    counted_again();
}

static void run_left_over(void)
{
    on_thread(left_over);
    on_thread(left_over_by_one);
    if (!SIGNALS_ARE_KEPT) {
        by_both(left_over);
        by_both(left_over_by_one);
    }
}

/* ---- misuse ---------------------------------------------------------------------------------- */

static void misuse(void)
{
    weir_receiver rx;
    count_them();
    static const int never[] = {-1,     65,      SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE,
                                SIGILL, SIGTRAP, SIGABRT, SIGSYS,  32,      33};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        EXPECT_RC(weir_signals(&rx, SIGUSR1, never[i], SIGUSR2, 0), WEIR_EINVAL);
        EXPECT_RC(weir_check(rx), WEIR_EINVAL);
        EXPECT(is_counted(SIGUSR1) && is_counted(SIGUSR2)); /* nothing has changed */
    }
    EXPECT_RC(weir_signals(&rx, 0), WEIR_EINVAL);
    EXPECT_RC(weir_signals(NULL, SIGUSR1, 0), WEIR_EINVAL);
    EXPECT_RC(weir_signals_open(&rx, NULL, 1, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_signals_open(&rx, (int[]){SIGUSR1}, 0, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_signals_open(&rx, (int[]){0}, 1, NULL), WEIR_EINVAL);
    weir_signal_options long_queue = {(size_t)WEIR_CAPACITY_MAX + 1};
    EXPECT_RC(weir_signals_open(&rx, (int[]){SIGUSR1}, 1, &long_queue), WEIR_EINVAL);
    EXPECT_RC(weir_signal_inject(NULL), WEIR_EINVAL);
    EXPECT_RC(weir_signal_inject(&(weir_signal){.number = 0}), WEIR_EINVAL);
    EXPECT_RC(weir_signal_inject(&(weir_signal){.number = 65}), WEIR_EINVAL);
    EXPECT_RC(weir_signal_inject(&(weir_signal){.number = SIGUSR1}), WEIR_EPIPE);
    counted_again();
}

static void run_misuse(void)
{
    by_both(misuse);
}

/* ---- ways to wait ---------------------------------------------------------------------------- */

static void ways_to_wait(void)
{
    weir_receiver rx;
    weir_signal s = {0};
    int item;
    count_them();
    EXPECT_RC(weir_signals(&rx, SIGUSR1, 0), 0);
    weir_case cases[] = {weir_on_signal(rx, &s)};
    EXPECT_RC(weir_try_select(cases, 1, WEIR_FAIR), WEIR_EAGAIN);
    EXPECT_RC(weir_select_by(cases, 1, WEIR_FAIR, weir_after(0)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_recv_by(rx, &s, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_recv(rx, &item), WEIR_EITEM);
    raise(SIGUSR1);
    EXPECT_EQ(weir_select(cases, 1, WEIR_FAIR), 0);
    EXPECT_EQ(cases[0].rc, 1);
    EXPECT_EQ(s.number, SIGUSR1);
    struct pollfd p = {.fd = weir_receiver_fd(rx), .events = POLLIN};
    REQUIRE(p.fd >= 0);
    EXPECT(nothing_in(rx));
    EXPECT_EQ(TEMP_FAILURE_RETRY(poll(&p, 1, 0)), 0);
    raise(SIGUSR1);
    EXPECT_EQ(TEMP_FAILURE_RETRY(poll(&p, 1, -1)), 1);
    EXPECT_EQ(received(rx).number, SIGUSR1);
    close(p.fd);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_recv(rx, &s), WEIR_ECLOSED);
    counted_again();
}

static void run_ways_to_wait(void)
{
    by_both(ways_to_wait);
}

/* Whom a signal meets while it sleeps is not who gets it: weir's thread, which lets it in. */
static void blocked_everywhere(void)
{
    weir_receiver rx;
    sigset_t usr1, old;
    count_them();
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    EXPECT_EQ(pthread_sigmask(SIG_BLOCK, &usr1, &old), 0);
    EXPECT_RC(weir_signals(&rx, SIGUSR1, 0), 0);
    EXPECT_EQ(kill(getpid(), SIGUSR1), 0);
    EXPECT_EQ(received(rx).number, SIGUSR1);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
    EXPECT_EQ(atomic_load(&handled), 0);
    counted_again();
}

/* ---- injected -------------------------------------------------------------------------------- */

static void injected(void)
{
    weir_receiver a, b;
    weir_signal fake = {.number = SIGUSR1, .code = SI_QUEUE, .pid = 7, .value = 8};
    count_them();
    EXPECT_RC(weir_signals(&a, SIGUSR1, 0), 0);
    EXPECT_RC(weir_signals(&b, SIGUSR1, SIGUSR2, 0), 0);
    EXPECT_RC(weir_signal_inject(&fake), 0);
    EXPECT_RC(weir_signal_inject(&fake), 0);
    weir_signal s = received(a);
    EXPECT(s.number == SIGUSR1 && s.code == SI_QUEUE && s.pid == 7 && s.value == 8);
    EXPECT_EQ(s.count, 2);
    EXPECT_EQ(buffered(b), 1);
    EXPECT_RC(weir_close(a), 0);
    EXPECT_RC(weir_close(b), 0);
    EXPECT_RC(weir_signal_inject(&fake), WEIR_EPIPE);
    EXPECT_EQ(atomic_load(&handled), 0); /* the kernel knows nothing of them */
    counted_again();
}

static void run_injected(void)
{
    by_both(injected);
}

TEST_SUITE(signals, "io: signals", {"F125 signals: siginfo", run_siginfo},
           {"F125 signals: coalesced and counted, in the order of arrival", run_coalesced},
           {"F125 signals: queued, then counted", run_queued},
           {"F125 signals: realtime, each with its value", run_realtime},
           {"F125 signals: all receivers, nested ones do not deafen", run_fan_out},
           {"F125 signals: dispositions come back in any order of closing", run_orders},
           {"F125 signals: dispositions of others, and those that others changed",
            run_dispositions},
           {"F125 signals: what nobody has received", run_left_over},
           {"F125 signals: misuse", run_misuse},
           {"F125 signals: select, deadline, descriptor", run_ways_to_wait},
           {"F125 signals: blocked in all threads", blocked_everywhere},
           {"F125 signals: injected", run_injected});
