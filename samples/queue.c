/* SPDX-License-Identifier: MIT */
/*
 * queue.c - a queue as one knows it, into which one actor puts and from which it takes as well:
 * both ends of a channel in a struct.
 */
#include <stdio.h>

#include <weir/weir.h>

WEIR_TYPE(number, int)

struct queue {
    number_sender put;
    number_receiver get;
};

static int app(void *unused)
{
    struct queue q;
    weir_statistics s;
    int rc, n;
    (void)unused;
    /* With capacity 0 an actor that puts waits for another one that gets. */
    if ((rc = number_channel(&q.put, &q.get, 3)) < 0)
        return rc;
    for (int i = 1; i <= 3 && rc == 0; i++)
        rc = number_send(q.put, i * i);
    if (rc < 0 || (rc = weir_channel_statistics(q.get, &s)) < 0)
        return rc;
    printf("%zu of %zu places are taken\n", s.buffered, s.capacity);
    printf("one more: %s\n", weir_error_text(number_try_send(q.put, 16)));
    weir_close(q.put); /* what is in it can still be taken */
    while ((rc = number_recv(q.get, &n)) > 0)
        printf("%d\n", n);
    return rc;
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
