/* SPDX-License-Identifier: MIT */
/*
 * blocking.c - calls on threads of their own: docs/protocol.md, "Blocking threads".
 *
 * Actors on one worker call; threads of the crew are hired; a plain thread cancels. When the run
 * is over all threads have gone, or run what was abandoned.
 */
#include "sync_model.h"

static weir_blocking class;
static a32 ran, received, dropped, refused, inside;

static weir_blocking_statistics statistics(void)
{
    weir_blocking_statistics s;
    EXPLORE_EQ(weir_blocking_statistics_of(class, &s), 0);
    return s;
}

static void open_1(void)
{
    class = weir_blocking_open(1);
}

static void open_2(void)
{
    class = weir_blocking_open(2);
}

/* One at a time in `inside`, where the class has one place and nobody is abandoned. */
static int works(void *arg, void *result)
{
    a32_add(&ran, 1);
    *(uint32_t *)result = *(const uint32_t *)arg + 1;
    return 7;
}

static int works_alone(void *arg, void *result)
{
    EXPLORE_EQ(a32_add(&inside, 1), 0);
    explore_yield();
    a32_add(&inside, (uint32_t)-1);
    return works(arg, result);
}

static void drops(void *result)
{
    EXPLORE_EQ(*(const uint32_t *)result, 4);
    a32_add(&dropped, 1);
}

static void outcome(int rc, uint32_t result)
{
    EXPLORE_ASSERT(rc == 7 || rc == WEIR_ECANCELED || rc == WEIR_ETIMEDOUT);
    if (rc == 7)
        EXPLORE_EQ(result, 4);
    a32_add(rc == 7 ? &received : &refused, 1);
}

static void calls(weir_work work, bool abandon, weir_time deadline)
{
    uint32_t result = 0, arg = 3;
    int rc = weir_blocking_call(work, &result, &arg, .in = class, .abandon = abandon, .drop = drops,
                                .deadline = deadline);
    outcome(rc, result);
}

static int calls_in_scope(void *abandon)
{
    sync_begin_scope();
    uint32_t before = a32_load(&refused);
    calls(works, abandon != NULL, 0);
    int ended = weir_scope_end(sync_scope);
    EXPLORE_ASSERT(ended == (a32_load(&refused) > before ? 1 : 0));
    return 0;
}

static void runs(weir_body body, void *arg)
{
    EXPLORE_EQ(weir_run(body, arg, NULL), 0);
    weir_blocking_statistics s = statistics();
    EXPLORE_EQ(s.running, 0);
    EXPLORE_EQ(s.waiting, 0);
    EXPLORE_EQ(s.idle, 0);
    explore_no_more_hired();
}

/* Nothing of the run is left but what was abandoned, which is nothing here. */
static void runs_and_all_go(weir_body body, void *arg)
{
    runs(body, arg);
    EXPLORE_EQ(statistics().threads, 0);
}

static void worker_calls(void *unused)
{
    (void)unused;
    runs_and_all_go(calls_in_scope, NULL);
}

static void worker_abandons(void *unused)
{
    (void)unused;
    runs(calls_in_scope, &ran);
}

static void each_once(void)
{
    weir_blocking_statistics s = statistics();
    EXPLORE_EQ(s.threads, 0);
    EXPLORE_EQ(s.abandoned, 0);
    EXPLORE_EQ(a32_load(&received) + a32_load(&dropped), a32_load(&ran));
}

#define HIRED(n)                                                                                   \
    {                                                                                              \
        "hired", explore_hired, (void *)(n)                                                        \
    }
#define BLOCKING(ident, text, ...)                                                                 \
    SYNC_MODEL(ident, text, .setup = open_1, .check = each_once, .max_steps = 60000, __VA_ARGS__)

BLOCKING(blocking_cancel, "F127 a call is cancelled: it never runs, or its result is there",
         .threads = {{"worker", worker_calls, NULL}, HIRED(0), {"canceller", sync_cancels, NULL}});
BLOCKING(blocking_abandon, "F127 a call is abandoned: its result is had once, or dropped once",
         .threads = {
             {"worker", worker_abandons, NULL}, HIRED(0), {"canceller", sync_cancels, NULL}});

/* ---- two callers, one place ---------------------------------------------------------------- */

static int child_calls(void *unused)
{
    (void)unused;
    calls(works_alone, false, 0);
    return 0;
}

static int two_call(void *unused)
{
    (void)unused;
    sync_begin_scope();
    weir_group g = weir_group_begin();
    for (int i = 0; i < 2; i++)
        EXPLORE_EQ(weir_spawn(g, child_calls, (void *)NULL), 0);
    int rc = weir_group_end(g);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECANCELED);
    weir_scope_end(sync_scope);
    EXPLORE_EQ(a32_load(&received) + a32_load(&refused), 2);
    return 0;
}

static void worker_two(void *unused)
{
    (void)unused;
    runs_and_all_go(two_call, NULL);
}

BLOCKING(blocking_line, "F128 one place, two callers, both are cancelled: no place is lost or made",
         .threads = {
             {"worker", worker_two, NULL}, HIRED(0), HIRED(1), {"canceller", sync_cancels, NULL}});

/* ---- idle threads ---------------------------------------------------------------------------- */

static int calls_again(void *unused)
{
    (void)unused;
    calls(works, false, 0);
    EXPLORE_EQ(weir_sleep(10 * WEIR_S), 0);
    calls(works, false, 0);
    return 0;
}

static void worker_again(void *unused)
{
    (void)unused;
    runs(calls_again, NULL);
}

BLOCKING(blocking_idle, "F128 a thread has been idle for long when it gets a job, or the run ends",
         .threads = {{"worker", worker_again, NULL}, HIRED(0), HIRED(1)});

static int leaves_it(void *unused)
{
    (void)unused;
    calls(works, true, weir_after(WEIR_US));
    return 0;
}

/* The first run has ended, perhaps, when its thread comes back: into the crew of the second. */
static void worker_runs_twice(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(leaves_it, NULL, NULL), 0);
    runs(leaves_it, NULL);
}

BLOCKING(blocking_twice, "F128 what was abandoned in one run comes back in the next",
         .threads = {{"worker", worker_runs_twice, NULL}, HIRED(0), HIRED(1)});

/* ---- without memory ------------------------------------------------------------------------- */

static int calls_without(void *unused)
{
    uint32_t result = 0, arg = 3;
    (void)unused;
    int rc = weir_blocking_call(works, &result, &arg, .in = class);
    EXPLORE_ASSERT(rc == 7 || rc == WEIR_ENOMEM);
    a32_add(rc == 7 ? &received : &refused, 1);
    return 0;
}

static void worker_without(void *unused)
{
    (void)unused;
    explore_fail_alloc(1 + explore_choose(16));
    int rc = weir_run(calls_without, NULL, NULL);
    explore_fail_alloc(0);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ENOMEM);
    explore_no_more_hired();
}

static void all_gone(void)
{
    weir_blocking_statistics s = statistics();
    EXPLORE_EQ(s.threads, 0);
    EXPLORE_EQ(s.running, 0);
    EXPLORE_EQ(a32_load(&received), a32_load(&ran));
}

SYNC_MODEL(blocking_no_memory, "F127 no memory, or no thread: an error, and no place is lost",
           .setup = open_1, .check = all_gone, .max_steps = 60000,
           .threads = {{"worker", worker_without, NULL}, HIRED(0)});

/* ---- a work that is in the run through a portal ------------------------------------------------
 */

static weir_portal portal;

static int sleeps(void *unused)
{
    (void)unused;
    return weir_sleep(WEIR_NEVER);
}

static int waits_in_portal(void *unused, void *result)
{
    (void)unused;
    *(uint32_t *)result = 4;
    a32_add(&ran, 1);
    int rc = weir_portal_call(portal, sleeps, (void *)NULL);
    EXPLORE_ASSERT(rc == WEIR_ECANCELED || rc == WEIR_ECLOSED); /* abandoned: that has ended */
    return 7;
}

/* What enters is not in the scope, so only the caller's cancellation can end it. */
static int calls_portal(void *abandon)
{
    portal = weir_portal_open();
    sync_begin_scope();
    calls(waits_in_portal, abandon != NULL, 0);
    EXPLORE_ASSERT(weir_scope_end(sync_scope) >= 0);
    EXPLORE_EQ(weir_portal_end(portal), 0);
    return 0;
}

static void worker_portal(void *abandon)
{
    runs(calls_portal, abandon);
}

BLOCKING(blocking_portal, "F129 a call is cancelled whose work waits in the run",
         .threads = {{"worker", worker_portal, NULL}, HIRED(0), {"canceller", sync_cancels, NULL}});
BLOCKING(blocking_portal_left, "F129 a call is abandoned whose work waits in the run",
         .threads = {{"worker", worker_portal, &ran}, HIRED(0), {"canceller", sync_cancels, NULL}});

/* ---- what is abandoned keeps its place ------------------------------------------------------- */

static int keeps_and_calls(void *unused)
{
    uint32_t result = 0, arg = 3;
    (void)unused;
    sync_begin_scope();
    int rc = weir_blocking_call(works_alone, &result, &arg, .in = class, .abandon = true,
                                .keep = true, .drop = drops);
    weir_scope_end(sync_scope);
    outcome(rc, result);
    rc = weir_blocking_call(works_alone, &result, &arg, .in = class);
    outcome(rc, result);
    return 0;
}

static void worker_keeps(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_run(keeps_and_calls, NULL, NULL), 0);
    explore_no_more_hired();
}

static void each_once_and_free(void)
{
    weir_blocking_statistics s = statistics();
    EXPLORE_EQ(s.running, 0);
    EXPLORE_EQ(s.calls, a32_load(&ran));
    EXPLORE_EQ(s.threads, 0);
    EXPLORE_EQ(s.abandoned, 0);
    EXPLORE_EQ(a32_load(&received) + a32_load(&dropped), a32_load(&ran));
}

#define KEEPS                                                                                      \
    .setup = open_1, .check = each_once_and_free, .max_steps = 60000,                              \
    .threads = {                                                                                   \
        {"worker", worker_keeps, NULL}, HIRED(0), HIRED(1), {"canceller", sync_cancels, NULL}}

SYNC_MODEL(blocking_keep, "F128 who is abandoned keeps the place: one at a time, none is lost",
           KEEPS);

/* ---- mutations ------------------------------------------------------------------------------- */

#define BLOCKING_BROKEN(ident, text, defect, ...)                                                  \
    SYNC_BROKEN(ident, text, defect, .check = each_once, .max_steps = 60000, __VA_ARGS__)

BLOCKING_BROKEN(blocking_withdrawn, "a call that was cancelled before runs all the same",
                "job: runs though withdrawn", .setup = open_1,
                .threads = {
                    {"worker", worker_calls, NULL}, HIRED(0), {"canceller", sync_cancels, NULL}});
BLOCKING_BROKEN(blocking_not_marked, "the result of an abandoned call is nobody's",
                "job: not marked", .setup = open_1,
                .threads = {{"worker", worker_abandons, NULL},
                            HIRED(0),
                            {"canceller", sync_cancels, NULL}});
BLOCKING_BROKEN(blocking_without_a_look, "a thread that goes has just got a job",
                "crew: goes without a look", .setup = open_2, .expect = "deadlock",
                .threads = {{"worker", worker_again, NULL}, HIRED(0), HIRED(1)});
BLOCKING_BROKEN(blocking_not_waited, "the run is over before its threads have gone",
                "crew: not waited for", .setup = open_1,
                .threads = {
                    {"worker", worker_calls, NULL}, HIRED(0), {"canceller", sync_cancels, NULL}});
BLOCKING_BROKEN(blocking_portal_not_told, "what a work waits for in the run is not cancelled",
                "job: its call not told", .setup = open_1, .expect = "deadlock",
                .threads = {
                    {"worker", worker_portal, NULL}, HIRED(0), {"canceller", sync_cancels, NULL}});
SYNC_BROKEN(blocking_kept_twice, "an abandoned call and its caller both give the place back",
            "job: its place given back by both", KEEPS);
SYNC_BROKEN(blocking_kept_for_ever, "an abandoned call does not give its place back",
            "job: its place lost", .expect = "deadlock", KEEPS);
