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

static void takes(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        EXPLORE_EQ(weir_semaphore_acquire(sem), 0);
        not_too_many();
    }
}

static void takes_by(void *unused)
{
    (void)unused;
    int rc = weir_semaphore_acquire_by(sem, weir_after(WEIR_MS));
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ETIMEDOUT);
    if (rc == 0)
        not_too_many();
}

static int actor_takes(void *unused)
{
    (void)unused;
    sync_begin_scope();
    int rc = weir_semaphore_acquire(sem);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECANCELED);
    if (rc == 0)
        not_too_many();
    sync_end_scope(rc);
    return 0;
}

static void runs_actor(void *unused)
{
    (void)unused;
    sync_run(actor_takes);
}

SYNC_MODEL(semaphore_cancel, "F027 hand-over x cancel: no permit is lost or made", .setup = open_1,
           .check = all_there,
           .threads = {{"worker", runs_actor, NULL},
                       {"a", takes, NULL},
                       {"b", takes, NULL},
                       {"canceller", sync_cancels, NULL}});
SYNC_MODEL(semaphore_deadline, "F027 hand-over x deadline: no permit is lost or made",
           .setup = open_2, .check = all_there,
           .threads = {{"a", takes_by, NULL},
                       {"b", takes_by, NULL},
                       {"c", takes, NULL},
                       {"d", takes, NULL}});
SYNC_BROKEN(semaphore_twice, "a permit is handed over and there for others as well",
            "semaphore: handed over and counted", .setup = open_1, .check = all_there,
            .threads = {{"a", takes, NULL}, {"b", takes, NULL}});
