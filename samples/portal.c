/* SPDX-License-Identifier: MIT */
/*
 * portal.c - a program of plain threads uses actors: a run in the background, and a portal into it
 * through which any thread calls functions as actors.
 */
#include <stdio.h>

#include <weir/weir.h>

/* The first actor holds the door open until it is told to stop. */
static int hold_open(void *arg)
{
    const weir_future *opened = arg;
    weir_auto(weir_portal) portal = weir_portal_open();
    int rc = weir_future_set(*opened, &portal);
    if (rc < 0 || (rc = weir_portal_wait(portal)) < 0)
        return rc;
    return weir_portal_end(portal); /* waits for what has entered */
}

struct pair {
    int a, b;
};

static int add(void *arg)
{
    const struct pair *pair = arg;
    int rc = weir_sleep(WEIR_MS);
    return rc < 0 ? rc : pair->a + pair->b;
}

static int long_task(void *unused)
{
    (void)unused;
    return weir_sleep(3600 * WEIR_S);
}

static int use(weir_portal portal)
{
    weir_task task;
    int rc = weir_portal_call(portal, add, &((struct pair){40, 2}));
    if (rc < 0)
        return rc;
    printf("called: 40 + 2 = %d\n", rc);
    rc = weir_portal_call_by(portal, weir_after(20 * WEIR_MS), long_task, NULL);
    printf("called with a deadline: %s\n", weir_error_text(rc));
    if ((rc = weir_portal_start(portal, long_task, NULL, .task = &task)) < 0)
        return rc;
    printf("started: it %s\n", weir_task_state(task) == WEIR_TASK_RUNNING ? "runs" : "is over");
    if ((rc = weir_task_cancel(task, "changed my mind")) < 0 || (rc = weir_task_wait(task)) < 0)
        return rc;
    printf("cancelled: %s\n", weir_task_state(task) == WEIR_TASK_CANCELLED ? "yes" : "no");
    weir_close(task);
    return weir_portal_stop(portal, false);
}

int main(void)
{
    weir_portal portal;
    weir_auto(weir_future) opened = weir_future_open(sizeof portal);
    int rc = weir_start(hold_open, &opened, NULL);
    if (rc == 0) {
        if ((rc = weir_future_get(opened, &portal)) == 0)
            rc = use(portal);
        int stopped = weir_stop("main has ended");
        rc = rc < 0 ? rc : stopped;
    }
    if (rc < 0)
        fprintf(stderr, "portal: %s\n", weir_error_text(rc));
    return rc < 0;
}
