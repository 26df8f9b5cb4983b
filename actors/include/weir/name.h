/* SPDX-License-Identifier: MIT */
/*
 * weir/name.h - senders by name: who wants something finds who does it.
 *
 *     weir_name known = weir_name_register("log", box);        the server, or who has begun it
 *
 *     weir_auto(msg_sender) log;                               the client
 *     if ((rc = weir_name_await("log", &log, struct msg, weir_after(WEIR_S))) == 0)
 *         rc = weir_call(log, &(struct msg){.line = line}, &reply, weir_after(WEIR_S));
 *
 * A run has one table of names, which is empty when it begins. A name is there until its handle is
 * closed: so it ends with the actor that registered it, as all that an actor owns, and at
 * last with the run. It keeps a clone of the sender, so its channel does not end before; but a
 * name whose channel nobody receives from any more is not found, and may be registered again.
 *
 * A server that a supervisor starts again is found without a gap if the name is that of its
 * mailbox, which stays (weir_supervise_mailbox); one that registers itself at each start is
 * awaited. weir_dump() lists the names.
 */
#ifndef WEIR_NAME_H
#define WEIR_NAME_H

#include <weir/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_NAME_MAX ((size_t)63) /* bytes of the longest name */

typedef struct weir_name {
    weir_handle h;
} weir_name;

/*
 * weir_name_register(name, tx) - from now on `name` leads to this sender, of any kind and type of
 *     channel. The text is copied. weir_close() of the result takes the name back; the handle
 *     belongs to the calling actor, which may give it to a child; a plain thread's to nobody.
 *
 * Never suspends; any actor, and any thread while there is a run. On an error it is a null handle
 * that carries it: WEIR_EALREADY: another sender, or this one, has the name, and keeps it;
 * WEIR_EINVAL (a null, empty or too long name), WEIR_EPERM (there is no run), WEIR_EBUSY (a
 * declared single end cannot be shared), WEIR_ECLOSED, WEIR_EBADF (tx), WEIR_ENOMEM, WEIR_ENFILE.
 */
#define weir_name_register(name, tx) weir_name_register_sender((name), (tx).h)
WEIR_API weir_name weir_name_register_sender(const char *name, weir_handle tx);

/*
 * weir_name_find(name, &tx, item)            - a clone of the sender of this name, to send items of
 *     the type `item`; the caller's, as that of weir_sender_clone(). WEIR_ENOENT: nobody has it.
 * weir_name_await(name, &tx, item, deadline) - the same; until the deadline it waits for somebody
 *     to register the name. WEIR_ETIMEDOUT, WEIR_ECANCELED.
 *
 * find never suspends; await does. Any actor, and any thread while there is a run: WEIR_EPERM, also
 * when it ends during the wait, or in a drop function that would have to wait. 0; WEIR_EITEM: its
 * items are of another size; WEIR_EINVAL (as above, or a null `tx`), WEIR_ENOMEM, WEIR_ENFILE. On
 * an error *tx is a null handle that carries it.
 */
#define weir_name_find(name, tx, item) weir_name_find_sized((name), &(tx)->h, sizeof(item))
#define weir_name_await(name, tx, item, deadline)                                                  \
    weir_name_await_sized((name), &(tx)->h, sizeof(item), (deadline))
WEIR_API int weir_name_find_sized(const char *name, weir_handle *tx, size_t item_size);
WEIR_API int weir_name_await_sized(const char *name, weir_handle *tx, size_t item_size,
                                   weir_time deadline);

/* weir_auto(weir_name): taken back when the variable goes out of scope. */
static inline WEIR_UNUSED void weir_name_cleanup(weir_name *name)
{
    (void)weir_close(*name);
}

#ifdef __cplusplus
}
#endif
#endif
