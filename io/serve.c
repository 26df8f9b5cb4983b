/* SPDX-License-Identifier: MIT */
/*
 * serve.c - see weir/serve.h: the actor that accepts, starts handlers, and ends them.
 *
 * One actor has the listener, and all connections that have no actor of their own: it waits for the
 * next to accept, for the line (idle.h) to which those come at which something happens, and for the
 * first that is late. A handler's actor ends its connection by itself, or, when it parks it, puts
 * it into the line. So who owns a connection is never in doubt (server.h), and the accepting actor
 * is woken by none that ends, but when it waits for that: at the limit, or draining.
 */
#include "server.h"

#include <errno.h>
#include <weir/call.h>

#include "listener.h"
#include "log.h"
#include "scheduler.h"
#include "socket.h"

enum { BATCH = 64 };

static const weir_time back_off = 100 * WEIR_MS;
static const weir_time a_while = 30 * WEIR_S; /* after which it is seen whether an actor began */

/* ---- a handler's actor --------------------------------------------------------------------- */

struct call {
    struct connection *connection;
    weir_stream stream;
};

/* Its handler has returned. */
static void end_or_park(struct run *r, struct connection *c, int rc)
{
    if (rc == WEIR_PARK && weir_disown(c->idle.stream) == 0) {
        weir__line_append(&r->line, &c->idle);
        return;
    }
    bool cancelled = rc == WEIR_ECANCELED && weir_cancelled();
    weir_end_reason reason = cancelled ? WEIR_END_DRAINED
                             : rc < 0  ? WEIR_END_FAILED
                                       : WEIR_END_DONE;
    weir__connection_end(c, reason, rc < 0 ? rc : 0);
}

/* False: meanwhile it was to be aborted. */
static bool begins(struct run *r, struct connection *c)
{
    server_lock(r->server);
    c->begun = true;
    bool may = !c->aborted;
    server_unlock(r->server);
    return may;
}

static int handle(void *arg)
{
    const struct call *call = arg;
    struct connection *c = call->connection;
    struct run *r = connection_run(c);
    a32_store(&c->actor, actor_self()->party.id);
    if (begins(r, c))
        end_or_park(r, c, r->handler(call->stream, r->arg));
    else
        weir__connection_end(c, WEIR_END_DRAINED, WEIR_ECANCELED);
    return 0;
}

/* ---- starting ------------------------------------------------------------------------------ */

static void start(struct run *r, struct connection *c)
{
    struct server *s = r->server;
    struct call a = {c, c->idle.stream};
    server_lock(s);
    weir__queue_take(c);
    weir__connection_is(c, RUNNING);
    weir__queue_put(r, QUEUE_BEGINNING, c, weir_now());
    c->starts++;
    c->begun = false;
    s->counters.started++;
    server_unlock(s);
    int rc = weir_spawn(r->group, handle, &a, .give = WEIR_GIVE(struct call, stream),
                        .name = s->name, .isolated = true);
    if (rc < 0)
        weir__connection_end(c, rc == WEIR_ECLOSED ? WEIR_END_DONE : WEIR_END_NO_MEMORY, rc);
}

/* Without an actor, if that can be, until there is something. */
static void wait_or_start(struct run *r, struct connection *c, enum connection_state state)
{
    struct server *s = r->server;
    struct party *self = party_enter();
    server_lock(s);
    weir__queue_take(c);
    weir__connection_is(c, state);
    weir__queue_put(r, state == PARKED ? QUEUE_PARKED : QUEUE_SILENT, c, weir_now());
    server_unlock(s);
    int rc = weir__idle_wait(&c->idle, self);
    if (rc > 0 || (rc == WEIR_ENOTSUP && state == FIRST))
        start(r, c);
    else if (rc == WEIR_ECLOSED || rc == END) /* its handler knows, and has no more to say */
        weir__connection_end(c, WEIR_END_DONE, 0);
    else if (rc < 0)
        weir__connection_end(c, WEIR_END_FAILED, rc);
    party_leave(self);
}

/* Of the line: something happened, or its handler has parked it. */
static void arrived(struct run *r, struct idle *i)
{
    struct connection *c = container_of(i, struct connection, idle);
    if (c->state == RUNNING) {
        wait_or_start(r, c, PARKED);
        return;
    }
    weir__idle_done(i);
    if (weir_check(i->stream) < 0)
        weir__connection_end(c, WEIR_END_DONE, 0);
    else
        start(r, c);
}

/* ---- who is late --------------------------------------------------------------------------- */

/* Its handler's actor found no memory, and has ended without having begun: see server.h. */
static bool never_ran(const struct connection *c)
{
    return c->state == RUNNING && weir_check(c->idle.stream) < 0 && !c->begun;
}

static bool is_silent(uint64_t socket)
{
    struct party *self = party_enter(); /* not NULL: an actor's */
    bool silent = weir__socket_is_silent(socket);
    party_leave(self);
    return silent;
}

/*
 * The first of the queue, which is late, has a handler, which may end it at any time. It stays in
 * the queue until it has been looked at without the lock: if it is still there, it is still that.
 */
static void handler_is_late(struct run *r, struct queue_by_time *q, uint64_t number, weir_stream s,
                            uint64_t socket)
{
    bool silent = is_silent(socket);
    server_lock(r->server);
    struct connection *c = q->first;
    bool same = c && c->number == number;
    if (same) {
        weir__queue_take(c);
        silent = silent && c->starts == 1 && r->server->options.first_byte != WEIR_NEVER;
        c->reason = silent ? WEIR_END_FIRST_BYTE : 0;
    }
    server_unlock(r->server);
    if (same && silent)
        weir__connection_cut(s, socket);
}

/* It waits, or is in line: then it was not late. */
static void idle_is_late(struct connection *c, bool parked)
{
    if (!weir__idle_stop(&c->idle))
        return;
    weir__idle_done(&c->idle);
    weir__connection_end(c, parked ? WEIR_END_IDLE : WEIR_END_FIRST_BYTE, 0);
}

enum late { DEAD, YET_TO_BEGIN, RUNS, WAITS };

/* The first one, whose time is over: lock held. It is not late if it is its handler's actor that
 * is. */
static enum late take_late_one(struct run *r, struct connection *c)
{
    enum late late = never_ran(c)          ? DEAD
                     : c->state != RUNNING ? WAITS
                     : c->begun            ? RUNS
                                           : YET_TO_BEGIN;
    if (late != RUNS)
        weir__queue_take(c);
    if (late == YET_TO_BEGIN)
        weir__queue_put(r, QUEUE_BEGINNING, c, weir_now());
    return late;
}

/* When the next one will be late. */
static weir_time end_late_ones(struct run *r, struct queue_by_time *q)
{
    for (;;) {
        server_lock(r->server);
        struct connection *c = q->first;
        weir_time due = c ? c->due : WEIR_NEVER;
        if (due == WEIR_NEVER || due > weir_now()) {
            server_unlock(r->server);
            return due;
        }
        enum late late = take_late_one(r, c);
        uint64_t number = c->number, socket = c->socket;
        weir_stream s = c->idle.stream;
        server_unlock(r->server);
        if (late == RUNS)
            handler_is_late(r, q, number, s, socket);
        else if (late == DEAD)
            weir__connection_end(c, WEIR_END_NO_MEMORY, WEIR_ENOMEM);
        else if (late == WAITS)
            idle_is_late(c, q == &r->queue[QUEUE_PARKED]);
    }
}

/* ---- accepting ----------------------------------------------------------------------------- */

static bool is_shortage(int rc)
{
    return rc == -EMFILE || rc == -ENFILE || rc == WEIR_ENOBUFS || rc == WEIR_ENOMEM;
}

/* Said once, until connections can be accepted again. */
static void shortage(struct run *r, int rc)
{
    struct server *s = r->server;
    server_lock(s);
    s->counters.shortages += !r->is_short;
    r->wants_poke = true;
    server_unlock(s);
    r->not_before = weir_after(back_off);
    if (r->is_short)
        return;
    r->is_short = true;
    weir__log(WEIR_LOG_SERVER, actor_self(), NULL, 0, "%s: cannot accept connections: %s", s->name,
              weir_error_text(rc));
    weir__server_event(NULL, s, WEIR_SERVE_SHORT, 0, rc);
}

/* A descriptor for when there are no more: of the cheapest kind that the table has. */
static void keep_one(struct run *r)
{
    r->reserve = r->net->socket(AF_UNIX, SOCK_DGRAM, 0);
}

/*
 * One that waits is told that there is no room, instead of being left to its own time-out. By a
 * reset: a close that lingers would keep the descriptor, and nothing would be left for the next.
 */
static void turn_one_away(struct run *r)
{
    weir_stream s;
    if (r->reserve < 0)
        return;
    r->net->close(r->reserve);
    if (weir_try_accept(r->listener, &s) == 1)
        weir_stream_abort(s);
    keep_one(r);
}

static void relax(struct run *r)
{
    r->is_short = false;
    if (r->reserve < 0)
        keep_one(r);
}

static void take_in(struct run *r, weir_stream stream)
{
    bool no_memory;
    struct connection *c = weir__connection_new(r, stream, &no_memory);
    if (!c) {
        if (no_memory)
            shortage(r, WEIR_ENOMEM);
        return;
    }
    if (r->server->options.on_data)
        wait_or_start(r, c, FIRST);
    else
        start(r, c);
}

/* May more be accepted? Else the next end of a connection is told to us. */
static bool has_room(struct run *r)
{
    struct server *s = r->server;
    server_lock(s);
    bool room = s->options.connections == 0 || s->counters.connections < s->options.connections;
    if (r->not_before <= weir_now())
        r->not_before = 0;
    r->wants_poke = !room || r->not_before > 0;
    server_unlock(s);
    return room && r->not_before == 0;
}

/* 0; or what ends the run: WEIR_ECLOSED, or what is wrong with the listener. */
static int accepted(struct run *r, int rc, weir_stream stream)
{
    for (int n = 0; rc == 1; n++) {
        take_in(r, stream);
        if (n == BATCH || !has_room(r))
            return 0;
        rc = weir_try_accept(r->listener, &stream);
        if (rc == WEIR_EAGAIN && r->is_short)
            relax(r);
    }
    if (rc == WEIR_EAGAIN)
        return 0;
    if (!is_shortage(rc) && !weir__accept_is_broken(rc))
        return rc;
    shortage(r, rc);
    if (is_shortage(rc))
        turn_one_away(r);
    return 0;
}

/* ---- until --------------------------------------------------------------------------------- */

/* Room for an item. What is wrong with the end itself the first receive tells. */
static int prepare_until(struct run *r)
{
    weir_handle until = r->server->options.until.h;
    weir_statistics n;
    if (!until)
        return 0;
    r->item_size = weir_handle_statistics(until, &n) == 0 ? n.item_size : 1;
    r->item = os_alloc(r->item_size);
    r->heeds = r->item;
    return r->item ? 0 : WEIR_ENOMEM;
}

static weir_case on_until(const struct run *r)
{
    return weir_on_recv_item(r->server->options.until, r->item, r->item_size);
}

/* 0; or an error of the end, that ends the run. */
static int told(struct run *r, int rc)
{
    bool item = rc > 0 || rc == WEIR_ELOST;
    r->heeds = item; /* an end, and an error, is there again and again */
    if (rc < 0 && !item && rc != WEIR_ECLOSED)
        return rc;
    weir__server_told(r->server, item);
    return 0;
}

/* ---- the end ------------------------------------------------------------------------------- */

/* Who has no handler is closed. What cannot be stopped is, or will be, in line. */
static void end_idle_ones(struct run *r, struct queue_by_time *q)
{
    struct server *s = r->server;
    for (;;) {
        server_lock(s);
        struct connection *c = q->first;
        bool dead = c && never_ran(c), idle = c && c->state != RUNNING;
        if (c)
            weir__queue_take(c);
        server_unlock(s);
        if (!c)
            return;
        if (idle && weir__idle_stop(&c->idle))
            weir__idle_done(&c->idle);
        else if (!dead)
            continue;
        weir__connection_end(c, dead ? WEIR_END_NO_MEMORY : WEIR_END_DRAINED, 0);
    }
}

/* The last ones; who began before his actor was found dead. */
static void end_dead_ones(struct run *r)
{
    struct server *s = r->server;
    struct connection *c;
    do {
        server_lock(s);
        for (c = r->connections; c && !never_ran(c); c = c->next)
            ;
        server_unlock(s);
        if (c)
            weir__connection_end(c, WEIR_END_NO_MEMORY, WEIR_ENOMEM);
    } while (c);
}

/* 1: there are connections to wait for; 0: none; WEIR_ETIMEDOUT: no more time for them. */
static int is_in_use(struct run *r)
{
    server_lock(r->server);
    int rc = r->count == 0 ? 0 : r->heeds && r->server->hurries ? WEIR_ETIMEDOUT : 1;
    r->wants_poke = true;
    server_unlock(r->server);
    return rc;
}

/* What is in line, or NULL: something has changed. 1 or an error. */
static int await_arrival(struct run *r, struct idle **i, weir_time deadline)
{
    enum { ARRIVAL, UNTIL };
    if (!r->heeds)
        return weir_recv_by(r->arrivals, i, deadline);
    weir_case c[] = {[ARRIVAL] = weir_on_recv(r->arrivals, i), [UNTIL] = on_until(r)};
    int k = weir_select_by(c, 2, WEIR_FAIR, deadline);
    if (k == UNTIL) {
        (void)told(r, c[UNTIL].rc); /* an error changes nothing any more */
        *i = NULL;
        return 1;
    }
    return k < 0 ? k : c[ARRIVAL].rc;
}

/* Until no connection is left: 0; or not beyond `deadline`. */
static int wait_for_all(struct run *r, weir_time deadline)
{
    struct idle *i;
    int rc;
    while ((rc = is_in_use(r)) > 0 && (rc = await_arrival(r, &i, deadline)) > 0) {
        if (i) {
            const struct connection *c = container_of(i, struct connection, idle);
            if (c->state != RUNNING)
                weir__idle_done(i);
            weir__connection_end(container_of(i, struct connection, idle), WEIR_END_DRAINED, 0);
        }
    }
    return rc;
}

/*
 * Some of those that have not been yet; false: there are none. Who has yet to begin finds out then:
 * its stream stays open, as that it is closed means that it will never begin.
 */
static bool abort_some(struct run *r)
{
    weir_stream streams[BATCH];
    uint64_t sockets[BATCH];
    int n = 0;
    bool some = false;
    server_lock(r->server);
    for (struct connection *c = r->connections; c && n < BATCH; c = c->next) {
        if (c->aborted)
            continue;
        some = c->aborted = true;
        c->reason = WEIR_END_DRAINED;
        if (!c->begun)
            continue;
        sockets[n] = c->socket;
        streams[n++] = c->idle.stream;
    }
    server_unlock(r->server);
    for (int i = 0; i < n; i++)
        weir__connection_cut(streams[i], sockets[i]);
    return some;
}

/* Handlers are cancelled, later their connections aborted, and then waited for as long as need be.
 */
static void stop_handlers(struct run *r)
{
    weir_group_cancel(r->group, "the server ends");
    if (wait_for_all(r, weir_after(r->server->options.close)) < 0) {
        while (abort_some(r))
            ;
        while (wait_for_all(r, weir_after(back_off)) < 0)
            end_dead_ones(r);
    }
}

/* rc: why it ends. What the run returns. */
static int end_all(struct run *r, int rc)
{
    bool drains = rc == WEIR_ECLOSED;
    weir__server_event(NULL, r->server, WEIR_SERVE_DRAINS, 0, 0);
    for (int i = 0; i < QUEUES; i++)
        end_idle_ones(r, &r->queue[i]);
    if (drains) {
        int k = wait_for_all(r, weir_after(r->server->options.drain));
        rc = k == WEIR_ETIMEDOUT ? 0 : k;
    }
    r->heeds = false;
    weir_scope scope = weir_scope_begin();
    weir_scope_shield(scope, true);
    stop_handlers(r);
    weir_scope_end(scope);
    return rc;
}

/* ---- the run ------------------------------------------------------------------------------- */

/* 0: it goes on. */
static int should_end(struct run *r)
{
    struct server *s = r->server;
    server_lock(s);
    int rc = r->error ? r->error : s->drains ? WEIR_ECLOSED : 0;
    server_unlock(s);
    if (rc == WEIR_ECLOSED)
        weir_close(r->listener);
    return rc;
}

static weir_time earlier(weir_time a, weir_time b)
{
    return a < b ? a : b;
}

/* One thing that happens. 0; or what ends the run. */
static int step(struct run *r)
{
    enum { ACCEPT, ARRIVAL, UNTIL };
    weir_stream stream;
    struct idle *idle;
    weir_time at = WEIR_NEVER;
    for (int i = 0; i < QUEUES; i++)
        at = earlier(at, end_late_ones(r, &r->queue[i]));
    weir_case c[] = {
        [ACCEPT] = weir_on_accept(r->listener, &stream),
        [ARRIVAL] = weir_on_recv(r->arrivals, &idle),
        [UNTIL] = on_until(r),
    };
    if (!has_room(r)) {
        weir_case_off(&c[ACCEPT]);
        at = r->not_before > 0 ? earlier(at, r->not_before) : at;
    }
    int i = weir_select_by(c, r->heeds ? 3 : 2, WEIR_FAIR, at);
    if (i == UNTIL)
        return told(r, c[UNTIL].rc);
    if (i == ACCEPT)
        return accepted(r, c[ACCEPT].rc, stream);
    for (int n = 0, rc = 1; i == ARRIVAL && rc == 1; n++) {
        if (idle)
            arrived(r, idle);
        else
            r->not_before = 0;
        rc = n < BATCH ? weir_try_recv(r->arrivals, &idle) : 0;
    }
    return i < 0 && i != WEIR_ETIMEDOUT ? i : 0;
}

static int serve(struct run *r)
{
    int rc = 0;
    while (rc == 0 && (rc = should_end(r)) == 0)
        rc = step(r);
    return end_all(r, rc);
}

/* What it needs: a line, a descriptor in reserve, a group. 0 or an error. */
static int prepare(struct run *r)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    r->arrivals = weir__line_open(&r->line, self);
    party_leave(self);
    keep_one(r);
    r->group = weir_group_begin();
    int rc = weir_check(r->arrivals);
    if (rc == 0)
        rc = prepare_until(r);
    return rc < 0 ? rc : r->reserve < 0 ? r->reserve : weir_handle_check(r->group.h);
}

static int run(struct run *r)
{
    int rc = prepare(r);
    if (rc == 0 && weir__server_join(r->server, r)) {
        rc = serve(r);
        weir__server_leave(r->server, r);
    }
    int end = weir_handle_check(r->group.h) == 0 ? weir_group_end(r->group) : 0;
    if (r->reserve >= 0)
        r->net->close(r->reserve);
    os_free(r->item, r->item_size);
    weir_close(r->arrivals);
    return rc == 0 && end == WEIR_ECANCELED ? end : rc;
}

int weir_server_run(weir_server server, weir_listener l, weir_handler handler, void *arg)
{
    int rc = handler ? weir_check(l) : WEIR_EINVAL;
    if (rc < 0)
        return rc == WEIR_ECLOSED ? 0 : rc;
    struct server *s = weir__server_use(server, &rc);
    if (!s)
        return rc;
    struct run r = {
        .server = s,
        .queue[QUEUE_SILENT].allowance = s->options.first_byte,
        .queue[QUEUE_BEGINNING].allowance =
            s->options.first_byte != WEIR_NEVER ? s->options.first_byte : a_while,
        .queue[QUEUE_PARKED].allowance = s->options.idle,
        .net = os_net(),
        .listener = l,
        .handler = handler,
        .arg = arg,
    };
    rc = run(&r);
    weir__server_unuse(s);
    return rc;
}

int weir_serve_with(weir_listener l, weir_handler handler, void *arg,
                    const weir_serve_options *options)
{
    weir_server s = weir_server_open(options);
    int rc = weir_check(s);
    if (rc < 0)
        return rc;
    rc = weir_server_run(s, l, handler, arg);
    weir_close(s);
    return rc;
}

int weir_serve(weir_listener l, weir_handler handler, void *arg)
{
    return weir_serve_with(l, handler, arg, NULL);
}
