/* SPDX-License-Identifier: MIT */
/* pingpong.c - two actors and two rendezvous channels: how long does a round trip take? */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

WEIR_TYPE(ball, long)

struct player {
    ball_sender out;
    ball_receiver in;
};

static long round_trips = 200000;

/* Returns every ball with one more stroke on it. */
static int pong(void *arg)
{
    struct player *p = arg;
    long ball;
    int rc;
    while ((rc = ball_recv(p->in, &ball)) > 0)
        if ((rc = ball_send(p->out, ball + 1)) < 0)
            break;
    return rc;
}

static int ping(struct player *p, long *ball)
{
    *ball = 0;
    for (long i = 0; i < round_trips; i++) {
        int rc = ball_send(p->out, *ball + 1);
        if (rc == 0)
            rc = ball_recv(p->in, ball);
        if (rc <= 0)
            return rc < 0 ? rc : WEIR_EPIPE; /* the end, before we had all */
    }
    return 0;
}

static int play(void *arg)
{
    struct player here, there;
    long ball = 0;
    int rc;
    if ((rc = ball_channel(&here.out, &there.in, 0)) < 0 ||
        (rc = ball_channel(&there.out, &here.in, 0)) < 0)
        return rc;
    weir_group g = weir_group_begin();
    rc = weir_spawn(g, pong, &there, .name = "pong", .give = WEIR_GIVE(struct player, out, in));
    if (rc == 0) {
        weir_time began = weir_now();
        rc = ping(&here, &ball);
        weir_time took = weir_now() - began;
        printf("%ld round trips, %ld strokes\n", round_trips, ball);
        if (took > 0)
            printf("%.0f round trips/s, %.0f ns each\n",
                   (double)round_trips * (double)WEIR_S / (double)took,
                   (double)took / (double)round_trips);
    }
    weir_close(here.out); /* pong sees the end */
    *(long *)arg = ball;
    return weir_group_end_with(g, rc);
}

int main(int argc, char **argv)
{
    char *end = "";
    long strokes = 0;
    if (argc > 1)
        round_trips = strtol(argv[1], &end, 10);
    if (argc > 2 || *end || round_trips < 1 || round_trips > 1000000000) {
        fputs("Usage: pingpong [ROUND-TRIPS]\n", stderr);
        return 2;
    }
    int rc = weir_run(play, &strokes, NULL);
    if (rc < 0)
        fprintf(stderr, "pingpong: %s\n", weir_error_text(rc));
    return rc < 0 || strokes != 2 * round_trips;
}
