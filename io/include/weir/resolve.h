/* SPDX-License-Identifier: MIT */
/*
 * weir/resolve.h - from names of hosts to addresses, and back.
 *
 *     weir_address a[8];
 *     int n = weir_resolve("example.org", 80, a, 8, NULL);
 *     for (int i = 0; i < n && i < 8; i++)
 *         puts(weir_address_format(&a[i], text, sizeof text));
 *
 * Look-ups are getaddrinfo(3)'s, on threads (weir/blocking.h) in a class of their own: so many slow
 * name servers never keep other blocking calls waiting, nor the other way round. Who is cancelled,
 * or whose deadline passes, leaves at once; the look-up keeps its place in the class until it
 * returns. Row F093.
 */
#ifndef WEIR_RESOLVE_H
#define WEIR_RESOLVE_H

#include <weir/address.h>
#include <weir/blocking.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_resolve_options {
    int family;          /* 0: all, in the system's order of preference; AF_INET; AF_INET6 */
    const char *service; /* "http", "80": the port instead of the call's; NULL: none */
    bool datagram;       /* the service is UDP's */
    bool passive;        /* no host: where to listen, "::" and "0.0.0.0" */
    bool required;       /* weir_resolve_back: a number in the place of a name is an error */
    weir_time deadline;  /* 0 or WEIR_NEVER: none */
} weir_resolve_options;

/*
 * weir_resolve - the addresses of a host: how many there are, 1 or more. The first n of them are in
 *                out[], in the order of the answer, with this port. options may be NULL.
 *
 * host  "example.org"; "bücher.example" (UTF-8; IDNA 2008 where the system has libidn2); an IP
 *       address, as weir_address_parse() reads it without port and brackets; NULL: this machine,
 * "::1" and "127.0.0.1", or with `passive` all of its addresses
 *
 * Suspends. An IP address or NULL with a port, or a service that is a number, is answered at
 * once, without a thread. A plain thread waits itself, for as long as it takes. In a simulated run
 * nobody outside is asked: there is one name, "localhost", and no service.
 *
 * WEIR_ENONAME: the host does not exist, or has no address of the family. WEIR_ENAMEAGAIN: nobody
 * answered who should know; later somebody may. WEIR_ENAMEFAIL: the name servers answered with a
 * failure. WEIR_ENOSERVICE. -errno: the system could not ask. WEIR_EINVAL: a host that is empty,
 * longer than 1024 bytes or no name by IDNA; a service that is empty or longer than 32; another
 * family; n without an array. WEIR_ENOENT: no interface of this name, in an address.
 * WEIR_ECANCELED, WEIR_ETIMEDOUT, WEIR_ENOMEM, WEIR_EPERM (in drop functions).
 */
WEIR_API int weir_resolve(const char *host, uint16_t port, weir_address *out, size_t n,
                          const weir_resolve_options *options);

/*
 * weir_resolve_back - the names of an address: of its host, or, if it has none, its number; and of
 * its service, or its number. Of a UNIX address the path, as weir_address_format() shows it.
 * options may be NULL.
 *
 * Suspends, as above; a UNIX address is answered at once. 0, or the errors above. In a simulated
 * run only 127.0.0.1 and ::1 have a name.
 */
typedef struct weir_host {
    char host[1025];
    char service[32];
} weir_host;

WEIR_API int weir_resolve_back(const weir_address *address, weir_host *out,
                               const weir_resolve_options *options);

/*
 * weir_resolve_class - the class of look-ups, all runs of the process have the same: at most 32 at
 * a time, those that nobody waits for any more included. For weir_blocking_resize() and
 * weir_blocking_statistics_of(); it cannot be closed.
 *
 * Never suspends. A null handle that carries the error: WEIR_EPERM outside of actors, WEIR_ENOMEM,
 * WEIR_ENFILE.
 */
WEIR_API weir_blocking weir_resolve_class(void);

#ifdef __cplusplus
}
#endif
#endif
