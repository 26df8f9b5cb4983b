/* SPDX-License-Identifier: MIT */
/* test_oom.c - every allocation for a receiver of signals fails once. See oom.h. */
#define _GNU_SOURCE
#define OOM_CACHES 262144 /* hundreds of wide channels; what leaked would be four times as much */
#include "../channels/oom.h"

#include <signal.h>

#include <weir/weir.h>

static void ignored(int number)
{
    (void)number;
}

/* With a receiver the handler is not this one; without one it is, and nothing is left behind. */
static bool is_as_before(void)
{
    struct sigaction now;
    return sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == ignored;
}

static int receive_some(void)
{
    weir_receiver rx;
    weir_signal s;
    int met = 0;
    signal(SIGUSR1, ignored);
    for (int i = 0; i < 4; i++) {
        int rc = weir_signals_open(&rx, (int[]){SIGUSR1}, 1, &(weir_signal_options){(size_t)i});
        if (rc < 0) {
            met = oom_expect(rc);
            OOM_CHECK(weir_check(rx) == rc);
        } else {
            OOM_CHECK(!is_as_before());
            raise(SIGUSR1); /* what is told has its memory */
            OOM_CHECK(weir_recv(rx, &s) == 1 && s.number == SIGUSR1 && s.count == 1);
        }
        OOM_CHECK(weir_close(rx) == (rc < 0 ? rc : 0));
        OOM_CHECK(is_as_before());
    }
    oom_off();
    return met;
}

static const struct oom_scenario scenarios[] = {{"signals", receive_some}};

__attribute__((constructor)) static void enter(void)
{
    oom_enter(scenarios, sizeof scenarios / sizeof scenarios[0]);
}

static void sweep(void)
{
    oom_sweep(&scenarios[0]);
}

TEST_SUITE(oom, "io: out of memory", {"F125 no memory: receivers of signals", sweep});
