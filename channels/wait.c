/* SPDX-License-Identifier: MIT */
/* wait.c - see wait.h. */
#include "wait.h"

/* A batch that reaches the end of the lap goes on at its beginning. */
static never_inline int push_cells(struct chan *ch, const char *items, uint64_t n, bool single)
{
    int k = cells_push(ch, items, n, single), more = 0;
    if (k > 0 && (uint64_t)k < n && cell_index(ch, a64_load(chan_tail(ch))) == 0)
        more = cells_push(ch, items + (size_t)k * ch->item_size, n - (uint64_t)k, single);
    return more > 0 ? k + more : k;
}

static never_inline int pop_cells(struct chan *ch, char *items, uint64_t n, bool single)
{
    int k = cells_pop(ch, items, n, single), more = 0;
    if (k > 0 && (uint64_t)k < n && cell_index(ch, a64_load(chan_head(ch))) == 0)
        more = cells_pop(ch, items + (size_t)k * ch->item_size, n - (uint64_t)k, single);
    return more > 0 ? k + more : k;
}

int weir__push(struct chan *ch, const char *items, uint64_t n)
{
    switch (ch->kind) {
    case BOUNDED:
        return push_cells(ch, items, n, ch->flags & SINGLE_SENDER);
    case UNBOUNDED:
        return weir__blocks_push(ch, items, n);
    default:
        return FULL;
    }
}

int weir__pop(struct chan *ch, struct thread *t, char *items, uint64_t n)
{
    switch (ch->kind) {
    case BOUNDED:
        return pop_cells(ch, items, n, ch->flags & SINGLE_RECEIVER);
    case UNBOUNDED:
        return weir__blocks_pop(ch, t, items, n);
    default:
        return EMPTY;
    }
}

void weir__complete_all(struct waitq *q, const struct slot *slot, int result,
                        struct wake_list *woken)
{
    for (struct waiter *w = q->first, *next; w; w = next) {
        next = w->next;
        if (!slot || w->slot == slot)
            complete(w, result, woken);
    }
}

static bool serve_senders(struct chan *ch, struct wake_list *woken)
{
    bool progress = false;
    struct waiter *w;
    int k;
    while ((w = ch->sendq.first) && (k = weir__push(ch, w->items, w->count)) > 0) {
        complete(w, k, woken);
        progress = true;
    }
    return progress;
}

static bool serve_receivers(struct chan *ch, struct thread *t, struct wake_list *woken)
{
    bool progress = false;
    struct waiter *w;
    int k;
    while ((w = ch->recvq.first) && (k = weir__pop(ch, t, w->items, w->count)) > 0) {
        complete(w, k, woken);
        progress = true;
    }
    return progress;
}

void weir__serve(struct chan *ch, struct thread *t, struct wake_list *woken)
{
    bool again;
    do {
        again = serve_senders(ch, woken);
        again = serve_receivers(ch, t, woken) || again;
    } while (again);
    if (ch->senders == 0 && ch->recvq.first && !chan_some(ch))
        weir__complete_all(&ch->recvq, NULL, 0, woken);
}

void weir__serve_waiting(struct chan *ch, struct thread *t)
{
    struct wake_list woken = {NULL, NULL};
    lock_acquire(&ch->lock, 0);
    weir__serve(ch, t, &woken);
    chan_unlock(ch);
    wake_all(woken.first);
}

static int why_not_wait(const struct party *self, weir_time deadline)
{
    if (deadline == WEIR_TRY)
        return WEIR_EAGAIN;
    if (deadline != WEIR_NEVER && deadline <= weir_now())
        return WEIR_ETIMEDOUT;
    return self->thread->dropping ? WEIR_EPERM : 0;
}

int weir__request_queue(struct party *self, weir_time deadline, struct wake_list *woken)
{
    struct waiter *w = &self->waiter;
    struct chan *ch = w->chan;
    int refused = why_not_wait(self, deadline);
    if (refused) {
        chan_unlock(ch);
        wake_all(woken->first);
        return refused;
    }
    request_link(self, w->sends ? &ch->sendq : &ch->recvq);
    wake_all(woken->first); /* takes no channel's lock */
    return PARK;
}

bool weir__wait_cancel(struct party *p, int result)
{
    struct waiter *w = &p->waiter;
    struct wake_list one = {NULL, NULL};
    if (!a32_load_acquire(&w->linked))
        return false;
    struct chan *ch = w->chan; /* alive: it was linked since we are inside an operation */
    lock_acquire(&ch->lock, 0);
    bool won = a32_load(&w->linked) || MUTATE("cancel: not verified");
    if (won)
        complete(w, result, &one);
    chan_unlock(ch);
    return won;
}
