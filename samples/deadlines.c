/* SPDX-License-Identifier: MIT */
/* deadlines.c - around a stretch of code, however deep its calls go, or for a single call. */
#include <stdio.h>

#include <weir/weir.h>

WEIR_TYPE(number, int)

static int slow(void)
{
    int rc = weir_sleep(3600 * WEIR_S);
    if (rc == 0)
        printf("this is never printed\n");
    return rc;
}

static int app(void *unused)
{
    number_sender tx;
    number_receiver rx;
    int rc, n;
    (void)unused;

    weir_auto(weir_scope) some_time = weir_move_on_after(20 * WEIR_MS);
    rc = slow();
    int fired = weir_scope_end(some_time);
    if (rc < 0 && fired != 1)
        return rc; /* not our deadline: somebody has cancelled us */
    printf("move on after: %s, and its end returns %d\n", weir_error_name(rc), fired);

    weir_auto(weir_scope) no_more = weir_fail_after(20 * WEIR_MS);
    slow();
    rc = weir_scope_end(no_more);
    printf("fail after: %s\n", weir_error_text(rc));

    weir_auto(weir_scope) enough = weir_fail_after(3600 * WEIR_S);
    rc = weir_sleep(WEIR_MS);
    printf("in time: %s, %s\n", weir_error_name(rc), weir_error_name(weir_scope_end(enough)));

    if ((rc = number_channel(&tx, &rx, 0)) < 0)
        return rc;
    rc = number_recv_by(rx, &n, weir_after(20 * WEIR_MS));
    printf("a single call: %s\n", weir_error_name(rc));
    return 0;
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
