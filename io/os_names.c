/* SPDX-License-Identifier: MIT */
/* os_names.c - see os_names.h. */
#define _GNU_SOURCE
#include "os_names.h"

#include <errno.h>
#include <locale.h>
#include <net/if.h>

/*
 * A name that is not ASCII is UTF-8, whatever the program's locale is; libc converts it (IDNA 2008)
 * from the locale of the thread.
 */
static int look_up(const char *host, const char *service, const struct addrinfo *hints,
                   struct addrinfo **out)
{
    locale_t utf8 = (locale_t)0, before;
    if (hints->ai_flags & AI_IDN)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!utf8)
        return getaddrinfo(host, service, hints, out);
    before = uselocale(utf8);
    int rc = getaddrinfo(host, service, hints, out), error = errno;
    uselocale(before);
    freelocale(utf8);
    errno = error;
    return rc;
}

const struct names os_names = {.getaddrinfo = look_up,
                               .freeaddrinfo = freeaddrinfo,
                               .getnameinfo = getnameinfo,
                               .if_nametoindex = if_nametoindex,
                               .asks_outside = true};
const struct names *weir__names = &os_names;
