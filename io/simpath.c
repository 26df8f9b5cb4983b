/* SPDX-License-Identifier: MIT */
/* simpath.c - UNIX paths of a simulated network: names of its sockets, and nothing else. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "simnet.h"

static bool is_at(const struct sim_socket *s, const char *path)
{
    size_t size = strlen(path);
    return s->family == AF_UNIX && s->local.size == size && memcmp(s->local.name, path, size) == 0;
}

static struct sim_socket *find(const struct simnet *n, const char *path)
{
    struct sim_socket *s = path[0] ? n->bound : NULL;
    while (s && !is_at(s, path))
        s = s->next_bound;
    return s;
}

int weir__sim_path_mode_of(int fd, uint32_t mode)
{
    (void)fd, (void)mode;
    return 0;
}

int weir__sim_path_stat(const char *path, struct path_info *out)
{
    int rc = 0;
    struct simnet *n = weir__sim_enter(-1, &rc);
    if (!n)
        return rc;
    const struct sim_socket *s = find(n, path);
    if (s)
        *out = (struct path_info){n->run, s->name.id, 0777, getuid(), true, true};
    weir__sim_leave(n);
    return s ? 0 : -ENOENT;
}

int weir__sim_path_chmod(const char *path, uint32_t mode)
{
    struct path_info unused;
    (void)mode;
    return weir__sim_path_stat(path, &unused);
}

/* The socket stays, and nobody finds it any more. */
int weir__sim_path_remove(const char *path)
{
    int rc = 0;
    struct simnet *n = weir__sim_enter(-1, &rc);
    if (!n)
        return rc;
    struct sim_socket *s = find(n, path);
    if (s)
        weir__sim_unbind(n, s);
    weir__sim_leave(n);
    return s ? 0 : -ENOENT;
}

/* There is one process, and no directory. */
int weir__sim_path_lock(const char *path)
{
    (void)path;
    return -EACCES;
}
