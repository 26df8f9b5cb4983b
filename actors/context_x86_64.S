/* SPDX-License-Identifier: MIT */
/*
 * The switch for x86-64 System V. context.h says what it does and documents the frame.
 *
 * - The x87 control word stands for MXCSR's control bits too: reading MXCSR would cost
 *   4 ns on every switch, and all of <fenv.h> sets both alike.
 * - errno is at the same distance from the thread pointer in every thread.
 * - `notrack`: a return address is no landing pad for indirect jumps (CET IBT).
 * - The object is not marked for shadow stacks: a switch would have to exchange those too.
 */
#if defined(__x86_64__)

#define SP 0
#define RESULT 8
#define ERRNO 12
#define FP_CONTROL 16

        .text

/* rbx: entry(). The unwinder stops here: the return address is undefined, rbp is 0. */
        .globl  weir__context_start
        .hidden weir__context_start
        .type   weir__context_start, @function
        .p2align 4
weir__context_start:
        .cfi_startproc
        .cfi_undefined rip
        nop                             /* unwinders look at the byte before a return address */
        .globl  weir__context_start_pc
        .hidden weir__context_start_pc
weir__context_start_pc:
        endbr64
        call    *%rbx
        ud2
        .cfi_endproc
        .size   weir__context_start, . - weir__context_start

        .macro  save register
        pushq   %\register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endm

        .macro  restore register
        popq    %\register
        .cfi_adjust_cfa_offset -8
        .cfi_restore \register
        .endm

/* rdi: from. Leaves its control word in eax and errno's place in r8. */
        .macro  suspend
        save    rbp
        save    rbx
        save    r12
        save    r13
        save    r14
        save    r15
        fnstcw  FP_CONTROL(%rdi)
        movq    weir__errno_offset(%rip), %r8
        movq    %rsp, SP(%rdi)
        movl    %fs:(%r8), %eax
        movl    %eax, ERRNO(%rdi)
        movzwl  FP_CONTROL(%rdi), %eax
        .endm

/* rsi: to, rdx: after, rcx: arg. The call is aligned: the frame is 56 bytes. */
        .macro  resume
        cmpw    FP_CONTROL(%rsi), %ax
        jne     2f
1:      movl    ERRNO(%rsi), %eax
        movl    %eax, %fs:(%r8)
        movq    SP(%rsi), %rsp
        testq   %rdx, %rdx
        je      3f
        pushq   %rsi
        .cfi_adjust_cfa_offset 8
        movq    %rcx, %rdi
        call    *%rdx
        popq    %rsi
        .cfi_adjust_cfa_offset -8
3:      movl    RESULT(%rsi), %eax
        .cfi_remember_state
        restore r15
        restore r14
        restore r13
        restore r12
        restore rbx
        restore rbp
        .endm

/* Behind the end of the path: the control words differ. */
        .macro  control
        .cfi_restore_state
2:      pushq   %rsi
        pushq   %rdx
        pushq   %rcx
        pushq   %r8
        pushq   %r8
        .cfi_adjust_cfa_offset 40
        movl    FP_CONTROL(%rsi), %edi
        call    weir__fp_control_load
        popq    %r8
        popq    %r8
        popq    %rcx
        popq    %rdx
        popq    %rsi
        .cfi_adjust_cfa_offset -40
        jmp     1b
        .endm

        .macro  jump_back
        popq    %rdx
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rdx
        notrack jmp *%rdx
        .endm

/* int weir__switch(struct context *from, struct context *to, void (*after)(void *), void *arg) */
        .globl  weir__switch
        .hidden weir__switch
        .type   weir__switch, @function
        .p2align 5
weir__switch:
        .cfi_startproc
        endbr64
        suspend
        resume
        ret
        control
        .cfi_endproc
        .size   weir__switch, . - weir__switch

/* int weir__switch_tail(from, to, after, arg) */
        .globl  weir__switch_tail
        .hidden weir__switch_tail
        .type   weir__switch_tail, @function
        .p2align 5
weir__switch_tail:
        .cfi_startproc
        endbr64
        suspend
        resume
        jump_back
        control
        .cfi_endproc
        .size   weir__switch_tail, . - weir__switch_tail

/* int weir__call_below(void *sp, int (*fn)(void *), void *arg) */
        .globl  weir__call_below
        .hidden weir__call_below
        .type   weir__call_below, @function
        .p2align 5
weir__call_below:
        .cfi_startproc
        endbr64
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register rbp
        movq    %rdi, %rsp
        andq    $-16, %rsp
        movq    %rdx, %rdi
        call    *%rsi
        movq    %rbp, %rsp
        popq    %rbp
        .cfi_def_cfa rsp, 8
        ret
        .cfi_endproc
        .size   weir__call_below, . - weir__call_below

/* void weir__switch_final(struct context *to, void (*after)(void *), void *arg) */
        .globl  weir__switch_final
        .hidden weir__switch_final
        .type   weir__switch_final, @function
        .p2align 5
weir__switch_final:
        .cfi_startproc
        endbr64
        subq    $48, %rsp
        .cfi_adjust_cfa_offset 48
        movq    %rdx, %rcx
        movq    %rsi, %rdx
        movq    %rdi, %rsi
        movq    weir__errno_offset(%rip), %r8
        fnstcw  (%rsp)
        movzwl  (%rsp), %eax
        resume
        jump_back
        control
        .cfi_endproc
        .size   weir__switch_final, . - weir__switch_final

        .section .note.GNU-stack, "", @progbits

/* GNU_PROPERTY_X86_FEATURE_1_AND: IBT */
        .section .note.gnu.property, "a", @note
        .p2align 3
        .long   4
        .long   16
        .long   5
        .asciz  "GNU"
        .long   0xc0000002
        .long   4
        .long   1
        .long   0

#endif
