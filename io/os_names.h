/* SPDX-License-Identifier: MIT */
/*
 * os_names.h - who knows names: of hosts, services and interfaces. Tests put others in the place of
 * the C library's; the model in tests/explorer/ has its own.
 */
#ifndef WEIR_OS_NAMES_H
#define WEIR_OS_NAMES_H

#include <stdbool.h>

#include <netdb.h>

/* As of libc, errno after EAI_SYSTEM included. */
struct names {
    int (*getaddrinfo)(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out);
    void (*freeaddrinfo)(struct addrinfo *list);
    int (*getnameinfo)(const struct sockaddr *address, socklen_t size, char *host,
                       socklen_t host_size, char *service, socklen_t service_size, int flags);
    unsigned (*if_nametoindex)(const char *name);
    bool asks_outside; /* files, name servers: not for a simulated run */
};

extern const struct names os_names; /* the C library's */

/* Who is asked; changed while nobody asks. */
extern const struct names *weir__names;

#endif
