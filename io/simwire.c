/* SPDX-License-Identifier: MIT */
/* simwire.c - packets of a simulated network, and what they do when they arrive: simnet.h. */
#include <errno.h>
#include <string.h>

#include "simnet.h"
#include "simulate.h"

#define HELLO_AGAIN (1 * WEIR_S)     /* nobody had room for it */
#define HELLO_TIMEOUT (127 * WEIR_S) /* as Linux, after its six tries */

/* ---- chance ---------------------------------------------------------------------------------- */

static uint64_t next_random(struct simnet *n)
{
    uint64_t x = n->random += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint32_t weir__sim_below(struct simnet *n, uint32_t most)
{
    return (uint32_t)((next_random(n) >> 32) * most >> 32);
}

bool weir__sim_chance(struct simnet *n, int of, uint32_t all)
{
    return of > 0 && weir__sim_below(n, all) < (uint32_t)of;
}

static weir_time delay(struct simnet *n)
{
    weir_time range = n->options.delay_most - n->options.delay_least;
    return n->options.delay_least +
           (range > 0 ? (weir_time)(next_random(n) % ((uint64_t)range + 1)) : 0);
}

/* ---- packets and lists of them ------------------------------------------------------------- */

struct sim_packet *weir__sim_packet(size_t size)
{
    struct sim_packet *p = os_alloc(sizeof *p + size);
    if (p) {
        *p = (struct sim_packet){.what = SIM_DATA};
        p->size = size;
    }
    return p;
}

void weir__sim_packet_free(struct sim_packet *p)
{
    os_free(p, sizeof *p + p->size);
}

static void list_insert(struct sim_list *l, struct sim_packet *p, struct sim_packet *before)
{
    struct sim_packet *after = before ? before->prev : l->last;
    p->next = before;
    p->prev = after;
    *(after ? &after->next : &l->first) = p;
    *(before ? &before->prev : &l->last) = p;
}

static void list_remove(struct sim_list *l, struct sim_packet *p)
{
    *(p->prev ? &p->prev->next : &l->first) = p->next;
    *(p->next ? &p->next->prev : &l->last) = p->prev;
}

static struct sim_packet *list_take(struct sim_list *l)
{
    struct sim_packet *p = l->first;
    if (p)
        list_remove(l, p);
    return p;
}

void weir__sim_append(struct sim_list *l, struct sim_packet *p)
{
    list_insert(l, p, NULL);
}

void weir__sim_list_free(struct sim_list *l)
{
    struct sim_packet *p;
    while ((p = list_take(l)))
        weir__sim_packet_free(p);
}

struct sim_packet *weir__sim_spare(struct sim_socket *s)
{
    struct sim_packet *p = s->spare;
    s->spare = p->next;
    return p;
}

void weir__sim_give_back(struct sim_socket *s, struct sim_packet *p)
{
    p->next = s->spare;
    s->spare = p;
}

/* ---- on its way ---------------------------------------------------------------------------- */

/* By its time; among those of one time behind those that are there. */
static void put(struct simnet *n, struct sim_packet *p, weir_time at)
{
    struct sim_packet *before = NULL, *last = n->wire.last;
    p->at = at;
    while (last && last->at > at) {
        before = last;
        last = last->prev;
    }
    list_insert(&n->wire, p, before);
    n->counters.underway += p->what != SIM_TIMEOUT;
    weir__sim_arm(n, n->wire.first->at);
}

void weir__sim_send(struct simnet *n, struct sim_socket *s, struct sim_packet *p,
                    enum sim_what what)
{
    weir_time at = weir__run_now() + delay(n);
    if (at < s->last)
        at = s->last;
    s->last = at;
    p->what = what;
    p->from = s->name;
    p->to = s->peer;
    p->source = s->local;
    p->destination = s->remote;
    put(n, p, at);
}

/* What was read; one such packet of a socket is on its way at a time. */
void weir__sim_credit(struct simnet *n, struct sim_socket *s)
{
    if (s->credits || s->owed == 0 || s->state != SIM_CONNECTED)
        return;
    struct sim_packet *p = weir__sim_spare(s);
    p->what = SIM_CREDIT;
    p->taken = s->owed;
    p->from = s->name;
    p->to = s->peer;
    p->source = s->local;
    p->destination = s->remote;
    s->owed = 0;
    s->credits = true;
    put(n, p, weir__run_now() + delay(n));
}

/* Back to where it came from. */
static void answer(struct simnet *n, struct sim_packet *p, enum sim_what what, int error)
{
    struct sim_name name = p->from;
    weir_address address = p->source;
    p->from = p->to;
    p->to = name;
    p->source = p->destination;
    p->destination = address;
    p->what = what;
    p->error = error;
    put(n, p, weir__run_now() + delay(n));
}

/* ---- time ------------------------------------------------------------------------------------ */

void weir__sim_time_off(struct simnet *n, struct sim_socket *s)
{
    if (!s->timeout)
        return;
    list_remove(&n->wire, s->timeout);
    weir__sim_give_back(s, s->timeout);
    s->timeout = NULL;
}

/* It is broken then; or sooner, if that was said before. */
void weir__sim_time(struct simnet *n, struct sim_socket *s, weir_time after)
{
    weir_time at = weir__run_now() + after;
    if (s->timeout && s->timeout->at <= at)
        return;
    weir__sim_time_off(n, s);
    s->timeout = weir__sim_spare(s);
    s->timeout->what = SIM_TIMEOUT;
    s->timeout->from = s->name;
    put(n, s->timeout, at);
}

/* ---- cut off ------------------------------------------------------------------------------- */

static bool is_of(const weir_address *a, const weir_address *which)
{
    return a->family == which->family && a->size == which->size &&
           (which->port == 0 || a->port == which->port) &&
           memcmp(a->name, which->name, sizeof a->name) == 0;
}

static bool is_cut(const struct simnet *n, const weir_address *a, const weir_address *b)
{
    for (const struct sim_cut *c = n->cuts; c; c = c->next)
        if (is_of(a, &c->address) || is_of(b, &c->address))
            return true;
    return false;
}

/* Its sender waits to hear of it, and not for ever. */
static void hold(struct simnet *n, struct sim_packet *p)
{
    struct sim_socket *s = weir__sim_find(n, p->from);
    weir__sim_append(&n->held, p);
    if (!s || !sim_is_ip(&p->source))
        return;
    if (p->what == SIM_HELLO)
        weir__sim_time(n, s, HELLO_TIMEOUT);
    else if ((p->what == SIM_DATA || p->what == SIM_END) && s->user_timeout > 0)
        weir__sim_time(n, s, s->user_timeout * WEIR_MS);
}

static void hear_nothing(struct simnet *n, struct sim_socket *s)
{
    if (s->state == SIM_CONNECTED && sim_is_ip(&s->local) && s->keepalive &&
        is_cut(n, &s->local, &s->remote))
        weir__sim_time(n, s, (s->keep_idle + s->keep_interval * s->keep_probes) * WEIR_S);
}

static void go_on(struct simnet *n)
{
    struct sim_list held = n->held;
    struct sim_packet *p;
    weir_time at = weir__run_now();
    n->held = (struct sim_list){NULL, NULL};
    while ((p = list_take(&held))) {
        if (is_cut(n, &p->source, &p->destination)) {
            weir__sim_append(&n->held, p);
            continue;
        }
        weir_time later = weir__run_now() + delay(n);
        at = later > at ? later : at; /* they stay in their order */
        n->counters.underway--;
        struct sim_socket *s = weir__sim_find(n, p->from);
        if (s && s->last < at)
            s->last = at;
        put(n, p, at);
    }
    for (uint32_t i = 0; i < n->places; i++) {
        struct sim_socket *s = n->sockets[i];
        if (s && !is_cut(n, &s->local, &s->remote))
            weir__sim_time_off(n, s);
    }
}

static int cut(struct simnet *n, const weir_address *address)
{
    struct sim_cut *c = os_alloc(sizeof *c);
    if (!c)
        return WEIR_ENOMEM;
    *c = (struct sim_cut){n->cuts, *address};
    n->cuts = c;
    for (uint32_t i = 0; i < n->places; i++)
        if (n->sockets[i])
            hear_nothing(n, n->sockets[i]);
    return 0;
}

static void mend(struct simnet *n, const weir_address *address)
{
    for (struct sim_cut *c, **at = &n->cuts; (c = *at);) {
        if (!weir_address_equal(&c->address, address)) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        os_free(c, sizeof *c);
    }
    go_on(n);
}

int weir_simnet_cut(const weir_address *address, bool is_to_be)
{
    int rc = 0;
    if (!address || address->family == 0)
        return WEIR_EINVAL;
    struct simnet *n = weir__sim_enter(-1, &rc);
    if (!n)
        return rc;
    if (is_to_be)
        rc = cut(n, address);
    else
        mend(n, address);
    weir__sim_leave(n);
    return rc;
}

/* ---- arrival ------------------------------------------------------------------------------- */

static void broke(struct simnet *n, struct sim_socket *s, int error)
{
    weir__sim_time_off(n, s);
    s->state = SIM_BROKEN;
    s->error = error;
    weir__sim_notify(n, s, NET_IN | NET_OUT | NET_HANGUP);
}

static void data_arrives(struct simnet *n, struct sim_packet *p)
{
    struct sim_socket *s = weir__sim_find(n, p->to);
    bool breaks = s && sim_is_ip(&p->source) && weir__sim_chance(n, n->options.reset, 1000000);
    if (s && s->state == SIM_CONNECTED && !breaks) {
        n->counters.pieces++;
        n->counters.bytes += p->size;
        if (s->deaf) {
            s->owed += p->size;
            weir__sim_packet_free(p);
            weir__sim_credit(n, s);
            return;
        }
        weir__sim_append(&s->data, p);
        s->unread += p->size;
        weir__sim_notify(n, s, NET_IN);
        return;
    }
    if (breaks && s->state == SIM_CONNECTED) {
        n->counters.resets++;
        broke(n, s, ECONNRESET);
    }
    answer(n, p, SIM_RESET, 0);
}

static void end_arrives(struct simnet *n, struct sim_packet *p)
{
    struct sim_socket *s = weir__sim_find(n, p->to);
    if (s && s->state == SIM_CONNECTED) {
        s->ended = true;
        s->peer_gone = p->gone;
        weir__sim_notify(n, s, NET_IN | NET_HANGUP | (p->gone ? NET_OUT : 0u));
    }
    weir__sim_packet_free(p);
}

static void reset_arrives(struct simnet *n, struct sim_packet *p)
{
    struct sim_socket *s = weir__sim_find(n, p->to);
    if (s && s->state == SIM_CONNECTED)
        broke(n, s, ECONNRESET);
    weir__sim_packet_free(p);
}

static void credit_arrives(struct simnet *n, struct sim_packet *p)
{
    struct sim_socket *s = weir__sim_find(n, p->to), *reader = weir__sim_find(n, p->from);
    if (s) {
        s->used -= p->taken;
        if (s->wants_room)
            weir__sim_notify(n, s, NET_OUT);
        s->wants_room = false;
    }
    if (!reader) {
        weir__sim_packet_free(p);
        return;
    }
    weir__sim_give_back(reader, p);
    reader->credits = false;
    weir__sim_credit(n, reader);
}

static void hello_arrives(struct simnet *n, struct sim_packet *p)
{
    struct sim_socket *l = weir__sim_accepts(n, &p->destination);
    if (!weir__sim_find(n, p->from)) {
        weir__sim_packet_free(p);
        return;
    }
    if (!l || weir__sim_chance(n, n->options.refuse, 1000)) {
        n->counters.refused++;
        answer(n, p, SIM_ANSWER, ECONNREFUSED);
        return;
    }
    struct sim_socket *s = l->waiting < l->backlog ? weir__sim_welcome(n, l, p) : NULL;
    if (!s) {
        put(n, p, weir__run_now() + HELLO_AGAIN);
        return;
    }
    p->to = s->name;
    answer(n, p, SIM_ANSWER, 0);
    s->last = p->at; /* what it sends comes behind */
}

static void answer_arrives(struct simnet *n, struct sim_packet *p)
{
    struct sim_socket *s = weir__sim_find(n, p->to);
    if (s && s->state == SIM_CONNECTS && p->error) {
        broke(n, s, p->error);
    } else if (s && s->state == SIM_CONNECTS) {
        weir__sim_time_off(n, s);
        s->state = SIM_CONNECTED;
        s->peer = p->from;
        n->counters.connections++;
        weir__sim_notify(n, s, NET_OUT);
    } else if (!p->error) { /* it does not want it any more */
        answer(n, p, SIM_RESET, 0);
        return;
    }
    weir__sim_packet_free(p);
}

static void time_is_over(struct simnet *n, struct sim_packet *p)
{
    struct sim_socket *s = weir__sim_find(n, p->from); /* it is: it takes it along */
    s->timeout = NULL;
    weir__sim_give_back(s, p);
    broke(n, s, ETIMEDOUT);
}

static void arrives(struct simnet *n, struct sim_packet *p)
{
    static void (*const how[])(struct simnet *, struct sim_packet *) = {
        [SIM_DATA] = data_arrives,     [SIM_END] = end_arrives,     [SIM_RESET] = reset_arrives,
        [SIM_CREDIT] = credit_arrives, [SIM_HELLO] = hello_arrives, [SIM_ANSWER] = answer_arrives,
        [SIM_TIMEOUT] = time_is_over,
    };
    if (p->what != SIM_TIMEOUT && is_cut(n, &p->source, &p->destination)) {
        hold(n, p);
        return;
    }
    n->counters.underway -= p->what != SIM_TIMEOUT;
    how[p->what](n, p);
}

weir_time weir__sim_arrive(struct simnet *n, weir_time now)
{
    while (n->wire.first && n->wire.first->at <= now)
        arrives(n, list_take(&n->wire));
    return n->wire.first ? n->wire.first->at : WEIR_NEVER;
}
