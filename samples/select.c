/* SPDX-License-Identifier: MIT */
/* select.c - a worker waits for whichever comes first: a job, or a question about the jobs. */
#include <stdio.h>

#include <weir/weir.h>

enum { JOBS = 100000 };
WEIR_TYPE(num, long)
WEIR_TYPE(question, num_sender) /* where to send the answer */

struct worker {
    num_receiver jobs;
    question_receiver questions;
};

static int work(void *arg)
{
    enum { QUESTION, JOB };
    struct worker *w = arg;
    num_sender answer;
    long job, sum = 0;
    weir_case c[] = {
        [QUESTION] = question_on_recv(w->questions, &answer), [JOB] = num_on_recv(w->jobs, &job)};
    int i, rc = 0;
    while (rc >= 0 && (i = weir_select(c, 2, WEIR_FAIR)) >= 0)
        if ((rc = c[i].rc) == 0)
            weir_case_off(&c[i]); /* has ended; when both have, there is nothing to wait for */
        else if (rc > 0 && i == QUESTION)
            rc = num_send(answer, sum);
        else if (rc > 0)
            sum += job;
    return rc;
}

static int app(void *unused)
{
    struct worker w;
    num_sender jobs, answer;
    num_receiver answers;
    question_sender questions;
    long sum = 0;
    int rc = 0;
    (void)unused;
    num_channel(&jobs, &w.jobs, 16);
    question_channel(&questions, &w.questions, 0);
    num_channel(&answer, &answers, 0);
    weir_spawn(WEIR_RUN, work, &w, .give = WEIR_GIVE(struct worker, jobs, questions));
    for (long n = 1; rc >= 0 && sum < JOBS * (JOBS + 1L) / 2; n++) {
        if (n <= JOBS && (rc = num_send(jobs, n)) == 0 && n % 1000)
            continue;
        if (rc >= 0 && (rc = question_send(questions, answer)) == 0)
            rc = num_recv(answers, &sum); /* of what it has done so far */
    }
    printf("the sum up to %d is %ld\n", JOBS, sum);
    return rc < 0 ? rc : 0; /* our senders are closed, so the worker ends */
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
