/* SPDX-License-Identifier: MIT */
/*
 * resolve.c - see weir/resolve.h.
 *
 * Three ways to an answer: here, of numbers (answer_number); in a simulated run, of one name
 * (answer_simulated); else of who knows names (os_names.h), on a thread that is abandoned by who is
 * cancelled, and then frees its answer itself.
 */
#define _GNU_SOURCE
#include <weir/resolve.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "blocking/blocking.h"
#include "os_names.h"
#include "scheduler.h"

enum { LIMIT = 32, HOST_MAX = 1024, SERVICE_MAX = 32 };

static a64 class; /* the handle; 0: nobody has asked for it */

/* Where leak checkers find it, for which the table of handles is no memory of the program's. */
aptr weir__resolve_class_object;

weir_blocking weir_resolve_class(void)
{
    struct actor *me = actor_self();
    if (!me)
        return (weir_blocking){handle_null(WEIR_EPERM)};
    weir_handle h = weir__class_default(me, &class, LIMIT);
    const struct slot *s = handle_get(h, OBJECT);
    if (s)
        aptr_store(&weir__resolve_class_object, s->object);
    return (weir_blocking){h};
}

/* The errors of getaddrinfo() and getnameinfo(); `error` is errno right after it. */
static int error_of(int rc, int error)
{
    switch (rc) {
    case 0:
        return 0;
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return WEIR_ENONAME;
    case EAI_AGAIN:
        return WEIR_ENAMEAGAIN;
    case EAI_SERVICE:
        return WEIR_ENOSERVICE;
    case EAI_MEMORY:
        return WEIR_ENOMEM;
    case EAI_SYSTEM:
        return error > 0 ? -error : WEIR_ENAMEFAIL;
    case EAI_IDN_ENCODE:
        return WEIR_EINVAL;
    default:
        return WEIR_ENAMEFAIL;
    }
}

/* Does somebody else decide what happens, and when? */
static bool is_simulated(void)
{
    const struct actor *me = actor_self();
    return me && actor_worker(me)->runtime->simulation && weir__names->asks_outside;
}

/* ---- what is asked --------------------------------------------------------------------------- */

struct query {
    struct addrinfo hints;
    bool has_host, has_service;
    char host[HOST_MAX + 1], service[SERVICE_MAX + 1];
};

static const weir_resolve_options none;

static bool is_wrong(const char *text, size_t longest)
{
    return text && (*text == '\0' || strnlen(text, longest + 1) > longest);
}

static bool is_ascii(const char *text)
{
    const unsigned char *c = (const unsigned char *)text; /* char has no sign on aarch64 */
    while (*c != '\0' && *c < 0x80)
        c++;
    return *c == '\0';
}

static bool wants(const weir_resolve_options *o, int family)
{
    return o->family == 0 || o->family == family;
}

/* A port is a number, without a service or of it. */
static bool is_numeric(const char *service, uint16_t *port)
{
    char *end;
    if (!service)
        return true;
    if (*service < '0' || *service > '9')
        return false;
    unsigned long value = strtoul(service, &end, 10);
    if (*end != '\0' || value > 65535)
        return false;
    *port = (uint16_t)value;
    return true;
}

static void fill_in(struct query *q, const char *host, const weir_resolve_options *o)
{
    memset(q, 0, sizeof *q);
    q->hints.ai_family = o->family;
    q->hints.ai_socktype = o->datagram ? SOCK_DGRAM : SOCK_STREAM;
    q->hints.ai_flags = (o->passive ? AI_PASSIVE : 0) | (host && !is_ascii(host) ? AI_IDN : 0);
    q->has_host = host != NULL;
    q->has_service = o->service != NULL;
    if (host)
        memcpy(q->host, host, strlen(host));
    if (o->service)
        memcpy(q->service, o->service, strlen(o->service));
}

/* ---- without a thread ------------------------------------------------------------------------ */

struct places {
    weir_address *out;
    size_t n;
    int count;
};

static void add(struct places *p, const weir_address *a)
{
    if ((size_t)p->count < p->n)
        p->out[p->count] = *a;
    p->count++;
}

static int add_text(struct places *p, const char *text, uint16_t port,
                    const weir_resolve_options *o)
{
    int rc;
    weir_address a;
    if (!weir__address_ip(&a, text, port, &rc) || (rc == 0 && !wants(o, a.family)))
        return WEIR_ENONAME;
    if (rc == 0)
        add(p, &a);
    return rc < 0 ? rc : p->count;
}

static int add_this_machine(struct places *p, bool all, uint16_t port,
                            const weir_resolve_options *o)
{
    (void)add_text(p, all ? "::" : "::1", port, o);
    (void)add_text(p, all ? "0.0.0.0" : "127.0.0.1", port, o);
    return p->count;
}

/* True: it is answered, *rc is what weir_resolve() returns. */
static bool answer_number(const char *host, uint16_t port, struct places *p,
                          const weir_resolve_options *o, int *rc)
{
    weir_address unused;
    if (!is_numeric(o->service, &port))
        return false;
    if (!host)
        *rc = add_this_machine(p, o->passive, port, o);
    else if (weir__address_ip(&unused, host, port, rc))
        *rc = add_text(p, host, port, o);
    else
        return false;
    return true;
}

static int answer_simulated(const char *host, uint16_t port, struct places *p,
                            const weir_resolve_options *o)
{
    if (!is_numeric(o->service, &port))
        return WEIR_ENOSERVICE;
    return strcmp(host, "localhost") == 0 ? add_this_machine(p, false, port, o) : WEIR_ENONAME;
}

/* ---- on a thread ----------------------------------------------------------------------------- */

static int ask(void *query, void *list)
{
    const struct query *q = query;
    errno = 0;
    int rc = weir__names->getaddrinfo(q->has_host ? q->host : NULL,
                                      q->has_service ? q->service : NULL, &q->hints, list);
    return error_of(rc, errno);
}

static void forget(void *list)
{
    weir__names->freeaddrinfo(*(struct addrinfo **)list);
}

static int take(struct places *p, const struct addrinfo *list, uint16_t port, bool has_service)
{
    weir_address a;
    for (; list; list = list->ai_next)
        if (weir_address_from(&a, list->ai_addr, list->ai_addrlen) == 0 && a.family != AF_UNIX) {
            a.port = has_service ? a.port : port;
            add(p, &a);
        }
    return p->count > 0 ? p->count : WEIR_ENONAME;
}

/* A plain thread needs no class: it is its own. */
static int class_of_caller(weir_blocking *in)
{
    *in = (weir_blocking){0};
    if (!actor_self())
        return 0;
    *in = weir_resolve_class();
    return weir_check(*in);
}

static int answer(const char *host, uint16_t port, struct places *p, const weir_resolve_options *o)
{
    struct query q;
    weir_blocking in;
    struct addrinfo *list = NULL;
    int rc = class_of_caller(&in);
    if (rc < 0)
        return rc;
    fill_in(&q, host, o);
    rc = weir_blocking_call(ask, &list, &q, .in = in, .deadline = o->deadline, .abandon = true,
                            .keep = true, .drop = forget);
    if (rc < 0)
        return rc;
    rc = take(p, list, port, q.has_service);
    forget(&list);
    return rc;
}

int weir_resolve(const char *host, uint16_t port, weir_address *out, size_t n,
                 const weir_resolve_options *options)
{
    int rc;
    struct places places = {out, n, 0};
    const weir_resolve_options *o = options ? options : &none;
    if (is_wrong(host, HOST_MAX) || is_wrong(o->service, SERVICE_MAX) || (n > 0 && !out) ||
        (o->family != 0 && o->family != AF_INET && o->family != AF_INET6))
        return WEIR_EINVAL;
    if (answer_number(host, port, &places, o, &rc))
        return rc;
    if (is_simulated())
        return answer_simulated(host ? host : "localhost", port, &places, o);
    return answer(host, port, &places, o);
}

/* ---- back ------------------------------------------------------------------------------------ */

struct query_back {
    struct sockaddr_storage address;
    socklen_t size;
    int flags;
};

static int ask_back(void *query, void *result)
{
    const struct query_back *q = query;
    weir_host *out = result;
    errno = 0;
    int rc =
        weir__names->getnameinfo((const struct sockaddr *)&q->address, q->size, out->host,
                                 sizeof out->host, out->service, sizeof out->service, q->flags);
    return error_of(rc, errno);
}

static int answer_back_here(const weir_address *a, weir_host *out, bool required)
{
    char number[WEIR_ADDRESS_TEXT];
    memset(out, 0, sizeof *out);
    weir_address_host(a, number, sizeof number);
    bool local =
        a->family != AF_UNIX && (strcmp(number, "::1") == 0 || strcmp(number, "127.0.0.1") == 0);
    if (a->family != AF_UNIX && !local && required)
        return WEIR_ENONAME;
    snprintf(out->host, sizeof out->host, "%s", local ? "localhost" : number);
    if (a->family != AF_UNIX)
        snprintf(out->service, sizeof out->service, "%u", a->port);
    return 0;
}

int weir_resolve_back(const weir_address *address, weir_host *out,
                      const weir_resolve_options *options)
{
    weir_blocking in;
    const weir_resolve_options *o = options ? options : &none;
    struct query_back q = {.flags = (o->required ? NI_NAMEREQD : 0) | (o->datagram ? NI_DGRAM : 0)};
    if (!address || !out || (q.size = weir_address_to(address, &q.address)) == 0)
        return WEIR_EINVAL;
    if (address->family == AF_UNIX || is_simulated())
        return answer_back_here(address, out, o->required);
    int rc = class_of_caller(&in);
    if (rc < 0)
        return rc;
    return weir_blocking_call(ask_back, out, &q, .in = in, .deadline = o->deadline, .abandon = true,
                              .keep = true);
}
