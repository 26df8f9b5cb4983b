/* SPDX-License-Identifier: MIT */
/* readable.h - of a descriptor: is it readable, and wait until it is. */
#ifndef WEIR_TESTS_READABLE_H
#define WEIR_TESTS_READABLE_H

#include <poll.h>

#include "harness.h"

static inline bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1 && p.revents == POLLIN;
}

static inline void wait_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    REQUIRE_EQ(poll(&p, 1, -1), 1);
}

#endif
