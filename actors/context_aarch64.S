/* SPDX-License-Identifier: MIT */
/*
 * The switch for AArch64. context.h says what it does and documents the frame.
 *
 * - It leaves by `ret`, not by `br`: where the caller is guarded by BTI its return
 *   address is no landing pad for other jumps. So weir__switch_tail() is the same here.
 * - x30 is saved as it came: pointer authentication of the callers' frames, which is bound
 *   to their sp, is not disturbed.
 * - FPCR is read each time and written only if it differs: writing is slow.
 * - errno is at the same distance from the thread pointer in every thread.
 */
#if defined(__aarch64__)

#define SP 0
#define RESULT 8
#define ERRNO 12
#define FP_CONTROL 16

#define FRAME 160

        .text

/* x19: entry(). The unwinder stops here: x30 is undefined, x29 is 0. */
        .globl  weir__context_start
        .hidden weir__context_start
        .type   weir__context_start, %function
        .p2align 4
weir__context_start:
        .cfi_startproc
        .cfi_undefined x30
        nop                             /* unwinders look before a return address */
        .globl  weir__context_start_pc
        .hidden weir__context_start_pc
weir__context_start_pc:
        hint    #36                     /* bti j */
        blr     x19
        brk     #1
        .cfi_endproc
        .size   weir__context_start, . - weir__context_start

/* Registers a and b, `n` bytes above sp. */
        .macro  save a, b, n
        stp     \a, \b, [sp, #\n]
        .cfi_rel_offset \a, \n
        .cfi_rel_offset \b, \n + 8
        .endm

        .macro  restore a, b, n
        ldp     \a, \b, [sp, #\n]
        .cfi_restore \a
        .cfi_restore \b
        .endm

        .macro  errno_place             /* x11 + x12 */
        mrs     x11, tpidr_el0
        adrp    x12, weir__errno_offset
        ldr     x12, [x12, #:lo12:weir__errno_offset]
        .endm

/* x0: from. Leaves FPCR in x10. */
        .macro  suspend
        sub     sp, sp, #FRAME
        .cfi_def_cfa_offset FRAME
        save    x29, x30, 0
        save    x19, x20, 16
        save    x21, x22, 32
        save    x23, x24, 48
        save    x25, x26, 64
        save    x27, x28, 80
        save    d8, d9, 96
        save    d10, d11, 112
        save    d12, d13, 128
        save    d14, d15, 144
        mov     x9, sp
        mrs     x10, fpcr
        errno_place
        ldr     w13, [x11, x12]
        str     x9, [x0, #SP]
        str     w13, [x0, #ERRNO]
        str     w10, [x0, #FP_CONTROL]
        .endm

/* x1: to, x2: after, x3: arg */
        .macro  resume
        ldr     w9, [x1, #ERRNO]
        ldr     w13, [x1, #FP_CONTROL]
        ldr     x14, [x1, #SP]
        str     w9, [x11, x12]
        cmp     w13, w10
        b.eq    1f
        msr     fpcr, x13
1:      mov     sp, x14
        cbz     x2, 2f
        mov     x19, x1
        mov     x0, x3
        blr     x2
        mov     x1, x19
2:      ldr     w0, [x1, #RESULT]
        restore x29, x30, 0
        restore x19, x20, 16
        restore x21, x22, 32
        restore x23, x24, 48
        restore x25, x26, 64
        restore x27, x28, 80
        restore d8, d9, 96
        restore d10, d11, 112
        restore d12, d13, 128
        restore d14, d15, 144
        add     sp, sp, #FRAME
        .cfi_def_cfa_offset 0
        ret
        .endm

/*
 * int weir__switch(struct context *from, struct context *to, void (*after)(void *), void *arg)
 * int weir__switch_tail(from, to, after, arg)
 */
        .globl  weir__switch, weir__switch_tail
        .hidden weir__switch, weir__switch_tail
        .type   weir__switch, %function
        .type   weir__switch_tail, %function
        .p2align 5
weir__switch:
weir__switch_tail:
        .cfi_startproc
        hint    #34                     /* bti c */
        suspend
        resume
        .cfi_endproc
        .size   weir__switch, . - weir__switch
        .size   weir__switch_tail, . - weir__switch_tail

/* int weir__call_below(void *sp, int (*fn)(void *), void *arg) */
        .globl  weir__call_below
        .hidden weir__call_below
        .type   weir__call_below, %function
        .p2align 5
weir__call_below:
        .cfi_startproc
        hint    #34                     /* bti c */
        stp     x29, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        mov     x29, sp
        .cfi_def_cfa_register x29
        mov     sp, x0
        mov     x0, x2
        blr     x1
        mov     sp, x29
        .cfi_def_cfa_register sp
        ldp     x29, x30, [sp], #16
        .cfi_def_cfa_offset 0
        .cfi_restore x29
        .cfi_restore x30
        ret
        .cfi_endproc
        .size   weir__call_below, . - weir__call_below

/* void weir__switch_final(struct context *to, void (*after)(void *), void *arg) */
        .globl  weir__switch_final
        .hidden weir__switch_final
        .type   weir__switch_final, %function
        .p2align 5
weir__switch_final:
        .cfi_startproc
        hint    #34                     /* bti c */
        sub     sp, sp, #FRAME
        .cfi_def_cfa_offset FRAME
        mov     x3, x2
        mov     x2, x1
        mov     x1, x0
        mrs     x10, fpcr
        errno_place
        resume
        .cfi_endproc
        .size   weir__switch_final, . - weir__switch_final

        .section .note.GNU-stack, "", %progbits

/* GNU_PROPERTY_AARCH64_FEATURE_1_AND: BTI and PAC */
        .section .note.gnu.property, "a", %note
        .p2align 3
        .word   4
        .word   16
        .word   5
        .asciz  "GNU"
        .word   0xc0000000
        .word   4
        .word   3
        .word   0

#endif
