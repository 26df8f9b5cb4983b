/* SPDX-License-Identifier: MIT */
/*
 * sieve.c - prime numbers from a chain of actors. The first sends 2, 3, 4, ...; each prime
 * that comes out at the end adds an actor there that lets its multiples go no further.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

WEIR_TYPE(num, int)

struct filter {
    int prime;
    num_receiver in;
    num_sender out;
};

static int generate(void *arg)
{
    struct filter *f = arg;
    int rc = 0;
    for (int n = 2; rc == 0; n++)
        rc = num_send(f->out, n);
    return rc == WEIR_EPIPE ? 0 : rc; /* nobody wants more */
}

static int filter(void *arg)
{
    struct filter *f = arg;
    int n, rc;
    while ((rc = num_recv(f->in, &n)) > 0)
        if (n % f->prime != 0 && (rc = num_send(f->out, n)) < 0)
            break;
    return rc == WEIR_EPIPE ? 0 : rc;
}

/* Prints primes until it has printed `count`; *in is the end of the chain. */
static int extend(weir_group g, num_receiver *in, int count)
{
    struct filter f;
    int rc = 1;
    while (count-- > 0 && (rc = num_recv(*in, &f.prime)) > 0) {
        printf("%d\n", f.prime);
        f.in = *in;
        rc = num_channel(&f.out, in, 0);
        if (rc == 0)
            rc = weir_spawn(g, filter, &f, .name = "filter",
                            .give = WEIR_GIVE(struct filter, in, out));
        if (rc < 0) { /* the chain before it must see the end, or it would wait for ever */
            weir_close(f.in);
            return rc;
        }
    }
    return rc < 0 ? rc : 0;
}

static int sieve(void *arg)
{
    struct filter f = {.prime = 1};
    num_receiver in;
    int rc = num_channel(&f.out, &in, 0);
    if (rc < 0)
        return rc;
    weir_group g = weir_group_begin();
    rc = weir_spawn(g, generate, &f, .name = "generate", .give = WEIR_GIVE(struct filter, out));
    if (rc == 0)
        rc = extend(g, &in, *(const int *)arg);
    weir_close(in); /* WEIR_EPIPE runs back along the chain */
    return weir_group_end_with(g, rc);
}

int main(int argc, char **argv)
{
    char *end = "";
    long n = argc > 1 ? strtol(argv[1], &end, 10) : 100;
    if (argc > 2 || *end || n < 0 || n > 10000) {
        fputs("Usage: sieve [HOW-MANY-PRIMES]\n", stderr);
        return 2;
    }
    int count = (int)n;
    int rc = weir_run(sieve, &count, NULL);
    if (rc < 0)
        fprintf(stderr, "sieve: %s\n", weir_error_text(rc));
    return rc < 0 || fflush(stdout) != 0;
}
