/* SPDX-License-Identifier: MIT */
/*
 * weir/signals.h - signals of the process as a receive end.
 *
 *     weir_receiver signals;
 *     weir_signal sig;
 *     rc = weir_signals(&signals, SIGTERM, SIGHUP, 0);
 *     while ((rc = weir_recv(signals, &sig)) > 0)
 *         if (sig.number == SIGTERM)
 *             weir_group_cancel(main_group, "SIGTERM");
 *
 * The end is one like any: for weir_recv_by, weir_try_recv, weir_select (weir_on_signal), a
 * descriptor (weir_receiver_fd), clones (which share what comes), children, threads; before, in
 * and after a run. Each weir_signals() is a receiver of its own: every one of those that want a
 * signal gets it, in the order of arrival. Rows F125, F126.
 *
 * The disposition of a signal (sigaction(2)) changes when the first receiver wants it, and is what
 * it was before when the last of them has closed, in whatever order they close - unless somebody
 * else has changed it since. Nothing else of the process changes, no other signal, no thread's
 * mask: what the process blocks in all of its threads arrives as well. While there are receivers
 * the library has one thread for them, which sleeps until a signal comes, and goes some time
 * after the last one has closed. System calls that a signal meets are restarted.
 *
 * No signal is lost. One that nobody has received when its last receiver closes is as one that
 * arrives just after: receivers that were opened since get it, or, if there are none, what its
 * disposition was before happens. So what is to be ignored at the end has to be received, or
 * ignored by sigaction(2) before weir_signals().
 *
 * weir's own threads block all signals, and an actor may be on any thread: so in an actor
 * kill(getpid(), number), which is for the process, and never raise(3).
 *
 * In a child of fork(2) signals do at once what they did before the first receiver, also
 * across exec; the parent's receivers are not the child's. (posix_spawn(3) and vfork(2), which do
 * not tell us, give a signal that was ignored its default action.)
 */
#ifndef WEIR_SIGNALS_H
#define WEIR_SIGNALS_H

#include <weir/channel.h>
#include <weir/select.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_signal {
    int number;     /* SIGTERM */
    int code;       /* si_code: SI_USER, SI_QUEUE, CLD_EXITED ... */
    int32_t pid;    /* who sent it, or of SIGCHLD the child; 0: not known */
    uint32_t uid;   /* as whom it ran */
    int32_t status; /* of SIGCHLD: its exit value or signal */
    uint32_t
        count; /* how many deliveries this stands for, 1 or more; of the first one is the rest */
    int64_t value; /* what sigqueue(3) sent: its pointer, or its int */
} weir_signal;

typedef struct weir_signal_options {
    /*
     * 0: coalesced. While one of a number is in the receiver, not received yet, further ones of
     * this number are counted in it.
     * n: queued. So many that are not received yet are items of their own, and only then they
     * are counted in the last one of their number. At most WEIR_CAPACITY_MAX.
     * (Of an ordinary signal the kernel keeps only one that has not been delivered. Of those with
     * SIGRTMIN and above it keeps all, but each with its value only as far as weir keeps up: of
     * some 4,000 that are on their way at the same time, later ones are counted only.)
     */
    size_t queue;
} weir_signal_options;

/*
 * weir_signals(&rx, number, ..., 0) - a receive end of weir_signal, coalesced, for one or more
 *                                     signals: all that arrive from now on. The list ends with 0.
 * weir_signals_open(&rx, numbers, n, options) - the same with an array; options may be NULL.
 *
 * Never suspend; any thread. The handle belongs to the calling actor. 0; on an error *rx is a null
 * handle that carries it: WEIR_EINVAL (no signal; no number of one, or of one of the C library's
 * own; SIGKILL, SIGSTOP, which cannot be had; SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT,
 * SIGSYS, which are faults of the code that runs; a queue that is too long), WEIR_ENOMEM,
 * WEIR_ENFILE. Nothing has changed then.
 */
WEIR_API int weir_signals(weir_receiver *rx, int number, ...);
WEIR_API int weir_signals_open(weir_receiver *rx, const int *numbers, size_t n,
                               const weir_signal_options *options);

/*
 * weir_signal_inject(signal) - tell all receivers that want it of this signal, as if it had just
 *                              arrived, before the call returns: for tests, simulated runs above
 *                              all, in which a signal from outside comes at no time that a seed
 *                              decides. The kernel knows nothing of it, and what nobody receives
 *                              is dropped. A count of 0 is 1.
 *
 * Never suspends; any thread. 0; WEIR_EPIPE: nobody wants this number; WEIR_EINVAL: it is none of
 * a signal; WEIR_ENOMEM.
 */
WEIR_API int weir_signal_inject(const weir_signal *signal);

/* A case of a select, for a struct weir_signal. */
static inline WEIR_UNUSED weir_case weir_on_signal(weir_receiver rx, weir_signal *signal)
{
    return weir_on_recv_item(rx, signal, sizeof *signal);
}

#ifdef __cplusplus
}
#endif
#endif
