/* SPDX-License-Identifier: MIT */
/* expect.h - what the runner asks of the expectations. */
#ifndef WEIR_TESTS_EXPECT_H
#define WEIR_TESTS_EXPECT_H

#include "harness.h"

/* The calling thread's stack is the one from which tests are run. */
void expect_note_stack(void);

/* From now on children of fork may use them, whatever other threads of the parent did. */
void expect_in_children(void);

#endif
