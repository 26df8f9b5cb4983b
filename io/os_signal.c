/* SPDX-License-Identifier: MIT */
/* os_signal.c - os_signal.h on Linux. errno is the caller's, as in channels/os.c. */
#define _GNU_SOURCE
#include "os_signal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "atomic.h"

static struct sigaction before[SIGNALS_END]; /* of those that are taken; under the caller's lock */
static a64 taken;                            /* signal_bit() of each; written under that lock */
static a32 process;                          /* whose signals they are: not a child's */

/* ---- siginfo and our form of it ------------------------------------------------------------- */

static bool has_sender(int number, int code)
{
    return code == SI_USER || code == SI_QUEUE || code == SI_TKILL || code == SI_MESGQ ||
           number == SIGCHLD;
}

static bool has_value(int code)
{
    return code == SI_QUEUE || code == SI_TIMER || code == SI_MESGQ || code == SI_ASYNCIO;
}

static weir_signal from_siginfo(int number, const siginfo_t *info)
{
    weir_signal s = {.number = number, .code = info->si_code, .count = 1};
    if (has_sender(number, info->si_code)) {
        s.pid = info->si_pid;
        s.uid = info->si_uid;
    }
    if (has_value(info->si_code))
        s.value = (int64_t)(intptr_t)info->si_value.sival_ptr;
    else if (number == SIGCHLD)
        s.status = info->si_status;
    return s;
}

static siginfo_t to_siginfo(const weir_signal *s)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = s->number;
    info.si_code = s->code;
    if (has_sender(s->number, s->code)) {
        info.si_pid = s->pid;
        info.si_uid = s->uid;
    }
    if (has_value(s->code))
        info.si_value.sival_ptr = (void *)(intptr_t)s->value;
    else if (s->number == SIGCHLD)
        info.si_status = s->status;
    return info;
}

void os_signal_pass_on(const weir_signal *signal)
{
    int e = errno;
    siginfo_t info = to_siginfo(signal);
    /* Refused when too many are queued; then without what it tells. */
    if (syscall(SYS_rt_sigqueueinfo, getpid(), signal->number, &info) < 0)
        kill(getpid(), signal->number);
    errno = e;
}

/* ---- the handler: async-signal-safe --------------------------------------------------------- */

/* To the thread that is here, and has it blocked until the handler returns. */
static void pass_on_here(int number, siginfo_t *info)
{
    pid_t thread = (pid_t)syscall(SYS_gettid);
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, number, info) < 0)
        syscall(SYS_tgkill, getpid(), thread, number);
}

static void handle(int number, siginfo_t *info, void *context);

static bool is_ours(int number, struct sigaction *now)
{
    return sigaction(number, NULL, now) == 0 && now->sa_flags & SA_SIGINFO &&
           now->sa_sigaction == handle;
}

/* Given back meanwhile, or taken again. Else it came by the handler of somebody who calls ours. */
static bool comes_again(int number)
{
    struct sigaction now;
    return is_ours(number, &now) || now.sa_sigaction == before[number].sa_sigaction;
}

static void handle(int number, siginfo_t *info, void *context)
{
    int e = errno;
    weir_signal s = from_siginfo(number, info);
    (void)context;
    if (getpid() != (pid_t)a32_load(&process)) {
        sigaction(number, &before[number], NULL); /* a child, before it was told, or of vfork */
        pass_on_here(number, info);
    } else if (!weir__signal_caught(&s) && comes_again(number)) {
        pass_on_here(number, info);
    }
    errno = e;
}

/* ---- dispositions --------------------------------------------------------------------------- */

bool os_signal_is_for_us(int number)
{
    struct sigaction now;
    int e = errno;
    bool fault = number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
                 number == SIGTRAP || number == SIGABRT || number == SIGSYS;
    bool ours = number > 0 && number < SIGNALS_END && number != SIGKILL && number != SIGSTOP &&
                !fault && sigaction(number, NULL, &now) == 0; /* the C library keeps two */
    errno = e;
    return ours;
}

/* By the child's only thread. Across exec a handler is the default, what is ignored stays so. */
static void child_begins(void)
{
    struct sigaction now;
    for (int n = 1; n < SIGNALS_END; n++)
        if (a64_load(&taken) & signal_bit(n) && is_ours(n, &now))
            sigaction(n, &before[n], NULL);
    a64_store(&taken, 0);
    weir__signals_forget();
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, child_begins);
}

int os_signal_take(int number)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sigaction ours = {.sa_sigaction = handle,
                             .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    int e = errno, rc = WEIR_EINVAL;
    pthread_once(&once, watch_forks);
    a32_store(&process, (uint32_t)getpid());
    sigfillset(&ours.sa_mask); /* two handlers on one small stack are one too many */
    if (sigaction(number, NULL, &before[number]) == 0) {
        ours.sa_flags |= before[number].sa_flags & (SA_NOCLDSTOP | SA_NOCLDWAIT);
        rc = sigaction(number, &ours, NULL) == 0 ? 0 : WEIR_EINVAL;
    }
    if (rc == 0)
        a64_store(&taken, a64_load(&taken) | signal_bit(number));
    errno = e;
    return rc;
}

void os_signal_give_back(int number)
{
    struct sigaction now;
    int e = errno;
    if (is_ours(number, &now))
        sigaction(number, &before[number], NULL);
    a64_store(&taken, a64_load(&taken) & ~signal_bit(number));
    errno = e;
}

/* ---- our thread ----------------------------------------------------------------------------- */

void os_signal_thread_begins(void)
{
    pthread_detach(pthread_self());
}

/* It began with all blocked but those of faults. */
void os_signal_let_in(uint64_t wanted)
{
    sigset_t in, out;
    sigemptyset(&in);
    sigemptyset(&out);
    for (int n = 1; n < SIGNALS_END; n++)
        if (wanted & signal_bit(n))
            sigaddset(&in, n);
        else if (os_signal_is_for_us(n))
            sigaddset(&out, n);
    pthread_sigmask(SIG_BLOCK, &out, NULL);
    pthread_sigmask(SIG_UNBLOCK, &in, NULL);
}
