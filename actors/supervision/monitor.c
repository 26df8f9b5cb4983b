/* SPDX-License-Identifier: MIT */
/*
 * monitor.c - exits on channels: docs/protocol.md, "Exits".
 *
 * The channel has room for the one item that is ever sent, its cell is there from the beginning:
 * so the send by the actor that ends neither waits nor fails but for a receiver that has gone. The
 * sender belongs to nobody, and its number is in the watcher alone.
 */
#include "call.h"
#include "chan.h"
#include "scheduler.h"
#include "watcher.h"

struct monitor {
    struct watcher watcher;
    weir_sender tx;
};

static void discard(struct watcher *w)
{
    struct monitor *m = container_of(w, struct monitor, watcher);
    weir_close(m->tx);
    os_free(m, sizeof *m);
}

static void send_exit(struct watcher *w, const weir_exit *e, bool broken)
{
    const struct monitor *m = container_of(w, struct monitor, watcher);
    (void)broken;
    (void)weir_try_send(m->tx, e); /* or nobody wants it any more */
    discard(w);
}

/* The sender is open, so the channel is there. */
static bool nobody_listens(const struct watcher *w)
{
    const struct monitor *m = container_of(w, struct monitor, watcher);
    const struct chan *ch = handle_slot(m->tx.h)->object;
    return a32_load(&ch->lock) & RECEIVERS_GONE;
}

static int monitor_new(struct monitor **out, weir_receiver *rx)
{
    struct monitor *m = os_alloc(sizeof *m);
    if (!m)
        return WEIR_ENOMEM;
    *m = (struct monitor){
        .watcher = {.ended = send_exit, .useless = nobody_listens, .discard = discard}};
    int rc = weir_channel_open(&m->tx, rx, sizeof(weir_exit), 1, NULL);
    if (rc < 0) {
        os_free(m, sizeof *m);
        return rc;
    }
    rc = weir__cells_make(handle_slot(m->tx.h)->object);
    if (rc == 0)
        rc = weir_handle_disown(m->tx.h);
    if (rc < 0) {
        weir_close(*rx);
        discard(&m->watcher);
        return rc;
    }
    *out = m;
    return 0;
}

static int monitor(struct party *self, weir_handle task, weir_receiver *rx)
{
    int rc;
    weir_exit e;
    bool broken;
    struct monitor *m = NULL;
    struct task *t = weir__task_hold(task, &rc);
    if (!t)
        return rc;
    rc = monitor_new(&m, rx);
    if (rc == 0 && !weir__task_watch(t, &m->watcher, &e, &broken))
        send_exit(&m->watcher, &e, broken);
    weir__task_let_go(self, t);
    return rc;
}

int weir_monitor(weir_task task, weir_receiver *rx)
{
    if (!rx)
        return WEIR_EINVAL;
    struct party *self = party_enter();
    int rc = self ? monitor(self, task.h, rx) : party_refusal();
    if (self)
        party_leave(self);
    if (rc < 0)
        rx->h = handle_null(rc);
    return rc;
}
