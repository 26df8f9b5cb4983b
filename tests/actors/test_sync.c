/* SPDX-License-Identifier: MIT */
/* F024-F033, F011: what all primitives answer where one may not, or cannot, wait for them. */
#include "primitives.h"

/* Each is opened so that whoever waits for it waits, also who opened it. */
struct kind {
    weir_handle (*open)(void);
    int (*wait)(weir_handle h, weir_time deadline);
    int (*attempt)(weir_handle h); /* NULL: there is no such form */
};

/* By another thread, which ends as the owner. */
static void on_another(void *(*act)(void *), weir_handle h)
{
    pthread_t t;
    REQUIRE_EQ(pthread_create(&t, NULL, act, &h), 0);
    pthread_join(t, NULL);
}

#define WAIT(name, type, call)                                                                     \
    static int name##_wait(weir_handle h, weir_time deadline)                                      \
    {                                                                                              \
        return call((type){h}, deadline);                                                          \
    }

#define WAIT_OR_TRY(name, type, call, attempt)                                                     \
    WAIT(name, type, call)                                                                         \
    static int name##_try(weir_handle h)                                                           \
    {                                                                                              \
        return attempt((type){h});                                                                 \
    }

#define OWNED(name, type, open, own)                                                               \
    static void *name##_own(void *h)                                                               \
    {                                                                                              \
        EXPECT(own((type){*(weir_handle *)h}) >= 0);                                               \
        return NULL;                                                                               \
    }                                                                                              \
    static weir_handle name##_open(void)                                                           \
    {                                                                                              \
        weir_handle h = open().h;                                                                  \
        on_another(name##_own, h);                                                                 \
        return h;                                                                                  \
    }

#define FREE(name, open, prepare)                                                                  \
    static weir_handle name##_open(void)                                                           \
    {                                                                                              \
        weir_handle h = (open).h;                                                                  \
        EXPECT_RC(prepare, 0);                                                                     \
        return h;                                                                                  \
    }

static int write_it(weir_rwlock l)
{
    return weir_rwlock_write(l);
}

static int get_nothing(weir_future f, weir_time deadline)
{
    return weir_future_get_by(f, (void *)NULL, deadline);
}

static int try_get_nothing(weir_future f)
{
    return weir_future_try_get(f, (void *)NULL);
}

FREE(event, weir_event_open(), 0)
WAIT(event, weir_event, weir_event_wait_by)
OWNED(lock, weir_lock, weir_lock_open, weir_lock_try_acquire)
WAIT_OR_TRY(lock, weir_lock, weir_lock_acquire_by, weir_lock_try_acquire)
FREE(semaphore, weir_semaphore_open(0, 1), 0)
WAIT_OR_TRY(semaphore, weir_semaphore, weir_semaphore_acquire_by, weir_semaphore_try_acquire)
FREE(limiter, weir_limiter_open(0), 0)
WAIT_OR_TRY(limiter, weir_limiter, weir_limiter_acquire_by, weir_limiter_try_acquire)
FREE(barrier, weir_barrier_open(2), 0)
WAIT(barrier, weir_barrier, weir_barrier_wait_by)
OWNED(rwlock, weir_rwlock, weir_rwlock_open, write_it)
WAIT_OR_TRY(read, weir_rwlock, weir_rwlock_read_by, weir_rwlock_try_read)
WAIT_OR_TRY(write, weir_rwlock, weir_rwlock_write_by, weir_rwlock_try_write)
OWNED(once, weir_once, weir_once_open, weir_once_try_begin)
WAIT_OR_TRY(once, weir_once, weir_once_begin_by, weir_once_try_begin)
FREE(waitgroup, weir_waitgroup_open(), weir_waitgroup_add((weir_waitgroup){h}, 1))
WAIT_OR_TRY(waitgroup, weir_waitgroup, weir_waitgroup_wait_by, weir_waitgroup_try_wait)
FREE(rate, weir_rate_open(1, WEIR_S * 3600 * 24, 1), weir_rate_acquire((weir_rate){h}))
WAIT_OR_TRY(rate, weir_rate, weir_rate_acquire_by, weir_rate_try_acquire)
FREE(future, weir_future_open(0), 0)
WAIT_OR_TRY(future, weir_future, get_nothing, try_get_nothing)

static const struct kind kinds[] = {{event_open, event_wait, NULL},
                                    {lock_open, lock_wait, lock_try},
                                    {semaphore_open, semaphore_wait, semaphore_try},
                                    {limiter_open, limiter_wait, limiter_try},
                                    {barrier_open, barrier_wait, NULL},
                                    {rwlock_open, read_wait, read_try},
                                    {rwlock_open, write_wait, write_try},
                                    {once_open, once_wait, once_try},
                                    {waitgroup_open, waitgroup_wait, waitgroup_try},
                                    {rate_open, rate_wait, rate_try},
                                    {future_open, future_wait, future_try}};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* ---- each of these by a thread and by an actor ----------------------------------------------- */

static void attempt_is(const struct kind *k, weir_handle h, int rc)
{
    if (k->attempt)
        EXPECT_RC(k->attempt(h), rc);
}

/* Nothing of it is left behind. */
static void unchanged(weir_handle h, weir_sync_statistics before)
{
    weir_sync_statistics s = statistics_of(h);
    EXPECT_EQ(s.waiting, 0);
    EXPECT_EQ(s.holders, before.holders);
    EXPECT_EQ(s.owner, before.owner);
    EXPECT_EQ(s.value, before.value);
}

struct dropped {
    const struct kind *kind;
    weir_handle h;
    int waited, tried;
};

static void drop(void *item, void *dropped)
{
    struct dropped *d = dropped;
    (void)item;
    d->waited = d->kind->wait(d->h, WEIR_NEVER);
    d->tried = d->kind->attempt ? d->kind->attempt(d->h) : WEIR_EAGAIN;
}

static void in_a_drop(const struct kind *k, weir_handle h)
{
    int item = 1;
    weir_sender tx;
    weir_receiver rx;
    struct dropped d = {k, h, 1, 1};
    weir_channel_options o = {.drop = drop, .drop_context = &d};
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, &o), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(d.waited, WEIR_EPERM);
    EXPECT_RC(d.tried, WEIR_EAGAIN);
    EXPECT_RC(weir_close(tx), 0);
}

static void wrong_handles(const struct kind *k)
{
    weir_sender tx;
    weir_receiver rx;
    EXPECT_RC(weir_channel_open(&tx, &rx, 1, 1, NULL), 0);
    weir_exclusive x = weir_exclusive_open();
    const weir_handle wrong[] = {0, 1, tx.h, x.h, UINT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        EXPECT_RC(k->wait(wrong[i], WEIR_NEVER), WEIR_EBADF);
        attempt_is(k, wrong[i], WEIR_EBADF);
    }
    const weir_handle refused = weir_barrier_open(0).h;
    EXPECT_RC(k->wait(refused, WEIR_NEVER), WEIR_EINVAL);
    attempt_is(k, refused, WEIR_EINVAL);
    weir_close(tx);
    weir_close(rx);
    weir_close(x);
}

static void refused(void)
{
    for (const struct kind *k = kinds; k < kinds + KINDS; k++) {
        weir_handle h = k->open();
        weir_sync_statistics before = statistics_of(h);
        attempt_is(k, h, WEIR_EAGAIN);
        EXPECT_RC(k->wait(h, 0), WEIR_ETIMEDOUT);
        EXPECT_RC(k->wait(h, INT64_MIN), WEIR_ETIMEDOUT); /* the least deadline is one */
        EXPECT_RC(k->wait(h, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
        unchanged(h, before);
        in_a_drop(k, h);
        unchanged(h, before);
        wrong_handles(k);
        EXPECT_RC(weir_handle_close(h), 0);
        EXPECT_RC(weir_handle_close(h), 0); /* as often as you like */
        EXPECT_RC(k->wait(h, WEIR_NEVER), WEIR_ECLOSED);
        EXPECT_RC(k->wait(h, 0), WEIR_ECLOSED);
        attempt_is(k, h, WEIR_ECLOSED);
    }
}

static void run_refused(void)
{
    by_both(refused);
}

/* ---- cancelled, and after the run -------------------------------------------------------------
 */

static weir_handle left_open[KINDS];

static int cancelled(void *unused)
{
    (void)unused;
    for (int i = 0; i < KINDS; i++) {
        weir_handle h = left_open[i] = kinds[i].open();
        weir_sync_statistics before = statistics_of(h);
        weir_scope s = weir_move_on_after(WEIR_MS);
        EXPECT_RC(kinds[i].wait(h, WEIR_NEVER), WEIR_ECANCELED); /* while it waits */
        EXPECT_RC(kinds[i].wait(h, WEIR_NEVER), WEIR_ECANCELED);
        EXPECT_RC(kinds[i].wait(h, 0), WEIR_ECANCELED);
        attempt_is(&kinds[i], h, WEIR_EAGAIN);
        EXPECT_RC(weir_scope_end(s), 1);
        unchanged(h, before);
    }
    return 0;
}

/* What the actor opened is closed by then. */
static void run_cancelled(void)
{
    EXPECT_RC(weir_run(cancelled, NULL, NULL), 0);
    for (int i = 0; i < KINDS; i++) {
        EXPECT_RC(kinds[i].wait(left_open[i], WEIR_NEVER), WEIR_ECLOSED);
        attempt_is(&kinds[i], left_open[i], WEIR_ECLOSED);
    }
}

static int waits_here(void *unused)
{
    (void)unused;
    for (int i = 0; i < KINDS; i++)
        EXPECT_RC(kinds[i].wait(left_open[i], weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    return 0;
}

static void run_two_runs(void)
{
    weir_sync_statistics before[KINDS];
    for (int i = 0; i < KINDS; i++)
        before[i] = statistics_of(left_open[i] = kinds[i].open());
    for (int run = 0; run < 2; run++)
        EXPECT_RC(weir_run(waits_here, NULL, NULL), 0);
    EXPECT_RC(waits_here(NULL), 0);
    for (int i = 0; i < KINDS; i++) {
        unchanged(left_open[i], before[i]);
        EXPECT_RC(weir_handle_close(left_open[i]), 0);
    }
}

TEST_SUITE(sync, "actors: sync",
           {"F024-F033 F011 primitives: would wait, drop functions, wrong and closed handles",
            run_refused},
           {"F024-F033 F011 primitives: cancelled; after the run of who opened them",
            run_cancelled},
           {"F032 primitives: of a thread, used by two runs", run_two_runs});
