/* SPDX-License-Identifier: MIT */
/* event.c - something happens, once and for good, and all who waited for it go on. */
#include <stdio.h>

#include <weir/weir.h>

static int notify(void *arg)
{
    const weir_event *event = arg;
    return weir_event_set(*event);
}

static int listen(void *arg)
{
    const weir_event *event = arg; /* borrowed: the handle is app's */
    int rc = weir_event_wait(*event);
    if (rc == 0)
        printf("%s was notified\n", weir_actor_name());
    return rc;
}

static int app(void *unused)
{
    int rc;
    (void)unused;
    weir_auto(weir_event) event = weir_event_open();
    weir_auto(weir_group) g = weir_group_begin(); /* ends before the event is closed */
    if ((rc = weir_spawn(g, listen, &event, .name = "Ada")) < 0 ||
        (rc = weir_spawn(g, listen, &event, .name = "Grace")) < 0 ||
        (rc = weir_spawn(g, notify, &event)) < 0 || (rc = weir_event_wait(event)) < 0)
        return rc;
    printf("the event is set: %d\n", weir_event_is_set(event)); /* and cannot be cleared */
    return weir_group_end(g);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
