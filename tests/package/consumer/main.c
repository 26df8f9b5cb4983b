/* SPDX-License-Identifier: MIT */
/* main.c - one item through a channel of the installed weir. */
#include <stdio.h>

#include <weir/weir.h>

static int app(void *arg)
{
    weir_sender tx;
    weir_receiver rx;
    int sent = *(int *)arg, received = 0;
    int rc = weir_channel_open(&tx, &rx, sizeof sent, 1, NULL);
    if (rc < 0 || (rc = weir_send(tx, &sent)) < 0 || (rc = weir_recv(rx, &received)) < 0)
        return rc;
    return received == sent ? 0 : WEIR_EINVAL;
}

int main(void)
{
    int number = 42;
    int rc = weir_run(app, &number, NULL);
    if (rc < 0)
        fprintf(stderr, "%s\n", weir_error_text(rc));
    return rc < 0;
}
