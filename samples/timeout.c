/* SPDX-License-Identifier: MIT */
/*
 * timeout.c - a deadline around anything, and clean-up that still runs: a worker gets some
 * milliseconds for its jobs; when they are over it says what is left, inside a shield.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

WEIR_TYPE(job, int)
WEIR_TYPE(report, int)

struct worker {
    job_receiver jobs;
    report_sender done;
    weir_time patience;
};

/* The rest is told even to somebody who takes his time: a second, not for ever. */
static int clean_up(struct worker *w, int done)
{
    weir_auto(weir_scope) last = weir_fail_after(WEIR_S);
    weir_scope_shield(last, true);
    int rc = report_send(w->done, done), end = weir_scope_end(last);
    return end < 0 ? end : rc;
}

static int work(void *arg)
{
    struct worker *w = arg;
    weir_auto(weir_scope) time = weir_move_on_after(w->patience);
    int job, rc, done = 0;
    while ((rc = job_recv(w->jobs, &job)) > 0) /* WEIR_ECANCELED when the time is over */
        done++;
    int told = clean_up(w, done);
    if (told < 0)
        return told;
    if (weir_scope_end(time) == 1) /* it fired, and goes no further */
        return printf("out of time after %d jobs\n", done);
    if (rc == 0)
        printf("%d jobs and nothing more to do\n", done);
    return rc;
}

struct plan {
    int jobs;
    weir_time patience;
};

static int app(void *arg)
{
    const struct plan *plan = arg;
    weir_auto(weir_group) g = weir_group_begin();
    struct worker w = {.patience = plan->patience};
    job_sender jobs;
    report_receiver done;
    int rc, n = 0;
    if ((rc = job_channel(&jobs, &w.jobs, 4)) < 0 || (rc = report_channel(&w.done, &done, 0)) < 0 ||
        (rc = weir_spawn(g, work, &w, .name = "worker")) < 0)
        return rc;
    for (int i = 0; i < plan->jobs && rc >= 0; i++)
        rc = job_send(jobs, i);
    if (plan->patience == WEIR_NEVER)
        weir_close(jobs);
    if (rc < 0 || (rc = report_recv(done, &n)) < 0)
        return rc;
    printf("%d of %d were done\n", n, plan->jobs);
    return weir_group_end(g);
}

int main(int argc, char **argv)
{
    struct plan plan = {3, argc > 1 ? atoi(argv[1]) * WEIR_MS : WEIR_NEVER};
    int rc = weir_run(app, &plan, NULL);
    if (rc < 0)
        fprintf(stderr, "timeout: %s\n", weir_error_text(rc));
    return rc < 0;
}
