/* SPDX-License-Identifier: MIT */
/*
 * weir/future.h - a value that will be there, once: many may wait for it, one provides it.
 *
 *     weir_future f = weir_future_open(sizeof(int));
 *     ...                                              elsewhere: weir_future_set(f, &answer);
 *     if ((rc = weir_future_get(f, &answer)) == 0)
 *
 * Any actor on any worker and any thread may call everything here, with no run as well. The
 * handle belongs to the actor that opened it; weir_close(f) ends all waits with WEIR_ECLOSED.
 * A wait that is cancelled or times out leaves the future alone: the others go on waiting, and
 * it can be waited for again. Row F011.
 */
#ifndef WEIR_FUTURE_H
#define WEIR_FUTURE_H

#include <weir/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_future {
    weir_handle h;
} weir_future;

typedef enum weir_future_states {
    WEIR_FUTURE_PENDING,
    WEIR_FUTURE_SET,
    WEIR_FUTURE_FAILED,
    WEIR_FUTURE_CANCELLED
} weir_future_states;

/*
 * weir_future_open - one that is pending, for a value of so many bytes, WEIR_ITEM_MAX at most;
 *                    0: for no value, only for its time. On an error - WEIR_EINVAL, WEIR_ENOMEM,
 *                    WEIR_ENFILE - a null handle that carries it.
 *
 * The first of these settles it, for good, and wakes all that wait:
 * weir_future_set(f, &value)  - with this value, which is copied; `value` points to a variable of
 *                               the size given at opening (WEIR_EITEM), and is (void *)NULL if
 *                               that is 0.
 * weir_future_fail(f, error)  - it will not come, for this reason: any negative number above
 *                               INT_MIN (WEIR_EINVAL).
 * weir_future_cancel(f)       - it will not come, and nobody wants it any more.
 *
 * Never suspend. 0; WEIR_EALREADY: it was settled before, and stays as it was; WEIR_ECLOSED,
 * WEIR_EBADF, WEIR_ENOMEM; WEIR_EINVAL (a null pointer to a value of some bytes).
 */
WEIR_API weir_future weir_future_open(size_t value_size);
#define weir_future_set(future, value)                                                             \
    weir_future_set_sized((future), (value), WEIR_ARG_SIZE(value))
WEIR_API int weir_future_set_sized(weir_future future, const void *value, size_t value_size);
WEIR_API int weir_future_fail(weir_future future, int error);
WEIR_API int weir_future_cancel(weir_future future);

/*
 * weir_future_get(f, &value), weir_future_get_by(f, &value, deadline) - wait until it is settled,
 *     and read it: 0, with the value; the error with which it failed; WEIR_ENODATA: it was
 *     cancelled. Or the call's own error: WEIR_ECANCELED, WEIR_ETIMEDOUT, WEIR_ECLOSED,
 *     WEIR_EBADF, WEIR_EITEM, WEIR_EINVAL, WEIR_ENOMEM, WEIR_EPERM (in a drop function).
 *     Where a future may fail with one of these too, weir_future_state() tells.
 * weir_future_try_get(f, &value) - the same without a wait: WEIR_EAGAIN while it is pending.
 * weir_future_wait(f), weir_future_wait_by(f, deadline) - wait until it is settled, however: 0,
 *     or the call's own error.
 * weir_future_state - enum weir_future_states. Never suspends. WEIR_ECLOSED, WEIR_EBADF,
 *     WEIR_ENOMEM.
 *
 * get and wait suspend, and are cancelled even if it is settled, as every operation that may wait.
 * Whoever is woken has the value, also if the future is closed meanwhile.
 */
#define weir_future_get(future, value) weir_future_get_by((future), (value), WEIR_NEVER)
#define weir_future_get_by(future, value, deadline)                                                \
    weir_future_get_sized((future), (value), WEIR_ARG_SIZE(value), (deadline))
#define weir_future_try_get(future, value)                                                         \
    weir_future_try_get_sized((future), (value), WEIR_ARG_SIZE(value))
#define weir_future_wait(future) weir_future_wait_by((future), WEIR_NEVER)
WEIR_API int weir_future_get_sized(weir_future future, void *value, size_t value_size,
                                   weir_time deadline);
WEIR_API int weir_future_try_get_sized(weir_future future, void *value, size_t value_size);
WEIR_API int weir_future_wait_by(weir_future future, weir_time deadline);
WEIR_API int weir_future_state(weir_future future);

/* weir_auto(weir_future): closed when the variable goes out of scope. */
static inline WEIR_UNUSED void weir_future_cleanup(weir_future *future)
{
    (void)weir_close(*future);
}

#ifdef __cplusplus
}
#endif
#endif
