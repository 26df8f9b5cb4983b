#!/bin/sh
# SPDX-License-Identifier: MIT
#
# no_calls.sh OBJECT... - shows that no system call of io/ escapes os_net.h.
#
# Takes the objects of io/ but for its layer of the system, io/os_*.c (others are skipped). What
# these call of libc by the name of a system call on descriptors, neither the faults of the tests
# nor a simulated network would see.
set -eu

calls='accept|accept4|bind|chmod|close|connect|dup|dup2|dup3|epoll_[a-z0-9_]*|eventfd[a-z_]*|
fchmod|fcntl|fcntl64|flock|fstat|getpeername|getsockname|getsockopt|ioctl|listen|lstat|open|
open64|openat|openat64|pipe|pipe2|poll|ppoll|read|readv|recv|recvfrom|recvmmsg|recvmsg|select|
send|sendfile|sendmmsg|sendmsg|sendto|setsockopt|shutdown|socket|socketpair|splice|stat|syscall|
timerfd_[a-z]*|unlink|unlinkat|write|writev|os_event_[a-z]*'
calls=$(printf '%s' "$calls" | tr -d '\n')

found=0
seen=0
for object in "$@"; do
    case $object in
    */io/*) ;;
    *) continue ;;
    esac
    seen=1
    escaped=$(nm -u "$object" | sed -E 's/^ *U +//; s/@.*//; s/^__(.*)_chk$/\1/; s/^__//' |
        grep -xE "$calls") || continue
    printf '%s: %s\n' "$object" "$(echo "$escaped" | tr '\n' ' ')"
    found=1
done
[ "$seen" -eq 1 ] || { echo "usage: $0 OBJECT..., some of io/" >&2; exit 2; }
exit $found
