/* SPDX-License-Identifier: MIT */
/*
 * context.h - switching between stacks.
 *
 * A context is a suspended flow of control: a stack pointer, below which the registers
 * that a function has to preserve are saved, and the few things that the thread holds for
 * it meanwhile: errno and the floating-point control modes. context_switch() suspends the
 * caller into `from` and resumes `to`; it returns when somebody switches to `from`.
 *
 * There are two ways out of a switch, because processors predict a `ret` from a stack of
 * the calls that ran last, and each wrong guess costs more than the switch itself.
 *   - context_switch() returns. The guess is right when those who park do it through the
 *     same calls: 4 ns, and 8 more for each level at which the suspended and the resumed
 *     flow were called from different places.
 *   - context_switch_tail() jumps to the return address. It is for
 *         return context_switch_tail(&me->context, &next->context, after, arg);
 *     at the end of a function that parks, itself called so by the public function. The
 *     compiler makes jumps of these, the suspended stack ends in the user's frame, and
 *     the actor continues there without a `ret`: 5 ns, whoever it is. What the public
 *     function is to return is left in `result` by whoever wakes the actor. Where the
 *     compiler makes no jumps this works too, but costs 12 ns.
 *
 * What belongs to an actor and is carried: the value of errno, and what <fenv.h> calls
 * control modes (rounding direction, enabled traps). What stays with the thread:
 * floating-point exception flags, MXCSR bits that <fenv.h> does not know (flush to zero),
 * signal mask, locale, any other thread-local variable. A compiler may keep the address
 * of a thread-local variable over a call, so a function of weir that can suspend uses
 * none afterwards.
 *
 * For tools: the saved frame, from the address in `sp` upwards, in 8-byte words:
 *     x86-64   r15 r14 r13 r12 rbx rbp pc; the stack pointer after resuming is sp + 56
 *     aarch64  x29 x30 x19 ... x28 d8 ... d15; x30 is the pc; afterwards sp + 160
 */
#ifndef WEIR_CONTEXT_H
#define WEIR_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

#if defined(WEIR_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(WEIR_TSAN)
#include <sanitizer/tsan_interface.h>
#include <signal.h>
#endif

/* The assembler knows the offsets of the first four. */
struct context {
    void *sp;   /* the saved frame; NULL: never suspended */
    int result; /* what context_switch() away from here will return */
    int saved_errno;
    uint32_t fp_control; /* x86-64: the x87 control word; aarch64: FPCR */
#if defined(WEIR_ASAN)
    void *fake_stack;
    const void *bottom;
    size_t size;
#endif
#if defined(WEIR_TSAN)
    void *fiber;
    sigset_t signals;
#endif
};

/*
 * Prepare `c` so that the first switch to it calls entry() on the stack whose highest
 * address is `top`, a multiple of 16, with `size` usable bytes below it. entry must not
 * return, and begins with context_entered(). It starts with errno 0 and the control modes
 * that the thread of weir__context_native() had.
 */
void weir__context_init(struct context *c, void *top, size_t size, void (*entry)(void));

/*
 * Describe the calling thread's own stack, so that the thread can switch away from it.
 * A thread that starts other workers calls this before they do.
 */
void weir__context_native(struct context *c);

/* `c` is suspended or was never resumed, and will not be any more; or it is a native one. */
void weir__context_fini(struct context *c);

/*
 * In assembler. When `from` is saved and nothing uses its stack any more, after(arg) runs
 * on the stack of `to`, below its frames, if `after` is not NULL: there `from` may be made
 * visible to other threads (a channel's lock released), or freed. It must not switch.
 */
int weir__switch(struct context *from, struct context *to, void (*after)(void *), void *arg);
int weir__switch_tail(struct context *from, struct context *to, void (*after)(void *), void *arg);
_Noreturn void weir__switch_final(struct context *to, void (*after)(void *), void *arg);

/*
 * ThreadSanitizer sees one fiber per context. With flags 0 a switch orders what runs
 * before it with what runs after it, which is so for everything on one worker. Its own
 * stack of calls is the fiber's: a function in which the fiber changes must not end in
 * the other one, so all of these are part of their callers.
 *
 * It puts off the handler of a signal until the fiber that was interrupted calls something
 * of the C library. So that no signal waits for a suspended actor, perhaps the one that waits for
 * the signal, none comes between the last such call and the switch: `signals` of who is resumed
 * keeps the thread's mask meanwhile.
 */
#if defined(WEIR_TSAN)
#define WEIR_TSAN_SWITCH 0
void weir__context_doom(struct context *gone); /* free the fiber after the next switch */
void weir__context_bury(void);
void weir__context_hold_signals(struct context *to); /* and handle those that were put off */
void weir__context_let_signals(struct context *self);
#endif

static always_inline void context__leave(struct context *from, struct context *to)
{
#if defined(WEIR_ASAN)
    __sanitizer_start_switch_fiber(from != NULL ? &from->fake_stack : NULL, to->bottom, to->size);
#elif defined(WEIR_TSAN)
    weir__context_hold_signals(to);
    __tsan_switch_to_fiber(to->fiber, WEIR_TSAN_SWITCH);
#endif
    (void)from;
    (void)to;
}

static always_inline void context__arrive(struct context *self)
{
#if defined(WEIR_ASAN)
    __sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
#elif defined(WEIR_TSAN)
    weir__context_let_signals(self);
    weir__context_bury();
#endif
    (void)self;
}

/* Suspend into `from`, resume `to`; returns from->result after being resumed. */
static always_inline int context_switch(struct context *from, struct context *to)
{
    context__leave(from, to);
    int result = weir__switch(from, to, NULL, NULL);
    context__arrive(from);
    return result;
}

/* The same, with after(arg) in between, for `return context_switch_tail(...)`. */
static always_inline int context_switch_tail(struct context *from, struct context *to,
                                             void (*after)(void *), void *arg)
{
    context__leave(from, to);
#if defined(WEIR_ASAN) || defined(WEIR_TSAN)
    int result = weir__switch(from, to, after, arg);
    context__arrive(from);
    return result;
#else
    return weir__switch_tail(from, to, after, arg);
#endif
}

/* Resume `to` and never come back. `gone` may be freed by after(), not sooner. */
static always_inline _Noreturn void context_abandon_after(struct context *gone, struct context *to,
                                                          void (*after)(void *), void *arg)
{
#if defined(WEIR_TSAN)
    weir__context_doom(gone);
#endif
    (void)gone;
    context__leave(NULL, to);
    weir__switch_final(to, after, arg);
}

static always_inline _Noreturn void context_abandon(struct context *gone, struct context *to)
{
    context_abandon_after(gone, to, NULL, NULL);
}

/* The first thing in entry(). */
static always_inline void context_entered(struct context *self)
{
    context__arrive(self);
}

/*
 * Call fn(arg) on the stack of `on`, which is suspended and stays so, below its frames;
 * fn's result. `self` is the caller's context. Inside there must be no switch.
 */
int weir__context_call(struct context *self, struct context *on, int (*fn)(void *arg), void *arg);

/* In assembler: fn(arg) on the stack below `sp`. */
int weir__call_below(void *sp, int (*fn)(void *arg), void *arg);

/*
 * `next` was never resumed, and takes over the stack that `done` runs on: no switch, the
 * caller goes on and is now `next`. Instead of weir__context_init(); errno and the control
 * modes start afresh as there.
 */
void weir__context_take_over(struct context *done, struct context *next);

static inline void context_take_over(struct context *done, struct context *next)
{
    weir__context_take_over(done, next);
}

#endif
