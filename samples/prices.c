/* SPDX-License-Identifier: MIT */
/*
 * prices.c - a broadcast: a feed of prices of which the alarm gets each and every one, and a slow
 * chart the latest, and is told how many it has missed. And a watch: a setting that may change
 * while they run.
 */
#include <stdio.h>

#include <weir/weir.h>

enum { PRICES = 2000, BEHIND = 64 };
WEIR_TYPE(price, int)
WEIR_TYPE(limit, int)

static int feed(void *arg)
{
    price_sender *out = arg;
    int rc = 0;
    for (int i = 0; i < PRICES && rc == 0; i++)
        rc = price_send(*out, 100 + i * 7 % 50); /* waits for the alarm, not for the chart */
    return rc;
}

/* Takes its time. */
static int draw(void *arg)
{
    price_receiver *in = arg;
    long drawn = 0, missed = 0;
    int price, rc;
    while ((rc = price_recv(*in, &price)) != 0) {
        if (rc == WEIR_ELOST) {
            missed += (long)price_broadcast_lost(*in);
            continue;
        }
        if (rc > 0 && ++drawn % 50 == 0)
            rc = weir_sleep(WEIR_MS);
        if (rc < 0)
            return rc;
    }
    printf("chart: %ld prices, of which %ld drawn\n", drawn + missed, drawn);
    return 0;
}

struct alarm {
    price_receiver in;
    limit_receiver limits;
};

static int watch_out(void *arg)
{
    struct alarm *a = arg;
    long seen = 0, high = 0;
    int price, limit = 0, rc;
    while ((rc = price_recv(a->in, &price)) > 0) {
        limit_watch_read(a->limits, &limit); /* as it is now; there always is one */
        seen++;
        high += price > limit;
    }
    printf("alarm: %ld prices, of which %ld high\n", seen, high);
    return rc;
}

static int app(void *unused)
{
    price_sender prices;
    price_receiver chart;
    limit_sender limits;
    struct alarm alarm;
    int first = 120, rc;
    (void)unused;
    if ((rc = price_broadcast(&prices, &alarm.in, BEHIND, WEIR_LOSE_NOTHING)) < 0 ||
        (rc = limit_watch(&limits, &alarm.limits, &first)) < 0)
        return rc;
    chart = price_broadcast_subscribe(prices, WEIR_LOSE_OLDEST);
    weir_spawn(WEIR_RUN, draw, &chart, .give = WEIR_GIVE(price_receiver, h));
    weir_spawn(WEIR_RUN, watch_out, &alarm, .give = WEIR_GIVE(struct alarm, in, limits));
    weir_spawn(WEIR_RUN, feed, &prices, .give = WEIR_GIVE(price_sender, h));
    if ((rc = weir_sleep(WEIR_MS)) == 0)
        rc = limit_send(limits, 140);
    return rc == WEIR_EPIPE ? 0 : rc; /* the alarm has ended before */
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
