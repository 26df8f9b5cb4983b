/* SPDX-License-Identifier: MIT */
/*
 * weir/monitor.h - who has ended, and how: an actor's exit arrives on a channel.
 *
 *     weir_task t;
 *     weir_receiver exits;
 *     weir_exit e;
 *     weir_spawn(g, work, &job, .task = &t, .isolated = true);    its failure is not g's
 *     weir_monitor(t, &exits);
 *     ...
 *     if (weir_recv(exits, &e) == 1 && e.state == WEIR_TASK_FAILED)
 *         ...e.name, e.result...
 *
 * A receive end like any: to be selected on with others, cloned, given away.
 */
#ifndef WEIR_MONITOR_H
#define WEIR_MONITOR_H

#include <weir/scope.h>
#include <weir/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_exit {
    uint32_t id;   /* who: its number, as in weir_dump() */
    char name[16]; /* and its name */
    int result;    /* what its body has returned */
    enum weir_task_states state;
    weir_cause cause; /* why it was cancelled, if it was; else empty texts */
} weir_exit;

/*
 * weir_monitor(task, &rx) - the exit of this actor is an item of type weir_exit of a new channel,
 *     after which the channel ends. It comes at once if the actor has ended already.
 *
 * The exit is never lost: its memory is taken here. Each call makes a monitor of its own; closing
 * `rx` ends it. The end belongs to the calling actor. What the actor owned has been closed
 * when its exit arrives.
 * Never suspends; any actor or thread. 0; WEIR_ECLOSED, WEIR_EBADF (the task), WEIR_EINVAL for a
 * null `rx`, WEIR_ENOMEM, WEIR_ENFILE; on an error *rx is a null handle that carries it.
 */
WEIR_API int weir_monitor(weir_task task, weir_receiver *rx);

/*
 * weir_link(a, b) - when one of them fails the other is cancelled, as by weir_task_cancel().
 *
 * Failed is who ended with an error, but for those that were cancelled and obeyed; who was
 * cancelled by a link counts as failed for its other links, so that failure goes on along a chain.
 * Who ends well just leaves. If one has ended already the link does its work at once. It
 * lasts until one of them has ended; no handle of theirs need be open any more.
 * Never suspends; any actor or thread. 0; WEIR_EINVAL (a task with itself), WEIR_ECLOSED,
 * WEIR_EBADF, WEIR_ENOMEM.
 */
WEIR_API int weir_link(weir_task a, weir_task b);

#ifdef __cplusplus
}
#endif
#endif
