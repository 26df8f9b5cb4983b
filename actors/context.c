/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#if defined(WEIR_ASAN)
#include <pthread.h>
#endif
#include <string.h>

#include "context.h"

_Static_assert(offsetof(struct context, sp) == 0, "the assembler knows this");
_Static_assert(offsetof(struct context, result) == 8, "the assembler knows this");
_Static_assert(offsetof(struct context, saved_errno) == 12, "the assembler knows this");
_Static_assert(offsetof(struct context, fp_control) == 16, "the assembler knows this");

/* The first frame, as weir__switch pops it: entry() is called from weir__context_start. */
#if defined(__x86_64__)
enum { FRAME_WORDS = 7, FRAME_ENTRY = 4, FRAME_PC = 6 };
#elif defined(__aarch64__)
enum { FRAME_WORDS = 20, FRAME_ENTRY = 2, FRAME_PC = 1 };
#else
#error "weir has no context switch for this machine"
#endif

extern const char weir__context_start_pc[];

/* errno's distance from the thread pointer: one for all threads, as libc's thread-locals are. */
ptrdiff_t weir__errno_offset __attribute__((visibility("hidden")));
static uint32_t native_control;

/* Only the assembler and weir__context_take_over() call it. */
void weir__fp_control_load(uint32_t control) __attribute__((visibility("hidden")));

#if defined(__x86_64__)

static uint32_t fp_control_read(void)
{
    uint16_t word;
    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
}

/*
 * MXCSR gets the masks and the rounding mode of the x87 control word, and keeps the rest.
 * fnclex: a trap that the new word enables must not report what others left behind.
 */
void weir__fp_control_load(uint32_t control)
{
    uint16_t word = (uint16_t)control;
    uint32_t mxcsr;

    __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(word));
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    mxcsr &= ~(uint32_t)0x7f80;
    mxcsr |= (control & 0x3f) << 7 | (control & 0xc00) << 3;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

#else

static uint32_t fp_control_read(void)
{
    uint64_t word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word));
    return (uint32_t)word;
}

void weir__fp_control_load(uint32_t control)
{
    uint64_t word = control;
    __asm__ volatile("msr fpcr, %0" : : "r"(word));
}

#endif

void weir__context_init(struct context *c, void *top, size_t size, void (*entry)(void))
{
    uint64_t *frame = (uint64_t *)top - FRAME_WORDS;

    memset(c, 0, sizeof *c);
    memset(frame, 0, FRAME_WORDS * sizeof *frame);
    frame[FRAME_ENTRY] = (uint64_t)(uintptr_t)entry;
    frame[FRAME_PC] = (uint64_t)(uintptr_t)weir__context_start_pc;
    c->sp = frame;
    c->fp_control = native_control;
#if defined(WEIR_ASAN)
    c->bottom = (char *)top - size;
    c->size = size;
#elif defined(WEIR_TSAN)
    c->fiber = __tsan_create_fiber(0);
#endif
    (void)size;
}

void weir__context_native(struct context *c)
{
    ptrdiff_t offset = (char *)&errno - (char *)__builtin_thread_pointer();
    uint32_t control = fp_control_read();

    memset(c, 0, sizeof *c);
    /* Workers find both as the first thread left them: they only read. */
    if (weir__errno_offset != offset)
        weir__errno_offset = offset;
    if (native_control != control)
        native_control = control;
#if defined(WEIR_ASAN)
    pthread_attr_t attributes;
    void *bottom = NULL;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &bottom, &c->size);
        pthread_attr_destroy(&attributes);
    }
    c->bottom = bottom;
#elif defined(WEIR_TSAN)
    c->fiber = __tsan_get_current_fiber();
#endif
}

void weir__context_fini(struct context *c)
{
#if defined(WEIR_TSAN)
    if (c->fiber != NULL && c->fiber != __tsan_get_current_fiber())
        __tsan_destroy_fiber(c->fiber);
#endif
    memset(c, 0, sizeof *c);
}

struct call {
    struct context *self, *on;
    int (*fn)(void *arg);
    void *arg;
};

/* On the other stack. */
static int call_there(void *call)
{
    struct call *c = call;
#if defined(WEIR_ASAN)
    __sanitizer_finish_switch_fiber(c->on->fake_stack, NULL, NULL);
#elif defined(WEIR_TSAN)
    weir__context_let_signals(c->on);
#endif
    int result = c->fn(c->arg);
#if defined(WEIR_ASAN)
    __sanitizer_start_switch_fiber(&c->on->fake_stack, c->self->bottom, c->self->size);
#endif
    return result;
}

int weir__context_call(struct context *self, struct context *on, int (*fn)(void *arg), void *arg)
{
    struct call c = {self, on, fn, arg};
    context__leave(self, on);
    int result = weir__call_below(on->sp, call_there, &c);
#if defined(WEIR_TSAN)
    context__leave(on, self); /* here: a function ends in the fiber in which it began */
#endif
    context__arrive(self);
    return result;
}

void weir__context_take_over(struct context *done, struct context *next)
{
    memset(next, 0, sizeof *next);
    errno = 0;
    if (fp_control_read() != native_control)
        weir__fp_control_load(native_control);
#if defined(WEIR_ASAN)
    next->bottom = done->bottom;
    next->size = done->size;
#elif defined(WEIR_TSAN)
    next->fiber = done->fiber;
    done->fiber = NULL;
#endif
    (void)done;
}

#if defined(WEIR_TSAN)

/* A fiber cannot be destroyed while it runs: the next one on this thread does it. */
static __thread void *doomed;

void weir__context_doom(struct context *gone)
{
    doomed = gone->fiber;
    gone->fiber = NULL;
}

void weir__context_bury(void)
{
    if (doomed != NULL) {
        __tsan_destroy_fiber(doomed);
        doomed = NULL;
    }
}

/* Those of faults go through: it has never put them off. */
void weir__context_hold_signals(struct context *to)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t most;
    int e = errno;
    sigfillset(&most);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&most, faults[i]);
    pthread_sigmask(SIG_BLOCK, &most, &to->signals);
    errno = e;
}

void weir__context_let_signals(struct context *self)
{
    int e = errno;
    pthread_sigmask(SIG_SETMASK, &self->signals, NULL);
    errno = e;
}

#endif
