/* SPDX-License-Identifier: MIT */
/* gather.c - as completed: docs/protocol.md, "Handing over". A thread cancels who takes them. */
#include <weir/gather.h>
#include <weir/sync.h>

#include "sync_model.h"

static int yields(void *unused)
{
    (void)unused;
    int rc = weir_yield();
    return rc < 0 ? rc : 3;
}

/* What it says has finished has its result; all have ended when it ends. */
static int takes(void *unused)
{
    weir_job jobs[2] = {{.body = yields}, {.body = yields}};
    size_t index = 2;
    int rc;
    (void)unused;
    sync_begin_scope();
    weir_completed c = weir_completed_begin(jobs, 2);
    while ((rc = weir_recv(c.rx, &index)) > 0)
        EXPLORE_ASSERT(jobs[index].result == 3 || jobs[index].result == WEIR_ECANCELED);
    int end = weir_completed_end(c);
    EXPLORE_ASSERT(end == 0 || end == WEIR_ECANCELED);
    for (int i = 0; i < 2; i++)
        EXPLORE_ASSERT(jobs[i].result == 3 || (jobs[i].result == WEIR_ECANCELED && rc < 0) ||
                       end == WEIR_ECANCELED);
    sync_end_scope(rc < 0 || end < 0 ? WEIR_ECANCELED : 0);
    return 0;
}

static void runs_taker(void *unused)
{
    (void)unused;
    sync_run(takes);
}

SYNC_MODEL(completed_cancel, "F010 as completed x cancel",
           .threads = {{"worker", runs_taker, NULL}, {"canceller", sync_cancels, NULL}});
