/* SPDX-License-Identifier: MIT */
/* F010: gather, map, as completed. */
#include <string.h>

#include "one_worker.h"
#include "primitives.h"

enum { JOBS = 40 };

struct square {
    int n;
    int *out;
};

static int square(void *arg)
{
    const struct square *s = arg;
    for (int i = 0; i < s->n % 3; i++)
        weir_yield();
    if (s->out)
        *s->out = s->n * s->n;
    return s->n * s->n;
}

static int as_it_is(void *arg)
{
    return *(int *)arg;
}

static int in_order(void *unused)
{
    weir_job jobs[JOBS];
    struct square args[JOBS];
    int out[JOBS], here = 77;
    (void)unused;
    for (int i = 0; i < JOBS; i++) {
        args[i] = (struct square){JOBS - i, &out[i]};
        jobs[i] = (weir_job)WEIR_JOB(square, &args[i], .name = "square", .pinned = i % 2 == 0);
    }
    jobs[7] = (weir_job)WEIR_JOB(as_it_is, (void *)&here);
    EXPECT_RC(weir_gather(jobs, JOBS), 0);
    for (int i = 0; i < JOBS; i++) {
        EXPECT_EQ(jobs[i].result, i == 7 ? 77 : (JOBS - i) * (JOBS - i));
        EXPECT_EQ(i == 7 ? jobs[i].result : out[i], jobs[i].result);
    }
    EXPECT_RC(weir_gather(jobs, 1), 0); /* again, and one alone */
    return 0;
}

static void run_in_order(void)
{
    EXPECT_RC(weir_run(in_order, NULL, NULL), 0);
}

static int for_each(void *item)
{
    int *n = item;
    weir_yield();
    *n = *n * 2;
    return *n == 18 ? WEIR_EBUSY : 0;
}

static int map(void *unused)
{
    int item[JOBS];
    (void)unused;
    for (int i = 0; i < JOBS; i++)
        item[i] = i + 100;
    EXPECT_RC(weir_map(for_each, item, JOBS), 0);
    for (int i = 0; i < JOBS; i++)
        EXPECT_EQ(item[i], 2 * (i + 100));
    item[3] = 9;
    EXPECT_RC(weir_map(for_each, item, JOBS), WEIR_EBUSY);
    EXPECT_RC(weir_map(for_each, item, 0), WEIR_EINVAL);
    EXPECT_RC(weir_map(NULL, item, 1), WEIR_EINVAL);
    EXPECT_RC(weir_map_sized(for_each, NULL, 4, 1), WEIR_EINVAL);
    return 0;
}

static void run_map(void)
{
    EXPECT_RC(weir_run(map, NULL, NULL), 0);
}

/* ---- failing and cancelled ----------------------------------------------------------------- */

static int fails(void *unused)
{
    (void)unused;
    weir_yield();
    return WEIR_EBUSY;
}

static int stays(void *unused)
{
    (void)unused;
    return weir_sleep_until(WEIR_NEVER);
}

static int succeeds(void *unused)
{
    (void)unused;
    return 3;
}

static int one_fails(void *unused)
{
    weir_job jobs[] = {WEIR_JOB(stays, NULL), WEIR_JOB(fails, NULL), WEIR_JOB(succeeds, NULL)};
    (void)unused;
    EXPECT_RC(weir_gather(jobs, 3), WEIR_EBUSY);
    EXPECT_RC(jobs[0].result, WEIR_ECANCELED);
    EXPECT_RC(jobs[1].result, WEIR_EBUSY);
    EXPECT_EQ(jobs[2].result, 3);
    EXPECT(!weir_cancelled());
    weir_scope s = weir_move_on_after(WEIR_MS);
    EXPECT_RC(weir_gather(jobs, 1), WEIR_ECANCELED);
    EXPECT_EQ(weir_scope_end(s), 1);
    EXPECT_RC(jobs[0].result, WEIR_ECANCELED);
    return 0;
}

static void run_one_fails(void)
{
    EXPECT_RC(weir_run(one_fails, NULL, NULL), 0);
}

/* ---- handles ------------------------------------------------------------------------------- */

struct ends {
    weir_sender tx, given;
    char more[100];
};

static int sends(void *arg)
{
    struct ends *e = arg;
    int one = 1, two = 2;
    EXPECT_EQ(strcmp(e->more, "more"), 0);
    EXPECT_EQ((uintptr_t)arg % 16, 0);
    EXPECT_RC(weir_send(e->tx, &one), 0);
    return weir_send(e->given, &two);
}

/* Of two ends, one is cloned, the other goes; nothing is left open. */
static int with_handles(void *completed)
{
    weir_receiver rx, rx2;
    struct ends e = {.more = "more"};
    size_t index;
    int n;
    EXPECT_RC(weir_channel_open(&e.tx, &rx, sizeof(int), 4, NULL), 0);
    EXPECT_RC(weir_channel_open(&e.given, &rx2, sizeof(int), 4, NULL), 0);
    weir_job job = WEIR_JOB(sends, &e, .own = WEIR_OWN(struct ends, tx),
                            .give = WEIR_GIVE(struct ends, given));
    if (*(bool *)completed) {
        weir_completed c = weir_completed_begin(&job, 1);
        EXPECT_EQ(weir_recv(c.rx, &index), 1);
        EXPECT_EQ(index, 0);
        EXPECT_RC(weir_completed_end(c), 0);
    } else {
        EXPECT_RC(weir_gather(&job, 1), 0);
    }
    EXPECT_RC(job.result, 0);
    EXPECT_RC(weir_check(e.given), WEIR_ECLOSED);
    EXPECT_EQ(weir_recv(rx2, &n), 1);
    EXPECT_EQ(n, 2);
    EXPECT_EQ(weir_recv(rx2, &n), 0);
    EXPECT_RC(weir_close(e.tx), 0);
    EXPECT_EQ(weir_recv(rx, &n), 1);
    EXPECT_EQ(weir_recv(rx, &n), 0);
    return 0;
}

static void run_with_handles(void)
{
    for (int completed = 0; completed < 2; completed++)
        EXPECT_RC(weir_run(with_handles, &(bool){completed}, NULL), 0);
}

/* ---- misuse -------------------------------------------------------------------------------- */

static int counted(void *count)
{
    atomic_fetch_add(*(atomic_int **)count, 1);
    return weir_sleep_until(WEIR_NEVER);
}

static void both_say(weir_job *jobs, size_t n, int error)
{
    EXPECT_RC(weir_gather(jobs, n), error);
    weir_completed c = weir_completed_begin(jobs, n);
    EXPECT_RC(weir_check(c.rx), error);
    EXPECT_RC(weir_completed_end(c), error);
}

static int misuse(void *unused)
{
    static char large[WEIR_JOB_ARG_MAX + 1];
    atomic_int count = 0, *p = &count;
    struct ends e = {.more = "more"};
    (void)unused;
    weir_job jobs[] = {WEIR_JOB(counted, &p), WEIR_JOB(counted, &p)};
    both_say(jobs, 0, WEIR_EINVAL); /* nothing to wait for is an error */
    both_say(NULL, 1, WEIR_EINVAL);
    jobs[1].body = NULL;
    both_say(jobs, 2, WEIR_EINVAL);
    jobs[1] = (weir_job){.body = counted, .arg = large, .arg_size = sizeof large};
    both_say(jobs, 2, WEIR_EINVAL);
    jobs[1] = (weir_job){.body = counted, .arg = NULL, .arg_size = 8};
    both_say(jobs, 2, WEIR_EINVAL);
    jobs[1] = (weir_job)WEIR_JOB(counted, &p, .own = {8, {0}});
    both_say(jobs, 2, WEIR_EINVAL);
    EXPECT_EQ(atomic_load(&count), 0);
    /* The second cannot be started: the first is cancelled, and has ended. */
    jobs[1] = (weir_job)WEIR_JOB(sends, &e, .own = WEIR_OWN(struct ends, tx));
    both_say(jobs, 2, WEIR_EBADF);
    EXPECT_EQ(atomic_load(&count), 2);
    EXPECT_RC(jobs[0].result, WEIR_ECANCELED);
    EXPECT_RC(jobs[1].result, WEIR_ECANCELED);
    jobs[1] = (weir_job)WEIR_JOB(sends, &e, .own = {1, {sizeof e}}); /* not in the argument */
    both_say(jobs, 2, WEIR_EINVAL);
    jobs[1] = (weir_job)WEIR_JOB(sends, &e, .own = {1, {UINT_MAX - 8}});
    both_say(jobs, 2, WEIR_EINVAL);
    EXPECT(!weir_cancelled());
    return 0;
}

static void run_misuse(void)
{
    weir_job job = WEIR_JOB(succeeds, NULL);
    both_say(&job, 1, WEIR_EPERM);
    EXPECT_RC(weir_map_sized(succeeds, &job, 1, 1), WEIR_EPERM);
    EXPECT_RC(weir_run(misuse, NULL, NULL), 0);
}

static int largest(void *arg)
{
    const unsigned char *bytes = arg;
    for (size_t i = 0; i < WEIR_JOB_ARG_MAX; i++)
        EXPECT_EQ(bytes[i], (unsigned char)(i * 3));
    return 1;
}

static int largest_argument(void *unused)
{
    static unsigned char bytes[WEIR_JOB_ARG_MAX];
    (void)unused;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 3);
    weir_job job = WEIR_JOB(largest, &bytes);
    EXPECT_RC(weir_gather(&job, 1), 0);
    EXPECT_EQ(job.result, 1);
    return 0;
}

static void run_largest_argument(void)
{
    EXPECT_RC(weir_run(largest_argument, NULL, NULL), 0);
}

/* ---- as completed ---------------------------------------------------------------------------- */

static weir_event may_finish[JOBS];

static int finishes_when_told(void *number)
{
    int n = *(int *)number, rc = weir_event_wait(may_finish[n]);
    return rc < 0 ? rc : n;
}

/* In the order in which they are told to, not in that of the jobs. */
static int as_completed(void *unused)
{
    weir_job jobs[JOBS];
    int numbers[JOBS];
    size_t index = SIZE_MAX;
    (void)unused;
    for (int i = 0; i < JOBS; i++) {
        numbers[i] = i;
        may_finish[i] = weir_event_open();
        jobs[i] = (weir_job)WEIR_JOB(finishes_when_told, &numbers[i]);
    }
    weir_completed c = weir_completed_begin(jobs, JOBS);
    REQUIRE_RC(weir_check(c.rx), 0);
    for (int i = 0; i < JOBS; i++) {
        size_t told = (size_t)(i * 7 % JOBS);
        EXPECT_EQ(weir_try_recv(c.rx, &index), WEIR_EAGAIN);
        EXPECT_RC(weir_event_set(may_finish[told]), 0);
        EXPECT_EQ(weir_recv(c.rx, &index), 1);
        EXPECT_EQ(index, told);
        EXPECT_EQ(jobs[told].result, (int)told);
    }
    EXPECT_EQ(weir_recv(c.rx, &index), 0);
    EXPECT_RC(weir_completed_end(c), 0);
    EXPECT_RC(weir_completed_end(c), WEIR_ECLOSED);
    EXPECT_RC(weir_check(c.rx), WEIR_ECLOSED);
    for (int i = 0; i < JOBS; i++)
        weir_close(may_finish[i]);
    return 0;
}

static void run_as_completed(void)
{
    EXPECT_RC(weir_run(as_completed, NULL, NULL), 0);
}

/* Nobody looks until all have ended. */
static int nobody_looks(void *unused)
{
    weir_job jobs[JOBS];
    weir_statistics s;
    size_t index, sum = 0;
    int rc;
    (void)unused;
    for (int i = 0; i < JOBS; i++)
        jobs[i] = (weir_job)WEIR_JOB(succeeds, NULL);
    weir_completed c = weir_completed_begin(jobs, JOBS);
    EXPECT_RC(weir_group_wait(c.group), 0);
    EXPECT_RC(weir_channel_statistics(c.rx, &s), 0);
    EXPECT_EQ(s.buffered, JOBS);
    EXPECT_EQ(s.open_senders, 0);
    while ((rc = weir_recv(c.rx, &index)) > 0)
        sum += index;
    EXPECT_RC(rc, 0);
    EXPECT_EQ(sum, JOBS * (JOBS - 1) / 2);
    return weir_completed_end(c);
}

static void run_nobody_looks(void)
{
    EXPECT_RC(weir_run(nobody_looks, NULL, NULL), 0);
}

static int first_of_some(weir_job *jobs, size_t n)
{
    weir_auto(weir_completed) c = weir_completed_begin(jobs, n);
    size_t index = SIZE_MAX;
    weir_case cases[] = {weir_on_recv(c.rx, &index)};
    EXPECT_EQ(weir_select(cases, 1, WEIR_FAIR), 0);
    EXPECT_EQ(cases[0].rc, 1);
    return (int)index;
}

static int leaves_early(void *unused)
{
    weir_job jobs[] = {WEIR_JOB(stays, NULL), WEIR_JOB(succeeds, NULL), WEIR_JOB(stays, NULL)};
    (void)unused;
    EXPECT_EQ(first_of_some(jobs, 3), 1);
    EXPECT_RC(jobs[0].result, WEIR_ECANCELED); /* has ended by now */
    EXPECT_EQ(jobs[1].result, 3);
    EXPECT_RC(jobs[2].result, WEIR_ECANCELED);
    EXPECT(!weir_cancelled());
    weir_completed c = weir_completed_begin(jobs, 3);
    EXPECT_RC(weir_completed_end(c), 0); /* not looked at at all */
    EXPECT(!weir_cancelled());
    return 0;
}

static void run_leaves_early(void)
{
    EXPECT_RC(weir_run(leaves_early, NULL, NULL), 0);
}

static int one_of_them_fails(void *unused)
{
    weir_job jobs[] = {WEIR_JOB(stays, NULL), WEIR_JOB(fails, NULL)};
    size_t index;
    int rc;
    (void)unused;
    weir_completed c = weir_completed_begin(jobs, 2);
    while ((rc = weir_recv(c.rx, &index)) > 0)
        ;
    EXPECT_RC(rc, WEIR_ECANCELED);
    EXPECT_RC(weir_completed_end(c), WEIR_EBUSY);
    EXPECT(!weir_cancelled());
    weir_scope s = weir_move_on_after(WEIR_MS);
    c = weir_completed_begin(jobs, 1);
    EXPECT_RC(weir_recv(c.rx, &index), WEIR_ECANCELED);
    EXPECT_RC(weir_completed_end(c), WEIR_ECANCELED);
    EXPECT_EQ(weir_scope_end(s), 1);
    return 0;
}

static void run_one_of_them_fails(void)
{
    EXPECT_RC(weir_run(one_of_them_fails, NULL, NULL), 0);
}

TEST_SUITE(gather, "actors: gather and as completed",
           {"F010 gather: results in the order of the jobs", run_in_order},
           {"F010 map: each item has a body of its own", run_map},
           {"F010 gather: one fails, or the caller is cancelled", run_one_fails},
           {"F010 gather: handles of jobs", run_with_handles},
           {"F010 gather: zero jobs and other misuse", run_misuse},
           {"F010 gather: the largest argument", run_largest_argument},
           {"F010 as completed: in the order of finishing, then the end", run_as_completed},
           {"F010 as completed: finishing never blocks", run_nobody_looks},
           {"F010 as completed: leaving early cancels the rest", run_leaves_early},
           {"F010 as completed: one fails, or the caller is cancelled", run_one_of_them_fails});
