/* SPDX-License-Identifier: MIT */
/*
 * clones.c - several producers and several consumers on one channel: each has a clone of its own,
 * and each item goes to one consumer. The channel ends when the last sender is closed.
 */
#include <stdio.h>

#include <weir/weir.h>

WEIR_TYPE(number, int)

struct producer {
    number_sender tx;
    int from;
};

static int produce(void *arg)
{
    const struct producer *p = arg;
    int rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = number_send(p->tx, p->from + i);
    return rc; /* its clone is closed here */
}

static int consume(void *arg)
{
    const number_receiver *rx = arg;
    int n, rc;
    while ((rc = number_recv(*rx, &n)) > 0)
        printf("received %d\n", n);
    return rc;
}

static int app(void *unused)
{
    struct producer p;
    number_receiver rx;
    int rc;
    (void)unused;
    weir_auto(weir_group) g = weir_group_begin();
    if ((rc = number_channel(&p.tx, &rx, 0)) < 0)
        return rc;
    for (int i = 1; i <= 2 && rc == 0; i++) {
        p.from = i * 10;
        if ((rc = weir_spawn(g, produce, &p, .own = WEIR_OWN(struct producer, tx))) == 0)
            rc = weir_spawn(g, consume, &rx, .own = WEIR_OWN(number_receiver, h));
    }
    weir_close(p.tx); /* the clones are left; number_sender_clone() makes one by hand */
    weir_close(rx);
    return weir_group_end_with(g, rc);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
