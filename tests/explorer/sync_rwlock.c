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

static int acquire_read(weir_time deadline)
{
    return weir_rwlock_read_by(lock, deadline);
}

static int acquire_write(weir_time deadline)
{
    return weir_rwlock_write_by(lock, deadline);
}

static struct sync_use reading = {acquire_read, reads_now}, writing = {acquire_write, writes_now};

SYNC_MODEL(rwlock_cancel, "F033 hand-over x cancel: readers or a writer, nobody is forgotten",
           .setup = open_lock, .check = free_again,
           .threads = {{"worker", sync_actor_takes, &writing},
                       {"reader a", sync_takes, &reading},
                       {"reader b", sync_takes, &reading},
                       {"writer", sync_takes, &writing},
                       {"canceller", sync_cancels, NULL}});
SYNC_MODEL(rwlock_deadline, "F033 hand-over x deadline: readers or a writer", .setup = open_lock,
           .check = free_again,
           .threads = {{"a", sync_takes_by, &writing},
                       {"b", sync_takes_by, &writing},
                       {"reader a", sync_takes, &reading},
                       {"reader b", sync_takes, &reading}});

static void open_then(void)
{
    open_lock();
    sync_set_moment();
}

SYNC_MODEL(rwlock_deadline_then, "F033 hand-over at the moment of the deadline", .setup = open_then,
           .check = free_again, .flags = EXPLORE_LAZY_CLOCK,
           .threads = {{"has it", sync_gives_back_then, &writing},
                       {"writer", sync_takes_until_then, &writing},
                       {"reader a", sync_takes_until_then, &reading},
                       {"reader b", sync_takes, &reading}});

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
    sync_takes_by(&writing);
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
