/* SPDX-License-Identifier: MIT */
/*
 * deadlock.c - who is parked for ever.
 *
 * A parked actor goes on when somebody acts on the other end of its channel, closes the
 * handle that it waits on, or, if it waits for a group, when all of the group's children have
 * ended. Handles have owners. So an actor is *alive*, it may yet go on, if
 *   - it runs or is ready, or waits for something outside - a tick, say - or with a deadline:
 *     its own, that of a scope, or of one of the scopes of who waits for it in a group;
 *   - it receives, and some open sender of the channel is within reach of one that is
 *     alive, or of a plain thread (it has no owner); or it sends, and a receiver is so;
 *   - it waits on a borrowed handle whose owner is alive;
 *   - it waits for a group all of whose children are alive.
 * The reach of an actor is what it owns, and what those own that spawned it, and so on:
 * they may have lent it their handles, as the first actor of most programs does. Whoever
 * is not alive by these rules, applied as long as they change anything, is parked for ever:
 * dead. (But for cancellation, and for handles that were lent in other ways.)
 *
 * The snapshot is not of one moment. But if all dead actors stayed parked from before the
 * ends were looked at until afterwards, none of them could give an end away meanwhile, and
 * others had none. Those that did move are counted alive, and the rules applied again. All
 * within one operation, so that no record becomes another actor's that looks like the first.
 */
#include "deadlock.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "scheduler.h"

struct search {
    struct snapshot *s;
    uint32_t work; /* alive, and what follows from it is not yet known: chain of next_work */
    uint32_t dead;
};

static void mark_alive(struct search *x, uint32_t i)
{
    struct seen *a = &x->s->actors[i];
    if (a->alive)
        return;
    a->alive = true;
    x->dead--;
    a->next_work = x->work;
    x->work = i;
}

/* Somebody alive can act on this end. */
static void reach_end(struct search *x, const struct seen_end *e)
{
    uint32_t i = weir__seen_waiting(x->s, e->chan);
    for (; i != NO_ONE; i = x->s->actors[i].next_target) {
        const struct seen *a = &x->s->actors[i];
        if (a->target != e->chan || (a->kind != IN_RECV && a->kind != IN_SEND))
            continue;
        bool other_side = (a->kind == IN_RECV) == e->sends;
        if (other_side || !a->owns_side)
            mark_alive(x, i);
    }
}

/* i, and those before it, may be acted for by one that is alive. */
static void reach(struct search *x, uint32_t i)
{
    while (i != NO_ONE && !x->s->actors[i].reaches) {
        struct seen *a = &x->s->actors[i];
        a->reaches = true;
        for (uint32_t e = a->first_end; e != NO_ONE; e = x->s->ends[e].next_owned)
            reach_end(x, &x->s->ends[e]);
        i = weir__seen_by_id(x->s, a->parent);
    }
}

static bool waits_for_group(const struct seen *a, const void *group)
{
    return a->kind == IN_GROUP && a->parked && a->target == group;
}

/* A child of this group is alive. */
static void reach_group(struct search *x, const struct group *g)
{
    uint32_t i = weir__seen_waiting(x->s, g);
    for (; i != NO_ONE; i = x->s->actors[i].next_target)
        if (waits_for_group(&x->s->actors[i], g) && --x->s->actors[i].pending == 0)
            mark_alive(x, i);
}

static void follow(struct search *x)
{
    while (x->work != NO_ONE) {
        uint32_t i = x->work;
        x->work = x->s->actors[i].next_work;
        reach(x, i);
        reach_group(x, x->s->actors[i].group);
    }
}

static void count_children(struct snapshot *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t w = weir__seen_waiting(s, s->actors[i].group);
        for (; w != NO_ONE; w = s->actors[w].next_target)
            s->actors[w].pending += waits_for_group(&s->actors[w], s->actors[i].group);
    }
}

/* Its own, or that of a scope of who waits for it: which cancels it, other than a wait's end. */
static bool has_deadline(const struct snapshot *s, const struct seen *a)
{
    bool timed = a->timed;
    uint32_t above;
    while (!timed && a->head && (above = weir__seen_at(s, a->head)) != NO_ONE) {
        a = &s->actors[above];
        timed = a->scoped;
    }
    return timed;
}

static bool starts_alive(const struct snapshot *s, const struct seen *a)
{
    bool known = a->kind == IN_RECV || a->kind == IN_SEND || a->kind == IN_GROUP;
    return !a->parked || !known || has_deadline(s, a) || (a->kind == IN_GROUP && a->pending == 0);
}

static void start(struct search *x)
{
    count_children(x->s);
    for (uint32_t i = 0; i < x->s->count; i++)
        if (starts_alive(x->s, &x->s->actors[i]))
            mark_alive(x, i);
    for (uint32_t e = 0; e < x->s->end_count; e++)
        if (x->s->ends[e].owner == NO_ONE)
            reach_end(x, &x->s->ends[e]);
    follow(x);
}

/* True: some that were taken for dead have moved. */
static bool some_moved(struct search *x)
{
    uint32_t before = x->dead;
    for (uint32_t i = 0; i < x->s->count; i++)
        if (!x->s->actors[i].alive && !weir__seen_still(&x->s->actors[i]))
            mark_alive(x, i);
    follow(x);
    return x->dead != before;
}

static uint32_t find(struct snapshot *s)
{
    struct search x = {s, NO_ONE, s->count};
    start(&x);
    while (some_moved(&x))
        ;
    return x.dead;
}

int weir__deadlock_find(struct snapshot *s, unsigned wanted, uint32_t *dead)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    int rc = weir__snapshot_take(s, SEE_ENDS | wanted);
    if (rc == 0)
        *dead = find(s);
    party_leave(self);
    return rc;
}

/* ---- text --------------------------------------------------------------------------- */

enum { BLAMED = 4 };

static bool blames(const struct seen *a, const struct seen_end *e)
{
    return e->chan == a->target && (a->kind == IN_RECV) == e->sends && e->owner != NO_ONE;
}

void weir__deadlock_blame(const struct snapshot *s, const struct seen *a, char *text, size_t size)
{
    uint32_t n = 0;
    *text = 0;
    if (a->kind != IN_RECV && a->kind != IN_SEND)
        return;
    for (uint32_t e = weir__seen_ends(s, a->target); e != NO_ONE; e = s->ends[e].next_chan) {
        if (!blames(a, &s->ends[e]) || n++ >= BLAMED)
            continue;
        const struct seen *o = &s->actors[s->ends[e].owner];
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s#%u '%s'",
                 n > 1                ? ", "
                 : a->kind == IN_RECV ? "; its senders are of "
                                      : "; its receivers are of ",
                 o->id, o->name);
    }
    size_t used = strlen(text);
    if (n > BLAMED)
        snprintf(text + used, size - used, ", and %u more", n - BLAMED);
}

static void print(const struct snapshot *s, FILE *out)
{
    char wait[120], blame[200];
    for (uint32_t i = 0; i < s->count; i++) {
        const struct seen *a = &s->actors[i];
        if (a->alive)
            continue;
        weir__seen_wait(a, wait, sizeof wait);
        weir__deadlock_blame(s, a, blame, sizeof blame);
        fprintf(out, "#%u '%s' is parked for ever: %s%s\n", a->id, a->name, wait, blame);
    }
}

int weir_deadlocked(FILE *out)
{
    struct snapshot s;
    uint32_t dead = 0;
    int rc = weir__deadlock_find(&s, 0, &dead);
    if (rc < 0)
        return rc;
    if (out)
        print(&s, out);
    weir__snapshot_free(&s);
    return (int)dead;
}

/* ---- on idle ------------------------------------------------------------------------ */

/* Once for each time that it parks, whichever worker comes first. */
static bool is_news(const struct seen *a)
{
    a32 *told = &((struct actor *)(uintptr_t)a->actor)->told;
    uint32_t before = a32_load(told);
    return before != (uint32_t)a->moved && a32_cas(told, &before, (uint32_t)a->moved);
}

static void report(const struct snapshot *s, uint32_t dead)
{
    enum { MOST = 100 };
    char wait[120], blame[200];
    uint32_t news = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct seen *a = &s->actors[i];
        if (a->alive || !is_news(a))
            continue;
        if (news == 0 && dead == s->count)
            weir__log_of(WEIR_LOG_DEADLOCK, "", 0, "all %u actors are parked for ever", dead);
        if (++news > MOST)
            continue;
        weir__seen_wait(a, wait, sizeof wait);
        weir__deadlock_blame(s, a, blame, sizeof blame);
        weir__log_of(WEIR_LOG_DEADLOCK, a->name, a->id, "parked for ever: %s%s", wait, blame);
    }
    if (news > MOST)
        weir__log_of(WEIR_LOG_DEADLOCK, "", 0, "and %u more actors", news - MOST);
}

bool weir__deadlock_report(bool all)
{
    struct snapshot s;
    uint32_t dead = 0;
    int rc = all ? weir__snapshot_take(&s, SEE_ENDS) : weir__deadlock_find(&s, 0, &dead);
    if (rc < 0)
        return all; /* a report is not worth more */
    if (all)
        dead = s.count; /* told before */
    all = dead == s.count;
    if (dead > 0)
        report(&s, dead);
    weir__snapshot_free(&s);
    return all;
}

weir_time weir__idle_report(struct worker *w)
{
    weir_time next = timers_next(&w->timers);
    if (!weir__log_wanted() || w->idle_since == WEIR_NEVER)
        return next;
    weir_time now = weir_now();
    if (w->idle_since == 0)
        w->idle_since = now;
    weir_time due = w->idle_since + IDLE_FOR * WEIR_MS;
    if (now >= due) {
        w->idle_since = WEIR_NEVER; /* not again before something ran */
        weir__deadlock_report(false);
        return next;
    }
    return next < due ? next : due;
}
