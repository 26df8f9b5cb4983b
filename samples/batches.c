/* SPDX-License-Identifier: MIT */
/*
 * batches.c - a select over jobs and a ticker: jobs are stored in batches, when a batch is full
 * or, so that none waits long, at the next tick.
 */
#include <stdio.h>

#include <weir/weir.h>

enum { JOBS = 2000, FULL = 64 };
WEIR_TYPE(job, int)

static int produce(void *arg)
{
    job_sender *jobs = arg;
    int rc = 0;
    for (int i = 0; i < JOBS && rc == 0; i++)
        if ((rc = job_send(*jobs, i)) == 0 && i % 500 == 499)
            rc = weir_sleep(3 * WEIR_MS); /* nothing to do for a while */
    return rc;
}

struct store {
    int batch[FULL], n; /* what waits to be stored */
    int jobs, batches, early;
};

static void flush(struct store *s)
{
    s->jobs += s->n; /* a program would write the batch somewhere */
    s->batches += s->n > 0;
    s->early += s->n > 0 && s->n < FULL;
    s->n = 0;
}

static int store(job_receiver jobs)
{
    enum { TICK, JOB };
    struct store s = {.n = 0};
    weir_auto(weir_receiver) ticker = weir_ticker_open(WEIR_MS);
    weir_time now;
    int job, i, rc = 1;
    weir_case c[] = {[TICK] = weir_on_tick(ticker, &now), [JOB] = job_on_recv(jobs, &job)};
    while ((i = weir_select(c, 2, WEIR_FAIR)) >= 0 && (rc = c[i].rc) > 0) {
        if (i == JOB)
            s.batch[s.n++] = job;
        if (i == TICK || s.n == FULL)
            flush(&s);
    } /* the jobs have ended; a ticker does not */
    flush(&s);
    printf("%d jobs in %d batches, %d of them not full\n", s.jobs, s.batches, s.early);
    return i < 0 ? i : rc;
}

static int app(void *unused)
{
    job_sender tx;
    job_receiver rx;
    (void)unused;
    job_channel(&tx, &rx, 16);
    weir_spawn(WEIR_RUN, produce, &tx, .give = WEIR_GIVE(job_sender, h));
    return store(rx);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
