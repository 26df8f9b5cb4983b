/* SPDX-License-Identifier: MIT */
/* simnet.c - the calls of a simulated network: simnet.h. */
#define _GNU_SOURCE
#include "simnet.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "simulate.h"

enum { SPARES = 5, PIECE = 65536, PORT_FIRST = 32768, PORT_LAST = 60999 };

/* ---- sockets ------------------------------------------------------------------------------- */

static int fd_of(const struct simnet *n, const struct sim_socket *s)
{
    return SIM_BASE + (int)n->run * SIM_PLACES + (int)s->name.place;
}

struct sim_socket *weir__sim_at(const struct simnet *n, int fd)
{
    uint32_t place = (uint32_t)(fd - SIM_BASE) % SIM_PLACES;
    return place < n->places ? n->sockets[place] : NULL;
}

struct sim_socket *weir__sim_find(const struct simnet *n, struct sim_name name)
{
    struct sim_socket *s = name.place < n->places ? n->sockets[name.place] : NULL;
    return s && s->name.id == name.id ? s : NULL;
}

static bool more_places(struct simnet *n)
{
    uint32_t room = n->room ? 2 * n->room : 64;
    struct sim_socket **sockets = os_alloc(room * sizeof *sockets);
    uint32_t *empty = os_alloc(room * sizeof *empty);
    if (!sockets || !empty || room > SIM_PLACES) {
        if (sockets)
            os_free(sockets, room * sizeof *sockets);
        if (empty)
            os_free(empty, room * sizeof *empty);
        return false;
    }
    if (n->room > 0) {
        memcpy(sockets, n->sockets, n->places * sizeof *sockets);
        memcpy(empty, n->empty, n->empties * sizeof *empty);
    }
    weir__sim_places_free(n);
    n->sockets = sockets;
    n->empty = empty;
    n->room = room;
    return true;
}

void weir__sim_places_free(struct simnet *n)
{
    if (n->room == 0)
        return;
    os_free(n->sockets, n->room * sizeof *n->sockets);
    os_free(n->empty, n->room * sizeof *n->empty);
}

static bool make_spares(struct sim_socket *s)
{
    for (int i = 0; i < SPARES; i++) {
        struct sim_packet *p = weir__sim_packet(0);
        if (!p)
            return false;
        weir__sim_give_back(s, p);
    }
    return true;
}

static void spares_free(struct sim_socket *s)
{
    while (s->spare)
        weir__sim_packet_free(weir__sim_spare(s));
}

struct sim_socket *weir__sim_socket(struct simnet *n, int family)
{
    if (n->empties == 0 && n->places == n->room && !more_places(n))
        return NULL;
    struct sim_socket *s = os_alloc(sizeof *s);
    if (!s)
        return NULL;
    *s = (struct sim_socket){.family = family, .room = (size_t)n->options.buffer};
    if (!make_spares(s)) {
        spares_free(s);
        os_free(s, sizeof *s);
        return NULL;
    }
    s->local.family = s->remote.family = (uint8_t)family;
    s->local.size = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
    s->name.place = n->empties > 0 ? n->empty[--n->empties] : n->places++;
    s->name.id = ++n->ids;
    n->sockets[s->name.place] = s;
    n->counters.sockets++;
    return s;
}

void weir__sim_unbind(struct simnet *n, struct sim_socket *s)
{
    struct sim_socket **at = &n->bound;
    while (*at != s)
        at = &(*at)->next_bound;
    *at = s->next_bound;
    s->bound = false;
}

void weir__sim_free(struct simnet *n, struct sim_socket *s)
{
    weir__sim_time_off(n, s);
    weir__sim_forget(n, s);
    if (s->bound)
        weir__sim_unbind(n, s);
    n->sockets[s->name.place] = NULL;
    n->empty[n->empties++] = s->name.place;
    n->counters.sockets--;
    weir__sim_list_free(&s->data);
    spares_free(s);
    os_free(s, sizeof *s);
}

/* The socket of a call, and its network, which is locked; or *rc says why not. */
static struct sim_socket *enter(int fd, struct simnet **n, int *rc)
{
    *n = weir__sim_enter(fd, rc);
    struct sim_socket *s = *n ? weir__sim_at(*n, fd) : NULL;
    if (*n && !s) {
        weir__sim_leave(*n);
        *rc = -EBADF;
    }
    return s;
}

static int leave(struct simnet *n, int rc)
{
    weir__sim_leave(n);
    return rc;
}

uint32_t weir__sim_events(const struct sim_socket *s)
{
    bool broken = s->state == SIM_BROKEN, connected = s->state == SIM_CONNECTED;
    return (s->data.first || s->ended || s->first || broken ? NET_IN : 0u) |
           (broken || (connected && (s->used < s->room || s->peer_gone)) ? NET_OUT : 0u) |
           (broken || s->ended ? NET_HANGUP : 0u);
}

/* ---- names --------------------------------------------------------------------------------- */

static bool is_any(const weir_address *a)
{
    static const weir_address zero;
    return sim_is_ip(a) && memcmp(a->name, zero.name, sizeof zero.name) == 0;
}

static bool is_same_name(const weir_address *a, const weir_address *b)
{
    return a->family == b->family && a->size == b->size && a->port == b->port &&
           memcmp(a->name, b->name, sizeof a->name) == 0;
}

/* A listener at `s` hears who calls `to`: 2: it is that address; 1: it is any. */
static int hears(const struct sim_socket *s, const weir_address *to)
{
    if (s->state != SIM_LISTENS)
        return 0;
    if (is_same_name(&s->local, to))
        return 2;
    bool family = s->family == to->family || (s->both && to->family == AF_INET);
    return is_any(&s->local) && family && s->local.port == to->port;
}

/* Of several on one port any one. */
struct sim_socket *weir__sim_accepts(struct simnet *n, const weir_address *to)
{
    struct sim_socket *found = NULL;
    uint32_t as_good = 0;
    int best = 1;
    for (struct sim_socket *s = n->bound; s; s = s->next_bound) {
        int good = hears(s, to);
        if (good > best) {
            best = good;
            as_good = 0;
        }
        if (good == best && weir__sim_below(n, ++as_good) == 0)
            found = s;
    }
    return found;
}

static bool is_taken(const struct simnet *n, const struct sim_socket *s, const weir_address *at)
{
    for (const struct sim_socket *o = n->bound; o; o = o->next_bound) {
        bool families = o->family == at->family || (o->both && at->family == AF_INET) ||
                        (s->both && o->family == AF_INET);
        bool meet = is_same_name(&o->local, at) ||
                    (sim_is_ip(at) && families && o->local.port == at->port &&
                     (is_any(&o->local) || is_any(at)));
        if (meet && !(o->shares_port && s->shares_port))
            return true;
    }
    return false;
}

static uint16_t next_port(struct simnet *n)
{
    uint16_t port = n->port;
    n->port = port < PORT_LAST ? (uint16_t)(port + 1) : PORT_FIRST;
    return port;
}

static int choose_port(struct simnet *n, const struct sim_socket *s, weir_address *at)
{
    for (int i = PORT_FIRST; i <= PORT_LAST; i++) {
        at->port = next_port(n);
        if (!is_taken(n, s, at))
            return 0;
    }
    return -EADDRINUSE;
}

/* A UNIX name of its own: five digits, as Linux gives. */
static void choose_name(struct simnet *n, weir_address *at)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t x = ++n->ids;
    at->size = 6;
    for (int i = 5; i > 0; i--, x >>= 4)
        at->name[i] = (uint8_t)digits[x & 15];
}

static int bind_socket(struct simnet *n, struct sim_socket *s, weir_address *at)
{
    int rc = 0;
    if (s->bound || s->state != SIM_FRESH || at->family != s->family)
        return -EINVAL;
    if (!sim_is_ip(at) && at->size == 0)
        choose_name(n, at);
    else if (sim_is_ip(at) && at->port == 0)
        rc = choose_port(n, s, at);
    else if (is_taken(n, s, at))
        rc = -EADDRINUSE;
    if (rc < 0)
        return rc;
    s->local = *at;
    s->bound = true;
    s->next_bound = n->bound;
    n->bound = s;
    return 0;
}

static int sim_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    struct simnet *n;
    weir_address at;
    int rc = weir_address_from(&at, address, size);
    if (rc < 0)
        return rc;
    struct sim_socket *s = enter(fd, &n, &rc);
    return s ? leave(n, bind_socket(n, s, &at)) : rc;
}

static int sim_name(int fd, bool peer, struct sockaddr *address, socklen_t *size)
{
    struct simnet *n;
    struct sockaddr_storage name;
    int rc = 0;
    struct sim_socket *s = enter(fd, &n, &rc);
    if (!s)
        return rc;
    if (peer && s->state != SIM_CONNECTED)
        return leave(n, -ENOTCONN);
    socklen_t is = weir_address_to(peer ? &s->remote : &s->local, &name);
    memcpy(address, &name, is < *size ? is : *size);
    *size = is;
    return leave(n, 0);
}

/* ---- made and connected -------------------------------------------------------------------- */

static int sim_open(int family, int type, int protocol)
{
    int rc;
    (void)protocol;
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (type != SOCK_STREAM)
        return -ESOCKTNOSUPPORT;
    struct simnet *n = weir__sim_enter(-1, &rc);
    if (!n)
        return rc;
    const struct sim_socket *s = weir__sim_socket(n, family);
    return leave(n, s ? fd_of(n, s) : -ENOMEM);
}

static int sim_listen(int fd, int backlog)
{
    struct simnet *n;
    int rc = 0;
    struct sim_socket *s = enter(fd, &n, &rc);
    if (!s)
        return rc;
    if ((s->state != SIM_FRESH && s->state != SIM_LISTENS) || !s->bound)
        return leave(n, s->bound ? -EINVAL : -EDESTADDRREQ);
    s->state = SIM_LISTENS;
    s->backlog = backlog > 0 ? backlog : 1;
    return leave(n, 0);
}

/* As IPv6 sees it, where a listener hears both. */
static weir_address seen_by(const struct sim_socket *listener, weir_address a)
{
    if (listener->family != AF_INET6 || a.family != AF_INET)
        return a;
    uint8_t four[4];
    memcpy(four, a.name, 4);
    memset(a.name, 0, sizeof a.name);
    memset(a.name + 10, 0xff, 2);
    memcpy(a.name + 12, four, 4);
    a.family = AF_INET6;
    a.size = 16;
    return a;
}

static void inherit(struct sim_socket *s, const struct sim_socket *listener)
{
    s->user_timeout = listener->user_timeout;
    s->keepalive = listener->keepalive;
    s->keep_idle = listener->keep_idle;
    s->keep_interval = listener->keep_interval;
    s->keep_probes = listener->keep_probes;
}

struct sim_socket *weir__sim_welcome(struct simnet *n, struct sim_socket *l,
                                     const struct sim_packet *hello)
{
    struct sim_socket *s = weir__sim_socket(n, l->family);
    if (!s)
        return NULL;
    inherit(s, l);
    s->state = SIM_CONNECTED;
    s->peer = hello->from;
    s->local = seen_by(l, hello->destination);
    s->remote = seen_by(l, hello->source);
    s->next_waiting = NULL;
    *(l->last_waiting ? &l->last_waiting->next_waiting : &l->first) = s;
    l->last_waiting = s;
    l->waiting++;
    weir__sim_notify(n, l, NET_IN);
    return s;
}

static int sim_accept(int fd)
{
    struct simnet *n;
    int rc = 0;
    struct sim_socket *l = enter(fd, &n, &rc);
    if (!l)
        return rc;
    struct sim_socket *s = l->first;
    if (!s)
        return leave(n, l->state == SIM_LISTENS ? -EAGAIN : -EINVAL);
    l->first = s->next_waiting;
    if (!l->first)
        l->last_waiting = NULL;
    l->waiting--;
    return leave(n, fd_of(n, s));
}

/* Between UNIX sockets there is nothing that takes time for that. */
static int connect_unix(struct simnet *n, struct sim_socket *s, const weir_address *to)
{
    struct sim_socket *l = weir__sim_accepts(n, to), *peer;
    struct sim_packet hello = {.from = s->name, .source = s->local, .destination = *to};
    if (!l || weir__sim_chance(n, n->options.refuse, 1000)) {
        n->counters.refused++;
        return !l && to->size > 0 && to->name[0] != 0 ? -ENOENT : -ECONNREFUSED;
    }
    peer = l->waiting < l->backlog ? weir__sim_welcome(n, l, &hello) : NULL;
    if (!peer)
        return l->waiting < l->backlog ? -ENOMEM : -EAGAIN;
    s->peer = peer->name;
    s->remote = *to;
    s->state = SIM_CONNECTED;
    n->counters.connections++;
    return 0;
}

static int connect_socket(struct simnet *n, struct sim_socket *s, const weir_address *to)
{
    if (s->state != SIM_FRESH)
        return s->state == SIM_CONNECTED  ? -EISCONN
               : s->state == SIM_CONNECTS ? -EALREADY
                                          : -EINVAL;
    if (to->family != s->family)
        return -EAFNOSUPPORT;
    if (!sim_is_ip(to))
        return connect_unix(n, s, to);
    weir_address remote = *to;
    if (is_any(&remote)) /* this machine */
        remote.name[remote.family == AF_INET ? 0 : 15] = remote.family == AF_INET ? 127 : 1;
    if (is_any(to) && remote.family == AF_INET)
        remote.name[3] = 1;
    if (is_any(&s->local)) {
        uint16_t port = s->local.port;
        s->local = remote;
        s->local.port = port ? port : next_port(n);
    }
    s->remote = remote;
    s->state = SIM_CONNECTS;
    weir__sim_send(n, s, weir__sim_spare(s), SIM_HELLO);
    return -EINPROGRESS;
}

static int sim_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    struct simnet *n;
    weir_address to;
    int rc = weir_address_from(&to, address, size);
    if (rc < 0)
        return rc;
    struct sim_socket *s = enter(fd, &n, &rc);
    return s ? leave(n, connect_socket(n, s, &to)) : rc;
}

/* ---- bytes --------------------------------------------------------------------------------- */

static size_t sum(const struct iovec *v, size_t n)
{
    size_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += v[i].iov_len;
    return all;
}

/* Where a call's bytes are; what has been copied is behind. */
struct places {
    const struct iovec *v;
    size_t n;
    size_t at; /* of v[0] */
};

/* To or from the places; they go on. */
static void copy(struct places *p, unsigned char *bytes, size_t size, bool to)
{
    while (size > 0 && p->n > 0) {
        size_t rest = p->v->iov_len - p->at, k = rest < size ? rest : size;
        if (rest == 0) {
            p->v++, p->n--, p->at = 0;
            continue;
        }
        char *here = (char *)p->v->iov_base + p->at;
        if (to)
            memcpy(here, bytes, k);
        else
            memcpy(bytes, here, k);
        bytes += k;
        size -= k;
        p->at += k;
    }
}

/* Often less than could be moved. */
static size_t some_of(struct simnet *n, size_t size)
{
    return size > 1 && weir__sim_chance(n, n->options.partial, 1000)
               ? 1 + weir__sim_below(n, (uint32_t)(size - 1))
               : size;
}

/* What is to be told once; else what it is from then on. */
static int broken(struct sim_socket *s, int otherwise)
{
    int error = s->error;
    s->error = 0;
    return error ? -error : otherwise;
}

static ssize_t send_some(struct simnet *n, struct sim_socket *s, const struct iovec *v, size_t k)
{
    size_t size = sum(v, k);
    if (s->state == SIM_BROKEN)
        return broken(s, -EPIPE);
    if (s->state != SIM_CONNECTED)
        return s->state == SIM_CONNECTS ? -EAGAIN : -ENOTCONN;
    if (s->ends || s->peer_gone)
        return -EPIPE;
    if (size == 0)
        return 0;
    if (s->used >= s->room) {
        s->wants_room = true;
        return -EAGAIN;
    }
    if (size > s->room - s->used)
        size = s->room - s->used;
    size = some_of(n, size < PIECE ? size : PIECE);
    struct sim_packet *p = weir__sim_packet(size);
    if (!p)
        return -ENOBUFS;
    copy(&(struct places){.v = v, .n = k}, p->data, size, false);
    s->used += size;
    weir__sim_send(n, s, p, SIM_DATA);
    return (ssize_t)size;
}

static ssize_t sim_sendmsg(int fd, const struct msghdr *m, int flags)
{
    struct simnet *n;
    int rc = 0;
    (void)flags;
    if (m->msg_controllen > 0)
        return -EOPNOTSUPP;
    struct sim_socket *s = enter(fd, &n, &rc);
    if (!s)
        return rc;
    ssize_t sent = send_some(n, s, m->msg_iov, m->msg_iovlen);
    weir__sim_leave(n);
    return sent;
}

static ssize_t sim_send(int fd, const void *from, size_t size, int flags)
{
    struct iovec one = {(void *)(uintptr_t)from, size};
    return sim_sendmsg(fd, &(struct msghdr){.msg_iov = &one, .msg_iovlen = 1}, flags);
}

static void read_data(struct sim_socket *s, struct places to, size_t size, bool peek)
{
    for (struct sim_packet *p = s->data.first, *next; p && size > 0; p = next) {
        size_t k = p->size - p->taken < size ? p->size - p->taken : size;
        copy(&to, p->data + p->taken, k, true);
        next = p->next;
        size -= k;
        if (peek)
            continue;
        p->taken += k;
        if (p->taken < p->size)
            continue;
        s->data.first = next;
        if (next)
            next->prev = NULL;
        else
            s->data.last = NULL;
        weir__sim_packet_free(p);
    }
}

static ssize_t recv_some(struct simnet *n, struct sim_socket *s, const struct iovec *v, size_t k,
                         bool peek)
{
    size_t size = sum(v, k);
    if (s->unread == 0) {
        if (s->state == SIM_BROKEN)
            return broken(s, 0);
        if (s->ended || s->deaf)
            return 0;
        return s->state == SIM_CONNECTED || s->state == SIM_CONNECTS ? -EAGAIN : -ENOTCONN;
    }
    size = some_of(n, size < s->unread ? size : s->unread);
    read_data(s, (struct places){.v = v, .n = k}, size, peek);
    if (!peek) {
        s->unread -= size;
        s->owed += size;
        weir__sim_credit(n, s);
    }
    return (ssize_t)size;
}

static ssize_t sim_recvmsg(int fd, struct msghdr *m, int flags)
{
    struct simnet *n;
    int rc = 0;
    struct sim_socket *s = enter(fd, &n, &rc);
    if (!s)
        return rc;
    ssize_t got = recv_some(n, s, m->msg_iov, m->msg_iovlen, flags & MSG_PEEK);
    weir__sim_leave(n);
    m->msg_controllen = 0;
    m->msg_flags = 0;
    return got;
}

static ssize_t sim_recv(int fd, void *to, size_t size, int flags)
{
    struct iovec one = {to, size};
    return sim_recvmsg(fd, &(struct msghdr){.msg_iov = &one, .msg_iovlen = 1}, flags);
}

/* ---- the end ------------------------------------------------------------------------------- */

static void send_end(struct simnet *n, struct sim_socket *s, bool gone)
{
    if (s->ends && !gone)
        return;
    struct sim_packet *p = weir__sim_spare(s);
    p->gone = gone && !sim_is_ip(&s->local); /* TCP finds out when it sends */
    s->ends = true;
    weir__sim_send(n, s, p, SIM_END);
}

static int sim_shutdown(int fd, int how)
{
    struct simnet *n;
    int rc = 0;
    struct sim_socket *s = enter(fd, &n, &rc);
    if (!s)
        return rc;
    if (s->state != SIM_CONNECTED)
        return leave(n, -ENOTCONN);
    if (how != SHUT_WR) {
        s->deaf = true;
        weir__sim_notify(n, s, NET_IN | NET_HANGUP);
    }
    if (how != SHUT_RD)
        send_end(n, s, false);
    return leave(n, 0);
}

static void end(struct simnet *n, struct sim_socket *s);

/* Those that nobody has accepted. */
static void end_waiting(struct simnet *n, struct sim_socket *l)
{
    for (struct sim_socket *s = l->first, *next; s; s = next) {
        next = s->next_waiting;
        s->aborts = true;
        end(n, s);
    }
}

/* Bytes that nobody has read, or an abort, are a reset; of UNIX sockets only the former. */
static void end(struct simnet *n, struct sim_socket *s)
{
    end_waiting(n, s);
    if (s->state == SIM_CONNECTED) {
        if (s->unread > 0 || (s->aborts && sim_is_ip(&s->local)))
            weir__sim_send(n, s, weir__sim_spare(s), SIM_RESET);
        else
            send_end(n, s, !sim_is_ip(&s->local));
    }
    weir__sim_free(n, s);
}

static int sim_close(int fd)
{
    struct simnet *n;
    int rc = 0;
    struct sim_socket *s = enter(fd, &n, &rc);
    if (!s)
        return rc;
    end(n, s);
    return leave(n, 0);
}

/* ---- options ------------------------------------------------------------------------------- */

static int *ip_option(struct sim_socket *s, int name)
{
    switch (name) {
    case TCP_USER_TIMEOUT:
        return &s->user_timeout;
    case TCP_KEEPIDLE:
        return &s->keep_idle;
    case TCP_KEEPINTVL:
        return &s->keep_interval;
    case TCP_KEEPCNT:
        return &s->keep_probes;
    default:
        return NULL;
    }
}

static void set_socket_option(struct sim_socket *s, int name, int value)
{
    if (name == SO_KEEPALIVE)
        s->keepalive = value;
    else if (name == SO_REUSEPORT)
        s->shares_port = value;
    else if ((name == SO_SNDBUF || name == SO_RCVBUF) && value > 0)
        s->room = (size_t)value;
}

/* Those that mean nothing here are taken as well. */
static int sim_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    struct simnet *n;
    int rc = 0, number = 0;
    struct sim_socket *s = enter(fd, &n, &rc);
    if (!s)
        return rc;
    if (size >= sizeof number)
        memcpy(&number, value, sizeof number);
    if (level == SOL_SOCKET && name == SO_LINGER && size >= sizeof(struct linger))
        s->aborts = number && ((const struct linger *)value)->l_linger == 0;
    else if (level == SOL_SOCKET)
        set_socket_option(s, name, number);
    else if (level == IPPROTO_TCP && ip_option(s, name))
        *ip_option(s, name) = number;
    else if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY)
        s->both = !number;
    return leave(n, 0);
}

static int socket_option(struct sim_socket *s, int name)
{
    switch (name) {
    case SO_ERROR:
        return -broken(s, 0);
    case SO_DOMAIN:
        return s->family;
    case SO_TYPE:
        return SOCK_STREAM;
    case SO_ACCEPTCONN:
        return s->state == SIM_LISTENS;
    case SO_KEEPALIVE:
        return s->keepalive;
    case SO_SNDBUF:
    case SO_RCVBUF:
        return (int)s->room;
    default:
        return 0;
    }
}

static int get_option(struct sim_socket *s, int level, int name, void *value, socklen_t *size)
{
    if (level == SOL_SOCKET && name == SO_PEERCRED) {
        struct ucred mine = {getpid(), getuid(), getgid()};
        if (s->family != AF_UNIX || *size < sizeof mine)
            return -ENOPROTOOPT;
        memcpy(value, &mine, sizeof mine);
        *size = sizeof mine;
        return 0;
    }
    int *ip = level == IPPROTO_TCP ? ip_option(s, name) : NULL;
    int number = level == SOL_SOCKET ? socket_option(s, name) : ip ? *ip : 0;
    if (*size < sizeof number)
        return -EINVAL;
    memcpy(value, &number, sizeof number);
    *size = sizeof number;
    return 0;
}

static int sim_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    struct simnet *n;
    int rc = 0;
    struct sim_socket *s = enter(fd, &n, &rc);
    return s ? leave(n, get_option(s, level, name, value, size)) : rc;
}

static int sim_nonblocking(int fd)
{
    (void)fd;
    return 0;
}

static int connect_pair(struct simnet *n, int fds[2])
{
    struct sim_socket *a = weir__sim_socket(n, AF_UNIX);
    struct sim_socket *b = a ? weir__sim_socket(n, AF_UNIX) : NULL;
    if (!b) {
        if (a)
            weir__sim_free(n, a);
        return -ENOMEM;
    }
    a->state = b->state = SIM_CONNECTED;
    a->peer = b->name;
    b->peer = a->name;
    fds[0] = fd_of(n, a);
    fds[1] = fd_of(n, b);
    n->counters.connections++;
    return 0;
}

static int sim_pair(int fds[2])
{
    int rc;
    struct simnet *n = weir__sim_enter(-1, &rc);
    return n ? leave(n, connect_pair(n, fds)) : rc;
}

static int sim_dup(int fd)
{
    (void)fd;
    return WEIR_ENOTSUP;
}

static int sim_ready(int fd, bool out)
{
    struct simnet *n;
    int rc = 0;
    const struct sim_socket *s = enter(fd, &n, &rc);
    return s ? leave(n, (weir__sim_events(s) & (out ? NET_OUT : NET_IN)) != 0) : rc;
}

const struct net weir__simnet = {
    .socket = sim_open,
    .bind = sim_bind,
    .listen = sim_listen,
    .accept = sim_accept,
    .connect = sim_connect,
    .recv = sim_recv,
    .send = sim_send,
    .recvmsg = sim_recvmsg,
    .sendmsg = sim_sendmsg,
    .shutdown = sim_shutdown,
    .close = sim_close,
    .setsockopt = sim_setsockopt,
    .getsockopt = sim_getsockopt,
    .name = sim_name,
    .nonblocking = sim_nonblocking,
    .pair = sim_pair,
    .dup = sim_dup,
    .ready = sim_ready,
    .path_mode_of = weir__sim_path_mode_of,
    .path_stat = weir__sim_path_stat,
    .path_chmod = weir__sim_path_chmod,
    .path_remove = weir__sim_path_remove,
    .path_lock = weir__sim_path_lock,
    .poll_open = weir__sim_poll_open,
    .poll_add = weir__sim_poll_add,
    .poll_sends = weir__sim_poll_sends,
    .poll_remove = weir__sim_poll_remove,
    .poll_wait = weir__sim_poll_wait,
    .poll_wake = weir__sim_poll_wake,
    .poll_close = weir__sim_poll_close,
    .simulated = true,
};
