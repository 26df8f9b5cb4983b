/* SPDX-License-Identifier: MIT */
/*
 * process.c - calls in worker processes: docs/protocol.md, "Worker processes".
 *
 * An actor calls; threads of the crew, which are hired, have a process each; a plain thread
 * cancels. After the run there is no process.
 */
#include "processes/process.h"
#include "explore_process.h"
#include "sync_model.h"

static a32 answered, refused;

/* The machine's processes know what they do; this is only its name. */
static int next_number(const void *request, size_t size, void *reply, size_t room)
{
    (void)request;
    (void)size;
    (void)reply;
    (void)room;
    return 0;
}
WEIR_PROCESS(next_number);

static void allow(void)
{
    weir__process_allow(NULL);
}

static int calls(uint32_t number, weir_time deadline)
{
    uint32_t reply = 0;
    int rc = weir_process_call(next_number, &reply, &number, .deadline = deadline);
    if (rc == sizeof reply)
        EXPLORE_EQ(reply, number + 1);
    a32_add(rc == sizeof reply ? &answered : &refused, 1);
    return rc;
}

/* The second call is alone: nothing that was meant for the first one harms it. */
static int calls_twice(void *unused)
{
    (void)unused;
    sync_begin_scope();
    int rc = calls(5, 0);
    EXPLORE_ASSERT(rc == 4 || rc == WEIR_ECANCELED);
    int ended = weir_scope_end(sync_scope);
    EXPLORE_ASSERT(ended == (rc == 4 ? 0 : 1));
    EXPLORE_EQ(calls(7, 0), 4);
    return 0;
}

static int calls_in_vain(void *unused)
{
    (void)unused;
    sync_begin_scope();
    EXPLORE_EQ(calls(0, 0), WEIR_ECANCELED);
    EXPLORE_EQ(weir_scope_end(sync_scope), 1);
    return 0;
}

static int is_late(void *unused)
{
    (void)unused;
    int rc = calls(5, weir_after(WEIR_US));
    EXPLORE_ASSERT(rc == 4 || rc == WEIR_ETIMEDOUT);
    EXPLORE_EQ(calls(7, 0), 4);
    return 0;
}

static int is_idle_for_long(void *unused)
{
    (void)unused;
    EXPLORE_EQ(calls(5, 0), 4);
    EXPLORE_EQ(weir_sleep(300 * WEIR_S), 0);
    EXPLORE_EQ(calls(7, 0), 4);
    return 0;
}

static void worker(void *body)
{
    EXPLORE_EQ(weir_run(*(weir_body *)body, NULL, NULL), 0);
    EXPLORE_EQ(explore_processes(), 0);
    explore_no_more_hired();
}

static void none_left(void)
{
    weir_process_statistics s;
    EXPLORE_EQ(weir_process_statistics_get(&s), 0);
    EXPLORE_EQ(s.processes, 0);
    EXPLORE_EQ(s.idle, 0);
    EXPLORE_EQ(s.crashed, 0);
    EXPLORE_ASSERT(s.killed <= a32_load(&refused));
    EXPLORE_EQ(explore_processes(), 0);
}

static weir_body twice = calls_twice, in_vain = calls_in_vain, late = is_late,
                 idle = is_idle_for_long;

#define HIRED(n)                                                                                   \
    {                                                                                              \
        "hired", explore_hired, (void *)(n)                                                        \
    }
#define PROCESS(ident, text, ...)                                                                  \
    SYNC_MODEL(ident, text, .setup = allow, .check = none_left, .max_steps = 60000, __VA_ARGS__)
#define PROCESS_BROKEN(ident, text, defect, ...)                                                   \
    SYNC_BROKEN(ident, text, defect, .setup = allow, .check = none_left, .max_steps = 60000,       \
                __VA_ARGS__)

PROCESS(process_cancel, "F137 a call is cancelled: answered or killed, and the next one goes on",
        .threads = {
            {"worker", worker, &twice}, HIRED(0), HIRED(1), {"canceller", sync_cancels, NULL}});
PROCESS(process_hangs, "F137 a function that never returns is cancelled, also before it starts",
        .threads = {{"worker", worker, &in_vain}, HIRED(0), {"canceller", sync_cancels, NULL}});
PROCESS(process_late, "F137 a call is late: answered or killed, and the next one goes on",
        .threads = {{"worker", worker, &late}, HIRED(0), HIRED(1)});
PROCESS(process_idle, "F137 a process has been idle for long when it gets a call, or the run ends",
        .threads = {{"worker", worker, &idle}, HIRED(0), HIRED(1)});

/* ---- without memory ------------------------------------------------------------------------- */

static int calls_without(void *unused)
{
    (void)unused;
    int rc = calls(5, 0);
    EXPLORE_ASSERT(rc == 4 || rc == WEIR_ENOMEM);
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

PROCESS(process_no_memory, "F137 no memory, or no thread: an error, and no process is left",
        .threads = {{"worker", worker_without, NULL}, HIRED(0)});

/* ---- mutations ------------------------------------------------------------------------------- */

PROCESS_BROKEN(
    process_not_looked, "a process is killed whose call has been answered",
    "process: not looked before it is killed",
    .threads = {{"worker", worker, &twice}, HIRED(0), HIRED(1), {"canceller", sync_cancels, NULL}});
PROCESS_BROKEN(process_not_entered, "a call is cancelled before there is a process to be killed",
               "process: not looked before it is entered", .expect = "deadlock",
               .threads = {
                   {"worker", worker, &in_vain}, HIRED(0), {"canceller", sync_cancels, NULL}});
