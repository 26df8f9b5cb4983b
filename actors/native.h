/* SPDX-License-Identifier: MIT */
/*
 * native.h - what needs a deep stack runs on the worker's own.
 *
 * An actor's stack is small, and so are many; the stack of the thread below it is large and
 * lies idle meanwhile. A step of a library that wants 100 KiB, and callbacks of users that
 * nobody knows, borrow it: below the frames of the loop, which is suspended.
 */
#ifndef WEIR_NATIVE_H
#define WEIR_NATIVE_H

/*
 * fn(arg) on the stack of the calling actor's worker; its result. Inside, the caller is the
 * same actor, and nothing may suspend: what would wait returns WEIR_EPERM, as in drop
 * functions. In itself, and on a plain thread, it just calls.
 */
int weir__on_worker_stack(int (*fn)(void *arg), void *arg);

#endif
