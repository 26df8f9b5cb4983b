/* SPDX-License-Identifier: MIT */
/*
 * child.h - what a supervisor knows of a child: how to start it, and how it is.
 *
 * The record is made by who calls weir_supervise() and goes to the supervisor inside a command. The
 * handles in its argument are its own clones, which belong to nobody until the supervisor, an
 * actor, adopts them.
 */
#ifndef WEIR_CHILD_H
#define WEIR_CHILD_H

#include <weir/supervisor.h>

#include "watcher.h"

struct child {
    struct watcher watcher;
    struct child *next, *prev; /* in the order in which they were added */
    /* How to start it: constant. */
    weir_body body;
    void *arg;
    size_t arg_size;
    weir_own own, stop;
    weir_restart restart;
    weir_time grace;
    char name[NAME_BYTES];
    weir_sender poke; /* tells the supervisor */
    /* How it is: the supervisor's, but for what the child's end says, before `ended`. */
    a32 ended;
    weir_exit exit;
    weir_task task;
    weir_sender stopper; /* closed to make it stop; null: it has none */
    bool runs;
    weir_time due; /* when it is to be started; WEIR_NEVER: not */
};

/* 0 or an error. The mailbox's sender goes to *box. */
int weir__child_new(struct child **out, weir_body body, weir_handle *box,
                    const weir_mailbox *mailbox, size_t arg_size, const weir_child_options *o);
/* It does not run; its handles are closed. */
void weir__child_free(struct child *c);
/* By the supervisor, once: what nobody owned is its own. */
void weir__child_adopt(struct child *c);

int weir__child_start(struct child *c, weir_group group);

/* supervisor.c: the body of all supervisors. */
int weir__supervisor(void *arg);

/* Has it ended since the last time? A locked instruction. */
bool weir__child_ended(struct child *c);

#endif
