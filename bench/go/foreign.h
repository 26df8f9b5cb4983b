/* SPDX-License-Identifier: MIT */
/* foreign.h - a thread that the Go runtime does not know. */
#include <stdint.h>

uint64_t foreign_now(void);

/* Calls foreignCall(now) so many times, `pause` ns apart. */
void foreign_start(uint64_t calls, uint64_t pause);
void foreign_join(void);
