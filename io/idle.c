/* SPDX-License-Identifier: MIT */
/* idle.c - see idle.h. */
#include "idle.h"

/* ---- the line ------------------------------------------------------------------------------ */

static struct line *line_of(struct feeder *f)
{
    return container_of(f, struct line, feeder);
}

static int pop(struct feeder *f, struct waiter *w)
{
    struct line *line = line_of(f);
    struct idle *i = line->first;
    if (!i && !line->poked)
        return EMPTY;
    if (i) {
        line->first = i->next;
        f->chan->handed++;
    } else {
        line->poked = false;
    }
    __builtin_memcpy(w->items, &i, sizeof i);
    return 1;
}

static bool ready(struct feeder *f)
{
    return line_of(f)->first || line_of(f)->poked;
}

/* Its owner has received everything. */
static void deserted(struct feeder *f, struct thread *t)
{
    (void)f, (void)t;
}

static const struct feed feed = {.pop = pop, .ready = ready, .deserted = deserted};

weir_receiver weir__line_open(struct line *line, struct party *self)
{
    *line = (struct line){.first = NULL};
    struct slot *slot = weir__slot_reserve(self);
    if (!slot)
        return (weir_receiver){handle_null(weir__slot_refused())};
    int rc = weir__fed_open(&line->feeder, &feed, self->thread, sizeof(struct idle *), 0, true);
    if (rc < 0) {
        weir__slot_cancel(self, slot);
        return (weir_receiver){handle_null(rc)};
    }
    return (weir_receiver){weir__slot_publish(self, slot, RECEIVER, line->feeder.chan)};
}

/* As soon as the lock is released the idle is another's, and the line may be gone. */
static void tell(struct line *line, struct idle *i)
{
    struct chan *ch = line->feeder.chan;
    struct wake_list woken = {NULL, NULL};
    lock_acquire(&ch->lock, 0);
    if (!i) {
        line->poked = true;
    } else {
        i->next = NULL;
        if (line->first)
            line->last->next = i;
        else
            line->first = i;
        line->last = i;
    }
    if (ch->recvq.first)
        weir__fed_serve_locked(ch, &woken);
    chan_unlock(ch);
    wake_all(woken.first);
}

void weir__line_append(struct line *line, struct idle *i)
{
    tell(line, i);
}

void weir__line_poke(struct line *line)
{
    tell(line, NULL);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void idle_wake(struct party *p)
{
    struct idle *i = container_of(p, struct idle, party);
    tell(i->line, i);
}

static const struct party_ops ops = {NULL, idle_wake, NULL};

void weir__idle_init(struct idle *i, struct line *line)
{
    *i = (struct idle){.line = line};
    i->party.ops = &ops;
    i->party.waiter.bytes = true;
}

static int something_there(const struct chan *ch)
{
    const struct feed *f = ch->feeder->feed;
    return f->look ? f->look(ch->feeder) : f->ready(ch->feeder);
}

/* Of an armed stream: wait on its channel. */
static int wait_on(struct idle *i, struct chan *ch, weir_handle h)
{
    struct slot *s = handle_get(h, handle_word(h) & 3);
    if (!s)
        return WEIR_ECLOSED;
    request(&i->party, s, NULL, 0, false, false);
    lock_acquire(&ch->lock, 0); /* it is as good as announced: fed_is_waited_on() */
    int rc = !handle_open(s, h)               ? WEIR_ECLOSED
             : ch->recvq.first                ? WEIR_EBUSY
             : MUTATE("idle: no second look") ? EMPTY
                                              : something_there(ch);
    if (rc == 0)
        request_link(&i->party, ch, &ch->recvq);
    chan_unlock(ch);
    return rc;
}

int weir__idle_wait(struct idle *i, struct party *self)
{
    weir_case below;
    (void)self; /* is inside of an operation */
    int rc = weir_stream_arm(i->stream, false, &below);
    if (rc < 0)
        return rc == WEIR_EAGAIN ? 1 : rc;
    struct chan *ch = weir__fed_case(&below);
    weir_stream stream = i->stream;
    rc = ch ? wait_on(i, ch, below.handle) : WEIR_ENOTSUP;
    if (rc != 0) /* else it may be another's by now */
        weir_stream_disarm(stream, false, WEIR_EAGAIN);
    return rc;
}

bool weir__idle_stop(struct idle *i)
{
    return weir__wait_cancel(&i->party, WEIR_ECANCELED) || MUTATE("idle: not verified");
}

void weir__idle_done(const struct idle *i)
{
    weir_stream_disarm(i->stream, false, WEIR_EAGAIN);
}
