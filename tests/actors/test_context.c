/* SPDX-License-Identifier: MIT */
/* The switch: what it preserves, what it carries, where it starts and ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fenv.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "harness.h"
#include "stack.h"

/*
 * int switch_patterned(from, to, pattern, how): fills every register that a function has
 * to preserve with `pattern` + 1, + 2, ..., calls how(from, to, NULL, NULL), and returns
 * the number of those that came back changed. switch_patterned_pc is where `how` returns.
 */
typedef int (*switch_function)(struct context *, struct context *, void (*)(void *), void *);
int switch_patterned(struct context *from, struct context *to, uint64_t pattern,
                     switch_function how);
extern const char switch_patterned_pc[];

#if defined(__x86_64__)

/* The pattern is kept at 0(%rsp), which the switch restores if it restores anything. */
__asm__(".text\n"
        ".globl switch_patterned\n"
        ".type switch_patterned, @function\n"
        "switch_patterned:\n"
        " pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n"
        " pushq %r15\n"
        " subq $8, %rsp\n"
        " movq %rdx, (%rsp)\n"
        " movq %rcx, %rax\n"
        " leaq 1(%rdx), %rbp\n leaq 2(%rdx), %rbx\n leaq 3(%rdx), %r12\n"
        " leaq 4(%rdx), %r13\n leaq 5(%rdx), %r14\n leaq 6(%rdx), %r15\n"
        " xorl %edx, %edx\n xorl %ecx, %ecx\n"
        " call *%rax\n"
        ".globl switch_patterned_pc\n"
        "switch_patterned_pc:\n"
        " movq (%rsp), %rdx\n"
        " xorl %eax, %eax\n"
        " subq %rdx, %rbp\n subq $1, %rbp\n setne %cl\n movzbl %cl, %ecx\n"
        " addl %ecx, %eax\n"
        " subq %rdx, %rbx\n subq $2, %rbx\n setne %cl\n addl %ecx, %eax\n"
        " subq %rdx, %r12\n subq $3, %r12\n setne %cl\n addl %ecx, %eax\n"
        " subq %rdx, %r13\n subq $4, %r13\n setne %cl\n addl %ecx, %eax\n"
        " subq %rdx, %r14\n subq $5, %r14\n setne %cl\n addl %ecx, %eax\n"
        " subq %rdx, %r15\n subq $6, %r15\n setne %cl\n addl %ecx, %eax\n"
        " addq $8, %rsp\n"
        " popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n"
        " ret\n"
        ".size switch_patterned, . - switch_patterned\n");

/* Where the documented frame has the pattern of each register, in words from sp. */
static const int frame_of_pattern[] = {-1, 5, 4, 3, 2, 1, 0};
enum { FRAME_PC = 6, PATTERNS = 6 };

#elif defined(__aarch64__)

__asm__(".text\n"
        ".globl switch_patterned\n"
        ".type switch_patterned, %function\n"
        "switch_patterned:\n"
        " stp x29, x30, [sp, #-176]!\n"
        " stp x19, x20, [sp, #16]\n stp x21, x22, [sp, #32]\n stp x23, x24, [sp, #48]\n"
        " stp x25, x26, [sp, #64]\n stp x27, x28, [sp, #80]\n stp d8, d9, [sp, #96]\n"
        " stp d10, d11, [sp, #112]\n stp d12, d13, [sp, #128]\n stp d14, d15, [sp, #144]\n"
        " str x2, [sp, #160]\n"
        " mov x9, x3\n"
        " add x29, x2, #1\n add x19, x2, #2\n add x20, x2, #3\n add x21, x2, #4\n"
        " add x22, x2, #5\n add x23, x2, #6\n add x24, x2, #7\n add x25, x2, #8\n"
        " add x26, x2, #9\n add x27, x2, #10\n add x28, x2, #11\n"
        " add x10, x2, #12\n fmov d8, x10\n add x10, x2, #13\n fmov d9, x10\n"
        " add x10, x2, #14\n fmov d10, x10\n add x10, x2, #15\n fmov d11, x10\n"
        " add x10, x2, #16\n fmov d12, x10\n add x10, x2, #17\n fmov d13, x10\n"
        " add x10, x2, #18\n fmov d14, x10\n add x10, x2, #19\n fmov d15, x10\n"
        " mov x2, xzr\n mov x3, xzr\n"
        " blr x9\n"
        ".globl switch_patterned_pc\n"
        "switch_patterned_pc:\n"
        " ldr x2, [sp, #160]\n"
        " mov w0, wzr\n"
        " .macro check reg, n\n add x10, x2, #\\n\n cmp \\reg, x10\n cinc w0, w0, ne\n"
        " .endm\n"
        " .macro checkd reg, n\n fmov x11, \\reg\n check x11, \\n\n .endm\n"
        " check x29, 1\n check x19, 2\n check x20, 3\n check x21, 4\n check x22, 5\n"
        " check x23, 6\n check x24, 7\n check x25, 8\n check x26, 9\n check x27, 10\n"
        " check x28, 11\n checkd d8, 12\n checkd d9, 13\n checkd d10, 14\n checkd d11, 15\n"
        " checkd d12, 16\n checkd d13, 17\n checkd d14, 18\n checkd d15, 19\n"
        " ldp x19, x20, [sp, #16]\n ldp x21, x22, [sp, #32]\n ldp x23, x24, [sp, #48]\n"
        " ldp x25, x26, [sp, #64]\n ldp x27, x28, [sp, #80]\n ldp d8, d9, [sp, #96]\n"
        " ldp d10, d11, [sp, #112]\n ldp d12, d13, [sp, #128]\n ldp d14, d15, [sp, #144]\n"
        " ldp x29, x30, [sp], #176\n"
        " ret\n"
        ".size switch_patterned, . - switch_patterned\n");

static const int frame_of_pattern[] = {-1, 0,  2,  3,  4,  5,  6,  7,  8,  9,
                                       10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
enum { FRAME_PC = 1, PATTERNS = 19 };

#endif

/* ---- one other flow beside the test's ----------------------------------------------- */

static struct stacks stacks;
static struct stack_cache cache;
static struct stack *stack;
static struct context native, other;

/* What lies above the first frame is the owner: here it looks like a return address. */
static void begin(void (*entry)(void))
{
    int error = 0;
    void *owner = (char *)(uintptr_t)begin + 8;
    REQUIRE_RC(weir__stacks_init(&stacks, 0, WEIR_GUARD_BEST, false), 0);
    weir__context_native(&native);
    stack = stack_get(&stacks, &cache, owner, &error);
    REQUIRE(stack != NULL);
    stack_context(&stacks, stack, &other, entry);
}

static void end(void)
{
    weir__context_fini(&other);
    weir__context_fini(&native);
    weir__stacks_fini(&stacks);
    cache.count = 0;
}

/* ---- registers ---------------------------------------------------------------------- */

enum { ROUNDS = 100 };

static switch_function how;
static int changed_there;

/* As context_switch() does, around an assembler function that stands for its caller. */
static int patterned(struct context *from, struct context *to, uint64_t pattern)
{
    context__leave(from, to);
    int changed = switch_patterned(from, to, pattern, how);
    context__arrive(from);
    return changed;
}

static void patterned_entry(void)
{
    context_entered(&other);
    for (uint64_t i = 0;; i++)
        changed_there += patterned(&other, &native, 0x1122334455660000u + (i << 8));
}

static void preserves_registers(switch_function by)
{
    int changed = 0;
    how = by;
    changed_there = 0;
    begin(patterned_entry);
    for (uint64_t i = 0; i < ROUNDS; i++)
        changed += patterned(&native, &other, 0x8877665544330000u + (i << 8));
    end();
    EXPECT_EQ(changed, 0);
    EXPECT_EQ(changed_there, 0);
}

static void registers(void)
{
    preserves_registers(weir__switch);
}

static void registers_tail(void)
{
    preserves_registers(weir__switch_tail);
}

static void frame_layout(void)
{
    how = weir__switch;
    begin(patterned_entry);
    patterned(&native, &other, 0);
    const uint64_t *frame = other.sp;
    for (int i = 1; i <= PATTERNS; i++)
        EXPECT_EQ(frame[frame_of_pattern[i]], 0x1122334455660000u + (uint64_t)i);
    EXPECT_EQ(frame[FRAME_PC], (uintptr_t)switch_patterned_pc);
    end();
}

/* ---- floating-point control --------------------------------------------------------- */

static volatile double one = 1, three = 3;
static volatile long double long_one = 1, long_three = 3;

/* What the rounding mode is, as asked and as done by each unit: 0 nearest, 1 up, 2 down. */
static int rounding(void)
{
    double up = 0x1.5555555555556p-2, down = 0x1.5555555555555p-2, third = one / three;
    long double long_third = long_one / long_three * long_three;
    bool is_up = third == up, is_down = third == down;
    switch (fegetround()) {
    case FE_UPWARD:
        return is_up && long_third > 1 ? 1 : -1;
    case FE_DOWNWARD:
        return is_down && long_third < 1 ? 2 : -2;
    case FE_TONEAREST:
        return is_down && long_third == 1 ? 0 : -3;
    default:
        return -4;
    }
}

static int rounding_there[3];

static void rounding_entry(void)
{
    context_entered(&other);
    rounding_there[0] = rounding();
    fesetround(FE_UPWARD);
    rounding_there[1] = rounding();
    context_switch(&other, &native);
    rounding_there[2] = rounding();
    fesetround(FE_DOWNWARD);
    context_switch(&other, &native);
}

static void rounding_modes(void)
{
    begin(rounding_entry);
    context_switch(&native, &other);
    EXPECT_EQ(rounding(), 0);
    EXPECT_EQ(rounding_there[0], 0);
    EXPECT_EQ(rounding_there[1], 1);
    fesetround(FE_DOWNWARD);
    context_switch(&native, &other);
    EXPECT_EQ(rounding(), 2);
    EXPECT_EQ(rounding_there[2], 1);
    fesetround(FE_TONEAREST);
    end();
}

static void rounding_inherited(void)
{
    fesetround(FE_DOWNWARD);
    begin(rounding_entry);
    context_switch(&native, &other);
    EXPECT_EQ(rounding(), 2);
    EXPECT_EQ(rounding_there[0], 2);
    fesetround(FE_TONEAREST);
    end();
}

static int enabled, traps_there[2];
static volatile double zero;
static volatile long double long_zero, long_quotient;

static void traps_entry(void)
{
    context_entered(&other);
    enabled = feenableexcept(FE_DIVBYZERO) == 0 ? FE_DIVBYZERO : 0; /* or the machine has none */
    context_switch(&other, &native);
    traps_there[0] = fegetexcept();
    long_quotient = long_one + long_one; /* a pending flag of the other flow would trap here */
    traps_there[1] = fegetexcept();
    context_switch(&other, &native);
}

/* A trap that one actor enabled neither traps in another nor reports what that one did. */
static void traps(void)
{
    begin(traps_entry);
    context_switch(&native, &other);
    EXPECT_EQ(fegetexcept(), 0);
    zero = one / zero;
    long_quotient = long_one / long_zero;
    context_switch(&native, &other);
    EXPECT_EQ(traps_there[0], enabled);
    EXPECT_EQ(traps_there[1], enabled);
    EXPECT_EQ(fegetexcept(), 0);
    feclearexcept(FE_ALL_EXCEPT);
    zero = 0;
    end();
}

/* ---- errno -------------------------------------------------------------------------- */

static int errno_there[2];

/* Not inlined: the compiler may keep errno's address over a switch to another thread. */
static never_inline int get_errno(void)
{
    return errno;
}

static never_inline void set_errno(int value)
{
    errno = value;
}

static void errno_entry(void)
{
    context_entered(&other);
    errno_there[0] = get_errno();
    set_errno(ENOENT);
    context_switch(&other, &native);
    errno_there[1] = get_errno();
    set_errno(EPIPE);
    context_switch(&other, &native);
}

static void errno_carried(void)
{
    begin(errno_entry);
    set_errno(EINTR);
    context_switch(&native, &other);
    EXPECT_EQ(get_errno(), EINTR);
    set_errno(EDOM);
    context_switch(&native, &other);
    EXPECT_EQ(get_errno(), EDOM);
    EXPECT_EQ(errno_there[0], 0);
    EXPECT_EQ(errno_there[1], ENOENT);
    end();
}

static void *resume_other(void *unused)
{
    struct context thread;
    weir__context_native(&thread);
    set_errno(EBADF);
    native = thread;
    context_switch(&native, &other);
    return get_errno() == EBADF ? &native : unused;
}

static void errno_moves_to_another_thread(void)
{
    pthread_t thread;
    void *kept = NULL;
    begin(errno_entry);
    context_switch(&native, &other);
    struct context mine = native;
    REQUIRE(pthread_create(&thread, NULL, resume_other, NULL) == 0);
    pthread_join(thread, &kept);
    EXPECT_EQ(errno_there[1], ENOENT);
    EXPECT(kept == &native);
    native = mine;
    end();
}

/* ---- entry and unwinding ------------------------------------------------------------ */

void weir__context_start(void);

static uintptr_t entry_frame, entry_local;
static void *frames[64];
static int frame_count;

static never_inline void deeper(int n)
{
    char text[64];
    if (n > 0)
        deeper(n - 1);
    else
        frame_count = backtrace(frames, 64);
    snprintf(text, sizeof text, "%.17g", (double)n); /* uses aligned vector stores */
    __asm__ volatile("" : : "r"(text) : "memory");
}

static void unwind_entry(void)
{
    _Alignas(16) char local[16];
    context_entered(&other);
    entry_frame = (uintptr_t)__builtin_frame_address(0);
    entry_local = (uintptr_t)local;
    __asm__ volatile("" : : "r"(local) : "memory");
    deeper(5);
    context_switch(&other, &native);
}

static bool in_start(const void *pc)
{
    uintptr_t offset = (uintptr_t)pc - (uintptr_t)weir__context_start;
    return offset > 0 && offset <= 16;
}

static void starts_aligned(void)
{
    begin(unwind_entry);
    context_switch(&native, &other);
    EXPECT_EQ(entry_frame % 16, 0);
    EXPECT_EQ(entry_local % 16, 0);
    EXPECT(entry_frame < (uintptr_t)stack && entry_frame > (uintptr_t)stack - 4096);
    end();
}

static void backtrace_stops(void)
{
    begin(unwind_entry);
    context_switch(&native, &other);
    EXPECT(frame_count >= 8);
    EXPECT(frame_count < 12);
    REQUIRE(frame_count > 0);
    EXPECT(in_start(frames[frame_count - 1]));
    end();
}

/* ---- after, result, tail ------------------------------------------------------------ */

static uintptr_t after_local;
static void *after_sp;
static int after_frames;

static void look_after(void *arg)
{
    char local;
    after_local = (uintptr_t)&local;
    after_sp = ((struct context *)arg)->sp;
    after_frames = backtrace(frames, 64);
    __asm__ volatile("" : : "r"(&local) : "memory");
}

static never_inline int park_tail(struct context *from, struct context *to)
{
    return context_switch_tail(from, to, look_after, from);
}

static int result_there;

static void tail_entry(void)
{
    context_entered(&other);
    for (;;)
        result_there = park_tail(&other, &native);
}

static bool on_stack(uintptr_t address)
{
    return (uintptr_t)stack - address < stack_room(&stacks, stack);
}

static void after_runs_on_the_new_stack(void)
{
    begin(tail_entry);
    context_switch(&native, &other); /* and back, by park_tail() */
    EXPECT(!on_stack(after_local));
    EXPECT(on_stack((uintptr_t)after_sp));
    EXPECT(after_sp == other.sp);
    end();

    begin(errno_entry);
    park_tail(&native, &other);
    EXPECT(on_stack(after_local));
    EXPECT(after_sp == native.sp);
    EXPECT(after_frames > 0 && in_start(frames[after_frames - 1]));
    end();
}

static void result_is_returned(void)
{
    begin(tail_entry);
    native.result = 3;
    EXPECT_EQ(park_tail(&native, &other), 3);
    other.result = 17;
    native.result = -4;
    EXPECT_EQ(park_tail(&native, &other), -4);
    EXPECT_EQ(result_there, 17);
    native.result = 5;
    other.result = -32;
    EXPECT_EQ(context_switch(&native, &other), 5);
    EXPECT_EQ(result_there, -32);
    end();
}

/* ---- ending ------------------------------------------------------------------------- */

enum { LIVES = 3000 };

static int lives, after_abandon;

static void count_after(void *arg)
{
    after_abandon += arg == &other;
}

static never_inline int touch(int n)
{
    volatile char frame[512];
    memset((char *)frame, n, sizeof frame);
    return frame[n % 512];
}

static void dying_entry(void)
{
    context_entered(&other);
    lives += touch(1);
    if (lives % 2)
        context_abandon(&other, &native);
    context_abandon_after(&other, &native, count_after, &other);
}

/* The same stack, left in the middle of frames each time. */
static void abandoned_stack_is_reused(void)
{
    int error;
    lives = after_abandon = 0;
    begin(dying_entry);
    for (int i = 0; i < LIVES; i++) {
        context_switch(&native, &other);
        stack_put(&stacks, &cache, stack);
        EXPECT(stack_get(&stacks, &cache, NULL, &error) == stack);
        stack_context(&stacks, stack, &other, dying_entry);
    }
    end();
    EXPECT_EQ(lives, LIVES);
    EXPECT_EQ(after_abandon, LIVES / 2);
}

static struct context heirs[LIVES];
static int heir_trouble;

static void heirs_entry(void)
{
    struct context *self = &other;
    context_entered(self);
    for (int i = 0; i < LIVES; i++) {
        heir_trouble += get_errno() != 0 || fegetround() != FE_TONEAREST;
        set_errno(i + 1);
        fesetround(FE_TOWARDZERO);
        if (i % 100 == 0)
            context_switch(self, &native);
        heir_trouble += get_errno() != i + 1 || fegetround() != FE_TOWARDZERO;
        context_take_over(self, &heirs[i]);
        self = &heirs[i];
    }
    context_abandon(self, &native);
}

static void stack_is_taken_over(void)
{
    heir_trouble = 0;
    begin(heirs_entry);
    context_switch(&native, &other);
    for (int i = 0; i < LIVES; i += 100)
        context_switch(&native, i ? &heirs[i - 1] : &other);
    EXPECT_EQ(heir_trouble, 0);
    EXPECT_EQ(fegetround(), FE_TONEAREST);
    end();
}

TEST_SUITE(context, "context", {"switch: preserves every callee-saved register", registers},
           {"switch: so does the tail form", registers_tail},
           {"switch: a suspended frame is laid out as documented", frame_layout},
           {"switch: each flow has its rounding mode", rounding_modes},
           {"switch: a new flow inherits the thread's rounding mode", rounding_inherited},
           {"switch: each flow has its traps", traps},
           {"switch: errno's value stays with the flow", errno_carried},
           {"switch: errno's value goes along to another thread", errno_moves_to_another_thread},
           {"switch: entry is called with an aligned stack", starts_aligned},
           {"switch: unwinding stops at the entry", backtrace_stops},
           {"switch: after() runs when the old stack is at rest", after_runs_on_the_new_stack},
           {"switch: returns the result that was left", result_is_returned},
           {"switch: an abandoned stack serves again", abandoned_stack_is_reused},
           {"switch: a stack goes from one flow to the next", stack_is_taken_over});
