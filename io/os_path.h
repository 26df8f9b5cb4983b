/* SPDX-License-Identifier: MIT */
/*
 * os_path.h - the file system, as far as sockets have paths in it: the kernel's part of the table
 * in os_net.h. All return -errno, and never wait for anybody.
 */
#ifndef WEIR_OS_PATH_H
#define WEIR_OS_PATH_H

#include <stdbool.h>
#include <stdint.h>

/* What is at a path; of a symbolic link the link itself. */
struct path_info {
    uint64_t device, inode;
    uint32_t mode; /* the permissions */
    uint32_t user;
    bool is_socket, is_ours; /* ours: of who runs this, or he may do all */
};

/* What the bind of this socket will give the path, less the umask. */
int os_path_mode_of(int fd, uint32_t mode);

int os_path_stat(const char *path, struct path_info *out);

/* The permissions of a socket of ours; WEIR_EACCES: it is none. */
int os_path_chmod(const char *path, uint32_t mode);

int os_path_remove(const char *path);

/*
 * Lock the directory of a path against all that ask here, of other processes too: a descriptor,
 * until it is closed; -EWOULDBLOCK: somebody has it.
 */
int os_path_lock(const char *path);

#endif
