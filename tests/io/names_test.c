/* SPDX-License-Identifier: MIT */
/* names_test.c - see names_test.h. */
#define _GNU_SOURCE
#include "names_test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include <weir/weir.h>

atomic_int times_asked, asking, unfreed, most_asking;
struct addrinfo last_hints;
char last_host[1100], last_service[64];

static const struct entry *known;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER;
static bool gone;

static const struct entry *find(const char *host)
{
    size_t n = strcspn(host, ".");
    const struct entry *e = known;
    while (e->name && (strncmp(e->name, host, n) != 0 || e->name[n] != '\0'))
        e++;
    return e->name ? e : NULL;
}

static struct addrinfo *node(const weir_address *a, struct addrinfo *next)
{
    struct addrinfo *info = calloc(1, sizeof *info + sizeof(struct sockaddr_storage));
    if (!info)
        abort();
    info->ai_addr = (struct sockaddr *)(info + 1);
    info->ai_addrlen = weir_address_to(a, (struct sockaddr_storage *)info->ai_addr);
    info->ai_family = a->family;
    info->ai_next = next;
    return info;
}

static void forgets(struct addrinfo *list)
{
    if (list)
        atomic_fetch_sub(&unfreed, 1);
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

static struct addrinfo *answer(const struct entry *e, int family, uint16_t port)
{
    weir_address a;
    char text[32];
    struct addrinfo *list = NULL;
    int n = 0;
    while (n < 8 && e->addresses[n])
        n++;
    for (int i = e->many ? e->many : n; i-- > 0;) {
        snprintf(text, sizeof text, "10.0.%d.%d", i / 256, i % 256);
        if (weir_address_parse(&a, e->many ? text : e->addresses[i], port) < 0)
            abort();
        if (family == AF_UNSPEC || family == a.family)
            list = node(&a, list);
    }
    atomic_fetch_add(&unfreed, list != NULL);
    return list;
}

/* Under the lock. */
static void enter(const char *host, const char *service, const struct addrinfo *hints)
{
    last_hints = *hints;
    snprintf(last_host, sizeof last_host, "%s", host ? host : "(null)");
    snprintf(last_service, sizeof last_service, "%s", service ? service : "(null)");
    int now = atomic_fetch_add(&asking, 1) + 1;
    if (now > atomic_load(&most_asking))
        atomic_store(&most_asking, now);
    atomic_fetch_add(&times_asked, 1);
}

static int knows(const char *host, const char *service, const struct addrinfo *hints,
                 struct addrinfo **out)
{
    const struct entry *e = find(host ? host : "this");
    pthread_mutex_lock(&lock);
    enter(host, service, hints);
    while (e && e->waits && !gone)
        pthread_cond_wait(&told, &lock);
    pthread_mutex_unlock(&lock);
    int rc = !e ? EAI_NONAME : service && strcmp(service, "http") != 0 ? EAI_SERVICE : e->rc;
    if (rc == 0 && !(*out = answer(e, hints->ai_family, service ? 80 : 0)))
        rc = EAI_NODATA;
    atomic_fetch_sub(&asking, 1);
    errno = e ? e->error : 0;
    return rc;
}

static int knows_back(const struct sockaddr *address, socklen_t size, char *host,
                      socklen_t host_size, char *service, socklen_t service_size, int flags)
{
    weir_address a;
    atomic_fetch_add(&times_asked, 1);
    if (weir_address_from(&a, address, size) < 0)
        return EAI_FAMILY;
    if (a.port == 9)
        return EAI_AGAIN;
    if (a.port == 10)
        return EAI_OVERFLOW;
    if (flags & NI_NAMEREQD && a.family == AF_INET6)
        return EAI_NONAME;
    snprintf(host, host_size, "%s", "host.test");
    snprintf(service, service_size, "%s", flags & NI_DGRAM ? "udp" : "tcp");
    return 0;
}

static unsigned no_interface(const char *name)
{
    return strcmp(name, "if7") == 0 ? 7 : 0;
}

static const struct names from_outside = {knows, forgets, knows_back, no_interface, true};
static const struct names scripted = {knows, forgets, knows_back, no_interface, false};

void names_are(const struct entry *entries, bool outside)
{
    while (atomic_load(&asking) > 0 || atomic_load(&unfreed) > 0)
        sched_yield(); /* what was abandoned */
    known = entries;
    gone = false;
    atomic_store(&times_asked, 0);
    atomic_store(&most_asking, 0);
    weir__names = !entries ? &os_names : outside ? &from_outside : &scripted;
}

void let_go(void)
{
    pthread_mutex_lock(&lock);
    gone = true;
    pthread_cond_broadcast(&told);
    pthread_mutex_unlock(&lock);
}
