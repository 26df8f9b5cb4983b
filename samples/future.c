/* SPDX-License-Identifier: MIT */
/* future.c - a value that will be there: three wait for it, one provides it. */
#include <stdio.h>

#include <weir/weir.h>

static int reader(void *arg)
{
    const weir_future *answer = arg;
    int value, rc = weir_future_get(*answer, &value);
    if (rc == 0)
        printf("%s has got %d\n", weir_actor_name(), value);
    else
        printf("%s: %s\n", weir_actor_name(), weir_error_text(rc));
    return 0;
}

static int read_by_three(weir_group g, const weir_future *answer)
{
    static const char *const names[] = {"Ada", "Barbara", "Grace"};
    int rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = weir_spawn(g, reader, answer, .name = names[i]);
    return rc;
}

static int app(void *unused)
{
    int rc;
    (void)unused;
    weir_auto(weir_future) answer = weir_future_open(sizeof(int));
    weir_auto(weir_future) never = weir_future_open(sizeof(int));
    weir_auto(weir_group) g = weir_group_begin();
    if ((rc = read_by_three(g, &answer)) < 0 || (rc = weir_future_set(answer, &(int){42})) < 0)
        return rc;
    printf("once more: %s\n", weir_error_text(weir_future_set(answer, &(int){43})));
    if ((rc = read_by_three(g, &never)) < 0 || (rc = weir_future_fail(never, WEIR_ETIMEDOUT)) < 0)
        return rc;
    return weir_group_end(g);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}
