/* SPDX-License-Identifier: MIT */
/*
 * wire.h - what a program and its worker processes send each other: this, and then
 *
 *   READY    nothing: the process is up
 *   REQUEST  the name, and `size` bytes; there are `room` bytes for the reply
 *   REPLY    `size` bytes; or rc < 0, and nothing. The number is the request's.
 *
 * Both are the same program on the same machine.
 */
#ifndef WEIR_WIRE_H
#define WEIR_WIRE_H

#include <stdint.h>

#define WIRE_READY UINT64_C(0x7965645277656972)
#define WIRE_REQUEST UINT64_C(0x6b73412077656972)
#define WIRE_REPLY UINT64_C(0x7265776e77656972)

struct wire {
    uint64_t magic, size, room;
    uint32_t number, name; /* name: its size */
    int32_t rc;
    uint32_t zero;
};

/* Where a worker process has its socket. */
enum { WIRE_SOCKET = 3 };

/*
 * In the environment of a worker process: "parent:inode", in decimal, the inode being that of its
 * socket. So a process that has it for other reasons does not take itself for one.
 */
#define WIRE_VARIABLE "WEIR_WORKER_PROCESS"

#endif
