/* SPDX-License-Identifier: MIT */
/*
 * An emulator has a thread of its own, from the beginning. A simulated run has nothing to expect
 * from it; without this one, it would never say that its actors wait for ever.
 */
#include "os_thread.h"
#include "simulate.h"

__attribute__((constructor)) static void count_emulator(void)
{
    uint32_t n = os_threads();
    a32_store(&weir__bystanders, n > 1 ? n - 1 : 0);
}
