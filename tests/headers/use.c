/* SPDX-License-Identifier: MIT */
/* use.c - what only C can use of the headers, each macro in each form, in plain C11. */
#include <weir/weir.h>

struct ends {
    weir_sender a, b, c, d, e, f, g, h;
};

static int body(void *arg)
{
    return arg ? 0 : WEIR_EINVAL;
}

static int first(void *arg)
{
    struct ends ends = {.a = *(weir_sender *)arg};
    const struct ends *view = &ends;
    weir_group group = weir_group_begin();
    int rc = weir_spawn(group, body, NULL) + weir_spawn(group, body, (void *)&ends) +
             weir_spawn(group, body, &ends) + weir_spawn(WEIR_RUN, body, view, .name = "view");
    rc += weir_spawn(group, body, &ends, .own = WEIR_OWN(struct ends, a));
    rc += weir_spawn(group, body, &ends, .own = WEIR_OWN(struct ends, a, b));
    rc += weir_spawn(group, body, &ends, .own = WEIR_OWN(struct ends, a, b, c));
    rc += weir_spawn(group, body, &ends, .own = WEIR_OWN(struct ends, a, b, c, d));
    rc += weir_spawn(group, body, &ends, .give = WEIR_GIVE(struct ends, a, b, c, d, e));
    rc += weir_spawn(group, body, &ends, .give = WEIR_GIVE(struct ends, a, b, c, d, e, f));
    rc += weir_spawn(group, body, &ends, .give = WEIR_GIVE(struct ends, a, b, c, d, e, f, g));
    rc += weir_spawn(group, body, &ends, .name = "all",
                     .own = WEIR_OWN(struct ends, a, b, c, d, e, f, g, h));
    return rc + weir_group_end(group);
}

static int starts(void *arg)
{
    int value = 1;
    return arg ? weir_child_started(&value) : weir_child_started((void *)NULL);
}

static int waits(weir_receiver rx)
{
    long item;
    weir_auto(weir_receiver) other = weir_receiver_clone(rx);
    weir_auto(weir_scope) outer = weir_fail_at(weir_after(WEIR_S));
    weir_auto(weir_scope) scope = weir_move_on_after(WEIR_MS);
    weir_auto(weir_scope) inner = weir_scope_begin();
    int rc = weir_recv(other, &item);
    return rc + weir_scope_end(inner) + weir_scope_end(scope) + weir_scope_end(outer);
}

static int second(void *arg)
{
    const struct ends *ends = arg;
    int value = 0;
    weir_auto(weir_group) group = weir_group_begin();
    weir_auto(weir_task) task;
    int rc = weir_child_start(group, starts, &value, ends, .own = WEIR_OWN(struct ends, a)) +
             weir_child_start(group, starts, (void *)NULL, NULL, .name = "none") +
             weir_spawn(group, body, NULL, .task = &task, .pinned = true);
    return rc + weir_task_wait(task) + weir_task_wait_by(task, WEIR_NEVER);
}

static int upper(const void *request, size_t size, void *reply, size_t room)
{
    return request && reply ? (int)(size < room ? size : room) : WEIR_EINVAL;
}
WEIR_PROCESS(upper);

static int processes(void)
{
    char text[4] = "abc", reply[8];
    const char *view = text;
    return weir_process_call(upper, &reply, &text) + weir_process_call(upper, (void *)NULL, NULL) +
           weir_process_call(upper, reply, view, .in = weir_process_default(),
                             .deadline = weir_after(WEIR_S));
}

/* The forms of weir/sync.h that are macros. */
static int primitives(void)
{
    weir_event event = weir_event_open();
    weir_lock lock = weir_lock_open();
    weir_condition condition = weir_condition_open(lock);
    weir_limiter limiter = weir_limiter_open(1);
    weir_rwlock rwlock = weir_rwlock_open();
    weir_sync_statistics statistics;
    int rc = weir_event_wait(event) + weir_lock_acquire(lock) + weir_condition_wait(condition) +
             weir_condition_notify_all(condition) + weir_condition_wait_for(condition, NULL, NULL);
    rc += weir_semaphore_acquire(weir_semaphore_open(1, WEIR_UNBOUNDED));
    rc += weir_limiter_acquire(limiter) + weir_limiter_acquire_for(limiter, 1);
    rc += weir_rwlock_read(rwlock) + weir_rwlock_write(rwlock);
    rc += weir_barrier_wait(weir_barrier_open(1)) + weir_once_begin(weir_once_open());
    rc += weir_waitgroup_wait(weir_waitgroup_open()) + weir_rate_acquire(weir_rate_open(1, 1, 1));
    weir_auto(weir_held) held = weir_lock_hold(lock);
    weir_auto(weir_exclusive) exclusive = weir_exclusive_open();
    return rc + held.rc + weir_exclusive_begin(exclusive) +
           weir_sync_statistics(event, &statistics) + (int)statistics.waiting + weir_close(lock);
}

/* Those of weir/name.h. */
static int names(weir_sender tx)
{
    weir_sender found;
    weir_auto(weir_name) name = weir_name_register("name", tx);
    return weir_name_find("name", &found, long) +
           weir_name_await("name", &found, long, WEIR_NEVER) + (int)WEIR_NAME_MAX +
           weir_check(name);
}

/* Those of weir/buffered.h and weir/copy.h. */
static int wrappers(weir_stream s)
{
    char to[8];
    size_t n;
    weir_copied copied;
    weir_relayed relayed;
    weir_auto(weir_buffered) in = weir_buffer(s, NULL);
    int rc = weir_recv_exactly(in, to, 1) + weir_recv_line(in, to, sizeof to, &n) +
             weir_recv_until(in, "; ", to, sizeof to, &n);
    rc += weir_recv_frame(in, WEIR_FRAME_8, to, sizeof to, &n) + (int)weir_peek(in, to, 1);
    rc += weir_send_frame(in.stream, WEIR_FRAME_64_LITTLE, to, 1) + weir_check(in);
    return rc + weir_stream_copy(in.stream, s, &copied) + weir_stream_relay(s, s, &relayed);
}

/* Those of weir/stream.h and weir/chunk.h. */
WEIR_TYPE_ENDS(part, long)

static int streams(weir_sender tx)
{
    int value;
    weir_auto(weir_stream) s = {0};
    weir_auto(weir_chunk) c = {0};
    return weir_stream_get(s, WEIR_ATTRIBUTE_USER, &value) + (int)WEIR_IOV_MAX +
           (int)(WEIR_CHUNK_MAX + c.size) + part_send((part_sender){tx.h}, 1);
}

int main(void)
{
    weir_sender tx;
    weir_receiver rx;
    int rc = weir_channel_open(&tx, &rx, sizeof(int), 0, NULL);
    return rc < 0 ? rc
                  : weir_run(first, &tx, &(weir_options){.guard = WEIR_GUARD_PROTECT}) +
                        weir_run(second, &(struct ends){.a = tx}, NULL) + waits(rx) + primitives() +
                        names(tx) + streams(tx) + processes() + wrappers((weir_stream){0});
}
