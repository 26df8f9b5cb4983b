/* SPDX-License-Identifier: MIT */
/* overflow.c - see overflow.h. */
#define _GNU_SOURCE
#include "overflow.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include "os.h"

enum {
    FRAME_UNPROBED = 64 * 1024, /* how far below a guard the stack pointer may have got */
    PUSH_MOST = 512 /* how far above: aarch64's stp to [sp, -512]!; x86-64's red zone is 128 */
};

/* For the handler; set before it is installed, and the same for all workers of a run. */
static const struct stacks *watched;
static const char *(*owner_name)(void *owner);

/* ---- the line ----------------------------------------------------------------------- */

struct line {
    char text[160];
    size_t n;
};

static void add(struct line *l, const char *text)
{
    while (*text && l->n < sizeof l->text)
        l->text[l->n++] = *text++;
}

static void add_number(struct line *l, size_t number)
{
    char digits[24], *d = digits + sizeof digits - 1;
    *d = 0;
    do
        *--d = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    add(l, d);
}

/* Async-signal-safe, so no printf. */
static void report(size_t stack_size, const char *name)
{
    struct line l = {.n = 0};
    add(&l, "weir: actor '");
    add(&l, name);
    add(&l, "' overflowed its ");
    add_number(&l, stack_size / 1024);
    add(&l, " KiB stack; raise weir_options.stack_size\n");
    if (write(STDERR_FILENO, l.text, l.n) < 0)
        return; /* nobody is left to be told */
}

void weir__overflow_abort(const struct stacks *stacks, const char *name)
{
    report(stacks->size, name);
    abort();
}

/* ---- the handler -------------------------------------------------------------------- */

static uintptr_t stack_pointer(const ucontext_t *u)
{
#if defined(__x86_64__)
    return (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
#else
    return (uintptr_t)u->uc_mcontext.sp;
#endif
}

/*
 * The stack whose guard was hit; NULL: no overflow. The stack pointer has to be there as
 * well: a stray pointer into a guard is some other bug.
 */
static struct stack *overflowed(const void *address, uintptr_t sp)
{
    char *slot = weir__stack_slot(watched, address);
    if (!slot)
        return NULL;
    struct stack *k = stack_of_slot(watched, slot);
    uintptr_t guard = (uintptr_t)slot, frames = guard + k->guard;
    bool hit = (uintptr_t)address < frames;
    bool there = sp < frames + PUSH_MOST && sp + FRAME_UNPROBED >= guard;
    return hit && there ? k : NULL;
}

/* Returning repeats the fault, which is then deadly. A signal that was sent does not repeat. */
static void on_fault(int number, siginfo_t *info, void *ucontext)
{
    signal(number, SIG_DFL);
    if (info->si_code <= 0) {
        raise(number);
        return;
    }
    struct stack *k = overflowed(info->si_addr, stack_pointer(ucontext));
    if (k)
        report(watched->size, owner_name(k->owner));
}

/* ---- install, remove ---------------------------------------------------------------- */

static bool is_ours(const struct sigaction *a)
{
    return (a->sa_flags & SA_SIGINFO) && a->sa_sigaction == on_fault;
}

static bool is_default(const struct sigaction *a)
{
    return !(a->sa_flags & SA_SIGINFO) && a->sa_handler == SIG_DFL;
}

/* False: the thread has no alternative stack, and cannot get one. */
static bool give_signal_stack(struct overflow_report *r)
{
    stack_t now, ours = {.ss_size = 64 * 1024};
    long least = sysconf(_SC_SIGSTKSZ);

    if (sigaltstack(NULL, &now) < 0)
        return false;
    if (!(now.ss_flags & SS_DISABLE))
        return true;
    if (least > 0 && (size_t)least > ours.ss_size)
        ours.ss_size = (size_t)least;
    if (!(ours.ss_sp = os_reserve(ours.ss_size)))
        return false;
    r->signal_stack = ours.ss_sp;
    r->bytes = ours.ss_size;
    return sigaltstack(&ours, NULL) == 0;
}

void weir__overflow_install(struct overflow_report *r, const struct stacks *stacks,
                            const char *(*name_of)(void *owner))
{
    struct sigaction now, ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    int e = errno;

    memset(r, 0, sizeof *r);
    if (sigaction(SIGSEGV, NULL, &now) == 0 && (is_ours(&now) || is_default(&now)) &&
        give_signal_stack(r) && is_default(&now)) {
        watched = stacks;
        owner_name = name_of;
        sigemptyset(&ours.sa_mask);
        r->handler = sigaction(SIGSEGV, &ours, NULL) == 0;
    }
    errno = e;
}

/* What somebody has put in our place meanwhile stays. */
void weir__overflow_remove(struct overflow_report *r)
{
    struct sigaction now;
    stack_t old;
    int e = errno;

    if (r->handler && sigaction(SIGSEGV, NULL, &now) == 0 && is_ours(&now))
        signal(SIGSEGV, SIG_DFL);
    if (r->signal_stack) {
        const stack_t none = {.ss_flags = SS_DISABLE};
        if (sigaltstack(NULL, &old) == 0 && old.ss_sp == r->signal_stack)
            sigaltstack(&none, NULL);
        os_unreserve(r->signal_stack, r->bytes);
    }
    memset(r, 0, sizeof *r);
    errno = e;
}
