/* SPDX-License-Identifier: MIT */
/* attributes.c - see attributes.h. */
#define _GNU_SOURCE
#include "attributes.h"

#include <string.h>

#if !defined(SO_PEERPIDFD)
#define SO_PEERPIDFD 77
#endif

/* An IPv4 peer of a socket for both families, "::ffff:127.0.0.1", is what it is: 127.0.0.1. */
static void unmap(weir_address *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (a->family != AF_INET6 || memcmp(a->name, mapped, sizeof mapped) != 0)
        return;
    weir_address v4 = {.family = AF_INET, .size = 4, .port = a->port};
    memcpy(v4.name, a->name + sizeof mapped, 4);
    *a = v4;
}

static int name_of(const struct descriptor *d, bool peer, weir_address *out)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    int rc = d->net->name(d->fd, peer, (struct sockaddr *)&name, &size);
    if (rc == 0)
        rc = weir_address_from(out, (struct sockaddr *)&name, size);
    if (rc == 0)
        unmap(out);
    return rc < 0 ? WEIR_ENOENT : 0;
}

static int family_of(const struct descriptor *d, int *family)
{
    socklen_t size = sizeof *family;
    return d->net->getsockopt(d->fd, SOL_SOCKET, SO_DOMAIN, family, &size);
}

static bool is_unix(const struct descriptor *d)
{
    int family;
    return family_of(d, &family) == 0 && family == AF_UNIX;
}

static int peer_of(const struct descriptor *d, weir_peer *out)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (!is_unix(d) || d->net->getsockopt(d->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return WEIR_ENOENT;
    *out = (weir_peer){peer.pid, peer.uid, peer.gid};
    return 0;
}

static int peer_process(const struct descriptor *d, int *pidfd)
{
    socklen_t size = sizeof *pidfd;
    int rc = is_unix(d) ? d->net->getsockopt(d->fd, SOL_SOCKET, SO_PEERPIDFD, pidfd, &size)
                        : WEIR_ENOENT;
    return rc == WEIR_EMFILE || rc == WEIR_ENFILE || rc == 0 ? rc : WEIR_ENOENT;
}

static size_t size_of(weir_attribute attribute)
{
    switch (attribute) {
    case WEIR_SOCKET_FD:
    case WEIR_SOCKET_FAMILY:
    case WEIR_UNIX_PIDFD:
        return sizeof(int);
    case WEIR_SOCKET_LOCAL:
    case WEIR_SOCKET_REMOTE:
        return sizeof(weir_address);
    case WEIR_UNIX_PEER:
        return sizeof(weir_peer);
    case WEIR_UNIX_LOST:
        return sizeof(unsigned);
    default:
        return 0;
    }
}

int weir__socket_attribute(const struct descriptor *d, const a32 *lost, weir_attribute attribute,
                           void *value, size_t size)
{
    size_t wanted = size_of(attribute);
    if (wanted == 0)
        return WEIR_ENOENT;
    if (wanted != size)
        return WEIR_EITEM;
    switch (attribute) {
    case WEIR_SOCKET_FD:
        *(int *)value = d->fd;
        return 0;
    case WEIR_SOCKET_FAMILY:
        return family_of(d, value);
    case WEIR_UNIX_PEER:
        return peer_of(d, value);
    case WEIR_UNIX_PIDFD:
        return peer_process(d, value);
    case WEIR_UNIX_LOST:
        *(unsigned *)value = lost ? a32_load(lost) : 0;
        return 0;
    default:
        return name_of(d, attribute == WEIR_SOCKET_REMOTE, value);
    }
}
