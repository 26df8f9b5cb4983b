/* SPDX-License-Identifier: MIT */
/*
 * pool_stop.c - a pool of workers that shuts down in order when one of them fails: the
 * others and the producer are cancelled, each puts back what it has, and the owner
 * says who failed and what was left undone. All children have ended before it goes on.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

enum { WORKERS = 4, JOBS = 1000, BAD_JOB = -1000 };

WEIR_TYPE(job, int)

struct worker {
    job_receiver jobs;
    job_sender undone; /* unbounded: never waits, so it may be used when cancelled */
    int poison;        /* the job that fails */
};

static int work(void *arg)
{
    struct worker *w = arg;
    int job, rc;
    while ((rc = job_recv(w->jobs, &job)) > 0) {
        if (job == w->poison)
            return BAD_JOB;
        if (weir_yield() < 0) /* half-way through the job: cancelled */
            return job_try_send(w->undone, job) < 0 ? BAD_JOB : WEIR_ECANCELED;
    }
    return rc;
}

static int produce(void *arg)
{
    job_sender jobs = *(job_sender *)arg;
    for (int i = 1; i <= JOBS; i++) {
        int rc = job_send(jobs, i);
        if (rc < 0)
            return rc; /* not delivered: job i is still ours */
    }
    return 0;
}

static int pool(void *arg)
{
    struct worker w = {.poison = *(int *)arg};
    weir_auto(weir_group) g = weir_group_begin();
    job_sender jobs;
    job_receiver undone;
    weir_failure f;
    int rc, job, left = 0;
    if ((rc = job_channel(&jobs, &w.jobs, 8)) < 0 ||
        (rc = job_channel(&w.undone, &undone, WEIR_UNBOUNDED)) < 0 ||
        (rc = weir_spawn(g, produce, &jobs, .name = "producer", .give = WEIR_GIVE(job_sender, h))) <
            0)
        return rc;
    for (int i = 0; i < WORKERS && rc == 0; i++)
        rc = weir_spawn(g, work, &w, .name = "worker");
    rc = rc < 0 ? rc : weir_group_wait(g); /* all have ended, but the errors are still there */
    for (unsigned i = 0; weir_group_error(g, i, &f) > 0; i++)
        printf("%s failed: %d\n", f.name, f.error);
    while (job_try_recv(undone, &job) > 0 || job_try_recv(w.jobs, &job) > 0)
        left++;
    printf("%s\n", left > 0 ? "some jobs are left" : "nothing is left");
    weir_group_end(g);
    return rc == BAD_JOB ? 0 : rc;
}

int main(int argc, char **argv)
{
    int poison = argc > 1 ? atoi(argv[1]) : 500;
    int rc = weir_run(pool, &poison, NULL);
    if (rc < 0)
        fprintf(stderr, "pool_stop: %s\n", weir_error_text(rc));
    return rc < 0;
}
