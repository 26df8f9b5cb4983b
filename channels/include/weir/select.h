/* SPDX-License-Identifier: MIT */
/*
 * weir/select.h - wait for whichever of several sends and receives can be done first.
 *
 *     enum { JOB, RESULT, STOP };
 *     weir_case c[] = {
 *         [JOB] = job_on_recv(jobs, &job),
 *         [RESULT] = result_on_send(results, &result),
 *         [STOP] = weir_on_recv(stop, &reason),
 *     };
 *     switch (weir_select(c, 3, WEIR_FAIR)) {
 *     case JOB:
 *         if (c[JOB].rc == 0)
 *             weir_case_off(&c[JOB]);
 *
 * Exactly one case fires: its item has been sent or received, or it has met its end or an
 * error, and its `rc` says which, as the plain call would have returned it. All others have
 * done nothing. An array can be used again and again, by one actor or thread at a time. An
 * item's variable is read or written only by a case that fires, but as long as the call
 * lasts it must stay where it is.
 */
#ifndef WEIR_SELECT_H
#define WEIR_SELECT_H

#include <weir/channel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For what the library keeps in a case while a select waits. */
#if defined(__GNUC__)
typedef uint64_t __attribute__((may_alias)) weir_reserved;
#else
typedef uint64_t weir_reserved;
#endif

/* The compiler need not warn of an item that has no value yet when its case is made. */
#if defined(__has_attribute)
#if __has_attribute(access)
#define WEIR_LOOKS_LATER(argument) __attribute__((access(none, argument)))
#endif
#endif
#ifndef WEIR_LOOKS_LATER
#define WEIR_LOOKS_LATER(argument)
#endif

struct weir_source;

/* Made by the functions below; { 0 } is a case that is off. Yours to read is `rc` alone. */
typedef struct weir_case {
    int rc; /* of the case that fired: 1, 0 or an error of a receive; 0 or an error of a send */
    int kind;
    size_t item_size;
    void *item;
    weir_handle handle;
    const struct weir_source *source;
    void *object;
    weir_reserved reserved[11];
} weir_case;

/*
 * weir_on_recv(rx, &item)  receive an item
 * weir_on_send(tx, &item)  send it; `item` points to a variable of the channel's item type
 *
 * Never suspend; any thread. What is wrong with a handle or a size is told by the select,
 * as an error of the case.
 */
#define weir_on_recv(rx, item) weir_on_recv_item((rx), (item), sizeof *(item))
#define weir_on_send(tx, item) weir_on_send_item((tx), (item), sizeof *(item))
WEIR_API weir_case weir_on_recv_item(weir_receiver rx, void *item, size_t item_size);
WEIR_API weir_case weir_on_send_item(weir_sender tx, const void *item, size_t item_size)
    WEIR_LOOKS_LATER(2);

/* From now on the case never fires. To switch it on again assign it anew. */
WEIR_API void weir_case_off(weir_case *c);

typedef enum weir_select_mode {
    WEIR_FAIR = 0, /* of several that are ready, begin to look at a random one */
    WEIR_ORDERED   /* the first in the array that is ready */
} weir_select_mode;

#define WEIR_SELECT_MAX ((size_t)1024) /* cases of one select */

/*
 * weir_select     - wait until one of n cases fires; its index.
 * weir_select_by  - the same, not beyond a point of the monotonic clock.
 * weir_try_select - never wait: WEIR_EAGAIN when nothing is ready.
 *
 * The first two suspend; any thread. The same channel may occur several times, also to send
 * and to receive: a select never hands an item over to itself, and two of them that face
 * each other meet. While it waits it stands in the queue of each of its channels and is
 * served there in its turn (row F049), and counts as waiting there (row F052).
 *
 * A case fires with its own errors in `rc`: WEIR_ECLOSED when its handle is or gets closed,
 * WEIR_EPIPE, WEIR_EBADF, WEIR_EITEM, WEIR_EBUSY, WEIR_ELOST, WEIR_ENOMEM, WEIR_EINVAL (a kind
 * of case that does not exist). A negative return concerns the whole; no case has fired then:
 * WEIR_ETIMEDOUT; WEIR_EAGAIN (try); WEIR_EDEADLK (no case is on, and no deadline: it would
 * wait for ever); WEIR_EINVAL (more than WEIR_SELECT_MAX cases, a null array of some, a mode
 * that does not exist); WEIR_ECANCELED; WEIR_EPERM (would wait in a drop function);
 * WEIR_ENOMEM (a thread's first call). n may be 0: then only the deadline comes.
 */
WEIR_API int weir_select(weir_case *cases, size_t n, weir_select_mode mode);
WEIR_API int weir_select_by(weir_case *cases, size_t n, weir_select_mode mode, weir_time deadline);
WEIR_API int weir_try_select(weir_case *cases, size_t n, weir_select_mode mode);

/* ---- cases of other things than channels ------------------------------------------------ */

/*
 * A source derives its items from those of a channel, or of another source: it filters,
 * decodes, cuts into lines. To take part in a select it tells three things. They are called
 * by the selecting actor or thread, outside of locks, may use the try forms of every call,
 * and must not suspend.
 *
 * try_item  An item, without waiting: 1, or whatever else `rc` shall be, after which the
 *           case has fired; WEIR_EAGAIN: none yet. It takes from below as much as it needs.
 * arm       Say in *below what to wait for: weir_on_recv() or weir_on_send() with an item of
 *           the source's own, or what another source's arm() says. 0; WEIR_EAGAIN: something came
 *           meanwhile, try_item is asked again at once; an error makes the case fire with it.
 * disarm    The wait is over. rc is what the case below returned if it fired, and its item
 *           is then the source's; otherwise WEIR_EAGAIN, and nothing was taken. Called once
 *           for each arm() that succeeded. Afterwards, if it fired, try_item is asked
 *           again, which has to turn an end or an error below into one of its own.
 *
 * So what a case has taken from below and did not return, because it was not enough or
 * because another case fired, stays in the source. A select whose source wants more and more goes
 * on; others have their turn meanwhile, and a deadline or a cancellation ends it. It is a loop
 * without a wait if try_item says WEIR_EAGAIN again and again where what arm() named has ended.
 */
typedef struct weir_source {
    int (*try_item)(void *object, void *item);
    int (*arm)(void *object, weir_case *below);
    void (*disarm)(void *object, int rc);
} weir_source;

/* Never suspends; any thread. `source` and `object` have to last as long as the case. */
WEIR_API weir_case weir_on_source(const weir_source *source, void *object, void *item);

#ifdef __cplusplus
}
#endif
#endif
