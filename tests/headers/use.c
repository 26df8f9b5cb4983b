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

int main(void)
{
    weir_sender tx;
    weir_receiver rx;
    int rc = weir_channel_open(&tx, &rx, sizeof(int), 0, NULL);
    return rc < 0 ? rc
                  : weir_run(first, &tx, &(weir_options){.guard = WEIR_GUARD_PROTECT}) +
                        weir_run(second, &(struct ends){.a = tx}, NULL) + waits(rx);
}
