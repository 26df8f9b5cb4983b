/* SPDX-License-Identifier: MIT */
/* count.c - a counter: counts the words of jobs, and hands its table over when it is collected. */
#include <stdlib.h>

#include "wordserver.h"

static int count_job(struct table **words, struct job *job)
{
    if (!*words)
        *words = table_new();
    uint64_t before = *words ? (*words)->total : 0;
    bool counted = *words && table_count(*words, job->text.text, job->text.length);
    free(job->text.text);
    job->text.text = NULL;
    if (!counted)
        return WEIR_ENOMEM;
    int rc = done_send(job->done, (*words)->total - before);
    return rc == WEIR_ECANCELED ? rc : 0; /* the client may have gone: its words count */
}

static int hand_over(table_sender tables, struct table **words)
{
    int rc = table_send(tables, *words);
    if (rc == 0)
        *words = NULL;
    return rc;
}

int count(void *counter)
{
    enum { COLLECT, JOB };
    const struct counter *c = counter;
    struct table *words = NULL;
    struct job job;
    char now;
    int i, rc = 0;
    weir_case cases[] = {
        [COLLECT] = collect_on_recv(c->collect, &now), [JOB] = job_on_recv(c->jobs, &job)};
    while (rc >= 0 && (i = weir_select(cases, 2, WEIR_ORDERED)) >= 0) {
        if ((rc = cases[i].rc) == 0 && i == COLLECT)
            break;
        if (rc == 0)
            weir_case_off(&cases[i]);
        else if (rc > 0)
            rc = i == JOB ? count_job(&words, &job) : hand_over(c->tables, &words);
    }
    table_free(words);
    return rc < 0 ? rc : i < 0 ? i : 0;
}
