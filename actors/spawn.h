/* SPDX-License-Identifier: MIT */
/* spawn.h - what weir_run() shares with weir_spawn(). */
#ifndef WEIR_SPAWN_H
#define WEIR_SPAWN_H

#include "actor.h"

/* As weir_spawn_sized(), by any party whose thread is a worker; `name` if options have none. */
int weir__spawn(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                const weir_spawn_options *options, const char *name);

#endif
