/* SPDX-License-Identifier: MIT */
/* channel.c - one actor sends, another one receives until the end. */
#include <stdio.h>

#include <weir/weir.h>

struct text {
    char text[24];
};
WEIR_TYPE(text, struct text) /* items are copied, like any struct */

static int print(void *arg)
{
    const text_receiver *rx = arg;
    struct text item;
    int rc;
    while ((rc = text_recv(*rx, &item)) > 0)
        printf("received %s\n", item.text);
    if (rc == 0)
        printf("that was all\n");
    return rc;
}

static int app(void *unused)
{
    text_sender tx;
    text_receiver rx;
    struct text item;
    int rc;
    (void)unused;
    weir_auto(weir_group) g = weir_group_begin();
    if ((rc = text_channel(&tx, &rx, 0)) < 0 || /* capacity 0: a send waits until it is taken */
        (rc = weir_spawn(g, print, &rx, .give = WEIR_GIVE(text_receiver, h))) < 0)
        return rc;
    for (int i = 0; i < 5 && rc == 0; i++) {
        snprintf(item.text, sizeof item.text, "number %d", i);
        rc = text_send(tx, item); /* WEIR_EPIPE: the receiver is closed */
    }
    weir_close(tx);
    return weir_group_end_with(g, rc);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
