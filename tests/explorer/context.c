/* SPDX-License-Identifier: MIT */
/*
 * context.c - virtual threads' stacks.
 *
 * A virtual thread may have switched to a stack of its own making when it is suspended
 * (an actor's): so a suspended context is only where its registers are, and its bounds
 * are learnt from the sanitizer at each switch.
 */
#define _GNU_SOURCE
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#if defined(WEIR_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK = 256 * 1024, GUARD = 4096 };

void explore_swap(void **save, void *to);

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl explore_swap\n"
        ".type explore_swap, @function\n"
        "explore_swap:\n"
        "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n"
        "    pushq %r13\n    pushq %r14\n    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n    popq %r14\n    popq %r13\n"
        "    popq %r12\n    popq %rbx\n    popq %rbp\n"
        "    ret\n"
        ".size explore_swap, . - explore_swap\n");
enum { FRAME_WORDS = 8, RETURN_AT = 6 };
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl explore_swap\n"
        ".type explore_swap, %function\n"
        "explore_swap:\n"
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp, #0]\n    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n    str x9, [x0]\n    mov sp, x1\n"
        "    ldp x19, x20, [sp, #0]\n    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    ret\n"
        ".size explore_swap, . - explore_swap\n");
enum { FRAME_WORDS = 20, RETURN_AT = 11 };
#else
#error "weir knows x86-64 and aarch64"
#endif

static void *stack_map(void)
{
    char *stack =
        mmap(NULL, STACK + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED || mprotect(stack, GUARD, PROT_NONE) != 0) {
        perror("explorer: a stack");
        exit(EXIT_FAILURE);
    }
    return stack;
}

void context_make(struct context *c, void (*entry)(void))
{
    if (!c->stack)
        c->stack = stack_map();
    char *low = (char *)c->stack + GUARD;
#if defined(WEIR_ASAN)
    __asan_unpoison_memory_region(low, STACK); /* an execution may have been abandoned */
    c->fake = NULL;
    c->bottom = low;
    c->size = STACK;
#endif
    void **frame = (void **)(void *)(low + STACK) - 2 - FRAME_WORDS;
    for (int i = 0; i < FRAME_WORDS; i++)
        frame[i] = NULL;
    union {
        void (*function)(void);
        void *pointer;
    } first = {entry};
    frame[RETURN_AT] = first.pointer;
    c->sp = frame;
}

/* The first thing that runs on a new stack. */
void context_entered(void)
{
#if defined(WEIR_ASAN)
    __sanitizer_finish_switch_fiber(NULL, &E->switched_from->bottom, &E->switched_from->size);
#endif
}

void context_switch(struct context *from, struct context *to)
{
    E->switched_from = from;
#if defined(WEIR_ASAN)
    __sanitizer_start_switch_fiber(&from->fake, to->bottom, to->size);
#endif
    explore_swap(&from->sp, to->sp);
#if defined(WEIR_ASAN)
    __sanitizer_finish_switch_fiber(from->fake, &E->switched_from->bottom, &E->switched_from->size);
#endif
}
