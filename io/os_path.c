/* SPDX-License-Identifier: MIT */
/* os_path.c - see os_path.h. */
#define _GNU_SOURCE
#include "os_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int result(int rc)
{
    return rc < 0 ? -errno : rc;
}

int os_path_mode_of(int fd, uint32_t mode)
{
    return result(fchmod(fd, mode));
}

static struct path_info info_of(const struct stat *st)
{
    uid_t self = geteuid();
    return (struct path_info){
        .device = st->st_dev,
        .inode = st->st_ino,
        .mode = st->st_mode & 07777,
        .user = st->st_uid,
        .is_socket = S_ISSOCK(st->st_mode),
        .is_ours = st->st_uid == self || self == 0,
    };
}

int os_path_stat(const char *path, struct path_info *out)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return -errno;
    *out = info_of(&st);
    return 0;
}

/* By a descriptor of it: what is at the path may be something else a moment later. */
int os_path_chmod(const char *path, uint32_t mode)
{
    struct stat st;
    char name[32];
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = result(fstat(fd, &st));
    if (rc == 0) {
        struct path_info at = info_of(&st);
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        rc = at.is_socket && at.is_ours ? result(chmod(name, mode)) : -EACCES;
    }
    close(fd);
    return rc;
}

int os_path_remove(const char *path)
{
    return result(unlink(path));
}

int os_path_lock(const char *path)
{
    char directory[256];
    const char *slash = strrchr(path, '/');
    size_t n = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (n >= sizeof directory)
        return -ENAMETOOLONG;
    memcpy(directory, path, n);
    directory[n] = 0;
    int fd = open(n ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int rc = -errno;
    close(fd);
    return rc;
}
