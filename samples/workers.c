/* SPDX-License-Identifier: MIT */
/*
 * workers.c - cloned ends: several producers share the sender of a channel, several workers
 * its receiver, and the results of all meet on a second channel.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

typedef unsigned long long number;
WEIR_TYPE(job, number)
WEIR_TYPE(result, number)

struct producer {
    number first;
    job_sender jobs;
};

struct worker {
    job_receiver jobs;
    result_sender results;
};

static number producers = 4, workers = 4, limit = 100000;

static int produce(void *arg)
{
    struct producer *p = arg;
    int rc = 0;
    for (number n = p->first; rc == 0 && n <= limit; n += producers)
        rc = job_send(p->jobs, n);
    return rc;
}

static int work(void *arg)
{
    struct worker *w = arg;
    number n;
    int rc;
    while ((rc = job_recv(w->jobs, &n)) > 0)
        if ((rc = result_send(w->results, n * n)) < 0)
            break;
    return rc;
}

static int spawn_all(weir_group g, job_sender jobs, struct worker *w)
{
    struct producer p = {.jobs = jobs};
    int rc = 0;
    for (p.first = 1; rc == 0 && p.first <= producers; p.first++)
        rc = weir_spawn(g, produce, &p, .name = "produce", .own = WEIR_OWN(struct producer, jobs));
    for (number i = 0; rc == 0 && i < workers; i++)
        rc = weir_spawn(g, work, w, .name = "work", .own = WEIR_OWN(struct worker, jobs, results));
    return rc;
}

static int sum_squares(void *arg)
{
    number *sum = arg;
    job_sender jobs;
    result_receiver results;
    struct worker w;
    number square;
    int rc;
    if ((rc = job_channel(&jobs, &w.jobs, 64)) < 0 ||
        (rc = result_channel(&w.results, &results, 64)) < 0)
        return rc;
    weir_group g = weir_group_begin();
    int spawned = spawn_all(g, jobs, &w);
    weir_close(jobs); /* ours: the children have clones */
    weir_close(w.jobs);
    weir_close(w.results);
    while ((rc = result_recv(results, &square)) > 0)
        *sum += square;
    return weir_group_end_with(g, spawned < 0 ? spawned : rc);
}

int main(int argc, char **argv)
{
    number *const numbers[] = {&producers, &workers, &limit};
    number sum = 0;
    for (int i = 1; i < argc; i++) {
        char *end;
        long n = strtol(argv[i], &end, 10);
        if (i > 3 || *end || n < 1 || n > (i < 3 ? 1000 : 1000000))
            return fputs("Usage: workers [PRODUCERS [WORKERS [NUMBERS]]]\n", stderr), 2;
        *numbers[i - 1] = (number)n;
    }
    int rc = weir_run(sum_squares, &sum, NULL);
    if (rc < 0)
        return fprintf(stderr, "workers: %s\n", weir_error_text(rc)), 1;
    printf("the sum of the squares up to %llu is %llu\n", limit, sum);
    return sum != limit * (limit + 1) * (2 * limit + 1) / 6;
}
