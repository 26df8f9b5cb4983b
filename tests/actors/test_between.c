/* SPDX-License-Identifier: MIT */
/* ../channels/scenario_between.h: it is an actor that is stopped, and threads that meddle. */
#include <weir/weir.h>

#include "../channels/scenario_between.h"
#include "one_worker.h"
#include "task.h"

static void call_party(struct call *c)
{
    EXPECT_RC(weir_run(call_body, c, &one_worker), 0);
}

struct gift {
    weir_sender tx;
};

static int keep(void *arg)
{
    (void)arg;
    return 0;
}

static int give(struct call *c)
{
    struct gift gift = {c->tx};
    return weir_spawn(WEIR_RUN, keep, &gift, .give = WEIR_GIVE(struct gift, tx));
}

/* The handle was good when the spawn began. */
static void closed_before_it_is_given(void)
{
    struct ends e;
    stops_begin();
    open_ends(&e, sizeof(uint64_t), 4, 0);
    struct call c = {.op = CALL_OTHER, .other = give, .tx = e.tx};
    call_begin(&c);
    stop_at(0, e.ch);
    call_start(&c);
    stop_reached(0);
    EXPECT_RC(weir_close(e.tx), 0);
    stop_leave(0);
    EXPECT_RC(call_join(&c), WEIR_ECLOSED);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 0); /* closed once */
    EXPECT_RC(try_recv_number(e.rx), 0);
    EXPECT_RC(weir_close(e.rx), 0);
    call_end(&c);
    stops_end();
}

/* ---- what is no channel is closed when the handle was found good ----------------------------- */

struct asker {
    struct call call;
    weir_handle h;
    int (*ask)(weir_handle h);
};

static int asks(struct call *c)
{
    struct asker *a = container_of(c, struct asker, call);
    return a->ask(a->h);
}

/* What a thread is told that asks while the calling actor closes. */
static int told_when_closed(weir_handle h, int (*ask)(weir_handle), int (*close)(weir_handle))
{
    struct asker a = {.call = {.op = CALL_OTHER, .other = asks, .plain = true}, .h = h, .ask = ask};
    call_begin(&a.call);
    stop_at(0, handle_slot(h)->object);
    call_start(&a.call);
    stop_reached(0);
    EXPECT_RC(close(h), 0);
    stop_leave(0);
    int rc = call_join(&a.call);
    call_end(&a.call);
    return rc;
}

static int task_result(weir_handle h)
{
    int result;
    return weir_task_result((weir_task){h}, &result);
}

static int task_state(weir_handle h)
{
    return weir_task_state((weir_task){h});
}

static int task_cancel(weir_handle h)
{
    return weir_task_cancel((weir_task){h}, "too late");
}

static int task_wait(weir_handle h)
{
    return weir_task_wait((weir_task){h});
}

static int waits_for_an_end(void *arg)
{
    struct ends *e = arg;
    uint64_t item;
    EXPECT_RC(weir_recv(e->rx, &item), 0);
    return 0;
}

static int closes_tasks(void *arg)
{
    static int (*const ask[])(weir_handle) = {task_result, task_state, task_cancel, task_wait,
                                              weir_handle_close};
    struct ends *e = arg;
    for (size_t i = 0; i < sizeof ask / sizeof *ask; i++) {
        weir_task t;
        EXPECT_RC(weir_spawn(WEIR_RUN, waits_for_an_end, (void *)e, .task = &t), 0);
        EXPECT_RC(told_when_closed(t.h, ask[i], weir_handle_close),
                  ask[i] == weir_handle_close ? 0 : WEIR_ECLOSED);
    }
    EXPECT_RC(weir_close(e->tx), 0);
    return 0;
}

/* The same while it waits for the lock, which is held by somebody who then closes. */
struct holder {
    weir_handle h;
    a32 *lock;
};

static void closes(void *arg)
{
    struct holder *o = arg;
    lock_release(o->lock, 0);
    EXPECT_RC(weir_handle_close(o->h), 0);
}

static int told_when_locked(weir_handle h, int (*ask)(weir_handle))
{
    struct task *t = handle_slot(h)->object;
    struct holder o = {h, &t->change.lock};
    lock_acquire(o.lock, 0);
    on_yield(closes, &o);
    int rc = ask(h);
    EXPECT(has_yielded());
    EXPECT_EQ(a32_load(o.lock), 0);
    return rc;
}

static int closes_locked_tasks(void *arg)
{
    struct ends *e = arg;
    weir_task t;
    EXPECT_RC(weir_spawn(WEIR_RUN, waits_for_an_end, (void *)e, .task = &t), 0);
    EXPECT_RC(told_when_locked(t.h, task_state), WEIR_ECLOSED);
    EXPECT_RC(weir_spawn(WEIR_RUN, waits_for_an_end, (void *)e, .task = &t), 0);
    EXPECT_RC(told_when_locked(t.h, weir_handle_close), 0); /* it is closed once */
    EXPECT_RC(weir_handle_check(t.h), WEIR_ECLOSED);
    EXPECT_RC(weir_close(e->tx), 0);
    return 0;
}

static int group_error(weir_handle h)
{
    weir_failure f;
    return weir_group_error((weir_group){h}, 0, &f);
}

static int group_cancel(weir_handle h)
{
    return weir_group_cancel((weir_group){h}, "too late");
}

static int group_spawn(weir_handle h)
{
    return weir_spawn((weir_group){h}, keep, NULL);
}

static int group_end(weir_handle h)
{
    return weir_group_end((weir_group){h});
}

static int scope_cancel(weir_handle h)
{
    return weir_scope_cancel((weir_scope){h}, "too late");
}

static int scope_shield(weir_handle h)
{
    return weir_scope_shield((weir_scope){h}, true);
}

static int scope_end(weir_handle h)
{
    return weir_scope_end((weir_scope){h});
}

/* A cancellation that comes when the scope is over is one that came before it: it does nothing. */
static int ends_groups_and_scopes(void *arg)
{
    (void)arg;
    EXPECT_RC(told_when_closed(weir_group_begin().h, group_error, group_end), WEIR_ECLOSED);
    EXPECT_RC(told_when_closed(weir_group_begin().h, group_spawn, group_end), WEIR_ECLOSED);
    EXPECT_RC(told_when_closed(weir_group_begin().h, group_cancel, group_end), 0);
    EXPECT_RC(told_when_closed(weir_scope_begin().h, scope_cancel, scope_end), 0);
    EXPECT_RC(told_when_closed(weir_scope_begin().h, scope_shield, scope_end), 0);
    EXPECT(!weir_cancelled());
    return 0;
}

static void task_closed_in_between(void)
{
    static const weir_body ways[] = {closes_tasks, closes_locked_tasks};
    for (int i = 0; i < 2; i++) {
        struct ends e;
        stops_begin();
        open_ends(&e, sizeof(uint64_t), 4, 0);
        EXPECT_RC(weir_run(ways[i], (void *)&e, &one_worker), 0);
        EXPECT_RC(weir_close(e.rx), 0);
        stops_end();
    }
}

static void group_ended_in_between(void)
{
    stops_begin();
    EXPECT_RC(weir_run(ends_groups_and_scopes, NULL, &one_worker), 0);
    stops_end();
}

TEST_SUITE(between, "actors: between two steps of a call",
           BETWEEN_CASES(BETWEEN_CASE){"F041 a handle is closed while it is given",
                                       closed_before_it_is_given},
           {"F008 a task's handle is closed while somebody asks", task_closed_in_between},
           {"F002 F012 a group or a scope ends while somebody asks", group_ended_in_between});
