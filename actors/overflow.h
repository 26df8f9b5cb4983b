/* SPDX-License-Identifier: MIT */
/*
 * overflow.h - the last words of a process in which an actor overflowed its stack.
 *
 * While it is installed, a fault in the guard of the running stack writes one line to
 * standard error,
 *
 *     weir: actor 'name' overflowed its 64 KiB stack; raise weir_options.stack_size
 *
 * and then the process dies of the signal as it would have without: same signal, same core.
 * Every other SIGSEGV is as deadly and as silent as before. This is the only thing that
 * weir prints and the only signal disposition that it changes. So it stands back where the
 * program or a sanitizer has a handler, it uses the thread's alternative signal stack if
 * there is one, and it leaves all as it was.
 */
#ifndef WEIR_OVERFLOW_H
#define WEIR_OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "stack.h"

/* What is to be taken back for one thread. */
struct overflow_report {
    void *signal_stack; /* ours; NULL: none */
    size_t bytes;
    bool handler; /* ours, installed by this thread */
};

/*
 * install  for the calling thread, which is about to run actors on `stacks`. Where memory
 *          for the signal stack is refused there is no report; that is no error.
 * remove   by the same thread, before `stacks` ends.
 *
 * The thread that installs first does so before others of its run begin, and removes when
 * they have ended: the handler is its.
 * name_of  the name of a stack's owner; called in the signal handler
 */
void weir__overflow_install(struct overflow_report *r, const struct stacks *stacks,
                            const char *(*name_of)(void *owner));
void weir__overflow_remove(struct overflow_report *r);

/* For a stack that is not stack_intact(): the same line, then abort(). */
_Noreturn void weir__overflow_abort(const struct stacks *stacks, const char *name);

#endif
