/* SPDX-License-Identifier: MIT */
/* place.c - see place.h. */
#include "place.h"

#include <errno.h>
#include <string.h>

#include <weir/actor.h>

struct binding {
    const struct net *net;
    int fd;
    const weir_address *at;
    const char *path;
};

static int bind_to(const struct binding *b)
{
    struct sockaddr_storage address;
    socklen_t size = weir_address_to(b->at, &address);
    return b->net->bind(b->fd, (struct sockaddr *)&address, size);
}

static bool is_dead(const struct binding *b)
{
    struct sockaddr_storage address;
    socklen_t size = weir_address_to(b->at, &address);
    int rc, fd = b->net->socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0)
        return false;
    do
        rc = b->net->connect(fd, (struct sockaddr *)&address, size);
    while (rc == -EINTR);
    b->net->close(fd);
    return rc == -ECONNREFUSED;
}

static bool is_same(const struct path_info *a, const struct path_info *b)
{
    return a->is_socket && b->is_socket && a->device == b->device && a->inode == b->inode;
}

/* The lock is held, if it could be had. */
static int replace_dead(const struct binding *b)
{
    struct path_info was, now;
    int rc = b->net->path_stat(b->path, &was);
    if (rc == 0) {
        if (!was.is_socket || !was.is_ours || !is_dead(b) || b->net->path_stat(b->path, &now) < 0 ||
            !is_same(&was, &now) || b->net->path_remove(b->path) < 0)
            return -EADDRINUSE;
    }
    return rc == 0 || rc == -ENOENT ? bind_to(b) : rc;
}

/* A directory that cannot be locked, as it cannot be read, is not. */
static int replace(const struct binding *b)
{
    weir_time end = weir_after(WEIR_S);
    int lock, rc = 0;
    while ((lock = b->net->path_lock(b->path)) == -EINTR || (lock == -EWOULDBLOCK && rc == 0)) {
        if (lock == -EINTR)
            continue;
        if (weir_now() >= end)
            return WEIR_EBUSY;
        rc = weir_sleep(WEIR_MS);
    }
    if (lock == -EWOULDBLOCK)
        return rc;
    if (lock == -EMFILE || lock == -ENFILE || lock == -ENOMEM)
        return lock;
    rc = replace_dead(b);
    if (lock >= 0)
        b->net->close(lock);
    return rc;
}

/* The umask has taken from the mode: nobody can connect before the socket listens. */
static int set_mode(const struct binding *b, uint32_t mode, uint32_t is)
{
    int rc = mode && is != mode ? b->net->path_chmod(b->path, mode) : 0;
    return rc < 0 ? rc : 0;
}

static int take_path(const struct binding *b, const weir_unix_options *o, struct place *out)
{
    struct path_info at;
    uint32_t mode = o->mode & 07777;
    int rc = mode ? b->net->path_mode_of(b->fd, mode) : 0;
    if (rc == 0)
        rc = bind_to(b);
    if (rc == -EADDRINUSE && !o->keep_stale)
        rc = replace(b);
    if (rc == 0)
        rc = b->net->path_stat(b->path, &at);
    if (rc != 0)
        return rc;
    out->device = at.device;
    out->inode = at.inode;
    rc = set_mode(b, mode, at.mode);
    if (rc < 0)
        weir__place_remove(b->net, out);
    return rc;
}

int weir__place_take(const struct net *net, int fd, const weir_address *at,
                     const weir_unix_options *o, struct place *out)
{
    *out = (struct place){.path = ""};
    struct binding b = {net, fd, at, out->path};
    if (at->size == 0 || at->name[0] == 0)
        return bind_to(&b);
    memcpy(out->path, at->name, at->size);
    return take_path(&b, o, out);
}

void weir__place_remove(const struct net *net, const struct place *p)
{
    struct path_info was = {.device = p->device, .inode = p->inode, .is_socket = true}, now;
    if (p->path[0] && net->path_stat(p->path, &now) == 0 && is_same(&was, &now))
        net->path_remove(p->path);
}
