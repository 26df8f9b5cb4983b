/* SPDX-License-Identifier: MIT */
/*
 * from_thread.c - a function on a thread of weir's talks to actors: by channels and events, as they
 * do with each other, or by running something as an actor, through a portal.
 */
#include <stdio.h>

#include <weir/weir.h>

WEIR_TYPE(step, int)

struct job {
    step_sender steps;
    weir_portal portal;
};

/* An actor: it may wait without a thread, and its scopes are those of who opened the portal. */
static int nap(void *arg)
{
    const weir_time *how_long = arg;
    return weir_sleep(*how_long);
}

static int work(void *arg, void *result)
{
    const struct job *job = arg;
    int *done = result, rc = 0;
    for (int i = 1; i <= 3 && rc == 0 && !weir_cancelled(); i++) {
        weir_time how_long = WEIR_MS;
        if ((rc = weir_portal_call(job->portal, nap, &how_long)) == 0)
            rc = step_send(job->steps, i); /* the thread sleeps until it is taken */
        *done = i;
    }
    return rc;
}

static int run(void *arg)
{
    const struct job *job = arg;
    int done, rc = weir_blocking_call(work, &done, job);
    if (rc == 0)
        printf("the thread has done %d steps\n", done);
    return rc;
}

static int app(void *unused)
{
    struct job job;
    step_receiver steps;
    int rc, step;
    (void)unused;
    weir_auto(weir_portal) portal = weir_portal_open();
    weir_auto(weir_group) g = weir_group_begin();
    job.portal = portal;
    if ((rc = step_channel(&job.steps, &steps, 0)) < 0 ||
        (rc = weir_spawn(g, run, &job, .give = WEIR_GIVE(struct job, steps))) < 0)
        return rc;
    while ((rc = step_recv(steps, &step)) > 0)
        printf("step %d\n", step);
    return weir_group_end_with(g, rc);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
