/* SPDX-License-Identifier: MIT */
/*
 * weir/task.h - children to be waited for one by one, and children that say when they
 * have started.
 *
 *     weir_task t;
 *     weir_spawn(g, work, &job, .task = &t);
 *     ...
 *     if (weir_task_wait(t) == 0 && weir_task_result(t, &result) == 0)
 *
 *     int rc = weir_child_start(g, serve, &port, &config);    port is known from here on
 *     ...                                      serve() has called weir_child_started(&its_port)
 *
 * The handle belongs to the actor that spawned; a task that failed still fails its group. When
 * the spawn fails it is a null handle, and calls on it return that error.
 */
#ifndef WEIR_TASK_H
#define WEIR_TASK_H

#include <weir/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Row F005. */
typedef enum weir_task_states {
    WEIR_TASK_RUNNING,    /* or about to */
    WEIR_TASK_CANCELLING, /* weir_task_cancel() was called, and it has not ended */
    WEIR_TASK_FINISHED,   /* with 0 or more */
    WEIR_TASK_CANCELLED,  /* with WEIR_ECANCELED after it, or its group, was cancelled */
    WEIR_TASK_FAILED      /* with another error */
} weir_task_states;

/*
 * weir_task_wait(t), weir_task_wait_by(t, deadline) - wait until it has ended. Row F005.
 *
 * 0 when it has, whatever its result. Suspends; actors and threads. WEIR_ECANCELED,
 * WEIR_ETIMEDOUT, WEIR_EDEADLK (by the task itself), WEIR_ECLOSED, also when the handle is
 * closed meanwhile, WEIR_EBADF, WEIR_ENOMEM, WEIR_EPERM (in a drop function).
 */
#define weir_task_wait(task) weir_task_wait_by((task), WEIR_NEVER)
WEIR_API int weir_task_wait_by(weir_task task, weir_time deadline);

/*
 * weir_task_result - what its body has returned; WEIR_EAGAIN while it has not.
 * weir_task_state  - enum weir_task_states.
 * weir_task_cancel - cancel this child alone, as weir_scope_cancel() would; nothing once it
 *                    has ended.
 * weir_close(t)    - close the handle; the task goes on.
 *
 * Never suspend; any actor or thread. 0 (state: 0 or more), WEIR_ECLOSED, WEIR_EBADF,
 * WEIR_ENOMEM; WEIR_EINVAL for a null `result`.
 */
WEIR_API int weir_task_result(weir_task task, int *result);
WEIR_API int weir_task_state(weir_task task);
WEIR_API int weir_task_cancel(weir_task task, const char *reason);

/*
 * weir_child_start(group, body, &value, arg, ...) - spawn a child, as weir_spawn() does, and
 *     wait until it calls weir_child_started(&value), which stores the value there. Row F004.
 *
 * 0, or the child's own error when it ended before that, which then is not its group's; or
 * WEIR_ECHILD when it ended well without having said that it started; or WEIR_ECANCELED:
 * then the child was cancelled and has ended, or was not spawned. Or what weir_spawn()
 * returns. `value` may be (void *)NULL on both sides. Suspends; by actors; WEIR_EPERM
 * elsewhere and in drop functions.
 */
#define weir_child_start(group, body, value, ...)                                                  \
    weir_child_start_sized((group), (body), (value), WEIR_ARG_SIZE(value),                         \
                           WEIR_ARG_SIZE(WEIR_FIRST(__VA_ARGS__, 0)),                              \
                           &(weir_spawn_options){__VA_ARGS__, .reserved = 0})
WEIR_API int weir_child_start_sized(weir_group group, weir_body body, void *value,
                                    size_t value_size, size_t arg_size,
                                    const weir_spawn_options *options);

/*
 * weir_child_started(&value) - by the child: tell who waits in weir_child_start().
 *
 * Never suspends. 0, WEIR_EITEM (a value of another size), WEIR_EPERM (said before, or not
 * spawned by weir_child_start()), WEIR_ECANCELED (who started it does not wait any more).
 */
#define weir_child_started(value) weir_child_started_sized((value), WEIR_ARG_SIZE(value))
WEIR_API int weir_child_started_sized(const void *value, size_t value_size);

#ifdef __cplusplus
}
#endif
#endif
