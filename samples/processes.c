/* SPDX-License-Identifier: MIT */
/*
 * processes.c - worker processes: numbers are taken apart by a function that computes, crashes for
 * one of them and never ends for another. Each call is an error for its own actor; the others go
 * on, and so does the pipeline.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

enum { CRASHES = 13, HANGS = 17, ACTORS = 3 };

struct factors {
    unsigned long number;
    int count;
    unsigned long factor[64];
};

/* In a worker process: a copy of this program that only does this. */
static int take_apart(const void *request, size_t size, void *reply, size_t room)
{
    struct factors *f = reply;
    if (size != sizeof f->number || room != sizeof *f)
        return WEIR_EINVAL;
    memcpy(&f->number, request, size);
    if (f->number == CRASHES)
        abort();
    for (volatile bool hangs = f->number == HANGS; hangs;)
        ;
    unsigned long rest = f->number;
    for (unsigned long d = 2; d <= rest / d; d++)
        for (; rest % d == 0; rest /= d)
            f->factor[f->count++] = d;
    if (rest > 1)
        f->factor[f->count++] = rest;
    return (int)room;
}
WEIR_PROCESS(take_apart);

WEIR_TYPE(number, unsigned long)
WEIR_TYPE(result, struct factors)

struct ends {
    number_receiver in;
    result_sender out;
    weir_blocking places; /* so many processes; each actor has one, so that none waits */
};

static int worker(void *arg)
{
    struct ends *e = arg;
    unsigned long n;
    int rc;
    while ((rc = number_recv(e->in, &n)) > 0) {
        struct factors f;
        rc = weir_process_call(take_apart, &f, &n, .in = e->places,
                               .deadline = weir_after(3 * WEIR_S));
        if (rc == WEIR_ECANCELED)
            break;
        if (rc < 0)
            printf("%lu: %s\n", n, weir_error_text(rc));
        else if ((rc = result_send(e->out, f)) < 0)
            break;
    }
    return rc;
}

static int feed(void *arg)
{
    number_sender *out = arg;
    int rc = 0;
    for (unsigned long n = 10; n < 20 && rc == 0; n++)
        rc = number_send(*out, n);
    for (unsigned long n = 1000003; n < 1000006 && rc == 0; n++)
        rc = number_send(*out, n * n); /* takes a while */
    return rc;
}

static int print(result_receiver in)
{
    struct factors f;
    int rc;
    while ((rc = result_recv(in, &f)) > 0) {
        printf("%lu =", f.number);
        for (int i = 0; i < f.count; i++)
            printf(" %lu", f.factor[i]);
        printf("\n");
    }
    return rc;
}

static int app(void *arg)
{
    weir_auto(weir_blocking) places = weir_blocking_open(ACTORS);
    struct ends e = {.places = places};
    number_sender numbers;
    result_receiver results;
    (void)arg;
    weir_auto(weir_group) g = weir_group_begin();
    int rc = number_channel(&numbers, &e.in, 0);
    if (rc == 0)
        rc = result_channel(&e.out, &results, 0);
    if (rc == 0)
        rc = weir_spawn(g, feed, &numbers, .give = WEIR_GIVE(number_sender, h));
    for (int i = 0; i < ACTORS && rc == 0; i++)
        rc = weir_spawn(g, worker, &e, .name = "worker", .own = WEIR_OWN(struct ends, in, out));
    weir_close(e.in);
    weir_close(e.out);
    if (rc == 0)
        rc = print(results);
    return weir_group_end_with(g, rc);
}

int main(int argc, char **argv)
{
    (void)argc;
    weir_process_main(argv); /* first: here the worker processes stay */
    weir_set_log(weir_log_stderr, NULL);
    int rc = weir_run(app, NULL, NULL);
    if (rc < 0)
        fprintf(stderr, "processes: %s\n", weir_error_text(rc));
    return rc < 0;
}
