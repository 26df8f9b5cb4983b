/* SPDX-License-Identifier: MIT */
/* use.cc - a C++ program's view of weir: all but the macros that spawn, which are C. */
#include <weir/weir.h>

struct job {
    int number;
};

WEIR_TYPE(job, struct job)

static int untyped(weir_sender tx, weir_receiver rx)
{
    long item = 1, items[2] = {2, 3};
    weir_statistics statistics;
    return weir_send(tx, &item) + weir_send_by(tx, &item, weir_after(WEIR_MS)) +
           weir_try_send(tx, &item) + weir_send_many(tx, items, 2) +
           weir_send_many_by(tx, items, 2, WEIR_NEVER) + weir_try_send_many(tx, items, 2) +
           weir_recv(rx, &item) + weir_recv_by(rx, &item, weir_now()) + weir_try_recv(rx, &item) +
           weir_recv_many(rx, items, 2) + weir_recv_many_by(rx, items, 2, WEIR_NEVER) +
           weir_try_recv_many(rx, items, 2) + weir_check(tx) +
           weir_channel_statistics(rx, &statistics) + weir_close(tx) + weir_close(rx);
}

static int child(void *arg)
{
    int value = 1;
    return weir_close(*static_cast<job_sender *>(arg)) +
           weir_child_started_sized(&value, sizeof value);
}

static int spawns(job_sender tx)
{
    weir_auto(weir_group) group = weir_group_begin();
    weir_auto(weir_task) task;
    int value = 0;
    weir_spawn_options o = {};
    o.arg = &tx;
    o.own = WEIR_OWN(job_sender, h);
    o.task = &task;
    return weir_spawn_sized(WEIR_RUN, child, sizeof tx, &o) + weir_task_wait(task) +
           weir_child_start_sized(group, child, &value, sizeof value, sizeof tx, &o);
}

static int upper(const void *request, size_t size, void *reply, size_t room)
{
    return request && reply ? static_cast<int>(size < room ? size : room) : WEIR_EINVAL;
}
WEIR_PROCESS(upper);

static int processes()
{
    char reply[4];
    weir_process_options o = {};
    o.request = "abc";
    return weir_process_call_sized(upper, reply, sizeof reply, 3, &o);
}

static bool holds(void *)
{
    return true;
}

static int primitives()
{
    weir_lock lock = weir_lock_open();
    weir_condition condition = weir_condition_open(lock);
    weir_sync_statistics statistics;
    int rc;
    {
        weir_auto(weir_held) held = weir_lock_hold(lock);
        rc = held.rc + weir_condition_wait_for(condition, holds, nullptr) +
             weir_sync_statistics(condition, &statistics);
    }
    return rc + weir_close(condition) + weir_close(lock);
}

static int body(void *arg)
{
    auto *ends = static_cast<job_sender *>(arg);
    weir_auto(job_sender) clone = job_sender_clone(*ends);
    weir_auto(weir_scope) outer = weir_fail_after(WEIR_S);
    weir_auto(weir_scope) scope = weir_move_on_at(weir_after(WEIR_S));
    weir_auto(weir_scope) inner = weir_scope_begin();
    weir_scope_shield(inner, true);
    weir_group group = weir_group_begin();
    job_send(clone, job{1});
    return weir_yield() + weir_group_end(group) + spawns(*ends);
}

int main()
{
    job_sender tx;
    job_receiver rx;
    weir_sender untyped_tx;
    weir_receiver untyped_rx;
    if (job_channel(&tx, &rx, 1) < 0 ||
        weir_channel_open(&untyped_tx, &untyped_rx, sizeof(long), WEIR_UNBOUNDED, nullptr) < 0)
        return 1;
    job_sender clone = job_sender_clone(tx);
    job in = {0}, out = {1};
    long item = 0;
    weir_case cases[] = {job_on_recv(rx, &in), job_on_send(clone, &out),
                         weir_on_recv(untyped_rx, &item), weir_on_send(untyped_tx, &item)};
    weir_case_off(&cases[3]);
    weir_time tick;
    weir_receiver ticker = weir_ticker_open(WEIR_S), timer = weir_timer_open(weir_now());
    weir_case ticks[] = {weir_on_tick(ticker, &tick), weir_on_tick(timer, &tick)};
    if (weir_select(ticks, 2, WEIR_FAIR) != 1 || weir_try_recv(ticker, &tick) != WEIR_EAGAIN)
        return 1;
    if (weir_try_select(cases, 4, WEIR_ORDERED) != 1 || weir_select(cases, 4, WEIR_FAIR) != 0 ||
        weir_select_by(cases, 1, WEIR_FAIR, weir_now()) != WEIR_ETIMEDOUT)
        return 1;
    weir_close(clone);
    job_sender answer;
    job_receiver asker;
    if (job_oneshot(&answer, &asker) < 0 || job_send(answer, job{2}) < 0 ||
        job_recv(asker, &in) != 1 || job_recv(asker, &in) != 0)
        return 1;
    job_sender setter;
    job_receiver getter;
    if (job_watch(&setter, &getter, &out) < 0 || job_watch_read(getter, &in) != 1 ||
        weir_watch_read(weir_receiver{getter.h}, &in) != 1 || in.number != 1)
        return 1;
    job_sender feed;
    job_receiver first;
    if (job_broadcast(&feed, &first, 2, WEIR_LOSE_OLDEST) < 0)
        return 1;
    job_receiver second = job_broadcast_subscribe(feed, WEIR_LOSE_NOTHING);
    if (job_send(feed, job{3}) < 0 || job_recv(first, &in) != 1 || job_recv(second, &in) != 1 ||
        job_broadcast_lost(second) != 0)
        return 1;
    return weir_run(body, &tx, nullptr) + untyped(untyped_tx, untyped_rx) + primitives() +
           processes();
}
