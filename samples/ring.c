/* SPDX-License-Identifier: MIT */
/*
 * ring.c - actors stand in a ring and pass a token on until its hops are used up. The one
 * that has it then says so and leaves; its ends close, and that sends everybody home.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

WEIR_TYPE(token, long)

struct actor {
    long number;
    token_receiver left;
    token_sender right;
    token_sender last;
};

struct ring {
    long actors;
    long hops;
    long last; /* out: the number of the actor that had the token at the end */
};

static int pass_on(void *arg)
{
    struct actor *a = arg;
    long hops;
    int rc;
    while ((rc = token_recv(a->left, &hops)) > 0) {
        if (hops == 0)
            return token_send(a->last, a->number);
        if ((rc = token_send(a->right, hops - 1)) < 0)
            break;
    }
    return rc == WEIR_EPIPE ? 0 : rc; /* the right one has left already */
}

/* Actor i receives from link i and sends to link i + 1; the last one sends to link 0. */
static int spawn_ring(weir_group g, const struct ring *r, token_sender first, token_receiver left,
                      token_sender last)
{
    int rc = 0;
    for (long i = 0; rc == 0 && i < r->actors; i++) {
        struct actor a = {.number = i, .left = left, .last = last};
        if (i + 1 == r->actors)
            a.right = token_sender_clone(first);
        else if ((rc = token_channel(&a.right, &left, 1)) < 0)
            break;
        rc = weir_spawn(g, pass_on, &a, .give = WEIR_GIVE(struct actor, left, right),
                        .own = WEIR_OWN(struct actor, last));
    }
    return rc;
}

static int run_ring(void *arg)
{
    struct ring *r = arg;
    token_sender first, last_tx;
    token_receiver left, last_rx;
    int rc;
    if ((rc = token_channel(&first, &left, 1)) < 0 ||
        (rc = token_channel(&last_tx, &last_rx, 1)) < 0)
        return rc;
    weir_group g = weir_group_begin();
    rc = spawn_ring(g, r, first, left, last_tx);
    if (rc == 0)
        rc = token_send(first, r->hops);
    weir_close(first);
    weir_close(last_tx);
    if (rc == 0)
        rc = token_recv(last_rx, &r->last);
    return weir_group_end_with(g, rc);
}

int main(int argc, char **argv)
{
    struct ring r = {.actors = 1000, .hops = 100000, .last = -1};
    char *end = "", *end2 = "";
    if (argc > 1)
        r.actors = strtol(argv[1], &end, 10);
    if (argc > 2)
        r.hops = strtol(argv[2], &end2, 10);
    if (argc > 3 || *end || *end2 || r.actors < 1 || r.actors > 1000000 || r.hops < 0) {
        fputs("Usage: ring [ACTORS [HOPS]]\n", stderr);
        return 2;
    }
    weir_time began = weir_now();
    int rc = weir_run(run_ring, &r, NULL);
    if (rc < 0)
        fprintf(stderr, "ring: %s\n", weir_error_text(rc));
    else
        printf("%ld hops around %ld actors in %.3f s: the token ends at actor %ld\n", r.hops,
               r.actors, (double)(weir_now() - began) / (double)WEIR_S, r.last);
    return rc < 0 || r.last != r.hops % r.actors;
}
