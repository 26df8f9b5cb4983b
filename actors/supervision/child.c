/* SPDX-License-Identifier: MIT */
/* child.c - see child.h. */
#include "child.h"

#include <string.h>

#include "handle.h"
#include "scheduler.h"

static weir_handle handle_at(const struct child *c, unsigned offset)
{
    weir_handle h;
    memcpy(&h, (const char *)c->arg + offset, sizeof h);
    return h;
}

static void handle_put(struct child *c, unsigned offset, weir_handle h)
{
    memcpy((char *)c->arg + offset, &h, sizeof h);
}

/* ---- made by who supervises -------------------------------------------------------------- */

static bool offsets_fit(const weir_own *own, unsigned most, size_t arg_size)
{
    if (own->count > most)
        return false;
    for (unsigned i = 0; i < own->count; i++)
        if (arg_size < sizeof(weir_handle) || own->offset[i] > arg_size - sizeof(weir_handle))
            return false;
    return true;
}

static bool names(const weir_own *own, unsigned offset)
{
    for (unsigned i = 0; i < own->count; i++)
        if (own->offset[i] == offset)
            return true;
    return false;
}

/* A field is of one kind: cloned, the inbox, or the one that tells to stop. */
static bool fields_differ(const weir_own *inbox, const weir_child_options *o)
{
    bool twice =
        o->stop.count > 0 && (names(&o->own, o->stop.offset[0]) || names(inbox, o->stop.offset[0]));
    return !twice && !(inbox->count > 0 && names(&o->own, inbox->offset[0]));
}

static bool options_fit(const weir_mailbox *m, size_t arg_size, const weir_child_options *o)
{
    enum { MOST = sizeof o->own.offset / sizeof *o->own.offset };
    weir_own inbox = {.count = m ? 1 : 0, .offset = {m ? m->inbox : 0}};
    return arg_size <= WEIR_ARG_MAX && (arg_size == 0 || o->arg) && o->grace >= 0 &&
           (unsigned)o->restart <= WEIR_ONCE && offsets_fit(&o->own, MOST - 1, arg_size) &&
           offsets_fit(&o->stop, 1, arg_size) && offsets_fit(&inbox, 1, arg_size) &&
           fields_differ(&inbox, o);
}

/* One more clone, which nobody owns; 0 or an error. */
static int keep(struct child *c, unsigned offset)
{
    weir_handle h = handle_at(c, offset), kept;
    enum handle_kind kind = handle_word(h) & 3;
    if (kind != SENDER && kind != RECEIVER)
        return weir_handle_check(h) < 0 ? weir_handle_check(h) : WEIR_EBADF;
    kept = kind == SENDER ? weir_sender_clone((weir_sender){h}).h
                          : weir_receiver_clone((weir_receiver){h}).h;
    int rc = weir_handle_disown(kept);
    if (rc == 0) {
        handle_put(c, offset, kept);
        c->own.offset[c->own.count++] = offset;
    }
    return rc;
}

static int keep_handles(struct child *c, const weir_own *own)
{
    int rc = 0;
    for (unsigned i = 0; i < own->count && rc == 0; i++)
        if (!names(&c->own, own->offset[i]))
            rc = keep(c, own->offset[i]);
    return rc;
}

static int keep_mailbox(struct child *c, weir_handle *box, const weir_mailbox *m)
{
    weir_handle inbox;
    int rc = weir_mailbox_open(box, &inbox, m);
    if (rc < 0)
        return rc;
    handle_put(c, m->inbox, inbox);
    c->own.offset[c->own.count++] = m->inbox;
    return weir_handle_disown(inbox);
}

static int child_fill(struct child *c, const weir_mailbox *m, weir_handle *box,
                      const weir_child_options *o)
{
    c->arg = (void *)(uintptr_t)o->arg;
    if (c->arg_size > 0) {
        if (!(c->arg = os_alloc(c->arg_size)))
            return WEIR_ENOMEM;
        memcpy(c->arg, o->arg, c->arg_size);
    }
    int rc = keep_handles(c, &o->own);
    return rc == 0 && m ? keep_mailbox(c, box, m) : rc;
}

static void child_ended(struct watcher *w, const weir_exit *e, bool broken)
{
    static const char poke;
    struct child *c = container_of(w, struct child, watcher);
    weir_sender tx = c->poke;
    (void)broken;
    c->exit = *e;
    a32_xchg(&c->ended, 1); /* pairs with weir__child_ended(); then *c is the supervisor's */
    if (!MUTATE("supervisor: not told"))
        (void)weir_try_send(tx, &poke); /* no room: there is one that it has not seen */
}

int weir__child_new(struct child **out, weir_body body, weir_handle *box,
                    const weir_mailbox *mailbox, size_t arg_size, const weir_child_options *o)
{
    if (!body || !options_fit(mailbox, arg_size, o))
        return WEIR_EINVAL;
    struct child *c = os_alloc(sizeof *c);
    if (!c)
        return WEIR_ENOMEM;
    *c = (struct child){.watcher = {.ended = child_ended},
                        .body = body,
                        .arg_size = arg_size,
                        .stop = o->stop,
                        .restart = o->restart,
                        .grace = o->grace ? o->grace : 5 * WEIR_S,
                        .due = WEIR_NEVER};
    if (o->name)
        strncpy(c->name, o->name, sizeof c->name - 1);
    int rc = child_fill(c, mailbox, box, o);
    if (rc < 0)
        weir__child_free(c);
    else
        *out = c;
    return rc;
}

void weir__child_free(struct child *c)
{
    for (unsigned i = 0; i < c->own.count; i++)
        weir_handle_close(handle_at(c, c->own.offset[i]));
    if (c->arg_size > 0)
        os_free(c->arg, c->arg_size);
    os_free(c, sizeof *c);
}

/* ---- the supervisor's ---------------------------------------------------------------------- */

void weir__child_adopt(struct child *c)
{
    for (unsigned i = 0; i < c->own.count; i++)
        (void)weir_handle_adopt(handle_at(c, c->own.offset[i]));
}

static int open_stop(struct child *c, weir_receiver *rx)
{
    *rx = (weir_receiver){0};
    c->stopper = (weir_sender){0};
    if (c->stop.count == 0)
        return 0;
    int rc = weir_channel_open(&c->stopper, rx, 1, 0, NULL);
    if (rc == 0)
        handle_put(c, c->stop.offset[0], rx->h);
    return rc;
}

/* It may have ended before anybody could watch. */
static void watch(struct child *c)
{
    int rc;
    weir_exit e;
    bool broken;
    struct party *self = party_current();
    struct task *t = weir__task_hold(c->task.h, &rc); /* the supervisor's, so it is open */
    if (!weir__task_watch(t, &c->watcher, &e, &broken))
        child_ended(&c->watcher, &e, broken);
    weir__task_let_go(self, t);
}

int weir__child_start(struct child *c, weir_group group)
{
    weir_receiver stop;
    int rc = open_stop(c, &stop);
    if (rc == 0)
        rc = weir_spawn_sized(group, c->body, c->arg_size,
                              &(weir_spawn_options){.arg = c->arg,
                                                    .name = c->name[0] ? c->name : NULL,
                                                    .own = c->own,
                                                    .give = c->stop,
                                                    .task = &c->task,
                                                    .isolated = true});
    c->due = WEIR_NEVER;
    if (rc < 0) {
        weir_close(c->stopper);
        weir_close(stop);
        return rc;
    }
    c->runs = true;
    watch(c);
    return 0;
}

bool weir__child_ended(struct child *c)
{
    if (!a32_xchg(&c->ended, 0)) /* a fence after the receipt of the poke: see child_ended() */
        return false;
    c->runs = false;
    weir_close(c->task);
    weir_close(c->stopper);
    return true;
}
