/* SPDX-License-Identifier: MIT */
/*
 * supervisor.c - the actor that starts, watches and stops its children: docs/protocol.md,
 * "Supervisors".
 *
 * It alone touches the list of its children. What others want comes as commands over a rendezvous
 * channel, so none is ever left in it. The end of a child is noted in the child's record, and a
 * poke is sent over a channel with room for one: who finds no room need not wait, as there is a
 * poke that has not been received, and whoever receives one looks at all children.
 *
 * The children's group is `held`: what cancels the supervisor does not reach them; it stops them
 * itself, one by one, in a shield.
 */
#include "child.h"

#include <weir/select.h>

#include "call.h"
#include "chan.h"
#include "group.h"
#include "scheduler.h"

enum { ADD, STOP };

struct command {
    weir_answer answer;
    struct child *child;
    int what;
};

struct supervisor {
    weir_supervisor_options o;
    weir_receiver inbox, pokes;
    weir_sender poke;
    weir_group group;
    struct child *first, *last;
    weir_time *times; /* of the last o.restarts restarts, in a ring */
    uint64_t restarted;
    weir_answer stopped; /* of who stops it */
    bool handles;        /* some are open */
    bool over;
    int result;
};

/* ---- the list ---------------------------------------------------------------------------- */

static void add(struct supervisor *s, struct child *c)
{
    c->next = NULL;
    c->prev = s->last;
    *(s->last ? &s->last->next : &s->first) = c;
    s->last = c;
}

static void drop(struct supervisor *s, struct child *c)
{
    *(c->prev ? &c->prev->next : &s->first) = c->next;
    *(c->next ? &c->next->prev : &s->last) = c->prev;
    weir__child_free(c);
}

/* ---- stopping ------------------------------------------------------------------------------ */

/* True: it has ended. Pokes that are for others are seen again. */
static bool await(struct supervisor *s, struct child *c, weir_time deadline)
{
    char poke;
    while (!weir__child_ended(c))
        if (weir_recv_by(s->pokes, &poke, deadline) < 0)
            return weir__child_ended(c);
    (void)weir_try_send(s->poke, &poke);
    return true;
}

/* Until it has ended, whatever cancels us. */
static void stop(struct supervisor *s, struct child *c)
{
    struct actor *me = actor_self();
    struct scope shield = {.shield = true, .deadline = WEIR_NEVER};
    c->due = WEIR_NEVER;
    if (!c->runs)
        return;
    weir__scope_push(me, &shield);
    weir_close(c->stopper);
    if (c->stop.count == 0 ||
        !await(s, c, c->grace == WEIR_NEVER ? WEIR_NEVER : weir_after(c->grace))) {
        weir_task_cancel(c->task, "its supervisor stops it");
        await(s, c, WEIR_NEVER);
    }
    weir__scope_pop(me, &shield);
}

/* From the last one to `from`. */
static void stop_back_to(struct supervisor *s, struct child *from)
{
    for (struct child *c = s->last; c; c = c->prev) {
        stop(s, c);
        if (c == from)
            return;
    }
}

/* ---- restarts ------------------------------------------------------------------------------ */

/* False: there were as many as there may be. */
static bool count_restart(struct supervisor *s, weir_time now)
{
    weir_time *oldest = &s->times[s->restarted % s->o.restarts];
    if (s->restarted >= s->o.restarts && now - *oldest < s->o.within)
        return false;
    *oldest = now;
    s->restarted++;
    return true;
}

static weir_time delay(const struct supervisor *s, weir_time now)
{
    uint64_t n = s->restarted < s->o.restarts ? s->restarted : s->o.restarts;
    weir_time d = s->o.backoff;
    for (uint64_t i = 2; i <= n && d < s->o.backoff_most; i++)
        if (now - s->times[(s->restarted - i) % s->o.restarts] < s->o.within)
            d = d > s->o.backoff_most / 2 ? s->o.backoff_most : 2 * d;
    return d < s->o.backoff_most ? d : s->o.backoff_most;
}

/* c has ended, or could not be started. */
static void restart(struct supervisor *s, struct child *c)
{
    weir_time now = weir_now();
    if (!count_restart(s, now)) {
        s->over = true;
        s->result = WEIR_ERESTARTS;
        return;
    }
    struct child *from = s->o.strategy == WEIR_ONE_FOR_ALL ? s->first : c;
    bool others = s->o.strategy != WEIR_ONE_FOR_ONE;
    if (others)
        stop_back_to(s, from);
    weir_time wait = delay(s, now);
    weir_time due = wait < WEIR_NEVER - now ? now + wait : WEIR_NEVER;
    for (struct child *next; from; from = others ? next : NULL) {
        next = from->next;
        if (from != c && from->restart == WEIR_ONCE)
            drop(s, from);
        else
            from->due = due;
    }
}

static void has_ended(struct supervisor *s, struct child *c)
{
    bool again = c->restart == WEIR_ALWAYS || (c->restart == WEIR_ON_FAILURE && c->exit.result < 0);
    if (again)
        restart(s, c);
    else
        drop(s, c);
}

/* A restart changes the list and stops others: begin anew after each. */
static bool look_once(struct supervisor *s)
{
    for (struct child *c = s->first; c; c = c->next)
        if (weir__child_ended(c)) {
            has_ended(s, c);
            return true;
        }
    return false;
}

static void look(struct supervisor *s)
{
    while (!s->over && look_once(s))
        ;
}

/* When the next one is due. */
static weir_time start_due(struct supervisor *s)
{
    weir_time next = WEIR_NEVER, now = weir_now();
    for (struct child *c = s->first; c && !s->over; c = c->next) {
        if (c->due <= now && c->due != WEIR_NEVER && weir__child_start(c, s->group) < 0) {
            restart(s, c);
            return now; /* perhaps there are others */
        }
        if (c->due < next)
            next = c->due;
    }
    return next;
}

/* ---- commands ------------------------------------------------------------------------------ */

static int add_child(struct supervisor *s, struct child *c)
{
    weir__child_adopt(c);
    c->poke = s->poke;
    int rc = weir__child_start(c, s->group);
    if (rc < 0)
        weir__child_free(c);
    else
        add(s, c);
    return rc;
}

static void obey(struct supervisor *s, const struct command *c)
{
    (void)weir_adopt(c->answer);
    if (c->what == STOP) {
        s->stopped = c->answer;
        s->over = true;
        return;
    }
    int rc = add_child(s, c->child);
    (void)weir_answer_send(c->answer, &rc);
}

/* ---- the actor ------------------------------------------------------------------------------- */

static void supervise_until(struct supervisor *s)
{
    char poke;
    struct command command;
    while (!s->over && (s->handles || s->first)) {
        weir_time due = start_due(s);
        if (s->over)
            return;
        weir_case cases[] = {weir_on_recv(s->pokes, &poke), weir_on_recv(s->inbox, &command)};
        if (!s->handles)
            weir_case_off(&cases[1]);
        int rc = weir_select_by(cases, 2, WEIR_ORDERED, due);
        if (rc == 0) {
            look(s);
        } else if (rc == 1 && cases[1].rc == 1) {
            obey(s, &command);
        } else if (rc == 1) {
            s->handles = false; /* nobody can add any more */
        } else if (rc != WEIR_ETIMEDOUT) {
            s->result = rc;
            return;
        }
    }
}

static int open_pokes(struct supervisor *s)
{
    int rc = weir_channel_open(&s->poke, &s->pokes, 1, 1, NULL);
    return rc < 0 ? rc : weir__cells_make(handle_slot(s->poke.h)->object);
}

static int supervise(struct supervisor *s)
{
    int rc = open_pokes(s);
    if (rc < 0)
        return rc;
    if ((rc = weir_handle_check((s->group = weir_group_begin()).h)) < 0)
        return rc;
    weir__group_hold(s->group);
    supervise_until(s);
    weir_close(s->inbox); /* from here on it has ended */
    while (s->last) {
        stop(s, s->last);
        drop(s, s->last);
    }
    (void)weir_group_end(s->group);
    return s->result;
}

int weir__supervisor(void *arg)
{
    struct supervisor *s = arg;
    size_t bytes = s->o.restarts * sizeof *s->times;
    s->times = os_alloc(bytes);
    if (!s->times)
        return WEIR_ENOMEM;
    int rc = supervise(s);
    os_free(s->times, bytes);
    if (s->stopped.h != 0)
        (void)weir_answer_send(s->stopped, &rc);
    return rc;
}

/* ---- who has a handle ---------------------------------------------------------------------- */

static bool set_defaults(weir_supervisor_options *o)
{
    if ((unsigned)o->strategy > WEIR_REST_FOR_ONE || o->restarts > WEIR_RESTARTS_MAX ||
        o->within < 0 || o->backoff < 0 || o->backoff_most < 0)
        return false;
    o->restarts = o->restarts ? o->restarts : 3;
    o->within = o->within ? o->within : 5 * WEIR_S;
    o->backoff_most = o->backoff_most ? o->backoff_most : 60 * WEIR_S;
    return true;
}

static int spawn_supervisor(weir_group group, struct supervisor *s, weir_sender *box)
{
    int rc = weir_channel_open(box, &s->inbox, sizeof(struct command), 0, NULL);
    if (rc < 0)
        return rc;
    const char *name = s->o.name ? s->o.name : "supervisor";
    s->o.name = NULL; /* the caller's */
    rc = weir_spawn(group, weir__supervisor, s, .name = name,
                    .give = WEIR_GIVE(struct supervisor, inbox));
    if (rc < 0) {
        weir_close(*box);
        weir_close(s->inbox);
    }
    return rc;
}

weir_supervisor weir_supervisor_begin(weir_group group, const weir_supervisor_options *options)
{
    weir_sender box;
    struct supervisor s = {.handles = true};
    if (options)
        s.o = *options;
    int rc = set_defaults(&s.o) ? spawn_supervisor(group, &s, &box) : WEIR_EINVAL;
    return (weir_supervisor){rc < 0 ? handle_null(rc) : box.h};
}

weir_supervisor weir_supervisor_clone(weir_supervisor sup)
{
    return (weir_supervisor){weir_sender_clone((weir_sender){sup.h}).h};
}

int weir_supervisor_stop(weir_supervisor sup)
{
    int result;
    struct command c = {.what = STOP};
    weir_sender tx = {sup.h};
    int rc = weir_call(tx, &c, &result, WEIR_NEVER);
    return rc < 0 ? rc : result;
}

int weir_supervise_sized(weir_supervisor sup, weir_body body, weir_handle *box,
                         const weir_mailbox *mailbox, size_t arg_size,
                         const weir_child_options *options)
{
    static const weir_child_options none;
    struct child *child;
    int result;
    bool sent = false;
    if (mailbox && !box)
        return WEIR_EINVAL;
    if (box)
        *box = handle_null(WEIR_EINVAL);
    int rc = weir__child_new(&child, body, box, mailbox, arg_size, options ? options : &none);
    if (rc == 0) {
        struct command c = {.what = ADD, .child = child};
        rc = weir__call(sup.h, &c, sizeof c, offsetof(struct command, answer), &result,
                        sizeof result, WEIR_NEVER, &sent);
        if (!sent)
            weir__child_free(child);
        if (rc == 0)
            rc = result;
    }
    if (rc < 0 && box) {
        weir_handle_close(*box);
        *box = handle_null(rc);
    }
    return rc;
}
