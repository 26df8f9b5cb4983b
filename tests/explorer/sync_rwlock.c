/* SPDX-License-Identifier: MIT */
/* sync_rwlock.c - read-write locks: docs/protocol.md, "Handing over". */
#include "sync_model.h"

static weir_rwlock lock;
static a32 readers, writers;

static void open_lock(void)
{
    lock = weir_rwlock_open();
}

static void free_again(void)
{
    weir_sync_statistics s;
    EXPLORE_EQ(weir_sync_statistics(lock, &s), 0);
    EXPLORE_EQ(s.waiting + s.holders, 0);
}

static void reads_now(void)
{
    a32_add(&readers, 1);
    EXPLORE_EQ(a32_load(&writers), 0);
    a32_add(&readers, (uint32_t)-1);
    EXPLORE_EQ(weir_rwlock_release(lock), 0);
}

static void writes_now(void)
{
    EXPLORE_EQ(a32_add(&writers, 1), 0);
    EXPLORE_EQ(a32_load(&readers), 0);
    a32_add(&writers, (uint32_t)-1);
    EXPLORE_EQ(weir_rwlock_release(lock), 0);
}

static void reads(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_rwlock_read(lock), 0);
    reads_now();
}

static void writes(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_rwlock_write(lock), 0);
    writes_now();
}

static void writes_by(void *unused)
{
    (void)unused;
    int rc = weir_rwlock_write_by(lock, weir_after(WEIR_MS));
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ETIMEDOUT);
    if (rc == 0)
        writes_now();
}

static int actor_writes(void *unused)
{
    (void)unused;
    sync_begin_scope();
    int rc = weir_rwlock_write(lock);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECANCELED);
    if (rc == 0)
        writes_now();
    sync_end_scope(rc);
    return 0;
}

static void runs_actor(void *unused)
{
    (void)unused;
    sync_run(actor_writes);
}

SYNC_MODEL(rwlock_cancel, "F033 hand-over x cancel: readers or a writer, nobody is forgotten",
           .setup = open_lock, .check = free_again,
           .threads = {{"worker", runs_actor, NULL},
                       {"reader a", reads, NULL},
                       {"reader b", reads, NULL},
                       {"writer", writes, NULL},
                       {"canceller", sync_cancels, NULL}});
SYNC_MODEL(rwlock_deadline, "F033 hand-over x deadline: readers or a writer", .setup = open_lock,
           .check = free_again,
           .threads = {{"a", writes_by, NULL},
                       {"b", writes_by, NULL},
                       {"reader a", reads, NULL},
                       {"reader b", reads, NULL}});

/* The reader inside is let out when the other two are inside as well, or have given up. */
static weir_event inside, out;

static void open_all(void)
{
    open_lock();
    inside = weir_event_open();
    out = weir_event_open();
}

static void reads_long(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_rwlock_read(lock), 0);
    EXPLORE_EQ(weir_event_set(inside), 0);
    EXPLORE_EQ(weir_event_wait(out), 0);
    EXPLORE_EQ(weir_rwlock_release(lock), 0);
}

static void gives_up(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_event_wait(inside), 0);
    writes_by(NULL);
}

static void reads_behind(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_event_wait(inside), 0);
    EXPLORE_EQ(weir_rwlock_read(lock), 0);
    EXPLORE_EQ(weir_event_set(out), 0);
    EXPLORE_EQ(weir_rwlock_release(lock), 0);
}

#define GIVES_UP                                                                                   \
    .setup = open_all, .check = free_again,                                                        \
    .threads = {                                                                                   \
        {"reader", reads_long, NULL}, {"writer", gives_up, NULL}, {"behind", reads_behind, NULL}}
SYNC_MODEL(rwlock_gives_up, "F033 who waits behind a writer goes on when that one gives up",
           GIVES_UP);
SYNC_BROKEN(rwlock_not_told, "a writer gives up and tells nobody", "sync: who leaves does not tell",
            .expect = "deadlock", GIVES_UP);
