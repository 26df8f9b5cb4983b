/* SPDX-License-Identifier: MIT */
/* os_event.c - descriptors that other programs' loops can poll; see os.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os.h"

static int descriptor(int fd, int before)
{
    int error = errno;
    errno = before;
    if (fd >= 0)
        return fd;
    /* EINVAL: of F_DUPFD, when there may be no descriptors at all. */
    return error == EMFILE || error == ENFILE || error == EINVAL ? WEIR_EMFILE : WEIR_ENOMEM;
}

int os_event_open(void)
{
    int e = errno;
    return os_may_map() ? descriptor(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), e) : WEIR_ENOMEM;
}

int os_event_dup(int event)
{
    int e = errno;
    return descriptor(fcntl(event, F_DUPFD_CLOEXEC, 0), e);
}

/*
 * With the channel's lock held: so not by functions of the C library in which pthread_cancel(3)
 * ends a thread. A count that is full is set already.
 */
void os_event_set(int event)
{
    static const uint64_t one = 1;
    int e = errno;
    syscall(SYS_write, event, &one, sizeof one);
    errno = e;
}

void os_event_clear(int event)
{
    int e = errno;
    uint64_t count;
    syscall(SYS_read, event, &count, sizeof count);
    errno = e;
}

void os_event_close(int event)
{
    int e = errno;
    syscall(SYS_close, event);
    errno = e;
}
