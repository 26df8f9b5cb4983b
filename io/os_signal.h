/* SPDX-License-Identifier: MIT */
/*
 * os_signal.h - signals, seen from the kernel's side: dispositions, the handler, masks. As
 * channels/os.h: the model in tests/explorer/ has its own.
 */
#ifndef WEIR_OS_SIGNAL_H
#define WEIR_OS_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/signals.h>

enum { SIGNALS_END = 65 }; /* numbers are 1 to 64 */

static inline uint64_t signal_bit(int number)
{
    return (uint64_t)1 << (number - 1);
}

/* May a receiver want it? */
bool os_signal_is_for_us(int number);

/* From now on our handler has this signal, or as before: under the caller's lock. */
int os_signal_take(int number); /* 0 or WEIR_EINVAL */
void os_signal_give_back(int number);

/* The process gets this signal (again): whatever its disposition is. */
void os_signal_pass_on(const weir_signal *signal);

/* By our thread: nobody waits for its end; it lets these signals in, and no others. */
void os_signal_thread_begins(void);
void os_signal_let_in(uint64_t wanted);

/*
 * signals.c, called by the handler: from where no lock may be taken. False: it is not ours any
 * more; its disposition is as before already, or ours anew.
 */
bool weir__signal_caught(const weir_signal *signal);

/* signals.c: this is a child of fork(2), which has none of the receivers. */
void weir__signals_forget(void);

#endif
