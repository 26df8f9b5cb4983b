/* SPDX-License-Identifier: MIT */
/* os_event.c - descriptors that other programs' loops can poll; see os.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
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

/* A count that is full is set already. */
void os_event_set(int event)
{
    int e = errno;
    eventfd_write(event, 1);
    errno = e;
}

void os_event_clear(int event)
{
    int e = errno;
    eventfd_t count;
    eventfd_read(event, &count);
    errno = e;
}

void os_event_close(int event)
{
    int e = errno;
    close(event);
    errno = e;
}
