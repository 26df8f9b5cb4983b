/* SPDX-License-Identifier: MIT */
/* S12: n actors are parked and nothing happens until the standard input ends. */
#include "crowd.h"

#include <pthread.h>

static void *wait_for_input(void *sender)
{
    bench_ready();
    must(num_send(*(num_sender *)sender, 1));
    return NULL;
}

double idle(const bench_args *args, uint64_t n)
{
    struct crowd crowd;
    num_sender tx;
    num_receiver rx;
    pthread_t thread;
    uint64_t item;

    (void)args;
    must(num_channel(&tx, &rx, 1));
    crowd_gather(&crowd, n);
    if (pthread_create(&thread, NULL, wait_for_input, &tx))
        bench_fail("idle: cannot start a thread");
    must(num_recv(rx, &item));
    pthread_join(thread, NULL);
    crowd_dismiss(&crowd);
    must(weir_close(tx));
    must(weir_close(rx));
    return 0;
}
