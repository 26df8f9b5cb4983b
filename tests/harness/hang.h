/* SPDX-License-Identifier: MIT */
/* hang.h - what a test that hangs was doing. */
#ifndef WEIR_TESTS_HANG_H
#define WEIR_TESTS_HANG_H

/*
 * hang_prepare - once, before any test.
 * hang_show    - write the stack of each thread of the process and, if the program has them,
 *                all actors to standard error. By the handler of a signal in a process that is
 *                about to abort: if it hangs itself, SIGALRM ends the process.
 */
void hang_prepare(void);
void hang_show(void);

#endif
