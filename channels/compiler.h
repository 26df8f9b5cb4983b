/* SPDX-License-Identifier: MIT */
/* compiler.h - the few things that are spelled differently by each compiler. */
#ifndef WEIR_COMPILER_H
#define WEIR_COMPILER_H

#include <stddef.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define CACHE_LINE 64
#define always_inline inline __attribute__((always_inline))
#define never_inline __attribute__((noinline))

#endif
