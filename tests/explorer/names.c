/* SPDX-License-Identifier: MIT */
/* names.c - on the simulated machine nobody knows a name. */
#include "os_names.h"

static int knows_none(const char *host, const char *service, const struct addrinfo *hints,
                      struct addrinfo **out)
{
    (void)host, (void)service, (void)hints, (void)out;
    return EAI_NONAME;
}

static void frees_none(struct addrinfo *list)
{
    (void)list;
}

static int has_no_name(const struct sockaddr *address, socklen_t size, char *host,
                       socklen_t host_size, char *service, socklen_t service_size, int flags)
{
    (void)address, (void)size, (void)host, (void)host_size, (void)service, (void)service_size;
    (void)flags;
    return EAI_NONAME;
}

static unsigned no_interface(const char *name)
{
    (void)name;
    return 0;
}

const struct names os_names = {knows_none, frees_none, has_no_name, no_interface, true};
const struct names *weir__names = &os_names;
