/* SPDX-License-Identifier: MIT */
/* F033: read-write locks. */
#include "one_worker.h"
#include "primitives.h"

static weir_rwlock lock;

static void open_lock(void)
{
    lock = weir_rwlock_open();
    EXPECT_RC(weir_check(lock), 0);
}

static void readers_or_writer(void)
{
    open_lock();
    EXPECT_RC(weir_rwlock_release(lock), WEIR_EPERM);
    EXPECT_EQ(STATISTICS(lock).value, 1);
    EXPECT_RC(weir_rwlock_read(lock), 0);
    EXPECT_RC(weir_rwlock_try_read(lock), 0);
    EXPECT_EQ(STATISTICS(lock).holders, 2);
    EXPECT_EQ(STATISTICS(lock).value, 0);
    EXPECT_RC(weir_rwlock_try_write(lock), WEIR_EAGAIN);
    EXPECT_RC(weir_rwlock_write_by(lock, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_rwlock_release(lock), 0);
    EXPECT_RC(weir_rwlock_release(lock), 0);
    EXPECT_RC(weir_rwlock_release(lock), WEIR_EPERM);
    EXPECT_RC(weir_rwlock_write(lock), 0);
    EXPECT_EQ(STATISTICS(lock).holders, 1);
    EXPECT_RC(weir_rwlock_write(lock), WEIR_EDEADLK);
    EXPECT_RC(weir_rwlock_read(lock), WEIR_EDEADLK);
    EXPECT_RC(weir_rwlock_try_read(lock), WEIR_EDEADLK);
    EXPECT_RC(weir_rwlock_release(lock), 0);
    EXPECT_RC(weir_rwlock_try_write(lock), 0);
    EXPECT_RC(weir_close(lock), 0);
    EXPECT_RC(weir_rwlock_release(lock), WEIR_ECLOSED);
    EXPECT_RC(weir_rwlock_read(lock), WEIR_ECLOSED);
    EXPECT_RC(weir_rwlock_write(lock), WEIR_ECLOSED);
    weir_event e = weir_event_open();
    EXPECT_RC(weir_rwlock_read((weir_rwlock){e.h}), WEIR_EBADF);
    EXPECT_RC(weir_rwlock_release((weir_rwlock){e.h}), WEIR_EBADF);
    weir_close(e);
}

static int not_the_writer(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_rwlock_release(lock), WEIR_EPERM);
    EXPECT_RC(weir_rwlock_try_read(lock), WEIR_EAGAIN);
    EXPECT_RC(weir_rwlock_read_by(lock, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    return 0;
}

static int writer_is_checked(void *unused)
{
    weir_actor_info me;
    (void)unused;
    open_lock();
    EXPECT_RC(weir_actor_self(&me), 0);
    EXPECT_RC(weir_rwlock_write(lock), 0);
    EXPECT_EQ(STATISTICS(lock).owner, me.id);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, not_the_writer, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return weir_close(lock);
}

static void run_readers_or_writer(void)
{
    by_both(readers_or_writer);
    EXPECT_RC(weir_run(writer_is_checked, NULL, NULL), 0);
}

/* ---- the line
 * ------------------------------------------------------------------------------------ */

struct comer {
    char what; /* 'r', 'w' */
    unsigned at;
};

static atomic_uint steps;
static unsigned step_of[8];
static int result_of[8];
static weir_scope scope_of[8];

/* Stays inside until everybody is parked. */
static int comes(void *arg)
{
    const struct comer *c = arg;
    scope_of[c->at] = weir_scope_begin();
    int rc = c->what == 'r' ? weir_rwlock_read(lock) : weir_rwlock_write(lock);
    weir_scope_end(scope_of[c->at]);
    result_of[c->at] = rc;
    if (rc < 0)
        return 0;
    step_of[c->at] = atomic_load(&steps);
    EXPECT_RC(weir_settle(), 0);
    atomic_fetch_add(&steps, 1);
    EXPECT_RC(weir_rwlock_release(lock), 0);
    return 0;
}

static weir_group line_of(const char *who)
{
    weir_group g = weir_group_begin();
    atomic_store(&steps, 0);
    for (unsigned i = 0; who[i]; i++) {
        struct comer c = {who[i], i};
        EXPECT_RC(weir_spawn(g, comes, &c), 0);
        AWAIT_LINE(lock, i + 1);
    }
    return g;
}

/* Readers that come together read together, but none before a writer that waits longer. */
static int in_turn(void *unused)
{
    (void)unused;
    open_lock();
    EXPECT_RC(weir_rwlock_write(lock), 0);
    weir_group g = line_of("rrwrrw");
    EXPECT_RC(weir_rwlock_release(lock), 0);
    EXPECT_RC(weir_rwlock_try_read(lock), WEIR_EAGAIN); /* a writer waits */
    EXPECT_RC(weir_group_end(g), 0);
    static const unsigned before[] = {0, 0, 2, 3, 3, 5};
    for (int i = 0; i < 6; i++)
        EXPECT_EQ(step_of[i], before[i]);
    EXPECT_EQ(STATISTICS(lock).value, 1);
    return weir_close(lock);
}

static void run_in_turn(void)
{
    EXPECT_RC(weir_run(in_turn, NULL, NULL), 0);
}

/* ---- cancelled ----------------------------------------------------------------------------------
 */

/* A writer that waited for a reader gives up: the readers behind it go on, beside that one. */
static int writer_gives_up(void *unused)
{
    (void)unused;
    open_lock();
    EXPECT_RC(weir_rwlock_read(lock), 0);
    weir_group g = line_of("wrr");
    EXPECT_RC(weir_scope_cancel(scope_of[0], NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(result_of[0], WEIR_ECANCELED);
    EXPECT_RC(result_of[1], 0);
    EXPECT_RC(result_of[2], 0);
    EXPECT_EQ(STATISTICS(lock).holders, 1);
    EXPECT_RC(weir_rwlock_release(lock), 0);
    return weir_close(lock);
}

static int handed_then_cancelled(void *unused)
{
    (void)unused;
    open_lock();
    EXPECT_RC(weir_rwlock_read(lock), 0);
    weir_group g = line_of("wrr");
    EXPECT_RC(weir_rwlock_release(lock), 0);
    EXPECT_RC(weir_scope_cancel(scope_of[0], NULL), 0); /* has it already */
    EXPECT_RC(weir_scope_cancel(scope_of[1], NULL), 0); /* waits for that one */
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(result_of[0], 0);
    EXPECT_RC(result_of[1], WEIR_ECANCELED);
    EXPECT_RC(result_of[2], 0);
    EXPECT_EQ(STATISTICS(lock).value, 1);
    return weir_close(lock);
}

static void run_cancelled_in_line(void)
{
    EXPECT_RC(weir_run(writer_gives_up, NULL, NULL), 0);
    EXPECT_RC(weir_run(handed_then_cancelled, NULL, &one_worker), 0);
}

/* ---- many ---------------------------------------------------------------------------------------
 */

static atomic_uint turn;
static atomic_int readers, writers;

static int acquire_either(weir_time deadline)
{
    bool writes = atomic_fetch_add(&turn, 1) % 3 == 0;
    int rc = writes ? weir_rwlock_write_by(lock, deadline) : weir_rwlock_read_by(lock, deadline);
    if (rc < 0)
        return rc;
    weir_sync_statistics s = STATISTICS(lock);
    atomic_fetch_add(writes ? &writers : &readers, 1);
    int w = atomic_load(&writers), r = atomic_load(&readers);
    EXPECT(writes ? w == 1 && r == 0 : w == 0 && r >= 1);
    EXPECT(s.holders >= 1);
    let_others_run();
    atomic_fetch_sub(writes ? &writers : &readers, 1);
    return 0;
}

static int release_it(void)
{
    return weir_rwlock_release(lock);
}

static int acquire_writer(weir_time deadline)
{
    return weir_rwlock_write_by(lock, deadline);
}

static void run_stress(void)
{
    static const struct handover both = {acquire_either, release_it, TAKERS + TAKER_THREADS};
    static const struct handover writer = {acquire_writer, release_it, 1};
    open_lock();
    handover_only(&both);
    handover_check(&writer, lock.h);
    stress_handover(&writer, lock.h);
    EXPECT_RC(weir_close(lock), 0);
}

static int closed(void *unused)
{
    (void)unused;
    open_lock();
    EXPECT_RC(weir_rwlock_write(lock), 0);
    weir_group g = line_of("rwr");
    EXPECT_RC(weir_close(lock), 0);
    EXPECT_RC(weir_group_end(g), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_RC(result_of[i], WEIR_ECLOSED);
    return 0;
}

static void run_closed(void)
{
    EXPECT_RC(weir_run(closed, NULL, NULL), 0);
}

TEST_SUITE(rwlock, "actors: rwlock", {"F033 rwlock: readers, or a writer", run_readers_or_writer},
           {"F033 rwlock: one line for both", run_in_turn},
           {"F033 rwlock: cancel x hand-over, either first; a writer gives up",
            run_cancelled_in_line},
           {"F033 rwlock: cancel x hand-over x deadline, many", run_stress},
           {"F033 rwlock: closing", run_closed});
