/* SPDX-License-Identifier: MIT */
/* log.h - reports of the runtime to the program's hook; weir/debug.h says what a hook may do. */
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

#include <stdbool.h>

#include <weir/debug.h>

struct actor;

/* Is there a hook? To be asked before work is done only for a report. */
bool weir__log_wanted(void);

/*
 * Report. `about` is the calling actor or one that cannot end meanwhile; NULL: none.
 * Not under a lock. Does not suspend, and keeps errno.
 */
void weir__log(weir_log_kind kind, const struct actor *about, const char *file, unsigned line,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same for one of whom only the name and the number are known. */
void weir__log_of(weir_log_kind kind, const char *actor, uint32_t id, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
