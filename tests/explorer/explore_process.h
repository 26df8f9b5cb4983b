/* SPDX-License-Identifier: MIT */
/* explore_process.h - the worker processes of the simulated machine, for models. */
#ifndef WEIR_EXPLORE_PROCESS_H
#define WEIR_EXPLORE_PROCESS_H

#include "explore.h"

/* How many have been started and not ended. */
uint32_t explore_processes(void);

#endif
