/* SPDX-License-Identifier: MIT */
/* fds.c - see fds.h. */
#include "fds.h"

#include <string.h>

#if !defined(SCM_PIDFD)
#define SCM_PIDFD 0x04
#endif

enum {
    RIGHTS = CMSG_SPACE(FDS_MAX * sizeof(int)),
    OTHERS = 256 /* credentials, labels, what else the socket's owner has asked for */
};

/* Those of one control message: to the caller, or closed. */
static void take(const struct net *net, const struct cmsghdr *c, struct fds_in *in, bool wanted)
{
    size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < n; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
        if (wanted && in->n < in->room) {
            in->fds[in->n++] = fd;
        } else {
            net->close(fd);
            in->lost++;
        }
    }
}

static bool is(const struct cmsghdr *c, int type)
{
    return c->cmsg_level == SOL_SOCKET && c->cmsg_type == type;
}

ssize_t weir__fds_recv(const struct net *net, int fd, struct msghdr *m, struct fds_in *in)
{
    _Alignas(struct cmsghdr) char control[RIGHTS + OTHERS];
    ssize_t k;
    do {
        m->msg_control = control;
        m->msg_controllen = sizeof control;
        k = net->recvmsg(fd, m, 0);
    } while (k == -EINTR);
    if (k < 0)
        return k;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (is(c, SCM_RIGHTS) || is(c, SCM_PIDFD))
            take(net, c, in, is(c, SCM_RIGHTS));
    if (m->msg_flags & MSG_CTRUNC)
        in->lost++;
    return k;
}

ssize_t weir__fds_send(const struct net *net, int fd, struct msghdr *m, const struct fds_out *out)
{
    _Alignas(struct cmsghdr) char control[RIGHTS];
    ssize_t k;
    memset(control, 0, sizeof control);
    m->msg_control = control;
    m->msg_controllen = CMSG_SPACE(out->n * sizeof(int));
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(out->n * sizeof(int));
    memcpy(CMSG_DATA(c), out->fds, out->n * sizeof(int));
    do
        k = net->sendmsg(fd, m, 0);
    while (k == -EINTR);
    return k;
}
