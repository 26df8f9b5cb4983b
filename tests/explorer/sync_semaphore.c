/* SPDX-License-Identifier: MIT */
/* sync_semaphore.c - semaphores: docs/protocol.md, "Handing over". */
#include "sync_model.h"

static weir_semaphore sem;
static a32 inside;
static uint32_t most;

static void open_1(void)
{
    most = 1;
    sem = weir_semaphore_open(1, 3);
}

static void open_2(void)
{
    most = 2;
    sem = weir_semaphore_open(2, 2);
}

static void all_there(void)
{
    weir_sync_statistics s;
    EXPLORE_EQ(weir_sync_statistics(sem, &s), 0);
    EXPLORE_EQ(s.waiting, 0);
    EXPLORE_EQ(s.value, most);
}

static void not_too_many(void)
{
    EXPLORE_ASSERT(a32_add(&inside, 1) < most);
    explore_yield();
    a32_add(&inside, (uint32_t)-1);
    EXPLORE_EQ(weir_semaphore_release(sem), 0);
}

static int acquire(weir_time deadline)
{
    return weir_semaphore_acquire_by(sem, deadline);
}

static struct sync_use use = {acquire, not_too_many};

SYNC_MODEL(semaphore_cancel, "F027 hand-over x cancel: no permit is lost or made", .setup = open_1,
           .check = all_there,
           .threads = {{"worker", sync_actor_takes, &use},
                       {"a", sync_takes_twice, &use},
                       {"b", sync_takes_twice, &use},
                       {"canceller", sync_cancels, NULL}});
SYNC_MODEL(semaphore_deadline, "F027 hand-over x deadline: no permit is lost or made",
           .setup = open_2, .check = all_there,
           .threads = {{"a", sync_takes_by, &use},
                       {"b", sync_takes_by, &use},
                       {"c", sync_takes_twice, &use},
                       {"d", sync_takes_twice, &use}});
SYNC_BROKEN(semaphore_twice, "a permit is handed over and there for others as well",
            "semaphore: handed over and counted", .setup = open_1, .check = all_there,
            .threads = {{"a", sync_takes_twice, &use}, {"b", sync_takes_twice, &use}});
