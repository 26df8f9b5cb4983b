/* SPDX-License-Identifier: MIT */
/*
 * sigterm_drain.c - a pipeline that ends well: at SIGTERM or SIGINT it takes no more input, does
 * all that it has taken, and exits with 0. A second signal, or 10 seconds, ends that too.
 *
 *     input -> jobs -> 4 workers -> done -> the count
 */
#include <signal.h>
#include <stdio.h>

#include <weir/weir.h>

WEIR_TYPE(job, int)
WEIR_TYPE(total, long)

struct stage {
    job_receiver in;
    job_sender out;
};

static int work(void *arg)
{
    struct stage *s = arg;
    int job, rc;
    while ((rc = job_recv(s->in, &job)) > 0)
        if ((rc = weir_sleep(WEIR_MS)) < 0 || (rc = job_send(s->out, job)) < 0)
            break;
    return rc;
}

struct sink {
    job_receiver in;
    total_sender total;
};

static int count(void *arg)
{
    struct sink *s = arg;
    int job, rc;
    long n = 0;
    while ((rc = job_recv(s->in, &job)) > 0)
        n++;
    return rc < 0 ? rc : total_send(s->total, n);
}

/* Take input until there is a signal. How many. */
static long take(weir_receiver signals, job_sender jobs)
{
    weir_signal sig;
    for (int n = 1;; n++) {
        weir_case c[] = {weir_on_signal(signals, &sig), job_on_send(jobs, &n)};
        int i = weir_select(c, 2, WEIR_ORDERED), rc = i < 0 ? i : c[i].rc;
        if (rc < 0 || i == 0)
            return rc < 0 ? rc : n - 1;
        if (n == 100 && (printf("working\n") < 0 || fflush(stdout) != 0))
            return WEIR_EPIPE;
    }
}

/* Wait for the rest. How many have been done; WEIR_ECANCELED: somebody is in a hurry. */
static long drain(weir_receiver signals, total_receiver total)
{
    weir_signal sig;
    long n;
    weir_case c[] = {weir_on_signal(signals, &sig), total_on_recv(total, &n)};
    int i = weir_select_by(c, 2, WEIR_ORDERED, weir_after(10 * WEIR_S));
    return i == 0 ? WEIR_ECANCELED : i < 0 ? i : c[i].rc == 1 ? n : WEIR_EPIPE;
}

static int start(weir_group g, job_sender *jobs, total_receiver *total)
{
    struct stage stage = {0};
    struct sink sink = {0};
    int rc;
    if ((rc = job_channel(jobs, &stage.in, 64)) < 0 ||
        (rc = job_channel(&stage.out, &sink.in, 64)) < 0 ||
        (rc = total_oneshot(&sink.total, total)) < 0)
        return rc;
    for (int i = 0; i < 4 && rc == 0; i++)
        rc = weir_spawn(g, work, &stage, .own = WEIR_OWN(struct stage, in, out));
    if (rc == 0)
        rc = weir_spawn(g, count, &sink, .give = WEIR_GIVE(struct sink, in, total));
    weir_close(stage.in);
    weir_close(stage.out);
    return rc;
}

static int app(void *unused)
{
    (void)unused;
    weir_auto(weir_group) g = weir_group_begin();
    weir_receiver signals;
    job_sender jobs = {0};
    total_receiver total = {0};
    long taken, done;
    int rc;
    if ((rc = weir_signals(&signals, SIGTERM, SIGINT, 0)) < 0 || (rc = start(g, &jobs, &total)) < 0)
        return rc;
    taken = take(signals, jobs);
    weir_close(jobs); /* from one stage to the next: what is in it is done, then it ends */
    done = taken < 0 ? taken : drain(signals, total);
    if (done < 0)
        return (int)done; /* the group cancels those who still work */
    printf("%ld of %ld jobs were done\n", done, taken);
    return weir_group_end(g);
}

int main(void)
{
    int rc = weir_run(app, NULL, NULL);
    if (rc < 0)
        fprintf(stderr, "sigterm_drain: %s\n", weir_error_text(rc));
    return rc < 0;
}
