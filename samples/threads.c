/* SPDX-License-Identifier: MIT */
/*
 * threads.c - plain threads and actors on the same channels: two threads send numbers, two
 * actors double them, a third thread adds up. A thread closes what it was given itself.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

WEIR_TYPE(num, long)

enum { SENDERS = 2, ACTORS = 2 };
static long count = 10000;

struct ends {
    num_receiver in;
    num_sender out;
};

struct thread {
    pthread_t id;
    num_sender tx;   /* of a thread that sends */
    num_receiver rx; /* of the one that adds up */
    long sum;
    int rc;
};

static void *send_numbers(void *arg)
{
    struct thread *t = arg;
    for (long n = 1; n <= count && t->rc == 0; n++)
        t->rc = num_send(t->tx, n);
    weir_close(t->tx);
    return NULL;
}

static void *add_up(void *arg)
{
    struct thread *t = arg;
    long n;
    while ((t->rc = num_recv(t->rx, &n)) > 0)
        t->sum += n;
    weir_close(t->rx);
    return NULL;
}

static int twice(void *arg)
{
    struct ends *e = arg;
    long n;
    int rc;
    while ((rc = num_recv(e->in, &n)) > 0)
        if ((rc = num_send(e->out, 2 * n)) < 0)
            break;
    return rc;
}

static int actors(void *arg)
{
    struct ends *e = arg;
    int rc = 0;
    for (int i = 0; rc == 0 && i < ACTORS; i++)
        rc = weir_spawn(WEIR_RUN, twice, e, .own = WEIR_OWN(struct ends, in, out));
    return rc;
}

int main(int argc, char **argv)
{
    char *end = "";
    struct thread senders[SENDERS], adder = {.sum = 0};
    struct ends e;
    num_sender tx;
    int rc;
    if (argc > 1)
        count = strtol(argv[1], &end, 10);
    if (argc > 2 || *end || count < 0 || count > 1000000)
        return fputs("Usage: threads [NUMBERS]\n", stderr), 2;
    if ((rc = num_channel(&tx, &e.in, 0)) < 0 || (rc = num_channel(&e.out, &adder.rx, 16)) < 0)
        return fprintf(stderr, "threads: %s\n", weir_error_text(rc)), 1;
    if (pthread_create(&adder.id, NULL, add_up, &adder) != 0)
        abort();
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct thread){.tx = num_sender_clone(tx)};
        if (pthread_create(&senders[i].id, NULL, send_numbers, &senders[i]) != 0)
            abort();
    }
    weir_close(tx);
    rc = weir_run(actors, &e, NULL); /* until the actors have seen the end */
    weir_close(e.in);
    weir_close(e.out);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(senders[i].id, NULL);
    pthread_join(adder.id, NULL);
    printf("the sum is %ld\n", adder.sum);
    return rc < 0 || adder.rc < 0 || adder.sum != SENDERS * count * (count + 1);
}
