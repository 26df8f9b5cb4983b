/* SPDX-License-Identifier: MIT */
/*
 * errors.c - one child fails, and cancels the others; a second one fails while it cleans up. All
 * errors can be asked for. An isolated child fails alone.
 */
#include <stdio.h>

#include <weir/weir.h>

static int hasty(void *unused)
{
    (void)unused;
    return WEIR_EINVAL;
}

static int calm(void *unused)
{
    (void)unused;
    int rc = weir_sleep(WEIR_NEVER);
    weir_cause why = weir_cancel_cause();
    printf("calm: %s by %s: %s\n", weir_error_text(rc), why.by, why.reason);
    return rc; /* cancelled, so this is not a failure of its own */
}

static int unlucky(void *unused)
{
    (void)unused;
    weir_sleep(WEIR_NEVER);
    return WEIR_ENOMEM; /* so much for the clean-up */
}

static int app(void *unused)
{
    weir_failure f;
    weir_exit end;
    weir_task loner = {0};
    weir_receiver exits;
    int rc;
    (void)unused;
    weir_auto(weir_group) g = weir_group_begin();
    if ((rc = weir_spawn(g, hasty, NULL, .name = "loner", .isolated = true, .task = &loner)) < 0 ||
        (rc = weir_monitor(loner, &exits)) < 0 || (rc = weir_recv(exits, &end)) < 0)
        return rc;
    printf("%s, isolated: %s\n", end.name, weir_error_text(end.result));

    if ((rc = weir_spawn(g, calm, NULL, .name = "calm")) < 0 ||
        (rc = weir_spawn(g, unlucky, NULL, .name = "unlucky")) < 0 ||
        (rc = weir_spawn(g, hasty, NULL, .name = "hasty")) < 0)
        return rc;
    rc = weir_group_wait(g); /* as weir_group_end(), but one can still ask */
    printf("the group: %s\n", weir_error_text(rc));
    for (unsigned i = 0; weir_group_error(g, i, &f) > 0; i++)
        printf("%s: %s\n", f.name, weir_error_text(f.error));
    weir_group_end(g);
    return 0;
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
