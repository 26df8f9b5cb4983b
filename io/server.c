/* SPDX-License-Identifier: MIT */
/* server.c - see server.h: servers, their limits, counters and dump. */
#include "server.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <weir/call.h>

#include "dump.h"
#include "socket.h"

enum { PEERS = 4096 };

static struct {
    a32 lock;
    struct server *first;
} all;

/* ---- users --------------------------------------------------------------------------------- */

static void server_release(struct retired *r, struct thread *t)
{
    struct server *s = container_of(r, struct server, retired);
    (void)t;
    os_free(s->peers, PEERS * sizeof *s->peers);
    os_free(s, sizeof *s);
}

static void forget(struct server *s)
{
    lock_acquire(&all.lock, 0);
    *(s->prev ? &s->prev->next : &all.first) = s->next;
    if (s->next)
        s->next->prev = s->prev;
    lock_release(&all.lock, 0);
}

void weir__server_unuse(struct server *s)
{
    struct party *self = party_enter(); /* not NULL: who uses it has its record */
    server_lock(s);
    bool last = --s->users == 0;
    server_unlock(s);
    if (last) {
        weir_close(s->drain);
        weir_close(s->drained);
        forget(s);
        weir__retire(self->thread, &s->retired, server_release);
    }
    party_leave(self);
}

static int server_close(struct party *self, weir_handle h);
static int server_move(struct party *self, weir_handle h, struct party *to);

static const struct object_type server_type = {server_close, server_move};

/* Locked; or NULL and the error. Inside of an operation. */
static struct server *get_locked(weir_handle h, int *rc)
{
    struct server *s = weir__object_get(h, &server_type, rc);
    if (!s)
        return NULL;
    server_lock(s);
    if (handle_open(s->slot, h))
        return s;
    server_unlock(s);
    *rc = WEIR_ECLOSED;
    return NULL;
}

struct server *weir__server_use(weir_server h, int *rc)
{
    struct party *self = party_enter();
    if (!self) {
        *rc = party_refusal();
        return NULL;
    }
    struct server *s = get_locked(h.h, rc);
    if (s) {
        s->users++;
        server_unlock(s);
    }
    party_leave(self);
    return s;
}

static int server_move(struct party *self, weir_handle h, struct party *to)
{
    int rc;
    struct server *s = get_locked(h, &rc);
    if (!s)
        return rc;
    rc = weir__slot_move(self, s->slot, to);
    server_unlock(s);
    return rc < 0 ? rc : 0;
}

/* ---- draining ------------------------------------------------------------------------------ */

/* Lock held. */
static void poke_all(struct server *s, bool each)
{
    for (struct run *r = s->runs; r; r = r->next)
        if (each || r->wants_poke)
            weir__line_poke(&r->line);
}

/* Lock held. */
static void start_to_drain(struct server *s)
{
    if (!s->drains)
        poke_all(s, true);
    s->drains = true;
    s->counters.drains = true;
}

int weir_server_drain(weir_server h)
{
    int rc;
    struct server *s = weir__server_use(h, &rc);
    if (!s)
        return rc;
    server_lock(s);
    start_to_drain(s);
    server_unlock(s);
    weir_close(s->drain);
    weir__server_unuse(s);
    return 0;
}

void weir__server_told(struct server *s, bool item)
{
    server_lock(s);
    if (item && s->drains && !s->hurries) {
        s->hurries = true;
        poke_all(s, true);
    }
    start_to_drain(s);
    server_unlock(s);
    weir_close(s->drain);
}

static int server_close(struct party *self, weir_handle h)
{
    int rc;
    struct server *s = get_locked(h, &rc);
    if (!s)
        return rc;
    struct slot *slot = s->slot;
    start_to_drain(s);
    struct party *owner = slot_shut(slot);
    server_unlock(s);
    weir_close(s->drain);
    weir__slot_release(self, slot, owner);
    weir__server_unuse(s);
    return 0;
}

weir_receiver weir_server_drained(weir_server h)
{
    int rc;
    struct server *s = weir__server_use(h, &rc);
    if (!s)
        return (weir_receiver){handle_null(rc)};
    weir_receiver rx = weir_receiver_clone(s->drained);
    weir__server_unuse(s);
    return rx;
}

bool weir__server_join(struct server *s, struct run *r)
{
    server_lock(s);
    bool may = !s->drains;
    if (may) {
        r->next = s->runs;
        s->runs = r;
    }
    server_unlock(s);
    return may;
}

void weir__server_leave(struct server *s, struct run *r)
{
    server_lock(s);
    struct run **at = &s->runs;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    server_unlock(s);
}

/* ---- open ---------------------------------------------------------------------------------- */

/* All times of a server that are not said otherwise. */
static const weir_serve_options defaults = {
    .first_byte = 30 * WEIR_S,
    .idle = WEIR_NEVER,
    .drain = 30 * WEIR_S,
    .close = 5 * WEIR_S,
    .name = "connection",
};

static void or_default(weir_time *time, weir_time otherwise)
{
    if (*time == 0)
        *time = otherwise;
}

/* 0, or what is wrong. An end that was closed is one that has ended. */
static int check(const weir_serve_options *o)
{
    if (o->first_byte < 0 || o->idle < 0 || o->drain < 0 || o->close < 0)
        return WEIR_EINVAL;
    int rc = o->until.h ? weir_check(o->until) : 0;
    return rc == WEIR_ECLOSED ? 0 : rc;
}

static struct server *server_new(const weir_serve_options *options)
{
    struct server *s = os_alloc(sizeof *s);
    if (!s)
        return NULL;
    *s = (struct server){.object.type = &server_type, .users = 1};
    if (options)
        s->options = *options;
    weir_serve_options *o = &s->options;
    or_default(&o->first_byte, defaults.first_byte);
    or_default(&o->idle, defaults.idle);
    or_default(&o->drain, defaults.drain);
    or_default(&o->close, defaults.close);
    const char *name = o->name ? o->name : defaults.name;
    memcpy(s->name, name, strnlen(name, sizeof s->name - 1));
    o->name = s->name;
    if (o->per_peer > 0) {
        s->peers = os_alloc(PEERS * sizeof *s->peers);
        if (s->peers)
            memset(s->peers, 0, PEERS * sizeof *s->peers);
    }
    if (o->per_peer == 0 || s->peers)
        return s;
    os_free(s, sizeof *s);
    return NULL;
}

static void print_servers(FILE *out);

static void publish(struct server *s)
{
    static struct dump_part part = {.print = print_servers};
    lock_acquire(&all.lock, 0);
    s->next = all.first;
    if (s->next)
        s->next->prev = s;
    all.first = s;
    lock_release(&all.lock, 0);
    weir__dump_add(&part);
}

static weir_handle open_server(struct party *self, const weir_serve_options *options)
{
    char unused;
    int rc = options ? check(options) : 0;
    if (rc < 0)
        return handle_null(rc);
    struct server *s = server_new(options);
    if (!s)
        return handle_null(WEIR_ENOMEM);
    rc = weir_channel_open(&s->drain, &s->drained, sizeof unused, 0, NULL);
    struct slot *slot = rc == 0 ? weir__slot_reserve(self) : NULL;
    if (!slot) {
        rc = rc < 0 ? rc : weir__slot_refused();
        weir_close(s->drain);
        weir_close(s->drained);
        server_release(&s->retired, self->thread);
        return handle_null(rc);
    }
    weir_disown(s->drain);
    weir_disown(s->drained);
    s->slot = slot;
    publish(s);
    return weir__slot_publish(self, slot, OBJECT, s);
}

weir_server weir_server_open(const weir_serve_options *options)
{
    struct party *self = party_enter();
    if (!self)
        return (weir_server){handle_null(party_refusal())};
    weir_handle h = open_server(self, options);
    party_leave(self);
    return (weir_server){h};
}

/* ---- peers --------------------------------------------------------------------------------- */

/* An IPv4 address, also one in IPv6's clothes, or a network of 64 bits. False: of no peer. */
static bool key_of(const weir_address *a, uint8_t key[KEY])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memset(key, 0, KEY);
    if (a->family == AF_INET) {
        memcpy(key, mapped, sizeof mapped);
        memcpy(key + sizeof mapped, a->name, 4);
        return true;
    }
    if (a->family == AF_INET6)
        memcpy(key, a->name, memcmp(a->name, mapped, sizeof mapped) == 0 ? KEY : 8);
    return a->family == AF_INET6;
}

static struct peer **bucket(struct server *s, const uint8_t key[KEY])
{
    uint64_t h = 0;
    for (int i = 0; i < KEY; i++)
        h = (h ^ key[i]) * 0x100000001b3u;
    return &s->peers[(h ^ h >> 32) % PEERS];
}

/* Lock held. One more of this peer, for whom *spare is used if it is new. NULL: one too many. */
static struct peer *peer_count(struct server *s, const uint8_t key[KEY], struct peer **spare)
{
    struct peer **at = bucket(s, key), *p = *at;
    while (p && memcmp(p->key, key, KEY) != 0)
        p = p->next;
    if (p && p->count >= s->options.per_peer)
        return NULL;
    if (!p) {
        p = *spare;
        *spare = NULL;
        *p = (struct peer){.next = *at};
        memcpy(p->key, key, KEY);
        *at = p;
    }
    p->count++;
    return p;
}

/* Lock held. What is to be freed, or NULL. */
static struct peer *peer_discount(struct server *s, struct peer *p)
{
    if (!p || --p->count > 0)
        return NULL;
    struct peer **at = bucket(s, p->key);
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    return p;
}

/* ---- connections --------------------------------------------------------------------------- */

void weir__server_event(const struct connection *c, struct server *s, weir_serve_event_kind kind,
                        weir_end_reason reason, int error)
{
    if (!s->options.hook)
        return;
    weir_serve_event e = {.kind = kind, .reason = reason, .error = error};
    if (c) {
        e.connection = c->number;
        e.peer = c->address[0];
    }
    s->options.hook(&e, s->options.context);
}

void weir__queue_put(struct run *r, enum queue queue, struct connection *c, weir_time now)
{
    struct queue_by_time *q = &r->queue[queue];
    c->queue = (uint8_t)(queue + 1);
    c->due = q->allowance < WEIR_NEVER - now ? now + q->allowance : WEIR_NEVER;
    c->later = NULL;
    c->earlier = q->last;
    *(q->last ? &q->last->later : &q->first) = c;
    q->last = c;
}

void weir__queue_take(struct connection *c)
{
    if (!c->queue)
        return;
    struct queue_by_time *q = &connection_run(c)->queue[c->queue - 1];
    *(c->earlier ? &c->earlier->later : &q->first) = c->later;
    *(c->later ? &c->later->earlier : &q->last) = c->earlier;
    c->queue = 0;
}

void weir__connection_is(struct connection *c, enum connection_state state)
{
    weir_server_statistics *n = &connection_run(c)->server->counters;
    n->handlers -= c->state == RUNNING;
    n->parked -= c->state == PARKED;
    c->state = (uint8_t)state;
    n->handlers += state == RUNNING;
    n->parked += state == PARKED;
}

/* Lock held. */
static void link_connection(struct run *r, struct connection *c)
{
    struct server *s = r->server;
    c->number = ++s->numbers;
    c->next = r->connections;
    if (c->next)
        c->next->prev = c;
    r->connections = c;
    r->count++;
    s->counters.connections++;
    s->counters.accepted++;
    c->state = FIRST;
}

/* 1, 0: one too many, or WEIR_ENOMEM. */
static int admit(struct run *r, struct connection *c, const weir_address *address)
{
    struct server *s = r->server;
    uint8_t key[KEY];
    struct peer *spare = NULL;
    bool limited = s->peers && key_of(address, key);
    if (limited && !(spare = os_alloc(sizeof *spare)))
        return WEIR_ENOMEM;
    server_lock(s);
    c->peer = limited ? peer_count(s, key, &spare) : NULL;
    bool may = !limited || c->peer;
    if (may)
        link_connection(r, c);
    else
        s->counters.refused++;
    server_unlock(s);
    os_free(spare, sizeof *spare);
    return may;
}

static size_t connection_size(bool named)
{
    return sizeof(struct connection) + (named ? sizeof(weir_address) : 0);
}

struct connection *weir__connection_new(struct run *r, weir_stream stream, bool *no_memory)
{
    struct server *s = r->server;
    bool named = s->options.hook;
    weir_address address = {.family = 0};
    struct connection *c = os_alloc(connection_size(named));
    int rc = WEIR_ENOMEM;
    if (c) {
        *c = (struct connection){.since = weir_now(), .named = named};
        weir__idle_init(&c->idle, &r->line);
        c->idle.stream = stream;
        struct party *self = party_enter(); /* not NULL: it has run */
        c->socket = weir__socket_name(stream);
        party_leave(self);
        if (s->peers || named)
            (void)weir_stream_get(stream, WEIR_SOCKET_REMOTE, &address);
        if (named)
            c->address[0] = address;
        rc = admit(r, c, &address);
    }
    *no_memory = rc < 0;
    if (rc > 0) {
        weir__server_event(c, s, WEIR_SERVE_ACCEPTED, 0, 0);
        return c;
    }
    weir_stream_abort(stream);
    if (rc == 0)
        weir__server_event(c, s, WEIR_SERVE_REFUSED, 0, 0);
    os_free(c, connection_size(named));
    return NULL;
}

static void count_end(weir_server_statistics *n, weir_end_reason reason)
{
    n->connections--;
    n->done += reason == WEIR_END_DONE;
    n->failed += reason == WEIR_END_FAILED;
    n->first_byte += reason == WEIR_END_FIRST_BYTE;
    n->idle += reason == WEIR_END_IDLE;
    n->drained += reason == WEIR_END_DRAINED;
    n->no_memory += reason == WEIR_END_NO_MEMORY;
}

void weir__connection_cut(weir_stream stream, uint64_t socket)
{
    weir_stream_abort(stream);
    struct party *self = party_enter(); /* not NULL: it has run */
    weir__socket_cut(socket);
    party_leave(self);
}

void weir__connection_end(struct connection *c, weir_end_reason reason, int error)
{
    struct run *r = connection_run(c);
    struct server *s = r->server;
    if (c->reason)
        reason = c->reason;
    if (error < 0 || reason == WEIR_END_FIRST_BYTE)
        weir__connection_cut(c->idle.stream, c->socket);
    else
        weir_close(c->idle.stream);
    weir__server_event(c, s, WEIR_SERVE_ENDED, reason, error);
    server_lock(s);
    weir__queue_take(c);
    weir__connection_is(c, GONE);
    *(c->prev ? &c->prev->next : &r->connections) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    r->count--;
    count_end(&s->counters, reason);
    struct peer *peer = peer_discount(s, c->peer);
    bool ends = s->options.propagate && reason == WEIR_END_FAILED && r->error == 0;
    if (ends)
        r->error = error;
    if (ends && !r->wants_poke)
        weir__line_poke(&r->line);
    poke_all(s, false);
    server_unlock(s);
    os_free(peer, sizeof *peer);
    os_free(c, connection_size(c->named));
}

/* ---- being asked --------------------------------------------------------------------------- */

int weir_server_statistics_get(weir_server h, weir_server_statistics *out)
{
    int rc = WEIR_EINVAL;
    struct server *s = out ? weir__server_use(h, &rc) : NULL;
    if (!s)
        return rc;
    server_lock(s);
    *out = s->counters;
    server_unlock(s);
    weir__server_unuse(s);
    return 0;
}

/* A label's value. */
static void print_label(const char *text, FILE *out)
{
    fputs("{server=\"", out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if (*text == '\n')
            fputs("\\n", out);
        else
            fputc(*text, out);
    }
}

struct metric {
    const char *name, *type, *help, *label;
    size_t at;
    bool wide;
};

static uint64_t value_of(const weir_server_statistics *n, const struct metric *m)
{
    const char *at = (const char *)n + m->at;
    uint64_t wide;
    size_t size;
    memcpy(&wide, at, sizeof wide);
    memcpy(&size, at, sizeof size);
    return m->wide ? wide : size;
}

static void print_metric(const char *server, const weir_server_statistics *n,
                         const struct metric *m, FILE *out)
{
    if (m->help) {
        fprintf(out, "# HELP weir_server_%s %s\n", m->name, m->help);
        fprintf(out, "# TYPE weir_server_%s %s\n", m->name, m->type);
    }
    fprintf(out, "weir_server_%s", m->name);
    print_label(server, out);
    fprintf(out, m->label ? "\",%s} %" PRIu64 "\n" : "\"%s} %" PRIu64 "\n",
            m->label ? m->label : "", value_of(n, m));
}

int weir_server_metrics(weir_server h, FILE *out)
{
#define GAUGE(field, help)                                                                         \
    {                                                                                              \
#field, "gauge", help, NULL, offsetof(weir_server_statistics, field), false                \
    }
#define COUNTER(name, help, label, field)                                                          \
    {                                                                                              \
        name, "counter", help, label, offsetof(weir_server_statistics, field), true                \
    }
    static const struct metric metrics[] = {
        GAUGE(connections, "Connections that are open."),
        GAUGE(handlers, "Connections whose handler runs."),
        GAUGE(parked, "Connections whose handler has parked them."),
        COUNTER("accepted_total", "Connections that were accepted.", NULL, accepted),
        COUNTER("refused_total", "Connections refused for their peer's limit.", NULL, refused),
        COUNTER("started_total", "Calls of the handler.", NULL, started),
        COUNTER("ended_total", "Connections that ended, by reason.", "reason=\"done\"", done),
        COUNTER("ended_total", NULL, "reason=\"failed\"", failed),
        COUNTER("ended_total", NULL, "reason=\"first_byte\"", first_byte),
        COUNTER("ended_total", NULL, "reason=\"idle\"", idle),
        COUNTER("ended_total", NULL, "reason=\"drained\"", drained),
        COUNTER("ended_total", NULL, "reason=\"no_memory\"", no_memory),
        COUNTER("shortages_total", "Times without a descriptor or memory to accept.", NULL,
                shortages),
    };
#undef GAUGE
#undef COUNTER
    weir_server_statistics n;
    int rc = WEIR_EINVAL;
    struct server *s = out ? weir__server_use(h, &rc) : NULL;
    if (!s)
        return rc;
    server_lock(s);
    n = s->counters;
    server_unlock(s);
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
        print_metric(s->name, &n, &metrics[i], out);
    weir__server_unuse(s);
    return 0;
}

/* ---- the dump ------------------------------------------------------------------------------ */

struct seen_connection {
    char server[16];
    uint64_t number;
    weir_time since;
    uint32_t actor;
    uint8_t state;
    weir_stream stream;
};

/* How many there are; the first `room` in `out`. */
static size_t see_connections(struct seen_connection *out, size_t room)
{
    size_t n = 0;
    lock_acquire(&all.lock, 0);
    for (struct server *s = all.first; s; s = s->next) {
        server_lock(s);
        for (const struct run *r = s->runs; r; r = r->next)
            for (const struct connection *c = r->connections; c; c = c->next, n++)
                if (n < room) {
                    out[n] = (struct seen_connection){
                        .number = c->number,
                        .since = c->since,
                        .actor = c->state == RUNNING ? a32_load(&c->actor) : 0,
                        .state = c->state,
                        .stream = c->idle.stream,
                    };
                    memcpy(out[n].server, s->name, sizeof s->name);
                }
        server_unlock(s);
    }
    lock_release(&all.lock, 0);
    return n;
}

static void print_connection(const struct seen_connection *c, weir_time now, FILE *out)
{
    char peer[WEIR_ADDRESS_TEXT] = "?";
    uint64_t in = 0, gone = 0;
    weir_address a;
    if (weir_stream_get(c->stream, WEIR_SOCKET_REMOTE, &a) == 0)
        weir_address_format(&a, peer, sizeof peer);
    (void)weir_stream_get(c->stream, WEIR_SOCKET_RECEIVED, &in);
    (void)weir_stream_get(c->stream, WEIR_SOCKET_SENT, &gone);
    fprintf(out, "  %s %" PRIu64 ": %s, %.1f s, %" PRIu64 " in, %" PRIu64 " out, ", c->server,
            c->number, peer, (double)(now - c->since) / 1e9, in, gone);
    if (c->actor)
        fprintf(out, "#%u\n", c->actor);
    else
        fputs(c->state == PARKED ? "parked\n" : "has said nothing\n", out);
}

static void print_servers(FILE *out)
{
    struct seen_connection *seen = NULL;
    size_t room = 0, n;
    while ((n = see_connections(seen, room)) > room) {
        os_free(seen, room * sizeof *seen);
        room = n + 16;
        if (!(seen = os_alloc(room * sizeof *seen)))
            return;
    }
    weir_time now = weir_now();
    if (n > 0)
        fprintf(out, "connections: %zu\n", n);
    for (size_t i = 0; i < n; i++)
        print_connection(&seen[i], now, out);
    os_free(seen, room * sizeof *seen);
}
