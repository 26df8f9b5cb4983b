/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - cancellation races with everything: docs/protocol.md, "Cancel" and "Group end".
 *
 * An actor on one worker begins a scope, publishes its handle and waits; plain threads
 * cancel it, complete its wait, close its channel, switch its shield.
 */
#include "model.h"

static weir_scope scope;
static weir_group group;
static weir_task task;
static a32 begun;
static int end_result, op_result, second_result;
static bool was_cancelled;

static void begin_is_known(void)
{
    a32_store_release(&begun, 1);
}

static void await_begin(void)
{
    while (!a32_load_acquire(&begun))
        a_relax();
}

static void cancels(void *unused)
{
    (void)unused;
    await_begin();
    int rc = weir_scope_cancel(scope, "by a thread");
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
}

static void run(weir_body body)
{
    EXPLORE_EQ(weir_run(body, NULL, NULL), 0);
}

#define CANCEL(ident, text, ...)                                                                   \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach, __VA_ARGS__)

/* ---- a wait is cancelled, completed, closed ------------------------------------------------ */

static uint32_t got;
static int closes_result;

/* The scope ends what nobody completes. */
static int waits_in_scope(void *unused)
{
    (void)unused;
    scope = weir_scope_begin();
    begin_is_known();
    op_result = weir_recv(M.rx[0], &got);
    EXPLORE_ASSERT(op_result == WEIR_ECANCELED || op_result == 1 || op_result == WEIR_ECLOSED ||
                   op_result == 0);
    was_cancelled = op_result == WEIR_ECANCELED;
    if (was_cancelled) /* and again, until it is left */
        EXPLORE_EQ(weir_recv(M.rx[0], &got), WEIR_ECANCELED);
    end_result = weir_scope_end(scope);
    EXPLORE_EQ(end_result, was_cancelled);
    EXPLORE_ASSERT(!weir_cancelled());
    return 0;
}

static void run_waits(void *unused)
{
    (void)unused;
    run(waits_in_scope);
}

static int sends_in_scope(void *unused)
{
    uint32_t item = 5;
    (void)unused;
    scope = weir_scope_begin();
    begin_is_known();
    op_result = weir_send(M.tx[0], &item);
    EXPLORE_EQ(weir_scope_end(scope), op_result == WEIR_ECANCELED);
    return 0;
}

static void run_sends(void *unused)
{
    (void)unused;
    run(sends_in_scope);
}

static int try_result;

static void tries_to_send(void *unused)
{
    uint32_t item = 7;
    (void)unused;
    await_begin();
    try_result = weir_try_send(M.tx[0], &item);
}

static void tries_to_recv(void *unused)
{
    uint32_t item;
    (void)unused;
    await_begin();
    try_result = weir_try_recv(M.rx[0], &item);
}

static void closes(void *unused)
{
    (void)unused;
    await_begin();
    closes_result = weir_close(M.rx[0]);
}

static void open_plain_0(void)
{
    EXPLORE_EQ(weir_channel_open(&M.tx[0], &M.rx[0], sizeof(uint32_t), 0, NULL), 0);
}

static void open_plain_1(void)
{
    EXPLORE_EQ(weir_channel_open(&M.tx[0], &M.rx[0], sizeof(uint32_t), 1, NULL), 0);
}

/* An item that was handed over was received; one that was not is still there or with its sender. */
static void nothing_lost_0(void)
{
    EXPLORE_EQ(try_result == 0, op_result == 1);
    if (op_result == 1)
        EXPLORE_EQ(got, 7);
}

static void nothing_lost_1(void)
{
    uint32_t item;
    EXPLORE_EQ(try_result, 0);
    EXPLORE_EQ(op_result == 1, weir_try_recv(M.rx[0], &item) == WEIR_EAGAIN);
}

static void sent_or_not(void)
{
    EXPLORE_EQ(try_result == 1, op_result == 0);
}

#define WAITS_AND(other, name)                                                                     \
    {                                                                                              \
        {"worker", run_waits, NULL}, {"canceller", cancels, NULL},                                 \
        {                                                                                          \
            name, other, NULL                                                                      \
        }                                                                                          \
    }
CANCEL(cancel_park, "F013 cancel races with a receive that parks", .setup = open_plain_0,
       .threads = {{"worker", run_waits, NULL}, {"canceller", cancels, NULL}});
CANCEL(cancel_park_1, "F013 cancel races with a receive that parks, capacity 1",
       .setup = open_plain_1,
       .threads = {{"worker", run_waits, NULL}, {"canceller", cancels, NULL}});
CANCEL(cancel_completed_0, "F013 cancel races with completion, rendezvous", .setup = open_plain_0,
       .check = nothing_lost_0, .threads = WAITS_AND(tries_to_send, "sender"));
CANCEL(cancel_completed_1, "F013 cancel races with completion, capacity 1", .setup = open_plain_1,
       .check = nothing_lost_1, .threads = WAITS_AND(tries_to_send, "sender"));
CANCEL(cancel_send, "F013 a send is cancelled or delivered", .setup = open_plain_0,
       .check = sent_or_not,
       .threads = {{"worker", run_sends, NULL},
                   {"canceller", cancels, NULL},
                   {"receiver", tries_to_recv, NULL}});
CANCEL(cancel_closed, "F013 cancel races with the close of the handle", .setup = open_plain_0,
       .threads = WAITS_AND(closes, "closer"));
CANCEL(cancel_twice, "F012 two threads cancel", .setup = open_plain_0,
       .threads = WAITS_AND(cancels, "canceller b"));

/* ---- deadlines ----------------------------------------------------------------------------- */

static int waits_for_a_while(void *unused)
{
    (void)unused;
    scope = weir_move_on_after(WEIR_MS);
    begin_is_known();
    op_result = weir_recv(M.rx[0], &got);
    EXPLORE_EQ(weir_scope_end(scope), op_result == WEIR_ECANCELED);
    return 0;
}

static void run_waits_for_a_while(void *unused)
{
    (void)unused;
    run(waits_for_a_while);
}

CANCEL(cancel_deadline, "F017 the deadline races with completion", .setup = open_plain_0,
       .check = nothing_lost_0,
       .threads = {{"worker", run_waits_for_a_while, NULL}, {"sender", tries_to_send, NULL}});
CANCEL(cancel_deadline_twice, "F017 the deadline races with a canceller", .setup = open_plain_0,
       .threads = {{"worker", run_waits_for_a_while, NULL}, {"canceller", cancels, NULL}});

static int waits_by(void *unused)
{
    (void)unused;
    scope = weir_scope_begin();
    begin_is_known();
    op_result = weir_recv_by(M.rx[0], &got, weir_after(WEIR_MS));
    EXPLORE_ASSERT(op_result == WEIR_ETIMEDOUT || op_result == WEIR_ECANCELED);
    EXPLORE_EQ(weir_scope_end(scope), op_result == WEIR_ECANCELED);
    return 0;
}

static void run_waits_by(void *unused)
{
    (void)unused;
    run(waits_by);
}

CANCEL(cancel_timed, "F013 a wait's own deadline races with a canceller", .setup = open_plain_0,
       .threads = {{"worker", run_waits_by, NULL}, {"canceller", cancels, NULL}});

/* ---- shields ------------------------------------------------------------------------------- */

static weir_scope shield;

/* Is cancelled from outside of a shield, which must hold until the item has come. */
static int waits_in_shield(void *unused)
{
    (void)unused;
    scope = weir_scope_begin();
    begin_is_known();
    weir_yield();
    shield = weir_scope_begin();
    EXPLORE_EQ(weir_scope_shield(shield, true), 0);
    op_result = weir_recv(M.rx[0], &got);
    EXPLORE_EQ(op_result, 1);
    EXPLORE_EQ(weir_scope_end(shield), 0);
    second_result = weir_yield();
    EXPLORE_EQ(weir_scope_end(scope), second_result == WEIR_ECANCELED);
    return 0;
}

static void run_waits_in_shield(void *unused)
{
    (void)unused;
    run(waits_in_shield);
}

static void sends_one(void *unused)
{
    uint32_t item = 7;
    (void)unused;
    EXPLORE_EQ(weir_send(M.tx[0], &item), 0);
}

/* The scope is cancelled before the shield is there; the shield goes while somebody is parked. */
static int parks_in_shield(void *unused)
{
    (void)unused;
    scope = weir_scope_begin();
    shield = weir_scope_begin();
    EXPLORE_EQ(weir_scope_shield(shield, true), 0);
    EXPLORE_EQ(weir_scope_cancel(scope, NULL), 0);
    begin_is_known();
    EXPLORE_EQ(weir_recv(M.rx[0], &got), WEIR_ECANCELED);
    EXPLORE_EQ(weir_scope_end(shield), 0);
    EXPLORE_EQ(weir_scope_end(scope), 1);
    return 0;
}

static void run_parks_in_shield(void *unused)
{
    (void)unused;
    run(parks_in_shield);
}

static void opens_shield(void *unused)
{
    (void)unused;
    await_begin();
    EXPLORE_EQ(weir_scope_shield(shield, false), 0);
}

CANCEL(cancel_shielded, "F015 a wait in a shield is not cancelled from outside",
       .setup = open_plain_0,
       .threads = {{"worker", run_waits_in_shield, NULL},
                   {"canceller", cancels, NULL},
                   {"sender", sends_one, NULL}});
CANCEL(cancel_unshielded, "F015 the shield is switched off while its actor parks",
       .setup = open_plain_0,
       .threads = {{"worker", run_parks_in_shield, NULL}, {"other", opens_shield, NULL}});

/* ---- groups -------------------------------------------------------------------------------- */

static int child_waits(void *unused)
{
    uint32_t item;
    (void)unused;
    int rc = weir_recv(M.rx[0], &item);
    EXPLORE_ASSERT(rc == WEIR_ECANCELED || rc == 1);
    return rc == 1 ? 0 : rc;
}

static int group_waits(void *unused)
{
    (void)unused;
    group = weir_group_begin();
    EXPLORE_EQ(weir_spawn(group, child_waits, NULL), 0);
    EXPLORE_EQ(weir_spawn(group, child_waits, NULL), 0);
    begin_is_known();
    EXPLORE_EQ(weir_group_end(group), 0);
    return 0;
}

static void run_group_waits(void *unused)
{
    (void)unused;
    run(group_waits);
}

static void cancels_group(void *unused)
{
    (void)unused;
    await_begin();
    int rc = weir_group_cancel(group, NULL);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
}

CANCEL(cancel_group, "F008 a group is cancelled while its children park and its owner ends it",
       .setup = open_plain_0,
       .threads = {{"worker", run_group_waits, NULL}, {"canceller", cancels_group, NULL}});
CANCEL(cancel_group_twice, "F008 two cancel a group", .setup = open_plain_0,
       .threads = {{"worker", run_group_waits, NULL},
                   {"canceller", cancels_group, NULL},
                   {"canceller b", cancels_group, NULL}});
CANCEL(cancel_group_completed, "F008 cancel races with a child's completion and end",
       .setup = open_plain_0,
       .threads = {{"worker", run_group_waits, NULL},
                   {"canceller", cancels_group, NULL},
                   {"sender", tries_to_send, NULL}});

/* The last child ends by itself when the canceller comes; records are used again. */
static int child_ends(void *unused)
{
    (void)unused;
    weir_yield();
    return 0;
}

static int groups_end(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        weir_group g = weir_group_begin();
        EXPLORE_EQ(weir_spawn(g, child_ends, NULL), 0);
        if (i == 0) {
            group = g;
            begin_is_known();
        }
        EXPLORE_EQ(weir_group_end(g), 0);
    }
    EXPLORE_EQ(weir_yield(), 0);
    return 0;
}

static void run_groups_end(void *unused)
{
    (void)unused;
    run(groups_end);
}

CANCEL(cancel_group_ends, "F008 cancel races with the group's end and its next ones",
       .setup = open_plain_0,
       .threads = {{"worker", run_groups_end, NULL}, {"canceller", cancels_group, NULL}});

static int child_fails(void *unused)
{
    uint32_t item;
    (void)unused;
    int rc = weir_recv(M.rx[0], &item);
    EXPLORE_ASSERT(rc == WEIR_ECANCELED || rc == 1);
    return rc == 1 ? -7 : rc;
}

static int group_fails(void *unused)
{
    (void)unused;
    group = weir_group_begin();
    EXPLORE_EQ(weir_spawn(group, child_fails, NULL), 0);
    EXPLORE_EQ(weir_spawn(group, child_fails, NULL), 0);
    int rc = weir_recv(M.rx[0], &got);
    EXPLORE_ASSERT(rc == WEIR_ECANCELED || rc == 1);
    if (rc == 1)
        EXPLORE_EQ(weir_group_cancel(group, NULL), 0);
    EXPLORE_EQ(weir_spawn(group, child_fails, NULL), 0);
    EXPLORE_EQ(weir_group_end(group), rc == 1 ? 0 : -7);
    return 0;
}

static void run_group_fails(void *unused)
{
    (void)unused;
    run(group_fails);
}

CANCEL(cancel_by_failure, "F006 a child's failure cancels the others, the owner and the next",
       .setup = open_plain_0,
       .threads = {{"worker", run_group_fails, NULL}, {"sender", sends_one, NULL}});

/* ---- tasks --------------------------------------------------------------------------------- */

static int cancels_task_child(void *unused)
{
    int result = 1;
    (void)unused;
    group = weir_group_begin();
    EXPLORE_EQ(weir_spawn(group, child_waits, NULL, .task = &task), 0);
    begin_is_known();
    EXPLORE_EQ(weir_task_wait(task), 0);
    EXPLORE_EQ(weir_task_result(task, &result), 0);
    EXPLORE_EQ(weir_task_state(task), result == 0 ? WEIR_TASK_FINISHED : WEIR_TASK_CANCELLED);
    EXPLORE_EQ(weir_group_end(group), 0);
    return 0;
}

static void run_cancels_task(void *unused)
{
    (void)unused;
    run(cancels_task_child);
}

static void cancels_task(void *unused)
{
    (void)unused;
    await_begin();
    int rc = weir_task_cancel(task, NULL);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
}

CANCEL(cancel_task, "F005 a task is cancelled from a thread while it ends", .setup = open_plain_0,
       .threads = {{"worker", run_cancels_task, NULL},
                   {"canceller", cancels_task, NULL},
                   {"sender", tries_to_send, NULL}});

/* ---- on two workers ------------------------------------------------------------------------ */

static int says_it_started(void *unused)
{
    uint32_t value = 9;
    (void)unused;
    int rc = weir_child_started(&value);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECANCELED);
    return 0;
}

static int starts_child(void *unused)
{
    uint32_t value = 0;
    (void)unused;
    scope = weir_scope_begin();
    begin_is_known();
    group = weir_group_begin();
    int rc = weir_child_start(group, says_it_started, &value, NULL);
    EXPLORE_ASSERT((rc == 0 && value == 9) || rc == WEIR_ECANCELED);
    int end = weir_group_end(group);
    EXPLORE_ASSERT(end == 0 || end == WEIR_ECANCELED);
    EXPLORE_EQ(weir_scope_end(scope), rc < 0 || end < 0);
    return 0;
}

static weir_body on_two;

static void run_on_two(void *unused)
{
    EXPLORE_EQ(weir_run(on_two, unused, &(weir_options){.workers = 2}), 0);
}

static void open_group_waits(void)
{
    open_plain_0();
    on_two = group_waits;
}

static void open_group_fails(void)
{
    open_plain_0();
    on_two = group_fails;
}

static void open_task(void)
{
    open_plain_0();
    on_two = cancels_task_child;
}

static void open_start(void)
{
    on_two = starts_child;
}

#define CANCEL_ON_TWO(ident, text, open, ...)                                                      \
    CANCEL(ident, text, .setup = open, .max_steps = 60000,                                         \
           .threads = {{"worker 0", run_on_two, NULL},                                             \
                       {"worker 1", explore_hired, (void *)0},                                     \
                       __VA_ARGS__})

CANCEL_ON_TWO(cancel_two_group, "F008 a group on two workers is cancelled, a child completed",
              open_group_waits, {"canceller", cancels_group, NULL},
              {"sender", tries_to_send, NULL});
CANCEL_ON_TWO(cancel_two_failure, "F006 a child's failure, on two workers", open_group_fails,
              {"sender", sends_one, NULL});
CANCEL_ON_TWO(cancel_two_task, "F005 a task is cancelled, on two workers", open_task,
              {"canceller", cancels_task, NULL}, {"sender", tries_to_send, NULL});
CANCEL_ON_TWO(cancel_two_start, "F004 the starter of a child is cancelled, on two workers",
              open_start, {"canceller", cancels, NULL});

/* ---- windows that are narrow --------------------------------------------------------------- */

static a32 warm;

/* The thread has its record before the actor begins, so that both are at it together. */
static void cancels_warm(void *unused)
{
    weir_statistics now;
    EXPLORE_EQ(weir_channel_statistics(M.rx[0], &now), 0);
    a32_store_release(&warm, 1);
    cancels(unused);
}

static int waits_soon(void *unused)
{
    (void)unused;
    scope = weir_scope_begin();
    while (!a32_load_acquire(&warm))
        a_relax();
    begin_is_known();
    unsigned turns = explore_choose(24);
    while (turns-- > 0)
        explore_yield();
    EXPLORE_EQ(weir_recv(M.rx[0], &got), WEIR_ECANCELED);
    EXPLORE_EQ(weir_scope_end(scope), 1);
    return 0;
}

static void run_waits_soon(void *unused)
{
    (void)unused;
    run(waits_soon);
}

/* Cancelled at some time; what is in the shield is not. */
static int shields(void *unused)
{
    (void)unused;
    scope = weir_scope_begin();
    shield = weir_scope_begin();
    while (!a32_load_acquire(&warm))
        a_relax();
    begin_is_known();
    while (!weir_cancelled())
        a_relax();
    EXPLORE_EQ(weir_scope_shield(shield, true), 0);
    EXPLORE_EQ(weir_recv(M.rx[0], &got), 1);
    EXPLORE_EQ(weir_scope_end(shield), 0);
    EXPLORE_EQ(weir_yield(), WEIR_ECANCELED);
    EXPLORE_EQ(weir_scope_end(scope), 1);
    return 0;
}

static void run_shields(void *unused)
{
    (void)unused;
    run(shields);
}

static void sends_when_parked(void *unused)
{
    while (!explore_asleep(0)) {
        a_relax();
        explore_yield();
    }
    sends_one(unused);
}

CANCEL(cancel_soon, "F013 cancel at the very moment of a park", .setup = open_plain_0,
       .threads = {{"worker", run_waits_soon, NULL}, {"canceller", cancels_warm, NULL}});
CANCEL(cancel_shields, "F015 a shield at the very moment of a cancel", .setup = open_plain_0,
       .threads = {{"worker", run_shields, NULL},
                   {"canceller", cancels_warm, NULL},
                   {"sender", sends_when_parked, NULL}});

/* ---- mutations ----------------------------------------------------------------------------- */

#define CANCEL_BROKEN(ident, text, defect, ...)                                                    \
    EXPLORE_MODEL(ident, text, .mutation = defect, .thread_exit = weir__thread_detach, __VA_ARGS__)

CANCEL_BROKEN(cancel_no_second_look, "an actor parks without a look at its flag",
              "cancel: no second look", .setup = open_plain_0, .expect = "deadlock",
              .threads = {{"worker", run_waits_soon, NULL}, {"canceller", cancels_warm, NULL}});
CANCEL_BROKEN(cancel_not_announced, "an actor parks without having announced it",
              "cancel: not announced", .setup = open_plain_0, .expect = "deadlock",
              .threads = {{"worker", run_waits, NULL}, {"canceller", cancels, NULL}});
CANCEL_BROKEN(cancel_no_fence, "the canceller looks before its flag is seen", "cancel: no fence",
              .setup = open_plain_0, .expect = "deadlock", .flags = EXPLORE_ONLY_RANDOM,
              .threads = {{"worker", run_waits_soon, NULL}, {"canceller", cancels_warm, NULL}});
CANCEL_BROKEN(cancel_not_verified, "a wait is cancelled that somebody has completed",
              "cancel: not verified", .setup = open_plain_0, .check = nothing_lost_0,
              .threads = WAITS_AND(tries_to_send, "sender"));
CANCEL_BROKEN(cancel_shield_not_seen, "a wait is cancelled although a shield has been opened",
              "cancel: shield not seen", .setup = open_plain_0,
              .threads = {{"worker", run_shields, NULL},
                          {"canceller", cancels_warm, NULL},
                          {"sender", sends_when_parked, NULL}});
