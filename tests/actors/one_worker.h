/* SPDX-License-Identifier: MIT */
/* one_worker.h - for tests whose actors share plain variables, or an order of running. */
#ifndef WEIR_TEST_ONE_WORKER_H
#define WEIR_TEST_ONE_WORKER_H

#include <weir/actor.h>

static const weir_options one_worker = {.workers = 1};

#endif
