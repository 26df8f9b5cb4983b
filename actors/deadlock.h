/* SPDX-License-Identifier: MIT */
/* deadlock.h - who is parked for ever; deadlock.c says how that is known. */
#ifndef WEIR_DEADLOCK_H
#define WEIR_DEADLOCK_H

#include "snapshot.h"

struct worker;

enum { IDLE_FOR = 100 /* ms: a program that is idle shorter is looked at no closer */ };

/*
 * Take a snapshot with ends and what else is wanted, and settle `alive` of each actor; *dead:
 * how many are not. 0 or WEIR_ENOMEM.
 */
int weir__deadlock_find(struct snapshot *s, unsigned wanted, uint32_t *dead);

/* Who could have woken it: "; its senders are of #3 'a', #5 'b'". */
void weir__deadlock_blame(const struct snapshot *s, const struct seen *a, char *text, size_t size);

/*
 * Tell the log hook who is parked for ever; with `all` everybody is. True: all are. Outside
 * of operations.
 */
bool weir__deadlock_report(bool all);

/*
 * A worker has nothing to do and will sleep: until when? If there is a log hook it comes
 * back once, after a while, and reports who is parked for ever.
 */
weir_time weir__idle_report(struct worker *w);

#endif
